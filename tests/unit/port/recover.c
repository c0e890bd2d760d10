/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Time-outs and the ladder of resets (T-3, R-1 … R-5). The port's seconds are hurried, but for the
 * first test; the times that a rung is given are real ones. */
#include "fake.h"
#include "../events.h"

#include <errno.h>

#define SECOND 1000000000ull

static unsigned resets(void)
{
	return fake.function_count + fake.bus_resets;
}

/* R-1, T-3: time-out, then unit, target and bus are reset in this order. */
static void the_ladder_climbs_from_unit_to_target_to_bus(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t start = cpu_clock();

	fake_submit(unit);
	while (!fake.bus_resets && cpu_clock() - start < 10 * SECOND) {
		cpu_thread_park(10000000);
		/* The miniport does every reset and yet keeps the request. */
		while (fake.started_count > 1)
			fake_complete(1, SRB_STATUS_SUCCESS);
	}
	expect_is(fake.bus_resets, 1);
	expect_is(fake.function_count, 2);
	expect_is(fake.functions[0], SRB_FUNCTION_RESET_LOGICAL_UNIT);
	expect_is(fake.functions[1], SRB_FUNCTION_RESET_DEVICE);
	expect(cpu_clock() - start >= SECOND); /* not before its time-out */
	fake_complete(0, SRB_STATUS_BUS_RESET);
	expect_is(fake.dones, 1);
	fake_adapter_end();
}

static void obey(struct port_request *request)
{
	if (request->function != SRB_FUNCTION_EXECUTE_SCSI) {
		fake.functions[fake.function_count++] = request->function;
		/* All it has comes back, the reset last. */
		while (fake.started_count)
			fake_complete(0, SRB_STATUS_BUS_RESET);
		SrbSetSrbStatus(request->srb, SRB_STATUS_SUCCESS);
		port_request_complete(request);
		return;
	}
	fake.started[fake.started_count++] = request;
}

/* */
static void a_unit_reset_that_helps_is_the_only_one(void)
{
	struct port_unit *unit = fake_adapter(20);

	fake_hurry();
	fake.start = obey;
	fake_submit(unit);
	fake_submit(unit);
	fake_wait(fake.dones == 2);
	cpu_thread_park(SECOND / 2);
	expect_is(resets(), 1);
	expect_is(fake.functions[0], SRB_FUNCTION_RESET_LOGICAL_UNIT);
	fake_violation(NT_TIMED_OUT, "not completed within its 1 seconds");
	fake_adapter_end();
}

static uint8_t answer;

static void answer_resets(struct port_request *request)
{
	if (request->function == SRB_FUNCTION_EXECUTE_SCSI) {
		fake.started[fake.started_count++] = request;
		return;
	}
	fake.functions[fake.function_count++] = request->function;
	SrbSetSrbStatus(request->srb, answer);
	port_request_complete(request);
}

/* What it is asked to abort comes back, if it obeys; the request to do so last. */
static bool aborts;
static void *abort_next;

static void abort_one(struct port_request *request)
{
	if (request->function != SRB_FUNCTION_ABORT_COMMAND || !aborts) {
		obey(request);
		return;
	}
	fake.functions[fake.function_count++] = request->function;
	abort_next = SrbGetNextSrb(request->srb);
	fake_complete(0, SRB_STATUS_ABORTED);
	SrbSetSrbStatus(request->srb, SRB_STATUS_SUCCESS);
	port_request_complete(request);
}

/* SB-1: where the miniport supports it, of two requests the late one is aborted, by NextSrb, and
 * nothing is reset. */
static void a_command_is_aborted_before_anything_is_reset(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *late;

	fake.adapter.limits.aborts = aborts = true;
	fake_hurry();
	fake.start = abort_one;
	late = fake_submit(unit);
	fake_wait(fake.dones == 1);
	cpu_thread_park(SECOND / 2);
	expect_is(resets(), 1);
	expect_is(fake.functions[0], SRB_FUNCTION_ABORT_COMMAND);
	expect_is(abort_next, late->srb);
	fake_violation(NT_TIMED_OUT, "not completed within its 1 seconds");
	fake_adapter_end();
}

/* It refuses: the ladder goes on with the unit. */
static void a_refused_abort_leads_to_the_ladder(void)
{
	struct port_unit *unit = fake_adapter(20);

	fake.adapter.limits.aborts = true;
	aborts = false;
	fake_hurry();
	answer = SRB_STATUS_ABORT_FAILED;
	fake.start = answer_resets;
	fake_submit(unit);
	fake_wait(fake.bus_resets);
	expect_is(fake.function_count, 3);
	expect_is(fake.functions[0], SRB_FUNCTION_ABORT_COMMAND);
	expect_is(fake.functions[1], SRB_FUNCTION_RESET_LOGICAL_UNIT);
	expect_is(fake.functions[2], SRB_FUNCTION_RESET_DEVICE);
	fake_complete(0, SRB_STATUS_BUS_RESET);
	fake_violation(NT_TIMED_OUT, "not completed within its 1 seconds");
	fake_adapter_end();
}

