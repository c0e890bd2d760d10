/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A Storport virtual miniport: disks in memory, without any hardware. Read it from the end:
 * DriverEntry, how the adapter is found and set up; then a request's way: StartIo does it at once.
 * In between, what a program may ask for: another disk, to be told of it, and blocks of one.
 */
#include "ramdisk.h"
#include <storport.h>
#include <srbhelper.h>
#include <scsiwmi.h>
#include <string.h>

#define RAM_FIRST    64 /* megabytes of unit 0 */
#define RAM_MEGABYTE (1024 * 1024)
#define RAM_BLOCK    512
#define RAM_TAG	     0x4d415244 /* "DRAM" */
#define RAM_TRANSFER (1024 * 1024)

typedef struct _RAM_UNIT {
	PUCHAR Disk;
	ULONG Blocks;
} RAM_UNIT, *PRAM_UNIT;

typedef struct _RAM_ADAPTER { /* device extension */
	RAM_UNIT Units[RAM_UNITS];
	volatile LONG UnitCount;      /* those are whole, and stay as they are */
	KSPIN_LOCK Lock;	      /* of adding one, Waiter, Cancels */
	PIRP Waiter;		      /* RAM_WAIT_FOR_UNIT */
	LONG Cancels;		      /* how many times RamCancel runs, past Waiter */
	UCHAR Label[RAM_LABEL_BYTES]; /* under Lock */
} RAM_ADAPTER, *PRAM_ADAPTER;

static UCHAR RamSense(PSCSI_REQUEST_BLOCK Srb, UCHAR AdditionalSense)
{
	PSENSE_DATA Sense = SrbGetSenseInfoBuffer(Srb);

	SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
	if (Sense == NULL || SrbGetSenseInfoBufferLength(Srb) < sizeof(*Sense))
		return SRB_STATUS_ERROR;
	RtlZeroMemory(Sense, sizeof(*Sense));
	Sense->ErrorCode = SCSI_SENSE_ERRORCODE_FIXED_CURRENT;
	Sense->SenseKey = SCSI_SENSE_ILLEGAL_REQUEST;
	Sense->AdditionalSenseLength = sizeof(*Sense) - 8;
	Sense->AdditionalSenseCode = AdditionalSense;
	return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
}

#define BE32(n) (UCHAR)((n) >> 24), (UCHAR)((n) >> 16), (UCHAR)((n) >> 8), (UCHAR)(n)
#define ANY	0xff
/* The mode page about a cache: there is none, so FUA costs nothing. */
#define RAM_CACHING                                                                                \
	{                                                                                          \
		23, 0, 0x10, 0, 0x08, 18                                                           \
	}

static const struct {
	UCHAR Opcode, Mask, Byte1, Byte2; /* of the CDB: which bits of byte 1, what they are */
	UCHAR Length, Bytes[37];
} RamAnswers[] = {
	{SCSIOP_INQUIRY, 1, 0, 0x00, 36, "\0\0\6\2\37\0\0\2DRYPORT RAM disk        1.0 "},
	{SCSIOP_INQUIRY, 1, 1, 0x00, 7, {0, 0x00, 0, 3, 0x00, 0x83, 0xb2}},
	{SCSIOP_INQUIRY, 1, 1, 0x83, 24, "\0\203\0\24\2\1\0\20DRYPORT RAM disk"},
	{SCSIOP_INQUIRY, 1, 1, 0xb2, 8, {0, 0xb2, 0, 4}}, /* each block has its memory */
	{SCSIOP_MODE_SENSE, 0, 0, 0x08, 24, RAM_CACHING},
	{SCSIOP_MODE_SENSE, 0, 0, 0x3f, 24, RAM_CACHING},
};

/* Hands out as much of the answer as there is room for. */
static UCHAR RamReply(
	PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, const UCHAR *Bytes, ULONG Length)
{
	ULONG Room = SrbGetDataTransferLength(Srb);
	PVOID Data;

	if (Room == 0)
		return SRB_STATUS_SUCCESS;
	if (StorPortGetSystemAddress(Adapter, Srb, &Data) != STOR_STATUS_SUCCESS)
		return SRB_STATUS_INVALID_REQUEST;
	RtlCopyMemory(Data, Bytes, min(Length, Room));
	if (Length >= Room)
		return SRB_STATUS_SUCCESS;
	SrbSetDataTransferLength(Srb, Length);
	return SRB_STATUS_DATA_OVERRUN; /* means "less than asked for", too */
}

