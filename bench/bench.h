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

/* path.c: rows are pairs of a miniport and its device. */
int bench_path(char **rows, bool json);
int bench_path_count(const char *driver, const char *hw, const char *depth, const char *operations);

/* replay.c */
int bench_replay(const char *driver, const char *hw, bool json);

/* floor.c: ns per operation of the minimal skeleton at this depth. */
double floor_run(unsigned depth, uint64_t operations);

#endif
