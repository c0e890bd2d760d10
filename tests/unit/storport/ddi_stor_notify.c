/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* StorPortNotification by type: completion, timer, resets, links, passive initialisation, state
 * changes. Its locks are in lock.c, its DPCs in interrupt.c. */
#include "world.h"
#include "../events.h"

static PSCSI_REQUEST_BLOCK held;

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	held = srb;
	return TRUE;
}

/* ---- RequestComplete ---- */

static void complete(void)
{
	struct world_request r, second;
	UCHAR foreign[400] = {0};

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	StorPortNotification(RequestComplete, world.ext, foreign);
	expect_violation(0, "is no SRB of");
	StorPortNotification(RequestComplete, world.ext, (PUCHAR)held + 8);
	expect_violation(0, "is no SRB of");
	StorPortNotification(RequestComplete, world.ext, NULL);
	expect_violation(0, "is no SRB of");
	StorPortNotification(RequestComplete, NULL, held);
	expect_violation(0, "no HwDeviceExtension");
	expect(!r.done);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	/* SB-12, 0xF1/0x2004 */
	StorPortNotification(RequestComplete, world.ext, held);
	expect_violation(0xf1002004, "SB-12");
	/* The slot's next request is not touched by a late completion of the last. */
	world_submit(&second, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 4096);
	expect(!second.done);
	/* SB-11 */
	world_give_back(held, SRB_STATUS_PENDING);
	world_end(&second);
	expect_violation(0, "SB-11");
	expect_is(second.srb_status, SRB_STATUS_ERROR);
}

/* covers: StorPortNotification */
static void only_srbs_that_the_miniport_has_are_completed_and_once(void **state)
{
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, complete);
	assert_int_equal(world.start_result, 0);
}

/* ---- RequestTimerCall ---- */

static struct {
	_Atomic unsigned calls;
	KIRQL irql;
	bool startio_held, interrupt_held;
	uint64_t at;
	ULONG again;
} timer;

static VOID NTAPI timer_routine(PVOID ext)
{
	expect_is(ext, world.ext);
	timer.irql = KeGetCurrentIrql();
	timer.startio_held = cpu_spin_is_held(&world.adapter->startio_lock.lock);
	timer.interrupt_held = cpu_spin_is_held(&world.adapter->interrupt_lock.lock);
	timer.at = cpu_clock();
	if (timer.again)
		StorPortNotification(RequestTimerCall, ext, timer_routine, timer.again);
	atomic_fetch_add(&timer.calls, 1);
}

static void run_timer(void)
{
	uint64_t start;
	uint8_t irql;

	memset(&timer, 0, sizeof(timer));
	start = cpu_clock();
	StorPortNotification(RequestTimerCall, world.ext, timer_routine, (ULONG)20000);
	events_begin(EVENT(HW_TIMER) | EVENT(HW_TIMER_END));
	world_wait(timer.calls);
	events_end();
	expect(!strcmp(events, "hw.timer adapter 0\nhw.timer.end adapter 0\n"));
	expect(timer.at - start >= 20000000);
	expect_is(timer.irql, miniport.half_duplex ? STOR_DIRQL : DISPATCH_LEVEL);
	expect(timer.startio_held);
	expect_is(timer.interrupt_held, miniport.half_duplex);
	/* one timer: a new call replaces the old one */
	StorPortNotification(RequestTimerCall, world.ext, timer_routine, (ULONG)10000000);
	StorPortNotification(RequestTimerCall, world.ext, timer_routine, (ULONG)5000);
	world_wait(timer.calls == 2);
	/* 0 cancels; meanwhile none fires */
	irql = cpu_irql_raise(IRQL_DISPATCH);
	StorPortNotification(RequestTimerCall, world.ext, timer_routine, (ULONG)10000);
	StorPortNotification(RequestTimerCall, world.ext, timer_routine, (ULONG)0);
	cpu_irql_lower(irql);
	start = cpu_clock();
	while (cpu_clock() - start < 30000000)
		cpu_thread_park(1000000);
	expect_is(timer.calls, 2);
	/* from inside itself */
	timer.again = 2000;
	StorPortNotification(RequestTimerCall, world.ext, timer_routine, (ULONG)2000);
	world_wait(timer.calls >= 5);
	atomic_store(&world.violations, 0); /* LK-7's */
	/* StorPortTimer */
	StorPortNotification(RequestTimerCall, world.ext, NULL, (ULONG)1000);
	expect_violation(0, "StorPortTimer");
	/* It is left running: the stop must take it down. */
}

