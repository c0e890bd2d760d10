/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Tests src/hw/medium.c: which blocks --fail names, and which accesses meet them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "hw/medium.h"
#include "util/error.h"

static void single_blocks_and_ranges_of_both_kinds_are_understood(void **state)
{
	struct medium medium = {0};

	assert_int_equal(
		medium_parse(&medium, "read:lba=5,write:lba=7-9,read:lba=18446744073709551615"), 0);
	assert_int_equal(medium.count, 5);
	assert_true(medium.fault[0].block == 5 && !medium.fault[0].is_write);
	for (unsigned n = 0; n < 3; n++)
		assert_true(medium.fault[1 + n].block == 7 + n && medium.fault[1 + n].is_write);
	assert_true(medium.fault[4].block == UINT64_MAX);
}

static void what_is_wrong_is_refused_and_changes_nothing(void **state)
{
	static const char *const wrong[] = {"", "read", "read:lba=", "read:lba=x", "trim:lba=1",
		"read:lba=5-4", "read:lba=5-", "read:lba=-1", "read:lba=1,", "read:lba=1 ",
		"write:lba=0-64", "read:lba=18446744073709551616",
		"read:lba=0-18446744073709551615"};
	struct medium medium = {0};

	assert_int_equal(medium_parse(&medium, "read:lba=1"), 0);
	for (size_t n = 0; n < array_size(wrong); n++) {
		if (medium_parse(&medium, wrong[n]) != -EINVAL)
			fail_msg("accepted: %s", wrong[n]);
		assert_non_null(strstr(error_text(), "read:lba=N or write:lba=N"));
		assert_int_equal(medium.count, 1);
	}
	/* 64 in all */
	assert_int_equal(medium_parse(&medium, "read:lba=1,read:lba=10-72"), 0);
	assert_int_equal(medium_parse(&medium, "read:lba=1,read:lba=10-72,read:lba=99"), -EINVAL);
	assert_int_equal(medium.count, 64);
}

static void an_access_fails_that_touches_a_byte_of_one(void **state)
{
	struct medium medium = {0};

	assert_int_equal(medium_parse(&medium, "read:lba=2,write:lba=4"), 0);
	assert_false(medium_fails(&medium, 512, 0, 1024, false));
	assert_true(medium_fails(&medium, 512, 0, 1025, false));
	assert_true(medium_fails(&medium, 512, 1535, 1, false));
	assert_false(medium_fails(&medium, 512, 1536, 512, false));
	assert_true(medium_fails(&medium, 4096, 8192, 4096, false));
	assert_false(medium_fails(&medium, 4096, 0, 8192, false));
	assert_false(medium_fails(&medium, 512, 0, 2048, true));
	assert_true(medium_fails(&medium, 512, 0, 2560, true));
	assert_false(medium_fails(&medium, 512, 2048, 512, false));
}

static void blocks_beyond_the_end_are_refused(void **state)
{
	struct medium medium = {0};

	assert_int_equal(medium_check(NULL, 0), 0);
	assert_int_equal(medium_parse(&medium, "read:lba=2,write:lba=7"), 0);
	assert_int_equal(medium_check(&medium, 8), 0);
	assert_int_equal(medium_check(&medium, 7), -EINVAL);
	assert_string_equal(
		error_text(), "--fail write:lba=7: the disk ends before it; its last block is 6.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_beyond_the_end_are_refused),
		cmocka_unit_test(single_blocks_and_ranges_of_both_kinds_are_understood),
		cmocka_unit_test(what_is_wrong_is_refused_and_changes_nothing),
		cmocka_unit_test(an_access_fails_that_touches_a_byte_of_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
