/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 5 of 7: the device. The agent enables and resets the controller, then has commands
 * fetched, carries them out one by one and posts each; a queue's interrupt follows when the batch
 * is done. Under replay any fetched command may be next, and interrupts come at any time. Before:
 * the miniport (4) through nvme_register.c. Beside: nvme_queue.c. After:
 * src/storport/interrupt.c (6).
 */
#include "hw/nvme/nvme.h"
#include <string.h>

/* ---- enabling, reset, shutdown: 3.1.5, 3.1.6, 7.3.2 and 7.6 ---- */

/* An engine that has always more to do would else take its lock again before the first gets it. */
void nvme_engines_hold(struct nvme *n)
{
	if (n->engine_count == 1)
		return;
	n->is_awaited = true;
	pthread_mutex_lock(&n->gate);
	for (unsigned i = 1; i < n->engine_count; i++)
		pthread_mutex_lock(&n->engine[i].lock);
}

void nvme_engines_let_go(struct nvme *n)
{
	if (n->engine_count == 1)
		return;
	for (unsigned i = n->engine_count; i-- > 1;)
		pthread_mutex_unlock(&n->engine[i].lock);
	n->is_awaited = false;
	pthread_mutex_unlock(&n->gate);
}

static void engine_clear(struct nvme_engine *e)
{
	e->rung = 0;
	e->pending = e->blocked = e->posted = e->moved = 0;
	e->first = e->end = e->next_sq = 0;
	e->starved = false;
}

static void queues_clear(struct nvme *n)
{
	for (unsigned i = 0; i < NVME_QUEUES_MAX; i++) {
		n->sq[i].size = 0;
		n->sq[i].head = 0;
		n->sq[i].tail = 0;
		n->cq[i].size = 0;
		n->cq[i].head = 0;
		n->cq[i].tail = 0;
		n->cq[i].users = 0;
		n->cq[i].reserved = 0;
	}
	for (unsigned i = 0; i < n->engine_count; i++)
		engine_clear(&n->engine[i]);
	n->bad_register = 0;
	n->bad_value = 0;
	n->is_shadowed = false;
	nvme_events_clear(n);
	if (unlikely(n->engine->master.tap != NULL))
		fault_complete_forget(&n->engine->master);
}

void nvme_fail(struct nvme *n)
{
	atomic_fetch_or(&n->csts, NVME_CSTS_CFS);
}

/* 0 stands for sizes that are told later, before the first I/O queue. */
static bool entry_size_is_good(uint32_t cc, unsigned shift, unsigned wanted)
{
	unsigned size = cc >> shift & 15;

	return !size || size == wanted;
}

static bool configuration_is_good(uint32_t cc, uint32_t aqa)
{
	/* no other command set, page size or arbitration; a queue of one entry can hold nothing */
	return !(cc & (NVME_CC_CSS | NVME_CC_MPS | NVME_CC_AMS)) && aqa & 0xfff && aqa >> 16 &&
	       entry_size_is_good(cc, NVME_CC_IOSQES_SHIFT, NVME_SQE_LOG2) &&
	       entry_size_is_good(cc, NVME_CC_IOCQES_SHIFT, NVME_CQE_LOG2);
}

static void controller_enable(struct nvme *n)
{
	uint32_t cc = n->cc, aqa = n->aqa;

	n->is_enabled = true;
	queues_clear(n);
	nvme_features_reset(n);
	if (!configuration_is_good(cc, aqa)) {
		n->csts = NVME_CSTS_CFS;
		return;
	}
	n->sq[0].base = n->asq[0] | (uint64_t)n->asq[1] << 32;
	n->cq[0].base = n->acq[0] | (uint64_t)n->acq[1] << 32;
	n->sq[0].cqid = 0;
	n->cq[0].vector = 0;
	n->cq[0].phase = true;
	n->cq[0].has_interrupt = true;
	n->cq[0].users = 1;
	n->cq[0].size = (aqa >> 16) + 1;
	n->sq[0].size = (aqa & 0xfff) + 1;
	n->csts = NVME_CSTS_RDY;
	bus_doorbells_open(n->function, true);
}

