/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A Storport virtual miniport: a disk in memory, without any hardware. Read it from the end:
 * DriverEntry, how the adapter is found and set up; then a request's way: StartIo does it at once.
 */
#include <storport.h>
#include <srbhelper.h>

#define RAM_BYTES    (64 * 1024 * 1024)
#define RAM_BLOCK    512
#define RAM_BLOCKS   (RAM_BYTES / RAM_BLOCK)
#define RAM_TAG	     0x4d415244 /* "DRAM" */
#define RAM_TRANSFER (1024 * 1024)

typedef struct _RAM_ADAPTER { /* device extension */
	PUCHAR Disk;
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
	{SCSIOP_READ_CAPACITY, 0, 0, ANY, 8, {BE32(RAM_BLOCKS - 1), BE32(RAM_BLOCK)}},
	{SCSIOP_MODE_SENSE, 0, 0, 0x08, 24, RAM_CACHING},
	{SCSIOP_MODE_SENSE, 0, 0, 0x3f, 24, RAM_CACHING},
	{SCSIOP_REPORT_LUNS, 0, 0, ANY, 16, {BE32(8)}}, /* one, number 0 */
};

/* Hands out as much of the answer as there is room for. */
static UCHAR RamAnswer(PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	ULONG Room = SrbGetDataTransferLength(Srb), i;
	UCHAR Known = SCSI_ADSENSE_ILLEGAL_COMMAND;
	PVOID Data;

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
	if (Room == 0)
		return SRB_STATUS_SUCCESS;
	if (StorPortGetSystemAddress(Adapter, Srb, &Data) != STOR_STATUS_SUCCESS)
		return SRB_STATUS_INVALID_REQUEST;
	RtlCopyMemory(Data, RamAnswers[i].Bytes, min(RamAnswers[i].Length, Room));
	if (RamAnswers[i].Length >= Room)
		return SRB_STATUS_SUCCESS;
	SrbSetDataTransferLength(Srb, RamAnswers[i].Length);
	return SRB_STATUS_DATA_OVERRUN; /* means "less than asked for", too */
}

static UCHAR RamTransfer(PRAM_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	ULONG Block = RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[2]);
	ULONG Blocks = RtlUshortByteSwap(*(USHORT UNALIGNED *)&Cdb[7]);
	PUCHAR Place = Adapter->Disk + (ULONG64)Block * RAM_BLOCK;
	PVOID Data;

	if (Cdb[1] >> 5) /* protection information: none */
		return RamSense(Srb, SCSI_ADSENSE_INVALID_CDB);
	if (Block > RAM_BLOCKS || Blocks > RAM_BLOCKS - Block)
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
	switch (Cdb[0]) {
	case SCSIOP_READ:
	case SCSIOP_WRITE:
		return RamTransfer(Adapter, Srb, Cdb);
	case SCSIOP_TEST_UNIT_READY:
	case SCSIOP_SYNCHRONIZE_CACHE:
		return SRB_STATUS_SUCCESS;
	default:
		return RamAnswer(Adapter, Srb, Cdb);
	}
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
	SrbSetSrbStatus(Srb, Status);
	/* After this the SRB is the port's again. */
	StorPortNotification(RequestComplete, Extension, Srb);
	return TRUE;
}

static BOOLEAN RamResetBus(PVOID Extension, ULONG PathId)
{
	return TRUE; /* as with the other resets */
}

/* ---- life of the adapter ---- */

static ULONG RamFindAdapter(PVOID Extension, PVOID HwContext, PVOID BusInformation,
	PVOID LowerDevice, PCHAR ArgumentString, PPORT_CONFIGURATION_INFORMATION Config,
	PBOOLEAN Again)
{
	PRAM_ADAPTER Adapter = Extension;

	if (StorPortAllocatePool(Adapter, RAM_BYTES, RAM_TAG, (PVOID *)&Adapter->Disk) !=
		STOR_STATUS_SUCCESS)
		return SP_RETURN_ERROR;
	RtlZeroMemory(Adapter->Disk, RAM_BYTES);
	Config->VirtualDevice = TRUE; /* no DMA, no interrupt */
	Config->MaximumTransferLength = RAM_TRANSFER;
	Config->NumberOfPhysicalBreaks =
		RAM_TRANSFER / PAGE_SIZE + 1; /* class drivers look at it */
	Config->MaximumNumberOfTargets = Config->MaximumNumberOfLogicalUnits = 1;
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
	StorPortFreePool(Extension, ((PRAM_ADAPTER)Extension)->Disk);
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
