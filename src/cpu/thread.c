/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Kernel threads: fibers of one processor, which never leave it (cpu.h). A thread that gives the
 * processor away hands it to the next ready one directly, or to the idle fiber.
 */
#include "cpu/replay.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* Guards ends: a joiner sees the end only after whoever announces it has let go of both threads. */
static struct host_lock end_lock;

/* Under home's lock. */
static void ready_append(struct cpu_private *p, struct cpu_thread *thread)
{
	uint32_t count = atomic_load_explicit(&p->ready_count, memory_order_relaxed);

	thread->state = THREAD_READY;
	thread->next = NULL;
	if (p->ready_first)
		p->ready_last->next = thread;
	else
		p->ready_first = thread;
	p->ready_last = thread;
	atomic_store_explicit(&p->ready_count, count + 1, memory_order_relaxed);
	cpu_clock_slice();
}

static struct cpu_thread *ready_take(struct cpu_private *p)
{
	uint32_t count = atomic_load_explicit(&p->ready_count, memory_order_relaxed);
	struct cpu_thread *thread = p->ready_first;

	if (!thread)
		return NULL;
	p->ready_first = thread->next;
	atomic_store_explicit(&p->ready_count, count - 1, memory_order_relaxed);
	thread->state = THREAD_RUNNING;
	return thread;
}

/* After the thread that ended is off its stack: its owner may free it from here on. */
void cpu_thread_announce(struct cpu_private *p)
{
	struct cpu_thread *thread = p->departed;

	if (likely(!thread))
		return;
	p->departed = NULL;
	host_lock_acquire(&end_lock);
	if (thread->joiner)
		cpu_thread_unpark(thread->joiner);
	atomic_store_explicit(&thread->has_ended, 1, memory_order_release);
	host_lock_release(&end_lock);
	/* by address alone: the thread may be freed already, which a futex does not mind */
	host_futex_wake(&thread->has_ended, INT32_MAX);
}

/* From the current fiber to thread, or to the idle fiber; returns when somebody switches back. */
static void switch_to(struct cpu_private *p, struct cpu_thread *next, bool is_last)
{
	struct cpu_thread *thread = p->cpu.thread;
	struct fiber *from = thread ? &thread->fiber : &p->idle;
	uint32_t switches = atomic_load_explicit(&p->switches, memory_order_relaxed);
	bool is_in_dpc = p->cpu.is_in_dpc;
	uint8_t irql = p->cpu.irql;
	void *seh = p->cpu.seh;

	if (next == thread)
		return;
	cpu_agent_settle();
	cpu_hands_close(p);
	atomic_store_explicit(&p->switches, switches + 1, memory_order_relaxed);
	p->cpu.thread = next;
	p->cpu.is_in_dpc = false;
	p->cpu.irql = IRQL_PASSIVE;
	p->cpu.seh = NULL;
	fiber_switch(from, next ? &next->fiber : &p->idle, is_last);
	p->cpu.thread = thread;
	p->cpu.is_in_dpc = is_in_dpc;
	p->cpu.irql = irql;
	p->cpu.seh = seh;
	cpu_thread_announce(p);
}

bool cpu_thread_run_next(struct cpu_private *p)
{
	struct cpu_thread *next;

	if (!atomic_load_explicit(&p->ready_count, memory_order_relaxed))
		return false;
	host_lock_acquire(&p->lock);
	next = ready_take(p);
	host_lock_release(&p->lock);
	if (next)
		switch_to(p, next, false);
	return next != NULL;
}

void cpu_thread_yield(void)
{
	struct cpu_private *p = cpu_private_self();
	struct cpu_thread *thread, *next;

	if (!p) {
		sched_yield();
		return;
	}
	if (unlikely(p->cpu.irql > IRQL_PASSIVE))
		cpu_die("a thread yields at IRQL %u", p->cpu.irql);
	thread = p->cpu.thread;
	host_lock_acquire(&p->lock);
	waiting_update(p, 0, WAITING_PREEMPT);
	if (!p->ready_first && !(idle_has_turns(p) && thread)) {
		host_lock_release(&p->lock);
		return;
	}
	if (thread)
		ready_append(p, thread);
	/* a poll function takes part in the round */
	next = idle_has_turns(p) && thread ? NULL : ready_take(p);
	host_lock_release(&p->lock);
	switch_to(p, next, false);
}

static struct cpu_thread *self_waiting(struct cpu_private *p)
{
	if (unlikely(!p || !p->cpu.thread))
		cpu_die("a wait outside a kernel thread");
	if (unlikely(p->cpu.irql > IRQL_APC))
		cpu_die("thread %s waits at IRQL %u", p->cpu.thread->name, p->cpu.irql);
	return p->cpu.thread;
}

/* Whether the thread has to wait; then *next is who runs meanwhile. */
static bool park_begin(struct cpu_private *p, struct cpu_thread *thread, struct cpu_thread **next)
{
	bool has_token;

	host_lock_acquire(&p->lock);
	has_token = thread->has_token;
	thread->has_token = false;
	thread->is_timed_out = false;
	if (!has_token) {
		thread->state = THREAD_PARKED;
		*next = idle_has_turns(p) ? NULL : ready_take(p);
	}
	host_lock_release(&p->lock);
	return !has_token;
}

