/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What every kind of storage promises, on memory and on a file alike. */
#include "driver.h"
#include "hw/medium.h"
#include "hw/storage.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <signal.h>

#define SIZE (256 << 10)

static unsigned char data[SIZE], back[SIZE];

static struct storage *open_kind(bool is_file, const char **name)
{
	struct hw_config config = {.options = "", .size = SIZE, .block_size = 512};
	struct storage *s;

	*name = is_file ? scratch_file(SIZE) : NULL;
	config.disk = *name;
	assert_int_equal(storage_open(&config, false, &s), 0);
	assert_true(storage_size(s) == SIZE);
	assert_false(storage_is_read_only(s));
	return s;
}

static void close_kind(struct storage *s, const char *name)
{
	assert_int_equal(storage_close(s), 0);
	if (name)
		unlink(name);
}

static int move(struct storage *s, uint64_t offset, void *at, uint64_t bytes, bool write)
{
	struct iovec iov = {at, bytes};

	return write ? storage_write(s, offset, &iov, 1) : storage_read(s, offset, &iov, 1);
}

static void fresh_storage_reads_zeros(bool is_file)
{
	const char *name;
	struct storage *s = open_kind(is_file, &name);

	memset(back, 1, SIZE);
	assert_int_equal(move(s, 0, back, SIZE, false), 0);
	assert_true(is_zero(back, SIZE));
	close_kind(s, name);
}

static void vectors_move_in_order(bool is_file)
{
	const char *name;
	struct storage *s = open_kind(is_file, &name);
	struct iovec out[4] = {{data, 100}, {data + 100, 0}, {data + 100, 412}, {data + 512, 1024}};
	struct iovec in[2] = {{back + 1, 1000}, {back + 1001, 536}};

	pattern_fill(data, SIZE, 1);
	assert_int_equal(storage_write(s, 4096, out, 4), 0);
	assert_int_equal(storage_read(s, 4096, in, 2), 0);
	assert_memory_equal(back + 1, data, 1536);
	assert_int_equal(move(s, 4096 - 512, back, 2560, false), 0);
	assert_true(is_zero(back, 512));
	assert_true(is_zero(back + 512 + 1536, 512));
	assert_int_equal(storage_flush(s), 0);
	close_kind(s, name);
}

static void zero_clears_exactly_its_range(bool is_file)
{
	const char *name;
	struct storage *s = open_kind(is_file, &name);
	static const struct {
		uint64_t at, bytes;
	} ranges[] = {{0, 512}, {512, 4096}, {4096 - 512, 1024}, {4096, 8192},
		{100 * 512, 65536 + 512}, {SIZE - 512, 512}, {0, SIZE}};

	for (unsigned i = 0; i < array_size(ranges); i++) {
		uint64_t at = ranges[i].at, end = at + ranges[i].bytes;

		pattern_fill(data, SIZE, i);
		assert_int_equal(move(s, 0, data, SIZE, true), 0);
		assert_int_equal(storage_zero(s, at, ranges[i].bytes), 0);
		assert_int_equal(move(s, 0, back, SIZE, false), 0);
		assert_memory_equal(back, data, at);
		assert_true(is_zero(back + at, end - at));
		assert_memory_equal(back + end, data + end, SIZE - end);
	}
	close_kind(s, name);
}

static void trim_leaves_the_rest_alone(bool is_file)
{
	const char *name;
	struct storage *s = open_kind(is_file, &name);

	pattern_fill(data, SIZE, 3);
	assert_int_equal(move(s, 0, data, SIZE, true), 0);
	assert_int_equal(storage_trim(s, 1024, 20480), 0);
	assert_int_equal(move(s, 0, back, SIZE, false), 0);
	assert_memory_equal(back, data, 1024);
	assert_memory_equal(back + 21504, data + 21504, SIZE - 21504);
	assert_int_equal(storage_trim(s, 0, 0), 0);
	close_kind(s, name);
}

static void nothing_reaches_beyond_the_end(bool is_file)
{
	const char *name;
	struct storage *s = open_kind(is_file, &name);

	assert_int_equal(move(s, SIZE, back, 1, false), -EINVAL);
	assert_int_equal(move(s, SIZE - 1, back, 2, true), -EINVAL);
	assert_int_equal(move(s, ~0ull, back, 2, true), -EINVAL);
	assert_int_equal(storage_zero(s, SIZE - 512, 1024), -EINVAL);
	assert_int_equal(storage_trim(s, ~0ull - 100, 1024), -EINVAL);
	assert_int_equal(storage_zero(s, 512, ~0ull), -EINVAL);
	close_kind(s, name);
}

