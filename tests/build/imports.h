/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A loader of one page for tests of what dryport-build makes: it fills a driver's imports from the
 * test's own table, so that the test stands on nothing of dryport but the object's format.
 */
#ifndef TEST_IMPORTS_H
#define TEST_IMPORTS_H

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct import_row {
	const char *name;
	void *slot;
	uint64_t kind;
};

struct test_export {
	const char *name;
	void *address;
};

/* DriverEntry of the object; ends the program when an import is not in the table. */
static void *driver_load(const char *path, const struct test_export *exports)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	struct import_row *row = handle ? dlsym(handle, "dryport_imports") : NULL;

	if (!row) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	for (; row->name; row++) {
		for (const struct test_export *e = exports; e->name && !row->slot; e++)
			if (!strcmp(e->name, row->name))
				row->slot = e->address;
		if (!row->slot) {
			fprintf(stderr, "%s: %s is not in the test's table\n", path, row->name);
			exit(2);
		}
	}
	return dlsym(handle, "DriverEntry");
}

#endif
