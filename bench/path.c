/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-bench path: 4 KiB reads of random blocks of all units through a miniport, on one
 * processor that this thread becomes, device inline, beside the floor (floor.c). A device is
 * DEVICE@N on a machine of N processors, of which the others have nothing to do. Each row of a
 * miniport and a device is measured in turn. Raw figures, medians of alternating runs; instructions
 * by callgrind.
 */
#include "bench.h"

#include <dryport.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  256
#define UNITS_MAX  256
#define BLOCK	   4096
#define RUNS	   9
#define OPERATIONS 100000

struct run {
	struct dry_unit *units[UNITS_MAX];
	unsigned unit_count;
	struct dry_io io[DEPTH_MAX];
	struct dry_io *ready[DEPTH_MAX];
	unsigned ready_count, depth;
	uint64_t blocks, random, finished, wanted;
	int error;
};

static void finished(struct dry_io *io)
{
	struct run *run = io->ctx;

	run->finished++;
	run->error = run->error ? run->error : io->result;
	run->ready[run->ready_count++] = io;
}

static bool poll(void *arg)
{
	struct run *run = arg;

	while (run->ready_count && run->finished < run->wanted && !run->error) {
		struct dry_io *io = run->ready[--run->ready_count];
		unsigned unit;

		run->random = run->random * 6364136223846793005ull + 1442695040888963407ull;
		io->offset = (run->random >> 33) % run->blocks * BLOCK;
		unit = (unsigned)((run->random >> 16 & 0xffff) * run->unit_count >> 16);
		run->error = dry_submit(run->units[unit], io);
	}
	return !run->error && (run->finished < run->wanted || run->ready_count < run->depth);
}

static double path_run(
	struct dry_machine *machine, struct run *run, unsigned depth, uint64_t operations)
{
	uint64_t start;

	run->depth = run->ready_count = depth;
	for (unsigned n = 0; n < depth; n++)
		run->ready[n] = &run->io[n];
	run->finished = 0;
	run->wanted = operations;
	start = bench_ns();
	if (dry_processor_run(machine, 0, poll, run) || run->error) {
		fprintf(stderr, "dryport bench: %s\n", dry_error());
		exit(1);
	}
	return (double)(bench_ns() - start) / (double)run->finished;
}

/* All are of one size. */
static void units_get(struct dry_machine *machine, struct run *run)
{
	struct dry_unit_info info;

	run->unit_count = dry_unit_count(machine);
	if (run->unit_count > UNITS_MAX)
		run->unit_count = UNITS_MAX;
	for (unsigned n = 0; n < run->unit_count; n++)
		run->units[n] = dry_unit_get(machine, n);
	dry_unit_info(run->units[0], &info);
	run->blocks = info.size / BLOCK;
}

static struct dry_machine *machine_new(const char *driver, const char *device, struct run *run)
{
	/* what is stored in memory is small enough to stay there */
	const char *size = strstr(device, "null") ? "16G" : "64M";
	const char *cpus = strchr(device, '@');
	char hw[64];
	const char *const options[][2] = {{"hw", hw}, {"size", size},
		{"cpus", cpus ? cpus + 1 : "1"}, {"claim", "0"}, {"inline-device", "1"},
		{"no-stats", "1"}};
	struct dry_machine *machine = dry_machine_new();
	char *memory;

	snprintf(hw, sizeof(hw), "%.*s", (int)strcspn(device, "@"), device);
	for (size_t n = 0; n < sizeof(options) / sizeof(options[0]); n++)
		if (dry_machine_set(machine, options[n][0], options[n][1]) < 0)
			goto fail;
	if (dry_machine_start(machine, driver) < 0)
		goto fail;
	units_get(machine, run);
	memory = dry_buffer_new(machine, DEPTH_MAX * BLOCK);
	if (!memory)
		goto fail;
	for (unsigned n = 0; n < DEPTH_MAX; n++)
		run->io[n] = (struct dry_io){.op = DRY_OP_READ,
			.buffer = memory + n * BLOCK,
			.count = BLOCK,
			.done = finished,
			.ctx = run};
	return machine;
fail:
	fprintf(stderr, "dryport bench: %s\n", dry_error());
	exit(1);
}

static void machine_end(struct dry_machine *machine, struct run *run)
{
	dry_buffer_free(machine, run->io[0].buffer, DEPTH_MAX * BLOCK);
	dry_machine_free(machine);
}

int bench_path_count(const char *driver, const char *hw, const char *depth, const char *operations)
{
	static struct run run;
	struct dry_machine *machine = machine_new(driver, hw, &run);

	path_run(machine, &run, (unsigned)atoi(depth), strtoull(operations, NULL, 10));
	machine_end(machine, &run);
	return 0;
}

static void print_row(bool json, bool last, const char *hw, unsigned depth, double ns,
	double floor_ns, double instructions)
{
	char count[32] = "null";

	if (instructions >= 0)
		snprintf(count, sizeof(count), "%.0f", instructions);
	if (json)
		printf("  {\"name\": \"%s\", \"depth\": %u, \"ns\": %.1f, \"floor_ns\": %.1f, "
		       "\"instructions\": %s}%s\n",
			hw, depth, ns, floor_ns, count, last ? "" : ",");
	else
		printf("%-26s 4 KiB read, depth %3u: %7.1f ns, floor %6.1f ns, instructions %s\n",
			hw, depth, ns, floor_ns, count);
}

static void path_row(const char *driver, const char *hw, bool json, bool last)
{
	static const unsigned depths[] = {1, 32, 128, 256}, depth_count = 4;
	static struct run run;
	struct dry_machine *machine = machine_new(driver, hw, &run);

	for (unsigned d = 0; d < depth_count; d++) {
		double ns[RUNS], floor_ns[RUNS];
		char depth[16];

		for (unsigned n = 0; n < RUNS; n++) {
			ns[n] = path_run(machine, &run, depths[d], OPERATIONS);
			floor_ns[n] = floor_run(depths[d], OPERATIONS);
		}
		snprintf(depth, sizeof(depth), "%u", depths[d]);
		print_row(json, last && d == depth_count - 1, hw, depths[d], bench_median(ns, RUNS),
			bench_median(floor_ns, RUNS), bench_instructions(driver, hw, depth));
		fflush(stdout);
	}
	machine_end(machine, &run);
}

int bench_path(char **rows, bool json)
{
	if (json)
		printf("{\"bench\": \"path\", \"cpu\": \"%s\", \"rows\": [\n", bench_cpu_name());
	for (; rows[0] && rows[1]; rows += 2)
		path_row(rows[0], rows[1], json, !rows[2]);
	if (json)
		printf("]}\n");
	return 0;
}
