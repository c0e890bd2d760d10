/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include "fake.h"
#include "../events.h"

static void depth_is_respected_and_order_kept(void)
{
	struct port_unit *unit = fake_adapter(2);
	uint64_t ids[5];

	for (unsigned n = 0; n < 5; n++)
		ids[n] = fake_submit(unit)->id;
	expect_is(fake.started_count, 2);
	for (unsigned n = 0; n < 5; n++) {
		expect_is(fake.started[0]->id, ids[n]);
		fake_complete(0, SRB_STATUS_SUCCESS);
		expect_is(fake.dones, n + 1);
	}
	expect_is(fake.starts, 5);
	fake_adapter_end();
}

/* */
static void a_paused_adapter_queues_until_resume(void)
{
	struct port_unit *unit = fake_adapter(20);

	port_adapter_pause(&fake.adapter, 60);
	fake_submit(unit);
	expect_is(fake.started_count, 0);
	port_adapter_resume(&fake.adapter);
	cpu_poll();
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
}

/* by expiry */
static void a_paused_unit_goes_on_when_the_time_is_over(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t start = cpu_clock();

	port_unit_pause(unit, 1);
	fake_submit(unit);
	while (!fake.started_count && cpu_clock() - start < 5000000000ull)
		cpu_thread_park(10000000);
	expect_is(fake.started_count, 1);
	expect(cpu_clock() - start >= 1000000000ull);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
}

/* */
static void busy_waits_for_that_many_completions(void)
{
	struct port_unit *unit = fake_adapter(20);

	for (unsigned n = 0; n < 4; n++)
		fake_submit(unit);
	port_adapter_busy(&fake.adapter, 2);
	fake_submit(unit);
	expect_is(fake.started_count, 4);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 3);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 3); /* two gone, the waiting one came */
	while (fake.started_count)
		fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.dones, 5);
	fake_adapter_end();
}

/* */
static void busy_for_more_than_are_outstanding_waits_for_all(void)
{
	struct port_unit *unit = fake_adapter(20);

	fake_submit(unit);
	fake_submit(unit);
	port_unit_busy(unit, 100);
	fake_submit(unit);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 1);
	expect_is(fake.starts, 3);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
}

/* SB-8 */
static void a_busy_request_is_sent_again_when_another_is_done(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *first = fake_submit(unit);
	struct port_request *second = fake_submit(unit);

	fake_complete(0, SRB_STATUS_BUSY);
	expect_is(fake.started_count, 1);
	expect_is(fake.started[0], second);
	/* Not sooner: whoever looks whether anything may start finds nothing. */
	port_adapter_resume(&fake.adapter);
	cpu_poll();
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 1);
	expect_is(fake.started[0], first);
	expect_is(SrbGetSrbStatus(first->srb), SRB_STATUS_PENDING); /* contract 1 */
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.dones, 2);
	fake_adapter_end();
}

/* SB-8: "old contents lost" */
static void a_busy_request_gets_another_extension(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *request = fake_submit(unit);
	unsigned char old[100]; /* fake_adapter's extension_bytes */

	for (unsigned n = 0; n < sizeof(old); n++)
		old[n] = (unsigned char)n;
	memcpy(SrbGetMiniportContext(request->srb), old, sizeof(old));
	fake_submit(unit);
	fake_complete(0, SRB_STATUS_BUSY);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started[0], request);
	for (unsigned n = 0; n < sizeof(old); n++)
		expect(((unsigned char *)SrbGetMiniportContext(request->srb))[n] != old[n]);
	fake_complete_all();
	fake_adapter_end();
}

static void busy_requests_are_sent_again_in_their_order(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *first = fake_submit(unit);
	struct port_request *second = fake_submit(unit);

	fake_submit(unit);
	fake_complete(0, SRB_STATUS_BUSY);
	fake_complete(0, SRB_STATUS_BUSY);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 2);
	expect_is(fake.started[0], first);
	expect_is(fake.started[1], second);
	fake_complete_all();
	fake_adapter_end();
}

static void a_lone_busy_request_is_sent_again_after_a_pause(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t start = cpu_clock();

	fake_submit(unit);
	fake_complete(0, SRB_STATUS_BUSY);
	while (!fake.started_count && cpu_clock() - start < 5000000000ull)
		cpu_thread_park(10000000);
	expect_is(fake.started_count, 1);
	expect(cpu_clock() - start >= 250000000ull); /* BusyPauseTime, Q-8 */
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
}

