/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The C library's conversions between text and numbers, where long has 32 bits; classes of
 * characters; sorting and searching with a driver's comparison.
 */
#define DRY_MODULE "crt"
#include "nt/crt.h"

#include <limits.h>
#include <string.h>

/* ---- text to number ---- */

/* Text of either width. */
struct digits {
	const char *narrow;
	const WCHAR *wide;
};

static unsigned char_at(const struct digits *text, size_t n)
{
	return text->wide ? text->wide[n] : (unsigned char)text->narrow[n];
}

static bool is_space(unsigned c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static unsigned digit_of(unsigned c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = crt_lower(c);
	return c >= 'a' && c <= 'z' ? c - 'a' + 10 : UINT_MAX;
}

/* Reads a number; *end is where it ended, 0 if there was none. What is over most becomes most + 1.
 */
static uint64_t number_read(
	const struct digits *text, int base, uint64_t most, bool *negative, bool *over, size_t *end)
{
	uint64_t value = 0;
	size_t n = 0, begin;

	while (is_space(char_at(text, n)))
		n++;
	*negative = char_at(text, n) == '-';
	if (char_at(text, n) == '-' || char_at(text, n) == '+')
		n++;
	if ((base == 0 || base == 16) && char_at(text, n) == '0' &&
		crt_lower(char_at(text, n + 1)) == 'x' && digit_of(char_at(text, n + 2)) < 16) {
		base = 16;
		n += 2;
	}
	if (base == 0)
		base = char_at(text, n) == '0' ? 8 : 10;
	*over = false;
	for (begin = n; digit_of(char_at(text, n)) < (unsigned)base; n++)
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
			__builtin_add_overflow(value, digit_of(char_at(text, n)), &value) ||
			value > most) {
			*over = true;
			value = 0;
		}
	*end = n == begin ? 0 : n;
	return value;
}

static int64_t signed_read(const struct digits *text, int base, int64_t low, size_t *end)
{
	bool negative, over;
	uint64_t value = number_read(text, base, -(uint64_t)low, &negative, &over, end);

	if (negative)
		return over ? low : (int64_t)-value;
	return over || value > -(uint64_t)low - 1 ? -(low + 1) : (int64_t)value;
}

static uint64_t unsigned_read(const struct digits *text, int base, uint64_t high, size_t *end)
{
	bool negative, over;
	uint64_t value = number_read(text, base, high, &negative, &over, end);

	if (over)
		return high;
	return negative ? -value & high : value;
}

