/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests the owners of inline agents (src/cpu/agent_step.c) on a machine of several processors: who
 * becomes one, and that no kick of anybody is lost then, nor steps overlap. And cpu_about
 * (src/cpu/processor.c), which goes by the same barrier.
 */
#include "kit.h"

#include "cpu/processor.h"
#include <pthread.h>
#include <sched.h>

static struct cpu_agent *agent;
static _Atomic unsigned given, taken, steps, inside, overlaps, stage;
static struct cpu *step_processor;
static void (*in_step)(void);

static void take_all(void *ctx)
{
	if (count(inside))
		count(overlaps);
	step_processor = cpu_self;
	count(steps);
	if (in_step)
		in_step();
	set(taken, get(given));
	atomic_fetch_sub(&inside, 1);
}

static int start(void **state)
{
	machine_start_with(2, true);
	agent = cpu_agent_new(take_all, NULL, "device");
	in_step = NULL;
	set(given, 0);
	set(taken, 0);
	set(steps, 0);
	set(overlaps, 0);
	set(stage, 0);
	return 0;
}

static int end(void **state)
{
	cpu_agent_free(agent);
	return stop(state);
}

static void kick(void)
{
	count(given);
	cpu_agent_kick(agent);
}

static void kicks(void *ctx)
{
	for (size_t n = (size_t)ctx; n; n--)
		kick();
}

/* More than are needed for the first time. */
#define MANY ((void *)300)
#define FEW  ((void *)100)

static void who_makes_all_steps_owns_it(void **state)
{
	assert_int_equal(cpu_agent_owner(agent), 0);
	run_on(1, kicks, FEW);
	assert_int_equal(cpu_agent_owner(agent), 0);
	run_on(1, kicks, MANY);
	assert_int_equal(cpu_agent_owner(agent), 2);
	run_on(1, kicks, FEW);
	assert_int_equal(get(steps), 500);
}

static void who_shares_it_does_not(void **state)
{
	for (int i = 0; i < 20; i++) {
		run_on(0, kicks, FEW);
		run_on(1, kicks, FEW);
	}
	for (int i = 0; i < 20; i++) {
		run_on(0, kicks, FEW);
		kick();
	}
	assert_int_equal(cpu_agent_owner(agent), 0);
	kicks((void *)1000); /* no processor */
	assert_int_equal(cpu_agent_owner(agent), 0);
}

static void under_replay_there_is_none(void **state)
{
	struct cpu_config config = {.processors = 2, .inline_agents = true, .replay = true};

	end(NULL);
	assert_int_equal(cpu_init(&config), 0);
	assert_int_equal(cpu_start(), 0);
	assert_false(cpu_has_near);
	agent = cpu_agent_new(take_all, NULL, "device");
	run_on(0, kicks, MANY);
	assert_int_equal(cpu_agent_owner(agent), 0);
	assert_int_equal(get(steps), 300);
}

static void a_kick_of_another_ends_it_and_only_the_same_one_owns_it_again(void **state)
{
	run_on(1, kicks, MANY);
	run_on(0, kicks, (void *)1);
	assert_int_equal(cpu_agent_owner(agent), 0);
	assert_int_equal(get(steps), 301);
	/* and now after twice as many steps */
	run_on(1, kicks, MANY);
	assert_int_equal(cpu_agent_owner(agent), 0);
	run_on(1, kicks, MANY);
	assert_int_equal(cpu_agent_owner(agent), 2);
	kick();
	assert_int_equal(cpu_agent_owner(agent), 0);
	run_on(0, kicks, (void *)5000);
	assert_int_equal(cpu_agent_owner(agent), 0);
	run_on(1, kicks, (void *)1100);
	assert_int_equal(cpu_agent_owner(agent), 2);
	assert_int_equal(get(taken), get(given));
}

static void wait_in_the_first(void)
{
	unsigned before = 0;

	if (atomic_compare_exchange_strong(&stage, &before, 1))
		while (get(stage) != 2)
			sched_yield();
}

static void kick_twice_from_the_other(void *ctx)
{
	unsigned before = get(steps);

	kick();
	kick();
	set(stage, get(steps) == before ? 2 : 3);
}

/* While the owner is in its step another kicks: the owner makes one step for both kicks. */
static void left_to_the_owner(void (*by)(void *ctx))
{
	struct cpu_thread *owner;
	unsigned before;

	run_on(0, kicks, MANY);
	assert_int_equal(cpu_agent_owner(agent), 1);
	before = get(steps);
	in_step = wait_in_the_first;
	owner = cpu_thread_new(kicks, (void *)1, 0, "owner");
	assert_true(comes_true(get(stage) == 1));
	if (by)
		run_on(1, by, NULL);
	else
		kick_twice_from_the_other(NULL);
	assert_int_equal(get(stage), 2);
	assert_int_equal(cpu_agent_owner(agent), 0);
	cpu_thread_join(owner);
	cpu_thread_free(owner);
	assert_int_equal(get(steps), before + 2);
	assert_ptr_equal(step_processor, cpu_get(0));
	assert_int_equal(get(taken), get(given));
}

static void a_kick_of_a_processor_in_the_midst_of_its_step_is_left_to_the_owner(void **state)
{
	left_to_the_owner(kick_twice_from_the_other);
}

