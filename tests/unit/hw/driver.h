/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A driver of the simple controller inside a test: written from docs/simple-controller.md alone, so
 * all offsets and codes below are that page's. The device runs inside the doorbell's write.
 */
#ifndef TEST_DRIVER_H
#define TEST_DRIVER_H

#include "../one_processor.h"
#include "dma/dma.h"
#include "hw/hw.h"
#include <stdlib.h>
#include <unistd.h>

enum {
	VERSION = 0x00,
	CONTROL = 0x04,
	STATUS = 0x08,
	INTERRUPT = 0x0c,
	MASK = 0x10,
	FEATURES = 0x14,
	ENTRIES = 0x18,
	ELEMENTS = 0x1c,
	BLOCK_SIZE = 0x20,
	DOORBELL = 0x24,
	BLOCKS = 0x28,
	RING = 0x30
};
enum { READ = 1, WRITE, FLUSH, TRIM, ZERO, LOG, SCSI };
enum {
	OK,
	BAD_OPCODE,
	BAD_RANGE,
	BAD_LIST,
	DMA_ERROR,
	MEDIA_ERROR,
	NO_SPACE,
	READ_ONLY,
	BAD_FIELD,
	BAD_PARAMETER
};
enum { FUA = 1, DIRECT = 2 };

struct command {
	uint8_t opcode, flags;
	uint16_t tag, elements, message;
	uint64_t list;
	union {
		struct {
			uint64_t block, length;
		};
		uint8_t cdb[16];
	};
};

struct element {
	uint64_t address;
	uint32_t length, reserved;
};

struct completion {
	uint8_t sense[18];
	uint16_t reserved;
	uint32_t length;
	uint16_t tag, status;
	uint32_t sequence;
};

struct driver {
	struct hw_device *device;
	struct bus_function *function;
	char *regs;
	char *ring;	      /* one 64 KiB block: commands, then completions */
	struct element *list; /* one 64 KiB block */
	uint32_t entries, submitted, done;
	struct completion last; /* of driver_do */
	struct bus_interrupt interrupts[8];
	unsigned interrupts_seen[8];
};

#define RING_BYTES 65536
#define LIST_BYTES 65536

static inline uint32_t reg_get(struct driver *d, unsigned offset)
{
	return (uint32_t)bus_register_read(d->regs + offset, 4);
}

static inline void reg_set(struct driver *d, unsigned offset, uint32_t value)
{
	bus_register_write_ulong(d->regs + offset, value);
}

static inline void driver_open_config(struct driver *d, const struct hw_config *config)
{
	const struct hw_model *model = hw_find("simple");
	struct bus_resource r;

	memset(d, 0, sizeof(*d));
	assert_non_null(model);
	if (model->create(config, &d->device))
		fail_msg("%s", error_text());
	d->function = bus_function_get(0);
	assert_true(bus_resource_get(d->function, 0, &r));
	d->regs = bus_map(r.address, r.size, false, NULL);
	d->entries = reg_get(d, ENTRIES);
	d->ring = mem_alloc(RING_BYTES, MEM_LINEAR, MEM_EXTENSION, d);
	d->list = mem_alloc(LIST_BYTES, MEM_LINEAR, MEM_EXTENSION, d);
}

/* 4 MiB in memory, 512-byte blocks: 8192 blocks. */
static inline void driver_open(struct driver *d, const char *options)
{
	const struct hw_config config = {.options = options, .size = 4 << 20, .block_size = 512};

	driver_open_config(d, &config);
}

static inline void driver_start(struct driver *d)
{
	uint64_t ring = mem_physical(d->ring);

	memset(d->ring, 0, RING_BYTES);
	d->submitted = d->done = 0;
	bus_register_write(d->regs + RING, 8, ring);
	reg_set(d, CONTROL, 1);
	while (!reg_get(d, STATUS))
		cpu_relax();
	assert_int_equal(reg_get(d, STATUS), 1);
}

static inline void driver_stop(struct driver *d)
{
	reg_set(d, CONTROL, 0);
	while (reg_get(d, STATUS))
		cpu_relax();
}

static inline void driver_close(struct driver *d)
{
	bus_unmap(d->regs);
	assert_int_equal(hw_find("simple")->destroy(d->device), 0);
	mem_free(d->list, LIST_BYTES);
	mem_free(d->ring, RING_BYTES);
}

/* Puts a command into the ring without ringing. Its tag is its number; the list is copied. */
static inline uint16_t driver_put(struct driver *d, struct command c)
{
	c.tag = (uint16_t)d->submitted;
	memcpy(d->ring + d->submitted++ % d->entries * sizeof(c), &c, sizeof(c));
	return c.tag;
}

