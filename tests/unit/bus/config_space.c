/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Configuration space against the PCI Local Bus Specification 3.0, chapter 6. */
#include "bench_device.h"

static void identity_stands_where_pci_puts_it(void **state)
{
	struct device d;

	device_add(&d);
	assert_int_equal(config_get(&d, 0x00, 4), 0x10011af4);
	assert_int_equal(config_get(&d, 0x08, 4), 0x02080107);
	assert_int_equal(config_get(&d, 0x0e, 1), 0x00);
	assert_int_equal(config_get(&d, 0x2c, 4), 0x56781234);
	assert_int_equal(config_get(&d, 0x3d, 1), 1); /* INTA */
}

static void writes_leave_read_only_bits_alone(void **state)
{
	uint8_t ones[256], before[256], after[256];
	struct device d;

	device_add(&d);
	memset(ones, 0xff, sizeof(ones));
	bus_config_read(d.function, 0, before, 256);
	bus_config_write(d.function, 0, ones, 4);
	bus_config_write(d.function, 6, ones, 6);
	bus_config_write(d.function, 0x28, ones, 0x14);
	bus_config_read(d.function, 0, after, 256);
	assert_memory_equal(before, after, 256);
	bus_config_write(d.function, 0x04, ones, 2);
	/* I/O, memory, master, parity response, SERR# and INTx disable: nothing else exists here */
	assert_int_equal(config_get(&d, 0x04, 2), 0x0547);
}

static void firmware_leaves_decoding_and_mastering_on(void **state)
{
	struct device d;

	device_add(&d);
	assert_int_equal(config_get(&d, 0x04, 2), 7);
	assert_int_equal(d.commands, 1);
	assert_int_equal(d.command, 7);
}

static void the_device_hears_of_command_changes_only(void **state)
{
	struct device d;

	device_add(&d);
	config_set(&d, 0x04, 2, 3);
	assert_int_equal(d.commands, 2);
	assert_int_equal(d.command, 3);
	config_set(&d, 0x04, 2, 3);
	config_set(&d, 0x3c, 1, 11);
	assert_int_equal(d.commands, 2);
	assert_int_equal(config_get(&d, 0x3c, 1), 11);
}

/* 6.2.5.1: write all ones, read back the size as a mask, with the type bits untouched. */
static void bars_answer_sizing(void **state)
{
	struct device d;

	device_add(&d);
	for (unsigned offset = 0x10; offset < 0x28; offset += 4)
		config_set(&d, offset, 4, 0xffffffff);
	assert_int_equal(config_get(&d, 0x10, 4), 0xffffc000);
	assert_int_equal(config_get(&d, 0x14, 4), 0xffffffe1);
	assert_int_equal(config_get(&d, 0x18, 4), 0xfff00004);
	assert_int_equal(config_get(&d, 0x1c, 4), 0xffffffff);
	assert_int_equal(config_get(&d, 0x20, 4), 0xffffffe0);
	assert_int_equal(config_get(&d, 0x24, 4), 0);
}

static void a_bar_answers_only_at_its_place(void **state)
{
	struct device d;
	uint32_t place;
	void *reg;

	device_add(&d);
	reg = device_map(&d, 0);
	place = config_get(&d, 0x10, 4);
	config_set(&d, 0x10, 4, 0xffffffff);
	assert_int_equal((uint32_t)bus_register_read(reg, 4), 0xffffffff);
	assert_int_equal(d.reads, 0);
	config_set(&d, 0x10, 4, place);
	assert_int_equal((uint32_t)bus_register_read(reg, 4), 0x55667788);
	assert_int_equal(d.reads, 1);
}

static void the_upper_half_of_a_64_bit_bar_counts(void **state)
{
	struct device d;
	void *reg;

	device_add(&d);
	reg = device_map(&d, 2);
	config_set(&d, 0x1c, 4, 1);
	assert_int_equal((uint32_t)bus_register_read(reg, 4), 0xffffffff);
	config_set(&d, 0x1c, 4, 0);
	assert_int_equal((uint32_t)bus_register_read(reg, 4), 0x55667788);
}

