/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Version 3 of the DMA operations as a WDM driver calls it: 2.5, X-30 to X-34, table 2.2, under
 * every engine. */
#include "channels.h"

#define SYNC DMA_SYNCHRONOUS_CALLBACK

static PDMA_ADAPTER adapter(void)
{
	return &driver.adapter->header;
}

static PDMA_OPERATIONS ops(void)
{
	return driver.adapter->header.DmaOperations;
}

/* ---- transfer contexts, in the driver's memory ---- */

static char *contexts; /* a page: 32 of them */

static void *context(unsigned n)
{
	return contexts + n * DMA_TRANSFER_CONTEXT_SIZE_V1;
}

static void *fresh(unsigned n)
{
	assert_int_equal(
		ops()->InitializeDmaTransferContext(adapter(), context(n)), STATUS_SUCCESS);
	return context(n);
}

static void (*context_body)(void);

static void with_contexts(void)
{
	contexts = mem_alloc(4096, 0, MEM_EXTENSION, NULL);
	memset(contexts, 0xa5, 4096);
	context_body();
	mem_free(contexts, 4096);
}

static void every_engine(void (*body)(void))
{
	context_body = body;
	each_engine(with_contexts);
}

static void every_pool(void (*body)(void))
{
	context_body = body;
	each_pool(with_contexts);
}

/* ---- the calls, short ---- */

static NTSTATUS channel_ex(
	unsigned device, void *transfer, uint32_t registers, ULONG flags, PVOID *base)
{
	return ddi_result(DMA_OPERATIONS.AllocateAdapterChannelEx,
		ops()->AllocateAdapterChannelEx(adapter(), driver.device[device], transfer,
			registers, flags, control, (PVOID)(uintptr_t)device, base));
}

static BOOLEAN cancel(unsigned device, void *transfer)
{
	return ddi_result(DMA_OPERATIONS.CancelAdapterChannel,
		ops()->CancelAdapterChannel(adapter(), driver.device[device], transfer));
}

static struct {
	unsigned calls;
	PSCATTER_GATHER_LIST list;
	PIRP irp;
	bool puts; /* */
} listed;

static VOID NTAPI list_control(
	PDEVICE_OBJECT device, PIRP irp, PSCATTER_GATHER_LIST list, PVOID unused)
{
	assert_int_equal(cpu_irql(), IRQL_DISPATCH);
	listed.calls++;
	listed.list = list;
	listed.irp = irp;
	if (listed.puts)
		ops()->PutScatterGatherList(adapter(), list, TRUE);
}

static NTSTATUS get_ex(void *transfer, PMDL mdl, uint64_t offset, uint32_t length, ULONG flags,
	PDRIVER_LIST_CONTROL routine, PSCATTER_GATHER_LIST *out)
{
	return ddi_result(DMA_OPERATIONS.GetScatterGatherListEx,
		ops()->GetScatterGatherListEx(adapter(), driver.device[0], transfer, mdl, offset,
			length, flags, routine, NULL, TRUE, NULL, NULL, out));
}

static NTSTATUS build_ex(void *transfer, PMDL mdl, uint64_t offset, uint32_t length, ULONG flags,
	PDRIVER_LIST_CONTROL routine, void *list, uint32_t bytes, PSCATTER_GATHER_LIST *out)
{
	return ddi_result(DMA_OPERATIONS.BuildScatterGatherListEx,
		ops()->BuildScatterGatherListEx(adapter(), driver.device[0], transfer, mdl, offset,
			length, flags, routine, NULL, TRUE, list, bytes, NULL, NULL, out));
}

static void put(PSCATTER_GATHER_LIST list)
{
	ops()->PutScatterGatherList(adapter(), list, TRUE);
}

/* ---- IRQL: table 2.2 ---- */

static struct world_buffer buffer;
static PVOID kept;
static PSCATTER_GATHER_LIST list_memory;

static long do_adapter_info(void)
{
	DMA_ADAPTER_INFO info = {.Version = 1};

	return ops()->GetDmaAdapterInfo(adapter(), &info);
}

static long do_transfer_info(void)
{
	DMA_TRANSFER_INFO info = {.Version = 1};

	return ops()->GetDmaTransferInfo(adapter(), buffer.mdl, 0, 1, FALSE, &info);
}

static long do_initialize(void)
{
	return ops()->InitializeDmaTransferContext(adapter(), context(0));
}

static long do_allocate(void)
{
	return channel_ex(0, context(0), 1, 0, NULL);
}

static long do_configure(void)
{
	return ops()->ConfigureAdapterChannel(adapter(), 0, NULL) == STATUS_NOT_IMPLEMENTED
		       ? 0
		       : STATUS_UNSUCCESSFUL;
}

static long do_cancel(void)
{
	return cancel(1, context(1)) ? 0 : STATUS_UNSUCCESSFUL;
}

static long do_map(void)
{
	ULONG length = 0x100;

	return ops()->MapTransferEx(adapter(), buffer.mdl, kept, 0, 0, &length, TRUE, list_memory,
		LIST_BYTES(1), NULL, NULL);
}

static long do_get(void)
{
	listed.puts = true;
	return get_ex(context(0), buffer.mdl, 0, 0x100, SYNC, list_control, NULL);
}

static long do_build(void)
{
	listed.puts = true;
	return build_ex(context(0), buffer.mdl, 0, 0x100, SYNC, list_control, list_memory,
		LIST_BYTES(1), NULL);
}

static long do_flush(void)
{
	return ops()->FlushAdapterBuffersEx(adapter(), buffer.mdl, kept, 0, 0x100, TRUE);
}

