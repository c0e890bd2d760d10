/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Queues and interrupts of the NVMe controller: NVMe 1.4, 4.1, 4.6 and 7.5. */
#include "nvme_driver.h"
#include "hw/faults.h"

static const struct command flush = {.opcode = FLUSH, .nsid = 1};

static void wrap(void)
{
	struct completion c;
	struct driver d;
	unsigned sent = 0;

	driver_open(&d, "");
	driver_enable(&d);
	driver_queue(&d, 1, 8, 5, 0); /* sizes that meet seldom */
	/* batches of 1 to 4, as many as a completion queue of 5 holds, over many turns */
	for (unsigned batch = 1; sent < 3000; batch = batch % 4 + 1) {
		uint16_t first = driver_put(&d, 1, flush);

		for (unsigned i = 1; i < batch; i++)
			driver_put(&d, 1, flush);
		driver_ring(&d, 1);
		sent += batch;
		for (unsigned i = 0; i < batch; i++) {
			assert_true(driver_take(&d, 1, &c));
			assert_int_equal(c.cid, (uint16_t)(first + i));
			assert_int_equal(status_of(&c), OK);
			assert_int_equal(c.sqid, 1);
		}
		/* all were fetched, so the head has met the tail */
		assert_int_equal(c.sq_head, sent % 8);
		assert_false(driver_take(&d, 1, &c));
	}
	driver_close(&d);
}

/* 4.1.1: a queue of n entries holds n - 1; all of them go at once. */
static void full_submission_queue(void)
{
	struct completion c;
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	driver_queue(&d, 1, 64, 64, 0);
	for (unsigned turn = 0; turn < 5; turn++) {
		for (unsigned i = 0; i < 63; i++)
			driver_put(&d, 1, flush);
		driver_ring(&d, 1);
		for (unsigned i = 0; i < 63; i++)
			assert_true(driver_take(&d, 1, &c));
		assert_false(driver_take(&d, 1, &c));
	}
	driver_close(&d);
}

/* A full completion queue is not written, holds up nobody else, and goes on when there is room. */
static void full_completion_queue(void)
{
	struct completion c;
	struct driver d;
	uint16_t first;

	driver_open(&d, "");
	driver_enable(&d);
	driver_queue(&d, 1, 16, 4, 0);
	driver_queue(&d, 2, 16, 16, 0);
	first = driver_put(&d, 1, flush);
	for (unsigned i = 1; i < 10; i++)
		driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	for (unsigned i = 0; i < 3; i++) {
		assert_true(driver_look(&d, 1, &c));
		assert_int_equal(c.cid, first + i);
	}
	assert_false(driver_look(&d, 1, &c));
	assert_true(is_all((void *)&d.queue[1].completions[3], 16, 0));
	/* the others' commands are carried out, admin's too */
	assert_int_equal(driver_do(&d, 2, flush), OK);
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	/* one consumed, one posted */
	cq_doorbell(&d, 1, 1);
	assert_true(driver_look(&d, 1, &c));
	assert_int_equal(c.cid, first + 3);
	assert_false(driver_look(&d, 1, &c));
	/* all consumed: the rest comes, as far as there is room */
	for (unsigned i = 4; i < 10; i++) {
		cq_doorbell(&d, 1, d.queue[1].head);
		assert_true(driver_look(&d, 1, &c));
		assert_int_equal(c.cid, first + i);
	}
	cq_doorbell(&d, 1, d.queue[1].head);
	assert_false(driver_look(&d, 1, &c));
	driver_close(&d);
}

/* Two submission queues may share a completion queue: 4.1. */
static void shared_completion_queue(void)
{
	unsigned seen[3] = {0};
	struct completion c;
	struct driver d;

	driver_start(&d, "");
	queue_reset(&d.queue[2], 16, 16);
	assert_int_equal(sq_create(&d, 2, 16, 1), OK);
	for (unsigned i = 0; i < 5; i++) {
		driver_put(&d, 1, flush);
		driver_put(&d, 2, flush);
	}
	driver_ring(&d, 1);
	driver_ring(&d, 2);
	while (driver_take(&d, 1, &c)) {
		assert_int_equal(status_of(&c), OK);
		assert_true(c.sqid == 1 || c.sqid == 2);
		seen[c.sqid]++;
	}
	assert_int_equal(seen[1], 5);
	assert_int_equal(seen[2], 5);
	driver_close(&d);
}

