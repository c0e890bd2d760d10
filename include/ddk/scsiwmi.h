/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * WMI for SCSI and Storport miniports. A driver that has set WmiDataProvider gets requests with the
 * function SRB_FUNCTION_WMI, hands each to ScsiPortWmiDispatchFunction with its list of blocks and
 * its callbacks, and is called back by kind of request. The callbacks' BOOLEAN is an SRB status,
 * SRB_STATUS_PENDING (0) for a request that ScsiPortWmiPostProcess ends later.
 */
#ifndef __SCSIWMI_H
#define __SCSIWMI_H

#include "srb.h"
#include "wmistr.h"

#ifdef __cplusplus
extern "C" {
#endif

#pragma pack(push, 4)

typedef struct _SCSIWMI_REQUEST_CONTEXT {
	PVOID UserContext;
	ULONG BufferSize;
	PUCHAR Buffer;
	UCHAR MinorFunction;
	UCHAR ReturnStatus;
	ULONG ReturnSize;
} SCSIWMI_REQUEST_CONTEXT, *PSCSIWMI_REQUEST_CONTEXT;
DDK_OFFSET(SCSIWMI_REQUEST_CONTEXT, Buffer, 12);
DDK_SIZE(SCSIWMI_REQUEST_CONTEXT, 28);

typedef struct _SCSIWMIGUIDREGINFO {
	LPCGUID Guid;
	ULONG InstanceCount;
	ULONG Flags;
} SCSIWMIGUIDREGINFO, *PSCSIWMIGUIDREGINFO;
DDK_SIZE(SCSIWMIGUIDREGINFO, 16);

typedef enum _SCSIWMI_ENABLE_DISABLE_CONTROL {
	ScsiWmiEventControl,
	ScsiWmiDataBlockControl
} SCSIWMI_ENABLE_DISABLE_CONTROL;

typedef UCHAR NTAPI SCSIWMI_QUERY_REGINFO(
	PVOID DeviceContext, PSCSIWMI_REQUEST_CONTEXT RequestContext, PWCHAR *MofResourceName);
typedef SCSIWMI_QUERY_REGINFO *PSCSIWMI_QUERY_REGINFO;

typedef BOOLEAN NTAPI SCSIWMI_QUERY_DATABLOCK(PVOID Context,
	PSCSIWMI_REQUEST_CONTEXT DispatchContext, ULONG GuidIndex, ULONG InstanceIndex,
	ULONG InstanceCount, PULONG InstanceLengthArray, ULONG BufferAvail, PUCHAR Buffer);
typedef SCSIWMI_QUERY_DATABLOCK *PSCSIWMI_QUERY_DATABLOCK;

typedef BOOLEAN NTAPI SCSIWMI_SET_DATABLOCK(PVOID DeviceContext,
	PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG GuidIndex, ULONG InstanceIndex,
	ULONG BufferSize, PUCHAR Buffer);
typedef SCSIWMI_SET_DATABLOCK *PSCSIWMI_SET_DATABLOCK;

typedef BOOLEAN NTAPI SCSIWMI_SET_DATAITEM(PVOID DeviceContext,
	PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG GuidIndex, ULONG InstanceIndex,
	ULONG DataItemId, ULONG BufferSize, PUCHAR Buffer);
typedef SCSIWMI_SET_DATAITEM *PSCSIWMI_SET_DATAITEM;

typedef BOOLEAN NTAPI SCSIWMI_EXECUTE_METHOD(PVOID DeviceContext,
	PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG GuidIndex, ULONG InstanceIndex,
	ULONG MethodId, ULONG InBufferSize, ULONG OutBufferSize, PUCHAR Buffer);
typedef SCSIWMI_EXECUTE_METHOD *PSCSIWMI_EXECUTE_METHOD;

typedef BOOLEAN NTAPI SCSIWMI_FUNCTION_CONTROL(PVOID DeviceContext,
	PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG GuidIndex,
	SCSIWMI_ENABLE_DISABLE_CONTROL Function, BOOLEAN Enable);
typedef SCSIWMI_FUNCTION_CONTROL *PSCSIWMI_FUNCTION_CONTROL;

typedef struct _SCSIWMILIB_CONTEXT {
	ULONG GuidCount;
	PSCSIWMIGUIDREGINFO GuidList;
	PSCSIWMI_QUERY_REGINFO QueryWmiRegInfo;
	PSCSIWMI_QUERY_DATABLOCK QueryWmiDataBlock;
	PSCSIWMI_SET_DATABLOCK SetWmiDataBlock;
	PSCSIWMI_SET_DATAITEM SetWmiDataItem;
	PSCSIWMI_EXECUTE_METHOD ExecuteWmiMethod;
	PSCSIWMI_FUNCTION_CONTROL WmiFunctionControl;
} SCSI_WMILIB_CONTEXT, *PSCSI_WMILIB_CONTEXT;
DDK_OFFSET(SCSI_WMILIB_CONTEXT, GuidList, 4);
DDK_SIZE(SCSI_WMILIB_CONTEXT, 60);

#pragma pack(pop)

/* TRUE: the request is pending. */
SCSIPORT_API BOOLEAN NTAPI ScsiPortWmiDispatchFunction(PSCSI_WMILIB_CONTEXT WmiLibInfo,
	UCHAR MinorFunction, PVOID DeviceContext, PSCSIWMI_REQUEST_CONTEXT RequestContext,
	PVOID DataPath, ULONG BufferSize, PVOID Buffer);
SCSIPORT_API VOID NTAPI ScsiPortWmiPostProcess(
	PSCSIWMI_REQUEST_CONTEXT RequestContext, UCHAR SrbStatus, ULONG BufferUsed);
SCSIPORT_API VOID NTAPI ScsiPortWmiFireLogicalUnitEvent(PVOID HwDeviceExtension, UCHAR PathId,
	UCHAR TargetId, UCHAR Lun, LPGUID Guid, ULONG InstanceIndex, ULONG EventDataSize,
	PVOID EventData);

#define ScsiPortWmiFireAdapterEvent(Extension, Guid, InstanceIndex, EventDataSize, EventData)      \
	ScsiPortWmiFireLogicalUnitEvent(                                                           \
		Extension, 0xff, 0, 0, Guid, InstanceIndex, EventDataSize, EventData)
#define ScsiPortWmiGetReturnStatus(RequestContext) ((RequestContext)->ReturnStatus)
#define ScsiPortWmiGetReturnSize(RequestContext)   ((RequestContext)->ReturnSize)

#ifdef __cplusplus
}
#endif

#endif
