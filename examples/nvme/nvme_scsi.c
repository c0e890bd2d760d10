/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * SCSI into NVMe: what Windows' disk class sends. Reads, writes and what changes the medium become
 * commands of the controller; the rest is answered here. LUN n is namespace n + 1.
 */
#include "nvme.h"

/* ---- sense data ---- */

UCHAR NvmeSense(PSCSI_REQUEST_BLOCK Srb, UCHAR Key, UCHAR Code, UCHAR Qualifier)
{
	PSENSE_DATA Sense = SrbGetSenseInfoBuffer(Srb);

	SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
	SrbSetDataTransferLength(Srb, 0);
	if (Sense == NULL || SrbGetSenseInfoBufferLength(Srb) < sizeof(*Sense))
		return SRB_STATUS_ERROR;
	RtlZeroMemory(Sense, sizeof(*Sense));
	Sense->ErrorCode = SCSI_SENSE_ERRORCODE_FIXED_CURRENT;
	Sense->SenseKey = Key;
	Sense->AdditionalSenseLength = sizeof(*Sense) - 8;
	Sense->AdditionalSenseCode = Code;
	Sense->AdditionalSenseCodeQualifier = Qualifier;
	return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
}

static UCHAR NvmeInvalidCdb(PSCSI_REQUEST_BLOCK Srb)
{
	return NvmeSense(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_INVALID_CDB, 0);
}

UCHAR NvmeSenseOf(PSCSI_REQUEST_BLOCK Srb, USHORT Status)
{
	switch (Status) {
	case NVME_LBA_OUT_OF_RANGE:
		return NvmeSense(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_BLOCK, 0);
	case NVME_WRITE_PROTECTED:
		return NvmeSense(Srb, SCSI_SENSE_DATA_PROTECT, SCSI_ADSENSE_WRITE_PROTECT, 0);
	case NVME_CAPACITY_EXCEEDED: /* space allocation failed */
		return NvmeSense(Srb, SCSI_SENSE_DATA_PROTECT, SCSI_ADSENSE_WRITE_PROTECT, 7);
	case NVME_WRITE_FAULT: /* peripheral device write fault */
		return NvmeSense(Srb, SCSI_SENSE_MEDIUM_ERROR, 0x03, 0);
	case NVME_UNRECOVERED_READ:
		return NvmeSense(Srb, SCSI_SENSE_MEDIUM_ERROR, SCSI_ADSENSE_UNRECOVERED_ERROR, 0);
	case NVME_ABORT_REQUESTED:
		return SRB_STATUS_ABORTED;
	default: /* internal target failure */
		return NvmeSense(Srb, SCSI_SENSE_HARDWARE_ERROR, 0x44, 0);
	}
}

/* ---- answers ---- */

/* What was not asked for is not written; less than asked for is said. */
UCHAR NvmeReply(PSCSI_REQUEST_BLOCK Srb, const VOID *Data, ULONG Bytes, ULONG Allocated)
{
	ULONG Room = SrbGetDataTransferLength(Srb), Wanted = min(Room, Allocated);

	Bytes = min(Bytes, Wanted);
	if (Bytes)
		RtlCopyMemory(SrbGetDataBuffer(Srb), Data, Bytes);
	SrbSetDataTransferLength(Srb, Bytes);
	SrbSetScsiStatus(Srb, SCSISTAT_GOOD);
	/* DATA_OVERRUN also means "less" */
	return Bytes < Room ? SRB_STATUS_DATA_OVERRUN : SRB_STATUS_SUCCESS;
}

static UCHAR NvmeReadCapacity10(PNVME_NAMESPACE Namespace, PSCSI_REQUEST_BLOCK Srb)
{
	ULONG64 Last = Namespace->Blocks - 1;
	ULONG Data[2] = {RtlUlongByteSwap(Last > MAXULONG ? MAXULONG : (ULONG)Last),
		RtlUlongByteSwap(Namespace->BlockSize)};

	return NvmeReply(Srb, Data, sizeof(Data), sizeof(Data));
}

