/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: spin locks and in-stack queued locks; what the verifier says of their misuse. */
#include "nt_kit.h"

/*
 * covers: KeAcquireSpinLock, KeAcquireSpinLockRaiseToDpc, KeInitializeSpinLock,
 * KeReleaseSpinLock, KeTestSpinLock
 */
NT_TEST(a_lock_raises_to_dispatch_and_its_release_restores_the_level)
{
	KSPIN_LOCK lock = ~(KSPIN_LOCK)0;
	KIRQL old = 99, outer;

	KeInitializeSpinLock(&lock);
	CHECK(KeTestSpinLock(&lock));
	KeAcquireSpinLock(&lock, &old);
	CHECK_EQUAL(old, PASSIVE_LEVEL);
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	CHECK(!KeTestSpinLock(&lock));
	KeReleaseSpinLock(&lock, old);
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
	CHECK(KeTestSpinLock(&lock));

	KeRaiseIrql(APC_LEVEL, &outer);
	CHECK_EQUAL(KeAcquireSpinLockRaiseToDpc(&lock), APC_LEVEL);
	KeReleaseSpinLock(&lock, APC_LEVEL);
	CHECK_EQUAL(KeGetCurrentIrql(), APC_LEVEL);
	KeLowerIrql(outer);
}

/*
 * covers: KeAcquireSpinLockAtDpcLevel, KeReleaseSpinLockFromDpcLevel,
 * KeTryToAcquireSpinLockAtDpcLevel
 */
NT_TEST(at_dispatch_a_lock_leaves_the_level_alone)
{
	KSPIN_LOCK lock;
	KIRQL old;

	KeInitializeSpinLock(&lock);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	KeAcquireSpinLockAtDpcLevel(&lock);
	CHECK(!KeTestSpinLock(&lock));
	KeReleaseSpinLockFromDpcLevel(&lock);
	CHECK(KeTestSpinLock(&lock));
	CHECK(KeTryToAcquireSpinLockAtDpcLevel(&lock));
	CHECK(!KeTryToAcquireSpinLockAtDpcLevel(&lock));
	KeReleaseSpinLockFromDpcLevel(&lock);
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	KeLowerIrql(old);
}

/* covers: KeAcquireInStackQueuedSpinLockAtDpcLevel, KeReleaseInStackQueuedSpinLockFromDpcLevel */
NT_TEST(a_queued_lock_is_the_same_lock)
{
	KLOCK_QUEUE_HANDLE handle;
	KSPIN_LOCK lock;

	KeInitializeSpinLock(&lock);
	KeAcquireInStackQueuedSpinLock(&lock, &handle);
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	CHECK(!KeTestSpinLock(&lock));
	KeReleaseInStackQueuedSpinLock(&handle);
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
	CHECK(KeTestSpinLock(&lock));

	KeRaiseIrqlToDpcLevel();
	KeAcquireInStackQueuedSpinLockAtDpcLevel(&lock, &handle);
	CHECK(!KeTestSpinLock(&lock));
	KeReleaseInStackQueuedSpinLockFromDpcLevel(&handle);
	CHECK(KeTestSpinLock(&lock));
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	KeLowerIrql(PASSIVE_LEVEL);
}

/* 0xC4/42; the level must not fall meanwhile. */
NT_TEST(acquiring_above_dispatch_is_reported)
{
	KSPIN_LOCK lock = 0;
	KIRQL old, outer;

	KeRaiseIrql(5, &outer);
	KeAcquireSpinLock(&lock, &old);
	CHECK_VIOLATION(0xC4000042, "KeAcquireSpinLock called at IRQL 5");
	CHECK_EQUAL(KeGetCurrentIrql(), 5);
	CHECK_EQUAL(old, 5);
	KeReleaseSpinLock(&lock, old);
	CHECK_VIOLATION(0xC4000032, "KeReleaseSpinLock called at IRQL 5");
	CHECK(KeTestSpinLock(&lock));
	KeLowerIrql(outer);
}

