/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Contiguous runs out of a fixed number of things, one bit each, taken and given back without a
 * lock. Neighbour: map_register.c. */
#ifndef DRY_DMA_RUN_MAP_H
#define DRY_DMA_RUN_MAP_H

#include "util/common.h"

struct run_map {
	_Atomic uint64_t *word; /* bit set: taken */
	uint32_t size;
	bool rotates; /* the search goes on where the last one ended, else it begins at 0 */
	_Atomic uint32_t next;
};

/* -ENOMEM with error_set. All are free. */
int run_map_init(struct run_map *map, uint32_t size);
void run_map_fini(struct run_map *map);
/* Takes `count` neighbours below `end`. False: there are none, or others were at the same words
 * just now; whoever gives back then looks for who waits. */
bool run_map_take(struct run_map *map, uint32_t count, uint32_t end, uint32_t *first);
/* The same inside [from, end). */
bool run_map_take_in(
	struct run_map *map, uint32_t count, uint32_t from, uint32_t end, uint32_t *first);
/* Dies if one of them is not taken. */
void run_map_give(struct run_map *map, uint32_t first, uint32_t count);
/* Counts them. */
uint32_t run_map_taken(const struct run_map *map);

#endif
