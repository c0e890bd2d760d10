/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Fuzz target: the input is a program of DMA operations on two adapters behind one engine: lists of
 * the port, of Build and of Get, adapter channels, in versions 1 and 3, common buffers, work of the
 * devices, and calls that are wrong. After each step the machine is compared with the model
 * (dma_model.h): statuses, map registers taken, bytes in all pages, and where the devices may go.
 * Violations are expected and not looked at.
 */
#include "dma_ask.h"

#define STEPS 120

static struct transfer *take_transfer(struct input *in)
{
	return &model.transfer[take(in, 1) % TRANSFERS];
}

/* ---- a transfer's buffer ---- */

/* Up to three MDLs of up to four pages that nobody else works on. */
static bool take_buffer(struct input *in, struct transfer *t, unsigned mdls, bool is_inner)
{
	unsigned page = take(in, 1), step = 1 + take(in, 1) % 3;

	t->parts = 0;
	t->length = 0;
	t->lead = 0;
	for (unsigned n = 0; n < mdls; n++) {
		unsigned in_page = take(in, 2) % PAGE, pages = 1 + take(in, 1) % 4, used = 0;
		/* At least one of them in the last page. */
		uint32_t most = pages * PAGE - in_page, left;
		uint32_t bytes = most - take(in, 2) % min_of(most, PAGE);
		uint32_t before = is_inner && !n ? take(in, 2) % (in_page + 1) : 0;
		PMDL mdl = &t->mdl[n].mdl;

		left = bytes;
		t->lead += before;
		MmInitializeMdl(mdl, (char *)0xffff900000000000ull + in_page - before,
			(SIZE_T)bytes + before);
		mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
		for (unsigned tries = 0; left; tries++, page += step) {
			struct part *part = &t->part[t->parts];
			unsigned offset = used ? 0 : in_page;

			if (tries > 2 * PAGES)
				return false;
			/* Its own pages count as busy, as its kind is set. */
			if (page_is_busy(page % PAGES)) {
				page += step == 1 ? 0 : 1;
				continue;
			}
			*part = (struct part){page % PAGES, offset, min_of(PAGE - offset, left)};
			t->mdl[n].frames[used++] = mem_frame_number(model.memory[page % PAGES]);
			left -= part->bytes;
			t->parts++;
		}
		t->length += bytes;
		if (n)
			t->mdl[n - 1].mdl.Next = mdl;
		if (is_inner && n == mdls - 1) /* bytes behind it, in its last page */
			mdl->ByteCount += take(in, 2) % (PAGE - (in_page + bytes - 1) % PAGE);
	}
	return true;
}

static void forget(struct transfer *t)
{
	t->kind = NO_TRANSFER;
	t->waits = false;
}

/* It cannot be: too many registers (MR-2), or out of reach (D-14, SGL-6). */
static void check_refused(struct transfer *t, NTSTATUS status, bool fits)
{
	/* Out of reach and short of registers: waits, and fails when its turn comes. */
	check(status == STATUS_INSUFFICIENT_RESOURCES || (!fits && !status) ||
			(t->kind == MAPPED && t->waits),
		"something that cannot be is mapped");
	check(status || (fits && t->waits), "something that cannot be is live");
	forget(t);
	check(status || dma_wait_cancel(&t->waiter), "it waits and does not");
}

/* What there is to ask for; false: nothing that makes sense. */
static bool take_order(struct input *in, struct transfer *t, enum kind kind)
{
	unsigned code = take(in, 1);
	unsigned mdls = 1 + (code >> 3) % MDLS;

	memset(&t->mapping, 0, sizeof(t->mapping));
	t->adapter = code & 1;
	t->write = code & 2;
	t->whole = kind == MAPPED && (code & 4);
	t->is_extended = kind != MAPPED && (code & 4);
	t->is_sync = t->is_extended && (code & 128);
	t->is_granted = t->mdl_given = false;
	t->parts = 0;
	t->kind = kind;
	if (take_buffer(in, t, kind == CHANNEL && !t->is_extended ? 1 : mdls, code & 64))
		return true;
	t->kind = NO_TRANSFER;
	return false;
}

