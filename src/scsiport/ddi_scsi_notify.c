/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* ScsiPortNotification: one handler for each notification type, in a table. */
#define DRY_MODULE "scsiport.sys"
#include "scsiport/scsi_adapter.h"
#include "nt/nt.h"
#include "trace/trace.h"
#include "util/export.h"

#include <stdarg.h>

#define arg(list, type) __builtin_va_arg(list, type)

typedef void notify_fn(struct scsi_adapter *adapter, __builtin_ms_va_list args);

static void request_complete(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
	void *srb = arg(args, void *);
	struct port_request *request = port_request_find(&adapter->hba.port, srb);

	if (unlikely(!request)) {
		nt_violation(0, "RequestComplete: %p is no SRB of %s.", srb, adapter->hba.name);
		return;
	}
	if (unlikely(!scsi_request_of(adapter, request)->given)) {
		nt_violation(0xf1001003,
			"request %llu was completed while the miniport did not have it: a second "
			"time, maybe.",
			(unsigned long long)request->id);
		return;
	}
	scsi_request_complete(adapter, request);
}

/* A request may now be sent to any unit that has none. Under HwScsiStartIo who called that goes on
 * with the next one. */
static void next_request(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
	port_adapter_next(&adapter->hba.port, !adapter->in_startio);
}

static bool has_untagged(const struct scsi_adapter *adapter, const struct port_unit *unit)
{
	for (unsigned n = 0; adapter->untagged && n < PORT_SLOTS; n++)
		if (adapter->requests[n].given && adapter->requests[n].tag == SP_UNTAGGED &&
			adapter->hba.port.requests[n].unit == unit)
			return true;
	return false;
}

/* And to this unit, though it may have one. */
static void next_unit_request(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
	UCHAR path = (UCHAR)arg(args, int);
	UCHAR target = (UCHAR)arg(args, int);
	UCHAR lun = (UCHAR)arg(args, int);
	struct port_unit *unit = port_unit_find(&adapter->hba.port, path, target, lun);

	if (!unit)
		nt_violation(0, "NextLuRequest: %s has no unit %u:%u:%u.", adapter->hba.name, path,
			target, lun);
	else if (unlikely(has_untagged(adapter, unit)))
		nt_violation(0xf1001005,
			"NextLuRequest: an untagged request of unit %u:%u:%u is active, %s has not "
			"completed it.",
			path, target, lun, adapter->hba.name);
	else
		port_unit_next(unit);
	port_adapter_next(&adapter->hba.port, !adapter->in_startio);
}

/* SB-15: the miniport completes its requests itself; the port lets the bus settle. */
static void reset_detected(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
	port_adapter_pause(&adapter->hba.port, 1);
}

static void request_timer(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
	PHW_TIMER routine = (PHW_TIMER)arg(args, void *);
	ULONG microseconds = arg(args, ULONG);

	if (microseconds && !routine)
		nt_violation(0, "RequestTimerCall without a HwScsiTimer routine.");
	else
		port_hba_timer(&adapter->hba, routine, microseconds);
}

static void deferred_set(struct scsi_adapter *adapter, bool is_deferred)
{
	bool held = cpu_spin_is_held(&adapter->interrupt_lock);
	uint8_t irql = held ? 0 : scsi_interrupt_lock(adapter);

	adapter->is_deferred = is_deferred;
	if (!held)
		scsi_interrupt_unlock(adapter, irql);
}

static void enabled_run(struct cpu_dpc *dpc)
{
	struct scsi_adapter *adapter = dpc->ctx;

	cpu_spin_acquire(&adapter->dispatch_lock);
	atomic_load (&adapter->enabled_routine)(adapter->hba.extension);
	port_hba_irql_check(&adapter->hba, "HwScsiEnableInterruptsCallback", IRQL_DISPATCH);
	deferred_set(adapter, false);
	cpu_spin_release(&adapter->dispatch_lock);
}

/* A DPC routine, when the caller has returned. */
static void enable_interrupts(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
	PHW_INTERRUPT routine = (PHW_INTERRUPT)arg(args, void *);

	if (!routine) {
		nt_violation(0, "CallEnableInterrupts without a routine.");
		return;
	}
	if (adapter->hba.phase == PORT_HBA_STOPPED)
		return;
	atomic_store(&adapter->enabled_routine, routine);
	adapter->enabled.fn = enabled_run;
	adapter->enabled.ctx = adapter;
	adapter->enabled.cpu = CPU_HERE;
	deferred_set(adapter, true);
	cpu_dpc_queue(&adapter->enabled, NULL, NULL);
}

static void disable_interrupts(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
	PHW_INTERRUPT routine = (PHW_INTERRUPT)arg(args, void *);
	uint8_t irql;

	if (!routine || cpu_spin_is_held(&adapter->interrupt_lock)) {
		nt_violation(0, "CallDisableInterrupts is for a "
				"HwScsiEnableInterruptsCallback, with a routine.");
		return;
	}
	irql = scsi_interrupt_lock(adapter);
	adapter->is_deferred = false;
	routine(adapter->hba.extension);
	port_hba_irql_check(&adapter->hba, "HwScsiDisableInterruptsCallback", SCSI_DIRQL);
	scsi_interrupt_unlock(adapter, irql);
}

/* Units are looked for again, in a thread. */
static void bus_changed(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
	trace(TRACE_STATE_CHANGE, STATE_CHANGE_BUS, 0, 0);
	port_adapter_changed(&adapter->hba.port);
}

static void ignored(struct scsi_adapter *adapter, __builtin_ms_va_list args)
{
}

static notify_fn *const notifications[] = {
	[RequestComplete] = request_complete,
	[NextRequest] = next_request,
	[NextLuRequest] = next_unit_request,
	[ResetDetected] = reset_detected,
	[CallDisableInterrupts] = disable_interrupts,
	[CallEnableInterrupts] = enable_interrupts,
	[RequestTimerCall] = request_timer,
	[BusChangeDetected] = bus_changed,
	[WMIEvent] = ignored,
	[WMIReregister] = ignored,
};

VOID NTAPI ScsiPortNotification(
	SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension, ...)
{
	struct scsi_adapter *adapter = scsi_adapter_of(HwDeviceExtension, "ScsiPortNotification");
	ULONG type = (ULONG)NotificationType;
	__builtin_ms_va_list args;

	cpu_poll();
	if (unlikely(!adapter))
		return;
	if (unlikely(type >= array_size(notifications) || !notifications[type])) {
		nt_violation(0, "ScsiPortNotification: type %#x is not implemented.",
			(unsigned)NotificationType);
		return;
	}
	/* There is nothing yet to start or to complete; a timer is the adapter's own. */
	if (unlikely(adapter->hba.phase < PORT_HBA_INITIALIZING) && type != RequestTimerCall) {
		nt_violation(0, "ScsiPortNotification: type %#x in HwScsiFindAdapter.",
			(unsigned)NotificationType);
		return;
	}
	__builtin_ms_va_start(args, HwDeviceExtension);
	notifications[type](adapter, args);
	__builtin_ms_va_end(args);
}
DRY_EXPORT(ScsiPortNotification)
