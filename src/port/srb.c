/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The SRB of a request, in the kind the miniport asked for (SrbTypeFlags): written afresh before
 * each start, read back after completion. Its memory, PORT_SRB_BYTES, holds for the extended kind
 *
 *	STORAGE_REQUEST_BLOCK with two offsets | STOR_ADDR_BTL8 | SRBEX_DATA_SCSI_CDB16, or of a
 *	CDB longer than 16 bytes _CDB32, longer than 32 _CDB_VAR | SRBEX_DATA_BIDIRECTIONAL of a
 *	command that has such data, or SRBEX_DATA_IO_INFO where its sender gave one
 */
#include "port/port.h"

#include <string.h>

#define ADDRESS_OFFSET PORT_SRB_ADDRESS_AT
#define CDB_OFFSET     PORT_SRB_CDB_AT
#define BOTH_OFFSET    PORT_SRB_BOTH_AT

_Static_assert(
	sizeof(STORAGE_REQUEST_BLOCK) <= ADDRESS_OFFSET, "room for the block and its offset");
_Static_assert(ADDRESS_OFFSET + sizeof(STOR_ADDR_BTL8) <= CDB_OFFSET, "room for the address");
_Static_assert(CDB_OFFSET + sizeof(SRBEX_DATA_SCSI_CDB32) <= BOTH_OFFSET, "room for the CDB");
_Static_assert(offsetof(struct port_unit, lun) == offsetof(struct port_unit, path) + 2 &&
		       offsetof(STOR_ADDR_BTL8, Lun) == offsetof(STOR_ADDR_BTL8, Path) + 2,
	"path, target, lun");
_Static_assert(offsetof(SRBEX_DATA_SCSI_CDB16, Cdb) == offsetof(SRBEX_DATA_SCSI_CDB32, Cdb),
	"both begin alike");
_Static_assert(
	CDB_OFFSET + offsetof(SRBEX_DATA_SCSI_CDB_VAR, Cdb) + PORT_CDB_MOST <= PORT_SRB_VAR_END &&
		PORT_SRB_VAR_END % 16 == 0,
	"room for the longest CDB");
_Static_assert(offsetof(SRBEX_DATA_SCSI_CDB_VAR, SenseInfoBufferLength) ==
			       offsetof(SRBEX_DATA_SCSI_CDB16, SenseInfoBufferLength) &&
		       offsetof(SRBEX_DATA_SCSI_CDB_VAR, ScsiStatus) ==
			       offsetof(SRBEX_DATA_SCSI_CDB16, ScsiStatus),
	"all have what is read back at one place");
_Static_assert(sizeof(SRBEX_DATA_BIDIRECTIONAL) <= sizeof(SRBEX_DATA_IO_INFO) &&
		       PORT_SRB_VAR_END + sizeof(SRBEX_DATA_IO_INFO) <= PORT_SRB_BYTES,
	"room for what comes behind");
_Static_assert(offsetof(STORAGE_REQUEST_BLOCK, SrbExDataOffset[2]) <= ADDRESS_OFFSET,
	"room for two offsets");
_Static_assert(sizeof(SCSI_REQUEST_BLOCK) <= PORT_SRB_BYTES, "room for the older kind");

/* READ and WRITE of 6, 10, 12 and 16 bytes, which are all of the operation codes that differ from
 * READ(6) in no other bits than these. */
static bool is_rw(const struct port_request *request)
{
	const uint8_t may_differ = (SCSIOP_READ6 ^ SCSIOP_WRITE6) | (SCSIOP_READ6 ^ SCSIOP_READ) |
				   (SCSIOP_READ6 ^ SCSIOP_READ16);

	return request->function == SRB_FUNCTION_EXECUTE_SCSI &&
	       !((request->cdb[0] ^ SCSIOP_READ6) & ~may_differ);
}

