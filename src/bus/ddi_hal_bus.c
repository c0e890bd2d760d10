/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * HalGetBusData and its kin: PCI configuration space by slot number (ddk/nf-ntddk-halgetbusdata).
 * Neighbour: config_space.c.
 */
#define DRY_MODULE "hal.dll"
#include "bus/bus.h"
#include "util/export.h"
#include <ntddk.h>

ULONG NTAPI HalGetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
	PVOID Buffer, ULONG Offset, ULONG Length)
{
	struct bus_function *f;

	if (BusDataType != PCIConfiguration || !bus_is_there(BusNumber))
		return 0; /* no such bus */
	f = bus_function_at(BusNumber, SlotNumber);
	if (f)
		return bus_config_read(f, Offset, Buffer, Length);
	/* The bus is there, the device is not: two bytes, an invalid vendor. */
	if (Offset || Length < sizeof(USHORT))
		return 0;
	*(UNALIGNED USHORT *)Buffer = PCI_INVALID_VENDORID;
	return sizeof(USHORT);
}
DRY_EXPORT(HalGetBusDataByOffset)

ULONG NTAPI HalGetBusData(
	BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer, ULONG Length)
{
	return HalGetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}
DRY_EXPORT(HalGetBusData)

ULONG NTAPI HalSetBusDataByOffset(BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber,
	PVOID Buffer, ULONG Offset, ULONG Length)
{
	struct bus_function *f;

	if (BusDataType != PCIConfiguration || !bus_is_there(BusNumber))
		return 0;
	f = bus_function_at(BusNumber, SlotNumber);
	return f ? bus_config_write(f, Offset, Buffer, Length) : 0;
}
DRY_EXPORT(HalSetBusDataByOffset)

ULONG NTAPI HalSetBusData(
	BUS_DATA_TYPE BusDataType, ULONG BusNumber, ULONG SlotNumber, PVOID Buffer, ULONG Length)
{
	return HalSetBusDataByOffset(BusDataType, BusNumber, SlotNumber, Buffer, 0, Length);
}
DRY_EXPORT(HalSetBusData)
