/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Dispatcher objects: what a thread can wait for. All begin with a DISPATCHER_HEADER, whose Type
 * says which they are (values of our own, so that memory nobody initialised is not taken for an
 * event). One lock, ke_lock, guards every state, every list of waiters and every KTIMER of the
 * machine: nothing of it is in the I/O path. ke_wait.c is the heart; ke_event.c ke_mutex.c
 * ke_timer.c and ps_thread.c change states under the lock and call ke_signal.
 */
#ifndef DRY_NT_KE_OBJECT_H
#define DRY_NT_KE_OBJECT_H

#include "nt/nt.h"
#include "nt/nt_lock.h"

enum ke_type {
	KE_EVENT_NOTIFICATION = 0xE1,
	KE_EVENT_SYNCHRONIZATION,
	KE_SEMAPHORE,
	KE_MUTEX,
	KE_TIMER_NOTIFICATION,
	KE_TIMER_SYNCHRONIZATION,
	KE_THREAD,
	KE_TYPES_END
};

extern struct nt_lock ke_lock;

void ke_object_init(DISPATCHER_HEADER *object, enum ke_type type, LONG state);
/* Whether it was initialised as one of the types first..last; else a violation naming routine and
 * noun. */
bool ke_object_check(const DISPATCHER_HEADER *object, enum ke_type first, enum ke_type last,
	const char *routine, const char *noun);

/* ke_lock held: gives the object's new state to whom it satisfies, in the order of their coming. */
void ke_signal(DISPATCHER_HEADER *object);

/*
 * A wait of the calling thread. blocks: room for count KWAIT_BLOCKs. Returns the documented status;
 * STATUS_INVALID_PARAMETER after the violation for an object that never was initialised. A wait
 * with a time other than 0 at or above DISPATCH is a bug check 0xC4/3B.
 */
NTSTATUS ke_wait(const char *routine, ULONG count, PVOID objects[], bool all,
	const LARGE_INTEGER *timeout, KWAIT_BLOCK *blocks);

/* A documented time-out as a moment: relative on cpu_clock, absolute on the system time. */
struct ke_deadline {
	bool never, absolute;
	uint64_t at; /* ns of cpu_clock, or 100 ns of system time */
};
struct ke_deadline ke_deadline_from(const LARGE_INTEGER *timeout);
/* ns that are left: 0 when it has passed, CPU_FOREVER. */
uint64_t ke_deadline_left(const struct ke_deadline *deadline);

#endif
