/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * MmMapIoSpace, MmMapIoSpaceEx, MmUnmapIoSpace: a driver's way to a memory BAR. RAM is not mapped
 * through here: as in Windows it would be a second mapping with attributes of its own.
 * Neighbour: bar.c.
 */
#define DRY_MODULE "ntoskrnl.exe"
#include "bus/bus.h"
#include "nt/nt.h"
#include "util/export.h"

static PVOID map(const char *routine, PHYSICAL_ADDRESS address, SIZE_T bytes)
{
	void *mapped = NULL;

	/* 0xC4/0x73: MmMapIoSpace above DISPATCH_LEVEL (spec 5.3) */
	if (cpu_irql() > IRQL_DISPATCH)
		nt_violation(0xC4000073, "%s at IRQL %u; at most DISPATCH_LEVEL is allowed",
			routine, cpu_irql());
	if (bytes <= UINT32_MAX)
		mapped = bus_map((uint64_t)address.QuadPart, (uint32_t)bytes, false, NULL);
	/* 0xC4/0x83: an address that is not locked or no device's (spec 5.3) */
	if (!mapped)
		nt_violation(0xC4000083, "%s of %llu bytes at 0x%llx, which is no device's memory",
			routine, (unsigned long long)bytes, (unsigned long long)address.QuadPart);
	return mapped;
}

PVOID NTAPI MmMapIoSpace(
	PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType)
{
	return map("MmMapIoSpace", PhysicalAddress, NumberOfBytes);
}
DRY_EXPORT(MmMapIoSpace)

PVOID NTAPI MmMapIoSpaceEx(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, ULONG Protect)
{
	return map("MmMapIoSpaceEx", PhysicalAddress, NumberOfBytes);
}
DRY_EXPORT(MmMapIoSpaceEx)

VOID NTAPI MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes)
{
	bus_unmap(BaseAddress);
}
DRY_EXPORT(MmUnmapIoSpace)
