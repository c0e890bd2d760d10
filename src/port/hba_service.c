/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: a device control of a program, IOCTL_MINIPORT_PROCESS_SERVICE_IRP among them, on
 * its way to an adapter or a unit and back. Who gets it there: src/storport/ddi_stor_service.c,
 * ddi_port_request.c. See hba.h.
 */
#include "port/hba.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <ntddscsi.h>
#include <string.h>

#define STUCK_SECONDS 10
#define SECOND	      1000000000ull

unsigned port_service_grace = 5;

/* ---- who is at an adapter ---- */

bool port_hba_hold(struct port_hba *hba)
{
	atomic_fetch_add(&hba->holders, 1);
	if (!atomic_load(&hba->is_closed))
		return true;
	port_hba_let_go(hba);
	return false;
}

void port_hba_let_go(struct port_hba *hba)
{
	atomic_fetch_sub(&hba->holders, 1);
}

void port_hba_close(struct port_hba *hba)
{
	atomic_store(&hba->is_closed, true);
}

void port_hba_leave_wait(struct port_hba *hba)
{
	uint64_t end = cpu_clock() + STUCK_SECONDS * SECOND;

	while (atomic_load(&hba->holders)) {
		if (cpu_clock() > end)
			cpu_die("%s is removed, and %u seconds later its driver has not returned "
				"from a device control (HwStorProcessServiceRequest).",
				hba->name, STUCK_SECONDS);
		cpu_thread_park(1000000);
	}
}

/* ---- a request ---- */

static void expired(struct cpu_timer *timer)
{
	IoCancelIrp(timer->ctx);
}

static struct port_call *request_new(
	const struct port_target *target, const struct port_service *service)
{
	uint32_t room = max_of(service->in_bytes, service->out_bytes);
	struct port_call *call = port_call_new(target->top, room);
	PIO_STACK_LOCATION stack;

	if (!call)
		return NULL;
	if (service->in_bytes)
		memcpy(call->buffer, service->in, service->in_bytes);
	call->irp->AssociatedIrp.SystemBuffer = room ? call->buffer : NULL;
	call->irp->Tail.Overlay.Thread = PsGetCurrentThread();
	call->irp->RequestorMode = UserMode;
	stack = IoGetNextIrpStackLocation(call->irp);
	stack->MajorFunction = IRP_MJ_DEVICE_CONTROL;
	stack->Parameters.DeviceIoControl.IoControlCode = service->code;
	stack->Parameters.DeviceIoControl.InputBufferLength = service->in_bytes;
	stack->Parameters.DeviceIoControl.OutputBufferLength = service->out_bytes;
	return call;
}

/* Until the driver has ended it, or did not though it was cancelled: false then. */
static bool has_ended(struct port_call *call, struct cpu_timer *timer, uint32_t seconds)
{
	bool ended = port_call_wait(call, (uint64_t)seconds + port_service_grace);

	cpu_timer_cancel(timer);
	cpu_dpc_flush(); /* it may just be running */
	return ended || !port_call_leave(call);
}

int port_service_run(const struct port_target *target, struct port_service *service)
{
	struct port_hba *hba = target->hba;
	struct port_call *call = request_new(target, service);
	struct cpu_timer timer = {.fn = expired, .cpu = cpu_self->number};

	if (!call) {
		port_hba_let_go(hba);
		return error_set(ENOMEM, "%s: no memory for a device control.", target->name);
	}
	timer.ctx = call->irp;
	cpu_timer_set(&timer, service->seconds * SECOND, 0);
	IoCallDriver(target->top, call->irp);
	port_hba_let_go(hba); /* from here on the adapter may go */
	if (!has_ended(call, &timer, service->seconds))
		return error_set(ETIMEDOUT,
			"the driver has not ended a device control, though it was cancelled "
			"after %u s.",
			service->seconds);
	service->status = (uint32_t)call->status.Status;
	service->returned = 0;
	if (!NT_ERROR(call->status.Status))
		service->returned = (uint32_t)min_of(call->status.Information, service->out_bytes);
	if (service->returned)
		memcpy(service->out, call->buffer, service->returned);
	port_call_free(call);
	return 0;
}
