/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What is mapped through an adapter channel, under every engine, as a device sees it: MapTransfer,
 * MapTransferEx and their flushes (2.3, 2.5), with the rules of Driver Verifier (5.4). */
#include "channels.h"

/* MapTransfer until all is mapped; the pieces in order. */
struct piece {
	uint64_t address;
	uint32_t bytes;
};

static struct piece pieces[64];
static unsigned piece_count;

static uint64_t map(
	void *base, const struct world_buffer *buffer, uint32_t at, uint32_t *length, bool write)
{
	return dma_channel_map(
		driver.adapter, base, buffer->mdl, buffer->va + at, length, write, 0x77);
}

/* step: the most that is asked for at a time. */
static void map_all(void *base, const struct world_buffer *buffer, uint32_t step, bool write)
{
	piece_count = 0;
	for (uint32_t at = 0; at < buffer->bytes; piece_count++) {
		uint32_t asked = min_of(step, buffer->bytes - at), length = asked;

		pieces[piece_count].address = map(base, buffer, at, &length, write);
		assert_in_range(length, 1, asked);
		pieces[piece_count].bytes = length;
		at += length;
	}
}

static void move_all(bool write)
{
	uint32_t at = 0;

	for (unsigned n = 0; n < piece_count; n++) {
		device_moves(pieces[n].address, pieces[n].bytes, at, write);
		at += pieces[n].bytes;
	}
}

/* ---- MapTransfer ---- */

/* One transfer, mapped in steps, moved by the device and flushed. */
static void transfer(uint32_t offset, uint32_t bytes, uint32_t step, bool write)
{
	struct world_buffer buffer = world_buffer(offset, bytes);
	uint32_t registers = (offset + bytes + 4095) / 4096;
	void *base = keep(registers);

	memset(buffer.va, 0x11, bytes);
	if (write)
		fill_bytes(buffer.va, bytes);
	map_all(base, &buffer, step, write);
	move_all(write);
	/* data may be looked at after the flush only. */
	if (!write && dma_settings.engine == DMA_BOUNCE)
		assert_int_equal(buffer.va[0], 0x11);
	assert_int_equal(flush(base, buffer.mdl, buffer.va, bytes, write), STATUS_SUCCESS);
	expect_bytes(buffer.va, 0, bytes);
	expect_taken(registers);
	unkeep(base, registers);
	world_buffer_free(&buffer);
}

static void transfers(void)
{
	static const struct {
		uint32_t offset, bytes, step;
	} cases[] = {{0, 0x1000, 0x1000}, {0, 0x8000, 0x8000}, {1, 0x1000, 0x1000}, {0xfff, 2, 2},
		{0x10, 0x7ff0, 0x7ff0}, {0x200, 0x5000, 0x300}, {0xabc, 0x3210, 1000},
		{0, 0x8000, 0x1000}, {0xff0, 0x20, 7}, {5, 1, 1}};

	for (unsigned n = 0; n < array_size(cases); n++) {
		transfer(cases[n].offset, cases[n].bytes, cases[n].step, true);
		transfer(cases[n].offset, cases[n].bytes, cases[n].step, false);
	}
}

static void the_device_moves_each_byte_of_what_is_mapped_piece_by_piece(void **state)
{
	each_engine(transfers);
}

/* Bus master with scatter/gather: *Length is that of the contiguous piece. */
static void pieces_of_scattered(void)
{
	struct world_buffer buffer = world_buffer(0x100, 0x3000);
	void *base = keep(4);
	uint32_t left = 0x3000;

	map_all(base, &buffer, 0x3000, false);
	for (unsigned n = 0; n < piece_count; n++) {
		left -= pieces[n].bytes;
		/* A piece is one stretch of physical memory where nothing translates. */
		if (dma_settings.engine == DMA_DIRECT)
			assert_int_equal(pieces[n].address,
				mem_physical(buffer.va + 0x3000 - left - pieces[n].bytes));
	}
	assert_int_equal(left, 0);
	/* Scattered: neighbours are none in RAM; the iommu makes them so. */
	if (dma_settings.engine == DMA_DIRECT)
		assert_int_equal(piece_count, 4);
	if (dma_settings.engine == DMA_IOMMU)
		assert_int_equal(piece_count, 1);
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x3000, false), STATUS_SUCCESS);
	unkeep(base, 4);
	world_buffer_free(&buffer);
}

