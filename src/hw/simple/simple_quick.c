/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The short way of a batch: reads and writes of one element, which lies in a page that the device
 * reaches, are carried out as they stand in the ring, and their completions are written at once.
 * It ends before the first command that is anything else, and as soon as somebody wants to see more
 * of it: the rest goes the long way (simple_ring.c, simple_command.c), which starts such a command
 * anew, since nothing was done to it here and nothing counted. Under replay nothing goes this way.
 */
#include "hw/simple/simple.h"
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of a command are read whole");

#define SEQUENCE_ONE (1ull << 32) /* in a completion's last word */

/* The batch, and what its commands so far add up to. */
struct batch {
	const struct simple_command *next;
	const struct simple_command *accounted; /* those before it are in the counters */
	const struct simple_command *learnt;	/* the last one that kinds_learn looked at */
	_Atomic uint64_t (*out)[4];		/* where the next one's completion goes: */
	const struct mem_frame *frame;		/* in this page */
	enum mem_kind kind;
	uint64_t sequence; /* of the last one, as it stands in its last word */
	uint64_t messages;
	uint64_t bytes_read, bytes_written;
};

/* The storage has failed it. */
static __attribute__((cold, noinline)) void fail_one(struct simple *s,
	const struct simple_command *c, _Atomic uint64_t out[4], uint32_t sequence, int err)
{
	struct simple_command command = {.opcode = c->opcode};
	union simple_completion done = {.length = 0};
	enum simple_status status = simple_status_of(err);

	done.tag = c->tag;
	done.status = (uint16_t)status;
	simple_sense(status, &command, done.sense);
	s->log.errors++;
	simple_post_one(out, &done, sequence);
}

/* Bytes are counted together as long as they are of the same kinds of memory. */
static __attribute__((noinline)) void account(
	struct simple *s, uint64_t lists, uint64_t bytes_read, uint64_t bytes_written)
{
	dma_bus_add(&s->master, lists * sizeof(struct simple_element), s->kind_of_lists, false);
	s->batch_bytes += bytes_read + bytes_written;
	if (bytes_read) {
		dma_bus_add(&s->master, bytes_read, s->kind_of_data, true);
		s->log.bytes_read += bytes_read;
	}
	if (bytes_written) {
		dma_bus_add(&s->master, bytes_written, s->kind_of_data, false);
		s->log.bytes_written += bytes_written;
	}
}

static inline void batch_account(struct simple *s, struct batch *b)
{
	account(s, (uint64_t)(b->next - b->accounted), b->bytes_read, b->bytes_written);
	b->accounted = b->next;
	b->bytes_read = b->bytes_written = 0;
}

/* Carries out the next command if its element lies in one page, and so does what it leads to, of
 * the kinds of memory that the last ones were of. False: nothing was done. */
path_inline bool next_move(struct simple *s, struct batch *b, const bool is_write)
{
	/* What counts is read once: it is the driver's to change at any time. */
	uint64_t list = __atomic_load_n(&b->next->list, __ATOMIC_RELAXED);
	uint64_t block = __atomic_load_n(&b->next->block, __ATOMIC_RELAXED);
	const struct simple_element *e;
	struct iovec iov;
	uint64_t address;
	uint32_t length;
	unsigned message;
	void *data;
	int err;

	if (unlikely(list & 7))
		return false;
	e = dma_bus_find_known(&s->master, list, sizeof(*e), s->kind_of_lists);
	if (unlikely(!e))
		return false;
	address = __atomic_load_n(&e->address, __ATOMIC_RELAXED);
	length = __atomic_load_n(&e->length, __ATOMIC_RELAXED);
	/* as much as a page's blocks from there on are on the disk */
	if (unlikely(!length || length & s->block_mask || block >= s->page_blocks))
		return false;
	data = dma_bus_find_known(&s->master, address, length, s->kind_of_data);
	if (unlikely(!data))
		return false;
	iov = (struct iovec){data, length};
	err = is_write ? storage_write_one(s->storage, block << s->block_shift, &iov)
		       : storage_read_one(s->storage, block << s->block_shift, &iov);
	/* That took its time. */
	if (!dma_bus_still(&s->master, b->frame, b->kind))
		return false;
	b->sequence += SEQUENCE_ONE;
	/* before the completion: from then on the command's place is the driver's again */
	message = __atomic_load_n(&b->next->message, __ATOMIC_RELAXED);
	b->messages |= likely(message < s->messages) ? 1ull << message : 1;
	if (unlikely(err)) {
		dma_bus_add(&s->master, length, s->kind_of_data, !is_write);
		fail_one(s, b->next, *b->out, (uint32_t)(b->sequence >> 32), err);
		return true;
	}
	*(is_write ? &b->bytes_written : &b->bytes_read) += length;
	/* bytes 16 to 23, and 24 to 31: union simple_completion */
	atomic_store_explicit(&(*b->out)[2], (uint64_t)length << 32, memory_order_relaxed);
	atomic_store_explicit(&(*b->out)[3], b->next->tag | b->sequence, memory_order_release);
	return true;
}

