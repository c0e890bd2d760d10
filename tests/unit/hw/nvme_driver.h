/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A driver of the NVMe controller inside a test, written from the NVM Express base specification
 * 1.4 alone: all offsets and codes below are its. The device runs inside the doorbell's write,
 * unless the test says otherwise.
 */
#ifndef TEST_NVME_DRIVER_H
#define TEST_NVME_DRIVER_H

#include "../one_processor.h"
#include "dma/dma.h"
#include "hw/hw.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE 4096u

enum { /* 3.1 */
	CAP = 0x00,
	VS = 0x08,
	INTMS = 0x0c,
	INTMC = 0x10,
	CC = 0x14,
	CSTS = 0x1c,
	AQA = 0x24,
	ASQ = 0x28,
	ACQ = 0x30
};
enum { CC_ENABLE = 1 | 6 << 16 | 4 << 20, CC_SHUTDOWN = 1 << 14, CC_ABRUPT = 2 << 14 };
enum { RDY = 1, CFS = 2, SHST_DONE = 8 };

enum { /* section 5 */
	DELETE_SQ = 0,
	CREATE_SQ = 1,
	GET_LOG = 2,
	DELETE_CQ = 4,
	CREATE_CQ = 5,
	IDENTIFY = 6,
	ABORT = 8,
	SET_FEATURES = 9,
	GET_FEATURES = 10,
	ASYNC_EVENT = 12,
	DOORBELL_BUFFER = 0x7c
};
enum { FLUSH = 0, WRITE = 1, READ = 2, COMPARE = 5, WRITE_ZEROES = 8, DSM = 9 }; /* section 6 */

enum { /* 4.6.1: type in bits 10:8 */
	OK = 0,
	BAD_OPCODE = 0x01,
	BAD_FIELD = 0x02,
	CID_CONFLICT = 0x03,
	TRANSFER_ERROR = 0x04,
	ABORTED = 0x07,
	ABORTED_SQ = 0x08,
	BAD_NAMESPACE = 0x0b,
	BAD_SEQUENCE = 0x0c,
	BAD_PRP_OFFSET = 0x13,
	WRITE_PROTECTED = 0x20,
	BAD_LBA = 0x80,
	NO_CAPACITY = 0x81,
	BAD_CQ = 0x100,
	BAD_QUEUE_ID = 0x101,
	BAD_QUEUE_SIZE = 0x102,
	ASYNC_LIMIT = 0x105,
	BAD_VECTOR = 0x108,
	BAD_LOG = 0x109,
	BAD_DELETION = 0x10c,
	NOT_SAVEABLE = 0x10d,
	NOT_OF_NAMESPACE = 0x10f,
	READ_ERROR = 0x281,
	DIFFERENT = 0x285
};

struct command {
	uint8_t opcode, flags;
	uint16_t cid;
	uint32_t nsid;
	uint64_t reserved, metadata, prp1, prp2;
	uint32_t dw10, dw11, dw12, dw13, dw14, dw15;
};

struct completion {
	uint32_t result, reserved;
	uint16_t sq_head, sqid, cid, status;
};

/* A pair: its memory is the test's, 64 entries at most. */
struct queue {
	struct command *commands;
	volatile struct completion *completions;
	unsigned sq_size, cq_size, tail, head, phase;
};

#define QUEUES 4

struct driver {
	struct hw_device *device;
	struct bus_function *function;
	char *regs;
	struct queue queue[QUEUES]; /* [0]: admin */
	uint64_t *list;		    /* four pages for PRP lists */
	char *page;		    /* one for answers */
	uint16_t next_cid;
	struct completion last;
	struct bus_interrupt interrupts[8];
	unsigned interrupts_seen[8];
};

static inline uint32_t reg_get(struct driver *d, unsigned offset)
{
	return (uint32_t)bus_register_read(d->regs + offset, 4);
}

