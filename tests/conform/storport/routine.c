/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Scenes about routines: each of a table at PASSIVE_LEVEL, DISPATCH_LEVEL and DIRQL, where it
 * works or answers STOR_STATUS_INVALID_IRQL as its page has it; wrong arguments, where a status is
 * documented for them; the locks in their other forms. See conform.h.
 */
#include "conform.h"

#define TAG 'mrfC'

/* What a row works on, made afresh for each call at PASSIVE_LEVEL. */
static PVOID Pool, Mdl, Timer, Worker;
static STOR_SLIST_HEADER List;
static STOR_SLIST_ENTRY Entry;
static STOR_EVENT Event;
static ULONG64 Buffer[64], Room[32];

static VOID Work(PVOID Extension, PVOID Context, PVOID Item)
{
}

static VOID TimerRoutine(PVOID Extension, PVOID Context)
{
}

static VOID Built(PVOID *DeviceObject, PVOID *Irp, PSTOR_SCATTER_GATHER_LIST Made, PVOID Context)
{
	SEE(BuildDispatch, DISPATCH_LEVEL, KeGetCurrentIrql());
	SEE(BuildDispatch, STOR_STATUS_SUCCESS, StorPortPutScatterGatherList(Context, Made, TRUE));
}

/* ---- the rows ---- */

static ULONG AllocatePool(PCF_ADAPTER A)
{
	PVOID Memory = NULL;
	ULONG Status = StorPortAllocatePool(A, 100, TAG, &Memory);

	if (Status == STOR_STATUS_SUCCESS)
		StorPortFreePool(A, Memory);
	return Status;
}

static ULONG FreePool(PCF_ADAPTER A)
{
	ULONG Status = StorPortFreePool(A, Pool);

	if (Status == STOR_STATUS_SUCCESS)
		Pool = NULL;
	return Status;
}

static ULONG AllocateMdl(PCF_ADAPTER A)
{
	PVOID Made = NULL;
	ULONG Status = StorPortAllocateMdl(A, Pool, 100, &Made);

	if (Status == STOR_STATUS_SUCCESS)
		StorPortFreeMdl(A, Made);
	return Status;
}

static ULONG BuildMdl(PCF_ADAPTER A)
{
	return StorPortBuildMdlForNonPagedPool(A, Mdl);
}

static ULONG FreeMdl(PCF_ADAPTER A)
{
	ULONG Status = StorPortFreeMdl(A, Mdl);

	if (Status == STOR_STATUS_SUCCESS)
		Mdl = NULL;
	return Status;
}

static ULONG InitializeTimer(PCF_ADAPTER A)
{
	PVOID Made = NULL;
	ULONG Status = StorPortInitializeTimer(A, &Made);

	if (Status == STOR_STATUS_SUCCESS)
		StorPortFreeTimer(A, Made);
	return Status;
}

static ULONG RequestTimer(PCF_ADAPTER A)
{
	ULONG Status = StorPortRequestTimer(A, Timer, TimerRoutine, NULL, 1000000, 0);

	StorPortRequestTimer(A, Timer, TimerRoutine, NULL, 0, 0);
	return Status;
}

static ULONG FreeTimer(PCF_ADAPTER A)
{
	ULONG Status = StorPortFreeTimer(A, Timer);

	if (Status == STOR_STATUS_SUCCESS)
		Timer = NULL;
	return Status;
}

static ULONG InitializeWorker(PCF_ADAPTER A)
{
	PVOID Made = NULL;
	ULONG Status = StorPortInitializeWorker(A, &Made);

	if (Status == STOR_STATUS_SUCCESS)
		StorPortFreeWorker(A, Made);
	return Status;
}

static ULONG QueueWorkItem(PCF_ADAPTER A)
{
	return StorPortQueueWorkItem(A, Work, Worker, NULL);
}

static ULONG SetEvent(PCF_ADAPTER A)
{
	return StorPortSetEvent(A, &Event);
}

