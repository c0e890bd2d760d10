/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Private to sglist*.c: the short way for whole pages, once for each set of instructions. All of
 * them give the same elements as dma_sg_add in its own words (append in sglist.c), which takes over
 * where they stop.
 */
#ifndef DRY_DMA_SGLIST_SIMD_H
#define DRY_DMA_SGLIST_SIMD_H

#include "dma/sglist.h"
#include "mem/mem.h"

/*
 * Describes the pages pfn[0 .. pages - 1], at least one, the first of which does not continue the
 * element before. Stops before the first run that does not fit or needs append; returns the pages
 * before that. Elements behind the last one, within the room, may be overwritten. No frame behind
 * the last page is read. Only for what dma_sg_is_simple says yes to.
 */
typedef uint64_t dma_sg_runs_fn(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages);
dma_sg_runs_fn dma_sg_runs_portable;
/* At most DMA_SG_PAGES_MAX pages, and no more than to->rule.frames, so that no sum of a reachable
 * frame and a number of them overflows. What may be out of reach they leave to the portable one. */
dma_sg_runs_fn dma_sg_runs_avx2, dma_sg_runs_avx512;

/* Lengths in pages are signed and 32 bits wide in there. */
#define DMA_SG_PAGES_MAX (1ull << 30)

/* Whether elements of whole pages start and end between pages, unless their length cuts them. */
static inline bool dma_sg_is_simple(const struct dma_sg_builder *to)
{
	const struct dma_sg_rule *rule = &to->rule;

	return rule->align_mask < MEM_PAGE_SIZE && !(to->end & rule->align_mask) &&
	       ~rule->boundary_mask >= MEM_PAGE_MASK && rule->max_length >= MEM_PAGE_SIZE;
}

/* Consecutive frames from pfn[0] on, at most `pages`. */
static inline uint64_t dma_sg_run_of(const PFN_NUMBER *pfn, uint64_t pages)
{
	PFN_NUMBER first = pfn[0];
	uint64_t run = 1;

	while (run < pages && pfn[run] == first + run)
		run++;
	return run;
}

/* No limit can touch these pages: neither the room, nor a length, nor a boundary. */
static inline bool dma_sg_is_free(const struct dma_sg_builder *to, uint64_t pages)
{
	return to->room - to->count >= pages && to->rule.max_length >= pages << MEM_PAGE_SHIFT &&
	       !to->rule.boundary_mask;
}

/* How far the work has come: the page at which the run starts that is still open, and the elements
 * in the list. Passed by value, so that it stays in registers. */
struct dma_sg_place {
	uint64_t start, count;
};

/*
 * Describes the runs that end before the pages pfn[at + n], for each bit n of `ends`: one after the
 * other, cut where the limits cut them. Stops before the first one that does not fit.
 */
struct dma_sg_place dma_sg_cut(const struct dma_sg_builder *to, const PFN_NUMBER *pfn,
	struct dma_sg_place place, uint64_t at, uint32_t ends);

/* Of a run that starts with this frame, the pages before the last boundary in it; 0: none in it. */
static inline uint64_t dma_sg_before_boundary(
	const struct dma_sg_builder *to, uint64_t frame, uint64_t pages)
{
	uint64_t boundary = (frame + pages - 1) & (to->rule.boundary_mask >> MEM_PAGE_SHIFT);

	return boundary > frame ? boundary - frame : 0;
}

/* The pages before place.start stand in the list now. */
static inline uint64_t dma_sg_runs_end(
	struct dma_sg_builder *to, const PFN_NUMBER *pfn, struct dma_sg_place place)
{
	to->count = (uint32_t)place.count;
	if (place.start)
		to->end = (pfn[place.start - 1] + 1) << MEM_PAGE_SHIFT;
	return place.start;
}

/* The pages are one run. */
static inline uint64_t dma_sg_runs_one(
	struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages)
{
	PSCATTER_GATHER_ELEMENT element = &to->out[to->count];
	struct dma_sg_place place = {0, to->count};

	if (unlikely(!dma_sg_is_free(to, pages) || pfn[0] > to->rule.frames - pages))
		return dma_sg_runs_end(to, pfn, dma_sg_cut(to, pfn, place, pages, 1));
	element->Address.QuadPart = (LONGLONG)(pfn[0] << MEM_PAGE_SHIFT);
	element->Length = (ULONG)(pages << MEM_PAGE_SHIFT);
	element->Reserved = 0;
	to->count++;
	to->end = (pfn[0] + pages) << MEM_PAGE_SHIFT;
	return pages;
}

#endif