static void controller_reset(struct nvme *n)
{
	bus_doorbells_open(n->function, false);
	n->is_enabled = false;
	queues_clear(n);
	n->intms = 0;
	nvme_line_update(n);
	/* last: from here on the driver may reuse what we touched */
	n->csts = 0;
}

static void controller_shut_down(struct nvme *n)
{
	atomic_fetch_or(&n->csts, NVME_CSTS_SHST_BUSY);
	storage_flush(n->storage);
	atomic_fetch_xor(&n->csts, NVME_CSTS_SHST_BUSY | NVME_CSTS_SHST_DONE);
}

static __attribute__((noinline)) void controller_switch(struct nvme *n, uint32_t requests)
{
	nvme_engines_hold(n);
	if (requests & NVME_REQUEST_RESET) {
		controller_reset(n);
		atomic_fetch_and(&n->requests, ~(uint32_t)NVME_REQUEST_RESET);
	}
	if (!n->is_enabled && n->cc & NVME_CC_EN)
		controller_enable(n);
	nvme_engines_let_go(n);
}

static void controller_update(struct nvme *n)
{
	uint32_t requests = n->requests;

	if (unlikely(requests & NVME_REQUEST_RESET || (!n->is_enabled && n->cc & NVME_CC_EN)))
		controller_switch(n, requests);
	if (unlikely(requests & NVME_REQUEST_SHUTDOWN)) {
		atomic_fetch_and(&n->requests, ~(uint32_t)NVME_REQUEST_SHUTDOWN);
		if (!(n->csts & NVME_CSTS_SHST))
			controller_shut_down(n);
	}
}

/* ---- commands ---- */

/* Whether the same command again would fail again: 4.6.1, Do Not Retry. */
static uint16_t status_complete(uint16_t status)
{
	switch (status) {
	case NVME_OK:
	case NVME_CID_CONFLICT:
	case NVME_DATA_TRANSFER_ERROR:
	case NVME_ABORT_REQUESTED:
	case NVME_WRITE_FAULT:
	case NVME_UNRECOVERED_READ:
		return status;
	default:
		return status | NVME_STATUS_DNR;
	}
}

static uint64_t lba_of(const struct nvme_command *c, unsigned sqid)
{
	bool has_one = sqid && c->opcode && c->opcode <= NVME_WRITE_ZEROES;

	return has_one ? c->cdw10 | (uint64_t)c->cdw11 << 32 : 0;
}

__attribute__((cold)) uint16_t nvme_failed(
	struct nvme *n, const struct nvme_command *c, unsigned sqid, uint16_t status)
{
	struct nvme_failure failure = {.sqid = (uint16_t)sqid,
		.cid = c->cid,
		.status = status_complete(status),
		.nsid = c->nsid,
		.lba = lba_of(c, sqid)};

	nvme_error_log(n, &failure);
	return failure.status | NVME_STATUS_MORE;
}

static __attribute__((noinline)) uint16_t admin(
	struct nvme *n, const struct nvme_command *c, uint32_t *result)
{
	uint32_t others = 0;
	uint16_t status;

	nvme_engines_hold(n);
	status = nvme_admin(n, c, result);
	/* what it has posted for others is theirs to tell of */
	for (unsigned i = 1; i < n->engine_count; i++)
		others |= n->engine[i].posted ? 1u << i : 0;
	nvme_engines_let_go(n);
	for (; others; others &= others - 1)
		cpu_agent_kick(n->engine[__builtin_ctz(others)].agent);
	return status;
}

static uint16_t execute(struct nvme_engine *e, const struct nvme_command *c, struct nvme_fetched f,
	uint32_t *result)
{
	if (unlikely(f.is_conflict))
		return NVME_CID_CONFLICT;
	/* neither fused operations nor SGLs are supported: 4.2, 4.4, 6.2 */
	if (unlikely(c->flags & (NVME_FLAGS_FUSE | NVME_FLAGS_PSDT)))
		return NVME_INVALID_FIELD;
	return likely(f.sqid) ? nvme_io(e, c) : admin(e->nvme, c, result);
}