/* T-1, 4.2 */
static void the_timer_fires_once_under_the_locks_and_is_cancelled_by_zero(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, run_timer);
	assert_int_equal(world.violations, 0);
	world_miniport(NULL);
	miniport.half_duplex = true;
	world_run(DMA_CALLBACK_QUEUED, run_timer);
}

static void run_late_timer(void)
{
	uint64_t start;
	unsigned before;

	memset(&timer, 0, sizeof(timer));
	StorPortNotification(RequestTimerCall, world.ext, timer_routine, (ULONG)20000);
	port_hba_stop(&world.adapter->hba.port);
	before = timer.calls; /* 0, but where the stop took long */
	StorPortNotification(RequestTimerCall, world.ext, timer_routine, (ULONG)1000);
	start = cpu_clock();
	while (cpu_clock() - start < 40000000)
		cpu_thread_park(1000000);
	expect_is(timer.calls, before);
}

/* Neither the one that was armed nor one that comes after it. */
static void no_timer_fires_once_the_adapter_has_stopped(void **state)
{
	world_good(run_late_timer);
}

static VOID NTAPI timer_raising(PVOID ext)
{
	KIRQL old;

	KeRaiseIrql(HIGH_LEVEL, &old);
	atomic_fetch_add(&timer.calls, 1);
}

static void run_timer_raising(void)
{
	memset(&timer, 0, sizeof(timer));
	StorPortNotification(RequestTimerCall, world.ext, timer_raising, (ULONG)1000);
	world_wait(timer.calls);
	expect_violation(0, "HwStorTimer");
	expect_has(world.violation, "SpChangeIrql");
}

static void a_timer_routine_that_leaves_another_irql_is_reported(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, run_timer_raising);
}

/* ---- passive initialisation ---- */

static unsigned passive_calls;
static KIRQL passive_irql;

static BOOLEAN NTAPI passive(PVOID ext)
{
	passive_calls++;
	passive_irql = KeGetCurrentIrql();
	/* Not here either: this is not HwInitialize. */
	expect(!StorPortEnablePassiveInitialization(ext, passive));
	expect_violation(0, "StorPortEnablePassive");
	return TRUE;
}

static void enable_outside(void)
{
	expect(!StorPortEnablePassiveInitialization(world.ext, passive));
	expect_violation(0, "StorPortEnablePassive");
}

static void enable_in_find(PPORT_CONFIGURATION_INFORMATION config)
{
	enable_outside();
}

/* 4.1 steps 5 and 6, StorPortEnablePassive; covers: StorPortEnablePassiveInitialization */
static void passive_initialisation_is_enabled_in_hw_initialize_only_and_runs_at_passive(
	void **state)
{
	passive_calls = 0;
	miniport.passive = passive;
	miniport.offer = enable_in_find;
	world_run(DMA_CALLBACK_QUEUED, enable_outside);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(passive_calls, 1);
	assert_int_equal(passive_irql, PASSIVE_LEVEL);
}

static BOOLEAN NTAPI passive_fails(PVOID ext)
{
	KIRQL old;

	KeRaiseIrql(DISPATCH_LEVEL, &old);
	return FALSE;
}

/* covers: StorPortEnablePassiveInitialization */
static void a_failing_passive_initialisation_fails_the_start(void **state)
{
	miniport.passive = passive_fails;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_true(world.start_result < 0);
	assert_non_null(strstr(world.start_error, "passive initialisation"));
	/* and the IRQL that it left is told and mended */
	assert_int_equal(world.violations, 1);
	assert_non_null(strstr(world.violation, "SpChangeIrql"));
}

