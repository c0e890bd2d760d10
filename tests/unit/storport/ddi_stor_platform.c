/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What a miniport asks of the system around it, with the statuses of the pages. */
#include "world.h"

#include <ntddstor.h>

static STOR_ADDR_BTL8 unit = {
	.Type = STOR_ADDRESS_TYPE_BTL8, .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH};
static STOR_ADDR_BTL8 nobody = {
	.Type = STOR_ADDRESS_TYPE_BTL8, .AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH, .Lun = 7};
#define UNIT   ((PSTOR_ADDRESS)&unit)
#define NOBODY ((PSTOR_ADDRESS)&nobody)

/* ---- the adapter ---- */

static void in_find(PPORT_CONFIGURATION_INFORMATION config)
{
	STOR_ADDR_BTL8 address = unit;

	expect_is(StorPortGetSystemPortNumber(world.ext, (PSTOR_ADDRESS)&address),
		STOR_STATUS_INVALID_DEVICE_STATE);
	expect_is(StorPortSetAdapterBusType(world.ext, BusTypeNvme), STOR_STATUS_SUCCESS);
	expect_is(StorPortSetAdapterBusType(world.ext, BusTypeMax), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetAdapterBusType(world.ext, BusTypeUnknown),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortMarkDumpMemory(world.ext, &unit, sizeof(unit), 0), STOR_STATUS_SUCCESS);
	expect_is(
		StorPortMarkDumpMemory(world.ext, &unit, 0, MARK_DUMP_MEMORY_FLAG_PHYSICAL_ADDRESS),
		STOR_STATUS_SUCCESS);
	expect_is(StorPortMarkDumpMemory(world.ext, &unit, 0, 2), STOR_STATUS_INVALID_PARAMETER);
}

