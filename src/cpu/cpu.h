/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Virtual processors: IRQL, interrupts, DPCs, timers, kernel threads, locks, the clock.
 *
 * A processor has an IRQL, pending interrupts, a DPC queue and a ready queue of kernel threads.
 * Code on it runs in a fiber with its own guarded stack; the *idle fiber* runs when no thread is
 * ready. Interrupts and DPCs run nested on the stack of whatever was running, as on a PC, whenever
 * the IRQL allows. They come at *safepoints* only: cpu_poll(), which every DDI call, lock, IRQL
 * change, register access and (in miniports) loop back-edge performs. A host thread that is no
 * processor has cpu_self == NULL; it may raise interrupts, queue DPCs and unpark threads, nothing
 * else.
 *
 * IRQLs are Windows' on x64: 0 PASSIVE, 1 APC, 2 DISPATCH, 3..12 devices, 13 clock, 14 IPI, 15
 * high.
 *
 * Two schedules stand behind this interface. `threads`: one host thread per processor and one for
 * each agent (a device model), real clock. `replay`: all of them take turns on the host thread that
 * made the machine, as a generator decides at each safepoint; virtual clock; the same seed gives
 * the same run. Kernel threads never move between processors. Never use host thread priorities.
 *
 * Nothing here allocates after start, except cpu_thread_new.
 */
#ifndef DRY_CPU_CPU_H
#define DRY_CPU_CPU_H

#include "util/common.h"
#include <stdatomic.h>
#include <string.h>

enum {
	IRQL_PASSIVE = 0,
	IRQL_APC = 1,
	IRQL_DISPATCH = 2,
	IRQL_DEVICE_MIN = 3,
	IRQL_DEVICE_MAX = 12,
	IRQL_HIGH = 15
};

#define CPU_MAX 64

struct cpu_thread;
struct cpu_agent;

/* The part of a processor that inline code reads; the rest is private to cpu/. */
struct cpu {
	uint8_t irql;
	bool alone; /* the machine has one processor: a lock is an IRQL change */
	uint8_t number;
	_Atomic uint8_t pending_irql; /* the highest IRQL at which something waits: 0 nothing,
					 1 another thread should run, 2 DPC or timer, above: device;
					 under replay above all, so that every safepoint is seen */
	struct cpu_thread *thread;    /* running kernel thread, NULL in the idle fiber */
	void *seh;		   /* innermost __try frame of the running fiber (src/nt/rtl_seh.c);
				      switched with the fiber */
	uint64_t interrupts, dpcs; /* how many ran here */
	uintptr_t spin_mark;	   /* what this processor writes into a lock that it takes */
	void *dpc_arg[2]; /* the running DPC's, as they were when it was taken from the queue */
	bool is_in_dpc;
	struct cpu_agent *held; /* kicked by that DPC, to be stepped after it: see cpu_agent_new */
	struct cpu_private *priv;
	struct cpu_interrupt *raised;		  /* handed over: cpu_interrupt_hand */
	_Atomic(struct cpu_interrupt *) answered; /* it, until its service has ended */
	struct cpu_dpc *given;			  /* handed over: cpu_dpc_hand */
	const void *_Atomic about;		  /* what it is about to use: cpu_about */
};

extern __thread struct cpu *cpu_self __attribute__((tls_model("initial-exec")));

/* The same for short ways, which look at several things of it anyway: where there is none it is one
 * that nothing is true of that a short way wants (not at DISPATCH, always due, no hand open), and
 * that nobody writes. */
extern __thread struct cpu *cpu_here __attribute__((tls_model("initial-exec")));

/* Serves what pending_irql announces, as far as the IRQL allows. Called by cpu_poll, the second by
 * cpu_poll_own. */
border_call void cpu_serve(struct cpu *cpu);
void cpu_serve_own(struct cpu *cpu);

/* Whether a safepoint would do anything here. */
static inline bool cpu_is_due_on(const struct cpu *cpu)
{
	return unlikely(atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) > cpu->irql);
}

static inline bool cpu_is_due(void)
{
	return cpu_is_due_on(cpu_here);
}

