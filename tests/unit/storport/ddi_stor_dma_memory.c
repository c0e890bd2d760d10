/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Memory that driver and device share, with the limits of what the device can address (1.9).
 */
#include "world.h"
#include "nt/os.h"

#include <errno.h>

#define MIB (1ull << 20)

static PHYSICAL_ADDRESS address(uint64_t value)
{
	return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)value};
}

static ULONG allocate(SIZE_T bytes, uint64_t high, PVOID *result)
{
	PHYSICAL_ADDRESS low = {.QuadPart = 0}, most = {.QuadPart = (LONGLONG)high},
			 boundary = {.QuadPart = 0x10000};

	return StorPortAllocateContiguousMemorySpecifyCacheNode(
		world.ext, bytes, low, most, boundary, MmCached, 0, result);
}

static void memory(void)
{
	PVOID block = NULL;
	uint64_t start;
	KIRQL old;

	expect_is(allocate(3 * 4096, UINT64_MAX, &block), STOR_STATUS_SUCCESS);
	start = mem_physical(block);
	for (unsigned n = 1; n < 3; n++)
		expect_is(mem_physical((char *)block + n * 4096), start + n * 4096);
	expect_is(start >> 16, (start + 3 * 4096 - 1) >> 16);
	expect_is(StorPortFreeContiguousMemorySpecifyCache(world.ext, block, 3 * 4096, MmCached),
		STOR_STATUS_SUCCESS);
	ddi_expect(StorPortAllocateContiguousMemorySpecifyCacheNode,
		STOR_STATUS_INSUFFICIENT_RESOURCES, allocate(4096, 100, &block));
	expect_is(block, NULL);
	expect_is(allocate(4096, UINT64_MAX, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	expect_is(allocate(4096, UINT64_MAX, &block), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	expect_is(StorPortFreeContiguousMemorySpecifyCache(world.ext, block, 4096, MmCached),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	KeLowerIrql(old);
}

/*
 * covers: StorPortAllocateContiguousMemorySpecifyCacheNode,
 * StorPortFreeContiguousMemorySpecifyCache
 */
static void contiguous_memory_lies_within_the_limits(void **state)
{
	world_good(memory);
}

/* ---- each limit ---- */

static ULONG contiguous(SIZE_T bytes, uint64_t low, uint64_t high, uint64_t boundary, PVOID *result)
{
	return StorPortAllocateContiguousMemorySpecifyCacheNode(world.ext, bytes, address(low),
		address(high), address(boundary), MmNonCached, MM_ANY_NODE_OK, result);
}

static ULONG release(PVOID block, SIZE_T bytes)
{
	return StorPortFreeContiguousMemorySpecifyCache(world.ext, block, bytes, MmNonCached);
}

static void bounds(void)
{
	/* RAM begins at 1 MiB; 32 of its 64 MiB are contiguous */
	static const struct {
		uint64_t bytes, low, high, boundary;
		bool is_there;
	} cases[] = {
		{4096, 0, 2 * MIB - 1, 0, true},
		{4096, 16 * MIB, 17 * MIB - 1, 0, true},
		{MIB, 16 * MIB, 17 * MIB - 1, 0, true},
		{MIB + 1, 16 * MIB, 17 * MIB - 1, 0, false},
		{MIB, 16 * MIB, 17 * MIB - 2, 0, false},
		{MIB, 16 * MIB + 1, 17 * MIB, 0, false},
		{4096, 0, MIB, 0, false},
		{4096, 4096 * MIB, UINT64_MAX, 0, false},
		{4096, 2 * MIB, MIB, 0, false},
		{3 * 4096, 8 * MIB + 8192, 9 * MIB, 16384, true},
		{65536, 8 * MIB + 4096, 9 * MIB, 65536, true},
		{65537, 0, UINT64_MAX, 65536, false},
		{100, 8 * MIB, 9 * MIB, 64, false},
		{64, 8 * MIB, 9 * MIB, 64, true},
		{0, 0, UINT64_MAX, 0, false},
		{UINT64_MAX, 0, UINT64_MAX, 0, false},
		{UINT64_MAX - 4095, 0, UINT64_MAX, 0, false},
	};

	for (unsigned n = 0; n < array_size(cases); n++) {
		PVOID block = &block;
		ULONG status = contiguous(
			cases[n].bytes, cases[n].low, cases[n].high, cases[n].boundary, &block);
		uint64_t first;

		expect_is(status, cases[n].is_there ? STOR_STATUS_SUCCESS
						    : STOR_STATUS_INSUFFICIENT_RESOURCES);
		expect_is(block != NULL, cases[n].is_there);
		if (!block)
			continue;
		first = mem_physical(block);
		expect(first >= cases[n].low && first + cases[n].bytes - 1 <= cases[n].high);
		if (cases[n].boundary)
			expect_is(first / cases[n].boundary,
				(first + cases[n].bytes - 1) / cases[n].boundary);
		for (uint64_t at = 0; at < cases[n].bytes; at += 4096)
			expect_is(mem_physical((char *)block + at), first + at);
		expect_is(release(block, cases[n].bytes), STOR_STATUS_SUCCESS);
	}
	expect_is(world.violations, 0);
	expect_is(contiguous(4096, 0, UINT64_MAX, 12288, (PVOID *)&(PVOID){0}),
		STOR_STATUS_INSUFFICIENT_RESOURCES);
	expect_violation(0, "no power of two");
}

/* covers: StorPortAllocateContiguousMemorySpecifyCacheNode */
static void each_limit_is_obeyed_to_the_byte(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, bounds);
	assert_int_equal(world.start_result, 0);
}

/* ---- given back wrongly, or never ---- */

static void wrong_frees(void)
{
	PVOID block, other;
	PHYSICAL_ADDRESS at;

	expect_is(contiguous(5000, 0, UINT64_MAX, 0, &block), STOR_STATUS_SUCCESS);
	expect_is(StorPortAllocateDmaMemory(world.ext, 5000, address(0), address(UINT64_MAX),
			  address(0), MmNonCached, MM_ANY_NODE_OK, &other, &at),
		STOR_STATUS_SUCCESS);
	expect_is(release((char *)block + 1, 5000), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no contiguous memory of");
	expect_is(release(NULL, 5000), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no contiguous memory of");
	expect_is(release(other, 5000), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no contiguous memory of");
	expect_is(release(block, 5001), STOR_STATUS_SUCCESS); /* told, and freed */
	expect_violation(0, "5001 bytes");
	expect_is(release(block, 5000), STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "or not any more");
	expect_is(StorPortFreeDmaMemory(
			  world.ext, other, 5000, MmNonCached, address(at.QuadPart + 4096)),
		STOR_STATUS_SUCCESS);
	expect_violation(0, "of a block that was allocated with");
	expect_is(StorPortFreeDmaMemory(world.ext, other, 5000, MmNonCached, at),
		STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "is no DMA memory of");
	expect_is(contiguous(5000, 0, UINT64_MAX, 0, &block), STOR_STATUS_SUCCESS);
}

/* covers: StorPortFreeContiguousMemorySpecifyCache, StorPortFreeDmaMemory */
static void wrong_frees_are_told_and_what_is_left_too(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, wrong_frees);
	assert_int_equal(world.start_result, 0);
	expect_violation(0, "5000 bytes of contiguous memory");
	expect_has(world.violation, "never freed");
	expect_tell();
}

/* ---- DMA memory ---- */

static void dma_memory(void)
{
	struct dma_master device = world_master();
	PHYSICAL_ADDRESS at = address(7);
	PVOID block = NULL;
	char byte = 0x31;
	KIRQL old;
	uint64_t bus;

	expect_is(StorPortAllocateDmaMemory(world.ext, 3 * 4096, address(0), address(UINT32_MAX),
			  address(65536), MmCached, 0, &block, &at),
		STOR_STATUS_SUCCESS);
	bus = (uint64_t)at.QuadPart;
	expect(bus + 3 * 4096 - 1 <= UINT32_MAX);
	expect_is(bus / 65536, (bus + 3 * 4096 - 1) / 65536);
	/* The address is the device's, from end to end. */
	for (unsigned n = 0; n < 3 * 4096; n += 4095) {
		expect_is(dma_bus_write(&device, bus + n, &byte, 1), 0);
		expect_is(((char *)block)[n], byte++);
	}
	expect_is(StorPortGetPhysicalAddress(world.ext, NULL, block, &(ULONG){0}).QuadPart, bus);
	expect_is(bus == mem_physical(block), miniport.dma.engine != DMA_IOMMU);
	expect_is(MmGetPhysicalAddress(block).QuadPart, mem_physical(block));
	if (miniport.dma.engine == DMA_IOMMU) {
		/* ... which is none of the device's */
		expect_is(dma_bus_read(&device, mem_physical(block), &byte, 1), -EFAULT);
		expect_violation(0, "physical address of memory");
	}
	expect_is(StorPortFreeDmaMemory(world.ext, block, 3 * 4096, MmCached, at),
		STOR_STATUS_SUCCESS);
	expect_is(world.violations, 0);
	expect_is(dma_bus_read(&device, bus, &byte, 1), -EFAULT);
	expect_is(atomic_exchange(&world.violations, 0), 1);

	expect_is(StorPortAllocateDmaMemory(world.ext, 4096, address(0), address(100), address(0),
			  MmCached, 0, &block, &at),
		STOR_STATUS_INSUFFICIENT_RESOURCES);
	expect_is(block, NULL);
	expect_is(at.QuadPart, 0);
	expect_is(StorPortAllocateDmaMemory(world.ext, 4096, address(0), address(UINT64_MAX),
			  address(0), MmCached, 0, NULL, &at),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortAllocateDmaMemory(world.ext, 4096, address(0), address(UINT64_MAX),
			  address(0), MmCached, 0, &block, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortAllocateDmaMemory(NULL, 4096, address(0), address(UINT64_MAX), address(0),
			  MmCached, 0, &block, &at),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	expect_is(StorPortAllocateDmaMemory(world.ext, 4096, address(0), address(UINT64_MAX),
			  address(0), MmCached, 0, &block, &at),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	expect_is(StorPortFreeDmaMemory(world.ext, block, 4096, MmCached, at),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	KeLowerIrql(old);
	/* Contiguous memory is the device's as well, at the address that the port tells. */
	expect_is(contiguous(4096, 0, UINT64_MAX, 0, &block), STOR_STATUS_SUCCESS);
	bus = (uint64_t)StorPortGetPhysicalAddress(world.ext, NULL, block, NULL).QuadPart;
	expect_is(dma_bus_write(&device, bus, &byte, 1), 0);
	expect_is(*(char *)block, byte);
	expect_is(release(block, 4096), STOR_STATUS_SUCCESS);
	expect_is(world.violations, 0);
}

/* covers: StorPortAllocateDmaMemory, StorPortFreeDmaMemory */
static void the_device_reaches_dma_memory_at_the_address_that_was_told(void **state)
{
	static const enum dma_engine engines[] = {DMA_DIRECT, DMA_BOUNCE, DMA_IOMMU};

	for (unsigned n = 0; n < array_size(engines); n++) {
		world_miniport(NULL);
		miniport.dma.engine = engines[n];
		world_run(DMA_CALLBACK_QUEUED, dma_memory);
		assert_int_equal(world.start_result, 0);
	}
}

/* Far more than the iommu's boundary-free first choice: each fits somewhere. */
static void many_boundaries(void)
{
	PVOID blocks[40];
	PHYSICAL_ADDRESS at[40];

	for (unsigned n = 0; n < 40; n++) {
		expect_is(StorPortAllocateDmaMemory(world.ext, 3 * 4096, address(0),
				  address(UINT32_MAX), address(16384), MmCached, 0, &blocks[n],
				  &at[n]),
			STOR_STATUS_SUCCESS);
		expect_is((uint64_t)at[n].QuadPart / 16384,
			((uint64_t)at[n].QuadPart + 3 * 4096 - 1) / 16384);
	}
	for (unsigned n = 0; n < 40; n++)
		expect_is(StorPortFreeDmaMemory(world.ext, blocks[n], 3 * 4096, MmCached, at[n]),
			STOR_STATUS_SUCCESS);
}

/* covers: StorPortFreeDmaMemory */
static void a_boundary_holds_for_translated_addresses_too(void **state)
{
	miniport.dma.engine = DMA_IOMMU;
	world_good(many_boundaries);
}

/* ---- the host memory buffer ---- */

#define RANGES 8

static ULONG host(SIZE_T minimum, SIZE_T preferred, ULONG align, uint64_t boundary,
	PACCESS_RANGE ranges, PULONG count)
{
	return StorPortAllocateHostMemoryBuffer(world.ext, minimum, preferred, 0, align, address(0),
		address(UINT32_MAX), address(boundary), ranges, count);
}

static uint64_t check_ranges(const ACCESS_RANGE *ranges, ULONG count, ULONG align)
{
	struct dma_master device = world_master();
	uint64_t total = 0;
	char byte = 1;

	for (ULONG n = 0; n < count; n++) {
		uint64_t start = (uint64_t)ranges[n].RangeStart.QuadPart;

		expect(ranges[n].RangeInMemory);
		expect_is(start % align, 0);
		expect_is(ranges[n].RangeLength % 4096, 0);
		expect_is(dma_bus_write(&device, start, &byte, 1), 0);
		expect_is(dma_bus_write(&device, start + ranges[n].RangeLength - 1, &byte, 1), 0);
		total += ranges[n].RangeLength;
	}
	return total;
}

static void host_buffer(void)
{
	ACCESS_RANGE ranges[RANGES], first;
	ULONG count = RANGES;
	KIRQL old;

	expect_is(host(4 * MIB, 8 * MIB, 4096, 0, ranges, &count), STOR_STATUS_SUCCESS);
	expect_is(count, 1); /* as few as can be */
	expect_is(check_ranges(ranges, count, 4096), 8 * MIB);
	expect_is(StorPortFreeHostMemoryBuffer(world.ext, ranges, count), STOR_STATUS_SUCCESS);
	expect_is(world.violations, 0);
	expect_is(StorPortFreeHostMemoryBuffer(world.ext, ranges, count), STOR_STATUS_UNSUCCESSFUL);
	expect_violation(0, "no host memory buffer");
	expect_is(StorPortFreeHostMemoryBuffer(world.ext, NULL, 1), STOR_STATUS_UNSUCCESSFUL);
	expect_violation(0, "no host memory buffer");
	expect_is(StorPortFreeHostMemoryBuffer(NULL, ranges, 1), STOR_STATUS_INVALID_PARAMETER);

	/* More than there is: what there is, in several ranges, or nothing. */
	count = RANGES;
	expect_is(host(0, 60 * MIB, 65536, 0, ranges, &count), STOR_STATUS_SUCCESS);
	expect(count > 1 && count <= RANGES);
	expect(check_ranges(ranges, count, 65536) >= 16 * MIB);
	first = ranges[1];
	ranges[1] = ranges[0];
	expect_is(StorPortFreeHostMemoryBuffer(world.ext, ranges, count), STOR_STATUS_UNSUCCESSFUL);
	expect_violation(0, "no host memory buffer");
	ranges[1] = first;
	expect_is(StorPortFreeHostMemoryBuffer(world.ext, ranges, count), STOR_STATUS_SUCCESS);
	count = RANGES;
	ddi_expect(StorPortAllocateHostMemoryBuffer, STOR_STATUS_INSUFFICIENT_RESOURCES,
		host(60 * MIB, 60 * MIB, 4096, 0, ranges, &count));
	expect_is(count, 0);

	/* The documented causes of INVALID_PARAMETER. */
	count = RANGES;
	expect_is(host(2 * MIB, MIB, 4096, 0, ranges, &count), STOR_STATUS_INVALID_PARAMETER);
	expect_is(host(0, MIB + 1, 4096, 0, ranges, &count), STOR_STATUS_INVALID_PARAMETER);
	expect_is(host(100, MIB, 4096, 0, ranges, &count), STOR_STATUS_INVALID_PARAMETER);
	expect_is(host(0, MIB, 4096, 65536, ranges, &count), STOR_STATUS_INVALID_PARAMETER);
	expect_is(host(0, MIB, 3, 0, ranges, &count), STOR_STATUS_INVALID_PARAMETER);
	expect_is(host(0, 0, 4096, 0, ranges, &count), STOR_STATUS_INVALID_PARAMETER);
	expect_is(host(0, MIB, 4096, 0, NULL, &count), STOR_STATUS_INVALID_PARAMETER);
	expect_is(host(0, MIB, 4096, 0, ranges, NULL), STOR_STATUS_INVALID_PARAMETER);
	count = 0;
	expect_is(host(0, MIB, 4096, 0, ranges, &count), STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	count = RANGES;
	KeRaiseIrql(DISPATCH_LEVEL + 1, &old);
	expect_is(host(0, MIB, 4096, 0, ranges, &count), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	expect_is(StorPortFreeHostMemoryBuffer(world.ext, ranges, 1), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortIrql");
	KeLowerIrql(old);
}

/* covers: StorPortAllocateHostMemoryBuffer, StorPortFreeHostMemoryBuffer */
static void a_host_memory_buffer_is_what_the_device_prefers_or_as_much_as_there_is(void **state)
{
	miniport.dma.engine = DMA_DIRECT;
	world_run(DMA_CALLBACK_QUEUED, host_buffer);
	assert_int_equal(world.start_result, 0);
	world_miniport(NULL);
	miniport.dma.engine = DMA_IOMMU;
	world_run(DMA_CALLBACK_QUEUED, host_buffer);
	assert_int_equal(world.start_result, 0);
}

/* ---- releases that lack them ---- */

static void absent(void)
{
	PHYSICAL_ADDRESS at = address(0);
	PVOID block = NULL;

	nt_os_set(NT_OS_VISTA);
	ddi_expect(StorPortAllocateContiguousMemorySpecifyCacheNode, STOR_STATUS_NOT_IMPLEMENTED,
		allocate(4096, UINT64_MAX, &block));
	expect_is(StorPortFreeContiguousMemorySpecifyCache(world.ext, &at, 4096, MmCached),
		STOR_STATUS_NOT_IMPLEMENTED);
	nt_os_set(NT_OS_10_1709);
	expect_is(StorPortAllocateDmaMemory(
			  world.ext, 4096, at, address(UINT64_MAX), at, MmCached, 0, &block, &at),
		STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(StorPortFreeDmaMemory(world.ext, &at, 4096, MmCached, at),
		STOR_STATUS_NOT_IMPLEMENTED);
	nt_os_set(NT_OS_NEWEST);
	expect_is(block, NULL);
	expect_is(world.violations, 0);
}

/*
 * covers: StorPortAllocateContiguousMemorySpecifyCacheNode, StorPortAllocateDmaMemory,
 * StorPortFreeContiguousMemorySpecifyCache, StorPortFreeDmaMemory
 */
static void older_releases_have_no_such_memory(void **state)
{
	world_good(absent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(contiguous_memory_lies_within_the_limits),
		world_test(each_limit_is_obeyed_to_the_byte),
		world_test(wrong_frees_are_told_and_what_is_left_too),
		world_test(the_device_reaches_dma_memory_at_the_address_that_was_told),
		world_test(a_boundary_holds_for_translated_addresses_too),
		world_test(older_releases_have_no_such_memory),
		world_test(a_host_memory_buffer_is_what_the_device_prefers_or_as_much_as_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