/* SB-12 */
static void gates_and_second_tries_are_events(void)
{
	struct port_unit *unit = fake_adapter(20);

	events_begin(EVENT(PORT_CLOSE) | EVENT(PORT_OPEN) | EVENT(SRB_AGAIN));
	port_adapter_pause(&fake.adapter, 60);
	port_adapter_pause(&fake.adapter, 60); /* closed it was before */
	port_adapter_resume(&fake.adapter);
	port_unit_pause(unit, 60);
	port_unit_resume(unit);
	port_unit_resume(unit);
	fake_submit(unit);
	port_adapter_busy(&fake.adapter, 1);
	port_unit_busy(unit, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_submit(unit);
	fake_complete(0, SRB_STATUS_BUSY);
	fake_wait(fake.started_count == 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	events_end();
	expect(!strcmp(events, "port.close adapter 0 unit all why paused\n"
			       "port.open adapter 0 unit all why paused\n"
			       "port.close adapter 0 unit 0 why paused\n"
			       "port.open adapter 0 unit 0 why paused\n"
			       "port.close adapter 0 unit all why busy\n"
			       "port.close adapter 0 unit 0 why busy\n"
			       "port.open adapter 0 unit 0 why busy\n"
			       "port.open adapter 0 unit all why busy\n"
			       "srb.again id 2 times 1\n"
			       "port.close adapter 0 unit 0 why retry\n"
			       "port.open adapter 0 unit 0 why retry\n"));
	fake_adapter_end();
}

static void a_second_completion_is_reported_and_ignored(void)
{
	struct port_request *request;

	fake_submit(fake_adapter(20));
	request = fake_complete(0, SRB_STATUS_SUCCESS);
	expect(!port_request_complete(request));
	expect_is(fake.violations, 1);
	expect_is(fake.dones, 1);
	fake_adapter_end();
}

static void a_request_over_the_limit_fails_at_once(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = port_request_get(unit->adapter);

	request->unit = unit;
	request->function = SRB_FUNCTION_EXECUTE_SCSI;
	request->length = 65537;
	request->done = fake_done;
	port_request_submit(request);
	cpu_irql_lower(irql);
	expect_is(fake.dones, 1);
	expect_is(request->srb_status, SRB_STATUS_INVALID_REQUEST);
	expect_is(fake.starts, 0);
	fake_adapter_end();
}

/* Contract 3: the extension's address keeps its low bits, and it is contiguous. */
static void slots_are_found_by_srb_and_by_extension(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *request = fake_submit(unit);
	char *extension = request->extension;

	expect_is(port_request_find(&fake.adapter, request->srb), request);
	expect_is(port_request_find(&fake.adapter, (char *)request->srb + 8), NULL);
	expect_is(port_request_find(&fake.adapter, &request), NULL);
	expect_is(port_request_of_extension(&fake.adapter, extension), request);
	expect_is(port_request_of_extension(&fake.adapter, extension + 99), request);
	expect_is(port_request_of_extension(&fake.adapter, extension + 100), NULL);
	expect_is(port_request_of_extension(&fake.adapter, extension - 1), NULL);
	expect_is(mem_physical(extension) % 4096, (uintptr_t)extension % 4096);
	expect_is(mem_physical(extension + 99), mem_physical(extension) + 99);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
}

/* ---- several units ---- */

static unsigned of_unit(const struct port_unit *unit)
{
	unsigned count = 0;

	for (unsigned n = 0; n < fake.started_count; n++)
		count += fake.started[n]->unit == unit;
	return count;
}

/* MaxNumberOfIO; no unit is forgotten, and none is always the last. */
static void the_adapters_limit_holds_for_all_units_together(void)
{
	struct port_unit *first, *second;

	fake.max_outstanding = 3;
	first = fake_adapter(20);
	second = port_unit_add(&fake.adapter, 0, 1, 0);
	for (unsigned n = 0; n < 6; n++)
		fake_submit(first);
	for (unsigned n = 0; n < 6; n++)
		fake_submit(second);
	expect_is(fake.started_count, 3);
	for (unsigned n = 1; n <= 8; n++) {
		fake_complete(0, SRB_STATUS_SUCCESS);
		expect_is(fake.started_count, 3);
		expect_is(port_adapter_outstanding(&fake.adapter), 3);
		if (n == 2) /* by now both have had their turn */
			expect_is(of_unit(second), 1);
	}
	fake_complete_all();
	expect_is(fake.dones, 12);
	fake_adapter_end();
}

/* a unit's gates are its own. */
static void a_closed_unit_holds_back_no_other(void)
{
	struct port_unit *first = fake_adapter(20);
	struct port_unit *second = port_unit_add(&fake.adapter, 0, 1, 0);

	port_unit_pause(first, 60);
	fake_submit(first);
	fake_submit(second);
	expect_is(fake.started_count, 1);
	expect_is(fake.started[0]->unit, second);
	port_unit_resume(first);
	cpu_poll();
	expect_is(fake.started_count, 2);
	fake_complete_all();
	fake_adapter_end();
}

/* ---- counts ---- */

/* Q-5, SB-8: the request that came back busy is no completed one: a miniport says "busy" and gives
 * it back, and means others. */
static void a_request_that_comes_back_busy_opens_no_busy_gate(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_unit *other = port_unit_add(&fake.adapter, 0, 1, 0);

	fake_submit(unit);
	fake_submit(unit);
	port_adapter_busy(&fake.adapter, 1);
	fake_complete(0, SRB_STATUS_BUSY);
	fake_submit(other);
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 2); /* both units go on */
	port_unit_busy(unit, 1);
	fake_complete(of_unit(unit) && fake.started[0]->unit == unit ? 0 : 1, SRB_STATUS_BUSY);
	/* The unit's last came back: there is nothing left to wait for but the pause. */
	fake_wait(fake.started_count == 2);
	fake_complete_all();
	fake_adapter_end();
}

static void busy_without_anything_outstanding_closes_nothing(void)
{
	struct port_unit *unit = fake_adapter(20);

	port_adapter_busy(&fake.adapter, 5);
	port_unit_busy(unit, 5);
	port_adapter_busy(&fake.adapter, 0);
	fake_submit(unit);
	expect_is(fake.started_count, 1);
	port_adapter_busy(&fake.adapter, 0);
	port_unit_busy(unit, 0);
	fake_submit(unit);
	expect_is(fake.started_count, 2);
	fake_complete_all();
	fake_adapter_end();
}

/* ---- two processors ---- */

static _Atomic bool stop;

static void complete_at_once(struct port_request *request)
{
	SrbSetSrbStatus(request->srb, SRB_STATUS_SUCCESS);
	port_request_complete(request);
}

static void submit_until_stopped(void *ctx)
{
	while (!atomic_load(&stop)) {
		unsigned before = fake.dones;

		fake_submit(ctx);
		fake_wait(fake.dones != before);
	}
}

/* A gate that is closed while the last request comes back must not stay closed. */
static void busy_that_crosses_the_last_completion_is_not_for_ever(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t end = cpu_clock() + 1000000000;
	struct cpu_thread *thread;

	fake.start = complete_at_once;
	stop = false;
	thread = cpu_thread_new(submit_until_stopped, unit, 1, "submitter");
	while (cpu_clock() < end) {
		port_adapter_busy(&fake.adapter, 1);
		port_unit_busy(unit, 1);
		cpu_relax();
	}
	stop = true;
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	expect_is(fake.adapter.closed, 0);
	expect_is(unit->closed, 0);
	fake_adapter_end();
}

static _Atomic unsigned at_gate;
static struct port_request *kept[2];

static void keep(struct port_request *request)
{
	static _Atomic unsigned count;

	kept[atomic_fetch_add(&count, 1) % 2] = request;
	atomic_fetch_add(&at_gate, 1);
}

static void give_back_busy(void *ctx)
{
	struct port_request *request = kept[(uintptr_t)ctx];
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	atomic_fetch_sub(&at_gate, 1);
	while (atomic_load(&at_gate))
		cpu_relax();
	SrbSetSrbStatus(request->srb, SRB_STATUS_BUSY);
	expect(port_request_complete(request));
	cpu_irql_lower(irql); /* its DPC runs here, as the other's does there */
}

/* Two that come back busy at one time: each would be the other's "another completion". */
static void busy_requests_of_two_processors_are_both_sent_again(void)
{
	struct port_unit *unit = fake_adapter(20);

	fake.start = keep;
	at_gate = 0;
	fake_submit(unit);
	fake_submit(unit);
	for (unsigned n = 0; n < 8; n++) {
		struct cpu_thread *thread = cpu_thread_new(give_back_busy, (void *)1, 1, "other");

		give_back_busy((void *)0);
		cpu_thread_join(thread);
		cpu_thread_free(thread);
		fake_wait(at_gate == 2);
		if (at_gate != 2)
			break;
	}
	complete_at_once(kept[0]);
	complete_at_once(kept[1]);
	fake_wait(fake.dones == 2);
	fake_adapter_end();
}

static _Atomic unsigned running, most;

static void run_a_while(struct port_request *request)
{
	unsigned now = atomic_fetch_add(&running, 1) + 1;

	if (now > atomic_load(&most))
		atomic_store(&most, now);
	cpu_stall(20000);
	atomic_fetch_sub(&running, 1);
	complete_at_once(request);
}

static void submit_many(void *ctx)
{
	for (unsigned n = 0; n < 60; n++)
		fake_submit(ctx);
}

static void limits_hold_and_nothing_is_forgotten_on_two_processors(void)
{
	struct port_unit *first, *second;
	struct cpu_thread *thread;

	fake.max_outstanding = 1;
	first = fake_adapter(20);
	second = port_unit_add(&fake.adapter, 0, 1, 0);
	fake.start = run_a_while;
	running = most = 0;
	thread = cpu_thread_new(submit_many, second, 1, "other");
	submit_many(first);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	fake_wait(fake.dones == 120);
	expect_is(most, 1);
	expect_is(port_adapter_outstanding(&fake.adapter), 0);
	expect_is(first->outstanding + second->outstanding, 0);
	fake_adapter_end();
}

static struct port_request *submit_as(struct port_unit *unit, uint32_t flags)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = fake_get(unit);

	request->flags = flags;
	request->action = SRB_SIMPLE_TAG_REQUEST;
	port_request_submit(request);
	cpu_irql_lower(irql);
	return request;
}

