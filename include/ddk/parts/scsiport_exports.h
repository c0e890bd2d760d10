/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The routines that SCSI Port exports to its miniports, accessors of registers and ports included:
 * inlined moves on 64-bit Windows, calls here.
 */
/* Before the guard: srb.h includes this file at its end. */
#include "../srb.h"
#ifndef DDK_PARTS_SCSIPORT_EXPORTS_H
#define DDK_PARTS_SCSIPORT_EXPORTS_H

#include "scsiport_config.h"
#include "hal.h"

#ifdef __cplusplus
extern "C" {
#endif

ULONG NTAPI ScsiPortInitialize(PVOID Argument1, PVOID Argument2,
	PSCSIPORT_HW_INITIALIZATION_DATA HwInitializationData, PVOID HwContext);

/*
 * NotificationType and what follows HwDeviceExtension:
 *
 *	RequestComplete		PSCSI_REQUEST_BLOCK
 *	NextRequest		nothing: the port may call HwScsiStartIo again
 *	NextLuRequest		PathId, TargetId, Lun: and with a request for this unit
 *	ResetDetected		nothing
 *	CallDisableInterrupts	PHW_INTERRUPT, called at DIRQL
 *	CallEnableInterrupts	PHW_INTERRUPT, called at DISPATCH_LEVEL
 *	RequestTimerCall	PHW_TIMER, ULONG microseconds
 *	BusChangeDetected	PathId
 */
VOID NTAPI ScsiPortNotification(
	SCSI_NOTIFICATION_TYPE NotificationType, PVOID HwDeviceExtension, ...);

/* ---- the adapter's resources ---- */

ULONG NTAPI ScsiPortGetBusData(PVOID DeviceExtension, ULONG BusDataType, ULONG SystemIoBusNumber,
	ULONG SlotNumber, PVOID Buffer, ULONG Length);
ULONG NTAPI ScsiPortSetBusDataByOffset(PVOID DeviceExtension, ULONG BusDataType,
	ULONG SystemIoBusNumber, ULONG SlotNumber, PVOID Buffer, ULONG Offset, ULONG Length);
PVOID NTAPI ScsiPortGetDeviceBase(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, SCSI_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace);
VOID NTAPI ScsiPortFreeDeviceBase(PVOID HwDeviceExtension, PVOID MappedAddress);
BOOLEAN NTAPI ScsiPortValidateRange(PVOID HwDeviceExtension, INTERFACE_TYPE BusType,
	ULONG SystemIoBusNumber, SCSI_PHYSICAL_ADDRESS IoAddress, ULONG NumberOfBytes,
	BOOLEAN InIoSpace);
PVOID NTAPI ScsiPortGetUncachedExtension(PVOID HwDeviceExtension,
	PSCSIPORT_PORT_CONFIGURATION_INFORMATION ConfigInfo, ULONG NumberOfBytes);

/* ---- addresses ---- */

SCSI_PHYSICAL_ADDRESS NTAPI ScsiPortGetPhysicalAddress(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID VirtualAddress, ULONG *Length);
PVOID NTAPI ScsiPortGetVirtualAddress(
	PVOID HwDeviceExtension, SCSI_PHYSICAL_ADDRESS PhysicalAddress);
SCSI_PHYSICAL_ADDRESS NTAPI ScsiPortConvertUlongToPhysicalAddress(ULONG_PTR UlongAddress);
ULONG NTAPI ScsiPortConvertPhysicalAddressToUlong(SCSI_PHYSICAL_ADDRESS Address);
#define ScsiPortConvertPhysicalAddressToULongPtr(Address) ((ULONG_PTR)(Address).QuadPart)
/* For slaves of the system DMA controller. */
VOID NTAPI ScsiPortIoMapTransfer(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PVOID LogicalAddress, ULONG Length);
VOID NTAPI ScsiPortFlushDma(PVOID DeviceExtension);

/* ---- units and requests; SP_UNTAGGED stands for all of them, or for no tag ---- */

PVOID NTAPI ScsiPortGetLogicalUnit(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun);
PSCSI_REQUEST_BLOCK NTAPI ScsiPortGetSrb(
	PVOID DeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, LONG QueueTag);
VOID NTAPI ScsiPortCompleteRequest(
	PVOID HwDeviceExtension, UCHAR PathId, UCHAR TargetId, UCHAR Lun, UCHAR SrbStatus);

/* ---- the rest ---- */

VOID NTAPI ScsiPortMoveMemory(PVOID WriteBuffer, PVOID ReadBuffer, ULONG Length);
VOID NTAPI ScsiPortStallExecution(ULONG Delay);
VOID NTAPI ScsiPortQuerySystemTime(PLARGE_INTEGER CurrentTime);
DDK_SELDOM VOID NTAPI ScsiPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb,
	UCHAR PathId, UCHAR TargetId, UCHAR Lun, ULONG ErrorCode, ULONG UniqueId);
