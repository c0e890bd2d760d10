/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* dryport.h as a host program uses it: units, I/O from several threads, the stop under their feet.
 */
#include "live.h"
#include "nt/registry.h"

#include <pthread.h>
#include <time.h>

static struct dry_unit *unit(void)
{
	return dry_unit_get(live, 0);
}

static void sleep_ms(unsigned ms)
{
	struct timespec time = {.tv_nsec = ms * 1000000l};

	nanosleep(&time, NULL);
}

/* ---- units ---- */

static void a_unit_says_what_it_is(void **state)
{
	const char *const options[] = {"block-size", "4096", NULL};
	struct dry_unit_info info;

	live_start(options);
	assert_int_equal(dry_unit_count(live), 1);
	assert_null(dry_unit_get(live, 1));
	dry_unit_info(unit(), &info);
	assert_int_equal(info.size, 1 << 20);
	assert_int_equal(info.block_size, 4096);
	assert_true(info.max_transfer >= 65536 && info.max_transfer % 4096 == 0);
	assert_string_equal(info.name, "0:0:0");
	live_end();
}

/* ---- I/O ---- */

static void what_is_written_is_read(void **state)
{
	static char data[300000 / 512 * 512], back[sizeof(data)];
	struct dry_summary summary;

	live_start(NULL);
	for (size_t n = 0; n < sizeof(data); n++)
		data[n] = (char)(n * 7 + n / 512);
	assert_int_equal(dry_write(unit(), data, sizeof(data), 512, 0), 0);
	assert_int_equal(dry_read(unit(), back, sizeof(back), 512), 0);
	assert_memory_equal(data, back, sizeof(data));
	assert_int_equal(dry_write(unit(), data, 512, 0, DRY_FUA), 0);
	assert_int_equal(dry_flush(unit()), 0);
	assert_int_equal(dry_zero(unit(), 1024, 512, DRY_FUA), 0);
	assert_int_equal(dry_read(unit(), back, 2048, 0), 0);
	memset(data + 0, 0, 1024); /* blocks 1 and 2 were zeroed; data began at block 1 */
	assert_memory_equal(back + 512, data, 1536);
	assert_int_equal(dry_trim(unit(), 4096, 0, DRY_FUA), 0);
	dry_machine_summary(live, &summary);
	assert_int_equal(summary.client_written, sizeof(data) + 512);
	assert_int_equal(summary.client_read, sizeof(back) + 2048);
	live_end();
}

static void buffers_of_the_machine_serve_from_any_byte(void **state)
{
	char *buffer, host[1024];

	live_start(NULL);
	assert_null(dry_buffer_new(live, 0));
	assert_null(dry_buffer_new(live, ~(size_t)0));
	buffer = dry_buffer_new(live, 10000);
	assert_non_null(buffer);
	for (unsigned n = 0; n < 10000; n++)
		buffer[n] = (char)(n * 3);
	assert_int_equal(dry_write(unit(), buffer + 4001, 1024, 0, 0), 0); /* crosses a page */
	assert_int_equal(dry_read(unit(), host, 1024, 0), 0);
	assert_memory_equal(host, buffer + 4001, 1024);
	memset(buffer, 0, 10000);
	assert_int_equal(dry_read(unit(), buffer + 5, 1024, 0), 0);
	assert_memory_equal(host, buffer + 5, 1024);
	assert_int_equal(buffer[4] | buffer[5 + 1024], 0);
	dry_buffer_free(live, buffer, 10000);
	live_end();
}

static void bad_requests_say_why(void **state)
{
	char data[1024];

	live_start(NULL);
	assert_int_equal(dry_read(unit(), data, 100, 0), -EINVAL);
	assert_non_null(strstr(dry_error(), "blocks of 512"));
	assert_int_equal(dry_write(unit(), data, 1024, (1 << 20) - 512, 0), -ENXIO);
	assert_non_null(strstr(dry_error(), "past the end"));
	live_end();
}

static _Atomic unsigned dones;

