/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The tables of os_table.h. Releases are those of the pages' "Minimum supported client" and
 * "Minimum supported server" rows, unless a page of the driver documentation is named.
 */
#include "storport/os_table.h"

#include <storport.h>

#define STOR(page) "nf-storport-storport" page
#define SCSI(page) "nf-srb-scsiport" page
#define WMI(page)  "nf-scsiwmi-scsiport" page

/* ---- StorPortExtendedFunction ---- */

#define F(name, since, page) [ExtFunction##name] = {#name, NT_OS_##since, page}

/* clang-format off */
static const struct stor_os_row functions[] = {
	F(AllocatePool, UNKNOWN, STOR("allocatepool")),
	F(FreePool, UNKNOWN, STOR("freepool")),
	F(AllocateMdl, UNKNOWN, STOR("allocatemdl")),
	F(FreeMdl, UNKNOWN, STOR("freemdl")),
	F(BuildMdlForNonPagedPool, UNKNOWN, STOR("buildmdlfornonpagedpool")),
	F(GetSystemAddress, VISTA, STOR("getsystemaddress")),
	F(GetOriginalMdl, UNKNOWN, STOR("getoriginalmdl")),
	F(CompleteServiceIrp, VISTA, "storage/history-of-storport"),
	F(GetDeviceObjects, UNKNOWN, STOR("getdeviceobjects")),
	F(BuildScatterGatherList, UNKNOWN, STOR("buildscattergatherlist")),
	F(PutScatterGatherList, UNKNOWN, STOR("putscattergatherlist")),
	F(AcquireMSISpinLock, VISTA, STOR("acquiremsispinlock")),
	F(ReleaseMSISpinLock, VISTA, STOR("releasemsispinlock")),
	F(GetMessageInterruptInformation, VISTA, STOR("getmsiinfo")),
	F(InitializePerformanceOptimizations, UNKNOWN, STOR("initializeperfopts")),
	F(GetStartIoPerformanceParameters, UNKNOWN, STOR("getstartioperfparams")),
	F(LogSystemEvent, 7, "storage/storport-event-log-extensions"),
	F(GetCurrentProcessorNumber, 7, STOR("getcurrentprocessornumber")),
	F(GetActiveGroupCount, 7, STOR("getactivegroupcount")),
	F(GetGroupAffinity, 7, STOR("getgroupaffinity")),
	F(GetActiveNodeCount, 7, STOR("getactivenodecount")),
	F(GetNodeAffinity, 7, STOR("getnodeaffinity")),
	F(GetHighestNodeNumber, 7, STOR("gethighestnodenumber")),
	F(GetLogicalProcessorRelationship, 7, STOR("getlogicalprocessorrelationship")),
	F(AllocateContiguousMemorySpecifyCacheNode, 7, STOR("allocatecontiguousmemoryspecifycachenode")),
	F(FreeContiguousMemorySpecifyCache, 7, STOR("freecontiguousmemoryspecifycache")),
	F(SetPowerSettingNotificationGuids, 8, STOR("setpowersettingnotificationguids")),
	F(InvokeAcpiMethod, 8, STOR("invokeacpimethod")),
	F(GetRequestInfo, 8, STOR("getrequestinfo")),
	F(InitializeWorker, 8, STOR("initializeworker")),
	F(QueueWorkItem, 8, STOR("queueworkitem")),
	F(FreeWorker, 8, STOR("freeworker")),
	F(InitializeTimer, 8, STOR("initializetimer")),
	F(RequestTimer, 8, STOR("requesttimer")),
	F(FreeTimer, 8, STOR("freetimer")),
	F(InitializeSListHead, 8, STOR("initializeslisthead")),
	F(InterlockedFlushSList, 8, STOR("interlockedflushslist")),
	F(InterlockedPopEntrySList, 8, STOR("interlockedpopentryslist")),
	F(InterlockedPushEntrySList, 8, STOR("interlockedpushentryslist")),
	F(QueryDepthSList, 8, STOR("querydepthslist")),
	F(GetActivityId, 8, STOR("getactivityidsrb")),
	F(GetSystemPortNumber, 8, STOR("getsystemportnumber")),
	F(GetDataInBufferMdl, 8, STOR("getdatainbuffermdl")),
	F(GetDataInBufferSystemAddress, 8, STOR("getdatainbuffersystemaddress")),
	F(GetDataInBufferScatterGatherList, 8, STOR("getdatainbufferscattergatherlist")),
	F(MarkDumpMemory, 8, STOR("markdumpmemory")),
	F(SetUnitAttributes, 8, STOR("setunitattributes")),
	F(QueryPerformanceCounter, 8, STOR("queryperformancecounter")),
	F(InitializePoFxPower, 8, STOR("initializepofxpower")),
	F(PoFxActivateComponent, 8, STOR("pofxactivatecomponent")),
	F(PoFxIdleComponent, 8, STOR("pofxidlecomponent")),
	F(PoFxSetComponentLatency, 8, STOR("pofxsetcomponentlatency")),
	F(PoFxSetComponentResidency, 8, STOR("pofxsetcomponentresidency")),
	F(PoFxPowerControl, 8, STOR("pofxpowercontrol")),
	F(FlushDataBufferMdl, UNKNOWN, NULL),
	F(DeviceOperationAllowed, 8_1, STOR("isdeviceoperationallowed")),
	F(GetProcessorIndexFromNumber, UNKNOWN, NULL),
	F(PoFxSetIdleTimeout, 8, STOR("pofxsetidletimeout")),
	F(MiniportEtwEvent2, 8_1, STOR("etwevent2")),
	F(MiniportEtwEvent4, 8_1, STOR("etwevent4")),
	F(MiniportEtwEvent8, 8_1, STOR("etwevent8")),
	F(CurrentOsInstallationUpgrade, 8_1, STOR("iscurrentosinstallationupgrade")),
	F(RegistryReadAdapterKey, UNKNOWN, STOR("registryreadadapterkey")),
	F(RegistryWriteAdapterKey, UNKNOWN, STOR("registrywriteadapterkey")),
	F(SetAdapterBusType, 10_1507, STOR("setadapterbustype")),
	F(PoFxRegisterPerfStates, UNKNOWN, NULL),
	F(PoFxSetPerfState, 8, STOR("pofxsetperfstate")),
	F(GetD3ColdSupport, UNKNOWN, NULL),
	F(InitializeRpmb, UNKNOWN, NULL),
	F(AllocateHmb, UNKNOWN, STOR("allocatehostmemorybuffer")),
	F(FreeHmb, UNKNOWN, STOR("freehostmemorybuffer")),
	F(PropagateIrpExtension, UNKNOWN, NULL),
	F(InterlockedInsertHeadList, UNKNOWN, STOR("interlockedinsertheadlist")),
	F(InterlockedInsertTailList, UNKNOWN, STOR("interlockedinserttaillist")),
	F(InterlockedRemoveHeadList, UNKNOWN, STOR("interlockedremoveheadlist")),
	F(InitializeSpinlock, UNKNOWN, STOR("initializespinlock")),
	F(GetPfns, UNKNOWN, STOR("getpfns")),
	F(InitializeCryptoEngine, 8, STOR("initializecryptoengine")),
	F(GetRequestCryptoInfo, 8, STOR("getrequestcryptoinfo")),
	F(MiniportTelemetry, 10_1703, STOR("logtelemetry")),
	F(UpdateAdapterMaxIO, 10_1709, STOR("updateadaptermaxio")),
	F(DelayExecution, 10_1803, STOR("delayexecution")),
	F(AllocateDmaMemory, 10_1803, STOR("allocatedmamemory")),
	F(FreeDmaMemory, 10_1803, STOR("freedmamemory")),
	F(UpdateAdapterMaxIOInfo, UNKNOWN, NULL),
	F(MiniportChannelEtwEvent2, 10_1809, "storage/storport-event-log-extensions"),
	F(MiniportChannelEtwEvent4, 10_1809, "storage/storport-event-log-extensions"),
	F(MiniportChannelEtwEvent8, 10_1809, "storage/storport-event-log-extensions"),
	F(InitializeHighResolutionTimer, UNKNOWN, NULL),
	F(RequestHighResolutionTimer, UNKNOWN, NULL),
	F(CancelHighResolutionTimer, UNKNOWN, NULL),
	F(FreeHighResolutionTimer, UNKNOWN, NULL),
	F(GetCurrentProcessorIndex, UNKNOWN, NULL),
	F(AcquireSpinLock, 10_1809, STOR("acquirespinlockex")),
	F(GetProcessorCount, UNKNOWN, NULL),
	F(CancelDpc, UNKNOWN, STOR("canceldpc")),
	F(MiniportTelemetryEx, 10_1903, "storage/storport-event-log-extensions"),
	F(QueryConfiguration, UNKNOWN, STOR("queryconfiguration")),
	F(LogHardwareError, 10_1903, STOR("etwlogerror")),
	F(InitializeEvent, 10_2004, STOR("initializeevent")),
	F(WaitForEvent, 10_2004, STOR("waitforsingleobject")),
	F(SetEvent, 10_2004, STOR("setevent")),
	F(DeviceReset, 10_2004, STOR("hardwarereset")),
	F(SetFeatureList, 10_2004, STOR("setfeaturelist")),
	F(CaptureLiveDump, SERVER_2022, STOR("capturelivedump")),
	F(MiniportLogByteStream, SERVER_2022, STOR("etwlogbytestream")),
	F(QueryDpcWatchdogInformation, SERVER_2022, STOR("querydpcwatchdoginformation")),
	F(QueryTimerMinInterval, SERVER_2022, STOR("querytimermininterval")),
	F(MaskPciMsixEntry, SERVER_2022, STOR("maskmsixinterrupt")),
	F(GetCurrentIrql, SERVER_2022, STOR("getcurrentirql")),
	F(CreateSystemThread, SERVER_2022, STOR("createsystemthread")),
	F(SetPriorityThread, SERVER_2022, STOR("setprioritythread")),
	F(SetSystemGroupAffinityThread, SERVER_2022, STOR("setsystemgroupaffinitythread")),
	F(RevertToUserGroupAffinityThread, SERVER_2022, STOR("reverttousergroupaffinitythread")),
	F(DeviceResetEx, UNKNOWN, NULL),
	F(MiniportReportInternalData, UNKNOWN, NULL),
	F(GetMessageInterruptIDFromProcessorIndex, 11_22H2, STOR("getmessageinterruptidfromprocessorindex")),
	F(GetNodeAffinity2, 11_22H2, STOR("getnodeaffinity2")),
	F(EnableRegistryKeyNotification, 11_22H2, STOR("enableregistrykeynotification")),
	F(PoFxRegisterPerfStatesEx, UNKNOWN, NULL),
	F(ReadRegistryKey, UNKNOWN, NULL),
	F(GetDeviceBase2, UNKNOWN, NULL),
	F(IsDriverHotSwapEnabled, UNKNOWN, NULL),
	F(RegisterDriverProxy, UNKNOWN, NULL),
	F(RegisterDriverProxyEndpoints, UNKNOWN, NULL),
	F(GetDriverProxyEndpointWrapper, UNKNOWN, NULL),
	F(NvmeIceIoStart, UNKNOWN, NULL),
	F(NvmeIceIoComplete, UNKNOWN, NULL),
	F(NvmeMiniportEvent, UNKNOWN, NULL),
	F(NvmeMiniportTelemetry, UNKNOWN, NULL),
	F(GetDriverProxyEndpointWrapperFromEndpoint, UNKNOWN, NULL),
	F(SwapDriverProxyEndpoints, UNKNOWN, NULL),
	F(StorMQAddController, UNKNOWN, NULL),
	F(StorMQRemoveController, UNKNOWN, NULL),
	F(NvmeIceIoStartEx, UNKNOWN, NULL),
	F(QueryNvmeIceSupport, UNKNOWN, NULL),
	F(QueueWorkItemToNode, UNKNOWN, NULL),
};
/* clang-format on */

