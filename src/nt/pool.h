/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The pool beneath ex_pool.c and nt_pool_*. Two kinds of blocks, on pages of kind MEM_POOL:
 *
 *	small	up to 4064 bytes: a slot of a page that is cut into equal slots; 16-byte aligned,
 *		never across a page, with guard bytes before and behind it in the slot
 *	large	whole pages, page aligned, with a guard page before them, guard bytes behind
 *
 * What is known of a block (size, tag, owner, state) stands outside of the machine's memory, found
 * from any address through one record per page: a driver that writes past its blocks damages no
 * list of ours. Freed blocks wait in line (small ones in their class's list, large ones in a short
 * queue), filled with a pattern that is looked at when they leave it, so late writes are found.
 * When AddressSanitizer is there, every block that is not live and every guard is poisoned.
 *
 * pool.c has blocks and their states, pool_page.c where their memory comes from, pool_guard.c the
 * patterns, pool_report.c the words.
 */
#ifndef DRY_NT_POOL_H
#define DRY_NT_POOL_H

#include "nt/nt.h"
#include "nt/nt_lock.h"

#define POOL_GUARD     16 /* least bytes of guard on each side, and the alignment of a block */
#define POOL_SMALL_MAX 4064

enum pool_state { POOL_NEVER, POOL_LIVE, POOL_FREED };
enum { POOL_ASK_PAGED = 1, POOL_ASK_ALIGNED = 2, POOL_ASK_ZERO = 4 }; /* of pool_take */

struct pool_block {
	struct pool_block *next; /* in a line of freed or unused blocks */
	struct pool_slab *slab;	 /* NULL: a large block, inside its page record */
	const void *owner;
	uintptr_t site; /* who called, for the report of a leak */
	size_t bytes;	/* as asked for */
	ULONG tag;
	uint16_t lead; /* small: from the slot's start to the block's */
	uint8_t state;
	uint8_t paged;
};

/* A page cut into slots. */
struct pool_slab {
	struct pool_class *class;
	char *page;
	struct pool_slab *next;
	struct pool_block blocks[];
};

struct pool_line {
	struct pool_block *first, **last;
};

struct pool_class {
	uint16_t stride, slots;
	struct pool_line free;
};

/* One per page of RAM. */
struct pool_page {
	struct pool_slab *slab; /* small blocks live here */
	uint32_t pages;		/* first data page of a large block: how many, with its guards */
	uint32_t
		head; /* page of a large block: its first data page's number + 1; 0: no such page */
	struct pool_block large;
};

struct pool {
	struct nt_lock lock;
	bool ready, fill;
	char *base;
	uint64_t size;
	struct pool_page *pages;
	uint64_t large_first, large_end; /* large blocks begin at pages from first to before end */
	struct pool_slab *slabs;
	char *chunk; /* pages not yet handed out */
	unsigned chunk_left;
	struct pool_line quarantine; /* large blocks, freed, memory not yet given back */
	uint64_t quarantine_bytes;
	struct pool_chunk *chunks;
};
extern struct pool pool;

/* ---- pool.c ---- */

/* A block; the caller has checked IRQL and arguments. 0 bytes: a block of which all is guard. */
void *pool_take(size_t bytes, ULONG tag, const void *owner, uintptr_t site, unsigned ask);
/* Frees it, or says by a violation why not. tag NULL: not compared. */
bool pool_give(void *p, const char *routine, const ULONG *tag);

struct pool_info {
	void *start;
	size_t bytes;
	const void *owner;
	ULONG tag;
	bool paged;
};
/* The live block that p lies in. Constant time. */
bool pool_find(const void *p, struct pool_info *info);

/* ---- pool_page.c; the caller holds pool.lock ---- */

void pool_line_init(struct pool_line *line);
void pool_line_push(struct pool_line *line, struct pool_block *block);
struct pool_block *pool_line_pop(struct pool_line *line);

/* The class for a slot of this many bytes, NULL if there is none. */
struct pool_class *pool_class_for(size_t slot);
/* More unused slots for a class; false when memory is used up. */
bool pool_class_grow(struct pool_class *class);
struct pool_block *pool_large_new(size_t bytes, const void *owner);
void pool_large_free(struct pool_block *block);
/* The record that describes the byte p: small or large, in whatever state; NULL if the pool has
 * none. */
struct pool_block *pool_record(const void *p);
struct pool_page *pool_page_of(const void *p);
char *pool_block_start(const struct pool_block *block);
/* All memory of the block with its guards. */
char *pool_block_room(const struct pool_block *block, size_t *bytes);
/* Calls fn for each block in this state. */
void pool_each(enum pool_state state, void (*fn)(struct pool_block *block, void *ctx), void *ctx);
int pool_pages_init(void);
void pool_pages_fini(void);

/* ---- pool_guard.c: only on blocks that nobody else can reach at the moment ---- */

/* Guards and contents of a block that becomes live. */
void pool_guard_arm(struct pool_block *block, bool zero);
/* Where a live block's surroundings were written: bytes before its start (negative) or past its end
 * (0: the first byte behind it). False: intact. */
bool pool_guard_damage(struct pool_block *block, int64_t *where);
/* Fills and poisons a freed block; unpoisons one and says whether it was written meanwhile. */
void pool_guard_retire(struct pool_block *block);
bool pool_guard_late_write(struct pool_block *block, int64_t *where);

/* ---- pool_report.c: violations; where: see pool_guard_damage ---- */

/* "'Tag1'" as it stands in memory, with dots for what does not print; text has 8 bytes. */
const char *pool_tag(ULONG tag, char *text);
void pool_report_late_write(const struct pool_block *block, int64_t where);
void pool_report_damage(const struct pool_block *block, const char *routine, int64_t where);
/* If the tag is not the block's. */
void pool_report_tag(const struct pool_block *block, const char *routine, ULONG tag);
/* Why p, so far from the start of a known block (NULL: none), can not be freed. Returns false. */
bool pool_report_refusal(
	const void *p, const char *routine, const struct pool_block *known, int64_t offset);
/* How many blocks are live. */
uint64_t pool_report_leaks(void);

#endif
