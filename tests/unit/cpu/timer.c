/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/timer.c.
 */
#include "kit.h"

#include <pthread.h>

#include "util/random.h"

struct probe {
	struct cpu_timer timer;
	uint64_t due, fired_at; /* of the first run */
	uint64_t period;
	_Atomic unsigned runs, early;
	uint8_t irql_seen, cpu_seen;
	unsigned stop_after;
	bool was_armed[3]; /* what its cancellations returned */
};

static void probe_fire(struct cpu_timer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	uint64_t now = cpu_clock();
	unsigned run = get(probe->runs);

	if (!run)
		probe->fired_at = now;
	if (now < probe->due + run * probe->period)
		count(probe->early);
	probe->irql_seen = cpu_irql();
	probe->cpu_seen = cpu_self->number;
	if (run + 1 == probe->stop_after)
		cpu_timer_cancel(timer);
	count(probe->runs);
}

static bool arm(struct probe *probe, uint64_t due_in, uint64_t period)
{
	probe->due = cpu_clock() + due_in;
	probe->period = period;
	return cpu_timer_set(&probe->timer, due_in, period);
}

static void probe_init(struct probe *probe, uint16_t cpu)
{
	*probe = (struct probe){.timer = {.fn = probe_fire, .cpu = cpu}};
}

static void timers_fire_once_never_early_at_dispatch_on_their_processor(void **state)
{
	enum { MANY = 300 };
	static struct probe probes[MANY];
	uint64_t seed = 4;

	for (int i = 0; i < MANY; i++) {
		probe_init(&probes[i], i & 1);
		assert_false(arm(&probes[i], random_below(&seed, 30 * MS), 0));
	}
	for (int i = 0; i < MANY; i++)
		assert_true(comes_true(get(probes[i].runs) == 1));
	sleep_ms(5);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(get(probes[i].runs), 1);
		assert_int_equal(get(probes[i].early), 0);
		assert_int_equal(probes[i].irql_seen, IRQL_DISPATCH);
		assert_int_equal(probes[i].cpu_seen, i & 1);
		assert_false(cpu_timer_cancel(&probes[i].timer));
	}
}

static void nothing(void *ctx)
{
}

static void periodic_timer_is_never_early_and_stops_when_cancelled(void **state)
{
	struct probe probe;
	unsigned runs;

	probe_init(&probe, 0);
	arm(&probe, 2 * MS, 1 * MS);
	assert_true(comes_true(get(probe.runs) >= 10));
	assert_true(cpu_timer_cancel(&probe.timer));
	run_on(0, nothing, NULL); /* a run that had begun is over */
	runs = get(probe.runs);
	sleep_ms(5);
	assert_int_equal(get(probe.runs), runs);
	assert_int_equal(get(probe.early), 0);
}

static void periodic_timer_may_cancel_itself(void **state)
{
	struct probe probe;

	probe_init(&probe, 0);
	probe.stop_after = 3;
	arm(&probe, 1 * MS, 1 * MS);
	assert_true(comes_true(get(probe.runs) == 3));
	sleep_ms(5);
	assert_int_equal(get(probe.runs), 3);
	assert_false(cpu_timer_cancel(&probe.timer));
}

/* What is due waits while DISPATCH holds it back: then it is cancelled. */
static void cancel_when_due(void *ctx)
{
	struct probe *probe = ctx;

	cpu_irql_raise(IRQL_DISPATCH);
	probe->was_armed[0] = cpu_timer_cancel(&probe->timer);
	arm(probe, 1 * MS, 0);
	cpu_stall(10 * MS);
	probe->was_armed[1] = cpu_timer_cancel(&probe->timer);
	probe->was_armed[2] = cpu_timer_cancel(&probe->timer);
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_stall(5 * MS);
}

static void cancelled_timer_does_not_fire(void **state)
{
	struct probe probe;

	probe_init(&probe, 0);
	run_on(0, cancel_when_due, &probe);
	assert_false(probe.was_armed[0]);
	assert_true(probe.was_armed[1]);
	assert_false(probe.was_armed[2]);
	assert_int_equal(get(probe.runs), 0);
}

static void arming_again_moves_the_due_time(void **state)
{
	struct probe probe;

	probe_init(&probe, 0);
	assert_false(arm(&probe, 60000 * MS, 0));
	assert_true(arm(&probe, 2 * MS, 0));
	assert_true(comes_true(get(probe.runs) == 1));
	assert_int_equal(get(probe.early), 0);
	assert_false(arm(&probe, 1 * MS, 0));
	assert_true(comes_true(get(probe.runs) == 2));
	assert_int_equal(get(probe.early), 0);
}

static void due_at_once_it_fires_at_once(void **state)
{
	struct probe probe;

	probe_init(&probe, CPU_HERE);
	arm(&probe, 0, 0);
	assert_true(comes_true(get(probe.runs) == 1));
}

static void a_far_timer_does_not_hide_a_near_one(void **state)
{
	struct probe far, near, never;

	probe_init(&never, 0);
	probe_init(&far, 0);
	probe_init(&near, 0);
	arm(&never, ~0ull, 0); /* past the end of time */
	arm(&far, 60000 * MS, 0);
	sleep_ms(2); /* the clock sleeps for it */
	arm(&near, 2 * MS, 0);
	assert_true(comes_true(get(near.runs) == 1));
	assert_true(near.fired_at - near.due < 30000 * MS);
	assert_true(cpu_timer_cancel(&far.timer));
	assert_true(cpu_timer_cancel(&never.timer));
	assert_int_equal(get(far.runs) + get(never.runs), 0);
}

