/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Mm: contiguous and noncached memory. */
#include "nt_kit.h"

static PHYSICAL_ADDRESS physical(uint64_t address)
{
	return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)address};
}

static bool is_contiguous(const char *va, uint64_t bytes)
{
	for (uint64_t at = 0; at < bytes; at += 4096)
		if (mem_physical(va + at) != mem_physical(va) + at)
			return false;
	return true;
}

static void get_and_check(void *ctx)
{
	char *p = MmAllocateContiguousMemory(0x10001, physical(UINT64_MAX));

	CHECK(p && (uintptr_t)p % 4096 == 0);
	CHECK(is_contiguous(p, 0x10001));
	memset(p, 0, 0x10001);
	MmFreeContiguousMemory(p);
	p = MmAllocateContiguousMemorySpecifyCache(
		0x5000, physical(0), physical(0xffffffff), physical(0), MmNonCached);
	CHECK(p && is_contiguous(p, 0x5000));
	CHECK(mem_physical(p) + 0x5000 <= 1ull << 32);
	MmFreeContiguousMemorySpecifyCache(p, 0x5000, MmNonCached);
	p = MmAllocateContiguousMemorySpecifyCacheNode(
		0x1000, physical(0), physical(UINT64_MAX), physical(0), MmCached, 0x80000000);
	CHECK(p);
	MmFreeContiguousMemorySpecifyCache(p, 0x1000, MmCached);
}

/*
 * covers: MmAllocateContiguousMemory, MmAllocateContiguousMemorySpecifyCacheNode,
 * MmFreeContiguousMemorySpecifyCache
 */
static void contiguous_memory_is_contiguous_under_every_policy(void **state)
{
	static const enum mem_policy policies[] = {MEM_CONTIGUOUS, MEM_SCATTERED, MEM_HIGH};

	for (unsigned i = 0; i < 3; i++) {
		machine_start(1, policies[i]);
		run_on(0, get_and_check, NULL);
		machine_stop();
	}
}

/* covers: MmAllocateContiguousMemorySpecifyCache, MmFreeContiguousMemory */
NT_TEST(a_boundary_is_not_crossed)
{
	char *held[40];

	for (unsigned i = 0; i < 40; i++) {
		uint64_t bytes = 0x1000 * (1 + i % 16), at;

		held[i] = MmAllocateContiguousMemorySpecifyCache(
			bytes, physical(0), physical(UINT64_MAX), physical(0x10000), MmCached);
		CHECK(held[i] != NULL);
		at = mem_physical(held[i]);
		CHECK_EQUAL(at / 0x10000, (at + bytes - 1) / 0x10000);
	}
	for (unsigned i = 0; i < 40; i++)
		MmFreeContiguousMemory(held[i]);
	held[0] = MmAllocateContiguousMemorySpecifyCache(
		0x1000, physical(0), physical(UINT64_MAX), physical(1ull << 63), MmCached);
	CHECK(held[0] != NULL);
	MmFreeContiguousMemory(held[0]);
	CHECK(MmAllocateContiguousMemorySpecifyCache(0x10001, physical(0), physical(UINT64_MAX),
		      physical(0x10000), MmCached) == NULL);
	CHECK(MmAllocateContiguousMemorySpecifyCache(0x1000, physical(0), physical(UINT64_MAX),
		      physical(0x18000), MmCached) == NULL);
	CHECK_VIOLATION(0, "no power of two");
}

/*
 * covers: MmAllocateContiguousMemory, MmAllocateContiguousMemorySpecifyCacheNode,
 * MmAllocateNonCachedMemory
 */
