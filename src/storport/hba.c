/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: an adapter's life (4.1): DriverEntry, HwStorFindAdapter, HwStorInitialize, passive
 * initialisation, adapter control, stop. config.c fills PORT_CONFIGURATION_INFORMATION and reads it
 * back; virtual.c has what is a virtual miniport's alone.
 */
#include "storport/storport_adapter.h"
#include "storport/config.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASS_STORAGE   1
#define STOP_SECONDS   10
#define COMMAND	       4 /* of configuration space */
#define COMMAND_MASTER 4

/* The driver whose DriverEntry runs: StorPortInitialize gets only a DRIVER_OBJECT. */
static struct stor_driver *loading;

struct stor_driver *stor_driver_of(const void *driver_object)
{
	return loading && driver_object == &loading->object ? loading : NULL;
}

struct stor_adapter *stor_adapter_find(const void *extension)
{
	const struct mem_frame *frame = mem_owner(extension);
	struct stor_adapter *adapter;

	if (!frame || frame->kind != MEM_EXTENSION)
		return NULL;
	adapter = (struct stor_adapter *)frame->owner;
	return adapter && adapter->extension == extension ? adapter : NULL;
}

struct stor_adapter *stor_adapter_of(const void *extension, const char *routine)
{
	struct stor_adapter *adapter = stor_adapter_find(extension);

	if (unlikely(!adapter))
		nt_violation(
			0, "%s: %p is no HwDeviceExtension of an adapter.", routine, extension);
	return adapter;
}

/* ---- bringing one up ---- */

static const char *device_name(const struct stor_adapter *adapter)
{
	return adapter->function ? bus_function_name(adapter->function) : "its virtual adapter";
}

static ULONG call_find(struct stor_adapter *adapter)
{
	PHW_FIND_ADAPTER find = (PHW_FIND_ADAPTER)adapter->hw.HwFindAdapter;
	char arguments[] = "";
	BOOLEAN again = FALSE;

	if (adapter->driver->is_virtual)
		return stor_virtual_find(adapter, arguments, &again);
	return find(adapter->extension, NULL, NULL, arguments, &adapter->config, &again);
}

static int find_adapter(struct stor_adapter *adapter)
{
	ULONG result;

	adapter->phase = STOR_FINDING;
	result = call_find(adapter);
	stor_irql_check(adapter, "HwStorFindAdapter", IRQL_PASSIVE);
	adapter->phase = STOR_FOUND;
	adapter->was_found = result == SP_RETURN_FOUND;
	switch (result) {
	case SP_RETURN_FOUND:
		return stor_config_check(adapter);
	case SP_RETURN_NOT_FOUND:
		return error_set(ENODEV,
			"%s: HwStorFindAdapter says that %s (slot %u) is not its device "
			"(SP_RETURN_NOT_FOUND).",
			adapter->driver->name, device_name(adapter),
			adapter->function ? bus_function_slot(adapter->function) : 0);
	case SP_RETURN_ERROR:
	case SP_RETURN_BAD_CONFIG:
		return error_set(ENODEV, "%s: HwStorFindAdapter failed for %s with %s.",
			adapter->driver->name, device_name(adapter),
			result == SP_RETURN_ERROR ? "SP_RETURN_ERROR" : "SP_RETURN_BAD_CONFIG");
	default:
		return error_set(ENODEV,
			"%s: HwStorFindAdapter returned %u, which is no SP_RETURN_ value "
			"(SpReturnValue).",
			adapter->driver->name, (unsigned)result);
	}
}

/* Around what is called at DIRQL under the interrupt lock. A virtual miniport has neither: none is
 * held (4.2), and the IRQL, which no page gives, stays PASSIVE. */
static uint8_t control_enter(struct stor_adapter *adapter)
{
	return adapter->driver->is_virtual ? cpu_irql() : stor_interrupt_lock(adapter);
}

static void control_leave(struct stor_adapter *adapter, const char *callback, uint8_t irql)
{
	stor_irql_check(adapter, callback, adapter->driver->is_virtual ? irql : STOR_DIRQL);
	if (!adapter->driver->is_virtual)
		stor_interrupt_unlock(adapter, irql);
}

static int initialize(struct stor_adapter *adapter)
{
	uint8_t irql;
	BOOLEAN done;

	adapter->phase = STOR_INITIALIZING;
	irql = control_enter(adapter);
	done = adapter->hw.HwInitialize(adapter->extension);
	control_leave(adapter, "HwStorInitialize", irql);
	if (!done)
		return error_set(EIO, "%s: HwStorInitialize failed for %s.", adapter->driver->name,
			device_name(adapter));
	if (adapter->passive_init) {
		adapter->phase = STOR_PASSIVE_INITIALIZING;
		done = adapter->passive_init(adapter->extension);
		stor_irql_check(adapter, "HwStorPassiveInitializeRoutine", IRQL_PASSIVE);
	}
	if (!done)
		return error_set(EIO, "%s: the passive initialisation routine failed for %s.",
			adapter->driver->name, device_name(adapter));
	adapter->phase = STOR_RUNNING;
	return 0;
}

