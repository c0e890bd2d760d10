/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Holds SCSI Port to its documentation from inside a miniport, as ../storport does Storport. The
 * miniport is examples/pull, word for word; its callbacks are called by ours, which look first. One
 * request in a long run is never handed to it, so that it times out.
 */
#include <miniport.h>
#include <scsi.h>
#include "../kit/kit.h"

#define CF_RESET 1
#define LOST	 400 /* which request is */

enum {
#define F(Id, Where, Number, What) F_##Id,
#include "facts.h"
#undef F
	F_COUNT
};

static CF_FACT Table[F_COUNT] = {
#define F(Id, Where, Number, What) [F_##Id] = {Number, What, Where, 0, 0},
#include "facts.h"
#undef F
};

#define SEE(Id, Wanted, Seen)	CfFact(&Table[F_##Id], (ULONG64)(Wanted), (ULONG64)(Seen), __LINE__)
#define SEE_TRUE(Id, Condition) SEE(Id, TRUE, (Condition) ? TRUE : FALSE)

enum { LIFE_NONE, LIFE_FOUND, LIFE_INITIALIZED, LIFE_ASKED, LIFE_STOPPED };

static PDRIVER_UNLOAD PortUnload;
static volatile LONG Life, Inside, Asked, Outstanding;
static KIRQL Dirql;
static ULONG Starts, Timers, Asks;
static ULONG64 TimerAt, LostAt, LostFor;
static BOOLEAN IsTagOut[256], IsReset, IsWithheld;

/* ---- what the example tells the port ---- */

static VOID Ask(PVOID Extension)
{
	Asked = 1;
	IsWithheld = FALSE;
	ScsiPortNotification(NextLuRequest, Extension, 0, 0, 0);
}

/* Each fourth time the port hears later, with the next interrupt, that another request is wanted.
 */
static VOID Tell(SCSI_NOTIFICATION_TYPE Type, PVOID Extension, PVOID First)
{
	PSCSI_REQUEST_BLOCK Srb = First;

	if (Type == NextLuRequest) {
		IsWithheld = ++Asks % 4 == 0 && Outstanding > 0 && LostAt == 0;
		if (!IsWithheld)
			Ask(Extension);
		return;
	}
	Outstanding--;
	if (Srb->QueueTag != SP_UNTAGGED)
		IsTagOut[Srb->QueueTag] = FALSE;
	ScsiPortNotification(RequestComplete, Extension, Srb);
}

static VOID AllBack(VOID)
{
	Outstanding = 0;
	RtlZeroMemory(IsTagOut, sizeof(IsTagOut));
}

#define FIRST(First, ...)			   (PVOID)(ULONG_PTR)(First)
#define ScsiPortNotification(Type, Extension, ...) Tell(Type, Extension, FIRST(__VA_ARGS__, 0))
#define ScsiPortCompleteRequest(...)		   (AllBack(), (ScsiPortCompleteRequest)(__VA_ARGS__))
#define DriverEntry				   PullEntry
#define ScsiPortInitialize			   CfInitialize

ULONG CfInitialize(PVOID Driver, PVOID Path, PHW_INITIALIZATION_DATA Data, PVOID HwContext);
#include "../../../examples/pull/pull.c"
#undef ScsiPortNotification
#undef DriverEntry
#undef ScsiPortInitialize

static ULONG64 Now(VOID)
{
	LARGE_INTEGER Frequency, Counter = KeQueryPerformanceCounter(&Frequency);

	return (ULONG64)Counter.QuadPart * 10 / ((ULONG64)Frequency.QuadPart / 100000);
}

static VOID Enter(VOID)
{
	SEE(Irql, Dirql, KeGetCurrentIrql());
	SEE(OneLock, 1, InterlockedIncrement(&Inside));
	SEE_TRUE(Stopped, Life < LIFE_STOPPED);
	ScsiPortStallExecution(1); /* a safepoint: who can come between does */
}

static VOID Leave(VOID)
{
	InterlockedDecrement(&Inside);
}

