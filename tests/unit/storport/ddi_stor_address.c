/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The uncached extension and addresses, of both directions, for miniports (1.9; contracts 3, 4 and
 * 12). What they answer about data under each engine: tests/unit/port/address.c.
 */
#include "world.h"

#include <errno.h>

/* ---- the uncached extension ---- */

#define UNCACHED 10000

static PCHAR uncached;

static void get_uncached(PPORT_CONFIGURATION_INFORMATION config)
{
	PCHAR first;

	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL); /* the one of three that is played */
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

/* 1.9; covers: StorPortGetUncachedExtension */
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
	return ddi_result(StorPortGetPhysicalAddress,
		(uint64_t)StorPortGetPhysicalAddress(world.ext, srb, va, length).QuadPart);
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

/* covers: StorPortGetPhysicalAddress, StorPortGetUncachedExtension */
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
/* covers: StorPortGetVirtualAddress */
static void get_virtual_address_leads_back_from_extensions_only(void **state)
{
	miniport.start_io = hold;
	miniport.offer = get_uncached;
	world_run(DMA_CALLBACK_QUEUED, virtual_addresses);
}

/* ---- what the device reaches ---- */

static void touch(struct dma_master *device, uint64_t address, char *va)
{
	char byte = 0x77;

	expect_is(dma_bus_write(device, address, &byte, 1), 0);
	expect_is(*va, 0x77);
	byte = 0;
	expect_is(dma_bus_read(device, address, &byte, 1), 0);
	expect_is(byte, 0x77);
}

static uint64_t uncached_address;

static void reached(void)
{
	struct dma_master device = world_master();
	struct world_request r;
	PCHAR extension, sense;
	ULONG length;
	char byte;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 10000);
	extension = SrbGetMiniportContext(held);
	sense = SrbGetSenseInfoBuffer(held);
	touch(&device, physical(NULL, uncached + 5000, &length), uncached + 5000);
	expect_is(length, 12288 - 5000);
	touch(&device, physical(held, extension + 3, NULL), extension + 3);
	touch(&device, physical(held, sense + 1, NULL), sense + 1);
	back(physical(NULL, uncached + 5000, NULL), uncached + 5000);
	back(physical(NULL, extension + 3, NULL), extension + 3);
	expect_is(world.violations, 0);
	/* The page allows the two extensions only. */
	back(physical(NULL, sense, NULL), NULL);
	expect_violation(0, "StorPortGetVirtualAddress");
	if (miniport.dma.engine == DMA_IOMMU) {
		expect(physical(NULL, uncached, NULL) != mem_physical(uncached));
		expect_is(dma_bus_read(&device, mem_physical(uncached), &byte, 1), -EFAULT);
		expect_violation(0, "the iommu has no mapping there");
		back(mem_physical(uncached), NULL);
		expect_violation(0, "StorPortGetVirtualAddress");
		/* Of the machine's, but nobody has mapped it. */
		refused(NULL, world.ext);
	}
	uncached_address = physical(NULL, uncached, NULL);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
}

/* covers: StorPortGetPhysicalAddress, StorPortGetVirtualAddress */
static void what_stays_mapped_has_the_address_that_the_device_reaches_it_at(void **state)
{
	static const enum dma_engine engines[] = {DMA_DIRECT, DMA_BOUNCE, DMA_IOMMU};

	for (unsigned n = 0; n < array_size(engines); n++) {
		world_miniport(NULL);
		miniport.dma.engine = engines[n];
		miniport.start_io = hold;
		miniport.offer = get_uncached;
		world_run(DMA_CALLBACK_QUEUED, reached);
		assert_int_equal(world.start_result, 0);
	}
}

static void uncached_of_24_bits(PPORT_CONFIGURATION_INFORMATION config)
{
	PCHAR first;

	config->FeatureSupport |= STOR_ADAPTER_DMA_ADDRESS_WIDTH_SPECIFIED;
	config->DmaAddressWidth = 24;
	/* 16 MiB less the first are there. */
	expect_is(StorPortGetUncachedExtension(world.ext, config, 16u << 20), NULL);
	first = StorPortGetUncachedExtension(world.ext, config, 8u << 20);
	expect(first != NULL);
	expect(mem_physical(first) + (8u << 20) <= 1u << 24);
}

/* covers: StorPortGetUncachedExtension */
static void the_uncached_extension_lies_where_the_device_reaches_it(void **state)
{
	miniport.find = uncached_of_24_bits;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(the_uncached_extension_is_contiguous_and_made_once_in_find_adapter),
		world_test(
			get_physical_address_knows_data_sense_and_extensions_and_nothing_foreign),
		world_test(get_virtual_address_leads_back_from_extensions_only),
		world_test(what_stays_mapped_has_the_address_that_the_device_reaches_it_at),
		world_test(the_uncached_extension_lies_where_the_device_reaches_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
