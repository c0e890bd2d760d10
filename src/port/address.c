/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Where the device sees what a miniport has a pointer to: a request's data through its list, what
 * stays mapped (sense buffers, SRB extensions, uncached memory) through src/dma. Both models' Get-
 * PhysicalAddress stand on it. Neighbours: queue.c made the lists, slot.c the slots.
 */
#include "port/port.h"
#include "mem/mem.h"

/* Of memory that does not come and go with requests. */
static border_call __attribute__((noinline)) uint64_t lasting_address(
	const struct port_adapter *adapter, const void *va)
{
	return adapter->dma ? dma_address(adapter->dma, va) : mem_physical(va);
}

static uint64_t to_page_end(const void *va)
{
	return MEM_PAGE_SIZE - ((uintptr_t)va & MEM_PAGE_MASK);
}

/* The byte `offset` of a transfer: the list tells where the device finds it, also when that is a
 * copy or a translated address. */
static uint64_t listed_address(PSCATTER_GATHER_LIST list, uint64_t offset, uint64_t *bytes)
{
	for (ULONG n = 0; n < list->NumberOfElements; n++) {
		const SCATTER_GATHER_ELEMENT *element = &list->Elements[n];

		if (offset < element->Length) {
			*bytes = element->Length - offset;
			return (uint64_t)element->Address.QuadPart + offset;
		}
		offset -= element->Length;
	}
	return MEM_NO_ADDRESS;
}

static bool is_inside(const void *va, const void *start, uint64_t bytes, uint64_t *offset)
{
	*offset = (uint64_t)((uintptr_t)va - (uintptr_t)start);
	return start && *offset < bytes;
}

/* A request without a list: nobody mapped its data, so the device reaches it as it stands, where it
 * reaches it at all (SG-36; a virtual adapter has no device). */
static uint64_t plain_address(
	const struct port_adapter *adapter, const void *va, uint64_t left, uint64_t *bytes)
{
	uint64_t address = lasting_address(adapter, va);
	unsigned width = adapter->dma ? adapter->dma->limits.width : 64;

	*bytes = min_of(left, to_page_end(va));
	if (address == MEM_NO_ADDRESS || (width < 64 && (address + *bytes - 1) >> width))
		return MEM_NO_ADDRESS;
	return address;
}

static uint64_t data_address(const struct port_request *request, const void *va, uint64_t *bytes)
{
	const struct port_data_in *in = request->in;
	uint64_t offset;

	if (is_inside(va, request->data, request->length, &offset))
		return request->mapped ? listed_address(request->list, offset, bytes)
				       : plain_address(request->adapter, va,
						 request->length - offset, bytes);
	if (in && is_inside(va, in->data, in->length, &offset))
		return in->mapped ? listed_address(in->list, offset, bytes)
				  : plain_address(request->adapter, va, in->length - offset, bytes);
	return MEM_NO_ADDRESS;
}

/* Sense buffers and SRB extensions; what else lies in a slot is not the miniport's to ask about. */
static inline uint64_t slot_address(const struct port_adapter *adapter,
	const struct port_request *slot, const void *va, uint64_t *bytes)
{
	uint64_t offset;

	if (likely(is_inside(va, slot->extension, adapter->limits.extension_bytes, &offset)))
		*bytes = adapter->limits.extension_bytes - offset;
	else if (is_inside(va, slot->sense, PORT_SENSE_BYTES, &offset))
		*bytes = PORT_SENSE_BYTES - offset;
	else
		return MEM_NO_ADDRESS;
	if (likely(adapter->slots_at != MEM_NO_ADDRESS))
		return adapter->slots_at + ((uintptr_t)va - (uintptr_t)adapter->slots);
	return lasting_address(adapter, va);
}

border_call uint64_t port_adapter_address(
	const struct port_adapter *adapter, const void *va, uint64_t *bytes)
{
	const struct mem_frame *frame;
	const struct port_request *slot;
	uint32_t in_slot;

	slot = port_slot_of(adapter, va, &in_slot);
	*bytes = 0;
	if (slot)
		return slot_address(adapter, slot, va, bytes);
	frame = mem_owner(va);
	if (frame->kind != MEM_COMMON && frame->kind != MEM_POOL &&
		(frame->kind != MEM_EXTENSION || frame->owner != adapter))
		return MEM_NO_ADDRESS;
	*bytes = to_page_end(va);
	return lasting_address(adapter, va);
}

border_call uint64_t port_request_address(
	const struct port_request *request, const void *va, uint64_t *bytes)
{
	uint64_t address;

	*bytes = 0;
	address = data_address(request, va, bytes);
	if (address != MEM_NO_ADDRESS)
		return address;
	return port_adapter_address(request->adapter, va, bytes);
}
