/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* See run_map.h. A run may lie across words: it is claimed word by word, and undone if another
 * processor was faster at one of them. */
#include "dma/run_map.h"
#include "cpu/cpu.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int run_map_init(struct run_map *map, uint32_t size)
{
	memset(map, 0, sizeof(*map));
	map->word = calloc((size + 63) / 64, sizeof(*map->word));
	if (!map->word)
		return error_set(ENOMEM, "no memory for %u map registers.", size);
	map->size = size;
	return 0;
}

void run_map_fini(struct run_map *map)
{
	free((void *)map->word);
	memset(map, 0, sizeof(*map));
}

/* The first bit at or behind `at` that is set (or, invert, clear); `end` if there is none. */
static uint32_t bit_find(const struct run_map *map, uint32_t at, uint32_t end, uint64_t invert)
{
	while (at < end) {
		uint64_t word = atomic_load_explicit(&map->word[at / 64], memory_order_relaxed);

		word = (word ^ invert) >> (at % 64);
		if (word)
			return min_of(at + (uint32_t)__builtin_ctzll(word), end);
		at = (at | 63) + 1;
	}
	return end;
}

static bool run_find(
	const struct run_map *map, uint32_t at, uint32_t end, uint32_t count, uint32_t *first)
{
	while (at < end) {
		uint32_t taken;

		at = bit_find(map, at, end, ~0ull);
		if (end - at < count)
			return false;
		taken = bit_find(map, at, at + count, 0);
		if (taken == at + count) {
			*first = at;
			return true;
		}
		at = taken;
	}
	return false;
}

/* The bits of [first, first + count) in the word that `first` lies in. */
static uint64_t mask_of(uint32_t first, uint32_t count, uint32_t *here)
{
	*here = min_of(count, 64 - first % 64);
	return (*here == 64 ? ~0ull : (1ull << *here) - 1) << (first % 64);
}

static void bits_clear(struct run_map *map, uint32_t first, uint32_t count)
{
	while (count) {
		uint32_t here;
		uint64_t mask = mask_of(first, count, &here);
		uint64_t before = atomic_fetch_and(&map->word[first / 64], ~mask);

		if (unlikely((before & mask) != mask))
			cpu_die("map registers %u to %u are given back, but not all of them were "
				"taken",
				first, first + here - 1);
		first += here;
		count -= here;
	}
}

static bool bits_set(struct run_map *map, uint32_t first, uint32_t count)
{
	uint32_t at = first, left = count;

	while (left) {
		uint32_t here;
		uint64_t mask = mask_of(at, left, &here);
		uint64_t before = atomic_load_explicit(&map->word[at / 64], memory_order_relaxed);

		do {
			if (before & mask) {
				bits_clear(map, first, at - first);
				return false;
			}
		} while (
			!atomic_compare_exchange_weak(&map->word[at / 64], &before, before | mask));
		at += here;
		left -= here;
	}
	return true;
}

static bool claim(struct run_map *map, uint32_t from, uint32_t end, uint32_t count, uint32_t *first)
{
	while (run_find(map, from, end, count, first))
		if (bits_set(map, *first, count))
			return true;
	return false;
}

bool run_map_take_in(
	struct run_map *map, uint32_t count, uint32_t from, uint32_t end, uint32_t *first)
{
	uint32_t next = map->rotates ? atomic_load_explicit(&map->next, memory_order_relaxed) : 0;

	end = min_of(end, map->size);
	if (!count || from >= end || count > end - from)
		return false;
	next = next > from && next < end ? next : from;
	if (!claim(map, next, end, count, first) &&
		(next == from || !claim(map, from, end, count, first)))
		return false;
	if (map->rotates)
		atomic_store_explicit(&map->next, *first + count, memory_order_relaxed);
	return true;
}

bool run_map_take(struct run_map *map, uint32_t count, uint32_t end, uint32_t *first)
{
	return run_map_take_in(map, count, 0, end, first);
}

void run_map_give(struct run_map *map, uint32_t first, uint32_t count)
{
	bits_clear(map, first, count);
}

uint32_t run_map_taken(const struct run_map *map)
{
	uint32_t taken = 0;

	for (uint32_t n = 0; n < (map->size + 63) / 64; n++)
		taken += (uint32_t)__builtin_popcountll(
			atomic_load_explicit(&map->word[n], memory_order_relaxed));
	return taken;
}
