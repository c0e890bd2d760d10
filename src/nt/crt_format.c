/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The sprintf family on top of format.h. The old routines with an underscore and a count write no
 * zero when the text just fits and answer -1 when it does not; the C99 ones and those with _s
 * always end the text. The kernel's swprintf and vswprintf take no size.
 */
#define DRY_MODULE "crt"
#include "nt/crt.h"
#include "nt/format.h"

/* snprintf's callers count the zero; INT_MAX is far beyond any text. */
#define UNBOUNDED ((size_t)INT32_MAX)

/* As _vsnprintf: the zero is written only where there is room for it. */
static int old_narrow(char *text, size_t count, const char *format, __builtin_ms_va_list args)
{
	int length = nt_vformat_raw(text, count, format, args);

	if (length >= 0 && (size_t)length < count)
		text[length] = 0;
	return (size_t)length > count ? -1 : length;
}

static int old_wide(WCHAR *text, size_t count, const WCHAR *format, __builtin_ms_va_list args)
{
	int length = nt_vformat_raw_wide(text, count, format, args);

	if (length >= 0 && (size_t)length < count)
		text[length] = 0;
	return (size_t)length > count ? -1 : length;
}

/* As vsprintf_s: text that does not fit is an error, and the buffer becomes empty. */
static int strict_narrow(char *text, size_t size, const char *format, __builtin_ms_va_list args)
{
	int length;

	if (!text || !size || !format)
		return -1;
	length = nt_vformat(text, size, format, args);
	if (length >= 0 && (size_t)length < size)
		return length;
	text[0] = 0;
	return -1;
}

static int strict_wide(WCHAR *text, size_t size, const WCHAR *format, __builtin_ms_va_list args)
{
	int length;

	if (!text || !size || !format)
		return -1;
	length = nt_vformat_wide(text, size, format, args);
	if (length >= 0 && (size_t)length < size)
		return length;
	text[0] = 0;
	return -1;
}

/* As _vsnprintf_s: at most count characters; if those do not fit, an error, but for _TRUNCATE. */
static int counted_narrow(
	char *text, size_t size, size_t count, const char *format, __builtin_ms_va_list args)
{
	int length;

	if (!text || !size || !format)
		return -1;
	length = nt_vformat(
		text, min_of(size, count == CRT_TRUNCATE ? size : count + 1), format, args);
	if (length >= 0 && (size_t)length < size && (size_t)length <= count)
		return length;
	if (length < 0 || (count != CRT_TRUNCATE && count >= size))
		text[0] = 0;
	return -1;
}

static int counted_wide(
	WCHAR *text, size_t size, size_t count, const WCHAR *format, __builtin_ms_va_list args)
{
	int length;

	if (!text || !size || !format)
		return -1;
	length = nt_vformat_wide(
		text, min_of(size, count == CRT_TRUNCATE ? size : count + 1), format, args);
	if (length >= 0 && (size_t)length < size && (size_t)length <= count)
		return length;
	if (length < 0 || (count != CRT_TRUNCATE && count >= size))
		text[0] = 0;
	return -1;
}

/* name(parameters, format, ...) and its twin with a list of arguments, both calling work(given). */
#define CRT_PRINT(name, vname, character, work, parameters, given)                                 \
	static int NTAPI crt_##vname(                                                              \
		CRT_UNWRAP parameters, const character *format, __builtin_ms_va_list args)         \
	{                                                                                          \
		return work(CRT_UNWRAP given, format, args);                                       \
	}                                                                                          \
	DRY_EXPORT_AS(vname, crt_##vname)                                                          \
	static int NTAPI crt_##name(CRT_UNWRAP parameters, const character *format, ...)           \
	{                                                                                          \
		__builtin_ms_va_list args;                                                         \
		int length;                                                                        \
                                                                                                   \
		__builtin_ms_va_start(args, format);                                               \
		length = work(CRT_UNWRAP given, format, args);                                     \
		__builtin_ms_va_end(args);                                                         \
		return length;                                                                     \
	}                                                                                          \
	DRY_EXPORT_AS(name, crt_##name)
#define CRT_UNWRAP(...) __VA_ARGS__

CRT_PRINT(sprintf, vsprintf, char, nt_vformat, (char *text), (text, UNBOUNDED))
CRT_PRINT(snprintf, vsnprintf, char, nt_vformat, (char *text, size_t size), (text, size))
CRT_PRINT(_snprintf, _vsnprintf, char, old_narrow, (char *text, size_t count), (text, count))
CRT_PRINT(sprintf_s, vsprintf_s, char, strict_narrow, (char *text, size_t size), (text, size))
CRT_PRINT(_snprintf_s, _vsnprintf_s, char, counted_narrow, (char *text, size_t size, size_t count),
	(text, size, count))
CRT_PRINT(swprintf, vswprintf, WCHAR, nt_vformat_wide, (WCHAR * text), (text, UNBOUNDED))
CRT_PRINT(_snwprintf, _vsnwprintf, WCHAR, old_wide, (WCHAR * text, size_t count), (text, count))
CRT_PRINT(swprintf_s, vswprintf_s, WCHAR, strict_wide, (WCHAR * text, size_t size), (text, size))
CRT_PRINT(_snwprintf_s, _vsnwprintf_s, WCHAR, counted_wide,
	(WCHAR * text, size_t size, size_t count), (text, size, count))

static int NTAPI crt__vscprintf(const char *format, __builtin_ms_va_list args)
{
	return nt_vformat_raw(NULL, 0, format, args);
}
DRY_EXPORT_AS(_vscprintf, crt__vscprintf)

static int NTAPI crt__vscwprintf(const WCHAR *format, __builtin_ms_va_list args)
{
	return nt_vformat_raw_wide(NULL, 0, format, args);
}
DRY_EXPORT_AS(_vscwprintf, crt__vscwprintf)