static long do_free_object(void)
{
	ops()->FreeAdapterObject(adapter(), DeallocateObject);
	return 0;
}

static long do_cancel_mapped(void)
{
	return ops()->CancelMappedTransfer(adapter(), context(0)) == STATUS_NOT_SUPPORTED
		       ? 0
		       : STATUS_UNSUCCESSFUL;
}

static void make_context(void)
{
	fresh(0);
}

static void keep_one(void)
{
	kept = keep(1);
}

static void keep_mapped(void)
{
	keep_one();
	assert_int_equal(do_map(), 0);
}

static void hold_one(void)
{
	driver.action = KeepObject;
	assert_int_equal(ask(2, 1, 0), STATUS_SUCCESS);
	driver.action = DeallocateObject;
}

static void wait_one(void)
{
	hold_one();
	assert_int_equal(channel_ex(1, fresh(1), 1, 0, NULL), STATUS_SUCCESS);
}

static const struct irql_case {
	const char *name;
	long (*call)(void);
	uint8_t min;
	void (*before)(void);
} irql_cases[] = {
	{"GetDmaAdapterInfo", do_adapter_info, 0, NULL},
	{"GetDmaTransferInfo", do_transfer_info, 0, NULL},
	{"InitializeDmaTransferContext", do_initialize, 0, NULL},
	{"AllocateAdapterChannelEx", do_allocate, 2, make_context},
	{"ConfigureAdapterChannel", do_configure, 0, NULL},
	{"CancelAdapterChannel", do_cancel, 0, wait_one},
	{"MapTransferEx", do_map, 0, keep_one},
	{"GetScatterGatherListEx", do_get, 0, make_context},
	{"BuildScatterGatherListEx", do_build, 2, make_context}, /* */
	{"FlushAdapterBuffersEx", do_flush, 0, keep_mapped},
	{"FreeAdapterObject", do_free_object, 0, hold_one},
	{"CancelMappedTransfer", do_cancel_mapped, 0, make_context},
};

static void check_irql(const struct irql_case *test, uint8_t irql)
{
	bool is_right = irql >= test->min && irql <= IRQL_DISPATCH;
	char text[80];
	long status;

	if (test->before) {
		cpu_irql_raise(IRQL_DISPATCH);
		test->before();
		cpu_irql_lower(IRQL_PASSIVE);
	}
	cpu_irql_raise(irql);
	status = test->call();
	assert_int_equal(cpu_irql(), irql);
	cpu_irql_lower(IRQL_PASSIVE);
	if (!is_right) {
		snprintf(text, sizeof(text), "%s called at IRQL %u", test->name, irql);
		world_expect(0xe6000013, text);
	}
	/* What is wrong but harmless is done; above DISPATCH_LEVEL it is not. */
	if (irql <= IRQL_DISPATCH)
		assert_int_equal(status, 0);
	else if (test->call != do_free_object)
		assert_int_equal(status, STATUS_UNSUCCESSFUL);
	world_expect_none();
	dma_channels_drop(driver.adapter);
	world.violations = world.taken;
}

static void irqls(void)
{
	cpu_irql_lower(IRQL_PASSIVE);
	buffer = world_buffer(0, 0x1000);
	list_memory = nt_pool_alloc(LIST_BYTES(1), 0x74657374u, NULL, false);
	for (unsigned n = 0; n < array_size(irql_cases); n++)
		for (uint8_t irql = IRQL_PASSIVE; irql <= IRQL_DEVICE_MIN; irql++)
			check_irql(&irql_cases[n], irql);
	nt_pool_free(list_memory);
	world_buffer_free(&buffer);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_not_equal(listed.calls, 0);
}

static void each_member_checks_its_irql(void **state)
{
	every_engine(irqls);
}

/* ---- adapters that are none: 0xE6/18, 19 ---- */

static void bad_adapters(void)
{
	PDMA_ADAPTER bad[] = {NULL, adapter(), (PDMA_ADAPTER)&driver};
	PDMA_OPERATIONS o = ops();
	const NTSTATUS no = STATUS_UNSUCCESSFUL;

	dma_adapter_free(driver.adapter);
	for (unsigned n = 0; n < array_size(bad); n++) {
		uint64_t number = bad[n] ? 0xe6000018 : 0xe6000019;
		PDMA_ADAPTER a = bad[n];

		assert_int_equal(o->GetDmaAdapterInfo(a, NULL), no);
		assert_int_equal(o->GetDmaTransferInfo(a, NULL, 0, 1, TRUE, NULL), no);
		assert_int_equal(o->InitializeDmaTransferContext(a, context(0)), no);
		assert_int_equal(
			o->AllocateAdapterChannelEx(a, NULL, context(0), 1, 0, control, NULL, NULL),
			no);
		assert_int_equal(o->ConfigureAdapterChannel(a, 0, NULL), no);
		assert_int_equal(o->CancelAdapterChannel(a, NULL, context(0)), FALSE);
		assert_int_equal(
			o->MapTransferEx(a, NULL, NULL, 0, 0, NULL, TRUE, NULL, 0, NULL, NULL), no);
		assert_int_equal(o->GetScatterGatherListEx(a, NULL, context(0), NULL, 0, 1, 0, NULL,
					 NULL, TRUE, NULL, NULL, NULL),
			no);
		assert_int_equal(o->BuildScatterGatherListEx(a, NULL, context(0), NULL, 0, 1, 0,
					 NULL, NULL, TRUE, NULL, 0, NULL, NULL, NULL),
			no);
		assert_int_equal(o->FlushAdapterBuffersEx(a, NULL, NULL, 0, 1, TRUE), no);
		o->FreeAdapterObject(a, DeallocateObject);
		assert_int_equal(o->CancelMappedTransfer(a, context(0)), no);
		for (unsigned k = 0; k < array_size(irql_cases); k++)
			world_expect(number, irql_cases[k].name);
	}
	assert_int_equal(contexts[0], (char)0xa5);
}

