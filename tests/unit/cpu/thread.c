/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/thread.c: kernel threads.
 */
#include "kit.h"

#include <xmmintrin.h>

static int results[8];
static _Atomic int stage;
static _Atomic unsigned counter;

static void note_self(void *ctx)
{
	results[0] = cpu_self->number;
	results[1] = cpu_irql();
	results[2] = strcmp(cpu_thread_name(cpu_self->thread), "worker") == 0;
	results[3] = (intptr_t)ctx;
}

static void thread_runs_on_its_processor_at_passive(void **state)
{
	struct cpu_thread *thread = cpu_thread_new(note_self, (void *)42, 1, "worker");

	cpu_thread_join(thread);
	assert_string_equal(cpu_thread_name(thread), "worker");
	cpu_thread_free(thread);
	assert_int_equal(results[0], 1);
	assert_int_equal(results[1], IRQL_PASSIVE);
	assert_int_equal(results[2], 1);
	assert_int_equal(results[3], 42);
}

static void exit_early(void *ctx)
{
	results[0] = 1;
	cpu_thread_exit();
}

static void exit_ends_the_thread(void **state)
{
	run_on(0, exit_early, NULL);
	assert_int_equal(results[0], 1);
}

static void thread_for_a_missing_processor_is_null(void **state)
{
	assert_null(cpu_thread_new(note_self, NULL, 7, "none"));
}

static void park_with_token(void *ctx)
{
	cpu_thread_unpark(cpu_self->thread);
	cpu_thread_unpark(cpu_self->thread);
	results[0] = cpu_thread_park(CPU_FOREVER);
	results[1] = cpu_thread_park(1 * MS);
	cpu_thread_unpark(cpu_self->thread);
	results[2] = cpu_thread_park(0);
	results[3] = cpu_thread_park(0);
}

static void unpark_before_park_leaves_one_token(void **state)
{
	run_on(0, park_with_token, NULL);
	assert_int_equal(results[0], 0);
	assert_int_equal(results[1], -ETIMEDOUT);
	assert_int_equal(results[2], 0);
	assert_int_equal(results[3], -ETIMEDOUT);
}

static void park_5_ms(void *ctx)
{
	uint64_t start = cpu_clock();

	results[0] = cpu_thread_park(5 * MS);
	*(uint64_t *)ctx = cpu_clock() - start;
}

static void park_does_not_time_out_early(void **state)
{
	for (int i = 0; i < 5; i++) {
		uint64_t took = 0;

		run_on(0, park_5_ms, &took);
		assert_int_equal(results[0], -ETIMEDOUT);
		assert_true(took >= 5 * MS);
	}
}

static void park_long(void *ctx)
{
	set(stage, 1);
	results[0] = cpu_thread_park(60000 * MS);
	set(stage, 2);
	results[1] = cpu_thread_park(CPU_FOREVER);
	set(stage, 3);
}

static void unpark_from_a_host_thread_ends_the_wait(void **state)
{
	struct cpu_thread *thread;

	set(stage, 0);
	results[0] = results[1] = 9;
	thread = cpu_thread_new(park_long, NULL, 0, "test");
	assert_true(comes_true(get(stage) == 1));
	cpu_thread_unpark(thread);
	assert_true(comes_true(get(stage) == 2));
	sleep_ms(2);
	assert_int_equal(get(stage), 2);
	cpu_thread_unpark(thread);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	assert_int_equal(results[0], 0);
	assert_int_equal(results[1], 0);
}

static void unpark_ctx(struct cpu_dpc *dpc)
{
	cpu_thread_unpark(dpc->ctx);
}

static void park_for_dpc(void *ctx)
{
	struct cpu_dpc dpc = {.fn = unpark_ctx, .ctx = cpu_self->thread, .cpu = (uintptr_t)ctx};

	for (int i = 0; i < 100; i++) {
		cpu_dpc_queue(&dpc, NULL, NULL);
		cpu_thread_park(CPU_FOREVER);
	}
	cpu_dpc_flush();
	results[0] = 1;
}

static void unpark_from_a_dpc_here_or_elsewhere_ends_the_wait(void **state)
{
	for (uintptr_t cpu = 0; cpu < 2; cpu++) {
		results[0] = 0;
		run_on(0, park_for_dpc, (void *)cpu);
		assert_int_equal(results[0], 1);
	}
}

static char order[32];
static unsigned order_length;

static void note_and_yield(void *ctx)
{
	for (int i = 0; i < 3; i++) {
		order[order_length++] = *(char *)ctx;
		cpu_thread_yield();
	}
}

static void start_two(void *ctx)
{
	struct cpu_thread *a = cpu_thread_new(note_and_yield, "A", 0, "a");
	struct cpu_thread *b = cpu_thread_new(note_and_yield, "B", 0, "b");

	cpu_thread_join(a);
	cpu_thread_join(b);
	cpu_thread_free(a);
	cpu_thread_free(b);
	results[0] = 1;
}

