/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Where the pool's memory comes from: pages of mem/, cut into slots or handed out whole (see
 * pool.h). */
#include "nt/pool.h"
#include "mem/mem.h"
#include "util/sanitizer.h"

#include <errno.h>
#include <stdlib.h>

enum { CHUNK_PAGES = 16 };

struct pool_chunk {
	struct pool_chunk *next;
	char *base;
	unsigned pages;
};

/* Strides are multiples of 16 and waste little of a page. */
static struct pool_class classes[] = {
	{.stride = 48},
	{.stride = 64},
	{.stride = 80},
	{.stride = 96},
	{.stride = 112},
	{.stride = 128},
	{.stride = 144},
	{.stride = 160},
	{.stride = 192},
	{.stride = 224},
	{.stride = 256},
	{.stride = 320},
	{.stride = 384},
	{.stride = 448},
	{.stride = 512},
	{.stride = 672},
	{.stride = 816},
	{.stride = 1024},
	{.stride = 1360},
	{.stride = 2048},
	{.stride = 4096},
};

void pool_line_init(struct pool_line *line)
{
	line->first = NULL;
	line->last = &line->first;
}

void pool_line_push(struct pool_line *line, struct pool_block *block)
{
	block->next = NULL;
	*line->last = block;
	line->last = &block->next;
}

struct pool_block *pool_line_pop(struct pool_line *line)
{
	struct pool_block *block = line->first;

	if (!block)
		return NULL;
	line->first = block->next;
	if (!line->first)
		line->last = &line->first;
	return block;
}

struct pool_class *pool_class_for(size_t slot)
{
	for (size_t i = 0; i < array_size(classes); i++)
		if (classes[i].stride >= slot)
			return &classes[i];
	return NULL;
}

static bool chunk_new(void)
{
	struct pool_chunk *chunk = malloc(sizeof(*chunk));

	if (!chunk)
		return false;
	chunk->pages = CHUNK_PAGES;
	chunk->base = mem_alloc(CHUNK_PAGES * MEM_PAGE_SIZE, 0, MEM_POOL, NULL);
	if (!chunk->base) {
		chunk->pages = 1;
		chunk->base = mem_alloc(MEM_PAGE_SIZE, 0, MEM_POOL, NULL);
	}
	if (!chunk->base) {
		free(chunk);
		return false;
	}
	chunk->next = pool.chunks;
	pool.chunks = chunk;
	pool.chunk = chunk->base;
	pool.chunk_left = chunk->pages;
	sanitizer_poison(chunk->base, chunk->pages * MEM_PAGE_SIZE);
	return true;
}

bool pool_class_grow(struct pool_class *class)
{
	struct pool_slab *slab;

	if (!pool.chunk_left && !chunk_new())
		return false;
	slab = calloc(1, sizeof(*slab) + class->slots * sizeof(slab->blocks[0]));
	if (!slab)
		return false;
	slab->class = class;
	slab->page = pool.chunk;
	slab->next = pool.slabs;
	pool.slabs = slab;
	pool_page_of(slab->page)->slab = slab;
	pool.chunk += MEM_PAGE_SIZE;
	pool.chunk_left--;
	for (unsigned i = 0; i < class->slots; i++) {
		slab->blocks[i].slab = slab;
		pool_line_push(&class->free, &slab->blocks[i]);
	}
	return true;
}

struct pool_page *pool_page_of(const void *p)
{
	uint64_t at = (uint64_t)((const char *)p - pool.base);

	return at < pool.size ? &pool.pages[at >> MEM_PAGE_SHIFT] : NULL;
}

static uint64_t page_number(const struct pool_block *large)
{
	return (uint64_t)(container_of(large, struct pool_page, large) - pool.pages);
}

