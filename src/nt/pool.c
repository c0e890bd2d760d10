/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Pool blocks: taken, given back, found, counted (see pool.h). Above it ex_pool.c has Windows'
 * names; the port calls nt_pool_*. No guard is touched and nothing is reported while the lock is
 * held.
 */
#include "nt/pool.h"
#include "nt/nt_check.h"
#include "nt/nt_parts.h"
#include "mem/mem.h"
#include "util/sanitizer.h"

#define QUARANTINE_BYTES (4ull << 20)

struct pool pool;

/* Gives back large blocks until at most `keep` bytes of them wait. */
static void quarantine_drain(uint64_t keep)
{
	struct pool_block *block;
	int64_t where;
	size_t size;

	for (;;) {
		nt_lock_take(&pool.lock);
		block = pool.quarantine_bytes > keep ? pool_line_pop(&pool.quarantine) : NULL;
		if (block) {
			pool_block_room(block, &size);
			pool.quarantine_bytes -= size;
		}
		nt_lock_drop(&pool.lock);
		if (!block)
			return;
		if (pool_guard_late_write(block, &where))
			pool_report_late_write(block, where);
		nt_lock_take(&pool.lock);
		pool_large_free(block);
		nt_lock_drop(&pool.lock);
	}
}

static struct pool_block *take_locked(size_t bytes, const void *owner, unsigned ask)
{
	size_t slot = bytes + 2 * POOL_GUARD +
		      (ask & POOL_ASK_ALIGNED ? SYSTEM_CACHE_ALIGNMENT_SIZE - POOL_GUARD : 0);
	struct pool_class *class;

	if (bytes > POOL_SMALL_MAX || slot > MEM_PAGE_SIZE)
		return pool_large_new(bytes, owner);
	class = pool_class_for(slot);
	if (!class->free.first && !pool_class_grow(class))
		return NULL;
	return pool_line_pop(&class->free);
}

static uint16_t lead_for(const struct pool_block *block, unsigned ask)
{
	uintptr_t room;
	size_t size;

	if (!block->slab)
		return 0;
	if (!(ask & POOL_ASK_ALIGNED))
		return POOL_GUARD;
	room = (uintptr_t)pool_block_room(block, &size);
	return (uint16_t)(round_up(room + POOL_GUARD, SYSTEM_CACHE_ALIGNMENT_SIZE) - room);
}

static struct pool_block *take_block(size_t bytes, const void *owner, unsigned ask)
{
	struct pool_block *block;

	nt_lock_take(&pool.lock);
	block = take_locked(bytes, owner, ask);
	nt_lock_drop(&pool.lock);
	return block;
}

void *pool_take(size_t bytes, ULONG tag, const void *owner, uintptr_t site, unsigned ask)
{
	struct pool_block *block;
	int64_t where;

	if (nt_allocation_fails())
		return NULL;
	block = take_block(bytes, owner, ask);
	if (!block) {
		quarantine_drain(0);
		block = take_block(bytes, owner, ask);
	}
	if (!block)
		return NULL;
	if (block->slab && block->state == POOL_FREED && pool_guard_late_write(block, &where))
		pool_report_late_write(block, where);
	/* pool_find may look at this record by a stray pointer: it becomes live as a whole. */
	nt_lock_take(&pool.lock);
	block->bytes = bytes;
	block->tag = tag;
	block->owner = owner;
	block->site = site;
	block->lead = lead_for(block, ask);
	block->paged = !!(ask & POOL_ASK_PAGED);
	nt_lock_drop(&pool.lock);
	pool_guard_arm(block, ask & POOL_ASK_ZERO);
	nt_lock_take(&pool.lock);
	block->state = POOL_LIVE;
	nt_lock_drop(&pool.lock);
	return pool_block_start(block);
}

/* From here on a second free is caught, though the block is not yet in a line. */
static struct pool_block *claim(void *p, struct pool_block *known, int64_t *offset)
{
	struct pool_block *block;

	nt_lock_take(&pool.lock);
	block = pool.ready ? pool_record(p) : NULL;
	if (block) {
		*known = *block;
		*offset = (char *)p - pool_block_start(block);
		if (block->state == POOL_LIVE && !*offset)
			block->state = POOL_FREED;
	}
	nt_lock_drop(&pool.lock);
	return block;
}

