/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Zw: keys, their values set and deleted; zw_query.c asks. The access that a handle was opened for
 * is checked as the pages say, though the caller is the kernel.
 */
#include "nt/zw_key.h"
#include "nt/nt_check.h"
#include "util/export.h"

#include <stdlib.h>

/* ---- handles ---- */

static void key_last(void *body)
{
	struct zw_key *object = body;

	reg_lock();
	reg_key_drop(object->key);
	reg_unlock();
	ob_delete(body);
}

static void key_describe(void *body, char *text, size_t size)
{
	struct zw_key *object = body;

	reg_lock();
	reg_key_path(object->key, text, size);
	reg_unlock();
}

static const struct ob_type key_type = {.name = "key", .last = key_last, .describe = key_describe};

static ACCESS_MASK access_of(ACCESS_MASK wanted)
{
	ACCESS_MASK access = wanted & 0x1fffff;

	if (wanted & (GENERIC_ALL | MAXIMUM_ALLOWED))
		access |= KEY_ALL_ACCESS;
	if (wanted & (GENERIC_READ | GENERIC_EXECUTE))
		access |= KEY_READ;
	if (wanted & GENERIC_WRITE)
		access |= KEY_WRITE;
	return access;
}

NTSTATUS zw_key_handle(struct reg_key *key, ACCESS_MASK access, uintptr_t site, HANDLE *handle)
{
	struct zw_key *object = nt_allocation_fails() ? NULL : ob_new(&key_type, sizeof(*object));
	NTSTATUS status;

	if (!object) {
		reg_lock();
		reg_key_drop(key);
		reg_unlock();
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	object->key = key;
	object->access = access_of(access);
	status = ob_handle_new(object, handle, site);
	ob_dereference(object); /* the handle's stays */
	return status;
}

void zw_key_check_irql(const char *routine)
{
	cpu_poll();
	nt_irql_max(routine, IRQL_PASSIVE, NT_C4(NT_RULE_ZW_PASSIVE));
}

NTSTATUS zw_key_enter(
	const char *routine, HANDLE handle, ACCESS_MASK access, struct zw_key **object)
{
	void *body;
	NTSTATUS status;

	zw_key_check_irql(routine);
	status = ob_handle_reference(handle, &key_type, &body);
	if (status == STATUS_INVALID_HANDLE)
		nt_violation(0, "%s of %p, which is no open handle", routine, handle);
	if (status)
		return status;
	*object = body;
	reg_lock();
	if ((*object)->key->is_deleted)
		return zw_key_leave(*object, STATUS_KEY_DELETED);
	if (((*object)->access & access) != access)
		return zw_key_leave(*object, STATUS_ACCESS_DENIED);
	return STATUS_SUCCESS;
}

NTSTATUS zw_key_leave(struct zw_key *object, NTSTATUS status)
{
	reg_unlock();
	ob_dereference(object);
	return status;
}

/* ---- keys ---- */

/* Where a name begins: the root directory's key, held, or NULL (the root); rest: what is to be
 * walked from there. */
static NTSTATUS name_start(const char *routine, POBJECT_ATTRIBUTES attributes, struct zw_key **from,
	UNICODE_STRING *rest)
{
	NTSTATUS status;

	*from = NULL;
	if (!attributes || attributes->Length != sizeof(*attributes))
		return STATUS_INVALID_PARAMETER;
	*rest = attributes->ObjectName ? *attributes->ObjectName : (UNICODE_STRING){0};
	if (rest->Length % 2)
		return STATUS_OBJECT_NAME_INVALID;
	if (!attributes->RootDirectory) {
		UNICODE_STRING path = *rest;

		status = reg_path_below_root(&path, rest);
		if (!status)
			reg_lock();
		return status;
	}
	if (rest->Length && rest->Buffer[0] == '\\')
		return STATUS_OBJECT_PATH_SYNTAX_BAD;
	return zw_key_enter(routine, attributes->RootDirectory, 0, from);
}

/* Ends what name_start began; key, if there is one, is held. */
static void name_end(struct zw_key *from, struct reg_key *key)
{
	if (key)
		reg_key_hold(key);
	if (from)
		zw_key_leave(from, STATUS_SUCCESS);
	else
		reg_unlock();
}

NTSTATUS NTAPI ZwOpenKey(
	PHANDLE KeyHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes)
{
	uintptr_t site = (uintptr_t)__builtin_return_address(0);
	struct reg_key *key = NULL;
	struct zw_key *from;
	UNICODE_STRING rest;
	NTSTATUS status;

	zw_key_check_irql("ZwOpenKey");
	status = name_start("ZwOpenKey", ObjectAttributes, &from, &rest);
	if (status)
		return status;
	status = reg_key_find(from ? from->key : reg_root(), &rest, &key);
	name_end(from, key);
	return status ? status : zw_key_handle(key, DesiredAccess, site, KeyHandle);
}
DRY_EXPORT(ZwOpenKey)

static void class_set(struct reg_key *key, const UNICODE_STRING *class)
{
	if (!class || !class->Length)
		return;
	key->class.Buffer = malloc(class->Length);
	if (!key->class.Buffer)
		return;
	memcpy(key->class.Buffer, class->Buffer, class->Length);
	key->class.Length = key->class.MaximumLength = class->Length;
}

NTSTATUS NTAPI ZwCreateKey(PHANDLE KeyHandle, ACCESS_MASK DesiredAccess,
	POBJECT_ATTRIBUTES ObjectAttributes, ULONG TitleIndex, PUNICODE_STRING Class,
	ULONG CreateOptions, PULONG Disposition)
{
	uintptr_t site = (uintptr_t)__builtin_return_address(0);
	struct reg_key *key = NULL, *start;
	struct zw_key *from;
	UNICODE_STRING rest;
	NTSTATUS status;
	bool made = false;

	zw_key_check_irql("ZwCreateKey");
	if (CreateOptions &
		~(REG_OPTION_VOLATILE | REG_OPTION_BACKUP_RESTORE | REG_OPTION_OPEN_LINK))
		return STATUS_INVALID_PARAMETER;
	status = name_start("ZwCreateKey", ObjectAttributes, &from, &rest);
	if (status)
		return status;
	start = from ? from->key : reg_root();
	status = reg_key_find(start, &rest, &key);
	if (status == STATUS_OBJECT_NAME_NOT_FOUND) {
		status = STATUS_ACCESS_DENIED;
		if (!from || from->access & KEY_CREATE_SUB_KEY)
			status = reg_key_make(start, &rest, false,
				CreateOptions & REG_OPTION_VOLATILE, &key, &made);
		if (made)
			class_set(key, Class);
	}
	name_end(from, key);
	if (!status)
		status = zw_key_handle(key, DesiredAccess, site, KeyHandle);
	if (!status && Disposition)
		*Disposition = made ? REG_CREATED_NEW_KEY : REG_OPENED_EXISTING_KEY;
	return status;
}
DRY_EXPORT(ZwCreateKey)

NTSTATUS NTAPI ZwDeleteKey(HANDLE KeyHandle)
{
	struct zw_key *object;
	NTSTATUS status = zw_key_enter("ZwDeleteKey", KeyHandle, DELETE, &object);

	return status ? status : zw_key_leave(object, reg_key_delete(object->key));
}
DRY_EXPORT(ZwDeleteKey)

/* There is no disk behind it. */
NTSTATUS NTAPI ZwFlushKey(HANDLE KeyHandle)
{
	struct zw_key *object;
	NTSTATUS status = zw_key_enter("ZwFlushKey", KeyHandle, 0, &object);

	return status ? status : zw_key_leave(object, STATUS_SUCCESS);
}
DRY_EXPORT(ZwFlushKey)

/* ---- values ---- */

NTSTATUS NTAPI ZwSetValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName, ULONG TitleIndex,
	ULONG Type, PVOID Data, ULONG DataSize)
{
	UNICODE_STRING name = ValueName ? *ValueName : (UNICODE_STRING){0};
	struct zw_key *object;
	NTSTATUS status = zw_key_enter("ZwSetValueKey", KeyHandle, KEY_SET_VALUE, &object);

	if (status)
		return status;
	status = name.Length % 2 || (DataSize && !Data)
			 ? STATUS_INVALID_PARAMETER
			 : reg_value_set(object->key, &name, Type, Data, DataSize);
	return zw_key_leave(object, status);
}
DRY_EXPORT(ZwSetValueKey)

NTSTATUS NTAPI ZwDeleteValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName)
{
	UNICODE_STRING name = ValueName ? *ValueName : (UNICODE_STRING){0};
	struct zw_key *object;
	NTSTATUS status = zw_key_enter("ZwDeleteValueKey", KeyHandle, KEY_SET_VALUE, &object);

	if (status)
		return status;
	return zw_key_leave(object, reg_value_delete(object->key, &name)
					    ? STATUS_SUCCESS
					    : STATUS_OBJECT_NAME_NOT_FOUND);
}
DRY_EXPORT(ZwDeleteValueKey)