static void do_transfer(struct input *in, enum kind kind)
{
	struct transfer *t = take_transfer(in);
	NTSTATUS status;
	bool can_be, fits;

	if (t->kind || !take_order(in, t, kind))
		return;
	can_be = model_way(t);
	fits = t->parts <= model.adapter[t->adapter]->map_registers;
	check_size(t, fits);
	if (kind == CHANNEL && !can_be) { /* MapTransfer would have to say no */
		t->kind = NO_TRANSFER;
		return;
	}
	if (t->is_extended)
		check(!operations(t->adapter)
				->InitializeDmaTransferContext(header(t->adapter), t->context),
			"a context that nobody uses is refused");
	t->waits = true;
	t->order = ++model.orders;
	status = kind == MAPPED ? ask_map(t) : kind == CHANNEL ? ask_channel(t) : ask_list(t);
	if (!can_be || !fits) {
		check_refused(t, status, fits);
		return;
	}
	if (!t->is_sync || !status) {
		check(!status, "something that can be is not mapped");
		check(!t->is_sync || !t->waits, "a synchronous caller waits");
		return;
	}
	forget(t);
	check(status == STATUS_INSUFFICIENT_RESOURCES && (model_taken() || model_waits()),
		"a synchronous caller gets nothing, though nobody has anything");
}

/* It waits and will not be called. Only what has a context can be cancelled, and the port's. */
static void cancel(struct transfer *t)
{
	bool is_mapped = t->kind == MAPPED;

	if (!is_mapped && !t->is_extended)
		return;
	/* Those behind it may be served before the call returns. */
	forget(t);
	check(is_mapped ? dma_wait_cancel(&t->waiter)
			: operations(t->adapter)
				  ->CancelAdapterChannel(
					  header(t->adapter), &t->device, t->context),
		"what waits cannot be cancelled");
}

static void end_channel(struct transfer *t)
{
	const DMA_OPERATIONS *op = operations(t->adapter);
	PMDL mdl = &t->mdl[0].mdl;

	if (t->is_extended)
		check(!op->FlushAdapterBuffersEx(
			      header(t->adapter), mdl, t->base, t->lead, t->length, t->write),
			"FlushAdapterBuffersEx says no");
	else
		check(op->FlushAdapterBuffers(
			      header(t->adapter), mdl, t->base, start_va(t), t->length, t->write),
			"FlushAdapterBuffers says no");
	op->FreeMapRegisters(header(t->adapter), t->base, t->parts);
}

static void do_end(struct input *in)
{
	struct transfer *t = take_transfer(in);
	struct spot spot;
	uint64_t address;
	uint8_t irql;
	char byte;

	if (!is_live(t)) {
		if (t->kind)
			cancel(t);
		return;
	}
	address = (uint64_t)t->list->Elements[0].Address.QuadPart;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	if (t->kind == MAPPED) {
		dma_unmap(model.adapter[t->adapter], &t->mapping);
	} else if (t->kind == CHANNEL) {
		end_channel(t);
	} else { /* whatever the direction */
		check(!dma_put(model.adapter[t->adapter], t->list, t->write ^ (take(in, 1) > 200)),
			"a Put fails");
	}
	model_end(t);
	cpu_irql_lower(irql);
	settle();
	/* The device comes too late. */
	if ((take(in, 1) & 1) && model_access(t->adapter, address, false, &spot) == MUST_NOT)
		check(dma_bus_read(&model.master[t->adapter], address, &byte, 1) == -EFAULT,
			"the device reads what is not mapped any more");
}

/* ---- the devices ---- */

static uint64_t element_address(const struct transfer *t, uint32_t position, uint32_t *room)
{
	for (uint32_t n = 0; n < t->list->NumberOfElements; n++) {
		const SCATTER_GATHER_ELEMENT *at = &t->list->Elements[n];

		if (position < at->Length) {
			*room = at->Length - position;
			return (uint64_t)at->Address.QuadPart + position;
		}
		position -= at->Length;
	}
	abort();
}

