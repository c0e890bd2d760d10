/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Adapters and their slots. Off the path but for port_request_get and _put.
 *
 * A slot in RAM is SRB, sense buffer, SRB extension, one after the other in the linear zone, so
 * that each is physically contiguous and the low bits of virtual and physical address agree
 * (spec/miniports.md contract 3). The extension is poisoned and never cleared (contract 2).
 */
#include "port/list_life.h"
#include "port/now.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct port_adapter no_adapter;
static struct port_request no_request = {.adapter = &no_adapter};
struct port_now port_now = {.request = &no_request};

void port_now_forget(const struct port_adapter *adapter)
{
	if (atomic_load(&port_now.request)->adapter == adapter)
		port_now_set(NULL, &no_request);
}

void *port_alloc(uint64_t bytes, unsigned flags, enum mem_kind kind, void *owner)
{
	return nt_allocation_fails() ? NULL : mem_alloc(bytes, flags, kind, owner);
}

void port_request_spoil(struct port_request *request)
{
	memset(request->extension, 0xdb, request->adapter->limits.extension_bytes);
}

static void slot_init(struct port_adapter *adapter, unsigned n)
{
	struct port_request *request = &adapter->requests[n];
	char *slot = (char *)adapter->slots + (size_t)n * adapter->slot_stride;

	request->adapter = adapter;
	request->waiter.granted = port_request_granted;
	request->page_done = port_page_done;
	request->srb = slot;
	request->sense = slot + PORT_SRB_BYTES;
	request->extension = slot + PORT_EXTENSION_AT;
	request->extension_shown = adapter->limits.extension_bytes ? request->extension : NULL;
	if (adapter->lists.base)
		request->list = port_list_at(&adapter->lists, n);
	port_request_spoil(request);
	request->next = adapter->free;
	adapter->free = request;
}

/*
 * How long a slot of so many bytes is: an odd multiple of 128, so that an SRB's number comes of one
 * multiplication, by the inverse of `odd` modulo 2^64 (port_request_find). Newton's method finds
 * it: odd * odd is 1 modulo 8, and each step makes twice as many bits right.
 *
 * The number of a byte inside comes of the reciprocal. That is by at most 1 too large for an exact
 * one of 42 bits after the point, so x times it is not too large for any x below 256 * odd (all
 * slots) while 256 * odd^2 is below 2^42.
 */
static int stride_settle(struct port_adapter *adapter, uint64_t bytes)
{
	uint64_t odd = (bytes + PORT_EXTENSION_ALIGN - 1) / PORT_EXTENSION_ALIGN | 1;
	uint64_t inverse = odd;

	if (odd >= 1u << 17)
		return error_set(ENOMEM, "%s: an SRB extension of %u bytes is too large.",
			adapter->name, adapter->limits.extension_bytes);
	for (unsigned n = 0; n < 5; n++)
		inverse *= 2 - odd * inverse;
	adapter->slot_stride = (uint32_t)odd * PORT_EXTENSION_ALIGN;
	adapter->slot_inverse = inverse;
	adapter->slot_reciprocal = (1ull << PORT_SLOT_SHIFT) / odd + 1;
	return 0;
}

