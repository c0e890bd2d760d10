/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A unit that is asked by IRPs. Its miniport answers READ (10) with a pattern, WRITE (10) by
 * keeping what it gets, READ CAPACITY with an error and sense data; INQUIRY is short.
 */
#ifndef TESTS_PORT_ASKED_H
#define TESTS_PORT_ASKED_H

#include "../storport/world.h"

#include <ntddscsi.h>

#define BYTES 1024

static struct {
	UCHAR written[BYTES];
	UCHAR function, cdb[255], cdb_length;
	SRBEX_DATA_IO_INFO io_info; /* of an extended one that has it; else zeros */
	ULONG srb_length, data_count;
	ULONG flags, timeout, length;
	ULONG flags_of_info, key; /* by StorPortGetRequestInfo */
	unsigned lun, sent;
	struct {
		UCHAR number, attribute; /* the CDB's third byte */
		USHORT priority;
		STOR_IO_PRIORITY_HINT hint;
	} turns[8];
} log_;

static struct port_unit *unit;

/* XDWRITEREAD (10): what it is sent, turned round, as much as there is room for, but 8 bytes. */
static inline UCHAR both_ways(PSTORAGE_REQUEST_BLOCK srb)
{
	PSRBEX_DATA_BIDIRECTIONAL both =
		(PVOID)SrbGetSrbExDataByType(srb, SrbExDataTypeBidirectional);
	const UCHAR *out = srb->DataBuffer;
	ULONG bytes;

	if (!both)
		return SRB_STATUS_INVALID_REQUEST;
	bytes = min_of(both->DataInTransferLength, srb->DataTransferLength) - 8;
	for (ULONG n = 0; n < bytes; n++)
		((PUCHAR)both->DataInBuffer)[n] = out[bytes - 1 - n];
	both->DataInTransferLength = bytes;
	return SRB_STATUS_SUCCESS;
}

static inline UCHAR answer(PSCSI_REQUEST_BLOCK srb)
{
	PSENSE_DATA sense = SrbGetSenseInfoBuffer(srb);
	PUCHAR data = SrbGetDataBuffer(srb);

	switch (log_.cdb[0]) {
	case SCSIOP_READ:
		if (data)
			memset(data, 0x5a, log_.length);
		return SRB_STATUS_SUCCESS;
	case SCSIOP_WRITE:
		if (data)
			memcpy(log_.written, data, log_.length);
		return SRB_STATUS_SUCCESS;
	case 0x53:
		return both_ways((PVOID)srb);
	case SCSIOP_INQUIRY:
		memset(data, 0x11, 36);
		SrbSetDataTransferLength(srb, 36);
		return SRB_STATUS_DATA_OVERRUN;
	default:
		sense->ErrorCode = 0x70;
		sense->SenseKey = SCSI_SENSE_ILLEGAL_REQUEST;
		SrbSetScsiStatus(srb, SCSISTAT_CHECK_CONDITION);
		SrbSetSenseInfoBufferLength(srb, 18);
		SrbSetDataTransferLength(srb, 0);
		return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
	}
}

static inline UCHAR control(PSRB_IO_CONTROL io)
{
	if (memcmp(io->Signature, "DRYTEST!", 8))
		return SRB_STATUS_INVALID_REQUEST;
	io->ReturnCode = io->ControlCode + 1;
	if (io->Length)
		memset(io + 1, 0x77, io->Length);
	return SRB_STATUS_SUCCESS;
}

static inline void turn_log(PSCSI_REQUEST_BLOCK srb)
{
	STOR_REQUEST_INFO info = {
		.Version = STOR_REQUEST_INFO_VER_1, .Size = sizeof(STOR_REQUEST_INFO)};
	unsigned n = log_.sent % array_size(log_.turns);

	StorPortGetRequestInfo(world.adapter->hba.extension, srb, &info);
	log_.turns[n].hint = info.PriorityHint;
	log_.turns[n].attribute = (UCHAR)SrbGetRequestAttribute(srb);
	if (srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK) {
		PSTORAGE_REQUEST_BLOCK extended = (PVOID)srb;
		PSRBEX_DATA_IO_INFO more =
			(PVOID)SrbGetSrbExDataByType(extended, SrbExDataTypeIoInfo);

		log_.turns[n].priority = extended->RequestPriority;
		log_.srb_length = extended->SrbLength;
		log_.data_count = extended->NumSrbExData;
		log_.io_info = more ? *more : (SRBEX_DATA_IO_INFO){.Type = 0};
	}
	log_.flags_of_info = info.Flags;
	log_.key = info.Key;
	if (SrbGetSrbFunction(srb) == SRB_FUNCTION_EXECUTE_SCSI)
		log_.turns[n].number = ((PUCHAR)SrbGetCdb(srb))[2];
}

static inline BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
	UCHAR status = SRB_STATUS_SUCCESS;

	turn_log(srb);
	log_.sent++;
	log_.function = (UCHAR)SrbGetSrbFunction(srb);
	log_.flags = SrbGetSrbFlags(srb);
	log_.timeout = SrbGetTimeOutValue(srb);
	log_.length = SrbGetDataTransferLength(srb);
	log_.lun = SrbGetLun(srb);
	if (log_.function == SRB_FUNCTION_EXECUTE_SCSI) {
		log_.cdb_length = SrbGetCdbLength(srb);
		memcpy(log_.cdb, SrbGetCdb(srb), min_of(log_.cdb_length, sizeof(log_.cdb)));
		status = answer(srb);
	} else if (log_.function == SRB_FUNCTION_IO_CONTROL) {
		status = control(SrbGetDataBuffer(srb));
	}
	world_give_back(srb, status);
	return TRUE;
}

static inline void set_up(bool plain)
{
	memset(&log_, 0, sizeof(log_));
	miniport.plain = plain;
	miniport.start_io = start_io;
	miniport.map_buffers = STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE;
}

static inline void unit_there(void)
{
	unit = port_unit_add(&world.adapter->hba.port, 0, 1, 5);
	port_hba_unit_found(unit);
	memset(&log_, 0, sizeof(log_));
}

static inline NTSTATUS ioctl(
	PDEVICE_OBJECT device, ULONG code, PVOID data, ULONG in, ULONG out, ULONG_PTR *returned)
{
	IO_STATUS_BLOCK status = {.Information = 99};
	KEVENT event;
	PIRP irp;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	irp = IoBuildDeviceIoControlRequest(
		code, device, data, in, data, out, FALSE, &event, &status);
	if (IoCallDriver(device, irp) == STATUS_PENDING)
		KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
	*returned = status.Information;
	return status.Status;
}

#endif
