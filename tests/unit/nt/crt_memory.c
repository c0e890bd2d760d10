/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Memory routines of the C library for drivers, and what the _s ones leave behind on an error. */
#include "crt_kit.h"

/* covers: memchr, memcmp, memcpy, memmove, memset */
static void copies_fills_and_searches(void **state)
{
	char a[8] = "abcdefg";
	IMPORT(memcpy, void *, void *, const void *, size_t);
	IMPORT(memmove, void *, void *, const void *, size_t);
	IMPORT(memset, void *, void *, int, size_t);
	IMPORT(memcmp, int, const void *, const void *, size_t);
	IMPORT(memchr, void *, const void *, int, size_t);

	assert_ptr_equal(d_memmove(a + 1, a, 6), a + 1);
	assert_string_equal(a, "aabcdef");
	assert_ptr_equal(d_memcpy(a, "xy", 2), a);
	assert_string_equal(a, "xybcdef");
	assert_ptr_equal(d_memset(a, 0x141, 3), a);
	assert_string_equal(a, "AAAcdef");
	assert_int_equal(d_memcmp("ab", "ab", 2), 0);
	assert_true(d_memcmp("a\xff", "ab", 2) > 0);
	assert_ptr_equal(d_memchr(a, 'c', 7), a + 3);
	assert_null(d_memchr(a, 'c', 3));
}

/* EINVAL is 22, ERANGE 34. covers: memcpy_s */
static void memcpy_s_clears_the_destination_when_it_fails(void **state)
{
	char a[4] = "old";
	IMPORT(memcpy_s, int, void *, size_t, const void *, size_t);

	assert_int_equal(d_memcpy_s(a, 4, "new", 4), 0);
	assert_string_equal(a, "new");
	assert_int_equal(d_memcpy_s(a, 3, "much longer", 4), 34);
	assert_memory_equal(a, "\0\0\0\0", 4);
	a[0] = 'x';
	assert_int_equal(d_memcpy_s(a, 4, NULL, 1), 22);
	assert_int_equal(a[0], 0);
	assert_int_equal(d_memcpy_s(NULL, 4, "x", 1), 22);
	assert_int_equal(d_memcpy_s(NULL, 0, NULL, 0), 0);
}

/* covers: memmove_s */
static void memmove_s_leaves_it(void **state)
{
	char a[4] = "old";
	IMPORT(memmove_s, int, void *, size_t, const void *, size_t);

	assert_int_equal(d_memmove_s(a + 1, 3, a, 2), 0);
	assert_memory_equal(a, "ool", 4);
	assert_int_equal(d_memmove_s(a, 2, "much", 3), 34);
	assert_memory_equal(a, "ool", 4);
	assert_int_equal(d_memmove_s(a, 2, NULL, 1), 22);
	assert_int_equal(d_memmove_s(a, 2, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_fills_and_searches),
		cmocka_unit_test(memcpy_s_clears_the_destination_when_it_fails),
		cmocka_unit_test(memmove_s_leaves_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