int cpu_thread_park(uint64_t timeout)
{
	struct cpu_private *p = cpu_private_self();
	struct cpu_thread *thread = self_waiting(p), *next;

	if (!park_begin(p, thread, &next)) {
		replay_alive();
		return 0;
	}
	/* it expires on this processor only: after the switch, and not while this thread runs again
	 */
	if (timeout != CPU_FOREVER)
		cpu_timer_set(&thread->timer, timeout, 0);
	switch_to(p, next, false);
	if (timeout != CPU_FOREVER)
		cpu_timer_cancel(&thread->timer);
	if (thread->is_timed_out)
		return -ETIMEDOUT;
	replay_alive();
	return 0;
}

void cpu_thread_unpark(struct cpu_thread *thread)
{
	struct cpu_private *p = thread->home;

	host_lock_acquire(&p->lock);
	if (thread->state == THREAD_PARKED)
		ready_append(p, thread);
	else
		thread->has_token = true;
	release_and_wake(p);
}

static void park_expired(struct cpu_timer *timer)
{
	struct cpu_thread *thread = container_of(timer, struct cpu_thread, timer);
	struct cpu_private *p = thread->home;

	host_lock_acquire(&p->lock);
	if (thread->state == THREAD_PARKED) {
		thread->is_timed_out = true;
		ready_append(p, thread);
	}
	release_and_wake(p);
}

static void thread_main(void *arg)
{
	struct cpu_thread *thread = arg;

	cpu_thread_announce(thread->home);
	replay_alive();
	thread->fn(thread->ctx);
	cpu_thread_exit();
}

struct cpu_thread *cpu_thread_new(void (*fn)(void *ctx), void *ctx, unsigned cpu, const char *name)
{
	struct cpu_private *p = cpu_private_get(cpu);
	struct cpu_thread *thread = p ? calloc(1, sizeof(*thread)) : NULL;

	if (!thread)
		return NULL;
	if (fiber_init(&thread->fiber, thread_main, thread)) {
		free(thread);
		return NULL;
	}
	thread->home = p;
	thread->fn = fn;
	thread->ctx = ctx;
	thread->timer.fn = park_expired;
	thread->timer.cpu = cpu;
	snprintf(thread->name, sizeof(thread->name), "%s", name);
	host_lock_acquire(&p->lock);
	ready_append(p, thread);
	release_and_wake(p);
	return thread;
}

void cpu_thread_exit(void)
{
	struct cpu_private *p = cpu_private_self();
	struct cpu_thread *thread = self_waiting(p), *next;

	if (unlikely(p->cpu.irql != IRQL_PASSIVE))
		cpu_die("thread %s ended at IRQL %u", thread->name, p->cpu.irql);
	p->departed = thread;
	host_lock_acquire(&p->lock);
	thread->state = THREAD_ENDED;
	next = idle_has_turns(p) ? NULL : ready_take(p);
	host_lock_release(&p->lock);
	switch_to(p, next, true);
	__builtin_unreachable();
}

static bool thread_has_ended(struct cpu_thread *thread, struct cpu_thread *joiner)
{
	bool has_ended;

	host_lock_acquire(&end_lock);
	has_ended = atomic_load_explicit(&thread->has_ended, memory_order_acquire);
	thread->joiner = joiner;
	host_lock_release(&end_lock);
	return has_ended;
}

static bool thread_is_over(void *arg)
{
	struct cpu_thread *thread = arg;

	return atomic_load_explicit(&thread->has_ended, memory_order_acquire);
}

void cpu_thread_join(struct cpu_thread *thread)
{
	struct cpu *cpu = cpu_self;

	if (unlikely(cpu && cpu->thread == thread))
		cpu_die("thread %s waits for its own end", thread->name);
	if (unlikely(cpu && cpu->irql > IRQL_APC))
		cpu_die("a wait for the end of thread %s at IRQL %u", thread->name, cpu->irql);
	if (!cpu)
		cpu_host_drive(thread_is_over, thread);
	while (!thread_has_ended(thread, cpu ? cpu->thread : NULL)) {
		if (!cpu)
			host_futex_wait(&thread->has_ended, 0, HOST_NEVER);
		else if (cpu->thread)
			cpu_thread_park(CPU_FOREVER);
		else
			cpu_relax(); /* the idle fiber's poll function */
	}
}

void cpu_thread_free(struct cpu_thread *thread)
{
	if (!thread)
		return;
	if (unlikely(
		    cpu_count() && !atomic_load_explicit(&thread->has_ended, memory_order_acquire)))
		cpu_die("thread %s is freed before its end", thread->name);
	fiber_fini(&thread->fiber);
	free(thread);
}

const char *cpu_thread_name(const struct cpu_thread *thread)
{
	return thread->name;
}
