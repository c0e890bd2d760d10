/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Numbers from text and back, with a long of 32 bits: Microsoft's pages on strtol, _strtoui64,
 * _itoa. */
#include "crt_kit.h"

/* covers: strtol, strtoul */
static void strtol_ends_at_thirty_two_bits(void **state)
{
	char *end;
	IMPORT(strtol, LONG, const char *, char **, int);
	IMPORT(strtoul, ULONG, const char *, char **, int);

	assert_int_equal(d_strtol("  -123x", &end, 10), -123);
	assert_string_equal(end, "x");
	assert_int_equal(d_strtol("2147483647", NULL, 10), INT32_MAX);
	assert_int_equal(d_strtol("2147483648", NULL, 10), INT32_MAX);
	assert_int_equal(d_strtol("-2147483648", NULL, 10), INT32_MIN);
	assert_int_equal(d_strtol("-2147483649", NULL, 10), INT32_MIN);
	assert_int_equal(d_strtol("99999999999999999999999", &end, 10), INT32_MAX);
	assert_string_equal(end, "");
	assert_int_equal(d_strtoul("4294967295", NULL, 10), UINT32_MAX);
	assert_int_equal(d_strtoul("4294967296", NULL, 10), UINT32_MAX);
	/* a minus is taken, and wraps */
	assert_int_equal(d_strtoul("-1", NULL, 10), UINT32_MAX);
}

/* covers: strtoul */
static void the_base_is_seen_from_the_prefix(void **state)
{
	char *end;
	IMPORT(strtoul, ULONG, const char *, char **, int);

	assert_int_equal(d_strtoul("0x1fG", &end, 0), 0x1f);
	assert_string_equal(end, "G");
	assert_int_equal(d_strtoul("0X1F", NULL, 16), 0x1f);
	assert_int_equal(d_strtoul("1f", NULL, 16), 0x1f);
	assert_int_equal(d_strtoul("017", NULL, 0), 15);
	assert_int_equal(d_strtoul("017", NULL, 10), 17);
	assert_int_equal(d_strtoul("z", NULL, 36), 35);
	/* "0x" alone is the number 0 and then an x */
	assert_int_equal(d_strtoul("0xg", &end, 0), 0);
	assert_string_equal(end, "xg");
}

/* covers: strtol */
static void text_without_a_number_is_not_moved_over(void **state)
{
	const char *none = "  +x";
	char *end;
	IMPORT(strtol, LONG, const char *, char **, int);

	assert_int_equal(d_strtol(none, &end, 10), 0);
	assert_ptr_equal(end, none);
	assert_int_equal(d_strtol("", &end, 10), 0);
}

/* covers: _strtoi64, _strtoui64, strtoll, strtoull */
static void the_long_ones_have_sixty_four_bits(void **state)
{
	IMPORT(_strtoui64, ULONGLONG, const char *, char **, int);
	IMPORT(_strtoi64, LONGLONG, const char *, char **, int);
	IMPORT(strtoll, LONGLONG, const char *, char **, int);
	IMPORT(strtoull, ULONGLONG, const char *, char **, int);
	char *end;

	assert_int_equal(d__strtoui64("18446744073709551615", NULL, 10), UINT64_MAX);
	assert_int_equal(d__strtoui64("18446744073709551616", NULL, 10), UINT64_MAX);
	assert_int_equal(d__strtoui64("123456789abcdef0", NULL, 16), 0x123456789abcdef0);
	assert_int_equal(d__strtoi64("-9223372036854775808", NULL, 10), INT64_MIN);
	assert_int_equal(d__strtoi64("9223372036854775808", &end, 10), INT64_MAX);
	assert_string_equal(end, "");
	assert_int_equal(d_strtoll("-9223372036854775808x", &end, 10), INT64_MIN);
	assert_string_equal(end, "x");
	assert_int_equal(d_strtoull("0xffffffffffffffffg", &end, 0), UINT64_MAX);
	assert_string_equal(end, "g");
	assert_int_equal(d__strtoui64("7,", &end, 10), 7);
	assert_string_equal(end, ",");
}