static void capabilities_form_a_list(void **state)
{
	struct device d;
	unsigned at, seen = 0;

	device_add(&d);
	assert_int_equal(config_get(&d, 0x06, 2) & 0x10, 0x10);
	for (at = config_get(&d, 0x34, 1); at; at = config_get(&d, at + 1, 1)) {
		assert_in_range(at, 0x40, 0xfc);
		switch (config_get(&d, at, 1)) {
		case 0x05: /* MSI: 64-bit, 8 messages = 2^3, disabled */
			assert_int_equal(config_get(&d, at + 2, 2), 0x0086);
			seen |= 1;
			break;
		case 0x11: /* MSI-X: table size - 1; table and pending bits with the BAR's number */
			assert_int_equal(config_get(&d, at + 2, 2), 4);
			assert_int_equal(config_get(&d, at + 4, 4), 0x1000 | 2);
			assert_int_equal(config_get(&d, at + 8, 4), (0x1000 + 5 * 16) | 2);
			seen |= 2;
			break;
		default:
			fail();
		}
	}
	assert_int_equal(seen, 3);
}

static void a_function_without_messages_has_no_capabilities(void **state)
{
	struct bus_function_config config = device_config;
	struct device d;

	config.msi_messages = config.msix_messages = 0;
	device_add_config(&d, &config);
	assert_int_equal(config_get(&d, 0x06, 2), 0);
	assert_int_equal(config_get(&d, 0x34, 1), 0);
}

static void the_status_register_shows_the_line_even_when_disabled(void **state)
{
	struct device d;

	device_add(&d);
	assert_int_equal(config_get(&d, 0x06, 2) & 8, 0);
	config_set(&d, 0x04, 2, 0x407);
	bus_line_set(d.function, true);
	assert_int_equal(config_get(&d, 0x06, 2) & 8, 8);
	assert_int_equal(config_get(&d, 0x04, 4), 0x00180407);
	bus_line_set(d.function, false);
	assert_int_equal(config_get(&d, 0x06, 2) & 8, 0);
}

static void accesses_are_cut_at_256_bytes(void **state)
{
	uint8_t bytes[16];
	struct device d;

	device_add(&d);
	assert_int_equal(bus_config_read(d.function, 250, bytes, 10), 6);
	assert_int_equal(bus_config_read(d.function, 256, bytes, 1), 0);
	assert_int_equal(bus_config_read(d.function, ~0u, bytes, 16), 0);
	assert_int_equal(bus_config_write(d.function, 255, bytes, ~0u), 1);
	assert_int_equal(bus_config_read(NULL, 0, bytes, 4), 0);
}

static void an_unplugged_function_reads_all_ones(void **state)
{
	struct device d;

	device_add(&d);
	bus_function_unplug(d.function);
	assert_int_equal(config_get(&d, 0x00, 4), 0xffffffff);
	config_set(&d, 0x04, 2, 0);
	assert_int_equal(d.commands, 1);
}

/* As the firmware leaves a new card, at the same addresses. */
static void a_function_that_is_plugged_again_is_as_new(void **state)
{
	struct device d;
	uint8_t before[256], after[256];

	device_add(&d);
	bus_config_read(d.function, 0, before, sizeof(before));
	assert_int_equal(bus_messages_enable(d.function, 5), 5);
	config_set(&d, 0x04, 2, 0);
	config_set(&d, 0x3c, 1, 9);
	bus_function_unplug(d.function);
	bus_function_plug(d.function);
	bus_config_read(d.function, 0, after, sizeof(after));
	assert_memory_equal(before, after, sizeof(before));
	assert_false(bus_messages_are_enabled(d.function));
	assert_int_equal(d.command, 7);
}

/* ---- a device that has a configuration space of its own ---- */

/* MSI-X at 0x80, a vendor's capability of 16 bytes at 0x60 after it, MSI at 0x40 at the end. */
static const uint8_t own_space[256] = {[0x06] = 0x10,
	[0x34] = 0x80,
	[0x3d] = 2,
	[0x80] = 0x11,
	0x60,
	[0x60] = 0x09,
	0x40,
	16,
	[0x40] = 0x05,
	0,
	[0x6c] = 0x77};

static struct {
	uint8_t byte[256];
	unsigned writes;
	bool msix;
	unsigned msi, told;
} own;

static uint32_t own_read(void *device, unsigned offset)
{
	assert_int_equal(offset % 4, 0);
	return own.byte[offset] | own.byte[offset + 1] << 8 | own.byte[offset + 2] << 16 |
	       (uint32_t)own.byte[offset + 3] << 24;
}

static void own_write(void *device, unsigned offset, unsigned size, uint32_t value)
{
	assert_int_equal(offset % size, 0);
	for (unsigned n = 0; n < size; n++)
		own.byte[offset + n] = (uint8_t)(value >> 8 * n);
	own.writes++;
}

