/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Identify: NVMe 1.4, 5.15. Offsets are its figures'. */
#include "nvme_driver.h"

enum {
	NAMESPACE = 0,
	CONTROLLER = 1,
	LIST = 2,
	DESCRIPTORS = 3,
	ALLOCATED_LIST = 16,
	ALLOCATED = 17
};

static unsigned identify(struct driver *d, unsigned what, uint32_t nsid)
{
	return driver_admin(d, IDENTIFY, nsid, what, 0);
}

static void controller(void)
{
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	assert_int_equal(identify(&d, CONTROLLER, 0), OK);
	for (unsigned i = 4; i < 72; i++) /* SN, MN, FR: printable */
		assert_true(d.page[i] >= 0x20 && d.page[i] < 0x7f);
	assert_int_equal(get(d.page, 77, 1), 8); /* MDTS: 1 MiB */
	assert_int_equal(get(d.page, 80, 4), 0x00010400);
	assert_int_equal(get(d.page, 111, 1), 1);	/* CNTRLTYPE: I/O */
	assert_int_equal(get(d.page, 256, 2), 0);	/* OACS: nothing optional */
	assert_int_equal(get(d.page, 260, 1), 3);	/* FRMW: one slot, read only */
	assert_true(get(d.page, 266, 2) > 0x0157 - 50); /* WCTEMP */
	assert_true(get(d.page, 268, 2) > get(d.page, 266, 2));
	assert_int_equal(get(d.page, 512, 1), 0x66);
	assert_int_equal(get(d.page, 513, 1), 0x44);
	assert_int_equal(get(d.page, 516, 4), 1);
	/* ONCS: compare 0, dataset management 2, write zeroes 3, save/select 4, timestamp 6 */
	assert_int_equal(get(d.page, 520, 2), 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 6);
	assert_int_equal(get(d.page, 522, 2), 0); /* FUSES */
	assert_int_equal(get(d.page, 525, 1), 7); /* VWC, flush of all namespaces */
	assert_int_equal(get(d.page, 536, 4), 0); /* SGLS */
	assert_memory_equal(d.page + 768, "nqn.", 4);
	assert_true(get(d.page, 2048, 2) > 0); /* power state 0 */
	driver_close(&d);
}

static void namespaces(void)
{
	const struct hw_config config = {.options = "namespaces=3",
		.size = 4096 * 1000,
		.block_size = 4096,
		.read_only = true};
	uint8_t eui[4][8] = {{0}};
	struct driver d;

	driver_open_config(&d, &config);
	driver_enable(&d);
	for (uint32_t nsid = 1; nsid <= 3; nsid++) {
		char first[PAGE];

		assert_int_equal(identify(&d, NAMESPACE, nsid), OK);
		for (unsigned at = 0; at < 24; at += 8) /* NSZE, NCAP, NUSE */
			assert_int_equal(get(d.page, at, 8), 333);
		assert_int_equal(get(d.page, 25, 1), 0); /* NLBAF: one */
		assert_int_equal(get(d.page, 26, 1), 0);
		assert_int_equal(get(d.page, 99, 1), 1); /* NSATTR: write protected */
		assert_int_equal(get(d.page, 128, 4), 12 << 16);
		memcpy(eui[nsid], d.page + 120, 8);
		assert_int_equal(eui[nsid][0] & 1, 0); /* no multicast */
		memcpy(first, d.page, PAGE);
		assert_int_equal(identify(&d, ALLOCATED, nsid), OK);
		assert_memory_equal(d.page, first, PAGE);
		assert_int_equal(identify(&d, DESCRIPTORS, nsid), OK);
		assert_int_equal(get(d.page, 0, 2), 8 << 8 | 1); /* NIDT EUI-64, NIDL */
		assert_memory_equal(d.page + 4, eui[nsid], 8);
		assert_int_equal(get(d.page, 13, 1), 0); /* the end */
	}
	assert_memory_not_equal(eui[1], eui[2], 8);
	assert_memory_not_equal(eui[2], eui[3], 8);
	driver_close(&d);
}

static void lists(void)
{
	static const uint32_t expected[4][4] = {{1, 2, 3}, {2, 3}, {3}, {0}};
	struct driver d;

	driver_open(&d, "namespaces=3");
	driver_enable(&d);
	for (unsigned i = 0; i < 8; i++) {
		unsigned what = i & 1 ? ALLOCATED_LIST : LIST;

		assert_int_equal(identify(&d, what, i / 2), OK);
		assert_memory_equal(d.page, expected[i / 2], 16);
		assert_true(is_all(d.page + 16, PAGE - 16, 0));
	}
	assert_int_equal(identify(&d, LIST, 0xfffffffd), OK);
	assert_true(is_all(d.page, PAGE, 0));
	/* 5.15.2.3 */
	assert_int_equal(identify(&d, LIST, 0xfffffffe), BAD_NAMESPACE);
	assert_int_equal(identify(&d, LIST, 0xffffffff), BAD_NAMESPACE);
	driver_close(&d);
}

static void errors(void)
{
	static const unsigned of_namespace[] = {NAMESPACE, DESCRIPTORS, ALLOCATED};
	struct driver d;

	driver_open(&d, "namespaces=2");
	driver_enable(&d);
	for (unsigned i = 0; i < array_size(of_namespace); i++) {
		assert_int_equal(identify(&d, of_namespace[i], 0), BAD_NAMESPACE);
		assert_int_equal(identify(&d, of_namespace[i], 3), BAD_NAMESPACE);
		assert_int_equal(identify(&d, of_namespace[i], 0xffffffff), BAD_NAMESPACE);
		assert_true(is_all(d.page, PAGE, 0xee));
	}
	assert_int_equal(identify(&d, 4, 0), BAD_FIELD);
	assert_int_equal(identify(&d, 0x12, 0), BAD_FIELD);
	assert_int_equal(identify(&d, 0xff, 0), BAD_FIELD);
	driver_close(&d);
}

/* 4,096 bytes wherever they lie: across a page border too. */
static void across_a_border(void)
{
	char *two = buffer_new(2 * PAGE), expected[PAGE];
	struct driver d;
	struct command c = {.opcode = IDENTIFY, .dw10 = CONTROLLER};

	driver_open(&d, "");
	driver_enable(&d);
	assert_int_equal(identify(&d, CONTROLLER, 0), OK);
	memcpy(expected, d.page, PAGE);
	driver_prp(&d, &c, two + 1000, PAGE);
	assert_int_equal(driver_do(&d, 0, c), OK);
	assert_memory_equal(two + 1000, expected, PAGE);
	assert_true(is_all(two, 1000, 0xee) && is_all(two + 1000 + PAGE, PAGE - 1000, 0xee));
	c.prp2 = 1ull << 46;
	assert_int_equal(driver_do(&d, 0, c), TRANSFER_ERROR);
	assert_violation("no memory is there");
	driver_close(&d);
	mem_free(two, 2 * PAGE);
}

ON_PROCESSOR(the_controller_says_what_it_can, controller)
ON_PROCESSOR(namespaces_share_the_disk_equally, namespaces)
ON_PROCESSOR(lists_hold_the_namespaces_above, lists)
ON_PROCESSOR(unknown_structures_and_namespaces_are_refused, errors)
ON_PROCESSOR(the_answer_may_cross_a_page, across_a_border)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(the_controller_says_what_it_can),
		machine_test(namespaces_share_the_disk_equally),
		machine_test(lists_hold_the_namespaces_above),
		machine_test(unknown_structures_and_namespaces_are_refused),
		machine_test(the_answer_may_cross_a_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
