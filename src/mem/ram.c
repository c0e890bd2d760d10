/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * RAM: its mapping and its two zones of pages. Frame numbers: frames.c; memory outside RAM:
 * range.c.
 */
#include "mem/space.h"
#include "util/error.h"
#include "util/layout.h"
#include "util/sanitizer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RAM_BASE    ((char *)LAYOUT_RAM)
#define RAM_DEFAULT (256ull << 20)
#define RAM_SHARED  (128ull << 20)
#define RAM_MIN	    (1ull << 20)
#define RAM_MAX	    (64ull << 30)
#define LINEAR_MIN  (32ull << 20)
#define LINEAR_MAX  (1ull << 30)
#if defined(DRY_ASAN) || !defined(__OPTIMIZE__)
#define FILL_ON_ALLOC 1
#else
#define FILL_ON_ALLOC 0
#endif

struct mem_space mem_space;
struct mem_index mem_index;

/* kinds of memory that is filled when it is allocated, a bit each */
static uint32_t filled_kinds = FILL_ON_ALLOC ? ~0u : 0;
static uint8_t fill_byte = 0xA5;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t *used;	    /* bit per page of RAM */
static uint32_t *run_pages; /* at the first page of an allocation: its length, else 0 */
static uint64_t used_pages;

void mem_fill_set(uint8_t byte)
{
	filled_kinds = 1u << MEM_EXTENSION | 1u << MEM_COMMON;
	fill_byte = byte;
}

uint8_t mem_fill_byte(void)
{
	return fill_byte;
}

static int ram_map(uint64_t size, bool is_private)
{
	uint64_t file = mem_space.is_shared ? mem_fd_size() : size;
	int fd = memfd_create("dryport-ram", MFD_CLOEXEC);
	char *base;

	if (fd < 0)
		return error_set(errno, "memfd_create: %s", strerror(errno));
	if (ftruncate(fd, file)) {
		int err = errno;

		close(fd);
		return error_set(err, "%lu MiB of RAM: %s", (long)(file >> 20), strerror(err));
	}
	/* Shared, this takes the addresses, and mem_shared_map fills them. */
	base = mmap(RAM_BASE, size, mem_space.is_shared ? PROT_NONE : PROT_READ | PROT_WRITE,
		(is_private ? MAP_PRIVATE : MAP_SHARED) | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd,
		0);
	if (base != RAM_BASE) {
		int err = base == MAP_FAILED ? errno : EEXIST;

		if (base != MAP_FAILED)
			munmap(base, size);
		close(fd);
		return error_set(
			err, "RAM cannot be mapped at %p: %s", (void *)RAM_BASE, strerror(err));
	}
	mem_index.base = base;
	mem_index.size = size;
	mem_space.fd = fd;
	return mem_space.is_shared && mem_shared_map(base, 0, mem_space.ram_pages)
		       ? error_set(errno, "RAM cannot be mapped page by page: %s.", strerror(errno))
		       : 0;
}

static void ram_unmap(void)
{
	free(mem_index.frame_of);
	free(mem_index.data_at);
	free(mem_index.record);
	free(used);
	free(run_pages);
	if (mem_index.base) {
		sanitizer_unpoison(mem_index.base, mem_index.size);
		munmap(mem_index.base, mem_index.size);
		close(mem_space.fd);
	}
	mem_space = (struct mem_space){0};
	mem_index = (struct mem_index){0};
	used = NULL;
	run_pages = NULL;
	used_pages = 0;
}

static int tables_alloc(void)
{
	mem_index.frame_of = calloc(mem_space.places, sizeof(*mem_index.frame_of));
	mem_index.data_at = calloc(mem_space.places, sizeof(*mem_index.data_at));
	mem_index.record = aligned_alloc(
		_Alignof(struct mem_frame), mem_space.places * sizeof(*mem_index.record));
	used = calloc((mem_space.ram_pages + 63) / 64, sizeof(*used));
	run_pages = calloc(mem_space.ram_pages, sizeof(*run_pages));
	if (!mem_index.frame_of || !mem_index.data_at || !mem_index.record || !used || !run_pages)
		return error_set(ENOMEM, "no memory for the table of page frames");
	memset(mem_index.record, 0, mem_space.places * sizeof(*mem_index.record));
	return 0;
}

static uint64_t linear_size(uint64_t size)
{
	uint64_t linear = min_of(max_of(size / 4, LINEAR_MIN), LINEAR_MAX);

	return round_down(min_of(linear, size / 2), MEM_PAGE_SIZE);
}

int mem_init(const struct mem_config *config)
{
	uint64_t size = config->size ? config->size : config->is_shared ? RAM_SHARED : RAM_DEFAULT;
	int err;

	if (mem_index.base)
		return error_set(EBUSY, "a machine is live in this process already");
	if (size & MEM_PAGE_MASK || size < RAM_MIN || size > RAM_MAX)
		return error_set(EINVAL, "RAM of %lu bytes: must be whole pages, 1 MiB to 64 GiB",
			(long)size);
	if ((unsigned)config->policy > MEM_HIGH || (config->is_private && config->is_shared))
		return error_set(EINVAL, "no memory policy %u", config->policy);
	sanitizer_init();
	mem_space.is_shared = config->is_shared;
	mem_space.ram_pages = size >> MEM_PAGE_SHIFT;
	mem_space.linear_pages = linear_size(size) >> MEM_PAGE_SHIFT;
	mem_space.places = mem_space.ram_pages + MEM_SPARE_PLACES;
	err = tables_alloc();
	if (!err) {
		mem_frames_draw(config->policy, config->seed);
		err = ram_map(size, config->is_private);
	}
	if (err) {
		ram_unmap();
		return err;
	}
	for (uint64_t page = 0; page < mem_space.ram_pages; page++)
		mem_frame_at(mem_index.frame_of[page])->host =
			mem_index.base + (page << MEM_PAGE_SHIFT);
	mem_places_assign(0, mem_space.ram_pages, MEM_FREE, NULL);
	sanitizer_poison(mem_index.base, size);
	mem_range_init();
	return 0;
}