static void note_done(struct dry_io *io)
{
	expect(cpu_self != NULL);
	expect_is(cpu_irql(), IRQL_DISPATCH);
	expect_is(io->result, 0);
	atomic_fetch_add(&dones, 1);
}

static void a_submitted_request_is_done_on_a_processor(void **state)
{
	static char data[100][4096];
	static struct dry_io io[100];

	live_start(NULL);
	dones = 0;
	for (unsigned n = 0; n < 100; n++) {
		io[n] = (struct dry_io){.op = DRY_OP_READ,
			.buffer = data[n],
			.count = 4096,
			.offset = n * 4096,
			.done = note_done};
		assert_int_equal(dry_submit(unit(), &io[n]), 0);
	}
	for (unsigned n = 0; n < 5000 && dones < 100; n++)
		sleep_ms(1);
	assert_int_equal(dones, 100);
	io[0].count = 1;
	assert_int_equal(dry_submit(unit(), &io[0]), -EINVAL);
	assert_int_equal(dones, 100);
	live_end();
}

/* ---- IO_CONTROL ---- */

static void the_log_page_comes_by_io_control(void **state)
{
	uint64_t log[16] = {0}, before;
	char data[512];
	uint32_t code = 77;
	char *large;

	live_start(NULL);
	assert_int_equal(dry_ioctl(unit(), "DRYSIMPL", 0, log, sizeof(log), &code), 0);
	assert_int_equal(code, 0);
	before = log[0]; /* commands */
	assert_int_equal(dry_read(unit(), data, 512, 0), 0);
	assert_int_equal(dry_ioctl(unit(), "DRYSIMPL", 0, log, sizeof(log), NULL), 0);
	assert_true(log[0] > before);
	assert_true(dry_ioctl(unit(), "SOMEBODY", 0, log, sizeof(log), &code) < 0);
	large = calloc(1, 64 << 20);
	assert_int_equal(dry_ioctl(unit(), "DRYSIMPL", 0, large, 64 << 20, &code), -EINVAL);
	assert_non_null(strstr(dry_error(), "at most"));
	free(large);
	live_end();
}

/* ---- SCSI commands ---- */

static void a_scsi_command_goes_through_the_driver_as_it_is(void **state)
{
	uint8_t data[36];
	struct dry_scsi scsi = {
		.cdb = {0x12, [4] = 36}, .cdb_length = 6, .data = data, .bytes = sizeof(data)};
	struct dry_scsi read = {
		.cdb = {0x28, 0, 0xff, [8] = 1}, .cdb_length = 10, .data = data, .bytes = 512};
	char block[512];

	live_start(NULL);
	assert_int_equal(dry_scsi(unit(), &scsi), 0);
	assert_int_equal(scsi.end, DRY_SCSI_ANSWERED);
	assert_int_equal(scsi.moved, 36);
	assert_memory_equal(data + 8, "DRYPORT SIMPLE DISK ", 20);
	read.data = block;
	assert_int_equal(dry_scsi(unit(), &read), 0); /* past the end */
	assert_int_equal(read.end, DRY_SCSI_ANSWERED);
	assert_int_equal(
		read.scsi_status, 2); /* CHECK CONDITION: ILLEGAL REQUEST, LBA OUT OF RANGE */
	assert_int_equal(read.sense[2], 5);
	assert_int_equal(read.sense[12], 0x21);
	read.bytes = 64 << 20;
	assert_int_equal(dry_scsi(unit(), &read), -EINVAL);
	assert_non_null(strstr(dry_error(), "at most"));
	live_end();
}

/* ---- a deep queue ---- */

static _Atomic bool deep_ends;

static void submit_again(struct dry_io *io)
{
	expect_is(io->result, 0);
	if (atomic_load(&deep_ends))
		atomic_fetch_add(&dones, 1);
	else
		expect_is(dry_submit(unit(), io), 0);
}

