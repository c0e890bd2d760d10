/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Run-time power management, with the statuses of the pages. */
#include "world.h"
#include "../events.h"

static STOR_ADDR_BTL8 unit = {
	.Type = STOR_ADDRESS_TYPE_BTL8, .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH};
static STOR_ADDR_BTL8 nobody = {
	.Type = STOR_ADDRESS_TYPE_BTL8, .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH, .Lun = 7};
#define UNIT   ((PSTOR_ADDRESS)&unit)
#define NOBODY ((PSTOR_ADDRESS)&nobody)

static STOR_POFX_DEVICE_V2 good_device(void)
{
	return (STOR_POFX_DEVICE_V2){.Version = STOR_POFX_DEVICE_VERSION_V2,
		.Size = STOR_POFX_DEVICE_V2_SIZE,
		.ComponentCount = 1,
		.Components = {{.Version = STOR_POFX_COMPONENT_VERSION_V1,
			.Size = STOR_POFX_COMPONENT_SIZE,
			.FStateCount = 1}}};
}

/* ---- registering ---- */

static void registers(void)
{
	STOR_POFX_DEVICE_V2 device = good_device();
	BOOLEAN cold = TRUE;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect_is(StorPortInitializePoFxPower(world.ext, NULL, NULL, &cold),
		STOR_STATUS_INVALID_PARAMETER);
	device.ComponentCount = 2;
	expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, &cold),
		STOR_STATUS_INVALID_PARAMETER);
	device = good_device();
	device.Size--;
	expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, &cold),
		STOR_STATUS_INVALID_PARAMETER);
	device = good_device();
	device.Version = STOR_POFX_DEVICE_VERSION_V3 + 1;
	expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, &cold),
		STOR_STATUS_INVALID_PARAMETER);
	device = good_device();
	expect_is(StorPortInitializePoFxPower(world.ext, NOBODY, (PVOID)&device, &cold),
		STOR_STATUS_INVALID_PARAMETER);
	nt_allocation_fail(1);
	expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, &cold),
		STOR_STATUS_INSUFFICIENT_RESOURCES);
	nt_allocation_fail(0);
	expect_is(cold, TRUE);
	expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, &cold),
		STOR_STATUS_SUCCESS);
	expect_is(cold, FALSE);
	expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, &cold),
		STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortInitializePoFxPower(world.ext, UNIT, (PVOID)&device, NULL),
		STOR_STATUS_SUCCESS);
}

/* covers: StorPortInitializePoFxPower */
static void adapter_and_unit_register_once(void **state)
{
	world_good(registers);
}

/* ---- components ---- */

static void counts(PSTOR_ADDRESS address)
{
	STOR_POFX_DEVICE_V2 device = good_device();

	expect_is(StorPortPoFxActivateComponent(world.ext, address, NULL, 0, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInitializePoFxPower(world.ext, address, (PVOID)&device, NULL),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxIdleComponent(world.ext, address, NULL, 0, 0),
		STOR_STATUS_INVALID_DEVICE_REQUEST);
	for (unsigned n = 0; n < 2; n++)
		expect_is(StorPortPoFxActivateComponent(world.ext, address, NULL, 0, 0),
			STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxIdleComponent(world.ext, address, NULL, 0, 0), STOR_STATUS_BUSY);
	expect_is(StorPortPoFxIdleComponent(world.ext, address, NULL, 0, 0), STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxIdleComponent(world.ext, address, NULL, 0, 0),
		STOR_STATUS_INVALID_DEVICE_REQUEST);
}

static PSCSI_REQUEST_BLOCK held;

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	held = srb;
	return TRUE;
}

