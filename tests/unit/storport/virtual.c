/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Virtual miniports: known by either structure, given their own arguments, called without locks and
 * without BuildIo, their requests without lists. The facts are those of Microsoft's pages named in
 * src/storport/virtual.c and of storport.md 4.1, 4.2, 4.4.
 */
#include "world.h"
#include "trace/trace.h"

/* In the order in which things were called. */
static struct {
	char calls[256];
	bool older;	  /* VIRTUAL_HW_INITIALIZATION_DATA */
	bool is_physical; /* VirtualDevice is left as it was */
	bool sets_fields; /* else MaximumTransferLength and the like stay the port's */
	bool asks_channels;
	uint32_t depth, breaks, transfer;
	void (*edit)(HW_INITIALIZATION_DATA *data);
	PVOID context, bus, lower;
	KIRQL free_irql, complete_irql, initialize_irql, stop_irql;
	bool lock_held;
} seen;

static void called(const char *name)
{
	strncat(seen.calls, name, sizeof(seen.calls) - strlen(seen.calls) - 2);
	strcat(seen.calls, " ");
}

/* ---- the miniport ---- */

static ULONG NTAPI virtual_find(PVOID ext, PVOID context, PVOID bus, PVOID lower, PCHAR arguments,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	called("find");
	world.ext = ext;
	seen.context = context;
	seen.bus = bus;
	seen.lower = lower;
	seen.depth = config->InitialLunQueueDepth;
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
	expect_is(arguments[0], 0);
	expect_is(config->NumberOfAccessRanges, 0);
	expect_is(config->AccessRanges, NULL);
	expect(again != NULL);
	if (miniport.offer)
		miniport.offer(config);
	config->VirtualDevice = !seen.is_physical;
	if (seen.sets_fields) {
		config->MaximumTransferLength = seen.transfer;
		config->NumberOfPhysicalBreaks = seen.breaks;
	}
	return miniport.find_result;
}

static VOID NTAPI free_resources(PVOID ext)
{
	called("free");
	expect_is(ext, world.ext);
	seen.free_irql = KeGetCurrentIrql();
}

static VOID NTAPI process_service(PVOID ext, PVOID irp)
{
	called("process");
}

static VOID NTAPI complete_service(PVOID ext)
{
	called("complete");
	seen.complete_irql = KeGetCurrentIrql();
}

static VOID NTAPI tracing_on(PVOID object, PVOID registry)
{
	called(object && registry ? "tracing" : "tracing?");
}

static VOID NTAPI tracing_off(PVOID object)
{
	called(object ? "untraced" : "untraced?");
}

static SCSI_ADAPTER_CONTROL_STATUS NTAPI control(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;

	if (type == ScsiQuerySupportedControlTypes) {
		list->SupportedTypeList[ScsiStopAdapter] = TRUE;
		return ScsiAdapterControlSuccess;
	}
	called(type == ScsiStopAdapter ? "stop" : "control?");
	seen.stop_irql = KeGetCurrentIrql();
	seen.lock_held = seen.lock_held || cpu_spin_is_held(&world.adapter->interrupt_lock.lock);
	return ScsiAdapterControlSuccess;
}

/* Before world.adapter is there. */
static void initialize(void)
{
	const struct stor_adapter *adapter = stor_adapter_of(world.ext, "the test");

	called("initialize");
	seen.initialize_irql = KeGetCurrentIrql();
	seen.lock_held = cpu_spin_is_held(&adapter->interrupt_lock.lock);
	if (seen.asks_channels) {
		PERF_CONFIGURATION_DATA perf = {.Version = STOR_PERF_VERSION, .Size = sizeof(perf)};

		expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &perf), STOR_STATUS_SUCCESS);
	}
}

static BOOLEAN NTAPI never_build(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	called("build");
	return TRUE;
}

