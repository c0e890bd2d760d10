/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* ScsiPortNotification: each type, and what is wrong with a call. NextRequest: start.c. */
#include "world.h"

static _Atomic unsigned fired, enabled, disabled;
static KIRQL fired_irql, enabled_irql, disabled_irql;
static bool fired_held, enabled_held, disabled_held;
static struct world_request requests[3];
static PSCSI_REQUEST_BLOCK kept[3];
static unsigned kept_count, resets, served;

static bool is_held(void)
{
	return cpu_spin_is_held(&world.adapter->interrupt_lock);
}

static void keep(PSCSI_REQUEST_BLOCK srb)
{
	if (kept_count < array_size(kept))
		kept[kept_count++] = srb;
}

static int setup(void **state)
{
	world_miniport(NULL);
	miniport.start_io = keep;
	fired = enabled = disabled = kept_count = resets = served = 0;
	return 0;
}

/* ---- the timer ---- */

static VOID NTAPI timer(PVOID ext)
{
	expect_is(ext, world.ext);
	fired_irql = KeGetCurrentIrql();
	fired_held = is_held();
	atomic_fetch_add(&fired, 1);
}

static void use_timer(void)
{
	ScsiPortNotification(RequestTimerCall, world.ext, timer, 1000);
	world_wait(fired == 1);
	expect_is(fired_irql, SCSI_DIRQL);
	expect(fired_held);
	/* The second call takes the place of the first; 0 of both. */
	ScsiPortNotification(RequestTimerCall, world.ext, timer, 3600000000u);
	ScsiPortNotification(RequestTimerCall, world.ext, timer, 1000);
	world_wait(fired == 2);
	ScsiPortNotification(RequestTimerCall, world.ext, timer, 3000);
	ScsiPortNotification(RequestTimerCall, world.ext, timer, 0);
	for (unsigned n = 0; n < 10; n++)
		cpu_thread_park(1000000);
	expect_is(fired, 2);
	ScsiPortNotification(RequestTimerCall, world.ext, NULL, 1000);
	expect_violation(0, "RequestTimerCall");
}

/* covers: ScsiPortNotification */
static void the_timer_runs_once_under_the_interrupts_lock_and_the_last_call_counts(void **state)
{
	world_good(use_timer);
}

/* ---- long interrupts ---- */

static BOOLEAN NTAPI disable_callback(PVOID ext)
{
	disabled_irql = KeGetCurrentIrql();
	disabled_held = is_held();
	atomic_fetch_add(&disabled, 1);
	return TRUE;
}

/* Another device on the line interrupts: everyone there is asked. Whether ours claims it. */
static bool neighbour_interrupts(void)
{
	struct bus_interrupt *interrupt = &world.adapter->interrupt;
	KIRQL irql = cpu_irql_raise(SCSI_DIRQL);
	bool claimed = interrupt->service(&interrupt->vector);

	cpu_irql_lower(irql);
	return claimed;
}

static BOOLEAN NTAPI enable_callback(PVOID ext)
{
	enabled_irql = KeGetCurrentIrql();
	enabled_held = is_held();
	atomic_fetch_add(&enabled, 1);
	expect_is(neighbour_interrupts(), false);
	expect_is(served, 1);
	ScsiPortNotification(CallDisableInterrupts, ext, disable_callback);
	expect_is(KeGetCurrentIrql(), DISPATCH_LEVEL);
	return TRUE;
}

static BOOLEAN service(void)
{
	bus_line_set(world.function, false);
	if (served++)
		return TRUE;
	ScsiPortNotification(CallEnableInterrupts, world.ext, enable_callback);
	expect_is(enabled, 0); /* when this has returned */
	ScsiPortNotification(CallDisableInterrupts, world.ext, disable_callback);
	expect_violation(0, "CallDisableInterrupts");
	return TRUE;
}

static void long_interrupt(void)
{
	bus_line_set(world.function, true);
	world_wait(disabled == 1);
	expect_is(enabled, 1);
	expect_is(enabled_irql, DISPATCH_LEVEL);
	expect(!enabled_held);
	expect_is(disabled_irql, SCSI_DIRQL);
	expect(disabled_held);
	expect_is(neighbour_interrupts(), true);
	expect_is(served, 2);
	ScsiPortNotification(CallEnableInterrupts, world.ext, NULL);
	expect_violation(0, "CallEnableInterrupts");
}

/* "SCSI Miniport Driver's HwScsiEnableInterruptsCallback Routine": HwScsiInterrupt cannot be called
 * while it runs; covers: ScsiPortNotification */
static void call_enable_interrupts_goes_on_as_a_dpc_and_back_under_the_lock(void **state)
{
	miniport.interrupt = service;
	world_good(long_interrupt);
}

/* ---- completion ---- */

static void complete_wrongly(void)
{
	SCSI_REQUEST_BLOCK foreign = {0};

	world_submit(&requests[0], 0, 512);
	expect_is(kept_count, 1);
	world_give_back(kept[0], SRB_STATUS_SUCCESS);
	world_give_back(kept[0], SRB_STATUS_SUCCESS);
	expect_violation(0xf1001003, "second");
	world_give_back(&foreign, SRB_STATUS_SUCCESS);
	expect_violation(0, "no SRB");
	ScsiPortNotification(NextRequest, world.ext);
	world_end(&requests[0]);
}

/* 5.5; covers: ScsiPortNotification */
static void a_request_is_completed_once(void **state)
{
	world_good(complete_wrongly);
}

/* Maybe before the start is over. */
static VOID NTAPI early_timer(PVOID ext)
{
	atomic_fetch_add(&fired, 1);
}

static void notify_early(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	ScsiPortNotification(NextRequest, world.ext);
	expect_violation(0, "in HwScsiFindAdapter");
	ScsiPortNotification(RequestTimerCall, world.ext, early_timer, 1000);
}

