/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The simple controller's registers and options, against docs/simple-controller.md. */
#include "driver.h"
#include <errno.h>

static void identity(void)
{
	static const uint8_t expected[] = {0x52, 0x44, 0x01, 0x00};
	uint8_t bytes[4], class[4];
	struct driver d;

	driver_open(&d, "");
	bus_config_read(d.function, 0, bytes, 4);
	assert_memory_equal(bytes, expected, 4);
	bus_config_read(d.function, 8, class, 4);
	assert_memory_equal(class, "\x01\x00\x80\x01", 4);
	assert_int_equal(reg_get(&d, VERSION), 0x44525902);
	assert_int_equal(reg_get(&d, STATUS), 0);
	assert_int_equal(reg_get(&d, FEATURES), 64);
	assert_int_equal(reg_get(&d, ENTRIES), 256);
	assert_int_equal(reg_get(&d, ELEMENTS), 1024);
	assert_int_equal(reg_get(&d, BLOCK_SIZE), 512);
	assert_true(bus_register_read(d.regs + BLOCKS, 8) == 8192);
	assert_int_equal(reg_get(&d, BLOCKS), 8192);
	assert_int_equal(reg_get(&d, BLOCKS + 4), 0);
	assert_int_equal(reg_get(&d, 0x38), 0);
	assert_int_equal(reg_get(&d, 0x1ffc), 0);
	driver_close(&d);
}

static void options(void)
{
	const struct hw_config config = {.options = "null,ring=16,max-elements=7,width=32",
		.size = 3ull << 40,
		.block_size = 4096,
		.read_only = true};
	struct driver d;

	driver_open_config(&d, &config);
	assert_int_equal(reg_get(&d, ENTRIES), 16);
	assert_int_equal(reg_get(&d, ELEMENTS), 7);
	assert_int_equal(reg_get(&d, FEATURES), 32 | 1 << 8);
	assert_int_equal(reg_get(&d, BLOCK_SIZE), 4096);
	assert_true(bus_register_read(d.regs + BLOCKS, 8) == 3ull << 28);
	assert_int_equal(reg_get(&d, BLOCKS), 3u << 28);
	driver_close(&d);
	for (unsigned i = 0; i < 4; i++) {
		static const char *const kinds[] = {"", "messages=7", "intx", "msi,messages=2"};
		static const unsigned messages[] = {4, 7, 0, 2};

		driver_open(&d, kinds[i]);
		assert_int_equal(bus_messages_enable(d.function, 64), messages[i]);
		bus_messages_disable(d.function);
		driver_close(&d);
	}
}

static void bad_options(void)
{
	static const struct {
		const char *options, *reason;
	} cases[] = {
		{"foo", "no option \"foo\""},
		{"ring=3", "power of two"},
		{"ring=2048", "from 2 to 1024"},
		{"ring=1", "from 2 to 1024"},
		{"messages=0", "from 1 to 64"},
		{"msi,messages=3", "power of two"},
		{"msi,messages=64", "from 1 to 32"},
		{"msi,intx", "exclude each other"},
		{"width=65", "from 16 to 64"},
		{"max-elements=0", "from 1 to 4096"},
		{"null=1", "takes no value"},
		{"delay", "needs a value"},
	};
	const struct hw_model *model = hw_find("simple");
	struct hw_device *device;

	for (unsigned i = 0; i < array_size(cases); i++) {
		struct hw_config config = {
			.options = cases[i].options, .size = 1 << 20, .block_size = 512};

		assert_int_equal(model->create(&config, &device), -EINVAL);
		if (!strstr(error_text(), cases[i].reason))
			fail_msg("%s: %s", cases[i].options, error_text());
		assert_null(bus_function_get(0));
	}
}

static void bad_disks(void)
{
	const struct hw_model *model = hw_find("simple");
	struct hw_config config = {.options = "", .size = 1000, .block_size = 512};
	struct hw_device *device;

	assert_int_equal(model->create(&config, &device), -EINVAL);
	config.disk = "/nonexistent";
	assert_int_equal(model->create(&config, &device), -ENOENT);
	assert_null(bus_function_get(0));
}

static void start_and_stop(void)
{
	struct driver d;

	driver_open(&d, "");
	reg_set(&d, DOORBELL, 5); /* not ready: lost */
	assert_int_equal(reg_get(&d, DOORBELL), 0);
	driver_start(&d);
	assert_int_equal(reg_get(&d, CONTROL), 1);
	assert_int_equal(driver_do(&d, command_of(&d, FLUSH, 0, 0)), OK);
	driver_stop(&d);
	reg_set(&d, MASK, 3);
	driver_start(&d);
	assert_int_equal(reg_get(&d, DOORBELL), 0);
	assert_int_equal(reg_get(&d, MASK), 3);
	assert_int_equal(driver_do(&d, command_of(&d, FLUSH, 0, 0)), OK);
	driver_close(&d); /* while running */
}

static void access_widths(void)
{
	struct driver d;

	driver_open(&d, "");
	bus_register_write(d.regs + RING, 8, 0x1122334455667780ull);
	assert_int_equal(reg_get(&d, RING + 4), 0x11223344);
	reg_set(&d, RING, 0x40);
	assert_true(bus_register_read(d.regs + RING, 8) == 0x1122334400000040ull);
	bus_register_write(d.regs + RING, 1, 0xff);
	bus_register_write(d.regs + MASK, 2, 3);
	assert_int_equal(reg_get(&d, RING), 0x40);
	assert_int_equal(reg_get(&d, MASK), 0);
	reg_set(&d, VERSION, 0);
	reg_set(&d, BLOCKS, 0);
	reg_set(&d, MASK, ~0u);
	assert_int_equal(reg_get(&d, VERSION), 0x44525902);
	assert_int_equal(reg_get(&d, BLOCKS), 8192);
	assert_int_equal(reg_get(&d, MASK), 3);
	driver_close(&d);
}

static void destroy_writes_the_file(void)
{
	const struct hw_config config = {
		.options = "", .disk = scratch_file(1 << 20), .block_size = 512};
	struct driver d;
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL), back[4096];
	FILE *file;

	driver_open_config(&d, &config);
	driver_start(&d);
	pattern_fill(data, 4096, 5);
	assert_int_equal(driver_write(&d, 100, data, 4096), OK);
	driver_close(&d);
	file = fopen(config.disk, "r");
	assert_int_equal(fseek(file, 51200, SEEK_SET), 0);
	assert_int_equal(fread(back, 1, 4096, file), 4096);
	fclose(file);
	assert_memory_equal(back, data, 4096);
	unlink(config.disk);
	mem_free(data, 4096);
}

#define ON_PROCESSOR(name, body)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body);                                                                \
	}

ON_PROCESSOR(registers_say_what_the_page_says, identity)
ON_PROCESSOR(options_show_in_the_registers, options)
ON_PROCESSOR(bad_options_are_refused_with_a_reason, bad_options)
ON_PROCESSOR(bad_disks_leave_nothing_on_the_bus, bad_disks)
ON_PROCESSOR(the_controller_starts_and_stops, start_and_stop)
ON_PROCESSOR(registers_are_written_whole_and_only_where_writable, access_widths)
ON_PROCESSOR(what_was_written_is_in_the_file_at_the_end, destroy_writes_the_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(registers_say_what_the_page_says),
		machine_test(options_show_in_the_registers),
		machine_test(bad_options_are_refused_with_a_reason),
		machine_test(bad_disks_leave_nothing_on_the_bus),
		machine_test(the_controller_starts_and_stops),
		machine_test(registers_are_written_whole_and_only_where_writable),
		machine_test(what_was_written_is_in_the_file_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
