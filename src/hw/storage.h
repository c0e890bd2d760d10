/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a disk controller keeps its blocks in: memory, a file (or a host's block device), or nothing
 * at all
 * (`null`: takes and gives no byte, for benches). A device moves data straight between the
 * machine's RAM and the storage; there is no buffer between.
 *
 * All calls come from one thread at a time, the device's; they may wait for the host's disk.
 * Offsets and lengths are in bytes; the caller keeps to whole blocks. Results are 0 or -errno:
 * -EINVAL beyond the end, -EROFS, -ENOSPC when the host's disk is full, -EIO where a block is to
 * fail (medium.h), else what the host said.
 */
#ifndef DRY_HW_STORAGE_H
#define DRY_HW_STORAGE_H

#include "util/common.h"
#include <sys/uio.h>

struct hw_config;
struct storage;

#define STORAGE_IOV_MAX 256 /* entries of one call */

/*
 * Opens config's disk, or makes config's size of memory (zero filled), or with is_null only
 * pretends. -errno with error_set: no such file, in use by another machine, empty, not whole blocks
 * ...
 */
int storage_open(const struct hw_config *config, bool is_null, struct storage **storage);
/* Flushes and closes; the flush's result, with error_set. */
int storage_close(struct storage *storage);

uint64_t storage_size(const struct storage *storage);
bool storage_is_read_only(const struct storage *storage);

/* Moves the sum of the vector's lengths, all or (on error) an undefined part. The vector is used
 * up. */
int storage_read(struct storage *storage, uint64_t offset, struct iovec *iov, unsigned count);
int storage_write(struct storage *storage, uint64_t offset, struct iovec *iov, unsigned count);
/* Everything written so far survives a crash of the host. */
int storage_flush(struct storage *storage);
/* The contents are no longer needed: space is given back where that is possible, and no promise is
 * made of what is read afterwards. */
int storage_trim(struct storage *storage, uint64_t offset, uint64_t bytes);
/* Reads as zeros from now on. */
int storage_zero(struct storage *storage, uint64_t offset, uint64_t bytes);

/* ---- between storage*.c ---- */

/* Of one stretch of memory, to it or from it, which lies inside the storage. STORAGE_WAITED: it is
 * done, and not at once: others had time to change what they like. */
enum { STORAGE_WAITED = 1 };
typedef int storage_one_fn(struct storage *, uint64_t offset, void *data, size_t bytes);

struct storage_ops {
	int (*read)(struct storage *, uint64_t offset, struct iovec *iov, unsigned count);
	int (*write)(struct storage *, uint64_t offset, struct iovec *iov, unsigned count);
	storage_one_fn *read_one, *write_one; /* NULL: as the others, which may wait */
	int (*flush)(struct storage *);
	int (*trim)(struct storage *, uint64_t offset, uint64_t bytes);
	int (*zero)(struct storage *, uint64_t offset, uint64_t bytes);
	void (*close)(struct storage *);
};

struct storage {
	/* ops' own, or with more checks; NULL: nothing is moved, and all goes well */
	storage_one_fn *read_one, *write_one;
	const struct storage_ops *ops;
	uint64_t size;
	bool read_only;
	const struct medium *medium; /* NULL: every block can be read and written */
	uint32_t block_size;
	int fd;	      /* file */
	char *memory; /* memory */
};

/* storage_read and _write of one stretch of memory and a range that the caller has seen to be
 * inside; STORAGE_WAITED besides. */
static inline int storage_read_one(
	struct storage *storage, uint64_t offset, void *data, size_t bytes)
{
	return storage->read_one ? storage->read_one(storage, offset, data, bytes) : 0;
}

static inline int storage_write_one(
	struct storage *storage, uint64_t offset, void *data, size_t bytes)
{
	return storage->write_one ? storage->write_one(storage, offset, data, bytes) : 0;
}

/* What is null, and is not to fail anywhere: there is nothing to call. */
static inline bool storage_moves_nothing(const struct storage *storage)
{
	return !storage->read_one;
}

/* Fill ops, size and their own fields; -errno with error_set. */
int storage_file_open(struct storage *storage, const struct hw_config *config);
int storage_memory_open(struct storage *storage, const struct hw_config *config);

#endif
