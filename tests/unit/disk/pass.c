/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Commands of a host program: sent once, as they are, and told how they ended. The numbers in what
 * a command comes to are those of srb.h as its documentation lists them. */
#include "target.h"

static struct dry_scsi scsi;
static uint8_t data[70000];

/* In a kernel thread. */
static int pass(const uint8_t cdb[16], uint8_t length, bool is_write, uint32_t bytes)
{
	scsi = (struct dry_scsi){.cdb_length = length,
		.is_write = is_write,
		.data = bytes ? data : NULL,
		.bytes = bytes,
		.seconds = 1};
	memcpy(scsi.cdb, cdb, 16);
	target.count = 0;
	return disk_pass(target.disk, &scsi);
}

static const uint8_t read_three[16] = {0x28, [5] = 3, [8] = 2};
static const uint8_t write_three[16] = {0x2a, [5] = 3, [8] = 2};
static const uint8_t inquiry[16] = {0x12, [4] = 36};
static const uint8_t ready[16] = {0x00};

static void data_go_out_and_come_in_as_the_command_says(void)
{
	target_up(64);
	for (unsigned n = 0; n < 1024; n++)
		data[n] = (uint8_t)(n * 3 + n / 256);
	expect_is(pass(write_three, 10, true, 1024), 0);
	expect_is(scsi.end, DRY_SCSI_ANSWERED);
	expect_is(scsi.srb_status, 0x01);
	expect_is(scsi.scsi_status, 0);
	expect_is(scsi.moved, 1024);
	expect(!memcmp(target.store + 3 * 512, data, 1024));
	expect_is(target.count, 1);
	expect_is(target.log[0].bytes, 1024);
	memset(data, 0, sizeof(data));
	expect_is(pass(read_three, 10, false, 1024), 0);
	expect(!memcmp(target.store + 3 * 512, data, 1024));
	expect_is(pass(ready, 6, false, 0), 0);
	expect_is(target.count, 1);
	expect_is(target.log[0].opcode, 0);
	expect_is(target.log[0].bytes, 0);
	target_end_all();
}

static uint8_t seen[32];

/* SRBEX_DATA_SCSI_CDB32, and CHECK CONDITION for it. */
static bool note_cdb32(struct port_request *request, const struct target_command *command)
{
	PSTORAGE_REQUEST_BLOCK srb = request->srb;
	PSRBEX_DATA_SCSI_CDB32 long_cdb =
		(PSRBEX_DATA_SCSI_CDB32)SrbGetSrbExDataByType(srb, SrbExDataTypeScsiCdb32);

	expect_is(srb->NumSrbExData, 1);
	expect_is(SrbGetSrbExDataByType(srb, SrbExDataTypeScsiCdb16), NULL);
	expect(long_cdb != NULL);
	expect_is(long_cdb->CdbLength, 32);
	expect_is(long_cdb->Length, sizeof(*long_cdb) - 8);
	memcpy(seen, long_cdb->Cdb, sizeof(seen));
	target_sense(request, 5, 0x20, 0);
	return true;
}

static void a_cdb_of_32_bytes_goes_where_there_is_room(void)
{
	bool has_room;

	target_up(64);
	has_room = fake.adapter.limits.extended_srb;
	target.hook = note_cdb32;
	memset(seen, 0, sizeof(seen));
	scsi = (struct dry_scsi){.cdb = {0x7f, [7] = 24, [9] = 9}, .cdb_length = 32};
	for (uint8_t n = 10; n < 32; n++)
		scsi.cdb[n] = n;
	target.count = 0;
	expect_is(disk_pass(target.disk, &scsi), 0);
	expect_is(target.count, has_room);
	expect_is(scsi.end, has_room ? DRY_SCSI_ANSWERED : DRY_SCSI_REFUSED);
	if (has_room) {
		expect(!memcmp(seen, scsi.cdb, 32));
		expect_is(scsi.scsi_status, 2); /* CHECK CONDITION */
		expect_is(scsi.sense[2], 5);
		expect_is(scsi.sense[12], 0x20);
	}
	/* the next in its slot is an ordinary one */
	target.hook = NULL;
	expect_is(pass(ready, 6, false, 0), 0);
	expect_is(scsi.end, DRY_SCSI_ANSWERED);
	target_end_all();
}

static void a_short_answer_leaves_the_rest_of_the_buffer(void)
{
	target_up(64);
	memset(data, 0xee, sizeof(data));
	expect_is(pass(inquiry, 6, false, 96), 0);
	expect_is(scsi.end, DRY_SCSI_ANSWERED);
	expect_is(scsi.moved, 36);
	expect(!memcmp(data, target.inquiry, 36));
	expect_is(data[36], 0xee);
	target_end_all();
}

static bool attention(struct port_request *request, const struct target_command *command)
{
	target_sense(request, 6, 0x29, 2);
	return true;
}

