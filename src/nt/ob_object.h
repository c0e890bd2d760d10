/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Objects that are counted and named by handles. An object is a header and, behind it, the body
 * whose address drivers know. Threads are the first kind; what comes later (keys, files) adds a
 * type.
 */
#ifndef DRY_NT_OB_OBJECT_H
#define DRY_NT_OB_OBJECT_H

#include "nt/nt.h"

struct ob_type {
	const char *name;	  /* "thread" */
	void (*last)(void *body); /* nobody refers to it any more; at or below DISPATCH */
};

/* A cleared body with one reference, the caller's. NULL: out of memory. */
void *ob_new(const struct ob_type *type, size_t bytes);
/* Frees the memory; for `last` or later. */
void ob_delete(void *body);
void ob_reference(void *body);
void ob_dereference(void *body);
/* The type of a body that ob_new made, NULL for any other pointer into RAM or the heap. */
const struct ob_type *ob_type_of(const void *body);

/* A handle, with a reference of its own. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ob_handle_new(void *body, HANDLE *handle);
/* Closes it: the body, whose reference by the handle is now the caller's; NULL if it is not open.
 */
void *ob_handle_take(HANDLE handle);
/* Closes what is open; returns how many there were. */
unsigned ob_handles_close_all(void);

#endif
