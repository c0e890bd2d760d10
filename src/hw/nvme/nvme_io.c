/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * I/O commands (NVMe 1.4, section 6): data goes straight between the pages of RAM that the PRPs
 * lead to and the storage. Every length and block number comes from a driver and is checked.
 * Before: nvme_queue.c. After: src/dma, storage.c.
 */
#include "hw/nvme/nvme.h"
#include <errno.h>
#include <string.h>

static uint16_t status_of(int err, uint16_t otherwise)
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
		return otherwise;
	}
}

bool nvme_nsid_is_valid(const struct nvme *n, uint32_t nsid)
{
	return nsid && nsid <= n->namespaces;
}

/* ---- the range of a command: 6.9, figure 366 ---- */

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

static uint16_t after_write(struct nvme *n, const struct nvme_command *c)
{
	bool is_cached = n->has_cache && n->features[NVME_FEATURE_WRITE_CACHE];

	if (is_cached && !(c->cdw12 & NVME_FUA))
		return NVME_OK;
	return status_of(storage_flush(n->storage), NVME_WRITE_FAULT);
}

/* ---- read and write ---- */

/* A stretch of the transfer that waits in n->iov until it is moved in one call. */
struct transfer {
	struct nvme *nvme;
	uint64_t offset, bytes;
	unsigned count;
	bool is_write; /* to the storage */
};

static uint16_t transfer_move(struct transfer *t)
{
	struct nvme *n = t->nvme;
	int err = t->is_write ? storage_write(n->storage, t->offset, n->iov, t->count)
			      : storage_read(n->storage, t->offset, n->iov, t->count);

	t->offset += t->bytes;
	t->bytes = t->count = 0;
	return status_of(err, t->is_write ? NVME_WRITE_FAULT : NVME_UNRECOVERED_READ);
}

static uint16_t transfer_part(void *ctx, uint64_t address, uint32_t bytes)
{
	struct transfer *t = ctx;
	struct nvme *n = t->nvme;
	struct iovec *last = &n->iov[t->count];
	uint64_t span = bytes;
	uint16_t status = NVME_OK;
	int err;
	/* a part lies in one page, and so does a span */
	char *at = dma_bus_span(&n->master, address, &span, !t->is_write, &err);

	if (!at)
		return NVME_DATA_TRANSFER_ERROR;
	if (t->count && (char *)last[-1].iov_base + last[-1].iov_len == at) {
		last[-1].iov_len += bytes;
		t->bytes += bytes;
		return NVME_OK;
	}
	if (t->count == STORAGE_IOV_MAX) {
		status = transfer_move(t);
		last = n->iov;
	}
	*last = (struct iovec){at, bytes};
	t->count++;
	t->bytes += bytes;
	return status;
}

static uint16_t read_write(struct nvme *n, const struct nvme_command *c)
{
	struct transfer t = {.nvme = n, .is_write = c->opcode == NVME_WRITE};
	struct range range;
	uint16_t status = range_get(n, c, &range);

	if (status)
		return status;
	if (range.bytes > n->mdts_bytes)
		return NVME_INVALID_FIELD; /* 5.15.2.2, MDTS */
	if (t.is_write && storage_is_read_only(n->storage))
		return NVME_WRITE_PROTECTED;
	t.offset = range.offset;
	status = nvme_prp_walk(n, c, range.bytes, transfer_part, &t);
	if (!status)
		status = transfer_move(&t);
	if (!status && t.is_write)
		status = after_write(n, c);
	*(t.is_write ? &n->writes : &n->reads) += 1;
	*(t.is_write ? &n->units_written : &n->units_read) += range.bytes / 512;
	return status;
}

/* ---- compare: 6.6 ---- */

struct comparison {
	struct nvme *nvme;
	uint64_t offset;
	uint32_t left_in_block; /* bytes of n->compare not yet looked at */
};

