/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Commands that move data both ways (SG-35): the SRB, both lists, both mappings under each engine,
 * and how two needs for map registers are met without two requests waiting for each other. */
#include "fake.h"
#include "util/error.h"

#include <errno.h>

#define OUT_BYTES 9000
#define IN_BYTES  20000

static struct port_unit *unit;
static struct dma_master device;
static struct fake_buffer out, in;

static void buffers(void)
{
	out = fake_buffer(0x10, OUT_BYTES);
	in = fake_buffer(0xff0, IN_BYTES);
}

static void buffers_free(void)
{
	fake_buffer_free(&out);
	fake_buffer_free(&in);
}

static struct port_request *submit_both(void)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request =
		fake_get_with(unit, &out, SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT);
	struct port_data_in *other = port_data_in_add(request);

	expect(other != NULL);
	other->mdl = in.mdl;
	other->data = in.data;
	other->length = IN_BYTES;
	port_request_submit(request);
	cpu_irql_lower(irql);
	return request;
}

static uint32_t list_bytes(PSCATTER_GATHER_LIST list)
{
	uint32_t bytes = 0;

	for (ULONG n = 0; n < list->NumberOfElements; n++)
		bytes += list->Elements[n].Length;
	return bytes;
}

/* The device takes what it is sent and answers. */
static void transfer(struct port_request *request)
{
	PSCATTER_GATHER_LIST list = request->list;
	uint32_t at = 0;
	char byte;

	expect_is(list_bytes(list), OUT_BYTES);
	for (ULONG n = 0; n < list->NumberOfElements; n++)
		for (ULONG i = 0; i < list->Elements[n].Length; i++) {
			expect_is(
				dma_bus_read(&device,
					(uint64_t)list->Elements[n].Address.QuadPart + i, &byte, 1),
				0);
			expect_is(byte, out.data[at++]);
		}
	list = request->in->list;
	expect_is(list_bytes(list), IN_BYTES);
	at = 0;
	for (ULONG n = 0; n < list->NumberOfElements; n++)
		for (ULONG i = 0; i < list->Elements[n].Length; i++) {
			byte = (char)(at++ * 3 + 1);
			expect_is(
				dma_bus_write(&device,
					(uint64_t)list->Elements[n].Address.QuadPart + i, &byte, 1),
				0);
		}
	/* R-6 for this way too. */
	expect_is(((char *)request->in->data)[7], 7 * 3 + 1);
}

static PSRBEX_DATA_BIDIRECTIONAL both_of(struct port_request *request)
{
	return (PVOID)SrbGetSrbExDataByType(request->srb, SrbExDataTypeBidirectional);
}

static void look_at_srb(struct port_request *request)
{
	PSTORAGE_REQUEST_BLOCK srb = request->srb;
	PSRBEX_DATA_BIDIRECTIONAL both = both_of(request);

	expect_is(srb->SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION,
		SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT);
	expect_is(srb->DataTransferLength, OUT_BYTES);
	expect_is(srb->NumSrbExData, 2);
	expect(both != NULL);
	if (!both)
		return;
	expect_is(both->Length, SRBEX_DATA_BIDIRECTIONAL_LENGTH);
	expect_is(both->DataInTransferLength, IN_BYTES);
	expect_is(SrbGetCdbLength(srb), 6); /* the CDB is still found */
}

static uint32_t transferred, transferred_in;

static void note_done(struct port_request *request)
{
	transferred = request->transferred;
	transferred_in = request->in->transferred;
	fake_done(request);
}

static void body(void)
{
	struct port_request *request;

	buffers();
	unit = fake_adapter(20);
	device = fake_master();
	expect_is(port_data_in_enable(&fake.adapter), 0);
	expect_is(port_data_in_enable(&fake.adapter), 0);
	request = submit_both();
	request->done = note_done;
	expect_is(fake.started_count, 1);
	look_at_srb(request);
	transfer(request);
	((PSTORAGE_REQUEST_BLOCK)request->srb)->DataTransferLength = 8000;
	both_of(request)->DataInTransferLength = 19999;
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(transferred, 8000);
	expect_is(transferred_in, 19999);
	for (uint32_t n = 0; n < IN_BYTES; n++)
		expect_is(in.data[n], (char)(n * 3 + 1));
	/* The slot's next request goes one way again. */
	expect_is(fake_submit_with(unit, &out, SRB_FLAGS_DATA_OUT), request);
	expect_is(request->in, NULL);
	expect_is(both_of(request), NULL);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.violations, 0);
	fake_adapter_end();
	buffers_free();
}

static void run(const struct dma_config *config, enum mem_policy memory, unsigned width)
{
	fake_dma = config;
	fake_width = width;
	fake_memory = memory;
	fake_run(body, true);
}

static void both_ways_carry_their_data_under_each_engine(void **state)
{
	const struct dma_config direct = {.engine = DMA_DIRECT}, bounce = {.engine = DMA_BOUNCE},
				iommu = {.engine = DMA_IOMMU},
				strict = {.engine = DMA_IOMMU, .strict = true};

	run(&direct, MEM_SCATTERED, 64);
	run(&bounce, MEM_HIGH, 32);
	run(&iommu, MEM_SCATTERED, 64);
	run(&strict, MEM_SCATTERED, 64);
}

/* ---- who may ---- */

static void plain_body(void)
{
	unit = fake_adapter(20);
	expect_is(port_data_in_enable(&fake.adapter), -ENOTSUP);
	fake_adapter_end();
}

static void late_body(void)
{
	uint8_t irql;
	struct port_request *request;

	unit = fake_adapter(20);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	request = fake_get(unit);
	expect_is(port_data_in_add(request), NULL);
	port_request_put(request);
	cpu_irql_lower(irql);
	fake_adapter_end();
}

