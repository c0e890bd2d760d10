/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Rtl: counted strings. */
#include "nt_kit.h"
#include <uchar.h>

static bool is(PCUNICODE_STRING string, const char16_t *text)
{
	unsigned n = 0;

	while (text[n])
		n++;
	return string->Length == n * 2 && !memcmp(string->Buffer, text, n * 2);
}

/* covers: RtlInitString */
NT_TEST(init_measures_and_points)
{
	static WCHAR longest[40000];
	UNICODE_STRING unicode;
	ANSI_STRING ansi;

	RtlInitUnicodeString(&unicode, (PCWSTR)u"dry");
	CHECK(unicode.Length == 6 && unicode.MaximumLength == 8 && is(&unicode, u"dry"));
	RtlInitUnicodeString(&unicode, (PCWSTR)u"");
	CHECK(unicode.Length == 0 && unicode.MaximumLength == 2 && unicode.Buffer);
	RtlInitUnicodeString(&unicode, NULL);
	CHECK(unicode.Length == 0 && unicode.MaximumLength == 0 && !unicode.Buffer);
	for (unsigned i = 0; i < 39999; i++)
		longest[i] = 'x';
	RtlInitUnicodeString(&unicode, longest);
	CHECK(unicode.Length == 0xfffc && unicode.MaximumLength == 0xfffe);

	RtlInitAnsiString(&ansi, "port");
	CHECK(ansi.Length == 4 && ansi.MaximumLength == 5 && !strcmp(ansi.Buffer, "port"));
	RtlInitString(&ansi, NULL);
	CHECK(ansi.Length == 0 && ansi.MaximumLength == 0 && !ansi.Buffer);
}

/* covers: RtlCopyUnicodeString */
NT_TEST(copies_are_cut_at_the_room_there_is)
{
	WCHAR room[4] = {1, 1, 1, 0x7777};
	UNICODE_STRING to = {.MaximumLength = 6, .Buffer = room}, from;

	RtlInitUnicodeString(&from, (PCWSTR)u"ab");
	RtlCopyUnicodeString(&to, &from);
	CHECK(is(&to, u"ab") && room[2] == 0);
	RtlInitUnicodeString(&from, (PCWSTR)u"abcdef");
	RtlCopyUnicodeString(&to, &from);
	CHECK(is(&to, u"abc") && room[3] == 0x7777);
	CHECK(to.MaximumLength == 6 && to.Buffer == room);
	RtlCopyUnicodeString(&to, NULL);
	CHECK_EQUAL(to.Length, 0);
}

/* covers: RtlAppendUnicodeStringToString, RtlAppendUnicodeToString */
NT_TEST(appending_fits_wholly_or_not_at_all)
{
	WCHAR room[7] = {0, 0, 0, 0, 0, 0, 0x7777};
	UNICODE_STRING to = {.MaximumLength = 12, .Buffer = room}, more;

	RtlInitUnicodeString(&more, (PCWSTR)u"abc");
	CHECK_EQUAL(RtlAppendUnicodeStringToString(&to, &more), STATUS_SUCCESS);
	CHECK_EQUAL(RtlAppendUnicodeToString(&to, (PCWSTR)u"de"), STATUS_SUCCESS);
	CHECK(is(&to, u"abcde") && room[5] == 0);
	CHECK_EQUAL(RtlAppendUnicodeStringToString(&to, &more), STATUS_BUFFER_TOO_SMALL);
	CHECK(is(&to, u"abcde"));
	CHECK_EQUAL(RtlAppendUnicodeToString(&to, (PCWSTR)u"f"), STATUS_SUCCESS);
	CHECK(is(&to, u"abcdef") && room[6] == 0x7777);
	CHECK_EQUAL(RtlAppendUnicodeToString(&to, (PCWSTR)u"g"), STATUS_BUFFER_TOO_SMALL);
	CHECK_EQUAL(RtlAppendUnicodeToString(&to, NULL), STATUS_SUCCESS);
}

/* covers: RtlCompareUnicodeString, RtlEqualUnicodeString */
NT_TEST(comparison_is_by_character_then_length)
{
	static const struct {
		const char16_t *a, *b;
		int sign, sign_caseless;
	} cases[] = {{u"abc", u"abc", 0, 0}, {u"abc", u"abd", -1, -1}, {u"b", u"abc", 1, 1},
		{u"ab", u"abc", -1, -1}, {u"", u"", 0, 0}, {u"", u"a", -1, -1},
		{u"ABC", u"abc", -1, 0}, {u"aBd", u"AbC", 1, 1},
		{u"\u00e4\u044f\u03c9", u"\u00c4\u042f\u03a9", 1, 0}};

	for (unsigned i = 0; i < array_size(cases); i++) {
		UNICODE_STRING a, b;
		LONG result;

		RtlInitUnicodeString(&a, (PCWSTR)cases[i].a);
		RtlInitUnicodeString(&b, (PCWSTR)cases[i].b);
		result = RtlCompareUnicodeString(&a, &b, FALSE);
		CHECK((result > 0) - (result < 0) == cases[i].sign);
		result = RtlCompareUnicodeString(&a, &b, TRUE);
		CHECK((result > 0) - (result < 0) == cases[i].sign_caseless);
		CHECK_EQUAL(RtlEqualUnicodeString(&a, &b, FALSE), cases[i].sign == 0);
		CHECK_EQUAL(RtlEqualUnicodeString(&a, &b, TRUE), cases[i].sign_caseless == 0);
	}
}

NT_TEST(comparison_above_passive_level_is_reported)
{
	UNICODE_STRING a;
	KIRQL old = KeRaiseIrqlToDpcLevel();

	RtlInitUnicodeString(&a, (PCWSTR)u"a");
	CHECK_NO_VIOLATION();
	CHECK_EQUAL(RtlCompareUnicodeString(&a, &a, FALSE), 0);
	CHECK_VIOLATION(0xC40000E5, "RtlCompareUnicodeString called at IRQL 2");
	KeLowerIrql(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_measures_and_points),
		cmocka_unit_test(copies_are_cut_at_the_room_there_is),
		cmocka_unit_test(appending_fits_wholly_or_not_at_all),
		cmocka_unit_test(comparison_is_by_character_then_length),
		cmocka_unit_test(comparison_above_passive_level_is_reported),
	};

	return cmocka_run_group_tests_name("nt/rtl_string", tests, NULL, NULL);
}
