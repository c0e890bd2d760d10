/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Transfers and their buffers: how many there are, who waits for them and who goes on. */
#include "target.h"

#include "nt/mdl.h"

#define TRANSFERS 192 /* disk.h: fewer than an adapter has slots */

static struct disk_io waiter[4];

static void all_can_be_had_and_given_back(void)
{
	struct disk_transfer *taken[TRANSFERS + 1];
	unsigned count = 0;
	uint8_t irql;

	target_up(64);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	while (count <= TRANSFERS &&
		(taken[count] = disk_transfer_get(target.disk, false, NULL)) != NULL)
		count++;
	expect_is(count, TRANSFERS);
	for (unsigned n = 0; n < count; n++) {
		expect(taken[n]->request && taken[n]->mdl && taken[n]->own);
		expect_is(taken[n]->buffer, NULL);
		expect_is(taken[n]->request->unit, target.disk->unit);
		for (unsigned k = 0; k < n; k++)
			expect(taken[n] != taken[k] && taken[n]->request != taken[k]->request &&
				taken[n]->own != taken[k]->own);
	}
	for (unsigned n = 0; n < count; n++)
		expect_is(disk_transfer_put(taken[n]), NULL);
	cpu_irql_lower(irql);
	target_end_all();
}

/* SB-12: who completes what has long been finished is told that, whatever way it went last. */
static void one_that_was_given_back_is_the_miniports_no_more(void)
{
	struct disk_transfer *transfer;
	struct port_request *request;
	uint8_t irql;

	target_up(64);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	transfer = disk_transfer_get(target.disk, true, NULL);
	request = transfer->request;
	expect(!port_request_complete(request));
	fake_violation(0xf1002004, "while the miniport did not have it");
	expect_is(disk_transfer_put(transfer), NULL);
	expect(!port_request_complete(request));
	fake_violation(0xf1002004, "a second time");
	cpu_irql_lower(irql);
	target_end_all();
}

static void buffers_are_of_the_largest_transfer_and_apart(void)
{
	struct disk_transfer *taken[TRANSFERS];
	unsigned count = 0;
	uint8_t irql;

	target_up(64);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	while (count < TRANSFERS &&
		(taken[count] = disk_transfer_get(target.disk, true, NULL)) != NULL)
		count++;
	expect_is(count, 64);
	for (unsigned n = 0; n < count; n++) {
		char *buffer = taken[n]->buffer;

		expect_is((uintptr_t)buffer % 4096, 0);
		expect_is(mem_owner(buffer)->kind, MEM_DATA);
		expect(mem_is_valid(buffer, 65536));
		memset(buffer, (int)n, 65536);
	}
	for (unsigned n = 0; n < count; n++) {
		expect_is(((char *)taken[n]->buffer)[0], n);
		expect_is(((char *)taken[n]->buffer)[65535], n);
	}
	/* Without a buffer there is one still. */
	taken[count] = disk_transfer_get(target.disk, false, NULL);
	expect(taken[count] != NULL);
	for (unsigned n = 0; n <= count; n++)
		expect_is(disk_transfer_put(taken[n]), NULL);
	cpu_irql_lower(irql);
	target_end_all();
}

static struct disk_transfer *take_all(struct disk_transfer **taken, bool with_buffer)
{
	unsigned count = 0;

	while ((taken[count] = disk_transfer_get(target.disk, with_buffer, NULL)) != NULL)
		count++;
	return taken[0];
}

