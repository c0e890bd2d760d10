/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Fuzz target: the list builder, with each kind of instructions, against the byte-by-byte model of
 * tests/unit/dma/sg_model.h. The input is read as limits, an MDL chain with frames, a place to
 * start and the room for elements; whatever the bytes are, they make a case. Build it with `clang
 * -fsanitize=fuzzer`; replay.c runs the corpus without.
 */
#include <string.h>

#define CHAIN_PAGES 144

#include "dma/sglist.h"
#include "input.h"
#include "sg_model.h"
#include "sg_chain.h"

#define PAGE	    4096u
#define MDL_BYTES   (16 * PAGE)
#define LONG_BYTES  (140 * PAGE) /* of one MDL: more than a tile of sglist_avx2.c */
#define PARTS	    400		 /* of one list, that are looked at */
#define CHAIN_BYTES (CHAIN_MDLS * MDL_BYTES + LONG_BYTES)

static struct chain chain;
static struct model_byte bytes[CHAIN_BYTES];
static uint64_t registers_at[CHAIN_BYTES + 1]; /* map registers of the first n bytes */
static struct model_element expected[CHAIN_BYTES];
static SCATTER_GATHER_ELEMENT got[CHAIN_BYTES];

static struct dma_sg_limits take_limits(struct input *in)
{
	static const uint64_t reaches[] = {~0ull, 0xffffffff, 0xfffff, 0, 0xfff, 0x123456};
	struct dma_sg_limits limits = {0};
	unsigned shift = take(in, 1) % 34, code;

	limits.boundary = shift ? 1ull << (shift - 1) : 0;
	code = take(in, 1);
	limits.alignment = code % 16 ? 1u << (code % 16 - 1) : 0;
	limits.max_length = take(in, 2) << (code < 128 ? 0 : 8);
	shift = take(in, 1);
	limits.max_address = shift < 64	   ? (2ull << shift) - 1
			     : shift < 128 ? ~0ull
					   : reaches[shift % array_size(reaches)];
	return limits;
}

/* The frame after `last`: mostly its neighbour, sometimes anything. */
static uint64_t take_frame(struct input *in, uint64_t last)
{
	static const uint64_t odd[] = {
		0, (1ull << 52) - 1, 1ull << 52, ~0ull, 0xfffff, 0x100000, 0xff, 1};
	unsigned code = take(in, 1);

	if (code < 160)
		return last + 1;
	if (code < 216)
		return last + code - 160;
	return code < 240 ? last - (code - 216) : odd[code % array_size(odd)];
}

/* The bytes of a page, from the n-th of the chain on, and the map registers up to there. */
static MODEL_UNSEEN void note_bytes(
	uint32_t n, uint64_t frame, uint32_t in_page, uint32_t count, uint64_t registers)
{
	for (uint32_t i = 0; i < count; i++, n++) {
		bytes[n].address = frame * PAGE + in_page + i;
		bytes[n].nowhere = frame >= 1ull << 52;
		registers_at[n + 1] = registers;
	}
}

/* How many bytes an MDL may have; one of them many. */
static uint32_t take_most(struct input *in, bool *has_long)
{
	unsigned code = take(in, 1);

	if (code < 232)
		return 4 * PAGE;
	if (code < 244 || *has_long)
		return MDL_BYTES;
	*has_long = true;
	return LONG_BYTES;
}

/* Returns the bytes of the chain; notes for each one where it lies and what came before it. */
static uint32_t take_chain(struct input *in)
{
	unsigned count = 1 + take(in, 1) % CHAIN_MDLS;
	uint64_t frame = take(in, 2), registers = 0;
	bool has_long = false;
	uint32_t have = 0;

	memset(&chain, 0, sizeof(chain));
	for (unsigned n = 0; n < count; n++) {
		uint32_t offset = take(in, 2) % PAGE, most = take_most(in, &has_long);
		uint32_t size = take(in, most == LONG_BYTES ? 3 : 2) % (most - offset + 1);
		PPFN_NUMBER frames = chain_add(&chain, (char *)0x7ff00000 + offset, size);

		for (uint32_t at = offset; at < offset + size; at = (at | (PAGE - 1)) + 1) {
			uint32_t end = min_of((at | (PAGE - 1)) + 1, offset + size);

			frame = frames[at / PAGE] = take_frame(in, frame);
			note_bytes(have, frame, at % PAGE, end - at, ++registers);
			have += end - at;
		}
	}
	return have;
}

