/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The list builder against a walk byte by byte (sg_model.h), in all of a small world: one to four
 * pages, six offsets, every length around a page border, many limits, chains cut everywhere, and
 * every way of resuming. Frames come from real memory under the three policies, and from patterns
 * made by hand.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dma/sglist.h"
#include "mem/mem.h"
#include "sg_model.h"
#include "sg_chain.h"

#define PAGE	     4096u
#define PAGES	     4u
#define WORLD	     (PAGES * PAGE)
#define ELEMENTS_MAX (WORLD + 1)

static const uint32_t offsets[] = {0, 1, 7, 0x1ff, 0x200, 0xfff};

static SCATTER_GATHER_ELEMENT whole[ELEMENTS_MAX], pieces[ELEMENTS_MAX];
static struct model_element expected[ELEMENTS_MAX];
static struct model_byte bytes[WORLD];

/* ---- one case ---- */

static void compare(SCATTER_GATHER_ELEMENT *got, uint32_t count, uint32_t expected_count)
{
	if (count != expected_count)
		fail_msg("%u elements, expected %u", count, expected_count);
	for (uint32_t n = 0; n < count; n++) {
		if ((uint64_t)got[n].Address.QuadPart != expected[n].address ||
			got[n].Length != expected[n].length || got[n].Reserved)
			fail_msg("element %u is 0x%llx + 0x%x, expected 0x%llx + 0x%llx", n,
				(unsigned long long)got[n].Address.QuadPart, got[n].Length,
				(unsigned long long)expected[n].address,
				(unsigned long long)expected[n].length);
		/* The next list has to clear it again. */
		got[n].Reserved = ~0ull;
	}
}

/* Builds with `room` elements at a time, as somebody does who works off a list in portions. */
static void check_resumed(const struct dma_sg_cursor *start, const struct dma_sg_limits *limits,
	uint32_t room, enum dma_sg_result last, uint32_t total, uint64_t described)
{
	struct dma_sg_cursor at = *start;
	enum dma_sg_result result;
	uint32_t sum = 0;

	do {
		uint32_t count = 0;

		result = dma_sglist_build(&at, limits, &pieces[sum], room, &count);
		assert_true(count <= room);
		assert_true(result != DMA_SG_FULL || count == room);
		sum += count;
	} while (result == DMA_SG_FULL);
	assert_int_equal(result, last);
	assert_int_equal(start->left - at.left, described);
	compare(pieces, sum, total);
}

/* `have` bytes of the chain lie where bytes[] says; `want` are asked for. */
static void check(const struct chain *chain, const void *va, uint64_t have, uint64_t want,
	const struct dma_sg_limits *limits)
{
	struct dma_sg_cursor start, at;
	enum dma_sg_result result, expected_result;
	uint32_t count, expected_count;
	uint64_t described;

	assert_true(dma_sg_start(&start, (PMDL)&chain->part[0].mdl, va, want));
	at = start;
	result = dma_sglist_build(&at, limits, whole, ELEMENTS_MAX, &count);
	expected_result = model_build(
		bytes, have, want, limits, ELEMENTS_MAX, expected, &expected_count, &described);
	assert_int_equal(result, expected_result);
	assert_int_equal(want - at.left, described);
	compare(whole, count, expected_count);
	for (uint32_t room = 1; room <= 3; room++)
		check_resumed(
			&start, limits, count < 64 ? room : room * 999, result, count, described);
	/* One place too few: all but the last element, and the cursor at its first byte. */
	if (result != DMA_SG_DONE || !count)
		return;
	at = start;
	assert_int_equal(
		dma_sglist_build(&at, limits, pieces, count - 1, &expected_count), DMA_SG_FULL);
	compare(pieces, expected_count, count - 1);
	assert_int_equal(at.left, expected[count - 1].length);
}

