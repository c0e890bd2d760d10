/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* See bench.h. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COUNT_FEW  2000
#define COUNT_MANY 12000

uint64_t bench_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, unsigned count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

const char *bench_cpu_name(void)
{
	static char name[128] = "unknown";
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "model name : %127[^\n]", name) == 1)
			break;
	if (file)
		fclose(file);
	return name;
}

/* Total instructions of one run under callgrind, 0 on failure. */
static uint64_t count_run(
	const char *driver, const char *hw, const char *depth, unsigned operations)
{
	char program[4096] = "", command[16384], line[512];
	unsigned long long total = 0;
	FILE *pipe;

	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		return 0;
	snprintf(command, sizeof(command),
		"valgrind --tool=callgrind --callgrind-out-file=/dev/null '%s' --count '%s' '%s' "
		"'%s' %u 2>&1",
		program, driver, hw, depth, operations);
	pipe = popen(command, "r");
	if (!pipe)
		return 0;
	while (fgets(line, sizeof(line), pipe)) {
		char *at = strstr(line, "Collected :");

		if (at)
			sscanf(at, "Collected : %llu", &total);
	}
	return pclose(pipe) ? 0 : total;
}

double bench_instructions(const char *driver, const char *hw, const char *depth)
{
	uint64_t few, many;

	if (system("command -v valgrind >/dev/null 2>&1"))
		return -1;
	few = count_run(driver, hw, depth, COUNT_FEW);
	many = count_run(driver, hw, depth, COUNT_MANY);
	if (!few || many <= few)
		return -1;
	return (double)(many - few) / (COUNT_MANY - COUNT_FEW);
}

__attribute__((noinline)) void bench_mark(void)
{
	__asm__ volatile("" ::: "memory");
}

/* Reads what callgrind dumped at each mark. */
static unsigned read_marks(FILE *file, double *counts, unsigned count)
{
	char line[512];
	unsigned n = 0;

	while (n < count && fgets(line, sizeof(line), file))
		if (sscanf(line, "summary: %lf", &counts[n]) == 1)
			n++;
	return n;
}

bool bench_marked(const char *argument, double *counts, unsigned count)
{
	char program[4096] = "", dump[] = "/tmp/dryport-bench-XXXXXX", command[16384];
	int fd = mkstemp(dump);
	bool is_good = false;
	FILE *file;

	if (fd < 0)
		return false;
	close(fd);
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) > 0) {
		snprintf(command, sizeof(command),
			"valgrind --tool=callgrind --callgrind-out-file=%s --combine-dumps=yes "
			"--dump-before=bench_mark '%s' %s >/dev/null 2>&1",
			dump, program, argument);
		is_good = !system(command);
	}
	file = fopen(dump, "r");
	is_good = is_good && file && read_marks(file, counts, count) == count;
	if (file)
		fclose(file);
	unlink(dump);
	return is_good;
}

int main(int argc, char **argv)
{
	bool json = argc > 2 && !strcmp(argv[argc - 1], "--json");

	if (json)
		argv[--argc] = NULL;
	if (argc == 6 && !strcmp(argv[1], "--count"))
		return bench_path_count(argv[2], argv[3], argv[4], argv[5]);
	if (argc >= 4 && argc % 2 == 0 && !strcmp(argv[1], "path"))
		return bench_path(argv + 2, json);
	if (argc == 7 && !strcmp(argv[1], "qemu"))
		return bench_qemu(argv + 2, json);
	if (argc == 4 && !strcmp(argv[1], "replay"))
		return bench_replay(argv[2], argv[3], json);
	if (argc == 6 && !strcmp(argv[1], "models"))
		return bench_models(argv + 2, json);
	if (argc == 4 && !strcmp(argv[1], "--count-models"))
		return bench_models_count(argv[2], argv[3]);
	if (argc == 2 && !strcmp(argv[1], "sglist"))
		return bench_sglist(json);
	if (argc == 2 && !strcmp(argv[1], "lists"))
		return bench_lists(json);
	if (argc == 2 && !strcmp(argv[1], "--count-sglist"))
		return bench_sglist_count();
	fprintf(stderr, "usage: dryport-bench path DRIVER.so HW [DRIVER.so HW]... [--json]\n"
			"       dryport-bench qemu DRYPORT DRIVER.so HW ROUNDS SECONDS [--json]\n"
			"       dryport-bench replay DRIVER.so HW [--json]\n"
			"       dryport-bench models STORPORT.so HW SCSIPORT.so HW [--json]\n"
			"       dryport-bench sglist|lists [--json]\n");
	return 2;
}
