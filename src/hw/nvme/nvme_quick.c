/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The short way of a batch: reads and writes of one page, which PRP 1 alone tells, are carried out
 * as they stand in the submission queue, and posted at once. It ends before the first command that
 * is anything else, and as soon as somebody wants to see more of it: the rest is fetched into the
 * table (nvme_queue.c) and goes the long way (nvme_life.c, nvme_io.c), which starts such a command
 * anew, since nothing was done to it here and nothing counted. Under replay nothing goes this way.
 */
#include "hw/nvme/nvme.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "two dwords are read whole");

/* The batch, and what its commands so far add up to. */
struct batch {
	const struct nvme_command *next;
	const struct nvme_command *accounted; /* those before it are in the counters */
	const struct nvme_command *learnt;    /* the last one that kind_learn looked at */
	_Atomic uint64_t (*out)[2];	      /* where the next one's completion goes: */
	const struct mem_frame *frame;	      /* in this page */
	enum mem_kind kind;
	uint64_t completion; /* what all of them have in common in the second word */
	uint32_t head, tail; /* of the two queues */
	uint64_t bytes_read, bytes_written, writes;
	int err; /* with which the storage has failed the next one, which was */
	bool is_write;
	uint16_t failed_cid;
	uint64_t failed_bytes;
};

/* What is the same for all commands of a batch. */
struct setting {
	struct nvme_engine *e;
	struct nvme *n;
	struct nvme_sq *sq;
	struct nvme_cq *cq;
	unsigned sqid;
};

/* Bytes are counted together as long as they are of the same kind of memory. */
static __attribute__((noinline)) void account(struct nvme_engine *e, uint64_t count,
	uint64_t bytes_read, uint64_t writes, uint64_t bytes_written)
{
	e->moved += bytes_read + bytes_written;
	e->reads += count - writes;
	e->writes += writes;
	if (bytes_read) {
		dma_bus_add(&e->master, bytes_read, e->kind_of_data, true);
		e->units_read += bytes_read / 512;
	}
	if (bytes_written) {
		dma_bus_add(&e->master, bytes_written, e->kind_of_data, false);
		e->units_written += bytes_written / 512;
	}
}

static inline void batch_account(struct nvme_engine *e, struct batch *b)
{
	account(e, (uint64_t)(b->next - b->accounted), b->bytes_read, b->writes, b->bytes_written);
	b->accounted = b->next;
	b->bytes_read = b->bytes_written = b->writes = 0;
}

/* The word with the phase goes last, after what a doorbell is measured by: see nvme_queue.c. */
path_inline void post(const struct setting *set, struct batch *b, uint16_t cid)
{
	atomic_store_explicit(&set->sq->head, ++b->head, memory_order_release);
	atomic_store_explicit(&set->cq->tail, ++b->tail, memory_order_release);
	atomic_store_explicit(&(*b->out)[0], 0, memory_order_relaxed);
	atomic_store_explicit(
		&(*b->out)[1], b->completion | (uint64_t)cid << 32 | b->head, memory_order_release);
	b->out++;
	b->next++;
}

/* Carries out the next command if its data lies in one page, of the kind that the last was of.
 * False: nothing was done, or err says how it ended. */
path_inline bool next_move(const struct setting *set, struct batch *b, const bool is_write)
{
	/* What counts is read once: it is the driver's to change at any time. */
	const struct nvme_command *c = b->next;
	struct nvme_engine *e = set->e;
	const struct nvme *n = set->n;
	uint64_t prp = __atomic_load_n(&c->prp1, __ATOMIC_RELAXED);
	uint64_t block = __atomic_load_n((const uint64_t *)&c->cdw10, __ATOMIC_RELAXED);
	uint32_t space = __atomic_load_n(&c->nsid, __ATOMIC_RELAXED) - 1;
	uint32_t dword = __atomic_load_n(&c->cdw12, __ATOMIC_RELAXED);
	uint16_t cid = __atomic_load_n(&c->cid, __ATOMIC_RELAXED);
	uint64_t bytes = ((dword & 0xffff) + 1ull) << n->block_shift;
	struct nvme_seen *seen = &e->seen[(uint8_t)cid];
	uint64_t offset;
	void *data;

	/* as much as a page's blocks from there on are in the namespace */
	if (unlikely(space >= n->namespaces || dword & NVME_FUA || block >= n->page_blocks ||
		     prp & 3 || seen->turn == e->turn))
		return false;
	data = dma_bus_find_known(&e->master, prp, bytes, e->kind_of_data);
	if (unlikely(!data))
		return false;
	offset = (space * n->blocks + block) << n->block_shift;
	b->err = is_write ? storage_write_one(n->storage, offset, data, bytes)
			  : storage_read_one(n->storage, offset, data, bytes);
	if (unlikely(b->err < 0)) {
		b->is_write = is_write;
		b->failed_cid = cid;
		b->failed_bytes = bytes;
		return false;
	}
	if (unlikely(b->err)) { /* STORAGE_WAITED */
		b->err = 0;
		if (!dma_bus_still(&e->master, b->frame, b->kind))
			return false;
	}
	*seen = (struct nvme_seen){cid, e->turn};
	*(is_write ? &b->bytes_written : &b->bytes_read) += bytes;
	b->writes += is_write;
	post(set, b, cid);
	return true;
}

