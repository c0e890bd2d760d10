/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: requests that time out (T-3) and the ladder that follows: reset of the
 * logical unit, of the target, of the bus; before it, where the miniport supports that, the request
 * is aborted. Beside complete.c and queue.c.
 *
 * A second's tick looks at what the miniport has; the oldest request past its deadline wakes a
 * kernel thread per adapter, which climbs the ladder until that request has come back. While it
 * climbs, the adapter starts nothing. A step has RESET_SECONDS; a request that survives even the
 * bus reset stays with the miniport, which may still move its data (SB-14): it is reported as lost,
 * and its submitter waits on, until somebody gives the adapter up.
 */
#include "port/port.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "util/error.h"

#include <errno.h>

#define SECOND_NS     1000000000ull
#define RESET_SECONDS 10
#define SETTLE_NS     (SECOND_NS / 4)
#define LOOK_NS	      50000
/* How long a pulling miniport without a request may be silent. */
#define MUTE_SECONDS 10
/* One that survived everything is looked at again after this long. */
#define SURVIVOR_SECONDS 3600

static bool is_started(const struct port_request *request)
{
	return atomic_load(&request->state) == PORT_REQUEST_STARTED;
}

/* Whether the miniport still has the request that timed out, and not the slot's next one, and
 * somebody still wants it back. */
static bool is_stuck(const struct port_adapter *adapter)
{
	const struct port_request *request = atomic_load(&adapter->timed_out);

	return is_started(request) && atomic_load(&request->id) == adapter->timed_out_id &&
	       !atomic_load(&adapter->recovery_ends);
}

/* Nobody would ever time out, as nothing is started any more. */
static bool has_gone_mute(struct port_adapter *adapter)
{
	bool waits = atomic_load(&adapter->closed) & PORT_TAKEN;

	adapter->idle_ticks =
		waits && !port_adapter_outstanding(adapter) ? adapter->idle_ticks + 1 : 0;
	return adapter->idle_ticks == MUTE_SECONDS;
}

static void second_passed(struct cpu_timer *timer)
{
	struct port_adapter *adapter = timer->ctx;
	uint32_t tick = atomic_fetch_add(&adapter->tick, 1) + 1;

	if (atomic_load(&adapter->timed_out))
		return;
	if (unlikely(has_gone_mute(adapter))) {
		nt_violation(0,
			"%s has completed its requests and not asked for another for %d seconds "
			"(NextRequest).",
			adapter->name, MUTE_SECONDS);
		atomic_store(&adapter->reset_asked, PORT_RESET_BUS + 1);
		cpu_thread_unpark(adapter->recovery);
	}
	for (unsigned n = 0; n < PORT_SLOTS; n++) {
		struct port_request *request = &adapter->requests[n];

		if (request == adapter->recovery_request || !is_started(request) ||
			(int32_t)(tick - atomic_load(&request->deadline)) < 0)
			continue;
		nt_violation(NT_TIMED_OUT,
			"request %llu (function %02x, command %02x) was not completed within its "
			"%u seconds%s.",
			(unsigned long long)request->id, request->function, request->cdb[0],
			request->timeout, adapter->ails ? adapter->ails(adapter) : "");
		adapter->timed_out_id = request->id;
		adapter->timed_out_unit = request->unit;
		atomic_store(&adapter->timed_out, request);
		cpu_thread_unpark(adapter->recovery);
		return;
	}
}

static void reset_done(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;

	atomic_store(&adapter->reset_is_back, true);
	if (adapter->recovery)
		cpu_thread_unpark(adapter->recovery);
}

static bool reset_is_out(const struct port_adapter *adapter)
{
	return !atomic_load(&adapter->reset_is_back);
}

/* Waits while something is so, for this long at most; true: it no longer is. */
static bool wait_while(
	bool (*is_so)(const struct port_adapter *), struct port_adapter *adapter, uint64_t ns)
{
	uint64_t end = cpu_clock() + ns;

	while (is_so(adapter)) {
		if (cpu_clock() >= end || atomic_load(&adapter->recovery_ends))
			return false;
		cpu_thread_park(SECOND_NS / 20);
	}
	return true;
}

/* Sends a reset function straight to the miniport, past the closed gates. */
static bool reset_by_srb(struct port_unit *unit, uint8_t function)
{
	struct port_adapter *adapter = unit->adapter;
	struct port_request *reset = adapter->recovery_request;
	uint8_t irql;

	if (reset_is_out(adapter))
		return false; /* the miniport still has the last one */
	if (adapter->limits.pull && atomic_fetch_or(&adapter->closed, PORT_TAKEN) & PORT_TAKEN)
		return false; /* it has not asked for another request */
	atomic_store(&adapter->reset_is_back, false);
	reset->unit = unit;
	reset->function = function;
	reset->timeout = RESET_SECONDS;
	reset->done = reset_done;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	port_unit_start_now(reset);
	cpu_irql_lower(irql);
	return wait_while(reset_is_out, adapter, RESET_SECONDS * SECOND_NS) &&
	       reset->srb_status == SRB_STATUS_SUCCESS;
}