static void a_device_with_scatter_gather_gets_contiguous_pieces(void **state)
{
	each_engine(pieces_of_scattered);
}

/* Other devices: the whole range is contiguous, copied if need be; the direct engine has nothing to
 * copy with. */
static void one_stretch(void)
{
	struct world_buffer buffer = world_buffer(0x123, 0x3000);
	struct dma_adapter *scatters = driver.adapter;
	uint32_t length = 0x3000, page = 0x1000 - 0x123;
	uint64_t address;
	void *base;

	driver.adapter = driver_adapter(false);
	base = keep(4);
	fill_bytes(buffer.va, 0x3000);
	address = map(base, &buffer, 0, &length, true);
	if (dma_settings.engine == DMA_DIRECT) {
		assert_int_equal(address, 0);
		assert_int_equal(length, 0);
		world_expect(0, "takes one contiguous stretch");
		length = page;
		address = map(base, &buffer, 0, &length, true);
		assert_int_equal(address, mem_physical(buffer.va));
		assert_int_equal(length, page);
	} else {
		assert_int_equal(length, 0x3000);
		assert_int_equal(address & 0xfff, 0x123);
	}
	device_moves(address, length, 0, true);
	assert_int_equal(flush(base, buffer.mdl, buffer.va, length, true), STATUS_SUCCESS);
	unkeep(base, 4);
	world_buffer_free(&buffer);
	dma_adapter_free(driver.adapter);
	driver.adapter = scatters;
}

static void another_device_gets_one_stretch_or_nothing(void **state)
{
	each_engine(one_stretch);
}

/* ---- what may not be mapped ---- */

static void expect_refused(void *base, PMDL mdl, const void *va, uint32_t length)
{
	assert_int_equal(dma_channel_map(driver.adapter, base, mdl, va, &length, true, 0), 0);
	assert_int_equal(length, 0);
}

static void bad_maps(void)
{
	struct world_buffer buffer = world_buffer(0x10, 0x2000);
	void *base = keep(3);

	expect_refused(NULL, buffer.mdl, buffer.va, 1);
	world_expect(0, "MapTransfer with the MapRegisterBase");
	expect_refused((char *)base + 1, buffer.mdl, buffer.va, 1);
	world_expect(0, "no channel of this adapter has it");
	expect_refused(base, NULL, buffer.va, 1);
	world_expect(0, "there is no MDL");
	expect_refused(base, buffer.mdl, buffer.va, 0);
	world_expect(0xe6000021, "there is nothing to map");
	/* */
	expect_refused(base, buffer.mdl, buffer.va - 1, 1);
	world_expect(0xe600001b, "the address lies outside the MDL");
	expect_refused(base, buffer.mdl, buffer.va + 0x2000, 1);
	world_expect(0xe600001b, "the address lies outside the MDL");
	expect_refused(base, buffer.mdl, buffer.va + 0x1fff, 2);
	world_expect(0xe6000024, "the MDL ends before");
	buffer.mdl->MdlFlags &= (CSHORT)~MDL_SOURCE_IS_NONPAGED_POOL;
	expect_refused(base, buffer.mdl, buffer.va, 1);
	world_expect(0xe600000e, "neither locked nor built");
	buffer.mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	unkeep(base, 3);
	expect_refused(base, buffer.mdl, buffer.va, 1);
	world_expect(0, "its map registers have been freed");
	world_buffer_free(&buffer);
}

static void a_bad_map_is_reported_and_maps_nothing(void **state)
{
	each_engine(bad_maps);
}