/* In order; and no sooner than there is what each waits for. */
static void a_waiter_goes_on_when_there_is_what_it_waits_for(void)
{
	struct disk_transfer *buffers[TRANSFERS + 1], *bare[TRANSFERS + 1];
	uint8_t irql;

	target_up(64);
	memset(waiter, 0, sizeof(waiter));
	waiter[0].needs_buffer = waiter[1].needs_buffer = true;
	for (unsigned n = 0; n < array_size(waiter); n++)
		waiter[n].disk = target.disk;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	take_all(buffers, true);
	take_all(bare, false);
	expect_is(disk_waiter_next(), NULL);
	for (unsigned n = 0; n < 3; n++)
		expect_is(disk_transfer_get(target.disk, waiter[n].needs_buffer, &waiter[n]), NULL);
	expect_is(disk_waiter_next(), NULL);
	/* No buffer came back: the first still waits, and the others behind it. */
	expect_is(disk_transfer_put(bare[0]), NULL);
	expect_is(disk_waiter_next(), NULL);
	/* Now it goes, and finds what it needs; who asks again gets the next. */
	expect_is(disk_transfer_put(buffers[0]), &waiter[0]);
	buffers[0] = disk_transfer_get(target.disk, true, NULL);
	expect(buffers[0] != NULL);
	expect_is(disk_waiter_next(), NULL);
	expect_is(disk_transfer_put(buffers[1]), &waiter[1]);
	buffers[1] = disk_transfer_get(target.disk, true, NULL);
	expect_is(disk_waiter_next(), &waiter[2]);
	bare[0] = disk_transfer_get(target.disk, false, NULL);
	expect_is(disk_waiter_next(), NULL);
	for (unsigned n = 0; buffers[n]; n++)
		expect_is(disk_transfer_put(buffers[n]), NULL);
	for (unsigned n = 0; bare[n]; n++)
		expect_is(disk_transfer_put(bare[n]), NULL);
	cpu_irql_lower(irql);
	target_end_all();
}

/* Of a disk that goes; those of others stay, in order. */
static void the_waiters_of_one_disk_are_taken(void)
{
	struct disk_transfer *bare[TRANSFERS + 1];
	struct disk other = {.adapter = NULL};
	struct disk_io *taken;
	uint8_t irql;

	target_up(64);
	other.adapter = target.disk->adapter;
	other.unit = target.disk->unit;
	memset(waiter, 0, sizeof(waiter));
	waiter[0].disk = waiter[2].disk = target.disk;
	waiter[1].disk = &other;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	take_all(bare, false);
	for (unsigned n = 0; n < 3; n++)
		expect_is(disk_transfer_get(waiter[n].disk, false, &waiter[n]), NULL);
	taken = disk_waiters_take(target.disk);
	expect(taken == &waiter[0] || taken == &waiter[2]);
	expect(taken->next == &waiter[0] || taken->next == &waiter[2]);
	expect(taken->next != taken);
	expect_is(taken->next->next, NULL);
	expect_is(disk_waiters_take(target.disk), NULL);
	expect_is(disk_transfer_put(bare[0]), &waiter[1]);
	bare[0] = disk_transfer_get(&other, false, NULL);
	expect_is(disk_waiter_next(), NULL);
	/* the last one's place is where the next waits */
	expect_is(disk_transfer_get(target.disk, false, &waiter[0]), NULL);
	expect_is(disk_waiters_take(&other), NULL);
	expect_is(disk_waiters_take(target.disk), &waiter[0]);
	for (unsigned n = 0; bare[n]; n++)
		expect_is(disk_transfer_put(bare[n]), NULL);
	cpu_irql_lower(irql);
	target_end_all();
}

static struct dry_io late[4];

static void late_done(struct dry_io *io)
{
	expect_is(io->result, 0);
}

static unsigned with_the_target(void)
{
	unsigned count = 0;

	for (struct port_request *request = target.waiting; request; request = request->next)
		count++;
	return count;
}

static void submit_late(unsigned n, void *buffer)
{
	late[n] = (struct dry_io){
		.op = DRY_OP_READ, .buffer = buffer, .count = 512, .done = late_done};
	expect_is(disk_submit(target.disk, &late[n]), 0);
}

/* Those behind one that waits for a buffer are not served one for each buffer only. */
static void one_end_lets_all_go_on_for_whom_there_is_enough(void)
{
	struct disk_transfer *buffers[TRANSFERS + 1], *bare[TRANSFERS + 1];
	char host[512], *own = mem_alloc(4096, 0, MEM_DATA, NULL);
	uint8_t irql;

	target_up(64);
	target.later = true; /* nobody completes but this test */
	target.tail = &target.waiting;
	irql = cpu_irql_raise(IRQL_DISPATCH);
	submit_late(0, host);
	take_all(buffers, true);
	take_all(bare, false);
	submit_late(1, host);
	submit_late(2, own);
	submit_late(3, own);
	expect_is(with_the_target(), 1);
	for (unsigned n = 0; bare[n]; n++)
		expect_is(disk_transfer_put(bare[n]), NULL);
	target_do(target_take());
	cpu_irql_lower(irql);
	expect_is(with_the_target(), 3);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	for (unsigned n = 0; n < 3; n++)
		target_do(target_take());
	for (unsigned n = 0; buffers[n]; n++)
		expect_is(disk_transfer_put(buffers[n]), NULL);
	cpu_irql_lower(irql);
	expect(!disk_is_active(target.disk));
	target_end_all();
	mem_free(own, 4096);
}

