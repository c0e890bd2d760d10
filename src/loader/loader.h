/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Brings a miniport in. An object made by `dryport build` is an ELF shared object with
 *
 *	dryport_note       struct loader_note: format version, sanitizers, data model, compiler
 *	dryport_imports    array of struct loader_import, ended by name NULL: one row per imported
 *	                   routine, like a PE file's import address table. The loader fills slot
 *	                   from the export table and from nothing else; the object calls through
 *	                   it (`call *slot(%rip)`), with any value in rax. An imported variable is
 *	                   reached through the address in its slot.
 *	DriverEntry        the one visible function
 *
 * So no import is ever resolved by libc: a driver's own function called `index` is its own,
 * `wcslen` counts 16-bit characters. Only what LLVM itself emits (mem*) and sanitizer
 * runtimes bind as usual.
 */
#ifndef DRY_LOADER_LOADER_H
#define DRY_LOADER_LOADER_H

#include "util/common.h"

#define LOADER_NOTE_MAGIC 0x74726f7079726462ull /* "bdryport" */
/* 1: calls went by thunks, which left their row in rax for the loader. */
#define LOADER_NOTE_VERSION 2

enum { LOADER_ASAN = 1, LOADER_UBSAN = 2, LOADER_TSAN = 4, LOADER_COVERAGE = 8 };

struct loader_note {
	uint64_t magic;
	uint32_t version;
	uint32_t sanitizers; /* LOADER_ASAN ... */
	char compiler[48];   /* "clang 14.0.6" */
};

enum loader_kind { LOADER_ROUTINE, LOADER_VARIABLE };

struct loader_import {
	const char *name;
	void *slot;
	uint64_t kind; /* enum loader_kind */
};

struct loader_image;

/*
 * Loads the object and fills its imports. Errors (error_set): no such file, not an ELF
 * object, an ELF object that dryport build did not make, no DriverEntry, built with
 * sanitizers this process lacks (names the variant that has them), a newer format. Imports
 * that we lack are no error: `missing` of them are listed by loader_missing.
 */
int loader_load(const char *path, struct loader_image **image);
/* Loads a loaded object's file once more, as a driver of its own whose name begins with "dump_":
 * for crash dumps. Errors (error_set) as loader_load's. */
int loader_load_dump(const struct loader_image *image, struct loader_image **dump);
/* Reads an object's note without loading it, for who has to prepare a process for it (preload a
 * sanitizer's runtime). Errors as loader_load's. */
int loader_note_read(const char *path, struct loader_note *note);
void loader_unload(struct loader_image *image);
/* Its pages bear frames from here on, as those of the machine's memory do, so that MDLs and devices
 * may use a driver's variables and constants; until they are taken back, which is before mem_fini.
 * Errors as mem_range_add's. */
int loader_frames_give(struct loader_image *image);
void loader_frames_take(struct loader_image *image);
void *loader_entry(const struct loader_image *image); /* DriverEntry, ms_abi */
const char *loader_path(const struct loader_image *image);
/* n-th missing import's name, NULL past the end. */
const char *loader_missing(const struct loader_image *image, unsigned n);
/* Whether it imports a routine or variable of this name, be it there or missing. */
bool loader_imports(const struct loader_image *image, const char *name);
/* From now on its calls of imported routines are counted. Before it runs. -ENOMEM and others with
 * error_set. */
int loader_calls_count(struct loader_image *image);
/* How many calls of this routine, NULL: of all that its sources name; 0 if nobody counts. Any
 * thread. */
uint64_t loader_calls(const struct loader_image *image, const char *name);
/* The object's name without folder and suffix: "simple". */
const char *loader_name(const struct loader_image *image);

/*
 * What stands at a code address inside a loaded driver: "Function (file.c:123)" in a buffer
 * of the calling thread, or NULL if the address is in no driver. Uses the object's DWARF
 * through addr2line; slow, for reports.
 */
const char *loader_symbolize(uintptr_t pc);
/* The same for the call that returns to this address. */
const char *loader_call_place(uintptr_t return_address);
/* The nearest driver frame on the calling stack, as loader_symbolize; NULL if none. Walks with the
 * unwinder. */
const char *loader_driver_frame(void);
bool loader_contains(uintptr_t pc);

#endif
