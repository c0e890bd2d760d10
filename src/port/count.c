/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What count.h leaves out: the turns of a pulling miniport, gates that wait for completions, and
 * what is done to counts that are split. */
#include "port/count.h"
#include "trace/trace.h"

/* A pulling miniport gets one request at a time, whoever is first; under the unit's lock. */
bool port_turn_take(struct port_unit *unit)
{
	if (atomic_fetch_or(&unit->adapter->closed, PORT_TAKEN) & PORT_TAKEN)
		return false;
	unit->closed |= PORT_TAKEN;
	return true;
}

/* Under the unit's lock. */
static void unit_open(struct port_unit *unit, uint32_t gate)
{
	if (!(unit->closed & gate))
		return;
	unit->closed &= ~gate;
	trace(TRACE_PORT_OPEN, unit->adapter->number, unit->number, gate);
}

/* The rest of port_count_out: gates that wait for completions. */
void port_count_out_closed(struct port_unit *unit, bool is_done)
{
	if (!unit->outstanding)
		unit->closed &= ~(uint32_t)PORT_TAKEN;
	if (is_done && unit->closed & PORT_RETRY && unit->retry_left-- <= 1)
		unit_open(unit, PORT_RETRY);
	if (unit->closed & PORT_BUSY && ((is_done && unit->busy_left-- <= 1) || !unit->outstanding))
		unit_open(unit, PORT_BUSY);
	port_unit_settle(unit);
}

/* The rest of port_adapter_count_out: PORT_BUSY waits for completions. */
bool port_count_out_busy(struct port_adapter *adapter, uint32_t before, bool is_done)
{
	if (!(is_done && atomic_fetch_sub(&adapter->busy_left, 1) <= 1) && before > 1)
		return before >= adapter->limits.max_outstanding;
	if (atomic_fetch_and(&adapter->closed, ~(uint32_t)PORT_BUSY) & PORT_BUSY)
		trace(TRACE_PORT_OPEN, adapter->number, ~0ull, PORT_BUSY);
	return true;
}

/* The last of several ends sees that it is the last, as does perhaps another: both open the gate.
 */
bool port_split_out(struct port_adapter *adapter, bool is_done)
{
	port_here_add(adapter, -1u);
	if (likely(!(atomic_load(&adapter->closed) & PORT_BUSY)))
		return false;
	return port_count_out_busy(adapter, port_adapter_outstanding(adapter) + 1, is_done);
}

uint32_t port_adapter_outstanding_look(const struct port_adapter *adapter)
{
	uint32_t sum = atomic_load(&adapter->outstanding);

	for (unsigned n = 0; adapter->is_split && n < cpu_count(); n++)
		sum += atomic_load_explicit(&adapter->here[n].outstanding, memory_order_relaxed);
	return sum;
}

/* Nothing inside these locks is a safepoint, so who is above DISPATCH has not interrupted a holder
 * on his own processor. Whoever holds several has taken them in this order. */
uint32_t port_adapter_outstanding(struct port_adapter *adapter)
{
	uint32_t sum;
	uint8_t old;

	if (!adapter->is_split)
		return atomic_load(&adapter->outstanding);
	old = cpu_irql() < IRQL_DISPATCH ? cpu_irql_raise(IRQL_DISPATCH) : cpu_irql();
	host_owned_enter(&adapter->here[0].lock, cpu_count(), sizeof(adapter->here[0]));
	sum = port_adapter_outstanding_look(adapter);
	host_owned_leave(&adapter->here[0].lock, cpu_count(), sizeof(adapter->here[0]));
	if (old < IRQL_DISPATCH)
		cpu_irql_lower(old);
	return sum;
}

/* Under the unit's lock. */
void port_unit_gather(struct port_unit *unit)
{
	struct port_adapter *adapter = unit->adapter;

	atomic_store_explicit(&unit->is_split, false, memory_order_relaxed);
	unit->calm = 0;
	host_owned_enter(&adapter->here[0].lock, cpu_count(), sizeof(adapter->here[0]));
	for (unsigned n = 0; n < cpu_count(); n++) {
		unit->outstanding += unit->here[n].outstanding;
		unit->here[n].outstanding = 0;
	}
	host_owned_leave(&adapter->here[0].lock, cpu_count(), sizeof(adapter->here[0]));
}

/* Under the unit's lock; it is open, and nobody waits. */
void port_unit_split(struct port_unit *unit)
{
	struct port_adapter *adapter = unit->adapter;

	unit->calm = 0;
	if (unit->here && adapter->is_split && !atomic_load(&adapter->closed) &&
		unit->depth >= PORT_SLOTS - 1)
		atomic_store_explicit(&unit->is_split, true, memory_order_relaxed);
}