/* What MmInitializeMdl and MmBuildMdlForNonPagedPool document, whatever stood there before. */
static void a_transfers_mdl_describes_a_page(void)
{
	static const uint32_t offsets[] = {0, 512, 3584};
	char *buffer = mem_alloc(65536, 0, MEM_DATA, NULL);
	struct disk_transfer *transfer;
	struct port_request *request;
	uint8_t irql;

	target_up(64);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	transfer = disk_transfer_get(target.disk, false, NULL);
	request = transfer->request;
	expect_is(request->data_at, MEM_NO_ADDRESS);
	for (unsigned n = 0; n < array_size(offsets); n++) {
		char *at = buffer + 4096 + offsets[n];
		PMDL mdl = transfer->mdl;

		memset(mdl, 0x5a, sizeof(*mdl) + sizeof(PFN_NUMBER));
		request->mdl = mdl; /* as the disk does of a page */
		request->data = at;
		request->data_at = mem_physical(at);
		request->length = 512;
		request->mdl_is_due = true;
		expect_is(port_request_mdl(request), mdl);
		expect(!request->mdl_is_due);
		expect_is(mdl->Next, NULL);
		expect_is(mdl->Size, sizeof(MDL) + sizeof(PFN_NUMBER));
		expect_is(mdl->MdlFlags, MDL_SOURCE_IS_NONPAGED_POOL);
		expect_is(mdl->MappedSystemVa, at);
		expect_is(MmGetMdlVirtualAddress(mdl), at);
		expect_is(MmGetMdlByteOffset(mdl), offsets[n]);
		expect_is(MmGetMdlByteCount(mdl), 512);
		expect_is(*MmGetMdlPfnArray(mdl), mem_frame_number(at));
	}
	expect_is(disk_transfer_put(transfer), NULL);
	cpu_irql_lower(irql);
	target_end_all();
	mem_free(buffer, 65536);
}

/* Against the page frames, which nobody but mem/ decides about. */
static void a_transfer_describes_a_buffer_that_begins_anywhere(void)
{
	static const uint32_t offsets[] = {0, 1, 512, 4095};
	char *buffer = mem_alloc(65536 + 4096, 0, MEM_DATA, NULL);
	struct disk_transfer *transfer;
	uint8_t irql;

	target_up(64);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	transfer = disk_transfer_get(target.disk, false, NULL);
	for (unsigned n = 0; n < array_size(offsets); n++) {
		char *at = buffer + offsets[n];
		uint32_t pages = (offsets[n] + 65536 + 4095) / 4096;

		disk_transfer_describe(transfer, at, 65536);
		expect(mdl_room(transfer->mdl) >= pages);
		expect_is(transfer->request->length, 65536);
		expect_is(transfer->request->data, at);
		expect_is(MmGetMdlVirtualAddress(transfer->mdl), at);
		for (uint32_t page = 0; page < pages; page++)
			expect_is(MmGetMdlPfnArray(transfer->mdl)[page],
				mem_frame_number(buffer + page * 4096));
	}
	expect_is(disk_transfer_put(transfer), NULL);
	cpu_irql_lower(irql);
	target_end_all();
	mem_free(buffer, 65536 + 4096);
}

/* Requests with memory of their own beside such as need a buffer: neither starves the other. */
static _Atomic unsigned dones;

static void count_done(struct dry_io *io)
{
	expect_is(io->result, 0);
	atomic_fetch_add(&dones, 1);
}

static void both_kinds_of_requests_come_to_their_end(void)
{
	static struct dry_io io[1000];
	char *host = malloc(65536), *own = mem_alloc(65536, 0, MEM_DATA, NULL);
	uint8_t irql;

	target_up(1024);
	target_later();
	dones = 0;
	for (unsigned n = 0; n < 1000; n++) {
		io[n] = (struct dry_io){.op = DRY_OP_READ,
			.buffer = n % 3 ? host : own,
			.count = n % 7 ? 512 : 65536,
			.done = count_done};
		expect_is(disk_submit(target.disk, &io[n]), 0);
	}
	fake_wait(dones == 1000);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	expect_is(disk_waiter_next(), NULL);
	cpu_irql_lower(irql);
	target_end_all();
	mem_free(own, 65536);
	free(host);
}