static inline void driver_ring(struct driver *d)
{
	reg_set(d, DOORBELL, d->submitted);
}

/* The next completion; false if there is none. */
static inline bool driver_take(struct driver *d, struct completion *c)
{
	char *at =
		d->ring + d->entries * sizeof(struct command) + d->done % d->entries * sizeof(*c);

	/* the sequence first: the rest is true when it has come */
	if (__atomic_load_n((uint32_t *)(at + 28), __ATOMIC_ACQUIRE) != d->done + 1)
		return false;
	memcpy(c, at, sizeof(*c));
	d->done++;
	return true;
}

/* One command from doorbell to completion; its status. */
static inline unsigned driver_do(struct driver *d, struct command c)
{
	struct completion none;
	uint16_t tag = driver_put(d, c);

	uint64_t start = cpu_clock();

	driver_ring(d);
	while (!driver_take(d, &d->last)) {
		assert_true(cpu_clock() - start < 5000000000);
		cpu_relax();
	}
	assert_int_equal(d->last.tag, tag);
	assert_false(driver_take(d, &none));
	return d->last.status;
}

/* The list of a buffer, page by page, as elements at d->list; their number. */
static inline unsigned driver_list(struct driver *d, const void *buffer, uint64_t bytes)
{
	const char *at = buffer;
	unsigned n = 0;

	for (uint64_t part; bytes; at += part, bytes -= part) {
		part = MEM_PAGE_SIZE - ((uintptr_t)at & MEM_PAGE_MASK);
		part = part < bytes ? part : bytes;
		d->list[n++] = (struct element){mem_physical(at), (uint32_t)part, 0};
	}
	return n;
}

static inline struct command command_of(
	struct driver *d, uint8_t opcode, uint64_t block, unsigned elements)
{
	return (struct command){.opcode = opcode,
		.elements = (uint16_t)elements,
		.block = block,
		.list = mem_physical(d->list)};
}

/* Without a list, for data that is contiguous for the device. */
static inline struct command direct_of(
	uint8_t opcode, uint64_t block, uint64_t address, uint64_t length)
{
	return (struct command){.opcode = opcode,
		.flags = DIRECT,
		.block = block,
		.list = address,
		.length = length};
}

static inline unsigned driver_read(struct driver *d, uint64_t block, void *buffer, uint64_t bytes)
{
	return driver_do(d, command_of(d, READ, block, driver_list(d, buffer, bytes)));
}

static inline unsigned driver_write(
	struct driver *d, uint64_t block, const void *buffer, uint64_t bytes)
{
	return driver_do(d, command_of(d, WRITE, block, driver_list(d, buffer, bytes)));
}

static inline void driver_log(struct driver *d, uint64_t log[8])
{
	uint64_t *page = mem_alloc(4096, 0, MEM_DATA, d);

	assert_int_equal(driver_do(d, command_of(d, LOG, 0, driver_list(d, page, 64))), OK);
	memcpy(log, page, 64);
	mem_free(page, 4096);
}

/* ---- interrupts ---- */

static inline bool driver_message_service(struct cpu_interrupt *vector)
{
	(*(unsigned *)vector->ctx)++;
	return true;
}

static inline bool driver_line_service(struct cpu_interrupt *vector)
{
	struct driver *d = vector->ctx;
	uint32_t cause = reg_get(d, INTERRUPT) & ~reg_get(d, MASK);

	if (!cause)
		return false;
	reg_set(d, INTERRUPT, cause);
	d->interrupts_seen[0]++;
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

static inline void driver_connect_line(struct driver *d)
{
	d->interrupts[0].vector =
		(struct cpu_interrupt){.irql = 5, .service = driver_line_service, .ctx = d};
	assert_int_equal(bus_interrupt_connect(d->function, BUS_LINE, &d->interrupts[0]), 0);
}

static inline void driver_disconnect(struct driver *d, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		bus_interrupt_disconnect(&d->interrupts[i]);
	bus_messages_disable(d->function);
}

/* ---- contents ---- */

/* Bytes that differ with every position and seed: multiplicative hash of the word's number. */
static inline void pattern_fill(void *buffer, uint64_t bytes, uint64_t seed)
{
	uint64_t *words = buffer;

	for (uint64_t i = 0; i < bytes / 8; i++)
		words[i] = (i + 1 + seed * 1000003) * 0x9e3779b97f4a7c15ull;
}

static inline bool is_zero(const void *buffer, uint64_t bytes)
{
	const char *at = buffer;

	return !bytes || (!*at && !memcmp(at, at + 1, bytes - 1));
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
