/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * SCSI into NVMe: what Windows' disk class sends. Here are the commands that touch the medium,
 * which become commands of the controller, and the table of all; nvme_inquiry.c and nvme_page.c
 * answer the rest. The numbers are SBC-4's.
 */
#include "nvme.h"

typedef struct _NVME_BLOCKS {
	ULONG64 First;
	ULONG Count;
} NVME_BLOCKS;

/* What the bits 7:5 of an operation code say of the places in its CDB. */
static NVME_BLOCKS NvmeBlocks(PUCHAR Cdb)
{
	if (Cdb[0] >> 5 == 1) /* nearly all */
		return (NVME_BLOCKS){NvmeGet32(&Cdb[2]), NvmeGet16(&Cdb[7])};
	switch (Cdb[0] >> 5) {
	case 0:
		return (NVME_BLOCKS){
			(Cdb[1] & 0x1F) << 16 | Cdb[2] << 8 | Cdb[3], Cdb[4] ? Cdb[4] : 256};
	case 4:
		return (NVME_BLOCKS){NvmeGet64(&Cdb[2]), NvmeGet32(&Cdb[10])};
	case 5:
		return (NVME_BLOCKS){NvmeGet32(&Cdb[2]), NvmeGet32(&Cdb[6])};
	default:
		return (NVME_BLOCKS){NvmeGet32(&Cdb[2]), NvmeGet16(&Cdb[7])};
	}
}

static BOOLEAN NvmeIsInside(PNVME_NAMESPACE Namespace, NVME_BLOCKS Blocks)
{
	return Blocks.First <= Namespace->Blocks &&
	       Blocks.Count <= Namespace->Blocks - Blocks.First;
}

/* What reads, writes, compares and zeroes may be of. */
static BOOLEAN NvmeIsRange(PNVME_NAMESPACE Namespace, NVME_BLOCKS Blocks)
{
	return NvmeIsInside(Namespace, Blocks) && Blocks.Count - 1 < NVME_MAX_BLOCKS;
}

/* Why it is not; nothing is to be done for an empty one. An SRB status. */
static DECLSPEC_NOINLINE UCHAR NvmeNoRange(
	PNVME_NAMESPACE Namespace, PNVME_SRB Own, NVME_BLOCKS Blocks)
{
	if (!NvmeIsInside(Namespace, Blocks))
		return NvmeSenseOf(Own->Request.Srb, NVME_LBA_OUT_OF_RANGE);
	return Blocks.Count == 0 ? SRB_STATUS_SUCCESS : NvmeInvalidCdb(Own->Request.Srb);
}

static VOID NvmeSetBlocks(PNVME_SRB Own, UCHAR Opcode, NVME_BLOCKS Blocks, ULONG Flags)
{
	PNVME_COMMAND Command = &Own->Request.Command;

	Command->Opcode = Opcode;
	Command->Dwords10 = Blocks.First;
	Command->Dword12 = (Blocks.Count - 1) | Flags;
}

/* With the SRB's data. An SRB status. */
FORCEINLINE UCHAR NvmeMove(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own,
	UCHAR Opcode, PUCHAR Cdb, ULONG Flags)
{
	NVME_BLOCKS Blocks = NvmeBlocks(Cdb);

	if (!NvmeIsRange(Namespace, Blocks))
		return NvmeNoRange(Namespace, Own, Blocks);
	if ((ULONG64)Blocks.Count << Namespace->BlockShift !=
		SrbGetDataTransferLength(Own->Request.Srb))
		return SRB_STATUS_INVALID_REQUEST;
	NvmeSetBlocks(Own, Opcode, Blocks, Flags);
	return NvmeSetData(Adapter, Own);
}

static UCHAR NvmeReadWrite(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	/* 08, 28, A8 and 88 read; 0A, 2A, AA and 8A write. Those of six bytes have no bits. */
	UCHAR Opcode = Cdb[0] & 2 ? NVME_WRITE : NVME_READ;
	UCHAR Bits = Cdb[0] < 0x20 ? 0 : Cdb[1];

	if (Bits >> 5) /* protection information: none */
		return NvmeInvalidCdb(Own->Request.Srb);
	return NvmeMove(Adapter, Namespace, Own, Opcode, Cdb, Bits & 8 ? NVME_FUA : 0);
}

