/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/util/error.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "util/error.h"

static void error_set_keeps_the_text_and_returns_minus_errno(void **state)
{
	assert_int_equal(error_set(EINVAL, "size %d of %s", 3, "disk"), -EINVAL);
	assert_string_equal(error_text(), "size 3 of disk");
}

static void error_set_may_quote_the_message_before(void **state)
{
	error_set(EIO, "inner");
	error_set(EIO, "outer: %s", error_text());
	assert_string_equal(error_text(), "outer: inner");
}

static void error_take_cuts_at_the_buffer(void **state)
{
	char small[4];

	error_set(EIO, "abcdef");
	error_take(small, sizeof(small));
	assert_string_equal(small, "abc");
}

static void error_of_a_long_text_is_cut_and_terminated(void **state)
{
	char text[4000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	error_set(EIO, "%s", text);
	assert_true(strlen(error_text()) > 500);
	assert_true(strlen(error_text()) < sizeof(text) - 1);
}

static void *text_of_new_thread(void *arg)
{
	*(size_t *)arg = strlen(error_text());
	error_set(EIO, "other thread");
	return NULL;
}

static void error_text_is_the_threads_own_and_empty_at_first(void **state)
{
	pthread_t thread;
	size_t length = 1;

	error_set(EIO, "mine");
	assert_int_equal(pthread_create(&thread, NULL, text_of_new_thread, &length), 0);
	pthread_join(thread, NULL);
	assert_int_equal(length, 0);
	assert_string_equal(error_text(), "mine");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_set_keeps_the_text_and_returns_minus_errno),
		cmocka_unit_test(error_set_may_quote_the_message_before),
		cmocka_unit_test(error_take_cuts_at_the_buffer),
		cmocka_unit_test(error_of_a_long_text_is_cut_and_terminated),
		cmocka_unit_test(error_text_is_the_threads_own_and_empty_at_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