/* SB-4 and MapBuffers (4.6): whether the miniport sees the buffer's address. */
static inline void *visible(const struct port_request *request, void *data)
{
	const uint8_t map = request->adapter->limits.map_buffers;

	if (map == STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE)
		return data;
	if (map == STOR_MAP_NO_BUFFERS) /* */
		return request->function == SRB_FUNCTION_IO_CONTROL ||
				       request->function == SRB_FUNCTION_WMI ||
				       request->function == SRB_FUNCTION_PNP
			       ? data
			       : NULL;
	return is_rw(request) ? NULL : data;
}

static ULONG pnp_flags(const struct port_request *request)
{
	return request->unit == &request->adapter->self ? SRB_PNP_FLAGS_ADAPTER_REQUEST : 0;
}

/* Of the older kind those for PnP and power are structures of their own, whose fields lie elsewhere
 * in part: SCSI_PNP_REQUEST_BLOCK, SCSI_POWER_REQUEST_BLOCK. Where they are for the adapter as a
 * whole the address is reserved. */
static void prepare_adapters(struct port_request *request)
{
	PSCSI_PNP_REQUEST_BLOCK pnp = request->srb;
	PSCSI_POWER_REQUEST_BLOCK power = request->srb;

	if (request->unit == &request->adapter->self)
		pnp->PathId = pnp->TargetId = pnp->Lun = 0;
	if (request->function == SRB_FUNCTION_PNP) {
		pnp->PnPSubFunction = 0;
		pnp->PnPAction = (STOR_PNP_ACTION)request->action;
		pnp->SrbPnPFlags = pnp_flags(request);
		return;
	}
	power->SrbPowerFlags = SRB_POWER_FLAGS_ADAPTER_REQUEST;
	power->DevicePowerState = (STOR_DEVICE_POWER_STATE)request->power;
	power->PowerAction = (STOR_POWER_ACTION)request->action;
}

/* The same of the extended kind. */
static void prepare_adapters_extended(struct port_request *request)
{
	PSTORAGE_REQUEST_BLOCK srb = request->srb;
	void *data = (char *)request->srb + CDB_OFFSET;
	PSRBEX_DATA_PNP pnp = data;
	PSRBEX_DATA_POWER power = data;
	ULONG *offsets = srb->SrbExDataOffset;

	offsets[srb->NumSrbExData++] = CDB_OFFSET;
	if (request->function == SRB_FUNCTION_PNP) {
		pnp->Type = SrbExDataTypePnP;
		pnp->Length = SRBEX_DATA_PNP_LENGTH;
		pnp->PnPAction = (STOR_PNP_ACTION)request->action;
		pnp->SrbPnPFlags = pnp_flags(request);
		return;
	}
	power->Type = SrbExDataTypePower;
	power->Length = SRBEX_DATA_POWER_LENGTH;
	power->SrbPowerFlags = SRB_POWER_FLAGS_ADAPTER_REQUEST;
	power->DevicePowerState = (STOR_DEVICE_POWER_STATE)request->power;
	power->PowerAction = (STOR_POWER_ACTION)request->action;
}

static bool is_adapters(const struct port_request *request)
{
	return request->function == SRB_FUNCTION_PNP || request->function == SRB_FUNCTION_POWER;
}

/* ---- WMI ---- */

static UCHAR wmi_flags(const struct port_request *request)
{
	return request->unit == &request->adapter->self ? SRB_WMI_FLAGS_ADAPTER_REQUEST : 0;
}

static PVOID wmi_path(const struct port_request *request)
{
	PVOID path;

	memcpy(&path, request->cdb, sizeof(path));
	return path;
}

static void prepare_wmi(struct port_request *request)
{
	PSCSI_WMI_REQUEST_BLOCK srb = request->srb;

	srb->WMISubFunction = request->action;
	srb->Reserved1 = 0;
	srb->WMIFlags = wmi_flags(request);
	srb->Reserved2[0] = srb->Reserved2[1] = 0;
	srb->DataPath = wmi_path(request);
	memset(srb->Reserved5, 0, sizeof(srb->Reserved5));
}

