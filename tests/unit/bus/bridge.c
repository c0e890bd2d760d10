/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Bridges: bus numbers, windows, lines. What is expected is computed by hand from the PCI-to-PCI
 * Bridge Architecture Specification 1.2 (3.2.5: the registers; 9.1: the lines).
 */
#include "bench_device.h"
#include "bus/function.h"

static const struct bus_function_config bridge_config = {
	.vendor = 0x1b36,
	.device = 0x000c,
	.base_class = 6,
	.subclass = 4,
	.is_bridge = true,
	.name = "bridge",
};

static struct bus_function *bridge_add(struct bus_function *above, uint8_t slot)
{
	static struct device inside; /* nobody looks at it */
	struct bus_function_config config = bridge_config;
	struct bus_function *bridge;

	config.bridge = above;
	config.slot = slot;
	bridge = bus_function_new(&config, &device_ops, &inside);
	if (!bridge)
		fail_msg("%s", error_text());
	return bridge;
}

static void behind(struct device *d, const struct bus_function_config *base,
	struct bus_function *bridge, uint8_t slot)
{
	struct bus_function_config config = *base;

	config.bridge = bridge;
	config.slot = slot;
	device_add_config(d, &config);
}

static uint32_t get(struct bus_function *f, unsigned offset, unsigned size)
{
	uint32_t value = 0;

	assert_int_equal(bus_config_read(f, offset, &value, size), size);
	return value;
}

static void set(struct bus_function *f, unsigned offset, unsigned size, uint32_t value)
{
	assert_int_equal(bus_config_write(f, offset, &value, size), size);
}

static void need_is_the_sum_and_the_largest_alignment(void **state)
{
	struct bus_need need = {0}, window;

	bus_need_add(&need, 0x1000);
	bus_need_add(&need, 0x800000);
	bus_need_add(&need, 0x4000);
	assert_int_equal(need.size, 0x805000);
	assert_int_equal(need.align, 0x800000);
	window = bus_need_window(&need, BUS_RANGE_MEMORY);
	assert_int_equal(window.size, 0x900000);
	assert_int_equal(window.align, 0x800000);
}

static void a_window_has_whole_granules_and_a_reserve(void **state)
{
	struct bus_need ports = {.size = 32, .align = 32},
			small = {.size = 0x1000, .align = 0x1000};
	struct bus_need many = {.size = 0x1100, .align = 0x100};

	assert_int_equal(bus_need_window(&ports, BUS_RANGE_IO).size, 0x1000);
	assert_int_equal(bus_need_window(&ports, BUS_RANGE_IO).align, 0x1000);
	assert_int_equal(bus_need_window(&many, BUS_RANGE_IO).size, 0x2000);
	assert_int_equal(bus_need_window(&small, BUS_RANGE_MEMORY).size, 0x200000);
	assert_int_equal(bus_need_window(&small, BUS_RANGE_PREFETCH).align, 0x100000);
}

static void buses_are_numbered_depth_first(void **state)
{
	struct bus_function *a = bridge_add(NULL, 0), *b = bridge_add(a, 0), *c = bridge_add(b, 3);
	struct bus_function *d = bridge_add(NULL, 0);

	/* primary, secondary, subordinate */
	assert_int_equal(get(a, 0x18, 4), 0x030100);
	assert_int_equal(get(b, 0x18, 4), 0x030201);
	assert_int_equal(get(c, 0x18, 4), 0x030302);
	assert_int_equal(get(d, 0x18, 4), 0x040400);
	assert_int_equal(get(a, 0x0e, 1), 1);
	assert_int_equal(bus_function_bus(c), 2);
	assert_int_equal(bus_function_slot(c), 3);
	assert_ptr_equal(bus_function_at(2, 3), c);
	assert_null(bus_function_at(0, 3));
	assert_true(bus_is_there(4));
	assert_false(bus_is_there(5));
	/* bus 4 is taken: another behind a would be 5, which d's range does not leave to it */
	assert_null(bus_function_new(
		&(struct bus_function_config){
			.name = "late", .is_bridge = true, .bridge = a, .slot = 1},
		&device_ops, NULL));
	assert_non_null(strstr(error_text(), "no bus number is left behind bridge"));
}

