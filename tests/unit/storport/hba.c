/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* An adapter's way up, with miniports that fail or talk nonsense on it: nothing is left, and the
 * error says what it was. */
#include "world.h"

static void fails_with(const char *words)
{
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_true(world.start_result < 0);
	if (!strstr(world.start_error, words))
		fail_msg("\"%s\" does not say \"%s\"", world.start_error, words);
}

static void a_good_miniport_starts(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 0);
}

static void each_result_of_find_adapter_is_told(void **state)
{
	miniport.find_result = SP_RETURN_NOT_FOUND;
	fails_with("SP_RETURN_NOT_FOUND");
	world_miniport(NULL);
	miniport.find_result = SP_RETURN_ERROR;
	fails_with("SP_RETURN_ERROR");
	world_miniport(NULL);
	miniport.find_result = SP_RETURN_BAD_CONFIG;
	fails_with("SP_RETURN_BAD_CONFIG");
	world_miniport(NULL);
	miniport.find_result = 77;
	fails_with("SpReturnValue");
}

static void bad_mask(PPORT_CONFIGURATION_INFORMATION config)
{
	config->AlignmentMask = 5;
}

static void no_breaks(PPORT_CONFIGURATION_INFORMATION config)
{
	config->NumberOfPhysicalBreaks = 0;
}

static void virtual_device(PPORT_CONFIGURATION_INFORMATION config)
{
	config->VirtualDevice = TRUE;
}

static void nonsense_from_find_adapter_is_named(void **state)
{
	miniport.find = bad_mask;
	fails_with("AlignmentMask");
	world_miniport(NULL);
	miniport.find = no_breaks;
	fails_with("NumberOfPhysicalBreaks");
	world_miniport(NULL);
	miniport.find = virtual_device;
	fails_with("VirtualDevice");
}

static void a_failing_initialize_is_told(void **state)
{
	miniport.initialize_result = FALSE;
	fails_with("HwStorInitialize");
}

/* 4.9: what the port offers before HwStorFindAdapter. */
static void check_offer(PPORT_CONFIGURATION_INFORMATION config)
{
	assert_int_equal(config->Dma64BitAddresses, 0x80); /* contract 6 */
	assert_int_equal(config->SrbExtensionSize, WORLD_EXTENSION);
	assert_true(config->ScatterGather && config->Master && config->Dma32BitAddresses);
	assert_true(config->NeedPhysicalAddresses && config->TaggedQueuing);
	assert_true(config->AutoRequestSense && config->MultipleRequestPerLu);
	assert_int_equal(config->MaxNumberOfIO, 1000); /* */
	assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
	assert_true(config->NumberOfAccessRanges >= 1);
	/* Contract 12: the first call makes it, the second gives it. */
	assert_ptr_equal(StorPortGetUncachedExtension(world.ext, config, 5000),
		StorPortGetUncachedExtension(world.ext, config, 100));
}

/* covers: StorPortGetUncachedExtension */
static void find_adapter_is_offered_the_documented_defaults(void **state)
{
	miniport.offer = check_offer;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
}

static void initialize_runs_at_dirql(void)
{
	assert_true(KeGetCurrentIrql() > DISPATCH_LEVEL);
}

static void initialize_is_called_at_dirql(void **state)
{
	miniport.initialize = initialize_runs_at_dirql;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
}

static void limits(void)
{
	const struct port_limits *limits = &world.driver->adapters[0]->port.limits;

	/* 17 entries carry an unaligned 64 KiB. */
	assert_int_equal(limits->max_transfer, 65536);
	assert_int_equal(limits->max_elements, 17);
	assert_true(limits->extended_srb);
}

static void seventeen_breaks_carry_64_kib(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, limits);
}

/* ---- hostile numbers ---- */

static void most_breaks(PPORT_CONFIGURATION_INFORMATION config)
{
	config->NumberOfPhysicalBreaks = SP_UNINITIALIZED_VALUE;
	config->MaximumTransferLength = SP_UNINITIALIZED_VALUE;
}

static void one_break(PPORT_CONFIGURATION_INFORMATION config)
{
	config->NumberOfPhysicalBreaks = 1;
}

static void bounded(void)
{
	const struct port_limits *limits = &world.driver->adapters[0]->port.limits;

	expect(limits->max_transfer >= 4096 && limits->max_transfer <= PORT_MAX_TRANSFER);
	expect(limits->max_elements >= 1 && limits->max_elements <= 4096);
	/* so many entries carry so many bytes, wherever in a page they begin. */
	expect(limits->max_transfer == 4096 ||
		limits->max_transfer <= (limits->max_elements - 1) * 4096);
}

