/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The DPC, StartIo and interrupt locks of an adapter (4.2, LK-1 … LK-9). A lock taken twice by one
 * processor would hang a real machine; here the run ends and names the driver's line.
 */
#include "storport/storport_adapter.h"
#include "nt/nt.h"

static const char *const lock_name[] = {
	"no", "DPC", "StartIo", "interrupt", "threaded DPC", "DPC-level"};

static const char *place(void)
{
	const char *text = nt_driver_place ? nt_driver_place() : NULL;

	return text ? text : "an unknown place";
}

static border_call __attribute__((cold, noinline, noreturn)) void die_deadlocked(
	const struct stor_adapter *adapter, STOR_SPINLOCK kind)
{
	cpu_die("%s takes the %s lock while it holds it, at %s: a deadlock on Windows (LK-1).",
		adapter->hba.name, lock_name[kind], place());
}

static inline void check_not_held(
	const struct stor_adapter *adapter, const struct cpu_spinlock *lock, STOR_SPINLOCK kind)
{
	/* the word is looked at first: a free lock is nobody's */
	if (unlikely(atomic_load_explicit(&lock->word, memory_order_relaxed) != 0) &&
		cpu_spin_is_held(lock))
		die_deadlocked(adapter, kind);
}

static inline void take_home(
	struct stor_adapter *adapter, struct cpu_home_lock *lock, STOR_SPINLOCK kind)
{
	check_not_held(adapter, &lock->lock, kind);
	cpu_home_acquire(lock);
}

static border_call __attribute__((cold, noinline)) void tell_not_held(
	const struct stor_adapter *adapter, STOR_SPINLOCK kind)
{
	nt_violation(0, "%s releases the %s lock, which it does not hold, at %s.",
		adapter->hba.name, lock_name[kind], place());
}

/* StorPortSpinLock: no release of a lock that is not held. */
static inline bool may_release(
	struct stor_adapter *adapter, const struct cpu_spinlock *lock, STOR_SPINLOCK kind)
{
	if (likely(cpu_spin_is_held(lock)))
		return true;
	tell_not_held(adapter, kind);
	return false;
}

/* ---- the interrupt lock ---- */

uint8_t stor_message_lock(struct stor_adapter *adapter, unsigned message)
{
	uint8_t irql = cpu_irql_raise(max_of(cpu_irql(), (uint8_t)STOR_DIRQL));

	take_home(adapter, &adapter->vectors[message].lock, InterruptLock);
	return irql;
}

bool stor_message_unlock(struct stor_adapter *adapter, unsigned message, uint8_t irql)
{
	struct cpu_spinlock *lock = &adapter->vectors[message].lock.lock;

	if (!may_release(adapter, lock, InterruptLock))
		return false;
	cpu_spin_release(lock);
	cpu_irql_lower(irql);
	return true;
}

/* The locks that make the interrupt lock: of all messages, or one. */
static unsigned interrupt_locks(struct stor_adapter *adapter)
{
	return adapter->per_message ? adapter->messages : 1;
}

static struct cpu_home_lock *interrupt_lock(struct stor_adapter *adapter, unsigned n)
{
	return adapter->per_message ? &adapter->vectors[n].lock : &adapter->interrupt_lock;
}

border_call uint8_t stor_interrupt_lock(struct stor_adapter *adapter)
{
	uint8_t irql = cpu_irql_raise(max_of(cpu_irql(), (uint8_t)STOR_DIRQL));

	for (unsigned n = 0; n < interrupt_locks(adapter); n++)
		take_home(adapter, interrupt_lock(adapter, n), InterruptLock);
	return irql;
}

border_call void stor_interrupt_unlock(struct stor_adapter *adapter, uint8_t irql)
{
	for (unsigned n = interrupt_locks(adapter); n-- > 0;)
		cpu_spin_release(&interrupt_lock(adapter, n)->lock);
	cpu_irql_lower(irql);
}

/* ---- those that miniports name ---- */

static struct cpu_spinlock *lock_of(struct stor_adapter *adapter, STOR_SPINLOCK kind, void *context)
{
	if (kind == StartIoLock)
		return &adapter->startio_lock.lock;
	if (kind == InterruptLock)
		return &interrupt_lock(adapter, 0)->lock;
	return (struct cpu_spinlock *)&((PSTOR_DPC)context)->Lock;
}

/* Of StartIoLock and DpcLock. */
static inline void take_kind(struct stor_adapter *adapter, STOR_SPINLOCK kind, void *context)
{
	struct cpu_spinlock *lock;

	if (kind == StartIoLock) {
		take_home(adapter, &adapter->startio_lock, kind);
		return;
	}
	lock = lock_of(adapter, kind, context);
	check_not_held(adapter, lock, kind);
	cpu_spin_acquire(lock);
}

static border_call __attribute__((cold, noinline)) void tell_too_high(
	const struct stor_adapter *adapter, STOR_SPINLOCK kind)
{
	nt_violation(0, "%s takes the %s lock at IRQL %u (4.2).", adapter->hba.name,
		lock_name[kind], cpu_irql());
}

/* The interrupt lock, or not at DISPATCH. */
static border_call __attribute__((noinline)) void lock_other(
	struct stor_adapter *adapter, STOR_SPINLOCK kind, void *context, PSTOR_LOCK_HANDLE handle)
{
	uint8_t irql = cpu_irql();

	handle->Context.OldIrql = irql;
	if (kind == InterruptLock) {
		stor_interrupt_lock(adapter);
		return;
	}
	if (irql < IRQL_DISPATCH)
		cpu_irql_raise(IRQL_DISPATCH);
	else if (unlikely(irql > IRQL_DISPATCH && !adapter->is_dump))
		tell_too_high(adapter, kind);
	take_kind(adapter, kind, context);
}

border_call void stor_lock(
	struct stor_adapter *adapter, STOR_SPINLOCK kind, void *context, PSTOR_LOCK_HANDLE handle)
{
	handle->Lock = kind;
	handle->Context.LockQueue.Next = context;
	if (unlikely(kind == InterruptLock || cpu_irql() != IRQL_DISPATCH)) {
		lock_other(adapter, kind, context, handle);
		return;
	}
	handle->Context.OldIrql = IRQL_DISPATCH;
	take_kind(adapter, kind, context);
}

static border_call __attribute__((noinline)) void unlock_other(
	struct stor_adapter *adapter, PSTOR_LOCK_HANDLE handle)
{
	uint8_t irql = handle->Context.OldIrql;
	struct cpu_spinlock *lock = lock_of(adapter, handle->Lock, handle->Context.LockQueue.Next);

	if (!may_release(adapter, lock, handle->Lock))
		return;
	if (handle->Lock == InterruptLock) {
		stor_interrupt_unlock(adapter, irql);
		return;
	}
	cpu_spin_release(lock);
	if (irql <= IRQL_DISPATCH)
		cpu_irql_lower(irql);
}

border_call void stor_unlock(struct stor_adapter *adapter, PSTOR_LOCK_HANDLE handle)
{
	struct cpu_spinlock *lock = lock_of(adapter, handle->Lock, handle->Context.LockQueue.Next);

	if (unlikely(handle->Lock == InterruptLock || handle->Context.OldIrql != IRQL_DISPATCH ||
		     cpu_irql() != IRQL_DISPATCH || !cpu_spin_is_held(lock))) {
		unlock_other(adapter, handle);
		return;
	}
	cpu_spin_release(lock);
	cpu_poll();
}
