/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-bench sglist: the list builder (src/dma/sglist.c) on frames that lie in one piece,
 * scattered, and in runs of 4 on average, with each set of instructions that this processor has,
 * beside a plain loop and a bound of pure memory traffic (sglist_ref.c). All of them build the same
 * lists in turn, short samples of each, medians. A pool holds so many different lists that a branch
 * predictor cannot know them by heart. Instructions by callgrind, in one run for all rows.
 */
#include "bench.h"
#include "sglist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE	   4096ull
#define RUNS	   31
#define SAMPLE_NS  150000
#define POOL_PAGES 65536
/* as many, in all lists of a row, are enough where instructions are counted */
#define COUNT_PAGES 16384
#define FRAMES_LOW  (1ull << 20) /* frames from 4 GiB to 8 GiB */

struct row {
	const char *layout;
	uint64_t pages;
	bool limited;
};

/* One pool: lists of one row's kind, one behind the other. */
struct pool {
	char *memory;
	size_t stride;
	uint64_t count;
	uint32_t *elements; /* of each list */
	uint64_t random;
};

struct path {
	const char *name;
	enum dma_simd simd;
};

static const struct path paths[] = {
	{"portable", DMA_SIMD_PORTABLE}, {"avx2", DMA_SIMD_AVX2}, {"avx512", DMA_SIMD_AVX512}};

#define PATHS (sizeof(paths) / sizeof(paths[0]))
/* what Valgrind can run */
#define COUNTED_PATHS 2