static UCHAR NvmeReadCapacity16(PNVME_NAMESPACE Namespace, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	UCHAR Data[32] = {0};

	if ((Cdb[1] & 0x1F) != SERVICE_ACTION_READ_CAPACITY16)
		return NvmeInvalidCdb(Srb);
	*(ULONG64 UNALIGNED *)&Data[0] = RtlUlonglongByteSwap(Namespace->Blocks - 1);
	*(ULONG UNALIGNED *)&Data[8] = RtlUlongByteSwap(Namespace->BlockSize);
	Data[14] = 0xC0; /* thinly provisioned, unmapped blocks read as zeros */
	return NvmeReply(Srb, Data, sizeof(Data), RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[10]));
}

static UCHAR NvmeReportLuns(PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	UCHAR Data[8 + 8 * NVME_NAMESPACES] = {0};
	ULONG Bytes = 8 * Adapter->NamespaceCount;

	*(ULONG UNALIGNED *)&Data[0] = RtlUlongByteSwap(Bytes);
	for (ULONG i = 0; i < Adapter->NamespaceCount; i++)
		Data[8 + 8 * i + 1] = (UCHAR)i;
	return NvmeReply(Srb, Data, 8 + Bytes, RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[6]));
}

static UCHAR NvmeRequestSense(PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	SENSE_DATA Sense = {.ErrorCode = SCSI_SENSE_ERRORCODE_FIXED_CURRENT,
		.AdditionalSenseLength = sizeof(Sense) - 8};

	if (Cdb[1] & 1) /* descriptors */
		return NvmeInvalidCdb(Srb);
	return NvmeReply(Srb, &Sense, sizeof(Sense), Cdb[4]);
}

/* Pages 08 (caching) and 0A (control), current or default values; nothing can be changed. */
static UCHAR NvmeModeSense(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace,
	PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb, BOOLEAN Long)
{
	UCHAR Data[8 + 20 + 12] = {0}, Page = Cdb[2] & 0x3F, Control = Cdb[2] >> 6;
	UCHAR Specific = (UCHAR)(0x10 | (Namespace->ReadOnly ? 0x80 : 0)); /* FUA; protected */
	ULONG Bytes = Long ? 8 : 4;

	if ((Page != 0x08 && Page != 0x0A && Page != 0x3F) || Cdb[3] != 0)
		return NvmeInvalidCdb(Srb);
	if (Control == 3) /* saved values */
		return NvmeSense(Srb, SCSI_SENSE_ILLEGAL_REQUEST, 0x39, 0);
	if (Page != 0x0A) {
		Data[Bytes] = 0x08;
		Data[Bytes + 1] = 0x12;
		Data[Bytes + 2] = Control != 1 && Adapter->HasWriteCache ? 0x04 : 0;
		Bytes += 20;
	}
	if (Page != 0x08) {
		Data[Bytes] = 0x0A;
		Data[Bytes + 1] = 0x0A;
		Bytes += 12;
	}
	if (Long) {
		Data[1] = (UCHAR)(Bytes - 2);
		Data[3] = Specific;
		return NvmeReply(Srb, Data, Bytes, RtlUshortByteSwap(*(USHORT UNALIGNED *)&Cdb[7]));
	}
	Data[0] = (UCHAR)(Bytes - 1);
	Data[2] = Specific;
	return NvmeReply(Srb, Data, Bytes, Cdb[4]);
}

/* ---- commands of the controller ---- */

typedef struct _NVME_BLOCKS {
	ULONG64 First;
	ULONG Count;
} NVME_BLOCKS;

static NVME_BLOCKS NvmeBlocks(PUCHAR Cdb)
{
	switch (Cdb[0] >> 5) {
	case 0:
		return (NVME_BLOCKS){
			(Cdb[1] & 0x1F) << 16 | Cdb[2] << 8 | Cdb[3], Cdb[4] ? Cdb[4] : 256};
	case 4:
		return (NVME_BLOCKS){RtlUlonglongByteSwap(*(ULONG64 UNALIGNED *)&Cdb[2]),
			RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[10])};
	case 5:
		return (NVME_BLOCKS){RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[2]),
			RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[6])};
	default:
		return (NVME_BLOCKS){RtlUlongByteSwap(*(ULONG UNALIGNED *)&Cdb[2]),
			RtlUshortByteSwap(*(USHORT UNALIGNED *)&Cdb[7])};
	}
}

static BOOLEAN NvmeIsInside(PNVME_NAMESPACE Namespace, NVME_BLOCKS Blocks)
{
	return Blocks.First <= Namespace->Blocks &&
	       Blocks.Count <= Namespace->Blocks - Blocks.First;
}

