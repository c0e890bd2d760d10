/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests cpu_agent_answer of src/cpu/agent_step.c, and its share of vector.c and dpc.c: a step
 * between two DPCs interrupts, and the service queues DPCs. Each test runs on machines of one
 * processor and of two, where these are handed over, and on one where they go through the queues:
 * all must come alike.
 *
 * The log has a capital letter when a service or step begins and a small one when it ends, and the
 * digit of each DPC.
 */
#include "kit.h"

#include <pthread.h>

struct line {
	struct cpu_interrupt interrupt;
	char name;
	void (*during)(void);
	unsigned served;
};

struct call {
	struct cpu_dpc dpc;
	char name;
	void (*during)(void);
	void *seen[2];
	uint8_t irql_seen;
	bool in_dpc_seen;
};

static struct line a, b;
static struct call calls[4];
static struct cpu_agent *agent;
static void (*in_step)(void);
static unsigned steps;
static char text[64];
static _Atomic int stage;

static void note(char name)
{
	size_t length = strlen(text);

	if (length < sizeof(text) - 1)
		text[length] = name;
}

static bool serve(struct cpu_interrupt *interrupt)
{
	struct line *line = interrupt->ctx;

	note(line->name);
	line->served++;
	if (line->during)
		line->during();
	note((char)(line->name + 'a' - 'A'));
	return true;
}

static void run(struct cpu_dpc *dpc)
{
	struct call *call = container_of(dpc, struct call, dpc);

	call->seen[0] = cpu_self->dpc_arg[0];
	call->seen[1] = cpu_self->dpc_arg[1];
	call->irql_seen = cpu_irql();
	call->in_dpc_seen = cpu_self->is_in_dpc;
	note(call->name);
	if (call->during)
		call->during();
}

static void step(void *ctx)
{
	note('S');
	if (!steps++)
		in_step();
	note('s');
}

static void kick(void)
{
	cpu_agent_kick(agent);
}

static bool queue(unsigned n)
{
	return cpu_dpc_queue(&calls[n].dpc, &calls[n], text);
}

static void line_init(struct line *line, char name, uint8_t irql)
{
	*line = (struct line){.name = name};
	line->interrupt = (struct cpu_interrupt){.irql = irql, .service = serve, .ctx = line};
}

static void first_dpc(void *ctx)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	queue(0);
	cpu_irql_lower(irql);
}

enum { ALONE, ON_TWO, BY_QUEUES, MACHINES };

/* DPC 0 kicks the device, whose step does this, and what is expected comes of it. other: a host
 * thread's main function, or NULL. */
static void answers(unsigned machine, void *(*other)(void *ctx), const char *expected)
{
	char found[80], wanted[80];
	pthread_t thread;

	machine_start_with(machine == ALONE ? 1 : 2, true);
	if (machine == BY_QUEUES) /* as on a host without the barrier */
		cpu_has_near = false;
	agent = cpu_agent_new(step, NULL, "device");
	steps = 0;
	memset(text, 0, sizeof(text));
	set(stage, 0);
	a.served = b.served = 0;
	if (other)
		assert_int_equal(pthread_create(&thread, NULL, other, NULL), 0);
	run_on(0, first_dpc, NULL);
	if (other)
		pthread_join(thread, NULL);
	cpu_agent_free(agent);
	cpu_fini();
	snprintf(found, sizeof(found), "%u: %s", machine, text);
	snprintf(wanted, sizeof(wanted), "%u: %s", machine, expected);
	assert_string_equal(found, wanted);
}

static void *on_processor(void *expected)
{
	for (unsigned machine = 0; machine < MACHINES; machine++)
		answers(machine, NULL, expected);
	return NULL;
}

static int init(void **state)
{
	for (unsigned n = 0; n < array_size(calls); n++) {
		calls[n] = (struct call){.name = (char)('0' + n)};
		calls[n].dpc = (struct cpu_dpc){.fn = run, .cpu = CPU_HERE};
	}
	calls[0].during = kick;
	line_init(&a, 'A', 5);
	line_init(&b, 'B', 5);
	return 0;
}

static void raise_a(void)
{
	cpu_interrupt_raise(&a.interrupt);
}

static void queue_1(void)
{
	queue(1);
}

/* What is answered stands in the log. */
static void answer(bool is_yes)
{
	note(is_yes ? '+' : '-');
}

static void the_interrupt_of_a_step_and_its_dpc_follow(void **state)
{
	in_step = raise_a;
	a.during = queue_1;
	on_processor("0SsAa1");
	assert_ptr_equal(calls[1].seen[0], &calls[1]);
	assert_ptr_equal(calls[1].seen[1], text);
	assert_int_equal(calls[1].irql_seen, IRQL_DISPATCH);
	assert_true(calls[1].in_dpc_seen);
}

