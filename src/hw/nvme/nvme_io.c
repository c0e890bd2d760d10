/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * I/O commands (NVMe 1.4, section 6): data goes straight between the pages of RAM that the PRPs
 * lead to and the storage. Every length and block number comes from a driver and is checked.
 * Before: nvme_life.c. After: src/dma, storage.c.
 */
#include "hw/nvme/nvme.h"
#include <errno.h>
#include <string.h>

static uint16_t status_of(struct nvme_engine *e, int err, uint16_t otherwise)
{
	switch (-err) {
	case 0:
		return NVME_OK;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return NVME_CAPACITY_EXCEEDED;
	case EROFS:
		return NVME_WRITE_PROTECTED;
	default:
		e->media_errors++;
		return otherwise;
	}
}

bool nvme_nsid_is_valid(const struct nvme *n, uint32_t nsid)
{
	return nsid && nsid <= n->namespaces;
}

/* ---- the range of a command ---- */

struct range {
	uint64_t offset, bytes; /* in the storage */
};

static uint16_t range_of(
	const struct nvme *n, uint32_t nsid, uint64_t block, uint64_t blocks, struct range *range)
{
	if (block > n->blocks || blocks > n->blocks - block)
		return NVME_LBA_OUT_OF_RANGE;
	range->offset = ((nsid - 1) * n->blocks + block) * n->block_size;
	range->bytes = blocks * n->block_size;
	return NVME_OK;
}

static uint16_t range_get(const struct nvme *n, const struct nvme_command *c, struct range *range)
{
	uint64_t block = c->cdw10 | (uint64_t)c->cdw11 << 32;

	return range_of(n, c->nsid, block, (c->cdw12 & 0xffff) + 1ull, range);
}

/* Of a command that moves data: 5.15.2.2, MDTS. */
static uint16_t transfer_range_get(
	const struct nvme *n, const struct nvme_command *c, struct range *range)
{
	uint64_t bytes = ((c->cdw12 & 0xffff) + 1ull) * n->block_size;

	return bytes > n->mdts_bytes ? NVME_INVALID_FIELD : range_get(n, c, range);
}

static uint16_t flush_storage(struct nvme_engine *e)
{
	return status_of(e, storage_flush(e->nvme->storage), NVME_WRITE_FAULT);
}

static uint16_t after_write(struct nvme_engine *e, const struct nvme_command *c)
{
	return nvme_is_cached(e->nvme) && !(c->cdw12 & NVME_FUA) ? NVME_OK : flush_storage(e);
}

/* ---- read and write: 6.9 and 6.15 ---- */

/* A stretch of the transfer that waits in the engine's iov until it is moved in one call. */
struct transfer {
	struct nvme_engine *engine;
	uint64_t offset, bytes;
	unsigned count;
	bool is_write; /* to the storage */
};

uint16_t nvme_move_failed(struct nvme_engine *e, bool is_write, int err)
{
	return status_of(e, err, is_write ? NVME_WRITE_FAULT : NVME_UNRECOVERED_READ);
}

static inline uint16_t iov_move(
	struct nvme_engine *e, bool is_write, uint64_t offset, unsigned count)
{
	struct storage *storage = e->nvme->storage;
	int err = is_write ? storage_write(storage, offset, e->iov, count)
			   : storage_read(storage, offset, e->iov, count);

	return likely(!err) ? NVME_OK : nvme_move_failed(e, is_write, err);
}

static uint16_t transfer_move(struct transfer *t)
{
	uint16_t status = iov_move(t->engine, t->is_write, t->offset, t->count);

	t->offset += t->bytes;
	t->bytes = t->count = 0;
	return status;
}

static uint16_t transfer_add(struct transfer *t, void *at, uint64_t bytes)
{
	struct iovec *last = &t->engine->iov[t->count];
	uint16_t status = NVME_OK;

	if (t->count && (char *)last[-1].iov_base + last[-1].iov_len == at) {
		last[-1].iov_len += bytes;
		t->bytes += bytes;
		return NVME_OK;
	}
	if (t->count == STORAGE_IOV_MAX) {
		status = transfer_move(t);
		last = t->engine->iov;
	}
	*last = (struct iovec){at, bytes};
	t->count++;
	t->bytes += bytes;
	return status;
}

/* A part lies in one page; but what the device may touch there can end before the page. */
static uint16_t transfer_part(void *ctx, uint64_t address, uint32_t bytes)
{
	struct transfer *t = ctx;
	uint16_t status = NVME_OK;

	for (uint64_t left = bytes, span = left; left && !status; span = left) {
		int err;
		void *at = dma_bus_span(&t->engine->master, address, &span, !t->is_write, &err);

		if (!at)
			return NVME_DATA_TRANSFER_ERROR;
		status = transfer_add(t, at, span);
		address += span;
		left -= span;
	}
	return status;
}

static void account(struct nvme_engine *e, bool is_write, uint64_t bytes)
{
	e->moved += bytes;
	if (is_write) {
		e->writes++;
		e->units_written += bytes / 512;
	} else {
		e->reads++;
		e->units_read += bytes / 512;
	}
}

static uint16_t data_move(
	struct nvme_engine *e, const struct nvme_command *c, const struct range *range)
{
	struct transfer t = {
		.engine = e, .offset = range->offset, .is_write = c->opcode == NVME_WRITE};
	uint16_t status = nvme_prp_walk(e, c, range->bytes, transfer_part, &t);

