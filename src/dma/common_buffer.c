/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Common buffers: see common_buffer.h. Each one is remembered with what it was asked for, since
 * freeing it must name the same (W:pfree_common_buffer), and with who asked for it.
 */
#include "dma/common_buffer.h"
#include "dma/dma_private.h"
#include "dma/map_register.h"
#include "mem/mem.h"
#include "nt/nt.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct dma_common {
	struct dma_common *next;
	void *va;
	uint64_t bytes, address;
	uint32_t slot; /* where it is pinned, DMA_NO_SLOT: nowhere */
	bool cached, any_cache, is_callers;
	uintptr_t site;
};

static pthread_mutex_t commons_lock = PTHREAD_MUTEX_INITIALIZER;

/* Memory inside the bounds: by physical address, unless the iommu gives it another. */
static void *memory_new(const struct dma_adapter *adapter, uint64_t bytes, uint64_t lowest,
	uint64_t highest, bool large)
{
	void *va;

	if (dma_settings.engine == DMA_IOMMU) {
		lowest = 0;
		highest = UINT64_MAX;
	}
	if (!large)
		return mem_alloc_bounds(bytes, lowest, highest, 0, MEM_COMMON, adapter->owner);
	lowest = round_up(lowest, DMA_LARGE_PAGE);
	highest = min_of(highest, MEM_4GIB - 1);
	for (; lowest < highest && highest - lowest >= bytes - 1; lowest += DMA_LARGE_PAGE) {
		va = mem_alloc_bounds(
			bytes, lowest, lowest + bytes - 1, 0, MEM_COMMON, adapter->owner);
		if (va)
			return va;
	}
	return NULL;
}

static uint64_t size_of(const struct dma_common *common)
{
	return round_up(common->bytes, MEM_PAGE_SIZE);
}

static void common_release(struct dma_common *common)
{
	dma_unpin_slot(common->slot, size_of(common));
	if (!common->is_callers)
		mem_free(common->va, size_of(common));
	free(common);
}

static bool common_place(struct dma_adapter *adapter, const struct dma_common_ask *ask,
	struct dma_common *common, uint64_t highest)
{
	struct dma_pin_ask pin = {
		.bytes = common->bytes,
		.what = "common buffer",
		.site = ask->site,
		.domain = ask->in_domain ? ask->domain : atomic_load(&adapter->domain),
		.lowest = ask->lowest,
		.highest = highest,
		.large = ask->large,
		.no_read = ask->no_read,
		.no_write = ask->no_write,
	};

	common->slot = DMA_NO_SLOT;
	common->is_callers = ask->va != NULL;
	common->va = ask->va ? ask->va
			     : memory_new(adapter, common->bytes, ask->lowest, highest, ask->large);
	if (!common->va)
		return false;
	pin.va = common->va;
	common->address = dma_pin_at(adapter, &pin, &common->slot);
	if (common->address != MEM_NO_ADDRESS)
		return true;
	if (!common->is_callers)
		mem_free(common->va, size_of(common));
	return false;
}

void *dma_common_new(
	struct dma_adapter *adapter, const struct dma_common_ask *ask, uint64_t *address)
{
	uint64_t highest = ask->highest ? min_of(ask->highest, adapter->reach.max_address)
					: adapter->reach.max_address;
	struct dma_common *common = NULL;

	if (!ask->bytes || ask->lowest > highest || nt_allocation_fails())
		return NULL;
	common = calloc(1, sizeof(*common));
	if (!common)
		return NULL;
	/* At least one page, and only the bytes asked for are the driver's. */
	common->bytes = ask->large ? round_up(ask->bytes, DMA_LARGE_PAGE) : ask->bytes;
	common->cached = ask->cached;
	common->any_cache = ask->any_cache;
	common->site = ask->site;
	if (!common_place(adapter, ask, common, highest)) {
		free(common);
		return NULL;
	}
	common->bytes = ask->large ? common->bytes : ask->bytes;
	if (ask->zero)
		memset(common->va, 0, common->bytes);
	pthread_mutex_lock(&commons_lock);
	common->next = adapter->commons;
	adapter->commons = common;
	pthread_mutex_unlock(&commons_lock);
	*address = common->address;
	return common->va;
}

void *dma_common_alloc(struct dma_adapter *adapter, uint64_t bytes, bool cached, uint64_t *address)
{
	const struct dma_common_ask ask = {.bytes = bytes, .cached = cached};

	return dma_common_new(adapter, &ask, address);
}

/* Two may stand on one memory, that of an MDL; their addresses tell them apart. */
static struct dma_common *common_unlink(
	struct dma_adapter *adapter, const void *va, uint64_t address)
{
	struct dma_common **link, **found = NULL, *common = NULL;
	bool is_it = false;

	pthread_mutex_lock(&commons_lock);
	for (link = &adapter->commons; *link && !is_it; link = &(*link)->next) {
		is_it = (*link)->va == va && (*link)->address == address;
		if (is_it || ((*link)->va == va && !found))
			found = link;
	}
	if (found) {
		common = *found;
		*found = common->next;
	}
	pthread_mutex_unlock(&commons_lock);
	return common;
}

void dma_common_free(
	struct dma_adapter *adapter, uint64_t bytes, uint64_t address, void *va, bool cached)
{
	struct dma_common *common = common_unlink(adapter, va, address);

	if (!common) {
		nt_violation(DMA_RULE(DMA_RULE_COMMON_FREED),
			"FreeCommonBuffer of %p, which is no common buffer of DMA adapter %u, or "
			"not any more",
			va, adapter->number);
		return;
	}
	if (common->bytes != bytes || common->address != address ||
		(common->cached != cached && !common->any_cache))
		nt_violation(0,
			"FreeCommonBuffer(length %" PRIu64 ", address 0x%" PRIx64
			", cached %d) of a buffer that "
			"was allocated with %" PRIu64 ", 0x%" PRIx64 ", %d",
			bytes, address, cached, common->bytes, common->address, common->cached);
	common_release(common);
}

unsigned dma_commons_drop(struct dma_adapter *adapter)
{
	unsigned dropped = 0;

	for (; adapter->commons; dropped++) {
		struct dma_common *common =
			common_unlink(adapter, adapter->commons->va, adapter->commons->address);
		const char *place =
			common->site && nt_code_place ? nt_code_place(common->site) : NULL;

		if (place)
			nt_violation(DMA_RULE(DMA_RULE_COMMON_LEFT),
				"DMA adapter %u: a common buffer of %" PRIu64
				" bytes, allocated at %s, was never freed",
				adapter->number, common->bytes, place);
		common_release(common);
	}
	return dropped;
}
