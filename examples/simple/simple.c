/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A Storport miniport for the simple controller. Read it from the end: DriverEntry, how the adapter
 * is found and started; then a request's way: BuildIo, StartIo, interrupt, DPC. log.c goes with it.
 */
#include "simple.h"

/* Translates a list into the controller's form; NumberOfPhysicalBreaks keeps it short enough. */
VOID SimpleSetList(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request, PSTOR_SCATTER_GATHER_LIST List)
{
	ULONG Length;

	for (ULONG i = 0; i < List->NumberOfElements; i++) {
		Request->List[i].Address = List->List[i].PhysicalAddress.QuadPart;
		Request->List[i].Length = List->List[i].Length;
	}
	Request->Command.Elements = (USHORT)List->NumberOfElements;
	Request->Command.List =
		StorPortGetPhysicalAddress(Adapter, NULL, Request->List, &Length).QuadPart;
}

/* Puts the command into the ring; FALSE if that is full. Under the StartIo lock. */
BOOLEAN SimpleSubmit(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request)
{
	ULONG Number = Adapter->Submitted, Tag = Number & Adapter->Mask;
	volatile SIMPLE_COMMAND *Entry = &Adapter->Commands[Tag];
	ULONG64 Head = Request->Command.Head | (ULONG64)(USHORT)Number << 16;

	if (Adapter->Active[Tag] != NULL)
		return FALSE;
	Adapter->Active[Tag] = Request;
	/* The tag's bits above the mask tell it from those that had its entry before. In the pieces
	 * that BuildIo has just stored: to load two of them as one keeps a processor waiting. */
	Entry->Head = Request->Command.Head = Head;
	Entry->List = Request->Command.List;
	Entry->Block = Request->Command.Block; /* of a CDB, the first half */
	Entry->Length = Request->Command.Length;
	Adapter->Submitted = Number + 1;
	/* A register write never overtakes the writes to memory before it. */
	StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->Doorbell, Number + 1);
	return TRUE;
}

/* ---- start, stop, reset ---- */

/* Writes CONTROL and waits up to a second for STATUS to say the same: READY is where ENABLE is. */
static BOOLEAN SimpleControl(PSIMPLE_ADAPTER Adapter, ULONG Value)
{
	StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->Control, Value);
	for (ULONG i = 0; i < 20000; i++) {
		ULONG Status = StorPortReadRegisterUlong(Adapter, &Adapter->Registers->Status);

		if (Status == Value || Status == MAXULONG) /* all ones: there is no controller */
			return Status == Value;
		StorPortStallExecution(50);
	}
	return FALSE;
}

static BOOLEAN SimpleStart(PSIMPLE_ADAPTER Adapter)
{
	ULONG Size;
	STOR_PHYSICAL_ADDRESS Ring =
		StorPortGetPhysicalAddress(Adapter, NULL, Adapter->Commands, &Size);

	Adapter->Submitted = Adapter->Completed = 0;
	RtlZeroMemory((PVOID)Adapter->Completions, Adapter->Entries * sizeof(SIMPLE_COMPLETION));
	StorPortWriteRegisterUlong64(Adapter, &Adapter->Registers->Ring, Ring.QuadPart);
	return SimpleControl(Adapter, SIMPLE_ENABLE);
}

/* Under the StartIo lock; the controller touches no memory. */
static VOID SimpleAbandon(PSIMPLE_ADAPTER Adapter, UCHAR SrbStatus)
{
	for (ULONG Tag = 0; Tag < Adapter->Entries; Tag++) {
		if (Adapter->Active[Tag] != NULL)
			SimpleComplete(Adapter, Adapter->Active[Tag], SrbStatus);
		Adapter->Active[Tag] = NULL;
	}
}

/* Who no longer answers may still be there: it gets no more of memory (PCI 3.0, 6.2.2). */
static VOID SimpleShutOut(PSIMPLE_ADAPTER Adapter)
{
	USHORT Command = 0;

	Adapter->Gone = TRUE;
	StorPortSetBusDataByOffset(Adapter, PCIConfiguration, Adapter->Bus, Adapter->Slot, &Command,
		FIELD_OFFSET(PCI_COMMON_CONFIG, Command), sizeof(Command));
}