bool pool_give(void *p, const char *routine, const ULONG *tag)
{
	struct pool_block known, *block;
	int64_t offset = 0, where;
	size_t size;

	block = claim(p, &known, &offset);
	if (!block || known.state == POOL_NEVER)
		return pool_report_refusal(p, routine, NULL, 0);
	if (known.state != POOL_LIVE || offset)
		return pool_report_refusal(p, routine, &known, offset);
	if (tag)
		pool_report_tag(block, routine, *tag);
	if (pool_guard_damage(block, &where))
		pool_report_damage(block, routine, where);
	if (nt_timer_abandon(p, block->bytes))
		nt_violation(NT_C4(0x15), "%s of memory that holds a timer in the system's queue",
			routine);
	pool_guard_retire(block);

	nt_lock_take(&pool.lock);
	if (block->slab) {
		pool_line_push(&block->slab->class->free, block);
	} else {
		pool_block_room(block, &size);
		pool_line_push(&pool.quarantine, block);
		pool.quarantine_bytes += size;
	}
	nt_lock_drop(&pool.lock);
	if (!block->slab)
		quarantine_drain(pool.fill ? QUARANTINE_BYTES : 0);
	return true;
}

bool pool_find(const void *p, struct pool_info *info)
{
	const struct pool_block *block;
	bool found = false;

	nt_lock_take(&pool.lock);
	block = pool.ready ? pool_record(p) : NULL;
	if (block && block->state == POOL_LIVE) {
		*info = (struct pool_info){.start = pool_block_start(block),
			.bytes = block->bytes,
			.owner = block->owner,
			.tag = block->tag,
			.paged = block->paged};
		found = (const char *)p >= (char *)info->start &&
			(size_t)((const char *)p - (char *)info->start) < info->bytes;
	}
	nt_lock_drop(&pool.lock);
	return found;
}

/* ---- what the layers above call ---- */

void *nt_pool_alloc(size_t bytes, ULONG tag, const void *owner, bool zero)
{
	nt_irql_max("a pool allocation", IRQL_DISPATCH, NT_C4(0x02));
	return pool_take(bytes, tag, owner, 0, zero ? POOL_ASK_ZERO : 0);
}

bool nt_pool_free(void *block)
{
	nt_irql_max("a pool free", IRQL_DISPATCH, NT_C4(0x12));
	return pool_give(block, "a free", NULL);
}

bool nt_pool_block(const void *p, void **start, size_t *bytes, const void **owner)
{
	struct pool_info info;

	if (!pool_find(p, &info))
		return false;
	*start = info.start;
	*bytes = info.bytes;
	*owner = info.owner;
	return true;
}

struct count {
	const void *owner;
	uint64_t blocks;
};

static void count_one(struct pool_block *block, void *ctx)
{
	struct count *count = ctx;

	count->blocks += block->owner == count->owner;
}

uint64_t nt_pool_count(const void *owner)
{
	struct count count = {.owner = owner};

	nt_lock_take(&pool.lock);
	pool_each(POOL_LIVE, count_one, &count);
	nt_lock_drop(&pool.lock);
	return count.blocks;
}

/* ---- life ---- */

static void late_write_one(struct pool_block *block, void *ctx)
{
	int64_t where;

	if (block->slab && pool_guard_late_write(block, &where))
		pool_report_late_write(block, where);
}

static void leak_free(struct pool_block *block, void *ctx)
{
	if (!block->slab)
		pool_large_free(block);
}

int nt_pool_init(bool fill)
{
	int err = pool_pages_init();

	if (err)
		return err;
	sanitizer_init();
	pool.fill = fill || sanitizer.poison;
	pool.chunk_left = 0;
	pool.quarantine_bytes = 0;
	pool_line_init(&pool.quarantine);
	pool.ready = true;
	return 0;
}

uint64_t nt_pool_fini(void)
{
	uint64_t left;

	if (!pool.ready)
		return 0;
	quarantine_drain(0);
	/* Nobody runs any more: freed slots that nothing took again are looked at in place. */
	pool_each(POOL_FREED, late_write_one, NULL);
	left = pool_report_leaks();
	nt_lock_take(&pool.lock);
	pool_each(POOL_LIVE, leak_free, NULL);
	pool.ready = false;
	pool_pages_fini();
	nt_lock_drop(&pool.lock);
	return left;
}
