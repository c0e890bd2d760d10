/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Configuration space and BARs as a miniport reaches them (contracts 9 to 11). */
#include "world.h"

static ULONG slot(void)
{
	return world.adapter->config.SlotNumber;
}

/* ---- configuration space ---- */

static void config_space(void)
{
	UCHAR data[300];
	USHORT command, changed;

	memset(data, 0xee, sizeof(data));
	/* virtio reads all 256 bytes, with capabilities (contract 11) */
	expect_is(StorPortGetBusData(world.ext, PCIConfiguration, 0, slot(), data, 256), 256);
	expect_is(data[0] | data[1] << 8, 0x1234);
	expect_is(data[2] | data[3] << 8, 0x5678);
	expect_is(data[11], 1); /* mass storage */
	expect(data[6] & 0x10); /* status: there are capabilities */
	expect_is(data[256], 0xee);
	/* more than there is */
	expect_is(StorPortGetBusData(world.ext, PCIConfiguration, 0, slot(), data, 300), 256);
	expect_is(data[256], 0xee);

	command = (USHORT)(data[4] | data[5] << 8);
	changed = command ^ 0x400; /* INTx disable */
	expect_is(
		StorPortSetBusDataByOffset(world.ext, PCIConfiguration, 0, slot(), &changed, 4, 2),
		2);
	StorPortGetBusData(world.ext, PCIConfiguration, 0, slot(), data, 64);
	expect_is(data[4] | data[5] << 8, changed);
	StorPortSetBusDataByOffset(world.ext, PCIConfiguration, 0, slot(), &command, 4, 2);
	/* identity is read only */
	StorPortSetBusDataByOffset(world.ext, PCIConfiguration, 0, slot(), &changed, 0, 2);
	StorPortGetBusData(world.ext, PCIConfiguration, 0, slot(), data, 2);
	expect_is(data[0] | data[1] << 8, 0x1234);

	expect_is(StorPortGetBusData(world.ext, PCIConfiguration, 0, slot() + 1, data, 64), 0);
	expect_is(StorPortGetBusData(world.ext, Cmos, 0, slot(), data, 64), 0);
	expect_is(StorPortGetBusData(world.ext, PCIConfiguration, 0, slot(), NULL, 64), 0);
	expect_is(StorPortSetBusDataByOffset(
			  world.ext, PCIConfiguration, 0, slot() + 1, &command, 4, 2),
		0);
	expect_is(StorPortSetBusDataByOffset(
			  world.ext, PCIConfiguration, 0, slot(), &command, 256, 2),
		0);
	expect_is(world.violations, 0);
	expect_is(StorPortGetBusData(data, PCIConfiguration, 0, slot(), data, 64), 0);
	expect_violation(0, "no HwDeviceExtension");
}

/* covers: StorPortGetBusData, StorPortSetBusDataByOffset */
static void configuration_space_is_read_and_written_at_the_adapters_slot_only(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, config_space);
	assert_int_equal(world.start_result, 0);
}

/* ---- BARs ---- */

static ACCESS_RANGE ranges[6];
static ULONG range_count;

static void keep_ranges(PPORT_CONFIGURATION_INFORMATION config)
{
	range_count = config->NumberOfAccessRanges;
	memcpy(ranges, *config->AccessRanges, range_count * sizeof(ranges[0]));
}

static PVOID map(const ACCESS_RANGE *range, ULONG offset, ULONG bytes)
{
	STOR_PHYSICAL_ADDRESS at = {.QuadPart = range->RangeStart.QuadPart + offset};

	return StorPortGetDeviceBase(world.ext, PCIBus, 0, at, bytes, !range->RangeInMemory);
}

static void bars(void)
{
	UCHAR data[64];
	PUCHAR memory, ports;
	ULONG bar0, bar1;

	/* Contract 11: the ranges agree with the BARs in configuration space. */
	StorPortGetBusData(world.ext, PCIConfiguration, 0, slot(), data, 64);
	memcpy(&bar0, data + 0x10, 4);
	memcpy(&bar1, data + 0x14, 4);
	expect(range_count >= 2);
	expect_is(ranges[0].RangeStart.QuadPart, bar0 & ~15u);
	expect(ranges[0].RangeInMemory);
	expect_is(ranges[0].RangeLength, WORLD_BAR);
	expect_is(ranges[1].RangeStart.QuadPart, bar1 & ~3u);
	expect(!ranges[1].RangeInMemory);
	expect_is(ranges[1].RangeLength, WORLD_PORTS);

	memory = map(&ranges[0], 0, WORLD_BAR);
	ports = map(&ranges[1], 0, WORLD_PORTS);
	/* Contract 10: ports are small numbers, registers large ones. */
	expect((uintptr_t)ports < 0x10000 && ports != NULL);
	expect((uintptr_t)memory >= 0x10000);
	/* Contract 9: accessors do not need the extension. */
	StorPortWriteRegisterUlong(NULL, (PULONG)(memory + 64), 0x12345678);
	expect_is(world.registers[16], 0x12345678);
	expect_is(StorPortReadRegisterUlong(NULL, (PULONG)(memory + 64)), 0x12345678);
	StorPortWritePortUlong(NULL, (PULONG)(ports + 8), 0x9abcdef0);
	expect_is(world.registers[2], 0x9abcdef0);
	expect_is(world.violations, 0);
	StorPortFreeDeviceBase(world.ext, memory);
	StorPortFreeDeviceBase(world.ext, ports);
	expect_is(world.violations, 0);
	/* gone */
	expect_is(StorPortReadRegisterUlong(NULL, (PULONG)(memory + 64)), 0xffffffff);
	expect_is(atomic_exchange(&world.violations, 0), 1);
}