static struct cpu_timer *fired[64];
static _Atomic unsigned fired_count;

static void note_fired(struct cpu_timer *timer)
{
	fired[get(fired_count)] = timer;
	count(fired_count);
}

static void arm_at_dispatch(void *ctx)
{
	static struct cpu_timer timers[64];
	uint64_t seed = 11;

	/* while DISPATCH holds them back all become due; timers[i] is due at a time that grows with
	 * i */
	cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned i = 0; i < 64; i++)
		timers[i] = (struct cpu_timer){.fn = note_fired};
	for (unsigned i = 0; i < 64; i++) {
		unsigned n = (i * 37 + 5) % 64;

		cpu_timer_set(&timers[n], 1 * MS + n * MS / 16, 0);
	}
	/* take some out of the middle of the heap and put them back */
	for (unsigned i = 0; i < 200; i++) {
		unsigned n = random_below(&seed, 64);

		cpu_timer_cancel(&timers[n]);
		cpu_timer_set(&timers[n], 10 * MS + n * MS / 4, 0);
	}
	for (unsigned n = 0; n < 64; n++)
		cpu_timer_set(&timers[n], 30 * MS + n * MS / 4, 0);
	cpu_stall(60 * MS);
	*(unsigned *)ctx = get(fired_count);
	cpu_irql_lower(IRQL_PASSIVE);
	for (unsigned i = 0; i < 64; i++) {
		if (fired[i] != &timers[i])
			set(fired_count, 1000 + i);
	}
}

static void due_timers_wait_for_irql_and_fire_in_order_of_due_times(void **state)
{
	unsigned at_dispatch = 99;

	set(fired_count, 0);
	run_on(0, arm_at_dispatch, &at_dispatch);
	assert_int_equal(at_dispatch, 0);
	assert_int_equal(get(fired_count), 64);
}

static void arm_1025(void *ctx)
{
	static struct cpu_timer timers[1025];

	for (unsigned i = 0; i < 1025; i++) {
		timers[i].fn = note_fired;
		cpu_timer_set(&timers[i], 60000 * MS, 0);
	}
}

static void timer_1025_dies(void **state)
{
	assert_dies(arm_1025, "more than 1024 timers are armed");
}

static void fill_and_empty(void *ctx)
{
	static struct cpu_timer timers[1024];
	bool all = true;

	for (unsigned i = 0; i < 1024; i++) {
		timers[i].fn = note_fired;
		all &= !cpu_timer_set(&timers[i], 60000 * MS + (i * 7919 % 1024) * MS, 0);
	}
	for (unsigned i = 0; i < 1024; i++)
		all &= cpu_timer_cancel(&timers[(i * 389) % 1024]);
	*(bool *)ctx = all;
}

static void timers_up_to_1024_can_be_armed_and_cancelled(void **state)
{
	bool all = false;

	run_on(0, fill_and_empty, &all);
	assert_true(all);
}

static void timer_for_a_missing_processor(void *ctx)
{
	struct cpu_timer timer = {.fn = note_fired, .cpu = 5};

	cpu_timer_set(&timer, 0, 0);
}

static void timer_for_a_missing_processor_dies(void **state)
{
	assert_dies(timer_for_a_missing_processor, "timer for processor 5 of 1");
}

static struct probe contested;

static void *arm_and_cancel(void *arg)
{
	for (int i = 0; i < 3000; i++) {
		cpu_timer_set(&contested.timer, i % 5 * 1000, i % 3 ? 0 : 5000);
		if (i % 2)
			cpu_timer_cancel(&contested.timer);
	}
	return NULL;
}

static void one_timer_armed_by_two_threads_stays_whole(void **state)
{
	pthread_t threads[2];

	probe_init(&contested, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, arm_and_cancel, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	cpu_timer_cancel(&contested.timer);
	assert_false(cpu_timer_cancel(&contested.timer));
	/* and still works */
	probe_init(&contested, 0);
	arm(&contested, 0, 0);
	assert_true(comes_true(get(contested.runs) == 1));
}

static void fini_disarms(void **state)
{
	struct probe probe;

	probe_init(&probe, 0);
	arm(&probe, 60000 * MS, 0);
	cpu_fini();
	machine_start_with(1, false);
	assert_false(cpu_timer_cancel(&probe.timer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_2(timers_fire_once_never_early_at_dispatch_on_their_processor),
		on_1(periodic_timer_is_never_early_and_stops_when_cancelled),
		on_1(periodic_timer_may_cancel_itself),
		on_1(cancelled_timer_does_not_fire),
		on_1(arming_again_moves_the_due_time),
		on_1(due_at_once_it_fires_at_once),
		on_1(a_far_timer_does_not_hide_a_near_one),
		on_1(due_timers_wait_for_irql_and_fire_in_order_of_due_times),
		cmocka_unit_test(timer_1025_dies),
		on_1(timers_up_to_1024_can_be_armed_and_cancelled),
		cmocka_unit_test(timer_for_a_missing_processor_dies),
		on_1(one_timer_armed_by_two_threads_stays_whole),
		on_1(fini_disarms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