/* Whether a command's memory is of other kinds than were known: they are, from here on. */
static __attribute__((noinline)) bool kinds_differ(
	const struct simple *s, const struct simple_command *c, enum mem_kind kinds[2])
{
	uint64_t at = __atomic_load_n(&c->list, __ATOMIC_RELAXED) & ~7ull;
	const struct simple_element *e = dma_bus_find(&s->master, at, sizeof(*e), &kinds[0]);

	return e &&
	       dma_bus_find(
		       &s->master, __atomic_load_n(&e->address, __ATOMIC_RELAXED), 1, &kinds[1]) &&
	       (kinds[0] != s->kind_of_lists || kinds[1] != s->kind_of_data);
}

/* Whether that may be why the next one has not been carried out, and these are known now. Once for
 * each command: who changes it meanwhile cannot keep us here. */
static inline bool kinds_learn(struct simple *s, struct batch *b)
{
	enum mem_kind kinds[2];

	if (b->learnt == b->next || !kinds_differ(s, b->next, kinds))
		return false;
	b->learnt = b->next;
	batch_account(s, b);
	s->kind_of_lists = kinds[0];
	s->kind_of_data = kinds[1];
	return true;
}

path_inline bool run_next(struct simple *s, struct batch *b)
{
	const struct simple_command *c = b->next;

	/* nor when it is to stop */
	if (trace_is_wanted(TRACE_DMA_TRANSFER) || unlikely(!simple_is_enabled(s)))
		return false;
	if (likely(c->opcode == SIMPLE_READ && c->elements == 1)) {
		if (unlikely(!next_move(s, b, false)))
			return false;
	} else {
		if (c->opcode != SIMPLE_WRITE || c->elements != 1 || c->flags & SIMPLE_FUA ||
			storage_is_read_only(s->storage) || !next_move(s, b, true))
			return false;
	}
	b->next++;
	b->out++;
	return true;
}

unsigned simple_quick(struct simple *s, const struct simple_command *ring, unsigned count)
{
	uint32_t at = s->posted & (s->entries - 1);
	uint64_t address = s->completions_at + at * sizeof(union simple_completion);
	struct batch b = {.next = ring, .accounted = ring, .sequence = s->posted * SEQUENCE_ONE};
	unsigned done;

	if (cpu_is_chosen_for() || count > s->entries - at)
		return 0;
	/* their completions in one page */
	b.frame = dma_bus_frame(&s->master, address);
	b.out = dma_bus_find(&s->master, address, count * sizeof(union simple_completion), &b.kind);
	if (!b.out)
		return 0;
	while (b.next != ring + count && (likely(run_next(s, &b)) || kinds_learn(s, &b)))
		;
	done = (unsigned)(b.next - ring);
	if (!done)
		return 0;
	batch_account(s, &b);
	dma_bus_add(&s->master, done * sizeof(union simple_completion), b.kind, true);
	s->posted += done;
	s->untold += done;
	s->messages_due |= b.messages;
	s->log.commands += done;
	return done;
}
