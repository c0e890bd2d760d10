/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The tables for QEMU's intel-iommu, walked as Intel's VT-d specification says (revision 3.3: root
 * entry 9.1, context entry 9.3, second-level entries 9.8, the walk 3.7), by physical addresses.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "hw/qemu/qemu_iommu.h"
#include "dryport.h"
#include "mem/mem.h"

#define NOTHING UINT64_MAX

static struct qemu_table table;

static int setup(void **state)
{
	const struct mem_config memory = {.policy = MEM_HIGH, .size = 64ull << 20, .seed = 5};

	assert_int_equal(mem_init(&memory), 0);
	assert_int_equal(qemu_table_init(&table), 0);
	return 0;
}

/* All that was taken is given back. */
static int teardown(void **state)
{
	qemu_table_fini(&table);
	return mem_fini() ? -1 : 0;
}

static uint64_t quad(uint64_t physical)
{
	const uint64_t *host = mem_host(physical);

	assert_non_null(host);
	return *host;
}

/* Where the device `source` (bus, device and function) gets to; *access: bit 0 read, bit 1 write.
 */
static uint64_t walk(unsigned source, uint64_t address, unsigned *access)
{
	uint64_t root = quad(qemu_table_root(&table) + 16 * (source >> 8)), entry, high;

	*access = 0;
	assert_int_equal(root & 0xfff, 1); /* present, and bits 11:1 are reserved */
	entry = quad((root & ~0xfffull) + 16 * (source & 255));
	high = quad((root & ~0xfffull) + 16 * (source & 255) + 8);
	assert_int_equal(entry & 0xfff, 1); /* present, faults told, untranslated requests alone */
	assert_int_equal(high & 7, 1);	    /* 39 bits, three levels */
	assert_int_not_equal(high >> 8 & 0xffff, 0); /* domain 0 is the hardware's own */
	if (address >> 39)
		return NOTHING;
	*access = 3;
	for (int shift = 30; shift >= 12; shift -= 9) {
		entry = quad((entry & ~0xfffull) + 8 * (address >> shift & 511));
		*access &= entry & 3;
		if (!*access)
			return NOTHING;
		assert_int_equal(entry & 0xffc, 0); /* no large page, nothing reserved */
	}
	return (entry & ~0xfffull) + (address & 0xfff);
}

static void assert_leads(uint64_t address, uint64_t physical, unsigned access)
{
	unsigned got;

	assert_int_equal(walk(4 << 3, address, &got), physical);
	assert_int_equal(got, access);
}

static void a_page_leads_where_it_was_said_for_every_device(void **state)
{
	static const unsigned sources[] = {4 << 3, 4 << 3 | 7, 0, 0xffff, 1 << 8};
	unsigned access;

	assert_int_equal(qemu_table_reserve(&table, 0x90000000, 0x20000000), 0);
	qemu_table_set(&table, 0x90000000, 0x123456000, DMA_UNIT_WRITE);
	qemu_table_set(&table, 0xaffff000, 0x7fff000, DMA_UNIT_READ);
	qemu_table_set(&table, 0x9fe00000, 0x40000000000 - 0x1000, 3);
	for (size_t n = 0; n < array_size(sources); n++) {
		assert_int_equal(walk(sources[n], 0x90000abc, &access), 0x123456abc);
		assert_int_equal(access, 2);
		assert_int_equal(walk(sources[n], 0xaffff008, &access), 0x7fff008);
		assert_int_equal(access, 1);
		assert_int_equal(walk(sources[n], 0x9fe00fff, &access), 0x3ffffffffff);
		assert_int_equal(access, 3);
		assert_int_equal(walk(sources[n], 0x90001000, &access), NOTHING);
		assert_int_equal(walk(sources[n], 0x8ffff000, &access), NOTHING);
		assert_int_equal(walk(sources[n], 0xb0000000, &access), NOTHING);
		assert_int_equal(walk(sources[n], 0x190000000, &access), NOTHING);
	}
}