/* Under the StartIo lock. */
static BOOLEAN SimpleResetBus(PVOID Extension, ULONG PathId)
{
	PSIMPLE_ADAPTER Adapter = Extension;
	BOOLEAN Stopped = SimpleControl(Adapter, 0);

	if (StorPortReadRegisterUlong(Adapter, &Adapter->Registers->Version) != SIMPLE_VERSION)
		SimpleShutOut(Adapter);
	/* While the controller may still write to their memory, no request may be completed. */
	if (!Stopped && !Adapter->Gone)
		return FALSE;
	SimpleAbandon(Adapter, Adapter->Gone ? SRB_STATUS_NO_DEVICE : SRB_STATUS_BUS_RESET);
	return !Adapter->Gone && SimpleStart(Adapter);
}

/* ---- a request's way ---- */

/* A read or write as a command of the controller, of data in one piece; FALSE if it is none, or one
 * with protection bits. What writes differs from what reads in one bit. */
static BOOLEAN SimpleSetBlocks(PSIMPLE_COMMAND Command, PUCHAR Cdb)
{
	ULONG Operation = Cdb[0], Bits = Cdb[1];
	ULONG Write = Operation & (SCSIOP_READ ^ SCSIOP_WRITE);
	ULONG64 Block;

	if ((Operation ^ Write) == SCSIOP_READ)
		Block = RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[2]);
	else if ((Operation ^ Write) == SCSIOP_READ16)
		Block = RtlUlonglongByteSwap(*(ULONG64 UNALIGNED *)&Cdb[2]);
	else
		return FALSE;
	Command->Head = (Write ? SIMPLE_WRITE : SIMPLE_READ) | SIMPLE_DIRECT << 8 |
			(Bits & 8 ? SIMPLE_FUA << 8 : 0);
	Command->Block = Block;
	return Bits >> 5 == 0;
}

static VOID SimpleSetCdb(PSIMPLE_COMMAND Command, PUCHAR Cdb)
{
	Command->Head = SIMPLE_SCSI;
	RtlCopyMemory(Command->Cdb, Cdb, sizeof(Command->Cdb));
}

/* For the firmware, which understands all of SCSI, and reads and writes of nothing. */
static DECLSPEC_NOINLINE VOID SimpleBuildFirmware(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request)
{
	PSTOR_SCATTER_GATHER_LIST List = StorPortGetScatterGatherList(Adapter, Request->Srb);

	SimpleSetCdb(&Request->Command, (PUCHAR)SrbGetCdb(Request->Srb));
	if (List != NULL)
		SimpleSetList(Adapter, Request, List);
}

/* Data in several pieces. */
static DECLSPEC_NOINLINE VOID SimpleBuildMore(
	PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request, PSTOR_SCATTER_GATHER_LIST List)
{
	Request->Command.Flags &= ~SIMPLE_DIRECT;
	SimpleSetList(Adapter, Request, List);
}

static VOID SimpleBuildScsi(
	PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	PSTOR_SCATTER_GATHER_LIST List;

	if (!SimpleSetBlocks(&Request->Command, Cdb)) {
		SimpleBuildFirmware(Adapter, Request);
		return;
	}
	List = StorPortGetScatterGatherList(Adapter, Srb);
	if (List == NULL) {
		SimpleBuildFirmware(Adapter, Request);
	} else if (List->NumberOfElements == 1) {
		Request->Command.List = List->List[0].PhysicalAddress.QuadPart;
		Request->Command.Length = List->List[0].Length;
	} else {
		SimpleBuildMore(Adapter, Request, List);
	}
}

/* What is no SCSI command; TRUE: it goes on to StartIo. */
static DECLSPEC_NOINLINE BOOLEAN SimpleBuildOther(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request)
{
	RtlZeroMemory(&Request->Command, sizeof(Request->Command)); /* the port does not */
	switch (SrbGetSrbFunction(Request->Srb)) {
	case SRB_FUNCTION_FLUSH:
	case SRB_FUNCTION_SHUTDOWN:
		Request->Command.Opcode = SIMPLE_FLUSH;
		return TRUE;
	case SRB_FUNCTION_RESET_LOGICAL_UNIT:
	case SRB_FUNCTION_RESET_DEVICE:
		return TRUE; /* StartIo does it, under its lock */
	case SRB_FUNCTION_PNP:
	case SRB_FUNCTION_POWER: /* they only tell; SimpleAdapterControl does what is to be done */
		SimpleComplete(Adapter, Request, SRB_STATUS_SUCCESS);
		return FALSE;
	case SRB_FUNCTION_IO_CONTROL:
		SimpleBuildLog(Adapter, Request);
		return FALSE; /* not for StartIo */
	default:
		SimpleComplete(Adapter, Request, SRB_STATUS_INVALID_REQUEST);
		return FALSE;
	}
}