/* ---- by name ---- */

#define E(name, since, page)                                                                       \
	{                                                                                          \
#name, NT_OS_##since, page                                                         \
	}

/* clang-format off */
static const struct stor_os_row exports[] = {
	E(ScsiPortCompleteRequest, UNKNOWN, SCSI("completerequest")),
	E(ScsiPortConvertPhysicalAddressToUlong, UNKNOWN, SCSI("convertphysicaladdresstoulong")),
	E(ScsiPortConvertUlongToPhysicalAddress, UNKNOWN, SCSI("convertulongtophysicaladdress")),
	E(ScsiPortFlushDma, UNKNOWN, SCSI("flushdma")),
	E(ScsiPortFreeDeviceBase, UNKNOWN, SCSI("freedevicebase")),
	E(ScsiPortGetBusData, UNKNOWN, SCSI("getbusdata")),
	E(ScsiPortGetDeviceBase, UNKNOWN, SCSI("getdevicebase")),
	E(ScsiPortGetLogicalUnit, UNKNOWN, SCSI("getlogicalunit")),
	E(ScsiPortGetPhysicalAddress, UNKNOWN, SCSI("getphysicaladdress")),
	E(ScsiPortGetSrb, UNKNOWN, SCSI("getsrb")),
	E(ScsiPortGetUncachedExtension, UNKNOWN, SCSI("getuncachedextension")),
	E(ScsiPortGetVirtualAddress, UNKNOWN, SCSI("getvirtualaddress")),
	E(ScsiPortInitialize, UNKNOWN, SCSI("initialize")),
	E(ScsiPortIoMapTransfer, UNKNOWN, SCSI("iomaptransfer")),
	E(ScsiPortLogError, UNKNOWN, SCSI("logerror")),
	E(ScsiPortMoveMemory, UNKNOWN, SCSI("movememory")),
	E(ScsiPortNotification, UNKNOWN, SCSI("notification")),
	E(ScsiPortQuerySystemTime, UNKNOWN, SCSI("querysystemtime")),
	E(ScsiPortSetBusDataByOffset, UNKNOWN, SCSI("setbusdatabyoffset")),
	E(ScsiPortStallExecution, UNKNOWN, SCSI("stallexecution")),
	E(ScsiPortValidateRange, UNKNOWN, SCSI("validaterange")),
	E(ScsiPortWmiDispatchFunction, UNKNOWN, WMI("wmidispatchfunction")),
	E(ScsiPortWmiFireAdapterEvent, UNKNOWN, WMI("wmifireadapterevent")),
	E(ScsiPortWmiFireLogicalUnitEvent, UNKNOWN, WMI("wmifirelogicalunitevent")),
	E(ScsiPortWmiGetInstanceName, UNKNOWN, WMI("wmigetinstancename")),
	E(ScsiPortWmiGetReturnSize, UNKNOWN, WMI("wmigetreturnsize")),
	E(ScsiPortWmiGetReturnStatus, UNKNOWN, WMI("wmigetreturnstatus")),
	E(ScsiPortWmiPostProcess, UNKNOWN, WMI("wmipostprocess")),
	E(ScsiPortWmiSetData, UNKNOWN, WMI("wmisetdata")),
	E(ScsiPortWmiSetInstanceCount, UNKNOWN, WMI("wmisetinstancecount")),
	E(ScsiPortWmiSetInstanceName, UNKNOWN, WMI("wmisetinstancename")),
	E(StorPortAllocateRegistryBuffer, UNKNOWN, STOR("allocateregistrybuffer")),
	E(StorPortBusy, UNKNOWN, STOR("busy")),
	E(StorPortCompleteRequest, UNKNOWN, STOR("completerequest")),
	E(StorPortConvertUlongToPhysicalAddress, UNKNOWN, STOR("convertulongtophysicaladdress")),
	E(StorPortDebugPrint, UNKNOWN, STOR("debugprint")),
	E(StorPortDeviceBusy, UNKNOWN, STOR("devicebusy")),
	E(StorPortDeviceReady, UNKNOWN, STOR("deviceready")),
	E(StorPortExtendedFunction, UNKNOWN, NULL),
	E(StorPortFreeDeviceBase, UNKNOWN, STOR("freedevicebase")),
	E(StorPortFreeRegistryBuffer, UNKNOWN, STOR("freeregistrybuffer")),
	E(StorPortGetBusData, UNKNOWN, STOR("getbusdata")),
	E(StorPortGetDeviceBase, UNKNOWN, STOR("getdevicebase")),
	E(StorPortGetLogicalUnit, VISTA, STOR("getlogicalunit")),
	E(StorPortGetPhysicalAddress, UNKNOWN, STOR("getphysicaladdress")),
	E(StorPortGetScatterGatherList, UNKNOWN, STOR("getscattergatherlist")),
	E(StorPortGetUncachedExtension, UNKNOWN, STOR("getuncachedextension")),
	E(StorPortGetVirtualAddress, UNKNOWN, STOR("getvirtualaddress")),
	E(StorPortInitialize, UNKNOWN, STOR("initialize")),
	E(StorPortLogError, UNKNOWN, STOR("logerror")),
	E(StorPortMoveMemory, UNKNOWN, STOR("movememory")),
	E(StorPortNotification, UNKNOWN, STOR("notification")),
	E(StorPortPause, UNKNOWN, STOR("pause")),
	E(StorPortPauseDevice, UNKNOWN, STOR("pausedevice")),
	E(StorPortQuerySystemTime, UNKNOWN, STOR("querysystemtime")),
	E(StorPortReady, UNKNOWN, STOR("ready")),
	E(StorPortRegistryRead, UNKNOWN, STOR("registryread")),
	E(StorPortRegistryWrite, UNKNOWN, STOR("registrywrite")),
	E(StorPortResume, UNKNOWN, STOR("resume")),
	E(StorPortResumeDevice, UNKNOWN, STOR("resumedevice")),
	E(StorPortSetBusDataByOffset, UNKNOWN, STOR("setbusdatabyoffset")),
	E(StorPortSetDeviceQueueDepth, UNKNOWN, STOR("setdevicequeuedepth")),
	E(StorPortStallExecution, UNKNOWN, STOR("stallexecution")),
	E(StorPortSynchronizeAccess, UNKNOWN, STOR("synchronizeaccess")),
	E(StorPortValidateRange, UNKNOWN, STOR("validaterange")),
};
/* clang-format on */

