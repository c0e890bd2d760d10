/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The simple controller's SCSI commands: layouts and codes are those of SPC-4 and SBC-3. */
#include "driver.h"

static char *page;

static void open_and_start(struct driver *d, const struct hw_config *config)
{
	if (config)
		driver_open_config(d, config);
	else
		driver_open(d, "");
	driver_start(d);
	page = mem_alloc(8192, 0, MEM_DATA, NULL);
	memset(page, 0xee, 8192);
}

static void close_all(struct driver *d)
{
	driver_close(d);
	mem_free(page, 8192);
}

/* A command block of these bytes, the rest zero, with `room` bytes of page as its data. */
static unsigned scsi(struct driver *d, const char *cdb, unsigned cdb_bytes, unsigned room)
{
	struct command c = command_of(d, SCSI, 0, driver_list(d, page, room));

	memset(c.cdb, 0, sizeof(c.cdb));
	memcpy(c.cdb, cdb, cdb_bytes);
	return driver_do(d, c);
}

#define SCSI_(d, cdb, room) scsi(d, cdb, sizeof(cdb) - 1, room)

static void inquiry(void)
{
	struct driver d;

	open_and_start(&d, NULL);
	assert_int_equal(SCSI_(&d, "\x12\0\0\0\xff", 255), OK);
	assert_int_equal(d.last.length, 74);
	assert_int_equal(page[0], 0);  /* direct access, connected */
	assert_int_equal(page[2], 6);  /* SPC-4 */
	assert_int_equal(page[3], 2);  /* format */
	assert_int_equal(page[4], 69); /* bytes that follow */
	assert_memory_equal(page + 8, "DRYPORT SIMPLE DISK     1.0 ", 28);
	assert_memory_equal(page + 58, "\x04\x60\x04\xc0", 4); /* follows SPC-4 and SBC-3 */
	assert_int_equal((uint8_t)page[74], 0xee);
	/* cut at the allocation length, and at the memory there is */
	memset(page, 0xee, 64);
	assert_int_equal(SCSI_(&d, "\x12\0\0\0\x05", 255), OK);
	assert_int_equal(d.last.length, 5);
	assert_int_equal((uint8_t)page[5], 0xee);
	assert_int_equal(SCSI_(&d, "\x12\0\0\0\xff", 10), OK);
	assert_int_equal(d.last.length, 10);
	assert_int_equal(SCSI_(&d, "\x12\0\0\0\0", 0), OK);
	assert_int_equal(d.last.length, 0);
	assert_int_equal(SCSI_(&d, "\x12\0\x80\0\xff", 255), BAD_FIELD); /* a page without EVPD */
	assert_int_equal(d.last.sense[2], 5);
	assert_int_equal(d.last.sense[12], 0x24);
	close_all(&d);
}