/* Brings any one of the table to its front: under threads it is there already. */
static void choose(struct nvme_engine *e)
{
	unsigned chosen = e->first + cpu_choose(e->end - e->first);
	struct nvme_command command;
	struct nvme_fetched fetched;

	if (likely(chosen == e->first))
		return;
	command = e->commands[chosen];
	fetched = e->fetched[chosen];
	e->commands[chosen] = e->commands[e->first];
	e->fetched[chosen] = e->fetched[e->first];
	e->commands[e->first] = command;
	e->fetched[e->first] = fetched;
}

static void execute_one(struct nvme_engine *e)
{
	struct nvme *n = e->nvme;
	const struct nvme_command *c = &e->commands[e->first];
	struct nvme_fetched f;
	uint32_t result = 0;
	uint16_t status;

	choose(e);
	/* its place is not used again before the table is empty */
	f = e->fetched[e->first++];
	status = execute(e, c, f, &result);
	cpu_agent_poll();
	if (unlikely(!nvme_is_running(n)))
		return; /* memory is no longer ours to touch */
	if (unlikely(status == NVME_HELD)) {
		n->cq[0].reserved--;
		return;
	}
	if (unlikely(status))
		status = nvme_failed(n, c, f.sqid, status);
	nvme_post(e, f.sqid, c->cid, status, result);
	cpu_agent_poll();
}

/* A batch, or what is left of one: of most of them the fetch leaves nothing. Under replay what
 * comes between is drawn. */
static void work(struct nvme_engine *e)
{
	struct nvme *n = e->nvme;
	if (e->first == e->end || cpu_choose(2))
		nvme_fetch(e);
	for (unsigned left = NVME_FETCHED_MAX; left && e->first < e->end && nvme_is_running(n);
		left--) {
		unsigned next = cpu_choose(8);

		execute_one(e);
		if (unlikely(e->moved >= NVME_INTERRUPT_BYTES || next == 1))
			nvme_interrupts_send(e);
		if (unlikely(next == 2))
			nvme_fetch(e);
		if (unlikely(next == 3))
			break;
	}
}

static bool has_more(const struct nvme_engine *e)
{
	return e->first < e->end || e->pending & ~e->blocked;
}

/* Of an engine for I/O queues alone. */
static __attribute__((noinline)) void step_other(struct nvme_engine *e)
{
	struct nvme *n = e->nvme;
	bool again = false;

	if (unlikely(n->is_awaited)) {
		pthread_mutex_lock(&n->gate);
		pthread_mutex_unlock(&n->gate);
	}
	pthread_mutex_lock(&e->lock);
	if (nvme_is_running(n)) {
		if (e->starved)
			e->starved = false;
		e->blocked = 0;
		if (unlikely(n->is_shadowed))
			nvme_shadow_look(e);
		work(e);
	}
	if (nvme_is_running(n)) {
		nvme_interrupts_send(e);
		again = has_more(e);
	}
	pthread_mutex_unlock(&e->lock);
	if (unlikely(n->bad_value))
		cpu_agent_kick(n->engine->agent);
	if (again)
		cpu_agent_kick(e->agent);
}

void nvme_step(void *ctx)
{
	struct nvme_engine *e = ctx;
	struct nvme *n = e->nvme;

	if (unlikely(e != n->engine)) {
		step_other(e);
		return;
	}
	controller_update(n);
	if (!nvme_is_running(n))
		return;
	if (unlikely(e->starved))
		e->starved = false;
	e->blocked = 0;
	if (unlikely(n->is_shadowed))
		nvme_shadow_look(e);
	nvme_doorbells_look(n);
	if (unlikely(e->master.tap != NULL))
		nvme_post_late(e);
	work(e);
	if (!nvme_is_running(n))
		return;
	nvme_events_send(n);
	nvme_interrupts_send(e);
	if (has_more(e))
		cpu_agent_kick(e->agent);
}
