/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: IOCTL_STORAGE_QUERY_PROPERTY of a unit or an adapter. What a unit is, it is asked
 * when somebody asks for it: INQUIRY, vital product data, READ CAPACITY; each is a request of the
 * port that is waited for. What an adapter is stands in its limits. Before: ddi_port_control.c. See
 * order.h.
 */
#include "port/order.h"
#include "nt/nt.h"
#include "nt/os.h"

#include <ntddstor.h>
#include <stddef.h>
#include <string.h>

#define PROPERTY_TAG 0x72506f50 /* "PoPr" */
#define ROOM	     2048	/* of a descriptor */
#define SECONDS	     10
#define WAIT_SECONDS 60 /* for one that may not even be started */
#define TRIES	     3

/* A query. */
struct query {
	uint8_t data[256]; /* of the last command */
	uint32_t bytes;
	struct port_hba *hba;
	const struct port_unit_device *device; /* NULL: of the adapter */
	union {
		STORAGE_DESCRIPTOR_HEADER header;
		STORAGE_DEVICE_DESCRIPTOR device;
		STORAGE_ADAPTER_DESCRIPTOR adapter;
		STORAGE_DEVICE_ID_DESCRIPTOR id;
		STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR alignment;
		uint8_t room[ROOM];
	} of;
};

/* ---- a command ---- */

/* Its own memory, a page: who has waited in vain leaves it to the command. */
struct asked {
	uint8_t data[256]; /* first, and so aligned */
	PMDL mdl;
	KEVENT ended;
	_Atomic unsigned owners;
	NTSTATUS status;
	uint32_t bytes;
	bool again; /* nothing is wrong with the command itself */
};

static void asked_drop(struct asked *asked)
{
	if (atomic_fetch_sub(&asked->owners, 1) != 1)
		return;
	if (asked->mdl)
		IoFreeMdl(asked->mdl);
	nt_pool_free(asked);
}

/* What passes by itself: the unit tells of a reset first, or was in the midst of one. */
static bool is_passing(const struct port_request *request)
{
	const uint8_t *sense = request->sense;
	uint8_t code = sense[0] & 0x7f, key;

	switch (request->srb_status) {
	case SRB_STATUS_BUSY:
	case SRB_STATUS_BUS_RESET:
	case SRB_STATUS_ABORTED:
		return true;
	case SRB_STATUS_ERROR:
		if (request->sense_length < 3 || code < 0x70 || code > 0x73)
			return false;
		key = sense[code >= 0x72 ? 1 : 2] & 0xf;
		return key == SCSI_SENSE_UNIT_ATTENTION || key == SCSI_SENSE_ABORTED_COMMAND;
	default:
		return false;
	}
}

static void asked_done(struct port_request *request)
{
	struct asked *asked = request->ctx;
	bool is_short = request->srb_status == SRB_STATUS_DATA_OVERRUN;

	asked->status = is_short ? STATUS_SUCCESS : port_request_nt_status(request);
	asked->bytes = request->transferred;
	asked->again = is_passing(request);
	port_request_put(request);
	KeSetEvent(&asked->ended, IO_NO_INCREMENT, FALSE);
	asked_drop(asked);
}

/* A unit stays while it is looked at (unit.c). */
static NTSTATUS command_submit(struct query *query, const uint8_t *cdb, uint8_t cdb_length,
	uint32_t bytes, struct asked *asked)
{
	const struct port_unit_device *device = query->device;
	struct port_adapter *port = &query->hba->port;
	struct port_unit *unit = port_unit_find(port, device->path, device->target, device->lun);
	struct port_request *request;

	if (!unit || !port_hba_takes(query->hba))
		return STATUS_DEVICE_DOES_NOT_EXIST;
	request = port_request_get(port);
	if (!request)
		return STATUS_INSUFFICIENT_RESOURCES;
	request->unit = unit;
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->flags = SRB_FLAGS_DATA_IN;
	request->timeout = SECONDS;
	request->cdb_length = cdb_length;
	memset(request->cdb, 0, sizeof(request->cdb));
	memcpy(request->cdb, cdb, cdb_length);
	request->mdl = asked->mdl;
	request->data = asked->data;
	request->length = bytes;
	request->ctx = asked;
	request->done = asked_done;
	asked->owners = 2;
	port_request_submit(request);
	return STATUS_SUCCESS;
}

