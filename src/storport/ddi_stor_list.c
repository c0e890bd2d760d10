/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The three scatter/gather routines of Storport: thin over src/dma. Get hands out the list that
 * station 3 made; Build and Put (extended functions) make and release one in the miniport's memory.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "trace/trace.h"
#include "nt/nt.h"
#include "util/export.h"

#include <srbhelper.h>

_Static_assert(
	sizeof(STOR_SCATTER_GATHER_LIST) == sizeof(SCATTER_GATHER_LIST), "the same bytes (1.4)");
_Static_assert(sizeof(STOR_SCATTER_GATHER_ELEMENT) == sizeof(SCATTER_GATHER_ELEMENT),
	"the same bytes (1.4)");

PSTOR_SCATTER_GATHER_LIST NTAPI StorPortGetScatterGatherList(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortGetScatterGatherList");
	struct port_request *request;

	cpu_poll();
	if (unlikely(!adapter))
		return NULL;
	request = port_request_find(&adapter->port, Srb);
	if (unlikely(!request || atomic_load_explicit(&request->state, memory_order_relaxed) !=
					 PORT_REQUEST_STARTED)) {
		/* SG-31, X-50: the list lives as long as the miniport has the SRB. */
		nt_violation(0, "StorPortGetScatterGatherList: %p is no SRB that %s has.",
			(void *)Srb, adapter->name);
		return NULL;
	}
	if (!request->mapped) /* SG-34 */
		return NULL;
	trace(TRACE_SG_GET, request->id, request->list->NumberOfElements);
	return (PSTOR_SCATTER_GATHER_LIST)request->list;
}
DRY_EXPORT(StorPortGetScatterGatherList)

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

/* SG-1 … SG-11. */
ULONG stor_build_list(struct stor_adapter *adapter, __builtin_ms_va_list args)
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
	if (!adapter->port.dma) /* */
		return STOR_STATUS_NOT_IMPLEMENTED;
	if (!mdl || !routine || !list) {
		nt_violation(0,
			"StorPortBuildScatterGatherList: Mdl %p, ExecutionRoutine %p, "
			"ScatterGatherBuffer %p (X-9).",
			(void *)mdl, (void *)routine, (void *)list);
		return STOR_STATUS_INVALID_PARAMETER;
	}
	/* SG-6: DeviceObject and Irp mean nothing to a miniport. */
	status = dma_build(adapter->port.dma,
		&(struct dma_order){.mdl = mdl,
			.current_va = current_va,
			.length = length,
			.write_to_device = write},
		&(struct dma_callee){routine, NULL, NULL, context}, list, bytes);
	return stor_status(status);
}

/* SG-20 … SG-25. */
ULONG stor_put_list(struct stor_adapter *adapter, __builtin_ms_va_list args)
{
	PSCATTER_GATHER_LIST list = stor_arg(args, PVOID);
	BOOLEAN write = (BOOLEAN)stor_arg(args, int);

	if (wrong_irql("StorPortPutScatterGatherList"))
		return STOR_STATUS_INVALID_IRQL;
	if (!adapter->port.dma)
		return STOR_STATUS_NOT_IMPLEMENTED;
	return stor_status(dma_put(adapter->port.dma, list, write));
}
