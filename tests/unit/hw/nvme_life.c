/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Registers, enabling, reset, shutdown and failure of the NVMe controller: NVMe 1.4, 3.1 and 7. */
#include "nvme_driver.h"

static unsigned flush(struct driver *d)
{
	return driver_do(d, 1, (struct command){.opcode = FLUSH, .nsid = 1});
}

static void access_widths(void)
{
	struct driver d;

	driver_open(&d, "");
	bus_register_write(d.regs + ASQ, 8, 0x1122334455667fffull);
	assert_true(
		bus_register_read(d.regs + ASQ, 8) == 0x1122334455667000ull); /* 11:0 reserved */
	reg_set(&d, ASQ + 4, 0x99);
	reg_set(&d, ACQ, 0x5000);
	assert_true(bus_register_read(d.regs + ASQ, 8) == 0x9955667000ull);
	assert_true(bus_register_read(d.regs + ACQ, 8) == 0x5000);
	bus_register_write(d.regs + AQA, 2, 0x0010);
	assert_int_equal(reg_get(&d, AQA), 0);
	reg_set(&d, AQA, ~0u);
	assert_int_equal(reg_get(&d, AQA), 0x0fff0fff);
	reg_set(&d, VS, 0);
	reg_set(&d, CSTS, ~0u);
	assert_int_equal(reg_get(&d, VS), 0x00010400);
	assert_int_equal(reg_get(&d, CSTS), 0);
	/* either address reads the mask: 3.1.3, 3.1.4 */
	reg_set(&d, INTMS, 5);
	assert_int_equal(reg_get(&d, INTMC), 5);
	reg_set(&d, INTMC, 4);
	assert_int_equal(reg_get(&d, INTMS), 1);
	driver_close(&d);
}

static void enable_and_disable(void)
{
	struct driver d;
	uint32_t aqa;
	uint64_t asq, acq;

	driver_open(&d, "");
	sq_doorbell(&d, 0, 1); /* not ready: lost */
	driver_enable(&d);
	assert_int_equal(reg_get(&d, CC), CC_ENABLE);
	driver_queue(&d, 1, 16, 16, 0);
	assert_int_equal(flush(&d), OK);
	aqa = reg_get(&d, AQA);
	asq = bus_register_read(d.regs + ASQ, 8);
	acq = bus_register_read(d.regs + ACQ, 8);
	reg_set(&d, INTMS, 1);
	reg_set(&d, CC, CC_ENABLE & ~1u);
	driver_wait(&d, ~0u, 0);
	/* 3.1.5: all but the admin queue's registers are as at the beginning */
	assert_int_equal(reg_get(&d, CC), 0);
	assert_int_equal(reg_get(&d, INTMS), 0);
	assert_int_equal(reg_get(&d, AQA), aqa);
	assert_true(bus_register_read(d.regs + ASQ, 8) == asq);
	assert_true(bus_register_read(d.regs + ACQ, 8) == acq);
	driver_enable(&d);
	/* the I/O queues are gone */
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 1, 0), BAD_QUEUE_ID);
	driver_queue(&d, 1, 16, 16, 0);
	assert_int_equal(flush(&d), OK);
	driver_close(&d);
}

static void bad_configuration(void)
{
	static const uint32_t bad[] = {
		CC_ENABLE | 1 << 4,    /* CSS */
		CC_ENABLE | 1 << 7,    /* MPS: 8 KiB */
		CC_ENABLE | 1 << 11,   /* AMS: weighted round robin */
		1 | 7 << 16 | 4 << 20, /* IOSQES: 128 bytes */
		1 | 6 << 16 | 3 << 20, /* IOCQES: 8 bytes */
	};
	struct driver d;

	driver_open(&d, "");
	for (unsigned i = 0; i < array_size(bad); i++) {
		driver_enable_as(&d, 16, bad[i]);
		driver_wait(&d, ~0u, CFS);
		driver_disable(&d);
	}
	/* a queue has two entries at least: 4.1.3 */
	driver_enable_as(&d, 1, CC_ENABLE);
	driver_wait(&d, ~0u, CFS);
	driver_disable(&d);
	driver_enable(&d);
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	driver_close(&d);
}

/* 3.1.5: sizes of entries may come after enabling, but before the first queue for I/O. */
static void entry_sizes(void)
{
	struct driver d;

	driver_open(&d, "");
	driver_enable_as(&d, 16, 1);
	driver_wait(&d, ~0u, RDY);
	queue_reset(&d.queue[1], 16, 16);
	assert_int_equal(cq_create(&d, 1, 16, 0, 3), BAD_QUEUE_SIZE);
	reg_set(&d, CC, 1 | 4 << 20);
	assert_int_equal(cq_create(&d, 1, 16, 0, 3), OK);
	assert_int_equal(sq_create(&d, 1, 16, 1), BAD_QUEUE_SIZE);
	reg_set(&d, CC, CC_ENABLE);
	assert_int_equal(sq_create(&d, 1, 16, 1), OK);
	assert_int_equal(flush(&d), OK);
	driver_close(&d);
}

