/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Get Features and Set Features: NVMe 1.4, 5.13 and 5.21. */
#include "nvme_driver.h"

enum { CURRENT, DEFAULT, SAVED, CAPABILITIES };

static unsigned set(struct driver *d, unsigned id, uint32_t nsid, uint32_t value)
{
	return driver_admin(d, SET_FEATURES, nsid, id, value);
}

static unsigned get_as(
	struct driver *d, unsigned id, uint32_t nsid, unsigned select, uint32_t value)
{
	return driver_admin(d, GET_FEATURES, nsid, select << 8 | id, value);
}

/* What was set is told, by its meaningful bits; the default stays; a reset brings it back. */
static void kept(void)
{
	static const struct {
		unsigned id;
		uint32_t nsid, set, told, selector; /* selector: dword 11 of Get Features */
	} cases[] = {
		{0x01, 0, 0x11223305, 0x11223305, 0},	    /* arbitration */
		{0x02, 0, 0x000000e0, 0x000000e0, 0},	    /* power state 0, workload hint */
		{0x04, 0, 0x00000190, 0x00000190, 0},	    /* temperature: over */
		{0x04, 0, 0x00100111, 0x00000111, 1 << 20}, /* under */
		{0x05, 1, 0x00001234, 0x00001234, 0},	    /* error recovery */
		{0x06, 0, 0, 0, 0},			    /* write cache */
		{0x08, 0, 0x00000a0b, 0x00000a0b, 0},	    /* coalescing */
		{0x09, 0, 0x00010003, 0x00010003, 3},	    /* vector 3 */
		{0x0a, 0, 1, 1, 0},			    /* write atomicity */
		{0x0b, 0, 0x0000001f, 0x0000001f, 0},	    /* events */
	};
	struct driver d;

	driver_open(&d, "");
	for (unsigned i = 0; i < array_size(cases); i++) {
		unsigned id = cases[i].id;
		uint32_t nsid = cases[i].nsid, selector = cases[i].selector, before;

		driver_enable(&d);
		assert_int_equal(get_as(&d, id, nsid, CURRENT, selector), OK);
		before = d.last.result;
		assert_int_not_equal(before, cases[i].told);
		assert_int_equal(set(&d, id, nsid, cases[i].set), OK);
		assert_int_equal(get_as(&d, id, nsid, CURRENT, selector), OK);
		assert_int_equal(d.last.result, cases[i].told);
		assert_int_equal(get_as(&d, id, nsid, DEFAULT, selector), OK);
		assert_int_equal(d.last.result, before);
		assert_int_equal(get_as(&d, id, nsid, SAVED, selector), OK);
		assert_int_equal(d.last.result, before);
		driver_disable(&d);
		driver_enable(&d);
		assert_int_equal(get_as(&d, id, nsid, CURRENT, selector), OK);
		assert_int_equal(d.last.result, before);
		driver_disable(&d);
	}
	driver_close(&d);
}

/* 5.13.1: changeable, not saveable; error recovery is a namespace's. */
static void capabilities(void)
{
	static const uint8_t there[] = {1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 14};
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	for (unsigned id = 0; id < 256; id++) {
		bool is_there = memchr(there, (int)id, sizeof(there));

		assert_int_equal(get_as(&d, id, 0, CAPABILITIES, 0), is_there ? OK : BAD_FIELD);
		if (is_there)
			assert_int_equal(d.last.result, id == 5 ? 6 : 4);
		if (!is_there)
			assert_int_equal(set(&d, id, 0, 0), BAD_FIELD);
	}
	assert_int_equal(get_as(&d, 1, 0, 4, 0), BAD_FIELD); /* a reserved selection */
	assert_int_equal(driver_admin(&d, SET_FEATURES, 0, 1u << 31 | 1, 0), NOT_SAVEABLE);
	driver_close(&d);
}

static void refused(void)
{
	struct driver d;

	driver_open(&d, "vectors=4,write-cache=0");
	driver_enable(&d);
	assert_int_equal(set(&d, 2, 0, 1), BAD_FIELD); /* no power state 1 */
	assert_int_equal(set(&d, 9, 0, 4), BAD_FIELD); /* no vector 4 */
	assert_int_equal(get_as(&d, 9, 0, CURRENT, 4), BAD_FIELD);
	assert_int_equal(set(&d, 6, 0, 1), BAD_FIELD); /* there is no cache */
	assert_int_equal(get_as(&d, 6, 0, CURRENT, 0), BAD_FIELD);
	assert_int_equal(set(&d, 4, 0, 1 << 16 | 300), BAD_FIELD); /* no such sensor */
	assert_int_equal(set(&d, 4, 0, 2 << 20 | 300), BAD_FIELD); /* reserved */
	assert_int_equal(set(&d, 4, 0, 15 << 16 | 400), OK);	   /* all sensors */
	assert_int_equal(get_as(&d, 4, 0, CURRENT, 15 << 16), BAD_FIELD);
	assert_int_equal(get_as(&d, 4, 0, CURRENT, 0), OK);
	assert_int_equal(d.last.result, 400);
	driver_close(&d);
}

