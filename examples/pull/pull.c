/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A SCSI Port miniport for the simple controller, which examples/simple drives through Storport.
 * Read it from the end: DriverEntry, how the adapter is found and started; then a request's way:
 * StartIo, the list, interrupt. Everything but FindAdapter and the questions of AdapterControl runs
 * at the interrupt's IRQL, one at a time: there is nothing to lock.
 */
#include <miniport.h>
#include <scsi.h>
#include "../simple/controller.h"

#define PULL_MAX_ELEMENTS 257 /* of one request: 1 MiB that begins anywhere in a page */

typedef struct _PULL_ADAPTER { /* device extension */
	PSIMPLE_REGISTERS Registers;
	ULONG Entries;
	PSIMPLE_COMMAND Commands; /* the rings, in the uncached extension */
	volatile SIMPLE_COMPLETION *Completions;
	ULONG Submitted, Completed;
	ULONG Untagged; /* how many in the ring have no tag: flushes */
	BOOLEAN Waits;	/* for room in the ring, or for those */
	BOOLEAN Gone;	/* it no longer answers */
	PSCSI_REQUEST_BLOCK Active[SIMPLE_MAX_ENTRIES]; /* by entry in the ring */
	USHORT Tags[SIMPLE_MAX_ENTRIES]; /* theirs: counted on, so that no late one is another's */
} PULL_ADAPTER, *PPULL_ADAPTER;

typedef struct _PULL_REQUEST { /* SRB extension: memory that the controller can read */
	SIMPLE_ELEMENT List[PULL_MAX_ELEMENTS];
} PULL_REQUEST, *PPULL_REQUEST;

static VOID PullComplete(PPULL_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus)
{
	Srb->SrbStatus = SrbStatus;
	/* After this the SRB and its extension are the port's again. */
	ScsiPortNotification(RequestComplete, Adapter, Srb);
}

/* Asks for the next request, if the ring has room for it. The controller has one unit; while that
 * has a request without a tag, no other may be asked for it. */
static VOID PullNext(PPULL_ADAPTER Adapter)
{
	Adapter->Waits = Adapter->Untagged != 0 ||
			 Adapter->Active[Adapter->Submitted % Adapter->Entries] != NULL;
	if (!Adapter->Waits)
		ScsiPortNotification(NextLuRequest, Adapter, 0, 0, 0);
}

/* ---- start, stop, reset ---- */

/* Writes CONTROL and waits up to a second for STATUS to say the same: READY is where ENABLE is. */
static BOOLEAN PullControl(PPULL_ADAPTER Adapter, ULONG Value)
{
	ScsiPortWriteRegisterUlong(&Adapter->Registers->Control, Value);
	for (ULONG i = 0; i < 20000; i++) {
		if (ScsiPortReadRegisterUlong(&Adapter->Registers->Status) == Value)
			return TRUE;
		ScsiPortStallExecution(50);
	}
	return FALSE;
}

static BOOLEAN PullStart(PPULL_ADAPTER Adapter)
{
	ULONG Size;
	SCSI_PHYSICAL_ADDRESS Ring =
		ScsiPortGetPhysicalAddress(Adapter, NULL, Adapter->Commands, &Size);

	Adapter->Gone = FALSE;
	Adapter->Submitted = Adapter->Completed = Adapter->Untagged = 0;
	RtlZeroMemory((PVOID)Adapter->Completions, Adapter->Entries * sizeof(SIMPLE_COMPLETION));
	ScsiPortWriteRegisterUlong((PULONG)&Adapter->Registers->Ring, Ring.LowPart);
	ScsiPortWriteRegisterUlong((PULONG)&Adapter->Registers->Ring + 1, (ULONG)Ring.HighPart);
	return PullControl(Adapter, SIMPLE_ENABLE);
}

static BOOLEAN PullInitialize(PVOID Extension)
{
	return PullStart(Extension);
}

