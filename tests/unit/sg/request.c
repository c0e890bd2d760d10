/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the SG front takes for a request, and how it words answers: the numbers are those that
 * Linux's sg driver documents for host_status, driver_status and sense data. */
#include "sg/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#define BYTES sizeof(struct sg_request)

static struct sg_request good(void)
{
	return (struct sg_request){.magic = SG_REQUEST_MAGIC,
		.unit = 1,
		.operation = SG_OP_COMMAND,
		.direction = SG_IN,
		.bytes = 512,
		.seconds = 10,
		.cdb_length = 10,
		.cdb = {0x28}};
}

static void a_request_for_a_unit_that_is_there_is_taken(void **state)
{
	struct sg_request request = good();

	assert_int_equal(sg_request_check(&request, BYTES, 2), 0);
	request.direction = SG_OUT_IN; /* the last there is */
	assert_int_equal(sg_request_check(&request, BYTES, 2), 0);
	request.operation = SG_OP_INFO;
	request.direction = SG_NONE;
	request.bytes = 0;
	assert_int_equal(sg_request_check(&request, BYTES, 2), 0);
}

static void what_is_no_request_ends_the_connection(void **state)
{
	struct sg_request request = good();

	for (size_t bytes = 0; bytes < BYTES; bytes++)
		assert_int_equal(sg_request_check(&request, bytes, 2), -EPROTO);
	request.magic++;
	assert_int_equal(sg_request_check(&request, BYTES, 2), -EPROTO);
	request = good();
	request.operation = 2;
	assert_int_equal(sg_request_check(&request, BYTES, 2), -EPROTO);
	request = good();
	request.direction = 4;
	assert_int_equal(sg_request_check(&request, BYTES, 2), -EPROTO);
	request = good();
	request.direction = SG_NONE; /* but bytes */
	assert_int_equal(sg_request_check(&request, BYTES, 2), -EPROTO);
	request = good();
	request.operation = SG_OP_INFO;
	assert_int_equal(sg_request_check(&request, BYTES, 2), -EPROTO);
}

static void a_unit_that_is_not_there_is_told(void **state)
{
	struct sg_request request = good();

	assert_int_equal(sg_request_check(&request, BYTES, 1), -ENXIO);
	request.unit = UINT16_MAX;
	assert_int_equal(sg_request_check(&request, BYTES, 255), -ENXIO);
}

static void a_command_keeps_to_the_lengths_that_there_are(void **state)
{
	const struct dry_unit_info info = {.max_transfer = 65536};
	struct sg_request request = good();

	request.bytes = 65536;
	assert_int_equal(sg_command_check(&request, &info), 0);
	request.bytes = 65537;
	assert_int_equal(sg_command_check(&request, &info), -EINVAL);
	request.bytes = UINT32_MAX;
	assert_int_equal(sg_command_check(&request, &info), -EINVAL);
	request = good();
	request.cdb_length = 32;
	assert_int_equal(sg_command_check(&request, &info), 0);
	request.cdb_length = 33;
	assert_int_equal(sg_command_check(&request, &info), -EMSGSIZE);
	request.cdb_length = 0;
	assert_int_equal(sg_command_check(&request, &info), -EMSGSIZE);
}

static struct sg_answer answer_to(const struct dry_scsi *scsi)
{
	struct sg_answer answer = {.magic = SG_ANSWER_MAGIC};

	sg_answer_set(&answer, scsi);
	return answer;
}

static void each_end_has_its_host_status(void **state)
{
	static const struct {
		enum dry_scsi_end end;
		uint16_t host_status;
	} all[] = {
		{DRY_SCSI_ANSWERED, 0},	 /* DID_OK */
		{DRY_SCSI_REFUSED, 5},	 /* DID_ABORT */
		{DRY_SCSI_BUSY, 2},	 /* DID_BUS_BUSY */
		{DRY_SCSI_TIMEOUT, 3},	 /* DID_TIME_OUT */
		{DRY_SCSI_RESET, 8},	 /* DID_RESET */
		{DRY_SCSI_ABORTED, 5},	 /* DID_ABORT */
		{DRY_SCSI_NO_DEVICE, 1}, /* DID_NO_CONNECT */
		{DRY_SCSI_FAILED, 7},	 /* DID_ERROR */
	};

	for (size_t n = 0; n < sizeof(all) / sizeof(all[0]); n++) {
		const struct dry_scsi scsi = {.end = all[n].end, .moved = 77};
		struct sg_answer answer = answer_to(&scsi);

		assert_int_equal(answer.host_status, all[n].host_status);
		assert_int_equal(answer.driver_status, 0);
		assert_int_equal(answer.moved, 77);
		assert_int_equal(answer.error, 0);
	}
}

static void sense_data_come_as_long_as_they_say(void **state)
{
	struct dry_scsi scsi = {.end = DRY_SCSI_ANSWERED,
		.scsi_status = 2,
		.sense_length = 252, /* the buffer's, which the driver left */
		.sense = {0x70, 0, 5, [7] = 10, [12] = 0x24}};
	struct sg_answer answer = answer_to(&scsi);

	assert_int_equal(answer.driver_status, 8); /* DRIVER_SENSE */
	assert_int_equal(answer.sense_length, 18);
	assert_memory_equal(answer.sense, scsi.sense, 18);
	scsi.sense_length = 14; /* fewer than it says */
	assert_int_equal(answer_to(&scsi).sense_length, 14);
	scsi.sense_length = 4;
	assert_int_equal(answer_to(&scsi).sense_length, 4);
	scsi.sense[7] = 255;
	scsi.sense_length = 252;
	assert_int_equal(answer_to(&scsi).sense_length, 252);
	scsi.scsi_status = 0x18; /* RESERVATION CONFLICT has none */
	assert_int_equal(answer_to(&scsi).driver_status, 0);
	assert_int_equal(answer_to(&scsi).scsi_status, 0x18);
	scsi.scsi_status = 2;
	scsi.sense_length = 0;
	assert_int_equal(answer_to(&scsi).driver_status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_for_a_unit_that_is_there_is_taken),
		cmocka_unit_test(what_is_no_request_ends_the_connection),
		cmocka_unit_test(a_unit_that_is_not_there_is_told),
		cmocka_unit_test(a_command_keeps_to_the_lengths_that_there_are),
		cmocka_unit_test(each_end_has_its_host_status),
		cmocka_unit_test(sense_data_come_as_long_as_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