static void query_control_types(struct stor_adapter *adapter)
{
	ULONG memory[(sizeof(SCSI_SUPPORTED_CONTROL_TYPE_LIST) + ScsiAdapterControlMax) /
			     sizeof(ULONG) +
		     1] = {0};
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = (PVOID)memory;
	SCSI_ADAPTER_CONTROL_STATUS status;

	if (!adapter->hw.HwAdapterControl)
		return;
	list->MaxControlType = ScsiAdapterControlMax;
	status = adapter->hw.HwAdapterControl(
		adapter->extension, ScsiQuerySupportedControlTypes, list);
	stor_irql_check(adapter, "HwStorAdapterControl", IRQL_PASSIVE);
	if (status != ScsiAdapterControlSuccess)
		return;
	for (unsigned n = 0; n < ScsiAdapterControlMax; n++)
		adapter->control_supported[n] = list->SupportedTypeList[n];
}

/* Before HwStorFindAdapter, which may ask for memory that the device reaches. */
static int make_dma(struct stor_adapter *adapter)
{
	const struct dma_constraints constraints = {
		.width = adapter->dma_device.width,
		.scatter_gather = true,
		.device = adapter->dma_device.device,
	};

	if (adapter->driver->is_virtual) /* no DMA object (VirtualDevice) */
		return 0;
	adapter->port.dma = dma_adapter_new(&constraints, adapter);
	return adapter->port.dma ? 0 : -ENOMEM;
}

/* After it: as it says what its device is. A transfer that may begin anywhere in a page takes one
 * register more than its pages (D-5). */
static int limit_dma(struct stor_adapter *adapter, struct port_limits *limits)
{
	struct dma_adapter *dma = adapter->port.dma;
	struct dma_constraints constraints;
	uint64_t bytes;
	int err;

	if (!dma)
		return 0;
	constraints = dma->limits;
	constraints.width = stor_config_width(adapter);
	constraints.max_transfer = limits->max_transfer;
	err = dma_adapter_limit(dma, &constraints);
	if (err)
		return err;
	if (dma->map_registers < 2)
		return error_set(ERANGE,
			"%s: one map register is too few for a port; a buffer may cross a page.",
			adapter->name);
	bytes = (dma->map_registers - 1ull) << MEM_PAGE_SHIFT;
	limits->max_transfer = (uint32_t)min_of(bytes, limits->max_transfer);
	return 0;
}

static int adapter_start(struct stor_adapter *adapter)
{
	struct port_limits limits = {0};
	struct dma_adapter *dma;
	int err;

	if (adapter->function)
		adapter->messages = bus_messages_enable(adapter->function, BUS_MESSAGES_MAX);
	stor_config_init(adapter);
	err = stor_objects_new(adapter);
	if (!err)
		err = make_dma(adapter);
	if (!err)
		err = find_adapter(adapter);
	if (err)
		return err;
	stor_config_limits(adapter, &limits);
	err = limit_dma(adapter, &limits);
	if (err)
		return err;
	dma = adapter->port.dma;
	err = port_adapter_init(&adapter->port, &stor_model, adapter->name, dma, &limits);
	if (err)
		return err;
	port_adapter_number(&adapter->port, adapter->driver->adapter_count - 1);
	err = stor_interrupt_connect(adapter);
	if (!err)
		err = initialize(adapter);
	if (err)
		return err;
	query_control_types(adapter);
	port_adapter_open(&adapter->port);
	return 0;
}

/* ---- taking one down ---- */

static void stop_control(struct stor_adapter *adapter)
{
	uint8_t irql;

	if (adapter->phase != STOR_RUNNING || !adapter->control_supported[ScsiStopAdapter])
		return;
	/* DIRQL and the interrupt lock, as the callback's page says. */
	irql = control_enter(adapter);
	adapter->hw.HwAdapterControl(adapter->extension, ScsiStopAdapter, NULL);
	control_leave(adapter, "HwStorAdapterControl(ScsiStopAdapter)", irql);
}

/* A device that still has requests may write to their memory, which is about to be others'. */
static void master_off(struct bus_function *function)
{
	uint16_t command;

	bus_config_read(function, COMMAND, &command, sizeof(command));
	command &= ~COMMAND_MASTER;
	bus_config_write(function, COMMAND, &command, sizeof(command));
}

void stor_adapter_stop(struct port_adapter *port)
{
	struct stor_adapter *adapter = (struct stor_adapter *)port;

	if (adapter->phase == STOR_STOPPED)
		return;
	stop_control(adapter);
	adapter->phase = STOR_STOPPED; /* no DPC is issued, no timer armed from here on */
	if (port->outstanding && adapter->function)
		master_off(adapter->function);
	stor_interrupt_disconnect(adapter);
	cpu_dpc_flush();
	cpu_timer_cancel(&adapter->timer);
	stor_timers_stop(adapter);
	cpu_dpc_flush();
	stor_work_stop(adapter);
}