/* ---- resets and links ---- */

static void reset_detected(void)
{
	struct world_request before, after;
	uint64_t start = cpu_clock();

	world_submit(&before, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	StorPortNotification(ResetDetected, world.ext);
	/* SB-15: the miniport completes what is active, the port lets the bus settle. */
	expect(!before.done);
	world_give_back(held, SRB_STATUS_BUS_RESET);
	world_end(&before);
	expect_is(before.srb_status, SRB_STATUS_BUS_RESET);
	held = NULL;
	world_submit(&after, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	expect_is(held, NULL);
	world_wait(held);
	expect(cpu_clock() - start >= 900000000);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&after);
}

static void reset_detected_holds_new_requests_while_the_bus_settles(void **state)
{
	miniport.start_io = hold;
	world_good(reset_detected);
}

static void links(void)
{
	static const ULONG unknown[] = {4, 14, 16, 0x12, 0xfff, 0x1011, 0x7777, 0xffffffff};
	struct world_request r;

	held = NULL;
	StorPortNotification(LinkDown, world.ext);
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	expect_is(held, NULL);
	StorPortNotification(LinkUp, world.ext);
	world_wait(held);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	/* heard, no more */
	StorPortNotification(NextRequest, world.ext);
	StorPortNotification(NextLuRequest, world.ext, 0, 0, 0);
	StorPortNotification(WMIEvent, world.ext, NULL, 0xff);
	StorPortNotification(WMIReregister, world.ext, NULL, 0xff);
	StorPortNotification(BusChangeDetected, world.ext, 0);
	expect_is(world.violations, 0);
	for (unsigned n = 0; n < array_size(unknown); n++) {
		StorPortNotification((SCSI_NOTIFICATION_TYPE)unknown[n], world.ext);
		expect_violation(0, "is not implemented");
	}
}

/* */
/* covers: StorPortNotification */
static void link_down_pauses_until_link_up(void **state)
{
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, links);
	assert_int_equal(world.violations, 0);
}

/* ---- state changes ---- */

static struct {
	_Atomic unsigned calls;
	ULONG inner; /* what a call from inside the callback got */
	SHORT type;
	STOR_ADDR_BTL8 address;
	PVOID context;
	ULONG status;
	KIRQL irql;
	bool startio_held;
} change;

static STOR_ADDR_BTL8 changed = {.Type = STOR_ADDRESS_TYPE_BTL8,
	.AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH,
	.Path = 1,
	.Target = 2,
	.Lun = 3};

static VOID NTAPI note_change(PVOID ext, PVOID context, SHORT type, PVOID address, ULONG status)
{
	change.type = type;
	change.address = *(PSTOR_ADDR_BTL8)address;
	change.context = context;
	change.status = status;
	change.irql = KeGetCurrentIrql();
	change.startio_held = cpu_spin_is_held(&world.adapter->startio_lock.lock);
	if (!change.calls) { /* the first is told: the next may come, and does not change this one
			      */
		STOR_ADDR_BTL8 next = changed;

		next.Lun = 7;
		change.inner = StorPortStateChangeDetected(
			ext, STATE_CHANGE_LUN, (PSTOR_ADDRESS)&next, 0, note_change, &change.inner);
		expect_is(((PSTOR_ADDR_BTL8)address)->Lun, 3);
	}
	atomic_fetch_add(&change.calls, 1);
}

static ULONG detect(PVOID address, PHW_STATE_CHANGE routine)
{
	return ddi_result(StorPortStateChangeDetected,
		StorPortStateChangeDetected(world.ext, STATE_CHANGE_LUN, address,
			ATTRIBUTE_DEVICE_SUPPORTED, routine, &change));
}

static unsigned looks;

static void count_look(struct port_adapter *adapter)
{
	looks++;
}

