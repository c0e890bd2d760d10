/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Makes random cases from a seed, lets the DMA layer work on them, and writes case and result to
 * standard output for the oracle (sglist.py), which alone judges. Here stand the cases of the pure
 * builder; case_transfer.c has those that go through the engines.
 *
 *	oracle-cases SEED CASES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case.h"
#include "machine.h"

#define RECORD_WORDS 65536
#define ELEMENTS     2000u
#define SHORT	     (18u * 4096) /* bytes of an MDL */

static uint64_t record[RECORD_WORDS], words, state;

void case_word(uint64_t word)
{
	if (words == RECORD_WORDS) {
		fprintf(stderr, "oracle-cases: a record is too long\n");
		abort();
	}
	record[words++] = word;
}

void case_begin(enum case_kind kind)
{
	words = 1;
	case_word(kind);
}

void case_end(void)
{
	record[0] = words;
	if (fwrite(record, sizeof(*record), words, stdout) != words) {
		perror("oracle-cases");
		exit(1);
	}
}

void case_chain(const struct chain *chain)
{
	case_word(chain->parts);
	for (unsigned n = 0; n < chain->parts; n++) {
		const MDL *mdl = &chain->part[n].mdl;
		uint32_t pages = (mdl->ByteOffset + mdl->ByteCount + 4095) / 4096;

		case_word(mdl->ByteOffset);
		case_word(mdl->ByteCount);
		for (uint32_t page = 0; page < pages; page++)
			case_word(chain->part[n].frames[page]);
	}
}

void case_elements(const SCATTER_GATHER_ELEMENT *element, uint32_t count)
{
	case_word(count);
	for (uint32_t n = 0; n < count; n++) {
		case_word((uint64_t)element[n].Address.QuadPart);
		case_word(element[n].Length);
	}
}

/* splitmix64 */
uint64_t case_random(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* ---- the builder ---- */

/* The frame after `last`, which is its neighbour in so many of 64 cases. */
static uint64_t frame_next(uint64_t last, uint32_t neighbours)
{
	unsigned kind = below(64);

	if (below(64) < neighbours)
		return last + 1;
	if (kind < 40)
		return last + 2;
	if (kind < 48)
		return last + 2 + below(3);
	if (kind < 52)
		return last - below(3);
	if (kind < 62)
		return below(1u << 22);
	return kind == 62 ? (1ull << 52) - 2 + below(4) : case_random();
}

static uint32_t random_offset(void)
{
	static const uint32_t offsets[] = {0, 1, 7, 0x1ff, 0x200, 0xfff};

	return one_in(2) ? offsets[below(array_size(offsets))] : below(4096);
}

/* Mostly something near a page border. */
static uint32_t random_bytes(uint32_t offset, uint32_t most)
{
	uint32_t pages = 1 + below(most > SHORT ? 280 : 5), bytes;

	if (one_in(12))
		return 0;
	bytes = one_in(2) ? below(4096 * pages) : 4096 * pages - offset + below(3) - 1;
	return min_of(bytes, most);
}

static void random_chain(struct chain *chain, uint64_t frame, uint32_t most)
{
	static const uint32_t neighbours[] = {0, 16, 40, 56, 63};
	uint32_t near = neighbours[below(array_size(neighbours))];
	unsigned parts = one_in(2) ? 1 : 1 + below(4);

	chain_clear(chain);
	while (parts--) {
		uint32_t offset = random_offset(), bytes = random_bytes(offset, most);
		PPFN_NUMBER frames =
			chain_add(chain, (char *)0xffff800000010000ull + offset, bytes);

		for (uint32_t n = 0; n * 4096 < offset + bytes; n++)
			frame = frames[n] = frame_next(frame, near);
	}
}

static struct dma_sg_limits random_limits(unsigned *width)
{
	static const uint32_t lengths[] = {
		0x200, 0x1000, 0x1001, 0x1fff, 0x2000, 0x20000, 0x3000, 0x10000};
	struct dma_sg_limits limits = {.max_address = ~0ull};

	*width = one_in(3) ? 1 + below(64) : 64;
	if (*width < 64)
		limits.max_address = (1ull << *width) - 1;
	if (one_in(3))
		limits.max_length = one_in(2) ? lengths[below(array_size(lengths))]
					      : below(1u << (1 + below(16)));
	if (one_in(3))
		limits.boundary = 1ull << below(one_in(4) ? 64 : 18);
	if (one_in(4))
		limits.alignment = 1u << below(one_in(2) ? 4 : 14);
	return limits;
}

/* So few bytes that the list fits, whatever the limits. */
static uint32_t most_bytes(const struct dma_sg_limits *limits)
{
	uint64_t element = limits->max_length ? limits->max_length : 65536;

	if (limits->boundary)
		element = min_of(element, limits->boundary);
	return (uint32_t)min_of(element * (ELEMENTS / 8), one_in(16) ? 16 * SHORT : SHORT);
}

static void build_case(void)
{
	static SCATTER_GATHER_ELEMENT out[ELEMENTS];
	unsigned width;
	struct dma_sg_limits limits = random_limits(&width);
	uint32_t room = one_in(4) ? 1 + below(6) : ELEMENTS, count;
	struct dma_sg_cursor at;
	enum dma_sg_result result;
	uint64_t start = 0, want = 0, short_by, frame = below(1u << 22);
	struct chain chain;
	bool is_inside;
	PMDL mdl = &chain.part[0].mdl;

	/* Often around the end of what the device reaches. */
	if (width > 14 && width < 64 && one_in(2))
		frame = (1ull << (width - 12)) - 1 - below(4);
	random_chain(&chain, frame, most_bytes(&limits));
	if (one_in(4))
		start = below(mdl->ByteCount + 3) - (uint64_t)one_in(50);
	for (unsigned n = 0; n < chain.parts; n++)
		want += chain.part[n].mdl.ByteCount;
	want = one_in(3) ? below((uint32_t)want + 1) : want - min_of(start, want) + one_in(9);

	case_begin(CASE_BUILD);
	case_word(dma_sg_simd_select(DMA_SIMD_PORTABLE + below(3)));
	case_word(limits.max_address);
	case_word(limits.max_length);
	case_word(limits.boundary);
	case_word(limits.alignment);
	case_chain(&chain);
	case_word(start);
	case_word(want);
	is_inside = dma_sg_start(
		&at, mdl, (void *)((uintptr_t)MmGetMdlVirtualAddress(mdl) + start), want);
	case_word(is_inside);
	if (is_inside) {
		case_word(dma_sg_registers(&at, &short_by));
		case_word(short_by);
		do {
			memset(out, 0xa5, min_of(room, 8u) * sizeof(*out));
			result = dma_sglist_build(&at, &limits, out, room, &count);
			case_word(room);
			case_word(result);
			case_word(at.left);
			case_elements(out, count);
		} while (result == DMA_SG_FULL && count);
	}
	case_end();
}

int main(int argc, char **argv)
{
	uint64_t cases, built;

	if (argc != 3) {
		fprintf(stderr, "usage: oracle-cases SEED CASES\n");
		return 2;
	}
	state = strtoull(argv[1], NULL, 0);
	cases = strtoull(argv[2], NULL, 0);
	built = cases / 2;
	for (uint64_t n = 0; n < built; n++)
		build_case();
	case_transfers(cases - built);
	return fflush(stdout) ? 1 : 0;
}
