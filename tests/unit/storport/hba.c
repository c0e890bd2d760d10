/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* An adapter's way up, with miniports that fail or talk nonsense on it: nothing is left, and the
 * error says what it was. */
#include "world.h"

static void fails_with(const char *words)
{
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_true(world.start_result < 0);
	if (!strstr(world.start_error, words))
		fail_msg("\"%s\" does not say \"%s\"", world.start_error, words);
}

static void a_good_miniport_starts(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(world.violations, 0);
}

static void each_result_of_find_adapter_is_told(void **state)
{
	miniport.find_result = SP_RETURN_NOT_FOUND;
	fails_with("SP_RETURN_NOT_FOUND");
	world_miniport(NULL);
	miniport.find_result = SP_RETURN_ERROR;
	fails_with("SP_RETURN_ERROR");
	world_miniport(NULL);
	miniport.find_result = SP_RETURN_BAD_CONFIG;
	fails_with("SP_RETURN_BAD_CONFIG");
	world_miniport(NULL);
	miniport.find_result = 77;
	fails_with("SpReturnValue");
}

static void bad_mask(PPORT_CONFIGURATION_INFORMATION config)
{
	config->AlignmentMask = 5;
}

static void no_breaks(PPORT_CONFIGURATION_INFORMATION config)
{
	config->NumberOfPhysicalBreaks = 0;
}

static void virtual_device(PPORT_CONFIGURATION_INFORMATION config)
{
	config->VirtualDevice = TRUE;
}

static void nonsense_from_find_adapter_is_named(void **state)
{
	miniport.find = bad_mask;
	fails_with("AlignmentMask");
	world_miniport(NULL);
	miniport.find = no_breaks;
	fails_with("NumberOfPhysicalBreaks");
	world_miniport(NULL);
	miniport.find = virtual_device;
	fails_with("VirtualDevice");
}

static void a_failing_initialize_is_told(void **state)
{
	miniport.initialize_result = FALSE;
	fails_with("HwStorInitialize");
}

/* 4.9: what the port offers before HwStorFindAdapter. */
static void check_offer(PPORT_CONFIGURATION_INFORMATION config)
{
	assert_int_equal(config->Dma64BitAddresses, 0x80); /* contract 6 */
	assert_int_equal(config->SrbExtensionSize, WORLD_EXTENSION);
	assert_true(config->ScatterGather && config->Master && config->Dma32BitAddresses);
	assert_true(config->NeedPhysicalAddresses && config->TaggedQueuing);
	assert_true(config->AutoRequestSense && config->MultipleRequestPerLu);
	assert_int_equal(KeGetCurrentIrql(), PASSIVE_LEVEL);
	assert_true(config->NumberOfAccessRanges >= 1);
	/* Contract 12: the first call makes it, the second gives it. */
	assert_ptr_equal(StorPortGetUncachedExtension(world.ext, config, 5000),
		StorPortGetUncachedExtension(world.ext, config, 100));
}

static void find_adapter_is_offered_the_documented_defaults(void **state)
{
	miniport.offer = check_offer;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
}

static void initialize_runs_at_dirql(void)
{
	assert_true(KeGetCurrentIrql() > DISPATCH_LEVEL);
}

static void initialize_is_called_at_dirql(void **state)
{
	miniport.initialize = initialize_runs_at_dirql;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
}

static void limits(void)
{
	const struct port_limits *limits = &world.driver->adapters[0]->port.limits;

	/* 17 entries carry an unaligned 64 KiB. */
	assert_int_equal(limits->max_transfer, 65536);
	assert_int_equal(limits->max_elements, 17);
	assert_true(limits->extended_srb);
}

static void seventeen_breaks_carry_64_kib(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_good_miniport_starts, world_miniport),
		cmocka_unit_test_setup(each_result_of_find_adapter_is_told, world_miniport),
		cmocka_unit_test_setup(nonsense_from_find_adapter_is_named, world_miniport),
		cmocka_unit_test_setup(a_failing_initialize_is_told, world_miniport),
		cmocka_unit_test_setup(
			find_adapter_is_offered_the_documented_defaults, world_miniport),
		cmocka_unit_test_setup(initialize_is_called_at_dirql, world_miniport),
		cmocka_unit_test_setup(seventeen_breaks_carry_64_kib, world_miniport),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
