/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Station 6: line and messages reach the miniport at DIRQL under their lock; its DPCs (LK-10). */
#include "world.h"

static struct {
	_Atomic unsigned calls, messages[WORLD_MESSAGES];
	KIRQL irql;
	bool held;
	unsigned processor;
	BOOLEAN claims;
} isr;

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&isr, 0, sizeof(isr));
	isr.claims = TRUE;
	return 0;
}

#define isr_test(name) cmocka_unit_test_setup(name, setup)

/* ---- the line ---- */

static BOOLEAN line(void)
{
	isr.irql = KeGetCurrentIrql();
	isr.held = cpu_spin_is_held(&world.adapter->interrupt_lock.lock);
	bus_line_set(world.function, false); /* the device's cause is gone */
	atomic_fetch_add(&isr.calls, 1);
	return isr.claims;
}

static void assert_line(void)
{
	bus_line_set(world.function, true);
	world_wait(isr.calls == 1);
	bus_line_set(world.function, true);
	world_wait(isr.calls == 2);
	expect_is(isr.irql, STOR_DIRQL);
	expect(isr.held);
}

/* 4.2: Interrupt */
static void the_line_calls_hw_interrupt_at_dirql_under_the_interrupt_lock(void **state)
{
	miniport.line = true;
	miniport.interrupt = line;
	world_good(assert_line);
	/* A device with messages whose miniport has no routine for them is used by its line. */
	setup(NULL);
	miniport.interrupt = line;
	world_good(assert_line);
}

static void wait_under_lock(void)
{
	STOR_LOCK_HANDLE handle;

	StorPortAcquireSpinLock(world.ext, InterruptLock, NULL, &handle);
	bus_line_set(world.function, true);
	for (unsigned n = 0; n < 100; n++)
		cpu_poll();
	expect_is(isr.calls, 0);
	StorPortReleaseSpinLock(world.ext, &handle);
	expect_is(isr.calls, 1); /* at once: the IRQL is low again */
}

static void the_interrupt_lock_keeps_the_isr_away(void **state)
{
	miniport.line = true;
	miniport.interrupt = line;
	world_good(wait_under_lock);
}

static BOOLEAN line_raising(void)
{
	KIRQL old;

	line();
	KeRaiseIrql(HIGH_LEVEL, &old);
	return TRUE;
}

static void raise_line(void)
{
	bus_line_set(world.function, true);
	world_wait(isr.calls == 1);
	expect_violation(0, "SpChangeIrql");
	expect_has(world.violation, "HwStorInterrupt");
}

static void an_isr_that_leaves_another_irql_is_reported(void **state)
{
	miniport.line = true;
	miniport.interrupt = line_raising;
	world_run(DMA_CALLBACK_QUEUED, raise_line);
}

/* ---- messages ---- */

static BOOLEAN NTAPI message(PVOID ext, ULONG number)
{
	expect_is(ext, world.ext);
	expect(number < WORLD_MESSAGES);
	isr.irql = KeGetCurrentIrql();
	isr.processor = cpu_self->number;
	isr.held = world.adapter->per_message
			   ? cpu_spin_is_held(&world.adapter->vectors[number].lock.lock)
			   : cpu_spin_is_held(&world.adapter->interrupt_lock.lock);
	for (ULONG n = 0; n < WORLD_MESSAGES; n++)
		if (n != number)
			expect(!cpu_spin_is_held(&world.adapter->vectors[n].lock.lock));
	atomic_fetch_add(&isr.messages[number], 1);
	return TRUE;
}

static void send_each(void)
{
	for (unsigned n = 0; n < WORLD_MESSAGES; n++) {
		bus_message_send(world.function, n);
		world_wait(isr.messages[n] == 1);
		expect_is(isr.irql, STOR_DIRQL);
		expect(isr.held);
	}
	bus_line_set(world.function, true); /* silent with messages on */
	cpu_poll();
	expect_is(isr.calls, 0);
	bus_line_set(world.function, false);
}

/* 4.2: MSInterrupt, SynchronizePerMessage */
static void each_message_comes_with_its_number_under_its_own_lock(void **state)
{
	miniport.message = message;
	miniport.interrupt = line;
	world_good(send_each);
}

static void synchronize_all(PPORT_CONFIGURATION_INFORMATION config)
{
	config->InterruptSynchronizationMode = InterruptSynchronizeAll;
}

/* 4.2: MSInterrupt, SynchronizeAll */
static void synchronize_all_has_one_lock_for_all_messages(void **state)
{
	miniport.message = message;
	miniport.find = synchronize_all;
	world_good(send_each);
}

