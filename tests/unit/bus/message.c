/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* MSI and MSI-X against the PCI Local Bus Specification 3.0, 6.8. The test is processor 0. */
#include "bench_device.h"
#include <errno.h>
#include <pthread.h>

#define TABLE		  0x1000 /* in BAR 2, see device_config */
#define PENDING		  (TABLE + 5 * 16)
#define VECTOR_CONTROL(n) (TABLE + 16 * (n) + 12)

static struct bus_interrupt ends[8];
static unsigned count[8];

static bool end_service(struct cpu_interrupt *vector)
{
	count[(struct bus_interrupt *)vector->ctx - ends]++;
	return true;
}

static int end_connect(struct device *d, unsigned end, unsigned message)
{
	ends[end] = (struct bus_interrupt){
		.vector = {.irql = 7, .service = end_service, .ctx = &ends[end]}};
	count[end] = 0;
	return bus_interrupt_connect(d->function, message, &ends[end]);
}

static void send(struct device *d, unsigned message)
{
	bus_message_send(d->function, message);
	cpu_poll();
}

static void deliver(void)
{
	struct device d;

	device_add(&d);
	assert_int_equal(bus_messages_enable(d.function, 3), 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(end_connect(&d, i, i), 0);
	send(&d, 1);
	send(&d, 2);
	send(&d, 2);
	assert_int_equal(count[0], 0);
	assert_int_equal(count[1], 1);
	assert_int_equal(count[2], 2);
	for (unsigned i = 0; i < 3; i++)
		bus_interrupt_disconnect(&ends[i]);
	send(&d, 1);
	assert_int_equal(count[1], 1);
}

static void each_message_reaches_its_own_vector(void **state)
{
	on_processor(deliver);
}

static void grants(void)
{
	struct bus_function_config config = device_config;
	struct device x, m, none;

	device_add(&x);
	assert_int_equal(bus_messages_enable(x.function, 0), 0);
	assert_false(bus_messages_are_enabled(x.function));
	assert_int_equal(bus_messages_enable(x.function, 64), 5);
	assert_int_equal(config_get(&x, 0x72, 2), 0x8004);
	assert_int_equal(config_get(&x, 0x52, 2) & 1, 0); /* not both */
	config.msix_messages = 0;
	device_add_config(&m, &config);
	/* MSI hands out powers of two: three wanted, four enabled */
	assert_int_equal(bus_messages_enable(m.function, 3), 3);
	assert_int_equal(config_get(&m, 0x52, 2), 0x0086 | 2 << 4 | 1);
	assert_int_equal(bus_messages_enable(m.function, 64), 8);
	bus_messages_disable(m.function);
	assert_int_equal(config_get(&m, 0x52, 2) & 1, 0);
	config.msi_messages = 0;
	device_add_config(&none, &config);
	assert_int_equal(bus_messages_enable(none.function, 4), 0);
}

static void as_many_are_granted_as_there_are(void **state)
{
	on_processor(grants);
}

static void refusals(void)
{
	struct device d;

	device_add(&d);
	assert_int_equal(end_connect(&d, 0, 0), -EINVAL); /* not enabled */
	bus_messages_enable(d.function, 5);
	assert_int_equal(end_connect(&d, 0, 5), -EINVAL);
	assert_int_equal(end_connect(&d, 0, 4), 0);
	assert_int_equal(end_connect(&d, 1, 4), -EBUSY);
	send(&d, 4);
	assert_int_equal(count[0], 1);
	bus_interrupt_disconnect(&ends[0]);
	assert_int_equal(end_connect(&d, 1, 4), 0);
	bus_interrupt_disconnect(&ends[1]);
}

static void a_message_has_one_vector(void **state)
{
	on_processor(refusals);
}

static void vector_mask(void)
{
	struct device d;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 2);
	bus_messages_enable(d.function, 5);
	end_connect(&d, 0, 0);
	end_connect(&d, 3, 3);
	assert_int_equal((uint32_t)bus_register_read(reg + VECTOR_CONTROL(3), 4), 0);
	assert_int_equal((uint32_t)bus_register_read(reg + VECTOR_CONTROL(1), 4), 1);
	bus_register_write(reg + VECTOR_CONTROL(3), 4, 1);
	send(&d, 3);
	send(&d, 3);
	send(&d, 0);
	assert_int_equal(count[3], 0);
	assert_int_equal(count[0], 1);
	assert_true(bus_register_read(reg + PENDING, 8) == 1 << 3);
	assert_int_equal((uint32_t)bus_register_read(reg + PENDING, 4), 1 << 3);
	/* pending bits are read-only */
	bus_register_write(reg + PENDING, 8, 0);
	assert_true(bus_register_read(reg + PENDING, 8) == 1 << 3);
	bus_register_write(reg + VECTOR_CONTROL(3), 4, 0);
	cpu_poll();
	assert_int_equal(count[3], 1); /* once, however often it was sent */
	assert_true(bus_register_read(reg + PENDING, 8) == 0);
	assert_int_equal(d.reads + d.writes, 0); /* the device sees none of this */
	bus_interrupt_disconnect(&ends[0]);
	bus_interrupt_disconnect(&ends[3]);
}

