/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The one door to all kinds of storage: what holds for each of them is checked here. `null` is
 * small enough to live here too. Neighbours: storage_file.c, storage_memory.c; above: the device
 * models.
 */
#include "hw/storage.h"
#include "hw/hw.h"
#include "hw/medium.h"
#include "util/error.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int null_move(struct storage *s, uint64_t offset, struct iovec *iov, unsigned count)
{
	return 0;
}

static int null_move_one(struct storage *s, uint64_t offset, void *data, size_t bytes)
{
	return 0;
}

static int null_flush(struct storage *s)
{
	return 0;
}

static int null_range(struct storage *s, uint64_t offset, uint64_t bytes)
{
	return 0;
}

static void null_close(struct storage *s)
{
}

static const struct storage_ops null_ops = {
	.read = null_move,
	.write = null_move,
	.read_one = null_move_one,
	.write_one = null_move_one,
	.flush = null_flush,
	.trim = null_range,
	.zero = null_range,
	.close = null_close,
};

static int null_open(struct storage *s, const struct hw_config *config)
{
	if (config->disk)
		return error_set(EINVAL,
			"null storage keeps nothing; it cannot be given the disk %s.",
			config->disk);
	s->ops = &null_ops;
	s->size = config->size;
	return 0;
}

static int kind_open(struct storage *s, const struct hw_config *config, bool is_null)
{
	if (is_null)
		return null_open(s, config);
	return config->disk ? storage_file_open(s, config) : storage_memory_open(s, config);
}

static int size_check(const struct storage *s, const struct hw_config *config)
{
	const char *name = config->disk ? config->disk : "The disk";

	if (!s->size)
		return error_set(
			EINVAL, "%s has size 0; give it a size first (truncate -s 1G FILE).", name);
	if (s->size % config->block_size)
		return error_set(EINVAL,
			"%s has %llu bytes, which is no multiple of the block size %u; round the "
			"size up, or "
			"choose another block size.",
			name, (unsigned long long)s->size, config->block_size);
	return medium_check(config->medium, s->size / config->block_size);
}

static int any_read_one(struct storage *s, uint64_t offset, void *data, size_t bytes)
{
	int err = storage_read(s, offset, &(struct iovec){data, bytes}, 1);

	return err ? err : STORAGE_WAITED;
}

static int any_write_one(struct storage *s, uint64_t offset, void *data, size_t bytes)
{
	int err = storage_write(s, offset, &(struct iovec){data, bytes}, 1);

	return err ? err : STORAGE_WAITED;
}

/* Straight to the one that moves, where there is nothing to check; to nothing, where nothing is
 * moved. */
static storage_one_fn *one_choose(storage_one_fn *own, storage_one_fn *any, bool checks)
{
	if (checks || !own)
		return any;
	return own == null_move_one ? NULL : own;
}

int storage_open(const struct hw_config *config, bool is_null, struct storage **storage)
{
	struct storage *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return error_set(ENOMEM, "No memory for the disk.");
	s->fd = -1;
	s->read_only = config->read_only;
	s->medium = config->medium;
	s->block_size = config->block_size;
	err = kind_open(s, config, is_null);
	if (!err) {
		err = size_check(s, config);
		if (err)
			s->ops->close(s);
	}
	if (err) {
		free(s);
		return err;
	}
	s->read_one = one_choose(s->ops->read_one, any_read_one, s->medium);
	s->write_one = one_choose(s->ops->write_one, any_write_one, s->medium || s->read_only);
	*storage = s;
	return 0;
}

int storage_close(struct storage *s)
{
	int err = s->read_only ? 0 : s->ops->flush(s);

	s->ops->close(s);
	free(s);
	if (err)
		return error_set(-err,
			"The disk could not be flushed at the end (%s): its last writes may be "
			"lost.",
			strerror(-err));
	return 0;
}

uint64_t storage_size(const struct storage *s)
{
	return s->size;
}

bool storage_is_read_only(const struct storage *s)
{
	return s->read_only;
}

static bool is_inside(const struct storage *s, uint64_t offset, uint64_t bytes)
{
	return offset <= s->size && bytes <= s->size - offset;
}

static uint64_t iov_bytes(const struct iovec *iov, unsigned count)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += iov[i].iov_len;
	return sum;
}

static inline bool is_bad(const struct storage *s, uint64_t offset, const struct iovec *iov,
	unsigned count, bool write)
{
	return unlikely(s->medium != NULL) &&
	       medium_fails(s->medium, s->block_size, offset, iov_bytes(iov, count), write);
}

int storage_read(struct storage *s, uint64_t offset, struct iovec *iov, unsigned count)
{
	if (count > STORAGE_IOV_MAX || !is_inside(s, offset, iov_bytes(iov, count)))
		return -EINVAL;
	if (is_bad(s, offset, iov, count, false))
		return -EIO;
	return s->ops->read(s, offset, iov, count);
}

int storage_write(struct storage *s, uint64_t offset, struct iovec *iov, unsigned count)
{
	if (s->read_only)
		return -EROFS;
	if (count > STORAGE_IOV_MAX || !is_inside(s, offset, iov_bytes(iov, count)))
		return -EINVAL;
	if (is_bad(s, offset, iov, count, true))
		return -EIO;
	return s->ops->write(s, offset, iov, count);
}

int storage_flush(struct storage *s)
{
	return s->read_only ? 0 : s->ops->flush(s);
}

static int range_check(const struct storage *s, uint64_t offset, uint64_t bytes)
{
	if (s->read_only)
		return -EROFS;
	return is_inside(s, offset, bytes) ? 0 : -EINVAL;
}

int storage_trim(struct storage *s, uint64_t offset, uint64_t bytes)
{
	int err = range_check(s, offset, bytes);

	return err || !bytes ? err : s->ops->trim(s, offset, bytes);
}

int storage_zero(struct storage *s, uint64_t offset, uint64_t bytes)
{
	int err = range_check(s, offset, bytes);

	return err || !bytes ? err : s->ops->zero(s, offset, bytes);
}