/* 4.2: an identifier may not be in use. Of two in one batch the second is. */
static void identifiers(void)
{
	struct completion c;
	struct driver d;

	driver_start(&d, "");
	driver_put(&d, 1, (struct command){.opcode = FLUSH, .nsid = 1, .cid = 77});
	driver_put(&d, 1, (struct command){.opcode = FLUSH, .nsid = 1, .cid = 77});
	driver_put(&d, 1, (struct command){.opcode = FLUSH, .nsid = 1, .cid = 77 + 64});
	driver_ring(&d, 1);
	assert_true(driver_take(&d, 1, &c));
	assert_int_equal(status_of(&c), OK);
	assert_true(driver_take(&d, 1, &c));
	assert_int_equal(status_of(&c), CID_CONFLICT);
	assert_int_equal(c.cid, 77);
	assert_true(driver_take(&d, 1, &c));
	assert_int_equal(status_of(&c), OK);
	/* afterwards it is free */
	assert_int_equal(driver_do(&d, 1, (struct command){.nsid = 1, .cid = 77}), OK);
	/* a held request for an event keeps its own */
	driver_put(&d, 0, (struct command){.opcode = ASYNC_EVENT, .cid = 500});
	driver_ring(&d, 0);
	assert_int_equal(
		driver_do(&d, 0, (struct command){.opcode = GET_FEATURES, .dw10 = 7, .cid = 500}),
		CID_CONFLICT);
	driver_close(&d);
}

static void messages(void)
{
	struct driver d;
	uint8_t old;

	driver_open(&d, "vectors=4");
	driver_connect_messages(&d, 4);
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 3);
	driver_queue(&d, 2, 16, 16, 1);
	memset(d.interrupts_seen, 0, sizeof(d.interrupts_seen));
	/* one for a batch, on the queue's vector */
	old = cpu_irql_raise(10);
	for (unsigned i = 0; i < 10; i++)
		driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	cpu_irql_lower(old);
	assert_int_equal(d.interrupts_seen[3], 1);
	driver_do(&d, 2, flush);
	assert_int_equal(d.interrupts_seen[1], 1);
	driver_admin(&d, IDENTIFY, 0, 1, 0);
	assert_int_equal(d.interrupts_seen[0], 1);
	assert_int_equal(d.interrupts_seen[2], 0);
	assert_int_equal(d.interrupts_seen[3], 1);
	driver_disconnect(&d, 4);
	driver_close(&d);
}

/* 5.3: a queue made without IEN interrupts nobody. */
static void no_interrupts(void)
{
	struct driver d;

	driver_open(&d, "vectors=2");
	driver_connect_messages(&d, 2);
	driver_enable(&d);
	queue_reset(&d.queue[1], 16, 16);
	assert_int_equal(cq_create(&d, 1, 16, 1, 1), OK);
	assert_int_equal(sq_create(&d, 1, 16, 1), OK);
	assert_int_equal(driver_do(&d, 1, flush), OK);
	assert_int_equal(d.interrupts_seen[1], 0);
	driver_disconnect(&d, 2);
	driver_close(&d);
}

/* ---- the line ---- */

static struct driver *lined;
static struct completion lined_seen[8];
static unsigned lined_count;
static bool lined_consumes;

static bool line_service(struct cpu_interrupt *vector)
{
	lined->interrupts_seen[0]++;
	if (!lined_consumes) {
		reg_set(lined, INTMS, 1);
		return true;
	}
	while (lined_count < 8 && driver_take(lined, 1, &lined_seen[lined_count]))
		lined_count++;
	return true;
}

