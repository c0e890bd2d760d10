/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the tests of the registry share: keys and values by names in plain characters. */
#ifndef TEST_REG_KIT_H
#define TEST_REG_KIT_H

#include "nt_kit.h"
#include "nt/registry.h"
#include "util/error.h"
#include <errno.h>

#define SERVICE_KEY "Machine\\SYSTEM\\CurrentControlSet\\Services\\"

struct kit_name {
	WCHAR wide[300];
	UNICODE_STRING string;
};

static unused_fn UNICODE_STRING *kit_name(struct kit_name *name, const char *text)
{
	name->string = reg_string(name->wide, reg_widen(text, strlen(text), name->wide, 300));
	return &name->string;
}

#define NAME(text) kit_name(&(struct kit_name){0}, text)

/* NULL: it is not there. */
static unused_fn struct reg_key *kit_key(const char *path)
{
	struct reg_key *key;

	return reg_key_find(reg_root(), NAME(path), &key) ? NULL : key;
}

static unused_fn const struct reg_value *kit_value(const char *path, const char *name)
{
	struct reg_key *key = kit_key(path);

	return key ? reg_value_find(key, NAME(name)) : NULL;
}

/* Whether it has this type and these bytes. */
static unused_fn bool kit_is(
	const char *path, const char *name, ULONG type, const void *data, size_t bytes)
{
	const struct reg_value *value = kit_value(path, name);

	return value && value->type == type && value->bytes == bytes &&
	       !memcmp(value->data, data, bytes);
}

static unused_fn bool kit_is_dword(const char *path, const char *name, uint32_t number)
{
	return kit_is(path, name, REG_DWORD, &number, 4);
}

/* text is a literal u"..."; its ending zero belongs to the value. */
#define kit_is_text(path, name, type, text) kit_is(path, name, type, text, sizeof(text))

static unused_fn HANDLE kit_open(const char *path, ACCESS_MASK access)
{
	struct kit_name name;
	OBJECT_ATTRIBUTES attributes;
	HANDLE handle = NULL;

	InitializeObjectAttributes(
		&attributes, kit_name(&name, path), OBJ_KERNEL_HANDLE, NULL, NULL);
	CHECK_EQUAL(ZwOpenKey(&handle, access, &attributes), STATUS_SUCCESS);
	return handle;
}

/* For tests of a format: TEXT_PARSE, defined before this file, is reg_file_parse or
 * reg_inf_parse, TEXT_NAME the file's name. */
#ifdef TEXT_PARSE
static int parse(const char *text)
{
	return TEXT_PARSE(TEXT_NAME, text, strlen(text));
}

static void good(const char *text)
{
	if (parse(text))
		check_note(false, error_text(), __LINE__);
}

/* It is refused, with this place and these words. */
static void bad(const char *text, const char *place, const char *words)
{
	CHECK_EQUAL((uint32_t)parse(text), (uint32_t)-EINVAL);
	if (strncmp(error_text(), place, strlen(place)) || !strstr(error_text(), words))
		check_note(false, error_text(), __LINE__);
}
#endif

#endif
