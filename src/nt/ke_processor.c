/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: which processors there are. One group of at most 64, all active, one node; none is added
 * later. */
#include "nt/nt_check.h"
#include "util/export.h"

_Static_assert(CPU_MAX <= 64, "one processor group has at most 64 processors");

static KAFFINITY all_processors(void)
{
	return cpu_count() == 64 ? ~(KAFFINITY)0 : ((KAFFINITY)1 << cpu_count()) - 1;
}

ULONG NTAPI KeGetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ProcNumber)
{
	struct cpu *cpu = nt_processor("KeGetCurrentProcessorNumberEx");

	cpu_poll();
	if (ProcNumber)
		*ProcNumber = (PROCESSOR_NUMBER){.Number = cpu->number};
	return cpu->number;
}
DRY_EXPORT(KeGetCurrentProcessorNumberEx)

ULONG NTAPI KeQueryActiveProcessorCount(PKAFFINITY ActiveProcessors)
{
	cpu_poll();
	if (ActiveProcessors)
		*ActiveProcessors = all_processors();
	return cpu_count();
}
DRY_EXPORT(KeQueryActiveProcessorCount)

/* A group that is not there has no processors. */
ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT GroupNumber)
{
	cpu_poll();
	return GroupNumber == 0 || GroupNumber == ALL_PROCESSOR_GROUPS ? cpu_count() : 0;
}
DRY_EXPORT(KeQueryActiveProcessorCountEx)

ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT GroupNumber)
{
	return KeQueryActiveProcessorCountEx(GroupNumber);
}
DRY_EXPORT(KeQueryMaximumProcessorCountEx)

ULONG NTAPI KeQueryMaximumProcessorCount(VOID)
{
	return cpu_count();
}
DRY_EXPORT(KeQueryMaximumProcessorCount)

KAFFINITY NTAPI KeQueryActiveProcessors(VOID)
{
	cpu_poll();
	return all_processors();
}
DRY_EXPORT(KeQueryActiveProcessors)

KAFFINITY NTAPI KeQueryGroupAffinity(USHORT GroupNumber)
{
	return GroupNumber == 0 ? all_processors() : 0;
}
DRY_EXPORT(KeQueryGroupAffinity)

USHORT NTAPI KeQueryActiveGroupCount(VOID)
{
	return 1;
}
DRY_EXPORT(KeQueryActiveGroupCount)

USHORT NTAPI KeQueryHighestNodeNumber(VOID)
{
	return 0;
}
DRY_EXPORT(KeQueryHighestNodeNumber)

NTSTATUS NTAPI KeGetProcessorNumberFromIndex(ULONG ProcIndex, PPROCESSOR_NUMBER ProcNumber)
{
	if (ProcIndex >= cpu_count())
		return STATUS_INVALID_PARAMETER;
	*ProcNumber = (PROCESSOR_NUMBER){.Number = (UCHAR)ProcIndex};
	return STATUS_SUCCESS;
}
DRY_EXPORT(KeGetProcessorNumberFromIndex)

ULONG NTAPI KeGetProcessorIndexFromNumber(PPROCESSOR_NUMBER ProcNumber)
{
	if (ProcNumber->Group != 0 || ProcNumber->Reserved != 0 ||
		ProcNumber->Number >= cpu_count())
		return 0xffffffff; /* INVALID_PROCESSOR_INDEX */
	return ProcNumber->Number;
}
DRY_EXPORT(KeGetProcessorIndexFromNumber)
