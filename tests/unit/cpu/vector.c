/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/vector.c: interrupts.
 */
#include "kit.h"

#include <pthread.h>

/* An interrupt that writes its name into a log, with the IRQL it ran at. */
struct probe {
	struct cpu_interrupt interrupt;
	char name;
	void (*during)(struct probe *probe);
	_Atomic unsigned served;
	uint8_t irql_seen;
};

static char order[32];
static unsigned order_length;

static void note(char name)
{
	if (order_length < sizeof(order) - 1)
		order[order_length++] = name;
}

static void order_clear(void)
{
	memset(order, 0, sizeof(order));
	order_length = 0;
}

static bool probe_service(struct cpu_interrupt *interrupt)
{
	struct probe *probe = interrupt->ctx;

	probe->irql_seen = cpu_irql();
	note(probe->name);
	if (probe->during)
		probe->during(probe);
	note(probe->name + 'a' - 'A');
	count(probe->served);
	return true;
}

static void probe_init(struct probe *probe, char name, uint8_t irql, uint8_t cpu)
{
	*probe = (struct probe){.name = name};
	probe->interrupt =
		(struct cpu_interrupt){.irql = irql, .cpu = cpu, .service = probe_service};
	probe->interrupt.ctx = probe;
}

static struct probe a, b, c;
static _Atomic int stage;

