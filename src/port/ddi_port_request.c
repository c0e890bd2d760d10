/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: IRPs that ask a unit, or an adapter, for a request of a driver's or a program's
 * own. Each becomes a request of the port, in an SRB of the kind that the miniport takes, whose end
 * ends the IRP. Here: what is common to them (order.h), and IRP_MJ_SCSI with either kind of SRB;
 * device controls: ddi_port_control.c, ddi_port_pass.c. The dispatch routines (ddi_port_dispatch.c)
 * come here; who sends the IRPs: drivers. See hba.h.
 */
#include "port/order.h"
#include "nt/nt.h"

#include <srbhelper.h>
#include <string.h>

#define ORDER_TAG	0x724f6f50 /* "PoOr" */
#define SECONDS_DEFAULT 60
#define SECONDS_MOST	(24 * 3600u) /* a deadline is 32 bits of ticks */

static NTSTATUS srb_nt_status(uint8_t srb_status)
{
	static const struct {
		uint8_t srb_status;
		NTSTATUS status;
	} all[] = {
		{SRB_STATUS_SUCCESS, STATUS_SUCCESS},
		{SRB_STATUS_DATA_OVERRUN, STATUS_BUFFER_TOO_SMALL},
		{SRB_STATUS_INVALID_REQUEST, STATUS_INVALID_DEVICE_REQUEST},
		{SRB_STATUS_BAD_FUNCTION, STATUS_INVALID_DEVICE_REQUEST},
		{SRB_STATUS_BUSY, STATUS_DEVICE_BUSY},
		{SRB_STATUS_TIMEOUT, STATUS_IO_TIMEOUT},
		{SRB_STATUS_COMMAND_TIMEOUT, STATUS_IO_TIMEOUT},
		{SRB_STATUS_NO_DEVICE, STATUS_DEVICE_DOES_NOT_EXIST},
		{SRB_STATUS_NO_HBA, STATUS_DEVICE_DOES_NOT_EXIST},
	};

	for (size_t n = 0; n < array_size(all); n++)
		if (all[n].srb_status == srb_status)
			return all[n].status;
	return STATUS_IO_DEVICE_ERROR;
}

NTSTATUS port_request_nt_status(const struct port_request *request)
{
	return srb_nt_status(request->srb_status);
}

NTSTATUS port_irp_refuse(PIRP irp, NTSTATUS status)
{
	irp->IoStatus.Information = 0;
	return port_irp_end(irp, status);
}

/* ---- a request ---- */

static void mdl_free(const struct port_order *order, PMDL mdl)
{
	if (!mdl)
		return;
	if (order->is_locked && mdl->MdlFlags & MDL_PAGES_LOCKED)
		MmUnlockPages(mdl);
	IoFreeMdl(mdl);
}

void port_order_free(struct port_order *order)
{
	mdl_free(order, order->mdl);
	mdl_free(order, order->in_mdl);
	nt_pool_free(order);
}

static void order_done(struct port_request *request)
{
	struct port_order *order = request->ctx;
	NTSTATUS status = order->end(order, request);
	PIRP irp = order->irp;

	port_request_put(request);
	port_order_free(order);
	port_irp_end(irp, status);
}

struct port_order *port_order_new(PIRP irp)
{
	struct port_order *order = nt_pool_alloc(sizeof(*order), ORDER_TAG, NULL, true);

	if (order) {
		memset(order, 0, sizeof(*order));
		order->irp = irp;
	}
	return order;
}

bool port_order_describe(PMDL *mdl, PMDL whole, PVOID data, ULONG bytes)
{
	if (!bytes)
		return true;
	*mdl = IoAllocateMdl(data, bytes, FALSE, FALSE, NULL);
	if (!*mdl)
		return false;
	if (whole)
		IoBuildPartialMdl(whole, *mdl, data, bytes);
	else
		MmBuildMdlForNonPagedPool(*mdl);
	return MmGetSystemAddressForMdlSafe(*mdl, NormalPagePriority) != NULL;
}

static void request_fill(
	struct port_request *request, struct port_order *order, const struct port_ask *ask)
{
	const uint8_t most = sizeof(request->cdb), more = sizeof(request->cdb_more);

	request->function = ask->function;
	request->flags =
		ask->flags | PORT_FLAGS_PRIORITY((unsigned)IoGetIoPriorityHint(order->irp));
	request->action = ask->queue_action;
	request->has_frozen = false;
	request->timeout = ask->seconds ? min_of(ask->seconds, SECONDS_MOST) : SECONDS_DEFAULT;
	request->cdb_length = ask->cdb_length;
	memset(request->cdb, 0, sizeof(request->cdb));
	memset(request->cdb_more, 0, sizeof(request->cdb_more));
	if (ask->cdb_length)
		memcpy(request->cdb, ask->cdb, min_of(ask->cdb_length, most));
	if (ask->cdb_length > most)
		memcpy(request->cdb_more, ask->cdb + most, min_of(ask->cdb_length - most, more));
	request->cdb_whole = ask->cdb; /* stays until the IRP ends */
	request->io_info = ask->io_info;
	request->mdl = order->mdl;
	request->data =
		order->mdl ? MmGetSystemAddressForMdlSafe(order->mdl, NormalPagePriority) : NULL;
	request->length = order->mdl ? ask->length : 0;
	request->ctx = order;
	request->done = order_done;
	if (order->in_mdl) {
		struct port_data_in *in = port_data_in_add(request);

		in->mdl = order->in_mdl;
		in->data = MmGetSystemAddressForMdlSafe(in->mdl, NormalPagePriority);
		in->length = ask->in_length;
	}
}

