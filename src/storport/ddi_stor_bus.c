/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Configuration space and BARs for miniports: thin over src/bus. */
#define DRY_MODULE "storport.sys"
#include "storport/storport_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

ULONG NTAPI StorPortGetBusData(PVOID HwDeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
	ULONG SlotNumber, PVOID Buffer, ULONG Length)
{
	struct port_hba *hba = port_hba_of(HwDeviceExtension, "StorPortGetBusData");

	cpu_poll();
	if (!hba || !Buffer || !port_hba_has_slot(hba, BusDataType, SlotNumber))
		return 0;
	return bus_config_read(hba->function, 0, Buffer, Length);
}
DRY_EXPORT(StorPortGetBusData)

ULONG NTAPI StorPortSetBusDataByOffset(PVOID HwDeviceExtension, ULONG BusDataType,
	ULONG SystemIoBusNumber, ULONG SlotNumber, PVOID Buffer, ULONG Offset, ULONG Length)
{
	struct port_hba *hba = port_hba_of(HwDeviceExtension, "StorPortSetBusDataByOffset");

	cpu_poll();
	if (!hba || !Buffer || !port_hba_has_slot(hba, BusDataType, SlotNumber))
		return 0;
	return bus_config_write(hba->function, Offset, Buffer, Length);
}
DRY_EXPORT(StorPortSetBusDataByOffset)

PVOID NTAPI StorPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace)
{
	struct port_hba *hba = port_hba_of(HwDeviceExtension, "StorPortGetDeviceBase");

	cpu_poll();
	return hba ? port_hba_base(hba, (uint64_t)IoAddress.QuadPart, NumberOfBytes, InIoSpace,
			     0xf1002003)
		   : NULL;
}
DRY_EXPORT(StorPortGetDeviceBase)

VOID NTAPI StorPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress)
{
	struct port_hba *hba = port_hba_of(HwDeviceExtension, "StorPortFreeDeviceBase");

	cpu_poll();
	if (hba)
		port_hba_base_free(hba, MappedAddress);
}
DRY_EXPORT(StorPortFreeDeviceBase)

/* Its page: for the sake of drivers of old always TRUE. HwStorFindAdapter is told which ranges its
 * adapter has. */
BOOLEAN NTAPI StorPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace)
{
	cpu_poll();
	return TRUE;
}
DRY_EXPORT(StorPortValidateRange)
