/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ps and Ob: system threads, handles and references. */
#include "nt_kit.h"

static struct {
	_Atomic unsigned runs, processors;
	KEVENT go, started;
	PVOID context;
	KIRQL irql;
	PKTHREAD self;
	bool apcs_disabled;
} seen;

static VOID NTAPI note(PVOID StartContext)
{
	seen.context = StartContext;
	seen.irql = KeGetCurrentIrql();
	seen.self = KeGetCurrentThread();
	seen.apcs_disabled = KeAreApcsDisabled();
	atomic_fetch_or(&seen.processors, 1u << KeGetCurrentProcessorNumber());
	atomic_fetch_add(&seen.runs, 1);
}

static NTSTATUS create(PHANDLE handle, PKSTART_ROUTINE routine, PVOID context)
{
	return PsCreateSystemThread(handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, routine, context);
}

static PVOID object_of(HANDLE handle)
{
	PVOID object = NULL;

	CHECK_EQUAL(ObReferenceObjectByHandle(
			    handle, THREAD_ALL_ACCESS, *PsThreadType, KernelMode, &object, NULL),
		STATUS_SUCCESS);
	return object;
}

/* Waits for its end, and closes the handle. */
static void finish(HANDLE handle)
{
	PVOID thread = object_of(handle);

	CHECK_EQUAL(wait_for(thread), STATUS_SUCCESS);
	ObDereferenceObject(thread);
	CHECK_EQUAL(ZwClose(handle), STATUS_SUCCESS);
}

/* covers: ObfDereferenceObject, PsCreateSystemThread, PsThreadType */
NT_TEST(a_system_thread_gets_its_context_at_passive_level)
{
	HANDLE handle = NULL;
	PVOID thread;
	int context;

	/* object, handle, thread */
	for (unsigned n = 1; n <= 3; n++) {
		nt_allocation_fail(n);
		CHECK_EQUAL(create(&handle, note, &context), STATUS_INSUFFICIENT_RESOURCES);
	}
	nt_allocation_fail(0);
	CHECK_EQUAL(create(&handle, note, &context), STATUS_SUCCESS);
	CHECK(handle != NULL);
	thread = object_of(handle);
	CHECK_EQUAL(wait_for(thread), STATUS_SUCCESS);
	CHECK(seen.context == &context);
	CHECK_EQUAL(seen.irql, PASSIVE_LEVEL);
	CHECK(seen.self == thread);
	/* "inside a critical region with normal kernel APCs disabled" */
	CHECK(seen.apcs_disabled);
	CHECK_EQUAL(wait_for(thread), STATUS_SUCCESS); /* it stays signalled */
	ObDereferenceObject(thread);
	CHECK_EQUAL(ZwClose(handle), STATUS_SUCCESS);
}

static VOID NTAPI end_early(PVOID StartContext)
{
	PsTerminateSystemThread(STATUS_UNSUCCESSFUL);
	CHECK(!"reached");
}

NT_TEST(a_system_thread_may_terminate_itself)
{
	HANDLE handle;
	PVOID thread;

	create(&handle, end_early, NULL);
	thread = object_of(handle);
	ZwClose(handle);
	CHECK_EQUAL(wait_for(thread), STATUS_SUCCESS);
	ObDereferenceObject(thread);
}

/* covers: PsTerminateSystemThread */
NT_TEST(another_thread_can_not_terminate_by_it)
{
	CHECK(!NT_SUCCESS(
		ddi_result(PsTerminateSystemThread, PsTerminateSystemThread(STATUS_SUCCESS))));
	CHECK_VIOLATION(0, "no system thread");
}

static VOID NTAPI wait_to_go(PVOID StartContext)
{
	KeSetEvent(&seen.started, 0, FALSE);
	wait_for(&seen.go);
}

NT_TEST_ON(a_thread_is_not_signalled_while_it_runs_even_if_its_handle_is_closed, 2)
{
	HANDLE handle;
	PVOID thread;

	KeInitializeEvent(&seen.go, NotificationEvent, FALSE);
	KeInitializeEvent(&seen.started, SynchronizationEvent, FALSE);
	create(&handle, wait_to_go, NULL);
	thread = object_of(handle);
	ZwClose(handle);
	wait_for(&seen.started);
	CHECK(!is_there(thread));
	KeSetEvent(&seen.go, 0, FALSE);
	CHECK_EQUAL(wait_for(thread), STATUS_SUCCESS);
	ObDereferenceObject(thread);
}

NT_TEST_ON(threads_are_dealt_to_all_processors, 2)
{
	HANDLE handles[6];

	seen.runs = seen.processors = 0;
	for (unsigned i = 0; i < 6; i++)
		create(&handles[i], note, NULL);
	CHECK(comes_true(seen.runs == 6));
	CHECK_EQUAL(seen.processors, 3);
	for (unsigned i = 0; i < 6; i++)
		ZwClose(handles[i]);
}

/* covers: PsCreateSystemThread */
NT_TEST_ON(hundreds_of_threads_come_and_go, 2)
{
	seen.runs = 0;
	for (unsigned i = 0; i < 300; i++) {
		HANDLE handle;

		CHECK_EQUAL(create(&handle, note, NULL), STATUS_SUCCESS);
		if (i % 3 == 0) {
			PVOID thread = object_of(handle);

			wait_for(thread);
			ObDereferenceObject(thread);
		}
		ZwClose(handle);
	}
	CHECK(comes_true(seen.runs == 300));
}

