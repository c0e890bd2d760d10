/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 4 of 7: HwStorBuildIo without a lock, then HwStorStartIo under the StartIo lock. Before:
 * src/port/queue.c (2, 3). After: the miniport, and through its registers src/bus and src/hw (5).
 *
 * Full duplex: StartIo at DISPATCH under the StartIo lock, or under none with concurrent channels
 * and for a virtual miniport, which has no BuildIo either.
 * Half duplex: at DIRQL, under the interrupt lock too (4.2, LK-7).
 */
#include "storport/storport_adapter.h"
#include "trace/trace.h"
#include "nt/nt.h"

#include <srbhelper.h>

void stor_irql_check(struct stor_adapter *adapter, const char *callback, uint8_t irql)
{
	if (likely(cpu_irql() == irql))
		return;
	nt_violation(0, "%s: %s was called at IRQL %u and returned at %u (SpChangeIrql).",
		adapter ? adapter->name : "the driver", callback, irql, cpu_irql());
	if (cpu_irql() > irql)
		cpu_irql_lower(irql);
	else
		cpu_irql_raise(irql);
}

void stor_callback_enter(struct stor_adapter *adapter)
{
	cpu_spin_acquire(&adapter->startio_lock);
	if (!adapter->full_duplex)
		stor_interrupt_lock(adapter);
}

void stor_callback_leave(struct stor_adapter *adapter, const char *callback)
{
	stor_irql_check(adapter, callback, adapter->full_duplex ? IRQL_DISPATCH : STOR_DIRQL);
	if (!adapter->full_duplex)
		stor_interrupt_unlock(adapter, IRQL_DISPATCH);
	cpu_spin_release(&adapter->startio_lock);
}

/* The slot may bear another request when HwStorStartIo returns: its id comes along. */
static void start_io(struct stor_adapter *adapter, void *srb, uint64_t id)
{
	BOOLEAN result;

	if (likely(!adapter->concurrent))
		stor_callback_enter(adapter);
	trace(TRACE_HW_STARTIO, id);
	result = adapter->hw.HwStartIo(adapter->extension, srb);
	trace(TRACE_HW_STARTIO_END, id, result);
	if (likely(!adapter->concurrent))
		stor_callback_leave(adapter, "HwStorStartIo");
	else
		stor_irql_check(adapter, "HwStorStartIo", IRQL_DISPATCH);
}

static void stor_start(struct port_adapter *port, struct port_request *request)
{
	struct stor_adapter *adapter = (struct stor_adapter *)port;
	void *srb = request->srb;
	uint64_t id = request->id;
	BOOLEAN result;

	if (adapter->hw.HwBuildIo) {
		trace(TRACE_HW_BUILDIO, id);
		result = adapter->hw.HwBuildIo(adapter->extension, srb);
		trace(TRACE_HW_BUILDIO_END, id, result);
		stor_irql_check(adapter, "HwStorBuildIo", IRQL_DISPATCH);
		if (!result) /* the miniport completes it itself (SB-5) */
			return;
	}
	start_io(adapter, srb, id);
}

/* under the locks of StartIo, so that none runs meanwhile; concurrent channels have no such
 * lock, and the port has seen to it that they are at rest. */
static bool stor_reset_bus(struct port_adapter *port, uint8_t path)
{
	struct stor_adapter *adapter = (struct stor_adapter *)port;
	BOOLEAN done;

	stor_callback_enter(adapter);
	done = adapter->hw.HwResetBus(adapter->extension, path);
	stor_callback_leave(adapter, "HwStorResetBus");
	return done;
}

const struct port_model stor_model = {
	.name = "storport",
	.start = stor_start,
	.reset_bus = stor_reset_bus,
	.stop = stor_adapter_stop,
};
