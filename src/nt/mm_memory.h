/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The list of ranges that drivers got from Mm (mm_memory.c), shared with mm_pages.c. */
#ifndef DRY_NT_MM_MEMORY_H
#define DRY_NT_MM_MEMORY_H

#include "nt/nt.h"

enum mm_what { MM_CONTIGUOUS, MM_NONCACHED, MM_PAGES };

/* Which physical addresses a caller accepts. */
struct mm_limits {
	uint64_t low, high;
	uint64_t skip;	   /* not 0: also [low, high] moved up by any multiple of it */
	bool contiguous;   /* consecutive; then also: */
	uint64_t align;	   /* starting at a multiple of it; 0: a page */
	uint64_t boundary; /* not across a multiple of it; 0: anywhere */
};

/* bytes of RAM within the limits. NULL if there is none. site: who called, for the report of a
 * leak. */
void *mm_range_new(
	uint64_t bytes, enum mm_what what, const struct mm_limits *limits, uintptr_t site);
/* Frees the range that was handed out at base; its size, 0 if there is none of this kind. */
uint64_t mm_range_free(void *base, enum mm_what what);
/* The size of the range handed out at base, 0 if there is none. */
uint64_t mm_range_bytes(const void *base, enum mm_what what);

#endif
