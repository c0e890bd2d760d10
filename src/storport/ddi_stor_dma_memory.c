/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Memory for device and driver together: contiguous memory, DMA memory, and the host memory buffer
 * of an NVMe device (1.9). Each is a block: physically contiguous, pinned, so that the device
 * always reaches it, and remembered with what it was asked for, as freeing must name the same.
 *
 * The limits (lowest, highest, boundary) are those of what the device can address. They hold for
 * the address that it is given; of contiguous memory, whose physical address a driver may look at,
 * for that one as well.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "mem/mem.h"
#include "nt/nt.h"

#include <pthread.h>
#include <stdlib.h>

enum block_kind { BLOCK_CONTIGUOUS, BLOCK_DMA, BLOCK_HOST };

static const char *const kind_names[] = {
	[BLOCK_CONTIGUOUS] = "contiguous memory",
	[BLOCK_DMA] = "DMA memory",
	[BLOCK_HOST] = "host memory buffer",
};

struct stor_block {
	struct stor_block *next;
	char *raw, *base; /* as mem/ gave it; as handed out */
	uint64_t raw_bytes, bytes;
	uint64_t address; /* of base, on the bus */
	enum block_kind kind;
	ULONG cache;
	uintptr_t site;
};

struct bounds {
	uint64_t lowest, highest;
	uint64_t boundary, align; /* powers of two, or 0 */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- blocks ---- */

static void raw_give(struct stor_adapter *adapter, struct stor_block *block)
{
	if (adapter->hba.port.dma)
		dma_unpin(adapter->hba.port.dma, block->raw, block->raw_bytes);
	mem_free(block->raw, block->raw_bytes);
}

/* The first place at or after an address that is aligned and does not cross the boundary. */
static uint64_t place_in(uint64_t address, uint64_t bytes, const struct bounds *bounds)
{
	uint64_t at = bounds->align ? round_up(address, bounds->align) : address;

	if (bounds->boundary && at / bounds->boundary != (at + bytes - 1) / bounds->boundary)
		at = round_up(at, bounds->boundary);
	return at;
}

/* Takes raw_bytes of RAM within `where`, and a place for the block in it. */
static bool raw_take(struct stor_adapter *adapter, struct stor_block *block, uint64_t slack,
	const struct bounds *bounds, const struct bounds *where)
{
	struct dma_adapter *dma = adapter->hba.port.dma;
	uint64_t address, at;

	block->raw_bytes = round_up(block->bytes + slack, MEM_PAGE_SIZE);
	block->raw = mem_alloc_bounds(block->bytes + slack, where->lowest, where->highest,
		slack ? 0 : where->boundary, MEM_COMMON, adapter);
	if (!block->raw)
		return false;
	address = dma ? dma_pin(dma, block->raw, block->raw_bytes, kind_names[block->kind],
				block->site)
		      : mem_physical(block->raw);
	if (address == MEM_NO_ADDRESS) {
		mem_free(block->raw, block->raw_bytes);
		return false;
	}
	at = place_in(address, block->bytes, bounds);
	block->base = block->raw + (at - address);
	block->address = at;
	if (at + block->bytes <= address + block->raw_bytes && at >= bounds->lowest &&
		at + (block->bytes - 1) <= bounds->highest)
		return true;
	raw_give(adapter, block);
	return false;
}

static bool block_take(
	struct stor_adapter *adapter, struct stor_block *block, const struct bounds *bounds)
{
	static const struct bounds anywhere = {.highest = UINT64_MAX};
	uint64_t slack = max_of(bounds->align, bounds->boundary);

