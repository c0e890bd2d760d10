/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Requests of the front that go by io_page.c, and those that are nearly such: each gets what the
 * command that it became is worth, whichever way it went and came back. */
#include "target.h"
#include "port/page.h"

#define BLOCKS 4096u
#define BUFFER (4 * MEM_PAGE_SIZE)

static struct dry_io io;
static char *buffer;
static int refused;
static unsigned dones, pages;

/* What the next one is, from the done function of the one before: at DISPATCH. */
static struct order {
	enum dry_op op;
	unsigned flags;
	uint64_t at, bytes, offset; /* at: in the buffer */
} orders[600];
static unsigned order_count, order_next;

static void (*page_done)(struct port_request *request);

static void count_page(struct port_request *request)
{
	pages++;
	page_done(request);
}

static void next(struct dry_io *ended);

static void submit_next(void)
{
	const struct order *order = &orders[order_next++];

	io = (struct dry_io){.op = order->op,
		.flags = order->flags,
		.buffer = buffer + order->at,
		.count = order->bytes,
		.offset = order->offset,
		.done = next};
	refused = disk_submit(target.disk, &io);
	if (refused)
		dones++;
}

static void next(struct dry_io *ended)
{
	dones++;
}

static void up(void)
{
	struct disk_transfers *of;

	target_init(BLOCKS);
	if (fake_cpus > 1) /* counts are split where the depth is never reached */
		target.port.initial_depth = 255;
	expect_is(target_scan(), 0);
#ifdef DRY_ASAN
	expect(!port_is_alone(&fake.adapter));
#else
	expect_is(port_is_alone(&fake.adapter), fake_cpus == 1);
#endif
	buffer = mem_alloc(BUFFER, 0, MEM_DATA, NULL);
	of = fake.adapter.front;
	page_done = of->all[0].request->page_done;
	for (unsigned n = 0; n < DISK_TRANSFERS; n++)
		of->all[n].request->page_done = count_page;
	order_count = order_next = dones = pages = 0;
}

static void down(void)
{
	mem_free(buffer, BUFFER);
	target_end_all();
}

static int run_one(enum dry_op op, unsigned flags, uint64_t at, uint64_t bytes, uint64_t offset)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	unsigned before = dones;

	orders[0] = (struct order){op, flags, at, bytes, offset};
	order_next = 0;
	submit_next();
	cpu_irql_lower(irql);
	fake_wait(dones != before);
	return refused ? refused : io.result;
}

/* The bytes of a block are those of its number, unless it was written. */
static char stored(uint64_t offset)
{
	return target_byte(offset) ^ 0x5a;
}

static const uint64_t ats[] = {0, 512, MEM_PAGE_SIZE, MEM_PAGE_SIZE + 3584, 3 * MEM_PAGE_SIZE};
static const uint64_t sizes[] = {512, 1024, 4096, 4608, 8192};
static const uint64_t offsets[] = {0, 512, 65536, (BLOCKS - 16) * 512ull};

static bool is_ordinary(const struct order *order)
{
	return !order->flags && !(order->at & MEM_PAGE_MASK) && order->bytes <= MEM_PAGE_SIZE;
}

/* AddressSanitizer's machines have no short way; among several processors it comes and goes with
 * the split. */
static bool is_short(void)
{
#ifdef DRY_ASAN
	return false;
#else
	return fake_cpus == 1 || target.disk->unit->is_split;
#endif
}

