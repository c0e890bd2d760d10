/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What is mapped through an adapter channel, and its flush: see channel.h. The engine's work is in
 * mapping.c. What a driver owes the rules is counted here, the same under every engine: a register
 * for each page, also where the engine needs none, and each mapping flushed as it was made.
 */
#include "dma/channel.h"
#include "mem/mem.h"
#include "nt/nt.h"

#define MDLS_MAX 65536 /* of a chain: it may be a circle */

/* ---- what may not be mapped; each is one violation ---- */

static NTSTATUS refuse(const struct dma_adapter *adapter, uint64_t number, const char *what,
	PMDL mdl, uint64_t at, uint64_t length, const char *why, NTSTATUS status)
{
	nt_violation(number, "DMA adapter %u: %s of %llu bytes at 0x%llx of the MDL at %p: %s",
		adapter->number, what, (unsigned long long)length, (unsigned long long)at,
		(void *)mdl, why);
	return status;
}

static NTSTATUS needs_flush(
	const struct dma_channel *channel, const char *what, PMDL mdl, uint64_t at, uint64_t length)
{
	return refuse(channel->adapter, DMA_RULE(DMA_RULE_NOT_FLUSHED), what, mdl, at, length,
		"what is mapped through this channel has to be flushed first",
		STATUS_INVALID_PARAMETER);
}

/* Version 1: inside one MDL. */
static NTSTATUS check_part(const struct dma_channel *channel, PMDL mdl, const void *va,
	uint32_t length, struct dma_sg_cursor *at)
{
	static const char what[] = "MapTransfer";
	const struct dma_adapter *adapter = channel->adapter;
	uint64_t position = (uintptr_t)va;

	if (!mdl)
		return refuse(adapter, 0, what, mdl, position, length, "there is no MDL (X-9)",
			STATUS_INVALID_PARAMETER);
	if (!length)
		return refuse(adapter, DMA_RULE(DMA_RULE_ZERO_LENGTH), what, mdl, position, length,
			"there is nothing to map (X-4)", STATUS_INVALID_PARAMETER);
	if (!dma_sg_start(at, mdl, va, length))
		return refuse(adapter, DMA_RULE(DMA_RULE_OUTSIDE_MDL), what, mdl, position, length,
			"the address lies outside the MDL", STATUS_INVALID_PARAMETER);
	if (length > mdl->ByteCount - at->offset)
		return refuse(adapter, DMA_RULE(DMA_RULE_NOT_COVERED), what, mdl, position, length,
			"the MDL ends before", STATUS_BUFFER_TOO_SMALL);
	/* Its page numbers are needed, not those of the chain behind it. */
	return dma_pages_check(adapter, mdl, mdl->ByteCount);
}

/* Version 3: in the whole chain. BUFFER_TOO_SMALL is on its page for the list's buffer alone, and
 * that means less here. */
static NTSTATUS check_chain(const struct dma_channel *channel, PMDL mdl, uint64_t offset,
	uint32_t length, struct dma_sg_cursor *at)
{
	static const char what[] = "MapTransferEx";
	const struct dma_adapter *adapter = channel->adapter;
	uint64_t short_by;

	if (!mdl)
		return refuse(adapter, 0, what, mdl, offset, length, "there is no MDL (X-9)",
			STATUS_INVALID_PARAMETER);
	if (!length)
		return refuse(adapter, DMA_RULE(DMA_RULE_ZERO_LENGTH), what, mdl, offset, length,
			"there is nothing to map (X-4)", STATUS_INVALID_PARAMETER);
	if (!dma_chain_start(at, mdl, offset, length))
		return refuse(adapter, DMA_RULE(DMA_RULE_OUTSIDE_MDL), what, mdl, offset, length,
			"the offset lies behind the chain's end", STATUS_INVALID_PARAMETER);
	dma_sg_registers(at, &short_by);
	if (short_by)
		return refuse(adapter, DMA_RULE(DMA_RULE_NOT_COVERED), what, mdl, offset, length,
			"the chain ends before", STATUS_INVALID_PARAMETER);
	return dma_pages_check(adapter, at->mdl, at->offset + length);
}

bool dma_chain_start(struct dma_sg_cursor *at, PMDL mdl, uint64_t offset, uint64_t length)
{
	for (unsigned n = 0; mdl && n < MDLS_MAX; n++, mdl = mdl->Next) {
		if (offset < mdl->ByteCount) {
			*at = (struct dma_sg_cursor){mdl, offset, length};
			return true;
		}
		offset -= mdl->ByteCount;
	}
	return false;
}

