/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 1 of 7: a request enters the port. Before: src/disk (0). After: queue.c (2).
 *
 * Checks the request against what the adapter can carry, so that a miniport never sees more than it
 * announced in HwFindAdapter.
 */
#include "port/count.h"
#include "trace/trace.h"
#include "nt/nt.h"

path_inline uint64_t enter(struct port_request *request)
{
	/* No safepoint till the event is out: under replay the ids stand in the trace in order. */
	uint64_t id = port_id_next(cpu_self, request->adapter, cpu_inner_locks);

	port_page_forget(request);
	atomic_store_explicit(&request->id, id, memory_order_relaxed);
	trace(TRACE_SRB_SUBMIT, id,
		request->function | (request->cdb_length ? request->cdb[0] << 8 : 0) |
			(uint64_t)request->timeout << 16,
		request->unit->number, request->length);
	return id;
}

void port_request_enter(struct port_request *request)
{
	enter(request);
}

border_call __attribute__((noinline)) void port_sample(struct port_request *request)
{
	request->sampled = request->id;
	request->submitted = cpu_clock();
}

void port_request_submit(struct port_request *request)
{
	if (unlikely(atomic_load_explicit(&request->adapter->redirects, memory_order_relaxed)))
		request->origin = (uint8_t)cpu_self->number;
	if (unlikely(!(enter(request) & PORT_SAMPLE_MASK)))
		port_sample(request);
	if (unlikely(request->length > request->adapter->limits.max_transfer))
		port_request_fail(request, SRB_STATUS_INVALID_REQUEST);
	else
		port_unit_enqueue(request);
}