static void message_info(void)
{
	MESSAGE_INTERRUPT_INFORMATION info;
	ULONG first;

	expect_is(StorPortGetMSIInfo(world.ext, 0, &info), STOR_STATUS_SUCCESS);
	first = info.MessageData;
	expect(first >= 0x10); /* vectors below are the processor's own */
	for (ULONG n = 0; n < WORLD_MESSAGES; n++) {
		memset(&info, 0xff, sizeof(info));
		expect_is(StorPortGetMSIInfo(world.ext, n, &info), STOR_STATUS_SUCCESS);
		expect_is(info.MessageId, n);
		/* what stands in the table: a PC's local APIC, another vector for each */
		expect_is(info.MessageAddress.QuadPart & ~0xff000ll, 0xfee00000);
		expect_is(info.MessageData, first + n);
		expect_is(info.InterruptMode, Latched);
	}
	expect_is(StorPortGetMSIInfo(world.ext, WORLD_MESSAGES, &info),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetMSIInfo(world.ext, 0, NULL), STOR_STATUS_INVALID_PARAMETER);
}

/* covers: StorPortGetMSIInfo */
static void every_granted_message_can_be_asked_for(void **state)
{
	miniport.message = message;
	world_good(message_info);
}

/* Two messages on two processors: each ISR waits until the other is inside. */
static _Atomic int together;
static _Atomic bool met;

static BOOLEAN NTAPI meet(PVOID ext, ULONG number)
{
	uint64_t end = cpu_clock() + 10000000000ull;

	atomic_fetch_add(&together, 1);
	while (atomic_load(&together) < 2 && cpu_clock() < end)
		cpu_relax();
	if (atomic_load(&together) == 2)
		atomic_store(&met, true);
	atomic_fetch_add(&isr.messages[number], 1);
	return TRUE;
}

static void send_two(void)
{
	bus_message_send(world.function, 1); /* processor 1 */
	bus_message_send(world.function, 0);
	world_wait(isr.messages[0] && isr.messages[1]);
}

/* 4.2: "other messages may run in parallel" */
static void messages_run_in_parallel_on_two_processors(void **state)
{
	miniport.cpus = 2;
	miniport.message = meet;
	together = 0;
	met = false;
	world_good(send_two);
	assert_true(met);
}

static _Atomic int inside, most;

static BOOLEAN NTAPI alone(PVOID ext, ULONG number)
{
	int now = atomic_fetch_add(&inside, 1) + 1;

	if (now > atomic_load(&most))
		atomic_store(&most, now);
	cpu_stall(2000000);
	atomic_fetch_sub(&inside, 1);
	atomic_fetch_add(&isr.messages[number], 1);
	return TRUE;
}

static void synchronize_all_runs_one_message_at_a_time(void **state)
{
	miniport.cpus = 2;
	miniport.message = alone;
	miniport.find = synchronize_all;
	inside = most = 0;
	world_good(send_two);
	assert_int_equal(most, 1);
}

/* ---- DPCs ---- */

static struct {
	STOR_DPC dpc;
	_Atomic unsigned runs;
	_Atomic int inside, most;
	PVOID argument1, argument2;
	KIRQL irql;
	bool startio_held;
	uint64_t stall;
} d;

static VOID NTAPI dpc_routine(PSTOR_DPC dpc, PVOID ext, PVOID argument1, PVOID argument2)
{
	int now = atomic_fetch_add(&d.inside, 1) + 1;

	if (now > atomic_load(&d.most))
		atomic_store(&d.most, now);
	expect_is(dpc, &d.dpc);
	expect_is(ext, world.ext);
	d.argument1 = argument1;
	d.argument2 = argument2;
	d.irql = KeGetCurrentIrql();
	d.startio_held = cpu_spin_is_held(&world.adapter->startio_lock.lock);
	if (d.stall)
		cpu_stall(d.stall);
	atomic_fetch_sub(&d.inside, 1);
	atomic_fetch_add(&d.runs, 1);
}

static void issue(void)
{
	KIRQL old;

	memset(&d, 0, sizeof(d));
	StorPortInitializeDpc(world.ext, &d.dpc, dpc_routine);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect(StorPortIssueDpc(world.ext, &d.dpc, &isr, &d));
	/* LK-10: one insertion at a time; the arguments are the first's. */
	expect(!StorPortIssueDpc(world.ext, &d.dpc, NULL, NULL));
	expect_is(d.runs, 0);
	KeLowerIrql(old);
	expect_is(d.runs, 1);
	expect_is(d.argument1, &isr);
	expect_is(d.argument2, &d);
	expect_is(d.irql, DISPATCH_LEVEL);
	expect(!d.startio_held); /* 4.2: no lock */
	expect(StorPortIssueDpc(world.ext, &d.dpc, NULL, NULL));
	world_wait(d.runs == 2);
}