/* covers: _wcstoi64, _wcstoui64, _wtoi, _wtoi64, _wtol, wcstol, wcstoul */
static void wide_text_is_read_alike(void **state)
{
	const WCHAR *text = u" 0x10!";
	WCHAR *end;
	IMPORT(wcstoul, ULONG, const WCHAR *, WCHAR **, int);
	IMPORT(_wtoi, int, const WCHAR *);
	IMPORT(_wtol, LONG, const WCHAR *);
	IMPORT(_wtoi64, LONGLONG, const WCHAR *);
	IMPORT(wcstol, LONG, const WCHAR *, WCHAR **, int);
	IMPORT(_wcstoi64, LONGLONG, const WCHAR *, WCHAR **, int);
	IMPORT(_wcstoui64, ULONGLONG, const WCHAR *, WCHAR **, int);

	assert_int_equal(d_wcstoul(text, &end, 0), 16);
	assert_ptr_equal(end, text + 5);
	assert_int_equal(d__wtoi(u"-77 x"), -77);
	assert_int_equal(d__wtol(u"2147483648"), INT32_MAX);
	assert_int_equal(d__wtoi64(u"-5000000000"), -5000000000);
	assert_int_equal(d_wcstol(u"-2147483649;", &end, 10), INT32_MIN);
	assert_int_equal(*end, ';');
	assert_int_equal(d__wcstoi64(u"9223372036854775808", &end, 10), INT64_MAX);
	assert_int_equal(*end, 0);
	assert_int_equal(d__wcstoui64(u"ffffffffffffffff", &end, 16), UINT64_MAX);
	assert_int_equal(*end, 0);
}

/* covers: _atoi64, atoi, atol */
static void atoi_stops_at_the_first_stranger(void **state)
{
	IMPORT(atoi, int, const char *);
	IMPORT(_atoi64, LONGLONG, const char *);
	IMPORT(atol, LONG, const char *);

	assert_int_equal(d_atol("-42-"), -42);
	assert_int_equal(d_atoi("42abc"), 42);
	assert_int_equal(d_atoi("abc"), 0);
	assert_int_equal(d__atoi64("-5000000000"), -5000000000);
}

/* covers: _i64toa, _i64tow, _itoa, _itow, _ltoa, _ltow, _ui64toa, _ui64tow, _ultoa, _ultow */
static void numbers_become_text_in_any_base(void **state)
{
	char text[72];
	WCHAR wide[72];
	IMPORT(_itoa, char *, int, char *, int);
	IMPORT(_ultoa, char *, ULONG, char *, int);
	IMPORT(_i64toa, char *, LONGLONG, char *, int);
	IMPORT(_ui64toa, char *, ULONGLONG, char *, int);
	IMPORT(_itow, WCHAR *, int, WCHAR *, int);
	IMPORT(_ltoa, char *, LONG, char *, int);
	IMPORT(_ltow, WCHAR *, LONG, WCHAR *, int);
	IMPORT(_ultow, WCHAR *, ULONG, WCHAR *, int);
	IMPORT(_i64tow, WCHAR *, LONGLONG, WCHAR *, int);
	IMPORT(_ui64tow, WCHAR *, ULONGLONG, WCHAR *, int);

	assert_string_equal(d__itoa(-255, text, 10), "-255");
	/* other bases show the bits */
	assert_string_equal(d__itoa(-1, text, 16), "ffffffff");
	assert_string_equal(d__itoa(0, text, 2), "0");
	assert_string_equal(d__itoa(INT32_MIN, text, 10), "-2147483648");
	assert_string_equal(d__ultoa(4000000000u, text, 10), "4000000000");
	assert_string_equal(d__i64toa(INT64_MIN, text, 10), "-9223372036854775808");
	assert_string_equal(d__ui64toa(UINT64_MAX, text, 36), "3w5e11264sgsf");
	assert_int_equal(strlen(d__ui64toa(UINT64_MAX, text, 2)), 64);
	assert_wide_equal(d__itow(-12, wide, 10), u"-12");
	assert_string_equal(d__ltoa(-2, text, 8), "37777777776");
	assert_wide_equal(d__ltow(INT32_MIN, wide, 10), u"-2147483648");
	assert_wide_equal(d__ultow(4000000000u, wide, 10), u"4000000000");
	assert_wide_equal(d__i64tow(-1, wide, 16), u"ffffffffffffffff");
	assert_wide_equal(d__ui64tow(UINT64_MAX, wide, 10), u"18446744073709551615");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strtol_ends_at_thirty_two_bits),
		cmocka_unit_test(the_base_is_seen_from_the_prefix),
		cmocka_unit_test(text_without_a_number_is_not_moved_over),
		cmocka_unit_test(the_long_ones_have_sixty_four_bits),
		cmocka_unit_test(wide_text_is_read_alike),
		cmocka_unit_test(atoi_stops_at_the_first_stranger),
		cmocka_unit_test(numbers_become_text_in_any_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