/* More than there are transfers, and the next at each one's end: what is no front's has its own. */
static void a_front_without_end_keeps_no_command_back(void **state)
{
	static struct dry_io io[400];
	uint8_t inquiry[36];
	uint64_t log[16];
	char *data;

	live_start(NULL);
	data = dry_buffer_new(live, 4096);
	assert_non_null(data);
	deep_ends = false;
	dones = 0;
	for (unsigned n = 0; n < 400; n++) {
		io[n] = (struct dry_io){
			.op = DRY_OP_READ, .buffer = data, .count = 4096, .done = submit_again};
		assert_int_equal(dry_submit(unit(), &io[n]), 0);
	}
	for (unsigned n = 0; n < 20; n++) {
		struct dry_scsi scsi = {.cdb = {0x12, [4] = 36},
			.cdb_length = 6,
			.data = inquiry,
			.bytes = sizeof(inquiry)};

		assert_int_equal(dry_scsi(unit(), &scsi), 0);
		assert_int_equal(scsi.end, DRY_SCSI_ANSWERED);
		assert_int_equal(dry_ioctl(unit(), "DRYSIMPL", 0, log, sizeof(log), NULL), 0);
	}
	deep_ends = true;
	for (unsigned n = 0; n < 5000 && dones < 400; n++)
		sleep_ms(1);
	assert_int_equal(dones, 400);
	dry_buffer_free(live, data, 4096);
	live_end();
}

/* ---- the stop ---- */

static void what_comes_after_the_stop_is_refused(void **state)
{
	struct dry_unit *kept;
	struct dry_unit_info info;
	struct dry_io io = {.op = DRY_OP_FLUSH, .done = note_done};
	char data[512];
	struct dry_scsi scsi = {.cdb_length = 6};
	uint32_t code;

	live_start(NULL);
	kept = unit();
	assert_int_equal(dry_machine_stop(live), 0);
	assert_int_equal(dry_machine_stop(live), 0); /* nothing to do */
	assert_int_equal(dry_unit_count(live), 0);
	assert_int_equal(dry_read(kept, data, 512, 0), -ESHUTDOWN);
	assert_int_equal(dry_write(kept, data, 512, 0, 0), -ESHUTDOWN);
	assert_int_equal(dry_flush(kept), -ESHUTDOWN);
	assert_int_equal(dry_trim(kept, 512, 0, 0), -ESHUTDOWN);
	assert_int_equal(dry_submit(kept, &io), -ESHUTDOWN);
	assert_int_equal(dry_ioctl(kept, "DRYSIMPL", 0, data, 0, &code), -ESHUTDOWN);
	assert_int_equal(dry_scsi(kept, &scsi), -ESHUTDOWN);
	assert_int_equal(dry_workload_run(live, "rw:ops=1"), -ESHUTDOWN);
	dry_unit_info(kept, &info); /* what it was can still be asked for */
	assert_int_equal(info.size, 1 << 20);
	dry_machine_free(live);
}

static _Atomic unsigned inside;

static void *read_until_stopped(void *arg)
{
	struct dry_unit *kept = arg;
	char *data = malloc(256 << 10);
	int result;

	atomic_fetch_add(&inside, 1);
	while ((result = dry_read(kept, data, 256 << 10, 512)) == 0)
		;
	free(data);
	return (void *)(intptr_t)result;
}

/* A thread inside dry_read gets its data; the next call is refused; nothing is touched after it
 * went. */
static void stopping_waits_for_threads_that_are_inside(void **state)
{
	const char *const options[] = {"cpus", "2", NULL};

	for (unsigned round = 0; round < 5; round++) {
		pthread_t threads[4];

		live_start(options);
		inside = 0;
		for (unsigned n = 0; n < 4; n++)
			assert_int_equal(
				pthread_create(&threads[n], NULL, read_until_stopped, unit()), 0);
		while (inside < 4)
			sleep_ms(1);
		sleep_ms(round * 3);
		assert_int_equal(dry_machine_stop(live), 0);
		for (unsigned n = 0; n < 4; n++) {
			void *result;

			pthread_join(threads[n], &result);
			assert_int_equal((intptr_t)result, -ESHUTDOWN);
		}
		live_end();
	}
}

