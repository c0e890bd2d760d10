/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Where a command's data lies: physical region pages (NVMe 1.4, 4.3). PRP 1 may begin anywhere in
 * its page on a dword; what follows is whole pages: the one of PRP 2, or those of the list that it
 * points to, whose last entry points to the next list where one page of entries is not enough. The
 * first list may begin inside its page, the next ones may not. Neighbours: nvme_io.c and the admin
 * commands.
 */
#include "hw/nvme/nvme.h"

#define ENTRY_BYTES 8u

/* The entries of one page of a list stand in engine->list. */
struct list {
	struct nvme_engine *engine;
	unsigned at, count;
};

static uint32_t in_page(uint64_t address)
{
	return (uint32_t)(address & (NVME_PAGE - 1));
}

/* Reads the entries from `address` to the page's end, or as many as are still needed. */
static uint16_t list_read(struct list *list, uint64_t address, uint64_t pages)
{
	struct nvme_engine *e = list->engine;
	uint64_t room = (NVME_PAGE - in_page(address)) / ENTRY_BYTES;

	list->at = 0;
	list->count = (unsigned)min_of(room, pages);
	if (dma_bus_read(&e->master, address, e->list, list->count * ENTRY_BYTES))
		return NVME_DATA_TRANSFER_ERROR;
	return NVME_OK;
}

/* The next page of the data, of which `pages` are left. */
static uint16_t list_next(struct list *list, uint64_t pages, uint64_t *page)
{
	const uint64_t *entries = list->engine->list;

	/* the last of a full list, when more than it are left, leads to the next list */
	if (list->at + 1 == list->count && pages > 1) {
		uint64_t next = entries[list->at];
		uint16_t status;

		if (in_page(next))
			return NVME_INVALID_PRP_OFFSET;
		status = list_read(list, next, pages);
		if (status)
			return status;
	}
	*page = entries[list->at++];
	return in_page(*page) ? NVME_INVALID_PRP_OFFSET : NVME_OK;
}

static uint16_t walk_list(
	struct nvme_engine *e, uint64_t address, uint64_t bytes, nvme_part_fn *part, void *ctx)
{
	struct list list = {.engine = e};
	uint64_t pages = (bytes + NVME_PAGE - 1) / NVME_PAGE, page;
	uint16_t status;

	if (address % ENTRY_BYTES)
		return NVME_INVALID_PRP_OFFSET;
	status = list_read(&list, address, pages);
	for (; bytes && !status; pages--) {
		uint32_t piece = (uint32_t)min_of(bytes, NVME_PAGE);

		status = list_next(&list, pages, &page);
		if (!status)
			status = part(ctx, page, piece);
		bytes -= piece;
	}
	return status;
}

uint16_t nvme_prp_walk(struct nvme_engine *e, const struct nvme_command *c, uint64_t bytes,
	nvme_part_fn *part, void *ctx)
{
	uint32_t first = (uint32_t)min_of(bytes, NVME_PAGE - in_page(c->prp1));
	uint16_t status;

	if (c->prp1 & 3)
		return NVME_INVALID_PRP_OFFSET;
	status = part(ctx, c->prp1, first);
	bytes -= first;
	if (!bytes || status)
		return status;
	if (bytes > NVME_PAGE)
		return walk_list(e, c->prp2, bytes, part, ctx);
	return in_page(c->prp2) ? NVME_INVALID_PRP_OFFSET : part(ctx, c->prp2, (uint32_t)bytes);
}

/* ---- the device's own bytes ---- */

struct copy {
	struct nvme_engine *engine;
	char *at;
	bool is_put;
};

static uint16_t copy_part(void *ctx, uint64_t address, uint32_t bytes)
{
	struct copy *copy = ctx;
	struct dma_master *master = &copy->engine->master;
	int err = copy->is_put ? dma_bus_write(master, address, copy->at, bytes)
			       : dma_bus_read(master, address, copy->at, bytes);

	copy->at += bytes;
	return err ? NVME_DATA_TRANSFER_ERROR : NVME_OK;
}

uint16_t nvme_prp_put(
	struct nvme_engine *e, const struct nvme_command *c, const void *from, uint32_t bytes)
{
	struct copy copy = {e, (char *)from, true};

	return nvme_prp_walk(e, c, bytes, copy_part, &copy);
}

uint16_t nvme_prp_get(struct nvme_engine *e, const struct nvme_command *c, void *to, uint32_t bytes)
{
	struct copy copy = {e, to, false};

	return nvme_prp_walk(e, c, bytes, copy_part, &copy);
}
