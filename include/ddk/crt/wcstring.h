/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* For drivers only: the routines on 16-bit wide strings, shared by string.h and wchar.h. */
#ifndef DDK_CRT_WCSTRING_H
#define DDK_CRT_WCSTRING_H

#include "../parts/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef DDK_WINDOWS
size_t NTAPI wcslen(const wchar_t *s);
size_t NTAPI wcsnlen(const wchar_t *s, size_t n);
wchar_t *NTAPI wcscpy(wchar_t *dst, const wchar_t *src);
wchar_t *NTAPI wcsncpy(wchar_t *dst, const wchar_t *src, size_t n);
wchar_t *NTAPI wcscat(wchar_t *dst, const wchar_t *src);
wchar_t *NTAPI wcsncat(wchar_t *dst, const wchar_t *src, size_t n);
int NTAPI wcscmp(const wchar_t *a, const wchar_t *b);
int NTAPI wcsncmp(const wchar_t *a, const wchar_t *b, size_t n);
int NTAPI _wcsicmp(const wchar_t *a, const wchar_t *b);
int NTAPI _wcsnicmp(const wchar_t *a, const wchar_t *b, size_t n);
wchar_t *NTAPI wcschr(const wchar_t *s, wchar_t c);
wchar_t *NTAPI wcsrchr(const wchar_t *s, wchar_t c);
wchar_t *NTAPI wcsstr(const wchar_t *s, const wchar_t *part);
wchar_t *NTAPI wcspbrk(const wchar_t *s, const wchar_t *set);
size_t NTAPI wcsspn(const wchar_t *s, const wchar_t *set);
size_t NTAPI wcscspn(const wchar_t *s, const wchar_t *set);
wchar_t *NTAPI _wcslwr(wchar_t *s);
wchar_t *NTAPI _wcsupr(wchar_t *s);
int NTAPI wcscpy_s(wchar_t *dst, size_t size, const wchar_t *src);
int NTAPI wcsncpy_s(wchar_t *dst, size_t size, const wchar_t *src, size_t n);
int NTAPI wcscat_s(wchar_t *dst, size_t size, const wchar_t *src);
int NTAPI wcsncat_s(wchar_t *dst, size_t size, const wchar_t *src, size_t n);
#endif

#ifdef __cplusplus
}
#endif

#endif