static uint16_t compare_part(void *ctx, uint64_t address, uint32_t bytes)
{
	struct comparison *cmp = ctx;
	struct nvme *n = cmp->nvme;

	while (bytes) {
		struct iovec iov = {n->compare, n->block_size};
		uint32_t piece;
		const char *stored;

		if (!cmp->left_in_block) {
			if (storage_read(n->storage, cmp->offset, &iov, 1))
				return NVME_UNRECOVERED_READ;
			cmp->offset += n->block_size;
			cmp->left_in_block = n->block_size;
		}
		piece = min_of(bytes, cmp->left_in_block);
		if (dma_bus_read(&n->master, address, n->page, piece))
			return NVME_DATA_TRANSFER_ERROR;
		stored = (char *)n->compare + n->block_size - cmp->left_in_block;
		if (memcmp(n->page, stored, piece))
			return NVME_COMPARE_FAILURE;
		cmp->left_in_block -= piece;
		address += piece;
		bytes -= piece;
	}
	return NVME_OK;
}

static uint16_t compare(struct nvme *n, const struct nvme_command *c)
{
	struct comparison cmp = {.nvme = n};
	struct range range;
	uint16_t status = range_get(n, c, &range);

	if (status)
		return status;
	if (range.bytes > n->mdts_bytes)
		return NVME_INVALID_FIELD;
	cmp.offset = range.offset;
	n->reads++;
	return nvme_prp_walk(n, c, range.bytes, compare_part, &cmp);
}

/* ---- the others ---- */

static uint16_t flush(struct nvme *n, const struct nvme_command *c)
{
	return status_of(storage_flush(n->storage), NVME_WRITE_FAULT);
}

static uint16_t write_zeroes(struct nvme *n, const struct nvme_command *c)
{
	struct range range;
	uint16_t status = range_get(n, c, &range);

	if (status)
		return status;
	if (storage_is_read_only(n->storage))
		return NVME_WRITE_PROTECTED;
	status = status_of(storage_zero(n->storage, range.offset, range.bytes), NVME_WRITE_FAULT);
	return status ? status : after_write(n, c);
}

/* All ranges are checked before the first is touched. */
static uint16_t dataset_management(struct nvme *n, const struct nvme_command *c)
{
	struct nvme_range *ranges = (void *)n->page;
	unsigned count = (c->cdw10 & 0xff) + 1;
	struct range range;
	uint16_t status = nvme_prp_get(n, c, ranges, count * sizeof(*ranges));

	for (unsigned i = 0; i < count && !status; i++)
		status = range_of(n, c->nsid, ranges[i].block, ranges[i].blocks, &range);
	if (status || !(c->cdw11 & NVME_DSM_DEALLOCATE))
		return status; /* the other attributes are hints */
	if (storage_is_read_only(n->storage))
		return NVME_WRITE_PROTECTED;
	for (unsigned i = 0; i < count && !status; i++) {
		range_of(n, c->nsid, ranges[i].block, ranges[i].blocks, &range);
		status = status_of(
			storage_trim(n->storage, range.offset, range.bytes), NVME_WRITE_FAULT);
	}
	return status;
}

uint16_t nvme_io(struct nvme *n, const struct nvme_command *c)
{
	typedef uint16_t opcode_fn(struct nvme *, const struct nvme_command *);
	static opcode_fn *const opcodes[] = {
		[NVME_FLUSH] = flush,
		[NVME_WRITE] = read_write,
		[NVME_READ] = read_write,
		[NVME_COMPARE] = compare,
		[NVME_WRITE_ZEROES] = write_zeroes,
		[NVME_DATASET_MANAGEMENT] = dataset_management,
	};

	if (c->opcode >= array_size(opcodes) || !opcodes[c->opcode])
		return NVME_INVALID_OPCODE;
	/* one flush may be for all namespaces: 6.8 */
	if (!nvme_nsid_is_valid(n, c->nsid) &&
		!(c->opcode == NVME_FLUSH && c->nsid == NVME_NSID_ALL))
		return NVME_INVALID_NAMESPACE;
	return opcodes[c->opcode](n, c);
}
