/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Cases that go through the engines: a request's list (dma_map), lists of Build and Get with their
 * routine and Put, pieces of MapTransfer through an adapter channel. A device works on each list
 * over the bus, with bytes that the oracle knows, and what has arrived is written down as sums.
 * Neighbours: cases.c, case.h.
 */
#include <string.h>

#include "case.h"
#include "dma/dma_private.h"
#include "dma/map_register.h"
#include "machine.h"

#define PAGES	   80u
#define LINEAR	   40u /* of them, pages whose frames are neighbours, below 4 GiB */
#define TABLE	   131072u
#define ADAPTERS   5u
#define OBSTACLES  6u
#define ROOM	   96u
#define LIST_BYTES (16u + 24u * ROOM)
#define NOWHERE	   (~0ull)

static const struct setting {
	enum dma_engine engine;
	enum mem_policy policy;
	uint32_t registers;
	enum dma_callback callback;
} settings[] = {
	{DMA_DIRECT, MEM_HIGH, 0, DMA_CALLBACK_BEFORE_RETURN},
	{DMA_DIRECT, MEM_SCATTERED, 40, DMA_CALLBACK_QUEUED},
	{DMA_BOUNCE, MEM_HIGH, 200, DMA_CALLBACK_BEFORE_RETURN},
	{DMA_BOUNCE, MEM_HIGH, 24, DMA_CALLBACK_AFTER_RETURN},
	{DMA_BOUNCE, MEM_SCATTERED, 48, DMA_CALLBACK_QUEUED},
	{DMA_IOMMU, MEM_HIGH, 64, DMA_CALLBACK_BEFORE_RETURN},
	{DMA_IOMMU, MEM_SCATTERED, 30, DMA_CALLBACK_QUEUED},
};

static const struct dma_constraints constraints[ADAPTERS] = {
	{.width = 64, .scatter_gather = true},
	{.width = 32, .scatter_gather = true, .max_transfer = 0x10000},
	{.width = 32, .max_transfer = 0x8001},
	{.width = 24, .scatter_gather = true, .map_registers = 12},
	{.width = 64, .max_transfer = 0x20000},
};

enum how { BY_MAP, BY_BUILD, BY_GET, BY_CHANNEL, HOWS };

static struct {
	const struct setting *setting;
	char *linear, *data;
	char *page[PAGES];
	struct dma_adapter *adapter[ADAPTERS];
	struct dma_master master[ADAPTERS];
	struct dma_run obstacle[OBSTACLES];
	uint64_t first, cases; /* of this machine */
} world;

static struct transfer {
	enum how how;
	unsigned adapter;
	bool write, whole;
	uint32_t room;
	struct chain chain;
	uint8_t page_of[CHAIN_MDLS][CHAIN_PAGES]; /* which of world.page */
	uint64_t start;
	uint32_t length;
	uint64_t number;
} transfer;

static uint8_t table[TABLE];
static char buffer[0x40000] __attribute__((aligned(64)));
static uint64_t list_memory[LIST_BYTES / 8];

/* ---- what everybody knows: contents and sums ---- */

/* Numerical Recipes' generator; sglist.py has the same. */
static void table_fill(void)
{
	uint32_t x = 1;

	for (unsigned n = 0; n < TABLE; n++) {
		x = x * 1664525u + 1013904223u;
		table[n] = (uint8_t)(x >> 24);
	}
}

static const uint8_t *page_content(unsigned page, uint64_t number)
{
	return &table[(page * 5003 + number * 131) % (TABLE - 4096)];
}

/* What the device sends in this case. */
static const uint8_t *device_content(uint64_t number)
{
	return &table[(number * 613 + 7) % 0x10000];
}

static uint32_t crc_table[8][256];

static void crc_init(void)
{
	for (unsigned n = 0; n < 256; n++) {
		uint32_t x = n;

		for (unsigned bit = 0; bit < 8; bit++)
			x = x >> 1 ^ (x & 1 ? 0xedb88320u : 0);
		crc_table[0][n] = x;
	}
	for (unsigned n = 0; n < 256; n++)
		for (unsigned k = 1; k < 8; k++)
			crc_table[k][n] =
				crc_table[k - 1][n] >> 8 ^ crc_table[0][crc_table[k - 1][n] & 255];
}

