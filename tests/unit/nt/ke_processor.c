/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: which processors there are. */
#include "nt_kit.h"

/*
 * covers: KeQueryActiveGroupCount, KeQueryActiveProcessorCount, KeQueryActiveProcessorCountEx,
 * KeQueryActiveProcessors, KeQueryGroupAffinity, KeQueryHighestNodeNumber,
 * KeQueryMaximumProcessorCount, KeQueryMaximumProcessorCountEx
 */
NT_TEST_ON(counts_and_masks_agree_with_the_machine, 3)
{
	KAFFINITY mask = 0;

	CHECK_EQUAL(KeQueryActiveProcessorCountEx(ALL_PROCESSOR_GROUPS), 3);
	CHECK_EQUAL(KeQueryActiveProcessorCountEx(0), 3);
	CHECK_EQUAL(KeQueryActiveProcessorCountEx(1), 0); /* no such group */
	CHECK_EQUAL(KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS), 3);
	CHECK_EQUAL(KeQueryMaximumProcessorCount(), 3);
	CHECK_EQUAL(KeQueryActiveProcessorCount(&mask), 3);
	CHECK_EQUAL(mask, 7);
	CHECK_EQUAL(KeQueryActiveProcessorCount(NULL), 3);
	CHECK_EQUAL(KeQueryActiveProcessors(), 7);
	CHECK_EQUAL(KeQueryGroupAffinity(0), 7);
	CHECK_EQUAL(KeQueryGroupAffinity(1), 0);
	CHECK_EQUAL(KeQueryActiveGroupCount(), 1);
	CHECK_EQUAL(KeQueryHighestNodeNumber(), 0);
}

/* covers: KeGetProcessorIndexFromNumber, KeGetProcessorNumberFromIndex */
NT_TEST_ON(index_and_number_turn_into_each_other, 3)
{
	PROCESSOR_NUMBER number, bad = {.Group = 1};

	for (ULONG i = 0; i < 3; i++) {
		memset(&number, 0xcc, sizeof(number));
		CHECK_EQUAL(KeGetProcessorNumberFromIndex(i, &number), STATUS_SUCCESS);
		CHECK(number.Group == 0 && number.Number == i && number.Reserved == 0);
		CHECK_EQUAL(KeGetProcessorIndexFromNumber(&number), i);
	}
	CHECK_EQUAL(KeGetProcessorNumberFromIndex(3, &number), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(KeGetProcessorIndexFromNumber(&bad), 0xffffffff); /* INVALID_PROCESSOR_INDEX */
	bad = (PROCESSOR_NUMBER){.Number = 3};
	CHECK_EQUAL(KeGetProcessorIndexFromNumber(&bad), 0xffffffff);
}

static void note_number(void *ctx)
{
	PROCESSOR_NUMBER number;

	memset(&number, 0xcc, sizeof(number));
	CHECK_EQUAL(KeGetCurrentProcessorNumberEx(&number), (uintptr_t)ctx);
	CHECK(number.Group == 0 && number.Number == (uintptr_t)ctx && number.Reserved == 0);
	CHECK_EQUAL(KeGetCurrentProcessorNumberEx(NULL), (uintptr_t)ctx);
}

/* covers: KeGetCurrentProcessorNumberEx */
static void each_processor_knows_its_number(void **state)
{
	machine_start(3, MEM_SCATTERED);
	for (uintptr_t i = 0; i < 3; i++)
		run_on((unsigned)i, note_number, (void *)i);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_masks_agree_with_the_machine),
		cmocka_unit_test(index_and_number_turn_into_each_other),
		cmocka_unit_test(each_processor_knows_its_number),
	};

	return cmocka_run_group_tests_name("nt/ke_processor", tests, NULL, NULL);
}
