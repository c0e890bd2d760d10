/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The C library's routines on memory, as a driver imports them. What the compiler emits of itself
 * goes to the host's C library instead (cli/build/back.c).
 */
#define DRY_MODULE "crt"
#include "nt/crt.h"

#include <string.h>

static void *NTAPI crt_memcpy(void *dst, const void *src, size_t n)
{
	return memcpy(dst, src, n);
}
DRY_EXPORT_AS(memcpy, crt_memcpy)

static void *NTAPI crt_memmove(void *dst, const void *src, size_t n)
{
	return memmove(dst, src, n);
}
DRY_EXPORT_AS(memmove, crt_memmove)

static void *NTAPI crt_memset(void *dst, int c, size_t n)
{
	return memset(dst, c, n);
}
DRY_EXPORT_AS(memset, crt_memset)

static void *NTAPI crt_memchr(const void *s, int c, size_t n)
{
	return (void *)memchr(s, c, n);
}
DRY_EXPORT_AS(memchr, crt_memchr)

static int NTAPI crt_memcmp(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n);
}
DRY_EXPORT_AS(memcmp, crt_memcmp)

/* On an error that leaves the destination known it is cleared, as Microsoft's does. */
static int NTAPI crt_memcpy_s(void *dst, size_t size, const void *src, size_t n)
{
	if (!n)
		return 0;
	if (!dst)
		return CRT_EINVAL;
	if (!src || n > size) {
		memset(dst, 0, size);
		return src ? CRT_ERANGE : CRT_EINVAL;
	}
	memcpy(dst, src, n);
	return 0;
}
DRY_EXPORT_AS(memcpy_s, crt_memcpy_s)

static int NTAPI crt_memmove_s(void *dst, size_t size, const void *src, size_t n)
{
	if (!n)
		return 0;
	if (!dst || !src)
		return CRT_EINVAL;
	if (n > size)
		return CRT_ERANGE;
	memmove(dst, src, n);
	return 0;
}
DRY_EXPORT_AS(memmove_s, crt_memmove_s)
