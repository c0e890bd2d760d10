/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The C library's routines on wide strings, whose characters have 16 bits: the host's have 32, so
 * none of its routines will do.
 */
#define DRY_MODULE "crt"
#include "nt/crt.h"

#include <string.h>

static size_t NTAPI crt_wcsnlen(const WCHAR *s, size_t n)
{
	size_t length = 0;

	while (length < n && s[length])
		length++;
	return length;
}
DRY_EXPORT_AS(wcsnlen, crt_wcsnlen)

static size_t NTAPI crt_wcslen(const WCHAR *s)
{
	return crt_wcsnlen(s, SIZE_MAX);
}
DRY_EXPORT_AS(wcslen, crt_wcslen)

static WCHAR *NTAPI crt_wcscpy(WCHAR *dst, const WCHAR *src)
{
	return memcpy(dst, src, (crt_wcslen(src) + 1) * sizeof(*src));
}
DRY_EXPORT_AS(wcscpy, crt_wcscpy)

static WCHAR *NTAPI crt_wcsncpy(WCHAR *dst, const WCHAR *src, size_t n)
{
	size_t length = crt_wcsnlen(src, n);

	memcpy(dst, src, length * sizeof(*src));
	memset(dst + length, 0, (n - length) * sizeof(*dst));
	return dst;
}
DRY_EXPORT_AS(wcsncpy, crt_wcsncpy)

static WCHAR *NTAPI crt_wcscat(WCHAR *dst, const WCHAR *src)
{
	crt_wcscpy(dst + crt_wcslen(dst), src);
	return dst;
}
DRY_EXPORT_AS(wcscat, crt_wcscat)

static WCHAR *NTAPI crt_wcsncat(WCHAR *dst, const WCHAR *src, size_t n)
{
	size_t length = crt_wcsnlen(src, n), end = crt_wcslen(dst);

	memcpy(dst + end, src, length * sizeof(*src));
	dst[end + length] = 0;
	return dst;
}
DRY_EXPORT_AS(wcsncat, crt_wcsncat)

static int NTAPI crt_wcsncmp(const WCHAR *a, const WCHAR *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (*a > *b) - (*a < *b);
	return 0;
}
DRY_EXPORT_AS(wcsncmp, crt_wcsncmp)

static int NTAPI crt_wcscmp(const WCHAR *a, const WCHAR *b)
{
	return crt_wcsncmp(a, b, SIZE_MAX);
}
DRY_EXPORT_AS(wcscmp, crt_wcscmp)

static int NTAPI crt_wcsnicmp(const WCHAR *a, const WCHAR *b, size_t n)
{
	for (; n; n--, a++, b++) {
		int order = (int)crt_lower(*a) - (int)crt_lower(*b);

		if (order || !*a)
			return order;
	}
	return 0;
}
DRY_EXPORT_AS(_wcsnicmp, crt_wcsnicmp)

static int NTAPI crt_wcsicmp(const WCHAR *a, const WCHAR *b)
{
	return crt_wcsnicmp(a, b, SIZE_MAX);
}
DRY_EXPORT_AS(_wcsicmp, crt_wcsicmp)

static WCHAR *NTAPI crt_wcschr(const WCHAR *s, WCHAR c)
{
	for (;; s++) {
		if (*s == c)
			return (WCHAR *)s;
		if (!*s)
			return NULL;
	}
}
DRY_EXPORT_AS(wcschr, crt_wcschr)

static WCHAR *NTAPI crt_wcsrchr(const WCHAR *s, WCHAR c)
{
	const WCHAR *last = NULL;

	for (;; s++) {
		if (*s == c)
			last = s;
		if (!*s)
			return (WCHAR *)last;
	}
}
DRY_EXPORT_AS(wcsrchr, crt_wcsrchr)

static WCHAR *NTAPI crt_wcsstr(const WCHAR *s, const WCHAR *part)
{
	size_t length = crt_wcslen(part);

	for (; crt_wcsncmp(s, part, length); s++)
		if (!*s)
			return NULL;
	return (WCHAR *)s;
}
DRY_EXPORT_AS(wcsstr, crt_wcsstr)

