/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/util/sanitizer.c: the runtimes are found exactly in the builds that have them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/common.h"
#include "util/sanitizer.h"

#ifdef DRY_ASAN
#define HAS_ASAN true
extern int __asan_address_is_poisoned(void const volatile *address);
#else
#define HAS_ASAN false
#endif
#ifdef DRY_TSAN
#define HAS_TSAN true
#else
#define HAS_TSAN false
#endif

static void asan_is_found_in_builds_with_it(void **state)
{
	assert_int_equal(sanitizer.poison != NULL, HAS_ASAN);
	assert_int_equal(sanitizer.unpoison != NULL, HAS_ASAN);
	assert_int_equal(sanitizer.switch_start != NULL, HAS_ASAN);
	assert_int_equal(sanitizer.switch_finish != NULL, HAS_ASAN);
}

static void tsan_is_found_in_builds_with_it(void **state)
{
	assert_int_equal(sanitizer.fiber_create != NULL, HAS_TSAN);
	assert_int_equal(sanitizer.fiber_destroy != NULL, HAS_TSAN);
	assert_int_equal(sanitizer.fiber_switch != NULL, HAS_TSAN);
	assert_int_equal(sanitizer.fiber_current != NULL, HAS_TSAN);
}

static void poison_reaches_the_runtime(void **state)
{
#ifdef DRY_ASAN
	static char buffer[64] __attribute__((aligned(64)));

	sanitizer_poison(buffer, sizeof(buffer));
	assert_true(__asan_address_is_poisoned(buffer + 5));
	sanitizer_unpoison(buffer, sizeof(buffer));
	assert_false(__asan_address_is_poisoned(buffer + 5));
#else
	sanitizer_poison(NULL, 4096); /* nobody listens */
	sanitizer_unpoison(NULL, 4096);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asan_is_found_in_builds_with_it),
		cmocka_unit_test(tsan_is_found_in_builds_with_it),
		cmocka_unit_test(poison_reaches_the_runtime),
	};

	sanitizer_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
