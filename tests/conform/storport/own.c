/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Scenes with requests of the driver's own, which it sends to the unit's device object as a class
 * driver does: on which processor they are finished (STOR_PERF_DPC_REDIRECTION), what is so when
 * HwStorStartIo completes what it has just got, queues that are frozen or locked, I/O
 * controls. READ BUFFER (10) is such a request: nobody else sends it. See conform.h.
 */
#include "conform.h"

#define OWN_UNIT 2
#define SOON	 10000 /* milliseconds */
#define CONTROL	 "CONFORM!"
#define ANSWER	 0x1234
#define BYTES	 600 /* of an I/O control, behind its header */

#define WHILE 20 /* in which an open queue would have moved */

enum { KEEP, AT_ONCE, FAIL }; /* the byte behind the operation code */

typedef struct _SENT {
	KEVENT Ended;
	NTSTATUS Status;
	ULONG Processor, IsInStartIo;
	KIRQL Irql;
} SENT, *PSENT;

/* ---- device objects: who starts them says so ---- */

static PDRIVER_DISPATCH PortPnp;
static PDEVICE_OBJECT Adapter, Units[2 * CF_UNITS];
static volatile LONG UnitCount;

static NTSTATUS Pnp(PDEVICE_OBJECT Device, PIRP Irp)
{
	if (IoGetCurrentIrpStackLocation(Irp)->MinorFunction == IRP_MN_START_DEVICE) {
		if (!(Device->Flags & DO_BUS_ENUMERATED_DEVICE))
			Adapter = Device;
		else if (UnitCount < RTL_NUMBER_OF(Units))
			Units[UnitCount++] = Device;
	}
	return PortPnp(Device, Irp);
}

VOID CfHook(PDRIVER_OBJECT Driver)
{
	PortPnp = Driver->MajorFunction[IRP_MJ_PNP];
	Driver->MajorFunction[IRP_MJ_PNP] = Pnp;
}

NTSTATUS CfAsk(PDEVICE_OBJECT Device, ULONG Code, PVOID Data, ULONG In, ULONG Out)
{
	IO_STATUS_BLOCK Status = {0};
	KEVENT Event;
	PIRP Irp;

	KeInitializeEvent(&Event, NotificationEvent, FALSE);
	Irp = IoBuildDeviceIoControlRequest(
		Code, Device, Data, In, Data, Out, FALSE, &Event, &Status);
	if (Irp == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (IoCallDriver(Device, Irp) == STATUS_PENDING)
		KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, NULL);
	return Status.Status;
}

static PDEVICE_OBJECT FindUnit(ULONG Number)
{
	for (LONG n = 0; n < UnitCount; n++) {
		SCSI_ADDRESS Address = {0};

		if (NT_SUCCESS(CfAsk(
			    Units[n], IOCTL_SCSI_GET_ADDRESS, &Address, 0, sizeof(Address))) &&
			(Address.PathId * CF_TARGETS + Address.TargetId) * CF_LUNS + Address.Lun ==
				Number)
			return Units[n];
	}
	return NULL;
}

/* ---- the request ---- */

BOOLEAN CfIsOwn(PSCSI_REQUEST_BLOCK Srb)
{
	return SrbGetSrbFunction(Srb) == SRB_FUNCTION_EXECUTE_SCSI &&
	       ((PUCHAR)SrbGetCdb(Srb))[0] == SCSIOP_READ_DATA_BUFF;
}

/* In HwStorStartIo, of its own request: IRQL and lock stay. What is finished by it comes later, and
 * nobody else comes meanwhile; Finished and CfNothingNested look at that. */
static VOID EndAtOnce(PCF_ADAPTER A, PCF_REQUEST Request)
{
	KIRQL Irql = KeGetCurrentIrql();
	LONG Entered = A->StartIoEntered;

	CfComplete(A, Request, SRB_STATUS_SUCCESS);
	SEE(InStartIo, TRUE, TRUE);
	SEE(InStartIoIrql, Irql, KeGetCurrentIrql());
	StorPortStallExecution(5); /* safepoints */
	if (!IS_CHANNELS(A))
		SEE(InStartIoLock, Entered, A->StartIoEntered);
}

VOID CfTakeOwn(PCF_ADAPTER A, PCF_REQUEST Request)
{
	UCHAR What = ((PUCHAR)SrbGetCdb(Request->Srb))[1];

	if (What == AT_ONCE) {
		EndAtOnce(A, Request);
		return;
	}
	if (What == FAIL) {
		SrbSetScsiStatus(Request->Srb, SCSISTAT_CHECK_CONDITION);
		CfComplete(A, Request, SRB_STATUS_ERROR);
		return;
	}
	A->Own = Request;
	InterlockedIncrement(&A->OwnCount);
}

