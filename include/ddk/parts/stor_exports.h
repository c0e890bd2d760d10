/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The routines that the port exports by name, and the register and port accessors: macros over
 * READ_REGISTER_* and their kin, which take the device extension for show (drivers pass NULL).
 */
#ifndef DDK_PARTS_STOR_EXPORTS_H
#define DDK_PARTS_STOR_EXPORTS_H

#include "stor_config.h"
#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

ULONG NTAPI StorPortInitialize(PVOID Argument1, PVOID Argument2,
	PHW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext);

/* ---- the adapter's resources ---- */

ULONG NTAPI StorPortGetBusData(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
	ULONG SlotNumber, PVOID Buffer, ULONG Length);
ULONG NTAPI StorPortSetBusDataByOffset(PVOID DeviceExtension, ULONG BusDataType,
	ULONG SystemIoBusNumber, ULONG SlotNumber, PVOID Buffer, ULONG Offset, ULONG Length);
PVOID NTAPI StorPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace);
VOID NTAPI StorPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress);
BOOLEAN NTAPI StorPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, STOR_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace);
PVOID NTAPI StorPortGetUncachedExtension(
	PVOID HwDeviceExtension, PPORT_CONFIGURATION_INFORMATION ConfigInfo, ULONG NumberOfBytes);

/* ---- addresses and lists ---- */

STOR_PHYSICAL_ADDRESS NTAPI StorPortGetPhysicalAddress(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID VirtualAddress, ULONG *Length);
PVOID NTAPI StorPortGetVirtualAddress(
	PVOID HwDeviceExtension, STOR_PHYSICAL_ADDRESS PhysicalAddress);
/* SG-30 .. SG-34: the list that the port made for this request; it belongs to the port. */
PSTOR_SCATTER_GATHER_LIST NTAPI StorPortGetScatterGatherList(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb);
STOR_PHYSICAL_ADDRESS NTAPI StorPortConvertUlong64ToPhysicalAddress(ULONG64 UlongAddress);
ULONG64 NTAPI StorPortConvertPhysicalAddressToUlong64(STOR_PHYSICAL_ADDRESS Address);

DDK_INLINE STOR_PHYSICAL_ADDRESS StorPortConvertUlongToPhysicalAddress(ULONG_PTR UlongAddress)
{
	STOR_PHYSICAL_ADDRESS address;

	address.QuadPart = (LONGLONG)UlongAddress;
	return address;
}
#define StorPortConvertPhysicalAddressToUlong(Address) ((ULONG)((Address).LowPart))

/* ---- units and queues ---- */

