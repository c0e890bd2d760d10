/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * How a driver comes to an adapter channel: it asks, waits in order for the adapter and then for
 * the registers, and its routine is called; see channel.h. Who has waited is called by a DPC on the
 * processor that asked: not inside whatever call has released the adapter. Neighbours:
 * channel_table.c has the records, channel_free.c takes them back.
 */
#include "dma/channel_table.h"
#include "nt/nt.h"

static void channel_dpc(struct cpu_dpc *dpc);
static void channel_granted(struct dma_waiter *waiter);

static void record_fill(struct dma_channel *channel, struct dma_adapter *adapter,
	const struct dma_channel_order *order)
{
	channel->adapter = adapter;
	channel->next = NULL;
	channel->is_busy = channel->is_list = channel->registers_gone = false;
	channel->early = 0;
	channel->order = *order;
	channel->mapping = (struct dma_mapping){0};
	channel->mapped = (struct dma_mapped){0};
	channel->waiter.granted = channel_granted;
	channel->dpc.fn = channel_dpc;
	channel->dpc.ctx = channel;
	channel->dpc.cpu = cpu_self ? cpu_self->number : CPU_HERE;
	channel->dpc.high = 0;
	if (order->transfer)
		atomic_store(&order->transfer->record, channel);
}

/* ---- the queue, under the lock ---- */

static void queue_join(struct channels *table, struct dma_channel *channel)
{
	channel->state = DMA_CHANNEL_WAITS;
	if (table->head)
		table->tail->next = channel;
	else
		table->head = channel;
	table->tail = channel;
}

void channel_queue_leave(struct channels *table, struct dma_channel *channel)
{
	struct dma_channel *before = NULL;

	for (struct dma_channel *at = table->head; at != channel; at = at->next)
		before = at;
	if (before)
		before->next = channel->next;
	else
		table->head = channel->next;
	if (table->tail == channel)
		table->tail = before;
}

/* The adapter is the channel's; now its registers. */
static NTSTATUS channel_begin(struct channels *table, struct dma_channel *channel)
{
	bool may_wait = !channel->order.synchronous;
	NTSTATUS status = dma_registers_take(channel->adapter, channel->order.registers,
		may_wait ? &channel->waiter : NULL, &channel->mapping.run);

	table->owner = NULL;
	if (status == STATUS_SUCCESS)
		channel->state = DMA_CHANNEL_GRANTED;
	else if (status == STATUS_PENDING)
		channel->state = DMA_CHANNEL_REGISTERS;
	else
		return status;
	table->owner = channel;
	return STATUS_SUCCESS;
}

/* The adapter goes to the next who waits. */
void channel_queue_serve(struct channels *table)
{
	struct dma_channel *channel;

	while (!table->owner && (channel = table->head)) {
		channel_queue_leave(table, channel);
		/* It has been told that its routine will be called. A failure on purpose does not
		 * come twice. */
		if (channel_begin(table, channel) && channel_begin(table, channel)) {
			nt_violation(0,
				"DMA adapter %u: a channel that was promised cannot have its %u "
				"map registers any more",
				channel->adapter->number, channel->order.registers);
			channel_record_free(channel);
		} else if (channel->state == DMA_CHANNEL_GRANTED) {
			cpu_dpc_queue(&channel->dpc, NULL, NULL);
		}
	}
}

/* ---- the routine ---- */

/* CH-5, and what was released while the routine still ran: a transfer may end before the routine
 * that has started it. */