/* Those of higher priority first, but nobody is passed more than 32 times. */
static void priority_orders_a_queue_and_starves_nobody(void)
{
	const uint32_t low = PORT_FLAGS_PRIORITY(StorIoPriorityLow),
		       high = PORT_FLAGS_PRIORITY(StorIoPriorityHigh);
	struct port_unit *unit = fake_adapter(1);
	uint64_t first, patient, expected[43];
	unsigned n, count = 0;

	first = submit_as(unit, low)->id;
	expect_is(fake.started[0]->id, first);
	patient = submit_as(unit, low)->id;
	for (n = 0; n < 20; n++)
		expected[count++] = submit_as(unit, 0)->id;
	for (n = 0; n < 12; n++)
		submit_as(unit, high);
	expected[32] = patient; /* it has been passed 32 times: by 20 and by 12 */
	memmove(expected + 12, expected, 20 * sizeof(expected[0]));
	for (n = 0; n < 12; n++)
		expected[n] = expected[31] + 1 + n;
	for (n = 33; n < 43; n++)
		expected[n] = submit_as(unit, high)->id;
	for (n = 0; n < 43; n++) {
		fake_complete(0, SRB_STATUS_SUCCESS);
		expect_is(fake.started[0]->id, expected[n]);
	}
	fake_complete_all();
	fake_adapter_end();
}