/*
 * covers: DMA_OPERATIONS.AllocateAdapterChannelEx, DMA_OPERATIONS.BuildScatterGatherListEx,
 * DMA_OPERATIONS.CancelAdapterChannel, DMA_OPERATIONS.CancelMappedTransfer,
 * DMA_OPERATIONS.ConfigureAdapterChannel, DMA_OPERATIONS.FlushAdapterBuffersEx,
 * DMA_OPERATIONS.GetDmaAdapterInfo, DMA_OPERATIONS.GetDmaTransferInfo,
 * DMA_OPERATIONS.GetScatterGatherListEx, DMA_OPERATIONS.InitializeDmaTransferContext,
 * DMA_OPERATIONS.MapTransferEx
 */
static void a_released_or_foreign_adapter_is_reported_and_not_followed(void **state)
{
	every_engine(bad_adapters);
}

/* ---- GetDmaAdapterInfo ---- */

static void adapter_info(void)
{
	struct dma_adapter *scatters = driver.adapter;
	DMA_ADAPTER_INFO info = {.Version = 1};
	unsigned width = dma_settings.width ? dma_settings.width : 64;

	assert_int_equal(ops()->GetDmaAdapterInfo(adapter(), &info), STATUS_SUCCESS);
	assert_int_equal(info.Version, 1);
	assert_int_equal(info.V1.ReadDmaCounterAvailable, FALSE);
	assert_int_equal(info.V1.ScatterGatherLimit, LIMIT);
	assert_int_equal(info.V1.DmaAddressWidth, width);
	assert_int_equal(info.V1.Flags, ADAPTER_INFO_SYNCHRONOUS_CALLBACK);
	assert_int_equal(info.V1.MinimumTransferUnit, 1);
	driver.adapter = driver_adapter(false);
	assert_int_equal(ops()->GetDmaAdapterInfo(adapter(), &info), STATUS_SUCCESS);
	assert_int_equal(info.V1.ScatterGatherLimit, 1);
	dma_adapter_free(driver.adapter);
	driver.adapter = scatters;
	for (ULONG version = 0; version <= 3; version += version ? 1 : 2) {
		info = (DMA_ADAPTER_INFO){.Version = version, .V1.Flags = 77};
		assert_int_equal(ops()->GetDmaAdapterInfo(adapter(), &info), STATUS_NOT_SUPPORTED);
		assert_int_equal(info.V1.Flags, 77);
	}
	assert_int_equal(ops()->GetDmaAdapterInfo(adapter(), NULL), IP);
	world_expect(0, "GetDmaAdapterInfo: there is no place");
}

/* covers: DMA_OPERATIONS.GetDmaAdapterInfo */
static void adapter_info_tells_what_the_adapter_can(void **state)
{
	every_engine(adapter_info);
}

/* ---- GetDmaTransferInfo ---- */

static struct world_buffer parts[2]; /* 0x1800 bytes from 0x800 on, 0x2345 from 0x10 on */

static PMDL chain_new(void)
{
	parts[0] = world_buffer(0x800, 0x1800);
	parts[1] = world_buffer(0x10, 0x2345);
	parts[0].mdl->Next = parts[1].mdl;
	return parts[0].mdl;
}

static void chain_free(void)
{
	world_buffer_free(&parts[0]);
	world_buffer_free(&parts[1]);
}

/* MR-1, X-8: pages, summed over the MDLs. */
static void transfer_info(void)
{
	static const struct {
		uint64_t offset;
		uint32_t length;
		NTSTATUS status;
		uint32_t pages;
		uint64_t number;
	} cases[] = {
		{0, 0x3b45, STATUS_SUCCESS, 5, 0},
		{0, 1, STATUS_SUCCESS, 1, 0},
		{0x7ff, 2, STATUS_SUCCESS, 2, 0},
		{0x17ff, 2, STATUS_SUCCESS, 2, 0},
		{0x1800, 0x2345, STATUS_SUCCESS, 3, 0},
		{0x3b44, 1, STATUS_SUCCESS, 1, 0},
		{0x3b45, 1, IP, 0, 0xe600001b},
		{0x3b44, 2, BTS, 0, 0xe6000024},
		{0, 0, IP, 0, 0xe6000021},
	};
	PMDL mdl = chain_new();
	DMA_TRANSFER_INFO info;

	for (unsigned n = 0; n < array_size(cases); n++) {
		for (ULONG version = 1; version <= 2; version++) {
			memset(&info, 0x5a, sizeof(info));
			info.Version = version;
			assert_int_equal(ops()->GetDmaTransferInfo(adapter(), mdl, cases[n].offset,
						 cases[n].length, n & 1, &info),
				cases[n].status);
			if (cases[n].status) {
				world_expect(cases[n].number, "");
				assert_int_equal(info.V1.MapRegisterCount, 0x5a5a5a5a);
				continue;
			}
			assert_int_equal(info.V1.MapRegisterCount, cases[n].pages);
			assert_int_equal(info.V1.ScatterGatherElementCount, cases[n].pages);
			assert_int_equal(info.V1.ScatterGatherListSize, LIST_BYTES(cases[n].pages));
			assert_int_equal(info.V2.LogicalPageCount,
				version == 2 ? cases[n].pages : 0x5a5a5a5a);
		}
	}
	info.Version = 3;
	assert_int_equal(ops()->GetDmaTransferInfo(adapter(), mdl, 0, 1, FALSE, &info),
		STATUS_NOT_SUPPORTED);
	info.Version = 0;
	assert_int_equal(ops()->GetDmaTransferInfo(adapter(), mdl, 0, 1, FALSE, &info),
		STATUS_NOT_SUPPORTED);
	assert_int_equal(ops()->GetDmaTransferInfo(adapter(), mdl, 0, 1, FALSE, NULL), IP);
	world_expect(0, "there is no place for the answer");
	info.Version = 1;
	assert_int_equal(ops()->GetDmaTransferInfo(adapter(), NULL, 0, 1, FALSE, &info), IP);
	world_expect(0, "there is no MDL");
	chain_free();
	/* CH-6: also more than the adapter has. */
	buffer = world_buffer(1, 0x9000);
	assert_int_equal(ops()->GetDmaTransferInfo(adapter(), buffer.mdl, 0, 0x9000, FALSE, &info),
		STATUS_SUCCESS);
	assert_int_equal(info.V1.MapRegisterCount, 10);
	world_buffer_free(&buffer);
}

