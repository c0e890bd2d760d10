/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A loaded driver, private to the loader: elf.c makes it, missing.c fills the gaps in its imports,
 * symbolize.c finds code in it.
 */
#ifndef DRY_LOADER_IMAGE_H
#define DRY_LOADER_IMAGE_H

#include "loader/loader.h"

struct loader_image {
	char *path; /* absolute */
	char *name;
	void *handle;	     /* dlopen's */
	uintptr_t base, end; /* where its code and data lie */
	uintptr_t bias;	     /* what was added to the addresses in the file */
	void *entry;
	struct loader_import *imports;
	const char **missing; /* ended by NULL */
	/* its segments, which bear frames */
	struct {
		void *start;
		uint64_t bytes;
		bool is_writable;
	} segment[8];
	unsigned segment_count;
	bool has_frames;
	/* one inaccessible page for each imported variable that we lack */
	char *holes;
	size_t holes_bytes;
	/* code for each imported routine that we lack */
	uint8_t *stubs;
	size_t stubs_bytes;
	struct call_record *calls; /* calls.c; NULL: nobody counts */
	size_t calls_bytes;
	struct loader_image *next;
};

/* All that are loaded; changes only while no machine runs. */
extern struct loader_image *loader_images;

/* Whatever slot is still NULL gets what tells of its use. Errors with error_set. */
int loader_missing_fill(struct loader_image *image);
/* At the image's end. */
void loader_missing_end(struct loader_image *image);
void loader_calls_end(struct loader_image *image);

#endif
