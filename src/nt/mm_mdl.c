/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Mm: what is done to an MDL: its frames filled in, its pages locked, mapped, advanced
 * (spec/storport.md 3.2; the checks are 5.3). io_mdl.c makes MDLs; mdl.h says what a mapping is.
 */
#include "nt/mdl.h"
#include "nt/nt_check.h"
#include "nt/pool.h"
#include "mem/mem.h"
#include "util/export.h"

#include <string.h>

uint64_t mdl_room(const MDL *mdl)
{
	struct pool_info info;
	size_t used;

	if (pool_find(mdl, &info)) {
		used = (size_t)((const char *)(mdl + 1) - (const char *)info.start);
		return used < info.bytes ? (info.bytes - used) / sizeof(PFN_NUMBER) : 0;
	}
	/* Size has 16 bits: for what is larger only its lower bits are there. */
	if ((USHORT)mdl->Size < sizeof(*mdl))
		return 0;
	return ((USHORT)mdl->Size - sizeof(*mdl)) / sizeof(PFN_NUMBER);
}

SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
	uint64_t pages = (BYTE_OFFSET(Base) + (uint64_t)Length + PAGE_SIZE - 1) >> PAGE_SHIFT;

	return sizeof(MDL) + pages * sizeof(PFN_NUMBER);
}
DRY_EXPORT(MmSizeOfMdl)

static void mdl_break(uint64_t code, const char *routine, const MDL *mdl, const char *what)
{
	nt_violation(NT_C4(code), "%s: %s (MDL flags %04x, %u bytes)", routine, what,
		(USHORT)mdl->MdlFlags, mdl->ByteCount);
}

/* The frames of pages that lie side by side; whether all of them are memory of the machine. */
static inline bool frames_fill(PFN_NUMBER *pfn, const char *page, ULONG pages)
{
	bool good = true;

	for (ULONG i = 0; i < pages; i++, page += PAGE_SIZE) {
		enum mem_kind kind;

		pfn[i] = mem_frame_number(page);
		kind = mem_frame_get(pfn[i])->kind;
		good &= kind != MEM_NONE && kind != MEM_FREE && kind != MEM_USER;
	}
	return good;
}

static inline void check_pool(const char *routine, const MDL *mdl)
{
	const char *va = MmGetMdlVirtualAddress(mdl);
	enum mem_kind kind = mem_owner(va)->kind;
	struct pool_info info;

	if (kind == MEM_STACK)
		mdl_break(0xE5, routine, mdl,
			"the buffer is on a kernel stack; MmProbeAndLockPages is for those");
	if (kind != MEM_POOL)
		return;
	if (!pool_find(va, &info))
		mdl_break(0x140, routine, mdl, "the buffer is in no live pool block");
	else if (info.paged)
		mdl_break(0x7F, routine, mdl, "the buffer is paged pool");
	else if ((size_t)(va - (char *)info.start) + mdl->ByteCount > info.bytes)
		mdl_break(0x140, routine, mdl, "the buffer goes past the end of its pool block");
}

void nt_mdl_build(PMDL mdl)
{
	static const char routine[] = "MmBuildMdlForNonPagedPool";

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0xE5));
	if (mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_PARTIAL)) {
		mdl_break(0xB0, routine, mdl, "the MDL is locked or partial");
		return;
	}
	if (mdl->ByteCount)
		check_pool(routine, mdl);
	if (!frames_fill(MmGetMdlPfnArray(mdl), mdl->StartVa, mdl_pages(mdl)))
		mdl_break(0x6F, routine, mdl, "the buffer is no memory of the machine");
	mdl->Process = NULL;
	mdl->MappedSystemVa = MmGetMdlVirtualAddress(mdl);
	mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
	nt_mdl_build(MemoryDescriptorList);
}
DRY_EXPORT(MmBuildMdlForNonPagedPool)

