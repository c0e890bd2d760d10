/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The floor of the path: the steps of a request's seven stations with nothing beside them, as one
 * would write them for one driver and one device: the SRB is filled in afresh, a tag taken, a list
 * made from page frames, BuildIo makes a command of 64 bytes from the CDB and the list, StartIo
 * puts it into the ring, the device reads it and writes a completion of 16 bytes, ISR and DPC find
 * it, and the request goes back with its tag. No locks, queues, timers, checks of a driver, or
 * error paths beyond a test. A yardstick, not a product.
 */
#include "bench.h"

#include <endian.h>
#include <scsi.h>
#include <srb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RING   256
#define PAGES  65536
#define BLOCKS (1ull << 32)
#define BLOCK  4096

struct element {
	uint64_t address;
	uint32_t length, pad;
	uint64_t reserved;
};

struct list {
	uint32_t count, pad;
	uint64_t reserved;
	struct element elements[16];
};

struct command { /* as NVMe has it */
	uint8_t opcode, flags;
	uint16_t tag;
	uint32_t space;
	uint64_t reserved, metadata;
	uint64_t data[2];
	uint64_t block;
	uint32_t blocks;
	uint32_t more[3];
};
_Static_assert(sizeof(struct command) == 64, "an entry of the ring");

struct completion {
	uint32_t result, reserved;
	uint16_t head, queue, tag, status; /* the lowest bit of status turns with the ring */
};
_Static_assert(sizeof(struct completion) == 16, "an entry of the other");

struct request {
	SCSI_REQUEST_BLOCK srb;
	struct command extension;
	struct list list;
	uint8_t sense[18];
	uint16_t tag;
	uint64_t block;
	const uint64_t *frames;
	uint32_t offset, bytes;
	struct request *next;
	void (*done)(struct request *request);
};

static struct {
	struct request requests[RING];
	struct request *of_tag[RING];
	uint64_t tags[RING / 64]; /* free ones */
	struct command commands[RING];
	struct completion completions[RING];
	uint32_t tail, device_head, device_tail, head; /* count up */
	_Atomic uint32_t doorbell, head_doorbell;
	uint64_t *frames;
	uint64_t random, finished, next_block;
	const uint64_t *next_frames;
	struct request *ready;
	bool interrupt, dpc;
} skeleton;

/* Stands for what is called through a driver's pointers. */
#define through_pointer __attribute__((noinline))

/* ---- the driver ---- */

static through_pointer bool build_io(struct request *request)
{
	struct command *command = request->srb.SrbExtension;
	const uint8_t *cdb = request->srb.Cdb;
	const struct list *list = &request->list;
	uint32_t block;

	memset(command, 0, sizeof(*command));
	memcpy(&block, cdb + 2, sizeof(block));
	command->opcode = cdb[0] == SCSIOP_READ ? 2 : 1;
	command->space = 1;
	command->block = be32toh(block);
	command->blocks = (uint32_t)(cdb[7] << 8 | cdb[8]) - 1;
	command->data[0] = list->elements[0].address;
	if (list->count > 1)
		command->data[1] = list->elements[1].address;
	return true;
}

static through_pointer bool start_io(struct request *request)
{
	struct command *command = request->srb.SrbExtension;

	command->tag = request->tag;
	skeleton.commands[skeleton.tail % RING] = *command;
	atomic_store_explicit(&skeleton.doorbell, ++skeleton.tail, memory_order_release);
	return true;
}

static through_pointer bool isr(void)
{
	skeleton.interrupt = false;
	skeleton.dpc = true;
	return true;
}

static bool is_new(const struct completion *completion)
{
	return (completion->status & 1) == (skeleton.head / RING + 1) % 2;
}

static through_pointer void dpc(void)
{
	const struct completion *completion = &skeleton.completions[skeleton.head % RING];

	skeleton.dpc = false;
	for (; is_new(completion); completion = &skeleton.completions[skeleton.head % RING]) {
		struct request *request = skeleton.of_tag[completion->tag % RING];

		request->srb.SrbStatus =
			completion->status >> 1 ? SRB_STATUS_ERROR : SRB_STATUS_SUCCESS;
		skeleton.head++;
		skeleton.tags[request->tag / 64] |= 1ull << request->tag % 64;
		request->done(request);
	}
	atomic_store_explicit(&skeleton.head_doorbell, skeleton.head, memory_order_release);
}

/* ---- the device ---- */

