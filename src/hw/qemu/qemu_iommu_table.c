/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The tables that QEMU's intel-iommu walks, in RAM: VT-d, chapter 9. Entries of lowest tables are
 * written by several processors at a time, each its own; the tables themselves are made while
 * nothing waits for them, and stay.
 */
#include "hw/qemu/qemu_iommu.h"
#include "mem/mem.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>

#define ENTRIES	       512
#define PAIRS	       256 /* of root and context entries, 16 bytes each */
#define PRESENT	       1ull
#define CONTEXT_WIDTH  1ull /* of addresses: 39 bits, three levels */
#define CONTEXT_DOMAIN (1ull << 8)
#define ENTRY_READ     1ull
#define ENTRY_WRITE    2ull

_Static_assert((int)DMA_UNIT_READ == ENTRY_READ && (int)DMA_UNIT_WRITE == ENTRY_WRITE,
	"access is the same bits");

void *qemu_table_page(void)
{
	void *page = mem_alloc(MEM_PAGE_SIZE, 0, MEM_TABLE, NULL);

	if (page)
		memset(page, 0, MEM_PAGE_SIZE);
	else
		error_set(ENOMEM, "no RAM for the iommu's tables; give the machine more (--ram).");
	return page;
}

void qemu_table_page_free(void *page)
{
	if (page)
		mem_free(page, MEM_PAGE_SIZE);
}

int qemu_table_init(struct qemu_table *table)
{
	memset(table, 0, sizeof(*table));
	table->root = qemu_table_page();
	table->context = table->root ? qemu_table_page() : NULL;
	table->top = table->context ? qemu_table_page() : NULL;
	if (!table->top)
		return -ENOMEM;
	for (unsigned n = 0; n < PAIRS; n++) {
		table->context[2 * n] = mem_physical(table->top) | PRESENT;
		table->context[2 * n + 1] = CONTEXT_WIDTH | CONTEXT_DOMAIN;
		table->root[2 * n] = mem_physical(table->context) | PRESENT;
	}
	return 0;
}

void qemu_table_fini(struct qemu_table *table)
{
	for (size_t n = 0; n < array_size(table->leaf); n++)
		qemu_table_page_free(table->leaf[n]);
	for (size_t n = 0; n < array_size(table->middle); n++)
		qemu_table_page_free(table->middle[n]);
	qemu_table_page_free(table->top);
	qemu_table_page_free(table->context);
	qemu_table_page_free(table->root);
	memset(table, 0, sizeof(*table));
}

uint64_t qemu_table_root(const struct qemu_table *table)
{
	return mem_physical(table->root);
}

/* The table that an entry of another leads to, made if there is none. */
static uint64_t *next_table(uint64_t **table, uint64_t *entry)
{
	uint64_t *page = *table;

	if (page || !(page = qemu_table_page()))
		return page;
	__atomic_store_n(entry, mem_physical(page) | ENTRY_READ | ENTRY_WRITE, __ATOMIC_RELEASE);
	__atomic_store_n(table, page, __ATOMIC_RELEASE);
	return page;
}

int qemu_table_reserve(struct qemu_table *table, uint64_t address, uint64_t bytes)
{
	uint64_t end = address + bytes;

	if (!bytes || end < address || end > QEMU_TABLE_REACH)
		return error_set(EINVAL, "the iommu translates addresses below 4 GiB alone.");
	for (uint64_t leaf = address / QEMU_TABLE_LEAF; leaf * QEMU_TABLE_LEAF < end; leaf++) {
		uint64_t gib = leaf / ENTRIES;

		if (!next_table(&table->middle[gib], &table->top[gib]) ||
			!next_table(&table->leaf[leaf], &table->middle[gib][leaf % ENTRIES]))
			return -ENOMEM;
	}
	return 0;
}

static uint64_t *entry_of(const struct qemu_table *table, uint64_t address)
{
	uint64_t *leaf = NULL;

	if (likely(address < QEMU_TABLE_REACH))
		leaf = __atomic_load_n(&table->leaf[address / QEMU_TABLE_LEAF], __ATOMIC_ACQUIRE);
	return leaf ? &leaf[address >> MEM_PAGE_SHIFT & (ENTRIES - 1)] : NULL;
}

void qemu_table_set(struct qemu_table *table, uint64_t address, uint64_t physical, unsigned access)
{
	uint64_t *entry = entry_of(table, address);

	if (likely(entry != NULL))
		__atomic_store_n(entry, (physical & ~MEM_PAGE_MASK) | access, __ATOMIC_RELEASE);
}

bool qemu_table_clear(struct qemu_table *table, uint64_t address, uint64_t physical)
{
	uint64_t *entry = entry_of(table, address), was;

	if (unlikely(!entry))
		return false;
	was = __atomic_load_n(entry, __ATOMIC_RELAXED);
	if (!was || (physical != MEM_NO_ADDRESS &&
			    (was & ~MEM_PAGE_MASK) != (physical & ~MEM_PAGE_MASK)))
		return false;
	__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
	return true;
}
