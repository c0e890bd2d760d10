/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "hw/hw.h"
#include "util/error.h"

static const struct hw_model model = {
	.name = "model",
	.options = "ring=N  entries\nnull  nothing\nrings=N  another\nlast=X",
};

static void models_are_found_by_name(void **state)
{
	const struct hw_model *simple = hw_find("simple");
	unsigned n = 0;

	assert_non_null(simple);
	assert_string_equal(simple->name, "simple");
	assert_null(hw_find("simpl"));
	assert_null(hw_find(""));
	for (; hw_get(n); n++)
		assert_true(hw_get(n)->help[0] && hw_get(n)->create && hw_get(n)->destroy);
	assert_true(n >= 1);
	assert_null(hw_get(n + 100));
}

static void options_are_taken_by_their_whole_key(void **state)
{
	char text[8];

	assert_string_equal(hw_option("a=1,bb=22,c", "bb", text, sizeof(text)), "22");
	assert_null(hw_option("a=1,bb=22,c", "b", text, sizeof(text)));
	assert_string_equal(hw_option("a=1,bb=22,c", "c", text, sizeof(text)), "");
	assert_string_equal(hw_option("a=x=y", "a", text, sizeof(text)), "x=y");
	assert_null(hw_option("", "a", text, sizeof(text)));
	assert_string_equal(hw_option("a=123456789", "a", text, sizeof(text)), "1234567");
}

static void numbers_are_whole_and_in_range(void **state)
{
	uint64_t value = 7;

	assert_int_equal(hw_option_number("x=5", "y", 1, 10, &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(hw_option_number("x=10", "x", 1, 10, &value), 0);
	assert_int_equal(value, 10);
	assert_int_equal(hw_option_number("x=0x8", "x", 1, 10, &value), 0);
	assert_int_equal(value, 8);
	for (const char *const *bad = (const char *const[]){"x=11", "x=0", "x=-1", "x=", "x=5k",
		     "x= 5", "x=99999999999999999999", "x", NULL};
		*bad; bad++) {
		assert_int_equal(hw_option_number(*bad, "x", 1, 10, &value), -EINVAL);
		assert_non_null(strstr(error_text(), "from 1 to 10"));
	}
	assert_int_equal(value, 8);
}

static void only_keys_of_the_table_are_accepted(void **state)
{
	assert_int_equal(hw_options_check(&model, ""), 0);
	assert_int_equal(hw_options_check(&model, "ring=4,null,last=1"), 0);
	assert_int_equal(hw_options_check(&model, "ring=4,rin=3"), -EINVAL);
	assert_string_equal(error_text(),
		"Device model has no option \"rin\"; it knows ring, null, rings, last.");
	assert_int_equal(hw_options_check(&model, "null=1"), -EINVAL);
	assert_string_equal(error_text(), "Device model: option null takes no value.");
	assert_int_equal(hw_options_check(&model, "ring"), -EINVAL);
	assert_string_equal(error_text(), "Device model: option ring needs a value.");
	assert_int_equal(hw_options_check(&model, "null,,null"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(models_are_found_by_name),
		cmocka_unit_test(options_are_taken_by_their_whole_key),
		cmocka_unit_test(numbers_are_whole_and_in_range),
		cmocka_unit_test(only_keys_of_the_table_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
