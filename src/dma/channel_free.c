/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * How an adapter channel ends: released by the driver, its registers freed, its request cancelled,
 * or left behind by an adapter that goes away; see channel.h. Neighbours: channel_table.c,
 * channel.c.
 */
#include "dma/channel_table.h"
#include "nt/nt.h"

void dma_channel_release(struct dma_adapter *adapter, IO_ALLOCATION_ACTION action, const char *what)
{
	struct channels *table = channels_of(adapter);
	uint8_t irql = channels_lock(table);
	struct dma_channel *channel = table->owner;

	if (channel && channel->state == DMA_CHANNEL_HELD && !channel->is_busy) {
		channel_owner_leaves(table, channel, action, what);
	} else if (channel && channel->state == DMA_CHANNEL_CALLED && !channel->early) {
		channel->early = (uint8_t)action;
	} else {
		nt_violation(DMA_RULE(DMA_RULE_CHANNEL_FREED), "DMA adapter %u: %s: %s",
			adapter->number, what,
			channel && channel->is_busy
				? "the channel's registers are in use by another processor"
				: "no channel is held");
	}
	channels_unlock(table, irql);
}

void dma_channel_free_registers(struct dma_adapter *adapter, const void *base, uint32_t count)
{
	struct channels *table = channels_of(adapter);
	uint8_t irql = channels_lock(table);
	struct dma_channel *channel = channel_at(table, base);
	const char *why = channel_unusable(channel);

	if (!why && channel->state == DMA_CHANNEL_HELD)
		why = "it is for registers that are kept (DeallocateObjectKeepRegisters); the "
		      "channel is still held";
	if (why) {
		nt_violation(DMA_RULE(DMA_RULE_REGISTERS_FREED),
			"DMA adapter %u: FreeMapRegisters with the MapRegisterBase %p: %s",
			adapter->number, base, why);
		channels_unlock(table, irql);
		return;
	}
	if (count != channel->order.registers)
		nt_violation(0,
			"DMA adapter %u: FreeMapRegisters of %u registers, but %u were allocated; "
			"all are freed",
			adapter->number, count, channel->order.registers);
	channel_registers_give(channel, "FreeMapRegisters");
	if (channel->state == DMA_CHANNEL_CALLED)
		channel->registers_gone = true;
	else
		channel_record_free(channel);
	channels_unlock(table, irql);
}

/* Under the lock: its routine will not be called if it has not been yet. False: it is about to be.
 */
static bool call_off(struct channels *table, struct dma_channel *channel)
{
	switch (channel->state) {
	case DMA_CHANNEL_WAITS:
		channel_queue_leave(table, channel);
		return true;
	case DMA_CHANNEL_REGISTERS:
		return dma_wait_cancel(&channel->waiter);
	case DMA_CHANNEL_GRANTED:
		return cpu_dpc_cancel(&channel->dpc);
	default:
		return false;
	}
}

bool dma_channel_cancel(struct dma_adapter *adapter, struct dma_channel *channel,
	const struct dma_transfer *transfer, const void *device_object)
{
	struct channels *table = channels_of(adapter);
	uint8_t irql = channels_lock(table);
	/* Only records of this table are under its lock. */
	bool is_off = channel_at(table, channel) && channel_is_of(channel, transfer) &&
		      channel->order.device_object == device_object && call_off(table, channel);

	if (is_off) {
		if (table->owner == channel)
			table->owner = NULL;
		channel_registers_give(channel, NULL);
		channel_record_free(channel);
		channel_queue_serve(table);
	}
	channels_unlock(table, irql);
	return is_off;
}

/* Under the lock. */
static void channel_drop(struct channels *table, struct dma_channel *channel)
{
	bool is_over;

	channel_wait_idle(table, channel);
	is_over = channel->state >= DMA_CHANNEL_HELD || call_off(table, channel);
	/* About to be called, it has registers that nobody knows yet: its DPC gives them. */
	if (is_over || channel->state == DMA_CHANNEL_CALLED)
		channel_registers_give(channel, NULL);
	if (is_over)
		channel_record_free(channel);
	else
		channel->state = DMA_CHANNEL_DROPPED;
}

void dma_channels_drop(struct dma_adapter *adapter)
{
	struct channels *table = channels_of(adapter);
	unsigned channels = 0, kept = 0;
	uintptr_t channel_site = 0, kept_site = 0;
	uint8_t irql = channels_lock(table);

	for (unsigned n = 0; n < DMA_CHANNELS; n++) {
		struct dma_channel *channel = &table->channel[n];

		if (channel->state == DMA_CHANNEL_FREE || channel->state == DMA_CHANNEL_DROPPED)
			continue;
		if (channel->state == DMA_CHANNEL_KEPT && !kept++)
			kept_site = channel->order.site;
		else if (channel->state != DMA_CHANNEL_KEPT && !channels++)
			channel_site = channel->order.site;
		channel_drop(table, channel);
	}
	table->owner = table->head = table->tail = NULL;
	channels_unlock(table, irql);
	/* D-6. */
	if (channels)
		nt_violation(DMA_RULE(DMA_RULE_CHANNELS_LEFT),
			"DMA adapter %u was released with %u adapter channels left; one was asked "
			"for by %s",
			adapter->number, channels, channels_caller(channel_site));
	if (kept)
		nt_violation(DMA_RULE(DMA_RULE_REGISTERS_LEFT),
			"DMA adapter %u was released with the map registers of %u adapter channels "
			"left; one was asked for by %s",
			adapter->number, kept, channels_caller(kept_site));
}