/* Sets what read, write and write zeroes have in common. An SRB status if it is wrong, or nothing
 * to do. */
static UCHAR NvmeSetBlocks(PNVME_NAMESPACE Namespace, PNVME_REQUEST Request, UCHAR Opcode,
	NVME_BLOCKS Blocks, BOOLEAN Fua)
{
	PNVME_COMMAND Command = &Request->Command;

	if (!NvmeIsInside(Namespace, Blocks))
		return NvmeSenseOf(Request->Srb, NVME_LBA_OUT_OF_RANGE);
	if (Blocks.Count == 0)
		return SRB_STATUS_SUCCESS;
	if (Blocks.Count > 0x10000)
		return NvmeInvalidCdb(Request->Srb);
	Command->Opcode = Opcode;
	Command->Dword10 = (ULONG)Blocks.First;
	Command->Dword11 = (ULONG)(Blocks.First >> 32);
	Command->Dword12 = (Blocks.Count - 1) | (Fua ? NVME_FUA : 0);
	return SRB_STATUS_PENDING;
}

static UCHAR NvmeReadWrite(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_REQUEST Request, PUCHAR Cdb)
{
	PSCSI_REQUEST_BLOCK Srb = Request->Srb;
	NVME_BLOCKS Blocks = NvmeBlocks(Cdb);
	/* 08, 28, A8 and 88 read; 0A, 2A, AA and 8A write. Those of six bytes have no FUA. */
	UCHAR Opcode = Cdb[0] & 2 ? NVME_WRITE : NVME_READ, Status;
	PSTOR_SCATTER_GATHER_LIST List;

	Status = NvmeSetBlocks(
		Namespace, Request, Opcode, Blocks, Cdb[0] >= 0x20 && (Cdb[1] & 8) != 0);
	if (Status != SRB_STATUS_PENDING)
		return Status;
	if ((ULONG64)Blocks.Count << Namespace->BlockShift != SrbGetDataTransferLength(Srb))
		return SRB_STATUS_INVALID_REQUEST;
	List = StorPortGetScatterGatherList(Adapter, Srb);
	if (List == NULL || !NvmeSetPrps(Adapter, Request, List))
		return SRB_STATUS_INVALID_REQUEST;
	return SRB_STATUS_PENDING;
}

/* VERIFY without a comparison: the range is there. */
static UCHAR NvmeVerify(PNVME_NAMESPACE Namespace, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	if (Cdb[1] & 0x06)
		return NvmeInvalidCdb(Srb);
	return NvmeIsInside(Namespace, NvmeBlocks(Cdb)) ? SRB_STATUS_SUCCESS
							: NvmeSenseOf(Srb, NVME_LBA_OUT_OF_RANGE);
}

/* With a block of zeros, or none: zeros. */
static UCHAR NvmeWriteSame(PNVME_NAMESPACE Namespace, PNVME_REQUEST Request, PUCHAR Cdb)
{
	PUCHAR Data = SrbGetDataBuffer(Request->Srb);
	ULONG Bytes = SrbGetDataTransferLength(Request->Srb);
	BOOLEAN NoData = Cdb[1] & 1; /* NDOB */

	if (!NoData && (Data == NULL || Bytes != Namespace->BlockSize))
		return NvmeInvalidCdb(Request->Srb);
	for (ULONG i = 0; !NoData && i < Bytes; i++)
		if (Data[i])
			return NvmeInvalidCdb(Request->Srb);
	return NvmeSetBlocks(Namespace, Request, NVME_WRITE_ZEROES, NvmeBlocks(Cdb), FALSE);
}