static const struct dma_sg_limits all_limits[] = {
	{~0ull, 0, 0, 0},
	/* longest element */
	{~0ull, 1, 0, 0},
	{~0ull, 7, 0, 0},
	{~0ull, 0x200, 0, 0},
	{~0ull, 0xfff, 0, 1},
	{~0ull, 0x1000, 0, 0},
	{~0ull, 0x1001, 0, 0},
	{~0ull, 0x2000, 0, 0},
	/* boundary */
	{~0ull, 0, 1, 0},
	{~0ull, 0, 0x200, 0},
	{~0ull, 0, 0x1000, 0},
	{~0ull, 0, 0x2000, 0},
	{~0ull, 0, 0x10000, 0},
	{~0ull, 0, 1ull << 63, 0},
	/* alignment, alone and against the others */
	{~0ull, 0, 0, 2},
	{~0ull, 0, 0, 4},
	{~0ull, 0, 0, 0x200},
	{~0ull, 0, 0, 0x1000},
	{~0ull, 0, 0, 0x2000},
	{~0ull, 3, 0, 4},
	{~0ull, 0x203, 0, 4},
	{~0ull, 0, 2, 4},
	/* all together */
	{~0ull, 0x1801, 0x2000, 8},
	{~0ull, 0x600, 0x1000, 0x200},
};

/* Those that matter where a chain is cut. */
static const struct dma_sg_limits few_limits[] = {{~0ull, 0, 0, 0}, {~0ull, 0x1001, 0, 0},
	{~0ull, 0, 0x2000, 0}, {~0ull, 0, 0, 4}, {~0ull, 0x1804, 0x2000, 4}};

/* The lengths from `offset` on that end at, before and after a page border, of one page to all;
 * returns how many. */
static unsigned lengths_of(uint32_t offset, uint32_t *lengths)
{
	uint32_t most = WORLD - offset;
	unsigned n = 0;

	lengths[n++] = 1;
	for (uint32_t page = 1; page <= PAGES; page++)
		for (int around = -1; around <= 1; around++) {
			int64_t length = (int64_t)page * PAGE - offset + around;

			if (length > 1 && length <= most)
				lengths[n++] = (uint32_t)length;
		}
	return n;
}

/* ---- frames of real memory ---- */

static void chain_of_memory(struct chain *chain, const char *va, uint32_t length)
{
	PPFN_NUMBER frames = chain_add(chain, va, length);
	const char *page = (const char *)((uintptr_t)va & ~(uintptr_t)(PAGE - 1));

	for (unsigned n = 0; page < va + length; page += PAGE, n++)
		frames[n] = mem_frame_number(page);
}

static void bytes_of_memory(const char *va, uint32_t length)
{
	for (uint32_t n = 0; n < length; n++)
		bytes[n] = (struct model_byte){mem_physical(va + n), false};
}

static void each_chain(const char *va, uint32_t length)
{
	uint32_t cuts[] = {1, 0xfff, 0x1000, 0x1001, 0x2000, length / 2, length - 1};

	for (unsigned n = 0; n < array_size(cuts); n++) {
		struct chain two = {0}, gap = {0}, three = {0};

		if (cuts[n] == 0 || cuts[n] >= length)
			continue;
		chain_of_memory(&two, va, cuts[n]);
		chain_of_memory(&two, va + cuts[n], length - cuts[n]);
		/* an empty MDL between, and one behind */
		chain_of_memory(&gap, va, cuts[n]);
		chain_of_memory(&gap, va + 5, 0);
		chain_of_memory(&gap, va + cuts[n], length - cuts[n]);
		chain_of_memory(&gap, va, 0);
		chain_of_memory(&three, va, cuts[n]);
		chain_of_memory(&three, va + cuts[n], (length - cuts[n] + 1) / 2);
		chain_of_memory(&three, va + cuts[n] + (length - cuts[n] + 1) / 2,
			length - cuts[n] - (length - cuts[n] + 1) / 2);
		for (unsigned l = 0; l < array_size(few_limits); l++) {
			check(&two, va, length, length, &few_limits[l]);
			check(&three, va, length, length, &few_limits[l]);
		}
		check(&gap, va, length, length, &few_limits[4]);
		check(&gap, va, length, length + 1, &few_limits[0]);
	}
}

