/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: deferred procedure calls. */
#include "nt_kit.h"

static struct {
	_Atomic unsigned runs;
	PKDPC dpc;
	PVOID context, arg1, arg2;
	KIRQL irql;
	unsigned processor;
	unsigned order[8];
} seen;

static VOID NTAPI note(
	PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
	seen.dpc = Dpc;
	seen.context = DeferredContext;
	seen.arg1 = SystemArgument1;
	seen.arg2 = SystemArgument2;
	seen.irql = KeGetCurrentIrql();
	seen.processor = KeGetCurrentProcessorNumber();
	atomic_fetch_add(&seen.runs, 1);
}

static VOID NTAPI note_order(
	PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
	seen.order[atomic_fetch_add(&seen.runs, 1)] = (unsigned)(uintptr_t)DeferredContext;
}

NT_TEST(a_dpc_gets_itself_its_context_and_both_arguments_at_dispatch)
{
	int context, a, b;
	KDPC dpc;

	seen.runs = 0;
	memset(&dpc, 0xcc, sizeof(dpc));
	KeInitializeDpc(&dpc, note, &context);
	CHECK(KeInsertQueueDpc(&dpc, &a, &b));
	CHECK_EQUAL(seen.runs, 1);
	CHECK(seen.dpc == &dpc && seen.context == &context && seen.arg1 == &a && seen.arg2 == &b);
	CHECK_EQUAL(seen.irql, DISPATCH_LEVEL);
}

NT_TEST(a_queued_dpc_is_not_queued_twice_and_keeps_its_arguments)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	int a, b;
	KDPC dpc;

	seen.runs = 0;
	KeInitializeDpc(&dpc, note, NULL);
	CHECK(KeInsertQueueDpc(&dpc, &a, &a));
	CHECK(!KeInsertQueueDpc(&dpc, &b, &b));
	CHECK_EQUAL(seen.runs, 0);
	KeLowerIrql(old);
	CHECK_EQUAL(seen.runs, 1);
	CHECK(seen.arg1 == &a && seen.arg2 == &a);
	CHECK(KeInsertQueueDpc(&dpc, &b, &b));
	CHECK_EQUAL(seen.runs, 2);
}

/* covers: KeRemoveQueueDpc */
NT_TEST(a_removed_dpc_does_not_run)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	KDPC dpc;

	seen.runs = 0;
	KeInitializeDpc(&dpc, note, NULL);
	CHECK(!KeRemoveQueueDpc(&dpc));
	CHECK(KeInsertQueueDpc(&dpc, NULL, NULL));
	CHECK(KeRemoveQueueDpc(&dpc));
	CHECK(!KeRemoveQueueDpc(&dpc));
	KeLowerIrql(old);
	CHECK_EQUAL(seen.runs, 0);
}

/* covers: KeSetImportanceDpc */
NT_TEST(high_importance_goes_before_the_others)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	KDPC dpcs[4];

	seen.runs = 0;
	for (uintptr_t i = 0; i < 4; i++)
		KeInitializeDpc(&dpcs[i], note_order, (void *)i);
	KeSetImportanceDpc(&dpcs[1], LowImportance);
	KeSetImportanceDpc(&dpcs[3], HighImportance);
	for (unsigned i = 0; i < 4; i++)
		KeInsertQueueDpc(&dpcs[i], NULL, NULL);
	KeLowerIrql(old);
	CHECK_EQUAL(seen.runs, 4);
	CHECK(seen.order[0] == 3 && seen.order[1] == 0 && seen.order[2] == 1 && seen.order[3] == 2);
}

/* covers: KeSetTargetProcessorDpc, KeSetTargetProcessorDpcEx */
NT_TEST_ON(a_dpc_runs_on_its_target_processor_and_a_flush_waits_for_it, 2)
{
	PROCESSOR_NUMBER number = {.Number = 1};
	KDPC dpc;

	for (unsigned i = 0; i < 50; i++) {
		seen.runs = 0;
		KeInitializeDpc(&dpc, note, NULL);
		if (i % 2)
			CHECK_EQUAL(KeSetTargetProcessorDpcEx(&dpc, &number), STATUS_SUCCESS);
		else
			KeSetTargetProcessorDpc(&dpc, 1);
		CHECK(KeInsertQueueDpc(&dpc, NULL, NULL));
		KeFlushQueuedDpcs();
		CHECK_EQUAL(seen.runs, 1);
		CHECK_EQUAL(seen.processor, 1);
	}
}

