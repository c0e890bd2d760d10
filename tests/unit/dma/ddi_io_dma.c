/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* IoGetDmaAdapter and the DMA operations as a WDM driver calls them: D-1 to D-14, table 2.2, SGL-1
 * to SGL-7. */
#include "world.h"
#include "dma/common_buffer.h"

#include "dma/dma_private.h"
#include "util/export.h"

#define LIST_BYTES(elements) (16u + 24u * (elements))

static const struct world_config plain = {
	.policy = MEM_SCATTERED, .dma = {.callback = DMA_CALLBACK_BEFORE_RETURN}};

/* ---- the port's side ---- */

static DEVICE_OBJECT known_device;
static unsigned bus_width = 64;

static const struct dma_device *resolve(PDEVICE_OBJECT device)
{
	static struct dma_device found;

	found = (struct dma_device){bus_width, 0, (const void *)0x77};
	return device == &known_device ? &found : NULL;
}

static DEVICE_DESCRIPTION describe(ULONG version)
{
	DEVICE_DESCRIPTION description;

	/* D-2 */
	memset(&description, 0, sizeof(description));
	description.Version = version;
	description.Master = TRUE;
	description.ScatterGather = TRUE;
	description.Dma64BitAddresses = TRUE;
	description.DmaAddressWidth = 64;
	description.InterfaceType = PCIBus;
	description.MaximumLength = 0x10000;
	return description;
}

static PDMA_ADAPTER adapter_of(ULONG version)
{
	DEVICE_DESCRIPTION description = describe(version);
	ULONG registers = 0;
	PDMA_ADAPTER adapter;

	dma_device_resolve = resolve;
	bus_width = 64;
	adapter = IoGetDmaAdapter(&known_device, &description, &registers);
	assert_non_null(adapter);
	assert_int_equal(registers, 17);
	return adapter;
}

static void put(PDMA_ADAPTER adapter)
{
	adapter->DmaOperations->PutDmaAdapter(adapter);
}

/* ---- IoGetDmaAdapter ---- */

/* D-3, D-4, X-35: the table that the version asks for, all of it and no more. */
static void tables(void)
{
	static const ULONG sizes[] = {0x68, 0x68, 0x80, 0x140};

	for (ULONG version = 0; version <= 3; version++) {
		PDMA_ADAPTER adapter = adapter_of(version);
		void *const *members = (void *const *)(const void *)adapter->DmaOperations;

		assert_int_equal(adapter->Version, 1);
		assert_int_equal(adapter->Size, 16);
		assert_int_equal(adapter->DmaOperations->Size, sizes[version]);
		for (unsigned n = 1; n < sizeof(DMA_OPERATIONS) / 8; n++)
			if (n < sizes[version] / 8)
				assert_non_null(members[n]);
			else
				assert_null(members[n]);
		put(adapter);
	}
}

static void each_version_has_its_operations(void **state)
{
	world_run(&plain, tables);
}