/* ---- StorPortNotification ---- */

static const struct {
	unsigned type;
	struct stor_os_row row;
} notifications[] = {
	{AsyncNotificationDetected,
		E(StorPortAsyncNotificationDetected, 8, STOR("asyncnotificationdetected"))},
	{MarkDeviceFailedEx, E(StorPortMarkDeviceFailedEx, 10_2004, STOR("markdevicefailedex"))},
	{StateChangeDetectedCall, E(StorPortStateChangeDetected, 8, STOR("statechangedetected"))},
	{TerminateSystemThread,
		E(StorPortTerminateSystemThread, SERVER_2022, STOR("terminatesystemthread"))},
};

/* ---- structures ---- */

#define CONFIG_PAGE "ns-storport-_port_configuration_information"
#define INIT_PAGE   "ns-storport-_hw_initialization_data-r1"

static const struct {
	struct stor_os_row row;
	uint32_t bytes;
} details[] = {
	/* The page dates the members behind HwBuildIo, and with them the size. */
	[STOR_OS_INIT_FIRST] = {{"HW_INITIALIZATION_DATA up to HwBuildIo", NT_OS_UNKNOWN,
					INIT_PAGE},
		offsetof(HW_INITIALIZATION_DATA, HwFreeAdapterResources)},
	[STOR_OS_INIT_VIRTUAL] = {{"VIRTUAL_HW_INITIALIZATION_DATA", NT_OS_VISTA,
					  "storage/history-of-storport"},
		sizeof(VIRTUAL_HW_INITIALIZATION_DATA)},
	[STOR_OS_INIT_WHOLE] = {{"HW_INITIALIZATION_DATA", NT_OS_8, INIT_PAGE},
		sizeof(HW_INITIALIZATION_DATA)},
	[STOR_OS_CONFIG_FIRST] = {{"PORT_CONFIGURATION_INFORMATION up to MaxNumberOfIO",
					  NT_OS_UNKNOWN, CONFIG_PAGE},
		offsetof(PORT_CONFIGURATION_INFORMATION, MaxIOsPerLun)},
	[STOR_OS_CONFIG_WHOLE] = {{"PORT_CONFIGURATION_INFORMATION", NT_OS_8, CONFIG_PAGE},
		sizeof(PORT_CONFIGURATION_INFORMATION)},
	[STOR_OS_CONFIG_SET] = {{"PORT_CONFIGURATION_INFORMATION: ScatterGather and Master are "
				 "preset",
					NT_OS_7, CONFIG_PAGE},
		0},
	[STOR_OS_CONFIG_WIDTH] = {{"PORT_CONFIGURATION_INFORMATION.DmaAddressWidth", NT_OS_10_2004,
					  CONFIG_PAGE},
		0},
	[STOR_OS_PERF_CHANNELS] = {{"PERF_CONFIGURATION_DATA: STOR_PERF_CONCURRENT_CHANNELS",
					   NT_OS_8, "ns-storport-_perf_configuration_data"},
		0},
};
_Static_assert(array_size(details) == STOR_OS_DETAILS, "one row for each detail");

