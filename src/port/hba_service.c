/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: a service request of a program, IOCTL_MINIPORT_PROCESS_SERVICE_IRP, on its way to
 * an adapter and back. Who gets it there: src/storport/ddi_stor_service.c. See hba.h.
 */
#include "port/hba.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <ntddscsi.h>
#include <string.h>

#define SERVICE_TAG   0x76725350 /* "PSrv" */
#define STUCK_SECONDS 10
#define SECOND	      1000000000ull

unsigned port_service_grace = 5;

/* In pool, with the buffer behind it, as the driver may end it late. */
struct sent {
	PIRP irp;
	KEVENT ended;
	IO_STATUS_BLOCK status;
	struct cpu_timer timer;
	_Atomic bool is_left; /* by its sender, or by the driver: the second one frees it */
	char buffer[] __attribute__((aligned(16)));
};

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

static void sent_free(struct sent *sent)
{
	IoFreeIrp(sent->irp);
	nt_pool_free(sent);
}

static NTSTATUS NTAPI sent_ended(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	struct sent *sent = context;

	sent->status = irp->IoStatus;
	if (atomic_exchange(&sent->is_left, true))
		sent_free(sent);
	else
		KeSetEvent(&sent->ended, IO_NO_INCREMENT, FALSE);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

static void expired(struct cpu_timer *timer)
{
	IoCancelIrp(((struct sent *)timer->ctx)->irp);
}

static struct sent *sent_new(struct port_hba *hba, const struct port_service *service)
{
	uint32_t room = max_of(service->in_bytes, service->out_bytes);
	struct sent *sent = nt_pool_alloc(sizeof(*sent) + room, SERVICE_TAG, NULL, true);
	PIO_STACK_LOCATION stack;

	if (!sent)
		return NULL;
	sent->irp = IoAllocateIrp(hba->objects->functional.StackSize, FALSE);
	if (!sent->irp) {
		nt_pool_free(sent);
		return NULL;
	}
	if (service->in_bytes)
		memcpy(sent->buffer, service->in, service->in_bytes);
	KeInitializeEvent(&sent->ended, NotificationEvent, FALSE);
	sent->timer = (struct cpu_timer){.fn = expired, .ctx = sent, .cpu = cpu_self->number};
	sent->irp->AssociatedIrp.SystemBuffer = room ? sent->buffer : NULL;
	sent->irp->Tail.Overlay.Thread = PsGetCurrentThread();
	stack = IoGetNextIrpStackLocation(sent->irp);
	stack->MajorFunction = IRP_MJ_DEVICE_CONTROL;
	stack->Parameters.DeviceIoControl.IoControlCode = IOCTL_MINIPORT_PROCESS_SERVICE_IRP;
	stack->Parameters.DeviceIoControl.InputBufferLength = service->in_bytes;
	stack->Parameters.DeviceIoControl.OutputBufferLength = service->out_bytes;
	IoSetCompletionRoutine(sent->irp, sent_ended, sent, TRUE, TRUE, TRUE);
	return sent;
}

/* Until the driver has ended it, or did not though it was cancelled: false then. */
static bool ended(struct sent *sent, uint32_t seconds)
{
	LARGE_INTEGER limit = {.QuadPart = -10000000ll * ((int64_t)seconds + port_service_grace)};
	NTSTATUS status = KeWaitForSingleObject(&sent->ended, Executive, KernelMode, FALSE, &limit);

	cpu_timer_cancel(&sent->timer);
	cpu_dpc_flush(); /* it may just be running */
	if (status == STATUS_SUCCESS)
		return true;
	if (!atomic_exchange(&sent->is_left, true))
		return false;
	/* It has just come: its event is about to be set. */
	KeWaitForSingleObject(&sent->ended, Executive, KernelMode, FALSE, NULL);
	return true;
}

int port_service_run(struct port_hba *hba, struct port_service *service)
{
	struct sent *sent = sent_new(hba, service);

	if (!sent) {
		port_hba_let_go(hba);
		return error_set(ENOMEM, "%s: no memory for a service request.", hba->name);
	}
	cpu_timer_set(&sent->timer, service->seconds * SECOND, 0);
	IoCallDriver(&hba->objects->functional, sent->irp);
	port_hba_let_go(hba); /* from here on the adapter may go */
	if (!ended(sent, service->seconds))
		return error_set(ETIMEDOUT,
			"the driver has not ended a service request, though it was cancelled "
			"after %u s.",
			service->seconds);
	service->status = (uint32_t)sent->status.Status;
	service->returned = 0;
	if (!NT_ERROR(sent->status.Status))
		service->returned = (uint32_t)min_of(sent->status.Information, service->out_bytes);
	if (service->returned)
		memcpy(service->out, sent->buffer, service->returned);
	sent_free(sent);
	return 0;
}
