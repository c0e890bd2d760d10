/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 6 of 7: the device's interrupt reaches the miniport at DIRQL, under the interrupt lock;
 * its DPCs run later. Before: src/hw (5), src/bus. After: the miniport, then src/port/complete.c
 * (7).
 */
#include "storport/storport_adapter.h"
#include "trace/trace.h"
#include "nt/ke_dpc.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>

static bool service_line(struct cpu_interrupt *interrupt)
{
	struct stor_vector *vector = interrupt->ctx;
	struct stor_adapter *adapter = vector->adapter;
	BOOLEAN claimed;

	cpu_home_acquire(&adapter->interrupt_lock);
	trace(TRACE_IRQ, BUS_LINE);
	claimed = adapter->hba.hw.HwInterrupt(adapter->hba.extension);
	trace(TRACE_IRQ_END, BUS_LINE, claimed);
	port_hba_irql_check(&adapter->hba, "HwStorInterrupt", STOR_DIRQL);
	cpu_spin_release(&adapter->interrupt_lock.lock);
	return claimed;
}

static __attribute__((cold, noinline)) void mend_irql(
	const struct stor_adapter *adapter, const char *callback, uint8_t irql)
{
	port_hba_irql_check(&adapter->hba, callback, irql);
}

static border_call __attribute__((cold, noinline)) void tell_message(
	const struct stor_vector *vector)
{
	trace(TRACE_IRQ, vector->interrupt.message);
}

/* What comes after the routine, whatever it is. */
static __attribute__((cold, noinline)) bool message_end(
	const struct stor_vector *vector, BOOLEAN claimed)
{
	trace(TRACE_IRQ_END, vector->interrupt.message, claimed);
	port_hba_irql_check(&vector->adapter->hba, "HwMSInterruptRoutine", STOR_DIRQL);
	cpu_spin_release(&vector->guard->lock);
	return claimed;
}

#define MESSAGE_EVENTS (1ull << TRACE_IRQ | 1ull << TRACE_IRQ_END)
#define DPC_EVENTS     (1ull << TRACE_DPC | 1ull << TRACE_DPC_END)

static __attribute__((noinline)) bool service_message_other(const struct stor_vector *vector)
{
	cpu_home_acquire_above(cpu_self, vector->guard);
	if (trace_is_wanted(TRACE_IRQ))
		tell_message(vector);
	return message_end(vector, vector->routine(vector->extension, vector->interrupt.message));
}

/* Events that somebody begins to want meanwhile are told from the next one on. */
static bool service_message(struct cpu_interrupt *interrupt)
{
	struct stor_vector *vector = container_of(interrupt, struct stor_vector, interrupt.vector);
	struct cpu *cpu = cpu_self;
	BOOLEAN claimed;

	if (unlikely(trace_wanted & MESSAGE_EVENTS ||
		     atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) > STOR_DIRQL ||
		     !cpu_home_acquire_free(cpu, vector->guard)))
		return service_message_other(vector);
	claimed = vector->routine(vector->extension, vector->interrupt.message);
	if (unlikely(cpu->irql != STOR_DIRQL || !cpu_spin_release_above(cpu, &vector->guard->lock)))
		return message_end(vector, claimed);
	return claimed;
}

static int vector_connect(struct stor_adapter *adapter, unsigned n, unsigned message)
{
	struct stor_vector *vector = &adapter->vectors[n];
	int err;

	vector->adapter = adapter;
	vector->extension = adapter->hba.extension;
	vector->routine = adapter->config.HwMSInterruptRoutine;
	vector->interrupt.vector.irql = STOR_DIRQL;
	vector->interrupt.vector.cpu = stor_message_processor(adapter, n);
	vector->interrupt.vector.service = message == BUS_LINE ? service_line : service_message;
	vector->interrupt.vector.ctx = vector;
	vector->guard = adapter->per_message ? &vector->lock : &adapter->interrupt_lock;
	err = bus_interrupt_connect(adapter->hba.function, message, &vector->interrupt);
	if (!err)
		adapter->vectors_connected++;
	return err;
}

