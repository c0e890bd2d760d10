/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mm: pages for an MDL (spec/storport.md 3.2, last rows). Their ranges stand in mm_memory.c's list.
 */
#include "nt/mdl.h"
#include "nt/mm_memory.h"
#include "nt/nt_check.h"
#include "nt/pool.h"
#include "mem/mem.h"
#include "util/export.h"

#include <string.h>

#define LENGTH_MAX (0x100000000ull - PAGE_SIZE)

/* As many pages as there are: half as many until it goes, unless only all of them will do. */
static char *pages_take(uint64_t *bytes, struct mm_limits limits, ULONG flags, uintptr_t site)
{
	char *base;

	if (flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) {
		/* SkipBytes is then the size of a chunk and no step of the range. */
		limits.contiguous = true;
		limits.align = limits.skip;
		limits.skip = 0;
		return mm_range_new(*bytes, MM_PAGES, &limits, site);
	}
	for (;;) {
		base = mm_range_new(*bytes, MM_PAGES, &limits, site);
		if (base || flags & MM_ALLOCATE_FULLY_REQUIRED || *bytes <= MEM_PAGE_SIZE)
			return base;
		*bytes = round_up(*bytes / 2, MEM_PAGE_SIZE);
	}
}

static PMDL pages_for_mdl(const char *routine, const struct mm_limits *limits, SIZE_T total,
	ULONG flags, uintptr_t site)
{
	uint64_t bytes = round_up(total, MEM_PAGE_SIZE);
	PFN_NUMBER *pfn;
	char *base;
	PMDL mdl;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x7E));
	if (!total || total > LENGTH_MAX || limits->low > limits->high)
		return NULL;
	if (limits->skip & MEM_PAGE_MASK ||
		(flags & MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS && limits->skip &&
			(limits->skip & (limits->skip - 1) || total % limits->skip))) {
		nt_violation(0, "%s with SkipBytes %llx for %llu bytes", routine,
			(unsigned long long)limits->skip, (unsigned long long)total);
		return NULL;
	}
	base = pages_take(&bytes, *limits, flags, site);
	if (!base)
		return NULL;
	mdl = pool_take(MmSizeOfMdl(NULL, bytes), MDL_TAG, NULL, site, 0);
	if (!mdl) {
		mm_range_free(base, MM_PAGES);
		return NULL;
	}
	if (!(flags & MM_DONT_ZERO_ALLOCATION))
		memset(base, 0, bytes);
	/* The pages have no virtual address of the caller's: the buffer starts at 0. */
	MmInitializeMdl(mdl, NULL, bytes);
	mdl->Process = NULL;
	mdl->MappedSystemVa = NULL;
	mdl->MdlFlags = MDL_PAGES_LOCKED;
	pfn = MmGetMdlPfnArray(mdl);
	for (uint64_t i = 0; i < bytes >> PAGE_SHIFT; i++)
		pfn[i] = mem_frame_number(base + (i << PAGE_SHIFT));
	return mdl;
}

PMDL NTAPI MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
	PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes, MEMORY_CACHING_TYPE CacheType, ULONG Flags)
{
	struct mm_limits limits = {.low = (uint64_t)LowAddress.QuadPart,
		.high = (uint64_t)HighAddress.QuadPart,
		.skip = (uint64_t)SkipBytes.QuadPart};

	return pages_for_mdl("MmAllocatePagesForMdlEx", &limits, TotalBytes, Flags,
		(uintptr_t)__builtin_return_address(0));
}
DRY_EXPORT(MmAllocatePagesForMdlEx)

PMDL NTAPI MmAllocatePagesForMdl(PHYSICAL_ADDRESS LowAddress, PHYSICAL_ADDRESS HighAddress,
	PHYSICAL_ADDRESS SkipBytes, SIZE_T TotalBytes)
{
	struct mm_limits limits = {.low = (uint64_t)LowAddress.QuadPart,
		.high = (uint64_t)HighAddress.QuadPart,
		.skip = (uint64_t)SkipBytes.QuadPart};

	return pages_for_mdl("MmAllocatePagesForMdl", &limits, TotalBytes, 0,
		(uintptr_t)__builtin_return_address(0));
}
DRY_EXPORT(MmAllocatePagesForMdl)

/* The MDL itself is the caller's to free, with ExFreePool. */
VOID NTAPI MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
	static const char routine[] = "MmFreePagesFromMdl";
	PMDL mdl = MemoryDescriptorList;
	void *base;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x7E));
	base = mdl_pages(mdl) ? mem_frame_get(MmGetMdlPfnArray(mdl)[0])->host : NULL;
	if (!base || mm_range_bytes(base, MM_PAGES) != round_up(mdl->ByteCount, PAGE_SIZE)) {
		nt_violation(NT_C4(0x10),
			"%s: the MDL's pages were not allocated for it (flags %04x)", routine,
			(USHORT)mdl->MdlFlags);
		return;
	}
	if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
		nt_violation(NT_C4(0xB8), "%s: the pages are still mapped (flags %04x)", routine,
			(USHORT)mdl->MdlFlags);
	mm_range_free(base, MM_PAGES);
	mdl->MdlFlags = 0;
	mdl->MappedSystemVa = NULL;
	mdl->ByteCount = 0;
}
DRY_EXPORT(MmFreePagesFromMdl)
