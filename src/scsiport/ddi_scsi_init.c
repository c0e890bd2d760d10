/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* ScsiPortInitialize: what a DriverEntry registers. See hba.c for what follows. */
#define DRY_MODULE "scsiport.sys"
#include "scsiport/scsi_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

/* The entries a miniport cannot do without, by HW_INITIALIZATION_DATA's page. */
static const char *bad_data(const SCSIPORT_HW_INITIALIZATION_DATA *hw)
{
	if (!hw->HwFindAdapter)
		return "HwFindAdapter is NULL";
	if (!hw->HwInitialize)
		return "HwInitialize is NULL";
	if (!hw->HwStartIo)
		return "HwStartIo is NULL";
	if (!hw->HwResetBus)
		return "HwResetBus is NULL";
	if (hw->NumberOfAccessRanges > SCSI_RANGES)
		return "NumberOfAccessRanges is more than 32";
	return NULL;
}

/* Called once for each kind of bus that the miniport knows; this machine has PCI. */
ULONG NTAPI ScsiPortInitialize(PVOID Argument1, PVOID Argument2,
	PSCSIPORT_HW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext)
{
	struct scsi_driver *driver = scsi_driver_of(Argument1);
	const char *bad;

	if (!Argument1 || !Argument2 || !HwInitializationData) {
		nt_violation(0xf1001000, "ScsiPortInitialize: a pointer is NULL.");
		return (ULONG)STATUS_INVALID_PARAMETER;
	}
	if (!driver) {
		nt_violation(0xf1001000,
			"ScsiPortInitialize: not the DriverObject of the DriverEntry that runs.");
		return (ULONG)STATUS_INVALID_PARAMETER;
	}
	driver->called = true;
	if (HwInitializationData->HwInitializationDataSize != sizeof(driver->hw)) {
		nt_violation(0xf1001000,
			"ScsiPortInitialize: HwInitializationDataSize is %u, must be %zu.",
			(unsigned)HwInitializationData->HwInitializationDataSize,
			sizeof(driver->hw));
		return (ULONG)STATUS_REVISION_MISMATCH;
	}
	bad = bad_data(HwInitializationData);
	if (bad) {
		nt_violation(0xf1001000, "ScsiPortInitialize: %s.", bad);
		return (ULONG)STATUS_INVALID_PARAMETER;
	}
	if (HwInitializationData->AdapterInterfaceType == PCIBus) {
		driver->hw = *HwInitializationData;
		driver->context = HwContext;
		driver->registered = true;
	}
	return STATUS_SUCCESS;
}
DRY_EXPORT(ScsiPortInitialize)