static void every_page_of_a_window_has_an_entry_of_its_own(void **state)
{
	const uint64_t base = 0x9000000, pages = 3000;

	assert_int_equal(qemu_table_reserve(&table, base + 0x1000, pages * 4096), 0);
	for (uint64_t n = 0; n < pages; n++)
		qemu_table_set(
			&table, base + 0x1000 + n * 4096, (n * 7919 % 65536) << 12, n % 3 + 1);
	for (uint64_t n = 0; n < pages; n++)
		assert_leads(base + 0x1000 + n * 4096, (n * 7919 % 65536) << 12, n % 3 + 1);
	assert_leads(base, NOTHING, 0);
	assert_leads(base + 0x1000 + pages * 4096, NOTHING, 0);
}

static void only_what_leads_there_is_cleared(void **state)
{
	assert_int_equal(qemu_table_reserve(&table, 0x200000, 0x1000), 0);
	assert_false(qemu_table_clear(&table, 0x200000, 0));
	qemu_table_set(&table, 0x200000, 0x5000, 3);
	assert_false(qemu_table_clear(&table, 0x200000, 0x6000));
	assert_false(qemu_table_clear(&table, 0x201000, 0x5000));
	assert_false(qemu_table_clear(&table, 0x400000, 0x5000)); /* no table is there */
	assert_false(qemu_table_clear(&table, 0x100200000, 0x5000));
	assert_leads(0x200000, 0x5000, 3);
	assert_true(qemu_table_clear(&table, 0x200000, 0x5000));
	assert_leads(0x200000, NOTHING, 0);
	assert_false(qemu_table_clear(&table, 0x200000, 0x5000));
	qemu_table_set(&table, 0x200000, 0x5000, 3);
	assert_true(qemu_table_clear(&table, 0x200000, MEM_NO_ADDRESS));
	assert_leads(0x200000, NOTHING, 0);
	assert_false(qemu_table_clear(&table, 0x200000, MEM_NO_ADDRESS));
}

static void tables_are_made_once_and_as_many_as_are_needed(void **state)
{
	uint64_t *leaf;

	/* 4 KiB on each side of a lowest table's end, and of the next higher one's */
	assert_int_equal(qemu_table_reserve(&table, 0x3ffff000, 0x2000), 0);
	leaf = table.leaf[0x3ffff000 >> 21];
	assert_non_null(leaf);
	assert_non_null(table.leaf[0x40000000 >> 21]);
	assert_null(table.leaf[(0x40000000 >> 21) + 1]);
	assert_null(table.leaf[(0x3fffffff >> 21) - 1]);
	qemu_table_set(&table, 0x3ffff000, 0x5000, 1);
	assert_int_equal(qemu_table_reserve(&table, 0x3fe00000, 0x400000), 0);
	assert_ptr_equal(table.leaf[0x3ffff000 >> 21], leaf);
	assert_leads(0x3ffff000, 0x5000, 1);
	assert_leads(0x40000000, NOTHING, 0);
}

static void what_it_cannot_translate_is_refused(void **state)
{
	assert_int_equal(qemu_table_reserve(&table, 0xfffff000, 0x2000), -EINVAL);
	assert_int_equal(qemu_table_reserve(&table, 0, 0), -EINVAL);
	assert_int_equal(qemu_table_reserve(&table, UINT64_MAX - 4095, 4096), -EINVAL);
	/* RAM has come to its end */
	while (mem_alloc(1 << 12, 0, MEM_DATA, NULL))
		;
	assert_int_equal(qemu_table_reserve(&table, 0x1000, 0x1000), -ENOMEM);
	assert_non_null(strstr(dry_error(), "give the machine more (--ram)"));
	qemu_table_fini(&table);
	assert_int_equal(qemu_table_init(&table), 0); /* in the pages that came free */
	qemu_table_fini(&table);
	mem_fini();
	assert_int_equal(mem_init(&(struct mem_config){.size = 1 << 20}), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_page_leads_where_it_was_said_for_every_device, setup, teardown),
		cmocka_unit_test_setup_teardown(
			every_page_of_a_window_has_an_entry_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(only_what_leads_there_is_cleared, setup, teardown),
		cmocka_unit_test_setup_teardown(
			tables_are_made_once_and_as_many_as_are_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_it_cannot_translate_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
