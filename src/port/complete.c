/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 7 of 7: a request comes back. Before: the model's RequestComplete (6). After: src/disk
 * (0).
 *
 * The miniport may complete at any IRQL, inside any callback, with locks held. So the request is
 * only marked and put on this processor's list, or sent to the processor where it was submitted
 * (redirects); a DPC, or the end of the miniport's, finishes it: the list is released (what was
 * bounced is copied back), results are read, the queue moves on, the submitter is told.
 */
#include "port/count.h"
#include "port/take.h"
#include "trace/trace.h"
#include "nt/nt.h"

border_call void port_done_begin_dpc(struct port_done *done)
{
	cpu_dpc_queue(&done->dpc, NULL, NULL);
}

static void done_push(struct port_request *request)
{
	port_done_push(request, cpu_inner_locks);
}

border_call __attribute__((cold)) bool port_tell_completed(
	const struct port_request *request, int state)
{
	nt_violation(0xf1002004, "request %llu was completed %s (SB-12).",
		(unsigned long long)request->id,
		state == PORT_REQUEST_COMPLETED || state == PORT_REQUEST_FREE
			? "a second time"
			: "while the miniport did not have it");
	return false;
}

/* To the processor where it was submitted. Whoever finds `sent` empty sees to the DPC; the DPC is
 * out of its queue before it looks there. */
static void done_send(struct port_request *request)
{
	struct port_done *done = &request->adapter->done[request->origin];
	struct port_request *before = atomic_load_explicit(&done->sent, memory_order_relaxed);

	do
		request->next = before;
	while (!atomic_compare_exchange_weak_explicit(
		&done->sent, &before, request, memory_order_release, memory_order_relaxed));
	if (!before)
		port_done_begin_dpc(done);
}

static border_call __attribute__((noinline)) bool complete_redirected(struct port_request *request)
{
	int state = port_take(request, true);

	if (unlikely(state != PORT_REQUEST_STARTED))
		return port_tell_completed(request, state);
	if (request->origin == cpu_self->number)
		done_push(request);
	else
		done_send(request);
	return true;
}

static border_call __attribute__((noinline)) bool complete_locked(struct port_request *request)
{
	if (unlikely(atomic_load_explicit(&request->adapter->redirects, memory_order_relaxed)))
		return complete_redirected(request);
	return port_complete_as(request, true);
}

border_call bool port_request_complete(struct port_request *request)
{
	return unlikely(cpu_inner_locks) ? complete_locked(request)
					 : port_complete_as(request, false);
}

bool port_request_complete_as(struct port_request *request, uint8_t srb_status)
{
	if (port_take(request, cpu_inner_locks) != PORT_REQUEST_STARTED)
		return false;
	/* It stands at the same place in both kinds of SRB. */
	((PSCSI_REQUEST_BLOCK)request->srb)->SrbStatus = srb_status;
	done_push(request);
	return true;
}

void port_polled_take(struct port_request *request)
{
	struct port_done *done = &request->adapter->done[cpu_self->number];

	cpu_dpc_cancel(&done->dpc);
	done->head = NULL;
	done->tail = &done->head;
	port_srb_collect(request);
	request->mapped = false;
	atomic_store_explicit(&request->state, PORT_REQUEST_HELD, memory_order_relaxed);
}

void port_request_fail(struct port_request *request, uint8_t srb_status)
{
	atomic_store_explicit(&request->state, PORT_REQUEST_COMPLETED, memory_order_relaxed);
	request->srb_status = srb_status;
	request->transferred = 0;
	request->scsi_status = 0;
	request->sense_length = 0;
	request->is_failed = true;
	port_page_forget(request);
	done_push(request);
}

bool port_request_abandon(struct port_request *request)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	bool has_it = port_take(request, cpu_inner_locks) == PORT_REQUEST_STARTED ||
		      /* or it waits for map registers that nobody gives back */
		      dma_wait_cancel(&request->waiter);

	if (has_it)
		port_request_fail(request, SRB_STATUS_NO_HBA);
	cpu_irql_lower(irql);
	return has_it;
}

static bool is_busy(const struct port_request *request)
{
	/* SB-9; a full queue of the device is the same to a port. */
	return request->srb_status == SRB_STATUS_BUSY || request->scsi_status == SCSISTAT_BUSY ||
	       request->scsi_status == SCSISTAT_QUEUE_FULL;
}

/* Whether it is sent again; a reset, which waits in no queue, is not. As a completion of another
 * request cuts a pause short, not before the time that all pauses take is over too. */
