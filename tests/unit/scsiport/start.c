/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Station 4 of a pulling miniport: HwScsiStartIo gets a request when it asked for one, at DIRQL,
 * under the lock of every other callback; what the SRB holds on entry.
 */
#include "world.h"
#include "disk/disk.h"

#include <ntddscsi.h>

#define MANY 8

static struct {
	unsigned starts;
	KIRQL irql;
	bool held;
	PSCSI_REQUEST_BLOCK srbs[MANY];
	SCSI_REQUEST_BLOCK srb; /* as it came last */
} seen;

static struct world_request requests[MANY];

/* Keeps it and asks for nothing. */
static void keep(PSCSI_REQUEST_BLOCK srb)
{
	seen.irql = KeGetCurrentIrql();
	seen.held = cpu_spin_is_held(&world.adapter->interrupt_lock);
	seen.srb = *srb;
	seen.srbs[seen.starts++ % MANY] = srb;
}

static int setup(void **state)
{
	world_miniport(NULL);
	memset(&seen, 0, sizeof(seen));
	miniport.start_io = keep;
	return 0;
}

/* As a miniport does it: under the lock of its callbacks. */
static void notify(SCSI_NOTIFICATION_TYPE type, PSCSI_REQUEST_BLOCK srb)
{
	uint8_t irql = cpu_irql_raise(IRQL_DISPATCH);

	scsi_callback_enter(&world.adapter->hba);
	if (type == RequestComplete)
		world_give_back(srb, SRB_STATUS_SUCCESS);
	else if (type == NextLuRequest)
		ScsiPortNotification(NextLuRequest, world.ext, 0, 0, srb ? srb->Lun : 0);
	else
		ScsiPortNotification(type, world.ext);
	scsi_callback_leave(&world.adapter->hba, "the test");
	cpu_irql_lower(irql);
}

static void give_all_back(unsigned count)
{
	for (unsigned n = 0; n < count; n++) {
		world_wait(seen.starts > n);
		notify(RequestComplete, seen.srbs[n]);
		notify(NextRequest, NULL);
	}
	for (unsigned n = 0; n < count; n++)
		world_end(&requests[n]);
}

/* ---- one request, until the next is asked for ---- */

static void submit_two_units(void)
{
	for (unsigned n = 0; n < 2; n++)
		world_submit(&requests[n], (uint8_t)n, 4096);
	world_settle();
	expect_is(seen.starts, 1);
	expect_is(seen.irql, SCSI_DIRQL);
	expect(seen.held);
	notify(NextRequest, NULL);
	world_wait(seen.starts == 2);
	give_all_back(2);
}

/* covers: ScsiPortNotification */
static void without_next_request_nothing_more_is_started_of_any_unit(void **state)
{
	world_good(submit_two_units);
}

static void submit_one_unit(void)
{
	for (unsigned n = 0; n < 3; n++)
		world_submit(&requests[n], 0, 4096);
	notify(NextRequest, NULL);
	world_settle();
	expect_is(seen.starts, 1); /* the unit has one */
	notify(RequestComplete, seen.srbs[0]);
	world_wait(seen.starts == 2); /* now it has none */
	notify(NextLuRequest, seen.srbs[1]);
	world_wait(seen.starts == 3);
	expect(!requests[1].done);
	notify(RequestComplete, seen.srbs[1]);
	notify(RequestComplete, seen.srbs[2]);
	notify(NextRequest, NULL);
	for (unsigned n = 0; n < 3; n++)
		world_end(&requests[n]);
}

/* covers: ScsiPortNotification */
static void next_request_is_for_units_without_one_and_next_lu_request_for_that_unit(void **state)
{
	world_good(submit_one_unit);
}

static void complete_without_asking(void)
{
	world_submit(&requests[0], 0, 4096);
	world_submit(&requests[1], 0, 4096);
	notify(RequestComplete, seen.srbs[0]);
	world_settle();
	expect(requests[0].done);
	expect_is(seen.starts, 1);
	notify(NextRequest, NULL);
	world_wait(seen.starts == 2);
	notify(RequestComplete, seen.srbs[1]);
	notify(NextRequest, NULL);
	world_end(&requests[0]);
	world_end(&requests[1]);
}

/* covers: ScsiPortNotification */
static void a_completion_alone_asks_for_nothing(void **state)
{
	world_good(complete_without_asking);
}

static unsigned resets;

static BOOLEAN reset(ULONG path)
{
	resets++;
	ScsiPortNotification(NextRequest, world.ext);
	return TRUE;
}

