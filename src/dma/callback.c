/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The four callback policies: see callback.h and enum dma_callback. */
#include "dma/callback.h"
#include "dma/dma_private.h"

static void list_dpc(struct cpu_dpc *dpc)
{
	struct dma_live *live = dpc->ctx;
	uint8_t pending = DMA_LIVE_PENDING;
	struct dma_callee callee;
	PSCATTER_GATHER_LIST list;

	if (live->turns) {
		live->turns--;
		cpu_dpc_queue(dpc, NULL, NULL);
		return;
	}
	if (!atomic_compare_exchange_strong(&live->phase, &pending, DMA_LIVE_CALLED))
		return;
	/* Copied: the routine may put the list, and then the record is somebody else's. */
	callee = live->callee;
	list = atomic_load_explicit(&live->list, memory_order_relaxed);
	callee.routine(callee.device_object, callee.irp, list, callee.context);
}

static uint16_t next_processor(void)
{
	return cpu_self ? (uint16_t)((cpu_self->number + 1u) % cpu_count()) : CPU_HERE;
}

void dma_callback_start(
	struct dma_live_table *table, struct dma_live *live, const struct dma_callee *callee)
{
	enum dma_callback policy = dma_settings.callback;

	if (policy == DMA_CALLBACK_BEFORE_RETURN) {
		PSCATTER_GATHER_LIST list = atomic_load_explicit(&live->list, memory_order_relaxed);

		atomic_store_explicit(&live->phase, DMA_LIVE_CALLED, memory_order_relaxed);
		dma_live_publish(table, live);
		callee->routine(callee->device_object, callee->irp, list, callee->context);
		return;
	}
	live->turns = policy == DMA_CALLBACK_AFTER_RETURN;
	live->dpc.fn = list_dpc;
	live->dpc.ctx = live;
	live->dpc.cpu = policy == DMA_CALLBACK_OTHER_PROCESSOR ? next_processor() : CPU_HERE;
	live->dpc.high = 0;
	atomic_store_explicit(&live->phase, DMA_LIVE_PENDING, memory_order_relaxed);
	dma_live_publish(table, live);
	/* From here on the record may be gone. */
	cpu_dpc_queue(&live->dpc, NULL, NULL);
}

bool dma_callback_drop(struct dma_live *live)
{
	bool waits = atomic_load(&live->waiter.state) != 0;
	uint8_t pending = DMA_LIVE_PENDING;

	if (!atomic_compare_exchange_strong(&live->phase, &pending, DMA_LIVE_DROPPED))
		return true;
	cpu_dpc_cancel(&live->dpc);
	return !waits || dma_wait_cancel(&live->waiter);
}
