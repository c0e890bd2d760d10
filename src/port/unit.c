/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Logical units: found by address, added and removed at PASSIVE_LEVEL by one thread. Look-ups at
 * DISPATCH_LEVEL or above need no lock: a unit that has left the table is kept until every
 * processor has been below once.
 */
#include "port/port.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <stdlib.h>
#include <string.h>

#define QUIET_SECONDS 30

static void pause_over(struct cpu_timer *timer)
{
	port_unit_resume(timer->ctx);
}

static void retry_now(struct cpu_timer *timer)
{
	struct port_unit *unit = timer->ctx;

	port_unit_lock(unit);
	if (unit->closed & PORT_RETRY)
		trace(TRACE_PORT_OPEN, unit->adapter->number, unit->number, PORT_RETRY);
	unit->closed &= ~(uint32_t)PORT_RETRY;
	port_unit_unlock(unit);
	port_unit_pump(unit);
}

void port_unit_init(struct port_unit *unit, struct port_adapter *adapter)
{
	unit->adapter = adapter;
	unit->tail = &unit->head;
	unit->depth = adapter->limits.initial_depth;
	port_unit_settle(unit);
	unit->entries = (struct port_unit_entries)PORT_UNIT_ENTRIES;
	unit->pause.fn = pause_over;
	unit->pause.ctx = unit;
	unit->retry.fn = retry_now;
	unit->retry.ctx = unit;
}

struct port_unit *port_unit_find(
	const struct port_adapter *adapter, uint8_t path, uint8_t target, uint8_t lun)
{
	uint32_t count = atomic_load_explicit(&adapter->unit_count, memory_order_acquire);

	for (uint32_t n = 0; n < count; n++) {
		struct port_unit *unit = adapter->units[n];

		if (unit->path == path && unit->target == target && unit->lun == lun)
			return unit;
	}
	return NULL;
}

struct port_unit *port_unit_add(
	struct port_adapter *adapter, uint8_t path, uint8_t target, uint8_t lun)
{
	struct port_unit *unit = port_unit_find(adapter, path, target, lun);
	uint32_t bytes = adapter->limits.unit_extension_bytes;
	/* with its processors' shares behind it */
	size_t all = sizeof(*unit) + cpu_count() * sizeof(*unit->here);

	if (unit || adapter->unit_count == PORT_UNITS_MAX)
		return unit;
	unit = nt_allocation_fails() ? NULL : aligned_alloc(_Alignof(struct port_unit), all);
	if (!unit)
		return NULL;
	memset(unit, 0, all);
	unit->here = (struct port_unit_here *)(unit + 1);
	if (bytes) {
		unit->extension =
			port_alloc(round_up(bytes, MEM_PAGE_SIZE), 0, MEM_EXTENSION, adapter);
		if (!unit->extension) {
			free(unit);
			return NULL;
		}
		/* Unit extensions are zeroed, unlike SRB extensions (spec/storport.md 4.1). */
		memset(unit->extension, 0, bytes);
	}
	port_unit_init(unit, adapter);
	unit->path = path;
	unit->target = target;
	unit->lun = lun;
	unit->number = adapter->unit_count;
	adapter->units[unit->number] = unit;
	atomic_store_explicit(&adapter->unit_count, unit->number + 1, memory_order_release);
	return unit;
}

static void unit_free(struct port_unit *unit)
{
	if (unit->extension)
		mem_free(unit->extension,
			round_up(unit->adapter->limits.unit_extension_bytes, MEM_PAGE_SIZE));
	free(unit);
}

/* A reset that its last request has led to may still be at work. */
bool port_unit_is_quiet(struct port_unit *unit, unsigned seconds)
{
	uint64_t end = cpu_clock() + seconds * 1000000000ull;
	struct port_adapter *adapter = unit->adapter;

	for (;;) {
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
		bool is_busy;

		port_unit_lock(unit);
		is_busy = unit->outstanding || unit->head;
		port_unit_unlock(unit);
		cpu_irql_lower(irql);
		if (!is_busy && !(atomic_load(&adapter->closed) & PORT_RESETTING))
			return true;
		if (cpu_clock() > end)
			return false;
		cpu_thread_park(1000000);
	}
}

void port_unit_remove(struct port_unit *unit)
{
	struct port_adapter *adapter = unit->adapter;
	uint32_t last = adapter->unit_count - 1;
	struct port_unit *moved = adapter->units[last];

	if (moved != unit) {
		adapter->units[unit->number] = moved;
		moved->number = unit->number;
	}
	atomic_store(&adapter->unit_count, last);
	if (!port_unit_is_quiet(unit, QUIET_SECONDS))
		return; /* lost: a reset of it never comes back */
	cpu_timer_cancel(&unit->pause);
	cpu_timer_cancel(&unit->retry);
	/* A DPC, or what interrupted one, may have found it in the table before. */
	cpu_dpc_flush();
	unit_free(unit);
}

void port_units_free(struct port_adapter *adapter)
{
	uint32_t count = atomic_exchange(&adapter->unit_count, 0);

	cpu_timer_cancel(&adapter->self.retry);
	for (uint32_t n = 0; n < count; n++) {
		cpu_timer_cancel(&adapter->units[n]->pause);
		cpu_timer_cancel(&adapter->units[n]->retry);
	}
	cpu_dpc_flush();
	for (uint32_t n = 0; n < count; n++)
		unit_free(adapter->units[n]);
}