/* Without data to compare with: the range is there. */
static UCHAR NvmeVerify(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	if (Cdb[1] >> 5) /* protection information: none */
		return NvmeInvalidCdb(Own->Request.Srb);
	switch (Cdb[1] >> 1 & 3) { /* BYTCHK */
	case 0:
		return NvmeIsInside(Namespace, NvmeBlocks(Cdb))
			       ? SRB_STATUS_SUCCESS
			       : NvmeSenseOf(Own->Request.Srb, NVME_LBA_OUT_OF_RANGE);
	case 1:
		if (Adapter->Commands & NVME_HAS_COMPARE)
			return NvmeMove(Adapter, Namespace, Own, NVME_COMPARE, Cdb, 0);
		/* fall through */
	default:
		return NvmeInvalidCdb(Own->Request.Srb);
	}
}

static BOOLEAN NvmeIsZero(const UCHAR *Data, ULONG Bytes)
{
	for (ULONG i = 0; i < Bytes; i++)
		if (Data[i])
			return FALSE;
	return TRUE;
}

/* With a block of zeros, or none (NDOB), and whether they may be deallocated (UNMAP). */
static UCHAR NvmeWriteSame(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	PSCSI_REQUEST_BLOCK Srb = Own->Request.Srb;
	ULONG Bytes = SrbGetDataTransferLength(Srb);
	NVME_BLOCKS Blocks = NvmeBlocks(Cdb);
	BOOLEAN Deallocate = Cdb[1] >> 3 & 1;

	if (!(Adapter->Commands & NVME_HAS_WRITE_ZEROES) || Cdb[1] >> 4 || Blocks.Count == 0)
		return NvmeInvalidCdb(Srb);
	if (Namespace->ReadOnly) /* whatever else is wrong */
		return NvmeSenseOf(Srb, NVME_WRITE_PROTECTED);
	if (Deallocate && !Namespace->ZeroesDeallocate) /* as page B2 says */
		return NvmeInvalidCdb(Srb);
	if (!(Cdb[1] & 1) &&
		(SrbGetDataBuffer(Srb) == NULL || Bytes >> Namespace->BlockShift != 1 ||
			!NvmeIsZero(SrbGetDataBuffer(Srb), Bytes)))
		return NvmeInvalidCdb(Srb);
	if (!NvmeIsRange(Namespace, Blocks))
		return NvmeNoRange(Namespace, Own, Blocks);
	NvmeSetBlocks(Own, NVME_WRITE_ZEROES, Blocks, Deallocate ? NVME_ZEROES_DEALLOCATE : 0);
	return SRB_STATUS_PENDING;
}

/* UNMAP's list as ranges of dataset management, without the empty ones; how many. *Status: what is
 * wrong. */
static ULONG NvmeSetRanges(
	PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR List, ULONG Count, PUCHAR Status)
{
	ULONG Used = 0;

	for (ULONG i = 0; i < Count; i++) {
		PUCHAR Range = List + 8 + 16 * i;
		NVME_BLOCKS Blocks = {NvmeGet64(&Range[0]), NvmeGet32(&Range[8])};

		if (!NvmeIsInside(Namespace, Blocks)) {
			*Status = NvmeSenseOf(Own->Request.Srb, NVME_LBA_OUT_OF_RANGE);
			return 0;
		}
		if (Blocks.Count)
			Own->Ranges[Used++] = (NVME_RANGE){0, Blocks.Count, Blocks.First};
	}
	return Used;
}