/* What disk_execute's other callers have repeated. */
static void a_unit_attention_is_handed_on_and_not_tried_again(void)
{
	target_up(64);
	target.hook = attention;
	expect_is(pass(read_three, 10, false, 1024), 0);
	expect_is(target.count, 1);
	expect_is(scsi.end, DRY_SCSI_ANSWERED);
	expect_is(scsi.srb_status, 0x04);
	expect_is(scsi.scsi_status, 2);
	expect_is(scsi.sense_length, 18);
	expect_is(scsi.sense[2], 6);
	expect_is(scsi.sense[12], 0x29);
	expect_is(scsi.sense[13], 2);
	target_end_all();
}

static uint8_t given;

static bool give(struct port_request *request, const struct target_command *command)
{
	target_end(request, given);
	return true;
}

static void each_srb_status_comes_to_its_end(void)
{
	static const struct {
		uint8_t status, end;
	} all[] = {
		{0x01, DRY_SCSI_ANSWERED}, /* SUCCESS */
		{0x02, DRY_SCSI_ABORTED},
		{0x04, DRY_SCSI_FAILED},    /* ERROR without a status of the unit's */
		{0x06, DRY_SCSI_REFUSED},   /* INVALID_REQUEST */
		{0x07, DRY_SCSI_NO_DEVICE}, /* INVALID_PATH_ID */
		{0x08, DRY_SCSI_NO_DEVICE}, /* NO_DEVICE */
		{0x09, DRY_SCSI_TIMEOUT},   /* TIMEOUT */
		{0x0a, DRY_SCSI_NO_DEVICE}, /* SELECTION_TIMEOUT */
		{0x0b, DRY_SCSI_TIMEOUT},   /* COMMAND_TIMEOUT */
		{0x0e, DRY_SCSI_RESET},	    /* BUS_RESET */
		{0x0f, DRY_SCSI_FAILED},    /* PARITY_ERROR */
		{0x11, DRY_SCSI_NO_DEVICE}, /* NO_HBA */
		{0x12, DRY_SCSI_ANSWERED},  /* DATA_OVERRUN: an underrun */
		{0x15, DRY_SCSI_FAILED},    /* REQUEST_SENSE_FAILED */
		{0x16, DRY_SCSI_ABORTED},   /* REQUEST_FLUSHED */
		{0x20, DRY_SCSI_NO_DEVICE}, /* INVALID_LUN */
		{0x21, DRY_SCSI_NO_DEVICE}, /* INVALID_TARGET_ID */
		{0x22, DRY_SCSI_REFUSED},   /* BAD_FUNCTION */
		{0x30, DRY_SCSI_FAILED},    /* INTERNAL_ERROR */
	};

	target_up(64);
	target.hook = give;
	for (size_t n = 0; n < array_size(all); n++) {
		given = all[n].status;
		expect_is(pass(read_three, 10, false, 1024), 0);
		expect_is(target.count, 1);
		expect_is(scsi.srb_status, all[n].status);
		expect_is(scsi.end, all[n].end);
		expect_is(scsi.sense_length, 0);
	}
	target_end_all();
}

static void what_the_driver_did_not_announce_is_not_sent(void)
{
	target_up(64);
	expect_is(pass(read_three, 10, false, 65536), 0); /* just its limit */
	expect_is(target.count, 1);
	expect_is(pass(read_three, 10, false, 65537), -EINVAL);
	expect(strstr(error_text(), "at most 65536"));
	expect_is(pass(read_three, 0, false, 0), -EINVAL);
	expect_is(pass(read_three, 33, false, 0), -EINVAL);
	expect_is(target.count, 0);
	target_end_all();
}

static bool never(struct port_request *request, const struct target_command *command)
{
	return request->function == SRB_FUNCTION_EXECUTE_SCSI;
}

static void a_command_that_the_driver_keeps_ends_all_the_same(void)
{
	target_up(64);
	fake_hurry();
	target.hook = never;
	expect_is(pass(ready, 6, false, 0), 0);
	expect_is(scsi.end, DRY_SCSI_NO_DEVICE);
	expect_is(fake.stops, 1);
	expect(!disk_is_active(target.disk));
	target_end_all();
}

static void a_unit_that_is_gone_is_no_device(void)
{
	target_up(64);
	target.disk->is_gone = true;
	expect_is(pass(ready, 6, false, 0), 0);
	expect_is(scsi.end, DRY_SCSI_NO_DEVICE);
	expect_is(scsi.srb_status, 0x08);
	expect_is(target.count, 0);
	target_end_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(data_go_out_and_come_in_as_the_command_says),
		fake_test_both(a_cdb_of_32_bytes_goes_where_there_is_room),
		fake_test_both(a_short_answer_leaves_the_rest_of_the_buffer),
		fake_test_both(a_unit_attention_is_handed_on_and_not_tried_again),
		fake_test(each_srb_status_comes_to_its_end),
		fake_test(what_the_driver_did_not_announce_is_not_sent),
		fake_test(a_command_that_the_driver_keeps_ends_all_the_same),
		fake_test(a_unit_that_is_gone_is_no_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
