/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: waits, across threads and processors. */
#include "nt_kit.h"
#include "nt/ke_object.h"

/* ---- threads that wait for one object and count themselves ---- */

static struct {
	_Atomic unsigned done;
	_Atomic NTSTATUS status;
	_Atomic unsigned order[8];
	void *object;
	int64_t ms; /* time-out, 0: none */
} pool;

static void waiter(void *ctx)
{
	pool.status = pool.ms ? wait_ms(pool.object, pool.ms) : wait_for(pool.object);
	pool.order[atomic_fetch_add(&pool.done, 1) % 8] = (unsigned)(uintptr_t)ctx;
}

static struct cpu_thread *threads[8];

/* Those that are in the object's list, and those whose time is over. */
static unsigned waiters_seen(const DISPATCHER_HEADER *object)
{
	unsigned count;

	nt_lock_take(&ke_lock);
	count = pool.done;
	for (PLIST_ENTRY at = object->WaitListHead.Flink; at != &object->WaitListHead;
		at = at->Flink)
		count++;
	nt_lock_drop(&ke_lock);
	return count;
}

/* Starts waiters one after the other, so that they wait in that order, spread over the processors.
 */
static void waiters_start(unsigned count, void *object, int64_t ms)
{
	pool.done = 0;
	pool.object = object;
	pool.ms = ms;
	for (unsigned i = 0; i < count; i++) {
		threads[i] =
			cpu_thread_new(waiter, (void *)(uintptr_t)i, i % cpu_count(), "waiter");
		CHECK(comes_true(waiters_seen(object) > i));
	}
}

static void waiters_join(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
}

NT_TEST_ON(a_notification_event_releases_all_waiters, 2)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	waiters_start(4, &event, 0);
	CHECK_EQUAL(pool.done, 0);
	KeSetEvent(&event, 0, FALSE);
	waiters_join(4);
	CHECK_EQUAL(pool.done, 4);
	CHECK_EQUAL(pool.status, STATUS_SUCCESS);
	CHECK(KeReadStateEvent(&event) != 0);
}

NT_TEST_ON(a_synchronization_event_releases_one_waiter_each_time_in_their_order, 2)
{
	KEVENT event;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	waiters_start(4, &event, 0);
	for (unsigned i = 1; i <= 4; i++) {
		CHECK_EQUAL(KeSetEvent(&event, 0, FALSE), 0);
		CHECK(comes_true(pool.done == i));
		pass_ms(3);
		CHECK_EQUAL(pool.done, i);
		CHECK_EQUAL(pool.order[i - 1], i - 1);
		CHECK_EQUAL(KeReadStateEvent(&event), 0);
	}
	waiters_join(4);
}

NT_TEST_ON(a_pulse_releases_those_who_wait_now, 2)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	waiters_start(3, &event, 0);
	KePulseEvent(&event, 0, FALSE);
	waiters_join(3);
	CHECK_EQUAL(KeReadStateEvent(&event), 0);

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	waiters_start(2, &event, 0);
	KePulseEvent(&event, 0, FALSE);
	CHECK(comes_true(pool.done == 1));
	pass_ms(3);
	CHECK_EQUAL(pool.done, 1);
	KeSetEvent(&event, 0, FALSE);
	waiters_join(2);
}

NT_TEST_ON(a_semaphore_releases_as_many_as_its_adjustment, 2)
{
	KSEMAPHORE semaphore;

	KeInitializeSemaphore(&semaphore, 0, 10);
	waiters_start(4, &semaphore, 0);
	CHECK_EQUAL(KeReleaseSemaphore(&semaphore, 0, 3, FALSE), 0);
	CHECK(comes_true(pool.done == 3));
	pass_ms(3);
	CHECK_EQUAL(pool.done, 3);
	CHECK_EQUAL(KeReadStateSemaphore(&semaphore), 0);
	CHECK_EQUAL(KeReleaseSemaphore(&semaphore, 0, 3, FALSE), 0);
	waiters_join(4);
	CHECK_EQUAL(KeReadStateSemaphore(&semaphore), 2);
}

