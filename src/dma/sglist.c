/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 3 of 7: MDL → scatter/gather list. Before: src/port/queue.c (2), through dma_map in
 * list.c. After: src/storport/start.c (4).
 *
 * The walk takes one MDL after the other and, inside each, one run of consecutive frames after the
 * other. Whole pages that no limit touches become elements in emit_runs(); all else goes through
 * append(), which is the definition of the rules.
 */
#include "dma/sglist.h"
#include "mem/mem.h"

/* An MDL chain belongs to a driver: a circle of empty MDLs must not hold us for ever. */
#define EMPTY_MDLS_MAX 65536

void dma_sg_begin(struct dma_sg_builder *builder, const struct dma_sg_limits *limits,
	PSCATTER_GATHER_ELEMENT out, uint32_t room)
{
	struct dma_sg_rule *rule = &builder->rule;

	rule->max_address = limits->max_address;
	rule->frames = (limits->max_address >> MEM_PAGE_SHIFT) +
		       ((limits->max_address & MEM_PAGE_MASK) == MEM_PAGE_MASK);
	rule->align_mask = limits->alignment ? limits->alignment - 1ull : 0;
	rule->max_length =
		(limits->max_length ? limits->max_length : UINT32_MAX) & ~rule->align_mask;
	rule->boundary_mask = limits->boundary ? ~(limits->boundary - 1) : 0;
	builder->out = out;
	builder->room = room;
	builder->count = 0;
	builder->end = 0;
}

/* The bytes that an element which starts at this address may have. */
static inline uint64_t element_reach(const struct dma_sg_rule *rule, uint64_t address)
{
	uint64_t to_boundary = ~rule->boundary_mask - (address & ~rule->boundary_mask);

	/* Compared without the + 1, which would overflow where there is no boundary. */
	return to_boundary < rule->max_length ? to_boundary + 1 : rule->max_length;
}

static inline void emit(struct dma_sg_builder *to, uint64_t address, uint64_t bytes)
{
	PSCATTER_GATHER_ELEMENT element = &to->out[to->count++];

	element->Address.QuadPart = (LONGLONG)address;
	element->Length = (ULONG)bytes;
	element->Reserved = 0;
	to->end = address + bytes;
}

/*
 * Describes as much of a contiguous run as the rules and the room allow; *done tells how much.
 * MR-4: what continues the element before is merged into it.
 */
static enum dma_sg_result append(struct dma_sg_builder *to, const struct dma_sg_rule *rule,
	uint64_t frame, uint64_t in_page, uint64_t bytes, uint64_t *done)
{
	uint64_t address = (frame << MEM_PAGE_SHIFT) + in_page, usable = bytes;

	*done = 0;
	/* The frame number first: what a driver wrote there may not fit into an address at all. */
	if (frame > rule->max_address >> MEM_PAGE_SHIFT || address > rule->max_address)
		return DMA_SG_UNREACHABLE;
	if (rule->max_address - address < bytes - 1)
		usable = rule->max_address - address + 1;
	if (to->end && to->end == address) {
		PSCATTER_GATHER_ELEMENT last = &to->out[to->count - 1];
		uint64_t reach = element_reach(rule, (uint64_t)last->Address.QuadPart);

		*done = min_of(reach - last->Length, usable);
		last->Length += (ULONG)*done;
		to->end += *done;
	}
	while (*done < usable) {
		uint64_t piece = element_reach(rule, address + *done);

		if ((((address + *done) | to->end) & rule->align_mask) || !piece)
			return DMA_SG_UNALIGNED;
		if (to->count == to->room)
			return DMA_SG_FULL;
		piece = min_of(piece, usable - *done);
		emit(to, address + *done, piece);
		*done += piece;
	}
	return usable < bytes ? DMA_SG_UNREACHABLE : DMA_SG_DONE;
}

/* Consecutive frames from pfn[0] on, at most `pages`. */
static inline uint64_t run_of(const PFN_NUMBER *pfn, uint64_t pages)
{
	PFN_NUMBER first = pfn[0];
	uint64_t run = 1;

	while (run < pages && pfn[run] == first + run)
		run++;
	return run;
}

/*
 * The short way for whole pages: each run becomes one new element, as long as no limit touches it.
 * Returns the pages described. What append() needs to know stays in registers here.
 */
