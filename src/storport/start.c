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

static inline void enter(struct stor_adapter *adapter)
{
	cpu_spin_acquire(&adapter->startio_lock);
	if (!adapter->full_duplex)
		stor_interrupt_lock(adapter);
}

static inline void leave(struct stor_adapter *adapter, const char *callback)
{
	port_hba_irql_check(
		&adapter->hba, callback, adapter->full_duplex ? IRQL_DISPATCH : STOR_DIRQL);
	if (!adapter->full_duplex)
		stor_interrupt_unlock(adapter, IRQL_DISPATCH);
	cpu_spin_release(&adapter->startio_lock);
}

void stor_callback_enter(struct port_hba *hba)
{
	enter((struct stor_adapter *)hba);
}

void stor_callback_leave(struct port_hba *hba, const char *callback)
{
	leave((struct stor_adapter *)hba, callback);
}

/* The slot may bear another request when HwStorStartIo returns: its id comes along. */
static void start_io(struct stor_adapter *adapter, void *srb, uint64_t id)
{
	BOOLEAN result;

	if (likely(!adapter->concurrent))
		enter(adapter);
	trace(TRACE_HW_STARTIO, id);
	result = adapter->hba.hw.HwStartIo(adapter->hba.extension, srb);
	trace(TRACE_HW_STARTIO_END, id, result);
	if (likely(!adapter->concurrent))
		leave(adapter, "HwStorStartIo");
	else
		port_hba_irql_check(&adapter->hba, "HwStorStartIo", IRQL_DISPATCH);
}

static void stor_start(struct port_adapter *port, struct port_request *request)
{
	struct stor_adapter *adapter = (struct stor_adapter *)port;
	void *srb = request->srb;
	uint64_t id = request->id;
	BOOLEAN result;

	if (adapter->hba.hw.HwBuildIo) {
		trace(TRACE_HW_BUILDIO, id);
		result = adapter->hba.hw.HwBuildIo(adapter->hba.extension, srb);
		trace(TRACE_HW_BUILDIO_END, id, result);
		port_hba_irql_check(&adapter->hba, "HwStorBuildIo", IRQL_DISPATCH);
		if (!result) /* the miniport completes it itself (SB-5) */
			return;
	}
	start_io(adapter, srb, id);
}

const struct port_model stor_model = {
	.name = "storport",
	.start = stor_start,
	.reset_bus = port_hba_reset_bus,
	.stop = port_hba_given_up,
	.unit_found = port_hba_unit_found,
	.unit_lost = port_hba_unit_lost,
};
