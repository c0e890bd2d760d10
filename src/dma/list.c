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
#include "dma/mapping.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <inttypes.h>

#define LIST_TAG       0x4c474d44u /* 'DMGL' */
#define CHAIN_MDLS_MAX 65536u
#define MDL_PAGES      (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL | MDL_IO_SPACE)

/* ---- the checks, in the order of X-2 ---- */

static __attribute__((cold, noinline)) NTSTATUS bad_start(
	const struct dma_adapter *adapter, PMDL mdl, const void *current_va, uint32_t length)
{
	if (!length && !dma_settings.zero_length)
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

/* Where the transfer starts and how many map registers it takes: MR-1, X-8; chains count (SGL-4).
 */
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

/* Whether there are frame numbers for all that it spans, as far as the 16 bits of Size tell. */
static inline bool has_room(const MDL *mdl)
{
	uint64_t pages =
		((uint64_t)mdl->ByteOffset + mdl->ByteCount + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
	uint64_t bytes = sizeof(*mdl) + pages * sizeof(PFN_NUMBER);

	return (uint16_t)mdl->Size >= bytes || bytes > UINT16_MAX;
}

static __attribute__((cold, noinline)) NTSTATUS bad_pages(
	const struct dma_adapter *adapter, const MDL *mdl)
{
	if (mdl->MdlFlags & MDL_PAGES)
		nt_violation(DMA_RULE(DMA_RULE_NOT_LOCKED),
			"DMA adapter %u: the MDL at %p has %u bytes for its frame numbers, fewer "
			"than the %u bytes from offset %u on that it is said to describe",
			adapter->number, (const void *)mdl,
			(uint16_t)mdl->Size - min_of((unsigned)sizeof(*mdl), (uint16_t)mdl->Size),
			(unsigned)mdl->ByteCount, (unsigned)mdl->ByteOffset);
	else
		nt_violation(DMA_RULE(DMA_RULE_NOT_LOCKED),
			"DMA adapter %u: the pages of the MDL at %p are not known: it is neither "
			"locked nor built (flags 0x%x)",
			adapter->number, (const void *)mdl, (unsigned short)mdl->MdlFlags);
	return STATUS_INVALID_PARAMETER;
}

/* An MDL that was made and never built has frame numbers that mean nothing. The walk ends, as that
 * of dma_sg_registers does, where nobody has that many registers: the chain may be a circle. */
static inline NTSTATUS check_pages(const struct dma_adapter *adapter, PMDL mdl, uint64_t length)
{
	unsigned left = DMA_SG_REGISTERS_MAX;

	for (; mdl && length && left; mdl = mdl->Next) {
		if (unlikely((!(mdl->MdlFlags & MDL_PAGES) || !has_room(mdl)) && mdl->ByteCount))
			return bad_pages(adapter, mdl);
		length -= min_of(length, mdl->ByteCount);
		left -= mdl->ByteCount != 0;
	}
	return STATUS_SUCCESS;
}

NTSTATUS dma_pages_check(const struct dma_adapter *adapter, PMDL mdl, uint64_t length)
{
	return check_pages(adapter, mdl, length);
}

/* SZ-2, SZ-3: list_overhead is the data of its own that an operating system keeps in the buffer. */
uint64_t dma_list_bytes(uint64_t elements)
{
	return offsetof(SCATTER_GATHER_LIST, Elements) + dma_settings.list_overhead +
	       elements * sizeof(SCATTER_GATHER_ELEMENT);
}

/* SZ-4. */
static inline uint64_t list_bytes(const struct dma_adapter *adapter, uint64_t registers)
{
	return dma_list_bytes(adapter->limits.scatter_gather ? registers : 1);
}

/* ---- filling ---- */

__attribute__((cold, noinline)) void dma_unreachable(
	struct dma_adapter *adapter, const struct dma_sg_cursor *at)
{
	uint64_t page = (at->mdl->ByteOffset + at->offset) >> MEM_PAGE_SHIFT;

	if (!atomic_exchange(&adapter->unreachable_told, true))
		nt_violation(0,
			"DMA adapter %u drives %u address bits and cannot reach page frame "
			"0x%" PRIx64 "; %s (D-14)",
			adapter->number, adapter->limits.width,
			(uint64_t)MmGetMdlPfnArray(at->mdl)[page],
			dma_settings.engine == DMA_DIRECT
				? "the direct engine has nothing to bounce with"
				: "it is no memory of the machine that could be bounced");
}

static inline NTSTATUS fill(struct dma_adapter *adapter, struct dma_mapping *mapping,
	const struct dma_order *order, struct dma_sg_cursor *at, const char *what,
	PSCATTER_GATHER_LIST list, uint32_t room)
{
	const struct dma_birth birth = {
		.what = what, .id = order->id, .site = order->site, .bytes = order->length};
	enum dma_sg_result result;
	uint32_t count;

	result = dma_mapping_fill(
		adapter, mapping, at, order->whole, &birth, list->Elements, room, &count);
	list->NumberOfElements = count;
	list->Reserved = 0;
	if (likely(result == DMA_SG_DONE))
		return STATUS_SUCCESS;
	if (result == DMA_SG_UNREACHABLE)
		dma_unreachable(adapter, at);
	dma_mapping_undo(mapping);
	return STATUS_INSUFFICIENT_RESOURCES;
}

static inline void count_size(const struct cpu *cpu, struct dma_counts *counts, uint32_t elements)
{
	unsigned size = elements > 1 ? 32 - (unsigned)__builtin_clz(elements - 1) : 0;

	dma_count_by(cpu, &counts->sizes[min_of(size, DMA_COUNT_SIZES - 1u)]);
}

/* ---- the port's ---- */

static inline NTSTATUS mapped(struct dma_adapter *adapter, uint32_t elements)
{
	const struct cpu *cpu = cpu_self;

	count_size(cpu, dma_counts_of(adapter, cpu), elements);
	return STATUS_SUCCESS;
}

NTSTATUS dma_map(struct dma_adapter *adapter, struct dma_mapping *mapping,
	const struct dma_order *order, PSCATTER_GATHER_LIST list, uint32_t max_elements,
	struct dma_waiter *waiter)
{
	struct dma_run run = mapping->run; /* what it has waited for, if it has */
	struct dma_sg_cursor at;
	uint64_t registers;
	NTSTATUS status =
		measure(adapter, order->mdl, order->current_va, order->length, &at, &registers);

	if (likely(!status))
		status = check_pages(adapter, order->mdl, at.offset + order->length);
	/* Where no registers are taken there is no iommu, and nothing is bounced. */
	if (likely(!status && !adapter->takes_registers && registers <= adapter->map_registers &&
		    dma_sg_one(&at, &adapter->reach, list->Elements, max_elements))) {
		dma_mapping_begin(mapping, run, order->write_to_device);
		list->NumberOfElements = 1;
		list->Reserved = 0;
		return mapped(adapter, 1);
	}
	if (likely(!status && !run.count))
		status = dma_registers_take(
			adapter, (uint32_t)min_of(registers, UINT32_MAX), waiter, &run);
	if (unlikely(status == STATUS_PENDING))
		return status;
	dma_mapping_begin(mapping, run, order->write_to_device);
	if (likely(!status))
		status = fill(adapter, mapping, order, &at, "request", list, max_elements);
	if (likely(!status))
		return mapped(adapter, list->NumberOfElements);
	dma_run_give(run);
	mapping->run = (struct dma_run){0};
	return status;
}

void dma_unmap_registers(struct dma_mapping *mapping)
{
	dma_mapping_end(mapping);
	dma_run_give(mapping->run);
	mapping->run = (struct dma_run){0};
}

/* ---- a driver's ---- */

/* SZ-7, SZ-8: pages, with a tolerance of less than one past the end of the chain; false: too small.
 */
static bool measure_as_hal(PMDL mdl, const void *current_va, uint64_t length, uint64_t *pages)
{
	uint64_t offset = (uintptr_t)current_va - (uintptr_t)MmGetMdlVirtualAddress(mdl);
	uint64_t in_page = (uintptr_t)current_va & MEM_PAGE_MASK, part, total;
	unsigned mdls = CHAIN_MDLS_MAX;

	*pages = 0;
	part = mdl->ByteCount - min_of(offset, mdl->ByteCount);
	/* A circle of empty MDLs has no end. */
	for (total = part; total < length && mdl->Next && mdls--; total += part) {
		*pages += (in_page + part + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
		mdl = mdl->Next;
		in_page = mdl->ByteOffset;
		part = mdl->ByteCount;
	}
	if (total + MEM_PAGE_SIZE < length + in_page)
		return false;
	*pages += (in_page + length + part - total + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
	return true;
}

NTSTATUS dma_list_need(const struct dma_adapter *adapter, PMDL mdl, const void *current_va,
	uint32_t length, uint64_t *bytes, uint64_t *registers)
{
	uint64_t in_page = (uintptr_t)current_va & MEM_PAGE_MASK;
	uint64_t pages = (in_page + length + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
	struct dma_sg_cursor at;
	NTSTATUS status = STATUS_SUCCESS;

	if (mdl && dma_settings.hal_compatible)
		status = measure_as_hal(mdl, current_va, length, &pages) ? STATUS_SUCCESS
									 : STATUS_BUFFER_TOO_SMALL;
	else if ((mdl || !length) && !(dma_settings.zero_length && !length))
		status = measure(adapter, mdl, current_va, length, &at, &pages);
	*bytes = list_bytes(adapter, pages);
	*registers = pages;
	return status;
}

NTSTATUS dma_list_size(struct dma_adapter *adapter, PMDL mdl, void *current_va, uint32_t length,
	uint32_t *bytes, uint32_t *registers)
{
	uint64_t needed, pages;
	NTSTATUS status = dma_list_need(adapter, mdl, current_va, length, &needed, &pages);

	if (status)
		return status;
	if (pages > adapter->map_registers)
		return STATUS_INSUFFICIENT_RESOURCES;
	if (bytes)
		*bytes = (uint32_t)needed;
	if (registers)
		*registers = (uint32_t)pages;
	return STATUS_SUCCESS;
}

static NTSTATUS order_check(const struct dma_adapter *adapter, const struct dma_order *order,
	const struct dma_callee *callee, struct dma_sg_cursor *at, uint64_t *registers)
{
	NTSTATUS status;

	if (unlikely(!callee->routine && !order->synchronous)) {
		nt_violation(0,
			"DMA adapter %u: a list was asked for without a routine to give it to "
			"(X-9)",
			adapter->number);
		return STATUS_INVALID_PARAMETER;
	}
	if (unlikely(!order->length && order->mdl && dma_settings.zero_length)) {
		*at = (struct dma_sg_cursor){.mdl = order->mdl};
		*registers = 0;
		return STATUS_SUCCESS;
	}
	status = measure(adapter, order->mdl, order->current_va, order->length, at, registers);
	return status ? status : check_pages(adapter, order->mdl, at->offset + order->length);
}

/* The list is there: the routine may have it. */
static void list_done(struct dma_adapter *adapter, struct dma_live *live)
{
	PSCATTER_GATHER_LIST list = atomic_load_explicit(&live->list, memory_order_relaxed);
	const struct cpu *cpu = cpu_self;
	struct dma_counts *counts = dma_counts_of(adapter, cpu);

	live->elements = list->NumberOfElements;
	dma_count_by(cpu, &counts->built);
	count_size(cpu, counts, live->elements);
	trace(TRACE_SG_BUILD, adapter->number, live->elements, live->bytes, STATUS_SUCCESS);
}

static NTSTATUS list_fill(
	struct dma_adapter *adapter, struct dma_live *live, struct dma_sg_cursor *at)
{
	const struct dma_order order = {
		.mdl = live->mdl, .length = live->bytes, .site = live->site};

	return fill(adapter, &live->mapping, &order, at,
		live->from_pool ? "list of GetScatterGatherList" : "list of Build",
		atomic_load_explicit(&live->list, memory_order_relaxed), live->room);
}

/* X-10, SGL-3: its turn for registers has come. Nothing can fail any more: pages_known has seen to
 * it. */
static void list_granted(struct dma_waiter *waiter)
{
	struct dma_live *live = container_of(waiter, struct dma_live, waiter);
	struct dma_adapter *adapter = live->adapter;
	struct dma_sg_cursor at = {live->mdl, live->offset, live->bytes};
	uint8_t pending = DMA_LIVE_PENDING;
	struct dma_callee callee;
	PSCATTER_GATHER_LIST list;

	dma_mapping_begin(&live->mapping, waiter->run, live->write_to_device);
	live->holds_registers = true;
	/* Who cancels from here on comes too late, so the list's memory stays while it is filled.
	 */
	if (!atomic_compare_exchange_strong(&live->phase, &pending, DMA_LIVE_FILLING)) {
		dma_list_dropped(live);
		return;
	}
	if (dma_settings.engine != DMA_DIRECT && list_fill(adapter, live, &at)) {
		nt_violation(0,
			"DMA adapter %u: the pages of a list changed while it waited for "
			"map registers",
			adapter->number);
		atomic_store(&live->phase, DMA_LIVE_CALLED);
		return;
	}
	list_done(adapter, live);
	/* Copied: the routine may put the list, and then the record is somebody else's. */
	callee = live->callee;
	list = atomic_load_explicit(&live->list, memory_order_relaxed);
	atomic_store(&live->phase, DMA_LIVE_CALLED);
	callee.routine(callee.device_object, callee.irp, list, callee.context);
}

/* Whether what may have to be copied can be: so that a list which waits cannot fail afterwards. An
 * iommu copies only for devices that take one element, and then all pages, as bounce does. */
static bool pages_known(const struct dma_adapter *adapter, struct dma_sg_cursor at)
{
	uint64_t highest = adapter->reach.max_address;
	bool scatters = adapter->limits.scatter_gather;

	if (dma_settings.engine == DMA_IOMMU && scatters)
		return true;
	while (at.left) {
		uint64_t position = at.mdl->ByteOffset + at.offset;
		uint64_t in_page = position & MEM_PAGE_MASK, part = MEM_PAGE_SIZE - in_page;
		const struct mem_frame *memory;
		PFN_NUMBER frame;
		bool is_reached;

		if (at.offset >= at.mdl->ByteCount) {
			at.mdl = at.mdl->Next;
			at.offset = 0;
			continue;
		}
		part = min_of(part, min_of(at.mdl->ByteCount - at.offset, at.left));
		frame = MmGetMdlPfnArray(at.mdl)[position >> MEM_PAGE_SHIFT];
		memory = mem_frame_get(frame);
		is_reached = frame <= highest >> MEM_PAGE_SHIFT &&
			     (frame << MEM_PAGE_SHIFT) + in_page + part - 1 <= highest;
		if (!(scatters && is_reached) && (!memory->host || memory->kind == MEM_FREE))
			return false;
		at.offset += part;
		at.left -= part;
	}
	return true;
}

/* Registers, then the list; or a place in the queue for them. */
static NTSTATUS list_make(struct dma_adapter *adapter, struct dma_live *live,
	struct dma_sg_cursor *at, uint64_t registers, bool may_wait)
{
	bool fills_first = dma_settings.engine == DMA_DIRECT;
	NTSTATUS status = STATUS_SUCCESS;
	struct dma_run run;

	dma_mapping_begin(&live->mapping, (struct dma_run){0}, live->write_to_device);
	/* A register of the direct engine leads nowhere: what may fail does so before the wait. */
	if (likely(fills_first))
		status = list_fill(adapter, live, at);
	if (likely(!status))
		status = dma_registers_take(adapter, (uint32_t)registers,
			may_wait && (fills_first || pages_known(adapter, *at)) ? &live->waiter
									       : NULL,
			&run);
	if (unlikely(status))
		return status;
	live->mapping.run = run;
	live->holds_registers = run.count != 0;
	if (unlikely(!fills_first))
		status = list_fill(adapter, live, at);
	if (unlikely(status))
		dma_run_give(run);
	return status;
}

/* Fills the list, makes it live and sees to it that the routine gets it. */
static NTSTATUS build(struct dma_adapter *adapter, const struct dma_order *order,
	const struct dma_callee *callee, struct dma_sg_cursor *at, PSCATTER_GATHER_LIST list,
	uint32_t room, uint64_t registers, bool from_pool)
{
	bool exists;
	struct dma_live *live = nt_allocation_fails()
					? (exists = false, NULL)
					: dma_live_claim(adapter->live, list, &exists);
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
	live->adapter = adapter;
	live->mdl = order->mdl;
	live->original = order->head ? order->head : order->mdl;
	atomic_store_explicit(&live->transfer, order->transfer, memory_order_relaxed);
	live->waits = false;
	live->offset = at->offset;
	live->bytes = order->length;
	live->room = room;
	atomic_store_explicit(&live->site, order->site, memory_order_relaxed);
	atomic_store_explicit(&live->put_site, 0, memory_order_relaxed);
	live->write_to_device = order->write_to_device;
	live->from_pool = from_pool;
	live->mdl_given = false;
	live->bounce_mdl = NULL;
	live->holds_registers = false;
	live->callee = *callee;
	live->waiter.granted = list_granted;
	atomic_store_explicit(&live->phase, DMA_LIVE_PENDING, memory_order_relaxed);
	status = list_make(adapter, live, at, registers,
		!order->synchronous && (!dma_settings.no_queue || from_pool));
	/* Who cancels finds the record, and that it is not live yet. */
	if (unlikely(order->transfer != NULL) && status >= 0)
		atomic_store(&order->transfer->record, live);
	if (unlikely(status == STATUS_PENDING)) {
		live->waits = true;
		dma_live_publish(adapter->live, live);
		return STATUS_SUCCESS;
	}
	if (unlikely(status)) {
		dma_live_abandon(adapter->live, live);
		return status;
	}
	list_done(adapter, live);
	if (likely(!order->synchronous)) {
		dma_callback_start(adapter->live, live, callee);
		return STATUS_SUCCESS;
	}
	if (order->out)
		*order->out = list;
	dma_callback_now(adapter->live, live, callee);
	return STATUS_SUCCESS;
}

static inline NTSTATUS answer(
	const struct dma_adapter *adapter, const struct dma_order *order, NTSTATUS status)
{
	if (unlikely(status))
		trace(TRACE_SG_BUILD, adapter->number, 0, order->length, (uint32_t)status);
	return status;
}

/* The elements that fit into a buffer; 0: it is too small for this transfer (SZ-5). */
static inline uint32_t room_of(
	const struct dma_adapter *adapter, uint64_t registers, uint32_t bytes)
{
	uint64_t needed = list_bytes(adapter, registers);
	uint64_t header = offsetof(SCATTER_GATHER_LIST, Elements) + dma_settings.list_overhead;

	if (likely(bytes >= needed))
		return (uint32_t)max_of(registers, 1);
	if (!dma_settings.lenient_size || dma_settings.engine != DMA_DIRECT || bytes < header)
		return 0;
	return (uint32_t)((bytes - header) / sizeof(SCATTER_GATHER_ELEMENT));
}

NTSTATUS dma_build(struct dma_adapter *adapter, const struct dma_order *order,
	const struct dma_callee *callee, PSCATTER_GATHER_LIST list, uint32_t bytes)
{
	struct dma_sg_cursor at;
	uint64_t registers;
	uint32_t room = 0;
	NTSTATUS status;

	if (unlikely(!list || (uintptr_t)list % _Alignof(SCATTER_GATHER_LIST))) {
		nt_violation(0, "DMA adapter %u: no list can stand at %p (X-9)", adapter->number,
			(void *)list);
		return answer(adapter, order, STATUS_INVALID_PARAMETER);
	}
	status = order_check(adapter, order, callee, &at, &registers);
	if (likely(!status)) {
		room = room_of(adapter, registers, bytes);
		if (unlikely(!room))
			status = STATUS_BUFFER_TOO_SMALL;
	}
	if (likely(!status) && unlikely(registers > adapter->map_registers))
		status = STATUS_INSUFFICIENT_RESOURCES;
	if (likely(!status))
		status = build(adapter, order, callee, &at, list, room, registers, false);
	/* Only a lenient size can turn out too small as late as this. */
	if (unlikely(status == STATUS_INSUFFICIENT_RESOURCES && room && room < registers))
		status = STATUS_BUFFER_TOO_SMALL;
	return answer(adapter, order, status);
}

NTSTATUS dma_get(
	struct dma_adapter *adapter, const struct dma_order *order, const struct dma_callee *callee)
{
	struct dma_sg_cursor at;
	uint64_t registers;
	PSCATTER_GATHER_LIST list;
	NTSTATUS status = order_check(adapter, order, callee, &at, &registers);

	if (status)
		return answer(adapter, order, status);
	/* SGL-2: more registers than the adapter has, or no memory for the list. */
	if (registers > adapter->map_registers)
		return answer(adapter, order, STATUS_INSUFFICIENT_RESOURCES);
	list = nt_pool_alloc(list_bytes(adapter, registers), LIST_TAG, adapter->owner, false);
	if (!list)
		return answer(adapter, order, STATUS_INSUFFICIENT_RESOURCES);
	status = build(
		adapter, order, callee, &at, list, (uint32_t)max_of(registers, 1), registers, true);
	if (status)
		nt_pool_free(list);
	return answer(adapter, order, status);
}
