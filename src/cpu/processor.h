/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files of cpu/ share: the private part of a processor and of a kernel thread.
 *
 *	processor.c  life, the idle fiber, sleep and wake-up     thread.c  kernel threads
 *	irql.c       IRQL, cpu_serve, cpu_relax                  fiber.c   stacks and switches
 *	vector.c     interrupts      dpc.c  DPCs                 clock.c   the clock's host thread
 *	timer.c      armed timers    agent.c, agent_step.c  device models
 *	replay.c     the other schedule              spinlock.c, fault.c, die.c, host.c
 *
 * One tiny lock per processor guards all that others may give it: interrupts, DPCs, ready threads.
 *Under it `waiting` has a bit for each IRQL at which something waits, and pending_irql, which
 *safepoints read, is always its highest bit; so nothing can be lost between looking and sleeping.
 *Order of locks: thread ends (thread.c), then timers (timer.c), then a processor's; two processors'
 *are never held together.
 */
#ifndef DRY_CPU_PROCESSOR_H
#define DRY_CPU_PROCESSOR_H

#include "cpu/cpu.h"
#include "cpu/fiber.h"
#include "cpu/host.h"

#define IRQLS 16

/* Bits of `waiting` besides those of device IRQLs. */
#define WAITING_PREEMPT (1u << 1)
#define WAITING_DPC	(1u << IRQL_DISPATCH)

struct cpu_private {
	struct cpu cpu;

	/* what others give it, under lock */
	struct host_lock lock APART;
	_Atomic uint32_t waiting;
	uint8_t pending_always; /* added to pending_irql: under replay a bit above all IRQLs */
	struct cpu_interrupt *interrupt_first[IRQLS];
	struct cpu_dpc *dpc_first, *dpc_last;
	struct cpu_thread *ready_first, *ready_last;
	_Atomic uint32_t ready_count;
	_Atomic uint32_t sleeping; /* futex: 1 while the idle fiber sleeps */
	bool timers_due;	   /* the clock saw one; kept with WAITING_DPC */
	_Atomic bool is_stopping;
	_Atomic bool is_wanted; /* by a guest: its own host thread is to leave it */

	/* its own */
	_Atomic(struct cpu_interrupt *) serving[IRQLS] __attribute__((aligned(64)));
	_Atomic uint32_t switches; /* between fibers; the clock watches it */
	struct fiber idle, host;
	struct cpu_thread *departed; /* ended, still to be announced by whoever runs next */
	bool (*poll)(void *arg);
	void *poll_arg;
	unsigned polls;
	struct host_spin spin;

	/* life, under the machine's lock */
	bool is_claimed, is_lent;
	bool is_running; /* a host thread is it */
	bool has_guest;	 /* one that called cpu_run is it, or waits for it */
	pthread_t host_thread;
	bool has_host_thread;
};

enum thread_state { THREAD_READY, THREAD_RUNNING, THREAD_PARKED, THREAD_ENDED };

struct cpu_thread {
	struct fiber fiber;
	struct cpu_private *home;
	struct cpu_thread *next; /* in the ready queue */
	enum thread_state state; /* this and the next two under home's lock */
	bool has_token, is_timed_out;
	struct cpu_timer timer; /* of a park with a limit */
	void (*fn)(void *ctx);
	void *ctx;
	_Atomic uint32_t has_ended; /* futex for host threads */
	struct cpu_thread *joiner;
	char name[32];
};

/* ---- processor.c ---- */

/* The processor, NULL if there is no such one. */
struct cpu_private *cpu_private_get(unsigned number);
/* The one that a DPC or timer for `number` belongs to: CPU_HERE is the caller's, or 0. */
struct cpu_private *cpu_private_target(unsigned number);

/* irql.c: the calling thread is this processor from now on; NULL: none. */
void cpu_become(struct cpu *cpu);

