/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Interrupts: raised from anywhere, served at a safepoint of their processor (cpu.h).
 */
#include "cpu/processor.h"

enum { IDLE, PENDING };

static uint8_t target(const struct cpu_interrupt *interrupt)
{
	return atomic_load_explicit(&interrupt->cpu, memory_order_acquire);
}

/* Its processor, locked: it moves under this lock, so that who raises it is one at a time. */
static struct cpu_private *target_lock(struct cpu_interrupt *interrupt)
{
	for (;;) {
		uint8_t cpu = target(interrupt);
		struct cpu_private *p = cpu_private_get(cpu);

		if (unlikely(!p))
			cpu_die("interrupt for processor %u of %u", cpu, cpu_count());
		host_lock_acquire(&p->lock);
		if (likely(target(interrupt) == cpu))
			return p;
		host_lock_release(&p->lock);
	}
}

void cpu_interrupt_move(struct cpu_interrupt *interrupt, unsigned cpu)
{
	struct cpu_private *p = target_lock(interrupt);

	atomic_store_explicit(&interrupt->cpu, (uint8_t)cpu, memory_order_release);
	host_lock_release(&p->lock);
}

/* One that moved may be pending at its old processor, or enter there at this moment, under another
 * lock: so by exchange. */
static inline uint32_t interrupt_set(
	const struct cpu_private *p, struct cpu_interrupt *interrupt, uint32_t state)
{
	uint32_t before;

	if (unlikely(!p->cpu.alone))
		return atomic_exchange(&interrupt->state, state);
	before = atomic_load_explicit(&interrupt->state, memory_order_relaxed);
	atomic_store_explicit(&interrupt->state, state, memory_order_relaxed);
	return before;
}

/* Under the lock of its processor, in front of what *link leads to. */
static inline void interrupt_insert(
	struct cpu_private *p, struct cpu_interrupt *interrupt, struct cpu_interrupt **link)
{
	if (interrupt_set(p, interrupt, PENDING) != IDLE)
		return;
	interrupt->next = *link;
	*link = interrupt;
	waiting_add(p, interrupt->irql);
}

static inline void interrupt_enter(struct cpu_private *p, struct cpu_interrupt *interrupt)
{
	struct cpu_interrupt **link = &p->interrupt_first[interrupt->irql];

	while (unlikely(*link != NULL))
		link = &(*link)->next;
	interrupt_insert(p, interrupt, link);
}

/* Of another processor, from a host thread, or when somebody else gives this one something. */
static __attribute__((noinline)) void raise_other(struct cpu_interrupt *interrupt)
{
	struct cpu_private *p;

	if (unlikely(!cpu_irql_is_device(interrupt->irql)))
		cpu_die("interrupt at IRQL %u", interrupt->irql);
	p = target_lock(interrupt);
	interrupt_enter(p, interrupt);
	release_and_wake(p);
}

static __attribute__((noinline)) void raise_here(
	struct cpu_private *p, struct cpu_interrupt *interrupt)
{
	if (p->cpu.raised == interrupt)
		return; /* it is pending */
	if (unlikely(p->cpu.raised != NULL))
		cpu_interrupt_unhand(p);
	if (unlikely(target(interrupt) != p->cpu.number || !host_lock_try(&p->lock))) {
		raise_other(interrupt);
		return;
	}
	if (unlikely(target(interrupt) != p->cpu.number)) {
		host_lock_release(&p->lock);
		raise_other(interrupt);
		return;
	}
	interrupt_enter(p, interrupt);
	/* It does not sleep: it is here. */
	host_lock_release(&p->lock);
}

void cpu_interrupt_raise(struct cpu_interrupt *interrupt)
{
	struct cpu *cpu = cpu_self;

	if (unlikely(!cpu || !cpu_irql_is_device(interrupt->irql)))
		raise_other(interrupt);
	else if (!cpu_hands_interrupt(cpu) || !cpu_interrupt_hand(cpu, interrupt))
		raise_here(cpu_private_of(cpu), interrupt);
}

/* Takes the first of the highest IRQL that may interrupt now. */
static inline struct cpu_interrupt *interrupt_take(struct cpu_private *p)
{
	uint32_t waiting = atomic_load_explicit(&p->waiting, memory_order_relaxed);
	uint8_t irql = 31 - __builtin_clz(waiting);
	struct cpu_interrupt *interrupt = p->interrupt_first[irql];

	p->interrupt_first[irql] = interrupt->next;
	if (!interrupt->next)
		waiting_update(p, 0, 1u << irql);
	interrupt_set(p, interrupt, IDLE);
	atomic_store_explicit(&p->serving[irql], interrupt, memory_order_relaxed);
	return interrupt;
}

/* Called while something waits at a device's IRQL; only this processor takes it away. */
void cpu_interrupt_serve(struct cpu_private *p)
{
	struct cpu_interrupt *interrupt;
	uint8_t irql;

	if (unlikely(p->cpu.raised != NULL))
		cpu_interrupt_unhand(p);
	host_lock_acquire(&p->lock);
	interrupt = interrupt_take(p);
	host_lock_release(&p->lock);
	irql = interrupt->irql;
	cpu_interrupt_run(p, interrupt, p->cpu.irql);
	/* from here on the interrupt may be gone */
	atomic_store_explicit(&p->serving[irql], NULL, memory_order_release);
}

void cpu_interrupt_unhand(struct cpu_private *p)
{
	struct cpu_interrupt *interrupt = p->cpu.raised;

	p->cpu.raised = NULL;
	if (!hand_is_full(interrupt))
		return;
	host_lock_acquire(&p->lock);
	interrupt_insert(p, interrupt, &p->interrupt_first[interrupt->irql]);
	atomic_store_explicit(&p->cpu.answered, NULL, memory_order_relaxed);
	host_lock_release(&p->lock);
}

static bool interrupt_is_busy(struct cpu_private *p, struct cpu_interrupt *interrupt)
{
	bool is_busy;

	host_lock_acquire(&p->lock);
	is_busy = atomic_load_explicit(&interrupt->state, memory_order_relaxed) != IDLE ||
		  atomic_load_explicit(&p->serving[interrupt->irql], memory_order_acquire) ==
			  interrupt ||
		  atomic_load_explicit(&p->cpu.answered, memory_order_acquire) == interrupt;
	host_lock_release(&p->lock);
	return is_busy;
}

void cpu_interrupt_quiesce(struct cpu_interrupt *interrupt)
{
	/* One in a hand says so (answered) without a barrier before its service looks at anything.
	 */
	if (cpu_has_near)
		host_barrier_all();
	/* Wherever it has been before it moved. */
	for (unsigned n = 0; n < cpu_count(); n++)
		while (interrupt_is_busy(cpu_private_get(n), interrupt))
			cpu_relax();
}
