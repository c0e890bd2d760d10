/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/die.c.
 */
#include "kit.h"

static void call(void (*fn)(void *ctx))
{
	fn(NULL);
}

static void die(void *ctx)
{
	cpu_die("error %d of %s", 5, "the machine");
}

static void flush_report(const char *message)
{
	fprintf(stderr, "report of: %s\n", message);
}

static void die_with_report(void *ctx)
{
	cpu_dead = flush_report;
	die(NULL);
}

static void die_again(const char *message)
{
	cpu_die("again");
}

static void die_in_report(void *ctx)
{
	cpu_dead = die_again;
	die(NULL);
}

static void die_prints_its_message_and_exits_with_1(void **state)
{
	char text[4096];
	int status = status_of(call, die, text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(text, "dryport: error 5 of the machine\n");
}

static void die_runs_cpu_dead_after_the_message(void **state)
{
	char text[4096];
	int status = status_of(call, die_with_report, text, sizeof(text));

	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(
		text, "dryport: error 5 of the machine\nreport of: error 5 of the machine\n");
}

static void dying_inside_cpu_dead_ends_at_once(void **state)
{
	char text[4096];
	int status = status_of(call, die_in_report, text, sizeof(text));

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(text, "dryport: error 5 of the machine\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(die_prints_its_message_and_exits_with_1),
		cmocka_unit_test(die_runs_cpu_dead_after_the_message),
		cmocka_unit_test(dying_inside_cpu_dead_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
