/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A driver's life, shown with Storport: what DriverEntry registers and how it ends, which devices
 * the driver is shown and which of its data with them. */
#include "../storport/world.h"

#include <errno.h>

static void fails_with(const char *words)
{
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_true(world.start_result < 0);
	if (!strstr(world.start_error, words))
		fail_msg("\"%s\" does not say \"%s\"", world.start_error, words);
}

/* ---- DriverEntry ---- */

static struct {
	NTSTATUS status;
	bool is_refused;
	unsigned unloads;
	KIRQL irql;
} driver_entry;

static VOID NTAPI unload(PDRIVER_OBJECT driver)
{
	driver_entry.unloads++;
	driver_entry.irql = KeGetCurrentIrql();
}

static NTSTATUS entry_with_unload(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	HW_INITIALIZATION_DATA data = world_data();

	if (driver_entry.is_refused)
		data.HwResetBus = NULL;
	StorPortInitialize(driver, registry, &data, NULL);
	driver->DriverUnload = unload;
	return driver_entry.status;
}

/* "Note that a driver's Unload routine is not called if a driver's DriverEntry routine returns a
 * failure status" (DriverEntry Return Values); after that, whatever else fails, it is. */
static void unload_is_called_if_driver_entry_succeeded(void **state)
{
	memset(&driver_entry, 0, sizeof(driver_entry));
	miniport.entry = entry_with_unload;
	driver_entry.irql = HIGH_LEVEL;
	world_good(NULL);
	assert_int_equal(driver_entry.unloads, 1);
	assert_int_equal(driver_entry.irql, PASSIVE_LEVEL);
	miniport.initialize_result = FALSE;
	fails_with("HwStorInitialize");
	assert_int_equal(driver_entry.unloads, 2);
	driver_entry.status = STATUS_UNSUCCESSFUL;
	fails_with("DriverEntry failed with status c0000001");
	assert_int_equal(driver_entry.unloads, 2);
}

static NTSTATUS no_call(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	return STATUS_SUCCESS;
}

static void a_driver_is_told_that_it_registered_nothing_and_why(void **state)
{
	memset(&driver_entry, 0, sizeof(driver_entry));
	miniport.entry = no_call;
	fails_with("never called StorPortInitialize");
	miniport.entry = entry_with_unload;
	driver_entry.is_refused = true;
	fails_with("registered no AdapterInterfaceType PCIBus");
	assert_int_equal(world.violations, 1); /* the refusal itself */
}

/* ---- several devices ---- */

static struct {
	unsigned finds;
	ULONG slots[WORLD_DEVICES];   /* in the order in which they were shown */
	ULONG results[WORLD_DEVICES]; /* what is answered, in that order */
	char told[2048];	      /* standard error during the run */
} several;

static ULONG NTAPI find_several(PVOID ext, PVOID context, PVOID bus, PCHAR arguments,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	unsigned n = several.finds++;

	world_find(ext, context, bus, arguments, config, again);
	*again = TRUE; /* "Reserved for system use": asks for nothing */
	if (n >= WORLD_DEVICES)
		return SP_RETURN_ERROR;
	several.slots[n] = config->SlotNumber;
	return several.results[n];
}

static void data_of_several(HW_INITIALIZATION_DATA *data)
{
	data->HwFindAdapter = (PVOID)find_several;
}

static int setup_several(void **state)
{
	world_miniport(NULL);
	memset(&several, 0, sizeof(several));
	for (unsigned n = 0; n < WORLD_DEVICES; n++)
		several.results[n] = SP_RETURN_FOUND;
	miniport.devices = 3;
	miniport.data = data_of_several;
	return 0;
}