/* No lock is held: several processors may be here at once. */
static BOOLEAN SimpleBuildIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PSIMPLE_REQUEST Request = SrbGetMiniportContext(Srb);
	ULONG Function = SrbGetSrbFunction(Srb);
	PUCHAR Cdb = (PUCHAR)SrbGetCdb(Srb);

	Request->Srb = Srb;
	if (Function != SRB_FUNCTION_EXECUTE_SCSI)
		return SimpleBuildOther(Extension, Request);
	SimpleBuildScsi(Extension, Request, Srb, Cdb);
	return TRUE;
}

/* What does not go into the ring. */
static DECLSPEC_NOINLINE VOID SimpleStartOther(PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request)
{
	if (Request->Command.Opcode == 0) {
		SimpleComplete(Adapter, Request,
			SimpleResetBus(Adapter, 0) ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR);
	} else if (Adapter->Gone) {
		SimpleComplete(Adapter, Request, SRB_STATUS_NO_DEVICE);
	} else {
		StorPortBusy(Adapter, 1); /* nothing more until a request has completed */
		SimpleComplete(
			Adapter, Request, SRB_STATUS_BUSY); /* the port sends it again then */
	}
}

static BOOLEAN SimpleStartIo(PVOID Extension, PSCSI_REQUEST_BLOCK Srb)
{
	PSIMPLE_REQUEST Request = SrbGetMiniportContext(Srb);
	PSIMPLE_ADAPTER Adapter = Extension;

	if (Request->Command.Opcode != 0 && !Adapter->Gone && SimpleSubmit(Adapter, Request))
		return TRUE;
	SimpleStartOther(Adapter, Request);
	return TRUE;
}

static HW_DPC_ROUTINE SimpleDpc;

static BOOLEAN SimpleMessage(PVOID Extension, ULONG MessageId)
{
	StorPortIssueDpc(Extension, &((PSIMPLE_ADAPTER)Extension)->Dpc, NULL, NULL);
	return TRUE;
}

static BOOLEAN SimpleInterrupt(PVOID Extension)
{
	PSIMPLE_REGISTERS Registers = ((PSIMPLE_ADAPTER)Extension)->Registers;
	ULONG Cause = StorPortReadRegisterUlong(Extension, &Registers->Interrupt);

	if (Cause == 0 || Cause == MAXULONG)
		return FALSE; /* another device on the same line, or ours has gone */
	/* Lower the line now and look at the ring later, so that nothing falls between. */
	StorPortWriteRegisterUlong(Extension, &Registers->Interrupt, Cause);
	if (!((PSIMPLE_ADAPTER)Extension)->IsDump)
		return SimpleMessage(Extension, 0);
	SimpleDpc(NULL, Extension, NULL, NULL); /* there are no DPCs */
	return TRUE;
}

/* It failed, or did less than was asked for. */
static DECLSPEC_NOINLINE VOID SimpleFinishOther(
	PSIMPLE_ADAPTER Adapter, PSIMPLE_REQUEST Request, volatile SIMPLE_COMPLETION *Done)
{
	UCHAR Status = Done->Status == 0 ? SRB_STATUS_SUCCESS : SRB_STATUS_ERROR;
	PSENSE_DATA Sense;

	if (Status == SRB_STATUS_ERROR) {
		Sense = SrbGetSenseInfoBuffer(Request->Srb);
		SrbSetScsiStatus(Request->Srb, SCSISTAT_CHECK_CONDITION);
		if (SrbGetSenseInfoBufferLength(Request->Srb) >= sizeof(*Sense)) {
			*Sense = Done->Sense;
			Status |= SRB_STATUS_AUTOSENSE_VALID;
		}
	} else if (Request->Command.Opcode == SIMPLE_SCSI &&
		   Done->Length < SrbGetDataTransferLength(Request->Srb)) {
		SrbSetDataTransferLength(Request->Srb, Done->Length);
		Status = SRB_STATUS_DATA_OVERRUN; /* means "less than asked for", too */
	}
	SimpleComplete(Adapter, Request, Status);
}

/* No command of ours has this tag. */
static DECLSPEC_NOINLINE VOID SimpleFinishNone(USHORT Tag)
{
	StorPortDebugPrint(
		0, "simple: command %u, which is not the controller's, is said to be done\n", Tag);
}

