/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Rtl: conversions of counted strings and numbers. */
#include "nt_kit.h"
#include <uchar.h>

static bool is(PCUNICODE_STRING string, const char16_t *text)
{
	unsigned n = 0;

	while (text[n])
		n++;
	return string->Length == n * 2 && !memcmp(string->Buffer, text, n * 2);
}

/* covers: RtlFreeAnsiString, RtlUnicodeStringToAnsiString */
NT_TEST(ansi_becomes_unicode_and_back)
{
	UNICODE_STRING wide;
	ANSI_STRING ansi, again;

	/* code page 1252: 0x80 is the euro sign, 0xe4 a umlaut */
	RtlInitAnsiString(&ansi, "dry \x80\xe4");
	CHECK_EQUAL(RtlAnsiStringToUnicodeString(&wide, &ansi, TRUE), STATUS_SUCCESS);
	CHECK(is(&wide, u"dry \u20ac\u00e4"));
	CHECK_EQUAL(wide.Buffer[6], 0);
	CHECK_EQUAL(RtlUnicodeStringToAnsiString(&again, &wide, TRUE), STATUS_SUCCESS);
	CHECK(again.Length == 6 && !strcmp(again.Buffer, "dry \x80\xe4"));
	RtlFreeAnsiString(&again);
	CHECK(again.Buffer == NULL);
	RtlFreeUnicodeString(&wide);
	CHECK(wide.Buffer == NULL && wide.Length == 0);
	RtlFreeUnicodeString(&wide); /* nothing to free */
}

NT_TEST(what_ansi_lacks_becomes_a_question_mark)
{
	UNICODE_STRING wide;
	char room[8];
	ANSI_STRING ansi = {.MaximumLength = sizeof(room), .Buffer = room};

	RtlInitUnicodeString(&wide, (PCWSTR)u"a\u4e2db");
	CHECK_EQUAL(RtlUnicodeStringToAnsiString(&ansi, &wide, FALSE), STATUS_SUCCESS);
	CHECK(!strcmp(room, "a?b"));
}

/* covers: RtlAnsiStringToUnicodeString, RtlUnicodeStringToAnsiString, RtlUpcaseUnicodeString */
NT_TEST(without_allocation_the_text_and_its_end_must_fit)
{
	WCHAR room[5] = {0x7777, 0x7777, 0x7777, 0x7777, 0x7777};
	UNICODE_STRING wide = {.MaximumLength = 8, .Buffer = room}, text;
	char letters[4] = "####";
	ANSI_STRING ansi, narrow = {.MaximumLength = 4, .Buffer = letters};

	RtlInitAnsiString(&ansi, "abcd");
	CHECK(!NT_SUCCESS(ddi_result(
		RtlAnsiStringToUnicodeString, RtlAnsiStringToUnicodeString(&wide, &ansi, FALSE))));
	CHECK_EQUAL(room[0], 0x7777);
	RtlInitUnicodeString(&text, (PCWSTR)u"abcd");
	CHECK(!NT_SUCCESS(ddi_result(RtlUnicodeStringToAnsiString,
		RtlUnicodeStringToAnsiString(&narrow, &text, FALSE))));
	CHECK_EQUAL(letters[0], '#');
	wide.MaximumLength = 6;
	CHECK(!NT_SUCCESS(
		ddi_result(RtlUpcaseUnicodeString, RtlUpcaseUnicodeString(&wide, &text, FALSE))));
	CHECK_EQUAL(room[0], 0x7777);
	wide.MaximumLength = 8;
	RtlInitAnsiString(&ansi, "abc");
	CHECK_EQUAL(RtlAnsiStringToUnicodeString(&wide, &ansi, FALSE), STATUS_SUCCESS);
	CHECK(is(&wide, u"abc") && room[3] == 0 && room[4] == 0x7777);
}

/* covers: RtlInitAnsiString */
NT_TEST(a_string_too_long_for_unicode_is_refused)
{
	static char text[40000];
	UNICODE_STRING wide = {0};
	ANSI_STRING ansi;

	memset(text, 'x', sizeof(text) - 1);
	RtlInitAnsiString(&ansi, text);
	CHECK(!NT_SUCCESS(RtlAnsiStringToUnicodeString(&wide, &ansi, TRUE)));
}

/* covers: RtlUpcaseUnicodeChar, RtlUpcaseUnicodeString */
NT_TEST(upper_case)
{
	UNICODE_STRING from, to;

	RtlInitUnicodeString(&from, (PCWSTR)u"dryPort9 \u00e4\u00df\u00ff\u03b1\u044f\u0101");
	CHECK_EQUAL(RtlUpcaseUnicodeString(&to, &from, TRUE), STATUS_SUCCESS);
	CHECK(is(&to, u"DRYPORT9 \u00c4\u00df\u0178\u0391\u042f\u0100"));
	RtlFreeUnicodeString(&to);
	CHECK_EQUAL(RtlUpcaseUnicodeChar('z'), 'Z');
	CHECK_EQUAL(RtlUpcaseUnicodeChar('Z'), 'Z');
	CHECK_EQUAL(RtlUpcaseUnicodeChar(0xd7), 0xd7);
	CHECK_EQUAL(RtlUpcaseUnicodeChar(0xf7), 0xf7);
}

