/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Doorbells in memory: NVMe 1.4, 5.7 and 7.13. */
#include "nvme_driver.h"

static const struct command flush = {.opcode = FLUSH, .nsid = 1};

/* Two pages: doorbells as in the registers from 0x1000 on, and what the controller says of them. */
struct shadow {
	_Atomic uint32_t doorbell[PAGE / 4], event[PAGE / 4];
};

enum { TAIL = 2, HEAD = 3 }; /* of queue 1 */

static unsigned config_as(struct driver *d, uint64_t doorbells, uint64_t events)
{
	return driver_do(d, 0,
		(struct command){.opcode = DOORBELL_BUFFER, .prp1 = doorbells, .prp2 = events});
}

static struct shadow *shadow_new(void)
{
	struct shadow *shadow = mem_alloc(2 * PAGE, MEM_LINEAR, MEM_EXTENSION, NULL);

	assert_non_null(shadow);
	memset(shadow, 0, sizeof(*shadow));
	return shadow;
}

static struct shadow *driver_shadow(struct driver *d)
{
	struct shadow *shadow = shadow_new();

	assert_int_equal(
		config_as(d, mem_physical(shadow->doorbell), mem_physical(shadow->event)), OK);
	return shadow;
}

/* 7.13: the word is written; true if the controller wants to be told by the register. All values
 * are below 65536, and the distance is counted as the specification's hosts do: modulo 65536. */
static bool word_write(struct shadow *shadow, unsigned which, uint32_t value)
{
	uint32_t old = atomic_exchange(&shadow->doorbell[which], value);
	uint16_t event = (uint16_t)shadow->event[which];

	return (uint16_t)(value - event - 1) < (uint16_t)(value - old);
}

static void commands(void)
{
	struct completion c;
	struct shadow *shadow;
	struct driver d;

	driver_start(&d, "doorbell-buffer=1");
	driver_connect_messages(&d, 1);
	shadow = driver_shadow(&d);
	for (unsigned turn = 0; turn < 100; turn++) {
		unsigned count = turn % 5 + 1;

		/* nothing is under way: the first is to be told, and none is seen before */
		driver_put(&d, 1, flush);
		assert_true(word_write(shadow, TAIL, d.queue[1].tail));
		assert_false(driver_look(&d, 1, &c));
		/* it has not looked yet, so of the others it is not to be told */
		for (unsigned i = 1; i < count; i++) {
			driver_put(&d, 1, flush);
			assert_false(word_write(shadow, TAIL, d.queue[1].tail));
		}
		driver_ring(&d, 1);
		for (unsigned i = 0; i < count; i++) {
			assert_true(driver_look(&d, 1, &c));
			assert_int_equal(status_of(&c), OK);
			/* of the heads it wants to hear nothing once the page is not all zeros */
			assert_true(!word_write(shadow, HEAD, d.queue[1].head) || !turn);
		}
		assert_false(driver_look(&d, 1, &c));
		assert_int_equal(shadow->event[TAIL], d.queue[1].tail);
	}
	driver_disconnect(&d, 1);
	driver_close(&d);
	mem_free(shadow, 2 * PAGE);
}

static struct driver *lined;

static bool line_service(struct cpu_interrupt *vector)
{
	lined->interrupts_seen[0]++;
	reg_set(lined, INTMS, 1);
	return true;
}

/* By its line it asks for every head: the line falls with the last entry (7.5.1). */
static void line(void)
{
	struct shadow *shadow;
	struct completion c;
	struct driver d;

	driver_start(&d, "vectors=0,doorbell-buffer=1");
	shadow = driver_shadow(&d);
	lined = &d;
	d.interrupts[0].vector = (struct cpu_interrupt){.irql = 5, .service = line_service};
	bus_interrupt_connect(d.function, BUS_LINE, &d.interrupts[0]);
	for (unsigned i = 1; i < 20; i++) {
		driver_put(&d, 1, flush);
		driver_put(&d, 1, flush);
		assert_true(word_write(shadow, TAIL, d.queue[1].tail));
		driver_ring(&d, 1);
		assert_int_equal(d.interrupts_seen[0], i);
		/* one after the other */
		for (unsigned k = 0; k < 2; k++) {
			assert_true(driver_look(&d, 1, &c));
			assert_true(word_write(shadow, HEAD, d.queue[1].head));
			cq_doorbell(&d, 1, d.queue[1].head);
		}
		reg_set(&d, INTMC, 1);
		assert_int_equal(d.interrupts_seen[0], i);
	}
	bus_interrupt_disconnect(&d.interrupts[0]);
	driver_close(&d);
	mem_free(shadow, 2 * PAGE);
}

/* A full completion queue asks for its head, and goes on when it was told. */
static void full_queue(void)
{
	struct shadow *shadow;
	struct completion c;
	struct driver d;

	driver_open(&d, "doorbell-buffer=1");
	driver_enable(&d);
	driver_queue(&d, 1, 16, 4, 0);
	driver_connect_messages(&d, 1);
	shadow = driver_shadow(&d);
	for (unsigned i = 0; i < 10; i++)
		driver_put(&d, 1, flush);
	assert_true(word_write(shadow, TAIL, 10));
	driver_ring(&d, 1);
	for (unsigned seen = 0; seen < 10;) {
		for (unsigned i = 0; i < 3 && seen < 10; i++, seen++)
			assert_true(driver_look(&d, 1, &c));
		assert_false(driver_look(&d, 1, &c));
		if (word_write(shadow, HEAD, d.queue[1].head))
			cq_doorbell(&d, 1, d.queue[1].head);
		else
			assert_int_equal(seen, 10); /* else it would wait for ever */
	}
	driver_disconnect(&d, 1);
	driver_close(&d);
	mem_free(shadow, 2 * PAGE);
}

