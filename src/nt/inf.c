/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* INF files: see inf.h. */
#include "nt/inf.h"
#include "util/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One more element in an array that doubles; false: out of memory. */
static bool grow(void *array, unsigned count, unsigned *room, size_t bytes)
{
	void *larger;

	if (count < *room)
		return true;
	larger = realloc(*(void **)array, (*room ? 2 * *room : 64) * bytes);
	if (!larger)
		return false;
	*(void **)array = larger;
	*room = *room ? 2 * *room : 64;
	return true;
}

/* ---- lines ---- */

/* The first of these characters outside quotes, or the end. */
static char *find(char *at, const char *characters)
{
	bool quoted = false;

	for (; *at; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (!quoted && strchr(characters, *at))
			break;
	}
	return at;
}

/* Cuts the comment off and tells whether the line goes on. */
static bool goes_on(char *line)
{
	char *end;
	bool on = false;

	*find(line, ";") = 0;
	text_trim(line);
	end = line + strlen(line);
	/* A backslash in quotes stands before the closing one. All are dropped: "Windows ignores
	 * the first" of two. */
	while (end > line && end[-1] == '\\') {
		*--end = 0;
		on = true;
	}
	return on;
}

/* Puts the lines that belong together into one, where the first one stands. */
static char *whole_line(struct text *text, unsigned *number)
{
	char *line = text_line(text), *end, *next;

	*number = text->line;
	if (!line)
		return NULL;
	line = line + strspn(line, " \t");
	while (goes_on(line) && (next = text_line(text))) {
		end = line + strlen(line);
		next += strspn(next, " \t");
		memmove(end, next, strlen(next) + 1);
	}
	return line;
}

static int section_named(struct inf *inf, char *name)
{
	int known = inf_section(inf, name, "", "");

	if (known >= 0)
		return known;
	if (!grow(&inf->sections, inf->section_count, &inf->section_room, sizeof(char *)))
		return error_set(ENOMEM, "%s: no memory for it.", inf->text.name);
	inf->sections[inf->section_count] = name;
	return (int)inf->section_count++;
}

static int section_start(struct inf *inf, char *line)
{
	char *end = strchr(line, ']');

	if (!end || *text_trim(end + 1))
		return text_fault(&inf->text, "the section's name does not end the line with ].");
	*end = 0;
	return section_named(inf, text_trim(line + 1));
}

static int line_add(struct inf *inf, int section, unsigned number, char *line)
{
	struct inf_line *made;
	char *stop = find(line, "=,");

	if (!grow(&inf->lines, inf->line_count, &inf->line_room, sizeof(*inf->lines)))
		return error_set(ENOMEM, "%s: no memory for it.", inf->text.name);
	made = &inf->lines[inf->line_count++];
	*made = (struct inf_line){(unsigned)section, number, NULL, line};
	if (*stop != '=')
		return 0;
	*stop = 0;
	made->key = text_trim(line);
	made->fields = text_trim(stop + 1);
	return 0;
}

/* Not yet stamped for an architecture: an .inx file. */
static void stamp(char *text)
{
	static const char mark[] = "$ARCH$", ours[] = "amd64";
	char *to = text;

	while (*text) {
		bool here = !strncasecmp(text, mark, sizeof(mark) - 1);

		if (here)
			memcpy(to, ours, sizeof(ours) - 1);
		else
			*to = *text;
		to += here ? sizeof(ours) - 1 : 1;
		text += here ? sizeof(mark) - 1 : 1;
	}
	*to = 0;
}

int inf_parse(struct inf *inf, const struct text *text)
{
	unsigned number;
	int section = -1, err = 0;
	char *line;

	*inf = (struct inf){.text = *text};
	stamp(inf->text.bytes);
	while (err >= 0 && (line = whole_line(&inf->text, &number))) {
		if (!*line)
			continue;
		inf->text.line = max_of(inf->text.line, number);
		if (*line == '[')
			err = section = section_start(inf, line);
		else if (section < 0)
			err = text_fault(&inf->text, "a line before the first section.");
		else
			err = line_add(inf, section, number, line);
	}
	return err < 0 ? err : 0;
}

void inf_fini(struct inf *inf)
{
	free(inf->sections);
	free(inf->lines);
	free(inf->text.bytes);
	*inf = (struct inf){0};
}

/* ---- what is asked ---- */

