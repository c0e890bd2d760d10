/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Threads and waiting: events, system threads and their processors, the DPC watchdog. Wrappers over
 * StorPortExtendedFunction. */
#ifndef DDK_PARTS_STOR_THREAD_H
#define DDK_PARTS_STOR_THREAD_H

#include "stor_notify.h"
#include "stor_function.h"

/* ---- events ---- */

typedef DISPATCHER_HEADER STOR_DISPATCHER_HEADER;

typedef struct STOR_EVENT {
	STOR_DISPATCHER_HEADER Header;
} STOR_EVENT, *PSTOR_EVENT;
DDK_ASSERT(sizeof(STOR_EVENT) == sizeof(KEVENT), "an event of Storport is one of the kernel");

typedef enum STOR_EVENT_TYPE {
	StorNotificationEvent,
	StorSynchronizationEvent
} STOR_EVENT_TYPE,
	*PSTOR_EVENT_TYPE;

DDK_INLINE ULONG StorPortInitializeEvent(
	PVOID HwDeviceExtension, PSTOR_EVENT Event, STOR_EVENT_TYPE Type, BOOLEAN State)
{
	return StorPortExtendedFunction(
		ExtFunctionInitializeEvent, HwDeviceExtension, Event, Type, State);
}

DDK_INLINE ULONG StorPortSetEvent(PVOID HwDeviceExtension, PSTOR_EVENT Event)
{
	return StorPortExtendedFunction(ExtFunctionSetEvent, HwDeviceExtension, Event);
}

DDK_INLINE ULONG StorPortWaitForSingleObject(
	PVOID HwDeviceExtension, PVOID Object, BOOLEAN Alertable, PLARGE_INTEGER Timeout)
{
	return StorPortExtendedFunction(
		ExtFunctionWaitForEvent, HwDeviceExtension, Object, Alertable, Timeout);
}

/* ---- threads ---- */

typedef VOID NTAPI STOR_THREAD_START_ROUTINE(PVOID StartContext);
typedef STOR_THREAD_START_ROUTINE *PSTOR_THREAD_START_ROUTINE;

typedef enum STOR_THREAD_PRIORITY {
	StorThreadPriorityBackground,
	StorThreadPriorityNormal,
	StorThreadPriorityDelayed,
	StorThreadPriorityCritical,
	StorThreadPrioritySuperCritical,
	StorThreadPriorityHyperCritical,
	StorThreadPriorityRealTime
} STOR_THREAD_PRIORITY,
	*PSTOR_THREAD_PRIORITY;

typedef KAFFINITY STOR_AFFINITY;

typedef struct STOR_GROUP_AFFINITY {
	STOR_AFFINITY Mask;
	USHORT Group;
	USHORT Reserved[3];
} STOR_GROUP_AFFINITY, *PSTOR_GROUP_AFFINITY;
DDK_ASSERT(sizeof(STOR_GROUP_AFFINITY) == sizeof(GROUP_AFFINITY), "the same under another name");

DDK_INLINE ULONG StorPortCreateSystemThread(PVOID HwDeviceExtension,
	PSTOR_THREAD_START_ROUTINE StartRoutine, PVOID StartContext, PSTOR_THREAD_PRIORITY Priority,
	PVOID *ThreadContext)
{
	return StorPortExtendedFunction(ExtFunctionCreateSystemThread, HwDeviceExtension,
		StartRoutine, StartContext, Priority, ThreadContext);
}

DDK_INLINE ULONG StorPortSetPriorityThread(
	PVOID HwDeviceExtension, PVOID ThreadContext, STOR_THREAD_PRIORITY Priority)
{
	return StorPortExtendedFunction(
		ExtFunctionSetPriorityThread, HwDeviceExtension, ThreadContext, Priority);
}

DDK_INLINE ULONG StorPortSetSystemGroupAffinityThread(PVOID HwDeviceExtension, PVOID ThreadContext,
	PSTOR_GROUP_AFFINITY Affinity, PSTOR_GROUP_AFFINITY PreviousAffinity)
{
	return StorPortExtendedFunction(ExtFunctionSetSystemGroupAffinityThread, HwDeviceExtension,
		ThreadContext, Affinity, PreviousAffinity);
}

DDK_INLINE ULONG StorPortRevertToUserGroupAffinityThread(
	PVOID HwDeviceExtension, PVOID ThreadContext, PSTOR_GROUP_AFFINITY PreviousAffinity)
{
	return StorPortExtendedFunction(ExtFunctionRevertToUserGroupAffinityThread,
		HwDeviceExtension, ThreadContext, PreviousAffinity);
}

DDK_INLINE VOID StorPortTerminateSystemThread(PVOID HwDeviceExtension, PVOID ThreadContext)
{
	StorPortNotification(TerminateSystemThread, HwDeviceExtension, ThreadContext);
}

/* ---- processors, seen from a thread or DPC ---- */

typedef struct STOR_DPC_WATCHDOG_INFORMATION {
	ULONG DpcTimeLimit;
	ULONG DpcTimeCount;
	ULONG DpcWatchdogLimit;
	ULONG DpcWatchdogCount;
	ULONG Reserved;
} STOR_DPC_WATCHDOG_INFORMATION, *PSTOR_DPC_WATCHDOG_INFORMATION;

DDK_INLINE ULONG StorPortQueryDpcWatchdogInformation(
	PVOID HwDeviceExtension, PSTOR_DPC_WATCHDOG_INFORMATION DpcWatchdogInformation)
{
	return StorPortExtendedFunction(
		ExtFunctionQueryDpcWatchdogInformation, HwDeviceExtension, DpcWatchdogInformation);
}

DDK_INLINE ULONG StorPortQueryTimerMinInterval(PVOID HwDeviceExtension, PULONG TimerMinInterval)
{
	return StorPortExtendedFunction(
		ExtFunctionQueryTimerMinInterval, HwDeviceExtension, TimerMinInterval);
}

DDK_INLINE ULONG StorPortGetNodeAffinity2(PVOID HwDeviceExtension, ULONG NodeNumber,
	PGROUP_AFFINITY GroupAffinities, USHORT GroupAffinitiesCount,
	PUSHORT GroupAffinitiesCountRequired)
{
	return StorPortExtendedFunction(ExtFunctionGetNodeAffinity2, HwDeviceExtension, NodeNumber,
		GroupAffinities, GroupAffinitiesCount, GroupAffinitiesCountRequired);
}

#endif
