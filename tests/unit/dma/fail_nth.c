/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Every allocation on the way to a list, a channel or a common buffer fails in turn: pool blocks,
 * list records, map registers, pins, the buffers themselves. After each failure the status is the
 * documented one, no routine was called, nothing is left behind and nothing was reported, and the
 * next attempt works.
 */
#include "lists.h"

#include "dma/live.h"
#include "dma/map_register.h"

#define OWNER ((const void *)0x1234)
#define PARTS 3

static struct {
	struct dma_adapter *adapter;
	PMDL chain;
	struct world_buffer part[PARTS];
	uint32_t bytes;
	PSCATTER_GATHER_LIST list;
	void *context; /* of a transfer, for the members of version 3 */
	void *base;
	unsigned channels; /* calls of the AdapterControl routine */
} it;

static const DMA_OPERATIONS *operations(void)
{
	return it.adapter->header.DmaOperations;
}

static char *start(void)
{
	return it.part[0].va;
}

/* ---- attempts: true if all went well, false after the documented failure ---- */

static bool map(void)
{
	struct dma_mapping mapping;
	NTSTATUS status =
		world_map(it.adapter, &mapping, it.chain, start(), it.bytes, true, it.list, 64);

	if (status) {
		assert_int_equal(status, ISR);
		assert_int_equal(mapping.run.count, 0);
		assert_false(mapping.is_copied);
		return false;
	}
	dma_unmap(it.adapter, &mapping);
	return true;
}

/* SG-6, SGL-2: INSUFFICIENT_RESOURCES, and then the routine is never called. */
static bool got(NTSTATUS status)
{
	cpu_dpc_flush();
	assert_int_equal(status, status ? ISR : STATUS_SUCCESS);
	assert_int_equal(called.calls, !status);
	return !status;
}

static void put(void)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	operations()->PutScatterGatherList(&it.adapter->header, called.list, TRUE);
	cpu_irql_lower(irql);
}

static NTSTATUS build_list(void)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;

	called.calls = 0;
	status = operations()->BuildScatterGatherList(&it.adapter->header, NULL, it.chain, start(),
		it.bytes, (PDRIVER_LIST_CONTROL)routine, NULL, TRUE, it.list, LIST_BYTES(64));
	cpu_irql_lower(irql);
	return status;
}

static NTSTATUS get_list(void)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;

	called.calls = 0;
	status = operations()->GetScatterGatherList(&it.adapter->header, NULL, it.chain, start(),
		it.bytes, (PDRIVER_LIST_CONTROL)routine, NULL, TRUE);
	cpu_irql_lower(irql);
	return status;
}

static bool build_and_put(void)
{
	if (!got(build_list()))
		return false;
	put();
	return true;
}

static bool get_and_put(void)
{
	if (!got(get_list()))
		return false;
	put();
	return true;
}

/* 2.4: where there is no memory for the MDL the list stays as it is, and may be asked again. */
static bool get_and_mdl(void)
{
	PMDL target = NULL;
	NTSTATUS status;

	if (!got(get_list()))
		return false;
	status = operations()->BuildMdlFromScatterGatherList(
		&it.adapter->header, called.list, it.chain, &target);
	if (status) {
		assert_int_equal(status, ISR);
		assert_null(target);
		assert_int_equal(operations()->BuildMdlFromScatterGatherList(
					 &it.adapter->header, called.list, it.chain, &target),
			STATUS_SUCCESS);
	}
	assert_non_null(target);
	put();
	return !status;
}

static bool common_buffer(void)
{
	PHYSICAL_ADDRESS address = {.QuadPart = 0x77};
	void *va =
		operations()->AllocateCommonBuffer(&it.adapter->header, 3 * 4096, &address, TRUE);

	if (!va) {
		assert_int_equal(address.QuadPart, 0x77);
		return false;
	}
	operations()->FreeCommonBuffer(&it.adapter->header, 3 * 4096, address, va, TRUE);
	return true;
}

/* The same by the members of version 3. */
static bool list_ex(bool is_build, ULONG flags)
{
	const DMA_OPERATIONS *op = operations();
	PDMA_ADAPTER adapter = &it.adapter->header;
	PDRIVER_LIST_CONTROL control = (PDRIVER_LIST_CONTROL)routine;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;

	called.calls = 0;
	assert_int_equal(op->InitializeDmaTransferContext(adapter, it.context), STATUS_SUCCESS);
	if (is_build)
		status = op->BuildScatterGatherListEx(adapter, NULL, it.context, it.chain, 0,
			it.bytes, flags, control, NULL, TRUE, it.list, LIST_BYTES(64), NULL, NULL,
			NULL);
	else
		status = op->GetScatterGatherListEx(adapter, NULL, it.context, it.chain, 0,
			it.bytes, flags, control, NULL, TRUE, NULL, NULL, NULL);
	cpu_irql_lower(irql);
	if (!got(status))
		return false;
	put();
	return true;
}

