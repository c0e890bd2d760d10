/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Agents: who steps an inline one, and when (cpu.h). Beside: agent.c.
 */
#include "cpu/agent.h"

#define DISOWNED     0xff
#define HELD_DPCS    8 /* after so many a device is told at the latest, though more wait */
#define STREAK_LIMIT (1u << 16)

/*
 * A device reads and writes memory that a driver polls meanwhile, as a bus master does on a PC:
 * that is no race. What its atomics order (doorbells, interrupts) stays ordered.
 */
__attribute__((cold, noinline)) void agent_step_watched(struct cpu_agent *agent)
{
	sanitizer.ignore_begin(__FILE__, __LINE__);
	agent->step(agent->ctx);
	if (sanitizer.ignore_end)
		sanitizer.ignore_end(__FILE__, __LINE__);
}

/*
 * A step belongs to who made the state BUSY. But a processor that makes nearly all of them becomes
 * the agent's owner (cpu_has_near), and then only says in `near` that it is in one, without a
 * locked instruction: it does so first, and then looks whether it is still the owner and the state
 * is IDLE. Nobody else begins a step of an agent that has an owner: he makes the state HANDED, says
 * that it has none (on a machine of one processor that one stays), passes a barrier in all threads,
 * and then looks at `near`: either he sees the owner in its step, who at its end sees the state and
 * makes the step that is owed; or the owner is in none, and begins none without a look at both.
 *
 * owner is 0 only after that barrier, so that who sees it 0 sees in `near` a step that the former
 * owner is still in. A claimed step makes a new owner; so who has claimed one looks at both once
 * more. `near` is written by one processor, `home`, in the agent's whole life: what it has begun to
 * say when it is no longer the owner is nobody else's word, and is taken back.
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

unsigned cpu_agent_owner(const struct cpu_agent *agent)
{
	return atomic_load(&agent->owner);
}

/* Inside a step that was claimed: perhaps this processor makes them all. */
static inline void owner_learn(struct cpu_agent *agent)
{
	const struct cpu *cpu = cpu_self;
	uint8_t me = cpu ? (uint8_t)cpu->spin_mark : 0, nobody = 0;

	if (agent->last != me || !me || !cpu_has_near) {
		agent->last = me;
		agent->streak = 0;
		return;
	}
	if (++agent->streak < atomic_load_explicit(&agent->streak_enough, memory_order_relaxed))
		return;
	agent->streak = 0;
	if (!agent->home)
		agent->home = me;
	/* not if somebody is about to make it nobody's: he relies on it that it stays so */
	if (agent->home == me)
		atomic_compare_exchange_strong(&agent->owner, &nobody, me);
}

