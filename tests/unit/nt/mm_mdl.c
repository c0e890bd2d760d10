/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mm: frames, locks, mappings and advancing of MDLs (spec/storport.md 1.5, 3.2; the checks of 5.3).
 */
#include "nt_kit.h"

/* An MDL for a part of a buffer, with its frames. */
static PMDL mdl_for(char *va, ULONG bytes)
{
	PMDL mdl = IoAllocateMdl(va, bytes, FALSE, FALSE, NULL);

	MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

static uint64_t frame(const char *va)
{
	return mem_physical(va) >> 12;
}

/* ---- sizes ---- */

/* 3.2: (BYTE_OFFSET + size + PAGE_SIZE - 1) >> PAGE_SHIFT; each row was counted by hand. */
NT_TEST(spanned_pages_are_counted_as_documented)
{
	static const struct {
		uint64_t va, bytes;
		unsigned pages;
	} cases[] = {{0, 0, 0}, {0x123, 0, 1}, {0x10, 0, 1}, {0, 1, 1}, {0, 0xfff, 1},
		{0, 0x1000, 1}, {0, 0x1001, 2}, {0xfff, 1, 1}, {0xfff, 2, 2}, {0x800, 0x800, 1},
		{0x800, 0x801, 2}, {0, 0x11000, 17}, {1, 0x10000, 17}, {0xff0, 0x20, 2},
		{0xff8, 0x10, 2}, {0x7ffff001, 0x1fff, 2}};

	for (unsigned i = 0; i < array_size(cases); i++) {
		CHECK_EQUAL(ADDRESS_AND_SIZE_TO_SPAN_PAGES(cases[i].va, cases[i].bytes),
			cases[i].pages);
		/* header of 0x30 bytes, then a frame number of 8 bytes per page */
		CHECK_EQUAL(MmSizeOfMdl((void *)cases[i].va, cases[i].bytes),
			0x30 + 8 * cases[i].pages);
	}
	CHECK_EQUAL(MmSizeOfMdl(NULL, 1ull << 32), 0x30 + 8ull * 0x100000);
}

/* The rows of 1.5 that a strict count accepts: registers = the pages of each MDL of the chain,
 * summed. */
NT_TEST(the_registers_of_a_chain_are_the_sum_of_its_pages)
{
	static const struct {
		struct {
			unsigned offset, bytes;
		} mdls[2];
		unsigned skip, length, registers;
	} cases[] = {
		{{{0, 0x1000}}, 0, 0x1000, 1},
		{{{0xfff, 2}}, 0, 2, 2},
		{{{0, 0x1000}, {0x10, 0x10}}, 0, 0x1010, 2},
		{{{0xff0, 0x20}, {0xff8, 0x10}}, 0, 0x30, 4},
		{{{0, 0x2000}}, 1, 0x1fff, 2},
		{{{0, 0x2000}}, 0x1fff, 1, 1},
		{{{0, 0x11000}}, 0, 0x11000, 17},
		{{{1, 0x10000}}, 0, 0x10000, 17},
	};

	for (unsigned i = 0; i < array_size(cases); i++) {
		PMDL first = NULL, *link = &first, next;
		unsigned sum = 0, left = cases[i].length, skip = cases[i].skip;
		char *buffers[2] = {0};

		for (unsigned m = 0; m < 2 && cases[i].mdls[m].bytes; m++) {
			buffers[m] = ExAllocatePoolWithTag(NonPagedPoolNx, 0x12000, TAG);
			*link = mdl_for(
				buffers[m] + cases[i].mdls[m].offset, cases[i].mdls[m].bytes);
			link = &(*link)->Next;
		}
		for (PMDL mdl = first; mdl; mdl = mdl->Next) {
			char *va = (char *)MmGetMdlVirtualAddress(mdl) + skip;
			unsigned here = min_of(left, MmGetMdlByteCount(mdl) - skip);

			sum += ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, here);
			left -= here;
			skip = 0;
		}
		CHECK_EQUAL(left, 0);
		CHECK_EQUAL(sum, cases[i].registers);
		for (PMDL mdl = first; mdl; mdl = next) {
			next = mdl->Next;
			IoFreeMdl(mdl);
		}
		for (unsigned m = 0; m < 2; m++)
			if (buffers[m])
				ExFreePool(buffers[m]);
	}
}

