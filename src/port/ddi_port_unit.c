/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: what the port's dispatch routines (ddi_port_dispatch.c) answer for a unit, and the
 * disk class driver above it. Who sends the IRPs: hba_unit.c, and drivers. See hba.h.
 */
#include "port/hba.h"
#include "nt/ob_object.h"
#include "nt/registry.h"

#include <ntddscsi.h>
#include <ntddstor.h>
#include <stdio.h>
#include <string.h>

#define ID_BYTES 160

/* ---- the port ---- */

/* "Identifiers for SCSI Devices". Strings with a zero behind each; one more ends a list. */
static size_t id_text(const struct port_unit_device *device, BUS_QUERY_ID_TYPE type, char *text)
{
	const char *number = strrchr(device->instance, '\\');
	int model = number ? (int)(number - device->instance) : 0;

	if (!number)
		return 0;
	switch (type) {
	case BusQueryDeviceID:
		return (size_t)snprintf(text, ID_BYTES, "%.*s", model, device->instance) + 1;
	case BusQueryInstanceID:
		return (size_t)snprintf(text, ID_BYTES, "%s", number + 1) + 1;
	case BusQueryHardwareIDs:
		return (size_t)snprintf(
			       text, ID_BYTES, "%.*s%cGenDisk%c", model, device->instance, 0, 0) +
		       1;
	case BusQueryCompatibleIDs:
		return (size_t)snprintf(text, ID_BYTES, "SCSI\\Disk%cSCSI\\RAW%c", 0, 0) + 1;
	default:
		return 0;
	}
}

static NTSTATUS query_id(struct port_unit_device *device, PIRP irp)
{
	char text[ID_BYTES];
	size_t count =
		id_text(device, IoGetCurrentIrpStackLocation(irp)->Parameters.QueryId.IdType, text);
	PWSTR id;

	if (!count)
		return port_irp_end(irp, irp->IoStatus.Status);
	id = ExAllocatePoolWithTag(PagedPool, count * sizeof(*id), PORT_RELATIONS_TAG);
	if (!id)
		return port_irp_end(irp, STATUS_INSUFFICIENT_RESOURCES);
	reg_widen(text, count, id, count);
	irp->IoStatus.Information = (ULONG_PTR)id;
	return port_irp_end(irp, STATUS_SUCCESS);
}

/* Who asks for the target of a stack gets its physical device object, with a reference. */
static NTSTATUS query_relations(struct port_unit_device *device, PIRP irp)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
	PDEVICE_RELATIONS self;

	if (stack->Parameters.QueryDeviceRelations.Type != TargetDeviceRelation)
		return port_irp_end(irp, irp->IoStatus.Status);
	self = ExAllocatePoolWithTag(PagedPool, sizeof(*self), PORT_RELATIONS_TAG);
	if (!self)
		return port_irp_end(irp, STATUS_INSUFFICIENT_RESOURCES);
	self->Count = 1;
	self->Objects[0] = device->physical;
	ob_reference(device->physical);
	irp->IoStatus.Information = (ULONG_PTR)self;
	return port_irp_end(irp, STATUS_SUCCESS);
}

static void capabilities_fill(
	const struct port_unit_device *device, PDEVICE_CAPABILITIES capabilities)
{
	port_capabilities_merge(&device->capabilities, capabilities);
	for (unsigned n = PowerSystemWorking; n < PowerSystemMaximum; n++)
		capabilities->DeviceState[n] =
			n == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
}

NTSTATUS port_unit_pnp(struct port_unit_device *device, PIRP irp)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);

	switch (stack->MinorFunction) {
	case IRP_MN_START_DEVICE:
	case IRP_MN_SURPRISE_REMOVAL:
	case IRP_MN_REMOVE_DEVICE:
		port_work_do(device->hba, &device->work);
		break;
	case IRP_MN_QUERY_ID:
		return query_id(device, irp);
	case IRP_MN_QUERY_DEVICE_RELATIONS:
		return query_relations(device, irp);
	case IRP_MN_QUERY_CAPABILITIES:
		capabilities_fill(device, stack->Parameters.DeviceCapabilities.Capabilities);
		break;
	case IRP_MN_STOP_DEVICE:
	case IRP_MN_QUERY_STOP_DEVICE:
	case IRP_MN_CANCEL_STOP_DEVICE:
	case IRP_MN_QUERY_REMOVE_DEVICE:
	case IRP_MN_CANCEL_REMOVE_DEVICE:
		break;
	default: /* what it does not handle keeps its status */
		return port_irp_end(irp, irp->IoStatus.Status);
	}
	return port_irp_end(irp, STATUS_SUCCESS);
}

/* Ends a buffered device control with so many bytes of output. */
static NTSTATUS answer(PIRP irp, const void *from, ULONG bytes)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);

	if (stack->Parameters.DeviceIoControl.OutputBufferLength < bytes)
		return port_irp_end(irp, STATUS_BUFFER_TOO_SMALL);
	memcpy(irp->AssociatedIrp.SystemBuffer, from, bytes);
	irp->IoStatus.Information = bytes;
	return port_irp_end(irp, STATUS_SUCCESS);
}

NTSTATUS port_unit_control(struct port_unit_device *device, PIRP irp)
{
	const SCSI_ADDRESS address = {.Length = sizeof(address),
		.PortNumber = (UCHAR)device->hba->port.number,
		.PathId = device->path,
		.TargetId = device->target,
		.Lun = device->lun};
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
	NTSTATUS status;

	irp->IoStatus.Information = 0;
	if (port_request_control(device->hba, device, irp, &status))
		return status;
	if (stack->Parameters.DeviceIoControl.IoControlCode == IOCTL_SCSI_GET_ADDRESS)
		return answer(irp, &address, sizeof(address));
	return port_irp_end(irp, STATUS_INVALID_DEVICE_REQUEST);
}

/* ---- the disk class driver ---- */

static NTSTATUS pass_on(struct port_unit_device *device, PIRP irp)
{
	IoSkipCurrentIrpStackLocation(irp);
	return IoCallDriver(device->physical, irp);
}

static NTSTATUS control(struct port_unit_device *device, PIRP irp)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
	const STORAGE_DEVICE_NUMBER number = {
		.DeviceType = FILE_DEVICE_DISK, .DeviceNumber = device->number};

	if (stack->Parameters.DeviceIoControl.IoControlCode != IOCTL_STORAGE_GET_DEVICE_NUMBER)
		return pass_on(device, irp);
	irp->IoStatus.Information = 0;
	return answer(irp, &number, sizeof(number));
}

static NTSTATUS NTAPI disk_other(PDEVICE_OBJECT object, PIRP irp)
{
	NTSTATUS status;

	return port_unit_serve(object, irp, pass_on, &status)
		       ? status
		       : port_irp_end(irp, STATUS_NO_SUCH_DEVICE);
}

static NTSTATUS NTAPI disk_control(PDEVICE_OBJECT object, PIRP irp)
{
	NTSTATUS status;

	return port_unit_serve(object, irp, control, &status)
		       ? status
		       : port_irp_end(irp, STATUS_NO_SUCH_DEVICE);
}

DRIVER_OBJECT *port_disk_driver(void)
{
	static DRIVER_OBJECT driver = {.Type = IO_TYPE_DRIVER, .Size = sizeof(driver)};

	for (unsigned n = 0; n <= IRP_MJ_MAXIMUM_FUNCTION; n++)
		driver.MajorFunction[n] = disk_other;
	driver.MajorFunction[IRP_MJ_DEVICE_CONTROL] = disk_control;
	return &driver;
}
