/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Rings, interrupts and failures of the simple controller, against docs/simple-controller.md. */
#include "driver.h"

static void wrap(void)
{
	struct completion c;
	struct driver d;
	unsigned next = 0;

	driver_open(&d, "ring=8");
	driver_start(&d);
	/* batches of 1 to 8 over many turns of both rings */
	for (unsigned batch = 1; d.submitted < 3000; batch = batch % 8 + 1) {
		for (unsigned i = 0; i < batch; i++)
			driver_put(&d, command_of(&d, FLUSH, 0, 0));
		driver_ring(&d);
		for (unsigned i = 0; i < batch; i++, next++) {
			assert_true(driver_take(&d, &c));
			assert_int_equal(c.tag, next);
			assert_int_equal(c.status, OK);
		}
		assert_false(driver_take(&d, &c));
	}
	driver_close(&d);
}

static void full_ring(void)
{
	struct completion c;
	struct driver d;

	driver_open(&d, "ring=1024");
	driver_start(&d);
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < 1024; i++)
			driver_put(&d, command_of(&d, FLUSH, 0, 0));
		driver_ring(&d);
		for (unsigned i = 0; i < 1024; i++)
			assert_true(driver_take(&d, &c));
	}
	driver_close(&d);
}

static void one_interrupt_per_batch(void)
{
	uint64_t log[8];
	struct driver d;
	uint8_t old;

	driver_open(&d, "messages=4");
	driver_connect_messages(&d, 4);
	driver_start(&d);
	old = cpu_irql_raise(10); /* the interrupts wait */
	for (unsigned i = 0; i < 20; i++) {
		struct command c = command_of(&d, FLUSH, 0, 0);

		c.message = i % 2 ? 3 : 1;
		driver_put(&d, c);
	}
	driver_ring(&d);
	cpu_irql_lower(old);
	assert_int_equal(d.interrupts_seen[1], 1);
	assert_int_equal(d.interrupts_seen[3], 1);
	assert_int_equal(d.interrupts_seen[0] + d.interrupts_seen[2], 0);
	for (struct completion c; driver_take(&d, &c);)
		;
	assert_int_equal(d.done, 20);
	driver_log(&d, log);
	assert_int_equal(log[7], 2); /* interrupts sent so far */
	driver_disconnect(&d, 4);
	driver_close(&d);
}

static void unknown_message(void)
{
	struct driver d;
	struct command c;

	driver_open(&d, "messages=2");
	driver_connect_messages(&d, 2);
	driver_start(&d);
	c = command_of(&d, FLUSH, 0, 0);
	c.message = 2;
	driver_do(&d, c);
	c.message = 65535;
	driver_do(&d, c);
	assert_int_equal(d.interrupts_seen[0], 2);
	assert_int_equal(d.interrupts_seen[1], 0);
	driver_disconnect(&d, 2);
	driver_close(&d);
}

static void msi(void)
{
	struct driver d;
	struct command c;

	driver_open(&d, "msi,messages=2");
	driver_connect_messages(&d, 2);
	driver_start(&d);
	c = command_of(&d, FLUSH, 0, 0);
	c.message = 1;
	driver_do(&d, c);
	assert_int_equal(d.interrupts_seen[1], 1);
	driver_disconnect(&d, 2);
	driver_close(&d);
}

/* The completion is in memory when its interrupt is served. */
static struct driver *ordered;
static bool was_complete;

static bool order_service(struct cpu_interrupt *vector)
{
	struct completion c;

	reg_set(ordered, INTERRUPT, 1);
	was_complete = driver_take(ordered, &c);
	return true;
}

static void order(void)
{
	struct driver d;

	driver_open(&d, "intx");
	d.interrupts[0].vector = (struct cpu_interrupt){.irql = 5, .service = order_service};
	bus_interrupt_connect(d.function, BUS_LINE, &d.interrupts[0]);
	driver_start(&d);
	ordered = &d;
	was_complete = false;
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	assert_true(was_complete);
	driver_disconnect(&d, 1);
	driver_close(&d);
}

