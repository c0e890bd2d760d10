/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Requests that come as IRPs: IRP_MJ_SCSI with both kinds of SRBs, IOCTL_SCSI_MINIPORT,
 * IOCTL_SCSI_GET_CAPABILITIES, as their pages have them; pass-throughs: ddi_port_pass.c.
 */
#include "asked.h"

/* ---- IRP_MJ_SCSI ---- */

struct sent {
	KEVENT ended;
	IO_STATUS_BLOCK status;
};

static NTSTATUS NTAPI ended(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	struct sent *sent = context;

	sent->status = irp->IoStatus;
	KeSetEvent(&sent->ended, IO_NO_INCREMENT, FALSE);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

/* As a class driver does: the IRP's MDL describes the whole buffer. */
static NTSTATUS scsi(PDEVICE_OBJECT device, PVOID srb, PMDL mdl, ULONG_PTR *bytes)
{
	PIRP irp = IoAllocateIrp(device->StackSize, FALSE);
	PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
	struct sent sent;

	KeInitializeEvent(&sent.ended, NotificationEvent, FALSE);
	irp->MdlAddress = mdl;
	stack->MajorFunction = IRP_MJ_SCSI;
	stack->Parameters.Scsi.Srb = srb;
	IoSetCompletionRoutine(irp, ended, &sent, TRUE, TRUE, TRUE);
	IoCallDriver(device, irp);
	KeWaitForSingleObject(&sent.ended, Executive, KernelMode, FALSE, NULL);
	IoFreeIrp(irp);
	*bytes = sent.status.Information;
	return sent.status.Status;
}

static SCSI_REQUEST_BLOCK old_srb(UCHAR op, ULONG flags, PVOID data, ULONG bytes)
{
	SCSI_REQUEST_BLOCK srb = {.Length = sizeof(srb),
		.Function = SRB_FUNCTION_EXECUTE_SCSI,
		.CdbLength = 10,
		.SrbFlags = flags,
		.DataTransferLength = bytes,
		.DataBuffer = data,
		.TimeOutValue = 7,
		.Cdb = {op, 0, 0, 0, 0, 9}};

	return srb;
}

static const UCHAR failed = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;

static void srbs_of_the_older_kind(void)
{
	UCHAR *data = ExAllocatePoolWithTag(NonPagedPool, 2 * BYTES, 0x74736554);
	PMDL mdl = IoAllocateMdl(data, 2 * BYTES, FALSE, FALSE, NULL);
	SCSI_REQUEST_BLOCK srb = old_srb(SCSIOP_READ, SRB_FLAGS_DATA_IN, data + 512, BYTES);
	UCHAR sense[18] = {0};
	PDEVICE_OBJECT disk;
	ULONG_PTR bytes;

	unit_there();
	MmBuildMdlForNonPagedPool(mdl);
	disk = unit->device->disk;
	memset(data, 0, 2 * BYTES);
	expect_is(scsi(disk, &srb, mdl, &bytes), STATUS_SUCCESS);
	expect_is(srb.SrbStatus, SRB_STATUS_SUCCESS);
	expect_is(bytes, BYTES);
	expect(!data[511] && data[512] == 0x5a && data[511 + BYTES] == 0x5a && !data[512 + BYTES]);
	expect_is(log_.lun, 5);
	expect_is(log_.timeout, 7);
	expect_is(log_.cdb[5], 9);
	srb = old_srb(SCSIOP_WRITE, SRB_FLAGS_DATA_OUT, data, 512);
	data[0] = 0xe1;
	/* without an MDL: nonpaged memory; straight to the physical device object */
	expect_is(scsi(unit->device->physical, &srb, NULL, &bytes), STATUS_SUCCESS);
	expect_is(log_.written[0], 0xe1);
	srb = old_srb(SCSIOP_INQUIRY, SRB_FLAGS_DATA_IN, data, 255);
	expect_is(scsi(disk, &srb, NULL, &bytes), STATUS_BUFFER_TOO_SMALL);
	expect_is(srb.SrbStatus, SRB_STATUS_DATA_OVERRUN);
	expect_is(srb.DataTransferLength, 36);
	expect_is(bytes, 36);
	srb = old_srb(SCSIOP_READ_CAPACITY, SRB_FLAGS_DATA_IN, data, 8);
	srb.SenseInfoBuffer = sense;
	srb.SenseInfoBufferLength = sizeof(sense);
	expect_is(scsi(disk, &srb, NULL, &bytes), STATUS_IO_DEVICE_ERROR);
	expect_is(srb.SrbStatus, failed | SRB_STATUS_QUEUE_FROZEN);
	expect_is(srb.ScsiStatus, SCSISTAT_CHECK_CONDITION);
	expect_is(sense[0], 0x70);
	expect_is(sense[2], SCSI_SENSE_ILLEGAL_REQUEST);
	IoFreeMdl(mdl);
	ExFreePool(data);
}

/* ---- queues ---- */

/* How many may be out, and what each SRB has come to. */
static struct {
	PIRP irp;
	SCSI_REQUEST_BLOCK srb;
	NTSTATUS status;
	volatile LONG ended;
} out[4];

static NTSTATUS NTAPI out_ended(PDEVICE_OBJECT device, PIRP irp, PVOID context)
{
	unsigned n = (unsigned)(ULONG_PTR)context;

	out[n].status = irp->IoStatus.Status;
	InterlockedExchange(&out[n].ended, 1);
	return STATUS_MORE_PROCESSING_REQUIRED;
}

/* The n-th is sent, and not waited for. */
static void out_send(unsigned n, SCSI_REQUEST_BLOCK srb, IO_PRIORITY_HINT hint)
{
	PDEVICE_OBJECT device = unit->device->disk;
	PIRP irp = IoAllocateIrp(device->StackSize, FALSE);

	out[n].srb = srb;
	out[n].irp = irp;
	out[n].ended = 0;
	IoSetIoPriorityHint(irp, hint);
	IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_SCSI;
	IoGetNextIrpStackLocation(irp)->Parameters.Scsi.Srb = &out[n].srb;
	IoSetCompletionRoutine(irp, out_ended, (PVOID)(ULONG_PTR)n, TRUE, TRUE, TRUE);
	IoCallDriver(device, irp);
}

static UCHAR out_wait(unsigned n)
{
	world_wait(out[n].ended);
	IoFreeIrp(out[n].irp);
	return out[n].srb.SrbStatus;
}

static UCHAR queue_srb(UCHAR function)
{
	SCSI_REQUEST_BLOCK srb = {.Length = sizeof(srb), .Function = function};
	ULONG_PTR bytes;

	scsi(unit->device->disk, &srb, NULL, &bytes);
	return srb.SrbStatus;
}

/* whose queue is frozen by an error, until it is released or flushed. */
static void frozen(void)
{
	const ULONG quiet = SRB_FLAGS_NO_QUEUE_FREEZE, past = SRB_FLAGS_BYPASS_FROZEN_QUEUE;

	unit_there();
	out_send(0, old_srb(SCSIOP_READ_CAPACITY, quiet, NULL, 0), IoPriorityNormal);
	expect_is(out_wait(0), SRB_STATUS_ERROR);
	expect_is(log_.flags, quiet);
	out_send(0, old_srb(SCSIOP_WRITE, 0, NULL, 0), IoPriorityNormal);
	expect_is(out_wait(0), SRB_STATUS_SUCCESS);
	expect_is(log_.flags, 0); /* its maker's flags, and no others */
	expect_is(queue_srb(SRB_FUNCTION_FLUSH_QUEUE), SRB_STATUS_INVALID_REQUEST);
	expect_is(queue_srb(SRB_FUNCTION_RELEASE_QUEUE), SRB_STATUS_SUCCESS);

	out_send(0, old_srb(SCSIOP_READ_CAPACITY, 0, NULL, 0), IoPriorityNormal);
	expect_is(out_wait(0), SRB_STATUS_ERROR | SRB_STATUS_QUEUE_FROZEN);
	log_.sent = 0;
	out_send(0, old_srb(SCSIOP_WRITE, 0, NULL, 0), IoPriorityNormal);
	out_send(
		1, old_srb(SCSIOP_WRITE, SRB_FLAGS_BYPASS_LOCKED_QUEUE, NULL, 0), IoPriorityNormal);
	expect_is(log_.sent, 0);
	out_send(2, old_srb(SCSIOP_WRITE, past, NULL, 0), IoPriorityNormal);
	expect_is(out_wait(2), SRB_STATUS_SUCCESS);
	/* One that fails at a frozen queue has not frozen it. */
	out_send(2, old_srb(SCSIOP_READ_CAPACITY, past, NULL, 0), IoPriorityNormal);
	expect_is(out_wait(2), SRB_STATUS_ERROR);
	expect_is(log_.sent, 2);
	expect(!out[0].ended && !out[1].ended);
	expect_is(queue_srb(SRB_FUNCTION_RELEASE_QUEUE), SRB_STATUS_SUCCESS);
	expect_is(out_wait(0), SRB_STATUS_SUCCESS);
	expect_is(out_wait(1), SRB_STATUS_SUCCESS);

	out_send(0, old_srb(SCSIOP_READ_CAPACITY, 0, NULL, 0), IoPriorityNormal);
	expect_is(out_wait(0), SRB_STATUS_ERROR | SRB_STATUS_QUEUE_FROZEN);
	log_.sent = 0;
	out_send(0, old_srb(SCSIOP_WRITE, 0, NULL, 0), IoPriorityNormal);
	out_send(1, old_srb(SCSIOP_WRITE, 0, NULL, 0), IoPriorityNormal);
	expect_is(queue_srb(SRB_FUNCTION_FLUSH_QUEUE), SRB_STATUS_SUCCESS);
	expect_is(out_wait(0), SRB_STATUS_REQUEST_FLUSHED);
	expect_is(out_wait(1), SRB_STATUS_REQUEST_FLUSHED);
	expect_is(out[1].status, STATUS_IO_DEVICE_ERROR);
	expect_is(log_.sent, 0);
	out_send(0, old_srb(SCSIOP_WRITE, 0, NULL, 0), IoPriorityNormal);
	expect_is(out_wait(0), SRB_STATUS_SUCCESS);
}

/* */
static void locked(void)
{
	unit_there();
	expect_is(queue_srb(SRB_FUNCTION_LOCK_QUEUE), SRB_STATUS_SUCCESS);
	out_send(
		0, old_srb(SCSIOP_WRITE, SRB_FLAGS_BYPASS_FROZEN_QUEUE, NULL, 0), IoPriorityNormal);
	out_send(
		1, old_srb(SCSIOP_WRITE, SRB_FLAGS_BYPASS_LOCKED_QUEUE, NULL, 0), IoPriorityNormal);
	expect_is(out_wait(1), SRB_STATUS_SUCCESS);
	expect(!out[0].ended);
	expect_is(queue_srb(SRB_FUNCTION_RELEASE_QUEUE), SRB_STATUS_SUCCESS); /* it is not frozen */
	expect(!out[0].ended);
	expect_is(log_.sent, 1);
	expect_is(queue_srb(SRB_FUNCTION_UNLOCK_QUEUE), SRB_STATUS_SUCCESS);
	expect_is(out_wait(0), SRB_STATUS_SUCCESS);
}

/* Of those that wait; to the miniport it is said in the SRB and by StorPortGetRequestInfo. */
static void urgent(void)
{
	static const struct {
		IO_PRIORITY_HINT hint;
		unsigned turn;
	} all[] = {{IoPriorityNormal, 1}, {IoPriorityVeryLow, 3}, {IoPriorityCritical, 0},
		{IoPriorityNormal, 2}};

	unit_there();
	queue_srb(SRB_FUNCTION_LOCK_QUEUE);
	for (unsigned n = 0; n < array_size(all); n++) {
		SCSI_REQUEST_BLOCK srb = old_srb(SCSIOP_WRITE, 0, NULL, 0);

		srb.Cdb[2] = (UCHAR)n;
		srb.QueueAction = SRB_ORDERED_QUEUE_TAG_REQUEST;
		out_send(n, srb, all[n].hint);
	}
	queue_srb(SRB_FUNCTION_UNLOCK_QUEUE);
	for (unsigned n = 0; n < array_size(all); n++)
		out_wait(n);
	for (unsigned n = 0; n < array_size(all); n++) {
		expect_is(log_.turns[all[n].turn].number, n);
		expect_is(log_.turns[all[n].turn].hint, all[n].hint);
		if (!miniport.plain)
			expect_is(log_.turns[all[n].turn].priority, all[n].hint);
		expect_is(log_.turns[all[n].turn].attribute, SRB_ORDERED_QUEUE_TAG_REQUEST);
	}
}

static void a_units_queue_is_its_users(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up(n);
		world_good(frozen);
		set_up(n);
		world_good(locked);
		set_up(n);
		world_good(urgent);
	}
}

