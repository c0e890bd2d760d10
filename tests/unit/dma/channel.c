/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* How a driver comes to an adapter channel: CH-1 to CH-6, MR-2, X-10, under every engine. */
#include "channels.h"

/* ---- CH-1, CH-5 ---- */

static void at_once(void)
{
	assert_int_equal(ask(0, 4, 0x99), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 1);
	assert_ptr_equal(driver.called_device, driver.device[0]);
	assert_ptr_equal(driver.irp, (PIRP)0x5555);
	assert_ptr_equal(driver.context, (void *)0x99);
	assert_non_null(driver.base);
	/* DeallocateObject: nothing is left. */
	expect_taken(0);
}

static void ch1_the_routine_runs_inside_the_call_when_all_is_free(void **state)
{
	each_engine(at_once);
}

static void taken_inside(void)
{
	expect_taken(3);
}

static void three_actions(void)
{
	void *base;

	driver.inside = taken_inside;
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, 3, 0), STATUS_SUCCESS);
	expect_taken(0);
	/* The adapter is free, the registers are not. */
	driver.action = DeallocateObjectKeepRegisters;
	assert_int_equal(ask(0, 3, 0), STATUS_SUCCESS);
	base = driver.base;
	expect_taken(3);
	driver.inside = NULL;
	driver.action = DeallocateObject;
	assert_int_equal(ask(1, 1, 0), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 3);
	assert_ptr_not_equal(driver.base, base);
	unkeep(base, 3);
	expect_taken(0);
	/* The adapter is not free, nor are the registers; FreeAdapterChannel gives both. */
	driver.action = KeepObject;
	assert_int_equal(ask(0, 3, 0), STATUS_SUCCESS);
	expect_taken(3);
	assert_int_equal(ask(1, 1, 0), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 4);
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
	driver.action = DeallocateObject;
	let_go();
	assert_int_equal(driver.calls, 5);
	expect_taken(0);
}

static void ch5_each_action_keeps_what_it_says(void **state)
{
	each_engine(three_actions);
}

static void bad_action(void)
{
	driver.action = (IO_ALLOCATION_ACTION)7;
	assert_int_equal(ask(0, 3, 0), STATUS_SUCCESS);
	world_expect(0, "AdapterControl returned 7");
	expect_taken(0);
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, LIMIT, 0), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 2);
}

static void ch5_another_return_value_releases_everything_and_is_reported(void **state)
{
	each_engine(bad_action);
}

/* One at a time has the adapter; the others come in the order of their calls, whatever they need.
 */
static void in_order(void)
{
	driver.action = KeepObject;
	assert_int_equal(ask(0, 1, 10), STATUS_SUCCESS);
	assert_int_equal(ask(1, 8, 11), STATUS_SUCCESS);
	assert_int_equal(ask(2, 1, 12), STATUS_SUCCESS);
	assert_int_equal(ask(3, 2, 13), STATUS_SUCCESS);
	let_go();
	assert_int_equal(driver.calls, 1);
	for (unsigned n = 1; n < 4; n++) {
		dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
		/* Not inside the call that releases. */
		assert_int_equal(driver.calls, n);
		let_go();
		assert_int_equal(driver.calls, n + 1);
		assert_ptr_equal(driver.context, (void *)(10ul + n));
	}
	expect_taken(2);
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, 1, 14), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 5);
}

static void ch1_who_waits_for_the_adapter_comes_in_order(void **state)
{
	each_engine(in_order);
}

/* Several that free the adapter at once are served by one release. */
static void chain_of_waiters(void)
{
	driver.action = KeepObject;
	assert_int_equal(ask(0, 1, 20), STATUS_SUCCESS);
	for (unsigned n = 1; n < 5; n++)
		assert_int_equal(ask(n, 8, 20 + n), STATUS_SUCCESS);
	driver.action = DeallocateObject;
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
	let_go();
	assert_int_equal(driver.calls, 5);
	for (unsigned n = 0; n < 5; n++)
		assert_ptr_equal(driver.order[n], (void *)(20ul + n));
	expect_taken(0);
}

static void one_release_serves_all_who_do_not_keep_it(void **state)
{
	each_engine(chain_of_waiters);
}

/* ---- CH-2 ---- */