/* SRB_FUNCTION_RESET_LOGICAL_UNIT is 20, SRB_FUNCTION_RESET_DEVICE 13. */
static void the_ladder_and_its_requests_are_events(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t id;

	fake_hurry();
	fake.start = obey;
	events_begin(EVENT(RESET) | EVENT(RESET_END) | EVENT(SRB_SUBMIT) | EVENT(PORT_CLOSE) |
		     EVENT(PORT_OPEN));
	id = fake_submit(unit)->id;
	fake_wait(strstr(events, "port.open") != NULL);
	events_end();
	expect_is(id, 1);
	expect(!strcmp(events, "srb.submit id 1 function 00 command 00 unit 0 bytes 0\n"
			       "port.close adapter 0 unit all why resetting\n"
			       "reset what unit address 0:0:0 for 1\n"
			       "srb.submit id 2 function 20 command 00 unit 0 bytes 0\n"
			       "reset.end what unit address 0:0:0 for 1 done 1\n"
			       "port.open adapter 0 unit all why resetting\n"));
	fake_violation(NT_TIMED_OUT, "not completed within its 1 seconds");
	fake_adapter_end();
}

/* Whatever else is outstanding: only who is late is. */
static void a_request_in_time_is_no_reason_for_a_reset(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint8_t irql;
	struct port_request *patient;

	fake_hurry(); /* 10 ms for a second */
	irql = cpu_irql_raise(IRQL_DISPATCH);
	patient = fake_get(unit);
	patient->timeout = 1000;
	port_request_submit(patient);
	cpu_irql_lower(irql);
	cpu_thread_park(SECOND / 5);
	expect_is(resets(), 0);
	expect_is(fake.violations, 0);
	fake_complete_all();
	fake_adapter_end();
}

static void climbs_in_time(uint8_t status, uint64_t limit)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t start = cpu_clock();

	fake_hurry();
	answer = status;
	fake.start = answer_resets;
	fake_submit(unit);
	fake_wait(fake.bus_resets);
	expect(cpu_clock() - start < limit);
	expect_is(fake.function_count, 2);
	expect_is(fake.functions[1], SRB_FUNCTION_RESET_DEVICE);
	/* Nothing of the resets waits in a queue of requests. */
	expect_is(unit->head, NULL);
	expect_is(unit->closed, 0);
	fake_complete_all();
	fake_adapter_end();
	memset(fake.functions, 0, sizeof(fake.functions));
	fake.function_count = fake.bus_resets = 0;
}

static void a_reset_that_fails_leads_to_the_next_at_once(void)
{
	climbs_in_time(SRB_STATUS_ERROR, 5 * SECOND);
	climbs_in_time(SRB_STATUS_INVALID_REQUEST, 5 * SECOND);
}

/* SB-8 is for requests: a reset stands in no queue. */
static void a_reset_that_comes_back_busy_is_one_that_failed(void)
{
	climbs_in_time(SRB_STATUS_BUSY, 5 * SECOND);
}

/* "all device queues paused" */
static void nothing_is_started_while_the_ladder_is_climbed(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_unit *other = port_unit_add(&fake.adapter, 0, 1, 0);

	fake_hurry();
	fake_submit(unit);
	fake_wait(fake.function_count == 1); /* the first reset is with the miniport, and stays */
	fake_submit(unit);
	fake_submit(other);
	expect_is(fake.started_count, 2);
	/* The late one comes back, then the reset: it is over, and all goes on. */
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.started_count == 2);
	expect_is(resets(), 1);
	fake_complete_all();
	expect_is(fake.dones, 3);
	fake_adapter_end();
}

static _Atomic bool is_removed;

static void remove_unit(void *ctx)
{
	port_unit_remove(ctx);
	is_removed = true;
}

