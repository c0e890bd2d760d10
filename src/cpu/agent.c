/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Agents: device models that run beside the processors, or inside the kick (cpu.h). Under replay
 * each is a fiber that takes its turns.
 */
#include "cpu/replay.h"
#include "util/sanitizer.h"

#include <stdio.h>
#include <stdlib.h>

/* IDLE: nothing to do, on its way to sleep. KICKED: to be stepped (again). Inline: BUSY inside a
 * step. */
enum { IDLE, KICKED, SLEEPING, STOPPING, BUSY, BUSY_KICKED };

struct cpu_agent {
	void (*step)(void *ctx);
	void *ctx;
	_Atomic uint32_t state; /* futex */
	_Atomic bool is_stopping;
	_Atomic(struct cpu *) holder;
	struct cpu_agent *held_next; /* the holder's */
	bool is_inline, has_thread, has_fiber;
	bool is_stepping; /* under replay */
	struct fiber fiber;
	struct replay_context context;
	pthread_t thread;
	struct host_spin spin;
	struct cpu_agent *next;
	char name[16];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct cpu_agent *agents; /* those with a host thread or a fiber */
static bool makes_inline;

/*
 * A device reads and writes memory that a driver polls meanwhile, as a bus master does on a PC:
 * that is no race. What its atomics order (doorbells, interrupts) stays ordered.
 */
static __attribute__((cold, noinline)) void agent_step_watched(struct cpu_agent *agent)
{
	sanitizer.ignore_begin(__FILE__, __LINE__);
	agent->step(agent->ctx);
	if (sanitizer.ignore_end)
		sanitizer.ignore_end(__FILE__, __LINE__);
}

static inline void agent_step(struct cpu_agent *agent)
{
	if (unlikely(sanitizer.ignore_begin != NULL))
		agent_step_watched(agent);
	else
		agent->step(agent->ctx);
}

static bool agent_is_wanted(void *arg)
{
	struct cpu_agent *agent = arg;

	return atomic_load_explicit(&agent->state, memory_order_relaxed) != IDLE;
}

static void agent_wait(struct cpu_agent *agent)
{
	uint32_t idle = IDLE;

	if (host_spin(&agent->spin, agent_is_wanted, agent))
		return;
	if (!atomic_compare_exchange_strong(&agent->state, &idle, SLEEPING))
		return;
	host_awake_add(-1);
	while (atomic_load(&agent->state) == SLEEPING)
		host_futex_wait(&agent->state, SLEEPING, HOST_NEVER);
	host_awake_add(1);
}

static void *agent_main(void *arg)
{
	struct cpu_agent *agent = arg;
	struct fault_stack stack;

	cpu_fault_enter(&stack);
	host_awake_add(1);
	while (!atomic_load(&agent->is_stopping)) {
		uint32_t state = atomic_exchange(&agent->state, IDLE);

		if (state == KICKED)
			agent_step(agent);
		else if (state != STOPPING) /* which came after the look at is_stopping */
			agent_wait(agent);
	}
	host_awake_add(-1);
	cpu_fault_leave(&stack);
	return NULL;
}

/* ---- under replay ---- */

bool agent_has_work(const struct cpu_agent *agent)
{
	return agent->is_stepping || atomic_load(&agent->state) == KICKED;
}

static bool agent_is_kicked(void *arg)
{
	return agent_has_work(arg);
}

static bool agent_is_quiet(void *arg)
{
	return !((struct cpu_agent *)arg)->is_stepping;
}

static void agent_turns(void *arg)
{
	struct cpu_agent *agent = arg;

	for (;;) {
		replay_block(agent_is_kicked, agent);
		atomic_store(&agent->state, IDLE);
		agent->is_stepping = true;
		agent_step(agent);
		agent->is_stepping = false;
	}
}

static int agent_fiber_init(struct cpu_agent *agent)
{
	int err = fiber_init(&agent->fiber, agent_turns, agent);

	if (err)
		return err;
	agent->context.agent = agent;
	agent->context.fiber = &agent->fiber;
	replay_add(&agent->context);
	agent->has_fiber = true;
	return 0;
}

/* ---- inline ---- */

static __attribute__((noinline)) bool claim_busy(struct cpu_agent *agent)
{
	uint32_t state = BUSY;

	while (!atomic_compare_exchange_weak(
		&agent->state, &state, state == IDLE ? BUSY : BUSY_KICKED))
		;
	return state == IDLE;
}

/* False: whoever is in the step already does another for this kick. Even a kick that changes
 * nothing writes the state, so that the step sees what came before the kick. */
static inline bool claim(struct cpu_agent *agent)
{
	uint32_t idle = IDLE;

	return atomic_compare_exchange_strong(&agent->state, &idle, BUSY) || claim_busy(agent);
}

static inline bool step_ends(struct cpu_agent *agent)
{
	uint32_t busy = BUSY;

	return atomic_compare_exchange_strong(&agent->state, &busy, IDLE);
}

static __attribute__((noinline)) void step_again(struct cpu_agent *agent)
{
	do {
		/* with what came before the kick */
		atomic_exchange(&agent->state, BUSY);
		agent_step(agent);
	} while (!step_ends(agent));
}

static inline void step_inline(struct cpu_agent *agent)
{
	agent_step(agent);
	if (unlikely(!step_ends(agent)))
		step_again(agent);
}

/* Whether this processor steps it after the DPC that it is in. */
static bool hold(struct cpu_agent *agent)
{
	struct cpu *cpu = cpu_self, *holder = NULL;

	if (!cpu || !cpu->is_in_dpc || cpu->irql != IRQL_DISPATCH)
		return false;
	if (atomic_load_explicit(&agent->holder, memory_order_relaxed) == cpu)
		return true;
	if (replay_is_on || !atomic_compare_exchange_strong(&agent->holder, &holder, cpu))
		return false;
	agent->held_next = cpu->held;
	cpu->held = agent;
	return true;
}

/* The first of those that it holds. */
static inline void release_one(struct cpu *cpu)
{
	struct cpu_agent *agent = cpu->held;

	cpu->held = agent->held_next;
	if (!claim(agent)) {
		atomic_store_explicit(&agent->holder, NULL, memory_order_release);
		return; /* it may be gone */
	}
	/* while it steps it may be held again */
	atomic_store_explicit(&agent->holder, NULL, memory_order_release);
	step_inline(agent);
}

__attribute__((noinline)) void cpu_agent_release(struct cpu *cpu)
{
	while (cpu->held)
		release_one(cpu);
}

struct cpu_dpc *cpu_agent_answer(struct cpu_private *p)
{
	struct cpu_interrupt *interrupt;
	struct cpu_dpc *dpc;