/* A safepoint. */
static inline void cpu_poll(void)
{
	struct cpu *cpu = cpu_self;

	if (cpu && unlikely(atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) >
			    cpu->irql))
		cpu_serve(cpu);
}

/* The same of a processor, by who has just read cpu_self. */
static inline void cpu_poll_by(struct cpu *cpu)
{
	if (unlikely(atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) > cpu->irql))
		cpu_serve(cpu);
}

/* The same, for functions with our own convention, which have no registers to keep for a driver. */
static inline void cpu_poll_own(void)
{
	struct cpu *cpu = cpu_self;

	if (cpu && unlikely(atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) >
			    cpu->irql))
		cpu_serve_own(cpu);
}

static inline void cpu_poll_own_by(struct cpu *cpu)
{
	if (unlikely(atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) > cpu->irql))
		cpu_serve_own(cpu);
}

/* A safepoint inside a loop that waits for another processor or a device: also gives those a
 * chance. */
void cpu_relax(void);
/* For who waits in another way: nobody waits meanwhile for what this processor has at hand (a DPC
 * or an interrupt that it is about to serve). Not for what it holds: cpu_agent_settle. */
void cpu_hands_show(void);

/* A safepoint under replay only, which comes far more often than others. */
void cpu_memory_poll(void);

/* ---- IRQL: only on a processor ---- */

/* Whether it is a machine's only processor, and at DISPATCH: then nothing else runs on it. */
static inline bool cpu_is_alone_at_dispatch(const struct cpu *cpu)
{
	uint16_t both;

	_Static_assert(offsetof(struct cpu, irql) == 0 && offsetof(struct cpu, alone) == 1 &&
			       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
		"one number");
	memcpy(&both, cpu, sizeof(both));
	return both == (IRQL_DISPATCH | 1 << 8);
}

static inline uint8_t cpu_irql(void)
{
	return cpu_self ? cpu_self->irql : IRQL_PASSIVE;
}

/* irql.c: with every check. */
border_call uint8_t cpu_irql_raise_slow(uint8_t irql);
border_call void cpu_irql_lower_slow(uint8_t irql);

/* Raises to irql (at or above the current one, else the process ends with a message); returns the
 * old. A safepoint. */
static inline uint8_t cpu_irql_raise(uint8_t irql)
{
	struct cpu *cpu = cpu_self;
	uint8_t before;

	if (unlikely(!cpu || irql < cpu->irql || irql > IRQL_HIGH ||
		     atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) > cpu->irql))
		return cpu_irql_raise_slow(irql);
	before = cpu->irql;
	cpu->irql = irql;
	return before;
}

/* Lowers to irql (at or below the current one) and serves what became due. */
static inline void cpu_irql_lower(uint8_t irql)
{
	struct cpu *cpu = cpu_self;

	if (likely(cpu && irql <= cpu->irql &&
		    atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) <= irql))
		cpu->irql = irql;
	else
		cpu_irql_lower_slow(irql);
}

/* ---- spin locks: one word, the size of a KSPIN_LOCK; zero is free ---- */

struct cpu_spinlock {
	_Atomic uintptr_t word; /* 0, or owner's number + 1 */
};
#define CPU_SPIN_MARK(number) ((uintptr_t)(number) + 1)

/* spinlock.c: the general case, with every check. */
border_call void cpu_spin_acquire_slow(struct cpu_spinlock *lock);
border_call void cpu_spin_release_slow(struct cpu_spinlock *lock);
bool cpu_spin_try(struct cpu_spinlock *lock);

/* Takes one that is free, and is no safepoint; false: it is not, and nothing was done. By a
 * processor at or above DISPATCH. _as: by who knows already what cpu->alone is. */
static inline bool cpu_spin_acquire_free_as(struct cpu *cpu, struct cpu_spinlock *lock, bool alone)
{
	uintptr_t free = 0;

	if (unlikely(atomic_load_explicit(&lock->word, memory_order_relaxed)))
		return false;
	if (unlikely(!alone))
		return likely(atomic_compare_exchange_strong_explicit(&lock->word, &free,
			cpu->spin_mark, memory_order_acquire, memory_order_relaxed));
	atomic_store_explicit(&lock->word, CPU_SPIN_MARK(0), memory_order_relaxed);
	return true;
}