static inline void step_claimed(struct cpu_agent *agent)
{
	owner_learn(agent);
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

static inline bool is_owner_in(const struct cpu_agent *agent)
{
	uint8_t near = atomic_load_explicit(&agent->near, memory_order_acquire);

	return near == NEAR_IN || near == NEAR_AGAIN;
}

/* Everybody is as good as everybody else, and takes the state. */
static inline bool has_no_owner(const struct cpu_agent *agent)
{
	return !atomic_load_explicit(&agent->owner, memory_order_acquire) && !is_owner_in(agent);
}

/* Returns when the owner has passed a barrier. Among several processors that costs each of them so
 * much that the next one has to work longer for it. */
static void disown(struct cpu_agent *agent)
{
	uint32_t enough = atomic_load_explicit(&agent->streak_enough, memory_order_relaxed);

	if (cpu_is_near_quick) {
		cpu_far_barrier();
		return;
	}
	if (atomic_load_explicit(&agent->owner, memory_order_relaxed))
		atomic_store_explicit(&agent->streak_enough, min_of(enough * 2, STREAK_LIMIT),
			memory_order_relaxed);
	atomic_store_explicit(&agent->owner, DISOWNED, memory_order_relaxed);
	host_barrier_all();
	atomic_store_explicit(&agent->owner, 0, memory_order_release);
}

/* A step of the owner's that is not over yet looks at the state when it is. is_claimed: the caller
 * has made it BUSY. False: another does the step. */
static bool far_claims(struct cpu_agent *agent, bool is_claimed)
{
	uint32_t state = atomic_load(&agent->state), next;

	do
		next = state == IDLE || state == HANDED || is_claimed ? HANDED : BUSY_KICKED;
	while (!atomic_compare_exchange_weak(&agent->state, &state, next));
	if (next != HANDED)
		return false;
	disown(agent);
	return !is_owner_in(agent) && claim_handed(agent);
}

/* One at a time: what it claims as HANDED is what it has made so, before it looked whether the
 * owner is in a step, and not another's, who has seen that it is. */
static __attribute__((noinline)) bool claim_far(struct cpu_agent *agent, bool is_claimed)
{
	static struct host_lock lock;

	host_lock_acquire(&lock);
	is_claimed = far_claims(agent, is_claimed);
	host_lock_release(&lock);
	return is_claimed;
}

/* By who is not the owner. False: another does the step. */
static inline bool claim(struct cpu_agent *agent)
{
	if (unlikely(!has_no_owner(agent)))
		return claim_far(agent, false);
	if (!claim_state(agent))
		return false;
	return likely(has_no_owner(agent)) || claim_far(agent, true);
}

/* Whether the calling processor is the owner; what it begins to do as such it takes back if it is
 * not after all. */
static inline bool is_own(const struct cpu_agent *agent, const struct cpu *cpu)
{
	return atomic_load_explicit(&agent->owner, memory_order_relaxed) == cpu->spin_mark;
}

/* On the owner. False: the step that it is in is followed by another, or somebody else is in one,
 * or has just kicked it, or it is the owner no more. */
static inline bool near_begins(struct cpu_agent *agent, const struct cpu *cpu)
{
	if (unlikely(atomic_load_explicit(&agent->near, memory_order_relaxed) != NEAR_AWAY)) {
		atomic_store_explicit(&agent->near, NEAR_AGAIN, memory_order_relaxed);
		return false;
	}
	atomic_store_explicit(&agent->near, NEAR_IN, memory_order_relaxed);
	cpu_near_fence();
	return likely(atomic_load_explicit(&agent->state, memory_order_acquire) == IDLE &&
		      is_own(agent, cpu));
}

/* Then: whether it is not in its step, and may begin one as everybody else, by the state: there is
 * nobody but itself whose step `near` could tell of. Who has seen NEAR_IN and left is seen there.
 */
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

/* Takes it off, if the holder may step it or somebody else does; the rest is as of one that was
 * never held. */
static __attribute__((noinline)) void release_claimed(
	struct cpu_agent *agent, _Atomic uintptr_t *of, bool is_claimed)
{
	atomic_store_explicit(of, 0, memory_order_release);
	/* while it steps it may be held again; if it does not it may be gone */
	if (is_claimed)
		step_claimed(agent);
}

/* The first of those that it holds. */
static inline void release_one(struct cpu *cpu)
{
	struct cpu_agent *agent = cpu->held;
	_Atomic uintptr_t *of = &agent->head.of[cpu->number];

	cpu->held = (struct cpu_agent *)(atomic_load_explicit(of, memory_order_relaxed) -
					 CPU_AGENT_HELD);
	if (unlikely(!is_own(agent, cpu))) {
		release_claimed(agent, of, claim(agent));
	} else if (unlikely(!near_begins(agent, cpu))) {
		release_claimed(agent, of, near_claims(agent));
	} else {
		atomic_store_explicit(of, 0, memory_order_release);
		step_near(agent);
	}
}

__attribute__((noinline)) void cpu_agent_release(struct cpu *cpu)
{
	while (cpu->held)
		release_one(cpu);
}

/* The DPC to be run next, taken, with its arguments in cpu->dpc_arg; NULL: none, or it waits in the
 * queue. */
path_inline struct cpu_dpc *answer(struct cpu_private *p)
{
	struct cpu_interrupt *interrupt;
	struct cpu_dpc *dpc;

	p->cpu.raised = CPU_HAND_OPEN;
	release_one(&p->cpu);
	if (unlikely(p->cpu.held != NULL))
		cpu_agent_release(&p->cpu);
	interrupt = p->cpu.raised;
	if (unlikely(!hand_is_full(interrupt) || pending_irql(p) > IRQL_DISPATCH)) {
		cpu_interrupt_unhand(p);
		return NULL;
	}
	p->cpu.raised = NULL;
	p->cpu.given = CPU_HAND_OPEN;
	cpu_interrupt_run(p, interrupt, IRQL_DISPATCH);
	/* from here on the interrupt may be gone */
	atomic_store_explicit(&p->cpu.answered, NULL, memory_order_release);
	dpc = p->cpu.given;
	if (unlikely(!hand_is_full(dpc) || pending_irql(p) >= IRQL_DISPATCH)) {
		cpu_dpc_unhand(p);
		return NULL;
	}
	p->cpu.given = NULL;
	if (unlikely(!p->cpu.alone))
		atomic_store_explicit(&dpc->state, 0, memory_order_release);
	return dpc;
}

bool cpu_agent_answer(struct cpu_private *p, unsigned *turns)
{
	while (p->cpu.held && (likely(!cpu_dpc_is_waiting(p)) || ++*turns % HELD_DPCS == 0)) {
		struct cpu_dpc *dpc;

		if (unlikely(!cpu_has_near)) {
			cpu_agent_release(&p->cpu);
			break;
		}
		dpc = answer(p);
		if (unlikely(!dpc))
			break;
		if (unlikely(!cpu_dpc_run(p, dpc)))
			return false;
	}
	return true;
}

/* ---- kicks ---- */

static void kick_inline(struct cpu_agent *agent)
{
	const struct cpu *cpu = cpu_self;

	if (!cpu || !is_own(agent, cpu)) {
		if (claim(agent))
			step_claimed(agent);
	} else if (near_begins(agent, cpu)) {
		step_near(agent);
	} else if (near_claims(agent)) {
		step_claimed(agent);
	}
}

static border_call __attribute__((noinline)) void kick_now(struct cpu_agent *agent)
{
	if (agent->head.is_inline) {
		kick_inline(agent);
		return;
	}
	if (atomic_exchange(&agent->state, KICKED) == SLEEPING)
		host_futex_wake(&agent->state, 1);
}

border_call void cpu_agent_kick(struct cpu_agent *agent)
{
	if (!agent->head.is_inline || !cpu_agent_hold(agent, cpu_here))
		kick_now(agent);
}

border_call void cpu_agent_kick_and_poll(struct cpu_agent *agent)
{
	cpu_agent_kick(agent);
	cpu_poll();
}
