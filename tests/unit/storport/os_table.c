/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a release lacks answers as documented. Releases are those of the DDI reference's pages, told
 * here once more by hand where it matters.
 */
#include "world.h"
#include "nt/os.h"
#include "storport/os_table.h"
#include "util/export.h"

static int newest(void **state)
{
	nt_os_set(NT_OS_NEWEST);
	return 0;
}

#define os_test(name) cmocka_unit_test_setup_teardown(name, world_miniport, newest)

/* ---- the tables ---- */

static void every_code_has_a_row_with_its_name(void **state)
{
	unsigned code = 0;

	for (; stor_os_function(code); code++)
		assert_non_null(stor_os_function(code)->name);
	assert_int_equal(code, 0x89); /* 137 codes: storport.md 1.7 */
	assert_string_equal(stor_os_function(0x09)->name, "BuildScatterGatherList");
	assert_string_equal(
		stor_os_function(0x2c)->name, "GetDataInBufferScatterGatherList"); /* SG-35 */
	assert_string_equal(stor_os_function(0x52)->name, "AllocateDmaMemory");
	assert_null(stor_os_function(UINT32_MAX));
}

static void a_dated_row_has_a_page(void **state)
{
	const struct stor_os_row *row;

	for (unsigned code = 0; (row = stor_os_function(code)) != NULL; code++)
		assert_true(row->since == NT_OS_UNKNOWN || row->page);
	for (unsigned n = 0; (row = stor_os_export(n)) != NULL; n++)
		assert_true(row->since == NT_OS_UNKNOWN || row->page);
}

static void dates_are_those_of_the_pages(void **state)
{
	static const struct {
		unsigned code;
		enum nt_os since;
	} dated[] = {
		{ExtFunctionAllocatePool, NT_OS_UNKNOWN},
		{ExtFunctionBuildScatterGatherList, NT_OS_UNKNOWN},
		{ExtFunctionGetSystemAddress, NT_OS_VISTA},
		{ExtFunctionAcquireMSISpinLock, NT_OS_VISTA},
		{ExtFunctionLogSystemEvent, NT_OS_7},
		{ExtFunctionFreeContiguousMemorySpecifyCache, NT_OS_7},
		{ExtFunctionInitializeTimer, NT_OS_8},
		{ExtFunctionGetDataInBufferMdl, NT_OS_8},
		{ExtFunctionMiniportEtwEvent2, NT_OS_8_1},
		{ExtFunctionSetAdapterBusType, NT_OS_10_1507},
		{ExtFunctionMiniportTelemetry, NT_OS_10_1703},
		{ExtFunctionUpdateAdapterMaxIO, NT_OS_10_1709},
		{ExtFunctionAllocateDmaMemory, NT_OS_10_1803},
		{ExtFunctionAcquireSpinLock, NT_OS_10_1809},
		{ExtFunctionLogHardwareError, NT_OS_10_1903},
		{ExtFunctionInitializeEvent, NT_OS_10_2004},
		{ExtFunctionCreateSystemThread, NT_OS_SERVER_2022},
		{ExtFunctionGetNodeAffinity2, NT_OS_11_22H2},
		{ExtFunctionQueueWorkItemToNode, NT_OS_UNKNOWN},
	};

	for (size_t n = 0; n < array_size(dated); n++)
		assert_int_equal(stor_os_function(dated[n].code)->since, dated[n].since);
}

static void exports_are_in_order_and_each_of_storport_has_a_row(void **state)
{
	const struct dry_export *export;
	const struct stor_os_row *row;
	unsigned n;

	for (n = 1; (row = stor_os_export(n)) != NULL; n++)
		assert_true(strcmp(stor_os_export(n - 1)->name, row->name) < 0);
	for (export = __start_dry_exports; export != __stop_dry_exports; export ++) {
		if (strcmp(export->module, "storport.sys"))
			continue;
		for (n = 0; (row = stor_os_export(n)) != NULL; n++)
			if (!strcmp(row->name, export->name))
				break;
		if (!row)
			fail_msg("%s has no row in os_table.c", export->name);
	}
}