static void line(void)
{
	struct driver d;

	driver_open(&d, "intx");
	driver_connect_line(&d);
	driver_start(&d);
	driver_do(&d, command_of(&d, FLUSH, 0, 0));
	assert_int_equal(d.interrupts_seen[0], 1);
	assert_int_equal(reg_get(&d, INTERRUPT), 0);
	/* masked: the cause is shown but does not interrupt; unmasked it does */
	reg_set(&d, MASK, 1);
	driver_do(&d, command_of(&d, FLUSH, 0, 0));
	assert_int_equal(d.interrupts_seen[0], 1);
	assert_int_equal(reg_get(&d, INTERRUPT), 1);
	reg_set(&d, MASK, 0);
	assert_int_equal(d.interrupts_seen[0], 2);
	/* writing zeros clears nothing */
	reg_set(&d, MASK, 1);
	driver_do(&d, command_of(&d, FLUSH, 0, 0));
	reg_set(&d, INTERRUPT, 2);
	assert_int_equal(reg_get(&d, INTERRUPT), 1);
	/* a stop clears it */
	driver_stop(&d);
	assert_int_equal(reg_get(&d, INTERRUPT), 0);
	driver_disconnect(&d, 1);
	driver_close(&d);
}

static void fails_with(struct driver *d, unsigned error)
{
	struct completion c;

	assert_int_equal(reg_get(d, STATUS), error << 8);
	assert_int_equal(d->interrupts_seen[0], 1);
	assert_false(driver_take(d, &c));
	/* it stays stopped: doorbells are lost */
	reg_set(d, DOORBELL, 1);
	assert_int_equal(reg_get(d, STATUS), error << 8);
	reg_set(d, CONTROL, 1);
	assert_int_equal(reg_get(d, STATUS), error << 8);
	driver_stop(d);
	driver_start(d);
	assert_int_equal(driver_do(d, command_of(d, FLUSH, 0, 0)), OK);
	driver_stop(d);
	d->interrupts_seen[0] = 0;
}

static void failures(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct driver d;

	driver_open(&d, "ring=4");
	driver_connect_messages(&d, 4);
	/* 1: RING not aligned */
	bus_register_write(d.regs + RING, 8, mem_physical(d.ring) + 32);
	reg_set(&d, CONTROL, 1);
	fails_with(&d, 1);
	/* 1: no memory at RING */
	bus_register_write(d.regs + RING, 8, 1ull << 46);
	reg_set(&d, CONTROL, 1);
	assert_int_equal(reg_get(&d, STATUS), 1);
	reg_set(&d, DOORBELL, 1);
	fails_with(&d, 1);
	/* 2: five commands for four entries */
	driver_start(&d);
	reg_set(&d, DOORBELL, 5);
	fails_with(&d, 2);
	/* 2: a doorbell that goes back */
	driver_start(&d);
	reg_set(&d, DOORBELL, 2);
	d.interrupts_seen[0] = 0;
	d.done = 2;
	reg_set(&d, DOORBELL, 1);
	fails_with(&d, 2);
	/* after that no command is looked at, whatever it is */
	driver_start(&d);
	assert_int_equal(driver_do(&d, direct_of(READ, 0, mem_physical(data), 512)), OK);
	assert_int_equal(driver_do(&d, direct_of(READ, 0, mem_physical(data), 512)), OK);
	d.interrupts_seen[0] = 0;
	reg_set(&d, DOORBELL, 9);
	driver_put(&d, direct_of(READ, 0, mem_physical(data), 512));
	driver_ring(&d);
	fails_with(&d, 2);
	mem_free(data, 4096);
	driver_disconnect(&d, 4);
	driver_close(&d);
}

static void failure_by_line(void)
{
	struct driver d;

	driver_open(&d, "intx,ring=4");
	driver_connect_line(&d);
	reg_set(&d, MASK, 2);
	driver_start(&d);
	reg_set(&d, DOORBELL, 5);
	assert_int_equal(reg_get(&d, INTERRUPT), 2);
	reg_set(&d, MASK, 0);
	fails_with(&d, 2);
	driver_disconnect(&d, 1);
	driver_close(&d);
}

