/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-bench lists: what a list costs with all that belongs to it. Build, its callback and Put
 * of a scattered buffer, beside a plain loop that makes the same elements; a request's list whose
 * pages are all bounced, beside memcpy of the same pages in the same order. Both in turn, short
 * samples, medians. Runs as a processor of a machine without devices.
 */
#include "bench.h"

#include "cpu/cpu.h"
#include "dma/dma.h"
#include "dma/map_register.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS	  31
#define SAMPLE_NS 200000
#define PAGES_MAX 256
#define BUFFERS	  16 /* of one row, used in turn */

struct row {
	const char *name;
	enum dma_engine engine;
	uint32_t pages;
	bool write_to_device;
	double ns, reference_ns;
};

static struct row rows[] = {
	{"build", DMA_DIRECT, 16, true, 0, 0},
	{"bounce write", DMA_BOUNCE, 16, true, 0, 0},
	{"bounce read", DMA_BOUNCE, 16, false, 0, 0},
	{"bounce write", DMA_BOUNCE, 256, true, 0, 0},
	{"bounce read", DMA_BOUNCE, 256, false, 0, 0},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct {
	struct row *row;
	struct dma_adapter *adapter;
	PMDL mdl[BUFFERS];
	char *memory;
	PSCATTER_GATHER_LIST list;
	unsigned next;
	volatile uint32_t called;
} bench;

static PMDL mdl_next(void)
{
	return bench.mdl[bench.next++ % BUFFERS];
}

/* ---- what is measured ---- */

static VOID NTAPI called(PVOID device, PVOID irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	bench.called += list->NumberOfElements;
}

static void build_once(void)
{
	PMDL mdl = mdl_next();

	if (dma_build(bench.adapter,
		    &(struct dma_order){.mdl = mdl,
			    .current_va = MmGetMdlVirtualAddress(mdl),
			    .length = mdl->ByteCount,
			    .write_to_device = true},
		    &(struct dma_callee){called, NULL, NULL, NULL}, bench.list,
		    16 + PAGES_MAX * 24) ||
		dma_put(bench.adapter, bench.list, true))
		abort();
}

static void bounce_once(void)
{
	struct dma_mapping mapping = {0};
	PMDL mdl = mdl_next();

	if (dma_map(bench.adapter, &mapping,
		    &(struct dma_order){.mdl = mdl,
			    .current_va = MmGetMdlVirtualAddress(mdl),
			    .length = mdl->ByteCount,
			    .write_to_device = bench.row->write_to_device,
			    .whole = true},
		    bench.list, PAGES_MAX, NULL) ||
		!mapping.va)
		abort();
	dma_unmap(bench.adapter, &mapping);
}

/* ---- beside what ---- */

/* The obvious loop: an element a page, or one more page for the last. */
static __attribute__((noinline)) void loop_once(void)
{
	PMDL mdl = mdl_next();
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
	uint64_t left = mdl->ByteCount, in_page = mdl->ByteOffset;
	PSCATTER_GATHER_ELEMENT last = NULL;
	uint32_t count = 0;

	for (; left; pfn++, in_page = 0) {
		uint64_t address = (*pfn << 12) + in_page;
		uint64_t bytes = min_of(left, 4096 - in_page);

		if (last && (uint64_t)last->Address.QuadPart + last->Length == address) {
			last->Length += (ULONG)bytes;
		} else {
			last = &bench.list->Elements[count++];
			last->Address.QuadPart = (LONGLONG)address;
			last->Length = (ULONG)bytes;
			last->Reserved = 0;
		}
		left -= bytes;
	}
	bench.list->NumberOfElements = count;
	bench.called += count;
}

/* The size is hidden from the compiler: it is the C library's memcpy that copies. */
static __attribute__((noinline)) void copy_once(void)
{
	PMDL mdl = mdl_next();
	const PFN_NUMBER *pfn = MmGetMdlPfnArray(mdl);
	size_t page_size = 4096;

	__asm__("" : "+r"(page_size));
	for (uint32_t n = 0; n < bench.row->pages; n++) {
		char *page = mem_frame_get(pfn[n])->host, *copy = dma_bounce_base + n * page_size;

		memcpy(bench.row->write_to_device ? copy : page,
			bench.row->write_to_device ? page : copy, page_size);
	}
}

/* ---- a machine ---- */

static int machine_up(enum dma_engine engine)
{
	const struct mem_config memory = {
		.policy = engine == DMA_BOUNCE ? MEM_HIGH : MEM_SCATTERED, .seed = 1};
	const struct cpu_config processors = {.processors = 1, .inline_agents = true};
	const struct nt_config kernel = {0};
	const struct dma_config dma = {.engine = engine, .callback = DMA_CALLBACK_BEFORE_RETURN};
	int err = mem_init(&memory);

	err = err ? err : cpu_init(&processors);
	err = err ? err : nt_init(&kernel);
	err = err ? err : dma_init(&dma);
	err = err ? err : cpu_claim(0);
	return err ? err : cpu_start();
}

static void machine_down(void)
{
	dma_fini();
	nt_fini();
	cpu_fini();
	mem_fini();
}

static void buffers_make(void)
{
	uint64_t bytes = (uint64_t)bench.row->pages << 12;

	bench.memory = mem_alloc(BUFFERS * bytes, 0, MEM_DATA, NULL);
	if (!bench.memory)
		abort();
	memset(bench.memory, 1, BUFFERS * bytes);
	for (unsigned n = 0; n < BUFFERS; n++) {
		bench.mdl[n] = calloc(1, sizeof(MDL) + PAGES_MAX * sizeof(PFN_NUMBER));
		if (!bench.mdl[n])
			abort();
		MmInitializeMdl(bench.mdl[n], bench.memory + n * bytes, bytes);
		bench.mdl[n]->MdlFlags |= MDL_PAGES_LOCKED;
		for (uint32_t page = 0; page < bench.row->pages; page++)
			MmGetMdlPfnArray(bench.mdl[n])[page] =
				mem_frame_number(bench.memory + n * bytes + page * 4096ull);
	}
}

static void buffers_free(void)
{
	mem_free(bench.memory, BUFFERS * (uint64_t)bench.row->pages << 12);
	for (unsigned n = 0; n < BUFFERS; n++)
		free(bench.mdl[n]);
}

/* ---- time ---- */

static double sample(void (*once)(void))
{
	uint64_t start = bench_ns(), now, times = 0;

	do {
		for (unsigned n = 0; n < BUFFERS; n++, times++)
			once();
		now = bench_ns();
	} while (now - start < SAMPLE_NS);
	return (double)(now - start) / (double)times;
}

static bool measure(void *arg)
{
	const struct dma_constraints limits = {.width = bench.row->engine == DMA_BOUNCE ? 32 : 64,
		.max_transfer = PAGES_MAX << 12,
		.scatter_gather = true};
	void (*once)(void) = bench.row->engine == DMA_BOUNCE ? bounce_once : build_once;
	void (*reference)(void) = bench.row->engine == DMA_BOUNCE ? copy_once : loop_once;
	double ns[RUNS], reference_ns[RUNS];
	uint8_t irql;

	bench.adapter = dma_adapter_new(&limits, NULL);
	if (!bench.adapter)
		abort();
	buffers_make();
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < RUNS; n++) {
		ns[n] = sample(once);
		reference_ns[n] = sample(reference);
	}
	cpu_irql_lower(irql);
	bench.row->ns = bench_median(ns, RUNS);
	bench.row->reference_ns = bench_median(reference_ns, RUNS);
	buffers_free();
	dma_adapter_free(bench.adapter);
	return false;
}