/* Registers: one for each page, whether the engine needs it or not. */
static void too_few_registers(void)
{
	struct world_buffer buffer = world_buffer(0x800, 0x4000);
	uint32_t length = 0x4000, at;
	void *base = keep(2);

	/* 0xE6/15: what fits is mapped. */
	map(base, &buffer, 0, &length, true);
	world_expect(0xe6000015, "takes 5 map registers in all; the channel has 2");
	assert_in_range(length, 0x800, 0x1800);
	at = length;
	while (at < 0x1800) {
		length = 0x1800 - at;
		map(base, &buffer, at, &length, true);
		assert_int_not_equal(length, 0);
		at += length;
	}
	/* 0xE6/0D: full. */
	expect_refused(base, buffer.mdl, buffer.va + 0x1800, 1);
	world_expect(0xe600000d, "takes 3 map registers in all; the channel has 2");
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x1800, true), STATUS_SUCCESS);
	length = 0x1000;
	map(base, &buffer, 0x1800, &length, true);
	assert_int_equal(length, 0x1000);
	assert_int_equal(flush(base, buffer.mdl, buffer.va + 0x1800, 0x1000, true), STATUS_SUCCESS);
	unkeep(base, 2);
	base = keep(0);
	expect_refused(base, buffer.mdl, buffer.va, 1);
	world_expect(0xe6000015, "the channel has 0");
	unkeep(base, 0);
	world_buffer_free(&buffer);
}

static void no_more_is_mapped_than_there_are_registers_for(void **state)
{
	each_engine(too_few_registers);
}

/* A piece that leads to no memory, behind one that is mapped: that one is as it was. */
static void second_piece_fails(void)
{
	struct world_buffer buffer = world_buffer(0x100, 0x1f00);
	PFN_NUMBER *frame = &MmGetMdlPfnArray(buffer.mdl)[1], good = *frame;
	uint32_t length = 0xf00, registers;
	void *base = keep(3);
	uint64_t first, second;

	memset(buffer.va, 0x11, 0x1f00);
	first = map(base, &buffer, 0, &length, false);
	assert_int_equal(length, 0xf00);
	registers = dma_registers_taken();
	*frame = 0xfffffff;
	length = 0x1000;
	assert_int_equal(map(base, &buffer, 0xf00, &length, false), 0);
	assert_int_equal(length, 0);
	world_expect(0, "page frame 0xfffffff");
	*frame = good;
	assert_int_equal(dma_registers_taken(), registers);
	device_moves(first, 0xf00, 0, false);
	length = 0x1000;
	second = map(base, &buffer, 0xf00, &length, false);
	assert_int_equal(length, 0x1000);
	device_moves(second, 0x1000, 0xf00, false);
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x1f00, false), STATUS_SUCCESS);
	expect_bytes(buffer.va, 0, 0x1f00);
	unkeep(base, 3);
	world_buffer_free(&buffer);
}

static void a_piece_that_cannot_be_mapped_leaves_the_one_before(void **state)
{
	run_under(&engines[2], second_piece_fails); /* which has no memory to copy from */
}

/* 0xE6/1D, 0D: a piece follows the last one, or the flush of all. */
static void not_following(void)
{
	struct world_buffer buffer = world_buffer(0, 0x3000), other = world_buffer(0, 0x1000);
	uint32_t length = 0x1000;
	void *base = keep(8);

	map(base, &buffer, 0x1000, &length, true);
	assert_int_equal(length, 0x1000);
	expect_refused(base, buffer.mdl, buffer.va + 0x1000, 0x1000);
	world_expect(0xe600001d, "mapped through this channel already");
	expect_refused(base, buffer.mdl, buffer.va, 0x1001);
	world_expect(0xe600001d, "mapped through this channel already");
	expect_refused(base, buffer.mdl, buffer.va, 0x1000);
	world_expect(0xe600000d, "has to be flushed first");
	expect_refused(base, buffer.mdl, buffer.va + 0x2001, 1);
	world_expect(0xe600000d, "has to be flushed first");
	expect_refused(base, other.mdl, other.va, 0x1000);
	world_expect(0xe600000d, "has to be flushed first");
	length = 0x1000;
	assert_int_equal(map(base, &buffer, 0x2000, &length, false), 0);
	world_expect(0xe600000d, "has to be flushed first");
	length = 0x1000;
	map(base, &buffer, 0x2000, &length, true);
	assert_int_equal(length, 0x1000);
	assert_int_equal(flush(base, buffer.mdl, buffer.va + 0x1000, 0x2000, true), STATUS_SUCCESS);
	unkeep(base, 8);
	world_buffer_free(&other);
	world_buffer_free(&buffer);
}

