/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Return values of HalGetBusData as documented (ntddk: halgetbusdata, halgetbusdatabyoffset). */
#include "bench_device.h"
#include <ntddk.h>

/* covers: HalGetBusDataByOffset */
static void the_common_header_is_read_by_slot(void **state)
{
	PCI_COMMON_CONFIG config;
	struct device d;
	ULONG slot;

	device_add(&d);
	slot = bus_function_slot(d.function);
	assert_int_equal(HalGetBusData(PCIConfiguration, 0, slot, &config, sizeof(config)), 256);
	assert_int_equal(config.VendorID, 0x1af4);
	assert_int_equal(config.u.type0.SubSystemID, 0x5678);
	assert_int_equal(HalGetBusDataByOffset(PCIConfiguration, 0, slot, &config, 0x2c, 4), 4);
	assert_int_equal(config.VendorID, 0x1234);
}

/* covers: HalSetBusDataByOffset */
static void a_write_changes_the_command_register(void **state)
{
	USHORT command = PCI_ENABLE_MEMORY_SPACE;
	struct device d;
	ULONG slot;

	device_add(&d);
	slot = bus_function_slot(d.function);
	assert_int_equal(HalSetBusDataByOffset(PCIConfiguration, 0, slot, &command, 4, 2), 2);
	assert_int_equal(d.command, 2);
}

/* covers: HalGetBusData, HalSetBusData */
static void an_empty_slot_answers_with_an_invalid_vendor(void **state)
{
	USHORT vendor = 0;

	assert_int_equal(HalGetBusData(PCIConfiguration, 0, 9, &vendor, 2), 2);
	assert_int_equal(vendor, PCI_INVALID_VENDORID);
	assert_int_equal(HalSetBusData(PCIConfiguration, 0, 9, &vendor, 2), 0);
}

/* covers: HalGetBusData, HalGetBusDataByOffset, HalSetBusDataByOffset */
static void other_buses_and_functions_do_not_exist(void **state)
{
	PCI_COMMON_CONFIG config;
	struct device d;
	ULONG slot;

	device_add(&d);
	slot = bus_function_slot(d.function);
	assert_int_equal(HalGetBusData(PCIConfiguration, 1, slot, &config, 256), 0);
	assert_int_equal(HalGetBusData(Cmos, 0, slot, &config, 256), 0);
	assert_int_equal(HalSetBusData(PCIConfiguration, 1, slot, &config, 256), 0);
	assert_int_equal(HalGetBusDataByOffset(PCIConfiguration, 1, slot, &config, 0, 256), 0);
	assert_int_equal(HalGetBusDataByOffset(PCIConfiguration, 0, 9, &config, 2, 2), 0);
	assert_int_equal(HalSetBusDataByOffset(PCIConfiguration, 1, slot, &config, 0, 256), 0);
	/* function 1 of the device: bits 7:5 of the slot number */
	assert_int_equal(HalGetBusData(PCIConfiguration, 0, slot | 1 << 5, &config, 256), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(the_common_header_is_read_by_slot),
		machine_test(a_write_changes_the_command_register),
		machine_test(an_empty_slot_answers_with_an_invalid_vendor),
		machine_test(other_buses_and_functions_do_not_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
