/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A request's way: BuildIo, StartIo, the controller's ring, interrupt, DPC; and the resets. On the
 * way the scenes may keep a request (IsHolding), send it back as busy (BusyNext) or lose it
 * (Ladder). See conform.h.
 */
#include "conform.h"

/* Each so many calls take locks, so that those that take none meet them. */
#define SOMETIMES(A) ((InterlockedIncrement(&(A)->Calls) & 7) == 0)

/* ---- busy (SB-8, SB-9): 3, in BuildIo; 2, in StartIo; 1, by the unit's status ---- */

static BOOLEAN TakeBusy(PCF_ADAPTER A, PCF_REQUEST Request, LONG Way)
{
	PSCSI_REQUEST_BLOCK Srb = Request->Srb;

	if (!Request->IsData || A->BusyNext != Way ||
		InterlockedCompareExchange(&A->BusyNext, -Way, Way) != Way)
		return FALSE;
	A->BusyCdb = *(ULONG64 UNALIGNED *)SrbGetCdb(Srb);
	A->BusyLength = SrbGetDataTransferLength(Srb);
	A->BusySrb = Srb;
	return TRUE;
}

static VOID CheckAgain(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PCF_REQUEST Old = SrbGetMiniportContext(Srb);

	SEE(AgainCdb, A->BusyCdb, *(ULONG64 UNALIGNED *)SrbGetCdb(Srb));
	SEE(AgainLength, A->BusyLength, SrbGetDataTransferLength(Srb));
	SEE_TRUE(AgainExtension, Old->Stage != CF_GONE || Old->Srb != Srb);
	A->BusySrb = NULL;
	InterlockedExchange(&A->BusyNext, -A->BusyNext - 1);
}

/* ---- BuildIo ---- */

static VOID CountIn(PCF_ADAPTER A, PCF_REQUEST Request)
{
	CF_UNIT *Unit = &A->Unit[Request->Unit];
	LONG Here = InterlockedIncrement(&Unit->Outstanding);
	LONG All = InterlockedIncrement(&A->Outstanding);

	if (SrbGetSrbFunction(Request->Srb) != SRB_FUNCTION_EXECUTE_SCSI)
		return; /* a reset waits for nobody */
	SEE_TRUE(Depth, Here <= Unit->Depth);
	SEE_TRUE(MaxIo, All <= CF_MAX_IO);
}

static VOID SetList(PCF_ADAPTER A, PCF_REQUEST Request)
{
	PSTOR_SCATTER_GATHER_LIST List = StorPortGetScatterGatherList(A, Request->Srb);
	ULONG Length;

	if (List == NULL || List->NumberOfElements > CF_ELEMENTS)
		return;
	for (ULONG n = 0; n < List->NumberOfElements; n++) {
		Request->List[n].Address = (ULONG64)List->List[n].PhysicalAddress.QuadPart;
		Request->List[n].Length = List->List[n].Length;
	}
	Request->Sgl = List;
	Request->Sum = CfSum(List);
	Request->Command.Elements = (USHORT)List->NumberOfElements;
	Request->Command.List =
		(ULONG64)StorPortGetPhysicalAddress(A, NULL, Request->List, &Length).QuadPart;
}

static VOID SetCommand(PCF_ADAPTER A, PCF_REQUEST Request)
{
	PUCHAR Cdb = (PUCHAR)SrbGetCdb(Request->Srb);
	PSIMPLE_COMMAND Command = &Request->Command;

	if (!Request->IsData) {
		Command->Opcode = SIMPLE_FLUSH;
		return;
	}
	SetList(A, Request);
	Command->Opcode = Cdb[0] & 2 ? SIMPLE_WRITE : SIMPLE_READ;
	Command->Flags = Cdb[1] & 8 ? SIMPLE_FUA : 0;
	Command->Block = Cdb[0] == SCSIOP_READ || Cdb[0] == SCSIOP_WRITE
				 ? RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[2])
				 : RtlUlonglongByteSwap(*(ULONG64 UNALIGNED *)&Cdb[2]);
	Command->Block += (ULONG64)Request->Unit * A->Slice;
}

/* INQUIRY is answered here, and no other: contract 14. */
static BOOLEAN IsForBuildIo(PSCSI_REQUEST_BLOCK Srb)
{
	return SrbGetSrbFunction(Srb) == SRB_FUNCTION_EXECUTE_SCSI &&
	       ((PUCHAR)SrbGetCdb(Srb))[0] == SCSIOP_INQUIRY;
}