static void refused(void)
{
	SCSI_REQUEST_BLOCK srb = old_srb(SCSIOP_READ, SRB_FLAGS_DATA_IN, NULL, 0);
	ULONG_PTR bytes;

	unit_there();
	srb.Function = SRB_FUNCTION_CLAIM_DEVICE;
	expect_is(scsi(unit->device->disk, &srb, NULL, &bytes), STATUS_INVALID_DEVICE_REQUEST);
	expect_is(srb.SrbStatus, SRB_STATUS_BAD_FUNCTION);
	srb = old_srb(SCSIOP_READ, 0, NULL, 0);
	srb.CdbLength = 0;
	expect_is(scsi(unit->device->disk, &srb, NULL, &bytes), STATUS_INVALID_DEVICE_REQUEST);
	expect_is(srb.SrbStatus, SRB_STATUS_INVALID_REQUEST);
	expect_is(scsi(unit->device->disk, NULL, NULL, &bytes), STATUS_INVALID_PARAMETER);
	expect_is(scsi(world.adapter->hba.functional, &srb, NULL, &bytes),
		STATUS_INVALID_DEVICE_REQUEST);
	expect_is(log_.sent, 0);
	srb = old_srb(SCSIOP_READ, 0, NULL, 0);
	srb.Function = SRB_FUNCTION_FLUSH;
	expect_is(scsi(unit->device->disk, &srb, NULL, &bytes), STATUS_SUCCESS);
	expect_is(log_.function, SRB_FUNCTION_FLUSH);
}

