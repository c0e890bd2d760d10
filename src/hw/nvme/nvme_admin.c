/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Admin commands (NVMe 1.4, section 5): queues, abort, asynchronous events; nvme_identify.c,
 * nvme_feature.c and nvme_log.c have the others. Before: nvme_queue.c.
 */
#include "hw/nvme/nvme.h"
#include <string.h>

enum { QUEUE_CONTIGUOUS = 1, QUEUE_INTERRUPT = 2 }; /* command dword 11 */

/* ---- queues: 5.3 to 5.6 ---- */

static bool queue_id_is_valid(const struct nvme *n, unsigned id)
{
	return id && id <= n->queues;
}

/* What both kinds have in common. */
static uint16_t queue_check(
	const struct nvme *n, const struct nvme_command *c, bool exists, uint32_t entry_size_log2)
{
	unsigned id = c->cdw10 & 0xffff;
	uint32_t last = c->cdw10 >> 16, wanted = c->opcode == NVME_CREATE_SQ ? 6 : 4;

	if (!queue_id_is_valid(n, id) || exists)
		return NVME_INVALID_QUEUE_ID;
	if (!last || last >= n->entries)
		return NVME_INVALID_QUEUE_SIZE;
	/* CAP.CQR; and CC must say the sizes before any queue for I/O is made: 3.1.5 */
	if (!(c->cdw11 & QUEUE_CONTIGUOUS) || entry_size_log2 != wanted)
		return NVME_INVALID_FIELD;
	return c->prp1 & (NVME_PAGE - 1) ? NVME_INVALID_PRP_OFFSET : NVME_OK;
}

static uint16_t create_cq(struct nvme *n, const struct nvme_command *c)
{
	struct nvme_cq *cq = &n->cq[c->cdw10 & (NVME_QUEUES_MAX - 1)];
	uint32_t vector = c->cdw11 >> 16;
	uint16_t status = queue_check(n, c, cq->size != 0, n->cc >> NVME_CC_IOCQES_SHIFT & 15);

	if (status)
		return status;
	if (vector >= max_of(n->vectors, 1u))
		return NVME_INVALID_VECTOR;
	cq->base = c->prp1;
	cq->vector = (uint16_t)vector;
	cq->has_interrupt = c->cdw11 & QUEUE_INTERRUPT;
	cq->phase = true;
	cq->is_posted = false;
	cq->users = 0;
	cq->head = cq->tail = 0;
	cq->size = (c->cdw10 >> 16) + 1;
	return NVME_OK;
}

static uint16_t create_sq(struct nvme *n, const struct nvme_command *c)
{
	struct nvme_sq *sq = &n->sq[c->cdw10 & (NVME_QUEUES_MAX - 1)];
	unsigned cqid = c->cdw11 >> 16;
	uint16_t status = queue_check(n, c, sq->size != 0, n->cc >> NVME_CC_IOSQES_SHIFT & 15);

	if (status)
		return status;
	if (!queue_id_is_valid(n, cqid))
		return NVME_INVALID_QUEUE_ID;
	if (!n->cq[cqid].size)
		return NVME_CQ_INVALID;
	sq->base = c->prp1;
	sq->cqid = (uint16_t)cqid;
	sq->head = 0;
	sq->tail = 0;
	n->cq[cqid].users++;
	sq->size = (c->cdw10 >> 16) + 1;
	return NVME_OK;
}

/* Commands of the queue that were fetched are aborted; their completions come before this one's. */
static uint16_t delete_sq(struct nvme *n, const struct nvme_command *c)
{
	unsigned id = c->cdw10 & 0xffff;

	if (!queue_id_is_valid(n, id) || !n->sq[id].size)
		return NVME_INVALID_QUEUE_ID;
	for (unsigned i = n->fetched_count; i-- > 0;) {
		uint16_t cid = n->fetched[i].command.cid;

		if (n->fetched[i].sqid != id)
			continue;
		nvme_fetched_remove(n, i);
		if (nvme_cq_has_room(&n->cq[n->sq[id].cqid]))
			nvme_post(n, id, cid, NVME_ABORT_SQ_DELETION, 0);
	}
	n->cq[n->sq[id].cqid].users--;
	n->sq[id].size = 0;
	return NVME_OK;
}

