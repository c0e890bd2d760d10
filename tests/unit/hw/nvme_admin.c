/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Admin commands for queues and abort, with each error: NVMe 1.4, 5.1 and 5.3 to 5.6. */
#include "nvme_driver.h"

static unsigned create(struct driver *d, uint8_t opcode, uint32_t dw10, uint32_t dw11, uint64_t prp)
{
	return driver_do(
		d, 0, (struct command){.opcode = opcode, .prp1 = prp, .dw10 = dw10, .dw11 = dw11});
}

static void completion_queues(void)
{
	uint64_t at;
	struct driver d;

	driver_open(&d, "queues=3,entries=32,vectors=4");
	assert_int_equal(bus_messages_enable(d.function, 4), 4);
	driver_enable(&d);
	at = mem_physical((void *)d.queue[1].completions);
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 0, 1, at), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 4, 1, at), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 0xffff, 1, at), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_CQ, 0 << 16 | 1, 1, at), BAD_QUEUE_SIZE);
	assert_int_equal(create(&d, CREATE_CQ, 32 << 16 | 1, 1, at), BAD_QUEUE_SIZE);
	assert_int_equal(create(&d, CREATE_CQ, 0xffffu << 16 | 1, 1, at), BAD_QUEUE_SIZE);
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 1, 0, at), BAD_FIELD); /* PC 0: CAP.CQR */
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 1, 1, at + 512), BAD_PRP_OFFSET);
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 1, 4 << 16 | 3, at), BAD_VECTOR);
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 1, 0xffffu << 16 | 3, at), BAD_VECTOR);
	/* nothing of that made one */
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_CQ, 31 << 16 | 1, 3 << 16 | 3, at), OK);
	assert_int_equal(create(&d, CREATE_CQ, 31 << 16 | 1, 3 << 16 | 3, at), BAD_QUEUE_ID);
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), OK);
	bus_messages_disable(d.function);
	/* by line there is one vector */
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 1, 1 << 16 | 3, at), BAD_VECTOR);
	assert_int_equal(create(&d, CREATE_CQ, 15 << 16 | 1, 3, at), OK);
	driver_close(&d);
}

static void submission_queues(void)
{
	uint64_t at;
	struct driver d;

	driver_open(&d, "queues=3,entries=32");
	driver_enable(&d);
	at = mem_physical(d.queue[1].commands);
	assert_int_equal(create(&d, CREATE_SQ, 15 << 16 | 1, 1 << 16 | 1, at), BAD_CQ);
	queue_reset(&d.queue[1], 16, 16);
	assert_int_equal(cq_create(&d, 1, 16, 0, 3), OK);
	assert_int_equal(create(&d, CREATE_SQ, 15 << 16 | 0, 1 << 16 | 1, at), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_SQ, 15 << 16 | 4, 1 << 16 | 1, at), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_SQ, 0 << 16 | 1, 1 << 16 | 1, at), BAD_QUEUE_SIZE);
	assert_int_equal(create(&d, CREATE_SQ, 32 << 16 | 1, 1 << 16 | 1, at), BAD_QUEUE_SIZE);
	assert_int_equal(create(&d, CREATE_SQ, 15 << 16 | 1, 1 << 16 | 0, at), BAD_FIELD);
	assert_int_equal(create(&d, CREATE_SQ, 15 << 16 | 1, 1 << 16 | 1, at + 64), BAD_PRP_OFFSET);
	/* 5.4: the admin completion queue and numbers out of range are no queue at all */
	assert_int_equal(create(&d, CREATE_SQ, 15 << 16 | 1, 0 << 16 | 1, at), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_SQ, 15 << 16 | 1, 4 << 16 | 1, at), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_SQ, 15 << 16 | 1, 2 << 16 | 1, at), BAD_CQ);
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 1, 0), BAD_QUEUE_ID);
	assert_int_equal(create(&d, CREATE_SQ, 31 << 16 | 1, 1 << 16 | 1, at), OK);
	assert_int_equal(create(&d, CREATE_SQ, 31 << 16 | 1, 1 << 16 | 1, at), BAD_QUEUE_ID);
	driver_close(&d);
}

