/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Where the agent's step begins, and the short way of a batch: DIRECT reads and writes whose data
 * lies in one page that the device reaches are carried out as they stand in the ring, and their
 * completions are written at once. It ends before the first command that is anything else, and as
 * soon as somebody wants to see more of it: the rest goes the long way (simple_ring.c,
 * simple_command.c), which starts such a command anew, since nothing was done to it here and
 * nothing counted. Under replay nothing goes this way.
 *
 * What others may change meanwhile is looked at before the batch and whenever the storage may have
 * taken its time (go_on); where it does not, all of a batch is over in the time of some copies, and
 * who sets a register or listens from now on comes after it: to be disabled is over for a driver
 * when STATUS says so, and that is the agent's to say, when it is back from here. Whether a command
 * may touch its data, bus mastering included, is looked at for each.
 */
#include "hw/simple/simple.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of a command are read whole");

#define SEQUENCE_ONE (1ull << 32) /* in a completion's last word */

/* The batch. */
struct batch {
	const struct simple_command *next, *end;
	const struct simple_command *learnt; /* the last one that kind_learn looked at */
	union simple_completion *out;	     /* where the next one's completion goes: */
	const struct mem_frame *frame;	     /* in this page */
	enum mem_kind kind;
	uint64_t sequence;		    /* of the next one, as it stands in its last word */
	uint64_t bytes_read, bytes_written; /* that are not accounted for yet */
};

/* The storage has failed it. */
static __attribute__((cold, noinline)) void fail_one(struct simple *s,
	const struct simple_command *c, union simple_completion *out, uint32_t sequence, int err)
{
	struct simple_command command = {.opcode = c->opcode};
	union simple_completion done = {.length = 0};
	enum simple_status status = simple_status_of(err);

	done.tag = c->tag;
	done.status = (uint16_t)status;
	simple_sense(status, &command, done.sense);
	s->log.errors++;
	simple_post_one((_Atomic uint64_t *)out->words, &done, sequence);
}

/* What has been moved of one kind of memory is counted together. */
static inline void batch_account(struct simple *s, struct batch *b)
{
	s->batch_bytes += b->bytes_read + b->bytes_written;
	if (b->bytes_read) {
		dma_bus_add(&s->master, b->bytes_read, s->kind_of_data, true);
		s->log.bytes_read += b->bytes_read;
	}
	if (b->bytes_written) {
		dma_bus_add(&s->master, b->bytes_written, s->kind_of_data, false);
		s->log.bytes_written += b->bytes_written;
	}
	b->bytes_read = b->bytes_written = 0;
}

/* Whether the batch may go on, a completion first, when others had time to change something. */
static inline bool may_go_on(const struct simple *s)
{
	return !trace_is_wanted(TRACE_DMA_TRANSFER) && simple_is_enabled(s);
}

static inline bool go_on(const struct simple *s, const struct batch *b)
{
	return may_go_on(s) && dma_bus_still(&s->master, b->frame, b->kind);
}

static inline void next_message(struct simple *s, const struct batch *b)
{
	unsigned message = __atomic_load_n(&b->next->message, __ATOMIC_RELAXED);

	if (unlikely(message >= s->messages))
		message = 0;
	s->messages_due |= 1ull << message;
}

/* What a command reads or writes. */
struct move {
	void *data;
	uint64_t offset, length; /* on the disk; in bytes */
};

/* False: its data does not lie in one page of the kind of memory that the last one's was of, or it
 * may not be on the disk. */
path_inline bool move_find(
	const struct simple *s, const struct simple_command *c, struct move *move)
{
	/* What counts is read once: it is the driver's to change at any time. */
	uint64_t address = __atomic_load_n(&c->list, __ATOMIC_RELAXED);
	uint64_t block = __atomic_load_n(&c->block, __ATOMIC_RELAXED);
	uint64_t length = __atomic_load_n(&c->length, __ATOMIC_RELAXED);

	/* as much as a page's blocks from there on are on the disk */
	if (unlikely(length - 1 >= MEM_PAGE_SIZE || length & s->block_mask ||
		     block >= s->page_blocks))
		return false;
	move->data = dma_bus_find_known(&s->master, address, length, s->kind_of_data);
	move->offset = block << s->block_shift;
	move->length = length;
	return likely(move->data != NULL);
}

path_inline int move_do(const struct simple *s, const struct move *move, const bool is_write)
{
	return is_write ? storage_write_one(s->storage, move->offset, move->data, move->length)
			: storage_read_one(s->storage, move->offset, move->data, move->length);
}

