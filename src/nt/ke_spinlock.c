/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Ke: executive spin locks. A KSPIN_LOCK is a cpu_spinlock; an in-stack queued lock is the same
 * lock with the caller's handle remembering lock and IRQL (the queue's fairness is not modelled).
 */
#include "nt/nt_check.h"
#include "util/export.h"

_Static_assert(
	sizeof(KSPIN_LOCK) == sizeof(struct cpu_spinlock), "a KSPIN_LOCK holds a cpu_spinlock");

static struct cpu_spinlock *lock_of(PKSPIN_LOCK lock)
{
	return (struct cpu_spinlock *)lock;
}

/* The SpinLock rule. Taking it again would spin for ever on a PC; cpu/ ends the process at once. */
static void check_recursion(const char *routine, PKSPIN_LOCK lock)
{
	if (unlikely(cpu_spin_is_held(lock_of(lock))))
		nt_violation(NT_C4(NT_RULE_SPIN_LOCK),
			"%s of a spin lock that this processor holds already: a deadlock", routine);
}

/* Whether the lock may be released; if it is not held it must not be touched. */
static bool check_release(const char *routine, uint64_t rule, PKSPIN_LOCK lock)
{
	if (likely(cpu_spin_is_held(lock_of(lock))))
		return true;
	nt_violation(NT_C4(rule), "%s of a spin lock that this processor does not hold", routine);
	return false;
}

static KIRQL acquire_raise(const char *routine, PKSPIN_LOCK lock)
{
	uint8_t old = nt_processor(routine)->irql;

	cpu_poll();
	/* 0xC4/42. At a device's IRQL the lock is taken there: lowering would be worse. */
	nt_irql_max(routine, IRQL_DISPATCH, NT_C4(0x42));
	if (old < IRQL_DISPATCH)
		cpu_irql_raise(IRQL_DISPATCH);
	check_recursion(routine, lock);
	cpu_spin_acquire(lock_of(lock));
	return old;
}

/* code: the 0xC4 number for a wrong IRQL. Whatever is wrong, at the end the IRQL is `to` or lower.
 */
static void release_lower(
	const char *routine, uint64_t code, uint64_t rule, PKSPIN_LOCK lock, KIRQL to)
{
	uint8_t irql = nt_processor(routine)->irql;

	if (unlikely(irql != IRQL_DISPATCH))
		nt_violation(NT_C4(code), "%s called at IRQL %u (%s); it must be DISPATCH_LEVEL",
			routine, irql, nt_irql_name(irql));
	if (unlikely(irql < IRQL_DISPATCH))
		cpu_irql_raise(IRQL_DISPATCH);
	if (check_release(routine, rule, lock))
		cpu_spin_release(lock_of(lock));
	if (unlikely(to > max_of(irql, IRQL_DISPATCH))) {
		nt_violation(NT_C4(0x31), "%s is to lower the IRQL to %u (%s), at IRQL %u (%s)",
			routine, to, nt_irql_name(to), irql, nt_irql_name(irql));
		to = irql;
	}
	cpu_irql_lower(min_of(to, irql));
}

static void acquire_here(const char *routine, PKSPIN_LOCK lock)
{
	uint8_t old = nt_processor(routine)->irql;

	cpu_poll();
	check_recursion(routine, lock);
	if (likely(old >= IRQL_DISPATCH)) {
		cpu_spin_acquire(lock_of(lock));
		return;
	}
	/* 0xC4/40. The lock is then held below DISPATCH, as on a PC; only cpu/ never sees it taken
	 * there. */
	nt_violation(NT_C4(0x40),
		"%s called at IRQL %u (%s); it must be at or above DISPATCH_LEVEL", routine, old,
		nt_irql_name(old));
	cpu_irql_raise(IRQL_DISPATCH);
	cpu_spin_acquire(lock_of(lock));
	cpu_irql_lower(old);
}

static void release_here(const char *routine, uint64_t rule, PKSPIN_LOCK lock)
{
	uint8_t irql = nt_processor(routine)->irql;

	if (unlikely(irql < IRQL_DISPATCH)) {
		nt_violation(NT_C4(0x41),
			"%s called at IRQL %u (%s); it must be at or above DISPATCH_LEVEL", routine,
			irql, nt_irql_name(irql));
		cpu_irql_raise(IRQL_DISPATCH);
	}
	if (check_release(routine, rule, lock))
		cpu_spin_release(lock_of(lock));
	if (unlikely(irql < IRQL_DISPATCH))
		cpu_irql_lower(irql);
	cpu_poll();
}