/* covers: DMA_OPERATIONS.GetDmaTransferInfo */
static void transfer_info_counts_registers_and_sizes_the_list(void **state)
{
	every_engine(transfer_info);
}

/* ---- InitializeDmaTransferContext ---- */

static void context_faults(void)
{
	void *base;

	assert_int_equal(ops()->InitializeDmaTransferContext(adapter(), NULL), IP);
	world_expect(0, "there is no transfer context");
	assert_int_equal(ops()->InitializeDmaTransferContext(adapter(), (PVOID)0x1000), IP);
	world_expect(0, "no 128 bytes of memory");
	assert_int_equal(ops()->InitializeDmaTransferContext(adapter(), contexts + 4096 - 64),
		mem_is_valid(contexts + 4096, 64) ? STATUS_SUCCESS : IP);
	world.taken = world.violations;
	/* Never made; a copy of one. */
	assert_int_equal(channel_ex(0, context(3), 1, SYNC, NULL), IP);
	world_expect(0, "AllocateAdapterChannelEx: the transfer context was not made by");
	memcpy(context(4), fresh(0), DMA_TRANSFER_CONTEXT_SIZE_V1);
	assert_int_equal(channel_ex(0, context(4), 1, SYNC, NULL), IP);
	world_expect(0, "or is a copy");
	assert_int_equal(channel_ex(0, NULL, 1, SYNC, NULL), IP);
	world_expect(0, "there is no transfer context");
	assert_int_equal(cancel(0, context(3)), FALSE);
	world_expect(0, "CancelAdapterChannel: the transfer context was not made by");
	assert_int_equal(ops()->CancelMappedTransfer(adapter(), context(3)), IP);
	world_expect(0, "CancelMappedTransfer: the transfer context was not made by");
	assert_int_equal(driver.calls, 0);
	/* Unique among what has not ended: to the very end of its registers. */
	driver.action = DeallocateObjectKeepRegisters;
	assert_int_equal(channel_ex(0, context(0), 1, SYNC, NULL), STATUS_SUCCESS);
	base = driver.base;
	assert_int_equal(channel_ex(1, context(0), 1, SYNC, NULL), IP);
	world_expect(0, "the transfer context is that of a request which has not ended");
	assert_int_equal(ops()->InitializeDmaTransferContext(adapter(), context(0)), IP);
	world_expect(0, "InitializeDmaTransferContext: the transfer context is that of a request");
	unkeep(base, 1);
	driver.action = DeallocateObject;
	/* The same one again, with and without being made anew. */
	assert_int_equal(channel_ex(0, context(0), 1, SYNC, NULL), STATUS_SUCCESS);
	assert_int_equal(channel_ex(0, fresh(0), 1, SYNC, NULL), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 3);
	/* Nothing to cancel is no break of a rule. */
	assert_false(cancel(0, context(0)));
	assert_false(cancel(0, fresh(5)));
}

/*
 * covers: DMA_OPERATIONS.AllocateAdapterChannelEx, DMA_OPERATIONS.CancelAdapterChannel,
 * DMA_OPERATIONS.CancelMappedTransfer, DMA_OPERATIONS.InitializeDmaTransferContext
 */
static void a_context_is_initialised_and_of_one_request_at_a_time(void **state)
{
	every_engine(context_faults);
}

/* ---- AllocateAdapterChannelEx ---- */

/* what each combination of flag, routine and place for the base gives. */
static void combinations(void)
{
	static const struct {
		ULONG flags;
		bool routine, base;
		const char *fault;
	} cases[] = {
		{0, true, false, NULL},
		{0, true, true, "only a synchronous caller is given the MapRegisterBase"},
		{0, false, false, "only a synchronous caller may do without a routine"},
		{0, false, true, "only a synchronous caller may do without a routine"},
		{SYNC, true, false, NULL},
		{SYNC, true, true, NULL},
		{SYNC, false, true, NULL},
		{SYNC, false, false, "neither a routine nor a place for the MapRegisterBase"},
		{2, true, false, "with flags 0x2"},
		{SYNC | 4, true, false, "with flags 0x5"},
	};

	for (unsigned n = 0; n < array_size(cases); n++) {
		PVOID base = NULL;
		NTSTATUS status;

		driver.calls = 0;
		status = ops()->AllocateAdapterChannelEx(adapter(), driver.device[0], fresh(0), 2,
			cases[n].flags, cases[n].routine ? control : NULL, NULL,
			cases[n].base ? &base : NULL);
		assert_int_equal(status, cases[n].fault ? IP : STATUS_SUCCESS);
		if (cases[n].fault) {
			world_expect(0, cases[n].fault);
			assert_int_equal(driver.calls, 0);
			assert_null(base);
			continue;
		}
		assert_int_equal(driver.calls, cases[n].routine);
		assert_int_equal(base != NULL, cases[n].base);
		if (!cases[n].routine) {
			expect_taken(2);
			ops()->FreeAdapterObject(adapter(), DeallocateObject);
		}
		expect_taken(0);
	}
}

