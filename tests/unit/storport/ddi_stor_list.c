/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* StorPortBuildScatterGatherList and StorPortPutScatterGatherList as a miniport calls them: every
 * status, SG-1 … SG-25. */
#include "world.h"

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

static ULONG build(PVOID ext, PVOID mdl, PVOID va, ULONG length, PVOID buffer, ULONG room)
{
	return StorPortBuildScatterGatherList(
		ext, mdl, va, length, execute, &t, TRUE, buffer, room);
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
	/* SG-3, SG-20, X-15: exactly DISPATCH. */
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
