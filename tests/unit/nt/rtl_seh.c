/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The run time of structured exceptions by itself, with frames made by hand as dryport-build makes
 * them (seh.h). That its code and this run time fit together is tested in tests/build/seh.sh.
 */
#include "nt_kit.h"
#include "nt/seh.h"
#include "util/export.h"

ULONG NTAPI __dry_seh_enter(struct seh_frame *frame) __attribute__((returns_twice));
void NTAPI __dry_seh_leave(struct seh_frame *frame);
void NTAPI __dry_seh_resume(struct seh_frame *frame) __attribute__((noreturn));
VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD record);

static char trail[64];

static void step(char c)
{
	size_t length = strlen(trail);

	trail[length] = c;
	trail[length + 1] = 0;
}

#define CHECK_TRAIL(want)                                                                          \
	do {                                                                                       \
		CHECK(!strcmp(trail, want));                                                       \
		trail[0] = 0;                                                                      \
	} while (0)

static LONG NTAPI take(EXCEPTION_POINTERS *pointers, void *locals)
{
	step('T');
	CHECK(locals == trail);
	return pointers->ExceptionRecord->ExceptionCode == STATUS_DATA_ERROR
		       ? EXCEPTION_EXECUTE_HANDLER
		       : EXCEPTION_CONTINUE_SEARCH;
}

static LONG NTAPI decline(EXCEPTION_POINTERS *pointers, void *locals)
{
	step('D');
	return EXCEPTION_CONTINUE_SEARCH;
}

static LONG NTAPI go_on(EXCEPTION_POINTERS *pointers, void *locals)
{
	step('C');
	return EXCEPTION_CONTINUE_EXECUTION;
}

static void raise_through_exports(NTSTATUS status)
{
	VOID NTAPI (*raise)(NTSTATUS) = export_find("ExRaiseStatus")->address;

	raise(status);
}

/* __try { __try { raise; } __finally { step('1') } } __except (decline) {}, never taking anything.
 */
static __attribute__((noinline)) void inner(void (*raise)(NTSTATUS), NTSTATUS status)
{
	static const struct seh_scope scopes[] = {{2, 0, NULL}, {0, 0, (void *)decline}};
	struct seh_frame frame = {.scopes = scopes};

	if (__dry_seh_enter(&frame)) {
		CHECK_EQUAL(frame.state, 1);
		CHECK_EQUAL(frame.target, 0);
		step('1');
		__dry_seh_resume(&frame);
	}
	frame.state = 1;
	raise(status);
	frame.state = 0;
	step('n');
	__dry_seh_leave(&frame);
}

/* __try { inner } __except (filter) { answers the code }; 0 if nothing was raised. */
static __attribute__((noinline)) ULONG outer(void *filter, void (*raise)(NTSTATUS), NTSTATUS status)
{
	const struct seh_scope scopes[] = {{0, 0, filter}};
	struct seh_frame frame = {.scopes = scopes, .locals = trail};
	volatile ULONG code = 0;

	if (__dry_seh_enter(&frame)) {
		CHECK_EQUAL(frame.target, 1);
		step('e');
		code = frame.code;
	} else {
		frame.state = 1;
		inner(raise, status);
	}
	__dry_seh_leave(&frame);
	CHECK(!cpu_self->seh);
	return code;
}

static void raise_nothing(NTSTATUS status)
{
}

/* covers: ExRaiseStatus */
NT_TEST(filters_are_asked_first_then_finally_blocks_run_then_the_except_block)
{
	CHECK_EQUAL(outer((void *)take, raise_through_exports, STATUS_DATA_ERROR), 0xC000003E);
	CHECK_TRAIL("DT1e");
	CHECK_EQUAL(outer(SEH_ALWAYS, raise_through_exports, STATUS_NO_MEMORY), 0xC0000017);
	CHECK_TRAIL("D1e");
	CHECK_EQUAL(outer((void *)take, raise_nothing, 0), 0);
	CHECK_TRAIL("n");
}