static inline bool cpu_spin_acquire_free(struct cpu *cpu, struct cpu_spinlock *lock)
{
	return cpu_spin_acquire_free_as(cpu, lock, cpu->alone);
}

/* At or above DISPATCH; a safepoint. On a machine of one processor only the owner is noted (to find
 * errors). Taking a lock that this processor already holds ends the process with a message. _by:
 * by who has just read cpu_self, or NULL. _above: by a processor that is known to be at such an
 * IRQL. */
static inline void cpu_spin_acquire_above(struct cpu *cpu, struct cpu_spinlock *lock)
{
	if (unlikely(atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) > cpu->irql ||
		     !cpu_spin_acquire_free(cpu, lock)))
		cpu_spin_acquire_slow(lock);
}

/* The same on the only processor of a machine, at DISPATCH. */
static inline void cpu_spin_acquire_alone(struct cpu *cpu, struct cpu_spinlock *lock)
{
	if (unlikely(atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) >
			     IRQL_DISPATCH ||
		     atomic_load_explicit(&lock->word, memory_order_relaxed)))
		cpu_spin_acquire_slow(lock);
	else
		atomic_store_explicit(&lock->word, CPU_SPIN_MARK(0), memory_order_relaxed);
}

static inline void cpu_spin_release_alone(struct cpu_spinlock *lock)
{
	if (unlikely(atomic_load_explicit(&lock->word, memory_order_relaxed) != CPU_SPIN_MARK(0)))
		cpu_spin_release_slow(lock);
	else
		atomic_store_explicit(&lock->word, 0, memory_order_release);
}

static inline void cpu_spin_acquire_by(struct cpu *cpu, struct cpu_spinlock *lock)
{
	if (unlikely(!cpu || cpu->irql < IRQL_DISPATCH))
		cpu_spin_acquire_slow(lock);
	else
		cpu_spin_acquire_above(cpu, lock);
}

static inline void cpu_spin_acquire(struct cpu_spinlock *lock)
{
	cpu_spin_acquire_by(cpu_self, lock);
}

/* By a processor at such an IRQL; false: it does not hold it, and nothing was done. */
static inline bool cpu_spin_release_above(struct cpu *cpu, struct cpu_spinlock *lock)
{
	if (unlikely(atomic_load_explicit(&lock->word, memory_order_relaxed) != cpu->spin_mark))
		return false;
	atomic_store_explicit(&lock->word, 0, memory_order_release);
	return true;
}

static inline void cpu_spin_release_by(struct cpu *cpu, struct cpu_spinlock *lock)
{
	if (unlikely(!cpu || cpu->irql < IRQL_DISPATCH || !cpu_spin_release_above(cpu, lock)))
		cpu_spin_release_slow(lock);
}

static inline void cpu_spin_release(struct cpu_spinlock *lock)
{
	cpu_spin_release_by(cpu_self, lock);
}

/*
 * The same for locks of ours that no miniport knows, and inside which there is no safepoint: where
 * nothing else runs on the machine's one processor meanwhile, none is needed. Under replay it is
 * taken all the same, as a safepoint.
 *
 * The busiest functions are written once and compiled twice, for both: they are always_inline, and
 * pass on a constant `locks`, which is what cpu_inner_locks is. Else they would save registers for
 * the sake of locks that they do not take.
 */
extern bool cpu_inner_locks __attribute__((visibility("hidden")));

static inline void cpu_inner_acquire_if(bool locks, struct cpu_spinlock *lock)
{
	if (unlikely(locks))
		cpu_spin_acquire(lock);
}

static inline void cpu_inner_release_if(bool locks, struct cpu_spinlock *lock)
{
	if (unlikely(locks))
		cpu_spin_release(lock);
}