/* Works on a stretch of its list, in the right direction. */
static void do_work(struct input *in)
{
	struct transfer *t = take_transfer(in);
	uint32_t position = take(in, 2), bytes = take(in, 2), room, first = take(in, 1);
	static uint8_t data[PARTS * PAGE];
	uint64_t address;

	if (!is_live(t))
		return;
	position %= t->length;
	address = element_address(t, position, &room);
	bytes = 1 + bytes % room;
	if (!t->write) {
		for (uint32_t n = 0; n < bytes; n++) {
			data[n] = (uint8_t)(first + n * 7);
			spot_set(model_spot(t, position + n), data[n]);
		}
		check(!dma_bus_write(&model.master[t->adapter], address, data, bytes),
			"the device cannot write to its list");
		return;
	}
	check(!dma_bus_read(&model.master[t->adapter], address, data, bytes),
		"the device cannot read its list");
	for (uint32_t n = 0; n < bytes; n++) {
		struct spot spot = model_spot(t, position + n);

		check(!spot_is_known(spot) || data[n] == *spot.byte,
			"the device reads another byte");
	}
}

static uint64_t take_address(struct input *in)
{
	unsigned code = take(in, 1), delta = take(in, 1);
	const struct transfer *t = take_transfer(in);
	const struct common *c = &model.common[code % COMMONS];
	uint32_t room;

	if (code < 96 && is_live(t))
		return element_address(t, take(in, 2) % t->length, &room) + delta - 128;
	if (code < 128 && c->va)
		return c->address + take(in, 2) % c->bytes;
	if (code < 224)
		return mem_physical(model.memory[code % PAGES]) + take(in, 2) % PAGE;
	return (uint64_t)take(in, 4) << (delta % 33);
}

/* One byte at any address: allowed, or refused to the byte. */
static void do_stray(struct input *in)
{
	unsigned code = take(in, 1), adapter = code & 1;
	bool write = code & 2;
	uint64_t address = take_address(in);
	struct spot spot;
	enum verdict verdict = model_access(adapter, address, write, &spot);
	uint8_t byte = (uint8_t)(code * 31);
	int err;

	if (verdict == DO_NOT_TRY)
		return;
	err = write ? dma_bus_write(&model.master[adapter], address, &byte, 1)
		    : dma_bus_read(&model.master[adapter], address, &byte, 1);
	check(err == (verdict == MUST ? 0 : -EFAULT),
		verdict == MUST ? "the device is refused" : "the device gets where it must not");
	if (!err && write)
		spot_set(spot, byte);
	else if (!err && spot_is_known(spot))
		check(byte == *spot.byte, "the device reads another byte");
}

/* The processor writes a page; a copy that the device works on does not see it. */
static void do_write(struct input *in)
{
	unsigned page = take(in, 1) % PAGES, at = take(in, 2) % PAGE;
	unsigned bytes = 1 + take(in, 2) % (PAGE - at), first = take(in, 1);

	for (unsigned n = 0; n < bytes; n++) {
		model.holds[page][at + n] = (uint8_t)(first + n);
		model.memory[page][at + n] = (char)(first + n);
	}
}

/* ---- common buffers ---- */

static void do_common(struct input *in)
{
	unsigned code = take(in, 1), adapter = code & 1;
	struct common *c = &model.common[code / 2 % COMMONS];
	uint32_t bytes = 1 + take(in, 2) % (COMMON_PAGES * PAGE);
	PHYSICAL_ADDRESS address = {.QuadPart = (LONGLONG)c->address};

	if (c->va) {
		check(!memcmp(c->va, c->holds, c->bytes), "a common buffer holds other bytes");
		operations(c->adapter)
			->FreeCommonBuffer(header(c->adapter), c->bytes, address, c->va, TRUE);
		/* 0xE6/03: once more does nothing. */
		if (code & 64)
			operations(c->adapter)
				->FreeCommonBuffer(
					header(c->adapter), c->bytes, address, c->va, TRUE);
		c->va = NULL;
		return;
	}
	c->va = operations(adapter)->AllocateCommonBuffer(header(adapter), bytes, &address, TRUE);
	check(c->va || model.highest[adapter] < UINT32_MAX, "no common buffer");
	if (!c->va)
		return;
	c->adapter = adapter;
	c->bytes = bytes;
	c->address = (uint64_t)address.QuadPart;
	memset(c->va, (int)code, bytes);
	memset(c->holds, (int)code, bytes);
}