/* How many characters at the start of s are (wanted) or are not (!wanted) in the set. */
static size_t span(const WCHAR *s, const WCHAR *set, bool wanted)
{
	size_t n = 0;

	while (s[n] && (crt_wcschr(set, s[n]) != NULL) == wanted)
		n++;
	return n;
}

static size_t NTAPI crt_wcsspn(const WCHAR *s, const WCHAR *set)
{
	return span(s, set, true);
}
DRY_EXPORT_AS(wcsspn, crt_wcsspn)

static size_t NTAPI crt_wcscspn(const WCHAR *s, const WCHAR *set)
{
	return span(s, set, false);
}
DRY_EXPORT_AS(wcscspn, crt_wcscspn)

static WCHAR *NTAPI crt_wcspbrk(const WCHAR *s, const WCHAR *set)
{
	s += span(s, set, false);
	return *s ? (WCHAR *)s : NULL;
}
DRY_EXPORT_AS(wcspbrk, crt_wcspbrk)

static WCHAR *NTAPI crt_wcslwr(WCHAR *s)
{
	for (WCHAR *c = s; *c; c++)
		*c = (WCHAR)crt_lower(*c);
	return s;
}
DRY_EXPORT_AS(_wcslwr, crt_wcslwr)

static WCHAR *NTAPI crt_wcsupr(WCHAR *s)
{
	for (WCHAR *c = s; *c; c++)
		*c = (WCHAR)crt_upper(*c);
	return s;
}
DRY_EXPORT_AS(_wcsupr, crt_wcsupr)

/* ---- bounded ---- */

/* As append_s of crt_string.c. */
static int append_s(WCHAR *dst, size_t size, size_t at, const WCHAR *src, size_t n, bool cuts)
{
	size_t length = crt_wcsnlen(src, min_of(n, size));

	if (at + length >= size && !cuts) {
		dst[0] = 0;
		return CRT_ERANGE;
	}
	if (at + length < size) {
		memmove(dst + at, src, length * sizeof(*src));
		dst[at + length] = 0;
		return 0;
	}
	memmove(dst + at, src, (size - at - 1) * sizeof(*src));
	dst[size - 1] = 0;
	return CRT_STRUNCATE;
}

static int NTAPI crt_wcsncpy_s(WCHAR *dst, size_t size, const WCHAR *src, size_t n)
{
	if (!dst || !size)
		return dst || size || n ? CRT_EINVAL : 0;
	if (!src || !n) {
		dst[0] = 0;
		return n ? CRT_EINVAL : 0;
	}
	return append_s(dst, size, 0, src, n, n == CRT_TRUNCATE);
}
DRY_EXPORT_AS(wcsncpy_s, crt_wcsncpy_s)

static int NTAPI crt_wcscpy_s(WCHAR *dst, size_t size, const WCHAR *src)
{
	if (!dst || !size)
		return CRT_EINVAL;
	if (!src) {
		dst[0] = 0;
		return CRT_EINVAL;
	}
	return append_s(dst, size, 0, src, size, false);
}
DRY_EXPORT_AS(wcscpy_s, crt_wcscpy_s)

static int NTAPI crt_wcsncat_s(WCHAR *dst, size_t size, const WCHAR *src, size_t n)
{
	size_t at;

	if (!dst || !size)
		return dst || size || n ? CRT_EINVAL : 0;
	at = crt_wcsnlen(dst, size);
	if (at == size || (!src && n)) {
		dst[0] = 0;
		return CRT_EINVAL;
	}
	return n ? append_s(dst, size, at, src, n, n == CRT_TRUNCATE) : 0;
}
DRY_EXPORT_AS(wcsncat_s, crt_wcsncat_s)

static int NTAPI crt_wcscat_s(WCHAR *dst, size_t size, const WCHAR *src)
{
	/* one less than "cut to fit", so that what is too long is an error */
	return crt_wcsncat_s(dst, size, src, CRT_TRUNCATE - 1);
}
DRY_EXPORT_AS(wcscat_s, crt_wcscat_s)
