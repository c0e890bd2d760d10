/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A planted fault, to see that the proofs find it: a builder that merges across a gap. Linked in
 * with --wrap, so that the product knows nothing of it; see fuzz/meson.build and
 * tests/oracle/meson.build. The lengths still sum
 * to the transfer; one element runs over a page that is not its own.
 */
#include "dma/sglist.h"

enum dma_sg_result __real_dma_sglist_build(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count);
enum dma_sg_result __wrap_dma_sglist_build(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count);
enum dma_sg_result __real_dma_sg_add(struct dma_sg_builder *builder, const PFN_NUMBER *pfn,
	uint64_t in_page, uint64_t bytes, uint64_t *done);
enum dma_sg_result __wrap_dma_sg_add(struct dma_sg_builder *builder, const PFN_NUMBER *pfn,
	uint64_t in_page, uint64_t bytes, uint64_t *done);

/* Of elements with one page between them, the second becomes part of the first. */
static uint32_t merge(PSCATTER_GATHER_ELEMENT out, uint32_t from, uint32_t count)
{
	uint32_t last = from;

	for (uint32_t n = from + 1; n < count; n++) {
		uint64_t end = (uint64_t)out[last].Address.QuadPart + out[last].Length;

		if (end % 4096 == 0 && (uint64_t)out[n].Address.QuadPart == end + 4096)
			out[last].Length += out[n].Length;
		else
			out[++last] = out[n];
	}
	return count ? last + 1 : 0;
}

/* Where the list is full, what comes next may yet become part of its last element. */
static enum dma_sg_result merge_next(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT last)
{
	enum dma_sg_result result = DMA_SG_FULL;

	while (result == DMA_SG_FULL) {
		struct dma_sg_cursor next = *cursor;
		SCATTER_GATHER_ELEMENT pair[2] = {*last};
		uint32_t count;

		result = __real_dma_sglist_build(&next, limits, &pair[1], 1, &count);
		if (!count || merge(pair, 0, 2) == 2)
			return DMA_SG_FULL;
		*last = pair[0];
		*cursor = next;
	}
	return result;
}

enum dma_sg_result __wrap_dma_sglist_build(struct dma_sg_cursor *cursor,
	const struct dma_sg_limits *limits, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count)
{
	enum dma_sg_result result = __real_dma_sglist_build(cursor, limits, out, room, count);

	*count = merge(out, 0, *count);
	return result == DMA_SG_FULL && *count ? merge_next(cursor, limits, &out[*count - 1])
					       : result;
}

enum dma_sg_result __wrap_dma_sg_add(struct dma_sg_builder *builder, const PFN_NUMBER *pfn,
	uint64_t in_page, uint64_t bytes, uint64_t *done)
{
	uint32_t from = builder->count;
	enum dma_sg_result result = __real_dma_sg_add(builder, pfn, in_page, bytes, done);

	if (builder->count > from)
		builder->count = merge(builder->out, from, builder->count);
	return result;
}
