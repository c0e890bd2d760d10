/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Pool, MDLs, the uncached extension and addresses for miniports (1.9; contracts 3, 4 and 12). */
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

static void mdls_give_each_documented_status_and_bear_the_frames(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, mdls);
}

/* ---- the uncached extension ---- */

#define UNCACHED 10000

static PCHAR uncached;

static void get_uncached(PPORT_CONFIGURATION_INFORMATION config)
{
	PCHAR first;

	expect_is(StorPortGetUncachedExtension(world.ext, config, 0), NULL);
	expect_is(StorPortGetUncachedExtension(world.ext, config, 0xffffffff), NULL);
	uncached = first = StorPortGetUncachedExtension(world.ext, config, UNCACHED);
	expect(first != NULL);
	expect_is((uintptr_t)first % 4096, 0);
	for (unsigned n = 0; n < UNCACHED; n++)
		expect_is(first[n], 0);
	for (unsigned n = 0; n < UNCACHED; n += 100)
		expect_is(mem_physical(first + n), mem_physical(first) + n);
	expect(mem_physical(first) + UNCACHED <= 1ull << 32);
	memset(first, 5, UNCACHED);
	/* Contract 12: the second call gives what the first made, as it is. */
	expect_is(StorPortGetUncachedExtension(world.ext, config, 100), first);
	expect_is(first[UNCACHED - 1], 5);
	expect_is(world.violations, 0);
	expect_is(StorPortGetUncachedExtension(world.ext, NULL, 100), NULL);
	expect_violation(0xf1002002, "StorPortGetUncachedExtension");
	config->Master = FALSE;
	expect_is(StorPortGetUncachedExtension(world.ext, config, 100), NULL);
	expect_violation(0xf1002002, "bus master");
	config->Master = TRUE;
}

static void get_uncached_late(void)
{
	expect_is(StorPortGetUncachedExtension(world.ext, &world.adapter->config, 100), NULL);
	expect_violation(0xf1002002, "outside HwStorFindAdapter");
}

/* 1.9 */
static void the_uncached_extension_is_contiguous_and_made_once_in_find_adapter(void **state)
{
	miniport.offer = get_uncached;
	world_run(DMA_CALLBACK_QUEUED, get_uncached_late);
	assert_int_equal(world.start_result, 0);
}

/* ---- addresses ---- */

static PSCSI_REQUEST_BLOCK held;

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	held = srb;
	return TRUE;
}

static uint64_t physical(PSCSI_REQUEST_BLOCK srb, PVOID va, ULONG *length)
{
	return (uint64_t)StorPortGetPhysicalAddress(world.ext, srb, va, length).QuadPart;
}

static void check_data(struct world_request *r)
{
	/* 10000 bytes on page boundaries: 4096, 4096, 1808 */
	static const ULONG offsets[] = {0, 100, 4095, 4096, 8192, 9999};
	static const ULONG lengths[] = {4096, 3996, 1, 4096, 1808, 1};

	for (unsigned n = 0; n < array_size(offsets); n++) {
		ULONG length = 77;

		expect_is(physical(held, r->data + offsets[n], &length),
			mem_physical(r->data + offsets[n]));
		expect_is(length, lengths[n]);
	}
}

static void refused(PSCSI_REQUEST_BLOCK srb, PVOID va)
{
	ULONG length = 77;

	expect_is(physical(srb, va, &length), 0); /* */
	expect_is(length, 0);
	expect_violation(0, "StorPortGetPhysicalAddress");
}