static void each_reach(const struct chain *chain, const char *va, uint32_t length)
{
	const uint32_t at[] = {0, length / 2, length - 1};

	/* The device reaches up to this byte of the buffer, up to the one before, or to its page.
	 */
	for (unsigned n = 0; n < array_size(at); n++) {
		struct dma_sg_limits limits = {bytes[at[n]].address, 0, 0, 0};

		check(chain, va, length, length, &limits);
		limits.max_address--;
		limits.alignment = 4;
		check(chain, va, length, length, &limits);
		limits.max_address |= PAGE - 1;
		limits.max_length = 0x1002;
		check(chain, va, length, length, &limits);
	}
}

static void small_world(enum mem_policy policy)
{
	const struct mem_config config = {.policy = policy, .size = 16ull << 20, .seed = 5};
	uint32_t lengths[1 + 3 * PAGES];
	char *memory;

	assert_int_equal(mem_init(&config), 0);
	memory = mem_alloc(WORLD, 0, MEM_DATA, NULL);
	assert_non_null(memory);
	for (unsigned o = 0; o < array_size(offsets); o++) {
		unsigned count = lengths_of(offsets[o], lengths);
		const char *va = memory + offsets[o];

		for (unsigned n = 0; n < count; n++) {
			struct chain one = {0};

			bytes_of_memory(va, lengths[n]);
			chain_of_memory(&one, va, lengths[n]);
			for (unsigned l = 0; l < array_size(all_limits); l++)
				check(&one, va, lengths[n], lengths[n], &all_limits[l]);
			check(&one, va, lengths[n], lengths[n] + 1, &all_limits[0]);
			each_reach(&one, va, lengths[n]);
			each_chain(va, lengths[n]);
		}
	}
	mem_free(memory, WORLD);
	assert_int_equal(mem_fini(), 0);
}

static void small_world_of_contiguous_memory(void **state)
{
	small_world(MEM_CONTIGUOUS);
}

static void small_world_of_scattered_memory(void **state)
{
	small_world(MEM_SCATTERED);
}

static void small_world_of_high_memory(void **state)
{
	small_world(MEM_HIGH);
}

/* ---- frames made by hand ---- */

static void bytes_of_frames(const PFN_NUMBER *frames, uint32_t offset, uint32_t length)
{
	for (uint32_t n = 0; n < length; n++) {
		uint64_t frame = frames[(offset + n) / PAGE];

		bytes[n].nowhere = frame >= 1ull << 52;
		bytes[n].address = frame * PAGE + (offset + n) % PAGE;
	}
}

static void check_frames(const PFN_NUMBER *frames, uint32_t offset, uint32_t length,
	const struct dma_sg_limits *limits)
{
	/* The address is an index only (SG-5): nothing is there. */
	char *va = (char *)0xffff800000010000ull + offset;
	struct chain chain = {0};

	memcpy(chain_add(&chain, va, length), frames, PAGES * sizeof(*frames));
	bytes_of_frames(frames, offset, length);
	check(&chain, va, length, length, limits);
}

static void small_world_of_all_neighbourhoods(void **state)
{
	static const int steps[] = {1, 2, 0, -1};
	uint32_t lengths[1 + 3 * PAGES];

	/* Each page is the next frame, one further on, the same one, or the one before. */
	for (unsigned pattern = 0; pattern < 64; pattern++) {
		PFN_NUMBER frames[PAGES] = {0x80000};

		frames[1] = frames[0] + (PFN_NUMBER)steps[pattern & 3];
		frames[2] = frames[1] + (PFN_NUMBER)steps[pattern >> 2 & 3];
		frames[3] = frames[2] + (PFN_NUMBER)steps[pattern >> 4];
		for (unsigned o = 0; o < array_size(offsets); o++) {
			unsigned count = lengths_of(offsets[o], lengths);

			for (unsigned n = 0; n < count; n++)
				for (unsigned l = 0; l < array_size(few_limits); l++)
					check_frames(
						frames, offsets[o], lengths[n], &few_limits[l]);
		}
	}
}

