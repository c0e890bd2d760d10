/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Memory that another process has too and finds by physical address (mem_config.is_shared): each
 * page is mapped from where its frame number puts it in the file, neighbours with consecutive ones
 * together. Neighbours: frames.c numbers the frames, ram.c and range.c ask for mappings.
 */
#include "mem/space.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPLIT_SIZE (3ull << 30) /* a q35 machine of so much RAM has the rest above 4 GiB */
#define MIB	   (1ull << 20)

bool mem_is_shared(void)
{
	return mem_space.is_shared;
}

uint64_t mem_fd_offset(uint64_t physical)
{
	return physical < MEM_4GIB ? physical : physical - MEM_4GIB + MEM_SHARED_HOLE;
}

uint64_t mem_fd_size(void)
{
	const struct mem_span *high = &mem_index.high, *last = high->count ? high : &mem_index.low;
	uint64_t end = mem_fd_offset((last->first + last->count) << MEM_PAGE_SHIFT);

	return round_up(high->count ? max_of(end, SPLIT_SIZE) : end, MIB);
}

/* How many pages from `place` on lie side by side in the file. */
static uint64_t run_length(uint64_t place, uint64_t most)
{
	uint64_t n = 1;

	while (n < most && mem_index.frame_of[place + n] == mem_index.frame_of[place] + n)
		n++;
	return n;
}

/* By the kernel alone: a driver's variables have red zones between them, and keep those. */
static int contents_move(char *at, uint64_t bytes, uint64_t offset)
{
	for (uint64_t done = 0; done < bytes;) {
		long n =
			syscall(SYS_pwrite64, mem_space.fd, at + done, bytes - done, offset + done);

		if (n <= 0)
			return n ? -errno : -EIO;
		done += (uint64_t)n;
	}
	return 0;
}

static int map_run(char *at, uint64_t bytes, uint64_t physical, bool is_moved)
{
	uint64_t offset = mem_fd_offset(physical);
	int err = is_moved ? contents_move(at, bytes, offset) : 0;

	if (err)
		return err;
	return syscall(SYS_mmap, at, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_NORESERVE | MAP_FIXED, mem_space.fd, offset) == -1
		       ? -errno
		       : 0;
}

static int map(char *base, uint64_t place, uint64_t pages, bool is_moved)
{
	for (uint64_t n = 0, run; n < pages; n += run) {
		int err;

		run = run_length(place + n, pages - n);
		err = map_run(base + (n << MEM_PAGE_SHIFT), run << MEM_PAGE_SHIFT,
			(uint64_t)mem_index.frame_of[place + n] << MEM_PAGE_SHIFT, is_moved);
		if (err)
			return err;
	}
	return 0;
}

int mem_shared_map(char *base, uint64_t place, uint64_t pages)
{
	return map(base, place, pages, false);
}

int mem_shared_move(char *base, uint64_t place, uint64_t pages)
{
	return map(base, place, pages, true);
}
