/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Commands of the simple controller and their statuses, against docs/simple-controller.md. */
#include "driver.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

#define BIG (1u << 20)

static char *buffer(uint64_t bytes)
{
	char *at = mem_alloc(bytes, 0, MEM_DATA, NULL);

	assert_non_null(at);
	memset(at, 0xee, bytes);
	return at;
}

static void data_comes_back(void)
{
	char *out = buffer(BIG), *in = buffer(BIG);
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	pattern_fill(out, BIG, 1);
	assert_int_equal(driver_write(&d, 1000, out, BIG), OK);
	assert_int_equal(driver_read(&d, 1000, in, BIG), OK);
	assert_memory_equal(in, out, BIG);
	/* around it nothing was written */
	assert_int_equal(driver_read(&d, 999, in, 512), OK);
	assert_true(is_zero(in, 512));
	assert_int_equal(driver_read(&d, 1000 + BIG / 512, in, 512), OK);
	assert_true(is_zero(in, 512));
	driver_close(&d);
	mem_free(in, BIG);
	mem_free(out, BIG);
}

/* Elements of any alignment and length, in any order in memory: one block in 6 pieces. */
static void odd_elements(void)
{
	static const struct {
		unsigned at, length;
	} pieces[] = {{5000, 1}, {17, 3}, {4095, 2}, {100, 250}, {7900, 255}, {3, 1}};
	char *out = buffer(8192), *in = buffer(8192), expected[512];
	struct driver d;
	unsigned used = 0;

	driver_open(&d, "");
	driver_start(&d);
	pattern_fill(out, 8192, 2);
	for (unsigned i = 0; i < 6; used += pieces[i++].length)
		memcpy(expected + used, out + pieces[i].at, pieces[i].length);
	assert_int_equal(used, 512);
	/* 4095 + 2 crosses a page, whose neighbour lies elsewhere in RAM: two elements */
	for (unsigned i = 0, n = 0; i < 6; i++) {
		for (unsigned j = 0; j < pieces[i].length; j++) {
			uint64_t pa = mem_physical(out + pieces[i].at + j);

			if (j && pa == d.list[n - 1].address + d.list[n - 1].length)
				d.list[n - 1].length++;
			else
				d.list[n++] = (struct element){pa, 1, 0};
		}
		used = n;
	}
	assert_int_equal(used, 7);
	assert_int_equal(driver_do(&d, command_of(&d, WRITE, 3, used)), OK);
	assert_int_equal(driver_read(&d, 3, in, 512), OK);
	assert_memory_equal(in, expected, 512);
	driver_close(&d);
	mem_free(in, 8192);
	mem_free(out, 8192);
}

/* One element over 16 pages that are neighbours for the device but not for us, and the other way
 * round. */
static void spanning_elements(void)
{
	char *linear = mem_alloc(65536, MEM_LINEAR, MEM_COMMON, NULL), *in = buffer(65536);
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	pattern_fill(linear, 65536, 3);
	d.list[0] = (struct element){mem_physical(linear) + 512, 65536 - 1024, 0};
	assert_int_equal(driver_do(&d, command_of(&d, WRITE, 0, 1)), OK);
	assert_int_equal(driver_read(&d, 0, in, 65536 - 1024), OK);
	assert_memory_equal(in, linear + 512, 65536 - 1024);
	driver_close(&d);
	mem_free(in, 65536);
	mem_free(linear, 65536);
}

