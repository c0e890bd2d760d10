/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/replay.c: the same interface as under threads, on one host thread, from a seed.
 */
#include "kit.h"

#define TURNS 200

static void replay_start(unsigned processors, uint64_t seed)
{
	struct cpu_config config = {.processors = processors, .replay = true, .seed = seed};

	if (cpu_init(&config) || cpu_start())
		abort();
}

static char marks[8192];
static unsigned mark_count;

static void mark(char c)
{
	if (mark_count < sizeof(marks) - 1)
		marks[mark_count++] = c;
}

static void marks_clear(void)
{
	memset(marks, 0, sizeof(marks));
	mark_count = 0;
}

/* ---- one seed, one run ---- */

static void poll_and_mark(void *ctx)
{
	for (int i = 0; i < TURNS; i++) {
		mark((char)('0' + cpu_self->number));
		cpu_poll();
	}
}

static void three_threads(uint64_t seed, char *text)
{
	struct cpu_thread *threads[3];

	replay_start(3, seed);
	marks_clear();
	for (unsigned n = 0; n < 3; n++)
		threads[n] = cpu_thread_new(poll_and_mark, NULL, n, "marker");
	for (unsigned n = 0; n < 3; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
	cpu_fini();
	strcpy(text, marks);
}

static unsigned changes(const char *text)
{
	unsigned n = 0;

	for (; text[0] && text[1]; text++)
		n += text[0] != text[1];
	return n;
}

static void same_seed_gives_the_same_order_and_others_do_not(void **state)
{
	static char first[8192], again[8192], other[8192];
	unsigned different = 0;

	three_threads(7, first);
	assert_int_equal(strlen(first), 3 * TURNS);
	assert_true(changes(first) > 20);
	three_threads(7, again);
	assert_string_equal(first, again);
	for (uint64_t seed = 8; seed < 18; seed++) {
		three_threads(seed, other);
		different += strcmp(first, other) != 0;
	}
	assert_int_equal(different, 10);
}

/* ---- interrupts, DPCs, devices ---- */

static _Atomic unsigned served, deferred, stepped;
static struct cpu_interrupt interrupt;
static struct cpu_dpc dpc;
static struct cpu_agent *agent;

static bool service(struct cpu_interrupt *i)
{
	count(served);
	cpu_dpc_queue(&dpc, NULL, NULL);
	return true;
}

static void defer(struct cpu_dpc *d)
{
	count(deferred);
}

static void step(void *ctx)
{
	count(stepped);
	cpu_agent_poll();
	cpu_interrupt_raise(&interrupt);
}

static void devices_init(void)
{
	interrupt = (struct cpu_interrupt){.irql = 5, .service = service};
	dpc = (struct cpu_dpc){.fn = defer};
	set(served, 0);
	set(deferred, 0);
	set(stepped, 0);
	agent = cpu_agent_new(step, NULL, "device");
}

/* As a driver does in passive initialisation: nothing but memory is looked at. */
static void spin_for_dpc(void *ctx)
{
	cpu_agent_kick(agent);
	while (!get(deferred))
		cpu_poll();
}

static void a_spinning_thread_gets_its_interrupt_on_one_processor(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		replay_start(1, seed);
		devices_init();
		run_on(0, spin_for_dpc, NULL);
		cpu_agent_free(agent);
		cpu_fini();
		assert_int_equal(get(served), 1);
		assert_int_equal(get(deferred), 1);
	}
}

static void spin_at_device_irql(void *ctx)
{
	uint8_t irql = cpu_irql_raise(5);

	cpu_agent_kick(agent);
	for (int i = 0; i < 2000; i++) {
		cpu_poll();
		if (get(served))
			mark('!');
	}
	if (get(stepped))
		mark('s');
	cpu_irql_lower(irql);
	while (!get(deferred))
		cpu_poll();
	mark('d');
}

static void an_interrupt_waits_for_the_irql(void **state)
{
	replay_start(1, 3);
	marks_clear();
	devices_init();
	run_on(0, spin_at_device_irql, NULL);
	cpu_agent_free(agent);
	cpu_fini();
	assert_string_equal(marks, "sd");
}

