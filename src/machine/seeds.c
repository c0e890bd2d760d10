/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The workload once for each seed, until one fails. See runs.h. */
#include "machine/runs.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

struct seeds {
	struct runs runs;
	struct dry_seeds *seeds;
	uint64_t next;
};

static bool seed_next(struct runs *runs, struct run *run)
{
	struct seeds *all = container_of(runs, struct seeds, runs);

	if (all->seeds->has_failed || all->next == all->seeds->first + all->seeds->count)
		return false;
	*run = (struct run){.seed = all->next++,
		.expects_faults = runs->machine->options.faults.count,
		.faults = runs->machine->options.faults};
	return true;
}

/* Runs that began before the first failure was seen end too: the lowest seed counts. */
static void failure_note(struct dry_seeds *seeds, struct run_end *end)
{
	if (seeds->has_failed && seeds->failed_seed < end->run->seed)
		return;
	seeds->has_failed = true;
	seeds->failed_seed = end->run->seed;
	seeds->summary = *end->summary;
	snprintf(seeds->failure, sizeof(seeds->failure), "%s", end->failure);
	if (seeds->output >= 0)
		close(seeds->output);
	seeds->output = end->output;
	end->is_kept = true;
}

static void seed_ended(struct runs *runs, struct run_end *end)
{
	struct dry_seeds *seeds = container_of(runs, struct seeds, runs)->seeds;

	seeds->ran++;
	if (end->failure)
		failure_note(seeds, end);
	else if (!seeds->has_failed)
		seeds->summary = *end->summary;
	if (seeds->progress)
		seeds->progress(seeds);
}

static int check(const struct dry_machine *machine, const struct dry_seeds *seeds)
{
	if (!seeds->count || seeds->first + seeds->count < seeds->first)
		return error_set(EINVAL, "--seeds %llu from seed %llu: no such seeds.",
			(unsigned long long)seeds->count, (unsigned long long)seeds->first);
	return runs_check(machine, "seeds");
}

int dry_seeds_run(struct dry_machine *machine, const char *driver, const char *workload,
	struct dry_seeds *seeds)
{
	struct seeds all = {
		.runs = {.machine = machine,
			.workload = workload,
			.jobs = seeds->jobs,
			.judge = seeds->judge,
			.next = seed_next,
			.ended = seed_ended},
		.seeds = seeds,
		.next = seeds->first,
	};
	int err = check(machine, seeds);

	if (!err)
		err = workload_check(workload);
	if (err)
		return err;
	seeds->ran = 0;
	seeds->has_failed = false;
	seeds->output = -1;
	err = runs_go(&all.runs, driver, seeds->first);
	seeds->restore_ns = all.runs.restore_ns;
	seeds->run_ns = all.runs.run_ns;
	seeds->safepoints = all.runs.safepoints;
	return err;
}