static _Atomic bool stopped;

static void *stop_machine(void *arg)
{
	expect_is(dry_machine_stop(live), 0);
	stopped = true;
	return NULL;
}

/* Even one that has come in and not submitted anything yet. */
static void stopping_waits_for_who_has_only_just_come_in(void **state)
{
	pthread_t thread;
	char data[512];
	struct dry_io io = {.op = DRY_OP_READ, .buffer = data, .count = 512};

	live_start(NULL);
	assert_int_equal(machine_enter(live), 0);
	stopped = false;
	assert_int_equal(pthread_create(&thread, NULL, stop_machine, NULL), 0);
	while (live->is_open)
		sleep_ms(1);
	sleep_ms(30);
	assert_false(stopped);
	assert_int_equal(machine_enter(live), -ESHUTDOWN);
	/* Its unit still works. */
	assert_int_equal(disk_run(live->units[0].disk, &io), 0);
	machine_leave(live);
	pthread_join(thread, NULL);
	live_end();
}

static void stopping_waits_for_what_was_submitted(void **state)
{
	const char *const options[] = {"hw", "simple:delay=20000", NULL};
	static struct dry_io io[50];
	static char data[50][4096];

	live_start(options);
	dones = 0;
	for (unsigned n = 0; n < 50; n++) {
		io[n] = (struct dry_io){.op = DRY_OP_WRITE,
			.buffer = data[n],
			.count = 4096,
			.offset = n * 4096,
			.done = note_done};
		assert_int_equal(dry_submit(unit(), &io[n]), 0);
	}
	assert_true(dones < 50);
	live_end();
	assert_int_equal(dones, 50);
}

/* ---- starts ---- */

static void a_failed_start_leaves_nothing_behind(void **state)
{
	const char *const no_such_processor[] = {"cpus", "1", "claim", "5", NULL};
	const char *const no_such_device[] = {"hw", "toaster", NULL};
	struct dry_machine *second;

	assert_int_equal(live_try(no_such_processor), -EINVAL);
	assert_non_null(strstr(dry_error(), "processor 5"));
	dry_machine_free(live);
	assert_int_equal(live_try(no_such_device), -EINVAL);
	assert_non_null(strstr(dry_error(), "toaster"));
	dry_machine_free(live);
	live_start(NULL);
	/* one at a time */
	second = dry_machine_new();
	assert_int_equal(dry_machine_start(second, live_miniport), -EBUSY);
	assert_int_equal(dry_machine_set(live, "cpus", "2"), -EBUSY);
	dry_machine_free(second);
	live_end();
}

static void a_machine_can_be_started_again(void **state)
{
	char data[512] = {1};
	struct dry_summary summary;

	live_start(NULL);
	assert_int_equal(dry_write(unit(), data, 512, 0, 0), 0);
	assert_int_equal(dry_machine_stop(live), 0);
	assert_int_equal(dry_machine_start(live, live_miniport), 0);
	assert_int_equal(dry_read(unit(), data, 512, 0), 0);
	assert_int_equal(data[0], 0); /* a new device */
	dry_machine_summary(live, &summary);
	assert_int_equal(summary.client_written, 0);
	assert_int_equal(summary.client_read, 512);
	live_end();
}

/* ---- being a processor ---- */

static struct dry_io poll_io;
static unsigned polls;

static bool poll_once(void *arg)
{
	char *data = arg;

	expect_is(cpu_irql(), IRQL_PASSIVE);
	if (!polls++) {
		poll_io = (struct dry_io){
			.op = DRY_OP_READ, .buffer = data, .count = 512, .done = note_done};
		expect_is(dry_submit(dry_unit_get(live, 0), &poll_io), 0);
	}
	return dones == 0;
}

