/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* StorPortExtendedFunction: the table by code. What is not in it, or newer than the release that is
 * played (os_table.h), answers NOT_IMPLEMENTED. */
#define DRY_MODULE "storport.sys"
#include "storport/dump.h"
#include "storport/os_table.h"
#include "nt/nt.h"
#include "util/export.h"

static stor_extended_fn *const table[] = {
	[ExtFunctionAllocatePool] = stor_allocate_pool,
	[ExtFunctionFreePool] = stor_free_pool,
	[ExtFunctionAllocateMdl] = stor_allocate_mdl,
	[ExtFunctionFreeMdl] = stor_free_mdl,
	[ExtFunctionBuildMdlForNonPagedPool] = stor_build_mdl,
	[ExtFunctionGetSystemAddress] = stor_get_system_address,
	[ExtFunctionCompleteServiceIrp] = stor_complete_service,
	[ExtFunctionGetOriginalMdl] = stor_get_original_mdl,
	[ExtFunctionGetDataInBufferMdl] = stor_get_data_in_mdl,
	[ExtFunctionGetDataInBufferSystemAddress] = stor_get_data_in_address,
	[ExtFunctionGetDataInBufferScatterGatherList] = stor_get_data_in_list,
	[ExtFunctionGetPfns] = stor_get_pfns,
	[ExtFunctionAllocateDmaMemory] = stor_allocate_dma,
	[ExtFunctionFreeDmaMemory] = stor_free_dma,
	[ExtFunctionAllocateHmb] = stor_allocate_host_buffer,
	[ExtFunctionFreeHmb] = stor_free_host_buffer,
	[ExtFunctionUpdateAdapterMaxIO] = stor_update_max_io,
	[ExtFunctionUpdateAdapterMaxIOInfo] = stor_update_max_io_info,
	[ExtFunctionGetActiveGroupCount] = stor_get_group_count,
	[ExtFunctionGetGroupAffinity] = stor_get_group_affinity,
	[ExtFunctionGetActiveNodeCount] = stor_get_node_count,
	[ExtFunctionGetHighestNodeNumber] = stor_get_highest_node,
	[ExtFunctionGetNodeAffinity] = stor_get_node_affinity,
	[ExtFunctionAllocateContiguousMemorySpecifyCacheNode] = stor_allocate_contiguous,
	[ExtFunctionFreeContiguousMemorySpecifyCache] = stor_free_contiguous,
	[ExtFunctionGetDeviceObjects] = stor_get_device_objects,
	[ExtFunctionBuildScatterGatherList] = stor_build_list,
	[ExtFunctionPutScatterGatherList] = stor_put_list,
	[ExtFunctionAcquireMSISpinLock] = stor_acquire_message_lock,
	[ExtFunctionReleaseMSISpinLock] = stor_release_message_lock,
	[ExtFunctionGetMessageInterruptInformation] = stor_get_message_info,
	[ExtFunctionInitializePerformanceOptimizations] = stor_initialize_perf,
	[ExtFunctionGetStartIoPerformanceParameters] = stor_get_startio_perf,
	[ExtFunctionLogSystemEvent] = stor_log_event,
	[ExtFunctionGetCurrentProcessorNumber] = stor_get_processor_number,
	[ExtFunctionSetUnitAttributes] = stor_set_unit_attributes,
	[ExtFunctionRegistryReadAdapterKey] = stor_read_adapter_key,
	[ExtFunctionRegistryWriteAdapterKey] = stor_write_adapter_key,
	[ExtFunctionQueryPerformanceCounter] = stor_query_counter,
	[ExtFunctionInitializeTimer] = stor_initialize_timer,
	[ExtFunctionRequestTimer] = stor_request_timer,
	[ExtFunctionFreeTimer] = stor_free_timer,
	[ExtFunctionInitializeWorker] = stor_initialize_worker,
	[ExtFunctionQueueWorkItem] = stor_queue_work_item,
	[ExtFunctionFreeWorker] = stor_free_worker,
	[ExtFunctionInitializeSListHead] = stor_initialize_slist,
	[ExtFunctionInterlockedFlushSList] = stor_flush_slist,
	[ExtFunctionInterlockedPopEntrySList] = stor_pop_slist,
	[ExtFunctionInterlockedPushEntrySList] = stor_push_slist,
	[ExtFunctionQueryDepthSList] = stor_query_slist,
	[ExtFunctionInterlockedInsertHeadList] = stor_insert_head,
	[ExtFunctionInterlockedInsertTailList] = stor_insert_tail,
	[ExtFunctionInterlockedRemoveHeadList] = stor_remove_head,
	[ExtFunctionInitializeSpinlock] = stor_initialize_lock,
	[ExtFunctionAcquireSpinLock] = stor_acquire_lock_ex,
	[ExtFunctionCancelDpc] = stor_cancel_dpc,
	[ExtFunctionGetCurrentIrql] = stor_get_irql,
	[ExtFunctionDelayExecution] = stor_delay,
	[ExtFunctionQueryTimerMinInterval] = stor_query_timer_interval,
	[ExtFunctionQueryDpcWatchdogInformation] = stor_query_watchdog,
	[ExtFunctionInitializeEvent] = stor_initialize_event,
	[ExtFunctionSetEvent] = stor_set_event,
	[ExtFunctionWaitForEvent] = stor_wait,
	[ExtFunctionMiniportEtwEvent2] = stor_etw_event2,
	[ExtFunctionMiniportEtwEvent4] = stor_etw_event4,
	[ExtFunctionMiniportEtwEvent8] = stor_etw_event8,
	[ExtFunctionMiniportChannelEtwEvent2] = stor_etw_channel_event2,
	[ExtFunctionMiniportChannelEtwEvent4] = stor_etw_channel_event4,
	[ExtFunctionMiniportChannelEtwEvent8] = stor_etw_channel_event8,
	[ExtFunctionMiniportLogByteStream] = stor_etw_bytes,
	[ExtFunctionLogHardwareError] = stor_etw_error,
	[ExtFunctionMiniportTelemetry] = stor_log_telemetry,
	[ExtFunctionMiniportTelemetryEx] = stor_log_telemetry_ex,
	[ExtFunctionInitializePoFxPower] = stor_initialize_pofx,
	[ExtFunctionSetPowerSettingNotificationGuids] = stor_set_power_guids,
	[ExtFunctionPoFxActivateComponent] = stor_activate_component,
	[ExtFunctionPoFxIdleComponent] = stor_idle_component,
	[ExtFunctionPoFxSetComponentLatency] = stor_set_latency,
	[ExtFunctionPoFxSetComponentResidency] = stor_set_residency,
	[ExtFunctionPoFxPowerControl] = stor_power_control,
	[ExtFunctionPoFxSetIdleTimeout] = stor_set_idle_timeout,
	[ExtFunctionPoFxSetPerfState] = stor_set_perf_state,
	[ExtFunctionGetSystemPortNumber] = stor_get_port_number,
	[ExtFunctionSetAdapterBusType] = stor_set_bus_type,
	[ExtFunctionSetFeatureList] = stor_set_features,
	[ExtFunctionMaskPciMsixEntry] = stor_mask_message,
	[ExtFunctionDeviceReset] = stor_reset_device,
	[ExtFunctionCurrentOsInstallationUpgrade] = stor_is_upgrade,
	[ExtFunctionQueryConfiguration] = stor_query_configuration,
	[ExtFunctionDeviceOperationAllowed] = stor_is_operation_allowed,
	[ExtFunctionInvokeAcpiMethod] = stor_invoke_acpi,
	[ExtFunctionMarkDumpMemory] = stor_mark_dump,
	[ExtFunctionCaptureLiveDump] = stor_capture_dump,
	[ExtFunctionEnableRegistryKeyNotification] = stor_watch_registry,
	[ExtFunctionGetRequestInfo] = stor_get_request_info,
	[ExtFunctionGetActivityId] = stor_get_activity,
	[ExtFunctionGetLogicalProcessorRelationship] = stor_get_relationship,
	[ExtFunctionGetNodeAffinity2] = stor_get_node_affinity2,
	[ExtFunctionGetMessageInterruptIDFromProcessorIndex] = stor_get_processor_message,
	[ExtFunctionCreateSystemThread] = stor_create_thread,
	[ExtFunctionSetPriorityThread] = stor_set_priority,
	[ExtFunctionSetSystemGroupAffinityThread] = stor_set_affinity,
	[ExtFunctionRevertToUserGroupAffinityThread] = stor_revert_affinity,
};

