/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Doorbells: which writes ring, and that every other one goes where it went before. */
#include "bench_device.h"
#include "../events.h"

#define BELLS 0x100
#define ALIAS 0x20000000ull /* so far from it pages have the same place in a table */

static struct {
	unsigned rings, steps, served;
	uint32_t number, value;
	void *device;
	struct cpu_agent *agent;
} seen;

static void step(void *ctx)
{
	seen.steps++;
}

static border_call void ring(void *device, uint32_t number, uint32_t value)
{
	seen.rings++;
	seen.device = device;
	seen.number = number;
	seen.value = value;
	bus_rung(seen.agent);
}

/* Four of them in BAR 0; the registers of it. */
static char *bells_add(struct device *d)
{
	const struct bus_doorbells bells = {.bar = 0, .offset = BELLS, .count = 4, .ring = ring};

	memset(&seen, 0, sizeof(seen));
	seen.agent = cpu_agent_new(step, NULL, "bell");
	device_add(d);
	bus_doorbells_set(d->function, &bells);
	return device_map(d, 0);
}

static void they_ring_while_they_are_open(void **state)
{
	struct device d;
	char *reg = bells_add(&d);

	bus_register_write_ulong(reg + BELLS + 4, 7);
	assert_int_equal(seen.rings, 0);
	assert_int_equal(d.writes, 1);
	bus_doorbells_open(d.function, true);
	for (uint32_t i = 0; i < 4; i++) {
		bus_register_write_ulong(reg + BELLS + 4 * i, 0x12345678 + i);
		assert_int_equal(seen.number, i);
		assert_int_equal(seen.value, 0x12345678 + i);
		assert_int_equal(seen.rings, i + 1);
		assert_int_equal(seen.steps, i + 1);
	}
	assert_int_equal(d.writes, 1);
	bus_doorbells_open(d.function, false);
	bus_register_write_ulong(reg + BELLS + 4, 8);
	assert_int_equal(seen.rings, 4);
	assert_int_equal(d.writes, 2);
	assert_int_equal(d.offset, BELLS + 4);
	assert_int_equal(d.value, 8);
	assert_int_equal(violation.count, 0);
	cpu_agent_free(seen.agent);
}

/* Whichever opened first, and whether it is still open or mapped. */
static void of_two_devices_each_rings_its_own(void **state)
{
	struct device first, second;
	char *one = bells_add(&first), *other;
	struct cpu_agent *agent = seen.agent;

	other = bells_add(&second);
	assert_ptr_not_equal(one, other);
	bus_doorbells_open(first.function, true);
	bus_doorbells_open(second.function, true);
	for (unsigned turn = 0; turn < 2; turn++) {
		bus_register_write_ulong(one + BELLS, 1);
		assert_ptr_equal(seen.device, &first);
		bus_register_write_ulong(other + BELLS + 4, 2);
		assert_ptr_equal(seen.device, &second);
		assert_int_equal(seen.number, 1);
		assert_int_equal(seen.value, 2);
		assert_int_equal(seen.rings, 2 * turn + 2);
		/* the second is the one that is looked at first */
		bus_doorbells_open(first.function, false);
		bus_register_write_ulong(one + BELLS, 3);
		assert_int_equal(first.value, 3);
		bus_doorbells_open(second.function, false);
		bus_doorbells_open(second.function, true);
		bus_doorbells_open(first.function, true);
	}
	bus_unmap(other);
	bus_register_write_ulong(other + BELLS, 1);
	assert_violation("which is no mapped register");
	bus_register_write_ulong(one + BELLS, 1);
	assert_int_equal(seen.rings, 5);
	assert_ptr_equal(seen.device, &first);
	cpu_agent_free(seen.agent);
	cpu_agent_free(agent);
}

