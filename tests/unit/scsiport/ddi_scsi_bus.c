/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Configuration space, BARs, registers and ports, as SCSI Port has them; and its small services. */
#include "world.h"

static void config_space(void)
{
	PCI_COMMON_CONFIG config;
	ULONG slot = world.adapter->config.SlotNumber;
	USHORT vendor = 0;
	UCHAR line = 0x5a;

	expect_is(ScsiPortGetBusData(world.ext, PCIConfiguration, 0, slot, &config, sizeof(config)),
		sizeof(config));
	expect_is(config.VendorID, 0x1234);
	expect_is(config.DeviceID, 0x5678);
	/* An empty slot: no vendor, and nothing behind. */
	expect_is(ScsiPortGetBusData(world.ext, PCIConfiguration, 0, slot + 7, &config, 64), 2);
	expect_is(config.VendorID, PCI_INVALID_VENDORID);
	expect_is(ScsiPortGetBusData(world.ext, PCIConfiguration, 0, slot + 7, &config, 1), 0);
	expect_is(ScsiPortGetBusData(world.ext, PCIConfiguration, 1, slot, &config, 64), 0);
	expect_is(ScsiPortGetBusData(world.ext, EisaConfiguration, 0, slot, &config, 64), 0);
	expect_is(ScsiPortGetBusData(world.ext, PCIConfiguration, 0, slot, NULL, 64), 0);

	expect_is(ScsiPortSetBusDataByOffset(world.ext, PCIConfiguration, 0, slot, &line, 0x3c, 1),
		1);
	ScsiPortGetBusData(world.ext, PCIConfiguration, 0, slot, &config, sizeof(config));
	expect_is(config.u.type0.InterruptLine, 0x5a);
	expect_is(ScsiPortSetBusDataByOffset(
			  world.ext, PCIConfiguration, 0, slot + 7, &line, 0x3c, 1),
		0);
	expect_is(
		ScsiPortSetBusDataByOffset(world.ext, PCIConfiguration, 0, slot, NULL, 0x3c, 1), 0);
	expect_is(ScsiPortGetBusData(&vendor, PCIConfiguration, 0, slot, &config, 64), 0);
	expect_violation(0, "HwDeviceExtension");
	expect_is(ScsiPortSetBusDataByOffset(&vendor, PCIConfiguration, 0, slot, &line, 0, 1), 0);
	expect_violation(0, "HwDeviceExtension");
}

/* covers: ScsiPortGetBusData, ScsiPortSetBusDataByOffset */
static void configuration_space_of_each_slot_is_read_and_of_its_own_written(void **state)
{
	world_good(config_space);
}

static const PCI_COMMON_CONFIG *port_buffer;

static void ask_for_a_buffer(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	ULONG slot = config->SlotNumber;

	expect_is(ScsiPortGetBusData(world.ext, PCIConfiguration, 0, slot, &port_buffer, 0), 256);
	expect_is(port_buffer->VendorID, 0x1234);
	expect_is(port_buffer->DeviceID, 0x5678);
	expect_is(ScsiPortGetBusData(world.ext, PCIConfiguration, 0, slot + 7, &port_buffer, 0), 2);
	expect_is(port_buffer->VendorID, PCI_INVALID_VENDORID);
}

static void ask_for_a_buffer_late(void)
{
	ULONG slot = world.adapter->config.SlotNumber;

	expect_is(ScsiPortGetBusData(world.ext, PCIConfiguration, 0, slot, &port_buffer, 0), 0);
	expect_violation(0, "outside HwScsiFindAdapter");
}

/* covers: ScsiPortGetBusData */
static void with_length_0_the_port_makes_the_buffer(void **state)
{
	miniport.find = ask_for_a_buffer;
	world_good(ask_for_a_buffer_late);
}

