/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 5 of 7: the device. The agent enables and resets the controller, fetches commands from
 * the submission queues in turn, has each carried out and posts its completion; a queue's interrupt
 * follows when what was fetched is done. Under replay any fetched command may be next. Before: the
 * miniport (4) through nvme_register.c. After: src/storport/interrupt.c (6).
 */
#include "hw/nvme/nvme.h"
#include <string.h>

/* ---- life: NVMe 1.4, 3.1.5, 3.1.6 and 7.3 ---- */

static void queues_clear(struct nvme *n)
{
	for (unsigned i = 0; i < NVME_QUEUES_MAX; i++) {
		n->sq[i].size = n->sq[i].tail = n->sq[i].head = 0;
		n->cq[i].size = n->cq[i].head = n->cq[i].tail = 0;
		n->cq[i].is_posted = false;
	}
	n->fetched_count = n->next_sq = 0;
	n->async_count = n->event_count = 0;
	memset(n->is_masked, 0, sizeof(n->is_masked));
	n->bad_register = n->bad_value = 0;
}

static void controller_fail(struct nvme *n)
{
	atomic_fetch_or(&n->csts, NVME_CSTS_CFS);
}

static bool controller_is_running(const struct nvme *n)
{
	return n->is_enabled && n->cc & NVME_CC_EN && !(n->csts & NVME_CSTS_CFS);
}

static void controller_enable(struct nvme *n)
{
	uint32_t cc = n->cc, aqa = n->aqa;

	n->is_enabled = true;
	queues_clear(n);
	nvme_features_reset(n);
	/* a queue of one entry can hold nothing */
	if (cc & (NVME_CC_CSS | NVME_CC_MPS | NVME_CC_AMS) || !(aqa & 0xfff) || !(aqa >> 16)) {
		controller_fail(n);
		return;
	}
	n->sq[0].base = n->asq[0] | (uint64_t)n->asq[1] << 32;
	n->cq[0].base = n->acq[0] | (uint64_t)n->acq[1] << 32;
	n->sq[0].cqid = n->cq[0].vector = 0;
	n->cq[0].phase = n->cq[0].has_interrupt = true;
	n->cq[0].users = 1;
	n->cq[0].size = (aqa >> 16) + 1;
	n->sq[0].size = (aqa & 0xfff) + 1;
	atomic_fetch_or(&n->csts, NVME_CSTS_RDY);
}

static void controller_reset(struct nvme *n)
{
	n->is_enabled = false;
	queues_clear(n);
	n->intms = 0;
	nvme_line_update(n);
	n->csts = 0; /* last: from here on the driver may reuse what we touched */
}

static void controller_update(struct nvme *n)
{
	uint32_t cc = n->cc;

	if (cc & NVME_CC_EN && !n->is_enabled)
		controller_enable(n);
	else if (!(cc & NVME_CC_EN) && n->is_enabled)
		controller_reset(n);
	if (cc & NVME_CC_SHN && !(n->csts & NVME_CSTS_SHST)) {
		storage_flush(n->storage);
		atomic_fetch_or(&n->csts, NVME_CSTS_SHST_DONE);
	}
}

/* ---- completions: 4.6 ---- */

bool nvme_cq_has_room(const struct nvme_cq *cq)
{
	return (cq->tail + 1) % cq->size != atomic_load_explicit(&cq->head, memory_order_acquire);
}

/* The word with the phase goes last: who sees it sees the rest. */
static void entry_write(_Atomic uint64_t *at, const struct nvme_completion *entry)
{
	uint64_t words[2];

	memcpy(words, entry, sizeof(words));
	atomic_store_explicit(&at[0], words[0], memory_order_relaxed);
	atomic_store_explicit(&at[1], words[1], memory_order_release);
}

void nvme_post(struct nvme *n, unsigned sqid, uint16_t cid, uint16_t status, uint32_t result)
{
	struct nvme_cq *cq = &n->cq[n->sq[sqid].cqid];
	uint32_t tail = cq->tail;
	uint64_t bytes = sizeof(struct nvme_completion);
	struct nvme_completion entry = {
		.result = result,
		.sq_head = (uint16_t)n->sq[sqid].head,
		.sqid = (uint16_t)sqid,
		.cid = cid,
		.status = (uint16_t)(status << 1 | cq->phase),
	};
	_Atomic uint64_t *at;
	int err;

	at = dma_bus_span(&n->master, cq->base + tail * sizeof(entry), &bytes, true, &err);
	if (!at) {
		controller_fail(n);
		return;
	}
	entry_write(at, &entry);
	tail = tail + 1 == cq->size ? 0 : tail + 1;
	cq->phase ^= tail == 0;
	cq->is_posted = true;
	atomic_store_explicit(&cq->tail, tail, memory_order_release);
}

static void interrupts_send(struct nvme *n)
{
	bool by_message = n->vectors && bus_messages_are_enabled(n->function);
	uint64_t vectors = 0;

	for (unsigned i = 0; i <= n->queues; i++) {
		struct nvme_cq *cq = &n->cq[i];

		if (!cq->is_posted)
			continue;
		cq->is_posted = false;
		if (cq->has_interrupt)
			vectors |= 1ull << cq->vector;
	}
	if (!vectors)
		return;
	cpu_agent_poll();
	if (by_message) {
		for (; vectors; vectors &= vectors - 1)
			bus_message_send(n->function, (unsigned)__builtin_ctzll(vectors));
		return;
	}
	nvme_line_update(n);
}

