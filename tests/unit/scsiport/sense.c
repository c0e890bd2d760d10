/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A miniport without AutoRequestSense: after a CHECK CONDITION the port asks the unit for sense
 * data before it sends it anything else, and the request ends with them. Sense data as SPC-5
 * has them.
 */
#include "world.h"

#define MANY 8

static struct {
	_Atomic unsigned starts;
	PSCSI_REQUEST_BLOCK srbs[MANY]; /* in the order of their starts */
} seen;

static struct world_request requests[MANY];
static uint8_t sense[MANY][PORT_SENSE_BYTES]; /* of each request, as it ended */

static void keep(PSCSI_REQUEST_BLOCK srb)
{
	seen.srbs[seen.starts % MANY] = srb;
	seen.starts++; /* from here on the test looks at it, on another processor too */
}

static void no_autosense(SCSIPORT_HW_INITIALIZATION_DATA *data)
{
	data->AutoRequestSense = FALSE;
}

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&seen, 0, sizeof(seen));
	memset(sense, 0, sizeof(sense));
	miniport.start_io = keep;
	miniport.data = no_autosense;
	return 0;
}

/* At the end the slot is the submitter's: the sense data are in it. */
static void ended(struct port_request *request)
{
	struct world_request *r = request->ctx;

	memcpy(sense[r - requests], request->sense, request->sense_length);
	world_request_done(request);
}

static void submit(unsigned n, uint8_t lun)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	world_submit(&requests[n], lun, 4096);
	requests[n].port->done = ended;
	cpu_irql_lower(irql);
}

static void locked(void (*fn)(PSCSI_REQUEST_BLOCK srb), PSCSI_REQUEST_BLOCK srb)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	scsi_callback_enter(&world.adapter->hba);
	fn(srb);
	scsi_callback_leave(&world.adapter->hba, "the test");
	cpu_irql_lower(irql);
}

static void next(PSCSI_REQUEST_BLOCK srb)
{
	ScsiPortNotification(NextRequest, world.ext);
}

static void next_of_unit(PSCSI_REQUEST_BLOCK srb)
{
	ScsiPortNotification(NextLuRequest, world.ext, srb->PathId, srb->TargetId, srb->Lun);
}

static void good(PSCSI_REQUEST_BLOCK srb)
{
	world_give_back(srb, SRB_STATUS_SUCCESS);
	next(srb);
}

/* 512 bytes were moved before it failed. */
static void check_condition(PSCSI_REQUEST_BLOCK srb)
{
	srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
	srb->DataTransferLength = 512;
	world_give_back(srb, SRB_STATUS_ERROR);
	next(srb);
}

/* Fixed format, 18 bytes: a medium error, with the information field's last byte. */
static void give_sense(PSCSI_REQUEST_BLOCK srb, uint8_t information)
{
	static const uint8_t data[18] = {0xf0, 0, 3, [7] = 10, [12] = 0x11};

	expect(srb->DataTransferLength >= sizeof(data));
	memcpy(srb->DataBuffer, data, sizeof(data));
	((uint8_t *)srb->DataBuffer)[6] = information;
	srb->DataTransferLength = sizeof(data);
}

static void good_sense(PSCSI_REQUEST_BLOCK srb)
{
	give_sense(srb, 0x77);
	world_give_back(srb, SRB_STATUS_DATA_OVERRUN);
	next(srb);
}

/* It does not say how much came. */
static void long_sense(PSCSI_REQUEST_BLOCK srb)
{
	ULONG length = srb->DataTransferLength;

	give_sense(srb, 0x77);
	srb->DataTransferLength = length;
	world_give_back(srb, SRB_STATUS_SUCCESS);
	next(srb);
}

static void expect_sense(unsigned n)
{
	world_end(&requests[n]);
	expect_is(requests[n].srb_status, SRB_STATUS_ERROR);
	expect_is(requests[n].scsi_status, SCSISTAT_CHECK_CONDITION);
	expect_is(requests[n].transferred, 512);
	expect_is(requests[n].sense_length, 18);
	expect_is(sense[n][0], 0xf0);
	expect_is(sense[n][2], 3);
	expect_is(sense[n][6], 0x77);
	expect_is(sense[n][12], 0x11);
}

