/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* For drivers only: formatting into buffers. There are no files. */
#ifndef DDK_CRT_STDIO_H
#define DDK_CRT_STDIO_H

#include "../parts/compiler.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef DDK_WINDOWS
int NTAPI sprintf(char *dst, const char *format, ...);
int NTAPI vsprintf(char *dst, const char *format, va_list args);
int NTAPI snprintf(char *dst, size_t size, const char *format, ...);
int NTAPI vsnprintf(char *dst, size_t size, const char *format, va_list args);
int NTAPI _snprintf(char *dst, size_t size, const char *format, ...);
int NTAPI _vsnprintf(char *dst, size_t size, const char *format, va_list args);
int NTAPI sprintf_s(char *dst, size_t size, const char *format, ...);
int NTAPI vsprintf_s(char *dst, size_t size, const char *format, va_list args);
int NTAPI _snprintf_s(char *dst, size_t size, size_t count, const char *format, ...);
int NTAPI _vsnprintf_s(char *dst, size_t size, size_t count, const char *format, va_list args);
int NTAPI _vscprintf(const char *format, va_list args);
int NTAPI _vscwprintf(const wchar_t *format, va_list args);
int NTAPI _snwprintf(wchar_t *dst, size_t count, const wchar_t *format, ...);
int NTAPI _vsnwprintf(wchar_t *dst, size_t count, const wchar_t *format, va_list args);
int NTAPI swprintf_s(wchar_t *dst, size_t size, const wchar_t *format, ...);
int NTAPI vswprintf_s(wchar_t *dst, size_t size, const wchar_t *format, va_list args);
#endif

#ifdef __cplusplus
}
#endif

#endif