/* covers: PsGetCurrentThread */
NT_TEST_ON(every_thread_knows_itself, 2)
{
	PKTHREAD self = KeGetCurrentThread();
	KIRQL old;

	CHECK(self != NULL);
	pass_ms(1);
	CHECK(KeGetCurrentThread() == self);
	CHECK(PsGetCurrentThread() == (PETHREAD)self);
	KeRaiseIrql(HIGH_LEVEL, &old);
	CHECK(KeGetCurrentThread() == self);
	KeLowerIrql(old);
}

/* covers: KeSetPriorityThread */
NT_TEST(a_priority_is_kept)
{
	PKTHREAD self = KeGetCurrentThread();
	KPRIORITY first = KeSetPriorityThread(self, 16);
	static _Alignas(64) char none[2048];

	CHECK_EQUAL(KeSetPriorityThread(self, first), 16);
	CHECK_EQUAL(KeSetPriorityThread((PKTHREAD)(void *)none, first), 0);
	CHECK_VIOLATION(0xC40000E1, "KeSetPriorityThread");
}

/* ---- handles ---- */

/* covers: KeGetCurrentThread, ObReferenceObjectByHandle, ZwClose */
NT_TEST(a_closed_or_invented_handle_is_invalid)
{
	HANDLE handle, later;
	PVOID object;

	create(&handle, note, NULL);
	finish(handle);
	CHECK_EQUAL(ZwClose(handle), STATUS_INVALID_HANDLE);
	CHECK_VIOLATION(0x93000000, "no open handle");
	/* the entry is used again, the old handle is not good for it */
	create(&later, note, NULL);
	CHECK(later != handle);
	CHECK_EQUAL(ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &object, NULL),
		STATUS_INVALID_HANDLE);
	CHECK_VIOLATION(0xC400003C, "no open handle");
	CHECK(object == NULL);
	CHECK_EQUAL(ZwClose(NULL), STATUS_INVALID_HANDLE);
	CHECK_VIOLATION(0x93000000, "");
	CHECK_EQUAL(ZwClose((HANDLE)(uintptr_t)0x12345678), STATUS_INVALID_HANDLE);
	CHECK_VIOLATION(0x93000000, "");
	finish(later);
}

NT_TEST(a_handle_of_another_type_is_a_mismatch)
{
	HANDLE handle;
	PVOID object;
	int type;

	create(&handle, note, NULL);
	CHECK_EQUAL(ObReferenceObjectByHandle(
			    handle, 0, (POBJECT_TYPE)&type, KernelMode, &object, NULL),
		STATUS_OBJECT_TYPE_MISMATCH);
	finish(handle);
}

/* covers: ObfReferenceObject */
NT_TEST(wrong_levels_are_reported)
{
	HANDLE handle;
	PVOID object;
	KIRQL old;

	create(&handle, note, NULL);
	KeRaiseIrql(APC_LEVEL, &old);
	ObReferenceObjectByHandle(handle, 0, NULL, KernelMode, &object, NULL);
	CHECK_VIOLATION(0xC402001B, "ObReferenceObjectByHandle called at IRQL 1");
	ZwClose(handle);
	CHECK_VIOLATION(0xC402001F, "ZwClose called at IRQL 1");
	KeLowerIrql(old);
	ObReferenceObject(object);
	ObDereferenceObject(object);
	wait_for(object);
	ObDereferenceObject(object);
}

/* covers: ObfReferenceObject */
NT_TEST(a_reference_to_what_is_no_object_is_refused)
{
	char memory[256] = {0};

	ObReferenceObject(memory + 128);
	CHECK_VIOLATION(0xC400003F, "no counted object");
	ObDereferenceObject(NULL);
	CHECK_VIOLATION(0xC400003F, "NULL");
}

static VOID NTAPI end_badly(PVOID StartContext)
{
	KIRQL old;

	KeEnterCriticalRegion();
	KeRaiseIrql(APC_LEVEL, &old);
}

NT_TEST(a_thread_that_ends_in_a_bad_state_is_reported)
{
	HANDLE handle;
	PVOID thread;

	create(&handle, end_badly, NULL);
	thread = object_of(handle);
	wait_for(thread);
	CHECK_VIOLATION(0xC402001C, "a system thread ends at IRQL 1");
	CHECK_VIOLATION(0x20000000, "inside 1 critical");
	ObDereferenceObject(thread);
	ZwClose(handle);
}

static void leave_handle_open(void *ctx)
{
	HANDLE handle;

	create(&handle, note, NULL);
	wait_for(object_of(handle));
}

static void handles_left_open_are_reported_at_the_end(void **state)
{
	machine_start(1, MEM_SCATTERED);
	run_on(0, leave_handle_open, NULL);
	nt_fini();
	assert_true(CHECK_VIOLATION(0, "a handle of a thread was never closed"));
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_system_thread_gets_its_context_at_passive_level),
		cmocka_unit_test(a_system_thread_may_terminate_itself),
		cmocka_unit_test(another_thread_can_not_terminate_by_it),
		cmocka_unit_test(
			a_thread_is_not_signalled_while_it_runs_even_if_its_handle_is_closed),
		cmocka_unit_test(threads_are_dealt_to_all_processors),
		cmocka_unit_test(hundreds_of_threads_come_and_go),
		cmocka_unit_test(every_thread_knows_itself),
		cmocka_unit_test(a_priority_is_kept),
		cmocka_unit_test(a_closed_or_invented_handle_is_invalid),
		cmocka_unit_test(a_handle_of_another_type_is_a_mismatch),
		cmocka_unit_test(wrong_levels_are_reported),
		cmocka_unit_test(a_reference_to_what_is_no_object_is_refused),
		cmocka_unit_test(a_thread_that_ends_in_a_bad_state_is_reported),
		cmocka_unit_test(handles_left_open_are_reported_at_the_end),
	};

	return cmocka_run_group_tests_name("nt/ps_thread", tests, NULL, NULL);
}
