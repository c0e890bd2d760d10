/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/dpc.c.
 */
#include "kit.h"

#include <pthread.h>

struct probe {
	struct cpu_dpc dpc;
	char name;
	uint8_t irql_seen, cpu_seen;
	void *arg_seen[2];
	_Atomic unsigned runs;
	unsigned again; /* times to queue itself */
	void (*during)(struct probe *probe);
};

static char order[32];
static unsigned order_length;

static void probe_run(struct cpu_dpc *dpc)
{
	struct probe *probe = container_of(dpc, struct probe, dpc);

	probe->arg_seen[0] = cpu_self->dpc_arg[0];
	probe->arg_seen[1] = cpu_self->dpc_arg[1];
	probe->irql_seen = cpu_irql();
	probe->cpu_seen = cpu_self->number;
	if (order_length < sizeof(order) - 1)
		order[order_length++] = probe->name;
	if (probe->again) {
		probe->again--;
		cpu_dpc_queue(dpc, NULL, NULL);
	}
	if (probe->during)
		probe->during(probe);
	count(probe->runs);
}

static void probe_init(struct probe *probe, char name, uint16_t cpu)
{
	*probe = (struct probe){.dpc = {.fn = probe_run, .cpu = cpu}, .name = name};
	memset(order, 0, sizeof(order));
	order_length = 0;
}

static struct probe a, b, c;
static bool results[8];
static _Atomic int stage;

static void queue_three(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	results[0] = cpu_dpc_queue(&a.dpc, &a, &b);
	results[1] = cpu_dpc_queue(&b.dpc, NULL, NULL);
	results[2] = cpu_dpc_queue(&c.dpc, NULL, NULL);
	results[3] = cpu_dpc_queue(&a.dpc, &c, &c);
	results[4] = order_length == 0;
	cpu_irql_lower(IRQL_PASSIVE);
	results[5] = order_length == 3;
}

static void three_init(void)
{
	probe_init(&a, 'A', CPU_HERE);
	probe_init(&b, 'B', CPU_HERE);
	probe_init(&c, 'C', CPU_HERE);
	memset(results, 0, sizeof(results));
}

static void dpcs_run_in_order_at_dispatch_when_irql_falls_below(void **state)
{
	three_init();
	run_on(0, queue_three, NULL);
	assert_string_equal(order, "ABC");
	assert_true(results[4] && results[5]);
	assert_int_equal(a.irql_seen, IRQL_DISPATCH);
	assert_int_equal(cpu_get(0)->dpcs, 3);
}

static void queued_dpc_is_not_queued_again_and_keeps_its_arguments(void **state)
{
	three_init();
	run_on(0, queue_three, NULL);
	assert_true(results[0] && results[1] && results[2]);
	assert_false(results[3]);
	assert_ptr_equal(a.arg_seen[0], &a);
	assert_ptr_equal(a.arg_seen[1], &b);
}

static void dpc_of_high_importance_goes_in_front(void **state)
{
	three_init();
	c.dpc.high = 1;
	run_on(0, queue_three, NULL);
	assert_string_equal(order, "CAB");
}

static void queue_three_and_cancel(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_dpc_queue(&a.dpc, NULL, NULL);
	cpu_dpc_queue(&b.dpc, NULL, NULL);
	cpu_dpc_queue(&c.dpc, NULL, NULL);
	results[0] = cpu_dpc_cancel(ctx);
	results[1] = cpu_dpc_cancel(ctx);
	cpu_dpc_queue(ctx, NULL, NULL);
	cpu_irql_lower(IRQL_PASSIVE);
	results[2] = cpu_dpc_cancel(ctx);
}

static void cancelled_dpc_does_not_run_and_can_be_queued_again(void **state)
{
	three_init();
	run_on(0, queue_three_and_cancel, &a.dpc);
	assert_string_equal(order, "BCA");
	assert_true(results[0]);
	assert_false(results[1] || results[2]);
	three_init();
	run_on(0, queue_three_and_cancel, &b.dpc);
	assert_string_equal(order, "ACB");
	three_init();
	run_on(0, queue_three_and_cancel, &c.dpc);
	assert_string_equal(order, "ABC");
}

static void cancel_the_only_one(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_dpc_queue(&a.dpc, NULL, NULL);
	results[0] = cpu_dpc_cancel(&a.dpc);
	cpu_irql_lower(IRQL_PASSIVE);
	cpu_poll();
	results[1] = atomic_load(&cpu_self->pending_irql) == 0;
}

static void cancel_of_the_only_dpc_leaves_nothing_pending(void **state)
{
	three_init();
	run_on(0, cancel_the_only_one, NULL);
	assert_string_equal(order, "");
	assert_true(results[0] && results[1]);
}

