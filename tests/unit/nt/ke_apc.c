/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: critical and guarded regions. */
#include "nt_kit.h"

NT_TEST(critical_regions_nest)
{
	CHECK(!KeAreApcsDisabled());
	KeEnterCriticalRegion();
	KeEnterCriticalRegion();
	CHECK(KeAreApcsDisabled());
	CHECK(!KeAreAllApcsDisabled());
	KeLeaveCriticalRegion();
	CHECK(KeAreApcsDisabled());
	KeLeaveCriticalRegion();
	CHECK(!KeAreApcsDisabled());
}

/* covers: KeAreAllApcsDisabled, KeAreApcsDisabled, KeEnterGuardedRegion, KeLeaveGuardedRegion */
NT_TEST(a_guarded_region_disables_all_apcs)
{
	KeEnterGuardedRegion();
	CHECK(KeAreApcsDisabled());
	CHECK(KeAreAllApcsDisabled());
	KeLeaveGuardedRegion();
	CHECK(!KeAreApcsDisabled());
	CHECK(!KeAreAllApcsDisabled());
}

NT_TEST(apc_level_disables_all_apcs)
{
	KIRQL old;

	KeRaiseIrql(APC_LEVEL, &old);
	CHECK(KeAreAllApcsDisabled());
	KeLowerIrql(old);
	CHECK(!KeAreAllApcsDisabled());
}

/* 0xC4/3E and GuardedRegions */
/* covers: KeLeaveCriticalRegion, KeLeaveGuardedRegion */
NT_TEST(leaving_without_entering_is_reported)
{
	KeLeaveCriticalRegion();
	CHECK_VIOLATION(0xC400003E, "in no critical region");
	KeLeaveGuardedRegion();
	CHECK_VIOLATION(0xC404000E, "in no guarded region");
	CHECK(!KeAreApcsDisabled());
}

/* 0xC4/11A, 11B */
NT_TEST(regions_above_apc_level_are_reported)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();

	KeEnterCriticalRegion();
	CHECK_VIOLATION(0xC400011A, "KeEnterCriticalRegion called at IRQL 2");
	KeLeaveCriticalRegion();
	CHECK_VIOLATION(0xC400011B, "KeLeaveCriticalRegion called at IRQL 2");
	KeLowerIrql(old);
}

static void enter_and_stay(void *ctx)
{
	KeEnterCriticalRegion();
	pass_ms(5);
	KeLeaveCriticalRegion();
}

NT_TEST(a_region_belongs_to_its_thread)
{
	struct cpu_thread *thread = cpu_thread_new(enter_and_stay, NULL, 0, "other");

	pass_ms(2);
	CHECK(!KeAreApcsDisabled());
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(critical_regions_nest),
		cmocka_unit_test(a_guarded_region_disables_all_apcs),
		cmocka_unit_test(apc_level_disables_all_apcs),
		cmocka_unit_test(leaving_without_entering_is_reported),
		cmocka_unit_test(regions_above_apc_level_are_reported),
		cmocka_unit_test(a_region_belongs_to_its_thread),
	};

	return cmocka_run_group_tests_name("nt/ke_apc", tests, NULL, NULL);
}
