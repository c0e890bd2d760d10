/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Map, size, Build and Get: the lists themselves against a walk byte by byte, every status
 * with its cause, and the order of the checks.
 */
#include "lists.h"
#include "sg_model.h"
#include "sg_chain.h"

static struct dma_mapping mapping;

/* ---- the lists ---- */

static void expect_list(const SCATTER_GATHER_LIST *list, const char *va, uint32_t length)
{
	static struct model_byte bytes[5 * 4096];
	static struct model_element expected[5 * 4096];
	const struct dma_sg_limits none = {~0ull, 0, 0, 0};
	uint64_t described;
	uint32_t count;

	for (uint32_t n = 0; n < length; n++)
		bytes[n] = (struct model_byte){mem_physical(va + n), false};
	assert_int_equal(model_build(bytes, length, length, &none, array_size(expected), expected,
				 &count, &described),
		DMA_SG_DONE);
	assert_int_equal(list->NumberOfElements, count);
	assert_int_equal(list->Reserved, 0);
	for (uint32_t n = 0; n < count; n++) {
		assert_int_equal(list->Elements[n].Address.QuadPart, expected[n].address);
		assert_int_equal(list->Elements[n].Length, expected[n].length);
	}
}

/* MR-5: elements in buffer order that sum to the length; SG-4, SG-5. */
static void every_way_to_a_list_gives_the_bytes_of_the_buffer(void)
{
	static const uint32_t offsets[] = {0, 1, 7, 0x1ff, 0x200, 0xfff};
	static const uint32_t lengths[] = {
		1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x2001, 0x2fff, 0x3000, 0x3001};
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x4000);
	PSCATTER_GATHER_LIST list = list_new(5);

	for (unsigned o = 0; o < array_size(offsets); o++)
		for (unsigned l = 0; l < array_size(lengths); l++) {
			char *va = buffer.va + offsets[o];
			uint8_t irql;

			assert_int_equal(world_map(adapter, &mapping, buffer.mdl, va, lengths[l],
						 true, list, 5),
				0);
			expect_list(list, va, lengths[l]);
			dma_unmap(adapter, &mapping);
			irql = cpu_irql_raise(IRQL_DISPATCH);
			assert_int_equal(world_build(adapter, buffer.mdl, va, lengths[l], routine,
						 NULL, NULL, NULL, true, list, LIST_BYTES(5)),
				0);
			assert_ptr_equal(called.list, list);
			expect_list(list, va, lengths[l]);
			assert_int_equal(dma_put(adapter, list, true), 0);
			assert_int_equal(world_get(adapter, buffer.mdl, va, lengths[l], routine,
						 NULL, NULL, NULL, true),
				0);
			assert_ptr_not_equal(called.list, list);
			expect_list(called.list, va, lengths[l]);
			assert_int_equal(dma_put(adapter, called.list, true), 0);
			cpu_irql_lower(irql);
		}
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void lists_of_scattered_memory(void **state)
{
	world_run(&plain, every_way_to_a_list_gives_the_bytes_of_the_buffer);
}

static void lists_of_contiguous_memory(void **state)
{
	const struct world_config config = {MEM_CONTIGUOUS, 1, plain.dma};

	world_run(&config, every_way_to_a_list_gives_the_bytes_of_the_buffer);
}

static void lists_of_high_memory(void **state)
{
	const struct world_config config = {MEM_HIGH, 1, plain.dma};

	world_run(&config, every_way_to_a_list_gives_the_bytes_of_the_buffer);
}

/* SG-6: what the routine gets; SG-10, SG-22: the buffer is the caller's. */
static void build_and_put(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0x10, 0x1ff0);
	PSCATTER_GATHER_LIST list = list_new(3), copy = list_new(3);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(2)), STATUS_SUCCESS);
	world_event(TRACE_SG_BUILD, adapter->number, 2, 0x1ff0, 0);
	assert_int_equal(called.calls, 1);
	assert_ptr_equal(called.device_object, (void *)1);
	assert_ptr_equal(called.irp, (void *)2);
	assert_ptr_equal(called.context, (void *)3);
	/* Nothing past what was asked for, and nothing at all by Put. */
	for (unsigned n = LIST_BYTES(2); n < LIST_BYTES(3); n++)
		assert_int_equal(((unsigned char *)list)[n], 0x5a);
	memcpy(copy, list, LIST_BYTES(3));
	assert_int_equal(dma_put(adapter, list, true), STATUS_SUCCESS);
	world_event(TRACE_SG_PUT, adapter->number, 2, 0x1ff0, 0);
	assert_memory_equal(copy, list, LIST_BYTES(3));
	/* SG-22: once more into the same memory. */
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(2)), STATUS_SUCCESS);
	assert_int_equal(dma_put(adapter, list, true), STATUS_SUCCESS);
	cpu_irql_lower(irql);
	assert_int_equal(called.calls, 2);
	nt_pool_free(list);
	nt_pool_free(copy);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void build_calls_the_routine_and_put_touches_nothing(void **state)
{
	memset(&called, 0, sizeof(called));
	world_run(&plain, build_and_put);
}