static void ranges_checked(void)
{
	char *data = buffer(4096);
	struct driver d;

	driver_open(&d, ""); /* 8192 blocks */
	driver_start(&d);
	assert_int_equal(driver_write(&d, 8184, data, 4096), OK);
	assert_int_equal(driver_write(&d, 8185, data, 4096), BAD_RANGE);
	assert_int_equal(driver_read(&d, 8192, data, 512), BAD_RANGE);
	assert_int_equal(driver_read(&d, ~0ull, data, 512), BAD_RANGE);
	assert_int_equal(driver_read(&d, 1ull << 55, data, 512), BAD_RANGE);
	d.list[0] = (struct element){8191, 1, 0};
	assert_int_equal(driver_do(&d, command_of(&d, TRIM, 0, 1)), OK);
	d.list[0] = (struct element){8191, 2, 0};
	assert_int_equal(driver_do(&d, command_of(&d, TRIM, 0, 1)), BAD_RANGE);
	d.list[0] = (struct element){~0ull, 2, 0};
	assert_int_equal(driver_do(&d, command_of(&d, ZERO, 0, 1)), BAD_RANGE);
	d.list[0] = (struct element){0, ~0u, 0};
	assert_int_equal(driver_do(&d, command_of(&d, ZERO, 0, 1)), BAD_RANGE);
	driver_close(&d);
	mem_free(data, 4096);
}

/* "Nothing was moved": the memory is as it was, to the byte, and the disk too. */
static void refused_moves_nothing(void)
{
	char *data = buffer(8192), *back = buffer(8192);
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	pattern_fill(data, 8192, 4);
	memcpy(back, data, 8192);
	assert_int_equal(driver_read(&d, 8190, data, 8192), BAD_RANGE);
	assert_int_equal(driver_read(&d, 0, data, 1000), BAD_LIST);
	assert_memory_equal(data, back, 8192);
	assert_int_equal(driver_write(&d, 8190, data, 8192), BAD_RANGE);
	assert_int_equal(driver_read(&d, 8190, data, 1024), OK);
	assert_true(is_zero(data, 1024));
	/* the second range is bad: the first is not cleared either */
	assert_int_equal(driver_write(&d, 0, back, 512), OK);
	d.list[0] = (struct element){0, 1, 0};
	d.list[1] = (struct element){8192, 1, 0};
	assert_int_equal(driver_do(&d, command_of(&d, ZERO, 0, 2)), BAD_RANGE);
	assert_int_equal(driver_read(&d, 0, data, 512), OK);
	assert_memory_equal(data, back, 512);
	driver_close(&d);
	mem_free(back, 8192);
	mem_free(data, 8192);
}

static void lists_checked(void)
{
	char *data = buffer(4096);
	struct driver d;
	struct command c;

	driver_open(&d, "max-elements=3");
	driver_start(&d);
	for (unsigned i = 0; i < 4; i++)
		d.list[i] = (struct element){mem_physical(data) + 512 * i, 512, 0};
	assert_int_equal(driver_do(&d, command_of(&d, READ, 0, 3)), OK);
	assert_int_equal(driver_do(&d, command_of(&d, READ, 0, 4)), BAD_LIST);
	assert_int_equal(driver_do(&d, command_of(&d, READ, 0, 0)), BAD_LIST);
	assert_int_equal(driver_do(&d, command_of(&d, TRIM, 0, 0)), BAD_LIST);
	assert_int_equal(driver_do(&d, command_of(&d, ZERO, 0, 65535)), BAD_LIST);
	assert_int_equal(driver_do(&d, command_of(&d, LOG, 0, 0)), BAD_LIST);
	d.list[1].length = 511;
	assert_int_equal(driver_do(&d, command_of(&d, WRITE, 0, 2)), BAD_LIST);
	d.list[1].length = 0;
	assert_int_equal(driver_do(&d, command_of(&d, WRITE, 0, 3)), BAD_LIST);
	d.list[1].length = 512;
	c = command_of(&d, READ, 0, 1);
	c.list = 1ull << 50;
	assert_int_equal(driver_do(&d, c), DMA_ERROR);
	c.list = ~0ull - 4;
	assert_int_equal(driver_do(&d, c), DMA_ERROR);
	c.list = 0;
	c.opcode = FLUSH; /* has no list */
	c.elements = 9;
	assert_int_equal(driver_do(&d, c), OK);
	driver_close(&d);
	mem_free(data, 4096);
}