static void components(void)
{
	struct world_request r;
	uint8_t irql;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	counts(NULL);
	counts(UNIT);
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect_is(StorPortPoFxActivateComponent(world.ext, NULL, held, 0, 0), STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxIdleComponent(world.ext, NULL, held, 0, 0), STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxActivateComponent(world.ext, NULL, (PVOID)&r, 0, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_violation(0, "StorPortPoFxActivateComponent");
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	expect_is(StorPortPoFxActivateComponent(world.ext, NULL, NULL, 1, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortPoFxActivateComponent(world.ext, NULL, NULL, 0, 1),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortPoFxIdleComponent(world.ext, NOBODY, NULL, 0, 0),
		STOR_STATUS_INVALID_PARAMETER);
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortPoFxActivateComponent(world.ext, NULL, NULL, 0, 0),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortPoFxActivateComponent at IRQL 8");
	expect_is(StorPortPoFxIdleComponent(world.ext, NULL, NULL, 0, 0), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortPoFxIdleComponent at IRQL 8");
	cpu_irql_lower(irql);
}

/* covers: StorPortPoFxActivateComponent, StorPortPoFxIdleComponent */
static void activations_are_counted(void **state)
{
	static const char expected[] =
		"log number 0x0 level 4 text \"test adapter 0 registers with PoFx\"\n"
		"log number 0x0 level 4 text \"test adapter 0 is active for 1\"\n"
		"log number 0x0 level 4 text \"test adapter 0 is active for 2\"\n"
		"log number 0x0 level 4 text \"test adapter 0 is active for 1\"\n"
		"log number 0x0 level 4 text \"test adapter 0 is active for 0\"\n"
		"log number 0x0 level 4 text \"test adapter 0 0:0:0 registers with PoFx\"\n"
		"log number 0x0 level 4 text \"test adapter 0 0:0:0 is active for 1\"\n";

	miniport.start_io = hold;
	events_begin(EVENT(LOG));
	world_good(components);
	events_end();
	assert_memory_equal(events, expected, sizeof(expected) - 1);
}

/* ---- hints and the rest ---- */

static void hints(void)
{
	static const GUID guid = {1, 2, 3, {4}};
	STOR_POFX_DEVICE_V2 device = good_device();
	uint8_t irql;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect_is(StorPortPoFxSetComponentLatency(world.ext, NULL, 0, 5),
		STOR_STATUS_INVALID_DEVICE_REQUEST);
	expect_is(StorPortPoFxSetComponentResidency(world.ext, NULL, 0, 5),
		STOR_STATUS_INVALID_DEVICE_REQUEST);
	expect_is(StorPortPoFxPowerControl(world.ext, NULL, &guid, NULL, 0, NULL, 0, NULL),
		STOR_STATUS_INVALID_DEVICE_REQUEST);
	expect_is(StorPortPoFxSetIdleTimeout(world.ext, NULL, 100), STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortPoFxSetPerfState(world.ext, NULL, 0, 0, 0, 0, NULL),
		STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortInitializePoFxPower(world.ext, NULL, (PVOID)&device, NULL),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxSetComponentLatency(world.ext, NULL, 0, 5), STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxSetComponentResidency(world.ext, NULL, 0, 5), STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxPowerControl(world.ext, NULL, &guid, NULL, 0, NULL, 0, NULL),
		STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortPoFxSetIdleTimeout(world.ext, NULL, 100), STOR_STATUS_SUCCESS);
	expect_is(StorPortPoFxSetPerfState(world.ext, NULL, 0, 0, 0, 0, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortPoFxSetComponentLatency(world.ext, NULL, 1, 5),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortPoFxSetComponentResidency(world.ext, NOBODY, 0, 5),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortPoFxPowerControl(world.ext, NULL, NULL, NULL, 0, NULL, 0, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortPoFxSetIdleTimeout(world.ext, UNIT, 100), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortPoFxSetPerfState(world.ext, UNIT, 0, 0, 0, 0, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	irql = cpu_irql_raise(STOR_DIRQL);
	expect_is(StorPortPoFxSetComponentLatency(world.ext, NULL, 0, 5), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortPoFxSetComponentLatency at IRQL 8");
	expect_is(
		StorPortPoFxSetComponentResidency(world.ext, NULL, 0, 5), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortPoFxSetComponentResidency at IRQL 8");
	expect_is(StorPortPoFxPowerControl(world.ext, NULL, &guid, NULL, 0, NULL, 0, NULL),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortPoFxPowerControl at IRQL 8");
	cpu_irql_lower(irql);
}

/*
 * covers: StorPortPoFxSetComponentLatency, StorPortPoFxSetComponentResidency,
 * StorPortPoFxPowerControl, StorPortPoFxSetIdleTimeout, StorPortPoFxSetPerfState
 */
static void only_what_is_registered_takes_hints(void **state)
{
	events_begin(EVENT(LOG));
	world_good(hints);
	events_end();
	assert_string_equal(events,
		"log number 0x0 level 4 text \"test adapter 0 registers with PoFx\"\n"
		"log number 0x0 level 4 text \"test adapter 0 bears a latency of 5\"\n"
		"log number 0x0 level 4 text \"test adapter 0 bears a residency of 5\"\n"
		"log number 0x0 level 4 text \"test adapter 0 is idle after 100 ms\"\n");
}

static void settings(void)
{
	GUID guids[65] = {{1, 2, 3, {4}}};

	nt_allocation_fail(1);
	expect_is(StorPortSetPowerSettingNotificationGuids(world.ext, 1, guids),
		STOR_STATUS_INSUFFICIENT_RESOURCES);
	nt_allocation_fail(0);
	expect_is(StorPortSetPowerSettingNotificationGuids(world.ext, 65, guids),
		STOR_STATUS_INSUFFICIENT_RESOURCES);
	expect_is(
		StorPortSetPowerSettingNotificationGuids(world.ext, 2, guids), STOR_STATUS_SUCCESS);
}

/* covers: StorPortSetPowerSettingNotificationGuids */
static void power_settings_are_registered(void **state)
{
	events_begin(EVENT(LOG));
	world_good(settings);
	events_end();
	assert_non_null(strstr(events, "wants to hear of power setting 00000001-0002-0003"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(adapter_and_unit_register_once),
		world_test(activations_are_counted),
		world_test(only_what_is_registered_takes_hints),
		world_test(power_settings_are_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