static UCHAR RamCapacity(PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PRAM_UNIT Unit)
{
	UCHAR Bytes[] = {BE32(Unit->Blocks - 1), BE32(RAM_BLOCK)};

	return RamReply(Adapter, Srb, Bytes, sizeof(Bytes));
}

static UCHAR RamReportLuns(PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb)
{
	UCHAR Bytes[8 + 8 * RAM_UNITS] = {0};
	LONG Count = Adapter->UnitCount, i;

	Bytes[3] = (UCHAR)(8 * Count);
	for (i = 0; i < Count; i++)
		Bytes[8 + 8 * i + 1] = (UCHAR)i;
	return RamReply(Adapter, Srb, Bytes, 8 + 8 * Count);
}

static UCHAR RamAnswer(PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	UCHAR Known = SCSI_ADSENSE_ILLEGAL_COMMAND;
	ULONG i;

	for (i = 0; i < ARRAYSIZE(RamAnswers); i++) {
		if (RamAnswers[i].Opcode != Cdb[0])
			continue;
		Known = SCSI_ADSENSE_INVALID_CDB;
		if ((Cdb[1] & RamAnswers[i].Mask) == RamAnswers[i].Byte1 &&
			(RamAnswers[i].Byte2 == ANY || RamAnswers[i].Byte2 == Cdb[2]))
			break;
	}
	if (i == ARRAYSIZE(RamAnswers))
		return RamSense(Srb, Known);
	return RamReply(Adapter, Srb, RamAnswers[i].Bytes, RamAnswers[i].Length);
}

static UCHAR RamTransfer(PRAM_ADAPTER Adapter, PRAM_UNIT Unit, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	ULONG Block = RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[2]);
	ULONG Blocks = RtlUshortByteSwap(*(USHORT UNALIGNED *)&Cdb[7]);
	PUCHAR Place = Unit->Disk + (ULONG64)Block * RAM_BLOCK;
	PVOID Data;

	if (Cdb[1] >> 5) /* protection information: none */
		return RamSense(Srb, SCSI_ADSENSE_INVALID_CDB);
	if (Block > Unit->Blocks || Blocks > Unit->Blocks - Block)
		return RamSense(Srb, SCSI_ADSENSE_ILLEGAL_BLOCK);
	if (Blocks == 0)
		return SRB_STATUS_SUCCESS;
	if (SrbGetDataTransferLength(Srb) != Blocks * RAM_BLOCK ||
		StorPortGetSystemAddress(Adapter, Srb, &Data) != STOR_STATUS_SUCCESS)
		return SRB_STATUS_INVALID_REQUEST;
	if (Cdb[0] == SCSIOP_WRITE)
		RtlCopyMemory(Place, Data, Blocks * RAM_BLOCK);
	else
		RtlCopyMemory(Data, Place, Blocks * RAM_BLOCK);
	return SRB_STATUS_SUCCESS;
}

static UCHAR RamScsi(PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	UCHAR Lun = SrbGetLun(Srb);
	PRAM_UNIT Unit = &Adapter->Units[Lun];

	if (SrbGetPathId(Srb) != 0 || SrbGetTargetId(Srb) != 0 || Lun >= Adapter->UnitCount)
		return SRB_STATUS_NO_DEVICE;
	switch (Cdb[0]) {
	case SCSIOP_READ:
	case SCSIOP_WRITE:
		return RamTransfer(Adapter, Unit, Srb, Cdb);
	case SCSIOP_READ_CAPACITY:
		return RamCapacity(Adapter, Srb, Unit);
	case SCSIOP_REPORT_LUNS:
		return RamReportLuns(Adapter, Srb);
	case SCSIOP_TEST_UNIT_READY:
	case SCSIOP_SYNCHRONIZE_CACHE:
		return SRB_STATUS_SUCCESS;
	default:
		return RamAnswer(Adapter, Srb, Cdb);
	}
}

/* ---- WMI ---- */

static UCHAR RamQueryRegInfo(
	PVOID Extension, PSCSIWMI_REQUEST_CONTEXT Context, PWCHAR *MofResourceName)
{
	*MofResourceName = NULL; /* no compiled description comes with the driver */
	return SRB_STATUS_SUCCESS;
}

