/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Interrupt lines. The test is processor 0 at PASSIVE: what a line raises is served at the next
 * safepoint, here cpu_poll.
 */
#include "bench_device.h"
#include <errno.h>

/* One driver's end of a line: claims while its device asserts it, and clears the device when told
 * to. */
struct end {
	struct bus_interrupt interrupt;
	struct device *device;
	unsigned asked, claims;
	unsigned clear_after; /* claims after which the device is quiet; 0: never */
	uint8_t irql;
};

static unsigned order[8], ordered;

static bool end_service(struct cpu_interrupt *vector)
{
	struct end *e = vector->ctx;

	if (ordered < array_size(order))
		order[ordered++] = bus_function_slot(e->device->function);
	e->asked++;
	e->irql = cpu_irql();
	if (!e->clear_after || !(config_get(e->device, 6, 2) & 8))
		return false;
	if (++e->claims == e->clear_after)
		bus_line_set(e->device->function, false);
	return true;
}

static void end_connect(struct end *e, struct device *d, unsigned clear_after)
{
	memset(e, 0, sizeof(*e));
	e->device = d;
	e->clear_after = clear_after;
	e->interrupt.vector = (struct cpu_interrupt){.irql = 6, .service = end_service, .ctx = e};
	assert_int_equal(bus_interrupt_connect(d->function, BUS_LINE, &e->interrupt), 0);
}

static void level(void)
{
	struct device d;
	struct end e;

	device_add(&d);
	end_connect(&e, &d, 3);
	cpu_poll();
	assert_int_equal(e.asked, 0);
	bus_line_set(d.function, true);
	cpu_poll();
	assert_int_equal(e.claims, 3);
	assert_int_equal(e.asked, 3);
	assert_int_equal(e.irql, 6);
	cpu_poll();
	assert_int_equal(e.asked, 3);
	bus_interrupt_disconnect(&e.interrupt);
}

static void a_line_is_served_again_while_it_is_asserted(void **state)
{
	on_processor(level);
}

static void early(void)
{
	struct device d;
	struct end e;

	device_add(&d);
	bus_line_set(d.function, true);
	end_connect(&e, &d, 1);
	cpu_poll();
	assert_int_equal(e.claims, 1);
	bus_interrupt_disconnect(&e.interrupt);
	/* disconnected: nobody is asked any more */
	bus_line_set(d.function, true);
	cpu_poll();
	assert_int_equal(e.asked, 1);
	assert_ptr_equal(e.interrupt.vector.service, end_service);
}

static void a_line_asserted_before_the_connection_is_served_after_it(void **state)
{
	on_processor(early);
}

/* Two functions four slots apart share a line; the filler between them has none of its own. */
static void pair_add(struct device *first, struct device *second)
{
	struct device filler[3];

	device_add(first);
	for (unsigned i = 0; i < 3; i++)
		device_add_config(&filler[i], &(struct bus_function_config){.name = "filler"});
	device_add(second);
	assert_int_equal(
		bus_function_slot(second->function), bus_function_slot(first->function) + 4);
}

static void share(void)
{
	struct device a, b;
	struct end ea, eb;

	pair_add(&a, &b);
	end_connect(&ea, &a, 1);
	eb.interrupt.vector.irql = 9;
	end_connect(&eb, &b, 1);
	assert_int_equal(eb.interrupt.vector.irql, 6);
	ordered = 0;
	bus_line_set(b.function, true);
	cpu_poll();
	assert_int_equal(ea.claims, 0);
	assert_int_equal(eb.claims, 1);
	assert_int_equal(ordered, 2); /* the first is asked first and declines */
	assert_int_equal(order[0], bus_function_slot(a.function));
	/* both at once: the first claims, and the line, still asserted, is served again */
	ea.clear_after = eb.clear_after = 2;
	ea.claims = eb.claims = 1;
	bus_line_set(a.function, true);
	bus_line_set(b.function, true);
	cpu_poll();
	assert_int_equal(ea.claims, 2);
	assert_int_equal(eb.claims, 2);
	bus_interrupt_disconnect(&ea.interrupt);
	/* the second stays when the first has gone */
	eb.clear_after = 3;
	ea.asked = 0;
	bus_line_set(b.function, true);
	cpu_poll();
	assert_int_equal(eb.claims, 3);
	assert_int_equal(ea.asked, 0);
	bus_interrupt_disconnect(&eb.interrupt);
}

