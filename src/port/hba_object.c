/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: the device objects of an adapter. The physical one is the bus driver's, whose role
 * is played here too; the functional one, which the port attaches to it, is the driver's. IRPs come
 * to them (hba_pnp.c, ddi_port_dispatch.c); StorPortGetDeviceObjects hands them out,
 * IoGetDmaAdapter and IoOpenDeviceRegistryKey take the physical one. See hba.h.
 */
#include "port/hba.h"
#include "nt/registry.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

#define OBJECT_TAG 0x6a624f44 /* "DObj" */

static struct port_hba *known[PORT_HBAS_MAX];

struct port_hba *port_hba_of_object(const DEVICE_OBJECT *object)
{
	for (unsigned n = 0; n < PORT_HBAS_MAX; n++)
		if (known[n] && (object == &known[n]->objects->physical ||
					object == &known[n]->objects->functional))
			return known[n];
	return NULL;
}

static const struct dma_device *resolve(PDEVICE_OBJECT physical)
{
	struct port_hba *hba = port_hba_of_object(physical);

	return hba && physical == &hba->objects->physical ? &hba->dma_device : NULL;
}

/* As Plug and Play knows the device: the bus driver's object, not attached to yet. */
static void physical_init(struct port_hba *hba)
{
	DEVICE_OBJECT *physical = &hba->objects->physical;

	physical->Type = IO_TYPE_DEVICE;
	physical->Size = sizeof(*physical);
	physical->DriverObject = port_bus_driver();
	physical->Flags = DO_BUS_ENUMERATED_DEVICE;
	physical->DeviceType = FILE_DEVICE_CONTROLLER;
	physical->StackSize = 1;
}

int port_objects_new(struct port_hba *hba)
{
	char instance[REG_INSTANCE_MAX] = REG_VIRTUAL_DEVICE;
	unsigned n = 0;
	int device;

	while (n < PORT_HBAS_MAX && known[n])
		n++;
	if (n == PORT_HBAS_MAX)
		return error_set(ENOMEM, "more than %d adapters.", PORT_HBAS_MAX);
	hba->objects = nt_pool_alloc(sizeof(*hba->objects), OBJECT_TAG, NULL, true);
	if (!hba->objects)
		return error_set(ENOMEM, "%s: no memory for device objects.", hba->name);
	if (hba->function)
		bus_function_instance(hba->function, instance, sizeof(instance));
	device = reg_device_add(instance);
	if (device < 0) {
		nt_pool_free(hba->objects);
		hba->objects = NULL;
		return device;
	}
	hba->registry_device = (unsigned)device;
	reg_device_object_set(hba->registry_device, &hba->objects->physical);
	physical_init(hba);
	hba->dma_device = (struct dma_device){.width = 64,
		.device = hba->function ? (uint8_t)bus_function_slot(hba->function) : 255,
		.owner = hba};
	known[n] = hba;
	dma_device_resolve = resolve;
	return 0;
}

void port_objects_attach(struct port_hba *hba)
{
	DEVICE_OBJECT *physical = &hba->objects->physical;
	DEVICE_OBJECT *functional = &hba->objects->functional;

	functional->Type = IO_TYPE_DEVICE;
	functional->Size = sizeof(*functional);
	functional->DriverObject = &hba->driver->object;
	functional->NextDevice = hba->driver->object.DeviceObject;
	functional->Flags = DO_DIRECT_IO;
	functional->DeviceType = FILE_DEVICE_CONTROLLER;
	functional->StackSize = (CCHAR)(physical->StackSize + 1);
	hba->driver->object.DeviceObject = functional;
	physical->AttachedDevice = functional;
}

void port_objects_free(struct port_hba *hba)
{
	PDEVICE_OBJECT *link = &hba->driver->object.DeviceObject;

	if (!hba->objects)
		return;
	for (unsigned n = 0; n < PORT_HBAS_MAX; n++)
		if (known[n] == hba)
			known[n] = NULL;
	while (*link && *link != &hba->objects->functional)
		link = &(*link)->NextDevice;
	if (*link)
		*link = hba->objects->functional.NextDevice;
	if (reg_device_of(&hba->objects->physical) >= 0)
		reg_device_object_set(hba->registry_device, NULL);
	nt_pool_free(hba->objects);
	hba->objects = NULL;
}