static void frames_at_the_end_of_the_address_space(void **state)
{
	static const PFN_NUMBER ends[][PAGES] = {
		/* the last frame, then address 0: neighbours only if the sum overflows */
		{(1ull << 52) - 1, 0, 1, 2},
		{(1ull << 52) - 2, (1ull << 52) - 1, 0, 1},
		/* numbers that are no frames, alone and in a run with true ones */
		{(1ull << 52) - 1, 1ull << 52, (1ull << 52) + 1, 0},
		{1ull << 52, 5, 6, 7},
		{5, 6, 1ull << 52, 7},
		{~0ull, 0, 1, 2},
		{5, ~0ull, 0, 1},
		{~0ull - 1, ~0ull, 0, 1},
		{0, 1, 2, 3},
	};

	for (unsigned e = 0; e < array_size(ends); e++)
		for (unsigned o = 0; o < array_size(offsets); o++)
			for (unsigned l = 0; l < array_size(all_limits); l++)
				check_frames(
					ends[e], offsets[o], WORLD - offsets[o], &all_limits[l]);
}

/* MDLs that have nothing to do with each other: what one ends with need not fit what the next
 * starts with. */
static void small_world_of_unlike_mdls(void **state)
{
	static const uint32_t starts[] = {0, 1, 4, 0x200, 0xffc}, sizes[] = {1, 4, 0x1fc, 0x1001};
	static const PFN_NUMBER frames[][2] = {{8, 9}, {9, 10}, {9, 11}, {8, 8}};

	for (unsigned n = 0; n < 5 * 5 * 4 * 4 * 4; n++) {
		uint32_t start[] = {starts[n % 5], starts[n / 5 % 5]};
		uint32_t size[] = {sizes[n / 25 % 4], sizes[n / 100 % 4]}, have = 0;
		const PFN_NUMBER *second = frames[n / 400];
		struct chain chain = {0};

		for (unsigned part = 0; part < 2; part++) {
			const PFN_NUMBER *from = part ? second : frames[0];

			memcpy(chain_add(&chain, (char *)0x10000 + start[part], size[part]), from,
				2 * sizeof(*from));
			for (uint32_t i = 0; i < size[part]; i++, have++)
				bytes[have] =
					(struct model_byte){from[(start[part] + i) / PAGE] * PAGE +
								    (start[part] + i) % PAGE,
						false};
		}
		for (unsigned l = 0; l < array_size(all_limits); l++)
			check(&chain, (char *)0x10000 + start[0], have, have, &all_limits[l]);
	}
}

/* with 32 address bits the last reachable byte is the one below 4 GiB. */
static void element_ends_exactly_at_four_gigabytes(void **state)
{
	static const PFN_NUMBER frames[PAGES] = {0xffffe, 0xfffff, 0x100000, 0x100001};
	const struct dma_sg_limits narrow = {0xffffffff, 0, 0, 0};
	const struct dma_sg_limits wide = {~0ull, 0, 0, 0}, border = {~0ull, 0, 1ull << 32, 0};
	struct chain chain = {0};
	struct dma_sg_cursor at;
	uint32_t count;

	memcpy(chain_add(&chain, (void *)0x10000, WORLD), frames, sizeof(frames));
	dma_sg_start(&at, &chain.part[0].mdl, (void *)0x10000, WORLD);
	assert_int_equal(dma_sglist_build(&at, &narrow, whole, 9, &count), DMA_SG_UNREACHABLE);
	assert_int_equal(count, 1);
	assert_int_equal(whole[0].Length, 2 * PAGE);
	assert_int_equal(at.left, 2 * PAGE);
	dma_sg_start(&at, &chain.part[0].mdl, (void *)0x10000, WORLD);
	assert_int_equal(dma_sglist_build(&at, &wide, whole, 9, &count), DMA_SG_DONE);
	assert_int_equal(count, 1);
	dma_sg_start(&at, &chain.part[0].mdl, (void *)0x10000, WORLD);
	assert_int_equal(dma_sglist_build(&at, &border, whole, 9, &count), DMA_SG_DONE);
	assert_int_equal(count, 2);
	assert_int_equal(whole[1].Address.QuadPart, 1ll << 32);
}

