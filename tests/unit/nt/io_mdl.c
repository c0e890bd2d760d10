/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: MDLs made, chained, made from parts, freed (spec/storport.md 3.1, 3.2; the checks of 5.3). */
#include "nt_kit.h"

static PMDL mdl_for(void *va, ULONG bytes)
{
	PMDL mdl = IoAllocateMdl(va, bytes, FALSE, FALSE, NULL);

	MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

/* covers: IoFreeMdl, MmSizeOfMdl */
NT_TEST(a_new_mdl_describes_its_buffer)
{
	static const struct {
		uintptr_t va;
		ULONG bytes;
	} cases[] = {{0x10000, 0}, {0x10000, 0x1000}, {0x12345, 1}, {0x10fff, 2},
		{0x10001, 0x10000}, {0x10010, 0}};

	for (unsigned i = 0; i < array_size(cases); i++) {
		PMDL mdl = IoAllocateMdl((void *)cases[i].va, cases[i].bytes, FALSE, FALSE, NULL);

		CHECK(mdl->Next == NULL);
		CHECK_EQUAL(mdl->MdlFlags, 0);
		CHECK((uintptr_t)mdl->StartVa == (cases[i].va & ~0xfffull));
		CHECK_EQUAL(MmGetMdlByteOffset(mdl), cases[i].va & 0xfff);
		CHECK_EQUAL(MmGetMdlByteCount(mdl), cases[i].bytes);
		CHECK((uintptr_t)MmGetMdlVirtualAddress(mdl) == cases[i].va);
		CHECK_EQUAL((uint16_t)mdl->Size, MmSizeOfMdl((void *)cases[i].va, cases[i].bytes));
		IoFreeMdl(mdl);
	}
}

/* Since Windows 7: at most 4 GB - PAGE_SIZE. */
/* covers: IoAllocateMdl */
NT_TEST(the_longest_buffer_is_4_gb_less_a_page)
{
	PMDL mdl = IoAllocateMdl((void *)0x10000, 0xfffff000, FALSE, FALSE, NULL);

	CHECK(mdl != NULL);
	CHECK_EQUAL(MmGetMdlByteCount(mdl), 0xfffff000);
	MmGetMdlPfnArray(mdl)[0xffffe] = 1; /* the last one is within the block */
	IoFreeMdl(mdl);
	mdl = IoAllocateMdl((void *)0x10000, 16, TRUE, FALSE, NULL);
	CHECK_VIOLATION(0, "SecondaryBuffer TRUE and no IRP");
	IoFreeMdl(mdl);
	nt_allocation_fail(1);
	CHECK(IoAllocateMdl((void *)0x10000, 16, FALSE, FALSE, NULL) == NULL);
	nt_allocation_fail(0);
	CHECK(IoAllocateMdl((void *)0x10000, 0xfffff001, FALSE, FALSE, NULL) == NULL);
	CHECK(IoAllocateMdl((void *)0x10000, 0xffffffff, FALSE, FALSE, NULL) == NULL);
}

/* covers: IoAllocateMdl */
NT_TEST(without_secondary_the_irp_gets_the_mdl_with_it_the_chain_grows)
{
	PMDL first, second, third, other;
	IRP irp = {0};

	first = IoAllocateMdl((void *)0x1000, 10, FALSE, FALSE, &irp);
	CHECK(irp.MdlAddress == first);
	second = IoAllocateMdl((void *)0x2000, 10, TRUE, FALSE, &irp);
	third = IoAllocateMdl((void *)0x3000, 10, TRUE, FALSE, &irp);
	CHECK(irp.MdlAddress == first && first->Next == second && second->Next == third &&
		third->Next == NULL);
	other = IoAllocateMdl((void *)0x4000, 10, FALSE, FALSE, &irp);
	CHECK(irp.MdlAddress == other && other->Next == NULL);
	/* one at a time: the chain is not freed with its first */
	IoFreeMdl(first);
	CHECK(second->Next == third);
	IoFreeMdl(second);
	IoFreeMdl(third);
	IoFreeMdl(other);
	IoFreeMdl(IoAllocateMdl((void *)0x1000, 10, TRUE, FALSE, NULL));
	CHECK_VIOLATION(0, "SecondaryBuffer TRUE and no IRP");
}

/* ---- partial MDLs ---- */

#define BUFFER 0x5000

NT_TEST(a_part_has_the_frames_and_the_mapping_of_its_source)
{
	static const struct {
		ULONG offset, length, pages;
	} cases[] = {{0, 0x5000, 5}, {0, 1, 1}, {0xfff, 1, 1}, {0xfff, 2, 2}, {0x1000, 0x1000, 1},
		{0x1801, 0x27ff, 3}, {0x4fff, 1, 1}, {0x800, 0x1000, 2}};
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BUFFER, TAG);
	PMDL source = mdl_for(buffer, BUFFER), part;

	for (unsigned i = 0; i < array_size(cases); i++) {
		char *va = buffer + cases[i].offset;

		part = IoAllocateMdl(va, cases[i].length, FALSE, FALSE, NULL);
		IoBuildPartialMdl(source, part, va, cases[i].length);
		CHECK_EQUAL(MmGetMdlByteCount(part), cases[i].length);
		CHECK(MmGetMdlVirtualAddress(part) == va);
		CHECK(part->MdlFlags & MDL_PARTIAL);
		CHECK(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == va);
		for (ULONG page = 0; page < cases[i].pages; page++)
			CHECK_EQUAL(MmGetMdlPfnArray(part)[page],
				MmGetPhysicalAddress(PAGE_ALIGN(va + page * 0x1000)).QuadPart >>
					12);
		IoFreeMdl(part);
	}
	IoFreeMdl(source);
	ExFreePool(buffer);
}

