/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The NVMe controller's registers (NVMe 1.4, 3.1) and the interrupt line. Before: src/bus, where a
 * driver's access comes from. After: nvme_queue.c, which a doorbell wakes.
 */
#include "hw/nvme/nvme.h"

#define TIMEOUT_UNITS 20u /* of 500 ms: how long enabling may take */

static void line_update(struct nvme *n)
{
	bool level;

	/* who sets the line looks again, so the last to set it has seen the last change */
	do {
		level = n->line_cause && !(n->intms & 1);
		bus_line_set(n->function, level);
	} while (level != (n->line_cause && !(n->intms & 1)));
}

static bool has_entries(const struct nvme *n)
{
	for (unsigned i = 0; i <= n->queues; i++)
		if (n->cq[i].size && n->cq[i].has_interrupt && n->cq[i].head != n->cq[i].tail)
			return true;
	return false;
}

void nvme_line_update(struct nvme *n)
{
	bool cause;

	do {
		cause = has_entries(n);
		n->line_cause = cause;
	} while (cause != has_entries(n));
	line_update(n);
}

/* ---- doorbells ---- */

static void doorbell_bad(struct nvme *n, _Atomic uint32_t *count)
{
	atomic_fetch_add(count, 1);
	cpu_agent_kick(n->agent);
}

/* Whether `to` lies between `from` and `end` on a ring, or is one of them. */
static bool is_among(uint32_t from, uint32_t to, uint32_t end, uint32_t size)
{
	return (to + size - from) % size <= (end + size - from) % size;
}

static void sq_doorbell(struct nvme *n, struct nvme_sq *sq, uint32_t value)
{
	uint32_t size = sq->size;

	if (!size)
		doorbell_bad(n, &n->bad_register);
	else if (value >= size)
		doorbell_bad(n, &n->bad_value);
	else
		atomic_store_explicit(&sq->tail, value, memory_order_release);
	cpu_agent_kick(n->agent);
}

static void cq_doorbell(struct nvme *n, struct nvme_cq *cq, uint32_t value)
{
	uint32_t size = cq->size, head = cq->head, tail = cq->tail;
	bool was_full;

	if (!size) {
		doorbell_bad(n, &n->bad_register);
		return;
	}
	if (value >= size || !is_among(head, value, tail, size)) {
		doorbell_bad(n, &n->bad_value);
		return;
	}
	was_full = (tail + 1) % size == head;
	atomic_store_explicit(&cq->head, value, memory_order_release);
	if (!n->vectors || !bus_messages_are_enabled(n->function))
		nvme_line_update(n);
	if (was_full)
		cpu_agent_kick(n->agent);
}

static void doorbell(struct nvme *n, uint32_t offset, uint32_t value)
{
	uint32_t index = (offset - NVME_DOORBELLS) / 4, queue = index / 2;

	if (!(n->csts & NVME_CSTS_RDY))
		return;
	if (queue > n->queues)
		doorbell_bad(n, &n->bad_register);
	else if (index & 1)
		cq_doorbell(n, &n->cq[queue], value & 0xffff);
	else
		sq_doorbell(n, &n->sq[queue], value & 0xffff);
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

static void register_set(struct nvme *n, uint32_t offset, uint32_t value)
{
	switch (offset) {
	case NVME_INTMS:
		atomic_fetch_or(&n->intms, value);
		line_update(n);
		return;
	case NVME_INTMC:
		atomic_fetch_and(&n->intms, ~value);
		line_update(n);
		return;
	case NVME_CC:
		n->cc = value;
		cpu_agent_kick(n->agent);
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

static void nvme_write(void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	struct nvme *n = device;

	if (size < 4)
		return; /* registers are written whole */
	if (likely(offset >= NVME_DOORBELLS)) {
		doorbell(n, offset, (uint32_t)value);
		return;
	}
	register_set(n, offset, (uint32_t)value);
	if (size == 8)
		register_set(n, offset + 4, (uint32_t)(value >> 32));
}

static void nvme_command_register(void *device, uint16_t command)
{
	struct nvme *n = device;

	n->master.enabled = command >> 2 & 1;
}

const struct bus_function_ops nvme_bus_ops = {
	.read = nvme_read,
	.write = nvme_write,
	.command = nvme_command_register,
};