BOOLEAN CfBuildIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PCF_ADAPTER A = Extension;
	PCF_REQUEST Request = SrbGetMiniportContext(Srb);

	SEE(BuildIoIrql, DISPATCH_LEVEL, KeGetCurrentIrql());
	SEE_TRUE(AskedFirst, A->Life >= LIFE_ASKED);
	SEE_TRUE(Stopped, A->Life < LIFE_STOPPED);
	CfNothingNested(A);
	CfMeet(A, &A->InBuildIo, F_BuildIoTogether);
	CfCheckSrb(A, Srb);
	CfCheckExtension(A, Srb);
	if (Srb == A->BusySrb)
		CheckAgain(A, Srb);
	RtlZeroMemory(Request, sizeof(*Request));
	Request->Adapter = A;
	Request->Srb = Srb;
	Request->Unit = CfUnitOf(Srb);
	Request->IsData = CfIsData(Srb);
	CountIn(A, Request);
	SetCommand(A, Request);
	Request->Stage = CF_BUILT;
	if (SOMETIMES(A))
		CfTryLocks(A, TRUE, TRUE, TRUE);
	CfEndAll(A, PlaceBuildIo);
	if (IsForBuildIo(Srb)) {
		CfComplete(A, Request, CfAnswer(A, Request));
		return FALSE;
	}
	if (TakeBusy(A, Request, 3)) {
		CfComplete(A, Request, SRB_STATUS_BUSY);
		return FALSE;
	}
	return TRUE;
}

/* ---- StartIo ---- */

VOID CfSubmit(PCF_ADAPTER A, PCF_REQUEST Request)
{
	ULONG Tag = A->Submitted % A->Entries;

	Request->Command.Tag = (USHORT)Tag;
	Request->Command.Message = (USHORT)(A->Messages ? Tag % A->Messages : 0);
	A->Active[Tag] = Request;
	A->Commands[Tag] = Request->Command;
	/* Contract 9: the accessors do not need the extension. */
	StorPortWriteRegisterUlong(NULL, &A->Registers->Doorbell, ++A->Submitted);
}

static VOID Submit(PCF_ADAPTER A, PCF_REQUEST Request)
{
	STOR_LOCK_HANDLE Lock;

	if (IS_CHANNELS(A))
		CfLock(A, StartIoLock, &Lock);
	CfSubmit(A, Request);
	if (IS_CHANNELS(A))
		CfUnlock(A, &Lock);
}

/* each rung in its turn, after the last one's end; each says that it went well, and has not.
 */
static VOID Rung(PCF_ADAPTER A, PCF_REQUEST Request)
{
	BOOLEAN IsLun = SrbGetSrbFunction(Request->Srb) == SRB_FUNCTION_RESET_LOGICAL_UNIT;

	SEE(RungOrder, IsLun ? 2 : 3, InterlockedIncrement(&A->Ladder));
	SEE(RungPlace, SrbGetPathId(A->Stuck->Srb), SrbGetPathId(Request->Srb));
	SEE(RungPlace, SrbGetTargetId(A->Stuck->Srb), SrbGetTargetId(Request->Srb));
	if (IsLun) {
		ULONG64 Seconds = (CfNow(A) - A->StuckAt) / 1000000;

		SEE(RungPlace, SrbGetLun(A->Stuck->Srb), SrbGetLun(Request->Srb));
		SEE_TRUE(TimeOutKept, Seconds >= SrbGetTimeOutValue(A->Stuck->Srb));
		SEE_TRUE(TimeOutBound, Seconds <= SrbGetTimeOutValue(A->Stuck->Srb) + 2);
	}
	CfComplete(A, Request, SRB_STATUS_SUCCESS);
}

/* Whether a scene has taken a read or write. */
static BOOLEAN IsTaken(PCF_ADAPTER A, PCF_REQUEST Request)
{
	InterlockedIncrement(&A->Unit[Request->Unit].Started);
	if (A->ResetAt != 0) {
		SEE_TRUE(HoldTime, CfNow(A) - A->ResetAt >= CF_HOLD_TIME);
		A->ResetAt = 0;
	}
	if (A->Ladder == 1 && A->Stuck == NULL &&
		InterlockedCompareExchangePointer((PVOID volatile *)&A->Stuck, Request, NULL) ==
			NULL) {
		A->StuckAt = CfNow(A);
		return TRUE;
	}
	if (TakeBusy(A, Request, 2)) {
		CfComplete(A, Request, SRB_STATUS_BUSY);
		return TRUE;
	}
	if (TakeBusy(A, Request, 1)) {
		SrbSetScsiStatus(Request->Srb, SCSISTAT_BUSY);
		CfComplete(A, Request, SRB_STATUS_ERROR);
		return TRUE;
	}
	if (!A->IsHolding)
		return FALSE;
	do
		Request->Next = A->Held;
	while (InterlockedCompareExchangePointer(
		       (PVOID volatile *)&A->Held, Request, Request->Next) != Request->Next);
	InterlockedIncrement(&A->HeldCount);
	return TRUE;
}