static void a_shared_line_asks_each_in_turn_until_one_claims(void **state)
{
	on_processor(share);
}

static void not_shared(void)
{
	struct device a, b;
	struct end ea, eb;

	device_add(&a);
	device_add(&b);
	end_connect(&ea, &a, 1);
	end_connect(&eb, &b, 1);
	bus_line_set(b.function, true);
	cpu_poll();
	assert_int_equal(ea.asked, 0);
	assert_int_equal(eb.claims, 1);
	bus_interrupt_disconnect(&ea.interrupt);
	bus_interrupt_disconnect(&eb.interrupt);
}

static void neighbouring_slots_have_different_lines(void **state)
{
	on_processor(not_shared);
}

/* PCI 3.0, 6.2.2: command bit 10 disables INTx. 6.8.3: with messages enabled the line is not used.
 */
static void silence(void)
{
	struct device d;
	struct end e;

	device_add(&d);
	end_connect(&e, &d, 1);
	config_set(&d, 4, 2, 0x407);
	bus_line_set(d.function, true);
	cpu_poll();
	assert_int_equal(e.asked, 0);
	assert_false(bus_messages_are_enabled(d.function));
	assert_int_equal(bus_messages_enable(d.function, 1), 1);
	assert_true(bus_messages_are_enabled(d.function));
	config_set(&d, 4, 2, 0x007);
	cpu_poll();
	assert_int_equal(e.asked, 0);
	/* what was asserted all the time is served when the line is used again */
	bus_messages_disable(d.function);
	cpu_poll();
	assert_int_equal(e.claims, 1);
	bus_interrupt_disconnect(&e.interrupt);
}

static void a_line_is_silent_when_disabled_or_messages_are_enabled(void **state)
{
	on_processor(silence);
}

static void nobody(void)
{
	struct device d;
	struct end e;

	device_add(&d);
	end_connect(&e, &d, 0);
	bus_line_set(d.function, true);
	cpu_poll();
	assert_violation(
		"bench keeps its interrupt line asserted and no interrupt routine claims it");
	assert_in_range(e.asked, 1000, 1000000);
	bus_interrupt_disconnect(&e.interrupt);
}

static void a_line_that_nobody_claims_is_shut_off(void **state)
{
	on_processor(nobody);
}

static unsigned dpc_ran;

static void note_dpc(struct cpu_dpc *dpc)
{
	struct device *d = dpc->ctx;

	dpc_ran++;
	bus_line_set(d->function, false);
}

/* An interrupt routine that leaves the device's interrupt to its DPC. */
static void leave_to_dpc(void)
{
	struct device d;
	struct end e;
	struct cpu_dpc dpc = {.fn = note_dpc, .ctx = &d, .cpu = CPU_HERE};

	device_add(&d);
	end_connect(&e, &d, ~0u);
	dpc_ran = 0;
	bus_line_set(d.function, true);
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_poll();
	assert_violation("bench keeps its interrupt line asserted and the interrupt routine, which "
			 "claims it, does not make the device lower it");
	assert_in_range(e.claims, 1000, 1000000000);
	assert_int_equal(dpc_ran, 1);
	bus_interrupt_disconnect(&e.interrupt);
}

static void a_line_that_only_a_dpc_would_lower_is_shut_off(void **state)
{
	on_processor(leave_to_dpc);
}

static void lineless(void)
{
	struct bus_interrupt interrupt = {.vector = {.irql = 6, .service = end_service}};
	struct device d;

	device_add_config(&d, &(struct bus_function_config){.name = "lineless"});
	assert_int_equal(bus_interrupt_connect(d.function, BUS_LINE, &interrupt), -EINVAL);
	bus_line_set(d.function, true);
	assert_int_equal(config_get(&d, 6, 2), 0);
}

static void a_function_without_a_pin_has_no_line(void **state)
{
	on_processor(lineless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(a_line_is_served_again_while_it_is_asserted),
		machine_test(a_line_asserted_before_the_connection_is_served_after_it),
		machine_test(a_shared_line_asks_each_in_turn_until_one_claims),
		machine_test(neighbouring_slots_have_different_lines),
		machine_test(a_line_is_silent_when_disabled_or_messages_are_enabled),
		machine_test(a_line_that_nobody_claims_is_shut_off),
		machine_test(a_line_that_only_a_dpc_would_lower_is_shut_off),
		machine_test(a_function_without_a_pin_has_no_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
