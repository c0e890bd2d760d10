/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the engines do with the pages of a transfer: see mapping.h. Three ways:
 *
 *	plain       the device gets the frames themselves (direct; bounce, where all is reachable)
 *	translated  page by page: a register's page for those that need one, the frame itself for
 *	            the others (bounce); a register's bus address for all (iommu)
 *	packed      copied as a whole into one run, contiguous for device and processor: devices
 *	            without scatter/gather (SGL-6), buffers that the miniport may see
 */
#include "dma/mapping.h"
#include "dma/dma_private.h"
#include "dma/iommu_unit.h"
#include "mem/mem.h"
#include "nt/nt.h"

#include <inttypes.h>
#include <string.h>

#define PIECE_MAX 65536u

/* One call of dma_mapping_fill. */
struct work {
	struct dma_adapter *adapter;
	struct dma_mapping *mapping;
	uint32_t head;	    /* the slot with the birth */
	uint64_t access;    /* bits of the windows */
	uint64_t bus_frame; /* what the device is given for the mapping's first register */
	struct dma_sg_builder builder;
};

/* No clock is read for a copy: it costs as much as a quarter of a page. */
static inline uint64_t time_now(void)
{
	return dma_settings.engine == DMA_IOMMU ? cpu_clock() : DMA_NO_TIME;
}

static inline uint32_t slots_left(const struct dma_mapping *mapping)
{
	return mapping->run.count - mapping->used;
}

static void work_begin(struct work *work, struct dma_adapter *adapter, struct dma_mapping *mapping,
	const struct dma_birth *birth)
{
	unsigned domain = atomic_load_explicit(&adapter->domain, memory_order_relaxed);
	uint32_t head = mapping->run.first;

	work->adapter = adapter;
	work->mapping = mapping;
	work->head = head;
	work->access = DMA_WINDOW_LIVE |
		       (mapping->write_to_device ? DMA_WINDOW_READ : DMA_WINDOW_WRITE) |
		       (uint64_t)domain << DMA_WINDOW_DOMAIN | (uint64_t)head << DMA_WINDOW_HEAD;
	work->bus_frame = dma_settings.engine == DMA_IOMMU
				  ? dma_slot_address(domain, head) >> MEM_PAGE_SHIFT
				  : mem_frame_number(dma_bounce_base) + head;
	if (mapping->used)
		return;
	dma_births[head] = *birth;
	dma_births[head].born = time_now();
	dma_births[head].died = 0;
	dma_births[head].adapter = (uint8_t)adapter->number;
	dma_births[head].write_to_device = mapping->write_to_device;
}

/* The device may use the windows of so many slots, those from `first` on anew. */
static inline void used_set(const struct work *work, uint32_t first, uint32_t used)
{
	if (unlikely(dma_units))
		dma_units_open(first, work->head + used - first);
	work->mapping->used = used;
	atomic_store_explicit(&dma_slots[work->head].pages, used, memory_order_release);
}

static inline PFN_NUMBER register_frame(const struct work *work, uint32_t slot)
{
	return work->bus_frame + (slot - work->mapping->run.first);
}

static inline void window_open(const struct work *work, struct dma_slot *slot, uint64_t first,
	uint64_t bytes, uint64_t bounced)
{
	atomic_store_explicit(&slot->window,
		work->access | bounced | first << DMA_WINDOW_FIRST |
			(first + bytes - 1) << DMA_WINDOW_LAST,
		memory_order_release);
}

static inline void window_shut(struct dma_slot *slot)
{
	atomic_store_explicit(&slot->window, 0, memory_order_relaxed);
}

/* The slot stands for this memory now: who sees it with a look at the window before and after sees
 * no window of another's. */
static inline void source_set(struct dma_slot *slot, char *source)
{
	window_shut(slot);
	__atomic_store_n(&slot->source, source, __ATOMIC_RELEASE);
}

/* The size is hidden from the compiler: where it sees that it is at most a page it takes a string
 * instruction, and the C library's memcpy is faster than that. */