static inline struct cpu_private *cpu_private_of(struct cpu *cpu)
{
	return container_of(cpu, struct cpu_private, cpu);
}

static inline struct cpu_private *cpu_private_self(void)
{
	return cpu_self ? cpu_self->priv : NULL;
}

/* ---- irql.c ---- */

/* cpu_relax, for who waits for time to pass. */
void cpu_relax_in_stall(void);

/* Under the processor's lock: something waits at these IRQLs, or waits no longer. */
static inline void waiting_update(struct cpu_private *p, uint32_t set, uint32_t clear)
{
	uint32_t waiting = (atomic_load_explicit(&p->waiting, memory_order_relaxed) | set) & ~clear;

	atomic_store_explicit(&p->waiting, waiting, memory_order_relaxed);
	atomic_store_explicit(&p->cpu.pending_irql,
		(unlikely(waiting != 0) ? 31 - __builtin_clz(waiting) : 0) | p->pending_always,
		memory_order_relaxed);
}

/* The same: something waits at this IRQL. Under replay pending_irql is above it. */
static inline void waiting_add(struct cpu_private *p, uint8_t irql)
{
	uint32_t waiting = atomic_load_explicit(&p->waiting, memory_order_relaxed);

	atomic_store_explicit(&p->waiting, waiting | 1u << irql, memory_order_relaxed);
	if (atomic_load_explicit(&p->cpu.pending_irql, memory_order_relaxed) < irql)
		atomic_store_explicit(&p->cpu.pending_irql, irql, memory_order_relaxed);
}

/*
 * Releases the lock after something was given to the processor, and wakes it if it sleeps.
 */
static inline void release_and_wake(struct cpu_private *p)
{
	bool is_asleep = atomic_load_explicit(&p->sleeping, memory_order_relaxed);

	if (unlikely(is_asleep))
		atomic_store_explicit(&p->sleeping, 0, memory_order_relaxed);
	host_lock_release(&p->lock);
	if (unlikely(is_asleep))
		host_futex_wake(&p->sleeping, 1);
}

static inline uint8_t pending_irql(const struct cpu_private *p)
{
	return atomic_load_explicit(&p->cpu.pending_irql, memory_order_relaxed);
}

/* Whether the idle fiber takes turns with ready threads: for a poll function, or a guest. */
static inline bool idle_has_turns(struct cpu_private *p)
{
	return p->poll || atomic_load_explicit(&p->is_wanted, memory_order_relaxed);
}

/* ---- irql.c: a routine at another IRQL, nested on the current stack ---- */

struct nesting {
	uint8_t irql;
	void *seh;
};

static inline struct nesting nesting_enter(struct cpu *cpu, uint8_t irql)
{
	struct nesting before = {cpu->irql, cpu->seh};

	/* an exception in it must not reach the frames of what it interrupted */
	cpu->irql = irql;
	cpu->seh = NULL;
	return before;
}

/* Checks that the routine came back at the IRQL it was called at. */
static inline void nesting_leave(
	struct cpu *cpu, struct nesting before, uint8_t irql, const char *what)
{
	if (unlikely(cpu->irql != irql))
		cpu_die("%s returned at IRQL %u on processor %u; it was called at IRQL %u", what,
			cpu->irql, cpu->number, irql);
	cpu->irql = before.irql;
	cpu->seh = before.seh;
}

/* ---- vector.c, dpc.c, timer.c: what cpu_serve calls ---- */

void cpu_interrupt_serve(struct cpu_private *p);
void cpu_dpc_serve(struct cpu_private *p);
/* Runs this processor's due timers; at DISPATCH. */
void cpu_timer_serve(struct cpu_private *p);

/* Runs the service of one that stands where who waits for its end looks: in `serving`, or in
 * cpu.answered. interrupted: at this IRQL. */
path_inline void cpu_interrupt_run(
	struct cpu_private *p, struct cpu_interrupt *interrupt, uint8_t interrupted)
{
	uint8_t irql = interrupt->irql;
	struct nesting before;

