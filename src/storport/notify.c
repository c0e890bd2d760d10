/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * StorPortNotification: one handler for each notification type, in a table. The wrappers of
 * storport.h put a pointer for the result last. Before: ddi_stor_notify.c.
 */
#include "storport/notify.h"
#include "storport/dump.h"
#include "storport/os_table.h"
#include "nt/ke_dpc.h"
#include "nt/nt.h"
#include "trace/trace.h"

#define arg(list, type) ((type) * (list)++)

/* args: what follows the extension, a word each, where a caller with `...` has put it. */
typedef border_call void notify_fn(struct stor_adapter *adapter, const uint64_t *args);

static border_call __attribute__((cold, noinline)) void tell_no_srb(
	const struct stor_adapter *adapter, const void *srb)
{
	nt_violation(0, "RequestComplete: %p is no SRB of %s.", srb, adapter->hba.name);
}

border_call void stor_notify_complete(struct stor_adapter *adapter, void *srb)
{
	struct port_request *request = port_request_find(&adapter->hba.port, srb);

	if (likely(request != NULL))
		port_request_complete(request);
	else
		tell_no_srb(adapter, srb);
}

static border_call void complete(struct stor_adapter *adapter, const uint64_t *args)
{
	stor_notify_complete(adapter, arg(args, void *));
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

border_call void stor_notify_issue(
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

	stor_notify_issue(adapter, dpc, argument1, args);
}

static border_call __attribute__((cold, noinline)) void tell_no_lock(
	STOR_SPINLOCK kind, const void *context, PSTOR_LOCK_HANDLE handle)
{
	nt_violation(0, "StorPortAcquireSpinLock: lock %d, context %p, handle %p (LK-2).",
		(int)kind, context, (void *)handle);
	if (handle)
		handle->Lock = 0; /* so that its release is known for what it is */
}

border_call void stor_notify_lock(
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

	stor_notify_lock(adapter, kind, context, handle);
}

static border_call __attribute__((cold, noinline)) void tell_no_handle(PSTOR_LOCK_HANDLE handle)
{
	nt_violation(0, "StorPortReleaseSpinLock: handle %p is of no lock.", (void *)handle);
}

border_call void stor_notify_unlock(struct stor_adapter *adapter, PSTOR_LOCK_HANDLE handle)
{
	if (likely(handle && stor_lock_is_good(handle->Lock, handle->Context.LockQueue.Next)))
		stor_unlock(adapter, handle);
	else
		tell_no_handle(handle);
}

static border_call void release_lock(struct stor_adapter *adapter, const uint64_t *args)
{
	PSTOR_LOCK_HANDLE handle = arg(args, PSTOR_LOCK_HANDLE);

	stor_notify_unlock(adapter, handle);
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

/* one at a time. What has changed is looked at again, in a thread: with all that the adapter
 * has. */
static border_call void state_change(struct stor_adapter *adapter, const uint64_t *args)
{
	const ULONG known = STATE_CHANGE_LUN | STATE_CHANGE_TARGET | STATE_CHANGE_BUS;
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
	if (!address || address->Type != STOR_ADDRESS_TYPE_BTL8 || !entity || entity & ~known) {
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
	port_adapter_changed(&adapter->hba.port);
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
	for (unsigned n = 0; n < array_size(failure.more); n++) {
		failure.more[n].bytes = arg(args, ULONG);
		failure.more[n].data = arg(args, const UCHAR *);
	}
	status = arg(args, LONG *);
	*status = (LONG)stor_log_failure(adapter, &failure);
}

static border_call void service_time(struct stor_adapter *adapter, const uint64_t *args)
{
	ULONGLONG duration = arg(args, ULONGLONG);

	stor_log_service_time(adapter, duration, arg(args, const void *));
}

static border_call void query_tick_count(struct stor_adapter *adapter, const uint64_t *args)
{
	PLARGE_INTEGER count = arg(args, PLARGE_INTEGER);

	if (count)
		KeQueryTickCount(count);
	else
		nt_violation(0, "QueryTickCount: the pointer is NULL.");
}

#define DRIVER_OVERRAN_STACK_BUFFER 0xf7

static border_call void buffer_overrun(struct stor_adapter *adapter, const uint64_t *args)
{
	KeBugCheckEx(DRIVER_OVERRAN_STACK_BUFFER, 0, 0, 0, 0);
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
	[PLACE(QueryTickCount)] = query_tick_count,
	[PLACE(BufferOverrunDetected)] = buffer_overrun,
	[PLACE(EnablePassiveInitialization)] = enable_passive,
	[PLACE(InitializeDpc)] = initialize_dpc,
	[PLACE(InitializeThreadedDpc)] =
		initialize_dpc, /* may run at DISPATCH, and always does here */
	[PLACE(IssueDpc)] = issue_dpc,
	[PLACE(AcquireSpinLock)] = acquire_lock,
	[PLACE(ReleaseSpinLock)] = release_lock,
	[PLACE(StateChangeDetectedCall)] = state_change,
	[PLACE(IoTargetRequestServiceTime)] = service_time,
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

border_call void stor_notify(SCSI_NOTIFICATION_TYPE type, void *extension, const uint64_t *args)
{
	struct stor_adapter *adapter = stor_adapter_of(extension, "StorPortNotification");
	ULONG place = PLACE((ULONG)type);

	cpu_poll();
	if (unlikely(!adapter))
		return;
	if (likely(is_of_old(place)) || is_there(type, place))
		notifications[place](adapter, args);
}
