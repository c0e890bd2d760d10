/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 4 of 7: HwScsiStartIo at DIRQL, under the locks that exclude every other callback.
 * Before: src/port/queue.c (2, 3), which has seen to it that the miniport asked for a request.
 * After: the miniport, and through its registers src/bus and src/hw (5).
 */
#include "scsiport/scsi_adapter.h"
#include "trace/trace.h"
#include "nt/nt.h"

void scsi_irql_check(struct scsi_adapter *adapter, const char *callback, uint8_t irql)
{
	if (likely(cpu_irql() == irql))
		return;
	nt_violation(0, "%s: %s was called at IRQL %u and returned at %u.",
		adapter ? adapter->name : "the driver", callback, irql, cpu_irql());
	if (cpu_irql() > irql)
		cpu_irql_lower(irql);
	else
		cpu_irql_raise(irql);
}

void scsi_callback_enter(struct scsi_adapter *adapter)
{
	cpu_spin_acquire(&adapter->dispatch_lock);
	scsi_interrupt_lock(adapter);
}

void scsi_callback_leave(struct scsi_adapter *adapter, const char *callback)
{
	scsi_irql_check(adapter, callback, SCSI_DIRQL);
	scsi_interrupt_unlock(adapter, IRQL_DISPATCH);
	cpu_spin_release(&adapter->dispatch_lock);
}

struct scsi_request *scsi_request_of(
	struct scsi_adapter *adapter, const struct port_request *request)
{
	return &adapter->requests[request - adapter->port.requests];
}

/* Tags are slots. The last slot's number is the value that means none, so it has that of the slot
 * kept back for resets, which are never tagged. */
static uint8_t tag_of(const struct port_adapter *port, const struct port_request *request)
{
	size_t slot = (size_t)(request - port->requests);

	if (slot == SP_UNTAGGED)
		slot = (size_t)(port->recovery_request - port->requests);
	return (uint8_t)slot;
}

/* What of the SRB is this model's: a tag, and an address of the data in any case, if only for
 * ScsiPortGetPhysicalAddress. */
static void srb_finish(struct scsi_adapter *adapter, struct port_request *request)
{
	struct scsi_request *own = scsi_request_of(adapter, request);
	PSCSI_REQUEST_BLOCK srb = request->srb;

	own->tag = SP_UNTAGGED;
	/* HW_INITIALIZATION_DATA's page: with MultipleRequestPerLu alone too, but without the flag.
	 */
	if ((adapter->config.TaggedQueuing || adapter->config.MultipleRequestPerLu) &&
		request->function == SRB_FUNCTION_EXECUTE_SCSI)
		srb->QueueTag = own->tag = tag_of(&adapter->port, request);
	if (!adapter->config.TaggedQueuing || own->tag == SP_UNTAGGED)
		srb->SrbFlags &= ~(ULONG)SRB_FLAGS_QUEUE_ACTION_ENABLE;
	if (request->data && !srb->DataBuffer)
		srb->DataBuffer = scsi_window_show(adapter, request->data);
	own->data = srb->DataBuffer;
	own->element = own->start = 0;
	own->is_listed = false;
}

static void scsi_start(struct port_adapter *port, struct port_request *request)
{
	struct scsi_adapter *adapter = (struct scsi_adapter *)port;
	struct scsi_request *own = scsi_request_of(adapter, request);
	void *srb = request->srb;
	uint64_t id = request->id;
	BOOLEAN result;

	srb_finish(adapter, request);
	scsi_callback_enter(adapter);
	own->given = true;
	adapter->untagged += own->tag == SP_UNTAGGED;
	adapter->in_startio = true;
	trace(TRACE_HW_STARTIO, id);
	result = adapter->hw.HwStartIo(adapter->extension, srb);
	trace(TRACE_HW_STARTIO_END, id, result);
	adapter->in_startio = false;
	scsi_callback_leave(adapter, "HwScsiStartIo");
	if (unlikely(!result))
		nt_violation(
			0, "%s: HwScsiStartIo returned FALSE; it must return TRUE.", adapter->name);
}

void scsi_request_complete(struct scsi_adapter *adapter, struct port_request *request)
{
	struct scsi_request *own = scsi_request_of(adapter, request);

	own->given = false;
	adapter->untagged -= own->tag == SP_UNTAGGED;
	port_request_complete(request);
}

static bool scsi_reset_bus(struct port_adapter *port, uint8_t path)
{
	struct scsi_adapter *adapter = (struct scsi_adapter *)port;
	BOOLEAN done;

	scsi_callback_enter(adapter);
	done = adapter->hw.HwResetBus(adapter->extension, path);
	scsi_callback_leave(adapter, "HwScsiResetBus");
	return done;
}

const struct port_model scsi_model = {
	.name = "scsiport",
	.start = scsi_start,
	.reset_bus = scsi_reset_bus,
	.stop = scsi_adapter_stop,
};