static void read_only_storage_keeps_its_contents(bool is_file)
{
	struct hw_config config = {
		.options = "", .size = SIZE, .block_size = 512, .read_only = true};
	struct storage *s;

	config.disk = is_file ? scratch_file(SIZE) : NULL;
	assert_int_equal(storage_open(&config, false, &s), 0);
	assert_true(storage_is_read_only(s));
	assert_int_equal(move(s, 0, data, 512, true), -EROFS);
	assert_int_equal(storage_zero(s, 0, 512), -EROFS);
	assert_int_equal(storage_trim(s, 0, 512), -EROFS);
	assert_int_equal(storage_flush(s), 0);
	assert_int_equal(move(s, 0, back, 512, false), 0);
	close_kind(s, config.disk);
}

/* Memory is there at once; for a file somebody may have had to wait. */
static void one_stretch_is_moved_as_by_a_vector(bool is_file)
{
	const char *name;
	struct storage *s = open_kind(is_file, &name);
	int done = is_file ? STORAGE_WAITED : 0;

	pattern_fill(data, SIZE, 7);
	memset(back, 1, SIZE);
	assert_int_equal(storage_write_one(s, 512, data, 4096), done);
	assert_int_equal(move(s, 0, back, 8192, false), 0);
	assert_true(is_zero(back, 512));
	assert_memory_equal(back + 512, data, 4096);
	assert_true(is_zero(back + 512 + 4096, 8192 - 512 - 4096));
	assert_int_equal(storage_read_one(s, 1024, back + 1, 512), done);
	assert_memory_equal(back + 1, data + 512, 512);
	assert_int_equal(back[0], 0);
	assert_int_equal(storage_read_one(s, SIZE - 512, back, 512), done);
	assert_true(is_zero(back, 512));
	close_kind(s, name);
}

static void one_stretch_fails_where_a_vector_does(bool is_file)
{
	const struct medium medium = {.fault = {{8, false}, {16, true}}, .count = 2};
	struct hw_config config = {.options = "",
		.disk = is_file ? scratch_file(SIZE) : NULL,
		.size = SIZE,
		.block_size = 512,
		.medium = &medium};
	struct storage *s;

	assert_int_equal(storage_open(&config, false, &s), 0);
	assert_int_equal(storage_read_one(s, 7 * 512, back, 1024), -EIO);
	assert_int_equal(storage_write_one(s, 16 * 512, back, 512), -EIO);
	assert_int_equal(storage_read_one(s, 9 * 512, back, 1024), STORAGE_WAITED);
	assert_int_equal(storage_write_one(s, 14 * 512, back, 1024), STORAGE_WAITED);
	assert_int_equal(storage_close(s), 0);
	config.medium = NULL;
	config.read_only = true;
	assert_int_equal(storage_open(&config, false, &s), 0);
	assert_int_equal(storage_write_one(s, 0, back, 512), -EROFS);
	assert_true(storage_read_one(s, 0, back, 512) >= 0);
	close_kind(s, config.disk);
}

#define BOTH_KINDS(name)                                                                           \
	static void name##_in_memory(void **state)                                                 \
	{                                                                                          \
		name(false);                                                                       \
	}                                                                                          \
	static void name##_in_a_file(void **state)                                                 \
	{                                                                                          \
		name(true);                                                                        \
	}
#define both_kinds(name) cmocka_unit_test(name##_in_memory), cmocka_unit_test(name##_in_a_file)

BOTH_KINDS(fresh_storage_reads_zeros)
BOTH_KINDS(vectors_move_in_order)
BOTH_KINDS(zero_clears_exactly_its_range)
BOTH_KINDS(trim_leaves_the_rest_alone)
BOTH_KINDS(nothing_reaches_beyond_the_end)
BOTH_KINDS(read_only_storage_keeps_its_contents)
BOTH_KINDS(one_stretch_is_moved_as_by_a_vector)
BOTH_KINDS(one_stretch_fails_where_a_vector_does)

static void open_fails(struct hw_config config, int err, const char *reason)
{
	struct storage *s;

	config.options = "";
	config.block_size = config.block_size ? config.block_size : 512;
	assert_int_equal(storage_open(&config, false, &s), err);
	if (!strstr(error_text(), reason))
		fail_msg("\"%s\" lacks \"%s\"", error_text(), reason);
}