static void x33_flag_routine_and_base_fit_together(void **state)
{
	every_engine(combinations);
}

/* With the flag the routine runs on the caller's thread before the return, else by the policy. */
static void timing(void)
{
	driver.device[0]->CurrentIrp = (PIRP)0x6789;
	assert_int_equal(channel_ex(0, fresh(0), 2, SYNC, NULL), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 1);
	assert_ptr_equal(driver.irp, (PIRP)0x6789);
	assert_int_equal(channel_ex(0, fresh(0), 2, 0, NULL), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 1);
	/* It is the adapter's, so a synchronous caller fails. */
	assert_int_equal(channel_ex(1, fresh(1), 2, SYNC, NULL), ISR);
	let_go();
	assert_int_equal(driver.calls, 2);
	/* Before it is called it can be taken back. */
	assert_int_equal(channel_ex(0, fresh(0), 2, 0, NULL), STATUS_SUCCESS);
	assert_true(cancel(0, context(0)));
	let_go();
	assert_int_equal(driver.calls, 2);
	expect_taken(0);
}

static void asynchronous_routines_follow_the_callback_policy(void **state)
{
	context_body = timing;
	for (unsigned n = 0; n < array_size(engines); n++) {
		struct world_config config = engines[n];

		config.dma.callback = DMA_CALLBACK_QUEUED;
		run_under(&config, with_contexts);
	}
}

/* Several contexts of one device object may be outstanding; each can be cancelled by its own. */
static void several(void)
{
	driver.action = KeepObject;
	assert_int_equal(channel_ex(0, fresh(0), 2, 0, NULL), STATUS_SUCCESS);
	for (unsigned n = 1; n < 4; n++)
		assert_int_equal(channel_ex(0, fresh(n), 2, 0, NULL), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 1);
	assert_int_equal(channel_ex(0, context(2), 2, 0, NULL), IP);
	world_expect(0, "that of a request which has not ended");
	assert_false(cancel(0, context(0)));
	assert_false(cancel(1, context(2)));
	assert_true(cancel(0, context(2)));
	assert_false(cancel(0, context(2)));
	driver.action = DeallocateObject;
	ops()->FreeAdapterObject(adapter(), DeallocateObject);
	let_go();
	assert_int_equal(driver.calls, 3);
	expect_taken(0);
}

static void waiting_requests_are_cancelled_by_their_context(void **state)
{
	every_engine(several);
}

/* ---- FreeAdapterObject ---- */

static void three_actions(void)
{
	PVOID base = NULL;

	assert_int_equal(ops()->AllocateAdapterChannelEx(
				 adapter(), NULL, fresh(0), 2, SYNC, NULL, NULL, &base),
		STATUS_SUCCESS);
	ops()->FreeAdapterObject(adapter(), KeepObject);
	expect_taken(2);
	ops()->FreeAdapterObject(adapter(), DeallocateObjectKeepRegisters);
	expect_taken(2);
	ops()->FreeMapRegisters(adapter(), base, 2);
	expect_taken(0);
	ops()->FreeAdapterObject(adapter(), KeepObject);
	ops()->FreeAdapterObject(adapter(), DeallocateObject);
	world_expect(0xe6000004, "FreeAdapterObject: no channel is held");
	ops()->FreeAdapterObject(adapter(), (IO_ALLOCATION_ACTION)9);
	world_expect(0, "the action is no IO_ALLOCATION_ACTION");
}

/* covers: DMA_OPERATIONS.FreeAdapterObject */
static void free_adapter_object_does_what_its_action_says(void **state)
{
	every_engine(three_actions);
}

/* ---- MapTransferEx, FlushAdapterBuffersEx ---- */

