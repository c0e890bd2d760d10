/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Commands that move data both ways: what the device is sent is the request's own, what it sends
 * back has an MDL, a list and a mapping besides. The miniport finds it by SRBEX_DATA_BIDIRECTIONAL
 * and the GetDataInBuffer routines (SG-35), so only with STORAGE_REQUEST_BLOCK. No ordinary request
 * pays for it but with a look at a pointer. Neighbours: queue.c and complete.c, whose sides these
 * are.
 */
#include "port/list_life.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>

/* How often, and for how long at least, it tries to have map registers for both ways at once: each
 * completion of another request is an occasion. */
#define TRIES	    20
#define TRY_SECONDS 5

static int enable(struct port_adapter *adapter)
{
	struct port_data_in *in;
	int err = 0;

	if (!adapter->limits.extended_srb)
		return error_set(ENOTSUP,
			"%s: its miniport takes SCSI_REQUEST_BLOCK, which has no place for data in "
			"both directions.",
			adapter->name);
	if (adapter->data_in)
		return 0;
	if (atomic_load(&adapter->closed) & PORT_STOPPED)
		return error_set(ENODEV, "%s: it has gone.", adapter->name);
	in = calloc(PORT_SLOTS, sizeof(*in));
	if (!in)
		return error_set(
			ENOMEM, "%s: no memory for data in both directions.", adapter->name);
	if (adapter->dma)
		err = port_lists_new(adapter, &adapter->lists_in, true);
	if (err) {
		free(in);
		return err;
	}
	for (unsigned n = 0; n < PORT_SLOTS && adapter->dma; n++)
		in[n].list = port_list_at(&adapter->lists_in, n);
	adapter->data_in = in;
	return 0;
}

/* Who wants it first may meet another, and the adapter's end. */
static _Atomic bool is_changing;

static void change_begin(void)
{
	while (atomic_exchange_explicit(&is_changing, true, memory_order_acquire))
		cpu_thread_park(100000);
}

static void change_end(void)
{
	atomic_store_explicit(&is_changing, false, memory_order_release);
}

int port_data_in_enable(struct port_adapter *adapter)
{
	int err;

	change_begin();
	err = enable(adapter);
	change_end();
	return err;
}

void port_data_in_disable(struct port_adapter *adapter)
{
	change_begin();
	port_lists_free(&adapter->lists_in);
	free(adapter->data_in);
	adapter->data_in = NULL;
	change_end();
}

struct port_data_in *port_data_in_add(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	struct port_data_in *in;

	if (!adapter->data_in)
		return NULL;
	in = &adapter->data_in[request - adapter->requests];
	in->mdl = NULL;
	in->data = NULL;
	in->length = 0;
	in->transferred = 0;
	in->tries = 0;
	request->in = in;
	request->data_at = MEM_NO_ADDRESS;
	return in;
}

NTSTATUS port_data_in_map(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	struct port_data_in *in = request->in;
	struct dma_order order = {
		.mdl = in->mdl,
		.length = in->length,
		.whole = true,
		.id = request->id,
	};
	NTSTATUS status;

	in->own_data = in->data;
	if (in->length > adapter->limits.max_transfer || !in->mdl)
		return STATUS_INVALID_PARAMETER;
	if (!adapter->maps)
		return STATUS_SUCCESS;
	order.current_va = MmGetMdlVirtualAddress(in->mdl);
	port_list_open(&adapter->lists_in, in->list, &in->seal);
	status = dma_map(adapter->dma, &in->mapping, &order, in->list, adapter->limits.max_elements,
		&request->waiter);
	if (status) {
		port_list_close(&adapter->lists_in, in->list, NULL);
		return status;
	}
	in->mapped = true;
	if (in->mapping.va)
		in->data = in->mapping.va;
	port_list_seal(&adapter->lists_in, in->list, &in->seal, request->id);
	return STATUS_SUCCESS;
}

void port_data_in_unmap(struct port_request *request)
{
	struct port_adapter *adapter = request->adapter;
	struct port_data_in *in = request->in;

	if (in->mapped) {
		if (!in->is_closed)
			port_list_close(&adapter->lists_in, in->list, &in->seal);
		dma_unmap(adapter->dma, &in->mapping);
		in->data = in->own_data;
	} else if (in->mapping.run.count) { /* granted and never used */
		dma_run_give(in->mapping.run);
		in->mapping.run = (struct dma_run){0};
	}
	in->mapped = in->is_closed = false;
}

border_call void port_data_in_close(struct port_request *request)
{
	struct port_data_in *in = request->in;

	if (!in->mapped)
		return;
	port_list_close(&request->adapter->lists_in, in->list, &in->seal);
	in->is_closed = true;
}

static bool may_try_again(const struct port_adapter *adapter, struct port_data_in *in)
{
	uint32_t tick = atomic_load_explicit(&adapter->tick, memory_order_relaxed);

	if (!in->tries)
		in->tried_since = tick;
	else if (in->tries == TRIES && tick - in->tried_since >= TRY_SECONDS)
		return false;
	in->tries += in->tries < TRIES;
	return true;
}

/* Who holds map registers for one way never waits for those of the other: so no two requests can
 * wait for each other. */
NTSTATUS port_data_in_retry(struct port_request *request, NTSTATUS status)
{
	struct port_adapter *adapter = request->adapter;
	struct port_data_in *in = request->in;
	PMDL mdl = port_request_mdl(request);

	port_data_in_unmap(request);
	if (status != STATUS_INSUFFICIENT_RESOURCES || !adapter->dma->takes_registers ||
		!may_try_again(adapter, in) ||
		/* more than the adapter may ever have (MR-2) */
		dma_list_size(adapter->dma, mdl, MmGetMdlVirtualAddress(mdl), request->length, NULL,
			NULL))
		return status;
	if (!port_unit_again(request))
		port_request_fail(request, SRB_STATUS_NO_HBA);
	return STATUS_PENDING;
}
