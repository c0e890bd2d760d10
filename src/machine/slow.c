/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A subscriber that, under `strict`, tells of a miniport's routine that is not back within half a
 * second, as Driver Verifier does (0xF1/0x1002). It looks at the clock before and after; what
 * interrupts a routine counts as the routine's own time. See machine.h.
 *
 * Without replay a routine for which its processor's host thread was hardly running is left out:
 * what the host gave to others meanwhile is not the miniport's fault.
 */
#include "machine/machine.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <string.h>
#include <time.h>

#define MOST_NS	    500000000ull
#define MOST_RUN_NS (MOST_NS / 10)
#define DEPTH	    8 /* routines that interrupt one another */
#define BUS	    2 /* TRACE_RESET: HwResetBus; the others wait for a request */

static const struct {
	enum trace_type begin, end;
	const char *routine;
} routines[] = {
	{TRACE_HW_BUILDIO, TRACE_HW_BUILDIO_END, "HwBuildIo"},
	{TRACE_HW_STARTIO, TRACE_HW_STARTIO_END, "HwStartIo"},
	{TRACE_IRQ, TRACE_IRQ_END, "the interrupt routine"},
	{TRACE_DPC, TRACE_DPC_END, "a DPC routine"},
	{TRACE_HW_TIMER, TRACE_HW_TIMER_END, "a timer routine"},
	{TRACE_RESET, TRACE_RESET_END, "HwResetBus"},
};

struct time {
	uint64_t clock, run; /* run: of the host thread */
};

static struct {
	struct time since[DEPTH];
	unsigned depth;
} running[CPU_MAX];

static struct time now(void)
{
	struct time now = {.clock = cpu_clock()};
	struct timespec run;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &run);
	now.run = (uint64_t)run.tv_sec * 1000000000 + (uint64_t)run.tv_nsec;
	return now;
}

static void check(const struct time *since, const char *routine)
{
	struct time end = now();
	uint64_t took = end.clock - since->clock;

	if (took > MOST_NS && (cpu_is_replayed() || end.run - since->run > MOST_RUN_NS))
		nt_violation(0xf1001002, "%s took %llu ms; it has to be back within half a second.",
			routine, (unsigned long long)(took / 1000000));
}

static void ended(unsigned processor, const char *routine)
{
	unsigned depth = running[processor].depth;

	if (!depth)
		return; /* it had begun before anybody listened */
	running[processor].depth = --depth;
	if (depth < DEPTH)
		check(&running[processor].since[depth], routine);
}

static void listen(void *ctx, const struct trace_event *event)
{
	unsigned processor = event->processor;

	if (processor >= CPU_MAX)
		return;
	if ((event->type == TRACE_RESET || event->type == TRACE_RESET_END) && event->arg[0] != BUS)
		return;
	for (size_t n = 0; n < array_size(routines); n++) {
		if (event->type == routines[n].end)
			ended(processor, routines[n].routine);
		if (event->type != routines[n].begin)
			continue;
		if (running[processor].depth < DEPTH)
			running[processor].since[running[processor].depth] = now();
		running[processor].depth++;
	}
}

void slow_start(void)
{
	uint64_t mask = 0;

	memset(running, 0, sizeof(running));
	for (size_t n = 0; n < array_size(routines); n++)
		mask |= 1ull << routines[n].begin | 1ull << routines[n].end;
	trace_subscribe(mask, listen, NULL);
}

void slow_stop(void)
{
	trace_unsubscribe(listen, NULL);
}