VOID CfNothingNested(PCF_ADAPTER A)
{
	SEE(InStartIoOnce, 0, A->StartIoOn[KeGetCurrentProcessorNumber() % CF_PROCESSORS]);
}

static PCF_ADAPTER Sender;

static NTSTATUS Finished(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
	PSENT Sent = Context;

	Sent->Status = Irp->IoStatus.Status;
	Sent->Processor = KeGetCurrentProcessorNumber();
	Sent->Irql = KeGetCurrentIrql();
	Sent->IsInStartIo = Sender->StartIoOn[Sent->Processor % CF_PROCESSORS];
	KeSetEvent(&Sent->Ended, IO_NO_INCREMENT, FALSE);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Returns the processor that it comes from. */
static ULONG Send(PDEVICE_OBJECT Unit, PIRP Irp, PSENT Sent)
{
	ULONG Processor;
	KIRQL Old;

	KeInitializeEvent(&Sent->Ended, NotificationEvent, FALSE);
	IoSetCompletionRoutine(Irp, Finished, Sent, TRUE, TRUE, TRUE);
	KeRaiseIrql(DISPATCH_LEVEL, &Old);
	Processor = KeGetCurrentProcessorNumber();
	IoCallDriver(Unit, Irp);
	KeLowerIrql(Old);
	return Processor;
}

static VOID EndOwn(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
	PCF_ADAPTER A = Context;

	A->OwnProcessor = KeGetCurrentProcessorNumber();
	CfComplete(A, A->Own, SRB_STATUS_SUCCESS);
}

/* One is kept, and completed on this processor. */
static VOID Elsewhere(PCF_ADAPTER A, PDEVICE_OBJECT Unit, PIRP Irp, ULONG Processor)
{
	static KDPC Dpc;
	LONG Count = A->OwnCount;
	SENT Sent;
	ULONG From = Send(Unit, Irp, &Sent);

	/* what it is sent with is on our stack: it is waited for in any case */
	if (!SEE(OwnSent, TRUE, CfAwait(A, &A->OwnCount, Count + 1, SOON)))
		while (!CfAwait(A, &A->OwnCount, Count + 1, SOON))
			;
	KeInitializeDpc(&Dpc, EndOwn, A);
	KeSetTargetProcessorDpc(&Dpc, (CCHAR)Processor);
	KeInsertQueueDpc(&Dpc, NULL, NULL);
	KeWaitForSingleObject(&Sent.Ended, Executive, KernelMode, FALSE, NULL);
	SEE(OwnSent, STATUS_SUCCESS, Sent.Status);
	SEE(OwnSent, Processor, A->OwnProcessor);
	SEE_TRUE(OwnIrql, Sent.Irql <= DISPATCH_LEVEL);
	if (A->Machine & CF_ORIGIN)
		SEE(Redirected, From, Sent.Processor);
	else if (A->Machine & CF_CURRENT)
		SEE(NotRedirected, Processor, Sent.Processor);
}

static VOID AtOnce(PDEVICE_OBJECT Unit, PIRP Irp)
{
	SENT Sent;

	Send(Unit, Irp, &Sent);
	KeWaitForSingleObject(&Sent.Ended, Executive, KernelMode, FALSE, NULL);
	SEE(OwnSent, STATUS_SUCCESS, Sent.Status);
	SEE(InStartIoQuiet, 0, Sent.IsInStartIo);
}

static PIRP Make(PDEVICE_OBJECT Unit, PSCSI_REQUEST_BLOCK Srb, UCHAR What)
{
	PIRP Irp = IoAllocateIrp(Unit->StackSize, FALSE);

	RtlZeroMemory(Srb, sizeof(*Srb));
	Srb->Length = sizeof(*Srb);
	Srb->Function = SRB_FUNCTION_EXECUTE_SCSI;
	Srb->CdbLength = 10;
	Srb->TimeOutValue = 600;
	Srb->Cdb[0] = SCSIOP_READ_DATA_BUFF;
	Srb->Cdb[1] = What;
	if (Irp == NULL)
		return NULL;
	IoGetNextIrpStackLocation(Irp)->MajorFunction = IRP_MJ_SCSI;
	IoGetNextIrpStackLocation(Irp)->Parameters.Scsi.Srb = Srb;
	return Irp;
}

static VOID Requests(PCF_ADAPTER A, PDEVICE_OBJECT Unit)
{
	ULONG Processors = KeQueryActiveProcessorCount(NULL);

	for (ULONG n = 0; n < 4 * Processors; n++) {
		SCSI_REQUEST_BLOCK Srb;
		PIRP Irp = Make(Unit, &Srb, n < 2 * Processors ? KEEP : AT_ONCE);

		if (!SEE_TRUE(OwnSent, Irp != NULL))
			return;
		if (n < 2 * Processors)
			Elsewhere(A, Unit, Irp, n % Processors);
		else
			AtOnce(Unit, Irp);
		IoFreeIrp(Irp);
	}
}

/* ---- queues that are held (Q-9) ---- */

typedef struct _HELD {
	SCSI_REQUEST_BLOCK Srb;
	SENT Sent;
	PIRP Irp;
} HELD, *PHELD;

static BOOLEAN HeldSend(PDEVICE_OBJECT Unit, PHELD Held, UCHAR What, ULONG Flags)
{
	Held->Irp = Make(Unit, &Held->Srb, What);
	if (!SEE_TRUE(OwnSent, Held->Irp != NULL))
		return FALSE;
	Held->Srb.SrbFlags = Flags;
	Send(Unit, Held->Irp, &Held->Sent);
	return TRUE;
}

static UCHAR HeldEnd(PHELD Held)
{
	KeWaitForSingleObject(&Held->Sent.Ended, Executive, KernelMode, FALSE, NULL);
	IoFreeIrp(Held->Irp);
	return Held->Srb.SrbStatus;
}

static UCHAR SendNow(PDEVICE_OBJECT Unit, UCHAR Function, UCHAR What, ULONG Flags)
{
	HELD Held;

	Held.Irp = Make(Unit, &Held.Srb, What);
	if (!SEE_TRUE(OwnSent, Held.Irp != NULL))
		return SRB_STATUS_INTERNAL_ERROR;
	Held.Srb.Function = Function;
	Held.Srb.SrbFlags = Flags;
	Send(Unit, Held.Irp, &Held.Sent);
	return HeldEnd(&Held);
}

/* While it is held, one that does not pass waits, and one that does is served. Then it goes by
 * `Function`, and the first one ends so. */
static VOID HeldUntil(PCF_ADAPTER A, PDEVICE_OBJECT Unit, ULONG Pass, UCHAR Function, UCHAR Status)
{
	CF_FACT_ID Fact = Pass == SRB_FLAGS_BYPASS_FROZEN_QUEUE ? F_Frozen : F_Locked;
	HELD Waits;

	if (!HeldSend(Unit, &Waits, AT_ONCE, SRB_FLAGS_NO_QUEUE_FREEZE))
		return;
	CfSleep(A, WHILE);
	CfFact(&CfTable[Fact], SRB_STATUS_PENDING, Waits.Srb.SrbStatus, __LINE__);
	SEE(HeldPass, SRB_STATUS_SUCCESS, SendNow(Unit, SRB_FUNCTION_EXECUTE_SCSI, AT_ONCE, Pass));
	CfFact(&CfTable[Fact], SRB_STATUS_PENDING, Waits.Srb.SrbStatus, __LINE__);
	SEE(HeldEnds, SRB_STATUS_SUCCESS, SendNow(Unit, Function, 0, 0));
	if (Function == SRB_FUNCTION_FLUSH_QUEUE)
		SEE(Flushed, Status, HeldEnd(&Waits));
	else
		SEE(HeldEnds, Status, HeldEnd(&Waits));
}

static VOID Freeze(PDEVICE_OBJECT Unit)
{
	SEE(Frozen, SRB_STATUS_ERROR,
		SendNow(Unit, SRB_FUNCTION_EXECUTE_SCSI, FAIL, SRB_FLAGS_NO_QUEUE_FREEZE));
	SEE(Frozen, SRB_STATUS_ERROR | SRB_STATUS_QUEUE_FROZEN,
		SendNow(Unit, SRB_FUNCTION_EXECUTE_SCSI, FAIL, 0));
}

static VOID Holds(PCF_ADAPTER A, PDEVICE_OBJECT Unit)
{
	Freeze(Unit);
	HeldUntil(A, Unit, SRB_FLAGS_BYPASS_FROZEN_QUEUE, SRB_FUNCTION_RELEASE_QUEUE,
		SRB_STATUS_SUCCESS);
	Freeze(Unit);
	HeldUntil(A, Unit, SRB_FLAGS_BYPASS_FROZEN_QUEUE, SRB_FUNCTION_FLUSH_QUEUE,
		SRB_STATUS_REQUEST_FLUSHED);
	SEE(Locked, SRB_STATUS_SUCCESS, SendNow(Unit, SRB_FUNCTION_LOCK_QUEUE, 0, 0));
	HeldUntil(A, Unit, SRB_FLAGS_BYPASS_LOCKED_QUEUE, SRB_FUNCTION_UNLOCK_QUEUE,
		SRB_STATUS_SUCCESS);
}

/* ---- I/O controls ---- */

typedef struct _CONTROL_BUFFER {
	SRB_IO_CONTROL Header;
	UCHAR Data[BYTES];
} CONTROL_BUFFER, *PCONTROL_BUFFER;

VOID CfCheckIoControl(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PCONTROL_BUFFER Buffer = SrbGetDataBuffer(Srb);
	PSTOR_SCATTER_GATHER_LIST List = StorPortGetScatterGatherList(A, Srb);
	ULONG Bytes = 0;

	SEE(IoControlLength, sizeof(*Buffer), SrbGetDataTransferLength(Srb));
	if (!SEE_TRUE(IoControlData, Buffer != NULL))
		return;
	SEE(IoControlData, sizeof(SRB_IO_CONTROL), Buffer->Header.HeaderLength);
	SEE(IoControlData, 0, memcmp(Buffer->Header.Signature, CONTROL, 8));
	SEE(IoControlData, BYTES, Buffer->Header.Length);
	SEE(IoControlData, 0x77, Buffer->Data[0]);
	SEE(IoControlData, 0x88, Buffer->Data[BYTES - 1]);
	SEE(IoControlTime, Buffer->Header.Timeout, SrbGetTimeOutValue(Srb));
	for (ULONG n = 0; List != NULL && n < List->NumberOfElements; n++)
		Bytes += List->List[n].Length;
	SEE(IoControlList, sizeof(*Buffer), Bytes);
}

/* In HwStorStartIo. */
UCHAR CfAnswerIoControl(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PCONTROL_BUFFER Buffer = SrbGetDataBuffer(Srb);

	SEE(IoControlIrql, IS_HALF(A) ? A->Dirql : DISPATCH_LEVEL, KeGetCurrentIrql());
	if (Buffer == NULL || Buffer->Header.ControlCode == 0)
		return SRB_STATUS_INVALID_REQUEST;
	Buffer->Header.ReturnCode = ANSWER;
	RtlFillMemory(Buffer->Data, BYTES, 0x99);
	InterlockedIncrement(&A->Controls);
	return SRB_STATUS_SUCCESS;
}

static VOID IoControl(PCF_ADAPTER A, PDEVICE_OBJECT Device, ULONG Code)
{
	CONTROL_BUFFER Buffer = {.Header = {.HeaderLength = sizeof(SRB_IO_CONTROL),
					 .Timeout = 177,
					 .ControlCode = Code,
					 .Length = BYTES}};
	LONG Count = A->Controls;
	NTSTATUS Status;

	RtlCopyMemory(Buffer.Header.Signature, CONTROL, 8);
	Buffer.Data[0] = 0x77;
	Buffer.Data[BYTES - 1] = 0x88;
	Status = CfAsk(Device, IOCTL_SCSI_MINIPORT, &Buffer, sizeof(Buffer), sizeof(Buffer));
	SEE(IoControl, Code != 0, NT_SUCCESS(Status));
	SEE(IoControl, Count + (Code != 0), A->Controls);
	if (Code == 0)
		return;
	SEE(IoControlBack, ANSWER, Buffer.Header.ReturnCode);
	SEE(IoControlBack, 0x99, Buffer.Data[0]);
	SEE(IoControlBack, 0x99, Buffer.Data[BYTES - 1]);
}

VOID CfOwnScenes(PCF_ADAPTER A)
{
	PDEVICE_OBJECT Unit = FindUnit(OWN_UNIT);

	Sender = A;
	if (!SEE_TRUE(OwnSent, Unit != NULL && Adapter != NULL))
		return;
	Requests(A, Unit);
	Holds(A, Unit);
	IoControl(A, Unit, 5);
	IoControl(A, Unit, 0);
	IoControl(A, Adapter, 6);
	CfBothScene(A, Unit);
}
