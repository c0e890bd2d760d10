/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Commands without a list (DIRECT), against docs/simple-controller.md: each thing by the device's
 * short way where that is open, and by its long one, which a listener makes it go.
 */
#include "driver.h"
#include "hw/medium.h"
#include <sys/uio.h>

static unsigned heard;

static void hear(void *ctx, const struct trace_event *event)
{
	heard++;
}

/* The body with nobody who listens, then with somebody. */
static void both_ways(void (*body)(void))
{
	body();
	trace_subscribe(1ull << TRACE_DMA_TRANSFER, hear, NULL);
	heard = 0;
	body();
	assert_true(heard > 0);
	trace_unsubscribe(hear, NULL);
}

static unsigned do_direct(struct driver *d, uint8_t opcode, uint64_t block, const void *data,
	uint64_t length, uint8_t flags)
{
	struct command c = direct_of(opcode, block, mem_physical(data), length);

	c.flags |= flags;
	return driver_do(d, c);
}

/* Pages that are neighbours for the device and not for us, at odd places; around it all stays. */
static void moved(void)
{
	static const struct {
		unsigned at, length;
	} pieces[] = {{0, 4096}, {0, 512}, {3584, 512}, {1, 1024}, {4095, 512}, {100, 32768}};
	char *out = mem_alloc(65536, MEM_LINEAR, MEM_COMMON, NULL);
	char *in = mem_alloc(65536, MEM_LINEAR, MEM_COMMON, NULL), expected[65536];
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	pattern_fill(out, 65536, 1);
	for (unsigned i = 0; i < array_size(pieces); i++) {
		unsigned at = pieces[i].at, length = pieces[i].length;

		assert_int_equal(do_direct(&d, WRITE, 70 * i, out + at, length, 0), OK);
		assert_int_equal(d.last.length, length);
		memset(in, 0xee, 65536);
		memset(expected, 0xee, 65536);
		memcpy(expected + at, out + at, length);
		assert_int_equal(do_direct(&d, READ, 70 * i, in + at, length, 0), OK);
		assert_int_equal(d.last.length, length);
		assert_memory_equal(in, expected, 65536);
		/* the same as with a list */
		memset(in, 0xee, 65536);
		d.list[0] = (struct element){mem_physical(in + at), length, 0};
		assert_int_equal(driver_do(&d, command_of(&d, READ, 70 * i, 1)), OK);
		assert_memory_equal(in, expected, 65536);
	}
	driver_close(&d);
	mem_free(in, 65536);
	mem_free(out, 65536);
}

/* Nothing is moved where the length or the blocks are not allowed. */
static void refused(void)
{
	static const struct {
		uint64_t block, length;
		unsigned status;
	} rows[] = {
		{0, 0, BAD_LIST},
		{0, 1, BAD_LIST},
		{0, 511, BAD_LIST},
		{0, 4095, BAD_LIST},
		{0, 0xffffffff, BAD_LIST},
		{8192, 0, BAD_LIST}, /* its length is looked at first */
		{8192, 512, BAD_RANGE},
		{8191, 1024, BAD_RANGE},
		{8185, 4096, BAD_RANGE},
		{1ull << 55, 512, BAD_RANGE},
		{~0ull, 512, BAD_RANGE},
		{0, 0xfffffe00, BAD_RANGE},
		{0, 1ull << 32, BAD_LIST},
		{0, (1ull << 32) + 512, BAD_LIST},
		{0, -512ull, BAD_LIST}, /* from within a page it would end in it */
		{0, -4096ull, BAD_LIST},
		{8184, 4096, OK},
		{8191, 512, OK},
	};
	static const uint8_t sense[2][3] = {{5, 0x21, 0}, {0xb, 0x4b, 0}};
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL), back[4096];
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	pattern_fill(back, 4096, 2);
	for (unsigned i = 0; i < array_size(rows); i++)
		for (uint8_t opcode = READ; opcode <= WRITE; opcode++) {
			unsigned status;

			memcpy(data, back, 4096);
			status = do_direct(&d, opcode, rows[i].block,
				data + (rows[i].length > 4096 ? 1024 : 0), rows[i].length, 0);
			assert_int_equal(status, rows[i].status);
			assert_int_equal(d.last.length, status ? 0 : rows[i].length);
			if (!status)
				continue;
			assert_memory_equal(data, back, 4096);
			assert_int_equal(d.last.sense[2], sense[status == BAD_LIST][0]);
			assert_int_equal(d.last.sense[12], sense[status == BAD_LIST][1]);
		}
	driver_close(&d);
	mem_free(data, 4096);
}

