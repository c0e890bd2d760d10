/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Taps: what comes to one, what it passes on, and that nothing of it stays. */
#include "bench_device.h"

static struct {
	unsigned reads, writes, messages, lines, plugs;
	unsigned message;
	bool asserted;
} seen;

static struct bus_tap tap;

static uint64_t see_read(void *ctx, unsigned bar, uint32_t offset, unsigned size)
{
	assert_ptr_equal(ctx, &tap);
	seen.reads++;
	return bus_tap_read(&tap, bar, offset, size) + 1;
}

static border_call void see_write(
	void *ctx, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	assert_ptr_equal(ctx, &tap);
	seen.writes++;
	bus_tap_write(&tap, bar, offset, size, value + 1);
}

static void see_message(struct bus_tap *ctx, unsigned message)
{
	seen.messages++;
	seen.message = message;
}

static void see_line(struct bus_tap *ctx, bool asserted)
{
	seen.lines++;
	seen.asserted = asserted;
}

static void see_plug(struct bus_tap *ctx)
{
	assert_ptr_equal(ctx, &tap);
	seen.plugs++;
}

static void tap_it(struct device *d)
{
	memset(&seen, 0, sizeof(seen));
	device_add(d);
	tap = (struct bus_tap){see_read, see_write, see_message, see_line, see_plug, NULL};
	bus_tap_set(d->function, &tap);
}

static void accesses_go_through_it_in_every_bar(void **state)
{
	struct bus_resource ports;
	struct device d;
	char *reg;

	tap_it(&d);
	d.answer = 6;
	reg = device_map(&d, 2);
	bus_resource_get(d.function, 1, &ports);
	assert_int_equal(bus_register_read(reg + 0x80, 4), 7);
	assert_int_equal(d.offset, 0x80);
	bus_port_write(ports.address + 4, 2, 8);
	assert_int_equal(d.value, 9);
	assert_int_equal(seen.reads, 1);
	assert_int_equal(seen.writes, 1);
	bus_tap_set(d.function, NULL);
	assert_int_equal(bus_register_read(reg + 0x80, 4), 6);
	bus_register_write(reg, 4, 5);
	assert_int_equal(d.value, 5);
	assert_int_equal(seen.reads + seen.writes, 2);
}

static void it_is_told_of_another_card(void **state)
{
	struct device d;

	tap_it(&d);
	bus_function_unplug(d.function);
	assert_int_equal(seen.plugs, 0);
	bus_function_plug(d.function);
	assert_int_equal(seen.plugs, 1);
}

static unsigned served;

static bool serve(struct cpu_interrupt *vector)
{
	served++;
	return true;
}

static void interrupts(void)
{
	struct bus_interrupt interrupt = {0};
	struct device d;

	tap_it(&d);
	served = 0;
	interrupt.vector = (struct cpu_interrupt){.irql = 5, .service = serve};
	assert_int_equal(bus_interrupt_connect(d.function, BUS_LINE, &interrupt), 0);
	bus_line_set(d.function, true);
	assert_true(seen.lines == 1 && seen.asserted && !served);
	bus_tap_line_pulse(&tap); /* asked once, as it is not asserted */
	cpu_poll();
	assert_int_equal(served, 1);
	bus_tap_line(&tap, true);
	bus_tap_line(&tap, false);
	cpu_poll();
	assert_int_equal(served, 2);
	bus_interrupt_disconnect(&interrupt);

	assert_int_equal(bus_messages_enable(d.function, 2), 2);
	interrupt.vector = (struct cpu_interrupt){.irql = 5, .service = serve};
	assert_int_equal(bus_interrupt_connect(d.function, 1, &interrupt), 0);
	bus_message_send(d.function, 1);
	cpu_poll();
	assert_true(seen.messages == 1 && seen.message == 1 && served == 2);
	bus_tap_message(&tap, 1);
	cpu_poll();
	assert_int_equal(served, 3);
	bus_tap_set(d.function, NULL);
	bus_message_send(d.function, 1);
	cpu_poll();
	assert_int_equal(served, 4);
	bus_master_set(d.function, true);
	bus_tap_set(d.function, &tap);
	bus_message_send(d.function, 1);
	cpu_poll();
	assert_true(seen.messages == 2 && served == 4);
	bus_tap_set(d.function, NULL);
	bus_interrupt_disconnect(&interrupt);
	bus_messages_disable(d.function);
}

static void interrupts_come_to_it_and_go_when_it_says_so(void **state)
{
	on_processor(interrupts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(accesses_go_through_it_in_every_bar),
		machine_test(it_is_told_of_another_card),
		machine_test(interrupts_come_to_it_and_go_when_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
