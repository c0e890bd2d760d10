/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Zw: what is asked of keys and values. Each class is a head of fixed size and one or two strings
 * of bytes behind it. A buffer without room for the head gets nothing (STATUS_BUFFER_TOO_SMALL),
 * one without room for all gets what fits (STATUS_BUFFER_OVERFLOW); the length that is needed is
 * told in each case.
 */
#include "nt/zw_key.h"
#include "nt/nt_check.h"
#include "util/export.h"

#include <stdlib.h>

struct tail {
	const void *from;
	uint32_t at, bytes;
};

struct answer {
	union {
		KEY_BASIC_INFORMATION basic;
		KEY_NODE_INFORMATION node;
		KEY_FULL_INFORMATION full;
		KEY_NAME_INFORMATION name;
		KEY_CACHED_INFORMATION cached;
		KEY_VALUE_BASIC_INFORMATION value_basic;
		KEY_VALUE_FULL_INFORMATION value_full;
		KEY_VALUE_PARTIAL_INFORMATION value_partial;
		KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 value_align64;
	};
	uint32_t head; /* bytes of it */
	struct tail tails[2];
};

/* Copies it; reg_lock held. */
static NTSTATUS answer_give(
	const struct answer *answer, PVOID buffer, ULONG length, PULONG result_length)
{
	uint32_t needed = answer->head;

	for (unsigned n = 0; n < array_size(answer->tails); n++) {
		const struct tail *tail = &answer->tails[n];

		if (tail->bytes)
			needed = max_of(needed, tail->at + tail->bytes);
	}
	*result_length = needed;
	if (length < answer->head || !buffer)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(buffer, &answer->basic, answer->head);
	for (unsigned n = 0; n < array_size(answer->tails); n++) {
		const struct tail *tail = &answer->tails[n];

		if (tail->at < length && tail->bytes)
			memcpy((char *)buffer + tail->at, tail->from,
				min_of(tail->bytes, length - tail->at));
	}
	return length < needed ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

/* ---- keys ---- */

/* How many and how long the subkeys and the values are. */
static KEY_FULL_INFORMATION key_measure(const struct reg_key *key)
{
	KEY_FULL_INFORMATION all = {.LastWriteTime.QuadPart = (LONGLONG)key->written};

	for (const struct reg_key *child = key->child; child; child = child->next) {
		all.SubKeys++;
		all.MaxNameLen = max_of(all.MaxNameLen, child->name.Length);
		all.MaxClassLen = max_of(all.MaxClassLen, child->class.Length);
	}
	for (const struct reg_value *value = key->values; value; value = value->next) {
		all.Values++;
		all.MaxValueNameLen = max_of(all.MaxValueNameLen, value->name.Length);
		all.MaxValueDataLen = max_of(all.MaxValueDataLen, value->bytes);
	}
	return all;
}

/* Of a key without a class the offset is no offset. */
static uint32_t class_offset(const struct reg_key *key, size_t at)
{
	return key->class.Length ? (uint32_t)at : UINT32_MAX;
}

static struct answer key_node(const struct reg_key *key)
{
	const uint32_t at = offsetof(KEY_NODE_INFORMATION, Name), bytes = key->name.Length;

	return (struct answer){.node = {.LastWriteTime.QuadPart = (LONGLONG)key->written,
				       .ClassOffset = class_offset(key, at + bytes),
				       .ClassLength = key->class.Length,
				       .NameLength = bytes},
		.head = at,
		.tails = {{key->name.Buffer, at, bytes},
			{key->class.Buffer, at + bytes, key->class.Length}}};
}

static struct answer key_full(const struct reg_key *key)
{
	const uint32_t at = offsetof(KEY_FULL_INFORMATION, Class);
	struct answer answer = {.full = key_measure(key),
		.head = at,
		.tails = {{key->class.Buffer, at, key->class.Length}}};

	answer.full.ClassOffset = class_offset(key, at);
	answer.full.ClassLength = key->class.Length;
	return answer;
}

static struct answer key_cached(const struct reg_key *key)
{
	KEY_FULL_INFORMATION all = key_measure(key);

	return (struct answer){.cached = {.LastWriteTime = all.LastWriteTime,
				       .SubKeys = all.SubKeys,
				       .MaxNameLen = all.MaxNameLen,
				       .Values = all.Values,
				       .MaxValueNameLen = all.MaxValueNameLen,
				       .MaxValueDataLen = all.MaxValueDataLen,
				       .NameLength = key->name.Length},
		.head = sizeof(KEY_CACHED_INFORMATION)};
}

static NTSTATUS key_name(const struct reg_key *key, PVOID buffer, ULONG length, PULONG result)
{
	const uint32_t at = offsetof(KEY_NAME_INFORMATION, Name);
	size_t bytes = reg_key_path(key, NULL, 0) + 1;
	char *path = malloc(bytes);
	WCHAR *wide = malloc(bytes * sizeof(WCHAR));
	NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

	if (path && wide) {
		struct answer answer = {.head = at};

		reg_key_path(key, path, bytes);
		answer.name.NameLength =
			(ULONG)(sizeof(WCHAR) * reg_widen(path, bytes - 1, wide, bytes));
		answer.tails[0] = (struct tail){wide, at, answer.name.NameLength};
		status = answer_give(&answer, buffer, length, result);
	}
	free(path);
	free(wide);
	return status;
}

static NTSTATUS key_answer(const struct reg_key *key, KEY_INFORMATION_CLASS class, PVOID buffer,
	ULONG length, PULONG result)
{
	const uint32_t at = offsetof(KEY_BASIC_INFORMATION, Name);
	struct answer answer;

	switch (class) {
	case KeyBasicInformation:
		answer = (struct answer){.basic = {.LastWriteTime.QuadPart = (LONGLONG)key->written,
						 .NameLength = key->name.Length},
			.head = at,
			.tails = {{key->name.Buffer, at, key->name.Length}}};
		break;
	case KeyNodeInformation:
		answer = key_node(key);
		break;
	case KeyFullInformation:
		answer = key_full(key);
		break;
	case KeyCachedInformation:
		answer = key_cached(key);
		break;
	case KeyNameInformation:
		return key_name(key, buffer, length, result);
	default:
		return STATUS_INVALID_PARAMETER;
	}
	return answer_give(&answer, buffer, length, result);
}

NTSTATUS NTAPI ZwQueryKey(HANDLE KeyHandle, KEY_INFORMATION_CLASS KeyInformationClass,
	PVOID KeyInformation, ULONG Length, PULONG ResultLength)
{
	/* the name alone needs no access */
	ACCESS_MASK access = KeyInformationClass == KeyNameInformation ? 0 : KEY_QUERY_VALUE;
	struct zw_key *object;
	NTSTATUS status = zw_key_enter("ZwQueryKey", KeyHandle, access, &object);

	return status ? status
		      : zw_key_leave(object, key_answer(object->key, KeyInformationClass,
						     KeyInformation, Length, ResultLength));
}
DRY_EXPORT(ZwQueryKey)

NTSTATUS NTAPI ZwEnumerateKey(HANDLE KeyHandle, ULONG Index,
	KEY_INFORMATION_CLASS KeyInformationClass, PVOID KeyInformation, ULONG Length,
	PULONG ResultLength)
{
	struct zw_key *object;
	const struct reg_key *child;
	NTSTATUS status =
		zw_key_enter("ZwEnumerateKey", KeyHandle, KEY_ENUMERATE_SUB_KEYS, &object);

	if (status)
		return status;
	for (child = object->key->child; child && Index; child = child->next)
		Index--;
	status = STATUS_NO_MORE_ENTRIES;
	/* of the name and the rest, a parent tells only what stands in it */
	if (KeyInformationClass > KeyFullInformation)
		status = STATUS_INVALID_PARAMETER;
	else if (child)
		status = key_answer(
			child, KeyInformationClass, KeyInformation, Length, ResultLength);
	return zw_key_leave(object, status);
}
DRY_EXPORT(ZwEnumerateKey)

/* ---- values ---- */

/* Data stands where a ULONG, or with Align64 a ULONG64, can be read in place. */
static struct answer value_full(const struct reg_value *value, unsigned alignment)
{
	const uint32_t at = offsetof(KEY_VALUE_FULL_INFORMATION, Name), bytes = value->name.Length;
	const uint32_t data = (uint32_t)round_up(at + bytes, alignment);

	return (struct answer){.value_full = {.Type = value->type,
				       .DataOffset = data,
				       .DataLength = value->bytes,
				       .NameLength = bytes},
		.head = at,
		.tails = {{value->name.Buffer, at, bytes}, {value->data, data, value->bytes}}};
}

static NTSTATUS value_answer(const struct reg_value *value, KEY_VALUE_INFORMATION_CLASS class,
	PVOID buffer, ULONG length, PULONG result)
{
	struct answer answer = {0};
	bool align64 = class == KeyValueFullInformationAlign64 ||
		       class == KeyValuePartialInformationAlign64;

	if (align64 && (uintptr_t)buffer % 8)
		return STATUS_DATATYPE_MISALIGNMENT;
	switch (class) {
	case KeyValueBasicInformation:
		answer.head = offsetof(KEY_VALUE_BASIC_INFORMATION, Name);
		answer.value_basic.Type = value->type;
		answer.value_basic.NameLength = value->name.Length;
		answer.tails[0] =
			(struct tail){value->name.Buffer, answer.head, value->name.Length};
		break;
	case KeyValueFullInformation:
	case KeyValueFullInformationAlign64:
		answer = value_full(value, align64 ? 8 : 4);
		break;
	case KeyValuePartialInformation:
		answer.head = offsetof(KEY_VALUE_PARTIAL_INFORMATION, Data);
		answer.value_partial.Type = value->type;
		answer.value_partial.DataLength = value->bytes;
		answer.tails[0] = (struct tail){value->data, answer.head, value->bytes};
		break;
	case KeyValuePartialInformationAlign64:
		answer.head = offsetof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64, Data);
		answer.value_align64.Type = value->type;
		answer.value_align64.DataLength = value->bytes;
		answer.tails[0] = (struct tail){value->data, answer.head, value->bytes};
		break;
	default:
		return STATUS_INVALID_PARAMETER;
	}
	return answer_give(&answer, buffer, length, result);
}

