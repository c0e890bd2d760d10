/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The library that `dryport run --sg` preloads into COMMAND: /dev/dryport0, /dev/dryport1 ... are
 * there, and answer ioctls as SCSI generic devices do. The other end is server.c; protocol.h says
 * what passes between them.
 *
 * A device's file descriptor is a handle without rights (O_PATH) of a file in the machine's folder:
 * what it is is read from /proc/self/fd, so nothing is remembered of it here, and close, dup, fork
 * and exec are libc's own business. Everything else goes on to the next definition of a function,
 * which is libc's or that of another preloaded library.
 */
#include "protocol.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <scsi/scsi_ioctl.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EXPORT	       __attribute__((visibility("default")))
#define UNITS	       255
#define SG_MAJOR       21
#define SG_VERSION     30536 /* of the sg driver that we answer like: version 3 headers */
#define TICKS	       100   /* a second, in SG_SET_TIMEOUT */
#define FLAG_MMAP_IO   4
#define GET_IDLUN      0x5382 /* SCSI_IOCTL_: libc's header lacks them */
#define GET_BUS_NUMBER 0x5386

/* "/dev/dryport0" and no other spelling. -1: another file. */
static int path_unit(const char *path)
{
	static const char start[] = "/dev/dryport";
	char again[32];
	long unit;

	if (!path || strncmp(path, start, sizeof(start) - 1) != 0 || !getenv(SG_FOLDER_VARIABLE))
		return -1;
	unit = strtol(path + sizeof(start) - 1, NULL, 10);
	if (unit < 0 || unit >= UNITS)
		return -1;
	snprintf(again, sizeof(again), "%s%ld", start, unit);
	return strcmp(path, again) == 0 ? (int)unit : -1;
}

static bool unit_file(char file[PATH_MAX], int unit)
{
	return snprintf(file, PATH_MAX, "%s/" SG_UNIT_NAME, getenv(SG_FOLDER_VARIABLE),
		       (unsigned)unit) < PATH_MAX;
}

/* Which unit's handle it is. -1: another file. Leaves errno alone. */
static int fd_unit(int fd)
{
	const char *folder = getenv(SG_FOLDER_VARIABLE);
	char link[32], file[PATH_MAX], want[PATH_MAX];
	const char *name;
	ssize_t length;
	int unit, before = errno;

	if (!folder || fd < 0)
		return -1;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, file, sizeof(file) - 1);
	errno = before; /* nobody asked for this call */
	if (length <= 0)
		return -1;
	file[length] = 0;
	name = strrchr(file, '/');
	if (!name || sscanf(name, "/dryport%d", &unit) != 1 || unit < 0 || unit >= UNITS)
		return -1;
	return unit_file(want, unit) && strcmp(file, want) == 0 ? unit : -1;
}

/* ---- the way to the machine ---- */

static int machine_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s/" SG_SOCKET_NAME,
		    getenv(SG_FOLDER_VARIABLE)) < (int)sizeof(address.sun_path)) {
		while (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			if (errno != EINTR)
				goto gone;
		return fd;
	}
gone:
	close(fd);
	return -ENODEV;
}

static bool all_sent(int fd, const void *data, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		ssize_t sent = send(fd, (const char *)data + at, bytes - at, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += (size_t)sent;
	}
	return true;
}

static bool all_received(int fd, void *data, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		ssize_t got = recv(fd, (char *)data + at, bytes - at, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += (size_t)got;
	}
	return true;
}

/* 0, or -errno: -ENODEV when the machine is gone. A command that is refused may be answered before
 * its data are taken: so a failure to send them is none yet. */
static int machine_ask(const struct sg_request *request, void *data, struct sg_answer *answer)
{
	bool goes_out = request->direction == SG_OUT || request->direction == SG_OUT_IN;
	bool comes_in = request->direction == SG_IN || request->direction == SG_OUT_IN;
	int fd = machine_connect();
	int err = -ENODEV;

	if (fd < 0)
		return fd;
	if (!all_sent(fd, request, sizeof(*request)))
		goto out;
	if (goes_out)
		(void)all_sent(fd, data, request->bytes);
	if (!all_received(fd, answer, sizeof(*answer)) || answer->magic != SG_ANSWER_MAGIC)
		goto out;
	err = -answer->error;
	if (!err && comes_in &&
		(answer->moved > request->bytes || !all_received(fd, data, answer->moved)))
		err = -ENODEV;
out:
	close(fd);
	return err;
}