static void a_piece_follows_the_last_one_or_the_flush(void **state)
{
	each_engine(not_following);
}

/* A page that is no memory of the machine cannot be copied. */
static void unknown_page(void)
{
	struct world_buffer buffer = world_buffer(0, 0x2000);
	uint32_t length = 0x1000;
	void *base = keep(2);

	MmGetMdlPfnArray(buffer.mdl)[1] = 0x7ffffffff;
	fill_bytes(buffer.va, 0x1000);
	assert_int_not_equal(map(base, &buffer, 0, &length, true), 0);
	length = 0x1000;
	assert_int_equal(map(base, &buffer, 0x1000, &length, true), 0);
	assert_int_equal(length, 0);
	world_expect(0, "cannot reach page frame 0x7ffffffff");
	/* What was mapped before still is. */
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x1000, true), STATUS_SUCCESS);
	unkeep(base, 2);
	world_buffer_free(&buffer);
}

static void a_page_that_cannot_be_copied_maps_nothing(void **state)
{
	run_under(&engines[2], unknown_page);
}

/* ---- FlushAdapterBuffers ---- */

static void bad_flushes(void)
{
	struct world_buffer buffer = world_buffer(0x10, 0x2000);
	void *base = keep(3);

	memset(buffer.va, 0x11, 0x2000);
	assert_int_equal(flush(NULL, buffer.mdl, buffer.va, 1, false), IP);
	world_expect(0xe6000020, "FlushAdapterBuffers with the MapRegisterBase");
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x2000, false), IP);
	world_expect(0xe6000016, "nothing is mapped through this channel");
	map_all(base, &buffer, 0x2000, false);
	move_all(false);
	/* Not the initial address, another MDL, the other version. */
	assert_int_equal(flush(base, buffer.mdl, buffer.va + 0x1000, 0x1000, false), IP);
	world_expect(0xe6000016, "starts elsewhere");
	assert_int_equal(flush(base, NULL, buffer.va, 0x2000, false), IP);
	world_expect(0xe6000016, "starts elsewhere");
	assert_int_equal(flush_ex(base, buffer.mdl, 0, 0x2000, false), IP);
	world_expect(0xe6000016, "FlushAdapterBuffersEx");
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x2000, false), STATUS_SUCCESS);
	expect_bytes(buffer.va, 0, 0x2000);
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x2000, false), IP);
	world_expect(0xe6000016, "nothing is mapped");
	unkeep(base, 3);
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x2000, false), IP);
	world_expect(0xe6000020, "its map registers have been freed");
	world_buffer_free(&buffer);
}

static void a_flush_of_what_is_not_mapped_is_reported(void **state)
{
	each_engine(bad_flushes);
}

/* A wrong length or direction: the mapping's own holds, as X-13 says of lists. */
static void wrong_flushes(void)
{
	static const struct {
		uint32_t length;
		bool write;
		uint64_t number;
		const char *text;
	} cases[] = {
		{0x1fff, false, 0xe600000d, "a flush of 8191 bytes"},
		{0x2001, false, 0xe6000000, "a flush of 8193 bytes"},
		{0x2000, true, 0, "the other direction"},
	};
	struct world_buffer buffer = world_buffer(0x10, 0x2000);
	void *base = keep(3);

	for (unsigned n = 0; n < array_size(cases); n++) {
		memset(buffer.va, 0x11, 0x2000);
		map_all(base, &buffer, 0x2000, false);
		move_all(false);
		assert_int_equal(
			flush(base, buffer.mdl, buffer.va, cases[n].length, cases[n].write),
			STATUS_SUCCESS);
		world_expect(cases[n].number, cases[n].text);
		expect_bytes(buffer.va, 0, 0x2000);
	}
	unkeep(base, 3);
	world_buffer_free(&buffer);
}

static void a_flush_with_another_length_or_direction_flushes_all(void **state)
{
	each_engine(wrong_flushes);
}