/* The SRB's kind and the miniport's need not be the same. */
static void a_driver_sends_srbs_of_the_older_kind(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up(n);
		world_good(srbs_of_the_older_kind);
		set_up(n);
		world_good(refused);
	}
}

static void srbs_of_the_extended_kind(void)
{
	union {
		STORAGE_REQUEST_BLOCK srb;
		UCHAR room[512];
	} of = {0};
	PSTOR_ADDR_BTL8 address = (PVOID)(of.room + 192);
	PSRBEX_DATA_SCSI_CDB16 cdb = (PVOID)(of.room + 256);
	UCHAR *data = ExAllocatePoolWithTag(NonPagedPool, BYTES, 0x74736554);
	ULONG *offsets = of.srb.SrbExDataOffset;
	UCHAR sense[18] = {0};
	ULONG_PTR bytes;

	unit_there();
	of.srb.Length = FIELD_OFFSET(STORAGE_REQUEST_BLOCK, Signature);
	of.srb.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
	of.srb.SrbLength = sizeof(of);
	of.srb.Version = STORAGE_REQUEST_BLOCK_VERSION_1;
	of.srb.SrbFunction = SRB_FUNCTION_EXECUTE_SCSI;
	of.srb.SrbFlags = SRB_FLAGS_DATA_IN;
	of.srb.DataBuffer = data;
	of.srb.DataTransferLength = BYTES;
	of.srb.TimeOutValue = 11;
	of.srb.AddressOffset = 192;
	of.srb.NumSrbExData = 1;
	offsets[0] = 256;
	address->Type = STOR_ADDRESS_TYPE_BTL8;
	address->AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
	cdb->Type = SrbExDataTypeScsiCdb16;
	cdb->Length = SRBEX_DATA_SCSI_CDB16_LENGTH;
	cdb->CdbLength = 10;
	cdb->Cdb[0] = SCSIOP_READ;
	cdb->SenseInfoBuffer = sense;
	cdb->SenseInfoBufferLength = sizeof(sense);
	memset(data, 0, BYTES);
	expect_is(scsi(unit->device->disk, &of, NULL, &bytes), STATUS_INVALID_DEVICE_REQUEST);
	expect_is(log_.sent, 0); /* it has no signature */
	of.srb.Signature = SRB_SIGNATURE;
	expect_is(scsi(unit->device->disk, &of, NULL, &bytes), STATUS_SUCCESS);
	expect_is(of.srb.SrbStatus, SRB_STATUS_SUCCESS);
	expect_is(data[BYTES - 1], 0x5a);
	expect_is(log_.timeout, 11);
	cdb->Cdb[0] = SCSIOP_READ_CAPACITY;
	expect_is(scsi(unit->device->disk, &of, NULL, &bytes), STATUS_IO_DEVICE_ERROR);
	expect_is(of.srb.SrbStatus, failed | SRB_STATUS_QUEUE_FROZEN);
	expect_is(cdb->ScsiStatus, SCSISTAT_CHECK_CONDITION);
	expect_is(sense[2], SCSI_SENSE_ILLEGAL_REQUEST);
	expect_is(of.srb.DataTransferLength, 0);
	ExFreePool(data);
}

