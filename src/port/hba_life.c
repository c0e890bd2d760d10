/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * An adapter's life: found, initialised, asked what it can control, stopped, freed (4.1). Before:
 * hba_driver.c. In between: hba_change.c. What is each model's own: src/storport/hba.c,
 * src/scsiport/hba.c. See hba.h.
 */
#include "port/hba.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_SECONDS   10
#define COMMAND	       4 /* of configuration space */
#define COMMAND_MASTER 4

/* ---- bringing one up ---- */

static const char *device_name(const struct port_hba *hba)
{
	return hba->function ? bus_function_name(hba->function) : "its virtual adapter";
}

/* What its device shows may tell why. */
static __attribute__((format(printf, 3, 4))) int failed(
	struct port_hba *hba, int err, const char *format, ...)
{
	char what[256], registers[320];
	va_list list;

	va_start(list, format);
	vsnprintf(what, sizeof(what), format, list);
	va_end(list);
	port_hba_registers_say(hba, registers, sizeof(registers));
	return error_set(err, "%s: %s%s", hba->driver->name, what, registers);
}

int port_hba_find(struct port_hba *hba, uint8_t irql)
{
	const char *driver = hba->driver->name, *stem = hba->driver->model->stem;
	uint8_t old;

	hba->phase = PORT_HBA_FINDING;
	old = cpu_irql_raise(irql);
	hba->answer = hba->driver->model->find(hba);
	port_hba_irql_check(hba, "Hw*FindAdapter", irql);
	cpu_irql_lower(old);
	hba->phase = PORT_HBA_FOUND;
	switch (hba->answer) {
	case SP_RETURN_FOUND:
		return 0;
	case SP_RETURN_NOT_FOUND:
		return error_set(ENODEV,
			"%s: Hw%sFindAdapter says that %s (slot %u) is not its device "
			"(SP_RETURN_NOT_FOUND).",
			driver, stem, device_name(hba),
			hba->function ? bus_function_slot(hba->function) : 0);
	case SP_RETURN_ERROR:
	case SP_RETURN_BAD_CONFIG:
		return failed(hba, ENODEV, "Hw%sFindAdapter failed for %s with %s.", stem,
			device_name(hba),
			hba->answer == SP_RETURN_ERROR ? "SP_RETURN_ERROR"
						       : "SP_RETURN_BAD_CONFIG");
	default:
		return error_set(ENODEV,
			"%s: Hw%sFindAdapter returned %u, which is no SP_RETURN_ value%s.", driver,
			stem, (unsigned)hba->answer, hba->driver->model->answer_rule);
	}
}

/* Before HwFindAdapter, which may ask for memory that the device reaches. */
static int dma_new(struct port_hba *hba)
{
	struct dma_constraints constraints = {.width = 64, .scatter_gather = true};

	if (!hba->function) /* no DMA object (VirtualDevice) */
		return 0;
	constraints.device = (uint8_t)bus_function_place(hba->function);
	hba->port.dma = dma_adapter_new(&constraints, hba);
	return hba->port.dma ? 0 : -ENOMEM;
}

/* After it: as it says what its device is. A transfer that may begin anywhere in a page takes one
 * register more than its pages (D-5). */
static int dma_limit(
	struct port_hba *hba, struct port_limits *limits, struct dma_constraints *constraints)
{
	struct dma_adapter *dma = hba->port.dma;
	uint64_t bytes;
	int err;

	if (!dma)
		return 0;
	constraints->max_transfer = limits->max_transfer;
	err = dma_adapter_limit(dma, constraints);
	if (err)
		return err;
	if (dma->map_registers < 2)
		return error_set(ERANGE,
			"%s: one map register is too few for a port; a buffer may cross a page.",
			hba->name);
	bytes = (dma->map_registers - 1ull) << MEM_PAGE_SHIFT;
	limits->max_transfer = (uint32_t)min_of(bytes, limits->max_transfer);
	return 0;
}

/* For requests that time out: somebody has taken from it what it needs on the bus. */
static const char *ails(const struct port_adapter *adapter)
{
	const struct port_hba *hba = container_of(adapter, struct port_hba, port);

	if (!hba->function || bus_function_is_unplugged(hba->function))
		return "";
	if (!bus_master_is_on(hba->function))
		return "; its device may not reach memory, as bus mastering is off in its command "
		       "register";
	if (bus_interrupts_are_masked(hba->function))
		return "; its device's interrupts are masked";
	return "";
}

