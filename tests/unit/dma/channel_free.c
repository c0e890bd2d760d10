/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* How an adapter channel ends: CH-5, D-6, 0xE6/04 05 08 09 10, and bases that are none. */
#include "channels.h"

static void release(void)
{
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
}

/* ---- 0xE6/05 ---- */

static void bad_bases(void)
{
	void *base = keep(2), *bad[] = {NULL, (void *)0x1000, (void *)~0ull, &driver,
				      (char *)base + 1, (char *)base + 8, driver.adapter};

	for (unsigned n = 0; n < array_size(bad); n++) {
		unkeep(bad[n], 2);
		world_expect(0xe6000005, "FreeMapRegisters");
	}
	expect_taken(2);
	unkeep(base, 2);
	/* Freed already, and an address where no channel has been yet. */
	unkeep(base, 2);
	world_expect(0xe6000005, "its map registers have been freed");
	unkeep((char *)base + sizeof(struct dma_channel), 2);
	world_expect(0xe6000005, "its map registers have been freed");
	expect_taken(0);
}

static void a_base_that_is_none_is_reported_and_not_followed(void **state)
{
	each_engine(bad_bases);
}

static void wrong_count(void)
{
	void *base = keep(3);

	unkeep(base, 2);
	world_expect(0, "FreeMapRegisters of 2 registers, but 3 were allocated");
	expect_taken(0);
	unkeep(base, 3);
	world_expect(0xe6000005, "freed");
}

static void all_registers_are_freed_whatever_the_count(void **state)
{
	each_engine(wrong_count);
}

static void held(void)
{
	driver.action = KeepObject;
	assert_int_equal(ask(0, 3, 0), STATUS_SUCCESS);
	unkeep(driver.base, 3);
	world_expect(0xe6000005, "the channel is still held");
	expect_taken(3);
	release();
	expect_taken(0);
}

static void registers_of_a_held_channel_go_with_it(void **state)
{
	each_engine(held);
}

/* ---- 0xE6/04 ---- */

static void nothing_held(void)
{
	void *base;

	release();
	world_expect(0xe6000004, "FreeAdapterChannel: no channel is held");
	base = keep(1);
	release();
	world_expect(0xe6000004, "no channel is held");
	unkeep(base, 1);
	driver.action = KeepObject;
	assert_int_equal(ask(0, 1, 0), STATUS_SUCCESS);
	release();
	release();
	world_expect(0xe6000004, "no channel is held");
}

static void a_channel_freed_too_often_is_reported(void **state)
{
	each_engine(nothing_held);
}

/* ---- a transfer that ends before the routine that has started it ---- */

static void free_inside(void)
{
	driver.inside = NULL;
	unkeep(driver.base, 2);
}

static void early_registers(void)
{
	driver.inside = free_inside;
	driver.action = DeallocateObjectKeepRegisters;
	assert_int_equal(ask(0, 2, 0), STATUS_SUCCESS);
	expect_taken(0);
	unkeep(driver.base, 2);
	world_expect(0xe6000005, "freed");
	driver.inside = free_inside;
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, 2, 0), STATUS_SUCCESS);
	world_expect(0xe6000005, "the map registers were freed while AdapterControl ran");
	expect_taken(0);
	/* The adapter is free. */
	assert_int_equal(ask(0, LIMIT, 0), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 3);
}

static void registers_may_be_freed_while_the_routine_still_runs(void **state)
{
	each_engine(early_registers);
}

static void release_inside(void)
{
	driver.inside = NULL;
	release();
}

static void early_release(void)
{
	driver.inside = release_inside;
	driver.action = KeepObject;
	assert_int_equal(ask(0, 2, 0), STATUS_SUCCESS);
	expect_taken(0);
	release();
	world_expect(0xe6000004, "no channel is held");
	driver.inside = release_inside;
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, 2, 0), STATUS_SUCCESS);
	world_expect(0xe6000004, "which then did not return KeepObject");
	expect_taken(0);
	assert_int_equal(ask(0, LIMIT, 0), STATUS_SUCCESS);
}

static void a_channel_may_be_freed_while_the_routine_still_runs(void **state)
{
	each_engine(early_release);
}

/* ---- 0xE6/10 ---- */

