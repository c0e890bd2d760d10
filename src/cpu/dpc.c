/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * DPCs: a queue per processor, drained at DISPATCH (cpu.h). A DPC's state is the number of the
 * processor in whose queue it stands, plus one; it changes under that processor's lock. Or it is in
 * that processor's hand (cpu_dpc_hand), among several processors, and only that one changes it.
 */
#include "cpu/processor.h"

#include <sched.h>

enum { NOT_QUEUED };

/* It is in the hand of a processor, which takes it out without a barrier between that and what its
 * routine looks at: who leaves his work to it must pass one for both. False: it is out already. */
static __attribute__((cold, noinline)) bool is_in_hand_still(const struct cpu_dpc *dpc)
{
	host_barrier_all();
	return atomic_load_explicit(&dpc->state, memory_order_relaxed) != NOT_QUEUED;
}

/* Two processors may queue one DPC into two queues at once: under different locks, so by exchange.
 */
static bool dpc_claim(struct cpu_private *p, struct cpu_dpc *dpc)
{
	uint32_t expected = NOT_QUEUED, mine = p->cpu.number + 1;
	uint32_t state = atomic_load_explicit(&dpc->state, memory_order_relaxed);

	if (state != NOT_QUEUED && (!(state & CPU_DPC_HANDED) || is_in_hand_still(dpc)))
		return false;
	if (p->cpu.alone) {
		atomic_store_explicit(&dpc->state, mine, memory_order_relaxed);
		return true;
	}
	return atomic_compare_exchange_strong_explicit(
		&dpc->state, &expected, mine, memory_order_acquire, memory_order_relaxed);
}

path_inline void dpc_insert(struct cpu_private *p, struct cpu_dpc *dpc, bool in_front)
{
	if (!p->dpc_first) {
		dpc->next = NULL;
		p->dpc_first = p->dpc_last = dpc;
	} else if (in_front) {
		dpc->next = p->dpc_first;
		p->dpc_first = dpc;
	} else {
		dpc->next = NULL;
		p->dpc_last->next = dpc;
		p->dpc_last = dpc;
	}
	waiting_add(p, IRQL_DISPATCH);
}

/* Inside the lock; false: it is queued already. */
static inline bool dpc_enter(
	struct cpu_private *p, struct cpu_dpc *dpc, void *arg0, void *arg1, bool in_front)
{
	if (!dpc_claim(p, dpc))
		return false;
	dpc->arg[0] = arg0;
	dpc->arg[1] = arg1;
	dpc_insert(p, dpc, in_front);
	return true;
}

/* For another processor, from a host thread, or when somebody else gives this one something. */
static border_call __attribute__((noinline)) bool dpc_queue_other(
	struct cpu_dpc *dpc, void *arg0, void *arg1)
{
	struct cpu_private *p = cpu_private_target(dpc->cpu);
	bool is_new;

	if (unlikely(!p))
		cpu_die("DPC for processor %u of %u", dpc->cpu, cpu_count());
	host_lock_acquire(&p->lock);
	is_new = dpc_enter(p, dpc, arg0, arg1, dpc->high);
	release_and_wake(p);
	return is_new;
}

static border_call __attribute__((noinline)) bool dpc_queue_here(
	struct cpu_dpc *dpc, void *arg0, void *arg1)
{
	struct cpu_private *p = cpu_private_of(cpu_self);
	bool is_new;

	if (unlikely(p->cpu.given != NULL))
		cpu_dpc_unhand(p);
	/* It runs here, so later: whatever its caller has written it will see. */
	if (atomic_load_explicit(&dpc->state, memory_order_relaxed) == p->cpu.number + 1u)
		return false;
	if (unlikely(!host_lock_try(&p->lock)))
		return dpc_queue_other(dpc, arg0, arg1);
	is_new = dpc_enter(p, dpc, arg0, arg1, dpc->high);
	/* It does not sleep: it is here. */
	host_lock_release(&p->lock);
	return is_new;
}

border_call bool cpu_dpc_queue(struct cpu_dpc *dpc, void *arg0, void *arg1)
{
	struct cpu *cpu = cpu_self;

	if (unlikely(!cpu || (dpc->cpu != CPU_HERE && dpc->cpu != cpu->number)))
		return dpc_queue_other(dpc, arg0, arg1);
	return cpu_dpc_hand(cpu, dpc, arg0, arg1) || dpc_queue_here(dpc, arg0, arg1);
}

/* Inside the lock, in front. Among several processors it is claimed already; where there is one, a
 * host thread may have queued it meanwhile. */
static inline void dpc_from_hand(struct cpu_private *p, struct cpu_dpc *dpc)
{
	if (p->cpu.alone && !dpc_claim(p, dpc))
		return;
	dpc->arg[0] = p->cpu.dpc_arg[0];
	dpc->arg[1] = p->cpu.dpc_arg[1];
	atomic_store_explicit(&dpc->state, p->cpu.number + 1u, memory_order_relaxed);
	dpc_insert(p, dpc, true);
}

void cpu_dpc_unhand(struct cpu_private *p)
{
	struct cpu_dpc *dpc = p->cpu.given;

	p->cpu.given = NULL;
	if (!hand_is_full(dpc))
		return;
	host_lock_acquire(&p->lock);
	dpc_from_hand(p, dpc);
	host_lock_release(&p->lock);
}

