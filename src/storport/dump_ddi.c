/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Which routines a miniport may call in crash-dump mode. The page (dump.h) forbids DPCs and
 * reliance on the time, and what is for lower IRQLs; memory comes from the extensions alone, and
 * there is no DMA adapter (4.9). What is forbidden is told; what merely is not there in a machine
 * that has crashed answers STOR_STATUS_NOT_IMPLEMENTED, as a driver expects of an older port.
 */
#include "storport/dump.h"
#include "nt/nt.h"

enum answer { ABSENT, ALLOWED, FORBIDDEN };

struct row {
	uint8_t answer; /* enum answer */
	const char *name;
};

#define NO(function)  [ExtFunction##function] = {FORBIDDEN, #function}
#define YES(function) [ExtFunction##function] = {ALLOWED, #function}

static const struct row rows[] = {
	NO(AllocatePool),
	NO(FreePool),
	NO(AllocateMdl),
	NO(FreeMdl),
	NO(BuildMdlForNonPagedPool),
	NO(AllocateDmaMemory),
	NO(FreeDmaMemory),
	NO(AllocateContiguousMemorySpecifyCacheNode),
	NO(FreeContiguousMemorySpecifyCache),
	NO(AllocateHmb),
	NO(BuildScatterGatherList),
	NO(PutScatterGatherList),
	NO(RegistryReadAdapterKey),
	NO(RegistryWriteAdapterKey),
	NO(InitializeTimer),
	NO(RequestTimer),
	NO(InitializeWorker),
	NO(QueueWorkItem),
	NO(CreateSystemThread),
	NO(WaitForEvent),
	YES(GetSystemAddress),
	YES(GetOriginalMdl),
	YES(GetPfns),
	YES(GetMessageInterruptInformation),
	YES(GetCurrentProcessorNumber),
	YES(GetCurrentIrql),
	YES(DelayExecution),
	YES(QueryPerformanceCounter),
	YES(InitializeSListHead),
	YES(InterlockedFlushSList),
	YES(InterlockedPopEntrySList),
	YES(InterlockedPushEntrySList),
	YES(QueryDepthSList),
	YES(MarkDumpMemory),
};

bool stor_dump_allows(STORPORT_FUNCTION_CODE code)
{
	const struct row *row = (size_t)code < array_size(rows) ? &rows[code] : NULL;

	if (row && row->answer == FORBIDDEN)
		nt_violation(0,
			"the extended function %s in dump mode: there is no pool, no DMA adapter, "
			"no "
			"timer, no thread, and the IRQL is HIGH_LEVEL (4.9).",
			row->name);
	return row && row->answer == ALLOWED;
}

border_call bool stor_dump_refuses(
	const struct stor_adapter *adapter, const char *routine, const char *why)
{
	if (likely(!adapter->is_dump))
		return false;
	nt_violation(0, "%s in dump mode: %s.", routine, why);
	return true;
}
