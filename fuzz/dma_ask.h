/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * How the programs of dma_operations.c ask for a transfer, in each of the ways that there are, and
 * what they check when it is granted. Neighbour: dma_model.h, which says what ought to be.
 */
#ifndef DRY_FUZZ_DMA_ASK_H
#define DRY_FUZZ_DMA_ASK_H

#include "dma_model.h"

static DMA_OPERATIONS *operations(unsigned adapter)
{
	return model.adapter[adapter]->header.DmaOperations;
}

static PDMA_ADAPTER header(unsigned adapter)
{
	return &model.adapter[adapter]->header;
}

/* ---- a list or a piece is there ---- */

static void check_live(struct transfer *t)
{
	uint64_t sum = 0;

	for (uint32_t n = 0; n < t->list->NumberOfElements; n++) {
		const SCATTER_GATHER_ELEMENT *at = &t->list->Elements[n];

		sum += at->Length;
		check(at->Length && (uint64_t)at->Address.QuadPart + at->Length - 1 <=
					    model.highest[t->adapter],
			"an element of no bytes or out of reach");
	}
	check(sum == t->length, "the lengths do not sum to the transfer");
	check(model.scatters[t->adapter] || t->list->NumberOfElements == 1,
		"more than one element without scatter/gather");
	model_begin(t);
}

/* they are served in order. Channels also wait for their adapter, and are left out. */
static void check_order(const struct transfer *t)
{
	for (unsigned n = 0; n < TRANSFERS; n++)
		check(t->kind == CHANNEL || !model.transfer[n].waits ||
				model.transfer[n].kind == CHANNEL || model.transfer[n].is_granted ||
				model.transfer[n].order >= t->order,
			"a later one was served first");
}

static VOID NTAPI list_routine(PVOID device, PVOID irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	struct transfer *t = context;

	check(t->waits && !t->is_granted, "a routine is called twice");
	check(cpu_irql() == IRQL_DISPATCH, "a routine runs at another IRQL");
	check_order(t);
	t->list = list;
	check_live(t);
}

static IO_ALLOCATION_ACTION NTAPI channel_routine(
	PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
	struct transfer *t = context;

	check(t->waits && !t->is_granted, "a routine is called twice");
	check(cpu_irql() == IRQL_DISPATCH, "a routine runs at another IRQL");
	t->base = base;
	t->is_granted = true;
	return DeallocateObjectKeepRegisters;
}

static void map_granted(struct dma_waiter *waiter)
{
	struct transfer *t = container_of(waiter, struct transfer, waiter);

	check_order(t);
	t->is_granted = true;
	t->mapping.run = waiter->run;
}

/* ---- asking ---- */

static NTSTATUS ask_map(struct transfer *t)
{
	const struct dma_order order = {.mdl = &t->mdl[0].mdl,
		.current_va = start_va(t),
		.length = t->length,
		.write_to_device = t->write,
		.whole = t->whole};
	NTSTATUS status;

	t->list = (PSCATTER_GATHER_LIST)t->list_memory;
	t->waiter.granted = map_granted;
	status =
		dma_map(model.adapter[t->adapter], &t->mapping, &order, t->list, PARTS, &t->waiter);
	if (!status)
		check_live(t);
	return status == STATUS_PENDING ? STATUS_SUCCESS : status;
}

/* SZ-4, MR-1 */
static void check_size(const struct transfer *t, bool fits)
{
	ULONG size = 0, registers = 0;
	NTSTATUS status =
		operations(t->adapter)
			->CalculateScatterGatherList(header(t->adapter), (PMDL)&t->mdl[0].mdl,
				start_va(t), t->length, &size, &registers);

	check(status == (fits ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES),
		"the status of CalculateScatterGatherList");
	check(!fits || (registers == t->parts &&
			       size == 16 + 24 * (model.scatters[t->adapter] ? t->parts : 1)),
		"the size of a list differs");
}

