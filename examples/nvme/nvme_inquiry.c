/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a unit says of itself without asking the controller: INQUIRY with the vital product data
 * pages 00, 80, 83, B0, B1 and B2, READ CAPACITY, REPORT LUNS, REQUEST SENSE. The numbers are
 * SPC-5's and SBC-4's.
 */
#include "nvme.h"

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

/* ---- vital product data: each fills its page from the fifth byte on; how many bytes ---- */

typedef ULONG NVME_VITAL(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At);

static ULONG NvmePageSupported(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	static const UCHAR Pages[] = {0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2};

	RtlCopyMemory(At, Pages, sizeof(Pages));
	return sizeof(Pages);
}

/* The controller's, and which namespace. */
static ULONG NvmePageSerial(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	static const UCHAR Digits[] = "0123456789ABCDEF";

	RtlCopyMemory(At, Adapter->Serial, sizeof(Adapter->Serial));
	At[20] = '_';
	for (ULONG i = 0; i < 8; i++)
		At[21 + i] = Digits[Namespace->Nsid >> (28 - 4 * i) & 0xF];
	return 29;
}

static ULONG NvmePageIdentification(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	static const UCHAR None[8] = {0};
	BOOLEAN IsEui = RtlCompareMemory(Namespace->Eui64, None, 8) != 8;
	BOOLEAN IsNguid = RtlCompareMemory(Namespace->Nguid, None, 8) != 8;

	if (!IsEui && !IsNguid) { /* vendor and serial number, in letters */
		At[0] = VpdCodeSetAscii;
		At[1] = VpdIdentifierTypeVendorId;
		RtlCopyMemory(At + 4, "NVMe    ", 8);
		At[3] = (UCHAR)(8 + NvmePageSerial(Adapter, Namespace, At + 12));
		return 4u + At[3];
	}
	At[0] = VpdCodeSetBinary;
	At[1] = VpdIdentifierTypeEUI64;
	At[3] = IsNguid ? sizeof(Namespace->Nguid) : sizeof(Namespace->Eui64);
	RtlCopyMemory(At + 4, IsNguid ? Namespace->Nguid : Namespace->Eui64, At[3]);
	return 4u + At[3];
}

static ULONG NvmePageLimits(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	At[0] = 1; /* WRITE SAME of no blocks is not "all" */
	NvmePut32(At + 4, Adapter->MaxBytes >> Namespace->BlockShift);
	if (Adapter->Commands & NVME_HAS_DATASET) {
		NvmePut32(At + 16, MAXULONG); /* blocks and ranges of an UNMAP */
		NvmePut32(At + 20, NVME_MAX_RANGES);
		NvmePut32(At + 24, 1);
	}
	if (Adapter->Commands & NVME_HAS_WRITE_ZEROES)
		NvmePut64(At + 32, NVME_MAX_BLOCKS); /* of a WRITE SAME */
	return 60;
}

static ULONG NvmePageCharacteristics(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	At[1] = 1; /* does not rotate */
	return 60;
}

static ULONG NvmePageProvisioning(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	if (Adapter->Commands & NVME_HAS_DATASET) {
		At[1] |= 0x80; /* UNMAP */
		At[2] = PROVISIONING_TYPE_THIN;
	}
	if (Adapter->Commands & NVME_HAS_WRITE_ZEROES && Namespace->ZeroesDeallocate)
		At[1] |= 0x40; /* WRITE SAME (16) */
	if (Namespace->ReadsZeros)
		At[1] |= 0x04;
	return 4;
}

