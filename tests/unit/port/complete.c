/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Station 7: how a request ends: by the miniport, by the port, busy, in which order and where its
 * done runs. That a second completion is refused is in queue.c. */
#include "fake.h"

#include <errno.h>

/* ---- where done runs ---- */

static void complete_inside_start(struct port_request *request)
{
	unsigned before = fake.dones;
	uint8_t irql = cpu_irql_raise(8);

	SrbSetSrbStatus(request->srb, SRB_STATUS_SUCCESS);
	expect(port_request_complete(request)); /* at a device's IRQL, inside StartIo */
	cpu_irql_lower(irql);
	expect_is(fake.dones, before);
}

static void done_runs_later_at_dispatch_whatever_the_completion_was(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint8_t irql;

	fake.start = complete_inside_start;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < 3; n++)
		port_request_submit(fake_get(unit));
	expect_is(fake.dones, 0);
	cpu_irql_lower(irql);
	expect_is(fake.dones, 3);
	fake_adapter_end();
}

static uint64_t done_ids[8];

static void note_done(struct port_request *request)
{
	done_ids[fake.dones] = request->id;
	fake_done(request);
}

static void requests_end_in_the_order_of_their_completion(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t ids[5];
	static const unsigned order[] = {3, 0, 4, 1, 2};
	struct port_request *requests[5];
	uint8_t irql;

	for (unsigned n = 0; n < 5; n++) {
		requests[n] = fake_submit(unit);
		requests[n]->done = note_done;
		ids[n] = requests[n]->id;
	}
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < 5; n++) {
		SrbSetSrbStatus(requests[order[n]]->srb, SRB_STATUS_SUCCESS);
		port_request_complete(requests[order[n]]);
	}
	cpu_irql_lower(irql);
	for (unsigned n = 0; n < 5; n++)
		expect_is(done_ids[n], ids[order[n]]);
	fake.started_count = 0;
	fake_adapter_end();
}

static struct port_request *inner[2];

static void complete_two(struct port_request *request)
{
	note_done(request);
	for (unsigned n = 0; n < 2; n++) {
		SrbSetSrbStatus(inner[n]->srb, SRB_STATUS_SUCCESS);
		expect(port_request_complete(inner[n]));
		expect_is(fake.dones, 1);
	}
}

/* By the same DPC, and what is completed when that has ended by another one. */
static void what_is_completed_while_others_end_ends_after_them(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *requests[4];
	static const unsigned order[] = {0, 1, 3, 2};
	uint64_t ids[5];
	uint8_t irql;

	for (unsigned round = 0; round < 2; round++) {
		uint64_t dpcs = cpu_self->dpcs;

		atomic_store(&fake.dones, 0);
		for (unsigned n = 0; n < 4; n++) {
			requests[n] = fake_submit(unit);
			requests[n]->done = n ? note_done : complete_two;
			ids[n] = requests[n]->id;
		}
		inner[0] = requests[3];
		inner[1] = requests[2];
		irql = cpu_irql_raise(IRQL_DISPATCH);
		for (unsigned n = 0; n < 2; n++) {
			SrbSetSrbStatus(requests[n]->srb, SRB_STATUS_SUCCESS);
			port_request_complete(requests[n]);
		}
		cpu_irql_lower(irql);
		expect_is(fake.dones, 4);
		expect_is(cpu_self->dpcs - dpcs, 1);
		for (unsigned n = 0; n < 4; n++)
			expect_is(done_ids[n], ids[order[n]]);
		fake.started_count = 0;
	}
	fake_adapter_end();
}

static void submit_again(struct port_request *request)
{
	struct port_unit *unit = request->unit;

	fake_done(request);
	if (fake.dones == 10000)
		return;
	request = fake_get(unit);
	request->done = submit_again;
	port_request_submit(request);
}

/* A stack frame for each would end the kernel stack. */
static void done_may_submit_the_next_without_end(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *request;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	fake.start = complete_inside_start;
	request = fake_get(unit);
	request->done = submit_again;
	port_request_submit(request);
	cpu_irql_lower(irql);
	fake_wait(fake.dones == 10000);
	fake_adapter_end();
}

