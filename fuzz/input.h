/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the fuzz targets share: reading the input, which never ends (zeros follow), and giving up.
 */
#ifndef DRY_FUZZ_INPUT_H
#define DRY_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct input {
	const uint8_t *data;
	size_t size;
};

/* The next `count` bytes as a number. */
static inline unsigned take(struct input *in, unsigned count)
{
	unsigned value = 0;

	while (count--) {
		value <<= 8;
		if (in->size) {
			value |= *in->data++;
			in->size--;
		}
	}
	return value;
}

static inline void check(int is_right, const char *what)
{
	if (is_right)
		return;
	fprintf(stderr, "wrong: %s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
