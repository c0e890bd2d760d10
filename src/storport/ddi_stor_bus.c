/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Configuration space and BARs for miniports: thin over src/bus. */
#define DRY_MODULE "storport.sys"
#include "storport/storport_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

/* A virtual adapter is in no slot. */
static bool has_slot(const struct stor_adapter *adapter, ULONG type, ULONG slot)
{
	return adapter->function && type == PCIConfiguration &&
	       slot == bus_function_slot(adapter->function);
}

ULONG NTAPI StorPortGetBusData(PVOID HwDeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
	ULONG SlotNumber, PVOID Buffer, ULONG Length)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortGetBusData");

	cpu_poll();
	if (!adapter || !Buffer || !has_slot(adapter, BusDataType, SlotNumber))
		return 0;
	return bus_config_read(adapter->function, 0, Buffer, Length);
}
DRY_EXPORT(StorPortGetBusData)

ULONG NTAPI StorPortSetBusDataByOffset(PVOID HwDeviceExtension, ULONG BusDataType,
	ULONG SystemIoBusNumber, ULONG SlotNumber, PVOID Buffer, ULONG Offset, ULONG Length)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortSetBusDataByOffset");

	cpu_poll();
	if (!adapter || !Buffer || !has_slot(adapter, BusDataType, SlotNumber))
		return 0;
	return bus_config_write(adapter->function, Offset, Buffer, Length);
}
DRY_EXPORT(StorPortSetBusDataByOffset)

PVOID NTAPI StorPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortGetDeviceBase");
	struct bus_function *function = NULL;
	void *mapped;

	cpu_poll();
	if (!adapter)
		return NULL;
	mapped = bus_map((uint64_t)IoAddress.QuadPart, NumberOfBytes, InIoSpace, &function);
	if (!mapped || function != adapter->function) {
		nt_violation(0xf1002003,
			"StorPortGetDeviceBase: %u bytes at %#llx were not assigned to %s.",
			(unsigned)NumberOfBytes, (unsigned long long)IoAddress.QuadPart,
			adapter->name);
		if (mapped)
			bus_unmap(mapped);
		return NULL;
	}
	/* Each call has its place, that of an address mapped already too: each is undone by itself.
	 */
	for (unsigned n = 0; n < STOR_MAPS; n++) {
		if (adapter->mapped[n])
			continue;
		adapter->mapped[n] = mapped;
		return mapped;
	}
	nt_violation(0, "StorPortGetDeviceBase: %s has %d ranges mapped already.", adapter->name,
		STOR_MAPS);
	bus_unmap(mapped);
	return NULL;
}
DRY_EXPORT(StorPortGetDeviceBase)

VOID NTAPI StorPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress)
{
	struct stor_adapter *adapter = stor_adapter_of(HwDeviceExtension, "StorPortFreeDeviceBase");

	cpu_poll();
	for (unsigned n = 0; adapter && n < STOR_MAPS; n++) {
		if (!MappedAddress || adapter->mapped[n] != MappedAddress)
			continue;
		adapter->mapped[n] = NULL;
		bus_unmap(MappedAddress);
		return;
	}
	if (adapter)
		nt_violation(0,
			"StorPortFreeDeviceBase: %p did not come from StorPortGetDeviceBase.",
			MappedAddress);
}
DRY_EXPORT(StorPortFreeDeviceBase)
