/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Memory outside RAM that bears frames: kernel stacks, a driver's writable segments. A sorted
 * table, read without a lock: a reader that overlapped a change (sequence odd, or changed) looks
 * again. The spare places are also those of user.c, where a look-up ends that finds nothing here.
 */
#include "mem/space.h"
#include "util/error.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define RANGES_MAX 512

struct range {
	_Atomic uintptr_t base;
	_Atomic uint64_t pages;
	_Atomic uint64_t place;
};

static struct range ranges[RANGES_MAX];
static _Atomic uint32_t range_count;
static _Atomic uint32_t sequence;
static uint64_t spare_used[(MEM_SPARE_PLACES + 63) / 64];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER; /* taken inside others */

#define load(x)	    atomic_load_explicit(&(x), memory_order_acquire)
#define store(x, v) atomic_store_explicit(&(x), v, memory_order_release)

/* How many ranges begin at or below va. */
static uint32_t range_rank(uintptr_t va)
{
	uint32_t low = 0, high = min_of(load(range_count), RANGES_MAX);

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (load(ranges[middle].base) <= va)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint64_t place_try(uintptr_t va)
{
	uint32_t rank = range_rank(va);
	uint64_t page;

	if (!rank)
		return MEM_NO_ADDRESS;
	page = (va - load(ranges[rank - 1].base)) >> MEM_PAGE_SHIFT;
	if (page >= load(ranges[rank - 1].pages))
		return MEM_NO_ADDRESS;
	return load(ranges[rank - 1].place) + page;
}

border_call uint64_t mem_range_place(uintptr_t va)
{
	uint64_t place;
	uint32_t before;

	do {
		before = load(sequence);
		place = place_try(va);
	} while (unlikely((before & 1) || load(sequence) != before));
	return place != MEM_NO_ADDRESS ? place : mem_user_place(va);
}

/* ---- spare places ---- */

uint64_t mem_spare_take(uintptr_t base, uint64_t pages, enum mem_kind kind, const void *owner)
{
	uint64_t place;

	pthread_mutex_lock(&spare_lock);
	place = mem_run_take(spare_used, 0, MEM_SPARE_PLACES, pages);
	pthread_mutex_unlock(&spare_lock);
	if (place == MEM_NO_ADDRESS)
		return MEM_NO_ADDRESS;
	place += mem_space.ram_pages;
	for (uint64_t i = 0; i < pages; i++)
		__atomic_store_n(&mem_frame_at(mem_index.frame_of[place + i])->host,
			(void *)(base + (i << MEM_PAGE_SHIFT)), __ATOMIC_RELAXED);
	mem_places_assign(place, pages, kind, owner);
	return place;
}

void mem_spare_give(uint64_t place, uint64_t pages)
{
	mem_places_assign(place, pages, MEM_NONE, NULL);
	for (uint64_t i = 0; i < pages && !mem_space.is_ending; i++)
		__atomic_store_n(
			&mem_frame_at(mem_index.frame_of[place + i])->host, NULL, __ATOMIC_RELAXED);
	pthread_mutex_lock(&spare_lock);
	mem_run_give(spare_used, place - mem_space.ram_pages, pages);
	pthread_mutex_unlock(&spare_lock);
}

/* ---- ranges ---- */

static void range_copy(uint32_t to, uint32_t from)
{
	store(ranges[to].base, load(ranges[from].base));
	store(ranges[to].pages, load(ranges[from].pages));
	store(ranges[to].place, load(ranges[from].place));
}

static void range_insert(uint32_t at, uintptr_t base, uint64_t pages, uint64_t place)
{
	uint32_t count = load(range_count);

	atomic_fetch_add(&sequence, 1);
	for (uint32_t i = count; i > at; i--)
		range_copy(i, i - 1);
	store(ranges[at].base, base);
	store(ranges[at].pages, pages);
	store(ranges[at].place, place);
	store(range_count, count + 1);
	atomic_fetch_add(&sequence, 1);
}

static bool range_overlaps(uint32_t rank, uintptr_t base, uint64_t bytes)
{
	if (base - (uintptr_t)mem_index.base < mem_index.size)
		return true;
	if (rank && base - load(ranges[rank - 1].base) < load(ranges[rank - 1].pages)
								 << MEM_PAGE_SHIFT)
		return true;
	return rank < load(range_count) && load(ranges[rank].base) - base < bytes;
}

static int range_add_locked(uintptr_t base, uint64_t pages, enum mem_kind kind, const void *owner)
{
	uint32_t rank = range_rank(base);
	uint64_t place;

	if (range_overlaps(rank, base, pages << MEM_PAGE_SHIFT))
		return error_set(EEXIST, "the range at %#lx bears frames already", (long)base);
	if (load(range_count) == RANGES_MAX)
		return error_set(ENOSPC, "more than %d ranges outside RAM bear frames", RANGES_MAX);
	place = mem_spare_take(base, pages, kind, owner);
	if (place == MEM_NO_ADDRESS)
		return error_set(ENOSPC, "no %lu spare frames are left", (long)pages);
	/* Not stacks: a child of fork() would run on its parent's. Nor what nobody writes to. */
	if (mem_space.is_shared && kind == MEM_IMAGE &&
		mem_shared_move((char *)base, place, pages)) {
		/* A part may be there already: nobody else gets these frames. */
		return error_set(ENOMEM, "the range at %#lx cannot be shared", (long)base);
	}
	range_insert(rank, base, pages, place);
	return 0;
}

int mem_range_add(void *base, uint64_t bytes, enum mem_kind kind, const void *owner)
{
	int err;

	if (((uintptr_t)base | bytes) & MEM_PAGE_MASK || !bytes)
		return error_set(EINVAL, "range %p, %lu bytes: not whole pages", base, (long)bytes);
	if (!mem_index.base)
		return error_set(ENODEV, "no machine lives");
	pthread_mutex_lock(&lock);
	err = range_add_locked((uintptr_t)base, bytes >> MEM_PAGE_SHIFT, kind, owner);
	pthread_mutex_unlock(&lock);
	return err;
}

static void range_remove_at(uint32_t at)
{
	uint64_t place = load(ranges[at].place), pages = load(ranges[at].pages);
	uint32_t count = load(range_count);

	atomic_fetch_add(&sequence, 1);
	for (uint32_t i = at; i + 1 < count; i++)
		range_copy(i, i + 1);
	store(range_count, count - 1);
	atomic_fetch_add(&sequence, 1);
	mem_spare_give(place, pages);
}

void mem_range_remove(void *base)
{
	uint32_t rank;

	pthread_mutex_lock(&lock);
	rank = range_rank((uintptr_t)base);
	if (rank && load(ranges[rank - 1].base) == (uintptr_t)base)
		range_remove_at(rank - 1);
	pthread_mutex_unlock(&lock);
}

void mem_range_init(void)
{
	store(range_count, 0);
	memset(spare_used, 0, sizeof(spare_used));
	mem_user_init();
}

void mem_range_fini(void)
{
	store(range_count, 0);
	mem_user_init();
}