static void vital_pages(void)
{
	static const uint8_t pages[] = {0, 0, 0, 6, 0x00, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
	struct driver d;

	open_and_start(&d, NULL);
	assert_int_equal(SCSI_(&d, "\x12\x01\x00\0\xff", 255), OK);
	assert_int_equal(d.last.length, 10);
	assert_memory_equal(page, pages, 10);
	for (unsigned i = 5; i < 10; i++) {
		char cdb[] = {0x12, 1, (char)pages[i], 0, (char)255};

		assert_int_equal(scsi(&d, cdb, 5, 255), OK);
		assert_int_equal((uint8_t)page[1], pages[i]);
		assert_int_equal(d.last.length, 4 + page[2] * 256 + page[3]);
	}
	/* B0: WSNZ; descriptors in an UNMAP */
	assert_int_equal(SCSI_(&d, "\x12\x01\xb0\0\xff", 255), OK);
	assert_int_equal(d.last.length, 64);
	assert_int_equal(page[4], 1);
	assert_memory_equal(page + 20, "\xff\xff\xff\xff\0\0\x04\0", 8);
	/* B2: UNMAP and WRITE SAME supported, thin */
	assert_int_equal(SCSI_(&d, "\x12\x01\xb2\0\xff", 255), OK);
	assert_memory_equal(page + 4, "\0\xe0\x02\0", 4);
	/* 83: one designator, T10 vendor ID in ASCII */
	assert_int_equal(SCSI_(&d, "\x12\x01\x83\0\xff", 255), OK);
	assert_memory_equal(page + 4,
		"\x02\x01\0\x11"
		"DRYPORT ",
		12);
	assert_int_equal(SCSI_(&d, "\x12\x01\x84\0\xff", 255), BAD_FIELD);
	close_all(&d);
}

static void capacity(void)
{
	const struct hw_config big = {.options = "null", .size = 1ull << 44, .block_size = 4096};
	struct driver d;

	open_and_start(&d, NULL);
	assert_int_equal(SCSI_(&d, "\x25", 8), OK);
	assert_memory_equal(page, "\0\0\x1f\xff\0\0\x02\0", 8);
	assert_int_equal(SCSI_(&d, "\x9e\x10\0\0\0\0\0\0\0\0\0\0\0\x20", 32), OK);
	assert_int_equal(d.last.length, 32);
	assert_memory_equal(page, "\0\0\0\0\0\0\x1f\xff\0\0\x02\0\0\0\x80\0", 16);
	assert_int_equal(SCSI_(&d, "\x9e\x12\0\0\0\0\0\0\0\0\0\0\0\x20", 32), BAD_FIELD);
	close_all(&d);
	open_and_start(
		&d, &big); /* 2^32 blocks: the last does not fit in 32 bits with room to spare */
	assert_int_equal(SCSI_(&d, "\x25", 8), OK);
	assert_memory_equal(page, "\xff\xff\xff\xff\0\0\x10\0", 8);
	assert_int_equal(SCSI_(&d, "\x9e\x10\0\0\0\0\0\0\0\0\0\0\0\x20", 32), OK);
	assert_memory_equal(page, "\0\0\0\0\xff\xff\xff\xff\0\0\x10\0", 12);
	close_all(&d);
}

static void mode_sense(void)
{
	const struct hw_config locked = {
		.options = "", .size = 1 << 20, .block_size = 512, .read_only = true};
	struct driver d;

	open_and_start(&d, NULL);
	assert_int_equal(SCSI_(&d, "\x1a\0\x08\0\xff", 255), OK);
	assert_int_equal(d.last.length, 24);
	assert_memory_equal(page, "\x17\0\x10\0\x08\x12\x04", 7); /* FUA; caching page, WCE */
	assert_int_equal(SCSI_(&d, "\x5a\x08\x3f\0\0\0\0\0\xff", 255), OK);
	assert_int_equal(d.last.length, 28);
	assert_memory_equal(page, "\0\x1a\0\x10\0\0\0\0\x08\x12\x04", 11);
	assert_int_equal(SCSI_(&d, "\x1a\0\x48\0\xff", 255), OK); /* what can be changed: nothing */
	assert_int_equal(page[6], 0);
	assert_int_equal(SCSI_(&d, "\x1a\0\xc8\0\xff", 255), BAD_FIELD); /* saved values */
	assert_int_equal(SCSI_(&d, "\x1a\0\x01\0\xff", 255), BAD_FIELD);
	close_all(&d);
	open_and_start(&d, &locked);
	assert_int_equal(SCSI_(&d, "\x1a\0\x08\0\xff", 255), OK);
	assert_int_equal((uint8_t)page[2], 0x90); /* write protected */
	close_all(&d);
}

static void small_ones(void)
{
	struct driver d;

	open_and_start(&d, NULL);
	assert_int_equal(SCSI_(&d, "\0", 0), OK);   /* TEST UNIT READY */
	assert_int_equal(SCSI_(&d, "\x1b", 0), OK); /* START STOP UNIT */
	assert_int_equal(SCSI_(&d, "\x35", 0), OK); /* SYNCHRONIZE CACHE */
	assert_int_equal(SCSI_(&d, "\x91", 0), OK);
	assert_int_equal(SCSI_(&d, "\xa0\0\0\0\0\0\0\0\x01\0", 256), OK);
	assert_int_equal(d.last.length, 16);
	assert_memory_equal(page, "\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(SCSI_(&d, "\xc1", 0), BAD_OPCODE);
	assert_int_equal(d.last.sense[12], 0x20);
	close_all(&d);
}

/* The same block by READ (6), (10), (12), (16) and by the controller's own READ. */
static void reads_and_writes(void)
{
	static const struct {
		const char *write, *read;
		unsigned bytes;
	} forms[] = {
		{"\x0a\0\x01\x23\x02\0", "\x08\0\x01\x23\x02\0", 6},
		{"\x2a\x08\0\0\x01\x23\0\0\x02\0", "\x28\x08\0\0\x01\x23\0\0\x02\0", 10},
		{"\xaa\0\0\0\x01\x23\0\0\0\x02\0\0", "\xa8\0\0\0\x01\x23\0\0\0\x02\0\0", 12},
		{"\x8a\0\0\0\0\0\0\0\x01\x23\0\0\0\x02\0\0",
			"\x88\0\0\0\0\0\0\0\x01\x23\0\0\0\x02\0\0", 16},
	};
	char expected[1024];
	struct driver d;

	open_and_start(&d, NULL);
	for (unsigned i = 0; i < 4; i++) {
		pattern_fill(page, 1024, i + 1);
		memcpy(expected, page, 1024);
		assert_int_equal(scsi(&d, forms[i].write, forms[i].bytes, 1024), OK);
		assert_int_equal(d.last.length, 1024);
		memset(page, 0, 1024);
		assert_int_equal(driver_read(&d, 0x123, page, 1024), OK);
		assert_memory_equal(page, expected, 1024);
		memset(page, 0, 1024);
		assert_int_equal(scsi(&d, forms[i].read, forms[i].bytes, 1024), OK);
		assert_memory_equal(page, expected, 1024);
		/* a list that does not fit the number of blocks: nothing moves */
		memset(page, 0, 1024);
		assert_int_equal(scsi(&d, forms[i].read, forms[i].bytes, 512), BAD_LIST);
		assert_true(is_zero(page, 1024));
	}
	assert_int_equal(SCSI_(&d, "\x28\0\0\0\0\0\0\0\0\0", 0), OK); /* no blocks */
	assert_int_equal(SCSI_(&d, "\x28\0\0\0\x20\0\0\0\x01\0", 512), BAD_RANGE);
	assert_int_equal(SCSI_(&d, "\x28\0\0\0\x20\x01\0\0\0\0", 0), BAD_RANGE);
	/* protection information, which a command of six bytes cannot ask for */
	assert_int_equal(SCSI_(&d, "\x28\x20\0\0\0\0\0\0\x01\0", 512), BAD_FIELD);
	assert_int_equal(SCSI_(&d, "\x2a\x80\0\0\0\0\0\0\x01\0", 512), BAD_FIELD);
	assert_int_equal(SCSI_(&d, "\x08\x20\0\0\x01\0", 512), OK);
	close_all(&d);
}

static void unmap(void)
{
	/* header: bytes that follow 2, of descriptors 2; descriptors {block 8, count 4, 4} */
	static const char list[40] = "\0\x26\0\x20\0\0\0\0"
				     "\0\0\0\0\0\0\0\x01\0\0\0\x02\0\0\0\0"
				     "\0\0\0\0\0\0\0\x05\0\0\0\x01\0\0\0\0";
	char expected[4096];
	struct driver d;

	open_and_start(&d, NULL);
	pattern_fill(page, 4096, 1);
	memcpy(expected, page, 4096);
	driver_write(&d, 0, page, 4096);
	memcpy(page, list, 40);
	assert_int_equal(SCSI_(&d, "\x42\0\0\0\0\0\0\0\x28\0", 40), OK);
	driver_read(&d, 0, page, 4096);
	memset(expected + 512, 0, 1024); /* memory reads zeros after a trim */
	memset(expected + 5 * 512, 0, 512);
	assert_memory_equal(page, expected, 4096);
	assert_int_equal(SCSI_(&d, "\x42\0\0\0\0\0\0\0\0\0", 0), OK);
	memcpy(page, list, 40);
	assert_int_equal(SCSI_(&d, "\x42\0\0\0\0\0\0\0\x27\0", 40), BAD_PARAMETER);
	assert_int_equal(d.last.sense[12], 0x26);
	assert_int_equal(SCSI_(&d, "\x42\0\0\0\0\0\0\0\x07\0", 40), BAD_PARAMETER);
	assert_int_equal(SCSI_(&d, "\x42\x01\0\0\0\0\0\0\x28\0", 40), BAD_FIELD); /* anchor */
	page[8] = 1; /* far beyond the end */
	assert_int_equal(SCSI_(&d, "\x42\0\0\0\0\0\0\0\x28\0", 40), BAD_RANGE);
	memset(page + 2, 0xff, 2); /* more descriptors than there are bytes */
	assert_int_equal(SCSI_(&d, "\x42\0\0\0\0\0\0\xff\xff\0", 4096), BAD_PARAMETER);
	close_all(&d);
}

static void write_same(void)
{
	char expected[4096];
	struct driver d;

	open_and_start(&d, NULL);
	pattern_fill(page, 4096, 1);
	memcpy(expected, page, 4096);
	driver_write(&d, 0, page, 4096);
	memset(page, 0, 512);
	assert_int_equal(SCSI_(&d, "\x93\0\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0", 512), OK);
	memset(expected + 1024, 0, 1536);
	driver_read(&d, 0, page, 4096);
	assert_memory_equal(page, expected, 4096);
	/* without data (NDOB), and the ten-byte form with its UNMAP bit: zeros all the same */
	assert_int_equal(SCSI_(&d, "\x93\x01\0\0\0\0\0\0\0\x06\0\0\0\x01\0\0", 0), OK);
	memset(page, 0, 512);
	assert_int_equal(SCSI_(&d, "\x41\x08\0\0\0\x07\0\0\x01\0", 512), OK);
	memset(expected + 6 * 512, 0, 1024);
	driver_read(&d, 0, page, 4096);
	assert_memory_equal(page, expected, 4096);
	page[511] = 1;
	assert_int_equal(SCSI_(&d, "\x93\0\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0", 512), BAD_PARAMETER);
	memset(page, 0, 512);
	assert_int_equal(SCSI_(&d, "\x93\0\0\0\0\0\0\0\0\x02\0\0\0\x03\0\0", 511), BAD_PARAMETER);
	assert_int_equal(SCSI_(&d, "\x93\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\0", 512), BAD_FIELD);
	assert_int_equal(SCSI_(&d, "\x93\x20\0\0\0\0\0\0\0\x02\0\0\0\x01\0\0", 512), BAD_FIELD);
	assert_int_equal(SCSI_(&d, "\x93\0\0\0\0\0\0\0\x20\0\0\0\0\x01\0\0", 512), BAD_RANGE);
	close_all(&d);
}

static void write_protected(void)
{
	const struct hw_config locked = {
		.options = "", .size = 1 << 20, .block_size = 512, .read_only = true};
	struct driver d;

	open_and_start(&d, &locked);
	assert_int_equal(SCSI_(&d, "\x2a\0\0\0\0\0\0\0\x01\0", 512), READ_ONLY);
	assert_int_equal(d.last.sense[2], 7); /* data protect */
	assert_int_equal(d.last.sense[12], 0x27);
	assert_int_equal(d.last.sense[13], 0);
	assert_int_equal(SCSI_(&d, "\x93\x01\0\0\0\0\0\0\0\x06\0\0\0\x01\0\0", 0), READ_ONLY);
	close_all(&d);
}

#define ON_PROCESSOR(name, body)                                                                   \
	static void name(void **state)                                                             \
	{                                                                                          \
		on_processor(body);                                                                \
	}

ON_PROCESSOR(inquiry_returns_as_much_as_was_allocated, inquiry)
ON_PROCESSOR(vital_product_data_pages_are_listed_and_there, vital_pages)
ON_PROCESSOR(capacity_in_both_forms, capacity)
ON_PROCESSOR(mode_sense_shows_the_caching_page, mode_sense)
ON_PROCESSOR(small_commands_and_unknown_ones, small_ones)
ON_PROCESSOR(all_forms_of_read_and_write_agree, reads_and_writes)
ON_PROCESSOR(unmap_trims_its_descriptors, unmap)
ON_PROCESSOR(write_same_writes_zeros_only, write_same)
ON_PROCESSOR(a_write_protected_disk_says_so, write_protected)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(inquiry_returns_as_much_as_was_allocated),
		machine_test(vital_product_data_pages_are_listed_and_there),
		machine_test(capacity_in_both_forms),
		machine_test(mode_sense_shows_the_caching_page),
		machine_test(small_commands_and_unknown_ones),
		machine_test(all_forms_of_read_and_write_agree),
		machine_test(unmap_trims_its_descriptors),
		machine_test(write_same_writes_zeros_only),
		machine_test(a_write_protected_disk_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
