/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Strings of 16-bit characters, from Microsoft's pages on the C run-time library. */
#include "crt_kit.h"

static WCHAR text[16];

static void fresh(const WCHAR *with)
{
	size_t n = 0;

	memset(text, '#', sizeof(text));
	do
		text[n] = with[n];
	while (with[n++]);
}

/* covers: wcslen, wcsnlen */
static void characters_have_sixteen_bits(void **state)
{
	IMPORT(wcslen, size_t, const WCHAR *);
	IMPORT(wcsnlen, size_t, const WCHAR *, size_t);

	assert_int_equal(d_wcslen(u"hello"), 5);
	assert_int_equal(d_wcsnlen(u"hello", 3), 3);
	assert_int_equal(d_wcslen(u""), 0);
}

/* covers: wcscat, wcscpy, wcsncat, wcsncpy */
static void copies_pad_and_append_end(void **state)
{
	IMPORT(wcscpy, WCHAR *, WCHAR *, const WCHAR *);
	IMPORT(wcsncpy, WCHAR *, WCHAR *, const WCHAR *, size_t);
	IMPORT(wcscat, WCHAR *, WCHAR *, const WCHAR *);
	IMPORT(wcsncat, WCHAR *, WCHAR *, const WCHAR *, size_t);

	fresh(u"");
	assert_ptr_equal(d_wcscpy(text, u"ab"), text);
	assert_wide_equal(text, u"ab");
	assert_int_equal(text[3], 0x2323);
	d_wcsncpy(text, u"x", 3);
	assert_wide_equal(text, ((WCHAR[]){'x', 0, 0, 0x2323}));
	assert_ptr_equal(d_wcscat(text, u"yz"), text);
	assert_wide_equal(text, u"xyz");
	d_wcsncat(text, u"abcdef", 2);
	assert_wide_equal(text, u"xyzab");
}

/* covers: _wcsicmp, _wcsnicmp, wcscmp, wcsncmp */
static void comparisons_are_by_unsigned_code(void **state)
{
	IMPORT(wcscmp, int, const WCHAR *, const WCHAR *);
	IMPORT(wcsncmp, int, const WCHAR *, const WCHAR *, size_t);
	IMPORT(_wcsicmp, int, const WCHAR *, const WCHAR *);
	IMPORT(_wcsnicmp, int, const WCHAR *, const WCHAR *, size_t);

	assert_int_equal(d_wcscmp(u"ab", u"ab"), 0);
	assert_int_equal(d_wcscmp(u"\xff00", u"a"), 1);
	assert_int_equal(d_wcscmp(u"a", u"ab"), -1);
	assert_int_equal(d_wcsncmp(u"abx", u"aby", 2), 0);
	assert_int_equal(d__wcsicmp(u"DriverName", u"drivername"), 0);
	assert_true(d__wcsicmp(u"a", u"B") < 0);
	assert_int_equal(d__wcsnicmp(u"ABCx", u"abcy", 3), 0);
	assert_true(d__wcsnicmp(u"ABCx", u"abcy", 4) < 0);
}

/* covers: wcschr, wcscspn, wcspbrk, wcsrchr, wcsspn, wcsstr */
static void searches_find_the_first_and_the_last(void **state)
{
	const WCHAR *s = u"path\\to\\file";
	IMPORT(wcschr, WCHAR *, const WCHAR *, WCHAR);
	IMPORT(wcsrchr, WCHAR *, const WCHAR *, WCHAR);
	IMPORT(wcsstr, WCHAR *, const WCHAR *, const WCHAR *);
	IMPORT(wcsspn, size_t, const WCHAR *, const WCHAR *);
	IMPORT(wcscspn, size_t, const WCHAR *, const WCHAR *);
	IMPORT(wcspbrk, WCHAR *, const WCHAR *, const WCHAR *);

	assert_ptr_equal(d_wcschr(s, '\\'), s + 4);
	assert_ptr_equal(d_wcsrchr(s, '\\'), s + 7);
	assert_ptr_equal(d_wcschr(s, 0), s + 12);
	assert_null(d_wcsrchr(s, 'z'));
	assert_ptr_equal(d_wcsstr(s, u"to"), s + 5);
	assert_ptr_equal(d_wcsstr(s, u""), s);
	assert_null(d_wcsstr(s, u"files"));
	assert_int_equal(d_wcsspn(s, u"paht"), 4);
	assert_int_equal(d_wcscspn(s, u"\\"), 4);
	assert_ptr_equal(d_wcspbrk(s, u"zo"), s + 6);
	assert_null(d_wcspbrk(s, u"z"));
}

