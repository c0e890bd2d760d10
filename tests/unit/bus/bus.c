/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include "bench_device.h"

static void functions_are_enumerated_in_slot_order(void **state)
{
	struct device d[3];

	for (unsigned i = 0; i < 3; i++)
		device_add(&d[i]);
	bus_function_free(d[1].function);
	assert_ptr_equal(bus_function_get(0), d[0].function);
	assert_ptr_equal(bus_function_get(1), d[2].function);
	assert_null(bus_function_get(2));
	assert_true(bus_function_slot(d[0].function) < bus_function_slot(d[2].function));
	assert_string_equal(bus_function_name(d[0].function), "bench");
}

static void the_bus_has_31_slots_beside_the_host_bridge(void **state)
{
	struct bus_function_config config = {.name = "small", .bar[0] = {.size = 16}};
	struct device d[31];

	for (unsigned i = 0; i < 31; i++) {
		device_add_config(&d[i], &config);
		assert_in_range(bus_function_slot(d[i].function), 1, 31);
	}
	assert_null(bus_function_new(&config, &device_ops, &d[0]));
	assert_non_null(strstr(error_text(), "slots"));
	bus_function_free(d[17].function);
	assert_non_null(bus_function_new(&config, &device_ops, &d[17]));
}

static void impossible_functions_are_refused_with_a_reason(void **state)
{
	static const struct {
		struct bus_function_config config;
		const char *reason;
	} cases[] = {
		{{.name = "x", .bar[1] = {.size = 100}}, "BAR 1 has size 100"},
		{{.name = "x", .bar[0] = {.size = 8}}, "at least 16"},
		{{.name = "x", .bar[0] = {.size = 512, .is_io = true}}, "no possible I/O BAR"},
		{{.name = "x", .bar[5] = {.size = 64, .is_64bit = true}}, "needs BAR 6"},
		{{.name = "x", .bar[0] = {.size = 64, .is_64bit = true}, .bar[1] = {.size = 64}},
			"needs BAR 1"},
		{{.name = "x", .msi_messages = 3}, "3 MSI messages"},
		{{.name = "x", .msi_messages = 64}, "64 MSI messages"},
		{{.name = "x", .msix_messages = 65}, "at most 64"},
		{{.name = "x", .msix_messages = 1, .msix_bar = 6}, "BAR 0 to 5"},
		{{.name = "x", .msix_messages = 1}, "does not fit"},
		/* 4 entries need 64 bytes and the pending bits 8 more */
		{{.name = "x", .bar[0] = {.size = 128}, .msix_messages = 4, .msix_offset = 64},
			"does not fit"},
		{{.name = "x", .bar[0] = {.size = 256}, .msix_messages = 4, .msix_offset = 4},
			"does not fit"},
		{{.name = "x", .bar[0] = {.size = 256, .is_io = true}, .msix_messages = 4},
			"does not fit"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_null(bus_function_new(&cases[i].config, &device_ops, NULL));
		if (!strstr(error_text(), cases[i].reason))
			fail_msg("case %u: %s", i, error_text());
	}
	assert_null(bus_function_get(0));
}

static void the_msix_table_may_fill_its_bar_to_the_last_byte(void **state)
{
	struct bus_function_config config = {
		.name = "tight", .bar[0] = {.size = 128}, .msix_messages = 7, .msix_offset = 8};
	struct device d;

	/* 8 + 7 * 16 + 8 = 128 */
	device_add_config(&d, &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(functions_are_enumerated_in_slot_order),
		machine_test(the_bus_has_31_slots_beside_the_host_bridge),
		machine_test(impossible_functions_are_refused_with_a_reason),
		machine_test(the_msix_table_may_fill_its_bar_to_the_last_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
