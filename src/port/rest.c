/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: an adapter at rest, with its requests waiting in the queues of their units, while
 * hba_change.c stops it and starts it again. Beside gate.c and recover.c.
 */
#include "port/port.h"
#include "trace/trace.h"
#include "util/error.h"

#include <errno.h>

#define SECOND_NS     1000000000ull
#define LOOK_NS	      50000
#define RESET_SECONDS 1 /* for what a reset has ended to come back */

/* A request whose sense data are still to be asked for is not over. */
static bool senses_go(struct port_adapter *adapter)
{
	uint8_t irql;
	bool any = false;

	if (!adapter->senses)
		return false;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (uint32_t n = 0; n < adapter->unit_count; n++)
		any |= port_unit_sense_now(adapter->units[n]);
	cpu_irql_lower(irql);
	return any;
}

static bool is_idle_within(struct port_adapter *adapter, unsigned seconds)
{
	uint64_t end = cpu_clock() + seconds * SECOND_NS;

	while (port_adapter_outstanding(adapter) || senses_go(adapter)) {
		if (cpu_clock() >= end)
			return false;
		cpu_thread_park(LOOK_NS);
	}
	return true;
}

static void gate_open(struct port_adapter *adapter)
{
	atomic_fetch_and(&adapter->closed, ~(uint32_t)PORT_AWAY);
	trace(TRACE_PORT_OPEN, adapter->number, ~0ull, PORT_AWAY);
	cpu_dpc_queue(&adapter->pump, NULL, NULL);
}

int port_adapter_rest(struct port_adapter *adapter, unsigned seconds)
{
	atomic_fetch_or(&adapter->closed, PORT_AWAY);
	trace(TRACE_PORT_CLOSE, adapter->number, ~0ull, PORT_AWAY);
	/* A start that saw the gate open is over, and has been counted. */
	cpu_dpc_flush();
	if (!is_idle_within(adapter, seconds)) {
		port_recover_reset(adapter, PORT_RESET_BUS, false);
		if (!is_idle_within(adapter, RESET_SECONDS)) {
			gate_open(adapter);
			return error_set(ETIMEDOUT,
				"%s keeps %u requests, also through a reset of its bus.",
				adapter->name, (unsigned)port_adapter_outstanding(adapter));
		}
	}
	/* The last completions are over, with what their submitters do in them. */
	cpu_dpc_flush();
	return 0;
}

static void turn_free(struct port_unit *unit)
{
	cpu_spin_acquire(&unit->lock);
	unit->closed &= ~(uint32_t)PORT_TAKEN;
	cpu_spin_release(&unit->lock);
}

void port_adapter_wake(struct port_adapter *adapter)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	atomic_fetch_and(&adapter->closed, ~(uint32_t)PORT_TAKEN);
	for (uint32_t n = 0; n < adapter->unit_count; n++)
		turn_free(adapter->units[n]);
	turn_free(&adapter->self);
	cpu_irql_lower(irql);
	gate_open(adapter);
}

/* port_request.told: whoever is second, of the request's end and the end of patience, puts it. */
enum { TOLD_NOT, TOLD_OUT, TOLD_OVER };

static void told(struct port_request *request)
{
	if (atomic_exchange(&request->told, TOLD_OVER) == TOLD_OVER)
		port_request_put(request);
}

int port_request_tell_keep(struct port_request *request, unsigned seconds)
{
	struct port_adapter *adapter = request->adapter;
	uint64_t end = cpu_clock() + seconds * SECOND_NS;
	bool is_back;
	uint8_t irql;

	if (adapter->limits.pull && atomic_fetch_or(&adapter->closed, PORT_TAKEN) & PORT_TAKEN) {
		irql = cpu_irql_raise(IRQL_DISPATCH);
		port_request_put(request);
		cpu_irql_lower(irql);
		return -ENXIO;
	}
	request->timeout = seconds;
	request->done = told;
	atomic_store(&request->told, TOLD_OUT);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	port_unit_start_now(request);
	cpu_irql_lower(irql);
	while (atomic_load(&request->told) == TOLD_OUT && cpu_clock() < end)
		cpu_thread_park(LOOK_NS);
	is_back = atomic_exchange(&request->told, TOLD_OVER) == TOLD_OVER;
	return is_back ? 0 : -ETIMEDOUT;
}

int port_request_tell(struct port_request *request, unsigned seconds)
{
	int err = port_request_tell_keep(request, seconds);
	uint8_t irql;

	if (err)
		return err;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	port_request_put(request);
	cpu_irql_lower(irql);
	return 0;
}
