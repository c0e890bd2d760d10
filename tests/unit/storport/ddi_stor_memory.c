/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Pool and MDLs for miniports (1.9). */
#include "world.h"

#define TAG 0x74736554

/* ---- pool ---- */

static void pool(void)
{
	PVOID block = NULL, high = &block;
	KIRQL old;

	expect_is(StorPortAllocatePool(world.ext, 100, TAG, &block), STOR_STATUS_SUCCESS);
	memset(block, 1, 100);
	expect_is(StorPortFreePool(world.ext, block), STOR_STATUS_SUCCESS);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect_is(StorPortAllocatePool(world.ext, 5000, TAG, &block), STOR_STATUS_SUCCESS);
	expect_is(StorPortFreePool(world.ext, block), STOR_STATUS_SUCCESS);
	KeLowerIrql(old);
	expect_is(world.violations, 0);

	expect_is(StorPortAllocatePool(NULL, 100, TAG, &block), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortAllocatePool(world.ext, 100, TAG, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortFreePool(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	expect_is(StorPortAllocatePool(world.ext, 0xffffffff, TAG, &block),
		STOR_STATUS_INSUFFICIENT_RESOURCES);
	expect_is(block, NULL);
	atomic_store(&world.violations, 0);

	expect_is(StorPortAllocatePool(world.ext, 100, TAG, &block), STOR_STATUS_SUCCESS);
	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	expect_is(StorPortAllocatePool(world.ext, 100, TAG, &high), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	expect_is(high, NULL);
	expect_is(StorPortFreePool(world.ext, block), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	KeLowerIrql(old);
	expect_is(StorPortFreePool(world.ext, block), STOR_STATUS_SUCCESS);
	/* StorPortAllocatePool: no block is freed twice; and one that never was */
	expect_is(StorPortFreePool(world.ext, block), STOR_STATUS_INVALID_PARAMETER);
	expect_is(atomic_exchange(&world.violations, 0), 1);
	expect_is(StorPortFreePool(world.ext, world.ext), STOR_STATUS_INVALID_PARAMETER);
	expect_is(atomic_exchange(&world.violations, 0), 1);
}

/* covers: StorPortAllocatePool, StorPortFreePool */
static void pool_gives_each_documented_status(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, pool);
	assert_int_equal(world.start_result, 0);
}

/* ---- MDLs ---- */

static void mdls(void)
{
	PVOID block, mdl = NULL, high = &mdl;
	KIRQL old;

	StorPortAllocatePool(world.ext, 10000, TAG, &block);
	expect_is(StorPortAllocateMdl(world.ext, block, 10000, &mdl), STOR_STATUS_SUCCESS);
	expect_is(StorPortBuildMdlForNonPagedPool(world.ext, mdl), STOR_STATUS_SUCCESS);
	expect_is(MmGetMdlByteCount((PMDL)mdl), 10000);
	expect_is(MmGetMdlVirtualAddress((PMDL)mdl), block);
	for (unsigned n = 0; n < 3; n++)
		expect_is(MmGetMdlPfnArray((PMDL)mdl)[n],
			mem_physical((char *)block + n * 4096) >> 12);
	expect_is(StorPortFreeMdl(world.ext, mdl), STOR_STATUS_SUCCESS);

	expect_is(StorPortAllocateMdl(world.ext, NULL, 1, &mdl), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortAllocateMdl(world.ext, block, 1, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortAllocateMdl(NULL, block, 1, &mdl), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortBuildMdlForNonPagedPool(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortFreeMdl(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);

	expect_is(StorPortAllocateMdl(world.ext, block, 10000, &mdl), STOR_STATUS_SUCCESS);
	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	expect_is(StorPortAllocateMdl(world.ext, block, 1, &high), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	expect_is(high, NULL);
	expect_is(StorPortBuildMdlForNonPagedPool(world.ext, mdl), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	expect_is(StorPortFreeMdl(world.ext, mdl), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	KeLowerIrql(old);
	expect_is(StorPortFreeMdl(world.ext, mdl), STOR_STATUS_SUCCESS);
	StorPortFreePool(world.ext, block);
}

/* covers: StorPortAllocateMdl, StorPortBuildMdlForNonPagedPool, StorPortFreeMdl */
static void mdls_give_each_documented_status_and_bear_the_frames(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, mdls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(pool_gives_each_documented_status),
		world_test(mdls_give_each_documented_status_and_bear_the_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