/* One that came back busy stays before those of its priority that came later, and no others. */
static void a_busy_request_keeps_its_priority(void)
{
	const uint32_t low = PORT_FLAGS_PRIORITY(StorIoPriorityLow);
	struct port_unit *unit = fake_adapter(2);
	uint64_t busy = submit_as(unit, low)->id, later, normal;

	submit_as(unit, 0);
	later = submit_as(unit, low)->id;
	normal = submit_as(unit, 0)->id;
	fake_complete(0, SRB_STATUS_BUSY);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 2);
	expect_is(fake.started[0]->id, normal);
	expect_is(fake.started[1]->id, busy);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started[1]->id, later);
	fake_complete_all();
	fake_adapter_end();
}

/* of a locked queue those that pass go, in their order and no deeper than its depth; what is
 * busy or was sent before stays in its place. */
static void requests_pass_a_locked_queue_within_its_depth(void)
{
	const uint32_t past = SRB_FLAGS_BYPASS_LOCKED_QUEUE;
	struct port_unit *unit = fake_adapter(2);
	uint64_t out = submit_as(unit, 0)->id, held, ids[3];

	expect(port_unit_hold(unit, PORT_LOCKED));
	expect(!port_unit_hold(unit, PORT_LOCKED));
	held = submit_as(unit, 0)->id;
	for (unsigned n = 0; n < 3; n++)
		ids[n] = submit_as(unit, past)->id;
	expect_is(fake.started_count, 2);
	expect_is(fake.started[0]->id, out);
	expect_is(fake.started[1]->id, ids[0]);
	fake_complete(1, SRB_STATUS_SUCCESS);
	expect_is(fake.started[1]->id, ids[1]);
	fake_complete(1, SRB_STATUS_BUSY);
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 2);
	expect_is(fake.started[0]->id, ids[1]);
	expect_is(fake.started[1]->id, ids[2]);
	fake_complete_all();
	expect_is(fake.started_count, 0);
	expect(port_unit_let_go(unit, PORT_LOCKED));
	cpu_poll();
	expect_is(fake.started[0]->id, held);
	fake_complete_all();
	fake_adapter_end();
}