static void data(HW_INITIALIZATION_DATA *data)
{
	data->AdapterInterfaceType = Internal;
	data->HwFindAdapter = (PVOID)virtual_find;
	data->HwInterrupt = NULL;
	data->HwBuildIo = never_build;
	data->HwAdapterControl = control;
	data->HwFreeAdapterResources = free_resources;
	data->HwCompleteServiceIrp = complete_service;
	data->HwProcessServiceRequest = process_service;
	data->HwInitializeTracing = tracing_on;
	data->HwCleanupTracing = tracing_off;
	data->NeedPhysicalAddresses = FALSE; /* "not used" */
	data->NumberOfAccessRanges = 0;
	if (seen.older) {
		/* What lies behind the older structure is not the driver's to speak of. */
		data->HwInitializationDataSize = sizeof(VIRTUAL_HW_INITIALIZATION_DATA);
		memset((char *)data + sizeof(VIRTUAL_HW_INITIALIZATION_DATA), 0xee,
			sizeof(*data) - sizeof(VIRTUAL_HW_INITIALIZATION_DATA));
	} else {
		data->FeatureSupport = STOR_FEATURE_VIRTUAL_MINIPORT;
	}
	if (seen.edit)
		seen.edit(data);
}

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&seen, 0, sizeof(seen));
	seen.sets_fields = true;
	seen.transfer = 65536;
	seen.breaks = 17;
	miniport.data = data;
	miniport.initialize = initialize;
	return 0;
}

#define virtual_test(name) cmocka_unit_test_setup(name, setup)

/* ---- the way up and down ---- */

static void look_at_adapter(void)
{
	PVOID functional, physical, lower;

	expect_is(world.driver->adapter_count, 1);
	expect_is(world.adapter->hba.function, NULL); /* though there is a device on the bus */
	expect_is(world.adapter->hba.port.dma, NULL);
	expect_is(world.adapter->vectors_connected, 0);
	expect_is(StorPortGetDeviceObjects(world.ext, &functional, &physical, &lower),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortGetDeviceObjects(NULL, &functional, &physical, &lower),
		STOR_STATUS_INVALID_PARAMETER);
	/* HwContext: PDO, BusInformation: FDO, LowerDevice: what the FDO stands on */
	expect(physical && functional && physical != functional);
	expect_is(seen.context, physical);
	expect_is(seen.bus, functional);
	expect_is(seen.lower, lower);
	expect_is(seen.depth, 250); /* */
}

/* covers: StorPortGetDeviceObjects, StorPortInitialize */
static void either_structure_makes_one_adapter_without_hardware(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		setup(NULL);
		seen.older = n;
		world_good(look_at_adapter);
		assert_string_equal(
			seen.calls, "tracing find initialize stop complete free untraced ");
		assert_int_equal(seen.free_irql, PASSIVE_LEVEL);
		assert_int_equal(seen.complete_irql, PASSIVE_LEVEL);
		assert_int_equal(seen.initialize_irql, PASSIVE_LEVEL);
		assert_int_equal(seen.stop_irql, PASSIVE_LEVEL);
		assert_false(seen.lock_held); /* 4.2: none */
	}
}

static void look_at_kind(void)
{
	/* The older structure has no SrbTypeFlags: SCSI_REQUEST_BLOCK it is. */
	expect_is(world.adapter->hba.port.limits.extended_srb, !seen.older);
}

static void the_older_structure_ends_before_srb_types(void **state)
{
	world_good(look_at_kind);
	setup(NULL);
	seen.older = true;
	world_good(look_at_kind);
}

static void fails_with(const char *words, const char *calls)
{
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_true(world.start_result < 0);
	if (!strstr(world.start_error, words) && !strstr(world.violation, words))
		fail_msg("neither \"%s\" nor \"%s\" says \"%s\"", world.start_error,
			world.violation, words);
	assert_string_equal(seen.calls, calls);
}

/* StorPortVirtualDevice2; what FindAdapter allocated is given back. */
static void virtual_device_must_be_set(void **state)
{
	seen.is_physical = true;
	fails_with("StorPortVirtualDevice2", "tracing find complete free untraced ");
}

static void an_adapter_that_was_not_found_has_nothing_to_free(void **state)
{
	miniport.find_result = SP_RETURN_ERROR;
	fails_with("its virtual adapter with SP_RETURN_ERROR", "tracing find untraced ");
}

static void a_failed_initialize_frees_too(void **state)
{
	miniport.initialize_result = FALSE;
	fails_with("HwStorInitialize", "tracing find initialize complete free untraced ");
}

static void no_free(HW_INITIALIZATION_DATA *data)
{
	data->HwFreeAdapterResources = NULL;
}

static void no_control(HW_INITIALIZATION_DATA *data)
{
	data->HwAdapterControl = NULL;
}

/* covers: StorPortInitialize */
static void required_routines_are_asked_for(void **state)
{
	seen.edit = no_free;
	fails_with("HwFreeAdapterResources is NULL", "");
	setup(NULL);
	seen.edit = no_control;
	fails_with("HwAdapterControl is NULL", "");
}

static void no_tagged_queuing(HW_INITIALIZATION_DATA *data)
{
	data->TaggedQueuing = FALSE;
}

