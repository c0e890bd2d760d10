/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* ScsiPortInitialize: what a DriverEntry registers. See hba.c for what follows. */
#define DRY_MODULE "scsiport.sys"
#include "scsiport/scsi_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

#include <string.h>

_Static_assert(offsetof(HW_INITIALIZATION_DATA, HwAdapterControl) ==
		       offsetof(SCSIPORT_HW_INITIALIZATION_DATA, HwAdapterControl),
	"SCSI Port's is the beginning of Storport's");

/* Called once for each kind of bus that the miniport knows; this machine has PCI. */
ULONG NTAPI ScsiPortInitialize(PVOID Argument1, PVOID Argument2,
	PSCSIPORT_HW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext)
{
	struct port_driver *driver = port_driver_of(
		&scsi_driver_model, Argument1, Argument2, HwInitializationData, 0xf1001000);
	HW_INITIALIZATION_DATA data = {0};
	const char *bad;

	if (!driver)
		return (ULONG)STATUS_INVALID_PARAMETER;
	if (HwInitializationData->HwInitializationDataSize != sizeof(*HwInitializationData)) {
		nt_violation(0xf1001000,
			"ScsiPortInitialize: HwInitializationDataSize is %u, must be %zu.",
			(unsigned)HwInitializationData->HwInitializationDataSize,
			sizeof(*HwInitializationData));
		return (ULONG)STATUS_REVISION_MISMATCH;
	}
	memcpy(&data, HwInitializationData, sizeof(*HwInitializationData));
	bad = port_registration_bad(&data);
	if (!bad && data.NumberOfAccessRanges > PORT_HBA_RANGES)
		bad = "NumberOfAccessRanges is more than 32";
	if (bad) {
		nt_violation(0xf1001000, "ScsiPortInitialize: %s.", bad);
		return (ULONG)STATUS_INVALID_PARAMETER;
	}
	if (data.AdapterInterfaceType == PCIBus)
		port_driver_register(driver, false, &data, HwContext);
	return STATUS_SUCCESS;
}
DRY_EXPORT(ScsiPortInitialize)