static void unreachable_memory(void)
{
	char *data = buffer(4096);
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	d.list[0] = (struct element){mem_physical(data), 512, 0};
	d.list[1] = (struct element){1ull << 50, 512, 0};
	assert_int_equal(driver_do(&d, command_of(&d, READ, 0, 2)), DMA_ERROR);
	assert_int_equal(driver_do(&d, command_of(&d, WRITE, 0, 2)), DMA_ERROR);
	d.list[0] = (struct element){~0ull - 511, 1024, 0};
	assert_int_equal(driver_do(&d, command_of(&d, WRITE, 0, 1)), DMA_ERROR);
	d.list[0] = (struct element){1ull << 50, 64, 0};
	assert_int_equal(driver_do(&d, command_of(&d, LOG, 0, 1)), DMA_ERROR);
	/* the controller goes on */
	assert_int_equal(driver_read(&d, 0, data, 4096), OK);
	driver_close(&d);
	mem_free(data, 4096);
}

static void opcodes_checked(void)
{
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	for (unsigned opcode = 0; opcode < 256; opcode++)
		if (opcode < READ || opcode > SCSI)
			assert_int_equal(
				driver_do(&d, command_of(&d, (uint8_t)opcode, 0, 0)), BAD_OPCODE);
	driver_close(&d);
}

static void zero_and_trim(void)
{
	char *data = buffer(65536), *back = buffer(65536);
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	pattern_fill(data, 65536, 5);
	assert_int_equal(driver_write(&d, 0, data, 65536), OK);
	d.list[0] = (struct element){1, 1, 0};
	d.list[1] = (struct element){7, 20, 0};
	d.list[2] = (struct element){40, 0, 0};
	assert_int_equal(driver_do(&d, command_of(&d, ZERO, 0, 3)), OK);
	assert_int_equal(driver_read(&d, 0, back, 65536), OK);
	memset(data + 512, 0, 512);
	memset(data + 7 * 512, 0, 20 * 512);
	assert_memory_equal(back, data, 65536);
	d.list[0] = (struct element){64, 64, 0};
	assert_int_equal(driver_do(&d, command_of(&d, TRIM, 0, 1)), OK);
	assert_int_equal(driver_read(&d, 0, back, 65536), OK);
	assert_memory_equal(back, data, 32768);
	driver_close(&d);
	mem_free(back, 65536);
	mem_free(data, 65536);
}

static void log_page(void)
{
	char *page = buffer(4096);
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	driver_do(&d, command_of(&d, FLUSH, 0, 0));
	/* 20 + 100 bytes of room for 64: what is behind them stays */
	d.list[0] = (struct element){mem_physical(page) + 3, 20, 0};
	d.list[1] = (struct element){mem_physical(page) + 1000, 100, 0};
	assert_int_equal(driver_do(&d, command_of(&d, LOG, 0, 2)), OK);
	assert_int_equal((uint8_t)page[3], 1); /* one command before */
	assert_true(is_zero(page + 4, 19));
	assert_int_equal((uint8_t)page[23], 0xee);
	assert_int_equal((uint8_t)page[1000 + 44 - 1], 0);
	assert_int_equal((uint8_t)page[1000 + 44], 0xee);
	driver_close(&d);
	mem_free(page, 4096);
}

static void read_only(void)
{
	const struct hw_config config = {
		.options = "", .size = 1 << 20, .block_size = 512, .read_only = true};
	char *data = buffer(4096);
	struct driver d;

	driver_open_config(&d, &config);
	driver_start(&d);
	assert_int_equal(driver_read(&d, 0, data, 4096), OK);
	assert_int_equal(driver_write(&d, 0, data, 4096), READ_ONLY);
	d.list[0] = (struct element){0, 1, 0};
	assert_int_equal(driver_do(&d, command_of(&d, TRIM, 0, 1)), READ_ONLY);
	assert_int_equal(driver_do(&d, command_of(&d, ZERO, 0, 1)), READ_ONLY);
	assert_int_equal(driver_do(&d, command_of(&d, FLUSH, 0, 0)), OK);
	driver_close(&d);
	mem_free(data, 4096);
}