/* Bytes 16 to 23 of a completion, and 24 to 31 at once: from then on the command's place is the
 * driver's. */
path_inline void post(union simple_completion *out, uint64_t bytes, uint64_t last)
{
	__atomic_store_n(&out->words[2], bytes << 32, __ATOMIC_RELAXED);
	__atomic_store_n(&out->words[3], last, __ATOMIC_RELEASE);
}

/* Carries out the next command, if that is so. False: nothing was done. */
path_inline bool next_move(struct simple *s, struct batch *b, const bool is_write)
{
	struct move move;
	uint64_t tag;
	int err;

	if (unlikely(!move_find(s, b->next, &move)))
		return false;
	err = move_do(s, &move, is_write);
	if (unlikely(err)) {
		if (!go_on(s, b))
			return false;
		if (err != STORAGE_WAITED) {
			next_message(s, b);
			dma_bus_add(&s->master, move.length, s->kind_of_data, !is_write);
			fail_one(s, b->next, b->out, (uint32_t)(b->sequence >> 32), err);
			return true;
		}
	}
	*(is_write ? &b->bytes_written : &b->bytes_read) += move.length;
	next_message(s, b);
	tag = __atomic_load_n(&b->next->tag, __ATOMIC_RELAXED);
	post(b->out, move.length, tag | b->sequence);
	return true;
}

/* Whether a command's data is of another kind of memory than was known. */
static __attribute__((noinline)) bool kind_differs(
	const struct simple *s, const struct simple_command *c, enum mem_kind *kind)
{
	uint64_t address = __atomic_load_n(&c->list, __ATOMIC_RELAXED);

	return dma_bus_find(&s->master, address, 1, kind) && *kind != s->kind_of_data;
}

/* Whether that may be why the next one has not been carried out, and it is known now. Once for each
 * command: who changes it meanwhile cannot keep us here. */
static inline bool kind_learn(struct simple *s, struct batch *b)
{
	enum mem_kind kind;

	if (b->learnt == b->next || !kind_differs(s, b->next, &kind))
		return false;
	b->learnt = b->next;
	batch_account(s, b);
	simple_ones_count(s);
	s->kind_of_data = kind;
	return true;
}

path_inline bool run_next(struct simple *s, struct batch *b)
{
	uint16_t operation = __atomic_load_n(&b->next->operation, __ATOMIC_RELAXED);

	if (likely(operation == SIMPLE_OPERATION(SIMPLE_READ, SIMPLE_DIRECT))) {
		if (unlikely(!next_move(s, b, false)))
			return false;
	} else {
		if (operation != SIMPLE_OPERATION(SIMPLE_WRITE, SIMPLE_DIRECT) ||
			storage_is_read_only(s->storage) || !next_move(s, b, true))
			return false;
	}
	b->next++;
	b->out++;
	b->sequence += SEQUENCE_ONE;
	return true;
}

unsigned simple_quick(struct simple *s, const struct simple_command *ring, unsigned count)
{
	uint32_t posted = s->posted, at = posted & (s->entries - 1), left = s->entries - at;
	uint64_t address = s->completions_at + at * sizeof(union simple_completion);
	struct batch b = {.next = ring,
		.end = ring + count,
		.frame = dma_bus_frame(&s->master, address),
		.sequence = (posted + 1) * SEQUENCE_ONE};
	unsigned done;

	if (trace_is_wanted(TRACE_DMA_TRANSFER) || cpu_is_chosen_for() || count > left)
		return 0;
	/* their completions in one page */
	b.kind = b.frame->kind;
	b.out = dma_bus_within(b.frame, address, count * sizeof(union simple_completion));
	if (!b.out || !dma_bus_is_plain(b.kind))
		return 0;
	do {
		if (unlikely(!run_next(s, &b)) && !kind_learn(s, &b))
			break;
	} while (b.next != b.end);
	done = (unsigned)(b.next - ring);
	batch_account(s, &b);
	dma_bus_add(&s->master, done * sizeof(union simple_completion), b.kind, true);
	s->posted = posted + done;
	s->untold += done;
	s->log.commands += done;
	return done;
}

/* So many completions stand in memory: that is told by this message. False: simple_step_all sees to
 * it, and counts it. */
path_inline bool tell(struct simple *s, unsigned message, unsigned count)
{
	if (likely(bus_message_send_now(s->function, message)))
		return true;
	s->untold = count;
	s->messages_due = 1ull << message;
	return false;
}

/* Of what is not among the ones. */
path_inline bool tell_counted(struct simple *s, unsigned message, unsigned count)
{
	s->log.interrupts++;
	if (likely(tell(s, message, count)))
		return true;
	s->log.interrupts--;
	return false;
}

