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

static struct watched {
	uint64_t id, started; /* started 0: the miniport does not have it */
	uint32_t seconds;
	bool is_out;
} watched[1024];

/* From its id's place on; NULL: it was submitted before the watch, or forgotten since its end. */
static struct watched *find(uint64_t id)
{
	for (unsigned n = 0; n < array_size(watched); n++) {
		struct watched *place = &watched[(id + n) % array_size(watched)];

		if (place->id == id)
			return place;
	}
	return NULL;
}

static void submitted(uint64_t id, uint32_t seconds)
{
	for (unsigned n = 0; n < array_size(watched); n++) {
		struct watched *place = &watched[(id + n) % array_size(watched)];

		if (place->is_out)
			continue;
		*place = (struct watched){.id = id, .seconds = seconds, .is_out = true};
		return;
	}
	/* So many are out already: this one is not watched. */
}

static void done(struct watched *request)
{
	uint64_t took = request->started ? cpu_clock() - request->started : 0;
	uint64_t most = (uint64_t)request->seconds + LADDER_SECONDS;

	if (!request->is_out)
		nt_violation(0, "request %llu ended twice", (unsigned long long)request->id);
	else if (took > most * SECOND_NS)
		nt_violation(0, "request %llu ended only after %llu s, its time-out being %u s",
			(unsigned long long)request->id, (unsigned long long)(took / SECOND_NS),
			request->seconds);
	request->is_out = false;
}

static void listen(void *ctx, const struct trace_event *event)
{
	uint64_t id = event->arg[0];
	struct watched *request;

	if (event->type == TRACE_SRB_SUBMIT) {
		submitted(id, (uint32_t)(event->arg[1] >> 16));
		return;
	}
	request = find(id);
	if (request && event->type == TRACE_SRB_DONE)
		done(request);
	else if (request)
		request->started = cpu_clock();
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