/* ---- the timer: 5 ms, then one that is cancelled ---- */

static VOID Timer(PVOID Extension)
{
	ULONG64 Passed = Now() - TimerAt;

	Enter();
	Timers++;
	SEE_TRUE(Timer, Passed >= 5000 && Passed < 1000000);
	SEE(TimerCancel, 1, Timers);
	ScsiPortNotification(RequestTimerCall, Extension, Timer, 20000);
	ScsiPortNotification(RequestTimerCall, Extension, Timer, 0);
	Leave();
}

/* ---- requests ---- */

static VOID CheckPieces(PPULL_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PUCHAR Data = Srb->DataBuffer;
	ULONG Left = Srb->DataTransferLength, Length = 0, Pieces = 0;
	SCSI_PHYSICAL_ADDRESS First, Last;

	for (; Left != 0; Left -= min(Length, Left), Data += Length, Pieces++) {
		SEE_TRUE(Pieces, ScsiPortGetPhysicalAddress(A, Srb, Data, &Length).QuadPart != 0);
		if (!SEE_TRUE(Pieces, Length != 0))
			return;
	}
	SEE_TRUE(Breaks, Pieces <= PULL_MAX_ELEMENTS);
	First = ScsiPortGetPhysicalAddress(A, Srb, Srb->SrbExtension, &Length);
	Last = ScsiPortGetPhysicalAddress(
		A, NULL, (PUCHAR)Srb->SrbExtension + sizeof(PULL_REQUEST) - 1, &Length);
	SEE(Extension, sizeof(PULL_REQUEST) - 1, Last.QuadPart - First.QuadPart);
}

static VOID CheckSrb(PSCSI_REQUEST_BLOCK Srb)
{
	PUCHAR Extension = Srb->SrbExtension;
	UCHAR Any = 0;

	SEE(Length, 0x58, Srb->Length);
	SEE(Pending, SRB_STATUS_PENDING, Srb->SrbStatus);
	SEE_TRUE(Functions, Srb->Function == SRB_FUNCTION_EXECUTE_SCSI ||
				    Srb->Function == SRB_FUNCTION_FLUSH ||
				    Srb->Function == SRB_FUNCTION_SHUTDOWN);
	for (ULONG n = 0; n < sizeof(PULL_REQUEST); n++)
		Any |= Extension[n];
	SEE_TRUE(NotZeroed, Any != 0);
	if (Srb->QueueTag == SP_UNTAGGED)
		return;
	SEE(Tags, FALSE, IsTagOut[Srb->QueueTag]);
	IsTagOut[Srb->QueueTag] = TRUE;
}

static BOOLEAN StartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	Enter();
	/* The first comes without being asked for. */
	SEE(Pulled, 1, Asked);
	Asked = 0;
	Outstanding++;
	SEE_TRUE(ControlAfter, Life == LIFE_ASKED);
	CheckSrb(Srb);
	CheckPieces(Extension, Srb);
	if (IsReset)
		SEE_TRUE(ResetEnds, TRUE);
	if (++Starts == LOST && Srb->Function == SRB_FUNCTION_EXECUTE_SCSI) {
		CfViolates(0xdf000002, "was not completed within its");
		LostAt = Now();
		LostFor = Srb->TimeOutValue;
		Ask(Extension);
	} else {
		PullStartIo(Extension, Srb);
	}
	Leave();
	return TRUE;
}

static BOOLEAN Interrupt(PVOID Extension)
{
	BOOLEAN IsOurs;

	Enter();
	IsOurs = PullInterrupt(Extension);
	if (IsWithheld)
		Ask(Extension);
	Leave();
	return IsOurs;
}

static BOOLEAN ResetBus(PVOID Extension, ULONG PathId)
{
	ULONG64 Seconds = (Now() - LostAt) / 1000000;
	BOOLEAN IsDone;

	Enter();
	SEE_TRUE(TimeOut, LostAt != 0 && Seconds >= LostFor && Seconds <= LostFor + 2);
	SEE(ResetPath, 0, PathId);
	IsReset = TRUE;
	IsDone = PullResetBus(Extension, PathId);
	Leave();
	return IsDone;
}

