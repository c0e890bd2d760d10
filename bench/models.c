/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-bench models STORPORT.so HW SCSIPORT.so HW [--json]: two miniports for one device, which
 * differ in their port: Storport hands over a list that is ready, under SCSI Port the miniport asks
 * for it piece by piece. Reads of three sizes, one after the other, on a machine of one processor
 * that this thread becomes, device inline: calls of the port counted, times as medians of
 * alternating runs, instructions by callgrind.
 */
#include "bench.h"

#include <dryport.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS	9
#define MODELS	2
#define SIZES	3
#define LARGEST (1u << 20)
#define COUNTED 200 /* requests whose calls and instructions are counted */

static const uint32_t sizes[SIZES] = {4096, 65536, LARGEST};
static const unsigned operations[SIZES] = {50000, 20000, 4000};

struct model {
	const char *name;
	const char *list_routines[3]; /* those that tell where the data is, ended by NULL */
};

static const struct model models[MODELS] = {
	{"storport", {"StorPortGetScatterGatherList", "StorPortGetPhysicalAddress"}},
	{"scsiport", {"ScsiPortGetPhysicalAddress"}},
};

struct row {
	double ns[RUNS], calls, list_calls, instructions;
};

struct load {
	struct dry_machine *machine;
	struct dry_unit *unit;
	struct dry_io io;
	bool is_ready;
	unsigned left;
	uint64_t size, random;
	int error;
};

static void fail(void)
{
	fprintf(stderr, "dryport bench: %s\n", dry_error());
	exit(1);
}

static void finished(struct dry_io *io)
{
	struct load *load = io->ctx;

	load->left--;
	load->is_ready = true;
	load->error = load->error ? load->error : io->result;
}

static bool poll(void *arg)
{
	struct load *load = arg;

	while (load->is_ready && load->left && !load->error) {
		load->random = load->random * 6364136223846793005ull + 1442695040888963407ull;
		load->io.offset = (load->random >> 33) % (load->size / LARGEST) * LARGEST;
		load->is_ready = false;
		load->error = dry_submit(load->unit, &load->io);
	}
	return load->left && !load->error;
}

/* ns of a request of this size. */
static double load_run(struct load *load, uint32_t bytes, unsigned count)
{
	uint64_t start;

	load->io.count = bytes;
	load->left = count;
	load->is_ready = true;
	start = bench_ns();
	if (dry_processor_run(load->machine, 0, poll, load) || load->error)
		fail();
	return (double)(bench_ns() - start) / count;
}

static void load_start(struct load *load, const char *driver, const char *hw, bool count_calls)
{
	const char *const options[][2] = {{"hw", hw}, {"size", "16G"}, {"cpus", "1"},
		{"claim", "0"}, {"inline-device", "1"}, {"no-stats", "1"},
		{"count-calls", count_calls ? "1" : "0"}};
	struct dry_unit_info info;

	memset(load, 0, sizeof(*load));
	load->machine = dry_machine_new();
	if (!load->machine)
		fail();
	for (size_t n = 0; n < sizeof(options) / sizeof(options[0]); n++)
		if (strcmp(options[n][1], "0") || !strcmp(options[n][0], "claim"))
			if (dry_machine_set(load->machine, options[n][0], options[n][1]) < 0)
				fail();
	if (dry_machine_start(load->machine, driver) < 0)
		fail();
	load->unit = dry_unit_get(load->machine, 0);
	dry_unit_info(load->unit, &info);
	load->size = info.size;
	load->io = (struct dry_io){.op = DRY_OP_READ,
		.buffer = dry_buffer_new(load->machine, LARGEST),
		.done = finished,
		.ctx = load};
	if (!load->io.buffer)
		fail();
	for (unsigned n = 0; n < SIZES; n++) /* warm */
		load_run(load, sizes[n], COUNTED);
}

static void load_end(struct load *load)
{
	dry_buffer_free(load->machine, load->io.buffer, LARGEST);
	dry_machine_free(load->machine);
}