static void one(const struct order *order)
{
	uint64_t moved[2], before[2];
	unsigned pages_before = pages;
	bool goes_short = is_short() && is_ordinary(order);

	for (unsigned n = 0; n < BUFFER; n++)
		buffer[n] = (char)(n * 7);
	for (uint64_t n = 0; n < order->bytes; n++)
		target.store[order->offset + n] = stored(order->offset + n);
	target.count = 0;
	disk_client_bytes(target.disk, &before[0], &before[1]);
	expect_is(run_one(order->op, order->flags, order->at, order->bytes, order->offset), 0);
	disk_client_bytes(target.disk, &moved[0], &moved[1]);
	expect_is(moved[order->op] - before[order->op], order->bytes);
	expect_is(moved[!order->op], before[!order->op]);
	expect(!disk_is_active(target.disk));
	expect_is(target.count, 1);
	expect_is(target.log[0].opcode, order->op == DRY_OP_READ ? SCSIOP_READ : SCSIOP_WRITE);
	expect_is(target.log[0].flags, order->flags ? 8 : 0);
	expect_is(target.log[0].block, order->offset / 512);
	expect_is(target.log[0].blocks, order->bytes / 512);
	expect(target.log[0].data == buffer + order->at);
	for (uint64_t n = 0; n < order->bytes; n++)
		expect_is(order->op == DRY_OP_READ ? buffer[order->at + n]
						   : target.store[order->offset + n],
			order->op == DRY_OP_READ ? stored(order->offset + n)
						 : (char)((order->at + n) * 7));
	if (goes_short)
		expect_is(pages, pages_before + 1);
	if ((order->at & MEM_PAGE_MASK) + order->bytes > MEM_PAGE_SIZE)
		expect_is(pages, pages_before);
}

static void each_does_what_it_says(void)
{
	unsigned count = 0;

	up();
#ifndef DRY_ASAN
	expect(fake.adapter.takes_pages);
#endif
	for (unsigned n = 0; n < array_size(ats) * array_size(sizes) * array_size(offsets) * 4;
		n++) {
		struct order order = {.op = n & 1 ? DRY_OP_WRITE : DRY_OP_READ,
			.flags = n & 2 && n & 1 ? DRY_FUA : 0,
			.at = ats[n / 4 % array_size(ats)],
			.bytes = sizes[n / 4 / array_size(ats) % array_size(sizes)],
			.offset = offsets[n / 4 / array_size(ats) / array_size(sizes)]};

		if (order.at + order.bytes > BUFFER)
			continue;
		one(&order);
		count++;
	}
	expect(count > 300);
#ifndef DRY_ASAN
	expect(pages > 100);
#endif
	down();
}

static void what_is_wrong_is_refused(void)
{
	const uint64_t end = BLOCKS * 512ull;

	up();
	expect_is(run_one(DRY_OP_READ, 0, 0, 512, end), -ENXIO);
	expect_is(run_one(DRY_OP_READ, 0, 0, 4096, end - 512), -ENXIO);
	expect_is(run_one(DRY_OP_READ, 0, 0, 4096, ~0ull - 4095), -ENXIO);
	expect_is(run_one(DRY_OP_READ, 0, 0, 512, ~0ull - 511), -ENXIO);
	expect_is(run_one(DRY_OP_READ, 0, 0, 512, 1ull << 41), -ENXIO);
	expect_is(run_one(DRY_OP_READ, 0, 0, 100, 0), -EINVAL);
	expect_is(run_one(DRY_OP_READ, 0, 0, 512, 100), -EINVAL);
	expect_is(run_one((enum dry_op)77, 0, 0, 512, 0), -EINVAL);
	expect_is(target.count, 0);
	expect_is(run_one(DRY_OP_READ, 0, 0, 0, 0), 0);
	expect_is(target.count, 0);
	expect_is(run_one(DRY_OP_READ, 0, 0, 512, end - 512), 0);
	expect_is(target.count, 1);
	expect(!disk_is_active(target.disk));
	down();
}

/* The first block that READ (10) cannot name. */
static bool is_near_busy;

static bool far_is_good(struct port_request *request, const struct target_command *command)
{
	const uint8_t length = target_cdb_length(request);
	bool is_busy = command->block < BLOCKS && is_near_busy;

	expect_is(length, command->opcode == SCSIOP_READ16 ? 16 : 10);
	is_near_busy &= !is_busy;
	target_end(request, is_busy ? SRB_STATUS_BUSY : SRB_STATUS_SUCCESS);
	return true;
}