/* Registers that read as all ones for three seconds are those of no card any more. */
static BOOLEAN PullIsGone(PPULL_ADAPTER Adapter)
{
	for (ULONG i = 0; i < 60000; i++) {
		if (ScsiPortReadRegisterUlong(&Adapter->Registers->Version) != 0xffffffff)
			return FALSE;
		ScsiPortStallExecution(50);
	}
	return TRUE;
}

static BOOLEAN PullResetBus(PVOID Extension, ULONG PathId)
{
	PPULL_ADAPTER Adapter = Extension;
	BOOLEAN Done = PullControl(Adapter, 0);

	if (!Done) {
		Adapter->Gone = PullIsGone(Adapter);
		Done = !Adapter->Gone && PullControl(Adapter, 0); /* it may be back */
	}
	/* While the controller may still write to their memory, no request may be completed. */
	if (!Done && !Adapter->Gone)
		return FALSE;
	RtlZeroMemory(Adapter->Active, sizeof(Adapter->Active));
	ScsiPortCompleteRequest(Adapter, (UCHAR)PathId, SP_UNTAGGED, SP_UNTAGGED,
		Adapter->Gone ? SRB_STATUS_NO_DEVICE : SRB_STATUS_BUS_RESET);
	Adapter->Untagged = 0;
	Done = !Adapter->Gone && PullStart(Adapter);
	PullNext(Adapter);
	return Done;
}

/* ---- a request's way ---- */

/* The list of a request's data, one contiguous piece after the other. FALSE: there is none. */
static BOOLEAN PullSetList(PPULL_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PSIMPLE_COMMAND Command)
{
	PPULL_REQUEST Request = Srb->SrbExtension;
	PUCHAR Data = Srb->DataBuffer; /* not mapped: an address to ask about, no more */
	ULONG Left = Srb->DataTransferLength, Length;

	for (; Left != 0; Left -= Length, Data += Length) {
		SIMPLE_ELEMENT *Element = &Request->List[Command->Elements];
		SCSI_PHYSICAL_ADDRESS Address;

		if (Command->Elements == PULL_MAX_ELEMENTS)
			return FALSE;
		Address = ScsiPortGetPhysicalAddress(Adapter, Srb, Data, &Length);
		if (Address.QuadPart == 0)
			return FALSE;
		Length = min(Length, Left); /* more may be mapped there than the request has */
		Element->Address = (ULONG64)Address.QuadPart;
		Element->Length = Length;
		Command->Elements++;
	}
	if (Command->Elements == 1 && Command->Opcode != SIMPLE_SCSI) { /* needs no list */
		Command->Flags |= SIMPLE_DIRECT;
		Command->List = Request->List[0].Address;
		Command->Length = Request->List[0].Length;
		return TRUE;
	}
	Command->List = ScsiPortGetPhysicalAddress(Adapter, Srb, Request->List, &Length).QuadPart;
	return TRUE;
}

/* Plain reads and writes are commands of the controller; its firmware understands the rest of SCSI.
 */
static BOOLEAN PullBuildScsi(
	PPULL_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PSIMPLE_COMMAND Command)
{
	PUCHAR Cdb = Srb->Cdb;
	BOOLEAN IsPlain = Srb->DataTransferLength > 0 && Cdb[1] >> 5 == 0; /* no protection bits */

	Command->Opcode = Cdb[0] & 2 ? SIMPLE_WRITE : SIMPLE_READ;
	Command->Flags = Cdb[1] & 8 ? SIMPLE_FUA : 0;
	if (IsPlain && (Cdb[0] == SCSIOP_READ || Cdb[0] == SCSIOP_WRITE)) {
		Command->Block = RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[2]);
	} else if (IsPlain && (Cdb[0] == SCSIOP_READ16 || Cdb[0] == SCSIOP_WRITE16)) {
		Command->Block = RtlUlonglongByteSwap(*(ULONG64 UNALIGNED *)&Cdb[2]);
	} else {
		Command->Opcode = SIMPLE_SCSI;
		RtlCopyMemory(Command->Cdb, Cdb, sizeof(Command->Cdb));
	}
	return PullSetList(Adapter, Srb, Command);
}