static inline void reg_set(struct driver *d, unsigned offset, uint32_t value)
{
	bus_register_write_ulong(d->regs + offset, value);
}

static inline void sq_doorbell(struct driver *d, unsigned id, uint32_t value)
{
	reg_set(d, 0x1000 + 8 * id, value);
}

static inline void cq_doorbell(struct driver *d, unsigned id, uint32_t value)
{
	reg_set(d, 0x1004 + 8 * id, value);
}

/* ---- life ---- */

static inline void driver_open_config(struct driver *d, const struct hw_config *config)
{
	const struct hw_model *model = hw_find("nvme");
	struct hw_config changed = *config;
	struct bus_resource r;
#ifdef DRIVER_MORE /* an option besides */
	char options[256];

	snprintf(options, sizeof(options), "%s%s" DRIVER_MORE,
		config->options ? config->options : "",
		config->options && *config->options ? "," : "");
	changed.options = options;
#endif

	memset(d, 0, sizeof(*d));
	assert_non_null(model);
	if (model->create(&changed, &d->device))
		fail_msg("%s", error_text());
	d->function = bus_function_get(0);
	assert_true(bus_resource_get(d->function, 0, &r));
	d->regs = bus_map(r.address, r.size, false, NULL);
	for (unsigned i = 0; i < QUEUES; i++) {
		d->queue[i].commands = mem_alloc(PAGE, MEM_LINEAR, MEM_EXTENSION, d);
		d->queue[i].completions = mem_alloc(PAGE, MEM_LINEAR, MEM_EXTENSION, d);
	}
	d->list = mem_alloc(4 * PAGE, 0, MEM_LIST, d);
	d->page = mem_alloc(PAGE, 0, MEM_DATA, d);
}

/* 8 MiB in memory, 512-byte blocks: 16384 blocks. */
static inline void driver_open(struct driver *d, const char *options)
{
	const struct hw_config config = {.options = options, .size = 8 << 20, .block_size = 512};

	driver_open_config(d, &config);
}

static inline void queue_reset(struct queue *q, unsigned sq_size, unsigned cq_size)
{
	memset((void *)q->completions, 0, PAGE);
	q->sq_size = sq_size;
	q->cq_size = cq_size;
	q->tail = q->head = 0;
	q->phase = 1;
}

static inline void driver_wait(struct driver *d, uint32_t mask, uint32_t value)
{
	uint64_t start = cpu_clock();

	while ((reg_get(d, CSTS) & mask) != value) {
		assert_true(cpu_clock() - start < 5000000000);
		cpu_relax();
	}
}

/* The admin queue of `entries` each way, wherever it stands. */
static inline void driver_enable_as(struct driver *d, unsigned entries, uint32_t cc)
{
	queue_reset(&d->queue[0], entries, entries);
	reg_set(d, AQA, (entries - 1) << 16 | (entries - 1));
	bus_register_write(d->regs + ASQ, 8, mem_physical(d->queue[0].commands));
	bus_register_write(d->regs + ACQ, 8, mem_physical((void *)d->queue[0].completions));
	reg_set(d, CC, cc);
}

static inline void driver_enable(struct driver *d)
{
	driver_enable_as(d, 16, CC_ENABLE);
	driver_wait(d, ~0u, RDY);
}

static inline void driver_disable(struct driver *d)
{
	reg_set(d, CC, 0);
	driver_wait(d, ~0u, 0);
}

static inline void driver_close(struct driver *d)
{
	bus_unmap(d->regs);
	assert_int_equal(hw_find("nvme")->destroy(d->device), 0);
	for (unsigned i = 0; i < QUEUES; i++) {
		mem_free(d->queue[i].commands, PAGE);
		mem_free((void *)d->queue[i].completions, PAGE);
	}
	mem_free(d->list, 4 * PAGE);
	mem_free(d->page, PAGE);
}

/* ---- commands ---- */

/* Puts a command into its queue without ringing; its identifier, which is chosen here unless the
 * command has one. */