/* ---- wrong calls ---- */

static void do_wrong(struct input *in)
{
	struct transfer *t = take_transfer(in);
	unsigned code = take(in, 1);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	PMDL target;

	/* nothing that is no live list of this adapter's Build or Get is put. */
	if (t->kind != BUILT && t->kind != GOTTEN)
		check(dma_put(model.adapter[code & 1], (PSCATTER_GATHER_LIST)t->list_memory, 1) ==
				STATUS_INVALID_PARAMETER,
			"a Put of no list");
	else if (t->kind == BUILT && t->waits)
		check(dma_put(model.adapter[t->adapter], (PSCATTER_GATHER_LIST)t->list_memory, 1) ==
				STATUS_INVALID_PARAMETER,
			"a Put before the routine (X-41)");
	else if (!t->waits)
		check(dma_put(model.adapter[!t->adapter], t->list, t->write) ==
				STATUS_INVALID_PARAMETER,
			"a Put of another adapter's list");
	if (!t->waits)
		check(!operations(t->adapter)
				->CancelAdapterChannel(header(t->adapter), &t->device, t->context),
			"what does not wait is cancelled");
	if (is_live(t) && (t->kind == BUILT || t->kind == GOTTEN) && !t->mdl_given)
		check(dma_list_mdl(model.adapter[t->adapter], t->list, (PMDL)&code, &target) ==
				STATUS_INVALID_PARAMETER,
			"the MDL of another buffer");
	/* SG-10: where a live list stands no other is built. */
	if (is_live(t) && t->kind == BUILT)
		check(ask_list(t) == STATUS_INVALID_PARAMETER, "a list is built over a live one");
	cpu_irql_lower(irql);
}

/* ---- the MDL of a list ---- */

/* 2.4: it leads to what the device works on, and is the original one where that is the buffer. */
static void do_mdl(struct input *in)
{
	struct transfer *t = take_transfer(in);
	PMDL original = &t->mdl[0].mdl, target = NULL;
	uint32_t position = 0;
	bool has_copy = false;
	NTSTATUS status;

	if (!is_live(t) || (t->kind != BUILT && t->kind != GOTTEN))
		return;
	status = operations(t->adapter)
			 ->BuildMdlFromScatterGatherList(
				 header(t->adapter), t->list, original, &target);
	check(status == (t->mdl_given ? STATUS_NONE_MAPPED : STATUS_SUCCESS),
		"the status of BuildMdlFromScatterGatherList");
	t->mdl_given = true;
	for (unsigned n = 0; n < t->parts; n++)
		has_copy = has_copy || t->is_copy[n];
	check(status || (target == original) == !has_copy, "the MDL of a list");
	for (PMDL mdl = has_copy && !status ? target : NULL; mdl; mdl = mdl->Next)
		for (uint32_t n = 0; n < mdl->ByteCount; n++, position++) {
			uint32_t at = mdl->ByteOffset + n;
			const uint8_t *page = mem_host(MmGetMdlPfnArray(mdl)[at / PAGE] * PAGE);
			struct spot spot;

			check(page && position < t->length, "a byte of the MDL that is none");
			spot = model_spot(t, position);
			check(!spot_is_known(spot) || page[at % PAGE] == *spot.byte,
				"the MDL leads to another byte");
		}
	check(!has_copy || status || position == t->length, "the length of the MDL");
}

/* ---- all ---- */

static void check_state(void)
{
	uint32_t taken = dma_registers_taken();

	check(taken == model_taken(), "map registers taken differ");
	check(taken || !model_waits(), "somebody waits though nobody has anything");
	for (unsigned n = 0; n < PAGES; n++)
		check(!memcmp(model.memory[n], model.holds[n], PAGE), "a page holds other bytes");
}

static void step(struct input *in)
{
	unsigned op = take(in, 1) % 26;

	if (op < 8)
		do_transfer(in, MAPPED + op / 2);
	else if (op < 12)
		do_end(in);
	else if (op < 16)
		do_work(in);
	else if (op < 19)
		do_stray(in);
	else if (op < 21)
		do_write(in);
	else if (op < 23)
		do_common(in);
	else if (op < 24)
		do_wrong(in);
	else
		do_mdl(in);
	settle();
	check_state();
}

