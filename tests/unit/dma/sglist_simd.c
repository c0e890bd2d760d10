/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The list builder with each set of instructions that this processor has, against the portable one,
 * which sglist.c holds against a walk byte by byte: long lists of all layouts, limits that cut,
 * frames that are none, chains, portions. And that it keeps to its arrays: nothing before or behind
 * the frames is read, nothing behind the room is written.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>

#define CHAIN_PAGES 320

#include "dma/sglist.h"
#include "sg_chain.h"

#define PAGE	     4096u
#define PAGES_MAX    300u
#define ELEMENTS_MAX 16384u
#define CASES	     30000u
#define BEHIND	     16u /* elements behind the room */

static SCATTER_GATHER_ELEMENT expected[ELEMENTS_MAX], got[ELEMENTS_MAX + BEHIND];
static struct chain chain;
static uint64_t random_state;

static uint64_t draw(uint64_t below)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 32) % below;
}

/* ---- the same elements ---- */

/* Frames of one kind: contiguous, scattered, short runs, long runs, or with numbers that are no
 * frames between them. */
static void draw_frames(PFN_NUMBER *frames, uint32_t count, unsigned kind, PFN_NUMBER last)
{
	static const PFN_NUMBER odd[] = {
		0, 1, (1ull << 52) - 2, (1ull << 52) - 1, 1ull << 52, ~0ull - 1, ~0ull, 0x1ffff};
	static const unsigned ends_in[] = {1u << 30, 1, 4, 60, 8};

	for (uint32_t n = 0; n < count; n++) {
		bool goes_on = draw(ends_in[kind]) != 0;

		frames[n] = last = goes_on ? last + 1 : draw(1 << 21);
		if (kind == 4 && !goes_on && draw(4) == 0)
			frames[n] = last = odd[draw(array_size(odd))];
	}
}

static struct dma_sg_limits draw_limits(void)
{
	struct dma_sg_limits limits = {.max_address = ~0ull};

	if (draw(3) == 0)
		return limits;
	if (draw(4) == 0)
		limits.max_address = (2ull << (11 + draw(53))) - 1 - draw(2) * draw(PAGE + 2);
	if (draw(2) == 0)
		limits.max_length = (uint32_t)(draw(4) ? PAGE << draw(8) : 1 + draw(40 * PAGE));
	if (draw(2) == 0)
		limits.boundary = 1ull << (draw(8) ? 12 + draw(12) : draw(64));
	if (draw(4) == 0)
		limits.alignment = 1u << draw(14);
	return limits;
}

/* Returns the bytes of the chain. */
static uint64_t draw_chain(void)
{
	uint32_t most = draw(2) ? PAGES_MAX : 40;
	unsigned parts = draw(3) ? 1 : 1 + (unsigned)draw(CHAIN_MDLS);
	PFN_NUMBER last = draw(1 << 21);
	uint64_t all = 0;

	chain_clear(&chain);
	for (unsigned n = 0; n < parts; n++) {
		uint32_t pages = 1 + (uint32_t)draw(most);
		uint32_t offset = draw(3) ? 0 : (uint32_t)draw(PAGE);
		uint32_t bytes = pages * PAGE - offset;
		PPFN_NUMBER frames;

		if (draw(3) == 0)
			bytes -= (uint32_t)draw(min_of(bytes, PAGE));
		frames = chain_add(&chain, (char *)0x10000000 + offset, bytes);
		draw_frames(frames, pages, (unsigned)draw(5), last);
		last = frames[pages - 1];
		all += bytes;
	}
	return all;
}

/* All of the chain, `room` elements at a time. Returns the elements; *left is what was not
 * described. */
static uint32_t build(const struct dma_sg_limits *limits, uint64_t start, uint64_t bytes,
	uint32_t room, SCATTER_GATHER_ELEMENT *out, enum dma_sg_result *result, uint64_t *left)
{
	static const SCATTER_GATHER_ELEMENT untouched = {.Reserved = 0x5a5a};
	PMDL mdl = &chain.part[0].mdl;
	struct dma_sg_cursor at;
	uint32_t sum = 0, count;

	assert_true(dma_sg_start(&at, mdl, (char *)MmGetMdlVirtualAddress(mdl) + start, bytes));
	do {
		uint32_t here = min_of(room, ELEMENTS_MAX - sum);

		for (uint32_t n = 0; n < BEHIND; n++)
			got[sum + here + n] = untouched;
		*result = dma_sglist_build(&at, limits, got + sum, here, &count);
		assert_true(count <= here);
		for (uint32_t n = 0; n < BEHIND; n++)
			assert_memory_equal(&got[sum + here + n], &untouched, sizeof(untouched));
		sum += count;
	} while (*result == DMA_SG_FULL && count && sum < ELEMENTS_MAX);
	*left = at.left;
	if (out)
		memcpy(out, got, sum * sizeof(*got));
	return sum;
}

