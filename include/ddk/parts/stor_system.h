/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Wrappers over StorPortExtendedFunction: interrupts and locks, performance, processors, lists,
 * timers, work items, the log, the registry, the adapter's surroundings.
 */
#ifndef DDK_PARTS_STOR_SYSTEM_H
#define DDK_PARTS_STOR_SYSTEM_H

#include "relation.h"
#include "stor_function.h"

/* ---- interrupts and locks ---- */

DDK_INLINE ULONG StorPortAcquireMSISpinLock(
	PVOID HwDeviceExtension, ULONG MessageId, PULONG OldIrql)
{
	return StorPortExtendedFunction(
		ExtFunctionAcquireMSISpinLock, HwDeviceExtension, MessageId, OldIrql);
}

DDK_INLINE ULONG StorPortReleaseMSISpinLock(PVOID HwDeviceExtension, ULONG MessageId, ULONG OldIrql)
{
	return StorPortExtendedFunction(
		ExtFunctionReleaseMSISpinLock, HwDeviceExtension, MessageId, OldIrql);
}

DDK_INLINE ULONG StorPortGetMSIInfo(
	PVOID HwDeviceExtension, ULONG MessageId, PMESSAGE_INTERRUPT_INFORMATION InterruptInfo)
{
	return StorPortExtendedFunction(ExtFunctionGetMessageInterruptInformation,
		HwDeviceExtension, MessageId, InterruptInfo);
}

DDK_INLINE ULONG StorPortAcquireSpinLockEx(PVOID HwDeviceExtension, STOR_SPINLOCK SpinLock,
	PVOID LockContext, PSTOR_LOCK_HANDLE LockHandle)
{
	return StorPortExtendedFunction(
		ExtFunctionAcquireSpinLock, HwDeviceExtension, SpinLock, LockContext, LockHandle);
}

DDK_INLINE ULONG StorPortInitializeSpinLock(PVOID HwDeviceExtension, PSTOR_KSPIN_LOCK Lock)
{
	return StorPortExtendedFunction(ExtFunctionInitializeSpinlock, HwDeviceExtension, Lock);
}

DDK_INLINE ULONG StorPortCancelDpc(PVOID HwDeviceExtension, PSTOR_DPC Dpc, PBOOLEAN ReturnValue)
{
	return StorPortExtendedFunction(ExtFunctionCancelDpc, HwDeviceExtension, Dpc, ReturnValue);
}

DDK_INLINE ULONG StorPortGetCurrentIrql(PVOID HwDeviceExtension, PKIRQL Irql)
{
	return StorPortExtendedFunction(ExtFunctionGetCurrentIrql, HwDeviceExtension, Irql);
}

DDK_INLINE ULONG StorPortGetMessageInterruptIDFromProcessorIndex(
	PVOID HwDeviceExtension, ULONG ProcessorIndex, PULONG MessageInterruptID)
{
	return StorPortExtendedFunction(ExtFunctionGetMessageInterruptIDFromProcessorIndex,
		HwDeviceExtension, ProcessorIndex, MessageInterruptID);
}

/* ---- performance ---- */

DDK_INLINE ULONG StorPortInitializePerfOpts(
	PVOID HwDeviceExtension, BOOLEAN Query, PPERF_CONFIGURATION_DATA PerfConfigData)
{
	return StorPortExtendedFunction(ExtFunctionInitializePerformanceOptimizations,
		HwDeviceExtension, Query, PerfConfigData);
}

DDK_INLINE ULONG StorPortGetStartIoPerfParams(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb,
	PSTARTIO_PERFORMANCE_PARAMETERS StartIoPerfParams)
{
	return StorPortExtendedFunction(ExtFunctionGetStartIoPerformanceParameters,
		HwDeviceExtension, Srb, StartIoPerfParams);
}

DDK_INLINE ULONG StorPortGetRequestInfo(
	PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, PSTOR_REQUEST_INFO RequestInfo)
{
	return StorPortExtendedFunction(
		ExtFunctionGetRequestInfo, HwDeviceExtension, Srb, RequestInfo);
}

DDK_INLINE ULONG StorPortUpdateAdapterMaxIO(PVOID HwDeviceExtension, ULONG MaxIoCount)
{
	return StorPortExtendedFunction(
		ExtFunctionUpdateAdapterMaxIO, HwDeviceExtension, MaxIoCount);
}

DDK_INLINE ULONG StorPortUpdatePortConfigMaxIOInfo(
	PVOID HwDeviceExtension, ULONG MaxIoCount, ULONG MaxIosPerLun)
{
	return StorPortExtendedFunction(
		ExtFunctionUpdateAdapterMaxIOInfo, HwDeviceExtension, MaxIoCount, MaxIosPerLun);
}

