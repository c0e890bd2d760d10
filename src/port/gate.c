/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The gates that a miniport opens and closes: pause, resume, busy, ready, queue depth (Q-3 … Q-5),
 * and those that errors and the unit's users close.
 * Called from anywhere inside a miniport, with its locks held: an opened gate is acted upon by a
 * DPC, as starting a request here could take a lock that the caller holds. PORT_TAKEN, which opens
 * and closes with each request of a pulling miniport, is no event.
 */
#include "port/port.h"
#include "trace/trace.h"

static void pump_dpc(struct cpu_dpc *dpc)
{
	port_adapter_pump(dpc->ctx);
}

static void adapter_pause_over(struct cpu_timer *timer)
{
	port_adapter_resume(timer->ctx);
}

void port_gate_init(struct port_adapter *adapter)
{
	adapter->pump.fn = pump_dpc;
	adapter->pump.ctx = adapter;
	adapter->pump.cpu = CPU_HERE;
	adapter->pause.fn = adapter_pause_over;
	adapter->pause.ctx = adapter;
}

static void adapter_close(struct port_adapter *adapter, uint32_t gate)
{
	if (!(atomic_fetch_or(&adapter->closed, gate) & gate))
		trace(TRACE_PORT_CLOSE, adapter->number, ~0ull, gate);
}

static void adapter_open(struct port_adapter *adapter, uint32_t gate)
{
	if (atomic_fetch_and(&adapter->closed, ~gate) & gate)
		trace(TRACE_PORT_OPEN, adapter->number, ~0ull, gate);
	cpu_dpc_queue(&adapter->pump, NULL, NULL);
}

void port_adapter_pause(struct port_adapter *adapter, uint32_t timeout)
{
	adapter_close(adapter, PORT_PAUSED);
	cpu_timer_set(&adapter->pause, timeout * 1000000000ull, 0);
}

void port_adapter_resume(struct port_adapter *adapter)
{
	cpu_timer_cancel(&adapter->pause);
	adapter_open(adapter, PORT_PAUSED);
}

void port_adapter_busy(struct port_adapter *adapter, uint32_t n)
{
	/* More than outstanding means all of them; with none there is nothing to wait for.
	 */
	uint32_t outstanding = port_adapter_outstanding(adapter);

	if (!n || !outstanding)
		return;
	atomic_store(&adapter->busy_left, min_of(n, outstanding));
	adapter_close(adapter, PORT_BUSY);
	/* The last may have come back meanwhile: nobody else would open the gate. */
	if (!port_adapter_outstanding(adapter))
		adapter_open(adapter, PORT_BUSY);
}

void port_adapter_ready(struct port_adapter *adapter)
{
	adapter_open(adapter, PORT_BUSY);
}

/*
 * The unit's lock belongs to DISPATCH; nothing that holds it reaches a safepoint, so a miniport
 * above or below may take it too. busy: how many completions PORT_BUSY waits for, at most all. What
 * was so before, of these gates.
 */
static uint32_t unit_change(struct port_unit *unit, uint32_t close, uint32_t open, uint32_t busy)
{
	uint8_t old = cpu_irql() < IRQL_DISPATCH ? cpu_irql_raise(IRQL_DISPATCH) : cpu_irql();
	uint32_t before;

	port_unit_lock(unit);
	if (close & PORT_BUSY) {
		unit->busy_left = min_of(busy, unit->outstanding);
		if (!unit->busy_left)
			close = 0;
	}
	if (close & ~unit->closed)
		trace(TRACE_PORT_CLOSE, unit->adapter->number, unit->number, close);
	if (open & unit->closed)
		trace(TRACE_PORT_OPEN, unit->adapter->number, unit->number, open);
	before = unit->closed & (close | open);
	unit->closed = (unit->closed | close) & ~open;
	port_unit_unlock(unit);
	if (open)
		cpu_dpc_queue(&unit->adapter->pump, NULL, NULL);
	if (old < IRQL_DISPATCH)
		cpu_irql_lower(old);
	return before;
}

void port_unit_pause(struct port_unit *unit, uint32_t timeout)
{
	unit_change(unit, PORT_PAUSED, 0, 0);
	cpu_timer_set(&unit->pause, timeout * 1000000000ull, 0);
}

void port_unit_resume(struct port_unit *unit)
{
	cpu_timer_cancel(&unit->pause);
	unit_change(unit, 0, PORT_PAUSED, 0);
}

void port_unit_busy(struct port_unit *unit, uint32_t n)
{
	unit_change(unit, PORT_BUSY, 0, n);
}

void port_unit_ready(struct port_unit *unit)
{
	unit_change(unit, 0, PORT_BUSY, 0);
}

bool port_unit_hold(struct port_unit *unit, uint32_t gate)
{
	return !unit_change(unit, gate, 0, 0);
}

bool port_unit_let_go(struct port_unit *unit, uint32_t gate)
{
	return unit_change(unit, 0, gate, 0);
}

void port_adapter_next(struct port_adapter *adapter, bool pump)
{
	atomic_fetch_and(&adapter->closed, ~(uint32_t)PORT_TAKEN);
	if (pump)
		cpu_dpc_queue(&adapter->pump, NULL, NULL);
}

void port_unit_next(struct port_unit *unit)
{
	uint8_t old = cpu_irql() < IRQL_DISPATCH ? cpu_irql_raise(IRQL_DISPATCH) : cpu_irql();

	port_unit_lock(unit);
	unit->closed &= ~(uint32_t)PORT_TAKEN;
	port_unit_unlock(unit);
	if (old < IRQL_DISPATCH)
		cpu_irql_lower(old);
}

/* What is split has no depth to keep to. */
static void unit_depth(struct port_unit *unit, uint32_t depth)
{
	uint8_t old = cpu_irql() < IRQL_DISPATCH ? cpu_irql_raise(IRQL_DISPATCH) : cpu_irql();

	port_unit_lock(unit);
	atomic_store_explicit(&unit->depth, depth, memory_order_relaxed);
	port_unit_unlock(unit);
	if (old < IRQL_DISPATCH)
		cpu_irql_lower(old);
}

bool port_unit_set_depth(struct port_unit *unit, uint32_t depth)
{
	if (!depth || depth > unit->adapter->limits.max_depth)
		return false;
	unit_depth(unit, depth);
	cpu_dpc_queue(&unit->adapter->pump, NULL, NULL);
	return true;
}