/* the rule's list decides, whatever a page's own line on the IRQL says. */
bool stor_irql_too_high(const char *routine)
{
	/* Of those with this limit few may be called in dump mode, where there is but one IRQL. */
	if (likely(cpu_irql() <= IRQL_DISPATCH) || stor_dump_live)
		return false;
	nt_violation(0, "%s at IRQL %u; at most DISPATCH_LEVEL (2) is allowed (StorPortIrql).",
		routine, cpu_irql());
	return true;
}

ULONG NTAPI StorPortExtendedFunction(
	STORPORT_FUNCTION_CODE FunctionCode, PVOID HwDeviceExtension, ...)
{
	struct stor_adapter *adapter;
	struct stor_call args = {.site = (uintptr_t)__builtin_return_address(0)};
	ULONG status;

	cpu_poll();
	if ((size_t)FunctionCode >= array_size(table) || !table[FunctionCode] ||
		!stor_os_function_is_there(FunctionCode))
		return STOR_STATUS_NOT_IMPLEMENTED;
	adapter = HwDeviceExtension ? stor_adapter_of(HwDeviceExtension, "StorPortExtendedFunction")
				    : NULL;
	if (unlikely(!adapter))
		return STOR_STATUS_INVALID_PARAMETER;
	if (unlikely(adapter->is_dump) && !stor_dump_allows(FunctionCode))
		return STOR_STATUS_NOT_IMPLEMENTED;
	__builtin_ms_va_start(args.list, HwDeviceExtension);
	status = table[FunctionCode](adapter, &args);
	__builtin_ms_va_end(args.list);
	return status;
}
DRY_EXPORT(StorPortExtendedFunction)