static uint64_t counted[2];

static void count_both(void)
{
	counted[0] = cpu_self->interrupts;
	counted[1] = cpu_self->dpcs;
}

static void both_are_counted(void **state)
{
	in_step = raise_a;
	a.during = queue_1;
	calls[1].during = count_both;
	on_processor("0SsAa1");
	assert_int_equal(counted[0], 1);
	assert_int_equal(counted[1], 2);
}

static void a_step_without_an_interrupt_and_a_service_without_a_dpc_end_it(void **state)
{
	in_step = count_both;
	on_processor("0Ss");
	in_step = raise_a;
	on_processor("0SsAa");
}

static void raise_a_again(void)
{
	if (a.served < 3)
		raise_a();
}

static void kick_and_go_on(void)
{
	steps = 0;
	in_step = raise_a_again;
	kick();
}

static void a_dpc_that_kicks_again_goes_on_in_the_same_way(void **state)
{
	in_step = raise_a;
	a.during = queue_1;
	calls[1].during = kick_and_go_on;
	on_processor("0SsAa1SsAa1SsAa1Ss");
}

static void raise_both(void)
{
	cpu_interrupt_raise(&a.interrupt);
	cpu_interrupt_raise(&b.interrupt);
	cpu_interrupt_raise(&a.interrupt);
}

static void several_interrupts_come_by_irql_and_then_in_order(void **state)
{
	in_step = raise_both;
	a.during = queue_1;
	on_processor("0SsAaBb1");
	b.interrupt.irql = 7;
	on_processor("0SsBbAa1");
	b.interrupt.irql = 3;
	on_processor("0SsAaBb1");
}

static void raise_twice(void)
{
	raise_a();
	raise_a();
}

static void raised_twice_in_a_step_it_is_served_once(void **state)
{
	in_step = raise_twice;
	on_processor("0SsAa");
}

static void raise_b_in_a(void)
{
	cpu_interrupt_raise(&b.interrupt);
	queue(1);
	cpu_poll();
	queue(2);
}

static void queue_3(void)
{
	queue(3);
}

static void a_service_is_interrupted_and_the_dpcs_keep_their_order(void **state)
{
	in_step = raise_a;
	a.during = raise_b_in_a;
	b.during = queue_3;
	on_processor("0SsAaBb123");
	b.interrupt.irql = 7;
	on_processor("0SsABba132");
}

static void queue_three(void)
{
	answer(queue(1));
	answer(queue(2));
	answer(cpu_dpc_queue(&calls[1].dpc, NULL, NULL));
	answer(queue(3));
}

static void several_dpcs_run_in_order(void **state)
{
	in_step = raise_a;
	a.during = queue_three;
	on_processor("0SsA++-+a123");
	calls[3].dpc.high = 1;
	on_processor("0SsA++-+a312");
	calls[1].dpc.high = 1;
	on_processor("0SsA++-+a312");
}

static void queue_1_twice(void)
{
	answer(queue(1));
	answer(cpu_dpc_queue(&calls[1].dpc, NULL, NULL));
}

static void see_arguments(void)
{
	answer(calls[1].seen[0] == &calls[1] && calls[1].seen[1] == text);
}

static void a_dpc_that_waits_is_not_queued_again_and_keeps_its_arguments(void **state)
{
	in_step = raise_a;
	a.during = queue_1_twice;
	calls[1].during = see_arguments;
	on_processor("0SsA+-a1+");
}

static void queue_and_cancel(void)
{
	queue(1);
	answer(cpu_dpc_cancel(&calls[1].dpc));
	answer(cpu_dpc_cancel(&calls[1].dpc));
	queue(2);
	answer(cpu_dpc_cancel(&calls[1].dpc));
}

static void a_dpc_that_waits_can_be_taken_back(void **state)
{
	in_step = raise_a;
	a.during = queue_and_cancel;
	on_processor("0SsA+--a2");
}

static void queue_both(void)
{
	queue(1);
	queue(2);
}

static void raise_and_queue(void)
{
	raise_a();
	queue(2);
}

static void a_dpc_that_the_step_queues_is_first(void **state)
{
	in_step = raise_and_queue;
	a.during = queue_1;
	on_processor("0SsAa21");
}

static void a_row_of_dpcs_is_stepped_after_the_last(void **state)
{
	calls[0].during = queue_both;
	calls[1].during = kick;
	in_step = raise_a;
	a.during = queue_3;
	on_processor("012SsAa3");
}

/* ---- what others give meanwhile ---- */

