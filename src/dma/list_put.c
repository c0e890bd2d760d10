/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What happens to a driver's list after Build or Get (list.c): asked for its MDL, given back, or
 * left behind by an adapter that goes. A list is known by its address alone (live.c).
 */
#include "dma/dma_private.h"
#include "dma/live.h"
#include "dma/callback.h"
#include "dma/mapping.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <stdio.h>

static const struct dma_adapter *whose(const void *list)
{
	const struct dma_adapter *adapter;

	for (unsigned n = 0; (adapter = dma_adapter_at(n)); n++)
		if (atomic_load(&adapter->in_use) && dma_live_has(adapter->live, list))
			return adapter;
	return NULL;
}

static const char *place_of(const _Atomic uintptr_t *site)
{
	uintptr_t address = atomic_load_explicit(site, memory_order_relaxed);
	const char *place = address && nt_code_place ? nt_code_place(address) : NULL;

	return place ? place : "a place that is not known";
}

/* The life of a list that has been put. nt_code_place has one buffer. */
static const char *history_of(const struct dma_live *live, char *text, size_t size)
{
	int used =
		snprintf(text, size, "it has been put already, at %s", place_of(&live->put_site));

	if (used > 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used,
			"; it was asked for at %s, %u bytes in %u elements to %s",
			place_of(&live->site), live->bytes, live->elements,
			live->write_to_device ? "write to the device" : "read from the device");
	return text;
}

static inline void count_put(struct dma_adapter *adapter)
{
	const struct cpu *cpu = cpu_self;

	dma_count_by(cpu, &dma_counts_of(adapter, cpu)->put);
}

/* what is wrong with it is found out without looking at it. */
static __attribute__((cold, noinline)) NTSTATUS bad_list(
	const struct dma_adapter *adapter, const void *list, bool pending, const char *what)
{
	const struct dma_adapter *other = list ? whose(list) : NULL;
	const struct dma_live *had = dma_live_had(adapter->live, list);
	char history[512];
	const char *why;

	if (!list)
		why = "there is none";
	else if (pending)
		why = "its routine has not been called yet (SG-7, X-41)";
	else if (other && other != adapter)
		why = "it belongs to another adapter";
	else if (mem_owner(list)->kind == MEM_LIST)
		why = "it was made by the port and dies with its request (SG-25, SG-31)";
	else if (had)
		why = history_of(had, history, sizeof(history));
	else
		why = "no Build or Get made it";
	nt_violation(DMA_RULE(DMA_RULE_LIST_PUT), "DMA adapter %u: %s of the list at %p: %s",
		adapter->number, what, list, why);
	return STATUS_INVALID_PARAMETER;
}

/* Copies back what was bounced; the registers and the MDL over the copy go. */
static __attribute__((noinline)) void list_end(struct dma_live *live)
{
	dma_mapping_end(&live->mapping);
	dma_run_give(live->mapping.run);
	if (live->bounce_mdl)
		dma_bounce_mdl_free(live->bounce_mdl);
	live->bounce_mdl = NULL;
	live->holds_registers = false;
}

/* Whether it is live, or somebody has it and may give it back, which may happen between two looks.
 */
static bool is_there(const struct dma_live_table *table, const void *list)
{
	return dma_live_has(table, list) || dma_live_is_busy(table, list) ||
	       dma_live_has(table, list);
}

/* Who cancels the list at this moment comes too late, and gives it back. */
static __attribute__((cold, noinline)) struct dma_live *take_again(
	struct dma_adapter *adapter, PSCATTER_GATHER_LIST list, bool *pending)
{
	struct dma_live *live = NULL;

	while (list && !live && !*pending && is_there(adapter->live, list)) {
		cpu_relax();
		live = dma_live_take(adapter->live, list, pending);
	}
	return live;
}

NTSTATUS dma_put_from(struct dma_adapter *adapter, PSCATTER_GATHER_LIST list, bool write_to_device,
	uintptr_t site)
{
	bool pending, from_pool;
	struct dma_live *live = dma_live_take(adapter->live, list, &pending);

	if (unlikely(!live))
		live = take_again(adapter, list, &pending);
	if (unlikely(!live)) {
		trace(TRACE_SG_PUT, adapter->number, 0, 0, (uint32_t)STATUS_INVALID_PARAMETER);
		return bad_list(adapter, list, pending, "Put");
	}
	if (unlikely(live->write_to_device != write_to_device))
		nt_violation(0,
			"DMA adapter %u: Put of the list at %p names the wrong direction; it was "
			"built %s (X-13)",
			adapter->number, (void *)list,
			live->write_to_device ? "to write to the device"
					      : "to read from the device");
	trace(TRACE_SG_PUT, adapter->number, live->elements, live->bytes, STATUS_SUCCESS);
	from_pool = live->from_pool;
	atomic_store_explicit(&live->put_site, site, memory_order_relaxed);
	if (unlikely(live->holds_registers))
		list_end(live);
	dma_live_release(adapter->live, live);
	count_put(adapter);
	if (from_pool)
		nt_pool_free(list);
	return STATUS_SUCCESS;
}