static void only_extended_srbs_and_adapters_that_were_prepared_have_it(void **state)
{
	fake_run(plain_body, false);
	fake_run(late_body, true);
}

/* ---- bad data ---- */

static _Atomic unsigned failed;
static uint8_t failed_status;

static void note_failure(struct port_request *request)
{
	failed_status = request->srb_status;
	failed++;
	fake_done(request);
}

/* wrong is of the data-in; the other way is right, and is not left mapped. */
static void fails(uint32_t length, PMDL mdl, uint32_t out_length)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request =
		fake_get_with(unit, &out, SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT);
	struct port_data_in *other = port_data_in_add(request);

	other->mdl = mdl;
	other->data = in.data;
	other->length = length;
	request->length = out_length;
	request->done = note_failure;
	failed = 0;
	port_request_submit(request);
	cpu_irql_lower(irql);
	fake_wait(failed == 1);
	expect_is(failed_status, SRB_STATUS_INVALID_REQUEST);
	expect(atomic_exchange(&fake.violations, 0) >= 1);
	expect_is(fake.started_count, 0);
}

static void bad_body(void)
{
	struct dma_counts counts;

	buffers();
	unit = fake_adapter(20);
	expect_is(port_data_in_enable(&fake.adapter), 0);
	fails(IN_BYTES, NULL, OUT_BYTES);
	fails(IN_BYTES + 1, in.mdl, OUT_BYTES);
	fails(0, in.mdl, OUT_BYTES);
	fails(65537, in.mdl, OUT_BYTES);
	fails(IN_BYTES, in.mdl, OUT_BYTES + 1);
	fails(IN_BYTES, in.mdl, 0);
	counts = dma_adapter_counts(fake.adapter.dma);
	expect_is(counts.mapped, counts.unmapped);
	fake_adapter_end();
	buffers_free();
}

static void a_bad_side_fails_the_request_and_leaves_nothing_mapped(void **state)
{
	const struct dma_config config = {.engine = DMA_IOMMU};

	fake_dma = &config;
	fake_run(bad_body, true);
}

/* ---- map registers ---- */

/* IN_BYTES from 0xff0 on take 6 registers, OUT_BYTES from 0x10 on 3. */
static void scarce_body(void)
{
	struct port_request *first, *second;

	buffers();
	unit = fake_adapter(20);
	device = fake_master();
	expect_is(port_data_in_enable(&fake.adapter), 0);
	first = submit_both();
	expect_is(fake.started_count, 1);
	second = submit_both(); /* its data-in wait */
	expect_is(fake.started_count, 1);
	transfer(first);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.started_count == 1);
	expect_is(fake.started[0], second);
	transfer(second);
	fake_complete(0, SRB_STATUS_SUCCESS);
	/* One way's are taken by somebody else: 4 of 10 are left for 3 after 6 were had. */
	first = fake_submit_with(unit, &out, SRB_FLAGS_DATA_OUT);
	second = submit_both();
	expect_is(fake.started_count, 1);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.started_count == 1);
	expect_is(fake.started[0], second);
	transfer(second);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.violations, 0);
	fake_adapter_end();
	buffers_free();
}

static void two_needs_are_met_together_or_not_at_all(void **state)
{
	const struct dma_config config = {.engine = DMA_IOMMU, .map_registers = 10};

	fake_dma = &config;
	fake_run(scarce_body, true);
}

/* a shortage that passes, though many others of the unit come and go meanwhile. */
static void busy_body(void)
{
	struct port_request *first, *second;

	buffers();
	unit = fake_adapter(100);
	device = fake_master();
	expect_is(port_data_in_enable(&fake.adapter), 0);
	first = fake_submit_with(unit, &out, SRB_FLAGS_DATA_OUT);
	for (unsigned n = 0; n < 50; n++)
		fake_submit(unit);
	second = submit_both(); /* 7 of 10 are left for 3 after 6 were had */
	expect_is(fake.started_count, 51);
	while (fake.started_count > 1)
		fake_complete(1, SRB_STATUS_SUCCESS);
	expect_is(fake.dones, 50);
	expect_is(fake.started[0], first);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_wait(fake.started_count == 1);
	expect_is(fake.started[0], second);
	transfer(second);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(fake.violations, 0);
	fake_adapter_end();
	buffers_free();
}

static void two_needs_outlast_many_completions_of_others(void **state)
{
	const struct dma_config config = {.engine = DMA_IOMMU, .map_registers = 10};

	fake_dma = &config;
	fake_run(busy_body, true);
}

static void never_body(void)
{
	buffers();
	unit = fake_adapter(20);
	expect_is(port_data_in_enable(&fake.adapter), 0);
	fails(IN_BYTES, in.mdl, OUT_BYTES); /* 6 and 3 of 8: for ever too many together */
	fake_adapter_end();
	buffers_free();
}

static void needs_that_no_waiting_meets_fail_after_a_while(void **state)
{
	const struct dma_config config = {.engine = DMA_IOMMU, .map_registers = 8};

	fake_dma = &config;
	fake_run(never_body, true);
}

static int reset(void **state)
{
	fake_dma = NULL;
	fake_width = 64;
	fake_memory = MEM_CONTIGUOUS;
	return 0;
}

#define in_test(name) cmocka_unit_test_teardown(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_test(both_ways_carry_their_data_under_each_engine),
		in_test(only_extended_srbs_and_adapters_that_were_prepared_have_it),
		in_test(a_bad_side_fails_the_request_and_leaves_nothing_mapped),
		in_test(two_needs_are_met_together_or_not_at_all),
		in_test(two_needs_outlast_many_completions_of_others),
		in_test(needs_that_no_waiting_meets_fail_after_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
