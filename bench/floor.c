/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The floor of the path: the same steps as a request's seven stations (SRB filled in, list from
 * page frames, BuildIo, StartIo, a ring entry, the device's completion entry, ISR, DPC, completion
 * callback) with nothing beside them: no locks, queues, timers, checks or error paths. A yardstick,
 * not a product.
 */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define RING  256
#define PAGES 65536

struct element {
	uint64_t address;
	uint32_t length, pad;
	uint64_t reserved;
};

struct request {
	uint8_t srb[200];
	uint8_t extension[64];
	struct element list[2];
	uint32_t elements;
	uint16_t tag;
	uint64_t block, page;
	struct request *next;
	void (*done)(struct request *request);
};

static struct {
	struct request requests[RING];
	struct {
		uint64_t words[4];
	} commands[RING];
	struct {
		uint32_t tag, status;
	} completions[RING];
	uint32_t command_tail, command_head, completion_tail, completion_head;
	uint64_t *frames;
	uint64_t random, finished;
	struct request *ready;
	bool interrupt, dpc;
} skeleton;

/* Stands for what is called through a driver's pointers. */
#define through_pointer __attribute__((noinline))

static through_pointer bool build_io(struct request *request)
{
	uint64_t *at = (uint64_t *)request->extension;

	for (uint32_t n = 0; n < request->elements; n++, at += 2) {
		at[0] = request->list[n].address;
		at[1] = request->list[n].length;
	}
	return true;
}

static through_pointer bool start_io(struct request *request)
{
	uint64_t *words = skeleton.commands[skeleton.command_tail++ % RING].words;

	words[0] = request->tag;
	words[1] = request->block;
	words[2] = (uintptr_t)request->extension;
	words[3] = request->elements;
	return true;
}

static through_pointer void device(void)
{
	while (skeleton.command_head != skeleton.command_tail) {
		const uint64_t *words = skeleton.commands[skeleton.command_head++ % RING].words;
		uint32_t slot = skeleton.completion_tail++ % RING;

		skeleton.completions[slot].tag = (uint32_t)words[0];
		skeleton.completions[slot].status = 0;
		skeleton.interrupt = true;
	}
}

static through_pointer bool isr(void)
{
	skeleton.interrupt = false;
	skeleton.dpc = true;
	return true;
}

static through_pointer void dpc(void)
{
	skeleton.dpc = false;
	while (skeleton.completion_head != skeleton.completion_tail) {
		struct request *request =
			&skeleton.requests[skeleton.completions[skeleton.completion_head++ % RING]
						   .tag];

		request->srb[3] = 1;
		request->done(request);
	}
}

static through_pointer void finished(struct request *request)
{
	skeleton.finished++;
	request->next = skeleton.ready;
	skeleton.ready = request;
}

static bool (*volatile build_io_pointer)(struct request *) = build_io;
static bool (*volatile start_io_pointer)(struct request *) = start_io;
static void (*volatile device_pointer)(void) = device;
static bool (*volatile isr_pointer)(void) = isr;
static void (*volatile dpc_pointer)(void) = dpc;

static void submit(struct request *request)
{
	uint64_t frame;

	skeleton.random = skeleton.random * 6364136223846793005ull + 1442695040888963407ull;
	request->block = skeleton.random >> 40;
	request->page = skeleton.random >> 32 & (PAGES - 1);
	memset(request->srb, 0, sizeof(request->srb));
	memcpy(request->srb + 72, &request->block, sizeof(request->block));
	frame = skeleton.frames[request->page];
	request->list[0] = (struct element){.address = frame << 12, .length = 4096};
	request->elements = 1;
	request->done = finished;
	if (build_io_pointer(request))
		start_io_pointer(request);
}

double floor_run(unsigned depth, uint64_t operations)
{
	uint64_t start;

	memset(&skeleton, 0, sizeof(skeleton));
	skeleton.frames = malloc(PAGES * sizeof(*skeleton.frames));
	for (uint64_t n = 0; n < PAGES; n++)
		skeleton.frames[n] = 0x100000 + (n * 7919) % PAGES;
	for (unsigned n = 0; n < depth; n++) {
		skeleton.requests[n].tag = (uint16_t)n;
		finished(&skeleton.requests[n]);
	}
	skeleton.finished = 0;
	start = bench_ns();
	while (skeleton.finished < operations) {
		while (skeleton.ready) {
			struct request *request = skeleton.ready;

			skeleton.ready = request->next;
			submit(request);
		}
		device_pointer();
		if (skeleton.interrupt)
			isr_pointer();
		if (skeleton.dpc)
			dpc_pointer();
	}
	free(skeleton.frames);
	return (double)(bench_ns() - start) / (double)skeleton.finished;
}