/* ---- frames ---- */

NT_TEST(a_nonpaged_buffer_gets_the_frames_of_its_pages_and_its_own_address_as_mapping)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x6000, TAG);
	static const struct {
		ULONG offset, bytes, pages;
	} cases[] = {
		{0, 0x6000, 6}, {0x123, 0x2000, 3}, {0xfff, 1, 1}, {0x1fff, 2, 2}, {0x800, 0, 0}};

	for (unsigned i = 0; i < array_size(cases); i++) {
		char *va = buffer + cases[i].offset;
		PMDL mdl = mdl_for(va, cases[i].bytes);

		CHECK(mdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL);
		CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == va);
		for (ULONG page = 0; page < cases[i].pages; page++)
			CHECK_EQUAL(MmGetMdlPfnArray(mdl)[page],
				frame((char *)PAGE_ALIGN(va) + page * 0x1000));
		IoFreeMdl(mdl);
	}
	/* scattered memory: neighbours in the buffer are none in RAM */
	CHECK(frame(buffer + 0x1000) != frame(buffer) + 1);
	ExFreePool(buffer);
}

/* 0xC4/7F, 140, 6F */
/* covers: MmBuildMdlForNonPagedPool */
NT_TEST(what_is_no_nonpaged_buffer_is_reported)
{
	char *paged = ExAllocatePoolWithTag(PagedPool, 0x2000, TAG),
	     *small = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);
	char *data = mem_alloc(0x1000, 0, MEM_DATA, NULL);
	static char outside[64];
	PMDL mdl;

	IoFreeMdl(mdl_for(paged, 0x2000));
	CHECK_VIOLATION(0xC400007F, "paged pool");
	IoFreeMdl(mdl_for(small, 101));
	CHECK_VIOLATION(0xC4000140, "past the end of its pool block");
	IoFreeMdl(mdl_for(data, 0x1000));
	CHECK_NO_VIOLATION();
	IoFreeMdl(mdl_for(outside, 64));
	CHECK_VIOLATION(0xC400006F, "no memory of the machine");
	mem_free(data, 0x1000);
	IoFreeMdl(mdl_for(data, 0x1000));
	CHECK_VIOLATION(0xC400006F, "no memory of the machine");
	/* a locked MDL keeps its state */
	mdl = IoAllocateMdl(small, 100, FALSE, FALSE, NULL);
	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	MmBuildMdlForNonPagedPool(mdl);
	CHECK_VIOLATION(0xC40000B0, "locked or partial");
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
	ExFreePool(small);
	IoFreeMdl(mdl_for(small, 16));
	CHECK_VIOLATION(0xC4000140, "no live pool block");
	ExFreePool(paged);
}

/* ---- locks ---- */

/* covers: MmProbeAndLockPages */
NT_TEST(locking_fills_the_frames_and_unlocking_drops_the_mapping)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x3000, TAG);
	PMDL mdl = IoAllocateMdl(buffer + 0x10, 0x2000, FALSE, FALSE, NULL);

	MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess);
	CHECK(mdl->MdlFlags & MDL_PAGES_LOCKED);
	CHECK(mdl->MdlFlags & MDL_WRITE_OPERATION);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQUAL(MmGetMdlPfnArray(mdl)[i], frame(buffer + i * 0x1000));
	CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == buffer + 0x10);
	CHECK(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);
	CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == buffer + 0x10);
	MmUnlockPages(mdl);
	CHECK(!(mdl->MdlFlags &
		(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_WRITE_OPERATION)));
	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	CHECK(!(mdl->MdlFlags & MDL_WRITE_OPERATION));
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
	ExFreePool(buffer);
}