static void expect_no_sense(unsigned n)
{
	world_end(&requests[n]);
	expect_is(requests[n].srb_status, SRB_STATUS_ERROR);
	expect_is(requests[n].scsi_status, SCSISTAT_CHECK_CONDITION);
	expect_is(requests[n].sense_length, 0);
}

/* ---- the command ---- */

static void expect_command(const SCSI_REQUEST_BLOCK *srb, uint8_t lun)
{
	expect_is(srb->Function, SRB_FUNCTION_EXECUTE_SCSI);
	expect_is(srb->SrbStatus, SRB_STATUS_PENDING);
	expect_is(srb->Lun, lun);
	expect_is(srb->CdbLength, 6);
	expect_is(srb->Cdb[0], 0x03);
	expect_is(srb->Cdb[1], 0); /* fixed format */
	expect_is(srb->Cdb[4], srb->DataTransferLength);
	expect(srb->DataTransferLength >= 18);
	expect_is(srb->QueueTag, SP_UNTAGGED);
	expect_is(srb->SrbFlags & (SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT), SRB_FLAGS_DATA_IN);
	expect(!(srb->SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE));
	expect_is(srb->SenseInfoBuffer, NULL);
	expect_is(srb->SenseInfoBufferLength, 0);
	expect(srb->TimeOutValue > 0);
}

/* Where the device would put them is where they are read. */
static void expect_reachable(PSCSI_REQUEST_BLOCK srb)
{
	ULONG length;
	SCSI_PHYSICAL_ADDRESS at =
		ScsiPortGetPhysicalAddress(world.ext, srb, srb->DataBuffer, &length);

	expect(at.QuadPart != 0);
	expect(length >= srb->DataTransferLength);
	expect_is(dma_host(world.adapter->hba.port.dma, (uint64_t)at.QuadPart), srb->DataBuffer);
}

static void ask_once(void)
{
	submit(0, 2);
	world_wait(seen.starts == 1);
	locked(check_condition, seen.srbs[0]);
	world_wait(seen.starts == 2);
	expect(!requests[0].done);
	expect_command(seen.srbs[1], 2);
	expect_reachable(seen.srbs[1]);
	locked(good_sense, seen.srbs[1]);
	expect_sense(0);
	expect_is(seen.starts, 2);
}

static void a_check_condition_without_sense_data_is_asked_for_them(void **state)
{
	world_good(ask_once);
}

static void ask_long(void)
{
	submit(0, 0);
	world_wait(seen.starts == 1);
	locked(check_condition, seen.srbs[0]);
	world_wait(seen.starts == 2);
	locked(long_sense, seen.srbs[1]);
	expect_sense(0);
}

static void sense_data_are_as_long_as_they_say(void **state)
{
	world_good(ask_long);
}

/* ---- its place ---- */

/* Unit 0 has one that fails and two that wait, unit 1 one. */
static void ask_first(void)
{
	for (unsigned n = 0; n < 4; n++)
		submit(n, n == 3);
	world_wait(seen.starts == 1);
	locked(check_condition, seen.srbs[0]);
	world_wait(seen.starts == 2);
	if (seen.srbs[1]->Lun) { /* another unit's may go before */
		locked(good, seen.srbs[1]);
		world_wait(seen.starts == 3);
	}
	expect_command(seen.srbs[seen.starts - 1], 0);
	/* while it is out its unit gets nothing, though the miniport would take it */
	if (seen.starts == 2) {
		locked(next, NULL);
		world_wait(seen.starts == 3);
		expect_is(seen.srbs[2]->Lun, 1);
		locked(good, seen.srbs[2]);
		locked(good_sense, seen.srbs[1]);
	} else {
		locked(good_sense, seen.srbs[2]);
	}
	expect_sense(0);
	for (unsigned n = 3; n < 5; n++) {
		world_wait(seen.starts == n + 1);
		expect_is(seen.srbs[n]->Cdb[0], SCSIOP_READ);
		locked(good, seen.srbs[n]);
	}
	for (unsigned n = 1; n < 4; n++) {
		world_end(&requests[n]);
		expect_is(requests[n].srb_status, SRB_STATUS_SUCCESS);
	}
}

