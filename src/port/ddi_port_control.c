/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: device controls that become requests: IOCTL_SCSI_MINIPORT to a unit or an adapter;
 * beside it IOCTL_SCSI_GET_CAPABILITIES; the pass-throughs to a unit are ddi_port_pass.c's,
 * properties ddi_port_property.c's. The dispatch routines (ddi_port_dispatch.c, ddi_port_unit.c)
 * come here; who sends the IRPs: drivers, and programs by src/machine/service.c. See order.h.
 */
#include "port/order.h"

#include <ntddscsi.h>
#include <ntddstor.h>
#include <string.h>

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
	if (!order || !port_order_describe(&order->mdl, NULL, control, ask.length)) {
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
	case IOCTL_STORAGE_QUERY_PROPERTY:
		*status = port_property_query(hba, device, irp);
		return true;
	default:
		return device && port_pass_through(device, irp, status);
	}
}
