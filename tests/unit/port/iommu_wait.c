/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Completions behind the iommu of a device in another process, played by the test: nobody is given
 * a buffer back that the device may still reach, and those that complete together wait once.
 */
#include "fake.h"
#include "dma/iommu_unit.h"
#include "dma/map_register.h"

static struct port_unit *unit;
static struct fake_buffer buffer[5];
static unsigned entries, flushes;
static unsigned entries_at_flush, dones_at_flush, taken_at_flush;

static int unit_reserve(struct dma_unit *u, uint64_t address, uint64_t bytes)
{
	return 0;
}

static void unit_set(struct dma_unit *u, uint64_t address, uint64_t physical, unsigned access)
{
	entries++;
}

static bool unit_clear(struct dma_unit *u, uint64_t address, uint64_t physical)
{
	entries--;
	return true;
}

static void unit_flush(struct dma_unit *u)
{
	flushes++;
	entries_at_flush = entries;
	dones_at_flush = atomic_load(&fake.dones);
	taken_at_flush = dma_registers_taken();
}

static const struct dma_unit_ops ops = {unit_reserve, unit_set, unit_clear, unit_flush};
static struct dma_unit its = {.ops = &ops, .device = FAKE_DEVICE};

static void body(void)
{
	unsigned pinned;
	uint8_t irql;

	expect_is(dma_unit_add(&its), 0);
	for (unsigned n = 0; n < array_size(buffer); n++)
		buffer[n] = fake_buffer(0, 8192);
	unit = fake_adapter(20);
	pinned = entries;
	entries = flushes = 0;
	for (unsigned n = 0; n < array_size(buffer); n++)
		fake_submit_with(unit, &buffer[n], SRB_FLAGS_DATA_IN);
	expect_is(fake.started_count, 5);
	expect_is(entries, 10);
	/* one by itself */
	fake_complete(1, SRB_STATUS_SUCCESS);
	fake_wait(fake.dones == 1);
	expect_is(flushes, 1);
	expect_is(entries_at_flush, 8);
	expect_is(dones_at_flush, 0);
	expect_is(taken_at_flush, 10);
	/* the others in one breath */
	irql = cpu_irql_raise(IRQL_DISPATCH);
	fake_complete_all();
	cpu_irql_lower(irql);
	fake_wait(fake.dones == 5);
	expect_is(flushes, 2);
	expect_is(entries_at_flush, 0);
	expect_is(dones_at_flush, 1);
	expect_is(taken_at_flush, 8);
	expect_is(dma_registers_taken(), 0);
	entries = pinned;
	fake_adapter_end();
	expect_is(entries, 0);
	dma_unit_remove(&its);
	for (unsigned n = 0; n < array_size(buffer); n++)
		fake_buffer_free(&buffer[n]);
	expect_is(fake.violations, 0);
}

static void what_completes_together_waits_once_and_before_it_is_given_back(void **state)
{
	const struct dma_config config = {.engine = DMA_IOMMU};

	fake_dma = &config;
	fake_run(body, true);
	fake_dma = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_completes_together_waits_once_and_before_it_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