static UCHAR NvmeVitalPage(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	static const struct {
		UCHAR Code;
		NVME_VITAL *Make;
	} Pages[] = {
		{VPD_SUPPORTED_PAGES, NvmePageSupported},
		{VPD_SERIAL_NUMBER, NvmePageSerial},
		{VPD_DEVICE_IDENTIFIERS, NvmePageIdentification},
		{VPD_BLOCK_LIMITS, NvmePageLimits},
		{VPD_BLOCK_DEVICE_CHARACTERISTICS, NvmePageCharacteristics},
		{VPD_LOGICAL_BLOCK_PROVISIONING, NvmePageProvisioning},
	};
	UCHAR Data[64] = {0};

	for (ULONG i = 0; i < ARRAYSIZE(Pages); i++) {
		if (Pages[i].Code != Cdb[2])
			continue;
		Data[1] = Cdb[2];
		Data[3] = (UCHAR)Pages[i].Make(Adapter, Namespace, Data + 4);
		return NvmeReply(Srb, Data, 4u + Data[3], NvmeGet16(&Cdb[3]));
	}
	return NvmeInvalidCdb(Srb);
}

UCHAR NvmeInquiry(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	UCHAR Data[74] = {0};

	if (Cdb[1] & 1)
		return NvmeVitalPage(Adapter, Namespace, Own->Request.Srb, Cdb);
	if (Cdb[2] != 0)
		return NvmeInvalidCdb(Own->Request.Srb);
	Data[2] = 6; /* SPC-4 */
	Data[3] = 2;
	Data[4] = sizeof(Data) - 5;
	Data[7] = 2; /* commands are queued */
	RtlCopyMemory(Data + 8, "NVMe    ", 8);
	RtlCopyMemory(Data + 16, Adapter->Model, 16);
	RtlCopyMemory(Data + 32, Adapter->Firmware, 4);
	NvmePut16(Data + 58, 0x0460); /* SPC-4 */
	NvmePut16(Data + 60, 0x04C0); /* SBC-3 */
	return NvmeReply(Own->Request.Srb, Data, sizeof(Data), NvmeGet16(&Cdb[3]));
}

/* ---- the others ---- */

UCHAR NvmeReadCapacity10(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	ULONG64 Last = Namespace->Blocks - 1;
	UCHAR Data[8];

	NvmePut32(&Data[0], (ULONG)min(Last, MAXULONG));
	NvmePut32(&Data[4], 1u << Namespace->BlockShift);
	return NvmeReply(Own->Request.Srb, Data, sizeof(Data), sizeof(Data));
}

UCHAR NvmeReadCapacity16(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	UCHAR Data[32] = {0};

	if ((Cdb[1] & 0x1F) != SERVICE_ACTION_READ_CAPACITY16)
		return NvmeInvalidCdb(Own->Request.Srb);
	NvmePut64(&Data[0], Namespace->Blocks - 1);
	NvmePut32(&Data[8], 1u << Namespace->BlockShift);
	if (Adapter->Commands & NVME_HAS_DATASET)
		Data[14] = Namespace->ReadsZeros ? 0xC0 : 0x80; /* as page B2 says */
	return NvmeReply(Own->Request.Srb, Data, sizeof(Data), NvmeGet32(&Cdb[10]));
}

UCHAR NvmeReportLuns(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	UCHAR Data[8 + 8 * NVME_NAMESPACES] = {0};
	ULONG Count = Cdb[2] == 1 ? 0 : Adapter->NamespaceCount; /* 1: well-known units only */

	if (Cdb[2] > 2)
		return NvmeInvalidCdb(Own->Request.Srb);
	NvmePut32(&Data[0], 8 * Count);
	for (ULONG i = 0; i < Count; i++)
		Data[8 + 8 * i + 1] = (UCHAR)i;
	return NvmeReply(Own->Request.Srb, Data, 8 + 8 * Count, NvmeGet32(&Cdb[6]));
}

/* Sense data comes with its command; there is never any left. */
UCHAR NvmeRequestSense(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	static const UCHAR Descriptor[8] = {SCSI_SENSE_ERRORCODE_DESCRIPTOR_CURRENT};
	static const SENSE_DATA Fixed = {.ErrorCode = SCSI_SENSE_ERRORCODE_FIXED_CURRENT,
		.AdditionalSenseLength = sizeof(Fixed) - 8};

	if (Cdb[1] & 1)
		return NvmeReply(Own->Request.Srb, Descriptor, sizeof(Descriptor), Cdb[4]);
	return NvmeReply(Own->Request.Srb, &Fixed, sizeof(Fixed), Cdb[4]);
}
