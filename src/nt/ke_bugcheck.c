/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke and Dbg: the end by a bug check, break points, failed assertions. Where no debugger is
 * attached a break point is an unhandled exception and thus a bug check, as on Windows.
 */
#include "nt/nt_check.h"
#include "util/export.h"

#include <signal.h>
#include <stdio.h>

enum { KMODE_EXCEPTION_NOT_HANDLED = 0x1E };

void (*nt_crash_dump)(void);

static const struct {
	ULONG code;
	const char *name;
} names[] = {
	{0x0A, "IRQL_NOT_LESS_OR_EQUAL"},
	{0x0C, "MAXIMUM_WAIT_OBJECTS_EXCEEDED"},
	{0x1E, "KMODE_EXCEPTION_NOT_HANDLED"},
	{0x3F, "NO_MORE_SYSTEM_PTES"},
	{0x40, "TARGET_MDL_TOO_SMALL"},
	{0x7E, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"},
	{0x9F, "DRIVER_POWER_STATE_FAILURE"},
	{0xC2, "BAD_POOL_CALLER"},
	{0xC4, "DRIVER_VERIFIER_DETECTED_VIOLATION"},
	{0xC5, "DRIVER_CORRUPTED_EXPOOL"},
	{0xC9, "DRIVER_VERIFIER_IOMANAGER_VIOLATION"},
	{0xD1, "DRIVER_IRQL_NOT_LESS_OR_EQUAL"},
	{0xE2, "MANUALLY_INITIATED_CRASH"},
	{0xE6, "DRIVER_VERIFIER_DMA_VIOLATION"},
	{0xF1, "SCSI_VERIFIER_DETECTED_VIOLATION"},
	{0xF7, "DRIVER_OVERRAN_STACK_BUFFER"},
};

static const char *code_name(ULONG code)
{
	for (size_t i = 0; i < array_size(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "a driver's own code";
}

/* With --dump it does not return. */
static void dump(void)
{
	if (nt_crash_dump)
		nt_crash_dump();
}

DECLSPEC_NORETURN VOID NTAPI KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR BugCheckParameter1,
	ULONG_PTR BugCheckParameter2, ULONG_PTR BugCheckParameter3, ULONG_PTR BugCheckParameter4)
{
	const char *place = nt_driver_place ? nt_driver_place() : NULL;
	char where[256];

	snprintf(where, sizeof(where), "%s%s", place ? ", at " : "", place ? place : "");
	dump();
	cpu_die("bug check 0x%02X (%s): %llx, %llx, %llx, %llx%s", BugCheckCode,
		code_name(BugCheckCode), (unsigned long long)BugCheckParameter1,
		(unsigned long long)BugCheckParameter2, (unsigned long long)BugCheckParameter3,
		(unsigned long long)BugCheckParameter4, where);
}
DRY_EXPORT(KeBugCheckEx)

DECLSPEC_NORETURN VOID NTAPI KeBugCheck(ULONG BugCheckCode)
{
	KeBugCheckEx(BugCheckCode, 0, 0, 0, 0);
}
DRY_EXPORT(KeBugCheck)

static bool debugger_attached(void)
{
	char line[128];
	int tracer = 0;
	FILE *status = fopen("/proc/self/status", "re");

	if (!status)
		return false;
	while (!tracer && fgets(line, sizeof(line), status))
		if (sscanf(line, "TracerPid: %d", &tracer) == 1)
			break;
	fclose(status);
	return tracer != 0;
}

static void break_with(NTSTATUS status, ULONG_PTR parameter)
{
	if (debugger_attached())
		raise(SIGTRAP);
	else
		KeBugCheckEx(KMODE_EXCEPTION_NOT_HANDLED, (ULONG_PTR)(LONG_PTR)status,
			(ULONG_PTR)__builtin_return_address(0), parameter, 0);
}

VOID NTAPI DbgBreakPoint(VOID)
{
	break_with(STATUS_BREAKPOINT, 0);
}
DRY_EXPORT(DbgBreakPoint)

VOID NTAPI DbgBreakPointWithStatus(ULONG Status)
{
	break_with(STATUS_BREAKPOINT, Status);
}
DRY_EXPORT(DbgBreakPointWithStatus)

VOID NTAPI DbgRaiseAssertionFailure(VOID)
{
	break_with(STATUS_ASSERTION_FAILURE, 0);
}
DRY_EXPORT(DbgRaiseAssertionFailure)

VOID NTAPI RtlAssert(
	PVOID VoidFailedAssertion, PVOID VoidFileName, ULONG LineNumber, PSTR MutableMessage)
{
	char text[512];

	snprintf(text, sizeof(text), "assertion failed: %s%s%s, %s line %u",
		MutableMessage ? MutableMessage : "", MutableMessage ? ": " : "",
		(const char *)VoidFailedAssertion, (const char *)VoidFileName, LineNumber);
	nt_debug_line(text);
	nt_violation(0, "%s", text);
	break_with(STATUS_ASSERTION_FAILURE, 0);
}
DRY_EXPORT(RtlAssert)

/* What stands in the table of a class of C++ for a function that it leaves to others. */
static int NTAPI pure_call(void)
{
	const char *place = nt_driver_place ? nt_driver_place() : NULL;

	cpu_die("a pure virtual function was called%s%s", place ? ", at " : "", place ? place : "");
}
DRY_EXPORT_AS(_purecall, pure_call)
