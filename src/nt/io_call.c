/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: an IRP's way down through drivers' dispatch routines and up through their completion
 * routines, and how it is cancelled. IRPs themselves: io_irp.c. */
#include "nt/io_irp.h"
#include "util/export.h"

static struct cpu_spinlock cancel_lock;

/* ---- down ---- */

/* Ends an IRP that nobody can be given. */
static NTSTATUS refuse(PIRP irp, NTSTATUS status)
{
	irp->IoStatus.Status = status;
	irp->IoStatus.Information = 0;
	IofCompleteRequest(irp, IO_NO_INCREMENT);
	return status;
}

static NTSTATUS dispatch(PDEVICE_OBJECT device, PIRP irp, UCHAR major)
{
	uint8_t irql = cpu_irql();
	NTSTATUS status = device->DriverObject->MajorFunction[major](device, irp);

	if (likely(cpu_irql() == irql))
		return status;
	nt_violation(NT_C9(0x05),
		"a dispatch routine for major function %#x was called at IRQL %u and returned at "
		"%u",
		major, irql, cpu_irql());
	if (cpu_irql() > irql)
		cpu_irql_lower(irql);
	else
		cpu_irql_raise(irql);
	return status;
}

NTSTATUS NTAPI IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
	PIO_STACK_LOCATION next;

	cpu_poll();
	nt_irql_max("IoCallDriver", IRQL_DISPATCH, NT_C9(0x10));
	if (!io_irp_is(Irp)) {
		nt_violation(NT_C9(0x03), "IoCallDriver with what is no IRP");
		return STATUS_INVALID_PARAMETER;
	}
	if (!DeviceObject || DeviceObject->Type != IO_TYPE_DEVICE || !DeviceObject->DriverObject) {
		nt_violation(NT_C9(0x04), "IoCallDriver with what is no device object of a driver");
		return refuse(Irp, STATUS_NO_SUCH_DEVICE);
	}
	if (Irp->CurrentLocation <= 1) {
		nt_violation(0x35000000, /* NO_MORE_IRP_STACK_LOCATIONS */
			"IoCallDriver with an IRP whose %d stack locations are used up",
			Irp->StackCount);
		return refuse(Irp, STATUS_INVALID_DEVICE_REQUEST);
	}
	if (Irp->CurrentLocation > Irp->StackCount + 1) {
		nt_violation(0x35000000,
			"IoCallDriver with an IRP that stands before its first stack location: was "
			"IoSkipCurrentIrpStackLocation called once too often?");
		return STATUS_INVALID_DEVICE_REQUEST; /* it cannot be completed either */
	}
	if (Irp->CurrentLocation > Irp->StackCount)
		Irp->AllocationFlags |= IO_IRP_IS_SENT;
	IoSetNextIrpStackLocation(Irp);
	next = IoGetCurrentIrpStackLocation(Irp);
	next->DeviceObject = DeviceObject;
	if (next->MajorFunction > IRP_MJ_MAXIMUM_FUNCTION ||
		!DeviceObject->DriverObject->MajorFunction[next->MajorFunction])
		return refuse(Irp, STATUS_INVALID_DEVICE_REQUEST);
	return dispatch(DeviceObject, Irp, next->MajorFunction);
}
DRY_EXPORT(IofCallDriver)

/* ---- up ---- */

static bool is_wanted(const IRP *irp, UCHAR control)
{
	return control & (NT_SUCCESS(irp->IoStatus.Status) ? SL_INVOKE_ON_SUCCESS
							   : SL_INVOKE_ON_ERROR) ||
	       (irp->Cancel && control & SL_INVOKE_ON_CANCEL);
}

