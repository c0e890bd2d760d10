/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: units as devices. A unit that the class driver has found has two device objects:
 * the physical one is the miniport's DriverObject's, so that IRPs of Plug and Play for it come to
 * the driver first as those for its adapter do; the disk class driver's, whose role is played here
 * too, is attached to it. Requests do not go through them. Who answers: ddi_port_unit.c. See hba.h.
 */
#include "port/hba.h"
#include "nt/io_device.h"
#include "nt/nt.h"
#include "nt/nt_lock.h"
#include "nt/ob_object.h"
#include "nt/registry.h"

#include <stdio.h>
#include <string.h>

#define LOST_SECONDS 5 /* for what the miniport has of a unit that is gone to come back */

/* Disks have the numbers that they would have as PhysicalDrive<number>: the lowest that are free.
 */
static uint64_t numbers[PORT_HBAS_MAX * PORT_UNITS_MAX / 64];

static uint32_t number_take(void)
{
	uint32_t n = 0;

	while (n < array_size(numbers) - 1 && !~numbers[n])
		n++;
	for (uint32_t bit = 0; bit < 64; bit++)
		if (!(numbers[n] >> bit & 1)) {
			numbers[n] |= 1ull << bit;
			return n * 64 + bit;
		}
	return 0;
}

static void number_give(uint32_t number)
{
	numbers[number / 64] &= ~(1ull << number % 64);
}

/* ---- which there are ---- */

static struct nt_lock lock; /* of all */
static struct port_unit_device *all;

static void last(void *body)
{
	struct port_unit_device *device = body;

	io_device_free(device->physical);
	io_device_free(device->disk);
	ob_delete(device);
}

static const struct ob_type unit_type = {.name = "unit", .last = last};

/* By the pointer alone: an IRP may come late. */
static struct port_unit_device *take(const DEVICE_OBJECT *object)
{
	struct port_unit_device *device;

	nt_lock_take(&lock);
	for (device = all; device; device = device->next)
		if (object == device->physical || object == device->disk)
			break;
	if (device)
		ob_reference(device);
	nt_lock_drop(&lock);
	return device;
}

bool port_unit_serve(const DEVICE_OBJECT *object, PIRP irp, port_unit_fn *fn, NTSTATUS *status)
{
	struct port_unit_device *device = take(object);

	if (!device)
		return false;
	*status = fn(device, irp);
	ob_dereference(device);
	return true;
}

static void device_free(struct port_unit *unit)
{
	struct port_unit_device *device = unit->device, **link = &all;

	unit->device = NULL;
	if (device->registry_device >= 0 && reg_device_of(device->physical) >= 0)
		reg_device_object_set((unsigned)device->registry_device, NULL);
	number_give(device->number);
	nt_lock_take(&lock);
	while (*link != device)
		link = &(*link)->next;
	*link = device->next;
	nt_lock_drop(&lock);
	io_device_end(device->physical);
	io_device_end(device->disk);
	ob_dereference(device);
}

/* NULL: out of memory; then the unit is one without device objects. */
static struct port_unit_device *device_new(struct port_unit *unit)
{
	struct port_hba *hba = (struct port_hba *)unit->adapter;
	struct port_unit_device *device =
		nt_allocation_fails() ? NULL : ob_new(&unit_type, sizeof(*device));

	if (!device)
		return NULL;
	device->physical = io_device_new(&hba->driver->object, FILE_DEVICE_DISK);
	device->disk = io_device_new(port_disk_driver(), FILE_DEVICE_DISK);
	if (!device->physical || !device->disk) {
		ob_dereference(device);
		return NULL;
	}
	device->hba = hba;
	device->path = unit->path;
	device->target = unit->target;
	device->lun = unit->lun;
	device->number = number_take();
	snprintf(device->instance, sizeof(device->instance), "%s", unit->instance);
	snprintf(device->name, sizeof(device->name), "%s, unit %u:%u:%u", hba->name, unit->path,
		unit->target, unit->lun);
	device->physical->Flags = DO_BUS_ENUMERATED_DEVICE | DO_DIRECT_IO;
	device->disk->Flags = DO_DIRECT_IO;
	io_device_attach(device->disk, device->physical);
	device->registry_device = *device->instance ? reg_device_add(device->instance) : -1;
	if (device->registry_device >= 0)
		reg_device_object_set((unsigned)device->registry_device, device->physical);
	nt_lock_take(&lock);
	device->next = all;
	all = device;
	nt_lock_drop(&lock);
	return device;
}