static void a_kick_of_a_host_thread_in_the_midst_of_its_step_is_left_to_the_owner(void **state)
{
	left_to_the_owner(NULL);
}

static void kick_again(void)
{
	if (get(steps) == 301)
		kick();
}

static void kick_for_another_step(void *ctx)
{
	in_step = kick_again;
	kick();
}

static void a_kick_inside_the_owners_step_makes_another(void **state)
{
	run_on(0, kicks, MANY);
	run_on(0, kick_for_another_step, NULL);
	assert_int_equal(get(steps), 302);
	assert_int_equal(cpu_agent_owner(agent), 1);
	assert_int_equal(get(taken), get(given));
}

/* ---- all at once ---- */

#define ROUNDS 40

/* Now many in a row, so that it becomes the owner again and again, now few. */
static void in_bursts(void *ctx)
{
	for (int i = 0; i < ROUNDS; i++)
		kicks((void *)2000);
}

static void now_and_then(void *ctx)
{
	for (int i = 0; i < 50 * ROUNDS; i++) {
		kick();
		for (volatile int pause = 1000; pause; pause--)
			;
	}
}

static void *now_and_then_there(void *ctx)
{
	now_and_then(ctx);
	return NULL;
}

static struct cpu_dpc dpc;

static void kick_in_dpc(struct cpu_dpc *me)
{
	kick();
}

static void in_dpcs(void *ctx)
{
	for (int i = 0; i < 2000 * ROUNDS; i++) {
		dpc = (struct cpu_dpc){.fn = kick_in_dpc, .cpu = CPU_HERE};
		cpu_dpc_queue(&dpc, NULL, NULL);
		cpu_poll();
	}
}

static void all_at_once(void (*often)(void *ctx))
{
	struct cpu_thread *threads[2] = {cpu_thread_new(often, NULL, 0, "often"),
		cpu_thread_new(now_and_then, NULL, 1, "seldom")};
	pthread_t there;

	assert_int_equal(pthread_create(&there, NULL, now_and_then_there, NULL), 0);
	pthread_join(there, NULL);
	for (int i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	/* all kicks have returned, and so has the last step that they owed */
	assert_int_equal(get(taken), 2000 * ROUNDS + 2 * 50 * ROUNDS);
	assert_int_equal(get(overlaps), 0);
}

static void no_kick_is_lost_and_steps_do_not_overlap(void **state)
{
	all_at_once(in_bursts);
}

static void nor_where_the_owner_holds_its_kicks(void **state)
{
	all_at_once(in_dpcs);
}

/* ---- both processors hold it ---- */

static struct cpu_dpc both[2];
static _Atomic unsigned arrived, before_end;

static void kick_and_meet(struct cpu_dpc *me)
{
	kick();
	count(arrived);
	while (get(arrived) < 2)
		;
	if (get(steps))
		count(before_end);
	count(arrived);
	while (get(arrived) < 4)
		;
}

static void both_processors_hold_a_kick_till_the_end_of_their_dpcs(void **state)
{
	set(arrived, 0);
	set(before_end, 0);
	for (uint16_t n = 0; n < 2; n++) {
		both[n] = (struct cpu_dpc){.fn = kick_and_meet, .cpu = n};
		cpu_dpc_queue(&both[n], NULL, NULL);
	}
	assert_true(comes_true(get(arrived) == 4));
	cpu_agent_free(agent); /* which waits for both */
	assert_in_range(get(steps), 1, 2);
	assert_int_equal(get(taken), 2);
	assert_int_equal(get(before_end), 0);
	assert_int_equal(get(overlaps), 0);
	agent = NULL;
}

/* ---- cpu_about ---- */

static int place, other_place;

static void use_for_a_while(void *ctx)
{
	cpu_about(cpu_self, &place);
	set(stage, 1);
	sleep_ms(20);
	set(stage, 2);
	cpu_about_over(cpu_self);
	while (get(stage) != 3)
		cpu_relax();
}

static void who_replaces_waits_for_who_is_about_to_look(void **state)
{
	struct cpu_thread *user = cpu_thread_new(use_for_a_while, NULL, 1, "user");
	unsigned early, late;

	assert_true(comes_true(get(stage) == 1));
	cpu_about_wait(&other_place);
	early = get(stage);
	cpu_about_wait(&place);
	late = get(stage);
	set(stage, 3);
	cpu_thread_join(user);
	cpu_thread_free(user);
	assert_in_range(early, 1, 2);
	assert_int_equal(late, 2);
}

#define test(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(who_makes_all_steps_owns_it),
		test(who_shares_it_does_not),
		test(under_replay_there_is_none),
		test(a_kick_of_another_ends_it_and_only_the_same_one_owns_it_again),
		test(a_kick_of_a_processor_in_the_midst_of_its_step_is_left_to_the_owner),
		test(a_kick_of_a_host_thread_in_the_midst_of_its_step_is_left_to_the_owner),
		test(a_kick_inside_the_owners_step_makes_another),
		test(no_kick_is_lost_and_steps_do_not_overlap),
		test(nor_where_the_owner_holds_its_kicks),
		test(both_processors_hold_a_kick_till_the_end_of_their_dpcs),
		test(who_replaces_waits_for_who_is_about_to_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
