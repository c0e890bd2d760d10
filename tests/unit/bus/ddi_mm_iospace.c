/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include "bench_device.h"
#include <ntddk.h>

static PHYSICAL_ADDRESS address_of(struct device *d, unsigned bar)
{
	PHYSICAL_ADDRESS address;
	struct bus_resource r;

	bus_resource_get(d->function, bar, &r);
	address.QuadPart = (LONGLONG)r.address;
	return address;
}

/* covers: MmMapIoSpace, MmMapIoSpaceEx, MmUnmapIoSpace, READ_REGISTER_ULONG */
static void a_mapped_bar_is_reached_by_the_accessors(void **state)
{
	struct device d;
	char *reg;

	device_add(&d);
	reg = MmMapIoSpace(address_of(&d, 0), 0x1000, MmNonCached);
	assert_non_null(reg);
	assert_int_equal(READ_REGISTER_ULONG((volatile ULONG *)(reg + 0xffc)), 0x55667788);
	MmUnmapIoSpace(reg, 0x1000);
	reg = MmMapIoSpaceEx(address_of(&d, 2), 0x100000, PAGE_READWRITE | PAGE_NOCACHE);
	assert_non_null(reg);
	MmUnmapIoSpace(reg, 0x100000);
	assert_int_equal(violation.count, 0);
}

/* Bug check 0xC4/0x83: MmMapIoSpace of what is no device's. */
/* covers: MmMapIoSpace, MmMapIoSpaceEx */
static void what_is_no_device_is_not_mapped(void **state)
{
	PHYSICAL_ADDRESS ram = {.QuadPart = 0x100000};
	struct device d;

	device_add(&d);
	assert_null(MmMapIoSpaceEx(ram, 0x1000, PAGE_READWRITE));
	assert_violation("no device's memory");
	assert_null(MmMapIoSpace(ram, 0x1000, MmNonCached));
	assert_int_equal(violation.number, 0xC4000083);
	assert_violation("no device's memory");
	assert_null(MmMapIoSpace(address_of(&d, 0), (1ull << 32) + 4, MmNonCached));
	assert_violation("no device's memory");
}

/* Bug check 0xC4/0x73: above DISPATCH_LEVEL. */
static void map_at_dirql(void)
{
	struct device d;
	uint8_t old;
	void *reg;

	device_add(&d);
	old = cpu_irql_raise(IRQL_DISPATCH);
	reg = MmMapIoSpace(address_of(&d, 0), 16, MmNonCached);
	assert_int_equal(violation.count, 0);
	bus_unmap(reg);
	cpu_irql_raise(IRQL_DEVICE_MIN);
	reg = MmMapIoSpace(address_of(&d, 0), 16, MmNonCached);
	assert_int_equal(violation.number, 0xC4000073);
	assert_violation("MmMapIoSpace at IRQL 3");
	bus_unmap(reg);
	cpu_irql_lower(old);
}

static void mapping_above_dispatch_is_reported(void **state)
{
	on_processor(map_at_dirql);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(a_mapped_bar_is_reached_by_the_accessors),
		machine_test(what_is_no_device_is_not_mapped),
		machine_test(mapping_above_dispatch_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