/* D-11, D-12, and the bus may be narrower. */
static void widths(void)
{
	static const struct {
		ULONG version;
		BOOLEAN dma64, dma32, sg;
		INTERFACE_TYPE bus;
		ULONG width;
		unsigned bus_width, expected;
	} cases[] = {
		{0, TRUE, FALSE, TRUE, PCIBus, 0, 64, 64},
		{1, TRUE, TRUE, TRUE, PCIBus, 0, 64, 64},
		{2, FALSE, TRUE, TRUE, PCIBus, 0, 64, 32},
		{2, FALSE, TRUE, FALSE, Isa, 0, 64, 32},
		{2, FALSE, FALSE, TRUE, PCIBus, 0, 64, 32},
		{2, FALSE, FALSE, FALSE, PCIBus, 0, 64, 24},
		{2, FALSE, FALSE, TRUE, Isa, 0, 64, 24},
		{2, TRUE, FALSE, TRUE, PCIBus, 33, 40, 40},
		{3, FALSE, FALSE, TRUE, PCIBus, 64, 64, 64},
		{3, TRUE, TRUE, TRUE, PCIBus, 1, 64, 1},
		{3, FALSE, FALSE, TRUE, PCIBus, 36, 64, 36},
		{3, FALSE, FALSE, TRUE, PCIBus, 36, 32, 32},
	};

	dma_device_resolve = resolve;
	for (unsigned n = 0; n < array_size(cases); n++) {
		DEVICE_DESCRIPTION description = describe(cases[n].version);
		struct dma_adapter *adapter;
		ULONG registers;

		description.Dma64BitAddresses = cases[n].dma64;
		description.Dma32BitAddresses = cases[n].dma32;
		description.ScatterGather = cases[n].sg;
		description.InterfaceType = cases[n].bus;
		description.DmaAddressWidth = cases[n].width;
		bus_width = cases[n].bus_width;
		adapter =
			dma_adapter_find(IoGetDmaAdapter(&known_device, &description, &registers));
		assert_non_null(adapter);
		assert_int_equal(adapter->limits.width, cases[n].expected);
		assert_int_equal(adapter->limits.scatter_gather, cases[n].sg);
		assert_ptr_equal(adapter->owner, (const void *)0x77);
		put(&adapter->header);
	}
}

static void the_address_width_follows_version_flags_and_bus(void **state)
{
	world_run(&plain, widths);
}

static void expect_no_adapter(DEVICE_DESCRIPTION *description)
{
	ULONG registers = 77;

	assert_null(IoGetDmaAdapter(&known_device, description, &registers));
	assert_int_equal(registers, 77);
}

static void refusals(void)
{
	DEVICE_DESCRIPTION description = describe(4);
	ULONG registers = 77;

	dma_device_resolve = resolve;
	bus_width = 64;
	/* D-3, 0xE6/25 */
	expect_no_adapter(&description);
	world_expect(0xe6000025, "version 4");
	/* D-12 */
	description = describe(3);
	description.DmaAddressWidth = 0;
	expect_no_adapter(&description);
	world_expect(0, "DmaAddressWidth of 0");
	description.DmaAddressWidth = 65;
	expect_no_adapter(&description);
	world_expect(0, "DmaAddressWidth of 65");
	/* D-10, D-13: a slave; its width does not matter. */
	description.Master = FALSE;
	expect_no_adapter(&description);
	description.DmaAddressWidth = 64;
	expect_no_adapter(&description);
	expect_no_adapter(NULL);
	world_expect(0, "without a description");
	description = describe(3);
	assert_null(IoGetDmaAdapter(&known_device, &description, NULL));
	world_expect(0, "without a place for the number of map registers");
	/* A device that the port does not know, and a machine without a port. */
	assert_null(IoGetDmaAdapter(NULL, &description, &registers));
	assert_null(IoGetDmaAdapter((PDEVICE_OBJECT)&description, &description, &registers));
	dma_device_resolve = NULL;
	expect_no_adapter(&description);
	dma_device_resolve = resolve;
	for (int n = 0; n < 16; n++)
		adapter_of(2);
	expect_no_adapter(&description);
	for (unsigned n = 0; n < 16; n++)
		put(&dma_adapter_at(n)->header);
	/* D-1 */
	for (uint8_t irql = IRQL_APC; irql <= IRQL_DEVICE_MIN; irql++) {
		cpu_irql_raise(irql);
		expect_no_adapter(&description);
		cpu_irql_lower(IRQL_PASSIVE);
		world_expect(0xe6000013, "IoGetDmaAdapter called at IRQL");
	}
}

/* covers: IoGetDmaAdapter */
static void no_adapter_for_a_bad_description(void **state)
{
	world_run(&plain, refusals);
}

