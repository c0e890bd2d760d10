/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/mem/run.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mem/space.h"

static void run_take_is_first_fit_and_crosses_words(void **state)
{
	uint64_t map[4] = {0};

	assert_true(mem_run_take(map, 0, 256, 60) == 0);
	assert_true(mem_run_take(map, 0, 256, 100) == 60);
	assert_true(mem_run_take(map, 0, 256, 96) == 160);
	assert_true(mem_run_take(map, 0, 256, 1) == MEM_NO_ADDRESS);
	mem_run_give(map, 60, 100);
	assert_true(mem_run_take(map, 0, 256, 101) == MEM_NO_ADDRESS);
	assert_true(mem_run_take(map, 0, 256, 7) == 60);
	assert_true(mem_run_take(map, 0, 256, 93) == 67);
}

static void run_take_stays_between_first_and_end(void **state)
{
	uint64_t map[2] = {0};

	assert_true(mem_run_take(map, 70, 100, 31) == MEM_NO_ADDRESS);
	assert_true(mem_run_take(map, 70, 100, 30) == 70);
	assert_true(map[0] == 0);
	assert_true(map[1] == ((1ull << 30) - 1) << 6);
}

static void run_take_skips_a_full_word_without_joining_its_sides(void **state)
{
	uint64_t map[3] = {0, ~0ull, 0};

	assert_true(mem_run_take(map, 0, 192, 65) == MEM_NO_ADDRESS);
	assert_true(mem_run_take(map, 10, 192, 64) == 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_take_is_first_fit_and_crosses_words),
		cmocka_unit_test(run_take_stays_between_first_and_end),
		cmocka_unit_test(run_take_skips_a_full_word_without_joining_its_sides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