static void a_host_thread_can_be_a_processor_and_submit(void **state)
{
	const char *const options[] = {"claim", "0", NULL};
	char data[512];

	live_start(options);
	dones = polls = 0;
	assert_int_equal(dry_processor_run(live, 1, poll_once, data), -EINVAL);
	assert_int_equal(dry_processor_run(live, 0, poll_once, data), 0);
	assert_int_equal(dones, 1);
	live_end();
	live_start(NULL);
	assert_int_equal(dry_processor_run(live, 0, poll_once, data), -EINVAL);
	assert_non_null(strstr(dry_error(), "claimed"));
	live_end();
}

/* ---- tables ---- */

static void models_and_exports_can_be_listed(void **state)
{
	const struct dry_model *model;
	const char *name, *module;
	bool simple = false, get = false;

	for (unsigned n = 0; (model = dry_model_get(n)) != NULL; n++)
		simple |= !strcmp(model->name, "simple") && *model->help && *dry_model_options(n);
	for (unsigned n = 0; (name = dry_export_get(n, &module)) != NULL; n++)
		get |= !strcmp(name, "StorPortGetScatterGatherList") &&
		       !strcmp(module, "storport.sys");
	for (unsigned n = 0; dry_model_get(n); n++)
		assert_non_null(dry_model_options(n));
	assert_true(simple && get);
	assert_non_null(dry_export_get(0, NULL));
}

/* ---- what happens to an adapter ---- */

static _Atomic unsigned events_seen;

static void event_seen(void *ctx, const struct trace_event *event)
{
	events_seen++;
}

static void events_happen_in_each_run(void **state)
{
	const char *const options[] = {"at", "1us:restart", NULL};

	events_seen = 0;
	assert_int_equal(trace_subscribe(1ull << TRACE_EVENT_END, event_seen, NULL), 0);
	live_start(options);
	for (unsigned run = 1; run <= 2; run++) {
		for (unsigned n = 0; n < 1000 && !events_seen; n++)
			sleep_ms(5);
		assert_int_equal(events_seen, 1);
		assert_int_equal(dry_machine_event(live, "restart", 0), 0);
		assert_int_equal(dry_machine_event(live, "explode", 0), -EINVAL);
		assert_non_null(strstr(dry_error(), "no event \"explode\""));
		assert_int_equal(dry_machine_event(live, "restart", 1), -EINVAL);
		assert_int_equal(dry_machine_event(live, "start", 0), -EINVAL);
		assert_int_equal(dry_machine_event(live, "plug", 0), -EINVAL);
		assert_int_equal(dry_machine_event(live, "unplug", 0), 0);
		assert_int_equal(dry_flush(unit()), -ENXIO);
		assert_int_equal(dry_machine_event(live, "wake", 0), -EINVAL);
		assert_int_equal(dry_machine_event(live, "plug", 0), 0);
		assert_int_equal(dry_flush(unit()), 0);
		if (run == 1) {
			assert_int_equal(dry_machine_stop(live), 0);
			events_seen = 0;
			assert_int_equal(dry_machine_event(live, "restart", 0), -ESHUTDOWN);
			assert_int_equal(dry_machine_start(live, live_miniport), 0);
		}
	}
	live_end();
	trace_unsubscribe(event_seen, NULL);
}

/* An adapter that comes again has other transfers, also where its disks are the old ones. */
static void a_disk_that_is_back_has_its_adapters_transfers(void **state)
{
	void *before, *apart;

	live_start(NULL);
	before = unit()->disk->adapter->front;
	assert_ptr_equal(unit()->disk->front, before);
	assert_int_equal(dry_machine_event(live, "unplug", 0), 0);
	/* what has been freed is not to be had again */
	apart = aligned_alloc(_Alignof(struct disk_transfers), sizeof(struct disk_transfers));
	assert_int_equal(dry_machine_event(live, "plug", 0), 0);
	assert_ptr_equal(unit()->disk->front, unit()->disk->adapter->front);
	assert_ptr_not_equal(unit()->disk->front, before);
	free(apart);
	live_end();
}

