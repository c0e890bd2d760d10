/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Whole pages to elements, with what every processor has; and the cutting of runs, which is
 * nobody's hot path. See sglist_simd.h. */
#include "dma/sglist_simd.h"

#define LONG 64u /* pages of a run that is worth some preparation */

static inline void store(PSCATTER_GATHER_ELEMENT to, uint64_t address, uint64_t bytes)
{
	to->Address.QuadPart = (LONGLONG)address;
	to->Length = (ULONG)bytes;
	to->Reserved = 0;
}

typedef uint64_t two_words __attribute__((vector_size(16), aligned(8)));

/*
 * At least `count` elements of `piece` bytes each, end to end: four at a time, that few counts
 * differ in the number of turns. Two elements are three pairs of words.
 */
static inline void store_pieces(
	PSCATTER_GATHER_ELEMENT to, uint64_t address, uint64_t piece, uint64_t count)
{
	const two_words step = {2 * piece, 0}, step_middle = {0, 2 * piece}, last = {piece, 0};
	two_words first = {address, piece}, middle = {0, address + piece};

	for (two_words *words = (two_words *)to; (PSCATTER_GATHER_ELEMENT)words < to + count;
		words += 6) {
		words[0] = first;
		words[1] = middle;
		words[2] = last;
		words[3] = first + step;
		words[4] = middle + step_middle;
		words[5] = last;
		first += step + step;
		middle += step_middle + step_middle;
	}
}

/*
 * A run of many pages, where limits are powers of two: pieces up to the first boundary, and from
 * there on pieces as long, which then keep to the boundaries by themselves. Returns the number of
 * elements; 0: it is not such a run, or it needs care.
 */
static inline uint64_t cut_long(const struct dma_sg_rule *rule, PSCATTER_GATHER_ELEMENT to,
	uint64_t room, uint64_t address, uint64_t end)
{
	const uint64_t in_boundary = ~rule->boundary_mask;
	const uint64_t piece = min_of(rule->max_length - 1, in_boundary) + 1;
	const unsigned shift = (unsigned)__builtin_ctzll(piece);
	const uint64_t edge =
		rule->boundary_mask ? min_of((address | in_boundary) + 1, end) : address;
	const uint64_t head = (edge - address + piece - 1) >> shift;
	const uint64_t rest = (end - edge + piece - 1) >> shift;

	if (piece & (piece - 1) || room < head + rest + 6)
		return 0;
	store_pieces(to, address, piece, head);
	if (head)
		to[head - 1].Length = (ULONG)(edge - address - ((head - 1) << shift));
	store_pieces(to + head, edge, piece, rest);
	if (rest)
		to[head + rest - 1].Length = (ULONG)(end - edge - ((rest - 1) << shift));
	return head + rest;
}

/* All elements of one run at to ... limit - 1; returns the place behind them, NULL if they do not
 * fit. */
static inline PSCATTER_GATHER_ELEMENT cut_run(const struct dma_sg_rule *rule,
	PSCATTER_GATHER_ELEMENT to, PSCATTER_GATHER_ELEMENT limit, uint64_t frame, uint64_t pages)
{
	const uint64_t in_boundary = ~rule->boundary_mask, longest = rule->max_length;
	const uint64_t end = (frame + pages) << MEM_PAGE_SHIFT;
	uint64_t address = frame << MEM_PAGE_SHIFT, stop, count;

	/* What an element may reach to must not overflow below: append() does what lies there. */
	if (frame >= rule->frames || pages > rule->frames - frame ||
		end - 1 > UINT64_MAX - UINT32_MAX)
		return NULL;
	if (pages >= LONG) {
		count = cut_long(rule, to, (uint64_t)(limit - to), address, end);
		if (count)
			return to + count;
	}
	do {
		if (to == limit)
			return NULL;
		stop = min_of(address + longest - 1, address | in_boundary);
		store(to++, address, min_of(stop, end - 1) + 1 - address);
		address = stop + 1;
	} while (stop < end - 1);
	return to;
}

struct dma_sg_place dma_sg_cut(const struct dma_sg_builder *to, const PFN_NUMBER *pfn,
	struct dma_sg_place place, uint64_t at, uint32_t ends)
{
	PSCATTER_GATHER_ELEMENT next = to->out + place.count, limit = to->out + to->room;

	for (; ends; ends &= ends - 1) {
		uint64_t end = at + (unsigned)__builtin_ctz(ends);

		next = cut_run(&to->rule, next, limit, pfn[place.start], end - place.start);
		if (!next)
			break;
		place.count = (uint64_t)(next - to->out);
		place.start = end;
	}
	return place;
}

/* Apart, so that the loop of those that are not cut keeps its registers. */
static __attribute__((noinline)) PSCATTER_GATHER_ELEMENT cut_apart(const struct dma_sg_rule *rule,
	PSCATTER_GATHER_ELEMENT to, PSCATTER_GATHER_ELEMENT limit, uint64_t frame, uint64_t pages)
{
	return cut_run(rule, to, limit, frame, pages);
}

uint64_t dma_sg_runs_portable(struct dma_sg_builder *to, const PFN_NUMBER *pfn, uint64_t pages)
{
	PSCATTER_GATHER_ELEMENT next = to->out + to->count, limit = to->out + to->room, behind;
	const uint64_t frames = to->rule.frames;
	const uint64_t longest = to->rule.max_length >> MEM_PAGE_SHIFT;
	const uint64_t above_boundary = to->rule.boundary_mask >> MEM_PAGE_SHIFT;
	uint64_t left = pages, frame, run;

	for (; left && next != limit; pfn += run, left -= run, next = behind) {
		frame = *pfn;
		/* One page is the most frequent run of all. */
		run = left > 1 && pfn[1] == frame + 1 ? dma_sg_run_of(pfn, left) : 1;
		behind = next + 1;
		if (likely(frame < frames && run <= longest && run <= frames - frame &&
			    !((frame ^ (frame + run - 1)) & above_boundary)))
			store(next, frame << MEM_PAGE_SHIFT, run << MEM_PAGE_SHIFT);
		else
			behind = cut_apart(&to->rule, next, limit, frame, run);
		if (!behind)
			break;
	}
	return dma_sg_runs_end(to, pfn - (pages - left),
		(struct dma_sg_place){pages - left, (uint64_t)(next - to->out)});
}
