/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A miniport is brought up in crash-dump mode: see dump.h. Before: src/machine/crash_dump.c. */
#include "storport/dump.h"
#include "storport/config.h"
#include "storport/os_table.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_ELEMENTS (STOR_DUMP_BYTES / MEM_PAGE_SIZE)
/* The uncached extension is page aligned "except in dump mode" (1.9). */
#define UNCACHED_OFFSET 64

struct stor_dump *stor_dump_live;

/* ---- memory: where a device of 32 address bits reaches it ---- */

void *stor_dump_uncached(struct stor_adapter *adapter, uint32_t bytes)
{
	struct stor_dump *dump = stor_dump_live;
	uint64_t all = (uint64_t)bytes + adapter->hba.hw.DeviceExtensionSize;
	char line[200];

	if (bytes > STOR_DUMP_UNCACHED) {
		nt_violation(0,
			"StorPortGetUncachedExtension of %u bytes in dump mode: there are %u at "
			"most.",
			(unsigned)bytes, STOR_DUMP_UNCACHED);
		return NULL;
	}
	if (all > STOR_DUMP_FRUGAL) {
		snprintf(line, sizeof(line),
			"%s: device extension and uncached extension are %llu bytes together; in "
			"dump mode a driver should not take more than %u",
			adapter->hba.name, (unsigned long long)all, STOR_DUMP_FRUGAL);
		nt_debug_line(line);
	}
	dump->uncached_bytes = round_up(bytes + UNCACHED_OFFSET, MEM_PAGE_SIZE);
	dump->uncached = mem_alloc(dump->uncached_bytes, MEM_LINEAR, MEM_EXTENSION, &adapter->hba);
	if (!dump->uncached)
		return NULL;
	memset(dump->uncached, 0, dump->uncached_bytes);
	adapter->hba.uncached = (char *)dump->uncached + UNCACHED_OFFSET;
	adapter->hba.uncached_bytes = bytes;
	return adapter->hba.uncached;
}

/* What the miniport asked for in ordinary mode (RequestedDumpBufferSize). */
static int region_new(struct stor_dump *dump)
{
	PPORT_CONFIGURATION_INFORMATION config = &dump->adapter->config;

	if (!dump->config.region_bytes)
		return 0;
	dump->region_bytes = round_up((uint64_t)dump->config.region_bytes, MEM_PAGE_SIZE);
	dump->region =
		mem_alloc(dump->region_bytes, MEM_LINEAR, MEM_EXTENSION, &dump->adapter->hba);
	if (!dump->region)
		return error_set(ENOMEM,
			"%s: no memory for the %u bytes of its RequestedDumpBufferSize.",
			dump->config.name, dump->config.region_bytes);
	config->DumpRegion.VirtualBase = dump->region;
	config->DumpRegion.PhysicalBase.QuadPart = (LONGLONG)mem_physical(dump->region);
	config->DumpRegion.Length = dump->config.region_bytes;
	return 0;
}

/* ---- the miniport ---- */

static int find(struct stor_dump *dump)
{
	struct stor_adapter *adapter = dump->adapter;
	struct port_hba *hba = &adapter->hba;
	char arguments[] = "dump=1";
	BOOLEAN again = FALSE;

	stor_config_init(adapter);
	if (stor_os_config_length() == sizeof(adapter->config)) { /* older ones end before these */
		int err = region_new(dump);

		if (err)
			return err;
		adapter->config.DumpMode = DUMP_MODE_CRASH;
	}
	adapter->config.MiniportDumpData = dump->config.data;
	hba->phase = PORT_HBA_FINDING;
	hba->answer = ((PHW_FIND_ADAPTER)hba->hw.HwFindAdapter)(
		hba->extension, NULL, NULL, arguments, &adapter->config, &again);
	port_hba_irql_check(hba, "HwStorFindAdapter", IRQL_HIGH);
	hba->phase = PORT_HBA_FOUND;
	if (hba->answer != SP_RETURN_FOUND)
		return error_set(ENODEV,
			"%s: in dump mode HwStorFindAdapter does not take %s: it returned %u.",
			dump->config.name, bus_function_name(hba->function), (unsigned)hba->answer);
	return 0;
}

