/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Counts a driver's calls: each slot of its imports gets a stub of its own, which adds one to a
 * counter and goes on to the routine. Off unless asked for: see loader.h.
 */
#include "loader/image.h"
#include "mem/mem.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define STUB_BYTES 16

/* One of these for each row of the imports, in row order; the stubs stand behind the last. */
struct call_record {
	uint64_t count;
	void *target;
};

static size_t rows_of(const struct loader_image *image)
{
	size_t count = 0;

	while (image->imports[count].name)
		count++;
	return count;
}

static void put_relative(uint8_t *at, const void *target)
{
	int32_t distance = (int32_t)((const uint8_t *)target - (at + 4));

	memcpy(at, &distance, sizeof(distance));
}

/* lock incq count(%rip); jmp *target(%rip). No register changes. */
static void stub_write(uint8_t *at, struct call_record *record)
{
	static const uint8_t increment[] = {0xf0, 0x48, 0xff, 0x05}, jump[] = {0xff, 0x25};

	memcpy(at, increment, sizeof(increment));
	put_relative(at + 4, &record->count);
	memcpy(at + 8, jump, sizeof(jump));
	put_relative(at + 10, &record->target);
}

int loader_calls_count(struct loader_image *image)
{
	size_t rows = rows_of(image);
	uint64_t records = round_up(rows * sizeof(struct call_record), MEM_PAGE_SIZE);
	uint64_t stubs = round_up(rows * STUB_BYTES, MEM_PAGE_SIZE);
	uint8_t *stub;

	if (image->calls || !rows)
		return 0;
	image->calls = mmap(
		NULL, records + stubs, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (image->calls == MAP_FAILED) {
		image->calls = NULL;
		return error_set(ENOMEM, "%s: no memory to count its calls", image->path);
	}
	image->calls_bytes = records + stubs;
	stub = (uint8_t *)image->calls + records;
	for (size_t n = 0; n < rows; n++, stub += STUB_BYTES) {
		if (image->imports[n].kind != LOADER_ROUTINE)
			continue;
		image->calls[n].target = image->imports[n].slot;
		stub_write(stub, &image->calls[n]);
		image->imports[n].slot = stub;
	}
	if (mprotect((uint8_t *)image->calls + records, stubs, PROT_READ | PROT_EXEC))
		return error_set(errno, "%s: its calls cannot be counted here: %s", image->path,
			strerror(errno));
	return 0;
}

uint64_t loader_calls(const struct loader_image *image, const char *name)
{
	uint64_t count = 0;

	/* Names of ours are in no source: the compiler put the calls in. */
	for (size_t n = 0; image->calls && image->imports[n].name; n++)
		if (name ? !strcmp(name, image->imports[n].name)
			 : strncmp("__dry_", image->imports[n].name, 6) != 0)
			count += __atomic_load_n(&image->calls[n].count, __ATOMIC_RELAXED);
	return count;
}

void loader_calls_end(struct loader_image *image)
{
	if (image->calls)
		munmap(image->calls, image->calls_bytes);
	image->calls = NULL;
}
