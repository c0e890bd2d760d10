/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Real files for the main job's image, and the comparison of two images. */
#ifndef DRY_CLI_FILES_H
#define DRY_CLI_FILES_H

#include <stddef.h>
#include <stdint.h>

struct files {
	uint64_t count, bytes;
};

/*
 * Makes the folder `target` and copies files into it, from the project's tree and this computer's
 * headers and documentation, until `most` bytes are reached (whole blocks of 4 KiB counted). 0 or
 * -errno.
 */
int files_gather(struct files *files, const char *target, uint64_t most);

/*
 * 0 if `copy` has the bytes of `image`; else -EILSEQ and the first wrong byte in `detail`, or
 * -errno and why.
 */
int files_compare(const char *image, const char *copy, char *detail, size_t size);

#endif
