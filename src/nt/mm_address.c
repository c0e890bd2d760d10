/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mm: addresses: physical for virtual and back, validity, probes, exported routines by name. */
#include "nt/nt_check.h"
#include "mem/mem.h"
#include "util/export.h"

#include <sys/uio.h>
#include <unistd.h>

/* what has no physical address gets 0. */
PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID BaseAddress)
{
	PHYSICAL_ADDRESS physical = {.QuadPart = (LONGLONG)mem_physical(BaseAddress)};

	cpu_poll();
	if ((uint64_t)physical.QuadPart == MEM_NO_ADDRESS) {
		nt_violation(0, "MmGetPhysicalAddress of %s",
			BaseAddress ? "an address that is no memory of the machine" : "NULL");
		physical.QuadPart = 0;
	}
	return physical;
}
DRY_EXPORT(MmGetPhysicalAddress)

PVOID NTAPI MmGetVirtualForPhysical(PHYSICAL_ADDRESS PhysicalAddress)
{
	cpu_poll();
	return mem_host((uint64_t)PhysicalAddress.QuadPart);
}
DRY_EXPORT(MmGetVirtualForPhysical)

/* Memory that bears no frames (code, constants) is asked of the host, without touching it. */
BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
	enum mem_kind kind = mem_owner(VirtualAddress)->kind;
	char byte;
	struct iovec local = {&byte, 1}, remote = {VirtualAddress, 1};

	cpu_poll();
	nt_irql_max("MmIsAddressValid", IRQL_DISPATCH, NT_C4(0xE5));
	if (kind != MEM_NONE)
		return kind != MEM_FREE;
	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == 1;
}
DRY_EXPORT(MmIsAddressValid)

/* ---- user memory: what the host process has beside the machine ---- */

#define USER_END 0x7fffffff0000ull

/* Each page of it that lies in the range must be none of the machine's. */
static void probe(const char *routine, uintptr_t at, SIZE_T bytes, ULONG alignment)
{
	cpu_poll();
	nt_irql_max(routine, IRQL_APC, NT_C4(0xE5));
	if (!bytes)
		return;
	if (alignment && at & (alignment - 1))
		ExRaiseStatus(STATUS_DATATYPE_MISALIGNMENT);
	if (bytes > USER_END || at > USER_END - bytes)
		ExRaiseStatus(STATUS_ACCESS_VIOLATION);
	for (uintptr_t page = round_down(at, MEM_PAGE_SIZE); page < at + bytes;
		page += MEM_PAGE_SIZE)
		if (mem_owner((void *)page)->kind != MEM_NONE)
			ExRaiseStatus(STATUS_ACCESS_VIOLATION);
}

/* Its page: nothing is touched. */
VOID NTAPI ProbeForRead(const volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
	probe("ProbeForRead", (uintptr_t)Address, Length, Alignment);
}
DRY_EXPORT(ProbeForRead)

/* A byte of each page is read and written as it was, by the host, which knows what may be. */
VOID NTAPI ProbeForWrite(volatile VOID *Address, SIZE_T Length, ULONG Alignment)
{
	uintptr_t at = (uintptr_t)Address, end = at + Length;

	probe("ProbeForWrite", at, Length, Alignment);
	for (; at < end; at = round_down(at, MEM_PAGE_SIZE) + MEM_PAGE_SIZE) {
		char byte;
		struct iovec ours = {&byte, 1}, theirs = {(void *)at, 1};

		if (process_vm_readv(getpid(), &ours, 1, &theirs, 1, 0) != 1 ||
			process_vm_writev(getpid(), &ours, 1, &theirs, 1, 0) != 1)
			ExRaiseStatus(STATUS_ACCESS_VIOLATION);
	}
}
DRY_EXPORT(ProbeForWrite)

/* ---- routines by name ---- */

PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName)
{
	const struct dry_export *row;
	char name[128];
	unsigned length = SystemRoutineName->Length / sizeof(WCHAR);

	cpu_poll();
	nt_irql_max("MmGetSystemRoutineAddress", IRQL_PASSIVE, NT_C4(0xE5));
	if (length >= sizeof(name))
		return NULL;
	for (unsigned i = 0; i < length; i++)
		name[i] = SystemRoutineName->Buffer[i] < 0x80 ? (char)SystemRoutineName->Buffer[i]
							      : '?';
	name[length] = 0;
	row = export_find(name);
	return row ? row->address : NULL;
}
DRY_EXPORT(MmGetSystemRoutineAddress)
