/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A scene about routines: each of a table at PASSIVE_LEVEL, DISPATCH_LEVEL and DIRQL, where it
 * works or answers STOR_STATUS_INVALID_IRQL as its page has it. All whose pages name that status
 * are in it, but StorPortGetDataInBufferSystemAddress. See conform.h.
 */
#include "conform.h"

#define TAG 'mrfC'

/* What a row works on, made afresh for each call at PASSIVE_LEVEL. */
static PVOID Pool, Mdl, Timer, Worker;
static STOR_SLIST_HEADER List;
static STOR_SLIST_ENTRY Entry;
static STOR_EVENT Event;
static ULONG64 Room[32];
static volatile PSTOR_SCATTER_GATHER_LIST Kept;

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

static ULONG FreeWorker(PCF_ADAPTER A)
{
	ULONG Status = StorPortFreeWorker(A, Worker);

	if (Status == STOR_STATUS_SUCCESS)
		Worker = NULL;
	return Status;
}

static VOID BuiltToKeep(
	PVOID *DeviceObject, PVOID *Irp, PSTOR_SCATTER_GATHER_LIST Made, PVOID Context)
{
	Kept = Made;
}

static ULONG PutList(PCF_ADAPTER A)
{
	ULONG Status = StorPortPutScatterGatherList(A, Kept, TRUE);

	if (Status == STOR_STATUS_SUCCESS)
		Kept = NULL;
	return Status;
}

/* Of a request that the scenes keep. */
static ULONG SystemAddress(PCF_ADAPTER A)
{
	PVOID Address;

	return StorPortGetSystemAddress(A, A->Held->Srb, &Address);
}

static ULONG LogEvent(PCF_ADAPTER A)
{
	STOR_LOG_EVENT_DETAILS Details = {.InterfaceRevision = STOR_CURRENT_LOG_INTERFACE_REVISION,
		.Size = sizeof(Details),
		.EventAssociation = StorEventAdapterAssociation};

	return StorPortLogSystemEvent(A, &Details, NULL);
}

static ULONG RevertAffinity(PCF_ADAPTER A)
{
	STOR_GROUP_AFFINITY All = {.Mask = KeQueryActiveProcessors()};

	return StorPortRevertToUserGroupAffinityThread(A, NULL, &All);
}

static ULONG IsUpgrade(PCF_ADAPTER A)
{
	BOOLEAN Upgraded;

	return StorPortIsCurrentOsInstallationUpgrade(A, &Upgraded);
}

static const STOR_ADDR_BTL8 Unit0 = {
	.Type = STOR_ADDRESS_TYPE_BTL8, .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH};
static const GUID AnyGuid;

static ULONG IsOperationAllowed(PCF_ADAPTER A)
{
	ULONG Allowed;

	return StorPortIsDeviceOperationAllowed(A, (PVOID)&Unit0, &AnyGuid, &Allowed);
}

static ULONG InvokeAcpi(PCF_ADAPTER A)
{
	ULONG Returned;

	return StorPortInvokeAcpiMethod(A, NULL, 'ATS_', NULL, 0, NULL, 0, &Returned);
}

static ULONG ActivateComponent(PCF_ADAPTER A)
{
	return StorPortPoFxActivateComponent(A, NULL, NULL, 0, 0);
}

static ULONG IdleComponent(PCF_ADAPTER A)
{
	return StorPortPoFxIdleComponent(A, NULL, NULL, 0, 0);
}

static ULONG SetLatency(PCF_ADAPTER A)
{
	return StorPortPoFxSetComponentLatency(A, NULL, 0, 1000);
}

static ULONG SetResidency(PCF_ADAPTER A)
{
	return StorPortPoFxSetComponentResidency(A, NULL, 0, 1000);
}

