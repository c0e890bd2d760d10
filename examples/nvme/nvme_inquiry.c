/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * INQUIRY: standard data and the vital product data pages 00, 80, 83, B0, B1 and B2, made from what
 * the controller says of itself and its namespaces.
 */
#include "nvme.h"

static VOID NvmePut32(PUCHAR At, ULONG Value)
{
	*(ULONG UNALIGNED *)At = RtlUlongByteSwap(Value);
}

/* Each fills the page from its fifth byte on; how many bytes. */

static ULONG NvmePageSupported(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	static const UCHAR Pages[] = {0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2};

	RtlCopyMemory(At, Pages, sizeof(Pages));
	return sizeof(Pages);
}

static ULONG NvmePageSerial(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	static const UCHAR Digits[] = "0123456789ABCDEF";
	ULONG Nsid = (ULONG)(Namespace - Adapter->Namespaces) + 1;

	RtlCopyMemory(At, Adapter->Serial, sizeof(Adapter->Serial));
	At[20] = '_';
	At[21] = Digits[Nsid >> 4 & 0xF];
	At[22] = Digits[Nsid & 0xF];
	return 23;
}

static ULONG NvmePageIdentification(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	At[0] = VpdCodeSetBinary;
	At[1] = VpdIdentifierTypeEUI64;
	At[3] = sizeof(Namespace->Eui64);
	RtlCopyMemory(At + 4, Namespace->Eui64, sizeof(Namespace->Eui64));
	return 4 + sizeof(Namespace->Eui64);
}

static ULONG NvmePageLimits(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	NvmePut32(At + 4, Adapter->MaxBytes >> Namespace->BlockShift);
	NvmePut32(At + 16, MAXULONG); /* blocks and ranges of an UNMAP */
	NvmePut32(At + 20, NVME_MAX_RANGES);
	NvmePut32(At + 24, 1);
	NvmePut32(At + 36, 0x10000); /* blocks of a WRITE SAME, the lower half */
	return 60;
}

static ULONG NvmePageCharacteristics(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	At[1] = 1; /* does not rotate */
	return 60;
}

static ULONG NvmePageProvisioning(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At)
{
	At[1] = 0xC4; /* UNMAP, WRITE SAME (16); unmapped blocks read as zeros */
	At[2] = 0x02; /* thin */
	return 4;
}

typedef ULONG NVME_PAGE_MAKE(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PUCHAR At);

static UCHAR NvmeVitalPage(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	static const struct {
		UCHAR Code;
		NVME_PAGE_MAKE *Make;
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
		return NvmeReply(Srb, Data, 4u + Data[3], Cdb[3] << 8 | Cdb[4]);
	}
	return NvmeSense(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_INVALID_CDB, 0);
}

UCHAR NvmeInquiry(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PSCSI_REQUEST_BLOCK Srb)
{
	PUCHAR Cdb = (PUCHAR)SrbGetCdb(Srb);
	UCHAR Data[36] = {0};

	if (Cdb[1] & 1)
		return NvmeVitalPage(Adapter, Namespace, Srb, Cdb);
	if (Cdb[2] != 0)
		return NvmeSense(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_INVALID_CDB, 0);
	Data[2] = 6; /* SPC-4 */
	Data[3] = 2;
	Data[4] = sizeof(Data) - 5;
	Data[7] = 2; /* commands are queued */
	RtlCopyMemory(Data + 8, "NVMe    ", 8);
	RtlCopyMemory(Data + 16, Adapter->Model, 16);
	RtlCopyMemory(Data + 32, Adapter->Firmware, 4);
	return NvmeReply(Srb, Data, sizeof(Data), Cdb[3] << 8 | Cdb[4]);
}
