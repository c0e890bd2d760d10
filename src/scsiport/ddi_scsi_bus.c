/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Configuration space and BARs for miniports: thin over src/bus. */
#define DRY_MODULE "scsiport.sys"
#include "scsiport/scsi_adapter.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/export.h"

#include <string.h>

/* With Length 0 the port makes the buffer; it is good until HwScsiFindAdapter returns. */
static void *bus_data_new(struct scsi_adapter *adapter, PVOID *result)
{
	if (adapter->hba.phase != PORT_HBA_FINDING) {
		nt_violation(0, "ScsiPortGetBusData with Length 0 outside HwScsiFindAdapter.");
		return NULL;
	}
	if (!adapter->bus_data)
		adapter->bus_data = mem_alloc(MEM_PAGE_SIZE, 0, MEM_EXTENSION, adapter);
	*result = adapter->bus_data;
	return adapter->bus_data;
}

/* A miniport may look for its adapter itself: every slot of each bus may be read. An empty one has
 * no vendor, which takes two bytes. */
ULONG NTAPI ScsiPortGetBusData(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
	ULONG SlotNumber, PVOID Buffer, ULONG Length)
{
	const USHORT nobody = PCI_INVALID_VENDORID;
	struct scsi_adapter *adapter = scsi_adapter_of(DeviceExtension, "ScsiPortGetBusData");
	struct bus_function *function = bus_function_at(SystemIoBusNumber, SlotNumber);

	cpu_poll();
	if (!adapter || !Buffer || BusDataType != PCIConfiguration ||
		!bus_is_there(SystemIoBusNumber))
		return 0;
	if (!Length) {
		Buffer = bus_data_new(adapter, Buffer);
		Length = Buffer ? sizeof(PCI_COMMON_CONFIG) : 0;
	}
	if (function && Buffer)
		return bus_config_read(function, 0, Buffer, Length);
	if (Length < sizeof(nobody))
		return 0;
	memcpy(Buffer, &nobody, sizeof(nobody));
	return sizeof(nobody);
}
DRY_EXPORT(ScsiPortGetBusData)

ULONG NTAPI ScsiPortSetBusDataByOffset(PVOID DeviceExtension, ULONG BusDataType,
	ULONG SystemIoBusNumber, ULONG SlotNumber, PVOID Buffer, ULONG Offset, ULONG Length)
{
	struct port_hba *hba = port_hba_of(DeviceExtension, "ScsiPortSetBusDataByOffset");

	cpu_poll();
	if (!hba || !Buffer || !hba->function ||
		SystemIoBusNumber != bus_function_bus(hba->function) ||
		!port_hba_has_slot(hba, BusDataType, SlotNumber))
		return 0;
	return bus_config_write(hba->function, Offset, Buffer, Length);
}
DRY_EXPORT(ScsiPortSetBusDataByOffset)

/* Their pages: calls from other routines fail, or go wrong. Here they are told and served. */
static void tell_outside_find(const struct port_hba *hba, const char *routine, bool may_control)
{
	enum port_hba_phase phase = atomic_load(&hba->phase);

	if (phase == PORT_HBA_FINDING || (may_control && phase == PORT_HBA_STOPPED))
		return;
	nt_violation(0, "%s outside HwScsiFindAdapter%s.", routine,
		may_control ? " and HwScsiAdapterControl(ScsiSetRunningConfig)" : "");
}

/* Nobody else has what Plug and Play gave to this adapter. */
BOOLEAN NTAPI ScsiPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, SCSI_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace)
{
	struct port_hba *hba = port_hba_of(HwDeviceExtension, "ScsiPortValidateRange");
	void *mapped =
		hba ? port_hba_map(hba, (uint64_t)IoAddress.QuadPart, NumberOfBytes, InIoSpace)
		    : NULL;

	cpu_poll();
	if (hba)
		tell_outside_find(hba, "ScsiPortValidateRange", false);
	if (mapped)
		bus_unmap(mapped);
	return mapped != NULL;
}
DRY_EXPORT(ScsiPortValidateRange)

PVOID NTAPI ScsiPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, SCSI_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace)
{
	struct port_hba *hba = port_hba_of(HwDeviceExtension, "ScsiPortGetDeviceBase");

	cpu_poll();
	if (!hba)
		return NULL;
	tell_outside_find(hba, "ScsiPortGetDeviceBase", true);
	return port_hba_base(hba, (uint64_t)IoAddress.QuadPart, NumberOfBytes, InIoSpace, 0);
}
DRY_EXPORT(ScsiPortGetDeviceBase)

VOID NTAPI ScsiPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress)
{
	struct port_hba *hba = port_hba_of(HwDeviceExtension, "ScsiPortFreeDeviceBase");

	cpu_poll();
	if (hba)
		port_hba_base_free(hba, MappedAddress);
}
DRY_EXPORT(ScsiPortFreeDeviceBase)