void simple_ones_count(struct simple *s)
{
	struct simple_ones ones = s->ones;

	if (!ones.count)
		return;
	s->ones = (struct simple_ones){0};
	cpu_own_add(s->rings.read, ones.count * sizeof(*s->rings.commands));
	cpu_own_add(s->rings.written, ones.count * sizeof(*s->rings.completions));
	dma_bus_add(&s->master, ones.bytes_read, s->kind_of_data, true);
	dma_bus_add(&s->master, ones.bytes_written, s->kind_of_data, false);
	s->log.commands += ones.count;
	s->log.interrupts += ones.count;
	s->log.bytes_read += ones.bytes_read;
	s->log.bytes_written += ones.bytes_written;
}

/* The ring that begins there, if it lies in one piece of plain memory of one kind; else NULL. */
static void *ring_find(const struct simple *s, uint64_t address, uint64_t bytes, uint64_t **counts)
{
	enum mem_kind kind, first;
	char *ring = dma_bus_find(&s->master, address, 1, &first);

	for (uint64_t at = MEM_PAGE_SIZE - (address & MEM_PAGE_MASK); ring && at < bytes;
		at += MEM_PAGE_SIZE)
		if (dma_bus_find(&s->master, address + at, 1, &kind) != ring + at || kind != first)
			return NULL;
	*counts += first;
	return ring;
}

/* Of a controller of which nothing else is to be said but what a command of its own says. */
static __attribute__((noinline)) bool rings_learn(struct simple *s)
{
	struct simple_rings rings = {.note = dma_bus_note_take(),
		.read = s->master.bytes_read,
		.written = s->master.bytes_written};

	rings.commands =
		ring_find(s, s->commands_at, s->entries * sizeof(*rings.commands), &rings.read);
	rings.completions = ring_find(
		s, s->completions_at, s->entries * sizeof(*rings.completions), &rings.written);
	if (!rings.commands || !rings.completions || !simple_is_running(s) || s->delay_ns ||
		cpu_is_chosen_for())
		return false;
	simple_ones_count(s);
	s->rings = rings;
	return true;
}

static inline bool rings_are_known(const struct simple *s)
{
	return dma_bus_note_is_true(&s->rings.note);
}

/* Whether this command and the place of its completion, which were found before others had time to
 * change something, are still where they were. */
static __attribute__((noinline)) bool one_goes_on(
	struct simple *s, const struct simple_command *c, const union simple_completion *out)
{
	uint32_t at = s->posted & (s->entries - 1);

	return may_go_on(s) && (rings_are_known(s) || rings_learn(s)) &&
	       c == s->rings.commands + at && out == s->rings.completions + at;
}

static unsigned message_of(const struct simple *s, unsigned message)
{
	return likely(message < s->messages) ? message : 0;
}

/* It has gone well, and is told by a message that is not the first. */
static __attribute__((noinline)) void one_tell(struct simple *s, unsigned message)
{
	if (unlikely(!tell(s, message_of(s, message), 1))) {
		s->log.interrupts--;
		simple_step_all(s);
	}
}

/* The storage has taken its time, or has failed. What has been moved counts, though it may be moved
 * once more, because somebody has come in between. */
static __attribute__((noinline)) bool one_end(struct simple *s, const struct simple_command *c,
	uint32_t number, union simple_completion *out, uint64_t bytes, bool is_write, int err)
{
	unsigned message;
	uint64_t last;

	cpu_own_add(s->rings.read, sizeof(*c));
	dma_bus_add(&s->master, bytes, s->kind_of_data, !is_write);
	if (!one_goes_on(s, c, out))
		return false;
	message = __atomic_load_n(&c->message, __ATOMIC_RELAXED);
	last = __atomic_load_n(&c->tag, __ATOMIC_RELAXED) | number * SEQUENCE_ONE;
	s->consumed = s->posted = number;
	s->log.commands++;
	cpu_own_add(s->rings.written, sizeof(*out));
	if (likely(err == STORAGE_WAITED)) {
		*(is_write ? &s->log.bytes_written : &s->log.bytes_read) += bytes;
		post(out, bytes, last);
	} else {
		fail_one(s, c, out, number, err);
	}
	return tell_counted(s, message_of(s, message), 1);
}

/* The first message is a way of its own, which needs no word of the command's. */
path_inline bool one_move(struct simple *s, const struct simple_command *c, uint32_t number,
	union simple_completion *out, const bool is_write, const bool moves)
{
	unsigned message;
	struct move move;
	uint64_t tag;
	int err;

