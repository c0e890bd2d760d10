/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke and Dbg: how a run ends. */
#include "nt_kit.h"

static const char *place(void)
{
	return "driver.c:42 DoIt";
}

static void bug_check(void *ctx)
{
	KeBugCheck(0x1234);
}

static void bug_check_ex(void *ctx)
{
	nt_driver_place = place;
	KeBugCheckEx(0xE2, 0x11, 0x22, 0x33, 0xffff800012345678);
}

/* covers: KeBugCheck, KeBugCheckEx */
static void a_bug_check_names_code_parameters_and_place(void **state)
{
	assert_dies(bug_check, "bug check 0x1234 (a driver's own code): 0, 0, 0, 0");
	assert_dies(bug_check_ex, "bug check 0xE2 (MANUALLY_INITIATED_CRASH): 11, 22, 33, "
				  "ffff800012345678, at driver.c:42 DoIt");
}

static void break_point(void *ctx)
{
	DbgBreakPoint();
}

static void break_point_status(void *ctx)
{
	DbgBreakPointWithStatus(7);
}

static void assertion(void *ctx)
{
	DbgRaiseAssertionFailure();
}

static void rtl_assertion(void *ctx)
{
	RtlAssert("Length != 0", "driver.c", 17, NULL);
}

/*
 * Without a debugger: KMODE_EXCEPTION_NOT_HANDLED with STATUS_BREAKPOINT or
 * STATUS_ASSERTION_FAILURE.
 * covers: DbgBreakPoint, DbgBreakPointWithStatus, DbgRaiseAssertionFailure
 */
static void a_break_point_without_a_debugger_is_an_unhandled_exception(void **state)
{
	assert_dies(break_point, "bug check 0x1E (KMODE_EXCEPTION_NOT_HANDLED): ffffffff80000003");
	assert_dies(break_point_status, "ffffffff80000003");
	assert_dies(assertion, "ffffffffc0000420");
	assert_dies(rtl_assertion, "ffffffffc0000420");
}

/* covers: RtlAssert */
static void a_failed_assertion_says_what_and_where(void **state)
{
	assert_dies(rtl_assertion, "assertion failed: Length != 0, driver.c line 17");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bug_check_names_code_parameters_and_place),
		cmocka_unit_test(a_break_point_without_a_debugger_is_an_unhandled_exception),
		cmocka_unit_test(a_failed_assertion_says_what_and_where),
	};

	return cmocka_run_group_tests_name("nt/ke_bugcheck", tests, NULL, NULL);
}