static NTSTATUS srb_end(struct port_order *order, const struct port_request *request);

/* A unit stays while it is looked at (unit.c). */
NTSTATUS port_order_send(struct port_hba *hba, const struct port_unit_device *place,
	struct port_order *order, const struct port_ask *ask)
{
	uint8_t irql = cpu_irql() < IRQL_DISPATCH ? cpu_irql_raise(IRQL_DISPATCH) : IRQL_DISPATCH;
	struct port_unit *unit =
		place ? port_unit_find(&hba->port, place->path, place->target, place->lun)
		      : &hba->port.self;
	/* another adapter may have come to its place since the order was described */
	bool is_there = unit && port_hba_takes(hba) && (!order->in_mdl || hba->port.data_in);
	struct port_request *request = is_there ? port_request_get(&hba->port) : NULL;
	PIRP irp = order->irp;

	IoMarkIrpPending(irp);
	if (request) {
		request->unit = unit;
		request_fill(request, order, ask);
		port_request_submit(request);
	} else {
		if (order->end == srb_end)
			order->srb->SrbStatus = is_there ? SRB_STATUS_BUSY : SRB_STATUS_NO_HBA;
		port_order_free(order);
		port_irp_refuse(irp,
			is_there ? STATUS_INSUFFICIENT_RESOURCES : STATUS_DEVICE_DOES_NOT_EXIST);
	}
	if (irql < IRQL_DISPATCH)
		cpu_irql_lower(irql);
	return STATUS_PENDING;
}

/* ---- IRP_MJ_SCSI ---- */

/* A sense buffer of the driver's own, as long as it says. */
static void sense_copy(PSCSI_REQUEST_BLOCK srb, const struct port_request *request)
{
	PVOID to = SrbGetSenseInfoBuffer(srb);
	UCHAR bytes = (UCHAR)min_of(request->sense_length, SrbGetSenseInfoBufferLength(srb));

	if (!to || !bytes || SrbGetSrbFlags(srb) & SRB_FLAGS_DISABLE_AUTOSENSE)
		return;
	memcpy(to, request->sense, bytes);
	SrbSetSenseInfoBufferLength(srb, bytes);
	srb->SrbStatus |= SRB_STATUS_AUTOSENSE_VALID; /* at the same place in both kinds */
}

static NTSTATUS srb_end(struct port_order *order, const struct port_request *request)
{
	PSCSI_REQUEST_BLOCK srb = order->srb;

	srb->SrbStatus = request->srb_status | (request->has_frozen ? SRB_STATUS_QUEUE_FROZEN : 0);
	SrbSetDataTransferLength(srb, request->transferred);
	if (request->function == SRB_FUNCTION_EXECUTE_SCSI) {
		SrbSetScsiStatus(srb, request->scsi_status);
		sense_copy(srb, request);
	}
	order->irp->IoStatus.Information = request->transferred;
	return port_request_nt_status(request);
}

static NTSTATUS srb_refuse(PSCSI_REQUEST_BLOCK srb, PIRP irp, UCHAR srb_status, NTSTATUS status)
{
	srb->SrbStatus = srb_status;
	return port_irp_refuse(irp, status);
}

static bool is_for_queue(ULONG function)
{
	return function == SRB_FUNCTION_FLUSH_QUEUE || function == SRB_FUNCTION_RELEASE_QUEUE ||
	       function == SRB_FUNCTION_LOCK_QUEUE || function == SRB_FUNCTION_UNLOCK_QUEUE;
}

/* SRB_STATUS_SUCCESS: it is whole; else what the SRB is told. */
static UCHAR srb_judge(const struct port_hba *hba, PSCSI_REQUEST_BLOCK srb)
{
	bool is_extended = srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
	PSTORAGE_REQUEST_BLOCK extended = (PVOID)srb;
	UCHAR most = hba->port.limits.extended_srb ? PORT_CDB_MOST : sizeof(srb->Cdb);

	if (is_extended && extended->Signature != SRB_SIGNATURE)
		return SRB_STATUS_INVALID_REQUEST;
	switch (SrbGetSrbFunction(srb)) {
	case SRB_FUNCTION_FLUSH:
	case SRB_FUNCTION_SHUTDOWN:
	case SRB_FUNCTION_IO_CONTROL:
		return SRB_STATUS_SUCCESS;
	case SRB_FUNCTION_EXECUTE_SCSI:
		break;
	default:
		return is_for_queue(SrbGetSrbFunction(srb)) ? SRB_STATUS_SUCCESS
							    : SRB_STATUS_BAD_FUNCTION;
	}
	/* Data in both directions come by extended pass-throughs alone. */
	if (!SrbGetCdb(srb) || !SrbGetCdbLength(srb) || SrbGetCdbLength(srb) > most ||
		(is_extended && SrbGetSrbExDataByType(extended, SrbExDataTypeBidirectional)))
		return SRB_STATUS_INVALID_REQUEST;
	return SRB_STATUS_SUCCESS;
}

