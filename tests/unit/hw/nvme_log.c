/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Get Log Page and the error log: NVMe 1.4, 5.14. */
#include "nvme_driver.h"

enum { ERRORS = 1, HEALTH = 2, FIRMWARE = 3, CHANGED = 4, EFFECTS = 5 };

/* `bytes` from `offset` on. */
static unsigned log_get(
	struct driver *d, unsigned id, uint32_t nsid, uint64_t offset, uint32_t bytes)
{
	uint32_t dwords = bytes / 4 - 1;

	memset(d->page, 0xee, PAGE);
	return driver_do(d, 0,
		(struct command){.opcode = GET_LOG,
			.nsid = nsid,
			.prp1 = mem_physical(d->page),
			.dw10 = dwords << 16 | id,
			.dw11 = dwords >> 16,
			.dw12 = (uint32_t)offset,
			.dw13 = (uint32_t)(offset >> 32)});
}

static void errors(void)
{
	struct command bad = {.opcode = READ, .nsid = 1, .dw10 = 0x89abcdef, .dw11 = 0x1234567};
	struct driver d;
	uint64_t count;

	driver_start(&d, "");
	assert_int_equal(log_get(&d, ERRORS, 0, 0, 64), OK);
	assert_true(is_all(d.page, 64, 0));
	assert_int_equal(driver_do(&d, 1, bad), BAD_LBA);
	assert_int_equal(d.last.status >> 14 & 3, 3); /* more, and do not retry */
	assert_int_equal(log_get(&d, ERRORS, 0, 0, 128), OK);
	assert_int_equal(get(d.page, 0, 8), 1);		      /* error count */
	assert_int_equal(get(d.page, 8, 2), 1);		      /* submission queue */
	assert_int_equal(get(d.page, 10, 2), d.next_cid - 1); /* command, before this one */
	assert_int_equal(get(d.page, 12, 2) >> 1 & 0x7ff, BAD_LBA);
	assert_true(get(d.page, 16, 8) == 0x123456789abcdefull);
	assert_int_equal(get(d.page, 24, 4), 1); /* namespace */
	assert_true(is_all(d.page + 64, 64, 0));
	/* the newest first, and the log keeps the last of them */
	for (unsigned i = 0; i < 70; i++)
		assert_int_equal(driver_admin(&d, IDENTIFY, i + 2, 0, 0), BAD_NAMESPACE);
	assert_int_equal(log_get(&d, ERRORS, 0xffffffff, 0, PAGE), OK);
	for (unsigned i = 0; i < 64; i++) {
		assert_int_equal(get(d.page, 64 * i, 8), 71 - i);
		assert_int_equal(get(d.page, 64 * i + 8, 2), 0);
		assert_int_equal(get(d.page, 64 * i + 24, 4), 71 - i);
	}
	/* a reset keeps it; the health log counts */
	driver_disable(&d);
	driver_enable(&d);
	assert_int_equal(log_get(&d, ERRORS, 0, 0, 64), OK);
	count = get(d.page, 0, 8);
	assert_int_equal(count, 71);
	assert_int_equal(log_get(&d, HEALTH, 0, 0, 512), OK);
	assert_int_equal(get(d.page, 176, 8), 71);
	driver_close(&d);
}

static void health(void)
{
	char *data = buffer_new(256 << 10);
	struct driver d;

	driver_start(&d, "");
	/* 3 x 512 blocks read, 1 x 2 written: in thousands, rounded up */
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(driver_read(&d, 0, data, 256 << 10), OK);
	assert_int_equal(driver_write(&d, 0, data, 1024), OK);
	assert_int_equal(driver_read(&d, 1 << 20, data, 512), BAD_LBA); /* does not count */
	assert_int_equal(log_get(&d, HEALTH, 0, 0, 512), OK);
	assert_int_equal(get(d.page, 0, 1), 0);
	assert_true(get(d.page, 1, 2) > 273 && get(d.page, 1, 2) < 343);
	assert_true(get(d.page, 3, 1) > get(d.page, 4, 1));
	assert_int_equal(get(d.page, 32, 8), 2);
	assert_int_equal(get(d.page, 48, 8), 1);
	assert_int_equal(get(d.page, 64, 8), 3);
	assert_int_equal(get(d.page, 80, 8), 1);
	assert_int_equal(get(d.page, 160, 8), 0);
	driver_close(&d);
	mem_free(data, 256 << 10);
}