DDK_INLINE ULONG StorPortQueryPerformanceCounter(PVOID HwDeviceExtension,
	PLARGE_INTEGER PerformanceFrequency, PLARGE_INTEGER PerformanceCounter)
{
	return StorPortExtendedFunction(ExtFunctionQueryPerformanceCounter, HwDeviceExtension,
		PerformanceFrequency, PerformanceCounter);
}

DDK_INLINE ULONG StorPortDelayExecution(PVOID HwDeviceExtension, ULONG DelayInMicroseconds)
{
	return StorPortExtendedFunction(
		ExtFunctionDelayExecution, HwDeviceExtension, DelayInMicroseconds);
}

/* ---- processors ---- */

DDK_INLINE ULONG StorPortGetCurrentProcessorNumber(
	PVOID HwDeviceExtension, PPROCESSOR_NUMBER ProcNumber)
{
	return StorPortExtendedFunction(
		ExtFunctionGetCurrentProcessorNumber, HwDeviceExtension, ProcNumber);
}

DDK_INLINE ULONG StorPortGetActiveGroupCount(PVOID HwDeviceExtension, PUSHORT NumberGroups)
{
	return StorPortExtendedFunction(
		ExtFunctionGetActiveGroupCount, HwDeviceExtension, NumberGroups);
}

DDK_INLINE ULONG StorPortGetGroupAffinity(
	PVOID HwDeviceExtension, USHORT GroupNumber, PKAFFINITY GroupAffinityMask)
{
	return StorPortExtendedFunction(
		ExtFunctionGetGroupAffinity, HwDeviceExtension, GroupNumber, GroupAffinityMask);
}

DDK_INLINE ULONG StorPortGetActiveNodeCount(PVOID HwDeviceExtension, PULONG NumberNodes)
{
	return StorPortExtendedFunction(
		ExtFunctionGetActiveNodeCount, HwDeviceExtension, NumberNodes);
}

DDK_INLINE ULONG StorPortGetNodeAffinity(
	PVOID HwDeviceExtension, ULONG NodeNumber, PGROUP_AFFINITY NodeAffinityMask)
{
	return StorPortExtendedFunction(
		ExtFunctionGetNodeAffinity, HwDeviceExtension, NodeNumber, NodeAffinityMask);
}

DDK_INLINE ULONG StorPortGetHighestNodeNumber(PVOID HwDeviceExtension, PULONG HighestNode)
{
	return StorPortExtendedFunction(
		ExtFunctionGetHighestNodeNumber, HwDeviceExtension, HighestNode);
}

DDK_INLINE ULONG StorPortGetLogicalProcessorRelationship(PVOID HwDeviceExtension,
	PPROCESSOR_NUMBER ProcessorNumber, LOGICAL_PROCESSOR_RELATIONSHIP RelationshipType,
	PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX Information, PULONG Length)
{
	return StorPortExtendedFunction(ExtFunctionGetLogicalProcessorRelationship,
		HwDeviceExtension, ProcessorNumber, RelationshipType, Information, Length);
}

/* ---- lists ---- */

DDK_INLINE ULONG StorPortInitializeSListHead(PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead)
{
	return StorPortExtendedFunction(
		ExtFunctionInitializeSListHead, HwDeviceExtension, SListHead);
}

DDK_INLINE ULONG StorPortInterlockedFlushSList(
	PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead, PSTOR_SLIST_ENTRY *Result)
{
	return StorPortExtendedFunction(
		ExtFunctionInterlockedFlushSList, HwDeviceExtension, SListHead, Result);
}

DDK_INLINE ULONG StorPortInterlockedPopEntrySList(
	PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead, PSTOR_SLIST_ENTRY *Result)
{
	return StorPortExtendedFunction(
		ExtFunctionInterlockedPopEntrySList, HwDeviceExtension, SListHead, Result);
}

DDK_INLINE ULONG StorPortInterlockedPushEntrySList(PVOID HwDeviceExtension,
	PSTOR_SLIST_HEADER SListHead, PSTOR_SLIST_ENTRY SListEntry, PSTOR_SLIST_ENTRY *Result)
{
	return StorPortExtendedFunction(ExtFunctionInterlockedPushEntrySList, HwDeviceExtension,
		SListHead, SListEntry, Result);
}

