/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The table of live lists: see live.h. Neighbours: list.c, which alone uses it, and adapter.c
 * (life). */
#include "dma/live.h"

#include <sys/mman.h>

#define WAYS	8
#define BUCKETS (DMA_LIVE_LISTS / WAYS)
#define BUSY	1ul /* lists are aligned, so no list has this address */

_Static_assert((BUCKETS & (BUCKETS - 1)) == 0, "the hash takes the upper bits of a product");
_Static_assert(offsetof(struct dma_live, adapter) == 64, "what Put touches is one cache line");

struct bucket {
	_Atomic uintptr_t key[WAYS];
} __attribute__((aligned(64)));

struct dma_live_table {
	struct bucket bucket[BUCKETS];
	/* how many lists that belong into this bucket stand in others */
	_Atomic uint16_t strays[BUCKETS];
	struct dma_live record[BUCKETS][WAYS];
};

struct dma_live_table *dma_live_new(void)
{
	/* Zero pages, which cost nothing until they are used. */
	void *memory = mmap(NULL, sizeof(struct dma_live_table), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void dma_live_free(struct dma_live_table *table)
{
	if (table)
		munmap(table, sizeof(*table));
}

static inline unsigned home_of(const void *list)
{
	return (unsigned)(((uintptr_t)list >> 3) * 0x9e3779b97f4a7c15ull >>
			  (64 - __builtin_ctz(BUCKETS)));
}

static inline uintptr_t key_get(const struct bucket *bucket, unsigned way)
{
	return atomic_load_explicit(&bucket->key[way], memory_order_acquire);
}

/* The caller has just seen `from` there. */
static inline bool key_change(struct bucket *bucket, unsigned way, uintptr_t from, uintptr_t to)
{
	/* With one processor nobody comes between the caller's look and this; a locked instruction
	 * costs three times as much. */
	if (cpu_self && cpu_self->alone) {
		atomic_store_explicit(&bucket->key[way], to, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_strong_explicit(
		&bucket->key[way], &from, to, memory_order_acquire, memory_order_relaxed);
}

/* The place of a key in this bucket, WAYS if it is not there. */
static inline unsigned way_of(const struct bucket *bucket, uintptr_t key)
{
	unsigned way = 0;

	while (way < WAYS && key_get(bucket, way) != key)
		way++;
	return way;
}

static inline bool has_strays(const struct dma_live_table *table, unsigned home)
{
	return unlikely(atomic_load_explicit(&table->strays[home], memory_order_relaxed) != 0);
}

static inline struct dma_live *claimed(
	struct dma_live_table *table, unsigned bucket, unsigned way, unsigned home, void *list)
{
	struct dma_live *live = &table->record[bucket][way];

	atomic_store_explicit(&live->list, list, memory_order_relaxed);
	live->home = (uint16_t)home;
	return live;
}

static struct dma_live *claim_elsewhere(struct dma_live_table *table, unsigned home, void *list)
{
	/* Counted first: a list that is live is never missed. */
	atomic_fetch_add_explicit(&table->strays[home], 1, memory_order_relaxed);
	for (unsigned n = 1; n < BUCKETS; n++) {
		unsigned at = (home + n) % BUCKETS;

		for (unsigned way = 0; way < WAYS; way++)
			if (!key_get(&table->bucket[at], way) &&
				key_change(&table->bucket[at], way, 0, BUSY))
				return claimed(table, at, way, home, list);
	}
	atomic_fetch_sub_explicit(&table->strays[home], 1, memory_order_relaxed);
	return NULL;
}

struct dma_live *dma_live_claim(
	struct dma_live_table *table, PSCATTER_GATHER_LIST list, bool *exists)
{
	unsigned home = home_of(list);
	struct bucket *bucket = &table->bucket[home];

	*exists = dma_live_has(table, list);
	if (unlikely(*exists))
		return NULL;
	for (unsigned way = 0; way < WAYS; way++)
		if (likely(!key_get(bucket, way) && key_change(bucket, way, 0, BUSY)))
			return claimed(table, home, way, home, list);
	return claim_elsewhere(table, home, list);
}

static inline _Atomic uintptr_t *key_of(struct dma_live_table *table, const struct dma_live *live)
{
	size_t n = (size_t)(live - &table->record[0][0]);

	return &table->bucket[n / WAYS].key[n % WAYS];
}

void dma_live_publish(struct dma_live_table *table, struct dma_live *live)
{
	uintptr_t key = (uintptr_t)atomic_load_explicit(&live->list, memory_order_relaxed);

	atomic_store_explicit(key_of(table, live), key, memory_order_release);
}

/* Makes the record at this place ours. Looked at before it is taken: a Put that comes too early
 * must not hide the list from the right one, which may come from another processor at the same
 * moment. */
static struct dma_live *take_at(
	struct dma_live_table *table, unsigned at, unsigned way, uintptr_t key, bool *pending)
{
	struct dma_live *live = &table->record[at][way];

	*pending = atomic_load_explicit(&live->phase, memory_order_acquire) < DMA_LIVE_CALLED;
	return !*pending && key_change(&table->bucket[at], way, key, BUSY) ? live : NULL;
}

struct dma_live *dma_live_take(struct dma_live_table *table, const void *list, bool *pending)
{
	uintptr_t key = (uintptr_t)list;
	unsigned home = home_of(list), way = way_of(&table->bucket[home], key);

	*pending = false;
	if (unlikely(key <= BUSY))
		return NULL;
	if (likely(way < WAYS))
		return take_at(table, home, way, key, pending);
	for (unsigned n = 1; has_strays(table, home) && n < BUCKETS; n++) {
		unsigned at = (home + n) % BUCKETS;

		way = way_of(&table->bucket[at], key);
		if (way < WAYS)
			return take_at(table, at, way, key, pending);
	}
	return NULL;
}

bool dma_live_is_record(const struct dma_live_table *table, const void *p)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)&table->record[0][0];

	return table && offset < sizeof(table->record) && offset % sizeof(table->record[0][0]) == 0;
}

bool dma_live_is_used(struct dma_live_table *table, const struct dma_live *live)
{
	return atomic_load_explicit(key_of(table, live), memory_order_acquire) != 0;
}

bool dma_live_take_record(struct dma_live_table *table, struct dma_live *live)
{
	uintptr_t key = atomic_load_explicit(key_of(table, live), memory_order_acquire);
	size_t n = (size_t)(live - &table->record[0][0]);

	return key > BUSY && key_change(&table->bucket[n / WAYS], n % WAYS, key, BUSY);
}

bool dma_live_is_busy(const struct dma_live_table *table, const void *list)
{
	unsigned home = home_of(list);

	for (unsigned n = 0; n < (has_strays(table, home) ? BUCKETS : 1); n++) {
		unsigned at = (home + n) % BUCKETS;

		for (unsigned way = 0; way < WAYS; way++)
			if (key_get(&table->bucket[at], way) == BUSY &&
				atomic_load_explicit(
					&table->record[at][way].list, memory_order_relaxed) == list)
				return true;
	}
	return false;
}

void dma_live_release(struct dma_live_table *table, struct dma_live *live)
{
	_Atomic uintptr_t *key = key_of(table, live);
	unsigned home = live->home;

	if (unlikely(key < &table->bucket[home].key[0] || key >= &table->bucket[home].key[WAYS]))
		atomic_fetch_sub_explicit(&table->strays[home], 1, memory_order_relaxed);
	atomic_store_explicit(key, 0, memory_order_release);
}

void dma_live_abandon(struct dma_live_table *table, struct dma_live *live)
{
	atomic_store_explicit(&live->list, NULL, memory_order_relaxed);
	dma_live_release(table, live);
}

bool dma_live_has(const struct dma_live_table *table, const void *list)
{
	uintptr_t key = (uintptr_t)list;
	unsigned home = home_of(list);

	if (way_of(&table->bucket[home], key) < WAYS)
		return key > BUSY;
	if (has_strays(table, home))
		for (unsigned n = 1; n < BUCKETS; n++)
			if (way_of(&table->bucket[(home + n) % BUCKETS], key) < WAYS)
				return key > BUSY;
	return false;
}

const struct dma_live *dma_live_had(const struct dma_live_table *table, const void *list)
{
	const struct dma_live *record = table->record[home_of(list)];

	for (unsigned way = 0; list && way < WAYS; way++)
		if (atomic_load_explicit(&record[way].list, memory_order_relaxed) == list)
			return &record[way];
	return NULL;
}

struct dma_live *dma_live_take_next(struct dma_live_table *table, unsigned *at)
{
	while (*at < DMA_LIVE_LISTS) {
		unsigned n = (*at)++;
		struct bucket *bucket = &table->bucket[n / WAYS];
		uintptr_t key = key_get(bucket, n % WAYS);

		if (key > BUSY && key_change(bucket, n % WAYS, key, BUSY))
			return &table->record[n / WAYS][n % WAYS];
	}
	return NULL;
}