static void deletion(void)
{
	struct completion c;
	struct driver d;

	driver_start(&d, "");
	queue_reset(&d.queue[2], 16, 16);
	assert_int_equal(sq_create(&d, 2, 16, 1), OK);
	/* 5.5: submission queues go first, all of them */
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), BAD_DELETION);
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 1, 0), OK);
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), BAD_DELETION);
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 2, 0), OK);
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), OK);
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), BAD_QUEUE_ID);
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 1, 0), BAD_QUEUE_ID);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t opcode = i ? DELETE_SQ : DELETE_CQ;

		assert_int_equal(driver_admin(&d, opcode, 0, 0, 0), BAD_QUEUE_ID);
		assert_int_equal(driver_admin(&d, opcode, 0, 17, 0), BAD_QUEUE_ID);
		assert_int_equal(driver_admin(&d, opcode, 0, 0xffff, 0), BAD_QUEUE_ID);
	}
	/* made anew, it begins at its beginning */
	driver_queue(&d, 1, 16, 16, 0);
	assert_int_equal(driver_do(&d, 1, (struct command){.opcode = FLUSH, .nsid = 1}), OK);
	assert_int_equal(d.last.sq_head, 1);
	/* commands that were never fetched go with their queue */
	queue_reset(&d.queue[2], 16, 2);
	assert_int_equal(cq_create(&d, 2, 2, 0, 3), OK);
	assert_int_equal(sq_create(&d, 2, 16, 2), OK);
	for (unsigned i = 0; i < 5; i++)
		driver_put(&d, 2, (struct command){.opcode = FLUSH, .nsid = 1});
	driver_ring(&d, 2);
	assert_true(driver_look(&d, 2, &c));
	assert_int_equal(driver_admin(&d, DELETE_SQ, 0, 2, 0), OK);
	cq_doorbell(&d, 2, 1);
	assert_false(driver_look(&d, 2, &c));
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 2, 0), OK);
	driver_close(&d);
}

/* 5.21.1.7: no more than were granted. */
static void granted_queues(void)
{
	struct driver d;

	driver_open(&d, "queues=4");
	driver_enable(&d);
	assert_int_equal(driver_admin(&d, SET_FEATURES, 0, 7, 2 << 16 | 1), OK);
	assert_int_equal(d.last.result, 2 << 16 | 1);
	for (unsigned i = 1; i <= 3; i++)
		queue_reset(&d.queue[i], 16, 16);
	assert_int_equal(cq_create(&d, 1, 16, 0, 1), OK);
	assert_int_equal(cq_create(&d, 3, 16, 0, 1), OK);
	assert_int_equal(cq_create(&d, 4, 16, 0, 1), BAD_QUEUE_ID);
	assert_int_equal(sq_create(&d, 2, 16, 3), OK);
	assert_int_equal(sq_create(&d, 3, 16, 3), BAD_QUEUE_ID);
	driver_close(&d);
}

/* 5.1: of two commands in one batch the first aborts the second. */
static void abort_of_a_command(void)
{
	struct completion c;
	struct driver d;
	uint16_t victim = 4711, aborter;

	driver_start(&d, "");
	memset(d.page, 0xee, PAGE);
	aborter = driver_put(
		&d, 0, (struct command){.opcode = ABORT, .dw10 = (uint32_t)victim << 16});
	driver_put(&d, 0,
		(struct command){.opcode = IDENTIFY,
			.cid = victim,
			.prp1 = mem_physical(d.page),
			.dw10 = 1});
	driver_ring(&d, 0);
	assert_true(driver_take(&d, 0, &c));
	assert_int_equal(c.cid, victim);
	assert_int_equal(status_of(&c), ABORTED);
	assert_true(driver_take(&d, 0, &c));
	assert_int_equal(c.cid, aborter);
	assert_int_equal(status_of(&c), OK);
	assert_int_equal(c.result, 0);
	assert_false(driver_take(&d, 0, &c));
	assert_true(is_all(d.page, PAGE, 0xee));
	/* one that is not there, or was done: success, "not aborted" */
	assert_int_equal(driver_admin(&d, ABORT, 0, (uint32_t)victim << 16, 0), OK);
	assert_int_equal(d.last.result & 1, 1);
	assert_int_equal(driver_admin(&d, ABORT, 0, 7 << 16 | 1, 0), OK);
	assert_int_equal(d.last.result & 1, 1);
	assert_int_equal(driver_admin(&d, ABORT, 0, 7 << 16 | 0xffff, 0), OK);
	assert_int_equal(d.last.result & 1, 1);
	driver_close(&d);
}

