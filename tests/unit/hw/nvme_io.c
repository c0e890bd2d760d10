/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* I/O commands of the NVMe controller and their errors: NVMe 1.4, section 6. */
#include "nvme_driver.h"
#include <signal.h>
#include <sys/resource.h>

#define BIG (1u << 20)
#define FUA (1u << 30)

static void data_comes_back(void)
{
	char *out = buffer_new(BIG), *in = buffer_new(BIG);
	struct driver d;

	driver_start(&d, "");
	pattern_fill(out, BIG, 1);
	assert_int_equal(driver_write(&d, 1000, out, BIG), OK);
	assert_int_equal(driver_read(&d, 1000, in, BIG), OK);
	assert_memory_equal(in, out, BIG);
	/* around it nothing was written */
	assert_int_equal(driver_read(&d, 999, in, 512), OK);
	assert_true(is_all(in, 512, 0));
	assert_int_equal(driver_read(&d, 1000 + BIG / 512, in, 512), OK);
	assert_true(is_all(in, 512, 0));
	driver_close(&d);
	mem_free(in, BIG);
	mem_free(out, BIG);
}

static void big_blocks(void)
{
	const struct hw_config config = {.options = "", .size = 8 << 20, .block_size = 4096};
	char *out = buffer_new(5 * PAGE), *in = buffer_new(5 * PAGE);
	struct driver d;

	driver_open_config(&d, &config);
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	pattern_fill(out, 5 * PAGE, 2);
	assert_int_equal(driver_do(&d, 1, io_of(&d, WRITE, 1, 2043, 5, out, 5 * PAGE)), OK);
	assert_int_equal(driver_do(&d, 1, io_of(&d, READ, 1, 2045, 3, in, 3 * PAGE)), OK);
	assert_memory_equal(in, out + 2 * PAGE, 3 * PAGE);
	assert_true(is_all(in + 3 * PAGE, 2 * PAGE, 0xee));
	assert_int_equal(driver_do(&d, 1, io_of(&d, READ, 1, 2044, 5, in, 5 * PAGE)), BAD_LBA);
	driver_close(&d);
	mem_free(in, 5 * PAGE);
	mem_free(out, 5 * PAGE);
}

/* Nothing is moved by what is refused. */
static void ranges_checked(void)
{
	static const uint8_t opcodes[] = {READ, WRITE, COMPARE, WRITE_ZEROES};
	char *data = buffer_new(PAGE), *back = buffer_new(PAGE);
	struct driver d;

	driver_start(&d, ""); /* 16384 blocks */
	pattern_fill(data, PAGE, 3);
	assert_int_equal(driver_write(&d, 16376, data, PAGE), OK);
	for (unsigned i = 0; i < array_size(opcodes); i++) {
		static const struct {
			uint64_t block;
			unsigned blocks;
		} bad[] = {{16377, 8}, {16384, 1}, {~0ull, 1}, {~0ull, 8}, {1ull << 55, 8},
			{16383, 2}};

		for (unsigned j = 0; j < array_size(bad); j++)
			assert_int_equal(driver_do(&d, 1,
						 io_of(&d, opcodes[i], 1, bad[j].block,
							 bad[j].blocks, back, PAGE)),
				BAD_LBA);
	}
	assert_true(is_all(back, PAGE, 0xee));
	assert_int_equal(driver_read(&d, 16376, back, PAGE), OK);
	assert_memory_equal(back, data, PAGE);
	driver_close(&d);
	mem_free(back, PAGE);
	mem_free(data, PAGE);
}

/* 5.15.2.2: what moves data is limited, what does not is not. */
static void transfer_limit(void)
{
	static const uint8_t opcodes[] = {READ, WRITE, COMPARE};
	char *data = buffer_new(16384);
	struct driver d;

	driver_start(&d, "mdts=8192");
	memset(data, 0, 16384);
	for (unsigned i = 0; i < array_size(opcodes); i++) {
		assert_int_equal(driver_do(&d, 1, io_of(&d, opcodes[i], 1, 0, 16, data, 8192)), OK);
		assert_int_equal(
			driver_do(&d, 1, io_of(&d, opcodes[i], 1, 0, 17, data, 8704)), BAD_FIELD);
	}
	assert_int_equal(driver_do(&d, 1, io_of(&d, WRITE_ZEROES, 1, 0, 16384, NULL, 0)), OK);
	driver_close(&d);
	mem_free(data, 16384);
}

