/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Physical region pages in all shapes (NVMe 1.4, 4.3) against a model that knows bytes only: byte i
 * of the data is byte offset + i of a row of pages, whose frames are no neighbours.
 */
#include "nvme_driver.h"

#define PAGES 1030 /* more than the 512 entries of a page of a list, twice */
#define DISK  (8u << 20)

static char *row;      /* PAGES pages */
static char *expected; /* what they should hold */
static char *disk;     /* what the disk holds */

static void row_open(struct driver *d, const char *options)
{
	driver_start(d, options);
	row = mem_alloc(PAGES * PAGE, 0, MEM_DATA, NULL);
	assert_non_null(row);
	expected = malloc(PAGES * PAGE);
	disk = malloc(DISK);
	pattern_fill(disk, DISK, 8);
	for (unsigned at = 0; at < DISK; at += 1 << 20) {
		memcpy(row, disk + at, 1 << 20);
		assert_int_equal(driver_write(d, at / 512, row, 1 << 20), OK);
	}
}

static void row_close(struct driver *d)
{
	driver_close(d);
	mem_free(row, PAGES * PAGE);
	free(expected);
	free(disk);
}

/*
 * PRPs of [offset, offset + bytes) of the row. The list begins `skip` entries into its first page;
 * pages of lists are taken from d->list, and the last entry of each leads to the next if need be.
 */
static void prps_make(
	struct driver *d, struct command *c, unsigned offset, unsigned bytes, unsigned skip)
{
	unsigned first = offset / PAGE, last = (offset + bytes - 1) / PAGE;
	unsigned left = last - first, slot = skip;

	assert_true(skip < 512);
	memset(d->list, 0xdd, 4 * PAGE);
	c->prp1 = mem_physical(row + offset);
	c->prp2 = 0xdddddddddddddddd; /* not to be looked at */
	if (left == 1)
		c->prp2 = mem_physical(row + last * PAGE);
	if (left > 1)
		c->prp2 = mem_physical(&d->list[skip]);
	for (unsigned page = first + 1; left > 1 && page <= last; page++, slot++) {
		if (slot % 512 == 511 && page != last) {
			d->list[slot] = mem_physical(&d->list[slot + 1]);
			slot++;
		}
		d->list[slot] = mem_physical(row + page * PAGE);
	}
	assert_true(slot <= 4 * 512);
}

/* Reads into the row and looks at every byte around; then writes it to another place and compares
 * that with what is there. */
static void both_ways(struct driver *d, unsigned offset, unsigned blocks, unsigned skip)
{
	unsigned bytes = blocks * 512, end = (unsigned)round_up(offset + bytes + 1, PAGE);
	struct command c = io_of(d, READ, 1, 3, blocks, NULL, 0);

	memset(row, 0xee, end);
	memset(expected, 0xee, end);
	memcpy(expected + offset, disk + 3 * 512, bytes);
	prps_make(d, &c, offset, bytes, skip);
	assert_int_equal(driver_do(d, 1, c), OK);
	if (memcmp(row, expected, end))
		fail_msg("read of %u blocks to offset %u, list at %u", blocks, offset, skip);
	pattern_fill(row, round_up(end, 8), offset * 64 + blocks);
	c.opcode = WRITE;
	assert_int_equal(driver_do(d, 1, c), OK);
	memcpy(disk + 3 * 512, row + offset, bytes);
	c.opcode = COMPARE;
	assert_int_equal(driver_do(d, 1, c), OK);
	/* and by a shape that is proven by now */
	memset(row, 0xee, PAGE);
	assert_int_equal(driver_read(d, 3, row, 512), OK);
	assert_memory_equal(row, disk + 3 * 512, 512);
	assert_int_equal(driver_read(d, 3 + blocks - 1, row, 512), OK);
	assert_memory_equal(row, disk + (3 + blocks - 1) * 512, 512);
}

static void borders(void)
{
	static const unsigned offsets[] = {
		0, 4, 8, 508, 512, 516, 2048, 3580, 3584, 3588, 4088, 4092};
	struct driver d;

	row_open(&d, "");
	for (unsigned i = 0; i < array_size(offsets); i++)
		for (unsigned blocks = 1; blocks <= 34; blocks++)
			both_ways(&d, offsets[i], blocks, 0);
	row_close(&d);
}

/* Lists that begin anywhere in their page, so that the next one begins anywhere in the data. */
static void chains(void)
{
	static const unsigned offsets[] = {0, 4, 4092};
	struct driver d;

	row_open(&d, "");
	for (unsigned i = 0; i < array_size(offsets); i++)
		for (unsigned skip = 500; skip < 512; skip++)
			for (unsigned blocks = 72; blocks <= 128; blocks += 8)
				both_ways(&d, offsets[i], blocks, skip);
	row_close(&d);
}

