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

/* covers: KeQueryLogicalProcessorRelationship */
NT_TEST_ON(each_processor_is_a_core_of_one_package_node_and_group, 3)
{
	/* Three cores, a package, a node: 48 bytes each; a group: 80. */
	static char data[400] __attribute__((aligned(8)));
	PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX at = (PVOID)data;
	PROCESSOR_NUMBER number = {.Number = 2};
	ULONG length = 0;

#define ASK(number, type, information)                                                             \
	ddi_result(KeQueryLogicalProcessorRelationship,                                            \
		KeQueryLogicalProcessorRelationship(number, type, information, &length))
	CHECK_EQUAL(ASK(NULL, RelationAll, NULL), STATUS_INFO_LENGTH_MISMATCH);
	CHECK_EQUAL(length, 5 * 48 + 80);
	memset(data, 0xcc, sizeof(data));
	length--;
	CHECK_EQUAL(ASK(NULL, RelationAll, at), STATUS_INFO_LENGTH_MISMATCH);
	CHECK_EQUAL(length, 5 * 48 + 80);
	CHECK_EQUAL(ASK(NULL, RelationAll, at), STATUS_SUCCESS);
	CHECK_EQUAL((UCHAR)data[5 * 48 + 80], 0xcc);
	for (unsigned n = 0; n < 3; n++, at = (PVOID)((char *)at + at->Size)) {
		CHECK_EQUAL(at->Relationship, RelationProcessorCore);
		CHECK_EQUAL(at->Processor.GroupCount, 1);
		CHECK_EQUAL(at->Processor.GroupMask[0].Mask, 1 << n);
	}
	CHECK_EQUAL(at->Relationship, RelationProcessorPackage);
	CHECK_EQUAL(at->Processor.GroupMask[0].Mask, 7);
	at = (PVOID)((char *)at + at->Size);
	CHECK_EQUAL(at->Relationship, RelationNumaNode);
	CHECK_EQUAL(at->NumaNode.NodeNumber, 0);
	CHECK_EQUAL(at->NumaNode.GroupMask.Mask, 7);
	at = (PVOID)((char *)at + at->Size);
	CHECK_EQUAL(at->Relationship, RelationGroup);
	CHECK_EQUAL(at->Group.ActiveGroupCount, 1);
	CHECK_EQUAL(at->Group.GroupInfo[0].ActiveProcessorCount, 3);
	CHECK_EQUAL(at->Group.GroupInfo[0].ActiveProcessorMask, 7);
	/* Of one processor; caches there are none. */
	at = (PVOID)data;
	length = sizeof(data);
	CHECK_EQUAL(ASK(&number, RelationProcessorCore, at), STATUS_SUCCESS);
	CHECK_EQUAL(length, 48);
	CHECK_EQUAL(at->Processor.GroupMask[0].Mask, 4);
	CHECK_EQUAL(ASK(NULL, RelationCache, at), STATUS_SUCCESS);
	CHECK_EQUAL(length, 0);
	number.Number = 3;
	CHECK_EQUAL(ASK(&number, RelationProcessorCore, at), STATUS_INVALID_PARAMETER);
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
		cmocka_unit_test(each_processor_is_a_core_of_one_package_node_and_group),
		cmocka_unit_test(each_processor_knows_its_number),
	};

	return cmocka_run_group_tests_name("nt/ke_processor", tests, NULL, NULL);
}
