/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What is said of abused and forgotten pool blocks: always their size, tag and whose they are
 * (pool.h). */
#include "nt/pool.h"
#include "nt/nt_check.h"
#include "mem/mem.h"

#include <stdio.h>

const char *pool_tag(ULONG tag, char *text)
{
	text[0] = text[5] = '\'';
	for (unsigned i = 0; i < 4; i++) {
		char c = (char)(tag >> (8 * i));

		text[i + 1] = c >= ' ' && c <= '~' ? c : '.';
	}
	text[6] = 0;
	return text;
}

/* Who has the block: "allocated by simple.c:12 DriverEntry" or the like. */
static const char *holder(const struct pool_block *block, char *text, size_t size)
{
	const char *name = block->owner && nt_owner_name ? nt_owner_name(block->owner) : NULL;
	const char *place = block->site && nt_code_place ? nt_code_place(block->site) : NULL;

	snprintf(text, size, "%s%s%s", place ? "allocated at " : "",
		place	       ? place
		: name	       ? "owned by "
		: block->owner ? "owned by an adapter"
			       : "owned by the driver",
		!place && name ? name : "");
	return text;
}

void pool_report_late_write(const struct pool_block *block, int64_t where)
{
	char tag[8], who[160];

	nt_violation(0,
		"pool of %zu bytes with tag %s (%s) was written at offset %lld after it was freed",
		block->bytes, pool_tag(block->tag, tag), holder(block, who, sizeof(who)),
		(long long)where);
}

bool pool_report_refusal(
	const void *p, const char *routine, const struct pool_block *known, int64_t offset)
{
	char tag[8], who[160];
	enum mem_kind kind = mem_owner(p)->kind;

	if (!known || (kind != MEM_POOL && kind != MEM_FREE)) {
		nt_violation(NT_C4(0x10), "%s of memory that is no pool block: %s", routine,
			p ? mem_kind_name(kind) : "NULL");
	} else if (known->state == POOL_FREED && !offset) {
		nt_violation(NT_C4(0x13),
			"%s of a block that was freed already: %zu bytes with tag %s (%s)", routine,
			known->bytes, pool_tag(known->tag, tag), holder(known, who, sizeof(who)));
	} else {
		nt_violation(NT_C4(0x16),
			"%s of an address %lld bytes from the start of a block of %zu bytes "
			"with tag %s (%s, %s)",
			routine, (long long)offset, known->bytes, pool_tag(known->tag, tag),
			known->state == POOL_LIVE ? "live" : "freed",
			holder(known, who, sizeof(who)));
	}
	return false;
}

void pool_report_tag(const struct pool_block *block, const char *routine, ULONG tag)
{
	char given[8], real[8], who[160];

	if (tag == block->tag)
		return;
	nt_violation(0xC200000A, "%s with tag %s of a block of %zu bytes that has tag %s (%s)",
		routine, pool_tag(tag, given), block->bytes, pool_tag(block->tag, real),
		holder(block, who, sizeof(who)));
}

void pool_report_damage(const struct pool_block *block, const char *routine, int64_t where)
{
	char tag[8], who[160];

	nt_violation(where < 0 ? 0xC2000001 : NT_C4(0x53),
		"%s of a block of %zu bytes with tag %s (%s) that was written %s: at byte %lld %s",
		routine, block->bytes, pool_tag(block->tag, tag), holder(block, who, sizeof(who)),
		where < 0 ? "before its start" : "past its end",
		(long long)(where < 0 ? -where : where), where < 0 ? "before it" : "behind it");
}

/* ---- the end: leaks of one kind are one report ---- */

struct leak {
	struct pool_block like;
	uint64_t blocks, bytes;
};
struct leaks {
	struct leak kinds[32]; /* the last one is for all that find no place */
	unsigned used;
	uint64_t blocks;
};

static void leak_one(struct pool_block *block, void *ctx)
{
	struct leaks *leaks = ctx;
	struct leak *leak;
	unsigned i;

	for (i = 0; i < leaks->used; i++) {
		leak = &leaks->kinds[i];
		if (leak->like.tag == block->tag && leak->like.owner == block->owner &&
			leak->like.site == block->site)
			break;
	}
	if (i == array_size(leaks->kinds))
		i--;
	leak = &leaks->kinds[i];
	if (i == leaks->used) {
		leak->like = *block;
		leaks->used++;
	}
	leak->blocks++;
	leak->bytes += block->bytes;
	leaks->blocks++;
}

uint64_t pool_report_leaks(void)
{
	struct leaks leaks = {0};
	char tag[8], who[160];

	nt_lock_take(&pool.lock);
	pool_each(POOL_LIVE, leak_one, &leaks);
	nt_lock_drop(&pool.lock);
	for (unsigned i = 0; i < leaks.used; i++) {
		const struct leak *leak = &leaks.kinds[i];

		nt_violation(NT_C4(0x62),
			"%llu pool block%s with tag %s, %llu bytes (%s), never freed",
			(unsigned long long)leak->blocks, leak->blocks == 1 ? "" : "s",
			pool_tag(leak->like.tag, tag), (unsigned long long)leak->bytes,
			holder(&leak->like, who, sizeof(who)));
	}
	return leaks.blocks;
}