static inline uint16_t driver_put(struct driver *d, unsigned id, struct command c)
{
	struct queue *q = &d->queue[id];

	if (!c.cid)
		c.cid = ++d->next_cid;
	q->commands[q->tail] = c;
	q->tail = (q->tail + 1) % q->sq_size;
	return c.cid;
}

static inline void driver_ring(struct driver *d, unsigned id)
{
	sq_doorbell(d, id, d->queue[id].tail);
}

/* The next completion if there is one; it stays the controller's until the doorbell is rung. */
static inline bool driver_look(struct driver *d, unsigned id, struct completion *c)
{
	struct queue *q = &d->queue[id];
	volatile struct completion *at = &q->completions[q->head];
	const uint64_t *words = (const void *)(uintptr_t)at;
	/* the word with the phase first: the rest is true when it has come */
	uint64_t word = __atomic_load_n(&words[1], __ATOMIC_ACQUIRE);

	memset(c, 0, sizeof(*c));
	if ((word >> 48 & 1) != q->phase)
		return false;
	*c = *at;
	q->head = (q->head + 1) % q->cq_size;
	q->phase ^= q->head == 0;
	return true;
}

static inline bool driver_take(struct driver *d, unsigned id, struct completion *c)
{
	if (!driver_look(d, id, c))
		return false;
	cq_doorbell(d, id, d->queue[id].head);
	return true;
}

static inline unsigned status_of(const struct completion *c)
{
	return c->status >> 1 & 0x7ff;
}

static inline void driver_await(struct driver *d, unsigned id, struct completion *c)
{
	uint64_t start = cpu_clock();

	while (!driver_take(d, id, c)) {
		assert_true(cpu_clock() - start < 5000000000);
		cpu_relax();
	}
}

/* One command from doorbell to completion; its status. */
static inline unsigned driver_do(struct driver *d, unsigned id, struct command c)
{
	uint16_t cid = driver_put(d, id, c);
	struct completion none;

	driver_ring(d, id);
	driver_await(d, id, &d->last);
	assert_int_equal(d->last.cid, cid);
	assert_int_equal(d->last.sqid, id);
	assert_int_equal(d->last.reserved, 0);
	assert_false(driver_look(d, id, &none));
	return status_of(&d->last);
}

static inline unsigned driver_admin(
	struct driver *d, uint8_t opcode, uint32_t nsid, uint32_t dw10, uint32_t dw11)
{
	memset(d->page, 0xee, PAGE);
	return driver_do(d, 0,
		(struct command){.opcode = opcode,
			.nsid = nsid,
			.prp1 = mem_physical(d->page),
			.dw10 = dw10,
			.dw11 = dw11});
}

static inline unsigned cq_create(
	struct driver *d, unsigned id, unsigned size, unsigned vector, unsigned flags)
{
	return driver_do(d, 0,
		(struct command){.opcode = CREATE_CQ,
			.prp1 = mem_physical((void *)d->queue[id % QUEUES].completions),
			.dw10 = (size - 1) << 16 | id,
			.dw11 = vector << 16 | flags});
}

static inline unsigned sq_create(struct driver *d, unsigned id, unsigned size, unsigned cqid)
{
	return driver_do(d, 0,
		(struct command){.opcode = CREATE_SQ,
			.prp1 = mem_physical(d->queue[id % QUEUES].commands),
			.dw10 = (size - 1) << 16 | id,
			.dw11 = cqid << 16 | 1});
}

/* Pair `id`, contiguous, with interrupts on this vector. */
static inline void driver_queue(
	struct driver *d, unsigned id, unsigned sq_size, unsigned cq_size, unsigned vector)
{
	queue_reset(&d->queue[id], sq_size, cq_size);
	assert_int_equal(cq_create(d, id, cq_size, vector, 3), OK);
	assert_int_equal(sq_create(d, id, sq_size, id), OK);
}

