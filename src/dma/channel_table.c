/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The table of an adapter's channels: records, the lock over them, and how a driver's pointer is
 * judged; see channel.h. Neighbours: channel.c allocates, channel_free.c frees, channel_map.c uses
 * the registers in between.
 */
#include "dma/channel_table.h"
#include "nt/nt.h"

#include <string.h>

struct channels dma_channels[DMA_DOMAINS];

uint8_t channels_lock(struct channels *table)
{
	uint8_t irql = cpu_irql();

	/* At the machine's end, when no processor runs any more. */
	if (unlikely(!cpu_self))
		return irql;
	if (irql < IRQL_DISPATCH)
		cpu_irql_raise(IRQL_DISPATCH);
	cpu_spin_acquire(&table->lock);
	return irql;
}

void channels_unlock(struct channels *table, uint8_t irql)
{
	if (unlikely(!cpu_self))
		return;
	cpu_spin_release(&table->lock);
	if (irql < IRQL_DISPATCH)
		cpu_irql_lower(irql);
}

/* "file.c:12 Function", for reports. */
const char *channels_caller(uintptr_t site)
{
	const char *place = site && nt_code_place ? nt_code_place(site) : NULL;

	return place ? place : "an unknown caller";
}

struct dma_channel *channel_record_new(struct channels *table)
{
	for (unsigned n = 0; n < DMA_CHANNELS; n++) {
		struct dma_channel *channel = &table->channel[table->next++ % DMA_CHANNELS];

		if (channel->state == DMA_CHANNEL_FREE)
			return channel;
	}
	return NULL;
}

void channel_record_free(struct dma_channel *channel)
{
	channel->state = DMA_CHANNEL_FREE;
	channel->order.transfer = NULL;
}

/* why: what frees them, for 0xE6/10; NULL: they are taken away. */
void channel_registers_give(struct dma_channel *channel, const char *why)
{
	if (channel->mapped.bytes && why)
		nt_violation(DMA_RULE(DMA_RULE_STILL_MAPPED),
			"DMA adapter %u: %s while %llu bytes of the MDL at %p are still mapped; "
			"they have to be flushed first",
			channel->adapter->number, why, (unsigned long long)channel->mapped.bytes,
			(void *)channel->mapped.mdl);
	/* What was not flushed does not come back. */
	channel->mapping.write_to_device = true;
	dma_mapping_end(&channel->mapping);
	dma_run_give(channel->mapping.run);
	channel->mapping.run = (struct dma_run){0};
	channel->mapped.bytes = 0;
}

/* Under the lock, which it leaves for a moment while the channel's registers are in use. */
void channel_wait_idle(struct channels *table, const struct dma_channel *channel)
{
	while (channel->is_busy && cpu_self) {
		cpu_spin_release(&table->lock);
		cpu_relax();
		cpu_spin_acquire(&table->lock);
	}
}

/* The channel that a driver's pointer means, NULL: it is none of this adapter's. */
struct dma_channel *channel_at(struct channels *table, const void *base)
{
	uintptr_t offset = (uintptr_t)base - (uintptr_t)table->channel;

	if (offset >= sizeof(table->channel) || offset % sizeof(table->channel[0]))
		return NULL;
	return &table->channel[offset / sizeof(table->channel[0])];
}

/* Whether a driver may use these registers, and if not, why. */
const char *channel_unusable(const struct dma_channel *channel)
{
	if (!channel || channel->is_list)
		return "no channel of this adapter has it";
	if (channel->state < DMA_CHANNEL_CALLED || channel->state > DMA_CHANNEL_KEPT ||
		channel->registers_gone)
		return "its map registers have been freed";
	return channel->is_busy ? "another processor uses it at this moment" : NULL;
}

struct dma_channel *dma_channel_take(
	struct dma_adapter *adapter, const void *base, uint64_t number, const char *what)
{
	struct channels *table = channels_of(adapter);
	uint8_t irql = channels_lock(table);
	struct dma_channel *channel = channel_at(table, base);
	const char *why = channel_unusable(channel);

	if (!why) {
		channel->is_busy = true;
		channel->irql = irql;
		channels_unlock(table, IRQL_DISPATCH);
		return channel;
	}
	channels_unlock(table, irql);
	nt_violation(number, "DMA adapter %u: %s with the MapRegisterBase %p: %s", adapter->number,
		what, base, why);
	return NULL;
}

void dma_channel_give(struct dma_channel *channel)
{
	struct channels *table = channels_of(channel->adapter);
	uint8_t irql = channel->irql;

	channels_lock(table);
	channel->is_busy = false;
	channels_unlock(table, irql);
}

/* For the driver it has also ended when it has given everything back while its routine, which is
 * slower, still runs on another processor. */
bool channel_is_of(const struct dma_channel *channel, const struct dma_transfer *transfer)
{
	return channel->state != DMA_CHANNEL_FREE && channel->state != DMA_CHANNEL_DROPPED &&
	       !channel->registers_gone && !channel->early && channel->order.transfer == transfer;
}

bool dma_channel_is_record(const void *p)
{
	uintptr_t offset = (uintptr_t)p - (uintptr_t)dma_channels;

	return offset < sizeof(dma_channels) &&
	       channel_at(&dma_channels[offset / sizeof(dma_channels[0])], p);
}

bool dma_channel_is_used(struct dma_channel *channel, const struct dma_transfer *transfer)
{
	/* The record may be another adapter's by now: its place tells the table. */
	struct channels *table = &dma_channels[((uintptr_t)channel - (uintptr_t)dma_channels) /
					       sizeof(dma_channels[0])];
	uint8_t irql = channels_lock(table);
	bool is_used = channel_is_of(channel, transfer);

	channels_unlock(table, irql);
	return is_used;
}

void dma_channels_fini(void)
{
	memset(dma_channels, 0, sizeof(dma_channels));
}