/* Whether it goes on: the routine above has none, or has had its say. */
static bool rise(PIRP irp)
{
	PIO_STACK_LOCATION left = IoGetCurrentIrpStackLocation(irp);
	PIO_COMPLETION_ROUTINE routine = left->CompletionRoutine;
	UCHAR control = left->Control;
	PDEVICE_OBJECT device = NULL; /* its maker has no stack location, so no device object */

	IoSkipCurrentIrpStackLocation(irp);
	irp->PendingReturned = control & SL_PENDING_RETURNED;
	if (io_irp_is_with_driver(irp))
		device = IoGetCurrentIrpStackLocation(irp)->DeviceObject;
	else
		irp->AllocationFlags &= (UCHAR)~IO_IRP_IS_SENT;
	left->Control = 0; /* else an IRP that is sent again would have them */
	left->CompletionRoutine = NULL;
	if (routine && is_wanted(irp, control))
		return routine(device, irp, left->Context) != STATUS_MORE_PROCESSING_REQUIRED;
	if (irp->PendingReturned && device)
		IoMarkIrpPending(irp);
	return true;
}

static bool may_be_completed(PIRP irp)
{
	PDRIVER_CANCEL cancel;

	if (!io_irp_is(irp) || irp->CurrentLocation > irp->StackCount + 1) {
		nt_violation(0x44000000, /* MULTIPLE_IRP_COMPLETE_REQUESTS */
			"IoCompleteRequest of what is no IRP, or no more: was it completed twice?");
		return false;
	}
	if (irp->IoStatus.Status == STATUS_PENDING || irp->IoStatus.Status == -1)
		nt_violation(NT_C9(0x06), "IoCompleteRequest with IoStatus.Status %08x",
			(unsigned)irp->IoStatus.Status);
	cancel = IoSetCancelRoutine(irp, NULL);
	if (cancel)
		nt_violation(NT_C9(0x07),
			"IoCompleteRequest of an IRP whose cancel routine is still set");
	return true;
}

VOID NTAPI IofCompleteRequest(PIRP Irp, CCHAR PriorityBoost)
{
	cpu_poll();
	nt_irql_max("IoCompleteRequest", IRQL_DISPATCH, NT_C9(0x0E));
	if (!may_be_completed(Irp))
		return;
	while (io_irp_is_with_driver(Irp))
		if (!rise(Irp))
			return; /* somebody else's now, perhaps freed */
	IoSkipCurrentIrpStackLocation(Irp);
	io_irp_end(Irp);
}
DRY_EXPORT(IofCompleteRequest)

/* ---- cancelled ---- */

VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql)
{
	cpu_poll();
	nt_irql_max("IoAcquireCancelSpinLock", IRQL_DISPATCH, NT_C4(NT_RULE_SPIN_LOCK));
	*Irql = cpu_irql() < IRQL_DISPATCH ? cpu_irql_raise(IRQL_DISPATCH) : cpu_irql();
	cpu_spin_acquire(&cancel_lock);
}
DRY_EXPORT(IoAcquireCancelSpinLock)

VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql)
{
	if (!cpu_spin_is_held(&cancel_lock)) {
		nt_violation(NT_C4(NT_RULE_SPIN_RELEASE),
			"IoReleaseCancelSpinLock by a processor that does not hold it");
		return;
	}
	cpu_spin_release(&cancel_lock);
	if (Irql < cpu_irql())
		cpu_irql_lower(Irql);
}
DRY_EXPORT(IoReleaseCancelSpinLock)

BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
	PIO_STACK_LOCATION current;
	PDRIVER_CANCEL routine;
	KIRQL old;

	IoAcquireCancelSpinLock(&old);
	if (!io_irp_is(Irp)) {
		nt_violation(0, "IoCancelIrp of what is no IRP");
		IoReleaseCancelSpinLock(old);
		return FALSE;
	}
	Irp->Cancel = TRUE;
	routine = IoSetCancelRoutine(Irp, NULL);
	if (!routine) {
		IoReleaseCancelSpinLock(old);
		return FALSE;
	}
	Irp->CancelIrql = old;
	current = IoGetCurrentIrpStackLocation(Irp);
	routine(io_irp_is_with_driver(Irp) ? current->DeviceObject : NULL, Irp);
	if (!cpu_spin_is_held(&cancel_lock))
		return TRUE;
	nt_violation(0, "a cancel routine returned with the cancel spin lock held");
	IoReleaseCancelSpinLock(old);
	return TRUE;
}
DRY_EXPORT(IoCancelIrp)
