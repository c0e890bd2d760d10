/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Units' extensions; requests found by tag; all requests of an address completed at once. */
#include "world.h"

#define COUNT 4

static struct world_request requests[COUNT];
static PSCSI_REQUEST_BLOCK kept[COUNT];
static unsigned kept_count;

static void keep(PSCSI_REQUEST_BLOCK srb)
{
	if (kept_count < COUNT)
		kept[kept_count++] = srb;
	if (srb->QueueTag == SP_UNTAGGED)
		ScsiPortNotification(NextRequest, world.ext);
	else
		ScsiPortNotification(NextLuRequest, world.ext, 0, 0, srb->Lun);
}

static int setup(void **state)
{
	world_miniport(NULL);
	miniport.start_io = keep;
	miniport.unit_extension = 100;
	kept_count = 0;
	return 0;
}

/* Two of unit 0 and two of unit 1. */
static void submit(void)
{
	for (unsigned n = 0; n < COUNT; n++)
		world_submit(&requests[n], (uint8_t)(n / 2), 512);
	expect_is(kept_count, COUNT);
}

static void end(UCHAR status)
{
	for (unsigned n = 0; n < COUNT; n++) {
		world_end(&requests[n]);
		expect_is(requests[n].srb_status, status);
	}
}

static void units(void)
{
	UCHAR *extension;

	port_unit_add(&world.adapter->hba.port, 0, 0, 1);
	extension = ScsiPortGetLogicalUnit(world.ext, 0, 0, 1);
	expect(extension != NULL);
	for (unsigned n = 0; extension && n < 100; n++)
		expect_is(extension[n], 0);
	expect_is(ScsiPortGetLogicalUnit(world.ext, 0, 3, 1), NULL);
	expect_is(ScsiPortGetLogicalUnit(NULL, 0, 0, 1), NULL);
	expect_violation(0, "HwDeviceExtension");
}

/* covers: ScsiPortGetLogicalUnit */
static void a_unit_has_a_zeroed_extension_and_what_is_no_unit_has_none(void **state)
{
	world_good(units);
}

static void find_all(void)
{
	submit();
	for (unsigned n = 0; n < COUNT; n++) {
		PSCSI_REQUEST_BLOCK srb = kept[n];

		expect_is(ScsiPortGetSrb(world.ext, 0, 0, srb->Lun, srb->QueueTag), srb);
		expect_is(ScsiPortGetSrb(world.ext, 0, 0, !srb->Lun, srb->QueueTag), NULL);
		for (unsigned m = 0; m < n; m++)
			expect(kept[m]->QueueTag != srb->QueueTag);
	}
	expect_is(ScsiPortGetSrb(world.ext, 0, 0, 0, SP_UNTAGGED), NULL);
	expect_is(ScsiPortGetSrb(world.ext, 0, 1, 0, kept[0]->QueueTag), NULL);
	expect_is(ScsiPortGetSrb(NULL, 0, 0, 0, kept[0]->QueueTag), NULL);
	expect_violation(0, "HwDeviceExtension");
	for (unsigned n = 0; n < COUNT; n++) {
		UCHAR tag = kept[n]->QueueTag;

		world_give_back(kept[n], SRB_STATUS_SUCCESS);
		expect_is(ScsiPortGetSrb(world.ext, 0, 0, (UCHAR)(n / 2), tag), NULL);
	}
	end(SRB_STATUS_SUCCESS);
}

/* covers: ScsiPortGetSrb */
static void a_request_is_found_by_unit_and_tag_while_the_miniport_has_it(void **state)
{
	world_good(find_all);
}

static void find_untagged(void)
{
	world_submit(&requests[0], 0, 512);
	expect_is(ScsiPortGetSrb(world.ext, 0, 0, 0, SP_UNTAGGED), kept[0]);
	expect_is(ScsiPortGetSrb(world.ext, 0, 0, 0, 1), NULL);
	expect_is(ScsiPortGetSrb(world.ext, 0, 0, 0, 0x1ff), NULL); /* no tag at all */
	world_give_back(kept[0], SRB_STATUS_SUCCESS);
	world_end(&requests[0]);
}

/* covers: ScsiPortGetSrb */
static void an_untagged_request_is_found_as_such(void **state)
{
	miniport.tagged = miniport.many = FALSE;
	world_good(find_untagged);
}

static void complete_some(void)
{
	submit();
	ScsiPortCompleteRequest(world.ext, 0, 3, SP_UNTAGGED, SRB_STATUS_BUS_RESET); /* nobody's */
	ScsiPortCompleteRequest(world.ext, 0, 0, 1, SRB_STATUS_ABORTED);
	world_settle();
	for (unsigned n = 0; n < COUNT; n++)
		expect_is(requests[n].done, n >= 2);
	ScsiPortCompleteRequest(
		world.ext, SP_UNTAGGED, SP_UNTAGGED, SP_UNTAGGED, SRB_STATUS_ABORTED);
	/* Nothing is left: a completion now is a second one. */
	ScsiPortNotification(RequestComplete, world.ext, kept[0]);
	expect_violation(0xf1001003, "second");
	end(SRB_STATUS_ABORTED);
	ScsiPortCompleteRequest(NULL, 0, 0, 0, SRB_STATUS_ABORTED);
	expect_violation(0, "HwDeviceExtension");
}

/* covers: ScsiPortCompleteRequest */
static void all_requests_of_an_address_are_completed_and_no_others(void **state)
{
	world_good(complete_some);
}

int main(void)
{
#define with_setup(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		with_setup(a_unit_has_a_zeroed_extension_and_what_is_no_unit_has_none),
		with_setup(a_request_is_found_by_unit_and_tag_while_the_miniport_has_it),
		with_setup(an_untagged_request_is_found_as_such),
		with_setup(all_requests_of_an_address_are_completed_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