/* 4 KiB, 32 ports, 1 MiB prefetchable: see bench_device.h for the BARs' sizes. */
static void windows_enclose_what_is_behind(void **state)
{
	struct bus_function_config config = device_config;
	struct bus_function *a = bridge_add(NULL, 0), *b = bridge_add(a, 0);
	struct bus_resource memory, ports, prefetch, small;
	struct device root, d;

	device_add(&root); /* takes 0xe0000000 and ports from 0xc000 */
	config.bar[2].is_prefetchable = true;
	behind(&d, &config, b, 0);
	assert_true(bus_resource_get(d.function, 0, &memory));
	assert_true(bus_resource_get(d.function, 1, &ports));
	assert_true(bus_resource_get(d.function, 2, &prefetch));
	assert_true(bus_resource_get(d.function, 4, &small));
	assert_int_equal(config_get(&d, 0x18, 4) & 15, 4 | 8);
	for (struct bus_function *bridge = b; bridge; bridge = bridge->config.bridge) {
		uint32_t m = get(bridge, 0x20, 4), p = get(bridge, 0x24, 4),
			 io = get(bridge, 0x1c, 2);
		uint64_t m_base = (uint64_t)(m & 0xfff0) << 16,
			 m_end = (m & 0xfff00000) + 0x100000ull;
		uint64_t p_base = (uint64_t)(p & 0xfff0) << 16,
			 p_end = (p & 0xfff00000) + 0x100000ull;
		uint32_t io_base = (io & 0xf0) << 8, io_end = (io & 0xf000) + 0x1000;

		assert_in_range(memory.address, m_base, m_end - 0x4000);
		assert_in_range(small.address, m_base, m_end - 0x1000);
		assert_in_range(prefetch.address, p_base, p_end - 0x100000);
		assert_in_range(ports.address, io_base, io_end - 32);
		assert_true(m_end <= p_base || p_end <= m_base);
		assert_int_equal(get(bridge, 0x28, 4), 0);
	}
	/* what is on the root bus afterwards lies outside */
	device_add(&root);
	assert_true(bus_resource_get(root.function, 1, &ports));
	assert_false(ports.address >= (get(a, 0x1c, 1) & 0xf0) << 8 &&
		     ports.address < (get(a, 0x1d, 1) & 0xf0u) * 0x100 + 0x1000);
}

/* The larger comes first, so that both fit without a gap. */
static void a_window_is_filled_from_the_largest_bar(void **state)
{
	struct bus_function_config config = {
		.name = "odd", .bar[0] = {.size = 0x1000}, .bar[1] = {.size = 0x800000}};
	struct bus_function *a = bridge_add(NULL, 0);
	struct bus_resource first, second;
	struct device d;

	behind(&d, &config, a, 0);
	assert_true(bus_resource_get(d.function, 0, &first));
	assert_true(bus_resource_get(d.function, 1, &second));
	assert_int_equal(second.address & 0x7fffff, 0);
	assert_int_equal(first.address, second.address + 0x800000);
	assert_int_equal(get(a, 0x20, 4),
		(uint32_t)(second.address >> 16) | (uint32_t)(second.address + 0x800000));
}

static void registers_answer_through_bridges_that_forward(void **state)
{
	struct bus_function *a = bridge_add(NULL, 0), *b = bridge_add(a, 0);
	struct device d;
	char *registers;
	uint32_t window;

	behind(&d, &device_config, b, 0);
	registers = device_map(&d, 0);
	assert_int_equal((uint32_t)bus_register_read(registers + 8, 4), 0x55667788);
	set(a, 0x04, 2, 4); /* memory decoding off */
	assert_int_equal((uint32_t)bus_register_read(registers + 8, 4), UINT32_MAX);
	set(a, 0x04, 2, 6);
	assert_int_equal((uint32_t)bus_register_read(registers + 8, 4), 0x55667788);
	window = get(b, 0x20, 4);
	set(b, 0x20, 4, 0x0000fff0); /* closed */
	assert_int_equal((uint32_t)bus_register_read(registers + 8, 4), UINT32_MAX);
	set(b, 0x20, 4, window);
	assert_int_equal((uint32_t)bus_register_read(registers + 8, 4), 0x55667788);
	bus_function_unplug(a);
	assert_int_equal(d.reads, 3);
	bus_unmap(registers);
}