static BOOLEAN PullBuild(PPULL_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PSIMPLE_COMMAND Command)
{
	switch (Srb->Function) {
	case SRB_FUNCTION_EXECUTE_SCSI:
		return PullBuildScsi(Adapter, Srb, Command);
	case SRB_FUNCTION_FLUSH:
	case SRB_FUNCTION_SHUTDOWN:
		Command->Opcode = SIMPLE_FLUSH;
		return TRUE;
	default:
		return FALSE;
	}
}

/* Called when the last PullNext asked for it, so that the ring has room. */
static BOOLEAN PullStartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PPULL_ADAPTER Adapter = Extension;
	ULONG Entry = Adapter->Submitted % Adapter->Entries;
	SIMPLE_COMMAND Command = {.Tag = (USHORT)Adapter->Submitted};

	if (Adapter->Gone) {
		PullComplete(Adapter, Srb, SRB_STATUS_NO_DEVICE);
	} else if (!PullBuild(Adapter, Srb, &Command)) {
		PullComplete(Adapter, Srb, SRB_STATUS_INVALID_REQUEST);
	} else {
		Adapter->Active[Entry] = Srb;
		Adapter->Tags[Entry] = Command.Tag;
		Adapter->Untagged += Srb->QueueTag == SP_UNTAGGED;
		Adapter->Commands[Entry] = Command;
		/* A register write never overtakes the writes to memory before it. */
		ScsiPortWriteRegisterUlong(&Adapter->Registers->Doorbell, ++Adapter->Submitted);
	}
	PullNext(Adapter);
	return TRUE;
}

static VOID PullFinish(
	PPULL_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, volatile SIMPLE_COMPLETION *Done)
{
	UCHAR Status = Done->Status == 0 ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR;

	if (Status == SRB_STATUS_ERROR) {
		Srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
		if (Srb->SenseInfoBufferLength >= sizeof(SENSE_DATA)) {
			*(PSENSE_DATA)Srb->SenseInfoBuffer = Done->Sense;
			Status |= SRB_STATUS_AUTOSENSE_VALID;
		}
	} else if (Srb->Function == SRB_FUNCTION_EXECUTE_SCSI &&
		   Done->Length < Srb->DataTransferLength) {
		Srb->DataTransferLength = Done->Length;
		Status = SRB_STATUS_DATA_OVERRUN; /* means "less than asked for", too */
	}
	PullComplete(Adapter, Srb, Status);
}

/* NULL: the controller speaks of a command that it does not have. */
static PSCSI_REQUEST_BLOCK PullTake(PPULL_ADAPTER Adapter, USHORT Tag)
{
	ULONG Entry = Tag % Adapter->Entries; /* a power of two */
	PSCSI_REQUEST_BLOCK Srb = Adapter->Active[Entry];

	if (Srb == NULL || Adapter->Tags[Entry] != Tag)
		return NULL;
	Adapter->Active[Entry] = NULL;
	Adapter->Untagged -= Srb->QueueTag == SP_UNTAGGED;
	return Srb;
}

static BOOLEAN PullInterrupt(PVOID Extension)
{
	PPULL_ADAPTER Adapter = Extension;
	ULONG Cause = ScsiPortReadRegisterUlong(&Adapter->Registers->Interrupt);
	volatile SIMPLE_COMPLETION *Done;
	PSCSI_REQUEST_BLOCK Srb;

	if (Cause == 0)
		return FALSE; /* another device on the same line */
	/* Lower the line first and then look at the ring, so that nothing falls between. */
	ScsiPortWriteRegisterUlong(&Adapter->Registers->Interrupt, Cause);
	for (;; Adapter->Completed++) {
		Done = &Adapter->Completions[Adapter->Completed % Adapter->Entries];
		if (Done->Sequence != Adapter->Completed + 1)
			break;
		Srb = PullTake(Adapter, Done->Tag);
		if (Srb != NULL)
			PullFinish(Adapter, Srb, Done);
	}
	if (Adapter->Waits)
		PullNext(Adapter);
	return TRUE;
}

