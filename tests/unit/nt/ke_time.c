/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ke: clocks. */
#include "nt_kit.h"
#include <time.h>

static uint64_t host_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* covers: KeQuerySystemTime, KeQuerySystemTimePrecise */
NT_TEST(system_time_counts_100_ns_since_1601)
{
	LARGE_INTEGER now, precise;
	int64_t expected;
	struct timespec host;

	clock_gettime(CLOCK_REALTIME, &host);
	KeQuerySystemTime(&now);
	KeQuerySystemTimePrecise(&precise);
	/* 134774 days from 1601-01-01 to 1970-01-01 */
	expected = (134774ll * 86400 + host.tv_sec) * 10000000;
	CHECK(now.QuadPart >= expected - 20000000 && now.QuadPart < expected + 100000000);
	CHECK(precise.QuadPart >= now.QuadPart && precise.QuadPart < now.QuadPart + 10000000);
}

/* covers: KeStallExecutionProcessor */
NT_TEST(a_stall_lasts_as_long_as_asked_at_any_level)
{
	uint64_t start = host_ns();
	KIRQL old;

	KeStallExecutionProcessor(3000);
	CHECK(host_ns() - start >= 3000000);
	KeRaiseIrql(HIGH_LEVEL, &old);
	start = host_ns();
	KeStallExecutionProcessor(1000);
	CHECK(host_ns() - start >= 1000000);
	KeLowerIrql(old);
	KeStallExecutionProcessor(0);
}

/*
 * covers: KeQueryInterruptTime, KeQueryInterruptTimePrecise, KeQueryPerformanceCounter,
 * KeQueryTickCount, KeQueryTimeIncrement
 */
NT_TEST(the_counters_measure_the_same_time)
{
	LARGE_INTEGER frequency, first, second, tick_first, tick_second;
	ULONGLONG interrupt_first, interrupt_second, precise, stamp;
	int64_t us;

	first = KeQueryPerformanceCounter(&frequency);
	interrupt_first = KeQueryInterruptTime();
	KeQueryTickCount(&tick_first);
	pass_ms(40);
	second = KeQueryPerformanceCounter(NULL);
	interrupt_second = KeQueryInterruptTime();
	KeQueryTickCount(&tick_second);
	CHECK(frequency.QuadPart > 0);
	us = (second.QuadPart - first.QuadPart) * 1000000 / frequency.QuadPart;
	CHECK(us >= 40000 && us < 5000000);
	CHECK(interrupt_second - interrupt_first >= 400000 - 10);
	CHECK((int64_t)(interrupt_second - interrupt_first) < us * 10 + 100000);
	CHECK(KeQueryTimeIncrement() > 0);
	CHECK((tick_second.QuadPart - tick_first.QuadPart + 1) * KeQueryTimeIncrement() >= 400000);
	precise = KeQueryInterruptTimePrecise(&stamp);
	CHECK(precise >= interrupt_second);
	CHECK(stamp >= (ULONGLONG)second.QuadPart);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(system_time_counts_100_ns_since_1601),
		cmocka_unit_test(a_stall_lasts_as_long_as_asked_at_any_level),
		cmocka_unit_test(the_counters_measure_the_same_time),
	};

	return cmocka_run_group_tests_name("nt/ke_time", tests, NULL, NULL);
}
