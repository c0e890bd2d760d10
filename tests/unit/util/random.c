/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/util/random.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "util/random.h"

/* The reference values for seed 1234567 that go round with SplitMix64 (Rosetta Code, "Pseudo-random
 * numbers/Splitmix64"). */
static void random_next_gives_splitmix64s_reference_values(void **state)
{
	uint64_t seed = 1234567;

	assert_true(random_next(&seed) == 6457827717110365317ull);
	assert_true(random_next(&seed) == 3203168211198807973ull);
	assert_true(random_next(&seed) == 9817491932198370423ull);
	assert_true(random_next(&seed) == 4593380528125082431ull);
	assert_true(random_next(&seed) == 16408922859458223821ull);
}

static void random_below_stays_below_and_reaches_all(void **state)
{
	uint64_t seed = 1;
	unsigned hits[7] = {0};

	for (int i = 0; i < 7000; i++) {
		uint64_t value = random_below(&seed, 7);

		assert_true(value < 7);
		hits[value]++;
	}
	/* 1000 each on average, standard deviation 29 */
	for (int i = 0; i < 7; i++)
		assert_in_range(hits[i], 800, 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_next_gives_splitmix64s_reference_values),
		cmocka_unit_test(random_below_stays_below_and_reaches_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