/* ---- time-outs ---- */

NT_TEST(a_wait_ends_by_its_relative_time)
{
	uint64_t start = cpu_clock();
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	CHECK_EQUAL(wait_ms(&event, 12), STATUS_TIMEOUT);
	CHECK(cpu_clock() - start >= 12000000);
	CHECK(cpu_clock() - start < 2000000000);
	/* and the event is free of it */
	KeSetEvent(&event, 0, FALSE);
	CHECK(is_there(&event));
}

NT_TEST(a_wait_ends_by_its_absolute_time)
{
	LARGE_INTEGER due, now;
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	KeQuerySystemTime(&due);
	due.QuadPart += 12 * 10000;
	CHECK_EQUAL(
		KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &due), STATUS_TIMEOUT);
	KeQuerySystemTime(&now);
	CHECK(now.QuadPart >= due.QuadPart);
	due.QuadPart = 1; /* long ago */
	CHECK_EQUAL(
		KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &due), STATUS_TIMEOUT);
}

NT_TEST_ON(a_wait_that_timed_out_takes_nothing_later, 2)
{
	KEVENT event;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	waiters_start(2, &event, 5);
	waiters_join(2);
	CHECK_EQUAL(pool.status, STATUS_TIMEOUT);
	KeSetEvent(&event, 0, FALSE);
	CHECK(is_there(&event));
}

NT_TEST(the_longest_relative_time_is_for_ever_and_overflows_nothing)
{
	LARGE_INTEGER longest = {.QuadPart = INT64_MIN};
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, TRUE);
	CHECK_EQUAL(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &longest),
		STATUS_SUCCESS);
}

/* covers: KeDelayExecutionThread */
NT_TEST(a_delay_lasts_as_long_as_asked)
{
	uint64_t start = cpu_clock();
	LARGE_INTEGER due;

	pass_ms(10);
	CHECK(cpu_clock() - start >= 10000000);
	pass_ms(0);
	KeQuerySystemTime(&due);
	due.QuadPart += 10 * 10000;
	start = cpu_clock();
	KeDelayExecutionThread(KernelMode, FALSE, &due);
	CHECK(cpu_clock() - start >= 9000000);
	/* an unpark meant for an earlier wait does not shorten it */
	cpu_thread_unpark(cpu_self->thread);
	start = cpu_clock();
	pass_ms(10);
	CHECK(cpu_clock() - start >= 10000000);
}

/* ---- several objects ---- */

/* covers: KeWaitForMultipleObjects */
NT_TEST(wait_any_tells_the_first_object_that_is_signalled)
{
	LARGE_INTEGER zero = {.QuadPart = 0};
	KEVENT events[3];
	PVOID objects[3];

	for (unsigned i = 0; i < 3; i++) {
		KeInitializeEvent(&events[i], SynchronizationEvent, i > 0);
		objects[i] = &events[i];
	}
	CHECK_EQUAL(KeWaitForMultipleObjects(
			    3, objects, WaitAny, Executive, KernelMode, FALSE, &zero, NULL),
		STATUS_WAIT_1);
	CHECK_EQUAL(KeWaitForMultipleObjects(
			    3, objects, WaitAny, Executive, KernelMode, FALSE, &zero, NULL),
		STATUS_WAIT_2);
	CHECK_EQUAL(KeWaitForMultipleObjects(
			    3, objects, WaitAny, Executive, KernelMode, FALSE, &zero, NULL),
		STATUS_TIMEOUT);
}

NT_TEST(wait_all_takes_all_or_nothing)
{
	LARGE_INTEGER zero = {.QuadPart = 0};
	KSEMAPHORE semaphore;
	PVOID objects[2];
	KEVENT event;

	KeInitializeEvent(&event, SynchronizationEvent, TRUE);
	KeInitializeSemaphore(&semaphore, 0, 1);
	objects[0] = &event;
	objects[1] = &semaphore;
	CHECK_EQUAL(KeWaitForMultipleObjects(
			    2, objects, WaitAll, Executive, KernelMode, FALSE, &zero, NULL),
		STATUS_TIMEOUT);
	CHECK(KeReadStateEvent(&event) != 0);
	KeReleaseSemaphore(&semaphore, 0, 1, FALSE);
	CHECK_EQUAL(KeWaitForMultipleObjects(
			    2, objects, WaitAll, Executive, KernelMode, FALSE, &zero, NULL),
		STATUS_SUCCESS);
	CHECK_EQUAL(KeReadStateEvent(&event), 0);
	CHECK_EQUAL(KeReadStateSemaphore(&semaphore), 0);
}