static bool build_ex(void)
{
	return list_ex(true, 0);
}

static bool get_ex(void)
{
	return list_ex(false, 0);
}

static bool get_at_once(void)
{
	return list_ex(false, DMA_SYNCHRONOUS_CALLBACK);
}

static IO_ALLOCATION_ACTION NTAPI control(
	PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
	it.base = base;
	it.channels++;
	return DeallocateObjectKeepRegisters;
}

/* CH-2; then the routine is never called. */
static bool granted(NTSTATUS status)
{
	cpu_dpc_flush();
	assert_int_equal(status, status ? ISR : STATUS_SUCCESS);
	assert_int_equal(it.channels, !status);
	return !status;
}

/* Two pages of the first MDL. */
static bool channel(void)
{
	const DMA_OPERATIONS *op = operations();
	PDMA_ADAPTER adapter = &it.adapter->header;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	static DEVICE_OBJECT device;
	NTSTATUS status;
	ULONG length, done;

	it.channels = 0;
	status = op->AllocateAdapterChannel(adapter, &device, 2, control, NULL);
	cpu_irql_lower(irql);
	if (!granted(status))
		return false;
	for (done = 0; done < it.part[0].bytes; done += length) {
		length = it.part[0].bytes - done;
		op->MapTransfer(adapter, it.chain, it.base, start() + done, &length, TRUE);
		assert_true(length > 0);
	}
	assert_true(op->FlushAdapterBuffers(adapter, it.chain, it.base, start(), done, TRUE));
	irql = cpu_irql_raise(IRQL_DISPATCH);
	op->FreeMapRegisters(adapter, it.base, 2);
	cpu_irql_lower(irql);
	return true;
}

/* The whole chain. */
static bool channel_ex(void)
{
	const DMA_OPERATIONS *op = operations();
	PDMA_ADAPTER adapter = &it.adapter->header;
	static DEVICE_OBJECT device;
	ULONG length = it.bytes;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;

	it.channels = 0;
	assert_int_equal(op->InitializeDmaTransferContext(adapter, it.context), STATUS_SUCCESS);
	status = op->AllocateAdapterChannelEx(
		adapter, &device, it.context, 2 * PARTS, 0, control, NULL, NULL);
	cpu_irql_lower(irql);
	if (!granted(status))
		return false;
	assert_int_equal(op->MapTransferEx(adapter, it.chain, it.base, 0, 0, &length, TRUE, it.list,
				 LIST_BYTES(64), NULL, NULL),
		STATUS_SUCCESS);
	assert_int_equal(length, it.bytes);
	assert_int_equal(op->FlushAdapterBuffersEx(adapter, it.chain, it.base, 0, it.bytes, TRUE),
		STATUS_SUCCESS);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	op->FreeMapRegisters(adapter, it.base, 2 * PARTS);
	cpu_irql_lower(irql);
	return true;
}

static bool common_vector(void)
{
	const PHYSICAL_ADDRESS low = {.QuadPart = 0}, high = {.QuadPart = 0xffffffff};
	PDMA_COMMON_BUFFER_VECTOR vector = NULL;
	NTSTATUS status = operations()->AllocateCommonBufferVector(
		&it.adapter->header, low, high, MmCached, 0, 0, 3, 4096, &vector);

	if (status) {
		assert_int_equal(status, ISR);
		assert_null(vector);
		return false;
	}
	operations()->FreeCommonBufferVector(&it.adapter->header, vector);
	return true;
}

/* ---- for every N ---- */

static void nothing_is_left(void)
{
	unsigned at = 0;

	assert_int_equal(dma_registers_taken(), 0);
	/* the list that the caller owns */
	assert_int_equal(nt_pool_count(OWNER), 1);
	assert_int_equal(nt_pool_count(NULL), 0);
	assert_null(it.adapter->commons);
	assert_null(it.adapter->vectors);
	assert_null(dma_live_take_next(it.adapter->live, &at));
}

/* Returns how many allocations there are. */
static unsigned each_fails(bool (*attempt)(void))
{
	for (unsigned n = 1;; n++) {
		uint64_t counted;
		bool worked;

		nt_allocation_fail(n);
		worked = attempt();
		counted = nt_allocations_counted();
		nt_allocation_fail(0);
		nothing_is_left();
		assert_true(attempt());
		nothing_is_left();
		if (worked) {
			assert_int_equal(counted, n - 1);
			return n - 1;
		}
		assert_true(counted >= n);
		assert_true(n < 100);
	}
}

