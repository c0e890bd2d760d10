/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * MDLs that lie and chains without an end: the documented status, one violation that names what is
 * wrong, nothing left, no memory touched that is not the MDL's. All of these were found by
 * fuzz/dma_mdl_chain.c or by the oracle.
 */
#include "lists.h"

#include "dma/map_register.h"

static struct dma_adapter *adapter;
static PSCATTER_GATHER_LIST list;
static struct world_buffer buffer;

static void begin(void)
{
	const struct dma_constraints limits = {
		.width = 32, .scatter_gather = true, .max_transfer = 0x10000};

	adapter = dma_adapter_new(&limits, (const void *)0x1234);
	assert_non_null(adapter);
	list = list_new(32);
	buffer = world_buffer(0x800, 0x2000);
}

static void end(void)
{
	assert_int_equal(dma_registers_taken(), 0);
	nt_pool_free(list);
	world_buffer_free(&buffer);
	dma_adapter_free(adapter);
}

/* All ways answer the same; `text` is what each says, NULL: nothing. */
static void each_way(uint32_t length, NTSTATUS status, uint64_t number, const char *text)
{
	struct dma_mapping mapping;
	void *va = MmGetMdlVirtualAddress(buffer.mdl);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	called.calls = 0;
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, va, length, true, list, 32), status);
	if (text)
		world_expect(number, text);
	assert_int_equal(mapping.run.count, 0);
	assert_int_equal(world_build(adapter, buffer.mdl, va, length, routine, NULL, NULL, NULL,
				 true, list, LIST_BYTES(32)),
		/* SZ-5: the list's buffer comes before the registers. */
		status == ISR ? BTS : status);
	if (text)
		world_expect(number, text);
	assert_int_equal(
		world_get(adapter, buffer.mdl, va, length, routine, NULL, NULL, NULL, true),
		status);
	if (text)
		world_expect(number, text);
	assert_int_equal(called.calls, 0);
	cpu_irql_lower(irql);
}

/* Fewer frame numbers than bytes. */
static void lies(void)
{
	begin();
	buffer.mdl->Size = sizeof(MDL) + 2 * sizeof(PFN_NUMBER);
	each_way(0x1800, IP, 0xe600000e, "has 16 bytes for its frame numbers");
	each_way(1, IP, 0xe600000e, "has 16 bytes for its frame numbers");
	buffer.mdl->Size = sizeof(MDL) + 3 * sizeof(PFN_NUMBER);
	buffer.mdl->ByteCount += PAGE_SIZE;
	each_way(0x1800, IP, 0xe600000e, "has 24 bytes for its frame numbers");
	buffer.mdl->ByteCount -= PAGE_SIZE;
	buffer.mdl->MdlFlags = MDL_WRITE_OPERATION;
	each_way(0x1800, IP, 0xe600000e, "neither locked nor built");
	end();
}

static void circles(void)
{
	MDL empty = {.Size = sizeof(empty), .MdlFlags = MDL_PAGES_LOCKED};
	uint32_t registers;

	begin();
	/* of MDLs without bytes */
	empty.Next = &empty;
	buffer.mdl->Next = &empty;
	each_way(0x3000, BTS, 0xe6000024, "ends 4096 bytes before");
	assert_int_equal(
		dma_list_size(adapter, buffer.mdl, buffer.va, 0x3000, NULL, &registers), BTS);
	world_expect(0xe6000024, "ends 4096 bytes before");
	/* of one with bytes: more registers than anybody has */
	buffer.mdl->Next = buffer.mdl;
	buffer.mdl->ByteCount = 1;
	each_way(0x10000, ISR, 0, NULL);
	each_way(0xffffffff, ISR, 0, NULL);
	buffer.mdl->Next = NULL;
	buffer.mdl->ByteCount = 0x2000;
	end();
}

static void circles_as_hal(void)
{
	MDL empty = {.Size = sizeof(empty), .MdlFlags = MDL_PAGES_LOCKED};

	begin();
	empty.Next = &empty;
	buffer.mdl->Next = &empty;
	assert_int_equal(dma_list_size(adapter, buffer.mdl, buffer.va, 0x4000, NULL, NULL), BTS);
	end();
}

