/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The safepoint on a driver's loop back-edges serves what is due, and lets others run in a long
 * loop. */
#include "cpu/processor.h"
#include "nt_kit.h"
#include "util/export.h"

static void poll(ULONG turns)
{
	void NTAPI (*imported)(ULONG) = export_find("__dry_poll")->address;

	imported(turns);
}

static _Atomic int served;

static bool serve(struct cpu_interrupt *interrupt)
{
	served = 1;
	return true;
}

static void *raise_from_outside(void *interrupt)
{
	cpu_interrupt_raise(interrupt);
	return NULL;
}

NT_TEST(an_interrupt_that_is_pending_comes_at_the_poll)
{
	struct cpu_interrupt interrupt = {.irql = 5, .cpu = 0, .service = serve};
	pthread_t outside;

	served = 0;
	pthread_create(&outside, NULL, raise_from_outside, &interrupt);
	/* no safepoint in here: pending, and not served */
	pthread_join(outside, NULL);
	CHECK_EQUAL(served, 0);
	poll(64);
	CHECK_EQUAL(served, 1);
}

static void other_thread(void *ctx)
{
	served = 2;
}

NT_TEST(a_loop_of_a_thousand_turns_lets_another_thread_run)
{
	struct cpu_thread *other;
	ULONG turns = 0;

	served = 0;
	other = cpu_thread_new(other_thread, NULL, 0, "other");
	while (served != 2 && turns < 64 * 1024)
		poll(turns += 64);
	CHECK_EQUAL(served, 2);
	CHECK(turns <= 1024); /* earlier where its time slice was over */
	cpu_thread_join(other);
	cpu_thread_free(other);
}

static unsigned steps, steps_at_poll;
static struct cpu_agent *device;

static void step(void *ctx)
{
	steps++;
}

static void kick_and_look_at_memory(struct cpu_dpc *dpc)
{
	cpu_agent_kick(device);
	CHECK_EQUAL(steps, 0);
	poll(64);
	steps_at_poll = steps;
}

/* As a DPC's kick is held till its end, one that waits in a loop of its own would wait for itself.
 */
NT_TEST(a_device_on_this_processor_is_stepped_at_the_poll)
{
	struct cpu_dpc dpc = {.fn = kick_and_look_at_memory, .cpu = CPU_HERE};

	cpu_agent_init(true);
	device = cpu_agent_new(step, NULL, "device");
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_dpc_flush();
	cpu_agent_free(device);
	CHECK_EQUAL(steps_at_poll, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interrupt_that_is_pending_comes_at_the_poll),
		cmocka_unit_test(a_device_on_this_processor_is_stepped_at_the_poll),
		cmocka_unit_test(a_loop_of_a_thousand_turns_lets_another_thread_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