static ULONG BuildList(PCF_ADAPTER A)
{
	return StorPortBuildScatterGatherList(
		A, Mdl, Pool, 100, Built, A, TRUE, Room, sizeof(Room));
}

static ULONG CurrentIrql(PCF_ADAPTER A)
{
	KIRQL Irql = HIGH_LEVEL;
	ULONG Status = StorPortGetCurrentIrql(A, &Irql);

	SEE(SameIrql, KeGetCurrentIrql(), Irql);
	return Status;
}

static ULONG Counter(PCF_ADAPTER A)
{
	LARGE_INTEGER Frequency, Value;

	return StorPortQueryPerformanceCounter(A, &Frequency, &Value);
}

static ULONG Processor(PCF_ADAPTER A)
{
	PROCESSOR_NUMBER Number;

	return StorPortGetCurrentProcessorNumber(A, &Number);
}

static ULONG PushPop(PCF_ADAPTER A)
{
	STOR_SLIST_ENTRY *Got = NULL;
	ULONG Status = StorPortInterlockedPushEntrySList(A, &List, &Entry, &Got);

	StorPortInterlockedPopEntrySList(A, &List, &Got);
	SEE(SList, (ULONG_PTR)&Entry, (ULONG_PTR)Got);
	return Status;
}

static ULONG Groups(PCF_ADAPTER A)
{
	USHORT Count = 0;

	return StorPortGetActiveGroupCount(A, &Count);
}

static ULONG SetPriority(PCF_ADAPTER A)
{
	return StorPortSetPriorityThread(A, A->EndThread, StorThreadPriorityNormal);
}

static ULONG LogError(PCF_ADAPTER A)
{
	StorPortLogError(A, NULL, 0, 0, 0, 0, 1);
	return STOR_STATUS_SUCCESS;
}

static ULONG LockDpcLevel(PCF_ADAPTER A)
{
	STOR_LOCK_HANDLE Lock;
	ULONG Status = StorPortAcquireSpinLockEx(A, DpcLevelLock, &A->SpareDpc, &Lock);

	if (Status == STOR_STATUS_SUCCESS)
		StorPortReleaseSpinLock(A, &Lock);
	return Status;
}

static ULONG LockDpc(PCF_ADAPTER A)
{
	STOR_LOCK_HANDLE Lock;
	ULONG Status = StorPortAcquireSpinLockEx(A, DpcLock, &A->SpareDpc, &Lock);

	if (Status == STOR_STATUS_SUCCESS)
		StorPortReleaseSpinLock(A, &Lock);
	return Status;
}

/* Statuses at PASSIVE_LEVEL, DISPATCH_LEVEL, DIRQL. */
#define OK  STOR_STATUS_SUCCESS
#define BAD STOR_STATUS_INVALID_IRQL

typedef struct _ROW {
	PCSTR Name;
	ULONG (*Call)(PCF_ADAPTER A);
	ULONG Status[3];
	PCSTR Report; /* what is said of a wrong IRQL, NULL: nothing */
	ULONG Number; /* by which number */
} ROW;

