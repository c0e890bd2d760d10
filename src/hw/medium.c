/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* See medium.h. */
#include "hw/medium.h"
#include "util/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int wrong(const char *text, size_t length)
{
	return error_set(EINVAL,
		"--fail %.*s: it is read:lba=N or write:lba=N, or a range N-M; at most %d blocks "
		"in "
		"all.",
		(int)length, text, MEDIUM_MAX);
}

static bool number_take(const char **at, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return false;
	errno = 0;
	*number = strtoull(*at, &end, 10);
	*at = end;
	return !errno;
}

static int item_parse(struct medium *medium, const char *text, size_t length)
{
	static const char read[] = "read:lba=", write[] = "write:lba=";
	bool is_write = !strncmp(text, write, sizeof(write) - 1);
	const char *at = text + (is_write ? sizeof(write) : sizeof(read)) - 1;
	uint64_t first, last;

	if (!is_write && strncmp(text, read, sizeof(read) - 1))
		return wrong(text, length);
	if (!number_take(&at, &first))
		return wrong(text, length);
	last = first;
	if (*at == '-') {
		at++;
		if (!number_take(&at, &last))
			return wrong(text, length);
	}
	if (at != text + length || last < first || last - first >= MEDIUM_MAX - medium->count)
		return wrong(text, length);
	for (uint64_t n = 0; n <= last - first; n++)
		medium->fault[medium->count++] = (struct medium_fault){first + n, is_write};
	return 0;
}

int medium_parse(struct medium *medium, const char *text)
{
	struct medium all = {0};

	do {
		size_t length = strcspn(text, ",");
		int err = item_parse(&all, text, length);

		if (err)
			return err;
		text += length;
	} while (*text++ == ',');
	*medium = all;
	return 0;
}

int medium_check(const struct medium *medium, uint64_t blocks)
{
	for (unsigned n = 0; medium && n < medium->count; n++) {
		const struct medium_fault *fault = &medium->fault[n];

		if (fault->block >= blocks)
			return error_set(EINVAL,
				"--fail %s:lba=%llu: the disk ends before it; its last block is "
				"%llu.",
				fault->is_write ? "write" : "read",
				(unsigned long long)fault->block, (unsigned long long)(blocks - 1));
	}
	return 0;
}

bool medium_fails(const struct medium *medium, uint32_t block_size, uint64_t offset, uint64_t bytes,
	bool is_write)
{
	uint64_t first = offset / block_size, end = (offset + bytes + block_size - 1) / block_size;

	for (unsigned n = 0; n < medium->count; n++) {
		const struct medium_fault *fault = &medium->fault[n];

		if (fault->is_write == is_write && fault->block >= first && fault->block < end)
			return true;
	}
	return false;
}