static void mapped(IO_ALLOCATION_ACTION action)
{
	struct world_buffer buffer = world_buffer(0, 0x1000);
	uint32_t length = 0x1000;
	uint64_t address;
	char text[32];

	memset(buffer.va, 0x11, 0x1000);
	driver.action = action;
	assert_int_equal(ask(0, 2, 0), STATUS_SUCCESS);
	address = dma_channel_map(
		driver.adapter, driver.base, buffer.mdl, buffer.va, &length, false, 0);
	assert_int_equal(length, 0x1000);
	device_moves(address, 0x1000, 0, false);
	if (action == KeepObject)
		release();
	else
		unkeep(driver.base, 2);
	snprintf(text, sizeof(text), "while 4096 bytes of the MDL");
	world_expect(0xe6000010, text);
	expect_taken(0);
	/* Copies do not come back. */
	if (dma_settings.engine == DMA_BOUNCE)
		assert_int_equal(buffer.va[0], 0x11);
	if (dma_settings.engine == DMA_IOMMU) {
		assert_int_not_equal(dma_bus_read(&driver.master, address, text, 1), 0);
		world_expect(0, "nothing is mapped there now");
	}
	world_buffer_free(&buffer);
}

static void freed_mapped(void)
{
	mapped(KeepObject);
	mapped(DeallocateObjectKeepRegisters);
}

static void registers_freed_while_mapped_are_reported(void **state)
{
	each_engine(freed_mapped);
}

/* ---- cancellation: storport.md 2.5, CancelAdapterChannel ---- */

static struct dma_transfer transfers[4];

static struct dma_channel_order order_of(unsigned n, uint32_t registers)
{
	return (struct dma_channel_order){.device_object = driver.device[n],
		.registers = registers,
		.routine = control,
		.context = (void *)(uintptr_t)n,
		.is_extended = true,
		.transfer = &transfers[n]};
}

static bool cancel(unsigned n)
{
	return dma_channel_cancel(
		driver.adapter, atomic_load(&transfers[n].record), &transfers[n], driver.device[n]);
}

static bool cancelled_inside;

static void cancel_inside(void)
{
	cancelled_inside = cancel(0);
}

static void cancels(void)
{
	for (unsigned n = 0; n < 4; n++) {
		struct dma_channel_order order = order_of(n, 2);

		driver.action = KeepObject;
		driver.inside = cancel_inside;
		assert_int_equal(dma_channel_allocate(driver.adapter, &order), STATUS_SUCCESS);
	}
	/* Runs, or has run. */
	assert_int_equal(driver.calls, 1);
	assert_false(cancelled_inside);
	assert_false(cancel(0));
	/* Another device object's request is not meant. */
	assert_false(dma_channel_cancel(driver.adapter, atomic_load(&transfers[2].record),
		&transfers[2], driver.device[0]));
	/* From the middle of the queue, and its end. */
	assert_true(cancel(2));
	assert_false(cancel(2));
	assert_true(cancel(3));
	driver.inside = NULL;
	release();
	/* About to be called: the DPC has not begun. */
	driver.action = DeallocateObject;
	let_go();
	assert_int_equal(driver.calls, 2);
	assert_ptr_equal(driver.context, (void *)1);
	assert_false(cancel(1));
	expect_taken(0);
}

static void what_waits_for_the_adapter_can_be_cancelled(void **state)
{
	each_engine(cancels);
}

static void cancels_granted(void)
{
	struct dma_channel_order order = order_of(1, 2), next = order_of(2, 2);

	driver.action = KeepObject;
	assert_int_equal(ask(0, 2, 0), STATUS_SUCCESS);
	assert_int_equal(dma_channel_allocate(driver.adapter, &order), STATUS_SUCCESS);
	assert_int_equal(dma_channel_allocate(driver.adapter, &next), STATUS_SUCCESS);
	release();
	expect_taken(2);
	/* It has all it needs and is not called yet; the next gets it. */
	assert_true(cancel(1));
	driver.action = DeallocateObject;
	let_go();
	assert_int_equal(driver.calls, 2);
	assert_ptr_equal(driver.context, (void *)2);
	expect_taken(0);
}

static void what_is_granted_and_not_called_can_be_cancelled(void **state)
{
	each_engine(cancels_granted);
}

static void cancels_registers(void)
{
	void *base = keep(7);
	struct dma_channel_order order = order_of(1, 2), next = order_of(2, 1);

	driver.calls = 0;
	assert_int_equal(dma_channel_allocate(driver.adapter, &order), STATUS_SUCCESS);
	assert_int_equal(dma_channel_allocate(driver.adapter, &next), STATUS_SUCCESS);
	let_go();
	assert_int_equal(driver.calls, 0);
	assert_true(cancel(1));
	let_go();
	assert_int_equal(driver.calls, 1);
	assert_ptr_equal(driver.context, (void *)2);
	unkeep(base, 7);
	let_go();
	assert_int_equal(driver.calls, 1);
}

static void what_waits_for_registers_can_be_cancelled(void **state)
{
	each_pool(cancels_registers);
}

/* ---- the adapter goes away: D-6 ---- */