static void namespaces(void)
{
	static const uint8_t opcodes[] = {READ, WRITE, COMPARE, WRITE_ZEROES, DSM};
	char *data = buffer_new(PAGE), *back = buffer_new(PAGE);
	struct driver d;

	driver_start(&d, "namespaces=3"); /* 5461 blocks each */
	/* the last blocks of one and the first of the next are neighbours on the disk only */
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		pattern_fill(data, PAGE, nsid);
		assert_int_equal(driver_do(&d, 1, io_of(&d, WRITE, nsid, 0, 8, data, PAGE)), OK);
		pattern_fill(data, PAGE, 10 + nsid);
		assert_int_equal(driver_do(&d, 1, io_of(&d, WRITE, nsid, 5453, 8, data, PAGE)), OK);
		assert_int_equal(
			driver_do(&d, 1, io_of(&d, WRITE, nsid, 5454, 8, data, PAGE)), BAD_LBA);
	}
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		pattern_fill(data, PAGE, nsid);
		assert_int_equal(driver_do(&d, 1, io_of(&d, READ, nsid, 0, 8, back, PAGE)), OK);
		assert_memory_equal(back, data, PAGE);
		pattern_fill(data, PAGE, 10 + nsid);
		assert_int_equal(driver_do(&d, 1, io_of(&d, READ, nsid, 5453, 8, back, PAGE)), OK);
		assert_memory_equal(back, data, PAGE);
	}
	/* 6.1: numbers that are none */
	for (unsigned i = 0; i < array_size(opcodes); i++) {
		struct command c = io_of(&d, opcodes[i], 0, 0, 1, back, 512);

		assert_int_equal(driver_do(&d, 1, c), BAD_NAMESPACE);
		c.nsid = 4;
		assert_int_equal(driver_do(&d, 1, c), BAD_NAMESPACE);
		c.nsid = 0xfffffffe;
		assert_int_equal(driver_do(&d, 1, c), BAD_NAMESPACE);
		c.nsid = 0xffffffff;
		assert_int_equal(driver_do(&d, 1, c), BAD_FIELD);
	}
	/* a flush may be for all: 6.8 */
	assert_int_equal(driver_do(&d, 1, (struct command){.nsid = 0xffffffff}), OK);
	assert_int_equal(driver_do(&d, 1, (struct command){.nsid = 3}), OK);
	assert_int_equal(driver_do(&d, 1, (struct command){.nsid = 0}), BAD_NAMESPACE);
	assert_int_equal(driver_do(&d, 1, (struct command){.nsid = 4}), BAD_NAMESPACE);
	driver_close(&d);
	mem_free(back, PAGE);
	mem_free(data, PAGE);
}

static void read_only(void)
{
	const struct hw_config config = {
		.options = "", .size = 1 << 20, .block_size = 512, .read_only = true};
	char *data = buffer_new(PAGE);
	struct command c;
	struct driver d;

	driver_open_config(&d, &config);
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	assert_int_equal(driver_read(&d, 0, data, PAGE), OK);
	assert_int_equal(driver_write(&d, 0, data, PAGE), WRITE_PROTECTED);
	assert_int_equal(
		driver_do(&d, 1, io_of(&d, WRITE_ZEROES, 1, 0, 8, NULL, 0)), WRITE_PROTECTED);
	assert_int_equal(driver_do(&d, 1, io_of(&d, COMPARE, 1, 0, 8, data, PAGE)), OK);
	memset(data, 0, 16);
	c = (struct command){.opcode = DSM, .nsid = 1, .prp1 = mem_physical(data), .dw11 = 4};
	assert_int_equal(driver_do(&d, 1, c), WRITE_PROTECTED);
	assert_int_equal(driver_do(&d, 1, (struct command){.nsid = 1}), OK);
	driver_close(&d);
	mem_free(data, PAGE);
}

static void zeroes(void)
{
	char *data = buffer_new(4 * PAGE), *back = buffer_new(4 * PAGE);
	struct command c;
	struct driver d;

	driver_start(&d, "");
	pattern_fill(data, 4 * PAGE, 4);
	assert_int_equal(driver_write(&d, 10, data, 4 * PAGE), OK);
	c = io_of(&d, WRITE_ZEROES, 1, 13, 20, NULL, 0);
	c.dw12 |= FUA | 1 << 25; /* may deallocate */
	assert_int_equal(driver_do(&d, 1, c), OK);
	assert_int_equal(driver_read(&d, 10, back, 4 * PAGE), OK);
	memset(data + 3 * 512, 0, 20 * 512);
	assert_memory_equal(back, data, 4 * PAGE);
	driver_close(&d);
	mem_free(back, 4 * PAGE);
	mem_free(data, 4 * PAGE);
}

