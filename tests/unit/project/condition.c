/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Conditions: each row is a statement of Microsoft's pages "MSBuild conditions" and "MSBuild
 * special characters", with a value that follows from it.
 */
#include "project_kit.h"

static void world(void)
{
	kit_good("<PropertyGroup><A>DEBUG</A><Empty></Empty><Seven>7</Seven><Yes>true</Yes>"
		 "<V>17.9.2</V><Stamp>$([Some.Where]::Now)</Stamp>"
		 "<Path>a\\b.c\\</Path></PropertyGroup>");
}

/* 0, 1, or -1 for a failure. */
static int evaluate(const char *text)
{
	const struct scope scope = {
		.project = &kit_project, .node = project_root(&kit_project), .folder = kit_folder};
	bool result;

	return condition_check(&scope, text, &result) ? -1 : result;
}

static const struct row {
	const char *text;
	int value;
} rows[] = {
	/* nothing to hold */
	{"", 1},
	{"  ", 1},
	/* 'stringA' == 'stringB': letters are equal in either case */
	{"'$(A)'=='DEBUG'", 1},
	{"'$(A)' == 'debug'", 1},
	{"'$(A)' == 'RELEASE'", 0},
	{"'$(A)' != 'DEBUG'", 0},
	{"'$(A)' != 'x'", 1},
	{"'$(a)|$(Platform)'=='Debug|X64'", 1},
	/* single quotes are not required for simple alphanumeric strings or boolean values */
	{"$(A) == DEBUG", 1},
	{"$(Yes) == true", 1},
	{"$(Yes)", 1},
	{"'$(Empty)' == ''", 1},
	{"'$(Nowhere)' == ''", 1},
	{"'x' == ''", 0},
	/* numbers: decimal, or hexadecimal with 0x */
	{"'7.0' == '$(Seven)'", 1},
	{"0x10 == 16", 1},
	{"$(Seven) < 10", 1},
	{"$(Seven) > 10", 0},
	{"'$(Seven)' <= '7'", 1},
	{"'$(Seven)' >= '0x8'", 0},
	{"-1 < 0", 1},
	{"'$(V)' >= '16.0'", 1},
	{"'$(V)' < '17.10'", 1},
	{"'x' < '1'", -1},
	{"'' >= '16'", -1},
	/* truth: true, on, yes and their opposites */
	{"'on' == 'true'", 1},
	{"'no' == 'false'", 1},
	{"'yes' == 'off'", 0},
	{"'!false' == 'true'", 1},
	{"true", 1},
	{"'off'", 0},
	{"'$(A)'", -1},
	/* Exists: a file or folder; a trailing slash of either kind */
	{"Exists('here.txt')", 1},
	{"exists('HERE.TXT')", 1},
	{"Exists('sub\\deep.txt')", 1},
	{"Exists('Sub')", 1},
	{"Exists('nowhere.txt')", 0},
	{"!Exists('nowhere.txt')", 1},
	{"Exists('')", 0},
	{"Exists('C:\\here.txt')", 0},
	{"HasTrailingSlash('$(Path)')", 1},
	{"HasTrailingSlash('a/')", 1},
	{"HasTrailingSlash('a')", 0},
	{"HasTrailingSlash('')", 0},
	/* !, And, Or, ( ): And binds more tightly than Or */
	{"!true", 0},
	{"!(false)", 1},
	{"!!true", 1},
	{"true And false", 0},
	{"true AND true", 1},
	{"false Or true", 1},
	{"true or false and false", 1},
	{"(true or false) and false", 0},
	{"'a'=='a' And ('b'=='c' Or !('b'=='c'))", 1},
	/* what decides nothing is not evaluated */
	{"false And '$(Stamp)' == ''", 0},
	{"true Or $(Stamp)", 1},
	{"true And '$(Stamp)' == ''", -1},
	/* functions of properties, their quotes inside of a quoted string */
	{"$(A.EndsWith('BUG'))", 1},
	{"'$(Path.Split('.')[1])' == 'c\\'", 1},
	{"'$(A.Replace('DE','))'))' == '))BUG'", 1},
	/* escapes stand for their character, and end nothing */
	{"'a%27b' == 'a%27B'", 1},
	{"'%41' == 'A'", 1},
	{"'a%00b' == 'a'", 0},
	{"'100%25' == '100%25'", 1},
	/* not a condition */
	{"'a' ==", -1},
	{"'a", -1},
	{"'a' == 'b' 'c'", -1},
	{"(true", -1},
	{"true)", -1},
	{"Exists 'a'", -1},
	{"Exists('a'", -1},
	{"== 'a'", -1},
	{"true &amp;&amp; true", -1},
	{"$(A", -1},
	{"'a' = 'a'", -1},
	{"And", -1},
};

static void conditions_mean_what_the_page_says(void **state)
{
	kit_write("here.txt", "");
	kit_write("sub/deep.txt", "");
	world();
	for (size_t i = 0; i < array_size(rows); i++)
		if (evaluate(rows[i].text) != rows[i].value)
			fail_msg("%s: not %d (%s)", rows[i].text, rows[i].value, error_text());
}

static void a_failure_shows_the_place_and_the_condition(void **state)
{
	kit_bad("<PropertyGroup>\n <X Condition=\"'a' ==\">1</X></PropertyGroup>",
		"p.vcxproj:3: Condition \"'a' ==\": it ends too early");
	kit_bad("<PropertyGroup Condition=\"'x' > '3'\"/>",
		"p.vcxproj:2: Condition \"'x' > '3'\": what < and > compare is not a number");
	kit_bad("<PropertyGroup><Stamp>$([A.B]::C())</Stamp></PropertyGroup>\n"
		"<PropertyGroup Condition=\"'$(Stamp)'==''\"/>",
		"p.vcxproj:3: $(Stamp) is unknown: p.vcxproj:2: the property function A.B::C is "
		"not supported");
}

static void depth_is_limited(void **state)
{
	char deep[3000];

	world();
	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = 0;
	assert_int_equal(evaluate(deep), -1);
	memset(deep, '!', sizeof(deep) - 1);
	assert_int_equal(evaluate(deep), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(conditions_mean_what_the_page_says),
		kit_test(a_failure_shows_the_place_and_the_condition),
		kit_test(depth_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
