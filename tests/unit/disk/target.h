/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A disk of SCSI commands behind a port adapter without a miniport: it carries the commands out in
 * memory, at once or by a kernel thread later, and keeps a log of them. What it says of itself are
 * the bytes that a test puts there; a hook may answer any command otherwise.
 */
#ifndef TESTS_DISK_TARGET_H
#define TESTS_DISK_TARGET_H

#include "../port/fake.h"
#include "disk/disk.h"
#include "util/error.h"

#include <errno.h>

#define TARGET_LOG  40000
#define TARGET_LUNS 4

struct target_command {
	uint8_t opcode, lun, flags; /* flags: byte 1 */
	uint64_t block;
	uint32_t blocks;
	const void *data;
	uint32_t bytes;
};

static struct {
	/* what it is */
	uint32_t block_size;
	uint64_t blocks; /* that the store has */
	char *store;
	uint8_t inquiry[96], capacity10[8], capacity16[32], mode[64], pages[64], limits[64],
		provisioning[64];
	uint8_t mode_bytes; /* 0: MODE SENSE is not known */
	unsigned luns;
	uint8_t reported[64]; /* by REPORT LUNS, as it comes; all 0: it is not known */
	struct port_limits port;
	/* what it did */
	struct target_command *log;
	_Atomic unsigned count;
	/* what a test wants otherwise: true if the hook has dealt with the request */
	bool (*hook)(struct port_request *request, const struct target_command *command);
	bool later; /* the thread of target_later completes */
	struct cpu_spinlock lock;
	struct port_request *waiting, **tail;
	_Atomic bool stop;
	struct cpu_thread *thread;
	struct disk *disk;
} target;

static uint64_t target_get(const uint8_t *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | *at++;
	return value;
}

static void target_put(uint8_t *at, unsigned bytes, uint64_t value)
{
	while (bytes--) {
		at[bytes] = (uint8_t)value;
		value >>= 8;
	}
}

/* ---- answers ---- */

static void target_end(struct port_request *request, uint8_t srb_status)
{
	SrbSetSrbStatus(request->srb, srb_status);
	port_request_complete(request);
}

static inline void target_sense(
	struct port_request *request, uint8_t key, uint8_t asc, uint8_t ascq)
{
	uint8_t *sense = request->sense;

