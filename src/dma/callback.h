/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* When and where a driver's routine gets its list: the machine's policy. Neighbour: list.c.
 */
#ifndef DRY_DMA_CALLBACK_H
#define DRY_DMA_CALLBACK_H

#include "dma/live.h"

/* Publishes a claimed record whose list is complete, and calls the routine now or later. The record
 * is no longer the caller's. At DISPATCH. */
void dma_callback_start(
	struct dma_live_table *table, struct dma_live *live, const struct dma_callee *callee);
/* The same inside the call, whatever the policy; routine may be NULL: a synchronous caller. */
void dma_callback_now(
	struct dma_live_table *table, struct dma_live *live, const struct dma_callee *callee);

enum dma_dropped {
	DMA_DROP_CALLED, /* too late: the routine runs or has run */
	DMA_DROP_DONE,	 /* it will never be called */
	DMA_DROP_LATER	 /* nor here, but who is about to call it gives the record back */
};
/* The routine of a taken record will not be called if it has not been yet. */
enum dma_dropped dma_callback_drop(struct dma_live *live);

#endif