/* SGL-1, SGL-2: Get's list is pool memory, which Put frees; nt_fini finds no block left. */
static void get_and_put(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x3000);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	void *start;
	size_t bytes;
	const void *owner;

	assert_int_equal(world_get(adapter, buffer.mdl, buffer.va, 0x3000, routine, (void *)4,
				 (void *)5, (void *)6, false),
		STATUS_SUCCESS);
	assert_ptr_equal(called.device_object, (void *)4);
	assert_ptr_equal(called.irp, (void *)5);
	assert_ptr_equal(called.context, (void *)6);
	assert_true(nt_pool_block(called.list, &start, &bytes, &owner));
	assert_ptr_equal(start, called.list);
	assert_int_equal(bytes, LIST_BYTES(3));
	assert_ptr_equal(owner, (const void *)0x1234);
	assert_int_equal(dma_put(adapter, called.list, false), STATUS_SUCCESS);
	assert_false(nt_pool_block(called.list, &start, &bytes, &owner));
	cpu_irql_lower(irql);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void get_takes_its_list_from_pool_and_put_gives_it_back(void **state)
{
	world_run(&plain, get_and_put);
}

/* SGL-6, SZ-4: one element or none. */
static void without_scatter_gather(void)
{
	const struct dma_constraints limits = {64, 0x10000, 0, false, 0};
	struct dma_adapter *adapter = dma_adapter_new(&limits, NULL);
	struct world_buffer buffer = world_buffer(0, 0x2000);
	PSCATTER_GATHER_LIST list = list_new(2);
	uint32_t bytes, registers;

	assert_int_equal(
		dma_list_size(adapter, buffer.mdl, buffer.va, 0x2000, &bytes, &registers), 0);
	assert_int_equal(bytes, LIST_BYTES(1));
	assert_int_equal(registers, 2);
	assert_int_equal(world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x2000, true, list, 2),
		STATUS_INSUFFICIENT_RESOURCES);
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va + 1, 0xfff, true, list, 2), 0);
	assert_int_equal(list->NumberOfElements, 1);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(
		build(adapter, &buffer, list, LIST_BYTES(1)), STATUS_INSUFFICIENT_RESOURCES);
	buffer.mdl->ByteCount = buffer.bytes = 0x1000;
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(1)), STATUS_SUCCESS);
	assert_int_equal(dma_put(adapter, list, true), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
	buffer.bytes = 0x2000;
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void a_device_without_scatter_gather_gets_one_element_or_none(void **state)
{
	world_run(&plain, without_scatter_gather);
}

/* ---- the checks and their order ---- */

struct bad_case {
	const char *cause;
	bool no_routine, no_list, odd_list, no_mdl, unbuilt;
	int64_t va; /* from the buffer's start: 0x800 bytes into a page, 0x2000 bytes long */
	uint32_t length;
	uint32_t bytes; /* of the list */
	bool is_live;
	NTSTATUS status;
	uint64_t number; /* of the violation; 1: none */
	const char *text;
};

/* The adapter has two map registers; 0x1800 bytes from the start of the buffer take two. Each case
 * is wrong in what it names and in all that is checked after it. */
static const struct bad_case bad_cases[] = {
	{"no list", .no_list = true, .no_routine = true, .bytes = 0, .status = IP, .number = 0,
		.text = "X-9"},
	{"list not aligned", .odd_list = true, .no_routine = true, .status = IP, .number = 0,
		.text = "no list can stand"},
	{"no routine", .no_routine = true, .no_mdl = true, .status = IP, .number = 0,
		.text = "without a routine"},
	{"length 0 (X-4)", .length = 0, .no_mdl = true, .status = IP, .number = 0xe6000021,
		.text = "length 0"},
	{"length 0 of a good MDL", .bytes = LIST_BYTES(4), .status = IP, .number = 0xe6000021,
		.text = "length 0"},
	{"no MDL (X-9)", .length = 1, .no_mdl = true, .status = IP, .number = 0,
		.text = "without an MDL"},
	{"before the MDL (X-6)", .va = -1, .length = 0x9000, .status = IP, .number = 0xe600001f,
		.text = "before"},
	{"behind the MDL (X-7)", .va = 0x2000, .length = 0x9000, .status = IP, .number = 0xe600001f,
		.text = "after"},
	{"past the MDL (SZ-9)", .length = 0x2001, .unbuilt = true, .status = BTS,
		.number = 0xe6000024, .text = "1 bytes before"},
	{"past the MDL from inside", .va = 0x1fff, .length = 2, .unbuilt = true, .status = BTS,
		.number = 0xe6000024, .text = "1 bytes before"},
	{"far past the MDL", .length = 0xffffffff, .unbuilt = true, .status = BTS,
		.number = 0xe6000024, .text = "4294959103 bytes before"},
	{"MDL not built", .length = 0x2000, .unbuilt = true, .bytes = 0, .status = IP,
		.number = 0xe600000e, .text = "neither locked nor built"},
	{"list too small (SZ-5)", .length = 0x2000, .bytes = LIST_BYTES(3) - 1, .is_live = true,
		.status = BTS, .number = 1},
	{"no room for the header", .length = 1, .bytes = 15, .status = BTS, .number = 1},
	{"too many registers (X-10)", .length = 0x2000, .bytes = LIST_BYTES(3), .is_live = true,
		.status = ISR, .number = 1},
	{"list still live (SG-10)", .length = 0x1800, .bytes = LIST_BYTES(2), .is_live = true,
		.status = IP, .number = 0, .text = "SG-10"},
};

static void check_bad_case(
	struct dma_adapter *adapter, const struct world_buffer *buffer, const struct bad_case *bad)
{
	PSCATTER_GATHER_LIST list = list_new(4), copy = list_new(4);
	char *to = (char *)list + bad->odd_list;
	unsigned calls = called.calls;
	NTSTATUS status;

	print_message("  %s\n", bad->cause);
	buffer->mdl->MdlFlags = MDL_PAGES_LOCKED;
	if (bad->is_live)
		assert_int_equal(world_build(adapter, buffer->mdl, buffer->va, 1, routine, NULL,
					 NULL, NULL, true, list, LIST_BYTES(1)),
			0);
	calls += bad->is_live;
	memcpy(copy, list, LIST_BYTES(4));
	world.events = 0;
	if (bad->unbuilt)
		buffer->mdl->MdlFlags = 0;
	status = world_build(adapter, bad->no_mdl ? NULL : buffer->mdl, buffer->va + bad->va,
		bad->length, bad->no_routine ? NULL : routine, NULL, NULL, NULL, true,
		bad->no_list ? NULL : (PSCATTER_GATHER_LIST)to, bad->bytes);
	assert_int_equal(status, bad->status);
	world_event(TRACE_SG_BUILD, adapter->number, 0, bad->length, (uint32_t)bad->status);
	if (bad->number != 1)
		world_expect(bad->number, bad->text);
	world_expect_none();
	/* The routine does not run, and the memory is as it was. */
	assert_int_equal(called.calls, calls);
	assert_memory_equal(copy, list, LIST_BYTES(4));
	if (bad->is_live)
		assert_int_equal(dma_put(adapter, list, true), 0);
	nt_pool_free(list);
	nt_pool_free(copy);
}

static void bad_builds(void)
{
	const struct dma_constraints limits = {64, 0x1000, 2, true, 0};
	struct dma_adapter *adapter = dma_adapter_new(&limits, NULL);
	struct world_buffer buffer = world_buffer(0x800, 0x2000);

	assert_int_equal(adapter->map_registers, 2);
	cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < array_size(bad_cases); n++)
		check_bad_case(adapter, &buffer, &bad_cases[n]);
	cpu_irql_lower(IRQL_PASSIVE);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void each_wrong_build_has_its_status_in_the_order_of_the_checks(void **state)
{
	world_run(&plain, bad_builds);
}

/* The same causes through dma_map, dma_list_size and dma_get, where they apply. */
static void bad_others(void)
{
	const struct dma_constraints limits = {64, 0x1000, 2, true, 0};
	struct dma_adapter *adapter = dma_adapter_new(&limits, NULL);
	struct world_buffer buffer = world_buffer(0x800, 0x2000);
	PSCATTER_GATHER_LIST list = list_new(4);
	unsigned calls = called.calls;

	cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < array_size(bad_cases); n++) {
		const struct bad_case *bad = &bad_cases[n];
		PMDL mdl = bad->no_mdl ? NULL : buffer.mdl;
		char *va = buffer.va + bad->va;
		uint32_t bytes = 77, registers = 77;

		if (bad->no_list || bad->odd_list || bad->no_routine || bad->is_live ||
			bad->bytes == 15)
			continue;
		print_message("  %s\n", bad->cause);
		buffer.mdl->MdlFlags = bad->unbuilt ? 0 : MDL_PAGES_LOCKED;
		assert_int_equal(world_map(adapter, &mapping, mdl, va, bad->length, true, list, 4),
			bad->status);
		world_expect(bad->number, bad->text);
		assert_int_equal(
			world_get(adapter, mdl, va, bad->length, routine, NULL, NULL, NULL, true),
			bad->status);
		world_expect(bad->number, bad->text);
		/* Sizes need no frames; without an MDL they are asked for the worst case. */
		if (bad->number == 0xe600000e || (bad->no_mdl && bad->length))
			continue;
		assert_int_equal(dma_list_size(adapter, mdl, va, bad->length, &bytes, &registers),
			bad->status);
		world_expect(bad->number, bad->text);
		assert_int_equal(bytes, 77);
		assert_int_equal(registers, 77);
	}
	/* MR-2, SGL-2: above the limit at once, no callback, no report. */
	buffer.mdl->MdlFlags = MDL_PAGES_LOCKED;
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x2000, true, list, 4), ISR);
	assert_int_equal(
		world_get(adapter, buffer.mdl, buffer.va, 0x2000, routine, NULL, NULL, NULL, true),
		ISR);
	assert_int_equal(dma_list_size(adapter, buffer.mdl, buffer.va, 0x2000, NULL, NULL), ISR);
	/* One element too few. */
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x1800, true, list, 1), ISR);
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x1800, true, list, 2), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_int_equal(called.calls, calls);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void map_get_and_size_answer_the_same(void **state)
{
	world_run(&plain, bad_others);
}

