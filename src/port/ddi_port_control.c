/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: device controls that become requests: IOCTL_SCSI_PASS_THROUGH to a unit,
 * IOCTL_SCSI_MINIPORT to a unit or an adapter; beside them IOCTL_SCSI_GET_CAPABILITIES. The
 * dispatch routines (ddi_port_dispatch.c, ddi_port_unit.c) come here; who sends the IRPs: drivers,
 * and programs by src/machine/service.c. See order.h.
 */
#include "port/order.h"

#include <ntddscsi.h>
#include <string.h>

/* ---- IOCTL_SCSI_PASS_THROUGH ---- */

/* Whether the unit itself has answered, however. */
static bool has_answered(const struct port_request *request)
{
	return request->srb_status == SRB_STATUS_SUCCESS ||
	       request->srb_status == SRB_STATUS_DATA_OVERRUN ||
	       (request->srb_status == SRB_STATUS_ERROR && request->scsi_status);
}

static NTSTATUS pass_end(struct port_order *order, const struct port_request *request)
{
	PSCSI_PASS_THROUGH pass = order->pass;
	ULONG_PTR returned = sizeof(*pass);
	UCHAR bytes = min_of(request->sense_length, pass->SenseInfoLength);

	order->irp->IoStatus.Information = 0;
	if (!has_answered(request))
		return port_request_nt_status(request);
	pass->ScsiStatus = request->scsi_status;
	pass->DataTransferLength = request->transferred;
	pass->SenseInfoLength = bytes;
	if (bytes) {
		memcpy((char *)pass + pass->SenseInfoOffset, request->sense, bytes);
		returned = pass->SenseInfoOffset + bytes;
	}
	if (pass->DataIn == SCSI_IOCTL_DATA_IN && request->transferred)
		returned = max_of(returned, pass->DataBufferOffset + request->transferred);
	order->irp->IoStatus.Information = returned;
	return STATUS_SUCCESS;
}

/* Whether so many bytes from there on lie behind the structure, in a buffer so long. */
static bool is_within(uint64_t offset, uint64_t bytes, uint64_t room)
{
	return !bytes ||
	       (offset >= sizeof(SCSI_PASS_THROUGH) && offset <= room && bytes <= room - offset);
}

static NTSTATUS pass_judge(
	const struct port_hba *hba, const SCSI_PASS_THROUGH *pass, const IO_STACK_LOCATION *stack)
{
	const ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
	const ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
	bool is_in = pass && in >= sizeof(*pass) && pass->DataIn == SCSI_IOCTL_DATA_IN;

	if (!pass || in < sizeof(*pass) || out < sizeof(*pass))
		return STATUS_BUFFER_TOO_SMALL;
	if (pass->Length != sizeof(*pass))
		return STATUS_REVISION_MISMATCH;
	if (!pass->CdbLength || pass->CdbLength > sizeof(pass->Cdb) || !pass->TimeOutValue ||
		pass->DataIn > SCSI_IOCTL_DATA_UNSPECIFIED ||
		(pass->DataIn == SCSI_IOCTL_DATA_UNSPECIFIED && pass->DataTransferLength) ||
		pass->DataTransferLength > hba->port.limits.max_transfer ||
		(pass->DataTransferLength && ((uintptr_t)pass + pass->DataBufferOffset) &
						     hba->port.limits.alignment_mask) ||
		!is_within(pass->SenseInfoOffset, pass->SenseInfoLength, out) ||
		!is_within(pass->DataBufferOffset, pass->DataTransferLength, is_in ? out : in))
		return STATUS_INVALID_PARAMETER;
	return STATUS_SUCCESS;
}

static NTSTATUS pass_through(struct port_unit_device *device, PIRP irp)
{
	PSCSI_PASS_THROUGH pass = irp->AssociatedIrp.SystemBuffer;
	NTSTATUS status = pass_judge(device->hba, pass, IoGetCurrentIrpStackLocation(irp));
	struct port_order *order;
	struct port_ask ask;

	if (!NT_SUCCESS(status))
		return port_irp_refuse(irp, status);
	ask = (struct port_ask){
		.function = SRB_FUNCTION_EXECUTE_SCSI,
		.cdb = pass->Cdb,
		.cdb_length = pass->CdbLength,
		.length = pass->DataTransferLength,
		.seconds = pass->TimeOutValue,
	};
	if (ask.length)
		ask.flags =
			pass->DataIn == SCSI_IOCTL_DATA_IN ? SRB_FLAGS_DATA_IN : SRB_FLAGS_DATA_OUT;
	order = port_order_new(irp);
	if (!order || !port_order_describe(
			      order, NULL, (char *)pass + pass->DataBufferOffset, ask.length)) {
		if (order)
			port_order_free(order);
		return port_irp_refuse(irp, STATUS_INSUFFICIENT_RESOURCES);
	}
	order->pass = pass;
	order->end = pass_end;
	return port_order_send(device->hba, device, order, &ask);
}

