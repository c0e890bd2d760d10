/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * REQUEST SENSE for a miniport without AutoRequestSense: after a CHECK CONDITION the request's own
 * slot is the command that asks for the sense data, into the slot's own sense buffer; when that has
 * come back the request is what it was, and ends with both. It goes before all that wait for its
 * unit, as any other command would make the device forget what it is asked for; that nothing
 * follows it too soon is a pulling miniport's doing (PORT_TAKEN). Between complete.c, which
 * notices, and queue.c.
 */
#include "port/port.h"
#include "trace/trace.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SENSE_SECONDS 10

/* The request while its slot asks for sense data: command and result. */
struct port_sense {
	bool is_on;
	uint8_t cdb_length;
	uint8_t cdb[16];
	uint32_t flags, length, timeout;
	PMDL mdl;
	uint64_t data_at;
	void *data;
	void (*done)(struct port_request *request);
	uint8_t srb_status, scsi_status;
	uint32_t transferred;
};

static struct port_sense *sense_of(const struct port_request *request)
{
	const struct port_adapter *adapter = request->adapter;

	return adapter->senses ? &adapter->senses[request - adapter->requests] : NULL;
}

int port_senses_new(struct port_adapter *adapter)
{
	if (!nt_allocation_fails())
		adapter->senses = calloc(PORT_SLOTS, sizeof(*adapter->senses));
	return adapter->senses
		       ? 0
		       : error_set(ENOMEM, "%s: no memory for REQUEST SENSE.", adapter->name);
}

bool port_is_sense(const struct port_request *request)
{
	const struct port_sense *sense = sense_of(request);

	return sense && sense->is_on;
}

static bool is_wanted(const struct port_request *request)
{
	return request->scsi_status == SCSISTAT_CHECK_CONDITION && !request->sense_length &&
	       !(request->flags & SRB_FLAGS_DISABLE_AUTOSENSE);
}

static void save(const struct port_request *request, struct port_sense *sense)
{
	*sense = (struct port_sense){
		.is_on = true,
		.cdb_length = request->cdb_length,
		.flags = request->flags,
		.length = request->length,
		.timeout = request->timeout,
		.mdl = request->mdl,
		.data_at = request->data_at,
		.data = request->data,
		.done = request->done,
		.srb_status = request->srb_status,
		.scsi_status = request->scsi_status,
		.transferred = request->transferred,
	};
	memcpy(sense->cdb, request->cdb, sizeof(sense->cdb));
}

static void restore(struct port_request *request, struct port_sense *sense)
{
	sense->is_on = false;
	request->cdb_length = sense->cdb_length;
	memcpy(request->cdb, sense->cdb, sizeof(request->cdb));
	request->flags = sense->flags;
	request->length = sense->length;
	request->timeout = sense->timeout;
	request->mdl = sense->mdl;
	request->data_at = sense->data_at;
	request->data = sense->data;
	request->done = sense->done;
	request->srb_status = sense->srb_status;
	request->scsi_status = sense->scsi_status;
	request->transferred = sense->transferred;
}

/* Sense data say how long they are (SPC-5, 4.4): a miniport may leave DataTransferLength alone. */
static uint8_t length_of(const struct port_request *request)
{
	const uint8_t *data = request->sense;
	bool is_there = (request->srb_status == SRB_STATUS_SUCCESS ||
				request->srb_status == SRB_STATUS_DATA_OVERRUN) &&
			request->transferred >= 8 && (data[0] & 0x7c) == 0x70;

	return is_there ? (uint8_t)min_of(8u + data[7], request->transferred) : 0;
}

static void sense_done(struct port_request *request)
{
	uint8_t length = length_of(request);

	restore(request, sense_of(request));
	request->sense_length = length;
	request->done(request);
}

bool port_sense_ask(struct port_request *request)
{
	struct port_sense *sense = sense_of(request);
	bool is_sampled;

	if (!sense || sense->is_on || !is_wanted(request))
		return false;
	trace(TRACE_SRB_DONE, request->id, request->srb_status, request->transferred, 0);
	port_request_mdl(request);
	save(request, sense);
	memset(request->sense, 0, PORT_SENSE_BYTES);
	memset(request->cdb, 0, sizeof(request->cdb));
	request->cdb[0] = SCSIOP_REQUEST_SENSE;
	request->cdb[4] = PORT_SENSE_BYTES;
	request->cdb_length = 6;
	request->flags = SRB_FLAGS_DATA_IN | SRB_FLAGS_DISABLE_AUTOSENSE |
			 SRB_FLAGS_BYPASS_FROZEN_QUEUE | SRB_FLAGS_BYPASS_LOCKED_QUEUE;
	request->mdl = NULL; /* the slot is pinned: it needs no list */
	request->data_at = MEM_NO_ADDRESS;
	request->data = request->sense;
	request->length = PORT_SENSE_BYTES;
	request->timeout = SENSE_SECONDS;
	request->done = sense_done;
	port_request_spoil(request);
	is_sampled = request->sampled == request->id;
	port_request_enter(request);
	if (is_sampled) /* since the command was submitted */
		request->sampled = request->id;
	port_unit_sense(request);
	return true;
}