static void map_and_flush(void)
{
	PSCATTER_GATHER_LIST list = nt_pool_alloc(LIST_BYTES(5), 0x74657374u, NULL, false);
	PMDL mdl = chain_new();
	ULONG length = 0x3b45, at = 0;
	PVOID base = NULL;

	fill_bytes(parts[0].va, 0x1800);
	for (uint32_t n = 0; n < 0x2345; n++)
		parts[1].va[n] = byte_of(0x1800 + n);
	assert_int_equal(ops()->AllocateAdapterChannelEx(
				 adapter(), NULL, fresh(0), 5, SYNC, NULL, NULL, &base),
		STATUS_SUCCESS);
	assert_int_equal(ops()->MapTransferEx(adapter(), mdl, base, 0, 0, NULL, TRUE, list,
				 LIST_BYTES(5), NULL, NULL),
		IP);
	world_expect(0, "MapTransferEx: there is no length");
	assert_int_equal(ops()->MapTransferEx(adapter(), mdl, base, 0, 0, &length, TRUE, NULL,
				 LIST_BYTES(5), NULL, NULL),
		IP);
	world_expect(0, "there is no place for a list");
	assert_int_equal(ops()->MapTransferEx(adapter(), mdl, base, 0, 4, &length, TRUE, list,
				 LIST_BYTES(5), NULL, NULL),
		IP);
	world_expect(0, "neither a device offset nor a completion routine");
	assert_int_equal(ops()->MapTransferEx(adapter(), mdl, base, 0, 0, &length, TRUE, list,
				 LIST_BYTES(5), (PDMA_COMPLETION_ROUTINE)(void *)control, NULL),
		IP);
	world_expect(0, "neither a device offset nor a completion routine");
	assert_int_equal(ops()->MapTransferEx(adapter(), mdl, base, 0, 0, &length, TRUE, list,
				 LIST_BYTES(5), NULL, NULL),
		STATUS_SUCCESS);
	assert_int_equal(length, 0x3b45);
	for (ULONG n = 0; n < list->NumberOfElements; n++) {
		device_moves((uint64_t)list->Elements[n].Address.QuadPart, list->Elements[n].Length,
			at, true);
		at += list->Elements[n].Length;
	}
	assert_int_equal(at, 0x3b45);
	assert_int_equal(ops()->FlushAdapterBuffersEx(adapter(), mdl, base, 1, 0x3b45, TRUE), IP);
	world_expect(0xe6000016, "FlushAdapterBuffersEx");
	assert_int_equal(ops()->FlushAdapterBuffersEx(adapter(), mdl, base, 0, 0x3b45, TRUE),
		STATUS_SUCCESS);
	ops()->FreeAdapterObject(adapter(), DeallocateObject);
	nt_pool_free(list);
	chain_free();
}

/* covers: DMA_OPERATIONS.FlushAdapterBuffersEx, DMA_OPERATIONS.MapTransferEx */
static void a_chain_is_mapped_and_flushed_at_once(void **state)
{
	every_engine(map_and_flush);
}

/* ---- GetScatterGatherListEx, BuildScatterGatherListEx ---- */

static void list_combinations(void)
{
	static const struct {
		ULONG flags;
		bool routine, out;
		const char *fault;
	} cases[] = {
		{0, true, false, NULL},
		{0, true, true, NULL},
		{0, false, true, "only a synchronous caller may do without a routine"},
		{SYNC, true, false, NULL},
		{SYNC, true, true, NULL},
		{SYNC, false, true, NULL},
		{SYNC, false, false, "neither a routine nor a place for the list"},
		{8, true, true, "with flags 0x8"},
	};
	PSCATTER_GATHER_LIST memory = nt_pool_alloc(LIST_BYTES(3), 0x74657374u, NULL, false);

	buffer = world_buffer(0x10, 0x2000);
	for (unsigned n = 0; n < array_size(cases) * 2; n++) {
		bool builds = n % 2;
		PDRIVER_LIST_CONTROL routine = cases[n / 2].routine ? list_control : NULL;
		PSCATTER_GATHER_LIST out = NULL, *place = cases[n / 2].out ? &out : NULL;
		ULONG flags = cases[n / 2].flags;
		NTSTATUS status;

		memset(&listed, 0, sizeof(listed));
		status = builds ? build_ex(fresh(0), buffer.mdl, 0, 0x2000, flags, routine, memory,
					  LIST_BYTES(3), place)
				: get_ex(fresh(0), buffer.mdl, 0, 0x2000, flags, routine, place);
		assert_int_equal(status, cases[n / 2].fault ? IP : STATUS_SUCCESS);
		if (cases[n / 2].fault) {
			world_expect(0, cases[n / 2].fault);
			assert_int_equal(listed.calls, 0);
			assert_null(out);
			continue;
		}
		assert_int_equal(listed.calls, routine != NULL);
		assert_int_equal(out != NULL, place && (flags & SYNC));
		if (out && routine)
			assert_ptr_equal(out, listed.list);
		if (!out)
			out = listed.list;
		assert_int_equal(out == memory, builds);
		/* The context is the list's until it is put. */
		assert_int_equal(
			get_ex(context(0), buffer.mdl, 0, 0x2000, SYNC, list_control, NULL), IP);
		world_expect(0, "that of a request which has not ended");
		/* who had no routine has the adapter. */
		if (!routine) {
			assert_int_equal(channel_ex(1, fresh(1), 1, SYNC, NULL), ISR);
			ops()->FreeAdapterObject(adapter(), DeallocateObject);
			assert_int_not_equal(out->NumberOfElements, 0);
			expect_taken(3);
		} else {
			ops()->FreeAdapterObject(adapter(), DeallocateObject);
			world_expect(0xe6000004, "no channel is held");
		}
		put(out);
		expect_taken(0);
	}
	nt_pool_free(memory);
	world_buffer_free(&buffer);
}

/* covers: DMA_OPERATIONS.GetScatterGatherListEx */
static void list_flag_routine_and_place_fit_together(void **state)
{
	every_engine(list_combinations);
}

