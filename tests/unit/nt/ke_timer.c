/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: timers. */
#include "nt_kit.h"
#include "nt/ke_object.h"

#define MS_100NS 10000ll

static struct {
	_Atomic unsigned runs;
	_Atomic uint64_t at; /* ns */
	KIRQL irql;
} seen;

static VOID NTAPI note(
	PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
	seen.at = cpu_clock();
	seen.irql = KeGetCurrentIrql();
	atomic_fetch_add(&seen.runs, 1);
}

/* covers: KeWaitForSingleObject */
NT_TEST(a_relative_timer_runs_its_dpc_once_and_not_before_its_time)
{
	uint64_t start = cpu_clock();
	KTIMER timer;
	KIRQL old;
	KDPC dpc;

	seen.runs = 0;
	KeInitializeTimer(&timer);
	KeInitializeDpc(&dpc, note, NULL);
	CHECK(!KeReadStateTimer(&timer));
	old = KeRaiseIrqlToDpcLevel(); /* nothing expires here, however long that takes */
	CHECK(!KeSetTimer(&timer, in_ms(15), &dpc));
	CHECK(!KeReadStateTimer(&timer));
	KeLowerIrql(old);
	CHECK_EQUAL(
		KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL), STATUS_SUCCESS);
	CHECK(cpu_clock() - start >= 15000000);
	pass_ms(20);
	CHECK_EQUAL(seen.runs, 1);
	CHECK_EQUAL(seen.irql, DISPATCH_LEVEL);
	CHECK(seen.at - start >= 15000000);
	CHECK(KeReadStateTimer(&timer));
	CHECK(!KeCancelTimer(&timer)); /* it is in the queue no more */
}

NT_TEST(an_absolute_time_that_has_passed_expires_at_once)
{
	LARGE_INTEGER now, timeout = in_ms(2000);
	KTIMER timer;

	KeInitializeTimer(&timer);
	KeQuerySystemTime(&now);
	now.QuadPart -= 1000;
	KeSetTimer(&timer, now, NULL);
	CHECK_EQUAL(KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, &timeout),
		STATUS_SUCCESS);
}

NT_TEST(an_absolute_time_to_come_is_waited_for)
{
	LARGE_INTEGER due, now;
	KTIMER timer;

	KeInitializeTimer(&timer);
	KeQuerySystemTime(&due);
	due.QuadPart += 15 * MS_100NS;
	KeSetTimer(&timer, due, NULL);
	KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL);
	KeQuerySystemTime(&now);
	CHECK(now.QuadPart >= due.QuadPart);
	CHECK(now.QuadPart < due.QuadPart + 2000 * MS_100NS);
}

/* covers: KeCancelTimer, KeInitializeTimer, KeReadStateTimer, KeSetTimer */
NT_TEST(a_cancelled_timer_does_not_run_its_dpc)
{
	KTIMER timer;
	KIRQL old;
	KDPC dpc;

	seen.runs = 0;
	KeInitializeTimer(&timer);
	KeInitializeDpc(&dpc, note, NULL);
	CHECK(!KeCancelTimer(&timer));
	old = KeRaiseIrqlToDpcLevel();
	KeSetTimer(&timer, in_ms(1), &dpc);
	KeStallExecutionProcessor(2000);
	CHECK(KeCancelTimer(&timer)); /* due, and not expired at this IRQL */
	CHECK(!KeCancelTimer(&timer));
	KeLowerIrql(old);
	pass_ms(10);
	CHECK_EQUAL(seen.runs, 0);
	CHECK(!KeReadStateTimer(&timer));
}

/* covers: KeSetCoalescableTimer */
NT_TEST(a_coalescable_timer_is_not_early)
{
	uint64_t start = cpu_clock();
	KIRQL old = KeRaiseIrqlToDpcLevel();
	KTIMER timer;

	KeInitializeTimer(&timer);
	CHECK(!KeSetCoalescableTimer(&timer, in_ms(5), 0, 10, NULL));
	CHECK(KeSetCoalescableTimer(&timer, in_ms(10), 0, 10, NULL));
	KeLowerIrql(old);
	KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, NULL);
	CHECK(cpu_clock() - start >= 10000000);
}

NT_TEST(setting_a_set_timer_returns_true_and_replaces_the_time)
{
	KTIMER timer;
	KIRQL old;
	KDPC dpc;

	seen.runs = 0;
	KeInitializeTimer(&timer);
	KeInitializeDpc(&dpc, note, NULL);
	old = KeRaiseIrqlToDpcLevel();
	CHECK(!KeSetTimer(&timer, in_ms(5), &dpc));
	CHECK(KeSetTimer(&timer, in_ms(60000), &dpc));
	KeLowerIrql(old);
	pass_ms(30);
	CHECK_EQUAL(seen.runs, 0);
	CHECK(KeSetTimer(&timer, in_ms(1), &dpc));
	pass_ms(30);
	CHECK_EQUAL(seen.runs, 1);
}

