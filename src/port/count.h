/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * How many requests are outstanding, of a unit and of an adapter: counted in by queue.c before they
 * start, counted out by complete.c, or by queue.c when they have to wait again. A completion may
 * open a gate, or make room for others. `locks`: cpu_inner_locks (cpu.h).
 */
#ifndef DRY_PORT_COUNT_H
#define DRY_PORT_COUNT_H

#include "port/port.h"

/* Private: what is rare. */
bool port_turn_take(struct port_unit *unit);
void port_count_out_closed(struct port_unit *unit, bool is_done);
bool port_count_out_busy(struct port_adapter *adapter, uint32_t before, bool is_done);
void port_others_go_on(struct port_unit *unit, bool all);

/* Whether one more may be outstanding at the adapter; it is counted then. Under the unit's lock, so
 * that who is refused waits in the queue before port_adapter_count_out, which lets it go on, looks
 * there. */
path_inline bool port_adapter_count_in(struct port_adapter *adapter, bool locks)
{
	uint32_t count = atomic_load_explicit(&adapter->outstanding, memory_order_relaxed);

	do {
		if (unlikely(count >= adapter->limits.max_outstanding))
			return false;
		if (!locks) {
			cpu_inner_add32_if(locks, &adapter->outstanding, 1);
			return true;
		}
	} while (unlikely(!atomic_compare_exchange_weak(&adapter->outstanding, &count, count + 1)));
	return true;
}

/* Whether this request of the unit may start now; it is counted then. Under the unit's lock. */
path_inline bool port_count_in(
	struct port_unit *unit, struct port_request *request, bool locks, bool pull)
{
	struct port_adapter *adapter = unit->adapter;

	if (unlikely(unit->outstanding >= unit->depth || unit->closed ||
		     atomic_load_explicit(&adapter->closed, memory_order_relaxed) ||
		     !port_adapter_count_in(adapter, locks)))
		return false;
	if (pull && !port_turn_take(unit)) { /* another was faster */
		cpu_inner_add32_if(locks, &adapter->outstanding, -1u);
		return false;
	}
	request->is_counted = true;
	unit->outstanding++;
	return true;
}

/* Under the unit's lock: one is back. One that came back busy is none of those that PORT_BUSY waits
 * for, and opens nothing. */
static inline void port_count_out(struct port_request *request, bool is_done)
{
	struct port_unit *unit = request->unit;

	request->is_counted = false;
	unit->outstanding--;
	if (unlikely(unit->closed))
		port_count_out_closed(unit, is_done);
}

/* The same for the adapter; true if other units may go on now. The count comes before the look at
 * the gate, as port_adapter_busy closes the gate before it looks at the count. */
path_inline bool port_adapter_count_out(struct port_adapter *adapter, bool is_done, bool locks)
{
	uint32_t before = cpu_inner_add32_if(locks, &adapter->outstanding, -1u);

	if (unlikely(atomic_load(&adapter->closed) & PORT_BUSY))
		return port_count_out_busy(adapter, before, is_done);
	return before >= adapter->limits.max_outstanding;
}

/* Counts a finished request out and starts its successors. */
path_inline void port_unit_finished(struct port_request *request, bool locks)
{
	struct port_unit *unit = request->unit;
	bool waits, all;

	cpu_inner_acquire_if(locks, &unit->lock);
	port_count_out(request, true);
	waits = unit->head != NULL;
	cpu_inner_release_if(locks, &unit->lock);
	all = port_adapter_count_out(unit->adapter, true, locks);
	if (unlikely(all || waits))
		port_others_go_on(unit, all);
}

#endif
