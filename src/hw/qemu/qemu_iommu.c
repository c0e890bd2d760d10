/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * QEMU's intel-iommu: see qemu_iommu.h. Registers are VT-d's chapter 10.
 *
 * A new translation needs nothing but its entry: what is not there is not cached. One that ends is
 * forgotten through the invalidation queue: two descriptors in RAM and one posted write, after
 * which the unit sets a word that we wait for. All that is cached goes at once: to look for a
 * page's entries takes QEMU longer than to fetch again the few that live. Processors that come
 * meanwhile share the next turn.
 *
 * A fault is recorded and tells of itself by an interrupt that QEMU delivers to its own processor
 * alone. So it is sent as NMI, and the firmware (qemu_firmware.c) rings the doorbell for it.
 */
#include "hw/qemu/qemu_iommu.h"
#include "dma/dma.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#define UNIT 0xfed90000ull

enum {
	CAP = 0x08,
	ECAP = 0x10,
	COMMAND = 0x18,
	STATE = 0x1c,
	ROOT = 0x20,
	FAULTS = 0x34,
	EVENT_CONTROL = 0x38,
	EVENT_DATA = 0x3c,
	EVENT_ADDRESS = 0x40,
	QUEUE_TAIL = 0x88,
	QUEUE = 0x90,

	FAULTS_OVERFLOW = 1 << 0,
	FAULTS_PENDING = 1 << 1,
	NMI = 4 << 8,
	FAULT_WRITE = 5, /* reasons: the page, or a table, is not there or not for that */
	FAULT_READ = 6,

	INVALIDATE_CONTEXT = 0x1,
	INVALIDATE_PAGES = 0x2,
	INVALIDATE_WAIT = 0x5,
	EVERYTHING = 1 << 4,
	SET_WORD = 1 << 5
};

#define TRANSLATE      (1u << 31)
#define TAKE_ROOT      (1u << 30)
#define TAKE_QUEUE     (1u << 26)
#define CAP_39_BITS    (1ull << 9)
#define ECAP_QUEUE     (1ull << 1)
#define PROCESSOR      0xfee00000u /* where messages to processor 0 are written to */
#define RECORDED       (1ull << 63)
#define RECORD_IS_READ (1ull << 62)
#define DESCRIPTORS    256
#define LOOKS	       4000 /* at the word: about 100 us */
#define FAULTS_AT_ONCE 64

struct qemu_iommu {
	struct dma_unit unit;
	struct hw_device *q;
	struct qemu_table table;
	struct dma_master master; /* in whose name faults are told */

	pthread_mutex_t lock;	/* of the queue, and of who makes tables */
	_Atomic uint32_t asked; /* how often it was to be flushed */
	uint32_t done;		/* so many of them are */
	uint32_t turn;		/* what the word is set to next */
	uint64_t *queue;
	uint32_t tail;
	_Atomic uint32_t *word;
	uint64_t word_at;

	pthread_mutex_t taking;
	unsigned record, records; /* the first, from the unit's start */
};

static uint64_t unit_read(struct hw_device *q, unsigned offset, unsigned size)
{
	return qemu_read(q, false, UNIT + offset, size);
}

static void unit_write(struct hw_device *q, unsigned offset, unsigned size, uint64_t value)
{
	qemu_write(q, false, UNIT + offset, size, value);
}

/* ---- the queue ---- */

static void descriptor_add(struct qemu_iommu *u, uint64_t low, uint64_t high)
{
	__atomic_store_n(&u->queue[2 * u->tail], low, __ATOMIC_RELEASE);
	__atomic_store_n(&u->queue[2 * u->tail + 1], high, __ATOMIC_RELEASE);
	u->tail = (u->tail + 1) % DESCRIPTORS;
}

static bool is_set(struct qemu_iommu *u, uint32_t value)
{
	for (unsigned look = 0; look < LOOKS && !u->q->is_dead; look++) {
		if (atomic_load_explicit(u->word, memory_order_acquire) == value)
			return true;
		__builtin_ia32_pause();
	}
	return false;
}

