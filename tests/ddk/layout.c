/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The two front ends of include/ddk see the same layouts: what a miniport writes, the port reads.
 * The rows are made by layout_table.c, once by each compiler.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "layout.h"

static void every_size_and_offset_is_the_same_for_both_front_ends(void **state)
{
	unsigned rows;

	for (rows = 0; layout_ours[rows].name[0]; rows++) {
		assert_string_equal(layout_windows[rows].name, layout_ours[rows].name);
		if (layout_windows[rows].value != layout_ours[rows].value)
			fail_msg("%s: %llu for Windows, %llu for our own code",
				layout_ours[rows].name, layout_windows[rows].value,
				layout_ours[rows].value);
	}
	assert_string_equal(layout_windows[rows].name, "");
	assert_true(rows > 100);
}

static unsigned long long windows_value(const char *name)
{
	for (const struct layout_row *row = layout_windows; row->name[0]; row++) {
		if (!strcmp(row->name, name))
			return row->value;
	}
	fail_msg("no row %s", name);
	return 0;
}

/* storport.md 1.4, 2.1, 3.1, 4.3: the documented figures, as the Windows front end sees them. */
static void documented_layouts_hold_for_the_windows_front_end(void **state)
{
	static const struct layout_row documented[] = {
		{"LONG", 4},
		{"WCHAR", 2},
		{"STOR_SCATTER_GATHER_ELEMENT", 24},
		{"STOR_SCATTER_GATHER_LIST.List", 16},
		{"MDL", 0x30},
		{"MDL.StartVa", 0x20},
		{"DEVICE_DESCRIPTION", 0x40},
		{"DMA_OPERATIONS", 0x140},
		{"DMA_ADAPTER", 16},
		{"SCSI_REQUEST_BLOCK", 0x58},
		{"SCSI_REQUEST_BLOCK.SrbExtension", 0x38},
		{"SCSI_REQUEST_BLOCK.Cdb", 0x48},
		{"KDPC", 64},
		{"KEVENT", 24},
		{"KTIMER", 64},
		{"READ_CAPACITY_DATA_EX", 12},
		{"PCI_COMMON_CONFIG", 256},
		{"LONG is signed", 1},
		{"ULONG is signed", 0},
	};

	for (size_t i = 0; i < sizeof(documented) / sizeof(documented[0]); i++)
		assert_int_equal(windows_value(documented[i].name), documented[i].value);
}

static void bit_fields_lie_in_the_same_bits_for_both_front_ends(void **state)
{
	assert_memory_equal(&layout_windows_bits, &layout_ours_bits, LAYOUT_BITS);
}

/* SPC: byte 0 bits 7..5 the qualifier, byte 1 bit 7 removable, byte 7 bit 1 command queuing; SBC:
 * caching page, byte 0 bit 7 savable, byte 2 bit 2 write cache. ACS: word 0 bits 12..8 the packet's
 * command set. SPC-5's page 86h: byte 4 bit 2, byte 5 bit 5, byte 6 bit 0, byte 8 bits 7..5, byte
 * 12 bit 7. */
static void bit_fields_lie_where_the_standards_put_them(void **state)
{
	const unsigned char *inquiry = (const unsigned char *)&layout_windows_bits;
	const unsigned char *attributes = inquiry + 104;
	const unsigned char *capabilities = attributes + 4;
	const unsigned char *caching = capabilities + 8;
	const unsigned char *packet = caching + 12 + 512;
	const unsigned char *extended = packet + 512;

	assert_int_equal(inquiry[0], 5 << 5);
	assert_int_equal(inquiry[1], 0x80);
	assert_int_equal(inquiry[7], 0x02);
	assert_int_equal(attributes[0], 0x0a);
	assert_int_equal(capabilities[0], 0x34);
	assert_int_equal(capabilities[1], 0x12);
	assert_int_equal(capabilities[4], 0x02);
	assert_int_equal(capabilities[5], 0x02);
	assert_int_equal(caching[0], 0x88);
	assert_int_equal(caching[2], 0x04);
	assert_int_equal(packet[1], 0x05);
	assert_int_equal(extended[4], 0x04);
	assert_int_equal(extended[5], 0x20);
	assert_int_equal(extended[6], 0x01);
	assert_int_equal(extended[8], 0x40);
	assert_int_equal(extended[12], 0x80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_and_offset_is_the_same_for_both_front_ends),
		cmocka_unit_test(documented_layouts_hold_for_the_windows_front_end),
		cmocka_unit_test(bit_fields_lie_in_the_same_bits_for_both_front_ends),
		cmocka_unit_test(bit_fields_lie_where_the_standards_put_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
