/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * One buffer, mapped for a device and shown: the body of dry_sgl_make (dryport.h). The machine is
 * as small as can be: memory, one processor, DMA. The device writes through the list, and the
 * buffer is compared, so that what is shown is also seen to work.
 */
#include "cpu/cpu.h"
#include "dma/dma_private.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "util/error.h"

#include <dryport.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RAM (256ull << 20)

static struct {
	struct dry_sgl *sgl;
	char why[256]; /* the first rule that was broken */
	int result;
} job;

struct buffer {
	PMDL mdl;
	char *memory; /* pages that the MDL's frames belong to, as many as it has or more */
	uint64_t bytes;
	char *low; /* mixed: as many below 4 GiB, of which it has every other one */
};

/* ---- what is asked for ---- */

static int runs_of(const struct dry_sgl *sgl)
{
	return !strncmp(sgl->layout, "runs:", 5) ? atoi(sgl->layout + 5) : 0;
}

static bool is_mixed(const struct dry_sgl *sgl)
{
	return !strcmp(sgl->layout, "mixed");
}

static int check(const struct dry_sgl *sgl)
{
	static const char *const layouts[] = {"contiguous", "scattered", "high", "mixed"};
	uint64_t room;
	unsigned n = 0;

	if (sgl->pages < 1 || sgl->pages > DRY_SGL_PAGES_MAX)
		return error_set(
			EINVAL, "%u pages: there may be 1 to %u.", sgl->pages, DRY_SGL_PAGES_MAX);
	while (n < array_size(layouts) && strcmp(sgl->layout, layouts[n]))
		n++;
	if (n == array_size(layouts) && (runs_of(sgl) < 1 || runs_of(sgl) > DRY_SGL_PAGES_MAX))
		return error_set(EINVAL,
			"layout %s: there are contiguous, scattered, high, mixed (every other page "
			"high) and runs:N (N neighbours at a time).",
			sgl->layout);
	if (sgl->offset >= MEM_PAGE_SIZE)
		return error_set(EINVAL,
			"offset %u: it is that of the first byte in the first page, 0 to 4095.",
			sgl->offset);
	room = ((uint64_t)sgl->pages << MEM_PAGE_SHIFT) - sgl->offset;
	if (sgl->length > room)
		return error_set(EINVAL,
			"length %llu: from offset %u on, %u pages have %llu bytes.",
			(unsigned long long)sgl->length, sgl->offset, sgl->pages,
			(unsigned long long)room);
	if (sgl->alignment & (sgl->alignment - 1))
		return error_set(
			EINVAL, "alignment %u: it has to be a power of two.", sgl->alignment);
	if (sgl->boundary & (sgl->boundary - 1))
		return error_set(EINVAL, "boundary %llu: it has to be a power of two.",
			(unsigned long long)sgl->boundary);
	return 0;
}

static int engine_of(const char *name)
{
	static const char *const engines[] = {"direct", "bounce", "iommu"};

	for (int n = 0; n < 3; n++)
		if (!strcmp(name, engines[n]))
			return n;
	return error_set(EINVAL, "engine %s: there are direct, bounce and iommu.", name);
}

/* ---- the machine ---- */

static void listen(void *ctx, const struct trace_event *event)
{
	if (!job.why[0])
		snprintf(job.why, sizeof(job.why), "%s", (const char *)(uintptr_t)event->arg[0]);
}

static int machine_up(const struct dry_sgl *sgl, int engine)
{
	const struct mem_config memory = {
		.policy = !strcmp(sgl->layout, "contiguous")		  ? MEM_CONTIGUOUS
			  : !strcmp(sgl->layout, "high") || is_mixed(sgl) ? MEM_HIGH
									  : MEM_SCATTERED,
		.size = RAM,
		.seed = sgl->seed,
		.is_private = true};
	const struct cpu_config processors = {.processors = 1, .inline_agents = true};
	const struct nt_config kernel = {0};
	const struct dma_config dma = {.engine = (enum dma_engine)engine,
		.map_registers = sgl->map_registers,
		.width = sgl->width};
	int err = mem_init(&memory);

	if (err)
		return err;
	err = cpu_init(&processors);
	if (err)
		goto no_cpu;
	err = nt_init(&kernel);
	if (err)
		goto no_nt;
	err = dma_init(&dma);
	if (err)
		goto no_dma;
	err = cpu_claim(0);
	if (!err)
		err = cpu_start();
	if (!err)
		return 0;
	dma_fini();
no_dma:
	nt_fini();
no_nt:
	cpu_fini();
no_cpu:
	mem_fini();
	return err;
}

static void machine_down(void)
{
	dma_fini();
	nt_fini();
	cpu_fini();
	mem_fini();
}

/* ---- the buffer ---- */

/* Runs of neighbours out of linear memory: behind each run one page is left out, and the runs come
 * in reverse order. */
static uint32_t run_page(const struct dry_sgl *sgl, uint32_t n)
{
	uint32_t run = (uint32_t)runs_of(sgl), runs = (sgl->pages + run - 1) / run;

	return (runs - 1 - n / run) * (run + 1) + n % run;
}