static void line(void)
{
	struct completion c;
	struct driver d;

	driver_open(&d, "vectors=0");
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	lined = &d;
	lined_count = 0;
	lined_consumes = true;
	d.interrupts[0].vector = (struct cpu_interrupt){.irql = 5, .service = line_service};
	bus_interrupt_connect(d.function, BUS_LINE, &d.interrupts[0]);
	assert_int_equal(d.interrupts_seen[0], 0);
	/* the completion is there when the interrupt is served; consuming it ends the interrupt */
	driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	assert_int_equal(d.interrupts_seen[0], 1);
	assert_int_equal(lined_count, 1);
	/* masked it is silent; entries that were not consumed interrupt when it is unmasked */
	reg_set(&d, INTMS, 1);
	driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	assert_int_equal(d.interrupts_seen[0], 1);
	reg_set(&d, INTMC, 1);
	assert_int_equal(d.interrupts_seen[0], 2);
	assert_int_equal(lined_count, 2);
	/* it stays asserted while one entry of two is left */
	lined_consumes = false;
	driver_put(&d, 1, flush);
	driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	assert_int_equal(d.interrupts_seen[0], 3);
	assert_true(driver_take(&d, 1, &c));
	reg_set(&d, INTMC, 1);
	assert_int_equal(d.interrupts_seen[0], 4);
	assert_true(driver_take(&d, 1, &c));
	reg_set(&d, INTMC, 1);
	assert_int_equal(d.interrupts_seen[0], 4);
	/* a reset ends it */
	reg_set(&d, INTMS, 1);
	driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	driver_disable(&d);
	assert_int_equal(d.interrupts_seen[0], 4);
	bus_interrupt_disconnect(&d.interrupts[0]);
	driver_close(&d);
}

/* Nor does a queue that was deleted with entries in it. */
static void line_of_a_deleted_queue(void)
{
	struct driver d;

	driver_open(&d, "vectors=0");
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	lined = &d;
	lined_consumes = false;
	reg_set(&d, INTMS, 1);
	d.interrupts[0].vector = (struct cpu_interrupt){.irql = 5, .service = line_service};
	bus_interrupt_connect(d.function, BUS_LINE, &d.interrupts[0]);
	driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 1, 0), OK);
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), OK);
	reg_set(&d, INTMC, 1);
	assert_int_equal(d.interrupts_seen[0], 0);
	bus_interrupt_disconnect(&d.interrupts[0]);
	driver_close(&d);
}

/* ---- beside the processor ---- */

/* Who sees the new phase sees the rest, and may ring both doorbells at once. */
static void polling(void)
{
	struct completion c;
	struct driver d;
	unsigned sent = 0, done = 0;

	driver_open(&d, "");
	driver_enable(&d);
	driver_queue(&d, 1, 8, 3, 0);
	/* an event would tell of a doorbell that the controller did not like */
	driver_put(&d, 0, (struct command){.opcode = ASYNC_EVENT});
	driver_ring(&d, 0);
	while (done < 20000) {
		while (sent < 20000 && sent - done < 5) {
			struct command f = flush;

			f.cid = (uint16_t)(1 + sent++ % 5000);
			driver_put(&d, 1, f);
			driver_ring(&d, 1);
		}
		if (!driver_take(&d, 1, &c)) {
			cpu_relax();
			continue;
		}
		assert_int_equal(c.cid, 1 + done % 5000);
		assert_int_equal(c.sqid, 1);
		assert_int_equal(c.status >> 1, 0);
		done++;
	}
	assert_false(driver_look(&d, 0, &c));
	assert_int_equal(reg_get(&d, CSTS), RDY);
	driver_close(&d);
}

#ifndef DRIVER_MORE /* a plan is for a controller of one engine */

/* ---- completions that a plan of faults has changed (hw/faults.h) ---- */

