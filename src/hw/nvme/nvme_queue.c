/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Queues (NVMe 1.4, 4.1): commands are fetched from the submission queues in turn, completions are
 * posted, interrupts sent. Before and after: nvme_life.c.
 */
#include "hw/nvme/nvme.h"
#include <string.h>

/* ---- submissions ---- */

void nvme_fetched_remove(struct nvme_engine *e, unsigned i)
{
	size_t behind = --e->end - i;

	memmove(&e->commands[i], &e->commands[i + 1], behind * sizeof(*e->commands));
	memmove(&e->fetched[i], &e->fetched[i + 1], behind * sizeof(*e->fetched));
}

/* At the table's front, whatever was carried out there. */
static void table_pack(struct nvme_engine *e)
{
	size_t left = e->end - e->first;

	if (!left) {
		e->first = e->end = 0;
		e->identifiers = 0;
		return;
	}
	memmove(e->commands, e->commands + e->first, left * sizeof(*e->commands));
	memmove(e->fetched, e->fetched + e->first, left * sizeof(*e->fetched));
	e->first = 0;
	e->end = (unsigned)left;
}

/* As many are searched for a conflict as we hold: 4.2, Command Identifier. */
static bool is_conflict(struct nvme_engine *e, unsigned sqid, uint16_t cid)
{
	struct nvme *n = e->nvme;
	uint64_t bit = 1ull << ((cid + sqid * 7) & 63);
	bool is_new = !(e->identifiers & bit);

	e->identifiers |= bit;
	/* fetched with it, and carried out meanwhile */
	if (unlikely(e->seen[(uint8_t)cid].turn == e->turn && e->seen[(uint8_t)cid].cid == cid))
		return true;
	for (unsigned i = e->first; !is_new && i < e->end; i++)
		if (e->fetched[i].sqid == sqid && e->commands[i].cid == cid)
			return true;
	for (unsigned i = 0; !sqid && i < n->async_count; i++)
		if (n->async_cid[i] == cid)
			return true;
	return false;
}

/* How many commands of the queue can be fetched at once: in one stretch, with room for their
 * completions and in the table. */
static uint32_t fetchable(struct nvme_engine *e, unsigned sqid, uint32_t head, uint32_t tail)
{
	struct nvme *n = e->nvme;
	struct nvme_sq *sq = &n->sq[sqid];
	struct nvme_cq *cq = &n->cq[sq->cqid];
	uint32_t count = (tail < head ? sq->size : tail) - head, room = nvme_cq_room(cq);

	if (unlikely(!room)) {
		/* whoever makes room looks at this; and it may just have done so */
		e->starved = true;
		cpu_far_barrier();
		if (unlikely(e->nvme->is_shadowed && sqid))
			nvme_shadow_cq_look(e, sq->cqid, true);
		room = nvme_cq_room(cq);
		if (!room)
			e->blocked |= 1ull << sqid;
	}
	count = min_of(count, room);
	count = min_of(count, NVME_FETCHED_MAX - e->end);
	/* under replay it may look away in the middle */
	return count ? count - cpu_choose(count) : 0;
}

/* Nothing of the next stretch has been seen. */
static inline void turn_over(struct nvme_engine *e)
{
	if (unlikely(!++e->turn)) {
		memset(e->seen, 0, sizeof(e->seen));
		e->turn = 1;
	}
}

/* They are the driver's to change: each is read once. */
static __attribute__((noinline)) void table_add(
	struct nvme_engine *e, unsigned sqid, const struct nvme_command *ring, uint32_t count)
{
	struct nvme *n = e->nvme;
	struct nvme_sq *sq = &n->sq[sqid];
	uint32_t head = sq->head + count;

	for (uint32_t i = 0; i < count; i++)
		e->commands[e->end + i] = ring[i];
	sq->head = head == sq->size ? 0 : head;
	n->cq[sq->cqid].reserved += count;
	for (; count--; e->end++)
		e->fetched[e->end] = (struct nvme_fetched){
			(uint16_t)sqid, is_conflict(e, sqid, e->commands[e->end].cid)};
}

