/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The C library's routines on narrow strings. Those that look at no locale are the host's.
 */
#define DRY_MODULE "crt"
#include "nt/crt.h"

#include <string.h>

static size_t NTAPI crt_strlen(const char *s)
{
	return strlen(s);
}
DRY_EXPORT_AS(strlen, crt_strlen)

static size_t NTAPI crt_strnlen(const char *s, size_t n)
{
	return strnlen(s, n);
}
DRY_EXPORT_AS(strnlen, crt_strnlen)

static char *NTAPI crt_strcpy(char *dst, const char *src)
{
	return strcpy(dst, src);
}
DRY_EXPORT_AS(strcpy, crt_strcpy)

static char *NTAPI crt_strncpy(char *dst, const char *src, size_t n)
{
	size_t length = strnlen(src, n);

	memcpy(dst, src, length);
	memset(dst + length, 0, n - length);
	return dst;
}
DRY_EXPORT_AS(strncpy, crt_strncpy)

static char *NTAPI crt_strcat(char *dst, const char *src)
{
	return strcat(dst, src);
}
DRY_EXPORT_AS(strcat, crt_strcat)

static char *NTAPI crt_strncat(char *dst, const char *src, size_t n)
{
	size_t length = strnlen(src, n), end = strlen(dst);

	memcpy(dst + end, src, length);
	dst[end + length] = 0;
	return dst;
}
DRY_EXPORT_AS(strncat, crt_strncat)

static int NTAPI crt_strcmp(const char *a, const char *b)
{
	int order = strcmp(a, b);

	/* Microsoft's answers -1, 0, 1, and drivers compare with them */
	return (order > 0) - (order < 0);
}
DRY_EXPORT_AS(strcmp, crt_strcmp)

static int NTAPI crt_strncmp(const char *a, const char *b, size_t n)
{
	int order = strncmp(a, b, n);

	return (order > 0) - (order < 0);
}
DRY_EXPORT_AS(strncmp, crt_strncmp)

static int NTAPI crt_strnicmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		int order = (int)crt_lower((unsigned char)*a) - (int)crt_lower((unsigned char)*b);

		if (order || !*a)
			return order;
	}
	return 0;
}
DRY_EXPORT_AS(_strnicmp, crt_strnicmp)

static int NTAPI crt_stricmp(const char *a, const char *b)
{
	return crt_strnicmp(a, b, SIZE_MAX);
}
DRY_EXPORT_AS(_stricmp, crt_stricmp)

static char *NTAPI crt_strchr(const char *s, int c)
{
	return (char *)strchr(s, c);
}
DRY_EXPORT_AS(strchr, crt_strchr)

static char *NTAPI crt_strrchr(const char *s, int c)
{
	return (char *)strrchr(s, c);
}
DRY_EXPORT_AS(strrchr, crt_strrchr)

static char *NTAPI crt_strstr(const char *s, const char *part)
{
	return (char *)strstr(s, part);
}
DRY_EXPORT_AS(strstr, crt_strstr)

static size_t NTAPI crt_strspn(const char *s, const char *set)
{
	return strspn(s, set);
}
DRY_EXPORT_AS(strspn, crt_strspn)

static size_t NTAPI crt_strcspn(const char *s, const char *set)
{
	return strcspn(s, set);
}
DRY_EXPORT_AS(strcspn, crt_strcspn)

static char *NTAPI crt_strpbrk(const char *s, const char *set)
{
	return (char *)strpbrk(s, set);
}
DRY_EXPORT_AS(strpbrk, crt_strpbrk)

static char *NTAPI crt_strtok_s(char *s, const char *set, char **save)
{
	return strtok_r(s, set, save);
}
DRY_EXPORT_AS(strtok_s, crt_strtok_s)

static char *NTAPI crt_strlwr(char *s)
{
	for (char *c = s; *c; c++)
		*c = (char)crt_lower((unsigned char)*c);
	return s;
}
DRY_EXPORT_AS(_strlwr, crt_strlwr)

static char *NTAPI crt_strupr(char *s)
{
	for (char *c = s; *c; c++)
		*c = (char)crt_upper((unsigned char)*c);
	return s;
}
DRY_EXPORT_AS(_strupr, crt_strupr)

static char *NTAPI crt_strrev(char *s)
{
	for (char *a = s, *b = s + strlen(s); a + 1 < b; a++) {
		char c = *a;

		*a = *--b;
		*b = c;
	}
	return s;
}
DRY_EXPORT_AS(_strrev, crt_strrev)

/* ---- bounded ---- */

/* Appends at dst + at up to n characters; what fits nowhere empties the string or, if asked, is
 * cut. */
static int append_s(char *dst, size_t size, size_t at, const char *src, size_t n, bool cuts)
{
	size_t length = strnlen(src, min_of(n, size));

	if (at + length >= size && !cuts) {
		dst[0] = 0;
		return CRT_ERANGE;
	}
	if (at + length < size) {
		memmove(dst + at, src, length);
		dst[at + length] = 0;
		return 0;
	}
	memmove(dst + at, src, size - at - 1);
	dst[size - 1] = 0;
	return CRT_STRUNCATE;
}

static int NTAPI crt_strncpy_s(char *dst, size_t size, const char *src, size_t n)
{
	if (!dst || !size)
		return dst || size || n ? CRT_EINVAL : 0;
	if (!src || !n) {
		dst[0] = 0;
		return n ? CRT_EINVAL : 0;
	}
	return append_s(dst, size, 0, src, n, n == CRT_TRUNCATE);
}
DRY_EXPORT_AS(strncpy_s, crt_strncpy_s)

static int NTAPI crt_strcpy_s(char *dst, size_t size, const char *src)
{
	if (!dst || !size)
		return CRT_EINVAL;
	if (!src) {
		dst[0] = 0;
		return CRT_EINVAL;
	}
	return append_s(dst, size, 0, src, size, false);
}
DRY_EXPORT_AS(strcpy_s, crt_strcpy_s)

static int NTAPI crt_strncat_s(char *dst, size_t size, const char *src, size_t n)
{
	size_t at;

	if (!dst || !size)
		return dst || size || n ? CRT_EINVAL : 0;
	at = strnlen(dst, size);
	if (at == size || (!src && n)) {
		dst[0] = 0;
		return CRT_EINVAL;
	}
	return n ? append_s(dst, size, at, src, n, n == CRT_TRUNCATE) : 0;
}
DRY_EXPORT_AS(strncat_s, crt_strncat_s)

static int NTAPI crt_strcat_s(char *dst, size_t size, const char *src)
{
	/* one less than "cut to fit", so that what is too long is an error */
	return crt_strncat_s(dst, size, src, CRT_TRUNCATE - 1);
}
DRY_EXPORT_AS(strcat_s, crt_strcat_s)