NTSTATUS dma_list_mdl(
	struct dma_adapter *adapter, PSCATTER_GATHER_LIST list, PMDL original, PMDL *target)
{
	NTSTATUS status = STATUS_SUCCESS;
	struct dma_live *live;
	bool pending;

	if (!original)
		return STATUS_INVALID_PARAMETER;
	live = dma_live_take(adapter->live, list, &pending);
	if (!live)
		live = take_again(adapter, list, &pending);
	if (!live)
		return bad_list(adapter, list, pending, "BuildMdlFromScatterGatherList");
	if (live->mdl_given) {
		status = STATUS_NONE_MAPPED;
	} else if (live->original != original) {
		nt_violation(0,
			"DMA adapter %u: BuildMdlFromScatterGatherList names the MDL %p, but the "
			"list was made of %p",
			adapter->number, (void *)original, (void *)live->original);
		status = STATUS_INVALID_PARAMETER;
	} else {
		*target = original; /* nothing is bounced: the list leads to the buffer itself */
		if (live->holds_registers && live->mapping.is_copied)
			*target = live->bounce_mdl = dma_bounce_mdl(
				&live->mapping, live->mdl, live->offset, live->bytes);
		live->mdl_given = *target != NULL;
		status = *target ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	}
	dma_live_publish(adapter->live, live);
	return status;
}

void dma_list_dropped(struct dma_live *live)
{
	/* Nothing was read, as far as the driver knows, whose buffer may be gone by now. */
	live->mapping.write_to_device = true;
	if (live->holds_registers)
		list_end(live);
	dma_live_release(live->adapter->live, live);
}

bool dma_list_cancel(struct dma_adapter *adapter, struct dma_live *live,
	struct dma_transfer *transfer, const void *device_object)
{
	PSCATTER_GATHER_LIST list;
	enum dma_dropped dropped;
	bool from_pool, waits;

	if (atomic_load(&live->phase) != DMA_LIVE_PENDING ||
		!dma_live_take_record(adapter->live, live))
		return false;
	list = atomic_load(&live->list);
	from_pool = live->from_pool;
	waits = live->waits;
	if (atomic_load(&live->transfer) != transfer ||
		live->callee.device_object != device_object) {
		dma_live_publish(adapter->live, live);
		return false;
	}
	/* The context is free for the next request even where the record is not yet. */
	atomic_store(&live->transfer, NULL);
	dropped = dma_callback_drop(live);
	if (dropped == DMA_DROP_CALLED) {
		atomic_store(&live->transfer, transfer);
		dma_live_publish(adapter->live, live);
		return false;
	}
	if (dropped == DMA_DROP_DONE)
		dma_list_dropped(live);
	trace(TRACE_SG_PUT, adapter->number, 0, 0, (uint32_t)STATUS_CANCELLED);
	if (!waits)
		count_put(adapter);
	if (from_pool)
		nt_pool_free(list);
	return true;
}

unsigned dma_lists_drop(struct dma_adapter *adapter)
{
	unsigned at = 0, dropped = 0;
	struct dma_live *live;

	for (; (live = dma_live_take_next(adapter->live, &at)); dropped++) {
		PSCATTER_GATHER_LIST list = atomic_load(&live->list);
		const char *place = live->site && nt_code_place ? nt_code_place(live->site) : NULL;
		bool from_pool = live->from_pool;

		if (place)
			nt_violation(DMA_RULE(DMA_RULE_LISTS_LEFT),
				"DMA adapter %u: the list at %p of %u bytes, asked for at %s, was "
				"never put",
				adapter->number, (void *)list, live->bytes, place);

		if (dma_callback_drop(live) != DMA_DROP_LATER)
			dma_list_dropped(live);
		if (from_pool)
			nt_pool_free(list);
	}
	return dropped;
}