/* by which ends a queue is frozen. */
static void some_errors_freeze_a_queue(void)
{
	static const struct {
		uint8_t srb_status, scsi_status;
		bool freezes;
	} all[] = {{SRB_STATUS_SUCCESS, 0, false}, {SRB_STATUS_DATA_OVERRUN, 0, false},
		{SRB_STATUS_ERROR, 0, false}, {SRB_STATUS_ERROR, SCSISTAT_CHECK_CONDITION, true},
		{SRB_STATUS_ERROR, SCSISTAT_COMMAND_TERMINATED, true},
		{SRB_STATUS_BUS_RESET, 0, true}, {SRB_STATUS_TIMEOUT, 0, true},
		{SRB_STATUS_COMMAND_TIMEOUT, 0, true}, {SRB_STATUS_ABORTED, 0, true}};
	struct port_unit *unit = fake_adapter(1);

	for (unsigned n = 0; n < 2 * array_size(all); n++) {
		bool asks = n % 2; /* the other leaves the flags to the port, which never does */
		struct port_request *request =
			submit_as(unit, asks ? (uint32_t)PORT_FLAGS_WHOLE : 0);

		SrbSetScsiStatus(request->srb, all[n / 2].scsi_status);
		fake_complete(0, all[n / 2].srb_status);
		expect_is(unit->closed, asks && all[n / 2].freezes ? PORT_FROZEN : 0);
		port_unit_let_go(unit, PORT_FROZEN);
		expect_is(unit->closed, 0);
	}
	fake_adapter_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(depth_is_respected_and_order_kept),
		fake_test(priority_orders_a_queue_and_starves_nobody),
		fake_test(a_busy_request_keeps_its_priority),
		fake_test_both(requests_pass_a_locked_queue_within_its_depth),
		fake_test_on_two(requests_pass_a_locked_queue_within_its_depth),
		fake_test_both(some_errors_freeze_a_queue),
		fake_test_both(a_paused_adapter_queues_until_resume),
		fake_test(a_paused_unit_goes_on_when_the_time_is_over),
		fake_test_both(busy_waits_for_that_many_completions),
		fake_test_both(busy_for_more_than_are_outstanding_waits_for_all),
		fake_test_both(a_busy_request_is_sent_again_when_another_is_done),
		fake_test_both(a_busy_request_gets_another_extension),
		fake_test(busy_requests_are_sent_again_in_their_order),
		fake_test(a_lone_busy_request_is_sent_again_after_a_pause),
		fake_test(gates_and_second_tries_are_events),
		fake_test_both(a_second_completion_is_reported_and_ignored),
		fake_test_both(a_request_over_the_limit_fails_at_once),
		fake_test_both(slots_are_found_by_srb_and_by_extension),
		fake_test(the_adapters_limit_holds_for_all_units_together),
		fake_test(a_closed_unit_holds_back_no_other),
		fake_test(a_request_that_comes_back_busy_opens_no_busy_gate),
		fake_test(busy_without_anything_outstanding_closes_nothing),
		fake_test_on_two(busy_that_crosses_the_last_completion_is_not_for_ever),
		fake_test_on_two(busy_requests_of_two_processors_are_both_sent_again),
		fake_test_on_two(limits_hold_and_nothing_is_forgotten_on_two_processors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