static void own_messages(void *device, bool msix, unsigned msi)
{
	own.msix = msix;
	own.msi = msi;
	own.told++;
}

static void own_add(struct device *d)
{
	struct bus_function_config config = device_config;
	struct bus_function_ops ops = device_ops;

	config.space = own_space;
	config.msi_at = 0x40;
	config.msix_at = 0x80;
	ops.config_read = own_read;
	ops.config_write = own_write;
	ops.messages = own_messages;
	memset(d, 0, sizeof(*d));
	memset(&own, 0, sizeof(own));
	memcpy(own.byte, own_space, sizeof(own.byte));
	d->function = bus_function_new(&config, &ops, d);
	assert_non_null(d->function);
}

static void a_devices_own_capabilities_are_read_and_written_there(void **state)
{
	struct device d;
	uint8_t all[256];

	own_add(&d);
	own.byte[0x6c] = 0x99; /* it has changed by itself */
	own.byte[0x10] = own.byte[0x82] = 0xee;
	assert_int_equal(config_get(&d, 0x6c, 4), 0x99);
	assert_int_equal(config_get(&d, 0x6b, 2), 0x9900);
	config_set(&d, 0x6d, 2, 0xbeef);
	assert_int_equal(own.writes, 2);
	assert_int_equal(own.byte[0x6d] | own.byte[0x6e] << 8, 0xbeef);
	/* The list is the device's, the header and the message capabilities are the bus's. */
	assert_int_equal(bus_config_read(d.function, 0, all, sizeof(all)), 256);
	assert_int_equal(all[0x34], 0x80);
	assert_int_equal(all[0x81], 0x60);
	assert_int_equal(all[0x61], 0x40);
	assert_int_equal(all[0x41], 0);
	assert_int_equal(all[0x00] | all[0x01] << 8, 0x1af4);
	assert_int_equal(all[0x82] | all[0x83] << 8, 5 - 1);
	assert_true(config_get(&d, 0x10, 4) >= 0xe0000000);
	config_set(&d, 0x04, 2, 7);
	config_set(&d, 0x82, 2, 0);
	config_set(&d, 0x42, 2, 0);
	assert_int_equal(own.writes, 2);
	/* as large as it can be, past what is the bus's */
	bus_config_write(d.function, 0x3e, (uint8_t[20]){[18] = 0x11, [19] = 0x22}, 20);
	assert_int_equal(own.writes, 3);
	assert_int_equal(own.byte[0x50] | own.byte[0x51] << 8, 0x2211);
	bus_config_write(d.function, 0x64, (uint8_t[5]){1, 2, 3, 4, 5}, 5);
	assert_int_equal(own.writes, 5);
	assert_int_equal(own.byte[0x68], 5);
}

static void a_device_hears_which_messages_are_enabled(void **state)
{
	struct device d;

	own_add(&d);
	assert_int_equal(bus_messages_enable(d.function, 5), 5);
	assert_int_equal(own.told, 1);
	assert_true(own.msix && !own.msi);
	bus_messages_disable(d.function);
	assert_int_equal(own.told, 2);
	assert_true(!own.msix && !own.msi);
	config_set(&d, 0x42, 2, 0x21); /* MSI, four granted: PCI 3.0, 6.8.1.3 */
	assert_int_equal(own.told, 3);
	assert_true(!own.msix && own.msi == 4);
	config_set(&d, 0x42, 2, 0x21);
	assert_int_equal(own.told, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(identity_stands_where_pci_puts_it),
		machine_test(writes_leave_read_only_bits_alone),
		machine_test(firmware_leaves_decoding_and_mastering_on),
		machine_test(the_device_hears_of_command_changes_only),
		machine_test(bars_answer_sizing),
		machine_test(a_bar_answers_only_at_its_place),
		machine_test(the_upper_half_of_a_64_bit_bar_counts),
		machine_test(capabilities_form_a_list),
		machine_test(a_function_without_messages_has_no_capabilities),
		machine_test(the_status_register_shows_the_line_even_when_disabled),
		machine_test(accesses_are_cut_at_256_bytes),
		machine_test(an_unplugged_function_reads_all_ones),
		machine_test(a_function_that_is_plugged_again_is_as_new),
		machine_test(a_devices_own_capabilities_are_read_and_written_there),
		machine_test(a_device_hears_which_messages_are_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