static void above_limit(void)
{
	assert_int_equal(ask(0, LIMIT + 1, 0), ISR);
	world_expect(0xe600000c, "a channel with 9 map registers was asked for; the adapter has at "
				 "most 8");
	assert_int_equal(ask(0, UINT32_MAX, 0), ISR);
	world_expect(0xe600000c, "4294967295");
	let_go();
	assert_int_equal(driver.calls, 0);
	assert_int_equal(ask(0, LIMIT, 0), STATUS_SUCCESS);
	assert_int_equal(ask(0, 0, 0), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 2);
}

static void ch2_more_than_the_adapter_has_fails_without_a_call(void **state)
{
	each_engine(above_limit);
}

/* ---- CH-3 ---- */

static void twice(void)
{
	driver.action = KeepObject;
	assert_int_equal(ask(0, 1, 1), STATUS_SUCCESS);
	/* Its AdapterControl has finished: it may ask again, and waits for itself. */
	assert_int_equal(ask(0, 1, 2), STATUS_SUCCESS);
	assert_int_equal(ask(0, 1, 3), ISR);
	world_expect(0xe600000b, "a request of this device object has not ended yet (CH-3; 1");
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
	driver.action = DeallocateObject;
	let_go();
	assert_int_equal(driver.calls, 2);
	assert_int_equal(ask(0, 1, 4), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 3);
}

static void ch3_one_request_for_each_device_object(void **state)
{
	each_engine(twice);
}

static NTSTATUS inside_status[2];

static void ask_inside(void)
{
	driver.inside = NULL;
	inside_status[0] = ask(0, 1, 0);
	inside_status[1] = ask(1, 1, 0);
}

static void from_inside(void)
{
	driver.inside = ask_inside;
	assert_int_equal(ask(0, 1, 0), STATUS_SUCCESS);
	assert_int_equal(inside_status[0], ISR);
	assert_int_equal(inside_status[1], ISR);
	world_expect(0xe600000b, "AdapterControl must not ask for a channel");
	world_expect(0xe600000b, "AdapterControl must not ask for a channel");
	let_go();
	assert_int_equal(driver.calls, 1);
}

static void ch3_the_routine_itself_must_not_ask(void **state)
{
	each_engine(from_inside);
}

/* ---- MR-2, X-10: registers ---- */

static void shortage(void)
{
	void *base = keep(6), *none = NULL;

	driver.calls = 0;
	/* A temporary shortage waits, and a need of nobody else's registers does not help: the
	 * adapter is the waiter's. */
	assert_int_equal(ask(1, 4, 31), STATUS_SUCCESS);
	assert_int_equal(ask(2, 1, 32), STATUS_SUCCESS);
	let_go();
	assert_int_equal(driver.calls, 0);
	/* Synchronous: fails, without a call. */
	assert_int_equal(ask_now(1, control, &none), ISR);
	assert_null(none);
	unkeep(base, 6);
	let_go();
	assert_int_equal(driver.calls, 2);
	assert_ptr_equal(driver.order[0], (void *)31);
	assert_ptr_equal(driver.order[1], (void *)32);
	expect_taken(0);
}

static void mr2_a_shortage_of_registers_waits_for_who_frees_them(void **state)
{
	each_pool(shortage);
}

static void synchronous_shortage(void)
{
	void *base = keep(6), *now = NULL;

	driver.calls = 0;
	assert_int_equal(ask_now(3, control, &now), ISR);
	assert_int_equal(ask_now(3, NULL, &now), ISR);
	assert_null(now);
	assert_int_equal(ask_now(2, NULL, &now), STATUS_SUCCESS);
	assert_non_null(now);
	expect_taken(8);
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterObject");
	expect_taken(6);
	/* What failed has left nothing behind. */
	driver.action = DeallocateObject;
	assert_int_equal(ask_now(2, control, &now), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 1);
	assert_ptr_equal(now, driver.base);
	unkeep(base, 6);
}

static void mr2_a_synchronous_caller_fails_in_a_shortage(void **state)
{
	each_pool(synchronous_shortage);
}

/* Without a pool there is no shortage, only a busy adapter. */
static void synchronous_busy(void)
{
	void *base = NULL;

	driver.action = KeepObject;
	assert_int_equal(ask(0, 1, 0), STATUS_SUCCESS);
	assert_int_equal(ask_now(1, control, &base), ISR);
	assert_int_equal(ask_now(1, NULL, &base), ISR);
	assert_null(base);
	assert_int_equal(driver.calls, 1);
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
	assert_int_equal(ask_now(1, NULL, &base), STATUS_SUCCESS);
	/* Held until it is released, so the next waits. */
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, 1, 0), STATUS_SUCCESS);
	let_go();
	assert_int_equal(driver.calls, 1);
	dma_channel_release(driver.adapter, DeallocateObjectKeepRegisters, "FreeAdapterObject");
	let_go();
	assert_int_equal(driver.calls, 2);
	expect_taken(1);
	unkeep(base, 1);
}