/* 0xC4/B0, 7C, 7D, B4 */
/* covers: MmProbeAndLockPages, MmUnlockPages */
NT_TEST(locks_on_the_wrong_mdl_are_reported)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x2000, TAG);
	PMDL mdl = IoAllocateMdl(buffer, 0x2000, FALSE, FALSE, NULL),
	     nonpaged = mdl_for(buffer, 0x2000);
	PMDL part = IoAllocateMdl(buffer, 0x2000, FALSE, FALSE, NULL);

	MmUnlockPages(mdl);
	CHECK_VIOLATION(0xC400007C, "never locked");
	MmProbeAndLockPages(nonpaged, KernelMode, IoReadAccess);
	CHECK_VIOLATION(0xC40000B0, "MmProbeAndLockPages");
	MmUnlockPages(nonpaged);
	CHECK_VIOLATION(0xC400007D, "nonpaged pool");
	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	CHECK_VIOLATION(0xC40000B0, "locked");
	IoBuildPartialMdl(mdl, part, buffer, 16);
	MmUnlockPages(part);
	CHECK_VIOLATION(0xC40000B4, "partial");
	MmUnlockPages(mdl);
	MmUnlockPages(mdl);
	CHECK_VIOLATION(0xC400007C, "never locked");
	IoFreeMdl(part);
	IoFreeMdl(mdl);
	IoFreeMdl(nonpaged);
	ExFreePool(buffer);
}

static void lock_freed(void *ctx)
{
	char *data = mem_alloc(0x1000, 0, MEM_DATA, NULL);
	PMDL mdl = IoAllocateMdl(data, 64, FALSE, FALSE, NULL);

	mem_free(data, 0x1000);
	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
}

static void lock_user(void *ctx)
{
	void *p = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);

	MmProbeAndLockPages(IoAllocateMdl(p, 64, FALSE, FALSE, NULL), UserMode, IoReadAccess);
}

/* covers: MmProbeAndLockPages */
static void a_probe_that_fails_raises_access_violation(void **state)
{
	assert_raises("MmProbeAndLockPages", STATUS_ACCESS_VIOLATION, lock_freed);
	assert_raises("MmProbeAndLockPages", STATUS_ACCESS_VIOLATION, lock_user);
}

/* 0xC4/70, 78, 76, 79 */
NT_TEST(levels_above_dispatch_are_reported)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x1000, TAG);
	PMDL mdl = IoAllocateMdl(buffer, 0x1000, FALSE, FALSE, NULL);
	KIRQL old;
	void *va;

	KeRaiseIrql(5, &old);
	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	CHECK_VIOLATION(0xC4000070, "MmProbeAndLockPages called at IRQL 5");
	va = MmMapLockedPagesSpecifyCache(
		mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
	CHECK_VIOLATION(0xC4000076, "MmMapLockedPagesSpecifyCache called at IRQL 5");
	CHECK(va == buffer);
	MmUnmapLockedPages(va, mdl);
	CHECK_VIOLATION(0xC4000079, "MmUnmapLockedPages called at IRQL 5");
	MmUnlockPages(mdl);
	CHECK_VIOLATION(0xC4000078, "MmUnlockPages called at IRQL 5");
	KeLowerIrql(old);
	IoFreeMdl(mdl);
	ExFreePool(buffer);
}

/* ---- mappings ---- */