static uint16_t delete_cq(struct nvme *n, const struct nvme_command *c)
{
	unsigned id = c->cdw10 & 0xffff;

	if (!queue_id_is_valid(n, id) || !n->cq[id].size)
		return NVME_INVALID_QUEUE_ID;
	if (n->cq[id].users)
		return NVME_INVALID_QUEUE_DELETION;
	n->cq[id].size = 0;
	n->cq[id].is_posted = false;
	return NVME_OK;
}

/* ---- abort: 5.1 ---- */

static bool abort_async(struct nvme *n, uint16_t cid)
{
	for (unsigned i = 0; i < n->async_count; i++) {
		if (n->async_cid[i] != cid || !nvme_cq_has_room(&n->cq[0]))
			continue;
		n->async_cid[i] = n->async_cid[--n->async_count];
		nvme_post(n, 0, cid, NVME_ABORT_REQUESTED, 0);
		return true;
	}
	return false;
}

/* Bit 0 of the result: the command was not aborted. */
static uint16_t abort_command(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	unsigned sqid = c->cdw10 & 0xffff;
	uint16_t cid = (uint16_t)(c->cdw10 >> 16);

	*result = 1;
	for (unsigned i = 0; i < n->fetched_count; i++) {
		if (n->fetched[i].sqid != sqid || n->fetched[i].command.cid != cid ||
			!nvme_cq_has_room(&n->cq[n->sq[sqid].cqid]))
			continue;
		nvme_fetched_remove(n, i);
		nvme_post(n, sqid, cid, NVME_ABORT_REQUESTED, 0);
		*result = 0;
		return NVME_OK;
	}
	if (sqid == 0 && abort_async(n, cid))
		*result = 0;
	return NVME_OK;
}

/* ---- asynchronous events: 5.2 ---- */

static uint16_t async_request(struct nvme *n, const struct nvme_command *c)
{
	if (n->async_count == NVME_ASYNC_MAX)
		return NVME_ASYNC_LIMIT;
	n->async_cid[n->async_count++] = c->cid;
	return NVME_HELD;
}

void nvme_event(struct nvme *n, unsigned type, unsigned information, unsigned log_page)
{
	if (n->event_count == NVME_EVENTS_MAX)
		return;
	n->events[n->event_count++] =
		(struct nvme_event){(uint8_t)type, (uint8_t)information, (uint8_t)log_page};
}

/* The first event whose type is not masked until its log page has been read. */
static struct nvme_event *event_next(struct nvme *n)
{
	for (unsigned i = 0; i < n->event_count; i++)
		if (!n->is_masked[n->events[i].type])
			return &n->events[i];
	return NULL;
}

void nvme_events_send(struct nvme *n)
{
	struct nvme_event *event;

	while (n->async_count && nvme_cq_has_room(&n->cq[0]) && (event = event_next(n))) {
		uint32_t result = event->type | (uint32_t)event->information << 8 |
				  (uint32_t)event->log_page << 16;
		uint16_t cid = n->async_cid[0];

		n->is_masked[event->type] = true;
		n->event_count--;
		memmove(event, event + 1,
			(size_t)((char *)&n->events[n->event_count] - (char *)event));
		n->async_count--;
		memmove(n->async_cid, n->async_cid + 1, n->async_count * sizeof(n->async_cid[0]));
		nvme_post(n, 0, cid, NVME_OK, result);
	}
}

/* ---- all ---- */

uint16_t nvme_admin(struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	switch (c->opcode) {
	case NVME_DELETE_SQ:
		return delete_sq(n, c);
	case NVME_CREATE_SQ:
		return create_sq(n, c);
	case NVME_GET_LOG_PAGE:
		return nvme_log_page(n, c);
	case NVME_DELETE_CQ:
		return delete_cq(n, c);
	case NVME_CREATE_CQ:
		return create_cq(n, c);
	case NVME_IDENTIFY:
		return nvme_identify(n, c);
	case NVME_ABORT:
		return abort_command(n, c, result);
	case NVME_SET_FEATURES:
		return nvme_set_features(n, c, result);
	case NVME_GET_FEATURES:
		return nvme_get_features(n, c, result);
	case NVME_ASYNC_EVENT:
		return async_request(n, c);
	default:
		return NVME_INVALID_OPCODE;
	}
}
