/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/agent.c and src/cpu/agent_step.c.
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

/* ---- kicks of a DPC are held till its end, or till somebody waits ---- */

static struct {
	struct cpu_agent *agent[2];
	void (*waits)(void);
	unsigned before, after; /* steps, before and after the wait */
	unsigned later;		/* and after the DPC */
} held;

static void kick_both(struct cpu_dpc *dpc)
{
	for (int i = 0; i < 3; i++) {
		count(given);
		cpu_agent_kick(held.agent[0]);
		cpu_agent_kick(held.agent[1]);
	}
	held.before = get(steps);
	if (held.waits)
		held.waits();
	held.after = get(steps);
}

static void queue_and_see(void *ctx)
{
	struct cpu_dpc dpc = {.fn = kick_both, .cpu = CPU_HERE};

	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_poll();
	held.later = get(steps);
}

static void held_with(void (*waits)(void))
{
	for (int i = 0; i < 2; i++)
		held.agent[i] = cpu_agent_new(take_all, NULL, "device");
	held.waits = waits;
	run_on(0, queue_and_see, NULL);
	for (int i = 0; i < 2; i++)
		cpu_agent_free(held.agent[i]);
	assert_int_equal(get(taken), get(given));
	assert_int_equal(get(overlaps), 0);
}

static void kicks_of_a_dpc_make_one_step_of_each_agent_after_it(void **state)
{
	held_with(NULL);
	assert_int_equal(held.after, 0);
	assert_int_equal(held.later, 2);
	assert_int_equal(get(steps), 2);
}

/* ---- several DPCs that wait one behind the other ---- */

static struct {
	struct cpu_agent *agent;
	struct cpu_dpc dpc[20];
	unsigned dpcs;
	unsigned before[20]; /* steps, at the end of each */
} row;

static void kick_one(struct cpu_dpc *dpc)
{
	count(given);
	cpu_agent_kick(row.agent);
	row.before[dpc - row.dpc] = get(steps);
}

static void queue_row(void *ctx)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	for (unsigned n = 0; n < row.dpcs; n++) {
		row.dpc[n] = (struct cpu_dpc){.fn = kick_one, .cpu = CPU_HERE};
		cpu_dpc_queue(&row.dpc[n], NULL, NULL);
	}
	cpu_irql_lower(irql);
}

/* Of whatever machine. */
static void dpcs_in_a_row_make_one_step_for_eight_at_most(void **state)
{
	row.agent = cpu_agent_new_inline(take_all, NULL);
	row.dpcs = 3;
	run_on(0, queue_row, NULL);
	assert_int_equal(row.before[2], 0);
	assert_int_equal(get(steps), 1);
	row.dpcs = 20;
	run_on(0, queue_row, NULL);
	assert_int_equal(row.before[7], 1);
	assert_int_equal(row.before[8], 2);
	assert_int_equal(row.before[15], 2);
	assert_int_equal(row.before[16], 3);
	assert_int_equal(get(steps), 4);
	assert_int_equal(get(taken), get(given));
	cpu_agent_kick(row.agent);
	assert_int_equal(get(steps), 5);
	cpu_agent_free(row.agent);
}

static void stall(void)
{
	cpu_stall(1);
}

static struct cpu_spinlock spin;

static void wait_for_a_lock(void)
{
	cpu_spin_acquire(&spin);
	cpu_spin_release(&spin);
}

static void keep_until_stepped(void *ctx)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	cpu_spin_acquire(&spin);
	set(given, 1);
	while (!get(steps))
		;
	cpu_spin_release(&spin);
	cpu_irql_lower(irql);
}

static void expect_steps(void *ctx)
{
	set(inside, get(steps) != 2);
}

/* No DPC may lower the IRQL, but to find out which one did the machine must go on. */
static void join_at_passive(void)
{
	struct cpu_thread *other = cpu_thread_new(expect_steps, NULL, 0, "other");

	cpu_irql_lower(IRQL_PASSIVE);
	cpu_thread_join(other);
	cpu_thread_free(other);
	cpu_irql_raise(IRQL_DISPATCH);
}

static void a_dpc_that_waits_does_not_wait_for_itself(void **state)
{
	static void (*const waits[])(void) = {cpu_relax, stall, cpu_agent_settle, join_at_passive};

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		clear();
		held_with(waits[i]);
		assert_int_equal(held.before, 0);
		assert_int_equal(held.after, 2);
		assert_int_equal(get(inside), 0);
		assert_int_equal(get(steps), 2);
	}
}

static void a_dpc_that_waits_for_a_lock_does_not_wait_for_itself(void **state)
{
	struct cpu_thread *keeper = cpu_thread_new(keep_until_stepped, NULL, 1, "keeper");

	assert_true(comes_true(get(given) == 1));
	held_with(wait_for_a_lock);
	cpu_thread_join(keeper);
	cpu_thread_free(keeper);
	assert_int_equal(held.after, 2);
}

