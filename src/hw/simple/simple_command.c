/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * One command of the simple controller: its list is read from memory, or is the one element that
 * stands in the command; then data goes straight between the pages of RAM that the list's elements
 * lead to and the storage. Every length and block number comes from a driver and is checked.
 * Before: simple_ring.c. After: src/dma, storage.c.
 */
#include "hw/simple/simple.h"
#include <errno.h>

enum simple_status simple_status_of(int err)
{
	switch (-err) {
	case 0:
		return SIMPLE_OK;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return SIMPLE_NO_SPACE;
	case EROFS:
		return SIMPLE_WRITE_PROTECTED;
	default:
		return SIMPLE_MEDIA_ERROR;
	}
}

enum simple_status simple_list_read(struct simple *s, const struct simple_command *c)
{
	if (!c->elements || c->elements > s->max_elements)
		return SIMPLE_BAD_LIST;
	if (dma_bus_read(&s->master, c->list, s->list, c->elements * sizeof(*s->list)))
		return SIMPLE_DMA_ERROR;
	return SIMPLE_OK;
}

/* ---- data ---- */

/* Moves what stands in s->iov, `bytes` in all. */
static inline enum simple_status iov_move(
	struct simple *s, bool is_write, uint64_t offset, unsigned count, uint64_t bytes)
{
	int err = is_write ? storage_write(s->storage, offset, s->iov, count)
			   : storage_read(s->storage, offset, s->iov, count);

	s->batch_bytes += bytes;
	if (unlikely(err))
		return simple_status_of(err);
	*(is_write ? &s->log.bytes_written : &s->log.bytes_read) += bytes;
	return SIMPLE_OK;
}

/* Memory that the device's address leads to, *bytes of it at most in one piece; NULL if to none. */
static inline void *memory_at(struct simple *s, uint64_t address, uint64_t *bytes, bool is_write)
{
	int err;

	/* else memory is no longer ours to touch */
	if (unlikely(!simple_is_enabled(s)))
		return NULL;
	return dma_bus_span(&s->master, address, bytes, !is_write, &err);
}

/* A stretch of the transfer that waits in s->iov until it is moved in one call. */
struct transfer {
	struct simple *simple;
	uint64_t offset; /* in the storage, of iov[0] */
	uint64_t bytes;	 /* in iov[0 .. count - 1] */
	unsigned count;
	bool is_write; /* to the storage */
};

static enum simple_status transfer_move(struct transfer *t)
{
	enum simple_status status = iov_move(t->simple, t->is_write, t->offset, t->count, t->bytes);

	t->offset += t->bytes;
	t->bytes = t->count = 0;
	return status;
}

static enum simple_status transfer_add(struct transfer *t, void *at, uint64_t bytes)
{
	struct iovec *last = &t->simple->iov[t->count];
	enum simple_status status = SIMPLE_OK;

	if (t->count && (char *)last[-1].iov_base + last[-1].iov_len == at) {
		last[-1].iov_len += bytes;
		t->bytes += bytes;
		return SIMPLE_OK;
	}
	if (t->count == STORAGE_IOV_MAX) {
		status = transfer_move(t);
		last = t->simple->iov;
	}
	*last = (struct iovec){at, bytes};
	t->count++;
	t->bytes += bytes;
	return status;
}

/* An element is contiguous for the device, but its pages need not be so in our address space. */
static enum simple_status transfer_element(struct transfer *t, const struct simple_element *e)
{
	enum simple_status status = SIMPLE_OK;
	uint64_t address = e->address, left = e->length;

	while (left && status == SIMPLE_OK) {
		uint64_t bytes = left;
		void *at = memory_at(t->simple, address, &bytes, t->is_write);

		if (!at)
			return SIMPLE_DMA_ERROR;
		status = transfer_add(t, at, bytes);
		address += bytes;
		left -= bytes;
	}
	return status;
}

uint64_t simple_list_bytes(const struct simple *s, unsigned elements)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < elements; i++) {
		if (!s->list[i].length)
			return 0;
		sum += s->list[i].length;
	}
	return sum;
}

/* A list of any kind. */
static __attribute__((noinline)) enum simple_status list_move(
	struct simple *s, bool is_write, uint64_t offset, unsigned elements)
{
	struct transfer t = {.simple = s, .offset = offset, .is_write = is_write};
	enum simple_status status = SIMPLE_OK;

	for (unsigned i = 0; i < elements && status == SIMPLE_OK; i++)
		status = transfer_element(&t, &s->list[i]);
	return status == SIMPLE_OK ? transfer_move(&t) : status;
}

/* Moves what simple->list describes, once it is known to be right. */
static enum simple_status list_transfer(
	struct simple *s, const struct simple_command *c, unsigned elements, uint32_t *length)
{
	uint64_t bytes = simple_list_bytes(s, elements);
	bool is_write = c->opcode == SIMPLE_WRITE;
	enum simple_status status;