/* ---- completions that are none ---- */

static void a_request_that_the_miniport_does_not_have_is_not_completed(void)
{
	struct port_unit *unit = fake_adapter(1);
	struct port_request *first = fake_submit(unit), *queued = fake_submit(unit), *held;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	expect(!port_request_complete(queued));
	fake_violation(0xf1002004, "did not have it");
	held = fake_get(unit);
	expect(!port_request_complete(held));
	fake_violation(0xf1002004, "did not have it");
	port_request_put(held);
	expect(!port_request_complete(held));
	fake_violation(0xf1002004, "a second time");
	SrbSetSrbStatus(first->srb, SRB_STATUS_SUCCESS);
	expect(port_request_complete(first));
	expect(!port_request_complete(first)); /* its DPC is still to come */
	fake_violation(0xf1002004, "a second time");
	cpu_irql_lower(irql);
	fake.started[0] = queued;
	fake.started_count = 1;
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

/* SB-11 */
static void pending_is_no_status_to_complete_with(void)
{
	fake_submit(fake_adapter(20))->done = note_status;
	fake_complete(0, SRB_STATUS_PENDING);
	expect_is(fake.dones, 1);
	expect_is(last_status, SRB_STATUS_ERROR);
	fake_violation(0, "SB-11");
	fake_adapter_end();
}

/* ---- busy ---- */

static void set_scsi(struct port_request *request, uint8_t scsi_status)
{
	SrbSetScsiStatus(request->srb, scsi_status);
}

/* SB-9 */
static void a_busy_or_full_device_is_asked_again_too(void)
{
	static const uint8_t statuses[] = {SCSISTAT_BUSY, SCSISTAT_QUEUE_FULL};
	struct port_unit *unit = fake_adapter(20);

	for (unsigned n = 0; n < 2; n++) {
		struct port_request *request = fake_submit(unit);

		fake_submit(unit);
		set_scsi(request, statuses[n]);
		fake_complete(0, SRB_STATUS_ERROR);
		expect_is(fake.dones, 2 * n);
		fake_complete(0, SRB_STATUS_SUCCESS); /* the other: so the first comes again */
		expect_is(fake.started_count, 1);
		expect_is(fake.started[0], request);
		fake_complete(0, SRB_STATUS_SUCCESS);
		expect_is(fake.dones, 2 * n + 2);
	}
	fake_adapter_end();
}

static unsigned full_waits_for(uint32_t percent)
{
	struct port_unit *unit = fake_adapter(20);
	unsigned completed = 0, before;

	unit->entries.full_percent = percent;
	for (unsigned n = 0; n < 13; n++)
		fake_submit(unit);
	set_scsi(fake.started[0], SCSISTAT_QUEUE_FULL);
	fake_complete(0, SRB_STATUS_ERROR);
	before = fake.starts;
	for (; fake.starts == before && fake.started_count; completed++)
		fake_complete(0, SRB_STATUS_SUCCESS);
	fake_complete_all();
	fake_adapter_end();
	return completed;
}

/* QueueFullWaitIoPercentage of what the miniport has, 25 where nobody says otherwise. */
static void a_full_unit_waits_for_a_part_of_what_is_outstanding(void)
{
	expect_is(full_waits_for(25), 3); /* of 12 */
	expect_is(full_waits_for(50), 6);
	expect_is(full_waits_for(100), 12);
	expect_is(full_waits_for(0), 1); /* one at least */
}

static void always_busy(struct port_request *request)
{
	fake.starts++;
	SrbSetSrbStatus(request->srb, SRB_STATUS_BUSY);
	port_request_complete(request);
}

static void leave_busy(struct port_request *request)
{
	if (request->cdb[0])
		fake.started[fake.started_count++] = request;
	else
		always_busy(request);
}

/* BusyRetryCount of its own, BusyPauseTime between the tries. */
static void a_unit_s_own_retries_and_pause_are_kept(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t start = cpu_clock();
	struct port_request *request;
	uint8_t irql;

	unit->entries.retries = 3;
	unit->entries.pause_ms = 20;
	fake.start = always_busy;
	last_status = 0;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	request = fake_get(unit);
	request->done = note_status;
	port_request_submit(request);
	cpu_irql_lower(irql);
	while (!last_status && cpu_clock() - start < 5000000000ull)
		cpu_thread_park(1000000);
	expect_is(last_status, SRB_STATUS_BUSY);
	expect_is(fake.starts, 4);
	expect(cpu_clock() - start >= 60000000);
	fake_adapter_end();
}

/* BusyRetryCount 20; the port's ticks are hurried, so that only the count is waited for. */
static void a_request_that_is_always_busy_fails_in_the_end(void)
{
	struct port_unit *unit = fake_adapter(255);
	struct port_request *request;
	uint8_t irql;

	fake_hurry();
	fake.start = leave_busy;
	/* Completions of others cut the pauses short. */
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < 60; n++) {
		request = fake_get(unit);
		request->cdb[0] = 1;
		request->timeout = 1000;
		port_request_submit(request);
	}
	request = fake_get(unit);
	request->done = note_status;
	last_status = 0;
	port_request_submit(request);
	cpu_irql_lower(irql);
	while (fake.started_count > 1 && !last_status) {
		fake_complete(0, SRB_STATUS_SUCCESS);
		cpu_thread_park(5000000);
	}
	expect_is(last_status, SRB_STATUS_BUSY);
	expect(fake.starts >= 21);
	fake_complete_all();
	fake_adapter_end();
}

