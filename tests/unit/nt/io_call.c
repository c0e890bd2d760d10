/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: the way of an IRP through a stack of two drivers, and how it is cancelled. Expectations are
 * those of the routines' pages, of "IO_COMPLETION_ROUTINE" and of bug checks 0x35, 0x44 and 0xC9.
 */
#include "nt_kit.h"

static struct {
	DRIVER_OBJECT driver[2]; /* upper, lower */
	DEVICE_OBJECT device[2];
	char calls[200];
	bool lower_pends, skips, upper_wants, wants_only_errors, wants_cancelled, takes_it, marks;
	NTSTATUS status;
	PIRP held;
	KIRQL raise_to;
	PDEVICE_OBJECT completed_for;
	BOOLEAN pending_seen, maker_pending;
} stack;

static void called(const char *name)
{
	strcat(strcat(stack.calls, name), " ");
}

static NTSTATUS NTAPI upper_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	called("upper_done");
	CHECK(context == &stack);
	stack.completed_for = device;
	stack.pending_seen = irp->PendingReturned;
	if (stack.takes_it)
		return STATUS_MORE_PROCESSING_REQUIRED;
	if (stack.marks && irp->PendingReturned)
		IoMarkIrpPending(irp);
	return STATUS_CONTINUE_COMPLETION;
}

static NTSTATUS NTAPI upper(PDEVICE_OBJECT device, PIRP irp)
{
	called("upper");
	CHECK(device == &stack.device[0]);
	if (stack.skips)
		IoSkipCurrentIrpStackLocation(irp);
	else
		IoCopyCurrentIrpStackLocationToNext(irp);
	if (stack.upper_wants)
		IoSetCompletionRoutine(irp, upper_done, &stack, !stack.wants_only_errors,
			!stack.wants_cancelled, stack.wants_cancelled);
	return IoCallDriver(&stack.device[1], irp);
}

static NTSTATUS NTAPI lower(PDEVICE_OBJECT device, PIRP irp)
{
	called("lower");
	CHECK(device == &stack.device[1]);
	CHECK(IoGetCurrentIrpStackLocation(irp)->DeviceObject == device);
	CHECK_EQUAL(IoGetCurrentIrpStackLocation(irp)->MinorFunction, 9);
	if (stack.raise_to)
		cpu_irql_raise(stack.raise_to);
	if (stack.lower_pends) {
		IoMarkIrpPending(irp);
		stack.held = irp;
		return STATUS_PENDING;
	}
	irp->IoStatus.Status = stack.status;
	IoCompleteRequest(irp, IO_DISK_INCREMENT);
	return stack.status;
}

static NTSTATUS NTAPI maker_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	called("maker_done");
	CHECK(!device); /* it has no stack location */
	stack.maker_pending = irp->PendingReturned;
	return STATUS_MORE_PROCESSING_REQUIRED;
}

static PIRP prepare(void)
{
	static const PDRIVER_DISPATCH routines[] = {upper, lower};
	PIRP irp = IoAllocateIrp(2, FALSE);

	memset(&stack, 0, sizeof(stack));
	for (unsigned n = 0; n < 2; n++) {
		stack.device[n].Type = IO_TYPE_DEVICE;
		stack.device[n].DriverObject = &stack.driver[n];
		stack.device[n].StackSize = (CCHAR)(2 - n);
		stack.driver[n].MajorFunction[IRP_MJ_PNP] = routines[n];
	}
	IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_PNP;
	IoGetNextIrpStackLocation(irp)->MinorFunction = 9;
	IoSetCompletionRoutine(irp, maker_done, NULL, TRUE, TRUE, TRUE);
	return irp;
}

static NTSTATUS send(PIRP irp)
{
	return IoCallDriver(&stack.device[0], irp);
}

static void calls_are(const char *calls, int line)
{
	char text[300];

	snprintf(text, sizeof(text), "calls \"%s\", not \"%s\"", stack.calls, calls);
	check_note(!strcmp(stack.calls, calls), text, line);
}
#define CHECK_CALLS(calls) calls_are(calls, __LINE__)

/* covers: IofCallDriver, IofCompleteRequest */
NT_TEST(an_irp_goes_down_the_stack_and_up_through_completion_routines)
{
	PIRP irp = prepare();

	stack.upper_wants = true;
	CHECK_EQUAL(send(irp), STATUS_SUCCESS);
	CHECK_CALLS("upper lower upper_done maker_done ");
	CHECK(stack.completed_for == &stack.device[0]);
	CHECK(!stack.pending_seen && !stack.maker_pending);
	CHECK_EQUAL(irp->CurrentLocation, 3); /* the maker's again */
	IoFreeIrp(irp);
	irp = prepare();
	stack.skips = true;
	send(irp);
	CHECK_CALLS("upper lower maker_done ");
	IoFreeIrp(irp);
}