PVOID NTAPI StorPortGetLogicalUnit(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
BOOLEAN NTAPI StorPortSetDeviceQueueDepth(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG Depth);
BOOLEAN NTAPI StorPortPause(PVOID HwDeviceExtension, ULONG TimeOut);
BOOLEAN NTAPI StorPortResume(PVOID HwDeviceExtension);
BOOLEAN NTAPI StorPortPauseDevice(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG TimeOut);
BOOLEAN NTAPI StorPortResumeDevice(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
BOOLEAN NTAPI StorPortBusy(PVOID HwDeviceExtension, ULONG RequestsToComplete);
BOOLEAN NTAPI StorPortReady(PVOID HwDeviceExtension);
BOOLEAN NTAPI StorPortDeviceBusy(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG RequestsToComplete);
BOOLEAN NTAPI StorPortDeviceReady(PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
VOID NTAPI StorPortCompleteRequest(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, UCHAR SrbStatus);
BOOLEAN NTAPI StorPortSynchronizeAccess(PVOID HwDeviceExtension,
	PSTOR_SYNCHRONIZED_ACCESS SynchronizedAccessRoutine, PVOID Context);

/* ---- the rest ---- */

VOID NTAPI StorPortMoveMemory(PVOID WriteBuffer, PVOID ReadBuffer, ULONG Length);
VOID NTAPI StorPortStallExecution(ULONG Delay);
VOID NTAPI StorPortQuerySystemTime(PLARGE_INTEGER CurrentTime);
DDK_SELDOM VOID NTAPI StorPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb,
	UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG ErrorCode, ULONG UniqueId);
DDK_SELDOM VOID NTAPI StorPortDebugPrint(ULONG DebugPrintLevel, PCSTR DebugMessage, ...);
PUCHAR NTAPI StorPortAllocateRegistryBuffer(PVOID HwDeviceExtension, PULONG Length);
VOID NTAPI StorPortFreeRegistryBuffer(PVOID HwDeviceExtension, PUCHAR Buffer);
#define MINIPORT_REG_SZ	    1
#define MINIPORT_REG_BINARY 3
#define MINIPORT_REG_DWORD  4
BOOLEAN NTAPI StorPortRegistryRead(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global,
	ULONG Type, PUCHAR Buffer, PULONG BufferLength);
BOOLEAN NTAPI StorPortRegistryWrite(PVOID HwDeviceExtension, PUCHAR ValueName, ULONG Global,
	ULONG Type, PUCHAR Buffer, ULONG BufferLength);

#define StorPortCopyMemory(Destination, Source, Length) memcpy((Destination), (Source), (Length))
#if DBG
#define DebugPrint(x) StorPortDebugPrint x
#else
#define DebugPrint(x)
#endif

/* ---- accessors ---- */

#define DDK_WITH(h, access) ((VOID)(h), access)

#define StorPortReadRegisterUchar(h, r)	 DDK_WITH(h, READ_REGISTER_UCHAR((volatile UCHAR *)(r)))
#define StorPortReadRegisterUshort(h, r) DDK_WITH(h, READ_REGISTER_USHORT((volatile USHORT *)(r)))
#define StorPortReadRegisterUlong(h, r)	 DDK_WITH(h, READ_REGISTER_ULONG((volatile ULONG *)(r)))
#define StorPortReadRegisterUlong64(h, r)                                                          \
	DDK_WITH(h, READ_REGISTER_ULONG64((volatile ULONG64 *)(r)))
#define StorPortWriteRegisterUchar(h, r, v)                                                        \
	DDK_WITH(h, WRITE_REGISTER_UCHAR((volatile UCHAR *)(r), (v)))
#define StorPortWriteRegisterUshort(h, r, v)                                                       \
	DDK_WITH(h, WRITE_REGISTER_USHORT((volatile USHORT *)(r), (v)))
#define StorPortWriteRegisterUlong(h, r, v)                                                        \
	DDK_WITH(h, WRITE_REGISTER_ULONG((volatile ULONG *)(r), (v)))
#define StorPortWriteRegisterUlong64(h, r, v)                                                      \
	DDK_WITH(h, WRITE_REGISTER_ULONG64((volatile ULONG64 *)(r), (v)))

#define StorPortReadRegisterBufferUchar(h, r, b, c)                                                \
	DDK_WITH(h, READ_REGISTER_BUFFER_UCHAR((volatile UCHAR *)(r), (b), (c)))
#define StorPortReadRegisterBufferUshort(h, r, b, c)                                               \
	DDK_WITH(h, READ_REGISTER_BUFFER_USHORT((volatile USHORT *)(r), (b), (c)))
#define StorPortReadRegisterBufferUlong(h, r, b, c)                                                \
	DDK_WITH(h, READ_REGISTER_BUFFER_ULONG((volatile ULONG *)(r), (b), (c)))
#define StorPortReadRegisterBufferUlong64(h, r, b, c)                                              \
	DDK_WITH(h, READ_REGISTER_BUFFER_ULONG64((volatile ULONG64 *)(r), (b), (c)))
#define StorPortWriteRegisterBufferUchar(h, r, b, c)                                               \
	DDK_WITH(h, WRITE_REGISTER_BUFFER_UCHAR((volatile UCHAR *)(r), (b), (c)))
#define StorPortWriteRegisterBufferUshort(h, r, b, c)                                              \
	DDK_WITH(h, WRITE_REGISTER_BUFFER_USHORT((volatile USHORT *)(r), (b), (c)))
#define StorPortWriteRegisterBufferUlong(h, r, b, c)                                               \
	DDK_WITH(h, WRITE_REGISTER_BUFFER_ULONG((volatile ULONG *)(r), (b), (c)))
#define StorPortWriteRegisterBufferUlong64(h, r, b, c)                                             \
	DDK_WITH(h, WRITE_REGISTER_BUFFER_ULONG64((volatile ULONG64 *)(r), (b), (c)))

#define StorPortReadPortUchar(h, p)	 DDK_WITH(h, READ_PORT_UCHAR((PUCHAR)(p)))
#define StorPortReadPortUshort(h, p)	 DDK_WITH(h, READ_PORT_USHORT((PUSHORT)(p)))
#define StorPortReadPortUlong(h, p)	 DDK_WITH(h, READ_PORT_ULONG((PULONG)(p)))
#define StorPortWritePortUchar(h, p, v)	 DDK_WITH(h, WRITE_PORT_UCHAR((PUCHAR)(p), (v)))
#define StorPortWritePortUshort(h, p, v) DDK_WITH(h, WRITE_PORT_USHORT((PUSHORT)(p), (v)))
#define StorPortWritePortUlong(h, p, v)	 DDK_WITH(h, WRITE_PORT_ULONG((PULONG)(p), (v)))
#define StorPortReadPortBufferUchar(h, p, b, c)                                                    \
	DDK_WITH(h, READ_PORT_BUFFER_UCHAR((PUCHAR)(p), (b), (c)))
#define StorPortReadPortBufferUshort(h, p, b, c)                                                   \
	DDK_WITH(h, READ_PORT_BUFFER_USHORT((PUSHORT)(p), (b), (c)))
#define StorPortReadPortBufferUlong(h, p, b, c)                                                    \
	DDK_WITH(h, READ_PORT_BUFFER_ULONG((PULONG)(p), (b), (c)))
#define StorPortWritePortBufferUchar(h, p, b, c)                                                   \
	DDK_WITH(h, WRITE_PORT_BUFFER_UCHAR((PUCHAR)(p), (b), (c)))
#define StorPortWritePortBufferUshort(h, p, b, c)                                                  \
	DDK_WITH(h, WRITE_PORT_BUFFER_USHORT((PUSHORT)(p), (b), (c)))
#define StorPortWritePortBufferUlong(h, p, b, c)                                                   \
	DDK_WITH(h, WRITE_PORT_BUFFER_ULONG((PULONG)(p), (b), (c)))

#ifdef __cplusplus
}
#endif

#endif