static inline void copy(char *to, const char *from, uint64_t bytes)
{
	__asm__("" : "+r"(bytes));
	memcpy(to, from, bytes);
}

/* Copies between the buffer and its copies, as far as these slots have any: pages that are
 * neighbours for the processor, as those of most buffers are, in one piece. The C library copies a
 * mebibyte at once more slowly than by and by. */
static void slots_copy(const struct dma_slot *slot, const struct dma_slot *end, bool in)
{
	while (slot < end) {
		char *source = slot->source, *target = slot->target;
		uint64_t bytes = slot->bytes;

		slot++;
		if (!target)
			continue;
		for (; slot < end && bytes < PIECE_MAX && slot->source == source + bytes &&
			slot->target == target + bytes;
			slot++)
			bytes += slot->bytes;
		copy(in ? target : source, in ? source : target, bytes);
	}
}

/* ---- translated ---- */

static inline bool reaches(const struct dma_adapter *adapter, uint64_t frame, uint64_t last_byte)
{
	uint64_t highest = adapter->reach.max_address;

	return frame <= highest >> MEM_PAGE_SHIFT &&
	       (frame << MEM_PAGE_SHIFT) + last_byte <= highest;
}

/* NULL: no memory, or memory that nobody owns, as a driver's MDL may name. */
static inline char *host_of(PFN_NUMBER number)
{
	const struct mem_frame *frame = mem_frame_get(number);

	return likely(frame->kind != MEM_FREE) ? frame->host : NULL;
}

/* The same for memory that data are copied to, which a driver's code and constants are not. */
static inline char *host_copied(PFN_NUMBER number, bool write_to_device)
{
	return likely(write_to_device || mem_frame_get(number)->kind != MEM_CODE) ? host_of(number)
										  : NULL;
}

/* Whether what comes next continues the last register's part of the same page: MapTransfer in
 * pieces. */
static bool continues(const struct dma_mapping *mapping, const char *source, uint64_t in_page)
{
	const struct dma_slot *last;

	if (!mapping->used || !in_page || !source)
		return false;
	last = &dma_slots[mapping->run.first + mapping->used - 1];
	return last->source && last->source + last->bytes == source;
}

/* Puts into dma_shown what the device is to be given for each page from this slot on. False: a
 * page that it cannot reach is no memory of the machine either. */
static bool translate(const struct work *work, uint32_t slot, const PFN_NUMBER *pfn,
	uint64_t in_page, uint64_t bytes)
{
	bool bounces = dma_settings.engine == DMA_BOUNCE;
	bool out = work->mapping->write_to_device;

	for (uint64_t left = in_page + bytes; left; slot++, pfn++) {
		uint64_t end = min_of(left, MEM_PAGE_SIZE);

		if (bounces && reaches(work->adapter, *pfn, end - 1))
			dma_shown[slot] = *pfn;
		else if (!bounces || host_copied(*pfn, out))
			dma_shown[slot] = register_frame(work, slot);
		else
			return false;
		left -= end;
	}
	return true;
}

/* One page's part: its slot leads to it, or to the copy. */
static inline void page_program(const struct work *work, uint32_t slot, PFN_NUMBER frame,
	uint64_t in_page, uint64_t bytes, bool goes_on)
{
	struct dma_slot *at = &dma_slots[slot];
	char *source = host_of(frame);
	bool is_copied = dma_settings.engine == DMA_BOUNCE && dma_shown[slot] != frame;
	uint64_t first = goes_on ? in_page - at->bytes : in_page;

	if (!goes_on) {
		source_set(at, source ? source + in_page : NULL);
		at->bytes = 0;
		at->target = NULL;
	}
	at->bytes += (uint32_t)bytes;
	if (dma_settings.engine == DMA_BOUNCE && !is_copied) {
		window_shut(at); /* the device gets the page itself */
		return;
	}
	if (is_copied) {
		char *page = dma_bounce_base + ((uint64_t)slot << MEM_PAGE_SHIFT);

		at->target = page + first;
		work->mapping->is_copied = true;
		if (work->mapping->write_to_device)
			copy(page + in_page, source + in_page, bytes);
	}
	if (likely(source))
		window_open(work, at, first, in_page + bytes - first,
			is_copied ? DMA_WINDOW_BOUNCED : 0);
}