static void prepare_wmi_extended(struct port_request *request)
{
	PSTORAGE_REQUEST_BLOCK srb = request->srb;
	PSRBEX_DATA_WMI wmi = (void *)((char *)request->srb + CDB_OFFSET);
	ULONG *offsets = srb->SrbExDataOffset;

	offsets[srb->NumSrbExData++] = CDB_OFFSET;
	wmi->Type = SrbExDataTypeWmi;
	wmi->Length = SRBEX_DATA_WMI_LENGTH;
	wmi->WMISubFunction = request->action;
	wmi->WMIFlags = wmi_flags(request);
	wmi->DataPath = wmi_path(request);
}

/* ---- the SRB ---- */

static inline uint8_t queue_action(const struct port_request *request)
{
	return unlikely(request->flags & PORT_FLAGS_WHOLE) ? request->action
							   : SRB_SIMPLE_TAG_REQUEST;
}

/* recover.c */
static void *aborted(const struct port_request *request)
{
	return atomic_load(&request->adapter->timed_out)->srb;
}

static __attribute__((noinline)) void prepare_scsi(struct port_request *request, uint32_t flags)
{
	PSCSI_REQUEST_BLOCK srb = request->srb;

	memset(srb, 0, sizeof(*srb));
	srb->Length = sizeof(*srb);
	srb->Function = request->function;
	srb->SrbStatus = SRB_STATUS_PENDING;
	srb->PathId = request->unit->path;
	srb->TargetId = request->unit->target;
	srb->Lun = request->unit->lun;
	srb->QueueTag = SP_UNTAGGED;
	srb->QueueAction = queue_action(request);
	srb->CdbLength = request->cdb_length;
	srb->SenseInfoBufferLength = PORT_SENSE_BYTES;
	srb->SrbFlags = flags;
	srb->DataTransferLength = request->length;
	srb->TimeOutValue = request->timeout;
	srb->DataBuffer = visible(request, request->data);
	srb->SenseInfoBuffer = request->sense;
	srb->SrbExtension = request->extension_shown;
	memcpy(srb->Cdb, request->cdb, sizeof(srb->Cdb));
	if (unlikely(is_adapters(request)))
		prepare_adapters(request);
	else if (unlikely(request->function == SRB_FUNCTION_WMI))
		prepare_wmi(request);
	else if (unlikely(request->function == SRB_FUNCTION_ABORT_COMMAND))
		srb->NextSrb = aborted(request);
}

static bool is_var(const struct port_request *request)
{
	return request->cdb_length > sizeof(((PSRBEX_DATA_SCSI_CDB32)0)->Cdb);
}

/* Where the second of an SRB's data is, behind the CDB. */
static uint32_t second_at(const struct port_request *request)
{
	return is_var(request) ? PORT_SRB_VAR_END : BOTH_OFFSET;
}

static void *second_add(struct port_request *request)
{
	PSTORAGE_REQUEST_BLOCK srb = request->srb;
	ULONG *offsets = srb->SrbExDataOffset;

	offsets[srb->NumSrbExData++] = second_at(request);
	return (char *)request->srb + second_at(request);
}

static void prepare_io_info(struct port_request *request)
{
	PSRBEX_DATA_IO_INFO info = second_add(request);

	*info = *request->io_info;
	info->Type = SrbExDataTypeIoInfo;
	info->Length = SRBEX_DATA_IO_INFO_LENGTH;
}

static void prepare_both_ways(struct port_request *request)
{
	PSRBEX_DATA_BIDIRECTIONAL both = second_add(request);

	both->Type = SrbExDataTypeBidirectional;
	both->Length = SRBEX_DATA_BIDIRECTIONAL_LENGTH;
	both->DataInTransferLength = request->in->length;
	both->DataInBuffer = visible(request, request->in->data);
}

