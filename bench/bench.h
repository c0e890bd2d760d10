/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the benchmarks share: time, medians, and instruction counts by callgrind. */
#ifndef DRY_BENCH_BENCH_H
#define DRY_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

uint64_t bench_ns(void);
double bench_median(double *values, unsigned count);
/* "AMD EPYC ..." from /proc/cpuinfo. */
const char *bench_cpu_name(void);

/*
 * Instructions of one operation: runs this program with --count under callgrind with two numbers of
 * operations and divides the difference. -1 when valgrind is not there or the run failed.
 */
double bench_instructions(const char *driver, const char *hw, const char *depth);

/*
 * Runs this program with the argument under callgrind; counts[n] become the instructions before its
 * n-th call of bench_mark, since the one before. False when valgrind is not there, the run failed
 * or there were fewer calls.
 */
bool bench_marked(const char *argument, double *counts, unsigned count);
void bench_mark(void);

/* path.c: rows are pairs of a miniport and its device (reader.h). */
int bench_path(char **rows, bool json);
int bench_path_count(const char *driver, const char *hw, const char *depth, const char *operations);

/* scale.c: what path.c does where several processors read. */
void scale_row(const char *driver, const char *device, bool json, bool is_last);
int scale_count(const char *driver, const char *device, const char *depth, const char *operations);

/* qemu.c: words are the dryport program, a miniport, a device of QEMU's, how often the servers take
 * turns, and the seconds of each turn. */
int bench_qemu(char **words, bool json);

/* models.c: a Storport and a SCSI Port miniport, each with the device, which is the same. */
int bench_models(char **rows, bool json);
int bench_models_count(const char *driver, const char *hw);

/* sglist.c */
int bench_sglist(bool json);
int bench_sglist_count(void);

/* lists.c */
int bench_lists(bool json);

/* replay.c */
int bench_replay(const char *driver, const char *hw, bool json);

/* floor.c: ns per operation of the minimal skeleton at this depth. */
double floor_run(unsigned depth, uint64_t operations);

#endif
