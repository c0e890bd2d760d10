/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Fuzz target: MDL chains of a driver that means no good, through dma_map, Build, Get and
 * MapTransferEx on each engine: empty MDLs, circles, flags and counts that lie, offsets that no MDL
 * has, frames that are none. The status is that of a plain walk over the chain, the list that of
 * the byte-by-byte model, and nothing is left behind. Neighbours: dma_sglist.c, dma_operations.c.
 */
#include <string.h>

#include "dma/dma_private.h"
#include "dma/map_register.h"
#include "input.h"
#include "machine.h"
#include "sg_model.h"

#define PAGE	   4096u
#define MDLS	   6
#define PAGES	   24 /* of RAM that the MDLs describe, half of them below 4 GiB */
#define ROOM	   32u
#define LIST_BYTES (16 + 24 * ROOM)
#define REGISTERS  17u
#define MOST	   (REGISTERS * PAGE)
#define EMPTY_MAX  65536u
#define KNOWN	   (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL | MDL_IO_SPACE)

static struct {
	char *low, *high;
	PMDL mdl[MDLS];
	unsigned mdls;
	struct dma_adapter *adapter;
	struct dma_order order;
	uint64_t start, registers;
	PSCATTER_GATHER_LIST given;
} it;

static uint64_t list_memory[LIST_BYTES / 8];
static struct model_byte bytes[MOST];
static struct model_element expected[MOST];

/* ---- the chain ---- */

/* Frames of the pool, of stacks and the like are real memory that a device would overwrite; and a
 * free one may be the pool's a moment later. */
static bool is_harmless(PFN_NUMBER frame)
{
	enum mem_kind kind = mem_frame_get(frame)->kind;

	return kind == MEM_NONE || kind == MEM_DATA;
}

static PFN_NUMBER take_frame(struct input *in, PFN_NUMBER last)
{
	static const uint64_t odd[] = {0, (1ull << 52) - 1, 1ull << 52, ~0ull, 0xfffff, 0x100000};
	unsigned code = take(in, 1);

	if (code < 100 && is_harmless(last + 1))
		return last + 1;
	if (code < 240)
		return mem_frame_number(
			(code & 1 ? it.low : it.high) + code / 2 % (PAGES / 2) * PAGE);
	return odd[code % array_size(odd)];
}

/* The page in the middle of which the MDL ends, if it has one. */
static const PFN_NUMBER *end_page(const MDL *mdl)
{
	uint64_t end = mdl ? (uint64_t)mdl->ByteOffset + mdl->ByteCount : 0;

	if (end % PAGE == 0 || sizeof(*mdl) + (end / PAGE + 1) * 8 > (USHORT)mdl->Size)
		return NULL;
	return &MmGetMdlPfnArray(mdl)[end / PAGE];
}

/* Exactly as large as its Size says, so that a sanitizer sees a read past it. */
static PMDL take_mdl(struct input *in, const MDL *last)
{
	unsigned code = take(in, 1), pages = take(in, 1) % 20;
	PMDL mdl = calloc(1, sizeof(*mdl) + pages * sizeof(PFN_NUMBER));
	PFN_NUMBER frame = 0;

	check(mdl != NULL, "memory");
	mdl->Size = (CSHORT)(sizeof(*mdl) + pages * sizeof(PFN_NUMBER));
	mdl->MdlFlags = code & 8 ? (CSHORT)take(in, 2) : MDL_SOURCE_IS_NONPAGED_POOL;
	mdl->StartVa = (PVOID)(uintptr_t)(code & 16 ? take(in, 4) : 0x10000);
	mdl->ByteOffset = code & 32 ? take(in, 2) << 4 : take(in, 2) % PAGE;
	mdl->ByteCount = code & 64 ? take(in, 3) : take(in, 2);
	if (code & 128) /* as much as there are pages */
		mdl->ByteCount =
			pages * PAGE > mdl->ByteOffset ? pages * PAGE - mdl->ByteOffset : 0;
	for (unsigned n = 0; n < pages; n++)
		frame = MmGetMdlPfnArray(mdl)[n] = take_frame(in, frame);
	if ((code & 4) && pages && end_page(last)) { /* goes on where the last one ends */
		MmGetMdlPfnArray(mdl)[0] = *end_page(last);
		mdl->ByteOffset = (last->ByteOffset + last->ByteCount) % PAGE;
	}
	return mdl;
}

