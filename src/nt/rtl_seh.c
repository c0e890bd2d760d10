/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The run time of __try, __except and __finally (seh.h), and the routines that raise. An exception
 * that no driver's frame takes ends the run, as it ends Windows with bug check 0x1E.
 */
#include "cpu/cpu.h"
#include "nt/nt.h"
#include "nt/seh.h"
#include "util/export.h"
#include "util/sanitizer.h"

#include <stdlib.h>

typedef LONG NTAPI seh_filter_fn(EXCEPTION_POINTERS *pointers, void *locals);

/* What the compiler of the driver calls. */
ULONG NTAPI __dry_seh_enter(struct seh_frame *frame);
void NTAPI __dry_seh_leave(struct seh_frame *frame);
void NTAPI __dry_seh_resume(struct seh_frame *frame) __attribute__((noreturn));
/* Returns from __dry_seh_enter once more, with 1. */
void NTAPI seh_jump(struct seh_frame *frame) __attribute__((noreturn));
ULONG NTAPI seh_link(struct seh_frame *frame);

VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord);

_Static_assert(offsetof(struct seh_frame, registers) == 48, "switched to in assembly");
_Static_assert(offsetof(struct seh_frame, mxcsr) == 128, "switched to in assembly");
_Static_assert(offsetof(struct seh_frame, vectors) == 144, "switched to in assembly");

/*
 * The convention of the driver: frame in rcx; rbx rbp rdi rsi r12-r15 and xmm6-15 are the caller's.
 * The stack pointer that is kept is the caller's own, after the return. seh_link returns 0 to the
 * driver.
 */
__asm__(".pushsection .text\n"
	".globl __dry_seh_enter\n"
	".hidden __dry_seh_enter\n"
	".type __dry_seh_enter, @function\n"
	"__dry_seh_enter:\n"
	"	.cfi_startproc\n"
	"	movq %rbx, 48(%rcx)\n"
	"	movq %rbp, 56(%rcx)\n"
	"	movq %rdi, 64(%rcx)\n"
	"	movq %rsi, 72(%rcx)\n"
	"	movq %r12, 80(%rcx)\n"
	"	movq %r13, 88(%rcx)\n"
	"	movq %r14, 96(%rcx)\n"
	"	movq %r15, 104(%rcx)\n"
	"	leaq 8(%rsp), %rax\n"
	"	movq %rax, 112(%rcx)\n"
	"	movq (%rsp), %rax\n"
	"	movq %rax, 120(%rcx)\n"
	"	stmxcsr 128(%rcx)\n"
	"	movaps %xmm6, 144(%rcx)\n"
	"	movaps %xmm7, 160(%rcx)\n"
	"	movaps %xmm8, 176(%rcx)\n"
	"	movaps %xmm9, 192(%rcx)\n"
	"	movaps %xmm10, 208(%rcx)\n"
	"	movaps %xmm11, 224(%rcx)\n"
	"	movaps %xmm12, 240(%rcx)\n"
	"	movaps %xmm13, 256(%rcx)\n"
	"	movaps %xmm14, 272(%rcx)\n"
	"	movaps %xmm15, 288(%rcx)\n"
	"	jmp seh_link\n"
	"	.cfi_endproc\n"
	".size __dry_seh_enter, .-__dry_seh_enter\n"
	".globl seh_jump\n"
	".hidden seh_jump\n"
	".type seh_jump, @function\n"
	"seh_jump:\n"
	"	.cfi_startproc\n"
	"	movaps 144(%rcx), %xmm6\n"
	"	movaps 160(%rcx), %xmm7\n"
	"	movaps 176(%rcx), %xmm8\n"
	"	movaps 192(%rcx), %xmm9\n"
	"	movaps 208(%rcx), %xmm10\n"
	"	movaps 224(%rcx), %xmm11\n"
	"	movaps 240(%rcx), %xmm12\n"
	"	movaps 256(%rcx), %xmm13\n"
	"	movaps 272(%rcx), %xmm14\n"
	"	movaps 288(%rcx), %xmm15\n"
	"	ldmxcsr 128(%rcx)\n"
	"	movq 48(%rcx), %rbx\n"
	"	movq 56(%rcx), %rbp\n"
	"	movq 64(%rcx), %rdi\n"
	"	movq 72(%rcx), %rsi\n"
	"	movq 80(%rcx), %r12\n"
	"	movq 88(%rcx), %r13\n"
	"	movq 96(%rcx), %r14\n"
	"	movq 104(%rcx), %r15\n"
	"	movq 112(%rcx), %rsp\n"
	"	movl $1, %eax\n"
	"	jmp *120(%rcx)\n"
	"	.cfi_endproc\n"
	".size seh_jump, .-seh_jump\n"
	".popsection\n");

/* A host thread outside the machine may run driver code too (a test). */
static __thread void *seh_outside;

/* noinline: control may have come back on another host thread since the last look. */
static __attribute__((noinline)) void **seh_chain(void)
{
	return cpu_self ? &cpu_self->seh : &seh_outside;
}

/* Called by name from the assembly above. */
__attribute__((used)) ULONG NTAPI seh_link(struct seh_frame *frame)
{
	frame->prev = *seh_chain();
	*seh_chain() = frame;
	return 0;
}

void NTAPI __dry_seh_leave(struct seh_frame *frame)
{
	if (*seh_chain() != frame)
		cpu_die("the chain of __try frames is broken: a function returned out of turn");
	*seh_chain() = frame->prev;
}

