/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Violations and the life of the layer. */
#include "nt_kit.h"
#include "nt/nt_check.h"

static const char *place(void)
{
	return "driver.c:12 Start";
}

NT_TEST(a_violation_carries_number_text_and_the_drivers_place)
{
	nt_violation(0xE6000006, "%d lists of %s", 3, "simple");
	CHECK_VIOLATION(0xE6000006, "3 lists of simple");
	nt_driver_place = place;
	nt_violation(1, "late");
	nt_driver_place = NULL;
	CHECK_VIOLATION(1, "late [driver: driver.c:12 Start]");
}

NT_TEST(a_wrong_level_is_named_with_what_is_allowed)
{
	KIRQL old;

	CHECK(nt_irql_max("KeExample", IRQL_PASSIVE, 5));
	KeRaiseIrql(13, &old);
	CHECK(!nt_irql_max("KeExample", IRQL_APC, 5));
	CHECK_VIOLATION(
		5, "KeExample called at IRQL 13 (CLOCK_LEVEL); it must be at or below APC_LEVEL");
	KeLowerIrql(old);
	CHECK(strcmp(nt_irql_name(15), "HIGH_LEVEL") == 0);
	CHECK(strcmp(nt_irql_name(200), "no IRQL") == 0);
}

static void nobody_hears_and_nothing_happens(void **state)
{
	nt_violation(1, "to nobody %d", 1);
}

static void the_layer_starts_and_ends_again_and_again(void **state)
{
	for (unsigned i = 0; i < 5; i++) {
		machine_start(1 + i % 2, MEM_SCATTERED);
		ExFreePool(ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG));
		machine_stop();
	}
}

static KTIMER left_timer;

static VOID NTAPI end_at_once(PVOID StartContext)
{
}

static void leave_things(void *ctx)
{
	HANDLE handle;
	PVOID thread;

	KeInitializeTimer(&left_timer);
	KeSetTimer(&left_timer, in_ms(60000), NULL);
	PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, NULL, NULL, NULL, end_at_once, NULL);
	ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &thread, NULL);
	wait_for(thread);
	ObDereferenceObject(thread);
	ZwClose(handle);
	ExAllocatePoolWithTag(NonPagedPoolNx, 5000, TAG);
}

static void the_layer_may_end_after_the_processors(void **state)
{
	machine_start(2, MEM_SCATTERED);
	run_on(0, leave_things, NULL);
	cpu_fini();
	assert_int_equal(nt_fini(), 1);
	assert_true(CHECK_VIOLATION(0xC7000000, "1 timer is still set"));
	assert_true(CHECK_VIOLATION(0xC4000062, "5000 bytes"));
	assert_int_equal(mem_fini(), 0);
	trace_unsubscribe(violation_hear, NULL);
	assert_int_equal(violations.taken, violations.heard);
}

static void host_thread(void *ctx)
{
	pthread_t thread;

	pthread_create(&thread, NULL, ctx, NULL);
	pthread_join(thread, NULL);
}

static void *raise_on_host(void *ctx)
{
	KeRaiseIrqlToDpcLevel();
	return NULL;
}

static void raise_elsewhere(void *ctx)
{
	host_thread(raise_on_host);
}

static void a_routine_that_needs_a_processor_says_so(void **state)
{
	assert_dies(
		raise_elsewhere, "KeRaiseIrql was called on a host thread that is no processor");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_violation_carries_number_text_and_the_drivers_place),
		cmocka_unit_test(a_wrong_level_is_named_with_what_is_allowed),
		cmocka_unit_test(nobody_hears_and_nothing_happens),
		cmocka_unit_test(the_layer_starts_and_ends_again_and_again),
		cmocka_unit_test(the_layer_may_end_after_the_processors),
		cmocka_unit_test(a_routine_that_needs_a_processor_says_so),
	};

	return cmocka_run_group_tests_name("nt/nt", tests, NULL, NULL);
}