int inf_section(const struct inf *inf, const char *a, const char *b, const char *c)
{
	size_t la = strlen(a), lb = strlen(b), lc = strlen(c);

	for (unsigned n = 0; n < inf->section_count; n++) {
		const char *name = inf->sections[n];

		if (strlen(name) == la + lb + lc && !strncasecmp(name, a, la) &&
			!strncasecmp(name + la, b, lb) && !strncasecmp(name + la + lb, c, lc))
			return (int)n;
	}
	return -1;
}

const struct inf_line *inf_next(const struct inf *inf, int section, const struct inf_line *after)
{
	if (!inf->line_count)
		return NULL;
	for (after = after ? after + 1 : inf->lines; after < inf->lines + inf->line_count; after++)
		if ((int)after->section == section)
			return after;
	return NULL;
}

const struct inf_line *inf_next_of(
	const struct inf *inf, int section, const char *key, const struct inf_line *after)
{
	while ((after = inf_next(inf, section, after)))
		if (after->key && !strcasecmp(after->key, key))
			break;
	return after;
}

int inf_fault(struct inf *inf, const struct inf_line *line, const char *fmt, ...)
{
	char what[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	inf->text.line = line->number;
	return text_fault(&inf->text, "%s", what);
}

/* ---- fields ---- */

unsigned inf_field_count(const struct inf_line *line)
{
	unsigned count = 1;
	char *at = line->fields;

	if (!*at)
		return 0;
	while (*(at = find(at, ","))) {
		at++;
		count++;
	}
	return count;
}

/* The value of a string: the whole line, without its outermost quotes, each two of those within
 * being one. */
static size_t string_value(const char *value, char *to, size_t room)
{
	bool quoted = *value == '"';
	size_t used = 0;

	for (value += quoted; *value; value++) {
		if (quoted && *value == '"' && *++value != '"')
			break;
		if (used < room)
			to[used] = *value;
		used++;
	}
	return used;
}

static const struct inf_line *string_find(const struct inf *inf, const char *name, size_t length)
{
	int section = inf_section(inf, "Strings", "", "");
	const struct inf_line *line = NULL;

	while ((line = inf_next(inf, section, line)))
		if (line->key && strlen(line->key) == length &&
			!strncasecmp(line->key, name, length))
			return line;
	return NULL;
}

struct filler {
	char *to;
	size_t used;
};

static void put(struct filler *filler, char c)
{
	if (filler->used < INF_FIELD_MAX)
		filler->to[filler->used] = c;
	filler->used++;
}

/* At a %: puts what it stands for; NULL (error_set): there is no such string. */
static const char *put_string(
	struct inf *inf, const struct inf_line *line, const char *at, struct filler *filler)
{
	size_t length = strcspn(at + 1, "%"), room;
	const struct inf_line *string;

	if (at[1] == '%') {
		put(filler, '%');
		return at + 2;
	}
	if (!at[1 + length]) {
		inf_fault(inf, line, "a %% that no other one follows; one of its own is %%%%.");
		return NULL;
	}
	string = string_find(inf, at + 1, length);
	if (!string) {
		inf_fault(inf, line, "[Strings] has no %.*s.", (int)min_of(length, 60u), at + 1);
		return NULL;
	}
	room = INF_FIELD_MAX - min_of(filler->used, (size_t)INF_FIELD_MAX);
	filler->used += string_value(string->fields, filler->to + INF_FIELD_MAX - room, room);
	return at + length + 2;
}

int inf_field(struct inf *inf, const struct inf_line *line, unsigned n, char *field)
{
	struct filler filler = {.to = field};
	char *at = line->fields, *end;
	bool quoted = false;

	while (n-- && *(at = find(at, ",")))
		at++;
	end = find(at, ",");
	at += strspn(at, " \t");
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	while (at < end) {
		if (*at == '"') {
			/* Two within quotes are one that is meant. */
			if (quoted && at + 1 < end && at[1] == '"')
				put(&filler, *at++);
			else
				quoted = !quoted;
			at++;
		} else if (*at == '%') {
			at = (char *)put_string(inf, line, at, &filler);
			if (!at)
				return -EINVAL;
		} else {
			put(&filler, *at++);
		}
	}
	if (quoted)
		return inf_fault(inf, line, "a quote that is not closed.");
	if (filler.used >= INF_FIELD_MAX)
		return inf_fault(inf, line, "a field of more than %d bytes.", INF_FIELD_MAX - 1);
	field[filler.used] = 0;
	return 0;
}
