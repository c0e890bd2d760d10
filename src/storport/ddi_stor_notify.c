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

/* stor_notify_issue of a DPC that is handed over (cpu_agent_answer): not in crash-dump mode, where
 * nothing is. */
path_inline bool issue_at_once(struct stor_adapter *adapter, struct cpu *cpu, PSTOR_DPC dpc,
	PVOID argument1, const uint64_t *more)
{
	if (unlikely(adapter->hba.phase == PORT_HBA_STOPPED || !ke_dpc_is_one((PKDPC)dpc) ||
		     !cpu_dpc_hand(cpu, &((struct ke_dpc *)dpc)->dpc, argument1, (PVOID)more[0])))
		return false;
	*(LONG *)more[1] = TRUE;
	return true;
}

/* What stor_lock and stor_unlock do with a StartIo or DPC lock at DISPATCH. False: it is not so,
 * and nothing was done. */
static inline struct cpu_spinlock *own_lock(
	struct stor_adapter *adapter, STOR_SPINLOCK kind, PVOID context)
{
	if (kind == StartIoLock)
		return &adapter->startio_lock;
	return kind == DpcLock && context ? (struct cpu_spinlock *)&((PSTOR_DPC)context)->Lock
					  : NULL;
}

path_inline bool lock_at_once(struct stor_adapter *adapter, struct cpu *cpu, STOR_SPINLOCK kind,
	PVOID context, PSTOR_LOCK_HANDLE handle)
{
	struct cpu_spinlock *lock = own_lock(adapter, kind, context);

	if (unlikely(!lock || !handle || cpu->irql != IRQL_DISPATCH))
		return false;
	handle->Lock = kind;
	handle->Context.LockQueue.Next = context;
	handle->Context.OldIrql = IRQL_DISPATCH;
	return cpu_spin_acquire_free(cpu, lock);
}

path_inline bool unlock_at_once(
	struct stor_adapter *adapter, struct cpu *cpu, PSTOR_LOCK_HANDLE handle)
{
	struct cpu_spinlock *lock = likely(handle != NULL) ? own_lock(adapter, handle->Lock,
								     handle->Context.LockQueue.Next)
							   : NULL;

	if (unlikely(!lock || handle->Context.OldIrql != IRQL_DISPATCH ||
		     cpu->irql != IRQL_DISPATCH || !cpu_spin_release_above(cpu, lock)))
		return false;
	cpu_poll_by(cpu);
	return true;
}

/* Of the first adapter, where nothing is pending; else NULL. */
static inline struct stor_adapter *first_of(const struct cpu *cpu, const void *extension)
{
	struct port_hba *first = port_hba_if_first(extension);

	return likely(first && cpu && !cpu_is_due_on(cpu)) ? (struct stor_adapter *)first : NULL;
}

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
	struct cpu *cpu = cpu_self;
	struct stor_adapter *adapter = first_of(cpu, extension);

	if (likely(adapter && cpu_inner_locks) && port_complete_among(&adapter->hba.port, srb, cpu))
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
	const struct port_request *now = port_now_of(extension);

	return likely(now && !cpu_is_due() && port_complete_at_once(now->adapter, srb));
}

static border_call __attribute__((noinline)) void issue_other(
	uint64_t *more, void *extension, uint64_t a0, uint64_t a1)
{
	struct stor_adapter *first = first_of(cpu_self, extension);

	if (likely(first != NULL))
		stor_notify_issue(first, (PSTOR_DPC)a0, (PVOID)a1, more);
	else
		notify_words(IssueDpc, extension, a0, a1, more);
}

static border_call __attribute__((noinline)) void issue_from(
	uint64_t *more, void *extension, uint64_t a0, uint64_t a1)
{
	struct stor_adapter *first = (struct stor_adapter *)port_hba_if_first(extension);
	struct cpu *cpu = cpu_self;

	/* where something is due none is handed over */
	if (unlikely(!first || !cpu || !issue_at_once(first, cpu, (PSTOR_DPC)a0, (PVOID)a1, more)))
		issue_other(more, extension, a0, a1);
}

static border_call __attribute__((noinline)) void acquire_other(
	uint64_t *more, void *extension, uint64_t a0, uint64_t a1)
{
	struct stor_adapter *first = first_of(cpu_self, extension);

	if (likely(first != NULL))
		stor_notify_lock(first, (STOR_SPINLOCK)a0, (PVOID)a1, (PSTOR_LOCK_HANDLE)more[0]);
	else
		notify_words(AcquireSpinLock, extension, a0, a1, more);
}

static border_call __attribute__((noinline)) void acquire_from(
	uint64_t *more, void *extension, uint64_t a0, uint64_t a1)
{
	struct stor_adapter *first = (struct stor_adapter *)port_hba_if_first(extension);
	struct cpu *cpu = cpu_self;

	/* on one processor what is due may come when the lock is free again */
	if (unlikely(!first || !cpu || (cpu_inner_locks && (replay_is_on || cpu_is_due_on(cpu))) ||
		     !lock_at_once(
			     first, cpu, (STOR_SPINLOCK)a0, (PVOID)a1, (PSTOR_LOCK_HANDLE)more[0])))
		acquire_other(more, extension, a0, a1);
}

static border_call __attribute__((noinline)) void release_other(
	uint64_t *more, void *extension, uint64_t a0)
{
	struct stor_adapter *first = first_of(cpu_self, extension);

	if (likely(first != NULL))
		stor_notify_unlock(first, (PSTOR_LOCK_HANDLE)a0);
	else
		notify_words(ReleaseSpinLock, extension, a0, 0, more);
}

static border_call __attribute__((noinline)) void release_from(
	uint64_t *more, void *extension, uint64_t a0)
{
	struct stor_adapter *first = (struct stor_adapter *)port_hba_if_first(extension);
	struct cpu *cpu = cpu_self;

	/* under replay it is a safepoint of its own */
	if (unlikely(!first || !cpu || replay_is_on ||
		     !unlock_at_once(first, cpu, (PSTOR_LOCK_HANDLE)a0)))
		release_other(more, extension, a0);
}

/*
 * Drivers know it with `...` after the extension. To its caller that is the same: all are words,
 * the first four in registers and the others on the stack, above the four places where a callee may
 * keep the first. As a function of four it keeps them in registers; the others are read, by types
 * that have them, where such a caller's frame ends. Types that are rare have theirs laid down
 * beside those.
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
	} else if ((ULONG)type == AcquireSpinLock) {
		acquire_from(more, extension, a0, a1);
	} else if ((ULONG)type == ReleaseSpinLock) {
		release_from(more, extension, a0);
	} else if ((ULONG)type == IssueDpc) {
		issue_from(more, extension, a0, a1);
	} else {
		notify_words(type, extension, a0, a1, more);
	}
}
DRY_EXPORT_AS(StorPortNotification, stor_notification)