static void queue_a_and_b(void *ctx)
{
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_dpc_queue(&a.dpc, NULL, NULL);
	cpu_dpc_queue(&b.dpc, NULL, NULL);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void dpc_may_queue_itself(void **state)
{
	three_init();
	a.again = 3;
	run_on(0, queue_a_and_b, NULL);
	assert_string_equal(order, "ABAAA");
	assert_int_equal(get(a.runs), 4);
}

static bool interrupt_in_dpc(struct cpu_interrupt *interrupt)
{
	results[0] = cpu_irql() == 7;
	return true;
}

static struct cpu_interrupt interrupt = {.irql = 7, .service = interrupt_in_dpc};

static void interrupt_the_dpc(struct probe *probe)
{
	cpu_interrupt_raise(&interrupt);
	cpu_dpc_queue(&b.dpc, NULL, NULL);
	cpu_poll();
	results[1] = results[0];
	results[2] = order_length == 1; /* B does not interrupt A */
}

static void dpc_is_interrupted_by_interrupts_but_not_by_dpcs(void **state)
{
	three_init();
	a.during = interrupt_the_dpc;
	cpu_dpc_queue(&a.dpc, NULL, NULL);
	assert_true(comes_true(get(b.runs) == 1));
	assert_true(results[1] && results[2]);
	assert_string_equal(order, "AB");
}

static void dpc_runs_on_its_processor(void **state)
{
	probe_init(&a, 'A', 1);
	probe_init(&b, 'B', CPU_HERE);
	cpu_dpc_queue(&a.dpc, NULL, NULL);
	assert_true(comes_true(get(a.runs) == 1));
	assert_int_equal(a.cpu_seen, 1);
	cpu_dpc_queue(&b.dpc, NULL, NULL);
	assert_true(comes_true(get(b.runs) == 1));
	assert_int_equal(b.cpu_seen, 0);
}

static void queue_b_here(void *ctx)
{
	cpu_dpc_queue(&b.dpc, NULL, NULL);
	cpu_poll();
}

static void dpc_without_processor_runs_where_it_is_queued(void **state)
{
	probe_init(&b, 'B', CPU_HERE);
	run_on(1, queue_b_here, NULL);
	assert_int_equal(get(b.runs), 1);
	assert_int_equal(b.cpu_seen, 1);
}

static void hold_until_stage_2(struct probe *probe)
{
	set(stage, 1);
	while (get(stage) != 2)
		cpu_relax();
}

static void flush(void *ctx)
{
	cpu_dpc_flush();
	results[0] = get(a.runs) == 1 && get(b.runs) == 1;
}

static void flush_returns_after_running_and_queued_dpcs(void **state)
{
	struct cpu_thread *thread;

	probe_init(&a, 'A', 1);
	probe_init(&b, 'B', 1);
	a.during = hold_until_stage_2;
	results[0] = false;
	set(stage, 0);
	cpu_dpc_queue(&a.dpc, NULL, NULL);
	assert_true(comes_true(get(stage) == 1));
	cpu_dpc_queue(&b.dpc, NULL, NULL);
	thread = cpu_thread_new(flush, NULL, 0, "test");
	sleep_ms(5);
	set(stage, 2);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	assert_true(results[0]);
}

static void flush_with_empty_queues_returns(void **state)
{
	three_init();
	run_on(0, flush, NULL);
	run_on(1, flush, NULL);
}

#define ROUNDS 5000

static _Atomic unsigned queued, cancelled, ran;

static void count_run(struct cpu_dpc *dpc)
{
	count(ran);
}

static struct cpu_dpc shared = {.fn = count_run, .cpu = CPU_HERE};

static void queue_and_cancel(void *ctx)
{
	for (int i = 0; i < ROUNDS; i++) {
		if (cpu_dpc_queue(&shared, NULL, NULL))
			count(queued);
		if (i % 3 == 0 && cpu_dpc_cancel(&shared))
			count(cancelled);
		cpu_poll();
	}
}

static void one_dpc_queued_and_cancelled_on_two_processors_is_never_lost(void **state)
{
	struct cpu_thread *threads[2];

	for (int i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(queue_and_cancel, NULL, i, "test");
	for (int i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	run_on(0, flush, NULL);
	assert_true(get(queued) > 0);
	assert_int_equal(get(ran) + get(cancelled), get(queued));
}

static void lower_in_dpc(struct probe *probe)
{
	cpu_irql_lower(IRQL_PASSIVE);
}

static void run_wrong_dpc(void *ctx)
{
	three_init();
	a.during = lower_in_dpc;
	cpu_dpc_queue(&a.dpc, NULL, NULL);
	cpu_poll();
}

static void dpc_that_returns_at_another_irql_dies(void **state)
{
	assert_dies(run_wrong_dpc, "a DPC or timer routine returned at IRQL 0 on processor 0");
}

static void dpc_fits_into_64_bytes(void **state)
{
	assert_true(sizeof(struct cpu_dpc) <= 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_1(dpcs_run_in_order_at_dispatch_when_irql_falls_below),
		on_1(queued_dpc_is_not_queued_again_and_keeps_its_arguments),
		on_1(dpc_of_high_importance_goes_in_front),
		on_1(cancelled_dpc_does_not_run_and_can_be_queued_again),
		on_1(cancel_of_the_only_dpc_leaves_nothing_pending),
		on_1(dpc_may_queue_itself),
		on_1(dpc_is_interrupted_by_interrupts_but_not_by_dpcs),
		on_2(dpc_runs_on_its_processor),
		on_2(dpc_without_processor_runs_where_it_is_queued),
		on_2(flush_returns_after_running_and_queued_dpcs),
		on_2(flush_with_empty_queues_returns),
		on_2(one_dpc_queued_and_cancelled_on_two_processors_is_never_lost),
		cmocka_unit_test(dpc_that_returns_at_another_irql_dies),
		cmocka_unit_test(dpc_fits_into_64_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
