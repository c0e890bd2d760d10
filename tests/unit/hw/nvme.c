/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The NVMe controller's identity and options, against docs/nvme-controller.md and NVMe 1.4. */
#include "nvme_driver.h"

static void identity(void)
{
	uint8_t class[4];
	struct driver d;
	uint64_t cap;

	driver_open(&d, "");
	bus_config_read(d.function, 8, class, 4);
	/* 2.1.5: mass storage, non-volatile memory, NVM Express */
	assert_int_equal(class[1], 0x02);
	assert_int_equal(class[2], 0x08);
	assert_int_equal(class[3], 0x01);
	cap = bus_register_read(d.regs + CAP, 8);
	assert_int_equal(cap & 0xffff, 1023);	  /* MQES, from 0 */
	assert_int_equal(cap >> 16 & 1, 1);	  /* CQR */
	assert_int_equal(cap >> 17 & 3, 0);	  /* AMS */
	assert_true((cap >> 24 & 0xff) > 0);	  /* TO */
	assert_int_equal(cap >> 32 & 15, 0);	  /* DSTRD */
	assert_int_equal(cap >> 36 & 1, 0);	  /* NSSRS */
	assert_int_equal(cap >> 37 & 0xff, 1);	  /* CSS: NVM */
	assert_int_equal(cap >> 48 & 0xff, 0x00); /* MPSMIN, MPSMAX: 4 KiB */
	assert_int_equal(reg_get(&d, VS), 0x00010400);
	assert_int_equal(reg_get(&d, CC), 0);
	assert_int_equal(reg_get(&d, CSTS), 0);
	driver_close(&d);
}

static void options(void)
{
	const struct hw_config config = {
		.options =
			"null,entries=16,queues=3,vectors=5,mdts=65536,namespaces=4,write-cache=0",
		.size = 4ull << 40,
		.block_size = 4096};
	struct driver d;

	driver_open_config(&d, &config);
	assert_int_equal(bus_messages_enable(d.function, 64), 5);
	bus_messages_disable(d.function);
	assert_int_equal(reg_get(&d, CAP) & 0xffff, 15);
	driver_enable(&d);
	assert_int_equal(driver_admin(&d, GET_FEATURES, 0, 7, 0), OK);
	assert_int_equal(d.last.result, 2 << 16 | 2); /* from 0 */
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	assert_int_equal(get(d.page, 77, 1), 4);      /* MDTS: 2^4 pages */
	assert_int_equal(get(d.page, 516, 4), 4);     /* NN */
	assert_int_equal(get(d.page, 525, 1) & 1, 0); /* VWC */
	assert_int_equal(driver_admin(&d, IDENTIFY, 4, 0, 0), OK);
	assert_true(get(d.page, 0, 8) == 1ull << 28); /* 1 TiB of 4096 */
	driver_close(&d);
	driver_open(&d, "vectors=0");
	assert_int_equal(bus_messages_enable(d.function, 64), 0);
	driver_close(&d);
}

static void bad_options(void)
{
	static const struct {
		const char *options, *reason;
	} cases[] = {
		{"foo", "no option \"foo\""},
		{"queues=0", "from 1 to 63"},
		{"queues=64", "from 1 to 63"},
		{"entries=1", "from 2 to 65536"},
		{"entries=65537", "from 2 to 65536"},
		{"vectors=65", "from 0 to 64"},
		{"mdts=4096", "from 8192 to"},
		{"mdts=12288", "power of two"},
		{"namespaces=0", "from 1 to 255"},
		{"namespaces=256", "from 1 to 255"},
		{"write-cache=2", "from 0 to 1"},
		{"width=65", "from 32 to 64"},
		{"null=1", "takes no value"},
		{"queues", "needs a value"},
	};
	const struct hw_model *model = hw_find("nvme");
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
	const struct hw_model *model = hw_find("nvme");
	struct hw_config config = {.options = "", .size = 1000, .block_size = 512};
	struct hw_device *device;

	assert_int_equal(model->create(&config, &device), -EINVAL);
	config.disk = "/nonexistent";
	assert_int_equal(model->create(&config, &device), -ENOENT);
	config = (struct hw_config){.options = "namespaces=3", .size = 1024, .block_size = 512};
	assert_int_equal(model->create(&config, &device), -EINVAL);
	assert_non_null(strstr(error_text(), "more than the disk has blocks"));
	assert_null(bus_function_get(0));
}

static void destroy_writes_the_file(void)
{
	const struct hw_config config = {
		.options = "", .disk = scratch_file(1 << 20), .block_size = 512};
	char *data = buffer_new(PAGE), back[PAGE];
	struct driver d;
	FILE *file;

	driver_open_config(&d, &config);
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	pattern_fill(data, PAGE, 5);
	assert_int_equal(driver_write(&d, 100, data, PAGE), OK);
	driver_close(&d); /* while running */
	file = fopen(config.disk, "r");
	assert_int_equal(fseek(file, 51200, SEEK_SET), 0);
	assert_int_equal(fread(back, 1, PAGE, file), PAGE);
	fclose(file);
	assert_memory_equal(back, data, PAGE);
	unlink(config.disk);
	mem_free(data, PAGE);
}

ON_PROCESSOR(identity_is_as_specified, identity)
ON_PROCESSOR(options_show, options)
ON_PROCESSOR(bad_options_are_refused_with_a_reason, bad_options)
ON_PROCESSOR(bad_disks_leave_nothing_on_the_bus, bad_disks)
ON_PROCESSOR(what_was_written_is_in_the_file_at_the_end, destroy_writes_the_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(identity_is_as_specified),
		machine_test(options_show),
		machine_test(bad_options_are_refused_with_a_reason),
		machine_test(bad_disks_leave_nothing_on_the_bus),
		machine_test(what_was_written_is_in_the_file_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
