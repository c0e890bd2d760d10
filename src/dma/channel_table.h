/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What channel.c, channel_free.c and channel_table.c share: who has an adapter, and who waits for
 * it, is decided under the lock of its table; a driver's routine is called without it.
 */
#ifndef DRY_DMA_CHANNEL_TABLE_H
#define DRY_DMA_CHANNEL_TABLE_H

#include "dma/channel.h"

struct channels {
	struct cpu_spinlock lock;
	struct dma_channel *owner;	 /* has the adapter */
	struct dma_channel *head, *tail; /* wait for it */
	unsigned next; /* records are reused late, so that a stale base is known */
	struct dma_channel channel[DMA_CHANNELS];
};

extern struct channels dma_channels[DMA_DOMAINS]; /* by adapter->number */

static inline struct channels *channels_of(const struct dma_adapter *adapter)
{
	return &dma_channels[adapter->number];
}

/* ---- channel_table.c ---- */

/* Returns the caller's IRQL, for channels_unlock. */
uint8_t channels_lock(struct channels *table);
void channels_unlock(struct channels *table, uint8_t irql);
/* Who called, "file.c:12 Function", for reports. */
const char *channels_caller(uintptr_t site);

/* Under the lock: a free record, NULL: there is none. */
struct dma_channel *channel_record_new(struct channels *table);
void channel_record_free(struct dma_channel *channel);
/* Ends what is mapped and gives the registers back. why: what frees them, for 0xE6/10; NULL: they
 * are taken away. */
void channel_registers_give(struct dma_channel *channel, const char *why);
/* Waits until nobody uses the registers; leaves the lock for moments. */
void channel_wait_idle(struct channels *table, const struct dma_channel *channel);
/* The channel that a driver's pointer means, NULL: it is none of this adapter's. */
struct dma_channel *channel_at(struct channels *table, const void *base);
/* Why a driver may not use these registers; NULL: it may. */
const char *channel_unusable(const struct dma_channel *channel);
/* Whether it is a request of this transfer that has not ended. */
bool channel_is_of(const struct dma_channel *channel, const struct dma_transfer *transfer);

/* ---- channel.c; under the lock ---- */

void channel_queue_leave(struct channels *table, struct dma_channel *channel);
/* The adapter goes to the next who waits. */
void channel_queue_serve(struct channels *table);
/* The owner releases the adapter; why: see channel_registers_give. */
void channel_owner_leaves(struct channels *table, struct dma_channel *channel,
	IO_ALLOCATION_ACTION action, const char *why);

#endif
