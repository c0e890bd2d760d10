/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The releases. Versions are those of RTL_OSVERSIONINFOEXW's table, builds those of Microsoft's
 * lists of releases. */
#include "nt_kit.h"
#include "nt/os.h"

static int newest(void **state)
{
	nt_os_set(NT_OS_NEWEST);
	return 0;
}

static void the_newest_release_is_played_if_none_is_set(void **state)
{
	assert_int_equal(nt_os(), NT_OS_NEWEST);
	assert_string_equal(nt_os_name(nt_os()), "11-24H2");
}

static void releases_are_found_by_name_in_any_letter_case(void **state)
{
	assert_int_equal(nt_os_find("vista"), NT_OS_VISTA);
	assert_int_equal(nt_os_find("Vista"), NT_OS_VISTA);
	assert_int_equal(nt_os_find("8"), NT_OS_8);
	assert_int_equal(nt_os_find("8.1"), NT_OS_8_1);
	assert_int_equal(nt_os_find("10-20h2"), NT_OS_10_20H2);
	assert_int_equal(nt_os_find("10-21H2"), NT_OS_10_21H2);
	assert_int_equal(nt_os_find("11-21H2"), NT_OS_11_21H2);
	assert_int_equal(nt_os_find("server-2022"), NT_OS_SERVER_2022);
	/* they share a client's build */
	assert_int_equal(nt_os_find("server-2008r2"), NT_OS_7);
	assert_int_equal(nt_os_find("server-2016"), NT_OS_10_1607);
}

static void what_is_no_release_is_not_found(void **state)
{
	static const char *const names[] = {
		"", "unknown", "xp", "9", "10", "10-", "10-1804", "11-21H1", "8.11", " 7"};

	for (size_t n = 0; n < array_size(names); n++)
		assert_int_equal(nt_os_find(names[n]), NT_OS_UNKNOWN);
}

static void each_release_is_found_by_its_own_name(void **state)
{
	for (unsigned os = NT_OS_VISTA; os < NT_OS_COUNT; os++)
		assert_int_equal(nt_os_find(nt_os_name((enum nt_os)os)), os);
}

static void releases_stand_in_the_order_of_their_builds(void **state)
{
	for (unsigned os = NT_OS_VISTA + 1; os < NT_OS_COUNT; os++)
		assert_true(nt_os_version((enum nt_os)os).build >
			    nt_os_version((enum nt_os)(os - 1)).build);
}

static void a_release_has_what_it_and_earlier_ones_brought(void **state)
{
	nt_os_set(NT_OS_10_1803);
	assert_true(nt_os_has(NT_OS_UNKNOWN));
	assert_true(nt_os_has(NT_OS_VISTA));
	assert_true(nt_os_has(NT_OS_10_1709));
	assert_true(nt_os_has(NT_OS_10_1803));
	assert_false(nt_os_has(NT_OS_10_1809));
	assert_false(nt_os_has(NT_OS_11_24H2));
}

static void the_first_release_has_what_no_page_dates(void **state)
{
	nt_os_set(NT_OS_VISTA);
	assert_true(nt_os_has(NT_OS_UNKNOWN));
	assert_false(nt_os_has(NT_OS_7));
}

static void version(enum nt_os os, unsigned major, unsigned minor, unsigned build)
{
	struct nt_os_version version = nt_os_version(os);

	assert_int_equal(version.major, major);
	assert_int_equal(version.minor, minor);
	assert_int_equal(version.build, build);
}

static void versions_and_builds_are_microsofts(void **state)
{
	version(NT_OS_VISTA, 6, 0, 6002);
	version(NT_OS_7, 6, 1, 7601);
	version(NT_OS_8, 6, 2, 9200);
	version(NT_OS_8_1, 6, 3, 9600);
	version(NT_OS_10_1507, 10, 0, 10240);
	version(NT_OS_10_1803, 10, 0, 17134);
	version(NT_OS_10_2004, 10, 0, 19041);
	version(NT_OS_SERVER_2022, 10, 0, 20348);
	version(NT_OS_11_21H2, 10, 0, 22000);
	version(NT_OS_11_22H2, 10, 0, 22621);
	version(NT_OS_11_24H2, 10, 0, 26100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_release_is_played_if_none_is_set),
		cmocka_unit_test(releases_are_found_by_name_in_any_letter_case),
		cmocka_unit_test(what_is_no_release_is_not_found),
		cmocka_unit_test(each_release_is_found_by_its_own_name),
		cmocka_unit_test(releases_stand_in_the_order_of_their_builds),
		cmocka_unit_test_teardown(a_release_has_what_it_and_earlier_ones_brought, newest),
		cmocka_unit_test_teardown(the_first_release_has_what_no_page_dates, newest),
		cmocka_unit_test(versions_and_builds_are_microsofts),
	};

	return cmocka_run_group_tests_name("nt/os", tests, NULL, NULL);
}