static NTSTATUS command_once(struct query *query, const uint8_t *cdb, uint8_t cdb_length,
	uint32_t bytes, struct asked *asked)
{
	LARGE_INTEGER wait = {.QuadPart = -WAIT_SECONDS * 10000000ll};
	NTSTATUS status;
	uint8_t irql;

	if (!port_order_describe(&asked->mdl, NULL, asked->data, bytes))
		return STATUS_INSUFFICIENT_RESOURCES;
	KeInitializeEvent(&asked->ended, NotificationEvent, FALSE);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	status = command_submit(query, cdb, cdb_length, bytes, asked);
	cpu_irql_lower(irql);
	if (!NT_SUCCESS(status))
		return status;
	if (KeWaitForSingleObject(&asked->ended, Executive, KernelMode, FALSE, &wait) ==
		STATUS_TIMEOUT)
		return STATUS_IO_TIMEOUT;
	memcpy(query->data, asked->data, bytes);
	query->bytes = min_of(asked->bytes, bytes);
	return asked->status;
}

/* PASSIVE. Its data are in query->data, with zeros behind. */
static NTSTATUS command(struct query *query, const uint8_t *cdb, uint8_t cdb_length, uint32_t bytes)
{
	NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
	bool again = true;

	for (unsigned tries = 0; again && tries < TRIES; tries++) {
		/* whole pages begin at one, which is enough for any AlignmentMask */
		struct asked *asked = nt_pool_alloc(PAGE_SIZE, PROPERTY_TAG, NULL, true);

		memset(query->data, 0, sizeof(query->data));
		query->bytes = 0;
		if (!asked)
			return STATUS_INSUFFICIENT_RESOURCES;
		memset(asked, 0, sizeof(*asked));
		asked->owners = 1;
		status = command_once(query, cdb, cdb_length, bytes, asked);
		again = status != STATUS_IO_TIMEOUT && asked->again;
		asked_drop(asked);
	}
	return status;
}

/* SPC-4, 6.6. page: negative, the standard data. */
static NTSTATUS inquiry(struct query *query, int page)
{
	const uint8_t bytes = 252;
	const uint8_t cdb[6] = {
		SCSIOP_INQUIRY, page >= 0, page >= 0 ? (uint8_t)page : 0, 0, bytes, 0};

	return command(query, cdb, sizeof(cdb), bytes);
}

/* A page of vital product data that its list names. STATUS_NOT_SUPPORTED: it is not there. */
static NTSTATUS vital(struct query *query, uint8_t page)
{
	NTSTATUS status = inquiry(query, 0);
	bool has_page = false;

	for (unsigned n = 0; NT_SUCCESS(status) && n < query->data[3] && 4 + n < query->bytes; n++)
		has_page |= query->data[4 + n] == page;
	if (!has_page)
		return STATUS_NOT_SUPPORTED;
	status = inquiry(query, page);
	if (NT_SUCCESS(status) && (query->data[1] != page || query->bytes < 4))
		return STATUS_NOT_SUPPORTED;
	return status;
}

/* How many bytes of the page there are behind its header. */
static uint32_t vital_bytes(const struct query *query)
{
	return min_of((uint32_t)(query->data[2] << 8 | query->data[3]), query->bytes - 4);
}

/* ---- a unit ---- */

/* What the driver has set, else what its INF has; else it is a SCSI port's. */
static uint8_t bus_type(const struct port_hba *hba)
{
	uint8_t named = hba->bus_type ? hba->bus_type : (uint8_t)hba->entries.bus_type;

	return named ? named : BusTypeScsi;
}

/* A unit's may be another. */
static uint32_t unit_bus_type(const struct query *query)
{
	uint32_t named = port_hba_unit_bus_type(query->hba, query->device);

	return named ? named : bus_type(query->hba);
}

static void descriptor_begin(struct query *query, uint32_t version, uint32_t bytes)
{
	query->of.header.Version = version;
	query->of.header.Size = bytes;
}

/* A string at the descriptor's end; its offset there, 0 if it is empty. Not inlined: gcc's warnings
 * would take the union for its header there. */
static __attribute__((noinline)) ULONG string_add(
	struct query *query, const void *from, uint32_t bytes)
{
	ULONG at = query->of.header.Size;

	if (!bytes || at + bytes + 1 > ROOM)
		return 0;
	memcpy(query->of.room + at, from, bytes);
	query->of.room[at + bytes] = 0;
	query->of.header.Size = at + bytes + 1;
	return at;
}

