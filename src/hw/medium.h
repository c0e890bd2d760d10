/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Blocks of a disk that cannot be read or written (--fail), as text. storage.c heeds them for the
 * devices in this process, hw/qemu for its own.
 */
#ifndef DRY_HW_MEDIUM_H
#define DRY_HW_MEDIUM_H

#include "util/common.h"

#define MEDIUM_MAX 64

struct medium_fault {
	uint64_t block;
	bool is_write;
};

struct medium {
	struct medium_fault fault[MEDIUM_MAX];
	unsigned count;
};

/* "read:lba=N", "write:lba=N-M", several joined by commas; *medium stays as it was where that is
 * wrong: -EINVAL with error_set. */
int medium_parse(struct medium *medium, const char *text);
/* Whether a disk of so many blocks has all of them: -EINVAL with error_set. medium may be NULL. */
int medium_check(const struct medium *medium, uint64_t blocks);
/* Whether moving [offset, offset + bytes) meets one. */
bool medium_fails(const struct medium *medium, uint32_t block_size, uint64_t offset, uint64_t bytes,
	bool is_write);

#endif