static through_pointer void device(void)
{
	uint32_t tail = atomic_load_explicit(&skeleton.doorbell, memory_order_acquire);

	for (; skeleton.device_head != tail; skeleton.device_head++, skeleton.device_tail++) {
		const struct command *command = &skeleton.commands[skeleton.device_head % RING];
		bool is_good = (command->opcode == 1 || command->opcode == 2) &&
			       command->block + command->blocks < BLOCKS && command->data[0];
		struct completion completion = {.head = (uint16_t)(skeleton.device_head % RING),
			.tag = command->tag,
			.status = (uint16_t)((is_good ? 0 : 2) |
					     (skeleton.device_tail / RING + 1) % 2)};

		skeleton.completions[skeleton.device_tail % RING] = completion;
		skeleton.interrupt = true;
	}
}

/* ---- the port ---- */

static bool (*volatile build_io_pointer)(struct request *) = build_io;
static bool (*volatile start_io_pointer)(struct request *) = start_io;
static void (*volatile device_pointer)(void) = device;
static bool (*volatile isr_pointer)(void) = isr;
static void (*volatile dpc_pointer)(void) = dpc;

static through_pointer void finished(struct request *request)
{
	if (request->srb.SrbStatus == SRB_STATUS_SUCCESS &&
		request->srb.DataTransferLength == request->bytes)
		skeleton.finished++;
	request->next = skeleton.ready;
	skeleton.ready = request;
}

static bool take_tag(struct request *request)
{
	for (unsigned n = 0; n < RING / 64; n++) {
		if (!skeleton.tags[n])
			continue;
		request->tag = (uint16_t)(n * 64 + (unsigned)__builtin_ctzll(skeleton.tags[n]));
		skeleton.tags[n] &= skeleton.tags[n] - 1;
		skeleton.of_tag[request->tag] = request;
		return true;
	}
	return false;
}

static void make_list(struct request *request)
{
	struct list *list = &request->list;
	uint32_t left = request->bytes, offset = request->offset, count = 0;
	const uint64_t *frame = request->frames;

	for (; left; frame++, offset = 0) {
		uint32_t bytes = left < 4096 - offset ? left : 4096 - offset;
		uint64_t address = (*frame << 12) + offset;
		struct element *before = &list->elements[count - 1];

		left -= bytes;
		if (count && before->address + before->length == address)
			before->length += bytes;
		else
			list->elements[count++] =
				(struct element){.address = address, .length = bytes};
	}
	list->count = count;
	list->reserved = 0;
}

static void fill_srb(struct request *request)
{
	uint32_t block = htobe32((uint32_t)request->block);

	request->srb = (SCSI_REQUEST_BLOCK){.Length = sizeof(SCSI_REQUEST_BLOCK),
		.Function = SRB_FUNCTION_EXECUTE_SCSI,
		.QueueTag = SP_UNTAGGED,
		.QueueAction = SRB_SIMPLE_TAG_REQUEST,
		.CdbLength = 10,
		.SenseInfoBufferLength = sizeof(request->sense),
		.SrbFlags = SRB_FLAGS_DATA_IN | SRB_FLAGS_QUEUE_ACTION_ENABLE,
		.DataTransferLength = request->bytes,
		.TimeOutValue = 30,
		.SenseInfoBuffer = request->sense,
		.SrbExtension = &request->extension};
	request->srb.Cdb[0] = SCSIOP_READ;
	memcpy(&request->srb.Cdb[2], &block, sizeof(block));
	request->srb.Cdb[8] = 1;
}

static void submit(struct request *request)
{
	uint64_t random = skeleton.random;

	request->block = skeleton.next_block;
	request->frames = skeleton.next_frames;
	skeleton.random = random * 6364136223846793005ull + 1442695040888963407ull;
	skeleton.next_block = random >> 33;
	skeleton.next_frames = &skeleton.frames[random >> 17 & (PAGES - 1)];
	request->offset = 0;
	request->bytes = BLOCK;
	request->done = finished;
	fill_srb(request);
	make_list(request);
	if (take_tag(request) && build_io_pointer(request))
		start_io_pointer(request);
}

double floor_run(unsigned depth, uint64_t operations)
{
	uint64_t start;

	memset(&skeleton, 0, sizeof(skeleton));
	memset(skeleton.tags, 0xff, sizeof(skeleton.tags));
	skeleton.frames = malloc(PAGES * sizeof(*skeleton.frames));
	for (uint64_t n = 0; n < PAGES; n++)
		skeleton.frames[n] = 0x100000 + (n * 7919) % PAGES;
	skeleton.next_frames = skeleton.frames;
	for (unsigned n = 0; n < depth; n++) {
		skeleton.requests[n].next = skeleton.ready;
		skeleton.ready = &skeleton.requests[n];
	}
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
