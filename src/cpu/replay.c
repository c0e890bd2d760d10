/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Turns on one host thread, decided by a generator (replay.h).
 */
#include "cpu/replay.h"
#include "trace/trace.h"
#include "util/random.h"

#include <string.h>

#define SAFEPOINT_NS   250ull	       /* what the code between two safepoints takes */
#define RELAX_NS_MAX   65536ull	       /* a turn of a loop that waits, when all only wait */
#define PATIENCE_NS    600000000000ull /* of the machine's time in which no thread does anything */
#define PATIENCE_STEPS (1ull << 27)    /* safepoints likewise, of a loop that looks at memory */
#define SWITCH_ONE_IN  8	       /* safepoints at which another's turn may come */
#define PREEMPT_ONE_IN 64

/* At accesses to memory, of which there are many. */
#define MEMORY_NS	     2ull
#define MEMORY_SWITCH_ONE_IN 48

bool replay_is_on;

static struct {
	uint64_t seed, random, now, next_timer, safepoints, switches;
	uint64_t relaxes; /* in a row, without a safepoint of another kind */
	/* when a kernel thread last began or was woken: the time, and the safepoints till then */
	uint64_t last_alive, last_alive_step;
	struct replay_context *contexts, *current;
	struct replay_context host;
	struct fiber host_fiber;
	bool (*host_is_over)(void *arg);
	void *host_arg;
} replay;

uint64_t replay_clock(void)
{
	return replay.now;
}

unsigned replay_choose(unsigned n)
{
	return n > 1 ? (unsigned)random_below(&replay.random, n) : 0;
}

static bool one_in(unsigned n)
{
	return replay_choose(n) == 0;
}

/* ---- who can run ---- */

static bool processor_has_work(const struct cpu_private *p)
{
	return atomic_load_explicit(&p->waiting, memory_order_relaxed) ||
	       atomic_load_explicit(&p->ready_count, memory_order_relaxed) ||
	       atomic_load_explicit(&p->is_stopping, memory_order_relaxed);
}

static bool is_interrupted(const struct cpu_private *p)
{
	uint32_t waiting = atomic_load_explicit(&p->waiting, memory_order_relaxed);

	return waiting >> p->cpu.irql > 1;
}

static bool can_run(const struct replay_context *context)
{
	if (context == &replay.host)
		return !replay.host_is_over || replay.host_is_over(replay.host_arg);
	if (context->is_over)
		return false;
	if (context->agent)
		return agent_has_work(context->agent);
	if (context->is_blocked)
		return processor_has_work(context->processor);
	return context->until <= replay.now || is_interrupted(context->processor);
}

/* Another that can run, any of them; NULL if there is none. */
static struct replay_context *pick_other(void)
{
	struct replay_context *other = NULL;
	unsigned seen = 0;

	for (struct replay_context *c = replay.contexts; c; c = c->next) {
		if (c != replay.current && can_run(c) && one_in(++seen))
			other = c;
	}
	return other;
}

static struct fiber *fiber_of(struct replay_context *context)
{
	struct cpu_private *p = context->processor;

	if (!p)
		return context->fiber;
	return p->cpu.thread ? &p->cpu.thread->fiber : &p->idle;
}

static void give_turn(struct replay_context *to)
{
	struct replay_context *from = replay.current;

	trace(TRACE_CPU_SWITCH, from->number, to->number);
	replay.switches++;
	replay.current = to;
	cpu_become(to->processor ? &to->processor->cpu : NULL);
	fiber_switch(fiber_of(from), fiber_of(to), false);
}

/* ---- time ---- */

void replay_expect(uint64_t due)
{
	replay.next_timer = min_of(replay.next_timer, due);
}

/* Tells processors of timers that have become due. */
static void timers_look(void)
{
	if (likely(replay.now < replay.next_timer))
		return;
	replay.next_timer = HOST_NEVER;
	replay_expect(cpu_clock_look());
}

void replay_alive(void)
{
	if (likely(!replay_is_on))
		return;
	replay.last_alive = replay.now;
	replay.last_alive_step = replay.safepoints;
}

/*
 * A machine whose threads never do anything again is stuck, however many timers tick and time-outs
 * pass, and however often two that look at something in loops give their processor to each other.
 */
static void patience_check(void)
{
	uint64_t ns = replay.now - replay.last_alive;
	uint64_t steps = replay.safepoints - replay.last_alive_step;

	if (unlikely(ns > PATIENCE_NS || steps > PATIENCE_STEPS))
		cpu_die("the machine is stuck: for %llu s of its time and %llu safepoints no "
			"kernel thread has begun or been woken",
			(unsigned long long)ns / 1000000000, (unsigned long long)steps);
}

/* Nobody else can run: on to the next moment at which something happens, at most to `latest`. */
static void time_jump(uint64_t latest)
{
	uint64_t next = min_of(replay.next_timer, latest);

	for (struct replay_context *c = replay.contexts; c; c = c->next)
		if (c->until > replay.now)
			next = min_of(next, c->until);
	if (unlikely(next == HOST_NEVER))
		cpu_die("the machine is stuck: nothing can run, and no timer is armed");
	replay.now = max_of(replay.now, next);
	patience_check();
	timers_look();
}

