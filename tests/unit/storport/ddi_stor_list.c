/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The scatter/gather routines of Storport as a miniport calls them: Build, Put and Get under each
 * engine and policy. What proves which statement of the specification; without a file: here.
 *
 *	SG-1, SG-2       a_list_is_built_used_and_put; the wrapper: tests/ddk/wrappers.c
 *	SG-3, SG-20      each_wrong_call_gets_its_documented_status
 *	SG-4, SG-5       a_list_is_built_used_and_put; dma/list.c lists_of_..._memory;
 *	                 dma/sglist.c
 *	SG-6, SG-7       a_list_is_built_used_and_put; dma/callback.c
 *	                 a_put_before_the_routine_is_refused
 *	SG-8             the_callback_comes_before_or_after_the_return_as_the_policy_says
 *	SG-9, SG-11      what_the_device_writes_is_there_after_put
 *	SG-10, SG-22     a_list_is_built_used_and_put; dma/list.c
 *	                 each_wrong_build_has_its_status_...
 *	SG-21            build_and_put: the buffer is the caller's to free after Put
 *	SG-23            each_wrong_call_..., a_second_put_is_refused_and_reported
 *	SG-24            what_the_device_writes_is_there_after_put, a_second_put_...
 *	SG-25            get_hands_out_...; dma/list_put.c put_knows_its_lists_without_...
 *	SG-30 … SG-34    get_hands_out_the_requests_list_while_the_miniport_has_it; that nobody
 *	                 changes it: port/list_life.c
 *	SG-35            ddi_stor_buffer.c data_in_of_a_command_of_both_ways_...; port/data_in.c
 *	SG-36            a_miniport_that_wants_no_lists_gets_none; port/address.c
 *	SZ-1, SZ-2, SZ-5 the_size_of_the_list_buffer_is_the_policys
 *	SZ-3, SZ-4       dma/list.c sizes_count_pages,
 *	                 a_device_without_scatter_gather_gets_one_...
 *	SZ-6 … SZ-9      sizes_are_counted_as_the_vectors_say_strict_and_as_the_hal
 *	X-1              the_callback_comes_...; dma/callback.c
 *	X-2              dma/list.c each_wrong_build_has_its_status_in_the_order_of_the_checks
 *	X-3              sizes_are_counted_as_the_vectors_say_strict_and_as_the_hal
 *	X-4              each_wrong_call_..., with_zero_length_a_list_has_no_elements
 *	X-5              dma/sglist.c small_world_of_... (starts 0, 1, 7, 0x1ff, 0x200, 0xfff)
 *	each_wrong_call_gets_its_documented_status
 *	X-8              dma/list.c chains_count_each_mdl; dma/sglist.c
 *	                 adjacent_mdls_count_apart_...
 *	dma/register.c
 *	each_wrong_call_..., a_second_put_is_refused_and_reported
 *	X-14             what_the_device_writes_is_there_after_put
 *	X-15             each_wrong_call_gets_its_documented_status
 *	X-16             virtual.c
 *	X-17             ddi_stor_buffer.c the_miniport_sees_the_copy_that_the_list_points_to
 *	X-18             hba.c; dma/adapter.c registers_are_granted_for_the_longest_transfer_...
 *	X-30 … X-35      dma/ddi_dma_extended.c, dma/channel_map.c, dma/ddi_io_dma.c
 *	X-36             ddi_stor_dma_memory.c the_device_reaches_dma_memory_at_the_address_...
 *	X-37             ddi_stor_address.c get_physical_address_knows_...
 *	X-38             start.c
 *	X-39             ddi_stor_buffer.c get_pfns_tells_the_frames_of_the_srbs_mdl_alone
 *	X-40             ddi_stor_address.c the_uncached_extension_is_... (PASSIVE only)
 *	dma/callback.c, dma/register.c, dma/adapter.c
 *	X-43             what_the_device_writes_is_there_after_put; dma/callback.c
 *	X-44             dma/callback.c
 *	X-45             the_size_of_the_list_buffer_is_the_policys; dma/sglist.c (limits)
 *	X-46             dma/sglist.c element_ends_exactly_at_four_gigabytes
 *	X-50             get_hands_out_the_requests_list_while_the_miniport_has_it
 */