static BOOLEAN RamQueryLabel(PVOID Extension, PSCSIWMI_REQUEST_CONTEXT Context, ULONG GuidIndex,
	ULONG InstanceIndex, ULONG InstanceCount, PULONG InstanceLengths, ULONG Room, PUCHAR Buffer)
{
	PRAM_ADAPTER Adapter = Extension;
	UCHAR Status = SRB_STATUS_DATA_OVERRUN; /* then the size is what is asked for */
	KIRQL Irql;

	if (Room >= RAM_LABEL_BYTES) {
		KeAcquireSpinLock(&Adapter->Lock, &Irql);
		RtlCopyMemory(Buffer, Adapter->Label, RAM_LABEL_BYTES);
		KeReleaseSpinLock(&Adapter->Lock, Irql);
		*InstanceLengths = RAM_LABEL_BYTES;
		Status = SRB_STATUS_SUCCESS;
	}
	ScsiPortWmiPostProcess(Context, Status, RAM_LABEL_BYTES);
	return Status;
}

static BOOLEAN RamSetLabel(PVOID Extension, PSCSIWMI_REQUEST_CONTEXT Context, ULONG GuidIndex,
	ULONG InstanceIndex, ULONG Size, PUCHAR Buffer)
{
	PRAM_ADAPTER Adapter = Extension;
	UCHAR Status = SRB_STATUS_ERROR;
	KIRQL Irql;

	if (Size == RAM_LABEL_BYTES) {
		KeAcquireSpinLock(&Adapter->Lock, &Irql);
		RtlCopyMemory(Adapter->Label, Buffer, RAM_LABEL_BYTES);
		KeReleaseSpinLock(&Adapter->Lock, Irql);
		Status = SRB_STATUS_SUCCESS;
	}
	ScsiPortWmiPostProcess(Context, Status, 0);
	return Status;
}

static const UCHAR RamLabelGuid[] = RAM_LABEL_GUID;
static SCSIWMIGUIDREGINFO RamBlocks[] = {{(LPCGUID)RamLabelGuid, 1, 0}};
static SCSI_WMILIB_CONTEXT RamWmi = {
	.GuidCount = ARRAYSIZE(RamBlocks),
	.GuidList = RamBlocks,
	.QueryWmiRegInfo = RamQueryRegInfo,
	.QueryWmiDataBlock = RamQueryLabel,
	.SetWmiDataBlock = RamSetLabel,
};

/* None of these requests waits, so that the context may lie on the stack. */
static UCHAR RamHandleWmi(PRAM_ADAPTER Adapter, PSTORAGE_REQUEST_BLOCK Srb)
{
	PSRBEX_DATA_WMI Wmi = (PSRBEX_DATA_WMI)SrbGetSrbExDataByType(Srb, SrbExDataTypeWmi);
	SCSIWMI_REQUEST_CONTEXT Context = {0};

	if (Wmi == NULL || (Wmi->WMIFlags & SRB_WMI_FLAGS_ADAPTER_REQUEST) == 0)
		return SRB_STATUS_INVALID_REQUEST; /* units have no blocks */
	ScsiPortWmiDispatchFunction(&RamWmi, Wmi->WMISubFunction, Adapter, &Context, Wmi->DataPath,
		Srb->DataTransferLength, Srb->DataBuffer);
	Srb->DataTransferLength = ScsiPortWmiGetReturnSize(&Context);
	return ScsiPortWmiGetReturnStatus(&Context);
}

/* ---- a request's way ---- */

/* No lock is held: several processors may be here at once. */
static BOOLEAN RamStartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	ULONG Function = SrbGetSrbFunction(Srb);
	UCHAR Status = SRB_STATUS_INVALID_REQUEST;

	if (Function == SRB_FUNCTION_EXECUTE_SCSI)
		Status = RamScsi(Extension, Srb, (PUCHAR)SrbGetCdb(Srb));
	else if (Function == SRB_FUNCTION_RESET_LOGICAL_UNIT ||
		 Function == SRB_FUNCTION_RESET_DEVICE)
		Status = SRB_STATUS_SUCCESS; /* nothing hangs here */
	else if (Function == SRB_FUNCTION_PNP || Function == SRB_FUNCTION_POWER)
		Status = SRB_STATUS_SUCCESS; /* they only tell */
	else if (Function == SRB_FUNCTION_WMI)
		Status = RamHandleWmi(Extension, (PSTORAGE_REQUEST_BLOCK)Srb);
	SrbSetSrbStatus(Srb, Status);
	/* After this the SRB is the port's again. */
	StorPortNotification(RequestComplete, Extension, Srb);
	return TRUE;
}