	memset(sense, 0, 18);
	sense[0] = 0x70;
	sense[2] = key;
	sense[7] = 10;
	sense[12] = asc;
	sense[13] = ascq;
	SrbSetScsiStatus(request->srb, SCSISTAT_CHECK_CONDITION);
	SrbSetSenseInfoBufferLength(request->srb, 18);
	target_end(request, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
}

/* SB-10 */
static void target_answer(struct port_request *request, const void *data, uint32_t bytes)
{
	uint32_t moved = min_of(bytes, request->length);

	memcpy(request->data, data, moved);
	SrbSetDataTransferLength(request->srb, moved);
	target_end(
		request, moved == request->length ? SRB_STATUS_SUCCESS : SRB_STATUS_DATA_OVERRUN);
}

static void target_inquiry(struct port_request *request, const uint8_t *cdb)
{
	if (!(cdb[1] & 1))
		target_answer(request, target.inquiry, min_of(cdb[4], 96));
	else if (cdb[2] == 0x00)
		target_answer(request, target.pages, min_of(cdb[4], 64));
	else if (cdb[2] == 0xb0 && target.limits[1])
		target_answer(request, target.limits, min_of(cdb[4], 64));
	else if (cdb[2] == 0xb2 && target.provisioning[1])
		target_answer(request, target.provisioning, min_of(cdb[4], 64));
	else
		target_sense(request, 5, 0x24, 0);
}

static bool target_is_inside(const struct target_command *command)
{
	return command->block <= target.blocks && command->blocks <= target.blocks - command->block;
}

static void target_move(struct port_request *request, const struct target_command *command)
{
	char *at = target.store + command->block * target.block_size;

	if (!target_is_inside(command) || command->blocks * target.block_size != request->length) {
		target_sense(request, 5, 0x21, 0);
		return;
	}
	if (command->opcode & 2)
		memcpy(at, request->data, request->length);
	else
		memcpy(request->data, at, request->length);
	target_end(request, SRB_STATUS_SUCCESS);
}

static void target_unmap(struct port_request *request)
{
	const uint8_t *list = request->data;
	struct target_command range = {
		.block = target_get(list + 8, 8), .blocks = (uint32_t)target_get(list + 16, 4)};

	expect_is(request->length, 24);
	expect_is(target_get(list, 2), 22);
	expect_is(target_get(list + 2, 2), 16);
	expect(target_is_inside(&range));
	memset(target.store + range.block * target.block_size, 0xdd,
		(size_t)range.blocks * target.block_size);
	target_end(request, SRB_STATUS_SUCCESS);
}

static void target_same(struct port_request *request, const struct target_command *command)
{
	expect_is(request->length, target.block_size);
	expect(target_is_inside(command));
	for (uint32_t n = 0; n < command->blocks; n++)
		memcpy(target.store + (command->block + n) * target.block_size, request->data,
			target.block_size);
	target_end(request, SRB_STATUS_SUCCESS);
}

static void target_do(struct port_request *request)
{
	const uint8_t *cdb = (const uint8_t *)SrbGetCdb(request->srb);
	struct target_command command = {
		.opcode = request->function == SRB_FUNCTION_EXECUTE_SCSI ? cdb[0] : 0xff,
		.lun = request->unit->lun,
		.flags = cdb ? cdb[1] : request->function,
		.data = request->data,
		.bytes = request->length,
	};
	unsigned n;

	switch (command.opcode) {
	case SCSIOP_READ:
	case SCSIOP_WRITE:
		command.block = target_get(cdb + 2, 4);
		command.blocks = (uint32_t)target_get(cdb + 7, 2);
		break;
	case SCSIOP_READ16:
	case SCSIOP_WRITE16:
	case SCSIOP_WRITE_SAME16:
		command.block = target_get(cdb + 2, 8);
		command.blocks = (uint32_t)target_get(cdb + 10, 4);
		break;
	case SCSIOP_UNMAP:
		command.block = target_get((uint8_t *)request->data + 8, 8);
		command.blocks = (uint32_t)target_get((uint8_t *)request->data + 16, 4);
		break;
	}
	n = atomic_fetch_add(&target.count, 1);
	if (n < TARGET_LOG)
		target.log[n] = command;
	if (target.hook && target.hook(request, &command))
		return;
	if (command.lun >= target.luns) {
		target_end(request, SRB_STATUS_INVALID_LUN);
		return;
	}
	switch (command.opcode) {
	case SCSIOP_READ:
	case SCSIOP_WRITE:
	case SCSIOP_READ16:
	case SCSIOP_WRITE16:
		target_move(request, &command);
		return;
	case SCSIOP_INQUIRY:
		target_inquiry(request, cdb);
		return;
	case SCSIOP_READ_CAPACITY:
		target_answer(request, target.capacity10, 8);
		return;
	case SCSIOP_READ_CAPACITY16:
		target_answer(request, target.capacity16, 32);
		return;
	case SCSIOP_MODE_SENSE:
		if (target.mode_bytes)
			target_answer(request, target.mode, min_of(cdb[4], target.mode_bytes));
		else
			target_sense(request, 5, 0x20, 0);
		return;
	case SCSIOP_REPORT_LUNS:
		if (target.reported[3])
			target_answer(request, target.reported, sizeof(target.reported));
		else
			target_sense(request, 5, 0x20, 0);
		return;
	case SCSIOP_UNMAP:
		target_unmap(request);
		return;
	case SCSIOP_WRITE_SAME16:
		target_same(request, &command);
		return;
	default: /* SYNCHRONIZE CACHE, and the port's own functions */
		target_end(request, SRB_STATUS_SUCCESS);
		return;
	}
}

static inline uint8_t target_cdb_length(struct port_request *request)
{
	return SrbGetCdbLength(request->srb);
}

/* ---- now or later ---- */

static void target_start(struct port_request *request)
{
	if (!target.later) {
		target_do(request);
		return;
	}
	cpu_spin_acquire(&target.lock);
	request->next = NULL;
	*target.tail = request;
	target.tail = &request->next;
	cpu_spin_release(&target.lock);
}

static struct port_request *target_take(void)
{
	struct port_request *request;

