/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* dry_service, with the RAM disks' driver (the first argument; the second is one with a device): it
 * adds a unit, tells who waits for one, moves blocks to and from memory of ours, and is made to
 * give up. */
#include "ask.h"

#include <errno.h>
#include <ntstatus.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* One request; what comes back lies in data. */
struct ask {
	RAM_SERVICE data;
	struct dry_service service;
	int result;
	pthread_t thread;
};

static void prepare(struct ask *ask, unsigned command, unsigned megabytes, unsigned seconds)
{
	*ask = (struct ask){.data = {.Command = command, .Unit = 99, .Megabytes = megabytes}};
	ask->service = (struct dry_service){.in = &ask->data,
		.out = &ask->data,
		.in_bytes = sizeof(ask->data),
		.out_bytes = sizeof(ask->data),
		.seconds = seconds,
		.status = 0xffffffff};
}

static void *run(void *arg)
{
	struct ask *ask = arg;

	ask->result = dry_service(live, 0, &ask->service);
	return NULL;
}

/* Where only one may wait. */
static void *run_until_there_is_room(void *arg)
{
	struct ask *ask = arg;

	do
		run(ask);
	while (!ask->result && ask->service.status == (uint32_t)STATUS_DEVICE_BUSY);
	return NULL;
}

static void begin(struct ask *ask)
{
	prepare(ask, RAM_WAIT_FOR_UNIT, 0, 60);
	assert_int_equal(pthread_create(&ask->thread, NULL, run_until_there_is_room, ask), 0);
}

static void add(unsigned megabytes, unsigned unit)
{
	struct ask ask;

	prepare(&ask, RAM_ADD_UNIT, megabytes, 0);
	run(&ask);
	assert_int_equal(ask.result, 0);
	assert_int_equal(ask.service.status, STATUS_SUCCESS);
	assert_int_equal(ask.service.returned, sizeof(ask.data));
	assert_int_equal(ask.data.Unit, unit);
}

static bool unit_comes(unsigned count)
{
	for (unsigned n = 0; n < 5000 && dry_unit_count(live) != count; n++)
		usleep(1000);
	return dry_unit_count(live) == count;
}

static void a_unit_that_was_asked_for_comes_up(void **state)
{
	char block[512] = "of the second unit", back[512];
	struct dry_unit_info info;

	start(ramdisk, "none", NULL);
	assert_int_equal(dry_unit_count(live), 1);
	add(3, 1);
	assert_true(unit_comes(2));
	dry_unit_info(dry_unit_get(live, 1), &info);
	assert_int_equal(info.size, 3 << 20);
	assert_string_equal(info.name, "0:0:1");
	assert_int_equal(dry_write(dry_unit_get(live, 1), block, 512, (3 << 20) - 512, 0), 0);
	assert_int_equal(dry_read(dry_unit_get(live, 1), back, 512, (3 << 20) - 512), 0);
	assert_memory_equal(block, back, 512);
	dry_unit_info(dry_unit_get(live, 0), &info);
	assert_int_equal(info.size, 64 << 20);
	stop();
}

/* "Reverse callback": the request is ended when there is something to tell. */
static void who_waits_is_told_of_the_next_unit(void **state)
{
	struct ask waiter, other;

	start(ramdisk, "none", NULL);
	begin(&waiter);
	do { /* until the first one is there */
		prepare(&other, RAM_WAIT_FOR_UNIT, 0, 1);
		run(&other);
		assert_int_equal(other.result, 0);
	} while (other.service.status != (uint32_t)STATUS_DEVICE_BUSY);
	add(7, 1);
	pthread_join(waiter.thread, NULL);
	assert_int_equal(waiter.result, 0);
	assert_int_equal(waiter.service.status, STATUS_SUCCESS);
	assert_int_equal(waiter.data.Unit, 1);
	assert_int_equal(waiter.data.Megabytes, 7);
	stop();
}

static void a_request_is_cancelled_after_its_time(void **state)
{
	struct ask ask;
	time_t began = time(NULL);

	start(ramdisk, "none", NULL);
	prepare(&ask, RAM_WAIT_FOR_UNIT, 0, 1);
	run(&ask);
	assert_int_equal(ask.result, 0);
	assert_int_equal(ask.service.status, (uint32_t)STATUS_CANCELLED);
	assert_int_equal(ask.service.returned, 0);
	assert_in_range(time(NULL) - began, 1, 5);
	stop();
}