	return status ? status : transfer_move(&t);
}

static uint16_t read_write(struct nvme_engine *e, const struct nvme_command *c)
{
	const struct nvme *n = e->nvme;
	bool is_write = c->opcode == NVME_WRITE;
	struct range range;
	uint16_t status = transfer_range_get(n, c, &range);

	if (status)
		return status;
	if (is_write && storage_is_read_only(n->storage))
		return NVME_WRITE_PROTECTED;
	/* what is read with FUA comes from the medium, so it must stand there: 6.9 */
	if (unlikely(!is_write && c->cdw12 & NVME_FUA && nvme_is_cached(n)))
		status = flush_storage(e);
	if (!status)
		status = data_move(e, c, &range);
	if (!status && is_write)
		status = after_write(e, c);
	if (!status)
		account(e, is_write, range.bytes);
	return status;
}

/* ---- compare: 6.6 ---- */

struct comparison {
	struct nvme_engine *engine;
	uint64_t offset;
	uint32_t left; /* bytes of the block in n->compare that are not yet looked at */
};

static uint16_t compare_part(void *ctx, uint64_t address, uint32_t bytes)
{
	struct comparison *cmp = ctx;
	struct nvme_engine *e = cmp->engine;
	const struct nvme *n = e->nvme;

	while (bytes) {
		struct iovec iov = {e->compare, n->block_size};
		uint32_t piece;
		int err = 0;

		if (!cmp->left) {
			err = storage_read(n->storage, cmp->offset, &iov, 1);
			cmp->offset += n->block_size;
			cmp->left = n->block_size;
		}
		if (err)
			return status_of(e, err, NVME_UNRECOVERED_READ);
		piece = min_of(bytes, cmp->left);
		if (dma_bus_read(&e->master, address, e->page, piece))
			return NVME_DATA_TRANSFER_ERROR;
		if (memcmp(e->page, e->compare + n->block_size - cmp->left, piece))
			return NVME_COMPARE_FAILURE;
		cmp->left -= piece;
		address += piece;
		bytes -= piece;
	}
	return NVME_OK;
}

static uint16_t compare(struct nvme_engine *e, const struct nvme_command *c)
{
	const struct nvme *n = e->nvme;
	struct comparison cmp = {.engine = e};
	struct range range;
	uint16_t status = transfer_range_get(n, c, &range);

	if (status)
		return status;
	cmp.offset = range.offset;
	status = nvme_prp_walk(e, c, range.bytes, compare_part, &cmp);
	/* the health log counts compares among the reads: 5.14.1.2 */
	if (!status)
		account(e, false, range.bytes);
	return status;
}

/* ---- the others ---- */

static uint16_t flush(struct nvme_engine *e, const struct nvme_command *c)
{
	return flush_storage(e);
}

/* 6.17 */
static uint16_t write_zeroes(struct nvme_engine *e, const struct nvme_command *c)
{
	struct nvme *n = e->nvme;
	struct range range;
	uint16_t status = range_get(n, c, &range);

	if (status)
		return status;
	status =
		status_of(e, storage_zero(n->storage, range.offset, range.bytes), NVME_WRITE_FAULT);
	return status ? status : after_write(e, c);
}

/* 6.7. All ranges are checked before the first is touched. */
static uint16_t dataset_management(struct nvme_engine *e, const struct nvme_command *c)
{
	struct nvme *n = e->nvme;
	struct nvme_range *ranges = (void *)e->page;
	unsigned count = (c->cdw10 & 0xff) + 1;
	struct range range;
	uint16_t status = nvme_prp_get(e, c, ranges, count * (uint32_t)sizeof(*ranges));

	for (unsigned i = 0; i < count && !status; i++)
		status = range_of(n, c->nsid, ranges[i].block, ranges[i].blocks, &range);
	if (status || !(c->cdw11 & NVME_DSM_DEALLOCATE))
		return status; /* the other attributes are hints */
	for (unsigned i = 0; i < count && !status; i++) {
		range_of(n, c->nsid, ranges[i].block, ranges[i].blocks, &range);
		status = status_of(
			e, storage_trim(n->storage, range.offset, range.bytes), NVME_WRITE_FAULT);
	}
	return status;
}

/* 4.2 and 6.1: all namespaces at once only where the command says so, which is flush (6.8). */
static uint16_t namespace_check(const struct nvme *n, const struct nvme_command *c)
{
	if (likely(nvme_nsid_is_valid(n, c->nsid)))
		return NVME_OK;
	if (c->nsid != NVME_NSID_ALL)
		return NVME_INVALID_NAMESPACE;
	return c->opcode == NVME_FLUSH ? NVME_OK : NVME_INVALID_FIELD;
}

uint16_t nvme_io(struct nvme_engine *e, const struct nvme_command *c)
{
	static uint16_t (*const opcodes[])(struct nvme_engine *, const struct nvme_command *) = {
		[NVME_FLUSH] = flush,
		[NVME_WRITE] = read_write,
		[NVME_READ] = read_write,
		[NVME_COMPARE] = compare,
		[NVME_WRITE_ZEROES] = write_zeroes,
		[NVME_DATASET_MANAGEMENT] = dataset_management,
	};
	uint16_t status;

	if (c->opcode >= array_size(opcodes) || !opcodes[c->opcode])
		return NVME_INVALID_OPCODE;
	status = namespace_check(e->nvme, c);
	return status ? status : opcodes[c->opcode](e, c);
}