	cpu_spin_acquire(&target.lock);
	request = target.waiting;
	if (request)
		target.waiting = request->next;
	if (!target.waiting)
		target.tail = &target.waiting;
	cpu_spin_release(&target.lock);
	return request;
}

/* A few at a time, so that some always wait. */
static void target_work(void *ctx)
{
	while (!atomic_load(&target.stop)) {
		uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
		struct port_request *request;

		for (unsigned n = 0; n < 5 && (request = target_take()) != NULL; n++)
			target_do(request);
		cpu_irql_lower(irql);
		cpu_thread_park(50000);
	}
}

/* From here on a kernel thread of the last processor completes. */
static inline void target_later(void)
{
	target.later = true;
	target.tail = &target.waiting;
	target.stop = false;
	target.thread = cpu_thread_new(target_work, NULL, cpu_count() - 1, "target");
	expect(target.thread != NULL);
}

/* ---- life; inside the body ---- */

/* A disk of 512-byte blocks that knows everything, one unit. */
static inline void target_init(uint64_t blocks)
{
	memset(&target, 0, sizeof(target));
	target.block_size = 512;
	target.blocks = blocks;
	target.store = calloc(blocks, target.block_size);
	target.log = calloc(TARGET_LOG, sizeof(*target.log));
	target.luns = 1;
	memcpy(target.inquiry + 8, "VENDOR  PRODUCT         1.0 ", 28);
	target_put(target.capacity10, 4, blocks - 1);
	target_put(target.capacity10 + 4, 4, 512);
	target_put(target.capacity16, 8, blocks - 1);
	target_put(target.capacity16 + 8, 4, 512);
	target.mode_bytes = 24;
	target.mode[0] = 23;
	target.mode[2] = 0x10; /* DPO and FUA */
	target.mode[4] = 0x08; /* caching page */
	target.mode[5] = 18;
	target.mode[6] = 0x04; /* write cache on */
	target.pages[3] = 3;
	target.pages[5] = 0xb0;
	target.pages[6] = 0xb2;
	target.limits[1] = 0xb0;
	target_put(target.limits + 2, 2, 60);
	target_put(target.limits + 20, 4, 1000); /* most blocks of an UNMAP */
	target_put(target.limits + 36, 8, 300);	 /* of a WRITE SAME */
	target.provisioning[1] = 0xb2;
	target_put(target.provisioning + 2, 2, 4);
	target.provisioning[5] = 0x80; /* UNMAP */
	target.port = (struct port_limits){
		.max_transfer = 65536,
		.max_elements = 17,
		.extension_bytes = 100,
		.initial_depth = 20,
		.max_depth = 255,
		.extended_srb = fake.adapter.limits.extended_srb,
		.map_buffers = STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE,
		.buses = 1,
		.targets = 1,
		.luns = TARGET_LUNS,
	};
	fake.start = target_start;
}

static struct disk_set target_set;

/* Makes adapter and pool, and scans: its result. */
static inline int target_scan(void)
{
	const struct dma_constraints constraints = {.width = fake_width,
		.max_transfer = target.port.max_transfer,
		.scatter_gather = true,
		.device = FAKE_DEVICE};
	struct dma_adapter *dma = fake_dma ? dma_adapter_new(&constraints, &fake.adapter) : NULL;
	int err;

	memset(&target_set, 0, sizeof(target_set));
	expect_is(port_adapter_init(&fake.adapter, &fake_model, "fake", dma, &target.port), 0);
	port_adapter_open(&fake.adapter);
	expect_is(disk_pool_init(target.port.max_transfer), 0);
	err = disk_scan(&fake.adapter, &target_set);
	target.disk = target_set.disk[0];
	target.count = 0;
	return err;
}

static inline void target_end_all(void)
{
	struct dma_adapter *dma;

	if (target.thread) {
		target.stop = true;
		cpu_thread_join(target.thread);
		cpu_thread_free(target.thread);
	}
	while (target_set.count)
		disk_free(target_set.disk[--target_set.count]);
	expect_is(port_adapter_close(&fake.adapter, 1), 0);
	dma = fake.adapter.dma;
	port_adapter_fini(&fake.adapter);
	if (dma)
		dma_adapter_free(dma);
	disk_pool_fini();
	free(target.store);
	free(target.log);
}

/* init and scan of a good disk. */
static inline void target_up(uint64_t blocks)
{
	target_init(blocks);
	expect_is(target_scan(), 0);
	expect_is(target_set.count, 1);
}

/* Bytes that tell their place: the same on every machine. */
static inline char target_byte(uint64_t at)
{
	return (char)((at * 0x9e3779b97f4a7c15ull) >> 56);
}

#endif