static double list_calls(const struct load *load, const struct model *model)
{
	uint64_t count = 0;

	for (unsigned n = 0; model->list_routines[n]; n++)
		count += dry_machine_calls(load->machine, model->list_routines[n]);
	return (double)count;
}

static void calls_measure(
	struct row *rows, const struct model *model, const char *driver, const char *hw)
{
	struct load load;

	load_start(&load, driver, hw, true);
	for (unsigned n = 0; n < SIZES; n++) {
		double calls = (double)dry_machine_calls(load.machine, NULL);
		double list = list_calls(&load, model);

		load_run(&load, sizes[n], COUNTED);
		calls = (double)dry_machine_calls(load.machine, NULL) - calls;
		rows[n].calls = calls / COUNTED;
		rows[n].list_calls = (list_calls(&load, model) - list) / COUNTED;
	}
	load_end(&load);
}

static void times_measure(struct row *rows, unsigned run, const char *driver, const char *hw)
{
	struct load load;

	load_start(&load, driver, hw, false);
	for (unsigned n = 0; n < SIZES; n++)
		rows[n].ns[run] = load_run(&load, sizes[n], operations[n]);
	load_end(&load);
}

/* Under callgrind: a mark before and behind the requests of each size. */
int bench_models_count(const char *driver, const char *hw)
{
	struct load load;

	load_start(&load, driver, hw, false);
	for (unsigned n = 0; n < SIZES; n++) {
		bench_mark();
		load_run(&load, sizes[n], COUNTED);
		bench_mark();
	}
	load_end(&load);
	return 0;
}

static void instructions_measure(struct row *rows, const char *driver, const char *hw)
{
	double marks[2 * SIZES];
	char argument[8192];
	bool is_good;

	snprintf(argument, sizeof(argument), "--count-models '%s' '%s'", driver, hw);
	is_good = bench_marked(argument, marks, 2 * SIZES);
	for (unsigned n = 0; n < SIZES; n++)
		rows[n].instructions = is_good ? marks[2 * n + 1] / COUNTED : -1;
}

static void print_row(
	bool json, bool is_last, const struct model *model, uint32_t bytes, struct row *row)
{
	double ns = bench_median(row->ns, RUNS);
	char count[32] = "null";

	if (row->instructions >= 0)
		snprintf(count, sizeof(count), "%.0f", row->instructions);
	if (json)
		printf("  {\"model\": \"%s\", \"bytes\": %u, \"pages\": %u, \"calls\": %.2f, "
		       "\"list_calls\": %.2f, \"ns\": %.1f, \"instructions\": %s}%s\n",
			model->name, bytes, bytes / 4096, row->calls, row->list_calls, ns, count,
			is_last ? "" : ",");
	else
		printf("%5u KiB  %-9s %6.1f calls of the port, %6.1f of them for the list; "
		       "%9.1f ns, instructions %s\n",
			bytes / 1024, model->name, row->calls, row->list_calls, ns, count);
}

int bench_models(char **words, bool json)
{
	static struct row rows[MODELS][SIZES];
	const char *const drivers[MODELS] = {words[0], words[2]};
	const char *hw = words[1];

	for (unsigned m = 0; m < MODELS; m++)
		calls_measure(rows[m], &models[m], drivers[m], hw);
	for (unsigned run = 0; run < RUNS; run++)
		for (unsigned m = 0; m < MODELS; m++)
			times_measure(rows[m], run, drivers[m], hw);
	for (unsigned m = 0; m < MODELS; m++)
		instructions_measure(rows[m], drivers[m], hw);
	if (json)
		printf("{\"bench\": \"models\", \"cpu\": \"%s\", \"rows\": [\n", bench_cpu_name());
	for (unsigned n = 0; n < SIZES; n++)
		for (unsigned m = 0; m < MODELS; m++)
			print_row(json, n == SIZES - 1 && m == MODELS - 1, &models[m], sizes[n],
				&rows[m][n]);
	if (json)
		printf("]}\n");
	return 0;
}