static BOOLEAN RamResetBus(PVOID Extension, ULONG PathId)
{
	return TRUE; /* as with the other resets */
}

/* ---- what a program asks for ---- */

static NTSTATUS RamMakeUnit(PRAM_ADAPTER Adapter, ULONG Megabytes, PULONG Number)
{
	PRAM_UNIT Unit;
	KIRQL Irql;
	PVOID Disk;

	if (Megabytes < 1 || Megabytes > 1024)
		return STATUS_INVALID_PARAMETER;
	if (StorPortAllocatePool(Adapter, Megabytes * RAM_MEGABYTE, RAM_TAG, &Disk) !=
		STOR_STATUS_SUCCESS)
		return STATUS_INSUFFICIENT_RESOURCES;
	RtlZeroMemory(Disk, Megabytes * RAM_MEGABYTE);
	KeAcquireSpinLock(&Adapter->Lock, &Irql);
	*Number = Adapter->UnitCount;
	if (*Number < RAM_UNITS) {
		Unit = &Adapter->Units[*Number];
		Unit->Disk = Disk;
		Unit->Blocks = Megabytes * (RAM_MEGABYTE / RAM_BLOCK);
		InterlockedIncrement(&Adapter->UnitCount); /* now StartIo may use it */
	}
	KeReleaseSpinLock(&Adapter->Lock, Irql);
	if (*Number < RAM_UNITS)
		return STATUS_SUCCESS;
	StorPortFreePool(Adapter, Disk);
	return STATUS_DEVICE_BUSY;
}

/* The IRP's answer lies where its question lay (METHOD_BUFFERED). */
static VOID RamEnd(PRAM_ADAPTER Adapter, PIRP Irp, NTSTATUS Status)
{
	Irp->IoStatus.Status = Status;
	Irp->IoStatus.Information = NT_SUCCESS(Status) ? sizeof(RAM_SERVICE) : 0;
	StorPortCompleteServiceIrp(Adapter, Irp);
}

/* Called with the cancel spin lock held. */
static VOID RamCancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
	PRAM_ADAPTER Adapter = Irp->Tail.Overlay.DriverContext[0];
	KIRQL Irql;

	IoReleaseCancelSpinLock(Irp->CancelIrql);
	KeAcquireSpinLock(&Adapter->Lock, &Irql);
	Adapter->Waiter = NULL;
	Adapter->Cancels++;
	KeReleaseSpinLock(&Adapter->Lock, Irql);
	RamEnd(Adapter, Irp, STATUS_CANCELLED);
	KeAcquireSpinLock(&Adapter->Lock, &Irql);
	Adapter->Cancels--; /* from here on the adapter may go */
	KeReleaseSpinLock(&Adapter->Lock, Irql);
}

/* Who takes the cancel routine away owns the IRP: RamCancel, or one of these two. */
static VOID RamWait(PRAM_ADAPTER Adapter, PIRP Irp)
{
	NTSTATUS Status = STATUS_PENDING;
	KIRQL Irql;

	Irp->Tail.Overlay.DriverContext[0] = Adapter;
	KeAcquireSpinLock(&Adapter->Lock, &Irql);
	if (Adapter->Waiter != NULL) {
		Status = STATUS_DEVICE_BUSY;
	} else {
		IoSetCancelRoutine(Irp, RamCancel);
		if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL)
			Status = STATUS_CANCELLED;
		else
			Adapter->Waiter = Irp;
	}
	KeReleaseSpinLock(&Adapter->Lock, Irql);
	if (Status != STATUS_PENDING)
		RamEnd(Adapter, Irp, Status);
}