	if (!bytes || bytes & (s->block_size - 1) || bytes > UINT32_MAX)
		return SIMPLE_BAD_LIST;
	if (!simple_is_inside(s, c->block, bytes >> s->block_shift))
		return SIMPLE_BAD_RANGE;
	if (is_write && storage_is_read_only(s->storage))
		return SIMPLE_WRITE_PROTECTED;
	status = list_move(s, is_write, c->block << s->block_shift, elements);
	if (status == SIMPLE_OK && is_write && c->flags & SIMPLE_FUA)
		status = simple_status_of(storage_flush(s->storage));
	*length = status == SIMPLE_OK ? (uint32_t)bytes : 0;
	return status;
}

enum simple_status simple_transfer(
	struct simple *s, const struct simple_command *c, uint32_t *length)
{
	enum simple_status status;

	if (c->flags & SIMPLE_DIRECT) {
		/* one that is too long for a list is none either */
		s->list[0] = (struct simple_element){.address = c->list,
			.length = c->length > UINT32_MAX ? 0 : (uint32_t)c->length};
		return list_transfer(s, c, 1, length);
	}
	status = simple_list_read(s, c);
	return status == SIMPLE_OK ? list_transfer(s, c, c->elements, length) : status;
}

/* ---- small data: from and to the device's own memory ---- */

enum simple_status simple_list_gather(
	struct simple *s, unsigned elements, void *to, uint32_t bytes, uint32_t *moved)
{
	*moved = 0;
	for (unsigned i = 0; i < elements && *moved < bytes; i++) {
		uint32_t part = min_of(s->list[i].length, bytes - *moved);

		if (dma_bus_read(&s->master, s->list[i].address, (char *)to + *moved, part))
			return SIMPLE_DMA_ERROR;
		*moved += part;
	}
	return SIMPLE_OK;
}

enum simple_status simple_list_scatter(
	struct simple *s, unsigned elements, const void *from, uint32_t bytes, uint32_t *moved)
{
	*moved = 0;
	for (unsigned i = 0; i < elements && *moved < bytes; i++) {
		uint32_t part = min_of(s->list[i].length, bytes - *moved);

		if (dma_bus_write(
			    &s->master, s->list[i].address, (const char *)from + *moved, part))
			return SIMPLE_DMA_ERROR;
		*moved += part;
	}
	return SIMPLE_OK;
}

/* ---- the others ---- */

enum simple_status simple_flush(struct simple *s)
{
	s->log.flushes++;
	return simple_status_of(storage_flush(s->storage));
}

static enum simple_status flush(struct simple *s, const struct simple_command *c, uint32_t *length)
{
	return simple_flush(s);
}

/* All ranges are checked before the first is touched. */
enum simple_status simple_ranges(
	struct simple *s, unsigned ranges, enum simple_opcode opcode, bool is_fua)
{
	int err = 0;

	for (unsigned i = 0; i < ranges; i++)
		if (!simple_is_inside(s, s->list[i].address, s->list[i].length))
			return SIMPLE_BAD_RANGE;
	for (unsigned i = 0; i < ranges && !err; i++) {
		uint64_t offset = s->list[i].address * s->block_size;
		uint64_t bytes = (uint64_t)s->list[i].length * s->block_size;

		err = opcode == SIMPLE_TRIM ? storage_trim(s->storage, offset, bytes)
					    : storage_zero(s->storage, offset, bytes);
		s->log.ranges++;
	}
	if (!err && is_fua)
		err = storage_flush(s->storage);
	return simple_status_of(err);
}

static enum simple_status ranges(struct simple *s, const struct simple_command *c, uint32_t *length)
{
	enum simple_status status = simple_list_read(s, c);

	if (status != SIMPLE_OK)
		return status;
	return simple_ranges(s, c->elements, c->opcode, c->flags & SIMPLE_FUA);
}

static enum simple_status log_page(
	struct simple *s, const struct simple_command *c, uint32_t *length)
{
	enum simple_status status = simple_list_read(s, c);

	if (status != SIMPLE_OK)
		return status;
	simple_ones_count(s);
	return simple_list_scatter(s, c->elements, &s->log, sizeof(s->log), length);
}

enum simple_status simple_execute(
	struct simple *s, const struct simple_command *command, uint32_t *length)
{
	typedef enum simple_status opcode_fn(
		struct simple *, const struct simple_command *, uint32_t *);
	static opcode_fn *const opcodes[] = {
		[SIMPLE_READ] = simple_transfer,
		[SIMPLE_WRITE] = simple_transfer,
		[SIMPLE_FLUSH] = flush,
		[SIMPLE_TRIM] = ranges,
		[SIMPLE_ZERO] = ranges,
		[SIMPLE_LOG] = log_page,
		[SIMPLE_SCSI] = simple_scsi,
	};

	if (command->opcode >= array_size(opcodes) || !opcodes[command->opcode])
		return SIMPLE_BAD_OPCODE;
	return opcodes[command->opcode](s, command, length);
}