/* ---- life of the adapter ---- */

static ULONG PullFindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
	PPULL_ADAPTER Adapter = Extension;
	PACCESS_RANGE Bar = *Config->AccessRanges;
	PSIMPLE_REGISTERS Registers = ScsiPortGetDeviceBase(Adapter, Config->AdapterInterfaceType,
		Config->SystemIoBusNumber, Bar->RangeStart, Bar->RangeLength, !Bar->RangeInMemory);
	ULONG Elements, Width;

	*Again = FALSE;
	if (!Registers || ScsiPortReadRegisterUlong(&Registers->Version) != SIMPLE_VERSION)
		return SP_RETURN_NOT_FOUND;
	Adapter->Registers = Registers;
	Adapter->Entries = ScsiPortReadRegisterUlong(&Registers->Entries);
	Elements = ScsiPortReadRegisterUlong(&Registers->Elements);
	Width = ScsiPortReadRegisterUlong(&Registers->Features) & SIMPLE_WIDTH;
	if (Width < 32) /* SCSI Port knows of 32 bits and of 64 */
		return SP_RETURN_ERROR;

	Config->Master = TRUE;
	Config->ScatterGather = TRUE;
	Config->Dma32BitAddresses = Width < 64; /* one of the two */
	Config->Dma64BitAddresses = Width == 64 ? SCSI_DMA64_MINIPORT_SUPPORTED : 0;
	/* Breaks are one less than elements, and as many pages are sure. */
	Config->NumberOfPhysicalBreaks = min(Elements, PULL_MAX_ELEMENTS) - 1;
	Config->MaximumTransferLength = Config->NumberOfPhysicalBreaks * PAGE_SIZE;
	Config->CachesData = TRUE; /* else FLUSH and SHUTDOWN never come */
	Config->NumberOfBuses = Config->MaximumNumberOfTargets = 1;
	Config->MaximumNumberOfLogicalUnits = 1;

	Adapter->Commands = ScsiPortGetUncachedExtension(Adapter, Config,
		Adapter->Entries * (sizeof(SIMPLE_COMMAND) + sizeof(SIMPLE_COMPLETION)));
	Adapter->Completions = (PVOID)(Adapter->Commands + Adapter->Entries);
	return Adapter->Commands != NULL ? SP_RETURN_FOUND : SP_RETURN_ERROR;
}

static SCSI_ADAPTER_CONTROL_STATUS PullAdapterControl(
	PVOID Extension, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST List = Parameters;
	BOOLEAN Done = TRUE;

	if (Type == ScsiStopAdapter)
		Done = PullControl(Extension, 0);
	else if (Type == ScsiRestartAdapter)
		Done = PullStart(Extension);
	else /* ScsiQuerySupportedControlTypes: itself and these two, the first three */
		for (ULONG i = 0; i < List->MaxControlType; i++)
			List->SupportedTypeList[i] = i <= ScsiRestartAdapter;
	return Done ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
}

ULONG DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
	HW_INITIALIZATION_DATA Data = {
		.HwInitializationDataSize = sizeof(Data),
		.AdapterInterfaceType = PCIBus,
		.NumberOfAccessRanges = 1,
		.HwFindAdapter = PullFindAdapter,
		.HwInitialize = PullInitialize,
		.HwAdapterControl = PullAdapterControl,
		.HwStartIo = PullStartIo,
		.HwInterrupt = PullInterrupt,
		.HwResetBus = PullResetBus,
		.DeviceExtensionSize = sizeof(PULL_ADAPTER),
		.SrbExtensionSize = sizeof(PULL_REQUEST),
		.NeedPhysicalAddresses = TRUE,
		.TaggedQueuing = TRUE,
		.AutoRequestSense = TRUE,
		.MultipleRequestPerLu = TRUE,
	};

	return ScsiPortInitialize(DriverObject, RegistryPath, &Data, NULL);
}
