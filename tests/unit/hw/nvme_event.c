/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Asynchronous events and wrong doorbells: NVMe 1.4, 5.2. */
#include "nvme_driver.h"

#define RETAIN (1u << 15)

/* Type, information, log page. */
#define EVENT(type, information, page) ((type) | (information) << 8 | (page) << 16)
#define BAD_REGISTER		       EVENT(0, 0, 1)
#define BAD_VALUE		       EVENT(0, 1, 1)

static uint16_t request(struct driver *d)
{
	uint16_t cid = driver_put(d, 0, (struct command){.opcode = ASYNC_EVENT});

	driver_ring(d, 0);
	return cid;
}

static void log_read(struct driver *d, unsigned page, unsigned flags)
{
	assert_int_equal(driver_admin(d, GET_LOG, 0xffffffff, 15u << 16 | flags | page, 0), OK);
}

static bool event_is(struct driver *d, uint16_t cid, uint32_t result)
{
	struct completion c;

	return driver_take(d, 0, &c) && c.cid == cid && status_of(&c) == OK && c.result == result;
}

static void limit(void)
{
	struct completion c;
	struct driver d;
	unsigned most;

	driver_open(&d, "");
	driver_enable(&d);
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	most = (unsigned)get(d.page, 259, 1) + 1; /* AERL, from 0 */
	for (unsigned i = 0; i < most; i++)
		request(&d);
	assert_false(driver_look(&d, 0, &c));
	assert_int_equal(driver_do(&d, 0, (struct command){.opcode = ASYNC_EVENT}), ASYNC_LIMIT);
	/* a reset forgets them */
	driver_disable(&d);
	driver_enable(&d);
	for (unsigned i = 0; i < most; i++)
		request(&d);
	assert_false(driver_look(&d, 0, &c));
	driver_close(&d);
}

static void aborted(void)
{
	struct completion c;
	struct driver d;
	uint16_t first, second;

	driver_open(&d, "");
	driver_enable(&d);
	first = request(&d);
	second = request(&d);
	driver_put(&d, 0, (struct command){.opcode = ABORT, .dw10 = (uint32_t)first << 16});
	driver_ring(&d, 0);
	assert_true(driver_take(&d, 0, &c));
	assert_int_equal(c.cid, first);
	assert_int_equal(status_of(&c), ABORTED);
	assert_true(driver_take(&d, 0, &c));
	assert_int_equal(status_of(&c), OK);
	assert_int_equal(c.result, 0);
	/* the other is still held */
	sq_doorbell(&d, 5, 1);
	assert_true(event_is(&d, second, BAD_REGISTER));
	driver_close(&d);
}

/* What is wrong, after 3 commands in queue 1 of 16 and 16 entries, all consumed. */
static void doorbells(void)
{
	static const struct {
		unsigned offset;
		uint32_t value, event;
	} cases[] = {
		{0x1000 + 8 * 2, 1, BAD_REGISTER}, /* not created */
		{0x1004 + 8 * 2, 1, BAD_REGISTER},
		{0x1000 + 8 * 17, 1, BAD_REGISTER}, /* never will be */
		{0x1004 + 8 * 17, 1, BAD_REGISTER},
		{0x1ffc, 1, BAD_REGISTER},
		{0x1000 + 8 * 1, 16, BAD_VALUE}, /* beyond the queue */
		{0x1000 + 8 * 1, 0xffff, BAD_VALUE},
		{0x1000 + 8 * 1, 3, BAD_VALUE}, /* the same as before */
		{0x1004 + 8 * 1, 16, BAD_VALUE},
		{0x1004 + 8 * 1, 3, BAD_VALUE}, /* the same: takes none */
		{0x1004 + 8 * 1, 4, BAD_VALUE}, /* takes from an empty queue */
		{0x1004 + 8 * 1, 2, BAD_VALUE},
	};
	struct driver d;

	driver_start(&d, "");
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(
			driver_do(&d, 1, (struct command){.opcode = FLUSH, .nsid = 1}), OK);
	for (unsigned i = 0; i < array_size(cases); i++) {
		uint16_t cid = request(&d);

		reg_set(&d, cases[i].offset, cases[i].value);
		if (!event_is(&d, cid, cases[i].event))
			fail_msg("case %u", i);
		log_read(&d, 1, 0);
		assert_int_equal(get(d.page, 8, 2), 0xffff); /* of no queue, of no command */
		assert_int_equal(get(d.page, 10, 2), 0xffff);
	}
	/* none of them had another effect */
	assert_int_equal(driver_do(&d, 1, (struct command){.opcode = FLUSH, .nsid = 1}), OK);
	assert_int_equal(d.last.sq_head, 4);
	assert_int_equal(reg_get(&d, CSTS), RDY);
	driver_close(&d);
}

/* More commands than the submission queue has room for. */
static void overrun(void)
{
	struct completion c;
	struct driver d;
	uint16_t cid;

	driver_open(&d, "");
	driver_enable(&d);
	driver_queue(&d, 1, 8, 2, 0);
	for (unsigned i = 0; i < 7; i++)
		driver_put(&d, 1, (struct command){.opcode = FLUSH, .nsid = 1});
	driver_ring(&d, 1);    /* one is fetched, six stand */
	sq_doorbell(&d, 1, 0); /* seven: that is all */
	cid = request(&d);
	assert_false(driver_look(&d, 0, &c));
	sq_doorbell(&d, 1, 1); /* passes the head */
	assert_true(event_is(&d, cid, BAD_VALUE));
	driver_close(&d);
}