static const struct row rows[] = {
	{"contiguous", 1, false},
	{"contiguous", 16, false},
	{"contiguous", 256, false},
	{"contiguous", 4096, false},
	{"contiguous", 262144, false},
	{"scattered", 1, false},
	{"scattered", 16, false},
	{"scattered", 256, false},
	{"scattered", 4096, false},
	{"scattered", 262144, false},
	{"runs:4", 1, false},
	{"runs:4", 16, false},
	{"runs:4", 256, false},
	{"runs:4", 4096, false},
	{"runs:4", 262144, false},
	{"contiguous limited", 256, true},
	{"contiguous limited", 4096, true},
	{"scattered limited", 256, true},
	{"scattered limited", 4096, true},
	{"runs:4 limited", 256, true},
	{"runs:4 limited", 4096, true},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What a usual device says, and what bites. */
static const struct dma_sg_limits limits_of[2] = {
	{~0ull, 0, 0, 0}, {~0ull, 128 << 10, 512 << 10, 0}};

/* Where the lists are built, the header before the elements as in SCATTER_GATHER_LIST, so that the
 * first element starts a line of the cache. */
static PSCATTER_GATHER_ELEMENT out;

/* ---- lists ---- */

static uint64_t next_random(struct pool *pool)
{
	pool->random = pool->random * 6364136223846793005ull + 1442695040888963407ull;
	return pool->random >> 32;
}

static void list_fill(struct pool *pool, const char *layout, PFN_NUMBER *pfn, uint64_t pages)
{
	pfn[0] = FRAMES_LOW + next_random(pool) % FRAMES_LOW;
	for (uint64_t n = 1; n < pages; n++) {
		bool follows = *layout == 'c' || (*layout == 'r' && next_random(pool) & 3);

		pfn[n] = follows ? pfn[n - 1] + 1 : FRAMES_LOW + next_random(pool) % FRAMES_LOW;
		while (!follows && pfn[n] == pfn[n - 1] + 1)
			pfn[n] = FRAMES_LOW + next_random(pool) % FRAMES_LOW;
	}
}

static PMDL pool_list(const struct pool *pool, uint64_t n)
{
	return (PMDL)(pool->memory + n * pool->stride);
}

static void *allocate(size_t bytes)
{
	void *memory = NULL;

	/* Huge pages, where there are any, keep the translation of addresses out of the figures. */
	if (posix_memalign(&memory, 2 << 20, bytes)) {
		fprintf(stderr, "dryport bench: no memory\n");
		exit(1);
	}
	memset(memory, 0, bytes);
	return memory;
}

static inline void pool_list_build(
	const struct pool *pool, uint64_t n, const struct row *row, sglist_fn *fn, uint32_t *count)
{
	PMDL mdl = pool_list(pool, n);
	struct dma_sg_cursor at;

	dma_sg_start(&at, mdl, mdl->StartVa, mdl->ByteCount);
	fn(&at, &limits_of[row->limited], out, (uint32_t)row->pages, count);
}

static void pool_make(struct pool *pool, const struct row *row, uint64_t all_pages)
{
	*pool = (struct pool){.random = row->pages};
	pool->count = row->pages < all_pages ? min_of(all_pages / row->pages, 4096) : 1;
	pool->stride = (sizeof(MDL) + row->pages * sizeof(PFN_NUMBER) + 15) & ~15ull;
	pool->memory = allocate(pool->count * pool->stride);
	pool->elements = allocate(pool->count * sizeof(*pool->elements));
	for (uint64_t n = 0; n < pool->count; n++) {
		PMDL mdl = pool_list(pool, n);

		mdl->ByteCount = (ULONG)(row->pages * PAGE);
		list_fill(pool, row->layout, MmGetMdlPfnArray(mdl), row->pages);
		pool_list_build(pool, n, row, sglist_scalar, &pool->elements[n]);
	}
}

static void pool_free(struct pool *pool)
{
	free(pool->memory);
	free(pool->elements);
}

/* ---- building ---- */

/* All lists of the pool, once. */
static void pool_build(const struct pool *pool, const struct row *row, sglist_fn *fn)
{
	for (uint64_t n = 0; n < pool->count; n++) {
		uint32_t count = pool->elements[n];

		pool_list_build(pool, n, row, fn, &count);
		if (count == pool->elements[n])
			continue;
		fprintf(stderr, "dryport bench: %s, %llu pages: a wrong list\n", row->layout,
			(unsigned long long)row->pages);
		exit(1);
	}
}

static double sample(const struct pool *pool, const struct row *row, sglist_fn *fn, unsigned times)
{
	uint64_t start = bench_ns();

	for (unsigned n = 0; n < times; n++)
		pool_build(pool, row, fn);
	return (double)(bench_ns() - start) / (double)(times * pool->count);
}

/* Samples of this length; the first building of the pool is not looked at. */
static unsigned times_of(const struct pool *pool, const struct row *row, sglist_fn *fn)
{
	double pass;

	pool_build(pool, row, fn);
	pass = sample(pool, row, fn, 1) * (double)pool->count;
	return pass < SAMPLE_NS ? (unsigned)(SAMPLE_NS / (pass + 1)) + 1 : 1;
}

/* ns[0]: the plain loop, ns[1]: the bound, ns[2 ...]: the paths. */
static void row_measure(const struct row *row, unsigned path_count, double *ns)
{
	double samples[2 + PATHS][RUNS];
	unsigned times[2 + PATHS];
	struct pool pool;

	pool_make(&pool, row, POOL_PAGES);
	for (unsigned run = 0; run <= RUNS; run++)
		for (unsigned n = 0; n < 2 + path_count; n++) {
			sglist_fn *fn = n == 0	 ? sglist_scalar
					: n == 1 ? sglist_bound()
						 : dma_sglist_build;

			dma_sg_simd_select(n < 2 ? DMA_SIMD_AUTO : paths[n - 2].simd);
			if (!run)
				times[n] = times_of(&pool, row, fn);
			else
				samples[n][run - 1] = sample(&pool, row, fn, times[n]);
		}
	for (unsigned n = 0; n < 2 + path_count; n++)
		ns[n] = bench_median(samples[n], RUNS);
	pool_free(&pool);
}

/* ---- instructions ---- */

/* What is counted stands between two calls of bench_mark: all rows, each with both paths. */
int bench_sglist_count(void)
{
	struct pool pool;

	out = (PSCATTER_GATHER_ELEMENT)((char *)allocate(64 + 262144 * sizeof(*out)) + 64);
	for (unsigned r = 0; r < ROWS; r++) {
		pool_make(&pool, &rows[r], COUNT_PAGES);
		for (unsigned p = 0; p < COUNTED_PATHS; p++) {
			dma_sg_simd_select(paths[p].simd);
			bench_mark();
			pool_build(&pool, &rows[r], dma_sglist_build);
			bench_mark();
		}
		pool_free(&pool);
	}
	return 0;
}

/* counts: two numbers for each bench_mark of the run above, of which the second is wanted. */
static double instructions_of(const double *counts, unsigned row, unsigned path)
{
	uint64_t lists =
		rows[row].pages < COUNT_PAGES ? min_of(COUNT_PAGES / rows[row].pages, 4096) : 1;

	if (!counts || path >= COUNTED_PATHS)
		return -1;
	return counts[2 * (row * COUNTED_PATHS + path) + 1] / (double)lists;
}

/* ---- the report ---- */

static void print_row(bool json, bool last, const struct row *row, const char *path, double ns,
	double scalar_ns, double bound_ns, double instructions)
{
	char count[32] = "null";

	if (instructions >= 0)
		snprintf(count, sizeof(count), "%.0f", instructions);
	if (json)
		printf("  {\"layout\": \"%s\", \"pages\": %llu, \"path\": \"%s\", \"ns\": %.2f, "
		       "\"scalar_ns\": %.2f, \"bound_ns\": %.2f, \"instructions\": %s}%s\n",
			row->layout, (unsigned long long)row->pages, path, ns, scalar_ns, bound_ns,
			count, last ? "" : ",");
	else
		printf("%-18s %6llu %-8s %11.1f %11.1f %10.1f %12s\n", row->layout,
			(unsigned long long)row->pages, path, ns, scalar_ns, bound_ns,
			instructions >= 0 ? count : "-");
}

int bench_sglist(bool json)
{
	const unsigned best = dma_sg_simd_select(DMA_SIMD_AUTO);
	const unsigned path_count = best - DMA_SIMD_PORTABLE + 1;
	static double counts[2 * ROWS * COUNTED_PATHS];
	bool counted = bench_marked("--count-sglist", counts, sizeof(counts) / sizeof(counts[0]));

	out = (PSCATTER_GATHER_ELEMENT)((char *)allocate(64 + 262144 * sizeof(*out)) + 64);
	if (json)
		printf("{\"bench\": \"sglist\", \"cpu\": \"%s\", \"simd\": \"%s\", \"rows\": [\n",
			bench_cpu_name(), paths[path_count - 1].name);
	else
		printf("%-18s %6s %-8s %11s %11s %10s %12s\n", "layout", "pages", "path", "ns",
			"scalar ns", "bound ns", "instructions");
	for (unsigned r = 0; r < ROWS; r++) {
		double ns[2 + PATHS];

		row_measure(&rows[r], path_count, ns);
		for (unsigned p = 0; p < path_count; p++)
			print_row(json, r == ROWS - 1 && p == path_count - 1, &rows[r],
				paths[p].name, ns[2 + p], ns[0], ns[1],
				instructions_of(counted ? counts : NULL, r, p));
		fflush(stdout);
	}
	if (json)
		printf("]}\n");
	return 0;
}
