/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Tests src/disk/hold.c: requests of the front that wait for a disk that has gone. */
#include "target.h"

#define PAGE	 4096u
#define SECOND	 1000000000ull
#define REQUESTS 3

static char *buffers; /* memory of the machine: used in place */
static struct dry_io ios[REQUESTS];
static unsigned ended, ends[REQUESTS]; /* in their order */

static void note_end(struct dry_io *io)
{
	ends[ended++ % REQUESTS] = (unsigned)(io - ios);
}

static void up(uint32_t seconds)
{
	target_up(2048);
	buffers = mem_alloc(REQUESTS * PAGE, 0, MEM_DATA, NULL);
	target.disk->hold.seconds = seconds;
	ended = 0;
	for (unsigned n = 0; n < 2048 * 512; n++)
		target.store[n] = target_byte(n);
}

static void down(void)
{
	mem_free(buffers, REQUESTS * PAGE);
	target_end_all();
}

static void leave(void)
{
	atomic_store(&target.disk->is_gone, true);
}

static void come_back(void)
{
	atomic_store(&target.disk->is_gone, false);
	disk_hold_go_on(target.disk);
}

/* A read of a page, each of another. */
static void submit(unsigned n)
{
	memset(buffers + n * PAGE, 0, PAGE);
	ios[n] = (struct dry_io){.op = DRY_OP_READ,
		.buffer = buffers + n * PAGE,
		.count = PAGE,
		.offset = n * 65536,
		.done = note_end,
		.result = 1};
	expect_is(disk_submit(target.disk, &ios[n]), 0);
	cpu_dpc_flush();
}

static bool is_read(unsigned n)
{
	for (unsigned at = 0; at < PAGE; at++)
		if (buffers[n * PAGE + at] != target_byte(n * 65536 + at))
			return false;
	return ios[n].result == 0;
}

static void they_wait_and_begin_again_in_order(void)
{
	up(60);
	leave();
	for (unsigned n = 0; n < REQUESTS; n++)
		submit(n);
	expect_is(ended, 0);
	expect_is(target.count, 0);
	expect(!disk_is_active(target.disk)); /* so that it may be let go of */
	come_back();
	fake_wait(ended == REQUESTS);
	for (unsigned n = 0; n < REQUESTS; n++) {
		expect_is(ends[n], n);
		expect(is_read(n));
	}
	expect(!disk_is_active(target.disk));
	down();
}

/* The unit goes while it works on the second half. */
static bool go_at_the_second(struct port_request *request, const struct target_command *command)
{
	if (atomic_load(&target.count) != 2)
		return false;
	leave();
	target_end(request, SRB_STATUS_NO_DEVICE);
	return true;
}

static void one_that_was_half_done_begins_at_its_first_byte(void)
{
	up(60);
	target.disk->info.max_transfer = PAGE / 2;
	target.hook = go_at_the_second;
	submit(1);
	expect_is(ended, 0);
	target.hook = NULL;
	target.count = 0;
	memset(buffers + PAGE, 0, PAGE);
	come_back();
	fake_wait(ended == 1);
	expect_is(target.count, 2);
	expect(is_read(1));
	down();
}

static void one_is_cut_anew_if_its_adapter_takes_less_now(void)
{
	up(60);
	leave();
	submit(0);
	fake.adapter.limits.max_transfer = PAGE / 4;
	target.disk->info.max_transfer = PAGE / 4;
	come_back();
	fake_wait(ended == 1);
	expect_is(target.count, 4);
	expect_is(target.log[3].blocks, 2);
	expect(is_read(0));
	down();
}

static void after_their_time_they_fail_and_so_do_later_ones(void)
{
	uint64_t begin;

	up(1);
	leave();
	begin = cpu_clock();
	submit(0);
	submit(1);
	fake_wait(ended == 2);
	expect(cpu_clock() - begin >= SECOND);
	expect_is(ends[0], 0);
	expect_is(ios[0].result, -ENXIO);
	expect_is(ios[1].result, -ENXIO);
	submit(2); /* nobody waits for it a second time */
	expect_is(ended, 3);
	expect_is(ios[2].result, -ENXIO);
	expect(!disk_is_active(target.disk));
	/* back, and gone once more: it has its time again */
	come_back();
	leave();
	submit(0);
	expect_is(ended, 3);
	come_back();
	fake_wait(ended == 4);
	expect(is_read(0));
	down();
}

static void pass(uint64_t ns)
{
	uint64_t end = cpu_clock() + ns;

	while (cpu_clock() < end)
		cpu_thread_park(1000000);
}

/* The timer of the first does not end the second. */
static void each_wait_has_its_own_time(void)
{
	up(1);
	leave();
	submit(0);
	pass(SECOND * 6 / 10);
	come_back();
	fake_wait(ended == 1);
	pass(SECOND * 6 / 10);
	leave();
	submit(1);
	expect_is(ended, 1);
	come_back();
	fake_wait(ended == 2);
	expect(is_read(1));
	down();
}

static void the_end_of_the_machine_ends_them(void)
{
	up(60);
	leave();
	submit(0);
	submit(1);
	disk_hold_end(target.disk);
	expect_is(ended, 2);
	expect_is(ios[0].result, -ENXIO);
	expect_is(ios[1].result, -ENXIO);
	expect(!disk_is_active(target.disk));
	down();
}

static void without_time_they_fail_at_once(void)
{
	struct dry_io io = {.op = DRY_OP_READ, .buffer = NULL, .count = PAGE, .done = note_end};

	up(0);
	leave();
	io.buffer = buffers;
	expect_is(disk_submit(target.disk, &io), -ENXIO);
	expect_is(ended, 0);
	down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test(they_wait_and_begin_again_in_order),
		fake_test(one_that_was_half_done_begins_at_its_first_byte),
		fake_test(one_is_cut_anew_if_its_adapter_takes_less_now),
		fake_test(after_their_time_they_fail_and_so_do_later_ones),
		fake_test(each_wait_has_its_own_time),
		fake_test(the_end_of_the_machine_ends_them),
		fake_test(without_time_they_fail_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