static VOID SimpleFinish(PSIMPLE_ADAPTER Adapter, volatile SIMPLE_COMPLETION *Done)
{
	USHORT Tag = Done->Tag;
	PSIMPLE_REQUEST Request = Adapter->Active[Tag & Adapter->Mask];

	if (Request == NULL || Request->Command.Tag != Tag) {
		SimpleFinishNone(Tag);
		return;
	}
	Adapter->Active[Tag & Adapter->Mask] = NULL;
	if (Done->Status == 0 && Request->Command.Opcode < SIMPLE_LOG)
		SimpleComplete(Adapter, Request, SRB_STATUS_SUCCESS);
	else
		SimpleFinishOther(Adapter, Request, Done);
}

/* Under the StartIo lock. */
FORCEINLINE VOID SimpleDrain(PSIMPLE_ADAPTER Adapter)
{
	ULONG n = Adapter->Completed;

	for (;; n++) {
		volatile SIMPLE_COMPLETION *Done = &Adapter->Completions[n & Adapter->Mask];

		if (Done->Sequence != n + 1)
			break; /* one that is not there yet keeps the rest waiting */
		SimpleFinish(Adapter, Done);
	}
	Adapter->Completed = n;
}

static VOID SimpleDpc(PSTOR_DPC Dpc, PVOID Extension, PVOID Argument1, PVOID Argument2)
{
	PSIMPLE_ADAPTER Adapter = Extension;
	STOR_LOCK_HANDLE Lock;

	StorPortAcquireSpinLock(Adapter, StartIoLock, NULL, &Lock);
	SimpleDrain(Adapter);
	StorPortReleaseSpinLock(Adapter, &Lock);
}

/* ---- life of the adapter ---- */

static ULONG SimpleFindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config, PBOOLEAN Again)
{
	PSIMPLE_ADAPTER Adapter = Extension;
	PACCESS_RANGE Bar = *Config->AccessRanges;
	PSIMPLE_REGISTERS Registers = StorPortGetDeviceBase(Adapter, Config->AdapterInterfaceType,
		Config->SystemIoBusNumber, Bar->RangeStart, Bar->RangeLength, !Bar->RangeInMemory);
	ULONG Elements, Width;

	*Again = FALSE;
	Adapter->IsDump = Config->DumpMode != 0;
	if (!Registers || StorPortReadRegisterUlong(Adapter, &Registers->Version) != SIMPLE_VERSION)
		return SP_RETURN_NOT_FOUND;
	Adapter->Registers = Registers;
	Adapter->Bus = Config->SystemIoBusNumber;
	Adapter->Slot = Config->SlotNumber;
	Adapter->Entries = StorPortReadRegisterUlong(Adapter, &Registers->Entries);
	Adapter->Mask = Adapter->Entries - 1;
	if (Adapter->Mask >= SIMPLE_MAX_ENTRIES || (Adapter->Entries & Adapter->Mask) != 0)
		return SP_RETURN_ERROR; /* there is no such ring */
	Elements = StorPortReadRegisterUlong(Adapter, &Registers->Elements);
	Width = StorPortReadRegisterUlong(Adapter, &Registers->Features) & SIMPLE_WIDTH;

	/* With n elements n - 1 pages are sure, wherever in its first page a buffer begins. */
	Config->NumberOfPhysicalBreaks = min(Elements, SIMPLE_MAX_ELEMENTS);
	Config->MaximumTransferLength = (Config->NumberOfPhysicalBreaks - 1) * PAGE_SIZE;
	Config->Dma64BitAddresses = Width == 64 ? SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED : 0;
	Config->DmaAddressWidth = (UCHAR)Width;
	Config->FeatureSupport |= STOR_ADAPTER_DMA_ADDRESS_WIDTH_SPECIFIED;
	Config->CachesData = TRUE; /* else FLUSH and SHUTDOWN never come */
	Config->MaximumNumberOfTargets = Config->MaximumNumberOfLogicalUnits = 1;
	Config->MaxNumberOfIO = Config->MaxIOsPerLun = Config->InitialLunQueueDepth =
		Adapter->Entries;
	Config->SynchronizationModel = StorSynchronizeFullDuplex;
	Config->HwMSInterruptRoutine = SimpleMessage;
	Config->InterruptSynchronizationMode = InterruptSynchronizePerMessage;

	Adapter->Commands = StorPortGetUncachedExtension(Adapter, Config,
		Adapter->Entries * (sizeof(SIMPLE_COMMAND) + sizeof(SIMPLE_COMPLETION)));
	Adapter->Completions = (PVOID)(Adapter->Commands + Adapter->Entries);
	return Adapter->Commands != NULL ? SP_RETURN_FOUND : SP_RETURN_ERROR;
}

