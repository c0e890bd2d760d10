/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Device objects of an adapter: what StorPortGetDeviceObjects hands out, and what IoGetDmaAdapter
 * takes. Virtual miniports (HwStorFindAdapter gets them too) and tests of the DMA operations use
 * them; a physical miniport must not (HwStorPortProhibitedDDIs).
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/registry.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

#define OBJECT_TAG 0x6a624f44 /* "DObj" */

/* Physical, then functional. */
struct stor_objects {
	DEVICE_OBJECT physical, functional;
};

static struct stor_adapter *known[PORT_HBAS_MAX];

static const struct dma_device *resolve(PDEVICE_OBJECT physical)
{
	for (unsigned n = 0; n < PORT_HBAS_MAX; n++)
		if (known[n] && physical == &known[n]->objects->physical)
			return &known[n]->dma_device;
	return NULL;
}

int stor_objects_new(struct stor_adapter *adapter)
{
	char instance[REG_INSTANCE_MAX] = REG_VIRTUAL_DEVICE;
	unsigned n = 0;
	int device;

	while (n < PORT_HBAS_MAX && known[n])
		n++;
	if (n == PORT_HBAS_MAX)
		return error_set(ENOMEM, "more than %d adapters.", PORT_HBAS_MAX);
	adapter->objects = nt_pool_alloc(sizeof(*adapter->objects), OBJECT_TAG, NULL, true);
	if (!adapter->objects)
		return error_set(ENOMEM, "%s: no memory for device objects.", adapter->hba.name);
	if (adapter->hba.function)
		bus_function_instance(adapter->hba.function, instance, sizeof(instance));
	device = reg_device_add(instance);
	if (device < 0)
		return device;
	adapter->registry_device = (unsigned)device;
	reg_device_object_set(adapter->registry_device, &adapter->objects->physical);
	adapter->objects->physical.AttachedDevice = &adapter->objects->functional;
	adapter->objects->functional.DriverObject = &adapter->hba.driver->object;
	adapter->dma_device = (struct dma_device){.width = 64,
		.device = adapter->hba.function ? (uint8_t)bus_function_slot(adapter->hba.function)
						: 255,
		.owner = adapter};
	known[n] = adapter;
	dma_device_resolve = resolve;
	return 0;
}

void stor_objects_free(struct stor_adapter *adapter)
{
	for (unsigned n = 0; n < PORT_HBAS_MAX; n++)
		if (known[n] == adapter)
			known[n] = NULL;
	if (!adapter->objects)
		return;
	if (reg_device_of(&adapter->objects->physical) >= 0)
		reg_device_object_set(adapter->registry_device, NULL);
	nt_pool_free(adapter->objects);
}

void stor_objects_get(
	const struct stor_adapter *adapter, PVOID *functional, PVOID *physical, PVOID *lower)
{
	if (functional)
		*functional = &adapter->objects->functional;
	if (physical)
		*physical = &adapter->objects->physical;
	if (lower)
		*lower = &adapter->objects->physical;
}

ULONG stor_get_device_objects(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID *functional = stor_arg(args, PVOID *);
	PVOID *physical = stor_arg(args, PVOID *);
	PVOID *lower = stor_arg(args, PVOID *);

	stor_objects_get(adapter, functional, physical, lower);
	return STOR_STATUS_SUCCESS;
}
