/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The table of subscribers and the delivery of events to them (trace.h).
 */
#include "trace/trace.h"

#include <errno.h>

#define SUBSCRIBERS_MAX 8

struct subscriber {
	uint64_t mask;
	trace_fn *fn;
	void *ctx;
};

static struct subscriber subscribers[SUBSCRIBERS_MAX];
static unsigned subscriber_count;

uint64_t trace_wanted;
void (*trace_locate)(uint8_t *processor, uint8_t *irql);
void (*trace_changed)(void);

_Static_assert(TRACE_TYPES <= 64, "trace_wanted has a bit for each type");

border_call void trace_deliver(enum trace_type type, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct trace_event event = {.type = type, .processor = 0xff, .arg = {a, b, c, d}};

	if (trace_locate)
		trace_locate(&event.processor, &event.irql);
	for (unsigned i = 0; i < subscriber_count; i++) {
		if (subscribers[i].mask & (1ull << type))
			subscribers[i].fn(subscribers[i].ctx, &event);
	}
}

static void wanted_update(void)
{
	trace_wanted = 0;
	for (unsigned i = 0; i < subscriber_count; i++)
		trace_wanted |= subscribers[i].mask;
	if (trace_changed)
		trace_changed();
}

int trace_subscribe(uint64_t mask, trace_fn *fn, void *ctx)
{
	if (subscriber_count == SUBSCRIBERS_MAX)
		return -ENOSPC;
	subscribers[subscriber_count++] = (struct subscriber){mask, fn, ctx};
	wanted_update();
	return 0;
}

void trace_unsubscribe(trace_fn *fn, void *ctx)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < subscriber_count; i++) {
		if (subscribers[i].fn != fn || subscribers[i].ctx != ctx)
			subscribers[kept++] = subscribers[i];
	}
	subscriber_count = kept;
	wanted_update();
}