/* ---- a driver's code ---- */

static void a_drivers_code_has_frames_and_devices_only_read_it(void **state)
{
	struct dry_summary summary;
	struct dma_master *master;
	char *code, back[16];
	uint64_t at;

	live_start(NULL);
	code = loader_entry(live->image);
	assert_int_equal(mem_owner(code)->kind, MEM_CODE);
	at = mem_physical(code);
	assert_true(at != MEM_NO_ADDRESS && mem_host(at) == code);
	master = live->model->master(live->devices[0]);
	assert_int_equal(dma_bus_read(master, at, back, sizeof(back)), 0);
	assert_memory_equal(back, code, sizeof(back));
	assert_int_equal(dma_bus_write(master, at, back, sizeof(back)), -EFAULT);
	assert_int_equal(dry_machine_stop(live), 0);
	dry_machine_summary(live, &summary);
	assert_int_equal(summary.violations, 1);
	assert_non_null(strstr(summary.first_violation, "a driver's code and constants are there"));
	dry_machine_free(live);
	live = NULL;
}

/* ---- the registry ---- */

static void the_registry_is_changed_while_it_runs(void **state)
{
	const WCHAR text[] = u"Machine\\SYSTEM\\CurrentControlSet\\Services\\front";
	const UNICODE_STRING below = reg_string(text, array_size(text) - 1);
	const UNICODE_STRING name = reg_string(u"Depth", 5);
	char path[] = "/tmp/dryport-front-XXXXXX";
	int fd = mkstemp(path);
	const struct reg_value *value;
	struct reg_key *key;

	assert_true(fd >= 0);
	dprintf(fd, "REGEDIT4\n\n[HKEY_LOCAL_MACHINE\\System\\CurrentControlSet\\Services\\front]\n"
		    "\"Depth\"=dword:00000007\n");
	live_start(NULL);
	assert_int_equal(dry_registry_read(live, path), 0);
	reg_lock();
	assert_int_equal(reg_key_find(reg_root(), &below, &key), 0);
	value = reg_value_find(key, &name);
	assert_true(value && value->bytes == 4 && value->data[0] == 7);
	reg_unlock();
	dprintf(fd, "nonsense\n");
	assert_int_equal(dry_registry_read(live, path), -EINVAL);
	assert_non_null(strstr(dry_error(), "nonsense"));
	assert_int_equal(dry_registry_read(live, "/nowhere.reg"), -ENOENT);
	live_end();
	close(fd);
	unlink(path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_says_what_it_is),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(buffers_of_the_machine_serve_from_any_byte),
		cmocka_unit_test(bad_requests_say_why),
		cmocka_unit_test(a_submitted_request_is_done_on_a_processor),
		cmocka_unit_test(the_log_page_comes_by_io_control),
		cmocka_unit_test(a_scsi_command_goes_through_the_driver_as_it_is),
		cmocka_unit_test(a_front_without_end_keeps_no_command_back),
		cmocka_unit_test(events_happen_in_each_run),
		cmocka_unit_test(a_disk_that_is_back_has_its_adapters_transfers),
		cmocka_unit_test(a_drivers_code_has_frames_and_devices_only_read_it),
		cmocka_unit_test(the_registry_is_changed_while_it_runs),
		cmocka_unit_test(what_comes_after_the_stop_is_refused),
		cmocka_unit_test(stopping_waits_for_threads_that_are_inside),
		cmocka_unit_test(stopping_waits_for_who_has_only_just_come_in),
		cmocka_unit_test(stopping_waits_for_what_was_submitted),
		cmocka_unit_test(a_failed_start_leaves_nothing_behind),
		cmocka_unit_test(a_machine_can_be_started_again),
		cmocka_unit_test(a_host_thread_can_be_a_processor_and_submit),
		cmocka_unit_test(models_and_exports_can_be_listed),
	};
	int err = live_main(argc, argv);

	return err ? err : cmocka_run_group_tests(tests, NULL, NULL);
}
