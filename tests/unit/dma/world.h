/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A machine without devices, for the tests of this layer: memory, processors, kernel, DMA. A body
 * runs as processor 0 at PASSIVE_LEVEL. Violations and list events are kept in order; those that a
 * body does not take with world_expect make it fail.
 */
#ifndef DRY_TESTS_DMA_WORLD_H
#define DRY_TESTS_DMA_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../ddi_expect.h"
#include "cpu/cpu.h"
#include "dma/dma.h"
#include "dma/dma_private.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "trace/trace.h"

#define WORLD_VIOLATIONS 64
#define WORLD_EVENTS	 256

struct world_config {
	enum mem_policy policy;
	unsigned processors; /* 0: one */
	struct dma_config dma;
};

struct world_violation {
	uint64_t number;
	char text[512];
};

static struct {
	void (*body)(void);
	struct world_violation violation[WORLD_VIOLATIONS];
	unsigned violations, taken;
	struct trace_event event[WORLD_EVENTS];
	unsigned events;
} world;

static void world_listen(void *ctx, const struct trace_event *event)
{
	if (event->type == TRACE_VIOLATION) {
		struct world_violation *violation =
			&world.violation[world.violations++ % WORLD_VIOLATIONS];

		violation->number = event->arg[1];
		snprintf(violation->text, sizeof(violation->text), "%s",
			(const char *)(uintptr_t)event->arg[0]);
	} else if (world.events < WORLD_EVENTS) {
		world.event[world.events++] = *event;
	}
}

/* The oldest violation not yet taken has this number and says this. */
static __attribute__((unused)) void world_expect(uint64_t number, const char *text)
{
	const struct world_violation *violation = &world.violation[world.taken % WORLD_VIOLATIONS];

	if (world.taken == world.violations)
		fail_msg("no violation, but expected 0x%llx \"%s\"", (unsigned long long)number,
			text);
	world.taken++;
	if (violation->number != number || !strstr(violation->text, text))
		fail_msg("violation 0x%llx \"%s\", but expected 0x%llx \"%s\"",
			(unsigned long long)violation->number, violation->text,
			(unsigned long long)number, text);
}

static void world_expect_none(void)
{
	if (world.taken != world.violations)
		fail_msg("violation 0x%llx \"%s\"",
			(unsigned long long)world.violation[world.taken % WORLD_VIOLATIONS].number,
			world.violation[world.taken % WORLD_VIOLATIONS].text);
}

/* The oldest event not yet taken is this one. */
static __attribute__((unused)) void world_event(
	enum trace_type type, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	static const struct trace_event none;
	struct trace_event event = world.events ? world.event[0] : none;

	if (!world.events)
		fail_msg("no event, but expected %s", trace_name(type));
	memmove(world.event, world.event + 1, --world.events * sizeof(event));
	if (event.type != type || event.arg[0] != a || event.arg[1] != b || event.arg[2] != c ||
		event.arg[3] != d)
		fail_msg("event %s %llx %llx %llx %llx, but expected %s %llx %llx %llx %llx",
			trace_name(event.type), (unsigned long long)event.arg[0],
			(unsigned long long)event.arg[1], (unsigned long long)event.arg[2],
			(unsigned long long)event.arg[3], trace_name(type), (unsigned long long)a,
			(unsigned long long)b, (unsigned long long)c, (unsigned long long)d);
}

static bool world_poll(void *arg)
{
	world.body();
	return false;
}

static void world_begin(const struct world_config *config)
{
	const struct mem_config memory = {
		.policy = config->policy, .size = 64ull << 20, .seed = 11};
	const struct cpu_config processors = {
		.processors = config->processors ? config->processors : 1, .inline_agents = true};
	const struct nt_config kernel = {0, true, false};

	memset(&world, 0, sizeof(world));
	assert_int_equal(mem_init(&memory), 0);
	assert_int_equal(cpu_init(&processors), 0);
	assert_int_equal(nt_init(&kernel), 0);
	assert_int_equal(dma_init(&config->dma), 0);
	assert_int_equal(trace_subscribe(1ull << TRACE_VIOLATION | 1ull << TRACE_SG_BUILD |
						 1ull << TRACE_SG_PUT | 1ull << TRACE_DMA_TRANSFER,
				 world_listen, NULL),
		0);
	assert_int_equal(cpu_claim(0), 0);
	assert_int_equal(cpu_start(), 0);
}