static int info_ask(int unit, struct sg_info *info)
{
	const struct sg_request request = {
		.magic = SG_REQUEST_MAGIC, .unit = (uint16_t)unit, .operation = SG_OP_INFO};
	struct sg_answer answer;
	int err = machine_ask(&request, NULL, &answer);

	if (!err)
		*info = answer.info;
	return err;
}

/* ---- SG_IO ---- */

/* The caller's pieces and one buffer, copied one way or the other. */
static void pieces_copy(const struct sg_io_hdr *hdr, char *buffer, size_t bytes, bool gather)
{
	const sg_iovec_t *piece = hdr->dxferp;
	size_t at = 0;

	for (unsigned n = 0; n < hdr->iovec_count && at < bytes; n++) {
		size_t part = piece[n].iov_len < bytes - at ? piece[n].iov_len : bytes - at;

		if (gather)
			memcpy(buffer + at, piece[n].iov_base, part);
		else
			memcpy(piece[n].iov_base, buffer + at, part);
		at += part;
	}
}

/* dxfer_len, or less where there are fewer bytes in the pieces. */
static uint32_t pieces_bytes(const struct sg_io_hdr *hdr)
{
	const sg_iovec_t *piece = hdr->dxferp;
	size_t bytes = 0;

	for (unsigned n = 0; n < hdr->iovec_count && bytes < hdr->dxfer_len; n++)
		bytes += piece[n].iov_len < hdr->dxfer_len ? piece[n].iov_len : hdr->dxfer_len;
	return bytes < hdr->dxfer_len ? (uint32_t)bytes : hdr->dxfer_len;
}

static uint8_t direction_of(int dxfer_direction)
{
	switch (dxfer_direction) {
	case SG_DXFER_NONE:
		return SG_NONE;
	case SG_DXFER_TO_DEV:
		return SG_OUT;
	case SG_DXFER_TO_FROM_DEV:
		return SG_OUT_IN;
	default:
		return SG_IN;
	}
}

/* 0 means the sg driver's default of a minute; an SRB counts seconds. */
static uint32_t seconds_of(unsigned milliseconds)
{
	return milliseconds ? milliseconds / 1000 + (milliseconds % 1000 != 0) : 60;
}

static int header_check(const struct sg_io_hdr *hdr)
{
	if (hdr->interface_id != 'S')
		return -ENOSYS;
	if (!hdr->cmdp || hdr->cmd_len < 6 || hdr->cmd_len > sizeof(((struct sg_request *)0)->cdb))
		return -EMSGSIZE;
	if (hdr->flags & (FLAG_MMAP_IO | SG_FLAG_NO_DXFER))
		return -EINVAL;
	return hdr->dxfer_len && !hdr->dxferp ? -EINVAL : 0;
}

static void header_answer(
	struct sg_io_hdr *hdr, const struct sg_answer *answer, uint32_t bytes, unsigned ms)
{
	hdr->status = answer->scsi_status;
	hdr->masked_status = (answer->scsi_status >> 1) & 0x1f;
	hdr->msg_status = 0;
	hdr->host_status = answer->host_status;
	hdr->driver_status = answer->driver_status;
	hdr->info = hdr->masked_status || hdr->host_status || hdr->driver_status ? SG_INFO_CHECK
										 : SG_INFO_OK;
	hdr->resid = (int)(bytes - answer->moved);
	hdr->duration = ms;
	hdr->sb_len_wr = 0;
	if (!hdr->sbp || !answer->driver_status)
		return;
	hdr->sb_len_wr =
		answer->sense_length < hdr->mx_sb_len ? answer->sense_length : hdr->mx_sb_len;
	memcpy(hdr->sbp, answer->sense, hdr->sb_len_wr);
}

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int command_run(int unit, void *arg)
{
	struct sg_io_hdr *hdr = arg;
	struct sg_request request = {
		.magic = SG_REQUEST_MAGIC, .unit = (uint16_t)unit, .operation = SG_OP_COMMAND};
	struct sg_answer answer;
	uint64_t start = clock_ms();
	void *data;
	int err;

	if (!hdr)
		return -EFAULT;
	err = header_check(hdr);
	if (err)
		return err;
	request.direction = hdr->dxfer_len ? direction_of(hdr->dxfer_direction) : SG_NONE;
	request.seconds = seconds_of(hdr->timeout);
	request.cdb_length = hdr->cmd_len;
	memcpy(request.cdb, hdr->cmdp, hdr->cmd_len);
	if (request.direction != SG_NONE)
		request.bytes = hdr->iovec_count ? pieces_bytes(hdr) : hdr->dxfer_len;
	data = hdr->iovec_count ? calloc(1, (size_t)request.bytes + 1) : hdr->dxferp;
	if (hdr->iovec_count && !data)
		return -ENOMEM;
	if (hdr->iovec_count)
		pieces_copy(hdr, data, request.bytes, true);
	err = machine_ask(&request, data, &answer);
	if (!err) {
		if (hdr->iovec_count && request.direction != SG_OUT)
			pieces_copy(hdr, data, answer.moved, false);
		header_answer(hdr, &answer, request.bytes, (unsigned)(clock_ms() - start));
	}
	if (hdr->iovec_count)
		free(data);
	return err;
}

