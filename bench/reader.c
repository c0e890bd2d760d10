/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* See reader.h. */
#include "reader.h"

#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 4096

static __thread struct reader *here;

static _Noreturn void fail(void)
{
	fprintf(stderr, "dryport bench: %s\n", dry_error());
	exit(1);
}

/* ---- the machine ---- */

struct dry_machine *reader_machine_start(
	const char *driver, const char *const options[][2], unsigned count)
{
	struct dry_machine *machine = dry_machine_new();

	for (unsigned n = 0; n < count; n++)
		if (dry_machine_set(machine, options[n][0], options[n][1]) < 0)
			fail();
	if (dry_machine_start(machine, driver) < 0)
		fail();
	return machine;
}

struct dry_machine *reader_machine_new(const char *driver, const char *device)
{
	/* what is stored in memory is small enough to stay there */
	const char *size = strstr(device, "null") ? "16G" : "64M";
	const char *devices = strchr(device, '*'), *cpus = strchr(device, '@');
	char hw[64], device_count[4] = "1";
	const char *const options[][2] = {{"hw", hw}, {"devices", device_count}, {"size", size},
		{"cpus", cpus ? cpus + 1 : "1"}, {"claim", "all"}, {"inline-device", "1"},
		{"no-stats", "1"}};

	snprintf(hw, sizeof(hw), "%.*s", (int)strcspn(device, "*@"), device);
	if (devices)
		snprintf(device_count, sizeof(device_count), "%.*s", (int)strcspn(devices + 1, "@"),
			devices + 1);
	return reader_machine_start(driver, options, sizeof(options) / sizeof(options[0]));
}

/* ---- a reader ---- */

/* All units are of one size. */
static void units_get(struct reader *reader, unsigned n, unsigned adapters)
{
	unsigned count = dry_unit_count(reader->machine) / adapters;
	struct dry_unit_info info;

	reader->unit_count = count < READER_UNITS_MAX ? count : READER_UNITS_MAX;
	for (unsigned unit = 0; unit < reader->unit_count; unit++)
		reader->units[unit] = dry_unit_get(reader->machine, n * count + unit);
	dry_unit_info(reader->units[0], &info);
	reader->blocks = info.size / BLOCK;
}

void reader_open(struct reader *reader, struct dry_machine *machine, unsigned processor, unsigned n,
	unsigned adapters)
{
	char *memory = dry_buffer_new(machine, READER_DEPTH_MAX * BLOCK);

	if (!memory)
		fail();
	memset(reader, 0, sizeof(*reader));
	reader->machine = machine;
	reader->processor = processor;
	units_get(reader, n, adapters);
	reader->next_unit = reader->units[0];
	for (unsigned io = 0; io < READER_DEPTH_MAX; io++)
		reader->io[io].io = (struct dry_io){.op = DRY_OP_READ,
			.buffer = memory + io * BLOCK,
			.count = BLOCK,
			.ctx = reader};
}

void reader_close(struct reader *reader)
{
	dry_buffer_free(reader->machine, reader->io[0].io.buffer, READER_DEPTH_MAX * BLOCK);
}

/* It is over. */
static __attribute__((cold, noinline)) void reader_stop(struct reader *reader, int error)
{
	reader->error = error;
	reader->wanted = 0;
}

/* Of a random block of a random unit. The next ones are drawn while this one is on its way. */
static void submit(struct reader *reader, struct dry_io *io)
{
	struct dry_unit *unit = reader->next_unit;
	uint64_t random = reader->random;
	int error;

	io->offset = reader->next_offset;
	reader->random = random * 6364136223846793005ull + 1442695040888963407ull;
	reader->next_offset = ((random >> 33) * reader->blocks >> 31) * BLOCK;
	reader->next_unit = reader->units[(random >> 16 & 0xffff) * reader->unit_count >> 16];
	error = dry_submit(unit, io);
	if (__builtin_expect(error, 0))
		reader_stop(reader, error);
}

static bool is_over(const struct reader *reader)
{
	return reader->finished >= reader->wanted;
}

/* The next one goes at once, while there is a next one. */
static void finished(struct dry_io *io)
{
	struct reader *reader = io->ctx;

	reader->finished++;
	if (__builtin_expect(io->result, 0))
		reader_stop(reader, io->result);
	if (__builtin_expect(is_over(reader), 0))
		reader->ready[reader->ready_count++] = io;
	else
		submit(reader, io);
}

static struct reader_io *reader_io_of(struct dry_io *io)
{
	return (struct reader_io *)(void *)io; /* its first member */
}

static void returned_take(struct reader *reader)
{
	struct dry_io *io = atomic_exchange(&reader->returned, NULL), *next;

	for (; io; io = next) {
		next = reader_io_of(io)->next;
		reader->elsewhere++;
		finished(io);
	}
}

/* The same where it may be on another processor. */
static void finished_somewhere(struct dry_io *io)
{
	struct reader *reader = io->ctx;
	struct dry_io *first;

	if (here == reader) {
		finished(io);
		if (atomic_load_explicit(&reader->returned, memory_order_relaxed))
			returned_take(reader);
		return;
	}
	first = atomic_load(&reader->returned);
	do
		reader_io_of(io)->next = first;
	while (!atomic_compare_exchange_weak(&reader->returned, &first, io));
}

/* Begins, and goes on until all are back. */
static bool poll(void *arg)
{
	struct reader *reader = arg;

	while (reader->ready_count && !is_over(reader))
		submit(reader, reader->ready[--reader->ready_count]);
	return !is_over(reader) || (!reader->error && reader->ready_count < reader->depth);
}

static bool poll_among(void *arg)
{
	struct reader *reader = arg;

	if (!reader->start) {
		if (!here)
			atomic_fetch_sub(reader->gate, 1);
		here = reader;
		if (atomic_load(reader->gate)) {
			sched_yield();
			return true;
		}
		reader->start = bench_ns();
	}
	if (atomic_load_explicit(&reader->returned, memory_order_relaxed))
		returned_take(reader);
	if (poll(reader))
		return true;
	reader->end = bench_ns();
	here = NULL;
	return false;
}

static void run(struct reader *reader, bool (*how)(void *), void (*done)(struct dry_io *),
	unsigned depth, uint64_t operations)
{
	reader->depth = reader->ready_count = depth;
	for (unsigned n = 0; n < depth; n++) {
		reader->ready[n] = &reader->io[n].io;
		reader->io[n].io.done = done;
	}
	reader->start = reader->elsewhere = reader->finished = 0;
	reader->wanted = operations;
	if (dry_processor_run(reader->machine, reader->processor, how, reader) || reader->error)
		fail();
}

double reader_run(struct reader *reader, unsigned depth, uint64_t operations)
{
	uint64_t start = bench_ns();

	run(reader, poll, finished, depth, operations);
	return (double)(bench_ns() - start) / (double)reader->finished;
}

void reader_run_among(
	struct reader *reader, _Atomic unsigned *gate, unsigned depth, uint64_t operations)
{
	reader->gate = gate;
	run(reader, poll_among, finished_somewhere, depth, operations);
}