	/* The plain size mostly starts well; in the larger one there always is a good start. */
	if (slack <= MEM_PAGE_SIZE)
		slack = 0;
	if (raw_take(adapter, block, 0, bounds, bounds) ||
		(slack && raw_take(adapter, block, slack, bounds, bounds)))
		return true;
	if (block->kind == BLOCK_CONTIGUOUS)
		return false;
	/* Where addresses are translated, the bounds say nothing of RAM. */
	return raw_take(adapter, block, 0, bounds, &anywhere) ||
	       (slack && raw_take(adapter, block, slack, bounds, &anywhere));
}

static struct stor_block *block_new(struct stor_adapter *adapter, enum block_kind kind,
	uint64_t bytes, const struct bounds *bounds, ULONG cache, uintptr_t site)
{
	struct stor_block *block;

	if (!bytes || bytes > mem_size() || bounds->lowest > bounds->highest ||
		(bounds->boundary && bytes > bounds->boundary))
		return NULL;
	block = calloc(1, sizeof(*block));
	if (!block)
		return NULL;
	block->kind = kind;
	block->bytes = bytes;
	block->cache = cache;
	block->site = site;
	if (!block_take(adapter, block, bounds)) {
		free(block);
		return NULL;
	}
	pthread_mutex_lock(&lock);
	block->next = adapter->blocks;
	adapter->blocks = block;
	pthread_mutex_unlock(&lock);
	return block;
}

static void block_free(struct stor_adapter *adapter, struct stor_block *block)
{
	struct stor_block **link = &adapter->blocks;

	pthread_mutex_lock(&lock);
	while (*link != block)
		link = &(*link)->next;
	*link = block->next;
	pthread_mutex_unlock(&lock);
	raw_give(adapter, block);
	free(block);
}

/* By its base, or by its address on the bus. */
static struct stor_block *block_find(
	const struct stor_adapter *adapter, const void *base, uint64_t address)
{
	struct stor_block *block;

	pthread_mutex_lock(&lock);
	for (block = adapter->blocks; block; block = block->next)
		if (base ? block->base == base
			 : block->address == address && block->kind == BLOCK_HOST)
			break;
	pthread_mutex_unlock(&lock);
	return block;
}

void stor_blocks_free(struct stor_adapter *adapter)
{
	while (adapter->blocks) {
		struct stor_block *block = adapter->blocks;
		const char *place = nt_code_place ? nt_code_place(block->site) : NULL;

		nt_violation(0, "%s: %llu bytes of %s%s%s were never freed.", adapter->hba.name,
			(unsigned long long)block->bytes, kind_names[block->kind],
			place ? ", allocated at " : "", place ? place : "");
		block_free(adapter, block);
	}
}

/* ---- contiguous and DMA memory ---- */

static bool is_power(const char *routine, uint64_t boundary)
{
	if (!(boundary & (boundary - 1)))
		return true;
	nt_violation(0, "%s: the boundary %#llx is no power of two.", routine,
		(unsigned long long)boundary);
	return false;
}

static ULONG allocate(struct stor_adapter *adapter, struct stor_call *args, const char *routine,
	enum block_kind kind)
{
	SIZE_T bytes = stor_arg(args, SIZE_T);
	struct bounds bounds = {
		.lowest = stor_arg(args, uint64_t),
	};
	ULONG cache;
	PVOID *result;
	PPHYSICAL_ADDRESS address = NULL;
	struct stor_block *block;

	bounds.highest = stor_arg(args, uint64_t);
	bounds.boundary = stor_arg(args, uint64_t);
	cache = stor_arg(args, ULONG);
	(void)stor_arg(args, ULONG); /* PreferredNode: there is one */
	result = stor_arg(args, PVOID *);
	if (kind == BLOCK_DMA)
		address = stor_arg(args, PPHYSICAL_ADDRESS);
	if (!result || (kind == BLOCK_DMA && !address))
		return STOR_STATUS_INVALID_PARAMETER;
	*result = NULL;
	if (address)
		address->QuadPart = 0;
	if (stor_irql_too_high(routine))
		return STOR_STATUS_INVALID_IRQL;
	block = is_power(routine, bounds.boundary)
			? block_new(adapter, kind, bytes, &bounds, cache, args->site)
			: NULL;
	if (!block)
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	*result = block->base;
	if (address)
		address->QuadPart = (LONGLONG)block->address;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_allocate_contiguous(struct stor_adapter *adapter, struct stor_call *args)
{
	return allocate(adapter, args, "StorPortAllocateContiguousMemorySpecifyCacheNode",
		BLOCK_CONTIGUOUS);
}

ULONG stor_allocate_dma(struct stor_adapter *adapter, struct stor_call *args)
{
	return allocate(adapter, args, "StorPortAllocateDmaMemory", BLOCK_DMA);
}

/* Their pages know no failure: what is no such block is told, and nothing happens to it. */
static ULONG release(struct stor_adapter *adapter, struct stor_call *args, const char *routine,
	enum block_kind kind)
{
	PVOID base = stor_arg(args, PVOID);
	SIZE_T bytes = stor_arg(args, SIZE_T);
	ULONG cache = stor_arg(args, ULONG);
	uint64_t address = kind == BLOCK_DMA ? stor_arg(args, uint64_t) : 0; /* 0: not given */
	struct stor_block *block;

