/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * StorPortNotification: one handler for each notification type, in a table. The wrappers of
 * storport.h put a pointer for the result last.
 */
#define DRY_MODULE "storport.sys"
#include "storport/dump.h"
#include "storport/os_table.h"
#include "port/now.h"
#include "port/take.h"
#include "nt/ke_dpc.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "util/export.h"

#define arg(list, type) ((type) * (list)++)

/* args: what follows the extension, a word each, where a caller with `...` has put it. */
typedef border_call void notify_fn(struct stor_adapter *adapter, const uint64_t *args);

static border_call __attribute__((cold, noinline)) void tell_no_srb(
	const struct stor_adapter *adapter, const void *srb)
{
	nt_violation(0, "RequestComplete: %p is no SRB of %s.", srb, adapter->hba.name);
}

static inline void complete_srb(struct stor_adapter *adapter, void *srb)
{
	struct port_request *request = port_request_find(&adapter->hba.port, srb);

	if (likely(request != NULL))
		port_request_complete(request);
	else
		tell_no_srb(adapter, srb);
}

static border_call void complete(struct stor_adapter *adapter, const uint64_t *args)
{
	complete_srb(adapter, arg(args, void *));
}

static const char no_timer[] = "nothing is served but the request that is polled for";
static const char no_dpc[] =
	"there are no DPCs; what one would do is to be done in HwStorInterrupt";

/* SB-15: the miniport completes its requests itself; the port lets the bus settle. */
static border_call void reset_detected(struct stor_adapter *adapter, const uint64_t *args)
{
	if (unlikely(adapter->is_dump))
		return;
	port_adapter_pause(&adapter->hba.port, 1);
}

/* T-1 */
static border_call void request_timer(struct stor_adapter *adapter, const uint64_t *args)
{
	PHW_TIMER routine = (PHW_TIMER)arg(args, void *);
	ULONG microseconds = arg(args, ULONG);

	if (stor_dump_refuses(adapter, "RequestTimerCall", no_timer))
		return;
	if (microseconds && !routine)
		nt_violation(0, "RequestTimerCall without a HW_TIMER routine (StorPortTimer).");
	else
		port_hba_timer(&adapter->hba, routine, microseconds);
}

/* */
static border_call void link_up(struct stor_adapter *adapter, const uint64_t *args)
{
	if (likely(!adapter->is_dump))
		port_adapter_resume(&adapter->hba.port);
}

static border_call void link_down(struct stor_adapter *adapter, const uint64_t *args)
{
	if (likely(!adapter->is_dump))
		port_adapter_pause(&adapter->hba.port, adapter->hba.entries.link_down_seconds);
}

/* Units are looked for again, in a thread. */
static border_call void bus_changed(struct stor_adapter *adapter, const uint64_t *args)
{
	trace(TRACE_STATE_CHANGE, STATE_CHANGE_BUS, 0, 0);
	port_adapter_changed(&adapter->hba.port);
}

static border_call void ignored(struct stor_adapter *adapter, const uint64_t *args)
{
}

static border_call void enable_passive(struct stor_adapter *adapter, const uint64_t *args)
{
	PHW_PASSIVE_INITIALIZE_ROUTINE routine = (PHW_PASSIVE_INITIALIZE_ROUTINE)arg(args, void *);
	LONG *result = arg(args, LONG *);

	*result = FALSE;
	if (stor_dump_refuses(adapter, "StorPortEnablePassiveInitialization",
		    "nothing ever runs at PASSIVE_LEVEL"))
		return;
	if (adapter->hba.phase != PORT_HBA_INITIALIZING || !routine) {
		nt_violation(0, "StorPortEnablePassiveInitialization outside HwStorInitialize "
				"(StorPortEnablePassive).");
		return;
	}
	adapter->passive_init = routine;
	*result = TRUE;
}

