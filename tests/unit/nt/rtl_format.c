/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Windows' formats, from Microsoft's page "Format specification syntax: printf and wprintf
 * functions" and from "How to use DbgPrint format specifiers" (%wZ). A long has 32 bits here.
 */
#include "nt/format.h"
#include "crt_kit.h"

#include <limits.h>

static char text[128];
static WCHAR wide[128];

static NTAPI int f(const char *format, ...)
{
	__builtin_ms_va_list args;
	int length;

	memset(text, '#', sizeof(text));
	__builtin_ms_va_start(args, format);
	length = nt_vformat(text, sizeof(text), format, args);
	__builtin_ms_va_end(args);
	if (length >= 0 && length < (int)sizeof(text))
		assert_int_equal(strlen(text), length);
	return length;
}

static NTAPI int w(const WCHAR *format, ...)
{
	__builtin_ms_va_list args;
	int length;

	__builtin_ms_va_start(args, format);
	length = nt_vformat_wide(wide, array_size(wide), format, args);
	__builtin_ms_va_end(args);
	return length;
}

static NTAPI int sized(char *out, size_t size, bool raw, const char *format, ...)
{
	__builtin_ms_va_list args;
	int length;

	__builtin_ms_va_start(args, format);
	length =
		raw ? nt_vformat_raw(out, size, format, args) : nt_vformat(out, size, format, args);
	__builtin_ms_va_end(args);
	return length;
}

#define GIVES(want, ...)                                                                           \
	f(__VA_ARGS__);                                                                            \
	assert_string_equal(text, want)

static void integers_have_windows_sizes(void **state)
{
	/* dirt in the upper half of the slot: long and int are 32 bits, I and I64 are 64 */
	GIVES("-1 -1 4294967295", "%d %ld %lu", 0x7fffffffffffffffll, -1ll, 0x12345678ffffffffll);
	GIVES("1311768467463790320", "%I64d", 0x123456789abcdef0ll);
	GIVES("123456789abcdef0 123456789ABCDEF0", "%I64x %I64X", 0x123456789abcdef0ll,
		0x123456789abcdef0ll);
	GIVES("123456789abcdef0 9abcdef0", "%Ix %I32x", 0x123456789abcdef0ll, 0x123456789abcdef0ll);
	GIVES("123456789abcdef0 123456789abcdef0 123456789abcdef0 123456789abcdef0",
		"%llx %zx %jx %tx", 0x123456789abcdef0ll, 0x123456789abcdef0ll,
		0x123456789abcdef0ll, 0x123456789abcdef0ll);
	GIVES("-2 65534 -1 255", "%hd %hu %hhd %hhu", 0x1fffell, 0x1fffell, 0xfffll, 0xfffll);
	GIVES("-9223372036854775808", "%I64d", INT64_MIN);
	GIVES("-2147483648 2147483648", "%i %u", INT32_MIN, INT32_MIN);
	GIVES("17", "%o", 15);
}

static void flags_width_and_precision_pad(void **state)
{
	GIVES("[   42][42   ][00042][  042]", "[%5d][%-5d][%05d][%5.3d]", 42, 42, 42, 42);
	GIVES("[+7][ 7][-7][+07]", "[%+d][% d][%+d][%+.2d]", 7, 7, -7, 7);
	GIVES("[0x1f][0X1F][037][0][0]", "[%#x][%#X][%#o][%#x][%#o]", 31, 31, 31, 0, 0);
	GIVES("[-0042][  -42][0x00ff]", "[%05d][%5d][%#06x]", -42, -42, 255);
	/* precision wins over the zero flag; minus over zero */
	GIVES("[  007][7    ]", "[%05.3d][%-05d]", 7, 7);
	/* zero with precision zero has no digit */
	GIVES("[][  ]", "[%.0d][%2.0x]", 0, 0);
	GIVES("[    7][7    ][007]", "[%*d][%*d][%.*d]", 5, 7, -5, 7, 3, 7);
	GIVES("[7]", "[%.*d]", -3, 7);
}

static void a_pointer_has_sixteen_capital_digits(void **state)
{
	GIVES("00000000DEADBEEF 0000000000000000", "%p %p", (void *)0xdeadbeef, NULL);
	GIVES("[  FFFF800012345678]", "[%18p]", (void *)0xffff800012345678);
}

