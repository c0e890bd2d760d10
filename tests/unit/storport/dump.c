/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* How a miniport is brought up in crash-dump mode. "The page" is Microsoft's "Restrictions on
 * Miniport Drivers that Manage the Boot Drive"; other facts are spec/storport.md's. */
#include "dump_world.h"

static struct {
	unsigned entries, finds, initializes;
	char arguments[16];
	PORT_CONFIGURATION_INFORMATION config;
	void *context;
	void *uncached;
	ULONG uncached_asked;
} seen;

static int setup(void **state)
{
	memset(&seen, 0, sizeof(seen));
	return dump_miniport(state);
}

#define setup_test(name) cmocka_unit_test_setup(name, setup)

static ULONG NTAPI find(PVOID ext, PVOID context, PVOID bus, PCHAR arguments,
	PPORT_CONFIGURATION_INFORMATION config, PBOOLEAN again)
{
	ULONG answer = world_find(ext, context, bus, arguments, config, again);

	if (!second.runs)
		return answer;
	seen.finds++;
	seen.config = *config;
	snprintf(seen.arguments, sizeof(seen.arguments), "%s", arguments);
	expect_is(KeGetCurrentIrql(), HIGH_LEVEL);
	expect_is(context, NULL);
	expect_is(bus, NULL);
	if (seen.uncached_asked)
		seen.uncached = StorPortGetUncachedExtension(ext, config, seen.uncached_asked);
	return answer;
}

static void data(HW_INITIALIZATION_DATA *hw)
{
	hw->HwFindAdapter = (PVOID)find;
}

static void initialize(void)
{
	seen.initializes += second.runs;
	if (second.runs)
		expect_is(KeGetCurrentIrql(), HIGH_LEVEL);
}

static NTSTATUS entry(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	HW_INITIALIZATION_DATA hw = world_data();

	data(&hw);
	if (second.runs) {
		seen.entries++;
		expect_is(driver, NULL);
		expect_is(registry, NULL);
		expect_is(KeGetCurrentIrql(), HIGH_LEVEL);
	}
	return (NTSTATUS)StorPortInitialize(driver, registry, &hw, NULL);
}

/* The page: NULL arguments of DriverEntry, "dump=1"; 4.1, row 3: HIGH_LEVEL; 4.9: DumpMode. */
static void the_driver_is_told_three_times_that_it_is_in_dump_mode(void **state)
{
	miniport.entry = entry;
	miniport.initialize = initialize;
	second.config.data = &seen;
	dump_good(NULL);
	assert_int_equal(seen.entries, 1);
	assert_int_equal(seen.finds, 1);
	assert_int_equal(seen.initializes, 1);
	assert_string_equal(seen.arguments, "dump=1");
	assert_int_equal(seen.config.DumpMode, DUMP_MODE_CRASH);
	assert_ptr_equal(seen.config.MiniportDumpData, &seen);
	assert_int_equal(seen.config.InterruptMode, LevelSensitive);
	assert_int_equal(seen.config.DumpRegion.Length, 0);
}

static void in_ordinary_mode_there_is_no_dump_mode(PPORT_CONFIGURATION_INFORMATION config)
{
	if (second.runs)
		return;
	expect_is(config->DumpMode, 0);
	expect_is(config->MiniportDumpData, NULL);
}

static void the_first_driver_is_told_nothing_of_it(void **state)
{
	miniport.offer = in_ordinary_mode_there_is_no_dump_mode;
	dump_good(NULL);
}

/* MEMORY_REGION: physically contiguous. */
static void region_is_contiguous(void)
{
	MEMORY_REGION region = seen.config.DumpRegion;

	expect_is(region.Length, 9000);
	for (ULONG at = 0; at < region.Length; at += 1000)
		expect_is(mem_physical(region.VirtualBase + at),
			(uint64_t)region.PhysicalBase.QuadPart + at);
}

static void the_dump_region_is_what_the_first_driver_asked_for(void **state)
{
	miniport.data = data;
	second.config.region_bytes = 9000;
	dump_good(region_is_contiguous);
}

static void uncached_is_one_stretch(void)
{
	ULONG length;
	STOR_PHYSICAL_ADDRESS address =
		StorPortGetPhysicalAddress(world.ext, NULL, seen.uncached, &length);

	expect_is(length, seen.uncached_asked);
	expect_is(mem_physical(seen.uncached), address.QuadPart);
	expect_is(StorPortGetVirtualAddress(world.ext, address), seen.uncached);
	/* 1.9: page aligned, except in dump mode */
	expect((uintptr_t)seen.uncached % MEM_PAGE_SIZE != 0);
	expect_is(*(char *)seen.uncached, 0);
}