DDK_INLINE ULONG StorPortQueryDepthSList(
	PVOID HwDeviceExtension, PSTOR_SLIST_HEADER SListHead, PUSHORT Result)
{
	return StorPortExtendedFunction(
		ExtFunctionQueryDepthSList, HwDeviceExtension, SListHead, Result);
}

DDK_INLINE ULONG StorPortInterlockedInsertHeadList(PVOID HwDeviceExtension,
	PSTOR_LIST_ENTRY ListHead, PSTOR_LIST_ENTRY ListEntry, PSTOR_LIST_ENTRY *Result,
	PSTOR_KSPIN_LOCK Lock)
{
	return StorPortExtendedFunction(ExtFunctionInterlockedInsertHeadList, HwDeviceExtension,
		ListHead, ListEntry, Result, Lock);
}

DDK_INLINE ULONG StorPortInterlockedInsertTailList(PVOID HwDeviceExtension,
	PSTOR_LIST_ENTRY ListHead, PSTOR_LIST_ENTRY ListEntry, PSTOR_LIST_ENTRY *Result,
	PSTOR_KSPIN_LOCK Lock)
{
	return StorPortExtendedFunction(ExtFunctionInterlockedInsertTailList, HwDeviceExtension,
		ListHead, ListEntry, Result, Lock);
}

DDK_INLINE ULONG StorPortInterlockedRemoveHeadList(PVOID HwDeviceExtension,
	PSTOR_LIST_ENTRY ListHead, PSTOR_LIST_ENTRY *Result, PSTOR_KSPIN_LOCK Lock)
{
	return StorPortExtendedFunction(
		ExtFunctionInterlockedRemoveHeadList, HwDeviceExtension, ListHead, Result, Lock);
}

/* ---- timers and work items ---- */

DDK_INLINE ULONG StorPortInitializeTimer(PVOID HwDeviceExtension, PVOID *TimerHandle)
{
	return StorPortExtendedFunction(ExtFunctionInitializeTimer, HwDeviceExtension, TimerHandle);
}

DDK_INLINE ULONG StorPortRequestTimer(PVOID HwDeviceExtension, PVOID TimerHandle,
	PHW_TIMER_EX TimerCallback, PVOID CallbackContext, ULONGLONG TimerValue,
	ULONGLONG TolerableDelay)
{
	return StorPortExtendedFunction(ExtFunctionRequestTimer, HwDeviceExtension, TimerHandle,
		TimerCallback, CallbackContext, TimerValue, TolerableDelay);
}

DDK_INLINE ULONG StorPortFreeTimer(PVOID HwDeviceExtension, PVOID TimerHandle)
{
	return StorPortExtendedFunction(ExtFunctionFreeTimer, HwDeviceExtension, TimerHandle);
}

DDK_INLINE ULONG StorPortInitializeWorker(PVOID HwDeviceExtension, PVOID *Worker)
{
	return StorPortExtendedFunction(ExtFunctionInitializeWorker, HwDeviceExtension, Worker);
}

DDK_INLINE ULONG StorPortQueueWorkItem(
	PVOID HwDeviceExtension, PHW_WORKITEM WorkItemCallback, PVOID Worker, PVOID Context)
{
	return StorPortExtendedFunction(
		ExtFunctionQueueWorkItem, HwDeviceExtension, WorkItemCallback, Worker, Context);
}

DDK_INLINE ULONG StorPortFreeWorker(PVOID HwDeviceExtension, PVOID Worker)
{
	return StorPortExtendedFunction(ExtFunctionFreeWorker, HwDeviceExtension, Worker);
}

/* ---- units, the log, the registry, surroundings ---- */

DDK_INLINE ULONG StorPortLogSystemEvent(
	PVOID HwDeviceExtension, PSTOR_LOG_EVENT_DETAILS LogDetails, PULONG MaximumSize)
{
	return StorPortExtendedFunction(
		ExtFunctionLogSystemEvent, HwDeviceExtension, LogDetails, MaximumSize);
}

DDK_INLINE ULONG StorPortRegistryReadAdapterKey(PVOID HwDeviceExtension, PUCHAR SubKeyName,
	PUCHAR ValueName, ULONG ValueType, PVOID *ValueData, PULONG ValueDataLength)
{
	return StorPortExtendedFunction(ExtFunctionRegistryReadAdapterKey, HwDeviceExtension,
		SubKeyName, ValueName, ValueType, ValueData, ValueDataLength);
}

