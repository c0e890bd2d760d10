/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* DMA by release. Sizes are those of storport.md 2.1, computed there from the members that the page
 * on DMA_OPERATIONS dates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dma/dma_os.h"

/* D-3 */
static void versions_0_to_2_are_known_to_all_releases_and_3_since_windows_8(void **state)
{
	for (unsigned os = NT_OS_VISTA; os < NT_OS_COUNT; os++) {
		for (unsigned version = 0; version <= 2; version++)
			assert_true(dma_description_version_is_known(version, (enum nt_os)os));
		assert_int_equal(
			dma_description_version_is_known(3, (enum nt_os)os), os >= NT_OS_8);
		assert_false(dma_description_version_is_known(4, (enum nt_os)os));
		assert_false(dma_description_version_is_known(UINT32_MAX, (enum nt_os)os));
	}
}

/* D-3 */
static void the_first_two_tables_never_grow(void **state)
{
	for (unsigned os = NT_OS_VISTA; os < NT_OS_COUNT; os++) {
		assert_int_equal(dma_operations_size(0, (enum nt_os)os), 0x68);
		assert_int_equal(dma_operations_size(1, (enum nt_os)os), 0x68);
		assert_int_equal(dma_operations_size(2, (enum nt_os)os), 0x80);
	}
}

/* D-4 */
static void the_third_table_grows_with_the_releases(void **state)
{
	static const struct {
		enum nt_os first, last;
		uint32_t size;
	} spans[] = {
		{NT_OS_VISTA, NT_OS_7, 0},
		{NT_OS_8, NT_OS_8_1, 0xe8},
		{NT_OS_10_1507, NT_OS_10_1709, 0x110},
		{NT_OS_10_1803, NT_OS_10_1809, 0x118},
		{NT_OS_10_1903, NT_OS_10_22H2, 0x138},
		{NT_OS_SERVER_2022, NT_OS_NEWEST, 0x140},
	};
	unsigned covered = 0;

	for (size_t n = 0; n < array_size(spans); n++)
		for (unsigned os = spans[n].first; os <= spans[n].last; os++, covered++)
			assert_int_equal(dma_operations_size(3, (enum nt_os)os), spans[n].size);
	assert_int_equal(covered, NT_OS_COUNT - 1);
}

static void a_version_that_there_is_not_has_no_table(void **state)
{
	assert_int_equal(dma_operations_size(4, NT_OS_NEWEST), 0);
	assert_int_equal(dma_operations_size(UINT32_MAX, NT_OS_NEWEST), 0);
}

/* DMA_TRANSFER_INFO: version 1 since Windows 8, _DMA_TRANSFER_INFO_V2 since 1809. */
static void the_second_transfer_info_came_with_1809(void **state)
{
	assert_false(dma_transfer_info_version_is_known(1, NT_OS_7));
	assert_true(dma_transfer_info_version_is_known(1, NT_OS_8));
	assert_false(dma_transfer_info_version_is_known(2, NT_OS_10_1803));
	assert_true(dma_transfer_info_version_is_known(2, NT_OS_10_1809));
	assert_false(dma_transfer_info_version_is_known(0, NT_OS_NEWEST));
	assert_false(dma_transfer_info_version_is_known(3, NT_OS_NEWEST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_0_to_2_are_known_to_all_releases_and_3_since_windows_8),
		cmocka_unit_test(the_first_two_tables_never_grow),
		cmocka_unit_test(the_third_table_grows_with_the_releases),
		cmocka_unit_test(a_version_that_there_is_not_has_no_table),
		cmocka_unit_test(the_second_transfer_info_came_with_1809),
	};

	return cmocka_run_group_tests_name("dma/dma_os", tests, NULL, NULL);
}
