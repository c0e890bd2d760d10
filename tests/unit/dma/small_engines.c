/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * All of a small world (small_world.h) for the engines: with each subset of the pages out of the
 * device's reach, devices with and without scatter/gather, copied as a whole or by pages, both
 * directions, every length and every cut at, before or after a page's border: byte by byte what the
 * device sees and what arrives. Neighbour: small_world.c.
 */
#include "small_world.h"
#include "world.h"

#include "dma/dma_private.h"
#include "dma/map_register.h"

#define ROOM 64u

static struct {
	char *low, *high;
	char *page[PAGES];
	uint64_t address[PAGES];
	struct dma_adapter *adapter;
	struct dma_master master;
	struct chain chain;
	uint32_t offset, length;
	bool write;
	unsigned long long transfers;
} it;

static uint64_t list_memory[2 + 3 * ROOM];
static uint8_t before[PAGES][PAGE], moved[WORLD], pattern[WORLD + 256];

/* The bytes of the transfer that lie in one page: the n-th, from 0. */
struct part {
	uint32_t position, count;
	uint64_t address; /* physical */
};

static bool part_of(unsigned n, struct part *part)
{
	uint32_t first = n ? n * PAGE : it.offset, end = (n + 1) * PAGE;

	end = min_of(end, it.offset + it.length);
	if (n == PAGES || first >= end)
		return false;
	*part = (struct part){first - it.offset, end - first, it.address[n] + first % PAGE};
	return true;
}

/* Where the device finds a part, by the list; it has to be in one piece (MR-4). */
static uint64_t device_address(PSCATTER_GATHER_LIST list, const struct part *part)
{
	uint32_t position = part->position;

	for (uint32_t n = 0; n < list->NumberOfElements; n++) {
		uint32_t length = list->Elements[n].Length;

		if (position < length) {
			if (part->count > length - position)
				fail_msg("an element ends inside a page");
			return (uint64_t)list->Elements[n].Address.QuadPart + position;
		}
		position -= length;
	}
	fail_msg("the list ends before the transfer");
	return 0;
}

/* MR-4, MR-5: the sum, and no two elements could be one. */
static void check_list(PSCATTER_GATHER_LIST list)
{
	uint64_t sum = 0, end = 0;

	for (uint32_t n = 0; n < list->NumberOfElements; n++) {
		const SCATTER_GATHER_ELEMENT *at = &list->Elements[n];

		if (!at->Length || (uint64_t)at->Address.QuadPart == end)
			fail_msg("element %u is empty, or part of the one before", n);
		end = (uint64_t)at->Address.QuadPart + at->Length;
		if (end - 1 > it.adapter->reach.max_address)
			fail_msg("element %u is out of reach", n);
		sum += at->Length;
	}
	assert_int_equal(sum, it.length);
	if (!it.adapter->limits.scatter_gather)
		assert_int_equal(list->NumberOfElements, 1);
}

static bool is_copy(uint64_t address)
{
	return mem_frame_get(address / PAGE)->kind == MEM_BOUNCE;
}

static bool is_reached(const struct part *part)
{
	return part->address + part->count - 1 <= it.adapter->reach.max_address;
}

/* R-6, SGL-6: whether all has to be copied into one stretch. */
static bool is_packed(bool whole_copy)
{
	bool all_reached = true, is_one = true;
	uint64_t end = 0;
	struct part part;

	for (unsigned n = 0; part_of(n, &part); n++) {
		all_reached = all_reached && is_reached(&part);
		is_one = is_one && (!n || part.address == end);
		end = part.address + part.count;
	}
	return it.adapter->limits.scatter_gather ? whole_copy && !all_reached
						 : !(all_reached && is_one);
}

/* MR-3, R-6, SGL-6: which pages are copied, and that a copy keeps its place in the page. */
static void check_places(
	PSCATTER_GATHER_LIST list, const struct dma_mapping *mapping, bool whole_copy)
{
	bool packed = is_packed(whole_copy);
	struct part part;
	uint64_t start = (uint64_t)list->Elements[0].Address.QuadPart;

	for (unsigned n = 0; part_of(n, &part); n++) {
		uint64_t at = device_address(list, &part);

		if (!packed && is_reached(&part)) {
			assert_int_equal(at, part.address);
			continue;
		}
		assert_true(is_copy(at) && is_copy(at + part.count - 1));
		if (packed)
			assert_int_equal(at, start + part.position);
		if (!packed || !n)
			assert_int_equal(at % PAGE, part.address % PAGE);
	}
	if (packed) /* where the processor sees it */
		assert_int_equal(mem_physical(mapping->va), start);
	else
		assert_null(mapping->va);
}

static void move(PSCATTER_GATHER_LIST list)
{
	uint32_t at = 0;

	for (uint32_t n = 0; n < list->NumberOfElements; n++) {
		uint64_t address = (uint64_t)list->Elements[n].Address.QuadPart;
		uint32_t count = list->Elements[n].Length;

		assert_int_equal(it.write ? dma_bus_read(&it.master, address, moved + at, count)
					  : dma_bus_write(&it.master, address, moved + at, count),
			0);
		at += count;
	}
}

