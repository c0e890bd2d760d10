/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Numbers drawn from a seed, the same on every machine: SplitMix64 (Steele, Lea, Flood, 2014).
 */
#ifndef DRY_UTIL_RANDOM_H
#define DRY_UTIL_RANDOM_H

#include <stdint.h>

/* The next 64 bits; *state is the seed at first. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* A number below limit (not 0), evenly to within limit / 2^64. */
static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return (uint64_t)(((unsigned __int128)random_next(state) * limit) >> 64);
}

#endif
