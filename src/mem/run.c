/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Runs of free pages in a bitmap (space.h): a bit is set while its page is in use.
 */
#include "mem/space.h"

static void run_mark(uint64_t *map, uint64_t index, uint64_t run, bool used)
{
	for (uint64_t i = index; i < index + run; i++) {
		if (used)
			map[i / 64] |= 1ull << (i % 64);
		else
			map[i / 64] &= ~(1ull << (i % 64));
	}
}

uint64_t mem_run_take(uint64_t *map, uint64_t first, uint64_t bits, uint64_t run)
{
	uint64_t found = 0;

	for (uint64_t i = first; i < bits; i++) {
		if (i % 64 == 0 && map[i / 64] == ~0ull) {
			found = 0;
			i += 63;
			continue;
		}
		found = map[i / 64] >> (i % 64) & 1 ? 0 : found + 1;
		if (found == run) {
			run_mark(map, i + 1 - run, run, true);
			return i + 1 - run;
		}
	}
	return MEM_NO_ADDRESS;
}

void mem_run_give(uint64_t *map, uint64_t index, uint64_t run)
{
	run_mark(map, index, run, false);
}