static struct {
	KEVENT events[64];
	PVOID objects[64];
	KWAIT_BLOCK blocks[64];
	ULONG count;
	WAIT_TYPE type;
	_Atomic unsigned done;
	_Atomic NTSTATUS status;
} many;

static void many_waiter(void *ctx)
{
	many.status = KeWaitForMultipleObjects(many.count, many.objects, many.type, Executive,
		KernelMode, FALSE, NULL, many.blocks);
	many.done = 1;
}

static struct cpu_thread *many_start(ULONG count, WAIT_TYPE type)
{
	struct cpu_thread *thread;

	many.count = count;
	many.type = type;
	many.done = 0;
	for (unsigned i = 0; i < count; i++) {
		KeInitializeEvent(&many.events[i], SynchronizationEvent, FALSE);
		many.objects[i] = &many.events[i];
	}
	thread = cpu_thread_new(many_waiter, NULL, 1, "many");
	pass_ms(3);
	return thread;
}

NT_TEST_ON(any_of_64_objects_ends_the_wait_with_its_number, 2)
{
	static const unsigned picks[] = {0, 5, 63};

	for (unsigned i = 0; i < 3; i++) {
		struct cpu_thread *thread = many_start(64, WaitAny);

		CHECK_EQUAL(many.done, 0);
		KeSetEvent(&many.events[picks[i]], 0, FALSE);
		cpu_thread_join(thread);
		cpu_thread_free(thread);
		CHECK_EQUAL(many.status, STATUS_WAIT_0 + (NTSTATUS)picks[i]);
		/* the others know nothing of the wait any more */
		for (unsigned at = 0; at < 64; at++) {
			CHECK_EQUAL(KeReadStateEvent(&many.events[at]), 0);
			CHECK(IsListEmpty(&many.events[at].Header.WaitListHead));
		}
	}
}

/* covers: KeWaitForMultipleObjects */
NT_TEST_ON(all_of_64_objects_end_the_wait_when_the_last_is_there, 2)
{
	struct cpu_thread *thread = many_start(64, WaitAll);

	for (unsigned i = 0; i < 64; i++) {
		CHECK_EQUAL(many.done, 0);
		KeSetEvent(&many.events[63 - i], 0, FALSE);
	}
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	CHECK_EQUAL(many.status, STATUS_SUCCESS);
	for (unsigned i = 0; i < 64; i++)
		CHECK_EQUAL(KeReadStateEvent(&many.events[i]), 0);
}

static void too_many(void *ctx)
{
	KEVENT event;
	PVOID objects[4] = {&event, &event, &event, &event};

	KeInitializeEvent(&event, NotificationEvent, TRUE);
	KeWaitForMultipleObjects(4, objects, WaitAny, Executive, KernelMode, FALSE, NULL, NULL);
}

/* covers: KeWaitForMultipleObjects */
static void more_objects_than_wait_blocks_are_bug_check_c(void **state)
{
	assert_dies(too_many, "bug check 0x0C (MAXIMUM_WAIT_OBJECTS_EXCEEDED)");
}

/* ---- 0xC4/3B ---- */

static void wait_at_dispatch(void *ctx)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, TRUE);
	KeRaiseIrqlToDpcLevel();
	wait_ms(&event, 1);
}

static void wait_for_ever_at_dispatch(void *ctx)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, TRUE);
	KeRaiseIrqlToDpcLevel();
	wait_for(&event);
}

static void delay_at_dispatch(void *ctx)
{
	KeRaiseIrqlToDpcLevel();
	pass_ms(1);
}

