/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Mode pages 08 (caching) and 0A (control), of which only the write cache can be changed, by a
 * feature of the controller; log pages 0D (temperature) and 2F (informational exceptions), from its
 * health log. The numbers are SPC-5's and SBC-4's.
 */
#include "nvme.h"

enum { NVME_CURRENT, NVME_CHANGEABLE, NVME_DEFAULT, NVME_SAVED }; /* page control */

#define NVME_WCE 0x04 /* in byte 2 of the caching page */

/* ---- mode pages ---- */

/* How many bytes, up to 20; 0: there is no such page. */
static ULONG NvmeModePage(PNVME_ADAPTER Adapter, UCHAR Code, UCHAR Control, PUCHAR Page)
{
	switch (Code) {
	case MODE_PAGE_CACHING:
		RtlZeroMemory(Page, 20);
		Page[0] = Code;
		Page[1] = 20 - 2;
		if (Control == NVME_CURRENT ? Adapter->CacheOn : Adapter->HasCache)
			Page[2] = NVME_WCE;
		return 20;
	case MODE_PAGE_CONTROL:
		RtlZeroMemory(Page, 12);
		Page[0] = Code;
		Page[1] = 12 - 2;
		if (Control != NVME_CHANGEABLE)
			Page[3] = 0x10; /* commands are reordered without restriction */
		return 12;
	default:
		return 0;
	}
}

UCHAR NvmeModeSense(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	static const UCHAR All[] = {MODE_PAGE_CACHING, MODE_PAGE_CONTROL};
	BOOLEAN IsLong = Cdb[0] == SCSIOP_MODE_SENSE10;
	UCHAR Data[8 + 20 + 12] = {0}, Code = Cdb[2] & 0x3F, Control = Cdb[2] >> 6;
	UCHAR Specific = MODE_DSP_FUA_SUPPORTED;
	ULONG Header = IsLong ? 8 : 4, Bytes = Header;

	for (ULONG i = 0; i < ARRAYSIZE(All); i++)
		if (Code == MODE_SENSE_RETURN_ALL || Code == All[i])
			Bytes += NvmeModePage(Adapter, All[i], Control, Data + Bytes);
	if (Bytes == Header || (Cdb[3] != 0 && Cdb[3] != 0xFF)) /* no such page, or subpage */
		return NvmeInvalidCdb(Own->Request.Srb);
	if (Control == NVME_SAVED) /* saving parameters not supported */
		return NvmeSense(Own->Request.Srb, SCSI_SENSE_ILLEGAL_REQUEST, 0x39, 0);
	if (Namespace->ReadOnly)
		Specific |= MODE_DSP_WRITE_PROTECT;
	if (IsLong) {
		NvmePut16(&Data[0], (USHORT)(Bytes - 2));
		Data[3] = Specific;
		return NvmeReply(Own->Request.Srb, Data, Bytes, NvmeGet16(&Cdb[7]));
	}
	Data[0] = (UCHAR)(Bytes - 1);
	Data[2] = Specific;
	return NvmeReply(Own->Request.Srb, Data, Bytes, Cdb[4]);
}

static VOID NvmeCacheSet(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done)
{
	if (NVME_STATUS(Done) == NVME_SUCCESS)
		Adapter->CacheOn = Request->Command.Dword11 & 1;
	NvmeFinish(Adapter, Request, Done);
}

/* Whether the page says nothing else than is so, changeable bits apart. */
static BOOLEAN NvmeModePageIsValid(PNVME_ADAPTER Adapter, const UCHAR *Page, ULONG Bytes)
{
	UCHAR Code = Page[0] & 0x3F, Current[20], Changeable[20];
	ULONG Length = NvmeModePage(Adapter, Code, NVME_CURRENT, Current);

	if (Length == 0 || Length > Bytes || Page[1] + 2u != Length)
		return FALSE;
	NvmeModePage(Adapter, Code, NVME_CHANGEABLE, Changeable);
	for (ULONG i = 2; i < Length; i++)
		if ((Page[i] ^ Current[i]) & ~Changeable[i])
			return FALSE;
	return TRUE;
}