static void threads_of_one_processor_take_turns(void **state)
{
	results[0] = 0;
	run_on(0, start_two, NULL);
	assert_int_equal(results[0], 1);
	assert_string_equal(order, "ABABAB");
}

static void yield_many(void *ctx)
{
	for (int i = 0; i < 1000; i++)
		cpu_thread_yield();
	results[0] = 1;
}

static void yield_without_others_returns(void **state)
{
	results[0] = 0;
	run_on(0, yield_many, NULL);
	assert_int_equal(results[0], 1);
}

static void spin_until_stage_2(void *ctx)
{
	set(stage, 1);
	while (get(stage) != 2)
		cpu_poll();
	results[0] = 1;
}

static void set_stage_2(void *ctx)
{
	set(stage, 2);
}

static void spinning_thread_that_polls_is_preempted(void **state)
{
	struct cpu_thread *spinner, *other;

	set(stage, 0);
	spinner = cpu_thread_new(spin_until_stage_2, NULL, 0, "spinner");
	assert_true(comes_true(get(stage) == 1));
	other = cpu_thread_new(set_stage_2, NULL, 0, "other");
	cpu_thread_join(spinner);
	cpu_thread_join(other);
	cpu_thread_free(spinner);
	cpu_thread_free(other);
	assert_int_equal(results[0], 1);
}