/* Another processor's service has queued it, and is not over. Where that waits for anything, but
 * for memory without a safepoint (CAVEATS), it closes its hands, and so does who waits here: no two
 * wait for each other. */
static __attribute__((noinline)) void wait_for_hand(const struct cpu_dpc *dpc)
{
	cpu_hands_show();
	for (unsigned tries = 1;
		atomic_load_explicit(&dpc->state, memory_order_acquire) & CPU_DPC_HANDED; tries++)
		if (tries % 128 == 0)
			sched_yield();
		else
			host_pause();
}

static void dpc_unlink(struct cpu_private *p, struct cpu_dpc *dpc)
{
	struct cpu_dpc **link = &p->dpc_first, *before = NULL;

	while (*link != dpc) {
		before = *link;
		link = &before->next;
	}
	*link = dpc->next;
	if (p->dpc_last == dpc)
		p->dpc_last = before;
	if (!p->dpc_first && !p->timers_due)
		waiting_update(p, 0, WAITING_DPC);
	atomic_store_explicit(&dpc->state, NOT_QUEUED, memory_order_release);
}

bool cpu_dpc_cancel(struct cpu_dpc *dpc)
{
	struct cpu *self = cpu_self;
	bool was_given = self && self->given == dpc;
	uint32_t queued;

	if (was_given) {
		self->given = CPU_HAND_OPEN;
		if (!self->alone) {
			atomic_store_explicit(&dpc->state, NOT_QUEUED, memory_order_release);
			return true;
		}
		/* a host thread may have queued it, too: dpc_from_hand */
	}
	/* it may move to another queue between the look and the lock */
	while ((queued = atomic_load_explicit(&dpc->state, memory_order_relaxed)) != NOT_QUEUED) {
		struct cpu_private *p;
		bool is_there;

		if (unlikely(queued & CPU_DPC_HANDED)) {
			wait_for_hand(dpc);
			continue;
		}
		p = cpu_private_get(queued - 1);
		host_lock_acquire(&p->lock);
		is_there = atomic_load_explicit(&dpc->state, memory_order_relaxed) == queued;
		if (is_there)
			dpc_unlink(p, dpc);
		host_lock_release(&p->lock);
		if (is_there)
			return true;
	}
	return was_given;
}

/* It may be queued again. Who finds it queued leaves what it has written to the routine, so that
 * the routine reads nothing before this is seen: who queues it elsewhere is in another lock. */
static inline void dpc_forget(struct cpu_private *p, struct cpu_dpc *dpc)
{
	if (p->cpu.alone)
		atomic_store_explicit(&dpc->state, NOT_QUEUED, memory_order_relaxed);
	else
		atomic_exchange(&dpc->state, NOT_QUEUED);
}

/* Takes the first DPC, its arguments into cpu->dpc_arg; NULL if there is none. */
static inline struct cpu_dpc *dpc_take(struct cpu_private *p, bool *timers_due)
{
	struct cpu_dpc *dpc;

	host_lock_acquire(&p->lock);
	dpc = p->dpc_first;
	*timers_due = p->timers_due;
	if (unlikely(p->timers_due))
		p->timers_due = false;
	if (likely(dpc != NULL)) {
		p->dpc_first = dpc->next;
		p->cpu.dpc_arg[0] = dpc->arg[0];
		p->cpu.dpc_arg[1] = dpc->arg[1];
		dpc_forget(p, dpc);
	}
	if (!p->dpc_first)
		waiting_update(p, 0, WAITING_DPC);
	host_lock_release(&p->lock);
	return dpc;
}

void cpu_dpc_serve(struct cpu_private *p)
{
	struct nesting before = nesting_enter(&p->cpu, IRQL_DISPATCH);
	unsigned turns = 0;

	cpu_hands_close(p);
	p->cpu.is_in_dpc = true;
	while (cpu_dpc_is_waiting(p)) {
		bool timers_due;
		struct cpu_dpc *dpc = dpc_take(p, &timers_due);

		if (likely(dpc != NULL) && unlikely(!cpu_dpc_run(p, dpc)))
			break;
		if (unlikely(timers_due))
			cpu_timer_serve(p);
		if (unlikely(!cpu_agent_answer(p, &turns)))
			break;
		if (unlikely(pending_irql(p) > IRQL_DISPATCH))
			cpu_serve_own(&p->cpu);
	}
	/* One that waited may have been cancelled. */
	if (unlikely(p->cpu.held))
		cpu_agent_release(&p->cpu);
	p->cpu.is_in_dpc = false;
	nesting_leave(&p->cpu, before, IRQL_DISPATCH, "a DPC or timer routine");
}

/* A DPC behind all that were queued before the flush. */
struct flush {
	struct cpu_dpc dpc;
	_Atomic unsigned *left;
};

static void flush_reached(struct cpu_dpc *dpc)
{
	struct flush *flush = container_of(dpc, struct flush, dpc);

	atomic_fetch_sub_explicit(flush->left, 1, memory_order_release);
}

void cpu_dpc_flush(void)
{
	_Atomic unsigned left = cpu_count();
	struct flush flushes[CPU_MAX];
	unsigned count = left;

	for (unsigned i = 0; i < count; i++) {
		flushes[i] = (struct flush){{.fn = flush_reached, .cpu = i}, &left};
		cpu_dpc_queue(&flushes[i].dpc, NULL, NULL);
	}
	while (atomic_load_explicit(&left, memory_order_acquire))
		cpu_relax();
}