/* ---- the other ioctls ---- */

/* What programs set and read back: a timeout for write(), which is not served, and the size of a
 * buffer that we do not need. */
static int timeouts[UNITS], reserved[UNITS];

static int timeout_set(int unit, void *arg)
{
	if (*(int *)arg < 0)
		return -EINVAL;
	__atomic_store_n(&timeouts[unit], *(int *)arg, __ATOMIC_RELAXED);
	return 0;
}

static int timeout_get(int unit, void *arg)
{
	int ticks = __atomic_load_n(&timeouts[unit], __ATOMIC_RELAXED);

	return ticks ? ticks : 60 * TICKS;
}

static int version_get(int unit, void *arg)
{
	*(int *)arg = SG_VERSION;
	return 0;
}

static int zero_get(int unit, void *arg)
{
	*(int *)arg = 0;
	return 0;
}

static int reserved_set(int unit, void *arg)
{
	if (*(int *)arg < 0)
		return -EINVAL;
	__atomic_store_n(&reserved[unit], *(int *)arg, __ATOMIC_RELAXED);
	return 0;
}

static int reserved_get(int unit, void *arg)
{
	int bytes = __atomic_load_n(&reserved[unit], __ATOMIC_RELAXED);
	struct sg_info info;
	int err = info_ask(unit, &info);

	if (err)
		return err;
	if (!bytes)
		bytes = SG_DEF_RESERVED_SIZE;
	*(int *)arg = (uint32_t)bytes < info.max_transfer ? bytes : (int)info.max_transfer;
	return 0;
}

/* Those that the unit has to be asked for. */
static int info_get(int unit, unsigned request, void *arg)
{
	struct sg_info info;
	int err = info_ask(unit, &info);

	if (err)
		return err;
	switch (request) {
	case SG_GET_SCSI_ID:
		*(struct sg_scsi_id *)arg = (struct sg_scsi_id){.channel = info.path,
			.scsi_id = info.target,
			.lun = info.lun,
			.h_cmd_per_lun = 1,
			.d_queue_depth = 1};
		return 0;
	case GET_IDLUN:
		((uint32_t *)arg)[0] =
			info.target | (uint32_t)info.lun << 8 | (uint32_t)info.path << 16;
		((uint32_t *)arg)[1] = 0;
		return 0;
	case BLKSSZGET:
	case BLKPBSZGET:
	case BLKBSZGET:
		*(uint32_t *)arg = info.block_size;
		return 0;
	case BLKGETSIZE:
		*(unsigned long *)arg = info.size / 512;
		return 0;
	case BLKGETSIZE64:
		*(uint64_t *)arg = info.size;
		return 0;
	case BLKROGET:
		*(int *)arg = info.read_only;
		return 0;
	default: /* BLKSECTGET: a character device answers in bytes */
		*(uint32_t *)arg = info.max_transfer;
		return 0;
	}
}

static const struct {
	unsigned request;		 /* as the kernel, which looks at no more of it */
	int (*run)(int unit, void *arg); /* NULL: info_get */
} requests[] = {
	{SG_IO, command_run},
	{SG_GET_VERSION_NUM, version_get},
	{SG_SET_TIMEOUT, timeout_set},
	{SG_GET_TIMEOUT, timeout_get},
	{SG_SET_RESERVED_SIZE, reserved_set},
	{SG_GET_RESERVED_SIZE, reserved_get},
	{SG_EMULATED_HOST, zero_get},
	{GET_BUS_NUMBER, zero_get},
	{SG_GET_SCSI_ID, NULL},
	{GET_IDLUN, NULL},
	{BLKSSZGET, NULL},
	{BLKPBSZGET, NULL},
	{BLKBSZGET, NULL},
	{BLKGETSIZE, NULL},
	{BLKGETSIZE64, NULL},
	{BLKROGET, NULL},
	{BLKSECTGET, NULL},
};