static void no_complete(HW_INITIALIZATION_DATA *data)
{
	data->HwCompleteServiceIrp = NULL;
}

static void no_cleanup(HW_INITIALIZATION_DATA *data)
{
	data->HwCleanupTracing = NULL;
}

static void runs_with(void (*edit)(HW_INITIALIZATION_DATA *), const char *words)
{
	setup(NULL);
	seen.edit = edit;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 1);
	assert_non_null(strstr(world.violation, words));
}

static void what_public_drivers_leave_out_is_told_and_they_run(void **state)
{
	runs_with(no_tagged_queuing, "TaggedQueuing");
	runs_with(no_complete, "HwCompleteServiceIrp");
	runs_with(no_cleanup, "HwCleanupTracing");
}

/* No lists, so breaks bear on nothing but what a class driver makes of them. */
static struct {
	uint32_t transfer, breaks, limit;
	bool sets;
} const limit_rows[] = {
	{1 << 20, 257, 1 << 20, true},
	{SP_UNINITIALIZED_VALUE, SP_UNINITIALIZED_VALUE, PORT_MAX_TRANSFER, true},
	{0, 0, 65536, false}, /* 0x11 breaks are offered */
};

static unsigned limit_row;

static void look_at_limit(void)
{
	expect_is(world.adapter->hba.port.limits.max_transfer, limit_rows[limit_row].limit);
	expect_is(world.adapter->hba.port.limits.initial_depth, 250);
	expect_is(world.adapter->hba.port.lists.base, NULL);
}

static void fields_that_are_not_set_are_no_offence(void **state)
{
	for (limit_row = 0; limit_row < array_size(limit_rows); limit_row++) {
		setup(NULL);
		seen.sets_fields = limit_rows[limit_row].sets;
		seen.transfer = limit_rows[limit_row].transfer;
		seen.breaks = limit_rows[limit_row].breaks;
		world_good(look_at_limit);
	}
}

/* ---- requests ---- */

static struct {
	_Atomic int inside, most;
	unsigned starts;
	bool startio_held;
	PVOID address, list, buffer;
} io;

static BOOLEAN start_io(PSCSI_REQUEST_BLOCK srb)
{
	STOR_LOCK_HANDLE lock;
	ULONG status = StorPortGetSystemAddress(world.ext, srb, &io.address);

	io.starts++;
	expect(KeGetCurrentIrql() <= DISPATCH_LEVEL);
	io.startio_held = cpu_spin_is_held(&world.adapter->startio_lock.lock);
	/* 4.2: what a virtual StartIo may take */
	StorPortAcquireSpinLock(world.ext, StartIoLock, NULL, &lock);
	StorPortReleaseSpinLock(world.ext, &lock);
	expect_is(status, SrbGetDataTransferLength(srb) ? STOR_STATUS_SUCCESS
							: STOR_STATUS_INVALID_PARAMETER);
	io.list = StorPortGetScatterGatherList(world.ext, srb);
	io.buffer = SrbGetDataBuffer(srb);
	if (status == STOR_STATUS_SUCCESS)
		memset(io.address, 0x5a, SrbGetDataTransferLength(srb));
	world_give_back(srb, SRB_STATUS_SUCCESS);
	return TRUE;
}

static void a_read(void)
{
	struct world_request r;

	memset(&io, 0, sizeof(io));
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 10000);
	world_wait(r.done);
	expect_is(r.srb_status, SRB_STATUS_SUCCESS);
	expect_is(r.transferred, 10000);
	expect_is(io.starts, 1);
	expect(!io.startio_held);
	expect_is(io.address, r.data);
	expect_is(io.list, NULL);   /* SG-34: there is none */
	expect_is(io.buffer, NULL); /* SB-4 */
	for (unsigned n = 0; n < 10000; n++)
		expect_is(r.data[n], 0x5a);
	world_end(&r);
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	world_end(&r);
	expect_is(io.starts, 2);
	expect(!strstr(seen.calls, "build"));
}

/* covers: StorPortGetScatterGatherList, StorPortGetSystemAddress */
static void a_request_comes_without_build_io_lock_or_list(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		setup(NULL);
		seen.older = n;
		miniport.start_io = start_io;
		world_good(a_read);
	}
}

static BOOLEAN crowded(PSCSI_REQUEST_BLOCK srb)
{
	int inside = atomic_fetch_add(&io.inside, 1) + 1;
	uint64_t end = cpu_clock() + 10000000000ull;

	if (inside > io.most)
		io.most = inside;
	while (io.most < 2 && cpu_clock() < end)
		cpu_relax();
	atomic_fetch_sub(&io.inside, 1);
	world_give_back(srb, SRB_STATUS_SUCCESS);
	return TRUE;
}