/* The standard INQUIRY data are its raw properties; the strings are those of it, as they are. */
static NTSTATUS device_property(struct query *query)
{
	const uint32_t head = offsetof(STORAGE_DEVICE_DESCRIPTOR, RawDeviceProperties);
	PSTORAGE_DEVICE_DESCRIPTOR of = &query->of.device;
	NTSTATUS status = inquiry(query, -1);
	const uint8_t *data = query->data;

	if (!NT_SUCCESS(status))
		return status;
	if (query->bytes < 36)
		return STATUS_IO_DEVICE_ERROR;
	descriptor_begin(query, sizeof(*of), head + query->bytes);
	of->DeviceType = data[0] & 0x1f;
	of->DeviceTypeModifier = data[1] & 0x7f;
	of->RemovableMedia = data[1] >> 7;
	of->CommandQueueing = data[7] >> 1 & 1;
	of->BusType = (STORAGE_BUS_TYPE)unit_bus_type(query);
	of->RawPropertiesLength = query->bytes;
	memcpy(of->RawDeviceProperties, data, query->bytes);
	of->VendorIdOffset = string_add(query, data + 8, 8);
	of->ProductIdOffset = string_add(query, data + 16, 16);
	of->ProductRevisionOffset = string_add(query, data + 32, 4);
	if (NT_SUCCESS(vital(query, 0x80)))
		of->SerialNumberOffset = string_add(query, data + 4, vital_bytes(query));
	return STATUS_SUCCESS;
}

/* One designation descriptor (SPC-4, 7.8.6.1) at the end; its length there, 0: no more. */
static uint32_t identifier_add(struct query *query, uint32_t at, uint32_t end)
{
	const uint32_t head = offsetof(STORAGE_IDENTIFIER, Identifier);
	const uint8_t *from = query->data + at;
	uint32_t bytes = at + 4 <= end ? from[3] : 0;
	uint32_t place = query->of.header.Size;
	PSTORAGE_IDENTIFIER to = (PVOID)(query->of.room + place);
	uint32_t room = round_up(head + bytes, (uint32_t)sizeof(ULONG));

	if (at + 4 > end || bytes > end - at - 4 || place + room > ROOM)
		return 0;
	memset(to, 0, room);
	to->CodeSet = (STORAGE_IDENTIFIER_CODE_SET)(from[0] & 0xf);
	to->Type = (STORAGE_IDENTIFIER_TYPE)(from[1] & 0xf);
	to->Association = (STORAGE_ASSOCIATION_TYPE)(from[1] >> 4 & 3);
	to->IdentifierSize = (USHORT)bytes;
	to->NextOffset = (USHORT)room; /* of the last: where another would be */
	memcpy(to->Identifier, from + 4, bytes);
	query->of.header.Size = place + room;
	query->of.id.NumberOfIdentifiers++;
	return bytes + 4;
}

