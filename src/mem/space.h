/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files of mem/ share. *Places* number everything that bears a frame: first the pages of
 * RAM (the linear zone, then the data zone), then the spare places that range.c lends to memory
 * outside RAM. frame_of leads from place to frame number; frames from frame number to record,
 * through one subtraction and one comparison for each of the two spans of frame numbers that are in
 * use, below the hole and above 4 GiB.
 */
#ifndef DRY_MEM_SPACE_H
#define DRY_MEM_SPACE_H

#include "mem/mem.h"

#define MEM_SPARE_PLACES 49152ull

struct mem_span {
	uint64_t first, count;
};

struct mem_space {
	char *base; /* of RAM; NULL: no machine lives */
	uint64_t size;
	int fd;
	uint64_t linear_pages, ram_pages, places;
	struct mem_span low, high;
	uint32_t *frame_of;	  /* [places] */
	struct mem_frame *frames; /* [low.count + high.count] */
};

extern struct mem_space mem_space;

/* Numbers the frames of all places by the policy; fills low, high and frame_of. */
void mem_frames_draw(struct mem_space *space, enum mem_policy policy, uint64_t seed);

/* The record of a frame number that is in use. */
static inline struct mem_frame *mem_frame_at(uint64_t frame_number)
{
	uint64_t index = frame_number - mem_space.low.first;

	if (likely(index < mem_space.low.count))
		return &mem_space.frames[index];
	index = frame_number - mem_space.high.first;
	if (likely(index < mem_space.high.count))
		return &mem_space.frames[mem_space.low.count + index];
	return NULL;
}

/* Says whose places [place, place + pages) are. Look-ups may run at the same time. */
void mem_places_assign(uint64_t place, uint64_t pages, enum mem_kind kind, const void *owner);

/* The place of an address outside RAM, MEM_NO_ADDRESS if there is none. */
uint64_t mem_range_place(uintptr_t va);
void mem_range_init(void);
void mem_range_fini(void);

/* Runs of pages in a bitmap of `bits` bits: first fit. The index, or MEM_NO_ADDRESS. */
uint64_t mem_run_take(uint64_t *map, uint64_t first, uint64_t bits, uint64_t run);
void mem_run_give(uint64_t *map, uint64_t index, uint64_t run);

#endif