/* Counts that only processors change; they return what it was. */
static inline uint32_t cpu_inner_add32_if(bool locks, _Atomic uint32_t *count, uint32_t n)
{
	uint32_t before;

	if (unlikely(locks))
		return atomic_fetch_add(count, n);
	before = atomic_load_explicit(count, memory_order_relaxed);
	atomic_store_explicit(count, before + n, memory_order_relaxed);
	return before;
}

static inline uint64_t cpu_inner_add64_if(bool locks, _Atomic uint64_t *count, uint64_t n)
{
	uint64_t before;

	if (unlikely(locks))
		return atomic_fetch_add(count, n);
	before = atomic_load_explicit(count, memory_order_relaxed);
	atomic_store_explicit(count, before + n, memory_order_relaxed);
	return before;
}

/*
 * Counts that only the calling processor changes and others may look at: one instruction, where
 * ThreadSanitizer need not be told that no half of a number is ever seen. add: where there are no
 * locks, so that there is one processor.
 */
static inline void cpu_own_add(uint64_t *count, uint64_t n)
{
#ifdef DRY_TSAN
	__atomic_store_n(count, *count + n, __ATOMIC_RELAXED);
#else
	*count += n;
#endif
}

static inline void cpu_own_count(uint64_t *count)
{
	cpu_own_add(count, 1);
}

static inline void cpu_own_add32(_Atomic uint32_t *count, uint32_t n)
{
#ifdef DRY_TSAN
	cpu_inner_add32_if(false, count, n);
#else
	*(uint32_t *)count += n;
#endif
}

/* One less, behind everything that was done before. */
static inline void cpu_own_end32(_Atomic uint32_t *count)
{
#ifdef DRY_TSAN
	atomic_fetch_sub_explicit(count, 1, memory_order_release);
#else
	atomic_signal_fence(memory_order_release);
	*(uint32_t *)count -= 1;
#endif
}

static inline void cpu_own_add64(_Atomic uint64_t *count, uint64_t n)
{
#ifdef DRY_TSAN
	cpu_inner_add64_if(false, count, n);
#else
	*(uint64_t *)count += n;
#endif
}

static inline void cpu_inner_acquire(struct cpu_spinlock *lock)
{
	cpu_inner_acquire_if(cpu_inner_locks, lock);
}

static inline void cpu_inner_release(struct cpu_spinlock *lock)
{
	cpu_inner_release_if(cpu_inner_locks, lock);
}

static inline uint32_t cpu_inner_add32(_Atomic uint32_t *count, uint32_t n)
{
	return cpu_inner_add32_if(cpu_inner_locks, count, n);
}

static inline uint64_t cpu_inner_add64(_Atomic uint64_t *count, uint64_t n)
{
	return cpu_inner_add64_if(cpu_inner_locks, count, n);
}

/* Whether the calling processor holds it. */
static inline bool cpu_spin_is_held(const struct cpu_spinlock *lock)
{
	return cpu_self &&
	       atomic_load_explicit(&lock->word, memory_order_relaxed) == cpu_self->number + 1u;
}

/* ---- a processor among host threads ---- */

/*
 * What the machine's one processor does often and host threads seldom costs the processor no locked
 * instruction, where this is true (one processor, no replay, and a host that has the barrier): it
 * writes that it is about to do it, cpu_near_fence(), and then looks whether somebody minds.
 * Everybody else first writes that he minds, cpu_far_barrier(), and then looks whether the
 * processor is doing it. One of the two sees the other: the barrier makes every thread of the
 * process pass one, wherever it is, so that the processor's own may be the compiler's alone.
 * It changes only while no machine is live.
 */
extern bool cpu_is_near_quick __attribute__((visibility("hidden")));
/* The same of what each processor of a machine does for itself, however many there are: no replay,
 * and a host that has the barrier. */
extern bool cpu_has_near __attribute__((visibility("hidden")));