/* covers: StorPortInitializeDpc, StorPortIssueDpc */
static void a_dpc_is_queued_once_and_runs_at_dispatch_without_a_lock(void **state)
{
	world_good(issue);
}

static void issue_many(void *ctx)
{
	for (unsigned n = 0; n < 20; n++) {
		StorPortIssueDpc(world.ext, &d.dpc, NULL, NULL);
		cpu_stall(100000);
	}
}

static void issue_on_both(void)
{
	struct cpu_thread *thread;

	memset(&d, 0, sizeof(d));
	d.stall = 500000;
	StorPortInitializeDpc(world.ext, &d.dpc, dpc_routine);
	thread = cpu_thread_new(issue_many, NULL, 1, "other");
	issue_many(NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	cpu_dpc_flush();
	expect(d.runs > 2);
	expect_is(d.most, 1);
}

/* LK-10: "a DPC is always serial with itself" */
static void a_dpc_never_runs_on_two_processors_at_once(void **state)
{
	miniport.cpus = 2;
	world_good(issue_on_both);
}

static VOID NTAPI dpc_lowering(PSTOR_DPC dpc, PVOID ext, PVOID argument1, PVOID argument2)
{
	KeLowerIrql(APC_LEVEL);
	atomic_fetch_add(&d.runs, 1);
}

static void issue_lowering(void)
{
	memset(&d, 0, sizeof(d));
	StorPortInitializeDpc(world.ext, &d.dpc, dpc_lowering);
	StorPortIssueDpc(world.ext, &d.dpc, NULL, NULL);
	world_wait(d.runs == 1);
	expect_violation(0, "SpChangeIrql");
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void a_dpc_that_leaves_another_irql_is_reported(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, issue_lowering);
}

static void bad_dpcs(void)
{
	STOR_DPC never;

	StorPortInitializeDpc(world.ext, NULL, dpc_routine);
	expect_violation(0, "StorPortInitializeDpc");
	StorPortInitializeDpc(world.ext, &d.dpc, NULL);
	expect_violation(0, "StorPortInitializeDpc");
	memset(&never, 0, sizeof(never));
	expect(!StorPortIssueDpc(world.ext, &never, NULL, NULL));
	expect_is(atomic_exchange(&world.violations, 0), 1);
	expect(!StorPortIssueDpc(world.ext, NULL, NULL, NULL));
	expect_is(atomic_exchange(&world.violations, 0), 1);
}

/* covers: StorPortInitializeDpc */
static void bad_dpcs_are_reported_and_not_queued(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, bad_dpcs);
}

static void many_dpcs(void)
{
	static STOR_DPC dpcs[STOR_DPCS + 1];

	memset(&d, 0, sizeof(d));
	for (unsigned n = 0; n < STOR_DPCS; n++)
		StorPortInitializeDpc(world.ext, &dpcs[n], dpc_routine);
	/* The same one again takes no more room. */
	StorPortInitializeDpc(world.ext, &dpcs[7], dpc_routine);
	expect_is(world.violations, 0);
	StorPortInitializeDpc(world.ext, &dpcs[STOR_DPCS], dpc_routine);
	expect_violation(0, "DPC objects");
}

static void a_dpc_too_many_is_reported(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, many_dpcs);
}

/* ---- a DPC of an interrupt that a device sends between two DPCs ---- */

static struct {
	struct cpu_agent *agent;
	struct cpu_interrupt interrupt;
	struct cpu_dpc kicks;
	BOOLEAN issued[3];
	bool held[3];
	STOR_DPC other;
} answer;

static VOID NTAPI dpc_locking(PSTOR_DPC dpc, PVOID ext, PVOID argument1, PVOID argument2)
{
	const struct cpu_spinlock *own = (struct cpu_spinlock *)&dpc->Lock;
	STOR_LOCK_HANDLE startio, handle;

	d.argument1 = argument1;
	d.argument2 = argument2;
	d.irql = KeGetCurrentIrql();
	StorPortAcquireSpinLock(ext, DpcLock, dpc, &handle);
	StorPortAcquireSpinLock(ext, StartIoLock, NULL, &startio);
	answer.held[0] = cpu_spin_is_held(own);
	answer.held[1] = cpu_spin_is_held(&world.adapter->startio_lock.lock);
	StorPortReleaseSpinLock(ext, &startio);
	StorPortReleaseSpinLock(ext, &handle);
	answer.held[2] = cpu_spin_is_held(own) ||
			 cpu_spin_is_held(&world.adapter->startio_lock.lock) ||
			 KeGetCurrentIrql() != DISPATCH_LEVEL;
	atomic_fetch_add(&d.runs, 1);
}