static void calls_that_are_wrong(void)
{
	ScsiPortNotification(NextRequest, &requests);
	expect_violation(0, "HwDeviceExtension");
	ScsiPortNotification((SCSI_NOTIFICATION_TYPE)4711, world.ext);
	expect_violation(0, "0x1267 is not implemented");
	ScsiPortNotification(LinkDown, world.ext); /* Storport's */
	expect_violation(0, "not implemented");
	ScsiPortNotification(NextLuRequest, world.ext, 0, 5, 0);
	expect_violation(0, "no unit 0:5:0");
	/* heard, and nothing follows */
	ScsiPortNotification(BusChangeDetected, world.ext, 0);
	ScsiPortNotification(WMIReregister, world.ext);
	world_wait(fired == 1);
}

/* covers: ScsiPortNotification */
static void what_is_no_notification_is_reported(void **state)
{
	miniport.find = notify_early;
	world_good(calls_that_are_wrong);
}

static void ask_for_too_much(void)
{
	world_submit(&requests[0], 0, 512);
	ScsiPortNotification(NextLuRequest, world.ext, 0, 0, 0);
	expect_violation(0xf1001005, "untagged");
	world_submit(&requests[1], 0, 512);
	world_settle();
	expect_is(kept_count, 1);
	world_give_back(kept[0], SRB_STATUS_SUCCESS);
	world_wait(kept_count == 2);
	world_give_back(kept[1], SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextRequest, world.ext);
	world_end(&requests[0]);
	world_end(&requests[1]);
}

/* 5.5; covers: ScsiPortNotification */
static void next_lu_request_needs_tagged_queuing_or_many_requests(void **state)
{
	miniport.tagged = miniport.many = FALSE;
	world_good(ask_for_too_much);
}

static void ask_beside_a_flush(void)
{
	world_submit_at(&requests[0], SRB_FUNCTION_FLUSH, 0, 0, 0);
	ScsiPortNotification(NextLuRequest, world.ext, 0, 0, 0);
	expect_violation(0xf1001005, "untagged");
	world_submit(&requests[1], 0, 512);
	world_submit(&requests[2], 1, 512); /* of another unit it may be asked for */
	world_wait(kept_count == 2);
	expect_is(kept[1]->Lun, 1);
	ScsiPortNotification(NextLuRequest, world.ext, 0, 0, 1);
	world_settle();
	expect_is(kept_count, 2);
	world_give_back(kept[0], SRB_STATUS_SUCCESS);
	world_wait(kept_count == 3);
	world_give_back(kept[1], SRB_STATUS_SUCCESS);
	world_give_back(kept[2], SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextRequest, world.ext);
	for (unsigned n = 0; n < 3; n++)
		world_end(&requests[n]);
}

/* 5.5; covers: ScsiPortNotification */
static void next_lu_request_beside_an_untagged_request_is_told(void **state)
{
	world_good(ask_beside_a_flush);
}

/* ---- resets ---- */

static void bus_reset_seen(void)
{
	uint64_t before = cpu_clock();

	ScsiPortNotification(ResetDetected, world.ext);
	world_submit(&requests[0], 0, 512);
	expect_is(kept_count, 0);
	world_wait(kept_count == 1);
	expect(cpu_clock() - before >= 900000000ull);
	world_give_back(kept[0], SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextRequest, world.ext);
	world_end(&requests[0]);
}

/* SB-15; covers: ScsiPortNotification */
static void after_reset_detected_the_bus_may_settle(void **state)
{
	world_good(bus_reset_seen);
}

static BOOLEAN reset(ULONG path)
{
	resets++;
	expect(is_held());
	expect_is(KeGetCurrentIrql(), SCSI_DIRQL);
	ScsiPortCompleteRequest(
		world.ext, (UCHAR)path, SP_UNTAGGED, SP_UNTAGGED, SRB_STATUS_BUS_RESET);
	ScsiPortNotification(NextRequest, world.ext);
	return TRUE;
}

static void time_out(void)
{
	world_submit(&requests[0], 0, 512);
	requests[0].port->deadline = 0; /* it is long past */
	world_wait(requests[0].done);
	expect_is(requests[0].srb_status, SRB_STATUS_BUS_RESET);
	expect_is(resets, 1);
	expect_violation(NT_TIMED_OUT, "was not completed within");
	world_end(&requests[0]);
	world_submit(&requests[1], 0, 512);
	world_wait(kept_count == 2);
	world_give_back(kept[1], SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextRequest, world.ext);
	world_end(&requests[1]);
}

static void can_reset_targets(PSCSIPORT_PORT_CONFIGURATION_INFORMATION config)
{
	config->ResetTargetSupported = TRUE; /* obsolete, says its page: no such SRB is sent */
}

/* 4.10: reset of the bus only. covers: ScsiPortCompleteRequest */
static void a_request_that_times_out_leads_to_a_bus_reset_which_completes_it(void **state)
{
	miniport.find = can_reset_targets;
	miniport.reset = reset;
	world_good(time_out);
}

int main(void)
{
#define with_setup(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		with_setup(the_timer_runs_once_under_the_interrupts_lock_and_the_last_call_counts),
		with_setup(call_enable_interrupts_goes_on_as_a_dpc_and_back_under_the_lock),
		with_setup(a_request_is_completed_once),
		with_setup(what_is_no_notification_is_reported),
		with_setup(next_lu_request_needs_tagged_queuing_or_many_requests),
		with_setup(next_lu_request_beside_an_untagged_request_is_told),
		with_setup(after_reset_detected_the_bus_may_settle),
		with_setup(a_request_that_times_out_leads_to_a_bus_reset_which_completes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
