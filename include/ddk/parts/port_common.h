/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What SCSI Port and Storport have in common: callbacks of a miniport, the ranges that an adapter
 * is given, the types of notification. Those of a notification's arguments that are not said here
 * stand where it is sent (stor_notify.h, scsiport_exports.h).
 */
/* Before the guard: srb.h includes this file at its end. */
#include "../srb.h"
#ifndef DDK_PARTS_PORT_COMMON_H
#define DDK_PARTS_PORT_COMMON_H

#include "stor_control.h"

typedef BOOLEAN NTAPI HW_INITIALIZE(PVOID DeviceExtension);
typedef HW_INITIALIZE *PHW_INITIALIZE;
typedef BOOLEAN NTAPI HW_STARTIO(PVOID DeviceExtension, PSCSI_REQUEST_BLOCK Srb);
typedef HW_STARTIO *PHW_STARTIO;
typedef BOOLEAN NTAPI HW_INTERRUPT(PVOID DeviceExtension);
typedef HW_INTERRUPT *PHW_INTERRUPT;
typedef VOID NTAPI HW_TIMER(PVOID DeviceExtension);
typedef HW_TIMER *PHW_TIMER;
typedef BOOLEAN NTAPI HW_DMA_STARTED(PVOID DeviceExtension);
typedef HW_DMA_STARTED *PHW_DMA_STARTED;
typedef BOOLEAN NTAPI HW_RESET_BUS(PVOID DeviceExtension, ULONG PathId);
typedef HW_RESET_BUS *PHW_RESET_BUS;
typedef BOOLEAN NTAPI HW_ADAPTER_STATE(PVOID DeviceExtension, PVOID Context, BOOLEAN SaveState);
typedef HW_ADAPTER_STATE *PHW_ADAPTER_STATE;
typedef SCSI_ADAPTER_CONTROL_STATUS NTAPI HW_ADAPTER_CONTROL(
	PVOID DeviceExtension, SCSI_ADAPTER_CONTROL_TYPE ControlType, PVOID Parameters);
typedef HW_ADAPTER_CONTROL *PHW_ADAPTER_CONTROL;

typedef struct _ACCESS_RANGE {
	SCSI_PHYSICAL_ADDRESS RangeStart;
	ULONG RangeLength;
	BOOLEAN RangeInMemory;
} ACCESS_RANGE, *PACCESS_RANGE;
DDK_SIZE(ACCESS_RANGE, 16);

typedef enum _SCSI_NOTIFICATION_TYPE {
	RequestComplete,
	NextRequest,
	NextLuRequest,
	ResetDetected,
	CallDisableInterrupts, /* obsolete */
	CallEnableInterrupts,  /* obsolete */
	RequestTimerCall,
	BusChangeDetected,
	WMIEvent,
	WMIReregister,
	LinkUp,
	LinkDown,
	QueryTickCount,
	BufferOverrunDetected,
	TraceNotification,
	GetExtendedFunctionTable,

	EnablePassiveInitialization = 0x1000,
	InitializeDpc,
	IssueDpc,
	AcquireSpinLock,
	ReleaseSpinLock,
	StateChangeDetectedCall,
	IoTargetRequestServiceTime,
	AsyncNotificationDetected,
	RequestDirectComplete,
	InitializeDpcWithContext,
	InitializeThreadedDpc,
	SetTargetProcessorDpc,
	MarkDeviceFailed,
	MarkDeviceFailedEx,
	TerminateSystemThread,
	NvmeofNotification,
	StorMQControllerStartInitialization
} SCSI_NOTIFICATION_TYPE,
	*PSCSI_NOTIFICATION_TYPE;
DDK_ASSERT(GetExtendedFunctionTable == 15 && StorMQControllerStartInitialization == 0x1010,
	"storport.md 1.8");

#endif