static void poll_while_device_works(void *ctx)
{
	cpu_agent_kick(agent);
	for (int i = 0; i < 64 && !get(served); i++) {
		mark_count++;
		cpu_poll();
	}
}

static void seeds_differ_in_when_an_interrupt_comes(void **state)
{
	uint64_t moments = 0;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		replay_start(1, seed);
		devices_init();
		marks_clear();
		run_on(0, poll_while_device_works, NULL);
		moments |= 1ull << (mark_count & 63);
		cpu_agent_free(agent);
		cpu_fini();
	}
	assert_true(__builtin_popcountll(moments) > 8);
}

/* ---- locks ---- */

static struct cpu_spinlock lock;
static unsigned inside, overlaps, entries;
static bool is_locked;

static void enter_many_times(void *ctx)
{
	for (int i = 0; i < TURNS; i++) {
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

		if (is_locked)
			cpu_spin_acquire(&lock);
		overlaps += inside++ != 0;
		cpu_poll();
		inside--;
		entries++;
		if (is_locked)
			cpu_spin_release(&lock);
		cpu_irql_lower(irql);
	}
}

static void two_enter(bool locked)
{
	struct cpu_thread *threads[2];

	is_locked = locked;
	overlaps = entries = 0;
	replay_start(2, 5);
	for (unsigned n = 0; n < 2; n++)
		threads[n] = cpu_thread_new(enter_many_times, NULL, n, "enter");
	for (unsigned n = 0; n < 2; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
	cpu_fini();
	assert_int_equal(entries, 2 * TURNS);
}

static void a_lock_excludes_and_its_absence_is_seen(void **state)
{
	two_enter(true);
	assert_int_equal(overlaps, 0);
	two_enter(false);
	assert_true(overlaps > 0);
}

/* ---- time ---- */

static void stall_long(void *ctx)
{
	uint64_t start = cpu_clock();

	cpu_stall(400000 * MS);
	if (cpu_clock() - start >= 400000 * MS && cpu_clock() - start < 401000 * MS)
		mark('k');
}

static void a_stall_takes_the_machines_time_not_the_hosts(void **state)
{
	uint64_t start = now_ns();

	marks_clear();
	replay_start(2, 1);
	run_on(1, stall_long, NULL);
	cpu_fini();
	assert_string_equal(marks, "k");
	assert_true(now_ns() - start < 2000 * MS);
}

static uint64_t fired_at;

static void fired(struct cpu_timer *timer)
{
	fired_at = cpu_clock();
	cpu_thread_unpark(timer->ctx);
}

static void wait_for_timer(void *ctx)
{
	struct cpu_timer timer = {.fn = fired, .ctx = cpu_self->thread, .cpu = cpu_self->number};

	fired_at = 0;
	cpu_timer_set(&timer, 30000 * MS, 0);
	while (!fired_at)
		cpu_thread_park(CPU_FOREVER);
}

static void a_timer_comes_when_it_is_due(void **state)
{
	replay_start(1, 1);
	run_on(0, wait_for_timer, NULL);
	cpu_fini();
	assert_in_range(fired_at, 30000 * MS, 30001 * MS);
}

static void system_time_is_the_machines_own(void **state)
{
	replay_start(1, 1);
	/* 2026-01-01 00:00 UTC: 425 years of which 103 are leap years, after 1601-01-01 */
	assert_int_equal(cpu_system_time() / 10000000, (425ull * 365 + 103) * 86400);
	cpu_fini();
}

/* ---- machines that are stuck ---- */

static void in_replay(void (*fn)(void *ctx))
{
	replay_start(1, 11);
	run_on(0, fn, NULL);
	cpu_fini();
}

static void park_forever(void *ctx)
{
	cpu_thread_park(CPU_FOREVER);
}

static void spin_forever(void *ctx)
{
	for (;;)
		cpu_relax();
}

static void assert_stuck(void (*fn)(void *ctx), const char *words)
{
	char text[4096];
	int status = status_of(in_replay, fn, text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_text_has(text, words);
	assert_text_has(text, "seed 11");
}

static void a_stuck_machine_ends_with_a_message_and_its_seed(void **state)
{
	assert_stuck(park_forever, "nothing can run, and no timer is armed");
	assert_stuck(spin_forever, "the machine is stuck");
}

static void poll_forever(void *ctx)
{
	for (;;)
		cpu_poll();
}

/* Each gives the processor to the other again and again, and neither ever waits. */
static void two_that_yield_forever(void *ctx)
{
	struct cpu_thread *other = cpu_thread_new(spin_forever, NULL, 0, "other");

	spin_forever(other);
}

static void threads_that_only_spin_are_no_life(void **state)
{
#ifdef DRY_TSAN
	skip(); /* too slow for so many safepoints */
#endif
	assert_stuck(poll_forever, "the machine is stuck");
	assert_stuck(two_that_yield_forever, "the machine is stuck");
}

/* ---- whose turn it is ---- */

static _Atomic bool is_answered;

static void relax_until_answered(void *ctx)
{
	while (!get(is_answered))
		cpu_relax();
}

static void answer(void *ctx)
{
	set(is_answered, true);
}

static void flush_dpcs(void *ctx)
{
	cpu_dpc_flush();
}

/* fn twice on processor 0, other on processor 1, to their ends. */
static void beside(void (*fn)(void *ctx), void (*other)(void *ctx))
{
	struct cpu_thread *threads[3];

	set(is_answered, false);
	for (unsigned n = 0; n < 3; n++)
		threads[n] = cpu_thread_new(n < 2 ? fn : other, NULL, n / 2, "beside");
	for (unsigned n = 0; n < 3; n++) {
		cpu_thread_join(threads[n]);
		cpu_thread_free(threads[n]);
	}
}

static void two_that_wait_in_loops(void (*fn)(void *ctx))
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		replay_start(2, seed);
		beside(fn, answer);
		cpu_fini();
	}
}