/* The offset goes through the chain, and the device reads just those bytes. */
static void list_offsets(void)
{
	static const uint32_t offsets[] = {0, 1, 0x7ff, 0x800, 0x17ff, 0x1800, 0x1801, 0x3b44};
	PMDL mdl = chain_new(), target = NULL;
	PSCATTER_GATHER_LIST list = NULL;

	fill_bytes(parts[0].va, 0x1800);
	for (uint32_t n = 0; n < 0x2345; n++)
		parts[1].va[n] = byte_of(0x1800 + n);
	for (unsigned n = 0; n < array_size(offsets); n++) {
		uint32_t at = offsets[n];

		assert_int_equal(
			get_ex(fresh(0), mdl, at, 0x3b45 - at, SYNC, NULL, &list), STATUS_SUCCESS);
		for (ULONG k = 0; k < list->NumberOfElements; k++) {
			device_moves((uint64_t)list->Elements[k].Address.QuadPart,
				list->Elements[k].Length, at, true);
			at += list->Elements[k].Length;
		}
		assert_int_equal(at, 0x3b45);
		/* The MDL that the driver named, wherever the list starts. */
		assert_int_equal(
			ops()->BuildMdlFromScatterGatherList(adapter(), list, mdl, &target),
			STATUS_SUCCESS);
		if (dma_settings.engine != DMA_BOUNCE)
			assert_ptr_equal(target, mdl);
		ops()->FreeAdapterObject(adapter(), DeallocateObjectKeepRegisters);
		put(list);
	}
	assert_int_equal(get_ex(fresh(0), mdl, 0x3b45, 1, SYNC, NULL, &list), IP);
	world_expect(0xe600001b, "GetScatterGatherListEx: the offset 0x3b45 lies behind");
	assert_int_equal(get_ex(fresh(0), mdl, 0x3b44, 2, SYNC, NULL, &list), IP);
	world_expect(0xe6000024, "GetScatterGatherListEx: the MDL chain ends 1 bytes before");
	assert_int_equal(get_ex(fresh(0), NULL, 0, 2, SYNC, NULL, &list), IP);
	world_expect(0, "there is no MDL");
	assert_int_equal(get_ex(fresh(0), mdl, 0, 0, SYNC, NULL, &list), IP);
	world_expect(0xe6000021, "");
	/* Failures hold nothing. */
	assert_int_equal(channel_ex(1, fresh(1), LIMIT, SYNC, NULL), STATUS_SUCCESS);
	chain_free();
}

static void lists_start_at_any_offset_of_the_chain(void **state)
{
	every_engine(list_offsets);
}

static void list_failures(void)
{
	PSCATTER_GATHER_LIST list = NULL;
	PSCATTER_GATHER_LIST memory = nt_pool_alloc(LIST_BYTES(12), 0x74657374u, NULL, false);

	buffer = world_buffer(0, 0x9000);
	memset(&listed, 0, sizeof(listed));
	/* More than the limit: at once, with a routine and without. */
	assert_int_equal(get_ex(fresh(0), buffer.mdl, 0, 0x9000, 0, list_control, NULL), ISR);
	assert_int_equal(get_ex(fresh(0), buffer.mdl, 0, 0x9000, SYNC, NULL, &list), ISR);
	assert_int_equal(build_ex(fresh(0), buffer.mdl, 0, 0x9000, SYNC, list_control, memory,
				 LIST_BYTES(12), NULL),
		ISR);
	/* The list's memory. */
	assert_int_equal(build_ex(fresh(0), buffer.mdl, 0, 0x8000, SYNC, list_control, memory,
				 LIST_BYTES(8) - 1, NULL),
		BTS);
	assert_int_equal(build_ex(fresh(0), buffer.mdl, 0, 0x8000, SYNC, list_control, NULL,
				 LIST_BYTES(8), NULL),
		IP);
	world_expect(0, "BuildScatterGatherListEx: there is no place for the list");
	assert_int_equal(ops()->GetScatterGatherListEx(adapter(), NULL, fresh(0), buffer.mdl, 0, 1,
				 SYNC, list_control, NULL, TRUE,
				 (PDMA_COMPLETION_ROUTINE)(void *)control, NULL, NULL),
		IP);
	world_expect(0, "a bus master has no completion routine");
	assert_int_equal(get_ex(context(9), buffer.mdl, 0, 1, SYNC, list_control, NULL), IP);
	world_expect(0, "the transfer context was not made by");
	assert_int_equal(listed.calls, 0);
	assert_null(list);
	/* Nothing is held after a failure: all can be had. */
	assert_int_equal(channel_ex(1, fresh(1), LIMIT, SYNC, NULL), STATUS_SUCCESS);
	/* The adapter is another's. */
	driver.action = KeepObject;
	assert_int_equal(ask(0, 0, 0), STATUS_SUCCESS);
	assert_int_equal(get_ex(fresh(0), buffer.mdl, 0, 1, SYNC, NULL, &list), ISR);
	assert_null(list);
	ops()->FreeAdapterChannel(adapter());
	nt_pool_free(memory);
	world_buffer_free(&buffer);
}

/* covers: DMA_OPERATIONS.BuildScatterGatherListEx, DMA_OPERATIONS.GetScatterGatherListEx */
static void list_failures_are_as_documented_and_hold_nothing(void **state)
{
	every_engine(list_failures);
}