/* After the flush the device has lost it: 0xE6/26 is what the iommu says. */
static void after_flush(void)
{
	struct world_buffer buffer = world_buffer(0, 0x1000);
	void *base = keep(1);
	char byte = 0;

	map_all(base, &buffer, 0x1000, false);
	assert_int_equal(dma_bus_write(&driver.master, pieces[0].address + 0xfff, &byte, 1), 0);
	if (dma_settings.engine == DMA_IOMMU) {
		assert_int_not_equal(dma_bus_read(&driver.master, pieces[0].address, &byte, 1), 0);
		world_expect(0, "mapped for the other direction: the adapter channel (4096 bytes");
		assert_int_not_equal(
			dma_bus_write(&driver.master, pieces[0].address + 0x1000, &byte, 1), 0);
		world_expect(0, "");
	}
	assert_int_equal(flush(base, buffer.mdl, buffer.va, 0x1000, false), STATUS_SUCCESS);
	assert_int_not_equal(dma_bus_write(&driver.master, pieces[0].address, &byte, 1), 0);
	world_expect(0, "the adapter channel (4096 bytes");
	unkeep(base, 1);
	world_buffer_free(&buffer);
}

static void the_device_reaches_nothing_after_the_flush(void **state)
{
	run_under(&engines[2], after_flush);
	run_under(&engines[3], after_flush);
}

/* ---- MapTransferEx ---- */

static PSCATTER_GATHER_LIST list_new(uint32_t elements)
{
	PSCATTER_GATHER_LIST list =
		nt_pool_alloc(LIST_BYTES(elements), 0x74657374u, (const void *)0x1234, false);

	assert_non_null(list);
	memset(list, 0x5a, LIST_BYTES(elements));
	return list;
}

static uint32_t list_sum(const SCATTER_GATHER_LIST *list)
{
	uint32_t sum = 0;

	for (uint32_t n = 0; n < list->NumberOfElements; n++)
		sum += list->Elements[n].Length;
	return sum;
}

/* The device goes through the list; `at`: what byte of the pattern comes first. */
static void list_moves(const SCATTER_GATHER_LIST *list, uint32_t at, bool write)
{
	for (uint32_t n = 0; n < list->NumberOfElements; n++) {
		device_moves((uint64_t)list->Elements[n].Address.QuadPart, list->Elements[n].Length,
			at, write);
		at += list->Elements[n].Length;
	}
}

static NTSTATUS map_ex(void *base, PMDL mdl, uint64_t offset, uint32_t *length, bool write,
	PSCATTER_GATHER_LIST list, uint32_t bytes)
{
	return dma_channel_map_list(
		driver.adapter, base, mdl, offset, length, write, list, bytes, 0x77);
}

/* Two MDLs: 0x1800 bytes from 0x800 on, then 0x2345 from 0x10 on; 2 + 3 pages. */
static struct world_buffer parts[2];

static PMDL chain_new(void)
{
	parts[0] = world_buffer(0x800, 0x1800);
	parts[1] = world_buffer(0x10, 0x2345);
	parts[0].mdl->Next = parts[1].mdl;
	return parts[0].mdl;
}

static void chain_fill(bool write)
{
	memset(parts[0].va, 0x11, 0x1800);
	memset(parts[1].va, 0x11, 0x2345);
	if (!write)
		return;
	for (uint32_t n = 0; n < 0x1800 + 0x2345; n++)
		*(n < 0x1800 ? parts[0].va + n : parts[1].va + n - 0x1800) = byte_of(n);
}

static void chain_check(uint32_t from, uint32_t to)
{
	for (uint32_t n = from; n < to; n++)
		expect_bytes(n < 0x1800 ? parts[0].va + n : parts[1].va + n - 0x1800, n, 1);
}

static void chain_free(void)
{
	world_buffer_free(&parts[0]);
	world_buffer_free(&parts[1]);
}

