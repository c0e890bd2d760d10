/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Windows' printf formats, the one engine under DbgPrint, sprintf and their families: long has 32
 * bits, I64 and I are sizes, %wZ is a UNICODE_STRING, %S and %ws are the other width of string, %p
 * has 16 digits. A list of arguments is Windows': a plain pointer to slots of eight bytes.
 * Characters beyond 255 become '?' in narrow text.
 */
#ifndef DRY_NT_FORMAT_H
#define DRY_NT_FORMAT_H

#include "util/common.h"
#include <ntddk.h>

/* As C99's vsnprintf: at most size - 1 characters and always a zero, if size is not 0; returns the
 * whole text's length, or -1 for a format that Windows refuses (%n). */
int nt_vformat(char *out, size_t size, const char *format, __builtin_ms_va_list args);
int nt_vformat_wide(WCHAR *out, size_t size, const WCHAR *format, __builtin_ms_va_list args);
/* Up to room characters and no zero at all; returns the same. */
int nt_vformat_raw(char *out, size_t room, const char *format, __builtin_ms_va_list args);
int nt_vformat_raw_wide(WCHAR *out, size_t room, const WCHAR *format, __builtin_ms_va_list args);

#endif
