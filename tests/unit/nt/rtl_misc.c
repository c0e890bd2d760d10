/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Rtl: what has no family. */
#include "nt_kit.h"
#include "nt/os.h"

/* covers: RtlCompareMemory */
NT_TEST(comparing_memory_counts_the_equal_bytes_from_the_start)
{
	CHECK_EQUAL(RtlCompareMemory("abcdef", "abcxef", 6), 3);
	CHECK_EQUAL(RtlCompareMemory("abcdef", "abcdef", 6), 6);
	CHECK_EQUAL(RtlCompareMemory("abcdef", "xbcdef", 6), 0);
	CHECK_EQUAL(RtlCompareMemory("a", "b", 0), 0);
	CHECK_EQUAL(RtlCompareMemory("abcdef", "abcdeg", 5), 5);
}

/* covers: RtlGetVersion */
NT_TEST(the_version_is_that_of_the_release_that_is_played)
{
	static const WCHAR pack[] = {
		'S', 'e', 'r', 'v', 'i', 'c', 'e', ' ', 'P', 'a', 'c', 'k', ' ', '1', 0};
	RTL_OSVERSIONINFOW version = {.dwOSVersionInfoSize = sizeof(version)};

	CHECK_EQUAL(RtlGetVersion(&version), STATUS_SUCCESS);
	CHECK_EQUAL(version.dwMajorVersion, 10);
	CHECK_EQUAL(version.dwMinorVersion, 0);
	CHECK_EQUAL(version.dwBuildNumber, 26100); /* 11-24H2, the newest */
	CHECK_EQUAL(version.dwPlatformId, 2);	   /* VER_PLATFORM_WIN32_NT */
	CHECK_EQUAL(version.szCSDVersion[0], 0);
	nt_os_set(NT_OS_7);
	CHECK_EQUAL(RtlGetVersion(&version), STATUS_SUCCESS);
	CHECK_EQUAL(version.dwMajorVersion, 6);
	CHECK_EQUAL(version.dwMinorVersion, 1);
	CHECK_EQUAL(version.dwBuildNumber, 7601);
	CHECK(!memcmp(version.szCSDVersion, pack, sizeof(pack)));
	nt_os_set(NT_OS_NEWEST);
}

/* covers: RtlRandomEx */
NT_TEST(random_numbers_repeat_by_seed_and_are_spread)
{
	ULONG a = 12345, b = 12345, c = 54321;
	unsigned quarters[4] = {0};
	bool differ = false;

	for (unsigned i = 0; i < 4000; i++) {
		ULONG n = RtlRandomEx(&a);

		CHECK(n < MAXLONG);
		CHECK_EQUAL(n, RtlRandomEx(&b));
		differ |= n != RtlRandomEx(&c);
		quarters[n / (MAXLONG / 4 + 1)]++;
	}
	CHECK(differ);
	for (unsigned i = 0; i < 4; i++)
		CHECK(quarters[i] > 800 && quarters[i] < 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparing_memory_counts_the_equal_bytes_from_the_start),
		cmocka_unit_test(the_version_is_that_of_the_release_that_is_played),
		cmocka_unit_test(random_numbers_repeat_by_seed_and_are_spread),
	};

	return cmocka_run_group_tests_name("nt/rtl_misc", tests, NULL, NULL);
}
