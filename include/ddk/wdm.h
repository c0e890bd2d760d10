/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The kernel's interface for drivers, by parts named after the prefixes of their routines. A
 * physical Storport miniport needs little of it; WDM DMA, MDLs and virtual miniports need more.
 */
#ifndef _WDMDDK_
#define _WDMDDK_

#include "ntdef.h"
#include "ntstatus.h"
#include "parts/intrin.h"
#include "parts/list.h"
#include "parts/ke.h"
#include "parts/relation.h"
#include "parts/ex.h"
#include "parts/ex_sync.h"
#include "parts/mm.h"
#include "parts/rtl.h"
#include "parts/dma.h"
#include "parts/io.h"
#include "parts/power.h"
#include "parts/irp.h"
#include "parts/hal.h"
#include "parts/pci.h"
#include "parts/ps.h"
#include "parts/registry.h"

#endif