static void compare(uint32_t count, uint32_t expected_count, uint64_t number)
{
	if (count != expected_count)
		fail_msg("case %llu: %u elements, expected %u", (unsigned long long)number, count,
			expected_count);
	for (uint32_t n = 0; n < count; n++)
		if (got[n].Address.QuadPart != expected[n].Address.QuadPart ||
			got[n].Length != expected[n].Length || got[n].Reserved)
			fail_msg("case %llu: element %u is 0x%llx + 0x%x, expected 0x%llx + 0x%x",
				(unsigned long long)number, n,
				(unsigned long long)got[n].Address.QuadPart, got[n].Length,
				(unsigned long long)expected[n].Address.QuadPart,
				expected[n].Length);
}

/* One after the other, those that this processor has. */
static bool next_simd(enum dma_simd *simd)
{
	while (++*simd <= DMA_SIMD_AVX512)
		if (dma_sg_simd_select(*simd) == *simd)
			return true;
	dma_sg_simd_select(DMA_SIMD_AUTO);
	return false;
}

static void random_chains_give_the_same_elements_with_all_instructions(void **state)
{
	for (uint64_t number = 1; number <= CASES; number++) {
		enum dma_simd simd = DMA_SIMD_PORTABLE;
		enum dma_sg_result result, expected_result;
		struct dma_sg_limits limits;
		uint64_t bytes, start, left, expected_left;
		uint32_t count, portions[3] = {0, 1 + (uint32_t)(number % 97), 0};

		random_state = number;
		limits = draw_limits();
		bytes = draw_chain();
		start = draw(2) ? 0 : draw(chain.part[0].mdl.ByteCount);
		bytes = draw(8) ? bytes - start : bytes - start + draw(3 * PAGE);
		dma_sg_simd_select(DMA_SIMD_PORTABLE);
		count = build(&limits, start, bytes, ELEMENTS_MAX, expected, &expected_result,
			&expected_left);
		/* as much room as it takes, much less, and more than that */
		portions[0] = count ? count : 1;
		portions[2] = ELEMENTS_MAX;
		while (next_simd(&simd))
			for (unsigned p = 0; p < array_size(portions); p++) {
				uint32_t sum = build(
					&limits, start, bytes, portions[p], NULL, &result, &left);

				assert_int_equal(result, expected_result);
				assert_int_equal(left, expected_left);
				compare(sum, count, number);
			}
	}
}

/* dma_sg_add, part after part: what was cut between pages and inside them is merged again (MR-4).
 */
static void parts_of_an_array_give_the_same_elements_as_the_whole(void **state)
{
	static PFN_NUMBER frames[PAGES_MAX];

	for (uint64_t number = 1; number <= CASES; number++) {
		uint32_t pages = 1 + (uint32_t)(number % PAGES_MAX);
		uint64_t bytes = (uint64_t)pages * PAGE, done, at = 0;
		enum dma_sg_result result, expected_result;
		enum dma_simd simd = DMA_SIMD_PORTABLE;
		struct dma_sg_builder builder;
		struct dma_sg_limits limits;

		random_state = number;
		limits = draw_limits();
		draw_frames(frames, pages, (unsigned)draw(5), draw(1 << 21));
		dma_sg_simd_select(DMA_SIMD_PORTABLE);
		dma_sg_begin(&builder, &limits, expected, ELEMENTS_MAX);
		expected_result = dma_sg_add(&builder, frames, 0, bytes, &done);
		while (next_simd(&simd)) {
			struct dma_sg_builder other;

			dma_sg_begin(&other, &limits, got, ELEMENTS_MAX);
			for (at = 0, result = DMA_SG_DONE; at < bytes && result == DMA_SG_DONE;) {
				uint64_t more =
					draw(2) ? PAGE * (1 + draw(pages)) : 1 + draw(bytes);
				uint64_t part;

				more = min_of(more, bytes - at);
				result = dma_sg_add(
					&other, frames + at / PAGE, at % PAGE, more, &part);
				at += part;
			}
			assert_int_equal(result, expected_result);
			assert_int_equal(at, done);
			compare(other.count, builder.count, number);
		}
	}
}