static border_call void initialize_dpc(struct stor_adapter *adapter, const uint64_t *args)
{
	PSTOR_DPC dpc = arg(args, PSTOR_DPC);
	PHW_DPC_ROUTINE routine = (PHW_DPC_ROUTINE)arg(args, void *);

	if (stor_dump_refuses(adapter, "StorPortInitializeDpc", no_dpc))
		return;
	if (!dpc || !routine) {
		nt_violation(0, "StorPortInitializeDpc: a pointer is NULL.");
		return;
	}
	stor_dpc_init(adapter, dpc, routine);
}

static border_call __attribute__((cold, noinline)) void issue_refused(
	struct stor_adapter *adapter, LONG *result)
{
	*result = FALSE;
	if (adapter->is_dump)
		stor_dump_refuses(adapter, "StorPortIssueDpc", no_dpc);
}

/* more: the second argument, and where the result goes. */
static border_call __attribute__((noinline)) void issue(
	struct stor_adapter *adapter, PSTOR_DPC dpc, PVOID argument1, const uint64_t *more)
{
	LONG *result = (LONG *)more[1];

	/* LK-10 */
	if (unlikely(adapter->is_dump) || unlikely(adapter->hba.phase == PORT_HBA_STOPPED))
		issue_refused(adapter, result);
	else
		*result = ke_dpc_insert((PKDPC)dpc, argument1, (PVOID)more[0]);
}

static border_call void issue_dpc(struct stor_adapter *adapter, const uint64_t *args)
{
	PSTOR_DPC dpc = arg(args, PSTOR_DPC);
	PVOID argument1 = arg(args, PVOID);

	issue(adapter, dpc, argument1, args);
}

/* The same of a DPC that is handed over (cpu_agent_answer): not in crash-dump mode, which has none
 * that an interrupt might come after. */
path_inline bool issue_at_once(struct stor_adapter *adapter, struct cpu *cpu, PSTOR_DPC dpc,
	PVOID argument1, const uint64_t *more)
{
	if (unlikely(adapter->hba.phase == PORT_HBA_STOPPED || !ke_dpc_is_one((PKDPC)dpc) ||
		     !cpu_dpc_hand(cpu, &((struct ke_dpc *)dpc)->dpc, argument1, (PVOID)more[0])))
		return false;
	*(LONG *)more[1] = TRUE;
	return true;
}

static border_call __attribute__((cold, noinline)) void tell_no_lock(
	STOR_SPINLOCK kind, const void *context, PSTOR_LOCK_HANDLE handle)
{
	nt_violation(0, "StorPortAcquireSpinLock: lock %d, context %p, handle %p (LK-2).",
		(int)kind, context, (void *)handle);
	if (handle)
		handle->Lock = 0; /* so that its release is known for what it is */
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
		     cpu->irql != IRQL_DISPATCH ||
		     atomic_load_explicit(&lock->word, memory_order_relaxed) != cpu->spin_mark))
		return false;
	atomic_store_explicit(&lock->word, 0, memory_order_release);
	cpu_poll_by(cpu);
	return true;
}

static border_call __attribute__((noinline)) void lock(
	struct stor_adapter *adapter, STOR_SPINLOCK kind, PVOID context, PSTOR_LOCK_HANDLE handle)
{
	/* The other kinds are for StorPortAcquireSpinLockEx. */
	if (likely(handle && kind <= InterruptLock && stor_lock_is_good(kind, context)))
		stor_lock(adapter, kind, context, handle);
	else
		tell_no_lock(kind, context, handle);
}

static border_call void acquire_lock(struct stor_adapter *adapter, const uint64_t *args)
{
	STOR_SPINLOCK kind = arg(args, STOR_SPINLOCK);
	PVOID context = arg(args, PVOID);
	PSTOR_LOCK_HANDLE handle = arg(args, PSTOR_LOCK_HANDLE);

	lock(adapter, kind, context, handle);
}

static border_call __attribute__((cold, noinline)) void tell_no_handle(PSTOR_LOCK_HANDLE handle)
{
	nt_violation(0, "StorPortReleaseSpinLock: handle %p is of no lock.", (void *)handle);
}

