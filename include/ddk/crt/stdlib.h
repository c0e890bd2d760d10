/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* For drivers only: conversions and the little arithmetic that drivers take from here. There is no
 * heap. */
#ifndef DDK_CRT_STDLIB_H
#define DDK_CRT_STDLIB_H

#include "../parts/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef DDK_WINDOWS
DDK_LONG NTAPI strtol(const char *s, char **end, int base);
unsigned DDK_LONG NTAPI strtoul(const char *s, char **end, int base);
int64_t NTAPI strtoll(const char *s, char **end, int base);
uint64_t NTAPI strtoull(const char *s, char **end, int base);
int64_t NTAPI _strtoi64(const char *s, char **end, int base);
uint64_t NTAPI _strtoui64(const char *s, char **end, int base);
DDK_LONG NTAPI wcstol(const wchar_t *s, wchar_t **end, int base);
unsigned DDK_LONG NTAPI wcstoul(const wchar_t *s, wchar_t **end, int base);
int NTAPI atoi(const char *s);
DDK_LONG NTAPI atol(const char *s);
int64_t NTAPI _atoi64(const char *s);
int NTAPI _wtoi(const wchar_t *s);
DDK_LONG NTAPI _wtol(const wchar_t *s);
int64_t NTAPI _wtoi64(const wchar_t *s);
char *NTAPI _itoa(int value, char *s, int radix);
char *NTAPI _ultoa(unsigned DDK_LONG value, char *s, int radix);
int NTAPI abs(int value);
DDK_LONG NTAPI labs(DDK_LONG value);
typedef int NTAPI ddk_compare(const void *a, const void *b);
void NTAPI qsort(void *base, size_t count, size_t size, ddk_compare *compare);
void *NTAPI bsearch(
	const void *key, const void *base, size_t count, size_t size, ddk_compare *compare);

/* For the compiler of C++. */
int NTAPI _purecall(void);

#ifndef _byteswap_ushort
#define _byteswap_ushort(x) __builtin_bswap16(x)
#define _byteswap_ulong(x)  ((unsigned DDK_LONG)__builtin_bswap32(x))
#define _byteswap_uint64(x) __builtin_bswap64(x)
#endif
#endif

#ifdef __cplusplus
}
#endif

#endif
