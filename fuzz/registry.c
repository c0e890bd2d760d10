/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Fuzz target: the readers of .reg files and of INFs (src/nt/registry_file.c, inf.c,
 * registry_inf.c). The input's first byte says which, the rest is the file. Whatever the registry
 * then holds is written, read into an empty one, and written again: both files must be the same.
 */
#include "input.h"
#include "nt/registry.h"
#include "util/error.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
	char path[32];
	int fd;
} files[2];

static void files_open(void)
{
	for (unsigned n = 0; n < 2; n++) {
		if (files[n].path[0])
			continue;
		files[n].fd = memfd_create("registry", 0);
		snprintf(files[n].path, sizeof(files[n].path), "/proc/self/fd/%d", files[n].fd);
	}
}

/* Both are the same to the byte. */
static int files_match(void)
{
	off_t size = lseek(files[0].fd, 0, SEEK_END);
	char *a = malloc((size_t)size), *b = malloc((size_t)size);
	int match = size == lseek(files[1].fd, 0, SEEK_END) && a && b &&
		    pread(files[0].fd, a, (size_t)size, 0) == size &&
		    pread(files[1].fd, b, (size_t)size, 0) == size && !memcmp(a, b, (size_t)size);

	free(a);
	free(b);
	return match;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int err;

	if (!size)
		return 0;
	files_open();
	check(!reg_init(), "no registry");
	err = *data & 1 ? reg_inf_parse("x.inf", (const char *)data + 1, size - 1)
			: reg_file_parse("x.reg", (const char *)data + 1, size - 1);
	check(!err || *error_text(), "refused without a word");
	check(!reg_file_write(files[0].path), "not written");
	reg_fini();
	check(!reg_init(), "no registry");
	err = reg_file_read(files[0].path);
	check(!err, err ? error_text() : "");
	check(!reg_file_write(files[1].path), "not written again");
	check(files_match(), "what was written is not what was read");
	reg_fini();
	return 0;
}