static void extreme_breaks_and_lengths_are_bounded(void **state)
{
	miniport.find = most_breaks;
	world_run(DMA_CALLBACK_QUEUED, bounded);
	assert_int_equal(world.start_result, 0);
	/* StorPortFindAdapter */
	assert_non_null(strstr(world.violation, "MaximumTransferLength"));
	world_miniport(NULL);
	miniport.find = one_break;
	world_good(bounded);
}

static void huge_srb_extension(PPORT_CONFIGURATION_INFORMATION config)
{
	config->SrbExtensionSize = 0xffffffff;
}

static void large_srb_extension(PPORT_CONFIGURATION_INFORMATION config)
{
	config->SrbExtensionSize = 1u << 20; /* 256 MiB for all */
}

static void extensions_larger_than_memory_fail_the_start(void **state)
{
	miniport.device_extension = 0xffffffff;
	fails_with("device extension");
	world_miniport(NULL);
	miniport.srb_extension = 0xffffffff;
	fails_with("SRB extension");
	world_miniport(NULL);
	miniport.find = huge_srb_extension;
	fails_with("4294967295 bytes");
	world_miniport(NULL);
	miniport.find = large_srb_extension;
	fails_with("no memory for 256 requests");
}

static void grown_extension(PPORT_CONFIGURATION_INFORMATION config)
{
	config->SrbExtensionSize += 1000;
}

static void is_grown(void)
{
	expect_is(world.adapter->hba.port.limits.extension_bytes, WORLD_EXTENSION + 1000);
}

/* Contract 5 */
static void an_srb_extension_size_changed_in_find_adapter_is_honoured(void **state)
{
	miniport.find = grown_extension;
	world_good(is_grown);
}

static void resting_bus(PPORT_CONFIGURATION_INFORMATION config)
{
	config->BusResetHoldTime = 1234;
}

static void bus_rests(void)
{
	expect_is(world.adapter->hba.port.limits.reset_hold, 1234);
}

/* */
static void a_bus_reset_hold_time_is_honoured(void **state)
{
	miniport.find = resting_bus;
	world_good(bus_rests);
}

/* ---- adapter control ---- */

static struct {
	unsigned queries, stops;
	KIRQL query_irql, stop_irql;
	bool stop_held;
	BOOLEAN supports_stop;
	ULONG max;
} control;

static SCSI_ADAPTER_CONTROL_STATUS NTAPI adapter_control(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;

	if (type == ScsiQuerySupportedControlTypes) {
		control.queries++;
		control.query_irql = KeGetCurrentIrql();
		control.max = list->MaxControlType;
		for (ULONG n = 0; n < list->MaxControlType; n++)
			expect(!list->SupportedTypeList[n]); /* the port clears them */
		list->SupportedTypeList[ScsiStopAdapter] = control.supports_stop;
		return ScsiAdapterControlSuccess;
	}
	expect_is(type, ScsiStopAdapter);
	control.stops++;
	control.stop_irql = KeGetCurrentIrql();
	control.stop_held = cpu_spin_is_held(&world.adapter->interrupt_lock.lock);
	return ScsiAdapterControlSuccess;
}

/* 4.1 step 7, 4.8, X-22 */
static void stop_adapter_is_called_without_a_lock_if_the_miniport_supports_it(void **state)
{
	memset(&control, 0, sizeof(control));
	control.supports_stop = TRUE;
	miniport.control = adapter_control;
	world_good(NULL);
	assert_int_equal(control.queries, 1);
	assert_int_equal(control.query_irql, PASSIVE_LEVEL);
	assert_int_equal(control.max, 26); /* the types of 4.8 */
	assert_int_equal(control.stops, 1);
	assert_int_equal(control.stop_irql, PASSIVE_LEVEL);
	assert_false(control.stop_held);
	control.supports_stop = FALSE;
	world_good(NULL);
	assert_int_equal(control.queries, 2);
	assert_int_equal(control.stops, 1);
}

static void a_start_that_failed_stops_nothing(void **state)
{
	memset(&control, 0, sizeof(control));
	control.supports_stop = TRUE;
	miniport.control = adapter_control;
	miniport.initialize_result = FALSE;
	fails_with("HwStorInitialize");
	assert_int_equal(control.stops, 0);
}

/* ---- a miniport that keeps a request ---- */

static BOOLEAN keep(PSCSI_REQUEST_BLOCK srb)
{
	return TRUE;
}

