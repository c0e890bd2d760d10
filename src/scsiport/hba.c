/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: an adapter's life: DriverEntry, HwScsiFindAdapter, HwScsiInitialize, adapter
 * control, stop. config.c fills PORT_CONFIGURATION_INFORMATION and reads it back.
 *
 * Each mass-storage function of the bus is one adapter, as for a Plug and Play miniport: it is
 * shown to HwScsiFindAdapter once, with its resources, and Again asks for nothing more.
 */
#include "scsiport/scsi_adapter.h"
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

/* The driver whose DriverEntry runs: ScsiPortInitialize gets only a DRIVER_OBJECT. */
static struct scsi_driver *loading;

struct scsi_driver *scsi_driver_of(const void *driver_object)
{
	return loading && driver_object == &loading->object ? loading : NULL;
}

struct scsi_adapter *scsi_adapter_of(const void *extension, const char *routine)
{
	const struct mem_frame *frame = mem_owner(extension);
	struct scsi_adapter *adapter = (struct scsi_adapter *)frame->owner;

	if (likely(frame->kind == MEM_EXTENSION && adapter && adapter->extension == extension))
		return adapter;
	nt_violation(0, "%s: %p is no HwDeviceExtension of an adapter.", routine, extension);
	return NULL;
}

/* ---- bringing one up ---- */

static int find_adapter(struct scsi_adapter *adapter)
{
	const char *name = adapter->driver->name;
	const char *device = bus_function_name(adapter->function);
	BOOLEAN again = FALSE;
	ULONG result;

	adapter->phase = SCSI_FINDING;
	/* No bus information and, without a registry, no arguments. */
	result = adapter->hw.HwFindAdapter(
		adapter->extension, adapter->driver->context, NULL, NULL, &adapter->config, &again);
	scsi_irql_check(adapter, "HwScsiFindAdapter", IRQL_PASSIVE);
	adapter->phase = SCSI_FOUND;
	if (adapter->bus_data)
		mem_free(adapter->bus_data, MEM_PAGE_SIZE);
	adapter->bus_data = NULL;
	switch (result) {
	case SP_RETURN_FOUND:
		return scsi_config_check(adapter);
	case SP_RETURN_NOT_FOUND:
		return error_set(ENODEV,
			"%s: HwScsiFindAdapter says that %s (slot %u) is not its device "
			"(SP_RETURN_NOT_FOUND).",
			name, device, bus_function_slot(adapter->function));
	case SP_RETURN_ERROR:
	case SP_RETURN_BAD_CONFIG:
		return error_set(ENODEV, "%s: HwScsiFindAdapter failed for %s with %s.", name,
			device,
			result == SP_RETURN_ERROR ? "SP_RETURN_ERROR" : "SP_RETURN_BAD_CONFIG");
	default:
		return error_set(ENODEV,
			"%s: HwScsiFindAdapter returned %u, which is no SP_RETURN_ value.", name,
			(unsigned)result);
	}
}

static int initialize(struct scsi_adapter *adapter)
{
	uint8_t irql;
	BOOLEAN done;

	adapter->phase = SCSI_INITIALIZING;
	irql = scsi_interrupt_lock(adapter);
	done = adapter->hw.HwInitialize(adapter->extension);
	scsi_irql_check(adapter, "HwScsiInitialize", SCSI_DIRQL);
	scsi_interrupt_unlock(adapter, irql);
	if (!done)
		return error_set(EIO, "%s: HwScsiInitialize failed for %s.", adapter->driver->name,
			bus_function_name(adapter->function));
	adapter->phase = SCSI_RUNNING;
	return 0;
}

