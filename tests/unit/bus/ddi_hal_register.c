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

/*
 * covers: READ_REGISTER_UCHAR, READ_REGISTER_ULONG, READ_REGISTER_ULONG64,
 * READ_REGISTER_USHORT, WRITE_REGISTER_UCHAR, WRITE_REGISTER_ULONG, WRITE_REGISTER_ULONG64,
 * WRITE_REGISTER_USHORT
 */
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

/*
 * covers: READ_PORT_UCHAR, READ_PORT_ULONG, READ_PORT_USHORT, WRITE_PORT_UCHAR,
 * WRITE_PORT_ULONG, WRITE_PORT_USHORT
 */
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
/*
 * covers: READ_PORT_BUFFER_USHORT, READ_REGISTER_BUFFER_UCHAR, READ_REGISTER_BUFFER_ULONG,
 * WRITE_PORT_BUFFER_USHORT, WRITE_REGISTER_BUFFER_ULONG
 */
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

#define CHECK_REGISTER_BUFFER(width, type, expected)                                               \
	do {                                                                                       \
		type values[3] = {1, 2, 3};                                                        \
		unsigned reads = d.reads, writes = d.writes;                                       \
                                                                                                   \
		WRITE_REGISTER_BUFFER_##width((volatile type *)(reg + 64), values, 3);             \
		assert_int_equal(d.writes - writes, 3);                                            \
		assert_int_equal(d.size, sizeof(type));                                            \
		assert_int_equal(d.offset, 64 + 2 * sizeof(type));                                 \
		assert_int_equal(d.value, 3);                                                      \
		READ_REGISTER_BUFFER_##width((volatile type *)(reg + 64), values, 2);              \
		assert_int_equal(d.reads - reads, 2);                                              \
		assert_int_equal(d.offset, 64 + sizeof(type));                                     \
		assert_true(values[1] == (type)(expected));                                        \
		assert_int_equal(values[2], 3);                                                    \
	} while (0)

#define CHECK_PORT_BUFFER(width, type, expected)                                                   \
	do {                                                                                       \
		type values[3] = {1, 2, 3};                                                        \
		unsigned reads = d.reads, writes = d.writes;                                       \
                                                                                                   \
		WRITE_PORT_BUFFER_##width((type *)(port + 8), values, 3);                          \
		assert_int_equal(d.writes - writes, 3);                                            \
		assert_int_equal(d.size, sizeof(type));                                            \
		assert_int_equal(d.offset, 8);                                                     \
		assert_int_equal(d.value, 3);                                                      \
		READ_PORT_BUFFER_##width((type *)(port + 8), values, 2);                           \
		assert_int_equal(d.reads - reads, 2);                                              \
		assert_int_equal(d.offset, 8);                                                     \
		assert_true(values[1] == (type)(expected));                                        \
		assert_int_equal(values[2], 3);                                                    \
	} while (0)

/*
 * covers: READ_PORT_BUFFER_UCHAR, READ_PORT_BUFFER_ULONG, READ_PORT_BUFFER_USHORT,
 * READ_REGISTER_BUFFER_UCHAR, READ_REGISTER_BUFFER_ULONG, READ_REGISTER_BUFFER_ULONG64,
 * READ_REGISTER_BUFFER_USHORT, WRITE_PORT_BUFFER_UCHAR, WRITE_PORT_BUFFER_ULONG,
 * WRITE_PORT_BUFFER_USHORT, WRITE_REGISTER_BUFFER_UCHAR, WRITE_REGISTER_BUFFER_ULONG,
 * WRITE_REGISTER_BUFFER_ULONG64, WRITE_REGISTER_BUFFER_USHORT
 */
static void buffers_are_accesses_of_their_width(void **state)
{
	add();
	CHECK_REGISTER_BUFFER(UCHAR, UCHAR, 0x88);
	CHECK_REGISTER_BUFFER(USHORT, USHORT, 0x7788);
	CHECK_REGISTER_BUFFER(ULONG, ULONG, 0x55667788);
	CHECK_REGISTER_BUFFER(ULONG64, ULONG64, 0x1122334455667788ull);
	CHECK_PORT_BUFFER(UCHAR, UCHAR, 0x88);
	CHECK_PORT_BUFFER(USHORT, USHORT, 0x7788);
	CHECK_PORT_BUFFER(ULONG, ULONG, 0x55667788);
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
		machine_test(buffers_are_accesses_of_their_width),
		machine_test(drivers_can_import_them_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
