/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Device objects of an adapter (src/port/hba_object.c), as StorPortGetDeviceObjects hands them out.
 * Virtual miniports (HwStorFindAdapter gets them too) and tests of the DMA operations use them; a
 * physical miniport must not (HwStorPortProhibitedDDIs).
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
void stor_objects_get(
	const struct stor_adapter *adapter, PVOID *functional, PVOID *physical, PVOID *lower)
{
	if (functional)
		*functional = adapter->hba.functional;
	if (physical)
		*physical = adapter->hba.physical;
	if (lower)
		*lower = adapter->hba.physical;
}

ULONG stor_get_device_objects(struct stor_adapter *adapter, struct stor_call *args)
{
	PVOID *functional = stor_arg(args, PVOID *);
	PVOID *physical = stor_arg(args, PVOID *);
	PVOID *lower = stor_arg(args, PVOID *);

	stor_objects_get(adapter, functional, physical, lower);
	return STOR_STATUS_SUCCESS;
}