static IO_ALLOCATION_ACTION action_of(struct dma_channel *channel, IO_ALLOCATION_ACTION action)
{
	unsigned number = channel->adapter->number;

	if (action < KeepObject || action > DeallocateObjectKeepRegisters) {
		nt_violation(0,
			"DMA adapter %u: AdapterControl returned %d, which is no "
			"IO_ALLOCATION_ACTION; everything is released",
			number, (int)action);
		action = DeallocateObject;
	}
	if (channel->early && action != KeepObject)
		nt_violation(DMA_RULE(DMA_RULE_CHANNEL_FREED),
			"DMA adapter %u: the channel was freed while AdapterControl ran, which "
			"then did not return KeepObject",
			number);
	else if (channel->early)
		action = channel->early;
	if (channel->registers_gone && action == DeallocateObject)
		nt_violation(DMA_RULE(DMA_RULE_REGISTERS_FREED),
			"DMA adapter %u: the map registers were freed while AdapterControl ran, "
			"which then returned DeallocateObject",
			number);
	return action;
}

/* Under the lock. */
void channel_owner_leaves(struct channels *table, struct dma_channel *channel,
	IO_ALLOCATION_ACTION action, const char *why)
{
	table->owner = NULL;
	if (action == DeallocateObject)
		channel_registers_give(channel, why);
	if (action == DeallocateObject || channel->is_list || channel->registers_gone)
		channel_record_free(channel);
	else
		channel->state = DMA_CHANNEL_KEPT;
	channel_queue_serve(table);
}

/* Whether this action, or what was released meanwhile, takes the registers away. */
static bool gives_registers(const struct dma_channel *channel, IO_ALLOCATION_ACTION action)
{
	if (action == KeepObject)
		return channel->early == DeallocateObject;
	return action != DeallocateObjectKeepRegisters;
}

static void channel_call(struct dma_channel *channel)
{
	const struct dma_channel_order *order = &channel->order;
	struct channels *table = channels_of(channel->adapter);
	IO_ALLOCATION_ACTION action;
	uint8_t irql;

	action = order->routine(order->device_object, order->irp, channel, order->context);
	irql = channels_lock(table);
	/* First, as the lock is left meanwhile, and the adapter may go. */
	if (gives_registers(channel, action))
		channel_wait_idle(table, channel);
	if (channel->state == DMA_CHANNEL_DROPPED) {
		channel_record_free(channel);
		channels_unlock(table, irql);
		return;
	}
	action = action_of(channel, action);
	if (action == KeepObject)
		channel->state = DMA_CHANNEL_HELD;
	else
		channel_owner_leaves(
			table, channel, action, "AdapterControl returned DeallocateObject");
	channels_unlock(table, irql);
}

/* Under the lock: the routine's turn, or none. */
static void channel_enter(struct dma_channel *channel)
{
	channel->state = channel->order.routine ? DMA_CHANNEL_CALLED : DMA_CHANNEL_HELD;
	channel->processor = cpu_self ? cpu_self->number : CPU_MAX;
}

static void channel_turn(struct dma_channel *channel)
{
	struct channels *table = channels_of(channel->adapter);
	uint8_t irql = channels_lock(table);
	bool is_dropped = channel->state == DMA_CHANNEL_DROPPED;

	if (is_dropped) {
		channel_registers_give(channel, NULL);
		channel_record_free(channel);
	} else {
		channel_enter(channel);
	}
	channels_unlock(table, irql);
	if (!is_dropped)
		channel_call(channel);
}

static void channel_dpc(struct cpu_dpc *dpc)
{
	channel_turn(dpc->ctx);
}

static void channel_granted(struct dma_waiter *waiter)
{
	struct dma_channel *channel = container_of(waiter, struct dma_channel, waiter);

	channel->mapping.run = waiter->run;
	channel_turn(channel);
}

/* ---- allocation ---- */

/* CH-3, under the lock; by which rule the driver may not ask now, NULL: it may. */
static const char *forbidden(
	const struct channels *table, const struct dma_channel_order *order, unsigned *outstanding)
{
	const char *why = NULL;

	*outstanding = 0;
	for (unsigned n = 0; n < DMA_CHANNELS; n++) {
		const struct dma_channel *channel = &table->channel[n];
		bool runs = channel->state == DMA_CHANNEL_CALLED;

		if (channel->state < DMA_CHANNEL_WAITS || channel->state > DMA_CHANNEL_CALLED)
			continue;
		++*outstanding;
		if (order->is_extended)
			continue;
		if (runs && cpu_self && channel->processor == cpu_self->number)
			why = "AdapterControl must not ask for a channel";
		else if (!why && !channel->order.is_extended &&
			 channel->order.device_object == order->device_object)
			why = "a request of this device object has not ended yet";
	}
	return why;
}

