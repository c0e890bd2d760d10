/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Commands of our own beside a front that always has more under way than an adapter has transfers:
 * they are sent all the same, and when they are too many in the order in which they came. */
#include "target.h"

#define FRONT 600 /* requests: transfers and slots are fewer */

static struct dry_io io[FRONT];
static char *data; /* the machine's: it takes no buffer, of which there are fewer than transfers */
static _Atomic unsigned fronts; /* requests of the front that are under way */
static _Atomic bool enough;

static void submit_again(struct dry_io *done)
{
	if (atomic_load(&enough)) {
		atomic_fetch_sub(&fronts, 1);
		return;
	}
	expect_is(done->result, 0);
	expect_is(disk_submit(done->ctx, done), 0);
}

static void front_begin(void)
{
	enough = false;
	fronts = FRONT;
	for (unsigned n = 0; n < FRONT; n++) {
		struct disk *disk = target_set.disk[n % target_set.count];

		io[n] = (struct dry_io){.op = DRY_OP_READ,
			.buffer = data,
			.count = 512,
			.done = submit_again,
			.ctx = disk};
		expect_is(disk_submit(disk, &io[n]), 0);
	}
}

static void front_end(void)
{
	enough = true;
	fake_wait(!fronts);
}

static void a_front_without_end_keeps_nothing_of_ours_back(void)
{
	const uint64_t limit = 5000000000ull;
	struct dry_scsi ready = {.cdb_length = 6, .seconds = 5};
	uint64_t begin;

	data = mem_alloc(512, 0, MEM_DATA, NULL);
	target_init(64);
	target.luns = TARGET_LUNS;
	expect_is(target_scan(), 0);
	expect_is(target_set.count, TARGET_LUNS);
	target_later();
	front_begin();
	begin = cpu_clock();
	expect_is(disk_scan_again(&fake.adapter, &target_set), 0);
	expect_is(target_set.count, TARGET_LUNS);
	for (unsigned n = 0; n < target_set.count; n++) {
		expect_is(disk_pass(target_set.disk[n], &ready), 0);
		expect_is(ready.end, DRY_SCSI_ANSWERED);
		expect_is(disk_shutdown(target_set.disk[n], true), 0);
	}
	expect(cpu_clock() - begin < limit);
	expect_is(fronts, FRONT);
	front_end();
	target_end_all();
	mem_free(data, 512);
}

static struct port_request *kept[DISK_OWN + 8];
static unsigned kept_count, sent;

static bool keep(struct port_request *request, const struct target_command *command)
{
	kept[kept_count++] = request;
	return true;
}

static void send_one(void *ctx)
{
	struct dry_scsi ready = {
		.cdb_length = 6, .cdb = {[4] = (uint8_t)(uintptr_t)ctx}, .seconds = 60};

	sent++; /* on one processor it goes on from here until it has to wait */
	expect_is(disk_pass(target.disk, &ready), 0);
	expect_is(ready.end, DRY_SCSI_ANSWERED);
}

static void kept_end(unsigned n)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	target_end(kept[n], SRB_STATUS_SUCCESS);
	cpu_irql_lower(irql);
}

static void those_that_are_too_many_go_in_the_order_they_came(void)
{
	struct cpu_thread *thread[DISK_OWN + 8];

	target_init(64);
	target.port.initial_depth = 255;
	expect_is(target_scan(), 0);
	target.hook = keep;
	kept_count = sent = 0;
	for (unsigned n = 0; n < DISK_OWN + 8; n++) {
		thread[n] = cpu_thread_new(send_one, (void *)(uintptr_t)n, 0, "command");
		expect(thread[n] != NULL);
		fake_wait(sent == n + 1);
		expect_is(kept_count, min_of(n + 1, (unsigned)DISK_OWN));
	}
	/* another's end lets exactly the next one go */
	for (unsigned n = 0; n < DISK_OWN + 8; n++) {
		expect_is(((const uint8_t *)SrbGetCdb(kept[n]->srb))[4], n);
		kept_end(n);
		fake_wait(kept_count >= min_of(DISK_OWN + 1 + n, (unsigned)DISK_OWN + 8));
		expect_is(kept_count, min_of(DISK_OWN + 1 + n, (unsigned)DISK_OWN + 8));
	}
	for (unsigned n = 0; n < DISK_OWN + 8; n++) {
		cpu_thread_join(thread[n]);
		cpu_thread_free(thread[n]);
	}
	target_end_all();
}

static bool never(struct port_request *request, const struct target_command *command)
{
	return request->function == SRB_FUNCTION_EXECUTE_SCSI;
}

static _Atomic unsigned failed;

/* As an I/O control is, it is not vital. */
static void send_in_vain(void *ctx)
{
	struct disk_command command = {.cdb_length = 6, .seconds = 1};

	expect_is(disk_execute(target.disk->unit, &command), -ENXIO);
	atomic_fetch_add(&failed, 1);
}

/* All are with a miniport that gives nothing back; nobody looks after them but who waits for his
 * turn. */
static void who_waits_behind_lost_ones_gives_the_adapter_up(void)
{
	struct disk_command vital = {.cdb_length = 6, .vital = true, .seconds = 1};
	struct cpu_thread *thread[DISK_OWN];

	target_init(64);
	target.port.initial_depth = 255;
	expect_is(target_scan(), 0);
	fake_hurry();
	target.hook = never;
	failed = 0;
	for (unsigned n = 0; n < DISK_OWN; n++) {
		thread[n] = cpu_thread_new(send_in_vain, NULL, 0, "command");
		expect(thread[n] != NULL);
	}
	fake_wait(target.count == DISK_OWN);
	expect_is(disk_execute(target.disk->unit, &vital), -ENXIO);
	expect_is(fake.stops, 1);
	for (unsigned n = 0; n < DISK_OWN; n++) {
		cpu_thread_join(thread[n]);
		cpu_thread_free(thread[n]);
	}
	expect_is(failed, DISK_OWN);
	target_end_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(a_front_without_end_keeps_nothing_of_ours_back),
		fake_test_on_two(a_front_without_end_keeps_nothing_of_ours_back),
		fake_test(those_that_are_too_many_go_in_the_order_they_came),
		fake_test(who_waits_behind_lost_ones_gives_the_adapter_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
