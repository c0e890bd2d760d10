/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The NVMe controller's registers (NVMe 1.4, 3.1) and the interrupt line. Before: src/bus, where a
 * driver's access comes from. After: nvme_life.c, which a doorbell wakes.
 */
#include "hw/nvme/nvme.h"

#define TIMEOUT_UNITS 20u /* of 500 ms: how long enabling may take */

/* ---- the line: asserted while an entry waits that asks for an interrupt (7.5.1) ---- */

static bool line_level(const struct nvme *n)
{
	if (n->intms & 1) /* by line, every queue is of vector 0 */
		return false;
	for (unsigned i = 0; i <= n->queues; i++)
		if (n->cq[i].size && n->cq[i].has_interrupt && n->cq[i].head != n->cq[i].tail)
			return true;
	return false;
}

void nvme_line_update(struct nvme *n)
{
	bool level;

	/* who sets the line looks again, so the last to set it has seen the last change */
	do {
		level = line_level(n);
		bus_line_set(n->function, level);
	} while (level != line_level(n));
}

/* ---- doorbells: 3.1.20 and 3.1.21 ---- */

static border_call __attribute__((cold, noinline)) void doorbell_bad(
	struct nvme *n, _Atomic uint32_t *count)
{
	atomic_fetch_add(count, 1);
	cpu_agent_kick(n->engine->agent);
}

/* That what counts is in memory (nvme_shadow.c). */
static border_call __attribute__((noinline)) void shadow_doorbell(struct nvme_engine *e)
{
	cpu_agent_kick(e->agent);
}

/*
 * On a machine of one processor nobody else adds to them, so there it takes no locked instruction.
 * The engine may take them all away between the two accesses: then those of before are there once
 * more, and a queue that is looked at again has nothing new.
 */
static inline void rung_add(struct nvme_engine *e, uint32_t queue)
{
	uint64_t bit = 1ull << queue;

	if (likely(!cpu_inner_locks))
		atomic_store_explicit(&e->rung,
			atomic_load_explicit(&e->rung, memory_order_relaxed) | bit,
			memory_order_release);
	else
		atomic_fetch_or(&e->rung, bit);
}

static void sq_doorbell(struct nvme *n, unsigned queue, uint32_t value)
{
	struct nvme_sq *sq = &n->sq[queue];
	struct nvme_engine *e;

	if (unlikely(!sq->size)) {
		doorbell_bad(n, &n->bad_register);
		return;
	}
	if (unlikely(n->is_shadowed && queue)) {
		shadow_doorbell(atomic_load_explicit(&sq->engine, memory_order_relaxed));
		return;
	}
	if (unlikely(!nvme_sq_takes(sq, value))) {
		doorbell_bad(n, &n->bad_value);
		return;
	}
	atomic_store_explicit(&sq->tail, value, memory_order_release);
	e = atomic_load_explicit(&sq->engine, memory_order_relaxed);
	rung_add(e, queue);
	cpu_agent_kick(e->agent);
}

static border_call __attribute__((noinline)) void line_update(struct nvme *n)
{
	nvme_line_update(n);
}

static void cq_doorbell(struct nvme *n, unsigned queue, uint32_t value)
{
	struct nvme_cq *cq = &n->cq[queue];

	if (unlikely(!cq->size)) {
		doorbell_bad(n, &n->bad_register);
		return;
	}
	if (unlikely(n->is_shadowed && queue)) {
		/* the line falls before the write returns, here too */
		if (!bus_messages_are_enabled(n->function) && nvme_cq_gives(cq, value)) {
			cq->head = value;
			line_update(n);
		}
		shadow_doorbell(cq->engine);
		return;
	}
	if (unlikely(!nvme_cq_gives(cq, value))) {
		doorbell_bad(n, &n->bad_value);
		return;
	}
	cq->head = value;
	/* the line falls with the last entry, before the write returns */
	if (unlikely(!bus_messages_are_enabled(n->function)))
		line_update(n);
	if (unlikely(cq->engine->starved))
		cpu_agent_kick(cq->engine->agent);
}

static void doorbell(struct nvme *n, uint32_t offset, uint32_t value)
{
	uint32_t index = (offset - NVME_DOORBELLS) / 4, queue = index / 2;

	if (unlikely(!(n->csts & NVME_CSTS_RDY)))
		return;
	if (unlikely(queue > n->queues))
		doorbell_bad(n, &n->bad_register);
	else if (index & 1)
		cq_doorbell(n, queue, value & 0xffff);
	else
		sq_doorbell(n, queue, value & 0xffff);
}

static border_call __attribute__((noinline)) void ring_other(
	struct nvme *n, uint32_t number, uint32_t value)
{
	if (number & 1)
		cq_doorbell(n, number / 2, value);
	else
		sq_doorbell(n, number / 2, value);
	cpu_poll();
}

/* ---- the others ---- */

static uint64_t capabilities(const struct nvme *n)
{
	return (n->entries - 1) | NVME_CAP_CQR | TIMEOUT_UNITS << NVME_CAP_TO_SHIFT |
	       NVME_CAP_CSS_NVM;
}

static uint32_t register_get(const struct nvme *n, uint32_t offset)
{
	switch (offset) {
	case NVME_CAP:
		return (uint32_t)capabilities(n);
	case NVME_CAP + 4:
		return (uint32_t)(capabilities(n) >> 32);
	case NVME_VS:
		return NVME_VERSION_1_4;
	case NVME_INTMS:
	case NVME_INTMC:
		return n->intms;
	case NVME_CC:
		return n->cc;
	case NVME_CSTS:
		return n->csts;
	case NVME_AQA:
		return n->aqa;
	case NVME_ASQ:
	case NVME_ASQ + 4:
		return n->asq[(offset - NVME_ASQ) / 4];
	case NVME_ACQ:
	case NVME_ACQ + 4:
		return n->acq[(offset - NVME_ACQ) / 4];
	default:
		return 0;
	}
}