static void a_driver_sends_srbs_of_the_extended_kind(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up(n);
		world_good(srbs_of_the_extended_kind);
	}
}

/* A CDB of 200 bytes, and what a class driver tells of a read besides. */
static void long_srb(void)
{
	static union {
		STORAGE_REQUEST_BLOCK srb;
		UCHAR room[640];
	} of;
	PSTOR_ADDR_BTL8 address = (PVOID)(of.room + 192);
	PSRBEX_DATA_SCSI_CDB_VAR cdb = (PVOID)(of.room + 256);
	PSRBEX_DATA_IO_INFO info = (PVOID)(of.room + 512);
	UCHAR sense[18] = {0};
	ULONG *offsets = of.srb.SrbExDataOffset;
	ULONG_PTR bytes;
	NTSTATUS status;

	unit_there();
	memset(&of, 0, sizeof(of));
	of.srb.Length = FIELD_OFFSET(STORAGE_REQUEST_BLOCK, Signature);
	of.srb.Function = SRB_FUNCTION_STORAGE_REQUEST_BLOCK;
	of.srb.Signature = SRB_SIGNATURE;
	of.srb.SrbLength = sizeof(of);
	of.srb.Version = STORAGE_REQUEST_BLOCK_VERSION_1;
	of.srb.SrbFunction = SRB_FUNCTION_EXECUTE_SCSI;
	of.srb.SrbFlags = SRB_FLAGS_NO_QUEUE_FREEZE;
	of.srb.AddressOffset = 192;
	of.srb.NumSrbExData = 2;
	offsets[0] = 256;
	offsets[1] = 512;
	address->Type = STOR_ADDRESS_TYPE_BTL8;
	address->AddressLength = STOR_ADDR_BTL8_ADDRESS_LENGTH;
	cdb->Type = SrbExDataTypeScsiCdbVar;
	cdb->Length = (ULONG)SRBEX_DATA_SCSI_CDB_VAR_LENGTH_MIN + 200;
	cdb->CdbLength = 200;
	cdb->SenseInfoBuffer = sense;
	cdb->SenseInfoBufferLength = sizeof(sense);
	for (unsigned n = 0; n < 200; n++)
		cdb->Cdb[n] = (UCHAR)(0x7f + n);
	*info = (SRBEX_DATA_IO_INFO){.Type = SrbExDataTypeIoInfo,
		.Length = SRBEX_DATA_IO_INFO_LENGTH,
		.Flags = REQUEST_INFO_VALID_CACHEPRIORITY_FLAG,
		.Key = 0x1234,
		.RWLength = 512,
		.CachePriority = 7};
	status = scsi(unit->device->disk, &of, NULL, &bytes);
	if (miniport.plain) {
		expect_is(
			status, STATUS_INVALID_DEVICE_REQUEST); /* it has no room for such a CDB */
		expect_is(of.srb.SrbStatus, SRB_STATUS_INVALID_REQUEST);
		expect_is(log_.sent, 0);
		return;
	}
	expect_is(status, STATUS_IO_DEVICE_ERROR);
	expect_is(of.srb.SrbStatus, failed);
	expect_is(cdb->ScsiStatus, SCSISTAT_CHECK_CONDITION);
	expect_is(sense[2], SCSI_SENSE_ILLEGAL_REQUEST);
	expect_is(log_.cdb_length, 200);
	expect(!memcmp(log_.cdb, cdb->Cdb, 200));
	expect_is(log_.data_count, 2);
	expect(!memcmp(&log_.io_info, info, sizeof(*info)));
	expect_is(log_.flags_of_info, REQUEST_INFO_VALID_CACHEPRIORITY_FLAG);
	expect_is(log_.key, 0x1234);
	of.srb.NumSrbExData = 1;
	scsi(unit->device->disk, &of, NULL, &bytes);
	expect_is(log_.data_count, 1);
	expect_is(log_.key, 0);
	/* to the end of the CDB, which begins 32 bytes into its data; those begin at 144 */
	expect(log_.srb_length >= 144 + 32 + 200 && log_.srb_length <= 144 + 32 + 256);
}

