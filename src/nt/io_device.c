/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: device objects, and what a driver may ask of a stack of them. See io_device.h. */
#include "nt/io_device.h"
#include "nt/nt_check.h"
#include "nt/nt_lock.h"
#include "nt/ob_object.h"
#include "util/export.h"

#define DEVICE_TAG 0x6a624f44 /* "DObj" */

/* Drivers read and write them, as other memory of the machine. */
static const struct ob_type device_type = {
	.name = "device object", .tag = DEVICE_TAG, .last = ob_delete};

static struct nt_lock lock; /* of stacks and of drivers' lists */

DEVICE_OBJECT *io_device_new(DRIVER_OBJECT *driver, ULONG type)
{
	DEVICE_OBJECT *device = ob_new(&device_type, sizeof(*device));

	if (!device)
		return NULL;
	device->Type = IO_TYPE_DEVICE;
	device->Size = sizeof(*device);
	device->DriverObject = driver;
	device->DeviceType = type;
	device->StackSize = 1;
	return device;
}

void io_device_attach(DEVICE_OBJECT *top, DEVICE_OBJECT *lower)
{
	nt_lock_take(&lock);
	top->NextDevice = top->DriverObject->DeviceObject;
	top->DriverObject->DeviceObject = top;
	top->StackSize = (CCHAR)(lower->StackSize + 1);
	lower->AttachedDevice = top;
	nt_lock_drop(&lock);
}

void io_device_end(DEVICE_OBJECT *device)
{
	PDEVICE_OBJECT *link;

	nt_lock_take(&lock);
	for (link = &device->DriverObject->DeviceObject; *link; link = &(*link)->NextDevice)
		if (*link == device) {
			*link = device->NextDevice;
			break;
		}
	device->DriverObject = NULL;
	device->AttachedDevice = NULL;
	nt_lock_drop(&lock);
}

void io_device_free(DEVICE_OBJECT *device)
{
	if (!device)
		return;
	if (device->DriverObject)
		io_device_end(device);
	ob_dereference(device);
}

PDEVICE_OBJECT NTAPI IoGetAttachedDeviceReference(PDEVICE_OBJECT DeviceObject)
{
	cpu_poll();
	nt_irql_max("IoGetAttachedDeviceReference", IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	if (ob_type_of(DeviceObject) != &device_type) {
		nt_violation(0, "IoGetAttachedDeviceReference of what is no device object");
		return NULL;
	}
	nt_lock_take(&lock);
	while (DeviceObject->AttachedDevice)
		DeviceObject = DeviceObject->AttachedDevice;
	ob_reference(DeviceObject);
	nt_lock_drop(&lock);
	return DeviceObject;
}
DRY_EXPORT(IoGetAttachedDeviceReference)
