/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Counted calls: each goes where it went, with all its arguments, and is counted under its name.
 * The image is a table of imports made by hand.
 */
#include "loader/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define win64 __attribute__((ms_abi))

static win64 uint64_t first(uint64_t a, uint64_t b, double c, uint64_t d, uint64_t e)
{
	return a + 10 * b + 100 * (uint64_t)c + 1000 * d + 10000 * e;
}

static win64 uint64_t second(uint64_t a)
{
	return ~a;
}

static uint64_t variable = 5;

static struct loader_import rows[5];
static struct loader_image image;

static int setup(void **state)
{
	const struct loader_import fresh[5] = {
		{"First", (void *)first, LOADER_ROUTINE},
		{"variable", &variable, LOADER_VARIABLE},
		{"Second", (void *)second, LOADER_ROUTINE},
		{"__dry_second", (void *)second, LOADER_ROUTINE},
		{NULL, NULL, 0},
	};

	for (unsigned n = 0; n < 5; n++)
		rows[n] = fresh[n];
	image = (struct loader_image){.imports = rows, .path = (char *)"test"};
	return 0;
}

static uint64_t call_first(void)
{
	return ((win64 uint64_t(*)(uint64_t, uint64_t, double, uint64_t, uint64_t))rows[0].slot)(
		1, 2, 3, 4, 5);
}

static uint64_t call_second(unsigned row)
{
	return ((win64 uint64_t(*)(uint64_t))rows[row].slot)(1);
}

static void each_call_arrives_with_its_arguments_and_is_counted(void **state)
{
	assert_int_equal(loader_calls_count(&image), 0);
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(call_first(), 54321);
	assert_int_equal(call_second(2), ~1ull);
	assert_int_equal(loader_calls(&image, "First"), 3);
	assert_int_equal(loader_calls(&image, "Second"), 1);
	assert_int_equal(loader_calls(&image, "Third"), 0);
	assert_int_equal(loader_calls(&image, NULL), 4);
	loader_calls_end(&image);
}

static void what_the_compiler_put_in_is_no_call_of_the_driver(void **state)
{
	assert_int_equal(loader_calls_count(&image), 0);
	assert_int_equal(call_second(3), ~1ull);
	assert_int_equal(loader_calls(&image, "__dry_second"), 1);
	assert_int_equal(loader_calls(&image, NULL), 0);
	loader_calls_end(&image);
}

static void variables_stay_where_they_are(void **state)
{
	assert_int_equal(loader_calls_count(&image), 0);
	assert_ptr_equal(rows[1].slot, &variable);
	loader_calls_end(&image);
}

static void without_being_asked_nothing_is_counted(void **state)
{
	assert_int_equal(call_first(), 54321);
	assert_ptr_equal(rows[0].slot, (void *)first);
	assert_int_equal(loader_calls(&image, NULL), 0);
	assert_true(loader_imports(&image, "variable"));
	assert_false(loader_imports(&image, "Third"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_call_arrives_with_its_arguments_and_is_counted, setup),
		cmocka_unit_test_setup(what_the_compiler_put_in_is_no_call_of_the_driver, setup),
		cmocka_unit_test_setup(variables_stay_where_they_are, setup),
		cmocka_unit_test_setup(without_being_asked_nothing_is_counted, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