static void fall_silent(void)
{
	world_submit(&requests[0], 0, 4096);
	notify(RequestComplete, seen.srbs[0]);
	world_end(&requests[0]);
	world_submit(&requests[1], 0, 4096);
	world.adapter->hba.port.idle_ticks = 9; /* of ten seconds */
	world_wait(seen.starts == 2);
	expect_is(resets, 1);
	expect_violation(0, "not asked for another for 10 seconds");
	notify(RequestComplete, seen.srbs[1]);
	notify(NextRequest, NULL);
	world_end(&requests[1]);
}

/* "Handling SRB_FUNCTION_RESET_DEVICE": a time-out while the port waits for NextRequest */
static void a_miniport_that_does_not_ask_has_its_bus_reset(void **state)
{
	resets = 0;
	miniport.reset = reset;
	world_good(fall_silent);
}

static void at_once(PSCSI_REQUEST_BLOCK srb)
{
	seen.starts++;
	world_give_back(srb, SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextLuRequest, world.ext, 0, 0, srb->Lun);
}

static void many_at_once(void)
{
	static struct world_request more[100];

	for (unsigned n = 0; n < array_size(more); n++)
		world_submit(&more[n], (uint8_t)(n % 4), 512);
	for (unsigned n = 0; n < array_size(more); n++) {
		world_end(&more[n]);
		expect_is(more[n].srb_status, SRB_STATUS_SUCCESS);
	}
	expect_is(seen.starts, array_size(more));
}

static void requests_of_four_units_all_go_when_each_is_completed_and_asked_for_in_start_io(
	void **state)
{
	miniport.start_io = at_once;
	world_good(many_at_once);
}

static unsigned busy_times;

static void busy_first(PSCSI_REQUEST_BLOCK srb)
{
	seen.starts++;
	world_give_back(srb, seen.starts <= busy_times ? SRB_STATUS_BUSY : SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextRequest, world.ext);
}

static void one_busy(void)
{
	busy_times = 2;
	world_submit(&requests[0], 0, 4096);
	world_end(&requests[0]);
	expect_is(requests[0].srb_status, SRB_STATUS_SUCCESS);
	expect_is(seen.starts, 3);
}

/* "Return from HwScsiStartIo" */
static void what_comes_back_busy_is_sent_again(void **state)
{
	miniport.start_io = busy_first;
	world_good(one_busy);
}

/* ---- the SRB ---- */

static void look_tagged(void)
{
	world_submit(&requests[0], 0, 4096);
	expect_is(seen.srb.Length, sizeof(SCSI_REQUEST_BLOCK));
	expect_is(seen.srb.SrbStatus, SRB_STATUS_PENDING);
	expect_is(seen.srb.DataTransferLength, 4096);
	expect_is(seen.srb.DataBuffer, requests[0].data);
	expect(seen.srb.SrbExtension != NULL);
	expect(seen.srb.QueueTag != SP_UNTAGGED);
	expect(seen.srb.SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE);
	notify(RequestComplete, seen.srbs[0]);
	notify(NextRequest, NULL);
	world_end(&requests[0]);
	world_submit_at(&requests[1], SRB_FUNCTION_FLUSH, 0, 0, 0);
	expect_is(seen.srb.QueueTag, SP_UNTAGGED);
	notify(RequestComplete, seen.srbs[1]);
	notify(NextRequest, NULL);
	world_end(&requests[1]);
}

static void with_tagged_queuing_commands_have_tags_and_the_rest_has_none(void **state)
{
	world_good(look_tagged);
}

static void look_untagged(void)
{
	world_submit(&requests[0], 0, 4096);
	expect_is(seen.srb.QueueTag, SP_UNTAGGED);
	expect(!(seen.srb.SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE));
	give_all_back(1);
}

static void without_tagged_queuing_there_is_no_tag(void **state)
{
	miniport.tagged = miniport.many = FALSE;
	world_good(look_untagged);
}

static void look_many(void)
{
	world_submit(&requests[0], 0, 4096);
	expect(seen.srb.QueueTag != SP_UNTAGGED);
	expect(!(seen.srb.SrbFlags & SRB_FLAGS_QUEUE_ACTION_ENABLE));
	give_all_back(1);
}

/* HW_INITIALIZATION_DATA's page: "it must use each SRB QueueTag member" */
static void with_many_requests_per_unit_alone_there_is_a_tag_but_no_queue_action(void **state)
{
	miniport.tagged = FALSE;
	world_good(look_many);
}

