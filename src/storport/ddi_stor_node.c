/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Processor groups and NUMA nodes, for miniports, and which message interrupts which processor. The
 * machine has one group and one node, 0, with all processors and all memory.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

#define NODE_MOST 65535

ULONG stor_get_group_count(struct stor_adapter *adapter, struct stor_call *args)
{
	PUSHORT groups = stor_arg(args, PUSHORT);

	if (!groups)
		return STOR_STATUS_INVALID_PARAMETER;
	*groups = KeQueryActiveGroupCount();
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_group_affinity(struct stor_adapter *adapter, struct stor_call *args)
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

ULONG stor_get_node_count(struct stor_adapter *adapter, struct stor_call *args)
{
	PULONG nodes = stor_arg(args, PULONG);

	if (!nodes)
		return STOR_STATUS_INVALID_PARAMETER;
	*nodes = KeQueryHighestNodeNumber() + 1u;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_highest_node(struct stor_adapter *adapter, struct stor_call *args)
{
	PULONG node = stor_arg(args, PULONG);

	if (!node)
		return STOR_STATUS_INVALID_PARAMETER;
	*node = KeQueryHighestNodeNumber();
	return STOR_STATUS_SUCCESS;
}

/* A node that is not there has no processors. */
ULONG stor_get_node_affinity(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG node = stor_arg(args, ULONG);
	PGROUP_AFFINITY affinity = stor_arg(args, PGROUP_AFFINITY);

	if (!affinity || node > NODE_MOST)
		return STOR_STATUS_INVALID_PARAMETER;
	*affinity = (GROUP_AFFINITY){
		.Mask = node > KeQueryHighestNodeNumber() ? 0 : KeQueryGroupAffinity(0)};
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_node_affinity2(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG node = stor_arg(args, ULONG);
	PGROUP_AFFINITY affinities = stor_arg(args, PGROUP_AFFINITY);
	USHORT count = (USHORT)stor_arg(args, ULONG);
	PUSHORT required = stor_arg(args, PUSHORT);

	if (node > KeQueryHighestNodeNumber() || !required || (count && !affinities))
		return STOR_STATUS_INVALID_PARAMETER;
	*required = 1;
	if (!count)
		return STOR_STATUS_BUFFER_TOO_SMALL;
	*affinities = (GROUP_AFFINITY){.Mask = KeQueryGroupAffinity(0)};
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_processor_message(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG processor = stor_arg(args, ULONG);
	PULONG message = stor_arg(args, PULONG);

	if (!message || processor >= cpu_count())
		return STOR_STATUS_INVALID_PARAMETER;
	*message = stor_processor_message(adapter, processor);
	return adapter->messages && stor_message_processor(adapter, *message) == processor
		       ? STOR_STATUS_SUCCESS
		       : STOR_STATUS_UNSUCCESSFUL;
}

ULONG stor_get_relationship(struct stor_adapter *adapter, struct stor_call *args)
{
	PPROCESSOR_NUMBER processor = stor_arg(args, PPROCESSOR_NUMBER);
	LOGICAL_PROCESSOR_RELATIONSHIP type = stor_arg(args, LOGICAL_PROCESSOR_RELATIONSHIP);
	PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX information =
		stor_arg(args, PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX);
	PULONG length = stor_arg(args, PULONG);

	if (!length)
		return STOR_STATUS_INVALID_PARAMETER;
	switch (KeQueryLogicalProcessorRelationship(processor, type, information, length)) {
	case STATUS_SUCCESS:
		return STOR_STATUS_SUCCESS;
	case STATUS_INFO_LENGTH_MISMATCH:
		return STOR_STATUS_BUFFER_TOO_SMALL;
	default:
		return STOR_STATUS_INVALID_PARAMETER;
	}
}