/* After an event its type is silent until its log page is read without "retain". */
static void masking(void)
{
	struct completion c;
	struct driver d;
	uint16_t first, second, third;

	driver_start(&d, "");
	first = request(&d);
	second = request(&d);
	sq_doorbell(&d, 3, 1);
	assert_true(event_is(&d, first, BAD_REGISTER));
	sq_doorbell(&d, 1, 99);
	sq_doorbell(&d, 1, 99); /* the same again is one event */
	assert_false(driver_look(&d, 0, &c));
	log_read(&d, 1, RETAIN);
	assert_false(driver_look(&d, 0, &c));
	log_read(&d, 2, 0); /* another page */
	assert_false(driver_look(&d, 0, &c));
	/* the answer to the reading may come before or after the event */
	driver_put(&d, 0,
		(struct command){
			.opcode = GET_LOG, .prp1 = mem_physical(d.page), .dw10 = 15u << 16 | 1});
	driver_ring(&d, 0);
	assert_true(driver_take(&d, 0, &c));
	assert_int_equal(status_of(&c), OK);
	assert_true(event_is(&d, second, BAD_VALUE));
	/* an event without a request waits for one */
	log_read(&d, 1, 0);
	sq_doorbell(&d, 3, 1);
	assert_false(driver_look(&d, 0, &c));
	third = request(&d);
	assert_true(event_is(&d, third, BAD_REGISTER));
	driver_close(&d);
}

/* It waits for room in the admin completion queue, too. */
static void full_queue(void)
{
	struct completion c;
	struct driver d;
	uint16_t event;

	driver_open(&d, "");
	driver_enable_as(&d, 2, CC_ENABLE);
	driver_wait(&d, ~0u, RDY);
	event = request(&d);
	driver_put(&d, 0, (struct command){.opcode = GET_FEATURES, .dw10 = 7});
	driver_ring(&d, 0);
	assert_true(driver_look(&d, 0, &c));
	sq_doorbell(&d, 3, 1);
	assert_false(driver_look(&d, 0, &c));
	cq_doorbell(&d, 0, d.queue[0].head);
	assert_true(event_is(&d, event, BAD_REGISTER));
	driver_close(&d);
}

/* 5.21.1.4 and 5.21.1.11: a temperature beyond its threshold, if events of that are wanted. */
static void temperature(void)
{
	struct completion c;
	struct driver d;
	uint16_t cid;
	unsigned now;

	driver_open(&d, "");
	driver_enable(&d);
	cid = request(&d);
	log_read(&d, 2, 0);
	now = (unsigned)get(d.page, 1, 2);
	assert_int_equal(get(d.page, 0, 1), 0);
	assert_int_equal(driver_admin(&d, SET_FEATURES, 0, 4, now), OK);
	assert_false(driver_look(&d, 0, &c)); /* not wanted */
	log_read(&d, 2, 0);
	assert_int_equal(get(d.page, 0, 1), 2);
	driver_put(&d, 0, (struct command){.opcode = SET_FEATURES, .dw10 = 11, .dw11 = 2});
	driver_ring(&d, 0);
	assert_true(driver_take(&d, 0, &c));
	assert_true(event_is(&d, cid, EVENT(1, 1, 2)));
	assert_int_equal(driver_admin(&d, SET_FEATURES, 0, 4, now + 1), OK);
	log_read(&d, 2, 0);
	assert_int_equal(get(d.page, 0, 1), 0);
	/* the other way round: under */
	cid = request(&d);
	driver_put(
		&d, 0, (struct command){.opcode = SET_FEATURES, .dw10 = 4, .dw11 = 1 << 20 | now});
	driver_ring(&d, 0);
	assert_true(driver_take(&d, 0, &c));
	assert_true(event_is(&d, cid, EVENT(1, 1, 2)));
	driver_close(&d);
}

ON_PROCESSOR(requests_are_held_up_to_the_limit, limit)
ON_PROCESSOR(a_held_request_can_be_aborted, aborted)
ON_PROCESSOR(a_wrong_doorbell_is_an_event_and_nothing_else, doorbells)
ON_PROCESSOR(too_many_commands_are_an_event, overrun)
ON_PROCESSOR(events_are_silent_until_their_log_is_read, masking)
ON_PROCESSOR(an_event_waits_for_room, full_queue)
ON_PROCESSOR(a_temperature_beyond_its_threshold_is_an_event, temperature)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(requests_are_held_up_to_the_limit),
		machine_test(a_held_request_can_be_aborted),
		machine_test(a_wrong_doorbell_is_an_event_and_nothing_else),
		machine_test(too_many_commands_are_an_event),
		machine_test(events_are_silent_until_their_log_is_read),
		machine_test(an_event_waits_for_room),
		machine_test(a_temperature_beyond_its_threshold_is_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