/* More entries than a page holds, by one more and one less; and three pages of them. */
static void long_lists(void)
{
	static const unsigned pages[] = {511, 512, 513, 514, 1022, 1023, 1024, 1025};
	struct driver d;

	row_open(&d, "mdts=8388608");
	for (unsigned i = 0; i < array_size(pages); i++) {
		both_ways(&d, 0, pages[i] * 8, 0);
		both_ways(&d, 4, pages[i] * 8, 0);
		both_ways(&d, 4092, pages[i] * 8, 511);
	}
	row_close(&d);
}

/* Pages in reverse order: no two of them can be moved as one, here or in the storage. */
static void backwards(void)
{
	struct command c;
	struct driver d;

	row_open(&d, "mdts=8388608");
	c = io_of(&d, READ, 1, 0, 1024 * 8, NULL, 0);
	prps_make(&d, &c, 0, 1024 * PAGE, 0);
	c.prp1 = mem_physical(row + 1023 * PAGE);
	for (unsigned page = 1, slot = 0; page < 1024; page++, slot++) {
		slot += slot % 512 == 511 && page != 1023;
		d.list[slot] = mem_physical(row + (1023 - page) * PAGE);
	}
	for (unsigned turn = 0; turn < 2; turn++) {
		c.opcode = READ;
		memset(row, 0xee, 1024 * PAGE);
		assert_int_equal(driver_do(&d, 1, c), OK);
		for (unsigned page = 0; page < 1024; page++)
			assert_memory_equal(row + (1023 - page) * PAGE, disk + page * PAGE, PAGE);
		/* new bytes go the same way, and the second turn reads them */
		pattern_fill(row, 1024 * PAGE, 9);
		c.opcode = WRITE;
		assert_int_equal(driver_do(&d, 1, c), OK);
		for (unsigned page = 0; page < 1024; page++)
			memcpy(disk + page * PAGE, row + (1023 - page) * PAGE, PAGE);
	}
	row_close(&d);
}

/* PRP 1 and the list are on a boundary of 4 and 8; what follows PRP 1 are whole pages. */
static void offsets_checked(void)
{
	static const uint8_t opcodes[] = {READ, WRITE, COMPARE};
	struct driver d;

	row_open(&d, "");
	for (unsigned i = 0; i < array_size(opcodes); i++) {
		struct command c = io_of(&d, opcodes[i], 1, 0, 32, NULL, 0);

		for (unsigned low = 1; low < 4; low++) {
			prps_make(&d, &c, 0, 4 * PAGE, 0);
			c.prp1 += low;
			assert_int_equal(driver_do(&d, 1, c), BAD_PRP_OFFSET);
		}
		prps_make(&d, &c, 0, 4 * PAGE, 0);
		c.prp2 += 4; /* the list's address */
		assert_int_equal(driver_do(&d, 1, c), BAD_PRP_OFFSET);
		for (unsigned bad = 0; bad < 3; bad++) {
			memcpy(row, disk, 4 * PAGE);
			prps_make(&d, &c, 0, 4 * PAGE, 0);
			d.list[bad] += 512;
			assert_int_equal(driver_do(&d, 1, c), BAD_PRP_OFFSET);
		}
		/* the address of the next list */
		memcpy(row, disk, 4 * PAGE);
		prps_make(&d, &c, 0, 4 * PAGE, 510);
		d.list[511] += 8;
		assert_int_equal(driver_do(&d, 1, c), BAD_PRP_OFFSET);
		/* PRP 2 as the second page */
		c = io_of(&d, opcodes[i], 1, 0, 16, NULL, 0);
		prps_make(&d, &c, 0, 2 * PAGE, 0);
		c.prp2 += 4;
		assert_int_equal(driver_do(&d, 1, c), BAD_PRP_OFFSET);
		assert_int_equal(d.last.status >> 15, 1); /* do not retry */
	}
	row_close(&d);
}

/* PRP 2 is not looked at when PRP 1 holds it all: any value will do. */
static void unused(void)
{
	struct command c;
	struct driver d;

	row_open(&d, "");
	c = io_of(&d, READ, 1, 0, 8, NULL, 0);
	c.prp1 = mem_physical(row);
	c.prp2 = 0x123456789abcdef1;
	assert_int_equal(driver_do(&d, 1, c), OK);
	assert_memory_equal(row, disk, PAGE);
	assert_int_equal(violation.count, 0);
	row_close(&d);
}

ON_PROCESSOR(any_offset_and_length_around_page_borders, borders)
ON_PROCESSOR(lists_go_on_in_the_next_page, chains)
ON_PROCESSOR(lists_longer_than_a_page, long_lists)
ON_PROCESSOR(pages_that_are_nowhere_neighbours, backwards)
ON_PROCESSOR(offsets_that_are_not_allowed_are_told, offsets_checked)
ON_PROCESSOR(an_entry_that_is_not_needed_is_not_used, unused)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(any_offset_and_length_around_page_borders),
		machine_test(lists_go_on_in_the_next_page),
		machine_test(lists_longer_than_a_page),
		machine_test(pages_that_are_nowhere_neighbours),
		machine_test(offsets_that_are_not_allowed_are_told),
		machine_test(an_entry_that_is_not_needed_is_not_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