DDK_INLINE ULONG StorPortRegistryWriteAdapterKey(PVOID HwDeviceExtension, PUCHAR SubKeyName,
	PUCHAR ValueName, ULONG ValueType, PVOID ValueData, ULONG ValueDataLength)
{
	return StorPortExtendedFunction(ExtFunctionRegistryWriteAdapterKey, HwDeviceExtension,
		SubKeyName, ValueName, ValueType, ValueData, ValueDataLength);
}

DDK_INLINE ULONG StorPortGetDeviceObjects(PVOID HwDeviceExtension, PVOID *AdapterDeviceObject,
	PVOID *PhysicalDeviceObject, PVOID *LowerDeviceObject)
{
	return StorPortExtendedFunction(ExtFunctionGetDeviceObjects, HwDeviceExtension,
		AdapterDeviceObject, PhysicalDeviceObject, LowerDeviceObject);
}

DDK_INLINE ULONG StorPortCompleteServiceIrp(PVOID HwDeviceExtension, PVOID Irp)
{
	return StorPortExtendedFunction(ExtFunctionCompleteServiceIrp, HwDeviceExtension, Irp);
}

DDK_INLINE ULONG StorPortGetSystemPortNumber(PVOID HwDeviceExtension, PSTOR_ADDRESS Address)
{
	return StorPortExtendedFunction(ExtFunctionGetSystemPortNumber, HwDeviceExtension, Address);
}

DDK_INLINE ULONG StorPortGetActivityIdSrb(
	PVOID HwDeviceExtension, PSTORAGE_REQUEST_BLOCK Srb, LPGUID ActivityId)
{
	return StorPortExtendedFunction(
		ExtFunctionGetActivityId, HwDeviceExtension, Srb, ActivityId);
}

DDK_INLINE ULONG StorPortSetPowerSettingNotificationGuids(
	PVOID HwDeviceExtension, ULONG GuidCount, LPGUID Guid)
{
	return StorPortExtendedFunction(
		ExtFunctionSetPowerSettingNotificationGuids, HwDeviceExtension, GuidCount, Guid);
}

DDK_INLINE ULONG StorPortInvokeAcpiMethod(PVOID HwDeviceExtension, PSTOR_ADDRESS Address,
	ULONG MethodName, PVOID InputBuffer, ULONG InputBufferLength, PVOID OutputBuffer,
	ULONG OutputBufferLength, PULONG BytesReturned)
{
	return StorPortExtendedFunction(ExtFunctionInvokeAcpiMethod, HwDeviceExtension, Address,
		MethodName, InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength,
		BytesReturned);
}

/* Operations of a device. Their bytes stand on no public page. */
DDK_GUID const GUID DECLSPEC_SELECTANY STORPORT_DEVICEOPERATION_SECURE_REPROVISION_GUID = {
	0x3c0f8d17, 0x5b62, 0x4e09, {0x8d, 0x41, 0x27, 0x96, 0xc3, 0x1a, 0xf8, 0x05}};
DDK_GUID const GUID DECLSPEC_SELECTANY STORPORT_DEVICEOPERATION_CACHED_SETTINGS_INIT_GUID = {
	0x84e71a3d, 0x2f90, 0x4c57, {0xa6, 0x0b, 0x4d, 0xe2, 0x58, 0x73, 0x9c, 0x11}};

DDK_INLINE ULONG StorPortIsDeviceOperationAllowed(
	PVOID HwDeviceExtension, PSTOR_ADDRESS Address, LPCGUID DeviceOperation, PULONG AllowedFlag)
{
	return StorPortExtendedFunction(ExtFunctionDeviceOperationAllowed, HwDeviceExtension,
		Address, DeviceOperation, AllowedFlag);
}

DDK_INLINE ULONG StorPortSetAdapterBusType(PVOID HwDeviceExtension, ULONG BusType)
{
	return StorPortExtendedFunction(ExtFunctionSetAdapterBusType, HwDeviceExtension, BusType);
}

DDK_INLINE ULONG StorPortMaskMsixInterrupt(PVOID HwDeviceExtension, ULONG MessageId, BOOLEAN Mask)
{
	return StorPortExtendedFunction(
		ExtFunctionMaskPciMsixEntry, HwDeviceExtension, MessageId, Mask);
}

/* The attributes travel as the 32 bits that they are. */
DDK_INLINE ULONG StorPortSetUnitAttributes(
	PVOID HwDeviceExtension, PSTOR_ADDRESS Address, STOR_UNIT_ATTRIBUTES Attributes)
{
	ULONG bits;

	memcpy(&bits, &Attributes, sizeof(bits));
	return StorPortExtendedFunction(
		ExtFunctionSetUnitAttributes, HwDeviceExtension, Address, bits);
}

#endif
