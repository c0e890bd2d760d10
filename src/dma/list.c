/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Lists for who asks: the port's requests (dma_map, station 3 of 7) and drivers (Build, Get). What
 * is checked and in which order stands here; the elements come from sglist.c. callback.c runs a
 * driver's routine; list_put.c takes the list back; live.c knows which are out. Nothing here
 * allocates but Get (SGL-1).
 */
#include "dma/dma_private.h"
#include "dma/live.h"
#include "dma/callback.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <inttypes.h>

#define LIST_TAG  0x4c474d44u /* 'DMGL' */
#define MDL_PAGES (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL | MDL_IO_SPACE)

/* What a driver asks for. */
struct order {
	PMDL mdl;
	void *current_va;
	uint32_t length;
	bool write_to_device;
	struct dma_callee callee;
};

/* ---- the checks, in the order of X-2 ---- */

static __attribute__((cold, noinline)) NTSTATUS bad_start(
	const struct dma_adapter *adapter, PMDL mdl, const void *current_va, uint32_t length)
{
	if (!length)
		nt_violation(DMA_RULE(DMA_RULE_ZERO_LENGTH),
			"DMA adapter %u: a list of length 0 was asked for (X-4)", adapter->number);
	else if (!mdl)
		nt_violation(0, "DMA adapter %u: a list was asked for without an MDL (X-9)",
			adapter->number);
	else
		nt_violation(DMA_RULE(DMA_RULE_BAD_BUFFER),
			"DMA adapter %u: the current address %p lies %s the first MDL's %u bytes "
			"at %p (X-6)",
			adapter->number, current_va,
			(uintptr_t)current_va < (uintptr_t)MmGetMdlVirtualAddress(mdl) ? "before"
										       : "after",
			(unsigned)mdl->ByteCount, MmGetMdlVirtualAddress(mdl));
	return STATUS_INVALID_PARAMETER;
}

static __attribute__((cold, noinline)) NTSTATUS not_covered(
	const struct dma_adapter *adapter, uint32_t length, uint64_t short_by)
{
	nt_violation(DMA_RULE(DMA_RULE_NOT_COVERED),
		"DMA adapter %u: the MDL chain ends %" PRIu64 " bytes before the length %u (SZ-9)",
		adapter->number, short_by, length);
	return STATUS_BUFFER_TOO_SMALL;
}