static void whole_chain(bool write)
{
	PSCATTER_GATHER_LIST list = list_new(5);
	PMDL mdl = chain_new();
	void *base = keep(5);
	uint32_t length = 0x3b45;

	chain_fill(write);
	assert_int_equal(map_ex(base, mdl, 0, &length, write, list, LIST_BYTES(5)), STATUS_SUCCESS);
	assert_int_equal(length, 0x3b45);
	assert_int_equal(list->Reserved, 0);
	assert_int_equal(list_sum(list), 0x3b45);
	list_moves(list, 0, write);
	/* Every success is flushed before the next. */
	length = 1;
	assert_int_equal(map_ex(base, mdl, 0, &length, write, list, LIST_BYTES(5)), IP);
	world_expect(0xe600000d, "MapTransferEx of 1 bytes");
	assert_int_equal(length, 1);
	assert_int_equal(flush_ex(base, mdl, 0, 0x3b45, write), STATUS_SUCCESS);
	chain_check(0, 0x3b45);
	/* the last byte of N; the same registers again. */
	length = 1;
	assert_int_equal(
		map_ex(base, mdl, 0x3b44, &length, write, list, LIST_BYTES(1)), STATUS_SUCCESS);
	assert_int_equal(length, 1);
	list_moves(list, 0x3b44, write);
	assert_int_equal(flush_ex(base, mdl, 0x3b44, 1, write), STATUS_SUCCESS);
	chain_check(0, 0x3b45);
	unkeep(base, 5);
	nt_pool_free(list);
	chain_free();
}

static void both_ways(void)
{
	whole_chain(true);
	whole_chain(false);
}

static void ex_maps_a_whole_chain_at_once(void **state)
{
	each_engine(both_ways);
}

/* By registers, then by the room in the list; SUCCESS each time. */
static void partly(void)
{
	PSCATTER_GATHER_LIST list = list_new(5);
	PMDL mdl = chain_new();
	void *base = keep(3);
	uint32_t length = 0x3b45, at = 0, calls = 0;

	chain_fill(true);
	/* 0x1800 bytes in 2 pages and the rest of the second MDL's first page. */
	assert_int_equal(map_ex(base, mdl, 0, &length, true, list, LIST_BYTES(5)), STATUS_SUCCESS);
	assert_int_equal(length, 0x1800 + 0xff0);
	assert_int_equal(list_sum(list), length);
	list_moves(list, 0, true);
	assert_int_equal(flush_ex(base, mdl, 0, length, true), STATUS_SUCCESS);
	for (; at < 0x3b45; at += length, calls++) {
		length = 0x3b45 - at;
		assert_int_equal(
			map_ex(base, mdl, at, &length, true, list, LIST_BYTES(1)), STATUS_SUCCESS);
		assert_int_equal(list->NumberOfElements, 1);
		assert_int_equal(list->Elements[0].Length, length);
		list_moves(list, at, true);
		assert_int_equal(flush_ex(base, mdl, at, length, true), STATUS_SUCCESS);
	}
	assert_int_equal(at, 0x3b45);
	if (dma_settings.engine == DMA_DIRECT)
		assert_int_equal(calls, 5);
	unkeep(base, 3);
	nt_pool_free(list);
	chain_free();
}

static void ex_maps_less_where_registers_or_the_list_are_short(void **state)
{
	each_engine(partly);
}

static void ex_expect(
	void *base, PMDL mdl, uint64_t offset, uint32_t length, uint32_t bytes, NTSTATUS status)
{
	PSCATTER_GATHER_LIST list = list_new(5);
	uint32_t asked = length;

	assert_int_equal(map_ex(base, mdl, offset, &length, true, list, bytes), status);
	assert_int_equal(length, asked);
	/* Nothing is written. */
	assert_int_equal(list->NumberOfElements, 0x5a5a5a5a);
	nt_pool_free(list);
}

