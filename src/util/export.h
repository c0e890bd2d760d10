/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The export table: every routine that a miniport may import is one row in the linker section
 * "dry_exports". A row stands beside its routine:
 *
 *	ULONG NTAPI StorPortSomething(...) { ... }
 *	DRY_EXPORT(StorPortSomething)
 *
 * The loader only reads the section; nothing else resolves a driver's imports, libc least of all.
 * A file that exports says which Windows module its names belong to, before it includes this
 *header: #define DRY_MODULE "storport.sys". A routine whose C name must differ from its Windows
 *name (the C library's own names: wcslen, sprintf ...) uses DRY_EXPORT_AS.
 */
#ifndef DRY_UTIL_EXPORT_H
#define DRY_UTIL_EXPORT_H

#include <stddef.h>

struct dry_export {
	const char *name;   /* what the driver imports */
	const char *module; /* storport.sys, ntoskrnl.exe, hal.dll, crt */
	void *address;	    /* a Win64 (ms_abi) routine, or data */
};

#ifndef DRY_MODULE
#define DRY_MODULE "ntoskrnl.exe"
#endif

#define DRY_EXPORT_AS(winname, object)                                                             \
	static const struct dry_export dry_export_##winname __attribute__((section("dry_exports"), \
		used, aligned(8))) = {#winname, DRY_MODULE, (void *)&(object)};

#define DRY_EXPORT(object) DRY_EXPORT_AS(object, object)

/* The table, in link order. */
extern const struct dry_export __start_dry_exports[] __attribute__((visibility("hidden")));
extern const struct dry_export __stop_dry_exports[] __attribute__((visibility("hidden")));

/* The row for a name, or NULL. */
const struct dry_export *export_find(const char *name);

#endif