static void bad_disks_are_refused_with_a_reason(void **state)
{
	const char *name;

	open_fails((struct hw_config){.disk = "/nonexistent/disk"}, -ENOENT,
		"/nonexistent/disk cannot be opened");
	open_fails((struct hw_config){.disk = "/tmp", .read_only = true}, -EINVAL,
		"/tmp is neither a file nor a block device");
	open_fails((struct hw_config){.size = 0}, -EINVAL, "size 0");
	open_fails((struct hw_config){.size = 1000}, -EINVAL, "no multiple of the block size 512");
	name = scratch_file(0);
	open_fails((struct hw_config){.disk = name}, -EINVAL, "has size 0");
	truncate(name, 4096 + 512);
	open_fails((struct hw_config){.disk = name, .block_size = 4096}, -EINVAL,
		"4608 bytes, which is no multiple of the block size 4096");
	unlink(name);
}

static void a_file_belongs_to_one_machine(void **state)
{
	struct hw_config config = {.options = "", .disk = scratch_file(SIZE), .block_size = 512};
	struct storage *first, *second;

	assert_int_equal(storage_open(&config, false, &first), 0);
	assert_int_equal(storage_open(&config, false, &second), -EBUSY);
	assert_non_null(strstr(error_text(), "in use by another machine"));
	assert_int_equal(storage_close(first), 0);
	/* readers share */
	config.read_only = true;
	assert_int_equal(storage_open(&config, false, &first), 0);
	assert_int_equal(storage_open(&config, false, &second), 0);
	storage_close(first);
	storage_close(second);
	unlink(config.disk);
}

/* A write that the host takes only in part, then refuses: the limit on file sizes stands for a full
 * disk. */
static void a_short_write_ends_in_an_error(void **state)
{
	struct hw_config config = {.options = "", .disk = scratch_file(SIZE), .block_size = 512};
	struct rlimit old, small;
	struct storage *s;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(storage_open(&config, false, &s), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 8192 + 100;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(move(s, 4096, data, 8192, true), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(move(s, 4096, data, 8192, true), 0);
	storage_close(s);
	unlink(config.disk);
}

static void a_file_that_shrank_reads_as_an_error(void **state)
{
	struct hw_config config = {.options = "", .disk = scratch_file(SIZE), .block_size = 512};
	struct storage *s;

	assert_int_equal(storage_open(&config, false, &s), 0);
	truncate(config.disk, 4096);
	assert_int_equal(move(s, 2048, back, 4096, false), -EIO);
	storage_close(s);
	unlink(config.disk);
}

static void null_storage_touches_no_memory(void **state)
{
	struct hw_config config = {.options = "", .size = 1ull << 50, .block_size = 512};
	struct iovec iov = {(void *)8, 4096}; /* would fault */
	struct storage *s;

	assert_int_equal(storage_open(&config, true, &s), 0);
	assert_true(storage_size(s) == 1ull << 50);
	assert_int_equal(storage_read(s, 1ull << 49, &iov, 1), 0);
	assert_int_equal(storage_write(s, 0, &iov, 1), 0);
	assert_int_equal(storage_read_one(s, 0, (void *)8, 4096), 0);
	assert_int_equal(storage_write_one(s, 0, (void *)8, 4096), 0);
	assert_int_equal(storage_write(s, 1ull << 50, &iov, 1), -EINVAL);
	assert_int_equal(storage_zero(s, 0, 512), 0);
	storage_close(s);
	config.read_only = true;
	assert_int_equal(storage_open(&config, true, &s), 0);
	assert_int_equal(storage_read_one(s, 0, (void *)8, 4096), 0);
	assert_int_equal(storage_write_one(s, 0, (void *)8, 4096), -EROFS);
	storage_close(s);
	config.read_only = false;
	config.disk = "x";
	assert_int_equal(storage_open(&config, true, &s), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		both_kinds(fresh_storage_reads_zeros),
		both_kinds(vectors_move_in_order),
		both_kinds(zero_clears_exactly_its_range),
		both_kinds(trim_leaves_the_rest_alone),
		both_kinds(nothing_reaches_beyond_the_end),
		both_kinds(read_only_storage_keeps_its_contents),
		both_kinds(one_stretch_is_moved_as_by_a_vector),
		both_kinds(one_stretch_fails_where_a_vector_does),
		cmocka_unit_test(bad_disks_are_refused_with_a_reason),
		cmocka_unit_test(a_file_belongs_to_one_machine),
		cmocka_unit_test(a_short_write_ends_in_an_error),
		cmocka_unit_test(a_file_that_shrank_reads_as_an_error),
		cmocka_unit_test(null_storage_touches_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
