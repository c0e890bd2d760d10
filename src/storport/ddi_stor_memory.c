/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Pool and MDLs for miniports (1.9). Neighbours: ddi_stor_buffer.c has a request's buffers,
 * ddi_stor_address.c addresses, ddi_stor_dma_memory.c memory for devices.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

ULONG stor_allocate_pool(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG bytes = stor_arg(args, ULONG);
	ULONG tag = stor_arg(args, ULONG);
	PVOID *result = stor_arg(args, PVOID *);

	if (!result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = NULL;
	if (stor_irql_too_high("StorPortAllocatePool"))
		return STOR_STATUS_INVALID_IRQL;
	*result = nt_pool_alloc(bytes, tag, adapter, false);
	return *result ? STOR_STATUS_SUCCESS : STOR_STATUS_INSUFFICIENT_RESOURCES;
}

ULONG stor_free_pool(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID block = stor_arg(args, PVOID);

	if (!block)
		return STOR_STATUS_INVALID_PARAMETER;
	if (stor_irql_too_high("StorPortFreePool"))
		return STOR_STATUS_INVALID_IRQL;
	return nt_pool_free(block) ? STOR_STATUS_SUCCESS : STOR_STATUS_INVALID_PARAMETER;
}

ULONG stor_allocate_mdl(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID buffer = stor_arg(args, PVOID);
	ULONG bytes = stor_arg(args, ULONG);
	PVOID *result = stor_arg(args, PVOID *);

	if (!buffer || !result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = NULL;
	if (stor_irql_too_high("StorPortAllocateMdl"))
		return STOR_STATUS_INVALID_IRQL;
	*result = IoAllocateMdl(buffer, bytes, FALSE, FALSE, NULL);
	return *result ? STOR_STATUS_SUCCESS : STOR_STATUS_INSUFFICIENT_RESOURCES;
}

ULONG stor_free_mdl(struct stor_adapter *adapter, struct stor_call *args)
{
	PMDL mdl = stor_arg(args, PVOID);

	if (!mdl)
		return STOR_STATUS_INVALID_PARAMETER;
	if (stor_irql_too_high("StorPortFreeMdl"))
		return STOR_STATUS_INVALID_IRQL;
	IoFreeMdl(mdl);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_build_mdl(struct stor_adapter *adapter, struct stor_call *args)
{
	PMDL mdl = stor_arg(args, PVOID);

	if (!mdl)
		return STOR_STATUS_INVALID_PARAMETER;
	if (stor_irql_too_high("StorPortBuildMdlForNonPagedPool"))
		return STOR_STATUS_INVALID_IRQL;
	MmBuildMdlForNonPagedPool(mdl);
	return STOR_STATUS_SUCCESS;
}
