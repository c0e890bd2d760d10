/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ex: run-down protection. */
#include "nt_kit.h"

static EX_RUNDOWN_REF run_ref;
static _Atomic unsigned waiting, down;

/* covers: ExAcquireRundownProtection, ExRundownCompleted */
NT_TEST(protection_is_granted_until_the_object_is_run_down)
{
	EX_RUNDOWN_REF ref;

	ExInitializeRundownProtection(&ref);
	CHECK(ExAcquireRundownProtection(&ref));
	CHECK(ExAcquireRundownProtection(&ref));
	ExReleaseRundownProtection(&ref);
	ExReleaseRundownProtection(&ref);
	ExWaitForRundownProtectionRelease(&ref); /* nobody holds it */
	CHECK(!ExAcquireRundownProtection(&ref));
	ExWaitForRundownProtectionRelease(&ref); /* once more is no error */
	ExRundownCompleted(&ref);
	CHECK(!ExAcquireRundownProtection(&ref));
	ExReInitializeRundownProtection(&ref);
	CHECK(ExAcquireRundownProtection(&ref));
	ExReleaseRundownProtection(&ref);
}

static void wait_for_release(void *ctx)
{
	waiting = 1;
	ExWaitForRundownProtectionRelease(&run_ref);
	down = 1;
}

/* covers: ExReleaseRundownProtection, ExWaitForRundownProtectionRelease */
NT_TEST_ON(the_owner_waits_for_the_last_holder, 2)
{
	struct cpu_thread *thread;

	waiting = down = 0;
	ExInitializeRundownProtection(&run_ref);
	ExAcquireRundownProtection(&run_ref);
	ExAcquireRundownProtection(&run_ref);
	thread = cpu_thread_new(wait_for_release, NULL, 1, "owner");
	CHECK(comes_true(waiting == 1));
	CHECK(comes_true(!ExAcquireRundownProtection(&run_ref) ||
			 (ExReleaseRundownProtection(&run_ref), false)));
	ExReleaseRundownProtection(&run_ref);
	pass_ms(5);
	CHECK_EQUAL(down, 0);
	ExReleaseRundownProtection(&run_ref);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	CHECK_EQUAL(down, 1);
	CHECK(!ExAcquireRundownProtection(&run_ref));
}

NT_TEST(protection_may_be_held_and_released_at_dispatch)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	EX_RUNDOWN_REF ref = {0};

	CHECK(ExAcquireRundownProtection(&ref));
	ExReleaseRundownProtection(&ref);
	KeLowerIrql(old);
}

/*
 * covers: ExAcquireRundownProtection, ExInitializeRundownProtection,
 * ExReInitializeRundownProtection, ExReleaseRundownProtection
 */
NT_TEST(misuse_is_reported)
{
	EX_RUNDOWN_REF ref;

	ExInitializeRundownProtection(&ref);
	ExReleaseRundownProtection(&ref);
	CHECK_VIOLATION(0, "ExReleaseRundownProtection by who does not hold it");
	ExReInitializeRundownProtection(&ref);
	CHECK_VIOLATION(0, "was not run down");
	CHECK(ExAcquireRundownProtection(&ref));
	ExReleaseRundownProtection(&ref);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protection_is_granted_until_the_object_is_run_down),
		cmocka_unit_test(the_owner_waits_for_the_last_holder),
		cmocka_unit_test(protection_may_be_held_and_released_at_dispatch),
		cmocka_unit_test(misuse_is_reported),
	};

	return cmocka_run_group_tests_name("nt/ex_rundown", tests, NULL, NULL);
}