/* 9.1: behind a bridge INTA of device n is pin n mod 4 of the bridge. */
static void lines_are_turned_by_each_bridge(void **state)
{
	struct bus_function *a = bridge_add(NULL, 0);	  /* root slot 1 */
	struct bus_function *b = bridge_add(a, 2);	  /* +2 */
	struct bus_function *root2 = bridge_add(NULL, 0); /* root slot 2 */
	struct device d, e;

	behind(&d, &device_config, b, 3); /* 1 + 2 + 3 = 6: line 2 */
	assert_int_equal(bus_function_slot(a), 1);
	assert_int_equal(config_get(&d, 0x3c, 1), 16 + 2);
	behind(&e, &device_config, root2, 1); /* 2 + 1: line 3 */
	assert_int_equal(config_get(&e, 0x3c, 1), 16 + 3);
}

static bool count(struct cpu_interrupt *vector)
{
	struct bus_interrupt *i = container_of(vector, struct bus_interrupt, vector);

	++*(unsigned *)vector->ctx;
	bus_line_set(i->function, false);
	return true;
}

static void line(void)
{
	struct bus_function *a = bridge_add(NULL, 0);
	unsigned served = 0;
	struct bus_interrupt i = {.vector = {.irql = 5, .service = count, .ctx = &served}};
	struct device d;

	behind(&d, &device_config, a, 2);
	assert_int_equal(bus_interrupt_connect(d.function, BUS_LINE, &i), 0);
	bus_line_set(d.function, true);
	cpu_poll();
	assert_int_equal(served, 1);
	bus_interrupt_disconnect(&i);
}

static void a_line_behind_a_bridge_interrupts(void **state)
{
	on_processor(line);
}

static void impossible_places_are_refused(void **state)
{
	struct bus_function *a = bridge_add(NULL, 0);
	struct bus_function_config config = {.name = "x", .bridge = a, .slot = 0};
	struct bus_function_config large = {
		.name = "large", .bridge = a, .slot = 1, .bar[0] = {.size = 0x40000000}};
	struct device d;

	behind(&d, &device_config, a, 0);
	assert_null(bus_function_new(&config, &device_ops, NULL));
	assert_non_null(strstr(error_text(), "slot 0 behind bridge is taken"));
	config.slot = 32;
	assert_null(bus_function_new(&config, &device_ops, NULL));
	config.bridge = d.function;
	config.slot = 1;
	assert_null(bus_function_new(&config, &device_ops, NULL));
	assert_non_null(strstr(error_text(), "behind a bridge"));
	large.bridge = bridge_add(NULL, 0);
	assert_null(bus_function_new(&large, &device_ops, NULL));
	assert_non_null(strstr(error_text(), "no room is left for its window of memory"));
	assert_null(bus_function_new(
		&(struct bus_function_config){.name = "b", .is_bridge = true, .msi_messages = 1},
		&device_ops, NULL));
}

static void instances_differ_by_bus(void **state)
{
	struct bus_function *a = bridge_add(NULL, 0);
	struct device root, d;
	char one[96], other[96];

	device_add(&root); /* slot 2 */
	behind(&d, &device_config, a, 2);
	bus_function_instance(root.function, one, sizeof(one));
	bus_function_instance(d.function, other, sizeof(other));
	assert_non_null(strstr(one, "\\3&0&02"));
	assert_non_null(strstr(other, "\\3&1&02"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(need_is_the_sum_and_the_largest_alignment),
		cmocka_unit_test(a_window_has_whole_granules_and_a_reserve),
		machine_test(buses_are_numbered_depth_first),
		machine_test(windows_enclose_what_is_behind),
		machine_test(a_window_is_filled_from_the_largest_bar),
		machine_test(registers_answer_through_bridges_that_forward),
		machine_test(lines_are_turned_by_each_bridge),
		machine_test(a_line_behind_a_bridge_interrupts),
		machine_test(impossible_places_are_refused),
		machine_test(instances_differ_by_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