/* covers: KeSetTargetProcessorDpc, KeSetTargetProcessorDpcEx */
NT_TEST(a_target_that_is_not_there_is_an_invalid_parameter)
{
	PROCESSOR_NUMBER number = {.Number = 1}, group = {.Group = 1};
	KDPC dpc;

	KeInitializeDpc(&dpc, note, NULL);
	CHECK_EQUAL(KeSetTargetProcessorDpcEx(&dpc, &number), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(KeSetTargetProcessorDpcEx(&dpc, &group), STATUS_INVALID_PARAMETER);
	KeSetTargetProcessorDpc(&dpc, 1);
	CHECK_VIOLATION(0, "to processor 1; there are 1");
}

/* covers: KeInitializeThreadedDpc */
NT_TEST(a_threaded_dpc_runs_too)
{
	KDPC dpc;

	seen.runs = 0;
	KeInitializeThreadedDpc(&dpc, note, NULL);
	CHECK(KeInsertQueueDpc(&dpc, NULL, NULL));
	CHECK_EQUAL(seen.runs, 1);
	CHECK(seen.irql <= DISPATCH_LEVEL);
}

static VOID NTAPI raise_and_return(
	PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
	KIRQL old;

	KeRaiseIrql(HIGH_LEVEL, &old);
}

/* IrqlReturn */
NT_TEST(a_dpc_that_returns_at_another_level_is_reported_and_set_right)
{
	KDPC dpc;

	KeInitializeDpc(&dpc, raise_and_return, NULL);
	KeInsertQueueDpc(&dpc, NULL, NULL);
	CHECK_VIOLATION(0xC402001D, "returned at IRQL 15");
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

/* covers: KeInsertQueueDpc */
NT_TEST(memory_that_is_no_dpc_is_refused)
{
	KDPC dpc;

	memset(&dpc, 0, sizeof(dpc));
	CHECK(!KeInsertQueueDpc(&dpc, NULL, NULL));
	CHECK_VIOLATION(0xC40000E1, "KeInsertQueueDpc");
	CHECK(!KeRemoveQueueDpc(&dpc));
	CHECK_VIOLATION(0xC40000E1, "KeRemoveQueueDpc");
}

NT_TEST(a_flush_at_dispatch_is_reported_and_does_not_hang)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();

	KeFlushQueuedDpcs();
	CHECK_VIOLATION(0xC40000E5, "KeFlushQueuedDpcs called at IRQL 2");
	KeLowerIrql(old);
}

/* ---- queued from everywhere: each queueing that succeeds is one run with its own arguments ----
 */

static struct {
	_Atomic uint64_t queued, ran, sum_queued, sum_ran;
	KDPC dpc;
} rush;

static VOID NTAPI rush_run(
	PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
	atomic_fetch_add(&rush.ran, 1);
	atomic_fetch_add(&rush.sum_ran, (uintptr_t)SystemArgument1);
	CHECK(SystemArgument2 == (void *)((uintptr_t)SystemArgument1 * 3));
}

static void rush_queue(void *ctx)
{
	for (uintptr_t i = 1; i <= 20000; i++) {
		uintptr_t arg = i * 2 + (uintptr_t)ctx;

		if (KeInsertQueueDpc(&rush.dpc, (void *)arg, (void *)(arg * 3))) {
			atomic_fetch_add(&rush.queued, 1);
			atomic_fetch_add(&rush.sum_queued, arg);
		}
	}
}

static void two_processors_queue_one_dpc_and_no_arguments_are_lost(void **state)
{
	struct cpu_thread *threads[2];

	machine_start(2, MEM_SCATTERED);
	rush.queued = rush.ran = rush.sum_queued = rush.sum_ran = 0;
	KeInitializeDpc(&rush.dpc, rush_run, NULL);
	for (unsigned i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(rush_queue, (void *)(uintptr_t)i, i, "queuer");
	for (unsigned i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	machine_stop();
	assert_true(rush.queued > 0);
	assert_int_equal(rush.queued, rush.ran);
	assert_int_equal(rush.sum_queued, rush.sum_ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dpc_gets_itself_its_context_and_both_arguments_at_dispatch),
		cmocka_unit_test(a_queued_dpc_is_not_queued_twice_and_keeps_its_arguments),
		cmocka_unit_test(a_removed_dpc_does_not_run),
		cmocka_unit_test(high_importance_goes_before_the_others),
		cmocka_unit_test(a_dpc_runs_on_its_target_processor_and_a_flush_waits_for_it),
		cmocka_unit_test(a_target_that_is_not_there_is_an_invalid_parameter),
		cmocka_unit_test(a_threaded_dpc_runs_too),
		cmocka_unit_test(a_dpc_that_returns_at_another_level_is_reported_and_set_right),
		cmocka_unit_test(memory_that_is_no_dpc_is_refused),
		cmocka_unit_test(a_flush_at_dispatch_is_reported_and_does_not_hang),
		cmocka_unit_test(two_processors_queue_one_dpc_and_no_arguments_are_lost),
	};

	return cmocka_run_group_tests_name("nt/ke_dpc", tests, NULL, NULL);
}