static PIRP RamTakeWaiter(PRAM_ADAPTER Adapter)
{
	KIRQL Irql;
	PIRP Irp;

	KeAcquireSpinLock(&Adapter->Lock, &Irql);
	Irp = Adapter->Waiter;
	if (Irp != NULL && IoSetCancelRoutine(Irp, NULL) == NULL)
		Irp = NULL; /* RamCancel runs, and will take it */
	else
		Adapter->Waiter = NULL;
	KeReleaseSpinLock(&Adapter->Lock, Irql);
	return Irp;
}

static VOID RamAdd(PRAM_ADAPTER Adapter, PIRP Irp, PRAM_SERVICE Service)
{
	NTSTATUS Status = RamMakeUnit(Adapter, Service->Megabytes, (PULONG)&Service->Unit);
	PIRP Waiter = NT_SUCCESS(Status) ? RamTakeWaiter(Adapter) : NULL;

	if (NT_SUCCESS(Status))
		StorPortNotification(BusChangeDetected, Adapter, (UCHAR)0);
	if (Waiter != NULL) {
		*(PRAM_SERVICE)Waiter->AssociatedIrp.SystemBuffer = *Service;
		RamEnd(Adapter, Waiter, STATUS_SUCCESS);
	}
	RamEnd(Adapter, Irp, Status);
}

/* A buffer of the program that sent the request, in whose thread the driver is called. */
static NTSTATUS RamLock(PVOID Buffer, ULONG Bytes, LOCK_OPERATION Operation, PMDL *Mdl)
{
	NTSTATUS Status = STATUS_SUCCESS;

	*Mdl = IoAllocateMdl(Buffer, Bytes, FALSE, FALSE, NULL);
	if (*Mdl == NULL)
		return STATUS_INSUFFICIENT_RESOURCES;
	__try {
		MmProbeAndLockPages(*Mdl, UserMode, Operation);
	} __except (EXCEPTION_EXECUTE_HANDLER) {
		Status = GetExceptionCode();
	}
	if (!NT_SUCCESS(Status))
		IoFreeMdl(*Mdl);
	return Status;
}

/* RAM_READ, RAM_WRITE: past the disk's queue, without a copy in between. */
static VOID RamCopy(PRAM_ADAPTER Adapter, PIRP Irp, PRAM_SERVICE Service)
{
	BOOLEAN Read = Service->Command == RAM_READ;
	PRAM_UNIT Unit = &Adapter->Units[min(Service->Unit, RAM_UNITS - 1)];
	ULONG Bytes = Service->Blocks * RAM_BLOCK;
	NTSTATUS Status;
	PVOID Data;
	PMDL Mdl;

	if (Service->Unit >= (ULONG)Adapter->UnitCount || Service->Blocks == 0 ||
		Service->Block > Unit->Blocks || Service->Blocks > Unit->Blocks - Service->Block) {
		RamEnd(Adapter, Irp, STATUS_INVALID_PARAMETER);
		return;
	}
	Status = RamLock(Service->Buffer, Bytes, Read ? IoWriteAccess : IoReadAccess, &Mdl);
	if (NT_SUCCESS(Status)) {
		PUCHAR Place = Unit->Disk + (ULONG64)Service->Block * RAM_BLOCK;

		Data = MmGetSystemAddressForMdlSafe(Mdl, NormalPagePriority | MdlMappingNoExecute);
		if (Data == NULL)
			Status = STATUS_INSUFFICIENT_RESOURCES;
		else
			RtlCopyMemory(Read ? Data : Place, Read ? Place : Data, Bytes);
		MmUnlockPages(Mdl);
		IoFreeMdl(Mdl);
	}
	RamEnd(Adapter, Irp, Status);
}

/* HwStorProcessServiceRequest, at PASSIVE_LEVEL. */
static VOID RamService(PVOID Extension, PVOID Request)
{
	PIRP Irp = Request;
	PIO_STACK_LOCATION Stack = IoGetCurrentIrpStackLocation(Irp);
	PRAM_SERVICE Service = Irp->AssociatedIrp.SystemBuffer;

	if (Stack->Parameters.DeviceIoControl.InputBufferLength < sizeof(*Service) ||
		Stack->Parameters.DeviceIoControl.OutputBufferLength < sizeof(*Service))
		RamEnd(Extension, Irp, STATUS_BUFFER_TOO_SMALL);
	else if (Service->Command == RAM_ADD_UNIT)
		RamAdd(Extension, Irp, Service);
	else if (Service->Command == RAM_WAIT_FOR_UNIT)
		RamWait(Extension, Irp);
	else if (Service->Command == RAM_READ || Service->Command == RAM_WRITE)
		RamCopy(Extension, Irp, Service);
	else
		RamEnd(Extension, Irp, STATUS_INVALID_PARAMETER);
}