/* Invoked on success, error, cancellation as asked for. covers: IofCompleteRequest */
NT_TEST(a_completion_routine_runs_for_what_it_asked_for)
{
	static const struct {
		bool only_errors, cancelled, is_cancelled;
		NTSTATUS status;
		bool runs;
	} cases[] = {
		{false, false, false, STATUS_SUCCESS, true},
		{true, false, false, STATUS_SUCCESS, false},
		{true, false, false, STATUS_UNSUCCESSFUL, true},
		{true, true, false, STATUS_CANCELLED, false},
		{true, true, true, STATUS_CANCELLED, true},
		{true, false, true, STATUS_SUCCESS, false},
	};

	for (unsigned n = 0; n < array_size(cases); n++) {
		PIRP irp = prepare();

		stack.upper_wants = true;
		stack.wants_only_errors = cases[n].only_errors;
		stack.wants_cancelled = cases[n].cancelled;
		stack.status = cases[n].status;
		irp->Cancel = cases[n].is_cancelled;
		send(irp);
		CHECK_EQUAL(!!strstr(stack.calls, "upper_done"), cases[n].runs);
		CHECK(strstr(stack.calls, "maker_done") != NULL);
		IoFreeIrp(irp);
	}
}

/* STATUS_MORE_PROCESSING_REQUIRED: the IRP is the upper driver's until it completes it again.
 * covers: IofCompleteRequest */
NT_TEST(more_processing_stops_the_way_up)
{
	PIRP irp = prepare();

	stack.upper_wants = stack.takes_it = true;
	send(irp);
	CHECK_CALLS("upper lower upper_done ");
	CHECK_EQUAL(irp->CurrentLocation, 2);
	IoFreeIrp(irp);
	CHECK_VIOLATION(0, "a driver still has");
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	CHECK_CALLS("upper lower upper_done maker_done ");
	IoFreeIrp(irp);
}

/* Who has no routine hands "pending" on; who has one must do so itself.
 * covers: IofCompleteRequest */
NT_TEST(pending_is_handed_up)
{
	for (unsigned n = 0; n < 3; n++) {
		PIRP irp = prepare();

		stack.lower_pends = true;
		stack.upper_wants = n;
		stack.marks = n == 2;
		CHECK_EQUAL(send(irp), STATUS_PENDING);
		CHECK_CALLS("upper lower ");
		irp->IoStatus.Status = STATUS_SUCCESS;
		IoCompleteRequest(stack.held, IO_NO_INCREMENT);
		CHECK_EQUAL(stack.pending_seen, n != 0);
		CHECK_EQUAL(stack.maker_pending, n != 1);
		IoFreeIrp(irp);
	}
}

/* covers: IofCallDriver */
NT_TEST(what_cannot_be_sent_is_told_and_ended)
{
	PIRP irp = prepare();
	KIRQL old;

	CHECK_EQUAL(IofCallDriver(&stack.device[0], NULL), STATUS_INVALID_PARAMETER);
	CHECK_VIOLATION(0xC9000003, "no IRP");
	CHECK_EQUAL(IoCallDriver((PDEVICE_OBJECT)&stack.driver[0], irp), STATUS_NO_SUCH_DEVICE);
	CHECK_VIOLATION(0xC9000004, "no device object");
	CHECK_VIOLATION(0, "must answer STATUS_MORE_PROCESSING_REQUIRED"); /* nobody had it */
	irp->CurrentLocation = 3;
	irp->Tail.Overlay.CurrentStackLocation--;
	IoFreeIrp(irp);
	irp = prepare();
	IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_CREATE;
	CHECK_EQUAL(send(irp), STATUS_INVALID_DEVICE_REQUEST);
	CHECK_CALLS("maker_done ");
	CHECK_EQUAL(irp->IoStatus.Status, STATUS_INVALID_DEVICE_REQUEST);
	IoFreeIrp(irp);
	irp = prepare();
	KeRaiseIrql(3, &old);
	send(irp);
	KeLowerIrql(old);
	CHECK_VIOLATION(0xC9000010, "IoCallDriver called at IRQL 3");
	CHECK_VIOLATION(0xC9000010, "IoCallDriver called at IRQL 3");
	CHECK_VIOLATION(0xC900000E, "IoCompleteRequest called at IRQL 3");
	IoFreeIrp(irp);
}

