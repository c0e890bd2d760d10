/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: IRQL. */
#include "nt_kit.h"

NT_TEST(a_thread_starts_at_passive_level)
{
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

/* covers: KeRaiseIrql */
NT_TEST(raising_returns_the_old_level_and_lowering_restores_it)
{
	KIRQL old;

	KeRaiseIrql(APC_LEVEL, &old);
	CHECK_EQUAL(old, PASSIVE_LEVEL);
	CHECK_EQUAL(KeRaiseIrqlToDpcLevel(), APC_LEVEL);
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	CHECK_EQUAL(KfRaiseIrql(DISPATCH_LEVEL), DISPATCH_LEVEL);
	CHECK_EQUAL(KfRaiseIrql(HIGH_LEVEL), DISPATCH_LEVEL);
	KeLowerIrql(APC_LEVEL);
	CHECK_EQUAL(KeGetCurrentIrql(), APC_LEVEL);
	KeLowerIrql(old);
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

/* 0xC4/30 */
/* covers: KfRaiseIrql */
NT_TEST(raising_downwards_or_above_high_level_is_reported_and_changes_nothing)
{
	KIRQL old;

	KeRaiseIrql(DISPATCH_LEVEL, &old);
	CHECK_EQUAL(KfRaiseIrql(APC_LEVEL), DISPATCH_LEVEL);
	CHECK_VIOLATION(0xC4000030, "to 1 (APC_LEVEL) at IRQL 2 (DISPATCH_LEVEL)");
	CHECK_EQUAL(KfRaiseIrql(16), DISPATCH_LEVEL);
	CHECK_VIOLATION(0xC4000030, "to 16");
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	KeLowerIrql(old);
}

/* 0xC4/31 */
/* covers: KeLowerIrql, KfLowerIrql */
NT_TEST(lowering_upwards_is_reported_and_changes_nothing)
{
	KeLowerIrql(DISPATCH_LEVEL);
	CHECK_VIOLATION(0xC4000031, "to 2 (DISPATCH_LEVEL) at IRQL 0 (PASSIVE_LEVEL)");
	KfLowerIrql(HIGH_LEVEL); /* the name that compiled drivers import */
	CHECK_VIOLATION(0xC4000031, "to 15 (HIGH_LEVEL)");
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void dpc_note(struct cpu_dpc *dpc)
{
	*(KIRQL *)dpc->ctx = KeGetCurrentIrql();
}

NT_TEST(a_dpc_waits_for_the_level_to_fall_and_runs_at_dispatch)
{
	KIRQL old, seen = 99;
	struct cpu_dpc dpc = {.fn = dpc_note, .ctx = &seen, .cpu = CPU_HERE};

	KeRaiseIrql(DISPATCH_LEVEL, &old);
	cpu_dpc_queue(&dpc, NULL, NULL);
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	CHECK_EQUAL(seen, 99);
	KeLowerIrql(old);
	CHECK_EQUAL(seen, DISPATCH_LEVEL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_starts_at_passive_level),
		cmocka_unit_test(raising_returns_the_old_level_and_lowering_restores_it),
		cmocka_unit_test(
			raising_downwards_or_above_high_level_is_reported_and_changes_nothing),
		cmocka_unit_test(lowering_upwards_is_reported_and_changes_nothing),
		cmocka_unit_test(a_dpc_waits_for_the_level_to_fall_and_runs_at_dispatch),
	};

	return cmocka_run_group_tests_name("nt/ke_irql", tests, NULL, NULL);
}
