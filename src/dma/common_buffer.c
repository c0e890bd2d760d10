/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Common buffers: memory that processor and device use at the same time. Each one is remembered
 * with what it was asked for, since freeing it must name the same (W:pfree_common_buffer).
 * Neighbour: ddi_io_dma.c. Off the I/O path.
 */
#include "dma/dma_private.h"
#include "mem/mem.h"
#include "nt/nt.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

struct dma_common {
	struct dma_common *next;
	void *va;
	uint64_t bytes, address;
	bool cached;
};

static pthread_mutex_t commons_lock = PTHREAD_MUTEX_INITIALIZER;

void *dma_common_alloc(struct dma_adapter *adapter, uint64_t bytes, bool cached, uint64_t *address)
{
	struct dma_common *common = malloc(sizeof(*common));

	if (!common || !bytes)
		goto fail;
	/* At least one page, and only the bytes asked for are the driver's. */
	common->va =
		mem_alloc(round_up(bytes, MEM_PAGE_SIZE), MEM_LINEAR, MEM_COMMON, adapter->owner);
	if (!common->va)
		goto fail;
	common->bytes = bytes;
	common->cached = cached;
	common->address = dma_pin(adapter, common->va, bytes, "common buffer", 0);
	if (common->address == MEM_NO_ADDRESS) {
		mem_free(common->va, round_up(bytes, MEM_PAGE_SIZE));
		goto fail;
	}
	pthread_mutex_lock(&commons_lock);
	common->next = adapter->commons;
	adapter->commons = common;
	pthread_mutex_unlock(&commons_lock);
	*address = common->address;
	return common->va;
fail:
	free(common);
	return NULL;
}

static struct dma_common *common_unlink(struct dma_adapter *adapter, const void *va)
{
	struct dma_common **link, *found;

	pthread_mutex_lock(&commons_lock);
	for (link = &adapter->commons; *link && (*link)->va != va; link = &(*link)->next)
		;
	found = *link;
	if (found)
		*link = found->next;
	pthread_mutex_unlock(&commons_lock);
	return found;
}

static void common_release(struct dma_adapter *adapter, struct dma_common *common)
{
	dma_unpin(adapter, common->va, common->bytes);
	mem_free(common->va, round_up(common->bytes, MEM_PAGE_SIZE));
	free(common);
}

void dma_common_free(
	struct dma_adapter *adapter, uint64_t bytes, uint64_t address, void *va, bool cached)
{
	struct dma_common *common = common_unlink(adapter, va);

	if (!common) {
		nt_violation(DMA_RULE(DMA_RULE_COMMON_FREED),
			"FreeCommonBuffer of %p, which is no common buffer of DMA adapter %u, or "
			"not any more",
			va, adapter->number);
		return;
	}
	if (common->bytes != bytes || common->address != address || common->cached != cached)
		nt_violation(0,
			"FreeCommonBuffer(length %" PRIu64 ", address 0x%" PRIx64
			", cached %d) of a buffer that "
			"was allocated with %" PRIu64 ", 0x%" PRIx64 ", %d",
			bytes, address, cached, common->bytes, common->address, common->cached);
	common_release(adapter, common);
}

unsigned dma_commons_drop(struct dma_adapter *adapter)
{
	unsigned dropped = 0;

	for (; adapter->commons; dropped++)
		common_release(adapter, common_unlink(adapter, adapter->commons->va));
	return dropped;
}