/* covers: KeDelayExecutionThread */
static void a_wait_at_dispatch_is_a_bug_check(void **state)
{
	assert_dies(
		wait_at_dispatch, "bug check 0xC4 (DRIVER_VERIFIER_DETECTED_VIOLATION): 3b, 2, ");
	assert_dies(wait_for_ever_at_dispatch,
		"bug check 0xC4 (DRIVER_VERIFIER_DETECTED_VIOLATION): 3b, 2, ");
	assert_dies(delay_at_dispatch, "bug check 0xC4");
}

/* covers: KeDelayExecutionThread */
NT_TEST(a_test_above_dispatch_is_reported_and_answered)
{
	LARGE_INTEGER now = {.QuadPart = 0};
	KEVENT event;
	KIRQL old;

	KeInitializeEvent(&event, NotificationEvent, TRUE);
	KeRaiseIrql(4, &old);
	CHECK_EQUAL(wait_ms(&event, 0), STATUS_SUCCESS);
	CHECK_VIOLATION(0xC400003B, "with a zero time-out called at IRQL 4");
	CHECK_EQUAL(KeDelayExecutionThread(KernelMode, FALSE, &now), STATUS_SUCCESS);
	CHECK_VIOLATION(0xC402000F, "KeDelayExecutionThread called at IRQL 4");
	KeLowerIrql(old);
}

NT_TEST(waiting_for_what_was_never_initialised_is_refused)
{
	char memory[64] = {0};

	CHECK_EQUAL(wait_for(memory), STATUS_INVALID_PARAMETER);
	CHECK_VIOLATION(0xC40000E1, "no initialised object to wait for");
	CHECK_EQUAL(wait_for(NULL), STATUS_INVALID_PARAMETER);
	CHECK_VIOLATION(0xC40000E1, "NULL");
}

/* ---- a DPC ends a wait; a wait in the idle fiber polls ---- */

static VOID NTAPI set_it(
	PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
	KeSetEvent(DeferredContext, 0, FALSE);
}

NT_TEST(a_dpc_of_the_same_processor_ends_a_wait)
{
	KEVENT event;
	KTIMER timer;
	KDPC dpc;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	KeInitializeDpc(&dpc, set_it, &event);
	KeInitializeTimer(&timer);
	KeSetTimer(&timer, in_ms(5), &dpc);
	CHECK_EQUAL(wait_for(&event), STATUS_SUCCESS);
}

static bool poll_wait(void *ctx)
{
	KEVENT event;
	KTIMER timer;
	KDPC dpc;
	uint64_t start;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	CHECK_EQUAL(wait_ms(&event, 3), STATUS_TIMEOUT);
	KeInitializeDpc(&dpc, set_it, &event);
	KeInitializeTimer(&timer);
	KeSetTimer(&timer, in_ms(3), &dpc);
	CHECK_EQUAL(wait_for(&event), STATUS_SUCCESS);
	start = cpu_clock();
	pass_ms(3);
	CHECK(cpu_clock() - start >= 3000000);
	return false;
}

/* covers: KeDelayExecutionThread */
static void a_host_thread_that_is_a_processor_may_wait(void **state)
{
	const struct mem_config mem = {.policy = MEM_CONTIGUOUS, .size = 16 << 20};
	const struct cpu_config cpu = {.processors = 1};
	const struct nt_config nt = {.debug_level = 3};

	check_failed = 0;
	assert_int_equal(
		mem_init(&mem) || cpu_init(&cpu) || nt_init(&nt) || cpu_claim(0) || cpu_start(), 0);
	assert_int_equal(cpu_run(0, poll_wait, NULL), 0);
	nt_fini();
	cpu_fini();
	mem_fini();
	assert_int_equal(check_failed, 0);
}

/* ---- ping-pong: no wake-up is ever lost ---- */

static KEVENT ping, pong;

static void ponger(void *ctx)
{
	for (unsigned i = 0; i < 5000; i++) {
		wait_for(&ping);
		KeSetEvent(&pong, 0, FALSE);
	}
}

