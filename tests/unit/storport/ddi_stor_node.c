/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Groups, nodes and contiguous memory of nodes, with the statuses of their pages. */
#include "world.h"

static void nodes(void)
{
	GROUP_AFFINITY affinity = {.Group = 7};
	KAFFINITY mask = 0;
	USHORT groups = 0;
	ULONG node = 9;

	expect_is(StorPortGetActiveGroupCount(world.ext, &groups), STOR_STATUS_SUCCESS);
	expect_is(groups, 1);
	expect_is(StorPortGetActiveGroupCount(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetGroupAffinity(world.ext, 0, &mask), STOR_STATUS_SUCCESS);
	expect_is(mask, 7);
	expect_is(StorPortGetGroupAffinity(world.ext, 1, &mask), STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortGetGroupAffinity(world.ext, 0, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetActiveNodeCount(world.ext, &node), STOR_STATUS_SUCCESS);
	expect_is(node, 1);
	expect_is(StorPortGetActiveNodeCount(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetHighestNodeNumber(world.ext, &node), STOR_STATUS_SUCCESS);
	expect_is(node, 0);
	expect_is(StorPortGetHighestNodeNumber(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetNodeAffinity(world.ext, 0, &affinity), STOR_STATUS_SUCCESS);
	expect_is(affinity.Mask, 7);
	expect_is(affinity.Group, 0);
	expect_is(StorPortGetNodeAffinity(world.ext, 1, &affinity), STOR_STATUS_SUCCESS);
	expect_is(affinity.Mask, 0);
	expect_is(StorPortGetNodeAffinity(world.ext, 0, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetNodeAffinity(world.ext, 65536, &affinity),
		STOR_STATUS_INVALID_PARAMETER);
}

static void there_is_one_group_and_one_node_with_all_processors(void **state)
{
	miniport.cpus = 3;
	world_good(nodes);
}

static ULONG allocate(SIZE_T bytes, uint64_t high, PVOID *result)
{
	PHYSICAL_ADDRESS low = {.QuadPart = 0}, most = {.QuadPart = (LONGLONG)high},
			 boundary = {.QuadPart = 0x10000};

	return StorPortAllocateContiguousMemorySpecifyCacheNode(
		world.ext, bytes, low, most, boundary, MmCached, 0, result);
}

static void memory(void)
{
	PVOID block = NULL;
	uint64_t start;
	KIRQL old;

	expect_is(allocate(3 * 4096, UINT64_MAX, &block), STOR_STATUS_SUCCESS);
	start = mem_physical(block);
	for (unsigned n = 1; n < 3; n++)
		expect_is(mem_physical((char *)block + n * 4096), start + n * 4096);
	expect_is(start >> 16, (start + 3 * 4096 - 1) >> 16);
	expect_is(StorPortFreeContiguousMemorySpecifyCache(world.ext, block, 3 * 4096, MmCached),
		STOR_STATUS_SUCCESS);
	expect_is(allocate(4096, 100, &block), STOR_STATUS_INSUFFICIENT_RESOURCES);
	expect_is(block, NULL);
	expect_is(allocate(4096, UINT64_MAX, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	expect_is(allocate(4096, UINT64_MAX, &block), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	expect_is(StorPortFreeContiguousMemorySpecifyCache(world.ext, block, 4096, MmCached),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	KeLowerIrql(old);
}

static void contiguous_memory_lies_within_the_limits(void **state)
{
	world_good(memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(there_is_one_group_and_one_node_with_all_processors),
		world_test(contiguous_memory_lies_within_the_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
