/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Pages of the host's own memory that bear frames while a driver has them locked (mem.h): a page by
 * itself each, as buffers of a program share pages. A page has the spare place that range.c lends;
 * a hash table leads there, read without a lock: a reader that overlapped a change (sequence odd,
 * or changed) looks again.
 */
#include "mem/space.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define BUCKETS 4096ull

/* Of each spare place. */
struct user_page {
	_Atomic uintptr_t va;
	_Atomic uint32_t next; /* spare place + 1 of the next in its bucket, 0: none */
	uint32_t locks;	       /* 0: no page's */
};

static struct user_page pages[MEM_SPARE_PLACES];
static _Atomic uint32_t buckets[BUCKETS];
static _Atomic uint32_t page_count;
static _Atomic uint32_t sequence;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define load(x)	    atomic_load_explicit(&(x), memory_order_acquire)
#define store(x, v) atomic_store_explicit(&(x), v, memory_order_release)

static _Atomic uint32_t *bucket_of(uintptr_t page)
{
	return &buckets[(page >> MEM_PAGE_SHIFT) % BUCKETS];
}

/* Spare place + 1, or 0. Steps are counted, as what changes meanwhile may lead in a circle. */
static uint32_t page_find(uintptr_t page)
{
	uint32_t at = load(*bucket_of(page));

	for (uint32_t steps = 0; at && steps < MEM_SPARE_PLACES; steps++) {
		if (load(pages[at - 1].va) == page)
			return at;
		at = load(pages[at - 1].next);
	}
	return 0;
}

uint64_t mem_user_place(uintptr_t va)
{
	uint32_t before, found;

	if (likely(!load(page_count)))
		return MEM_NO_ADDRESS;
	do {
		before = load(sequence);
		found = page_find(round_down(va, MEM_PAGE_SIZE));
	} while (unlikely((before & 1) || load(sequence) != before));
	return found ? mem_space.ram_pages + found - 1 : MEM_NO_ADDRESS;
}

static void page_insert(uint32_t at, uintptr_t page)
{
	_Atomic uint32_t *bucket = bucket_of(page);

	atomic_fetch_add(&sequence, 1);
	store(pages[at - 1].va, page);
	store(pages[at - 1].next, load(*bucket));
	store(*bucket, at);
	store(page_count, load(page_count) + 1);
	atomic_fetch_add(&sequence, 1);
}

static void page_remove(uint32_t at)
{
	_Atomic uint32_t *link = bucket_of(load(pages[at - 1].va));

	while (load(*link) != at)
		link = &pages[load(*link) - 1].next;
	atomic_fetch_add(&sequence, 1);
	store(*link, load(pages[at - 1].next));
	store(page_count, load(page_count) - 1);
	atomic_fetch_add(&sequence, 1);
}

uint64_t mem_user_lock(const void *page)
{
	uintptr_t va = (uintptr_t)page;
	uint64_t place;
	uint32_t at;

	pthread_mutex_lock(&lock);
	at = page_find(va);
	if (!at && mem_frame_number(page) == MEM_NO_ADDRESS) {
		place = mem_spare_take(va, 1, MEM_USER, NULL);
		if (place != MEM_NO_ADDRESS) {
			at = (uint32_t)(place - mem_space.ram_pages) + 1;
			page_insert(at, va);
		}
	}
	if (at)
		pages[at - 1].locks++;
	pthread_mutex_unlock(&lock);
	return at ? mem_index.frame_of[mem_space.ram_pages + at - 1] : MEM_NO_ADDRESS;
}

bool mem_user_unlock(uint64_t frame_number)
{
	uint32_t at;

	pthread_mutex_lock(&lock);
	at = page_find((uintptr_t)mem_frame_get(frame_number)->host);
	if (at && !--pages[at - 1].locks) {
		page_remove(at);
		mem_spare_give(mem_space.ram_pages + at - 1, 1);
	}
	pthread_mutex_unlock(&lock);
	return at;
}

uint64_t mem_user_pages(void)
{
	return load(page_count);
}

void mem_user_init(void)
{
	if (!load(page_count))
		return;
	memset((void *)buckets, 0, sizeof(buckets));
	memset((void *)pages, 0, sizeof(pages));
	store(page_count, 0);
}