static int buffer_new(const struct dry_sgl *sgl, struct buffer *buffer)
{
	uint32_t run = (uint32_t)runs_of(sgl);
	uint64_t pages = run ? (sgl->pages / run + 1ull) * (run + 1) : sgl->pages;

	buffer->bytes = pages << MEM_PAGE_SHIFT;
	buffer->memory = mem_alloc(buffer->bytes, run ? MEM_LINEAR : 0, MEM_DATA, NULL);
	buffer->mdl = calloc(1, sizeof(MDL) + sgl->pages * sizeof(PFN_NUMBER));
	if (is_mixed(sgl))
		buffer->low = mem_alloc(buffer->bytes, MEM_LINEAR, MEM_DATA, NULL);
	if (!buffer->memory || !buffer->mdl || (is_mixed(sgl) && !buffer->low))
		return error_set(ENOMEM, "no memory for a buffer of %u pages.", sgl->pages);
	MmInitializeMdl(buffer->mdl, buffer->memory + sgl->offset,
		((SIZE_T)sgl->pages << MEM_PAGE_SHIFT) - sgl->offset);
	buffer->mdl->MdlFlags |= MDL_PAGES_LOCKED;
	for (uint32_t n = 0; n < sgl->pages; n++) {
		uint64_t page = run ? run_page(sgl, n) : n;
		char *memory = buffer->low && n % 2 == 0 ? buffer->low : buffer->memory;

		MmGetMdlPfnArray(buffer->mdl)[n] =
			mem_frame_number(memory + (page << MEM_PAGE_SHIFT));
	}
	return 0;
}

static void buffer_free(struct buffer *buffer)
{
	if (buffer->memory)
		mem_free(buffer->memory, buffer->bytes);
	if (buffer->low)
		mem_free(buffer->low, buffer->bytes);
	free(buffer->mdl);
}

/* ---- the device, and what it moved ---- */

static char byte_at(uint64_t n)
{
	return (char)(n * 167 + (n >> 9));
}

static int device_writes(const struct dry_sgl *sgl)
{
	struct dma_master master;
	char data[256];

	dma_master_init(&master, "device", sgl->width ? sgl->width : 64);
	dma_master_enable(&master, true);
	for (uint32_t n = 0; n < sgl->element_count; n++) {
		const struct dry_sgl_element *element = &sgl->element[n];

		for (uint64_t at = 0; at < element->length; at += sizeof(data)) {
			uint64_t bytes = min_of(element->length - at, sizeof(data));

			for (uint64_t i = 0; i < bytes; i++)
				data[i] = byte_at(element->offset + at + i);
			if (dma_bus_write(&master, element->address + at, data, bytes))
				return -EIO;
		}
	}
	return 0;
}

static bool buffer_is_right(const struct dry_sgl *sgl, const struct buffer *buffer)
{
	for (uint64_t n = 0; n < sgl->length; n++) {
		uint64_t at = sgl->offset + n;
		const char *page =
			mem_frame_get(MmGetMdlPfnArray(buffer->mdl)[at >> MEM_PAGE_SHIFT])->host;

		if (page[at & MEM_PAGE_MASK] != byte_at(n))
			return false;
	}
	return true;
}

/* ---- what came out ---- */

static int elements_copy(struct dry_sgl *sgl, const SCATTER_GATHER_LIST *list)
{
	uint64_t offset = 0;

	sgl->element_count = list->NumberOfElements;
	sgl->element = calloc(max_of(list->NumberOfElements, 1u), sizeof(*sgl->element));
	if (!sgl->element)
		return error_set(ENOMEM, "no memory for %u elements.", list->NumberOfElements);
	for (uint32_t n = 0; n < list->NumberOfElements; n++) {
		sgl->element[n].address = (uint64_t)list->Elements[n].Address.QuadPart;
		sgl->element[n].length = list->Elements[n].Length;
		sgl->element[n].offset = offset;
		offset += list->Elements[n].Length;
	}
	return 0;
}

/* What the device is given for each page, from the elements. */
static void pages_show(struct dry_sgl *sgl, const struct buffer *buffer, int engine)
{
	const struct dry_sgl_element *element = sgl->element;

	for (uint32_t n = 0; n < sgl->pages; n++) {
		struct dry_sgl_page *page = &sgl->page[n];
		uint64_t start = ((uint64_t)n << MEM_PAGE_SHIFT);
		uint64_t at = start > sgl->offset ? start - sgl->offset : 0;

		page->frame = MmGetMdlPfnArray(buffer->mdl)[n];
		page->shown = page->frame;
		page->is_used = at < sgl->length;
		if (!page->is_used)
			continue;
		while (at >= element->offset + element->length)
			element++;
		page->shown = (element->address + (at - element->offset)) >> MEM_PAGE_SHIFT;
		page->is_translated = engine == DMA_IOMMU;
		page->is_copied =
			engine == DMA_BOUNCE && mem_frame_get(page->shown)->kind == MEM_BOUNCE;
	}
}