	p->cpu.interrupts++;
	before = nesting_enter(&p->cpu, irql);
	before.irql = interrupted;
	interrupt->service(interrupt);
	nesting_leave(&p->cpu, before, irql, "an interrupt service routine");
}

/* ---- agent_step.c, vector.c, dpc.c: handed over ---- */

static inline bool hand_is_full(const void *hand)
{
	return (uintptr_t)hand > 1;
}

static inline bool cpu_dpc_is_waiting(struct cpu_private *p)
{
	return atomic_load_explicit(&p->waiting, memory_order_relaxed) & WAITING_DPC;
}

/* One that is in no queue any more. False: it came back at another IRQL. */
static inline bool cpu_dpc_run(struct cpu_private *p, struct cpu_dpc *dpc)
{
	p->cpu.dpcs++;
	dpc->fn(dpc);
	return likely(p->cpu.irql == IRQL_DISPATCH);
}

/*
 * After a DPC: what the processor holds is stepped, unless other DPCs wait that may tell those
 * devices more (for so many turns); and so on after each that follows. False: one came back at
 * another IRQL.
 *
 * Where cpu_has_near what comes of a step follows at once. An interrupt that it raises would be
 * served next, and the DPC that its service queues would run next: each is handed over in its place
 * (raised, given), past the queues, if nothing else waits. Whatever is given meanwhile, by itself
 * or by others, it goes into its queue after all, in front, as it came first. A DPC in the hand is
 * queued, as all others see it; who would take it back from another processor waits until it has
 * left the hand.
 */
bool cpu_agent_answer(struct cpu_private *p, unsigned *turns);
/* What was handed over goes into its queue: somebody comes in between. */
void cpu_interrupt_unhand(struct cpu_private *p);
void cpu_dpc_unhand(struct cpu_private *p);

/* Where a service waits, or another fiber runs, though it should not: nothing may wait for its end.
 */
static inline void cpu_hands_close(struct cpu_private *p)
{
	if (unlikely(p->cpu.raised != NULL))
		cpu_interrupt_unhand(p);
	if (unlikely(p->cpu.given != NULL))
		cpu_dpc_unhand(p);
}

/* ---- thread.c ---- */

/* Runs the next ready thread; returns (later) true, or false if there is none. In the idle fiber.
 */
bool cpu_thread_run_next(struct cpu_private *p);
/* After a fiber starts, or runs again: tells the end of the thread that ran before it. */
void cpu_thread_announce(struct cpu_private *p);

/* ---- timer.c ---- */

/* Due times of all processors' timers, for the clock: sets a bit in *due for each processor that
 * has a due one and was not told yet; returns the earliest time that is still to come. */
uint64_t cpu_timer_scan(uint64_t now, uint64_t *due);
int cpu_timer_init(unsigned processors);
void cpu_timer_fini(void);

/* ---- clock.c ---- */

void cpu_clock_init(void);
int cpu_clock_start(void);
void cpu_clock_stop(void);
/* A timer was armed for `due`: the clock must not sleep longer. */
void cpu_clock_expect(uint64_t due);
/* Tells processors of their due timers; returns when to look again. */
uint64_t cpu_clock_look(void);
/* More threads than one want a processor: time slices are needed. */
void cpu_clock_slice(void);

/* ---- agent.c, agent_step.c ---- */

void cpu_agent_init(bool is_inline);
void cpu_agent_fini(void);
/* The number of the processor that owns it, plus one; 0: there is none. */
unsigned cpu_agent_owner(const struct cpu_agent *agent);

/* ---- fault.c: an alternate signal stack for the calling host thread ---- */

struct fault_stack {
	void *base;
	void *before[3]; /* a stack_t */
};
void cpu_fault_enter(struct fault_stack *stack);
void cpu_fault_leave(struct fault_stack *stack);

#endif