/* dma_fini reports what the test left: it is looked at, too. */
static void world_end(void)
{
	dma_fini();
	assert_int_equal(nt_fini(), 0);
	cpu_fini();
	trace_unsubscribe(world_listen, NULL);
	assert_int_equal(mem_fini(), 0);
	world_expect_none();
}

static __attribute__((unused)) void world_run(const struct world_config *config, void (*body)(void))
{
	world_begin(config);
	world.body = body;
	assert_int_equal(cpu_run(0, world_poll, NULL), 0);
	world_expect_none();
	world_end();
}

/* ---- what most tests need ---- */

/* An adapter that can do everything, for transfers up to 64 KiB (17 registers). */
static __attribute__((unused)) struct dma_adapter *world_adapter(void)
{
	const struct dma_constraints limits = {64, 0x10000, 0, true, 0};
	struct dma_adapter *adapter = dma_adapter_new(&limits, (const void *)0x1234);

	assert_non_null(adapter);
	return adapter;
}

/* The layer's calls with their arguments side by side. */
static __attribute__((unused)) NTSTATUS world_build(struct dma_adapter *adapter, PMDL mdl, void *va,
	uint32_t bytes, dma_list_routine *routine, void *device_object, void *irp, void *context,
	bool write, PSCATTER_GATHER_LIST list, uint32_t room)
{
	return dma_build(adapter,
		&(struct dma_order){
			.mdl = mdl, .current_va = va, .length = bytes, .write_to_device = write},
		&(struct dma_callee){routine, device_object, irp, context}, list, room);
}

static __attribute__((unused)) NTSTATUS world_get(struct dma_adapter *adapter, PMDL mdl, void *va,
	uint32_t bytes, dma_list_routine *routine, void *device_object, void *irp, void *context,
	bool write)
{
	return dma_get(adapter,
		&(struct dma_order){
			.mdl = mdl, .current_va = va, .length = bytes, .write_to_device = write},
		&(struct dma_callee){routine, device_object, irp, context});
}

/* A caller that does not wait for map registers. */
static __attribute__((unused)) NTSTATUS world_map(struct dma_adapter *adapter,
	struct dma_mapping *mapping, PMDL mdl, void *va, uint32_t bytes, bool write,
	PSCATTER_GATHER_LIST list, uint32_t max_elements)
{
	*mapping = (struct dma_mapping){0};
	return dma_map(adapter, mapping,
		&(struct dma_order){
			.mdl = mdl, .current_va = va, .length = bytes, .write_to_device = write},
		list, max_elements, NULL);
}

/* RAM with an MDL in front of it that describes it: what a driver has. */
struct world_buffer {
	PMDL mdl;
	char *va;
	uint32_t bytes;
};

static __attribute__((unused)) struct world_buffer world_buffer(uint32_t offset, uint32_t bytes)
{
	uint32_t pages = (offset + bytes + 4095) / 4096;
	struct world_buffer buffer = {.bytes = bytes};
	char *page;

	assert_true(sizeof(MDL) + pages * sizeof(PFN_NUMBER) <= 4096);
	page = mem_alloc((1 + pages) * 4096ull, 0, MEM_DATA, NULL);
	assert_non_null(page);
	buffer.mdl = (PMDL)page;
	buffer.va = page + 4096 + offset;
	MmInitializeMdl(buffer.mdl, buffer.va, bytes);
	buffer.mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	for (uint32_t n = 0; n < pages; n++)
		MmGetMdlPfnArray(buffer.mdl)[n] = mem_frame_number(page + (1 + n) * 4096ull);
	return buffer;
}

static __attribute__((unused)) void world_buffer_free(struct world_buffer *buffer)
{
	uint32_t pages = (buffer->mdl->ByteOffset + buffer->bytes + 4095) / 4096;

	mem_free(buffer->mdl, (1 + pages) * 4096ull);
}

#endif