static NTSTATUS may_ask(const struct dma_adapter *adapter, const struct channels *table,
	const struct dma_channel_order *order)
{
	unsigned outstanding;
	const char *why;

	if (order->registers > adapter->map_registers) {
		nt_violation(DMA_RULE(DMA_RULE_REGISTERS),
			"DMA adapter %u: a channel with %u map registers was asked for; the "
			"adapter has at most %u (CH-2, CH-6)",
			adapter->number, order->registers, adapter->map_registers);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	why = forbidden(table, order, &outstanding);
	if (!why)
		return STATUS_SUCCESS;
	nt_violation(DMA_RULE(DMA_RULE_CHANNELS),
		"DMA adapter %u: a channel was asked for by %s for the device object at %p: %s "
		"(CH-3; %u outstanding)",
		adapter->number, channels_caller(order->site), (void *)order->device_object, why,
		outstanding);
	return STATUS_INSUFFICIENT_RESOURCES;
}

/* Under the lock. *is_now: the caller calls the routine. */
static NTSTATUS ask(struct channels *table, struct dma_channel *channel, bool *is_now)
{
	const struct dma_channel_order *order = &channel->order;
	NTSTATUS status;

	if (table->owner || table->head) {
		if (order->synchronous)
			return STATUS_INSUFFICIENT_RESOURCES;
		queue_join(table, channel);
		return STATUS_SUCCESS;
	}
	status = channel_begin(table, channel);
	if (status || channel->state != DMA_CHANNEL_GRANTED)
		return status;
	if (order->is_extended && !order->synchronous &&
		dma_settings.callback != DMA_CALLBACK_BEFORE_RETURN) {
		cpu_dpc_queue(&channel->dpc, NULL, NULL);
		return STATUS_SUCCESS;
	}
	channel_enter(channel);
	if (order->base)
		*order->base = channel;
	*is_now = order->routine != NULL;
	return STATUS_SUCCESS;
}

NTSTATUS dma_channel_allocate(struct dma_adapter *adapter, const struct dma_channel_order *order)
{
	struct channels *table = channels_of(adapter);
	uint8_t irql = channels_lock(table);
	struct dma_channel *channel = NULL;
	bool is_now = false;
	NTSTATUS status = may_ask(adapter, table, order);

	if (!status) {
		channel = channel_record_new(table);
		status = channel ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
	}
	if (channel) {
		record_fill(channel, adapter, order);
		status = ask(table, channel, &is_now);
		if (status)
			channel_record_free(channel);
	}
	channels_unlock(table, irql);
	if (is_now)
		channel_call(channel);
	return status;
}

struct dma_channel *dma_channel_hold(struct dma_adapter *adapter, uintptr_t site)
{
	const struct dma_channel_order order = {
		.is_extended = true, .synchronous = true, .site = site};
	struct channels *table = channels_of(adapter);
	uint8_t irql = channels_lock(table);
	struct dma_channel *channel =
		table->owner || table->head ? NULL : channel_record_new(table);

	if (channel) {
		record_fill(channel, adapter, &order);
		channel->is_list = true;
		channel->state = DMA_CHANNEL_HELD;
		table->owner = channel;
	}
	channels_unlock(table, irql);
	return channel;
}

void dma_channel_unhold(struct dma_channel *channel)
{
	struct channels *table = channels_of(channel->adapter);
	uint8_t irql = channels_lock(table);

	channel_owner_leaves(table, channel, DeallocateObject, NULL);
	channels_unlock(table, irql);
}
