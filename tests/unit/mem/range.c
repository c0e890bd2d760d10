/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/mem/range.c: memory outside RAM that bears frames.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "mem/mem.h"

#define PAGES 16
#define MANY  1024

static char image[PAGES * 4096] __attribute__((aligned(4096)));
static char many[MANY * 2 * 4096] __attribute__((aligned(4096)));

static int start_with(enum mem_policy policy)
{
	struct mem_config config = {.policy = policy, .size = 64ull << 20, .seed = 9};

	return mem_init(&config);
}

static int start(void **state)
{
	return start_with(MEM_SCATTERED);
}

static int stop(void **state)
{
	mem_fini();
	return 0;
}

static void range_bears_frames_that_lead_back_to_it(void **state)
{
	int owner = 0;

	assert_int_equal(mem_range_add(image, sizeof(image), MEM_IMAGE, &owner), 0);
	for (uint64_t at = 0; at < sizeof(image); at += 777) {
		uint64_t physical = mem_physical(image + at);

		assert_true(physical != MEM_NO_ADDRESS);
		assert_ptr_equal(mem_host(physical), image + at);
		assert_int_equal(mem_owner(image + at)->kind, MEM_IMAGE);
		assert_ptr_equal(mem_owner(image + at)->owner, &owner);
	}
	assert_true(mem_is_valid(image, sizeof(image)));
	assert_true(mem_physical((void *)((uintptr_t)image - 1)) == MEM_NO_ADDRESS);
	assert_true(mem_physical(image + sizeof(image)) == MEM_NO_ADDRESS);
	assert_false(mem_is_valid(image, sizeof(image) + 1));
}

static void removed_range_bears_none(void **state)
{
	uint64_t physical;

	assert_int_equal(mem_range_add(image, sizeof(image), MEM_IMAGE, NULL), 0);
	physical = mem_physical(image);
	mem_range_remove(image);
	assert_true(mem_physical(image) == MEM_NO_ADDRESS);
	assert_null(mem_host(physical));
	assert_int_equal(mem_frame_get(physical >> 12)->kind, MEM_NONE);
	mem_range_remove(image); /* once more does nothing */
}

static void frames_of_a_range_are_no_frames_of_ram(void **state)
{
	assert_int_equal(mem_range_add(image, sizeof(image), MEM_IMAGE, NULL), 0);
	for (uint64_t at = 0; at < mem_size(); at += 4096) {
		uint64_t number = mem_frame_number((char *)mem_base() + at);

		for (int i = 0; i < PAGES; i++)
			assert_true(mem_frame_number(image + i * 4096) != number);
	}
}

static void frames_are_consecutive_only_when_the_policy_says_so(void **state)
{
	assert_int_equal(mem_range_add(image, sizeof(image), MEM_IMAGE, NULL), 0);
	for (int i = 0; i + 1 < PAGES; i++) {
		int64_t step = mem_frame_number(image + (i + 1) * 4096) -
			       mem_frame_number(image + i * 4096);

		assert_true(step != 1 && step != -1);
	}
	mem_fini();
	assert_int_equal(start_with(MEM_CONTIGUOUS), 0);
	assert_int_equal(mem_range_add(image, sizeof(image), MEM_IMAGE, NULL), 0);
	for (int i = 0; i + 1 < PAGES; i++)
		assert_true(mem_frame_number(image + (i + 1) * 4096) ==
			    mem_frame_number(image + i * 4096) + 1);
	mem_fini();
	assert_int_equal(start_with(MEM_HIGH), 0);
	assert_int_equal(mem_range_add(image, sizeof(image), MEM_IMAGE, NULL), 0);
	assert_true(mem_physical(image) >= MEM_4GIB);
}

