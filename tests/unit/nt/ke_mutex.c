/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke and Ex: mutexes and fast mutexes. */
#include "nt_kit.h"

/* covers: KeInitializeMutex, KeReadStateMutex */
NT_TEST(a_mutex_is_free_at_first_and_taken_by_a_wait)
{
	KMUTEX mutex;

	KeInitializeMutex(&mutex, 0);
	CHECK_EQUAL(KeReadStateMutex(&mutex), 1);
	CHECK_EQUAL(wait_for(&mutex), STATUS_SUCCESS);
	CHECK_EQUAL(KeReadStateMutex(&mutex), 0);
	CHECK_EQUAL(KeReleaseMutex(&mutex, FALSE), 0);
	CHECK_EQUAL(KeReadStateMutex(&mutex), 1);
}

NT_TEST(its_owner_takes_it_again_and_releases_it_as_often)
{
	KMUTEX mutex;

	KeInitializeMutex(&mutex, 0);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQUAL(KeWaitForMutexObject(&mutex, Executive, KernelMode, FALSE, NULL),
			STATUS_SUCCESS);
	CHECK(KeReleaseMutex(&mutex, FALSE) != 0);
	CHECK(KeReleaseMutex(&mutex, FALSE) != 0);
	CHECK_EQUAL(KeReleaseMutex(&mutex, FALSE), 0);
	CHECK_EQUAL(KeReadStateMutex(&mutex), 1);
}

/* covers: KeReleaseMutex */
NT_TEST(holding_a_mutex_disables_normal_apcs)
{
	KMUTEX mutex;

	KeInitializeMutex(&mutex, 0);
	CHECK(!KeAreApcsDisabled());
	wait_for(&mutex);
	CHECK(KeAreApcsDisabled());
	CHECK(!KeAreAllApcsDisabled());
	wait_for(&mutex);
	KeReleaseMutex(&mutex, FALSE);
	CHECK(KeAreApcsDisabled());
	KeReleaseMutex(&mutex, FALSE);
	CHECK(!KeAreApcsDisabled());
}

static struct {
	KMUTEX mutex;
	FAST_MUTEX fast;
	unsigned value; /* not atomic: what the mutex is for */
	_Atomic unsigned step;
} shared;

static void other_tries(void *ctx)
{
	CHECK(!is_there(&shared.mutex));
	shared.step = 1;
	CHECK_EQUAL(wait_for(&shared.mutex), STATUS_SUCCESS);
	shared.step = 2;
	KeReleaseMutex(&shared.mutex, FALSE);
}

NT_TEST_ON(another_thread_waits_until_it_is_released, 2)
{
	struct cpu_thread *thread;

	KeInitializeMutex(&shared.mutex, 0);
	shared.step = 0;
	wait_for(&shared.mutex);
	thread = cpu_thread_new(other_tries, NULL, 1, "other");
	CHECK(comes_true(shared.step == 1));
	pass_ms(5);
	CHECK_EQUAL(shared.step, 1);
	CHECK_EQUAL(KeReleaseMutex(&shared.mutex, FALSE), 0);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	CHECK_EQUAL(shared.step, 2);
	CHECK_EQUAL(KeReadStateMutex(&shared.mutex), 1);
}

static void release_not_owned(void *ctx)
{
	KMUTEX mutex;

	KeInitializeMutex(&mutex, 0);
	KeReleaseMutex(&mutex, FALSE);
}

/* covers: KeReleaseMutex */
static void releasing_what_one_does_not_hold_raises(void **state)
{
	assert_dies(release_not_owned, "0xC0000046"); /* STATUS_MUTANT_NOT_OWNED */
}

/* covers: KeReadStateMutex, KeReleaseMutex */
NT_TEST(memory_that_is_no_mutex_is_refused)
{
	KMUTEX mutex;

	memset(&mutex, 0, sizeof(mutex));
	CHECK_EQUAL(KeReadStateMutex(&mutex), 0);
	CHECK_VIOLATION(0xC40000E1, "KeReadStateMutex");
	CHECK_EQUAL(KeReleaseMutex(&mutex, FALSE), 0);
	CHECK_VIOLATION(0xC40000E1, "KeReleaseMutex");
}

static void exceed_recursion(void *ctx)
{
	KMUTEX mutex;

	KeInitializeMutex(&mutex, 0);
	wait_for(&mutex);
	mutex.Header.SignalState = (LONG)MINLONG; /* as after that many waits */
	wait_for(&mutex);
}

static void more_than_minlong_recursions_raise(void **state)
{
	assert_dies(exceed_recursion, "0xC0000191"); /* STATUS_MUTANT_LIMIT_EXCEEDED */
}

static VOID NTAPI take_and_end(PVOID StartContext)
{
	wait_for(&shared.mutex);
	PsTerminateSystemThread(STATUS_SUCCESS);
}

/* covers: PsCreateSystemThread, PsTerminateSystemThread */
NT_TEST(a_mutex_whose_owner_ended_is_abandoned)
{
	HANDLE handle;
	PVOID thread;

	KeInitializeMutex(&shared.mutex, 0);
	CHECK_EQUAL(PsCreateSystemThread(
			    &handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, take_and_end, NULL),
		STATUS_SUCCESS);
	CHECK_EQUAL(ObReferenceObjectByHandle(
			    handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL),
		STATUS_SUCCESS);
	wait_for(thread);
	CHECK_VIOLATION(0xC400100A, "holds 1 mutex");
	CHECK_EQUAL(wait_for(&shared.mutex), STATUS_ABANDONED);
	KeReleaseMutex(&shared.mutex, FALSE);
	CHECK_EQUAL(wait_for(&shared.mutex), STATUS_SUCCESS); /* told once */
	KeReleaseMutex(&shared.mutex, FALSE);
	ObDereferenceObject(thread);
	ZwClose(handle);
}

