/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What a miniport may call in crash-dump mode, and what that does. "The page" is Microsoft's
 * "Restrictions on Miniport Drivers that Manage the Boot Drive". */
#include "dump_world.h"

static struct {
	PVOID pointer;
	ULONG number;
	LARGE_INTEGER time;
	STOR_DPC dpc;
	STOR_ADDR_BTL8 unit;
	STOR_LOCK_HANDLE lock;
	KIRQL irql;
} used;

static VOID NTAPI routine(PVOID ext)
{
}

static VOID NTAPI dpc_routine(PSTOR_DPC dpc, PVOID ext, PVOID a, PVOID b)
{
}

static VOID NTAPI state_routine(PVOID ext, PVOID context, SHORT type, PVOID address, ULONG status)
{
}

static BOOLEAN NTAPI passive_routine(PVOID ext)
{
	return TRUE;
}

/* In HwStorInitialize, for StorPortEnablePassiveInitialization; at HIGH_LEVEL like all. */
static void nothing_lower(void)
{
	void *ext = world.ext;

	if (!second.runs)
		return;
	/* 4.9: no allocation, no DMA adapter */
	expect_is(StorPortAllocatePool(ext, 64, 0x74736554, &used.pointer),
		STOR_STATUS_NOT_IMPLEMENTED);
	expect_violation(0, "extended function AllocatePool in dump mode");
	expect_is(StorPortAllocateMdl(ext, &used, 64, &used.pointer), STOR_STATUS_NOT_IMPLEMENTED);
	expect_violation(0, "extended function AllocateMdl in dump mode");
	expect_is(StorPortInitializeTimer(ext, &used.pointer), STOR_STATUS_NOT_IMPLEMENTED);
	expect_violation(0, "extended function InitializeTimer in dump mode");
	expect_is(StorPortInitializeWorker(ext, &used.pointer), STOR_STATUS_NOT_IMPLEMENTED);
	expect_violation(0, "extended function InitializeWorker in dump mode");
	/* the page: no DPC */
	StorPortInitializeDpc(ext, &used.dpc, dpc_routine);
	expect_violation(0, "StorPortInitializeDpc in dump mode");
	expect(!StorPortIssueDpc(ext, &used.dpc, NULL, NULL));
	expect_violation(0, "StorPortIssueDpc in dump mode");
	StorPortInitializeThreadedDpc(ext, &used.dpc, dpc_routine);
	expect_violation(0, "there are no DPCs");
	expect_is(StorPortStateChangeDetected(
			  ext, STATE_CHANGE_LUN, (PSTOR_ADDRESS)&used.unit, 0, state_routine, NULL),
		STOR_STATUS_NOT_IMPLEMENTED);
	expect_violation(0, "StorPortStateChangeDetected in dump mode");
	expect_is(StorPortAsyncNotificationDetected(ext, (PSTOR_ADDRESS)&used.unit, 0),
		STOR_STATUS_NOT_IMPLEMENTED);
	expect_violation(0, "StorPortAsyncNotificationDetected in dump mode");
	StorPortNotification(RequestTimerCall, ext, routine, 1000);
	expect_violation(0, "RequestTimerCall in dump mode");
	expect(!StorPortEnablePassiveInitialization(ext, passive_routine));
	expect_violation(0, "StorPortEnablePassiveInitialization in dump mode");
	/* the page: no reliance on the time, no registry */
	StorPortQuerySystemTime(&used.time);
	expect_violation(0, "StorPortQuerySystemTime in dump mode");
	used.number = 64;
	expect(!StorPortAllocateRegistryBuffer(ext, &used.number));
	expect_violation(0, "StorPortAllocateRegistryBuffer at IRQL 15");
}

/*
 * covers: StorPortAsyncNotificationDetected, StorPortEnablePassiveInitialization,
 * StorPortExtendedFunction, StorPortInitializeDpc, StorPortInitializeThreadedDpc, StorPortIssueDpc,
 * StorPortQuerySystemTime, StorPortStateChangeDetected
 */
static void what_needs_a_lower_irql_is_refused_and_told(void **state)
{
	memset(&used, 0, sizeof(used));
	miniport.initialize = nothing_lower;
	dump_good(NULL);
	assert_null(used.pointer);
}

static void in_find(PPORT_CONFIGURATION_INFORMATION config)
{
	PERF_CONFIGURATION_DATA perf = {.Version = STOR_PERF_VERSION, .Size = sizeof(perf)};
	MESSAGE_INTERRUPT_INFORMATION message;

	if (!second.runs)
		return;
	/* what a crashed machine merely lacks */
	expect_is(StorPortInitializePerfOpts(world.ext, TRUE, &perf), STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(StorPortGetMSIInfo(world.ext, 0, &message), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortMarkDumpMemory(world.ext, &used, 1, 0), STOR_STATUS_SUCCESS);
	expect_is(StorPortGetCurrentIrql(world.ext, &used.irql), STOR_STATUS_SUCCESS);
	expect_is(used.irql, HIGH_LEVEL);
	/* one processor: a lock is nothing, but it is paired */
	StorPortAcquireSpinLock(world.ext, StartIoLock, NULL, &used.lock);
	expect_is(KeGetCurrentIrql(), HIGH_LEVEL);
	StorPortReleaseSpinLock(world.ext, &used.lock);
	StorPortAcquireSpinLock(world.ext, DpcLock, &used.dpc, &used.lock);
	StorPortReleaseSpinLock(world.ext, &used.lock);
	StorPortAcquireSpinLock(world.ext, InterruptLock, NULL, &used.lock);
	StorPortReleaseSpinLock(world.ext, &used.lock);
	expect_is(KeGetCurrentIrql(), HIGH_LEVEL);
	/* there is nothing to hold back */
	expect(StorPortPause(world.ext, 5));
	expect(StorPortResume(world.ext));
	expect(StorPortBusy(world.ext, 1));
	expect(StorPortReady(world.ext));
	StorPortStallExecution(10);
}

static void the_rest_goes_at_high_level_without_a_complaint(void **state)
{
	memset(&used, 0, sizeof(used));
	miniport.find = in_find;
	dump_good(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		dump_test(what_needs_a_lower_irql_is_refused_and_told),
		dump_test(the_rest_goes_at_high_level_without_a_complaint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