static void detect_twice(void)
{
	KIRQL old;

	memset(&change, 0, sizeof(change));
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect_is(detect(&changed, note_change), STOR_STATUS_SUCCESS);
	/* */
	expect_is(detect(&changed, note_change), STOR_STATUS_UNSUCCESSFUL);
	expect_is(change.calls, 0);
	KeLowerIrql(old);
	world_wait(change.calls == 2);
	expect_is(change.inner, STOR_STATUS_SUCCESS);
	expect_is(change.address.Lun, 7); /* the second's */
	expect_is(change.address.Path, 1);
	expect_is(change.context, &change.inner);
	expect_is(change.type, STOR_ADDRESS_TYPE_BTL8);
	expect_is(change.status, STOR_STATUS_SUCCESS);
	expect_is(change.irql, DISPATCH_LEVEL); /* 4.2: StateChange */
	expect(change.startio_held);
	expect_is(detect(&changed, NULL), STOR_STATUS_SUCCESS); /* without a callback */
	changed.Type = STOR_ADDRESS_TYPE_UNKNOWN;
	expect_is(detect(&changed, note_change), STOR_STATUS_INVALID_PARAMETER);
	expect_is(detect(NULL, note_change), STOR_STATUS_INVALID_PARAMETER);
	changed.Type = STOR_ADDRESS_TYPE_BTL8;
	expect_is(change.calls, 2);
	/* What has changed is looked at again; of what does not exist nothing has. */
	looks = 0;
	atomic_store(&world.adapter->hba.port.changed, count_look);
	for (ULONG entity = 0; entity < 256; entity = entity ? 2 * entity : 1)
		expect_is(StorPortStateChangeDetected(world.ext, entity, (PSTOR_ADDRESS)&changed,
				  ATTRIBUTE_DEVICE_SUPPORTED, NULL, NULL),
			entity && entity <= STATE_CHANGE_BUS ? STOR_STATUS_SUCCESS
							     : STOR_STATUS_INVALID_PARAMETER);
	expect_is(looks, 3);
	atomic_store(&world.adapter->hba.port.changed, NULL);
}

/* covers: StorPortStateChangeDetected */
static void state_changes_are_told_one_at_a_time(void **state)
{
	world_good(detect_twice);
}

/* ---- of the system ---- */

static void ticks(void)
{
	LARGE_INTEGER here = {.QuadPart = -1}, there, later;

	KeQueryTickCount(&there);
	StorPortNotification(QueryTickCount, world.ext, &here);
	KeQueryTickCount(&later);
	expect(there.QuadPart <= here.QuadPart && here.QuadPart <= later.QuadPart);
	StorPortNotification(QueryTickCount, world.ext, NULL);
	expect_violation(0, "QueryTickCount: the pointer is NULL");
}

static void ticks_are_the_systems(void **state)
{
	world_good(ticks);
}

static void overrun(void)
{
	StorPortNotification(BufferOverrunDetected, world.ext);
}

static void run_overrun(void *arg)
{
	world_good(overrun);
}

static void a_buffer_overrun_is_the_end(void **state)
{
	expect_death(run_overrun, NULL, "bug check 0xF7 (DRIVER_OVERRAN_STACK_BUFFER)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(only_srbs_that_the_miniport_has_are_completed_and_once),
		world_test(the_timer_fires_once_under_the_locks_and_is_cancelled_by_zero),
		world_test(no_timer_fires_once_the_adapter_has_stopped),
		world_test(a_timer_routine_that_leaves_another_irql_is_reported),
		world_test(
			passive_initialisation_is_enabled_in_hw_initialize_only_and_runs_at_passive),
		world_test(a_failing_passive_initialisation_fails_the_start),
		world_test(reset_detected_holds_new_requests_while_the_bus_settles),
		world_test(link_down_pauses_until_link_up),
		world_test(state_changes_are_told_one_at_a_time),
		world_test(ticks_are_the_systems),
		world_test(a_buffer_overrun_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