/* With the bus-master bit off no request completes, and the controller says why. */
static void no_master(void)
{
	uint16_t off = 3, on = 7;
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct completion c;
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(driver_do(&d, direct_of(READ, 0, mem_physical(data), 512)), OK);
	bus_config_write(d.function, 4, &off, 2);
	driver_put(&d, direct_of(READ, 0, mem_physical(data), 512));
	driver_ring(&d);
	assert_false(driver_take(&d, &c));
	assert_int_equal(reg_get(&d, STATUS), 3 << 8);
	bus_config_write(d.function, 4, &on, 2);
	reg_set(&d, CONTROL, 1); /* it has failed all the same, and looks at no command */
	assert_int_equal(reg_get(&d, STATUS), 3 << 8);
	assert_false(driver_take(&d, &c));
	driver_stop(&d);
	driver_start(&d);
	assert_int_equal(driver_do(&d, command_of(&d, FLUSH, 0, 0)), OK);
	driver_close(&d);
	mem_free(data, 4096);
}

static void counts(void)
{
	char *data = mem_alloc(8192, 0, MEM_DATA, NULL);
	uint64_t log[8];
	struct driver d;

	driver_open(&d, "intx");
	driver_start(&d);
	driver_write(&d, 0, data, 8192);
	driver_write(&d, 8, data, 512);
	driver_read(&d, 0, data, 1024);
	driver_do(&d, command_of(&d, FLUSH, 0, 0));
	d.list[0] = (struct element){0, 4, 0};
	d.list[1] = (struct element){8, 4, 0};
	driver_do(&d, command_of(&d, TRIM, 0, 2));
	driver_do(&d, command_of(&d, 99, 0, 0));
	driver_stop(&d);
	driver_start(&d);
	driver_log(&d, log);
	assert_int_equal(log[0], 6); /* commands */
	assert_int_equal(log[1], 1024);
	assert_int_equal(log[2], 8704);
	assert_int_equal(log[3], 1); /* flushes */
	assert_int_equal(log[4], 2); /* ranges */
	assert_int_equal(log[5], 1); /* errors */
	assert_int_equal(log[6], 1); /* resets */
	assert_int_equal(log[7], 6); /* interrupts */
	driver_close(&d);
	mem_free(data, 8192);
}

/* delay=US: nothing happens before that time. */
static void delayed(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct completion c;
	struct driver d;
	uint64_t start;

	driver_open(&d, "delay=20000");
	driver_start(&d);
	for (unsigned i = 0; i < 5; i++) {
		start = cpu_clock();
		driver_put(&d, i >= 2 ? direct_of(READ, 0, mem_physical(data), 4096)
				      : command_of(&d, FLUSH, 0, 0));
		driver_ring(&d);
		while (!driver_take(&d, &c))
			cpu_relax();
		assert_true(cpu_clock() - start >= 20000000);
		assert_true(cpu_clock() - start < 2000000000);
	}
	driver_put(&d, command_of(&d, FLUSH, 0, 0));
	driver_ring(&d);
	driver_stop(&d); /* with a command waiting */
	driver_close(&d);
	mem_free(data, 4096);
}

/* ---- the device on a thread of its own ---- */

/* Rings in up to a ring's worth at a time and waits for interrupts; the data read is what was
 * written. */