/* 5.21.1.7 */
static void queues(void)
{
	struct driver d;

	driver_open(&d, "queues=8");
	driver_enable(&d);
	assert_int_equal(get_as(&d, 7, 0, CURRENT, 0), OK);
	assert_int_equal(d.last.result, 7 << 16 | 7);
	assert_int_equal(set(&d, 7, 0, 0xffff), BAD_FIELD);
	assert_int_equal(set(&d, 7, 0, 0xffff0000), BAD_FIELD);
	assert_int_equal(set(&d, 7, 0, 0xfffe0002), OK);
	assert_int_equal(d.last.result, 7 << 16 | 2);
	assert_int_equal(get_as(&d, 7, 0, CURRENT, 0), OK);
	assert_int_equal(d.last.result, 7 << 16 | 2);
	queue_reset(&d.queue[1], 16, 16);
	assert_int_equal(cq_create(&d, 1, 16, 0, 1), OK);
	assert_int_equal(set(&d, 7, 0, 1 << 16 | 1), BAD_SEQUENCE);
	assert_int_equal(driver_admin(&d, DELETE_CQ, 0, 1, 0), OK);
	assert_int_equal(set(&d, 7, 0, 1 << 16 | 1), OK);
	driver_close(&d);
}

static void scope(void)
{
	struct driver d;

	driver_open(&d, "namespaces=2");
	driver_enable(&d);
	/* the controller's: not to be set for one namespace */
	assert_int_equal(set(&d, 1, 1, 0), NOT_OF_NAMESPACE);
	assert_int_equal(set(&d, 1, 0xffffffff, 0), OK);
	assert_int_equal(set(&d, 1, 3, 0), BAD_NAMESPACE);
	assert_int_equal(get_as(&d, 1, 1, CURRENT, 0), OK);
	/* a namespace's */
	assert_int_equal(set(&d, 5, 0, 7), BAD_NAMESPACE);
	assert_int_equal(set(&d, 5, 3, 7), BAD_NAMESPACE);
	assert_int_equal(set(&d, 5, 2, 7), OK);
	assert_int_equal(get_as(&d, 5, 1, CURRENT, 0), OK);
	assert_int_equal(d.last.result, 0);
	assert_int_equal(get_as(&d, 5, 2, CURRENT, 0), OK);
	assert_int_equal(d.last.result, 7);
	assert_int_equal(set(&d, 5, 0xffffffff, 9), OK);
	for (uint32_t nsid = 1; nsid <= 2; nsid++) {
		assert_int_equal(get_as(&d, 5, nsid, CURRENT, 0), OK);
		assert_int_equal(d.last.result, 9);
	}
	assert_int_equal(get_as(&d, 5, 0xffffffff, CURRENT, 0), BAD_NAMESPACE);
	assert_int_equal(get_as(&d, 5, 0, CURRENT, 0), BAD_NAMESPACE);
	driver_close(&d);
}

/* 5.21.1.14: milliseconds that run, and where they came from. */
static void timestamp(void)
{
	const uint64_t start = 0xfffffffffff0ull; /* 48 bits, soon to wrap */
	struct command c = {.opcode = SET_FEATURES, .dw10 = 14};
	uint64_t told, passed;
	struct driver d;

	driver_open(&d, "");
	driver_enable(&d);
	assert_int_equal(get_as(&d, 14, 0, CURRENT, 0), OK);
	assert_int_equal(get(d.page, 6, 1) >> 1 & 7, 0); /* begins at a reset */
	assert_true(is_all(d.page + 8, PAGE - 8, 0xee));
	memcpy(d.page, &start, 8);
	c.prp1 = mem_physical(d.page);
	passed = cpu_clock();
	assert_int_equal(driver_do(&d, 0, c), OK);
	cpu_stall(20000000);
	assert_int_equal(get_as(&d, 14, 0, CURRENT, 0), OK);
	passed = (cpu_clock() - passed) / 1000000 + 1;
	told = (get(d.page, 0, 6) - start) & 0xffffffffffffull;
	assert_true(told >= 20 && told <= passed);
	assert_int_equal(get(d.page, 6, 1), 1 << 1); /* set by the host */
	driver_disable(&d);
	driver_enable(&d);
	assert_int_equal(get_as(&d, 14, 0, CURRENT, 0), OK);
	assert_int_equal(get(d.page, 6, 1), 0);
	assert_true(get(d.page, 0, 6) < 5000);
	driver_close(&d);
}

ON_PROCESSOR(what_is_set_is_told_until_a_reset, kept)
ON_PROCESSOR(capabilities_are_told_and_other_features_refused, capabilities)
ON_PROCESSOR(values_that_do_not_exist_are_refused, refused)
ON_PROCESSOR(queues_are_granted_before_the_first, queues)
ON_PROCESSOR(features_have_a_scope, scope)
ON_PROCESSOR(the_timestamp_runs, timestamp)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(what_is_set_is_told_until_a_reset),
		machine_test(capabilities_are_told_and_other_features_refused),
		machine_test(values_that_do_not_exist_are_refused),
		machine_test(queues_are_granted_before_the_first),
		machine_test(features_have_a_scope),
		machine_test(the_timestamp_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
