/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Sense bytes are written by hand as SPC-5 lays them out: fixed (70h) and descriptor (72h) format.
 */
#include "disk/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

static int outcome(uint8_t srb_status, const uint8_t *sense, uint8_t length, bool *again)
{
	uint8_t buffer[PORT_SENSE_BYTES] = {0};
	struct port_request request = {
		.srb_status = srb_status, .sense = buffer, .sense_length = length};

	if (length)
		memcpy(buffer, sense, length);
	return disk_outcome(&request, again);
}

static int fixed(uint8_t key, uint8_t asc, uint8_t ascq, bool *again)
{
	const uint8_t sense[18] = {0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc, ascq};

	return outcome(SRB_STATUS_ERROR, sense, sizeof(sense), again);
}

static int descriptor(uint8_t key, uint8_t asc, uint8_t ascq, bool *again)
{
	const uint8_t sense[8] = {0x72, key, asc, ascq};

	return outcome(SRB_STATUS_ERROR, sense, sizeof(sense), again);
}

static void success_is_zero_and_final(void **state)
{
	bool again = true;

	assert_int_equal(outcome(SRB_STATUS_SUCCESS, NULL, 0, &again), 0);
	assert_false(again);
}

static void a_full_medium_is_enospc_in_both_sense_formats(void **state)
{
	bool again = true;

	assert_int_equal(fixed(7, 0x27, 0x07, &again), -ENOSPC);
	assert_false(again);
	assert_int_equal(descriptor(7, 0x27, 0x07, &again), -ENOSPC);
	assert_false(again);
}

static void write_protection_is_erofs(void **state)
{
	bool again;

	assert_int_equal(fixed(7, 0x27, 0x00, &again), -EROFS);
}

static void a_medium_error_is_eio_and_not_repeated(void **state)
{
	bool again = true;

	assert_int_equal(fixed(3, 0x11, 0, &again), -EIO);
	assert_false(again);
}

static void unit_attention_and_bus_reset_are_repeated(void **state)
{
	bool again = false;

	fixed(6, 0x29, 0, &again);
	assert_true(again);
	again = false;
	outcome(SRB_STATUS_BUS_RESET, NULL, 0, &again);
	assert_true(again);
}

static void what_the_unit_does_not_know_is_enotsup_or_einval(void **state)
{
	bool again;

	assert_int_equal(fixed(5, 0x20, 0, &again), -ENOTSUP);
	assert_int_equal(fixed(5, 0x24, 0, &again), -EINVAL);
	assert_int_equal(descriptor(5, 0x21, 0, &again), -ENXIO);
}

static void a_unit_that_is_gone_is_enxio(void **state)
{
	bool again;

	assert_int_equal(outcome(SRB_STATUS_NO_DEVICE, NULL, 0, &again), -ENXIO);
	assert_int_equal(outcome(SRB_STATUS_NO_HBA, NULL, 0, &again), -ENXIO);
	assert_int_equal(outcome(SRB_STATUS_SELECTION_TIMEOUT, NULL, 0, &again), -ENXIO);
}

static void an_error_of_which_nothing_is_known_is_repeated(void **state)
{
	static const uint8_t zeros[18];
	bool again = false;

	assert_int_equal(outcome(SRB_STATUS_ERROR, NULL, 0, &again), -EIO);
	assert_true(again);
	/* no response code of sense data, 70h to 73h (SPC-5, 4.4.1) */
	again = false;
	assert_int_equal(outcome(SRB_STATUS_ERROR, zeros, sizeof(zeros), &again), -EIO);
	assert_true(again);
	assert_int_equal(outcome(SRB_STATUS_PARITY_ERROR, NULL, 0, &again), -EIO);
	assert_true(again);
	assert_int_equal(outcome(SRB_STATUS_UNEXPECTED_BUS_FREE, NULL, 0, &again), -EIO);
	assert_true(again);
}

static void a_reservation_conflict_is_not_repeated(void **state)
{
	const struct port_request request = {
		.srb_status = SRB_STATUS_ERROR, .scsi_status = SCSISTAT_RESERVATION_CONFLICT};
	bool again = true;

	assert_int_equal(disk_outcome(&request, &again), -EIO);
	assert_false(again);
}

static void a_status_that_nobody_knows_is_eio(void **state)
{
	bool again = true;

	assert_int_equal(outcome(0x3f, NULL, 0, &again), -EIO);
	assert_false(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(success_is_zero_and_final),
		cmocka_unit_test(a_full_medium_is_enospc_in_both_sense_formats),
		cmocka_unit_test(write_protection_is_erofs),
		cmocka_unit_test(a_medium_error_is_eio_and_not_repeated),
		cmocka_unit_test(unit_attention_and_bus_reset_are_repeated),
		cmocka_unit_test(what_the_unit_does_not_know_is_enotsup_or_einval),
		cmocka_unit_test(a_unit_that_is_gone_is_enxio),
		cmocka_unit_test(an_error_of_which_nothing_is_known_is_repeated),
		cmocka_unit_test(a_reservation_conflict_is_not_repeated),
		cmocka_unit_test(a_status_that_nobody_knows_is_eio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