/* zlib's crc32, eight bytes at a time. */
static uint32_t crc(const void *data, size_t bytes)
{
	const uint8_t *p = data;
	uint32_t x = ~0u;

	for (; bytes >= 8; bytes -= 8, p += 8) {
		uint32_t low, high;

		memcpy(&low, p, 4);
		memcpy(&high, p + 4, 4);
		low ^= x;
		x = crc_table[7][low & 255] ^ crc_table[6][low >> 8 & 255] ^
		    crc_table[5][low >> 16 & 255] ^ crc_table[4][low >> 24] ^
		    crc_table[3][high & 255] ^ crc_table[2][high >> 8 & 255] ^
		    crc_table[1][high >> 16 & 255] ^ crc_table[0][high >> 24];
	}
	while (bytes--)
		x = x >> 8 ^ crc_table[0][(x ^ *p++) & 255];
	return ~x;
}

/* ---- a case ---- */

/* Mostly the next one, or the one behind it: neighbours and gaps. */
static unsigned page_unused(uint64_t used[2], unsigned after)
{
	unsigned kind = below(4);
	unsigned page = kind < 3 ? (after + 1 + kind / 2) % PAGES : below(PAGES);

	while (used[page / 64] >> page % 64 & 1)
		page = (page + 1) % PAGES;
	used[page / 64] |= 1ull << page % 64;
	return page;
}

/* No byte twice: what arrives there would hang on the order. Sometimes an MDL begins where the one
 * before ends, in the middle of a page. */
static uint32_t random_pages(struct transfer *t)
{
	static const uint32_t offsets[] = {0, 1, 7, 0x1ff, 0x200, 0xfff};
	unsigned parts = t->how == BY_CHANNEL || one_in(2) ? 1 : 1 + below(4), page = below(PAGES);
	uint64_t used[2] = {0};
	uint32_t have = 0, end = 0;

	chain_clear(&t->chain);
	for (unsigned n = 0; n < parts; n++) {
		bool goes_on = end % 4096 && one_in(3);
		uint32_t offset = goes_on     ? end % 4096
				  : one_in(2) ? offsets[below(array_size(offsets))]
					      : below(4096);
		uint32_t pages = 1 + below(parts == 1 && one_in(4) ? 12 : 4);
		uint32_t most = 4096 * pages - offset; /* one of them in the last page */
		uint32_t bytes = most - (one_in(2) ? 0 : below(min_of(most, 4096u)));
		PPFN_NUMBER frames;

		if (one_in(20) && t->how != BY_CHANNEL)
			bytes = 0;
		frames = chain_add(&t->chain, (char *)0xffff900000000000ull + offset, bytes);
		for (uint32_t at = 0; at * 4096 < offset + bytes; at++) {
			page = goes_on && !at ? page : page_unused(used, page);
			t->page_of[n][at] = (uint8_t)page;
			frames[at] = mem_frame_number(world.page[page]);
			memcpy(world.page[page], page_content(page, t->number), 4096);
		}
		have += bytes;
		end = bytes ? offset + bytes : 0;
	}
	return have;
}

static void random_transfer(struct transfer *t)
{
	uint32_t have, rest, first;

	t->how = below(HOWS);
	do {
		t->adapter = below(ADAPTERS);
	} while (!world.adapter[t->adapter]);
	t->write = one_in(2);
	t->whole = t->how == BY_MAP && one_in(2);
	t->room = one_in(6) ? 1 + below(5) : ROOM;
	have = random_pages(t);
	first = t->chain.part[0].mdl.ByteCount;
	t->start = one_in(3) ? below(first + 2) - (uint64_t)one_in(60) : 0;
	rest = t->start < have ? have - (uint32_t)t->start : 0;
	t->length = one_in(2) ? rest : below(rest + 1);
	if (one_in(40))
		t->length = rest + 1 + below(3);
	if (t->how == BY_CHANNEL) { /* wrong ones are tests/unit/dma/channel_map.c's */
		t->start = t->start < first ? t->start : 0;
		t->length = min_of(max_of(t->length, 1), first - (uint32_t)t->start);
	}
}

static void write_request(const struct transfer *t)
{
	case_word(t->how);
	case_word(t->adapter);
	case_word(t->write);
	case_word(t->whole);
	case_word(t->room);
	case_chain(&t->chain);
	case_word(t->start);
	case_word(t->length);
	case_word(t->number);
}

/* ---- the device ---- */

/* Moves the whole list, cut somewhere; the sum of what the device has read. */
static void device_work(const struct transfer *t, PSCATTER_GATHER_LIST list)
{
	struct dma_master *master = &world.master[t->adapter];
	uint64_t at = 0;
	int err = 0;

	for (uint32_t n = 0; n < list->NumberOfElements && !err; n++) {
		uint64_t address = (uint64_t)list->Elements[n].Address.QuadPart;
		uint32_t bytes = list->Elements[n].Length, cut = below(bytes + 1);

		for (unsigned piece = 0; piece < 2 && !err; piece++) {
			uint32_t part = piece ? bytes - cut : cut;

			if (at + part > sizeof(buffer) || at + part > 0x10000)
				break;
			if (t->write)
				err = dma_bus_read(master, address, buffer + at, part);
			else
				err = dma_bus_write(
					master, address, device_content(t->number) + at, part);
			at += part;
			address += part;
		}
	}
	case_word((uint64_t)(int64_t)err);
	case_word(t->write ? crc(buffer, at) : at);
}

