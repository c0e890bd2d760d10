/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a Storport miniport includes. By parts:
 *
 *	srb.h			request blocks
 *	parts/stor_types.h	statuses, lists, locks, DPCs, messages, performance data
 *	parts/stor_control.h	adapter and unit control
 *	parts/stor_config.h	callbacks and the two structures of configuration
 *	parts/stor_exports.h	what the port exports by name; register and port accessors
 *	parts/stor_notify.h	StorPortNotification and its wrappers
 *	parts/stor_function.h	StorPortExtendedFunction and its codes; its wrappers follow
 *	parts/stor_memory.h	pool, MDLs, scatter/gather lists, contiguous and DMA memory
 *	parts/stor_system.h	performance, interrupts, processors, timers, work items, registry
 *	parts/stor_thread.h	events, system threads, the DPC watchdog
 *	parts/stor_power.h	PoFx power
 *	parts/stor_log.h	ETW events, telemetry
 *	parts/stor_platform.h	installation, features, resets, dumps
 */
#ifndef DDK_STORPORT_H
#define DDK_STORPORT_H

#include "srb.h"
#include "scsi.h"
#include "parts/stor_types.h"
#include "parts/stor_control.h"
#include "parts/stor_config.h"
#include "parts/stor_exports.h"
#include "parts/stor_notify.h"
#include "parts/stor_function.h"
#include "parts/stor_memory.h"
#include "parts/stor_system.h"
#include "parts/stor_thread.h"
#include "parts/stor_power.h"
#include "parts/stor_log.h"
#include "parts/stor_platform.h"

#endif
