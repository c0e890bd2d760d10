/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include "bench_device.h"
#include "../events.h"

static void accesses_reach_the_device_with_bar_offset_and_size(void **state)
{
	struct device d;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 2);
	for (unsigned size = 1; size <= 8; size *= 2) {
		assert_true(bus_register_read(reg + 0x80, size) == 0x1122334455667788ull);
		assert_int_equal(d.bar, 2);
		assert_int_equal(d.offset, 0x80);
		assert_int_equal(d.size, size);
		bus_register_write(reg + 0xffff8, size, 0x0102030405060708ull);
		assert_int_equal(d.offset, 0xffff8);
		assert_int_equal(d.size, size);
		assert_true(d.value == 0x0102030405060708ull);
	}
	assert_int_equal(d.reads, 4);
	assert_int_equal(d.writes, 4);
	assert_int_equal(violation.count, 0);
}

static void ports_reach_the_device_too(void **state)
{
	struct bus_resource r;
	struct device d;

	device_add(&d);
	bus_resource_get(d.function, 1, &r);
	assert_int_equal((uint32_t)bus_port_read(r.address + 28, 4), 0x55667788);
	assert_int_equal(d.bar, 1);
	assert_int_equal(d.offset, 28);
	bus_port_write(r.address + 31, 1, 9);
	assert_int_equal(d.offset, 31);
	assert_int_equal(d.value, 9);
	assert_int_equal(violation.count, 0);
}

/* PCI 3.0, 6.2.2: with its enable bit off a function does not respond; the host reads all ones. */
static void a_disabled_bar_reads_ones_and_loses_writes(void **state)
{
	struct bus_resource ports;
	struct device d;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 0);
	bus_resource_get(d.function, 1, &ports);
	config_set(&d, 0x04, 2, 0x0005); /* I/O on, memory off */
	assert_true(bus_register_read(reg, 8) == ~0ull);
	bus_register_write(reg, 4, 1);
	assert_int_equal(d.reads + d.writes, 0);
	assert_int_equal((uint16_t)bus_port_read(ports.address, 2), 0x7788);
	config_set(&d, 0x04, 2, 0x0002); /* the other way round */
	assert_int_equal((uint32_t)bus_register_read(reg, 4), 0x55667788);
	assert_int_equal((uint16_t)bus_port_read(ports.address, 2), 0xffff);
	assert_int_equal(d.reads, 2);
	assert_int_equal(violation.count, 0);
}

static void an_unplugged_device_reads_ones(void **state)
{
	struct bus_resource ports;
	struct device d;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 0);
	bus_resource_get(d.function, 1, &ports);
	bus_function_unplug(d.function);
	assert_int_equal((uint32_t)bus_register_read(reg, 4), 0xffffffff);
	assert_int_equal((uint8_t)bus_port_read(ports.address, 1), 0xff);
	bus_register_write(reg, 4, 1);
	assert_int_equal(d.reads + d.writes, 0);
	assert_int_equal(violation.count, 0);
}

static void a_device_without_power_reads_ones_and_keeps_its_configuration(void **state)
{
	struct device d;
	uint16_t vendor;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 0);
	bus_function_power(d.function, false);
	assert_int_equal((uint32_t)bus_register_read(reg, 4), 0xffffffff);
	bus_register_write(reg, 4, 1);
	assert_int_equal(d.reads + d.writes, 0);
	bus_config_read(d.function, 0, &vendor, sizeof(vendor));
	assert_int_equal(vendor, 0x1af4);
	bus_function_power(d.function, true);
	assert_int_equal((uint32_t)bus_register_read(reg, 4), 0x55667788);
}

static void stray_accesses_are_reported_and_read_ones(void **state)
{
	struct device d;
	char *reg, *small;

	device_add(&d);
	reg = device_map(&d, 0);
	small = device_map(&d, 4);
	assert_true(bus_register_read(&d, 4) == ~0ull);
	assert_int_equal(violation.number, 0xF1002005);
	assert_violation("which is no mapped register");
	bus_register_write(reg - 4, 4, 1); /* BAR 0 is the first in the window */
	assert_violation("which is no mapped register");
	assert_true(bus_register_read(reg + 2, 4) == ~0ull);
	assert_violation("BAR 0 + 0x2 of bench is not aligned");
	bus_register_write(reg + 0x3ffc, 8, 1);
	assert_violation("BAR 0 + 0x3ffc of bench is not aligned");
	assert_true(bus_register_read(small + 32, 4) == ~0ull);
	assert_violation("BAR 4 + 0x20 of bench runs past its end");
	assert_true(bus_register_read(NULL, 4) == ~0ull);
	assert_violation("which is no mapped register");
	assert_true(bus_port_read(0x60, 1) == ~0ull);
	assert_violation("port 0x60");
	bus_port_write(0xfff0, 4, 1);
	assert_violation("port 0xfff0");
	assert_int_equal(d.reads + d.writes, 0);
}