static void beside(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL), *back = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct completion c;
	struct driver d;

	driver_open(&d, "ring=16,messages=1");
	driver_connect_messages(&d, 1);
	driver_start(&d);
	for (unsigned i = 0; i < 2000; i++) {
		unsigned batch = i % 7 + 1, taken = 0;

		pattern_fill(data, 4096, i);
		driver_list(&d, data, 4096);
		d.list[1] = (struct element){mem_physical(back), 4096, 0};
		driver_put(&d, command_of(&d, WRITE, i % 1000, 1));
		for (unsigned n = 0; n < batch; n++) {
			struct command read = command_of(&d, READ, i % 1000, 1);

			read.list += sizeof(struct element);
			driver_put(&d, read);
		}
		driver_ring(&d);
		while (taken < batch + 1) {
			unsigned before = d.interrupts_seen[0];

			for (; driver_take(&d, &c); taken++)
				assert_int_equal(c.status, OK);
			while (taken < batch + 1 && d.interrupts_seen[0] == before)
				cpu_relax();
		}
		assert_memory_equal(back, data, 4096);
	}
	driver_disconnect(&d, 1);
	driver_close(&d);
	mem_free(back, 4096);
	mem_free(data, 4096);
}

/* Once STATUS is 0 the device touches nothing, whatever it was in the middle of. */
static void stop_in_the_middle(void)
{
	char *data = mem_alloc(65536, 0, MEM_DATA, NULL);
	struct driver d;

	driver_open(&d, "ring=64,intx");
	for (unsigned turn = 0; turn < 100; turn++) {
		unsigned elements;

		driver_start(&d);
		elements = driver_list(&d, data, 65536);
		for (unsigned i = 0; i < 64; i++)
			driver_put(&d, command_of(&d, READ, 0, elements));
		driver_ring(&d);
		for (unsigned i = 0; i < turn * 20; i++)
			cpu_poll();
		driver_stop(&d);
		memset(d.ring, 0x5a, RING_BYTES);
		memset(data, 0x5a, 65536);
		for (unsigned i = 0; i < 2000; i++)
			cpu_poll();
		for (unsigned i = 0; i < RING_BYTES; i++)
			if (d.ring[i] != 0x5a || data[i] != 0x5a)
				fail_msg("turn %u: byte %u was written after the stop", turn, i);
	}
	driver_close(&d);
	mem_free(data, 65536);
}

/* ---- hostile values ---- */

static uint64_t seed;

static uint64_t random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Mostly plausible, sometimes anything. */
static uint64_t random_address(struct driver *d, const char *data)
{
	switch (random_next() % 6) {
	case 0:
		return random_next();
	case 1:
		return mem_physical(d->ring) + random_next() % RING_BYTES;
	case 2:
		return mem_physical(d->list) + random_next() % LIST_BYTES;
	case 3:
		return ~0ull - random_next() % 8192;
	default:
		return mem_physical(data) + random_next() % 4096;
	}
}

static void random_memory(struct driver *d, const char *data)
{
	struct command c = {
		.opcode = (uint8_t)(random_next() % 9),
		.flags = (uint8_t)random_next(),
		.elements = (uint16_t)(random_next() % 4 ? random_next() % 8 : random_next()),
		.message = (uint16_t)random_next(),
		.list = random_next() % 8 ? mem_physical(d->list) : random_address(d, data),
	};

	c.block = random_next() % 4 ? random_next() % 8200 : random_next();
	c.length = random_next() % 4 ? 512 * (random_next() % 10) : random_next();
	if (c.flags & DIRECT)
		c.list = random_address(d, data);
	if (c.opcode == 7) {
		static const uint8_t codes[] = {
			0x12, 0x1a, 0x28, 0x2a, 0x41, 0x42, 0x5a, 0x88, 0x93, 0x9e, 0xa0};

		for (unsigned i = 1; i < 16; i++)
			c.cdb[i] = (uint8_t)(random_next() % 2 ? random_next() : 0);
		c.cdb[0] = codes[random_next() % sizeof(codes)];
	}
	for (unsigned i = 0; i < 8; i++)
		d->list[i] = (struct element){random_address(d, data),
			(uint32_t)(random_next() % 3 ? 512 * (random_next() % 8) : random_next()),
			0};
	if (random_next() % 16)
		memcpy(d->ring + random_next() % d->entries * 32, &c, sizeof(c));
	else
		d->ring[random_next() % RING_BYTES] = (char)random_next();
}

