/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Narrow strings, from Microsoft's pages on the C run-time library. */
#include "crt_kit.h"

static char text[16];

static void fresh(const char *with)
{
	memset(text, '#', sizeof(text));
	strcpy(text, with);
}

/* covers: strlen, strnlen */
static void lengths_stop_at_the_limit(void **state)
{
	IMPORT(strlen, size_t, const char *);
	IMPORT(strnlen, size_t, const char *, size_t);

	assert_int_equal(d_strlen("abc"), 3);
	assert_int_equal(d_strnlen("abc", 2), 2);
	assert_int_equal(d_strnlen("abc", 9), 3);
}

/* covers: strcmp, strncmp */
static void comparisons_answer_minus_one_zero_one(void **state)
{
	IMPORT(strcmp, int, const char *, const char *);
	IMPORT(strncmp, int, const char *, const char *, size_t);

	assert_int_equal(d_strcmp("a", "z"), -1);
	assert_int_equal(d_strcmp("z", "a"), 1);
	assert_int_equal(d_strcmp("ab", "ab"), 0);
	/* bytes are unsigned */
	assert_int_equal(d_strcmp("\x80", "a"), 1);
	assert_int_equal(d_strncmp("abx", "aby", 2), 0);
	assert_int_equal(d_strncmp("abx", "aby", 3), -1);
}

/* covers: _stricmp, _strnicmp */
static void comparisons_without_case_fold_ascii_only(void **state)
{
	IMPORT(_stricmp, int, const char *, const char *);
	IMPORT(_strnicmp, int, const char *, const char *, size_t);

	assert_int_equal(d__stricmp("NVMe_1", "nvmE_1"), 0);
	assert_true(d__stricmp("abc", "ABD") < 0);
	/* the letters are compared in lower case: '_' (5f) comes before 'a' (61) */
	assert_true(d__stricmp("_", "A") < 0);
	assert_true(d__stricmp("\xe9", "\xc9") != 0);
	assert_int_equal(d__strnicmp("ABCx", "abcy", 3), 0);
	assert_true(d__strnicmp("ABCx", "abcy", 4) < 0);
}

/* covers: strcat, strcpy, strncat, strncpy */
static void copies_pad_and_append_end(void **state)
{
	IMPORT(strncpy, char *, char *, const char *, size_t);
	IMPORT(strncat, char *, char *, const char *, size_t);
	IMPORT(strcpy, char *, char *, const char *);
	IMPORT(strcat, char *, char *, const char *);

	fresh("");
	assert_ptr_equal(d_strcpy(text, "ab"), text);
	assert_memory_equal(text, "ab\0#", 4);
	assert_ptr_equal(d_strcat(text, "cd"), text);
	assert_memory_equal(text, "abcd\0#", 6);
	fresh("");
	assert_ptr_equal(d_strncpy(text, "ab", 5), text);
	assert_memory_equal(text, "ab\0\0\0#", 6);
	fresh("");
	d_strncpy(text, "abcdef", 3);
	assert_memory_equal(text, "abc#", 4);
	fresh("xy");
	assert_ptr_equal(d_strncat(text, "abcdef", 2), text);
	assert_string_equal(text, "xyab");
}

/* covers: strchr, strcspn, strpbrk, strrchr, strspn, strstr */
static void searches_find_the_first_and_the_last(void **state)
{
	const char *s = "path/to/file";
	IMPORT(strchr, char *, const char *, int);
	IMPORT(strrchr, char *, const char *, int);
	IMPORT(strstr, char *, const char *, const char *);
	IMPORT(strspn, size_t, const char *, const char *);
	IMPORT(strcspn, size_t, const char *, const char *);
	IMPORT(strpbrk, char *, const char *, const char *);

	assert_ptr_equal(d_strchr(s, '/'), s + 4);
	assert_ptr_equal(d_strrchr(s, '/'), s + 7);
	assert_ptr_equal(d_strchr(s, 0), s + 12);
	assert_null(d_strchr(s, 'z'));
	assert_ptr_equal(d_strstr(s, "to"), s + 5);
	assert_null(d_strstr(s, "top"));
	assert_int_equal(d_strspn(s, "paht"), 4);
	assert_int_equal(d_strcspn(s, "/"), 4);
	assert_ptr_equal(d_strpbrk(s, "xyzo"), s + 6);
}