/* An element's length has 32 bits; a chain's need not. */
static void chain_of_more_than_four_gigabytes(void **state)
{
	const uint64_t part = 0xfffff000, total = 2 * part, pages = part / PAGE;
	const struct dma_sg_limits none = {~0ull, 0, 0, 0}, aligned = {~0ull, 0, 0, 512};
	PMDL mdl[2];
	struct dma_sg_cursor at;
	uint64_t short_by;
	uint32_t count;

	for (int m = 0; m < 2; m++) {
		mdl[m] = calloc(1, sizeof(MDL) + pages * sizeof(PFN_NUMBER));
		assert_non_null(mdl[m]);
		mdl[m]->ByteCount = (ULONG)part;
		for (uint64_t n = 0; n < pages; n++)
			MmGetMdlPfnArray(mdl[m])[n] = 0x100000 + (uint64_t)m * pages + n;
	}
	mdl[0]->Next = mdl[1];
	dma_sg_start(&at, mdl[0], NULL, total);
	assert_int_equal(dma_sg_registers(&at, &short_by), 2 * pages);
	assert_int_equal(short_by, 0);
	assert_int_equal(dma_sglist_build(&at, &none, whole, 9, &count), DMA_SG_DONE);
	assert_int_equal(count, 2);
	assert_int_equal(whole[0].Length, 0xffffffff);
	assert_int_equal(whole[1].Address.QuadPart, 0x1ffffffffull);
	assert_int_equal(whole[1].Length, total - 0xffffffff);
	dma_sg_start(&at, mdl[0], NULL, total + 1);
	assert_int_equal(dma_sglist_build(&at, &aligned, whole, 9, &count), DMA_SG_END);
	assert_int_equal(count, 2);
	assert_int_equal(whole[0].Length, 0xfffffe00);
	assert_int_equal(whole[1].Length, total - 0xfffffe00);
	free(mdl[0]);
	free(mdl[1]);
}

/* ---- start and registers ---- */

/* SG-5. */
static void start_takes_the_bytes_of_the_first_mdl_and_no_others(void **state)
{
	char *va = (char *)0x7fff00000123ull;
	struct chain chain = {0};
	struct dma_sg_cursor at;
	PMDL mdl = &chain.part[0].mdl;

	chain_add(&chain, va, 0x2000);
	chain_add(&chain, va + 0x2000, 0x1000);
	assert_true(dma_sg_start(&at, mdl, va, 1));
	assert_true(at.mdl == mdl && at.offset == 0 && at.left == 1);
	assert_true(dma_sg_start(&at, mdl, va + 0x1fff, 9));
	assert_true(at.mdl == mdl && at.offset == 0x1fff && at.left == 9);
	assert_false(dma_sg_start(&at, mdl, va - 1, 1));
	assert_false(dma_sg_start(&at, mdl, va + 0x2000, 1));
	assert_false(dma_sg_start(&at, mdl, NULL, 1));
	assert_false(dma_sg_start(&at, mdl, (void *)~0ull, 1));
}

struct vector {
	uint32_t mdl[2][2]; /* byte offset, byte count; 0 bytes in the second: no second */
	uint32_t offset, length;
	int registers; /* -1: too small */
};

