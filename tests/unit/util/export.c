/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/util/export.c with rows of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#define DRY_MODULE "test.sys"
#include "util/export.h"

static void TestRoutineB(void)
{
}
DRY_EXPORT(TestRoutineB)

static void TestRoutineA(void)
{
}
DRY_EXPORT(TestRoutineA)

static int test_data;
DRY_EXPORT(test_data)

static void test_c_name(void)
{
}
DRY_EXPORT_AS(TestWindowsName, test_c_name)

/* a name of which there are two rows */
static const struct dry_export twins[2]
	__attribute__((section("dry_exports"), used, aligned(8))) = {
		{"TestTwin", "first.sys", &test_data},
		{"TestTwin", "second.sys", &test_data},
};

static void export_find_finds_routines_and_data(void **state)
{
	assert_ptr_equal(export_find("TestRoutineA")->address, TestRoutineA);
	assert_ptr_equal(export_find("TestRoutineB")->address, TestRoutineB);
	assert_ptr_equal(export_find("test_data")->address, &test_data);
}

static void export_find_uses_the_windows_name(void **state)
{
	assert_ptr_equal(export_find("TestWindowsName")->address, test_c_name);
	assert_null(export_find("test_c_name"));
}

static void export_find_tells_the_module(void **state)
{
	assert_string_equal(export_find("TestRoutineB")->module, "test.sys");
}

static void export_find_takes_the_first_of_two_rows(void **state)
{
	assert_ptr_equal(export_find("TestTwin"), &twins[0]);
}

static void export_find_does_not_take_parts_or_other_case(void **state)
{
	assert_null(export_find(""));
	assert_null(export_find("TestRoutine"));
	assert_null(export_find("TestRoutineAA"));
	assert_null(export_find("testroutinea"));
	assert_null(export_find("~~~"));
}

static void export_find_finds_every_row_of_the_section(void **state)
{
	for (const struct dry_export *row = __start_dry_exports; row < __stop_dry_exports; row++) {
		const struct dry_export *found = export_find(row->name);

		assert_non_null(found);
		assert_string_equal(found->name, row->name);
		assert_true(found <= row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(export_find_finds_routines_and_data),
		cmocka_unit_test(export_find_uses_the_windows_name),
		cmocka_unit_test(export_find_tells_the_module),
		cmocka_unit_test(export_find_takes_the_first_of_two_rows),
		cmocka_unit_test(export_find_does_not_take_parts_or_other_case),
		cmocka_unit_test(export_find_finds_every_row_of_the_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
