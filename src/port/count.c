/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What count.h leaves out: the turns of a pulling miniport, and gates that wait for completions. */
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