static void ranges(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	SCSI_PHYSICAL_ADDRESS start = found.range.RangeStart, wrong = {.QuadPart = 0x1000};
	void *again;

	expect(found.base != NULL);
	expect(ScsiPortValidateRange(world.ext, PCIBus, 0, start, WORLD_BAR, FALSE));
	expect_is(ScsiPortValidateRange(world.ext, PCIBus, 0, wrong, WORLD_BAR, FALSE), FALSE);
	expect_is(ScsiPortValidateRange(world.ext, PCIBus, 0, start, WORLD_BAR * 2, FALSE), FALSE);
	expect_is(ScsiPortValidateRange(NULL, PCIBus, 0, start, WORLD_BAR, FALSE), FALSE);
	expect_violation(0, "HwDeviceExtension");

	expect_is(ScsiPortGetDeviceBase(world.ext, PCIBus, 0, wrong, 4, FALSE), NULL);
	expect_violation(0, "not assigned");
	expect_is(ScsiPortGetDeviceBase(NULL, PCIBus, 0, start, 4, FALSE), NULL);
	expect_violation(0, "HwDeviceExtension");
	for (unsigned n = 1; n < PORT_HBA_MAPS; n++) /* FindAdapter has one */
		expect(ScsiPortGetDeviceBase(world.ext, PCIBus, 0, start, 4, FALSE) != NULL);
	expect_is(ScsiPortGetDeviceBase(world.ext, PCIBus, 0, start, 4, FALSE), NULL);
	expect_violation(0, "mapped already");
	ScsiPortFreeDeviceBase(world.ext, found.base);
	again = ScsiPortGetDeviceBase(world.ext, PCIBus, 0, start, WORLD_BAR, FALSE);
	expect(again != NULL);
	ScsiPortFreeDeviceBase(world.ext, &start);
	expect_violation(0, "did not come from");
	ScsiPortFreeDeviceBase(NULL, again);
	expect_violation(0, "HwDeviceExtension");
}

/* covers: ScsiPortGetDeviceBase, ScsiPortFreeDeviceBase, ScsiPortValidateRange */
static void what_is_the_adapters_is_mapped_and_nothing_else(void **state)
{
	miniport.find = ranges;
	world_good(NULL);
}

/* "Can be called only from HwScsiFindAdapter", the second from HwScsiAdapterControl too when the
 * control type is ScsiSetRunningConfig. */
static void ranges_late(void)
{
	SCSI_PHYSICAL_ADDRESS start = found.range.RangeStart;

	expect(ScsiPortValidateRange(world.ext, PCIBus, 0, start, WORLD_BAR, FALSE));
	expect_violation(0, "ScsiPortValidateRange outside HwScsiFindAdapter");
	expect(ScsiPortGetDeviceBase(world.ext, PCIBus, 0, start, 4, FALSE) != NULL);
	expect_violation(0, "ScsiPortGetDeviceBase outside HwScsiFindAdapter and");
}

static unsigned configured;

static SCSI_ADAPTER_CONTROL_STATUS NTAPI map_again(
	PVOID ext, SCSI_ADAPTER_CONTROL_TYPE type, PVOID parameters)
{
	PSCSI_SUPPORTED_CONTROL_TYPE_LIST list = parameters;

	if (type == ScsiQuerySupportedControlTypes) {
		list->SupportedTypeList[ScsiStopAdapter] = TRUE;
		list->SupportedTypeList[ScsiRestartAdapter] = TRUE;
		list->SupportedTypeList[ScsiSetRunningConfig] = TRUE;
	} else if (type == ScsiSetRunningConfig) {
		configured++;
		ScsiPortFreeDeviceBase(ext, found.base);
		found.base = ScsiPortGetDeviceBase(
			ext, PCIBus, 0, found.range.RangeStart, found.range.RangeLength, FALSE);
		expect(found.base != NULL);
	}
	return ScsiAdapterControlSuccess;
}

