/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Off the path: what is said to a virtual miniport alone, one that controls no hardware: how it is
 * known, HwStorFindAdapter's seven arguments, and the last calls. hba.c is where it happens.
 *
 * Facts are those of VIRTUAL_HW_INITIALIZATION_DATA, VIRTUAL_HW_FIND_ADAPTER and "Initialization of
 * Storage Virtual Miniport Drivers". MapBuffers is called "not valid" there; its values do here
 * what they do for others, as virtual miniports set them.
 */
#include "storport/storport_adapter.h"
#include "nt/nt.h"

bool stor_virtual_is(const HW_INITIALIZATION_DATA *data)
{
	return data->HwInitializationDataSize == sizeof(VIRTUAL_HW_INITIALIZATION_DATA) ||
	       data->FeatureSupport & STOR_FEATURE_VIRTUAL_MINIPORT;
}

/* Required by the pages; public drivers leave them out and run. */
static const char *missing(const HW_INITIALIZATION_DATA *data)
{
	if (!data->TaggedQueuing || !data->AutoRequestSense || !data->MultipleRequestPerLu)
		return "TaggedQueuing, AutoRequestSense and MultipleRequestPerLu must be TRUE";
	if (data->HwProcessServiceRequest && !data->HwCompleteServiceIrp)
		return "HwProcessServiceRequest needs HwCompleteServiceIrp";
	if (data->HwInitializeTracing && !data->HwCleanupTracing)
		return "HwInitializeTracing needs HwCleanupTracing";
	return NULL;
}

const char *stor_virtual_bad(const HW_INITIALIZATION_DATA *data)
{
	const char *left_out = missing(data);

	if (!data->HwAdapterControl)
		return "HwAdapterControl is NULL in a virtual miniport";
	if (!data->HwFreeAdapterResources)
		return "HwFreeAdapterResources is NULL in a virtual miniport";
	if (left_out)
		nt_violation(0, "StorPortInitialize: %s in a virtual miniport.", left_out);
	return NULL;
}

ULONG stor_virtual_find(struct stor_adapter *adapter, PCHAR arguments, PBOOLEAN again)
{
	PVIRTUAL_HW_FIND_ADAPTER find = (PVIRTUAL_HW_FIND_ADAPTER)adapter->hba.hw.HwFindAdapter;
	PVOID functional, physical, lower;

	stor_objects_get(adapter, &functional, &physical, &lower);
	return find(adapter->hba.extension, physical, functional, lower, arguments,
		&adapter->config, again);
}

void stor_virtual_remove(struct stor_adapter *adapter)
{
	stor_services_leave(adapter);
	adapter->hba.hw.HwFreeAdapterResources(adapter->hba.extension);
	port_hba_irql_check(&adapter->hba, "HwStorFreeAdapterResources", IRQL_PASSIVE);
}
