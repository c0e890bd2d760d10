/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The short way of an ordinary request (page.c) does what the long one does, and is left where a
 * request is not ordinary. AddressSanitizer's machines have none: there every request goes the long
 * way, and the same is expected of it. */
#include "fake.h"
#include "port/list_life.h"

#define BYTES 3584

static const struct dma_config direct;
static struct port_unit *unit;
static struct fake_buffer buffer;

/* ---- the SRB ---- */

static uint8_t image[PORT_SRB_BYTES];

static void prepared_alike(struct port_request *request, unsigned bytes)
{
	memset(request->srb, 0xee, PORT_SRB_BYTES);
	port_srb_prepare(request);
	memcpy(image, request->srb, sizeof(image));
	memset(request->srb, 0x11, PORT_SRB_BYTES);
	port_page_prepare(request);
	for (unsigned n = 0; n < bytes; n++)
		if (((uint8_t *)request->srb)[n] != image[n])
			fprintf(stderr, "byte %u: %02x, not %02x\n", n,
				((uint8_t *)request->srb)[n], image[n]);
	expect(!memcmp(request->srb, image, bytes));
	/* and nothing behind it */
	for (unsigned n = bytes; n < PORT_SRB_BYTES; n++)
		expect_is(((uint8_t *)request->srb)[n], 0x11);
}

static void prepare_all(void)
{
	static const uint8_t maps[] = {STOR_MAP_NO_BUFFERS, STOR_MAP_ALL_BUFFERS,
		STOR_MAP_NON_READ_WRITE_BUFFERS, STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE};
	bool extended = fake.adapter.limits.extended_srb;
	struct port_request *request;
	uint8_t irql;

	fake_adapter(20);
	unit = port_unit_add(&fake.adapter, 7, 127, 254);
	buffer = fake_buffer(512, BYTES);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	request = fake_get_with(unit, &buffer, SRB_FLAGS_DATA_IN);
	for (unsigned n = 0; n < 2 * array_size(maps); n++) {
		request->cdb[0] = n & 1 ? SCSIOP_WRITE16 : SCSIOP_READ;
		for (unsigned at = 1; at < sizeof(request->cdb); at++)
			request->cdb[at] = (uint8_t)(0x80 + at);
		request->cdb_length = n & 1 ? 16 : 10;
		request->flags = n & 1 ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN;
		request->timeout = 0x12345678;
		fake.adapter.limits.map_buffers = maps[n / 2];
		port_page_settle(&fake.adapter);
		prepared_alike(request,
			extended ? PORT_SRB_BOTH_AT : (unsigned)sizeof(SCSI_REQUEST_BLOCK));
	}
	request->done(request);
	cpu_irql_lower(irql);
	fake_buffer_free(&buffer);
	fake_adapter_end();
}

static void the_srb_is_byte_for_byte_that_of_the_long_way(void **state)
{
	fake_dma = NULL;
	fake_run(prepare_all, true);
	fake_run(prepare_all, false);
}

/* ---- the way ---- */

static struct port_request *submit(bool is_short)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = fake_get_with(unit, &buffer, SRB_FLAGS_DATA_IN);

	request->cdb[0] = SCSIOP_READ;
	request->cdb_length = 10;
	if (is_short && fake.adapter.takes_pages)
		port_page_submit(request);
	else
		port_request_submit(request);
	cpu_irql_lower(irql);
	return request;
}

static void begin(void)
{
	unit = fake_adapter(3);
	buffer = fake_buffer(512, BYTES);
#ifndef DRY_ASAN
	expect(fake.adapter.takes_pages);
#endif
}

static void end(void)
{
	fake_adapter_end();
	fake_buffer_free(&buffer);
}

/* Each is the first on its slot's list twice: what is expected does not depend on its way. */
static void alike(void)
{
	begin();
	for (unsigned n = 0; n < 8; n++) {
		struct port_request *request = submit(n % 3);
		PSCATTER_GATHER_LIST list = request->list;

#ifndef DRY_ASAN
		expect_is(request->is_page, n % 3 != 0);
#endif
		expect_is(fake.started_count, 1);
		expect_is(request->state, PORT_REQUEST_STARTED);
		expect_is(request->id, n + 1);
		expect_is(request->deadline, fake.adapter.tick + request->timeout + 1);
		expect(request->mapped && request->is_counted && !request->is_failed);
		expect_is(unit->outstanding, 1);
		expect_is(fake.adapter.outstanding, 1);
		expect_is(list->NumberOfElements, 1);
		expect_is(list->Elements[0].Address.QuadPart, mem_physical(buffer.data));
		expect_is(list->Elements[0].Length, BYTES);
		expect_is(SrbGetSrbStatus((PVOID)request->srb), SRB_STATUS_PENDING);
		expect_is(SrbGetDataTransferLength((PVOID)request->srb), BYTES);
		fake_complete(0, SRB_STATUS_SUCCESS);
		expect_is(fake.dones, n + 1);
		expect_is(request->srb_status, SRB_STATUS_SUCCESS);
		expect_is(request->transferred, BYTES);
		expect(!request->mapped && !request->is_counted);
		expect_is(unit->outstanding, 0);
		expect_is(fake.adapter.outstanding, 0);
	}
	expect_is(dma_adapter_counts(fake.adapter.dma).mapped, 8);
	expect_is(dma_adapter_counts(fake.adapter.dma).unmapped, 8);
	expect_is(fake.violations, 0);
	end();
}

