/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: IRP_MJ_SYSTEM_CONTROL for a miniport that has set WmiDataProvider becomes an SRB of
 * the function SRB_FUNCTION_WMI, and ends when that does. Data go where the IRP has its buffer. The
 * port's dispatch routine (ddi_port_dispatch.c) comes here; who sends the IRPs: port_wmi_register,
 * src/machine/wmi.c, and drivers. See hba.h.
 */
#include "port/hba.h"
#include "nt/nt.h"
#include "util/error.h"

#include <errno.h>
#include <string.h>
#include <wmistr.h>

#define WMI_SECONDS  30
#define WAIT_SECONDS 90 /* with the resets that a time-out leads to */
#define FIRST_BYTES  4096
#define LARGEST	     65536	/* answer that is asked for */
#define REGISTER_TAG 0x67526d57 /* "WmRg" */
#define REGINFO_EX   11		/* IRP_MN_REGINFO_EX */

/* ---- the request ---- */

static void wmi_done(struct port_request *request)
{
	NTSTATUS status = port_request_nt_status(request);
	PIRP irp = request->ctx;

	irp->IoStatus.Information = status == STATUS_SUCCESS || status == STATUS_BUFFER_TOO_SMALL
					    ? request->transferred
					    : 0;
	if (request->mdl)
		IoFreeMdl(request->mdl);
	port_request_put(request);
	port_irp_end(irp, status);
}

static struct port_request *request_new(
	struct port_unit *unit, const IO_STACK_LOCATION *stack, PMDL mdl)
{
	struct port_request *request = port_request_get(unit->adapter);

	if (!request)
		return NULL;
	request->unit = unit;
	request->function = SRB_FUNCTION_WMI;
	request->action = stack->MinorFunction;
	memset(request->cdb, 0, sizeof(request->cdb));
	memcpy(request->cdb, &stack->Parameters.WMI.DataPath, sizeof(PVOID));
	request->flags = SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT;
	request->timeout = WMI_SECONDS;
	request->mdl = mdl;
	request->data = mdl ? MmGetMdlVirtualAddress(mdl) : NULL;
	request->length = mdl ? stack->Parameters.WMI.BufferSize : 0;
	request->done = wmi_done;
	return request;
}

/* The IRP is pending, and ends in any case. */
static void wmi_send(struct port_unit *unit, PIRP irp)
{
	const IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);
	ULONG bytes = stack->Parameters.WMI.BufferSize;
	PVOID buffer = stack->Parameters.WMI.Buffer;
	struct port_request *request = NULL;
	PMDL mdl = NULL;
	uint8_t irql;

	IoMarkIrpPending(irp);
	irp->IoStatus.Information = 0;
	if (bytes && buffer)
		mdl = IoAllocateMdl(buffer, bytes, FALSE, FALSE, NULL);
	irql = cpu_irql() < IRQL_DISPATCH ? cpu_irql_raise(IRQL_DISPATCH) : IRQL_DISPATCH;
	if (mdl || !bytes || !buffer)
		request = request_new(unit, stack, mdl);
	if (request) {
		if (mdl)
			MmBuildMdlForNonPagedPool(mdl);
		request->ctx = irp;
		port_request_submit(request);
	} else {
		if (mdl)
			IoFreeMdl(mdl);
		port_irp_end(irp, STATUS_INSUFFICIENT_RESOURCES);
	}
	if (irql < IRQL_DISPATCH)
		cpu_irql_lower(irql);
}

/* "A driver [...] must handle such an IRP only if the device object pointer at ProviderId matches
 * the pointer passed by the driver in its call to IoWMIRegistrationControl." */
static bool is_provider(const struct port_hba *hba, const DEVICE_OBJECT *device, PIRP irp)
{
	const IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(irp);

	return hba->port.limits.provides_wmi && port_hba_takes(hba) &&
	       stack->Parameters.WMI.ProviderId == (ULONG_PTR)device;
}

bool port_hba_wmi(struct port_hba *hba, PIRP irp)
{
	if (!is_provider(hba, hba->functional, irp))
		return false;
	wmi_send(&hba->port.self, irp);
	return true;
}

bool port_unit_wmi(struct port_unit_device *device, PIRP irp)
{
	struct port_hba *hba = device->hba;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH); /* while it is looked at it stays (unit.c) */
	struct port_unit *unit =
		port_unit_find(&hba->port, device->path, device->target, device->lun);
	bool is_its = unit && is_provider(hba, device->physical, irp);

	if (is_its)
		wmi_send(unit, irp);
	cpu_irql_lower(irql);
	return is_its;
}