static void query_control_types(struct scsi_adapter *adapter)
{
	ULONG memory[(sizeof(SCSI_SUPPORTED_CONTROL_TYPE_LIST) + ScsiAdapterControlMax) /
			     sizeof(ULONG) +
		     1] = {0};
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = (PVOID)memory;
	SCSI_ADAPTER_CONTROL_STATUS status;

	if (!adapter->hw.HwAdapterControl)
		return;
	/* SCSI Port knows the types up to ScsiSetRunningConfig. */
	list->MaxControlType = ScsiSetRunningConfig + 1;
	status = adapter->hw.HwAdapterControl(
		adapter->extension, ScsiQuerySupportedControlTypes, list);
	scsi_irql_check(adapter, "HwScsiAdapterControl", IRQL_PASSIVE);
	if (status != ScsiAdapterControlSuccess)
		return;
	for (unsigned n = 0; n <= ScsiSetRunningConfig; n++)
		adapter->control_supported[n] = list->SupportedTypeList[n];
}

/* Before HwScsiFindAdapter, which may ask for memory that the device reaches. */
static int make_dma(struct scsi_adapter *adapter)
{
	const struct dma_constraints constraints = {
		.width = 64,
		.scatter_gather = true,
		.device = (uint8_t)bus_function_slot(adapter->function),
	};

	adapter->port.dma = dma_adapter_new(&constraints, adapter);
	return adapter->port.dma ? 0 : -ENOMEM;
}

/* After it: as it says what its device is. A transfer that may begin anywhere in a page takes one
 * register more than its pages (D-5). */