	if (stor_irql_too_high(routine))
		return STOR_STATUS_INVALID_IRQL;
	block = base ? block_find(adapter, base, 0) : NULL;
	if (!block || block->kind != kind) {
		nt_violation(0, "%s: %p is no %s of %s, or not any more.", routine, base,
			kind_names[kind], adapter->hba.name);
		return STOR_STATUS_INVALID_PARAMETER;
	}
	if (block->bytes != bytes || block->cache != cache ||
		(address && block->address != address))
		nt_violation(0,
			"%s: %llu bytes, cache type %u, address %#llx of a block that was "
			"allocated with %llu, %u, %#llx.",
			routine, (unsigned long long)bytes, (unsigned)cache,
			(unsigned long long)address, (unsigned long long)block->bytes,
			(unsigned)block->cache, (unsigned long long)block->address);
	block_free(adapter, block);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_free_contiguous(struct stor_adapter *adapter, struct stor_call *args)
{
	return release(adapter, args, "StorPortFreeContiguousMemorySpecifyCache", BLOCK_CONTIGUOUS);
}

ULONG stor_free_dma(struct stor_adapter *adapter, struct stor_call *args)
{
	return release(adapter, args, "StorPortFreeDmaMemory", BLOCK_DMA);
}

/* ---- the host memory buffer ---- */

#define RANGE_MOST ((uint64_t)UINT32_MAX & ~MEM_PAGE_MASK) /* ACCESS_RANGE.RangeLength */

static bool is_whole_pages(uint64_t bytes)
{
	return !(bytes & MEM_PAGE_MASK);
}

/* As few ranges as can be: the largest that is to be had, then what is left. Bytes. */
static uint64_t host_ranges(struct stor_adapter *adapter, uint64_t preferred,
	const struct bounds *bounds, PACCESS_RANGE ranges, ULONG *count, uintptr_t site)
{
	uint64_t total = 0, bytes = min_of(preferred, RANGE_MOST);
	ULONG used = 0;

	while (bytes && used < *count) {
		struct stor_block *block = block_new(adapter, BLOCK_HOST, bytes, bounds, 0, site);

		if (!block) {
			bytes = round_down(bytes / 2, MEM_PAGE_SIZE);
			continue;
		}
		ranges[used++] = (ACCESS_RANGE){
			.RangeStart = {.QuadPart = (LONGLONG)block->address},
			.RangeLength = (ULONG)bytes,
			.RangeInMemory = TRUE,
		};
		total += bytes;
		bytes = min_of(bytes, preferred - total);
	}
	*count = used;
	return total;
}

static void host_free(struct stor_adapter *adapter, const ACCESS_RANGE *ranges, ULONG count)
{
	for (ULONG n = 0; n < count; n++)
		block_free(adapter,
			block_find(adapter, NULL, (uint64_t)ranges[n].RangeStart.QuadPart));
}

ULONG stor_allocate_host_buffer(struct stor_adapter *adapter, struct stor_call *args)
{
	SIZE_T minimum = stor_arg(args, SIZE_T);
	SIZE_T preferred = stor_arg(args, SIZE_T);
	struct bounds bounds = {0};
	PACCESS_RANGE ranges;
	uint64_t boundary, total;
	PULONG count;
	ULONG room;

	(void)stor_arg(args, uint64_t); /* UtilizationBytes: what the device has in use */
	bounds.align = stor_arg(args, ULONG);
	bounds.lowest = stor_arg(args, uint64_t);
	bounds.highest = stor_arg(args, uint64_t);
	boundary = stor_arg(args, uint64_t);
	ranges = stor_arg(args, PACCESS_RANGE);
	count = stor_arg(args, PULONG);
	if (!ranges || !count || !*count || !preferred || minimum > preferred ||
		!is_whole_pages(minimum) || !is_whole_pages(preferred) || boundary ||
		bounds.lowest > bounds.highest || bounds.align & (bounds.align - 1))
		return STOR_STATUS_INVALID_PARAMETER;
	room = *count;
	*count = 0;
	if (stor_irql_too_high("StorPortAllocateHostMemoryBuffer"))
		return STOR_STATUS_INVALID_IRQL;
	total = host_ranges(adapter, preferred, &bounds, ranges, &room, args->site);
	if (!total || total < minimum) {
		host_free(adapter, ranges, room);
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	}
	*count = room;
	return STOR_STATUS_SUCCESS;
}

/* All of it or nothing. A range given twice is found out as the count of distinct ones. */
static bool is_host_buffer(
	const struct stor_adapter *adapter, const ACCESS_RANGE *ranges, ULONG count)
{
	for (ULONG n = 0; n < count; n++) {
		uint64_t start = (uint64_t)ranges[n].RangeStart.QuadPart;
		struct stor_block *block = block_find(adapter, NULL, start);

		if (!block || block->bytes != ranges[n].RangeLength)
			return false;
		for (ULONG other = 0; other < n; other++)
			if ((uint64_t)ranges[other].RangeStart.QuadPart == start)
				return false;
	}
	return true;
}

ULONG stor_free_host_buffer(struct stor_adapter *adapter, struct stor_call *args)
{
	PACCESS_RANGE ranges = stor_arg(args, PACCESS_RANGE);
	ULONG count = stor_arg(args, ULONG);

	if (stor_irql_too_high("StorPortFreeHostMemoryBuffer"))
		return STOR_STATUS_INVALID_IRQL;
	if (!ranges || !count || !is_host_buffer(adapter, ranges, count)) {
		nt_violation(0,
			"StorPortFreeHostMemoryBuffer: the %u ranges at %p are no host memory "
			"buffer of %s, or not any more.",
			(unsigned)count, (void *)ranges, adapter->hba.name);
		return STOR_STATUS_UNSUCCESSFUL;
	}
	host_free(adapter, ranges, count);
	return STOR_STATUS_SUCCESS;
}
