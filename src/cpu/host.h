/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What cpu/ needs of the host: futexes, host threads, the monotonic clock, and a tiny lock for
 * critical sections of a few instructions that contain no safepoint.
 */
#ifndef DRY_CPU_HOST_H
#define DRY_CPU_HOST_H

#include "util/common.h"
#include <pthread.h>
#include <stdatomic.h>

#define HOST_NEVER (~0ull)

static inline void host_pause(void)
{
	__builtin_ia32_pause();
}

/* In a loop that waits for a few instructions of another host thread's, which may have lost its
 * core. */
void host_pause_for_thread(unsigned *tries);

struct host_lock {
	_Atomic uint32_t word;
};

border_call void host_lock_wait(struct host_lock *lock);

static inline void host_lock_acquire(struct host_lock *lock)
{
	if (unlikely(atomic_exchange_explicit(&lock->word, 1, memory_order_acquire)))
		host_lock_wait(lock);
}

static inline bool host_lock_try(struct host_lock *lock)
{
	return !atomic_exchange_explicit(&lock->word, 1, memory_order_acquire);
}

static inline void host_lock_release(struct host_lock *lock)
{
	atomic_store_explicit(&lock->word, 0, memory_order_release);
}

/*
 * Two threads each say something and then look whether the other has said anything: one of them
 * must see the other. It takes a barrier between the words and the look of both, unless the one who
 * rarely comes makes that of the other, too: host_barrier_all is a barrier in every thread of the
 * process (membarrier(2), some microseconds), and host_barrier_light is nothing but the order in
 * which the compiler leaves things. Where the kernel has no such call both are true barriers.
 */
extern bool host_barrier_is_dear __attribute__((visibility("hidden")));
/* Before any of these; several: threads that meet so. */
void host_barrier_init(bool several);
void host_barrier_all(void);

static inline void host_barrier_light(void)
{
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(host_barrier_is_dear))
		__builtin_ia32_mfence();
}

/*
 * A lock that its owner, one thread, takes again and again, and others hardly ever: he needs no
 * atomic exchange for it. Like host_lock otherwise.
 */
struct host_owned {
	_Atomic uint32_t is_in;	 /* the owner, or he is about to look at is_out */
	_Atomic uint32_t is_out; /* another, or he is about to look at is_in */
	struct host_lock others;
};

border_call void host_owned_wait(struct host_owned *lock);

static inline void host_owned_acquire(struct host_owned *lock)
{
	atomic_store_explicit(&lock->is_in, 1, memory_order_relaxed);
	host_barrier_light();
	if (unlikely(atomic_load_explicit(&lock->is_out, memory_order_acquire)))
		host_owned_wait(lock);
}

static inline void host_owned_release(struct host_owned *lock)
{
	atomic_store_explicit(&lock->is_in, 0, memory_order_release);
}

/* Any thread, the owner too. `count` of them, `stride` bytes apart, as one lock. */
void host_owned_enter(struct host_owned *first, unsigned count, size_t stride);
void host_owned_leave(struct host_owned *first, unsigned count, size_t stride);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t host_clock(void);

/* Sleeps while *word is value, until host_clock() reaches `until` at the latest. May return early.
 */
void host_futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t until);
border_call void host_futex_wake(_Atomic uint32_t *word, int threads);

/* A host thread with all signals blocked but those of faults. 0 or -errno. */
int host_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg, const char *name);

/*
 * Host threads of the machine that are awake: spinning before sleep helps only while each of them
 * can have a core of its own.
 */
void host_awake_add(int change);
bool host_may_spin(void);

/* How long one waiter spins before it sleeps: long while that has been worth it. */
struct host_spin {
	uint32_t budget; /* ns; 0 at first */
};

/* Spins until is_over(arg) or the budget is used up; returns whether it is over. */
bool host_spin(struct host_spin *spin, bool (*is_over)(void *arg), void *arg);

#endif
