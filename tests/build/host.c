/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Loads an object of dryport-build without a machine around it and calls its DriverEntry with a
 * number: host OBJECT [NUMBER]. Prints what could not be loaded, what is missing, and what
 * DriverEntry answers; status 0 if that is 0.
 */
#include "loader/loader.h"
#include "util/error.h"

#include <ntddk.h>
#include <stdio.h>
#include <stdlib.h>

typedef LONG NTAPI entry_fn(ULONG_PTR number, void *unused);

int main(int argc, char **argv)
{
	struct loader_image *image;
	entry_fn *entry;
	const char *name;
	LONG result;

	setbuf(stdout, NULL);
	if (loader_load(argv[1], &image) < 0) {
		printf("error: %s\n", error_text());
		return 1;
	}
	for (unsigned n = 0; (name = loader_missing(image, n)); n++)
		printf("missing: %s\n", name);
	entry = (entry_fn *)loader_entry(image);
	result = entry(argc > 2 ? strtoul(argv[2], NULL, 0) : 0, NULL);
	printf("%s: %d\n", loader_name(image), result);
	loader_unload(image);
	return result != 0;
}