/* Depth 3: the fourth waits, and goes the long way when one is back. */
static void queued(void)
{
	struct port_request *last;

	begin();
	for (unsigned n = 0; n < 3; n++)
		submit(true);
	last = submit(true);
	expect_is(fake.started_count, 3);
	expect_is(last->state, PORT_REQUEST_QUEUED);
	fake_complete(1, SRB_STATUS_SUCCESS);
	expect_is(fake.started_count, 3);
	expect_is(last->state, PORT_REQUEST_STARTED);
	expect(!last->is_page);
	fake_complete_all();
	expect_is(fake.dones, 4);
	end();
}

/* An adapter's limit below its units' depths: who is refused goes on when another is back, whatever
 * way that went, and after that ends are short again. */
static void limited(void)
{
	struct port_unit *other, *first;
	struct port_request *refused;

	fake.max_outstanding = 2;
	begin();
	first = unit;
	other = port_unit_add(&fake.adapter, 0, 1, 0);
	for (unsigned round = 0; round < 3; round++) {
		unit = first;
		submit(true);
		submit(true);
		unit = other;
		refused = submit(true);
		expect_is(fake.started_count, 2);
		expect_is(refused->state, PORT_REQUEST_QUEUED);
		fake_complete(0, SRB_STATUS_SUCCESS);
		expect_is(fake.started_count, 2);
		expect_is(refused->state, PORT_REQUEST_STARTED);
		expect(!(fake.adapter.detour & PORT_REFUSED));
		fake_complete_all();
		expect_is(fake.dones, 3 * (round + 1));
		expect_is(fake.adapter.outstanding, 0);
	}
	fake.max_outstanding = 0;
	end();
}

static void gated(void)
{
	begin();
	port_adapter_pause(&fake.adapter, 100);
	submit(true);
	expect_is(fake.started_count, 0);
	port_adapter_resume(&fake.adapter);
	fake_wait(fake.started_count == 1);
	fake_complete_all();
	port_unit_pause(unit, 100);
	submit(true);
	expect_is(fake.started_count, 0);
	port_unit_resume(unit);
	fake_wait(fake.started_count == 1);
	fake_complete_all();
	expect_is(fake.dones, 2);
	end();
}