static void raise_violation(NTSTATUS status)
{
	VOID NTAPI (*raise)(void) = export_find("ExRaiseAccessViolation")->address;

	raise();
}

static void raise_misalignment(NTSTATUS status)
{
	VOID NTAPI (*raise)(void) = export_find("ExRaiseDatatypeMisalignment")->address;

	raise();
}

/* covers: ExRaiseAccessViolation, ExRaiseDatatypeMisalignment */
NT_TEST(the_named_raises_have_their_documented_codes)
{
	CHECK_EQUAL(outer(SEH_ALWAYS, raise_violation, 0), 0xC0000005);
	CHECK_EQUAL(outer(SEH_ALWAYS, raise_misalignment, 0), 0x80000002);
	trail[0] = 0;
}

static void raise_continuable(NTSTATUS status)
{
	EXCEPTION_RECORD record = {.ExceptionCode = status};

	RtlRaiseException(&record);
	CHECK(record.ExceptionAddress);
}

/* covers: RtlRaiseException */
NT_TEST(a_continuable_exception_may_go_on_where_it_was_raised)
{
	CHECK_EQUAL(outer((void *)go_on, raise_continuable, STATUS_DATA_ERROR), 0);
	CHECK_TRAIL("DCn");
}

static void dies_uncaught(void *ctx)
{
	outer((void *)decline, raise_through_exports, STATUS_ACCESS_DENIED);
}

static void dies_going_on(void *ctx)
{
	outer((void *)go_on, raise_through_exports, STATUS_ACCESS_DENIED);
}

static void dies_leaving(void *ctx)
{
	struct seh_frame first = {0}, second = {0};

	if (__dry_seh_enter(&first) || __dry_seh_enter(&second))
		return;
	__dry_seh_leave(&first);
}

static void what_nobody_catches_ends_the_run_with_status_and_routine(void **state)
{
	assert_dies(dies_uncaught, "ExRaiseStatus: exception 0xC0000022, raised in ");
	assert_dies(dies_uncaught, "bug check 0x1E, KMODE_EXCEPTION_NOT_HANDLED");
	trail[0] = 0;
}

static void going_on_after_a_noncontinuable_exception_is_another_one(void **state)
{
	/* STATUS_NONCONTINUABLE_EXCEPTION, which the same filter answers the same way */
	assert_dies(dies_going_on,
		"ExRaiseStatus: a filter answers EXCEPTION_CONTINUE_EXECUTION to "
		"exception 0xC0000022, which cannot be continued");
}

static void frames_that_are_left_out_of_turn_are_noticed(void **state)
{
	assert_dies(dies_leaving, "the chain of __try frames is broken");
}

/* ---- threads ---- */

static _Atomic int turn;

static void other_thread(void *ctx)
{
	/* the first thread is inside its __try on this processor */
	CHECK(!cpu_self->seh);
	CHECK_EQUAL(outer(SEH_ALWAYS, raise_through_exports, STATUS_NO_MEMORY), 0xC0000017);
	turn = 1;
}

static void wait_for_the_other(NTSTATUS status)
{
	struct cpu_thread *other = cpu_thread_new(other_thread, NULL, 0, "other");

	while (!turn)
		cpu_thread_yield();
	cpu_thread_join(other);
	cpu_thread_free(other);
}

NT_TEST(each_kernel_thread_has_its_own_chain)
{
	turn = 0;
	CHECK_EQUAL(outer((void *)take, wait_for_the_other, 0), 0);
	trail[0] = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			filters_are_asked_first_then_finally_blocks_run_then_the_except_block),
		cmocka_unit_test(the_named_raises_have_their_documented_codes),
		cmocka_unit_test(a_continuable_exception_may_go_on_where_it_was_raised),
		cmocka_unit_test(what_nobody_catches_ends_the_run_with_status_and_routine),
		cmocka_unit_test(going_on_after_a_noncontinuable_exception_is_another_one),
		cmocka_unit_test(frames_that_are_left_out_of_turn_are_noticed),
		cmocka_unit_test(each_kernel_thread_has_its_own_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