static int slots_new(struct port_adapter *adapter, unsigned count)
{
	uint64_t bytes;

	if (stride_settle(adapter, (uint64_t)PORT_EXTENSION_AT + adapter->limits.extension_bytes))
		return -ENOMEM;
	bytes = (uint64_t)adapter->slot_stride * count;
	adapter->requests = aligned_alloc(CACHE_LINE, count * sizeof(*adapter->requests));
	if (adapter->requests)
		memset(adapter->requests, 0, count * sizeof(*adapter->requests));
	adapter->slots = port_alloc(bytes, MEM_LINEAR, MEM_SRB, adapter);
	adapter->slots_bytes = bytes;
	if (!adapter->requests || !adapter->slots)
		return error_set(ENOMEM,
			"%s: no memory for %u requests with %u bytes of SRB extension each; give "
			"the machine more (--ram).",
			adapter->name, count, adapter->limits.extension_bytes);
	if (adapter->dma && port_lists_new(adapter, &adapter->lists, false))
		return -ENOMEM;
	adapter->slots_at = mem_physical(adapter->slots);
	if (adapter->dma) {
		uint64_t at = dma_pin(
			adapter->dma, adapter->slots, adapter->slots_bytes, "SRB extensions", 0);

		if (at == MEM_NO_ADDRESS)
			return -ENOMEM;
		if (at != adapter->slots_at)
			adapter->slots_at = MEM_NO_ADDRESS;
	}
	if (adapter->slots_at != MEM_NO_ADDRESS) {
		adapter->slots_behind = adapter->slots_at - (uintptr_t)adapter->slots;
		adapter->extension_seen = adapter->limits.extension_bytes;
	}
	adapter->slot_count = count;
	for (unsigned n = count; n-- > 0;)
		slot_init(adapter, n);
	return 0;
}

static void adapter_clear(struct port_adapter *adapter, const struct port_model *model,
	const char *name, struct dma_adapter *dma, const struct port_limits *limits)
{
	memset(adapter, 0, sizeof(*adapter));
	adapter->model = model;
	adapter->name = name;
	adapter->dma = adapter->maps = dma;
	adapter->limits = *limits;
	adapter->srb_length_at = limits->extended_srb
					 ? offsetof(STORAGE_REQUEST_BLOCK, DataTransferLength)
					 : offsetof(SCSI_REQUEST_BLOCK, DataTransferLength);
	if (!limits->max_outstanding)
		adapter->limits.max_outstanding = PORT_SLOTS;
	adapter->closed = PORT_STOPPED;
	port_gate_init(adapter);
	port_unit_init(&adapter->self, adapter);
	for (unsigned n = 0; n < cpu_count(); n++) {
		struct port_done *done = &adapter->done[n];

		done->tail = &done->head;
		done->dpc.fn = port_done_drain;
		done->dpc.ctx = done;
		done->dpc.cpu = (uint16_t)n;
	}
}

int port_adapter_init(struct port_adapter *adapter, const struct port_model *model,
	const char *name, struct dma_adapter *dma, const struct port_limits *limits)
{
	int err;

	adapter_clear(adapter, model, name, dma, limits);
	/* all the slots together do not pass its limit */
	adapter->is_split = cpu_inner_locks && !limits->pull &&
			    adapter->limits.max_outstanding >= PORT_SLOTS - 1;
	err = slots_new(adapter, PORT_SLOTS);
	port_page_settle(adapter);
	if (!err && limits->asks_sense)
		err = port_senses_new(adapter);
	if (!err)
		err = port_recover_start(adapter);
	if (err)
		port_adapter_fini(adapter);
	return err;
}

int port_polled_init(struct port_adapter *adapter, const struct port_model *model, const char *name,
	const struct port_limits *limits)
{
	adapter_clear(adapter, model, name, NULL, limits);
	return slots_new(adapter, 1);
}

void port_polled_fini(struct port_adapter *adapter)
{
	port_units_free(adapter);
	if (adapter->slots)
		mem_free(adapter->slots, adapter->slots_bytes);
	port_now_forget(adapter);
	free(adapter->requests);
}

void port_adapter_number(struct port_adapter *adapter, unsigned number)
{
	adapter->number = number;
	adapter->last_id = number * PORT_IDS;
}

void port_adapter_no_lists(struct port_adapter *adapter)
{
	adapter->maps = NULL;
	port_page_settle(adapter);
}

void port_adapter_open(struct port_adapter *adapter)
{
	port_page_settle(adapter);
	atomic_fetch_and(&adapter->closed, ~(uint32_t)PORT_STOPPED);
	trace(TRACE_PORT_OPEN, adapter->number, ~0ull, PORT_STOPPED);
}