static void sleep_and_wake(void)
{
	configured = 0;
	expect_is(port_hba_power(&world.adapter->hba, StorPowerDeviceD3, StorPowerActionSleep), 0);
	expect_is(port_hba_power(&world.adapter->hba, StorPowerDeviceD0, StorPowerActionSleep), 0);
	expect_is(configured, 1);
	expect_is(world.violations, 0);
}

/* covers: ScsiPortGetDeviceBase, ScsiPortValidateRange */
static void ranges_are_for_those_who_find_or_configure(void **state)
{
	world_good(ranges_late);
	miniport.control = map_again;
	world_good(sleep_and_wake);
}

/* ---- registers ---- */

static void registers(void)
{
	char *base = found.base;
	ULONG longs[3] = {0x11223344, 0x55667788, 0x99aabbcc}, back[3] = {0};
	USHORT shorts[2] = {0x1122, 0x3344}, short_back[2] = {0};
	UCHAR bytes[2] = {0x12, 0x34}, byte_back[2] = {0};

	ScsiPortWriteRegisterUlong((PULONG)base, 0xdeadbeef);
	expect_is(world.registers[0], 0xdeadbeef);
	expect_is(ScsiPortReadRegisterUlong((PULONG)base), 0xdeadbeef);
	expect_is(ScsiPortReadRegisterUshort((PUSHORT)(base + 2)), 0xdead);
	expect_is(ScsiPortReadRegisterUchar((PUCHAR)(base + 1)), 0xbe);
	ScsiPortWriteRegisterUshort((PUSHORT)(base + 4), 0x1234);
	expect_is(world.registers[1], 0x1234);
	ScsiPortWriteRegisterUchar((PUCHAR)(base + 4), 0x56);
	expect_is(world.registers[1], 0x56);
	/* a register's buffer goes up, a register each */
	ScsiPortWriteRegisterBufferUlong((PULONG)base, longs, 3);
	ScsiPortReadRegisterBufferUlong((PULONG)base, back, 3);
	for (unsigned n = 0; n < 3; n++) {
		expect_is(world.registers[n], longs[n]);
		expect_is(back[n], longs[n]);
	}
	ScsiPortReadRegisterBufferUshort((PUSHORT)base, short_back, 2);
	expect_is(short_back[0], 0x3344);
	expect_is(short_back[1], 0x1122);
	ScsiPortReadRegisterBufferUchar((PUCHAR)base, byte_back, 2);
	expect_is(byte_back[0], 0x44);
	expect_is(byte_back[1], 0x33);
	/* this device takes what is written as the whole register: the last stays */
	ScsiPortWriteRegisterBufferUshort((PUSHORT)base, shorts, 2);
	expect_is(world.registers[0], 0x3344);
	ScsiPortWriteRegisterBufferUchar((PUCHAR)base, bytes, 2);
	expect_is(world.registers[0], 0x34);
}

/* covers: ScsiPortReadRegisterUchar, ScsiPortReadRegisterUshort, ScsiPortReadRegisterUlong,
 * ScsiPortWriteRegisterUchar, ScsiPortWriteRegisterUshort, ScsiPortWriteRegisterUlong,
 * ScsiPortReadRegisterBufferUchar, ScsiPortReadRegisterBufferUshort,
 * ScsiPortReadRegisterBufferUlong, ScsiPortWriteRegisterBufferUchar,
 * ScsiPortWriteRegisterBufferUshort, ScsiPortWriteRegisterBufferUlong */
static void register_accessors_reach_the_device(void **state)
{
	world_good(registers);
}

static char *port_base;

static void map_ports(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	SCSI_PHYSICAL_ADDRESS start = (*config->AccessRanges)[1].RangeStart;

	port_base = ScsiPortGetDeviceBase(world.ext, PCIBus, 0, start, 0x20, TRUE);
}

