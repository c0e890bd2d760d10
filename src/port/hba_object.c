/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: the device objects of an adapter. The physical one is the bus driver's, whose role
 * is played here too; the functional one, which the port attaches to it, is the driver's. IRPs come
 * to them (hba_pnp.c, ddi_port_dispatch.c); StorPortGetDeviceObjects hands them out,
 * IoGetDmaAdapter and IoOpenDeviceRegistryKey take the physical one. See hba.h.
 */
#include "port/hba.h"
#include "nt/io_device.h"
#include "nt/registry.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

static struct port_hba *known[PORT_HBAS_MAX];

struct port_hba *port_hba_of_object(const DEVICE_OBJECT *object)
{
	for (unsigned n = 0; n < PORT_HBAS_MAX; n++)
		if (known[n] && (object == known[n]->physical || object == known[n]->functional))
			return known[n];
	return NULL;
}

static const struct dma_device *resolve(PDEVICE_OBJECT physical)
{
	struct port_hba *hba = port_hba_of_object(physical);

	return hba && physical == hba->physical ? &hba->dma_device : NULL;
}

static void objects_drop(struct port_hba *hba)
{
	io_device_free(hba->physical);
	io_device_free(hba->functional);
	hba->functional = hba->physical = NULL;
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
	/* As Plug and Play knows the device: the bus driver's, and nothing attached to it yet. */
	hba->physical = io_device_new(port_bus_driver(), FILE_DEVICE_CONTROLLER);
	hba->functional = io_device_new(&hba->driver->object, FILE_DEVICE_CONTROLLER);
	if (!hba->physical || !hba->functional) {
		objects_drop(hba);
		return error_set(ENOMEM, "%s: no memory for device objects.", hba->name);
	}
	hba->physical->Flags = DO_BUS_ENUMERATED_DEVICE;
	hba->functional->Flags = DO_DIRECT_IO;
	if (hba->function)
		bus_function_instance(hba->function, instance, sizeof(instance));
	device = reg_device_add(instance);
	if (device < 0) {
		objects_drop(hba);
		return device;
	}
	hba->registry_device = (unsigned)device;
	reg_device_object_set(hba->registry_device, hba->physical);
	hba->dma_device = (struct dma_device){.width = 64,
		.device = hba->function ? (uint8_t)bus_function_place(hba->function) : 255,
		.owner = hba};
	known[n] = hba;
	dma_device_resolve = resolve;
	return 0;
}

void port_objects_attach(struct port_hba *hba)
{
	io_device_attach(hba->functional, hba->physical);
}

void port_objects_free(struct port_hba *hba)
{
	if (!hba->physical)
		return;
	for (unsigned n = 0; n < PORT_HBAS_MAX; n++)
		if (known[n] == hba)
			known[n] = NULL;
	if (reg_device_of(hba->physical) >= 0)
		reg_device_object_set(hba->registry_device, NULL);
	objects_drop(hba);
}
