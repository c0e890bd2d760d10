/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Rtl: values by the path of their key, and tables of values to ask for. A driver's routine is
 * called with a copy of the value, so that it may change the registry.
 */
#include "nt/nt_check.h"
#include "nt/pool.h"
#include "nt/zw_key.h"
#include "util/export.h"

#include <stdlib.h>

#define STRING_TAG 0x67727453u /* "Strg", as rtl_convert.c's: RtlFreeUnicodeString frees it */

static const WCHAR *const starts[RTL_REGISTRY_MAXIMUM] = {
	[RTL_REGISTRY_SERVICES] = u"Machine\\System\\CurrentControlSet\\Services",
	[RTL_REGISTRY_CONTROL] = u"Machine\\System\\CurrentControlSet\\Control",
	[RTL_REGISTRY_WINDOWS_NT] = u"Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion",
	[RTL_REGISTRY_DEVICEMAP] = u"Machine\\Hardware\\DeviceMap",
	[RTL_REGISTRY_USER] = u"User\\.Default",
};

static UNICODE_STRING string_of(PCWSTR text)
{
	UNICODE_STRING string = {0};

	if (text)
		RtlInitUnicodeString(&string, text);
	return string;
}

/* The key, held; reg_lock is taken and dropped. make: the last key of the path, if it is missing.
 */
static NTSTATUS key_open(const char *routine, ULONG relative, PCWSTR path, ACCESS_MASK access,
	bool make, struct reg_key **key)
{
	unsigned place = relative & ~(RTL_REGISTRY_HANDLE | RTL_REGISTRY_OPTIONAL);
	UNICODE_STRING name = {0};
	struct zw_key *object = NULL;
	struct reg_key *start;
	NTSTATUS status;

	if (relative & RTL_REGISTRY_HANDLE) {
		status = zw_key_enter(routine, (HANDLE)path, access, &object);
		if (status)
			return status;
		reg_key_hold(*key = object->key);
		return zw_key_leave(object, STATUS_SUCCESS);
	}
	zw_key_check_irql(routine);
	if (place >= RTL_REGISTRY_MAXIMUM)
		return STATUS_INVALID_PARAMETER;
	name = string_of(path);
	if (place == RTL_REGISTRY_ABSOLUTE) {
		UNICODE_STRING whole = name;

		status = reg_path_below_root(&whole, &name);
		if (status)
			return status;
	}
	reg_lock();
	start = reg_root();
	status = STATUS_SUCCESS;
	if (place != RTL_REGISTRY_ABSOLUTE) {
		UNICODE_STRING first = string_of(starts[place]);

		status = reg_key_find(start, &first, &start);
	}
	if (!status)
		status = make ? reg_key_make(start, &name, false, false, key, NULL)
			      : reg_key_find(start, &name, key);
	if (!status)
		reg_key_hold(*key);
	reg_unlock();
	return status;
}

static void key_close(struct reg_key *key)
{
	reg_lock();
	reg_key_drop(key);
	reg_unlock();
}

NTSTATUS NTAPI RtlCheckRegistryKey(ULONG RelativeTo, PWSTR Path)
{
	struct reg_key *key;
	NTSTATUS status = key_open("RtlCheckRegistryKey", RelativeTo, Path, 0, false, &key);

	if (!status)
		key_close(key);
	/* the page tells of this side effect */
	if (RelativeTo & RTL_REGISTRY_HANDLE)
		ZwClose((HANDLE)Path);
	return status;
}
DRY_EXPORT(RtlCheckRegistryKey)

NTSTATUS NTAPI RtlCreateRegistryKey(ULONG RelativeTo, PWSTR Path)
{
	struct reg_key *key;
	NTSTATUS status = key_open("RtlCreateRegistryKey", RelativeTo, Path, 0, true, &key);

	if (!status)
		key_close(key);
	return status;
}
DRY_EXPORT(RtlCreateRegistryKey)

NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName,
	ULONG ValueType, PVOID ValueData, ULONG ValueLength)
{
	UNICODE_STRING name = string_of(ValueName);
	struct reg_key *key;
	NTSTATUS status =
		key_open("RtlWriteRegistryValue", RelativeTo, Path, KEY_SET_VALUE, true, &key);

	if (status)
		return status;
	reg_lock();
	status = ValueLength && !ValueData
			 ? STATUS_INVALID_PARAMETER
			 : reg_value_set(key, &name, ValueType, ValueData, ValueLength);
	reg_key_drop(key);
	reg_unlock();
	return status;
}
DRY_EXPORT(RtlWriteRegistryValue)

NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG RelativeTo, PCWSTR Path, PCWSTR ValueName)
{
	UNICODE_STRING name = string_of(ValueName);
	struct reg_key *key;
	NTSTATUS status =
		key_open("RtlDeleteRegistryValue", RelativeTo, Path, KEY_SET_VALUE, false, &key);

	if (status)
		return status;
	reg_lock();
	status = reg_value_delete(key, &name) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
	reg_key_drop(key);
	reg_unlock();
	return status;
}
DRY_EXPORT(RtlDeleteRegistryValue)

/* ---- tables ---- */

/* A value as it was when it was found. */
struct found {
	WCHAR *name;
	ULONG type;
	uint32_t bytes;
	uint8_t *data;
};

struct query {
	struct reg_key *top, *current; /* held; NULL: there is none */
	RTL_QUERY_REGISTRY_TABLE *entry;
	PVOID context;
	uintptr_t site;
};

static bool is_string(ULONG type)
{
	return type == REG_SZ || type == REG_EXPAND_SZ || type == REG_MULTI_SZ;
}

static NTSTATUS direct_string(const struct query *query, const struct found *value)
{
	PUNICODE_STRING to = query->entry->EntryContext;
	const WCHAR *text = (const WCHAR *)value->data;
	uint32_t count = value->bytes / 2;

	if (value->type == REG_MULTI_SZ && !(query->entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND))
		return STATUS_INVALID_PARAMETER;
	if (count && !text[count - 1])
		count--;
	if (2 * (count + 1) > UINT16_MAX)
		return STATUS_BUFFER_TOO_SMALL;
	if (!to->Buffer) {
		to->Buffer =
			pool_take(2 * (count + 1), STRING_TAG, NULL, query->site, POOL_ASK_PAGED);
		if (!to->Buffer)
			return STATUS_INSUFFICIENT_RESOURCES;
		to->MaximumLength = (USHORT)(2 * (count + 1));
	}
	if (to->MaximumLength < 2 * (count + 1))
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(to->Buffer, text, 2 * count);
	to->Buffer[count] = 0;
	to->Length = (USHORT)(2 * count);
	return STATUS_SUCCESS;
}

static NTSTATUS direct_data(PVOID buffer, const struct found *value)
{
	enum { HEAD = 2 * sizeof(ULONG) };
	LONG size;

	if (value->bytes <= sizeof(ULONG)) {
		memcpy(buffer, value->data, value->bytes);
		return STATUS_SUCCESS;
	}
	memcpy(&size, buffer, sizeof(size));
	if (size < 0) {
		if ((uint32_t) - (int64_t)size < value->bytes)
			return STATUS_BUFFER_TOO_SMALL;
		memcpy(buffer, value->data, value->bytes);
		return STATUS_SUCCESS;
	}
	if ((uint32_t)size < value->bytes + HEAD)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(buffer, &value->bytes, sizeof(ULONG));
	memcpy((char *)buffer + sizeof(ULONG), &value->type, sizeof(ULONG));
	memcpy((char *)buffer + HEAD, value->data, value->bytes);
	return STATUS_SUCCESS;
}