/* Begins with what the registers were told; ends with a reset; the admin queue has none. */
static void begin_and_end(void)
{
	struct shadow *shadow;
	struct completion c;
	struct driver d;

	driver_start(&d, "doorbell-buffer=1");
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(driver_do(&d, 1, flush), OK);
	shadow = driver_shadow(&d);
	assert_int_equal(shadow->doorbell[TAIL], 5);
	assert_int_equal(shadow->doorbell[HEAD], 5);
	assert_int_equal(shadow->doorbell[0], 0);
	assert_int_equal(shadow->doorbell[1], 0);
	/* what the register says does not count, what memory says does */
	driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	assert_false(driver_look(&d, 1, &c));
	/* it has not been told of any in memory, and so wants to be of the first */
	assert_true(word_write(shadow, TAIL, d.queue[1].tail));
	driver_ring(&d, 1);
	assert_true(driver_look(&d, 1, &c));
	/* a queue that is made anew begins at 0, though the words are those of the one before */
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 1, 0), OK);
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), OK);
	driver_queue(&d, 1, 16, 16, 0);
	driver_put(&d, 1, flush);
	assert_true(word_write(shadow, TAIL, 1));
	driver_ring(&d, 1);
	assert_true(driver_look(&d, 1, &c));
	shadow->doorbell[TAIL] = 6;
	driver_disable(&d);
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	assert_int_equal(driver_do(&d, 1, flush), OK);
	assert_int_equal(shadow->doorbell[TAIL], 6);
	driver_close(&d);
	mem_free(shadow, 2 * PAGE);
}

/* 5.2: a value that is none has no effect, and is told once. */
static void wrong_values(void)
{
	struct shadow *shadow;
	struct completion c;
	struct driver d;

	driver_start(&d, "doorbell-buffer=1");
	shadow = driver_shadow(&d);
	for (unsigned i = 0; i < 2; i++)
		driver_put(&d, 0, (struct command){.opcode = ASYNC_EVENT});
	driver_ring(&d, 0);
	shadow->doorbell[TAIL] = 16;
	driver_ring(&d, 1);
	driver_await(&d, 0, &c);
	assert_int_equal(c.result & 0xffff, 0x0100); /* error, invalid doorbell value */
	assert_int_equal(driver_admin(&d, GET_LOG, 0xffffffff, 15 << 16 | 1, 0), OK);
	/* it stays, which is no news; the head is told too */
	driver_ring(&d, 1);
	driver_ring(&d, 1);
	assert_false(driver_take(&d, 0, &c));
	shadow->doorbell[HEAD] = 3;
	driver_ring(&d, 1);
	driver_await(&d, 0, &c);
	assert_int_equal(c.result & 0xffff, 0x0100);
	/* neither has done harm */
	shadow->doorbell[HEAD] = 0;
	driver_put(&d, 1, flush);
	shadow->doorbell[TAIL] = 1;
	driver_ring(&d, 1);
	assert_true(driver_look(&d, 1, &c));
	assert_int_equal(status_of(&c), OK);
	driver_close(&d);
	mem_free(shadow, 2 * PAGE);
}

static void refused(void)
{
	struct shadow *shadow = shadow_new();
	uint64_t at = mem_physical(shadow->doorbell), events = mem_physical(shadow->event);
	struct driver d;

	driver_start(&d, "");
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	assert_int_equal(get(d.page, 256, 2) & 0x100, 0);
	assert_int_equal(config_as(&d, at, events), BAD_OPCODE);
	driver_close(&d);
	driver_start(&d, "doorbell-buffer=1");
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	assert_int_equal(get(d.page, 256, 2) & 0x100, 0x100);
	assert_int_equal(driver_admin(&d, GET_LOG, 0xffffffff, 1023 << 16 | 5, 0), OK);
	assert_int_equal(get(d.page, 4 * DOORBELL_BUFFER, 4), 1);
	assert_int_equal(config_as(&d, at + 8, events), BAD_PRP_OFFSET);
	assert_int_equal(config_as(&d, at, events + 8), BAD_PRP_OFFSET);
	assert_int_equal(driver_do(&d, 1, flush), OK); /* by its register still */
	driver_close(&d);
	mem_free(shadow, 2 * PAGE);
}

/* Words that cannot be reached are as bad as a queue that cannot: 9.5. */
static void nowhere(void)
{
	struct driver d;

	driver_start(&d, "doorbell-buffer=1");
	driver_put(&d, 0,
		(struct command){.opcode = DOORBELL_BUFFER,
			.prp1 = 0x7ffffffff000,
			.prp2 = mem_physical(d.page)});
	driver_ring(&d, 0);
	driver_wait(&d, CFS, CFS);
	driver_disable(&d);
	driver_enable(&d);
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	driver_close(&d);
}

ON_PROCESSOR(commands_are_found_in_memory, commands)
ON_PROCESSOR(the_line_asks_for_every_head, line)
ON_PROCESSOR(a_full_completion_queue_asks_for_its_head, full_queue)
ON_PROCESSOR(it_begins_with_the_registers_and_ends_with_a_reset, begin_and_end)
ON_PROCESSOR(a_value_that_is_none_is_told_once, wrong_values)
ON_PROCESSOR(it_is_refused_where_it_is_not_there, refused)
ON_PROCESSOR(words_that_are_nowhere_are_fatal, nowhere)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(commands_are_found_in_memory),
		machine_test(the_line_asks_for_every_head),
		machine_test(a_full_completion_queue_asks_for_its_head),
		machine_test(it_begins_with_the_registers_and_ends_with_a_reset),
		machine_test(a_value_that_is_none_is_told_once),
		machine_test(it_is_refused_where_it_is_not_there),
		machine_test(words_that_are_nowhere_are_fatal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
