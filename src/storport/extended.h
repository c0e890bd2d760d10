/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The workers behind StorPortExtendedFunction (1.7), by file; ddi_stor_extended.c has the table by
 * code. Each gets the arguments that follow HwDeviceExtension, in 8-byte slots, and where the
 * driver called from, and answers a STOR_STATUS.
 */
#ifndef DRY_STORPORT_EXTENDED_H
#define DRY_STORPORT_EXTENDED_H

#include "storport/storport_adapter.h"

struct stor_call {
	__builtin_ms_va_list list;
	uintptr_t site; /* code address of the driver's call, for reports */
};

#define stor_arg(call, type) __builtin_va_arg((call)->list, type)

typedef ULONG stor_extended_fn(struct stor_adapter *adapter, struct stor_call *args);

/* ddi_stor_list.c */
stor_extended_fn stor_build_list, stor_put_list, stor_get_data_in_list;
/* ddi_stor_memory.c */
stor_extended_fn stor_allocate_pool, stor_free_pool, stor_allocate_mdl, stor_free_mdl,
	stor_build_mdl;
/* ddi_stor_buffer.c */
stor_extended_fn stor_get_system_address, stor_get_original_mdl, stor_get_data_in_mdl,
	stor_get_data_in_address, stor_get_pfns;
/* ddi_stor_dma_memory.c */
stor_extended_fn stor_allocate_contiguous, stor_free_contiguous, stor_allocate_dma, stor_free_dma,
	stor_allocate_host_buffer, stor_free_host_buffer;
/* ddi_stor_max_io.c */
stor_extended_fn stor_update_max_io, stor_update_max_io_info;
/* ddi_stor_node.c */
stor_extended_fn stor_get_group_count, stor_get_group_affinity, stor_get_node_count,
	stor_get_highest_node, stor_get_node_affinity, stor_get_node_affinity2,
	stor_get_processor_message, stor_get_relationship;
/* ddi_stor_object.c */
stor_extended_fn stor_get_device_objects;
/* ddi_stor_message.c */
stor_extended_fn stor_acquire_message_lock, stor_release_message_lock, stor_get_message_info;
/* ddi_stor_registry.c */
stor_extended_fn stor_read_adapter_key, stor_write_adapter_key;
/* ddi_stor_registry_watch.c */
stor_extended_fn stor_watch_registry;
/* ddi_stor_perf.c */
stor_extended_fn stor_initialize_perf, stor_get_startio_perf, stor_query_counter,
	stor_get_processor_number;
/* ddi_stor_timer.c */
stor_extended_fn stor_initialize_timer, stor_request_timer, stor_free_timer;
/* ddi_stor_work.c */
stor_extended_fn stor_initialize_worker, stor_queue_work_item, stor_free_worker;
/* ddi_stor_slist.c */
stor_extended_fn stor_initialize_slist, stor_flush_slist, stor_pop_slist, stor_push_slist,
	stor_query_slist, stor_insert_head, stor_insert_tail, stor_remove_head,
	stor_initialize_lock;
/* ddi_stor_sync.c */
stor_extended_fn stor_acquire_lock_ex, stor_cancel_dpc, stor_get_irql, stor_delay,
	stor_query_timer_interval, stor_query_watchdog, stor_initialize_event, stor_set_event,
	stor_wait;
/* ddi_stor_log.c */
stor_extended_fn stor_etw_event2, stor_etw_event4, stor_etw_event8, stor_etw_channel_event2,
	stor_etw_channel_event4, stor_etw_channel_event8, stor_etw_bytes, stor_etw_error,
	stor_log_telemetry, stor_log_telemetry_ex, stor_log_event;
/* ddi_stor_power.c */
stor_extended_fn stor_initialize_pofx, stor_set_power_guids, stor_activate_component,
	stor_idle_component, stor_set_latency, stor_set_residency, stor_power_control,
	stor_set_idle_timeout, stor_set_perf_state;
/* ddi_stor_service.c */
stor_extended_fn stor_complete_service;
/* ddi_stor_platform.c */
stor_extended_fn stor_get_port_number, stor_set_bus_type, stor_set_features,
	stor_set_unit_attributes, stor_mask_message, stor_reset_device, stor_is_upgrade,
	stor_query_configuration, stor_is_operation_allowed, stor_invoke_acpi, stor_mark_dump,
	stor_capture_dump, stor_get_request_info, stor_get_activity;
/* ddi_stor_thread.c */
stor_extended_fn stor_create_thread, stor_set_priority, stor_set_affinity, stor_revert_affinity;

/* STOR_STATUS_INVALID_IRQL and a violation when the caller stands above DISPATCH. */
bool stor_irql_too_high(const char *routine);
/* ddi_stor_log.c: the miniport says that the adapter (address NULL) or a unit has failed, or will;
 * that the state of a unit has changed. STOR_STATUS. */
struct stor_failure {
	PSTOR_ADDRESS address;
	ULONG flags, code;
	PCWSTR text; /* may be NULL */
	struct {
		const UCHAR *data;
		ULONG bytes;
	} more[2]; /* additional and critical */
};
ULONG stor_log_failure(struct stor_adapter *adapter, const struct stor_failure *failure);
/* In 100 ns. */
void stor_log_service_time(struct stor_adapter *adapter, uint64_t duration, const void *srb);
ULONG stor_async_notification(struct stor_adapter *adapter, PSTOR_ADDRESS address, uint64_t flags);

/* Whether it is a bus, target and unit; the unit there, NULL: none. */
bool stor_address_is_good(const STOR_ADDRESS *address);
struct port_unit *stor_unit_of(struct stor_adapter *adapter, const STOR_ADDRESS *address);
/* The request of an SRB that the miniport has; NULL if srb is NULL, or (a violation that names the
 * routine) no such SRB (SB-13, X-50). */
border_call void stor_srb_unknown(
	const struct stor_adapter *adapter, const void *srb, const char *routine);
static inline struct port_request *stor_request_of(
	struct stor_adapter *adapter, const void *srb, const char *routine)
{
	struct port_request *request = srb ? port_request_find(&adapter->hba.port, srb) : NULL;

	if (request && likely(atomic_load_explicit(&request->state, memory_order_relaxed) ==
			       PORT_REQUEST_STARTED))
		return request;
	if (unlikely(srb != NULL))
		stor_srb_unknown(adapter, srb, routine);
	return NULL;
}

#endif