/* The table of the routine's page, then the prefixes of base 0. */
/* covers: RtlUnicodeStringToInteger */
NT_TEST(text_becomes_an_integer_as_documented)
{
	static const struct {
		const char16_t *text;
		ULONG base, value;
	} cases[] = {{u"123", 10, 123}, {u"-345", 10, (ULONG)-345}, {u"xyz", 10, 0},
		{u"+678abc", 10, 678}, {u"+678abc", 16, 0x678abc}, {u"007", 10, 7}, {u"789", 8, 7},
		{u"FGH", 16, 15}, {u" ", 10, 0}, {u"0x1F", 0, 31}, {u"0o17", 0, 15},
		{u"0b101", 0, 5}, {u"42", 0, 42}, {u"  -0x10", 0, (ULONG)-16},
		{u"4294967295", 10, 0xffffffff}};

	for (unsigned i = 0; i < array_size(cases); i++) {
		UNICODE_STRING text;
		ULONG value = 0x5a5a5a5a;

		RtlInitUnicodeString(&text, (PCWSTR)cases[i].text);
		CHECK_EQUAL(
			RtlUnicodeStringToInteger(&text, cases[i].base, &value), STATUS_SUCCESS);
		CHECK_EQUAL(value, cases[i].value);
	}
}

/* covers: RtlUnicodeStringToInt64 */
NT_TEST(text_becomes_an_integer_of_64_bits_that_ends_somewhere)
{
	UNICODE_STRING text;
	PWSTR end = NULL;
	LONG64 value = 0;

	RtlInitUnicodeString(&text, (PCWSTR)u" -0x123456789abcdefX");
	CHECK_EQUAL(RtlUnicodeStringToInt64(&text, 0, &value, &end), STATUS_SUCCESS);
	CHECK_EQUAL(value, -0x123456789abcdefll);
	CHECK(end == text.Buffer + 19);
	RtlInitUnicodeString(&text, (PCWSTR)u"4294967296");
	CHECK_EQUAL(RtlUnicodeStringToInt64(&text, 10, &value, NULL), STATUS_SUCCESS);
	CHECK_EQUAL(value, 0x100000000ll);
	CHECK_EQUAL(RtlUnicodeStringToInt64(&text, 3, &value, NULL), STATUS_INVALID_PARAMETER);
}

/* covers: RtlInitUnicodeString, RtlIntegerToUnicodeString, RtlUnicodeStringToInteger */
NT_TEST(an_empty_string_or_a_strange_base_is_an_invalid_parameter)
{
	UNICODE_STRING text;
	WCHAR room[8];
	UNICODE_STRING out = {.MaximumLength = sizeof(room), .Buffer = room};
	ULONG value;

	RtlInitUnicodeString(&text, (PCWSTR)u"");
	CHECK_EQUAL(RtlUnicodeStringToInteger(&text, 10, &value), STATUS_INVALID_PARAMETER);
	RtlInitUnicodeString(&text, (PCWSTR)u"1");
	CHECK_EQUAL(RtlUnicodeStringToInteger(&text, 7, &value), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(RtlIntegerToUnicodeString(1, 3, &out), STATUS_INVALID_PARAMETER);
}

/* covers: RtlInt64ToUnicodeString */
NT_TEST(integers_become_text)
{
	static const struct {
		uint64_t value;
		ULONG base;
		const char16_t *text;
	} cases[] = {{0, 10, u"0"}, {4294967295, 10, u"4294967295"}, {255, 16, u"FF"},
		{8, 8, u"10"}, {5, 2, u"101"}, {77, 0, u"77"}};
	WCHAR room[70];
	UNICODE_STRING out = {.MaximumLength = sizeof(room), .Buffer = room};

	for (unsigned i = 0; i < array_size(cases); i++) {
		CHECK_EQUAL(RtlIntegerToUnicodeString((ULONG)cases[i].value, cases[i].base, &out),
			STATUS_SUCCESS);
		CHECK(is(&out, cases[i].text) && room[out.Length / 2] == 0);
		CHECK_EQUAL(RtlInt64ToUnicodeString(cases[i].value, cases[i].base, &out),
			STATUS_SUCCESS);
		CHECK(is(&out, cases[i].text));
	}
	CHECK_EQUAL(RtlInt64ToUnicodeString(UINT64_MAX, 10, &out), STATUS_SUCCESS);
	CHECK(is(&out, u"18446744073709551615"));
	CHECK_EQUAL(RtlInt64ToUnicodeString(UINT64_MAX, 2, &out), STATUS_SUCCESS);
	CHECK_EQUAL(out.Length, 128);
	out.MaximumLength = 4;
	CHECK_EQUAL(RtlIntegerToUnicodeString(100, 10, &out), STATUS_BUFFER_OVERFLOW);
	CHECK_EQUAL(RtlInt64ToUnicodeString(100, 10, &out), STATUS_BUFFER_OVERFLOW);
	CHECK_EQUAL(RtlIntegerToUnicodeString(10, 10, &out),
		STATUS_SUCCESS); /* the end needs no room */
}

/* covers: RtlFreeUnicodeString */
NT_TEST(a_foreign_buffer_is_not_freed)
{
	WCHAR room[8];
	UNICODE_STRING string = {.MaximumLength = sizeof(room), .Buffer = room};

	RtlFreeUnicodeString(&string);
	CHECK_VIOLATION(0xC4000010, "RtlFreeUnicodeString");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ansi_becomes_unicode_and_back),
		cmocka_unit_test(what_ansi_lacks_becomes_a_question_mark),
		cmocka_unit_test(without_allocation_the_text_and_its_end_must_fit),
		cmocka_unit_test(a_string_too_long_for_unicode_is_refused),
		cmocka_unit_test(upper_case),
		cmocka_unit_test(text_becomes_an_integer_as_documented),
		cmocka_unit_test(text_becomes_an_integer_of_64_bits_that_ends_somewhere),
		cmocka_unit_test(an_empty_string_or_a_strange_base_is_an_invalid_parameter),
		cmocka_unit_test(integers_become_text),
		cmocka_unit_test(a_foreign_buffer_is_not_freed),
	};

	return cmocka_run_group_tests_name("nt/rtl_convert", tests, NULL, NULL);
}
