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

void scsi_callback_enter(struct port_hba *hba)
{
	struct scsi_adapter *adapter = (struct scsi_adapter *)hba;

	cpu_spin_acquire(&adapter->dispatch_lock);
	scsi_interrupt_lock(adapter);
}

void scsi_callback_leave(struct port_hba *hba, const char *callback)
{
	struct scsi_adapter *adapter = (struct scsi_adapter *)hba;

	port_hba_irql_check(hba, callback, SCSI_DIRQL);
	scsi_interrupt_unlock(adapter, IRQL_DISPATCH);
	cpu_spin_release(&adapter->dispatch_lock);
}

struct scsi_request *scsi_request_of(
	struct scsi_adapter *adapter, const struct port_request *request)
{
	return &adapter->requests[request - adapter->hba.port.requests];
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
	if (unlikely(port_is_sense(request))) {
		srb->SenseInfoBuffer = NULL; /* that is where its data go */
		srb->SenseInfoBufferLength = 0;
	}
	/* HW_INITIALIZATION_DATA's page: with MultipleRequestPerLu alone too, but without the flag.
	 */
	if ((adapter->config.TaggedQueuing || adapter->config.MultipleRequestPerLu) &&
		request->function == SRB_FUNCTION_EXECUTE_SCSI && !port_is_sense(request))
		srb->QueueTag = own->tag = tag_of(&adapter->hba.port, request);
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
	scsi_callback_enter(&adapter->hba);
	own->given = true;
	adapter->untagged += own->tag == SP_UNTAGGED;
	adapter->in_startio = true;
	trace(TRACE_HW_STARTIO, id);
	result = adapter->hba.hw.HwStartIo(adapter->hba.extension, srb);
	trace(TRACE_HW_STARTIO_END, id, result);
	adapter->in_startio = false;
	scsi_callback_leave(&adapter->hba, "HwScsiStartIo");
	if (unlikely(!result))
		nt_violation(0, "%s: HwScsiStartIo returned FALSE; it must return TRUE.",
			adapter->hba.name);
}

void scsi_request_complete(struct scsi_adapter *adapter, struct port_request *request)
{
	struct scsi_request *own = scsi_request_of(adapter, request);

	own->given = false;
	adapter->untagged -= own->tag == SP_UNTAGGED;
	port_request_complete(request);
}

const struct port_model scsi_model = {
	.name = "scsiport",
	.start = scsi_start,
	.reset_bus = port_hba_reset_bus,
	.stop = port_hba_given_up,
	.unit_found = port_hba_unit_found,
	.unit_lost = port_hba_unit_lost,
};