static void ports(void)
{
	char *base = port_base;
	ULONG longs[2] = {1, 0xa1b2c3d4}, back[2] = {0};
	USHORT shorts[2] = {1, 0x1122}, short_back[2] = {0};
	UCHAR bytes[2] = {1, 0x77}, byte_back[2] = {0};

	expect(base != NULL);
	ScsiPortWritePortUlong((PULONG)base, 0xcafef00d);
	expect_is(world.registers[0], 0xcafef00d);
	expect_is(ScsiPortReadPortUlong((PULONG)base), 0xcafef00d);
	expect_is(ScsiPortReadPortUshort((PUSHORT)(base + 2)), 0xcafe);
	expect_is(ScsiPortReadPortUchar((PUCHAR)(base + 3)), 0xca);
	ScsiPortWritePortUshort((PUSHORT)base, 0x4321);
	expect_is(world.registers[0], 0x4321);
	ScsiPortWritePortUchar((PUCHAR)base, 0x65);
	expect_is(world.registers[0], 0x65);
	/* a port's buffer goes through the one port */
	ScsiPortWritePortBufferUlong((PULONG)base, longs, 2);
	expect_is(world.registers[0], 0xa1b2c3d4);
	ScsiPortReadPortBufferUlong((PULONG)base, back, 2);
	expect_is(back[0], 0xa1b2c3d4);
	expect_is(back[1], 0xa1b2c3d4);
	ScsiPortReadPortBufferUshort((PUSHORT)base, short_back, 2);
	expect_is(short_back[1], 0xc3d4);
	ScsiPortReadPortBufferUchar((PUCHAR)base, byte_back, 2);
	expect_is(byte_back[1], 0xd4);
	ScsiPortWritePortBufferUshort((PUSHORT)base, shorts, 2);
	expect_is(world.registers[0], 0x1122);
	ScsiPortWritePortBufferUchar((PUCHAR)base, bytes, 2);
	expect_is(world.registers[0], 0x77);
}

/* covers: ScsiPortReadPortUchar, ScsiPortReadPortUshort, ScsiPortReadPortUlong,
 * ScsiPortWritePortUchar, ScsiPortWritePortUshort, ScsiPortWritePortUlong,
 * ScsiPortReadPortBufferUchar, ScsiPortReadPortBufferUshort, ScsiPortReadPortBufferUlong,
 * ScsiPortWritePortBufferUchar, ScsiPortWritePortBufferUshort, ScsiPortWritePortBufferUlong */
static void port_accessors_reach_the_device(void **state)
{
	miniport.find = map_ports;
	world_good(ports);
}

/* ---- small services ---- */

static void services(void)
{
	char text[] = "abcdef";
	LARGE_INTEGER first, second;

	ScsiPortMoveMemory(text + 1, text, 4);
	expect_has(text, "aabcdf");
	ScsiPortQuerySystemTime(&first);
	ScsiPortStallExecution(1000);
	ScsiPortQuerySystemTime(&second);
	expect(second.QuadPart - first.QuadPart >= 10000); /* of 100 ns */
	ScsiPortStallExecution(100001);
	expect_violation(0xf1001001, "100000");
	ScsiPortLogError(world.ext, NULL, 0, 0, 0, SP_BUS_PARITY_ERROR, 0x1234);
	ScsiPortLogError(NULL, NULL, 0, 0, 0, SP_BUS_PARITY_ERROR, 0x1234);
	expect_violation(0, "HwDeviceExtension");
	ScsiDebugPrint(3, (PCCHAR) "%s", "nobody sees this");
}

/* covers: ScsiPortMoveMemory, ScsiPortStallExecution, ScsiPortQuerySystemTime, ScsiPortLogError,
 * ScsiDebugPrint */
static void small_services_do_what_they_are_for(void **state)
{
	world_good(services);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(configuration_space_of_each_slot_is_read_and_of_its_own_written),
		world_test(with_length_0_the_port_makes_the_buffer),
		world_test(what_is_the_adapters_is_mapped_and_nothing_else),
		world_test(ranges_are_for_those_who_find_or_configure),
		world_test(register_accessors_reach_the_device),
		world_test(port_accessors_reach_the_device),
		world_test(small_services_do_what_they_are_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