NTSTATUS nt_mdl_lock(const char *routine, PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation)
{
	NTSTATUS status = STATUS_SUCCESS;

	if (mdl_is_user(mdl))
		status = mdl_user_lock(routine, mdl, operation != IoReadAccess);
	else if (mode != KernelMode ||
		 !frames_fill(MmGetMdlPfnArray(mdl), mdl->StartVa, mdl_pages(mdl)))
		status = STATUS_ACCESS_VIOLATION;
	if (!NT_SUCCESS(status))
		return status;
	mdl->MdlFlags |= MDL_PAGES_LOCKED;
	if (operation != IoReadAccess)
		mdl->MdlFlags |= MDL_WRITE_OPERATION;
	return STATUS_SUCCESS;
}

VOID NTAPI MmProbeAndLockPages(
	PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode, LOCK_OPERATION Operation)
{
	static const char routine[] = "MmProbeAndLockPages";
	PMDL mdl = MemoryDescriptorList;
	NTSTATUS status;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x70));
	if (mdl->MdlFlags & (MDL_DESCRIBES | MDL_MAPPED_TO_SYSTEM_VA)) {
		mdl_break(0xB0, routine, mdl,
			"the MDL is locked, nonpaged, partial or mapped already");
		return;
	}
	status = nt_mdl_lock(routine, mdl, AccessMode, Operation);
	if (!NT_SUCCESS(status))
		ExRaiseStatus(status);
}
DRY_EXPORT(MmProbeAndLockPages)

static void mapping_drop(PMDL mdl)
{
	mdl->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
	mdl->MappedSystemVa = NULL;
}

VOID NTAPI MmUnlockPages(PMDL MemoryDescriptorList)
{
	static const char routine[] = "MmUnlockPages";
	PMDL mdl = MemoryDescriptorList;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x78));
	if (mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
		mdl_break(
			0x7D, routine, mdl, "the pages are nonpaged pool, which is never unlocked");
	} else if (mdl->MdlFlags & MDL_PARTIAL) {
		mdl_break(0xB4, routine, mdl, "the MDL is partial: its source holds the lock");
	} else if (!(mdl->MdlFlags & MDL_PAGES_LOCKED)) {
		mdl_break(0x7C, routine, mdl, "the pages were never locked");
	} else {
		if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
			mapping_drop(mdl);
		mdl_user_unlock(mdl, mdl_pages(mdl));
		mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_WRITE_OPERATION);
	}
}
DRY_EXPORT(MmUnlockPages)

/* ---- mappings ---- */

/* Where the MDL's pages stand side by side, NULL if they do not. */
static char *frames_place(const MDL *mdl)
{
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
	ULONG pages = mdl_pages(mdl);
	char *base = pages ? mem_frame_get(pfn[0])->host : NULL;

	for (ULONG i = 1; base && i < pages; i++)
		if (mem_frame_get(pfn[i])->host != base + (uint64_t)i * PAGE_SIZE)
			return NULL;
	return base;
}

static PVOID map(const char *routine, PMDL mdl, KPROCESSOR_MODE mode)
{
	char *base;

	if (!(mdl->MdlFlags & MDL_DESCRIBES)) {
		mdl_break(0xB3, routine, mdl, "the pages are not locked");
		return NULL;
	}
	if (mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) {
		mdl_break(0xB2, routine, mdl, "the MDL has a system mapping already");
		return mdl->MappedSystemVa;
	}
	base = frames_place(mdl);
	if (!base)
		return NULL;
	mdl->MappedSystemVa = base + mdl->ByteOffset;
	mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
	if (mdl->MdlFlags & MDL_PARTIAL)
		mdl->MdlFlags |= MDL_PARTIAL_HAS_BEEN_MAPPED;
	return mdl->MappedSystemVa;
}

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
	MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress, ULONG BugCheckOnFailure,
	ULONG Priority)
{
	static const char routine[] = "MmMapLockedPagesSpecifyCache";
	PVOID va;

	cpu_poll();
	if (AccessMode != KernelMode) {
		nt_irql_max(routine, IRQL_APC, NT_C4(0x77));
		ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES); /* documented; there is no user
								 address space */
	}
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x76));
	if (BugCheckOnFailure)
		mdl_break(0x82, routine, MemoryDescriptorList, "BugCheckOnFailure must be FALSE");
	va = map(routine, MemoryDescriptorList, AccessMode);
	if (!va && BugCheckOnFailure)
		KeBugCheckEx(
			0x3F, 0, mdl_pages(MemoryDescriptorList), 0, 0); /* NO_MORE_SYSTEM_PTES */
	return va;
}
DRY_EXPORT(MmMapLockedPagesSpecifyCache)