/* The Version for which PERF_CONFIGURATION_DATA's page first calls a flag valid. */
static const struct {
	uint32_t flag, version;
} perf_flags[] = {
	{STOR_PERF_DPC_REDIRECTION, 2},
	{STOR_PERF_CONCURRENT_CHANNELS, 2},
	{STOR_PERF_INTERRUPT_MESSAGE_RANGES, 2},
	{STOR_PERF_ADV_CONFIG_LOCALITY, 3},
	{STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO, 3},
	{STOR_PERF_DPC_REDIRECTION_CURRENT_CPU, 4},
	{STOR_PERF_NO_SGL, 5},
};

/* ---- look-ups ---- */

const struct stor_os_row *stor_os_function(unsigned code)
{
	return code < array_size(functions) ? &functions[code] : NULL;
}

bool stor_os_function_is_there(unsigned code)
{
	return code < array_size(functions) && nt_os_has(functions[code].since);
}

const struct stor_os_row *stor_os_export(unsigned n)
{
	return n < array_size(exports) ? &exports[n] : NULL;
}

const struct stor_os_row *stor_os_notification(unsigned n, unsigned *type)
{
	if (n >= array_size(notifications))
		return NULL;
	*type = notifications[n].type;
	return &notifications[n].row;
}

bool stor_os_notification_is_there(unsigned type)
{
	for (size_t n = 0; n < array_size(notifications); n++)
		if (notifications[n].type == type)
			return nt_os_has(notifications[n].row.since);
	return true;
}