/* HwStorCompleteServiceIrp. */
static void the_stop_ends_who_waits(void **state)
{
	struct ask waiter;

	start(ramdisk, "none", NULL);
	begin(&waiter);
	usleep(20000); /* that it waits: else it is refused, which is as good */
	assert_int_equal(dry_machine_stop(live), 0);
	pthread_join(waiter.thread, NULL);
	if (waiter.result)
		assert_int_equal(waiter.result, -ESHUTDOWN);
	else
		assert_int_equal(waiter.service.status, (uint32_t)STATUS_DELETE_PENDING);
	stop();
}

static void what_cannot_be_asked_is_refused(void **state)
{
	struct ask ask;

	start(ramdisk, "none", NULL);
	prepare(&ask, 77, 0, 0);
	run(&ask);
	assert_int_equal(ask.result, 0);
	assert_int_equal(ask.service.status, (uint32_t)STATUS_INVALID_PARAMETER);
	ask.service.out_bytes = 4;
	run(&ask);
	assert_int_equal(ask.service.status, (uint32_t)STATUS_BUFFER_TOO_SMALL);
	assert_int_equal(dry_service(live, 1, &ask.service), -ENODEV);
	assert_int_equal(dry_machine_stop(live), 0);
	run(&ask);
	assert_int_equal(ask.result, -ESHUTDOWN);
	stop();
}

static uint32_t move(unsigned command, unsigned block, unsigned blocks, void *buffer)
{
	struct ask ask;

	prepare(&ask, command, 0, 0);
	ask.data.Unit = 0;
	ask.data.Block = block;
	ask.data.Blocks = blocks;
	ask.data.Buffer = buffer;
	run(&ask);
	assert_int_equal(ask.result, 0);
	return ask.service.status;
}

/* Each mover has pages of its own and shares others with its neighbours. */
#define MOVERS	   4
#define MOVED	   (33 * 512)
#define MOVE_TIMES 50

static char moved[MOVERS][MOVED];

static void *mover_run(void *arg)
{
	char *buffer = arg;
	unsigned number = (unsigned)((buffer - moved[0]) / MOVED);
	uintptr_t bad = 0;

	for (unsigned n = 0; n < MOVE_TIMES; n++) {
		memset(buffer, (int)(number * MOVE_TIMES + n), MOVED);
		bad += move(RAM_WRITE, 100 * number, MOVED / 512, buffer);
		memset(buffer, 0xee, MOVED);
		bad += move(RAM_READ, 100 * number, MOVED / 512, buffer);
		for (unsigned at = 0; at < MOVED; at++)
			bad += (unsigned char)buffer[at] != number * MOVE_TIMES + n;
	}
	return (void *)bad;
}

/* MmProbeAndLockPages: what the driver moves lies in the program's buffer, wherever that is. */
static void a_driver_moves_data_from_and_to_memory_of_the_program(void **state)
{
	pthread_t movers[MOVERS];
	void *bad, *kernel;
	char block[512];

	start(ramdisk, "none", NULL);
	for (unsigned n = 0; n < MOVERS; n++)
		assert_int_equal(pthread_create(&movers[n], NULL, mover_run, moved[n]), 0);
	for (unsigned n = 0; n < MOVERS; n++) {
		pthread_join(movers[n], &bad);
		assert_null(bad);
	}
	for (unsigned n = 0; n < MOVERS; n++) { /* it is on the disk */
		assert_int_equal(
			dry_read(dry_unit_get(live, 0), block, 512, 512 * (100 * n + 32)), 0);
		assert_memory_equal(block, moved[n] + 32 * 512, 512);
	}
	/* a buffer of the machine's is a kernel address, on Windows as here */
	assert_int_equal(move(RAM_READ, 0, 1, moved[0]), STATUS_SUCCESS);
	kernel = dry_buffer_new(live, 4096);
	assert_int_equal(move(RAM_READ, 0, 1, kernel), (uint32_t)STATUS_ACCESS_VIOLATION);
	dry_buffer_free(live, kernel, 4096);
	stop();
}