static void it_goes_before_all_that_wait_and_alone(void **state)
{
	world_good(ask_first);
}

/* Three are with the unit, two of them fail. */
static void ask_twice(void)
{
	for (unsigned n = 0; n < 4; n++) {
		submit(n, 0);
		world_settle();
		if (n < 2)
			locked(next_of_unit, seen.srbs[n]);
	}
	expect_is(seen.starts, 3);
	locked(check_condition, seen.srbs[0]);
	locked(check_condition, seen.srbs[2]);
	for (unsigned n = 3; n < 5; n++) {
		world_settle();
		if (seen.starts ==
			n) /* the unit still has one, and takes another when it says so */
			locked(next_of_unit, seen.srbs[1]);
		world_wait(seen.starts == n + 1);
		expect_command(seen.srbs[n], 0);
		locked(good_sense, seen.srbs[n]);
	}
	expect_sense(0);
	expect_sense(2);
	locked(next_of_unit, seen.srbs[1]);
	world_wait(seen.starts == 6);
	expect_is(seen.srbs[5]->Cdb[0], SCSIOP_READ);
	locked(good, seen.srbs[5]);
	locked(good, seen.srbs[1]);
	world_end(&requests[1]);
	world_end(&requests[3]);
}

static void each_of_two_that_failed_is_asked_about(void **state)
{
	world_good(ask_twice);
}

/* ---- an adapter that goes to rest ---- */

static _Atomic int rest_result;

static void rest(void *ctx)
{
	atomic_store(&rest_result, port_adapter_rest(&world.adapter->hba.port, 5));
}

/* Two units, a request with each, and one that waits. */
static void ask_before_rest(void)
{
	struct port_adapter *port = &world.adapter->hba.port;
	struct cpu_thread *thread;

	for (unsigned n = 0; n < 3; n++) {
		submit(n, n == 1);
		world_settle();
		if (n == 0)
			locked(next, NULL);
	}
	expect_is(seen.starts, 2);
	atomic_store(&rest_result, 1);
	thread = cpu_thread_new(rest, NULL, 1, "rest");
	world_wait(atomic_load(&port->closed) & PORT_AWAY);
	locked(check_condition, seen.srbs[0]);
	locked(check_condition, seen.srbs[1]);
	for (unsigned n = 2; n < 4; n++) { /* one at a time: the miniport pulls */
		world_wait(seen.starts == n + 1);
		world_settle();
		expect_is(seen.starts, n + 1);
		expect_is(atomic_load(&rest_result), 1);
		expect_command(seen.srbs[n], seen.srbs[n]->Lun);
		locked(good_sense, seen.srbs[n]);
	}
	expect_sense(0);
	expect_sense(1);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	expect_is(atomic_load(&rest_result), 0);
	expect_is(seen.starts, 4);
	port_adapter_wake(port);
	world_wait(seen.starts == 5);
	locked(good, seen.srbs[4]);
	world_end(&requests[2]);
}

static void an_adapter_rests_when_the_sense_data_are_there(void **state)
{
	miniport.cpus = 2;
	world_good(ask_before_rest);
}

/* It has no turn: the miniport does not ask for another. */
static void check_condition_and_no_more(PSCSI_REQUEST_BLOCK srb)
{
	srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
	world_give_back(srb, SRB_STATUS_ERROR);
}

static void rest_without_a_turn(void)
{
	struct port_adapter *port = &world.adapter->hba.port;

	submit(0, 0);
	world_wait(seen.starts == 1);
	locked(check_condition_and_no_more, seen.srbs[0]);
	world_settle();
	expect_is(port_adapter_rest(port, 5), 0);
	expect_is(seen.starts, 1);
	port_adapter_wake(port);
	world_wait(seen.starts == 2);
	locked(good_sense, seen.srbs[1]);
	world_end(&requests[0]);
	expect_is(requests[0].sense_length, 18);
}

static void a_miniport_that_takes_nothing_is_not_waited_for(void **state)
{
	world_good(rest_without_a_turn);
}

