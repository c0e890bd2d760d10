/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Doorbells in memory (NVMe 1.4, 5.7 and 7.13): for each of an I/O queue's two the driver has a
 * word that says what the register is told, and we have one, the event index: the register is
 * written only when the driver's goes past ours. Ours is written first, then the driver's is read;
 * the driver does it the other way round, so one of the two sees the other's. The admin queue has
 * its registers alone.
 */
#include "hw/nvme/nvme.h"

/* As an array of doorbells with stride 0 (3.1.20). NULL: it cannot be reached. */
static _Atomic uint32_t *word_at(struct nvme_engine *e, uint64_t page, unsigned index, bool write)
{
	uint64_t bytes = sizeof(uint32_t);
	_Atomic uint32_t *word;
	int err;

	word = dma_bus_span(&e->master, page + index * bytes, &bytes, write, &err);
	if (!word)
		nvme_fail(e->nvme);
	return word;
}

/* What the driver's word says, once it knows that going past `event` is to be told. */
static bool word_read(struct nvme_engine *e, unsigned index, uint32_t event, uint32_t *value)
{
	_Atomic uint32_t *ours = word_at(e, e->nvme->event_index, index, true);
	_Atomic uint32_t *drivers = ours ? word_at(e, e->nvme->shadow, index, false) : NULL;

	if (!drivers)
		return false;
	atomic_store(ours, event);
	*value = atomic_load(drivers) & 0xffff;
	return true;
}

/* It stays there, and is told once, by the first engine: nvme_life.c asks it to. */
static void refuse(struct nvme_engine *e, uint32_t *refused, uint32_t value)
{
	if (*refused == value)
		return;
	*refused = value;
	atomic_fetch_add(&e->nvme->bad_value, 1);
}

static void sq_look(struct nvme_engine *e, unsigned id)
{
	struct nvme_sq *sq = &e->nvme->sq[id];

	for (unsigned turn = 0; turn < 2; turn++) {
		uint32_t tail = sq->tail, value;

		if (!word_read(e, 2 * id, tail, &value) || value == tail)
			return;
		if (!nvme_sq_takes(sq, value)) {
			refuse(e, &sq->refused, value);
			return;
		}
		sq->tail = value;
		e->pending |= 1ull << id;
	}
	/* it has not been told of this tail */
	cpu_agent_kick(e->agent);
}

/* Going past the entry before the head has happened already: nothing is told. */
static uint32_t before(uint32_t place, uint32_t size)
{
	return (place ? place : size) - 1;
}

void nvme_shadow_cq_look(struct nvme_engine *e, unsigned id, bool is_awaited)
{
	struct nvme_cq *cq = &e->nvme->cq[id];

	for (unsigned turn = 0; turn < 2; turn++) {
		uint32_t head = cq->head, value;
		uint32_t event = is_awaited ? head : before(head, cq->size);

		if (!word_read(e, 2 * id + 1, event, &value) || value == head)
			return;
		if (!nvme_cq_gives(cq, value)) {
			refuse(e, &cq->refused, value);
			return;
		}
		cq->head = value;
		if (!is_awaited)
			return;
	}
	cpu_agent_kick(e->agent);
}

void nvme_shadow_look(struct nvme_engine *e)
{
	struct nvme *n = e->nvme;
	bool is_line = !bus_messages_are_enabled(n->function);

	for (unsigned id = 1; id <= n->queues && nvme_is_running(n); id++) {
		if (n->cq[id].size && n->cq[id].engine == e)
			nvme_shadow_cq_look(e, id, is_line);
		if (n->sq[id].size && n->sq[id].engine == e && nvme_is_running(n))
			sq_look(e, id);
	}
	if (is_line)
		nvme_line_update(n);
}

void nvme_shadow_begin(struct nvme *n, unsigned index, uint32_t value)
{
	_Atomic uint32_t *ours = word_at(n->engine, n->event_index, index, true);
	_Atomic uint32_t *drivers = ours ? word_at(n->engine, n->shadow, index, true) : NULL;

	if (drivers)
		*ours = *drivers = value;
}

static void words_begin(struct nvme *n)
{
	for (unsigned id = 1; id <= n->queues && nvme_is_running(n); id++) {
		if (n->sq[id].size)
			nvme_shadow_begin(n, 2 * id, n->sq[id].tail);
		if (n->cq[id].size)
			nvme_shadow_begin(n, 2 * id + 1, n->cq[id].head);
	}
}

uint16_t nvme_shadow_config(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	if (!n->has_shadow)
		return NVME_INVALID_OPCODE;
	if ((c->prp1 | c->prp2) & (NVME_PAGE - 1))
		return NVME_INVALID_PRP_OFFSET;
	n->shadow = c->prp1;
	n->event_index = c->prp2;
	words_begin(n);
	/* what is written to the register means less from here on */
	bus_doorbells_open(n->function, false);
	n->is_shadowed = nvme_is_running(n);
	return NVME_OK;
}
