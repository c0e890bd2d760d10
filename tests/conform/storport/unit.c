/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Commands that the miniport answers itself: what asks for the units, of which the controller has
 * but one. Layouts are SPC-4's and SBC-3's. See conform.h.
 */
#include "conform.h"

static UCHAR Sense(PSCSI_REQUEST_BLOCK Srb, UCHAR Key, UCHAR Code)
{
	PSENSE_DATA Data = SrbGetSenseInfoBuffer(Srb);

	SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
	RtlZeroMemory(Data, sizeof(*Data));
	Data->ErrorCode = 0x70;
	Data->SenseKey = Key;
	Data->AdditionalSenseLength = sizeof(*Data) - 8;
	Data->AdditionalSenseCode = Code;
	return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
}

/* SB-10: less than was asked for is an "overrun" with the length that there was. */
static UCHAR Give(PSCSI_REQUEST_BLOCK Srb, const UCHAR *Data, ULONG Bytes)
{
	ULONG Room = SrbGetDataTransferLength(Srb);

	RtlCopyMemory(SrbGetDataBuffer(Srb), Data, min(Bytes, Room));
	if (Bytes >= Room)
		return SRB_STATUS_SUCCESS;
	SrbSetDataTransferLength(Srb, Bytes);
	return SRB_STATUS_DATA_OVERRUN;
}

/* Its extension counts the INQUIRYs, as the unit does. */
static VOID CheckUnitExtension(PCF_ADAPTER A, CF_UNIT *Unit, UCHAR Path, UCHAR Target, UCHAR Lun)
{
	PULONG64 Extension = StorPortGetLogicalUnit(A, Path, Target, Lun);

	SEE_TRUE(UnitExtension, Extension != NULL);
	if (Extension != NULL)
		SEE(UnitExtension, Unit->Asked, ++*Extension);
	SEE(NoUnitExtension, 0, (ULONG_PTR)StorPortGetLogicalUnit(A, 7, Target, Lun));
}

static UCHAR Inquiry(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb, PUCHAR Cdb)
{
	UCHAR Data[36] = {0, 0, 6, 2, sizeof(Data) - 5, 0, 0, 2};
	CF_UNIT *Unit = &A->Unit[CfUnitOf(Srb)];
	UCHAR Path = SrbGetPathId(Srb), Target = SrbGetTargetId(Srb), Lun = SrbGetLun(Srb);

	InterlockedIncrement(&Unit->Asked);
	CheckUnitExtension(A, Unit, Path, Target, Lun);
	if (!Unit->HasDepth) { /* the earliest moment */
		Unit->HasDepth = TRUE;
		SEE(FirstInquiry, TRUE,
			StorPortSetDeviceQueueDepth(A, Path, Target, Lun, CF_DEPTH));
		SEE(BadDepth, FALSE, StorPortSetDeviceQueueDepth(A, Path, Target, Lun, 0));
		SEE(BadDepth, FALSE, StorPortSetDeviceQueueDepth(A, Path, Target, Lun, 256));
	}
	if (Cdb[1] & 1)
		return Sense(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_INVALID_CDB);
	RtlCopyMemory(Data + 8, "DRYPORT CONFORM DISK    1.0 ", 28);
	return Give(Srb, Data, sizeof(Data));
}

static UCHAR Capacity(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	ULONG Data[2] = {RtlUlongByteSwap(A->Slice - 1), RtlUlongByteSwap(CF_BLOCK)};

	return Give(Srb, (PUCHAR)Data, sizeof(Data));
}

static UCHAR Luns(PSCSI_REQUEST_BLOCK Srb)
{
	UCHAR Data[8 + 8 * CF_LUNS] = {0, 0, 0, 8 * CF_LUNS};

	for (UCHAR n = 0; n < CF_LUNS; n++)
		Data[8 + 8 * n + 1] = n;
	return Give(Srb, Data, sizeof(Data));
}

/* The caching page: a write cache, so that flushes come. */
static UCHAR Mode(PSCSI_REQUEST_BLOCK Srb)
{
	UCHAR Data[24] = {sizeof(Data) - 1, 0, 0x10, 0, 0x08, 18, 0x04};

	return Give(Srb, Data, sizeof(Data));
}

static UCHAR Command(PCF_ADAPTER A, PSCSI_REQUEST_BLOCK Srb)
{
	PUCHAR Cdb = (PUCHAR)SrbGetCdb(Srb);

	switch (Cdb[0]) {
	case SCSIOP_INQUIRY:
		return Inquiry(A, Srb, Cdb);
	case SCSIOP_READ_CAPACITY:
		return Capacity(A, Srb);
	case SCSIOP_REPORT_LUNS:
		return Luns(Srb);
	case SCSIOP_MODE_SENSE:
		return Mode(Srb);
	case SCSIOP_TEST_UNIT_READY:
		return SRB_STATUS_SUCCESS;
	case SCSIOP_SYNCHRONIZE_CACHE:
		return SRB_STATUS_PENDING;
	default:
		return Sense(Srb, SCSI_SENSE_ILLEGAL_REQUEST, SCSI_ADSENSE_ILLEGAL_COMMAND);
	}
}

UCHAR CfAnswer(PCF_ADAPTER A, PCF_REQUEST Request)
{
	switch (SrbGetSrbFunction(Request->Srb)) {
	case SRB_FUNCTION_EXECUTE_SCSI:
		return Request->IsData ? SRB_STATUS_PENDING : Command(A, Request->Srb);
	case SRB_FUNCTION_FLUSH:
	case SRB_FUNCTION_SHUTDOWN:
		return SRB_STATUS_PENDING;
	case SRB_FUNCTION_IO_CONTROL:
		return CfAnswerIoControl(A, Request->Srb);
	default:
		return SRB_STATUS_INVALID_REQUEST;
	}
}