static void take_chain(struct input *in)
{
	it.mdls = 1 + take(in, 1) % MDLS;
	for (unsigned n = 0; n < it.mdls; n++)
		it.mdl[n] = take_mdl(in, n ? it.mdl[n - 1] : NULL);
	for (unsigned n = 0; n < it.mdls; n++) {
		unsigned next = take(in, 1);

		/* Mostly the next one; else any, itself too. */
		next = next < 200 ? n + 1 : next % (it.mdls + 1);
		it.mdl[n]->Next = next < it.mdls ? it.mdl[next] : NULL;
	}
}

/* ---- what ought to come of it ---- */

static bool is_known(const MDL *mdl)
{
	uint64_t pages = ((uint64_t)mdl->ByteOffset + mdl->ByteCount + PAGE - 1) / PAGE;

	return !mdl->ByteCount ||
	       ((mdl->MdlFlags & KNOWN) &&
		       sizeof(*mdl) + pages * sizeof(PFN_NUMBER) <= (USHORT)mdl->Size);
}

/* What the length and the start deserve, and whether all its pages are known; bytes[] are the
 * transfer's, if they are. */
static NTSTATUS expect_size(bool *all_known)
{
	uint64_t left = it.order.length, offset = it.start, done = 0;
	unsigned empty = 0;

	it.registers = 0;
	*all_known = true;
	if (!left || offset >= it.mdl[0]->ByteCount)
		return STATUS_INVALID_PARAMETER;
	for (const MDL *mdl = it.mdl[0]; left; mdl = mdl->Next, offset = 0) {
		uint64_t part, at;

		if (!mdl || empty > EMPTY_MAX)
			return STATUS_BUFFER_TOO_SMALL;
		empty = mdl->ByteCount ? 0 : empty + 1;
		part = min_of(mdl->ByteCount - offset, left);
		at = mdl->ByteOffset + offset;
		it.registers += part ? (at % PAGE + part + PAGE - 1) / PAGE : 0;
		left -= part;
		*all_known = *all_known && is_known(mdl);
		for (uint64_t n = 0; *all_known && n < part && done < MOST; n++, done++) {
			uint64_t frame = MmGetMdlPfnArray(mdl)[(at + n) / PAGE];

			bytes[done].nowhere = frame >= 1ull << 52;
			bytes[done].address = frame * PAGE + (at + n) % PAGE;
		}
	}
	return it.registers > it.adapter->map_registers ? STATUS_INSUFFICIENT_RESOURCES
							: STATUS_SUCCESS;
}

/* Whether the engine can lead the device to each byte. */
static bool can_map(bool *is_plain)
{
	*is_plain = dma_settings.engine != DMA_IOMMU;
	for (uint32_t n = 0; n < it.order.length; n++) {
		const struct mem_frame *frame = mem_frame_get(bytes[n].address / PAGE);
		bool is_reached =
			!bytes[n].nowhere && bytes[n].address <= it.adapter->reach.max_address;

		if (is_reached || dma_settings.engine == DMA_IOMMU)
			continue;
		*is_plain = false;
		if (dma_settings.engine == DMA_DIRECT || bytes[n].nowhere || !frame->host ||
			frame->kind == MEM_FREE)
			return false;
	}
	return true;
}

static void check_list(const SCATTER_GATHER_LIST *list, bool is_plain)
{
	const struct dma_sg_limits limits = {.max_address = it.adapter->reach.max_address};
	uint64_t sum = 0, described;
	uint32_t count;

	for (uint32_t n = 0; n < list->NumberOfElements; n++) {
		const SCATTER_GATHER_ELEMENT *at = &list->Elements[n];

		check(at->Length != 0, "an element of no bytes");
		check((uint64_t)at->Address.QuadPart + at->Length - 1 <= limits.max_address,
			"an element out of reach");
		sum += at->Length;
	}
	check(sum == it.order.length, "the lengths do not sum to the transfer");
	if (!is_plain)
		return;
	model_build(bytes, it.order.length, it.order.length, &limits, ROOM, expected, &count,
		&described);
	check(count == list->NumberOfElements, "the number of elements differs");
	for (uint32_t n = 0; n < count; n++)
		check((uint64_t)list->Elements[n].Address.QuadPart == expected[n].address &&
				list->Elements[n].Length == expected[n].length,
			"an element differs");
}

