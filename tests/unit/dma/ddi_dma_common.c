/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Common buffers with bounds, in vectors, out of MDLs, and in domains (2.2, 2.5). */
#include "world.h"
#include "dma/common_buffer.h"

#include <errno.h>

static const struct world_config direct = {.policy = MEM_SCATTERED};
static const struct world_config iommu = {.policy = MEM_SCATTERED, .dma = {.engine = DMA_IOMMU}};

static DEVICE_OBJECT devices[2];
static struct dma_master master[2];

static const struct dma_device *resolve(PDEVICE_OBJECT device)
{
	static struct dma_device found;

	found = (struct dma_device){64, (uint8_t)(device - devices), (const void *)0x77};
	return &found;
}

static PDMA_ADAPTER adapter_new(unsigned n)
{
	DEVICE_DESCRIPTION description = {.Version = DEVICE_DESCRIPTION_VERSION3,
		.Master = TRUE,
		.ScatterGather = TRUE,
		.DmaAddressWidth = 64,
		.InterfaceType = PCIBus,
		.MaximumLength = 0x10000};
	ULONG registers;
	PDMA_ADAPTER adapter;

	dma_device_resolve = resolve;
	adapter = IoGetDmaAdapter(&devices[n], &description, &registers);
	assert_non_null(adapter);
	dma_master_init(&master[n], n ? "second" : "first", 64);
	master[n].number = n;
	dma_master_enable(&master[n], true);
	return adapter;
}

static void put(PDMA_ADAPTER adapter)
{
	adapter->DmaOperations->PutDmaAdapter(adapter);
}

static PHYSICAL_ADDRESS at(uint64_t address)
{
	return (PHYSICAL_ADDRESS){.QuadPart = (LONGLONG)address};
}

/* What processor and device see is the same memory, all of it. */
static void is_shared(unsigned n, char *va, PHYSICAL_ADDRESS address, uint32_t bytes)
{
	char byte;

	for (uint32_t i = 0; i<bytes; i += bytes> 1 ? (bytes - 1) / 3 + 1 : 1) {
		va[i] = (char)(i + 3);
		assert_int_equal(
			dma_bus_read(&master[n], (uint64_t)address.QuadPart + i, &byte, 1), 0);
		assert_int_equal(byte, (char)(i + 3));
		byte = (char)(i + 7);
		assert_int_equal(
			dma_bus_write(&master[n], (uint64_t)address.QuadPart + i, &byte, 1), 0);
		assert_int_equal(va[i], (char)(i + 7));
	}
}