/* Memory that nobody owns is not copied from or to. */
static void free_memory(void)
{
	struct dma_mapping mapping;
	char *page;

	begin();
	page = mem_alloc(PAGE_SIZE, 0, MEM_DATA, NULL);
	MmGetMdlPfnArray(buffer.mdl)[1] = mem_frame_number(page);
	mem_free(page, PAGE_SIZE);
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x1800, true, list, 32), ISR);
	world_expect(0, "no memory of the machine that could be bounced");
	end();
}

/* A driver's constants go to a device, and nothing comes back to where they are. */
static void constants(void)
{
	static char page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
	struct dma_mapping mapping = {0};

	begin();
	assert_int_equal(mem_range_add(page, PAGE_SIZE, MEM_CODE, NULL), 0);
	MmGetMdlPfnArray(buffer.mdl)[1] = mem_frame_number(page);
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x1800, true, list, 32), 0);
	dma_unmap(adapter, &mapping);
	assert_int_equal(
		world_map(adapter, &mapping, buffer.mdl, buffer.va, 0x1800, false, list, 32), ISR);
	world_expect(0, "no memory of the machine that could be bounced");
	mem_range_remove(page);
	end();
}

/* where one page is copied all are, into one element: also if the pages before it had more
 * elements than there is room for. */
static void whole(void)
{
	struct dma_mapping mapping = {0};
	struct dma_order order;
	char *low;

	begin();
	low = mem_alloc(4 * PAGE_SIZE, MEM_LINEAR, MEM_DATA, NULL);
	MmGetMdlPfnArray(buffer.mdl)[0] = mem_frame_number(low);
	MmGetMdlPfnArray(buffer.mdl)[1] = mem_frame_number(low + 2 * PAGE_SIZE);
	order = (struct dma_order){.mdl = buffer.mdl,
		.current_va = buffer.va,
		.length = 0x2000,
		.write_to_device = true,
		.whole = true};
	assert_int_equal(dma_map(adapter, &mapping, &order, list, 1, NULL), STATUS_SUCCESS);
	assert_int_equal(list->NumberOfElements, 1);
	assert_int_equal(list->Elements[0].Length, 0x2000);
	assert_non_null(mapping.va);
	dma_unmap(adapter, &mapping);
	/* Without a page out of reach there is nothing to copy, and no room. */
	order.length = 0x1800;
	assert_int_equal(dma_map(adapter, &mapping, &order, list, 1, NULL), ISR);
	mem_free(low, 4 * PAGE_SIZE);
	end();
}

/* An MDL's bytes start ByteOffset into its first page, whatever StartVa says (SG-5): the MDL over
 * the copies has as many pages as the buffer's, with the same offsets. */
static void start_va(void)
{
	PMDL target = NULL;
	uint8_t irql;

	begin();
	buffer.mdl->StartVa = (char *)buffer.mdl->StartVa + 0xf00;
	buffer.mdl->Size = sizeof(MDL) + 3 * sizeof(PFN_NUMBER);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	assert_int_equal(world_get(adapter, buffer.mdl, MmGetMdlVirtualAddress(buffer.mdl), 0x1801,
				 routine, NULL, NULL, NULL, true),
		STATUS_SUCCESS);
	assert_int_equal(dma_list_mdl(adapter, called.list, buffer.mdl, &target), STATUS_SUCCESS);
	assert_ptr_not_equal(target, buffer.mdl);
	assert_null(target->Next);
	assert_int_equal(target->ByteOffset, 0x800);
	assert_int_equal(target->ByteCount, 0x1801);
	assert_int_equal(target->Size, sizeof(MDL) + 3 * sizeof(PFN_NUMBER));
	/* one copy after the other, in the pages of map registers that are neighbours (MR-7) */
	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(MmGetMdlPfnArray(target)[n],
			called.list->Elements[0].Address.QuadPart / PAGE_SIZE + n);
	assert_int_equal(dma_put(adapter, called.list, true), STATUS_SUCCESS);
	cpu_irql_lower(irql);
	end();
}

/* A list of the buffer, asked for while all map registers are taken, and what comes of it. */
static NTSTATUS get_in_a_shortage(void)
{
	struct dma_run most, rest;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	NTSTATUS status;

	called.calls = 0;
	assert_int_equal(dma_registers_take(adapter, 17, NULL, &most), STATUS_SUCCESS);
	assert_int_equal(dma_registers_take(adapter, 3, NULL, &rest), STATUS_SUCCESS);
	status = world_get(adapter, buffer.mdl, buffer.va, 0x2000, routine, NULL, NULL, NULL, true);
	assert_int_equal(called.calls, 0);
	dma_run_give(most);
	dma_run_give(rest);
	cpu_irql_lower(irql);
	cpu_dpc_flush();
	assert_int_equal(called.calls, !status);
	return status;
}