/* ---- when it does not go well ---- */

static void fail_sense(PSCSI_REQUEST_BLOCK srb)
{
	check_condition(srb);
}

static void busy_sense(PSCSI_REQUEST_BLOCK srb)
{
	world_give_back(srb, SRB_STATUS_BUSY);
	next(srb);
}

static void odd_sense(PSCSI_REQUEST_BLOCK srb)
{
	memset(srb->DataBuffer, 0x33, 18);
	srb->DataTransferLength = 18;
	world_give_back(srb, SRB_STATUS_SUCCESS);
	next(srb);
}

static void short_sense(PSCSI_REQUEST_BLOCK srb)
{
	give_sense(srb, 0x77);
	srb->DataTransferLength = 4;
	world_give_back(srb, SRB_STATUS_DATA_OVERRUN);
	next(srb);
}

static void ask_in_vain(void)
{
	static void (*const ends[])(PSCSI_REQUEST_BLOCK srb) = {
		fail_sense, busy_sense, odd_sense, short_sense};

	for (unsigned n = 0; n < array_size(ends); n++) {
		seen.starts = 0;
		submit(0, 0);
		submit(1, 0);
		world_wait(seen.starts == 1);
		locked(check_condition, seen.srbs[0]);
		world_wait(seen.starts == 2);
		expect_command(seen.srbs[1], 0);
		locked(ends[n], seen.srbs[1]);
		expect_no_sense(0);
		world_wait(seen.starts == 3);
		expect_is(seen.srbs[2]->Cdb[0], SCSIOP_READ);
		locked(good, seen.srbs[2]);
		world_end(&requests[1]);
	}
}

static void without_an_answer_there_are_no_sense_data_and_the_unit_goes_on(void **state)
{
	world_good(ask_in_vain);
}

static void stop_while_asked(void)
{
	submit(0, 0);
	world_wait(seen.starts == 1);
	locked(check_condition, seen.srbs[0]);
	world_wait(seen.starts == 2);
	port_adapter_give_up(&world.adapter->hba.port);
	expect_no_sense(0);
}

static void it_ends_with_the_adapter(void **state)
{
	world_run(stop_while_asked);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 1); /* "never came back" */
}

/* ---- when nothing is asked ---- */

static void has_sense(PSCSI_REQUEST_BLOCK srb)
{
	srb->ScsiStatus = SCSISTAT_CHECK_CONDITION;
	srb->SenseInfoBufferLength = 18;
	world_give_back(srb, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
	next(srb);
}

static void bare_error(PSCSI_REQUEST_BLOCK srb)
{
	world_give_back(srb, SRB_STATUS_ERROR);
	next(srb);
}

static void ask_nothing(void)
{
	static void (*const ends[])(PSCSI_REQUEST_BLOCK srb) = {has_sense, bare_error, good};

	for (unsigned n = 0; n < array_size(ends); n++) {
		seen.starts = 0;
		submit(0, 0);
		world_wait(seen.starts == 1);
		locked(ends[n], seen.srbs[0]);
		world_end(&requests[0]);
		expect_is(seen.starts, 1);
	}
}

static void without_need_nothing_is_asked(void **state)
{
	world_good(ask_nothing);
}

static void leave_it(void)
{
	submit(0, 0);
	world_wait(seen.starts == 1);
	locked(check_condition, seen.srbs[0]);
	expect_no_sense(0);
	expect_is(seen.starts, 1);
}

static void with_auto_request_sense_the_port_asks_nothing(void **state)
{
	miniport.data = NULL;
	world_good(leave_it);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		test(a_check_condition_without_sense_data_is_asked_for_them),
		test(sense_data_are_as_long_as_they_say),
		test(it_goes_before_all_that_wait_and_alone),
		test(each_of_two_that_failed_is_asked_about),
		test(an_adapter_rests_when_the_sense_data_are_there),
		test(a_miniport_that_takes_nothing_is_not_waited_for),
		test(without_an_answer_there_are_no_sense_data_and_the_unit_goes_on),
		test(it_ends_with_the_adapter),
		test(without_need_nothing_is_asked),
		test(with_auto_request_sense_the_port_asks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