static const ROW Rows[] = {
	{"StorPortAllocatePool", AllocatePool, {OK, OK, BAD}, "StorPortAllocatePool at IRQL"},
	{"StorPortFreePool", FreePool, {OK, OK, BAD}, "StorPortFreePool at IRQL"},
	{"StorPortAllocateMdl", AllocateMdl, {OK, OK, BAD}, "StorPortAllocateMdl at IRQL"},
	{"StorPortBuildMdlForNonPagedPool", BuildMdl, {OK, OK, BAD},
		"StorPortBuildMdlForNonPagedPool at IRQL"},
	{"StorPortFreeMdl", FreeMdl, {OK, OK, BAD}, "StorPortFreeMdl at IRQL"},
	{"StorPortInitializeTimer", InitializeTimer, {OK, OK, BAD},
		"StorPortInitializeTimer at IRQL"},
	{"StorPortRequestTimer", RequestTimer, {OK, OK, OK}, NULL},
	{"StorPortFreeTimer", FreeTimer, {OK, OK, BAD}, "StorPortFreeTimer at IRQL"},
	{"StorPortInitializeWorker", InitializeWorker, {OK, OK, BAD},
		"StorPortInitializeWorker at IRQL"},
	{"StorPortQueueWorkItem", QueueWorkItem, {OK, OK, BAD}, "StorPortQueueWorkItem at IRQL"},
	{"StorPortSetEvent", SetEvent, {OK, OK, BAD}, "StorPortSetEvent at IRQL"},
	{"StorPortBuildScatterGatherList", BuildList, {BAD, OK, BAD},
		"StorPortBuildScatterGatherList at IRQL", 0xe6000013},
	{"StorPortGetCurrentIrql", CurrentIrql, {OK, OK, OK}, NULL},
	{"StorPortQueryPerformanceCounter", Counter, {OK, OK, OK}, NULL},
	{"StorPortGetCurrentProcessorNumber", Processor, {OK, OK, OK}, NULL},
	{"StorPortInterlockedPushEntrySList", PushPop, {OK, OK, OK}, NULL},
	{"StorPortGetActiveGroupCount", Groups, {OK, OK, OK}, NULL},
	{"StorPortSetPriorityThread", SetPriority, {OK, BAD, BAD}, NULL},
	{"StorPortLogError", LogError, {OK, OK, OK}, NULL},
	{"StorPortAcquireSpinLockEx", LockDpc, {OK, OK, BAD}, NULL},
	{"StorPortAcquireSpinLockEx of DpcLevelLock", LockDpcLevel, {BAD, OK, BAD}, NULL},
};

static CF_FACT Facts[RTL_NUMBER_OF(Rows)];

typedef struct _CALL {
	const ROW *Row;
	ULONG Status;
} CALL;

static BOOLEAN CallSynchronized(PVOID Extension, PVOID Context)
{
	CALL *Call = Context;

	Call->Status = Call->Row->Call(Extension);
	return TRUE;
}

static ULONG CallAt(PCF_ADAPTER A, const ROW *Row, ULONG Level)
{
	CALL Call = {Row, 0};
	STOR_LOCK_HANDLE Lock;

	if (Level == 0)
		return Row->Call(A);
	if (Level == 2) {
		StorPortSynchronizeAccess(A, CallSynchronized, &Call);
		return Call.Status;
	}
	CfLock(A, StartIoLock, &Lock);
	Call.Status = Row->Call(A);
	CfUnlock(A, &Lock);
	return Call.Status;
}

static VOID Prepare(PCF_ADAPTER A)
{
	StorPortAllocatePool(A, 200, TAG, &Pool);
	StorPortAllocateMdl(A, Pool, 200, &Mdl);
	StorPortBuildMdlForNonPagedPool(A, Mdl);
	StorPortInitializeTimer(A, &Timer);
	StorPortInitializeWorker(A, &Worker);
	StorPortInitializeEvent(A, &Event, StorNotificationEvent, FALSE);
	StorPortInitializeSListHead(A, &List);
}

static VOID Clean(PCF_ADAPTER A)
{
	if (Mdl != NULL)
		StorPortFreeMdl(A, Mdl);
	if (Pool != NULL)
		StorPortFreePool(A, Pool);
	if (Timer != NULL)
		StorPortFreeTimer(A, Timer);
	while (StorPortFreeWorker(A, Worker) == STOR_STATUS_BUSY)
		CfSleep(A, 1);
}

static VOID EachAtEach(PCF_ADAPTER A)
{
	for (ULONG n = 0; n < RTL_NUMBER_OF(Rows); n++) {
		Facts[n].Number = "IRQL";
		Facts[n].What = Rows[n].Name;
		for (ULONG Level = 0; Level < 3; Level++) {
			ULONG Wanted = Rows[n].Status[Level];

			Prepare(A);
			if (Wanted != OK && Rows[n].Report != NULL)
				CfViolates(Rows[n].Number, "%s", Rows[n].Report);
			CfFact(&Facts[n], Wanted, CallAt(A, &Rows[n], Level), __LINE__);
			Clean(A);
		}
	}
}