static void a_masked_vector_is_pending_and_delivered_once_when_unmasked(void **state)
{
	on_processor(vector_mask);
}

static void function_mask(void)
{
	struct device d;

	device_add(&d);
	bus_messages_enable(d.function, 2);
	end_connect(&d, 0, 0);
	end_connect(&d, 1, 1);
	config_set(&d, 0x72, 2, 0xc000);
	send(&d, 0);
	send(&d, 1);
	assert_int_equal(count[0] + count[1], 0);
	config_set(&d, 0x72, 2, 0x8000);
	cpu_poll();
	assert_int_equal(count[0], 1);
	assert_int_equal(count[1], 1);
	bus_interrupt_disconnect(&ends[0]);
	bus_interrupt_disconnect(&ends[1]);
}

static void the_function_mask_holds_all_vectors_back(void **state)
{
	on_processor(function_mask);
}

static void unconnected(void)
{
	struct device d;

	device_add(&d);
	bus_messages_enable(d.function, 5);
	send(&d, 2); /* nobody is there yet: PnP has not unmasked the entry */
	end_connect(&d, 2, 2);
	cpu_poll();
	assert_int_equal(count[2], 1);
	bus_interrupt_disconnect(&ends[2]);
}

static void what_is_sent_before_the_connection_is_delivered_after_it(void **state)
{
	on_processor(unconnected);
}

static void all_masked(void)
{
	struct bus_function_config config = device_config;
	struct device d;

	device_add(&d);
	bus_messages_enable(d.function, 5);
	end_connect(&d, 0, 0);
	end_connect(&d, 1, 1);
	assert_false(bus_interrupts_are_masked(d.function));
	assert_true(bus_interrupts_mask(d.function, true));
	assert_true(bus_interrupts_are_masked(d.function));
	send(&d, 0);
	send(&d, 1);
	send(&d, 1);
	assert_int_equal(count[0] + count[1], 0);
	assert_true(bus_interrupts_mask(d.function, false));
	cpu_poll();
	assert_int_equal(count[0], 1);
	assert_int_equal(count[1], 1);
	/* by the line: Interrupt Disable, bit 10 of the command register */
	device_add(&d);
	assert_true(bus_interrupts_mask(d.function, true));
	assert_int_equal(config_get(&d, 4, 2), 0x0407);
	assert_true(bus_interrupts_are_masked(d.function));
	assert_true(bus_interrupts_mask(d.function, false));
	assert_int_equal(config_get(&d, 4, 2), 0x0007);
	/* MSI has no mask here */
	config.msix_messages = 0;
	device_add_config(&d, &config);
	bus_messages_enable(d.function, 2);
	assert_false(bus_interrupts_mask(d.function, true));
	assert_int_equal(config_get(&d, 4, 2), 0x0007);
	assert_false(bus_interrupts_are_masked(d.function));
}

static void all_that_a_function_interrupts_by_is_masked_at_once(void **state)
{
	on_processor(all_masked);
}

static void bus_mastering_is_a_bit_of_the_command_register(void **state)
{
	struct device d;

	device_add(&d);
	assert_true(bus_master_is_on(d.function));
	bus_master_set(d.function, false);
	assert_false(bus_master_is_on(d.function));
	assert_int_equal(d.command, 0x0003);
	bus_master_set(d.function, true);
	assert_int_equal(d.command, 0x0007);
}

static void losses(void)
{
	struct device d;

	device_add(&d);
	bus_messages_enable(d.function, 5);
	end_connect(&d, 0, 0);
	send(&d, 5); /* no such entry */
	send(&d, 64);
	config_set(&d, 4, 2, 0x0003);
	send(&d, 0); /* a message is a bus-master write */
	assert_int_equal(count[0], 0);
	config_set(&d, 4, 2, 0x0007);
	send(&d, 0);
	assert_int_equal(count[0], 1);
	bus_function_power(d.function, false);
	send(&d, 0);
	assert_int_equal(count[0], 1);
	bus_function_power(d.function, true);
	send(&d, 0);
	assert_int_equal(count[0], 2);
	bus_messages_disable(d.function);
	send(&d, 0);
	assert_int_equal(count[0], 2);
	bus_messages_enable(d.function, 5);
	bus_message_mask(d.function, 0, false);
	send(&d, 0);
	assert_int_equal(count[0], 3);
	bus_function_unplug(d.function);
	send(&d, 0);
	assert_int_equal(count[0], 3);
	bus_interrupt_disconnect(&ends[0]);
	device_add(&d);
	send(&d, 0); /* messages are not enabled */
	assert_int_equal(count[0], 3);
}