static void take_and_give_back(void *ctx)
{
	struct disk_transfer **taken = ctx;
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	*taken = disk_transfer_get(target.disk, false, NULL);
	expect_is(disk_transfer_put(*taken), NULL);
	cpu_irql_lower(irql);
}

/* So that what it touches stays with the processor. */
static void each_processor_takes_again_what_it_gave_back(void)
{
	struct disk_transfer *taken[2][2];

	target_up(64);
	for (unsigned n = 0; n < 4; n++) {
		struct cpu_thread *thread =
			cpu_thread_new(take_and_give_back, &taken[n / 2][n % 2], n % 2, "taker");

		cpu_thread_join(thread);
		cpu_thread_free(thread);
	}
	expect(taken[0][0] != taken[0][1]);
	expect_is(taken[1][0], taken[0][0]);
	expect_is(taken[1][1], taken[0][1]);
	target_end_all();
}

static unsigned free_at(unsigned processor)
{
	const struct disk_transfers *of = fake.adapter.front;
	unsigned count = 0;

	for (const struct port_request *at = of->here[processor].free; at; at = at->next)
		count++;
	return count;
}

/* One to use and fifteen for the next ones; one stays, for those who look whether there are any. */
static void who_has_none_borrows_some_of_another_processors(void)
{
	struct disk_transfer *taken[TRANSFERS];
	unsigned here, there, before_here, before_there;
	uint8_t irql;

	target_up(64);
	irql = cpu_irql_raise(IRQL_DISPATCH);
	here = cpu_self->number;
	there = !here;
	expect_is(free_at(here) + free_at(there), TRANSFERS);
	for (unsigned n = 0; n < TRANSFERS; n++) {
		before_here = free_at(here);
		before_there = free_at(there);
		taken[n] = disk_transfer_get(target.disk, false, NULL);
		expect(taken[n] != NULL);
		expect_is(free_at(here) + free_at(there), TRANSFERS - n - 1);
		if (before_here) {
			expect_is(free_at(here), before_here - 1);
		} else if (before_there > 16) {
			expect_is(free_at(there), before_there - 16);
		} else {
			expect_is(free_at(there), before_there > 1);
		}
	}
	expect_is(disk_transfer_get(target.disk, false, NULL), NULL);
	for (unsigned n = 0; n < TRANSFERS; n++)
		expect_is(disk_transfer_put(taken[n]), NULL);
	cpu_irql_lower(irql);
	expect_is(free_at(here), TRANSFERS);
	target_end_all();
}

static void a_pool_too_large_for_memory_is_refused_whole(void)
{
	expect_is(disk_pool_init(0x7fffffff), -ENOMEM);
	expect_has(error_text(), "--ram");
	disk_pool_fini(); /* harmless */
	/* and can be made after all */
	target_up(64);
	target_end_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(a_transfers_mdl_describes_a_page),
		fake_test(all_can_be_had_and_given_back),
		fake_test(one_that_was_given_back_is_the_miniports_no_more),
		fake_test(buffers_are_of_the_largest_transfer_and_apart),
		fake_test(a_waiter_goes_on_when_there_is_what_it_waits_for),
		fake_test(the_waiters_of_one_disk_are_taken),
		fake_test(one_end_lets_all_go_on_for_whom_there_is_enough),
		fake_test(a_transfer_describes_a_buffer_that_begins_anywhere),
		fake_test(both_kinds_of_requests_come_to_their_end),
		fake_test_on_two(all_can_be_had_and_given_back),
		fake_test_on_two(a_waiter_goes_on_when_there_is_what_it_waits_for),
		fake_test_on_two(one_end_lets_all_go_on_for_whom_there_is_enough),
		fake_test_on_two(buffers_are_of_the_largest_transfer_and_apart),
		fake_test_on_two(both_kinds_of_requests_come_to_their_end),
		fake_test_on_two(each_processor_takes_again_what_it_gave_back),
		fake_test_on_two(who_has_none_borrows_some_of_another_processors),
		fake_test(a_pool_too_large_for_memory_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
