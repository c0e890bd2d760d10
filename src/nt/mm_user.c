/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Mm: user memory: what the host process has beside the machine. It is probed, and locked where it
 * lies: its pages bear frames then (mem/user.c), and a driver's system address is the program's
 * own. mm_mdl.c does the rest of what is done to an MDL.
 */
#include "nt/mdl.h"
#include "nt/nt_check.h"
#include "util/export.h"

#include <sys/uio.h>
#include <unistd.h>

#define USER_END 0x7fffffff0000ull

static bool page_is_user(uintptr_t page)
{
	enum mem_kind kind = mem_owner((void *)page)->kind;

	return kind == MEM_NONE || kind == MEM_USER;
}

static bool range_is_user(uintptr_t at, SIZE_T bytes)
{
	if (bytes > USER_END || at > USER_END - bytes)
		return false;
	for (uintptr_t page = round_down(at, MEM_PAGE_SIZE); page < at + bytes;
		page += MEM_PAGE_SIZE)
		if (!page_is_user(page))
			return false;
	return true;
}

/* A byte is read, and written as it was, by the host, which knows what may be. */
static bool byte_allows(uintptr_t at, bool is_write)
{
	char byte;
	struct iovec ours = {&byte, 1}, theirs = {(void *)at, 1};

	return process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0) == 1 &&
	       (!is_write || process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0) == 1);
}

/* A byte of each page. */
static bool range_allows(uintptr_t at, SIZE_T bytes, bool is_write)
{
	for (uintptr_t end = at + bytes; at < end;
		at = round_down(at, MEM_PAGE_SIZE) + MEM_PAGE_SIZE)
		if (!byte_allows(at, is_write))
			return false;
	return true;
}

/* ---- probes ---- */

static void probe(const char *routine, uintptr_t at, SIZE_T bytes, ULONG alignment)
{
	cpu_poll();
	nt_irql_max(routine, IRQL_APC, NT_C4(0xE5));
	if (!bytes)
		return;
	if (alignment && at & (alignment - 1))
		ExRaiseStatus(STATUS_DATATYPE_MISALIGNMENT);
	if (!range_is_user(at, bytes))
		ExRaiseStatus(STATUS_ACCESS_VIOLATION);
}

/* Its page: nothing is touched. */
VOID NTAPI ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
	probe("ProbeForRead", (uintptr_t)Address, Length, Alignment);
}
DRY_EXPORT(ProbeForRead)

VOID NTAPI ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
	probe("ProbeForWrite", (uintptr_t)Address, Length, Alignment);
	if (!range_allows((uintptr_t)Address, Length, true))
		ExRaiseStatus(STATUS_ACCESS_VIOLATION);
}
DRY_EXPORT(ProbeForWrite)

/* ---- locks ---- */

bool mdl_is_user(const MDL *mdl)
{
	return page_is_user((uintptr_t)mdl->StartVa);
}

NTSTATUS mdl_user_lock(const char *routine, PMDL mdl, bool is_write)
{
	uintptr_t at = (uintptr_t)MmGetMdlVirtualAddress(mdl);
	PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
	ULONG pages = mdl_pages(mdl), bytes = max_of(mdl->ByteCount, 1u);

	nt_irql_max(routine, IRQL_APC, NT_C4(0x70));
	if (!range_is_user(at, bytes) || !range_allows(at, bytes, is_write))
		return STATUS_ACCESS_VIOLATION;
	for (ULONG i = 0; i < pages; i++) {
		pfn[i] = mem_user_lock((char *)mdl->StartVa + (uint64_t)i * PAGE_SIZE);
		if (pfn[i] != MEM_NO_ADDRESS)
			continue;
		mdl_user_unlock(mdl, i);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	return STATUS_SUCCESS;
}

void mdl_user_unlock(const MDL *mdl, ULONG pages)
{
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);

	for (ULONG i = 0; i < pages; i++)
		if (mem_frame_get(pfn[i])->kind == MEM_USER)
			mem_user_unlock(pfn[i]);
}
