/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mm: addresses: physical for virtual and back, validity, exported routines by name. */
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