VOID CfRoutineFacts(const ULONG *Sets, ULONG Machine)
{
	if (Facts[0].Number != NULL) /* the scene was played */
		CfFacts(Facts, RTL_NUMBER_OF(Facts), Sets, Machine);
}

/* ---- wrong arguments ---- */

static VOID Arguments(PCF_ADAPTER A)
{
	PVOID Got = NULL;
	STOR_LOCK_HANDLE Lock;
	BOOLEAN Flag;

	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortAllocatePool(A, 8, TAG, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortFreePool(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortAllocateMdl(A, NULL, 8, &Got));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortFreeMdl(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortInitializeTimer(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER,
		StorPortRequestTimer(A, NULL, TimerRoutine, NULL, 1, 0));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortFreeTimer(A, Buffer));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortInitializeWorker(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER,
		StorPortQueueWorkItem(A, Work, Buffer, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortSetEvent(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortGetCurrentIrql(A, NULL));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER, StorPortCancelDpc(A, NULL, &Flag));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER,
		StorPortGetMSIInfo(A, A->Messages, (PVOID)Buffer));
	SEE(BadArguments, STOR_STATUS_INVALID_PARAMETER,
		StorPortCreateSystemThread(A, NULL, NULL, NULL, &Got));
	CfViolates(0, "StorPortUpdateAdapterMaxIO outside HwStorInitialize");
	SEE(MaxIoLate, STOR_STATUS_INVALID_DEVICE_REQUEST, StorPortUpdateAdapterMaxIO(A, 4));
	SEE(PerfLate, STOR_STATUS_UNSUCCESSFUL,
		StorPortInitializePerfOpts(A, TRUE,
			&(PERF_CONFIGURATION_DATA){.Version = STOR_PERF_VERSION,
				.Size = sizeof(PERF_CONFIGURATION_DATA)}));
	SEE(LockEx, STOR_STATUS_INVALID_PARAMETER,
		StorPortAcquireSpinLockEx(A, DpcLock, NULL, &Lock));
	SEE(LockEx, STOR_STATUS_INVALID_PARAMETER,
		StorPortAcquireSpinLockEx(A, StartIoLock, NULL, NULL));
	SEE(NoCode, STOR_STATUS_NOT_IMPLEMENTED,
		StorPortExtendedFunction((STORPORT_FUNCTION_CODE)0x1000, A));
}

/* ---- locks of messages ---- */

static VOID MessageLock(PCF_ADAPTER A)
{
	ULONG Old = HIGH_LEVEL;

	if (!(A->Machine & CF_MESSAGES) || IS_HALF(A))
		return;
	for (ULONG n = 0; n < A->Messages; n++) {
		SEE(MessageLock, STOR_STATUS_SUCCESS, StorPortAcquireMSISpinLock(A, n, &Old));
		SEE(MessageLock, A->Dirql, KeGetCurrentIrql());
		SEE(MessageLock, PASSIVE_LEVEL, Old);
		CfEnterInterrupt(A, n);
		StorPortStallExecution(5);
		CfLeaveInterrupt(A, n);
		SEE(MessageLock, STOR_STATUS_SUCCESS, StorPortReleaseMSISpinLock(A, n, Old));
	}
	SEE(MessageLock, PASSIVE_LEVEL, KeGetCurrentIrql());
}

/* LK-5 */
static BOOLEAN Synchronized(PVOID Extension, PVOID Context)
{
	return Context != NULL;
}

VOID CfRoutineScenes(PCF_ADAPTER A)
{
	EachAtEach(A);
	Arguments(A);
	MessageLock(A);
	SEE(Synchronized, TRUE, StorPortSynchronizeAccess(A, Synchronized, A));
	SEE(Synchronized, FALSE, StorPortSynchronizeAccess(A, Synchronized, NULL));
	CfTryLocks(A, TRUE, TRUE, TRUE);
}