NT_TEST(setting_an_expired_timer_makes_it_not_signalled)
{
	KTIMER timer;

	KeInitializeTimer(&timer);
	KeSetTimer(&timer, in_ms(1), NULL);
	pass_ms(20);
	CHECK(KeReadStateTimer(&timer));
	KeSetTimer(&timer, in_ms(60000), NULL);
	CHECK(!KeReadStateTimer(&timer));
	CHECK(KeCancelTimer(&timer));
}

/* covers: KeInitializeTimerEx, KeSetTimerEx */
NT_TEST(a_periodic_timer_goes_on_until_it_is_cancelled)
{
	unsigned runs;
	KTIMER timer;
	KDPC dpc;

	seen.runs = 0;
	KeInitializeTimerEx(&timer, NotificationTimer);
	KeInitializeDpc(&dpc, note, NULL);
	CHECK(!KeSetTimerEx(&timer, in_ms(2), 5, &dpc));
	for (unsigned i = 0; i < 400 && seen.runs < 4; i++)
		pass_ms(5);
	CHECK(seen.runs >= 4);
	CHECK(KeCancelTimer(&timer)); /* a periodic timer always is in the queue */
	KeFlushQueuedDpcs();
	runs = seen.runs;
	pass_ms(30);
	CHECK_EQUAL(seen.runs, runs);
}

/*
 * KeInitializeTimerEx: notification releases all and stays, synchronization one and falls back.
 * covers: KeWaitForSingleObject
 */
NT_TEST(a_synchronization_timer_satisfies_one_wait_a_notification_timer_all)
{
	LARGE_INTEGER zero = {.QuadPart = 0};
	KTIMER timer;

	KeInitializeTimerEx(&timer, SynchronizationTimer);
	KeSetTimer(&timer, in_ms(1), NULL);
	pass_ms(20);
	CHECK_EQUAL(
		KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, &zero), STATUS_SUCCESS);
	CHECK_EQUAL(
		KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, &zero), STATUS_TIMEOUT);
	KeInitializeTimerEx(&timer, NotificationTimer);
	KeSetTimer(&timer, in_ms(1), NULL);
	pass_ms(20);
	CHECK_EQUAL(
		KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, &zero), STATUS_SUCCESS);
	CHECK_EQUAL(
		KeWaitForSingleObject(&timer, Executive, KernelMode, FALSE, &zero), STATUS_SUCCESS);
}

/* covers: KeCancelTimer, KeReadStateTimer */
NT_TEST(memory_that_is_no_timer_is_refused)
{
	KTIMER timer;

	memset(&timer, 0, sizeof(timer));
	CHECK(!KeSetTimer(&timer, in_ms(1), NULL));
	CHECK_VIOLATION(0xC40000E1, "KeSetTimer");
	CHECK(!KeCancelTimer(&timer));
	CHECK_VIOLATION(0xC40000E1, "KeCancelTimer");
	CHECK(!KeReadStateTimer(&timer));
	CHECK_VIOLATION(0xC40000E1, "KeReadStateTimer");
}

NT_TEST(a_timer_set_above_dispatch_is_reported)
{
	KTIMER timer;
	KIRQL old;

	KeInitializeTimer(&timer);
	KeRaiseIrql(HIGH_LEVEL, &old);
	KeSetTimer(&timer, in_ms(60000), NULL);
	CHECK_VIOLATION(0xC4020011, "KeSetTimer called at IRQL 15");
	KeLowerIrql(old);
	CHECK(KeCancelTimer(&timer));
}

/* 0xC4/15 */
NT_TEST(pool_freed_with_a_set_timer_in_it_is_reported_and_the_timer_gone)
{
	struct {
		char before[100];
		KTIMER timer;
		KDPC dpc;
	} *p = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(*p), TAG);
	KIRQL old = KeRaiseIrqlToDpcLevel();

	seen.runs = 0;
	KeInitializeTimer(&p->timer);
	KeInitializeDpc(&p->dpc, note, NULL);
	KeSetTimer(&p->timer, in_ms(5), &p->dpc);
	ExFreePool(p);
	KeLowerIrql(old);
	CHECK_VIOLATION(0xC4000015, "holds a timer");
	pass_ms(20);
	CHECK_EQUAL(seen.runs, 0);
}

static void a_timer_left_set_at_the_end_is_reported(void **state)
{
	static KTIMER timer;

	machine_start(1, MEM_SCATTERED);
	KeInitializeTimer(&timer);
	KeSetTimer(&timer, in_ms(60000), NULL);
	nt_fini();
	assert_true(CHECK_VIOLATION(0xC7000000, "1 timer is still set"));
	machine_stop();
}

/* ---- cancelled and freed while it expires elsewhere: nothing may touch the freed timer ---- */

