/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: SCSI commands that come as device controls of a unit: IOCTL_SCSI_PASS_THROUGH and
 * _EX, whose data lie behind the structure in the IRP's buffer; _DIRECT and _DIRECT_EX, whose data
 * lie where the structure says, and are locked there. The extended ones have longer CDBs and data
 * in both directions, and are for miniports that take STORAGE_REQUEST_BLOCK. Before:
 * ddi_port_control.c; after: ddi_port_request.c. See order.h.
 */
#include "port/order.h"
#include "nt/mdl.h"

#include <string.h>

/* Data that go one way. */
struct side {
	uint32_t bytes;
	uint64_t at; /* from the structure's beginning; of a direct one an address */
};

/* What the four structures say. */
struct pass {
	bool is_direct, is_extended;
	uint8_t direction, sense_bytes;
	uint32_t bytes; /* of the structure */
	uint32_t cdb_length, cdb_at;
	uint32_t seconds;
	uint32_t sense_at;
	uint32_t address_at, address_bytes;
	struct side out, in;
};

/* ---- the end ---- */

/* Whether the unit itself has answered, however. */
static bool has_answered(const struct port_request *request)
{
	return request->srb_status == SRB_STATUS_SUCCESS ||
	       request->srb_status == SRB_STATUS_DATA_OVERRUN ||
	       (request->srb_status == SRB_STATUS_ERROR && request->scsi_status);
}

/* Sense data to where they are wanted. How far the answer reaches, from `reach` on. */
static ULONG_PTR sense_give(
	void *base, uint32_t at, uint8_t *room, const struct port_request *request, ULONG_PTR reach)
{
	uint8_t bytes = min_of(request->sense_length, *room);

	*room = bytes;
	if (!bytes)
		return reach;
	memcpy((char *)base + at, request->sense, bytes);
	return max_of(reach, (ULONG_PTR)at + bytes);
}

static NTSTATUS pass_end(struct port_order *order, const struct port_request *request)
{
	PSCSI_PASS_THROUGH pass = order->pass;
	ULONG_PTR reach;

	order->irp->IoStatus.Information = 0;
	if (!has_answered(request))
		return port_request_nt_status(request);
	pass->ScsiStatus = request->scsi_status;
	pass->DataTransferLength = request->transferred;
	reach = sense_give(
		pass, pass->SenseInfoOffset, &pass->SenseInfoLength, request, sizeof(*pass));
	if (!order->is_locked && pass->DataIn == SCSI_IOCTL_DATA_IN && request->transferred)
		reach = max_of(reach, pass->DataBufferOffset + request->transferred);
	order->irp->IoStatus.Information = reach;
	return STATUS_SUCCESS;
}

static NTSTATUS extended_end(struct port_order *order, const struct port_request *request)
{
	PSCSI_PASS_THROUGH_EX pass = order->pass_ex;
	ULONG_PTR reach;
	uint32_t in = 0;

	order->irp->IoStatus.Information = 0;
	if (!has_answered(request))
		return port_request_nt_status(request);
	if (pass->DataDirection == SCSI_IOCTL_DATA_BIDIRECTIONAL)
		in = request->in->transferred;
	else if (pass->DataDirection == SCSI_IOCTL_DATA_IN)
		in = request->transferred;
	if (pass->DataOutTransferLength)
		pass->DataOutTransferLength = request->transferred;
	pass->DataInTransferLength = in;
	pass->ScsiStatus = request->scsi_status;
	reach = sense_give(
		pass, pass->SenseInfoOffset, &pass->SenseInfoLength, request, sizeof(*pass));
	if (!order->is_locked && in)
		reach = max_of(reach, pass->DataInBufferOffset + in);
	order->irp->IoStatus.Information = reach;
	return STATUS_SUCCESS;
}

/* ---- the beginning ---- */

static void classic_read(const SCSI_PASS_THROUGH *from, struct pass *pass)
{
	const struct side data = {from->DataTransferLength, from->DataBufferOffset};
	bool is_in = from->DataIn == SCSI_IOCTL_DATA_IN;

	pass->direction = from->DataIn;
	pass->sense_bytes = from->SenseInfoLength;
	pass->cdb_length = from->CdbLength;
	pass->cdb_at = offsetof(SCSI_PASS_THROUGH, Cdb);
	pass->seconds = from->TimeOutValue;
	pass->sense_at = from->SenseInfoOffset;
	*(is_in ? &pass->in : &pass->out) = data;
}

static void extended_read(const SCSI_PASS_THROUGH_EX *from, struct pass *pass)
{
	pass->direction = from->DataDirection;
	pass->sense_bytes = from->SenseInfoLength;
	pass->cdb_length = from->CdbLength;
	pass->cdb_at = offsetof(SCSI_PASS_THROUGH_EX, Cdb);
	pass->seconds = from->TimeOutValue;
	pass->sense_at = from->SenseInfoOffset;
	pass->address_at = from->StorAddressOffset;
	pass->address_bytes = from->StorAddressLength;
	pass->out = (struct side){from->DataOutTransferLength, from->DataOutBufferOffset};
	pass->in = (struct side){from->DataInTransferLength, from->DataInBufferOffset};
}

