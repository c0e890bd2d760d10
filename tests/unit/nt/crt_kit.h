/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests of the C library for drivers reach its routines as a driver does, by name through the
 * export table: IMPORT(name, result, parameters) declares the pointer that a test then calls by the
 * routine's name.
 */
#ifndef TEST_CRT_KIT_H
#define TEST_CRT_KIT_H

#include "util/export.h"

#include <ntddk.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../ddi_expect.h"

#define IMPORT(name, result, ...) result NTAPI (*d_##name)(__VA_ARGS__) = (void *)import_find(#name)

static inline void *import_find(const char *name)
{
	const struct dry_export *row = export_find(name);

	if (!row)
		fail_msg("%s is not exported", name);
	return row->address;
}

#define assert_wide_equal(got, want) assert_memory_equal(got, want, sizeof(want))

#endif
