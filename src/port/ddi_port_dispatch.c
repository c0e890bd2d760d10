/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: the dispatch routines that the port puts into a driver's DRIVER_OBJECT once it has
 * registered itself, and those of the bus driver below it. A driver may save the port's and put its
 * own in their place (contract point 15 of what drivers rely on); its own then call the saved ones.
 * Who sends the IRPs: hba_pnp.c, hba_unit.c, hba_service.c, ddi_port_wmi.c, and drivers. See hba.h.
 */
#include "port/hba.h"
#include "nt/ob_object.h"
#include "util/error.h"

#include <errno.h>

NTSTATUS port_irp_end(PIRP irp, NTSTATUS status)
{
	irp->IoStatus.Status = status;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS end_as_it_is(PIRP irp)
{
	return port_irp_end(irp, irp->IoStatus.Status);
}

static NTSTATUS NTAPI invalid(PDEVICE_OBJECT device, PIRP irp)
{
	irp->IoStatus.Information = 0;
	return port_irp_end(irp, STATUS_INVALID_DEVICE_REQUEST);
}

static NTSTATUS NTAPI accept(PDEVICE_OBJECT device, PIRP irp)
{
	irp->IoStatus.Information = 0;
	return port_irp_end(irp, STATUS_SUCCESS);
}

/* ---- the bus driver ---- */

static void capabilities_fill(const struct port_hba *hba, PDEVICE_CAPABILITIES capabilities)
{
	if (hba->function)
		capabilities->Address = bus_function_slot(hba->function) << 16; /* function 0 */
	for (unsigned n = PowerSystemWorking; n < PowerSystemMaximum; n++)
		capabilities->DeviceState[n] =
			n == PowerSystemWorking ? PowerDeviceD0 : PowerDeviceD3;
}

/* What it does not handle keeps its status. */
static NTSTATUS NTAPI bus_pnp(PDEVICE_OBJECT device, PIRP irp)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);

	if (stack->MinorFunction == IRP_MN_QUERY_CAPABILITIES)
		capabilities_fill(port_hba_of_object(device),
			stack->Parameters.DeviceCapabilities.Capabilities);
	else if (stack->MinorFunction > IRP_MN_CANCEL_STOP_DEVICE &&
		 stack->MinorFunction != IRP_MN_SURPRISE_REMOVAL)
		return end_as_it_is(irp);
	return port_irp_end(irp, STATUS_SUCCESS);
}

static NTSTATUS NTAPI bus_power(PDEVICE_OBJECT device, PIRP irp)
{
	UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;

	return minor == IRP_MN_SET_POWER || minor == IRP_MN_QUERY_POWER
		       ? port_irp_end(irp, STATUS_SUCCESS)
		       : end_as_it_is(irp);
}

static NTSTATUS NTAPI bus_system_control(PDEVICE_OBJECT device, PIRP irp)
{
	return end_as_it_is(irp);
}

static DRIVER_OBJECT bus_driver;

DRIVER_OBJECT *port_bus_driver(void)
{
	bus_driver.Type = IO_TYPE_DRIVER;
	bus_driver.Size = sizeof(bus_driver);
	for (unsigned n = 0; n <= IRP_MJ_MAXIMUM_FUNCTION; n++)
		bus_driver.MajorFunction[n] = invalid;
	bus_driver.MajorFunction[IRP_MJ_PNP] = bus_pnp;
	bus_driver.MajorFunction[IRP_MJ_POWER] = bus_power;
	bus_driver.MajorFunction[IRP_MJ_SYSTEM_CONTROL] = bus_system_control;
	return &bus_driver;
}

/* ---- the port ---- */

static NTSTATUS pass_on(struct port_hba *hba, PIRP irp)
{
	IoSkipCurrentIrpStackLocation(irp);
	return IoCallDriver(hba->physical, irp);
}

static NTSTATUS NTAPI returned(PDEVICE_OBJECT device, PIRP irp, PVOID event)
{
	KeSetEvent(event, IO_NO_INCREMENT, FALSE);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

static NTSTATUS pass_on_and_wait(struct port_hba *hba, PIRP irp)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	IoCopyCurrentIrpStackLocationToNext(irp);
	IoSetCompletionRoutine(irp, returned, &event, TRUE, TRUE, TRUE);
	IoCallDriver(hba->physical, irp);
	KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL);
	return irp->IoStatus.Status;
}

