/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Queue depth, pause, busy and unit extensions as miniports call them (Q-3 … Q-5). What the gates
 * do to requests is tested in tests/unit/port/queue.c. */
#include "world.h"

static struct port_unit *unit(void)
{
	return port_unit_find(&world.adapter->hba.port, 0, 0, 0);
}

/* ---- depth ---- */

static BOOLEAN early_answer;
static unsigned started;
static PSCSI_REQUEST_BLOCK srbs[300];

static BOOLEAN first_inquiry(PSCSI_REQUEST_BLOCK srb)
{
	srbs[started++] = srb;
	if (((PUCHAR)SrbGetCdb(srb))[0] != SCSIOP_INQUIRY)
		return TRUE;
	early_answer = StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 3);
	world_give_back(srbs[--started], SRB_STATUS_SUCCESS);
	return TRUE;
}

static void depth(void)
{
	struct world_request r[5], inquiry;

	/* nobody has asked for the unit yet. */
	expect(!StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 3));
	world_submit(&inquiry, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_INQUIRY, 36);
	world_end(&inquiry);
	expect(early_answer); /* earliest while handling the first INQUIRY */
	expect_is(unit()->depth, 3);
	for (unsigned n = 0; n < 5; n++)
		world_submit(&r[n], SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	expect_is(started, 3);
	/* More depth lets those that wait go. */
	expect(StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 4));
	world_wait(started == 4);
	/* Less takes none back. */
	expect(StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 1));
	expect_is(started, 4);
	for (unsigned n = 0; n < 5; n++) {
		world_wait(started > n);
		world_give_back(srbs[n], SRB_STATUS_SUCCESS);
		world_end(&r[n]);
	}
}

static void the_queue_depth_can_be_set_from_the_first_inquiry_on(void **state)
{
	started = 0;
	early_answer = FALSE;
	miniport.start_io = first_inquiry;
	world_good(depth);
}

static void depth_limits(void)
{
	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect(!StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 0));
	expect_is(unit()->depth, 20); /* */
	expect(StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 1));
	expect(StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 255)); /* */
	expect(!StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 256));
	expect(!StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 0xffffffff));
	expect_is(unit()->depth, 255);
	expect(!StorPortSetDeviceQueueDepth(world.ext, 0, 0, 1, 2));
	expect(!StorPortSetDeviceQueueDepth(world.ext, 0, 1, 0, 2));
	expect(!StorPortSetDeviceQueueDepth(world.ext, 1, 0, 0, 2));
	expect_is(world.violations, 0);
	expect(!StorPortSetDeviceQueueDepth(NULL, 0, 0, 0, 2));
	expect_violation(0, "no HwDeviceExtension");
}

/* greater than zero; Q-1: at most 255; X-49: only a unit that is there */
/* covers: StorPortSetDeviceQueueDepth */
static void a_depth_out_of_range_or_for_no_unit_is_refused(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, depth_limits);
	assert_int_equal(world.start_result, 0);
}

static void few_per_lun(PPORT_CONFIGURATION_INFORMATION config)
{
	config->MaxIOsPerLun = 8;
}

static void few_at_all(PPORT_CONFIGURATION_INFORMATION config)
{
	config->MaxNumberOfIO = 8;
}

static void eight(void)
{
	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect_is(unit()->depth, 8);
	expect(!StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 9));
	expect(StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 8));
}

/* */
static void the_miniports_own_limits_bound_the_depth(void **state)
{
	miniport.find = few_per_lun;
	world_good(eight);
	world_miniport(NULL);
	miniport.find = few_at_all;
	world_good(eight);
}

/* ---- gates ---- */

static BOOLEAN hold(PSCSI_REQUEST_BLOCK srb)
{
	srbs[started++] = srb;
	return TRUE;
}

/* Whether a request is held back, and comes when `open` is called. */
static void held_until(BOOLEAN (*open)(void))
{
	struct world_request r;
	unsigned before = started;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	expect_is(started, before);
	expect(open());
	world_wait(started == before + 1);
	world_give_back(srbs[before], SRB_STATUS_SUCCESS);
	world_end(&r);
}

static BOOLEAN resume(void)
{
	return StorPortResume(world.ext);
}

