/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The scatter/gather routines of Storport: thin over src/dma. Get, and its like for data-in, hand
 * out the list that station 3 made; Build and Put (extended functions, SG-2) make and release one
 * in the miniport's memory, which the port never frees (SG-10, SG-21).
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "port/now.h"
#include "trace/trace.h"
#include "nt/nt.h"
#include "util/export.h"

#include <srbhelper.h>

_Static_assert(
	sizeof(STOR_SCATTER_GATHER_LIST) == sizeof(SCATTER_GATHER_LIST), "the same bytes (1.4)");
_Static_assert(sizeof(STOR_SCATTER_GATHER_ELEMENT) == sizeof(SCATTER_GATHER_ELEMENT),
	"the same bytes (1.4)");

static border_call __attribute__((noinline)) PSTOR_SCATTER_GATHER_LIST list_of(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortGetScatterGatherList");
	struct port_request *request;

	cpu_poll();
	if (unlikely(!adapter))
		return NULL;
	request = port_request_find(&adapter->hba.port, Srb);
	/* SG-31, X-50: the list lives as long as the miniport has the SRB. */
	if (unlikely(!request || atomic_load_explicit(&request->state, memory_order_relaxed) !=
					 PORT_REQUEST_STARTED)) {
		stor_srb_unknown(adapter, Srb, "StorPortGetScatterGatherList");
		return NULL;
	}
	if (!request->mapped) /* SG-34, SG-36 */
		return NULL;
	trace(TRACE_SG_GET, request->id, request->list->NumberOfElements);
	return (PSTOR_SCATTER_GATHER_LIST)request->list;
}

/* SG-30, SG-32, SG-33: for both kinds of SRB, at any time while the miniport has the SRB, and at
 * any IRQL. Asked about the SRB that the miniport has just got it needs no call. */
PSTOR_SCATTER_GATHER_LIST NTAPI StorPortGetScatterGatherList(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
	const struct port_request *now = port_now_of(HwDeviceExtension);

	if (likely(now && now->srb == Srb && port_page_is_out(now) &&
		    !trace_is_wanted(TRACE_SG_GET)))
		return (PSTOR_SCATTER_GATHER_LIST)now->list;
	return list_of(HwDeviceExtension, Srb);
}
DRY_EXPORT(StorPortGetScatterGatherList)

/* SG-35. As SG-34, an SRB without such data gives NULL and no error. */
ULONG stor_get_data_in_list(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID srb = stor_arg(args, PVOID);
	PSCATTER_GATHER_LIST *result = stor_arg(args, PVOID);
	struct port_request *request;

	if (!result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = NULL;
	request = stor_request_of(adapter, srb, "StorPortGetDataInBufferScatterGatherList");
	if (!request)
		return STOR_STATUS_INVALID_PARAMETER;
	if (!request->in || !request->in->mapped)
		return STOR_STATUS_SUCCESS;
	trace(TRACE_SG_GET, request->id, request->in->list->NumberOfElements);
	*result = request->in->list;
	return STOR_STATUS_SUCCESS;
}

/* The documented statuses of 1.1, from those of src/dma. */
static ULONG stor_status(NTSTATUS status)
{
	switch (status) {
	case STATUS_SUCCESS:
		return STOR_STATUS_SUCCESS;
	case STATUS_BUFFER_TOO_SMALL:
		return STOR_STATUS_BUFFER_TOO_SMALL;
	case STATUS_INSUFFICIENT_RESOURCES:
		return STOR_STATUS_INSUFFICIENT_RESOURCES;
	case STATUS_INVALID_PARAMETER:
		return STOR_STATUS_INVALID_PARAMETER;
	default:
		return STOR_STATUS_UNSUCCESSFUL;
	}
}

/* SG-3, SG-20, X-15, LK-8: exactly DISPATCH. */
static bool wrong_irql(const char *routine)
{
	if (likely(cpu_irql() == IRQL_DISPATCH))
		return false;
	nt_violation(0xe6000013, "%s at IRQL %u; it must be called at DISPATCH_LEVEL (2).", routine,
		cpu_irql());
	return true;
}

/*
 * SG-1 to SG-11 (SG-4: in the miniport's memory). The order of the checks is X-2's; from the data's
 * length on it is dma_build's, and so are the sizes (SZ-1 to SZ-9; SZ-6: here the data buffer is
 * meant, too; X-3), the addresses (SG-5, X-5 … X-8), the wait for map registers and
 * the callback, in which the miniport may put this list and build another.
 */
ULONG stor_build_list(struct stor_adapter *adapter, struct stor_call *args)
{
	PMDL mdl = stor_arg(args, PVOID);
	PVOID current_va = stor_arg(args, PVOID);
	ULONG length = stor_arg(args, ULONG);
	dma_list_routine *routine = (dma_list_routine *)stor_arg(args, PVOID);
	PVOID context = stor_arg(args, PVOID);
	BOOLEAN write = (BOOLEAN)stor_arg(args, int);
	PSCATTER_GATHER_LIST list = stor_arg(args, PVOID);
	ULONG bytes = stor_arg(args, ULONG);
	NTSTATUS status;

	if (wrong_irql("StorPortBuildScatterGatherList"))
		return STOR_STATUS_INVALID_IRQL;
	if (!adapter->hba.port.dma) /* */
		return STOR_STATUS_NOT_IMPLEMENTED;
	if (!mdl || !routine || !list) {
		nt_violation(0,
			"StorPortBuildScatterGatherList: Mdl %p, ExecutionRoutine %p, "
			"ScatterGatherBuffer %p (X-9).",
			(void *)mdl, (void *)routine, (void *)list);
		return STOR_STATUS_INVALID_PARAMETER;
	}
	/* SG-6: DeviceObject and Irp mean nothing to a miniport. */
	status = dma_build(adapter->hba.port.dma,
		&(struct dma_order){.mdl = mdl,
			.current_va = current_va,
			.length = length,
			.write_to_device = write, /* SG-9 */
			.site = args->site},
		&(struct dma_callee){routine, NULL, NULL, context}, list, bytes);
	return stor_status(status);
}

/* SG-20 … SG-25. Data that were bounced are in the buffer when this returns, and not before (SG-24,
 * X-14); the list's memory may then serve again (SG-22). Its page knows no status for a list that
 * is none, or has been put: INVALID_PARAMETER (SG-23, X-12). */
ULONG stor_put_list(struct stor_adapter *adapter, struct stor_call *args)
{
	PSCATTER_GATHER_LIST list = stor_arg(args, PVOID);
	BOOLEAN write = (BOOLEAN)stor_arg(args, int);

	if (wrong_irql("StorPortPutScatterGatherList"))
		return STOR_STATUS_INVALID_IRQL;
	if (!adapter->hba.port.dma)
		return STOR_STATUS_NOT_IMPLEMENTED;
	return stor_status(dma_put_from(adapter->hba.port.dma, list, write, args->site));
}
