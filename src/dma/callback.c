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
	if (!atomic_compare_exchange_strong(&live->phase, &pending, DMA_LIVE_CALLED)) {
		dma_list_dropped(live);
		return;
	}
	/* Copied: the routine may put the list, and then the record is somebody else's. */
	callee = live->callee;
	list = atomic_load_explicit(&live->list, memory_order_relaxed);
	callee.routine(callee.device_object, callee.irp, list, callee.context);
}

static uint16_t next_processor(void)
{
	return cpu_self ? (uint16_t)((cpu_self->number + 1u) % cpu_count()) : CPU_HERE;
}

void dma_callback_now(
	struct dma_live_table *table, struct dma_live *live, const struct dma_callee *callee)
{
	PSCATTER_GATHER_LIST list = atomic_load_explicit(&live->list, memory_order_relaxed);

	atomic_store_explicit(&live->phase, DMA_LIVE_CALLED, memory_order_relaxed);
	dma_live_publish(table, live);
	if (callee->routine)
		callee->routine(callee->device_object, callee->irp, list, callee->context);
}

void dma_callback_start(
	struct dma_live_table *table, struct dma_live *live, const struct dma_callee *callee)
{
	enum dma_callback policy = dma_settings.callback;

	if (policy == DMA_CALLBACK_BEFORE_RETURN) {
		dma_callback_now(table, live, callee);
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

enum dma_dropped dma_callback_drop(struct dma_live *live)
{
	uint8_t pending = DMA_LIVE_PENDING;
	bool was_there;

	if (!atomic_compare_exchange_strong(&live->phase, &pending, DMA_LIVE_DROPPED)) {
		/* By another processor, which is in a DPC. */
		while (atomic_load(&live->phase) == DMA_LIVE_FILLING)
			cpu_relax();
		return DMA_DROP_CALLED;
	}
	was_there = live->waits ? dma_wait_cancel(&live->waiter) : cpu_dpc_cancel(&live->dpc);
	return was_there ? DMA_DROP_DONE : DMA_DROP_LATER;
}