/* A DPC can only be made at PASSIVE_LEVEL; before it is there nothing may interrupt. */
static BOOLEAN SimplePassiveInitialize(PVOID Extension)
{
	StorPortInitializeDpc(Extension, &((PSIMPLE_ADAPTER)Extension)->Dpc, SimpleDpc);
	return SimpleStart(Extension);
}

/* After a crash the controller is still at work for the driver that was there before. */
static BOOLEAN SimpleInitialize(PVOID Extension)
{
	if (((PSIMPLE_ADAPTER)Extension)->IsDump)
		return SimpleControl(Extension, 0) && SimpleStart(Extension);
	return StorPortEnablePassiveInitialization(Extension, SimplePassiveInitialize);
}

/* The card has been pulled out: it interrupts no more, and each register reads as all ones. */
static VOID SimpleGone(PSIMPLE_ADAPTER Adapter)
{
	STOR_LOCK_HANDLE Lock;

	StorPortAcquireSpinLock(Adapter, StartIoLock, NULL, &Lock);
	Adapter->Gone = TRUE;
	SimpleDrain(Adapter); /* what it had done is done */
	SimpleAbandon(Adapter, SRB_STATUS_NO_DEVICE);
	StorPortReleaseSpinLock(Adapter, &Lock);
}

/* No request is outstanding, but when the card has gone. What the controller knew is lost when it
 * was without power: SimpleStart tells it all. */
static SCSI_ADAPTER_CONTROL_STATUS SimpleAdapterControl(
	PVOID Extension, SCSI_ADAPTER_CONTROL_TYPE Type, PVOID Parameters)
{
	static const ULONG Types[] = {ScsiQuerySupportedControlTypes, ScsiStopAdapter,
		ScsiRestartAdapter, ScsiAdapterPower, ScsiAdapterSurpriseRemoval};
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST List = Parameters;
	PSTOR_ADAPTER_CONTROL_POWER Power = Parameters;
	BOOLEAN Done = TRUE;

	switch (Type) {
	case ScsiQuerySupportedControlTypes:
		for (ULONG i = 0; i < ARRAYSIZE(Types); i++)
			if (Types[i] < List->MaxControlType)
				List->SupportedTypeList[Types[i]] = TRUE;
		break;
	case ScsiStopAdapter:
		Done = SimpleControl(Extension, 0);
		break;
	case ScsiRestartAdapter:
		Done = SimpleStart(Extension);
		break;
	case ScsiAdapterPower:
		Done = Power->PowerState == StorPowerDeviceD0 ? SimpleStart(Extension)
							      : SimpleControl(Extension, 0);
		break;
	case ScsiAdapterSurpriseRemoval:
		SimpleGone(Extension);
		break;
	default:
		Done = FALSE;
	}
	return Done ? ScsiAdapterControlSuccess : ScsiAdapterControlUnsuccessful;
}

ULONG DriverEntry(PVOID DriverObject, PVOID RegistryPath)
{
	HW_INITIALIZATION_DATA Data = {
		.HwInitializationDataSize = sizeof(Data),
		.AdapterInterfaceType = PCIBus,
		.NumberOfAccessRanges = 1,
		.HwFindAdapter = SimpleFindAdapter,
		.HwInitialize = SimpleInitialize,
		.HwAdapterControl = SimpleAdapterControl,
		.HwBuildIo = SimpleBuildIo,
		.HwStartIo = SimpleStartIo,
		.HwInterrupt = SimpleInterrupt,
		.HwResetBus = SimpleResetBus,
		.DeviceExtensionSize = sizeof(SIMPLE_ADAPTER),
		.SrbExtensionSize = sizeof(SIMPLE_REQUEST),
		.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS,
		.NeedPhysicalAddresses = TRUE,
		.TaggedQueuing = TRUE,
		.AutoRequestSense = TRUE,
		.MultipleRequestPerLu = TRUE,
		.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK,
		.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8,
	};

	return StorPortInitialize(DriverObject, RegistryPath, &Data, NULL);
}
