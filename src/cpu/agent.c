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
 * step that is not the quick processor's; HANDED: kicked, by who may not know yet whose step
 * follows.
 */
enum { IDLE, KICKED, SLEEPING, STOPPING, BUSY, BUSY_KICKED, HANDED };

/* What a quick processor (cpu_is_near_quick) is at with an inline agent: inside a step, and kicked
 * meanwhile by itself; about to look whether others want another. */
enum { NEAR_AWAY, NEAR_IN, NEAR_AGAIN, NEAR_LEAVING };

struct cpu_agent {
	void (*step)(void *ctx);
	void *ctx;
	_Atomic uint32_t state; /* futex */
	_Atomic uint8_t near;
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

/*
 * A step belongs to who made the state BUSY. On a machine whose processor is quick it may also
 * belong to that processor, which then only says so in `near`: no host thread begins a step without
 * a look there, nor the processor without one at the state.
 */
static __attribute__((noinline)) bool claim_busy(struct cpu_agent *agent)
{
	uint32_t state = BUSY;

	while (!atomic_compare_exchange_weak(
		&agent->state, &state, state == IDLE || state == HANDED ? BUSY : BUSY_KICKED))
		;
	return state == IDLE || state == HANDED;
}

/* False: whoever is in the step already does another for this kick. Even a kick that changes
 * nothing writes the state, so that the step sees what came before the kick. */
static inline bool claim_state(struct cpu_agent *agent)
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

static inline void step_claimed(struct cpu_agent *agent)
{
	agent_step(agent);
	if (unlikely(!step_ends(agent)))
		step_again(agent);
}

/* Whoever finds it so first. */
static bool claim_handed(struct cpu_agent *agent)
{
	uint32_t handed = HANDED;

	return atomic_compare_exchange_strong(&agent->state, &handed, BUSY);
}

/* Of a host thread where the processor is quick: a step of the processor's that is not over yet
 * looks at the state when it is. False: another does the step. */
static bool far_claims(struct cpu_agent *agent)
{
	uint32_t state = atomic_load(&agent->state), next;
	uint8_t near;

	do
		next = state == IDLE || state == HANDED ? HANDED : BUSY_KICKED;
	while (!atomic_compare_exchange_weak(&agent->state, &state, next));
	if (next != HANDED)
		return false;
	cpu_far_barrier();
	near = atomic_load_explicit(&agent->near, memory_order_acquire);
	return near != NEAR_IN && near != NEAR_AGAIN && claim_handed(agent);
}

/* One host thread at a time: what it claims as HANDED is what it has made so, before it looked
 * whether the processor is in a step, and not another's, who has seen that it is. */
static __attribute__((noinline)) void kick_far(struct cpu_agent *agent)
{
	static struct host_lock lock;
	bool is_claimed;

	host_lock_acquire(&lock);
	is_claimed = far_claims(agent);
	host_lock_release(&lock);
	if (is_claimed)
		step_claimed(agent);
}

/* On the quick processor. False: the step that it is in is followed by another, or somebody else is
 * in one, or has just kicked it. */
static inline bool near_begins(struct cpu_agent *agent)
{
	if (unlikely(atomic_load_explicit(&agent->near, memory_order_relaxed) != NEAR_AWAY)) {
		atomic_store_explicit(&agent->near, NEAR_AGAIN, memory_order_relaxed);
		return false;
	}
	atomic_store_explicit(&agent->near, NEAR_IN, memory_order_relaxed);
	cpu_near_fence();
	return likely(atomic_load_explicit(&agent->state, memory_order_acquire) == IDLE);
}

/* Then: whether it is not in its step, and may begin one as everybody else, by the state. Who has
 * seen NEAR_IN and left is seen there. */
static __attribute__((noinline)) bool near_claims(struct cpu_agent *agent)
{
	if (atomic_load_explicit(&agent->near, memory_order_relaxed) != NEAR_IN)
		return false;
	atomic_store_explicit(&agent->near, NEAR_AWAY, memory_order_release);
	cpu_near_fence();
	return claim_state(agent);
}

static __attribute__((noinline)) void near_again(struct cpu_agent *agent)
{
	do {
		atomic_store_explicit(&agent->near, NEAR_IN, memory_order_relaxed);
		agent_step(agent);
	} while (atomic_load_explicit(&agent->near, memory_order_relaxed) == NEAR_AGAIN);
}

static __attribute__((noinline)) void near_handed(struct cpu_agent *agent)
{
	bool is_claimed = claim_handed(agent);

	/* from here on it may be gone, unless its state says that it is wanted */
	atomic_store_explicit(&agent->near, NEAR_AWAY, memory_order_release);
	if (is_claimed)
		step_claimed(agent);
}

static inline void step_near(struct cpu_agent *agent)
{
	agent_step(agent);
	if (unlikely(atomic_load_explicit(&agent->near, memory_order_relaxed) == NEAR_AGAIN))
		near_again(agent);
	atomic_store_explicit(&agent->near, NEAR_LEAVING, memory_order_release);
	cpu_near_fence();
	if (unlikely(atomic_load_explicit(&agent->state, memory_order_relaxed) != IDLE))
		near_handed(agent);
	else
		atomic_store_explicit(&agent->near, NEAR_AWAY, memory_order_release);
}

/* Whether this processor steps it after the DPC that it is in. */
static bool hold(struct cpu_agent *agent)
{
	struct cpu *cpu = cpu_self, *holder = NULL;

	if (!cpu || !cpu->is_in_dpc || cpu->irql != IRQL_DISPATCH)
		return false;
	if (atomic_load_explicit(&agent->holder, memory_order_relaxed) == cpu)
		return true;
	if (likely(cpu_is_near_quick)) /* there is no other */
		atomic_store_explicit(&agent->holder, cpu, memory_order_relaxed);
	else if (replay_is_on || !atomic_compare_exchange_strong(&agent->holder, &holder, cpu))
		return false;
	agent->held_next = cpu->held;
	cpu->held = agent;
	return true;
}

/* Takes it off, if the holder may step it or somebody else does; the rest is as of one that was
 * never held. */
static __attribute__((noinline)) void release_claimed(struct cpu_agent *agent, bool is_claimed)
{
	atomic_store_explicit(&agent->holder, NULL, memory_order_release);
	/* while it steps it may be held again; if it does not it may be gone */
	if (is_claimed)
		step_claimed(agent);
}

/* The first of those that it holds. */
static void release_one(struct cpu *cpu)
{
	struct cpu_agent *agent = cpu->held;

	cpu->held = agent->held_next;
	release_claimed(agent, claim_state(agent));
}

/* The same of the quick processor. */
static inline void release_one_near(struct cpu *cpu)
{
	struct cpu_agent *agent = cpu->held;

	cpu->held = agent->held_next;
	if (unlikely(!near_begins(agent))) {
		release_claimed(agent, near_claims(agent));
		return;
	}
	atomic_store_explicit(&agent->holder, NULL, memory_order_release);
	step_near(agent);
}

__attribute__((noinline)) void cpu_agent_release(struct cpu *cpu)
{
	while (cpu->held)
		if (cpu_is_near_quick)
			release_one_near(cpu);
		else
			release_one(cpu);
}

struct cpu_dpc *cpu_agent_answer(struct cpu_private *p)
{
	struct cpu_interrupt *interrupt;
	struct cpu_dpc *dpc;