static int limits_take(struct stor_dump *dump)
{
	struct stor_adapter *adapter = dump->adapter;
	struct port_limits limits;
	int err = stor_config_check(adapter);

	if (err)
		return err;
	stor_config_limits(adapter, &limits);
	if (dump->config.max_transfer)
		limits.max_transfer = min_of(limits.max_transfer, dump->config.max_transfer);
	dump->width = min_of(stor_config_width(adapter), dump->config.width);
	if (dump->width < 32)
		return error_set(ERANGE,
			"%s: a dump needs a device that drives 32 address bits or more; %s drives "
			"%u.",
			dump->config.name, bus_function_name(adapter->hba.function), dump->width);
	dump->bytes = (uint32_t)round_down(
		min_of(limits.max_transfer, STOR_DUMP_BYTES), dump->config.block_size);
	if (!dump->bytes)
		return error_set(ERANGE, "%s: in dump mode it takes %u bytes at once, no block.",
			dump->config.name, limits.max_transfer);
	return port_polled_init(&adapter->hba.port, &stor_model, adapter->hba.name, &limits);
}

static int request_new(struct stor_dump *dump)
{
	struct port_adapter *port = &dump->adapter->hba.port;

	dump->list_bytes = round_up(offsetof(SCATTER_GATHER_LIST, Elements) +
					    LIST_ELEMENTS * sizeof(SCATTER_GATHER_ELEMENT),
		MEM_PAGE_SIZE);
	dump->list = mem_alloc(dump->list_bytes, 0, MEM_LIST, port);
	dump->buffer = mem_alloc(round_up(dump->bytes, MEM_PAGE_SIZE),
		dump->width < 64 ? MEM_LINEAR : 0, MEM_OWN, dump->adapter);
	dump->unit = port_unit_add(port, dump->config.path, dump->config.target, dump->config.lun);
	if (!dump->list || !dump->buffer || !dump->unit)
		return error_set(
			ENOMEM, "%s: no memory for a request of a dump.", dump->config.name);
	dump->request = &port->requests[0];
	dump->request->unit = dump->unit;
	dump->request->id = PORT_HBAS_MAX * PORT_IDS; /* after those of all other adapters */
	dump->request->list = dump->list;
	return 0;
}

/* "The boot device must be accessible before the miniport returns from initialization": the page.
 */
static int initialize(struct stor_dump *dump)
{
	struct port_hba *hba = &dump->adapter->hba;
	BOOLEAN done;

	if (!hba->hw.HwInterrupt)
		return error_set(EINVAL,
			"%s has no HwInterrupt, and in dump mode nothing else is polled.",
			dump->config.name);
	hba->phase = PORT_HBA_INITIALIZING;
	done = hba->hw.HwInitialize(hba->extension);
	port_hba_irql_check(hba, "HwStorInitialize", IRQL_HIGH);
	if (!done)
		return error_set(EIO, "%s: HwStorInitialize failed in dump mode for %s.",
			dump->config.name, bus_function_name(hba->function));
	hba->phase = PORT_HBA_RUNNING;
	return 0;
}

static int bring_up(struct stor_dump *dump)
{
	const struct stor_dump_config *config = &dump->config;
	struct port_driver *driver;
	int err = port_driver_load_dump(
		&stor_driver_model, config->entry, config->name, &dump->driver);

	if (err)
		return err;
	driver = dump->driver;
	err = port_hba_new(driver, &driver->physical, config->function);
	if (driver->adapter_count)
		dump->adapter = (struct stor_adapter *)driver->adapters[0];
	if (err)
		return err;
	dump->adapter->is_dump = true;
	/* Nothing interrupts, so there is the line and no message. */
	bus_messages_disable(config->function);
	err = find(dump);
	if (!err)
		err = limits_take(dump);
	if (!err)
		err = request_new(dump);
	return err ? err : initialize(dump);
}

int stor_dump_start(struct stor_dump *dump, const struct stor_dump_config *config)
{
	uint8_t irql = cpu_irql_raise(IRQL_HIGH);
	int err;

	memset(dump, 0, sizeof(*dump));
	dump->config = *config;
	stor_dump_live = dump;
	err = bring_up(dump);
	cpu_irql_lower(irql);
	return err;
}

/* ---- the end ---- */

static void release(void *va, uint64_t bytes)
{
	if (va)
		mem_free(va, bytes);
}

void stor_dump_free(struct stor_dump *dump)
{
	struct port_hba *hba = dump->adapter ? &dump->adapter->hba : NULL;

	stor_dump_live = NULL;
	if (hba) {
		port_polled_fini(&hba->port);
		for (unsigned n = 0; n < PORT_HBA_MAPS; n++)
			if (hba->mapped[n])
				bus_unmap(hba->mapped[n]);
		port_hba_extension_free(hba);
		free(hba);
	}
	release(dump->list, dump->list_bytes);
	release(dump->buffer, round_up(dump->bytes, MEM_PAGE_SIZE));
	release(dump->uncached, dump->uncached_bytes);
	release(dump->region, dump->region_bytes);
	free(dump->driver);
}
