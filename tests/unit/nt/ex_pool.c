/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ex: pool by its Windows names. What happens to abused blocks is in pool.c. */
#include "nt_kit.h"

static bool is_zero(const unsigned char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (p[i])
			return false;
	return true;
}

/* covers: ExAllocatePool, ExAllocatePoolWithQuotaTag, ExAllocatePoolWithTagPriority */
NT_TEST(tagged_pool_is_had_and_freed_by_either_name)
{
	void *p = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);

	CHECK(p != NULL);
	ExFreePoolWithTag(p, TAG);
	p = ExAllocatePoolWithTag(NonPagedPool, 5000, TAG);
	ExFreePool(p);
	p = ExAllocatePool(PagedPool, 100);
	ExFreePool(p);
	p = ExAllocatePoolWithTagPriority(NonPagedPoolNx, 100, TAG, LowPoolPriority);
	ExFreePoolWithTag(p, TAG);
	p = ExAllocatePoolWithQuotaTag(NonPagedPoolNx, 100, TAG);
	ExFreePoolWithTag(p, TAG);
}

/* covers: ExFreePool */
NT_TEST(pool2_is_cleared_unless_it_shall_not_be)
{
	for (unsigned i = 0; i < 100; i++) {
		unsigned char *p = ExAllocatePool2(POOL_FLAG_NON_PAGED, 300, TAG);

		CHECK(is_zero(p, 300));
		memset(p, 0xff, 300);
		ExFreePool(p);
		p = ExAllocatePool2(POOL_FLAG_PAGED | POOL_FLAG_UNINITIALIZED, 300, TAG);
		CHECK(!is_zero(p, 300)); /* the kit's machine fills fresh pool */
		ExFreePool(p);
		p = ExAllocatePoolZero(NonPagedPoolNx, 300, TAG);
		CHECK(is_zero(p, 300));
		ExFreePool(p);
	}
}

NT_TEST(cache_aligned_pool_is_aligned_on_64_bytes)
{
	static void *blocks[512];

	for (unsigned i = 0; i < 512; i++) {
		blocks[i] =
			i % 2 ? ExAllocatePoolWithTag(NonPagedPoolNxCacheAligned, i * 9 + 1, TAG)
			      : ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_CACHE_ALIGNED,
					i * 9 + 1, TAG);
		CHECK_EQUAL((uintptr_t)blocks[i] % 64, 0);
		memset(blocks[i], 0x11, i * 9 + 1);
	}
	for (unsigned i = 0; i < 512; i++)
		ExFreePoolWithTag(blocks[i], TAG);
}

/* 0xC4/00: told, and a block without bytes is given */
/* covers: ExAllocatePool2, ExFreePoolWithTag */
NT_TEST(a_request_of_zero_bytes_is_reported)
{
	void *p = ExAllocatePoolWithTag(NonPagedPoolNx, 0, TAG);

	CHECK_VIOLATION(0xC4000000, "ExAllocatePoolWithTag of zero bytes with tag 'Tag1'");
	CHECK(p != NULL);
	ExFreePoolWithTag(p, TAG);
	CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED, 0, TAG) == NULL);
	CHECK_VIOLATION(0xC4000000, "ExAllocatePool2");
}

/* 0xC4/01, 02 */
/* covers: KeRaiseIrqlToDpcLevel */
NT_TEST(pool_at_too_high_a_level_is_reported)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	void *p, *paged;

	p = ExAllocatePoolWithTag(NonPagedPoolNx, 16, TAG);
	CHECK_NO_VIOLATION();
	paged = ExAllocatePoolWithTag(PagedPool, 16, TAG);
	CHECK_VIOLATION(
		0xC4000001, "called at IRQL 2 (DISPATCH_LEVEL); it must be at or below APC_LEVEL");
	ExFreePool(ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, TAG));
	CHECK_NO_VIOLATION();
	KfRaiseIrql(5);
	ExFreePool(p);
	CHECK_VIOLATION(0xC4000012, "ExFreePool called at IRQL 5");
	p = ExAllocatePoolWithTag(NonPagedPoolNx, 16, TAG);
	CHECK_VIOLATION(0xC4000002, "called at IRQL 5");
	CHECK(p != NULL);
	KeLowerIrql(DISPATCH_LEVEL);
	ExFreePool(p);
	ExFreePool(paged);
	CHECK_VIOLATION(0xC4000011, "ExFreePool called at IRQL 2");
	KeLowerIrql(old);
}

