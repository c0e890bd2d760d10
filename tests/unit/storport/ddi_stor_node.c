/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Groups and nodes, with the statuses of their pages. */
#include "world.h"
#include "nt/os.h"

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

static void nodes_by_groups(void)
{
	GROUP_AFFINITY affinity = {.Group = 7};
	USHORT required = 9;

	expect_is(StorPortGetNodeAffinity2(world.ext, 0, &affinity, 1, &required),
		STOR_STATUS_SUCCESS);
	expect_is(affinity.Mask, 7);
	expect_is(affinity.Group, 0);
	expect_is(required, 1);
	required = 9;
	expect_is(StorPortGetNodeAffinity2(world.ext, 0, NULL, 0, &required),
		STOR_STATUS_BUFFER_TOO_SMALL);
	expect_is(required, 1);
	expect_is(StorPortGetNodeAffinity2(world.ext, 1, &affinity, 1, &required),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetNodeAffinity2(world.ext, 0, NULL, 1, &required),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetNodeAffinity2(world.ext, 0, &affinity, 1, NULL),
		STOR_STATUS_INVALID_PARAMETER);
}

static void relations(void)
{
	SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX information = {0};
	PROCESSOR_NUMBER nobody = {.Number = 3};
	ULONG length = sizeof(information);

	expect_is(StorPortGetLogicalProcessorRelationship(
			  world.ext, NULL, RelationProcessorPackage, &information, &length),
		STOR_STATUS_SUCCESS);
	expect_is(length, 48);
	expect_is(information.Processor.GroupMask[0].Mask, 7);
	length = 0;
	expect_is(StorPortGetLogicalProcessorRelationship(
			  world.ext, NULL, RelationProcessorCore, NULL, &length),
		STOR_STATUS_BUFFER_TOO_SMALL);
	expect_is(length, 3 * 48);
	expect_is(StorPortGetLogicalProcessorRelationship(
			  world.ext, &nobody, RelationProcessorCore, &information, &length),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetLogicalProcessorRelationship(
			  world.ext, NULL, RelationProcessorCore, &information, NULL),
		STOR_STATUS_INVALID_PARAMETER);
}

static void absent(void)
{
	USHORT groups;

	nt_os_set(NT_OS_VISTA);
	expect_is(StorPortGetActiveGroupCount(world.ext, &groups), STOR_STATUS_NOT_IMPLEMENTED);
	nt_os_set(NT_OS_7);
	expect_is(StorPortGetActiveGroupCount(world.ext, &groups), STOR_STATUS_SUCCESS);
	nt_os_set(NT_OS_NEWEST);
}

/* covers: StorPortGetActiveGroupCount */
static void vista_knows_no_groups(void **state)
{
	world_good(absent);
}

/*
 * covers: StorPortGetActiveGroupCount, StorPortGetActiveNodeCount, StorPortGetGroupAffinity,
 * StorPortGetHighestNodeNumber, StorPortGetNodeAffinity, StorPortGetNodeAffinity2,
 * StorPortGetLogicalProcessorRelationship
 */
static void there_is_one_group_and_one_node_with_all_processors(void **state)
{
	miniport.cpus = 3;
	world_good(nodes);
	world_good(nodes_by_groups);
	world_good(relations);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(there_is_one_group_and_one_node_with_all_processors),
		world_test(vista_knows_no_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