VOID NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
	*SpinLock = 0;
}
DRY_EXPORT(KeInitializeSpinLock)

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
	return acquire_raise("KeAcquireSpinLock", SpinLock);
}
DRY_EXPORT(KeAcquireSpinLockRaiseToDpc)

VOID NTAPI KeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql)
{
	/* OldIrql may be shared data that the lock protects: written only with the lock held. */
	*OldIrql = acquire_raise("KeAcquireSpinLock", SpinLock);
}
DRY_EXPORT(KeAcquireSpinLock)

VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
	release_lower("KeReleaseSpinLock", 0x32, NT_RULE_SPIN_RELEASE, SpinLock, NewIrql);
}
DRY_EXPORT(KeReleaseSpinLock)

VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
	acquire_here("KeAcquireSpinLockAtDpcLevel", SpinLock);
}
DRY_EXPORT(KeAcquireSpinLockAtDpcLevel)

VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
{
	release_here("KeReleaseSpinLockFromDpcLevel", NT_RULE_SPIN_RELEASE, SpinLock);
}
DRY_EXPORT(KeReleaseSpinLockFromDpcLevel)

BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
	uint8_t irql = nt_processor("KeTryToAcquireSpinLockAtDpcLevel")->irql;

	cpu_poll();
	if (unlikely(irql < IRQL_DISPATCH)) {
		nt_violation(NT_C4(0x40),
			"KeTryToAcquireSpinLockAtDpcLevel called at IRQL %u (%s); it must be at or "
			"above "
			"DISPATCH_LEVEL",
			irql, nt_irql_name(irql));
		return FALSE;
	}
	return cpu_spin_try(lock_of(SpinLock));
}
DRY_EXPORT(KeTryToAcquireSpinLockAtDpcLevel)

BOOLEAN NTAPI KeTestSpinLock(PKSPIN_LOCK SpinLock)
{
	cpu_poll();
	return atomic_load_explicit(&lock_of(SpinLock)->word, memory_order_relaxed) == 0;
}
DRY_EXPORT(KeTestSpinLock)

/* ---- in-stack queued locks ---- */

VOID NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
	KIRQL old = acquire_raise("KeAcquireInStackQueuedSpinLock", SpinLock);

	LockHandle->LockQueue.Next = NULL;
	LockHandle->LockQueue.Lock = SpinLock;
	LockHandle->OldIrql = old;
}
DRY_EXPORT(KeAcquireInStackQueuedSpinLock)

/* The lock of a handle in use, NULL if it is not: Lock is cleared by the release. */
static PKSPIN_LOCK handle_lock(const char *routine, PKLOCK_QUEUE_HANDLE handle)
{
	PKSPIN_LOCK lock = handle->LockQueue.Lock;

	if (unlikely(!lock))
		nt_violation(NT_C4(NT_RULE_QUEUED_RELEASE), "%s of a handle that holds no lock",
			routine);
	handle->LockQueue.Lock = NULL;
	return lock;
}

VOID NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
	static const char routine[] = "KeReleaseInStackQueuedSpinLock";
	KIRQL old = LockHandle->OldIrql;
	PKSPIN_LOCK lock = handle_lock(routine, LockHandle);

	if (lock)
		release_lower(routine, 0x36, NT_RULE_QUEUED_RELEASE, lock, old);
}
DRY_EXPORT(KeReleaseInStackQueuedSpinLock)

VOID NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(
	PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
	acquire_here("KeAcquireInStackQueuedSpinLockAtDpcLevel", SpinLock);
	LockHandle->LockQueue.Next = NULL;
	LockHandle->LockQueue.Lock = SpinLock;
	LockHandle->OldIrql = cpu_irql();
}
DRY_EXPORT(KeAcquireInStackQueuedSpinLockAtDpcLevel)

VOID NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
	static const char routine[] = "KeReleaseInStackQueuedSpinLockFromDpcLevel";
	PKSPIN_LOCK lock = handle_lock(routine, LockHandle);

	if (lock)
		release_here(routine, NT_RULE_QUEUED_RELEASE, lock);
}
DRY_EXPORT(KeReleaseInStackQueuedSpinLockFromDpcLevel)