static void prepare_cdb_var(struct port_request *request)
{
	PSTORAGE_REQUEST_BLOCK srb = request->srb;
	PSRBEX_DATA_SCSI_CDB_VAR cdb = (void *)((char *)request->srb + CDB_OFFSET);

	srb->NumSrbExData = 1;
	srb->SrbExDataOffset[0] = CDB_OFFSET;
	cdb->Type = SrbExDataTypeScsiCdbVar;
	cdb->Length = (ULONG)SRBEX_DATA_SCSI_CDB_VAR_LENGTH_MIN + request->cdb_length;
	cdb->CdbLength = request->cdb_length;
	cdb->SenseInfoBufferLength = PORT_SENSE_BYTES;
	cdb->SenseInfoBuffer = request->sense;
	memcpy(cdb->Cdb, request->cdb_whole, request->cdb_length);
}

static void lengthen(const struct port_request *request, PSRBEX_DATA_SCSI_CDB16 cdb)
{
	PSRBEX_DATA_SCSI_CDB32 cdb32 = (void *)cdb;

	cdb32->Type = SrbExDataTypeScsiCdb32;
	cdb32->Length = SRBEX_DATA_SCSI_CDB32_LENGTH;
	memcpy(cdb32->Cdb + sizeof(request->cdb), request->cdb_more, sizeof(request->cdb_more));
}

/* SRBs lie on lines of the cache. */
static inline void clear(void *srb, unsigned bytes)
{
	typedef uint64_t pair __attribute__((vector_size(16), may_alias));
	_Static_assert(BOTH_OFFSET % 16 == 0 && PORT_SRB_BYTES % 16 == 0, "whole pairs");

#pragma GCC unroll 13
	for (pair *at = srb, *end = at + bytes / sizeof(pair); at < end; at++)
		*at = (pair){0, 0};
}

/* What all of the extended kind have. */
static inline void prepare_block(struct port_request *request, uint32_t flags, uint32_t bytes)
{
	const struct port_unit *unit = request->unit;
	PSTORAGE_REQUEST_BLOCK srb = request->srb;
	PSTOR_ADDR_BTL8 address = (void *)((char *)request->srb + ADDRESS_OFFSET);

	clear(srb, bytes);
	srb->Length = sizeof(*srb);
	srb->Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
	srb->SrbStatus = SRB_STATUS_PENDING;
	srb->Signature = SRB_SIGNATURE;
	srb->Version = STORAGE_REQUEST_BLOCK_VERSION_1;
	srb->SrbLength = bytes;
	srb->SrbFunction = request->function;
	srb->SrbFlags = flags;
	srb->RequestPriority = (USHORT)port_request_priority(request);
	srb->RequestAttribute = queue_action(request);
	srb->TimeOutValue = request->timeout;
	srb->AddressOffset = ADDRESS_OFFSET;
	srb->DataTransferLength = request->length;
	srb->DataBuffer = visible(request, request->data);
	srb->MiniportContext = request->extension_shown;
	address->Type = STOR_ADDRESS_TYPE_BTL8;
	address->AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
	memcpy(&address->Path, &unit->path, 3); /* Target and Lun follow here and there */
}

static inline void prepare_cdb(struct port_request *request)
{
	PSTORAGE_REQUEST_BLOCK srb = request->srb;
	PSRBEX_DATA_SCSI_CDB16 cdb = (void *)((char *)request->srb + CDB_OFFSET);

	srb->NumSrbExData = 1;
	srb->SrbExDataOffset[0] = CDB_OFFSET;
	cdb->Type = SrbExDataTypeScsiCdb16;
	cdb->Length = SRBEX_DATA_SCSI_CDB16_LENGTH;
	cdb->CdbLength = request->cdb_length;
	cdb->SenseInfoBufferLength = PORT_SENSE_BYTES;
	cdb->SenseInfoBuffer = request->sense;
	memcpy(cdb->Cdb, request->cdb, sizeof(cdb->Cdb));
	if (unlikely(request->cdb_length > sizeof(request->cdb)))
		lengthen(request, cdb);
}