/* An admin queue of two entries: abort has room for its own completion only. */
static void abort_in_a_full_queue(void)
{
	struct completion c;
	struct driver d;

	driver_open(&d, "");
	driver_enable_as(&d, 2, CC_ENABLE);
	driver_wait(&d, ~0u, RDY);
	driver_put(&d, 0, (struct command){.opcode = ASYNC_EVENT, .cid = 9});
	driver_ring(&d, 0);
	assert_int_equal(driver_admin(&d, ABORT, 0, 9 << 16, 0), OK);
	assert_int_equal(d.last.result & 1, 1);
	assert_false(driver_look(&d, 0, &c));
	assert_int_equal(driver_admin(&d, GET_FEATURES, 0, 7, 0), OK);
	assert_int_equal(reg_get(&d, CSTS), RDY);
	driver_close(&d);
}

static void opcodes(void)
{
	static const uint8_t admin[] = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12}, io[] = {0, 1, 2, 5, 8, 9};
	struct driver d;

	driver_start(&d, "");
	for (unsigned opcode = 0; opcode < 256; opcode++) {
		if (!memchr(admin, (int)opcode, sizeof(admin)))
			assert_int_equal(driver_admin(&d, (uint8_t)opcode, 0, 0, 0), BAD_OPCODE);
		if (!memchr(io, (int)opcode, sizeof(io)))
			assert_int_equal(
				driver_do(&d, 1,
					(struct command){.opcode = (uint8_t)opcode, .nsid = 1}),
				BAD_OPCODE);
		if (status_of(&d.last) == BAD_OPCODE)
			assert_int_equal(d.last.status >> 15, 1); /* do not retry */
	}
	driver_close(&d);
}

/* 4.2: neither fused operations nor SGLs; and no namespace where the command has none. */
static void flags(void)
{
	static const uint8_t without[] = {
		DELETE_SQ, CREATE_SQ, DELETE_CQ, CREATE_CQ, ABORT, ASYNC_EVENT};
	static const uint8_t bad[] = {0x01, 0x02, 0x40, 0x80, 0xc0};
	struct driver d;

	driver_start(&d, "");
	for (unsigned i = 0; i < array_size(bad); i++) {
		struct command c = {.opcode = FLUSH, .flags = bad[i], .nsid = 1};

		assert_int_equal(driver_do(&d, 1, c), BAD_FIELD);
		c = (struct command){.opcode = IDENTIFY, .flags = bad[i], .dw10 = 1};
		assert_int_equal(driver_do(&d, 0, c), BAD_FIELD);
	}
	for (unsigned i = 0; i < array_size(without); i++)
		assert_int_equal(driver_admin(&d, without[i], 1, 1, 0), BAD_FIELD);
	driver_close(&d);
}

ON_PROCESSOR(completion_queues_are_checked, completion_queues)
ON_PROCESSOR(submission_queues_are_checked, submission_queues)
ON_PROCESSOR(queues_are_deleted_in_order, deletion)
ON_PROCESSOR(only_granted_queues_can_be_made, granted_queues)
ON_PROCESSOR(a_command_that_waits_is_aborted, abort_of_a_command)
ON_PROCESSOR(abort_writes_no_entry_that_is_not_free, abort_in_a_full_queue)
ON_PROCESSOR(unknown_opcodes_are_invalid, opcodes)
ON_PROCESSOR(flags_and_namespaces_are_checked, flags)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(completion_queues_are_checked),
		machine_test(submission_queues_are_checked),
		machine_test(queues_are_deleted_in_order),
		machine_test(only_granted_queues_can_be_made),
		machine_test(a_command_that_waits_is_aborted),
		machine_test(abort_writes_no_entry_that_is_not_free),
		machine_test(unknown_opcodes_are_invalid),
		machine_test(flags_and_namespaces_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