static void others(void)
{
	static const uint8_t admin[] = {0, 1, 2, 4, 5, 6, 8, 9, 10, 12};
	static const uint8_t reading[] = {FLUSH, READ, COMPARE};
	static const uint8_t writing[] = {WRITE, WRITE_ZEROES, DSM};
	char revision[8];
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	assert_int_equal(driver_admin(&d, IDENTIFY, 0, 1, 0), OK);
	memcpy(revision, d.page + 64, 8);
	assert_int_equal(log_get(&d, FIRMWARE, 0, 0, 512), OK);
	assert_int_equal(get(d.page, 0, 1) & 7, 1); /* slot 1 is active */
	assert_memory_equal(d.page + 8, revision, 8);
	assert_true(is_all(d.page + 16, 512 - 16, 0));
	assert_int_equal(log_get(&d, CHANGED, 0, 0, PAGE), OK);
	assert_true(is_all(d.page, PAGE, 0));
	/* commands supported: bit 0; may change blocks: bit 1 */
	assert_int_equal(log_get(&d, EFFECTS, 0, 0, PAGE), OK);
	for (unsigned i = 0; i < 256; i++) {
		bool reads = memchr(reading, (int)i, sizeof(reading));
		bool writes = memchr(writing, (int)i, sizeof(writing));

		assert_int_equal(
			get(d.page, 4 * i, 4), memchr(admin, (int)i, sizeof(admin)) ? 1 : 0);
		assert_int_equal(get(d.page, 1024 + 4 * i, 4), writes ? 3 : reads);
	}
	driver_close(&d);
}

static void pieces(void)
{
	char whole[PAGE];
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	assert_int_equal(log_get(&d, EFFECTS, 0, 0, PAGE), OK);
	memcpy(whole, d.page, PAGE);
	assert_int_equal(log_get(&d, EFFECTS, 0, 1020, 40), OK);
	assert_memory_equal(d.page, whole + 1020, 40);
	assert_true(is_all(d.page + 40, PAGE - 40, 0xee));
	/* what lies beyond the end is not written */
	assert_int_equal(log_get(&d, HEALTH, 0, 508, 64), OK);
	assert_true(is_all(d.page, 4, 0));
	assert_true(is_all(d.page + 4, PAGE - 4, 0xee));
	assert_int_equal(log_get(&d, HEALTH, 0, 512, 4), BAD_FIELD);
	assert_int_equal(log_get(&d, HEALTH, 0, 2, 4), BAD_FIELD);
	assert_int_equal(log_get(&d, HEALTH, 0, 1ull << 32, 4), BAD_FIELD);
	assert_int_equal(log_get(&d, ERRORS, 0, 0, 2 << 20), BAD_FIELD); /* MDTS */
	/* no such page; no page of a namespace */
	assert_int_equal(log_get(&d, 0, 0, 0, 64), BAD_LOG);
	assert_int_equal(log_get(&d, 6, 0, 0, 64), BAD_LOG);
	assert_int_equal(log_get(&d, 0xc0, 0, 0, 64), BAD_LOG);
	assert_int_equal(log_get(&d, HEALTH, 1, 0, 64), BAD_FIELD);
	assert_int_equal(log_get(&d, HEALTH, 2, 0, 64), BAD_NAMESPACE);
	driver_close(&d);
}

ON_PROCESSOR(errors_are_logged_newest_first, errors)
ON_PROCESSOR(health_counts_what_was_moved, health)
ON_PROCESSOR(the_other_pages_agree_with_the_controller, others)
ON_PROCESSOR(pages_are_read_in_pieces, pieces)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(errors_are_logged_newest_first),
		machine_test(health_counts_what_was_moved),
		machine_test(the_other_pages_agree_with_the_controller),
		machine_test(pages_are_read_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