NT_TEST_ON(two_processors_wake_each_other_thousands_of_times, 2)
{
	struct cpu_thread *thread;

	KeInitializeEvent(&ping, SynchronizationEvent, FALSE);
	KeInitializeEvent(&pong, SynchronizationEvent, FALSE);
	thread = cpu_thread_new(ponger, NULL, 1, "ponger");
	for (unsigned i = 0; i < 5000; i++) {
		KeSetEvent(&ping, 0, FALSE);
		CHECK_EQUAL(wait_ms(&pong, 10000), STATUS_SUCCESS);
	}
	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

/* ---- time-outs race with signals: each signal is consumed once or stays ---- */

static struct {
	KSEMAPHORE semaphore;
	_Atomic unsigned taken;
	_Atomic unsigned stop;
} race;

static void racer(void *ctx)
{
	unsigned n = (unsigned)(uintptr_t)ctx;
	KEVENT never;
	PVOID objects[2] = {&race.semaphore, &never};

	KeInitializeEvent(&never, NotificationEvent, FALSE);
	while (!race.stop) {
		LARGE_INTEGER time = {.QuadPart = -(int64_t)(n++ % 7) * 20};

		if (KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE,
			    &time, NULL) == STATUS_WAIT_0)
			atomic_fetch_add(&race.taken, 1);
	}
}

NT_TEST_ON(signals_that_race_with_time_outs_are_neither_lost_nor_doubled, 2)
{
	KeInitializeSemaphore(&race.semaphore, 0, 1 << 20);
	race.taken = race.stop = 0;
	for (unsigned i = 0; i < 4; i++)
		threads[i] = cpu_thread_new(racer, (void *)(uintptr_t)i, i % 2, "racer");
	for (unsigned i = 0; i < 3000; i++) {
		KeReleaseSemaphore(&race.semaphore, 0, 1, FALSE);
		if (i % 8 == 0)
			pass_ms(0);
	}
	CHECK(comes_true(race.taken == 3000));
	race.stop = 1;
	waiters_join(4);
	CHECK_EQUAL(race.taken, 3000);
	CHECK_EQUAL(KeReadStateSemaphore(&race.semaphore), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_notification_event_releases_all_waiters),
		cmocka_unit_test(
			a_synchronization_event_releases_one_waiter_each_time_in_their_order),
		cmocka_unit_test(a_pulse_releases_those_who_wait_now),
		cmocka_unit_test(a_semaphore_releases_as_many_as_its_adjustment),
		cmocka_unit_test(a_wait_ends_by_its_relative_time),
		cmocka_unit_test(a_wait_ends_by_its_absolute_time),
		cmocka_unit_test(a_wait_that_timed_out_takes_nothing_later),
		cmocka_unit_test(the_longest_relative_time_is_for_ever_and_overflows_nothing),
		cmocka_unit_test(a_delay_lasts_as_long_as_asked),
		cmocka_unit_test(wait_any_tells_the_first_object_that_is_signalled),
		cmocka_unit_test(wait_all_takes_all_or_nothing),
		cmocka_unit_test(any_of_64_objects_ends_the_wait_with_its_number),
		cmocka_unit_test(all_of_64_objects_end_the_wait_when_the_last_is_there),
		cmocka_unit_test(more_objects_than_wait_blocks_are_bug_check_c),
		cmocka_unit_test(a_wait_at_dispatch_is_a_bug_check),
		cmocka_unit_test(a_test_above_dispatch_is_reported_and_answered),
		cmocka_unit_test(waiting_for_what_was_never_initialised_is_refused),
		cmocka_unit_test(a_dpc_of_the_same_processor_ends_a_wait),
		cmocka_unit_test(a_host_thread_that_is_a_processor_may_wait),
		cmocka_unit_test(two_processors_wake_each_other_thousands_of_times),
		cmocka_unit_test(signals_that_race_with_time_outs_are_neither_lost_nor_doubled),
	};

	return cmocka_run_group_tests_name("nt/ke_wait", tests, NULL, NULL);
}