static border_call __attribute__((noinline)) void unlock(
	struct stor_adapter *adapter, PSTOR_LOCK_HANDLE handle)
{
	if (likely(handle && stor_lock_is_good(handle->Lock, handle->Context.LockQueue.Next)))
		stor_unlock(adapter, handle);
	else
		tell_no_handle(handle);
}

static border_call void release_lock(struct stor_adapter *adapter, const uint64_t *args)
{
	PSTOR_LOCK_HANDLE handle = arg(args, PSTOR_LOCK_HANDLE);

	unlock(adapter, handle);
}

static void state_changed(struct cpu_dpc *dpc)
{
	struct stor_adapter *adapter = dpc->ctx;
	struct stor_state_change *change = &adapter->state_change;
	PHW_STATE_CHANGE routine = change->routine;
	STOR_ADDR_BTL8 address = change->address;
	PVOID context = change->context;

	/* From here on the next one may be told, and its DPC run on another processor. */
	atomic_store(&change->pending, false);
	stor_callback_enter(&adapter->hba);
	routine(adapter->hba.extension, context, (SHORT)address.Type, &address,
		STOR_STATUS_SUCCESS);
	stor_callback_leave(&adapter->hba, "HwStorStateChange");
}

/* one at a time. */
static border_call void state_change(struct stor_adapter *adapter, const uint64_t *args)
{
	struct stor_state_change *change = &adapter->state_change;
	ULONG entity = arg(args, ULONG);
	PSTOR_ADDR_BTL8 address = arg(args, PVOID);
	ULONG attributes = arg(args, ULONG);
	PHW_STATE_CHANGE routine = (PHW_STATE_CHANGE)arg(args, void *);
	PVOID context = arg(args, PVOID);
	LONG *status = arg(args, LONG *);

	if (stor_dump_refuses(adapter, "StorPortStateChangeDetected", no_timer)) {
		*status = (LONG)STOR_STATUS_NOT_IMPLEMENTED;
		return;
	}
	if (!address || address->Type != STOR_ADDRESS_TYPE_BTL8) {
		*status = (LONG)STOR_STATUS_INVALID_PARAMETER;
		return;
	}
	if (routine && atomic_exchange(&change->pending, true)) {
		*status = (LONG)STOR_STATUS_UNSUCCESSFUL;
		return;
	}
	*status = STOR_STATUS_SUCCESS;
	trace(TRACE_STATE_CHANGE, entity, address->Path << 16 | address->Target << 8 | address->Lun,
		attributes);
	if (!routine)
		return;
	change->routine = routine;
	change->context = context;
	change->address = *address;
	change->dpc.fn = state_changed;
	change->dpc.ctx = adapter;
	change->dpc.cpu = CPU_HERE;
	cpu_dpc_queue(&change->dpc, NULL, NULL);
}

static border_call void async_notification(struct stor_adapter *adapter, const uint64_t *args)
{
	PSTOR_ADDRESS address = arg(args, PSTOR_ADDRESS);
	ULONGLONG flags = arg(args, ULONGLONG);
	LONG *status = arg(args, LONG *);

	*status = (LONG)STOR_STATUS_NOT_IMPLEMENTED;
	if (stor_dump_refuses(adapter, "StorPortAsyncNotificationDetected", no_timer))
		return;
	*status = (LONG)stor_async_notification(adapter, address, flags);
}

/* That a failed device is to be removed is heard, and it stays: see CAVEATS. */
static border_call void mark_failed(struct stor_adapter *adapter, const uint64_t *args)
{
	struct stor_failure failure = {.address = arg(args, PSTOR_ADDRESS)};
	LONG *status;

	failure.flags = arg(args, ULONG);
	failure.text = arg(args, PCWSTR);
	status = arg(args, LONG *);
	*status = (LONG)stor_log_failure(adapter, &failure);
}