static const char *place(uintptr_t pc)
{
	return pc == 0x77 ? "driver.c:12 StartTransfer" : "elsewhere";
}

static void left(void)
{
	nt_code_place = place;
	keep(2);
	driver.action = KeepObject;
	assert_int_equal(ask(0, 2, 0), STATUS_SUCCESS);
	assert_int_equal(ask(1, 2, 0), STATUS_SUCCESS);
	dma_adapter_free(driver.adapter);
	nt_code_place = NULL;
	world_expect(0xe6000008, "with 2 adapter channels left; one was asked for by driver.c:12 "
				 "StartTransfer");
	world_expect(0xe6000009, "with the map registers of 1 adapter channels left; one was asked "
				 "for by driver.c:12 StartTransfer");
	assert_int_equal(dma_registers_taken(), 0);
	let_go();
	assert_int_equal(driver.calls, 2);
	/* The next adapter has all again. */
	driver.adapter = driver_adapter(true);
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, LIMIT, 0), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 3);
}

static void d6_what_an_adapter_leaves_is_reported_with_its_birthplace(void **state)
{
	each_engine(left);
}

static void left_waiting(void)
{
	struct dma_adapter *other = driver.adapter;
	void *base = keep(6);

	driver.calls = 0;
	driver.adapter = driver_adapter(true);
	assert_int_equal(ask(1, 4, 0), STATUS_SUCCESS);
	dma_adapter_free(driver.adapter);
	world_expect(0xe6000008, "with 1 adapter channels left");
	driver.adapter = other;
	unkeep(base, 6);
	let_go();
	assert_int_equal(driver.calls, 0);
}

static void who_waits_for_registers_is_never_called_then(void **state)
{
	each_pool(left_waiting);
}

static void put_inside(void)
{
	driver.inside = NULL;
	dma_adapter_free(driver.adapter);
	world_expect(0xe6000008, "with 1 adapter channels left");
	assert_int_equal(dma_registers_taken(), 0);
	unkeep(driver.base, 2);
	world_expect(0xe6000005, "freed");
}

static void from_its_routine(void)
{
	driver.inside = put_inside;
	driver.action = DeallocateObjectKeepRegisters;
	assert_int_equal(ask(0, 2, 0), STATUS_SUCCESS);
	driver.adapter = driver_adapter(true);
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, LIMIT, 0), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 2);
	assert_int_equal(dma_registers_taken(), 0);
}

static void an_adapter_may_go_away_inside_its_routine(void **state)
{
	each_engine(from_its_routine);
}

/* The machine's end, on a thread that is no processor: nobody waits there. */
static void leave_all(void)
{
	memset(&driver, 0, sizeof(driver));
	driver.device[1] = (PDEVICE_OBJECT)0x1000;
	driver.adapter = driver_adapter(true);
	cpu_irql_raise(IRQL_DISPATCH);
	keep(6);
	assert_int_equal(ask(0, 4, 0), STATUS_SUCCESS);
	assert_int_equal(ask(1, 4, 0), STATUS_SUCCESS);
	cpu_irql_lower(IRQL_PASSIVE);
}

static void the_machine_may_end_with_channels_that_wait(void **state)
{
	for (unsigned n = 1; n < array_size(engines); n++) {
		world_begin(&engines[n]);
		world.body = leave_all;
		assert_int_equal(cpu_run(0, world_poll, NULL), 0);
		dma_fini();
		world_expect(0, "was never released");
		world_expect(0xe6000008, "with 2 adapter channels left");
		world_expect(0xe6000009, "map registers");
		world_end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_base_that_is_none_is_reported_and_not_followed),
		cmocka_unit_test(all_registers_are_freed_whatever_the_count),
		cmocka_unit_test(registers_of_a_held_channel_go_with_it),
		cmocka_unit_test(a_channel_freed_too_often_is_reported),
		cmocka_unit_test(registers_may_be_freed_while_the_routine_still_runs),
		cmocka_unit_test(a_channel_may_be_freed_while_the_routine_still_runs),
		cmocka_unit_test(registers_freed_while_mapped_are_reported),
		cmocka_unit_test(what_waits_for_the_adapter_can_be_cancelled),
		cmocka_unit_test(what_is_granted_and_not_called_can_be_cancelled),
		cmocka_unit_test(what_waits_for_registers_can_be_cancelled),
		cmocka_unit_test(d6_what_an_adapter_leaves_is_reported_with_its_birthplace),
		cmocka_unit_test(who_waits_for_registers_is_never_called_then),
		cmocka_unit_test(an_adapter_may_go_away_inside_its_routine),
		cmocka_unit_test(the_machine_may_end_with_channels_that_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
