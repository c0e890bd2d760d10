/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files crt_*.c share: the C library that drivers import, with 16-bit wide characters and
 * a long of 32 bits. Each routine has a host name crt_… and is exported under its own
 * (DRY_EXPORT_AS). Letters and digits are ASCII's, as in the kernel's "C" locale.
 */
#ifndef DRY_NT_CRT_H
#define DRY_NT_CRT_H

#include "util/common.h"
#include "util/export.h"
#include <ntddk.h>

/* Microsoft's numbers for what the _s routines return. */
enum { CRT_EINVAL = 22, CRT_ERANGE = 34, CRT_STRUNCATE = 80 };
#define CRT_TRUNCATE ((size_t)-1)

static inline unsigned crt_lower(unsigned c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

static inline unsigned crt_upper(unsigned c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

#endif