static void a_long_cdb_and_io_info_reach_an_extended_miniport(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up(n);
		world_good(long_srb);
	}
}

/* ---- device controls ---- */

struct controlled {
	SRB_IO_CONTROL io;
	UCHAR data[100];
};

static void controls(void)
{
	const struct controlled good = {.io = {.HeaderLength = sizeof(good.io),
						.Signature = "DRYTEST!",
						.Timeout = 17,
						.ControlCode = 0x1234,
						.Length = 100}};
	const ULONG all = sizeof(good.io) + 100;
	PDEVICE_OBJECT adapter = world.adapter->hba.functional, disk;
	struct controlled c = good;
	IO_SCSI_CAPABILITIES capabilities;
	ULONG_PTR bytes;

	unit_there();
	disk = unit->device->disk;
	expect_is(ioctl(disk, IOCTL_SCSI_MINIPORT, &c, all, all, &bytes), STATUS_SUCCESS);
	expect_is(bytes, all);
	expect_is(c.io.ReturnCode, 0x1235);
	expect(c.data[0] == 0x77 && c.data[99] == 0x77);
	expect_is(log_.lun, 5);
	expect_is(log_.timeout, 17);
	expect_is(log_.flags & SRB_IOCTL_FLAGS_ADAPTER_REQUEST, 0);
	c = good;
	expect_is(ioctl(adapter, IOCTL_SCSI_MINIPORT, &c, all, all, &bytes), STATUS_SUCCESS);
	expect_is(c.io.ReturnCode, 0x1235);
	expect_is(log_.flags & SRB_IOCTL_FLAGS_ADAPTER_REQUEST, SRB_IOCTL_FLAGS_ADAPTER_REQUEST);
	c.io.Signature[0] = 'x';
	expect_is(ioctl(disk, IOCTL_SCSI_MINIPORT, &c, all, all, &bytes),
		STATUS_INVALID_DEVICE_REQUEST);
	expect_is(bytes, 0);
	log_.sent = 0;
	c = good;
	c.io.HeaderLength = 20;
	expect_is(ioctl(disk, IOCTL_SCSI_MINIPORT, &c, all, all, &bytes), STATUS_REVISION_MISMATCH);
	c = good;
	c.io.Length = 101;
	expect_is(ioctl(disk, IOCTL_SCSI_MINIPORT, &c, all, all, &bytes), STATUS_BUFFER_TOO_SMALL);
	c.io.Length = ~0u;
	expect_is(ioctl(disk, IOCTL_SCSI_MINIPORT, &c, all, all, &bytes), STATUS_BUFFER_TOO_SMALL);
	expect_is(ioctl(disk, IOCTL_SCSI_MINIPORT, &c, 27, all, &bytes), STATUS_INVALID_PARAMETER);
	expect_is(log_.sent, 0);
	expect_is(ioctl(adapter, IOCTL_SCSI_GET_CAPABILITIES, &capabilities, 0,
			  sizeof(capabilities), &bytes),
		STATUS_SUCCESS);
	expect_is(capabilities.Length, 24);
	expect_is(capabilities.MaximumTransferLength, 65536); /* as HwStorFindAdapter had it */
	expect_is(capabilities.MaximumPhysicalPages, 17);
	expect(capabilities.TaggedQueuing);
	expect_is(ioctl(disk, IOCTL_SCSI_GET_CAPABILITIES, &capabilities, 0, 23, &bytes),
		STATUS_BUFFER_TOO_SMALL);
}

static void a_miniport_is_controlled_by_a_disk_or_by_its_adapter(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up(n);
		world_good(controls);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_driver_sends_srbs_of_the_older_kind),
		world_test(a_driver_sends_srbs_of_the_extended_kind),
		world_test(a_units_queue_is_its_users),
		world_test(a_long_cdb_and_io_info_reach_an_extended_miniport),
		world_test(a_miniport_is_controlled_by_a_disk_or_by_its_adapter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
