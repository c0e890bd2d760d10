/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Between the formatter's two files: rtl_format.c reads directives, format_value.c writes values.
 */
#ifndef DRY_NT_FORMAT_VALUE_H
#define DRY_NT_FORMAT_VALUE_H

#include "nt/format.h"

struct output {
	char *narrow; /* one of the two, or neither: only counted */
	WCHAR *wide;
	size_t room, count;
};

enum size { SIZE_NONE, SIZE_CHAR, SIZE_SHORT, SIZE_LONG, SIZE_64, SIZE_WIDE };

struct spec {
	bool left, plus, space, alternate, zero;
	int width, precision; /* precision -1: none given */
	enum size size;
	unsigned type; /* the last character of the directive */
};

/* One character. */
void format_put(struct output *out, unsigned c);

/* The value of one directive; the slot as it stands in the list of arguments. own: whether the
 * function's own characters are wide. */
void format_signed(struct output *out, const struct spec *spec, uint64_t slot);
void format_unsigned(struct output *out, const struct spec *spec, uint64_t slot);
void format_pointer(struct output *out, const struct spec *spec, uint64_t slot);
void format_double(struct output *out, const struct spec *spec, uint64_t slot);
void format_character(struct output *out, const struct spec *spec, uint64_t slot, bool own);
void format_string(struct output *out, const struct spec *spec, const void *string, bool own);
void format_counted(struct output *out, const struct spec *spec, const UNICODE_STRING *string);

#endif
