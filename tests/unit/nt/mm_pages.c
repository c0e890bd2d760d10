/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mm: pages for an MDL (spec/storport.md 3.2), under all three memory policies. */
#include "nt_kit.h"

static const PHYSICAL_ADDRESS zero = {.QuadPart = 0}, top = {.QuadPart = -1};

static PMDL pages(uint64_t low, uint64_t high, uint64_t skip, SIZE_T bytes, ULONG flags)
{
	return ddi_result(MmAllocatePagesForMdlEx,
		MmAllocatePagesForMdlEx((PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)low},
			(PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)high},
			(PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)skip}, bytes, MmCached, flags));
}

static void drop(PMDL mdl)
{
	if (mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA)
		MmUnmapLockedPages(mdl->MappedSystemVa, mdl);
	MmFreePagesFromMdl(mdl);
	ExFreePool(mdl);
}

/* covers: MmAllocatePagesForMdl */
NT_TEST(pages_are_locked_zeroed_mappable_and_whole)
{
	PMDL mdl = MmAllocatePagesForMdl(zero, top, zero, 0x5001);
	unsigned char *va;

	CHECK_EQUAL(MmGetMdlByteCount(mdl), 0x6000);
	CHECK_EQUAL(MmGetMdlByteOffset(mdl), 0);
	CHECK(mdl->MdlFlags & MDL_PAGES_LOCKED);
	va = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	CHECK(va != NULL);
	for (unsigned i = 0; i < 0x6000; i++)
		CHECK(va[i] == 0);
	for (unsigned i = 0; i < 6; i++)
		CHECK_EQUAL(MmGetMdlPfnArray(mdl)[i], mem_physical(va + i * 0x1000) >> 12);
	drop(mdl);
}

NT_TEST(pages_are_not_zeroed_if_not_wanted)
{
	PMDL mdl = pages(0, UINT64_MAX, 0, 0x2000, MM_DONT_ZERO_ALLOCATION);

	CHECK(mdl != NULL);
	drop(mdl);
}

static void low_limit(void *ctx)
{
	PMDL mdl = pages(0, 0xffffffff, 0, 0x10000, MM_ALLOCATE_FULLY_REQUIRED);

	CHECK(mdl != NULL);
	for (unsigned i = 0; i < 16; i++)
		CHECK(MmGetMdlPfnArray(mdl)[i] < 0x100000);
	drop(mdl);
}

static void the_range_is_kept_under_every_policy(void **state)
{
	static const enum mem_policy policies[] = {MEM_CONTIGUOUS, MEM_SCATTERED, MEM_HIGH};

	for (unsigned i = 0; i < 3; i++) {
		machine_start(1, policies[i]);
		run_on(0, low_limit, NULL);
		machine_stop();
	}
}

NT_TEST(contiguous_chunks_are_consecutive_and_aligned)
{
	PMDL mdl = pages(0, UINT64_MAX, 0, 0x20000, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);

	for (unsigned i = 1; i < 32; i++)
		CHECK_EQUAL(MmGetMdlPfnArray(mdl)[i], MmGetMdlPfnArray(mdl)[0] + i);
	drop(mdl);
	/* SkipBytes is then the size and the alignment of a chunk */
	mdl = pages(0, UINT64_MAX, 0x10000, 0x40000, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS);
	for (unsigned chunk = 0; chunk < 4; chunk++) {
		PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl) + chunk * 16;

		CHECK_EQUAL(pfn[0] % 16, 0);
		for (unsigned i = 1; i < 16; i++)
			CHECK_EQUAL(pfn[i], pfn[0] + i);
	}
	drop(mdl);
	CHECK(pages(0, UINT64_MAX, 0x3000, 0x9000, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) == NULL);
	CHECK_VIOLATION(0, "SkipBytes 3000");
	CHECK(pages(0, UINT64_MAX, 0x10000, 0x18000, MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS) ==
		NULL);
	CHECK_VIOLATION(0, "SkipBytes 10000");
}

/* covers: MmAllocatePagesForMdl, MmAllocatePagesForMdlEx */
NT_TEST(fewer_pages_may_come_unless_all_are_required)
{
	PMDL mdl;

	CHECK(pages(0, UINT64_MAX, 0, 200 << 20, MM_ALLOCATE_FULLY_REQUIRED) == NULL);
	mdl = pages(0, UINT64_MAX, 0, 200 << 20, 0); /* the machine has 128 MiB */
	CHECK(mdl != NULL);
	CHECK(MmGetMdlByteCount(mdl) > 0 && MmGetMdlByteCount(mdl) < 200 << 20);
	CHECK_EQUAL(MmGetMdlByteCount(mdl) % 4096, 0);
	drop(mdl);
	CHECK(pages(0, 0xfff, 0, 0x2000, MM_ALLOCATE_FULLY_REQUIRED) == NULL);
	CHECK(pages(UINT64_MAX - 0xffff, UINT64_MAX, 0, 0x1000, 0) == NULL);
	CHECK(pages(0, UINT64_MAX, 0, 0, 0) == NULL);
	CHECK(MmAllocatePagesForMdl(zero, top, zero, 0) == NULL);
	CHECK(pages(0, UINT64_MAX, 0, 1ull << 32, 0) == NULL);
}

/* 0xC4/7E */
NT_TEST(dispatch_is_allowed_and_more_is_not)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	PMDL mdl = pages(0, UINT64_MAX, 0, 0x1000, 0);

	CHECK_NO_VIOLATION();
	KfRaiseIrql(5);
	MmFreePagesFromMdl(mdl);
	CHECK_VIOLATION(0xC400007E, "MmFreePagesFromMdl called at IRQL 5");
	KeLowerIrql(old);
	ExFreePool(mdl);
}

/* covers: MmFreePagesFromMdl */
NT_TEST(pages_that_were_not_allocated_so_are_not_freed)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x2000, TAG);
	PMDL mdl = IoAllocateMdl(buffer, 0x2000, FALSE, FALSE, NULL),
	     own = pages(0, UINT64_MAX, 0, 0x3000, 0);

	MmBuildMdlForNonPagedPool(mdl);
	MmFreePagesFromMdl(mdl);
	CHECK_VIOLATION(0xC4000010, "not allocated for it");
	IoFreeMdl(mdl);
	ExFreePool(buffer);
	MmFreePagesFromMdl(own);
	MmFreePagesFromMdl(own);
	CHECK_VIOLATION(0xC4000010, "not allocated for it");
	ExFreePool(own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_locked_zeroed_mappable_and_whole),
		cmocka_unit_test(pages_are_not_zeroed_if_not_wanted),
		cmocka_unit_test(the_range_is_kept_under_every_policy),
		cmocka_unit_test(contiguous_chunks_are_consecutive_and_aligned),
		cmocka_unit_test(fewer_pages_may_come_unless_all_are_required),
		cmocka_unit_test(dispatch_is_allowed_and_more_is_not),
		cmocka_unit_test(pages_that_were_not_allocated_so_are_not_freed),
	};

	return cmocka_run_group_tests_name("nt/mm_pages", tests, NULL, NULL);
}