/* Under the lock. */
static void invalidate(struct qemu_iommu *u, uint64_t what)
{
	uint32_t value = ++u->turn;

	descriptor_add(u, what, 0);
	descriptor_add(u, INVALIDATE_WAIT | SET_WORD | (uint64_t)value << 32, u->word_at);
	unit_write(u->q, QUEUE_TAIL, 4, u->tail << 4);
	/* A read comes after the write, and sleeps until it is answered. */
	if (!is_set(u, value))
		unit_read(u->q, STATE, 4);
}

static void iommu_flush(struct dma_unit *unit)
{
	struct qemu_iommu *u = container_of(unit, struct qemu_iommu, unit);
	uint32_t mine = atomic_fetch_add(&u->asked, 1) + 1;

	pthread_mutex_lock(&u->lock);
	if ((int32_t)(u->done - mine) < 0) {
		uint32_t all = atomic_load(&u->asked);

		invalidate(u, INVALIDATE_PAGES | EVERYTHING);
		u->done = all;
	}
	pthread_mutex_unlock(&u->lock);
}

/* ---- entries ---- */

static int iommu_reserve(struct dma_unit *unit, uint64_t address, uint64_t bytes)
{
	struct qemu_iommu *u = container_of(unit, struct qemu_iommu, unit);
	int err;

	pthread_mutex_lock(&u->lock);
	err = qemu_table_reserve(&u->table, address, bytes);
	pthread_mutex_unlock(&u->lock);
	return err;
}

static void iommu_set(struct dma_unit *unit, uint64_t address, uint64_t physical, unsigned access)
{
	qemu_table_set(
		&container_of(unit, struct qemu_iommu, unit)->table, address, physical, access);
}

static bool iommu_clear(struct dma_unit *unit, uint64_t address, uint64_t physical)
{
	return qemu_table_clear(
		&container_of(unit, struct qemu_iommu, unit)->table, address, physical);
}

/* ---- faults ---- */

static void fault_tell(struct qemu_iommu *u, uint64_t low, uint64_t high)
{
	bool write = !(high & RECORD_IS_READ);
	unsigned reason = high >> 32 & 0xff;
	uint64_t address = low & ~MEM_PAGE_MASK;

	if (reason == FAULT_WRITE || reason == FAULT_READ)
		dma_bus_refused(&u->master, address, write);
	else
		nt_violation(0,
			"device %u (%s): %s of bus address 0x%" PRIx64
			" failed: the iommu's reason is %u (VT-d, fault reasons)",
			u->master.number, u->master.name, write ? "write" : "read", address,
			reason);
}

/* True: there was one. */
static bool record_take(struct qemu_iommu *u, unsigned n)
{
	unsigned at = u->record + 16 * n;
	uint64_t high = unit_read(u->q, at + 8, 8), low;

	if (!(high & RECORDED) || u->q->is_dead)
		return false;
	low = unit_read(u->q, at, 8);
	if (u->q->is_dead)
		return false;
	unit_write(u->q, at + 8, 8, RECORDED);
	fault_tell(u, low, high);
	return true;
}

void qemu_iommu_faults_take(struct hw_device *q)
{
	struct qemu_iommu *u = atomic_load(&q->iommu);
	bool found = true;

	if (!u)
		return;
	pthread_mutex_lock(&u->taking);
	for (unsigned n = 0; found; n++) {
		uint32_t state = (uint32_t)unit_read(q, FAULTS, 4);

		found = false;
		if (q->is_dead || !(state & (FAULTS_PENDING | FAULTS_OVERFLOW)))
			break;
		/* Nothing tells of those that come while one is pending. */
		if (n == FAULTS_AT_ONCE) {
			eventfd_write(q->event[QEMU_FAULT_EVENT], 1);
			break;
		}
		for (unsigned i = 0; i < u->records; i++)
			found |= record_take(u, i);
		if (state & FAULTS_OVERFLOW)
			unit_write(q, FAULTS, 4, FAULTS_OVERFLOW);
	}
	pthread_mutex_unlock(&u->taking);
}

/* ---- life ---- */