static bool answer_service(struct cpu_interrupt *interrupt)
{
	answer.issued[0] = StorPortIssueDpc(world.ext, &d.dpc, &isr, &d);
	answer.issued[1] = StorPortIssueDpc(world.ext, &d.dpc, NULL, NULL);
	answer.issued[2] = StorPortIssueDpc(world.ext, &answer.other, &answer, NULL);
	return true;
}

static void answer_step(void *ctx)
{
	cpu_interrupt_raise(&answer.interrupt);
}

static void answer_kick(struct cpu_dpc *dpc)
{
	cpu_agent_kick(answer.agent);
}

static void issue_in_an_answer(void)
{
	memset(&d, 0, sizeof(d));
	memset(&answer, 0, sizeof(answer));
	StorPortInitializeDpc(world.ext, &d.dpc, dpc_locking);
	StorPortInitializeDpc(world.ext, &answer.other, dpc_locking);
	answer.agent = cpu_agent_new_inline(answer_step, NULL);
	answer.interrupt = (struct cpu_interrupt){
		.irql = 8, .cpu = cpu_self->number, .service = answer_service};
	answer.kicks = (struct cpu_dpc){.fn = answer_kick, .cpu = CPU_HERE};
	cpu_dpc_queue(&answer.kicks, NULL, NULL);
	cpu_poll();
	expect_is(d.runs, 2);
	expect(answer.issued[0] && !answer.issued[1] && answer.issued[2]);
	/* the last one's */
	expect_is(d.argument1, &answer);
	expect_is(d.argument2, NULL);
	expect_is(d.irql, DISPATCH_LEVEL);
	expect(answer.held[0] && answer.held[1] && !answer.held[2]);
	/* and what is none is told, there too */
	memset(&d.dpc, 0, sizeof(d.dpc));
	cpu_dpc_queue(&answer.kicks, NULL, NULL);
	cpu_poll();
	expect(!answer.issued[0] && !answer.issued[1] && answer.issued[2]);
	expect_is(atomic_exchange(&world.violations, 0), 2);
	expect_is(d.runs, 3);
	cpu_agent_free(answer.agent);
}

/* On one processor they are handed over. */
static void a_dpc_that_answers_a_step_is_issued_as_any_other(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, issue_in_an_answer);
}

/* There they go through the queue. */
static void and_so_it_is_among_two_processors(void **state)
{
	miniport.cpus = 2;
	world_run(DMA_CALLBACK_QUEUED, issue_in_an_answer);
}

/* ---- the end ---- */

static VOID NTAPI dpc_again(PSTOR_DPC dpc, PVOID ext, PVOID argument1, PVOID argument2)
{
	atomic_fetch_add(&d.runs, 1);
	StorPortIssueDpc(ext, dpc, NULL, NULL);
}

static void issue_for_ever(void)
{
	memset(&d, 0, sizeof(d));
	StorPortInitializeDpc(world.ext, &d.dpc, dpc_again);
	/* On the other processor, which does nothing else. */
	KeSetTargetProcessorDpc(&d.dpc.Dpc, 1);
	expect(StorPortIssueDpc(world.ext, &d.dpc, NULL, NULL));
}

/* A miniport whose DPC never rests: the adapter goes away under it, in good order. */
static void a_stopped_adapter_issues_no_dpc(void **state)
{
	miniport.cpus = 2;
	world_good(issue_for_ever);
	assert_true(d.runs > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		isr_test(the_line_calls_hw_interrupt_at_dirql_under_the_interrupt_lock),
		isr_test(the_interrupt_lock_keeps_the_isr_away),
		isr_test(an_isr_that_leaves_another_irql_is_reported),
		isr_test(each_message_comes_with_its_number_under_its_own_lock),
		isr_test(synchronize_all_has_one_lock_for_all_messages),
		isr_test(every_granted_message_can_be_asked_for),
		isr_test(messages_run_in_parallel_on_two_processors),
		isr_test(synchronize_all_runs_one_message_at_a_time),
		isr_test(a_dpc_is_queued_once_and_runs_at_dispatch_without_a_lock),
		isr_test(a_dpc_never_runs_on_two_processors_at_once),
		isr_test(a_dpc_that_leaves_another_irql_is_reported),
		isr_test(bad_dpcs_are_reported_and_not_queued),
		isr_test(a_dpc_too_many_is_reported),
		isr_test(a_dpc_that_answers_a_step_is_issued_as_any_other),
		isr_test(and_so_it_is_among_two_processors),
		isr_test(a_stopped_adapter_issues_no_dpc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