/* ---- extended functions ---- */

static ULONG bare(unsigned code)
{
	return StorPortExtendedFunction(
		(STORPORT_FUNCTION_CODE)code, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
}

/* Without an extension, what is there says INVALID_PARAMETER.
 * covers: StorPortExtendedFunction */
static void what_is_newer_than_the_release_is_not_implemented(void **state)
{
	static const struct {
		unsigned code;
		enum nt_os since;
	} served[] = {
		{ExtFunctionAllocatePool, NT_OS_VISTA},
		{ExtFunctionBuildScatterGatherList, NT_OS_VISTA},
		{ExtFunctionPutScatterGatherList, NT_OS_VISTA},
		{ExtFunctionGetMessageInterruptInformation, NT_OS_VISTA},
		{ExtFunctionLogSystemEvent, NT_OS_7},
		{ExtFunctionGetCurrentProcessorNumber, NT_OS_7},
		{ExtFunctionGetActiveGroupCount, NT_OS_7},
		{ExtFunctionAllocateContiguousMemorySpecifyCacheNode, NT_OS_7},
		{ExtFunctionSetUnitAttributes, NT_OS_8},
		{ExtFunctionQueryPerformanceCounter, NT_OS_8},
	};

	for (unsigned os = NT_OS_VISTA; os < NT_OS_COUNT; os++) {
		nt_os_set((enum nt_os)os);
		for (size_t n = 0; n < array_size(served); n++)
			assert_int_equal(bare(served[n].code),
				os >= served[n].since ? STOR_STATUS_INVALID_PARAMETER
						      : STOR_STATUS_NOT_IMPLEMENTED);
	}
}

/* ---- StorPortNotification ---- */

static VOID NTAPI no_change(
	PVOID ext, PVOID context, SHORT address_type, PVOID address, ULONG status)
{
}

static void state_change(void)
{
	STOR_ADDR_BTL8 address = {
		.Type = STOR_ADDRESS_TYPE_BTL8, .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH};

	expect_is(StorPortStateChangeDetected(
			  world.ext, STATE_CHANGE_LUN, (PSTOR_ADDRESS)&address, 0, no_change, NULL),
		nt_os_has(NT_OS_8) ? STOR_STATUS_SUCCESS : STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(world.violations, 0);
}

/* ---- StorPortInitialize ---- */

static ULONG size;

static void take_size(HW_INITIALIZATION_DATA *data)
{
	memset((char *)data + size, 0xee, sizeof(*data) - size);
	data->HwInitializationDataSize = size;
}

static void preset(PPORT_CONFIGURATION_INFORMATION config)
{
	config->ScatterGather = config->Master = TRUE; /* as is due before Windows 7 */
}

static int start(ULONG bytes, void (*body)(void))
{
	size = bytes;
	miniport.data = take_size;
	miniport.find = preset;
	world_run(DMA_CALLBACK_QUEUED, body);
	return world.start_result;
}

/* covers: StorPortNotification, StorPortStateChangeDetected */
static void state_changes_are_told_since_windows_8(void **state)
{
	nt_os_set(NT_OS_7);
	assert_int_equal(start(0x88, state_change), 0);
	nt_os_set(NT_OS_8);
	assert_int_equal(start(0x88, state_change), 0);
}

static void plain_srbs(void)
{
	/* what stands behind the structure is no part of it: SrbTypeFlags, HwUnitControl */
	expect(!world.adapter->hba.port.limits.extended_srb);
	expect(world.adapter->hba.hw.HwUnitControl == NULL);
	expect(!stor_is_virtual(world.adapter));
}

/* covers: StorPortInitialize */
static void before_windows_8_the_structure_ends_with_hwbuildio(void **state)
{
	nt_os_set(NT_OS_7);
	assert_int_equal(start(0x88, plain_srbs), 0);
	assert_int_not_equal(start(0xd0, NULL), 0);
	assert_int_equal(world.violations, 0); /* it may be tried */
	assert_int_not_equal(start(0x80, NULL), 0);
	assert_int_equal(world.violations, 1);
	assert_non_null(strstr(
		world.violation, "HwInitializationDataSize is 128; on Windows 7 it must be 136"));
	assert_int_not_equal(start(0, NULL), 0);
}

static void a_driver_for_windows_7_runs_on_all_later_releases(void **state)
{
	for (unsigned os = NT_OS_8; os < NT_OS_COUNT; os++) {
		nt_os_set((enum nt_os)os);
		assert_int_equal(start(0x88, plain_srbs), 0);
	}
}

static ULONG status;

static void try_size(HW_INITIALIZATION_DATA *data)
{
	HW_INITIALIZATION_DATA wrong = *data;

	wrong.HwInitializationDataSize = size;
	status = StorPortInitialize(&world, &world, &wrong, NULL);
	expect_is(status, (ULONG)STATUS_INVALID_PARAMETER); /* not the driver's object */
	expect_violation(0xf1000000, "StorPortInitialize");
	expect_is(StorPortInitialize(NULL, &world, data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1000000, "a pointer is NULL");
	expect_is(StorPortInitialize(&world, NULL, data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1000000, "a pointer is NULL");
	expect_is(StorPortInitialize(&world, &world, NULL, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1000000, "a pointer is NULL");
}

/* covers: StorPortInitialize */
static void a_wrong_object_is_told_before_a_wrong_size(void **state)
{
	miniport.data = try_size;
	size = 0;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
}

/* ---- PORT_CONFIGURATION_INFORMATION ---- */

static PORT_CONFIGURATION_INFORMATION offered;

static void note(PPORT_CONFIGURATION_INFORMATION config)
{
	offered = *config;
}

static void configuration(enum nt_os os)
{
	nt_os_set(os);
	miniport.offer = note;
	assert_int_equal(start(0x88, NULL), 0);
}

static void the_configuration_tells_its_release(void **state)
{
	configuration(NT_OS_VISTA);
	assert_int_equal(offered.Length, 0xd0); /* up to MaxNumberOfIO */
	assert_false(offered.ScatterGather);
	assert_false(offered.Master);
	assert_int_equal(offered.MaxIOsPerLun, 0);
	configuration(NT_OS_7);
	assert_int_equal(offered.Length, 0xd0);
	assert_true(offered.ScatterGather);
	assert_true(offered.Master);
	configuration(NT_OS_8);
	assert_int_equal(offered.Length, 0xe0);
	assert_int_equal(offered.MaxIOsPerLun, 255); /* */
	assert_int_equal(offered.InitialLunQueueDepth, 20);
}

static void leave_it(PPORT_CONFIGURATION_INFORMATION config)
{
}

static void on_vista_the_miniport_has_to_claim_scatter_gather(void **state)
{
	nt_os_set(NT_OS_VISTA);
	size = 0x88;
	miniport.data = take_size;
	miniport.find = leave_it;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_not_equal(world.start_result, 0);
	assert_non_null(strstr(world.start_error, "ScatterGather, Master"));
}

static void write_behind(PPORT_CONFIGURATION_INFORMATION config)
{
	config->InitialLunQueueDepth = 3;
}

static void depth_is_the_default(void)
{
	expect_is(world.adapter->hba.port.limits.initial_depth, 20);
	expect_violation(0, "offset 0xd4 of the configuration, whose Length is 0xd0 on Windows 7");
}

static void what_is_written_behind_the_configuration_is_told_and_does_not_count(void **state)
{
	nt_os_set(NT_OS_7);
	size = 0x88;
	miniport.data = take_size;
	miniport.find = write_behind;
	world_run(DMA_CALLBACK_QUEUED, depth_is_the_default);
	assert_int_equal(world.start_result, 0);
}

static void narrow(PPORT_CONFIGURATION_INFORMATION config)
{
	config->FeatureSupport |= STOR_ADAPTER_DMA_ADDRESS_WIDTH_SPECIFIED;
	config->DmaAddressWidth = 36;
}

static void width_is_36(void)
{
	expect_is(world.adapter->hba.port.dma->limits.width, 36);
}

static void width_is_64(void)
{
	expect_is(world.adapter->hba.port.dma->limits.width, 64);
}

static void an_address_width_counts_since_2004(void **state)
{
	miniport.find = narrow;
	nt_os_set(NT_OS_10_1909);
	world_run(DMA_CALLBACK_QUEUED, width_is_64);
	assert_int_equal(world.start_result, 0);
	nt_os_set(NT_OS_10_2004);
	world_run(DMA_CALLBACK_QUEUED, width_is_36);
	assert_int_equal(world.start_result, 0);
}

/* ---- PERF_CONFIGURATION_DATA ---- */

static void flags_by_version(void)
{
	static const ULONG first = STOR_PERF_DPC_REDIRECTION | STOR_PERF_INTERRUPT_MESSAGE_RANGES;
	static const ULONG third =
		STOR_PERF_ADV_CONFIG_LOCALITY | STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO;
	ULONG channels = nt_os_has(NT_OS_8) ? STOR_PERF_CONCURRENT_CHANNELS : 0;

	expect_is(stor_os_perf_flags(1), 0);
	expect_is(stor_os_perf_flags(2), first | channels);
	expect_is(stor_os_perf_flags(3), first | third | channels);
	expect_is(stor_os_perf_flags(4),
		first | third | STOR_PERF_DPC_REDIRECTION_CURRENT_CPU | channels);
	expect_is(stor_os_perf_flags(5), first | third | STOR_PERF_DPC_REDIRECTION_CURRENT_CPU |
						 STOR_PERF_NO_SGL | channels);
}

static void ask_channels(void)
{
	PERF_CONFIGURATION_DATA data = {.Version = 2, .Size = sizeof(data)};
	ULONG channels = nt_os_has(NT_OS_8) ? STOR_PERF_CONCURRENT_CHANNELS : 0;

	flags_by_version();
	expect_is(StorPortInitializePerfOpts(world.ext, TRUE, &data), STOR_STATUS_SUCCESS);
	expect_is(data.Flags & STOR_PERF_CONCURRENT_CHANNELS, channels);
	expect_is(data.Flags & STOR_PERF_ADV_CONFIG_LOCALITY, 0);
	data.Flags = STOR_PERF_CONCURRENT_CHANNELS;
	data.ConcurrentChannels = 1;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data),
		channels ? STOR_STATUS_SUCCESS : STOR_STATUS_UNSUCCESSFUL);
	/* version 3's */
	data.Flags = STOR_PERF_DPC_REDIRECTION | STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO;
	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_UNSUCCESSFUL);
}

/* covers: StorPortInitializePerfOpts */
static void performance_flags_follow_version_and_release(void **state)
{
	miniport.initialize = ask_channels;
	nt_os_set(NT_OS_7);
	assert_int_equal(start(0x88, NULL), 0);
	nt_os_set(NT_OS_8);
	assert_int_equal(start(0x88, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_row_with_its_name),
		cmocka_unit_test(a_dated_row_has_a_page),
		cmocka_unit_test(dates_are_those_of_the_pages),
		cmocka_unit_test(exports_are_in_order_and_each_of_storport_has_a_row),
		os_test(what_is_newer_than_the_release_is_not_implemented),
		os_test(state_changes_are_told_since_windows_8),
		os_test(before_windows_8_the_structure_ends_with_hwbuildio),
		os_test(a_driver_for_windows_7_runs_on_all_later_releases),
		os_test(a_wrong_object_is_told_before_a_wrong_size),
		os_test(the_configuration_tells_its_release),
		os_test(on_vista_the_miniport_has_to_claim_scatter_gather),
		os_test(what_is_written_behind_the_configuration_is_told_and_does_not_count),
		os_test(an_address_width_counts_since_2004),
		os_test(performance_flags_follow_version_and_release),
	};

	return cmocka_run_group_tests_name("storport/os_table", tests, NULL, NULL);
}
