/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The patterns around and inside of pool blocks (see pool.h), and AddressSanitizer's view of them.
 */
#include "mem/mem.h"
#include "nt/pool.h"
#include "util/sanitizer.h"

#include <string.h>

enum { BYTE_BEFORE = 0xBE, BYTE_AFTER = 0xAF, BYTE_FREED = 0xDF };

void pool_guard_arm(struct pool_block *block, bool zero)
{
	size_t size;
	char *room = pool_block_room(block, &size), *start = pool_block_start(block);
	char *end = start + block->bytes;
	size_t before = (size_t)(start - room), after = size - before - block->bytes;

	sanitizer_unpoison(room, size);
	memset(room, BYTE_BEFORE, before);
	memset(end, BYTE_AFTER, after);
	if (zero)
		memset(start, 0, block->bytes);
	else if (pool.fill)
		memset(start, mem_fill_byte(), block->bytes);
	sanitizer_poison(room, before);
	sanitizer_poison(end, after);
}

/* The first byte of [p, p + bytes) that differs from value, or bytes. */
static size_t first_other(const char *p, size_t bytes, uint8_t value)
{
	size_t i = 0;

	/* Most often none does: each byte is like the one before it. */
	if (bytes && (uint8_t)p[0] == value && !memcmp(p, p + 1, bytes - 1))
		return bytes;
	while (i < bytes && (uint8_t)p[i] == value)
		i++;
	return i;
}

bool pool_guard_damage(struct pool_block *block, int64_t *where)
{
	size_t size, at;
	char *room = pool_block_room(block, &size), *start = pool_block_start(block);
	size_t before = (size_t)(start - room), after = size - before - block->bytes;

	sanitizer_unpoison(room, size);
	at = first_other(start + block->bytes, after, BYTE_AFTER);
	if (at < after) {
		*where = (int64_t)at;
		return true;
	}
	/* Backwards: what stands nearest to the block is most likely its own. */
	for (at = 1; at <= before; at++) {
		if ((uint8_t)start[-(ptrdiff_t)at] != BYTE_BEFORE) {
			*where = -(int64_t)at;
			return true;
		}
	}
	return false;
}

void pool_guard_retire(struct pool_block *block)
{
	size_t size;
	char *room = pool_block_room(block, &size);

	if (pool.fill) {
		sanitizer_unpoison(room, size);
		memset(room, BYTE_FREED, size);
	}
	sanitizer_poison(room, size);
}

bool pool_guard_late_write(struct pool_block *block, int64_t *where)
{
	size_t size, at;
	char *room = pool_block_room(block, &size);

	sanitizer_unpoison(room, size);
	if (!pool.fill)
		return false;
	at = first_other(room, size, BYTE_FREED);
	*where = (room + at) - pool_block_start(block);
	return at < size;
}
