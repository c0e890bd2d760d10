/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: events and semaphores. What waits do with them across threads is in ke_wait.c. */
#include "nt_kit.h"

NT_TEST(an_event_has_the_state_it_was_initialised_with)
{
	KEVENT event;

	memset(&event, 0xcc, sizeof(event));
	KeInitializeEvent(&event, NotificationEvent, FALSE);
	CHECK_EQUAL(KeReadStateEvent(&event), 0);
	KeInitializeEvent(&event, SynchronizationEvent, TRUE);
	CHECK(KeReadStateEvent(&event) != 0);
}

/* covers: KeClearEvent, KeResetEvent */
NT_TEST(set_reset_and_clear_return_the_state_before)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	CHECK_EQUAL(KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
	CHECK(KeSetEvent(&event, IO_NO_INCREMENT, FALSE) != 0);
	CHECK(KeReadStateEvent(&event) != 0);
	CHECK(KeResetEvent(&event) != 0);
	CHECK_EQUAL(KeResetEvent(&event), 0);
	KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
	KeClearEvent(&event);
	CHECK_EQUAL(KeReadStateEvent(&event), 0);
}

/* covers: KeInitializeEvent */
NT_TEST(a_notification_event_stays_set_a_synchronization_event_is_taken)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, TRUE);
	CHECK(is_there(&event) && is_there(&event));
	KeInitializeEvent(&event, SynchronizationEvent, TRUE);
	CHECK(is_there(&event));
	CHECK(!is_there(&event));
}

/* covers: KePulseEvent, KeReadStateEvent, KeSetEvent */
NT_TEST(a_pulse_leaves_the_event_not_signalled)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	CHECK_EQUAL(KePulseEvent(&event, 0, FALSE), 0);
	CHECK_EQUAL(KeReadStateEvent(&event), 0);
	KeSetEvent(&event, 0, FALSE);
	CHECK(KePulseEvent(&event, 0, FALSE) != 0);
	CHECK_EQUAL(KeReadStateEvent(&event), 0);
}

NT_TEST(an_event_may_be_set_at_dispatch)
{
	KIRQL old = KeRaiseIrqlToDpcLevel();
	KEVENT event;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	KeSetEvent(&event, 0, FALSE);
	CHECK(is_there(&event)); /* a time-out of zero is allowed here */
	KeLowerIrql(old);
}

/* 0xC4/80; IrqlKeSetEvent for Wait = TRUE */
NT_TEST(setting_an_event_too_high_is_reported_and_done)
{
	KEVENT event;
	KIRQL old;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	KeRaiseIrql(3, &old);
	KeSetEvent(&event, 0, FALSE);
	CHECK_VIOLATION(0xC4000080,
		"KeSetEvent called at IRQL 3 (DIRQL); it must be at or below DISPATCH_LEVEL");
	KeLowerIrql(DISPATCH_LEVEL);
	CHECK(KeReadStateEvent(&event) != 0);
	KeSetEvent(&event, 0, TRUE);
	CHECK_VIOLATION(0xC4020016, "must be at or below APC_LEVEL");
	KeLowerIrql(old);
}

/* covers: KeReleaseSemaphore */
NT_TEST(memory_that_is_no_event_is_refused)
{
	KSEMAPHORE semaphore;
	KEVENT event;

	memset(&event, 0, sizeof(event));
	CHECK_EQUAL(KeSetEvent(&event, 0, FALSE), 0);
	CHECK_VIOLATION(0xC40000E1, "KeSetEvent: the object is no initialised event");
	CHECK_EQUAL(event.Header.SignalState, 0);
	KeInitializeSemaphore(&semaphore, 1, 1);
	KeSetEvent((PKEVENT)&semaphore, 0, FALSE);
	CHECK_VIOLATION(0xC40000E1, "event");
	KeReleaseSemaphore((PKSEMAPHORE)&event, 0, 1, FALSE);
	CHECK_VIOLATION(0xC40000E1, "semaphore");
}

/* covers: KeInitializeSemaphore, KeReadStateSemaphore, KeReleaseSemaphore */
NT_TEST(a_semaphore_counts)
{
	KSEMAPHORE semaphore;

	KeInitializeSemaphore(&semaphore, 2, 5);
	CHECK_EQUAL(KeReadStateSemaphore(&semaphore), 2);
	CHECK(is_there(&semaphore) && is_there(&semaphore) && !is_there(&semaphore));
	CHECK_EQUAL(KeReleaseSemaphore(&semaphore, 0, 3, FALSE), 0);
	CHECK_EQUAL(KeReleaseSemaphore(&semaphore, 0, 2, FALSE), 3);
	CHECK_EQUAL(KeReadStateSemaphore(&semaphore), 5);
	KeInitializeSemaphore(&semaphore, 2, 1);
	CHECK_VIOLATION(0, "count 2 and limit 1");
}

static void exceed(void *ctx)
{
	KSEMAPHORE semaphore;

	KeInitializeSemaphore(&semaphore, 4, 5);
	KeReleaseSemaphore(&semaphore, 0, 2, FALSE);
}

/* covers: KeReleaseSemaphore */
static void a_semaphore_past_its_limit_raises(void **state)
{
	assert_dies(exceed, "0xC0000047"); /* STATUS_SEMAPHORE_LIMIT_EXCEEDED */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_has_the_state_it_was_initialised_with),
		cmocka_unit_test(set_reset_and_clear_return_the_state_before),
		cmocka_unit_test(a_notification_event_stays_set_a_synchronization_event_is_taken),
		cmocka_unit_test(a_pulse_leaves_the_event_not_signalled),
		cmocka_unit_test(an_event_may_be_set_at_dispatch),
		cmocka_unit_test(setting_an_event_too_high_is_reported_and_done),
		cmocka_unit_test(memory_that_is_no_event_is_refused),
		cmocka_unit_test(a_semaphore_counts),
		cmocka_unit_test(a_semaphore_past_its_limit_raises),
	};

	return cmocka_run_group_tests_name("nt/ke_event", tests, NULL, NULL);
}