static void submit_some(void *ctx)
{
	for (unsigned n = 0; n < 3; n++) {
		struct world_request r;

		world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
		world_end(&r);
	}
}

static void submit_on_both(void)
{
	struct cpu_thread *other;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	other = cpu_thread_new(submit_some, NULL, 1, "other");
	submit_some(NULL);
	cpu_thread_join(other);
	cpu_thread_free(other);
}

/* "No locks are held", also after performance options were set without channels. */
static void start_io_runs_on_both_processors_at_once(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		setup(NULL);
		memset(&io, 0, sizeof(io));
		miniport.cpus = 2;
		miniport.start_io = crowded;
		seen.asks_channels = n;
		world_good(submit_on_both);
		assert_int_equal(io.most, 2);
	}
}

/* ---- what a virtual adapter does not have ---- */

static void no_uncached(PPORT_CONFIGURATION_INFORMATION config)
{
	expect_is(StorPortGetUncachedExtension(world.ext, config, 100), NULL);
	expect_violation(0xf1002002, "StorPortGetUncachedExtension");
}

static VOID NTAPI no_list(PVOID device, PVOID irp, PVOID list, PVOID context)
{
	expect(!"a list was built");
}

static void ask_for_hardware(void)
{
	STOR_PHYSICAL_ADDRESS address = {.QuadPart = (LONGLONG)world.adapter->hba.extension_bytes};
	char buffer[64], list[256];
	ULONG length = 64;
	KIRQL old;
	PVOID mdl;

	expect_is(StorPortGetBusData(world.ext, PCIConfiguration, 0, 0, buffer, 64), 0);
	expect_is(StorPortSetBusDataByOffset(world.ext, PCIConfiguration, 0, 0, buffer, 0, 4), 0);
	expect_is(StorPortGetDeviceBase(world.ext, PCIBus, 0, address, 16, FALSE), NULL);
	expect_violation(0xf1002003, "StorPortGetDeviceBase");
	/* */
	expect_is(StorPortAllocateMdl(world.ext, world.ext, length, &mdl), STOR_STATUS_SUCCESS);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect_is(StorPortBuildScatterGatherList(world.ext, mdl, world.ext, length, (PVOID)no_list,
			  NULL, FALSE, list, sizeof(list)),
		STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(StorPortPutScatterGatherList(world.ext, (PVOID)list, FALSE),
		STOR_STATUS_NOT_IMPLEMENTED);
	KeLowerIrql(old);
	StorPortFreeMdl(world.ext, mdl);
}

/*
 * covers: StorPortBuildScatterGatherList, StorPortGetBusData, StorPortGetUncachedExtension,
 * StorPortPutScatterGatherList, StorPortSetBusDataByOffset
 */
static void hardware_is_refused(void **state)
{
	miniport.offer = no_uncached;
	world_good(ask_for_hardware);
}

/* ---- time ---- */

static _Atomic unsigned timer_runs;

static VOID NTAPI on_timer(PVOID ext)
{
	expect_is(KeGetCurrentIrql(), DISPATCH_LEVEL);
	expect(cpu_spin_is_held(&world.adapter->startio_lock.lock)); /* T-1 */
	expect(!cpu_spin_is_held(&world.adapter->interrupt_lock.lock));
	atomic_fetch_add(&timer_runs, 1);
}

static void set_timer(void)
{
	StorPortNotification(RequestTimerCall, world.ext, on_timer, 1000);
	world_wait(timer_runs == 1);
}

static void the_timer_has_the_start_io_lock_alone(void **state)
{
	atomic_store(&timer_runs, 0);
	world_good(set_timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		virtual_test(either_structure_makes_one_adapter_without_hardware),
		virtual_test(the_older_structure_ends_before_srb_types),
		virtual_test(virtual_device_must_be_set),
		virtual_test(an_adapter_that_was_not_found_has_nothing_to_free),
		virtual_test(a_failed_initialize_frees_too),
		virtual_test(required_routines_are_asked_for),
		virtual_test(what_public_drivers_leave_out_is_told_and_they_run),
		virtual_test(fields_that_are_not_set_are_no_offence),
		virtual_test(a_request_comes_without_build_io_lock_or_list),
		virtual_test(start_io_runs_on_both_processors_at_once),
		virtual_test(hardware_is_refused),
		virtual_test(the_timer_has_the_start_io_lock_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