static inline uint64_t emit_runs(struct dma_sg_builder *to, const struct dma_sg_rule *rule,
	const PFN_NUMBER *pfn, uint64_t pages)
{
	const uint64_t frames = rule->frames, max_length = rule->max_length;
	const uint64_t boundary_mask = rule->boundary_mask, align_mask = rule->align_mask;
	PSCATTER_GATHER_ELEMENT next = to->out + to->count, limit = to->out + to->room;
	uint64_t end = to->end, left = pages;

	while (left && next != limit) {
		uint64_t frame = *pfn, run = run_of(pfn, left), bytes = run << MEM_PAGE_SHIFT;
		uint64_t address = frame << MEM_PAGE_SHIFT, last = address + bytes - 1;

		if (unlikely(frame >= frames || run > frames - frame || bytes > max_length ||
			     (((address ^ last) & boundary_mask) | ((address | end) & align_mask))))
			break;
		next->Address.QuadPart = (LONGLONG)address;
		next->Length = (ULONG)bytes;
		next->Reserved = 0;
		next++;
		end = address + bytes;
		pfn += run;
		left -= run;
	}
	to->count = (uint32_t)(next - to->out);
	to->end = end;
	return pages - left;
}

enum dma_sg_result dma_sg_add(struct dma_sg_builder *builder, const PFN_NUMBER *pfn,
	uint64_t in_page, uint64_t bytes, uint64_t *done)
{
	const struct dma_sg_rule *rule = &builder->rule;
	uint64_t left = bytes, run, piece, described;
	enum dma_sg_result result = DMA_SG_DONE;

	while (left && result == DMA_SG_DONE) {
		/* A page that continues the element before is append()'s. */
		if (likely(!in_page && *pfn << MEM_PAGE_SHIFT != builder->end)) {
			run = emit_runs(builder, rule, pfn, left >> MEM_PAGE_SHIFT);
			left -= run << MEM_PAGE_SHIFT;
			pfn += run;
			if (!left)
				break;
		}
		run = run_of(pfn, (in_page + left + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT);
		piece = min_of((run << MEM_PAGE_SHIFT) - in_page, left);
		result = append(builder, rule, *pfn, in_page, piece, &described);
		left -= described;
		pfn += run;
		in_page = 0;
	}
	*done = bytes - left;
	return result;
}

/* Describes `todo` bytes of the MDL that the cursor stands in, and moves the cursor. */
static inline enum dma_sg_result build_part(
	struct dma_sg_cursor *at, struct dma_sg_builder *builder, uint64_t todo)
{
	uint64_t position = at->mdl->ByteOffset + at->offset, done;
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(at->mdl) + (position >> MEM_PAGE_SHIFT);
	enum dma_sg_result result = dma_sg_add(builder, pfn, position & MEM_PAGE_MASK, todo, &done);

	at->offset += done;
	at->left -= done;
	return result;
}

static inline uint64_t mdl_remaining(const struct dma_sg_cursor *at)
{
	return at->offset < at->mdl->ByteCount ? at->mdl->ByteCount - at->offset : 0;
}

/* Steps to the next MDL that has bytes; false, and no step, if there is none. */
static bool mdl_next(struct dma_sg_cursor *at)
{
	PMDL mdl = at->mdl->Next;

	for (unsigned n = 0; mdl && n < EMPTY_MDLS_MAX; n++, mdl = mdl->Next) {
		if (!mdl->ByteCount)
			continue;
		at->mdl = mdl;
		at->offset = 0;
		return true;
	}
	return false;
}

bool dma_sg_start(struct dma_sg_cursor *cursor, PMDL mdl, const void *current_va, uint64_t length)
{
	/* SG-5: an index into the MDL. Below its start the difference wraps to a large number. */
	cursor->offset = (uintptr_t)current_va - ((uintptr_t)mdl->StartVa + mdl->ByteOffset);
	cursor->mdl = mdl;
	cursor->left = length;
	return cursor->offset < mdl->ByteCount;
}

enum dma_sg_result dma_sglist_build(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count)
{
	struct dma_sg_cursor at = *cursor;
	struct dma_sg_builder builder;
	enum dma_sg_result result = DMA_SG_DONE;

	dma_sg_begin(&builder, limits, out, room);
	while (at.left && result == DMA_SG_DONE) {
		uint64_t here = mdl_remaining(&at);

		if (here)
			result = build_part(&at, &builder, min_of(here, at.left));
		else if (!mdl_next(&at))
			result = DMA_SG_END;
	}
	*cursor = at;
	*count = builder.count;
	return result;
}

uint64_t dma_sg_registers(const struct dma_sg_cursor *cursor, uint64_t *short_by)
{
	struct dma_sg_cursor at = *cursor;
	uint64_t pages = 0;

	while (at.left) {
		uint64_t part = min_of(mdl_remaining(&at), at.left);
		uint64_t in_page = (at.mdl->ByteOffset + at.offset) & MEM_PAGE_MASK;

		if (part)
			pages += (in_page + part + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
		at.offset += part;
		at.left -= part;
		if (at.left && !mdl_next(&at))
			break;
	}
	*short_by = at.left;
	return pages;
}