static void bounds(void)
{
	PDMA_ADAPTER adapter = adapter_new(0);
	PDMA_OPERATIONS ops = adapter->DmaOperations;
	MEMORY_CACHING_TYPE cached = MmCached, combined = MmWriteCombined;
	PHYSICAL_ADDRESS address, anywhere, low, high;
	char *va = ops->AllocateCommonBufferEx(adapter, NULL, 0x3000, &anywhere, TRUE, 0);

	assert_non_null(va);
	is_shared(0, va, anywhere, 0x3000);
	ops->FreeCommonBuffer(adapter, 0x3000, anywhere, va, TRUE);
	/* A buffer just below the maximum, and none where there is no room below it. */
	high = at((uint64_t)anywhere.QuadPart + 0x5000);
	va = ops->AllocateCommonBufferEx(adapter, &high, 0x2fff, &address, FALSE, 0);
	assert_non_null(va);
	assert_true((uint64_t)address.QuadPart + 0x2fff <= (uint64_t)high.QuadPart);
	ops->FreeCommonBuffer(adapter, 0x2fff, address, va, FALSE);
	high = at(0x1000);
	assert_null(ops->AllocateCommonBufferEx(adapter, &high, 0x1001, &address, FALSE, 0));
	/* At and above the minimum. */
	low = at((uint64_t)anywhere.QuadPart + 0x101000);
	high = at((uint64_t)low.QuadPart + 0x4000);
	va = ops->AllocateCommonBufferWithBounds(
		adapter, &low, &high, 0x4000, 0, &cached, 0, &address);
	assert_non_null(va);
	assert_int_equal(address.QuadPart, low.QuadPart);
	is_shared(0, va, address, 0x4000);
	/* That range is taken now. */
	assert_null(ops->AllocateCommonBufferWithBounds(
		adapter, &low, &high, 0x1000, 0, NULL, 0, &anywhere));
	ops->FreeCommonBuffer(adapter, 0x4000, address, va, TRUE);
	high = at((uint64_t)low.QuadPart - 1);
	assert_null(ops->AllocateCommonBufferWithBounds(
		adapter, &low, &high, 0x1000, 0, NULL, 0, &address));
	va = ops->AllocateCommonBufferWithBounds(
		adapter, NULL, NULL, 0x1234, DOMAIN_COMMON_BUFFER_LARGE_PAGE, NULL, 0, &address);
	assert_non_null(va);
	assert_int_equal(address.QuadPart & (DMA_LARGE_PAGE - 1), 0);
	is_shared(0, va, address, DMA_LARGE_PAGE);
	ops->FreeCommonBuffer(adapter, DMA_LARGE_PAGE, address, va, FALSE);
	/* Bad input. */
	assert_null(ops->AllocateCommonBufferWithBounds(
		adapter, NULL, NULL, 0x1000, 0, &combined, 0, &address));
	world_expect(0, "cache type");
	assert_null(ops->AllocateCommonBufferWithBounds(
		adapter, NULL, NULL, 0x1000, 0x80, NULL, 0, &address));
	world_expect(0, "flags 0x80");
	assert_null(ops->AllocateCommonBufferEx(adapter, NULL, 0, &address, FALSE, 0));
	world_expect(0, "length 0");
	assert_null(ops->AllocateCommonBufferEx(adapter, NULL, 0x1000, NULL, FALSE, 0));
	world_expect(0, "logical address");
	put(adapter);
}

/*
 * covers: DMA_OPERATIONS.AllocateCommonBufferEx, DMA_OPERATIONS.AllocateCommonBufferWithBounds,
 * DMA_OPERATIONS.FreeCommonBuffer, DMA_OPERATIONS.PutDmaAdapter
 */
static void a_common_buffer_lies_within_its_bounds(void **state)
{
	world_run(&direct, bounds);
	world_run(&iommu, bounds);
}

static void vectors(void)
{
	PDMA_ADAPTER adapter = adapter_new(0);
	PDMA_OPERATIONS ops = adapter->DmaOperations;
	PDMA_COMMON_BUFFER_VECTOR vector = NULL;
	PHYSICAL_ADDRESS address[4];
	PVOID va[4];

	assert_int_equal(ops->AllocateCommonBufferVector(adapter, at(0), at(MEM_4GIB), MmCached, 0,
				 DMA_ZERO_BUFFERS, 4, 0x1800, &vector),
		STATUS_SUCCESS);
	for (ULONG n = 0; n < 4; n++) {
		ops->GetCommonBufferFromVectorByIndex(adapter, vector, n, &va[n], &address[n]);
		for (uint32_t i = 0; i < 0x1800; i++)
			assert_int_equal(((char *)va[n])[i], 0);
		is_shared(0, va[n], address[n], 0x1800);
		for (ULONG m = 0; m < n; m++) {
			assert_true((char *)va[m] + 0x1800 <= (char *)va[n] ||
				    (char *)va[n] + 0x1800 <= (char *)va[m]);
			assert_true(address[m].QuadPart + 0x1800 <= address[n].QuadPart ||
				    address[n].QuadPart + 0x1800 <= address[m].QuadPart);
		}
	}
	ops->FreeCommonBufferFromVector(adapter, vector, 2);
	ops->FreeCommonBufferFromVector(adapter, vector, 2);
	world_expect(0xe6000003, "element 2 of a common buffer vector of 4 has been freed");
	ops->GetCommonBufferFromVectorByIndex(adapter, vector, 2, &va[2], &address[2]);
	world_expect(0xe6000003, "has been freed already");
	assert_null(va[2]);
	ops->GetCommonBufferFromVectorByIndex(adapter, vector, 4, &va[2], &address[2]);
	world_expect(0, "element 4 of a common buffer vector of 4 was asked for");
	ops->FreeCommonBufferVector(adapter, vector);
	ops->FreeCommonBufferVector(adapter, vector);
	world_expect(0xe6000003, "no common buffer vector");
	ops->GetCommonBufferFromVectorByIndex(adapter, NULL, 0, &va[2], &address[2]);
	world_expect(0xe6000003, "no common buffer vector");
	/* Not enough below the limit for all: none stays. */
	assert_int_equal(ops->AllocateCommonBufferVector(adapter, at(0), at(1ull << 40), MmCached,
				 0, 0, 1000000, 0x1000, &vector),
		STATUS_INSUFFICIENT_RESOURCES);
	assert_null(vector);
	assert_int_equal(ops->AllocateCommonBufferVector(
				 adapter, at(0), at(MEM_4GIB), MmCached, 0, 0, 0, 0x1000, &vector),
		STATUS_INVALID_PARAMETER);
	/* Left behind with the adapter. */
	assert_int_equal(ops->AllocateCommonBufferVector(
				 adapter, at(0), at(MEM_4GIB), MmCached, 0, 0, 3, 0x1000, &vector),
		STATUS_SUCCESS);
	put(adapter);
	world_expect(0xe6000007, "3 common buffers left");
}