static UCHAR NvmeUnmap(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	PSCSI_REQUEST_BLOCK Srb = Own->Request.Srb;
	PNVME_COMMAND Command = &Own->Request.Command;
	ULONG Bytes = min(SrbGetDataTransferLength(Srb), NvmeGet16(&Cdb[7])), Count;
	PUCHAR List = SrbGetDataBuffer(Srb);
	UCHAR Status = SRB_STATUS_SUCCESS;

	if (!(Adapter->Commands & NVME_HAS_DATASET) || Cdb[1] & 1) /* ANCHOR */
		return NvmeInvalidCdb(Srb);
	if (Bytes == 0)
		return SRB_STATUS_SUCCESS;
	if (Bytes < 8 || List == NULL)
		return NvmeSense(
			Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_PARAMETER_LIST_LENGTH, 0);
	Count = min(NvmeGet16(&List[2]), Bytes - 8) / 16;
	if (Count > NVME_MAX_RANGES)
		return NvmeSense(Srb, SCSI_SENSE_ILLEGAL_REQUEST,
			SCSI_ADSENSE_INVALID_FIELD_PARAMETER_LIST, 0);
	Count = NvmeSetRanges(Namespace, Own, List, Count, &Status);
	if (Count == 0)
		return Status;
	Command->Opcode = NVME_DATASET_MANAGEMENT;
	Command->Dword10 = Count - 1;
	Command->Dword11 = NVME_DEALLOCATE;
	NvmeSetOwnData(Adapter, Own, Count * sizeof(NVME_RANGE));
	return SRB_STATUS_PENDING;
}

static UCHAR NvmeFlush(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	Own->Request.Command.Opcode = NVME_FLUSH;
	return SRB_STATUS_PENDING;
}

/* Nothing turns. But before it stops, what is cached goes to the medium. */
static UCHAR NvmeStartStop(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	BOOLEAN IsStart = Cdb[4] & 1, NoFlush = Cdb[4] >> 2 & 1;

	return IsStart || NoFlush ? SRB_STATUS_SUCCESS : NvmeFlush(Adapter, Namespace, Own, Cdb);
}

static UCHAR NvmeTestUnitReady(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	return SRB_STATUS_SUCCESS;
}

/* ---- all ---- */

static NVME_SCSI *const NvmeCommands[256] = {
	[SCSIOP_TEST_UNIT_READY] = NvmeTestUnitReady,
	[SCSIOP_REQUEST_SENSE] = NvmeRequestSense,
	[SCSIOP_READ6] = NvmeReadWrite,
	[SCSIOP_WRITE6] = NvmeReadWrite,
	[SCSIOP_INQUIRY] = NvmeInquiry,
	[SCSIOP_MODE_SELECT] = NvmeModeSelect,
	[SCSIOP_MODE_SENSE] = NvmeModeSense,
	[SCSIOP_START_STOP_UNIT] = NvmeStartStop,
	[SCSIOP_READ_CAPACITY] = NvmeReadCapacity10,
	[SCSIOP_READ] = NvmeReadWrite,
	[SCSIOP_WRITE] = NvmeReadWrite,
	[SCSIOP_VERIFY] = NvmeVerify,
	[SCSIOP_SYNCHRONIZE_CACHE] = NvmeFlush,
	[SCSIOP_UNMAP] = NvmeUnmap,
	[SCSIOP_LOG_SENSE] = NvmeLogSense,
	[SCSIOP_MODE_SELECT10] = NvmeModeSelect,
	[SCSIOP_MODE_SENSE10] = NvmeModeSense,
	[SCSIOP_READ16] = NvmeReadWrite,
	[SCSIOP_WRITE16] = NvmeReadWrite,
	[SCSIOP_VERIFY16] = NvmeVerify,
	[SCSIOP_SYNCHRONIZE_CACHE16] = NvmeFlush,
	[SCSIOP_WRITE_SAME16] = NvmeWriteSame,
	[SCSIOP_READ_CAPACITY16] = NvmeReadCapacity16,
	[SCSIOP_REPORT_LUNS] = NvmeReportLuns,
	[SCSIOP_READ12] = NvmeReadWrite,
	[SCSIOP_WRITE12] = NvmeReadWrite,
	[SCSIOP_VERIFY12] = NvmeVerify,
};

UCHAR NvmeScsi(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	NVME_SCSI *Command = NvmeCommands[Cdb[0]];

	if (Command == NULL)
		return NvmeSense(Own->Request.Srb, SCSI_SENSE_ILLEGAL_REQUEST,
			SCSI_ADSENSE_ILLEGAL_COMMAND, 0);
	return Command(Adapter, Namespace, Own, Cdb);
}