/* 0xC2/9B, 0xC2/0A */
NT_TEST(tags_are_checked)
{
	void *p = ExAllocatePoolWithTag(NonPagedPoolNx, 16, 0);

	CHECK_VIOLATION(0xC200009B, "with tag 0");
	CHECK(p != NULL);
	ExFreePool(p);
	p = ExAllocatePoolWithTag(NonPagedPoolNx, 48, TAG);
	ExFreePoolWithTag(p, 0x32676154);
	CHECK_VIOLATION(0xC200000A, "with tag 'Tag2' of a block of 48 bytes that has tag 'Tag1'");
	CHECK_NO_VIOLATION();
	CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 0) == NULL);
	CHECK_VIOLATION(0xC200009B, "ExAllocatePool2 with tag 0");
}

/* covers: ExAllocatePool2 */
NT_TEST(pool2_refuses_flags_that_mean_nothing)
{
	CHECK(ExAllocatePool2(0, 16, TAG) == NULL);
	CHECK_VIOLATION(0, "flags 0");
	CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED, 16, TAG) == NULL);
	CHECK_VIOLATION(0, "flags 140");
	CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED | 0x1000, 16, TAG) == NULL);
	CHECK_VIOLATION(0, "flags 1040");
	/* the upper half are optional attributes */
	ExFreePool(ExAllocatePool2(POOL_FLAG_NON_PAGED | 1ull << 40, 16, TAG));
}

/*
 * covers: ExAllocatePool, ExAllocatePool2, ExAllocatePoolWithTag, ExAllocatePoolWithTagPriority
 */
NT_TEST(a_request_too_large_is_null)
{
	CHECK(ExAllocatePool(NonPagedPoolNx, 1ull << 40) == NULL);
	CHECK(ExAllocatePoolWithTagPriority(NonPagedPoolNx, 1ull << 40, TAG, LowPoolPriority) ==
		NULL);
	CHECK(ExAllocatePoolWithTag(NonPagedPoolNx, 1ull << 40, TAG) == NULL);
	CHECK(ExAllocatePool2(POOL_FLAG_NON_PAGED, 1ull << 40, TAG) == NULL);
}

static void raise_1(void *ctx)
{
	ExAllocatePoolWithTag(NonPagedPoolNx | POOL_RAISE_IF_ALLOCATION_FAILURE, 1ull << 40, TAG);
}

static void raise_2(void *ctx)
{
	ExAllocatePool2(POOL_FLAG_NON_PAGED | POOL_FLAG_RAISE_ON_FAILURE, 1ull << 40, TAG);
}

static void raise_3(void *ctx)
{
	ExAllocatePoolWithQuotaTag(NonPagedPoolNx, 1ull << 40, TAG);
}

/* covers: ExAllocatePool2, ExAllocatePoolWithQuotaTag, ExAllocatePoolWithTag */
static void a_failure_raises_where_asked_for(void **state)
{
	assert_raises("ExAllocatePoolWithTag", STATUS_INSUFFICIENT_RESOURCES, raise_1);
	assert_raises("ExAllocatePool2", STATUS_INSUFFICIENT_RESOURCES, raise_2);
	assert_raises("ExAllocatePoolWithQuotaTag", STATUS_INSUFFICIENT_RESOURCES, raise_3);
}

/* ---- where a leak comes from ---- */

static const char *code_place(uintptr_t pc)
{
	return pc ? "driver.c:7 Probe" : NULL;
}

static void leak(void *ctx)
{
	ExAllocatePoolWithTag(NonPagedPoolNx, 24, TAG);
}

/* covers: ExAllocatePoolWithTag */
static void a_leak_names_the_line_that_allocated(void **state)
{
	machine_start(1, MEM_SCATTERED);
	nt_code_place = code_place;
	run_on(0, leak, NULL);
	nt_fini();
	nt_code_place = NULL;
	assert_true(CHECK_VIOLATION(0xC4000062,
		"1 pool block with tag 'Tag1', 24 bytes (allocated at driver.c:7 Probe)"));
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tagged_pool_is_had_and_freed_by_either_name),
		cmocka_unit_test(pool2_is_cleared_unless_it_shall_not_be),
		cmocka_unit_test(cache_aligned_pool_is_aligned_on_64_bytes),
		cmocka_unit_test(a_request_of_zero_bytes_is_reported),
		cmocka_unit_test(pool_at_too_high_a_level_is_reported),
		cmocka_unit_test(tags_are_checked),
		cmocka_unit_test(pool2_refuses_flags_that_mean_nothing),
		cmocka_unit_test(a_request_too_large_is_null),
		cmocka_unit_test(a_failure_raises_where_asked_for),
		cmocka_unit_test(a_leak_names_the_line_that_allocated),
	};

	return cmocka_run_group_tests_name("nt/ex_pool", tests, NULL, NULL);
}