static void neighbours_and_other_sizes_do_not_ring(void **state)
{
	struct device d;
	char *reg = bells_add(&d), *other = device_map(&d, 2);

	bus_doorbells_open(d.function, true);
	bus_register_write_ulong(reg + BELLS - 4, 1);
	bus_register_write_ulong(reg + BELLS + 16, 1);
	bus_register_write_ulong(other + BELLS, 1);
	bus_register_write(reg + BELLS, 1, 1);
	bus_register_write(reg + BELLS, 2, 1);
	bus_register_write(reg + BELLS, 8, 1);
	assert_int_equal(d.writes, 6);
	/* the same low bits of the page's number */
	bus_register_write_ulong(reg + BELLS + ALIAS, 1);
	assert_violation("which is no mapped register");
	for (unsigned i = 1; i < 4; i++) {
		bus_register_write_ulong(reg + BELLS + i, 1);
		assert_violation("is not aligned");
	}
	assert_int_equal(seen.rings, 0);
	cpu_agent_free(seen.agent);
}

static void a_wanted_event_is_told(void **state)
{
	struct device d;
	char *reg = bells_add(&d);

	bus_doorbells_open(d.function, true);
	events_begin(EVENT(REG_WRITE));
	bus_register_write_ulong(reg + BELLS, 9);
	events_end();
	assert_non_null(strstr(events, "reg.write"));
	assert_int_equal(seen.rings, 0);
	assert_int_equal(d.value, 9);
	/* nobody wants it any more */
	bus_register_write_ulong(reg + BELLS, 9);
	assert_int_equal(seen.rings, 1);
	/* nor do they open meanwhile */
	bus_doorbells_open(d.function, false);
	events_begin(EVENT(REG_WRITE));
	bus_doorbells_open(d.function, true);
	bus_register_write_ulong(reg + BELLS, 9);
	events_end();
	assert_non_null(strstr(events, "reg.write"));
	assert_int_equal(seen.rings, 1);
	cpu_agent_free(seen.agent);
}

static void who_is_not_there_has_none(void **state)
{
	struct device d;
	char *reg = bells_add(&d);

	bus_doorbells_open(d.function, true);
	config_set(&d, 0x04, 2, 0x0005); /* memory off */
	bus_register_write_ulong(reg + BELLS, 1);
	config_set(&d, 0x04, 2, 0x0007);
	bus_function_power(d.function, false);
	bus_register_write_ulong(reg + BELLS, 1);
	assert_int_equal(seen.rings, 0);
	bus_function_power(d.function, true);
	bus_register_write_ulong(reg + BELLS, 1);
	assert_int_equal(seen.rings, 1);
	bus_unmap(reg);
	bus_register_write_ulong(reg + BELLS, 1);
	assert_violation("which is no mapped register");
	assert_ptr_equal(device_map(&d, 0), reg);
	bus_register_write_ulong(reg + BELLS, 1);
	assert_int_equal(seen.rings, 2);
	bus_function_unplug(d.function);
	bus_register_write_ulong(reg + BELLS, 1);
	/* nor do they come back when the device opens them meanwhile */
	bus_doorbells_open(d.function, true);
	bus_register_write_ulong(reg + BELLS, 1);
	assert_int_equal(seen.rings, 2);
	assert_int_equal(d.writes, 0);
	cpu_agent_free(seen.agent);
}

static unsigned tapped;

static border_call void tap_write(
	void *ctx, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	tapped++;
}

static void a_tap_hears_them(void **state)
{
	struct bus_tap tap = {.write = tap_write};
	struct device d;
	char *reg = bells_add(&d);

	bus_doorbells_open(d.function, true);
	bus_tap_set(d.function, &tap);
	bus_register_write_ulong(reg + BELLS, 1);
	bus_doorbells_open(d.function, true);
	bus_register_write_ulong(reg + BELLS, 1);
	assert_int_equal(tapped, 2);
	assert_int_equal(seen.rings, 0);
	bus_tap_set(d.function, NULL);
	bus_register_write_ulong(reg + BELLS, 1);
	assert_int_equal(seen.rings, 1);
	cpu_agent_free(seen.agent);
}