static NTSTATUS status_of(int err)
{
	switch (-err) {
	case 0:
		return STATUS_SUCCESS;
	case ENOMEM:
		return STATUS_INSUFFICIENT_RESOURCES;
	case ENODEV:
		return STATUS_NO_SUCH_DEVICE;
	default:
		return STATUS_UNSUCCESSFUL;
	}
}

/* The device has to be started by the bus driver before it is touched. */
static NTSTATUS start(struct port_hba *hba, PIRP irp)
{
	NTSTATUS status = pass_on_and_wait(hba, irp);

	return port_irp_end(
		irp, NT_SUCCESS(status) ? status_of(port_work_do(hba, &hba->work)) : status);
}

/* As many units as have device objects, each with a reference. */
static PDEVICE_RELATIONS units_of(const struct port_hba *hba)
{
	uint32_t count = hba->port.unit_count;
	size_t bytes = sizeof(DEVICE_RELATIONS) + count * sizeof(PDEVICE_OBJECT);
	PDEVICE_RELATIONS units = ExAllocatePoolWithTag(PagedPool, bytes, PORT_RELATIONS_TAG);

	if (!units)
		return NULL;
	units->Count = 0;
	for (uint32_t n = 0; n < count; n++) {
		struct port_unit_device *device = hba->port.units[n]->device;

		if (!device)
			continue;
		ob_reference(device->physical);
		units->Objects[units->Count++] = device->physical;
	}
	return units;
}

static NTSTATUS relations(struct port_hba *hba, PIRP irp)
{
	PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
	PDEVICE_RELATIONS units;

	if (stack->Parameters.QueryDeviceRelations.Type != BusRelations ||
		irp->IoStatus.Information)
		return pass_on(hba, irp);
	units = units_of(hba);
	if (!units)
		return port_irp_end(irp, STATUS_INSUFFICIENT_RESOURCES);
	irp->IoStatus.Information = (ULONG_PTR)units;
	irp->IoStatus.Status = STATUS_SUCCESS;
	return pass_on(hba, irp);
}

static NTSTATUS capabilities(struct port_hba *hba, PIRP irp)
{
	PDEVICE_CAPABILITIES to =
		IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceCapabilities.Capabilities;
	NTSTATUS status = pass_on_and_wait(hba, irp);

	if (NT_SUCCESS(status))
		port_capabilities_merge(&hba->capabilities, to);
	return port_irp_end(irp, status);
}

static NTSTATUS NTAPI dispatch_pnp(PDEVICE_OBJECT device, PIRP irp)
{
	struct port_hba *hba = port_hba_of_object(device);
	UCHAR minor = IoGetCurrentIrpStackLocation(irp)->MinorFunction;
	NTSTATUS status;

	if (port_unit_serve(device, irp, port_unit_pnp, &status))
		return status;
	if (!hba)
		return port_irp_end(irp, STATUS_NO_SUCH_DEVICE);
	switch (minor) {
	case IRP_MN_START_DEVICE:
		return start(hba, irp);
	case IRP_MN_QUERY_DEVICE_RELATIONS:
		return relations(hba, irp);
	case IRP_MN_QUERY_CAPABILITIES:
		return capabilities(hba, irp);
	case IRP_MN_STOP_DEVICE:
	case IRP_MN_REMOVE_DEVICE:
	case IRP_MN_SURPRISE_REMOVAL:
		port_work_do(hba, &hba->work); /* they cannot be refused */
		irp->IoStatus.Status = STATUS_SUCCESS;
		break;
	case IRP_MN_QUERY_STOP_DEVICE:
	case IRP_MN_QUERY_REMOVE_DEVICE:
	case IRP_MN_CANCEL_STOP_DEVICE:
	case IRP_MN_CANCEL_REMOVE_DEVICE:
		irp->IoStatus.Status = STATUS_SUCCESS;
		break;
	}
	return pass_on(hba, irp);
}