/* Its last request is back, but its reset is not. */
static void a_unit_that_is_removed_stays_until_its_reset_is_over(void)
{
	struct cpu_thread *remover;
	struct port_unit *unit;

	fake_adapter(20);
	unit = port_unit_add(&fake.adapter, 0, 1, 0);
	fake_hurry();
	fake_submit(unit);
	fake_wait(fake.function_count == 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	is_removed = false;
	remover = cpu_thread_new(remove_unit, unit, 0, "remover");
	expect(remover != NULL);
	cpu_thread_park(SECOND / 20);
	expect(!is_removed);
	expect_is(port_unit_find(&fake.adapter, 0, 1, 0), NULL);
	expect_is(unit->target, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	cpu_thread_join(remover);
	cpu_thread_free(remover);
	expect(is_removed);
	expect_is(fake.adapter.unit_count, 1);
	expect_is(resets(), 1);
	fake_violation(NT_TIMED_OUT, "not completed within its 1 seconds");
	fake_adapter_end();
}

static uint64_t bus_reset_at;

static bool reset_bus_and_give_all_back(struct port_adapter *adapter, uint8_t path)
{
	bus_reset_at = cpu_clock();
	fake.bus_resets++;
	while (fake.started_count)
		fake_complete(0, SRB_STATUS_BUS_RESET);
	return true;
}

/* BusResetHoldTime */
static void nothing_is_started_while_the_bus_rests(void)
{
	static const struct port_model model = {
		.name = "fake",
		.start = fake_start,
		.reset_bus = reset_bus_and_give_all_back,
		.stop = fake_stop,
	};
	struct port_unit *unit = fake_adapter(20);

	fake.adapter.model = &model;
	fake.adapter.limits.first_reset = 2;
	fake.adapter.limits.reset_hold = 300000;
	fake_hurry();
	fake_submit(unit);
	fake_wait(fake.bus_resets);
	fake_submit(unit);
	fake_wait(fake.started_count);
	expect(cpu_clock() - bus_reset_at >= 3 * SECOND / 10);
	fake_complete_all();
	expect_is(fake.dones, 2);
	fake_adapter_end();
}

static uint8_t last_status;

static void note_status(struct port_request *request)
{
	last_status = request->srb_status;
	fake_done(request);
}

/* R-5, SB-14: it may still be written to, so it stays with the miniport until that is stopped. */
static void a_request_that_survives_the_ladder_is_lost_until_the_adapter_is_given_up(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *request;

	fake_hurry();
	answer = SRB_STATUS_ERROR;
	fake.start = answer_resets;
	fake.bus_reset_fails = true;
	expect(!port_adapter_has_lost(&fake.adapter));
	request = fake_submit(unit);
	request->done = note_status;
	last_status = 0;
	fake_wait(port_adapter_has_lost(&fake.adapter));
	expect(port_request_is_lost(request));
	expect_is(fake.dones, 0);
	expect_is(fake.violations, 2);
	expect_has(fake.violation, "R-5");
	expect_is(fake.violation_number, 0xf1001007);
	/* Others go on meanwhile. */
	fake_submit(unit);
	fake_complete(1, SRB_STATUS_SUCCESS);
	expect_is(fake.dones, 1);
	port_adapter_give_up(&fake.adapter);
	expect_is(fake.dones, 2);
	expect_is(last_status, SRB_STATUS_NO_HBA);
	expect(!port_adapter_has_lost(&fake.adapter));
	fake_adapter_end();
}

static void a_lost_request_that_comes_back_is_lost_no_more(void)
{
	struct port_unit *unit = fake_adapter(20);

	fake_hurry();
	answer = SRB_STATUS_ERROR;
	fake.start = answer_resets;
	fake_submit(unit);
	fake_wait(port_adapter_has_lost(&fake.adapter));
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect(!port_adapter_has_lost(&fake.adapter));
	/* The slot's next request is a new one. */
	fake_submit(unit);
	expect(!port_adapter_has_lost(&fake.adapter));
	fake_complete_all();
	fake_adapter_end();
}

/* Stop with a reset outstanding: nobody waits ten seconds for it. */
static void giving_up_ends_the_ladder(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t start;

	fake_hurry();
	fake_submit(unit);
	fake_wait(fake.function_count == 1);
	start = cpu_clock();
	port_adapter_give_up(&fake.adapter);
	expect(cpu_clock() - start < 5 * SECOND);
	expect_is(fake.dones, 1);
	expect_is(resets(), 1);
	expect_is(port_adapter_outstanding(&fake.adapter), 0);
	expect_has(fake.violation, "2 requests never came back"); /* it and the reset */
	fake_adapter_end();
}

/* As an event of the machine asks for them. */
static void who_is_given_up_is_not_reset_any_more(void)
{
	fake_adapter(20);
	fake.adapter.limits.buses = 1;
	expect_is(port_recover_reset(&fake.adapter, PORT_RESET_BUS, false), 0);
	expect_is(fake.bus_resets, 1);
	port_adapter_give_up(&fake.adapter);
	expect_is(port_recover_reset(&fake.adapter, PORT_RESET_BUS, false), 0);
	port_recover_hold(&fake.adapter);
	expect_is(fake.bus_resets, 1);
	fake_adapter_end();
}

/* One each unit, one each target, whatever stands in the queues. */
static void who_asks_for_resets_gets_one_for_each(void)
{
	fake_adapter(20);
	port_unit_add(&fake.adapter, 0, 0, 1);
	port_unit_add(&fake.adapter, 0, 1, 0);
	fake.start = obey;
	expect_is(port_recover_reset(&fake.adapter, PORT_RESET_UNIT, false), 0);
	expect_is(fake.function_count, 3);
	for (unsigned n = 0; n < 3; n++)
		expect_is(fake.functions[n], SRB_FUNCTION_RESET_LOGICAL_UNIT);
	expect_is(port_recover_reset(&fake.adapter, PORT_RESET_TARGET, false), 0);
	expect_is(fake.function_count, 5);
	expect_is(fake.functions[3], SRB_FUNCTION_RESET_DEVICE);
	expect_is(fake.functions[4], SRB_FUNCTION_RESET_DEVICE);
	expect_is(fake.bus_resets, 0);
	answer = SRB_STATUS_ERROR;
	fake.start = answer_resets;
	expect_is(port_recover_reset(&fake.adapter, PORT_RESET_UNIT, false), -EIO);
	fake.adapter.limits.first_reset = PORT_RESET_BUS;
	expect_is(port_recover_reset(&fake.adapter, PORT_RESET_TARGET, false), -EOPNOTSUPP);
	fake_adapter_end();
}

static _Atomic bool stop;
static struct port_request *_Atomic late;
static _Atomic unsigned given;

static void hand_over(struct port_request *request)
{
	if (request->function != SRB_FUNCTION_EXECUTE_SCSI)
		fake.functions[fake.function_count++ % 16] = request->function;
	atomic_store(&late, request);
}

/* The miniport gives everything back on the other processor. */
static void give_back(void *ctx)
{
	while (!atomic_load(&stop)) {
		struct port_request *request = atomic_exchange(&late, NULL);
		uint8_t irql;

		if (!request) {
			cpu_thread_park(1000000);
			continue;
		}
		cpu_thread_park(30000000); /* three seconds of the port's */
		irql = cpu_irql_raise(IRQL_DISPATCH);
		SrbSetSrbStatus(request->srb, SRB_STATUS_SUCCESS);
		if (request->function != SRB_FUNCTION_EXECUTE_SCSI || given++ % 2)
			expect(port_request_complete(request));
		else
			fake.started[0] = request;
		if (request->function != SRB_FUNCTION_EXECUTE_SCSI && fake.started[0]) {
			SrbSetSrbStatus(fake.started[0]->srb, SRB_STATUS_BUS_RESET);
			expect(port_request_complete(fake.started[0]));
			fake.started[0] = NULL;
		}
		cpu_irql_lower(irql);
	}
}

/* Resets and requests that come back elsewhere while the ladder looks. */
static void the_ladder_and_completions_of_another_processor_agree(void)
{
	struct port_unit *unit = fake_adapter(1);
	struct cpu_thread *thread;

	fake_hurry();
	fake.start = hand_over;
	stop = false;
	given = 0;
	atomic_store(&late, NULL);
	thread = cpu_thread_new(give_back, NULL, 1, "miniport");
	for (unsigned n = 0; n < 6; n++) {
		fake_submit(unit);
		fake_wait(fake.dones == n + 1);
	}
	stop = true;
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	expect_is(port_adapter_outstanding(&fake.adapter), 0);
	fake_adapter_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(a_command_is_aborted_before_anything_is_reset),
		fake_test_both(a_refused_abort_leads_to_the_ladder),
		fake_test(the_ladder_climbs_from_unit_to_target_to_bus),
		fake_test_both(a_unit_reset_that_helps_is_the_only_one),
		fake_test(the_ladder_and_its_requests_are_events),
		fake_test(a_request_in_time_is_no_reason_for_a_reset),
		fake_test(a_reset_that_fails_leads_to_the_next_at_once),
		fake_test(a_reset_that_comes_back_busy_is_one_that_failed),
		fake_test(nothing_is_started_while_the_ladder_is_climbed),
		fake_test(a_unit_that_is_removed_stays_until_its_reset_is_over),
		fake_test(nothing_is_started_while_the_bus_rests),
		fake_test(a_request_that_survives_the_ladder_is_lost_until_the_adapter_is_given_up),
		fake_test(a_lost_request_that_comes_back_is_lost_no_more),
		fake_test(giving_up_ends_the_ladder),
		fake_test(who_is_given_up_is_not_reset_any_more),
		fake_test(who_asks_for_resets_gets_one_for_each),
		{"the_ladder_and_completions_of_another_processor_agree", fake_run_on_two, NULL,
			NULL, (void *)the_ladder_and_completions_of_another_processor_agree},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