	p->raised = HAND_OPEN;
	release_one(&p->cpu);
	if (unlikely(p->cpu.held != NULL))
		cpu_agent_release(&p->cpu);
	interrupt = p->raised;
	if (!hand_is_full(interrupt) || unlikely(pending_irql(p) > IRQL_DISPATCH)) {
		cpu_interrupt_unhand(p);
		return NULL;
	}
	p->raised = NULL;
	p->given = HAND_OPEN;
	cpu_interrupt_run(p, interrupt, IRQL_DISPATCH);
	dpc = p->given;
	if (!hand_is_full(dpc) || unlikely(pending_irql(p) >= IRQL_DISPATCH)) {
		cpu_dpc_unhand(p);
		return NULL;
	}
	p->given = NULL;
	return dpc;
}

/* ---- life ---- */

static border_call __attribute__((noinline)) void kick_now(struct cpu_agent *agent)
{
	if (agent->is_inline) {
		if (claim(agent))
			step_inline(agent);
		return;
	}
	if (atomic_exchange(&agent->state, KICKED) == SLEEPING)
		host_futex_wake(&agent->state, 1);
}

border_call void cpu_agent_kick(struct cpu_agent *agent)
{
	if (!agent->is_inline || !hold(agent))
		kick_now(agent);
}

struct cpu_agent *cpu_agent_new_inline(void (*step)(void *ctx), void *ctx)
{
	struct cpu_agent *agent = calloc(1, sizeof(*agent));

	if (!agent)
		return NULL;
	agent->step = step;
	agent->ctx = ctx;
	agent->is_inline = true;
	return agent;
}

struct cpu_agent *cpu_agent_new(void (*step)(void *ctx), void *ctx, const char *name)
{
	struct cpu_agent *agent = cpu_agent_new_inline(step, ctx);

	if (!agent || makes_inline)
		return agent;
	agent->is_inline = false;
	snprintf(agent->name, sizeof(agent->name), "%s", name);
	if (replay_is_on ? agent_fiber_init(agent)
			 : host_thread_start(&agent->thread, agent_main, agent, agent->name)) {
		free(agent);
		return NULL;
	}
	agent->has_thread = !agent->has_fiber;
	pthread_mutex_lock(&lock);
	agent->next = agents;
	agents = agent;
	pthread_mutex_unlock(&lock);
	return agent;
}

static void agent_unlink(struct cpu_agent *agent)
{
	struct cpu_agent **link = &agents;

	pthread_mutex_lock(&lock);
	while (*link && *link != agent)
		link = &(*link)->next;
	if (*link)
		*link = agent->next;
	pthread_mutex_unlock(&lock);
}

static void agent_stop(struct cpu_agent *agent)
{
	if (!agent->has_thread && !agent->has_fiber)
		return;
	agent_unlink(agent);
	if (agent->has_fiber) {
		cpu_host_drive(agent_is_quiet, agent);
		replay_remove(&agent->context);
		fiber_fini(&agent->fiber);
		agent->has_fiber = false;
		return;
	}
	atomic_store(&agent->is_stopping, true);
	if (atomic_exchange(&agent->state, STOPPING) == SLEEPING)
		host_futex_wake(&agent->state, 1);
	pthread_join(agent->thread, NULL);
	agent->has_thread = false;
}

void cpu_agent_free(struct cpu_agent *agent)
{
	if (!agent)
		return;
	agent_stop(agent);
	/* what was held is BUSY before it is not */
	while (atomic_load(&agent->holder) || atomic_load(&agent->state) >= BUSY)
		cpu_relax();
	free(agent);
}

void cpu_agent_init(bool is_inline)
{
	makes_inline = is_inline;
}

void cpu_agent_fini(void)
{
	/* their owners free them, perhaps after the machine */
	while (agents)
		agent_stop(agents);
}
