/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include "fake.h"

static void depth_is_respected_and_order_kept(void)
{
	struct port_unit *unit = fake_adapter(2);
	uint64_t ids[5];

	for (unsigned n = 0; n < 5; n++)
		ids[n] = fake_submit(unit)->id;
	assert_int_equal(fake.started_count, 2);
	for (unsigned n = 0; n < 5; n++) {
		assert_int_equal(fake.started[0]->id, ids[n]);
		fake_complete(0, SRB_STATUS_SUCCESS);
		assert_int_equal(fake.dones, n + 1);
	}
	assert_int_equal(fake.starts, 5);
	fake_adapter_end();
}

/* */
static void a_paused_adapter_queues_until_resume(void)
{
	struct port_unit *unit = fake_adapter(20);

	port_adapter_pause(&fake.adapter, 60);
	fake_submit(unit);
	assert_int_equal(fake.started_count, 0);
	port_adapter_resume(&fake.adapter);
	cpu_poll();
	assert_int_equal(fake.started_count, 1);
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
	assert_int_equal(fake.started_count, 1);
	assert_true(cpu_clock() - start >= 1000000000ull);
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
	assert_int_equal(fake.started_count, 4);
	fake_complete(0, SRB_STATUS_SUCCESS);
	assert_int_equal(fake.started_count, 3);
	fake_complete(0, SRB_STATUS_SUCCESS);
	assert_int_equal(fake.started_count, 3); /* two gone, the waiting one came */
	while (fake.started_count)
		fake_complete(0, SRB_STATUS_SUCCESS);
	assert_int_equal(fake.dones, 5);
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
	assert_int_equal(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	assert_int_equal(fake.started_count, 1);
	assert_int_equal(fake.starts, 3);
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
	assert_int_equal(fake.started_count, 1);
	assert_ptr_equal(fake.started[0], second);
	fake_complete(0, SRB_STATUS_SUCCESS);
	assert_int_equal(fake.started_count, 1);
	assert_ptr_equal(fake.started[0], first);
	assert_int_equal(SrbGetSrbStatus(first->srb), SRB_STATUS_PENDING); /* contract 1 */
	fake_complete(0, SRB_STATUS_SUCCESS);
	assert_int_equal(fake.dones, 2);
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
	assert_int_equal(fake.started_count, 1);
	assert_true(cpu_clock() - start >= 250000000ull); /* BusyPauseTime, Q-8 */
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
}

/* SB-12 */
static void a_second_completion_is_reported_and_ignored(void)
{
	struct port_request *request;

	fake_submit(fake_adapter(20));
	request = fake_complete(0, SRB_STATUS_SUCCESS);
	assert_false(port_request_complete(request));
	assert_int_equal(fake.violations, 1);
	assert_int_equal(fake.dones, 1);
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
	assert_int_equal(fake.dones, 1);
	assert_int_equal(request->srb_status, SRB_STATUS_INVALID_REQUEST);
	assert_int_equal(fake.starts, 0);
	fake_adapter_end();
}

/* Contract 3: the extension's address keeps its low bits, and it is contiguous. */
static void slots_are_found_by_srb_and_by_extension(void)
{
	struct port_unit *unit = fake_adapter(20);
	struct port_request *request = fake_submit(unit);
	char *extension = request->extension;

	assert_ptr_equal(port_request_find(&fake.adapter, request->srb), request);
	assert_null(port_request_find(&fake.adapter, (char *)request->srb + 8));
	assert_null(port_request_find(&fake.adapter, &request));
	assert_ptr_equal(port_request_of_extension(&fake.adapter, extension), request);
	assert_ptr_equal(port_request_of_extension(&fake.adapter, extension + 99), request);
	assert_null(port_request_of_extension(&fake.adapter, extension + 100));
	assert_null(port_request_of_extension(&fake.adapter, extension - 1));
	assert_int_equal(mem_physical(extension) % 4096, (uintptr_t)extension % 4096);
	assert_int_equal(mem_physical(extension + 99), mem_physical(extension) + 99);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
}

/* R-1, T-3: time-out, then unit, target and bus are reset in this order. */
static void the_ladder_climbs_from_unit_to_target_to_bus(void)
{
	struct port_unit *unit = fake_adapter(20);
	uint64_t start = cpu_clock();

	fake_submit(unit);
	while (!fake.bus_resets && cpu_clock() - start < 10000000000ull) {
		cpu_thread_park(10000000);
		/* The miniport does every reset and yet keeps the request. */
		while (fake.started_count > 1)
			fake_complete(1, SRB_STATUS_SUCCESS);
	}
	assert_int_equal(fake.bus_resets, 1);
	assert_int_equal(fake.function_count, 2);
	assert_int_equal(fake.functions[0], SRB_FUNCTION_RESET_LOGICAL_UNIT);
	assert_int_equal(fake.functions[1], SRB_FUNCTION_RESET_DEVICE);
	assert_true(cpu_clock() - start >= 1000000000ull); /* not before its time-out */
	fake_complete(0, SRB_STATUS_BUS_RESET);
	assert_int_equal(fake.dones, 1);
	fake_adapter_end();
}

static void run_scsi(void **state)
{
	fake_run((void (*)(void)) * state, false);
}

static void run_extended(void **state)
{
	fake_run((void (*)(void)) * state, true);
}

#define both(body)                                                                                 \
	{#body ", SCSI_REQUEST_BLOCK", run_scsi, NULL, NULL, (void *)(body)},                      \
	{                                                                                          \
#body ", STORAGE_REQUEST_BLOCK", run_extended, NULL, NULL, (void *)(body)          \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		both(depth_is_respected_and_order_kept),
		both(a_paused_adapter_queues_until_resume),
		both(a_paused_unit_goes_on_when_the_time_is_over),
		both(busy_waits_for_that_many_completions),
		both(busy_for_more_than_are_outstanding_waits_for_all),
		both(a_busy_request_is_sent_again_when_another_is_done),
		both(a_lone_busy_request_is_sent_again_after_a_pause),
		both(a_second_completion_is_reported_and_ignored),
		both(a_request_over_the_limit_fails_at_once),
		both(slots_are_found_by_srb_and_by_extension),
		both(the_ladder_climbs_from_unit_to_target_to_bus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