/* Describes and programs one MDL's part of the transfer, `bytes` long at most. */
static enum dma_sg_result translated_part(
	struct work *work, const PFN_NUMBER *pfn, uint64_t in_page, uint64_t bytes, uint64_t *done)
{
	struct dma_mapping *mapping = work->mapping;
	const char *source = host_of(*pfn);
	bool goes_on = continues(mapping, source ? source + in_page : NULL, in_page);
	uint32_t slot = mapping->run.first + mapping->used - goes_on, at = slot;
	uint64_t room = ((uint64_t)(slots_left(mapping) + goes_on) << MEM_PAGE_SHIFT) - in_page;
	uint64_t todo = min_of(bytes, room), left;
	enum dma_sg_result result = DMA_SG_DONE;

	*done = 0;
	if (!(slots_left(mapping) + goes_on))
		return DMA_SG_FULL;
	if (!translate(work, slot, pfn, in_page, todo))
		return DMA_SG_UNREACHABLE;
	result = dma_sg_add(&work->builder, &dma_shown[slot], in_page, todo, done);
	for (left = *done; left; at++, pfn++, in_page = 0, goes_on = false) {
		uint64_t here = min_of(left, MEM_PAGE_SIZE - in_page);

		page_program(work, at, *pfn, in_page, here, goes_on);
		left -= here;
	}
	used_set(work, slot, max_of(at, mapping->run.first + mapping->used) - mapping->run.first);
	return result == DMA_SG_DONE && todo < bytes ? DMA_SG_FULL : result;
}

static inline uint64_t part_of(
	const struct dma_sg_cursor *at, const PFN_NUMBER **pfn, uint64_t *in_page)
{
	uint64_t position = at->mdl->ByteOffset + at->offset;

	*pfn = MmGetMdlPfnArray(at->mdl) + (position >> MEM_PAGE_SHIFT);
	*in_page = position & MEM_PAGE_MASK;
	return at->offset < at->mdl->ByteCount ? min_of(at->mdl->ByteCount - at->offset, at->left)
					       : 0;
}

static inline void cursor_step(struct dma_sg_cursor *at, uint64_t bytes)
{
	at->offset += bytes;
	at->left -= bytes;
}

/* The caller has checked that the chain covers it. */
static inline void cursor_next(struct dma_sg_cursor *at)
{
	at->mdl = at->mdl->Next;
	at->offset = 0;
}

static enum dma_sg_result fill_translated(struct work *work, struct dma_sg_cursor *cursor)
{
	enum dma_sg_result result = DMA_SG_DONE;
	const PFN_NUMBER *pfn;
	uint64_t in_page, done;

	while (cursor->left && result == DMA_SG_DONE) {
		uint64_t bytes = part_of(cursor, &pfn, &in_page);

		if (!bytes) {
			if (!cursor->mdl->Next)
				return DMA_SG_END;
			cursor_next(cursor);
			continue;
		}
		result = translated_part(work, pfn, in_page, bytes, &done);
		cursor_step(cursor, done);
	}
	return result;
}

/* ---- packed ---- */

/* Records the pages that are copied, in order, from this slot on. The slot behind them; NULL: one
 * is no memory that the data may come from or go to. */
static inline struct dma_slot *packed_record(
	struct dma_slot *slot, struct dma_sg_cursor *cursor, char *target, bool out)
{
	const PFN_NUMBER *pfn;
	uint64_t in_page;

	while (cursor->left) {
		uint64_t bytes = part_of(cursor, &pfn, &in_page);

		if (!bytes) {
			cursor_next(cursor);
			continue;
		}
		cursor_step(cursor, bytes);
		for (; bytes; slot++, pfn++, in_page = 0) {
			uint64_t here = min_of(bytes, MEM_PAGE_SIZE - in_page);
			char *source = host_copied(*pfn, out);

			if (unlikely(!source))
				return NULL;
			source_set(slot, source + in_page);
			slot->target = target;
			slot->bytes = (uint32_t)here;
			target += here;
			bytes -= here;
		}
	}
	return slot;
}

