/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Tests src/port/sense.c: a miniport without AutoRequestSense is asked for the sense data of what
 * it ended with CHECK CONDITION, and the request that ends is the one that began. */
#include "fake.h"

#define LENGTH 4096
#define WAIT   2000000 /* ns that the miniport takes for each */

static struct port_unit *unit;
static struct {
	unsigned count;
	uint64_t id[4], latency[4];
} told;

static void hear(void *ctx, const struct trace_event *event)
{
	unsigned n = told.count++;

	if (n >= array_size(told.id))
		return;
	told.id[n] = event->arg[0];
	told.latency[n] = event->arg[3];
}

static struct {
	uint8_t srb_status, scsi_status, sense_length, cdb[16], cdb_length, sense[18];
	uint32_t length, flags, timeout, transferred;
	uint64_t latency;
} result;

static void note(struct port_request *request)
{
	result.srb_status = request->srb_status;
	result.scsi_status = request->scsi_status;
	result.sense_length = request->sense_length;
	result.cdb_length = request->cdb_length;
	result.length = request->length;
	result.flags = request->flags;
	result.timeout = request->timeout;
	result.transferred = request->transferred;
	memcpy(result.cdb, request->cdb, sizeof(result.cdb));
	memcpy(result.sense, request->sense, sizeof(result.sense));
	fake_done(request);
}

static void begin(void)
{
	unit = fake_adapter(20);
	expect_is(port_senses_new(&fake.adapter), 0);
	memset(&told, 0, sizeof(told));
}

static struct port_request *submit(uint32_t flags)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = fake_get(unit);

	request->cdb[0] = SCSIOP_READ;
	request->cdb[4] = 8;
	request->length = LENGTH;
	request->timeout = 7;
	request->flags = SRB_FLAGS_DATA_IN | flags;
	request->done = note;
	memset(&result, 0xee, sizeof(result));
	port_request_submit(request);
	cpu_irql_lower(irql);
	return request;
}

static void pass_time(void)
{
	uint64_t end = cpu_clock() + WAIT;

	while (cpu_clock() < end)
		;
}

/* What it has moved, and why not more. */
static void fail_it(uint32_t moved)
{
	PVOID srb = fake.started[0]->srb;

	SrbSetDataTransferLength(srb, moved);
	SrbSetScsiStatus(srb, SCSISTAT_CHECK_CONDITION);
	fake_complete(0, SRB_STATUS_ERROR);
}

static void expect_asked(void)
{
	PVOID srb = fake.started[0]->srb;
	PCDB cdb = SrbGetCdb(srb);

	expect_is(fake.started_count, 1);
	expect_is(cdb->CDB6GENERIC.OperationCode, SCSIOP_REQUEST_SENSE);
	expect_is(SrbGetCdbLength(srb), 6);
	expect(SrbGetDataTransferLength(srb) >= 18);
	expect_is(cdb->CDB6INQUIRY.AllocationLength, SrbGetDataTransferLength(srb));
	expect_is(SrbGetSrbFlags(srb) & (SRB_FLAGS_DATA_IN | SRB_FLAGS_DISABLE_AUTOSENSE),
		SRB_FLAGS_DATA_IN | SRB_FLAGS_DISABLE_AUTOSENSE);
}

/* SPC-5, 4.4: fixed format. */
static void answer(void)
{
	static const uint8_t data[18] = {
		0x70, 0, SCSI_SENSE_MEDIUM_ERROR, 0, 0, 0, 9, 10, 0, 0, 0, 0, 0x11};

	expect_asked();
	memcpy(fake.started[0]->data, data, sizeof(data));
	SrbSetDataTransferLength(fake.started[0]->srb, sizeof(data));
	fake_complete(0, SRB_STATUS_SUCCESS);
}

static void expect_as_it_began(void)
{
	expect_is(result.cdb[0], SCSIOP_READ);
	expect_is(result.cdb[4], 8);
	expect_is(result.cdb_length, 6);
	expect_is(result.length, LENGTH);
	expect_is(result.timeout, 7);
	expect_is(result.flags & (SRB_FLAGS_DATA_IN | SRB_FLAGS_BYPASS_FROZEN_QUEUE),
		SRB_FLAGS_DATA_IN);
}

static void what_ends_is_what_began_with_its_sense_data(void)
{
	begin();
	submit(0);
	fail_it(512);
	fake_wait(fake.started_count == 1);
	expect_is(fake.dones, 0);
	answer();
	fake_wait(fake.dones == 1);
	expect_is(result.srb_status, SRB_STATUS_ERROR);
	expect_is(result.scsi_status, SCSISTAT_CHECK_CONDITION);
	expect_is(result.transferred, 512);
	expect_is(result.sense_length, 18);
	expect_is(result.sense[2], SCSI_SENSE_MEDIUM_ERROR);
	expect_is(result.sense[12], 0x11);
	expect_as_it_began();
	fake_adapter_end();
}

static void who_does_not_get_it_has_none(void)
{
	begin();
	submit(0);
	fail_it(0);
	fake_wait(fake.started_count == 1);
	expect_asked();
	fake_complete(0, SRB_STATUS_ERROR); /* it is not asked why */
	fake_wait(fake.dones == 1);
	expect_is(result.srb_status, SRB_STATUS_ERROR);
	expect_is(result.scsi_status, SCSISTAT_CHECK_CONDITION);
	expect_is(result.sense_length, 0);
	expect_as_it_began();
	submit(SRB_FLAGS_DISABLE_AUTOSENSE);
	fail_it(0);
	fake_wait(fake.dones == 2);
	expect_is(fake.started_count, 0);
	expect_is(result.sense_length, 0);
	fake_adapter_end();
}

/* One in sixteen is sampled; its latency is that of both commands together, and told when it is
 * over. */
static void the_latency_counts_the_question(void)
{
	unsigned sampled = 0;

	begin();
	trace_subscribe(1ull << TRACE_SRB_DONE, hear, NULL);
	for (unsigned n = 0; n < 32; n++) {
		bool is_sampled;

		submit(0); /* else each had an odd id: the question takes one, too */
		fake_complete(0, SRB_STATUS_SUCCESS);
		fake_wait(fake.dones == 2 * n + 1);
		is_sampled = submit(0)->id % 16 == 0;
		told.count = 0;
		pass_time();
		fail_it(0);
		fake_wait(fake.started_count == 1);
		pass_time();
		answer();
		fake_wait(fake.dones == 2 * n + 2);
		expect_is(told.count, 2);
		expect_is(told.latency[0], 0);
		expect(is_sampled ? told.latency[1] >= 2 * WAIT : told.latency[1] == 0);
		sampled += is_sampled;
	}
	expect(sampled);
	trace_unsubscribe(hear, NULL);
	fake_adapter_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(what_ends_is_what_began_with_its_sense_data),
		fake_test_both(who_does_not_get_it_has_none),
		fake_test_both(the_latency_counts_the_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