static void addresses(void)
{
	static char foreign[64];
	/* another adapter's */
	char *others = mem_alloc(4096, MEM_LINEAR, MEM_EXTENSION, foreign);
	struct world_request r;
	PCHAR extension, sense;
	ULONG length;
	uint64_t at;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 10000);
	check_data(&r);
	sense = SrbGetSenseInfoBuffer(held);
	expect_is(physical(held, sense, &length), mem_physical(sense));
	expect(length >= 18 && length <= PORT_SENSE_BYTES);
	expect_is(physical(held, sense, NULL), mem_physical(sense)); /* who does not ask */

	/* Contracts 3 and 4: the extension with its SRB and without; contiguous, low bits kept. */
	extension = SrbGetMiniportContext(held);
	at = physical(NULL, extension, &length);
	expect_is(length, WORLD_EXTENSION);
	expect_is(at % 4096, (uintptr_t)extension % 4096);
	expect_is(at % 128, 0); /* storahci aligns to 128 */
	expect_is(physical(held, extension, &length), at);
	expect_is(length, WORLD_EXTENSION);
	expect_is(physical(held, extension + 299, &length), at + 299);
	expect_is(length, 1);

	expect_is(physical(NULL, uncached + 5000, &length), mem_physical(uncached) + 5000);
	expect_is(length, 12288 - 5000); /* whole pages */
	expect_is(physical(NULL, world.ext, &length), mem_physical(world.ext));
	expect_is(world.violations, 0);

	refused(held, r.data + 10000); /* past the SRB's */
	refused(held, r.data - 1);
	refused(NULL, r.data); /* the data are the SRB's only */
	refused(held, foreign);
	refused(NULL, &length);
	refused(NULL, NULL);
	refused(NULL, others);
	refused(held, others + 64);
	expect_is(physical((PVOID)foreign, r.data, &length), 0);
	expect_is(atomic_exchange(&world.violations, 0), 2); /* no SRB, and no memory of it */

	mem_free(others, 4096);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	expect_is(physical(held, sense, &length), mem_physical(sense)); /* still the adapter's */
	expect_violation(0, "is no SRB that");				/* SB-13 */
}

static void get_physical_address_knows_data_sense_and_extensions_and_nothing_foreign(void **state)
{
	miniport.start_io = hold;
	miniport.find = NULL;
	miniport.offer = get_uncached;
	world_run(DMA_CALLBACK_QUEUED, addresses);
	assert_int_equal(world.start_result, 0);
}

static void back(uint64_t physical, PVOID wanted)
{
	STOR_PHYSICAL_ADDRESS address = {.QuadPart = (LONGLONG)physical};

	expect_is(StorPortGetVirtualAddress(world.ext, address), wanted);
}

static void virtual_addresses(void)
{
	struct world_request r;
	PCHAR extension;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	extension = SrbGetMiniportContext(held);
	back(physical(NULL, extension + 8, NULL), extension + 8);
	back(physical(NULL, uncached + 4097, NULL), uncached + 4097);
	expect_is(world.violations, 0);
	back(mem_physical(r.data), NULL);
	expect_violation(0, "StorPortGetVirtualAddress");
	back(0, NULL);
	expect_violation(0, "StorPortGetVirtualAddress");
	back(~0ull, NULL);
	expect_violation(0, "StorPortGetVirtualAddress");
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
}

/* 1.9: "only for uncached-extension and SRB-extension physical addresses" */
static void get_virtual_address_leads_back_from_extensions_only(void **state)
{
	miniport.start_io = hold;
	miniport.offer = get_uncached;
	world_run(DMA_CALLBACK_QUEUED, virtual_addresses);
}

/* ---- what an SRB's data are ---- */

static void buffers(void)
{
	PVOID va = NULL, mdl = NULL;
	struct world_request r;
	KIRQL old;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	/* SB-4: a read has no DataBuffer, so this is the way to it. */
	expect_is(SrbGetDataBuffer(held), NULL);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_SUCCESS);
	expect_is(va, r.data);
	expect_is(StorPortGetOriginalMdl(world.ext, held, &mdl), STOR_STATUS_SUCCESS);
	expect_is(mdl, r.mdl);
	expect_is(StorPortGetSystemAddress(world.ext, held, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetSystemAddress(world.ext, NULL, &va), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetOriginalMdl(world.ext, held, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetOriginalMdl(NULL, held, &mdl), STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	KeLowerIrql(old);
	expect_is(
		StorPortGetSystemAddress(world.ext, (PVOID)&r, &va), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no SRB that");
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no SRB that");

	/* 1.9: no data buffer */
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetOriginalMdl(world.ext, held, &mdl), STOR_STATUS_SUCCESS);
	expect_is(mdl, NULL);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
}

static void system_address_and_original_mdl_are_the_srbs_while_the_miniport_has_it(void **state)
{
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, buffers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(pool_gives_each_documented_status),
		world_test(mdls_give_each_documented_status_and_bear_the_frames),
		world_test(the_uncached_extension_is_contiguous_and_made_once_in_find_adapter),
		world_test(
			get_physical_address_knows_data_sense_and_extensions_and_nothing_foreign),
		world_test(get_virtual_address_leads_back_from_extensions_only),
		world_test(system_address_and_original_mdl_are_the_srbs_while_the_miniport_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