/* Section 1.5, column "strict". */
static const struct vector vectors[] = {
	{{{0, 0x1000}}, 0, 0x1000, 1},
	{{{0, 0x1000}}, 0, 0x1001, -1},
	{{{0, 0x1000}}, 0, 0x2000, -1},
	{{{0, 0x1000}}, 0, 0x2001, -1},
	{{{0x800, 0x800}}, 0, 0x801, -1},
	{{{0x800, 0x800}}, 0, 0x1000, -1},
	{{{0x800, 0x800}}, 0, 0x1001, -1},
	{{{0, 0x64}}, 0, 0x65, -1},
	{{{0, 0x64}}, 0, 0x1064, -1},
	{{{0, 0x64}}, 0, 0x1065, -1},
	{{{0xfff, 2}}, 0, 2, 2},
	{{{0xfff, 1}}, 0, 2, -1},
	{{{0, 0x1000}, {0x10, 0x10}}, 0, 0x1010, 2},
	{{{0, 0x1000}, {0x10, 0x10}}, 0, 0x1011, -1},
	{{{0xff0, 0x20}, {0xff8, 0x10}}, 0, 0x30, 4},
	{{{0, 0x2000}}, 1, 0x1fff, 2},
	{{{0, 0x2000}}, 0x1fff, 1, 1},
	{{{0, 0x2000}}, 1, 0x2000, -1},
	{{{0, 0x11000}}, 0, 0x11000, 17},
	{{{1, 0x10000}}, 0, 0x10000, 17},
	{{{0, 0}}, 0, 0, 0},
	{{{0x123, 0}}, 0, 0, 0},
	{{{0x10, 0x10}}, 4, 0, 0},
};

static void registers_are_those_of_the_specification(void **state)
{
	for (unsigned n = 0; n < array_size(vectors); n++) {
		const struct vector *v = &vectors[n];
		struct chain chain = {0};
		struct dma_sg_cursor at;
		uint64_t short_by, registers;

		chain_add(&chain, (char *)0x10000 + v->mdl[0][0], v->mdl[0][1]);
		if (v->mdl[1][1])
			chain_add(&chain, (char *)0x90000 + v->mdl[1][0], v->mdl[1][1]);
		at = (struct dma_sg_cursor){&chain.part[0].mdl, v->offset, v->length};
		registers = dma_sg_registers(&at, &short_by);
		if ((short_by != 0) != (v->registers < 0) ||
			(v->registers >= 0 && registers != (uint64_t)v->registers))
			fail_msg("vector %u: %llu registers, short by %llu", n,
				(unsigned long long)registers, (unsigned long long)short_by);
	}
}

static void registers_tell_by_how_much_the_chain_is_short(void **state)
{
	struct chain chain = {0};
	struct dma_sg_cursor at;
	uint64_t short_by;

	chain_add(&chain, (char *)0x10ff0, 0x20);
	chain_add(&chain, (char *)0x20000, 0);
	chain_add(&chain, (char *)0x30ff8, 0x10);
	at = (struct dma_sg_cursor){&chain.part[0].mdl, 8, 0x100};
	/* Two pages of each MDL; 0x18 + 0x10 bytes of the 0x100. */
	assert_int_equal(dma_sg_registers(&at, &short_by), 4);
	assert_int_equal(short_by, 0x100 - 0x28);
	/* From the end of an MDL, where a builder may have stopped, and from past it. */
	for (uint64_t offset = 0x20; offset < 0x28; offset++) {
		at = (struct dma_sg_cursor){&chain.part[0].mdl, offset, 0x100};
		assert_int_equal(dma_sg_registers(&at, &short_by), 2);
		assert_int_equal(short_by, 0x100 - 0x10);
	}
}

/* pages are counted for each MDL, elements are merged all the same (MR-4). */
static void adjacent_mdls_count_apart_and_merge(void **state)
{
	const struct dma_sg_limits none = {~0ull, 0, 0, 0};
	struct chain chain = {0};
	struct dma_sg_cursor at;
	uint64_t short_by;
	uint32_t count;

	chain_add(&chain, (char *)0x10000, 0x800)[0] = 0x77;
	chain_add(&chain, (char *)0x10800, 0x800)[0] = 0x77;
	dma_sg_start(&at, &chain.part[0].mdl, (char *)0x10000, 0x1000);
	assert_int_equal(dma_sg_registers(&at, &short_by), 2);
	assert_int_equal(dma_sglist_build(&at, &none, whole, 9, &count), DMA_SG_DONE);
	assert_int_equal(count, 1);
	assert_int_equal(whole[0].Address.QuadPart, 0x77000);
	assert_int_equal(whole[0].Length, 0x1000);
}