/* covers: _strlwr, _strrev, _strupr */
static void strings_are_changed_in_place(void **state)
{
	IMPORT(_strlwr, char *, char *);
	IMPORT(_strupr, char *, char *);
	IMPORT(_strrev, char *, char *);

	fresh("aBc_9");
	assert_string_equal(d__strupr(text), "ABC_9");
	assert_string_equal(d__strlwr(text), "abc_9");
	assert_string_equal(d__strrev(text), "9_cba");
	fresh("");
	assert_string_equal(d__strrev(text), "");
}

/* covers: strtok_s */
static void tokens_are_cut_out(void **state)
{
	char *save;
	IMPORT(strtok_s, char *, char *, const char *, char **);

	fresh(",a,,bc,");
	assert_string_equal(d_strtok_s(text, ",", &save), "a");
	assert_string_equal(d_strtok_s(NULL, ",", &save), "bc");
	assert_null(d_strtok_s(NULL, ",", &save));
}

/* EINVAL is 22, ERANGE 34, STRUNCATE 80 in Microsoft's errno.h. covers: strcpy_s, strncpy_s */
static void bounded_copies_empty_what_does_not_fit(void **state)
{
	IMPORT(strcpy_s, int, char *, size_t, const char *);
	IMPORT(strncpy_s, int, char *, size_t, const char *, size_t);

	fresh("old");
	assert_int_equal(d_strcpy_s(text, 4, "abc"), 0);
	assert_string_equal(text, "abc");
	assert_int_equal(d_strcpy_s(text, 3, "abc"), 34);
	assert_string_equal(text, "");
	fresh("old");
	assert_int_equal(d_strcpy_s(text, 4, NULL), 22);
	assert_string_equal(text, "");
	assert_int_equal(d_strcpy_s(NULL, 4, "a"), 22);
	assert_int_equal(d_strcpy_s(text, 0, "a"), 22);
	assert_int_equal(d_strncpy_s(text, 4, "abcdef", 3), 0);
	assert_string_equal(text, "abc");
	assert_int_equal(d_strncpy_s(text, 4, "abcdef", 4), 34);
	assert_string_equal(text, "");
	assert_int_equal(d_strncpy_s(text, 4, "abcdef", (size_t)-1), 80);
	assert_string_equal(text, "abc");
	assert_int_equal(d_strncpy_s(NULL, 0, NULL, 0), 0);
	assert_int_equal(d_strncpy_s(text, 4, NULL, 1), 22);
	assert_string_equal(text, "");
	assert_int_equal(d_strncpy_s(text, 4, "abc", 0), 0);
	assert_string_equal(text, "");
}

/* covers: strcat_s, strncat_s */
static void bounded_appends_empty_what_does_not_fit(void **state)
{
	IMPORT(strcat_s, int, char *, size_t, const char *);
	IMPORT(strncat_s, int, char *, size_t, const char *, size_t);

	fresh("xy");
	assert_int_equal(d_strcat_s(text, 5, "ab"), 0);
	assert_string_equal(text, "xyab");
	assert_int_equal(d_strcat_s(text, 5, "c"), 34);
	assert_string_equal(text, "");
	fresh("xy");
	assert_int_equal(d_strncat_s(text, 5, "abcdef", 2), 0);
	assert_string_equal(text, "xyab");
	fresh("xy");
	assert_int_equal(d_strncat_s(text, 5, "abcdef", (size_t)-1), 80);
	assert_string_equal(text, "xyab");
	assert_int_equal(d_strncat_s(text, 5, "c", 1), 34);
	assert_string_equal(text, "");
	assert_int_equal(d_strncat_s(NULL, 0, NULL, 0), 0);
	/* a destination without an end */
	memset(text, '#', sizeof(text));
	assert_int_equal(d_strncat_s(text, 5, "a", 1), 22);
	memset(text, '#', sizeof(text));
	assert_int_equal(d_strcat_s(text, 5, "a"), 22);
	assert_int_equal(text[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_stop_at_the_limit),
		cmocka_unit_test(comparisons_answer_minus_one_zero_one),
		cmocka_unit_test(comparisons_without_case_fold_ascii_only),
		cmocka_unit_test(copies_pad_and_append_end),
		cmocka_unit_test(searches_find_the_first_and_the_last),
		cmocka_unit_test(strings_are_changed_in_place),
		cmocka_unit_test(tokens_are_cut_out),
		cmocka_unit_test(bounded_copies_empty_what_does_not_fit),
		cmocka_unit_test(bounded_appends_empty_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