static bool kick_above(struct cpu_interrupt *interrupt)
{
	unsigned already = get(steps);

	cpu_agent_kick(held.agent[0]);
	held.before = get(steps) - already;
	return true;
}

static void be_interrupted(void)
{
	static struct cpu_interrupt interrupt = {.irql = 5, .cpu = 0, .service = kick_above};

	cpu_interrupt_raise(&interrupt);
	cpu_poll();
}

static void above_dispatch_no_kick_is_held(void **state)
{
	held_with(be_interrupted);
	assert_int_equal(held.before, 1);
	assert_int_equal(held.after, 1);
	assert_int_equal(get(steps), 3);
}

static void kick_in_a_timer(struct cpu_timer *timer)
{
	kick_both(NULL);
}

static void wait_for_a_timer(void *ctx)
{
	struct cpu_timer timer = {.fn = kick_in_a_timer, .cpu = 0};

	cpu_timer_set(&timer, 1, 0);
	while (!get(steps))
		cpu_relax();
}

static void kicks_of_a_timer_are_stepped_after_it(void **state)
{
	held.agent[0] = held.agent[1] = cpu_agent_new(take_all, NULL, "device");
	held.waits = NULL;
	run_on(0, wait_for_a_timer, NULL);
	assert_int_equal(held.after, 0);
	assert_int_equal(get(steps), 1);
	cpu_agent_free(held.agent[0]);
}

static _Atomic unsigned reached;

static void wait_for_another(void)
{
	set(reached, 1);
	while (get(reached) < 2)
		; /* nothing that lets a kick go */
}

static void kick_elsewhere(void *ctx)
{
	while (!get(reached))
		cpu_relax();
	cpu_agent_kick(held.agent[0]);
	held.before = get(steps);
	set(reached, 2);
}

static void what_one_processor_holds_another_steps(void **state)
{
	struct cpu_thread *other = cpu_thread_new(kick_elsewhere, NULL, 1, "other");

	set(reached, 0);
	held_with(wait_for_another);
	cpu_thread_join(other);
	cpu_thread_free(other);
	assert_int_equal(held.before, 1);
	assert_int_equal(get(steps), 3);
}

static void *free_first(void *agent)
{
	cpu_agent_free(agent);
	set(reached, get(steps) ? 3 : 4);
	return NULL;
}

static void wait_a_while(void)
{
	set(reached, 1);
	sleep_ms(20);
	held.before = get(reached);
}

static void free_waits_while_a_kick_is_held(void **state)
{
	struct cpu_thread *thread;
	pthread_t other;

	set(reached, 0);
	for (int i = 0; i < 2; i++)
		held.agent[i] = cpu_agent_new(take_all, NULL, "device");
	held.waits = wait_a_while;
	thread = cpu_thread_new(queue_and_see, NULL, 0, "test");
	assert_true(comes_true(get(reached) == 1));
	assert_int_equal(pthread_create(&other, NULL, free_first, held.agent[0]), 0);
	pthread_join(other, NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	assert_int_equal(held.before, 1);
	assert_int_equal(get(reached), 3);
	cpu_agent_free(held.agent[1]);
}

static struct cpu_agent *self;

static void kick_self(void)
{
	cpu_agent_kick(self);
}

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

static void kick_inside_a_step_of_a_dpc_steps_again_too(void **state)
{
	self = cpu_agent_new(kick_itself, NULL, "device");
	held_with(kick_self);
	assert_int_equal(get(steps), 7);
	cpu_agent_free(self);
}

static _Atomic int may_end;

static void step_slowly(void *ctx)
{
	set(inside, 1);
	while (!get(may_end))
		sleep_ms(1);
	sleep_ms(20);
	set(inside, 0);
}

static void free_waits_for_the_step(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(step_slowly, NULL, "device");

	cpu_agent_kick(agent);
	assert_true(comes_true(get(inside) == 1));
	set(may_end, 1);
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

/* ---- the one processor of a machine takes no locked instruction, host threads see it all the same
 */

static void only_a_machine_of_one_processor_has_a_quick_one(void **state)
{
	static const struct cpu_config configs[] = {
		{.processors = 2}, {.processors = 1, .replay = true}, {.processors = 1}};

	cpu_fini();
	for (size_t i = 0; i < array_size(configs); i++) {
		assert_int_equal(cpu_init(&configs[i]), 0);
		assert_int_equal(cpu_start(), 0);
		assert_int_equal(cpu_is_near_quick, i == 2);
		if (i < 2)
			cpu_fini();
	}
}

static void kick_many_in_dpcs(void *ctx)
{
	for (int i = 0; i < KICKS; i++) {
		struct cpu_dpc dpc = {.fn = kick_one, .cpu = CPU_HERE};

		row.dpc[0] = dpc;
		cpu_dpc_queue(&row.dpc[0], NULL, NULL);
		cpu_poll();
	}
}

static void kick_with_host_threads(void (*kicks)(void *ctx))
{
	struct cpu_agent *agent = row.agent = cpu_agent_new(take_all, NULL, "device");
	struct cpu_thread *here;
	pthread_t there[2];

	clear();
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&there[i], NULL, kick_many, agent), 0);
	here = cpu_thread_new(kicks, agent, 0, "test");
	for (int i = 0; i < 2; i++)
		pthread_join(there[i], NULL);
	cpu_thread_join(here);
	cpu_thread_free(here);
	assert_int_equal(get(given), 3 * KICKS);
	/* all kicks have returned, and so has the last step that they owed */
	assert_int_equal(get(taken), 3 * KICKS);
	assert_int_equal(get(overlaps), 0);
	cpu_agent_free(agent);
}