/* What does not simply go well is read back as ever; a busy one is sent again. */
static void not_well(void)
{
	struct port_request *request;

	begin();
	request = submit(true);
	SrbSetDataTransferLength((PVOID)request->srb, 100);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(request->transferred, 100);
	request = submit(true);
	SrbSetScsiStatus((PVOID)request->srb, SCSISTAT_CHECK_CONDITION);
	SrbSetSenseInfoBufferLength((PVOID)request->srb, 18);
	fake_complete(0, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
	expect_is(request->srb_status, SRB_STATUS_ERROR);
	expect_is(request->scsi_status, SCSISTAT_CHECK_CONDITION);
	expect_is(request->sense_length, 18);
	request = submit(true);
	fake_complete(0, SRB_STATUS_BUSY);
	fake_wait(fake.started_count == 1);
	expect(fake.started[0] == request);
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(request->srb_status, SRB_STATUS_SUCCESS);
	expect_is(request->transferred, BYTES);
	expect_is(fake.dones, 3);
	expect_is(dma_adapter_counts(fake.adapter.dma).mapped, 4);
	expect_is(dma_adapter_counts(fake.adapter.dma).unmapped, 4);
	end();
}

/* SB-12, SB-13, SG-31 */
static void misused(void)
{
	struct port_request *request;
	char were[64];
	uint8_t irql;

	begin();
	request = submit(true);
	request->list->Elements[0].Address.QuadPart += 8;
	fake_complete(0, SRB_STATUS_SUCCESS);
	snprintf(were, sizeof(were), "they were 1 and %#llx.",
		(unsigned long long)mem_physical(buffer.data));
	expect_has(fake.violation, were);
	fake_violation(0, "was modified while the miniport had");
	request = submit(true);
	request->list->NumberOfElements = 2;
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_violation(0, "NumberOfElements is 2");
	irql = cpu_irql_raise(IRQL_DISPATCH);
	expect(!port_request_complete(request));
	cpu_irql_lower(irql);
	fake_violation(0xf1002004, "a second time");
#ifndef DRY_ASAN
	request->list->NumberOfElements = 1;
	while (fake.violations == 0 && fake.dones < 2 * PORT_SLOTS) {
		submit(true);
		fake_complete(0, SRB_STATUS_SUCCESS);
	}
	expect_is(fake.violations, 1);
	fake.violations = 0;
#endif
	end();
}

/* Who writes to a list that has died is told whose it was, whichever way that one went, and goes
 * who has it next. */
static void touched(bool next_is_short)
{
	struct port_request *request;
	char whose[64];

	begin();
	submit(false);
	fake_complete(0, SRB_STATUS_SUCCESS);
	request = submit(true);
	snprintf(whose, sizeof(whose), "list of request %llu was written to after",
		(unsigned long long)request->id);
	fake_complete(0, SRB_STATUS_SUCCESS);
#ifndef DRY_ASAN
	request->list->NumberOfElements = 1;
	while (fake.violations == 0 && fake.dones < 2 * PORT_SLOTS) {
		submit(next_is_short);
		fake_complete(0, SRB_STATUS_SUCCESS);
	}
	fake_violation(0, whose);
#endif
	end();
}

static void touched_then_long(void)
{
	touched(false);
}

static void touched_then_short(void)
{
	touched(true);
}

/* ---- how long it took ---- */

static struct {
	uint64_t id, latency;
	unsigned count;
} seen;

static void see(void *ctx, const struct trace_event *event)
{
	seen.id = event->arg[0];
	seen.latency = event->arg[3];
	seen.count += seen.latency != 0;
}

static void complete_later(void)
{
	uint64_t start = cpu_clock();

	while (cpu_clock() == start)
		;
	fake_complete(0, SRB_STATUS_SUCCESS);
}

/* Of one in sixteen, if somebody listens when it is submitted and when it is done. A record that
 * was sampled, and ended when nobody listened, is not one later. */
static void sampled(void)
{
	struct port_request *request;
	bool is_due;

	begin();
	seen.count = 0;
	trace_subscribe(1ull << TRACE_SRB_DONE, see, NULL);
	for (unsigned n = 0; n < 4 * 16; n++) {
		submit(n % 2);
		complete_later();
	}
	expect_is(seen.count, 4);
	for (unsigned n = 0; n < 2 * PORT_SLOTS * 16; n++) {
		request = submit(true);
		is_due = !(request->id % 16);
		trace_unsubscribe(see, NULL);
		complete_later();
		if (is_due)
			break;
		trace_subscribe(1ull << TRACE_SRB_DONE, see, NULL);
	}
	for (unsigned n = 0; n < 2 * PORT_SLOTS; n++) {
		bool is_same = submit(true) == request;

		trace_subscribe(1ull << TRACE_SRB_DONE, see, NULL);
		seen.latency = 1;
		complete_later();
		trace_unsubscribe(see, NULL);
		expect_is(seen.latency, 0);
		if (is_same)
			break;
	}
	end();
}

/* The MDL is the one that the submitter has given, and is filled in when somebody asks. */
static void mdl(void)
{
	PMDL given;
	struct port_request *request;
	uint8_t irql;

	begin();
	given = IoAllocateMdl(buffer.data, MEM_PAGE_SIZE, FALSE, FALSE, NULL);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	request = fake_get_with(unit, &buffer, SRB_FLAGS_DATA_IN);
	request->mdl = given;
	request->mdl_is_due = true;
	request->cdb[0] = SCSIOP_READ;
	if (fake.adapter.takes_pages)
		port_page_submit(request);
	else
		port_request_submit(request);
	cpu_irql_lower(irql);
	expect(port_request_mdl(request) == given);
	expect(!request->mdl_is_due);
	expect_is(MmGetMdlByteCount(given), BYTES);
	expect_is(MmGetMdlByteOffset(given), 512);
	expect(MmGetMdlVirtualAddress(given) == buffer.data);
	expect_is(*MmGetMdlPfnArray(given), mem_physical(buffer.data) >> MEM_PAGE_SHIFT);
	fake_complete_all();
	IoFreeMdl(given);
	end();
}

static void with_dma(void (*body)(void))
{
	fake_dma = &direct;
	fake_run(body, true);
	fake_run(body, false);
}

static void a_request_is_the_same_whichever_way_it_went(void **state)
{
	with_dma(alike);
}

static void one_that_may_not_start_waits_in_its_units_queue(void **state)
{
	with_dma(queued);
	with_dma(limited);
	with_dma(gated);
}

static void what_does_not_go_well_is_read_back_and_sent_again(void **state)
{
	with_dma(not_well);
}

static void who_misuses_a_request_or_its_list_is_told(void **state)
{
	with_dma(misused);
	with_dma(touched_then_long);
	with_dma(touched_then_short);
}

static void the_latency_of_one_in_sixteen_is_told(void **state)
{
	with_dma(sampled);
}

static void its_mdl_is_filled_in_when_somebody_asks(void **state)
{
	with_dma(mdl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_srb_is_byte_for_byte_that_of_the_long_way),
		cmocka_unit_test(a_request_is_the_same_whichever_way_it_went),
		cmocka_unit_test(one_that_may_not_start_waits_in_its_units_queue),
		cmocka_unit_test(what_does_not_go_well_is_read_back_and_sent_again),
		cmocka_unit_test(who_misuses_a_request_or_its_list_is_told),
		cmocka_unit_test(the_latency_of_one_in_sixteen_is_told),
		cmocka_unit_test(its_mdl_is_filled_in_when_somebody_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
