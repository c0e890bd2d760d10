/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* StorPortInitialize: what a DriverEntry registers. See hba.c for what follows. */
#define DRY_MODULE "storport.sys"
#include "storport/config.h"
#include "storport/os_table.h"
#include "nt/nt.h"
#include "util/export.h"

#include <stdio.h>
#include <string.h>

/* The entries a miniport cannot do without, and what must stay unset (4.1). */
static const char *bad_data(const HW_INITIALIZATION_DATA *hw)
{
	const char *bad = port_registration_bad(hw);

	if (bad)
		return bad;
	if (hw->HwDmaStarted || hw->HwAdapterState)
		return "HwDmaStarted and HwAdapterState must be NULL";
	if (stor_virtual_is(hw))
		return stor_virtual_bad(hw);
	if (!hw->NeedPhysicalAddresses || !hw->TaggedQueuing || !hw->AutoRequestSense ||
		!hw->MultipleRequestPerLu)
		return "NeedPhysicalAddresses, TaggedQueuing, AutoRequestSense and "
		       "MultipleRequestPerLu must be TRUE";
	return NULL;
}

/* To try a later release's size first breaks no rule, so it is told and no more. */
static __attribute__((cold)) ULONG wrong_size(ULONG bytes)
{
	char line[256];

	snprintf(line, sizeof(line),
		"StorPortInitialize: HwInitializationDataSize is %u; on Windows %s it must be %u, "
		"or %zu of a virtual miniport.%s",
		(unsigned)bytes, nt_os_name(nt_os()), (unsigned)stor_os_init_size(),
		sizeof(VIRTUAL_HW_INITIALIZATION_DATA),
		bytes == sizeof(HW_INITIALIZATION_DATA)
			? " A driver for it is built with -D NTDDI_VERSION=NTDDI_WIN7."
			: "");
	if (bytes == sizeof(HW_INITIALIZATION_DATA))
		nt_debug_line(line);
	else
		nt_violation(0, "%s", line);
	return (ULONG)STATUS_REVISION_MISMATCH;
}

ULONG NTAPI StorPortInitialize(PVOID Argument1, PVOID Argument2,
	PHW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext)
{
	struct port_driver *driver = port_driver_of(
		&stor_driver_model, Argument1, Argument2, HwInitializationData, 0xf1000000);
	HW_INITIALIZATION_DATA data = {0};
	const char *bad;

	if (!driver)
		return (ULONG)STATUS_INVALID_PARAMETER;
	if (!stor_os_init_size_is_known(HwInitializationData->HwInitializationDataSize))
		return wrong_size(HwInitializationData->HwInitializationDataSize);
	/* A shorter structure is the beginning of the whole. */
	memcpy(&data, HwInitializationData, HwInitializationData->HwInitializationDataSize);
	bad = bad_data(&data);
	if (bad) {
		nt_violation(0, "StorPortInitialize: %s.", bad);
		return (ULONG)STATUS_INVALID_PARAMETER;
	}
	if (!stor_virtual_is(&data)) {
		port_driver_register(driver, false, &data, NULL);
		return STATUS_SUCCESS;
	}
	data.HwBuildIo = NULL; /* is not used (VIRTUAL_HW_INITIALIZATION_DATA) */
	port_driver_register(driver, true, &data, NULL);
	if (data.HwInitializeTracing)
		data.HwInitializeTracing(Argument1, Argument2);
	return STATUS_SUCCESS;
}
DRY_EXPORT(StorPortInitialize)