/* ---- the four ways ---- */

static VOID NTAPI routine(PVOID device, PVOID irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	it.given = list;
}

static void check_status(NTSTATUS status, NTSTATUS wanted)
{
	if (status == wanted)
		return;
	fprintf(stderr, "status %08x, expected %08x\n", (unsigned)status, (unsigned)wanted);
	abort();
}

static void try_map(NTSTATUS wanted, bool is_plain)
{
	PSCATTER_GATHER_LIST list = (PSCATTER_GATHER_LIST)list_memory;
	struct dma_mapping mapping = {0};
	NTSTATUS status = dma_map(it.adapter, &mapping, &it.order, list, ROOM, NULL);

	check_status(status, wanted);
	if (status)
		return;
	check_list(list, is_plain);
	dma_unmap(it.adapter, &mapping);
}

/* Of the n-th byte of a list. */
static uint64_t list_address(const SCATTER_GATHER_LIST *list, uint32_t n)
{
	const SCATTER_GATHER_ELEMENT *at = list->Elements;

	for (; n >= at->Length; at++)
		n -= at->Length;
	return (uint64_t)at->Address.QuadPart + n;
}

/* 2.4: the buffer's own, or one that leads where the list does; behind an iommu to the copies. */
static void check_mdl(const MDL *target, bool is_plain)
{
	uint32_t done = 0;

	check(target != NULL && (!is_plain || target == it.order.mdl), "the MDL of the list");
	for (; target != it.order.mdl && target; target = target->Next)
		for (uint32_t n = 0; n < target->ByteCount; n++, done++) {
			uint64_t at = (uint64_t)target->ByteOffset + n;
			uint64_t frame = MmGetMdlPfnArray(target)[at / PAGE];

			check(done < it.order.length, "the MDL leads to more bytes");
			check(dma_settings.engine == DMA_IOMMU
					? mem_frame_get(frame)->kind == MEM_BOUNCE
					: frame * PAGE + at % PAGE == list_address(it.given, done),
				"the MDL leads elsewhere than the list");
		}
	check(target || done == it.order.length, "the MDL leads to fewer bytes");
}

static void try_list(bool is_build, NTSTATUS wanted, bool is_plain)
{
	const struct dma_callee callee = {.routine = routine};
	PMDL target = NULL;
	NTSTATUS status;

	it.given = NULL;
	status = is_build ? dma_build(
				    it.adapter, &it.order, &callee, (void *)list_memory, LIST_BYTES)
			  : dma_get(it.adapter, &it.order, &callee);
	/* SZ-5: the list's buffer comes before the registers. */
	if (is_build && wanted == STATUS_INSUFFICIENT_RESOURCES && it.registers > ROOM)
		wanted = STATUS_BUFFER_TOO_SMALL;
	check_status(status, wanted);
	check(!status == (it.given != NULL), "the routine runs if and only if all is well");
	if (status)
		return;
	check_list(it.given, is_plain);
	check_status(dma_list_mdl(it.adapter, it.given, it.order.mdl, &target), STATUS_SUCCESS);
	check_mdl(target, is_plain);
	check_status(dma_put(it.adapter, it.given, it.order.write_to_device), STATUS_SUCCESS);
}

static void *channel_base;

static IO_ALLOCATION_ACTION NTAPI control(
	PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
	channel_base = base;
	return DeallocateObjectKeepRegisters;
}

/* MapTransferEx through a channel of as many registers as it takes. Its page knows one status for
 * all that is wrong with the chain; it may also start behind the first MDL. */