/* Consecutive bus addresses from this slot's on: one element, where no limit splits it. */
static enum dma_sg_result describe_stretch(
	struct work *work, uint32_t slot, uint64_t in_page, uint64_t bytes)
{
	const struct dma_sg_limits *limits = &work->adapter->reach;
	struct dma_sg_builder *builder = &work->builder;
	uint64_t done;

	if (likely(!limits->max_length && !limits->boundary && !limits->alignment &&
		    !builder->count && builder->room)) {
		builder->out[0] = (SCATTER_GATHER_ELEMENT){
			.Address.QuadPart =
				(LONGLONG)((register_frame(work, slot) << MEM_PAGE_SHIFT) +
					   in_page),
			.Length = (ULONG)bytes};
		builder->count = 1;
		return DMA_SG_DONE;
	}
	for (uint64_t n = 0; n << MEM_PAGE_SHIFT < in_page + bytes; n++)
		dma_shown[slot + n] = register_frame(work, slot + (uint32_t)n);
	return dma_sg_add(builder, &dma_shown[slot], in_page, bytes, &done);
}

/* The whole rest as one stretch behind what is used, with the byte offset of its start. */
static enum dma_sg_result fill_packed(struct work *work, struct dma_sg_cursor *cursor)
{
	struct dma_mapping *mapping = work->mapping;
	uint64_t in_page, bytes = cursor->left, short_by;
	uint32_t first = mapping->run.first + mapping->used;
	struct dma_slot *slot = &dma_slots[first], *end;
	enum dma_sg_result result;
	const PFN_NUMBER *pfn;
	char *target;

	if (dma_sg_registers(cursor, &short_by) > slots_left(mapping) || short_by)
		return DMA_SG_FULL;
	part_of(cursor, &pfn, &in_page);
	target = dma_bounce_base + ((uint64_t)first << MEM_PAGE_SHIFT) + in_page;
	result = describe_stretch(work, first, in_page, bytes);
	if (result != DMA_SG_DONE)
		return result;
	end = packed_record(slot, cursor, target, mapping->write_to_device);
	if (!end)
		return DMA_SG_UNREACHABLE;
	/* A chain may have more pieces of pages than their copies fill pages. */
	for (uint64_t left = in_page + bytes, here; slot < end; slot++, in_page = 0, left -= here) {
		here = min_of(left, MEM_PAGE_SIZE);
		if (likely(here))
			window_open(work, slot, in_page, here - in_page, DMA_WINDOW_BOUNCED);
		else
			window_shut(slot);
	}
	if (mapping->write_to_device)
		slots_copy(&dma_slots[first], end, true);
	mapping->va = mapping->used ? NULL : target;
	mapping->is_copied = true;
	used_set(work, first, (uint32_t)(end - dma_slots) - mapping->run.first);
	return DMA_SG_DONE;
}

/* ---- which way ---- */

/* Whether the device does not reach all of what stands at the cursor. Of a list that is full
 * already: if the whole is to be copied, it is one element after all. */
static __attribute__((cold, noinline)) bool is_short(
	const struct dma_adapter *adapter, struct dma_sg_cursor cursor)
{
	SCATTER_GATHER_ELEMENT element;
	enum dma_sg_result result;
	uint32_t count;

	do
		result = dma_sglist_build(&cursor, &adapter->reach, &element, 1, &count);
	while (result == DMA_SG_FULL);
	return result == DMA_SG_UNREACHABLE;
}

/* Nothing need be tried: the first page has to be copied, whatever the others are. */
static inline bool starts_beyond(const struct dma_adapter *adapter,
	const struct dma_mapping *mapping, const struct dma_sg_cursor *cursor)
{
	const PFN_NUMBER *pfn;
	uint64_t in_page;

	return unlikely(dma_settings.engine == DMA_BOUNCE && mapping->run.count) &&
	       part_of(cursor, &pfn, &in_page) && !reaches(adapter, *pfn, in_page);
}

