/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The tree of keys and values. See registry.h. */
#include "nt/registry.h"
#include "nt/nt_lock.h"
#include "nt/rtl_unicode.h"
#include "cpu/cpu.h"

#include <errno.h>
#include <stdlib.h>

enum { LEVEL_HIVE = 2 }; /* Machine\SYSTEM */

static struct {
	struct nt_lock lock;
	struct reg_key *root;
	struct reg_watch *watches;
} registry;

void reg_lock(void)
{
	nt_lock_take(&registry.lock);
}

void reg_unlock(void)
{
	nt_lock_drop(&registry.lock);
}

struct reg_key *reg_root(void)
{
	return registry.root;
}

int reg_name_compare(const UNICODE_STRING *a, const UNICODE_STRING *b)
{
	unsigned common = min_of(a->Length, b->Length) / 2;

	for (unsigned n = 0; n < common; n++) {
		WCHAR x = rtl_upcase(a->Buffer[n]), y = rtl_upcase(b->Buffer[n]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a->Length < b->Length ? -1 : a->Length > b->Length;
}

/* ---- keys ---- */

static bool string_copy(UNICODE_STRING *copy, const UNICODE_STRING *string)
{
	copy->Buffer = malloc(string->Length + sizeof(WCHAR));
	if (!copy->Buffer)
		return false;
	if (string->Length)
		memcpy(copy->Buffer, string->Buffer, string->Length);
	copy->Buffer[string->Length / 2] = 0;
	copy->Length = string->Length;
	copy->MaximumLength = (USHORT)(string->Length + sizeof(WCHAR));
	return true;
}

static void touch(struct reg_key *key)
{
	key->written = cpu_system_time();
	for (struct reg_watch *watch = registry.watches; watch; watch = watch->next)
		for (const struct reg_key *at = key; at; at = at->parent)
			if (at == watch->key)
				watch->changed(watch);
}

static struct reg_key **key_place(struct reg_key *parent, const UNICODE_STRING *name)
{
	struct reg_key **link = &parent->child;

	while (*link && reg_name_compare(&(*link)->name, name) < 0)
		link = &(*link)->next;
	return link;
}

struct reg_key *reg_key_child(struct reg_key *key, const UNICODE_STRING *name)
{
	const UNICODE_STRING current = reg_string(u"CurrentControlSet", 17);
	const UNICODE_STRING first = reg_string(u"ControlSet001", 13);
	struct reg_key *child = *key_place(key, name);

	if (child && !reg_name_compare(&child->name, name))
		return child;
	/* What Registry Editor exports from a real system may name the set behind the link. */
	if (key->level == LEVEL_HIVE && !reg_name_compare(name, &first))
		return reg_key_child(key, &current);
	return NULL;
}

static NTSTATUS key_new(
	struct reg_key *parent, const UNICODE_STRING *name, bool is_volatile, struct reg_key **key)
{
	struct reg_key *made, **link;

	if (name->Length > 2 * REG_NAME_MAX || (parent && parent->level == REG_LEVELS_MAX))
		return STATUS_OBJECT_NAME_INVALID;
	if (parent && parent->is_volatile && !is_volatile)
		return STATUS_CHILD_MUST_BE_VOLATILE;
	made = nt_allocation_fails() ? NULL : calloc(1, sizeof(*made));
	if (!made || !string_copy(&made->name, name)) {
		free(made);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	made->references = 1; /* the tree's */
	made->is_volatile = is_volatile;
	made->parent = parent;
	touch(made);
	*key = made;
	if (!parent)
		return STATUS_SUCCESS;
	made->level = parent->level + 1;
	link = key_place(parent, name);
	made->next = *link;
	*link = made;
	touch(parent);
	return STATUS_SUCCESS;
}

/* Cuts the first name off the path. */
static bool step(UNICODE_STRING *path, UNICODE_STRING *name)
{
	unsigned count = 0;

	while (count < path->Length / 2u && path->Buffer[count] != '\\')
		count++;
	*name = reg_string(path->Buffer, count);
	path->Buffer += count;
	path->Length = (USHORT)(path->Length - 2 * count);
	if (!count)
		return false;
	if (path->Length) {
		path->Buffer++;
		path->Length -= 2;
		return path->Length != 0; /* none ends with a backslash */
	}
	return true;
}

NTSTATUS reg_key_make(struct reg_key *key, const UNICODE_STRING *path, bool all, bool is_volatile,
	struct reg_key **found, bool *made)
{
	UNICODE_STRING rest = *path, name;
	bool is_new = false;

	while (rest.Length) {
		struct reg_key *child;
		NTSTATUS status;

		if (!step(&rest, &name))
			return STATUS_OBJECT_NAME_INVALID;
		child = reg_key_child(key, &name);
		is_new = !child;
		if (is_new && rest.Length && !all)
			return STATUS_OBJECT_NAME_NOT_FOUND;
		status = is_new ? key_new(key, &name, is_volatile, &child) : STATUS_SUCCESS;
		if (status)
			return status;
		key = child;
	}
	*found = key;
	if (made)
		*made = is_new;
	return STATUS_SUCCESS;
}

NTSTATUS reg_key_find(struct reg_key *key, const UNICODE_STRING *path, struct reg_key **found)
{
	UNICODE_STRING rest = *path, name;

	while (rest.Length) {
		if (!step(&rest, &name))
			return STATUS_OBJECT_NAME_INVALID;
		key = reg_key_child(key, &name);
		if (!key)
			return STATUS_OBJECT_NAME_NOT_FOUND;
	}
	*found = key;
	return STATUS_SUCCESS;
}

void reg_key_hold(struct reg_key *key)
{
	key->references++;
}

static void value_free(struct reg_value *value)
{
	free(value->name.Buffer);
	free(value->data);
	free(value);
}

void reg_key_drop(struct reg_key *key)
{
	struct reg_value *value;

	if (--key->references)
		return;
	while ((value = key->values)) {
		key->values = value->next;
		value_free(value);
	}
	free(key->name.Buffer);
	free(key->class.Buffer);
	free(key);
}

NTSTATUS reg_key_delete(struct reg_key *key)
{
	struct reg_key **link;

	if (key->child || key->level < LEVEL_HIVE)
		return STATUS_CANNOT_DELETE;
	link = key_place(key->parent, &key->name);
	*link = key->next;
	touch(key->parent);
	key->parent = key->next = NULL;
	key->is_deleted = true;
	reg_key_drop(key);
	return STATUS_SUCCESS;
}

/* Deep trees are deleted without recursion: the next leaf, until the key itself is one. */
void reg_key_delete_tree(struct reg_key *key)
{
	struct reg_key *leaf;

	do {
		for (leaf = key; leaf->child;)
			leaf = leaf->child;
	} while (!reg_key_delete(leaf) && leaf != key);
}

/* ---- values ---- */

static struct reg_value **value_place(struct reg_key *key, const UNICODE_STRING *name)
{
	struct reg_value **link = &key->values;

	while (*link && reg_name_compare(&(*link)->name, name))
		link = &(*link)->next;
	return link;
}

struct reg_value *reg_value_find(const struct reg_key *key, const UNICODE_STRING *name)
{
	return *value_place((struct reg_key *)key, name);
}

NTSTATUS reg_value_set(
	struct reg_key *key, const UNICODE_STRING *name, ULONG type, const void *data, size_t bytes)
{
	struct reg_value **link = value_place(key, name), *value = *link;
	uint8_t *copy;

	if (name->Length > 2 * REG_VALUE_NAME_MAX || bytes > REG_DATA_MAX)
		return STATUS_INVALID_PARAMETER;
	copy = nt_allocation_fails() ? NULL : malloc(bytes + 2);
	if (copy && !value) {
		value = calloc(1, sizeof(*value));
		if (value && !string_copy(&value->name, name)) {
			free(value);
			value = NULL;
		}
	}
	if (!copy || !value) {
		free(copy);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	if (bytes)
		memcpy(copy, data, bytes);
	free(value->data);
	value->data = copy;
	value->bytes = (uint32_t)bytes;
	value->type = type;
	*link = value;
	touch(key);
	return STATUS_SUCCESS;
}

bool reg_value_delete(struct reg_key *key, const UNICODE_STRING *name)
{
	struct reg_value **link = value_place(key, name), *value = *link;

	if (!value)
		return false;
	*link = value->next;
	value_free(value);
	touch(key);
	return true;
}

/* ---- changes ---- */

void reg_watch_add(struct reg_watch *watch)
{
	reg_key_hold(watch->key);
	watch->next = registry.watches;
	registry.watches = watch;
}

void reg_watch_remove(struct reg_watch *watch)
{
	struct reg_watch **link = &registry.watches;

	while (*link != watch)
		link = &(*link)->next;
	*link = watch->next;
	reg_key_drop(watch->key);
}

/* ---- life ---- */

int reg_init(void)
{
	static const WCHAR *const paths[] = {u"Machine\\SYSTEM\\CurrentControlSet\\Services",
		u"Machine\\SYSTEM\\CurrentControlSet\\Control\\Class",
		u"Machine\\SYSTEM\\CurrentControlSet\\Enum",
		u"Machine\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion",
		u"Machine\\HARDWARE\\DeviceMap", u"User\\.Default"};
	UNICODE_STRING name = reg_string(u"Registry", 8);
	struct reg_key *key;
	NTSTATUS status = key_new(NULL, &name, false, &registry.root);

	for (size_t n = 0; !status && n < array_size(paths); n++) {
		RtlInitUnicodeString(&name, paths[n]);
		status = reg_key_make(registry.root, &name, true, false, &key, NULL);
	}
	return status ? -ENOMEM : 0;
}

void reg_fini(void)
{
	struct reg_key *root = registry.root, *leaf, *parent;

	registry.root = NULL;
	reg_names_forget();
	for (leaf = root; leaf; leaf = parent) {
		while (leaf->child)
			leaf = leaf->child;
		parent = leaf->parent;
		if (parent)
			parent->child = leaf->next;
		reg_key_drop(leaf);
	}
}
