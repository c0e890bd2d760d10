/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 3 of 7: MDL → scatter/gather list. Before: src/port/queue.c (2), through dma_map in
 * list.c. After: src/storport/start.c (4).
 *
 * Whole pages go to the functions of sglist_simd.h, as far as limits do not cut inside pages; all
 * else goes through append(), which is the definition of the rules.
 */
#include "dma/sglist_simd.h"

#include <stdatomic.h>

/* An MDL chain belongs to a driver: a circle of empty MDLs must not hold us for ever. */
#define EMPTY_MDLS_MAX 65536

static inline void begin(struct dma_sg_builder *builder, const struct dma_sg_limits *limits,
	PSCATTER_GATHER_ELEMENT out, uint32_t room)
{
	struct dma_sg_rule *rule = &builder->rule;

	rule->max_address = limits->max_address;
	rule->frames = (limits->max_address >> MEM_PAGE_SHIFT) +
		       ((limits->max_address & MEM_PAGE_MASK) == MEM_PAGE_MASK);
	rule->align_mask = limits->alignment ? limits->alignment - 1ull : 0;
	rule->max_length =
		(limits->max_length ? limits->max_length : UINT32_MAX) & ~rule->align_mask;
	/* all ones above the boundary's bit, and no bit without one */
	rule->boundary_mask = -limits->boundary;
	builder->out = out;
	builder->room = room;
	builder->count = 0;
	builder->end = 0;
}