/* D-14 under the direct engine: told once, answered each time, and nothing stays behind. */
static void unreachable(void)
{
	const struct dma_constraints limits = {32, 0x10000, 0, true, 0};
	struct dma_adapter *adapter = dma_adapter_new(&limits, NULL);
	struct world_buffer buffer = world_buffer(0, 0x2000);
	PSCATTER_GATHER_LIST list = list_new(4);

	assert_true(mem_physical(buffer.va) > 0xffffffff);
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x2000, true, list, 4), ISR);
	world_expect(0, "32 address bits");
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x2000, true, list, 4), ISR);
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(4)), ISR);
	assert_int_equal(
		world_get(adapter, buffer.mdl, buffer.va, 0x2000, routine, NULL, NULL, NULL, true),
		ISR);
	cpu_irql_lower(IRQL_PASSIVE);
	assert_int_equal(dma_put(adapter, list, true), IP);
	world_expect(0xe6000006, "no Build or Get made it");
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void memory_that_the_device_cannot_reach_is_refused(void **state)
{
	const struct world_config config = {MEM_HIGH, 1, plain.dma};

	world_run(&config, unreachable);
}

/* ---- sizes ---- */

/* SZ-1, SZ-3, SZ-5: header and an element for each page that is touched, whatever the frames. */
static void sizes(void)
{
	static const struct {
		uint32_t va, length, pages;
	} worst[] = {{0, 1, 1}, {0, 0x1000, 1}, {0, 0x1001, 2}, {0xfff, 1, 1}, {0xfff, 2, 2},
		{1, 0x1000, 2}, {0x10, 0xfff0, 16}, {0x10, 0xfff1, 17}, {0, 0x11000, 17}};
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x11000);
	uint32_t bytes, registers;

	for (unsigned n = 0; n < array_size(worst); n++) {
		void *va = (void *)(uintptr_t)worst[n].va;

		assert_int_equal(
			dma_list_size(adapter, NULL, va, worst[n].length, &bytes, &registers), 0);
		assert_int_equal(registers, worst[n].pages);
		assert_int_equal(bytes, LIST_BYTES(worst[n].pages));
		if (worst[n].va + worst[n].length > 0x11000)
			continue;
		assert_int_equal(dma_list_size(adapter, buffer.mdl, buffer.va + worst[n].va,
					 worst[n].length, &bytes, NULL),
			0);
		assert_int_equal(bytes, LIST_BYTES(worst[n].pages));
	}
	/* SZ-3: what KMDF asks for. */
	assert_int_equal(dma_list_size(adapter, NULL, NULL, adapter->map_registers * 4096u, NULL,
				 &registers),
		0);
	assert_int_equal(registers, adapter->map_registers);
	/* More than the adapter has; and the longest of all. */
	assert_int_equal(dma_list_size(adapter, NULL, NULL, 0x11001, &bytes, NULL), ISR);
	assert_int_equal(dma_list_size(adapter, NULL, (void *)0xfff, ~0u, &bytes, NULL), ISR);
	assert_int_equal(dma_list_size(adapter, NULL, NULL, 0, &bytes, NULL), IP);
	world_expect(0xe6000021, "X-4");
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void sizes_count_pages(void **state)
{
	world_run(&plain, sizes);
}