/* Which ways data may go. */
static bool is_direction_good(const struct pass *pass)
{
	switch (pass->direction) {
	case SCSI_IOCTL_DATA_OUT:
		return !pass->in.bytes;
	case SCSI_IOCTL_DATA_IN:
		return !pass->out.bytes;
	case SCSI_IOCTL_DATA_UNSPECIFIED:
		return !pass->in.bytes && !pass->out.bytes;
	case SCSI_IOCTL_DATA_BIDIRECTIONAL:
		return pass->is_extended && pass->in.bytes && pass->out.bytes;
	default:
		return false;
	}
}

struct region {
	uint64_t at, bytes, room;
};

/* Whether each lies in its room, and none in another. */
static bool are_apart(const struct region *regions, unsigned count)
{
	for (unsigned n = 0; n < count; n++) {
		const struct region *r = &regions[n];

		if (!r->bytes)
			continue;
		if (r->at > r->room || r->bytes > r->room - r->at)
			return false;
		for (unsigned i = 0; i < n; i++)
			if (regions[i].bytes && r->at < regions[i].at + regions[i].bytes &&
				regions[i].at < r->at + r->bytes)
				return false;
	}
	return true;
}

/* in, out: the IRP's lengths. What is read lies in the first, what is written in the second. */
static bool are_places_good(const struct pass *pass, ULONG in, ULONG out)
{
	uint64_t cdb_end = (uint64_t)pass->cdb_at + pass->cdb_length;
	const struct region regions[] = {
		{0, max_of((uint64_t)pass->bytes, cdb_end), in},
		{pass->address_at, pass->address_bytes, in},
		{pass->sense_at, pass->sense_bytes, out},
		{pass->out.at, pass->is_direct ? 0 : pass->out.bytes, in},
		{pass->in.at, pass->is_direct ? 0 : pass->in.bytes, out},
	};

	return are_apart(regions, array_size(regions));
}

static bool is_side_good(const struct port_hba *hba, const void *base, const struct pass *pass,
	const struct side *side)
{
	uint64_t at = side->at + (pass->is_direct ? 0 : (uintptr_t)base);

	return !side->bytes || (side->bytes <= hba->port.limits.max_transfer &&
				       !(at & hba->port.limits.alignment_mask));
}

static bool is_good(
	const struct port_hba *hba, const void *base, const struct pass *pass, ULONG in, ULONG out)
{
	uint32_t cdb_most =
		pass->is_extended ? PORT_CDB_MOST : sizeof(((SCSI_PASS_THROUGH *)0)->Cdb);

	return pass->cdb_length && pass->cdb_length <= cdb_most && pass->seconds &&
	       is_direction_good(pass) &&
	       (!pass->is_extended || pass->address_bytes >= sizeof(STOR_ADDR_BTL8)) &&
	       are_places_good(pass, in, out) && is_side_good(hba, base, pass, &pass->out) &&
	       is_side_good(hba, base, pass, &pass->in);
}