/* One byte, for the right or the wrong direction. Where the engine looks at nothing, writing would
 * only do damage, and what is none of ours is not even read: a sanitizer might object. */
static void probe(const struct transfer *t, uint64_t address, bool right)
{
	struct dma_master *master = &world.master[t->adapter];
	bool is_iommu = world.setting->engine == DMA_IOMMU, reads = t->write == right || !is_iommu;
	enum mem_kind kind = mem_frame_get(address / 4096)->kind;
	char byte = 0x33;
	int err = 0;

	if (is_iommu || kind == MEM_BOUNCE || kind == MEM_DATA)
		err = reads ? dma_bus_read(master, address, &byte, 1)
			    : dma_bus_write(master, address, &byte, 1);
	case_word((uint64_t)(int64_t)err);
}

static void device_probe(const struct transfer *t, PSCATTER_GATHER_LIST list)
{
	const SCATTER_GATHER_ELEMENT *first = list->Elements,
				     *last = first + list->NumberOfElements - 1;

	probe(t, (uint64_t)first->Address.QuadPart - 1, true);
	probe(t, (uint64_t)last->Address.QuadPart + last->Length, true);
	probe(t, (uint64_t)first->Address.QuadPart, false);
}

/* ---- the three ways ---- */

static void write_pages(const struct transfer *t)
{
	for (unsigned n = 0; n < t->chain.parts; n++) {
		const MDL *mdl = &t->chain.part[n].mdl;

		for (uint32_t at = 0; at * 4096 < mdl->ByteOffset + mdl->ByteCount; at++)
			case_word(crc(world.page[t->page_of[n][at]], 4096));
	}
}

/* While the list is live. */
static void write_live(const struct transfer *t, PSCATTER_GATHER_LIST list, const void *va)
{
	case_word(dma_registers_taken());
	case_elements(list->Elements, list->NumberOfElements);
	case_word(va ? mem_physical(va) : NOWHERE);
	device_work(t, list);
	device_probe(t, list);
}

/* After its end. */
static void write_dead(const struct transfer *t, NTSTATUS status, uint64_t address)
{
	case_word((uint32_t)status);
	probe(t, address, true);
	case_word(dma_registers_taken());
	write_pages(t);
}

static struct dma_order order_of(struct transfer *t)
{
	PMDL mdl = &t->chain.part[0].mdl;

	return (struct dma_order){.mdl = mdl,
		.current_va = (void *)((uintptr_t)MmGetMdlVirtualAddress(mdl) + t->start),
		.length = t->length,
		.write_to_device = t->write,
		.whole = t->whole,
		.id = t->number};
}

static void run_map(struct transfer *t)
{
	PSCATTER_GATHER_LIST list = (PSCATTER_GATHER_LIST)list_memory;
	struct dma_adapter *adapter = world.adapter[t->adapter];
	struct dma_mapping mapping = {0};
	struct dma_order order = order_of(t);
	NTSTATUS status = dma_map(adapter, &mapping, &order, list, t->room, NULL);
	uint64_t address;

	case_word(0);
	case_word((uint32_t)status);
	if (status) {
		case_word(dma_registers_taken() + mapping.run.count);
		return;
	}
	write_live(t, list, mapping.va);
	address = (uint64_t)list->Elements[0].Address.QuadPart;
	dma_unmap(adapter, &mapping);
	write_dead(t, STATUS_SUCCESS, address);
}

static PSCATTER_GATHER_LIST given;

static VOID NTAPI routine(PVOID device, PVOID irp, PSCATTER_GATHER_LIST list, PVOID context)
{
	given = list;
}

static void obstacles_give(void)
{
	for (unsigned n = 0; n < OBSTACLES; n++) {
		dma_run_give(world.obstacle[n]);
		world.obstacle[n] = (struct dma_run){0};
	}
}