int stor_interrupt_connect(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;
	int err = 0;

	if (stor_is_virtual(adapter))
		return 0;
	if (!adapter->config.HwMSInterruptRoutine || !adapter->messages ||
		adapter->config.InterruptSynchronizationMode == InterruptSupportNone) {
		bus_messages_disable(adapter->hba.function);
		adapter->messages = 0;
		if (!adapter->hba.hw.HwInterrupt)
			return error_set(EINVAL,
				"%s has neither HwInterrupt nor messages to interrupt with.",
				adapter->hba.name);
		return vector_connect(adapter, 0, BUS_LINE);
	}
	/* they were disabled by the disconnect, if it starts again */
	adapter->messages = bus_messages_enable(adapter->hba.function, adapter->messages);
	adapter->per_message =
		adapter->config.InterruptSynchronizationMode == InterruptSynchronizePerMessage;
	for (unsigned n = 0; n < adapter->messages && !err; n++)
		err = vector_connect(adapter, n, n);
	return err;
}

void stor_interrupt_disconnect(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;

	while (adapter->vectors_connected) {
		struct stor_vector *vector = &adapter->vectors[--adapter->vectors_connected];

		bus_interrupt_disconnect(&vector->interrupt);
	}
	if (adapter->hba.function)
		bus_messages_disable(adapter->hba.function);
}

static border_call __attribute__((cold, noinline)) void tell_dpc(
	enum trace_type type, const struct stor_dpc *state)
{
	trace(type, state - state->adapter->dpcs);
}

path_inline void dpc_run_as(struct cpu_dpc *dpc, bool locks, bool tells)
{
	struct cpu *cpu = cpu_self;
	void *argument1 = cpu->dpc_arg[0], *argument2 = cpu->dpc_arg[1];
	struct stor_dpc *state = dpc->ctx;
	struct stor_adapter *adapter = state->adapter;

	port_done_begin(&adapter->hba.port, locks);
	/* LK-10; the DPCs of one processor never run inside each other */
	if (locks)
		cpu_home_acquire_by(cpu, &state->running);
	if (tells && trace_is_wanted(TRACE_DPC))
		tell_dpc(TRACE_DPC, state);
	state->routine((PSTOR_DPC)dpc, adapter->hba.extension, argument1, argument2);
	if (tells && trace_is_wanted(TRACE_DPC_END))
		tell_dpc(TRACE_DPC_END, state);
	if (unlikely(cpu->irql != IRQL_DISPATCH))
		mend_irql(adapter, "HwStorDpcRoutine", IRQL_DISPATCH);
	if (locks)
		cpu_spin_release_by(cpu, &state->running.lock);
	port_done_end(&adapter->hba.port, locks);
}

static __attribute__((noinline)) void dpc_run_told(struct cpu_dpc *dpc)
{
	dpc_run_as(dpc, cpu_inner_locks, true);
}

static __attribute__((noinline)) void dpc_run_locked(struct cpu_dpc *dpc)
{
	if (unlikely(!cpu_inner_locks || trace_wanted & DPC_EVENTS))
		dpc_run_told(dpc);
	else
		dpc_run_as(dpc, true, false);
}

/* A KDPC of its own kind: an ordinary routine of a KDPC keeps a driver's registers, which none is
 * there to miss. */
static void dpc_run(struct cpu_dpc *dpc)
{
	if (unlikely(cpu_inner_locks || trace_wanted & DPC_EVENTS))
		dpc_run_locked(dpc);
	else
		dpc_run_as(dpc, false, false);
}

BOOLEAN stor_dpc_init(struct stor_adapter *adapter, PSTOR_DPC dpc, PHW_DPC_ROUTINE routine)
{
	unsigned count = atomic_load(&adapter->dpc_count);
	struct stor_dpc *state = NULL;

	for (unsigned n = 0; n < count && !state; n++)
		if (adapter->dpcs[n].dpc == dpc)
			state = &adapter->dpcs[n];
	if (!state) {
		unsigned n = atomic_fetch_add(&adapter->dpc_count, 1);

		if (n >= STOR_DPCS) {
			atomic_store(&adapter->dpc_count, STOR_DPCS);
			nt_violation(
				0, "%s: more than %d DPC objects.", adapter->hba.name, STOR_DPCS);
			return FALSE;
		}
		state = &adapter->dpcs[n];
	}
	state->dpc = dpc;
	state->routine = routine;
	state->adapter = adapter;
	ke_dpc_init(&dpc->Dpc, dpc_run, state);
	dpc->Lock = 0;
	return TRUE;
}