static void sq_fetch(struct nvme_engine *e, unsigned sqid)
{
	struct nvme *n = e->nvme;
	struct nvme_sq *sq = &n->sq[sqid];
	uint32_t size = sq->size, head = sq->head;
	uint32_t tail = atomic_load_explicit(&sq->tail, memory_order_acquire), count;
	const struct nvme_command *ring;
	uint64_t bytes;
	int err;

	/* a doorbell that was written while the queue was made anew may lie outside, or have told
	 * the engine that it was before */
	if (head == tail || tail >= size ||
		atomic_load_explicit(&sq->engine, memory_order_relaxed) != e) {
		e->pending &= ~(1ull << sqid);
		return;
	}
	count = fetchable(e, sqid, head, tail);
	if (!count)
		return;
	bytes = count * sizeof(*e->commands);
	ring = dma_bus_span(
		&e->master, sq->base + head * sizeof(*e->commands), &bytes, false, &err);
	if (unlikely(!ring)) {
		nvme_fail(n);
		return;
	}
	/* to the end of the page */
	count = (uint32_t)(bytes / sizeof(*e->commands));
	if (likely(sqid && !e->end)) {
		uint32_t done = nvme_quick(e, sqid, ring, count);

		ring += done;
		count -= done;
	}
	if (unlikely(count))
		table_add(e, sqid, ring, count);
	turn_over(e);
	if (sq->head == tail)
		e->pending &= ~(1ull << sqid);
}

/* On a machine of one processor that does it itself nobody adds to them meanwhile. */
static inline uint64_t rung_take(struct nvme_engine *e)
{
	uint64_t rung;

	if (unlikely(cpu_inner_locks || !cpu_self))
		return atomic_exchange(&e->rung, 0);
	rung = atomic_load_explicit(&e->rung, memory_order_acquire);
	atomic_store_explicit(&e->rung, 0, memory_order_relaxed);
	return rung;
}

/* Round robin, a batch from each: 4.13.1. */
void nvme_fetch(struct nvme_engine *e)
{
	struct nvme *n = e->nvme;
	unsigned next = (e->next_sq + cpu_choose(n->queues + 1)) % NVME_QUEUES_MAX;
	uint64_t todo;

	table_pack(e);
	e->pending |= rung_take(e);
	todo = e->pending & ~e->blocked;
	todo = todo >> next | todo << (-next & 63);
	for (; todo && e->end < NVME_FETCHED_MAX && nvme_is_running(n); todo &= todo - 1) {
		unsigned sqid = (next + (unsigned)__builtin_ctzll(todo)) % NVME_QUEUES_MAX;

		sq_fetch(e, sqid);
		if (unlikely(e->moved >= NVME_INTERRUPT_BYTES))
			nvme_interrupts_send(e);
		e->next_sq = (sqid + 1) % NVME_QUEUES_MAX;
	}
}

/* ---- completions: 4.6 ---- */

uint32_t nvme_cq_room(const struct nvme_cq *cq)
{
	uint32_t used = nvme_distance(cq->head, cq->tail, cq->size);

	/* a full queue has one empty entry: 4.1.2 */
	return cq->size - 1 - used - cq->reserved;
}

/*
 * The word with the phase goes last: who sees it sees the rest. And who sees it may ring at once,
 * so the queue's tail moves before.
 */
static void entry_write(
	struct nvme_cq *cq, _Atomic uint64_t *at, const struct nvme_completion *entry)
{
	uint32_t tail = cq->tail;
	uint64_t words[2];

	memcpy(words, entry, sizeof(words));
	atomic_store_explicit(&at[0], words[0], memory_order_relaxed);
	tail = tail + 1 == cq->size ? 0 : tail + 1;
	cq->phase ^= tail == 0;
	atomic_store_explicit(&cq->tail, tail, memory_order_release);
	atomic_store_explicit(&at[1], words[1], memory_order_release);
}

/* What is said of a command; where and when it stands in the queue is entry_post's. */
struct answer {
	uint16_t sqid, cid, status;
	uint32_t result;
};