static void no_kick_of_the_processor_and_of_host_threads_is_lost_and_steps_do_not_overlap(
	void **state)
{
	kick_with_host_threads(kick_many_here);
	kick_with_host_threads(kick_many_in_dpcs);
}

/* The first step is the one's, and the other's kick comes in its midst. */
static struct {
	struct cpu_agent *agent;
	_Atomic unsigned stage;
	_Atomic(struct cpu *) steps_on[3];
} between;

static void step_between(void *ctx)
{
	unsigned step = count(steps);

	between.steps_on[step % 3] = cpu_self;
	if (step)
		return;
	set(between.stage, 1);
	while (get(between.stage) != 2)
		;
}

static void first_here(void *ctx)
{
	cpu_agent_kick(between.agent);
}

static void *first_there(void *ctx)
{
	cpu_agent_kick(between.agent);
	return NULL;
}

static void then_here(void *ctx)
{
	cpu_agent_kick(between.agent);
	set(reached, get(steps));
	set(between.stage, 2);
}

static void a_kick_in_the_midst_of_a_step_is_left_to_who_steps(void **state)
{
	struct cpu_thread *here;
	pthread_t there;

	between.agent = cpu_agent_new(step_between, NULL, "device");
	set(between.stage, 0);
	here = cpu_thread_new(first_here, NULL, 0, "test");
	assert_true(comes_true(get(between.stage) == 1));
	cpu_agent_kick(between.agent);
	cpu_agent_kick(between.agent);
	assert_int_equal(get(steps), 1);
	set(between.stage, 2);
	cpu_thread_join(here);
	cpu_thread_free(here);
	assert_int_equal(get(steps), 2);
	assert_ptr_equal(between.steps_on[0], cpu_get(0));
	assert_ptr_equal(between.steps_on[1], cpu_get(0));

	clear();
	set(between.stage, 0);
	assert_int_equal(pthread_create(&there, NULL, first_there, NULL), 0);
	assert_true(comes_true(get(between.stage) == 1));
	run_on(0, then_here, NULL);
	assert_int_equal(get(reached), 1);
	pthread_join(there, NULL);
	assert_int_equal(get(steps), 2);
	assert_null(between.steps_on[0]);
	assert_null(between.steps_on[1]);
	cpu_agent_free(between.agent);
}

static int start_quick(void **state)
{
	machine_start_with(1, true);
	return clear();
}

#define is_quick(test)	cmocka_unit_test_setup_teardown(test, start_quick, stop)
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
		is_inline(kick_inside_a_step_of_a_dpc_steps_again_too),
		is_inline(kicks_of_a_dpc_make_one_step_of_each_agent_after_it),
		threaded(dpcs_in_a_row_make_one_step_for_eight_at_most),
		is_inline(a_dpc_that_waits_does_not_wait_for_itself),
		is_inline(a_dpc_that_waits_for_a_lock_does_not_wait_for_itself),
		is_inline(above_dispatch_no_kick_is_held),
		is_inline(kicks_of_a_timer_are_stepped_after_it),
		is_inline(what_one_processor_holds_another_steps),
		is_inline(free_waits_while_a_kick_is_held),
		is_quick(only_a_machine_of_one_processor_has_a_quick_one),
		is_quick(kick_inside_a_step_steps_again_afterwards),
		is_quick(kick_inside_a_step_of_a_dpc_steps_again_too),
		is_quick(kicks_of_a_dpc_make_one_step_of_each_agent_after_it),
		is_quick(a_dpc_that_waits_does_not_wait_for_itself),
		is_quick(above_dispatch_no_kick_is_held),
		is_quick(kicks_of_a_timer_are_stepped_after_it),
		is_quick(free_waits_while_a_kick_is_held),
		is_quick(
			no_kick_of_the_processor_and_of_host_threads_is_lost_and_steps_do_not_overlap),
		is_inline(
			no_kick_of_the_processor_and_of_host_threads_is_lost_and_steps_do_not_overlap),
		is_quick(a_kick_in_the_midst_of_a_step_is_left_to_who_steps),
		is_inline(a_kick_in_the_midst_of_a_step_is_left_to_who_steps),
		threaded(free_waits_for_the_step),
		threaded(an_agent_ends_whatever_it_is_about_to_do),
		threaded(agent_may_be_freed_after_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