static inline void cpu_near_fence(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* Nothing where the processor itself calls, or no processor is quick. */
void cpu_far_barrier(void);

/*
 * A pointer that is looked at often and seldom replaced: a processor says that it is about to use
 * what it finds in this place (not NULL), cpu_about, and only then looks there; cpu_about_over when
 * it is done, without a safepoint meanwhile. Who has put something else there calls cpu_about_wait:
 * when that returns no processor uses what was there before. Only where cpu_has_near. It is no
 * safepoint: what it waits for has none either.
 */
static inline void cpu_about(struct cpu *cpu, const void *place)
{
	atomic_store_explicit(&cpu->about, place, memory_order_relaxed);
	cpu_near_fence();
}

static inline void cpu_about_over(struct cpu *cpu)
{
	atomic_store_explicit(&cpu->about, NULL, memory_order_release);
}

void cpu_about_wait(const void *place);

/* ---- interrupts ---- */

/*
 * One vector, connected to a processor. service runs on it at irql; returns whether it was the
 * device's. Raised while pending it is not doubled (edge semantics; bus/ re-raises a line that is
 * still asserted after its service). Raising: any host thread, any IRQL.
 */
struct cpu_interrupt {
	uint8_t irql;
	_Atomic uint8_t cpu; /* before it is connected; then cpu_interrupt_move's */
	bool (*service)(struct cpu_interrupt *interrupt);
	void *ctx;
	_Atomic uint32_t state;	    /* private */
	struct cpu_interrupt *next; /* private */
};

void cpu_interrupt_raise(struct cpu_interrupt *interrupt);

static inline bool cpu_irql_is_device(uint8_t irql)
{
	return irql >= IRQL_DEVICE_MIN && irql <= IRQL_HIGH;
}

/* In cpu.raised and cpu.given: open for one; NULL: closed. */
#define CPU_HAND_OPEN ((void *)1)

/* Private: whether a step between two DPCs may hand an interrupt over, which it does here alone,
 * with all that comes first seen to: cpu_agent_answer. */
static inline bool cpu_hands_interrupt(const struct cpu *cpu)
{
	return cpu->raised == CPU_HAND_OPEN;
}

/* What cpu_interrupt_raise does then with one of a device's IRQL, if nothing else waits and it is
 * this processor's; false: it is not so, and nothing was done. */
static inline bool cpu_interrupt_hand(struct cpu *cpu, struct cpu_interrupt *interrupt)
{
	if (unlikely(
		    atomic_load_explicit(&interrupt->cpu, memory_order_acquire) != cpu->number ||
		    atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) > IRQL_DISPATCH))
		return false;
	/* who waits for its end sees it from here on */
	atomic_store_explicit(&cpu->answered, interrupt, memory_order_relaxed);
	cpu->raised = interrupt;
	return true;
}

/*
 * From now on it interrupts this processor. What is pending or being served stays where it is, so
 * that its service may run on both for a moment. Any IRQL.
 */
void cpu_interrupt_move(struct cpu_interrupt *interrupt, unsigned cpu);
/* Returns when the interrupt is neither pending nor being served. PASSIVE, for disconnecting. */
void cpu_interrupt_quiesce(struct cpu_interrupt *interrupt);

/* ---- DPCs ---- */

/* At most 64 bytes, so that a KDPC can hold one. fn runs at DISPATCH on processor `cpu`. */
struct cpu_dpc {
	struct cpu_dpc *next; /* private */
	void (*fn)(struct cpu_dpc *dpc);
	void *ctx;
	void *arg[2]; /* private: system arguments of the queueing; fn reads cpu_self->dpc_arg,
			 first thing, as the DPC may be queued again before it ends */
	_Atomic uint32_t state; /* private: queued or not */
	uint16_t cpu;  /* target; CPU_HERE: where it is queued (processor 0 from elsewhere) */
	uint16_t high; /* put in front of the queue */
	void *user;
};
#define CPU_HERE 0xffff

/* Queues; false if it is queued already (args untouched then). Any host thread, any IRQL. */
border_call bool cpu_dpc_queue(struct cpu_dpc *dpc, void *arg0, void *arg1);

/* Private, in `state` besides the processor: it is in no queue, but in that processor's hand. */
#define CPU_DPC_HANDED 0x100u