static int adapter_new(const struct dry_sgl *sgl, struct dma_adapter **adapter)
{
	const struct dma_constraints limits = {.width = sgl->width ? sgl->width : 64,
		.max_transfer = sgl->pages << MEM_PAGE_SHIFT,
		.scatter_gather = !sgl->one_element};

	*adapter = dma_adapter_new(&limits, NULL);
	if (!*adapter)
		return -ERANGE;
	(*adapter)->reach.max_length = sgl->max_length;
	(*adapter)->reach.boundary = sgl->boundary;
	(*adapter)->reach.alignment = sgl->alignment;
	return 0;
}

static int list_fail(const struct dry_sgl *sgl, const struct dma_adapter *adapter, NTSTATUS status)
{
	uint64_t need = (sgl->offset + sgl->length + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;

	if (job.why[0])
		return error_set(EIO, "no list: %s.", job.why);
	if (need > adapter->map_registers)
		return error_set(ENOSPC,
			"no list: the transfer takes %llu map registers, and the adapter has %u "
			"(MR-2).",
			(unsigned long long)need, adapter->map_registers);
	return error_set(ENOSPC,
		"no list: it takes more than the %u elements that there may be (status %08x).",
		sgl->one_element ? 1 : sgl->max_elements, (unsigned)status);
}

static int map_and_look(struct dry_sgl *sgl, struct dma_adapter *adapter,
	const struct buffer *buffer, PSCATTER_GATHER_LIST list, uint32_t room)
{
	const struct dma_order order = {.mdl = buffer->mdl,
		.current_va = MmGetMdlVirtualAddress(buffer->mdl),
		.length = (uint32_t)sgl->length,
		.whole = sgl->whole};
	struct dma_mapping mapping = {0};
	NTSTATUS status = dma_map(adapter, &mapping, &order, list, room, NULL);
	int err;

	if (status)
		return list_fail(sgl, adapter, status);
	sgl->registers = mapping.run.count;
	err = elements_copy(sgl, list);
	if (!err) {
		pages_show(sgl, buffer, engine_of(sgl->engine));
		err = device_writes(sgl);
	}
	dma_unmap(adapter, &mapping);
	sgl->is_right = !err && buffer_is_right(sgl, buffer);
	return err;
}

/* Runs as processor 0 at PASSIVE_LEVEL. */
static int work(struct dry_sgl *sgl)
{
	/* Biting limits split pages: a list has at most an element for each 512 bytes. */
	uint32_t room = sgl->max_elements ? sgl->max_elements : sgl->pages * 8 + 1;
	PSCATTER_GATHER_LIST list =
		calloc(1, sizeof(*list) + room * sizeof(SCATTER_GATHER_ELEMENT));
	struct dma_adapter *adapter = NULL;
	struct buffer buffer = {0};
	int err = list ? adapter_new(sgl, &adapter) : -ENOMEM;
	uint8_t irql;

	if (!err)
		err = buffer_new(sgl, &buffer);
	if (!err) {
		irql = cpu_irql_raise(IRQL_DISPATCH);
		err = map_and_look(sgl, adapter, &buffer, list, room);
		cpu_irql_lower(irql);
	}
	buffer_free(&buffer);
	dma_adapter_free(adapter);
	free(list);
	return err;
}

static bool poll_once(void *arg)
{
	char why[sizeof(job.why)];

	job.result = work(job.sgl);
	/* The error is this thread's; what stops the machine must not lose it. */
	if (job.result) {
		error_take(why, sizeof(why));
		snprintf(job.why, sizeof(job.why), "%s", why);
	}
	return false;
}

int dry_sgl_make(struct dry_sgl *sgl)
{
	int engine = engine_of(sgl->engine), err = engine < 0 ? engine : check(sgl);

	sgl->page = NULL;
	sgl->element = NULL;
	sgl->element_count = sgl->registers = 0;
	sgl->is_right = false;
	if (err)
		return err;
	if (!sgl->length)
		sgl->length = ((uint64_t)sgl->pages << MEM_PAGE_SHIFT) - sgl->offset;
	sgl->page = calloc(sgl->pages, sizeof(*sgl->page));
	if (!sgl->page)
		return error_set(ENOMEM, "no memory for %u pages.", sgl->pages);
	memset(&job, 0, sizeof(job));
	job.sgl = sgl;
	err = machine_up(sgl, engine);
	if (err) {
		dry_sgl_free(sgl);
		return err;
	}
	trace_subscribe(1ull << TRACE_VIOLATION, listen, NULL);
	err = cpu_run(0, poll_once, NULL);
	trace_unsubscribe(listen, NULL);
	machine_down();
	if (!err && job.result)
		err = error_set(-job.result, "%s", job.why);
	if (err)
		dry_sgl_free(sgl);
	return err;
}

void dry_sgl_free(struct dry_sgl *sgl)
{
	free(sgl->page);
	free(sgl->element);
	sgl->page = NULL;
	sgl->element = NULL;
}