static int command(struct hw_device *q, uint32_t bit, uint32_t others)
{
	unit_write(q, COMMAND, 4, bit | others);
	if (unit_read(q, STATE, 4) & bit && !q->is_dead)
		return 0;
	return error_set(
		EPROTO, "--engine iommu: QEMU's intel-iommu does not take command %08x.", bit);
}

static int registers_set(struct hw_device *q)
{
	struct qemu_iommu *u = atomic_load(&q->iommu);
	uint64_t cap = unit_read(q, CAP, 8), ecap = unit_read(q, ECAP, 8);
	int err;

	if (q->is_dead)
		return -EPIPE;
	if (!(cap & CAP_39_BITS) || !(ecap & ECAP_QUEUE))
		return error_set(EPROTO,
			"--engine iommu: QEMU's intel-iommu lacks 39 bits of address or the "
			"invalidation queue (CAP %" PRIx64 ", ECAP %" PRIx64 ").",
			cap, ecap);
	u->record = (unsigned)(cap >> 24 & 0x3ff) * 16;
	u->records = (unsigned)(cap >> 40 & 0xff) + 1;
	unit_write(q, ROOT, 8, qemu_table_root(&u->table));
	err = command(q, TAKE_ROOT, 0);
	unit_write(q, QUEUE, 8, mem_physical(u->queue));
	if (!err)
		err = command(q, TAKE_QUEUE, 0);
	if (err)
		return err;
	invalidate(u, INVALIDATE_CONTEXT | EVERYTHING);
	iommu_flush(&u->unit);
	unit_write(q, EVENT_ADDRESS, 4, PROCESSOR);
	unit_write(q, EVENT_ADDRESS + 4, 4, 0);
	unit_write(q, EVENT_DATA, 4, NMI);
	unit_write(q, EVENT_CONTROL, 4, 0);
	return command(q, TRANSLATE, TAKE_QUEUE);
}

/* The device's messages are writes of its, too. */
static int doorbell_open(struct qemu_iommu *u)
{
	int err = qemu_table_reserve(&u->table, QEMU_DOORBELL_SEEN, MEM_PAGE_SIZE);

	if (!err)
		qemu_table_set(&u->table, QEMU_DOORBELL_SEEN, QEMU_DOORBELL, DMA_UNIT_WRITE);
	return err;
}

int qemu_iommu_start(struct hw_device *q, unsigned device)
{
	static const struct dma_unit_ops ops = {
		.reserve = iommu_reserve,
		.set = iommu_set,
		.clear = iommu_clear,
		.flush = iommu_flush,
	};
	struct qemu_iommu *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return error_set(ENOMEM, "no memory for the iommu of a QEMU device.");
	u->q = q;
	u->unit.ops = &ops;
	u->unit.device = device;
	dma_master_init(&u->master, q->device, 64);
	u->master.number = u->unit.device;
	pthread_mutex_init(&u->lock, NULL);
	pthread_mutex_init(&u->taking, NULL);
	atomic_store(&q->iommu, u);
	err = qemu_table_init(&u->table);
	if (!err)
		err = doorbell_open(u);
	if (!err) {
		u->queue = qemu_table_page();
		u->word = u->queue ? qemu_table_page() : NULL;
		err = u->word ? 0 : -ENOMEM;
	}
	if (err)
		return err;
	u->word_at = mem_physical((void *)u->word);
	err = registers_set(q);
	return err ? err : dma_unit_add(&u->unit);
}

void qemu_iommu_end(struct hw_device *q)
{
	struct qemu_iommu *u = atomic_load(&q->iommu);

	if (!u)
		return;
	dma_unit_remove(&u->unit);
	qemu_iommu_faults_take(q);
}

void qemu_iommu_free(struct hw_device *q)
{
	struct qemu_iommu *u = atomic_load(&q->iommu);

	if (!u)
		return;
	atomic_store(&q->iommu, NULL);
	qemu_table_page_free(u->queue);
	qemu_table_page_free((void *)u->word);
	qemu_table_fini(&u->table);
	pthread_mutex_destroy(&u->lock);
	pthread_mutex_destroy(&u->taking);
	free(u);
}