int port_adapter_close(struct port_adapter *adapter, unsigned seconds)
{
	uint64_t end = cpu_clock() + seconds * 1000000000ull;
	uint8_t irql;

	if (!(atomic_fetch_or(&adapter->closed, PORT_STOPPED) & PORT_STOPPED))
		trace(TRACE_PORT_CLOSE, adapter->number, ~0ull, PORT_STOPPED);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (uint32_t n = 0; n < adapter->unit_count; n++)
		port_unit_drain(adapter->units[n]);
	port_unit_drain(&adapter->self);
	cpu_irql_lower(irql);
	while (port_adapter_outstanding(adapter)) {
		if (cpu_clock() >= end)
			return -ETIMEDOUT;
		cpu_thread_park(1000000);
	}
	port_recover_stop(adapter); /* it may be about to reset for one that has just come back */
	return 0;
}

void port_adapter_give_up(struct port_adapter *adapter)
{
	unsigned count = 0;

	/* Who comes second waits for what the first lets fail. */
	if (atomic_exchange(&adapter->is_given_up, true))
		return;
	port_recover_stop(adapter);
	port_adapter_close(adapter, 0);
	adapter->model->stop(adapter);
	for (unsigned n = 0; n < PORT_SLOTS; n++)
		count += port_request_abandon(&adapter->requests[n]);
	cpu_dpc_flush();
	if (count && !adapter->is_excused)
		nt_violation(0, "%s: %u requests never came back.", adapter->name, count);
}

void port_adapter_fini(struct port_adapter *adapter)
{
	port_recover_stop(adapter);
	cpu_timer_cancel(&adapter->pause);
	cpu_dpc_flush(); /* the pump's and the last completions' */
	if (adapter->front)
		adapter->front_end(adapter);
	port_units_free(adapter);
	if (adapter->slots && adapter->dma)
		dma_unpin(adapter->dma, adapter->slots, adapter->slots_bytes);
	if (adapter->slots)
		mem_free(adapter->slots, adapter->slots_bytes);
	port_data_in_disable(adapter);
	free(adapter->senses);
	adapter->senses = NULL;
	port_lists_free(&adapter->lists);
	port_now_forget(adapter);
	free(adapter->requests);
	adapter->slots = NULL;
	adapter->slots_bytes = adapter->slot_count = adapter->extension_seen = 0;
	adapter->requests = NULL;
	adapter->free = NULL;
}

struct port_request *port_request_get(struct port_adapter *adapter)
{
	struct port_request *request;

	cpu_inner_acquire(&adapter->lock);
	request = adapter->free;
	if (request)
		adapter->free = request->next;
	cpu_inner_release(&adapter->lock);
	if (request)
		port_request_renew(request);
	return request;
}

void port_request_put(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;

	port_request_rest(request);
	cpu_inner_acquire(&adapter->lock);
	request->next = adapter->free;
	adapter->free = request;
	cpu_inner_release(&adapter->lock);
}

struct port_request *port_request_of_extension(const struct port_adapter *adapter, const void *va)
{
	uint32_t offset;
	struct port_request *request = port_slot_of(adapter, va, &offset);

	if (!request || offset < PORT_EXTENSION_AT ||
		offset - PORT_EXTENSION_AT >= adapter->limits.extension_bytes)
		return NULL;
	return request;
}

struct port_request *port_request_in_flight(const struct port_adapter *adapter)
{
	struct port_request *oldest = NULL;

	if (!adapter->requests)
		return NULL;
	for (unsigned n = 0; n < port_slot_count(adapter); n++) {
		struct port_request *request = &adapter->requests[n];

		if (atomic_load(&request->state) == PORT_REQUEST_STARTED &&
			(!oldest || request->id < oldest->id))
			oldest = request;
	}
	return oldest;
}
