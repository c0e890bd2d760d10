/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ob: reference counts and the handle table (ob_object.h). A handle names its entry and how often
 * the entry had been used before, so that a closed handle is not mistaken for a later one.
 */
#include "nt/ob_object.h"
#include "nt/nt_check.h"
#include "nt/nt_lock.h"
#include "util/export.h"

#include <stdlib.h>

#define OB_MAGIC 0x0b1ec7edu

struct ob_header {
	_Atomic int64_t references;
	const struct ob_type *type;
	uint32_t magic;
	uint32_t pad[3];
};
_Static_assert(sizeof(struct ob_header) % 16 == 0, "the body is aligned as malloc aligns");

enum { HANDLES = 1024 };

static struct {
	struct nt_lock lock;
	struct {
		void *body;
		uintptr_t site;
		uint32_t uses;
	} entries[HANDLES];
} table;

static struct ob_header *header_of(const void *body)
{
	return (struct ob_header *)body - 1;
}

void *ob_new(const struct ob_type *type, size_t bytes)
{
	const size_t all = sizeof(struct ob_header) + bytes;
	struct ob_header *header =
		type->tag ? nt_pool_alloc(all, type->tag, NULL, true) : calloc(1, all);

	if (!header)
		return NULL;
	header->references = 1;
	header->type = type;
	header->magic = OB_MAGIC;
	return header + 1;
}

void ob_delete(void *body)
{
	struct ob_header *header = header_of(body);

	header->magic = 0;
	if (header->type->tag)
		nt_pool_free(header);
	else
		free(header);
}

const struct ob_type *ob_type_of(const void *body)
{
	return body && header_of(body)->magic == OB_MAGIC ? header_of(body)->type : NULL;
}

void ob_reference(void *body)
{
	atomic_fetch_add_explicit(&header_of(body)->references, 1, memory_order_relaxed);
}

void ob_dereference(void *body)
{
	struct ob_header *header = header_of(body);

	if (atomic_fetch_sub_explicit(&header->references, 1, memory_order_acq_rel) == 1)
		header->type->last(body);
}

/* ---- handles ---- */

static HANDLE handle_value(unsigned entry)
{
	/* As kernel handles look: negative, a multiple of four. */
	return (HANDLE)(0xffffffff80000000ull |
			(uint64_t)(table.entries[entry].uses & 0x1ffff) << 13 | (entry + 1) << 2);
}

/* table.lock held. The entry, or HANDLES for a handle that is not open. */
static unsigned entry_of(HANDLE handle)
{
	unsigned entry = (unsigned)((uintptr_t)handle >> 2 & 0x7ff) - 1;

	if (entry >= HANDLES || !table.entries[entry].body || handle_value(entry) != handle)
		return HANDLES;
	return entry;
}

NTSTATUS ob_handle_new(void *body, HANDLE *handle, uintptr_t site)
{
	NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

	nt_lock_take(&table.lock);
	for (unsigned i = 0; i < HANDLES; i++) {
		if (table.entries[i].body)
			continue;
		table.entries[i].body = body;
		table.entries[i].site = site;
		table.entries[i].uses++;
		ob_reference(body);
		*handle = handle_value(i);
		status = STATUS_SUCCESS;
		break;
	}
	nt_lock_drop(&table.lock);
	return status;
}

static void report_open(void *body, uintptr_t site)
{
	const struct ob_type *type = header_of(body)->type;
	const char *place = site && nt_code_place ? nt_code_place(site) : NULL;
	char what[200] = "";

	if (type->describe)
		type->describe(body, what, sizeof(what));
	nt_violation(0, "a handle of a %s%s%s was never closed%s%s", type->name, *what ? " " : "",
		what, place ? "; it was opened at " : "", place ? place : "");
}

void ob_handles_close_all(void)
{
	for (unsigned i = 0; i < HANDLES; i++) {
		void *body;

		nt_lock_take(&table.lock);
		body = table.entries[i].body;
		table.entries[i].body = NULL;
		nt_lock_drop(&table.lock);
		if (!body)
			continue;
		report_open(body, table.entries[i].site);
		ob_dereference(body);
	}
}

NTSTATUS ob_handle_reference(HANDLE handle, const struct ob_type *type, void **body)
{
	NTSTATUS status = STATUS_INVALID_HANDLE;
	unsigned entry;

	nt_lock_take(&table.lock);
	entry = entry_of(handle);
	if (entry < HANDLES) {
		status = STATUS_OBJECT_TYPE_MISMATCH;
		if (!type || type == header_of(table.entries[entry].body)->type) {
			*body = table.entries[entry].body;
			ob_reference(*body);
			status = STATUS_SUCCESS;
		}
	}
	nt_lock_drop(&table.lock);
	return status;
}

void *ob_handle_take(HANDLE handle)
{
	void *body = NULL;
	unsigned entry;

	nt_lock_take(&table.lock);
	entry = entry_of(handle);
	if (entry < HANDLES) {
		body = table.entries[entry].body;
		table.entries[entry].body = NULL;
	}
	nt_lock_drop(&table.lock);
	return body;
}

NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
	void *body;

	cpu_poll();
	nt_irql_max("ZwClose", IRQL_PASSIVE, NT_C4(NT_RULE_ZW_PASSIVE));
	body = ob_handle_take(Handle);
	if (!body) {
		nt_violation(0x93000000, "ZwClose of %p, which is no open handle", Handle);
		return STATUS_INVALID_HANDLE;
	}
	ob_dereference(body);
	return STATUS_SUCCESS;
}
DRY_EXPORT(ZwClose)

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess,
	POBJECT_TYPE ObjectType, KPROCESSOR_MODE AccessMode, PVOID *Object, PVOID HandleInformation)
{
	NTSTATUS status;

	cpu_poll();
	nt_irql_max("ObReferenceObjectByHandle", IRQL_PASSIVE, NT_C4(NT_RULE_OB_PASSIVE));
	*Object = NULL;
	status = ob_handle_reference(Handle, (const struct ob_type *)ObjectType, Object);
	if (status == STATUS_INVALID_HANDLE)
		nt_violation(NT_C4(0x3C),
			"ObReferenceObjectByHandle of %p, which is no open handle", Handle);
	return status;
}
DRY_EXPORT(ObReferenceObjectByHandle)

static bool check_object(const void *body, const char *routine)
{
	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0xE5));
	if (likely(ob_type_of(body)))
		return true;
	nt_violation(NT_C4(0x3F), "%s of %s", routine,
		body ? "a pointer that is no counted object" : "NULL");
	return false;
}

/* Documented to return nothing that drivers may rely on. */
LONG_PTR NTAPI ObfReferenceObject(PVOID Object)
{
	if (!check_object(Object, "ObReferenceObject"))
		return 0;
	return atomic_fetch_add_explicit(&header_of(Object)->references, 1, memory_order_relaxed) +
	       1;
}
DRY_EXPORT(ObfReferenceObject)

LONG_PTR NTAPI ObfDereferenceObject(PVOID Object)
{
	if (check_object(Object, "ObDereferenceObject"))
		ob_dereference(Object);
	return 0;
}
DRY_EXPORT(ObfDereferenceObject)