static NTSTATUS id_property(struct query *query)
{
	NTSTATUS status = vital(query, 0x83);
	uint32_t at = 4, bytes, end;

	if (!NT_SUCCESS(status))
		return status;
	end = 4 + vital_bytes(query);
	descriptor_begin(query, sizeof(STORAGE_DEVICE_ID_DESCRIPTOR),
		offsetof(STORAGE_DEVICE_ID_DESCRIPTOR, Identifiers));
	while ((bytes = identifier_add(query, at, end)))
		at += bytes;
	return STATUS_SUCCESS;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* SBC-3, 5.16: how many logical blocks a physical one has, and which is the first that begins one.
 */
static NTSTATUS alignment_property(struct query *query)
{
	const uint8_t cdb16[16] = {SCSIOP_READ_CAPACITY16, 0x10, [13] = 32};
	const uint8_t cdb10[10] = {SCSIOP_READ_CAPACITY};
	PSTORAGE_ACCESS_ALIGNMENT_DESCRIPTOR of = &query->of.alignment;
	uint32_t logical = 0, count = 1, lowest = 0;
	NTSTATUS status = command(query, cdb16, sizeof(cdb16), 32);

	if (NT_SUCCESS(status) && query->bytes >= 16) {
		logical = get32(query->data + 8);
		count = 1u << (query->data[13] & 0xf);
		lowest = (get32(query->data + 12) & 0x3fff) % count;
	} else {
		status = command(query, cdb10, sizeof(cdb10), 8);
		logical = get32(query->data + 4);
		if (NT_SUCCESS(status) && query->bytes < 8)
			status = STATUS_IO_DEVICE_ERROR;
	}
	if (!NT_SUCCESS(status))
		return status;
	descriptor_begin(query, sizeof(*of), sizeof(*of));
	of->BytesPerLogicalSector = logical;
	of->BytesPerPhysicalSector = logical * count;
	of->BytesOffsetForSectorAlignment = (count - lowest) % count * logical;
	return STATUS_SUCCESS;
}

/* ---- an adapter ---- */

static NTSTATUS adapter_property(struct query *query)
{
	const struct port_limits *limits = &query->hba->port.limits;
	PSTORAGE_ADAPTER_DESCRIPTOR of = &query->of.adapter;
	uint32_t bytes = nt_os_has(NT_OS_8) ? sizeof(*of) : NO_SRBTYPE_ADAPTER_DESCRIPTOR_SIZE;

	descriptor_begin(query, bytes, bytes);
	of->MaximumTransferLength = limits->max_transfer;
	of->MaximumPhysicalPages = limits->max_elements;
	of->AlignmentMask = limits->alignment_mask;
	of->CommandQueueing = TRUE;
	of->BusType = bus_type(query->hba);
	of->SrbType =
		limits->extended_srb ? SRB_TYPE_STORAGE_REQUEST_BLOCK : SRB_TYPE_SCSI_REQUEST_BLOCK;
	of->AddressType = STORAGE_ADDRESS_TYPE_BTL8;
	return STATUS_SUCCESS;
}

/* ---- queries ---- */

static const struct property {
	STORAGE_PROPERTY_ID id;
	bool is_units; /* an adapter has it not */
	NTSTATUS (*fill)(struct query *query);
} properties[] = {
	{StorageDeviceProperty, true, device_property},
	{StorageAdapterProperty, false, adapter_property},
	{StorageDeviceIdProperty, true, id_property},
	{StorageAccessAlignmentProperty, true, alignment_property},
};

/* NULL: nobody here knows it. */
static const struct property *property_of(STORAGE_PROPERTY_ID id)
{
	for (size_t n = 0; n < array_size(properties); n++)
		if (properties[n].id == id)
			return &properties[n];
	return NULL;
}

static NTSTATUS judge(const STORAGE_PROPERTY_QUERY *asks, ULONG bytes, bool is_unit)
{
	const struct property *property;

	if (!asks || bytes < sizeof(*asks) || (unsigned)asks->QueryType >= PropertyQueryMaxDefined)
		return STATUS_INVALID_PARAMETER;
	property = property_of(asks->PropertyId);
	if (!property || asks->QueryType == PropertyMaskQuery)
		return STATUS_NOT_SUPPORTED;
	/* "Attempting to retrieve device properties from an adapter causes an error." */
	return property->is_units && !is_unit ? STATUS_INVALID_DEVICE_REQUEST : STATUS_SUCCESS;
}

NTSTATUS port_property_query(struct port_hba *hba, const struct port_unit_device *device, PIRP irp)
{
	const IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	const STORAGE_PROPERTY_QUERY *asks = irp->AssociatedIrp.SystemBuffer;
	ULONG room = stack->Parameters.DeviceIoControl.OutputBufferLength;
	NTSTATUS status =
		judge(asks, stack->Parameters.DeviceIoControl.InputBufferLength, device != NULL);
	struct query *query;

	if (!NT_SUCCESS(status))
		return port_irp_refuse(irp, status);
	query = nt_pool_alloc(PAGE_SIZE, PROPERTY_TAG, NULL, true);
	if (!query)
		return port_irp_refuse(irp, STATUS_INSUFFICIENT_RESOURCES);
	memset(query, 0, sizeof(*query));
	query->hba = hba;
	query->device = device;
	status = property_of(asks->PropertyId)->fill(query);
	irp->IoStatus.Information = 0;
	/* As much as there is room for: the header says how much there is. */
	if (NT_SUCCESS(status) && asks->QueryType == PropertyStandardQuery) {
		irp->IoStatus.Information = min_of(room, query->of.header.Size);
		memcpy(irp->AssociatedIrp.SystemBuffer, query->of.room, irp->IoStatus.Information);
	}
	nt_pool_free(query);
	return port_irp_end(irp, status);
}
