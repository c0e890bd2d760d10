/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/mem/ram.c: the mapping and its pages.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem/mem.h"
#include "util/error.h"

#define MIB (1ull << 20)

#ifdef DRY_ASAN
extern int __asan_address_is_poisoned(void const volatile *address);
#define is_poisoned(p) __asan_address_is_poisoned(p)
#endif

static const struct mem_config small = {.policy = MEM_SCATTERED, .size = 64 * MIB, .seed = 1};

static int start(void **state)
{
	return mem_init(&small);
}

static int stop(void **state)
{
	mem_fini();
	return 0;
}

static void size_0_means_256_mib(void **state)
{
	struct mem_config config = {.policy = MEM_CONTIGUOUS};

	assert_int_equal(mem_init(&config), 0);
	assert_true(mem_size() == 256 * MIB);
	mem_fini();
	assert_null(mem_base());
	assert_int_equal(mem_fd(), -1);
}

static void sizes_that_are_no_whole_pages_or_out_of_range_are_refused(void **state)
{
	static const uint64_t wrong[] = {
		1, 4096, MIB - 4096, MIB + 1, (64ull << 30) + 4096, ~0ull << 12};

	for (size_t i = 0; i < array_size(wrong); i++) {
		struct mem_config config = {.size = wrong[i]};

		assert_int_equal(mem_init(&config), -EINVAL);
		assert_null(mem_base());
	}
}

static void second_machine_is_refused_while_one_lives(void **state)
{
	assert_int_equal(mem_init(&small), -EBUSY);
	assert_non_null(mem_base());
}

static void base_is_the_same_in_every_run(void **state)
{
	void *base = mem_base();

	mem_fini();
	assert_int_equal(mem_init(&small), 0);
	assert_ptr_equal(mem_base(), base);
}

static void taken_addresses_give_an_error_and_stay_untouched(void **state)
{
	char *base = mem_base(), *mine;

	mem_fini();
	mine = mmap(base + 8 * MIB, 4096, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(mine, base + 8 * MIB);
	*mine = 42;
	assert_int_equal(mem_init(&small), -EEXIST);
	assert_non_null(strstr(error_text(), "RAM"));
	assert_null(mem_base());
	assert_int_equal(*mine, 42);
	munmap(mine, 4096);
	assert_int_equal(mem_init(&small), 0);
}

static void fd_shares_the_bytes(void **state)
{
	char *block = mem_alloc(4096, 0, MEM_DATA, NULL), seen[8];

	memcpy(block + 100, "dryport", 8);
	assert_int_equal(pread(mem_fd(), seen, 8, block + 100 - (char *)mem_base()), 8);
	assert_string_equal(seen, "dryport");
	mem_free(block, 4096);
}

static void alloc_records_kind_and_owner_and_free_takes_them_back(void **state)
{
	int owner = 0;
	char *block = mem_alloc(4097, 0, MEM_POOL, &owner);
	uint64_t at;

	assert_non_null(block);
	assert_true(((uintptr_t)block & MEM_PAGE_MASK) == 0);
	assert_false(mem_ram_data_page(block, &at));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mem_owner(block + i * 4096)->kind, MEM_POOL);
		assert_ptr_equal(mem_owner(block + i * 4096)->owner, &owner);
		assert_ptr_equal(mem_owner(block + i * 4096 + 5)->host, block + i * 4096);
	}
	assert_int_equal(mem_owner(block + 8192)->kind, MEM_FREE);
	mem_free(block, 4097);
	assert_int_equal(mem_owner(block)->kind, MEM_FREE);
	assert_null(mem_owner(block)->owner);
	block = mem_alloc(8192, 0, MEM_DATA, NULL);
	assert_true(mem_ram_data_page(block, &at));
	assert_int_equal(at, mem_physical(block));
	assert_true(mem_ram_data_page(block + 8191, &at));
	assert_int_equal(at, mem_physical(block + 4096));
	assert_false(mem_ram_data_page(&owner, &at) || mem_ram_data_page(NULL, &at));
	mem_free(block, 8192);
	assert_false(mem_ram_data_page(block, &at));
}