static void of_adapter(void)
{
	STORPORT_FEATURE_TYPE features[] = {
		StorportFeatureResetBusSynchronous, StorportFeatureFruIdAdapterControl};
	STOR_ADDR_BTL8 address = unit;

	address.Port = 9;
	expect_is(StorPortGetSystemPortNumber(world.ext, (PSTOR_ADDRESS)&address),
		STOR_STATUS_SUCCESS);
	expect_is(address.Port, 0);
	address.AddressLength--;
	expect_is(StorPortGetSystemPortNumber(world.ext, (PSTOR_ADDRESS)&address),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetSystemPortNumber(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetAdapterBusType(world.ext, BusTypeNvme), STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortMarkDumpMemory(world.ext, &unit, 1, 0), STOR_STATUS_SUCCESS);
	expect_violation(0, "only DriverEntry and HwStorFindAdapter may call it");
	expect_is(StorPortSetFeatureList(world.ext, 2, features), STOR_STATUS_SUCCESS);
	expect_is(world.adapter->features, 1 << 6 | 1 << 2);
	features[1] = StorportFeatureMax;
	expect_is(StorPortSetFeatureList(world.ext, 2, features), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetFeatureList(world.ext, 1, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetFeatureList(world.ext, 0, features), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetFeatureList(world.ext, StorportFeatureMax + 1, features),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.adapter->features, 1 << 6 | 1 << 2);
	expect_is(
		StorPortHardwareReset(world.ext, StorFunctionLevelReset), STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortHardwareReset(world.ext, StorPlatformLevelReset),
		STOR_STATUS_NOT_IMPLEMENTED);
}

/*
 * covers: StorPortGetSystemPortNumber, StorPortSetAdapterBusType, StorPortMarkDumpMemory,
 * StorPortSetFeatureList, StorPortHardwareReset
 */
static void an_adapter_tells_what_it_is(void **state)
{
	miniport.find = in_find;
	world_good(of_adapter);
}

/* ---- the installation ---- */

static void installation(void)
{
	static const GUID operation = {1, 2, 3, {4}};
	BOOLEAN answer = TRUE;
	ULONG allowed = 5;
	uint8_t irql;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect_is(StorPortIsCurrentOsInstallationUpgrade(world.ext, &answer), STOR_STATUS_SUCCESS);
	expect_is(answer, FALSE);
	expect_is(StorPortIsCurrentOsInstallationUpgrade(world.ext, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	answer = TRUE;
	expect_is(StorPortQueryConfiguration(world.ext, StorportQueryConfigurationD3, &answer),
		STOR_STATUS_SUCCESS);
	expect_is(answer, FALSE);
	expect_is(StorPortQueryConfiguration(world.ext, StorportQueryConfigurationMax, &answer),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortQueryConfiguration(world.ext, StorportQueryConfigurationD3, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortIsDeviceOperationAllowed(world.ext, UNIT, &operation, &allowed),
		STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(StorPortIsDeviceOperationAllowed(world.ext, NOBODY, &operation, &allowed),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortIsDeviceOperationAllowed(world.ext, UNIT, &operation, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInvokeAcpiMethod(world.ext, NULL, 0x5f444453, NULL, 0, NULL, 0, NULL),
		STOR_STATUS_NOT_IMPLEMENTED);
	expect_is(StorPortInvokeAcpiMethod(world.ext, NOBODY, 0x5f444453, NULL, 0, NULL, 0, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortCaptureLiveDump(world.ext, NULL, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortCaptureLiveDump(world.ext, NOBODY, (PVOID)&unit),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortCaptureLiveDump(world.ext, UNIT, (PVOID)&unit), STOR_STATUS_UNSUCCESSFUL);
	expect_is(world.violations, 0);
	irql = cpu_irql_raise(DISPATCH_LEVEL);
	expect_is(StorPortIsCurrentOsInstallationUpgrade(world.ext, &answer),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "it must be PASSIVE_LEVEL");
	expect_is(StorPortIsDeviceOperationAllowed(world.ext, UNIT, &operation, &allowed),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "it must be PASSIVE_LEVEL");
	expect_is(StorPortInvokeAcpiMethod(world.ext, NULL, 0x5f444453, NULL, 0, NULL, 0, NULL),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "it must be PASSIVE_LEVEL");
	expect_is(StorPortCaptureLiveDump(world.ext, UNIT, (PVOID)&unit), STOR_STATUS_UNSUCCESSFUL);
	expect_violation(0, "it must be PASSIVE_LEVEL");
	cpu_irql_lower(irql);
}

/*
 * covers: StorPortIsCurrentOsInstallationUpgrade, StorPortQueryConfiguration,
 * StorPortIsDeviceOperationAllowed, StorPortInvokeAcpiMethod, StorPortCaptureLiveDump
 */
static void the_platform_is_a_fresh_one_without_firmware(void **state)
{
	world_good(installation);
}

/* ---- interrupts ---- */

static _Atomic unsigned interrupts;

static BOOLEAN NTAPI interrupt(PVOID ext, ULONG message)
{
	atomic_fetch_add(&interrupts, 1);
	return TRUE;
}

static void masks(void)
{
	ULONG message = 9;

	interrupts = 0;
	expect_is(StorPortMaskMsixInterrupt(world.ext, 0, TRUE), STOR_STATUS_SUCCESS);
	bus_message_send(world.function, 0);
	cpu_thread_park(2000000);
	expect_is(interrupts, 0);
	expect_is(StorPortMaskMsixInterrupt(world.ext, 0, FALSE), STOR_STATUS_SUCCESS);
	world_wait(interrupts == 1);
	bus_message_send(world.function, 0);
	world_wait(interrupts == 2);
	expect_is(StorPortMaskMsixInterrupt(world.ext, WORLD_MESSAGES, TRUE),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetMessageInterruptIDFromProcessorIndex(world.ext, 1, &message),
		STOR_STATUS_SUCCESS);
	expect_is(message, 1);
	expect_is(world.adapter->vectors[message].interrupt.vector.cpu, 1);
	expect_is(StorPortGetMessageInterruptIDFromProcessorIndex(world.ext, 2, &message),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetMessageInterruptIDFromProcessorIndex(world.ext, 0, NULL),
		STOR_STATUS_INVALID_PARAMETER);
}

static void no_messages(void)
{
	ULONG message;

	expect_is(StorPortMaskMsixInterrupt(world.ext, 0, TRUE), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetMessageInterruptIDFromProcessorIndex(world.ext, 0, &message),
		STOR_STATUS_UNSUCCESSFUL);
}

/* covers: StorPortMaskMsixInterrupt, StorPortGetMessageInterruptIDFromProcessorIndex */
static void a_masked_message_comes_when_it_is_unmasked(void **state)
{
	miniport.cpus = 2;
	miniport.message = interrupt;
	world_good(masks);
	miniport.message = NULL;
	miniport.line = true;
	world_good(no_messages);
}

/* ---- requests ---- */

static PSCSI_REQUEST_BLOCK held;

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	held = srb;
	return TRUE;
}

static void requests(void)
{
	STOR_REQUEST_INFO info = {.Version = STOR_REQUEST_INFO_VER_1,
		.Size = sizeof(info),
		.Flags = 9,
		.Key = 9,
		.IsWriteRequest = TRUE};
	struct world_request r;
	GUID activity;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect_is(StorPortGetRequestInfo(world.ext, held, &info), STOR_STATUS_SUCCESS);
	expect_is(info.PriorityHint, StorIoPriorityNormal);
	expect_is(info.Flags, 0);
	expect_is(info.Key, 0);
	expect_is(info.Length, 4096);
	expect_is(info.IsWriteRequest, FALSE);
	expect_is(StorPortGetRequestInfo(world.ext, NULL, &info), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetRequestInfo(world.ext, held, NULL), STOR_STATUS_INVALID_PARAMETER);
	info.Size--;
	expect_is(StorPortGetRequestInfo(world.ext, held, &info), STOR_STATUS_INVALID_PARAMETER);
	info.Version++;
	expect_is(StorPortGetRequestInfo(world.ext, held, &info), STOR_STATUS_UNSUPPORTED_VERSION);
	expect_is(StorPortGetActivityIdSrb(world.ext, (PVOID)held, &activity),
		STOR_STATUS_UNSUCCESSFUL);
	expect_is(StorPortGetActivityIdSrb(world.ext, (PVOID)held, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortGetActivityIdSrb(world.ext, NULL, &activity),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
}

/* covers: StorPortGetRequestInfo, StorPortGetActivityIdSrb */
static void a_request_tells_its_length_and_direction(void **state)
{
	miniport.start_io = hold;
	world_good(requests);
}

static void attributes(void)
{
	STOR_UNIT_ATTRIBUTES good = {.D3ColdNotSupported = 1}, reserved = {.Reserved = 1};

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect_is(StorPortSetUnitAttributes(world.ext, UNIT, good), STOR_STATUS_SUCCESS);
	expect_is(StorPortSetUnitAttributes(world.ext, UNIT, reserved),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(
		StorPortSetUnitAttributes(world.ext, NOBODY, good), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortSetUnitAttributes(world.ext, NULL, good), STOR_STATUS_INVALID_PARAMETER);
}

/* covers: StorPortSetUnitAttributes */
static void attributes_are_of_a_unit_that_is_there(void **state)
{
	world_good(attributes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(an_adapter_tells_what_it_is),
		world_test(the_platform_is_a_fresh_one_without_firmware),
		world_test(a_masked_message_comes_when_it_is_unmasked),
		world_test(a_request_tells_its_length_and_direction),
		world_test(attributes_are_of_a_unit_that_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
