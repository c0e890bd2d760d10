/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Finds rows of the export table (export.h) by name. The linker leaves the section in link order,
 * so an index sorted by name is made at the first look-up.
 */
#include "util/export.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A program that links no exporting layer has no such section. */
#pragma weak __start_dry_exports
#pragma weak __stop_dry_exports

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static const struct dry_export **index_by_name;
static size_t index_count;

static int index_compare(const void *a, const void *b)
{
	const struct dry_export *const *x = a, *const *y = b;
	int order = strcmp((*x)->name, (*y)->name);

	/* of two rows with one name the first in link order wins */
	return order ? order : (*x > *y) - (*x < *y);
}

static void index_build(void)
{
	size_t count = __stop_dry_exports - __start_dry_exports;
	const struct dry_export **rows = malloc((count + 1) * sizeof(*rows));

	if (!rows)
		abort();
	for (size_t i = 0; i < count; i++)
		rows[i] = &__start_dry_exports[i];
	qsort(rows, count, sizeof(*rows), index_compare);
	index_by_name = rows;
	index_count = count;
}

const struct dry_export *export_find(const char *name)
{
	size_t low = 0, high;

	pthread_once(&index_once, index_build);
	for (high = index_count; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index_by_name[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == index_count || strcmp(index_by_name[low]->name, name))
		return NULL;
	return index_by_name[low];
}