static void ranges_do_not_overlap_and_freed_ones_come_back(void **state)
{
	uint64_t data = 32 * MIB;
	char *blocks[64];

	for (int i = 0; i < 64; i++) {
		blocks[i] = mem_alloc(data / 64, 0, MEM_DATA, NULL);
		assert_non_null(blocks[i]);
		memset(blocks[i], i, data / 64);
	}
	assert_null(mem_alloc(4096, 0, MEM_DATA, NULL));
	for (int i = 0; i < 64; i++) {
		for (uint64_t at = 0; at < data / 64; at += 509)
			assert_int_equal(blocks[i][at], i);
	}
	/* a hole of two neighbours is one range again */
	mem_free(blocks[10], data / 64);
	mem_free(blocks[11], data / 64);
	assert_null(mem_alloc(data / 64 * 2 + 1, 0, MEM_DATA, NULL));
	assert_ptr_equal(
		mem_alloc(data / 64 * 2, 0, MEM_DATA, NULL), min_of(blocks[10], blocks[11]));
}

static void impossible_lengths_give_null(void **state)
{
	assert_null(mem_alloc(0, 0, MEM_DATA, NULL));
	assert_null(mem_alloc(~0ull, 0, MEM_DATA, NULL));
	assert_null(mem_alloc(mem_size() + 1, 0, MEM_DATA, NULL));
	assert_null(mem_alloc(mem_size(), 0, MEM_DATA, NULL));
}

static void linear_allocations_are_physically_contiguous(void **state)
{
	char *block;

	mem_alloc(4096, MEM_LINEAR, MEM_EXTENSION, NULL);
	block = mem_alloc(1 * MIB, MEM_LINEAR, MEM_COMMON, NULL);
	for (uint64_t at = 0; at < MIB; at += 4096)
		assert_true(mem_physical(block + at) == mem_physical(block) + at);
	assert_true(mem_physical(block) + MIB <= MEM_4GIB);
}

static void fini_counts_the_pages_that_are_left(void **state)
{
	assert_true(mem_fini() == 0);
	assert_int_equal(mem_init(&small), 0);
	mem_alloc(4096 * 3, 0, MEM_DATA, NULL);
	mem_alloc(1, MEM_LINEAR, MEM_DATA, NULL);
	assert_true(mem_fini() == 4);
}