#include "world.h"

#include <errno.h>

#define TAG   0x74736554
#define BYTES 20000 /* spans 5 or 6 pages */

static struct {
	char *data;
	PVOID mdl;
	PSTOR_SCATTER_GATHER_LIST buffer;
	ULONG room;
	/* what the callback saw */
	unsigned calls;
	PSTOR_SCATTER_GATHER_LIST list;
	PVOID context;
	KIRQL irql;
} t;

static VOID NTAPI execute(PVOID *device, PVOID *irp, PSTOR_SCATTER_GATHER_LIST list, PVOID context)
{
	t.calls++;
	t.list = list;
	t.context = context;
	t.irql = KeGetCurrentIrql();
}

static void make_buffers(void)
{
	PVOID data;

	memset(&t, 0, sizeof(t));
	t.room = sizeof(STOR_SCATTER_GATHER_LIST) + 6 * sizeof(STOR_SCATTER_GATHER_ELEMENT);
	assert_int_equal(StorPortAllocatePool(world.ext, BYTES, TAG, &data), STOR_STATUS_SUCCESS);
	t.data = data;
	assert_int_equal(
		StorPortAllocateMdl(world.ext, t.data, BYTES, &t.mdl), STOR_STATUS_SUCCESS);
	assert_int_equal(StorPortBuildMdlForNonPagedPool(world.ext, t.mdl), STOR_STATUS_SUCCESS);
	assert_int_equal(StorPortAllocatePool(world.ext, t.room, TAG, (PVOID *)&t.buffer),
		STOR_STATUS_SUCCESS);
}

static void free_buffers(void)
{
	assert_int_equal(StorPortFreePool(world.ext, t.buffer), STOR_STATUS_SUCCESS);
	assert_int_equal(StorPortFreeMdl(world.ext, t.mdl), STOR_STATUS_SUCCESS);
	assert_int_equal(StorPortFreePool(world.ext, t.data), STOR_STATUS_SUCCESS);
}

static __attribute__((noinline)) ULONG build(
	PVOID ext, PVOID mdl, PVOID va, ULONG length, PVOID buffer, ULONG room)
{
	return ddi_result(
		StorPortBuildScatterGatherList, StorPortBuildScatterGatherList(ext, mdl, va, length,
							execute, &t, TRUE, buffer, room));
}

/* SG-6, SG-7, SG-9, MR-5, and the addresses against mem_physical, byte by byte. */
static void check_list(void)
{
	ULONG offset = 0;

	assert_int_equal(t.calls, 1);
	assert_ptr_equal(t.list, t.buffer); /* SG-10: in the miniport's memory */
	assert_ptr_equal(t.context, &t);
	assert_int_equal(t.irql, DISPATCH_LEVEL);
	for (ULONG n = 0; n < t.list->NumberOfElements; n++)
		for (ULONG b = 0; b < t.list->List[n].Length; b++, offset++)
			assert_int_equal(t.list->List[n].PhysicalAddress.QuadPart + b,
				mem_physical(t.data + offset));
	assert_int_equal(offset, BYTES);
}

static void good_list(void)
{
	KIRQL irql;

	make_buffers();
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	assert_int_equal(
		build(world.ext, t.mdl, t.data, BYTES, t.buffer, t.room), STOR_STATUS_SUCCESS);
	KeLowerIrql(irql);
	KeRaiseIrql(DISPATCH_LEVEL, &irql); /* whatever the timing, the callback has run by now */
	check_list();
	assert_int_equal(
		StorPortPutScatterGatherList(world.ext, t.buffer, TRUE), STOR_STATUS_SUCCESS);
	/* SG-22: the buffer can be used again. */
	t.calls = 0;
	assert_int_equal(
		build(world.ext, t.mdl, t.data, BYTES, t.buffer, t.room), STOR_STATUS_SUCCESS);
	KeLowerIrql(irql);
	check_list();
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	assert_int_equal(
		StorPortPutScatterGatherList(world.ext, t.buffer, TRUE), STOR_STATUS_SUCCESS);
	KeLowerIrql(irql);
	free_buffers();
	assert_int_equal(world.violations, 0);
}