struct range {
	uint32_t attributes, blocks;
	uint64_t block;
};

/* 256 ranges across a page border; a bad one among them, and none is touched. */
static void deallocation(void)
{
	char *data = buffer_new(2 * PAGE), *back = buffer_new(PAGE);
	struct range *ranges = (struct range *)(data + 2048);
	struct command c = {.opcode = DSM, .nsid = 1, .dw10 = 255, .dw11 = 4};
	struct driver d;

	driver_start(&d, "");
	pattern_fill(back, PAGE, 6);
	for (unsigned i = 0; i < 4096; i += 8)
		assert_int_equal(driver_write(&d, i, back, PAGE), OK);
	for (unsigned i = 0; i < 256; i++)
		ranges[i] = (struct range){i, 8, 16 * i};
	driver_prp(&d, &c, ranges, 256 * sizeof(*ranges));
	ranges[255].block = 16377;
	assert_int_equal(driver_do(&d, 1, c), BAD_LBA);
	assert_int_equal(driver_read(&d, 0, back, PAGE), OK);
	assert_false(is_all(back, PAGE, 0));
	/* without "deallocate" it is a hint */
	ranges[255].block = 16 * 255;
	c.dw11 = 3;
	assert_int_equal(driver_do(&d, 1, c), OK);
	assert_int_equal(driver_read(&d, 0, back, PAGE), OK);
	assert_false(is_all(back, PAGE, 0));
	c.dw11 = 4;
	assert_int_equal(driver_do(&d, 1, c), OK);
	for (unsigned i = 0; i < 256; i++) {
		/* memory storage reads as zeros where it was trimmed, and only there */
		assert_int_equal(driver_read(&d, 16 * i, back, PAGE), OK);
		assert_true(is_all(back, PAGE, 0));
		assert_int_equal(driver_read(&d, 16 * i + 8, back, PAGE), OK);
		pattern_fill(data, PAGE, 6);
		assert_memory_equal(back, data, PAGE);
	}
	driver_close(&d);
	mem_free(back, PAGE);
	mem_free(data, 2 * PAGE);
}

/* Any byte that differs, in blocks that lie across pages. */
static void comparison(void)
{
	static const unsigned places[] = {0, 1, 511, 512, 4095, 4096, 8190, 8191};
	char *data = buffer_new(4 * PAGE) + 104;
	struct driver d;

	driver_start(&d, "");
	pattern_fill(data, 2 * PAGE, 7);
	assert_int_equal(driver_do(&d, 1, io_of(&d, WRITE, 1, 5, 16, data, 2 * PAGE)), OK);
	assert_int_equal(driver_do(&d, 1, io_of(&d, COMPARE, 1, 5, 16, data, 2 * PAGE)), OK);
	for (unsigned i = 0; i < array_size(places); i++) {
		data[places[i]] ^= 1;
		assert_int_equal(
			driver_do(&d, 1, io_of(&d, COMPARE, 1, 5, 16, data, 2 * PAGE)), DIFFERENT);
		data[places[i]] ^= 1;
	}
	driver_close(&d);
	mem_free(data - 104, 4 * PAGE);
}

/* Pages that do not exist, and bus mastering that goes off: the command fails, the queues live. */
static void transfer_errors(void)
{
	char *data = buffer_new(3 * PAGE);
	struct command c;
	struct driver d;

	driver_start(&d, "");
	for (unsigned i = 0; i < 3; i++) {
		static const uint8_t opcodes[] = {READ, WRITE, COMPARE};

		c = io_of(&d, opcodes[i], 1, 0, 8, data, PAGE);
		c.prp1 = 1ull << 46;
		assert_int_equal(driver_do(&d, 1, c), TRANSFER_ERROR);
		assert_violation("no memory is there");
		assert_int_equal(d.last.status >> 15, 0); /* may be retried */
		c = io_of(&d, opcodes[i], 1, 0, 24, data, 3 * PAGE);
		memset(data, 0, 3 * PAGE);
		c.prp2 = 1ull << 46; /* no list there */
		assert_int_equal(driver_do(&d, 1, c), TRANSFER_ERROR);
		assert_violation("no memory is there");
	}
	c = (struct command){.opcode = DSM, .nsid = 1, .prp1 = 1ull << 46, .dw11 = 4};
	assert_int_equal(driver_do(&d, 1, c), TRANSFER_ERROR);
	assert_violation("no memory is there");
	assert_int_equal(driver_read(&d, 0, data, PAGE), OK);
	driver_close(&d);
	mem_free(data, 3 * PAGE);
}