/* Three MDLs of two pages each. */
static void begin(unsigned width)
{
	const struct dma_constraints limits = {
		.width = width, .scatter_gather = true, .max_transfer = 0x10000};

	memset(&it, 0, sizeof(it));
	it.adapter = dma_adapter_new(&limits, OWNER);
	assert_non_null(it.adapter);
	for (unsigned n = 0; n < PARTS; n++) {
		it.part[n] = world_buffer(0x800, 0x1000);
		it.bytes += it.part[n].bytes;
		if (n)
			it.part[n - 1].mdl->Next = it.part[n].mdl;
	}
	it.chain = it.part[0].mdl;
	it.list = list_new(64);
	it.context = mem_alloc(PAGE_SIZE, MEM_LINEAR, MEM_DATA, NULL);
	assert_non_null(it.context);
}

static void end(void)
{
	nt_pool_free(it.list);
	mem_free(it.context, PAGE_SIZE);
	for (unsigned n = 0; n < PARTS; n++)
		world_buffer_free(&it.part[n]);
	dma_adapter_free(it.adapter);
}

/* What takes `registers` allocations of map registers besides. */
static void lists_and_channels(unsigned registers)
{
	assert_int_equal(each_fails(map), registers);
	/* the record */
	assert_int_equal(each_fails(build_and_put), 1 + registers);
	assert_int_equal(each_fails(build_ex), 1 + registers);
	/* and the list itself */
	assert_int_equal(each_fails(get_and_put), 2 + registers);
	assert_int_equal(each_fails(get_ex), 2 + registers);
	assert_int_equal(each_fails(get_at_once), 2 + registers);
	assert_int_equal(each_fails(channel), registers);
	assert_int_equal(each_fails(channel_ex), registers);
}

static void without_registers(void)
{
	begin(64);
	lists_and_channels(0);
	assert_int_equal(each_fails(get_and_mdl), 2);
	assert_int_equal(each_fails(common_buffer), 1);
	/* and the vector */
	assert_int_equal(each_fails(common_vector), 1 + 3);
	end();
}

static void with_registers(void)
{
	/* An iommu leads to each buffer by pins. */
	unsigned each = dma_settings.engine == DMA_IOMMU ? 2 : 1;

	begin(64);
	lists_and_channels(1);
	assert_int_equal(each_fails(get_and_mdl), 3);
	assert_int_equal(each_fails(common_buffer), each);
	assert_int_equal(each_fails(common_vector), 1 + 3 * each);
	end();
}

static void with_copies(void)
{
	begin(32);
	lists_and_channels(1);
	/* and an MDL over the copy for each of the buffer's */
	assert_int_equal(each_fails(get_and_mdl), 3 + PARTS);
	assert_int_equal(each_fails(common_buffer), 1);
	assert_int_equal(each_fails(common_vector), 1 + 3);
	end();
}

static void run(
	enum dma_engine engine, uint32_t registers, enum dma_callback callback, void (*body)(void))
{
	const struct world_config config = {.policy = MEM_HIGH,
		.dma = {.engine = engine, .map_registers = registers, .callback = callback}};

	world_run(&config, body);
}

static void direct(void **state)
{
	run(DMA_DIRECT, 0, DMA_CALLBACK_BEFORE_RETURN, without_registers);
	run(DMA_DIRECT, 0, DMA_CALLBACK_AFTER_RETURN, without_registers);
}

static void direct_with_a_pool_of_registers(void **state)
{
	run(DMA_DIRECT, 20, DMA_CALLBACK_BEFORE_RETURN, with_registers);
	run(DMA_DIRECT, 20, DMA_CALLBACK_QUEUED, with_registers);
}

static void bounce(void **state)
{
	run(DMA_BOUNCE, 20, DMA_CALLBACK_BEFORE_RETURN, with_copies);
	run(DMA_BOUNCE, 0, DMA_CALLBACK_QUEUED, with_copies);
	/* The device reaches all, and takes registers all the same. */
	run(DMA_BOUNCE, 20, DMA_CALLBACK_QUEUED, with_registers);
}

static void iommu(void **state)
{
	run(DMA_IOMMU, 20, DMA_CALLBACK_BEFORE_RETURN, with_registers);
	run(DMA_IOMMU, 0, DMA_CALLBACK_QUEUED, with_registers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(direct),
		cmocka_unit_test(direct_with_a_pool_of_registers),
		cmocka_unit_test(bounce),
		cmocka_unit_test(iommu),
	};

	return cmocka_run_group_tests_name("dma/fail_nth", tests, NULL, NULL);
}