/* MINIPORT_DUMP_POINTERS: a common buffer is 64 KiB at most. covers: StorPortGetUncachedExtension
 */
static void uncached_memory_is_scarce(void **state)
{
	miniport.data = data;
	seen.uncached_asked = 65536;
	dump_good(uncached_is_one_stretch);
}

static void too_much_was_told(void)
{
	expect_is(seen.uncached, NULL);
	expect_violation(0, "StorPortGetUncachedExtension of 65537 bytes in dump mode");
}

static void more_uncached_memory_is_refused(void **state)
{
	miniport.data = data;
	seen.uncached_asked = 65537;
	dump_good(too_much_was_told);
}

/* ---- what fails ---- */

static NTSTATUS refuse(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	HW_INITIALIZATION_DATA hw = world_data();

	return registry ? (NTSTATUS)StorPortInitialize(driver, registry, &hw, NULL)
			: STATUS_NOT_SUPPORTED;
}

static void a_driver_entry_that_fails_is_told(void **state)
{
	miniport.entry = refuse;
	dump_fails(EIO, "dump_test: DriverEntry failed with status c00000bb");
}

static NTSTATUS wrong_arguments(PDRIVER_OBJECT driver, PUNICODE_STRING registry)
{
	HW_INITIALIZATION_DATA hw = world_data();

	return (NTSTATUS)StorPortInitialize(second.runs ? (PVOID)&hw : driver, registry, &hw, NULL);
}

static void storport_initialize_wants_the_arguments_of_driver_entry(void **state)
{
	miniport.entry = wrong_arguments;
	world_run(DMA_CALLBACK_QUEUED, world_dump);
	assert_int_equal(second.result, -EIO);
	assert_int_equal(world.violations, 1);
	assert_non_null(strstr(world.violation, "must be DriverEntry's, which are NULL"));
}

static void not_found(PPORT_CONFIGURATION_INFORMATION config)
{
	if (second.runs)
		miniport.find_result = SP_RETURN_NOT_FOUND;
}

static void a_find_adapter_that_refuses_is_told(void **state)
{
	miniport.find = not_found;
	dump_fails(ENODEV, "HwStorFindAdapter does not take test device: it returned 0");
}

static void initialize_fails(void)
{
	miniport.initialize_result = !second.runs;
}

static void an_initialize_that_fails_is_told(void **state)
{
	miniport.initialize = initialize_fails;
	dump_fails(EIO, "HwStorInitialize failed in dump mode for test device");
}

static void no_interrupt(HW_INITIALIZATION_DATA *hw)
{
	if (second.runs)
		hw->HwInterrupt = NULL;
}

static void without_a_routine_to_poll_there_is_no_dump(void **state)
{
	miniport.data = no_interrupt;
	dump_fails(EINVAL, "has no HwInterrupt");
}

static void a_narrow_device_gets_no_dump(void **state)
{
	second.config.width = 31;
	dump_fails(ERANGE, "test device drives 31");
}

static void all_of_it_is_reachable(void)
{
	expect(mem_physical(second.dump.buffer) + second.dump.bytes <= MEM_4GIB);
	expect(mem_physical(second.dump.request->extension) < MEM_4GIB);
}

static void a_device_of_32_bits_reaches_the_data(void **state)
{
	miniport.memory = MEM_HIGH;
	second.config.width = 32;
	dump_good(all_of_it_is_reachable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		setup_test(the_driver_is_told_three_times_that_it_is_in_dump_mode),
		setup_test(the_first_driver_is_told_nothing_of_it),
		setup_test(the_dump_region_is_what_the_first_driver_asked_for),
		setup_test(uncached_memory_is_scarce),
		setup_test(more_uncached_memory_is_refused),
		setup_test(a_driver_entry_that_fails_is_told),
		setup_test(storport_initialize_wants_the_arguments_of_driver_entry),
		setup_test(a_find_adapter_that_refuses_is_told),
		setup_test(an_initialize_that_fails_is_told),
		setup_test(without_a_routine_to_poll_there_is_no_dump),
		setup_test(a_narrow_device_gets_no_dump),
		setup_test(a_device_of_32_bits_reaches_the_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