static void sizes_without_limit(void)
{
	const struct dma_constraints limits = {64, 0, 0, true, 0};
	struct dma_adapter *adapter = dma_adapter_new(&limits, NULL);
	uint32_t bytes, registers;

	assert_int_equal(dma_list_size(adapter, NULL, (void *)0xfff, ~0u, &bytes, &registers), 0);
	assert_int_equal(registers, 0x100001);
	assert_int_equal(bytes, 16 + 24ull * 0x100001);
	dma_adapter_free(adapter);
}

static void the_longest_transfer_has_a_size(void **state)
{
	world_run(&plain, sizes_without_limit);
}

/* chains count per MDL, here through Build's size check. */
/* SGL-4, X-8 */
static void chained(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x2000);
	PSCATTER_GATHER_LIST list = list_new(4);
	struct chain chain = {0};
	uint32_t bytes;

	/* The halves of one page, then the other page. */
	chain_add(&chain, buffer.va, 0x800)[0] = mem_frame_number(buffer.va);
	chain_add(&chain, buffer.va + 0x800, 0x800)[0] = mem_frame_number(buffer.va);
	chain_add(&chain, buffer.va + 0x1000, 0x1000)[0] = mem_frame_number(buffer.va + 0x1000);
	buffer.mdl = &chain.part[0].mdl;
	assert_int_equal(dma_list_size(adapter, buffer.mdl, buffer.va, 0x2000, &bytes, NULL), 0);
	assert_int_equal(bytes, LIST_BYTES(3));
	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(3) - 1), BTS);
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(3)), STATUS_SUCCESS);
	/* MR-4: the halves are merged. */
	expect_list(list, buffer.va, 0x2000);
	assert_int_equal(list->NumberOfElements, 2);
	assert_int_equal(dma_put(adapter, list, true), 0);
	/* One MDL of the chain has no pages. */
	chain.part[2].mdl.MdlFlags = 0;
	assert_int_equal(build(adapter, &buffer, list, LIST_BYTES(3)), IP);
	world_expect(0xe600000e, "neither locked nor built");
	/* It does not matter where the transfer ends before it. */
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x1000, true, list, 4), 0);
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	mem_free(buffer.va - 4096, 0x3000);
	dma_adapter_free(adapter);
}

