/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What ke_timer.c needs of ke_dpc.c: queueing a driver's DPC without a safepoint. */
#ifndef DRY_NT_KE_DPC_H
#define DRY_NT_KE_DPC_H

#include "nt/nt.h"

/* Whether KeInitializeDpc made it; else a violation. */
bool ke_dpc_check(const KDPC *dpc, const char *routine);
bool ke_dpc_queue(PKDPC dpc, void *arg0, void *arg1);
bool ke_dpc_cancel(PKDPC dpc);

#endif