/* A file that is shorter than it was, and one that may not grow. */
static void media_errors(void)
{
	const struct hw_config config = {
		.options = "", .disk = scratch_file(1 << 20), .block_size = 512};
	char *data = buffer_new(PAGE);
	struct rlimit old, low;
	struct driver d;

	driver_open_config(&d, &config);
	driver_enable(&d);
	driver_queue(&d, 1, 16, 16, 0);
	assert_int_equal(truncate(config.disk, 4096), 0);
	assert_int_equal(driver_read(&d, 0, data, PAGE), OK);
	assert_int_equal(driver_read(&d, 8, data, PAGE), READ_ERROR);
	assert_int_equal(driver_do(&d, 1, io_of(&d, COMPARE, 1, 8, 8, data, PAGE)), READ_ERROR);
	assert_int_equal(driver_admin(&d, GET_LOG, 0xffffffff, 127u << 16 | 2, 0), OK);
	assert_int_equal(get(d.page, 160, 8), 2); /* media errors */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low = old;
	low.rlim_cur = 8192;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	assert_int_equal(driver_write(&d, 16, data, PAGE), NO_CAPACITY);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(driver_write(&d, 16, data, PAGE), OK);
	driver_close(&d);
	unlink(config.disk);
	mem_free(data, PAGE);
}

/* With and without a cache, FUA or not: what is written is read. */
static void caches(void)
{
	char *data = buffer_new(PAGE), *back = buffer_new(PAGE);

	for (unsigned i = 0; i < 8; i++) {
		struct driver d;
		struct command c;

		driver_start(&d, i & 1 ? "write-cache=0" : "");
		if (i & 4 && !(i & 1))
			assert_int_equal(driver_admin(&d, SET_FEATURES, 0, 6, 0), OK);
		pattern_fill(data, PAGE, i);
		c = io_of(&d, WRITE, 1, 1, 8, data, PAGE);
		c.dw12 |= i & 2 ? FUA : 0;
		assert_int_equal(driver_do(&d, 1, c), OK);
		c = io_of(&d, READ, 1, 1, 8, back, PAGE);
		c.dw12 |= i & 2 ? FUA : 0;
		assert_int_equal(driver_do(&d, 1, c), OK);
		assert_memory_equal(back, data, PAGE);
		driver_close(&d);
	}
	mem_free(back, PAGE);
	mem_free(data, PAGE);
}

ON_PROCESSOR(what_is_written_is_read, data_comes_back)
ON_PROCESSOR(blocks_may_have_4096_bytes, big_blocks)
ON_PROCESSOR(blocks_beyond_the_end_are_refused, ranges_checked)
ON_PROCESSOR(transfers_are_limited, transfer_limit)
ON_PROCESSOR(namespaces_are_apart, namespaces)
ON_PROCESSOR(a_read_only_disk_is_write_protected, read_only)
ON_PROCESSOR(zeroes_are_written_where_asked, zeroes)
ON_PROCESSOR(ranges_are_deallocated_all_or_none, deallocation)
ON_PROCESSOR(compare_finds_each_byte, comparison)
ON_PROCESSOR(data_out_of_reach_fails_the_command, transfer_errors)
ON_PROCESSOR(errors_of_the_medium_are_told, media_errors)
ON_PROCESSOR(caches_do_not_change_data, caches)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(what_is_written_is_read),
		machine_test(blocks_may_have_4096_bytes),
		machine_test(blocks_beyond_the_end_are_refused),
		machine_test(transfers_are_limited),
		machine_test(namespaces_are_apart),
		machine_test(a_read_only_disk_is_write_protected),
		machine_test(zeroes_are_written_where_asked),
		machine_test(ranges_are_deallocated_all_or_none),
		machine_test(compare_finds_each_byte),
		machine_test(data_out_of_reach_fails_the_command),
		machine_test(errors_of_the_medium_are_told),
		machine_test(caches_do_not_change_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