void dma_sg_begin(struct dma_sg_builder *builder, const struct dma_sg_limits *limits,
	PSCATTER_GATHER_ELEMENT out, uint32_t room)
{
	begin(builder, limits, out, room);
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
 * MR-4, X-45: what continues the element before is merged into it. Where the width ends, a run is
 * cut; whether the rest can be had is the caller's to say.
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

/* ---- which instructions ---- */

static dma_sg_runs_fn runs_first;

static dma_sg_runs_fn *_Atomic sg_runs = runs_first;

enum dma_simd dma_sg_simd_select(enum dma_simd wanted)
{
	dma_sg_runs_fn *const runs[] = {
		NULL, dma_sg_runs_portable, dma_sg_runs_avx2, dma_sg_runs_avx512};

	if (wanted == DMA_SIMD_AUTO)
		wanted = DMA_SIMD_AVX512;
	if (wanted == DMA_SIMD_AVX512 &&
		!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
			__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")))
		wanted = DMA_SIMD_AVX2;
	if (wanted == DMA_SIMD_AVX2 &&
		!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")))
		wanted = DMA_SIMD_PORTABLE;
	atomic_store_explicit(&sg_runs, runs[wanted], memory_order_relaxed);
	return wanted;
}

static uint64_t runs_first(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages)
{
	dma_sg_simd_select(DMA_SIMD_AUTO);
	return atomic_load_explicit(&sg_runs, memory_order_relaxed)(to, pfn, pages);
}

/* ---- building ---- */

/* The pages that need no append(): the most frequent ones. */
static inline uint64_t whole_pages(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages)
{
	dma_sg_runs_fn *runs = atomic_load_explicit(&sg_runs, memory_order_relaxed);

	if (unlikely(!dma_sg_is_simple(to)))
		return 0;
	if (unlikely(pages < 2 || pages > min_of(to->rule.frames, DMA_SG_PAGES_MAX)))
		runs = dma_sg_runs_portable;
	return runs(to, pfn, pages);
}

/* *done bytes are described. */
static __attribute__((noinline)) enum dma_sg_result add_rest(struct dma_sg_builder *builder,
	const PFN_NUMBER *pfn, uint64_t in_page, uint64_t bytes, uint64_t *done)
{
	uint64_t left = bytes - *done, run, piece, described;
	enum dma_sg_result result = DMA_SG_DONE;

	pfn += *done >> MEM_PAGE_SHIFT;
	while (left && result == DMA_SG_DONE) {
		run = dma_sg_run_of(pfn, (in_page + left + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT);
		piece = min_of((run << MEM_PAGE_SHIFT) - in_page, left);
		result = append(builder, &builder->rule, *pfn, in_page, piece, &described);
		left -= described;
		pfn += run;
		in_page = 0;
		/* A page that continues the element before is append()'s. */
		if (left >= MEM_PAGE_SIZE && result == DMA_SG_DONE &&
			*pfn << MEM_PAGE_SHIFT != builder->end) {
			run = whole_pages(builder, pfn, left >> MEM_PAGE_SHIFT);
			left -= run << MEM_PAGE_SHIFT;
			pfn += run;
		}
	}
	*done = bytes - left;
	return result;
}

static inline enum dma_sg_result add(struct dma_sg_builder *builder, const PFN_NUMBER *pfn,
	uint64_t in_page, uint64_t bytes, uint64_t *done)
{
	*done = 0;
	if (likely(!in_page && bytes >= MEM_PAGE_SIZE && *pfn << MEM_PAGE_SHIFT != builder->end))
		*done = whole_pages(builder, pfn, bytes >> MEM_PAGE_SHIFT) << MEM_PAGE_SHIFT;
	return likely(*done == bytes) ? DMA_SG_DONE : add_rest(builder, pfn, in_page, bytes, done);
}

enum dma_sg_result dma_sg_add(struct dma_sg_builder *builder, const PFN_NUMBER *pfn,
	uint64_t in_page, uint64_t bytes, uint64_t *done)
{
	return add(builder, pfn, in_page, bytes, done);
}

/* ---- MDL chains ---- */

static inline uint64_t mdl_remaining(const struct dma_sg_cursor *at)
{
	return at->offset < at->mdl->ByteCount ? at->mdl->ByteCount - at->offset : 0;
}

/* Describes `todo` bytes of the MDL that the cursor stands in, and moves the cursor. */
static inline enum dma_sg_result build_part(
	struct dma_sg_cursor *at, struct dma_sg_builder *builder, uint64_t todo)
{
	uint64_t position = at->mdl->ByteOffset + at->offset, done;
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(at->mdl) + (position >> MEM_PAGE_SHIFT);
	enum dma_sg_result result = add(builder, pfn, position & MEM_PAGE_MASK, todo, &done);

	at->offset += done;
	at->left -= done;
	return result;
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

static __attribute__((noinline)) enum dma_sg_result build_chain(
	struct dma_sg_cursor *at, struct dma_sg_builder *builder)
{
	enum dma_sg_result result = DMA_SG_DONE;

	while (at->left && result == DMA_SG_DONE) {
		uint64_t here = mdl_remaining(at);

		if (here)
			result = build_part(at, builder, min_of(here, at->left));
		else if (!mdl_next(at))
			result = DMA_SG_END;
	}
	return result;
}

static __attribute__((noinline)) enum dma_sg_result build_list(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count)
{
	struct dma_sg_builder builder;
	enum dma_sg_result result;

	begin(&builder, limits, out, room);
	if (likely(cursor->left && cursor->left <= mdl_remaining(cursor)))
		result = build_part(cursor, &builder, cursor->left);
	else
		result = build_chain(cursor, &builder);
	*count = builder.count;
	return result;
}

enum dma_sg_result dma_sglist_build(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count)
{
	if (!dma_sg_one(cursor, limits, out, room))
		return build_list(cursor, limits, out, room, count);
	*count = 1;
	return DMA_SG_DONE;
}

uint64_t dma_sg_registers(const struct dma_sg_cursor *cursor, uint64_t *short_by)
{
	struct dma_sg_cursor at = *cursor;
	uint64_t pages = 0;

	/* A circle of small MDLs might go on for a very long time. */
	while (at.left && pages < DMA_SG_REGISTERS_MAX) {
		uint64_t part = min_of(mdl_remaining(&at), at.left);
		uint64_t in_page = (at.mdl->ByteOffset + at.offset) & MEM_PAGE_MASK;

		if (part)
			pages += (in_page + part + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
		at.offset += part;
		at.left -= part;
		if (at.left && !mdl_next(&at))
			break;
	}
	*short_by = pages < DMA_SG_REGISTERS_MAX ? at.left : 0;
	return pages;
}