/* 0xC4/B3, B2, 82, 81, B6 */
/* covers: MmMapLockedPages, MmMapLockedPagesSpecifyCache, MmUnmapLockedPages */
NT_TEST(wrong_mappings_are_reported)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x2000, TAG);
	PMDL mdl = IoAllocateMdl(buffer, 0x2000, FALSE, FALSE, NULL),
	     nonpaged = mdl_for(buffer, 0x2000);

	CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == NULL);
	CHECK_VIOLATION(0xC40000B3, "not locked");
	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	MmUnmapLockedPages(buffer, mdl);
	CHECK_VIOLATION(0xC40000B6, "no system mapping");
	CHECK(MmMapLockedPagesSpecifyCache(
		      mdl, KernelMode, MmCached, NULL, TRUE, NormalPagePriority) == buffer);
	CHECK_VIOLATION(0xC4000082, "BugCheckOnFailure");
	CHECK(MmMapLockedPagesSpecifyCache(
		      mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority) == buffer);
	CHECK_VIOLATION(0xC40000B2, "mapping already");
	MmUnmapLockedPages(buffer + 1, mdl);
	CHECK_VIOLATION(0xC40000B6, "not that of the MDL's mapping");
	CHECK(MmMapLockedPages(mdl, KernelMode) == buffer);
	CHECK_VIOLATION(0xC4000081, "MmMapLockedPages");
	MmUnmapLockedPages(buffer, mdl);
	MmMapLockedPagesSpecifyCache(
		nonpaged, KernelMode, MmCached, NULL, FALSE, NormalPagePriority);
	CHECK_VIOLATION(0xC40000B2, "mapping already");
	MmUnmapLockedPages(buffer, nonpaged);
	CHECK_VIOLATION(0xC40000B6, "never unmapped");
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
	IoFreeMdl(nonpaged);
	ExFreePool(buffer);
}

static PMDL unmappable(char *buffer)
{
	PMDL mdl = IoAllocateMdl(buffer, 0x3000, FALSE, FALSE, NULL);
	PFN_NUMBER swap;

	MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
	swap = MmGetMdlPfnArray(mdl)[0];
	MmGetMdlPfnArray(mdl)[0] = MmGetMdlPfnArray(mdl)[1];
	MmGetMdlPfnArray(mdl)[1] = swap;
	return mdl;
}

/* covers: MmMapLockedPagesSpecifyCache */
NT_TEST(pages_that_do_not_stand_side_by_side_have_no_mapping)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x3000, TAG);
	PMDL mdl = unmappable(buffer);

	CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == NULL);
	CHECK(MmMapLockedPagesSpecifyCache(
		      mdl, KernelMode, MmCached, NULL, FALSE, NormalPagePriority) == NULL);
	MmGetMdlPfnArray(mdl)[1] = (PFN_NUMBER)-1;
	CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == NULL);
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
	ExFreePool(buffer);
}

static void map_or_end(void *ctx)
{
	MmMapLockedPagesSpecifyCache(unmappable(ExAllocatePoolWithTag(NonPagedPoolNx, 0x3000, TAG)),
		KernelMode, MmCached, NULL, TRUE, NormalPagePriority);
}

static void map_the_old_way(void *ctx)
{
	MmMapLockedPages(
		unmappable(ExAllocatePoolWithTag(NonPagedPoolNx, 0x3000, TAG)), KernelMode);
}

/* covers: MmMapLockedPages, MmMapLockedPagesSpecifyCache */
static void without_a_mapping_the_old_form_is_a_bug_check_and_the_new_one_if_asked_for(void **state)
{
	assert_dies(map_or_end, "bug check 0x3F");
	assert_dies(map_the_old_way, "bug check 0x3F");
}

static void map_to_user(void *ctx)
{
	void *p = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);
	PMDL mdl = mdl_for(p, 64);

	MmMapLockedPagesSpecifyCache(mdl, UserMode, MmCached, NULL, FALSE, NormalPagePriority);
}

static void map_to_user_the_old_way(void *ctx)
{
	MmMapLockedPages(mdl_for(ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG), 64), UserMode);
}

/* covers: MmMapLockedPages, MmMapLockedPagesSpecifyCache */
static void a_user_mapping_that_can_not_be_raises(void **state)
{
	assert_dies(map_to_user, "0xC000009A");
	assert_dies(map_to_user_the_old_way, "0xC000009A");
}