static void unreachable(void)
{
	static const uint64_t nowhere[] = {1ull << 50, ~0ull - 511, 0xfffff000};
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	for (unsigned i = 0; i < array_size(nowhere); i++)
		for (uint8_t opcode = READ; opcode <= WRITE; opcode++) {
			assert_int_equal(
				driver_do(&d, direct_of(opcode, 0, nowhere[i], 512)), DMA_ERROR);
			assert_violation("no memory is there");
			assert_int_equal(d.last.sense[12], 0x4b);
		}
	assert_int_equal(do_direct(&d, READ, 0, d.list, 512, 0), OK);
	driver_close(&d);
}

static void protected_disk(void)
{
	const struct hw_config config = {
		.options = "", .size = 1 << 20, .block_size = 512, .read_only = true};
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct driver d;

	driver_open_config(&d, &config);
	driver_start(&d);
	assert_int_equal(do_direct(&d, READ, 0, data, 4096, 0), OK);
	assert_int_equal(do_direct(&d, WRITE, 0, data, 4096, 0), READ_ONLY);
	assert_int_equal(do_direct(&d, WRITE, 0, data, 4096, FUA), READ_ONLY);
	assert_int_equal(do_direct(&d, WRITE, 2048, data, 4096, 0), BAD_RANGE);
	assert_int_equal(do_direct(&d, WRITE, 0, data, 4000, 0), BAD_LIST);
	driver_close(&d);
	mem_free(data, 4096);
}

static unsigned flushes;

/* In place of the host's. */
int fdatasync(int fd)
{
	flushes++;
	return 0;
}

static void file_disk(void)
{
	static const struct medium medium = {.fault = {{100, false}, {200, true}}, .count = 2};
	const struct hw_config config = {
		.options = "", .disk = scratch_file(1 << 20), .block_size = 512, .medium = &medium};
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct driver d;

	driver_open_config(&d, &config);
	unlink(config.disk);
	driver_start(&d);
	flushes = 0;
	assert_int_equal(do_direct(&d, WRITE, 8, data, 4096, 0), OK);
	assert_int_equal(do_direct(&d, READ, 8, data, 4096, FUA), OK);
	assert_int_equal(flushes, 0);
	assert_int_equal(do_direct(&d, WRITE, 8, data, 4096, FUA), OK);
	assert_int_equal(flushes, 1);
	assert_int_equal(do_direct(&d, READ, 99, data, 1024, 0), MEDIA_ERROR);
	assert_int_equal(d.last.length, 0);
	assert_int_equal(d.last.sense[12], 0x11);
	assert_int_equal(do_direct(&d, WRITE, 199, data, 1024, 0), MEDIA_ERROR);
	assert_int_equal(d.last.sense[12], 0x0c);
	driver_close(&d);
	mem_free(data, 4096);
}

/* Neither is there a list nor is one looked at, and other opcodes know no DIRECT. */
static void other_fields(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct dma_master *master;
	struct driver d;
	struct command c;

	driver_open(&d, "max-elements=1");
	driver_start(&d);
	master = hw_find("simple")->master(d.device);
	c = direct_of(READ, 0, mem_physical(data), 4096);
	c.flags |= 0xfc;
	for (unsigned elements = 0; elements < 3; elements++) {
		c.elements = (uint16_t)(elements * 1000);
		assert_int_equal(driver_do(&d, c), OK);
	}
	dma_master_settle(master);
	assert_int_equal(master->bytes_written[MEM_DATA], 3 * 4096);
	assert_int_equal(master->bytes_read[MEM_EXTENSION], 3 * 32);
	c = command_of(&d, LOG, 0, driver_list(&d, data, 64));
	c.flags = DIRECT;
	assert_int_equal(driver_do(&d, c), OK);
	assert_int_equal(d.last.length, 64);
	assert_int_equal(((uint64_t *)data)[1], 3 * 4096);
	c = command_of(&d, SCSI, 0, driver_list(&d, data, 512));
	c.flags = DIRECT;
	memcpy(c.cdb, (uint8_t[16]){0x28, [8] = 1}, 16);
	assert_int_equal(driver_do(&d, c), OK);
	d.list[0] = (struct element){8191, 1, 0};
	c = command_of(&d, TRIM, 0, 1);
	c.flags = DIRECT;
	assert_int_equal(driver_do(&d, c), OK);
	driver_close(&d);
	mem_free(data, 4096);
}

