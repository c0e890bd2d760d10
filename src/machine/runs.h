/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Many replayed runs of one workload, each in a child of the prepared machine: what seeds.c and
 * sweep.c have in common. They say which run is next, and hear how each ended.
 */
#ifndef DRY_MACHINE_RUNS_H
#define DRY_MACHINE_RUNS_H

#include "machine/machine.h"
#include "trace/trace.h"

#define RUN_STEPS_MAX 1000

struct run {
	uint64_t seed;
	bool expects_faults;
	bool is_followed; /* others may come whose plan is this one and one more fault, not earlier
			   */
	struct fault_plan faults;
};

/* How one ended. What is pointed to is the runs' own. */
struct run_end {
	const struct run *run;
	const char *failure; /* what was wrong with it; NULL: nothing */
	const struct dry_summary *summary;
	const uint8_t
		*steps;	 /* [RUN_STEPS_MAX]: sorts of the device's first steps, 0 past the end */
	uint64_t digest; /* of its events, if wanted: run_digest */
	int output;	 /* a file of what it printed; who keeps it sets is_kept */
	bool is_kept;
};

struct runs {
	struct dry_machine *machine;
	const char *workload;
	unsigned jobs;	     /* at once; 0: one for each core of the host */
	uint32_t step_count; /* of the device's steps that are wanted */
	bool is_whole;	     /* each run is made from its beginning, no part of it for several */
	bool wants_digest;
	bool (*judge)(const struct dry_summary *summary); /* NULL: no rule broken is good */
	/* False: none for now. The end is when there is none and none runs. */
	bool (*next)(struct runs *runs, struct run *run);
	void (*ended)(struct runs *runs, struct run_end *end);

	uint64_t restore_ns, run_ns, safepoints; /* from here on filled in: see struct dry_seeds */
	uint64_t branched;			 /* runs that began as a part of another */
};

/* A subscriber to all events, of which it makes one number: ctx is an uint64_t, 0 at first. */
void run_digest(void *ctx, const struct trace_event *event);
#define RUN_DIGEST_EVENTS ((1ull << TRACE_TYPES) - 1)

/* What is wrong with the options for runs that begin anew each time: -EINVAL with error_set;
 * `option` is what asked for them. */
int runs_check(const struct dry_machine *machine, const char *option);
/* Prepares the machine with this seed, runs, stops it. 0 or -errno: the runs could not be made. */
int runs_go(struct runs *runs, const char *driver, uint64_t seed);

#endif
