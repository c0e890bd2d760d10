/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: MDLs made, made from a part of another, and freed (spec/storport.md 3.2). mm_mdl.c fills them
 * in. */
#include "nt/mdl.h"
#include "nt/nt_check.h"
#include "nt/pool.h"
#include "util/export.h"

#include <string.h>

/* 3.2: since Windows 7 a buffer has at most 4 GB - PAGE_SIZE. */
#define LENGTH_MAX (0x100000000ull - PAGE_SIZE)

/* A secondary buffer goes to the end of the chain, any other one becomes the chain's first. */
static void link_to(PIRP irp, PMDL mdl, BOOLEAN secondary)
{
	PMDL *link = &irp->MdlAddress;

	while (secondary && *link)
		link = &(*link)->Next;
	*link = mdl;
}

PMDL NTAPI IoAllocateMdl(
	PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota, PIRP Irp)
{
	PMDL mdl;

	cpu_poll();
	nt_irql_max("IoAllocateMdl", IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	if (SecondaryBuffer && !Irp)
		nt_violation(0, "IoAllocateMdl with SecondaryBuffer TRUE and no IRP");
	if (Length > LENGTH_MAX)
		return NULL;
	mdl = pool_take(MmSizeOfMdl(VirtualAddress, Length), MDL_TAG, NULL,
		(uintptr_t)__builtin_return_address(0), 0);
	if (!mdl)
		return NULL;
	MmInitializeMdl(mdl, VirtualAddress, Length);
	mdl->Process = NULL;
	mdl->MappedSystemVa = NULL;
	if (Irp)
		link_to(Irp, mdl, SecondaryBuffer);
	return mdl;
}
DRY_EXPORT(IoAllocateMdl)

VOID NTAPI IoFreeMdl(PMDL Mdl)
{
	static const char routine[] = "IoFreeMdl";
	const ULONG tag = MDL_TAG;
	struct pool_info info;

	cpu_poll();
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	/* A partial MDL's own mapping ends with it, as documented; it has no resource here. */
	if (pool_find(Mdl, &info) && info.start == Mdl) {
		USHORT flags = (USHORT)Mdl->MdlFlags;

		if (flags & MDL_PAGES_LOCKED && !(flags & MDL_PARTIAL))
			nt_violation(0x76000000,
				"IoFreeMdl of an MDL whose pages are still locked (flags %04x)",
				flags);
		else if (flags & MDL_MAPPED_TO_SYSTEM_VA && !(flags & MDL_PARTIAL))
			nt_violation(NT_C4(0xB8),
				"IoFreeMdl of an MDL whose pages are still mapped (flags %04x)",
				flags);
	}
	pool_give(Mdl, routine, &tag);
}
DRY_EXPORT(IoFreeMdl)

/* ---- partial MDLs ---- */

/* Why this part of the source can not be described; the number is a bug check's. NULL: it can. */
static const char *partial_fault(
	const MDL *source, const MDL *target, const char *va, ULONG *length, uint64_t *number)
{
	const char *start = MmGetMdlVirtualAddress(source);
	uint64_t offset = (uint64_t)(va - start);

	*number = NT_C4(0xE5);
	if (!(source->MdlFlags & MDL_DESCRIBES))
		return "the source's pages are not locked";
	if (va < start || offset > source->ByteCount)
		return "the address is outside of the source's buffer";
	if (!*length)
		*length = source->ByteCount - (ULONG)offset;
	if (*length > source->ByteCount - offset)
		return "the part goes past the end of the source's buffer";
	*number = 0x40000000; /* TARGET_MDL_TOO_SMALL */
	if (ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, *length) > mdl_room(target))
		return "the target has no room for so many pages";
	return NULL;
}

/*
 * A target that can not be built describes nothing afterwards. The target shares a mapping that the
 * source has; MmPrepareMdlForReuse knows by MDL_PARTIAL_HAS_BEEN_MAPPED whether it made one of its
 * own.
 */
VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
	PMDL source = SourceMdl, target = TargetMdl;
	CSHORT keep = target->MdlFlags & (MDL_ALLOCATED_FIXED_SIZE | MDL_ALLOCATED_MUST_SUCCEED);
	CSHORT inherit = source->MdlFlags &
			 (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA | MDL_IO_SPACE);
	const char *fault;
	uint64_t number;
	ULONG first;

	cpu_poll();
	nt_irql_max("IoBuildPartialMdl", IRQL_DISPATCH, NT_C4(NT_RULE_IO_DISPATCH));
	if (target->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED)
		nt_violation(0, "IoBuildPartialMdl into an MDL that is still mapped: "
				"MmPrepareMdlForReuse comes before");
	fault = partial_fault(source, target, VirtualAddress, &Length, &number);
	if (fault) {
		nt_violation(number, "IoBuildPartialMdl: %s (source %u bytes, part %u bytes)",
			fault, source->ByteCount, Length);
		Length = 0;
		inherit = 0;
	}
	target->StartVa = PAGE_ALIGN(VirtualAddress);
	target->ByteOffset = BYTE_OFFSET(VirtualAddress);
	target->ByteCount = Length;
	target->Process = source->Process;
	target->MappedSystemVa = NULL;
	target->MdlFlags = keep | inherit | MDL_PARTIAL;
	if (fault)
		return;
	if (inherit & MDL_MAPPED_TO_SYSTEM_VA)
		target->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA;
	if (inherit & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
		target->MappedSystemVa =
			(char *)source->MappedSystemVa +
			((char *)VirtualAddress - (char *)MmGetMdlVirtualAddress(source));
	first = (ULONG)(((char *)target->StartVa - (char *)source->StartVa) >> PAGE_SHIFT);
	memcpy(MmGetMdlPfnArray(target), MmGetMdlPfnArray(source) + first,
		mdl_pages(target) * sizeof(PFN_NUMBER));
}
DRY_EXPORT(IoBuildPartialMdl)