/* ---- registers ---- */

static uint64_t pages_of(uint64_t in_page, uint64_t bytes)
{
	return (in_page + bytes + MEM_PAGE_MASK) >> MEM_PAGE_SHIFT;
}

/* The map registers that are taken when `bytes` more from here on are mapped. A device with
 * scatter/gather goes on in its last page; for others each piece is a stretch of its own. */
static uint64_t pages_with(
	const struct dma_channel *channel, const struct dma_sg_cursor *at, uint64_t bytes)
{
	const struct dma_mapped *mapped = &channel->mapped;

	if (!mapped->bytes || !channel->adapter->limits.scatter_gather)
		return mapped->pages +
		       pages_of((at->mdl->ByteOffset + at->offset) & MEM_PAGE_MASK, bytes);
	return pages_of(
		(at->mdl->ByteOffset + mapped->offset) & MEM_PAGE_MASK, mapped->bytes + bytes);
}

/* How much of at->left, all inside one MDL, the channel has registers for. */
static uint64_t part_room(const struct dma_channel *channel, const struct dma_sg_cursor *at)
{
	uint64_t registers = channel->order.registers, spare;

	if (pages_with(channel, at, at->left) <= registers)
		return at->left;
	if (!channel->adapter->limits.scatter_gather || pages_with(channel, at, 1) > registers)
		return 0;
	/* To the end of the last page. */
	spare = (registers - pages_with(channel, at, 1) + 1) << MEM_PAGE_SHIFT;
	return spare - ((at->mdl->ByteOffset + at->offset) & MEM_PAGE_MASK);
}

/* The same for a chain, with nothing mapped yet: cuts at->left. */
static void chain_cut(const struct dma_channel *channel, struct dma_sg_cursor *at, uint64_t *pages)
{
	uint64_t left = at->left, registers = channel->order.registers;
	struct dma_sg_cursor walk = *at;

	for (*pages = 0; walk.left && *pages < registers;
		walk.mdl = walk.mdl->Next, walk.offset = 0) {
		uint64_t here = walk.mdl->ByteCount - walk.offset, room;
		uint64_t in_page = (walk.mdl->ByteOffset + walk.offset) & MEM_PAGE_MASK;

		here = min_of(here, walk.left);
		if (!here)
			continue;
		room = ((registers - *pages) << MEM_PAGE_SHIFT) - in_page;
		here = min_of(here, room);
		*pages += pages_of(in_page, here);
		walk.left -= here;
	}
	at->left = left - walk.left;
}

/* ---- mapping ---- */

/* Fills out; on failure what was mapped before is as it was. */
static enum dma_sg_result channel_fill(struct dma_channel *channel, struct dma_sg_cursor *at,
	bool write_to_device, uintptr_t site, PSCATTER_GATHER_ELEMENT out, uint32_t room,
	uint32_t *count)
{
	const struct dma_birth birth = {
		.what = "adapter channel", .site = site, .bytes = (uint32_t)at->left};
	struct dma_mapping *mapping = &channel->mapping, before;
	enum dma_sg_result result;

	if (!channel->mapped.bytes)
		dma_mapping_begin(mapping, mapping->run, write_to_device);
	before = *mapping;
	result = dma_mapping_fill(channel->adapter, mapping, at, false, &birth, out, room, count);
	if ((result == DMA_SG_DONE || result == DMA_SG_FULL) && *count)
		return result;
	if (result == DMA_SG_UNREACHABLE)
		dma_unreachable(channel->adapter, at);
	*count = 0;
	if (before.used)
		dma_mapping_back(mapping, &before);
	else
		dma_mapping_end(mapping);
	return result;
}

static void mapped_add(struct dma_channel *channel, const struct dma_mapped *piece, uint64_t pages)
{
	struct dma_mapped *mapped = &channel->mapped;

	if (mapped->bytes)
		mapped->bytes += piece->bytes;
	else
		*mapped = *piece;
	mapped->pages = pages;
}

