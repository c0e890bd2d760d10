/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The formatter (format.h). A directive is read into a struct spec, its argument is one slot of the
 * list, format_value.c writes the text. Narrow and wide functions differ in how a character is read
 * from the format and written, and in which width an unsized %s has.
 */
#include "nt/format_value.h"

#include <limits.h>
#include <string.h>

struct input {
	const char *narrow;
	const WCHAR *wide;
};

static unsigned input_peek(const struct input *in)
{
	return in->wide ? *in->wide : (unsigned char)*in->narrow;
}

static unsigned input_take(struct input *in)
{
	return in->wide ? *in->wide++ : (unsigned char)*in->narrow++;
}

static uint64_t slot_take(char **args)
{
	uint64_t value;

	memcpy(&value, *args, sizeof(value));
	*args += sizeof(value);
	return value;
}

/* ---- reading a directive ---- */

static int number_read(struct input *in, char **args)
{
	int64_t n = 0;

	if (input_peek(in) == '*') {
		input_take(in);
		return (int)slot_take(args);
	}
	for (; input_peek(in) >= '0' && input_peek(in) <= '9'; input_take(in))
		if (n < INT_MAX / 20)
			n = n * 10 + (int)(input_peek(in) - '0');
	return (int)n;
}

static void flags_read(struct input *in, struct spec *spec)
{
	for (;; input_take(in)) {
		switch (input_peek(in)) {
		case '-':
			spec->left = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		case '0':
			spec->zero = true;
			break;
		default:
			return;
		}
	}
}

/* I64, I32, or I alone: the size of a pointer. */
static enum size size_read_i(struct input *in)
{
	struct input ahead = *in;
	unsigned first = input_take(&ahead), second = first ? input_peek(&ahead) : 0;
	bool is_32 = first == '3' && second == '2', is_64 = first == '6' && second == '4';

	if (is_32 || is_64) {
		input_take(in);
		input_take(in);
	}
	return is_32 ? SIZE_LONG : SIZE_64;
}

static enum size size_read(struct input *in)
{
	unsigned c = input_peek(in);

	if (!strchr("hlwIjztL", (int)c) || !c || c > 127)
		return SIZE_NONE;
	input_take(in);
	switch (c) {
	case 'h':
		if (input_peek(in) != 'h')
			return SIZE_SHORT;
		input_take(in);
		return SIZE_CHAR;
	case 'l':
		if (input_peek(in) != 'l')
			return SIZE_LONG;
		input_take(in);
		return SIZE_64;
	case 'w':
		return SIZE_WIDE;
	case 'I':
		return size_read_i(in);
	case 'L':
		return SIZE_NONE; /* long double is double */
	default:
		return SIZE_64;
	}
}

static struct spec spec_read(struct input *in, char **args)
{
	struct spec spec = {.precision = -1};

	flags_read(in, &spec);
	spec.width = number_read(in, args);
	if (spec.width < 0) {
		spec.left = true;
		spec.width = spec.width == INT_MIN ? INT_MAX : -spec.width;
	}
	if (input_peek(in) == '.') {
		input_take(in);
		spec.precision = number_read(in, args);
		if (spec.precision < 0)
			spec.precision = -1;
	}
	spec.size = size_read(in);
	spec.type = input_peek(in);
	if (spec.type)
		input_take(in);
	return spec;
}

/* False for a directive that Windows refuses. */
static bool directive_out(struct output *out, const struct spec *spec, char **args, bool own)
{
	switch (spec->type) {
	case 'd':
	case 'i':
		format_signed(out, spec, slot_take(args));
		return true;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		format_unsigned(out, spec, slot_take(args));
		return true;
	case 'p':
		format_pointer(out, spec, slot_take(args));
		return true;
	case 'c':
	case 'C':
		format_character(out, spec, slot_take(args), own);
		return true;
	case 's':
	case 'S':
		format_string(out, spec, (const void *)slot_take(args), own);
		return true;
	case 'Z':
		format_counted(out, spec, (const void *)slot_take(args));
		return true;
	case 'e':
	case 'E':
	case 'f':
	case 'F':
	case 'g':
	case 'G':
	case 'a':
	case 'A':
		format_double(out, spec, slot_take(args));
		return true;
	case 'n':
		return false;
	case 0:
		return true;
	default:
		/* %% and what means nothing: the character itself */
		format_put(out, spec->type);
		return true;
	}
}

static int format_run(struct output *out, struct input in, char *args)
{
	bool own = in.wide != NULL;

	for (unsigned c; (c = input_peek(&in)) != 0;) {
		struct spec spec;

		input_take(&in);
		if (c != '%') {
			format_put(out, c);
			continue;
		}
		spec = spec_read(&in, &args);
		if (!directive_out(out, &spec, &args, own))
			return -1;
	}
	return out->count > INT_MAX ? -1 : (int)out->count;
}

int nt_vformat_raw(char *text, size_t room, const char *format, __builtin_ms_va_list args)
{
	struct output out = {.narrow = text, .room = room};

	return format_run(&out, (struct input){.narrow = format}, args);
}

int nt_vformat_raw_wide(WCHAR *text, size_t room, const WCHAR *format, __builtin_ms_va_list args)
{
	struct output out = {.wide = text, .room = room};

	return format_run(&out, (struct input){.wide = format}, args);
}

int nt_vformat(char *text, size_t size, const char *format, __builtin_ms_va_list args)
{
	int length = nt_vformat_raw(text, size ? size - 1 : 0, format, args);

	if (size)
		text[length < 0 ? 0 : min_of((size_t)length, size - 1)] = 0;
	return length;
}

int nt_vformat_wide(WCHAR *text, size_t size, const WCHAR *format, __builtin_ms_va_list args)
{
	int length = nt_vformat_raw_wide(text, size ? size - 1 : 0, format, args);

	if (size)
		text[length < 0 ? 0 : min_of((size_t)length, size - 1)] = 0;
	return length;
}