/* ---- submissions ---- */

void nvme_fetched_remove(struct nvme *n, unsigned i)
{
	n->fetched_count--;
	memmove(&n->fetched[i], &n->fetched[i + 1], (n->fetched_count - i) * sizeof(*n->fetched));
}

static bool is_fetched(const struct nvme *n, unsigned sqid, uint16_t cid)
{
	for (unsigned i = 0; i < n->fetched_count; i++)
		if (n->fetched[i].sqid == sqid && n->fetched[i].command.cid == cid)
			return true;
	return false;
}

/* Commands of one queue, as many as there are and as fit, one read. */
static void sq_fetch(struct nvme *n, unsigned sqid)
{
	struct nvme_sq *sq = &n->sq[sqid];
	uint32_t size = sq->size, tail, count;

	if (!size)
		return;
	tail = atomic_load_explicit(&sq->tail, memory_order_acquire);
	count = (tail < sq->head ? size : tail) - sq->head;
	count = min_of(count, NVME_FETCHED_MAX - n->fetched_count);
	/* under replay it may look away in the middle */
	count -= count ? cpu_choose(count) : 0;
	if (!count)
		return;
	if (dma_bus_read(&n->master, sq->base + sq->head * sizeof(*n->batch), n->batch,
		    count * sizeof(*n->batch))) {
		controller_fail(n);
		return;
	}
	sq->head = (sq->head + count) % size;
	for (unsigned i = 0; i < count; i++) {
		struct nvme_fetched *f = &n->fetched[n->fetched_count];

		f->command = n->batch[i];
		f->sqid = (uint16_t)sqid;
		/* 4.6.1.2.1: as many are searched as we hold */
		f->is_conflict = is_fetched(n, sqid, f->command.cid);
		n->fetched_count++;
	}
}

static void fetch(struct nvme *n)
{
	for (unsigned i = 0; i <= n->queues; i++) {
		unsigned sqid = (n->next_sq + i) % (n->queues + 1);

		if (n->fetched_count == NVME_FETCHED_MAX)
			break;
		sq_fetch(n, sqid);
	}
	n->next_sq = (n->next_sq + 1) % (n->queues + 1);
}

/* What a second attempt would not change: 4.6.1. */
static uint16_t status_complete(uint16_t status)
{
	switch (status) {
	case NVME_OK:
	case NVME_DATA_TRANSFER_ERROR:
	case NVME_ABORT_REQUESTED:
	case NVME_ABORT_SQ_DELETION:
	case NVME_WRITE_FAULT:
	case NVME_UNRECOVERED_READ:
		return status;
	default:
		return status | NVME_STATUS_DNR;
	}
}

static uint16_t execute(struct nvme *n, const struct nvme_fetched *f, uint32_t *result)
{
	const struct nvme_command *c = &f->command;

	if (unlikely(f->is_conflict))
		return NVME_CID_CONFLICT;
	/* neither fused operations nor SGLs: 4.2 */
	if (unlikely(c->flags & (NVME_FLAGS_FUSE | NVME_FLAGS_PSDT)))
		return NVME_INVALID_FIELD;
	return f->sqid ? nvme_io(n, c) : nvme_admin(n, c, result);
}

/* One of the fetched whose completion queue has room; false if there is none. */
static bool execute_one(struct nvme *n)
{
	unsigned ready[NVME_FETCHED_MAX], count = 0, chosen;
	struct nvme_fetched f;
	uint32_t result = 0;
	uint16_t status;

	for (unsigned i = 0; i < n->fetched_count; i++)
		if (nvme_cq_has_room(&n->cq[n->sq[n->fetched[i].sqid].cqid]))
			ready[count++] = i;
	if (!count)
		return false;
	chosen = ready[cpu_choose(count)];
	f = n->fetched[chosen];
	nvme_fetched_remove(n, chosen);
	status = execute(n, &f, &result);
	cpu_agent_poll();
	if (status == NVME_HELD || !controller_is_running(n) || !n->sq[f.sqid].size)
		return true;
	status = status_complete(status);
	if (unlikely(status)) {
		nvme_error_log(n, &f, status);
		status |= NVME_STATUS_MORE;
	}
	nvme_post(n, f.sqid, f.command.cid, status, result);
	return true;
}

/* Doorbells that processors wrote wrongly: 5.2, figure 147. */
static void doorbells_look(struct nvme *n)
{
	if (likely(!n->bad_register && !n->bad_value))
		return;
	if (atomic_exchange(&n->bad_register, 0))
		nvme_event(n, NVME_EVENT_ERROR, NVME_ERROR_DOORBELL_REGISTER, NVME_LOG_ERROR);
	if (atomic_exchange(&n->bad_value, 0))
		nvme_event(n, NVME_EVENT_ERROR, NVME_ERROR_DOORBELL_VALUE, NVME_LOG_ERROR);
}

void nvme_step(void *ctx)
{
	struct nvme *n = ctx;
	bool progressed;

	do {
		controller_update(n);
		if (!controller_is_running(n))
			return;
		doorbells_look(n);
		fetch(n);
		progressed = false;
		while (controller_is_running(n) && execute_one(n)) {
			progressed = true;
			/* under replay it may look for more before all is done */
			if (cpu_choose(4) == 1)
				break;
		}
		nvme_events_send(n);
		interrupts_send(n);
	} while (progressed);
}
