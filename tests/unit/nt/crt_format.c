/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the sprintf family answers, and where it writes a zero: Microsoft's pages on _snprintf,
 * snprintf, sprintf_s, _snprintf_s, swprintf.
 */
#include "crt_kit.h"

static char text[16];
static WCHAR wide[16];

static void fresh(void)
{
	memset(text, '#', sizeof(text));
	memset(wide, '#', sizeof(wide));
}

/* covers: sprintf */
static void sprintf_ends_its_text(void **state)
{
	IMPORT(sprintf, int, char *, const char *, ...);

	fresh();
	assert_int_equal(d_sprintf(text, "%ld-%s", -3, "ab"), 5);
	assert_memory_equal(text, "-3-ab\0#", 7);
}

/* covers: _snprintf */
static void old_snprintf_writes_no_zero_when_text_just_fits_and_minus_one_beyond(void **state)
{
	IMPORT(_snprintf, int, char *, size_t, const char *, ...);

	fresh();
	assert_int_equal(d__snprintf(text, 5, "%s", "abcd"), 4);
	assert_memory_equal(text, "abcd\0#", 6);
	fresh();
	assert_int_equal(d__snprintf(text, 4, "%s", "abcd"), 4);
	assert_memory_equal(text, "abcd##", 6);
	fresh();
	assert_int_equal(d__snprintf(text, 3, "%s", "abcd"), -1);
	assert_memory_equal(text, "abc###", 6);
}

/* covers: snprintf */
static void c99_snprintf_always_ends_and_says_the_whole_length(void **state)
{
	IMPORT(snprintf, int, char *, size_t, const char *, ...);

	fresh();
	assert_int_equal(d_snprintf(text, 4, "%s", "abcdef"), 6);
	assert_memory_equal(text, "abc\0##", 6);
	assert_int_equal(d_snprintf(NULL, 0, "%s", "abcdef"), 6);
}

/* covers: sprintf_s */
static void sprintf_s_empties_what_does_not_fit(void **state)
{
	IMPORT(sprintf_s, int, char *, size_t, const char *, ...);

	fresh();
	assert_int_equal(d_sprintf_s(text, 5, "%s", "abcd"), 4);
	assert_string_equal(text, "abcd");
	assert_int_equal(d_sprintf_s(text, 4, "%s", "abcd"), -1);
	assert_string_equal(text, "");
	assert_int_equal(d_sprintf_s(NULL, 4, "x"), -1);
}

/* covers: _snprintf_s */
static void snprintf_s_cuts_by_count_only(void **state)
{
	IMPORT(_snprintf_s, int, char *, size_t, size_t, const char *, ...);

	fresh();
	assert_int_equal(d__snprintf_s(text, 16, 3, "%s", "abcdef"), -1);
	assert_string_equal(text, "abc");
	assert_int_equal(d__snprintf_s(text, 16, 6, "%s", "abcdef"), 6);
	/* _TRUNCATE: as much as there is room for */
	assert_int_equal(d__snprintf_s(text, 4, (size_t)-1, "%s", "abcdef"), -1);
	assert_string_equal(text, "abc");
	/* the count would allow more than the buffer holds: an error */
	assert_int_equal(d__snprintf_s(text, 4, 10, "%s", "abcdef"), -1);
	assert_string_equal(text, "");
}

/* covers: _snwprintf, _snwprintf_s, swprintf, swprintf_s */
static void wide_twins_behave_alike(void **state)
{
	IMPORT(swprintf, int, WCHAR *, const WCHAR *, ...);
	IMPORT(_snwprintf, int, WCHAR *, size_t, const WCHAR *, ...);
	IMPORT(swprintf_s, int, WCHAR *, size_t, const WCHAR *, ...);
	IMPORT(_snwprintf_s, int, WCHAR *, size_t, size_t, const WCHAR *, ...);

	fresh();
	assert_int_equal(d__snwprintf_s(wide, 16, 3, u"%s", u"abcdef"), -1);
	assert_wide_equal(wide, u"abc");
	assert_int_equal(d__snwprintf_s(wide, 4, 10, u"%s", u"abcdef"), -1);
	assert_int_equal(wide[0], 0);
	fresh();
	assert_int_equal(d_swprintf(wide, u"%d %s", 7, u"x"), 3);
	assert_wide_equal(wide, u"7 x");
	fresh();
	assert_int_equal(d__snwprintf(wide, 3, u"%s", u"abcd"), -1);
	assert_memory_equal(wide, u"abc", 6);
	assert_int_equal(wide[3], 0x2323);
	assert_int_equal(d_swprintf_s(wide, 4, u"%s", u"abcd"), -1);
	assert_int_equal(wide[0], 0);
}