#define CRT_READ_NARROW(name, type, read, limit)                                                   \
	static type NTAPI crt_##name(const char *text, char **end, int base)                       \
	{                                                                                          \
		size_t length;                                                                     \
		type value = (type)read(&(struct digits){.narrow = text}, base, limit, &length);   \
                                                                                                   \
		if (end)                                                                           \
			*end = (char *)text + length;                                              \
		return value;                                                                      \
	}                                                                                          \
	DRY_EXPORT_AS(name, crt_##name)
#define CRT_READ_WIDE(name, type, read, limit)                                                     \
	static type NTAPI crt_##name(const WCHAR *text, WCHAR **end, int base)                     \
	{                                                                                          \
		size_t length;                                                                     \
		type value = (type)read(&(struct digits){.wide = text}, base, limit, &length);     \
                                                                                                   \
		if (end)                                                                           \
			*end = (WCHAR *)text + length;                                             \
		return value;                                                                      \
	}                                                                                          \
	DRY_EXPORT_AS(name, crt_##name)

CRT_READ_NARROW(strtol, LONG, signed_read, INT32_MIN)
CRT_READ_NARROW(strtoul, ULONG, unsigned_read, UINT32_MAX)
CRT_READ_NARROW(_strtoi64, LONGLONG, signed_read, INT64_MIN)
CRT_READ_NARROW(_strtoui64, ULONGLONG, unsigned_read, UINT64_MAX)
CRT_READ_NARROW(strtoll, LONGLONG, signed_read, INT64_MIN)
CRT_READ_NARROW(strtoull, ULONGLONG, unsigned_read, UINT64_MAX)
CRT_READ_WIDE(wcstol, LONG, signed_read, INT32_MIN)
CRT_READ_WIDE(wcstoul, ULONG, unsigned_read, UINT32_MAX)
CRT_READ_WIDE(_wcstoi64, LONGLONG, signed_read, INT64_MIN)
CRT_READ_WIDE(_wcstoui64, ULONGLONG, unsigned_read, UINT64_MAX)

static int NTAPI crt_atoi(const char *text)
{
	return crt_strtol(text, NULL, 10);
}
DRY_EXPORT_AS(atoi, crt_atoi)
DRY_EXPORT_AS(atol, crt_atoi)

static LONGLONG NTAPI crt_atoi64(const char *text)
{
	return crt__strtoi64(text, NULL, 10);
}
DRY_EXPORT_AS(_atoi64, crt_atoi64)

static int NTAPI crt_wtoi(const WCHAR *text)
{
	return crt_wcstol(text, NULL, 10);
}
DRY_EXPORT_AS(_wtoi, crt_wtoi)
DRY_EXPORT_AS(_wtol, crt_wtoi)

static LONGLONG NTAPI crt_wtoi64(const WCHAR *text)
{
	return crt__wcstoi64(text, NULL, 10);
}
DRY_EXPORT_AS(_wtoi64, crt_wtoi64)

/* ---- number to text ---- */

static size_t digits_write(char *text, uint64_t value, int base, bool minus)
{
	char reversed[65];
	size_t n = 0, length = 0;

	do
		reversed[n++] = "0123456789abcdefghijklmnopqrstuvwxyz"[value % (unsigned)base];
	while (value /= (unsigned)base);
	if (minus)
		text[length++] = '-';
	while (n)
		text[length++] = reversed[--n];
	text[length++] = 0;
	return length;
}

static char *narrow_write(char *text, uint64_t value, int base, bool minus)
{
	if (base < 2 || base > 36)
		text[0] = 0;
	else
		digits_write(text, minus ? -value : value, base, minus);
	return text;
}

static WCHAR *wide_write(WCHAR *text, uint64_t value, int base, bool minus)
{
	char narrow[72];

	narrow_write(narrow, value, base, minus);
	for (size_t i = 0; i <= strlen(narrow); i++)
		text[i] = (WCHAR)narrow[i];
	return text;
}

/* Base ten alone knows of a minus: in any other a negative number shows its bits. */
#define CRT_WRITE(name, type, character, write, bits)                                              \
	static character *NTAPI crt_##name(type value, character *text, int base)                  \
	{                                                                                          \
		bool minus = base == 10 && value < (type)1 && value != 0;                          \
                                                                                                   \
		return write(text, minus ? (uint64_t)value : (bits)value, base, minus);            \
	}                                                                                          \
	DRY_EXPORT_AS(name, crt_##name)

CRT_WRITE(_itoa, int, char, narrow_write, uint32_t)
CRT_WRITE(_ltoa, LONG, char, narrow_write, uint32_t)
CRT_WRITE(_ultoa, ULONG, char, narrow_write, uint32_t)
CRT_WRITE(_i64toa, LONGLONG, char, narrow_write, uint64_t)
CRT_WRITE(_ui64toa, ULONGLONG, char, narrow_write, uint64_t)
CRT_WRITE(_itow, int, WCHAR, wide_write, uint32_t)
CRT_WRITE(_ltow, LONG, WCHAR, wide_write, uint32_t)
CRT_WRITE(_ultow, ULONG, WCHAR, wide_write, uint32_t)
CRT_WRITE(_i64tow, LONGLONG, WCHAR, wide_write, uint64_t)
CRT_WRITE(_ui64tow, ULONGLONG, WCHAR, wide_write, uint64_t)