static VOID Last(PCF_ADAPTER A, ULONG Function)
{
	SEE_TRUE(CachesData, TRUE);
	SEE(Finished, 1, A->IsFinished);
	if (Function == SRB_FUNCTION_FLUSH)
		InterlockedCompareExchange(&A->Life, LIFE_FLUSHED, LIFE_ASKED);
	else
		A->Life = LIFE_SHUT;
}

static VOID Go(PCF_ADAPTER A, PCF_REQUEST Request)
{
	ULONG Function = SrbGetSrbFunction(Request->Srb);
	UCHAR Status;

	if (Function == SRB_FUNCTION_RESET_LOGICAL_UNIT || Function == SRB_FUNCTION_RESET_DEVICE) {
		Rung(A, Request);
		return;
	}
	if (CfIsBoth(Request->Srb)) {
		CfComplete(A, Request, CfAnswerBoth(A, Request->Srb));
		return;
	}
	if (CfIsOwn(Request->Srb)) {
		CfTakeOwn(A, Request);
		return;
	}
	if (Request->IsData && IsTaken(A, Request))
		return;
	if (Function == SRB_FUNCTION_FLUSH || Function == SRB_FUNCTION_SHUTDOWN)
		Last(A, Function);
	Status = CfAnswer(A, Request);
	if (Status == SRB_STATUS_PENDING)
		Submit(A, Request);
	else
		CfComplete(A, Request, Status);
}

BOOLEAN CfStartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PCF_ADAPTER A = Extension;
	PCF_REQUEST Request = SrbGetMiniportContext(Srb);
	volatile LONG *Here = &A->StartIoOn[KeGetCurrentProcessorNumber() % CF_PROCESSORS];

	CfNothingNested(A);
	InterlockedIncrement(Here);
	SEE(BuildFirst, CF_BUILT, Request->Stage);
	SEE(BuildFirst, (ULONG_PTR)Srb, (ULONG_PTR)Request->Srb);
	Request->Stage = CF_STARTED;
	if (IS_CHANNELS(A)) {
		SEE(StartIoIrql, DISPATCH_LEVEL, KeGetCurrentIrql());
		CfMeet(A, &A->InStartIo, F_StartIoTogether);
	} else {
		CfEnterCallback(A, F_StartIoIrql);
	}
	SEE(QuietReset, 0, A->InReset);
	CfEndAll(A, PlaceStartIo);
	if (!IS_HALF(A) && SOMETIMES(A)) { /* in half duplex neither is allowed */
		PVOID Pool = NULL;

		CfTryLocks(A, TRUE, (A->Machine & CF_CHANNELS) != 0, TRUE);
		SEE(StartIoPool, STOR_STATUS_SUCCESS, StorPortAllocatePool(A, 64, 'mrfC', &Pool));
		StorPortFreePool(A, Pool);
	}
	Go(A, Request);
	if (!IS_CHANNELS(A))
		CfLeaveCallback(A);
	InterlockedDecrement(Here);
	return TRUE;
}

/* ---- interrupt and DPC ---- */

static VOID Interrupted(PCF_ADAPTER A, ULONG Message)
{
	SEE(InterruptIrql, A->Dirql, KeGetCurrentIrql());
	CfEnterInterrupt(A, Message);
	StorPortStallExecution(1);
	CfEndAll(A, PlaceInterrupt);
	StorPortIssueDpc(A, &A->Dpc, &A->Dpc, (PVOID)(ULONG_PTR)CF_BLOCK);
	CfLeaveInterrupt(A, Message);
}

BOOLEAN CfInterrupt(PVOID Extension)
{
	PCF_ADAPTER A = Extension;
	ULONG Cause = StorPortReadRegisterUlong(NULL, &A->Registers->Interrupt);

	if (Cause == 0)
		return FALSE;
	StorPortWriteRegisterUlong(NULL, &A->Registers->Interrupt, Cause);
	SEE(Line, 0, A->Messages);
	Interrupted(A, (ULONG)-1);
	return TRUE;
}

BOOLEAN CfMessage(PVOID Extension, ULONG MessageId)
{
	PCF_ADAPTER A = Extension;

	SEE_TRUE(MessageId, MessageId < A->Messages);
	Interrupted(A, IS_HALF(A) ? (ULONG)-1 : MessageId); /* half: InterruptSynchronizeAll */
	return TRUE;
}

