/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Configuration space and BARs for miniports: thin over src/bus. */
#define DRY_MODULE "scsiport.sys"
#include "scsiport/scsi_adapter.h"
#include "mem/mem.h"
#include "nt/nt.h"
#include "util/export.h"

#include <string.h>

static struct bus_function *function_in(ULONG slot)
{
	struct bus_function *function;

	for (unsigned n = 0; (function = bus_function_get(n)) != NULL; n++)
		if (bus_function_slot(function) == slot)
			return function;
	return NULL;
}

/* With Length 0 the port makes the buffer; it is good until HwScsiFindAdapter returns. */
static void *bus_data_new(struct scsi_adapter *adapter, PVOID *result)
{
	if (adapter->phase != SCSI_FINDING) {
		nt_violation(0, "ScsiPortGetBusData with Length 0 outside HwScsiFindAdapter.");
		return NULL;
	}
	if (!adapter->bus_data)
		adapter->bus_data = mem_alloc(MEM_PAGE_SIZE, 0, MEM_EXTENSION, adapter);
	*result = adapter->bus_data;
	return adapter->bus_data;
}

/* A miniport may look for its adapter itself: every slot of the bus may be read. An empty one has
 * no vendor, which takes two bytes. */
ULONG NTAPI ScsiPortGetBusData(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
	ULONG SlotNumber, PVOID Buffer, ULONG Length)
{
	const USHORT nobody = PCI_INVALID_VENDORID;
	struct scsi_adapter *adapter = scsi_adapter_of(DeviceExtension, "ScsiPortGetBusData");
	struct bus_function *function = function_in(SlotNumber);

	cpu_poll();
	if (!adapter || !Buffer || BusDataType != PCIConfiguration || SystemIoBusNumber != 0)
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
	struct scsi_adapter *adapter =
		scsi_adapter_of(DeviceExtension, "ScsiPortSetBusDataByOffset");

	cpu_poll();
	if (!adapter || !Buffer || BusDataType != PCIConfiguration || SystemIoBusNumber != 0 ||
		SlotNumber != bus_function_slot(adapter->function))
		return 0;
	return bus_config_write(adapter->function, Offset, Buffer, Length);
}
DRY_EXPORT(ScsiPortSetBusDataByOffset)

/* A range of the adapter's own BARs, mapped; NULL if it is none. */
static void *map_own(const struct scsi_adapter *adapter, SCSI_PHYSICAL_ADDRESS address, ULONG bytes,
	BOOLEAN is_io)
{
	struct bus_function *function = NULL;
	void *mapped = bus_map((uint64_t)address.QuadPart, bytes, is_io, &function);

	if (!mapped || function == adapter->function)
		return mapped;
	bus_unmap(mapped);
	return NULL;
}

/* Nobody else has what Plug and Play gave to this adapter. */
BOOLEAN NTAPI ScsiPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, SCSI_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace)
{
	struct scsi_adapter *adapter = scsi_adapter_of(HwDeviceExtension, "ScsiPortValidateRange");
	void *mapped = adapter ? map_own(adapter, IoAddress, NumberOfBytes, InIoSpace) : NULL;

	cpu_poll();
	if (mapped)
		bus_unmap(mapped);
	return mapped != NULL;
}
DRY_EXPORT(ScsiPortValidateRange)

PVOID NTAPI ScsiPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, SCSI_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace)
{
	struct scsi_adapter *adapter = scsi_adapter_of(HwDeviceExtension, "ScsiPortGetDeviceBase");
	void *mapped;

	cpu_poll();
	if (!adapter)
		return NULL;
	mapped = map_own(adapter, IoAddress, NumberOfBytes, InIoSpace);
	if (!mapped) {
		nt_violation(0, "ScsiPortGetDeviceBase: %u bytes at %#llx were not assigned to %s.",
			(unsigned)NumberOfBytes, (unsigned long long)IoAddress.QuadPart,
			adapter->name);
		return NULL;
	}
	for (unsigned n = 0; n < SCSI_MAPS; n++) {
		if (adapter->mapped[n])
			continue;
		adapter->mapped[n] = mapped;
		return mapped;
	}
	nt_violation(0, "ScsiPortGetDeviceBase: %s has %d ranges mapped already.", adapter->name,
		SCSI_MAPS);
	bus_unmap(mapped);
	return NULL;
}
DRY_EXPORT(ScsiPortGetDeviceBase)

VOID NTAPI ScsiPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress)
{
	struct scsi_adapter *adapter = scsi_adapter_of(HwDeviceExtension, "ScsiPortFreeDeviceBase");

	cpu_poll();
	for (unsigned n = 0; adapter && n < SCSI_MAPS; n++) {
		if (!MappedAddress || adapter->mapped[n] != MappedAddress)
			continue;
		adapter->mapped[n] = NULL;
		bus_unmap(MappedAddress);
		return;
	}
	if (adapter)
		nt_violation(0,
			"ScsiPortFreeDeviceBase: %p did not come from ScsiPortGetDeviceBase.",
			MappedAddress);
}
DRY_EXPORT(ScsiPortFreeDeviceBase)