static void spin_at_apc(void *ctx)
{
	uint64_t start = cpu_clock();

	cpu_irql_raise(IRQL_APC);
	set(stage, 1);
	while (cpu_clock() - start < 40 * MS)
		cpu_poll();
	results[0] = get(stage);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void thread_above_passive_is_not_preempted(void **state)
{
	struct cpu_thread *spinner, *other;

	set(stage, 0);
	spinner = cpu_thread_new(spin_at_apc, NULL, 0, "spinner");
	assert_true(comes_true(get(stage) == 1));
	other = cpu_thread_new(set_stage_2, NULL, 0, "other");
	cpu_thread_join(spinner);
	cpu_thread_join(other);
	cpu_thread_free(spinner);
	cpu_thread_free(other);
	assert_int_equal(results[0], 1);
	assert_int_equal(get(stage), 2);
}

static void wait_with_relax(void *ctx)
{
	while (get(stage) != 2)
		cpu_relax();
	results[0] = 1;
}

static void relax_lets_other_threads_run(void **state)
{
	struct cpu_thread *waiter, *other;

	set(stage, 0);
	waiter = cpu_thread_new(wait_with_relax, NULL, 0, "waiter");
	other = cpu_thread_new(set_stage_2, NULL, 0, "other");
	cpu_thread_join(waiter);
	cpu_thread_join(other);
	cpu_thread_free(waiter);
	cpu_thread_free(other);
	assert_int_equal(results[0], 1);
}

/* The state of one fiber must not leak into the next: IRQL, __try frame, rounding mode. */
static void keep_own_state(void *ctx)
{
	intptr_t number = (intptr_t)ctx;
	unsigned csr = (_mm_getcsr() & ~_MM_ROUND_MASK) | (number ? _MM_ROUND_UP : _MM_ROUND_DOWN);

	_mm_setcsr(csr);
	cpu_self->seh = &results[number];
	if (number)
		cpu_irql_raise(IRQL_APC);
	for (int i = 0; i < 50; i++) {
		uint8_t irql = number ? IRQL_APC : IRQL_PASSIVE;

		cpu_thread_park(MS / 10);
		if (cpu_irql() != irql || cpu_self->seh != &results[number])
			return;
		if ((_mm_getcsr() & _MM_ROUND_MASK) != (csr & _MM_ROUND_MASK))
			return;
	}
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_self->seh = NULL;
	results[number] = 1;
}

static void each_thread_keeps_irql_try_frame_and_rounding(void **state)
{
	struct cpu_thread *threads[2];

	results[0] = results[1] = 0;
	for (intptr_t i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(keep_own_state, (void *)i, 0, "test");
	for (int i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	assert_int_equal(results[0], 1);
	assert_int_equal(results[1], 1);
}

static void count_one(void *ctx)
{
	count(counter);
}

static void join_across(void *ctx)
{
	for (unsigned i = 0; i < 200; i++) {
		struct cpu_thread *thread = cpu_thread_new(count_one, NULL, i & 1, "child");

		cpu_thread_join(thread);
		cpu_thread_free(thread);
	}
}

static void kernel_thread_joins_threads_here_and_elsewhere(void **state)
{
	set(counter, 0);
	run_on(0, join_across, NULL);
	assert_int_equal(get(counter), 200);
}

static void wait_for_token(void *ctx)
{
	count(counter);
	cpu_thread_park(CPU_FOREVER);
	count(counter);
}

static void many_threads_wait_at_once(void **state)
{
	struct cpu_thread *threads[200];

	set(counter, 0);
	for (unsigned i = 0; i < 200; i++)
		threads[i] = cpu_thread_new(wait_for_token, NULL, i & 1, "test");
	assert_true(comes_true(get(counter) == 200));
	for (unsigned i = 0; i < 200; i++)
		cpu_thread_unpark(threads[i]);
	for (unsigned i = 0; i < 200; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	assert_int_equal(get(counter), 400);
}

static struct cpu_thread *partners[2];
static unsigned partner_cpus[2];

static void ping_pong(void *ctx)
{
	intptr_t me = (intptr_t)ctx;

	/* the start: both partners are known */
	cpu_thread_park(CPU_FOREVER);
	while (get(counter) < 2000) {
		while ((get(counter) & 1) != me && get(counter) < 2000)
			cpu_thread_park(CPU_FOREVER);
		if (get(counter) < 2000)
			count(counter);
		cpu_thread_unpark(partners[!me]);
	}
}

static void start_ping_pong(void *ctx)
{
	set(counter, 0);
	for (intptr_t i = 0; i < 2; i++)
		partners[i] = cpu_thread_new(ping_pong, (void *)i, partner_cpus[i], "partner");
	for (int i = 0; i < 2; i++)
		cpu_thread_unpark(partners[i]);
	/* one that ended may still be unparked by the other: freed after both ended */
	for (int i = 0; i < 2; i++)
		cpu_thread_join(partners[i]);
	for (int i = 0; i < 2; i++)
		cpu_thread_free(partners[i]);
}

static void no_unpark_between_two_threads_is_lost(void **state)
{
	partner_cpus[1] = 0;
	run_on(0, start_ping_pong, NULL);
	assert_int_equal(get(counter), 2000);
}

static void no_unpark_across_processors_is_lost(void **state)
{
	partner_cpus[1] = 1;
	run_on(0, start_ping_pong, NULL);
	assert_int_equal(get(counter), 2000);
}

static void park_at_dispatch(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_thread_park(CPU_FOREVER);
}

static void end_at_dispatch(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
}

static void end_at_apc(void *ctx)
{
	cpu_irql_raise(IRQL_APC);
}

static void yield_at_dispatch(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_thread_yield();
}

static void join_self(void *ctx)
{
	cpu_thread_join(cpu_self->thread);
}

static void join_at_dispatch(void *ctx)
{
	struct cpu_thread *thread = cpu_thread_new(yield_many, NULL, 0, "other");

	cpu_irql_raise(IRQL_DISPATCH);
	cpu_thread_join(thread);
}

static void free_self(void *ctx)
{
	cpu_thread_free(cpu_self->thread);
}

static void wait_in_dpc(struct cpu_dpc *dpc)
{
	cpu_thread_park(1 * MS);
}

static void dpc_that_waits(void *ctx)
{
	struct cpu_dpc dpc = {.fn = wait_in_dpc};

	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_poll();
}

static void waiting_at_dispatch_dies(void **state)
{
	assert_dies(park_at_dispatch, "thread test waits at IRQL 2");
	assert_dies(dpc_that_waits, "waits at IRQL 2");
	assert_dies(yield_at_dispatch, "yields at IRQL 2");
	assert_dies(join_at_dispatch, "a wait for the end of thread other at IRQL 2");
}

static void ending_above_passive_dies(void **state)
{
	assert_dies(end_at_dispatch, "thread test");
	assert_dies(end_at_apc, "thread test ended at IRQL 1");
}

static void joining_or_freeing_oneself_dies(void **state)
{
	assert_dies(join_self, "thread test waits for its own end");
	assert_dies(free_self, "thread test is freed before its end");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_2(thread_runs_on_its_processor_at_passive),
		on_1(exit_ends_the_thread),
		on_1(thread_for_a_missing_processor_is_null),
		on_1(unpark_before_park_leaves_one_token),
		on_1(park_does_not_time_out_early),
		on_1(unpark_from_a_host_thread_ends_the_wait),
		on_2(unpark_from_a_dpc_here_or_elsewhere_ends_the_wait),
		on_1(threads_of_one_processor_take_turns),
		on_1(yield_without_others_returns),
		on_1(spinning_thread_that_polls_is_preempted),
		on_1(thread_above_passive_is_not_preempted),
		on_1(relax_lets_other_threads_run),
		on_1(each_thread_keeps_irql_try_frame_and_rounding),
		on_2(kernel_thread_joins_threads_here_and_elsewhere),
		on_2(many_threads_wait_at_once),
		on_1(no_unpark_between_two_threads_is_lost),
		on_2(no_unpark_across_processors_is_lost),
		cmocka_unit_test(waiting_at_dispatch_dies),
		cmocka_unit_test(ending_above_passive_dies),
		cmocka_unit_test(joining_or_freeing_oneself_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