/* With what it says of itself; a part may have been made when this fails. */
static int requests_new(struct port_hba *hba)
{
	const struct port_driver_model *model = hba->driver->model;
	struct dma_constraints constraints = {0};
	struct port_limits limits = {0};
	int err;

	if (hba->port.dma)
		constraints = hba->port.dma->limits;
	err = model->accept(hba, &limits, &constraints);
	limits.io_seconds = hba->entries.io_seconds;
	if (!err)
		err = dma_limit(hba, &limits, &constraints);
	if (!err)
		err = port_adapter_init(
			&hba->port, model->requests, hba->name, hba->port.dma, &limits);
	if (!err)
		port_adapter_number(&hba->port, hba->place);
	if (!err)
		hba->port.ails = ails;
	return err;
}

int port_hba_initialize(struct port_hba *hba)
{
	const struct port_driver_model *model = hba->driver->model;
	uint8_t old, irql;
	BOOLEAN done;

	hba->phase = PORT_HBA_INITIALIZING;
	old = model->lock(hba);
	irql = cpu_irql();
	done = hba->hw.HwInitialize(hba->extension);
	port_hba_irql_check(hba, "Hw*Initialize", irql);
	model->unlock(hba, old);
	if (!done)
		return failed(
			hba, EIO, "Hw%sInitialize failed for %s.", model->stem, device_name(hba));
	if (model->settle && !model->settle(hba))
		return error_set(EIO, "%s: the passive initialisation routine failed for %s.",
			hba->driver->name, device_name(hba));
	hba->phase = PORT_HBA_RUNNING;
	return 0;
}

static int start(struct port_hba *hba)
{
	const struct port_driver_model *model = hba->driver->model;
	int err = port_entries_read(hba, hba->place);

	if (!err)
		err = model->prepare(hba);
	if (!err)
		err = dma_new(hba);
	if (!err)
		err = port_hba_find(hba, IRQL_PASSIVE);
	if (!err)
		err = requests_new(hba);
	if (!err)
		err = model->connect(hba);
	if (!err)
		err = port_hba_initialize(hba);
	if (err)
		return err;
	port_hba_control_ask(hba);
	port_hba_tracing(hba, true);
	port_adapter_open(&hba->port);
	return 0;
}

struct port_hba_place port_hba_places[PORT_HBA_FIRST + 1] = {
	[0 ... PORT_HBA_FIRST] = {.extension = PORT_HBA_NO_PLACE}};

static bool place_take(unsigned place, struct port_hba *hba)
{
	if (!port_hba_is_at(place, PORT_HBA_NO_PLACE))
		return false;
	port_hba_places[place].hba = hba;
	atomic_store(&port_hba_places[place].extension, hba->extension);
	return true;
}

static void place_leave(unsigned place, const struct port_hba *hba)
{
	if (port_hba_is_at(place, hba->extension))
		atomic_store(&port_hba_places[place].extension, PORT_HBA_NO_PLACE);
}

/* At its first allocation, with what the model had for the one that was here before forgotten. */
static int extension_new(struct port_hba *hba)
{
	uint64_t bytes = round_up(max_of(hba->hw.DeviceExtensionSize, 1u), MEM_PAGE_SIZE);

	memset((char *)hba + sizeof(*hba), 0, hba->driver->model->adapter_bytes - sizeof(*hba));
	hba->answer = SP_UNINITIALIZED_VALUE;
	hba->extension_bytes = bytes;
	hba->extension = port_alloc(bytes, MEM_LINEAR, MEM_EXTENSION, hba);
	if (!hba->extension)
		return error_set(ENOMEM, "%s: no memory for %llu bytes of device extension.",
			hba->name, (unsigned long long)bytes);
	/* Zeroed once (4.1). */
	memset(hba->extension, 0, bytes);
	if (!place_take(PORT_HBA_FIRST, hba))
		place_take(port_hba_place_of(hba->extension), hba);
	return 0;
}

void port_hba_extension_free(struct port_hba *hba)
{
	place_leave(PORT_HBA_FIRST, hba);
	place_leave(port_hba_place_of(hba->extension), hba);
	if (hba->extension)
		mem_free(hba->extension, hba->extension_bytes);
	hba->extension = NULL;
}