static bool retry_busy(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	const struct port_unit_entries *entries = &request->unit->entries;
	uint32_t seconds = (uint32_t)((uint64_t)entries->retries * entries->pause_ms / 1000);
	uint32_t tick = atomic_load_explicit(&adapter->tick, memory_order_relaxed);

	if (request == adapter->recovery_request || request->told || port_is_sense(request))
		return false;
	if (!request->busy_retries)
		request->busy_since = tick;
	if (request->busy_retries == entries->retries && tick - request->busy_since >= seconds)
		return false;
	request->busy_retries += request->busy_retries < entries->retries;
	port_request_spoil(request);
	return port_unit_again(request);
}

/* whether its end is one after which the unit's queue waits for its user. */
static bool freezes(const struct port_request *request)
{
	if (!(request->flags & PORT_FLAGS_WHOLE) || request->flags & SRB_FLAGS_NO_QUEUE_FREEZE)
		return false;
	switch (request->srb_status) {
	case SRB_STATUS_BUS_RESET:
	case SRB_STATUS_TIMEOUT:
	case SRB_STATUS_COMMAND_TIMEOUT:
	case SRB_STATUS_ABORTED:
		return true;
	default:
		return request->scsi_status == SCSISTAT_CHECK_CONDITION ||
		       request->scsi_status == SCSISTAT_COMMAND_TERMINATED;
	}
}

/* One that did not simply go well; false: it is sent again, or REQUEST SENSE for
 * it. */
static __attribute__((noinline)) bool request_judge(struct port_request *request)
{
	port_srb_collect_rest(request);
	if (request->srb_status == SRB_STATUS_SUCCESS)
		return true;
	if (unlikely(request->srb_status == SRB_STATUS_PENDING)) {
		nt_violation(0, "request %llu was completed with SRB_STATUS_PENDING (SB-11).",
			(unsigned long long)request->id);
		request->srb_status = SRB_STATUS_ERROR;
	}
	if (is_busy(request))
		return !retry_busy(request);
	if (unlikely(freezes(request)))
		request->has_frozen = port_unit_hold(request->unit, PORT_FROZEN);
	return !port_sense_ask(request);
}

/* This one, and all that are finished after it in the same breath. */
static __attribute__((cold, noinline)) void shut_together(struct port_request *request)
{
	uint32_t units = 0;

	for (; request; request = request->next)
		if (request->mapped)
			units |= dma_shut(&request->mapping);
	dma_shut_end(units);
}

/* Data that went by map registers, or none; what was granted and never used. */
static __attribute__((noinline)) void request_unmap_other(struct port_request *request)
{
	if (request->mapped) {
		if (unlikely(dma_waits_for_units()) && !request->mapping.is_shut)
			shut_together(request);
		if (request->mapping.va)
			request->data = request->own_data;
		dma_unmap(request->adapter->dma, &request->mapping);
		request->mapped = false;
	} else if (request->mapping.run.count) {
		dma_run_give(request->mapping.run);
		request->mapping.run = (struct dma_run){0};
	}
	if (request->in)
		port_data_in_unmap(request);
}

void port_page_done(struct port_request *request)
{
	request->srb_status = SRB_STATUS_SUCCESS;
	request->transferred = request->length;
	request->scsi_status = request->sense_length = 0;
	request->done(request);
}

/* Whether one that went by page.h simply went well, and nobody waits for it and nobody wants to
 * hear of it. With locks the counts have the last word. */
path_inline bool page_is_good(const struct port_request *request, bool locks)
{
	const struct port_adapter *adapter = request->adapter;
	const char *srb = request->srb;
	uint8_t status = ((const SCSI_REQUEST_BLOCK *)(const void *)srb)->SrbStatus;
	uint32_t length;

	memcpy(&length, srb + adapter->srb_length_at, sizeof(length));
	return likely(status == SRB_STATUS_SUCCESS && length >= request->length &&
		      !trace_is_wanted(TRACE_SRB_DONE) &&
		      (locks || (request->unit->room && port_is_alone(adapter))));
}

/* It is; what is left is, where nothing else runs, that its list is put back. */
path_inline void page_finish(struct port_request *request)
{
	request->mapped = request->is_counted = false;
	request->page_done(request);
}

path_inline void page_finish_alone(
	struct port_request *request, struct port_adapter *adapter, struct port_unit *unit)
{
	unit->outstanding--;
	cpu_own_add32(&adapter->outstanding, -1u);
	page_finish(request);
}