enum dma_sg_result dma_mapping_fill(struct dma_adapter *adapter, struct dma_mapping *mapping,
	struct dma_sg_cursor *cursor, bool whole, const struct dma_birth *birth,
	PSCATTER_GATHER_ELEMENT out, uint32_t room, uint32_t *count)
{
	bool scatters = adapter->limits.scatter_gather;
	struct dma_sg_cursor start = *cursor;
	enum dma_sg_result result;
	struct work work;

	/* SGL-6. */
	room = scatters ? room : min_of(room, 1u);
	if (likely(dma_settings.engine != DMA_IOMMU) && !starts_beyond(adapter, mapping, cursor)) {
		result = dma_sglist_build(cursor, &adapter->reach, out, room, count);
		if (likely(result == DMA_SG_DONE) || dma_settings.engine == DMA_DIRECT ||
			!mapping->run.count ||
			(scatters && result != DMA_SG_UNREACHABLE &&
				!(whole && is_short(adapter, *cursor))))
			return result;
		*cursor = start;
	}
	*count = 0;
	work_begin(&work, adapter, mapping, birth);
	dma_sg_begin(&work.builder, &adapter->reach, out, room);
	if (dma_settings.engine == DMA_IOMMU || (scatters && !whole)) {
		bool is_first = !mapping->used;

		result = fill_translated(&work, cursor);
		*count = work.builder.count;
		if (result == DMA_SG_DONE || scatters || !is_first)
			return result;
		/* More than one stretch of addresses, and a device that takes one. */
		dma_mapping_undo(mapping);
		*cursor = start;
		work_begin(&work, adapter, mapping, birth);
		dma_sg_begin(&work.builder, &adapter->reach, out, room);
	}
	result = fill_packed(&work, cursor);
	*count = result == DMA_SG_DONE ? work.builder.count : 0;
	return result;
}

/* Nothing of it leads anywhere any more, but where a unit has to be told. */
static inline void windows_die(const struct dma_mapping *mapping)
{
	atomic_store_explicit(&dma_slots[mapping->run.first].pages, 0, memory_order_release);
	dma_births[mapping->run.first].died = time_now();
}

bool dma_waits_for_units(void)
{
	return dma_units;
}

uint32_t dma_shut(struct dma_mapping *mapping)
{
	if (mapping->is_shut || !mapping->used)
		return 0;
	windows_die(mapping);
	mapping->is_shut = true;
	return dma_units_shut(mapping->run.first, mapping->used);
}

void dma_shut_end(uint32_t units)
{
	dma_units_flush(units);
}

static inline void mapping_died(struct dma_mapping *mapping)
{
	if (likely(!mapping->is_shut))
		windows_die(mapping);
	if (unlikely(dma_units))
		dma_units_flush(dma_shut(mapping));
	mapping->used = 0;
	mapping->is_copied = false;
	mapping->is_shut = false;
	mapping->va = NULL;
}

void dma_mapping_end(struct dma_mapping *mapping)
{
	struct dma_slot *slot, *end;

	if (!mapping->is_copied || mapping->write_to_device) {
		dma_mapping_undo(mapping);
		return;
	}
	slot = &dma_slots[mapping->run.first];
	end = slot + mapping->used;
	mapping_died(mapping);
	slots_copy(slot, end, false);
}

void dma_mapping_back(struct dma_mapping *mapping, const struct dma_mapping *before)
{
	if (unlikely(dma_units) && mapping->used > before->used)
		dma_units_flush(dma_units_shut(
			before->run.first + before->used, mapping->used - before->used));
	*mapping = *before;
	dma_births[mapping->run.first].died = 0;
	atomic_store_explicit(
		&dma_slots[mapping->run.first].pages, before->used, memory_order_release);
}

void dma_mapping_undo(struct dma_mapping *mapping)
{
	if (unlikely(mapping->used))
		mapping_died(mapping);
}