const struct stor_os_row *stor_os_detail(unsigned detail, uint32_t *bytes)
{
	if (detail >= STOR_OS_DETAILS)
		return NULL;
	*bytes = details[detail].bytes;
	return &details[detail].row;
}

bool stor_os_detail_is_there(enum stor_os_detail detail)
{
	return nt_os_has(details[detail].row.since);
}

bool stor_os_init_size_is_known(uint32_t bytes)
{
	for (unsigned n = STOR_OS_INIT_FIRST; n <= STOR_OS_INIT_WHOLE; n++)
		if (details[n].bytes == bytes)
			return stor_os_detail_is_there((enum stor_os_detail)n);
	return false;
}

uint32_t stor_os_init_size(void)
{
	return details[stor_os_detail_is_there(STOR_OS_INIT_WHOLE) ? STOR_OS_INIT_WHOLE
								   : STOR_OS_INIT_FIRST]
		.bytes;
}

uint32_t stor_os_config_length(void)
{
	return details[stor_os_detail_is_there(STOR_OS_CONFIG_WHOLE) ? STOR_OS_CONFIG_WHOLE
								     : STOR_OS_CONFIG_FIRST]
		.bytes;
}

uint32_t stor_os_perf_flags(uint32_t version)
{
	uint32_t flags = 0;

	for (size_t n = 0; n < array_size(perf_flags); n++)
		if (version >= perf_flags[n].version)
			flags |= perf_flags[n].flag;
	if (!stor_os_detail_is_there(STOR_OS_PERF_CHANNELS))
		flags &= ~(uint32_t)STOR_PERF_CONCURRENT_CHANNELS;
	return flags;
}