static void messages_are_lost_when_they_cannot_be_sent(void **state)
{
	on_processor(losses);
}

/* 6.8.1: a function that was given fewer messages than it has replaces the low bits only. */
static void msi_folds(void)
{
	struct bus_function_config config = device_config;
	struct device d;

	config.msix_messages = 0;
	device_add_config(&d, &config);
	assert_int_equal(bus_messages_enable(d.function, 2), 2);
	end_connect(&d, 0, 0);
	end_connect(&d, 1, 1);
	assert_int_equal(end_connect(&d, 2, 2), -EINVAL);
	send(&d, 0);
	send(&d, 7);
	send(&d, 3);
	assert_int_equal(count[0], 1);
	assert_int_equal(count[1], 2);
	bus_interrupt_disconnect(&ends[0]);
	bus_interrupt_disconnect(&ends[1]);
}

static void msi_messages_fold_into_those_granted(void **state)
{
	on_processor(msi_folds);
}

static void table(void)
{
	uint64_t address;
	uint32_t data;
	struct device d;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 2);
	bus_messages_enable(d.function, 5);
	end_connect(&d, 4, 4);
	bus_message_get(d.function, 4, &address, &data);
	assert_true((address & 0xfff00000) == 0xfee00000);
	assert_int_equal((uint32_t)bus_register_read(reg + TABLE + 64, 4), (uint32_t)address);
	assert_int_equal((uint32_t)bus_register_read(reg + TABLE + 64 + 8, 4), data);
	bus_register_write(reg + TABLE + 32, 8, 0x11111111fee01000ull);
	assert_true(bus_register_read(reg + TABLE + 32, 8) == 0x11111111fee01000ull);
	assert_int_equal((uint16_t)bus_register_read(reg + TABLE + 38, 2), 0x1111);
	/* narrower writes are not defined, and ignored */
	bus_register_write(reg + TABLE + 32, 1, 0xff);
	assert_int_equal((uint32_t)bus_register_read(reg + TABLE + 32, 4), 0xfee01000);
	/* before the table and behind the pending bits is the device's own */
	bus_register_write(reg + TABLE - 4, 4, 1);
	bus_register_write(reg + PENDING + 8, 4, 1);
	assert_int_equal(d.writes, 2);
	bus_interrupt_disconnect(&ends[4]);
}

static void the_table_can_be_read_and_written(void **state)
{
	on_processor(table);
}

/* A sender on another thread against a processor that masks and unmasks: the last message always
 * arrives. */
static _Atomic unsigned sent, seen;

static bool see(struct cpu_interrupt *vector)
{
	seen = sent;
	return true;
}

static void *sender(void *device)
{
	struct device *d = device;

	for (unsigned i = 1; i <= 20000; i++) {
		sent = i;
		bus_message_send(d->function, 0);
	}
	return NULL;
}

static void race(void)
{
	struct bus_interrupt end = {.vector = {.irql = 7, .service = see}};
	pthread_t thread;
	struct device d;
	char *reg;

	device_add(&d);
	reg = device_map(&d, 2);
	sent = seen = 0;
	bus_messages_enable(d.function, 1);
	assert_int_equal(bus_interrupt_connect(d.function, 0, &end), 0);
	pthread_create(&thread, NULL, sender, &d);
	while (sent < 20000) {
		bus_register_write(reg + VECTOR_CONTROL(0), 4, 1);
		bus_register_write(reg + VECTOR_CONTROL(0), 4, 0);
	}
	pthread_join(thread, NULL);
	cpu_poll();
	assert_int_equal(seen, 20000);
	bus_interrupt_disconnect(&end);
}

static void no_message_is_lost_between_mask_and_unmask(void **state)
{
	on_processor(race);
}

/* ---- by the processor itself, in a step between two DPCs ---- */

static struct {
	struct device d;
	struct cpu_agent *agent;
	struct bus_interrupt end;
	void (*in_step)(void);
	unsigned served;
	_Atomic unsigned sends;
	bool is_sent;
	_Atomic bool is_over;
} step;

static bool step_service(struct cpu_interrupt *vector)
{
	step.served++;
	return true;
}