/* A limit on the file's size stands for a full host disk; a file that shrank, for a bad medium. */
static void host_errors(void)
{
	const struct hw_config config = {
		.options = "", .disk = scratch_file(1 << 20), .block_size = 512};
	struct rlimit old, small;
	char *data = buffer(8192);
	struct driver d;

	signal(SIGXFSZ, SIG_IGN);
	driver_open_config(&d, &config);
	driver_start(&d);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 65536;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(driver_write(&d, 127, data, 8192), NO_SPACE);
	assert_int_equal(driver_write(&d, 0, data, 8192), OK);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(truncate(config.disk, 65536), 0);
	assert_int_equal(driver_read(&d, 127, data, 8192), MEDIA_ERROR);
	assert_int_equal(driver_read(&d, 0, data, 8192), OK);
	driver_close(&d);
	unlink(config.disk);
	mem_free(data, 8192);
}

static void fua(void)
{
	const struct hw_config config = {
		.options = "", .disk = scratch_file(1 << 20), .block_size = 4096};
	char *data = buffer(4096), back[4096];
	struct driver d;
	struct command c;
	int fd;

	driver_open_config(&d, &config);
	driver_start(&d);
	pattern_fill(data, 4096, 6);
	c = command_of(&d, WRITE, 2, driver_list(&d, data, 4096));
	c.flags = FUA;
	assert_int_equal(driver_do(&d, c), OK);
	fd = open(config.disk, O_RDONLY);
	assert_int_equal(pread(fd, back, 4096, 8192), 4096);
	close(fd);
	assert_memory_equal(back, data, 4096);
	driver_close(&d);
	unlink(config.disk);
	mem_free(data, 4096);
}

/* The length in the completion is what was moved. */
static void lengths(void)
{
	char *data = buffer(8192);
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	driver_write(&d, 0, data, 8192);
	assert_int_equal(d.last.length, 8192);
	driver_read(&d, 0, data, 512);
	assert_int_equal(d.last.length, 512);
	driver_do(&d, command_of(&d, FLUSH, 0, 0));
	assert_int_equal(d.last.length, 0);
	driver_read(&d, 8192, data, 512);
	assert_int_equal(d.last.length, 0);
	driver_do(&d, command_of(&d, LOG, 0, driver_list(&d, data, 48)));
	assert_int_equal(d.last.length, 48);
	driver_do(&d, command_of(&d, LOG, 0, driver_list(&d, data, 8192)));
	assert_int_equal(d.last.length, 64);
	driver_close(&d);
	mem_free(data, 8192);
}

/* A failed command brings sense data: fixed format, key, code, qualifier (SPC-4 4.5.3). */
static void sense(void)
{
	static const uint8_t range[18] = {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x21, 0};
	static const uint8_t opcode[18] = {0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0};
	static const uint8_t dma[18] = {0x70, 0, 0xb, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x4b, 0};
	char *data = buffer(4096);
	struct driver d;
	struct command c;

	driver_open(&d, "");
	driver_start(&d);
	driver_read(&d, 8192, data, 512);
	assert_memory_equal(d.last.sense, range, 18);
	driver_do(&d, command_of(&d, 99, 0, 0));
	assert_memory_equal(d.last.sense, opcode, 18);
	c = command_of(&d, READ, 0, 1);
	c.list = 1ull << 50;
	driver_do(&d, c);
	assert_memory_equal(d.last.sense, dma, 18);
	driver_close(&d);
	mem_free(data, 4096);
}

static void null_storage(void)
{
	const struct hw_config config = {.options = "null", .size = 1ull << 40, .block_size = 512};
	char *data = buffer(8192);
	struct driver d;

	driver_open_config(&d, &config);
	driver_start(&d);
	assert_int_equal(driver_write(&d, 1 << 30, data, 8192), OK);
	assert_int_equal(driver_read(&d, 1 << 30, data, 8192), OK);
	for (unsigned i = 0; i < 8192; i++)
		assert_int_equal((uint8_t)data[i], 0xee);
	assert_int_equal(driver_read(&d, 1ull << 31, data, 512), BAD_RANGE);
	driver_close(&d);
	mem_free(data, 8192);
}

