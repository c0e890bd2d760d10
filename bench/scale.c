/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The rows of dryport-bench path whose device is HW*D@2: a machine of two processors, each of which
 * reads, from an adapter of its own (D is 2) or both from one. Measured in turn: the first
 * processor alone, and both at once. Raw figures, the best of short alternating runs; instructions
 * of a read by callgrind.
 */
#include "bench.h"
#include "reader.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS	   2
#define OPERATIONS 8000
/* Others use the computer too, and its cores may be halves of some for tenths of a second: who had
 * two of his own for a millisecond of these was not disturbed. */
#define RUNS 401

struct scale {
	struct dry_machine *machine;
	struct reader reader[READERS];
	cpu_set_t allowed;	 /* the processors of the computer's that this program may have */
	unsigned place[READERS]; /* and the readers do, each one of a core of its own, */
	bool has_places;	 /* if there are such */
	_Atomic unsigned gate;
	unsigned depth;
	uint64_t operations;
};

struct row {
	double one_iops, two_iops, elsewhere;
};

/* Those that are one core have the same text. */
static void core_read(unsigned cpu, char text[64])
{
	char name[96];
	FILE *file;

	snprintf(text, 64, "%u", cpu);
	snprintf(name, sizeof(name), "/sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
		cpu);
	file = fopen(name, "r");
	if (file && !fgets(text, 64, file))
		text[0] = 0;
	if (file)
		fclose(file);
}

/* A core for each, if there are two: these runs are too short for a scheduler to find out that they
 * had better not share one. Where there are not, or nobody says, all is left to it. */
static void places_choose(struct scale *scale)
{
	char first[64], core[64];

	if (sched_getaffinity(0, sizeof(scale->allowed), &scale->allowed) < 0)
		CPU_ZERO(&scale->allowed);
	scale->has_places = false;
	for (unsigned cpu = 0, count = 0; cpu < CPU_SETSIZE && !scale->has_places; cpu++) {
		if (!CPU_ISSET(cpu, &scale->allowed))
			continue;
		core_read(cpu, count ? core : first);
		if (count++ && !strcmp(core, first))
			continue;
		scale->place[count > 1] = cpu;
		scale->has_places = count > 1;
	}
}

static void scale_start(struct scale *scale, const char *driver, const char *device)
{
	unsigned adapters = (unsigned)atoi(strchr(device, '*') + 1);

	places_choose(scale);
	scale->machine = reader_machine_new(driver, device);
	for (unsigned n = 0; n < READERS; n++)
		reader_open(&scale->reader[n], scale->machine, n, n % adapters, adapters);
}

static void scale_end(struct scale *scale)
{
	for (unsigned n = 0; n < READERS; n++)
		reader_close(&scale->reader[n]);
	dry_machine_free(scale->machine);
}

struct seat {
	struct scale *scale;
	unsigned number;
};

static void *read_there(void *arg)
{
	struct seat *seat = arg;
	struct scale *scale = seat->scale;
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(scale->place[seat->number], &here);
	if (scale->has_places)
		sched_setaffinity(0, sizeof(here), &here);
	reader_run_among(
		&scale->reader[seat->number], &scale->gate, scale->depth, scale->operations);
	if (scale->has_places)
		sched_setaffinity(0, sizeof(scale->allowed), &scale->allowed);
	return NULL;
}

/* So many readers, the first on this thread; reads a second, from the first's start to the last's
 * end. */
static double scale_run(struct scale *scale, unsigned readers)
{
	struct seat seats[READERS];
	pthread_t threads[READERS];
	uint64_t start = UINT64_MAX, end = 0;

	atomic_store(&scale->gate, readers);
	for (unsigned n = 0; n < readers; n++)
		seats[n] = (struct seat){scale, n};
	for (unsigned n = 1; n < readers; n++)
		if (pthread_create(&threads[n], NULL, read_there, &seats[n]))
			abort();
	read_there(&seats[0]);
	for (unsigned n = 0; n < readers; n++) {
		const struct reader *reader = &scale->reader[n];

		if (n)
			pthread_join(threads[n], NULL);
		start = reader->start < start ? reader->start : start;
		end = reader->end > end ? reader->end : end;
	}
	return (double)(readers * scale->operations) * 1e9 / (double)(end - start);
}

static double more_of(double a, double b)
{
	return a > b ? a : b;
}

/* One processor alone, then both. */
static void scale_measure(struct scale *scale, unsigned depth, struct row *row)
{
	scale->depth = depth;
	scale->operations = OPERATIONS;
	row->one_iops = more_of(row->one_iops, scale_run(scale, 1));
	row->two_iops = more_of(row->two_iops, scale_run(scale, READERS));
	for (unsigned n = 0; n < READERS; n++)
		row->elsewhere +=
			(double)scale->reader[n].elsewhere / (RUNS * READERS * OPERATIONS);
}

int scale_count(const char *driver, const char *device, const char *depth, const char *operations)
{
	static struct scale scale;

	scale_start(&scale, driver, device);
	scale.depth = (unsigned)atoi(depth);
	scale.operations = strtoull(operations, NULL, 10) / READERS;
	scale_run(&scale, READERS);
	scale_end(&scale);
	return 0;
}

static void print_row(bool json, bool is_last, const char *device, unsigned depth,
	const struct row *row, double instructions)
{
	char count[32] = "null";

	if (instructions >= 0)
		snprintf(count, sizeof(count), "%.0f", instructions);
	if (json)
		printf("  {\"name\": \"%s\", \"depth\": %u, \"one_iops\": %.0f, \"two_iops\": "
		       "%.0f, \"ratio\": %.2f, \"elsewhere\": %.4f, \"instructions\": %s}%s\n",
			device, depth, row->one_iops, row->two_iops, row->two_iops / row->one_iops,
			row->elsewhere, count, is_last ? "" : ",");
	else
		printf("%-26s depth %3u: %9.0f reads/s, two processors %9.0f (%.2f times, %.0f%% "
		       "finished elsewhere), instructions %s\n",
			device, depth, row->one_iops, row->two_iops, row->two_iops / row->one_iops,
			100 * row->elsewhere, count);
	fflush(stdout);
}

void scale_row(const char *driver, const char *device, bool json, bool is_last)
{
	static const unsigned depths[] = {1, 32, 64}, depth_count = 3;
	static struct scale scale;
	struct row rows[3] = {0};

	scale_start(&scale, driver, device);
	for (unsigned run = 0; run < RUNS; run++)
		for (unsigned d = 0; d < depth_count; d++)
			scale_measure(&scale, depths[d], &rows[d]);
	scale_end(&scale);
	for (unsigned d = 0; d < depth_count; d++) {
		char depth[16];

		snprintf(depth, sizeof(depth), "%u", depths[d]);
		print_row(json, is_last && d == depth_count - 1, device, depths[d], &rows[d],
			bench_instructions(driver, device, depth));
	}
}