uint64_t mem_fini(void)
{
	uint64_t left = used_pages;

	mem_range_fini();
	ram_unmap();
	return left;
}

/* Takes what run_take found; lock held. */
static void *run_claim(uint64_t page, uint64_t pages, enum mem_kind kind, const void *owner)
{
	if (page == MEM_NO_ADDRESS)
		return NULL;
	run_pages[page] = pages;
	used_pages += pages;
	mem_places_assign(page, pages, kind, owner);
	return mem_index.base + (page << MEM_PAGE_SHIFT);
}

static void *run_prepare(void *va, uint64_t pages, enum mem_kind kind)
{
	if (!va)
		return NULL;
	sanitizer_unpoison(va, pages << MEM_PAGE_SHIFT);
	if (filled_kinds >> kind & 1)
		memset(va, fill_byte, pages << MEM_PAGE_SHIFT);
	return va;
}

void *mem_alloc(uint64_t bytes, unsigned flags, enum mem_kind kind, const void *owner)
{
	uint64_t first = flags & MEM_LINEAR ? 0 : mem_space.linear_pages;
	uint64_t end = flags & MEM_LINEAR ? mem_space.linear_pages : mem_space.ram_pages;
	uint64_t pages;
	void *va;

	if (!bytes || bytes > mem_index.size)
		return NULL;
	pages = round_up(bytes, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT;
	pthread_mutex_lock(&lock);
	va = run_claim(mem_run_take(used, first, end, pages), pages, kind, owner);
	pthread_mutex_unlock(&lock);
	return run_prepare(va, pages, kind);
}

/* A run of the linear zone in [first, end) that crosses no multiple of window, in frame numbers;
 * frame is that of page 0. lock held. */
static uint64_t run_take_windowed(
	uint64_t frame, uint64_t first, uint64_t end, uint64_t window, uint64_t pages)
{
	while (first < end) {
		uint64_t next = ((frame + first) / window + 1) * window - frame;
		uint64_t page = mem_run_take(used, first, min_of(next, end), pages);

		if (page != MEM_NO_ADDRESS)
			return page;
		first = next;
	}
	return MEM_NO_ADDRESS;
}

void *mem_alloc_bounds(uint64_t bytes, uint64_t lowest, uint64_t highest, uint64_t boundary,
	enum mem_kind kind, const void *owner)
{
	uint64_t frame = mem_space.linear_pages ? mem_index.frame_of[0] : 0;
	uint64_t first = 0, end = mem_space.linear_pages, window, pages, low, high;
	void *va;

	if (!bytes || bytes > mem_index.size || lowest > highest || (boundary && bytes > boundary))
		return NULL;
	pages = round_up(bytes, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT;
	/* A page that is only partly within the bounds is not taken. */
	low = (lowest >> MEM_PAGE_SHIFT) + ((lowest & MEM_PAGE_MASK) != 0);
	high = (highest >> MEM_PAGE_SHIFT) + ((highest & MEM_PAGE_MASK) == MEM_PAGE_MASK);
	if (low > frame)
		first = min_of(low - frame, end);
	end = high > frame ? min_of(high - frame, end) : 0;
	window = boundary > MEM_PAGE_SIZE ? boundary >> MEM_PAGE_SHIFT : 0;
	pthread_mutex_lock(&lock);
	va = run_claim(window ? run_take_windowed(frame, first, end, window, pages)
			      : mem_run_take(used, first, end, pages),
		pages, kind, owner);
	pthread_mutex_unlock(&lock);
	return run_prepare(va, pages, kind);
}

void mem_free(void *va, uint64_t bytes)
{
	uint64_t offset = (uintptr_t)va - (uintptr_t)mem_index.base,
		 page = offset >> MEM_PAGE_SHIFT;
	uint64_t pages = round_up(bytes, MEM_PAGE_SIZE) >> MEM_PAGE_SHIFT;
	bool is_ours = offset < mem_index.size && !(offset & MEM_PAGE_MASK) && pages;

	pthread_mutex_lock(&lock);
	if (!is_ours || run_pages[page] != pages) {
		fprintf(stderr, "dryport: mem_free(%p, %lu): not a range that mem_alloc gave\n", va,
			(unsigned long)bytes);
		abort();
	}
	sanitizer_poison(va, pages << MEM_PAGE_SHIFT);
	run_pages[page] = 0;
	used_pages -= pages;
	mem_places_assign(page, pages, MEM_FREE, NULL);
	mem_run_give(used, page, pages);
	pthread_mutex_unlock(&lock);
}

void *mem_base(void)
{
	return mem_index.base;
}

uint64_t mem_size(void)
{
	return mem_index.size;
}

int mem_fd(void)
{
	return mem_index.base ? mem_space.fd : -1;
}
