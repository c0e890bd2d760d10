/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Classes of characters against the host's in its "C" locale, which agrees with the kernel's for
 * ASCII; sorting and searching.
 */
#include "crt_kit.h"

#include <ctype.h>

/*
 * covers: isalnum, isalpha, iscntrl, isdigit, isgraph, islower, isprint, ispunct, isspace,
 * isupper, iswalnum, iswalpha, iswcntrl, iswdigit, iswgraph, iswlower, iswprint, iswpunct,
 * iswspace, iswupper, iswxdigit, isxdigit
 */
static void ascii_is_classed_as_the_c_locale_does(void **state)
{
	static const struct {
		const char *name, *wide_name;
		int (*host)(int);
	} classes[] = {{"isupper", "iswupper", isupper}, {"islower", "iswlower", islower},
		{"isdigit", "iswdigit", isdigit}, {"isalpha", "iswalpha", isalpha},
		{"isalnum", "iswalnum", isalnum}, {"isxdigit", "iswxdigit", isxdigit},
		{"isspace", "iswspace", isspace}, {"isprint", "iswprint", isprint},
		{"isgraph", "iswgraph", isgraph}, {"ispunct", "iswpunct", ispunct},
		{"iscntrl", "iswcntrl", iscntrl}};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		int NTAPI (*narrow)(int) = import_find(classes[i].name);
		int NTAPI (*wide)(WCHAR) = import_find(classes[i].wide_name);

		for (int c = 0; c < 128; c++) {
			if (!narrow(c) != !classes[i].host(c) ||
				!wide((WCHAR)c) != !classes[i].host(c))
				fail_msg("%s(%d)", classes[i].name, c);
		}
		assert_false(narrow(-1));
		assert_false(wide(0x4e00));
	}
}

/* covers: tolower, toupper, towlower, towupper */
static void case_changes_for_ascii_letters_only(void **state)
{
	IMPORT(tolower, int, int);
	IMPORT(toupper, int, int);
	IMPORT(towlower, WCHAR, WCHAR);
	IMPORT(towupper, WCHAR, WCHAR);

	for (int c = 0; c < 128; c++) {
		assert_int_equal(d_tolower(c), tolower(c));
		assert_int_equal(d_toupper(c), toupper(c));
		assert_int_equal(d_towlower((WCHAR)c), tolower(c));
		assert_int_equal(d_towupper((WCHAR)c), toupper(c));
	}
	assert_int_equal(d_toupper(0xe9), 0xe9);
	assert_int_equal(d_towupper(0xe9), 0xe9);
}

/* covers: abs, labs */
static void absolute_values_have_no_sign(void **state)
{
	IMPORT(abs, int, int);
	IMPORT(labs, LONG, LONG);

	assert_int_equal(d_abs(-7), 7);
	assert_int_equal(d_abs(7), 7);
	assert_int_equal(d_labs(-INT32_MAX), INT32_MAX);
}

static unsigned compared;

static int NTAPI compare(const void *a, const void *b)
{
	const int *x = a, *y = b;

	compared++;
	return (*x > *y) - (*x < *y);
}

/* covers: qsort */
static void sorting_orders_every_pattern(void **state)
{
	IMPORT(qsort, void, void *, size_t, size_t, int NTAPI (*)(const void *, const void *));
	int v[97];
	unsigned seed = 1;

	for (int n = 0; n <= 97; n++) {
		long sum = 0, after = 0;

		for (int i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			v[i] = n % 3 == 0 ? i : n % 3 == 1 ? n - i : (int)(seed >> 16) % 20;
			sum += v[i] * (v[i] + 1L);
		}
		d_qsort(v, (size_t)n, sizeof(v[0]), compare);
		for (int i = 0; i < n; i++) {
			after += v[i] * (v[i] + 1L);
			assert_true(!i || v[i - 1] <= v[i]);
		}
		assert_int_equal(sum, after);
	}
}

/* covers: bsearch */
static void searching_finds_each_and_only_what_is_there(void **state)
{
	IMPORT(bsearch, void *, const void *, const void *, size_t, size_t,
		int NTAPI (*)(const void *, const void *));
	int v[50];

	for (int i = 0; i < 50; i++)
		v[i] = 2 * i;
	for (int n = 0; n <= 50; n++) {
		for (int key = -1; key <= 100; key++) {
			int *found = d_bsearch(&key, v, (size_t)n, sizeof(v[0]), compare);

			if (key >= 0 && key % 2 == 0 && key / 2 < n)
				assert_ptr_equal(found, &v[key / 2]);
			else
				assert_null(found);
		}
	}
	compared = 0;
	d_bsearch(&(int){98}, v, 50, sizeof(v[0]), compare);
	assert_true(compared <= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ascii_is_classed_as_the_c_locale_does),
		cmocka_unit_test(case_changes_for_ascii_letters_only),
		cmocka_unit_test(absolute_values_have_no_sign),
		cmocka_unit_test(sorting_orders_every_pattern),
		cmocka_unit_test(searching_finds_each_and_only_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