/* Runs, and keeps what goes to standard error meanwhile. */
static void run_and_listen(void (*body)(void))
{
	FILE *file = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t bytes;

	assert_non_null(file);
	assert_true(saved >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
	world_run(DMA_CALLBACK_QUEUED, body);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	rewind(file);
	bytes = fread(several.told, 1, sizeof(several.told) - 1, file);
	several.told[bytes] = 0;
	fclose(file);
}

static unsigned lines_with(const char *words)
{
	unsigned count = 0;

	for (const char *at = several.told; (at = strstr(at, words)) != NULL; at++)
		count++;
	return count;
}

static void three_adapters(void)
{
	expect_is(world.driver->adapter_count, 3);
	for (unsigned n = 0; n < 3; n++) {
		expect_is(several.slots[n], bus_function_slot(world.functions[n]));
		expect_is(world.driver->adapters[n]->function, world.functions[n]);
	}
}

/* HW_FIND_ADAPTER: the last argument is "Reserved for system use". */
static void each_device_is_shown_once_whatever_again_says(void **state)
{
	world_good(three_adapters);
	assert_int_equal(several.finds, 3);
}

/* By its extension each is found at its place; where another has that, by what the memory says. */
static void three_places(void)
{
	struct port_hba *hba[3];
	struct port_hba_place *place, before;

	for (unsigned n = 0; n < 3; n++) {
		hba[n] = (struct port_hba *)world.driver->adapters[n];
		expect_is(port_hba_of(hba[n]->extension, "test"), hba[n]);
		expect_is(port_hba_near((char *)hba[n]->extension + 8), NULL);
	}
	expect_is(port_hba_near(hba[0]->extension), hba[0]);
	place = &port_hba_places[port_hba_place_of(hba[2]->extension)];
	before = *place;
	place->hba = hba[1];
	atomic_store(&place->extension, hba[1]->extension);
	expect_is(port_hba_near(hba[2]->extension), NULL);
	expect_is(port_hba_of(hba[2]->extension, "test"), hba[2]);
	expect_is(port_hba_of(hba[1]->extension, "test"), hba[1]);
	*place = before;
	expect_is(port_hba_near(NULL), NULL);
	expect_is(port_hba_of(NULL, "test"), NULL);
	expect_violation(0, "test: (nil) is no HwDeviceExtension");
}

static void each_adapter_is_found_by_its_extension_while_it_is_there(void **state)
{
	world_good(three_places);
	for (unsigned n = 0; n <= PORT_HBA_FIRST; n++)
		assert_true(port_hba_is_at(n, PORT_HBA_NO_PLACE));
}

static unsigned unknown; /* which of three devices */

static void the_two_others(void)
{
	unsigned place = 0;

	expect_is(world.driver->adapter_count, 2);
	for (unsigned n = 0; n < 3; n++)
		if (n != unknown)
			expect_is(world.driver->adapters[place++]->function, world.functions[n]);
}

/* "Indicates that no supported HBA was found for the supplied configuration information": that one
 * only. */
static void a_device_that_the_driver_does_not_know_keeps_it_from_no_other(void **state)
{
	for (unknown = 0; unknown < 3; unknown++) {
		char words[64];

		setup_several(NULL);
		several.results[unknown] = SP_RETURN_NOT_FOUND;
		run_and_listen(the_two_others);
		world_was_good();
		assert_int_equal(several.finds, 3);
		assert_int_equal(lines_with("\n"), 1);
		snprintf(words, sizeof(words), "(slot %u) is not its device",
			(unsigned)several.slots[unknown]);
		assert_int_equal(lines_with(words), 1);
		assert_int_equal(lines_with("SP_RETURN_NOT_FOUND"), 1);
	}
}

static void each_device_that_is_left_alone_is_told(void **state)
{
	several.results[0] = several.results[1] = SP_RETURN_NOT_FOUND;
	run_and_listen(NULL);
	world_was_good();
	assert_int_equal(lines_with("\n"), 2);
	assert_int_equal(lines_with("SP_RETURN_NOT_FOUND"), 2);
}

static void without_any_device_that_it_knows_a_driver_does_not_start(void **state)
{
	for (unsigned n = 0; n < 3; n++)
		several.results[n] = SP_RETURN_NOT_FOUND;
	run_and_listen(NULL);
	assert_int_equal(world.start_result, -ENODEV);
	assert_non_null(strstr(world.start_error, "SP_RETURN_NOT_FOUND"));
	assert_int_equal(several.finds, 3);
	assert_int_equal(lines_with("SP_RETURN_NOT_FOUND"), 2); /* and the third is the error */
}

/* Found, and broken: the others are not. */
static void the_error_of_one_device_is_told_and_keeps_no_other(void **state)
{
	several.results[0] = SP_RETURN_BAD_CONFIG;
	several.results[1] = SP_RETURN_ERROR;
	run_and_listen(NULL);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(several.finds, 3);
	assert_int_equal(lines_with("SP_RETURN_BAD_CONFIG"), 1);
	assert_int_equal(lines_with("SP_RETURN_ERROR"), 1);
	several.finds = 0;
	several.results[2] = SP_RETURN_ERROR;
	fails_with("SP_RETURN_ERROR");
	assert_int_equal(several.finds, 3);
}

/* The first adapter's extension leaves no room for the second one's: that device is not one that
 * the driver does not know. */
static void an_adapter_without_memory_ends_the_start(void **state)
{
	miniport.device_extension = 20u << 20; /* of 32 that are to be had in one piece */
	fails_with("no memory for 20971520 bytes of device extension");
	assert_int_equal(several.finds, 1);
}

/* ---- several registrations ---- */

static struct {
	INTERFACE_TYPE types[2];
	bool virtual_first;
	unsigned virtual_finds, freed, traced, untraced;
} registered;

static NTSTATUS two_types(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	HW_INITIALIZATION_DATA data = world_data();

	for (unsigned n = 0; n < 2; n++) {
		data.AdapterInterfaceType = registered.types[n];
		data.HwFindAdapter = n ? (PVOID)find_several : (PVOID)world_find;
		expect_is(StorPortInitialize(driver, registry, &data, NULL), STATUS_SUCCESS);
	}
	return STATUS_SUCCESS;
}

/* Whatever the order; of two for the same bus the later one. covers: StorPortInitialize */
static void of_several_interface_types_that_of_the_bus_counts(void **state)
{
	static const struct {
		INTERFACE_TYPE types[2];
		unsigned finds; /* of the second one */
	} cases[] = {{{PCIBus, Internal}, 0}, {{Internal, PCIBus}, 1}, {{PCIBus, PCIBus}, 1}};

	for (unsigned n = 0; n < array_size(cases); n++) {
		setup_several(NULL);
		miniport.devices = 1;
		miniport.entry = two_types;
		memcpy(registered.types, cases[n].types, sizeof(registered.types));
		world_good(NULL);
		assert_int_equal(several.finds, cases[n].finds);
	}
}

static ULONG NTAPI find_virtual(PVOID ext, PVOID context, PVOID bus, PVOID lower, PCHAR arguments,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	registered.virtual_finds++;
	world_find(ext, NULL, NULL, arguments, config, again);
	config->VirtualDevice = TRUE;
	return SP_RETURN_FOUND;
}

static VOID NTAPI free_resources(PVOID ext)
{
	registered.freed++;
}

static VOID NTAPI trace_on(PVOID object, PVOID registry)
{
	registered.traced++;
}

static VOID NTAPI trace_off(PVOID object)
{
	registered.untraced++;
}

static SCSI_ADAPTER_CONTROL_STATUS NTAPI no_control(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	return ScsiAdapterControlUnsuccessful;
}

static NTSTATUS both_kinds(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	HW_INITIALIZATION_DATA physical = world_data(), virtual = world_data();

	virtual.AdapterInterfaceType = Internal;
	virtual.FeatureSupport = STOR_FEATURE_VIRTUAL_MINIPORT;
	virtual.HwFindAdapter = (PVOID)find_virtual;
	virtual.HwAdapterControl = no_control;
	virtual.HwFreeAdapterResources = free_resources;
	virtual.HwInitializeTracing = trace_on;
	virtual.HwCleanupTracing = trace_off;
	physical.HwFindAdapter = (PVOID)find_several;
	for (unsigned n = 0; n < 2; n++)
		expect_is(StorPortInitialize(driver, registry,
				  registered.virtual_first == !n ? &virtual : &physical, NULL),
			STATUS_SUCCESS);
	return STATUS_SUCCESS;
}

static void two_adapters(void)
{
	const bool has_device[] = {true, false};

	expect_is(world.driver->adapter_count, 2);
	for (unsigned n = 0; n < 2; n++) {
		struct port_hba *hba = world.driver->adapters[n];
		struct world_request request;

		expect_is(hba->function, has_device[n] ? world.function : NULL);
		expect_is(hba->port.dma != NULL, has_device[n]);
		world.adapter = (struct stor_adapter *)hba;
		world.ext = hba->extension;
		world_submit(&request, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
		world_end(&request);
		expect_is(request.srb_status, SRB_STATUS_SUCCESS);
	}
}

/* covers: StorPortInitialize */
static void a_driver_may_have_devices_and_a_virtual_adapter(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		setup_several(NULL);
		memset(&registered, 0, sizeof(registered));
		registered.virtual_first = n;
		miniport.devices = 1;
		miniport.entry = both_kinds;
		world_good(two_adapters);
		assert_int_equal(several.finds, 1);
		assert_int_equal(registered.virtual_finds, 1);
		assert_int_equal(registered.freed, 1); /* a virtual miniport's routine alone */
		assert_int_equal(registered.traced, 1);
		assert_int_equal(registered.untraced, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			each_adapter_is_found_by_its_extension_while_it_is_there, setup_several),
		world_test(unload_is_called_if_driver_entry_succeeded),
		world_test(a_driver_is_told_that_it_registered_nothing_and_why),
		cmocka_unit_test_setup(
			each_device_is_shown_once_whatever_again_says, setup_several),
		cmocka_unit_test(a_device_that_the_driver_does_not_know_keeps_it_from_no_other),
		cmocka_unit_test_setup(each_device_that_is_left_alone_is_told, setup_several),
		cmocka_unit_test_setup(
			without_any_device_that_it_knows_a_driver_does_not_start, setup_several),
		cmocka_unit_test_setup(
			the_error_of_one_device_is_told_and_keeps_no_other, setup_several),
		cmocka_unit_test_setup(an_adapter_without_memory_ends_the_start, setup_several),
		cmocka_unit_test(of_several_interface_types_that_of_the_bus_counts),
		cmocka_unit_test(a_driver_may_have_devices_and_a_virtual_adapter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