/* The driver's routine; that a buffer of its own is too small is no failure of the query. */
static NTSTATUS call(const struct query *query, const struct found *value, ULONG type, void *data,
	uint32_t bytes)
{
	NTSTATUS status = query->entry->QueryRoutine(
		value->name, type, data, bytes, query->context, query->entry->EntryContext);

	return status == STATUS_BUFFER_TOO_SMALL || NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

static NTSTATUS call_each_string(const struct query *query, const struct found *value)
{
	WCHAR *at = (WCHAR *)value->data, *end = at + value->bytes / 2;
	NTSTATUS status = STATUS_SUCCESS;

	while (!status && at < end && *at) {
		WCHAR *next = at;

		while (next < end && *next)
			next++;
		next += next < end;
		status = call(query, value, REG_SZ, at, (uint32_t)(2 * (next - at)));
		at = next;
	}
	return status;
}

static NTSTATUS deliver(const struct query *query, const struct found *value, bool is_stored)
{
	const RTL_QUERY_REGISTRY_TABLE *entry = query->entry;
	ULONG type = value->type;

	if (entry->Flags & RTL_QUERY_REGISTRY_DIRECT) {
		if (is_stored && entry->Flags & RTL_QUERY_REGISTRY_TYPECHECK &&
			entry->DefaultType >> RTL_QUERY_REGISTRY_TYPECHECK_SHIFT != type)
			return STATUS_OBJECT_TYPE_MISMATCH;
		return is_string(type) ? direct_string(query, value)
				       : direct_data(entry->EntryContext, value);
	}
	if (!(entry->Flags & RTL_QUERY_REGISTRY_NOEXPAND)) {
		if (type == REG_MULTI_SZ)
			return call_each_string(query, value);
		if (type == REG_EXPAND_SZ) {
			nt_violation(0,
				"RtlQueryRegistryValues: a REG_EXPAND_SZ value without "
				"RTL_QUERY_REGISTRY_NOEXPAND, which kernel-mode drivers must set");
			type = REG_SZ; /* with no variable that it could name */
		}
	}
	return call(query, value, type, value->data, value->bytes);
}

/* The n-th value, or that of a name; false: there is none. */
static NTSTATUS value_copy(
	struct reg_key *key, PCWSTR name, unsigned n, struct found *found, bool *is_there)
{
	UNICODE_STRING wanted = string_of(name);
	const struct reg_value *value = NULL;
	NTSTATUS status = STATUS_SUCCESS;

	*found = (struct found){0};
	reg_lock();
	if (key && name)
		value = reg_value_find(key, &wanted);
	else if (key)
		for (value = key->values; value && n; value = value->next)
			n--;
	*is_there = value != NULL;
	if (value) {
		found->type = value->type;
		found->bytes = value->bytes;
		found->data = calloc(1, (size_t)value->bytes + 2);
		found->name = calloc(1, value->name.Length + sizeof(WCHAR));
		if (!found->data || !found->name)
			status = STATUS_INSUFFICIENT_RESOURCES;
		if (!status && value->bytes)
			memcpy(found->data, value->data, value->bytes);
		if (!status)
			memcpy(found->name, value->name.Buffer, value->name.Length);
	}
	reg_unlock();
	return status;
}

static void value_drop(struct found *found)
{
	free(found->data);
	free(found->name);
}

static uint32_t default_length(const RTL_QUERY_REGISTRY_TABLE *entry, ULONG type)
{
	const WCHAR *text = entry->DefaultData, *at = text;

	if (entry->DefaultLength || !is_string(type) || !text)
		return entry->DefaultLength;
	do {
		while (*at)
			at++;
		at++;
	} while (type == REG_MULTI_SZ && *at);
	return (uint32_t)(2 * (at - text + (type == REG_MULTI_SZ)));
}

static NTSTATUS query_default(const struct query *query)
{
	const RTL_QUERY_REGISTRY_TABLE *entry = query->entry;
	struct found value = {
		.name = entry->Name, .type = entry->DefaultType & 0xff, .data = entry->DefaultData};

	if (entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	if (value.type == REG_NONE)
		return STATUS_SUCCESS;
	value.bytes = default_length(entry, value.type);
	return deliver(query, &value, false);
}

static NTSTATUS query_one(const struct query *query)
{
	PWSTR name = query->entry->Name;
	struct found value;
	bool is_there;
	NTSTATUS status = value_copy(query->current, name, 0, &value, &is_there);

	if (!status)
		status = is_there ? deliver(query, &value, true) : query_default(query);
	value_drop(&value);
	if (!status && is_there && query->entry->Flags & RTL_QUERY_REGISTRY_DELETE) {
		UNICODE_STRING wanted = string_of(name);

		reg_lock();
		reg_value_delete(query->current, &wanted);
		reg_unlock();
	}
	return status;
}

static NTSTATUS query_all(const struct query *query)
{
	NTSTATUS status = STATUS_SUCCESS;
	bool is_there = true;
	unsigned n;

	for (n = 0; !status && is_there; n++) {
		struct found value;

		status = value_copy(query->current, NULL, n, &value, &is_there);
		if (!status && is_there)
			status = deliver(query, &value, true);
		value_drop(&value);
	}
	if (!status && n == 1 && query->entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
		return STATUS_OBJECT_NAME_NOT_FOUND;
	return status;
}

/* The entries that follow are of this key. */
static NTSTATUS query_move(struct query *query, PCWSTR subkey)
{
	UNICODE_STRING path = string_of(subkey);
	struct reg_key *next = NULL;

	reg_lock();
	if (query->top && !reg_key_find(query->top, &path, &next))
		reg_key_hold(next);
	if (query->current)
		reg_key_drop(query->current);
	reg_unlock();
	query->current = next;
	return next || !(query->entry->Flags & RTL_QUERY_REGISTRY_REQUIRED)
		       ? STATUS_SUCCESS
		       : STATUS_OBJECT_NAME_NOT_FOUND;
}

static NTSTATUS query_entry(struct query *query)
{
	RTL_QUERY_REGISTRY_TABLE *entry = query->entry;
	bool is_direct = entry->Flags & RTL_QUERY_REGISTRY_DIRECT;
	NTSTATUS status;

	if (is_direct && (entry->QueryRoutine || !entry->Name || !entry->EntryContext ||
				 entry->Flags & RTL_QUERY_REGISTRY_SUBKEY))
		return STATUS_INVALID_PARAMETER;
	if (entry->Flags & RTL_QUERY_REGISTRY_SUBKEY) {
		if (!entry->Name)
			return STATUS_INVALID_PARAMETER;
		status = query_move(query, entry->Name);
		return status || !entry->QueryRoutine ? status : query_all(query);
	}
	if (entry->Flags & RTL_QUERY_REGISTRY_TOPKEY) {
		status = query_move(query, NULL);
		if (status || (!entry->QueryRoutine && !is_direct))
			return status;
	}
	if (!is_direct && !entry->QueryRoutine)
		return STATUS_INVALID_PARAMETER;
	if (entry->Flags & RTL_QUERY_REGISTRY_NOVALUE) {
		struct found none = {.name = entry->Name};

		return call(query, &none, REG_NONE, NULL, 0);
	}
	return entry->Name ? query_one(query) : query_all(query);
}

NTSTATUS NTAPI RtlQueryRegistryValues(ULONG RelativeTo, PCWSTR Path,
	PRTL_QUERY_REGISTRY_TABLE QueryTable, PVOID Context, PVOID Environment)
{
	struct query query = {.context = Context, .site = (uintptr_t)__builtin_return_address(0)};
	NTSTATUS status = key_open(
		"RtlQueryRegistryValues", RelativeTo, Path, KEY_QUERY_VALUE, false, &query.top);

	if (status == STATUS_OBJECT_NAME_NOT_FOUND && RelativeTo & RTL_REGISTRY_OPTIONAL) {
		query.top = NULL;
		status = STATUS_SUCCESS;
	}
	if (status)
		return status;
	query.current = query.top;
	if (query.top) {
		reg_lock();
		reg_key_hold(query.current);
		reg_unlock();
	}
	for (query.entry = QueryTable; !status && (query.entry->QueryRoutine || query.entry->Name);
		query.entry++)
		status = query_entry(&query);
	if (query.current)
		key_close(query.current);
	if (query.top)
		key_close(query.top);
	return status;
}
DRY_EXPORT(RtlQueryRegistryValues)
