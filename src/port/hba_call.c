/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: an IRP of the port's own on its way to a device's driver, which may keep it
 * longer than the sender waits. For hba_pnp.c, hba_service.c and ddi_port_wmi.c. See hba.h.
 */
#include "port/hba.h"
#include "nt/nt.h"

#define CALL_TAG 0x6c436e50 /* "PnCl" */

void port_call_free(struct port_call *call)
{
	IoFreeIrp(call->irp);
	nt_pool_free(call);
}

static NTSTATUS NTAPI ended(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	struct port_call *call = context;

	call->status = irp->IoStatus;
	if (atomic_exchange(&call->is_left, true))
		port_call_free(call);
	else
		KeSetEvent(&call->ended, IO_NO_INCREMENT, FALSE);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

struct port_call *port_call_new(const DEVICE_OBJECT *top, size_t bytes)
{
	struct port_call *call = nt_pool_alloc(sizeof(*call) + bytes, CALL_TAG, NULL, true);

	if (!call)
		return NULL;
	call->irp = IoAllocateIrp(top->StackSize, FALSE);
	if (!call->irp) {
		nt_pool_free(call);
		return NULL;
	}
	KeInitializeEvent(&call->ended, NotificationEvent, FALSE);
	IoSetCompletionRoutine(call->irp, ended, call, TRUE, TRUE, TRUE);
	return call;
}

bool port_call_wait(struct port_call *call, uint64_t seconds)
{
	LARGE_INTEGER limit = {.QuadPart = -10000000ll * (int64_t)seconds};

	return KeWaitForSingleObject(&call->ended, Executive, KernelMode, FALSE, &limit) ==
	       STATUS_SUCCESS;
}

bool port_call_leave(struct port_call *call)
{
	if (!atomic_exchange(&call->is_left, true))
		return true;
	/* It has just come: its event is about to be set. */
	KeWaitForSingleObject(&call->ended, Executive, KernelMode, FALSE, NULL);
	return false;
}
