/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/agent.c.
 */
#include "kit.h"

#include <pthread.h>
#include <sched.h>

static _Atomic unsigned given, taken, steps, inside, overlaps;
static struct cpu *step_processor;
static pthread_t step_thread;

static void take_all(void *ctx)
{
	if (count(inside))
		count(overlaps);
	step_processor = cpu_self;
	step_thread = pthread_self();
	count(steps);
	set(taken, get(given));
	atomic_fetch_sub(&inside, 1);
}

static int clear(void)
{
	set(given, 0);
	set(taken, 0);
	set(steps, 0);
	set(inside, 0);
	set(overlaps, 0);
	return 0;
}

static int start_threaded(void **state)
{
	machine_start_with(1, false);
	return clear();
}

static int start_inline(void **state)
{
	machine_start_with(2, true);
	return clear();
}

static void agent_without_a_kick_does_not_step(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(take_all, NULL, "device");

	sleep_ms(5);
	assert_int_equal(get(steps), 0);
	cpu_agent_free(agent);
	assert_int_equal(get(steps), 0);
}

static void kick_steps_on_a_thread_of_its_own(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(take_all, NULL, "a device with a long name");

	for (unsigned i = 1; i <= 20; i++) {
		sleep_ms(1); /* it falls asleep */
		count(given);
		cpu_agent_kick(agent);
		assert_true(comes_true(get(taken) == i));
	}
	cpu_agent_free(agent);
	assert_null(step_processor);
	assert_false(pthread_equal(step_thread, pthread_self()));
	assert_int_equal(get(steps), 20);
}

#define KICKS 20000

static void *kick_many(void *arg)
{
	for (int i = 0; i < KICKS; i++) {
		count(given);
		cpu_agent_kick(arg);
	}
	return NULL;
}

static void no_kick_from_two_host_threads_is_lost_and_steps_do_not_overlap(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(take_all, NULL, "device");
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, kick_many, agent), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(comes_true(get(taken) == 2 * KICKS));
	cpu_agent_free(agent);
	assert_int_equal(get(overlaps), 0);
}

static void kick_many_here(void *ctx)
{
	kick_many(ctx);
}

static void inline_agent_loses_no_kick_of_two_processors_and_does_not_overlap(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(take_all, NULL, "device");
	struct cpu_thread *threads[2];

	for (int i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(kick_many_here, agent, i, "test");
	for (int i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	/* all kicks have returned, and so has the last step that they owed */
	assert_int_equal(get(taken), 2 * KICKS);
	assert_int_equal(get(overlaps), 0);
	cpu_agent_free(agent);
}

/* The end may be asked for at any moment of the agent's thread, so just when it looks for a kick.
 */
static void an_agent_ends_whatever_it_is_about_to_do(void **state)
{
	for (unsigned i = 1; i <= 2000; i++) {
		struct cpu_agent *agent = cpu_agent_new(take_all, NULL, "device");

		cpu_agent_kick(agent);
		for (unsigned looks = 0; get(steps) < i; looks++)
			if (looks > 100000)
				sched_yield();
		for (volatile unsigned pause = i % 64; pause; pause--)
			;
		cpu_agent_free(agent);
	}
	assert_int_equal(get(steps), 2000);
}

static void kick_once(void *ctx)
{
	count(given);
	cpu_agent_kick(ctx);
	set(given, get(taken) == 1 && step_processor == cpu_self);
}

static void inline_agent_steps_inside_the_kick(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(take_all, NULL, "device");

	run_on(1, kick_once, agent);
	assert_int_equal(get(given), 1);
	assert_int_equal(get(steps), 1);
	cpu_agent_free(agent);
}

static struct cpu_agent *self;

static void kick_itself(void *ctx)
{
	if (count(steps) < 4)
		cpu_agent_kick(self);
}

static void kick_inside_a_step_steps_again_afterwards(void **state)
{
	self = cpu_agent_new(kick_itself, NULL, "device");
	cpu_agent_kick(self);
	assert_true(comes_true(get(steps) == 5));
	sleep_ms(2);
	assert_int_equal(get(steps), 5);
	cpu_agent_free(self);
}

static void step_slowly(void *ctx)
{
	set(inside, 1);
	sleep_ms(20);
	set(inside, 0);
}

static void free_waits_for_the_step(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(step_slowly, NULL, "device");

	cpu_agent_kick(agent);
	assert_true(comes_true(get(inside) == 1));
	cpu_agent_free(agent);
	assert_int_equal(get(inside), 0);
}

static void agent_may_be_freed_after_the_machine(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(take_all, NULL, "device");

	cpu_fini();
	cpu_agent_free(agent);
	cpu_agent_free(NULL);
	machine_start_with(1, false);
}

#define threaded(test)	cmocka_unit_test_setup_teardown(test, start_threaded, stop)
#define is_inline(test) cmocka_unit_test_setup_teardown(test, start_inline, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		threaded(agent_without_a_kick_does_not_step),
		threaded(kick_steps_on_a_thread_of_its_own),
		threaded(no_kick_from_two_host_threads_is_lost_and_steps_do_not_overlap),
		is_inline(inline_agent_loses_no_kick_of_two_processors_and_does_not_overlap),
		is_inline(inline_agent_steps_inside_the_kick),
		threaded(kick_inside_a_step_steps_again_afterwards),
		is_inline(kick_inside_a_step_steps_again_afterwards),
		threaded(free_waits_for_the_step),
		threaded(an_agent_ends_whatever_it_is_about_to_do),
		threaded(agent_may_be_freed_after_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
