/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 6 of 7: the line reaches HwScsiInterrupt at DIRQL, under the interrupt lock. Before:
 * src/hw (5), src/bus. After: the miniport, then src/port/complete.c (7). A miniport that polls has
 * no HwScsiInterrupt.
 */
#include "scsiport/scsi_adapter.h"
#include "trace/trace.h"
#include "nt/nt.h"

static bool service(struct cpu_interrupt *interrupt)
{
	struct scsi_adapter *adapter = interrupt->ctx;
	BOOLEAN claimed = FALSE;

	cpu_spin_acquire(&adapter->interrupt_lock);
	/* While HwScsiEnableInterruptsCallback is due the device is to be quiet: it is another's
	 * interrupt on the same line. */
	if (likely(!adapter->is_deferred)) {
		trace(TRACE_IRQ, BUS_LINE);
		claimed = adapter->hba.hw.HwInterrupt(adapter->hba.extension);
		trace(TRACE_IRQ_END, BUS_LINE, claimed);
		port_hba_irql_check(&adapter->hba, "HwScsiInterrupt", SCSI_DIRQL);
	}
	cpu_spin_release(&adapter->interrupt_lock);
	return claimed;
}

int scsi_interrupt_connect(struct scsi_adapter *adapter)
{
	struct cpu_interrupt *vector = &adapter->interrupt.vector;
	int err;

	if (!adapter->hba.hw.HwInterrupt)
		return 0;
	vector->irql = SCSI_DIRQL;
	vector->service = service;
	vector->ctx = adapter;
	err = bus_interrupt_connect(adapter->hba.function, BUS_LINE, &adapter->interrupt);
	adapter->is_connected = !err;
	return err;
}

void scsi_interrupt_disconnect(struct scsi_adapter *adapter)
{
	if (adapter->is_connected)
		bus_interrupt_disconnect(&adapter->interrupt);
	adapter->is_connected = false;
}

uint8_t scsi_interrupt_lock(struct scsi_adapter *adapter)
{
	uint8_t irql = cpu_irql_raise(SCSI_DIRQL);

	cpu_spin_acquire(&adapter->interrupt_lock);
	return irql;
}

void scsi_interrupt_unlock(struct scsi_adapter *adapter, uint8_t irql)
{
	cpu_spin_release(&adapter->interrupt_lock);
	cpu_irql_lower(irql);
}