/* ---- safepoints ---- */

static void turn_maybe(void)
{
	struct replay_context *other;

	if (!one_in(SWITCH_ONE_IN))
		return;
	other = pick_other();
	if (other)
		give_turn(other);
}

/* Serves what is pending above the processor's IRQL, as long as the generator says so. */
static void serve_maybe(struct cpu *cpu)
{
	struct cpu_private *p = cpu->priv;

	while (is_interrupted(p) && one_in(2)) {
		uint32_t waiting = atomic_load_explicit(&p->waiting, memory_order_relaxed);

		if (waiting >= 1u << IRQL_DEVICE_MIN)
			cpu_interrupt_serve(p);
		else
			cpu_dpc_serve(p);
	}
	if (cpu->irql == IRQL_PASSIVE && cpu->thread &&
		atomic_load_explicit(&p->ready_count, memory_order_relaxed) &&
		one_in(PREEMPT_ONE_IN))
		cpu_thread_yield();
}

static void moment_passes(void)
{
	replay.safepoints++;
	replay.relaxes = 0;
	replay.now += SAFEPOINT_NS;
	patience_check();
	timers_look();
}

void replay_safepoint(struct cpu *cpu)
{
	moment_passes();
	turn_maybe();
	serve_maybe(cpu);
}

void cpu_memory_poll(void)
{
	struct replay_context *other;

	if (likely(!replay_is_on) || !cpu_self)
		return;
	replay.now += MEMORY_NS;
	if (one_in(MEMORY_SWITCH_ONE_IN)) {
		other = pick_other();
		if (other)
			give_turn(other);
	} else if (is_interrupted(cpu_self->priv) && one_in(MEMORY_SWITCH_ONE_IN)) {
		serve_maybe(cpu_self);
	}
}

void replay_agent_safepoint(void)
{
	if (!replay.current->agent)
		return;
	moment_passes();
	turn_maybe();
}

void replay_relax(uint64_t until)
{
	struct replay_context *current = replay.current, *other;
	struct cpu *cpu = cpu_self;

	replay.safepoints++;
	/* when all wait in loops, time moves faster and faster */
	replay.now += min_of(SAFEPOINT_NS << min_of(replay.relaxes / 16, 16ull), RELAX_NS_MAX);
	replay.relaxes++;
	timers_look();
	patience_check();
	if (cpu)
		serve_maybe(cpu);
	/* not always: two that wait in loops would keep all others from their turns */
	if (cpu && cpu->irql == IRQL_PASSIVE &&
		atomic_load_explicit(&cpu->priv->ready_count, memory_order_relaxed) && one_in(2)) {
		cpu_thread_yield();
		return;
	}
	current->until = until;
	other = pick_other();
	if (other)
		give_turn(other);
	else if (until > replay.now && !(cpu && is_interrupted(cpu->priv)))
		time_jump(until);
	current->until = 0;
}

void replay_block(bool (*is_over)(void *arg), void *arg)
{
	struct replay_context *current = replay.current;

	if (current == &replay.host) {
		replay.host_is_over = is_over;
		replay.host_arg = arg;
	}
	current->is_blocked = true;
	while (!is_over(arg)) {
		struct replay_context *other = pick_other();

		if (other)
			give_turn(other);
		else
			time_jump(HOST_NEVER);
	}
	current->is_blocked = false;
	if (current == &replay.host)
		replay.host_is_over = NULL;
}

/* ---- life ---- */

void replay_add(struct replay_context *context)
{
	struct replay_context **link = &replay.contexts;

	/* the host stays last */
	while (*link && *link != &replay.host) {
		context->number = (*link)->number + 1;
		link = &(*link)->next;
	}
	context->next = *link;
	*link = context;
	replay.host.number = context->number + 1;
}

void replay_remove(struct replay_context *context)
{
	struct replay_context **link = &replay.contexts;

	while (*link && *link != context)
		link = &(*link)->next;
	if (*link)
		*link = context->next;
}

void replay_init(uint64_t seed)
{
	memset(&replay, 0, sizeof(replay));
	replay.seed = replay.random = seed;
	replay.next_timer = HOST_NEVER;
	fiber_init_host(&replay.host_fiber);
	replay.host.fiber = &replay.host_fiber;
	replay.contexts = replay.current = &replay.host;
	replay_is_on = true;
}

void replay_fini(void)
{
	replay_is_on = false;
}

void cpu_host_drive(bool (*is_over)(void *arg), void *arg)
{
	if (replay_is_on && !cpu_self)
		replay_block(is_over, arg);
}

bool cpu_is_replayed(void)
{
	return replay_is_on;
}

uint64_t replay_seed(void)
{
	return replay.seed;
}

void cpu_replay_seed(uint64_t seed)
{
	replay.seed = replay.random = seed;
}

uint64_t cpu_replay_safepoints(void)
{
	return replay.safepoints;
}