/* Everything is given back, which lets all that waits have its turn. */
static void wind_up(void)
{
	for (unsigned round = 0; round < 2 * TRANSFERS; round++)
		for (unsigned n = 0; n < TRANSFERS; n++) {
			uint8_t which[] = {(uint8_t)n, 0, 0};
			struct input in = {which, sizeof(which)};

			if (!model.transfer[n].kind)
				continue;
			do_end(&in);
			settle();
			check_state();
		}
	check(!model_waits(), "somebody waits for ever");
	check(!dma_registers_taken(), "map registers are left");
	for (unsigned n = 0; n < COMMONS; n++)
		if (model.common[n].va) {
			uint8_t which[] = {(uint8_t)(n * 2), 0, 0};
			struct input in = {which, sizeof(which)};

			do_common(&in);
		}
	check(!nt_pool_count(NULL), "pool is left");
}

static void begin(struct input *in)
{
	static const uint32_t pools[] = {20, 8, 13, 64};
	static const unsigned widths[] = {64, 32, 33, 24, 64, 32};
	unsigned code = take(in, 1);
	struct dma_config config = {.engine = code % 3, .callback = code / 3 % 3};

	config.map_registers = pools[code / 9 % array_size(pools)];
	if (config.engine == DMA_DIRECT && code >= 128)
		config.map_registers = 0;
	model.engine = config.engine;
	model.pool = config.map_registers;
	machine_must(dma_init(&config), "dma_init");
	for (unsigned n = 0; n < ADAPTERS; n++) {
		unsigned how = take(in, 1);
		struct dma_constraints limits = {.width = widths[how % array_size(widths)],
			.scatter_gather = how < 192,
			.max_transfer = 16 * PAGE,
			.device = (uint8_t)(5 + n)};

		model.adapter[n] = dma_adapter_new(&limits, NULL);
		check(model.adapter[n] != NULL, "no adapter");
		model.highest[n] = limits.width == 64 ? UINT64_MAX : (1ull << limits.width) - 1;
		model.scatters[n] = limits.scatter_gather;
		dma_master_init(&model.master[n], "fuzz", limits.width);
		model.master[n].number = limits.device;
		dma_master_enable(&model.master[n], true);
	}
	for (unsigned n = 0; n < PAGES; n++) {
		memset(model.memory[n], (int)n + 1, PAGE);
		memset(model.holds[n], (int)n + 1, PAGE);
	}
	for (unsigned n = 0; n < TRANSFERS; n++) {
		model.transfer[n].kind = NO_TRANSFER;
		model.transfer[n].waits = model.transfer[n].is_granted = false;
		memset(model.transfer[n].context, 0, DMA_TRANSFER_CONTEXT_SIZE_V1);
		memset(&model.transfer[n].waiter, 0, sizeof(model.transfer[n].waiter));
	}
}

static void run(void *arg)
{
	struct input *in = arg;

	begin(in);
	for (unsigned n = 0; n < STEPS && in->size; n++)
		step(in);
	wind_up();
	for (unsigned n = 0; n < ADAPTERS; n++)
		dma_adapter_free(model.adapter[n]);
	dma_fini();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	if (!model.memory[0]) {
		char *low, *high, *contexts;

		machine_begin(MEM_HIGH, 16ull << 20);
		contexts = mem_alloc(PAGE, MEM_LINEAR, MEM_DATA, NULL);
		low = mem_alloc(LOW * PAGE, MEM_LINEAR, MEM_DATA, NULL);
		high = mem_alloc((PAGES - LOW) * PAGE, 0, MEM_DATA, NULL);
		check(low && high && contexts, "memory");
		for (unsigned n = 0; n < TRANSFERS; n++)
			model.transfer[n].context = contexts + n * DMA_TRANSFER_CONTEXT_SIZE_V1;
		for (unsigned n = 0; n < PAGES; n++)
			model.memory[n] = n < LOW ? low + n * PAGE : high + (n - LOW) * PAGE;
	}
	machine_do(run, &in);
	return 0;
}