static void check_data(void)
{
	uint8_t *memory = &before[0][0] + it.offset;

	if (it.write)
		assert_memory_equal(moved, memory, it.length);
	else
		memcpy(memory, moved, it.length);
	for (unsigned n = 0; n < PAGES; n++)
		assert_memory_equal(it.page[n], before[n], PAGE);
}

static void transfer(bool whole_copy)
{
	PSCATTER_GATHER_LIST list = (PSCATTER_GATHER_LIST)list_memory;
	PMDL mdl = &it.chain.part[0].mdl;
	const struct dma_order order = {.mdl = mdl,
		.current_va = MmGetMdlVirtualAddress(mdl),
		.length = it.length,
		.write_to_device = it.write,
		.whole = whole_copy};
	struct dma_mapping mapping = {0};
	unsigned round = it.transfers++ % 256;

	memcpy(before, pattern + round, WORLD);
	for (unsigned n = 0; n < PAGES; n++)
		memcpy(it.page[n], before[n], PAGE);
	memcpy(moved, pattern + 255 - round, it.length);
	assert_int_equal(dma_map(it.adapter, &mapping, &order, list, ROOM, NULL), STATUS_SUCCESS);
	check_list(list);
	if (dma_settings.engine != DMA_IOMMU)
		check_places(list, &mapping, whole_copy);
	move(list);
	dma_unmap(it.adapter, &mapping);
	check_data();
	assert_int_equal(dma_registers_taken(), 0);
}

/* In one MDL, and in two, for each way to cut it at, before or behind a border. */
static void each_cut(const PFN_NUMBER *frames)
{
	struct marks cuts = {{false}};

	mark_pages(&cuts, it.offset, 1, it.length - 1);
	mark_border(&cuts, 0, 1, it.length - 1);
	mark_border(&cuts, it.length, 1, it.length - 1);
	for (uint32_t cut = 0; cut < it.length; cut = mark_next(&cuts, cut + 1)) {
		make_chain(&it.chain, frames, it.offset, it.length, &cut, cut != 0);
		for (unsigned how = 0; how < 4; how++) {
			it.write = how & 1;
			transfer(how & 2);
		}
	}
}

static void each_transfer(void)
{
	PFN_NUMBER frames[PAGES];

	for (unsigned n = 0; n < PAGES; n++) {
		frames[n] = mem_frame_number(it.page[n]);
		it.address[n] = mem_physical(it.page[n]);
	}
	for (unsigned o = 0; o < array_size(offsets); o++) {
		struct marks lengths = {{false}};
		uint32_t all = WORLD - offsets[o];

		it.offset = offsets[o];
		mark_border(&lengths, 0, 1, all);
		mark_pages(&lengths, it.offset, 1, all);
		for (it.length = mark_next(&lengths, 1); it.length <= all;
			it.length = mark_next(&lengths, it.length + 1))
			each_cut(frames);
	}
}

static void each_subset(void)
{
	it.low = mem_alloc(WORLD, MEM_LINEAR, MEM_DATA, NULL);
	it.high = mem_alloc(WORLD, 0, MEM_DATA, NULL);
	assert_true(it.low && it.high);
	it.transfers = 0;
	for (uint32_t n = 0, x = 1; n < sizeof(pattern); n++, x = x * 1664525u + 1013904223u)
		pattern[n] = (uint8_t)(x >> 24);
	for (unsigned scatters = 0; scatters < 2; scatters++) {
		const struct dma_constraints limits = {.width = 32,
			.scatter_gather = scatters,
			.max_transfer = 0x10000,
			.device = 3};

		it.adapter = dma_adapter_new(&limits, NULL);
		dma_master_init(&it.master, "small", 32);
		it.master.number = 3;
		dma_master_enable(&it.master, true);
		/* A bit for each page: it lies where the device does not reach. */
		for (unsigned subset = 0; subset < 1u << PAGES; subset += PATTERN_STEP) {
			for (unsigned n = 0; n < PAGES; n++)
				it.page[n] = (subset >> n & 1 ? it.high : it.low) + n * PAGE;
			each_transfer();
		}
		dma_adapter_free(it.adapter);
	}
	print_message("%llu transfers\n", it.transfers);
	mem_free(it.low, WORLD);
	mem_free(it.high, WORLD);
}

static void bounce_with_each_subset_of_pages_out_of_reach(void **state)
{
	const struct world_config config = {
		.policy = MEM_HIGH, .dma = {.engine = DMA_BOUNCE, .map_registers = 16}};

	world_run(&config, each_subset);
}

static void iommu_with_each_subset_of_pages_out_of_reach(void **state)
{
	const struct world_config config = {
		.policy = MEM_HIGH, .dma = {.engine = DMA_IOMMU, .map_registers = 16}};

	world_run(&config, each_subset);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounce_with_each_subset_of_pages_out_of_reach),
		cmocka_unit_test(iommu_with_each_subset_of_pages_out_of_reach),
	};

	return cmocka_run_group_tests_name("dma/small_engines", tests, NULL, NULL);
}