/* Neither fused nor with an SGL. */
path_inline bool is_plain(const struct nvme_command *c, uint8_t opcode)
{
	return c->opcode == opcode && !(c->flags & (NVME_FLAGS_FUSE | NVME_FLAGS_PSDT));
}

/* Whether a write is done as soon as the storage has the data. */
static inline bool is_write_quick(const struct nvme *n)
{
	return nvme_is_cached(n) && !n->storage->read_only;
}

path_inline bool run_next(const struct setting *set, struct batch *b)
{
	if (trace_is_wanted(TRACE_DMA_TRANSFER) || unlikely(!nvme_is_running(set->n)))
		return false;
	if (likely(is_plain(b->next, NVME_READ)))
		return likely(next_move(set, b, false));
	return is_plain(b->next, NVME_WRITE) && is_write_quick(set->n) && next_move(set, b, true);
}

/* Whether a command's memory is of another kind than was known. */
static __attribute__((noinline)) bool kind_differs(
	const struct nvme_engine *e, const struct nvme_command *c, enum mem_kind *kind)
{
	return dma_bus_find(&e->master, __atomic_load_n(&c->prp1, __ATOMIC_RELAXED), 1, kind) &&
	       *kind != e->kind_of_data;
}

/* Whether that may be why the next one has not been carried out, and this is known now. Once for
 * each command: who changes it meanwhile cannot keep us here. */
static inline bool kind_learn(struct nvme_engine *e, struct batch *b)
{
	enum mem_kind kind;

	if (b->err || b->learnt == b->next || !kind_differs(e, b->next, &kind))
		return false;
	b->learnt = b->next;
	batch_account(e, b);
	e->kind_of_data = kind;
	return true;
}

/* The storage has failed the next one: the rest of the long way. */
static __attribute__((cold, noinline)) void fail_one(
	const struct setting *set, const struct batch *b)
{
	struct nvme_command c = *b->next;
	uint16_t status = nvme_move_failed(set->e, b->is_write, b->err);

	c.cid = b->failed_cid;
	dma_bus_add(&set->e->master, b->failed_bytes, set->e->kind_of_data, !b->is_write);
	set->sq->head++;
	set->cq->reserved++;
	set->e->seen[(uint8_t)c.cid] = (struct nvme_seen){c.cid, set->e->turn};
	nvme_post(set->e, set->sqid, c.cid, nvme_failed(set->n, &c, set->sqid, status), 0);
}

/* As far as their completions lie in one page, and neither queue begins anew behind them. */
static unsigned run(const struct setting *set, const struct nvme_command *ring, unsigned count)
{
	struct nvme_engine *e = set->e;
	uint64_t address = set->cq->base + set->cq->tail * sizeof(struct nvme_completion);
	uint64_t left =
		(MEM_PAGE_SIZE - (address & MEM_PAGE_MASK)) / sizeof(struct nvme_completion);
	struct batch b = {
		.next = ring,
		.accounted = ring,
		.completion = (uint64_t)set->sqid << 16 | (uint64_t)set->cq->phase << 48,
		.head = set->sq->head,
		.tail = set->cq->tail,
	};
	const struct nvme_command *end;
	unsigned done;

	left = min_of(left, set->cq->size - 1 - b.tail);
	left = min_of(left, set->sq->size - 1 - b.head);
	end = ring + min_of(left, count);
	b.frame = dma_bus_frame(&e->master, address);
	b.out = dma_bus_find(&e->master, address, sizeof(struct nvme_completion), &b.kind);
	if (end == ring || !b.out)
		return 0;
	while (b.next != end && (likely(run_next(set, &b)) || kind_learn(e, &b)))
		;
	done = (unsigned)(b.next - ring);
	batch_account(e, &b);
	dma_bus_add(&e->master, done * sizeof(struct nvme_completion), b.kind, true);
	if (likely(!b.err))
		return done;
	fail_one(set, &b);
	return done + 1;
}

unsigned nvme_quick(
	struct nvme_engine *e, unsigned sqid, const struct nvme_command *ring, unsigned count)
{
	struct nvme *n = e->nvme;
	struct setting set = {e, n, &n->sq[sqid], &n->cq[n->sq[sqid].cqid], sqid};
	unsigned done = 0, more;

	if (cpu_is_chosen_for())
		return 0;
	do {
		more = run(&set, ring + done, count - done);
		done += more;
	} while (more && done < count);
	if (done)
		e->posted |= 1ull << n->sq[sqid].cqid;
	return done;
}
