/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Handles of keys: objects of ob_object.h that hold a key of registry.h and the access it was
 * opened for. Used by zw_key.c zw_query.c rtl_registry.c io_registry.c. */
#ifndef DRY_NT_ZW_KEY_H
#define DRY_NT_ZW_KEY_H

#include "nt/ob_object.h"
#include "nt/registry.h"

struct zw_key {
	struct reg_key *key;
	ACCESS_MASK access;
};

/* A handle of a key that the caller holds (reg_key_hold), which is the handle's from now on; a
 * failure drops it. */
NTSTATUS zw_key_handle(struct reg_key *key, ACCESS_MASK access, uintptr_t site, HANDLE *handle);

/*
 * What every routine with a handle begins with: the caller's IRQL, the handle, the access. On
 * success reg_lock is held, and zw_key_leave ends it. STATUS_INVALID_HANDLE (and a violation),
 * STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED, STATUS_KEY_DELETED.
 */
NTSTATUS zw_key_enter(
	const char *routine, HANDLE handle, ACCESS_MASK access, struct zw_key **object);
NTSTATUS zw_key_leave(struct zw_key *object, NTSTATUS status);

/* PASSIVE_LEVEL, as all routines of the registry are for. */
void zw_key_check_irql(const char *routine);

#endif
