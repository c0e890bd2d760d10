/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-bench path: 4 KiB reads of random blocks of all units through a miniport, on one
 * processor that this thread becomes, device inline, beside the floor (floor.c). On a machine of
 * several processors (HW@N) the others have nothing to do; where they have (HW*D@N) see scale.c.
 * Each row of a miniport and a device is measured in turn. Raw figures, medians of alternating
 * runs; instructions by callgrind.
 */
#include "bench.h"
#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS	   9
#define OPERATIONS 100000

static struct reader reader;

static bool is_scale(const char *device)
{
	return strchr(device, '*');
}

int bench_path_count(
	const char *driver, const char *device, const char *depth, const char *operations)
{
	struct dry_machine *machine;

	if (is_scale(device))
		return scale_count(driver, device, depth, operations);
	machine = reader_machine_new(driver, device);
	reader_open(&reader, machine, 0, 0, 1);
	reader_run(&reader, (unsigned)atoi(depth), strtoull(operations, NULL, 10));
	reader_close(&reader);
	dry_machine_free(machine);
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
	struct dry_machine *machine = reader_machine_new(driver, hw);

	reader_open(&reader, machine, 0, 0, 1);
	for (unsigned d = 0; d < depth_count; d++) {
		double ns[RUNS], floor_ns[RUNS];
		char depth[16];

		for (unsigned n = 0; n < RUNS; n++) {
			ns[n] = reader_run(&reader, depths[d], OPERATIONS);
			floor_ns[n] = floor_run(depths[d], OPERATIONS);
		}
		snprintf(depth, sizeof(depth), "%u", depths[d]);
		print_row(json, last && d == depth_count - 1, hw, depths[d], bench_median(ns, RUNS),
			bench_median(floor_ns, RUNS), bench_instructions(driver, hw, depth));
		fflush(stdout);
	}
	reader_close(&reader);
	dry_machine_free(machine);
}

/* Those of one sort. */
static void print_rows(char **rows, bool json, bool are_scale)
{
	const char *driver = NULL, *device = NULL;

	for (;; rows += 2) {
		bool is_end = !rows[0] || !rows[1];

		if (!is_end && is_scale(rows[1]) != are_scale)
			continue;
		if (device && are_scale)
			scale_row(driver, device, json, is_end);
		else if (device)
			path_row(driver, device, json, is_end);
		if (is_end)
			return;
		driver = rows[0];
		device = rows[1];
	}
}

int bench_path(char **rows, bool json)
{
	if (json)
		printf("{\"bench\": \"path\", \"cpu\": \"%s\", \"rows\": [\n", bench_cpu_name());
	print_rows(rows, json, false);
	if (json)
		printf("], \"scale\": [\n");
	print_rows(rows, json, true);
	if (json)
		printf("]}\n");
	return 0;
}
