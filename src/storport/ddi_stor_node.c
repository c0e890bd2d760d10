/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Processor groups, NUMA nodes and memory of nodes, for miniports. The machine has one group and
 * one node, 0, with all processors and all memory.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

#define NODE_MOST 65535

ULONG stor_get_group_count(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PUSHORT groups = stor_arg(args, PUSHORT);

	if (!groups)
		return STOR_STATUS_INVALID_PARAMETER;
	*groups = KeQueryActiveGroupCount();
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_group_affinity(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	/* a narrow argument's slot may be dirty above it */
	USHORT group = (USHORT)stor_arg(args, ULONG);
	PKAFFINITY mask = stor_arg(args, PKAFFINITY);

	if (!mask)
		return STOR_STATUS_INVALID_PARAMETER;
	if (group >= KeQueryActiveGroupCount())
		return STOR_STATUS_UNSUCCESSFUL;
	*mask = KeQueryGroupAffinity(group);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_node_count(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PULONG nodes = stor_arg(args, PULONG);

	if (!nodes)
		return STOR_STATUS_INVALID_PARAMETER;
	*nodes = KeQueryHighestNodeNumber() + 1u;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_highest_node(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PULONG node = stor_arg(args, PULONG);

	if (!node)
		return STOR_STATUS_INVALID_PARAMETER;
	*node = KeQueryHighestNodeNumber();
	return STOR_STATUS_SUCCESS;
}

/* A node that is not there has no processors. */
ULONG stor_get_node_affinity(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	ULONG node = stor_arg(args, ULONG);
	PGROUP_AFFINITY affinity = stor_arg(args, PGROUP_AFFINITY);

	if (!affinity || node > NODE_MOST)
		return STOR_STATUS_INVALID_PARAMETER;
	*affinity = (GROUP_AFFINITY){
		.Mask = node > KeQueryHighestNodeNumber() ? 0 : KeQueryGroupAffinity(0)};
	return STOR_STATUS_SUCCESS;
}

static PHYSICAL_ADDRESS address(uint64_t value)
{
	return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)value};
}

ULONG stor_allocate_contiguous(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	SIZE_T bytes = stor_arg(args, SIZE_T);
	PHYSICAL_ADDRESS low = address(stor_arg(args, uint64_t));
	PHYSICAL_ADDRESS high = address(stor_arg(args, uint64_t));
	PHYSICAL_ADDRESS boundary = address(stor_arg(args, uint64_t));
	MEMORY_CACHING_TYPE cache = (MEMORY_CACHING_TYPE)stor_arg(args, ULONG);
	ULONG node = stor_arg(args, ULONG);
	PVOID *result = stor_arg(args, PVOID *);

	if (!result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = NULL;
	if (stor_irql_too_high("StorPortAllocateContiguousMemorySpecifyCacheNode"))
		return STOR_STATUS_INVALID_IRQL;
	*result =
		MmAllocateContiguousMemorySpecifyCacheNode(bytes, low, high, boundary, cache, node);
	return *result ? STOR_STATUS_SUCCESS : STOR_STATUS_INSUFFICIENT_RESOURCES;
}

ULONG stor_free_contiguous(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PVOID base = stor_arg(args, PVOID);
	SIZE_T bytes = stor_arg(args, SIZE_T);
	MEMORY_CACHING_TYPE cache = (MEMORY_CACHING_TYPE)stor_arg(args, ULONG);

	if (stor_irql_too_high("StorPortFreeContiguousMemorySpecifyCache"))
		return STOR_STATUS_INVALID_IRQL;
	MmFreeContiguousMemorySpecifyCache(base, bytes, cache);
	return STOR_STATUS_SUCCESS;
}
