/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* See cxx_name.h. */
#include "util/cxx_name.h"
#include "util/common.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { PARTS_MAX = 16, NAMES_MAX = 10 };

struct part {
	const char *at;
	int length;
};

struct reader {
	const char *at;
	struct part parts[PARTS_MAX]; /* from the inside out */
	struct part names[NAMES_MAX]; /* what digits stand for */
	unsigned part_count, name_count;
};

bool cxx_name_is(const char *name)
{
	return name[0] == '?' && name[1];
}

static bool part_read(struct reader *reader)
{
	struct part *part = &reader->parts[reader->part_count];

	if (reader->part_count == PARTS_MAX)
		return false;
	reader->part_count++;
	if (isdigit((unsigned char)*reader->at)) {
		unsigned which = (unsigned)(*reader->at++ - '0');

		*part = reader->names[which];
		return which < reader->name_count;
	}
	part->at = reader->at;
	part->length = (int)strcspn(reader->at, "@");
	if (!part->length || !part->at[part->length])
		return false;
	reader->at += part->length + 1;
	if (!strncmp(part->at, "?A", 2)) /* ?A0x1234abcd@: no name */
		*part = (struct part){"(anonymous)", 11};
	else if (memchr(part->at, '?', (size_t)part->length))
		return false;
	if (reader->name_count < NAMES_MAX)
		reader->names[reader->name_count++] = *part;
	return true;
}

static bool parts_read(struct reader *reader)
{
	while (*reader->at != '@')
		if (!part_read(reader))
			return false;
	return reader->part_count > 0;
}

struct special {
	const char *code, *name;
	bool is_class; /* the first part is the class, and the name after a '~' */
};

static const struct special specials[] = {
	{"??0", "", true},
	{"??1", "~", true},
	{"??_G", "~", true},
	{"??_E", "~", true},
	{"??2", "operator new", false},
	{"??3", "operator delete", false},
	{"??_U", "operator new[]", false},
	{"??_V", "operator delete[]", false},
};

static const struct special *special_find(const char *mangled)
{
	for (size_t i = 0; i < array_size(specials); i++)
		if (!strncmp(mangled, specials[i].code, strlen(specials[i].code)))
			return &specials[i];
	return NULL;
}

static void append(char *name, size_t size, const struct part *part)
{
	size_t length = strlen(name);

	snprintf(name + length, size - length, "%.*s", part->length, part->at);
}

static void append_text(char *name, size_t size, const char *text)
{
	append(name, size, &(struct part){text, (int)strlen(text)});
}

static void name_write(
	const struct reader *reader, const struct special *special, char *name, size_t size)
{
	name[0] = 0;
	for (unsigned i = reader->part_count; i-- > 0;) {
		append(name, size, &reader->parts[i]);
		if (i || special)
			append_text(name, size, "::");
	}
	if (!special)
		return;
	append_text(name, size, special->name);
	if (special->is_class)
		append(name, size, &reader->parts[0]);
}

bool cxx_name_read(const char *mangled, char *name, size_t size)
{
	const struct special *special = special_find(mangled);
	struct reader reader = {.at = mangled + 1};
	bool done;

	if (special)
		reader.at = mangled + strlen(special->code);
	/* an operator may stand in no scope at all */
	done = cxx_name_is(mangled) && (special || mangled[1] != '?') &&
	       (parts_read(&reader) || (special && !special->is_class && *reader.at == '@'));
	if (done)
		name_write(&reader, special, name, size);
	else
		snprintf(name, size, "%s", mangled);
	return done;
}