/* ---- IOCTL_SCSI_MINIPORT ---- */

static NTSTATUS control_end(struct port_order *order, const struct port_request *request)
{
	const IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(order->irp);
	uint64_t returned = (uint64_t)sizeof(*order->control) + order->control->Length;
	NTSTATUS status = port_request_nt_status(request);

	order->irp->IoStatus.Information = 0;
	if (NT_SUCCESS(status)) /* as much as the miniport says, and there is room for */
		order->irp->IoStatus.Information = min_of(min_of(returned, request->length),
			stack->Parameters.DeviceIoControl.OutputBufferLength);
	return status;
}

static NTSTATUS control_judge(
	const struct port_hba *hba, const SRB_IO_CONTROL *control, const IO_STACK_LOCATION *stack)
{
	const ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
	const ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
	const uint64_t room = max_of(in, out);

	if (!control || in < sizeof(*control))
		return STATUS_INVALID_PARAMETER;
	if (control->HeaderLength != sizeof(*control))
		return STATUS_REVISION_MISMATCH;
	if (control->Length > room - sizeof(*control))
		return STATUS_BUFFER_TOO_SMALL;
	return control->Length > hba->port.limits.max_transfer - sizeof(*control)
		       ? STATUS_INVALID_PARAMETER
		       : STATUS_SUCCESS;
}

/* To an adapter as a whole, or to a unit. */
static NTSTATUS miniport(struct port_hba *hba, const struct port_unit_device *device, PIRP irp)
{
	PSRB_IO_CONTROL control = irp->AssociatedIrp.SystemBuffer;
	NTSTATUS status = control_judge(hba, control, IoGetCurrentIrpStackLocation(irp));
	struct port_order *order;
	struct port_ask ask;

	if (!NT_SUCCESS(status))
		return port_irp_refuse(irp, status);
	ask = (struct port_ask){
		.function = SRB_FUNCTION_IO_CONTROL,
		.flags = SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT |
			 (device ? 0 : SRB_IOCTL_FLAGS_ADAPTER_REQUEST),
		.length = (uint32_t)sizeof(*control) + control->Length,
		.seconds = control->Timeout,
	};
	order = port_order_new(irp);
	if (!order || !port_order_describe(order, NULL, control, ask.length)) {
		if (order)
			port_order_free(order);
		return port_irp_refuse(irp, STATUS_INSUFFICIENT_RESOURCES);
	}
	order->control = control;
	order->end = control_end;
	return port_order_send(hba, device, order, &ask);
}

/* ---- IOCTL_SCSI_GET_CAPABILITIES ---- */

static NTSTATUS capabilities(const struct port_hba *hba, PIRP irp)
{
	const IO_SCSI_CAPABILITIES of = {
		.Length = sizeof(of),
		.MaximumTransferLength = hba->port.limits.max_transfer,
		.MaximumPhysicalPages = hba->port.limits.max_elements,
		.AlignmentMask = hba->port.limits.alignment_mask,
		.TaggedQueuing = TRUE,
	};
	ULONG room =
		IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.OutputBufferLength;

	if (room < sizeof(of))
		return port_irp_refuse(irp, STATUS_BUFFER_TOO_SMALL);
	memcpy(irp->AssociatedIrp.SystemBuffer, &of, sizeof(of));
	irp->IoStatus.Information = sizeof(of);
	return port_irp_end(irp, STATUS_SUCCESS);
}

bool port_request_control(
	struct port_hba *hba, struct port_unit_device *device, PIRP irp, NTSTATUS *status)
{
	switch (IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl.IoControlCode) {
	case IOCTL_SCSI_MINIPORT:
		*status = miniport(hba, device, irp);
		return true;
	case IOCTL_SCSI_GET_CAPABILITIES:
		*status = capabilities(hba, irp);
		return true;
	case IOCTL_SCSI_PASS_THROUGH:
		if (device)
			*status = pass_through(device, irp);
		return device != NULL;
	default:
		return false;
	}
}