static bool no_end(const struct port_adapter *adapter)
{
	return true;
}

static bool reset_bus_now(struct port_adapter *adapter, uint8_t path)
{
	const struct port_model *model = adapter->model;
	int err = -ENOTSUP;
	uint8_t irql;
	bool done;

	if (adapter->reset_is_asked && model->reset_bus_asked) /* */
		err = model->reset_bus_asked(adapter, path);
	if (err != -ENOTSUP)
		return !err;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	done = model->reset_bus(adapter, path);
	cpu_irql_lower(irql);
	return done;
}

static bool reset_bus(struct port_unit *unit)
{
	bool done = reset_bus_now(unit->adapter, unit->path);

	if (done) /* */
		wait_while(no_end, unit->adapter, unit->adapter->limits.reset_hold * 1000ull);
	return done;
}

static bool reset_unit(struct port_unit *unit)
{
	return reset_by_srb(unit, SRB_FUNCTION_RESET_LOGICAL_UNIT);
}

static bool reset_target(struct port_unit *unit)
{
	return reset_by_srb(unit, SRB_FUNCTION_RESET_DEVICE);
}

/* SB-1: the SRB says by NextSrb which one is meant. */
static bool abort_command(struct port_unit *unit)
{
	return reset_by_srb(unit, SRB_FUNCTION_ABORT_COMMAND);
}

/* */
static bool (*const rungs[])(struct port_unit *unit) = {
	[PORT_RESET_UNIT] = reset_unit,
	[PORT_RESET_TARGET] = reset_target,
	[PORT_RESET_BUS] = reset_bus,
	[PORT_ABORT] = abort_command,
};

static bool rung_try(unsigned n, struct port_unit *unit, uint64_t id)
{
	uint32_t address = (uint32_t)unit->path << 16 | unit->target << 8 | unit->lun;
	bool done;

	trace(TRACE_RESET, n, address, id);
	done = rungs[n](unit);
	trace(TRACE_RESET_END, n, address, id, done);
	return done;
}

/* A rung that went well gives the request SETTLE_NS to come back. */
static void step(struct port_adapter *adapter, unsigned n)
{
	if (is_stuck(adapter) && rung_try(n, adapter->timed_out_unit, adapter->timed_out_id))
		wait_while(is_stuck, adapter, SETTLE_NS);
}

static void climb(struct port_adapter *adapter, struct port_request *request)
{
	bool is_adapters = adapter->timed_out_unit == &adapter->self;

	atomic_fetch_or(&adapter->closed, PORT_RESETTING);
	trace(TRACE_PORT_CLOSE, adapter->number, ~0ull, PORT_RESETTING);
	/* a start that saw the gate open is over, also without the StartIo lock. */
	cpu_dpc_flush();
	if (adapter->limits.aborts && !is_adapters)
		step(adapter, PORT_ABORT);
	/* A request to the adapter as a whole is no unit's. */
	for (unsigned n = is_adapters ? PORT_RESET_BUS : adapter->limits.first_reset;
		n <= PORT_RESET_BUS; n++)
		step(adapter, n);
	if (is_stuck(adapter)) {
		nt_violation(0xf1001007,
			"request %llu is still with the miniport after a bus reset (R-5).",
			(unsigned long long)adapter->timed_out_id);
		atomic_store(&request->deadline, atomic_load(&adapter->tick) + SURVIVOR_SECONDS);
		atomic_store(&request->lost_id, adapter->timed_out_id);
		port_adapter_changed(adapter); /* who looks after it gives it up */
	}
	atomic_fetch_and(&adapter->closed, ~(uint32_t)PORT_RESETTING);
	trace(TRACE_PORT_OPEN, adapter->number, ~0ull, PORT_RESETTING);
	cpu_dpc_queue(&adapter->pump, NULL, NULL);
}

static bool is_first_of_target(const struct port_adapter *adapter, uint32_t number)
{
	const struct port_unit *unit = adapter->units[number];

	for (uint32_t n = 0; n < number; n++)
		if (adapter->units[n]->path == unit->path &&
			adapter->units[n]->target == unit->target)
			return false;
	return true;
}

static bool reset_buses(struct port_adapter *adapter)
{
	bool done = true;

	for (unsigned path = 0; path < adapter->limits.buses; path++) {
		struct port_unit bus = {.adapter = adapter, .path = (uint8_t)path};

		done &= rung_try(PORT_RESET_BUS, &bus, 0);
	}
	return done;
}