static border_call void mark_failed_ex(struct stor_adapter *adapter, const uint64_t *args)
{
	struct stor_failure failure = {.address = arg(args, PSTOR_ADDRESS)};
	LONG *status;

	failure.flags = arg(args, ULONG);
	failure.code = arg(args, ULONG);
	failure.text = arg(args, PCWSTR);
	/* additional and critical data, each with its size before it */
	for (unsigned n = 0; n < 4; n++)
		(void)arg(args, PVOID);
	status = arg(args, LONG *);
	*status = (LONG)stor_log_failure(adapter, &failure);
}

static border_call void terminate_thread(struct stor_adapter *adapter, const uint64_t *args)
{
	stor_thread_terminate(adapter, arg(args, PVOID));
}

/* The types are 0 to 15, and from 0x1000 on; any other has no place. */
#define NO_PLACE    0xffff
#define PLACE(type) ((type) < 16 ? (type) : (type) < 0x1000 ? NO_PLACE : (type)-0x1000 + 16)

static notify_fn *const notifications[] = {
	[PLACE(RequestComplete)] = complete,
	[PLACE(NextRequest)] = ignored, /* */
	[PLACE(NextLuRequest)] = ignored,
	[PLACE(ResetDetected)] = reset_detected,
	[PLACE(RequestTimerCall)] = request_timer,
	[PLACE(BusChangeDetected)] = bus_changed,
	[PLACE(WMIEvent)] = ignored,
	[PLACE(WMIReregister)] = ignored,
	[PLACE(LinkUp)] = link_up,
	[PLACE(LinkDown)] = link_down,
	[PLACE(EnablePassiveInitialization)] = enable_passive,
	[PLACE(InitializeDpc)] = initialize_dpc,
	[PLACE(InitializeThreadedDpc)] =
		initialize_dpc, /* may run at DISPATCH, and always does here */
	[PLACE(IssueDpc)] = issue_dpc,
	[PLACE(AcquireSpinLock)] = acquire_lock,
	[PLACE(ReleaseSpinLock)] = release_lock,
	[PLACE(StateChangeDetectedCall)] = state_change,
	[PLACE(AsyncNotificationDetected)] = async_notification,
	[PLACE(MarkDeviceFailed)] = mark_failed,
	[PLACE(MarkDeviceFailedEx)] = mark_failed_ex,
	[PLACE(TerminateSystemThread)] = terminate_thread,
};

/* It is there in every release. */
static inline bool is_of_old(ULONG place)
{
	return place < PLACE(StateChangeDetectedCall) && notifications[place];
}

/* A type from StateChangeDetectedCall on is there by the release that is played; where it is not,
 * the wrapper answers STOR_STATUS_NOT_IMPLEMENTED. */
static border_call __attribute__((noinline)) bool is_there(SCSI_NOTIFICATION_TYPE type, ULONG place)
{
	if (place >= PLACE(StateChangeDetectedCall) && !stor_os_notification_is_there((ULONG)type))
		return false;
	if (place < array_size(notifications) && notifications[place])
		return true;
	nt_violation(0, "StorPortNotification: type %#x is not implemented.", (unsigned)type);
	return false;
}

static border_call __attribute__((noinline)) void notify(
	SCSI_NOTIFICATION_TYPE type, void *extension, const uint64_t *args)
{
	struct stor_adapter *adapter = stor_adapter_of(extension, "StorPortNotification");
	ULONG place = PLACE((ULONG)type);

	cpu_poll();
	if (unlikely(!adapter))
		return;
	if (likely(is_of_old(place)) || is_there(type, place))
		notifications[place](adapter, args);
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
	notify(type, extension, more - 2);
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
		complete_srb(adapter, srb);
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
		issue(first, (PSTOR_DPC)a0, (PVOID)a1, more);
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
		lock(first, (STOR_SPINLOCK)a0, (PVOID)a1, (PSTOR_LOCK_HANDLE)more[0]);
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
		unlock(first, (PSTOR_LOCK_HANDLE)a0);
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