static void chains_count_each_mdl(void **state)
{
	world_run(&plain, chained);
}

/* ---- many ---- */

static void all_records(void)
{
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x10);
	char *memory = mem_alloc(64ull * (DMA_LIVE_LISTS + 1), 0, MEM_EXTENSION, NULL);
	struct dma_counts counts;

	assert_non_null(memory);
	cpu_irql_raise(IRQL_DISPATCH);
	for (int round = 0; round < 2; round++) {
		for (unsigned n = 0; n < DMA_LIVE_LISTS; n++)
			assert_int_equal(
				build(adapter, &buffer, (void *)(memory + 64 * n), LIST_BYTES(1)),
				0);
		assert_int_equal(build(adapter, &buffer, (void *)(memory + 64 * DMA_LIVE_LISTS),
					 LIST_BYTES(1)),
			ISR);
		/* In another order than they were built in. */
		for (unsigned n = 0; n < DMA_LIVE_LISTS; n++)
			assert_int_equal(
				dma_put(adapter, (void *)(memory + 64 * (n ^ 0x555)), true), 0);
	}
	cpu_irql_lower(IRQL_PASSIVE);
	counts = dma_adapter_counts(adapter);
	assert_int_equal(counts.built, 2 * DMA_LIVE_LISTS);
	assert_int_equal(counts.put, 2 * DMA_LIVE_LISTS);
	assert_int_equal(counts.sizes[0], 2 * DMA_LIVE_LISTS);
	mem_free(memory, 64ull * (DMA_LIVE_LISTS + 1));
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void as_many_lists_as_there_are_records_and_not_one_more(void **state)
{
	world_run(&plain, all_records);
}