static __attribute__((noinline)) void prepare_extended_other(
	struct port_request *request, uint32_t flags)
{
	bool is_scsi = request->function == SRB_FUNCTION_EXECUTE_SCSI;
	bool has_info = request->flags & PORT_FLAGS_WHOLE && request->io_info;

	prepare_block(request, flags,
		request->in || has_info ? PORT_SRB_BYTES
		: is_scsi		? second_at(request)
					: BOTH_OFFSET);
	if (is_scsi && is_var(request))
		prepare_cdb_var(request);
	else if (is_scsi)
		prepare_cdb(request);
	if (request->in)
		prepare_both_ways(request);
	else if (has_info)
		prepare_io_info(request);
	if (is_adapters(request))
		prepare_adapters_extended(request);
	else if (request->function == SRB_FUNCTION_WMI)
		prepare_wmi_extended(request);
	else if (request->function == SRB_FUNCTION_ABORT_COMMAND)
		((PSTORAGE_REQUEST_BLOCK)request->srb)->NextSrb = aborted(request);
}

path_inline void prepare_extended(struct port_request *request, uint32_t flags)
{
	if (unlikely(request->function != SRB_FUNCTION_EXECUTE_SCSI || request->in ||
		     request->flags & PORT_FLAGS_WHOLE || is_var(request))) {
		prepare_extended_other(request, flags);
		return;
	}
	prepare_block(request, flags, BOTH_OFFSET);
	prepare_cdb(request);
}

path_inline void prepare(struct port_request *request)
{
	/* Nobody here ever releases a frozen queue, so none is asked for. */
	const uint32_t ours = SRB_FLAGS_NO_QUEUE_FREEZE | SRB_FLAGS_QUEUE_ACTION_ENABLE;
	uint32_t flags = (request->flags | (request->flags & PORT_FLAGS_WHOLE ? 0 : ours)) &
			 ~(uint32_t)SRB_FLAGS_PORT_DRIVER_RESERVED;

	if (request->adapter->limits.extended_srb)
		prepare_extended(request, flags);
	else
		prepare_scsi(request, flags);
}

void port_srb_prepare(struct port_request *request)
{
	prepare(request);
}

void port_srb_start(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;

	prepare(request);
	atomic_store_explicit(&request->state, PORT_REQUEST_STARTED, memory_order_release);
	adapter->model->start(adapter, request);
}

/* The places, here and in port_srb_collect_status, are those where prepare_* wrote: what the
 * miniport may have made of the block's own offsets and kind is not followed. */
static uint32_t in_length_of(const struct port_request *request)
{
	return ((PSRBEX_DATA_BIDIRECTIONAL)(void *)((char *)request->srb + second_at(request)))
		->DataInTransferLength;
}

static void collect_sense(struct port_request *request, bool is_valid)
{
	PSCSI_REQUEST_BLOCK plain = request->srb;
	PSRBEX_DATA_SCSI_CDB16 cdb = (void *)((char *)request->srb + CDB_OFFSET);
	bool extended = request->adapter->limits.extended_srb;
	uint8_t length = extended ? cdb->SenseInfoBufferLength : plain->SenseInfoBufferLength;

	request->scsi_status = extended ? cdb->ScsiStatus : plain->ScsiStatus;
	request->sense_length = is_valid ? min_of(length, PORT_SENSE_BYTES) : 0;
}

void port_srb_collect_rest(struct port_request *request)
{
	uint8_t status = ((PSCSI_REQUEST_BLOCK)request->srb)->SrbStatus;

	if (request->in)
		request->in->transferred = min_of(in_length_of(request), request->in->length);
	if (request->function == SRB_FUNCTION_EXECUTE_SCSI &&
		request->srb_status != SRB_STATUS_SUCCESS)
		collect_sense(request, status & SRB_STATUS_AUTOSENSE_VALID);
}

void port_srb_collect(struct port_request *request)
{
	if (!port_srb_collect_status(request))
		port_srb_collect_rest(request);
}
