/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * All of a small world (small_world.h) for the builder: every length that ends at, before or after
 * a border of a page or of an element, with each kind of instructions, under every combination of
 * limits and for every split into a chain, against the byte-by-byte model. Neighbours:
 * small_engines.c, the same for the engines; sglist.c, which has the builder's finer points.
 */
#include "small_world.h"
#include "sg_model.h"
#include "world.h"

static SCATTER_GATHER_ELEMENT got[WORLD + 1];
static struct model_element expected[WORLD + 1];
static struct model_byte bytes[WORLD];

static unsigned long long built;

/* What the model says of all bytes, from which follows what it says of the first ones. */
static struct {
	enum dma_sg_result result;
	uint32_t count;
	uint64_t described;
} whole;

static void check_build(struct chain *chain, uint32_t length, const struct dma_sg_limits *limits)
{
	bool is_done = length <= whole.described;
	uint64_t wanted = is_done ? length : whole.described, at_byte = 0;
	PMDL mdl = &chain->part[0].mdl;
	struct dma_sg_cursor at;
	uint32_t count, n;

	assert_true(dma_sg_start(&at, mdl, MmGetMdlVirtualAddress(mdl), length));
	if (dma_sglist_build(&at, limits, got, WORLD + 1, &count) !=
			(is_done ? DMA_SG_DONE : whole.result) ||
		length - at.left != wanted)
		fail_msg("another result");
	for (n = 0; at_byte < wanted; at_byte += got[n++].Length)
		if (n == count || (uint64_t)got[n].Address.QuadPart != expected[n].address ||
			got[n].Length != min_of(expected[n].length, wanted - at_byte) ||
			got[n].Reserved)
			fail_msg("another element %u", n);
	if (n != count)
		fail_msg("%u elements, not %u", count, n);
	built++;
}

/* One MDL; one cut at, before or behind a page's border, or beside an end; and a cut at each of
 * any of the pages' borders. */
static void each_split(const PFN_NUMBER *frames, uint32_t offset, uint32_t length,
	const struct dma_sg_limits *limits)
{
	uint32_t borders[PAGES], cuts[PAGES];
	struct marks singles = {{false}};
	struct chain chain;
	unsigned count = 0;

	for (uint32_t at = PAGE; at < offset + length; at += PAGE)
		if (at > offset)
			borders[count++] = at - offset;
	for (unsigned subset = 0; subset < 1u << count; subset++) {
		unsigned chosen = 0;

		for (unsigned n = 0; n < count; n++)
			if (subset >> n & 1)
				cuts[chosen++] = borders[n];
		make_chain(&chain, frames, offset, length, cuts, chosen);
		check_build(&chain, length, limits);
	}
	mark_pages(&singles, offset, 1, length - 1);
	mark_border(&singles, 0, 1, length - 1);
	mark_border(&singles, length, 1, length - 1);
	for (uint32_t cut = mark_next(&singles, 1); cut < length;
		cut = mark_next(&singles, cut + 1)) {
		if ((offset + cut) % PAGE == 0)
			continue; /* above */
		make_chain(&chain, frames, offset, length, &cut, 1);
		check_build(&chain, length, limits);
	}
}

static void each_length(
	const PFN_NUMBER *frames, uint32_t offset, const struct dma_sg_limits *limits)
{
	struct marks lengths = {{false}};
	uint32_t all = WORLD - offset, end = 0;

	whole.result = model_build(
		bytes, all, all, limits, WORLD + 1, expected, &whole.count, &whole.described);
	mark_border(&lengths, 0, 1, all);
	mark_pages(&lengths, offset, 1, all);
	for (uint32_t n = 0; n < whole.count; n++) {
		end += (uint32_t)expected[n].length;
		mark_border(&lengths, end, 1, all);
	}
	for (uint32_t length = mark_next(&lengths, 1); length <= all;
		length = mark_next(&lengths, length + 1))
		each_split(frames, offset, length, limits);
}

static void each_limit(const PFN_NUMBER *frames, uint32_t offset)
{
	static const uint32_t lengths[] = {0, 0x600, 0x1000, 0x1001, 0x2000};
	static const uint64_t boundaries[] = {0, 0x1000, 0x2000, 0x4000, 1ull << 32};
	static const uint32_t alignments[] = {0, 4, 0x1000};
	/* 4 GiB lies in the middle. */
	static const uint64_t reaches[] = {~0ull, 0xffffffff, 0xfffff7ff, 0x1000001ff};

	for (unsigned l = 0; l < array_size(lengths); l++)
		for (unsigned b = 0; b < array_size(boundaries); b++)
			for (unsigned a = 0; a < array_size(alignments); a++)
				for (unsigned r = 0; r < array_size(reaches); r++) {
					const struct dma_sg_limits limits = {reaches[r], lengths[l],
						boundaries[b], alignments[a]};

					each_length(frames, offset, &limits);
				}
}

/* Each page is the next frame or the one behind it. */
static void builder(enum dma_simd simd)
{
	PFN_NUMBER frames[PAGES] = {0xffffe};

	if (dma_sg_simd_select(simd) != simd)
		skip();
	built = 0;
	for (unsigned pattern = 0; pattern < 1u << (PAGES - 1); pattern += PATTERN_STEP) {
		for (unsigned n = 1; n < PAGES; n++)
			frames[n] = frames[n - 1] + 1 + (pattern >> (n - 1) & 1);
		for (unsigned o = 0; o < array_size(offsets); o++) {
			for (uint32_t n = 0; n < WORLD - offsets[o]; n++)
				bytes[n].address = frames[(offsets[o] + n) / PAGE] * PAGE +
						   (offsets[o] + n) % PAGE;
			each_limit(frames, offsets[o]);
		}
	}
	dma_sg_simd_select(DMA_SIMD_AUTO);
	print_message("%llu lists\n", built);
}

static void builder_portable(void **state)
{
	builder(DMA_SIMD_PORTABLE);
}

static void builder_with_avx2(void **state)
{
	builder(DMA_SIMD_AVX2);
}

static void builder_with_avx512(void **state)
{
	builder(DMA_SIMD_AVX512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builder_portable),
		cmocka_unit_test(builder_with_avx2),
		cmocka_unit_test(builder_with_avx512),
	};

	return cmocka_run_group_tests_name("dma/small_world", tests, NULL, NULL);
}