static void far_blocks_are_named_in_full(void)
{
	static const uint64_t blocks[] = {UINT32_MAX - 1ull, UINT32_MAX, 1ull << 32, 1ull << 40};

	up();
	target.disk->size = 1ull << 50;
	target.hook = far_is_good;
	for (unsigned n = 0; n < array_size(blocks); n++) {
		target.count = 0;
		run_one(DRY_OP_READ, 0, 0, 512, blocks[n] * 512);
		expect_is(target.log[0].opcode, n ? SCSIOP_READ16 : SCSIOP_READ);
		expect_is(target.log[0].block, blocks[n]);
		/* and what comes after, sent again, is none of that */
		is_near_busy = true;
		expect_is(run_one(DRY_OP_READ, 0, 0, 512, 512), 0);
		expect_is(target.log[2].opcode, SCSIOP_READ);
	}
	down();
}

static bool keep(struct port_request *request, const struct target_command *command)
{
	return true;
}

static struct port_request *started(void)
{
	struct disk_transfers *of = fake.adapter.front;

	for (unsigned n = 0; n < DISK_TRANSFERS; n++)
		if (of->all[n].request->state == PORT_REQUEST_STARTED)
			return of->all[n].request;
	return NULL;
}

static void begin_one(void)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	orders[0] = (struct order){DRY_OP_READ, 0, 0, 4096, 8192};
	order_next = dones = 0;
	target.hook = keep;
	submit_next();
	target.hook = NULL;
	cpu_irql_lower(irql);
	expect_is(dones, 0);
	expect(disk_is_active(target.disk));
}

static void complete_as(uint8_t srb_status, uint32_t length)
{
	struct port_request *request = started();
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	SrbSetDataTransferLength(request->srb, length);
	target_end(request, srb_status);
	cpu_irql_lower(irql);
}

static void ended(int result)
{
	fake_wait(dones == 1);
	expect_is(io.result, result);
	expect(!disk_is_active(target.disk));
	/* and its transfer is as good as new */
	one(&(struct order){DRY_OP_WRITE, 0, 0, 4096, 65536});
	expect_is(run_one(DRY_OP_FLUSH, 0, 0, 0, 0), 0);
	one(&(struct order){DRY_OP_READ, 0, MEM_PAGE_SIZE, 512, 512});
}

static void each_way_back_ends_it_once(void)
{
	up();
	begin_one();
	complete_as(SRB_STATUS_SUCCESS, 4096);
	ended(0);
	begin_one(); /* short: the port's reading back says so, and it is sent again to no avail */
	complete_as(SRB_STATUS_SUCCESS, 512);
	ended(-EIO);
	begin_one(); /* busy: sent again, and good */
	complete_as(SRB_STATUS_BUSY, 4096);
	ended(0);
	begin_one();
	port_adapter_pause(&fake.adapter, 100);
	complete_as(SRB_STATUS_SUCCESS, 4096);
	port_adapter_resume(&fake.adapter);
	ended(0);
	begin_one();
	port_unit_pause(target.disk->unit, 100);
	complete_as(SRB_STATUS_SUCCESS, 4096);
	port_unit_resume(target.disk->unit);
	ended(0);
	begin_one();
	complete_as(SRB_STATUS_INVALID_REQUEST, 4096);
	ended(-EINVAL);
	down();
}

/* Ends it, as complete_as, and writes to its list, which is the port's by then (SG-31). */
static void complete_touching(struct port_request *request)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	SrbSetDataTransferLength(request->srb, 512);
	target_end(request, SRB_STATUS_SUCCESS);
	request->list->NumberOfElements = 1;
	cpu_irql_lower(irql);
}

