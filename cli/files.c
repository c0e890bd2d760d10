/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Files and comparison for the main job: see files.h. Used by job.c. */
#include "files.h"
#include "miniport.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK	   4096u
#define CHUNK	   (1024 * 1024u)
#define FILE_BYTES (4 * 1024 * 1024) /* a larger one is left out: many files say more */

/* nftw has no argument for its callback. */
static struct {
	struct files *files;
	const char *target;
	size_t skip; /* of a path, up to what is made anew under target */
	uint64_t most;
	int error;
} gather;

static int file_copy(const char *from, const char *to, uint64_t bytes)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), out, err = 0;
	ssize_t n = 0;

	/* what this user may not read is left out */
	if (in < 0)
		return 0;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0) {
		err = -errno;
		goto out;
	}
	while (bytes && (n = sendfile(out, in, NULL, bytes)) > 0)
		bytes -= (uint64_t)n;
	if (n < 0)
		err = -errno;
	close(out);
out:
	close(in);
	return err;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	uint64_t cost = ((uint64_t)st->st_size + BLOCK - 1) / BLOCK * BLOCK + BLOCK;
	char to[PATH_MAX];

	if (snprintf(to, sizeof(to), "%s/%s", gather.target, path + gather.skip) >= PATH_MAX)
		return FTW_CONTINUE;
	if (type == FTW_D) {
		/* the build folder and .git are no files of the project */
		if (ftw->level == 1 &&
			(!strcmp(path + ftw->base, "build") || path[ftw->base] == '.'))
			return FTW_SKIP_SUBTREE;
		if (mkdir(to, 0755) < 0 && errno != EEXIST)
			gather.error = -errno;
	} else if (type == FTW_F && S_ISREG(st->st_mode) && st->st_size <= FILE_BYTES) {
		if (gather.files->bytes + cost > gather.most)
			return FTW_STOP;
		gather.error = file_copy(path, to, (uint64_t)st->st_size);
		gather.files->count++;
		gather.files->bytes += cost;
	}
	return gather.error ? FTW_STOP : FTW_CONTINUE;
}

int files_gather(struct files *files, const char *target, uint64_t most)
{
	char tree[PATH_MAX], *slash;
	const char *const place[] = {tree, "/usr/include", "/usr/share/doc", "/usr/share/perl"};
	unsigned n;

	*files = (struct files){0};
	if (mkdir(target, 0755) < 0)
		return -errno;
	tree_path(tree, "");
	tree[strlen(tree) - 1] = 0;
	gather.files = files;
	gather.target = target;
	gather.most = most;
	gather.error = 0;
	for (n = 0; n < sizeof(place) / sizeof(place[0]) && !gather.error; n++) {
		slash = strrchr(place[n], '/');
		gather.skip = (size_t)(slash + 1 - place[n]);
		nftw(place[n], visit, 16, FTW_PHYS | FTW_ACTIONRETVAL);
	}
	return gather.error;
}

/* ---- comparison ---- */

/* Reads until the buffer is full or the file ends. */
static ssize_t chunk_read(int fd, uint8_t *buffer)
{
	size_t got = 0;
	ssize_t n;

	while (got < CHUNK) {
		n = read(fd, buffer + got, CHUNK - got);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static int difference(
	const uint8_t *a, const uint8_t *b, uint64_t offset, char *detail, size_t size)
{
	unsigned n = 0;

	while (a[n] == b[n])
		n++;
	snprintf(detail, size,
		"the first wrong byte is %" PRIu64 " (byte %u of block %" PRIu64
		" of 512): 0x%02x where 0x%02x was written",
		offset + n, (unsigned)((offset + n) % 512), (offset + n) / 512, b[n], a[n]);
	return -EILSEQ;
}

static int compare(int image, int copy, uint8_t *a, uint8_t *b, char *detail, size_t size)
{
	uint64_t offset = 0;
	ssize_t n, m;

	for (;; offset += (uint64_t)n) {
		n = chunk_read(image, a);
		m = chunk_read(copy, b);
		if (n < 0 || m < 0)
			return (int)(n < 0 ? n : m);
		if (memcmp(a, b, (size_t)(n < m ? n : m)))
			return difference(a, b, offset, detail, size);
		if (n != m) {
			snprintf(detail, size, "the copy has %s bytes", m < n ? "fewer" : "more");
			return -EILSEQ;
		}
		if (n == 0)
			return 0;
	}
}

int files_compare(const char *image, const char *copy, char *detail, size_t size)
{
	int fd[2] = {open(image, O_RDONLY | O_CLOEXEC), open(copy, O_RDONLY | O_CLOEXEC)};
	uint8_t *buffer = malloc(2 * CHUNK);
	int err = -EIO;

	if (buffer && fd[0] >= 0 && fd[1] >= 0)
		err = compare(fd[0], fd[1], buffer, buffer + CHUNK, detail, size);
	if (err && err != -EILSEQ)
		snprintf(detail, size, "%s, %s: %s", image, copy, strerror(-err));
	free(buffer);
	if (fd[0] >= 0)
		close(fd[0]);
	if (fd[1] >= 0)
		close(fd[1]);
	return err;
}
