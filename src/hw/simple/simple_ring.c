/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 5 of 7: the device. Its agent takes commands from the ring in batches, has each carried
 * out, writes the batch's completions and interrupts once: the completion stands in memory before
 * its interrupt. Before: the miniport (4) through simple.c. Beside: simple_quick.c, which has done
 * most of it first. After: src/storport/interrupt.c (6).
 */
#include "hw/simple/simple.h"
#include <string.h>

/* Completions of fast commands wait for their batch, but not behind this much data. */
#define POST_BYTES (256u << 10)

void simple_line_update(struct simple *s)
{
	bool level;

	/* Who sets the line looks again afterwards, so the last to set it has seen the last change.
	 */
	do {
		level = s->interrupt & ~s->mask;
		bus_line_set(s->function, level);
	} while (level != !!(s->interrupt & ~s->mask));
}

static void interrupt_send(struct simple *s, uint32_t cause, uint64_t messages)
{
	if (!bus_messages_are_enabled(s->function)) {
		s->log.interrupts++;
		atomic_fetch_or(&s->interrupt, cause);
		simple_line_update(s);
		return;
	}
	for (; messages; messages &= messages - 1) {
		s->log.interrupts++;
		bus_message_send(s->function, (unsigned)__builtin_ctzll(messages));
	}
}

/* The controller stops by itself; STATUS says why until it is disabled. */
static void fail(struct simple *s, enum simple_error error)
{
	if (!s->master.enabled)
		error = SIMPLE_ERROR_MASTER;
	s->waiting = s->untold = 0;
	s->messages_due = 0;
	s->rings.note = (struct dma_bus_note){0};
	simple_ones_count(s);
	bus_doorbells_open(s->function, false);
	s->status = (uint32_t)error << SIMPLE_STATUS_ERROR_SHIFT;
	interrupt_send(s, SIMPLE_CAUSE_ERROR, 1);
}

static void start(struct simple *s)
{
	uint64_t ring = s->ring_low | (uint64_t)s->ring_high << 32;

	s->commands_at = ring;
	s->completions_at = ring + s->entries * sizeof(struct simple_command);
	s->consumed = s->posted = s->surplus = s->waiting = s->untold = 0;
	s->messages_due = 0;
	s->delay_over = s->delay_runs = false;
	s->doorbell = 0;
	if (ring % SIMPLE_RING_ALIGN) {
		fail(s, SIMPLE_ERROR_RING);
		return;
	}
	s->status = SIMPLE_STATUS_READY;
	bus_doorbells_open(s->function, true);
}

static void stop(struct simple *s)
{
	s->rings.note = (struct dma_bus_note){0};
	simple_ones_count(s);
	bus_doorbells_open(s->function, false);
	if (s->delay_runs)
		cpu_timer_cancel(&s->timer);
	if (unlikely(s->master.tap != NULL))
		fault_complete_forget(&s->master);
	s->log.resets++;
	s->interrupt = 0;
	simple_line_update(s);
	s->status = 0; /* last: from here on the driver may reuse what we touched */
}

/* Writes waiting completions [from, ...) as far as one page and the ring's end allow; how many, 0
 * on error. */
static unsigned post_run(struct simple *s, unsigned from)
{
	uint32_t at = s->posted & (s->entries - 1);
	uint64_t bytes = min_of(s->waiting - from, s->entries - at) * sizeof(*s->completions);
	_Atomic uint64_t(*out)[4];
	unsigned count;
	int err;

	out = dma_bus_span(
		&s->master, s->completions_at + at * sizeof(*s->completions), &bytes, true, &err);
	if (!out)
		return 0;
	count = (unsigned)(bytes / sizeof(*s->completions));
	for (unsigned i = 0; i < count; i++)
		simple_post_one(out[i], &s->completions[from + i], ++s->posted);
	return count;
}

/* False: the controller has failed. */
static __attribute__((noinline)) bool post_waiting(struct simple *s)
{
	for (unsigned from = 0; from < s->waiting;) {
		unsigned count = post_run(s, from);

		if (!count) {
			fail(s, SIMPLE_ERROR_RING);
			return false;
		}
		from += count;
	}
	return true;
}

static void post(struct simple *s)
{
	uint64_t messages = s->messages_due;

	if ((!s->waiting && !s->untold) || (s->waiting && !post_waiting(s)))
		return;
	s->waiting = s->untold = 0;
	s->messages_due = 0;
	s->batch_bytes = 0;
	interrupt_send(s, SIMPLE_CAUSE_COMPLETION, messages);
}

/* Up to SIMPLE_BATCH commands that are to be carried out, as many as lie in one page; how many, 0
 * if there are none or the controller failed. */