/* ---- ended by the port ---- */

static void nothing_is_started_at_a_closed_adapter(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *request;
	uint8_t irql;

	expect_is(port_adapter_close(&fake.adapter, 1), 0);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	request = fake_get(unit);
	request->done = note_status;
	port_request_submit(request);
	expect_is(fake.dones, 0); /* never inside the call */
	cpu_irql_lower(irql);
	expect_is(fake.dones, 1);
	expect_is(last_status, SRB_STATUS_NO_HBA);
	expect_is(fake.starts, 0);
	fake_adapter_end();
}

static void what_waits_when_the_adapter_closes_fails(void)
{
	struct port_unit *unit = fake_adapter(1);

	fake_submit(unit);
	for (unsigned n = 0; n < 3; n++)
		fake_submit(unit)->done = note_status;
	last_status = 0;
	/* one is still with the miniport */
	expect_is(port_adapter_close(&fake.adapter, 0), -ETIMEDOUT);
	expect_is(fake.dones, 3);
	expect_is(last_status, SRB_STATUS_NO_HBA);
	/* It does not come again, not even busy. */
	fake.started[0]->done = note_status;
	fake_complete(0, SRB_STATUS_BUSY);
	expect_is(fake.dones, 4);
	expect_is(last_status, SRB_STATUS_BUSY);
	fake_adapter_end();
}

static void an_adapter_that_is_given_up_gets_all_requests_back(void)
{
	struct port_unit *unit = fake_adapter(2);
	struct port_request *request = fake_submit(unit);

	fake_submit(unit);
	fake_submit(unit)->done = note_status;
	request->done = note_status;
	port_adapter_give_up(&fake.adapter);
	expect_is(fake.stops, 1);
	expect_is(fake.dones, 3);
	expect_is(last_status, SRB_STATUS_NO_HBA);
	fake_violation(0, "2 requests never came back");
	/* a completion that is too late */
	expect(!port_request_complete(request));
	fake_violation(0xf1002004, "a second time");
	expect_is(port_adapter_outstanding(&fake.adapter), 0);
	fake_adapter_end();
}

/* ---- where it is finished, on two processors ---- */

static unsigned done_cpus[8];

static void note_cpu(struct port_request *request)
{
	done_cpus[fake.dones] = cpu_self->number;
	note_done(request);
}

static void complete_three(void *ctx)
{
	for (unsigned n = 0; n < 3; n++)
		fake_complete(n == 0 ? 1 : 0, SRB_STATUS_SUCCESS);
}