/* A narrow device cannot reach what lies above its address bits. */
static void narrow(void)
{
	char *data = buffer(4096);
	struct driver d;

	driver_open(&d, "width=64");
	driver_start(&d);
	assert_int_equal(driver_read(&d, 0, data, 512), OK);
	driver_close(&d);
	driver_open(&d, "width=16");
	bus_register_write(d.regs + RING, 8, 1 << 16);
	reg_set(&d, CONTROL, 1);
	reg_set(&d, DOORBELL, 1);
	assert_int_equal(reg_get(&d, STATUS), 1 << 8);
	driver_close(&d);
	mem_free(data, 4096);
}

/* The bytes that crossed the bus master are those of the data, the lists and the rings. */
static void bytes_are_counted(void)
{
	char *data = buffer(4096);
	struct dma_master *master;
	struct driver d;

	driver_open(&d, "");
	driver_start(&d);
	master = hw_find("simple")->master(d.device);
	driver_write(&d, 0, data, 4096);
	dma_master_settle(master);
	assert_int_equal(master->bytes_read[MEM_DATA], 4096);
	assert_int_equal(master->bytes_read[MEM_EXTENSION], 32 + 16);
	assert_int_equal(master->bytes_written[MEM_EXTENSION], 32); /* the completion */
	driver_read(&d, 0, data, 1024);
	dma_master_settle(master);
	assert_int_equal(master->bytes_written[MEM_DATA], 1024);
	driver_close(&d);
	mem_free(data, 4096);
}

#define ON_PROCESSOR(name, body)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body);                                                                \
	}

ON_PROCESSOR(what_is_written_is_read_back_and_nothing_else_changes, data_comes_back)
ON_PROCESSOR(elements_have_any_alignment_and_length, odd_elements)
ON_PROCESSOR(an_element_may_span_pages, spanning_elements)
ON_PROCESSOR(blocks_beyond_the_end_are_refused, ranges_checked)
ON_PROCESSOR(a_refused_command_moves_nothing, refused_moves_nothing)
ON_PROCESSOR(bad_lists_are_refused, lists_checked)
ON_PROCESSOR(unreachable_memory_is_a_dma_error, unreachable_memory)
ON_PROCESSOR(unknown_opcodes_are_refused, opcodes_checked)
ON_PROCESSOR(zero_clears_its_ranges_and_trim_spares_the_rest, zero_and_trim)
ON_PROCESSOR(the_log_page_fills_what_room_there_is, log_page)
ON_PROCESSOR(a_read_only_disk_is_not_changed, read_only)
ON_PROCESSOR(errors_of_the_host_become_statuses, host_errors)
ON_PROCESSOR(fua_writes_through, fua)
ON_PROCESSOR(completions_say_how_much_was_moved, lengths)
ON_PROCESSOR(failures_bring_sense_data, sense)
ON_PROCESSOR(null_storage_leaves_memory_untouched, null_storage)
ON_PROCESSOR(a_narrow_device_does_not_reach_high_memory, narrow)
ON_PROCESSOR(bytes_of_device_dma_are_counted_by_kind, bytes_are_counted)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(what_is_written_is_read_back_and_nothing_else_changes),
		machine_test(elements_have_any_alignment_and_length),
		machine_test(an_element_may_span_pages),
		machine_test(blocks_beyond_the_end_are_refused),
		machine_test(a_refused_command_moves_nothing),
		machine_test(bad_lists_are_refused),
		machine_test(unreachable_memory_is_a_dma_error),
		machine_test(unknown_opcodes_are_refused),
		machine_test(zero_clears_its_ranges_and_trim_spares_the_rest),
		machine_test(the_log_page_fills_what_room_there_is),
		machine_test(a_read_only_disk_is_not_changed),
		machine_test(errors_of_the_host_become_statuses),
		machine_test(fua_writes_through),
		machine_test(completions_say_how_much_was_moved),
		machine_test(failures_bring_sense_data),
		machine_test(null_storage_leaves_memory_untouched),
		machine_test(a_narrow_device_does_not_reach_high_memory),
		machine_test(bytes_of_device_dma_are_counted_by_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
