/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A request's buffers, as a miniport asks for them by its SRB: addresses, MDLs and page frames, of
 * the data and of the data-in of a command that moves data both ways (1.9, SG-35). Where the device
 * works on a copy the address is the copy's, while MDLs and frames are the original's.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

border_call void stor_srb_unknown(
	const struct stor_adapter *adapter, const void *srb, const char *routine)
{
	nt_violation(0, "%s: %p is no SRB that %s has.", routine, srb, adapter->hba.name);
}

/* What the four have in common: an SRB and where the answer goes, which is NULL till there is one.
 */
static struct port_request *asked(
	struct stor_adapter *adapter, struct stor_call *args, PVOID **result, const char *routine)
{
	const void *srb = stor_arg(args, PVOID);

	*result = stor_arg(args, PVOID *);
	if (!*result)
		return NULL;
	**result = NULL;
	return stor_request_of(adapter, srb, routine);
}

static ULONG give_address(const char *routine, void *data, PVOID *result)
{
	if (!data)
		return STOR_STATUS_INVALID_PARAMETER;
	if (stor_irql_too_high(routine))
		return STOR_STATUS_INVALID_IRQL;
	*result = data;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_system_address(struct stor_adapter *adapter, struct stor_call *args)
{
	static const char routine[] = "StorPortGetSystemAddress";
	PVOID *result;
	struct port_request *request = asked(adapter, args, &result, routine);

	if (!request)
		return STOR_STATUS_INVALID_PARAMETER;
	return give_address(routine, request->data, result);
}

/* Its page knows no status for an SRB without such data: as StorPortGetSystemAddress. */
ULONG stor_get_data_in_address(struct stor_adapter *adapter, struct stor_call *args)
{
	static const char routine[] = "StorPortGetDataInBufferSystemAddress";
	PVOID *result;
	struct port_request *request = asked(adapter, args, &result, routine);

	if (!request)
		return STOR_STATUS_INVALID_PARAMETER;
	return give_address(routine, request->in ? request->in->data : NULL, result);
}

/* An SRB without data has no MDL: NULL, and no error that its page knows. */
ULONG stor_get_original_mdl(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID *result;
	struct port_request *request = asked(adapter, args, &result, "StorPortGetOriginalMdl");

	if (!request)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = port_request_mdl(request);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_data_in_mdl(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID *result;
	struct port_request *request = asked(adapter, args, &result, "StorPortGetDataInBufferMdl");

	if (!request)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = request->in ? request->in->mdl : NULL;
	return STOR_STATUS_SUCCESS;
}

static bool is_in_chain(PMDL chain, const void *mdl)
{
	while (chain && chain != mdl)
		chain = chain->Next;
	return chain != NULL;
}

/* frame numbers are as wide as a pointer. */
ULONG stor_get_pfns(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID srb = stor_arg(args, PVOID);
	PMDL mdl = stor_arg(args, PVOID);
	PVOID *pfns = stor_arg(args, PVOID *);
	PULONG count = stor_arg(args, PULONG);
	PULONG offset = stor_arg(args, PULONG);
	struct port_request *request;

	if (!srb || !mdl || !pfns || !count || !offset)
		return STOR_STATUS_INVALID_PARAMETER;
	request = stor_request_of(adapter, srb, "StorPortGetPfns");
	if (!request)
		return STOR_STATUS_INVALID_PARAMETER;
	if (!is_in_chain(port_request_mdl(request), mdl) &&
		!(request->in && is_in_chain(request->in->mdl, mdl))) {
		nt_violation(0,
			"StorPortGetPfns: %p is no MDL of the SRB: StorPortGetOriginalMdl and "
			"StorPortGetDataInBufferMdl give those.",
			(void *)mdl);
		return STOR_STATUS_INVALID_PARAMETER;
	}
	*pfns = MmGetMdlPfnArray(mdl);
	*count = (ULONG)ADDRESS_AND_SIZE_TO_SPAN_PAGES(
		MmGetMdlVirtualAddress(mdl), MmGetMdlByteCount(mdl));
	*offset = MmGetMdlByteOffset(mdl);
	return STOR_STATUS_SUCCESS;
}