/* ---- what is asked of a unit ---- */

struct port_target port_unit_target(const struct port_unit_device *device)
{
	return (struct port_target){.hba = device->hba,
		.top = device->disk,
		.work = (port_work_place *)&device->work,
		.name = device->name};
}

#define NO_CONTROL ScsiUnitControlMax

/* What an IRP stands for. */
struct control {
	struct port_unit *unit;
	SCSI_UNIT_CONTROL_TYPE type;
};

static int control(struct port_hba *hba, void *arg)
{
	const struct control *control = arg;

	if (control->type != NO_CONTROL)
		port_hba_unit_control(control->unit, control->type, StorPowerActionNone,
			StorPowerDeviceUnspecified);
	return 0;
}

static void tell(struct port_unit *unit, UCHAR minor, SCSI_UNIT_CONTROL_TYPE type)
{
	const struct port_irp irp = {.major = IRP_MJ_PNP, .minor = minor};
	struct control what = {unit, type};

	if (unit->device) {
		const struct port_target target = port_unit_target(unit->device);

		port_irp_do(&target, &irp, control, &what);
	} else {
		control((struct port_hba *)unit->adapter, &what);
	}
}

static void remove_device(struct port_unit *unit, SCSI_UNIT_CONTROL_TYPE type)
{
	if (!unit->is_found)
		type = NO_CONTROL; /* it has been told: by surprise */
	unit->is_found = false;
	tell(unit, IRP_MN_REMOVE_DEVICE, type);
	if (unit->device)
		device_free(unit);
}

static void wmi_register(struct port_unit *unit)
{
	struct port_target target;

	if (!unit->device)
		return;
	target = port_unit_target(unit->device);
	port_wmi_register(&target, unit->device->physical);
}

/* As Plug and Play does when a device has been started. */
static void capabilities_ask(struct port_unit *unit)
{
	DEVICE_CAPABILITIES capabilities = {
		.Size = sizeof(capabilities), .Version = 1, .Address = ~0u, .UINumber = ~0u};
	const struct port_irp irp = {.major = IRP_MJ_PNP,
		.minor = IRP_MN_QUERY_CAPABILITIES,
		.arguments = {&capabilities}};
	struct port_target target;

	if (!unit->device)
		return;
	port_capabilities_ask(unit->device->hba, unit, &unit->device->capabilities);
	target = port_unit_target(unit->device);
	port_irp_ask(&target, &irp, NULL);
}

void port_hba_unit_found(struct port_unit *unit)
{
	if (unit->is_found)
		return;
	if (((struct port_hba *)unit->adapter)->physical && !unit->device)
		unit->device = device_new(unit);
	tell(unit, IRP_MN_START_DEVICE, ScsiUnitStart);
	unit->is_found = true;
	capabilities_ask(unit);
	wmi_register(unit);
}

void port_hba_unit_surprise(struct port_unit *unit)
{
	if (!unit->is_found)
		return;
	tell(unit, IRP_MN_SURPRISE_REMOVAL, ScsiUnitSurpriseRemoval);
	unit->is_found = false;
}

void port_hba_unit_lost(struct port_unit *unit)
{
	if (!unit->is_found)
		return;
	port_hba_unit_surprise(unit);
	port_unit_is_quiet(unit, LOST_SECONDS);
	remove_device(unit, NO_CONTROL);
}

void port_hba_units_remove(struct port_hba *hba, bool in_order)
{
	for (uint32_t n = 0; n < hba->port.unit_count; n++)
		if (hba->port.units[n]->is_found || hba->port.units[n]->device)
			remove_device(hba->port.units[n], in_order ? ScsiUnitRemove : NO_CONTROL);
}
