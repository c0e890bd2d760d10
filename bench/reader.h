/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What path.c and scale.c measure with: a machine with the device inline, and readers, each a host
 * thread that is a processor of it and keeps so many reads of 4 KiB of random blocks at work.
 *
 * A device is HW[*D][@N]: D of this device on a machine of N processors, 1 of 1 if not said.
 */
#ifndef DRY_BENCH_READER_H
#define DRY_BENCH_READER_H

#include <dryport.h>

#include <stdatomic.h>

#define READER_DEPTH_MAX 256
#define READER_UNITS_MAX 256

/* Each begins a line of the cache, and no power of two after the one before. */
struct reader_io {
	struct dry_io io;
	struct dry_io *next; /* finished on another processor: after it */
	char apart[64];
} __attribute__((aligned(64)));

struct reader {
	struct dry_machine *machine;
	unsigned processor;
	struct dry_unit *units[READER_UNITS_MAX];
	unsigned unit_count;
	struct reader_io io[READER_DEPTH_MAX];
	struct dry_io *ready[READER_DEPTH_MAX];
	unsigned ready_count, depth;
	uint64_t blocks, random, finished, wanted, next_offset;
	struct dry_unit *next_unit;
	int error;
	/* of one among several */
	_Atomic unsigned *gate; /* readers that are not there yet: none begins before all are */
	uint64_t start, end;	/* ns */
	_Atomic(struct dry_io *) returned; /* finished on another processor */
	uint64_t elsewhere;		   /* how many were */
} __attribute__((aligned(128)));

/* Started, with all its processors claimed. Ends the program on failure, as do the others. */
struct dry_machine *reader_machine_new(const char *driver, const char *device);
/* The same with these options alone: names and values. */
struct dry_machine *reader_machine_start(
	const char *driver, const char *const options[][2], unsigned count);

/* Reads from all units, or from those of the n-th of so many adapters. */
void reader_open(struct reader *reader, struct dry_machine *machine, unsigned processor, unsigned n,
	unsigned adapters);
void reader_close(struct reader *reader);

/* The calling thread is the only reader: ns of a read. */
double reader_run(struct reader *reader, unsigned depth, uint64_t operations);
/* Readers of other threads do the same, as many as the gate says at first. */
void reader_run_among(
	struct reader *reader, _Atomic unsigned *gate, unsigned depth, uint64_t operations);

#endif