/* ---- what happens while the storage works on a command ---- */

static struct {
	struct driver *driver;
	unsigned reads, at;
	bool disable; /* else bus mastering goes */
} meddler;

/* In place of the host's. */
ssize_t preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
	uint16_t command = 2;

	if (++meddler.reads == meddler.at && meddler.disable)
		reg_set(meddler.driver, CONTROL, 0);
	else if (meddler.reads == meddler.at)
		bus_config_write(meddler.driver->function, 4, &command, sizeof(command));
	return pread(fd, iov->iov_base, iov->iov_len, offset);
}

/* The third of five is with the storage when it happens. */
static void meddle(struct driver *d, char *data, bool disable)
{
	const struct hw_config config = {
		.options = "", .disk = scratch_file(1 << 20), .block_size = 512};

	driver_open_config(d, &config);
	unlink(config.disk);
	driver_start(d);
	for (unsigned i = 0; i < 5; i++)
		driver_put(d, direct_of(READ, 8 * i, mem_physical(data), 4096));
	meddler.driver = d;
	meddler.reads = 0;
	meddler.at = 3;
	meddler.disable = disable;
	driver_ring(d);
}

static void disabled(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct completion c;
	unsigned done = 0;
	struct driver d;

	meddle(&d, data, true);
	driver_stop(&d);
	assert_int_equal(meddler.reads, 3);
	while (driver_take(&d, &c))
		done++;
	assert_true(done <= 2);
	driver_start(&d);
	assert_int_equal(do_direct(&d, READ, 0, data, 4096, 0), OK);
	driver_close(&d);
	mem_free(data, 4096);
}

static void unmastered(void)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL);
	struct completion c;
	unsigned done = 0;
	struct driver d;

	meddle(&d, data, false);
	assert_int_equal(reg_get(&d, STATUS), 3 << 8);
	assert_violation("bus mastering is off");
	while (driver_take(&d, &c))
		done++;
	assert_true(done <= 2);
	driver_close(&d);
	mem_free(data, 4096);
}

#define BOTH_WAYS(name, body)                                                                      \
	static void body##_on_processor(void)                                                      \
	{                                                                                          \
		both_ways(body);                                                                   \
	}                                                                                          \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body##_on_processor);                                                 \
	}

BOTH_WAYS(contiguous_data_is_moved_without_a_list, moved)
BOTH_WAYS(lengths_and_blocks_that_are_not_allowed_are_refused, refused)
BOTH_WAYS(unreachable_data_is_a_dma_error, unreachable)
BOTH_WAYS(a_read_only_disk_is_not_written, protected_disk)
BOTH_WAYS(fua_and_failures_of_the_medium_are_as_with_lists, file_disk)
BOTH_WAYS(elements_are_not_looked_at_and_other_opcodes_know_no_direct, other_fields)
BOTH_WAYS(who_is_disabled_during_a_command_completes_it_no_more, disabled)
BOTH_WAYS(who_loses_bus_mastering_during_a_command_completes_it_no_more, unmastered)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(contiguous_data_is_moved_without_a_list),
		machine_test(lengths_and_blocks_that_are_not_allowed_are_refused),
		machine_test(unreachable_data_is_a_dma_error),
		machine_test(a_read_only_disk_is_not_written),
		machine_test(fua_and_failures_of_the_medium_are_as_with_lists),
		machine_test(elements_are_not_looked_at_and_other_opcodes_know_no_direct),
		machine_test(who_is_disabled_during_a_command_completes_it_no_more),
		machine_test(who_loses_bus_mastering_during_a_command_completes_it_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