/* Those that are done; the ring is the StartIo lock's. */
static PCF_REQUEST Harvest(PCF_ADAPTER A)
{
	PCF_REQUEST Done = NULL;
	STOR_LOCK_HANDLE Lock;

	CfLock(A, StartIoLock, &Lock);
	for (;; A->Completed++) {
		volatile SIMPLE_COMPLETION *Entry = &A->Completions[A->Completed % A->Entries];
		PCF_REQUEST Request;

		if (Entry->Sequence != A->Completed + 1)
			break;
		Request = A->Active[Entry->Tag];
		A->Active[Entry->Tag] = NULL;
		if (Request == NULL) /* CfTouch's */
			continue;
		Request->Status = Entry->Status == 0 ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR;
		Request->Next = Done;
		Done = Request;
	}
	CfUnlock(A, &Lock);
	return Done;
}

VOID CfDpc(PSTOR_DPC Dpc, PVOID Extension, PVOID SystemArgument1, PVOID SystemArgument2)
{
	PCF_ADAPTER A = Extension;
	PCF_REQUEST Request, Next;

	SEE(DpcIrql, DISPATCH_LEVEL, KeGetCurrentIrql());
	SEE(DpcSerial, 1, InterlockedIncrement(&A->InDpc));
	SEE(DpcArguments, (ULONG_PTR)&A->Dpc, (ULONG_PTR)Dpc);
	SEE(DpcArguments, (ULONG_PTR)&A->Dpc, (ULONG_PTR)SystemArgument1);
	SEE(DpcArguments, CF_BLOCK, (ULONG_PTR)SystemArgument2);
	if (SOMETIMES(A))
		CfTryLocks(A, TRUE, TRUE, TRUE);
	if (A->Life == LIFE_SHUT && !A->IsEnding && A->EndTimer != NULL)
		CfEndStop(A);
	for (Request = Harvest(A); Request != NULL; Request = Next) {
		Next = Request->Next;
		CfEnd1(A, Request);
	}
	InterlockedIncrement(&A->DpcRuns);
	InterlockedDecrement(&A->InDpc);
}

/* ---- reset, start, stop ---- */

BOOLEAN CfResetBus(PVOID Extension, ULONG PathId)
{
	PCF_ADAPTER A = Extension;
	PCF_REQUEST Stuck = A->Stuck;

	CfEnterCallback(A, F_ResetIrql);
	A->InReset = 1;
	SEE(RungOrder, 4, InterlockedIncrement(&A->Ladder));
	SEE(RungPlace, SrbGetPathId(Stuck->Srb), PathId);
	StorPortStallExecution(50);
	CfComplete(A, Stuck, SRB_STATUS_BUS_RESET);
	A->ResetAt = CfNow(A);
	A->InReset = 0;
	CfLeaveCallback(A);
	return TRUE;
}

BOOLEAN CfControl(PCF_ADAPTER A, ULONG Value)
{
	StorPortWriteRegisterUlong(NULL, &A->Registers->Control, Value);
	for (ULONG n = 0; n < 20000 && !A->IsGone; n++) {
		if (StorPortReadRegisterUlong(NULL, &A->Registers->Status) == Value)
			return TRUE;
		StorPortStallExecution(50);
	}
	return FALSE;
}

BOOLEAN CfStart(PCF_ADAPTER A)
{
	ULONG Length;
	STOR_PHYSICAL_ADDRESS Ring = StorPortGetPhysicalAddress(A, NULL, A->Commands, &Length);

	A->Submitted = A->Completed = 0;
	RtlZeroMemory((PVOID)A->Completions, A->Entries * sizeof(SIMPLE_COMPLETION));
	StorPortWriteRegisterUlong64(NULL, &A->Registers->Ring, (ULONG64)Ring.QuadPart);
	CfTick(A);
	return CfControl(A, SIMPLE_ENABLE);
}

/* Contract 13. No lock may be taken in passive initialisation, and none is needed. */
BOOLEAN CfTouch(PCF_ADAPTER A)
{
	LONG Runs = A->DpcRuns;

	A->Commands[A->Submitted % A->Entries] = (SIMPLE_COMMAND){
		.Opcode = SIMPLE_FLUSH, .Tag = (USHORT)(A->Submitted % A->Entries)};
	StorPortWriteRegisterUlong(NULL, &A->Registers->Doorbell, ++A->Submitted);
	for (ULONG n = 0; n < 20000 && A->DpcRuns == Runs; n++)
		StorPortStallExecution(50);
	return A->DpcRuns != Runs;
}