/* The MDL over what the list really leads to (2.4). */
static void write_target(const struct transfer *t, PSCATTER_GATHER_LIST list)
{
	PMDL original = (PMDL)&t->chain.part[0].mdl, target = NULL;
	NTSTATUS status = dma_list_mdl(world.adapter[t->adapter], list, original, &target);
	unsigned parts = 0;

	case_word((uint32_t)status);
	case_word(target == original);
	if (status || target == original)
		return;
	for (PMDL mdl = target; mdl; mdl = mdl->Next)
		parts++;
	case_word(parts);
	for (PMDL mdl = target; mdl; mdl = mdl->Next) {
		uint32_t pages = (mdl->ByteOffset + mdl->ByteCount + 4095) / 4096;

		case_word(mdl->ByteOffset);
		case_word(mdl->ByteCount);
		for (uint32_t n = 0; n < pages; n++)
			case_word(MmGetMdlPfnArray(mdl)[n]);
	}
}

static void run_list(struct transfer *t)
{
	struct dma_adapter *adapter = world.adapter[t->adapter];
	const struct dma_callee callee = {.routine = routine};
	struct dma_order order = order_of(t);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;
	uint64_t address;

	given = NULL;
	status = t->how == BY_GET ? dma_get(adapter, &order, &callee)
				  : dma_build(adapter, &order, &callee, (void *)list_memory,
					    16 + 24 * t->room);
	cpu_irql_lower(irql);
	case_word(!status && !given);
	case_word((uint32_t)status);
	if (status) {
		case_word(dma_registers_taken());
		return;
	}
	if (!given) { /* it waits for map registers */
		obstacles_give();
		cpu_dpc_flush();
	}
	if (!given) {
		fprintf(stderr, "oracle-cases: the routine of case %llu was never called\n",
			(unsigned long long)t->number);
		abort();
	}
	write_live(t, given, NULL);
	write_target(t, given);
	address = (uint64_t)given->Elements[0].Address.QuadPart;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	status = dma_put(adapter, given, t->write);
	cpu_irql_lower(irql);
	write_dead(t, status, address);
}

static void *map_base;
static bool is_granted;

static IO_ALLOCATION_ACTION NTAPI control(
	PDEVICE_OBJECT device, PIRP irp, PVOID base, PVOID context)
{
	map_base = base;
	is_granted = true;
	return DeallocateObjectKeepRegisters;
}

/* Piece after piece, as a driver does it that maps by itself; false: one was refused. */
static bool map_pieces(struct transfer *t, const DMA_OPERATIONS *op, PSCATTER_GATHER_LIST list)
{
	struct dma_order order = order_of(t);
	PDMA_ADAPTER header = &world.adapter[t->adapter]->header;
	uint32_t done = 0;

	for (list->NumberOfElements = 0; done < t->length; list->NumberOfElements++) {
		SCATTER_GATHER_ELEMENT *to = &list->Elements[list->NumberOfElements];
		ULONG piece = t->length - done;

		if (list->NumberOfElements == ROOM)
			return false;
		to->Address = op->MapTransfer(header, order.mdl, map_base,
			(char *)order.current_va + done, &piece, t->write);
		to->Length = piece;
		if (!piece)
			return false;
		done += piece;
	}
	return true;
}

static void run_channel(struct transfer *t)
{
	PSCATTER_GATHER_LIST list = (PSCATTER_GATHER_LIST)list_memory;
	PDMA_ADAPTER header = &world.adapter[t->adapter]->header;
	const DMA_OPERATIONS *op = header->DmaOperations;
	static DEVICE_OBJECT device;
	struct dma_order order = order_of(t);
	uint32_t in_page = (t->chain.part[0].mdl.ByteOffset + (uint32_t)t->start) % 4096;
	uint32_t registers = (in_page + t->length + 4095) / 4096;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;
	bool is_mapped;
	uint64_t address;

	is_granted = false;
	status = op->AllocateAdapterChannel(header, &device, registers, control, NULL);
	cpu_irql_lower(irql);
	if (!status && !is_granted) {
		case_word(1);
		obstacles_give();
		cpu_dpc_flush();
	} else {
		case_word(0);
	}
	if (status) {
		case_word((uint32_t)status);
		case_word(dma_registers_taken());
		return;
	}
	is_mapped = map_pieces(t, op, list);
	case_word(is_mapped ? 0 : (uint32_t)STATUS_INSUFFICIENT_RESOURCES);
	if (is_mapped) {
		write_live(t, list, NULL);
		address = (uint64_t)list->Elements[0].Address.QuadPart;
	}
	if (list->NumberOfElements)
		op->FlushAdapterBuffers(
			header, order.mdl, map_base, order.current_va, t->length, t->write);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	op->FreeMapRegisters(header, map_base, registers);
	cpu_irql_lower(irql);
	if (is_mapped)
		write_dead(t, STATUS_SUCCESS, address);
	else
		case_word(dma_registers_taken());
}