static uint16_t command(void)
{
	uint16_t command = 0;

	bus_config_read(world.function, 4, &command, 2);
	return command;
}

static void give_up(void)
{
	struct world_request kept, waiting, late;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect(StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 1));
	world_submit(&kept, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	world_submit(&waiting, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect(command() & 4);
	port_adapter_give_up(&world.adapter->hba.port);
	expect_violation(0, "1 requests never came back");
	expect_is(control.stops, 1);
	expect(!(command() & 4)); /* the device writes no more to what is others' now */
	world_end(&kept);
	expect_is(kept.srb_status, SRB_STATUS_NO_HBA);
	world_end(&waiting);
	expect_is(waiting.srb_status, SRB_STATUS_NO_HBA);
	world_submit(&late, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	world_end(&late);
	expect_is(late.srb_status, SRB_STATUS_NO_HBA);
	bus_line_set(world.function, true); /* nobody is there any more */
	bus_line_set(world.function, false);
}

static void an_adapter_that_is_given_up_ends_every_request_and_is_stopped_once(void **state)
{
	memset(&control, 0, sizeof(control));
	control.supports_stop = TRUE;
	miniport.control = adapter_control;
	miniport.start_io = keep;
	world_run(DMA_CALLBACK_QUEUED, give_up);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(control.stops, 1);
}

/* ---- who asks ---- */

static void strangers(void)
{
	static char foreign[64];
	const PVOID none[] = {NULL, foreign, (PCHAR)world.ext + 8};
	const STOR_PHYSICAL_ADDRESS at = {.QuadPart = 0x1000};
	ULONG length;

	for (unsigned n = 0; n < array_size(none); n++) {
		PVOID ext = none[n];

		expect(!StorPortReady(ext));
		expect_violation(0, "StorPortReady");
		expect(!StorPortResume(ext));
		expect_violation(0, "StorPortResume");
		expect(!StorPortSynchronizeAccess(ext, (PVOID)world_interrupt, NULL));
		expect_violation(0, "StorPortSynchronizeAccess");
		length = 77;
		ddi_expect(StorPortGetPhysicalAddress, 0,
			StorPortGetPhysicalAddress(ext, NULL, world.ext, &length).QuadPart);
		expect_violation(0, "StorPortGetPhysicalAddress");
		expect_is(length, 0); /* */
		expect_is(StorPortGetVirtualAddress(ext, at), NULL);
		expect_violation(0, "StorPortGetVirtualAddress");
		expect_is(StorPortGetDeviceBase(ext, PCIBus, 0, at, 16, FALSE), NULL);
		expect_violation(0, "StorPortGetDeviceBase");
		StorPortFreeRegistryBuffer(ext, (PUCHAR)foreign);
		expect_violation(0, "StorPortFreeRegistryBuffer");
		StorPortNotification(NextRequest, ext);
		expect_violation(0, "StorPortNotification");
	}
}

/*
 * covers: StorPortFreeRegistryBuffer, StorPortGetDeviceBase, StorPortGetPhysicalAddress,
 * StorPortGetVirtualAddress, StorPortNotification, StorPortReady, StorPortResume,
 * StorPortSynchronizeAccess
 */
static void what_is_no_extension_is_reported_and_not_followed(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, strangers);
	assert_int_equal(world.start_result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_good_miniport_starts, world_miniport),
		cmocka_unit_test_setup(each_result_of_find_adapter_is_told, world_miniport),
		cmocka_unit_test_setup(nonsense_from_find_adapter_is_named, world_miniport),
		cmocka_unit_test_setup(a_failing_initialize_is_told, world_miniport),
		cmocka_unit_test_setup(
			find_adapter_is_offered_the_documented_defaults, world_miniport),
		cmocka_unit_test_setup(initialize_is_called_at_dirql, world_miniport),
		cmocka_unit_test_setup(seventeen_breaks_carry_64_kib, world_miniport),
		world_test(extreme_breaks_and_lengths_are_bounded),
		world_test(extensions_larger_than_memory_fail_the_start),
		world_test(an_srb_extension_size_changed_in_find_adapter_is_honoured),
		world_test(a_bus_reset_hold_time_is_honoured),
		world_test(stop_adapter_is_called_without_a_lock_if_the_miniport_supports_it),
		world_test(a_start_that_failed_stops_nothing),
		world_test(an_adapter_that_is_given_up_ends_every_request_and_is_stopped_once),
		world_test(what_is_no_extension_is_reported_and_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