static void step_connect(void)
{
	step.end = (struct bus_interrupt){.vector = {.irql = 7, .service = step_service}};
	assert_int_equal(bus_interrupt_connect(step.d.function, 1, &step.end), 0);
}

static void step_run(void *ctx)
{
	step.in_step();
}

static void step_kick(struct cpu_dpc *dpc)
{
	cpu_agent_kick(step.agent);
}

static void step_once(void (*in_step)(void))
{
	static struct cpu_dpc dpc = {.fn = step_kick, .cpu = CPU_HERE};

	step.in_step = in_step;
	cpu_dpc_queue(&dpc, NULL, NULL);
	cpu_poll();
}

static void step_init(void)
{
	device_add(&step.d);
	step.agent = cpu_agent_new(step_run, NULL, "device");
	step.served = 0;
	assert_int_equal(bus_messages_enable(step.d.function, 3), 3);
	step_connect();
}

static void send_now(void)
{
	step.is_sent = bus_message_send_now(step.d.function, 1);
}

static void send_now_twice(void)
{
	send_now();
	send_now();
}

static void send_now_beyond(void)
{
	step.is_sent = bus_message_send_now(step.d.function, 5);
}

static void refuse(void)
{
	step_init();
	step_once(send_now);
	assert_true(step.is_sent);
	assert_int_equal(step.served, 1);
	step_once(send_now_twice);
	assert_true(step.is_sent);
	assert_int_equal(step.served, 2);
	step_once(send_now_beyond);
	assert_false(step.is_sent);
	bus_message_mask(step.d.function, 1, true);
	step_once(send_now);
	assert_false(step.is_sent);
	/* nothing was done, so nothing is pending */
	bus_message_mask(step.d.function, 1, false);
	cpu_poll();
	assert_int_equal(step.served, 2);
	config_set(&step.d, 4, 2, config_get(&step.d, 4, 2) & ~4u);
	step_once(send_now);
	assert_false(step.is_sent);
	config_set(&step.d, 4, 2, config_get(&step.d, 4, 2) | 4);
	step_once(send_now);
	assert_true(step.is_sent);
	assert_int_equal(step.served, 3);
	bus_interrupt_disconnect(&step.end);
	step_once(send_now);
	assert_false(step.is_sent);
	bus_messages_disable(step.d.function);
	step_once(send_now);
	assert_false(step.is_sent);
	assert_int_equal(step.served, 3);
	cpu_agent_free(step.agent);
}

static void what_stands_in_a_messages_way_is_told_and_nothing_done(void **state)
{
	on_processor(refuse);
}

static void *connect_anew(void *arg)
{
	for (unsigned i = 0; i < 5000; i++) {
		unsigned before = step.sends;

		while (step.sends == before)
			sched_yield(); /* there may be one core */
		bus_interrupt_disconnect(&step.end);
		memset(&step.end, 0xa5, sizeof(step.end));
		step_connect();
	}
	step.is_over = true;
	return NULL;
}

static void send_in_step(void)
{
	step.sends++;
	bus_message_send(step.d.function, 1);
}

static void send_meanwhile(void)
{
	pthread_t other;

	step_init();
	step.is_over = false;
	assert_int_equal(pthread_create(&other, NULL, connect_anew, NULL), 0);
	while (!step.is_over)
		step_once(send_in_step);
	pthread_join(other, NULL);
	assert_true(step.served > 0);
	bus_interrupt_disconnect(&step.end);
	cpu_agent_free(step.agent);
}

/* It would have an IRQL that none has. */
static void a_vector_that_is_disconnected_meanwhile_is_not_raised_any_more(void **state)
{
	on_processor(send_meanwhile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(each_message_reaches_its_own_vector),
		machine_test(as_many_are_granted_as_there_are),
		machine_test(a_message_has_one_vector),
		machine_test(a_masked_vector_is_pending_and_delivered_once_when_unmasked),
		machine_test(the_function_mask_holds_all_vectors_back),
		machine_test(what_is_sent_before_the_connection_is_delivered_after_it),
		machine_test(all_that_a_function_interrupts_by_is_masked_at_once),
		machine_test(bus_mastering_is_a_bit_of_the_command_register),
		machine_test(messages_are_lost_when_they_cannot_be_sent),
		machine_test(msi_messages_fold_into_those_granted),
		machine_test(the_table_can_be_read_and_written),
		machine_test(no_message_is_lost_between_mask_and_unmask),
		machine_test(what_stands_in_a_messages_way_is_told_and_nothing_done),
		machine_test(a_vector_that_is_disconnected_meanwhile_is_not_raised_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