/* ---- the first way: who wants it? ---- */

/* The scope of a frame whose filter takes the exception, 0 if none does, -1: go on where it was
 * raised. */
static int64_t frame_ask(struct seh_frame *frame, EXCEPTION_POINTERS *pointers)
{
	for (uint32_t n = frame->state; n; n = frame->scopes[n - 1].next) {
		void *filter = frame->scopes[n - 1].filter;
		LONG answer = EXCEPTION_EXECUTE_HANDLER;

		if (!filter)
			continue;
		if (filter != SEH_ALWAYS)
			answer = ((seh_filter_fn *)filter)(pointers, frame->locals);
		if (answer > 0)
			return n;
		if (answer < 0)
			return -1;
	}
	return 0;
}

/* ---- the second way: back out, through the __finally blocks ---- */

static void __attribute__((noreturn))
frame_unwind(struct seh_frame *frame, struct seh_frame *goal, uint32_t scope, uint32_t code)
{
	/* a frame in which control is in no __try has nothing to run */
	while (frame != goal && !frame->state)
		frame = frame->prev;
	*seh_chain() = frame;
	frame->goal = goal;
	frame->goal_scope = scope;
	frame->target = frame == goal ? scope : 0;
	frame->code = code;
	sanitizer_no_return();
	seh_jump(frame);
}

void NTAPI __dry_seh_resume(struct seh_frame *frame)
{
	if (frame == frame->goal || *seh_chain() != frame)
		cpu_die("the chain of __try frames is broken: nobody took exception 0x%08X",
			frame->code);
	frame_unwind(frame->prev, frame->goal, frame->goal_scope, frame->code);
}

/* ---- raising ---- */

static void __attribute__((noreturn))
seh_unhandled(const EXCEPTION_RECORD *record, const char *routine)
{
	const char *place = nt_driver_place ? nt_driver_place() : NULL;

	cpu_die("%s: exception 0x%08X, raised in %s, is caught by no __except; Windows stops with "
		"bug check "
		"0x1E, KMODE_EXCEPTION_NOT_HANDLED",
		routine, (unsigned)record->ExceptionCode, place ? place : "an unknown place");
}

static void seh_raise(EXCEPTION_RECORD *record, const char *routine);

/* A filter wants to go on after an exception that does not allow it. */
static void __attribute__((noreturn)) seh_raise_worse(EXCEPTION_RECORD *record, const char *routine)
{
	EXCEPTION_RECORD worse = {.ExceptionCode = STATUS_NONCONTINUABLE_EXCEPTION,
		.ExceptionFlags = EXCEPTION_NONCONTINUABLE,
		.ExceptionRecord = record,
		.ExceptionAddress = record->ExceptionAddress};

	/* it would for ever */
	if (record->ExceptionCode == STATUS_NONCONTINUABLE_EXCEPTION)
		cpu_die("%s: a filter answers EXCEPTION_CONTINUE_EXECUTION to exception 0x%08X, "
			"which "
			"cannot be continued",
			routine,
			(unsigned)(record->ExceptionRecord ? record->ExceptionRecord : record)
				->ExceptionCode);
	seh_raise(&worse, routine);
	abort();
}

static void seh_raise(EXCEPTION_RECORD *record, const char *routine)
{
	EXCEPTION_POINTERS pointers = {record, NULL};

	sanitizer_init();
	for (struct seh_frame *frame = *seh_chain(); frame; frame = frame->prev) {
		int64_t answer = frame_ask(frame, &pointers);

		if (answer > 0)
			frame_unwind(*seh_chain(), frame, (uint32_t)answer,
				(uint32_t)record->ExceptionCode);
		if (answer < 0 && !(record->ExceptionFlags & EXCEPTION_NONCONTINUABLE))
			return;
		if (answer < 0)
			seh_raise_worse(record, routine);
	}
	seh_unhandled(record, routine);
}

static void __attribute__((noreturn))
seh_raise_status(NTSTATUS status, void *address, const char *routine)
{
	EXCEPTION_RECORD record = {.ExceptionCode = status,
		.ExceptionFlags = EXCEPTION_NONCONTINUABLE,
		.ExceptionAddress = address};

	seh_raise(&record, routine);
	abort();
}

VOID NTAPI ExRaiseStatus(NTSTATUS Status)
{
	seh_raise_status(Status, __builtin_return_address(0), "ExRaiseStatus");
}
DRY_EXPORT(ExRaiseStatus)

VOID NTAPI ExRaiseAccessViolation(VOID)
{
	seh_raise_status(
		STATUS_ACCESS_VIOLATION, __builtin_return_address(0), "ExRaiseAccessViolation");
}
DRY_EXPORT(ExRaiseAccessViolation)

VOID NTAPI ExRaiseDatatypeMisalignment(VOID)
{
	seh_raise_status(STATUS_DATATYPE_MISALIGNMENT, __builtin_return_address(0),
		"ExRaiseDatatypeMisalignment");
}
DRY_EXPORT(ExRaiseDatatypeMisalignment)

VOID NTAPI RtlRaiseException(PEXCEPTION_RECORD ExceptionRecord)
{
	ExceptionRecord->ExceptionAddress = __builtin_return_address(0);
	seh_raise(ExceptionRecord, "RtlRaiseException");
}
DRY_EXPORT(RtlRaiseException)

DRY_EXPORT(__dry_seh_enter)
DRY_EXPORT(__dry_seh_leave)
DRY_EXPORT(__dry_seh_resume)