/*
 * The twins that take a list get it as a driver hands it over: a pointer to slots of eight
 * bytes.
 * covers: _vscprintf, _vscwprintf, _vsnprintf, _vsnprintf_s, _vsnwprintf, _vsnwprintf_s,
 * vsnprintf, vsprintf, vsprintf_s, vswprintf, vswprintf_s
 */
static void lists_are_pointers_to_slots(void **state)
{
	uint64_t slots[] = {(uint64_t)-5, (uint64_t)(uintptr_t) "str", 0x1ffffffffull};
	IMPORT(_vsnprintf, int, char *, size_t, const char *, char *);
	IMPORT(vsprintf, int, char *, const char *, char *);
	IMPORT(_vscprintf, int, const char *, char *);
	IMPORT(_vsnwprintf, int, WCHAR *, size_t, const WCHAR *, char *);
	IMPORT(vsnprintf, int, char *, size_t, const char *, char *);
	IMPORT(vsprintf_s, int, char *, size_t, const char *, char *);
	IMPORT(_vsnprintf_s, int, char *, size_t, size_t, const char *, char *);
	IMPORT(vswprintf, int, WCHAR *, const WCHAR *, char *);
	IMPORT(vswprintf_s, int, WCHAR *, size_t, const WCHAR *, char *);
	IMPORT(_vsnwprintf_s, int, WCHAR *, size_t, size_t, const WCHAR *, char *);
	IMPORT(_vscwprintf, int, const WCHAR *, char *);

	fresh();
	assert_int_equal(d__vsnprintf(text, 16, "%d %s %x", (char *)slots), 15);
	assert_string_equal(text, "-5 str ffffffff");
	assert_int_equal(d__vscprintf("%d %s %x", (char *)slots), 15);
	assert_int_equal(d_vsprintf(text, "%d", (char *)slots), 2);
	assert_int_equal(d__vsnwprintf(wide, 16, u"%d %S", (char *)slots), 6);
	assert_wide_equal(wide, u"-5 str");
	assert_int_equal(d_vsnprintf(text, 4, "%d %s", (char *)slots), 6);
	assert_string_equal(text, "-5 ");
	assert_int_equal(d_vsprintf_s(text, 16, "%d %s", (char *)slots), 6);
	assert_string_equal(text, "-5 str");
	assert_int_equal(d_vsprintf_s(text, 6, "%d %s", (char *)slots), -1);
	assert_string_equal(text, "");
	assert_int_equal(d__vsnprintf_s(text, 16, 4, "%d %s", (char *)slots), -1);
	assert_string_equal(text, "-5 s");
	assert_int_equal(d_vswprintf(wide, u"%d", (char *)slots), 2);
	assert_wide_equal(wide, u"-5");
	assert_int_equal(d_vswprintf_s(wide, 2, u"%d", (char *)slots), -1);
	assert_int_equal(wide[0], 0);
	assert_int_equal(d__vsnwprintf_s(wide, 16, 1, u"%d", (char *)slots), -1);
	assert_wide_equal(wide, u"-");
	assert_int_equal(d__vscwprintf(u"%d %S %x", (char *)slots), 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sprintf_ends_its_text),
		cmocka_unit_test(
			old_snprintf_writes_no_zero_when_text_just_fits_and_minus_one_beyond),
		cmocka_unit_test(c99_snprintf_always_ends_and_says_the_whole_length),
		cmocka_unit_test(sprintf_s_empties_what_does_not_fit),
		cmocka_unit_test(snprintf_s_cuts_by_count_only),
		cmocka_unit_test(wide_twins_behave_alike),
		cmocka_unit_test(lists_are_pointers_to_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