static void (*meanwhile)(void);

static void *other_main(void *arg)
{
	while (get(stage) != 1)
		sched_yield();
	meanwhile();
	set(stage, 2);
	return NULL;
}

static void let_other(void)
{
	if (get(stage))
		return; /* it has been there */
	set(stage, 1);
	while (get(stage) != 2)
		sched_yield();
}

static void raise_and_let_other(void)
{
	raise_a();
	let_other();
}

static void queue_and_let_other(void)
{
	queue_1();
	let_other();
}

static void with_other(void (*fn)(void), char *expected)
{
	meanwhile = fn;
	for (unsigned machine = 0; machine < MACHINES; machine++)
		answers(machine, other_main, expected);
}

static void raise_b(void)
{
	cpu_interrupt_raise(&b.interrupt);
}

static void queue_2_on_0(void)
{
	calls[2].dpc.cpu = 0;
	queue(2);
}

static void what_others_raise_during_the_step_comes_in_order(void **state)
{
	in_step = raise_and_let_other;
	a.during = queue_1;
	with_other(raise_b, "0SsAaBb1");
	b.interrupt.irql = 7;
	with_other(raise_b, "0SsBbAa1");
	b.interrupt.irql = 3;
	with_other(raise_b, "0SsAaBb1");
	with_other(raise_a, "0SsAa1");
}

static void let_other_and_raise(void)
{
	let_other();
	raise_a();
}

static void what_others_have_raised_before_the_step_does_comes_first(void **state)
{
	in_step = let_other_and_raise;
	a.during = queue_1;
	with_other(raise_b, "0SsBbAa1");
	b.interrupt.irql = 3;
	with_other(raise_b, "0SsAaBb1");
}

static void what_others_queue_during_the_step_comes_first(void **state)
{
	in_step = raise_and_let_other;
	a.during = queue_1;
	with_other(queue_2_on_0, "0SsAa21");
}

static void what_others_give_during_the_service_comes_in_order(void **state)
{
	in_step = raise_a;
	a.during = queue_and_let_other;
	with_other(queue_2_on_0, "0SsAa12");
	with_other(raise_b, "0SsAaBb1");
}

static bool timer_ran;

static void timer_run(struct cpu_timer *timer)
{
	note('T');
	timer_ran = true;
}

static struct cpu_timer timer;

/* The clock says that it is due while the service runs. */
static void queue_and_wait_for_the_timer(void)
{
	timer = (struct cpu_timer){.fn = timer_run, .cpu = 0};
	queue(1);
	cpu_timer_set(&timer, 1, 0);
	while (atomic_load(&cpu_self->pending_irql) < IRQL_DISPATCH)
		sched_yield();
	queue(2);
}

static void a_timer_comes_after_the_first_dpc(void **state)
{
	in_step = raise_a;
	a.during = queue_and_wait_for_the_timer;
	/* where the DPC waits in the queue, that is pending already */
	machine_start_with(1, true);
	agent = cpu_agent_new(step, NULL, "device");
	steps = 0;
	memset(text, 0, sizeof(text));
	run_on(0, first_dpc, NULL);
	cpu_agent_free(agent);
	cpu_fini();
	assert_string_equal(text, "0SsAa1T2");
}

/* ---- a DPC in the hand, seen from elsewhere, on two processors ---- */

static _Atomic bool is_over, was_there;

static void queue_1_of_another(void)
{
	answer(cpu_dpc_queue(&calls[1].dpc, NULL, NULL));
}

static void cancel_1_of_another(void)
{
	set(stage, 2); /* it waits */
	set(was_there, cpu_dpc_cancel(&calls[1].dpc));
	set(is_over, true);
}

static void queue_let_other_and_wait(void)
{
	queue_and_let_other();
	sleep_ms(20);
	while (!get(is_over))
		cpu_relax();
}

static void queue_let_other_and_go(void)
{
	queue_and_let_other();
	sleep_ms(20);
}

static void await_the_end(void)
{
	while (!get(is_over))
		cpu_relax();
}

static void with_other_on_two(void (*fn)(void), const char *expected)
{
	meanwhile = fn;
	set(is_over, false);
	answers(ON_TWO, other_main, expected);
}

static void a_dpc_in_the_hand_is_queued_for_others_too(void **state)
{
	in_step = raise_a;
	a.during = queue_and_let_other;
	calls[1].during = see_arguments;
	with_other_on_two(queue_1_of_another, "0SsA-a1+");
}

