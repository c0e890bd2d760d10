/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Host threads that are processors of one machine at the same time (option "claim"), each
 * submitting requests of its own; and machines with several devices of one sort (option
 * "devices"). The arguments are examples/simple and examples/nvme.
 */
#include "live.h"

#include <pthread.h>
#include <unistd.h>

#define READERS	 2
#define DEPTH	 8
#define REQUESTS 2000
#define BLOCK	 4096u

static const char *simple, *nvme;
static _Atomic unsigned arrived;

struct reader {
	unsigned processor;
	struct dry_unit *unit;
	char *memory;
	struct dry_io io[DEPTH];
	_Atomic unsigned busy; /* io, a bit each */
	unsigned submitted, offset;
	_Atomic unsigned done, elsewhere, failed;
	int result;
};

static void reader_done(struct dry_io *io)
{
	struct reader *reader = io->ctx;

	if (cpu_self->number != reader->processor)
		atomic_fetch_add(&reader->elsewhere, 1);
	if (io->result)
		atomic_fetch_add(&reader->failed, 1);
	atomic_fetch_and(&reader->busy, ~(1u << (io - reader->io)));
	atomic_fetch_add(&reader->done, 1);
}

/* Nothing is submitted before all are there. */
static bool reader_poll(void *arg)
{
	struct reader *reader = arg;

	if (!reader->submitted && !reader->offset) {
		reader->offset = BLOCK;
		atomic_fetch_add(&arrived, 1);
	}
	for (unsigned n = 0; n < DEPTH && arrived == READERS && reader->submitted < REQUESTS; n++) {
		struct dry_io *io = &reader->io[n];

		if (atomic_load(&reader->busy) >> n & 1)
			continue;
		*io = (struct dry_io){.op = reader->submitted & 1 ? DRY_OP_READ : DRY_OP_WRITE,
			.buffer = reader->memory + n * BLOCK,
			.count = BLOCK,
			.offset = reader->submitted * BLOCK % (1 << 20),
			.done = reader_done,
			.ctx = reader};
		reader->submitted++;
		atomic_fetch_or(&reader->busy, 1u << n);
		if (dry_submit(reader->unit, io))
			atomic_fetch_add(&reader->failed, 1);
	}
	return atomic_load(&reader->done) < REQUESTS && !atomic_load(&reader->failed);
}

static void *reader_main(void *arg)
{
	struct reader *reader = arg;

	reader->result = dry_processor_run(live, reader->processor, reader_poll, reader);
	return NULL;
}

static void readers_run(struct reader *readers)
{
	pthread_t threads[READERS];

	arrived = 0;
	for (unsigned n = 0; n < READERS; n++) {
		readers[n].memory = dry_buffer_new(live, DEPTH * BLOCK);
		assert_non_null(readers[n].memory);
		assert_int_equal(pthread_create(&threads[n], NULL, reader_main, &readers[n]), 0);
	}
	for (unsigned n = 0; n < READERS; n++) {
		pthread_join(threads[n], NULL);
		assert_int_equal(readers[n].result, 0);
		assert_int_equal(readers[n].failed, 0);
		assert_int_equal(readers[n].done, REQUESTS);
		/* also where the other processor's device step has found it finished */
		assert_int_equal(readers[n].elsewhere, 0);
		dry_buffer_free(live, readers[n].memory, DEPTH * BLOCK);
	}
}

static void start(const char *driver, const char *hw, const char *devices, const char *is_inline)
{
	const char *const options[] = {"hw", hw, "devices", devices, "size", "4M", "cpus", "2",
		"claim", "all", "inline-device", is_inline, NULL};

	live_miniport = driver;
	live_start(options);
}

static void each_processor_finishes_what_it_submits_to_its_adapter(void **state)
{
	const char *const drivers[] = {simple, nvme}, *const hw[] = {"simple", "nvme"};

	for (unsigned n = 0; n < 4; n++) {
		struct reader readers[READERS] = {{.processor = 0}, {.processor = 1}};

		start(drivers[n / 2], hw[n / 2], "2", n % 2 ? "1" : "0");
		for (unsigned r = 0; r < READERS; r++)
			readers[r].unit = dry_unit_get(live, r);
		readers_run(readers);
		live_end();
	}
}