static unsigned fetch(struct simple *s, const struct simple_command **ring)
{
	uint32_t doorbell = s->doorbell;
	uint32_t due = doorbell - s->consumed, at = s->consumed & (s->entries - 1);
	uint32_t count = min_of(min_of(due, s->entries - at), SIMPLE_BATCH);
	uint64_t bytes = count * sizeof(**ring);
	int err;

	if (doorbell + s->surplus - s->posted > s->entries) {
		fail(s, SIMPLE_ERROR_DOORBELL);
		return 0;
	}
	if (!count)
		return 0;
	*ring = dma_bus_span(&s->master, s->commands_at + at * sizeof(**ring), &bytes, false, &err);
	if (!*ring) {
		fail(s, SIMPLE_ERROR_RING);
		return 0;
	}
	count = (uint32_t)(bytes / sizeof(**ring));
	s->consumed += count;
	return count;
}

/* What a plan of faults makes of completions joins those that wait. */
static void faulty_add(struct simple *s, const struct fault_completions *faulty)
{
	s->surplus -= faulty->is_lost;
	for (unsigned i = 0; i < faulty->count; i++) {
		union simple_completion *done = &s->completions[s->waiting++];

		memcpy(done, faulty->item[i].entry, sizeof(*done));
		s->surplus += faulty->item[i].role != FAULT_OWN;
		if (faulty->item[i].role == FAULT_STRANGER)
			done->tag ^= 0xffff;
		s->messages_due |= 1;
	}
}

static void faulty_due(struct simple *s)
{
	struct fault_completions faulty;

	fault_complete_due(&s->master, &faulty);
	faulty_add(s, &faulty);
}

/* The last of those that wait is handed over. */
static void faulty_run(struct simple *s)
{
	struct fault_completions faulty;

	fault_complete(&s->master, s->agent, &s->completions[--s->waiting], sizeof(*s->completions),
		&faulty);
	faulty_add(s, &faulty);
}

static void run(struct simple *s, const struct simple_command *command)
{
	union simple_completion *done = &s->completions[s->waiting++];
	unsigned message = command->message < s->messages ? command->message : 0;
	enum simple_status status;

	done->tag = command->tag;
	done->length = 0;
	status = simple_execute(s, command, &done->length);
	done->status = (uint16_t)status;
	s->log.commands++;
	if (unlikely(status != SIMPLE_OK)) {
		simple_sense(status, command, done->sense);
		s->log.errors++;
	}
	s->messages_due |= 1ull << message;
	if (unlikely(s->master.tap != NULL))
		faulty_run(s);
	cpu_agent_poll();
	/* under replay also at other times */
	if (s->batch_bytes >= POST_BYTES || cpu_choose(4) == 1)
		post(s);
}

/* Of the commands from `first` on, any may be next (under threads it is the first). */
static const struct simple_command *next_of(struct simple *s, unsigned first, unsigned count)
{
	unsigned chosen = first + cpu_choose(count - first);

	if (chosen != first) {
		struct simple_command command = s->commands[chosen];

		s->commands[chosen] = s->commands[first];
		s->commands[first] = command;
	}
	return &s->commands[first];
}

/* With the option delay commands are looked at only when the timer has run out. */
static bool must_wait(struct simple *s)
{
	if (!s->delay_ns || s->doorbell == s->consumed)
		return false;
	if (s->delay_over) {
		s->delay_over = s->delay_runs = false;
		return false;
	}
	if (!s->delay_runs)
		cpu_timer_set(&s->timer, s->delay_ns, 0);
	s->delay_runs = true;
	return true;
}

/* Commands of any kind, in any order. */
static __attribute__((noinline)) void run_all(
	struct simple *s, const struct simple_command *ring, unsigned count)
{
	/* They are the driver's to change at any time: each is read once. */
	for (unsigned i = 0; i < count; i++)
		s->commands[i] = ring[i];
	for (unsigned i = 0; i < count && simple_is_running(s); i++)
		run(s, next_of(s, i, count));
}

/* Takes a batch from the ring; false if there is nothing more to do now. */
static bool work(struct simple *s)
{
	const struct simple_command *ring;
	unsigned count = must_wait(s) ? 0 : fetch(s, &ring), done = 0;

	if (unlikely(s->master.tap != NULL))
		faulty_due(s);
	if (count && !s->waiting)
		done = simple_quick(s, ring, count);
	if (unlikely(done < count))
		run_all(s, ring + done, count - done);
	if (simple_is_running(s))
		post(s);
	/* who rings after this look kicks */
	return count && s->doorbell != s->consumed;
}

void simple_step_all(struct simple *s)
{
	for (;;) {
		bool enabled = simple_is_enabled(s);

		if (enabled && !s->status)
			start(s);
		else if (!enabled && s->status)
			stop(s);
		else if (!(s->status & SIMPLE_STATUS_READY) || !work(s))
			return;
	}
}
