/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What is read back from an SRB, of both kinds, whatever a miniport left there. What it holds on
 * entry is in tests/unit/storport/start.c. */
#include "fake.h"

#define LENGTH 8192

static struct {
	uint8_t srb_status, scsi_status, sense_length;
	uint32_t transferred;
} result;

static void note(struct port_request *request)
{
	result.srb_status = request->srb_status;
	result.scsi_status = request->scsi_status;
	result.sense_length = request->sense_length;
	result.transferred = request->transferred;
	fake_done(request);
}

/* A read of LENGTH bytes, with the miniport. */
static PVOID start(uint8_t function)
{
	struct port_unit *unit = port_unit_find(&fake.adapter, 0, 0, 0);
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);
	struct port_request *request = fake_get(unit);

	request->function = function;
	request->cdb[0] = SCSIOP_READ;
	request->length = LENGTH;
	request->flags = SRB_FLAGS_DATA_IN;
	request->done = note;
	port_request_submit(request);
	cpu_irql_lower(irql);
	memset(&result, 0xee, sizeof(result));
	return request->srb;
}

/* SB-10 */
static void bytes_moved_are_what_the_miniport_says_but_no_more_than_asked_for(void)
{
	static const uint32_t said[] = {0, 1, 4096, LENGTH, LENGTH + 1, 0xffffffff};
	static const uint32_t moved[] = {0, 1, 4096, LENGTH, LENGTH, LENGTH};

	fake_adapter(20);
	for (unsigned n = 0; n < array_size(said); n++) {
		SrbSetDataTransferLength(start(SRB_FUNCTION_EXECUTE_SCSI), said[n]);
		fake_complete(0, SRB_STATUS_DATA_OVERRUN);
		expect_is(result.transferred, moved[n]);
		expect_is(result.srb_status, SRB_STATUS_DATA_OVERRUN);
	}
	start(SRB_FUNCTION_EXECUTE_SCSI); /* untouched */
	fake_complete(0, SRB_STATUS_SUCCESS);
	expect_is(result.transferred, LENGTH);
	fake_adapter_end();
}

static void end_with(uint8_t status, uint8_t sense_length)
{
	PVOID srb = start(SRB_FUNCTION_EXECUTE_SCSI);

	SrbSetScsiStatus(srb, SCSISTAT_CHECK_CONDITION);
	SrbSetSenseInfoBufferLength(srb, sense_length);
	fake_complete(0, status);
}

static void sense_counts_only_where_autosense_is_valid(void)
{
	fake_adapter(20);
	end_with(SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID, 18);
	expect_is(result.srb_status, SRB_STATUS_ERROR); /* the modifiers are taken off */
	expect_is(result.scsi_status, SCSISTAT_CHECK_CONDITION);
	expect_is(result.sense_length, 18);
	end_with(SRB_STATUS_ERROR, 18);
	expect_is(result.sense_length, 0);
	end_with(SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID | SRB_STATUS_QUEUE_FROZEN, 255);
	expect_is(result.srb_status, SRB_STATUS_ERROR);
	expect_is(result.sense_length, PORT_SENSE_BYTES); /* no more than there is */
	end_with(SRB_STATUS_SUCCESS | SRB_STATUS_AUTOSENSE_VALID, 18);
	expect_is(result.srb_status, SRB_STATUS_SUCCESS);
	expect_is(result.sense_length, 0);
	fake_adapter_end();
}

static void other_functions_have_no_scsi_status(void)
{
	PSCSI_REQUEST_BLOCK srb;

	fake_adapter(20);
	srb = start(SRB_FUNCTION_IO_CONTROL);
	if (!fake.adapter.limits.extended_srb) {
		srb->ScsiStatus = SCSISTAT_BUSY; /* means nothing here: it is not sent again */
		srb->SenseInfoBufferLength = 18;
	}
	fake_complete(0, SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID);
	expect_is(result.srb_status, SRB_STATUS_ERROR);
	expect_is(result.scsi_status, 0);
	expect_is(result.sense_length, 0);
	fake_adapter_end();
}

/* A miniport that writes over the block's own offsets, counts and kind harms nobody but itself. */
static void an_srb_that_was_overwritten_is_read_back_all_the_same(void)
{
	fake_adapter(20);
	for (unsigned byte = 0; byte < 256; byte += 85) {
		PUCHAR srb = start(SRB_FUNCTION_EXECUTE_SCSI);
		struct port_request *request = fake.started[0];
		uint8_t irql;

		memset(srb, (int)byte, PORT_SRB_BYTES);
		srb[3] = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
		fake.started_count = 0;
		irql = cpu_irql_raise(IRQL_DISPATCH);
		expect(port_request_complete(request));
		cpu_irql_lower(irql);
		expect_is(result.srb_status, SRB_STATUS_ERROR);
		expect(result.transferred <= LENGTH);
		expect(result.sense_length <= PORT_SENSE_BYTES);
	}
	fake_adapter_end();
}

static UCHAR path, target, lun;

static void address_reaches_the_srb(void)
{
	struct port_unit *unit;

	fake_adapter(20);
	unit = port_unit_add(&fake.adapter, 7, 127, 254);
	SrbGetPathTargetLun(fake_submit(unit)->srb, &path, &target, &lun);
	expect_is(path, 7);
	expect_is(target, 127);
	expect_is(lun, 254);
	fake_complete(0, SRB_STATUS_SUCCESS);
	fake_adapter_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fake_test_both(bytes_moved_are_what_the_miniport_says_but_no_more_than_asked_for),
		fake_test_both(sense_counts_only_where_autosense_is_valid),
		fake_test_both(other_functions_have_no_scsi_status),
		fake_test_both(an_srb_that_was_overwritten_is_read_back_all_the_same),
		fake_test_both(address_reaches_the_srb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
