/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The host's side of cpu/ (host.h).
 */
#include "cpu/cpu.h"
#include "cpu/host.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_MAX 20000 /* ns */
#define SPIN_MIN 1000

static _Atomic int awake;

void host_pause_for_thread(unsigned *tries)
{
	if (++*tries % 128 == 0)
		sched_yield();
	else
		host_pause();
}

border_call void host_lock_wait(struct host_lock *lock)
{
	unsigned tries = 0;

	do {
		while (atomic_load_explicit(&lock->word, memory_order_relaxed))
			host_pause_for_thread(&tries);
	} while (atomic_exchange_explicit(&lock->word, 1, memory_order_acquire));
}

/* ---- barriers ---- */

bool host_barrier_is_dear;
static bool are_several;

static bool membarrier_register(void)
{
	return !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
}

void host_barrier_init(bool several)
{
	are_several = several;
	host_barrier_is_dear = several && !membarrier_register();
}

void host_barrier_all(void)
{
	__builtin_ia32_mfence();
	if (are_several && !host_barrier_is_dear &&
		unlikely(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)))
		cpu_die("membarrier, which has worked so far, fails: %s", strerror(errno));
}

/* ---- owned locks ---- */

/* Who is out has `others`, and is no longer out when he gives it back. */
border_call void host_owned_wait(struct host_owned *lock)
{
	do {
		atomic_store_explicit(&lock->is_in, 0, memory_order_release);
		host_lock_acquire(&lock->others);
		host_lock_release(&lock->others);
		atomic_store_explicit(&lock->is_in, 1, memory_order_relaxed);
		host_barrier_light();
	} while (atomic_load_explicit(&lock->is_out, memory_order_acquire));
}

static struct host_owned *owned_at(struct host_owned *first, unsigned n, size_t stride)
{
	return (struct host_owned *)(void *)((char *)first + n * stride);
}

static void wait_for_owner(const struct host_owned *lock)
{
	unsigned tries = 0;

	while (atomic_load_explicit(&lock->is_in, memory_order_acquire))
		host_pause_for_thread(&tries);
}

void host_owned_enter(struct host_owned *first, unsigned count, size_t stride)
{
	for (unsigned n = 0; n < count; n++) {
		host_lock_acquire(&owned_at(first, n, stride)->others);
		atomic_store_explicit(&owned_at(first, n, stride)->is_out, 1, memory_order_relaxed);
	}
	host_barrier_all();
	for (unsigned n = 0; n < count; n++)
		wait_for_owner(owned_at(first, n, stride));
}

void host_owned_leave(struct host_owned *first, unsigned count, size_t stride)
{
	for (unsigned n = 0; n < count; n++) {
		atomic_store_explicit(&owned_at(first, n, stride)->is_out, 0, memory_order_release);
		host_lock_release(&owned_at(first, n, stride)->others);
	}
}

uint64_t host_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void host_futex_wait(_Atomic uint32_t *word, uint32_t value, uint64_t until)
{
	struct timespec limit = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

	/* the bitset form takes an absolute time */
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
		until == HOST_NEVER ? NULL : &limit, NULL, FUTEX_BITSET_MATCH_ANY);
}

border_call void host_futex_wake(_Atomic uint32_t *word, int threads)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, threads, NULL, NULL, 0);
}

int host_thread_start(pthread_t *thread, void *(*fn)(void *), void *arg, const char *name)
{
	sigset_t blocked, before;
	int err;

	/* a host program's handlers run on its own threads, never on a kernel stack */
	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGILL);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGABRT);
	sigdelset(&blocked, SIGTRAP);
	sigdelset(&blocked, SIGPROF);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	err = pthread_create(thread, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(*thread, name);
	return -err;
}

void host_awake_add(int change)
{
	atomic_fetch_add_explicit(&awake, change, memory_order_relaxed);
}

static int host_cores(void)
{
	static _Atomic int cores;
	int count = atomic_load_explicit(&cores, memory_order_relaxed);
	cpu_set_t set;

	if (count)
		return count;
	count = sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
	atomic_store_explicit(&cores, count, memory_order_relaxed);
	return count;
}

bool host_may_spin(void)
{
	return atomic_load_explicit(&awake, memory_order_relaxed) <= host_cores();
}

bool host_spin(struct host_spin *spin, bool (*is_over)(void *arg), void *arg)
{
	uint64_t end;

	if (!host_may_spin())
		return is_over(arg);
	if (!spin->budget)
		spin->budget = SPIN_MAX;
	end = host_clock() + spin->budget;
	do {
		for (int i = 0; i < 8; i++) {
			if (is_over(arg)) {
				spin->budget = min_of(spin->budget * 2, SPIN_MAX);
				return true;
			}
			host_pause();
		}
	} while (host_clock() < end);
	spin->budget = max_of(spin->budget / 2, SPIN_MIN);
	return false;
}