struct pool_block *pool_large_new(size_t bytes, const void *owner)
{
	uint64_t data = round_up(bytes, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT, total, first;
	struct pool_page *head;
	char *base;

	/* A guard page before; behind, the rest of the last page or one more page. */
	total = 1 + data + ((data << MEM_PAGE_SHIFT) - bytes < POOL_GUARD);
	if (data >= UINT32_MAX - 2 || bytes + MEM_PAGE_SIZE < bytes)
		return NULL;
	base = mem_alloc(total << MEM_PAGE_SHIFT, 0, MEM_POOL, owner);
	if (!base)
		return NULL;
	first = (uint64_t)(base - pool.base) >> MEM_PAGE_SHIFT;
	head = &pool.pages[first + 1];
	for (uint64_t i = first; i < first + total; i++)
		pool.pages[i].head = (uint32_t)first + 2;
	head->pages = (uint32_t)total;
	head->large.slab = NULL;
	pool.large_first = min_of(pool.large_first, first + 1);
	pool.large_end = max_of(pool.large_end, first + 2);
	return &head->large;
}

void pool_large_free(struct pool_block *block)
{
	size_t size;
	char *room = pool_block_room(block, &size);

	/* The record keeps its state, so that a second free can still be named as such. */
	sanitizer_unpoison(room, size);
	mem_free(room, size);
}

struct pool_block *pool_record(const void *p)
{
	struct pool_page *page = pool_page_of(p);
	unsigned slot;

	if (!page)
		return NULL;
	if (!page->slab)
		return page->head ? &pool.pages[page->head - 1].large : NULL;
	slot = (unsigned)((const char *)p - page->slab->page) / page->slab->class->stride;
	return slot < page->slab->class->slots ? &page->slab->blocks[slot] : NULL;
}

char *pool_block_start(const struct pool_block *block)
{
	size_t size;

	if (block->slab)
		return pool_block_room(block, &size) + block->lead;
	return pool.base + (page_number(block) << MEM_PAGE_SHIFT);
}

char *pool_block_room(const struct pool_block *block, size_t *bytes)
{
	const struct pool_slab *slab = block->slab;

	if (slab) {
		*bytes = slab->class->stride;
		return slab->page + (block - slab->blocks) * slab->class->stride;
	}
	*bytes = (size_t)container_of(block, struct pool_page, large)->pages << MEM_PAGE_SHIFT;
	return pool.base + ((page_number(block) - 1) << MEM_PAGE_SHIFT);
}

void pool_each(enum pool_state state, void (*fn)(struct pool_block *block, void *ctx), void *ctx)
{
	for (struct pool_slab *slab = pool.slabs; slab; slab = slab->next)
		for (unsigned i = 0; i < slab->class->slots; i++)
			if (slab->blocks[i].state == state)
				fn(&slab->blocks[i], ctx);
	for (uint64_t i = pool.large_first; i < pool.large_end; i++)
		if (pool.pages[i].head == i + 1 && pool.pages[i].large.state == state)
			fn(&pool.pages[i].large, ctx);
}

int pool_pages_init(void)
{
	pool.base = mem_base();
	pool.size = mem_size();
	pool.pages = calloc(pool.size >> MEM_PAGE_SHIFT, sizeof(*pool.pages));
	if (!pool.pages)
		return -ENOMEM;
	pool.large_first = UINT64_MAX;
	pool.large_end = 0;
	for (size_t i = 0; i < array_size(classes); i++) {
		classes[i].slots = (uint16_t)(MEM_PAGE_SIZE / classes[i].stride);
		pool_line_init(&classes[i].free);
	}
	return 0;
}

void pool_pages_fini(void)
{
	struct pool_slab *slab;
	struct pool_chunk *chunk;

	while ((slab = pool.slabs)) {
		pool.slabs = slab->next;
		free(slab);
	}
	while ((chunk = pool.chunks)) {
		pool.chunks = chunk->next;
		sanitizer_unpoison(chunk->base, chunk->pages * MEM_PAGE_SIZE);
		mem_free(chunk->base, chunk->pages * MEM_PAGE_SIZE);
		free(chunk);
	}
	free(pool.pages);
	pool.pages = NULL;
}