static void set_cancel_free(void *ctx)
{
	for (unsigned i = 0; i < 3000; i++) {
		PKTIMER timer = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(KTIMER), TAG);

		KeInitializeTimer(timer);
		KeSetTimer(timer, (LARGE_INTEGER){.QuadPart = -(int64_t)(i % 100) * 5}, NULL);
		if (i % 3 == 0)
			KeStallExecutionProcessor(i % 40);
		KeCancelTimer(timer);
		memset(timer, 0xee, sizeof(*timer));
		ExFreePool(timer);
	}
}

static void timers_are_cancelled_and_freed_while_they_expire(void **state)
{
	struct cpu_thread *threads[2];

	machine_start(2, MEM_SCATTERED);
	for (unsigned i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(set_cancel_free, NULL, i, "timers");
	for (unsigned i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	machine_stop();
}

/* ---- an expiry that began before the cancellation is not taken for the next timer's ---- */

static struct {
	KTIMER first, second;
	KDPC dpc;
	_Atomic unsigned step;
} shared;

static void first_processor(void *ctx)
{
	KeSetTimer(&shared.first, (LARGE_INTEGER){.QuadPart = -5000}, NULL);
	shared.step = 1;
	while (shared.step < 2)
		cpu_relax();
}

NT_TEST_ON(a_late_expiry_is_not_the_next_timers, 2)
{
	unsigned raced = 0;

	KeInitializeTimer(&shared.first);
	KeInitializeTimer(&shared.second);
	for (unsigned i = 0; i < 100; i++) {
		struct cpu_thread *thread;

		shared.step = 0;
		thread = cpu_thread_new(first_processor, NULL, 1, "first");
		CHECK(comes_true(shared.step == 1));
		/* processor 1 comes to expire the first timer and is held up at the lock */
		nt_lock_take(&ke_lock);
		usleep(1500);
		nt_lock_drop(&ke_lock);
		if (KeCancelTimer(&shared.first)) {
			raced++;
			KeSetTimer(&shared.second, in_ms(60000), NULL);
			pass_ms(2);
			CHECK(!KeReadStateTimer(&shared.second));
			CHECK(KeCancelTimer(&shared.second));
		}
		shared.step = 2;
		cpu_thread_join(thread);
		cpu_thread_free(thread);
	}
	print_message("%u of 100 cancellations came between\n", raced);
}

/* KeCancelTimer: "If a DPC object is associated with the timer, it too is canceled." */
static void hold_dispatch(void *ctx)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();

	shared.step = 1;
	while (shared.step < 2)
		cpu_relax();
	KeLowerIrql(old);
}

NT_TEST_ON(cancelling_a_periodic_timer_cancels_its_queued_dpc, 2)
{
	struct cpu_thread *thread;

	seen.runs = 0;
	shared.step = 0;
	KeInitializeTimer(&shared.first);
	KeInitializeDpc(&shared.dpc, note, NULL);
	KeSetTargetProcessorDpc(&shared.dpc, 1);
	thread = cpu_thread_new(hold_dispatch, NULL, 1, "holder");
	CHECK(comes_true(shared.step == 1));
	KeSetTimerEx(&shared.first, in_ms(1), 1000, &shared.dpc);
	CHECK(comes_true(KeReadStateTimer(&shared.first)));
	CHECK(KeCancelTimer(&shared.first));
	shared.step = 2;
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	KeFlushQueuedDpcs();
	CHECK_EQUAL(seen.runs, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_relative_timer_runs_its_dpc_once_and_not_before_its_time),
		cmocka_unit_test(an_absolute_time_that_has_passed_expires_at_once),
		cmocka_unit_test(an_absolute_time_to_come_is_waited_for),
		cmocka_unit_test(a_cancelled_timer_does_not_run_its_dpc),
		cmocka_unit_test(a_coalescable_timer_is_not_early),
		cmocka_unit_test(setting_a_set_timer_returns_true_and_replaces_the_time),
		cmocka_unit_test(setting_an_expired_timer_makes_it_not_signalled),
		cmocka_unit_test(a_periodic_timer_goes_on_until_it_is_cancelled),
		cmocka_unit_test(
			a_synchronization_timer_satisfies_one_wait_a_notification_timer_all),
		cmocka_unit_test(memory_that_is_no_timer_is_refused),
		cmocka_unit_test(a_timer_set_above_dispatch_is_reported),
		cmocka_unit_test(pool_freed_with_a_set_timer_in_it_is_reported_and_the_timer_gone),
		cmocka_unit_test(a_timer_left_set_at_the_end_is_reported),
		cmocka_unit_test(timers_are_cancelled_and_freed_while_they_expire),
		cmocka_unit_test(a_late_expiry_is_not_the_next_timers),
		cmocka_unit_test(cancelling_a_periodic_timer_cancels_its_queued_dpc),
	};

	return cmocka_run_group_tests_name("nt/ke_timer", tests, NULL, NULL);
}