static BOOLEAN resume_device(void)
{
	return StorPortResumeDevice(world.ext, 0, 0, 0);
}

static BOOLEAN ready(void)
{
	return StorPortReady(world.ext);
}

static BOOLEAN device_ready(void)
{
	return StorPortDeviceReady(world.ext, 0, 0, 0);
}

static void gates(void)
{
	struct world_request r;

	started = 0;
	world_submit(
		&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0); /* keeps busy busy */
	expect(StorPortPause(world.ext, 60));
	held_until(resume);
	expect(StorPortPauseDevice(world.ext, 0, 0, 0, 60));
	held_until(resume_device);
	expect(StorPortBusy(world.ext, 5));
	held_until(ready);
	expect(StorPortDeviceBusy(world.ext, 0, 0, 0, 5));
	held_until(device_ready);
	/* The longest pauses do not overflow to short ones. */
	expect(StorPortPause(world.ext, 0xffffffff));
	expect(StorPortPauseDevice(world.ext, 0, 0, 0, 0xffffffff));
	expect(resume_device());
	held_until(resume);
	world_give_back(srbs[0], SRB_STATUS_SUCCESS);
	world_end(&r);

	expect(!StorPortPauseDevice(world.ext, 0, 0, 9, 1));
	expect(!StorPortResumeDevice(world.ext, 0, 0, 9));
	expect(!StorPortDeviceBusy(world.ext, 0, 0, 9, 1));
	expect(!StorPortDeviceReady(world.ext, 0, 0, 9));
	expect_is(world.violations, 0);
	expect(!StorPortPause(NULL, 1));
	expect_violation(0, "no HwDeviceExtension");
	expect(!StorPortBusy(&r, 1));
	expect_violation(0, "no HwDeviceExtension");
}

/* */
/*
 * covers: StorPortBusy, StorPortDeviceBusy, StorPortDeviceReady, StorPortPause,
 * StorPortPauseDevice, StorPortReady, StorPortResume, StorPortResumeDevice
 */
static void each_gate_holds_requests_until_its_counterpart(void **state)
{
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, gates);
	assert_int_equal(world.start_result, 0);
}

static BOOLEAN gates_at_dirql(void)
{
	bus_line_set(world.function, false);
	StorPortPause(world.ext, 60);
	StorPortResume(world.ext);
	StorPortDeviceBusy(world.ext, 0, 0, 0, 1);
	StorPortDeviceReady(world.ext, 0, 0, 0);
	StorPortSetDeviceQueueDepth(world.ext, 0, 0, 0, 5);
	started = 77;
	return TRUE;
}

static void interrupt_once(void)
{
	struct world_request r;

	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	bus_line_set(world.function, true);
	world_wait(started == 77);
	started = 0;
	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	world_wait(started == 1);
	world_give_back(srbs[0], SRB_STATUS_SUCCESS);
	world_end(&r);
}

static void gates_may_be_worked_from_an_interrupt(void **state)
{
	started = 0;
	miniport.line = true;
	miniport.start_io = hold;
	miniport.interrupt = gates_at_dirql;
	world_good(interrupt_once);
}

/* ---- unit extensions ---- */

static void unit_extension(void)
{
	PUCHAR first, second;

	expect_is(StorPortGetLogicalUnit(world.ext, 0, 0, 0), NULL);
	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	port_unit_add(&world.adapter->hba.port, 0, 0, 1);
	first = StorPortGetLogicalUnit(world.ext, 0, 0, 0);
	second = StorPortGetLogicalUnit(world.ext, 0, 0, 1);
	expect(first && second && first != second);
	for (unsigned n = 0; n < miniport.unit_extension; n++)
		expect(!first[n] && !second[n]); /* 4.1: LU extensions are zeroed */
	memset(first, 1, miniport.unit_extension);
	expect_is(second[0], 0);
	expect_is(StorPortGetLogicalUnit(world.ext, 0, 0, 0), first);
}

/* covers: StorPortGetLogicalUnit */
static void each_unit_has_a_cleared_extension(void **state)
{
	miniport.unit_extension = 5000;
	world_good(unit_extension);
}