static MODEL_UNSEEN bool is_expected(uint32_t count)
{
	for (uint32_t n = 0; n < count; n++)
		if ((uint64_t)got[n].Address.QuadPart != expected[n].address ||
			got[n].Length != expected[n].length || got[n].Reserved)
			return false;
	return true;
}

/* Against the model's part: expected[], which ended with `wanted`. */
static enum dma_sg_result check_part(struct dma_sg_cursor *at, const struct dma_sg_limits *limits,
	uint32_t room, enum dma_sg_result wanted, uint32_t expected_count, uint64_t described)
{
	uint64_t want = at->left;
	uint32_t count;
	enum dma_sg_result result = dma_sglist_build(at, limits, got, room, &count);

	check(result == wanted, "the result differs");
	check(count == expected_count, "the number of elements differs");
	check(want - at->left == described, "the cursor stands elsewhere");
	check(is_expected(count), "an element differs");
	return result;
}

/* Elements from the cursor on, at most `room` of them. True: there are more. */
static bool check_parts(struct dma_sg_cursor *at, uint32_t *skip, uint32_t have,
	const struct dma_sg_limits *limits, uint32_t room)
{
	enum dma_sg_result wanted;
	struct dma_sg_cursor start = *at;
	uint32_t expected_count;
	uint64_t described;

	wanted = model_build(bytes + *skip, have - *skip, start.left, limits, room, expected,
		&expected_count, &described);
	for (enum dma_simd simd = DMA_SIMD_PORTABLE; simd <= DMA_SIMD_AVX512; simd++) {
		if (dma_sg_simd_select(simd) != simd)
			continue;
		*at = start;
		check_part(at, limits, room, wanted, expected_count, described);
	}
	*skip += (uint32_t)described;
	return wanted == DMA_SG_FULL && room;
}

static void check_registers(const struct dma_sg_cursor *start, uint32_t skip, uint32_t have)
{
	uint64_t covered = min_of(start->left, have - skip), short_by;
	uint64_t registers = dma_sg_registers(start, &short_by);

	check(short_by == start->left - covered, "the bytes that are missing differ");
	/* Pages of the bytes before are counted once more only if the start lies inside one. */
	check(!covered || registers == registers_at[skip + covered] - registers_at[skip + 1] + 1,
		"the map registers differ");
	check(covered || !registers, "no byte has map registers");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct dma_sg_limits limits = take_limits(&in);
	unsigned skip = take(&in, 2), more = take(&in, 1), rooms = take(&in, 1);
	uint32_t have = take_chain(&in);
	struct dma_sg_cursor at;
	PMDL first = &chain.part[0].mdl;

	if (!dma_sg_start(&at, first, (char *)MmGetMdlVirtualAddress(first) + skip, 0)) {
		check(skip >= first->ByteCount, "a byte of the MDL was refused");
		return 0;
	}
	check(skip < first->ByteCount, "a byte past the MDL was taken");
	/* Mostly less than there is, sometimes more. */
	at.left = (uint64_t)(have - skip) * (more + 1) / 224 + (more >= 224);
	check_registers(&at, skip, have);
	rooms = rooms < 128 ? CHAIN_BYTES : rooms - 128;
	/* What is left of it, from where it stopped, as if it had started there. */
	for (unsigned n = 0; n < PARTS && check_parts(&at, &skip, have, &limits, rooms); n++)
		;
	return 0;
}
