/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The words of the option `at`: 2s:restart,every-500ms:reset-bus:1. See machine.h; event.c carries
 * them out. */
#include "machine/machine.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int bad_word(const char *word, size_t length, const char *why)
{
	return error_set(EINVAL,
		"--at %.*s: %s; it is TIME:EVENT or every-TIME:EVENT, then :ADAPTER if not the "
		"first, TIME as 20us, 500ms or 2s.",
		(int)length, word, why);
}

/* *text leads behind it then. */
static bool time_read(const char **text, uint64_t *ns)
{
	static const struct {
		const char *word;
		uint64_t ns;
	} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
	uint64_t number;
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	number = strtoull(*text, &end, 10);
	for (size_t n = 0; n < array_size(units); n++) {
		size_t length = strlen(units[n].word);

		if (strncmp(end, units[n].word, length) || end[length] != ':')
			continue;
		*text = end + length + 1;
		return !errno && !__builtin_mul_overflow(number, units[n].ns, ns);
	}
	return false;
}

static bool adapter_read(struct machine_event *event, const char *at, const char *end)
{
	unsigned long number;
	char *rest;

	if (*at < '0' || *at > '9')
		return false;
	number = strtoul(at, &rest, 10);
	event->adapter = (unsigned)min_of(number, (unsigned long)MACHINE_ADAPTERS);
	return rest == end && number < MACHINE_ADAPTERS;
}

static int event_read(struct machine_event *event, const char *word, size_t length)
{
	static const char every[] = "every-";
	const char *at = word, *end = word + length;
	bool repeats = !strncmp(word, every, sizeof(every) - 1);
	size_t name;

	at += repeats ? sizeof(every) - 1 : 0;
	if (!time_read(&at, &event->due))
		return bad_word(word, length, "no time");
	event->period = repeats ? event->due : 0;
	if (repeats && !event->period)
		return bad_word(word, length, "a period of 0");
	name = strcspn(at, ":,");
	event->kind = machine_event_find(at, name);
	if (!event->kind)
		return machine_event_unknown(at, name);
	at += name;
	return at == end || adapter_read(event, at + 1, end)
		       ? 0
		       : bad_word(word, length, "no adapter's number, 0 to 15");
}

/* Whether one that undoes this comes after it. */
static bool is_ended(const struct machine_events *events, const struct machine_event *event)
{
	for (unsigned n = 0; n < events->count; n++) {
		const struct machine_event *other = &events->event[n];

		if (other->adapter == event->adapter &&
			!strcmp(other->kind->name, event->kind->ends_with) &&
			(other->period || (!event->period && other->due > event->due)))
			return true;
	}
	return false;
}

int machine_events_set(struct machine_options *options, const char *text)
{
	struct machine_events events = {0};

	while (*text) {
		size_t length = strcspn(text, ",");
		int err;

		if (events.count == MACHINE_EVENTS)
			return error_set(EINVAL, "--at: more than %d events.", MACHINE_EVENTS);
		err = event_read(&events.event[events.count++], text, length);
		if (err)
			return err;
		text += length;
		if (*text && !*++text)
			return bad_word("", 0, "a comma at the end");
	}
	for (unsigned n = 0; n < events.count; n++) {
		const struct machine_event_kind *kind = events.event[n].kind;

		if (kind->ends_with && !is_ended(&events, &events.event[n]))
			return error_set(EINVAL,
				"--at: %s needs a %s that comes later, or requests would wait for "
				"ever.",
				kind->name, kind->ends_with);
	}
	options->at = events;
	return 0;
}