/* Whether it goes on where the last piece ended; if not, why it may not be mapped. */
static NTSTATUS check_follows(const struct dma_channel *channel, const struct dma_sg_cursor *at,
	const void *va, bool write_to_device)
{
	const struct dma_mapped *mapped = &channel->mapped;
	uint64_t end = mapped->offset + mapped->bytes;

	if (!mapped->bytes)
		return STATUS_SUCCESS;
	if (!mapped->is_extended && mapped->mdl == at->mdl && at->offset == end &&
		mapped->write_to_device == write_to_device)
		return STATUS_SUCCESS;
	if (!mapped->is_extended && mapped->mdl == at->mdl && at->offset < end &&
		at->offset + at->left > mapped->offset)
		return refuse(channel->adapter, DMA_RULE(DMA_RULE_MAPPED_TWICE), "MapTransfer",
			at->mdl, (uintptr_t)va, at->left,
			"part of it is mapped through this channel already",
			STATUS_INVALID_PARAMETER);
	return needs_flush(channel, "MapTransfer", at->mdl, (uintptr_t)va, at->left);
}

/* What the registers allow of at->left; 0: nothing, and it has been reported. */
static uint64_t part_allowed(
	const struct dma_channel *channel, const struct dma_sg_cursor *at, const void *va)
{
	uint64_t room = part_room(channel, at);

	if (room >= at->left)
		return room;
	nt_violation(
		DMA_RULE(channel->mapped.bytes ? DMA_RULE_NOT_FLUSHED : DMA_RULE_REGISTERS_USED),
		"DMA adapter %u: MapTransfer of %llu bytes at %p takes %llu map registers in all; "
		"the channel has %u",
		channel->adapter->number, (unsigned long long)at->left, va,
		(unsigned long long)pages_with(channel, at, at->left), channel->order.registers);
	return room;
}

static NTSTATUS map_part(struct dma_channel *channel, PMDL mdl, const void *va, uint32_t length,
	bool write_to_device, uintptr_t site, PSCATTER_GATHER_ELEMENT element)
{
	struct dma_sg_cursor at, start;
	struct dma_mapped piece;
	enum dma_sg_result result;
	NTSTATUS status = check_part(channel, mdl, va, length, &at);
	uint64_t allowed = 0;
	uint32_t count;

	if (!status)
		status = check_follows(channel, &at, va, write_to_device);
	if (!status)
		allowed = part_allowed(channel, &at, va);
	if (status || !allowed)
		return STATUS_INVALID_PARAMETER;
	at.left = allowed;
	start = at;
	result = channel_fill(channel, &at, write_to_device, site, element, 1, &count);
	if (count && at.left && !channel->adapter->limits.scatter_gather) {
		/* The direct engine: nothing to copy through. */
		dma_mapping_end(&channel->mapping);
		count = 0;
	}
	if (!count) {
		if (result != DMA_SG_UNREACHABLE)
			nt_violation(0,
				"DMA adapter %u: MapTransfer of %llu bytes at %p failed: its "
				"device takes one contiguous stretch, and there is none for it",
				channel->adapter->number, (unsigned long long)allowed, va);
		return STATUS_INSUFFICIENT_RESOURCES;
	}
	piece = (struct dma_mapped){.mdl = mdl,
		.va = (uintptr_t)va,
		.offset = start.offset,
		.bytes = allowed - at.left,
		.write_to_device = write_to_device};
	mapped_add(channel, &piece, pages_with(channel, &start, piece.bytes));
	return STATUS_SUCCESS;
}

uint64_t dma_channel_map(struct dma_adapter *adapter, const void *base, PMDL mdl, const void *va,
	uint32_t *length, bool write_to_device, uintptr_t site)
{
	struct dma_channel *channel = dma_channel_take(adapter, base, 0, "MapTransfer");
	uint32_t asked = *length;
	SCATTER_GATHER_ELEMENT element = {.Length = 0};

	*length = 0;
	if (!channel)
		return 0;
	if (!map_part(channel, mdl, va, asked, write_to_device, site, &element))
		*length = element.Length;
	dma_channel_give(channel);
	return *length ? (uint64_t)element.Address.QuadPart : 0;
}

