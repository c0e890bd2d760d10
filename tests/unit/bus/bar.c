/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include "bench_device.h"

static void resources_agree_with_the_bars(void **state)
{
	struct bus_resource r;
	struct device d;

	device_add(&d);
	assert_true(bus_resource_get(d.function, 0, &r));
	assert_int_equal(r.address, config_get(&d, 0x10, 4) & ~15u);
	assert_int_equal(r.size, 0x4000);
	assert_false(r.is_io);
	assert_true(bus_resource_get(d.function, 1, &r));
	assert_int_equal(r.address, config_get(&d, 0x14, 4) & ~3u);
	assert_int_equal(r.size, 32);
	assert_true(r.is_io);
	assert_false(bus_resource_get(d.function, 3, &r)); /* upper half of BAR 2 */
	assert_false(bus_resource_get(d.function, 5, &r));
	assert_false(bus_resource_get(d.function, 6, &r));
}

/* Natural alignment (6.2.5.1), memory between RAM's end and 4 GiB, ports that fit in 16 bits, no
 * overlap. */
static void addresses_are_aligned_and_apart(void **state)
{
	struct bus_resource all[5 * BUS_BARS];
	struct device d[5];
	unsigned count = 0;

	for (unsigned i = 0; i < 5; i++) {
		device_add(&d[i]);
		for (unsigned bar = 0; bar < BUS_BARS; bar++)
			count += bus_resource_get(d[i].function, bar, &all[count]);
	}
	assert_int_equal(count, 5 * 4);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(all[i].address % all[i].size, 0);
		if (all[i].is_io)
			assert_in_range(all[i].address, 0xc000, 0xffff);
		else
			assert_in_range(all[i].address, MEM_HOLE, MEM_4GIB - all[i].size);
		for (unsigned j = 0; j < i; j++)
			assert_true(all[i].is_io != all[j].is_io ||
				    all[i].address >= all[j].address + all[j].size ||
				    all[j].address >= all[i].address + all[i].size);
	}
}

static void addresses_of_a_removed_function_are_given_again(void **state)
{
	struct bus_resource before, after;
	struct device d;

	device_add(&d);
	bus_resource_get(d.function, 2, &before);
	bus_function_free(d.function);
	device_add(&d);
	bus_resource_get(d.function, 2, &after);
	assert_int_equal(before.address, after.address);
}

static void exhausted_addresses_are_an_error_with_a_reason(void **state)
{
	struct bus_function_config config = {.name = "big", .bar[0] = {.size = 1u << 28}};
	struct device d;

	device_add_config(&d, &config); /* 256 MiB of the 492 there are */
	assert_null(bus_function_new(&config, &device_ops, &d));
	assert_non_null(strstr(error_text(), "big"));
	assert_non_null(strstr(error_text(), "BAR 0"));
	assert_null(bus_function_get(1));
}

static void a_mapped_pointer_leads_back_to_its_register(void **state)
{
	struct bus_function *function = NULL;
	struct bus_resource r;
	struct device d;
	uint32_t offset;
	unsigned bar;
	char *mapped;

	device_add(&d);
	bus_resource_get(d.function, 2, &r);
	mapped = bus_map(r.address + 0x2000, 0x100, false, &function);
	assert_non_null(mapped);
	assert_ptr_equal(function, d.function);
	assert_true((uintptr_t)mapped > 0xffff); /* drivers tell memory from ports by that */
	function = NULL;
	assert_true(bus_resolve(mapped + 0x44, &function, &bar, &offset));
	assert_ptr_equal(function, d.function);
	assert_int_equal(bar, 2);
	assert_int_equal(offset, 0x2044);
	assert_false(bus_resolve(mapped - 0x2001, &function, &bar, &offset));
	assert_false(bus_resolve(mapped + 0x100000 - 0x2000, NULL, NULL, NULL));
	assert_false(bus_resolve(&d, NULL, NULL, NULL));
	assert_false(bus_resolve(NULL, NULL, NULL, NULL));
}

static void the_page_of_a_small_bar_ends_with_the_bar(void **state)
{
	struct device d;
	char *mapped;

	device_add(&d);
	mapped = device_map(&d, 4);
	assert_true(bus_resolve(mapped + 31, NULL, NULL, NULL));
	assert_false(bus_resolve(mapped + 32, NULL, NULL, NULL));
}

static void mappings_must_lie_in_one_bar(void **state)
{
	struct bus_resource r;
	struct device d;

	device_add(&d);
	bus_resource_get(d.function, 0, &r);
	assert_non_null(bus_map(r.address + 0x3fff, 1, false, NULL));
	assert_null(bus_map(r.address + 0x3fff, 2, false, NULL));
	assert_null(bus_map(r.address, 0x4001, false, NULL));
	assert_null(bus_map(r.address, 0, false, NULL));
	assert_null(bus_map(r.address, ~0u, false, NULL));
	assert_null(bus_map(r.address, 4, true, NULL));
	assert_null(bus_map(0x1000, 4, false, NULL)); /* RAM */
	assert_null(bus_map(~0ull, 4, false, NULL));
}

static void ports_are_bare_numbers(void **state)
{
	struct bus_function *function;
	struct bus_resource r;
	struct device d;
	uint32_t offset;
	unsigned bar;

	device_add(&d);
	bus_resource_get(d.function, 1, &r);
	assert_int_equal((uintptr_t)bus_map(r.address + 4, 4, true, NULL), r.address + 4);
	assert_null(bus_map(r.address + 30, 4, true, NULL));
	assert_true(bus_resolve((void *)(uintptr_t)(r.address + 5), &function, &bar, &offset));
	assert_int_equal(bar, 1);
	assert_int_equal(offset, 5);
}

static void an_unmapped_pointer_leads_nowhere(void **state)
{
	struct device d;
	void *first, *second;

	device_add(&d);
	first = device_map(&d, 0);
	second = device_map(&d, 0);
	assert_ptr_equal(first, second);
	bus_unmap(first);
	assert_true(bus_resolve(second, NULL, NULL, NULL));
	bus_unmap(second);
	assert_false(bus_resolve(second, NULL, NULL, NULL));
	assert_int_equal(violation.count, 0);
	bus_unmap(second);
	assert_violation("not mapped");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(resources_agree_with_the_bars),
		machine_test(addresses_are_aligned_and_apart),
		machine_test(addresses_of_a_removed_function_are_given_again),
		machine_test(exhausted_addresses_are_an_error_with_a_reason),
		machine_test(a_mapped_pointer_leads_back_to_its_register),
		machine_test(the_page_of_a_small_bar_ends_with_the_bar),
		machine_test(mappings_must_lie_in_one_bar),
		machine_test(ports_are_bare_numbers),
		machine_test(an_unmapped_pointer_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