int port_hba_begin(struct port_hba *hba)
{
	int err = extension_new(hba);

	return err ? err : start(hba);
}

static int place_new(struct port_driver *driver, const struct port_registration *registration,
	struct bus_function *function)
{
	size_t bytes = driver->model->adapter_bytes;
	struct port_hba *hba = aligned_alloc(_Alignof(struct port_hba), bytes);

	if (!hba)
		return error_set(ENOMEM, "%s: no memory for an adapter.", driver->name);
	memset(hba, 0, bytes);
	hba->driver = driver;
	hba->function = function;
	hba->hw = registration->hw;
	hba->context = registration->context;
	hba->answer = SP_UNINITIALIZED_VALUE;
	hba->place = driver->adapter_count;
	snprintf(hba->name, sizeof(hba->name), "%.30s adapter %u", driver->name, hba->place);
	hba->answer = SP_UNINITIALIZED_VALUE;
	driver->adapters[driver->adapter_count++] = hba;
	return 0;
}

int port_hba_new(struct port_driver *driver, const struct port_registration *registration,
	struct bus_function *function)
{
	int err = place_new(driver, registration, function);

	return err ? err : extension_new(driver->adapters[driver->adapter_count - 1]);
}

int port_hba_start(struct port_driver *driver, const struct port_registration *registration,
	struct bus_function *function)
{
	int err = place_new(driver, registration, function);

	return err ? err : port_pnp_start(driver->adapters[driver->adapter_count - 1]);
}

/* ---- taking one down ---- */

/* A device that still has requests may write to their memory, which is about to be others'. */
static void master_off(struct bus_function *function)
{
	uint16_t command;

	bus_config_read(function, COMMAND, &command, sizeof(command));
	command &= ~COMMAND_MASTER;
	bus_config_write(function, COMMAND, &command, sizeof(command));
}

void port_hba_quiet(struct port_hba *hba, bool may_return)
{
	const struct port_driver_model *model = hba->driver->model;
	void (*quiet)(struct port_hba *) = may_return ? model->rest : model->quiet;

	hba->phase = PORT_HBA_STOPPED; /* no DPC is issued, no timer armed from here on */
	model->disconnect(hba);
	cpu_dpc_flush();
	cpu_timer_cancel(&hba->timer);
	if (quiet)
		quiet(hba);
	cpu_dpc_flush();
}

void port_hba_stop(struct port_adapter *port)
{
	struct port_hba *hba = (struct port_hba *)port;

	if (hba->phase == PORT_HBA_STOPPED)
		return;
	/* One that is not there any more has nothing to stop. */
	if (hba->phase == PORT_HBA_RUNNING && hba->life != PORT_HBA_GONE) {
		port_hba_tracing(hba, false);
		port_hba_control_stop(hba);
	}
	hba->phase = PORT_HBA_STOPPED;
	if (port_adapter_outstanding(port) && hba->function)
		master_off(hba->function);
	port_hba_quiet(hba, false);
}

void port_hba_given_up(struct port_adapter *port)
{
	enum port_hba_life was = PORT_HBA_PRESENT;

	atomic_compare_exchange_strong(&((struct port_hba *)port)->life, &was, PORT_HBA_DEAD);
	port_hba_stop(port);
}

void port_hba_undo(struct port_hba *hba)
{
	bool has_slots = hba->port.slots;

	if (hba->life == PORT_HBA_REMOVED)
		return;
	port_hba_units_remove(hba, false); /* of those that are still there */
	if (has_slots && port_adapter_close(&hba->port, STOP_SECONDS))
		port_adapter_give_up(&hba->port);
	port_hba_stop(&hba->port);
	hba->driver->model->release(hba);
	/* Armed by a thread of the miniport's that had not seen the stop yet. */
	cpu_timer_cancel(&hba->timer);
	cpu_dpc_flush();
	port_hba_maps_free(hba);
	if (has_slots)
		port_adapter_fini(&hba->port);
	port_hba_uncached_free(hba);
	port_entries_free(hba);
	if (hba->port.dma)
		dma_adapter_free(hba->port.dma);
	hba->port.dma = NULL;
	port_hba_extension_free(hba);
}

void port_hba_end(struct port_driver *driver)
{
	struct port_hba *hba = driver->adapters[--driver->adapter_count];

	port_pnp_end(hba);
	free(hba);
}