/* Concurrent channels: each processor has a queue and a message of its own. */
static void each_processor_finishes_what_it_submits_to_one_adapter(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		struct reader readers[READERS] = {{.processor = 0}, {.processor = 1}};

		start(nvme, "nvme", "1", n ? "1" : "0");
		readers[0].unit = readers[1].unit = dry_unit_get(live, 0);
		readers_run(readers);
		live_end();
	}
}

/* ---- claims ---- */

static void only_claimed_processors_can_be_run(void **state)
{
	const char *const second[] = {"cpus", "2", "claim", "1", NULL};
	const char *const replayed[] = {"claim", "0", "seed", "1", NULL};
	struct reader none = {.done = REQUESTS};

	live_miniport = simple;
	live_start(second);
	assert_int_equal(dry_processor_run(live, 0, reader_poll, &none), -EINVAL);
	assert_int_equal(dry_processor_run(live, 2, reader_poll, &none), -EINVAL);
	assert_int_equal(dry_processor_run(live, 64, reader_poll, &none), -EINVAL);
	assert_int_equal(dry_processor_run(live, 1, reader_poll, &none), 0);
	live_end();
	assert_int_equal(live_try(replayed), -EINVAL);
	dry_machine_free(live);
}

/* ---- several devices ---- */

static void each_device_has_its_adapter_units_and_storage(void **state)
{
	const char *const options[] = {"devices", "3", NULL};
	const char *const names[] = {"0:0:0", "1:0:0:0", "2:0:0:0"};
	struct dry_summary summary;
	char data[512];

	live_miniport = simple;
	live_start(options);
	assert_int_equal(dry_unit_count(live), 3);
	for (unsigned n = 0; n < 3; n++) {
		struct dry_unit_info info;

		dry_unit_info(dry_unit_get(live, n), &info);
		assert_string_equal(info.name, names[n]);
		memset(data, (int)n + 1, sizeof(data));
		assert_int_equal(dry_write(dry_unit_get(live, n), data, 512, 0, 0), 0);
	}
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(dry_read(dry_unit_get(live, n), data, 512, 0), 0);
		assert_int_equal(data[0], n + 1);
	}
	assert_int_equal(dry_machine_stop(live), 0);
	dry_machine_summary(live, &summary);
	/* of all of them */
	assert_int_equal(summary.dma_read, 3 * 512);
	live_end();
}

static void several_devices_share_no_file_and_need_a_model(void **state)
{
	const char *const with_file[] = {"devices", "2", "disk", "/nonexistent", NULL};
	const char *const with_none[] = {"devices", "2", "hw", "none", NULL};
	const char *const with_fault[] = {"devices", "2", "seed", "1", "fault", "irq-lost@1", NULL};
	const char *const bad_word[] = {"devices", "2", "hw", "simple:what", NULL};
	const char *const *const all[] = {with_file, with_none, with_fault};

	live_miniport = simple;
	for (unsigned n = 0; n < array_size(all); n++) {
		assert_int_equal(live_try(all[n]), -EINVAL);
		assert_non_null(strstr(dry_error(), "--devices 2"));
		dry_machine_free(live);
	}
	assert_int_equal(live_try(bad_word), -EINVAL);
	assert_non_null(strstr(dry_error(), "what"));
	dry_machine_free(live);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_processor_finishes_what_it_submits_to_its_adapter),
		cmocka_unit_test(each_processor_finishes_what_it_submits_to_one_adapter),
		cmocka_unit_test(only_claimed_processors_can_be_run),
		cmocka_unit_test(each_device_has_its_adapter_units_and_storage),
		cmocka_unit_test(several_devices_share_no_file_and_need_a_model),
	};

	if (argc != 3)
		return 2;
	simple = argv[1];
	nvme = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