/* MR-2: synchronous callers fail in a shortage, others wait and can be cancelled meanwhile. */
static void list_shortage(void)
{
	PSCATTER_GATHER_LIST list = NULL;
	PSCATTER_GATHER_LIST memory = nt_pool_alloc(LIST_BYTES(4), 0x74657374u, NULL, false);
	void *base = keep(6);

	buffer = world_buffer(0, 0x4000);
	memset(&listed, 0, sizeof(listed));
	listed.puts = true;
	assert_int_equal(get_ex(fresh(0), buffer.mdl, 0, 0x4000, SYNC, NULL, &list), ISR);
	assert_int_equal(get_ex(fresh(0), buffer.mdl, 0, 0x4000, SYNC, list_control, NULL), ISR);
	assert_null(list);
	/* Waiting ones, in order. */
	assert_int_equal(
		get_ex(fresh(0), buffer.mdl, 0, 0x4000, 0, list_control, NULL), STATUS_SUCCESS);
	assert_int_equal(build_ex(fresh(1), buffer.mdl, 0, 0x4000, 0, list_control, memory,
				 LIST_BYTES(4), NULL),
		STATUS_SUCCESS);
	assert_int_equal(
		get_ex(fresh(2), buffer.mdl, 0, 0x4000, 0, list_control, NULL), STATUS_SUCCESS);
	assert_int_equal(ops()->InitializeDmaTransferContext(adapter(), context(1)), IP);
	world_expect(0, "that of a request which has not ended");
	let_go();
	assert_int_equal(listed.calls, 0);
	assert_true(cancel(0, context(0)));
	assert_false(cancel(0, context(0)));
	assert_true(cancel(0, context(1)));
	fresh(0);
	fresh(1);
	/* The memory of Build's list is the driver's again. */
	assert_int_equal(build_ex(context(1), buffer.mdl, 0, 0x1000, SYNC, list_control, memory,
				 LIST_BYTES(4), NULL),
		ISR);
	unkeep(base, 6);
	let_go();
	assert_int_equal(listed.calls, 1);
	/* Called: too late. */
	assert_false(cancel(0, context(2)));
	assert_int_equal(build_ex(context(1), buffer.mdl, 0, 0x1000, SYNC, list_control, memory,
				 LIST_BYTES(4), NULL),
		STATUS_SUCCESS);
	assert_int_equal(listed.calls, 2);
	nt_pool_free(memory);
	world_buffer_free(&buffer);
	expect_taken(0);
}

static void lists_that_wait_for_registers_can_be_cancelled(void **state)
{
	every_pool(list_shortage);
}

/* A list whose routine is queued and has not run. */
static void list_queued(void)
{
	uint64_t built = dma_adapter_counts(driver.adapter).built;
	struct dma_counts counts;

	buffer = world_buffer(0, 0x4000);
	memset(&listed, 0, sizeof(listed));
	assert_int_equal(
		get_ex(fresh(0), buffer.mdl, 0, 0x4000, 0, list_control, NULL), STATUS_SUCCESS);
	expect_taken(4);
	assert_false(cancel(1, context(0)));
	expect_taken(4);
	assert_true(cancel(0, context(0)));
	expect_taken(0);
	let_go();
	assert_int_equal(listed.calls, 0);
	/* Synchronous ones do not wait for any policy. */
	assert_int_equal(
		get_ex(fresh(0), buffer.mdl, 0, 0x4000, SYNC, list_control, NULL), STATUS_SUCCESS);
	assert_int_equal(listed.calls, 1);
	assert_false(cancel(0, context(0)));
	put(listed.list);
	counts = dma_adapter_counts(driver.adapter);
	assert_int_equal(counts.built, built + 2);
	assert_int_equal(counts.put, counts.built);
	world_buffer_free(&buffer);
}

/*
 * covers: DMA_OPERATIONS.CancelAdapterChannel, DMA_OPERATIONS.GetScatterGatherListEx,
 * DMA_OPERATIONS.PutScatterGatherList
 */
static void a_list_can_be_cancelled_until_its_routine_runs(void **state)
{
	static const enum dma_callback policies[] = {
		DMA_CALLBACK_QUEUED, DMA_CALLBACK_AFTER_RETURN};

	context_body = list_queued;
	for (unsigned n = 0; n < array_size(engines) * array_size(policies); n++) {
		struct world_config config = engines[n / array_size(policies)];

		config.dma.callback = policies[n % array_size(policies)];
		run_under(&config, with_contexts);
	}
}

/* ---- for the system DMA controller only ---- */

static void system_dma(void)
{
	assert_int_equal(
		ops()->ConfigureAdapterChannel(adapter(), 0, NULL), STATUS_NOT_IMPLEMENTED);
	assert_int_equal(
		ops()->ConfigureAdapterChannel(adapter(), 1, &driver), STATUS_NOT_IMPLEMENTED);
	assert_int_equal(ops()->CancelMappedTransfer(adapter(), fresh(0)), STATUS_NOT_SUPPORTED);
}

/* covers: DMA_OPERATIONS.CancelMappedTransfer, DMA_OPERATIONS.ConfigureAdapterChannel */
static void what_is_for_the_system_dma_controller_fails(void **state)
{
	every_engine(system_dma);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_member_checks_its_irql),
		cmocka_unit_test(a_released_or_foreign_adapter_is_reported_and_not_followed),
		cmocka_unit_test(adapter_info_tells_what_the_adapter_can),
		cmocka_unit_test(transfer_info_counts_registers_and_sizes_the_list),
		cmocka_unit_test(a_context_is_initialised_and_of_one_request_at_a_time),
		cmocka_unit_test(x33_flag_routine_and_base_fit_together),
		cmocka_unit_test(asynchronous_routines_follow_the_callback_policy),
		cmocka_unit_test(waiting_requests_are_cancelled_by_their_context),
		cmocka_unit_test(free_adapter_object_does_what_its_action_says),
		cmocka_unit_test(a_chain_is_mapped_and_flushed_at_once),
		cmocka_unit_test(list_flag_routine_and_place_fit_together),
		cmocka_unit_test(lists_start_at_any_offset_of_the_chain),
		cmocka_unit_test(list_failures_are_as_documented_and_hold_nothing),
		cmocka_unit_test(lists_that_wait_for_registers_can_be_cancelled),
		cmocka_unit_test(a_list_can_be_cancelled_until_its_routine_runs),
		cmocka_unit_test(what_is_for_the_system_dma_controller_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