/* Bug check 0x35. covers: IofCallDriver */
NT_TEST(a_stack_that_is_too_small_is_told)
{
	PIRP irp = prepare(), small = IoAllocateIrp(1, FALSE);

	*IoGetNextIrpStackLocation(small) = *IoGetNextIrpStackLocation(irp);
	stack.upper_wants = true;
	/* upper copies to a location that is not there, so it must skip */
	stack.skips = true;
	stack.upper_wants = false;
	CHECK_EQUAL(send(small), STATUS_SUCCESS);
	IoFreeIrp(small);
	small = IoAllocateIrp(1, FALSE);
	*IoGetNextIrpStackLocation(small) = *IoGetNextIrpStackLocation(irp);
	stack.calls[0] = 0;
	IoSetNextIrpStackLocation(small);
	CHECK_EQUAL(IofCallDriver(&stack.device[1], small), STATUS_INVALID_DEVICE_REQUEST);
	CHECK_VIOLATION(0x35000000, "whose 1 stack locations are used up");
	CHECK_CALLS("maker_done ");
	IoFreeIrp(small);
	IoFreeIrp(irp);
}

/* covers: IofCallDriver */
NT_TEST(a_location_before_the_first_is_told)
{
	PIRP irp = prepare();

	IoSkipCurrentIrpStackLocation(irp);
	CHECK_EQUAL(send(irp), STATUS_INVALID_DEVICE_REQUEST);
	CHECK_VIOLATION(0x35000000, "once too often");
	CHECK_CALLS("");
	CHECK_EQUAL(irp->CurrentLocation, 4);
	IoFreeIrp(irp);
}

static NTSTATUS NTAPI own_done(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	called("own_done");
	CHECK(device == context); /* from the maker's own location */
	return STATUS_MORE_PROCESSING_REQUIRED;
}

/* IoAllocateIrp (StackSize + 1), as its page has it for a driver that wants a location of its own:
 * with that as the current one the IRP is its maker's. covers: IoFreeIrp, IoReuseIrp */
NT_TEST(a_maker_may_have_a_location_of_its_own)
{
	DEVICE_OBJECT mine = {.Type = IO_TYPE_DEVICE};
	PIRP irp = IoAllocateIrp(3, FALSE);

	IoFreeIrp(prepare());
	for (unsigned round = 0; round < 3; round++) {
		IoSetNextIrpStackLocation(irp);
		IoGetCurrentIrpStackLocation(irp)->DeviceObject = &mine;
		IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_PNP;
		IoGetNextIrpStackLocation(irp)->MinorFunction = 9;
		IoSetCompletionRoutine(irp, own_done, &mine, TRUE, TRUE, TRUE);
		stack.calls[0] = 0;
		stack.lower_pends = round == 1;
		send(irp);
		if (round == 1) {
			IoReuseIrp(irp, 0);
			CHECK_VIOLATION(0, "a driver still has");
			irp->IoStatus.Status = STATUS_SUCCESS;
			IoCompleteRequest(irp, IO_NO_INCREMENT);
		}
		CHECK_CALLS("upper lower own_done ");
		CHECK_EQUAL(irp->CurrentLocation, 3);
		if (round < 2)
			IoReuseIrp(irp, 0);
	}
	IoFreeIrp(irp);
}

/* covers: IofCallDriver */
NT_TEST(a_dispatch_routine_that_changes_the_irql_is_told)
{
	PIRP irp = prepare();
	KIRQL old;

	stack.raise_to = IRQL_DISPATCH;
	send(irp);
	CHECK_VIOLATION(0xC9000005, "called at IRQL 0 and returned at 2");
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
	IoFreeIrp(irp);
	old = KeRaiseIrqlToDpcLevel();
	KeLowerIrql(old);
}

static VOID NTAPI never(PDEVICE_OBJECT device, PIRP irp)
{
	CHECK(false);
}

/* Bug checks 0x44, 0xC9. covers: IofCompleteRequest */
NT_TEST(wrong_completions_are_told)
{
	PIRP irp = prepare();
	IO_STATUS_BLOCK result;

	send(irp);
	IoFreeIrp(irp);
	IoCompleteRequest(irp, IO_NO_INCREMENT); /* freed */
	CHECK_VIOLATION(0x44000000, "twice");
	irp = prepare();
	stack.status = STATUS_PENDING;
	send(irp);
	CHECK_VIOLATION(0xC9000006, "00000103");
	IoFreeIrp(irp);
	irp = prepare();
	irp->CancelRoutine = never;
	send(irp);
	CHECK_VIOLATION(0xC9000007, "cancel routine is still set");
	CHECK(!irp->CancelRoutine);
	IoFreeIrp(irp);
	/* One that has ended at its maker's is complete: again is once too often. */
	irp = IoBuildSynchronousFsdRequest(
		IRP_MJ_PNP, &stack.device[0], NULL, 0, NULL, NULL, &result);
	IoGetNextIrpStackLocation(irp)->MinorFunction = 9;
	stack.status = STATUS_SUCCESS;
	send(irp);
	CHECK_EQUAL(result.Status, STATUS_SUCCESS);
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	CHECK_VIOLATION(0x44000000, "twice");
}