DDK_SELDOM VOID NTAPI ScsiDebugPrint(ULONG DebugPrintLevel, PCCHAR DebugMessage, ...);

/* ---- registers and ports ---- */

UCHAR NTAPI ScsiPortReadRegisterUchar(PUCHAR Register);
VOID NTAPI ScsiPortWriteRegisterUchar(PUCHAR Register, UCHAR Value);
VOID NTAPI ScsiPortReadRegisterBufferUchar(PUCHAR Register, PUCHAR Buffer, ULONG Count);
VOID NTAPI ScsiPortWriteRegisterBufferUchar(PUCHAR Register, PUCHAR Buffer, ULONG Count);
USHORT NTAPI ScsiPortReadRegisterUshort(PUSHORT Register);
VOID NTAPI ScsiPortWriteRegisterUshort(PUSHORT Register, USHORT Value);
VOID NTAPI ScsiPortReadRegisterBufferUshort(PUSHORT Register, PUSHORT Buffer, ULONG Count);
VOID NTAPI ScsiPortWriteRegisterBufferUshort(PUSHORT Register, PUSHORT Buffer, ULONG Count);
ULONG NTAPI ScsiPortReadRegisterUlong(PULONG Register);
VOID NTAPI ScsiPortWriteRegisterUlong(PULONG Register, ULONG Value);
VOID NTAPI ScsiPortReadRegisterBufferUlong(PULONG Register, PULONG Buffer, ULONG Count);
VOID NTAPI ScsiPortWriteRegisterBufferUlong(PULONG Register, PULONG Buffer, ULONG Count);
UCHAR NTAPI ScsiPortReadPortUchar(PUCHAR Port);
VOID NTAPI ScsiPortWritePortUchar(PUCHAR Port, UCHAR Value);
VOID NTAPI ScsiPortReadPortBufferUchar(PUCHAR Port, PUCHAR Buffer, ULONG Count);
VOID NTAPI ScsiPortWritePortBufferUchar(PUCHAR Port, PUCHAR Buffer, ULONG Count);
USHORT NTAPI ScsiPortReadPortUshort(PUSHORT Port);
VOID NTAPI ScsiPortWritePortUshort(PUSHORT Port, USHORT Value);
VOID NTAPI ScsiPortReadPortBufferUshort(PUSHORT Port, PUSHORT Buffer, ULONG Count);
VOID NTAPI ScsiPortWritePortBufferUshort(PUSHORT Port, PUSHORT Buffer, ULONG Count);
ULONG NTAPI ScsiPortReadPortUlong(PULONG Port);
VOID NTAPI ScsiPortWritePortUlong(PULONG Port, ULONG Value);
VOID NTAPI ScsiPortReadPortBufferUlong(PULONG Port, PULONG Buffer, ULONG Count);
VOID NTAPI ScsiPortWritePortBufferUlong(PULONG Port, PULONG Buffer, ULONG Count);

#ifdef __cplusplus
}
#endif

#endif