	if (unlikely(!move_find(s, c, &move)))
		return false;
	err = moves ? move_do(s, &move, is_write) : 0;
	if (unlikely(err))
		return one_end(s, c, number, out, move.length, is_write, err);
	message = __atomic_load_n(&c->message, __ATOMIC_RELAXED);
	tag = __atomic_load_n(&c->tag, __ATOMIC_RELAXED);
	s->consumed = s->posted = number;
	s->ones.count++;
	*(is_write ? &s->ones.bytes_written : &s->ones.bytes_read) += move.length;
	post(out, move.length, tag | number * SEQUENCE_ONE);
	if (likely(!message)) {
		if (likely(tell(s, 0, 1)))
			return true;
		s->log.interrupts--;
		return false;
	}
	one_tell(s, message);
	return true;
}

/*
 * A batch of one command alone, as most are where each waits for the one before: what simple_quick
 * would do, without all that is only there for others beside it. False, here and below: there is
 * something left to do, which simple_step_all does.
 */
path_inline bool work_one(struct simple *s, uint32_t consumed, const bool moves)
{
	uint32_t at = consumed & (s->entries - 1);
	const struct simple_command *c = s->rings.commands + at;
	union simple_completion *out = s->rings.completions + at;
	uint16_t operation = __atomic_load_n(&c->operation, __ATOMIC_RELAXED);

	if (unlikely(trace_is_wanted(TRACE_DMA_TRANSFER)))
		return false;
	if (likely(operation == SIMPLE_OPERATION(SIMPLE_READ, SIMPLE_DIRECT)))
		return one_move(s, c, consumed + 1, out, false, moves);
	if (operation == SIMPLE_OPERATION(SIMPLE_WRITE, SIMPLE_DIRECT) && !s->storage->read_only)
		return one_move(s, c, consumed + 1, out, true, moves);
	return false;
}

/*
 * A batch of which nothing has to be said but what simple_quick says, fetched in one stretch and
 * told by one message: as work() would do it. Between two steps of a controller that is READY
 * nothing waits and nothing is untold, so that all that were fetched are posted, but for what
 * faults have made. Where it has a tap, dma_bus_find finds nothing; where events are wanted, or the
 * ring ends in its midst, simple_quick does nothing.
 */
static inline bool work_batch(struct simple *s)
{
	uint32_t consumed = s->consumed, at = consumed & (s->entries - 1);
	uint32_t due = s->doorbell - consumed, done;
	struct simple_command *ring;
	enum mem_kind kind;
	uint64_t messages;

	if (unlikely(!simple_is_running(s) || !due || due > SIMPLE_BATCH || s->delay_ns))
		return false;
	ring = dma_bus_find(
		&s->master, s->commands_at + at * sizeof(*ring), due * sizeof(*ring), &kind);
	if (unlikely(!ring))
		return false;
	done = simple_quick(s, ring, due);
	/* the others are fetched again */
	dma_bus_add(&s->master, done * sizeof(*ring), kind, false);
	s->consumed = consumed + done;
	messages = s->messages_due;
	if (unlikely(done < due || messages & (messages - 1)))
		return false;
	s->untold = 0;
	s->messages_due = 0;
	s->batch_bytes = 0;
	/* who has rung meanwhile kicks */
	return tell_counted(s, (unsigned)__builtin_ctzll(messages), due);
}

/* ---- the step: what is not as most are goes on elsewhere, and this has nothing to keep ---- */

static __attribute__((noinline)) void step_batch(struct simple *s)
{
	if (unlikely(!work_batch(s)))
		simple_step_all(s);
}

static __attribute__((noinline)) void step_moving(struct simple *s)
{
	if (unlikely(!work_one(s, s->consumed, true)))
		simple_step_all(s);
}

static __attribute__((noinline)) void step_learning(struct simple *s)
{
	if (likely(rings_learn(s)))
		step_moving(s);
	else
		simple_step_all(s);
}

void simple_step(void *ctx)
{
	struct simple *s = ctx;
	uint32_t consumed = s->consumed;

	if (unlikely(!simple_is_enabled(s) || consumed != s->posted))
		simple_step_all(s);
	else if (unlikely(s->doorbell - consumed != 1))
		step_batch(s);
	else if (unlikely(!rings_are_known(s)))
		step_learning(s);
	else if (!storage_moves_nothing(s->storage))
		step_moving(s);
	else if (unlikely(!work_one(s, consumed, false)))
		simple_step_all(s);
}