/* ---- MmAdvanceMdl ---- */

NT_TEST(advancing_drops_bytes_from_the_front_and_keeps_the_end)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x4000, TAG);
	static const ULONG steps[] = {0, 1, 0x7ff, 0x800, 0x1000, 0x1800, 0x2fff, 0x37ff, 0x3800};

	for (unsigned i = 0; i < array_size(steps); i++) {
		PMDL mdl = mdl_for(buffer + 0x800, 0x3800);
		char *va = buffer + 0x800 + steps[i];

		CHECK_EQUAL(MmAdvanceMdl(mdl, steps[i]), STATUS_SUCCESS);
		CHECK(MmGetMdlVirtualAddress(mdl) == va);
		CHECK_EQUAL(MmGetMdlByteCount(mdl), 0x3800 - steps[i]);
		CHECK(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == va);
		if (steps[i] < 0x3800)
			CHECK_EQUAL(MmGetMdlPfnArray(mdl)[0], frame(va));
		if (steps[i] < 0x2800)
			CHECK_EQUAL(MmGetMdlPfnArray(mdl)[ADDRESS_AND_SIZE_TO_SPAN_PAGES(
								  va, MmGetMdlByteCount(mdl)) -
							  1],
				frame(buffer + 0x3000));
		IoFreeMdl(mdl);
	}
	ExFreePool(buffer);
}

/* covers: MmAdvanceMdl */
NT_TEST(advancing_past_the_end_is_invalid_parameter_2_and_changes_nothing)
{
	char *buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x2000, TAG);
	PMDL mdl = mdl_for(buffer, 0x1800);

	CHECK_EQUAL(MmAdvanceMdl(mdl, 0x1801), STATUS_INVALID_PARAMETER_2);
	CHECK_EQUAL(MmAdvanceMdl(mdl, 0xffffffff), STATUS_INVALID_PARAMETER_2);
	CHECK(MmGetMdlVirtualAddress(mdl) == buffer);
	CHECK_EQUAL(MmGetMdlByteCount(mdl), 0x1800);
	CHECK_EQUAL(MmAdvanceMdl(mdl, 0x1000), STATUS_SUCCESS);
	CHECK_EQUAL(MmAdvanceMdl(mdl, 0x800), STATUS_SUCCESS);
	CHECK_EQUAL(MmGetMdlByteCount(mdl), 0);
	CHECK_EQUAL(MmAdvanceMdl(mdl, 1), STATUS_INVALID_PARAMETER_2);
	IoFreeMdl(mdl);
	ExFreePool(buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spanned_pages_are_counted_as_documented),
		cmocka_unit_test(the_registers_of_a_chain_are_the_sum_of_its_pages),
		cmocka_unit_test(
			a_nonpaged_buffer_gets_the_frames_of_its_pages_and_its_own_address_as_mapping),
		cmocka_unit_test(what_is_no_nonpaged_buffer_is_reported),
		cmocka_unit_test(locking_fills_the_frames_and_unlocking_drops_the_mapping),
		cmocka_unit_test(locks_on_the_wrong_mdl_are_reported),
		cmocka_unit_test(a_probe_that_fails_raises_access_violation),
		cmocka_unit_test(levels_above_dispatch_are_reported),
		cmocka_unit_test(wrong_mappings_are_reported),
		cmocka_unit_test(pages_that_do_not_stand_side_by_side_have_no_mapping),
		cmocka_unit_test(
			without_a_mapping_the_old_form_is_a_bug_check_and_the_new_one_if_asked_for),
		cmocka_unit_test(a_user_mapping_that_can_not_be_raises),
		cmocka_unit_test(advancing_drops_bytes_from_the_front_and_keeps_the_end),
		cmocka_unit_test(advancing_past_the_end_is_invalid_parameter_2_and_changes_nothing),
	};

	return cmocka_run_group_tests_name("nt/mm_mdl", tests, NULL, NULL);
}
