/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/mem/frames.c: which frame numbers pages bear under each policy, and the look-ups.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "mem/mem.h"

#define MIB (1ull << 20)

static const enum mem_policy policies[] = {MEM_CONTIGUOUS, MEM_SCATTERED, MEM_HIGH};

static void start(enum mem_policy policy, uint64_t size, uint64_t seed)
{
	struct mem_config config = {.policy = policy, .size = size, .seed = seed};

	assert_int_equal(mem_init(&config), 0);
}

static char *page_at(uint64_t page)
{
	return (char *)mem_base() + page * MEM_PAGE_SIZE;
}

static uint64_t pages_all(void)
{
	return mem_size() / MEM_PAGE_SIZE;
}

/* The zone's size is a documented number: a quarter of RAM, 32 MiB at least, half at most. */
static uint64_t pages_linear(uint64_t size)
{
	uint64_t linear = size / 4 > 32 * MIB ? size / 4 : 32 * MIB;

	return (linear > size / 2 ? size / 2 : linear) / MEM_PAGE_SIZE;
}

static bool are_adjacent(uint64_t page)
{
	int64_t step = mem_frame_number(page_at(page + 1)) - mem_frame_number(page_at(page));

	return step == 1 || step == -1;
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void linear_zone_is_consecutive_and_low_under_every_policy(void **state)
{
	for (size_t i = 0; i < array_size(policies); i++) {
		start(policies[i], 256 * MIB, 1);
		for (uint64_t page = 0; page + 1 < pages_linear(256 * MIB); page++)
			assert_true(mem_frame_number(page_at(page + 1)) ==
				    mem_frame_number(page_at(page)) + 1);
		assert_true(mem_physical(page_at(pages_linear(256 * MIB) - 1)) < MEM_4GIB);
		assert_true(mem_alloc(64 * MIB, MEM_LINEAR, MEM_COMMON, NULL) != NULL);
		assert_null(mem_alloc(1, MEM_LINEAR, MEM_COMMON, NULL));
		mem_free(mem_base(), 64 * MIB);
		assert_true(mem_fini() == 0);
	}
}

static void every_frame_is_used_once_under_every_policy(void **state)
{
	for (size_t i = 0; i < array_size(policies); i++) {
		uint64_t *numbers, count;

		start(policies[i], 256 * MIB, 2);
		count = pages_all();
		numbers = malloc(count * sizeof(*numbers));
		for (uint64_t page = 0; page < count; page++)
			numbers[page] = mem_frame_number(page_at(page));
		qsort(numbers, count, sizeof(*numbers), compare_numbers);
		for (uint64_t page = 0; page + 1 < count; page++)
			assert_true(numbers[page] < numbers[page + 1]);
		/* and the frame numbers in use are as few as there are pages: no gap within a span
		 */
		for (uint64_t page = 0; page + 1 < count; page++) {
			if (numbers[page + 1] != numbers[page] + 1)
				assert_true(numbers[page + 1] == MEM_4GIB / MEM_PAGE_SIZE);
		}
		assert_true(numbers[0] > 0);
		free(numbers);
		mem_fini();
	}
}

static void contiguous_data_pages_follow_one_another(void **state)
{
	start(MEM_CONTIGUOUS, 256 * MIB, 0);
	for (uint64_t page = 0; page + 1 < pages_all(); page++)
		assert_true(
			mem_frame_number(page_at(page + 1)) == mem_frame_number(page_at(page)) + 1);
	assert_true(mem_physical(page_at(pages_all() - 1)) < MEM_4GIB);
	mem_fini();
}

static void scattered_neighbours_are_never_physical_neighbours(void **state)
{
	static const uint64_t sizes[] = {MIB, 64 * MIB, 256 * MIB};

	for (uint64_t seed = 0; seed < 24; seed++) {
		uint64_t size = sizes[seed % array_size(sizes)];

		start(seed & 1 ? MEM_SCATTERED : MEM_HIGH, size, seed);
		for (uint64_t page = pages_linear(size); page + 1 < pages_all(); page++)
			assert_false(are_adjacent(page));
		mem_fini();
	}
}

static void scattered_data_lies_below_4_gib_and_high_data_above(void **state)
{
	start(MEM_SCATTERED, 256 * MIB, 3);
	for (uint64_t page = 0; page < pages_all(); page++)
		assert_true(mem_physical(page_at(page)) < MEM_HOLE);
	mem_fini();
	start(MEM_HIGH, 256 * MIB, 3);
	for (uint64_t page = pages_linear(256 * MIB); page < pages_all(); page++)
		assert_true(mem_physical(page_at(page)) >= MEM_4GIB);
	mem_fini();
}

static void permutation_is_the_same_for_a_seed_and_another_for_another(void **state)
{
	uint64_t first[64], same = 0;
	uint64_t data = pages_linear(64 * MIB);

	start(MEM_SCATTERED, 64 * MIB, 7);
	for (int i = 0; i < 64; i++)
		first[i] = mem_frame_number(page_at(data + i));
	mem_fini();
	start(MEM_SCATTERED, 64 * MIB, 7);
	for (int i = 0; i < 64; i++)
		assert_true(mem_frame_number(page_at(data + i)) == first[i]);
	mem_fini();
	start(MEM_SCATTERED, 64 * MIB, 8);
	for (int i = 0; i < 64; i++)
		same += mem_frame_number(page_at(data + i)) == first[i];
	mem_fini();
	assert_true(same < 8);
}

static void ram_larger_than_the_hole_allows_goes_on_at_4_gib(void **state)
{
	uint64_t last;

	start(MEM_CONTIGUOUS, 4096 * MIB, 0);
	last = pages_all() - 1;
	for (uint64_t page = 0; page <= last; page++) {
		uint64_t physical = mem_physical(page_at(page));

		assert_true(physical < MEM_HOLE || physical >= MEM_4GIB);
	}
	assert_true(mem_physical(page_at(last)) >= MEM_4GIB);
	assert_ptr_equal(mem_host(mem_physical(page_at(last)) + 17), page_at(last) + 17);
	assert_null(mem_host(MEM_HOLE));
	assert_null(mem_host(MEM_4GIB - 1));
	mem_fini();
}

static void physical_address_leads_back_to_the_byte(void **state)
{
	for (size_t i = 0; i < array_size(policies); i++) {
		start(policies[i], 64 * MIB, 5);
		for (uint64_t offset = 0; offset < mem_size(); offset += 12347) {
			char *byte = (char *)mem_base() + offset;
			uint64_t physical = mem_physical(byte);

			assert_true(physical % MEM_PAGE_SIZE == (uintptr_t)byte % MEM_PAGE_SIZE);
			assert_true(physical / MEM_PAGE_SIZE == mem_frame_number(byte));
			assert_ptr_equal(mem_host(physical), byte);
		}
		mem_fini();
	}
}

static void what_is_not_memory_has_no_address_and_no_host(void **state)
{
	int local = 0;

	start(MEM_SCATTERED, 64 * MIB, 5);
	assert_true(mem_physical(&local) == MEM_NO_ADDRESS);
	assert_true(mem_physical(NULL) == MEM_NO_ADDRESS);
	assert_true(mem_physical((char *)mem_base() - 1) == MEM_NO_ADDRESS);
	assert_true(mem_physical((char *)mem_base() + mem_size()) == MEM_NO_ADDRESS);
	assert_true(mem_frame_number(&local) == MEM_NO_ADDRESS);
	assert_int_equal(mem_owner(&local)->kind, MEM_NONE);
	assert_null(mem_host(0));
	assert_null(mem_host(~0ull));
	assert_null(mem_host(MEM_HOLE));
	assert_int_equal(mem_frame_get(MEM_NO_ADDRESS)->kind, MEM_NONE);
	assert_null(mem_frame_get(0)->host);
	mem_fini();
}

static void without_a_machine_nothing_is_memory(void **state)
{
	int local = 0;

	assert_true(mem_physical(&local) == MEM_NO_ADDRESS);
	assert_int_equal(mem_owner(NULL)->kind, MEM_NONE);
	assert_null(mem_host(0x100000));
	assert_false(mem_is_valid(&local, 1));
}

static void is_valid_wants_every_page_to_be_owned(void **state)
{
	char *block;

	start(MEM_SCATTERED, 64 * MIB, 5);
	block = mem_alloc(2 * MEM_PAGE_SIZE, 0, MEM_DATA, NULL);
	assert_true(mem_is_valid(block, 2 * MEM_PAGE_SIZE));
	assert_true(mem_is_valid(block + 4095, 2));
	assert_false(mem_is_valid(block, 2 * MEM_PAGE_SIZE + 1));
	assert_false(mem_is_valid(block - 1, 2));
	assert_false(mem_is_valid(block + 1, ~0ull));
	assert_false(mem_is_valid(block, ~0ull - (uintptr_t)block));
	mem_free(block, 2 * MEM_PAGE_SIZE);
	assert_false(mem_is_valid(block, 1));
	mem_fini();
}

static void every_kind_has_a_name(void **state)
{
	for (int i = 0; i < MEM_KINDS; i++)
		assert_non_null(mem_kind_name(i));
	assert_string_equal(mem_kind_name(MEM_STACK), "stack");
	assert_string_equal(mem_kind_name(MEM_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(linear_zone_is_consecutive_and_low_under_every_policy),
		cmocka_unit_test(every_frame_is_used_once_under_every_policy),
		cmocka_unit_test(contiguous_data_pages_follow_one_another),
		cmocka_unit_test(scattered_neighbours_are_never_physical_neighbours),
		cmocka_unit_test(scattered_data_lies_below_4_gib_and_high_data_above),
		cmocka_unit_test(permutation_is_the_same_for_a_seed_and_another_for_another),
		cmocka_unit_test(ram_larger_than_the_hole_allows_goes_on_at_4_gib),
		cmocka_unit_test(physical_address_leads_back_to_the_byte),
		cmocka_unit_test(what_is_not_memory_has_no_address_and_no_host),
		cmocka_unit_test(without_a_machine_nothing_is_memory),
		cmocka_unit_test(is_valid_wants_every_page_to_be_owned),
		cmocka_unit_test(every_kind_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
