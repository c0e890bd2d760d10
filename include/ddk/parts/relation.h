/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* How processors belong together: cores, packages, nodes, groups. Documented with Win32. */
#ifndef DDK_PARTS_RELATION_H
#define DDK_PARTS_RELATION_H

#include "ke.h"

typedef enum _LOGICAL_PROCESSOR_RELATIONSHIP {
	RelationProcessorCore,
	RelationNumaNode,
	RelationCache,
	RelationProcessorPackage,
	RelationGroup,
	RelationProcessorDie,
	RelationNumaNodeEx,
	RelationProcessorModule,
	RelationAll = 0xffff
} LOGICAL_PROCESSOR_RELATIONSHIP;

typedef enum _PROCESSOR_CACHE_TYPE {
	CacheUnified,
	CacheInstruction,
	CacheData,
	CacheTrace
} PROCESSOR_CACHE_TYPE;

typedef struct _PROCESSOR_RELATIONSHIP {
	UCHAR Flags;
	UCHAR EfficiencyClass;
	UCHAR Reserved[20];
	USHORT GroupCount;
	GROUP_AFFINITY GroupMask[ANYSIZE_ARRAY];
} PROCESSOR_RELATIONSHIP, *PPROCESSOR_RELATIONSHIP;

typedef struct _NUMA_NODE_RELATIONSHIP {
	ULONG NodeNumber;
	UCHAR Reserved[18];
	USHORT GroupCount;
	union {
		GROUP_AFFINITY GroupMask;
		GROUP_AFFINITY GroupMasks[ANYSIZE_ARRAY];
	};
} NUMA_NODE_RELATIONSHIP, *PNUMA_NODE_RELATIONSHIP;

typedef struct _CACHE_RELATIONSHIP {
	UCHAR Level;
	UCHAR Associativity;
	USHORT LineSize;
	ULONG CacheSize;
	PROCESSOR_CACHE_TYPE Type;
	UCHAR Reserved[18];
	USHORT GroupCount;
	union {
		GROUP_AFFINITY GroupMask;
		GROUP_AFFINITY GroupMasks[ANYSIZE_ARRAY];
	};
} CACHE_RELATIONSHIP, *PCACHE_RELATIONSHIP;

typedef struct _PROCESSOR_GROUP_INFO {
	UCHAR MaximumProcessorCount;
	UCHAR ActiveProcessorCount;
	UCHAR Reserved[38];
	KAFFINITY ActiveProcessorMask;
} PROCESSOR_GROUP_INFO, *PPROCESSOR_GROUP_INFO;

typedef struct _GROUP_RELATIONSHIP {
	USHORT MaximumGroupCount;
	USHORT ActiveGroupCount;
	UCHAR Reserved[20];
	PROCESSOR_GROUP_INFO GroupInfo[ANYSIZE_ARRAY];
} GROUP_RELATIONSHIP, *PGROUP_RELATIONSHIP;

typedef struct _SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX {
	LOGICAL_PROCESSOR_RELATIONSHIP Relationship;
	ULONG Size;
	union {
		PROCESSOR_RELATIONSHIP Processor;
		NUMA_NODE_RELATIONSHIP NumaNode;
		CACHE_RELATIONSHIP Cache;
		GROUP_RELATIONSHIP Group;
	};
} SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX, *PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX;
DDK_OFFSET(SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX, Processor, 8);
DDK_SIZE(PROCESSOR_RELATIONSHIP, 40);
DDK_SIZE(NUMA_NODE_RELATIONSHIP, 40);
DDK_SIZE(GROUP_RELATIONSHIP, 72);

#ifdef __cplusplus
extern "C" {
#endif

NTSTATUS NTAPI KeQueryLogicalProcessorRelationship(PPROCESSOR_NUMBER ProcessorNumber,
	LOGICAL_PROCESSOR_RELATIONSHIP RelationshipType,
	PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX Information, PULONG Length);

#ifdef __cplusplus
}
#endif

#endif