static void an_unmapped_bar_is_stray(void **state)
{
	struct device d;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 0);
	bus_unmap(reg);
	bus_register_write(reg, 4, 1);
	assert_violation("which is no mapped register");
	assert_int_equal(d.writes, 0);
}

/* A register access is a safepoint: an interrupt that became due is served before it returns. */
static unsigned served;

static bool serve(struct cpu_interrupt *interrupt)
{
	served++;
	return true;
}

static void raise_and_access(void)
{
	struct bus_interrupt interrupt = {.vector = {.irql = 5, .service = serve}};
	struct device d;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 0);
	served = 0;
	cpu_interrupt_raise(&interrupt.vector);
	assert_int_equal(served, 0);
	bus_register_write(reg, 4, 1);
	assert_int_equal(served, 1);
	cpu_interrupt_raise(&interrupt.vector);
	bus_register_read(reg, 4);
	assert_int_equal(served, 2);
}

static void an_access_is_a_safepoint(void **state)
{
	on_processor(raise_and_access);
}

static void *noted_by;

static void note_writes(void *ctx, const struct trace_event *event)
{
	*(unsigned *)noted_by = ((struct device *)ctx)->writes;
}

static void an_access_is_an_event_of_its_bytes(void **state)
{
	struct bus_resource ports;
	unsigned slot, writes_before = 9;
	struct device d;
	char wanted[256], *reg;

	device_add(&d);
	slot = bus_function_slot(d.function);
	bus_resource_get(d.function, 1, &ports);
	reg = device_map(&d, 2);
	events_begin(EVENT(REG_READ) | EVENT(REG_WRITE));
	bus_register_read(reg + 0x80, 4);
	bus_register_write(reg + 0x88, 8, 0x0102030405060708ull);
	bus_port_read(ports.address + 30, 2);
	/* the device learns of it after the listener */
	noted_by = &writes_before;
	trace_subscribe(EVENT(REG_WRITE), note_writes, &d);
	bus_port_write(ports.address + 31, 1, 0x1fe);
	trace_unsubscribe(note_writes, &d);
	events_end();
	snprintf(wanted, sizeof(wanted),
		"reg.read slot %u bar 2 offset 0x80 size 4 value 0x55667788\n"
		"reg.write slot %u bar 2 offset 0x88 size 8 value 0x102030405060708\n"
		"reg.read slot %u bar 1 offset 0x1e size 2 value 0x7788\n"
		"reg.write slot %u bar 1 offset 0x1f size 1 value 0xfe\n",
		slot, slot, slot, slot);
	assert_string_equal(events, wanted);
	assert_int_equal(writes_before, 1);
	assert_int_equal(d.writes, 2);
}

/* A driver's DPC that reads what its device has done sees that, though its device is stepped on its
 * own processor. */
static struct {
	struct cpu_agent *agent;
	struct device *device;
	char *reg;
	uintptr_t port;
	uint64_t seen[2];
} reader;

static void answer_one_more(void *ctx)
{
	((struct device *)ctx)->answer++;
}

static void kick_and_read(struct cpu_dpc *dpc)
{
	reader.device->answer = 0;
	cpu_agent_kick(reader.agent);
	cpu_agent_kick(reader.agent);
	reader.seen[0] = bus_register_read(reader.reg, 8);
	cpu_agent_kick(reader.agent);
	reader.seen[1] = bus_port_read(reader.port, 4);
}

static void read_in_a_dpc(void)
{
	static struct cpu_dpc dpc = {.fn = kick_and_read, .cpu = CPU_HERE};

	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_dpc_flush();
}

static void a_read_lets_the_device_go_first(void **state)
{
	struct bus_resource ports;
	struct device d;

	device_add(&d);
	bus_resource_get(d.function, 1, &ports);
	reader.device = &d;
	reader.reg = device_map(&d, 0);
	reader.port = ports.address;
	reader.agent = cpu_agent_new(answer_one_more, &d, "device");
	on_processor(read_in_a_dpc);
	assert_true(reader.seen[0] == 1);
	assert_true(reader.seen[1] == 2);
	cpu_agent_free(reader.agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(accesses_reach_the_device_with_bar_offset_and_size),
		machine_test(ports_reach_the_device_too),
		machine_test(a_disabled_bar_reads_ones_and_loses_writes),
		machine_test(an_unplugged_device_reads_ones),
		machine_test(a_device_without_power_reads_ones_and_keeps_its_configuration),
		machine_test(stray_accesses_are_reported_and_read_ones),
		machine_test(an_unmapped_bar_is_stray),
		machine_test(an_access_is_a_safepoint),
		machine_test(a_read_lets_the_device_go_first),
		machine_test(an_access_is_an_event_of_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
