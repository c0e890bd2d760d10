/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Stations 1 to 4 of 7 in one piece (page.h), for who has a request's record filled in. */
#include "port/page.h"

#include <string.h>

static enum port_pages pages_of(const struct port_adapter *adapter)
{
	if (!cpu_inner_locks)
		return PORT_PAGES_ALONE;
	/* A replayed run is the same with a trace and without. */
	return adapter->is_split && !replay_is_on ? PORT_PAGES_AMONG : PORT_PAGES_NONE;
}

/* Addresses end with a page: then a page whose first byte is reached is. */
static bool has_whole_pages(const struct dma_adapter *maps)
{
	return !((maps->reach.max_address + 1) & MEM_PAGE_MASK);
}

void port_page_settle(struct port_adapter *adapter)
{
	const struct port_limits *limits = &adapter->limits;

	adapter->takes_pages = !limits->pull && adapter->maps && !adapter->maps->takes_registers &&
					       has_whole_pages(adapter->maps) &&
					       adapter->lists.care == PORT_LISTS_FILLED
				       ? pages_of(adapter)
				       : PORT_PAGES_NONE;
	if (adapter->takes_pages == PORT_PAGES_ALONE)
		atomic_fetch_and(&adapter->detour, ~(uint32_t)PORT_NO_PAGES);
	else
		atomic_fetch_or(&adapter->detour, PORT_NO_PAGES);
	adapter->ordinary = (struct port_start){0};
	if (adapter->model->settle)
		adapter->model->settle(adapter);
	adapter->shown =
		limits->map_buffers == STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE ? UINTPTR_MAX : 0;
}

__attribute__((cold, noinline)) void port_page_irql(
	struct port_adapter *adapter, const char *callback)
{
	port_hba_irql_check(container_of(adapter, struct port_hba, port), callback, IRQL_DISPATCH);
}

static inline struct port_page page_of(const struct port_request *request)
{
	struct port_page page = {.at = request->data_at,
		.data = request->data,
		.bytes = request->length,
		.flags = request->flags,
		.timeout = request->timeout,
		.cdb_length = request->cdb_length};

	memcpy(page.cdb, request->cdb, sizeof(page.cdb));
	return page;
}

void port_page_prepare(struct port_request *request)
{
	struct port_page page = page_of(request);

	page.data = (void *)((uintptr_t)page.data & request->adapter->shown);
	page_prepare(
		request, request->srb, request->unit, page, request->adapter->limits.extended_srb);
}

void port_page_start_other(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;

	port_page_prepare(request);
	atomic_store_explicit(&request->state, PORT_REQUEST_STARTED, memory_order_release);
	if (adapter->ordinary.build)
		port_start_ordinary(cpu_self, adapter, request, request->srb, cpu_inner_locks);
	else
		adapter->model->start(adapter, request);
}

void port_page_submit(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	struct port_unit *unit = request->unit;

	if (unlikely(request->length > adapter->limits.max_transfer || !port_is_alone(adapter) ||
		     !port_page_may_start(adapter, unit, false) ||
		     !port_page_has_list(adapter->maps, request->list, request->data_at))) {
		atomic_store_explicit(&request->state, PORT_REQUEST_HELD, memory_order_relaxed);
		port_request_submit(request);
		return;
	}
	port_page_start(cpu_self, request, request->srb, request->list, adapter, adapter->maps,
		unit, page_of(request), false);
}
