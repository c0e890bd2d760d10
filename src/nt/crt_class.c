/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The C library's classes of characters, and sorting and searching with a driver's comparison.
 */
#define DRY_MODULE "crt"
#include "nt/crt.h"

#include <stdlib.h>
#include <string.h>

#define CRT_CLASS(name, wide_name, condition)                                                      \
	static int NTAPI crt_##name(int c)                                                         \
	{                                                                                          \
		return condition;                                                                  \
	}                                                                                          \
	DRY_EXPORT_AS(name, crt_##name)                                                            \
	static int NTAPI crt_##wide_name(WCHAR c)                                                  \
	{                                                                                          \
		return condition;                                                                  \
	}                                                                                          \
	DRY_EXPORT_AS(wide_name, crt_##wide_name)

#define IS_UPPER(c) ((c) >= 'A' && (c) <= 'Z')
#define IS_LOWER(c) ((c) >= 'a' && (c) <= 'z')
#define IS_DIGIT(c) ((c) >= '0' && (c) <= '9')
#define IS_ALNUM(c) (IS_UPPER(c) || IS_LOWER(c) || IS_DIGIT(c))

CRT_CLASS(isupper, iswupper, IS_UPPER(c))
CRT_CLASS(islower, iswlower, IS_LOWER(c))
CRT_CLASS(isdigit, iswdigit, IS_DIGIT(c))
CRT_CLASS(isalpha, iswalpha, IS_UPPER(c) || IS_LOWER(c))
CRT_CLASS(isalnum, iswalnum, IS_ALNUM(c))
CRT_CLASS(isxdigit, iswxdigit,
	IS_DIGIT(c) || ((c) >= 'a' && (c) <= 'f') || ((c) >= 'A' && (c) <= 'F'))
CRT_CLASS(isspace, iswspace, c == ' ' || (c >= '\t' && c <= '\r'))
CRT_CLASS(isprint, iswprint, c >= ' ' && c < 0x7f)
CRT_CLASS(isgraph, iswgraph, c > ' ' && c < 0x7f)
CRT_CLASS(ispunct, iswpunct, c > ' ' && c < 0x7f && !IS_ALNUM(c))
CRT_CLASS(iscntrl, iswcntrl, (unsigned)c < ' ' || c == 0x7f)

static int NTAPI crt_tolower(int c)
{
	return (int)crt_lower((unsigned)c);
}
DRY_EXPORT_AS(tolower, crt_tolower)

static int NTAPI crt_toupper(int c)
{
	return (int)crt_upper((unsigned)c);
}
DRY_EXPORT_AS(toupper, crt_toupper)

static WCHAR NTAPI crt_towlower(WCHAR c)
{
	return (WCHAR)crt_lower(c);
}
DRY_EXPORT_AS(towlower, crt_towlower)

static WCHAR NTAPI crt_towupper(WCHAR c)
{
	return (WCHAR)crt_upper(c);
}
DRY_EXPORT_AS(towupper, crt_towupper)

/* ---- sorting ---- */

typedef int NTAPI crt_compare_fn(const void *a, const void *b);

static void swap(char *a, char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = a[i];

		a[i] = b[i];
		b[i] = c;
	}
}

static void sink(char *base, size_t root, size_t count, size_t size, crt_compare_fn *compare)
{
	for (size_t child; (child = 2 * root + 1) < count; root = child) {
		if (child + 1 < count &&
			compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + root * size, base + child * size) >= 0)
			return;
		swap(base + root * size, base + child * size, size);
	}
}

/* Heap sort: no memory, no recursion, so that it may be called at any IRQL. */
static void NTAPI crt_qsort(void *base, size_t count, size_t size, crt_compare_fn *compare)
{
	for (size_t i = count / 2; i-- > 0;)
		sink(base, i, count, size, compare);
	for (size_t i = count; i-- > 1;) {
		swap(base, (char *)base + i * size, size);
		sink(base, 0, i, size, compare);
	}
}
DRY_EXPORT_AS(qsort, crt_qsort)

static void *NTAPI crt_bsearch(
	const void *key, const void *base, size_t count, size_t size, crt_compare_fn *compare)
{
	while (count) {
		const char *middle = (const char *)base + count / 2 * size;
		int order = compare(key, middle);

		if (!order)
			return (void *)middle;
		if (order > 0) {
			base = middle + size;
			count--;
		}
		count /= 2;
	}
	return NULL;
}
DRY_EXPORT_AS(bsearch, crt_bsearch)

static int NTAPI crt_abs(int n)
{
	return n < 0 ? -n : n;
}
DRY_EXPORT_AS(abs, crt_abs)
DRY_EXPORT_AS(labs, crt_abs)
