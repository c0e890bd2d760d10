/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A disk in a file or on a host's block device. The file is locked for as long as it is open, so
 * that two machines never write one image: an open file description lock, which unlike a POSIX lock
 * is not lost when somebody in this process closes another descriptor of the file. Neighbours:
 * storage.c.
 */
#include "hw/hw.h"
#include "hw/storage.h"
#include "util/error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZEROS_SIZE (1u << 20)

/* Drops the first `bytes` of the vector. */
static void iov_advance(struct iovec **iov, unsigned *count, size_t bytes)
{
	while (*count && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + bytes;
		(*iov)->iov_len -= bytes;
	}
}

typedef ssize_t move_fn(int fd, const struct iovec *iov, int count, off_t offset);

/* Repeats until all has moved; at_end is what a call that moves nothing means. */
static int file_move(struct storage *s, uint64_t offset, struct iovec *iov, unsigned count,
	move_fn *move, int at_end)
{
	iov_advance(&iov, &count, 0); /* empty ones at the front */
	while (count) {
		ssize_t done = move(s->fd, iov, (int)count, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		if (done == 0)
			return at_end;
		offset += (uint64_t)done;
		iov_advance(&iov, &count, (size_t)done);
	}
	return 0;
}

static int file_read(struct storage *s, uint64_t offset, struct iovec *iov, unsigned count)
{
	/* the file has become shorter under us: there is no data */
	return file_move(s, offset, iov, count, preadv, -EIO);
}

static int file_write(struct storage *s, uint64_t offset, struct iovec *iov, unsigned count)
{
	return file_move(s, offset, iov, count, pwritev, -ENOSPC);
}

static int file_flush(struct storage *s)
{
	return fdatasync(s->fd) ? -errno : 0;
}

static bool is_unsupported(int err)
{
	return err == EOPNOTSUPP || err == ENOSYS || err == ENODEV;
}

static int file_trim(struct storage *s, uint64_t offset, uint64_t bytes)
{
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	/* a file system without holes keeps the bytes, as a trim allows */
	if (fallocate(s->fd, mode, (off_t)offset, (off_t)bytes) && !is_unsupported(errno))
		return -errno;
	return 0;
}

static int file_write_zeros(struct storage *s, uint64_t offset, uint64_t bytes)
{
	void *zeros = calloc(1, ZEROS_SIZE);
	int err = zeros ? 0 : -ENOMEM;

	while (!err && bytes) {
		struct iovec iov = {zeros, min_of(bytes, (uint64_t)ZEROS_SIZE)};
		uint64_t now = iov.iov_len;

		err = file_write(s, offset, &iov, 1);
		offset += now;
		bytes -= now;
	}
	free(zeros);
	return err;
}

/* A hole reads as zeros and takes no space; where there are none, zeros may still be written fast.
 */
static int file_zero(struct storage *s, uint64_t offset, uint64_t bytes)
{
	static const int modes[] = {FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE};

	for (unsigned i = 0; i < array_size(modes); i++) {
		int mode = modes[i] | FALLOC_FL_KEEP_SIZE;

		if (!fallocate(s->fd, mode, (off_t)offset, (off_t)bytes))
			return 0;
		if (!is_unsupported(errno))
			return -errno;
	}
	return file_write_zeros(s, offset, bytes);
}

static void file_close(struct storage *s)
{
	close(s->fd);
}

static const struct storage_ops file_ops = {
	.read = file_read,
	.write = file_write,
	.flush = file_flush,
	.trim = file_trim,
	.zero = file_zero,
	.close = file_close,
};

static int file_lock(int fd, const char *name, bool read_only)
{
	struct flock lock = {.l_type = read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return error_set(
			EBUSY, "%s is in use by another machine; stop that one first.", name);
	return error_set(errno, "%s cannot be locked: %s.", name, strerror(errno));
}

static int file_size(int fd, const char *name, uint64_t *size)
{
	struct stat st;
	off_t end;

	if (fstat(fd, &st))
		return error_set(errno, "%s: %s.", name, strerror(errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return error_set(EINVAL, "%s is neither a file nor a block device.", name);
	end = lseek(fd, 0, SEEK_END); /* st_size is 0 for a block device */
	if (end < 0)
		return error_set(errno, "%s: %s.", name, strerror(errno));
	*size = (uint64_t)end;
	return 0;
}

int storage_file_open(struct storage *s, const struct hw_config *config)
{
	const char *name = config->disk;
	int err;

	s->fd = open(name, (config->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
	if (s->fd < 0)
		return error_set(errno, "%s cannot be opened for %s: %s.", name,
			config->read_only ? "reading" : "reading and writing", strerror(errno));
	err = file_size(s->fd, name, &s->size);
	if (!err)
		err = file_lock(s->fd, name, config->read_only);
	if (err)
		close(s->fd);
	s->ops = &file_ops;
	return err;
}
