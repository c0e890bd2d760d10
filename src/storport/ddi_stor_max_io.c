/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * StorPortUpdateAdapterMaxIO and StorPortUpdatePortConfigMaxIOInfo: a miniport that learns only
 * from its device how many requests that one takes corrects what it said in HwStorFindAdapter.
 */
#define DRY_MODULE "storport.sys"
#include "storport/config.h"
#include "storport/extended.h"
#include "nt/nt.h"

static ULONG update(
	struct stor_adapter *adapter, const char *routine, ULONG max_io, const ULONG *max_unit_io)
{
	struct port_limits limits;

	if (adapter->hba.phase != PORT_HBA_INITIALIZING &&
		adapter->hba.phase != PORT_HBA_PASSIVE_INITIALIZING) {
		nt_violation(0, "%s outside HwStorInitialize and HwStorPassiveInitializeRoutine.",
			routine);
		return STOR_STATUS_INVALID_DEVICE_REQUEST;
	}
	if (!max_io || (max_unit_io && !*max_unit_io))
		return STOR_STATUS_INVALID_PARAMETER;
	adapter->config.MaxNumberOfIO = max_io;
	if (max_unit_io)
		adapter->config.MaxIOsPerLun = *max_unit_io;
	limits = adapter->hba.port.limits;
	stor_config_depths(adapter, &limits);
	adapter->hba.port.limits = limits;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_update_max_io(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG max_io = stor_arg(args, ULONG);

	return update(adapter, "StorPortUpdateAdapterMaxIO", max_io, NULL);
}

ULONG stor_update_max_io_info(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG max_io = stor_arg(args, ULONG);
	ULONG max_unit_io = stor_arg(args, ULONG);

	return update(adapter, "StorPortUpdatePortConfigMaxIOInfo", max_io, &max_unit_io);
}
