/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A subscriber that counts what the summary tells. Each processor counts in a place of its own;
 * device threads and others share the last, with atomics. See machine.h.
 */
#include "machine/machine.h"
#include "nt/nt.h"
#include "trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES	  4096
#define SAID_MOST 20 /* violations that are printed; all are counted */

struct counts {
	_Atomic uint64_t srbs, errors, got, built, put;
	_Atomic uint64_t elements[DRY_HISTOGRAM];
	_Atomic uint64_t samples[SAMPLES];
	_Atomic uint64_t sample_count;
};

static struct {
	struct counts *counts; /* CPU_MAX + 1 of them, of which the machine uses some: place_next */
	unsigned processors;
	_Atomic uint64_t violations, device_faults;
	char first[256], first_fault[256];
	bool expects_faults;
} stats;

static void add(_Atomic uint64_t *counter)
{
	/* One writer each, save in the shared place; readers come at any time. */
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* From place to place, in 0 ... CPU_MAX; those of processors that are not there are not touched. */
static unsigned place_next(unsigned n)
{
	return n + 1 == stats.processors ? CPU_MAX : n + 1;
}

static unsigned bucket(uint64_t elements)
{
	unsigned n = elements <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(elements - 1);

	return min_of(n, DRY_HISTOGRAM - 1u);
}

static void told(_Atomic uint64_t *counter, char first[256], const char *what, const char *text)
{
	uint64_t before = atomic_fetch_add(counter, 1);

	if (!before)
		snprintf(first, 256, "%s", text);
	if (before < SAID_MOST)
		fprintf(stderr, "dryport: %s: %s\n", what, text);
	else if (before == SAID_MOST)
		fprintf(stderr, "dryport: further %ss are counted, not printed.\n", what);
}

static void violation(const char *text, uint64_t number)
{
	bool is_open = number == NT_TIMED_OUT || number == NT_LINE_STUCK;
	bool is_fault = number == NT_DEVICE_FAULT || (is_open && stats.expects_faults);

	if (is_fault)
		told(&stats.device_faults, stats.first_fault, "device fault", text);
	else
		told(&stats.violations, stats.first, "violation", text);
}

static void srb_done(struct counts *counts, const struct trace_event *event)
{
	add(&counts->srbs);
	if (event->arg[1] != SRB_STATUS_SUCCESS && event->arg[1] != SRB_STATUS_DATA_OVERRUN)
		add(&counts->errors);
	if (event->arg[3]) {
		uint64_t n =
			atomic_fetch_add_explicit(&counts->sample_count, 1, memory_order_relaxed);

		atomic_store_explicit(
			&counts->samples[n % SAMPLES], event->arg[3], memory_order_relaxed);
	}
}

static void listen(void *ctx, const struct trace_event *event)
{
	struct counts *counts =
		&stats.counts[event->processor < CPU_MAX ? event->processor : CPU_MAX];

	switch (event->type) {
	case TRACE_SRB_DONE:
		srb_done(counts, event);
		break;
	case TRACE_SG_GET:
		add(&counts->got);
		add(&counts->elements[bucket(event->arg[1])]);
		break;
	case TRACE_SG_BUILD:
		if (event->arg[3]) /* refused */
			break;
		add(&counts->built);
		add(&counts->elements[bucket(event->arg[1])]);
		break;
	case TRACE_SG_PUT:
		if (event->arg[3])
			break;
		add(&counts->put);
		break;
	case TRACE_VIOLATION:
		violation((const char *)event->arg[0], event->arg[1]);
		break;
	default:
		break;
	}
}

void stats_start(bool all, unsigned processors)
{
	const uint64_t most = 1ull << TRACE_SRB_DONE | 1ull << TRACE_SG_GET |
			      1ull << TRACE_SG_BUILD | 1ull << TRACE_SG_PUT;

	if (!stats.counts)
		stats.counts = calloc(CPU_MAX + 1, sizeof(*stats.counts));
	else
		memset(stats.counts, 0, (CPU_MAX + 1) * sizeof(*stats.counts));
	atomic_store(&stats.violations, 0);
	atomic_store(&stats.device_faults, 0);
	stats.first[0] = stats.first_fault[0] = 0;
	stats.expects_faults = false;
	stats.processors = processors;
	if (stats.counts)
		trace_subscribe(1ull << TRACE_VIOLATION | (all ? most : 0), listen, NULL);
}

void stats_expect_faults(void)
{
	stats.expects_faults = true;
}

void stats_stop(void)
{
	trace_unsubscribe(listen, NULL);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void percentiles(struct dry_summary *summary)
{
	static const unsigned percent[] = {50, 90, 99, 100};
	uint64_t *all = malloc((CPU_MAX + 1) * SAMPLES * sizeof(*all));
	size_t count = 0;

	for (unsigned n = 0; all && n <= CPU_MAX; n = place_next(n)) {
		uint64_t taken = atomic_load(&stats.counts[n].sample_count);
		size_t here = min_of(taken, (uint64_t)SAMPLES);

		for (size_t k = 0; k < here; k++)
			all[count++] = atomic_load_explicit(
				&stats.counts[n].samples[k], memory_order_relaxed);
	}
	summary->latency_samples = count;
	if (count) {
		qsort(all, count, sizeof(*all), by_size);
		for (unsigned n = 0; n < array_size(percent); n++)
			summary->latency_ns[n] = all[(count - 1) * percent[n] / 100];
	}
	free(all);
}

void stats_summary(struct dry_summary *summary)
{
	summary->violations = atomic_load(&stats.violations);
	memcpy(summary->first_violation, stats.first, sizeof(summary->first_violation));
	summary->device_faults = atomic_load(&stats.device_faults);
	memcpy(summary->first_device_fault, stats.first_fault, sizeof(stats.first_fault));
	bus_trap_counts(&summary->dereferenced, &summary->dereferenced_split);
	if (!stats.counts)
		return;
	summary->srbs = summary->srb_errors = summary->lists_got = summary->lists_built =
		summary->lists_put = 0;
	memset(summary->elements, 0, sizeof(summary->elements));
	for (unsigned n = 0; n <= CPU_MAX; n = place_next(n)) {
		const struct counts *counts = &stats.counts[n];

		summary->srbs += counts->srbs;
		summary->srb_errors += counts->errors;
		summary->lists_got += counts->got;
		summary->lists_built += counts->built;
		summary->lists_put += counts->put;
		for (unsigned k = 0; k < DRY_HISTOGRAM; k++)
			summary->elements[k] += counts->elements[k];
	}
	percentiles(summary);
}