NT_TEST(what_can_not_be_had_is_null)
{
	CHECK(MmAllocateContiguousMemory(0, physical(UINT64_MAX)) == NULL);
	CHECK(MmAllocateContiguousMemory(1ull << 40, physical(UINT64_MAX)) == NULL);
	CHECK(MmAllocateContiguousMemory(0x2000, physical(0xfff)) == NULL);
	CHECK(MmAllocateContiguousMemorySpecifyCache(0x1000, physical(1ull << 50),
		      physical(UINT64_MAX), physical(0), MmCached) == NULL);
	CHECK(MmAllocateContiguousMemorySpecifyCacheNode(0x1000, physical(1ull << 50),
		      physical(UINT64_MAX), physical(0), MmCached, 0) == NULL);
	CHECK(MmAllocateNonCachedMemory(1ull << 40) == NULL);
}

NT_TEST(wrong_frees_are_reported)
{
	char *p = MmAllocateContiguousMemory(0x3000, physical(UINT64_MAX)),
	     *pool = ExAllocatePoolWithTag(NonPagedPoolNx, 64, TAG);

	MmFreeContiguousMemory(p + 0x1000);
	CHECK_VIOLATION(0xC4000010,
		"MmFreeContiguousMemory of an address that such an allocation did not return");
	MmFreeContiguousMemory(pool);
	CHECK_VIOLATION(0xC4000010, mem_kind_name(MEM_POOL));
	MmFreeContiguousMemory(NULL);
	CHECK_VIOLATION(0xC4000010, "NULL");
	MmFreeNonCachedMemory(p, 0x3000);
	CHECK_VIOLATION(0xC4000010, "MmFreeNonCachedMemory");
	MmFreeContiguousMemorySpecifyCache(p, 0x1000, MmCached);
	CHECK_VIOLATION(0xC400013F, "of 4096 bytes, where 12288 were allocated");
	MmFreeContiguousMemory(p);
	CHECK_VIOLATION(0xC4000010, "");
	ExFreePool(p);
	CHECK_VIOLATION(0xC4000010, "no pool block");
	ExFreePool(pool);
}

/* covers: MmAllocateNonCachedMemory, MmFreeNonCachedMemory */
NT_TEST(noncached_memory_is_whole_pages)
{
	char *p = MmAllocateNonCachedMemory(100);

	CHECK(p && (uintptr_t)p % 4096 == 0);
	memset(p, 0, 4096);
	CHECK(MmIsAddressValid(p));
	MmFreeNonCachedMemory(p, 100);
}

NT_TEST(wrong_levels_are_reported)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	char *p = MmAllocateContiguousMemory(0x1000, physical(UINT64_MAX)), *q;

	CHECK_NO_VIOLATION();
	q = MmAllocateNonCachedMemory(0x1000);
	CHECK_VIOLATION(0xC4020019, "MmAllocateNonCachedMemory called at IRQL 2");
	KfRaiseIrql(5);
	MmFreeContiguousMemory(p);
	CHECK_VIOLATION(0xC402001A, "MmFreeContiguousMemory called at IRQL 5");
	KeLowerIrql(old);
	MmFreeNonCachedMemory(q, 0x1000);
}

static void leave_it(void *ctx)
{
	MmAllocateContiguousMemory(0x3000, physical(UINT64_MAX));
	MmAllocateNonCachedMemory(1);
}

static void what_is_left_at_the_end_is_reported(void **state)
{
	machine_start(1, MEM_SCATTERED);
	run_on(0, leave_it, NULL);
	assert_int_equal(nt_fini(), 2);
	assert_true(CHECK_VIOLATION(0xC4000062, "4096 bytes of noncached memory, never freed"));
	assert_true(CHECK_VIOLATION(0xC4000062, "12288 bytes of contiguous memory, never freed"));
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contiguous_memory_is_contiguous_under_every_policy),
		cmocka_unit_test(a_boundary_is_not_crossed),
		cmocka_unit_test(what_can_not_be_had_is_null),
		cmocka_unit_test(wrong_frees_are_reported),
		cmocka_unit_test(noncached_memory_is_whole_pages),
		cmocka_unit_test(wrong_levels_are_reported),
		cmocka_unit_test(what_is_left_at_the_end_is_reported),
	};

	return cmocka_run_group_tests_name("nt/mm_memory", tests, NULL, NULL);
}