static void shutdown(void)
{
	struct driver d;

	driver_open(&d, "");
	for (unsigned kind = CC_SHUTDOWN; kind <= CC_ABRUPT; kind += CC_SHUTDOWN) {
		driver_enable(&d);
		assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
		reg_set(&d, CC, CC_ENABLE | kind);
		driver_wait(&d, ~0u, RDY | SHST_DONE);
		/* 3.1.6: until a reset */
		reg_set(&d, CC, CC_ENABLE);
		assert_int_equal(reg_get(&d, CSTS), RDY | SHST_DONE);
		driver_disable(&d);
	}
	/* a disabled one too, and enabling leaves it */
	reg_set(&d, CC, CC_SHUTDOWN);
	driver_wait(&d, ~0u, SHST_DONE);
	driver_enable(&d);
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	driver_close(&d);
}

/* EN is 1 again before anybody has looked: it was a reset nevertheless. */
static void hasty_reset(void)
{
	struct driver d;

	driver_start(&d, "");
	reg_set(&d, CC, 0);
	queue_reset(&d.queue[0], 16, 16);
	reg_set(&d, CC, CC_ENABLE);
	driver_wait(&d, ~0u, RDY);
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 1, 0), BAD_QUEUE_ID);
	driver_close(&d);
}

/* Commands in the queue when EN goes to 0 get no completion, and memory is left alone. */
static void reset_in_the_middle(void)
{
	char *data = buffer_new(PAGE);
	struct driver d;

	driver_start(&d, "");
	queue_reset(&d.queue[2], 16, 2);
	assert_int_equal(cq_create(&d, 2, 2, 0, 3), OK);
	assert_int_equal(sq_create(&d, 2, 16, 2), OK);
	/* room for one completion: the others stand in the queue */
	for (unsigned i = 0; i < 5; i++)
		driver_put(&d, 2, io_of(&d, READ, 1, 0, 8, data, PAGE));
	driver_ring(&d, 2);
	assert_true(is_all(data, PAGE, 0));
	memset(data, 0xee, PAGE);
	driver_disable(&d);
	memset((void *)d.queue[2].completions, 0, PAGE);
	assert_true(is_all(data, PAGE, 0xee));
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	assert_int_equal(flush(&d), OK);
	assert_true(is_all((void *)d.queue[2].completions, PAGE, 0));
	assert_true(is_all(data, PAGE, 0xee));
	driver_close(&d);
	mem_free(data, PAGE);
}

static void master_set(struct driver *d, bool on)
{
	uint16_t command;

	bus_config_read(d->function, 4, &command, 2);
	command = (uint16_t)(on ? command | 4 : command & ~4);
	bus_config_write(d->function, 4, &command, 2);
}

static void fails_and_recovers(struct driver *d)
{
	struct completion c;

	driver_wait(d, ~0u, RDY | CFS);
	assert_false(driver_look(d, 0, &c));
	driver_disable(d);
	driver_enable(d);
	assert_int_equal(driver_admin(d, IDENTIFY, 0, 1, 0), OK);
	driver_disable(d);
	violation.count = 0;
}

/* 9.5: a queue that cannot be reached is fatal, and a reset mends it. */
static void fatal(void)
{
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	driver_put(&d, 0, (struct command){.opcode = IDENTIFY, .dw10 = 1});
	master_set(&d, false);
	driver_ring(&d, 0);
	assert_violation("bus mastering is off");
	master_set(&d, true);
	fails_and_recovers(&d);
	/* no memory where commands are read */
	queue_reset(&d.queue[0], 16, 16);
	bus_register_write(d.regs + ASQ, 8, 1ull << 46);
	reg_set(&d, CC, CC_ENABLE);
	driver_wait(&d, ~0u, RDY);
	sq_doorbell(&d, 0, 1);
	assert_violation("no memory is there");
	fails_and_recovers(&d);
	/* no memory where completions are written */
	bus_register_write(d.regs + ASQ, 8, mem_physical(d.queue[0].commands));
	bus_register_write(d.regs + ACQ, 8, 1ull << 46);
	queue_reset(&d.queue[0], 16, 16);
	reg_set(&d, CC, CC_ENABLE);
	driver_wait(&d, ~0u, RDY);
	driver_put(&d, 0, (struct command){.opcode = GET_FEATURES, .dw10 = 7});
	driver_ring(&d, 0);
	assert_violation("no memory is there");
	fails_and_recovers(&d);
	driver_close(&d);
}

ON_PROCESSOR(registers_are_written_whole_and_only_where_writable, access_widths)
ON_PROCESSOR(a_reset_leaves_the_admin_registers_alone, enable_and_disable)
ON_PROCESSOR(a_configuration_that_is_not_supported_is_fatal, bad_configuration)
ON_PROCESSOR(entry_sizes_must_be_told_before_the_first_queue, entry_sizes)
ON_PROCESSOR(shutdown_is_reported_until_a_reset, shutdown)
ON_PROCESSOR(a_reset_is_not_overlooked, hasty_reset)
ON_PROCESSOR(after_a_reset_memory_is_left_alone, reset_in_the_middle)
ON_PROCESSOR(queues_out_of_reach_are_fatal_until_a_reset, fatal)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(registers_are_written_whole_and_only_where_writable),
		machine_test(a_reset_leaves_the_admin_registers_alone),
		machine_test(a_configuration_that_is_not_supported_is_fatal),
		machine_test(entry_sizes_must_be_told_before_the_first_queue),
		machine_test(shutdown_is_reported_until_a_reset),
		machine_test(a_reset_is_not_overlooked),
		machine_test(after_a_reset_memory_is_left_alone),
		machine_test(queues_out_of_reach_are_fatal_until_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
