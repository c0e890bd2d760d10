/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The CDBs, byte by byte, against SBC-4's tables. */
#include "disk/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static struct port_request request;
static struct disk disk = {.rw_seconds = 30};
static struct disk_transfer transfer = {.request = &request, .disk = &disk};

static void expect(const uint8_t *cdb, unsigned length)
{
	assert_int_equal(request.cdb_length, length);
	assert_memory_equal(request.cdb, cdb, length);
}

static void small_reads_and_writes_use_the_ten_byte_form(void **state)
{
	const uint8_t read[10] = {0x28, 0, 0x12, 0x34, 0x56, 0x78, 0, 0x9a, 0xbc, 0};
	const uint8_t write_fua[10] = {0x2a, 0x08, 0, 0, 0, 1, 0, 0, 8, 0};

	disk_command_rw(&request, &disk, false, 0x12345678, 0x9abc, false);
	expect(read, sizeof(read));
	assert_int_equal(request.flags, SRB_FLAGS_DATA_IN);
	disk_command_rw(&request, &disk, true, 1, 8, true);
	expect(write_fua, sizeof(write_fua));
	assert_int_equal(request.flags, SRB_FLAGS_DATA_OUT);
}

static void what_does_not_fit_uses_the_sixteen_byte_form(void **state)
{
	const uint8_t far_read[16] = {0x88, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 8};
	const uint8_t long_write[16] = {0x8a, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0};

	disk_command_rw(&request, &disk, false, 0x100000002, 8, false);
	expect(far_read, sizeof(far_read));
	disk_command_rw(&request, &disk, true, 0, 0x10000, true);
	expect(long_write, sizeof(long_write));
	/* The last block that ten bytes can name, and the first request that passes it. */
	disk_command_rw(&request, &disk, false, 0xfffffffe, 1, false);
	assert_int_equal(request.cdb_length, 10);
	disk_command_rw(&request, &disk, false, 0xffffffff, 1, false);
	assert_int_equal(request.cdb_length, 16);
}

/* IoTimeoutValue */
static void reads_and_writes_have_the_disk_s_seconds(void **state)
{
	disk.rw_seconds = 77;
	disk_command_rw(&request, &disk, false, 0, 8, false);
	assert_int_equal(request.timeout, 77);
	disk_command_rw(&request, &disk, true, 0x100000000, 8, false);
	assert_int_equal(request.timeout, 77);
	disk.rw_seconds = 30;
}

static void flush_asks_for_everything(void **state)
{
	const uint8_t cdb[10] = {0x35};

	disk_command_flush(&transfer);
	expect(cdb, sizeof(cdb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_reads_and_writes_use_the_ten_byte_form),
		cmocka_unit_test(what_does_not_fit_uses_the_sixteen_byte_form),
		cmocka_unit_test(reads_and_writes_have_the_disk_s_seconds),
		cmocka_unit_test(flush_asks_for_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
