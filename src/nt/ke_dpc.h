/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What others need of ke_dpc.c: to queue a driver's DPC. */
#ifndef DRY_NT_KE_DPC_H
#define DRY_NT_KE_DPC_H

#include "cpu/cpu.h"
#include "nt/nt.h"

/* What stands in a KDPC. */
struct ke_dpc {
	struct cpu_dpc dpc;
	uint8_t magic;
};
#define KE_DPC_MAGIC 0xD9

static inline bool ke_dpc_is_one(const KDPC *dpc)
{
	return likely(dpc != NULL) && likely(((const struct ke_dpc *)dpc)->magic == KE_DPC_MAGIC);
}

/* That violation; false. */
border_call bool ke_dpc_is_none(const KDPC *dpc, const char *routine);
/* Whether KeInitializeDpc made it; else a violation. */
bool ke_dpc_check(const KDPC *dpc, const char *routine);
/* One of a driver whose routine is ours: it is to come back at DISPATCH. */
void ke_dpc_init(PKDPC dpc, void (*fn)(struct cpu_dpc *dpc), void *ctx);
/* Without a safepoint. */
bool ke_dpc_queue(PKDPC dpc, void *arg0, void *arg1);
/* What KeInsertQueueDpc does. */
static inline bool ke_dpc_insert(PKDPC dpc, void *arg0, void *arg1)
{
	bool queued;

	if (unlikely(!ke_dpc_is_one(dpc)))
		return ke_dpc_is_none(dpc, "KeInsertQueueDpc");
	queued = cpu_dpc_queue(&((struct ke_dpc *)dpc)->dpc, arg0, arg1);
	cpu_poll();
	return queued;
}
bool ke_dpc_cancel(PKDPC dpc);

#endif
