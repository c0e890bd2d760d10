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

/* Starts the program and waits for its socket. False: it has ended instead. The others end this
 * program when something fails. */
bool served_start(struct served *served, char *const *words);
void served_stop(struct served *served);
/* What all its processes have used so far. */
uint64_t served_cpu_ns(const struct served *served);

/* Connects, and reads 4 KiB: nanoseconds from `since` to the data. */
uint64_t served_first_read(const struct served *served, uint64_t since);

/* Random reads of 4 KiB for so long: reads a second, and what each cost the server. */
struct served_load {
	double iops, cpu_ns;
};
struct served_load served_load(const struct served *served, unsigned depth, unsigned milliseconds);

#endif