static void ex_failures(void)
{
	PMDL mdl = chain_new();
	void *base = keep(3);

	/* documented, so no violation. */
	ex_expect(base, mdl, 0, 1, LIST_BYTES(1) - 1, IP);
	ex_expect(base, mdl, 0, 1, 0, IP);
	ex_expect(base, mdl, 0, 0, LIST_BYTES(1), IP);
	world_expect(0xe6000021, "there is nothing to map");
	ex_expect(base, NULL, 0, 1, LIST_BYTES(1), IP);
	world_expect(0, "there is no MDL");
	ex_expect(base, mdl, 0x3b45, 1, LIST_BYTES(1), IP);
	world_expect(0xe600001b, "the offset lies behind the chain's end");
	ex_expect(base, mdl, ~0ull, 1, LIST_BYTES(1), IP);
	world_expect(0xe600001b, "the offset lies behind the chain's end");
	ex_expect(base, mdl, 0x3b44, 2, LIST_BYTES(1), IP);
	world_expect(0xe6000024, "the chain ends before");
	parts[1].mdl->MdlFlags &= (CSHORT)~MDL_SOURCE_IS_NONPAGED_POOL;
	ex_expect(base, mdl, 0x17ff, 2, LIST_BYTES(2), IP);
	world_expect(0xe600000e, "neither locked nor built");
	parts[1].mdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
	ex_expect(&driver, mdl, 0, 1, LIST_BYTES(1), IP);
	world_expect(0, "MapTransferEx with the MapRegisterBase");
	unkeep(base, 3);
	base = keep(0);
	ex_expect(base, mdl, 0, 1, LIST_BYTES(1), ISR);
	unkeep(base, 0);
	/* A circle of MDLs ends. */
	parts[1].mdl->Next = parts[0].mdl;
	base = keep(1);
	ex_expect(base, mdl, 1ull << 40, 1, LIST_BYTES(1), IP);
	world_expect(0xe600001b, "the offset lies behind the chain's end");
	unkeep(base, 1);
	chain_free();
}

static void ex_failures_are_as_documented_and_map_nothing(void **state)
{
	each_engine(ex_failures);
}

/* SGL-6: one element, copied if need be, else less is mapped. */
static void ex_one_stretch(void)
{
	struct dma_adapter *scatters = driver.adapter;
	PSCATTER_GATHER_LIST list = list_new(5);
	PMDL mdl = chain_new();
	uint32_t length = 0x3b45;
	void *base;

	driver.adapter = driver_adapter(false);
	base = keep(5);
	chain_fill(false);
	assert_int_equal(map_ex(base, mdl, 0, &length, false, list, LIST_BYTES(5)), STATUS_SUCCESS);
	assert_int_equal(list->NumberOfElements, 1);
	assert_int_equal(list->Elements[0].Length, length);
	assert_int_equal(length, dma_settings.engine == DMA_DIRECT ? 0x800 : 0x3b45);
	list_moves(list, 0, false);
	assert_int_equal(flush_ex(base, mdl, 0, length, false), STATUS_SUCCESS);
	chain_check(0, length);
	unkeep(base, 5);
	nt_pool_free(list);
	chain_free();
	dma_adapter_free(driver.adapter);
	driver.adapter = scatters;
}

static void ex_gives_one_element_to_a_device_without_scatter_gather(void **state)
{
	each_engine(ex_one_stretch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_device_moves_each_byte_of_what_is_mapped_piece_by_piece),
		cmocka_unit_test(a_device_with_scatter_gather_gets_contiguous_pieces),
		cmocka_unit_test(another_device_gets_one_stretch_or_nothing),
		cmocka_unit_test(a_bad_map_is_reported_and_maps_nothing),
		cmocka_unit_test(no_more_is_mapped_than_there_are_registers_for),
		cmocka_unit_test(a_piece_that_cannot_be_mapped_leaves_the_one_before),
		cmocka_unit_test(a_piece_follows_the_last_one_or_the_flush),
		cmocka_unit_test(a_page_that_cannot_be_copied_maps_nothing),
		cmocka_unit_test(a_flush_of_what_is_not_mapped_is_reported),
		cmocka_unit_test(a_flush_with_another_length_or_direction_flushes_all),
		cmocka_unit_test(the_device_reaches_nothing_after_the_flush),
		cmocka_unit_test(ex_maps_a_whole_chain_at_once),
		cmocka_unit_test(ex_maps_less_where_registers_or_the_list_are_short),
		cmocka_unit_test(ex_failures_are_as_documented_and_map_nothing),
		cmocka_unit_test(ex_gives_one_element_to_a_device_without_scatter_gather),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