	p->cpu.raised = CPU_HAND_OPEN;
	release_one_near(&p->cpu);
	if (unlikely(p->cpu.held != NULL))
		cpu_agent_release(&p->cpu);
	interrupt = p->cpu.raised;
	if (!hand_is_full(interrupt) || unlikely(pending_irql(p) > IRQL_DISPATCH)) {
		cpu_interrupt_unhand(p);
		return NULL;
	}
	p->cpu.raised = NULL;
	p->cpu.given = CPU_HAND_OPEN;
	cpu_interrupt_run(p, interrupt, IRQL_DISPATCH);
	/* from here on the interrupt may be gone */
	atomic_store_explicit(&p->cpu.answered, NULL, memory_order_release);
	dpc = p->cpu.given;
	if (!hand_is_full(dpc) || unlikely(pending_irql(p) >= IRQL_DISPATCH)) {
		cpu_dpc_unhand(p);
		return NULL;
	}
	p->cpu.given = NULL;
	return dpc;
}

/* ---- life ---- */

static void kick_inline(struct cpu_agent *agent)
{
	if (!cpu_is_near_quick) {
		if (claim_state(agent))
			step_claimed(agent);
	} else if (!cpu_self) {
		kick_far(agent);
	} else if (near_begins(agent)) {
		step_near(agent);
	} else if (near_claims(agent)) {
		step_claimed(agent);
	}
}

static border_call __attribute__((noinline)) void kick_now(struct cpu_agent *agent)
{
	if (agent->is_inline) {
		kick_inline(agent);
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
	while (atomic_load(&agent->holder) || atomic_load(&agent->near) ||
		atomic_load(&agent->state) >= BUSY)
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