/* ---- the arrays ---- */

/* `bytes` of memory with nothing mapped before it and behind it. */
static char *map_alone(size_t bytes)
{
	char *memory = mmap(NULL, bytes + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	assert_int_equal(mprotect(memory + PAGE, bytes, PROT_READ | PROT_WRITE), 0);
	return memory + PAGE;
}

static void check_array(const PFN_NUMBER *frames, uint32_t pages, char *out_end, uint64_t number)
{
	const struct dma_sg_limits limits[] = {
		{~0ull, 0, 0, 0}, {~0ull, 8 * PAGE, 0, 0}, {~0ull, 0, 16 * PAGE, 0}};

	for (unsigned l = 0; l < array_size(limits); l++) {
		enum dma_simd simd = DMA_SIMD_PORTABLE;
		struct dma_sg_builder builder;
		uint64_t bytes = (uint64_t)pages * PAGE, done;
		uint32_t count;

		dma_sg_simd_select(DMA_SIMD_PORTABLE);
		dma_sg_begin(&builder, &limits[l], expected, ELEMENTS_MAX);
		assert_int_equal(dma_sg_add(&builder, frames, 0, bytes, &done), DMA_SG_DONE);
		count = builder.count;
		while (next_simd(&simd)) {
			SCATTER_GATHER_ELEMENT *out = (SCATTER_GATHER_ELEMENT *)out_end - count;

			/* The room is what it takes, and one less. */
			dma_sg_begin(&builder, &limits[l], out, count);
			assert_int_equal(
				dma_sg_add(&builder, frames, 0, bytes, &done), DMA_SG_DONE);
			memcpy(got, out, count * sizeof(*out));
			compare(builder.count, count, number);
			dma_sg_begin(&builder, &limits[l], out + 1, count - 1);
			assert_int_equal(
				dma_sg_add(&builder, frames, 0, bytes, &done), DMA_SG_FULL);
			memcpy(got, out + 1, (count - 1) * sizeof(*out));
			compare(builder.count, count - 1, number);
		}
	}
}

static void nothing_outside_the_arrays_is_touched(void **state)
{
	const size_t size = 2 * PAGE;
	char *frames_at = map_alone(size), *out = map_alone(size);

	for (uint32_t pages = 1; pages <= PAGES_MAX; pages++)
		for (unsigned kind = 0; kind < 4; kind++) {
			PFN_NUMBER *first = (PFN_NUMBER *)frames_at;
			PFN_NUMBER *last = (PFN_NUMBER *)(frames_at + size) - pages;

			random_state = pages;
			draw_frames(last, pages, kind, 77);
			check_array(last, pages, out + size, pages);
			memmove(first, last, pages * sizeof(*last));
			check_array(first, pages, out + size, pages);
		}
	munmap(frames_at - PAGE, size + 2 * PAGE);
	munmap(out - PAGE, size + 2 * PAGE);
}

/* ---- which ---- */

static void instructions_are_those_wanted_or_the_best_below(void **state)
{
	enum dma_simd best = dma_sg_simd_select(DMA_SIMD_AUTO);

	assert_int_equal(dma_sg_simd_select(DMA_SIMD_PORTABLE), DMA_SIMD_PORTABLE);
	assert_int_equal(dma_sg_simd_select(DMA_SIMD_AVX512), best);
	assert_int_equal(dma_sg_simd_select(DMA_SIMD_AVX2), min_of(best, DMA_SIMD_AVX2));
	assert_int_equal(dma_sg_simd_select(DMA_SIMD_AUTO), best);
	if (best < DMA_SIMD_AVX512)
		print_message("not applicable: this processor has no AVX-512: compared are the "
			      "instructions up to %s\n",
			best == DMA_SIMD_AVX2 ? "AVX2" : "the portable ones");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_chains_give_the_same_elements_with_all_instructions),
		cmocka_unit_test(parts_of_an_array_give_the_same_elements_as_the_whole),
		cmocka_unit_test(nothing_outside_the_arrays_is_touched),
		cmocka_unit_test(instructions_are_those_wanted_or_the_best_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