static void arm(struct driver *d, const char *text)
{
	struct fault_plan plan;

	assert_int_equal(fault_plan_parse(&plan, text), 0);
	assert_int_equal(fault_arm(hw_find("nvme")->master(d->device), &plan, NULL, 0), 0);
}

static void assert_cid(struct driver *d, uint16_t cid)
{
	struct completion c;

	assert_true(driver_take(d, 1, &c));
	assert_int_equal(c.cid, cid);
	assert_int_equal(status_of(&c), OK);
}

static void faulty(void)
{
	struct completion c;
	uint16_t cid[5];
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	arm(&d, "done-twice@1,done-unknown@1,done-lost@1,done-swapped@1");
	for (unsigned i = 0; i < 5; i++)
		cid[i] = driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	assert_cid(&d, cid[0]);
	assert_cid(&d, cid[0]);
	assert_true(driver_take(&d, 1, &c)); /* nobody's */
	for (unsigned i = 0; i < 5; i++)
		assert_int_not_equal(c.cid, cid[i]);
	assert_cid(&d, cid[1]);
	/* nothing of the third */
	assert_cid(&d, cid[4]);
	assert_cid(&d, cid[3]);
	assert_false(driver_take(&d, 1, &c));
	/* the room that was kept for the lost one is free again: as many fit as ever */
	for (unsigned turn = 0; turn < 20; turn++) {
		for (unsigned i = 0; i < 15; i++)
			driver_put(&d, 1, flush);
		driver_ring(&d, 1);
		for (unsigned i = 0; i < 15; i++)
			assert_true(driver_take(&d, 1, &c));
	}
	fault_disarm();
	driver_close(&d);
	assert_int_equal(violation.count, 4);
}

/* A full queue is not written over: what is one too many is left out. */
static void faulty_full(void)
{
	struct completion c;
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	driver_queue(&d, 1, 4, 4, 0);
	arm(&d, "done-twice@1");
	for (unsigned i = 0; i < 3; i++)
		driver_put(&d, 1, flush);
	driver_ring(&d, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_true(driver_take(&d, 1, &c));
	assert_false(driver_take(&d, 1, &c));
	fault_disarm();
	driver_close(&d);
	assert_int_equal(violation.count, 1);
}

#endif

ON_PROCESSOR(queues_wrap_and_phases_turn, wrap)
ON_PROCESSOR(a_full_submission_queue_is_carried_out, full_submission_queue)
ON_PROCESSOR(a_full_completion_queue_holds_up_its_own_commands_only, full_completion_queue)
ON_PROCESSOR(a_completion_queue_may_be_shared, shared_completion_queue)
ON_PROCESSOR(an_identifier_in_use_is_a_conflict, identifiers)
ON_PROCESSOR(each_queue_has_its_message, messages)
ON_PROCESSOR(a_queue_without_interrupts_sends_none, no_interrupts)
ON_PROCESSOR(the_line_follows_what_is_not_consumed, line)
ON_PROCESSOR(a_deleted_queue_leaves_the_line, line_of_a_deleted_queue)
#ifndef DRIVER_MORE
ON_PROCESSOR(a_plan_of_faults_changes_completions, faulty)
ON_PROCESSOR(a_full_queue_takes_no_double, faulty_full)
#endif
ON_PROCESSOR(a_polling_driver_sees_whole_completions, polling)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(queues_wrap_and_phases_turn),
		machine_test(a_full_submission_queue_is_carried_out),
		machine_test(a_full_completion_queue_holds_up_its_own_commands_only),
		machine_test(a_completion_queue_may_be_shared),
		machine_test(an_identifier_in_use_is_a_conflict),
		machine_test(each_queue_has_its_message),
		machine_test(a_queue_without_interrupts_sends_none),
		machine_test(the_line_follows_what_is_not_consumed),
		machine_test(a_deleted_queue_leaves_the_line),
#ifndef DRIVER_MORE
		machine_test(a_plan_of_faults_changes_completions),
		machine_test(a_full_queue_takes_no_double),
#endif
		machine_test_beside(a_polling_driver_sees_whole_completions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
