/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Locks by StorPortAcquireSpinLockEx, cancelled DPCs, events, delays, the IRQL. */
#include "world.h"
#include "nt/os.h"

/* ---- locks ---- */

static STOR_DPC dpc;
static _Atomic unsigned dpc_calls;

static VOID NTAPI dpc_routine(PSTOR_DPC which, PVOID ext, PVOID a, PVOID b)
{
	STOR_LOCK_HANDLE handle;

	expect_is(
		StorPortAcquireSpinLockEx(ext, DpcLevelLock, which, &handle), STOR_STATUS_SUCCESS);
	expect_is(KeGetCurrentIrql(), DISPATCH_LEVEL);
	StorPortReleaseSpinLock(ext, &handle);
	expect_is(KeGetCurrentIrql(), DISPATCH_LEVEL);
	atomic_fetch_add(&dpc_calls, 1);
}

static void take(STOR_SPINLOCK kind, PVOID context, KIRQL irql)
{
	STOR_LOCK_HANDLE handle;

	expect_is(
		StorPortAcquireSpinLockEx(world.ext, kind, context, &handle), STOR_STATUS_SUCCESS);
	expect_is(KeGetCurrentIrql(), irql);
	expect_is(cpu_spin_is_held(&world.adapter->startio_lock.lock), kind == StartIoLock);
	expect_is(cpu_spin_is_held(&world.adapter->interrupt_lock.lock), kind == InterruptLock);
	StorPortReleaseSpinLock(world.ext, &handle);
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

static void locks(void)
{
	STOR_LOCK_HANDLE handle;
	uint8_t irql;

	StorPortInitializeDpc(world.ext, &dpc, dpc_routine);
	take(StartIoLock, NULL, DISPATCH_LEVEL);
	take(InterruptLock, NULL, STOR_DIRQL);
	take(DpcLock, &dpc, DISPATCH_LEVEL);
	take(ThreadedDpcLock, &dpc, DISPATCH_LEVEL);
	expect_is(StorPortAcquireSpinLockEx(world.ext, DpcLevelLock, &dpc, &handle),
		STOR_STATUS_INVALID_IRQL);
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortAcquireSpinLockEx(world.ext, StartIoLock, NULL, &handle),
		STOR_STATUS_INVALID_IRQL);
	cpu_irql_lower(irql);
	expect_is(StorPortAcquireSpinLockEx(world.ext, StartIoLock, NULL, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortAcquireSpinLockEx(world.ext, DpcLock, NULL, &handle),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortAcquireSpinLockEx(world.ext, 0, NULL, &handle),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortAcquireSpinLockEx(world.ext, DpcLevelLock + 1, &dpc, &handle),
		STOR_STATUS_INVALID_PARAMETER);
	/* The two that are for the Ex routine alone. */
	StorPortAcquireSpinLock(world.ext, ThreadedDpcLock, &dpc, &handle);
	expect_violation(0, "LK-2");
	expect_is(cpu_spin_is_held((struct cpu_spinlock *)&dpc.Lock), false);
}

/* covers: StorPortAcquireSpinLockEx */
static void all_five_kinds_of_lock_are_taken(void **state)
{
	world_good(locks);
}

static void cancelled(void)
{
	BOOLEAN result = 7;
	uint8_t irql;

	dpc_calls = 0;
	StorPortInitializeDpc(world.ext, &dpc, dpc_routine);
	irql = cpu_irql_raise(DISPATCH_LEVEL);
	expect(StorPortIssueDpc(world.ext, &dpc, NULL, NULL));
	expect_is(StorPortCancelDpc(world.ext, &dpc, &result), STOR_STATUS_SUCCESS);
	expect_is(result, TRUE);
	expect_is(StorPortCancelDpc(world.ext, &dpc, &result), STOR_STATUS_SUCCESS);
	expect_is(result, FALSE);
	cpu_irql_lower(irql);
	cpu_dpc_flush();
	expect_is(dpc_calls, 0);
	StorPortInitializeThreadedDpc(world.ext, &dpc, NULL);
	expect_violation(0, "a pointer is NULL");
	StorPortInitializeThreadedDpc(world.ext, &dpc, dpc_routine);
	expect(StorPortIssueDpc(world.ext, &dpc, NULL, NULL));
	cpu_dpc_flush();
	expect_is(dpc_calls, 1);
	expect_is(StorPortCancelDpc(world.ext, NULL, &result), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortCancelDpc(world.ext, &dpc, NULL), STOR_STATUS_INVALID_PARAMETER);
}

/* covers: StorPortCancelDpc, StorPortInitializeThreadedDpc */
static void a_queued_dpc_is_taken_back(void **state)
{
	world_good(cancelled);
}

/* ---- events ---- */

static STOR_EVENT event;

static VOID NTAPI set_later(PVOID ext, PVOID context, PVOID worker)
{
	expect_is(StorPortSetEvent(ext, context), STOR_STATUS_SUCCESS);
}

static void events(void)
{
	LARGE_INTEGER now = {.QuadPart = 0}, soon = {.QuadPart = -20000};
	PVOID worker;
	uint8_t irql;

	expect_is(StorPortInitializeEvent(world.ext, &event, StorNotificationEvent, TRUE),
		STOR_STATUS_SUCCESS);
	/* It stays signalled. */
	expect_is(StorPortWaitForSingleObject(world.ext, &event, FALSE, NULL), STOR_STATUS_SUCCESS);
	expect_is(StorPortWaitForSingleObject(world.ext, &event, FALSE, &now), STOR_STATUS_SUCCESS);
	expect_is(StorPortInitializeEvent(world.ext, &event, StorSynchronizationEvent, TRUE),
		STOR_STATUS_SUCCESS);
	/* One wait takes the signal. */
	expect_is(StorPortWaitForSingleObject(world.ext, &event, FALSE, &now), STOR_STATUS_SUCCESS);
	expect_is(StorPortWaitForSingleObject(world.ext, &event, FALSE, &soon),
		STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortInitializeWorker(world.ext, &worker), STOR_STATUS_SUCCESS);
	expect_is(StorPortQueueWorkItem(world.ext, set_later, worker, &event), STOR_STATUS_SUCCESS);
	expect_is(StorPortWaitForSingleObject(world.ext, &event, FALSE, NULL), STOR_STATUS_SUCCESS);
	irql = cpu_irql_raise(DISPATCH_LEVEL);
	expect_is(StorPortSetEvent(world.ext, &event), STOR_STATUS_SUCCESS);
	expect_is(StorPortWaitForSingleObject(world.ext, &event, FALSE, &now), STOR_STATUS_SUCCESS);
	expect_is(StorPortWaitForSingleObject(world.ext, &event, FALSE, NULL),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "waits at IRQL 2");
	cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortSetEvent(world.ext, &event), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortSetEvent at IRQL 8");
	expect_is(StorPortWaitForSingleObject(world.ext, &event, FALSE, &now),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortWaitForSingleObject at IRQL 8");
	cpu_irql_lower(irql);
	expect_is(StorPortInitializeEvent(world.ext, NULL, StorNotificationEvent, TRUE),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(
		StorPortInitializeEvent(world.ext, &event, 2, TRUE), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetEvent(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortWaitForSingleObject(world.ext, NULL, FALSE, &now),
		STOR_STATUS_INVALID_PARAMETER);
}

/* covers: StorPortInitializeEvent, StorPortSetEvent, StorPortWaitForSingleObject */
static void events_are_waited_for_and_set(void **state)
{
	world_good(events);
}

/* ---- time and IRQL ---- */

static void times(void)
{
	STOR_DPC_WATCHDOG_INFORMATION watchdog = {1, 2, 3, 4, 5};
	uint64_t start = cpu_clock();
	ULONG interval = 0;
	KIRQL level = 99;
	uint8_t irql;

	expect_is(StorPortDelayExecution(world.ext, 2000), STOR_STATUS_SUCCESS);
	expect(cpu_clock() - start >= 2000000);
	expect_is(StorPortGetCurrentIrql(world.ext, &level), STOR_STATUS_SUCCESS);
	expect_is(level, PASSIVE_LEVEL);
	expect_is(StorPortQueryDpcWatchdogInformation(world.ext, &watchdog),
		STOR_STATUS_UNSUCCESSFUL);
	irql = cpu_irql_raise(DISPATCH_LEVEL);
	start = cpu_clock();
	expect_is(StorPortDelayExecution(world.ext, 50), STOR_STATUS_SUCCESS);
	expect(cpu_clock() - start >= 50000);
	expect_is(StorPortGetCurrentIrql(world.ext, &level), STOR_STATUS_SUCCESS);
	expect_is(level, DISPATCH_LEVEL);
	expect_is(StorPortQueryDpcWatchdogInformation(world.ext, &watchdog), STOR_STATUS_SUCCESS);
	expect_is(watchdog.DpcTimeLimit, 0);
	expect_is(watchdog.DpcWatchdogLimit, 0);
	expect_is(StorPortQueryDpcWatchdogInformation(world.ext, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	cpu_irql_lower(irql);
	nt_os_set(NT_OS_8);
	expect_is(StorPortDelayExecution(world.ext, 50), STOR_STATUS_NOT_IMPLEMENTED);
	nt_os_set(NT_OS_NEWEST);
	expect_is(StorPortGetCurrentIrql(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortQueryTimerMinInterval(world.ext, &interval), STOR_STATUS_SUCCESS);
	expect_is(interval, KeQueryTimeIncrement());
	expect_is(StorPortQueryTimerMinInterval(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
}

/*
 * covers: StorPortDelayExecution, StorPortGetCurrentIrql, StorPortQueryDpcWatchdogInformation,
 * StorPortQueryTimerMinInterval
 */
static void time_passes_and_is_told(void **state)
{
	world_good(times);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(all_five_kinds_of_lock_are_taken),
		world_test(a_queued_dpc_is_taken_back),
		world_test(events_are_waited_for_and_set),
		world_test(time_passes_and_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