/* Three from processor 0, completed by processor 1: the second, the first, the third. */
static void three(bool redirects, unsigned where)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *last = NULL;
	struct cpu_thread *thread;
	uint64_t ids[3];

	fake.dones = 0;
	fake.adapter.redirects = redirects;
	for (unsigned n = 0; n < 3; n++) {
		last = fake_submit(unit);
		last->done = note_cpu;
		ids[n] = last->id;
	}
	thread = cpu_thread_new(complete_three, NULL, 1, "other");
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	fake_wait(fake.dones == 3);
	for (unsigned n = 0; n < 3; n++)
		expect_is(done_cpus[n], where);
	expect_is(done_ids[0], ids[1]);
	expect_is(done_ids[1], ids[0]);
	expect_is(done_ids[2], ids[2]);
	/* One that the miniport does not have is told of as ever. */
	expect(!port_request_complete(last));
	fake_violation(0xf1002004, "a second time");
	/* What is completed where it was submitted goes no other way. */
	fake_submit(unit)->done = note_cpu;
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.dones == 4);
	expect_is(done_cpus[3], 0);
	fake_adapter_end();
}

static void without_redirection_it_is_where_it_was_completed(void)
{
	three(false, 1);
}

static void with_redirection_it_is_where_it_was_submitted(void)
{
	three(true, 0);
}

/* Two threads, each with a request at a time, which the other one completes. */
#define TURNS 2000
static _Atomic(struct port_request *) box[2];
static _Atomic unsigned turns[2];
static _Atomic unsigned strays;

static void put_into_box(struct port_request *request)
{
	atomic_store(&box[(uintptr_t)request->ctx], request);
}

static void note_turn(struct port_request *request)
{
	uintptr_t from = (uintptr_t)request->ctx;

	atomic_fetch_add(&strays, cpu_self->number != from);
	port_request_put(request);
	atomic_fetch_add(&turns[from], 1);
}

static void play(void *ctx)
{
	uintptr_t me = cpu_self->number;
	unsigned begun = 0;

	while (atomic_load(&turns[0]) < TURNS || atomic_load(&turns[1]) < TURNS) {
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
		struct port_request *other = atomic_exchange(&box[!me], NULL);
		bool is_mine = begun < TURNS && atomic_load(&turns[me]) == begun;

		if (is_mine) {
			struct port_request *request = fake_get(ctx);

			begun++;
			request->ctx = (void *)me;
			request->done = note_turn;
			port_request_submit(request);
		}
		if (other) {
			SrbSetSrbStatus(other->srb, SRB_STATUS_SUCCESS);
			expect(port_request_complete(other));
		}
		cpu_irql_lower(irql);
		if (!other && !is_mine)
			cpu_thread_park(10000);
	}
}

static void what_two_processors_send_each_other_is_finished_once(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct cpu_thread *thread;

	fake.adapter.redirects = true;
	fake.start = put_into_box;
	thread = cpu_thread_new(play, unit, 1, "other");
	play(unit);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	expect_is(turns[0], TURNS);
	expect_is(turns[1], TURNS);
	expect_is(strays, 0);
	expect_is(fake.adapter.outstanding, 0);
	fake_adapter_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(done_runs_later_at_dispatch_whatever_the_completion_was),
		fake_test(requests_end_in_the_order_of_their_completion),
		fake_test(what_is_completed_while_others_end_ends_after_them),
		fake_test(done_may_submit_the_next_without_end),
		fake_test(a_request_that_the_miniport_does_not_have_is_not_completed),
		fake_test_both(pending_is_no_status_to_complete_with),
		fake_test_both(a_busy_or_full_device_is_asked_again_too),
		fake_test(a_full_unit_waits_for_a_part_of_what_is_outstanding),
		fake_test(a_unit_s_own_retries_and_pause_are_kept),
		fake_test(a_request_that_is_always_busy_fails_in_the_end),
		fake_test(nothing_is_started_at_a_closed_adapter),
		fake_test(what_waits_when_the_adapter_closes_fails),
		fake_test(an_adapter_that_is_given_up_gets_all_requests_back),
		fake_test_on_two(without_redirection_it_is_where_it_was_completed),
		fake_test_on_two(with_redirection_it_is_where_it_was_submitted),
		fake_test_on_two(what_two_processors_send_each_other_is_finished_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