/* The old form fails by a bug check; 0xC4/81 says to use the other one. */
PVOID NTAPI MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
	static const char routine[] = "MmMapLockedPages";
	PVOID va;

	cpu_poll();
	if (AccessMode != KernelMode) {
		nt_irql_max(routine, IRQL_APC, NT_C4(0x75));
		ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
	}
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x74));
	mdl_break(0x81, routine, MemoryDescriptorList, "MmMapLockedPagesSpecifyCache replaces it");
	va = map(routine, MemoryDescriptorList, AccessMode);
	if (!va)
		KeBugCheckEx(0x3F, 0, mdl_pages(MemoryDescriptorList), 0, 0);
	return va;
}
DRY_EXPORT(MmMapLockedPages)

VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
	static const char routine[] = "MmUnmapLockedPages";
	PMDL mdl = MemoryDescriptorList;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x79));
	if (mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
		mdl_break(
			0xB6, routine, mdl, "the pages are nonpaged pool, which is never unmapped");
	} else if (!(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)) {
		mdl_break(0xB6, routine, mdl, "the MDL has no system mapping");
	} else if (mdl->MdlFlags & MDL_PARTIAL && !(mdl->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)) {
		mdl_break(0xB5, routine, mdl, "the MDL is partial and shares its source's mapping");
	} else {
		if (BaseAddress != mdl->MappedSystemVa)
			mdl_break(
				0xB6, routine, mdl, "the address is not that of the MDL's mapping");
		mapping_drop(mdl);
	}
}
DRY_EXPORT(MmUnmapLockedPages)

NTSTATUS NTAPI MmAdvanceMdl(PMDL Mdl, ULONG NumberOfBytes)
{
	PFN_NUMBER *pfn = MmGetMdlPfnArray(Mdl);
	ULONG pages = mdl_pages(Mdl), passed;
	char *va = MmGetMdlVirtualAddress(Mdl);

	cpu_poll();
	nt_irql_max("MmAdvanceMdl", IRQL_DISPATCH, NT_C4(0xE5));
	if (NumberOfBytes > Mdl->ByteCount)
		return STATUS_INVALID_PARAMETER_2;
	passed = (ULONG)(((uint64_t)Mdl->ByteOffset + NumberOfBytes) >> PAGE_SHIFT);
	if (Mdl->MdlFlags & MDL_PAGES_LOCKED && !(Mdl->MdlFlags & MDL_PARTIAL))
		mdl_user_unlock(Mdl, passed);
	if (passed && Mdl->MdlFlags & MDL_DESCRIBES)
		memmove(pfn, pfn + passed, (pages - passed) * sizeof(*pfn));
	va += NumberOfBytes;
	Mdl->StartVa = PAGE_ALIGN(va);
	Mdl->ByteOffset = BYTE_OFFSET(va);
	Mdl->ByteCount -= NumberOfBytes;
	if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
		Mdl->MappedSystemVa = (char *)Mdl->MappedSystemVa + NumberOfBytes;
	return STATUS_SUCCESS;
}
DRY_EXPORT(MmAdvanceMdl)
