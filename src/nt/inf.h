/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * An INF file as sections of lines, by the general syntax rules of Microsoft's pages (install/
 * general-syntax-rules-for-inf-files): names without regard to letter case, sections of one name
 * are one, lines that go on behind a backslash, comments, quoted strings, %strkey%. Used by
 * registry_inf.c.
 */
#ifndef DRY_NT_INF_H
#define DRY_NT_INF_H

#include "nt/registry_text.h"

enum { INF_FIELD_MAX = 4096 }; /* bytes of a field, its ending zero with them */

struct inf_line {
	unsigned section, number;
	char *key;    /* before the =; NULL: there is none */
	char *fields; /* what follows, or the whole line */
};

struct inf {
	struct text text;
	char **sections;
	unsigned section_count, section_room;
	struct inf_line *lines;
	unsigned line_count, line_room;
};

/* text: the caller has read it; inf_fini frees it. -errno (error_set) */
int inf_parse(struct inf *inf, const struct text *text);
void inf_fini(struct inf *inf);

/* The section "A" "B" "C" of this name, -1: there is none. */
int inf_section(const struct inf *inf, const char *a, const char *b, const char *c);
/* The next line of a section; after: the last one, NULL for the first. NULL: no more. */
const struct inf_line *inf_next(const struct inf *inf, int section, const struct inf_line *after);
/* The next one whose key is this. */
const struct inf_line *inf_next_of(
	const struct inf *inf, int section, const char *key, const struct inf_line *after);

unsigned inf_field_count(const struct inf_line *line);
/* The n-th field, "" for one that is empty or not there: without quotes, with its strings put in.
 * -EINVAL (error_set): a %strkey% that no [Strings] has, or too long. */
int inf_field(struct inf *inf, const struct inf_line *line, unsigned n, char *field);
/* error_set with the file and this line; returns -EINVAL. */
int inf_fault(struct inf *inf, const struct inf_line *line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
