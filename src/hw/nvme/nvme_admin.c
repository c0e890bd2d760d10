/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Admin commands (NVMe 1.4, section 5): queues and abort; nvme_event.c, nvme_identify.c,
 * nvme_feature.c and nvme_log.c have the others. Before: nvme_life.c.
 */
#include "hw/nvme/nvme.h"

/* ---- queues: 5.3 to 5.6 ---- */

static bool is_number(unsigned id, uint32_t queues)
{
	return id && id <= queues;
}

/* What both kinds have in common: invalid size, then what is said about memory. */
static uint16_t queue_check(const struct nvme *n, const struct nvme_command *c,
	unsigned entry_size_shift, unsigned entry_size)
{
	uint32_t last = c->cdw10 >> 16;

	/* CC must tell the size of an entry before */
	if (!last || last >= n->entries || (n->cc >> entry_size_shift & 15) != entry_size)
		return NVME_INVALID_QUEUE_SIZE;
	if (!(c->cdw11 & NVME_QUEUE_CONTIGUOUS)) /* CAP.CQR */
		return NVME_INVALID_FIELD;
	return c->prp1 & (NVME_PAGE - 1) ? NVME_INVALID_PRP_OFFSET : NVME_OK;
}

/* By line there is one vector (5.3, Interrupt Vector). */
static bool vector_is_valid(const struct nvme *n, uint32_t vector)
{
	return !vector || (vector < n->vectors && bus_messages_are_enabled(n->function));
}

static uint16_t create_cq(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xffff;
	uint32_t vector = c->cdw11 >> 16;
	struct nvme_cq *cq;
	uint16_t status;

	if (!is_number(id, nvme_completion_queues(n)) || n->cq[id].size)
		return NVME_INVALID_QUEUE_ID;
	status = queue_check(n, c, NVME_CC_IOCQES_SHIFT, NVME_CQE_LOG2);
	if (status)
		return status;
	if (!vector_is_valid(n, vector))
		return NVME_INVALID_VECTOR;
	cq = &n->cq[id];
	cq->base = c->prp1;
	cq->vector = (uint16_t)vector;
	cq->has_interrupt = c->cdw11 & NVME_QUEUE_INTERRUPT;
	cq->phase = true;
	cq->refused = UINT32_MAX;
	cq->users = 0;
	cq->reserved = 0;
	cq->head = 0;
	cq->tail = 0;
	if (n->is_shadowed)
		nvme_shadow_begin(n, 2 * id + 1, 0);
	cq->size = (c->cdw10 >> 16) + 1;
	return NVME_OK;
}

static uint16_t create_sq(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xffff, cqid = c->cdw11 >> 16;
	struct nvme_sq *sq;
	uint16_t status;

	if (!is_number(id, nvme_submission_queues(n)) || n->sq[id].size)
		return NVME_INVALID_QUEUE_ID;
	status = queue_check(n, c, NVME_CC_IOSQES_SHIFT, NVME_SQE_LOG2);
	if (status)
		return status;
	/* 5.4: out of range is one error, not created another */
	if (!is_number(cqid, nvme_completion_queues(n)))
		return NVME_INVALID_QUEUE_ID;
	if (!n->cq[cqid].size)
		return NVME_CQ_INVALID;
	sq = &n->sq[id];
	sq->base = c->prp1;
	sq->cqid = (uint16_t)cqid;
	sq->refused = UINT32_MAX;
	sq->engine = n->cq[cqid].engine;
	sq->head = 0;
	sq->tail = 0;
	if (n->is_shadowed)
		nvme_shadow_begin(n, 2 * id, 0);
	n->cq[cqid].users++;
	sq->size = (c->cdw10 >> 16) + 1;
	return NVME_OK;
}

/* Commands of the queue that were fetched are aborted; their completions come before this one's. */
static uint16_t delete_sq(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xffff;
	struct nvme_engine *e;

	if (!is_number(id, n->queues) || !n->sq[id].size)
		return NVME_INVALID_QUEUE_ID;
	e = n->sq[id].engine;
	for (unsigned i = e->first; i < e->end;) {
		uint16_t cid = e->commands[i].cid;

		if (e->fetched[i].sqid != id) {
			i++;
			continue;
		}
		nvme_fetched_remove(e, i);
		nvme_post(e, id, cid, NVME_ABORT_SQ_DELETION | NVME_STATUS_DNR, 0);
	}
	n->sq[id].size = 0;
	e->pending &= ~(1ull << id);
	n->cq[n->sq[id].cqid].users--;
	return NVME_OK;
}

static uint16_t delete_cq(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned id = c->cdw10 & 0xffff;

	if (!is_number(id, n->queues) || !n->cq[id].size)
		return NVME_INVALID_QUEUE_ID;
	if (n->cq[id].users)
		return NVME_INVALID_QUEUE_DELETION;
	n->cq[id].size = 0;
	n->cq[id].engine->posted &= ~(1ull << id);
	return NVME_OK;
}

/* ---- abort: 5.1. Bit 0 of the result: the command was not aborted. ---- */

static uint16_t abort_command(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned sqid = c->cdw10 & 0xffff;
	uint16_t cid = (uint16_t)(c->cdw10 >> 16);

	struct nvme_engine *e;

	*result = 1;
	if (sqid > n->queues || !n->sq[sqid].size)
		return NVME_OK;
	*result = 0;
	e = n->sq[sqid].engine;
	for (unsigned i = e->first; i < e->end; i++) {
		if (e->fetched[i].sqid != sqid || e->commands[i].cid != cid)
			continue;
		nvme_fetched_remove(e, i);
		nvme_post(e, sqid, cid, NVME_ABORT_REQUESTED, 0);
		return NVME_OK;
	}
	*result = sqid || !nvme_event_abort(n, cid);
	return NVME_OK;
}

/* ---- all ---- */

uint16_t nvme_admin(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	static const struct {
		uint16_t (*fn)(struct nvme *, const struct nvme_command *, uint32_t *result);
		bool has_namespace; /* section 5: whether the command uses NSID */
	} opcodes[] = {
		[NVME_DELETE_SQ] = {delete_sq, false},
		[NVME_CREATE_SQ] = {create_sq, false},
		[NVME_GET_LOG_PAGE] = {nvme_log_page, true},
		[NVME_DELETE_CQ] = {delete_cq, false},
		[NVME_CREATE_CQ] = {create_cq, false},
		[NVME_IDENTIFY] = {nvme_identify, true},
		[NVME_ABORT] = {abort_command, false},
		[NVME_SET_FEATURES] = {nvme_set_features, true},
		[NVME_GET_FEATURES] = {nvme_get_features, true},
		[NVME_ASYNC_EVENT] = {nvme_event_request, false},
		[NVME_DOORBELL_BUFFER] = {nvme_shadow_config, false},
	};

	if (c->opcode >= array_size(opcodes) || !opcodes[c->opcode].fn)
		return NVME_INVALID_OPCODE;
	/* 4.2, Namespace Identifier */
	if (c->nsid && !opcodes[c->opcode].has_namespace)
		return NVME_INVALID_FIELD;
	return opcodes[c->opcode].fn(n, c, result);
}