static bool reset_units(struct port_adapter *adapter, enum port_rung rung)
{
	bool done = true;

	for (uint32_t n = 0; n < atomic_load(&adapter->unit_count); n++)
		if (rung == PORT_RESET_UNIT || is_first_of_target(adapter, n))
			done &= rung_try(rung, adapter->units[n], 0);
	return done;
}

/* What somebody asks for. Also "if the time-out occurs while the port driver is waiting for a
 * NextRequest notification": a reset of the bus, after which the miniport has to ask. */
static void reset_all(struct port_adapter *adapter, enum port_rung rung)
{
	/* First: who removes a unit waits for the end of it. */
	atomic_fetch_or(&adapter->closed, PORT_RESETTING);
	cpu_dpc_flush();
	adapter->reset_refused =
		!(rung == PORT_RESET_BUS ? reset_buses(adapter) : reset_units(adapter, rung));
	atomic_fetch_and(&adapter->closed, ~(uint32_t)PORT_RESETTING);
	cpu_dpc_queue(&adapter->pump, NULL, NULL);
}

bool port_request_is_lost(const struct port_request *request)
{
	return is_started(request) && atomic_load(&request->lost_id) == atomic_load(&request->id);
}

bool port_adapter_has_lost(const struct port_adapter *adapter)
{
	for (unsigned n = 0; n < PORT_SLOTS; n++)
		if (port_request_is_lost(&adapter->requests[n]))
			return true;
	return false;
}

static void recovery_main(void *ctx)
{
	struct port_adapter *adapter = ctx;

	while (!atomic_load(&adapter->recovery_ends)) {
		struct port_request *request = atomic_load(&adapter->timed_out);

		uint8_t asked = atomic_load(&adapter->reset_asked);

		if (unlikely(asked)) {
			reset_all(adapter, (enum port_rung)(asked - 1));
			atomic_store(&adapter->reset_asked, 0);
		}
		if (!request) {
			cpu_thread_park(CPU_FOREVER);
			continue;
		}
		climb(adapter, request);
		atomic_store(&adapter->timed_out, NULL);
	}
}

/* Whether the ladder is climbed, or about to be. */
static bool is_at_work(const struct port_adapter *adapter)
{
	return atomic_load(&adapter->timed_out) || atomic_load(&adapter->reset_asked) ||
	       atomic_load(&adapter->closed) & PORT_RESETTING;
}

void port_recover_hold(struct port_adapter *adapter)
{
	cpu_timer_cancel(&adapter->second);
	cpu_dpc_flush();
	while (is_at_work(adapter) && !atomic_load(&adapter->recovery_ends))
		cpu_thread_park(LOOK_NS);
	adapter->idle_ticks = 0;
}

void port_recover_go_on(struct port_adapter *adapter)
{
	cpu_timer_set(&adapter->second, SECOND_NS, SECOND_NS);
}

int port_recover_reset(struct port_adapter *adapter, enum port_rung rung, bool is_asked)
{
	if (!adapter->recovery) /* it was given up */
		return 0;
	if (rung < adapter->limits.first_reset)
		return error_set(EOPNOTSUPP, "%s: SCSI Port resets buses alone.", adapter->name);
	adapter->reset_refused = false;
	adapter->reset_is_asked = is_asked;
	atomic_store(&adapter->reset_asked, (uint8_t)(rung + 1));
	cpu_thread_unpark(adapter->recovery);
	while (is_at_work(adapter) && !atomic_load(&adapter->recovery_ends))
		cpu_thread_park(LOOK_NS);
	adapter->reset_is_asked = false;
	if (!adapter->reset_refused)
		return 0;
	return error_set(EIO, "%s: the miniport has refused a reset.", adapter->name);
}

int port_recover_start(struct port_adapter *adapter)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	adapter->recovery_request = port_request_get(adapter);
	adapter->reset_is_back = true;
	cpu_irql_lower(irql);
	adapter->recovery = cpu_thread_new(recovery_main, adapter, 0, "port recovery");
	if (!adapter->recovery)
		return error_set(ENOMEM, "%s: no memory for the recovery thread.", adapter->name);
	adapter->second.fn = second_passed;
	adapter->second.ctx = adapter;
	cpu_timer_set(&adapter->second, SECOND_NS, SECOND_NS);
	return 0;
}

void port_recover_stop(struct port_adapter *adapter)
{
	if (!adapter->recovery)
		return;
	cpu_timer_cancel(&adapter->second);
	cpu_dpc_flush();
	atomic_store(&adapter->recovery_ends, true);
	cpu_thread_unpark(adapter->recovery);
	cpu_thread_join(adapter->recovery);
	cpu_dpc_flush(); /* a reset's end may be about to wake it */
	cpu_thread_free(adapter->recovery);
	adapter->recovery = NULL;
}