/* What cpu_dpc_queue does where the service of an interrupt that was handed over may hand a DPC
 * over: none is waiting here, this one nowhere; and none runs that still looks for its arguments.
 * False: it is not so, and nothing was done. Nothing is due afterwards that was not before. */
static inline bool cpu_dpc_hand_as(
	struct cpu *cpu, struct cpu_dpc *dpc, void *arg0, void *arg1, bool alone)
{
	uint32_t free = 0;

	if (unlikely(cpu->given != CPU_HAND_OPEN || dpc->cpu != CPU_HERE) ||
		unlikely(atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) >=
			 IRQL_DISPATCH))
		return false;
	/* others may queue it, too; on one processor it would be pending here */
	if (unlikely(!alone) && !atomic_compare_exchange_strong_explicit(&dpc->state, &free,
					(cpu->number + 1u) | CPU_DPC_HANDED, memory_order_acquire,
					memory_order_relaxed))
		return false;
	cpu->dpc_arg[0] = arg0;
	cpu->given = dpc;
	cpu->dpc_arg[1] = arg1;
	return true;
}

static inline bool cpu_dpc_hand(struct cpu *cpu, struct cpu_dpc *dpc, void *arg0, void *arg1)
{
	return cpu_dpc_hand_as(cpu, dpc, arg0, arg1, cpu->alone);
}

/* Takes it back; false if it was not queued (it may be running). */
bool cpu_dpc_cancel(struct cpu_dpc *dpc);
/* Returns when no DPC that was queued before the call is queued or running. PASSIVE, on a
 * processor. */
void cpu_dpc_flush(void);

/* ---- the clock and timers ---- */

/* Nanoseconds since the machine started: monotonic, the machine's own (virtual under replay). */
uint64_t cpu_clock(void);
/* 100 ns units since 1601-01-01 UTC. */
uint64_t cpu_system_time(void);
/* Busy-waits; a safepoint loop. Any IRQL. */
void cpu_stall(uint64_t ns);

struct cpu_timer {
	void (*fn)(struct cpu_timer *timer); /* at DISPATCH on processor `cpu` */
	void *ctx;
	uint64_t due, period; /* private, ns */
	uint32_t slot;	      /* private: place in the heap, 0 = not armed */
	uint16_t cpu;
};

/* Arms (re-arms) for due_in ns from now, then every period ns (0: once). Returns whether it was
 * armed before. At or below DISPATCH, or any host thread. The table holds 1024 armed timers per
 * machine; -ENOSPC is a message and the end of the process, as nothing sane arms more. */
bool cpu_timer_set(struct cpu_timer *timer, uint64_t due_in, uint64_t period);
/* Disarms; true if it was armed. The function may still be running elsewhere. */
bool cpu_timer_cancel(struct cpu_timer *timer);

/* ---- kernel threads ---- */

/*
 * A kernel thread on processor `cpu`, ready at once. fn runs at PASSIVE; the thread ends when it
 * returns. Free it with cpu_thread_free after cpu_thread_join. name is for messages. NULL if out of
 * memory. Any host thread.
 */
struct cpu_thread *cpu_thread_new(void (*fn)(void *ctx), void *ctx, unsigned cpu, const char *name);
/* Waits for the end, on a host thread outside the machine (blocks) or in a kernel thread (parks).
 */
void cpu_thread_join(struct cpu_thread *thread);
void cpu_thread_free(struct cpu_thread *thread);
const char *cpu_thread_name(const struct cpu_thread *thread);
/* Ends the calling thread; does not return. */
void cpu_thread_exit(void) __attribute__((noreturn));

/*
 * Waits for cpu_thread_unpark or until timeout ns have passed (CPU_FOREVER: no limit); 0 when
 * unparked, -ETIMEDOUT. An unpark before the park is kept (one token), so the caller loops on its
 * condition. In a kernel thread at PASSIVE or APC only. Unpark: any host thread, any IRQL.
 */