static ULONG PowerControl(PCF_ADAPTER A)
{
	SIZE_T Returned;

	return StorPortPoFxPowerControl(A, NULL, &AnyGuid, NULL, 0, NULL, 0, &Returned);
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
#define OK	 STOR_STATUS_SUCCESS
#define BAD	 STOR_STATUS_INVALID_IRQL
#define NONE	 STOR_STATUS_NOT_IMPLEMENTED	    /* the platform has no such thing */
#define ARGUMENT STOR_STATUS_INVALID_PARAMETER	    /* no component was registered */
#define REQUEST	 STOR_STATUS_INVALID_DEVICE_REQUEST /* the same, as other pages have it */

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
	{"StorPortPutScatterGatherList", PutList, {BAD, OK, BAD},
		"StorPortPutScatterGatherList at IRQL", 0xe6000013},
	{"StorPortGetSystemAddress", SystemAddress, {OK, OK, BAD},
		"StorPortGetSystemAddress at IRQL"},
	{"StorPortFreeWorker", FreeWorker, {OK, OK, BAD}, "StorPortFreeWorker at IRQL"},
	{"StorPortLogSystemEvent", LogEvent, {OK, OK, BAD}, "StorPortLogSystemEvent at IRQL"},
	{"StorPortRevertToUserGroupAffinityThread", RevertAffinity, {OK, OK, BAD},
		"StorPortRevertToUserGroupAffinityThread at IRQL"},
	{"StorPortIsCurrentOsInstallationUpgrade", IsUpgrade, {OK, BAD, BAD},
		"StorPortIsCurrentOsInstallationUpgrade at IRQL"},
	{"StorPortIsDeviceOperationAllowed", IsOperationAllowed, {NONE, BAD, BAD},
		"StorPortIsDeviceOperationAllowed at IRQL"},
	{"StorPortInvokeAcpiMethod", InvokeAcpi, {NONE, BAD, BAD},
		"StorPortInvokeAcpiMethod at IRQL"},
	{"StorPortPoFxActivateComponent", ActivateComponent, {ARGUMENT, ARGUMENT, BAD},
		"StorPortPoFxActivateComponent at IRQL"},
	{"StorPortPoFxIdleComponent", IdleComponent, {ARGUMENT, ARGUMENT, BAD},
		"StorPortPoFxIdleComponent at IRQL"},
	{"StorPortPoFxSetComponentLatency", SetLatency, {REQUEST, REQUEST, BAD},
		"StorPortPoFxSetComponentLatency at IRQL"},
	{"StorPortPoFxSetComponentResidency", SetResidency, {REQUEST, REQUEST, BAD},
		"StorPortPoFxSetComponentResidency at IRQL"},
	{"StorPortPoFxPowerControl", PowerControl, {REQUEST, REQUEST, BAD},
		"StorPortPoFxPowerControl at IRQL"},
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

/* For PutList: a list is built at DISPATCH_LEVEL, and may come on another processor. */
static VOID PrepareList(PCF_ADAPTER A)
{
	STOR_LOCK_HANDLE Lock;

	CfLock(A, StartIoLock, &Lock);
	StorPortBuildScatterGatherList(A, Mdl, Pool, 100, BuiltToKeep, A, TRUE, Room, sizeof(Room));
	CfUnlock(A, &Lock);
	while (Kept == NULL)
		CfSleep(A, 1);
}

static VOID CleanList(PCF_ADAPTER A)
{
	STOR_LOCK_HANDLE Lock;

	CfLock(A, StartIoLock, &Lock);
	PutList(A);
	CfUnlock(A, &Lock);
}

static VOID Prepare(PCF_ADAPTER A, const ROW *Row)
{
	StorPortAllocatePool(A, 200, TAG, &Pool);
	StorPortAllocateMdl(A, Pool, 200, &Mdl);
	StorPortBuildMdlForNonPagedPool(A, Mdl);
	StorPortInitializeTimer(A, &Timer);
	StorPortInitializeWorker(A, &Worker);
	StorPortInitializeEvent(A, &Event, StorNotificationEvent, FALSE);
	StorPortInitializeSListHead(A, &List);
	if (Row->Call == PutList)
		PrepareList(A);
}

static VOID Clean(PCF_ADAPTER A)
{
	if (Kept != NULL)
		CleanList(A);
	if (Mdl != NULL)
		StorPortFreeMdl(A, Mdl);
	if (Pool != NULL)
		StorPortFreePool(A, Pool);
	if (Timer != NULL)
		StorPortFreeTimer(A, Timer);
	while (Worker != NULL && StorPortFreeWorker(A, Worker) == STOR_STATUS_BUSY)
		CfSleep(A, 1);
}

VOID CfIrqlScenes(PCF_ADAPTER A)
{
	for (ULONG n = 0; n < RTL_NUMBER_OF(Rows); n++) {
		Facts[n].Number = "IRQL";
		Facts[n].What = Rows[n].Name;
		for (ULONG Level = 0; Level < 3; Level++) {
			ULONG Wanted = Rows[n].Status[Level];

			Prepare(A, &Rows[n]);
			if (Wanted == BAD && Rows[n].Report != NULL)
				CfViolates(Rows[n].Number, "%s", Rows[n].Report);
			CfFact(&Facts[n], Wanted, CallAt(A, &Rows[n], Level), __LINE__);
			Clean(A);
		}
	}
}

VOID CfIrqlFacts(const ULONG *Sets, ULONG Machine)
{
	if (Facts[0].Number != NULL) /* the scene was played */
		CfFacts(Facts, RTL_NUMBER_OF(Facts), Sets, Machine);
}
