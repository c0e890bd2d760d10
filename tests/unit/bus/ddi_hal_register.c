/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include "bench_device.h"
#include "util/export.h"
#include <ntddk.h>

static struct device d;
static char *reg;
static char *port;

static void add(void)
{
	struct bus_resource r;

	device_add(&d);
	reg = device_map(&d, 0);
	bus_resource_get(d.function, 1, &r);
	port = (char *)(uintptr_t)r.address;
}

#define CHECK_REGISTER(width, type, expected)                                                      \
	do {                                                                                       \
		assert_true(                                                                       \
			READ_REGISTER_##width((volatile type *)(reg + 8)) == (type)(expected));    \
		assert_int_equal(d.size, sizeof(type));                                            \
		assert_int_equal(d.offset, 8);                                                     \
		WRITE_REGISTER_##width((volatile type *)(reg + 16), (type)0xa1a2a3a4a5a6a7a8ull);  \
		assert_int_equal(d.size, sizeof(type));                                            \
		assert_int_equal(d.offset, 16);                                                    \
		assert_true(d.value == (type)0xa1a2a3a4a5a6a7a8ull);                               \
	} while (0)

static void each_width_is_one_access_of_that_size(void **state)
{
	add();
	CHECK_REGISTER(UCHAR, UCHAR, 0x88);
	CHECK_REGISTER(USHORT, USHORT, 0x7788);
	CHECK_REGISTER(ULONG, ULONG, 0x55667788);
	CHECK_REGISTER(ULONG64, ULONG64, 0x1122334455667788ull);
	assert_int_equal(d.reads, 4);
	assert_int_equal(d.writes, 4);
}

static void ports_have_three_widths(void **state)
{
	add();
	assert_int_equal(READ_PORT_UCHAR((PUCHAR)port + 1), 0x88);
	assert_int_equal(d.size, 1);
	assert_int_equal(READ_PORT_USHORT((PUSHORT)port + 1), 0x7788);
	assert_int_equal(d.size, 2);
	assert_int_equal(READ_PORT_ULONG((PULONG)port + 1), 0x55667788);
	assert_int_equal(d.size, 4);
	WRITE_PORT_UCHAR((PUCHAR)port, 0x12);
	WRITE_PORT_USHORT((PUSHORT)port, 0x1234);
	WRITE_PORT_ULONG((PULONG)(port + 20), 0x12345678);
	assert_int_equal(d.value, 0x12345678);
	assert_int_equal(d.offset, 20);
	assert_int_equal(d.writes, 3);
}

/* wdm: READ_REGISTER_BUFFER_*: the register address rises; READ_PORT_BUFFER_*: the port stays. */
static void register_buffers_rise_and_port_buffers_stay(void **state)
{
	ULONG values[4] = {1, 2, 3, 4};
	USHORT words[2] = {5, 6};

	add();
	WRITE_REGISTER_BUFFER_ULONG((volatile ULONG *)(reg + 32), values, 4);
	assert_int_equal(d.writes, 4);
	assert_int_equal(d.offset, 32 + 12);
	assert_int_equal(d.value, 4);
	READ_REGISTER_BUFFER_ULONG((volatile ULONG *)(reg + 32), values, 3);
	assert_int_equal(d.reads, 3);
	assert_int_equal(d.offset, 32 + 8);
	assert_int_equal(values[2], 0x55667788);
	assert_int_equal(values[3], 4);
	WRITE_PORT_BUFFER_USHORT((PUSHORT)(port + 4), words, 2);
	assert_int_equal(d.offset, 4);
	assert_int_equal(d.value, 6);
	READ_PORT_BUFFER_USHORT((PUSHORT)(port + 4), words, 2);
	assert_int_equal(d.offset, 4);
	assert_int_equal(words[1], 0x7788);
	READ_REGISTER_BUFFER_UCHAR((volatile UCHAR *)reg, (PUCHAR)values, 0);
	assert_int_equal(d.reads, 5);
}

static void drivers_can_import_them_all(void **state)
{
	static const char *const widths[] = {"UCHAR", "USHORT", "ULONG", "ULONG64"};
	char name[64];

	for (unsigned i = 0; i < 16; i++) {
		const char *verb = i & 1 ? "READ" : "WRITE", *buffer = i & 2 ? "BUFFER_" : "";

		snprintf(name, sizeof(name), "%s_REGISTER_%s%s", verb, buffer, widths[i / 4]);
		assert_non_null(export_find(name));
		snprintf(name, sizeof(name), "%s_PORT_%s%s", verb, buffer, widths[i / 4]);
		assert_int_equal(!!export_find(name), i / 4 < 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(each_width_is_one_access_of_that_size),
		machine_test(ports_have_three_widths),
		machine_test(register_buffers_rise_and_port_buffers_stay),
		machine_test(drivers_can_import_them_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
