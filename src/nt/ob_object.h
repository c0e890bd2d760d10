/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Objects that are counted and named by handles. An object is a header and, behind it, the body
 * whose address drivers know. Threads (ps_thread.c) and keys (zw_key.c) are such; what comes later
 * adds a type.
 */
#ifndef DRY_NT_OB_OBJECT_H
#define DRY_NT_OB_OBJECT_H

#include "nt/nt.h"

struct ob_type {
	const char *name; /* "thread" */
	ULONG tag;	  /* of the pool block that an object lies in; 0: in the host's heap */
	void (*last)(void *body); /* nobody refers to it any more; at or below DISPATCH */
	/* For reports, after the name; NULL: nothing more is to be said. */
	void (*describe)(void *body, char *text, size_t size);
};

/* A cleared body with one reference, the caller's. NULL: out of memory. */
void *ob_new(const struct ob_type *type, size_t bytes);
/* Frees the memory; for `last` or later. */
void ob_delete(void *body);
void ob_reference(void *body);
void ob_dereference(void *body);
/* The type of a body that ob_new made, NULL for any other pointer into RAM or the heap. */
const struct ob_type *ob_type_of(const void *body);

/* A handle, with a reference of its own. site: the driver's call that asked for it, for reports; 0:
 * unknown. STATUS_INSUFFICIENT_RESOURCES. */
NTSTATUS ob_handle_new(void *body, HANDLE *handle, uintptr_t site);
/* The body, with a reference for the caller. type: NULL for any. STATUS_INVALID_HANDLE,
 * STATUS_OBJECT_TYPE_MISMATCH. */
NTSTATUS ob_handle_reference(HANDLE handle, const struct ob_type *type, void **body);
/* Closes it: the body, whose reference by the handle is now the caller's; NULL if it is not open.
 */
void *ob_handle_take(HANDLE handle);
/* Closes what is open, with a violation for each. */
void ob_handles_close_all(void);

#endif