static int limit_dma(struct scsi_adapter *adapter, struct port_limits *limits)
{
	struct dma_adapter *dma = adapter->port.dma;
	struct dma_constraints constraints = dma->limits;
	uint64_t bytes;
	int err;

	if (!adapter->config.Master) { /* it moves the data itself */
		dma_adapter_free(dma);
		adapter->port.dma = NULL;
		return 0;
	}
	constraints.width = scsi_config_width(adapter);
	constraints.max_transfer = limits->max_transfer;
	constraints.scatter_gather = adapter->config.ScatterGather;
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

/* Starting with what it says of itself; a part of it may have been made when this fails. */
static int adapter_make_port(struct scsi_adapter *adapter)
{
	struct port_limits limits;
	struct dma_adapter *dma;
	int err;

	scsi_config_limits(adapter, &limits);
	err = limit_dma(adapter, &limits);
	if (err)
		return err;
	dma = adapter->port.dma;
	err = port_adapter_init(&adapter->port, &scsi_model, adapter->name, dma, &limits);
	if (!err && !adapter->config.MapBuffers)
		err = scsi_window_new(adapter);
	port_adapter_number(&adapter->port, adapter->driver->adapter_count - 1);
	return err;
}

static int adapter_start(struct scsi_adapter *adapter)
{
	int err;

	bus_messages_disable(adapter->function); /* SCSI Port has the line alone */
	scsi_config_init(adapter);
	err = make_dma(adapter);
	if (!err)
		err = find_adapter(adapter);
	if (!err)
		err = adapter_make_port(adapter);
	if (!err)
		err = scsi_interrupt_connect(adapter);
	if (!err)
		err = initialize(adapter);
	if (err)
		return err;
	query_control_types(adapter);
	port_adapter_open(&adapter->port);
	return 0;
}

/* ---- taking one down ---- */

static void stop_control(struct scsi_adapter *adapter)
{
	uint8_t irql;

	if (adapter->phase != SCSI_RUNNING || !adapter->control_supported[ScsiStopAdapter])
		return;
	/* DIRQL and the interrupt lock, as the callback's page says. */
	irql = scsi_interrupt_lock(adapter);
	adapter->hw.HwAdapterControl(adapter->extension, ScsiStopAdapter, NULL);
	scsi_irql_check(adapter, "HwScsiAdapterControl(ScsiStopAdapter)", SCSI_DIRQL);
	scsi_interrupt_unlock(adapter, irql);
}

/* A device that still has requests may write to their memory, which is about to be others'. */
static void master_off(struct bus_function *function)
{
	uint16_t command;

	bus_config_read(function, COMMAND, &command, sizeof(command));
	command &= ~COMMAND_MASTER;
	bus_config_write(function, COMMAND, &command, sizeof(command));
}

void scsi_adapter_stop(struct port_adapter *port)
{
	struct scsi_adapter *adapter = (struct scsi_adapter *)port;

	if (adapter->phase == SCSI_STOPPED)
		return;
	stop_control(adapter);
	adapter->phase = SCSI_STOPPED; /* no timer is armed from here on */
	if (port->outstanding)
		master_off(adapter->function);
	scsi_interrupt_disconnect(adapter);
	cpu_dpc_flush();
	cpu_timer_cancel(&adapter->timer);
	cpu_dpc_flush();
}

static void adapter_free(struct scsi_adapter *adapter)
{
	if (adapter->port.slots && port_adapter_close(&adapter->port, STOP_SECONDS))
		port_adapter_give_up(&adapter->port);
	scsi_adapter_stop(&adapter->port);
	for (unsigned n = 0; n < SCSI_MAPS; n++)
		if (adapter->mapped[n])
			bus_unmap(adapter->mapped[n]);
	if (adapter->port.slots)
		port_adapter_fini(&adapter->port);
	if (adapter->uncached) {
		if (adapter->port.dma)
			dma_unpin(adapter->port.dma, adapter->uncached, adapter->uncached_bytes);
		mem_free(adapter->uncached, adapter->uncached_bytes);
	}
	if (adapter->port.dma)
		dma_adapter_free(adapter->port.dma);
	scsi_window_free(adapter);
	if (adapter->extension)
		mem_free(adapter->extension, adapter->extension_bytes);
	free(adapter);
}

static int adapter_new(struct scsi_driver *driver, struct bus_function *function)
{
	struct scsi_adapter *adapter = calloc(1, sizeof(*adapter));
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
	memset(adapter->extension, 0, bytes);
	return adapter_start(adapter);
}

/* ---- drivers ---- */

static int run_driver_entry(struct scsi_driver *driver, void *entry)
{
	static const WCHAR path[] = {'\\', 'R', 'e', 'g', 'i', 's', 't', 'r', 'y', '\\', 'M', 'a',
		'c', 'h', 'i', 'n', 'e', '\\', 'd', 'r', 'y', 'p', 'o', 'r', 't', 0};
	UNICODE_STRING registry = {sizeof(path) - sizeof(WCHAR), sizeof(path), (PWSTR)path};
	NTSTATUS status;

	loading = driver;
	status = ((PDRIVER_INITIALIZE)entry)(&driver->object, &registry);
	loading = NULL;
	scsi_irql_check(NULL, "DriverEntry", IRQL_PASSIVE);
	if (!NT_SUCCESS(status))
		return error_set(EIO, "%s: DriverEntry failed with status %08x.", driver->name,
			(unsigned)status);
	if (!driver->called)
		return error_set(EIO,
			"%s: DriverEntry succeeded but never called ScsiPortInitialize.",
			driver->name);
	if (!driver->registered)
		return error_set(ENODEV,
			"%s: DriverEntry registered no AdapterInterfaceType PCIBus, and this "
			"machine has no other bus.",
			driver->name);
	return 0;
}

static int start_adapters(struct scsi_driver *driver)
{
	struct bus_function *function;
	unsigned found = 0;

	for (unsigned n = 0; (function = bus_function_get(n)) != NULL; n++) {
		uint8_t class = 0;
		int err;

		bus_config_read(function, 11, &class, 1);
		if (class != MASS_STORAGE || driver->adapter_count == SCSI_ADAPTERS_MAX)
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

int scsi_driver_start(void *entry, const char *name, struct scsi_driver **driver)
{
	struct scsi_driver *made = calloc(1, sizeof(*made));
	int err;

	if (!made)
		return error_set(ENOMEM, "no memory for driver %s.", name);
	made->name = name;
	err = run_driver_entry(made, entry);
	if (!err)
		err = start_adapters(made);
	if (err) {
		scsi_driver_stop(made);
		return err;
	}
	*driver = made;
	return 0;
}

void scsi_driver_stop(struct scsi_driver *driver)
{
	while (driver->adapter_count)
		adapter_free(driver->adapters[--driver->adapter_count]);
	if (driver->called && driver->object.DriverUnload)
		driver->object.DriverUnload(&driver->object);
	scsi_irql_check(NULL, "DriverUnload", IRQL_PASSIVE);
	free(driver);
}