static void add_by_mutex(void *ctx)
{
	for (unsigned i = 0; i < 2000; i++) {
		wait_for(&shared.mutex);
		shared.value++;
		KeReleaseMutex(&shared.mutex, FALSE);
	}
}

static void add_by_fast_mutex(void *ctx)
{
	for (unsigned i = 0; i < 2000; i++) {
		ExAcquireFastMutex(&shared.fast);
		shared.value++;
		ExReleaseFastMutex(&shared.fast);
	}
}

static void run_four(void (*fn)(void *ctx))
{
	struct cpu_thread *threads[4];

	shared.value = 0;
	for (unsigned i = 0; i < 4; i++)
		threads[i] = cpu_thread_new(fn, NULL, i % 2, "adder");
	for (unsigned i = 0; i < 4; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	CHECK_EQUAL(shared.value, 8000);
}

NT_TEST_ON(threads_of_two_processors_exclude_each_other, 2)
{
	KeInitializeMutex(&shared.mutex, 0);
	run_four(add_by_mutex);
	ExInitializeFastMutex(&shared.fast);
	run_four(add_by_fast_mutex);
}

/* covers: ExAcquireFastMutex, ExTryToAcquireFastMutex */
NT_TEST(a_fast_mutex_raises_to_apc_level_and_restores_the_level)
{
	FAST_MUTEX mutex;

	ExInitializeFastMutex(&mutex);
	ExAcquireFastMutex(&mutex);
	CHECK_EQUAL(KeGetCurrentIrql(), APC_LEVEL);
	ExReleaseFastMutex(&mutex);
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
	CHECK(ExTryToAcquireFastMutex(&mutex));
	CHECK(!ExTryToAcquireFastMutex(&mutex));
	CHECK_EQUAL(KeGetCurrentIrql(), APC_LEVEL);
	ExReleaseFastMutex(&mutex);
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void take_fast(void *ctx)
{
	shared.step = 1;
	ExAcquireFastMutex(&shared.fast);
	shared.step = 2;
	ExReleaseFastMutex(&shared.fast);
}

/* covers: ExAcquireFastMutex */
NT_TEST_ON(who_finds_a_fast_mutex_taken_waits_for_its_release, 2)
{
	struct cpu_thread *thread;

	shared.step = 0;
	ExInitializeFastMutex(&shared.fast);
	ExAcquireFastMutex(&shared.fast);
	thread = cpu_thread_new(take_fast, NULL, 1, "other");
	CHECK(comes_true(shared.step == 1));
	pass_ms(5);
	CHECK_EQUAL(shared.step, 1);
	ExReleaseFastMutex(&shared.fast);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	CHECK_EQUAL(shared.step, 2);
}

/* 0xC4/33, 34 */
/* covers: ExReleaseFastMutex */
NT_TEST(a_fast_mutex_at_the_wrong_level_is_reported)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	FAST_MUTEX mutex;

	ExInitializeFastMutex(&mutex);
	ExAcquireFastMutex(&mutex);
	CHECK_VIOLATION(0xC4000033, "ExAcquireFastMutex called at IRQL 2");
	ExReleaseFastMutex(&mutex);
	CHECK_VIOLATION(0xC4000034, "ExReleaseFastMutex called at IRQL 2");
	KeLowerIrql(old);
	ExReleaseFastMutex(&mutex);
	CHECK_VIOLATION(0xC4000034, "at IRQL 0");
	CHECK_VIOLATION(0xC4001004, "does not hold it");
}

static void fast_recursion(void *ctx)
{
	FAST_MUTEX mutex;

	ExInitializeFastMutex(&mutex);
	ExAcquireFastMutex(&mutex);
	ExAcquireFastMutex(&mutex);
}

/* covers: ExAcquireFastMutex */
static void a_fast_mutex_taken_twice_is_a_deadlock_that_is_told(void **state)
{
	assert_dies(fast_recursion, "bug check 0xC4 (DRIVER_VERIFIER_DETECTED_VIOLATION): 1000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mutex_is_free_at_first_and_taken_by_a_wait),
		cmocka_unit_test(its_owner_takes_it_again_and_releases_it_as_often),
		cmocka_unit_test(holding_a_mutex_disables_normal_apcs),
		cmocka_unit_test(another_thread_waits_until_it_is_released),
		cmocka_unit_test(releasing_what_one_does_not_hold_raises),
		cmocka_unit_test(memory_that_is_no_mutex_is_refused),
		cmocka_unit_test(more_than_minlong_recursions_raise),
		cmocka_unit_test(a_mutex_whose_owner_ended_is_abandoned),
		cmocka_unit_test(threads_of_two_processors_exclude_each_other),
		cmocka_unit_test(a_fast_mutex_raises_to_apc_level_and_restores_the_level),
		cmocka_unit_test(who_finds_a_fast_mutex_taken_waits_for_its_release),
		cmocka_unit_test(a_fast_mutex_at_the_wrong_level_is_reported),
		cmocka_unit_test(a_fast_mutex_taken_twice_is_a_deadlock_that_is_told),
	};

	return cmocka_run_group_tests_name("nt/ke_mutex", tests, NULL, NULL);
}