/* They give their processor to each other, and still others get their turns. */
static void two_waiting_loops_of_a_processor_let_others_run(void **state)
{
	char text[4096];

	assert_int_equal(
		status_of(two_that_wait_in_loops, relax_until_answered, text, sizeof(text)), 0);
	assert_int_equal(status_of(two_that_wait_in_loops, flush_dpcs, text, sizeof(text)), 0);
}

/* ---- choices ---- */

static void choices_are_even_and_follow_the_seed(void **state)
{
	unsigned counts[4] = {0}, first[64];

	replay_start(1, 99);
	for (int i = 0; i < 64; i++)
		first[i] = cpu_choose(1000);
	for (int i = 0; i < 4000; i++)
		counts[cpu_choose(4)]++;
	cpu_replay_seed(99);
	for (int i = 0; i < 64; i++)
		assert_int_equal(cpu_choose(1000), first[i]);
	cpu_fini();
	for (int i = 0; i < 4; i++)
		assert_in_range(counts[i], 850, 1150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_seed_gives_the_same_order_and_others_do_not),
		cmocka_unit_test(a_spinning_thread_gets_its_interrupt_on_one_processor),
		cmocka_unit_test(an_interrupt_waits_for_the_irql),
		cmocka_unit_test(seeds_differ_in_when_an_interrupt_comes),
		cmocka_unit_test(a_lock_excludes_and_its_absence_is_seen),
		cmocka_unit_test(a_stall_takes_the_machines_time_not_the_hosts),
		cmocka_unit_test(a_timer_comes_when_it_is_due),
		cmocka_unit_test(system_time_is_the_machines_own),
		cmocka_unit_test(a_stuck_machine_ends_with_a_message_and_its_seed),
		cmocka_unit_test(threads_that_only_spin_are_no_life),
		cmocka_unit_test(two_waiting_loops_of_a_processor_let_others_run),
		cmocka_unit_test(choices_are_even_and_follow_the_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
