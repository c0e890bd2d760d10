/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What qemu.c measures from outside: a server of NBD in processes of its own, what they cost, and
 * fio as its client.
 */
#ifndef DRY_BENCH_SERVED_H
#define DRY_BENCH_SERVED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct served {
	pid_t pid;
	char socket[96];
};

/* What all its processes and threads have used and done so far. */
struct served_cost {
	uint64_t cpu_ns;
	uint64_t switches; /* between threads: each wake-up of one that slept is one, and more */
};

/* Starts the program and waits for its socket. False: it has ended instead. The others end this
 * program when something fails. */
bool served_start(struct served *served, char *const *words);
void served_stop(struct served *served);
struct served_cost served_cost(const struct served *served);

/* Connects, and reads 4 KiB: nanoseconds from `since` to the data. */
uint64_t served_first_read(const struct served *served, uint64_t since);

/* Random reads of 4 KiB for so long, after a tenth of a second that does not count: reads a second,
 * and what each cost the server. */
struct served_load {
	double iops, cpu_ns, switches;
};
struct served_load served_load(const struct served *served, unsigned depth, unsigned milliseconds);

#endif