/* ---- who asks ---- */

/* What goes with the IRP, in the call's buffer. */
struct question {
	GUID block;
	UCHAR data[] __attribute__((aligned(16)));
};

struct port_call *port_wmi_send(
	const struct port_target *target, DEVICE_OBJECT *provider, const struct port_wmi *wmi)
{
	struct port_call *call = port_call_new(target->top, sizeof(struct question) + wmi->bytes);
	struct question *question;
	PIO_STACK_LOCATION stack;

	if (!call)
		return NULL;
	question = (struct question *)call->buffer;
	if (wmi->block)
		memcpy(&question->block, wmi->block, sizeof(GUID));
	if (wmi->bytes && wmi->buffer)
		memcpy(question->data, wmi->buffer, wmi->bytes);
	call->irp->IoStatus.Status = STATUS_NOT_SUPPORTED;
	stack = IoGetNextIrpStackLocation(call->irp);
	stack->MajorFunction = IRP_MJ_SYSTEM_CONTROL;
	stack->MinorFunction = wmi->minor;
	stack->Parameters.WMI.ProviderId = (ULONG_PTR)provider;
	stack->Parameters.WMI.DataPath = wmi->block ? &question->block : (PVOID)WMIREGISTER;
	stack->Parameters.WMI.BufferSize = wmi->bytes;
	stack->Parameters.WMI.Buffer = question->data;
	IoCallDriver(target->top, call->irp);
	return call;
}

int port_wmi_wait(struct port_call *call, struct port_wmi *wmi)
{
	const struct question *question = (struct question *)call->buffer;

	if (!port_call_wait(call, WAIT_SECONDS) && port_call_leave(call))
		return error_set(ETIMEDOUT,
			"the driver has not ended a WMI request within %u seconds.", WAIT_SECONDS);
	wmi->status = (uint32_t)call->status.Status;
	wmi->returned = (uint32_t)min_of(call->status.Information, wmi->bytes);
	if (wmi->returned)
		memcpy(wmi->buffer, question->data, wmi->returned);
	port_call_free(call);
	return 0;
}

/* ---- what a provider is asked first ---- */

/* Whether what came back can be a list of blocks. */
static bool is_sound(const WMIREGINFOW *info, uint32_t bytes)
{
	uint64_t least = FIELD_OFFSET(WMIREGINFOW, WmiRegGuid);

	if (bytes < least)
		return false;
	least += (uint64_t)info->GuidCount * sizeof(info->WmiRegGuid[0]);
	return info->BufferSize >= least && info->BufferSize <= bytes;
}

/* With the buffer's length: how long it has to be, 0: it was enough, or there is nothing. */
static uint32_t ask(const struct port_target *target, DEVICE_OBJECT *provider, uint32_t bytes)
{
	struct port_wmi wmi = {.minor = REGINFO_EX, .bytes = bytes};
	WMIREGINFOW *info = wmi.buffer = nt_pool_alloc(bytes, REGISTER_TAG, NULL, true);
	struct port_call *call = info ? port_wmi_send(target, provider, &wmi) : NULL;
	uint32_t more = 0;

	if (!call)
		nt_debug_line("no memory to ask a miniport what it registers with WMI");
	else if (port_wmi_wait(call, &wmi))
		nt_violation(0, "%s: IRP_MN_REGINFO_EX did not end.", target->name);
	else if (wmi.status == (uint32_t)STATUS_BUFFER_TOO_SMALL && wmi.returned >= sizeof(ULONG))
		more = info->BufferSize;
	/* Success without a byte registers nothing: so drivers answer whose units have no WMI. */
	else if (wmi.status == STATUS_SUCCESS && wmi.returned && !is_sound(info, wmi.returned))
		nt_violation(0,
			"%s: what it registers with WMI is not whole: %u blocks in %u bytes.",
			target->name, (unsigned)info->GuidCount, wmi.returned);
	if (info)
		nt_pool_free(info);
	return more;
}

void port_wmi_register(const struct port_target *target, DEVICE_OBJECT *provider)
{
	uint32_t bytes;

	if (!target->hba->port.limits.provides_wmi)
		return;
	bytes = ask(target, provider, FIRST_BYTES);
	if (bytes > FIRST_BYTES && bytes <= LARGEST)
		ask(target, provider, bytes);
}