static UCHAR NvmeUnmap(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_REQUEST Request)
{
	PUCHAR List = SrbGetDataBuffer(Request->Srb);
	ULONG Bytes = SrbGetDataTransferLength(Request->Srb), Count, Length, Used = 0;
	PNVME_COMMAND Command = &Request->Command;

	if (Bytes < 8 || List == NULL)
		return Bytes ? NvmeInvalidCdb(Request->Srb) : SRB_STATUS_SUCCESS;
	Count = RtlUshortByteSwap(*(USHORT UNALIGNED *)&List[2]) / 16u;
	Count = min(Count, (Bytes - 8) / 16);
	if (Count > NVME_MAX_RANGES) /* parameter list: too many */
		return NvmeSense(Request->Srb, SCSI_SENSE_ILLEGAL_REQUEST, 0x26, 0);
	for (ULONG i = 0; i < Count; i++) {
		PUCHAR Range = List + 8 + 16 * i;
		NVME_BLOCKS Blocks = {RtlUlonglongByteSwap(*(ULONG64 UNALIGNED *)&Range[0]),
			RtlUlongByteSwap(*(ULONG UNALIGNED *)&Range[8])};

		if (!NvmeIsInside(Namespace, Blocks))
			return NvmeSenseOf(Request->Srb, NVME_LBA_OUT_OF_RANGE);
		if (Blocks.Count)
			Request->Ranges[Used++] = (NVME_RANGE){0, Blocks.Count, Blocks.First};
	}
	if (Used == 0)
		return SRB_STATUS_SUCCESS;
	Command->Opcode = NVME_DATASET_MANAGEMENT;
	Command->Dword10 = Used - 1;
	Command->Dword11 = NVME_DEALLOCATE;
	Command->Prp1 =
		StorPortGetPhysicalAddress(Adapter, NULL, Request->Ranges, &Length).QuadPart;
	Command->Prp2 = (Command->Prp1 + NVME_PAGE) & ~(ULONG64)(NVME_PAGE - 1);
	return SRB_STATUS_PENDING;
}

/* ---- all ---- */

UCHAR NvmeScsi(PNVME_ADAPTER Adapter, PNVME_REQUEST Request)
{
	PSCSI_REQUEST_BLOCK Srb = Request->Srb;
	PUCHAR Cdb = (PUCHAR)SrbGetCdb(Srb);
	ULONG Lun = SrbGetLun(Srb);
	PNVME_NAMESPACE Namespace = &Adapter->Namespaces[Lun];

	if (SrbGetPathId(Srb) != 0 || SrbGetTargetId(Srb) != 0 || Lun >= Adapter->NamespaceCount)
		return SRB_STATUS_NO_DEVICE;
	Request->Command.Nsid = Lun + 1;
	switch (Cdb[0]) {
	case SCSIOP_READ6:
	case SCSIOP_READ:
	case SCSIOP_READ12:
	case SCSIOP_READ16:
	case SCSIOP_WRITE6:
	case SCSIOP_WRITE:
	case SCSIOP_WRITE12:
	case SCSIOP_WRITE16:
		return NvmeReadWrite(Adapter, Namespace, Request, Cdb);
	case SCSIOP_SYNCHRONIZE_CACHE:
	case SCSIOP_SYNCHRONIZE_CACHE16:
		Request->Command.Opcode = NVME_FLUSH;
		return SRB_STATUS_PENDING;
	case SCSIOP_UNMAP:
		return NvmeUnmap(Adapter, Namespace, Request);
	case SCSIOP_WRITE_SAME16:
		return NvmeWriteSame(Namespace, Request, Cdb);
	case SCSIOP_VERIFY:
	case SCSIOP_VERIFY12:
	case SCSIOP_VERIFY16:
		return NvmeVerify(Namespace, Srb, Cdb);
	case SCSIOP_INQUIRY:
		return NvmeInquiry(Adapter, Namespace, Srb);
	case SCSIOP_READ_CAPACITY:
		return NvmeReadCapacity10(Namespace, Srb);
	case SCSIOP_READ_CAPACITY16:
		return NvmeReadCapacity16(Namespace, Srb, Cdb);
	case SCSIOP_MODE_SENSE:
		return NvmeModeSense(Adapter, Namespace, Srb, Cdb, FALSE);
	case SCSIOP_MODE_SENSE10:
		return NvmeModeSense(Adapter, Namespace, Srb, Cdb, TRUE);
	case SCSIOP_REPORT_LUNS:
		return NvmeReportLuns(Adapter, Srb, Cdb);
	case SCSIOP_REQUEST_SENSE:
		return NvmeRequestSense(Srb, Cdb);
	case SCSIOP_TEST_UNIT_READY:
	case SCSIOP_START_STOP_UNIT:
		return SRB_STATUS_SUCCESS;
	default:
		return NvmeSense(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_COMMAND, 0);
	}
}
