/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Requests that wait for map registers, and gates that close in the meantime. */
#include "fake.h"
#include "dma/map_register.h"

/* From 0xff0 on: 6 and 16 registers. */
#define SOME_BYTES 20000
#define MOST_BYTES 61000

static struct port_unit *unit;
static struct fake_buffer some, most;

static void begin(void)
{
	some = fake_buffer(0xff0, SOME_BYTES);
	most = fake_buffer(0xff0, MOST_BYTES);
	unit = fake_adapter(20);
}

static void end(void)
{
	expect_is(fake.violations, 0);
	fake_adapter_end();
	fake_buffer_free(&some);
	fake_buffer_free(&most);
}

static struct port_request *submit(const struct fake_buffer *buffer)
{
	return fake_submit_with(unit, buffer, SRB_FLAGS_DATA_IN);
}

/* Those that still wait count as outstanding, so "all of them" includes them: the one that
 * is granted first must not keep the others from their turn. */
static void busy_body(void)
{
	struct port_request *second, *third;

	begin();
	submit(&some);
	second = submit(&some);
	third = submit(&some);
	expect_is(fake.started_count, 1);
	port_adapter_busy(&fake.adapter, 3);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.started_count == 1);
	expect_is(fake.started[0], second);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.started_count == 1);
	expect_is(fake.started[0], third);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.dones == 3);
	end();
}

static void busy_ends_though_others_wait_for_registers(void **state)
{
	const struct dma_config config = {.engine = DMA_IOMMU, .map_registers = 10};

	fake_dma = &config;
	fake_run(busy_body, true);
	fake_dma = NULL;
}

static void paused_body(void)
{
	struct port_request *second, *third;

	begin();
	submit(&most);
	second = submit(&some);
	third = submit(&some);
	expect_is(fake.started_count, 1);
	port_adapter_pause(&fake.adapter, 60);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(port_adapter_outstanding(&fake.adapter) == 0);
	expect_is(fake.started_count, 0);
	/* What a closed gate holds back takes nothing from other adapters. */
	expect_is(dma_registers_taken(), 0);
	port_adapter_resume(&fake.adapter);
	fake_wait(fake.started_count == 2);
	expect_is(fake.started[0], second);
	expect_is(fake.started[1], third);
	fake_complete_all();
	end();
}

static void who_is_granted_while_paused_keeps_its_place_and_no_registers(void **state)
{
	const struct dma_config config = {.engine = DMA_IOMMU, .map_registers = 17};

	fake_dma = &config;
	fake_run(paused_body, true);
	fake_dma = NULL;
}

/* The first comes back busy while the second waits for its registers: then none of the unit is
 * outstanding, and time alone can open it again (SB-8). */
static void retry_body(void)
{
	begin();
	submit(&some);
	submit(&some);
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_BUSY);
	fake_wait(fake.started_count == 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.started_count == 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.dones == 2);
	end();
}

static void busy_with_one_that_waits_for_registers_is_tried_again(void **state)
{
	const struct dma_config config = {.engine = DMA_IOMMU, .map_registers = 10};

	fake_dma = &config;
	fake_run(retry_body, true);
	fake_dma = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(busy_ends_though_others_wait_for_registers),
		cmocka_unit_test(who_is_granted_while_paused_keeps_its_place_and_no_registers),
		cmocka_unit_test(busy_with_one_that_waits_for_registers_is_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
