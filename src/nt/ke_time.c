/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke: clocks, on top of the machine's one clock in cpu/. System time and interrupt time are always
 * precise here; the tick count goes in steps of the usual 15.625 ms; the performance counter has 10
 * MHz as on a PC with an invariant time stamp counter.
 */
#include "nt/nt_check.h"
#include "util/export.h"

enum { TICK_100NS = 156250, COUNTER_HZ = 10000000 };

VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime)
{
	cpu_poll();
	CurrentTime->QuadPart = (LONGLONG)cpu_system_time();
}
DRY_EXPORT(KeQuerySystemTimePrecise)

VOID NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
	KeQuerySystemTimePrecise(CurrentTime);
}
DRY_EXPORT(KeQuerySystemTime)

ULONGLONG NTAPI KeQueryInterruptTime(VOID)
{
	cpu_poll();
	return cpu_clock() / 100;
}
DRY_EXPORT(KeQueryInterruptTime)

ULONGLONG NTAPI KeQueryInterruptTimePrecise(PULONG64 QpcTimeStamp)
{
	uint64_t now;

	cpu_poll();
	now = cpu_clock() / 100;
	*QpcTimeStamp = now;
	return now;
}
DRY_EXPORT(KeQueryInterruptTimePrecise)

LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
	LARGE_INTEGER now;

	cpu_poll();
	if (PerformanceFrequency)
		PerformanceFrequency->QuadPart = COUNTER_HZ;
	now.QuadPart = (LONGLONG)(cpu_clock() / (1000000000 / COUNTER_HZ));
	return now;
}
DRY_EXPORT(KeQueryPerformanceCounter)

VOID NTAPI KeQueryTickCount(PLARGE_INTEGER TickCount)
{
	cpu_poll();
	TickCount->QuadPart = (LONGLONG)(cpu_clock() / 100 / TICK_100NS);
}
DRY_EXPORT(KeQueryTickCount)

ULONG NTAPI KeQueryTimeIncrement(VOID)
{
	return TICK_100NS;
}
DRY_EXPORT(KeQueryTimeIncrement)

VOID NTAPI KeStallExecutionProcessor(ULONG MicroSeconds)
{
	nt_processor("KeStallExecutionProcessor");
	cpu_stall(MicroSeconds * 1000ull);
}
DRY_EXPORT(KeStallExecutionProcessor)