static void at_irql_5_then_4(void *ctx)
{
	unsigned *served = ctx;
	uint64_t start;

	cpu_irql_raise(5);
	set(stage, 1);
	while (get(stage) != 2)
		cpu_relax();
	for (start = cpu_clock(); cpu_clock() - start < 5 * MS;)
		cpu_poll();
	served[0] = get(a.served);
	cpu_irql_lower(4);
	served[1] = get(a.served);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void raised_elsewhere_is_served_when_irql_allows_and_at_its_irql(void **state)
{
	unsigned served[2] = {9, 9};
	struct cpu_thread *thread;

	probe_init(&a, 'A', 5, 0);
	set(stage, 0);
	thread = cpu_thread_new(at_irql_5_then_4, served, 0, "test");
	assert_true(comes_true(get(stage) == 1));
	cpu_interrupt_raise(&a.interrupt);
	set(stage, 2);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	assert_int_equal(served[0], 0);
	assert_int_equal(served[1], 1);
	assert_int_equal(a.irql_seen, 5);
	assert_int_equal(cpu_get(0)->interrupts, 1);
}

static void raise_b_and_c(struct probe *probe)
{
	cpu_interrupt_raise(&b.interrupt);
	cpu_interrupt_raise(&c.interrupt);
	cpu_poll();
}

static void raise_a_and_poll(void *ctx)
{
	cpu_interrupt_raise(&a.interrupt);
	cpu_poll();
}

static void higher_interrupts_nest_and_others_wait(void **state)
{
	order_clear();
	probe_init(&a, 'A', 5, 0);
	probe_init(&b, 'B', 8, 0);
	probe_init(&c, 'C', 5, 0);
	a.during = raise_b_and_c;
	run_on(0, raise_a_and_poll, NULL);
	assert_string_equal(order, "ABbaCc");
	assert_int_equal(a.irql_seen, 5);
	assert_int_equal(b.irql_seen, 8);
}

static void raise_three_at_high(void *ctx)
{
	cpu_irql_raise(IRQL_HIGH);
	cpu_interrupt_raise(&a.interrupt);
	cpu_interrupt_raise(&b.interrupt);
	cpu_interrupt_raise(&c.interrupt);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void highest_pending_is_served_first(void **state)
{
	order_clear();
	probe_init(&a, 'A', 3, 0);
	probe_init(&b, 'B', 7, 0);
	probe_init(&c, 'C', 5, 0);
	run_on(0, raise_three_at_high, NULL);
	assert_string_equal(order, "BbCcAa");
}

static void equal_irqls_are_served_in_order_of_raising(void **state)
{
	order_clear();
	probe_init(&a, 'A', 6, 0);
	probe_init(&b, 'B', 6, 0);
	probe_init(&c, 'C', 6, 0);
	run_on(0, raise_three_at_high, NULL);
	assert_string_equal(order, "AaBbCc");
}

static void raise_again(struct probe *probe)
{
	if (!get(probe->served))
		cpu_interrupt_raise(&probe->interrupt);
	cpu_poll();
}

static void raise_a_three_times(void *ctx)
{
	cpu_irql_raise(IRQL_HIGH);
	for (int i = 0; i < 3; i++)
		cpu_interrupt_raise(&a.interrupt);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void raised_while_pending_it_is_served_once(void **state)
{
	probe_init(&a, 'A', 6, 0);
	run_on(0, raise_a_three_times, NULL);
	assert_int_equal(get(a.served), 1);
}

static void raised_while_served_it_is_served_again_afterwards(void **state)
{
	order_clear();
	probe_init(&a, 'A', 6, 0);
	a.during = raise_again;
	run_on(0, raise_a_and_poll, NULL);
	assert_string_equal(order, "AaAa");
}

static void raise_wakes_a_sleeping_processor(void **state)
{
	probe_init(&a, 'A', 6, 1);
	for (unsigned i = 1; i <= 20; i++) {
		sleep_ms(2);
		cpu_interrupt_raise(&a.interrupt);
		assert_true(comes_true(get(a.served) == i));
	}
	assert_int_equal(cpu_get(1)->interrupts, 20);
	assert_int_equal(cpu_get(0)->interrupts, 0);
}

static void raise_a(void *ctx)
{
	cpu_interrupt_raise(&a.interrupt);
}

static void spin_until_served(void *ctx)
{
	struct cpu_agent *agent = ctx;

	for (unsigned i = 1; i <= 100; i++) {
		cpu_agent_kick(agent);
		while (get(a.served) < i)
			cpu_poll();
	}
}

static void thread_that_only_polls_is_interrupted_on_one_processor(void **state)
{
	struct cpu_agent *agent = cpu_agent_new(raise_a, NULL, "device");

	probe_init(&a, 'A', 6, 0);
	run_on(0, spin_until_served, agent);
	cpu_agent_free(agent);
	assert_int_equal(get(a.served), 100);
}

static void hold_until_stage_2(struct probe *probe)
{
	set(stage, 1);
	while (get(stage) != 2)
		cpu_relax();
	set(stage, 3);
}

static void quiesce_a(void *ctx)
{
	int *seen = ctx;

	cpu_interrupt_quiesce(&a.interrupt);
	*seen = get(stage);
}

static void quiesce_returns_after_the_service(void **state)
{
	struct cpu_thread *thread;
	int seen = 0;

	set(stage, 0);
	probe_init(&a, 'A', 6, 1);
	a.during = hold_until_stage_2;
	cpu_interrupt_raise(&a.interrupt);
	assert_true(comes_true(get(stage) == 1));
	thread = cpu_thread_new(quiesce_a, &seen, 0, "test");
	sleep_ms(5);
	set(stage, 2);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	assert_int_equal(seen, 3);
	assert_int_equal(get(a.served), 1);
}

static void raise_and_quiesce(void *ctx)
{
	cpu_interrupt_raise(&a.interrupt);
	cpu_interrupt_quiesce(&a.interrupt);
	*(unsigned *)ctx = get(a.served);
}

static void quiesce_serves_what_is_pending_here(void **state)
{
	unsigned served = 0;

	probe_init(&a, 'A', 6, 0);
	run_on(0, raise_and_quiesce, &served);
	assert_int_equal(served, 1);
}

static void *seh_in_service = &stage;

static void see_seh(struct probe *probe)
{
	seh_in_service = cpu_self->seh;
	cpu_self->seh = &probe;
}

static void interrupt_with_seh(void *ctx)
{
	cpu_self->seh = ctx;
	cpu_interrupt_raise(&a.interrupt);
	cpu_poll();
	if (cpu_self->seh == ctx)
		set(stage, 1);
	cpu_self->seh = NULL;
}

static void service_does_not_see_the_try_frames_of_what_it_interrupts(void **state)
{
	int frame;

	set(stage, 0);
	probe_init(&a, 'A', 6, 0);
	a.during = see_seh;
	run_on(0, interrupt_with_seh, &frame);
	assert_null(seh_in_service);
	assert_int_equal(get(stage), 1);
}

static void lower_in_service(struct probe *probe)
{
	cpu_irql_lower(IRQL_DISPATCH);
}

static void serve_wrongly(void *ctx)
{
	probe_init(&a, 'A', 6, 0);
	a.during = lower_in_service;
	raise_a_and_poll(NULL);
}

static void raise_at_dispatch(void *ctx)
{
	probe_init(&a, 'A', IRQL_DISPATCH, 0);
	cpu_interrupt_raise(&a.interrupt);
}

static void raise_for_processor_1_of_1(void *ctx)
{
	probe_init(&a, 'A', 6, 1);
	cpu_interrupt_raise(&a.interrupt);
}

static void service_that_returns_at_another_irql_dies(void **state)
{
	assert_dies(serve_wrongly,
		"an interrupt service routine returned at IRQL 2 on processor 0; it was "
		"called at IRQL 6");
}

static void interrupt_with_wrong_irql_or_processor_dies(void **state)
{
	assert_dies(raise_at_dispatch, "interrupt at IRQL 2");
	assert_dies(raise_for_processor_1_of_1, "for processor 1 of 1");
}

#define RAISES 20000

static _Atomic unsigned work_given, work_taken;

static bool take_work(struct cpu_interrupt *interrupt)
{
	unsigned given = get(work_given), taken = get(work_taken);

	/* the service of one that moves may run on two processors at once */
	while (taken < given && !atomic_compare_exchange_weak(&work_taken, &taken, given))
		;
	return true;
}

static void *give_work(void *arg)
{
	for (int i = 0; i < RAISES; i++) {
		count(work_given);
		cpu_interrupt_raise(arg);
	}
	return NULL;
}

/* Each raise comes after its work: so when all is quiet, the last work has been seen. */
static void no_raise_from_two_host_threads_is_lost(void **state)
{
	struct cpu_interrupt interrupt = {.irql = 4, .cpu = 0, .service = take_work};
	pthread_t threads[2];

	set(work_given, 0);
	set(work_taken, 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, give_work, &interrupt), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_true(comes_true(get(work_taken) == 2 * RAISES));
	cpu_interrupt_quiesce(&interrupt);
	assert_in_range(cpu_get(0)->interrupts, 1, 2 * RAISES);
}

/* ---- moved to another processor ---- */

static bool note_processor(struct cpu_interrupt *interrupt)
{
	unsigned *served = interrupt->ctx;

	served[cpu_self->number]++;
	return true;
}

static void raise_move_raise(void *ctx)
{
	struct cpu_interrupt *interrupt = ctx;

	cpu_irql_raise(8);
	cpu_interrupt_raise(interrupt); /* pending here */
	cpu_interrupt_move(interrupt, 1);
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_interrupt_quiesce(interrupt);
	cpu_interrupt_raise(interrupt);
}

static void one_that_moved_is_served_where_it_was_pending_and_then_elsewhere(void **state)
{
	unsigned served[2] = {0, 0};
	struct cpu_interrupt interrupt = {
		.irql = 4, .cpu = 0, .service = note_processor, .ctx = served};

	run_on(0, raise_move_raise, &interrupt);
	cpu_interrupt_quiesce(&interrupt);
	assert_int_equal(served[0], 1);
	assert_int_equal(served[1], 1);
}

static _Atomic bool is_over;

static void *move_about(void *arg)
{
	for (unsigned n = 0; !get(is_over); n++)
		cpu_interrupt_move(arg, n & 1);
	return NULL;
}

/* Nor is it in two queues at once, which would lose others. */
static void no_raise_is_lost_while_it_moves(void **state)
{
	struct cpu_interrupt interrupt = {.irql = 4, .cpu = 0, .service = take_work};
	pthread_t threads[2], mover;

	set(work_given, 0);
	set(work_taken, 0);
	set(is_over, false);
	assert_int_equal(pthread_create(&mover, NULL, move_about, &interrupt), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, give_work, &interrupt), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	set(is_over, true);
	pthread_join(mover, NULL);
	assert_true(comes_true(get(work_taken) == 2 * RAISES));
	cpu_interrupt_quiesce(&interrupt);
	assert_in_range(cpu_get(0)->interrupts + cpu_get(1)->interrupts, 1, 2 * RAISES);
}

static struct cpu_interrupt moved;

static bool stay_until_told(struct cpu_interrupt *interrupt)
{
	set(stage, 1);
	while (get(stage) != 2)
		cpu_relax();
	set(stage, 3);
	return true;
}

static void *tell_it_to_go(void *arg)
{
	usleep(20000);
	set(stage, 2);
	return NULL;
}

static void raise_and_poll(void *ctx)
{
	cpu_interrupt_raise(ctx);
	cpu_poll();
}

static void quiesce_finds_it_where_it_was_before_it_moved(void **state)
{
	struct cpu_thread *thread;
	pthread_t teller;

	moved = (struct cpu_interrupt){.irql = 4, .cpu = 0, .service = stay_until_told};
	set(stage, 0);
	thread = cpu_thread_new(raise_and_poll, &moved, 0, "served");
	assert_true(comes_true(get(stage) == 1));
	cpu_interrupt_move(&moved, 1);
	assert_int_equal(pthread_create(&teller, NULL, tell_it_to_go, NULL), 0);
	cpu_interrupt_quiesce(&moved);
	assert_int_equal(get(stage), 3);
	pthread_join(teller, NULL);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_1(raised_elsewhere_is_served_when_irql_allows_and_at_its_irql),
		on_1(higher_interrupts_nest_and_others_wait),
		on_1(highest_pending_is_served_first),
		on_1(equal_irqls_are_served_in_order_of_raising),
		on_1(raised_while_pending_it_is_served_once),
		on_1(raised_while_served_it_is_served_again_afterwards),
		on_2(raise_wakes_a_sleeping_processor),
		on_1(thread_that_only_polls_is_interrupted_on_one_processor),
		on_2(quiesce_returns_after_the_service),
		on_1(quiesce_serves_what_is_pending_here),
		on_1(service_does_not_see_the_try_frames_of_what_it_interrupts),
		cmocka_unit_test(service_that_returns_at_another_irql_dies),
		cmocka_unit_test(interrupt_with_wrong_irql_or_processor_dies),
		on_1(no_raise_from_two_host_threads_is_lost),
		on_2(one_that_moved_is_served_where_it_was_pending_and_then_elsewhere),
		on_2(no_raise_is_lost_while_it_moves),
		on_2(quiesce_finds_it_where_it_was_before_it_moved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