/* a list that waits is made when its turn comes. What cannot be made does not wait. */
static void waits_or_fails(void)
{
	const PFN_NUMBER nothing = MEM_HOLE / PAGE_SIZE, far = 1ull << 28;
	bool is_iommu = dma_settings.engine == DMA_IOMMU;
	struct dma_constraints limits = {.width = 32, .max_transfer = 0x10000};
	PPFN_NUMBER frames;
	PFN_NUMBER old;

	begin();
	frames = MmGetMdlPfnArray(buffer.mdl);
	assert_int_equal(get_in_a_shortage(), STATUS_SUCCESS);
	assert_int_equal(dma_put(adapter, called.list, true), STATUS_SUCCESS);
	/* Within reach, though no memory: a device of another kind. Nothing is copied. */
	old = frames[1];
	frames[1] = nothing;
	assert_int_equal(get_in_a_shortage(), STATUS_SUCCESS);
	assert_int_equal(dma_put(adapter, called.list, true), STATUS_SUCCESS);
	/* Out of reach: only an iommu leads there. */
	frames[1] = far;
	assert_int_equal(get_in_a_shortage(), is_iommu ? STATUS_SUCCESS : ISR);
	if (is_iommu)
		assert_int_equal(dma_put(adapter, called.list, true), STATUS_SUCCESS);
	frames[1] = nothing;
	dma_adapter_free(adapter);
	/* SGL-6: one element, so all would have to be copied. */
	adapter = dma_adapter_new(&limits, (const void *)0x1234);
	assert_non_null(adapter);
	assert_int_equal(get_in_a_shortage(), ISR);
	frames[1] = old;
	assert_int_equal(get_in_a_shortage(), STATUS_SUCCESS);
	assert_int_equal(dma_put(adapter, called.list, true), STATUS_SUCCESS);
	end();
}

static void run(enum dma_engine engine, bool hal_compatible, void (*body)(void))
{
	const struct world_config config = {.policy = MEM_HIGH,
		.dma = {.engine = engine,
			.map_registers = engine == DMA_DIRECT ? 0 : 20,
			.callback = DMA_CALLBACK_BEFORE_RETURN,
			.hal_compatible = hal_compatible}};

	world_run(&config, body);
}

static void an_mdl_that_lies_is_refused(void **state)
{
	run(DMA_DIRECT, false, lies);
	run(DMA_BOUNCE, false, lies);
	run(DMA_IOMMU, false, lies);
}

static void a_chain_without_an_end_is_refused(void **state)
{
	run(DMA_DIRECT, false, circles);
	run(DMA_BOUNCE, false, circles);
	run(DMA_IOMMU, false, circles);
	run(DMA_DIRECT, true, circles_as_hal);
}

static void memory_that_nobody_owns_is_not_copied(void **state)
{
	run(DMA_BOUNCE, false, free_memory);
}

static void a_drivers_constants_are_copied_from_alone(void **state)
{
	run(DMA_BOUNCE, false, constants);
}

static void what_cannot_be_copied_does_not_wait(void **state)
{
	run(DMA_BOUNCE, false, waits_or_fails);
	run(DMA_IOMMU, false, waits_or_fails);
}

static void a_whole_copy_is_one_element_whatever_the_room(void **state)
{
	run(DMA_BOUNCE, false, whole);
}

static void a_start_that_is_no_page_does_not_lead_past_the_frames(void **state)
{
	run(DMA_BOUNCE, false, start_va);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_mdl_that_lies_is_refused),
		cmocka_unit_test(a_chain_without_an_end_is_refused),
		cmocka_unit_test(a_start_that_is_no_page_does_not_lead_past_the_frames),
		cmocka_unit_test(memory_that_nobody_owns_is_not_copied),
		cmocka_unit_test(a_drivers_constants_are_copied_from_alone),
		cmocka_unit_test(what_cannot_be_copied_does_not_wait),
		cmocka_unit_test(a_whole_copy_is_one_element_whatever_the_room),
	};

	return cmocka_run_group_tests_name("dma/bad_mdl", tests, NULL, NULL);
}