/* What a routine answers about a value that it found; otherwise: there is none. */
static NTSTATUS value_leave(struct zw_key *object, const struct reg_value *value,
	NTSTATUS otherwise, KEY_VALUE_INFORMATION_CLASS class, PVOID buffer, ULONG length,
	PULONG result)
{
	NTSTATUS status = otherwise;

	if ((unsigned)class > KeyValuePartialInformationAlign64)
		status = STATUS_INVALID_PARAMETER;
	else if (value)
		status = value_answer(value, class, buffer, length, result);
	return zw_key_leave(object, status);
}

NTSTATUS NTAPI ZwQueryValueKey(HANDLE KeyHandle, PUNICODE_STRING ValueName,
	KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass, PVOID KeyValueInformation,
	ULONG Length, PULONG ResultLength)
{
	UNICODE_STRING name = ValueName ? *ValueName : (UNICODE_STRING){0};
	struct zw_key *object;
	const struct reg_value *value;
	NTSTATUS status = zw_key_enter("ZwQueryValueKey", KeyHandle, KEY_QUERY_VALUE, &object);

	if (status)
		return status;
	value = reg_value_find(object->key, &name);
	return value_leave(object, value, STATUS_OBJECT_NAME_NOT_FOUND, KeyValueInformationClass,
		KeyValueInformation, Length, ResultLength);
}
DRY_EXPORT(ZwQueryValueKey)

NTSTATUS NTAPI ZwEnumerateValueKey(HANDLE KeyHandle, ULONG Index,
	KEY_VALUE_INFORMATION_CLASS KeyValueInformationClass, PVOID KeyValueInformation,
	ULONG Length, PULONG ResultLength)
{
	struct zw_key *object;
	const struct reg_value *value;
	NTSTATUS status = zw_key_enter("ZwEnumerateValueKey", KeyHandle, KEY_QUERY_VALUE, &object);

	if (status)
		return status;
	for (value = object->key->values; value && Index; value = value->next)
		Index--;
	return value_leave(object, value, STATUS_NO_MORE_ENTRIES, KeyValueInformationClass,
		KeyValueInformation, Length, ResultLength);
}
DRY_EXPORT(ZwEnumerateValueKey)