static void try_channel(NTSTATUS wanted, bool is_plain)
{
	const DMA_OPERATIONS *op = it.adapter->header.DmaOperations;
	PSCATTER_GATHER_LIST list = (PSCATTER_GATHER_LIST)list_memory;
	uint32_t registers = min_of(max_of(it.registers, 1u), it.adapter->map_registers);
	ULONG length = it.order.length;
	static DEVICE_OBJECT device;
	NTSTATUS status;

	if (wanted == STATUS_INSUFFICIENT_RESOURCES && it.registers > registers)
		return; /* it would map a part of it */
	if (wanted == STATUS_BUFFER_TOO_SMALL)
		wanted = STATUS_INVALID_PARAMETER;
	check_status(
		op->AllocateAdapterChannel(&it.adapter->header, &device, registers, control, NULL),
		STATUS_SUCCESS);
	status = op->MapTransferEx(&it.adapter->header, it.order.mdl, channel_base, it.start, 0,
		&length, it.order.write_to_device, list, LIST_BYTES, NULL, NULL);
	if (it.start < it.mdl[0]->ByteCount)
		check_status(status, wanted);
	if (!status && it.start < it.mdl[0]->ByteCount) {
		check(length == it.order.length, "MapTransferEx maps less");
		check_list(list, is_plain);
	}
	if (!status)
		check_status(op->FlushAdapterBuffersEx(&it.adapter->header, it.order.mdl,
				     channel_base, it.start, length, it.order.write_to_device),
			STATUS_SUCCESS);
	op->FreeMapRegisters(&it.adapter->header, channel_base, registers);
}

static void run(void *arg)
{
	static const unsigned widths[] = {64, 32, 33, 24};
	struct input *in = arg;
	struct dma_config config = {.callback = DMA_CALLBACK_BEFORE_RETURN, .map_registers = 20};
	struct dma_constraints limits = {.scatter_gather = true, .max_transfer = 0x10000};
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	unsigned code = take(in, 1);
	bool all_known, is_plain = false;
	NTSTATUS wanted, status;

	config.engine = code % 3;
	limits.width = widths[code / 3 % array_size(widths)];
	config.hal_compatible = code >= 128;
	machine_must(dma_init(&config), "dma_init");
	it.adapter = dma_adapter_new(&limits, NULL);
	check(it.adapter != NULL, "an adapter");
	take_chain(in);
	code = take(in, 1);
	it.start = code < 128 ? 0 : code < 250 ? take(in, 2) : take(in, 4) - (1ull << 31);
	it.order = (struct dma_order){.mdl = it.mdl[0],
		.current_va =
			(void *)((uintptr_t)it.mdl[0]->StartVa + it.mdl[0]->ByteOffset + it.start),
		.length = code & 1 ? it.mdl[0]->ByteCount % MOST : take(in, code < 200 ? 2 : 3),
		.write_to_device = code & 2};
	wanted = expect_size(&all_known);
	status = dma_list_size(
		it.adapter, it.order.mdl, it.order.current_va, it.order.length, NULL, NULL);
	if (!config.hal_compatible)
		check_status(status, wanted);
	/* */
	if (!all_known && (!wanted || wanted == STATUS_INSUFFICIENT_RESOURCES))
		wanted = STATUS_INVALID_PARAMETER;
	if (!wanted && !can_map(&is_plain))
		wanted = STATUS_INSUFFICIENT_RESOURCES;
	try_map(wanted, is_plain);
	try_list(true, wanted, is_plain);
	try_list(false, wanted, is_plain);
	try_channel(wanted, is_plain);
	check(!dma_registers_taken(), "map registers are left");
	check(!nt_pool_count(NULL), "pool is left");
	for (unsigned n = 0; n < it.mdls; n++)
		free(it.mdl[n]);
	cpu_irql_lower(irql);
	dma_adapter_free(it.adapter);
	dma_fini();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	if (!it.low) {
		machine_begin(MEM_HIGH, 16ull << 20);
		it.low = mem_alloc(PAGES / 2 * PAGE, MEM_LINEAR, MEM_DATA, NULL);
		it.high = mem_alloc(PAGES / 2 * PAGE, 0, MEM_DATA, NULL);
		check(it.low && it.high, "memory");
	}
	machine_do(run, &in);
	return 0;
}