static void a_synchronous_caller_fails_while_the_adapter_is_held(void **state)
{
	each_engine(synchronous_busy);
}

/* Two adapters share the registers, and nothing else. */
static void two_adapters(void)
{
	struct dma_adapter *first = driver.adapter;
	void *base;

	driver.action = KeepObject;
	assert_int_equal(ask(0, 5, 0), STATUS_SUCCESS);
	base = driver.base;
	driver.adapter = driver_adapter(true);
	driver.action = DeallocateObject;
	assert_int_equal(ask(0, 3, 0), STATUS_SUCCESS);
	assert_int_equal(driver.calls, 2);
	assert_int_equal(ask(0, 4, 0), STATUS_SUCCESS);
	let_go();
	assert_int_equal(driver.calls, has_pool() ? 2 : 3);
	/* Its base is not the other's. */
	dma_channel_free_registers(driver.adapter, base, 5);
	world_expect(0xe6000005, "no channel of this adapter has it");
	dma_channel_release(first, DeallocateObject, "FreeAdapterChannel");
	let_go();
	assert_int_equal(driver.calls, 3);
	expect_taken(0);
	dma_adapter_free(first);
}

static void adapters_share_registers_only(void **state)
{
	each_engine(two_adapters);
}

/* ---- limits of ours ---- */

static void full_table(void)
{
	static void *bases[DMA_CHANNELS];

	for (unsigned n = 0; n < DMA_CHANNELS; n++)
		bases[n] = keep(0);
	assert_int_equal(ask(0, 1, 0), ISR);
	for (unsigned n = 0; n < DMA_CHANNELS; n++) {
		for (unsigned k = 0; k < n; k++)
			assert_ptr_not_equal(bases[n], bases[k]);
		unkeep(bases[n], 0);
	}
	assert_int_equal(ask(0, 1, 0), STATUS_SUCCESS);
}

static void more_channels_than_there_are_records_for_fail(void **state)
{
	each_engine(full_table);
}

/* A register taken on purpose fails: the documented status, nothing left. */
static void fails_on_purpose(void)
{
	nt_allocation_fail(1);
	assert_int_equal(ask(0, 2, 1), ISR);
	assert_int_equal(driver.calls, 0);
	nt_allocation_fail(0);
	/* Who was promised a call gets it. */
	driver.action = KeepObject;
	assert_int_equal(ask(0, 2, 2), STATUS_SUCCESS);
	assert_int_equal(ask(1, 2, 3), STATUS_SUCCESS);
	nt_allocation_fail(1);
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
	let_go();
	nt_allocation_fail(0);
	assert_int_equal(driver.calls, 2);
	dma_channel_release(driver.adapter, DeallocateObject, "FreeAdapterChannel");
	expect_taken(0);
}

static void a_failed_register_fails_the_call_and_no_promise(void **state)
{
	each_pool(fails_on_purpose);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ch1_the_routine_runs_inside_the_call_when_all_is_free),
		cmocka_unit_test(ch5_each_action_keeps_what_it_says),
		cmocka_unit_test(ch5_another_return_value_releases_everything_and_is_reported),
		cmocka_unit_test(ch1_who_waits_for_the_adapter_comes_in_order),
		cmocka_unit_test(one_release_serves_all_who_do_not_keep_it),
		cmocka_unit_test(ch2_more_than_the_adapter_has_fails_without_a_call),
		cmocka_unit_test(ch3_one_request_for_each_device_object),
		cmocka_unit_test(ch3_the_routine_itself_must_not_ask),
		cmocka_unit_test(mr2_a_shortage_of_registers_waits_for_who_frees_them),
		cmocka_unit_test(mr2_a_synchronous_caller_fails_in_a_shortage),
		cmocka_unit_test(a_synchronous_caller_fails_while_the_adapter_is_held),
		cmocka_unit_test(adapters_share_registers_only),
		cmocka_unit_test(more_channels_than_there_are_records_for_fail),
		cmocka_unit_test(a_failed_register_fails_the_call_and_no_promise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