UCHAR NvmeModeSelect(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	PSCSI_REQUEST_BLOCK Srb = Own->Request.Srb;
	PUCHAR List = SrbGetDataBuffer(Srb);
	BOOLEAN IsLong = Cdb[0] == SCSIOP_MODE_SELECT10, IsOn = Adapter->CacheOn, WasOn = IsOn;
	ULONG At = IsLong ? 8 : 4, Listed = IsLong ? NvmeGet16(&Cdb[7]) : Cdb[4];
	ULONG Bytes = min(SrbGetDataTransferLength(Srb), Listed);

	if ((Cdb[1] & 0x11) != 0x10) /* pages as they are written down, and not saved */
		return NvmeInvalidCdb(Srb);
	if (Bytes == 0)
		return SRB_STATUS_SUCCESS;
	if (Bytes < At || List == NULL)
		return NvmeSense(
			Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_PARAMETER_LIST_LENGTH, 0);
	At += IsLong ? NvmeGet16(&List[6]) : List[3]; /* block descriptors tell us nothing */
	for (; At + 2 <= Bytes; At += 2u + List[At + 1]) {
		if (!NvmeModePageIsValid(Adapter, &List[At], Bytes - At))
			return NvmeSense(Srb, SCSI_SENSE_ILLEGAL_REQUEST,
				SCSI_ADSENSE_INVALID_FIELD_PARAMETER_LIST, 0);
		if ((List[At] & 0x3F) == MODE_PAGE_CACHING)
			IsOn = (List[At + 2] & NVME_WCE) != 0;
	}
	if (IsOn == WasOn)
		return SRB_STATUS_SUCCESS;
	Own->Route = NVME_TO_ADMIN;
	Own->Request.Done = NvmeCacheSet;
	Own->Request.Command.Opcode = NVME_ADMIN_SET_FEATURES;
	Own->Request.Command.Nsid = 0; /* the controller's cache is one */
	Own->Request.Command.Dword10 = NVME_FEATURE_CACHE;
	Own->Request.Command.Dword11 = IsOn;
	return SRB_STATUS_PENDING;
}

/* ---- log pages ---- */

static UCHAR NvmeCelsius(const NVME_HEALTH *Health)
{
	return Health->Kelvin <= 273 ? 0 : (UCHAR)min(Health->Kelvin - 273, 0xFE);
}

/* Page 2F, parameter 0: what is wrong, as a qualifier of code 5D or 0B, and the temperature. */
static ULONG NvmeExceptions(const NVME_HEALTH *Health, PUCHAR At)
{
	At[2] = 0x03; /* a list in binary */
	At[3] = 4;
	if (Health->Critical & (NVME_CRITICAL_SPARE | NVME_CRITICAL_RELIABILITY)) {
		At[4] = SCSI_ADSENSE_FAILURE_PREDICTION_THRESHOLD_EXCEEDED;
	} else if (Health->Critical & NVME_CRITICAL_TEMPERATURE) {
		At[4] = SCSI_ADSENSE_WARNING;
		At[5] = 1; /* specified temperature exceeded */
	}
	At[6] = NvmeCelsius(Health);
	return 8;
}

static ULONG NvmeTemperature(const NVME_HEALTH *Health, PUCHAR At)
{
	At[2] = 0x03;
	At[3] = 2;
	At[5] = NvmeCelsius(Health);
	return 6;
}

static VOID NvmeHealthRead(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done)
{
	PNVME_SRB Own = CONTAINING_RECORD(Request, NVME_SRB, Request);
	PUCHAR Cdb = (PUCHAR)SrbGetCdb(Request->Srb);
	UCHAR Data[16] = {0};

	if (NVME_STATUS(Done) != NVME_SUCCESS) {
		NvmeFinish(Adapter, Request, Done);
		return;
	}
	Data[0] = Cdb[2] & 0x3F;
	Data[3] = (UCHAR)(Data[0] == 0x0D ? NvmeTemperature(&Own->Health, Data + 4)
					  : NvmeExceptions(&Own->Health, Data + 4));
	NvmeComplete(Adapter, Request->Srb,
		NvmeReply(Request->Srb, Data, 4u + Data[3], NvmeGet16(&Cdb[7])));
}

UCHAR NvmeLogSense(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb)
{
	static const UCHAR Supported[] = {0, 0, 0, 3, 0x00, 0x0D, 0x2F};
	PNVME_COMMAND Command = &Own->Request.Command;

	if (Cdb[1] & 1 || Cdb[3] != 0) /* saving; subpages */
		return NvmeInvalidCdb(Own->Request.Srb);
	switch (Cdb[2] & 0x3F) {
	case 0x00:
		return NvmeReply(
			Own->Request.Srb, Supported, sizeof(Supported), NvmeGet16(&Cdb[7]));
	case 0x0D:
	case 0x2F:
		Own->Route = NVME_TO_ADMIN;
		Own->Request.Done = NvmeHealthRead;
		Command->Opcode = NVME_ADMIN_GET_LOG;
		Command->Nsid = NVME_NSID_ALL; /* the whole controller's */
		Command->Dword10 = NVME_LOG(NVME_LOG_HEALTH, sizeof(NVME_HEALTH));
		NvmeSetOwnData(Adapter, Own, sizeof(NVME_HEALTH));
		return SRB_STATUS_PENDING;
	default:
		return NvmeInvalidCdb(Own->Request.Srb);
	}
}