/*
 * covers: DMA_OPERATIONS.AllocateCommonBufferVector, DMA_OPERATIONS.FreeCommonBufferFromVector,
 * DMA_OPERATIONS.FreeCommonBufferVector, DMA_OPERATIONS.GetCommonBufferFromVectorByIndex
 */
static void vectors_hold_buffers_of_one_size(void **state)
{
	world_run(&direct, vectors);
	world_run(&iommu, vectors);
}

static NTSTATUS create(PDMA_ADAPTER adapter, PMDL mdl,
	DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION *configs, ULONG count, PHYSICAL_ADDRESS *address)
{
	return ddi_result(DMA_OPERATIONS.CreateCommonBufferFromMdl,
		adapter->DmaOperations->CreateCommonBufferFromMdl(
			adapter, mdl, configs, count, address));
}

static PMDL mdl_over(char *va, uint32_t bytes)
{
	PMDL mdl = IoAllocateMdl(va, bytes, FALSE, FALSE, NULL);

	assert_non_null(mdl);
	MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

static void from_mdl(void)
{
	PDMA_ADAPTER adapter = adapter_new(0);
	char *va = mem_alloc(4 * 4096, MEM_LINEAR, MEM_DATA, NULL), byte = 0;
	bool translates = dma_settings.engine == DMA_IOMMU;
	PMDL whole = mdl_over(va, 4 * 4096), part = mdl_over(va + 1, 4096),
	     first = mdl_over(va, 4096), second = mdl_over(va + 4096, 2 * 4096);
	DMA_COMMON_BUFFER_EXTENDED_CONFIGURATION configs[2] = {{0}};
	PHYSICAL_ADDRESS address;

	assert_int_equal(create(adapter, whole, NULL, 0, &address), STATUS_SUCCESS);
	is_shared(0, va, address, 4 * 4096);
	adapter->DmaOperations->FreeCommonBuffer(adapter, 4 * 4096, address, va, TRUE);
	assert_int_equal(mem_owner(va)->kind, MEM_DATA); /* it stays the caller's */
	assert_int_equal(create(adapter, part, NULL, 0, &address), STATUS_INVALID_PARAMETER);
	first->Next = second;
	assert_int_equal(create(adapter, first, NULL, 0, &address), STATUS_INVALID_PARAMETER);
	configs[0].ConfigType = CommonBufferConfigTypeSubSection;
	configs[0].SubSection.Offset = 2 * 4096;
	configs[0].SubSection.Length = 4096;
	assert_int_equal(create(adapter, first, configs, 1, &address), STATUS_SUCCESS);
	is_shared(0, va + 2 * 4096, address, 4096);
	adapter->DmaOperations->FreeCommonBuffer(adapter, 4096, address, va + 2 * 4096, TRUE);
	configs[0].SubSection.Offset = 0;
	configs[0].SubSection.Length = 2 * 4096; /* across two MDLs */
	assert_int_equal(create(adapter, first, configs, 1, &address), STATUS_INVALID_PARAMETER);
	configs[1] = configs[0];
	configs[0].SubSection.Length = 4096;
	assert_int_equal(create(adapter, first, configs, 2, &address), STATUS_INVALID_PARAMETER);
	first->Next = NULL;
	configs[0].ConfigType = CommonBufferConfigTypeMax;
	assert_int_equal(create(adapter, whole, configs, 1, &address), STATUS_NOT_SUPPORTED);
	configs[0].ConfigType = CommonBufferConfigTypeHardwareAccessPermissions;
	configs[0].HardwareAccessType = CommonBufferHardwareAccessReadOnly;
	assert_int_equal(create(adapter, whole, configs, 1, &address),
		translates ? STATUS_SUCCESS : STATUS_NOT_SUPPORTED);
	if (translates) {
		assert_int_equal(dma_bus_read(&master[0], (uint64_t)address.QuadPart, &byte, 1), 0);
		assert_int_equal(
			dma_bus_write(&master[0], (uint64_t)address.QuadPart, &byte, 1), -EFAULT);
		world_expect(0, "other direction");
		adapter->DmaOperations->FreeCommonBuffer(adapter, 4 * 4096, address, va, TRUE);
	}
	configs[0].ConfigType = CommonBufferConfigTypeLogicalAddressLimits;
	configs[0].LogicalAddressLimits.MinimumAddress = at(0);
	configs[0].LogicalAddressLimits.MaximumAddress = at(0xffff);
	assert_int_equal(create(adapter, whole, configs, 1, &address),
		translates ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_PARAMETER);
	assert_int_equal(create(adapter, NULL, NULL, 0, &address), STATUS_INVALID_PARAMETER);
	assert_int_equal(create(adapter, whole, NULL, 1, &address), STATUS_INVALID_PARAMETER);
	IoFreeMdl(whole);
	IoFreeMdl(part);
	IoFreeMdl(first);
	IoFreeMdl(second);
	mem_free(va, 4 * 4096);
	put(adapter);
}

static void scattered_mdl(void)
{
	PDMA_ADAPTER adapter = adapter_new(0);
	char *va = mem_alloc(2 * 4096, 0, MEM_DATA, NULL);
	PMDL mdl = mdl_over(va, 2 * 4096);
	PHYSICAL_ADDRESS address;

	if (dma_settings.engine == DMA_IOMMU) {
		assert_int_equal(create(adapter, mdl, NULL, 0, &address), STATUS_SUCCESS);
		is_shared(0, va, address, 2 * 4096);
		adapter->DmaOperations->FreeCommonBuffer(adapter, 2 * 4096, address, va, FALSE);
	} else {
		assert_int_equal(create(adapter, mdl, NULL, 0, &address), STATUS_INVALID_PARAMETER);
	}
	IoFreeMdl(mdl);
	mem_free(va, 2 * 4096);
	put(adapter);
}

/* covers: DMA_OPERATIONS.CreateCommonBufferFromMdl */
static void an_mdl_becomes_a_common_buffer(void **state)
{
	world_run(&direct, from_mdl);
	world_run(&iommu, from_mdl);
	world_run(&direct, scattered_mdl);
	world_run(&iommu, scattered_mdl);
}

static void domains(void)
{
	PDMA_ADAPTER one = adapter_new(0), two = adapter_new(1);
	PDMA_OPERATIONS ops = one->DmaOperations;
	HANDLE domain = ops->GetDmaDomain(one), other = ops->GetDmaDomain(two);
	PHYSICAL_ADDRESS address;
	PVOID va;
	char byte;

	assert_non_null(domain);
	assert_ptr_not_equal(domain, other);
	assert_int_equal(ops->AllocateDomainCommonBuffer(
				 two, domain, NULL, 0x2000, 0, NULL, 0, &address, &va),
		STATUS_SUCCESS);
	is_shared(0, va, address, 0x2000);
	/* The second device is not in that domain, until its adapter joins it. */
	assert_int_equal(dma_bus_read(&master[1], (uint64_t)address.QuadPart, &byte, 1), -EFAULT);
	world_expect(0, "device 1 (second)");
	assert_int_equal(ops->JoinDmaDomain(two, domain), STATUS_SUCCESS);
	assert_ptr_equal(ops->GetDmaDomain(two), domain);
	is_shared(1, va, address, 0x2000);
	assert_int_equal(ops->LeaveDmaDomain(two), STATUS_SUCCESS);
	assert_ptr_equal(ops->GetDmaDomain(two), other);
	assert_int_equal(dma_bus_read(&master[1], (uint64_t)address.QuadPart, &byte, 1), -EFAULT);
	world_expect(0, "device 1 (second)");
	assert_int_equal(ops->LeaveDmaDomain(two), STATUS_INVALID_PARAMETER);
	world_expect(0, "has joined no domain");
	ops->FreeCommonBuffer(two, 0x2000, address, va, FALSE);
	assert_int_equal(ops->JoinDmaDomain(two, NULL), STATUS_INVALID_PARAMETER);
	world_expect(0, "no DMA domain's");
	assert_int_equal(ops->AllocateDomainCommonBuffer(
				 two, (HANDLE)1, NULL, 0x2000, 0, NULL, 0, &address, &va),
		STATUS_INVALID_PARAMETER);
	world_expect(0, "no DMA domain's");
	put(one);
	assert_int_equal(ops->JoinDmaDomain(two, domain), STATUS_INVALID_PARAMETER);
	world_expect(0, "no DMA domain's");
	put(two);
}

/*
 * covers: DMA_OPERATIONS.AllocateDomainCommonBuffer, DMA_OPERATIONS.GetDmaDomain,
 * DMA_OPERATIONS.JoinDmaDomain, DMA_OPERATIONS.LeaveDmaDomain
 */
static void a_domain_is_shared_by_who_joins_it(void **state)
{
	world_run(&iommu, domains);
}

static void no_domains(void)
{
	PDMA_ADAPTER adapter = adapter_new(0);
	PDMA_OPERATIONS ops = adapter->DmaOperations;
	PHYSICAL_ADDRESS address;
	PVOID va;

	assert_null(ops->GetDmaDomain(adapter));
	assert_int_equal(ops->JoinDmaDomain(adapter, NULL), STATUS_NOT_SUPPORTED);
	assert_int_equal(ops->LeaveDmaDomain(adapter), STATUS_NOT_SUPPORTED);
	assert_int_equal(ops->AllocateDomainCommonBuffer(
				 adapter, NULL, NULL, 0x2000, 0, NULL, 0, &address, &va),
		STATUS_NOT_SUPPORTED);
	put(adapter);
}

/*
 * covers: DMA_OPERATIONS.AllocateDomainCommonBuffer, DMA_OPERATIONS.JoinDmaDomain,
 * DMA_OPERATIONS.LeaveDmaDomain
 */
static void without_an_iommu_there_are_no_domains(void **state)
{
	world_run(&direct, no_domains);
}

static void flush(void)
{
	PDMA_ADAPTER adapter = adapter_new(0);
	struct world_buffer buffer = world_buffer(0, 0x1000);

	assert_int_equal(
		adapter->DmaOperations->FlushDmaBuffer(adapter, buffer.mdl, TRUE), STATUS_SUCCESS);
	assert_int_equal(adapter->DmaOperations->FlushDmaBuffer(adapter, NULL, TRUE),
		STATUS_INVALID_PARAMETER);
	world_buffer_free(&buffer);
	put(adapter);
}

/* covers: DMA_OPERATIONS.FlushDmaBuffer */
static void a_flush_of_a_buffer_does_nothing_on_coherent_memory(void **state)
{
	world_run(&direct, flush);
}

/* Table 2.2: PASSIVE_LEVEL; above it the call is reported, and carried out where it does no harm.
 */
static void irql(void)
{
	PDMA_ADAPTER adapter = adapter_new(0);
	PDMA_OPERATIONS ops = adapter->DmaOperations;
	PHYSICAL_ADDRESS address;
	char *va;

	cpu_irql_raise(IRQL_DISPATCH);
	va = ops->AllocateCommonBufferEx(adapter, NULL, 0x1000, &address, TRUE, 0);
	world_expect(0xe6000013, "AllocateCommonBufferEx called at IRQL 2");
	assert_non_null(va);
	ops->FreeCommonBuffer(adapter, 0x1000, address, va, TRUE);
	world_expect(0xe6000013, "FreeCommonBuffer called at IRQL 2");
	ops->GetDmaDomain(adapter);
	world_expect(0xe6000013, "GetDmaDomain called at IRQL 2");
	cpu_irql_raise(IRQL_DISPATCH + 1);
	assert_null(ops->AllocateCommonBufferWithBounds(
		adapter, NULL, NULL, 0x1000, 0, NULL, 0, &address));
	world_expect(0xe6000013, "AllocateCommonBufferWithBounds called at IRQL 3");
	cpu_irql_lower(IRQL_PASSIVE);
	put(adapter);
}

static void common_buffers_are_for_passive_level(void **state)
{
	world_run(&direct, irql);
}

/* Neither is followed, and nothing is given. */
static void bad_adapters(void)
{
	PDMA_ADAPTER bad[] = {NULL, adapter_new(0)};
	PDMA_OPERATIONS ops = bad[1]->DmaOperations;
	PDMA_COMMON_BUFFER_VECTOR vector = NULL;
	PHYSICAL_ADDRESS address;
	PVOID va = NULL;

	put(bad[1]);
	for (unsigned n = 0; n < array_size(bad); n++) {
		uint64_t number = bad[n] ? 0xe6000018 : 0xe6000019;

		assert_int_equal(ops->AllocateCommonBufferVector(bad[n], at(0), at(MEM_4GIB),
					 MmCached, 0, 0, 4, 0x1800, &vector),
			STATUS_INVALID_PARAMETER);
		world_expect(number, "AllocateCommonBufferVector");
		assert_int_equal(ops->AllocateDomainCommonBuffer(
					 bad[n], NULL, NULL, 0x2000, 0, NULL, 0, &address, &va),
			STATUS_INVALID_PARAMETER);
		world_expect(number, "AllocateDomainCommonBuffer");
		assert_int_equal(ops->JoinDmaDomain(bad[n], NULL), STATUS_INVALID_PARAMETER);
		world_expect(number, "JoinDmaDomain");
		assert_int_equal(ops->LeaveDmaDomain(bad[n]), STATUS_INVALID_PARAMETER);
		world_expect(number, "LeaveDmaDomain");
		assert_int_equal(ops->FlushDmaBuffer(bad[n], NULL, TRUE), STATUS_INVALID_PARAMETER);
		world_expect(number, "FlushDmaBuffer");
		assert_null(ops->GetDmaDomain(bad[n]));
		world_expect(number, "GetDmaDomain");
		assert_null(ops->AllocateCommonBufferEx(bad[n], NULL, 0x1000, &address, TRUE, 0));
		world_expect(number, "AllocateCommonBufferEx");
	}
	assert_null(vector);
	assert_null(va);
}

/*
 * covers: DMA_OPERATIONS.AllocateCommonBufferEx, DMA_OPERATIONS.AllocateCommonBufferVector,
 * DMA_OPERATIONS.AllocateDomainCommonBuffer, DMA_OPERATIONS.FlushDmaBuffer,
 * DMA_OPERATIONS.GetDmaDomain, DMA_OPERATIONS.JoinDmaDomain, DMA_OPERATIONS.LeaveDmaDomain
 */
static void a_released_or_foreign_adapter_is_reported_and_not_followed(void **state)
{
	world_run(&iommu, bad_adapters);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_common_buffer_lies_within_its_bounds),
		cmocka_unit_test(vectors_hold_buffers_of_one_size),
		cmocka_unit_test(an_mdl_becomes_a_common_buffer),
		cmocka_unit_test(a_domain_is_shared_by_who_joins_it),
		cmocka_unit_test(without_an_iommu_there_are_no_domains),
		cmocka_unit_test(a_flush_of_a_buffer_does_nothing_on_coherent_memory),
		cmocka_unit_test(common_buffers_are_for_passive_level),
		cmocka_unit_test(a_released_or_foreign_adapter_is_reported_and_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
