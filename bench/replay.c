/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-bench replay DRIVER HW [--json]: replayed runs of a small workload, one after the other.
 * Safepoints a second are of the runs alone, start and stop of the driver included; restore is what
 * a run costs besides itself (the median), the reference a fork of this program without a machine.
 */
#include "bench.h"

#include <dryport.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEEDS 200
#define FORKS 51

static struct dry_machine *machine_new(const char *hw)
{
	const char *const options[][2] = {{"hw", hw}, {"size", "16M"}, {"cpus", "2"}};
	struct dry_machine *machine = dry_machine_new();

	for (size_t n = 0; machine && n < sizeof(options) / sizeof(options[0]); n++)
		if (dry_machine_set(machine, options[n][0], options[n][1]) < 0)
			return NULL;
	return machine;
}

/* Beginning and end of a child that does nothing, ns. */
static double fork_ns(void)
{
	double ns[FORKS];

	for (unsigned n = 0; n < FORKS; n++) {
		uint64_t start = bench_ns();
		pid_t child = fork();

		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
		ns[n] = (double)(bench_ns() - start);
	}
	return bench_median(ns, FORKS);
}

int bench_replay(const char *driver, const char *hw, bool json)
{
	struct dry_seeds seeds = {.first = 1, .count = SEEDS, .jobs = 1};
	double floor_ns = fork_ns(), rate;
	struct dry_machine *machine = machine_new(hw);
	int err = machine ? dry_seeds_run(machine, driver,
				    "rw:ops=500,sizes=512-8k,span=1M,depth=8,verify", &seeds)
			  : -1;

	if (err < 0 || seeds.has_failed) {
		fprintf(stderr, "dryport bench: %s\n", err < 0 ? dry_error() : seeds.failure);
		return 1;
	}
	rate = (double)seeds.safepoints / ((double)seeds.run_ns * (double)seeds.ran / 1e9);
	if (json)
		printf("{\"bench\": \"replay\", \"cpu\": \"%s\", \"rows\": [\n"
		       "  {\"name\": \"%s\", \"seeds\": %llu, \"safepoints_per_second\": %.0f, "
		       "\"run_ns\": %llu, \"restore_ns\": %llu, \"fork_ns\": %.0f}\n]}\n",
			bench_cpu_name(), hw, (unsigned long long)seeds.ran, rate,
			(unsigned long long)seeds.run_ns, (unsigned long long)seeds.restore_ns,
			floor_ns);
	else
		printf("replay of %llu seeds: %.1f M safepoints/s, %.2f ms a run, restored in %.2f "
		       "ms (a bare fork: %.2f ms)\n",
			(unsigned long long)seeds.ran, rate / 1e6, (double)seeds.run_ns / 1e6,
			(double)seeds.restore_ns / 1e6, floor_ns / 1e6);
	dry_machine_free(machine);
	return 0;
}