/* covers: _wcslwr, _wcsupr */
static void letters_change_case_in_place(void **state)
{
	IMPORT(_wcslwr, WCHAR *, WCHAR *);
	IMPORT(_wcsupr, WCHAR *, WCHAR *);

	fresh(u"aBc_9");
	assert_wide_equal(d__wcsupr(text), u"ABC_9");
	assert_wide_equal(d__wcslwr(text), u"abc_9");
}

/* covers: wcscat_s, wcscpy_s, wcsncat_s, wcsncpy_s */
static void bounded_copies_and_appends_empty_what_does_not_fit(void **state)
{
	IMPORT(wcscpy_s, int, WCHAR *, size_t, const WCHAR *);
	IMPORT(wcsncpy_s, int, WCHAR *, size_t, const WCHAR *, size_t);
	IMPORT(wcscat_s, int, WCHAR *, size_t, const WCHAR *);
	IMPORT(wcsncat_s, int, WCHAR *, size_t, const WCHAR *, size_t);

	fresh(u"old");
	assert_int_equal(d_wcscpy_s(text, 4, u"abc"), 0);
	assert_wide_equal(text, u"abc");
	assert_int_equal(d_wcscat_s(text, 6, u"de"), 0);
	assert_wide_equal(text, u"abcde");
	assert_int_equal(d_wcscat_s(text, 6, u"f"), 34);
	assert_int_equal(text[0], 0);
	assert_int_equal(d_wcscpy_s(text, 3, u"abc"), 34);
	assert_int_equal(d_wcsncpy_s(text, 4, u"abcdef", (size_t)-1), 80);
	assert_wide_equal(text, u"abc");
	assert_int_equal(d_wcsncat_s(text, 6, u"xyz", 2), 0);
	assert_wide_equal(text, u"abcxy");
	assert_int_equal(d_wcsncpy_s(text, 4, u"abcdef", 4), 34);
	assert_int_equal(d_wcscpy_s(NULL, 4, u"a"), 22);
	assert_int_equal(d_wcsncpy_s(NULL, 0, NULL, 0), 0);
	fresh(u"old");
	assert_int_equal(d_wcsncpy_s(text, 4, NULL, 1), 22);
	assert_int_equal(text[0], 0);
	assert_int_equal(d_wcsncat_s(NULL, 0, NULL, 0), 0);
	memset(text, '#', sizeof(text)); /* without an end */
	assert_int_equal(d_wcsncat_s(text, 5, u"a", 1), 22);
	assert_int_equal(text[0], 0);
	assert_int_equal(d_wcscpy_s(text, 4, NULL), 22);
	assert_int_equal(text[0], 0);
	fresh(u"xy");
	assert_int_equal(d_wcsncat_s(text, 5, u"abcdef", (size_t)-1), 80);
	assert_wide_equal(text, u"xyab");
	assert_int_equal(d_wcsncat_s(text, 5, u"c", 1), 34);
	assert_int_equal(text[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_have_sixteen_bits),
		cmocka_unit_test(copies_pad_and_append_end),
		cmocka_unit_test(comparisons_are_by_unsigned_code),
		cmocka_unit_test(searches_find_the_first_and_the_last),
		cmocka_unit_test(letters_change_case_in_place),
		cmocka_unit_test(bounded_copies_and_appends_empty_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
