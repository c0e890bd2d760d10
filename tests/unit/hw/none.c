/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The device that is none: nothing on the bus, and options that speak of storage are refused. */
#include "bus/bus.h"
#include "hw/hw.h"
#include "mem/mem.h"
#include "util/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

static const struct hw_config plain = {.options = "", .size = 64 << 20, .block_size = 512};

static void it_puts_nothing_on_the_bus_and_moves_nothing(void **state)
{
	const struct mem_config mem = {.size = 32u << 20};
	const struct hw_model *none = hw_find("none");
	struct hw_device *device = (struct hw_device *)1;

	assert_non_null(none);
	assert_int_equal(mem_init(&mem), 0);
	assert_int_equal(bus_init(), 0);
	assert_int_equal(none->create(&plain, &device), 0);
	assert_null(device);
	assert_null(bus_function_get(0));
	assert_null(none->master);
	assert_int_equal(none->destroy(device), 0);
	bus_fini();
	assert_int_equal(mem_fini(), 0);
}

static void refuses(struct hw_config config, const char *words)
{
	struct hw_device *device = NULL;
	char error[256];

	assert_int_equal(hw_find("none")->create(&config, &device), -EINVAL);
	error_take(error, sizeof(error));
	assert_non_null(strstr(error, words));
}

static void options_of_a_storage_are_refused(void **state)
{
	struct hw_config config = plain;

	config.disk = "file";
	refuses(config, "--disk");
	config = plain;
	config.read_only = true;
	refuses(config, "--read-only");
	config = plain;
	config.block_size = 4096;
	refuses(config, "--block-size");
	config = plain;
	config.options = "fast";
	refuses(config, "\"fast\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_puts_nothing_on_the_bus_and_moves_nothing),
		cmocka_unit_test(options_of_a_storage_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