/* ---- output ---- */

static void print(bool json)
{
	if (json)
		printf("{\"bench\":\"lists\",\"cpu\":\"%s\",\"rows\":[", bench_cpu_name());
	else
		printf("%s\n  list          pages        ns  reference    times\n",
			bench_cpu_name());
	for (unsigned n = 0; n < ROWS; n++) {
		const struct row *row = &rows[n];

		if (json)
			printf("%s{\"name\":\"%s\",\"pages\":%u,\"ns\":%.1f,\"reference_ns\":%.1f}",
				n ? "," : "", row->name, row->pages, row->ns, row->reference_ns);
		else
			printf("  %-12s  %5u  %8.1f   %8.1f  %7.2f\n", row->name, row->pages,
				row->ns, row->reference_ns, row->ns / row->reference_ns);
	}
	if (json)
		printf("]}\n");
}

int bench_lists(bool json)
{
	bench.list = calloc(1, 16 + PAGES_MAX * 24 + 64);
	if (!bench.list)
		return 1;
	for (unsigned n = 0; n < ROWS; n++) {
		bench.row = &rows[n];
		if (machine_up(rows[n].engine) || cpu_run(0, measure, NULL)) {
			fprintf(stderr, "dryport-bench: the machine did not start.\n");
			return 1;
		}
		machine_down();
	}
	free(bench.list);
	print(json);
	return 0;
}