static void no_unit_extension(void)
{
	port_unit_add(&world.adapter->hba.port, 0, 0, 0);
	expect_is(StorPortGetLogicalUnit(world.ext, 0, 0, 0), NULL);
}

static void no_extension_is_null(void **state)
{
	world_good(no_unit_extension);
}

static void huge_unit_extension(void)
{
	expect_is(port_unit_add(&world.adapter->hba.port, 0, 0, 0), NULL);
	expect_is(world.adapter->hba.port.unit_count, 0);
}

static void an_extension_larger_than_memory_makes_no_unit(void **state)
{
	miniport.unit_extension = 0xffffffff;
	world_good(huge_unit_extension);
}

/* ---- all of an address at once ---- */

enum { TO_COMPLETE = 4 };

static void complete_some(void)
{
	struct world_request r[TO_COMPLETE];

	for (unsigned n = 0; n < TO_COMPLETE; n++)
		world_submit_to(&r[n], SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY,
			(UCHAR)(n % 2), 0, 0);
	world_wait(started == TO_COMPLETE);
	StorPortCompleteRequest(world.ext, 0, 3, 0, SRB_STATUS_BUS_RESET); /* nobody's */
	StorPortCompleteRequest(world.ext, 0, SP_UNTAGGED, 1, SRB_STATUS_ABORTED);
	cpu_dpc_flush();
	for (unsigned n = 0; n < TO_COMPLETE; n++)
		expect_is(r[n].done, n % 2);
	StorPortCompleteRequest(world.ext, SP_UNTAGGED, SP_UNTAGGED, 0, SRB_STATUS_BUS_RESET);
	for (unsigned n = 0; n < TO_COMPLETE; n++) {
		world_end(&r[n]);
		expect_is(r[n].srb_status, n % 2 ? SRB_STATUS_ABORTED : SRB_STATUS_BUS_RESET);
	}
	expect_is(world.violations, 0);
	/* They are the port's now. */
	StorPortNotification(RequestComplete, world.ext, srbs[0]);
	expect_violation(0xf1002004, "a second time");
	StorPortCompleteRequest(NULL, 0, 0, 0, SRB_STATUS_ABORTED);
	expect_violation(0, "no HwDeviceExtension");
}

/* */
/* covers: StorPortCompleteRequest */
static void all_requests_of_an_address_are_completed_and_no_others(void **state)
{
	started = 0;
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, complete_some);
	assert_int_equal(world.start_result, 0);
}

static void complete_all_units(void)
{
	struct world_request r;

	world_submit(&r, SRB_FUNCTION_EXECUTE_SCSI, SCSIOP_TEST_UNIT_READY, 0);
	world.violations = 0; /* that of half duplex itself (LK-7) */
	StorPortCompleteRequest(world.ext, 0, 0, SP_UNTAGGED, SRB_STATUS_ABORTED);
	world_end(&r);
	expect_is(r.srb_status, SRB_STATUS_ABORTED);
	if (miniport.half_duplex)
		expect_is(world.violations, 0);
	else
		expect_violation(0, "not for a full-duplex miniport (Q-11)");
}

/* */
/* covers: StorPortCompleteRequest */
static void all_logical_units_at_once_are_for_half_duplex(void **state)
{
	miniport.start_io = hold;
	world_run(DMA_CALLBACK_QUEUED, complete_all_units);
	assert_int_equal(world.start_result, 0);
	world_miniport(NULL);
	miniport.start_io = hold;
	miniport.half_duplex = true;
	world_good(complete_all_units);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(the_queue_depth_can_be_set_from_the_first_inquiry_on),
		world_test(a_depth_out_of_range_or_for_no_unit_is_refused),
		world_test(the_miniports_own_limits_bound_the_depth),
		world_test(each_gate_holds_requests_until_its_counterpart),
		world_test(gates_may_be_worked_from_an_interrupt),
		world_test(each_unit_has_a_cleared_extension),
		world_test(no_extension_is_null),
		world_test(an_extension_larger_than_memory_makes_no_unit),
		world_test(all_requests_of_an_address_are_completed_and_no_others),
		world_test(all_logical_units_at_once_are_for_half_duplex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
