/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The workers behind StorPortExtendedFunction (1.7), by file; ddi_stor_extended.c has the table by
 * code. Each gets the arguments that follow HwDeviceExtension, in 8-byte slots, and answers a
 * STOR_STATUS.
 */
#ifndef DRY_STORPORT_EXTENDED_H
#define DRY_STORPORT_EXTENDED_H

#include "storport/storport_adapter.h"

#define stor_arg(list, type) __builtin_va_arg(list, type)

typedef ULONG stor_extended_fn(struct stor_adapter *adapter, __builtin_ms_va_list args);

/* ddi_stor_list.c */
stor_extended_fn stor_build_list, stor_put_list;
/* ddi_stor_memory.c */
stor_extended_fn stor_allocate_pool, stor_free_pool, stor_allocate_mdl, stor_free_mdl,
	stor_build_mdl, stor_get_system_address, stor_get_original_mdl;
/* ddi_stor_node.c */
stor_extended_fn stor_get_group_count, stor_get_group_affinity, stor_get_node_count,
	stor_get_highest_node, stor_get_node_affinity, stor_allocate_contiguous,
	stor_free_contiguous;
/* ddi_stor_object.c */
stor_extended_fn stor_get_device_objects;
/* ddi_stor_message.c */
stor_extended_fn stor_acquire_message_lock, stor_release_message_lock, stor_get_message_info;
/* ddi_stor_perf.c */
stor_extended_fn stor_initialize_perf, stor_get_startio_perf, stor_log_event,
	stor_set_unit_attributes, stor_query_counter, stor_get_processor_number;

/* STOR_STATUS_INVALID_IRQL and a violation when the caller stands above DISPATCH. */
bool stor_irql_too_high(const char *routine);

#endif