static void bars_are_mapped_where_the_access_ranges_say(void **state)
{
	miniport.offer = keep_ranges;
	world_run(DMA_CALLBACK_QUEUED, bars);
}

static void not_assigned(ULONGLONG at, ULONG bytes, BOOLEAN is_io)
{
	STOR_PHYSICAL_ADDRESS address = {.QuadPart = (LONGLONG)at};

	expect_is(StorPortGetDeviceBase(world.ext, PCIBus, 0, address, bytes, is_io), NULL);
	expect_violation(0xf1002003, "not assigned");
}

static struct bus_function *other;

static void not_assigned_ones(void)
{
	struct bus_resource foreign;
	void *there;

	not_assigned(ranges[0].RangeStart.QuadPart, WORLD_BAR + 1, FALSE);
	not_assigned(ranges[0].RangeStart.QuadPart, WORLD_BAR, TRUE);
	not_assigned(ranges[0].RangeStart.QuadPart, 0, FALSE);
	not_assigned(ranges[1].RangeStart.QuadPart, WORLD_PORTS, FALSE);
	not_assigned(0, 4096, FALSE);
	not_assigned(~0ull, 4096, FALSE);
	/* another device's, which stays unmapped */
	expect(bus_resource_get(other, 0, &foreign));
	there = bus_map(foreign.address, 4096, false, NULL);
	expect(bus_resolve(there, NULL, NULL, NULL));
	bus_unmap(there);
	not_assigned(foreign.address, 4096, FALSE);
	expect(!bus_resolve(there, NULL, NULL, NULL));
}

static void add_other(PPORT_CONFIGURATION_INFORMATION config)
{
	static const struct bus_function_ops ops = {
		.read = world_register_read, .write = world_register_write};
	const struct bus_function_config other_config = {.vendor = 1,
		.device = 2,
		.base_class = 2,
		.bar[0] = {.size = 4096},
		.name = "other"};

	keep_ranges(config);
	other = bus_function_new(&other_config, &ops, NULL);
	expect(other != NULL);
}

static void free_other_after(void)
{
	not_assigned_ones();
	bus_function_free(other);
}

/* 0xF1/0x2003 */
/* covers: StorPortGetDeviceBase */
static void an_address_that_was_not_assigned_is_refused_and_reported(void **state)
{
	miniport.offer = add_other;
	world_run(DMA_CALLBACK_QUEUED, free_other_after);
	assert_int_equal(world.start_result, 0);
}

static void map_often(void)
{
	PVOID at[PORT_HBA_MAPS];

	/* The same range twice, and parts of it: each is undone by itself. */
	for (unsigned n = 0; n < PORT_HBA_MAPS; n++) {
		at[n] = map(&ranges[0], n / 2 * 16, 16);
		expect(at[n] != NULL);
	}
	expect_is(at[0], at[1]);
	expect_is(world.violations, 0);
	expect_is(map(&ranges[0], 0, 16), NULL);
	expect_violation(0, "mapped already");
	for (unsigned n = 0; n < PORT_HBA_MAPS; n++) {
		world.registers[0] = n;
		expect_is(StorPortReadRegisterUlong(NULL, (PULONG)((PUCHAR)at[n] - n / 2 * 16)), n);
		StorPortFreeDeviceBase(world.ext, at[n]);
	}
	expect_is(world.violations, 0);
	StorPortFreeDeviceBase(world.ext, at[0]);
	expect_violation(0, "did not come from StorPortGetDeviceBase");
	StorPortFreeDeviceBase(world.ext, NULL);
	expect_violation(0, "did not come from StorPortGetDeviceBase");
	/* one left behind is no leak of ours: the adapter's end undoes it */
	expect(map(&ranges[0], 0, 16) != NULL);
}

/* covers: StorPortFreeDeviceBase, StorPortGetDeviceBase */
static void each_mapping_is_undone_once(void **state)
{
	miniport.offer = keep_ranges;
	world_run(DMA_CALLBACK_QUEUED, map_often);
	assert_int_equal(world.violations, 0);
}

static void validate(void)
{
	STOR_PHYSICAL_ADDRESS own = ranges[0].RangeStart, other = {.QuadPart = 0x1f0};

	expect(StorPortValidateRange(world.ext, PCIBus, 0, own, 16, FALSE));
	expect(StorPortValidateRange(world.ext, Isa, 7, other, 8, TRUE));
}

/* covers: StorPortValidateRange */
static void every_range_is_valid(void **state)
{
	miniport.offer = keep_ranges;
	world_good(validate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(configuration_space_is_read_and_written_at_the_adapters_slot_only),
		world_test(bars_are_mapped_where_the_access_ranges_say),
		world_test(an_address_that_was_not_assigned_is_refused_and_reported),
		world_test(each_mapping_is_undone_once),
		world_test(every_range_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