/* ---- what the end of a ring does: only on a processor ---- */

static bool serve(struct cpu_interrupt *interrupt)
{
	seen.served++;
	return true;
}

/* A DPC's kicks are held until it returns, however often it rings; above DISPATCH none is. */
static struct {
	char *reg;
	unsigned inside, above, last;
} dpc_saw;

static void dpc_rings(struct cpu_dpc *dpc)
{
	uint8_t old;

	for (unsigned i = 0; i < 3; i++)
		bus_register_write_ulong(dpc_saw.reg + BELLS, i);
	dpc_saw.inside = seen.steps;
	old = cpu_irql_raise(5);
	bus_register_write_ulong(dpc_saw.reg + BELLS, 3);
	dpc_saw.above = seen.steps;
	cpu_irql_lower(old);
	bus_register_write_ulong(dpc_saw.reg + BELLS, 4);
	dpc_saw.last = seen.steps;
}

static void kicks_are_held(void)
{
	struct cpu_dpc dpc = {.fn = dpc_rings, .cpu = 0};
	struct device d;

	dpc_saw.reg = bells_add(&d);
	bus_doorbells_open(d.function, true);
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_poll();
	assert_int_equal(seen.rings, 5);
	assert_int_equal(dpc_saw.inside, 0);
	assert_int_equal(dpc_saw.above, 1);
	assert_int_equal(dpc_saw.last, 1);
	assert_int_equal(seen.steps, 2);
	cpu_agent_free(seen.agent);
}

/* A write is a safepoint: what became due is served before it returns, with the agent held too. */
static struct cpu_interrupt interrupt = {.irql = 6, .service = serve};

static void raise(void *ctx)
{
	seen.steps++;
	cpu_interrupt_raise(&interrupt);
}

static border_call void ring_and_raise(void *device, uint32_t number, uint32_t value)
{
	if (number)
		cpu_interrupt_raise(&interrupt);
	bus_rung(seen.agent);
}

static unsigned served_inside;

static void dpc_raises(struct cpu_dpc *dpc)
{
	bus_register_write_ulong(dpc_saw.reg + BELLS, 0);
	bus_register_write_ulong(dpc_saw.reg + BELLS + 4, 0);
	served_inside = seen.served;
}

static void writes_are_safepoints(void)
{
	const struct bus_doorbells bells = {
		.bar = 0, .offset = BELLS, .count = 4, .ring = ring_and_raise};
	struct cpu_dpc dpc = {.fn = dpc_raises, .cpu = 0};
	struct cpu_agent *before;
	struct device d;

	dpc_saw.reg = bells_add(&d);
	before = seen.agent;
	seen.agent = cpu_agent_new(raise, NULL, "bell");
	bus_doorbells_set(d.function, &bells);
	bus_doorbells_open(d.function, true);
	bus_register_write_ulong(dpc_saw.reg + BELLS, 0);
	assert_int_equal(seen.served, 1);
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_poll();
	assert_int_equal(served_inside, 2);
	assert_int_equal(seen.served, 3);
	cpu_agent_free(seen.agent);
	cpu_agent_free(before);
}

static void a_held_agent_is_stepped_once_after_the_dpc(void **state)
{
	on_processor(kicks_are_held);
}

static void what_is_due_is_served_before_the_write_returns(void **state)
{
	on_processor(writes_are_safepoints);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(they_ring_while_they_are_open),
		machine_test(of_two_devices_each_rings_its_own),
		machine_test(neighbours_and_other_sizes_do_not_ring),
		machine_test(a_wanted_event_is_told),
		machine_test(who_is_not_there_has_none),
		machine_test(a_tap_hears_them),
		machine_test(a_held_agent_is_stepped_once_after_the_dpc),
		machine_test(what_is_due_is_served_before_the_write_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