#define CPU_FOREVER (~0ull)
int cpu_thread_park(uint64_t timeout);
void cpu_thread_unpark(struct cpu_thread *thread);
/* Lets other ready threads of this processor run. PASSIVE. */
void cpu_thread_yield(void);

/* ---- agents: device models that run beside the processors ---- */

/*
 * step runs whenever the agent has been kicked since its last run: on a host thread of its own
 * under `threads`, when the generator says so under `replay`, or on the kicker's processor if the
 * machine was built with inline agents (benches). One step at a time.
 *
 * An inline agent steps inside cpu_agent_kick; but a kick by a DPC, at DISPATCH, is held until the
 * DPC and some of those that wait behind it have returned, so that the step finds all that they
 * have given to the device, and interrupts once. Code that waits for the device must not wait for
 * itself: whatever it waits with lets the held kicks go first (cpu_agent_settle). That is each read
 * of a register or port, cpu_relax and so cpu_stall and each wait for a lock, a switch to another
 * fiber, and the poll that a driver's loop comes to after 64 turns at the latest, which is how a
 * loop that only looks at memory is found. Above DISPATCH nothing is held.
 */
struct cpu_agent *cpu_agent_new(void (*step)(void *ctx), void *ctx, const char *name);
/* One that is inline in any machine that is not replayed: for what a DPC hands to another process,
 * together. */
struct cpu_agent *cpu_agent_new_inline(void (*step)(void *ctx), void *ctx);
border_call void cpu_agent_kick(struct cpu_agent *agent); /* any host thread, any IRQL */
/* The same, and then cpu_poll. */
border_call void cpu_agent_kick_and_poll(struct cpu_agent *agent);
/* Waits until it is not in a step, and ends it. */
void cpu_agent_free(struct cpu_agent *agent);

/* Private: the agents that this processor holds step now. */
void cpu_agent_release(struct cpu *cpu);

/* Who is about to look at what a device does. */
static inline void cpu_agent_settle(void)
{
	struct cpu *cpu = cpu_self;

	if (cpu && unlikely(cpu->held))
		cpu_agent_release(cpu);
}

/* Private: what the two below look at and call. */
extern bool replay_is_on __attribute__((visibility("hidden")));
void replay_agent_safepoint(void);
unsigned replay_choose(unsigned n);

/* Whether a kick here would do nothing: the processor holds the agent, as only a DPC makes it do,
 * and is not above DISPATCH. It may hold others too. */
static inline bool cpu_agent_is_held(const struct cpu *cpu, const struct cpu_agent *agent)
{
	return cpu->held == agent && cpu->irql == IRQL_DISPATCH;
}

/* The part of an agent that inline code reads; the rest is private to cpu/. */
struct cpu_agent_head {
	bool is_inline;
	/* each processor's own: whether it holds it, and what it held before: CPU_AGENT_HELD and
	 * that one's address; 0: it does not */
	_Atomic uintptr_t of[CPU_MAX];
};
#define CPU_AGENT_HELD ((uintptr_t)1)

/* A kick, where this processor is in a DPC, after which it steps the agent: it holds it from now
 * on, if it did not already. Others may hold it too: each steps it for what it has itself given to
 * it. False: it is not so, and nothing was done. */
static inline bool cpu_agent_hold(struct cpu_agent *agent, struct cpu *cpu)
{
	struct cpu_agent_head *head = (struct cpu_agent_head *)(void *)agent;
	_Atomic uintptr_t *of;

	if (unlikely(!head->is_inline || !cpu->is_in_dpc || cpu->irql != IRQL_DISPATCH ||
		     replay_is_on))
		return false;
	of = &head->of[cpu->number];
	if (unlikely(atomic_load_explicit(of, memory_order_relaxed)))
		return true;
	atomic_store_explicit(of, (uintptr_t)cpu->held | CPU_AGENT_HELD, memory_order_relaxed);
	cpu->held = agent;
	return true;
}

/* Inside a step: a point where, under replay, others may run. Not under a lock. */
static inline void cpu_agent_poll(void)
{
	/* not inline, nor in a unit test's own thread */
	if (unlikely(replay_is_on) && !cpu_self)
		replay_agent_safepoint();
}