static void random_register(struct driver *d, const char *data)
{
	static const unsigned sizes[] = {1, 2, 4, 4, 4, 8};
	unsigned size = sizes[random_next() % 6];
	unsigned offset = (unsigned)(random_next() % 0x40) & ~(size - 1);

	switch (random_next() % 8) {
	case 0:
		bus_register_write(d->regs + offset, size, random_next());
		break;
	case 1:
		bus_register_read(d->regs + offset, size);
		break;
	case 2:
		bus_register_write(d->regs + RING, 8, random_address(d, data) & ~63ull);
		break;
	case 3:
		reg_set(d, CONTROL, (uint32_t)(random_next() % 4 != 0));
		break;
	case 4:
		bus_register_write(d->regs + RING, 8, mem_physical(d->ring));
		break;
	default:
		reg_set(d, DOORBELL, reg_get(d, DOORBELL) + (uint32_t)(random_next() % 6));
	}
}

static void fuzz(void)
{
	static const char *const kinds[] = {
		"ring=8", "ring=64,intx,max-elements=4", "ring=2,width=32"};
	char *data = mem_alloc(8192, 0, MEM_DATA, NULL);
	struct driver d;

	seed = 0x5eed5eed5eed;
	for (unsigned kind = 0; kind < array_size(kinds); kind++) {
		driver_open(&d, kinds[kind]);
		driver_start(&d);
		for (unsigned i = 0; i < 4000; i++) {
			random_memory(&d, data);
			random_register(&d, data);
			if (i % 16 == 0) {
				reg_set(&d, CONTROL, 0);
				bus_register_write(d.regs + RING, 8, mem_physical(d.ring));
				reg_set(&d, CONTROL, 1);
			}
		}
		/* it still works */
		driver_stop(&d);
		driver_start(&d);
		assert_int_equal(driver_write(&d, 0, data, 8192), OK);
		driver_close(&d);
	}
	mem_free(data, 8192);
}

#define ON_PROCESSOR(name, body)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body);                                                                \
	}

ON_PROCESSOR(both_rings_wrap, wrap)
ON_PROCESSOR(a_full_ring_completes, full_ring)
ON_PROCESSOR(a_batch_sends_each_message_once, one_interrupt_per_batch)
ON_PROCESSOR(a_message_that_is_not_there_counts_as_0, unknown_message)
ON_PROCESSOR(msi_works_too, msi)
ON_PROCESSOR(completions_stand_in_memory_before_the_interrupt, order)
ON_PROCESSOR(the_line_follows_interrupt_and_mask, line)
ON_PROCESSOR(failures_stop_the_controller_until_it_is_reset, failures)
ON_PROCESSOR(a_failure_interrupts_on_the_line, failure_by_line)
ON_PROCESSOR(without_bus_mastering_nothing_completes, no_master)
ON_PROCESSOR(the_log_page_counts, counts)
ON_PROCESSOR(delayed_commands_wait, delayed)
ON_PROCESSOR(nothing_is_lost_beside_a_processor, beside)
ON_PROCESSOR(a_stopped_controller_touches_no_memory, stop_in_the_middle)
ON_PROCESSOR(hostile_values_never_crash_it, fuzz)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(both_rings_wrap),
		machine_test(a_full_ring_completes),
		machine_test(a_batch_sends_each_message_once),
		machine_test(a_message_that_is_not_there_counts_as_0),
		machine_test(msi_works_too),
		machine_test(completions_stand_in_memory_before_the_interrupt),
		machine_test(the_line_follows_interrupt_and_mask),
		machine_test(failures_stop_the_controller_until_it_is_reset),
		machine_test(a_failure_interrupts_on_the_line),
		machine_test(without_bus_mastering_nothing_completes),
		machine_test(the_log_page_counts),
		machine_test(delayed_commands_wait),
		machine_test_beside(nothing_is_lost_beside_a_processor),
		machine_test_beside(a_stopped_controller_touches_no_memory),
		machine_test(hostile_values_never_crash_it),
#ifndef DRY_TSAN /* a hostile driver does write where the device writes: that is a race */
		machine_test_beside(hostile_values_never_crash_it),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