static void run_transfer(struct transfer *t)
{
	struct dma_order order = order_of(t);
	uint32_t bytes = 0, registers = 0;

	case_begin(CASE_TRANSFER);
	write_request(t);
	case_word((uint32_t)dma_list_size(world.adapter[t->adapter], order.mdl, order.current_va,
		t->length, &bytes, &registers));
	case_word(bytes);
	case_word(registers);
	case_word(dma_registers_taken());
	if (t->how == BY_MAP)
		run_map(t);
	else if (t->how == BY_CHANNEL)
		run_channel(t);
	else
		run_list(t);
	case_end();
}

/* ---- worlds ---- */

static void world_pages(void)
{
	world.linear = mem_alloc(LINEAR * 4096, MEM_LINEAR, MEM_DATA, NULL);
	world.data = mem_alloc((PAGES - LINEAR) * 4096, 0, MEM_DATA, NULL);
	machine_must(!world.linear || !world.data, "mem_alloc");
	for (unsigned n = 0; n < PAGES; n++)
		world.page[n] =
			n < LINEAR ? world.linear + n * 4096 : world.data + (n - LINEAR) * 4096;
}

static void world_adapters(void)
{
	for (unsigned n = 0; n < ADAPTERS; n++) {
		struct dma_constraints limits = constraints[n];
		struct dma_adapter *adapter;

		limits.device = (uint8_t)(n + 10);
		adapter = world.adapter[n] = dma_adapter_new(&limits, NULL);
		dma_master_init(&world.master[n], "oracle", limits.width);
		world.master[n].number = limits.device;
		dma_master_enable(&world.master[n], true);
		case_begin(CASE_ADAPTER);
		case_word(n);
		case_word(limits.width);
		case_word(limits.scatter_gather);
		case_word(limits.max_transfer);
		case_word(limits.map_registers);
		case_word(adapter ? adapter->map_registers : 0);
		case_end();
	}
}

static void write_world(void)
{
	case_begin(CASE_WORLD);
	case_word(world.setting->engine);
	case_word(world.setting->registers);
	case_word(dma_bounce_base ? mem_physical(dma_bounce_base) : NOWHERE);
	case_word(dma_bounce_pages);
	case_word(PAGES);
	for (unsigned n = 0; n < PAGES; n++)
		case_word(mem_frame_number(world.page[n]));
	case_end();
}

/* Registers that others hold. */
static void obstacles_take(void)
{
	unsigned count = 0;

	obstacles_give();
	for (unsigned n = 0; n < OBSTACLES; n++)
		if (world.setting->registers && one_in(2))
			dma_registers_take(world.adapter[0],
				1 + below(1 + world.setting->registers / 4), NULL,
				&world.obstacle[n]);
	/* Some go again: holes. */
	for (unsigned n = 0; n < OBSTACLES; n++) {
		if (one_in(4)) {
			dma_run_give(world.obstacle[n]);
			world.obstacle[n].count = 0;
		}
		count += world.obstacle[n].count != 0;
	}
	case_begin(CASE_OBSTACLES);
	case_word(count);
	for (unsigned n = 0; n < OBSTACLES; n++)
		if (world.obstacle[n].count) {
			case_word(world.obstacle[n].first);
			case_word(world.obstacle[n].count);
		}
	case_end();
}

static void world_body(void *arg)
{
	world_pages();
	write_world();
	world_adapters();
	for (uint64_t n = 0; n < world.cases; n++) {
		if (n % 8 == 0)
			obstacles_take();
		transfer.number = world.first + n;
		random_transfer(&transfer);
		run_transfer(&transfer);
	}
	obstacles_give();
	for (unsigned n = 0; n < ADAPTERS; n++)
		dma_adapter_free(world.adapter[n]);
	mem_free(world.linear, LINEAR * 4096);
	mem_free(world.data, (PAGES - LINEAR) * 4096);
}

void case_transfers(uint64_t count)
{
	uint64_t done = 0;

	table_fill();
	crc_init();
	for (unsigned n = 0; n < array_size(settings); n++) {
		const struct dma_config config = {.engine = settings[n].engine,
			.callback = settings[n].callback,
			.map_registers = settings[n].registers};

		memset(&world, 0, sizeof(world));
		world.setting = &settings[n];
		world.first = done;
		world.cases = count * (n + 1) / array_size(settings) - done;
		done += world.cases;
		machine_begin(settings[n].policy, 64ull << 20);
		machine_must(dma_init(&config), "dma_init");
		machine_do(world_body, NULL);
		dma_fini();
		machine_end();
	}
}
