/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* An adapter's life: what DriverEntry registers, what HwScsiFindAdapter is offered and may answer,
 * the stop; the line's interrupt. */
#include "world.h"
#include "nt/registry.h"

static void expect_start_fails(const char *words)
{
	world_run(NULL);
	if (!world.start_result)
		fail_msg("it started");
	if (!strstr(world.start_error, words))
		fail_msg("\"%s\" does not say \"%s\"", world.start_error, words);
}

/* ---- DriverEntry ---- */

static NTSTATUS bad_calls(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	SCSIPORT_HW_INITIALIZATION_DATA data = {.HwInitializationDataSize = sizeof(data)};

	expect_is(ScsiPortInitialize(NULL, registry, &data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1001000, "NULL");
	expect_is(
		ScsiPortInitialize(&data, registry, &data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1001000, "DriverObject");
	data.HwInitializationDataSize = 4;
	expect_is(
		ScsiPortInitialize(driver, registry, &data, NULL), (ULONG)STATUS_REVISION_MISMATCH);
	expect_violation(0xf1001000, "HwInitializationDataSize");
	data.HwInitializationDataSize = sizeof(data);
	expect_is(
		ScsiPortInitialize(driver, registry, &data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1001000, "HwFindAdapter is NULL");
	data.HwFindAdapter = world_find;
	expect_is(
		ScsiPortInitialize(driver, registry, &data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1001000, "HwInitialize is NULL");
	data.HwInitialize = world_initialize;
	expect_is(
		ScsiPortInitialize(driver, registry, &data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1001000, "HwStartIo is NULL");
	data.HwStartIo = world_start_io;
	expect_is(
		ScsiPortInitialize(driver, registry, &data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1001000, "HwResetBus is NULL");
	data.HwResetBus = world_reset;
	data.NumberOfAccessRanges = 33;
	expect_is(
		ScsiPortInitialize(driver, registry, &data, NULL), (ULONG)STATUS_INVALID_PARAMETER);
	expect_violation(0xf1001000, "NumberOfAccessRanges");
	data.NumberOfAccessRanges = 1;
	data.AdapterInterfaceType = Isa;
	expect_is(ScsiPortInitialize(driver, registry, &data, NULL), STATUS_SUCCESS);
	return STATUS_SUCCESS;
}

/* covers: ScsiPortInitialize */
static void initialization_data_that_are_wrong_are_refused(void **state)
{
	miniport.entry = bad_calls;
	expect_start_fails("PCIBus");
	assert_int_equal(world.violations, 0);
}

static NTSTATUS no_call(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	return STATUS_SUCCESS;
}

static void a_driver_that_registers_nothing_is_not_started(void **state)
{
	miniport.entry = no_call;
	expect_start_fails("never called ScsiPortInitialize");
}

static int context;

static ULONG NTAPI find_with_context(PVOID ext, PVOID given, PVOID bus, PCHAR arguments,
	PSCSIPORT_PORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	expect_is(given, &context);
	return world_find(ext, given, bus, arguments, config, again);
}

static NTSTATUS two_buses(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	SCSIPORT_HW_INITIALIZATION_DATA data = {
		.HwInitializationDataSize = sizeof(data),
		.AdapterInterfaceType = PCIBus,
		.HwInitialize = world_initialize,
		.HwStartIo = world_start_io,
		.HwFindAdapter = find_with_context,
		.HwResetBus = world_reset,
		.DeviceExtensionSize = 64,
		.NumberOfAccessRanges = 1,
		.NeedPhysicalAddresses = TRUE,
	};

	expect_is(ScsiPortInitialize(driver, registry, &data, &context), STATUS_SUCCESS);
	data.AdapterInterfaceType = MicroChannel;
	data.HwFindAdapter = world_find;
	expect_is(ScsiPortInitialize(driver, registry, &data, NULL), STATUS_SUCCESS);
	return STATUS_SUCCESS;
}

/* "If a miniport driver can support HBAs on different types of I/O buses"; covers:
 * ScsiPortInitialize */
static void of_several_buses_the_one_that_is_there_counts_and_its_context_comes_back(void **state)
{
	miniport.entry = two_buses;
	world_good(NULL);
}

/* ---- HwScsiFindAdapter ---- */

static ULONG NTAPI find_and_look(PVOID ext, PVOID given, PVOID bus, PCHAR arguments,
	PSCSIPORT_PORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
	for (unsigned n = 0; n < 64; n++)
		expect_is(((char *)ext)[n], 0);
	expect_is(config->Length, 0x98);
	expect_is(config->AdapterInterfaceType, PCIBus);
	expect_is(config->MaximumTransferLength, SP_UNINITIALIZED_VALUE);
	expect_is(config->NumberOfPhysicalBreaks, SP_UNINITIALIZED_VALUE);
	expect_is(config->DmaChannel, SP_UNINITIALIZED_VALUE);
	expect_is(config->ScatterGather, FALSE);
	expect_is(config->Master, FALSE);
	expect_is(config->NeedPhysicalAddresses, TRUE);
	expect_is(config->TaggedQueuing, TRUE);
	expect_is(config->NumberOfBuses, 0);
	expect_is(config->InitiatorBusId[0], 0);
	expect_is(config->NumberOfAccessRanges, 5); /* as the miniport said */
	expect_is((*config->AccessRanges)[2].RangeLength, 0);
	expect_is((*config->AccessRanges)[4].RangeLength, 0);
	expect((*config->AccessRanges)[0].RangeInMemory);
	expect_is((*config->AccessRanges)[0].RangeLength, WORLD_BAR);
	expect(!(*config->AccessRanges)[1].RangeInMemory);
	return world_find(ext, given, bus, arguments, config, again);
}

static void look(SCSIPORT_HW_INITIALIZATION_DATA *data)
{
	data->HwFindAdapter = find_and_look;
	data->NumberOfAccessRanges = 5;
}

static void limits(void)
{
	const struct port_limits *l = &world.adapter->hba.port.limits;

	expect_is(l->max_transfer, 65536); /* 16 breaks: as many pages */
	expect_is(l->max_elements, 17);	   /* "the number of scatter/gather lists minus one" */
	expect(l->pull);
}

static ULONG NTAPI find_by_registry(PVOID ext, PVOID given, PVOID bus, PCHAR arguments,
	PSCSIPORT_PORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	expect(arguments && !strcmp(arguments, "burst=4"));
	expect_is(config->NumberOfPhysicalBreaks, 16); /* "between 16 and 255" */
	return world_find(ext, given, bus, arguments, config, again);
}

static void fill_registry(SCSIPORT_HW_INITIALIZATION_DATA *data)
{
	static const char text[] =
		"REGEDIT4\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\test\\"
		"Parameters\\Device0]\n\"DriverParameter\"=\"burst=4\"\n"
		"\"NumberOfRequests\"=dword:20\n\"MaximumSGList\"=dword:1\n"
		"\"MaximumLogicalUnit\"=dword:2\n";

	data->HwFindAdapter = find_by_registry;
	expect_is(reg_file_parse("test", text, sizeof(text) - 1), 0);
}

static void registry_limits(void)
{
	const struct port_limits *l = &world.adapter->hba.port.limits;

	expect_is(l->max_outstanding, 32);
	expect_is(l->luns, SCSI_MAXIMUM_LOGICAL_UNITS); /* no entry of SCSI Port's */
}

static void find_adapter_is_offered_what_the_registry_says(void **state)
{
	miniport.data = fill_registry;
	world_good(registry_limits);
}

static void find_adapter_gets_what_is_known_and_breaks_are_one_less_than_elements(void **state)
{
	miniport.data = look;
	world_good(limits);
}

static void slave(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->Master = FALSE;
	config->DmaChannel = 3;
}

static void no_lists(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->NumberOfPhysicalBreaks = 0;
}

static void no_addresses(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->NeedPhysicalAddresses = FALSE;
}

static void odd_mask(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->AlignmentMask = 5;
}

static void no_bus(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->NumberOfBuses = 0;
}

static void no_target(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->MaximumNumberOfTargets = 0;
}

static void configurations_that_cannot_be_are_refused(void **state)
{
	static const struct {
		void (*find)(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config);
		const char *words;
	} cases[] = {
		{slave, "system DMA controller"},
		{no_lists, "NumberOfPhysicalBreaks 0"},
		{no_addresses, "NeedPhysicalAddresses"},
		{odd_mask, "AlignmentMask"},
		{no_bus, "NumberOfBuses"},
		{no_target, "MaximumNumberOfTargets"},
	};

	for (unsigned n = 0; n < array_size(cases); n++) {
		miniport.find = cases[n].find;
		expect_start_fails(cases[n].words);
	}
}

static void what_find_adapter_answers_is_told(void **state)
{
	static const struct {
		ULONG result;
		const char *words;
	} cases[] = {
		{SP_RETURN_NOT_FOUND, "SP_RETURN_NOT_FOUND"},
		{SP_RETURN_ERROR, "SP_RETURN_ERROR"},
		{SP_RETURN_BAD_CONFIG, "SP_RETURN_BAD_CONFIG"},
		{17, "no SP_RETURN_ value"},
	};

	for (unsigned n = 0; n < array_size(cases); n++) {
		miniport.find_result = cases[n].result;
		expect_start_fails(cases[n].words);
	}
}

static unsigned finds;

/* Knows its second device only, and would be asked again. */
static ULONG NTAPI find_second(PVOID ext, PVOID given, PVOID bus, PCHAR arguments,
	PSCSIPORT_PORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	world_find(ext, given, bus, arguments, config, again);
	*again = TRUE;
	return ++finds == 2 ? SP_RETURN_FOUND : SP_RETURN_NOT_FOUND;
}

static void second_data(SCSIPORT_HW_INITIALIZATION_DATA *data)
{
	data->HwFindAdapter = find_second;
}

static void is_second(void)
{
	expect_is(world.driver->adapter_count, 1);
	expect_is(world.adapter->hba.function, world.functions[1]);
}

/* As Plug and Play shows them: each once, by itself. */
static void a_device_that_the_driver_does_not_know_keeps_it_from_no_other(void **state)
{
	finds = 0;
	miniport.devices = 3;
	miniport.data = second_data;
	world_good(is_second);
	assert_int_equal(finds, 3);
}

/* ---- HwScsiInitialize ---- */

static KIRQL initialize_irql;

static void see_irql(void)
{
	initialize_irql = KeGetCurrentIrql();
}

static void initialize_runs_at_the_interrupts_irql_and_may_fail(void **state)
{
	miniport.initialize = see_irql;
	world_good(NULL);
	assert_int_equal(initialize_irql, SCSI_DIRQL);
	miniport.initialize_result = FALSE;
	expect_start_fails("HwScsiInitialize failed");
}

/* ---- the line ---- */

static _Atomic unsigned served;

static BOOLEAN service(void)
{
	expect_is(KeGetCurrentIrql(), SCSI_DIRQL);
	expect(cpu_spin_is_held(&world.adapter->interrupt_lock));
	bus_line_set(world.function, false);
	atomic_fetch_add(&served, 1);
	return TRUE;
}

static void interrupt(void)
{
	bus_line_set(world.function, true);
	world_wait(served == 1);
}

static void the_line_reaches_the_miniport_under_its_lock(void **state)
{
	served = 0;
	miniport.interrupt = service;
	world_good(interrupt);
}

static void no_interrupt(SCSIPORT_HW_INITIALIZATION_DATA *data)
{
	data->HwInterrupt = NULL;
}

static void submit(void)
{
	struct world_request r;

	world_submit(&r, 0, 4096);
	world_end(&r);
	expect_is(r.srb_status, SRB_STATUS_SUCCESS);
}

static void a_miniport_that_polls_has_no_interrupt(void **state)
{
	miniport.data = no_interrupt;
	world_good(submit);
}

/* ---- the stop ---- */

static unsigned stops, questions;

static SCSI_ADAPTER_CONTROL_STATUS NTAPI control(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;

	if (type == ScsiQuerySupportedControlTypes) {
		expect_is(KeGetCurrentIrql(), PASSIVE_LEVEL);
		questions++;
		for (ULONG n = 0; n < list->MaxControlType; n++)
			list->SupportedTypeList[n] = n <= ScsiStopAdapter;
	} else {
		expect_is(type, ScsiStopAdapter);
		expect_is(KeGetCurrentIrql(), SCSI_DIRQL);
		stops++;
	}
	return ScsiAdapterControlSuccess;
}

static void a_plug_and_play_miniport_is_asked_and_stopped(void **state)
{
	stops = questions = 0;
	miniport.control = control;
	world_good(submit);
	assert_int_equal(questions, 1);
	assert_int_equal(stops, 1);
}

static struct world_request lost;

static void keep(PSCSI_REQUEST_BLOCK srb)
{
}

static void leave_one(void)
{
	world_submit(&lost, 0, 512);
	/* as at the end of a stop that nobody could wait for */
	port_adapter_give_up(&world.adapter->hba.port);
	expect_violation(0, "never came back");
	expect_is(lost.srb_status, SRB_STATUS_NO_HBA);
	world_end(&lost);
}

static void a_request_that_is_kept_ends_with_the_adapter(void **state)
{
	miniport.start_io = keep;
	world_good(leave_one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(initialization_data_that_are_wrong_are_refused),
		world_test(a_driver_that_registers_nothing_is_not_started),
		world_test(
			of_several_buses_the_one_that_is_there_counts_and_its_context_comes_back),
		world_test(find_adapter_gets_what_is_known_and_breaks_are_one_less_than_elements),
		world_test(find_adapter_is_offered_what_the_registry_says),
		world_test(configurations_that_cannot_be_are_refused),
		world_test(what_find_adapter_answers_is_told),
		world_test(a_device_that_the_driver_does_not_know_keeps_it_from_no_other),
		world_test(initialize_runs_at_the_interrupts_irql_and_may_fail),
		world_test(the_line_reaches_the_miniport_under_its_lock),
		world_test(a_miniport_that_polls_has_no_interrupt),
		world_test(a_plug_and_play_miniport_is_asked_and_stopped),
		world_test(a_request_that_is_kept_ends_with_the_adapter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
