/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The rows that layout_table.c makes, once for each front end, and layout.c compares. No pointers:
 * the rows of the Windows front end are linked in as plain data. */
#ifndef TESTS_DDK_LAYOUT_H
#define TESTS_DDK_LAYOUT_H

struct layout_row {
	char name[80];
	unsigned long long value;
};

extern const struct layout_row layout_windows[], layout_ours[];

/* Structures with a few bit fields set, as bytes. */
enum { LAYOUT_BITS = 1792 };
struct layout_bits;
extern const struct layout_bits layout_windows_bits, layout_ours_bits;

#endif