static BOOLEAN RamIsCancelling(PRAM_ADAPTER Adapter)
{
	BOOLEAN Answer;
	KIRQL Irql;

	KeAcquireSpinLock(&Adapter->Lock, &Irql);
	Answer = Adapter->Waiter != NULL || Adapter->Cancels != 0;
	KeReleaseSpinLock(&Adapter->Lock, Irql);
	return Answer;
}

/* HwStorCompleteServiceIrp: the adapter goes, nobody is to wait any longer. */
static VOID RamEndServices(PVOID Extension)
{
	LARGE_INTEGER Moment = {.QuadPart = -10000}; /* 1 ms */
	PIRP Waiter = RamTakeWaiter(Extension);

	if (Waiter != NULL)
		RamEnd(Extension, Waiter, STATUS_DELETE_PENDING);
	while (RamIsCancelling(Extension))
		KeDelayExecutionThread(KernelMode, FALSE, &Moment);
}

/* ---- life of the adapter ---- */

static ULONG RamFindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PVOID LowerDevice, PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config,
	PBOOLEAN Again)
{
	PRAM_ADAPTER Adapter = Extension;
	ULONG First;

	KeInitializeSpinLock(&Adapter->Lock);
	/* DriverParameter "empty": no disk but those that programs ask for. */
	if ((ArgumentString == NULL || strcmp(ArgumentString, "empty") != 0) &&
		!NT_SUCCESS(RamMakeUnit(Adapter, RAM_FIRST, &First)))
		return SP_RETURN_ERROR;
	Config->VirtualDevice = TRUE; /* no DMA, no interrupt */
	Config->WmiDataProvider = TRUE;
	Config->MaximumTransferLength = RAM_TRANSFER;
	Config->NumberOfPhysicalBreaks =
		RAM_TRANSFER / PAGE_SIZE + 1; /* class drivers look at it */
	Config->MaximumNumberOfTargets = 1;
	Config->MaximumNumberOfLogicalUnits = RAM_UNITS;
	return SP_RETURN_FOUND;
}

static BOOLEAN RamInitialize(PVOID Extension)
{
	return TRUE;
}

static SCSI_ADAPTER_CONTROL_STATUS RamAdapterControl(
	PVOID Extension, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST List = Parameters;

	if (Type == ScsiQuerySupportedControlTypes)
		for (ULONG i = 0; i < List->MaxControlType; i++)
			List->SupportedTypeList[i] = i <= ScsiRestartAdapter;
	return ScsiAdapterControlSuccess; /* there is nothing to stop, nothing to start again */
}

/* The last call for this adapter. */
static VOID RamFreeResources(PVOID Extension)
{
	PRAM_ADAPTER Adapter = Extension;

	for (LONG i = 0; i < Adapter->UnitCount; i++)
		StorPortFreePool(Adapter, Adapter->Units[i].Disk);
}

ULONG DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
	HW_INITIALIZATION_DATA Data = {
		.HwInitializationDataSize = sizeof(Data),
		.AdapterInterfaceType = Internal,
		.HwFindAdapter = RamFindAdapter,
		.HwInitialize = RamInitialize,
		.HwAdapterControl = RamAdapterControl,
		.HwStartIo = RamStartIo,
		.HwResetBus = RamResetBus,
		.HwFreeAdapterResources = RamFreeResources,
		.HwProcessServiceRequest = RamService,
		.HwCompleteServiceIrp = RamEndServices,
		.DeviceExtensionSize = sizeof(RAM_ADAPTER),
		.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS,
		.NeedPhysicalAddresses = TRUE,
		.TaggedQueuing = TRUE,
		.AutoRequestSense = TRUE,
		.MultipleRequestPerLu = TRUE,
		.ReceiveEvent = TRUE,
		.FeatureSupport = STOR_FEATURE_VIRTUAL_MINIPORT,
		.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK,
		.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8,
	};

	return StorPortInitialize(DriverObject, RegistryPath, &Data, NULL);
}
