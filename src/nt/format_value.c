/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The formatter's values: numbers, pointers, characters and strings of either width, with padding
 * (format_value.h).
 */
#include "nt/format_value.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A string argument of either width. */
struct text {
	const char *narrow;
	const WCHAR *wide;
	size_t length;
};

void format_put(struct output *out, unsigned c)
{
	if (out->count < out->room) {
		if (out->wide)
			out->wide[out->count] = (WCHAR)c;
		else
			out->narrow[out->count] = c < 256 ? (char)c : '?';
	}
	out->count++;
}

static void put_many(struct output *out, unsigned c, int count)
{
	/* a width of millions is legal and costs nothing beyond the room */
	for (; count > 0 && out->count < out->room; count--)
		format_put(out, c);
	if (count > 0)
		out->count += (size_t)count;
}

/* ---- integers ---- */

static int64_t sized_signed(const struct spec *spec, uint64_t value)
{
	switch (spec->size) {
	case SIZE_CHAR:
		return (signed char)value;
	case SIZE_SHORT:
		return (short)value;
	case SIZE_64:
		return (int64_t)value;
	default:
		return (int32_t)value;
	}
}

static uint64_t sized_unsigned(const struct spec *spec, uint64_t value)
{
	switch (spec->size) {
	case SIZE_CHAR:
		return (unsigned char)value;
	case SIZE_SHORT:
		return (unsigned short)value;
	case SIZE_64:
		return value;
	default:
		return (uint32_t)value;
	}
}

static void integer_out(struct output *out, const struct spec *spec, uint64_t value, unsigned base,
	bool upper, const char *prefix)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	int length = 0, zeros, pad;

	for (uint64_t v = value; v; v /= base)
		text[length++] = digits[v % base];
	zeros = max_of(spec->precision < 0 ? 1 : spec->precision, length) - length;
	pad = spec->width - length - zeros - (int)strlen(prefix);
	if (spec->zero && !spec->left && spec->precision < 0 && pad > 0) {
		zeros += pad;
		pad = 0;
	}
	if (!spec->left)
		put_many(out, ' ', pad);
	while (*prefix)
		format_put(out, (unsigned char)*prefix++);
	put_many(out, '0', zeros);
	while (length)
		format_put(out, (unsigned char)text[--length]);
	if (spec->left)
		put_many(out, ' ', pad);
}

void format_signed(struct output *out, const struct spec *spec, uint64_t slot)
{
	int64_t value = sized_signed(spec, slot);
	const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

	integer_out(out, spec, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, false, sign);
}

void format_unsigned(struct output *out, const struct spec *spec, uint64_t slot)
{
	uint64_t value = sized_unsigned(spec, slot);
	struct spec octal = *spec;

	switch (spec->type) {
	case 'o':
		/* the alternate form is one leading zero */
		if (spec->alternate && value)
			octal.precision =
				max_of(spec->precision, (66 - __builtin_clzll(value)) / 3 + 1);
		integer_out(out, spec->alternate ? &octal : spec, value, 8, false, "");
		break;
	case 'x':
		integer_out(out, spec, value, 16, false, spec->alternate && value ? "0x" : "");
		break;
	case 'X':
		integer_out(out, spec, value, 16, true, spec->alternate && value ? "0X" : "");
		break;
	default:
		integer_out(out, spec, value, 10, false, "");
	}
}

void format_pointer(struct output *out, const struct spec *spec, uint64_t slot)
{
	struct spec full = {.left = spec->left, .width = spec->width, .precision = 16};

	integer_out(out, &full, slot, 16, true, spec->alternate ? "0X" : "");
}

/* ---- the rest ---- */

void format_double(struct output *out, const struct spec *spec, uint64_t slot)
{
	char format[16], text[512], *f = format;
	double value;
	int length;

	memcpy(&value, &slot, sizeof(value));
	*f++ = '%';
	if (spec->plus)
		*f++ = '+';
	if (spec->space)
		*f++ = ' ';
	if (spec->alternate)
		*f++ = '#';
	if (spec->zero && !spec->left)
		*f++ = '0';
	*f++ = '*';
	*f++ = '.';
	*f++ = '*';
	*f++ = (char)spec->type;
	*f = 0;
	/* a precision of 16 loses nothing that a double holds; the text has an end */
	length = snprintf(text, sizeof(text), format, spec->left ? 0 : min_of(spec->width, 128),
		spec->precision < 0 ? 6 : min_of(spec->precision, 128), value);
	for (int i = 0; i < min_of(length, (int)sizeof(text) - 1); i++)
		format_put(out, (unsigned char)text[i]);
	if (spec->left)
		put_many(out, ' ', spec->width - length);
}

static void text_out(struct output *out, const struct spec *spec, const struct text *text)
{
	int pad = spec->width - (int)min_of(text->length, (size_t)INT_MAX);

	if (!spec->left)
		put_many(out, spec->zero ? '0' : ' ', pad);
	for (size_t i = 0; i < text->length; i++)
		format_put(out, text->wide ? text->wide[i] : (unsigned char)text->narrow[i]);
	if (spec->left)
		put_many(out, ' ', pad);
}

/* Whether a character or string argument is wide: the size says so, else the function's own width,
 * of which a capital letter means the other one. */
static bool is_wide(const struct spec *spec, bool own)
{
	if (spec->size == SIZE_LONG || spec->size == SIZE_WIDE || spec->size == SIZE_64)
		return true;
	if (spec->size == SIZE_SHORT || spec->size == SIZE_CHAR)
		return false;
	return spec->type == 'S' || spec->type == 'C' ? !own : own;
}

void format_character(struct output *out, const struct spec *spec, uint64_t slot, bool own)
{
	char narrow = (char)slot;
	WCHAR wide = (WCHAR)slot;
	struct text text = {.narrow = &narrow, .length = 1};

	if (is_wide(spec, own))
		text.wide = &wide;
	text_out(out, spec, &text);
}

void format_string(struct output *out, const struct spec *spec, const void *string, bool own)
{
	size_t most = spec->precision < 0 ? INT_MAX : (size_t)spec->precision;
	struct text text = {0};

	if (!string)
		text.narrow = "(null)";
	else if (is_wide(spec, own))
		text.wide = string;
	else
		text.narrow = string;
	while (text.length < most &&
		(text.wide ? text.wide[text.length] : text.narrow[text.length]))
		text.length++;
	text_out(out, spec, &text);
}

/* %Z: a counted string. UNICODE_STRING and ANSI_STRING have the same layout. */
void format_counted(struct output *out, const struct spec *spec, const UNICODE_STRING *string)
{
	struct text text = {.narrow = "(null)", .length = 6};
	bool wide = spec->size == SIZE_WIDE || spec->size == SIZE_LONG;

	if (string && string->Buffer) {
		text.narrow = (const char *)string->Buffer;
		text.wide = wide ? string->Buffer : NULL;
		text.length = wide ? string->Length / sizeof(WCHAR) : string->Length;
	}
	if (spec->precision >= 0)
		text.length = min_of(text.length, (size_t)spec->precision);
	text_out(out, spec, &text);
}
