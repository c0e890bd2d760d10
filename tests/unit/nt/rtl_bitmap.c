/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Rtl: bitmaps, against a plain array of booleans. */
#include "nt_kit.h"

enum { BITS = 150 };

static ULONG words[8];
static bool model[BITS];
static RTL_BITMAP map;

static void reset(void)
{
	memset(words, 0, sizeof(words));
	memset(model, 0, sizeof(model));
	RtlInitializeBitMap(&map, words, BITS);
}

static void compare(void)
{
	unsigned set = 0;

	for (unsigned i = 0; i < BITS; i++) {
		assert_int_equal(RtlTestBit(&map, i), model[i]);
		assert_int_equal(words[i / 32] >> (i % 32) & 1, model[i]);
		set += model[i];
	}
	assert_int_equal(RtlNumberOfSetBits(&map), set);
	for (unsigned i = 5; i < 8; i++)
		assert_int_equal(words[i], 0); /* nothing is written past the map */
}

static void put(ULONG start, ULONG count, bool value)
{
	if (value)
		RtlSetBits(&map, start, count);
	else
		RtlClearBits(&map, start, count);
	for (ULONG i = start; i < start + count; i++)
		model[i] = value;
}

static void ranges_are_set_and_cleared_to_the_bit(void **state)
{
	reset();
	put(0, 1, true);
	put(31, 2, true);
	compare();
	put(40, 100, true);
	compare();
	put(64, 32, false);
	compare();
	put(149, 1, true);
	put(0, 0, false);
	compare();
	put(0, 150, false);
	compare();
}

/* Documented: at least count clear bits from the hint on, else from the start. */
static ULONG expect_find(ULONG count, ULONG hint)
{
	for (unsigned pass = 0; pass < 2; pass++)
		for (ULONG from = pass ? 0 : hint; from + count <= BITS && (!pass || from < hint);
			from++) {
			ULONG n = 0;

			while (n < count && !model[from + n])
				n++;
			if (n == count)
				return from;
		}
	return 0xffffffff;
}

/* covers: RtlFindClearBits, RtlSetBits */
static void clear_bits_are_found_as_by_looking_at_each(void **state)
{
	uint32_t seed = 1;

	for (unsigned round = 0; round < 200; round++) {
		reset();
		for (unsigned i = 0; i < BITS; i++) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 24 < 40 + round)
				put(i, 1, true);
		}
		for (ULONG count = 1; count < 12; count++)
			for (ULONG hint = 0; hint < BITS; hint += 13)
				assert_int_equal(RtlFindClearBits(&map, count, hint),
					expect_find(count, hint));
	}
}

/* covers: RtlClearBits, RtlFindClearBitsAndSet */
static void found_bits_are_set_and_no_others(void **state)
{
	ULONG at;

	reset();
	put(0, 10, true);
	at = RtlFindClearBitsAndSet(&map, 5, 3);
	assert_int_equal(at, 10);
	for (unsigned i = 10; i < 15; i++)
		model[i] = true;
	compare();
	at = RtlFindClearBitsAndSet(&map, 135, 0);
	assert_int_equal(at, 15);
	memset(model, 1, sizeof(model));
	compare();
	assert_int_equal(RtlFindClearBitsAndSet(&map, 1, 0), 0xffffffff);
	assert_int_equal(RtlFindClearBits(&map, 1, 149), 0xffffffff);
	put(3, 2, false);
	assert_int_equal(RtlFindClearBits(&map, 2, 100), 3);
	assert_int_equal(RtlFindClearBits(&map, 2, 100000), 3);
	assert_int_equal(RtlFindClearBits(&map, 3, 0), 0xffffffff);
	assert_int_equal(RtlFindClearBits(&map, 151, 0), 0xffffffff);
}

/* covers: RtlClearAllBits, RtlSetAllBits */
static void all_bits_at_once(void **state)
{
	reset();
	RtlSetAllBits(&map);
	assert_int_equal(RtlNumberOfSetBits(&map), BITS);
	RtlClearAllBits(&map);
	assert_int_equal(RtlNumberOfSetBits(&map), 0);
	compare();
}

/* covers: RtlInitializeBitMap, RtlNumberOfSetBits, RtlTestBit */
static void a_range_outside_is_reported_and_nothing_written(void **state)
{
	violations.heard = violations.taken = 0;
	check_failed = 0;
	trace_subscribe(1ull << TRACE_VIOLATION, violation_hear, NULL);
	reset();
	RtlSetBits(&map, 149, 2);
	assert_true(CHECK_VIOLATION(0, "RtlSetBits: bits 149 to 151 of a bitmap of 150 bits"));
	RtlClearBits(&map, 0xffffffff, 0xffffffff);
	assert_true(CHECK_VIOLATION(0, "RtlClearBits"));
	assert_int_equal(RtlTestBit(&map, 150), 0);
	assert_true(CHECK_VIOLATION(0, "RtlTestBit"));
	compare();
	trace_unsubscribe(violation_hear, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_are_set_and_cleared_to_the_bit),
		cmocka_unit_test(clear_bits_are_found_as_by_looking_at_each),
		cmocka_unit_test(found_bits_are_set_and_no_others),
		cmocka_unit_test(all_bits_at_once),
		cmocka_unit_test(a_range_outside_is_reported_and_nothing_written),
	};

	return cmocka_run_group_tests_name("nt/rtl_bitmap", tests, NULL, NULL);
}