/* False: it did not go so, and nothing was done. */
path_inline bool page_finish_among(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	struct cpu *cpu = cpu_self;

	if (unlikely(!page_is_good(request, true)))
		return false;
	/* Before others can see that it is back: they may ask for what is mapped. */
	dma_uncount_pages(adapter->dma, cpu->number, 1);
	if (unlikely(!port_split_add(cpu, request->unit, -1u, PORT_BUSY))) {
		dma_uncount_pages(adapter->dma, cpu->number, -1ull); /* not yet */
		return false;
	}
	page_finish(request);
	return true;
}

path_inline bool request_finish_page(struct port_request *request, bool locks)
{
	if (locks)
		return page_finish_among(request);
	if (unlikely(!page_is_good(request, false)))
		return false;
	page_finish_alone(request, request->adapter, request->unit);
	return true;
}

path_inline void request_finish(struct port_request *request, bool locks)
{
	if (likely(request->mapped && !request->mapping.run.count && !request->in)) {
		dma_unmap(request->adapter->dma, &request->mapping);
		request->mapped = false;
	} else {
		request_unmap_other(request);
	}
	if (unlikely(request->is_failed))
		request->is_failed = false;
	else if (unlikely(!port_srb_collect_status(request)) && !request_judge(request))
		return;
	trace(TRACE_SRB_DONE, request->id, request->srb_status, request->transferred,
		request->sampled == request->id ? cpu_clock() - request->submitted : 0);
	/* The submitter last: it may remove the unit. */
	if (likely(request->is_counted))
		port_unit_finished(request, locks);
	request->done(request);
}

/* All that are there: some are. */
path_inline struct port_request *done_take(struct port_done *done)
{
	struct port_request *first = done->head;

	*done->tail = NULL;
	done->head = NULL;
	done->tail = &done->head;
	return first;
}

/* What is completed while others are finished is finished after them, without a DPC of its own.
 * What comes after the last look queues one. */
path_inline void done_drain(struct port_done *done, bool locks)
{
	struct port_request *request, *next;
	struct dma_adapter *dma;
	uint64_t pages = 0;

	while (done->head) {
		request = done_take(done);
		for (dma = request->adapter->dma; request; request = next) {
			next = request->next;
			if (likely(next != NULL)) { /* its first line the completion has seen */
				__builtin_prefetch((const char *)next + CACHE_LINE);
				__builtin_prefetch((const char *)next + 2 * CACHE_LINE);
			}
			if (likely(request->is_page) && likely(request_finish_page(request, locks)))
				pages++;
			else
				request_finish(request, locks);
		}
		if (!locks && likely(pages))
			dma_uncount_pages(dma, 0, pages);
		pages = 0;
	}
	done->is_expected = false;
}

static __attribute__((noinline)) void done_drain_alone(struct port_done *done)
{
	done_drain(done, false);
}

/* One request and no other, as most are where each waits for the one before: what the loop would
 * do with it. */
path_inline bool done_is_only(const struct port_done *done, const struct port_request *first)
{
	_Static_assert(!offsetof(struct port_request, next), "of nothing there is no tail");
	return likely((const void *)done->tail == (const void *)first && first->is_page &&
		      page_is_good(first, false));
}

path_inline void done_take_only(struct port_done *done, struct port_request *only)
{
	struct port_adapter *adapter = only->adapter;
	struct port_unit *unit = only->unit;
	struct dma_adapter *dma = adapter->dma;

	done->head = NULL;
	done->tail = &done->head;
	dma_uncount_pages(dma, 0, 1);
	page_finish_alone(only, adapter, unit);
}

/* What others have sent, in the order in which they did, behind what is there. */
static __attribute__((noinline)) void done_receive(struct port_done *done)
{
	struct port_request *sent =
		atomic_exchange_explicit(&done->sent, NULL, memory_order_acquire);
	struct port_request *first = NULL, *last = sent, *next;

	for (; sent; sent = next) {
		next = sent->next;
		sent->next = first;
		first = sent;
	}
	*done->tail = first;
	if (last)
		done->tail = &last->next;
}

void port_done_finish_among(struct port_done *done)
{
	if (unlikely(atomic_load_explicit(&done->sent, memory_order_relaxed)))
		done_receive(done);
	done_drain(done, true);
}

void port_done_finish(struct port_done *done)
{
	struct port_request *first = done->head;

	if (likely(done_is_only(done, first))) {
		done_take_only(done, first);
		if (likely(!done->head)) {
			done->is_expected = false;
			return;
		}
	}
	done_drain_alone(done);
}

void port_done_drain(struct cpu_dpc *dpc)
{
	struct port_done *done = dpc->ctx;

	done->is_expected = true;
	if (cpu_inner_locks)
		port_done_finish_among(done);
	else
		port_done_finish(done);
}
