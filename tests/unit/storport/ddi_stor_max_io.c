/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* How many requests at once: said again while initialising. */
#include "world.h"

static void (*update)(void);

static void limits_are(uint32_t outstanding, uint32_t depth, uint32_t initial)
{
	const struct port_limits *limits = &world.adapter->hba.port.limits;

	expect_is(limits->max_outstanding, outstanding);
	expect_is(limits->max_depth, depth);
	expect_is(limits->initial_depth, initial);
}

static void update_adapter(void)
{
	expect_is(StorPortUpdateAdapterMaxIO(world.ext, 0), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortUpdateAdapterMaxIO(NULL, 5), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortUpdateAdapterMaxIO(world.ext, 7), STOR_STATUS_SUCCESS);
}

static void update_both(void)
{
	expect_is(StorPortUpdatePortConfigMaxIOInfo(world.ext, 100, 0),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(
		StorPortUpdatePortConfigMaxIOInfo(world.ext, 0, 5), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortUpdatePortConfigMaxIOInfo(NULL, 5, 5), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortUpdatePortConfigMaxIOInfo(world.ext, 100, 9), STOR_STATUS_SUCCESS);
}

static void update_beyond(void)
{
	expect_is(StorPortUpdateAdapterMaxIO(world.ext, 1000000), STOR_STATUS_SUCCESS);
}

static BOOLEAN NTAPI in_passive(PVOID ext)
{
	update();
	return TRUE;
}

static void late(void)
{
	expect_is(StorPortUpdateAdapterMaxIO(world.ext, 3), STOR_STATUS_INVALID_DEVICE_REQUEST);
	expect_violation(0, "outside HwStorInitialize");
	expect_is(StorPortUpdatePortConfigMaxIOInfo(world.ext, 3, 3),
		STOR_STATUS_INVALID_DEVICE_REQUEST);
	expect_violation(0, "outside HwStorInitialize");
}

static void adapter_is_updated(void)
{
	limits_are(7, 7, 7);
	late();
	limits_are(7, 7, 7);
}

static void both_are_updated(void)
{
	limits_are(100, 9, 9);
}

/* The port has 255 requests for an adapter, whatever that takes. */
static void most_are_kept(void)
{
	limits_are(255, 255, 20);
}

static void early(PPORT_CONFIGURATION_INFORMATION config)
{
	expect_is(StorPortUpdateAdapterMaxIO(world.ext, 3), STOR_STATUS_INVALID_DEVICE_REQUEST);
	expect_violation(0, "outside HwStorInitialize");
}

static void run(void (*what)(void), bool passive, void (*look)(void))
{
	world_miniport(NULL);
	update = what;
	if (passive)
		miniport.passive = in_passive;
	else
		miniport.initialize = what;
	world_run(DMA_CALLBACK_QUEUED, look);
	assert_int_equal(world.start_result, 0);
}

/* covers: StorPortUpdateAdapterMaxIO */
static void the_adapters_number_counts_when_it_is_said_while_initialising(void **state)
{
	run(update_adapter, false, adapter_is_updated);
	run(update_adapter, true, adapter_is_updated);
	run(update_beyond, true, most_are_kept);
}

/* covers: StorPortUpdatePortConfigMaxIOInfo */
static void so_does_the_units(void **state)
{
	run(update_both, false, both_are_updated);
	run(update_both, true, both_are_updated);
}

/* covers: StorPortUpdateAdapterMaxIO */
static void it_is_no_request_of_find_adapter(void **state)
{
	miniport.find = early;
	world_run(DMA_CALLBACK_QUEUED, NULL);
	assert_int_equal(world.start_result, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(the_adapters_number_counts_when_it_is_said_while_initialising),
		world_test(so_does_the_units),
		world_test(it_is_no_request_of_find_adapter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