static NTSTATUS map_chain(struct dma_channel *channel, PMDL mdl, uint64_t offset, uint32_t *length,
	bool write_to_device, PSCATTER_GATHER_LIST list, uint32_t room, uintptr_t site)
{
	struct dma_sg_cursor at;
	struct dma_mapped piece;
	NTSTATUS status = check_chain(channel, mdl, offset, *length, &at);
	uint64_t allowed, pages;
	uint32_t count;

	if (status)
		return status;
	if (channel->mapped.bytes)
		return needs_flush(channel, "MapTransferEx", mdl, offset, *length);
	/* */
	if (!room)
		return STATUS_INVALID_PARAMETER;
	chain_cut(channel, &at, &pages);
	allowed = at.left;
	if (!allowed)
		return STATUS_INSUFFICIENT_RESOURCES;
	channel_fill(channel, &at, write_to_device, site, list->Elements, room, &count);
	if (!count)
		return STATUS_INSUFFICIENT_RESOURCES;
	list->NumberOfElements = count;
	list->Reserved = 0;
	piece = (struct dma_mapped){.mdl = mdl,
		.offset = offset,
		.bytes = allowed - at.left,
		.write_to_device = write_to_device,
		.is_extended = true};
	mapped_add(channel, &piece, pages);
	*length = (uint32_t)piece.bytes;
	return STATUS_SUCCESS;
}

NTSTATUS dma_channel_map_list(struct dma_adapter *adapter, const void *base, PMDL mdl,
	uint64_t offset, uint32_t *length, bool write_to_device, PSCATTER_GATHER_LIST list,
	uint32_t bytes, uintptr_t site)
{
	uint64_t header = dma_list_bytes(0);
	uint32_t room =
		bytes > header ? (uint32_t)((bytes - header) / sizeof(list->Elements[0])) : 0;
	struct dma_channel *channel = dma_channel_take(adapter, base, 0, "MapTransferEx");
	NTSTATUS status;

	if (!channel)
		return STATUS_INVALID_PARAMETER;
	status = map_chain(channel, mdl, offset, length, write_to_device, list, room, site);
	dma_channel_give(channel);
	return status;
}

/* ---- flush ---- */

/* A flush that is carried out may still be wrong. */
static void check_flush(const struct dma_channel *channel, const struct dma_flush *flush)
{
	const struct dma_mapped *mapped = &channel->mapped;

	if (flush->length != mapped->bytes)
		nt_violation(DMA_RULE(flush->length > mapped->bytes ? DMA_RULE_FLUSHED_PAST
								    : DMA_RULE_NOT_FLUSHED),
			"DMA adapter %u: a flush of %u bytes of the MDL at %p, but %llu bytes are "
			"mapped; all are flushed",
			channel->adapter->number, flush->length, (void *)mapped->mdl,
			(unsigned long long)mapped->bytes);
	else if (flush->write_to_device != mapped->write_to_device)
		nt_violation(0,
			"DMA adapter %u: a flush of a transfer %s the device, but it was mapped "
			"for the other direction (X-13)",
			channel->adapter->number, flush->write_to_device ? "to" : "from");
}

static bool is_mapped(const struct dma_mapped *mapped, const struct dma_flush *flush)
{
	if (mapped->mdl != flush->mdl || mapped->is_extended != flush->is_extended)
		return false;
	return flush->is_extended ? mapped->offset == flush->offset : mapped->va == flush->va;
}

NTSTATUS dma_channel_flush(
	struct dma_adapter *adapter, const void *base, const struct dma_flush *flush)
{
	const char *what = flush->is_extended ? "FlushAdapterBuffersEx" : "FlushAdapterBuffers";
	struct dma_channel *channel =
		dma_channel_take(adapter, base, DMA_RULE(DMA_RULE_NEVER_MAPPED), what);
	uint64_t at = flush->is_extended ? flush->offset : flush->va;
	NTSTATUS status = STATUS_SUCCESS;

	if (!channel)
		return STATUS_INVALID_PARAMETER;
	if (!channel->mapped.bytes) {
		status = refuse(adapter, DMA_RULE(DMA_RULE_NOT_MAPPED), what, flush->mdl, at,
			flush->length, "nothing is mapped through this channel",
			STATUS_INVALID_PARAMETER);
	} else if (!is_mapped(&channel->mapped, flush)) {
		status = refuse(adapter, DMA_RULE(DMA_RULE_NOT_MAPPED), what, flush->mdl, at,
			flush->length,
			"what is mapped through this channel starts elsewhere; a flush names the "
			"start of the first piece",
			STATUS_INVALID_PARAMETER);
	} else {
		check_flush(channel, flush);
		dma_mapping_end(&channel->mapping);
		channel->mapped = (struct dma_mapped){0};
	}
	dma_channel_give(channel);
	return status;
}
