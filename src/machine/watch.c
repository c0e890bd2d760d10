/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A subscriber that holds the port to its word while the device fails: each request that was
 * submitted ends once, and one that a miniport has been given ends within its time-out and the
 * ladder after it (T-3, R-1). Under replay: one host thread. See machine.h.
 */
#include "machine/machine.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <string.h>

#define SECOND_NS 1000000000ull
/* src/port/recover.c: the tick that sees it, three rungs, the time to come back after each; once
 * more, as it may have been another request's turn first. */
#define LADDER_SECONDS (2 * (1 + 3 * 10 + 3))

static struct {
	uint64_t id, started; /* started 0: the miniport does not have it */
	uint32_t seconds;
	bool is_out;
} watched[1024];

static uint32_t seconds_of(unsigned function, unsigned opcode)
{
	bool is_rw = opcode == SCSIOP_READ || opcode == SCSIOP_WRITE || opcode == SCSIOP_READ16 ||
		     opcode == SCSIOP_WRITE16;

	return function == SRB_FUNCTION_EXECUTE_SCSI && is_rw ? 30 : 120; /* src/disk/command.c */
}

static void done(uint64_t id, uint64_t started, uint32_t seconds)
{
	uint64_t took = started ? cpu_clock() - started : 0;

	if (took > (seconds + LADDER_SECONDS) * SECOND_NS)
		nt_violation(0, "request %llu ended only after %llu s, its time-out being %u s",
			(unsigned long long)id, (unsigned long long)(took / SECOND_NS), seconds);
}

static void listen(void *ctx, const struct trace_event *event)
{
	uint64_t id = event->arg[0];
	unsigned place = id % array_size(watched);
	bool is_it = watched[place].id == id;

	switch (event->type) {
	case TRACE_SRB_SUBMIT:
		watched[place].id = id;
		watched[place].is_out = true;
		watched[place].started = 0;
		watched[place].seconds =
			seconds_of(event->arg[1] & 0xff, event->arg[1] >> 8 & 0xff);
		break;
	case TRACE_HW_STARTIO:
		if (is_it)
			watched[place].started = cpu_clock();
		break;
	case TRACE_SRB_DONE:
		if (is_it && !watched[place].is_out)
			nt_violation(0, "request %llu ended twice", (unsigned long long)id);
		else if (is_it)
			done(id, watched[place].started, watched[place].seconds);
		watched[place].is_out &= !is_it;
		break;
	default:
		break;
	}
}

void watch_start(void)
{
	memset(watched, 0, sizeof(watched));
	trace_subscribe(
		1ull << TRACE_SRB_SUBMIT | 1ull << TRACE_HW_STARTIO | 1ull << TRACE_SRB_DONE,
		listen, watched);
}

void watch_stop(void)
{
	trace_unsubscribe(listen, watched);
	for (unsigned n = 0; n < array_size(watched); n++)
		if (watched[n].is_out)
			nt_violation(
				0, "request %llu never ended", (unsigned long long)watched[n].id);
	memset(watched, 0, sizeof(watched));
}