/* Whether these two do anything at all. */
static inline bool cpu_is_chosen_for(void)
{
	return unlikely(replay_is_on);
}

/* One of n ways to go on (n > 0): the generator's choice under replay, 0 under threads. Any thread
 * of the machine. */
static inline unsigned cpu_choose(unsigned n)
{
	return unlikely(replay_is_on) ? replay_choose(n) : 0;
}

/* ---- life of the processors ---- */

struct cpu_config {
	unsigned processors; /* 1..CPU_MAX */
	bool inline_agents;
	bool replay; /* the schedule `replay`, started from seed */
	uint64_t seed;
};

/* Makes the processors, not yet running: DPCs and threads may be queued. */
int cpu_init(const struct cpu_config *config);
/* Starts a host thread for each processor, but for those that were claimed. */
int cpu_start(void);
/* Stops all processors (each finishes what it runs, down to its idle fiber) and frees them. */
void cpu_fini(void);
unsigned cpu_count(void);
struct cpu *cpu_get(unsigned number);

/*
 * The calling host thread becomes processor `number`: serves interrupts, DPCs and threads and calls
 * poll at PASSIVE in the idle fiber between them, until poll returns false. poll returning true
 * means "go on". Before cpu_start the processor was claimed (cpu_start gives it no host thread: it
 * stands still while nobody runs it) or lent (its own host thread goes on with it whenever no other
 * is in cpu_run, which waits until the thread that runs there lets go).
 */
int cpu_claim(unsigned number);
int cpu_lend(unsigned number);
int cpu_run(unsigned number, bool (*poll)(void *arg), void *arg);

/*
 * Of a host thread that waits for something that the machine does: under replay it gives the
 * machine its host thread until is_over(arg), which may be called at any switch; under threads it
 * returns at once, and the caller waits as it likes.
 */
void cpu_host_drive(bool (*is_over)(void *arg), void *arg);

/* ---- a crash ---- */

/* The calling processor does nothing any more, at whatever IRQL; it is for a machine whose process
 * ends without cpu_fini. */
void cpu_halt(void) __attribute__((noreturn));
/* At HIGH on a processor: all others do so, each at its next safepoint. False: one of them has not
 * come to any within a second. Once in a process. */
bool cpu_halt_others(void);

/* ---- replay ---- */

bool cpu_is_replayed(void);
/* The generator starts again, from seed: before anything has run. */
void cpu_replay_seed(uint64_t seed);
/* Safepoints passed so far. */
uint64_t cpu_replay_safepoints(void);

/* ---- faults: SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT belong to cpu/fault.c ---- */

/*
 * A range of addresses whose faults somebody handles (BARs): accesses to it, and what faults with
 * its instruction in it. handle returns true when the access has been carried out or the context
 * mended; false: it is a crash, at the place that the context has then. Registered for the
 * machine's life.
 */
typedef bool cpu_fault_fn(void *owner, uintptr_t address, void *ucontext);
int cpu_fault_range(uintptr_t base, uintptr_t size, cpu_fault_fn *handle, void *owner);
void cpu_fault_range_remove(uintptr_t base);
/* Asked about a fault that has no address: a privileged instruction, or an address that cannot be.
 * NULL: nobody. */
extern cpu_fault_fn *cpu_fault_privileged;

/*
 * Who writes the report of a crash that no range handled (machine/ does: driver, function, line,
 * SRB in flight). Called once, on the faulting stack or the alternate one, with everything still in
 * place; the process ends with status 1 after it returns. Async-signal-safe code, or careful code,
 * only.
 */
typedef void cpu_crash_fn(int signal, uintptr_t address, uintptr_t pc, void *ucontext);
extern cpu_crash_fn *cpu_crash_report;
int cpu_fault_init(void); /* installs the handlers (with an alternate stack); idempotent */

/* Ends the machine's process at once with a message: an error of the machine itself or a bug check.
 * cpu_dead runs first, if set (flushes the report). */
void cpu_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
extern void (*cpu_dead)(const char *message);

#endif