static void circle_of_empty_mdls_ends(void **state)
{
	const struct dma_sg_limits none = {~0ull, 0, 0, 0};
	struct chain chain = {0};
	struct dma_sg_cursor at, again;
	uint64_t short_by;
	uint32_t count;

	chain_add(&chain, (char *)0x10000, 0x10)[0] = 1;
	chain_add(&chain, (char *)0x20000, 0);
	chain_add(&chain, (char *)0x30000, 0);
	chain.part[2].mdl.Next = &chain.part[1].mdl;
	dma_sg_start(&at, &chain.part[0].mdl, (char *)0x10000, 0x11);
	assert_int_equal(dma_sg_registers(&at, &short_by), 1);
	assert_int_equal(short_by, 1);
	assert_int_equal(dma_sglist_build(&at, &none, whole, 9, &count), DMA_SG_END);
	assert_int_equal(at.left, 1);
	/* The end stays the end. */
	again = at;
	assert_int_equal(dma_sglist_build(&again, &none, whole, 9, &count), DMA_SG_END);
	assert_int_equal(count, 0);
	assert_int_equal(again.left, 1);
}

static void nothing_is_written_past_the_room(void **state)
{
	static const PFN_NUMBER frames[PAGES] = {1, 3, 5, 7};
	const struct dma_sg_limits none = {~0ull, 0, 0, 0};
	struct chain chain = {0};
	struct dma_sg_cursor at;
	uint32_t count;

	memcpy(chain_add(&chain, (void *)0x10000, WORLD), frames, sizeof(frames));
	for (uint32_t room = 0; room < PAGES; room++) {
		memset(whole, 0x5a, sizeof(whole[0]) * 6);
		memset(pieces, 0x5a, sizeof(pieces[0]));
		dma_sg_start(&at, &chain.part[0].mdl, (void *)0x10000, WORLD);
		assert_int_equal(dma_sglist_build(&at, &none, whole, room, &count), DMA_SG_FULL);
		assert_int_equal(count, room);
		assert_int_equal(at.left, WORLD - room * PAGE);
		for (uint32_t n = room; n < 6; n++)
			assert_memory_equal(&whole[n], pieces, sizeof(whole[n]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_world_of_contiguous_memory),
		cmocka_unit_test(small_world_of_scattered_memory),
		cmocka_unit_test(small_world_of_high_memory),
		cmocka_unit_test(small_world_of_all_neighbourhoods),
		cmocka_unit_test(small_world_of_unlike_mdls),
		cmocka_unit_test(frames_at_the_end_of_the_address_space),
		cmocka_unit_test(element_ends_exactly_at_four_gigabytes),
		cmocka_unit_test(chain_of_more_than_four_gigabytes),
		cmocka_unit_test(start_takes_the_bytes_of_the_first_mdl_and_no_others),
		cmocka_unit_test(registers_are_those_of_the_specification),
		cmocka_unit_test(registers_tell_by_how_much_the_chain_is_short),
		cmocka_unit_test(adjacent_mdls_count_apart_and_merge),
		cmocka_unit_test(circle_of_empty_mdls_ends),
		cmocka_unit_test(nothing_is_written_past_the_room),
	};

	int failed = 0;

	/* All of it with each set of instructions that this processor has. */
	for (enum dma_simd simd = DMA_SIMD_PORTABLE; simd <= DMA_SIMD_AVX512; simd++)
		if (dma_sg_simd_select(simd) == simd)
			failed += cmocka_run_group_tests(tests, NULL, NULL);
	return failed;
}