static void look_unmapped(void)
{
	SCSI_PHYSICAL_ADDRESS address;
	ULONG length = 0;

	world_submit(&requests[0], 0, 4096);
	expect(seen.srb.DataBuffer != NULL);
	expect(seen.srb.DataBuffer != requests[0].data);
	expect(!mem_is_valid(seen.srb.DataBuffer, 1));
	address = ScsiPortGetPhysicalAddress(
		world.ext, seen.srbs[0], (char *)seen.srb.DataBuffer + 4095, &length);
	expect_is(address.QuadPart, mem_physical(requests[0].data + 4095));
	expect_is(length, 1);
	give_all_back(1);
}

/* The page of MapBuffers; what a real touch is, the page of SCSI verification says (0xD1). */
static void without_map_buffers_the_address_of_data_is_good_for_conversion_alone(void **state)
{
	miniport.map_buffers = FALSE;
	world_good(look_unmapped);
}

static void touch(PSCSI_REQUEST_BLOCK srb)
{
	*(volatile char *)srb->DataBuffer = 1;
}

static void submit_for_touch(void)
{
	world_submit(&requests[0], 0, 4096);
}

static void touch_data(void *arg)
{
	miniport.map_buffers = FALSE;
	miniport.start_io = touch;
	world_run(submit_for_touch);
}

static void a_touch_of_data_without_map_buffers_ends_the_run(void **state)
{
	expect_death(touch_data, NULL, "without MapBuffers");
}

/* ---- an I/O control, as dry_ioctl sends it ---- */

static void answer_control(PSCSI_REQUEST_BLOCK srb)
{
	PSRB_IO_CONTROL header = srb->DataBuffer;

	seen.srb = *srb;
	expect_is(header->HeaderLength, sizeof(*header));
	expect(!memcmp(header->Signature, "ACMEDISK", 8));
	expect_is(header->ControlCode, 77);
	expect_is(header->Length, 4);
	header->ReturnCode = 5;
	memcpy(header + 1, "back", 4);
	world_give_back(srb, SRB_STATUS_SUCCESS);
	ScsiPortNotification(NextRequest, world.ext);
}

static void send_control(void)
{
	uint8_t bytes[sizeof(SRB_IO_CONTROL) + 4] = {0};
	PSRB_IO_CONTROL header = (PSRB_IO_CONTROL)(void *)bytes;
	struct disk_command command = {.function = SRB_FUNCTION_IO_CONTROL,
		.data = bytes,
		.bytes = sizeof(bytes),
		.in = true,
		.out = true,
		.seconds = 5};

	*header = (SRB_IO_CONTROL){.HeaderLength = sizeof(*header), .ControlCode = 77, .Length = 4};
	memcpy(header->Signature, "ACMEDISK", 8);
	expect_is(disk_pool_init(4096), 0);
	expect_is(disk_transfers_new((struct port_adapter *)world.adapter), 0);
	expect_is(disk_execute(port_unit_add(&world.adapter->hba.port, 0, 0, 0), &command), 0);
	disk_pool_fini();
	expect_is(seen.srb.Function, SRB_FUNCTION_IO_CONTROL);
	expect_is(seen.srb.Length, sizeof(SCSI_REQUEST_BLOCK));
	expect_is(seen.srb.CdbLength, 0);
	expect_is(seen.srb.DataTransferLength, sizeof(bytes));
	expect_is(header->ReturnCode, 5);
	expect(!memcmp(header + 1, "back", 4));
}

static void an_io_control_reaches_the_miniport_with_its_buffer(void **state)
{
	miniport.start_io = answer_control;
	for (int mapped = 0; mapped < 2; mapped++) {
		miniport.map_buffers = mapped != 0;
		world_good(send_control);
	}
}

int main(void)
{
#define with_setup(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		/* before the port's handler of faults is in place, and below cmocka's */
		with_setup(a_touch_of_data_without_map_buffers_ends_the_run),
		with_setup(without_next_request_nothing_more_is_started_of_any_unit),
		with_setup(next_request_is_for_units_without_one_and_next_lu_request_for_that_unit),
		with_setup(a_completion_alone_asks_for_nothing),
		with_setup(a_miniport_that_does_not_ask_has_its_bus_reset),
		with_setup(
			requests_of_four_units_all_go_when_each_is_completed_and_asked_for_in_start_io),
		with_setup(what_comes_back_busy_is_sent_again),
		with_setup(with_tagged_queuing_commands_have_tags_and_the_rest_has_none),
		with_setup(without_tagged_queuing_there_is_no_tag),
		with_setup(with_many_requests_per_unit_alone_there_is_a_tag_but_no_queue_action),
		with_setup(without_map_buffers_the_address_of_data_is_good_for_conversion_alone),
		with_setup(an_io_control_reaches_the_miniport_with_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