static void strings_of_either_width_go_into_narrow_text(void **state)
{
	const WCHAR *hello = u"hello";

	GIVES("narrow narrow narrow", "%s %hs %hS", "narrow", "narrow", "narrow");
	GIVES("hello hello hello hello", "%S %ls %ws %lS", hello, hello, hello, hello);
	GIVES("[   ab][ab   ][a][he]", "[%5s][%-5s][%.1s][%.2S]", "ab", "ab", "ab", hello);
	GIVES("(null) (null)", "%s %ws", NULL, NULL);
	/* a precision bounds what is read: there is no zero behind these */
	GIVES("xy", "%.2s", (char[]){'x', 'y'});
	GIVES("e9:\xe9 ?", "e9:%ws %ws", u"\u00e9", u"\u4e00");
}

static void characters_take_the_width_that_is_asked_for(void **state)
{
	GIVES("a b c d", "%c %C %hc %lc", 'a', u'b', 'c', u'd');
	GIVES("[  x][x  ]", "[%3c][%-3c]", 'x', 'x');
	/* a zero is a character like any other */
	assert_int_equal(sized(text, 8, false, "a%cb", 0), 3);
	assert_memory_equal(text, "a\0b", 4);
}

static void counted_strings_need_no_zero(void **state)
{
	WCHAR letters[] = {'a', 'b', 'c', 'd'};
	UNICODE_STRING unicode = {6, 8, letters}, empty = {0};
	STRING ansi = {2, 4, "wxyz"};

	GIVES("abc|  abc|ab|wx|", "%wZ|%5wZ|%.2wZ|%Z|%wZ", &unicode, &unicode, &unicode, &ansi,
		&(UNICODE_STRING){0, 0, letters});
	GIVES("(null) (null)", "%wZ %wZ", NULL, &empty);
}

static void what_means_nothing_is_copied(void **state)
{
	GIVES("100% y !", "100%% %y %!");
	GIVES("end", "end%");
}

static void percent_n_is_refused(void **state)
{
	int n = 5;

	assert_int_equal(f("abc%n", &n), -1);
	assert_int_equal(n, 5);
	assert_string_equal(text, "");
}

static void doubles_are_printed_as_c_does(void **state)
{
	GIVES("3.140000 -2.50 1.000000e+10", "%f %.2f %e", 3.14, -2.5, 1e10);
	GIVES("[   2.5][2.5   ][+0002.5][1e-05]", "[%6.1f][%-6.1f][%+07.1f][%g]", 2.5, 2.5, 2.5,
		0.00001);
}

static void wide_functions_swap_the_letters(void **state)
{
	assert_int_equal(w(u"%s|%S|%hs|%ws|%d", u"wide", "narrow", "n", u"w", 5),
		4 + 1 + 6 + 1 + 1 + 1 + 1 + 1 + 1);
	assert_wide_equal(wide, u"wide|narrow|n|w|5");
	assert_int_equal(w(u"%c%C\u4e00%s", u'\u4e01', 'x', u"\u4e02"), 4);
	assert_wide_equal(wide, u"\u4e01x\u4e00\u4e02");
}

static void text_is_cut_and_ended_where_the_buffer_ends(void **state)
{
	char out[8];

	memset(out, '#', sizeof(out));
	assert_int_equal(sized(out, 4, false, "%s", "abcdef"), 6);
	assert_memory_equal(out, "abc\0####", 8);
	assert_int_equal(sized(out, 0, false, "%s", "abcdef"), 6);
	assert_memory_equal(out, "abc\0####", 8);
	assert_int_equal(sized(out, 4, true, "%s", "ABCDEF"), 6);
	assert_memory_equal(out, "ABCD####", 8);
	assert_int_equal(sized(NULL, 0, true, "%d", 12345), 5);
}

static void absurd_widths_cost_nothing(void **state)
{
	char out[8];

	assert_int_equal(sized(out, 8, false, "%1000000000d", 7), 1000000000);
	assert_string_equal(out, "       ");
	assert_int_equal(sized(out, 8, false, "%.99999999999999999999s", "ab"), 2);
	/* longer than an int can say */
	assert_int_equal(sized(out, 8, false, "%1000000000d%1000000000d%1000000000d", 1, 2, 3), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_have_windows_sizes),
		cmocka_unit_test(flags_width_and_precision_pad),
		cmocka_unit_test(a_pointer_has_sixteen_capital_digits),
		cmocka_unit_test(strings_of_either_width_go_into_narrow_text),
		cmocka_unit_test(characters_take_the_width_that_is_asked_for),
		cmocka_unit_test(counted_strings_need_no_zero),
		cmocka_unit_test(what_means_nothing_is_copied),
		cmocka_unit_test(percent_n_is_refused),
		cmocka_unit_test(doubles_are_printed_as_c_does),
		cmocka_unit_test(wide_functions_swap_the_letters),
		cmocka_unit_test(text_is_cut_and_ended_where_the_buffer_ends),
		cmocka_unit_test(absurd_widths_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