static NTSTATUS pass_judge(const struct port_hba *hba, PIRP irp, struct pass *pass)
{
	const IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	const ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
	const ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
	const void *base = irp->AssociatedIrp.SystemBuffer;
	const SCSI_PASS_THROUGH *classic = base;
	const SCSI_PASS_THROUGH_EX *extended = base;

	/* "The underlying storage device must support extended SRBs." */
	if (pass->is_extended && !hba->port.limits.extended_srb)
		return STATUS_INVALID_DEVICE_REQUEST;
	pass->bytes = pass->is_extended ? sizeof(*extended) : sizeof(*classic);
	if (!base || in < pass->bytes || out < pass->bytes)
		return STATUS_BUFFER_TOO_SMALL;
	if (pass->is_extended ? extended->Length != pass->bytes || extended->Version
			      : classic->Length != pass->bytes)
		return STATUS_INVALID_PARAMETER;
	if (pass->is_extended)
		extended_read(extended, pass);
	else
		classic_read(classic, pass);
	return is_good(hba, base, pass, in, out) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/* ---- data ---- */

/* A program's memory, or a driver's. */
static NTSTATUS side_lock(PMDL *mdl, PIRP irp, const struct side *side, bool is_in)
{
	NTSTATUS status;

	*mdl = IoAllocateMdl((PVOID)side->at, side->bytes, FALSE, FALSE, NULL);
	if (!*mdl)
		return STATUS_INSUFFICIENT_RESOURCES;
	/* A device of another process does not see memory of this one. */
	if (mem_is_shared() && mdl_is_user(*mdl))
		return STATUS_NOT_SUPPORTED;
	status = nt_mdl_lock("a direct pass-through", *mdl, irp->RequestorMode,
		is_in ? IoWriteAccess : IoReadAccess);
	if (!NT_SUCCESS(status))
		return status;
	return MmGetSystemAddressForMdlSafe(*mdl, NormalPagePriority)
		       ? STATUS_SUCCESS
		       : STATUS_INSUFFICIENT_RESOURCES;
}

static NTSTATUS side_describe(
	struct port_order *order, PMDL *mdl, const struct pass *pass, const struct side *side)
{
	char *base = order->irp->AssociatedIrp.SystemBuffer;

	if (!side->bytes)
		return STATUS_SUCCESS;
	if (pass->is_direct)
		return side_lock(mdl, order->irp, side, side == &pass->in);
	return port_order_describe(mdl, NULL, base + side->at, side->bytes)
		       ? STATUS_SUCCESS
		       : STATUS_INSUFFICIENT_RESOURCES;
}

/* Both ways: what comes back is beside the request (data_in.c). */
static NTSTATUS both_enable(struct port_hba *hba)
{
	return port_data_in_enable(&hba->port) ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

static NTSTATUS data_describe(
	struct port_hba *hba, struct port_order *order, const struct pass *pass)
{
	bool is_both = pass->direction == SCSI_IOCTL_DATA_BIDIRECTIONAL;
	NTSTATUS status = is_both ? both_enable(hba) : STATUS_SUCCESS;

	order->is_locked = pass->is_direct;
	if (NT_SUCCESS(status))
		status = side_describe(order, &order->mdl, pass, &pass->out);
	if (NT_SUCCESS(status))
		status = side_describe(
			order, is_both ? &order->in_mdl : &order->mdl, pass, &pass->in);
	return status;
}

/* ---- the request ---- */

static NTSTATUS pass_send(struct port_unit_device *device, PIRP irp, const struct pass *pass)
{
	char *base = irp->AssociatedIrp.SystemBuffer;
	const struct port_ask ask = {
		.function = SRB_FUNCTION_EXECUTE_SCSI,
		.cdb = (const uint8_t *)base + pass->cdb_at,
		.cdb_length = (uint8_t)pass->cdb_length,
		.flags = (pass->in.bytes ? SRB_FLAGS_DATA_IN : 0) |
			 (pass->out.bytes ? SRB_FLAGS_DATA_OUT : 0),
		.length = pass->out.bytes ? pass->out.bytes : pass->in.bytes,
		.in_length = pass->out.bytes ? pass->in.bytes : 0,
		.seconds = pass->seconds,
	};
	struct port_order *order = port_order_new(irp);
	NTSTATUS status =
		order ? data_describe(device->hba, order, pass) : STATUS_INSUFFICIENT_RESOURCES;

	if (!NT_SUCCESS(status)) {
		if (order)
			port_order_free(order);
		return port_irp_refuse(irp, status);
	}
	order->pass = (PVOID)base;
	order->end = pass->is_extended ? extended_end : pass_end;
	return port_order_send(device->hba, device, order, &ask);
}

/* "... except for the path, target ID and LUN, which are filled in by the port driver." */
static void address_fill(const struct port_unit_device *device, PIRP irp, const struct pass *pass)
{
	const STOR_ADDR_BTL8 address = {
		.Type = STOR_ADDRESS_TYPE_BTL8,
		.Port = (USHORT)device->hba->port.number,
		.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH,
		.Path = device->path,
		.Target = device->target,
		.Lun = device->lun,
	};
	char *base = irp->AssociatedIrp.SystemBuffer;
	PSCSI_PASS_THROUGH classic = (PVOID)base;

	if (pass->is_extended) {
		memcpy(base + pass->address_at, &address, sizeof(address));
		return;
	}
	classic->PathId = device->path;
	classic->TargetId = device->target;
	classic->Lun = device->lun;
}

bool port_pass_through(struct port_unit_device *device, PIRP irp, NTSTATUS *status)
{
	struct pass pass = {0};

	switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
	case IOCTL_SCSI_PASS_THROUGH:
		break;
	case IOCTL_SCSI_PASS_THROUGH_DIRECT:
		pass.is_direct = true;
		break;
	case IOCTL_SCSI_PASS_THROUGH_EX:
		pass.is_extended = true;
		break;
	case IOCTL_SCSI_PASS_THROUGH_DIRECT_EX:
		pass.is_direct = pass.is_extended = true;
		break;
	default:
		return false;
	}
	*status = pass_judge(device->hba, irp, &pass);
	if (!NT_SUCCESS(*status)) {
		*status = port_irp_refuse(irp, *status);
		return true;
	}
	address_fill(device, irp, &pass);
	*status = pass_send(device, irp, &pass);
	return true;
}