/* Where it is written, if there is more to say of the place. */
static __attribute__((noinline)) _Atomic uint64_t *entry_at(struct nvme_engine *e, uint64_t address)
{
	uint64_t bytes = sizeof(struct nvme_completion);
	int err;

	return dma_bus_span(&e->master, address, &bytes, true, &err);
}

static void entry_post(struct nvme_engine *e, const struct answer *answer)
{
	struct nvme *n = e->nvme;
	unsigned cqid = n->sq[answer->sqid].cqid;
	struct nvme_cq *cq = &n->cq[cqid];
	struct nvme_completion entry = {
		.result = answer->result,
		.sq_head = (uint16_t)n->sq[answer->sqid].head,
		.sqid = answer->sqid,
		.cid = answer->cid,
		.status = (uint16_t)(answer->status << 1 | cq->phase),
	};
	uint64_t address = cq->base + cq->tail * sizeof(entry);
	_Atomic uint64_t *at = dma_bus_at(&e->master, address, sizeof(entry), true);

	if (unlikely(!at))
		at = entry_at(e, address);
	if (unlikely(!at)) {
		nvme_fail(n);
		return;
	}
	entry_write(cq, at, &entry);
	e->posted |= 1ull << cqid;
}

/* One too many is posted only if there is room: a full queue is not written over. */
static void faulty_post(struct nvme_engine *e, const struct fault_completions *faulty)
{
	struct nvme *n = e->nvme;
	for (unsigned i = 0; i < faulty->count && nvme_is_running(n); i++) {
		struct answer answer;
		struct nvme_cq *cq;

		memcpy(&answer, faulty->item[i].entry, sizeof(answer));
		cq = &n->cq[n->sq[answer.sqid].cqid];
		if (!n->sq[answer.sqid].size || !cq->size)
			continue; /* the queue has been deleted */
		if (faulty->item[i].role == FAULT_STRANGER)
			answer.cid ^= 0xffff;
		if (faulty->item[i].role == FAULT_OWN)
			cq->reserved--;
		else if (!nvme_cq_room(cq))
			continue;
		entry_post(e, &answer);
	}
}

static void faulty_answer(struct nvme_engine *e, const struct answer *answer)
{
	struct nvme *n = e->nvme;
	struct fault_completions faulty;

	fault_complete(&e->master, e->agent, answer, sizeof(*answer), &faulty);
	if (faulty.is_lost)
		n->cq[n->sq[answer->sqid].cqid].reserved--;
	faulty_post(e, &faulty);
}

void nvme_post_late(struct nvme_engine *e)
{
	struct fault_completions faulty;

	fault_complete_due(&e->master, &faulty);
	faulty_post(e, &faulty);
}

void nvme_post(struct nvme_engine *e, unsigned sqid, uint16_t cid, uint16_t status, uint32_t result)
{
	struct nvme *n = e->nvme;
	const struct answer answer = {(uint16_t)sqid, cid, status, result};

	if (unlikely(e->master.tap != NULL)) {
		faulty_answer(e, &answer);
		return;
	}
	n->cq[n->sq[sqid].cqid].reserved--;
	entry_post(e, &answer);
}

/* ---- interrupts: 7.5 ---- */

void nvme_interrupts_send(struct nvme_engine *e)
{
	struct nvme *n = e->nvme;
	uint64_t posted = e->posted, vectors = 0;

	e->posted = 0;
	e->moved = 0;
	for (; posted; posted &= posted - 1) {
		struct nvme_cq *cq = &n->cq[__builtin_ctzll(posted)];

		if (cq->size && cq->has_interrupt)
			vectors |= 1ull << cq->vector;
	}
	if (!vectors)
		return;
	/* most often it is one, which can be sent */
	if (likely(!(vectors & (vectors - 1))) &&
		likely(bus_message_send_now(n->function, (unsigned)__builtin_ctzll(vectors))))
		return;
	if (!bus_messages_are_enabled(n->function)) {
		nvme_line_update(n);
		return;
	}
	for (; vectors; vectors &= vectors - 1)
		bus_message_send(n->function, (unsigned)__builtin_ctzll(vectors));
}
