/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Text files as Windows has them: UTF-16 with its mark, else UTF-8; bytes that are no UTF-8 are
 * characters of code page 1252. Read as UTF-8, in lines. Used by registry_file.c and inf.c.
 */
#ifndef DRY_NT_REGISTRY_TEXT_H
#define DRY_NT_REGISTRY_TEXT_H

#include "nt/nt.h"

struct text {
	const char *name; /* for messages */
	char *bytes;	  /* UTF-8, an ending zero; the caller's to free */
	size_t count;
	char *next; /* the line that text_line hands out next */
	unsigned line;
};

/* -errno (error_set) */
int text_read(struct text *text, const char *path);
/* The same of what is in memory. */
int text_decode(struct text *text, const char *name, const void *bytes, size_t count);
/* The next line, without its end; NULL after the last one. The text may be changed up to its zero.
 */
char *text_line(struct text *text);
/* error_set with file and line; returns -EINVAL. */
int text_fault(const struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Blanks at both ends are cut. */
char *text_trim(char *line);
/* Bytes of the UTF-8 sequence that starts here, 1 to 4; 0 if it is none. Lone halves of pairs
 * count as one. */
unsigned text_utf8(const char *text, size_t left);

#endif