static void who_would_take_it_back_waits_until_it_has_left_the_hand(void **state)
{
	in_step = raise_a;
	/* it waits in the queue, as the service waits */
	a.during = queue_let_other_and_wait;
	with_other_on_two(cancel_1_of_another, "0SsAa");
	assert_true(get(was_there));
	/* it runs */
	a.during = queue_let_other_and_go;
	calls[1].during = await_the_end;
	with_other_on_two(cancel_1_of_another, "0SsAa1");
	assert_false(get(was_there));
}

static bool quiesced_early;

static void quiesce_a(void)
{
	set(stage, 2);
	cpu_interrupt_quiesce(&a.interrupt);
	quiesced_early |= !a.served;
}

static void raise_and_wait(void)
{
	raise_and_let_other();
	sleep_ms(20);
}

static void quiesce_waits_for_one_that_a_step_has_raised(void **state)
{
	in_step = raise_and_wait;
	quiesced_early = false;
	with_other(quiesce_a, "0SsAa");
	assert_false(quiesced_early);
}

static void step_of_another(void)
{
	uint64_t end = now_ns() + 50 * MS;
	unsigned n = 0;

	do
		cpu_interrupt_raise(&a.interrupt);
	while (now_ns() < end && ++n < 1000);
}

static void no_raise_of_another_is_lost_after_the_service(void **state)
{
	in_step = raise_a;
	a.during = let_other;
	with_other(step_of_another, "0SsAaAa");
}

/* ---- errors end the process as ever ---- */

static void lower(void)
{
	cpu_irql_lower(IRQL_PASSIVE);
}

static void child_inline(void (*fn)(void *ctx))
{
	machine_start_with(1, true);
	agent = cpu_agent_new(step, NULL, "device");
	run_on(0, fn, NULL);
	cpu_fini();
}

static void dies(const char *message)
{
	char said[4096];
	int status = status_of(child_inline, first_dpc, said, sizeof(said));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_text_has(said, message);
}

static void a_wrong_irql_is_told(void **state)
{
	steps = 0;
	in_step = raise_a;
	a.during = lower;
	dies("an interrupt service routine returned at IRQL 0 on processor 0; it was called at "
	     "IRQL 5");
	a.during = queue_1;
	calls[1].during = lower;
	dies("a DPC or timer routine returned at IRQL 0 on processor 0");
}

static void lower_and_wait(void)
{
	uint8_t irql = cpu_irql();

	queue(1);
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_relax();
	cpu_irql_raise(irql);
}

static void see_dpc_1(void *ctx)
{
	cpu_poll();
	answer(calls[1].seen[0] != NULL);
	calls[1].seen[0] = NULL;
}

static void lower_and_join(void)
{
	struct cpu_thread *other = cpu_thread_new(see_dpc_1, NULL, 0, "other");
	uint8_t irql = cpu_irql();

	queue(1);
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_thread_join(other);
	cpu_thread_free(other);
	cpu_irql_raise(irql);
}

/* No service may lower the IRQL, but to find out which one did the machine must go on. */
static void a_service_that_waits_does_not_wait_for_itself(void **state)
{
	in_step = raise_a;
	a.during = lower_and_wait;
	on_processor("0SsA1a");
	calls[1].seen[0] = NULL;
	a.during = lower_and_join;
	on_processor("0SsA1+a");
}

#define test(name) cmocka_unit_test_setup(name, init)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_interrupt_of_a_step_and_its_dpc_follow),
		test(both_are_counted),
		test(a_step_without_an_interrupt_and_a_service_without_a_dpc_end_it),
		test(a_dpc_that_kicks_again_goes_on_in_the_same_way),
		test(several_interrupts_come_by_irql_and_then_in_order),
		test(raised_twice_in_a_step_it_is_served_once),
		test(a_service_is_interrupted_and_the_dpcs_keep_their_order),
		test(several_dpcs_run_in_order),
		test(a_dpc_that_waits_is_not_queued_again_and_keeps_its_arguments),
		test(a_dpc_that_waits_can_be_taken_back),
		test(a_dpc_that_the_step_queues_is_first),
		test(a_row_of_dpcs_is_stepped_after_the_last),
		test(what_others_raise_during_the_step_comes_in_order),
		test(what_others_have_raised_before_the_step_does_comes_first),
		test(what_others_queue_during_the_step_comes_first),
		test(what_others_give_during_the_service_comes_in_order),
		test(a_timer_comes_after_the_first_dpc),
		test(a_dpc_in_the_hand_is_queued_for_others_too),
		test(who_would_take_it_back_waits_until_it_has_left_the_hand),
		test(quiesce_waits_for_one_that_a_step_has_raised),
		test(no_raise_of_another_is_lost_after_the_service),
		test(a_wrong_irql_is_told),
		test(a_service_that_waits_does_not_wait_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
