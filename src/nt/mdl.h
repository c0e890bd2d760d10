/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What mm_mdl.c, io_mdl.c, mm_pages.c and who has MDLs of his own share. An MDL describes [StartVa
 * + ByteOffset, + ByteCount) by the frames of its pages, which follow it. All memory is mapped
 * already, once and for ever, so a "system mapping" of an MDL is the place where its pages stand;
 * it exists if they stand side by side. That of locked user memory is the program's own address.
 */
#ifndef DRY_NT_MDL_H
#define DRY_NT_MDL_H

#include "mem/mem.h"
#include "nt/nt.h"

#define MDL_TAG 0x206c644du /* "Mdl " */

/* One of these says that the frames are filled in. */
#define MDL_DESCRIBES (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL)

static inline ULONG mdl_pages(const MDL *mdl)
{
	return ADDRESS_AND_SIZE_TO_SPAN_PAGES(MmGetMdlVirtualAddress(mdl), mdl->ByteCount);
}

/*
 * MmInitializeMdl and MmBuildMdlForNonPagedPool at once, for an MDL of ours and data buffers.
 * False: they are not; nt_mdl_build says what is wrong. Any IRQL.
 */
static inline bool mdl_describe_data(PMDL mdl, void *va, ULONG bytes)
{
	const uint32_t kinds = 1u << MEM_DATA | 1u << MEM_OWN;
	PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
	const char *page;
	uint32_t seen = 0;

	MmInitializeMdl(mdl, va, bytes);
	page = mdl->StartVa;
	do {
		*pfn = mem_frame_number(page);
		seen |= 1u << mem_frame_get(*pfn++)->kind;
		page += PAGE_SIZE;
	} while (page < (char *)va + bytes);
	mdl->Process = NULL;
	mdl->MappedSystemVa = va;
	mdl->MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
	return !(seen & ~kinds);
}

/* The same for one page of such a buffer, of this frame number. */
static inline void mdl_describe_page(PMDL mdl, void *va, ULONG bytes, uint64_t frame)
{
	mdl->Next = NULL;
	mdl->Size = sizeof(*mdl) + sizeof(PFN_NUMBER);
	mdl->MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
	mdl->Process = NULL;
	mdl->MappedSystemVa = va;
	mdl->StartVa = PAGE_ALIGN(va);
	mdl->ByteCount = bytes;
	mdl->ByteOffset = BYTE_OFFSET(va);
	*MmGetMdlPfnArray(mdl) = frame;
}

/* Frames that it has room for. */
uint64_t mdl_room(const MDL *mdl);

/* mm_mdl.c: MmProbeAndLockPages, which says what it would raise. The MDL is new. */
NTSTATUS nt_mdl_lock(const char *routine, PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation);

/* mm_user.c: whether its buffer begins in user memory. */
bool mdl_is_user(const MDL *mdl);
/* Fills in the frames of user memory that allows this, and locks its pages; else says why not. */
NTSTATUS mdl_user_lock(const char *routine, PMDL mdl, bool is_write);
/* Unlocks those of its first pages that are user memory. */
void mdl_user_unlock(const MDL *mdl, ULONG pages);

#endif