static NTSTATUS ask_list_ex(struct transfer *t)
{
	const DMA_OPERATIONS *op = operations(t->adapter);
	PDRIVER_LIST_CONTROL routine = (PDRIVER_LIST_CONTROL)list_routine;
	ULONG flags = t->is_sync ? DMA_SYNCHRONOUS_CALLBACK : 0;
	PMDL mdl = &t->mdl[0].mdl;

	if (t->kind == BUILT)
		return op->BuildScatterGatherListEx(header(t->adapter), &t->device, t->context, mdl,
			t->lead, t->length, flags, routine, t, t->write, t->list_memory,
			sizeof(t->list_memory), NULL, NULL, NULL);
	return op->GetScatterGatherListEx(header(t->adapter), &t->device, t->context, mdl, t->lead,
		t->length, flags, routine, t, t->write, NULL, NULL, NULL);
}

static NTSTATUS ask_list(struct transfer *t)
{
	const DMA_OPERATIONS *op = operations(t->adapter);
	PMDL mdl = &t->mdl[0].mdl;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;

	if (t->is_extended)
		status = ask_list_ex(t);
	else if (t->kind == BUILT)
		status = op->BuildScatterGatherList(header(t->adapter), &t->device, mdl,
			start_va(t), t->length, (PDRIVER_LIST_CONTROL)list_routine, t, t->write,
			t->list_memory, sizeof(t->list_memory));
	else
		status = op->GetScatterGatherList(header(t->adapter), &t->device, mdl, start_va(t),
			t->length, (PDRIVER_LIST_CONTROL)list_routine, t, t->write);
	cpu_irql_lower(irql);
	return status;
}

/* The loop of a driver that maps by itself: piece after piece into a list of its own. */
static void channel_map_pieces(struct transfer *t)
{
	PMDL mdl = &t->mdl[0].mdl;
	uint32_t done = 0;

	while (done < t->length) {
		SCATTER_GATHER_ELEMENT *to = &t->list->Elements[t->list->NumberOfElements++];
		ULONG piece = t->length - done;

		check(t->list->NumberOfElements <= PARTS, "more pieces than pages");
		to->Address = operations(t->adapter)
				      ->MapTransfer(header(t->adapter), mdl, t->base,
					      (char *)start_va(t) + done, &piece, t->write);
		to->Length = piece;
		check(piece && piece <= t->length - done, "a piece of another length");
		done += piece;
	}
}

static void channel_map(struct transfer *t)
{
	ULONG length = t->length;
	NTSTATUS status;

	t->list = (PSCATTER_GATHER_LIST)t->list_memory;
	t->list->NumberOfElements = 0;
	if (t->is_extended) {
		status = operations(t->adapter)
				 ->MapTransferEx(header(t->adapter), &t->mdl[0].mdl, t->base,
					 t->lead, 0, &length, t->write, t->list,
					 sizeof(t->list_memory), NULL, NULL);
		check(!status && length == t->length, "MapTransferEx does not map all");
	} else {
		channel_map_pieces(t);
	}
	check_live(t);
}

static NTSTATUS ask_channel(struct transfer *t)
{
	const DMA_OPERATIONS *op = operations(t->adapter);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;

	if (t->is_extended)
		status = op->AllocateAdapterChannelEx(header(t->adapter), &t->device, t->context,
			t->parts, t->is_sync ? DMA_SYNCHRONOUS_CALLBACK : 0, channel_routine, t,
			NULL);
	else
		status = op->AllocateAdapterChannel(
			header(t->adapter), &t->device, t->parts, channel_routine, t);
	cpu_irql_lower(irql);
	if (!status && t->is_granted)
		channel_map(t);
	return status;
}

/* Lets all that is due happen. */
static void settle(void)
{
	cpu_dpc_flush();
	for (bool again = true; again;) {
		again = false;
		for (unsigned n = 0; n < TRANSFERS; n++) {
			struct transfer *t = &model.transfer[n];

			if (!t->is_granted)
				continue;
			again = true;
			if (t->kind == CHANNEL)
				channel_map(t);
			else
				check(!ask_map(t) && !t->waits, "no list in spite of registers");
		}
		cpu_dpc_flush();
	}
}

#endif