/* As ioctl() of a unit. */
static int unit_ioctl(int unit, unsigned request, void *arg)
{
	size_t n = 0;
	int result;

	while (n < sizeof(requests) / sizeof(requests[0]) && requests[n].request != request)
		n++;
	if (n == sizeof(requests) / sizeof(requests[0]))
		result = -ENOTTY;
	else if (!arg && request != SG_GET_TIMEOUT)
		result = -EFAULT;
	else if (requests[n].run)
		result = requests[n].run(unit, arg);
	else
		result = info_get(unit, request, arg);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

/* ---- what programs call ---- */

/* Looked for once. */
#define NEXT(name)                                                                                 \
	({                                                                                         \
		static __typeof__(&name) next;                                                     \
                                                                                                   \
		if (!next)                                                                         \
			next = next_find(#name);                                                   \
		next;                                                                              \
	})

static void *next_find(const char *name)
{
	void *next = dlsym(RTLD_NEXT, name);

	if (next)
		return next;
	fprintf(stderr, "dryport: no %s behind the library for /dev/dryport0\n", name);
	abort();
}

/* A number that is no ioctl of ours means what it always did; ours mean it on other files. */
EXPORT int ioctl(int fd, unsigned long request, ...)
{
	unsigned type = request >> 8 & 0xff;
	va_list ap;
	void *arg;
	int unit = -1, result;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (type == 0x22 || type == 0x53 || type == 0x12)
		unit = fd_unit(fd);
	if (unit >= 0)
		return unit_ioctl(unit, (unsigned)request, arg);
	result = NEXT(ioctl)(fd, request, arg);
	if (result < 0 && errno == EBADF && fd_unit(fd) >= 0)
		errno = ENOTTY;
	return result;
}

/* A unit that is there is a machine that answers. */
static int unit_open(int unit, int flags)
{
	char file[PATH_MAX];
	struct sg_info info;
	int err = info_ask(unit, &info);

	if (err == -ENXIO)
		err = -ENOENT; /* as a device without a file */
	if (!err && !unit_file(file, unit))
		err = -ENAMETOOLONG;
	if (!err)
		return NEXT(openat)(AT_FDCWD, file, O_PATH | (flags & O_CLOEXEC));
	errno = -err;
	return -1;
}

#define MODE_TAKE(mode, flags)                                                                     \
	mode_t mode = 0;                                                                           \
	if ((flags)&O_CREAT || ((flags)&O_TMPFILE) == O_TMPFILE) {                                 \
		va_list ap;                                                                        \
		va_start(ap, flags);                                                               \
		mode = va_arg(ap, mode_t);                                                         \
		va_end(ap);                                                                        \
	}

#define OPEN(name)                                                                                 \
	EXPORT int name(const char *path, int flags, ...)                                          \
	{                                                                                          \
		int unit = path_unit(path);                                                        \
		MODE_TAKE(mode, flags)                                                             \
		return unit >= 0 ? unit_open(unit, flags) : NEXT(name)(path, flags, mode);         \
	}
#define OPENAT(name)                                                                               \
	EXPORT int name(int folder, const char *path, int flags, ...)                              \
	{                                                                                          \
		int unit = path_unit(path);                                                        \
		MODE_TAKE(mode, flags)                                                             \
		return unit >= 0 ? unit_open(unit, flags) : NEXT(name)(folder, path, flags, mode); \
	}
/* What open() is where a program was compiled with _FORTIFY_SOURCE. */
#define OPEN_2(name)                                                                               \
	EXPORT int name(const char *path, int flags);                                              \
	EXPORT int name(const char *path, int flags)                                               \
	{                                                                                          \
		int unit = path_unit(path);                                                        \
                                                                                                   \
		return unit >= 0 ? unit_open(unit, flags) : NEXT(name)(path, flags);               \
	}
#define OPENAT_2(name)                                                                             \
	EXPORT int name(int folder, const char *path, int flags);                                  \
	EXPORT int name(int folder, const char *path, int flags)                                   \
	{                                                                                          \
		int unit = path_unit(path);                                                        \
                                                                                                   \
		return unit >= 0 ? unit_open(unit, flags) : NEXT(name)(folder, path, flags);       \
	}

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
OPEN_2(__open_2)
OPEN_2(__open64_2)
OPENAT_2(__openat_2)
OPENAT_2(__openat64_2)

/* ---- what a unit's file looks like ---- */

_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one structure by two names");

/* The unit's file becomes a character device. */
static int device_stat(int unit, struct stat *st, int result)
{
	if (result)
		return result;
	st->st_mode = S_IFCHR | 0600;
	st->st_rdev = makedev(SG_MAJOR, (unsigned)unit);
	return 0;
}

static int path_stat(int unit, struct stat *st)
{
	char file[PATH_MAX];

	if (unit_file(file, unit))
		return device_stat(unit, st, NEXT(fstatat)(AT_FDCWD, file, st, 0));
	errno = ENAMETOOLONG;
	return -1;
}

/* Of a handle: only files that look like a unit's are looked at twice. */
static int fd_stat(int fd, struct stat *st, int result)
{
	int unit = -1;

	if (!result && S_ISREG(st->st_mode) && !(st->st_mode & 07777) && !st->st_size)
		unit = fd_unit(fd);
	return unit >= 0 ? device_stat(unit, st, result) : result;
}

#define STAT(name, type)                                                                           \
	EXPORT int name(const char *path, struct type *st)                                         \
	{                                                                                          \
		int unit = path_unit(path);                                                        \
                                                                                                   \
		return unit >= 0 ? path_stat(unit, (struct stat *)st) : NEXT(name)(path, st);      \
	}
#define FSTAT(name, type)                                                                          \
	EXPORT int name(int fd, struct type *st)                                                   \
	{                                                                                          \
		return fd_stat(fd, (struct stat *)st, NEXT(name)(fd, st));                         \
	}
#define FSTATAT(name, type)                                                                        \
	EXPORT int name(int fd, const char *path, struct type *st, int flags)                      \
	{                                                                                          \
		int unit = path_unit(path), result;                                                \
                                                                                                   \
		if (unit >= 0)                                                                     \
			return path_stat(unit, (struct stat *)st);                                 \
		result = NEXT(name)(fd, path, st, flags);                                          \
		return flags & AT_EMPTY_PATH ? fd_stat(fd, (struct stat *)st, result) : result;    \
	}
/* The names that programs linked before glibc 2.33 call. */
#define XSTAT(name, type)                                                                          \
	EXPORT int name(int version, const char *path, struct type *st);                           \
	EXPORT int name(int version, const char *path, struct type *st)                            \
	{                                                                                          \
		int unit = path_unit(path);                                                        \
                                                                                                   \
		return unit >= 0 ? path_stat(unit, (struct stat *)st)                              \
				 : NEXT(name)(version, path, st);                                  \
	}
#define FXSTAT(name, type)                                                                         \
	EXPORT int name(int version, int fd, struct type *st);                                     \
	EXPORT int name(int version, int fd, struct type *st)                                      \
	{                                                                                          \
		return fd_stat(fd, (struct stat *)st, NEXT(name)(version, fd, st));                \
	}

STAT(stat, stat)
STAT(stat64, stat64)
STAT(lstat, stat)
STAT(lstat64, stat64)
FSTAT(fstat, stat)
FSTAT(fstat64, stat64)
FSTATAT(fstatat, stat)
FSTATAT(fstatat64, stat64)
XSTAT(__xstat, stat)
XSTAT(__xstat64, stat64)
XSTAT(__lxstat, stat)
XSTAT(__lxstat64, stat64)
FXSTAT(__fxstat, stat)
FXSTAT(__fxstat64, stat64)

EXPORT int statx(int fd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	int unit = path_unit(path), result;
	char file[PATH_MAX];

	if (unit >= 0 && unit_file(file, unit))
		path = file;
	result = NEXT(statx)(fd, path, flags, mask, stx);
	if (result || unit < 0)
		return result;
	stx->stx_mode = S_IFCHR | 0600;
	stx->stx_rdev_major = SG_MAJOR;
	stx->stx_rdev_minor = (unsigned)unit;
	return 0;
}

/* It may be read and written by whoever can see it. */
EXPORT int access(const char *path, int mode)
{
	int unit = path_unit(path);
	struct stat st;

	if (unit < 0)
		return NEXT(access)(path, mode);
	if (path_stat(unit, &st))
		return -1;
	errno = EACCES;
	return mode & X_OK ? -1 : 0;
}