static void a_driver_is_not_led_to_memory_that_a_program_has_not(void **state)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	start(ramdisk, "none", NULL);
	memset(pages, 0x3c, 8192);
	mprotect(pages + 4096, 4096, PROT_READ);
	assert_int_equal(move(RAM_WRITE, 0, 16, pages), STATUS_SUCCESS);
	assert_int_equal(move(RAM_READ, 16, 8, pages), STATUS_SUCCESS);
	assert_int_equal(pages[4095], 0);
	assert_int_equal(move(RAM_READ, 16, 8, pages + 1), (uint32_t)STATUS_ACCESS_VIOLATION);
	munmap(pages + 4096, 4096);
	assert_int_equal(move(RAM_WRITE, 0, 9, pages), (uint32_t)STATUS_ACCESS_VIOLATION);
	assert_int_equal(move(RAM_WRITE, 0, 1, NULL), (uint32_t)STATUS_ACCESS_VIOLATION);
	assert_int_equal(move(RAM_READ, 0, 1, (void *)~4095ull), (uint32_t)STATUS_ACCESS_VIOLATION);
	stop();
	munmap(pages, 4096);
}

/* It has no HwStorProcessServiceRequest. */
static void a_driver_with_a_device_takes_none(void **state)
{
	struct ask ask;

	start(simple, "simple", NULL);
	prepare(&ask, RAM_ADD_UNIT, 1, 0);
	run(&ask);
	assert_int_equal(ask.result, 0);
	assert_int_equal(ask.service.status, (uint32_t)STATUS_INVALID_DEVICE_REQUEST);
	stop();
}

static void a_replayed_machine_takes_them_too(void **state)
{
	struct ask ask, other;
	char buffer[512];

	for (unsigned seed = 1; seed <= 3; seed++) {
		char text[8];

		snprintf(text, sizeof(text), "%u", seed);
		start(ramdisk, "none", text);
		add(2, 1);
		prepare(&ask, RAM_WAIT_FOR_UNIT, 0, 500); /* the clock is virtual */
		run(&ask);
		assert_int_equal(ask.service.status, (uint32_t)STATUS_CANCELLED);
		prepare(&other, RAM_ADD_UNIT, 1, 0);
		pthread_create(&other.thread, NULL, run, &other);
		pthread_join(other.thread, NULL);
		assert_int_equal(other.result, -EPERM);
		assert_int_equal(dry_unit_count(live), 2);
		assert_int_equal(dry_read(dry_unit_get(live, 1), buffer, 512, 0), 0);
		buffer[511] = 1;
		assert_int_equal(move(RAM_READ, 0, 1, buffer), STATUS_SUCCESS);
		assert_int_equal(buffer[511], 0);
		stop();
	}
}

/* A machine without a disk is one where programs may ask for some. */
static void a_machine_may_begin_without_a_unit(void **state)
{
	static const char registry[] =
		"Windows Registry Editor Version 5.00\n\n"
		"[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\ramdisk\\Parameters\\"
		"Device]\n\"DriverParameter\"=\"empty\"\n";
	char path[] = "/tmp/dryport-service-XXXXXX", buffer[512];
	int fd = mkstemp(path);

	assert_int_equal(write(fd, registry, sizeof(registry) - 1), sizeof(registry) - 1);
	close(fd);
	live = dry_machine_new();
	assert_int_equal(dry_machine_set(live, "hw", "none"), 0);
	assert_int_equal(dry_machine_set(live, "registry", path), 0);
	if (dry_machine_start(live, ramdisk))
		fail_msg("%s", dry_error());
	unlink(path);
	assert_int_equal(dry_unit_count(live), 0);
	assert_null(dry_unit_get(live, 0));
	assert_int_equal(dry_workload_run(live, "rw:ops=1"), -ENODEV);
	expect_has(dry_error(), "no unit for a workload");
	add(3, 0);
	assert_true(unit_comes(1));
	assert_int_equal(dry_read(dry_unit_get(live, 0), buffer, 512, 0), 0);
	stop();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_that_was_asked_for_comes_up),
		cmocka_unit_test(who_waits_is_told_of_the_next_unit),
		cmocka_unit_test(a_request_is_cancelled_after_its_time),
		cmocka_unit_test(the_stop_ends_who_waits),
		cmocka_unit_test(what_cannot_be_asked_is_refused),
		cmocka_unit_test(a_driver_moves_data_from_and_to_memory_of_the_program),
		cmocka_unit_test(a_driver_is_not_led_to_memory_that_a_program_has_not),
		cmocka_unit_test(a_driver_with_a_device_takes_none),
		cmocka_unit_test(a_replayed_machine_takes_them_too),
		cmocka_unit_test(a_machine_may_begin_without_a_unit),
	};

	if (argc < 3)
		return 2;
	ramdisk = argv[1];
	simple = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
