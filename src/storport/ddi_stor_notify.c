/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * StorPortNotification: where it begins. The types that each request passes have short ways here,
 * which do what notify.c does where nothing is out of the ordinary.
 */
#define DRY_MODULE "storport.sys"
#include "storport/notify.h"
#include "port/now.h"
#include "port/take.h"
#include "nt/ke_dpc.h"
#include "util/export.h"

static inline struct stor_adapter *near_of(const void *extension)
{
	return (struct stor_adapter *)port_hba_near(extension);
}

/* Where nothing is pending; else NULL. */
static inline struct stor_adapter *undisturbed_of(const void *extension)
{
	return likely(!cpu_is_due()) ? near_of(extension) : NULL;
}

/* stor_notify_issue of a DPC that is handed over (cpu_agent_answer): not in crash-dump mode, where
 * nothing is, nor where something is due. `locks` here and below: cpu_inner_locks (cpu.h). False,
 * here and below: it is not so, or no adapter at its place, and nothing was done. */
path_inline bool issue_at_once(
	const void *extension, PSTOR_DPC dpc, PVOID argument1, const uint64_t *more, bool locks)
{
	const struct port_hba *hba = port_hba_near(extension);
	struct cpu *cpu = cpu_here;

	if (unlikely(!hba || hba->phase == PORT_HBA_STOPPED || !ke_dpc_is_one((PKDPC)dpc)))
		return false;
	if (unlikely(!cpu_dpc_hand_as(cpu, &((struct ke_dpc *)dpc)->dpc, argument1, (PVOID)more[0],
		    locks ? cpu->alone : true)))
		return false;
	*(LONG *)more[1] = TRUE;
	return true;
}

static inline struct cpu_spinlock *own_lock(
	struct stor_adapter *adapter, STOR_SPINLOCK kind, PVOID context)
{
	if (likely(kind == StartIoLock))
		return &adapter->startio_lock.lock;
	return kind == DpcLock && context ? (struct cpu_spinlock *)&((PSTOR_DPC)context)->Lock
					  : NULL;
}

/* What stor_lock and stor_unlock do with a StartIo or DPC lock at DISPATCH. On one processor what
 * is due may come when the lock is free again. */
path_inline bool lock_at_once(const void *extension, STOR_SPINLOCK kind, PVOID context,
	PSTOR_LOCK_HANDLE handle, bool locks)
{
	struct stor_adapter *adapter = near_of(extension);
	struct cpu_spinlock *lock;
	struct cpu *cpu = cpu_here;

	if (unlikely(!adapter))
		return false;
	lock = own_lock(adapter, kind, context);
	if (unlikely(!lock || !handle || cpu->irql != IRQL_DISPATCH ||
		     (locks && cpu_is_due_on(cpu))))
		return false;
	handle->Lock = kind;
	handle->Context.LockQueue.Next = context;
	handle->Context.OldIrql = IRQL_DISPATCH;
	if (!locks)
		return cpu_spin_acquire_free_as(cpu, lock, true);
	return likely(kind == StartIoLock)
		       ? cpu_home_acquire_free(cpu, container_of(lock, struct cpu_home_lock, lock))
		       : cpu_spin_acquire_free(cpu, lock);
}

path_inline bool unlock_at_once(const void *extension, PSTOR_LOCK_HANDLE handle)
{
	struct stor_adapter *adapter = near_of(extension);
	struct cpu_spinlock *lock;
	struct cpu *cpu = cpu_here;

	if (unlikely(!adapter || !handle))
		return false;
	lock = own_lock(adapter, handle->Lock, handle->Context.LockQueue.Next);
	return likely(
		lock && handle->Context.OldIrql == IRQL_DISPATCH && cpu->irql == IRQL_DISPATCH &&
		atomic_load_explicit(&cpu->pending_irql, memory_order_relaxed) <= IRQL_DISPATCH &&
		cpu_spin_release_above(cpu, lock));
}

/* Where a callee may keep its first argument, the type, from `more` on: what its caller has on the
 * stack. */
#define TYPE (-4)

path_inline void notify_words(
	SCSI_NOTIFICATION_TYPE type, void *extension, uint64_t a0, uint64_t a1, uint64_t *more)
{
	more[-2] = a0;
	more[-1] = a1;
	stor_notify(type, extension, more - 2);
	/* not its last deed: then that would have this frame, where the words are */
	atomic_signal_fence(memory_order_seq_cst);
}

/*
 * The types that a driver's interrupt ends with, and its DPC routine begins and ends with, and the
 * one that each request does: each has a short way, and another for all that is not ordinary, which
 * gets its words where they stand. `more` is what it has on the stack.
 */