static uint64_t nvme_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	struct nvme *n = device;
	uint64_t value = register_get(n, offset & ~3u) >> (8 * (offset & 3));

	if (size == 8)
		value |= (uint64_t)register_get(n, offset + 4) << 32;
	return value;
}

/*
 * What a write asks for is noted, not only what it leaves behind: EN may be 1 again before the
 * agent has looked. EN 1 to 0 resets CC itself too (3.1.5).
 */
static void configuration_set(struct nvme *n, uint32_t value)
{
	uint32_t old = n->cc;

	if (old & NVME_CC_EN && !(value & NVME_CC_EN)) {
		n->cc = 0;
		atomic_fetch_or(&n->requests, NVME_REQUEST_RESET);
	} else {
		n->cc = value;
		if (value & NVME_CC_SHN && !(old & NVME_CC_SHN))
			atomic_fetch_or(&n->requests, NVME_REQUEST_SHUTDOWN);
	}
	cpu_agent_kick(n->engine->agent);
}

static void register_set(struct nvme *n, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case NVME_INTMS:
		atomic_fetch_or(&n->intms, value);
		nvme_line_update(n);
		return;
	case NVME_INTMC:
		atomic_fetch_and(&n->intms, ~value);
		nvme_line_update(n);
		return;
	case NVME_CC:
		configuration_set(n, value);
		return;
	case NVME_AQA:
		n->aqa = value & 0x0fff0fff;
		return;
	case NVME_ASQ:
	case NVME_ACQ:
		(offset == NVME_ASQ ? n->asq : n->acq)[0] = value & ~(NVME_PAGE - 1);
		return;
	case NVME_ASQ + 4:
	case NVME_ACQ + 4:
		(offset == NVME_ASQ + 4 ? n->asq : n->acq)[1] = value;
		return;
	}
}

static border_call __attribute__((noinline)) void registers_set(
	struct nvme *n, uint32_t offset, unsigned size, uint64_t value)
{
	register_set(n, offset, (uint32_t)value);
	if (size == 8)
		register_set(n, offset + 4, (uint32_t)(value >> 32));
}

static border_call void nvme_write(
	void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	if (size < 4)
		return; /* registers are written whole */
	if (likely(offset >= NVME_DOORBELLS))
		doorbell(device, offset, (uint32_t)value);
	else
		registers_set(device, offset, size, value);
}

/* Whether the doorbell adds one entry, which is free, and the queue does not begin anew with it. */
static inline bool is_next(const struct nvme_sq *sq, uint32_t value)
{
	return value < sq->size && value == sq->tail + 1 && value != sq->head;
}

/* That of a completion queue, by the machine's one processor: cq_doorbell's order, that the head
 * moves before the look whether somebody waits for room, needs no locked instruction there. */
static border_call __attribute__((noinline)) void cq_ring(
	struct nvme *n, uint32_t number, uint32_t value)
{
	struct nvme_cq *cq = &n->cq[number / 2];
	struct cpu *cpu = cpu_self;

	if (unlikely(!cpu_is_near_quick || !cpu || !cq->size || !nvme_cq_gives(cq, value) ||
		     !bus_messages_are_enabled(n->function))) {
		ring_other(n, number, value);
		return;
	}
	atomic_store_explicit(&cq->head, value, memory_order_release);
	cpu_near_fence();
	if (unlikely(cq->engine->starved))
		cpu_agent_kick(cq->engine->agent);
	cpu_poll_by(cpu);
}

/* Open while the controller is ready and no doorbell is in memory. */
static border_call void nvme_ring(void *device, uint32_t number, uint32_t value)
{
	struct nvme *n = device;
	struct nvme_sq *sq = &n->sq[number / 2];
	struct nvme_engine *e;

	value &= 0xffff;
	if (number & 1) {
		cq_ring(n, number, value);
		return;
	}
	if (unlikely(!is_next(sq, value))) {
		ring_other(n, number, value);
		return;
	}
	atomic_store_explicit(&sq->tail, value, memory_order_release);
	e = atomic_load_explicit(&sq->engine, memory_order_relaxed);
	rung_add(e, number / 2);
	bus_rung(e->agent);
}

void nvme_doorbells_set(struct nvme *n)
{
	const struct bus_doorbells doorbells = {
		.offset = NVME_DOORBELLS, .count = 2 * (n->queues + 1), .ring = nvme_ring};

	bus_doorbells_set(n->function, &doorbells);
}

static void nvme_command_register(void *device, uint16_t command)
{
	struct nvme *n = device;

	for (unsigned i = 0; i < n->engine_count; i++)
		dma_master_enable(&n->engine[i].master, command >> 2 & 1);
}

/* A controller that was enabled is reset by its agent, which touches no memory from then on. */
static bool nvme_power(void *device, bool on)
{
	struct nvme *n = device;

	if (on)
		return true;
	if (atomic_exchange(&n->cc, 0) & NVME_CC_EN || n->csts)
		atomic_fetch_or(&n->requests, NVME_REQUEST_RESET);
	n->aqa = n->intms = 0;
	for (unsigned i = 0; i < 2; i++)
		n->asq[i] = n->acq[i] = 0;
	cpu_agent_kick(n->engine->agent);
	return !(n->requests & NVME_REQUEST_RESET) && !n->csts;
}

const struct bus_function_ops nvme_bus_ops = {
	.read = nvme_read,
	.write = nvme_write,
	.command = nvme_command_register,
	.power = nvme_power,
};
