/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/mem/shared.c: what another process that has the file finds at a physical address. Where
 * that lies is QEMU's layout of a q35 machine: from 0 on, and what is above 4 GiB after the first
 * 2 GiB.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem/mem.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static void start(enum mem_policy policy, uint64_t size)
{
	struct mem_config config = {.policy = policy, .size = size, .seed = 7, .is_shared = true};

	assert_int_equal(mem_init(&config), 0);
}

/* What the other process sees there. */
static uint64_t seen_at(uint64_t physical)
{
	uint64_t value = 0;
	uint64_t offset = physical < 4 * GIB ? physical : physical - 2 * GIB;

	assert_int_equal(pread(mem_fd(), &value, sizeof(value), (off_t)offset), sizeof(value));
	return value;
}

static uint64_t mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uint64_t count = 0;
	int c;

	assert_non_null(maps);
	while ((c = getc(maps)) != EOF)
		count += c == '\n';
	fclose(maps);
	return count;
}

static void another_process_finds_each_page_at_its_physical_address(void **state)
{
	static const enum mem_policy policies[] = {MEM_CONTIGUOUS, MEM_SCATTERED, MEM_HIGH};

	for (size_t n = 0; n < array_size(policies); n++) {
		uint64_t *page[64];

		start(policies[n], 64 * MIB);
		for (unsigned i = 0; i < array_size(page); i++) {
			page[i] = mem_alloc(MEM_PAGE_SIZE, i % 2 ? MEM_LINEAR : 0, MEM_DATA, NULL);
			page[i][3] = 0x1234567800000000 + i;
		}
		for (unsigned i = 0; i < array_size(page); i++) {
			uint64_t physical = mem_physical(&page[i][3]);

			assert_int_equal(seen_at(physical), 0x1234567800000000 + i);
			assert_true(policies[n] == MEM_HIGH && i % 2 == 0 ? physical >= 4 * GIB
									  : physical < 2 * GIB);
			assert_true(physical < 2 * GIB ||
				    physical - 2 * GIB + MEM_PAGE_SIZE <= mem_fd_size());
			mem_free(page[i], MEM_PAGE_SIZE);
		}
		mem_fini();
	}
}

static void what_the_other_process_writes_is_here(void **state)
{
	uint64_t *block, value = 42;

	start(MEM_SCATTERED, 64 * MIB);
	block = mem_alloc(3 * MEM_PAGE_SIZE, 0, MEM_DATA, NULL);
	assert_int_equal(pwrite(mem_fd(), &value, sizeof(value),
				 (off_t)mem_physical(block + 2 * MEM_PAGE_SIZE / 8)),
		sizeof(value));
	assert_int_equal(block[2 * MEM_PAGE_SIZE / 8], 42);
	mem_free(block, 3 * MEM_PAGE_SIZE);
	mem_fini();
}

/* A machine of 2.75 GiB and more has the rest above 4 GiB: less would not be split. */
static void the_file_is_what_a_q35_machine_of_its_size_has(void **state)
{
	start(MEM_SCATTERED, 64 * MIB);
	assert_true(mem_fd_size() >= 64 * MIB && mem_fd_size() < 2 * GIB);
	assert_int_equal(mem_fd_size() % MIB, 0);
	assert_int_equal(lseek(mem_fd(), 0, SEEK_END), mem_fd_size());
	mem_fini();
	start(MEM_HIGH, 64 * MIB);
	assert_int_equal(mem_fd_size(), 3 * GIB);
	mem_fini();
}

static void large_memory_is_scattered_in_granules_a_process_has_room_for(void **state)
{
	uint64_t before = mappings(), after, runs = 0;
	char *base;

	start(MEM_HIGH, 1 * GIB);
	after = mappings();
	assert_true(after - before < 33000);
	/* 768 MiB of data pages: granules of eight, none beside the one that was beside it. */
	base = (char *)mem_base() + GIB / 4;
	for (uint64_t page = 1; page < 3 * GIB / 4 / MEM_PAGE_SIZE; page++)
		runs += mem_frame_number(base + page * MEM_PAGE_SIZE) !=
			mem_frame_number(base + (page - 1) * MEM_PAGE_SIZE) + 1;
	assert_int_equal(runs, 3 * GIB / 4 / MEM_PAGE_SIZE / 8 - 1);
	mem_fini();
}

static void a_drivers_variables_move_and_keep_what_they_hold(void **state)
{
	char *page = mmap(NULL, 2 * MEM_PAGE_SIZE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t word;

	memset(page, 0x5a, 2 * MEM_PAGE_SIZE);
	start(MEM_SCATTERED, 64 * MIB);
	assert_int_equal(mem_range_add(page, 2 * MEM_PAGE_SIZE, MEM_IMAGE, NULL), 0);
	for (unsigned n = 0; n < 2 * MEM_PAGE_SIZE; n++)
		assert_int_equal(page[n], 0x5a);
	memcpy(page + MEM_PAGE_SIZE, "variable", 8);
	word = seen_at(mem_physical(page + MEM_PAGE_SIZE));
	assert_memory_equal(&word, "variable", 8);
	mem_range_remove(page);
	mem_fini();
	munmap(page, 2 * MEM_PAGE_SIZE);
}

/* A child of fork() has a stack of its own. */
static void a_stack_stays_private(void **state)
{
	char *page = mmap(
		NULL, MEM_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	start(MEM_SCATTERED, 64 * MIB);
	assert_int_equal(mem_range_add(page, MEM_PAGE_SIZE, MEM_STACK, NULL), 0);
	memcpy(page, "of mine!", 8);
	assert_int_equal(seen_at(mem_physical(page)), 0);
	mem_range_remove(page);
	mem_fini();
	munmap(page, MEM_PAGE_SIZE);
}

static void shared_memory_is_nobodys_copy(void **state)
{
	struct mem_config config = {.is_private = true, .is_shared = true};

	assert_int_equal(mem_init(&config), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_process_finds_each_page_at_its_physical_address),
		cmocka_unit_test(what_the_other_process_writes_is_here),
		cmocka_unit_test(the_file_is_what_a_q35_machine_of_its_size_has),
		cmocka_unit_test(large_memory_is_scattered_in_granules_a_process_has_room_for),
		cmocka_unit_test(a_drivers_variables_move_and_keep_what_they_hold),
		cmocka_unit_test(a_stack_stays_private),
		cmocka_unit_test(shared_memory_is_nobodys_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