/* More than there are transfers: those that wait go on in their order. */
static void waits_for_a_transfer(bool touches)
{
	enum { MANY = DISK_TRANSFERS + 400 };
	static struct dry_io many[MANY];
	uint8_t irql;

	up();
	target.disk->unit->depth = 255;
	port_unit_settle(target.disk->unit);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	dones = 0;
	target.hook = keep;
	for (unsigned n = 0; n < MANY; n++) {
		many[n] = (struct dry_io){.op = DRY_OP_READ,
			.buffer = buffer,
			.count = 512,
			.offset = n * 512,
			.done = next};
		expect_is(disk_submit(target.disk, &many[n]), 0);
	}
	expect_is(target.count, DISK_TRANSFERS);
	target.hook = NULL;
	cpu_irql_lower(irql);
	while (started())
		if (touches)
			complete_touching(started());
		else
			complete_as(SRB_STATUS_SUCCESS, 512);
	fake_wait(dones == MANY);
	for (unsigned n = 0; n < MANY; n++)
		expect_is(target.log[n].block, n);
	expect(!disk_is_active(target.disk));
#ifndef DRY_ASAN /* where the list is poisoned */
	expect(!touches || fake.violations);
	expect(touches || pages > MANY - 8); /* they came back the short way */
#endif
	fake.violations = 0;
	down();
}

static void who_finds_no_transfer_waits(void)
{
	waits_for_a_transfer(false);
}

#ifndef DRY_ASAN
static void who_finds_a_touched_list_waits_in_turn(void)
{
	waits_for_a_transfer(true);
}
#endif

static struct dry_io many[DISK_TRANSFERS + 1];

/* With the miniport, unless it waits. */
static bool starts(unsigned n, void *at)
{
	unsigned before = target.count;

	many[n] = (struct dry_io){
		.op = DRY_OP_READ, .buffer = at, .count = 512, .offset = n * 512, .done = next};
	expect_is(disk_submit(target.disk, &many[n]), 0);
	return target.count != before;
}

/* It needs no buffer: wherever its transfer is. */
static void a_page_does_not_wait_for_those_that_wait_for_a_buffer(void)
{
	char *elsewhere = mem_alloc(MEM_PAGE_SIZE, 0, MEM_POOL, NULL);
	unsigned n = 0, waits;
	uint8_t irql;

	up();
	target.disk->unit->depth = 255;
	port_unit_settle(target.disk->unit);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	target.hook = keep;
	while (n < DISK_TRANSFERS && starts(n, elsewhere))
		n++;
	waits = n++;
	expect(waits && waits < DISK_TRANSFERS);
	for (; n <= DISK_TRANSFERS; n++)
		expect(starts(n, buffer));
	target.hook = NULL;
	cpu_irql_lower(irql);
	expect_is(target.count, DISK_TRANSFERS);
	while (started())
		complete_as(SRB_STATUS_SUCCESS, 512);
	fake_wait(dones == n);
	expect_is(target.log[DISK_TRANSFERS].block, waits);
	expect(!disk_is_active(target.disk));
	down();
	mem_free(elsewhere, MEM_PAGE_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(each_does_what_it_says),
		fake_test_on_two(each_does_what_it_says),
		fake_test(what_is_wrong_is_refused),
		fake_test(far_blocks_are_named_in_full),
		fake_test_both(each_way_back_ends_it_once),
		fake_test_on_two(each_way_back_ends_it_once),
		fake_test(who_finds_no_transfer_waits),
		fake_test_on_two(who_finds_no_transfer_waits),
		fake_test(a_page_does_not_wait_for_those_that_wait_for_a_buffer),
		fake_test_on_two(a_page_does_not_wait_for_those_that_wait_for_a_buffer),
#ifndef DRY_ASAN
		fake_test(who_finds_a_touched_list_waits_in_turn),
		fake_test_on_two(who_finds_a_touched_list_waits_in_turn),
#endif
	};

	static const struct dma_config direct;

	fake_dma = &direct;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
