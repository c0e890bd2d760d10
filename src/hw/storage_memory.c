/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A disk in the process' own memory (not the machine's RAM): pages come into being when they are
 * written and go when they are trimmed. Neighbours: storage.c.
 */
#include "hw/hw.h"
#include "hw/storage.h"
#include "util/error.h"
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096ull

static int memory_read(struct storage *s, uint64_t offset, struct iovec *iov, unsigned count)
{
	const char *at = s->memory + offset;

	for (unsigned i = 0; i < count; at += iov[i++].iov_len)
		memcpy(iov[i].iov_base, at, iov[i].iov_len);
	return 0;
}

static int memory_write(struct storage *s, uint64_t offset, struct iovec *iov, unsigned count)
{
	char *at = s->memory + offset;

	for (unsigned i = 0; i < count; at += iov[i++].iov_len)
		memcpy(at, iov[i].iov_base, iov[i].iov_len);
	return 0;
}

static int memory_read_one(struct storage *s, uint64_t offset, void *data, size_t bytes)
{
	memcpy(data, s->memory + offset, bytes);
	return 0;
}

static int memory_write_one(struct storage *s, uint64_t offset, void *data, size_t bytes)
{
	memcpy(s->memory + offset, data, bytes);
	return 0;
}

static int memory_flush(struct storage *s)
{
	return 0;
}

/* Whole pages are given back, which reads as zeros too; the ends are cleared by hand. */
static int memory_zero(struct storage *s, uint64_t offset, uint64_t bytes)
{
	uint64_t end = offset + bytes;
	uint64_t first = min_of(round_up(offset, PAGE), end);
	uint64_t last = max_of(round_down(end, PAGE), first);

	memset(s->memory + offset, 0, first - offset);
	memset(s->memory + last, 0, end - last);
	if (last > first && madvise(s->memory + first, last - first, MADV_DONTNEED))
		return -errno;
	return 0;
}

static void memory_close(struct storage *s)
{
	if (s->memory)
		munmap(s->memory, s->size);
}

static const struct storage_ops memory_ops = {
	.read = memory_read,
	.write = memory_write,
	.read_one = memory_read_one,
	.write_one = memory_write_one,
	.flush = memory_flush,
	.trim = memory_zero,
	.zero = memory_zero,
	.close = memory_close,
};

int storage_memory_open(struct storage *s, const struct hw_config *config)
{
	s->ops = &memory_ops;
	s->size = config->size;
	if (!s->size)
		return 0; /* storage.c says what is wrong with it */
	s->memory = mmap(NULL, s->size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->memory == MAP_FAILED)
		return error_set(errno,
			"A disk of %llu bytes in memory: %s. Take a smaller one, or a file.",
			(unsigned long long)s->size, strerror(errno));
	return 0;
}
