/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The small world that small_world.c (the builder) and small_engines.c go through: up to four
 * pages, six offsets, and what lies at, before or after a border.
 */
#ifndef DRY_TESTS_SMALL_WORLD_H
#define DRY_TESTS_SMALL_WORLD_H

#include "sg_chain.h"
#include "util/common.h"

#define PAGE  4096u
#define PAGES 4u
#define WORLD (PAGES * PAGE)
#ifdef DRY_ASAN /* slow */
#define PATTERN_STEP 3
#else
#define PATTERN_STEP 1
#endif

static const uint32_t offsets[] = {0, 1, 7, 0x1ff, 0x200, 0xfff};

/* A set of numbers up to the world's size, and the way from one to the next larger one. */
struct marks {
	bool is_in[WORLD + 2];
};

/* What lies at, before and after a border, between first and last. */
static void mark_border(struct marks *marks, uint32_t at, uint32_t first, uint32_t last)
{
	for (int64_t n = (int64_t)at - 1; n <= (int64_t)at + 1; n++)
		if (n >= first && n <= last)
			marks->is_in[n] = true;
}

/* Borders of pages, of the bytes from offset on. */
static void mark_pages(struct marks *marks, uint32_t offset, uint32_t first, uint32_t last)
{
	for (uint32_t at = PAGE; at <= WORLD; at += PAGE)
		if (at >= offset)
			mark_border(marks, at - offset, first, last);
}

static uint32_t mark_next(const struct marks *marks, uint32_t n)
{
	while (n < WORLD + 1 && !marks->is_in[n])
		n++;
	return n;
}

static void add_part(struct chain *chain, const PFN_NUMBER *frames, uint32_t first, uint32_t count)
{
	PPFN_NUMBER to = chain_add(chain, (char *)0xffff800000010000ull + first % PAGE, count);

	for (uint32_t n = 0; n * PAGE < first % PAGE + count; n++)
		to[n] = frames[first / PAGE + n];
}

/* The bytes [offset, offset + length) of the pages, cut before each of these positions. */
static void make_chain(struct chain *chain, const PFN_NUMBER *frames, uint32_t offset,
	uint32_t length, const uint32_t *cuts, unsigned count)
{
	uint32_t at = 0;

	chain_clear(chain);
	for (unsigned n = 0; n < count; n++) {
		add_part(chain, frames, offset + at, cuts[n] - at);
		at = cuts[n];
	}
	add_part(chain, frames, offset + at, length - at);
}

#endif