/* Open, enabled, with pair 1. */
static inline void driver_start(struct driver *d, const char *options)
{
	driver_open(d, options);
	driver_enable(d);
	driver_queue(d, 1, 16, 16, 0);
}

/* ---- data ---- */

/* PRPs of a buffer, the list in d->list, which must suffice without a chain (512 entries). */
static inline void driver_prp(
	struct driver *d, struct command *c, const void *buffer, uint64_t bytes)
{
	const char *at = (const char *)(((uintptr_t)buffer & ~(uintptr_t)(PAGE - 1)) + PAGE);
	unsigned n = 0;

	c->prp1 = mem_physical(buffer);
	for (; at < (const char *)buffer + bytes; at += PAGE)
		d->list[n++] = mem_physical(at);
	assert_true(n <= 512);
	c->prp2 = n > 1 ? mem_physical(d->list) : n ? d->list[0] : 0;
}

static inline struct command io_of(struct driver *d, uint8_t opcode, uint32_t nsid, uint64_t block,
	unsigned blocks, const void *buffer, uint64_t bytes)
{
	struct command c = {.opcode = opcode,
		.nsid = nsid,
		.dw10 = (uint32_t)block,
		.dw11 = (uint32_t)(block >> 32),
		.dw12 = blocks - 1};

	if (bytes)
		driver_prp(d, &c, buffer, bytes);
	return c;
}

/* Of namespace 1 with 512-byte blocks. */
static inline unsigned driver_read(struct driver *d, uint64_t block, void *buffer, uint64_t bytes)
{
	return driver_do(d, 1, io_of(d, READ, 1, block, (unsigned)(bytes / 512), buffer, bytes));
}

static inline unsigned driver_write(
	struct driver *d, uint64_t block, const void *buffer, uint64_t bytes)
{
	return driver_do(d, 1, io_of(d, WRITE, 1, block, (unsigned)(bytes / 512), buffer, bytes));
}

static inline char *buffer_new(uint64_t bytes)
{
	char *at = mem_alloc(bytes, 0, MEM_DATA, NULL);

	assert_non_null(at);
	memset(at, 0xee, bytes);
	return at;
}

/* Bytes that differ with every position and seed. */
static inline void pattern_fill(void *buffer, uint64_t bytes, uint64_t seed)
{
	uint64_t *words = buffer;

	for (uint64_t i = 0; i < bytes / 8; i++)
		words[i] = (i + 1 + seed * 1000003) * 0x9e3779b97f4a7c15ull;
}

static inline bool is_all(const void *buffer, uint64_t bytes, unsigned char value)
{
	const unsigned char *at = buffer;

	return !bytes || (*at == value && !memcmp(at, at + 1, bytes - 1));
}

static inline uint64_t get(const void *at, unsigned offset, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)at + offset, bytes);
	return value;
}

/* ---- interrupts ---- */

static inline bool driver_message_service(struct cpu_interrupt *vector)
{
	(*(unsigned *)vector->ctx)++;
	return true;
}

static inline void driver_connect_messages(struct driver *d, unsigned count)
{
	assert_int_equal(bus_messages_enable(d->function, count), count);
	for (unsigned i = 0; i < count; i++) {
		d->interrupts[i].vector = (struct cpu_interrupt){.irql = 5,
			.service = driver_message_service,
			.ctx = &d->interrupts_seen[i]};
		assert_int_equal(bus_interrupt_connect(d->function, i, &d->interrupts[i]), 0);
	}
}

static inline void driver_disconnect(struct driver *d, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		bus_interrupt_disconnect(&d->interrupts[i]);
	bus_messages_disable(d->function);
}

#define ON_PROCESSOR(name, body)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body);                                                                \
	}

/* A scratch file of this size, removed by the test; its name lives until the next call. */
static inline const char *scratch_file(uint64_t bytes)
{
	static char name[64];
	int fd;

	strcpy(name, "/tmp/dryport-test-XXXXXX");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
	return name;
}

#endif
