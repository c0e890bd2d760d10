/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files of mem/ share. *Places* number everything that bears a frame: first the pages of
 * RAM (the linear zone, then the data zone), then the spare places that range.c lends to memory
 * outside RAM. frame_of leads from place to frame number, mem_index (mem.h) from there to the
 * record.
 */
#ifndef DRY_MEM_SPACE_H
#define DRY_MEM_SPACE_H

#include "mem/mem.h"

#define MEM_SPARE_PLACES 49152ull

struct mem_space {
	int fd;
	uint64_t linear_pages, ram_pages, places;
	bool is_shared;
	bool is_ending; /* mem_end */
};

/* Maps pages that another process has too (mem_config.is_shared), where the places' frames say; the
 * addresses are taken from what was there. 0 or -errno. */
int mem_shared_map(char *base, uint64_t place, uint64_t pages);
/* The same, and what stood at the addresses moves along. */
int mem_shared_move(char *base, uint64_t place, uint64_t pages);

extern struct mem_space mem_space;

/* Numbers the frames of all places by the policy; fills frame_of and the spans of mem_index. */
void mem_frames_draw(enum mem_policy policy, uint64_t seed);

/* The record of a frame number that is in use. */
static inline struct mem_frame *mem_frame_at(uint64_t frame_number)
{
	return (struct mem_frame *)mem_frame_get(frame_number);
}

/* Says whose places [place, place + pages) are. Look-ups may run at the same time. Nothing after
 * mem_end: records lie all over the table, and many runs would each get a copy of it. */
void mem_places_assign(uint64_t place, uint64_t pages, enum mem_kind kind, const void *owner);

/* Gives pages outside RAM that lie side by side spare places; the first, or MEM_NO_ADDRESS. */
uint64_t mem_spare_take(uintptr_t base, uint64_t pages, enum mem_kind kind, const void *owner);
void mem_spare_give(uint64_t place, uint64_t pages);

/* user.c: the place of a locked page of the host's, MEM_NO_ADDRESS if there is none. */
uint64_t mem_user_place(uintptr_t va);
void mem_user_init(void);

void mem_range_init(void);
void mem_range_fini(void);

/* Runs of pages in a bitmap of `bits` bits: first fit. The index, or MEM_NO_ADDRESS. */
uint64_t mem_run_take(uint64_t *map, uint64_t first, uint64_t bits, uint64_t run);
void mem_run_give(uint64_t *map, uint64_t index, uint64_t run);

#endif