/* ---- life ---- */

static ULONG FindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
	UCHAR Any = 0;

	SEE(FindIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	SEE(FindContext, (ULONG_PTR)&Life, (ULONG_PTR)HwContext);
	for (ULONG n = 0; n < sizeof(PULL_ADAPTER); n++)
		Any |= ((PUCHAR)Extension)[n];
	SEE(ExtensionZeroed, 0, Any);
	SEE(ConfigUnset, SP_UNINITIALIZED_VALUE, Config->MaximumTransferLength);
	SEE(ConfigUnset, SP_UNINITIALIZED_VALUE, Config->NumberOfPhysicalBreaks);
	SEE(Config64, SCSI_DMA64_SYSTEM_SUPPORTED, Config->Dma64BitAddresses);
	SEE_TRUE(Ranges, (*Config->AccessRanges)[0].RangeInMemory &&
				 (*Config->AccessRanges)[0].RangeLength != 0);
	Life = LIFE_FOUND;
	return PullFindAdapter(Extension, HwContext, BusInformation, ArgumentString, Config, Again);
}

static BOOLEAN Initialize(PVOID Extension)
{
	Dirql = KeGetCurrentIrql();
	SEE_TRUE(InitializeIrql, Dirql > DISPATCH_LEVEL && Dirql < HIGH_LEVEL);
	SEE(InitializeAfter, LIFE_FOUND, Life);
	Life = LIFE_INITIALIZED;
	Asked = 1;
	TimerAt = Now();
	ScsiPortNotification(RequestTimerCall, Extension, Timer, 5000);
	return PullInitialize(Extension);
}

static SCSI_ADAPTER_CONTROL_STATUS AdapterControl(
	PVOID Extension, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
	if (Type == ScsiQuerySupportedControlTypes) {
		SEE(ControlIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
		SEE(ControlAfter, LIFE_INITIALIZED, Life);
		Life = LIFE_ASKED;
	} else if (Type == ScsiStopAdapter) {
		SEE(StopIrql, Dirql, KeGetCurrentIrql());
		SEE(StopEmpty, 0, Outstanding);
		Life = LIFE_STOPPED;
	}
	return PullAdapterControl(Extension, Type, Parameters);
}

static VOID Unload(PDRIVER_OBJECT Driver)
{
	static const ULONG Groups[] = {CF_RESET, 0};

	SEE(UnloadIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	if (PortUnload != NULL)
		PortUnload(Driver);
	CfFacts(Table, F_COUNT, Groups, LostAt != 0 ? CF_RESET : 0);
	CfSummary();
}

/* What examples/pull calls for ScsiPortInitialize. */
ULONG CfInitialize(PVOID Driver, PVOID Path, PHW_INITIALIZATION_DATA Data, PVOID HwContext)
{
	HW_INITIALIZATION_DATA Bad = *Data;

	Data->HwFindAdapter = FindAdapter;
	Data->HwInitialize = Initialize;
	Data->HwAdapterControl = AdapterControl;
	Data->HwStartIo = StartIo;
	Data->HwInterrupt = Interrupt;
	Data->HwResetBus = ResetBus;
	Bad.HwInitializationDataSize += 8;
	CfViolates(0xf1001000, "HwInitializationDataSize is");
	SEE(BadInitialize, FALSE, NT_SUCCESS(ScsiPortInitialize(Driver, Path, &Bad, NULL)));
	return ScsiPortInitialize(Driver, Path, Data, (PVOID)&Life);
}

ULONG DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
	PDRIVER_OBJECT Driver = DriverObject;
	ULONG Status;

	SEE(EntryIrql, PASSIVE_LEVEL, KeGetCurrentIrql());
	Status = PullEntry(Driver, RegistryPath);
	PortUnload = Driver->DriverUnload;
	Driver->DriverUnload = Unload;
	return Status;
}