static void io_get_dma_adapter_is_exported(void **state)
{
	const struct dry_export *row = export_find("IoGetDmaAdapter");

	assert_non_null(row);
	assert_string_equal(row->module, "ntoskrnl.exe");
	assert_ptr_equal(row->address, (void *)IoGetDmaAdapter);
}

/* ---- IRQL: table 2.2 ---- */

static struct {
	PDMA_ADAPTER adapter;
	struct world_buffer buffer;
	PSCATTER_GATHER_LIST list, got;
	PVOID common;
	PHYSICAL_ADDRESS address;
	unsigned calls;
	PDEVICE_OBJECT device;
	PIRP irp;
} driver;

static VOID NTAPI list_control(
	PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	/* Whatever the caller's IRQL. */
	assert_int_equal(cpu_irql(), IRQL_DISPATCH);
	assert_ptr_equal(context, &driver);
	driver.calls++;
	driver.got = list;
	driver.device = device;
	driver.irp = irp;
}

static NTSTATUS do_get(void)
{
	return driver.adapter->DmaOperations->GetScatterGatherList(driver.adapter, NULL,
		driver.buffer.mdl, driver.buffer.va, driver.buffer.bytes, list_control, &driver,
		TRUE);
}

static NTSTATUS do_build(void)
{
	return driver.adapter->DmaOperations->BuildScatterGatherList(driver.adapter, NULL,
		driver.buffer.mdl, driver.buffer.va, driver.buffer.bytes, list_control, &driver,
		TRUE, driver.list, LIST_BYTES(2));
}

static NTSTATUS do_put_list(void)
{
	driver.adapter->DmaOperations->PutScatterGatherList(driver.adapter, driver.got, TRUE);
	return 0;
}

static NTSTATUS do_calculate(void)
{
	ULONG size, registers;

	return driver.adapter->DmaOperations->CalculateScatterGatherList(driver.adapter,
		driver.buffer.mdl, driver.buffer.va, driver.buffer.bytes, &size, &registers);
}

static NTSTATUS do_build_mdl(void)
{
	PMDL target = NULL;

	return driver.adapter->DmaOperations->BuildMdlFromScatterGatherList(
		driver.adapter, driver.got, driver.buffer.mdl, &target);
}

static NTSTATUS do_allocate(void)
{
	driver.common = driver.adapter->DmaOperations->AllocateCommonBuffer(
		driver.adapter, 100, &driver.address, TRUE);
	return driver.common ? 0 : STATUS_UNSUCCESSFUL;
}

static NTSTATUS do_free(void)
{
	driver.adapter->DmaOperations->FreeCommonBuffer(
		driver.adapter, 100, driver.address, driver.common, TRUE);
	return mem_owner(driver.common)->kind == MEM_COMMON ? STATUS_UNSUCCESSFUL : 0;
}

static NTSTATUS do_alignment(void)
{
	return driver.adapter->DmaOperations->GetDmaAlignment(driver.adapter) == 1 ? 0 : -1;
}

static NTSTATUS do_put_adapter(void)
{
	put(driver.adapter);
	return dma_adapter_find(driver.adapter) ? STATUS_UNSUCCESSFUL : 0;
}