/* Runs fn in a child; the first line of its stderr, and its wait status. */
static int status_of(void (*fn)(char *block), char *block, char *line, int size)
{
	int fds[2], status;
	pid_t child;
	ssize_t got;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (!child) {
		signal(SIGABRT, SIG_DFL);
		dup2(fds[1], 2);
		fn(block);
		_exit(0);
	}
	close(fds[1]);
	got = read(fds[0], line, size - 1);
	line[got > 0 ? got : 0] = 0;
	close(fds[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* The next machine's records know nothing of it. */
static void at_the_end_what_is_given_back_is_counted_only(void **state)
{
	char *given = mem_alloc(2 * MEM_PAGE_SIZE, 0, MEM_DATA, &small);
	char *left = mem_alloc(3 * MEM_PAGE_SIZE, 0, MEM_DATA, &small);

	mem_end();
	mem_free(given, 2 * MEM_PAGE_SIZE);
	assert_int_equal(mem_owner(given)->kind, MEM_DATA);
	assert_ptr_equal(mem_owner(left)->owner, &small);
	assert_int_equal(mem_fini(), 3);
	assert_int_equal(mem_init(&small), 0);
	assert_int_equal(mem_owner(given)->kind, MEM_FREE);
	given = mem_alloc(2 * MEM_PAGE_SIZE, 0, MEM_DATA, NULL);
	assert_int_equal(mem_owner(given)->kind, MEM_DATA);
	mem_free(given, 2 * MEM_PAGE_SIZE);
	assert_int_equal(mem_owner(given)->kind, MEM_FREE);
	assert_int_equal(mem_fini(), 0);
}

static void free_wrong_length(char *block)
{
	mem_free(block, 4096);
}

static void free_inside(char *block)
{
	mem_free(block + 4096, 4096);
}

static void free_twice(char *block)
{
	mem_free(block, 8192);
	mem_free(block, 8192);
}

static void free_foreign(char *block)
{
	mem_free(&block, 8192);
}

static void free_of_what_was_not_allocated_so_aborts_with_a_message(void **state)
{
	void (*const wrong[])(char *) = {free_wrong_length, free_inside, free_twice, free_foreign};
	char *block = mem_alloc(8192, 0, MEM_DATA, NULL);

	for (size_t i = 0; i < array_size(wrong); i++) {
		char line[200];
		int status = status_of(wrong[i], block, line, sizeof(line));

		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		assert_non_null(strstr(line, "dryport: mem_free("));
	}
}

#ifdef DRY_ASAN
static void asan_sees_free_ram_as_poisoned(void **state)
{
	char *block = mem_alloc(8192, 0, MEM_DATA, NULL);

	assert_false(is_poisoned(block));
	assert_false(is_poisoned(block + 8191));
	assert_true(is_poisoned(block + 8192));
	assert_int_equal((unsigned char)block[77], 0xA5);
	mem_free(block, 8192);
	assert_true(is_poisoned(block + 5));
}
#endif

static void bounded_allocations_lie_within_their_bounds(void **state)
{
	/* 64 MiB of RAM begin at 1 MiB; the first 32 are the linear zone. */
	char *low = mem_alloc_bounds(4096, 0, 2 * MIB - 1, 0, MEM_COMMON, NULL);
	char *high = mem_alloc_bounds(MIB, 32 * MIB, UINT64_MAX, 0, MEM_COMMON, state);
	char *between =
		mem_alloc_bounds(3 * 4096, 8 * MIB - 4096, 9 * MIB, 16384, MEM_COMMON, NULL);

	assert_true(mem_physical(low) == MIB);
	assert_true(mem_physical(high) == 32 * MIB);
	assert_ptr_equal(mem_owner(high + MIB - 1)->owner, state);
	assert_true(mem_physical(between) == 8 * MIB);
	/* the last MiB of the zone is taken */
	assert_null(mem_alloc_bounds(4096, 32 * MIB, UINT64_MAX, 0, MEM_COMMON, NULL));
	assert_null(mem_alloc_bounds(4096, 33 * MIB, UINT64_MAX, 0, MEM_COMMON, NULL));
	assert_null(mem_alloc_bounds(4096, 0, MIB - 1, 0, MEM_COMMON, NULL));
	assert_null(mem_alloc_bounds(4096, 0, MIB + 4094, 0, MEM_COMMON, NULL));
	assert_null(mem_alloc_bounds(4096, 5, 4, 0, MEM_COMMON, NULL));
	assert_null(mem_alloc_bounds(8193, 0, UINT64_MAX, 8192, MEM_COMMON, NULL));
	assert_null(mem_alloc_bounds(0, 0, UINT64_MAX, 0, MEM_COMMON, NULL));
	assert_null(mem_alloc_bounds(UINT64_MAX, 0, UINT64_MAX, 0, MEM_COMMON, NULL));
	mem_free(low, 4096);
	mem_free(high, MIB);
	mem_free(between, 3 * 4096);
	/* A boundary of a page or less is met by every page. */
	low = mem_alloc_bounds(64, 0, UINT64_MAX, 64, MEM_COMMON, NULL);
	assert_true(mem_physical(low) == MIB);
	mem_free(low, 64);
	assert_int_equal(mem_fini(), 0);
	start(state);
}

#define with_ram(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_0_means_256_mib),
		cmocka_unit_test(sizes_that_are_no_whole_pages_or_out_of_range_are_refused),
		with_ram(second_machine_is_refused_while_one_lives),
		with_ram(base_is_the_same_in_every_run),
		with_ram(taken_addresses_give_an_error_and_stay_untouched),
		with_ram(fd_shares_the_bytes),
		with_ram(alloc_records_kind_and_owner_and_free_takes_them_back),
		with_ram(ranges_do_not_overlap_and_freed_ones_come_back),
		with_ram(impossible_lengths_give_null),
		with_ram(linear_allocations_are_physically_contiguous),
		with_ram(bounded_allocations_lie_within_their_bounds),
		with_ram(fini_counts_the_pages_that_are_left),
		with_ram(at_the_end_what_is_given_back_is_counted_only),
		with_ram(free_of_what_was_not_allocated_so_aborts_with_a_message),
#ifdef DRY_ASAN
		with_ram(asan_sees_free_ram_as_poisoned),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