/* ---- cancelled ---- */

static KIRQL cancel_irql;
static bool releases;

static VOID NTAPI cancel(PDEVICE_OBJECT device, PIRP irp)
{
	called("cancel");
	CHECK(device == &stack.device[1]);
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	CHECK(!irp->CancelRoutine && irp->Cancel);
	cancel_irql = irp->CancelIrql;
	if (releases)
		IoReleaseCancelSpinLock(irp->CancelIrql);
	irp->IoStatus.Status = STATUS_CANCELLED;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
}

/* covers: IoCancelIrp, IoAcquireCancelSpinLock, IoReleaseCancelSpinLock */
NT_TEST(a_cancelled_irp_is_ended_by_its_cancel_routine)
{
	PIRP irp;

	for (unsigned n = 0; n < 2; n++) {
		irp = prepare();
		releases = !n;
		stack.lower_pends = true;
		send(irp);
		CHECK(!IoSetCancelRoutine(irp, cancel));
		CHECK(IoCancelIrp(irp));
		if (n)
			CHECK_VIOLATION(0, "returned with the cancel spin lock held");
		CHECK_EQUAL(cancel_irql, PASSIVE_LEVEL);
		CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
		CHECK_CALLS("upper lower cancel maker_done ");
		CHECK_EQUAL(irp->IoStatus.Status, STATUS_CANCELLED);
		IoFreeIrp(irp);
	}
}

/* FALSE: no cancel routine; the IRP is marked, which the driver will see.
 * covers: IoCancelIrp, IoAcquireCancelSpinLock, IoReleaseCancelSpinLock */
NT_TEST(without_a_cancel_routine_an_irp_is_marked)
{
	PIRP irp = prepare();
	KIRQL old = HIGH_LEVEL, level;

	stack.lower_pends = true;
	send(irp);
	CHECK(IoSetCancelRoutine(irp, cancel) == NULL);
	CHECK(IoSetCancelRoutine(irp, NULL) == cancel);
	CHECK(!IoCancelIrp(irp));
	CHECK(irp->Cancel);
	CHECK_CALLS("upper lower ");
	irp->IoStatus.Status = STATUS_CANCELLED;
	IoCompleteRequest(irp, IO_NO_INCREMENT);
	IoFreeIrp(irp);
	CHECK(!IoCancelIrp(irp));
	CHECK_VIOLATION(0, "no IRP");
	IoAcquireCancelSpinLock(&old);
	CHECK_EQUAL(old, PASSIVE_LEVEL);
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	IoReleaseCancelSpinLock(old);
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
	IoReleaseCancelSpinLock(old);
	CHECK_VIOLATION(0xC404000B, "does not hold it");
	level = KeRaiseIrqlToDpcLevel();
	IoAcquireCancelSpinLock(&old);
	CHECK_EQUAL(old, DISPATCH_LEVEL);
	IoReleaseCancelSpinLock(old);
	CHECK_EQUAL(KeGetCurrentIrql(), DISPATCH_LEVEL);
	KeLowerIrql(level);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_irp_goes_down_the_stack_and_up_through_completion_routines),
		cmocka_unit_test(a_completion_routine_runs_for_what_it_asked_for),
		cmocka_unit_test(more_processing_stops_the_way_up),
		cmocka_unit_test(pending_is_handed_up),
		cmocka_unit_test(what_cannot_be_sent_is_told_and_ended),
		cmocka_unit_test(a_stack_that_is_too_small_is_told),
		cmocka_unit_test(a_location_before_the_first_is_told),
		cmocka_unit_test(a_maker_may_have_a_location_of_its_own),
		cmocka_unit_test(a_dispatch_routine_that_changes_the_irql_is_told),
		cmocka_unit_test(wrong_completions_are_told),
		cmocka_unit_test(a_cancelled_irp_is_ended_by_its_cancel_routine),
		cmocka_unit_test(without_a_cancel_routine_an_irp_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