NT_TEST(length_0_is_the_rest_of_the_source)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BUFFER, TAG);
	PMDL source = mdl_for(buffer, BUFFER),
	     part = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);

	IoBuildPartialMdl(source, part, buffer + 0x1234, 0);
	CHECK_EQUAL(MmGetMdlByteCount(part), BUFFER - 0x1234);
	MmPrepareMdlForReuse(part);
	IoBuildPartialMdl(source, part, buffer + 0x2000, 16);
	CHECK_EQUAL(MmGetMdlByteCount(part), 16);
	IoFreeMdl(part);
	IoFreeMdl(source);
	ExFreePool(buffer);
}

/* covers: IoBuildPartialMdl, MmUnlockPages, MmUnmapLockedPages */
NT_TEST(a_part_of_a_locked_source_maps_itself_and_prepare_for_reuse_unmaps_it)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BUFFER, TAG);
	PMDL source = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);
	PMDL part = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);

	MmProbeAndLockPages(source, KernelMode, IoReadAccess);
	IoBuildPartialMdl(source, part, buffer + 0x1010, 0x2000);
	CHECK(!(part->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA));
	CHECK(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == buffer + 0x1010);
	CHECK(part->MdlFlags & MDL_PARTIAL_HAS_BEEN_MAPPED);
	IoBuildPartialMdl(source, part, buffer, 16);
	CHECK_VIOLATION(0, "still mapped");
	MmGetSystemAddressForMdlSafe(part, NormalPagePriority);
	MmPrepareMdlForReuse(part);
	CHECK(!(part->MdlFlags & (MDL_PARTIAL_HAS_BEEN_MAPPED | MDL_MAPPED_TO_SYSTEM_VA)));
	/* a mapping that the source had is shared, and is not the part's to end */
	CHECK(MmGetSystemAddressForMdlSafe(source, NormalPagePriority) == buffer);
	IoBuildPartialMdl(source, part, buffer + 0x100, 16);
	CHECK(MmGetSystemAddressForMdlSafe(part, NormalPagePriority) == buffer + 0x100);
	MmPrepareMdlForReuse(part);
	MmUnmapLockedPages(buffer + 0x100, part);
	CHECK_VIOLATION(0xC40000B5, "shares its source's mapping");
	IoFreeMdl(part);
	MmUnlockPages(source);
	IoFreeMdl(source);
	ExFreePool(buffer);
}

NT_TEST(a_part_of_a_part_is_a_part_of_the_whole)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BUFFER, TAG);
	PMDL source = mdl_for(buffer, BUFFER),
	     part = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);
	PMDL small = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);

	IoBuildPartialMdl(source, part, buffer + 0x1800, 0x2000);
	IoBuildPartialMdl(part, small, buffer + 0x2ff0, 0x20);
	CHECK_EQUAL(
		MmGetMdlPfnArray(small)[0], MmGetPhysicalAddress(buffer + 0x2ff0).QuadPart >> 12);
	CHECK_EQUAL(
		MmGetMdlPfnArray(small)[1], MmGetPhysicalAddress(buffer + 0x3000).QuadPart >> 12);
	IoFreeMdl(small);
	IoFreeMdl(part);
	IoFreeMdl(source);
	ExFreePool(buffer);
}

NT_TEST(a_part_outside_of_its_source_is_refused)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BUFFER, TAG);
	PMDL source = mdl_for(buffer + 0x100, 0x2000),
	     part = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);
	static const struct {
		int offset;
		ULONG length;
		const char *text;
	} cases[] = {{0xff, 1, "outside of the source"}, {0x100, 0x2001, "past the end"},
		{0x20ff, 2, "past the end"}, {0x2101, 1, "outside of the source"},
		{0x2100, 1, "past the end"}, {0x200, 0xffffffff, "past the end"}};

	for (unsigned i = 0; i < array_size(cases); i++) {
		IoBuildPartialMdl(source, part, buffer + cases[i].offset, cases[i].length);
		CHECK_VIOLATION(0xC40000E5, cases[i].text);
		CHECK_EQUAL(MmGetMdlByteCount(part), 0);
	}
	IoFreeMdl(part);
	IoFreeMdl(source);
	ExFreePool(buffer);
}

