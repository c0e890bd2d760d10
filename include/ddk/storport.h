/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a Storport miniport includes. By parts:
 *
 *	srb.h			request blocks
 *	parts/stor_types.h	statuses, scatter/gather lists, locks, DPCs, messages, performance
 *data parts/stor_control.h	adapter and unit control parts/stor_config.h	callbacks,
 *HW_INITIALIZATION_DATA, PORT_CONFIGURATION_INFORMATION parts/stor_exports.h	routines that the
 *port exports by name; register and port accessors parts/stor_notify.h	StorPortNotification and the
 *wrappers over it parts/stor_function.h	StorPortExtendedFunction and its codes
 *	parts/stor_memory.h	wrappers: pool, MDLs, scatter/gather lists, contiguous and DMA
 *memory parts/stor_system.h	wrappers: performance, interrupts, processors, timers, work items,
 *registry parts/stor_power.h	wrappers: PoFx power
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
#include "parts/stor_power.h"

#endif
