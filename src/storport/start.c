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
#include "port/page.h"
#include "trace/trace.h"
#include "nt/nt.h"

#include <srbhelper.h>

void stor_callback_enter(struct port_hba *hba)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;

	cpu_home_acquire(&adapter->startio_lock);
	if (!adapter->full_duplex)
		stor_interrupt_lock(adapter);
}

void stor_callback_leave(struct port_hba *hba, const char *callback)
{
	struct stor_adapter *adapter = (struct stor_adapter *)hba;

	port_hba_irql_check(hba, callback, adapter->full_duplex ? IRQL_DISPATCH : STOR_DIRQL);
	if (!adapter->full_duplex)
		stor_interrupt_unlock(adapter, IRQL_DISPATCH);
	cpu_spin_release(&adapter->startio_lock.lock);
}

#define STATION_4                                                                                  \
	(1ull << TRACE_HW_BUILDIO | 1ull << TRACE_HW_BUILDIO_END | 1ull << TRACE_HW_STARTIO |      \
		1ull << TRACE_HW_STARTIO_END)

/* Full duplex, with BuildIo, under the StartIo lock. */
static void stor_settle(struct port_adapter *port)
{
	struct stor_adapter *adapter = (struct stor_adapter *)port;

	if (adapter->full_duplex && !adapter->concurrent)
		port->ordinary = (struct port_start){.build = adapter->hba.hw.HwBuildIo,
			.start = adapter->hba.hw.HwStartIo,
			.lock = &adapter->startio_lock,
			.extension = adapter->hba.extension,
			.is_usual = adapter->hba.hw.HwBuildIo && port->limits.extended_srb};
}

void stor_start_settle(struct stor_adapter *adapter)
{
	adapter->hba.port.ordinary = (struct port_start){0};
	stor_settle(&adapter->hba.port);
}

static __attribute__((noinline)) void start_other(
	struct stor_adapter *adapter, struct port_request *request)
{
	void *srb = request->srb, *extension = adapter->hba.extension;
	/* The slot may bear another request when HwStorStartIo returns: its id comes along. */
	uint64_t id = request->id;
	bool is_half = !adapter->full_duplex && !adapter->concurrent;
	BOOLEAN result;

	if (adapter->hba.hw.HwBuildIo) {
		trace(TRACE_HW_BUILDIO, id);
		result = adapter->hba.hw.HwBuildIo(extension, srb);
		trace(TRACE_HW_BUILDIO_END, id, result);
		port_hba_irql_check(&adapter->hba, "HwStorBuildIo", IRQL_DISPATCH);
		if (!result) /* as above */
			return;
	}
	if (is_half)
		stor_callback_enter(&adapter->hba);
	else if (!adapter->concurrent)
		cpu_home_acquire(&adapter->startio_lock);
	trace(TRACE_HW_STARTIO, id);
	result = adapter->hba.hw.HwStartIo(extension, srb);
	trace(TRACE_HW_STARTIO_END, id, result);
	if (is_half) {
		stor_callback_leave(&adapter->hba, "HwStorStartIo");
		return;
	}
	port_hba_irql_check(&adapter->hba, "HwStorStartIo", IRQL_DISPATCH);
	if (!adapter->concurrent)
		cpu_spin_release(&adapter->startio_lock.lock);
}

static void stor_start(struct port_adapter *port, struct port_request *request)
{
	struct stor_adapter *adapter = (struct stor_adapter *)port;

	if (unlikely(trace_wanted & STATION_4 || !port->ordinary.build))
		start_other(adapter, request);
	else
		port_start_ordinary(cpu_self, port, request, request->srb, cpu_inner_locks);
}

const struct port_model stor_model = {
	.name = "storport",
	.start = stor_start,
	.settle = stor_settle,
	.reset_bus = port_hba_reset_bus,
	.reset_bus_asked = port_hba_reset_bus_asked,
	.stop = port_hba_given_up,
	.unit_found = port_hba_unit_found,
	.unit_lost = port_hba_unit_lost,
};