static void a_list_is_built_used_and_put(void **state)
{
	world_run(*(enum dma_callback *)*state, good_list);
}

static void callback_before(void)
{
	KIRQL irql;

	make_buffers();
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	build(world.ext, t.mdl, t.data, BYTES, t.buffer, t.room);
	assert_int_equal(t.calls, 1);
	StorPortPutScatterGatherList(world.ext, t.buffer, TRUE);
	KeLowerIrql(irql);
	free_buffers();
}

static void callback_after(void)
{
	KIRQL irql;

	make_buffers();
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	build(world.ext, t.mdl, t.data, BYTES, t.buffer, t.room);
	assert_int_equal(t.calls, 0);
	KeLowerIrql(irql);
	assert_int_equal(t.calls, 1);
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	StorPortPutScatterGatherList(world.ext, t.buffer, TRUE);
	KeLowerIrql(irql);
	free_buffers();
}

/* SG-8, X-1: neither may be assumed, each can be had. */
static void the_callback_comes_before_or_after_the_return_as_the_policy_says(void **state)
{
	world_run(DMA_CALLBACK_BEFORE_RETURN, callback_before);
	world_miniport(NULL);
	world_run(DMA_CALLBACK_AFTER_RETURN, callback_after);
}

static void wrong_calls(void)
{
	KIRQL irql;

	make_buffers();
	/* SG-3, SG-20, X-15, LK-8: exactly DISPATCH. */
	assert_int_equal(
		build(world.ext, t.mdl, t.data, BYTES, t.buffer, t.room), STOR_STATUS_INVALID_IRQL);
	assert_int_equal(
		StorPortPutScatterGatherList(world.ext, t.buffer, TRUE), STOR_STATUS_INVALID_IRQL);
	KeRaiseIrql(DISPATCH_LEVEL + 3, &irql);
	assert_int_equal(
		build(world.ext, t.mdl, t.data, BYTES, t.buffer, t.room), STOR_STATUS_INVALID_IRQL);
	KeLowerIrql(irql);

	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	/* The one documented trigger, and X-9. */
	assert_int_equal(
		build(NULL, t.mdl, t.data, BYTES, t.buffer, t.room), STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(build(t.data, t.mdl, t.data, BYTES, t.buffer, t.room),
		STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(build(world.ext, NULL, t.data, BYTES, t.buffer, t.room),
		STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(build(world.ext, t.mdl, t.data, BYTES, NULL, t.room),
		STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(StorPortBuildScatterGatherList(
				 world.ext, t.mdl, t.data, BYTES, NULL, &t, TRUE, t.buffer, t.room),
		STOR_STATUS_INVALID_PARAMETER);
	/* */
	assert_int_equal(build(world.ext, t.mdl, t.data, 0, t.buffer, t.room),
		STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(build(world.ext, t.mdl, t.data - 1, 1, t.buffer, t.room),
		STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(build(world.ext, t.mdl, t.data + BYTES, 1, t.buffer, t.room),
		STOR_STATUS_INVALID_PARAMETER);
	/* SZ-9: past the MDL; SZ-1: a list buffer of an element less than the pages spanned. */
	assert_int_equal(build(world.ext, t.mdl, t.data, BYTES + 1, t.buffer, t.room),
		STOR_STATUS_BUFFER_TOO_SMALL);
	assert_int_equal(build(world.ext, t.mdl, t.data, BYTES, t.buffer, 16 + 24),
		STOR_STATUS_BUFFER_TOO_SMALL);
	assert_int_equal(t.calls, 0);
	/* NULL, foreign, never built. */
	assert_int_equal(
		StorPortPutScatterGatherList(NULL, t.buffer, TRUE), STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(
		StorPortPutScatterGatherList(world.ext, NULL, TRUE), STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(StorPortPutScatterGatherList(world.ext, t.buffer, TRUE),
		STOR_STATUS_INVALID_PARAMETER);
	KeLowerIrql(irql);
	free_buffers();
}

/* covers: StorPortBuildScatterGatherList, StorPortPutScatterGatherList */
static void each_wrong_call_gets_its_documented_status(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, wrong_calls);
}

static void put_twice(void)
{
	KIRQL irql;
	unsigned before;

	make_buffers();
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	build(world.ext, t.mdl, t.data, BYTES, t.buffer, t.room);
	KeLowerIrql(irql);
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	before = world.violations;
	/* the wrong direction is reported, the list is released all the same. */
	assert_int_equal(
		StorPortPutScatterGatherList(world.ext, t.buffer, FALSE), STOR_STATUS_SUCCESS);
	assert_int_equal(world.violations, before + 1);
	assert_int_equal(StorPortPutScatterGatherList(world.ext, t.buffer, TRUE),
		STOR_STATUS_INVALID_PARAMETER);
	assert_int_equal(world.violations, before + 2);
	KeLowerIrql(irql);
	free_buffers();
}

static void a_second_put_is_refused_and_reported(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, put_twice);
}

/* ---- under each engine ---- */

static void use_list(enum dma_engine engine)
{
	struct dma_master device = world_master();
	ULONG at = 0;
	char byte;

	for (ULONG n = 0; n < t.list->NumberOfElements; n++)
		for (ULONG b = 0; b < t.list->List[n].Length; b++, at++) {
			byte = (char)(at * 11 + 3);
			if (at % 64 == 0)
				expect_is(
					dma_bus_write(&device,
						(uint64_t)t.list->List[n].PhysicalAddress.QuadPart +
							b,
						&byte, 1),
					0);
		}
	expect_is(at, BYTES);
	/* SG-24, X-14: before Put a bounced buffer has not got the data. */
	expect_is(t.data[64] == (char)(64 * 11 + 3), engine != DMA_BOUNCE);
}

static ULONG put_in_callback;

static VOID NTAPI execute_and_put(
	PVOID *object, PVOID *irp, PSTOR_SCATTER_GATHER_LIST list, PVOID context)
{
	execute(object, irp, list, context);
	use_list(miniport.dma.engine);
	put_in_callback = StorPortPutScatterGatherList(world.ext, list, FALSE);
}

static void engine_list(void)
{
	KIRQL irql;

	make_buffers();
	memset(t.data, 0, BYTES);
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	assert_int_equal(StorPortBuildScatterGatherList(world.ext, t.mdl, t.data, BYTES,
				 execute_and_put, &t, FALSE, t.buffer, t.room),
		STOR_STATUS_SUCCESS);
	KeLowerIrql(irql);
	assert_int_equal(t.calls, 1);
	assert_int_equal(put_in_callback, STOR_STATUS_SUCCESS); /* */
	for (ULONG at = 0; at < BYTES; at += 64)
		assert_int_equal(t.data[at], (char)(at * 11 + 3));
	free_buffers();
	assert_int_equal(world.violations, 0);
}

static void set_32_bits(PPORT_CONFIGURATION_INFORMATION config)
{
	config->Dma64BitAddresses = 0;
}

/* SG-9, SG-11, SG-24, X-14; covers: StorPortBuildScatterGatherList, StorPortPutScatterGatherList */
static void what_the_device_writes_is_there_after_put(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, engine_list);
	world_miniport(NULL);
	miniport.dma.engine = DMA_BOUNCE;
	miniport.memory = MEM_HIGH;
	miniport.find = set_32_bits;
	world_run(DMA_CALLBACK_QUEUED, engine_list);
	world_miniport(NULL);
	miniport.dma.engine = DMA_IOMMU;
	world_run(DMA_CALLBACK_QUEUED, engine_list);
}

/* ---- whose list it was ---- */

static uintptr_t site_asked;

static const char *place_of(uintptr_t pc)
{
	site_asked = pc;
	return "driver.c:7 HwBuildIo";
}

static void late_access(void)
{
	struct dma_master device = world_master();
	uint64_t address;
	KIRQL irql;
	char byte;

	make_buffers();
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	build(world.ext, t.mdl, t.data, BYTES, t.buffer, t.room);
	KeLowerIrql(irql);
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	address = (uint64_t)t.list->List[0].PhysicalAddress.QuadPart;
	assert_int_equal(
		StorPortPutScatterGatherList(world.ext, t.buffer, TRUE), STOR_STATUS_SUCCESS);
	KeLowerIrql(irql);
	nt_code_place = place_of;
	expect_is(dma_bus_read(&device, address, &byte, 1), -EFAULT);
	nt_code_place = NULL;
	expect_violation(0, "list of Build");
	expect_has(world.violation, "by driver.c:7 HwBuildIo");
	/* the call in build(), where the wrapper was inlined */
	expect(site_asked - (uintptr_t)build < 1024);
	free_buffers();
}

static void a_late_access_names_who_built_the_list(void **state)
{
	miniport.dma.engine = DMA_IOMMU;
	world_run(DMA_CALLBACK_QUEUED, late_access);
	assert_int_equal(world.start_result, 0);
}

/* ---- policies: what the documents leave open ---- */

/* One Build of the first `length` bytes with `room` bytes of list; put if it succeeds. */
static ULONG build_and_put(ULONG length, ULONG room)
{
	ULONG status;
	KIRQL irql;

	t.calls = 0;
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	status = build(world.ext, t.mdl, t.data, length, t.buffer, room);
	KeLowerIrql(irql);
	expect_is(t.calls, status == STOR_STATUS_SUCCESS); /* SG-8 */
	if (status != STOR_STATUS_SUCCESS)
		return status;
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	expect_is(StorPortPutScatterGatherList(world.ext, t.buffer, TRUE), STOR_STATUS_SUCCESS);
	KeLowerIrql(irql);
	return status;
}

#define LIST_BYTES(elements) (16 + 24 * (elements))

static void sizes_as_published(void)
{
	make_buffers();
	/* 8192 bytes from a page's start: SZ-1, SZ-5 */
	expect_is(build_and_put(8192, LIST_BYTES(2)), STOR_STATUS_SUCCESS);
	expect_is(build_and_put(8192, LIST_BYTES(2) - 1), STOR_STATUS_BUFFER_TOO_SMALL);
	free_buffers();
	expect_is(world.violations, 0);
}

static void sizes_with_overhead(void)
{
	make_buffers();
	expect_is(build_and_put(8192, LIST_BYTES(2)), STOR_STATUS_BUFFER_TOO_SMALL);
	expect_is(build_and_put(8192, LIST_BYTES(2) + 63), STOR_STATUS_BUFFER_TOO_SMALL);
	expect_is(build_and_put(8192, LIST_BYTES(2) + 64), STOR_STATUS_SUCCESS);
	free_buffers();
	expect_is(world.violations, 0);
}

static void sizes_of_merged_lists(void)
{
	make_buffers();
	/* adjacent pages are one element (MR-4, X-45) */
	expect_is(build_and_put(8192, LIST_BYTES(1)), STOR_STATUS_SUCCESS);
	expect_is(build_and_put(8192, LIST_BYTES(1) - 1), STOR_STATUS_BUFFER_TOO_SMALL);
	free_buffers();
	expect_is(world.violations, 0);
}

/* SZ-2, SZ-3, SZ-5: private data of the system in the same buffer, or none and the merged size. */
static void the_size_of_the_list_buffer_is_the_policys(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, sizes_as_published);
	world_miniport(NULL);
	miniport.dma.list_overhead = 64;
	world_run(DMA_CALLBACK_QUEUED, sizes_with_overhead);
	world_miniport(NULL);
	miniport.dma.lenient_size = true;
	miniport.memory = MEM_CONTIGUOUS;
	world_run(DMA_CALLBACK_QUEUED, sizes_of_merged_lists);
}

static void nothing_to_move(void)
{
	make_buffers();
	expect_is(build_and_put(0, t.room), STOR_STATUS_SUCCESS);
	expect_is(t.buffer->NumberOfElements, 0);
	free_buffers();
	expect_is(world.violations, 0);
}

static void with_zero_length_a_list_has_no_elements(void **state)
{
	miniport.dma.zero_length = true; /* */
	world_run(DMA_CALLBACK_QUEUED, nothing_to_move);
}

/* 1.5: chain of (ByteOffset, ByteCount), start, length → registers as SZ-7 has them; TS: too small.
 * COMPUTED there. */
#define TS UINT32_MAX
static const struct {
	uint32_t offset, count, next_offset, next_count, start, length, strict, hal;
} vectors[] = {
	{0, 0x1000, 0, 0, 0, 0x1000, 1, 1},
	{0, 0x1000, 0, 0, 0, 0x1001, TS, 2},
	{0, 0x1000, 0, 0, 0, 0x2000, TS, 2},
	{0, 0x1000, 0, 0, 0, 0x2001, TS, TS},
	{0x800, 0x800, 0, 0, 0, 0x801, TS, 2},
	{0x800, 0x800, 0, 0, 0, 0x1000, TS, 2},
	{0x800, 0x800, 0, 0, 0, 0x1001, TS, TS},
	{0, 0x64, 0, 0, 0, 0x65, TS, 1},
	{0, 0x64, 0, 0, 0, 0x1064, TS, 2},
	{0, 0x64, 0, 0, 0, 0x1065, TS, TS},
	{0xfff, 2, 0, 0, 0, 2, 2, 2},
	{0xfff, 1, 0, 0, 0, 2, TS, 2},
	{0, 0x1000, 0x10, 0x10, 0, 0x1010, 2, 2},
	{0, 0x1000, 0x10, 0x10, 0, 0x1011, TS, 2},
	{0xff0, 0x20, 0xff8, 0x10, 0, 0x30, 4, 4},
	{0, 0x2000, 0, 0, 1, 0x1fff, 2, 2},
	{0, 0x2000, 0, 0, 0x1fff, 1, 1, 1},
	{0, 0x2000, 0, 0, 1, 0x2000, TS, 3},
	{0, 0x11000, 0, 0, 0, 0x11000, 17, 17},
	{1, 0x10000, 0, 0, 0, 0x10000, 17, 17},
};

static void size_vectors(void)
{
	char *data = mem_alloc(0x20000, 0, MEM_DATA, NULL);

	for (unsigned n = 0; n < array_size(vectors); n++) {
		PMDL mdl = IoAllocateMdl(
			data + vectors[n].offset, vectors[n].count, FALSE, FALSE, NULL);
		PMDL next = NULL;
		uint32_t wanted = miniport.dma.hal_compatible ? vectors[n].hal : vectors[n].strict;
		uint32_t registers = 0, bytes = 0;
		NTSTATUS status;

		MmBuildMdlForNonPagedPool(mdl);
		if (vectors[n].next_count) {
			next = IoAllocateMdl(data + 0x18000 + vectors[n].next_offset,
				vectors[n].next_count, FALSE, FALSE, NULL);
			MmBuildMdlForNonPagedPool(next);
			mdl->Next = next;
		}
		status = dma_list_size(world.adapter->hba.port.dma, mdl,
			data + vectors[n].offset + vectors[n].start, vectors[n].length, &bytes,
			&registers);
		expect_is(status, wanted == TS ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS);
		if (wanted != TS) {
			expect_is(registers, wanted);
			expect_is(bytes, LIST_BYTES(wanted)); /* SZ-5 */
		}
		mdl->Next = NULL;
		IoFreeMdl(mdl);
		if (next)
			IoFreeMdl(next);
	}
	mem_free(data, 0x20000);
}

/* SZ-6, SZ-7, SZ-8, SZ-9, X-3 */
static void sizes_are_counted_as_the_vectors_say_strict_and_as_the_hal(void **state)
{
	miniport.find = NULL;
	world_run(DMA_CALLBACK_QUEUED, size_vectors);
	expect(world.violations > 0); /* each that is too small is 0xE6/24 */
	world_miniport(NULL);
	miniport.dma.hal_compatible = true;
	world_run(DMA_CALLBACK_QUEUED, size_vectors);
	expect_is(world.violations, 0);
	expect_tell();
}

/* ---- Get ---- */

static PSCSI_REQUEST_BLOCK held;

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	held = srb;
	return TRUE;
}

static PSTOR_SCATTER_GATHER_LIST seen_in_build_io;

static BOOLEAN NTAPI get_in_build_io(PVOID ext, PSCSI_REQUEST_BLOCK srb)
{
	seen_in_build_io = StorPortGetScatterGatherList(ext, srb);
	return TRUE;
}

static void get_list(void)
{
	static char foreign[64];
	PSTOR_SCATTER_GATHER_LIST list;
	struct world_request r;
	ULONG offset = 0;
	KIRQL old;

	world_submit(&r, SRB_FUNCTION_IO_CONTROL, 0, 10000); /* SG-34 */
	KeRaiseIrql(HIGH_LEVEL, &old);			     /* SG-30 */
	list = StorPortGetScatterGatherList(world.ext, held);
	KeLowerIrql(old);
	expect(list != NULL);
	expect_is(list, seen_in_build_io); /* SG-33; SG-31: the same for all its life */
	for (ULONG n = 0; n < list->NumberOfElements; n++)
		for (ULONG b = 0; b < list->List[n].Length; b++, offset++)
			expect_is(list->List[n].PhysicalAddress.QuadPart + b,
				mem_physical(r.data + offset));
	expect_is(offset, 10000); /* MR-5 */
	expect_is(world.violations, 0);
	/* X-12, SG-25: not Put's */
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect_is(StorPortPutScatterGatherList(world.ext, list, FALSE),
		STOR_STATUS_INVALID_PARAMETER);
	KeLowerIrql(old);
	expect_is(atomic_exchange(&world.violations, 0), 1);
	expect_is(StorPortGetScatterGatherList(world.ext, NULL), NULL);
	expect_violation(0, "is no SRB that");
	expect_is(StorPortGetScatterGatherList(world.ext, (PVOID)foreign), NULL);
	expect_violation(0, "is no SRB that");
	expect_is(StorPortGetScatterGatherList(NULL, held), NULL);
	expect_violation(0, "no HwDeviceExtension");
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	expect_is(StorPortGetScatterGatherList(world.ext, held), NULL); /* */
	expect_violation(0, "is no SRB that");
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	expect_is(StorPortGetScatterGatherList(world.ext, held), NULL); /* SG-34 */
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	expect_is(world.violations, 0);
}

/* covers: StorPortGetScatterGatherList */
static void get_hands_out_the_requests_list_while_the_miniport_has_it(void **state)
{
	miniport.start_io = hold;
	miniport.build_io = get_in_build_io;
	world_run(DMA_CALLBACK_QUEUED, get_list);
	assert_int_equal(world.start_result, 0);
	world_miniport(NULL);
	miniport.plain = true; /* SG-32 */
	miniport.start_io = hold;
	miniport.build_io = get_in_build_io;
	world_run(DMA_CALLBACK_QUEUED, get_list);
	assert_int_equal(world.start_result, 0);
}

/* ---- STOR_PERF_NO_SGL ---- */

static void ask_for_no_lists(void)
{
	PERF_CONFIGURATION_DATA data = {
		.Version = STOR_PERF_VERSION_5, .Size = sizeof(data), .Flags = STOR_PERF_NO_SGL};

	expect_is(StorPortInitializePerfOpts(world.ext, FALSE, &data), STOR_STATUS_SUCCESS);
}

static void without_lists(void)
{
	struct world_request r;
	PVOID va = NULL, mdl = NULL;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_READ, 10000);
	expect_is(StorPortGetScatterGatherList(world.ext, held), NULL);
	expect_is(StorPortGetSystemAddress(world.ext, held, &va), STOR_STATUS_SUCCESS);
	expect_is(va, r.data); /* nothing is copied for it */
	expect_is(dma_adapter_counts(world.adapter->hba.port.dma).mapped, 0);
	/* A list is still to be had: the miniport's own. */
	make_buffers();
	expect_is(StorPortGetOriginalMdl(world.ext, held, &mdl), STOR_STATUS_SUCCESS);
	expect_is(mdl, r.mdl);
	StorPortFreeMdl(world.ext, t.mdl);
	StorPortFreePool(world.ext, t.data);
	t.mdl = mdl;
	t.data = r.data;
	expect_is(build_and_put(10000, t.room), STOR_STATUS_SUCCESS);
	expect_is(StorPortFreePool(world.ext, t.buffer), STOR_STATUS_SUCCESS);
	world_give_back(held, SRB_STATUS_SUCCESS);
	world_end(&r);
	expect_is(world.violations, 0);
}

/* SG-36; covers: StorPortGetScatterGatherList, StorPortInitializePerfOpts */
static void a_miniport_that_wants_no_lists_gets_none(void **state)
{
	static const enum dma_engine engines[] = {DMA_DIRECT, DMA_BOUNCE, DMA_IOMMU};

	for (unsigned n = 0; n < array_size(engines); n++) {
		world_miniport(NULL);
		miniport.dma.engine = engines[n];
		miniport.memory = engines[n] == DMA_BOUNCE ? MEM_HIGH : MEM_SCATTERED;
		miniport.find = engines[n] == DMA_BOUNCE ? set_32_bits : NULL;
		miniport.start_io = hold;
		miniport.initialize = ask_for_no_lists;
		world_run(DMA_CALLBACK_QUEUED, without_lists);
		assert_int_equal(world.start_result, 0);
	}
}

int main(void)
{
	static enum dma_callback queued = DMA_CALLBACK_QUEUED, before = DMA_CALLBACK_BEFORE_RETURN,
				 after = DMA_CALLBACK_AFTER_RETURN;
	const struct CMUnitTest tests[] = {
		{"a list is built, used and put (queued)", a_list_is_built_used_and_put,
			world_miniport, NULL, &queued},
		{"a list is built, used and put (before return)", a_list_is_built_used_and_put,
			world_miniport, NULL, &before},
		{"a list is built, used and put (after return)", a_list_is_built_used_and_put,
			world_miniport, NULL, &after},
		cmocka_unit_test_setup(
			the_callback_comes_before_or_after_the_return_as_the_policy_says,
			world_miniport),
		cmocka_unit_test_setup(each_wrong_call_gets_its_documented_status, world_miniport),
		cmocka_unit_test_setup(a_second_put_is_refused_and_reported, world_miniport),
		world_test(what_the_device_writes_is_there_after_put),
		world_test(a_late_access_names_who_built_the_list),
		world_test(the_size_of_the_list_buffer_is_the_policys),
		world_test(with_zero_length_a_list_has_no_elements),
		world_test(sizes_are_counted_as_the_vectors_say_strict_and_as_the_hal),
		world_test(get_hands_out_the_requests_list_while_the_miniport_has_it),
		world_test(a_miniport_that_wants_no_lists_gets_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