static void counts_of_all(void)
{
	static const uint32_t pages[] = {1, 2, 3, 4, 5, 8, 9, 16};
	static const uint64_t sizes[] = {1, 1, 2, 2, 2};
	struct dma_adapter *adapter = world_adapter();
	struct world_buffer buffer = world_buffer(0, 0x10000);
	PSCATTER_GATHER_LIST list = list_new(16);
	struct dma_counts counts;

	for (unsigned n = 0; n < array_size(pages); n++) {
		assert_int_equal(world_map(adapter, &mapping, buffer.mdl, buffer.va,
					 pages[n] * 4096, true, list, 16),
			0);
		assert_int_equal(list->NumberOfElements, pages[n]);
		if (n)
			dma_unmap(adapter, &mapping);
	}
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 4096, true, list, 0), ISR);
	counts = dma_adapter_counts(adapter);
	assert_int_equal(counts.mapped, 8);
	assert_int_equal(counts.unmapped, 7);
	assert_int_equal(counts.built, 0);
	/* 1, 2, 3-4, 5-8, 9-16 elements. */
	for (unsigned n = 0; n < DMA_COUNT_SIZES; n++)
		assert_int_equal(counts.sizes[n], n < array_size(sizes) ? sizes[n] : 0);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

static void maps_and_sizes_are_counted(void **state)
{
	world_run(&plain, counts_of_all);
}

/* a length of nothing needs no pages, but an MDL all the same. */
static void nothing_of_nothing(void)
{
	struct dma_adapter *adapter = world_adapter();
	PSCATTER_GATHER_LIST list = list_new(1);

	cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(world_get(adapter, NULL, NULL, 0, routine, NULL, NULL, NULL, true), IP);
	world_expect(0, "without an MDL");
	assert_int_equal(world_build(adapter, NULL, NULL, 0, routine, NULL, NULL, NULL, true, list,
				 LIST_BYTES(1)),
		IP);
	world_expect(0, "without an MDL");
	cpu_irql_lower(IRQL_PASSIVE);
	nt_pool_free(list);
	dma_adapter_free(adapter);
}

static void no_mdl_is_refused_where_no_length_is_not(void **state)
{
	struct world_config config = plain;

	config.dma.zero_length = true;
	world_run(&config, nothing_of_nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_scattered_memory),
		cmocka_unit_test(lists_of_contiguous_memory),
		cmocka_unit_test(lists_of_high_memory),
		cmocka_unit_test(build_calls_the_routine_and_put_touches_nothing),
		cmocka_unit_test(get_takes_its_list_from_pool_and_put_gives_it_back),
		cmocka_unit_test(a_device_without_scatter_gather_gets_one_element_or_none),
		cmocka_unit_test(each_wrong_build_has_its_status_in_the_order_of_the_checks),
		cmocka_unit_test(map_get_and_size_answer_the_same),
		cmocka_unit_test(memory_that_the_device_cannot_reach_is_refused),
		cmocka_unit_test(sizes_count_pages),
		cmocka_unit_test(the_longest_transfer_has_a_size),
		cmocka_unit_test(chains_count_each_mdl),
		cmocka_unit_test(as_many_lists_as_there_are_records_and_not_one_more),
		cmocka_unit_test(maps_and_sizes_are_counted),
		cmocka_unit_test(no_mdl_is_refused_where_no_length_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