static NTSTATUS unit_power(struct port_unit_device *device, PIRP irp)
{
	return bus_power(NULL, irp);
}

static NTSTATUS unit_system_control(struct port_unit_device *device, PIRP irp)
{
	return port_unit_wmi(device, irp) ? STATUS_PENDING : end_as_it_is(irp);
}

static NTSTATUS NTAPI dispatch_power(PDEVICE_OBJECT device, PIRP irp)
{
	struct port_hba *hba = port_hba_of_object(device);
	NTSTATUS status;

	if (port_unit_serve(device, irp, unit_power, &status))
		return status;
	if (!hba)
		return port_irp_end(irp, STATUS_NO_SUCH_DEVICE);
	if (IoGetCurrentIrpStackLocation(irp)->MinorFunction != IRP_MN_SET_POWER)
		return pass_on(hba, irp);
	status = status_of(port_work_do(hba, &hba->work));
	if (!NT_SUCCESS(status))
		return port_irp_end(irp, status);
	irp->IoStatus.Status = status;
	return pass_on(hba, irp);
}

static NTSTATUS NTAPI dispatch_system_control(PDEVICE_OBJECT device, PIRP irp)
{
	struct port_hba *hba = port_hba_of_object(device);
	NTSTATUS status;

	if (port_unit_serve(device, irp, unit_system_control, &status))
		return status;
	if (!hba)
		return port_irp_end(irp, STATUS_NO_SUCH_DEVICE);
	return port_hba_wmi(hba, irp) ? STATUS_PENDING : pass_on(hba, irp);
}

static NTSTATUS NTAPI dispatch_control(PDEVICE_OBJECT device, PIRP irp)
{
	struct port_hba *hba = port_hba_of_object(device);
	NTSTATUS status;

	if (port_unit_serve(device, irp, port_unit_control, &status))
		return status;
	if (!hba)
		return port_irp_end(irp, STATUS_NO_SUCH_DEVICE);
	if (port_request_control(hba, NULL, irp, &status))
		return status;
	return hba->driver->model->control ? hba->driver->model->control(hba, irp)
					   : invalid(device, irp);
}

static NTSTATUS NTAPI dispatch_scsi(PDEVICE_OBJECT device, PIRP irp)
{
	NTSTATUS status;

	return port_unit_serve(device, irp, port_unit_scsi, &status) ? status
								     : invalid(device, irp);
}

static NTSTATUS NTAPI add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical)
{
	struct port_hba *hba = port_hba_of_object(physical);

	if (!hba || driver != &hba->driver->object)
		return STATUS_NO_SUCH_DEVICE;
	port_objects_attach(hba);
	return STATUS_SUCCESS;
}

/* ---- the driver object ---- */

void port_driver_object_init(struct port_driver *driver)
{
	DRIVER_OBJECT *object = &driver->object;

	object->Type = IO_TYPE_DRIVER;
	object->Size = sizeof(*object);
	object->DriverExtension = &driver->extension;
	driver->extension.DriverObject = object;
	for (unsigned n = 0; n <= IRP_MJ_MAXIMUM_FUNCTION; n++)
		object->MajorFunction[n] = invalid;
}

void port_driver_object_fill(struct port_driver *driver)
{
	DRIVER_OBJECT *object = &driver->object;

	if (driver->extension.AddDevice)
		return; /* it has been: what stands there now may be the driver's own */
	driver->extension.AddDevice = add_device;
	object->DriverUnload = driver->model->unload;
	object->MajorFunction[IRP_MJ_CREATE] = accept;
	object->MajorFunction[IRP_MJ_CLOSE] = accept;
	object->MajorFunction[IRP_MJ_DEVICE_CONTROL] = dispatch_control;
	object->MajorFunction[IRP_MJ_SCSI] = dispatch_scsi; /* IRP_MJ_INTERNAL_DEVICE_CONTROL */
	object->MajorFunction[IRP_MJ_SYSTEM_CONTROL] = dispatch_system_control;
	object->MajorFunction[IRP_MJ_POWER] = dispatch_power;
	object->MajorFunction[IRP_MJ_PNP] = dispatch_pnp;
}