/* TARGET_MDL_TOO_SMALL */
/* covers: IoBuildPartialMdl */
NT_TEST(a_target_too_small_is_reported_and_not_written_past)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BUFFER, TAG);
	PMDL source = mdl_for(buffer, BUFFER),
	     part = IoAllocateMdl(buffer, 0x1000, FALSE, FALSE, NULL);
	struct {
		MDL mdl;
		PFN_NUMBER pfn[1];
		PFN_NUMBER guard;
	} own = {.guard = 0x5a5a};

	IoBuildPartialMdl(source, part, buffer + 1, 0x1000);
	CHECK_VIOLATION(0x40000000, "no room for so many pages");
	CHECK_EQUAL(MmGetMdlByteCount(part), 0);
	IoFreeMdl(part);
	/* an MDL in memory of the driver's own */
	MmInitializeMdl(&own.mdl, buffer, 0x1000);
	IoBuildPartialMdl(source, &own.mdl, buffer, 0x2000);
	CHECK_VIOLATION(0x40000000, "no room");
	CHECK_EQUAL(own.guard, 0x5a5a);
	IoBuildPartialMdl(source, &own.mdl, buffer, 0x1000);
	CHECK_EQUAL(MmGetMdlByteCount(&own.mdl), 0x1000);
	CHECK_EQUAL(own.pfn[0], MmGetPhysicalAddress(buffer).QuadPart >> 12);
	IoFreeMdl(source);
	ExFreePool(buffer);
}

NT_TEST(a_source_that_was_never_locked_is_refused)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BUFFER, TAG);
	PMDL source = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL),
	     part = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);

	IoBuildPartialMdl(source, part, buffer, 16);
	CHECK_VIOLATION(0xC40000E5, "not locked");
	IoFreeMdl(part);
	IoFreeMdl(source);
	ExFreePool(buffer);
}

/* ---- IoFreeMdl ---- */

/* covers: IoFreeMdl, MmAllocatePagesForMdlEx, MmFreePagesFromMdl */
NT_TEST(freeing_a_locked_or_mapped_mdl_is_reported)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, BUFFER, TAG);
	PHYSICAL_ADDRESS low = {.QuadPart = 0}, high = {.QuadPart = -1};
	PMDL mdl = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);

	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	IoFreeMdl(mdl);
	CHECK_VIOLATION(0x76000000, "still locked");
	/* the driver unlocked it in its own way */
	mdl = IoAllocateMdl(buffer, BUFFER, FALSE, FALSE, NULL);
	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	mdl->MdlFlags &= ~MDL_PAGES_LOCKED;
	IoFreeMdl(mdl);
	CHECK_VIOLATION(0xC40000B8, "still mapped");
	ExFreePool(buffer);

	mdl = MmAllocatePagesForMdlEx(low, high, low, 0x2000, MmCached, 0);
	MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	MmFreePagesFromMdl(mdl);
	CHECK_VIOLATION(0xC40000B8, "still mapped");
	ExFreePool(mdl);
}

NT_TEST(freeing_what_is_no_mdl_is_reported)
{
	void *p = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
	MDL mdl;

	MmInitializeMdl(&mdl, p, 64);
	IoFreeMdl(&mdl);
	CHECK_VIOLATION(0xC4000010, "IoFreeMdl of memory that is no pool block");
	memset(p, 0, 64);
	IoFreeMdl(p);
	CHECK_VIOLATION(0xC200000A, "IoFreeMdl with tag 'Mdl '");
}

NT_TEST(levels_above_dispatch_are_reported)
{
	KIRQL old;
	PMDL mdl;

	KeRaiseIrql(5, &old);
	mdl = IoAllocateMdl((void *)0x1000, 16, FALSE, FALSE, NULL);
	CHECK_VIOLATION(0xC4020022, "IoAllocateMdl called at IRQL 5");
	IoFreeMdl(mdl);
	CHECK_VIOLATION(0xC4020022, "IoFreeMdl called at IRQL 5");
	KeLowerIrql(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_mdl_describes_its_buffer),
		cmocka_unit_test(the_longest_buffer_is_4_gb_less_a_page),
		cmocka_unit_test(without_secondary_the_irp_gets_the_mdl_with_it_the_chain_grows),
		cmocka_unit_test(a_part_has_the_frames_and_the_mapping_of_its_source),
		cmocka_unit_test(length_0_is_the_rest_of_the_source),
		cmocka_unit_test(
			a_part_of_a_locked_source_maps_itself_and_prepare_for_reuse_unmaps_it),
		cmocka_unit_test(a_part_of_a_part_is_a_part_of_the_whole),
		cmocka_unit_test(a_part_outside_of_its_source_is_refused),
		cmocka_unit_test(a_target_too_small_is_reported_and_not_written_past),
		cmocka_unit_test(a_source_that_was_never_locked_is_refused),
		cmocka_unit_test(freeing_a_locked_or_mapped_mdl_is_reported),
		cmocka_unit_test(freeing_what_is_no_mdl_is_reported),
		cmocka_unit_test(levels_above_dispatch_are_reported),
	};

	return cmocka_run_group_tests_name("nt/io_mdl", tests, NULL, NULL);
}
