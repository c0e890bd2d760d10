/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The events of a test as text, a line each: name and arguments, one blank between the words. On a
 * machine of one processor, or where nothing else emits the types that are asked for.
 */
#ifndef TESTS_EVENTS_H
#define TESTS_EVENTS_H

#include "trace/trace_format.h"

#include <string.h>

static char events[1 << 16];

static inline void events_hear(void *ctx, const struct trace_event *event)
{
	char line[TRACE_LINE];
	size_t length = trace_format(line, 0, event), used = strlen(events);
	const char *from = line;

	/* past time, place, "irql", its number, station */
	for (unsigned words = 0; words < 5; words++) {
		from += strspn(from, " ");
		from += strcspn(from, " ");
	}
	for (from += strspn(from, " "); from < line + length && used < sizeof(events) - 1; from++)
		if (*from != ' ' || from[-1] != ' ')
			events[used++] = *from;
	events[used] = 0;
}

/* From now on those of these types. */
static inline void events_begin(uint64_t types)
{
	events[0] = 0;
	trace_subscribe(types, events_hear, NULL);
}

static inline void events_end(void)
{
	trace_unsubscribe(events_hear, NULL);
}

#define EVENT(type) (1ull << TRACE_##type)

#endif