static void wrong_ranges_are_refused(void **state)
{
	assert_int_equal(mem_range_add(image + 1, 4096, MEM_IMAGE, NULL), -EINVAL);
	assert_int_equal(mem_range_add(image, 4095, MEM_IMAGE, NULL), -EINVAL);
	assert_int_equal(mem_range_add(image, 0, MEM_IMAGE, NULL), -EINVAL);
	assert_int_equal(mem_range_add(mem_base(), 4096, MEM_IMAGE, NULL), -EEXIST);
	assert_int_equal(mem_range_add(image + 4096, 8192, MEM_IMAGE, NULL), 0);
	assert_int_equal(mem_range_add(image + 4096, 4096, MEM_IMAGE, NULL), -EEXIST);
	assert_int_equal(mem_range_add(image + 8192, 4096, MEM_IMAGE, NULL), -EEXIST);
	assert_int_equal(mem_range_add(image, 8192, MEM_IMAGE, NULL), -EEXIST);
	assert_int_equal(mem_range_add(image, 4096, MEM_IMAGE, NULL), 0);
	assert_int_equal(mem_range_add(image + 12288, 4096, MEM_IMAGE, NULL), 0);
	assert_int_equal(mem_range_add(image + 16384, 50000ull * 4096, MEM_IMAGE, NULL), -ENOSPC);
}

static void range_table_is_full_past_512_and_usable_after(void **state)
{
	int i;

	/* alternating order: the table has to sort them */
	for (i = 0; i < 512; i++) {
		int n = i & 1 ? MANY - 1 - i : i;

		assert_int_equal(mem_range_add(many + n * 8192, 4096, MEM_IMAGE, NULL), 0);
	}
	assert_int_equal(mem_range_add(image, 4096, MEM_IMAGE, NULL), -ENOSPC);
	for (i = 0; i < 512; i++) {
		int n = i & 1 ? MANY - 1 - i : i;

		assert_ptr_equal(mem_host(mem_physical(many + n * 8192 + 9)), many + n * 8192 + 9);
		assert_true(mem_physical(many + n * 8192 + 4096) == MEM_NO_ADDRESS);
	}
	mem_range_remove(many);
	assert_int_equal(mem_range_add(image, 4096, MEM_IMAGE, NULL), 0);
}

static _Atomic bool is_over;

static void *look_up(void *arg)
{
	bool *is_wrong = arg;

	while (!atomic_load(&is_over)) {
		uint64_t physical = mem_physical(image + 5);

		if (mem_host(physical) != image + 5)
			*is_wrong = true;
	}
	return NULL;
}

static void look_ups_are_right_while_ranges_come_and_go(void **state)
{
	bool is_wrong = false;
	pthread_t thread;

	atomic_store(&is_over, false);
	assert_int_equal(mem_range_add(image, sizeof(image), MEM_IMAGE, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, look_up, &is_wrong), 0);
	for (int round = 0; round < 2000; round++) {
		/* on both sides of image */
		mem_range_add(many + (round % 8) * 8192, 4096, MEM_STACK, NULL);
		mem_range_add(&is_over - ((uintptr_t)&is_over & 4095), 4096, MEM_STACK, NULL);
		mem_range_remove(many + (round % 8) * 8192);
		mem_range_remove(&is_over - ((uintptr_t)&is_over & 4095));
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	assert_false(is_wrong);
}

static void without_a_machine_no_range_is_taken(void **state)
{
	assert_int_equal(mem_range_add(image, 4096, MEM_IMAGE, NULL), -ENODEV);
}

#define with_ram(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_ram(range_bears_frames_that_lead_back_to_it),
		with_ram(removed_range_bears_none),
		with_ram(frames_of_a_range_are_no_frames_of_ram),
		with_ram(frames_are_consecutive_only_when_the_policy_says_so),
		with_ram(wrong_ranges_are_refused),
		with_ram(range_table_is_full_past_512_and_usable_after),
		with_ram(look_ups_are_right_while_ranges_come_and_go),
		cmocka_unit_test(without_a_machine_no_range_is_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