/* what is for the port alone. A queue that is not frozen cannot be flushed. */
static UCHAR queue_do(struct port_unit *unit, ULONG function)
{
	switch (function) {
	case SRB_FUNCTION_FLUSH_QUEUE:
		return port_unit_flush(unit) ? SRB_STATUS_SUCCESS : SRB_STATUS_INVALID_REQUEST;
	case SRB_FUNCTION_RELEASE_QUEUE:
		port_unit_let_go(unit, PORT_FROZEN);
		return SRB_STATUS_SUCCESS;
	case SRB_FUNCTION_UNLOCK_QUEUE:
		port_unit_let_go(unit, PORT_LOCKED);
		return SRB_STATUS_SUCCESS;
	default:
		port_unit_hold(unit, PORT_LOCKED);
		return SRB_STATUS_SUCCESS;
	}
}

static NTSTATUS queue_control(struct port_unit_device *device, PSCSI_REQUEST_BLOCK srb, PIRP irp)
{
	uint8_t irql = cpu_irql() < IRQL_DISPATCH ? cpu_irql_raise(IRQL_DISPATCH) : IRQL_DISPATCH;
	struct port_unit *unit =
		port_unit_find(&device->hba->port, device->path, device->target, device->lun);

	srb->SrbStatus = unit ? queue_do(unit, SrbGetSrbFunction(srb)) : SRB_STATUS_NO_DEVICE;
	if (irql < IRQL_DISPATCH)
		cpu_irql_lower(irql);
	irp->IoStatus.Information = 0;
	return port_irp_end(irp, srb_nt_status(srb->SrbStatus));
}

/* All that its maker wants of the miniport and of the queue; the rest are marks of the SRB's own
 * memory. */
#define FLAGS_KEPT                                                                                 \
	~(uint32_t)(SRB_FLAGS_FREE_SENSE_BUFFER | SRB_FLAGS_IS_ACTIVE |                            \
		    SRB_FLAGS_ALLOCATED_FROM_ZONE | SRB_FLAGS_SGLIST_FROM_POOL |                   \
		    SRB_FLAGS_PORT_DRIVER_RESERVED)

/* Of the older kind there is none; nor is it passed on in that. */
static const SRBEX_DATA_IO_INFO *io_info_of(PSCSI_REQUEST_BLOCK srb)
{
	return srb->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK
		       ? (PVOID)SrbGetSrbExDataByType(
				 (PSTORAGE_REQUEST_BLOCK)srb, SrbExDataTypeIoInfo)
		       : NULL;
}

NTSTATUS port_unit_scsi(struct port_unit_device *device, PIRP irp)
{
	const ULONG directions = SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT;
	PSCSI_REQUEST_BLOCK srb = IoGetCurrentIrpStackLocation(irp)->Parameters.Scsi.Srb;
	struct port_order *order;
	struct port_ask ask;
	UCHAR verdict;

	if (!srb)
		return port_irp_refuse(irp, STATUS_INVALID_PARAMETER);
	verdict = srb_judge(device->hba, srb);
	if (verdict != SRB_STATUS_SUCCESS)
		return srb_refuse(srb, irp, verdict, STATUS_INVALID_DEVICE_REQUEST);
	if (is_for_queue(SrbGetSrbFunction(srb)))
		return queue_control(device, srb, irp);
	ask = (struct port_ask){
		.function = (uint8_t)SrbGetSrbFunction(srb),
		.flags = SrbGetSrbFlags(srb) & directions,
		.seconds = SrbGetTimeOutValue(srb),
	};
	if (ask.function == SRB_FUNCTION_EXECUTE_SCSI) {
		ask.cdb = (const uint8_t *)SrbGetCdb(srb);
		ask.cdb_length = (uint8_t)SrbGetCdbLength(srb);
		ask.io_info = io_info_of(srb);
		ask.flags = (SrbGetSrbFlags(srb) & FLAGS_KEPT) | PORT_FLAGS_WHOLE;
		ask.queue_action = (uint8_t)SrbGetRequestAttribute(srb);
	}
	if (ask.function == SRB_FUNCTION_IO_CONTROL)
		ask.flags = directions;
	ask.length = ask.flags & directions ? SrbGetDataTransferLength(srb) : 0;
	order = port_order_new(irp);
	if (!order || !port_order_describe(
			      &order->mdl, irp->MdlAddress, SrbGetDataBuffer(srb), ask.length)) {
		if (order)
			port_order_free(order);
		return srb_refuse(srb, irp, SRB_STATUS_ERROR, STATUS_INSUFFICIENT_RESOURCES);
	}
	order->srb = srb;
	order->end = srb_end;
	srb->SrbStatus = SRB_STATUS_PENDING;
	return port_order_send(device->hba, device, order, &ask);
}