/* 0xC4/40, 41 */
/* covers: KeTryToAcquireSpinLockAtDpcLevel */
NT_TEST(the_at_dpc_level_forms_below_dispatch_are_reported_and_still_lock)
{
	KSPIN_LOCK lock = 0;

	KeAcquireSpinLockAtDpcLevel(&lock);
	CHECK_VIOLATION(0xC4000040, "KeAcquireSpinLockAtDpcLevel called at IRQL 0");
	CHECK(!KeTestSpinLock(&lock));
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
	KeReleaseSpinLockFromDpcLevel(&lock);
	CHECK_VIOLATION(0xC4000041, "KeReleaseSpinLockFromDpcLevel called at IRQL 0");
	CHECK(KeTestSpinLock(&lock));
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
	CHECK(!KeTryToAcquireSpinLockAtDpcLevel(&lock));
	CHECK_VIOLATION(0xC4000040, "KeTryToAcquireSpinLockAtDpcLevel");
	CHECK(KeTestSpinLock(&lock));
}

/* 0xC4/32 and the SpinlockRelease rule */
NT_TEST(releasing_what_is_not_held_is_reported_and_leaves_the_lock_alone)
{
	KSPIN_LOCK lock = 0;
	KIRQL old;

	KeReleaseSpinLock(&lock, PASSIVE_LEVEL);
	CHECK_VIOLATION(0xC4000032, "KeReleaseSpinLock called at IRQL 0");
	CHECK_VIOLATION(
		0xC404000B, "KeReleaseSpinLock of a spin lock that this processor does not hold");
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
	CHECK(KeTestSpinLock(&lock));

	KeAcquireSpinLock(&lock, &old);
	KeReleaseSpinLock(&lock, HIGH_LEVEL);
	CHECK_VIOLATION(0xC4000031, "to 15 (HIGH_LEVEL)");
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	KeLowerIrql(old);
}

/* covers: KeAcquireInStackQueuedSpinLock, KeReleaseInStackQueuedSpinLock */
NT_TEST(a_queued_handle_released_twice_is_reported)
{
	KLOCK_QUEUE_HANDLE handle;
	KSPIN_LOCK lock = 0;

	KeAcquireInStackQueuedSpinLock(&lock, &handle);
	KeReleaseInStackQueuedSpinLock(&handle);
	KeReleaseInStackQueuedSpinLock(&handle);
	CHECK_VIOLATION(0xC4040007, "a handle that holds no lock");
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void acquire_twice(void *ctx)
{
	KSPIN_LOCK lock = 0;
	KIRQL old;

	KeAcquireSpinLock(&lock, &old);
	KeAcquireSpinLockAtDpcLevel(&lock);
}

static void a_lock_taken_twice_by_one_processor_ends_the_run(void **state)
{
	assert_dies(acquire_twice, "dryport: ");
}

/* ---- exclusion ---- */

static struct {
	KSPIN_LOCK lock;
	unsigned value; /* not atomic: what the lock is for */
} shared;

static void add_by_lock(void *ctx)
{
	for (unsigned i = 0; i < 20000; i++) {
		KLOCK_QUEUE_HANDLE handle;
		KIRQL old;

		if (i % 2) {
			KeAcquireSpinLock(&shared.lock, &old);
			shared.value++;
			KeReleaseSpinLock(&shared.lock, old);
		} else {
			KeAcquireInStackQueuedSpinLock(&shared.lock, &handle);
			shared.value++;
			KeReleaseInStackQueuedSpinLock(&handle);
		}
	}
}

static void two_processors_exclude_each_other(void **state)
{
	struct cpu_thread *threads[2];

	machine_start(2, MEM_SCATTERED);
	shared.value = 0;
	KeInitializeSpinLock(&shared.lock);
	for (unsigned i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(add_by_lock, NULL, i, "adder");
	for (unsigned i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	assert_int_equal(shared.value, 40000);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lock_raises_to_dispatch_and_its_release_restores_the_level),
		cmocka_unit_test(at_dispatch_a_lock_leaves_the_level_alone),
		cmocka_unit_test(a_queued_lock_is_the_same_lock),
		cmocka_unit_test(acquiring_above_dispatch_is_reported),
		cmocka_unit_test(the_at_dpc_level_forms_below_dispatch_are_reported_and_still_lock),
		cmocka_unit_test(releasing_what_is_not_held_is_reported_and_leaves_the_lock_alone),
		cmocka_unit_test(a_queued_handle_released_twice_is_reported),
		cmocka_unit_test(a_lock_taken_twice_by_one_processor_ends_the_run),
		cmocka_unit_test(two_processors_exclude_each_other),
	};

	return cmocka_run_group_tests_name("nt/ke_spinlock", tests, NULL, NULL);
}