static void adapter_free(struct stor_adapter *adapter)
{
	if (adapter->port.slots && port_adapter_close(&adapter->port, STOP_SECONDS))
		port_adapter_give_up(&adapter->port);
	stor_adapter_stop(&adapter->port);
	if (adapter->driver->is_virtual && adapter->was_found)
		stor_virtual_remove(adapter);
	for (unsigned n = 0; n < STOR_MAPS; n++)
		if (adapter->mapped[n])
			bus_unmap(adapter->mapped[n]);
	if (adapter->port.slots)
		port_adapter_fini(&adapter->port);
	stor_threads_free(adapter);
	stor_work_free(adapter);
	stor_timers_free(adapter);
	stor_power_free(adapter);
	stor_blocks_free(adapter);
	stor_uncached_free(adapter);
	if (adapter->port.dma)
		dma_adapter_free(adapter->port.dma);
	stor_objects_free(adapter);
	if (adapter->extension)
		mem_free(adapter->extension, adapter->extension_bytes);
	free(adapter);
}

static int adapter_new(struct stor_driver *driver, struct bus_function *function)
{
	struct stor_adapter *adapter = calloc(1, sizeof(*adapter));
	uint64_t bytes = round_up(max_of(driver->hw.DeviceExtensionSize, 1u), MEM_PAGE_SIZE);

	if (!adapter)
		return error_set(ENOMEM, "%s: no memory for an adapter.", driver->name);
	adapter->driver = driver;
	adapter->function = function;
	adapter->hw = driver->hw;
	snprintf(adapter->name, sizeof(adapter->name), "%.30s adapter %u", driver->name,
		driver->adapter_count);
	adapter->extension_bytes = bytes;
	adapter->extension = mem_alloc(bytes, MEM_LINEAR, MEM_EXTENSION, adapter);
	driver->adapters[driver->adapter_count++] = adapter;
	if (!adapter->extension)
		return error_set(ENOMEM, "%s: no memory for %llu bytes of device extension.",
			adapter->name, (unsigned long long)bytes);
	/* Zeroed once, at its first allocation (4.1). */
	memset(adapter->extension, 0, bytes);
	return adapter_start(adapter);
}

/* ---- drivers ---- */

/* What a driver that puts a routine of its own there calls from it. */
static VOID NTAPI port_unload(PDRIVER_OBJECT object)
{
	struct stor_driver *driver = container_of(object, struct stor_driver, object);

	if (driver->is_virtual && driver->hw.HwCleanupTracing)
		driver->hw.HwCleanupTracing(object);
}

static int run_driver_entry(struct stor_driver *driver, void *entry)
{
	static const WCHAR path[] = {'\\', 'R', 'e', 'g', 'i', 's', 't', 'r', 'y', '\\', 'M', 'a',
		'c', 'h', 'i', 'n', 'e', '\\', 'd', 'r', 'y', 'p', 'o', 'r', 't', 0};
	UNICODE_STRING registry = {sizeof(path) - sizeof(WCHAR), sizeof(path), (PWSTR)path};
	NTSTATUS status;

	loading = driver;
	status = ((PDRIVER_INITIALIZE)entry)(&driver->object, &registry);
	loading = NULL;
	stor_irql_check(NULL, "DriverEntry", IRQL_PASSIVE);
	if (!NT_SUCCESS(status))
		return error_set(EIO, "%s: DriverEntry failed with status %08x.", driver->name,
			(unsigned)status);
	if (!driver->registered)
		return error_set(EIO,
			"%s: DriverEntry succeeded but never called StorPortInitialize.",
			driver->name);
	return 0;
}

static int start_adapters(struct stor_driver *driver)
{
	struct bus_function *function;
	unsigned found = 0;

	if (driver->is_virtual) /* one that no bus reports: the system has been told of it */
		return adapter_new(driver, NULL);
	for (unsigned n = 0; (function = bus_function_get(n)) != NULL; n++) {
		uint8_t class = 0;
		int err;

		bus_config_read(function, 11, &class, 1);
		if (class != MASS_STORAGE || driver->adapter_count == STOR_ADAPTERS_MAX)
			continue;
		err = adapter_new(driver, function);
		if (err)
			return err;
		found++;
	}
	if (!found)
		return error_set(ENODEV,
			"the machine has no mass-storage device for %s; name one with --hw.",
			driver->name);
	return 0;
}

int stor_driver_start(void *entry, const char *name, struct stor_driver **driver)
{
	struct stor_driver *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return error_set(ENOMEM, "no memory for driver %s.", name);
	made->name = name;
	made->object.DriverUnload = port_unload;
	err = run_driver_entry(made, entry);
	if (!err)
		err = start_adapters(made);
	if (err) {
		stor_driver_stop(made);
		return err;
	}
	*driver = made;
	return 0;
}

void stor_driver_stop(struct stor_driver *driver)
{
	while (driver->adapter_count)
		adapter_free(driver->adapters[--driver->adapter_count]);
	if (driver->registered && driver->object.DriverUnload)
		driver->object.DriverUnload(&driver->object);
	stor_irql_check(NULL, "DriverUnload", IRQL_PASSIVE);
	free(driver);
}