static border_call __attribute__((noinline)) void complete_other(
	SCSI_NOTIFICATION_TYPE type, const void *extension, void *srb)
{
	struct stor_adapter *adapter = undisturbed_of(extension);

	if (likely(adapter && cpu_inner_locks) &&
		port_complete_among(&adapter->hba.port, srb, cpu_self))
		return;
	if (unlikely(!adapter)) {
		adapter = stor_adapter_of(extension, "StorPortNotification");
		cpu_poll();
	}
	if (likely(adapter != NULL))
		stor_notify_complete(adapter, srb);
}

path_inline bool complete_at_once(const void *extension, void *srb)
{
	struct port_request *now = port_now_of(extension);

	if (unlikely(!now || cpu_is_due()))
		return false;
	/* Mostly one at a time is out, or many: the branch is foreseen, and what comes after it
	 * need not wait until the pointer has come all the way through the driver. */
	if (unlikely(now->srb != srb))
		now = port_request_find(now->adapter, srb);
	return likely(now && port_complete_at_once(now));
}

static border_call __attribute__((noinline)) void issue_other(
	uint64_t *more, void *extension, uint64_t a0, uint64_t a1)
{
	struct stor_adapter *adapter;

	if (cpu_inner_locks &&
		likely(issue_at_once(extension, (PSTOR_DPC)a0, (PVOID)a1, more, true)))
		return;
	adapter = undisturbed_of(extension);
	if (likely(adapter != NULL))
		stor_notify_issue(adapter, (PSTOR_DPC)a0, (PVOID)a1, more);
	else
		notify_words(IssueDpc, extension, a0, a1, more);
}

static border_call __attribute__((noinline)) void acquire_other(
	uint64_t *more, void *extension, uint64_t a0, uint64_t a1)
{
	PSTOR_LOCK_HANDLE handle = (PSTOR_LOCK_HANDLE)more[0];
	struct stor_adapter *adapter;

	if (cpu_inner_locks &&
		likely(lock_at_once(extension, (STOR_SPINLOCK)a0, (PVOID)a1, handle, true)))
		return;
	adapter = undisturbed_of(extension);
	if (likely(adapter != NULL))
		stor_notify_lock(adapter, (STOR_SPINLOCK)a0, (PVOID)a1, handle);
	else
		notify_words(AcquireSpinLock, extension, a0, a1, more);
}

static border_call __attribute__((noinline)) void release_other(
	uint64_t *more, void *extension, uint64_t a0)
{
	struct stor_adapter *adapter = undisturbed_of(extension);

	if (likely(adapter != NULL))
		stor_notify_unlock(adapter, (PSTOR_LOCK_HANDLE)a0);
	else
		notify_words(ReleaseSpinLock, extension, a0, 0, more);
}

static border_call __attribute__((noinline)) void rare(
	uint64_t *more, void *extension, uint64_t a0, uint64_t a1)
{
	notify_words((SCSI_NOTIFICATION_TYPE)more[TYPE], extension, a0, a1, more);
}

/*
 * Drivers know it with `...` after the extension. To its caller that is the same: all are words,
 * the first four in registers and the others on the stack, above the four places where a callee may
 * keep the first. As a function of four it keeps them in registers; the others are read, by types
 * that have them, where such a caller's frame ends. Types that are rare have theirs laid down
 * beside those. It has no frame itself: all that it calls it ends with.
 */
VOID NTAPI stor_notification(SCSI_NOTIFICATION_TYPE type, PVOID extension, uint64_t a0,
	uint64_t a1) __asm__("StorPortNotification");

#ifdef __clang__
__attribute__((no_sanitize("function"))) /* its callers know it as another type */
#endif
VOID NTAPI
stor_notification(SCSI_NOTIFICATION_TYPE type, PVOID extension, uint64_t a0, uint64_t a1)
{
	uint64_t *more = (uint64_t *)__builtin_dwarf_cfa() + 4;

	if (likely(type == RequestComplete)) {
		if (unlikely(!complete_at_once(extension, (void *)a0)))
			complete_other(type, extension, (void *)a0);
	} else if (likely((ULONG)type == AcquireSpinLock)) {
		if (unlikely(cpu_inner_locks ||
			     !lock_at_once(extension, (STOR_SPINLOCK)a0, (PVOID)a1,
				     (PSTOR_LOCK_HANDLE)more[0], false)))
			acquire_other(more, extension, a0, a1);
	} else if (likely((ULONG)type == ReleaseSpinLock)) {
		if (unlikely(!unlock_at_once(extension, (PSTOR_LOCK_HANDLE)a0)))
			release_other(more, extension, a0);
	} else if (likely((ULONG)type == IssueDpc)) {
		if (unlikely(cpu_inner_locks ||
			     !issue_at_once(extension, (PSTOR_DPC)a0, (PVOID)a1, more, false)))
			issue_other(more, extension, a0, a1);
	} else {
		more[TYPE] = (ULONG)type;
		rare(more, extension, a0, a1);
	}
}
DRY_EXPORT_AS(StorPortNotification, stor_notification)