static void live_list(void)
{
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(do_build(), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void dead_list(void)
{
	if (dma_adapter_counts(dma_adapter_find(driver.adapter)).built !=
		dma_adapter_counts(dma_adapter_find(driver.adapter)).put) {
		cpu_irql_raise(IRQL_DISPATCH);
		do_put_list();
		cpu_irql_lower(IRQL_PASSIVE);
	}
}

static void allocate(void)
{
	assert_int_equal(do_allocate(), 0);
}

static void free_all(void)
{
	dma_commons_drop(dma_adapter_find(driver.adapter));
}

static void new_adapter(void)
{
	if (!dma_adapter_find(driver.adapter))
		driver.adapter = adapter_of(2);
}

static const struct irql_case {
	const char *name;
	NTSTATUS (*call)(void);
	uint8_t min, max;
	void (*before)(void), (*after)(void);
} irql_cases[] = {
	{"GetScatterGatherList", do_get, 2, 2, NULL, dead_list},
	{"BuildScatterGatherList", do_build, 2, 2, NULL, dead_list},
	{"PutScatterGatherList", do_put_list, 2, 2, live_list, dead_list},
	{"CalculateScatterGatherList", do_calculate, 0, 15, NULL, NULL},
	{"BuildMdlFromScatterGatherList", do_build_mdl, 0, 2, live_list, dead_list},
	{"AllocateCommonBuffer", do_allocate, 0, 0, NULL, free_all},
	{"FreeCommonBuffer", do_free, 0, 0, allocate, free_all},
	{"GetDmaAlignment", do_alignment, 0, 0, NULL, NULL},
	{"PutDmaAdapter", do_put_adapter, 0, 2, NULL, new_adapter},
};

static void check_irql(const struct irql_case *test, uint8_t irql)
{
	static const char *const names[] = {"PASSIVE_LEVEL", "APC_LEVEL", "DISPATCH_LEVEL"};
	bool is_right = irql >= test->min && irql <= test->max;
	NTSTATUS status;
	char text[100];

	if (test->before)
		test->before();
	cpu_irql_raise(irql);
	status = test->call();
	assert_int_equal(cpu_irql(), irql);
	cpu_irql_lower(IRQL_PASSIVE);
	if (!is_right) {
		snprintf(text, sizeof(text), "%s called at IRQL %u", test->name, irql);
		world_expect(0xe6000013, text);
		snprintf(text, sizeof(text), "it must be %s %s",
			test->min == test->max ? "exactly" : "at or below", names[test->max]);
		assert_non_null(strstr(world.violation[world.taken - 1].text, text));
	}
	/* What is wrong but harmless is done; above DISPATCH_LEVEL it is not. */
	if (is_right || irql <= IRQL_DISPATCH)
		assert_int_equal(status, 0);
	else if (test->call != do_put_list && test->call != do_alignment)
		assert_int_equal(status, STATUS_UNSUCCESSFUL);
	if (test->after)
		test->after();
	world_expect_none();
}

static void irqls(void)
{
	driver.adapter = adapter_of(2);
	driver.buffer = world_buffer(0, 0x2000);
	driver.list = nt_pool_alloc(LIST_BYTES(2), 0x74657374u, NULL, false);
	for (unsigned n = 0; n < array_size(irql_cases); n++)
		for (uint8_t irql = IRQL_PASSIVE; irql <= IRQL_DEVICE_MIN; irql++)
			check_irql(&irql_cases[n], irql);
	nt_pool_free(driver.list);
	world_buffer_free(&driver.buffer);
	put(driver.adapter);
}

static void each_operation_checks_its_irql(void **state)
{
	world_run(&plain, irqls);
}

/* A queued routine of a caller below DISPATCH_LEVEL runs at DISPATCH_LEVEL, too. */
static void queued_below_dispatch(void)
{
	driver.adapter = adapter_of(2);
	driver.buffer = world_buffer(0, 0x1000);
	driver.calls = 0;
	assert_int_equal(do_get(), STATUS_SUCCESS);
	world_expect(0xe6000013, "GetScatterGatherList");
	assert_int_equal(driver.calls, 1);
	dead_list();
	world_buffer_free(&driver.buffer);
	put(driver.adapter);
}

static void a_queued_routine_runs_at_dispatch_whatever_its_caller(void **state)
{
	const struct world_config config = {.dma = {.callback = DMA_CALLBACK_QUEUED}};

	world_run(&config, queued_below_dispatch);
}

/* ---- adapter pointers: 0xE6/18, 0xE6/19 ---- */

static void bad_adapters(void)
{
	PDMA_ADAPTER adapter = adapter_of(2), bad[] = {NULL, adapter, (PDMA_ADAPTER)&driver};
	PDMA_OPERATIONS ops = adapter->DmaOperations;
	ULONG size = 77;
	PMDL mdl = NULL;

	put(adapter);
	for (unsigned n = 0; n < array_size(bad); n++) {
		uint64_t number = bad[n] ? 0xe6000018 : 0xe6000019;

		ops->PutDmaAdapter(bad[n]);
		world_expect(number, "PutDmaAdapter");
		assert_null(ops->AllocateCommonBuffer(bad[n], 1, &driver.address, TRUE));
		world_expect(number, "AllocateCommonBuffer");
		ops->FreeCommonBuffer(bad[n], 1, driver.address, NULL, TRUE);
		world_expect(number, "FreeCommonBuffer");
		assert_int_equal(ops->GetDmaAlignment(bad[n]), 1);
		world_expect(number, "GetDmaAlignment");
		assert_int_equal(ops->GetScatterGatherList(
					 bad[n], NULL, NULL, NULL, 1, list_control, NULL, TRUE),
			STATUS_UNSUCCESSFUL);
		world_expect(number, "GetScatterGatherList");
		ops->PutScatterGatherList(bad[n], NULL, TRUE);
		world_expect(number, "PutScatterGatherList");
		assert_int_equal(
			ops->CalculateScatterGatherList(bad[n], NULL, NULL, 1, &size, NULL),
			STATUS_UNSUCCESSFUL);
		world_expect(number, "CalculateScatterGatherList");
		assert_int_equal(ops->BuildScatterGatherList(bad[n], NULL, NULL, NULL, 1,
					 list_control, NULL, TRUE, NULL, 0),
			STATUS_UNSUCCESSFUL);
		world_expect(number, "BuildScatterGatherList");
		assert_int_equal(ops->BuildMdlFromScatterGatherList(bad[n], NULL, NULL, &mdl),
			STATUS_UNSUCCESSFUL);
		world_expect(number, "BuildMdlFromScatterGatherList");
	}
	assert_int_equal(size, 77);
}

/*
 * covers: DMA_OPERATIONS.BuildMdlFromScatterGatherList, DMA_OPERATIONS.BuildScatterGatherList,
 * DMA_OPERATIONS.CalculateScatterGatherList, DMA_OPERATIONS.GetDmaAlignment,
 * DMA_OPERATIONS.GetScatterGatherList
 */
static void a_released_or_foreign_adapter_is_reported_and_not_followed(void **state)
{
	world_run(&plain, bad_adapters);
}

/* ---- what they do ---- */

static void lists(void)
{
	PDMA_ADAPTER adapter = driver.adapter = adapter_of(2);
	PDMA_OPERATIONS ops = adapter->DmaOperations;
	DEVICE_OBJECT *device = mem_alloc(4096, 0, MEM_EXTENSION, NULL);
	struct world_buffer buffer = world_buffer(0x10, 0x2000);
	PSCATTER_GATHER_LIST list = nt_pool_alloc(LIST_BYTES(3), 0x74657374u, NULL, false);
	ULONG size, registers;
	PMDL target = NULL;

	device->CurrentIrp = (PIRP)0x5555;
	assert_int_equal(ops->CalculateScatterGatherList(
				 adapter, buffer.mdl, buffer.va, 0x2000, &size, &registers),
		STATUS_SUCCESS);
	assert_int_equal(size, LIST_BYTES(3));
	assert_int_equal(registers, 3);
	assert_int_equal(
		ops->CalculateScatterGatherList(adapter, NULL, (PVOID)0xfff, 2, &size, NULL),
		STATUS_SUCCESS);
	assert_int_equal(size, LIST_BYTES(2));
	assert_int_equal(
		ops->CalculateScatterGatherList(adapter, NULL, (PVOID)0xfff, 2, NULL, &registers),
		STATUS_INVALID_PARAMETER);
	world_expect(0, "CalculateScatterGatherList without");
	/* 17 map registers were granted. */
	assert_int_equal(ops->CalculateScatterGatherList(adapter, NULL, NULL, 0x11001, &size, NULL),
		STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(ops->CalculateScatterGatherList(
				 adapter, buffer.mdl, buffer.va, 0x2001, &size, NULL),
		STATUS_BUFFER_TOO_SMALL);
	world_expect(0xe6000024, "");
	driver.calls = 0;
	cpu_irql_raise(IRQL_DISPATCH);
	/* SGL-1: the routine gets the device object, its current IRP, the list and the context. */
	assert_int_equal(ops->GetScatterGatherList(adapter, device, buffer.mdl, buffer.va, 0x2000,
				 list_control, &driver, FALSE),
		STATUS_SUCCESS);
	assert_int_equal(driver.calls, 1);
	assert_ptr_equal(driver.device, device);
	assert_ptr_equal(driver.irp, (PIRP)0x5555);
	assert_int_equal(driver.got->NumberOfElements, 3);
	ops->PutScatterGatherList(adapter, driver.got, FALSE);
	assert_int_equal(ops->BuildScatterGatherList(adapter, device, buffer.mdl, buffer.va, 0x2000,
				 list_control, &driver, TRUE, list, LIST_BYTES(3) - 1),
		STATUS_BUFFER_TOO_SMALL);
	assert_int_equal(ops->BuildScatterGatherList(adapter, device, buffer.mdl, buffer.va, 0x2000,
				 list_control, &driver, TRUE, list, LIST_BYTES(3)),
		STATUS_SUCCESS);
	assert_int_equal(driver.calls, 2);
	assert_ptr_equal(driver.got, list);
	assert_int_equal((uint64_t)list->Elements[0].Address.QuadPart, mem_physical(buffer.va));
	/* BuildMdl: every documented status, in its order. */
	assert_int_equal(ops->BuildMdlFromScatterGatherList(adapter, list, NULL, &target),
		STATUS_INVALID_PARAMETER);
	assert_int_equal(ops->BuildMdlFromScatterGatherList(adapter, list, buffer.mdl, NULL),
		STATUS_INVALID_PARAMETER);
	world_expect(0, "without a place for the MDL");
	assert_int_equal(
		ops->BuildMdlFromScatterGatherList(adapter, list, (PMDL)(void *)buffer.va, &target),
		STATUS_INVALID_PARAMETER);
	world_expect(0, "but the list was made of");
	assert_null(target);
	assert_int_equal(ops->BuildMdlFromScatterGatherList(adapter, list, buffer.mdl, &target),
		STATUS_SUCCESS);
	assert_ptr_equal(target, buffer.mdl);
	assert_int_equal(ops->BuildMdlFromScatterGatherList(adapter, list, buffer.mdl, &target),
		STATUS_NONE_MAPPED);
	ops->PutScatterGatherList(adapter, list, TRUE);
	assert_int_equal(ops->BuildMdlFromScatterGatherList(adapter, list, buffer.mdl, &target),
		STATUS_INVALID_PARAMETER);
	world_expect(0xe6000006, "BuildMdlFromScatterGatherList");
	/* A device object that is no memory of the machine is passed on and not followed. */
	assert_int_equal(ops->GetScatterGatherList(adapter, (PDEVICE_OBJECT)0x1000, buffer.mdl,
				 buffer.va, 1, list_control, &driver, FALSE),
		STATUS_SUCCESS);
	assert_ptr_equal(driver.device, (PDEVICE_OBJECT)0x1000);
	assert_null(driver.irp);
	ops->PutScatterGatherList(adapter, driver.got, FALSE);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	mem_free(device, 4096);
	world_buffer_free(&buffer);
	put(adapter);
}

/*
 * covers: DMA_OPERATIONS.BuildMdlFromScatterGatherList, DMA_OPERATIONS.BuildScatterGatherList,
 * DMA_OPERATIONS.CalculateScatterGatherList
 */
static void list_operations_work_as_documented(void **state)
{
	world_run(&plain, lists);
}

/* SGL-2: more registers than IoGetDmaAdapter granted. */
static void too_many(void)
{
	PDMA_ADAPTER adapter = adapter_of(1);
	PDMA_OPERATIONS ops = adapter->DmaOperations;
	struct world_buffer buffer = world_buffer(0, 0x11001);

	driver.calls = 0;
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(ops->GetScatterGatherList(adapter, NULL, buffer.mdl, buffer.va, 0x11001,
				 list_control, &driver, FALSE),
		STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(driver.calls, 0);
	assert_int_equal(ops->GetScatterGatherList(adapter, NULL, buffer.mdl, buffer.va, 0x11000,
				 list_control, &driver, FALSE),
		STATUS_SUCCESS);
	ops->PutScatterGatherList(adapter, driver.got, FALSE);
	assert_int_equal(ops->GetScatterGatherList(adapter, NULL, buffer.mdl, buffer.va, 0x11002,
				 list_control, &driver, FALSE),
		STATUS_BUFFER_TOO_SMALL);
	world_expect(0xe6000024, "");
	cpu_irql_lower(IRQL_PASSIVE);
	world_buffer_free(&buffer);
	put(adapter);
}

/* covers: DMA_OPERATIONS.GetScatterGatherList, DMA_OPERATIONS.PutScatterGatherList */
static void a_need_above_the_limit_fails_at_once(void **state)
{
	world_run(&plain, too_many);
}

static void commons(void)
{
	PDMA_ADAPTER adapter = adapter_of(0);
	PDMA_OPERATIONS ops = adapter->DmaOperations;
	PHYSICAL_ADDRESS address = {.QuadPart = 5};
	PVOID va;

	assert_null(ops->AllocateCommonBuffer(adapter, 0, &address, TRUE));
	world_expect(0, "of length 0");
	assert_null(ops->AllocateCommonBuffer(adapter, 1, NULL, TRUE));
	world_expect(0, "without a place");
	assert_null(ops->AllocateCommonBuffer(adapter, 0xf0000000, &address, TRUE));
	assert_int_equal(address.QuadPart, 5);
	va = ops->AllocateCommonBuffer(adapter, 0x2001, &address, FALSE);
	assert_non_null(va);
	assert_int_equal((uint64_t)address.QuadPart, mem_physical(va));
	assert_int_equal((uint64_t)address.QuadPart + 0x2000, mem_physical((char *)va + 0x2000));
	ops->FreeCommonBuffer(adapter, 0x2001, address, va, FALSE);
	ops->FreeCommonBuffer(adapter, 0x2001, address, va, FALSE);
	world_expect(0xe6000003, "FreeCommonBuffer");
	assert_int_equal(ops->GetDmaAlignment(adapter), 1);
	/* D-6, 0xE6/07 */
	assert_non_null(ops->AllocateCommonBuffer(adapter, 1, &address, FALSE));
	put(adapter);
	world_expect(0xe6000007, "1 common buffers left");
}

/* covers: DMA_OPERATIONS.AllocateCommonBuffer */
static void common_buffer_operations_work_as_documented(void **state)
{
	world_run(&plain, commons);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_version_has_its_operations),
		cmocka_unit_test(the_address_width_follows_version_flags_and_bus),
		cmocka_unit_test(no_adapter_for_a_bad_description),
		cmocka_unit_test(io_get_dma_adapter_is_exported),
		cmocka_unit_test(each_operation_checks_its_irql),
		cmocka_unit_test(a_queued_routine_runs_at_dispatch_whatever_its_caller),
		cmocka_unit_test(a_released_or_foreign_adapter_is_reported_and_not_followed),
		cmocka_unit_test(list_operations_work_as_documented),
		cmocka_unit_test(a_need_above_the_limit_fails_at_once),
		cmocka_unit_test(common_buffer_operations_work_as_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