/* Where the transfer starts and how many map registers it takes: MR-1, X-8. */
static inline NTSTATUS measure(const struct dma_adapter *adapter, PMDL mdl, const void *current_va,
	uint32_t length, struct dma_sg_cursor *at, uint64_t *registers)
{
	uint64_t short_by;

	*registers = 0;
	if (unlikely(!mdl || !length || !dma_sg_start(at, mdl, current_va, length)))
		return bad_start(adapter, mdl, current_va, length);
	if (likely(length <= mdl->ByteCount - at->offset)) {
		uint64_t in_page = (mdl->ByteOffset + at->offset) & MEM_PAGE_MASK;

		*registers = (in_page + length + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
		return STATUS_SUCCESS;
	}
	*registers = dma_sg_registers(at, &short_by);
	return short_by ? not_covered(adapter, length, short_by) : STATUS_SUCCESS;
}

/* An MDL that was made and never built has frame numbers that mean nothing. */
static inline NTSTATUS check_pages(const struct dma_adapter *adapter, PMDL mdl, uint64_t length)
{
	for (; mdl && length; mdl = mdl->Next) {
		if (unlikely(!(mdl->MdlFlags & MDL_PAGES) && mdl->ByteCount)) {
			nt_violation(DMA_RULE(DMA_RULE_NOT_LOCKED),
				"DMA adapter %u: the pages of the MDL at %p are not known: it is "
				"neither locked "
				"nor built (flags 0x%x)",
				adapter->number, (void *)mdl, (unsigned short)mdl->MdlFlags);
			return STATUS_INVALID_PARAMETER;
		}
		length -= min_of(length, mdl->ByteCount);
	}
	return STATUS_SUCCESS;
}

/* SZ-1, SZ-4, SZ-5. */
static inline uint64_t list_bytes(const struct dma_adapter *adapter, uint64_t registers)
{
	uint64_t elements = adapter->limits.scatter_gather ? registers : 1;

	return offsetof(SCATTER_GATHER_LIST, Elements) + elements * sizeof(SCATTER_GATHER_ELEMENT);
}

/* ---- filling ---- */

static __attribute__((cold, noinline)) void unreachable(
	struct dma_adapter *adapter, const struct dma_sg_cursor *at)
{
	uint64_t page = (at->mdl->ByteOffset + at->offset) >> MEM_PAGE_SHIFT;

	if (!atomic_exchange(&adapter->unreachable_told, true))
		nt_violation(0,
			"DMA adapter %u drives %u address bits and cannot reach page frame "
			"0x%" PRIx64 "; the direct engine has nothing to bounce with (D-14)",
			adapter->number, adapter->limits.width,
			(uint64_t)MmGetMdlPfnArray(at->mdl)[page]);
}

static inline NTSTATUS fill(struct dma_adapter *adapter, struct dma_sg_cursor *at,
	PSCATTER_GATHER_LIST list, uint32_t room)
{
	enum dma_sg_result result;
	uint32_t count;

	/* SGL-6. */
	if (unlikely(!adapter->limits.scatter_gather))
		room = min_of(room, 1u);
	result = dma_sglist_build(at, &adapter->reach, list->Elements, room, &count);
	list->NumberOfElements = count;
	list->Reserved = 0;
	if (likely(result == DMA_SG_DONE))
		return STATUS_SUCCESS;
	if (result == DMA_SG_UNREACHABLE)
		unreachable(adapter, at);
	return STATUS_INSUFFICIENT_RESOURCES;
}

static inline void count_size(struct dma_counts *counts, uint32_t elements)
{
	unsigned size = elements > 1 ? 32 - (unsigned)__builtin_clz(elements - 1) : 0;

	dma_count(&counts->sizes[min_of(size, DMA_COUNT_SIZES - 1u)]);
}

/* ---- the port's ---- */

NTSTATUS dma_map(struct dma_adapter *adapter, PMDL mdl, void *current_va, uint32_t length,
	bool write_to_device, PSCATTER_GATHER_LIST list, uint32_t max_elements)
{
	struct dma_sg_cursor at;
	uint64_t registers;
	NTSTATUS status = measure(adapter, mdl, current_va, length, &at, &registers);

	if (likely(!status))
		status = check_pages(adapter, mdl, at.offset + length);
	if (unlikely(status))
		return status;
	/* MR-2, X-10: above the limit at once. */
	if (unlikely(registers > adapter->map_registers))
		return STATUS_INSUFFICIENT_RESOURCES;
	status = fill(adapter, &at, list, max_elements);
	if (likely(!status)) {
		struct dma_counts *counts = dma_counts_here(adapter);

		dma_count(&counts->mapped);
		count_size(counts, list->NumberOfElements);
	}
	return status;
}

void dma_unmap(struct dma_adapter *adapter, PSCATTER_GATHER_LIST list, bool write_to_device)
{
	dma_count(&dma_counts_here(adapter)->unmapped);
}

/* ---- a driver's ---- */

NTSTATUS dma_list_size(struct dma_adapter *adapter, PMDL mdl, void *current_va, uint32_t length,
	uint32_t *bytes, uint32_t *registers)
{
	uint64_t in_page = (uintptr_t)current_va & MEM_PAGE_MASK;
	uint64_t pages = (in_page + length + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
	struct dma_sg_cursor at;
	NTSTATUS status = STATUS_SUCCESS;

	if (mdl || !length)
		status = measure(adapter, mdl, current_va, length, &at, &pages);
	if (status)
		return status;
	if (pages > adapter->map_registers)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (bytes)
		*bytes = (uint32_t)list_bytes(adapter, pages);
	if (registers)
		*registers = (uint32_t)pages;
	return STATUS_SUCCESS;
}

static NTSTATUS order_check(const struct dma_adapter *adapter, const struct order *order,
	struct dma_sg_cursor *at, uint64_t *registers)
{
	NTSTATUS status;

	if (unlikely(!order->callee.routine)) {
		nt_violation(0,
			"DMA adapter %u: a list was asked for without a routine to give it to "
			"(X-9)",
			adapter->number);
		return STATUS_INVALID_PARAMETER;
	}
	status = measure(adapter, order->mdl, order->current_va, order->length, at, registers);
	return status ? status : check_pages(adapter, order->mdl, at->offset + order->length);
}

/* Fills the list, makes it live and sees to it that the routine gets it. */
static NTSTATUS build(struct dma_adapter *adapter, const struct order *order,
	struct dma_sg_cursor *at, PSCATTER_GATHER_LIST list, uint64_t registers, bool from_pool)
{
	struct dma_counts *counts = dma_counts_here(adapter);
	bool exists;
	struct dma_live *live = dma_live_claim(adapter->live, list, &exists);
	NTSTATUS status;

	if (unlikely(exists)) {
		nt_violation(0,
			"DMA adapter %u: a list is built at %p, where one is that was not put "
			"(SG-10)",
			adapter->number, (void *)list);
		return STATUS_INVALID_PARAMETER;
	}
	if (unlikely(!live))
		return STATUS_INSUFFICIENT_RESOURCES;
	status = fill(adapter, at, list, (uint32_t)registers);
	if (unlikely(status)) {
		dma_live_abandon(adapter->live, live);
		return status;
	}
	live->mdl = order->mdl;
	live->bytes = order->length;
	live->elements = list->NumberOfElements;
	live->write_to_device = order->write_to_device;
	live->from_pool = from_pool;
	live->mdl_given = false;
	dma_count(&counts->built);
	count_size(counts, live->elements);
	trace(TRACE_SG_BUILD, adapter->number, live->elements, order->length, STATUS_SUCCESS);
	dma_callback_start(adapter->live, live, &order->callee);
	return STATUS_SUCCESS;
}

static inline NTSTATUS answer(
	const struct dma_adapter *adapter, const struct order *order, NTSTATUS status)
{
	if (unlikely(status))
		trace(TRACE_SG_BUILD, adapter->number, 0, order->length, (uint32_t)status);
	return status;
}

NTSTATUS dma_build(struct dma_adapter *adapter, PMDL mdl, void *current_va, uint32_t length,
	dma_list_routine *routine, void *device_object, void *irp, void *context,
	bool write_to_device, PSCATTER_GATHER_LIST list, uint32_t bytes)
{
	const struct order order = {
		mdl, current_va, length, write_to_device, {routine, device_object, irp, context}};
	struct dma_sg_cursor at;
	uint64_t registers;
	NTSTATUS status;

	if (unlikely(!list || (uintptr_t)list % _Alignof(SCATTER_GATHER_LIST))) {
		nt_violation(0, "DMA adapter %u: no list can stand at %p (X-9)", adapter->number,
			(void *)list);
		return answer(adapter, &order, STATUS_INVALID_PARAMETER);
	}
	status = order_check(adapter, &order, &at, &registers);
	if (likely(!status) && unlikely(bytes < list_bytes(adapter, registers)))
		status = STATUS_BUFFER_TOO_SMALL;
	if (likely(!status) && unlikely(registers > adapter->map_registers))
		status = STATUS_INSUFFICIENT_RESOURCES;
	if (likely(!status))
		status = build(adapter, &order, &at, list, registers, false);
	return answer(adapter, &order, status);
}

NTSTATUS dma_get(struct dma_adapter *adapter, PMDL mdl, void *current_va, uint32_t length,
	dma_list_routine *routine, void *device_object, void *irp, void *context,
	bool write_to_device)
{
	const struct order order = {
		mdl, current_va, length, write_to_device, {routine, device_object, irp, context}};
	struct dma_sg_cursor at;
	uint64_t registers;
	PSCATTER_GATHER_LIST list;
	NTSTATUS status = order_check(adapter, &order, &at, &registers);

	if (status)
		return answer(adapter, &order, status);
	/* SGL-2: more registers than the adapter has, or no memory for the list. */
	if (registers > adapter->map_registers)
		return answer(adapter, &order, STATUS_INSUFFICIENT_RESOURCES);
	list = nt_pool_alloc(list_bytes(adapter, registers), LIST_TAG, adapter->owner, false);
	if (!list)
		return answer(adapter, &order, STATUS_INSUFFICIENT_RESOURCES);
	status = build(adapter, &order, &at, list, registers, true);
	if (status)
		nt_pool_free(list);
	return answer(adapter, &order, status);
}
