/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The clock: the machine's time, and a host thread that tells processors of due timers and of
 * used-up time slices. It sleeps until the next timer; slices are looked at only while more threads
 * than one have wanted a processor lately.
 */
#include "cpu/replay.h"

#include <sys/prctl.h>
#include <time.h>

#define SLICE	   10000000ull /* ns */
#define IDLE_TICKS 100	       /* without use for slices before the ticks end */

/* Seconds from 1601-01-01 to 1970-01-01. */
#define WINDOWS_EPOCH 11644473600ull
/* 2026-01-01, when every replayed machine starts. */
#define REPLAY_EPOCH 1767225600ull

static uint64_t started;

static struct host_lock lock;
static _Atomic uint64_t wake_at;   /* when the clock looks again, HOST_NEVER while it looks */
static _Atomic uint32_t is_asleep; /* futex */
static bool is_stopping, is_running;
static pthread_t host_thread;

static _Atomic bool has_ticks;
static uint64_t next_tick;
static unsigned idle_ticks;
static uint32_t switches_seen[CPU_MAX];

uint64_t cpu_clock(void)
{
	if (unlikely(replay_is_on))
		return replay_clock();
	return host_clock() - started;
}

uint64_t cpu_system_time(void)
{
	struct timespec now;

	if (replay_is_on)
		return (REPLAY_EPOCH + WINDOWS_EPOCH) * 10000000 + replay_clock() / 100;
	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec + WINDOWS_EPOCH) * 10000000 + now.tv_nsec / 100;
}

void cpu_stall(uint64_t ns)
{
	uint64_t start = cpu_clock();

	do {
		if (replay_is_on)
			replay_relax(start + ns);
		else
			cpu_relax_in_stall();
	} while (cpu_clock() - start < ns);
}

void cpu_clock_expect(uint64_t due)
{
	bool wakes = false;

	if (replay_is_on) {
		replay_expect(due);
		return;
	}
	if (atomic_load_explicit(&wake_at, memory_order_relaxed) <= due)
		return;
	host_lock_acquire(&lock);
	if (atomic_load_explicit(&wake_at, memory_order_relaxed) > due) {
		atomic_store_explicit(&wake_at, due, memory_order_relaxed);
		wakes = atomic_exchange_explicit(&is_asleep, 0, memory_order_relaxed);
	}
	host_lock_release(&lock);
	if (wakes)
		host_futex_wake(&is_asleep, 1);
}

void cpu_clock_slice(void)
{
	if (likely(atomic_load_explicit(&has_ticks, memory_order_relaxed)) || replay_is_on)
		return;
	if (!atomic_exchange_explicit(&has_ticks, true, memory_order_relaxed))
		cpu_clock_expect(cpu_clock() + SLICE);
}

/* Under the processor's lock, as ready_append is: see ticks_end. */
static bool slice_end(struct cpu_private *p)
{
	uint32_t switches = atomic_load_explicit(&p->switches, memory_order_relaxed);
	bool is_wanted;

	host_lock_acquire(&p->lock);
	is_wanted = atomic_load_explicit(&p->ready_count, memory_order_relaxed) != 0;
	if (is_wanted && switches == switches_seen[p->cpu.number])
		waiting_update(p, WAITING_PREEMPT, 0);
	host_lock_release(&p->lock);
	switches_seen[p->cpu.number] = switches;
	return is_wanted;
}

static bool slices_end(void)
{
	bool is_wanted = false;

	for (unsigned i = 0; i < cpu_count(); i++)
		is_wanted |= slice_end(cpu_private_get(i));
	return is_wanted;
}

/* Returns when the next tick is to come. */
static uint64_t tick(uint64_t now)
{
	if (!atomic_load_explicit(&has_ticks, memory_order_relaxed)) {
		next_tick = 0;
		return HOST_NEVER;
	}
	if (!next_tick) {
		idle_ticks = 0;
		next_tick = now + SLICE;
	}
	if (now < next_tick)
		return next_tick;
	next_tick = now + SLICE;
	idle_ticks = slices_end() ? 0 : idle_ticks + 1;
	if (idle_ticks < IDLE_TICKS)
		return next_tick;
	/* who becomes ready after this sees no ticks; who did before is seen by the look after it
	 */
	atomic_store_explicit(&has_ticks, false, memory_order_relaxed);
	next_tick = 0;
	if (slices_end())
		cpu_clock_slice();
	return tick(now);
}

uint64_t cpu_clock_look(void)
{
	uint64_t now = cpu_clock(), due, next = cpu_timer_scan(now, &due);

	for (; due; due &= due - 1) {
		struct cpu_private *p = cpu_private_get(__builtin_ctzll(due));

		host_lock_acquire(&p->lock);
		p->timers_due = true;
		waiting_update(p, WAITING_DPC, 0);
		release_and_wake(p);
	}
	return min_of(next, tick(now));
}

static void *clock_main(void *arg)
{
	/* else the host may add 50 us to every sleep */
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	host_lock_acquire(&lock);
	while (!is_stopping) {
		uint64_t next;

		/* whoever arms a timer during the look lowers wake_at */
		atomic_store_explicit(&wake_at, HOST_NEVER, memory_order_relaxed);
		host_lock_release(&lock);
		next = cpu_clock_look();
		host_lock_acquire(&lock);
		next = min_of(next, atomic_load_explicit(&wake_at, memory_order_relaxed));
		atomic_store_explicit(&wake_at, next, memory_order_relaxed);
		if (is_stopping)
			break;
		atomic_store_explicit(&is_asleep, 1, memory_order_relaxed);
		host_lock_release(&lock);
		host_futex_wait(&is_asleep, 1, next == HOST_NEVER ? HOST_NEVER : next + started);
		host_lock_acquire(&lock);
		atomic_store_explicit(&is_asleep, 0, memory_order_relaxed);
	}
	host_lock_release(&lock);
	return NULL;
}

void cpu_clock_init(void)
{
	started = host_clock();
	is_stopping = false;
	atomic_store(&wake_at, 0); /* nobody to wake yet */
	atomic_store(&has_ticks, false);
	next_tick = 0;
}

int cpu_clock_start(void)
{
	int err;

	if (replay_is_on)
		return 0;
	err = host_thread_start(&host_thread, clock_main, NULL, "dryport-clock");

	is_running = !err;
	return err;
}

void cpu_clock_stop(void)
{
	bool wakes;

	if (!is_running)
		return;
	host_lock_acquire(&lock);
	is_stopping = true;
	wakes = atomic_exchange_explicit(&is_asleep, 0, memory_order_relaxed);
	host_lock_release(&lock);
	if (wakes)
		host_futex_wake(&is_asleep, 1);
	pthread_join(host_thread, NULL);
	is_running = false;
}
