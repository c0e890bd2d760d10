/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke: how processors belong together. Each is a core of its own; all of them are one package, one
 * node, one group. Caches are not told of: there are none to be found.
 */
#include "nt/nt_check.h"
#include "util/export.h"

#include <string.h>

typedef SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX RELATION;

/* What is written, or would be. */
struct answer {
	char *at; /* NULL: there is no room any more */
	ULONG room, length;
};

static RELATION *entry_add(
	struct answer *answer, LOGICAL_PROCESSOR_RELATIONSHIP relationship, ULONG size)
{
	RELATION *entry = NULL;

	size += offsetof(RELATION, Processor);
	if (answer->at && answer->room - answer->length >= size) {
		entry = (RELATION *)(answer->at + answer->length);
		memset(entry, 0, size);
		entry->Relationship = relationship;
		entry->Size = size;
	} else {
		answer->at = NULL;
	}
	answer->length += size;
	return entry;
}

/* A core or a package. */
static void processors_add(
	struct answer *answer, LOGICAL_PROCESSOR_RELATIONSHIP relationship, KAFFINITY mask)
{
	RELATION *entry = entry_add(answer, relationship, sizeof(entry->Processor));

	if (!entry)
		return;
	entry->Processor.GroupCount = 1;
	entry->Processor.GroupMask[0].Mask = mask;
}

static void node_add(struct answer *answer)
{
	RELATION *entry = entry_add(answer, RelationNumaNode, sizeof(entry->NumaNode));

	if (!entry)
		return;
	entry->NumaNode.GroupCount = 1;
	entry->NumaNode.GroupMask.Mask = KeQueryGroupAffinity(0);
}

static void group_add(struct answer *answer)
{
	RELATION *entry = entry_add(answer, RelationGroup, sizeof(entry->Group));

	if (!entry)
		return;
	entry->Group.MaximumGroupCount = entry->Group.ActiveGroupCount = 1;
	entry->Group.GroupInfo[0].MaximumProcessorCount =
		entry->Group.GroupInfo[0].ActiveProcessorCount = (UCHAR)cpu_count();
	entry->Group.GroupInfo[0].ActiveProcessorMask = KeQueryGroupAffinity(0);
}

/* Information NULL: how long it would be. RelationNumaNodeEx gives entries of RelationNumaNode. */
NTSTATUS NTAPI KeQueryLogicalProcessorRelationship(PPROCESSOR_NUMBER ProcessorNumber,
	LOGICAL_PROCESSOR_RELATIONSHIP RelationshipType,
	PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX Information, PULONG Length)
{
	struct answer answer = {.at = (char *)Information, .room = *Length};
	unsigned first = 0, end = cpu_count();
	bool all = RelationshipType == RelationAll;

	cpu_poll();
	if (ProcessorNumber) {
		first = KeGetProcessorIndexFromNumber(ProcessorNumber);
		if (first >= end)
			return STATUS_INVALID_PARAMETER;
		end = first + 1;
	}
	for (unsigned n = first; n < end && (all || RelationshipType == RelationProcessorCore); n++)
		processors_add(&answer, RelationProcessorCore, (KAFFINITY)1 << n);
	if (all || RelationshipType == RelationProcessorPackage)
		processors_add(&answer, RelationProcessorPackage, KeQueryGroupAffinity(0));
	if (all || RelationshipType == RelationNumaNode || RelationshipType == RelationNumaNodeEx)
		node_add(&answer);
	if (all || RelationshipType == RelationGroup)
		group_add(&answer);
	*Length = answer.length;
	return answer.at || !answer.length ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
}
DRY_EXPORT(KeQueryLogicalProcessorRelationship)
