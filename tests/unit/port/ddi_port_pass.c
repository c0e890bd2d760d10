/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * SCSI commands as device controls: IOCTL_SCSI_PASS_THROUGH, _DIRECT, _EX and _DIRECT_EX, as their
 * pages have them: what they bring and take back, and what is refused, with which status.
 */
#include "asked.h"

#include <stdlib.h>

struct passed {
	SCSI_PASS_THROUGH pass;
	UCHAR sense[24];
	UCHAR data[BYTES] __attribute__((aligned(16)));
};

static struct passed passed_new(UCHAR op, UCHAR direction, ULONG bytes)
{
	return (struct passed){.pass = {.Length = sizeof(SCSI_PASS_THROUGH),
				       .CdbLength = 10,
				       .SenseInfoLength = 24,
				       .DataIn = direction,
				       .DataTransferLength = bytes,
				       .TimeOutValue = 13,
				       .DataBufferOffset = offsetof(struct passed, data),
				       .SenseInfoOffset = offsetof(struct passed, sense),
				       .Cdb = {op}}};
}

static void passes(void)
{
	struct passed p = passed_new(SCSIOP_READ, SCSI_IOCTL_DATA_IN, BYTES);
	const ULONG all = sizeof(p), head = offsetof(struct passed, data);
	PDEVICE_OBJECT disk;
	ULONG_PTR bytes;

	unit_there();
	disk = unit->device->disk;
	expect_is(ioctl(disk, IOCTL_SCSI_PASS_THROUGH, &p, head, all, &bytes), STATUS_SUCCESS);
	expect_is(bytes, all);
	expect_is(p.data[BYTES - 1], 0x5a);
	expect_is(p.pass.SenseInfoLength, 0);
	expect_is(log_.timeout, 13);
	expect_is(log_.lun, 5); /* whatever the structure had */
	expect_is(p.pass.PathId << 16 | p.pass.TargetId << 8 | p.pass.Lun, 0x000105);
	p = passed_new(SCSIOP_WRITE, SCSI_IOCTL_DATA_OUT, 512);
	p.data[511] = 0xc3;
	expect_is(ioctl(disk, IOCTL_SCSI_PASS_THROUGH, &p, all, head, &bytes), STATUS_SUCCESS);
	expect_is(log_.written[511], 0xc3);
	expect_is(bytes, sizeof(p.pass));
	p = passed_new(SCSIOP_INQUIRY, SCSI_IOCTL_DATA_IN, 255);
	expect_is(ioctl(disk, IOCTL_SCSI_PASS_THROUGH, &p, head, all, &bytes), STATUS_SUCCESS);
	expect_is(p.pass.DataTransferLength, 36);
	expect_is(bytes, head + 36);
	p = passed_new(SCSIOP_READ_CAPACITY, SCSI_IOCTL_DATA_IN, 8);
	expect_is(ioctl(disk, IOCTL_SCSI_PASS_THROUGH, &p, head, all, &bytes), STATUS_SUCCESS);
	expect_is(p.pass.ScsiStatus, SCSISTAT_CHECK_CONDITION);
	expect_is(p.pass.SenseInfoLength, 18);
	expect_is(p.sense[2], SCSI_SENSE_ILLEGAL_REQUEST);
}

static void does_not_pass(void)
{
	const ULONG all = sizeof(struct passed), head = offsetof(struct passed, data);
	const struct passed good = passed_new(SCSIOP_READ, SCSI_IOCTL_DATA_IN, BYTES);
	struct passed p;
	ULONG_PTR bytes;

	unit_there();
#define expect_refused(field, value, status)                                                       \
	do {                                                                                       \
		p = good;                                                                          \
		p.pass.field = (value);                                                            \
		expect_is(                                                                         \
			ioctl(unit->device->disk, IOCTL_SCSI_PASS_THROUGH, &p, head, all, &bytes), \
			(status));                                                                 \
	} while (0)
	expect_refused(Length, 44, STATUS_INVALID_PARAMETER);
	expect_refused(CdbLength, 17, STATUS_INVALID_PARAMETER);
	expect_refused(CdbLength, 0, STATUS_INVALID_PARAMETER);
	expect_refused(DataIn, 3, STATUS_INVALID_PARAMETER);
	expect_refused(TimeOutValue, 0, STATUS_INVALID_PARAMETER);
	expect_refused(DataTransferLength, BYTES + 1, STATUS_INVALID_PARAMETER);
	expect_refused(DataTransferLength, ~0u, STATUS_INVALID_PARAMETER);
	expect_refused(DataBufferOffset, 8, STATUS_INVALID_PARAMETER);
	expect_refused(DataBufferOffset, (ULONG_PTR)-64, STATUS_INVALID_PARAMETER);
	expect_refused(SenseInfoOffset, all - 23, STATUS_INVALID_PARAMETER);
	/* the sense data would lie in the structure, in the data */
	expect_refused(SenseInfoOffset, sizeof(p.pass) - 1, STATUS_INVALID_PARAMETER);
	expect_refused(SenseInfoOffset, head - 23, STATUS_INVALID_PARAMETER);
	expect_refused(SenseInfoOffset, head + 8, STATUS_INVALID_PARAMETER);
	p = good;
	expect_is(ioctl(unit->device->disk, IOCTL_SCSI_PASS_THROUGH, &p, 40, all, &bytes),
		STATUS_BUFFER_TOO_SMALL);
	expect_is(ioctl(world.adapter->hba.functional, IOCTL_SCSI_PASS_THROUGH, &p, head, all,
			  &bytes),
		STATUS_INVALID_DEVICE_REQUEST);
	expect_is(log_.sent, 0);
}

static void commands_are_passed_through(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up(n);
		world_good(passes);
	}
	set_up(false);
	world_good(does_not_pass);
}

/* ---- direct ---- */

struct direct {
	SCSI_PASS_THROUGH_DIRECT pass;
	UCHAR sense[24];
};

static struct direct direct_new(UCHAR op, UCHAR direction, PVOID data, ULONG bytes)
{
	return (struct direct){.pass = {.Length = sizeof(SCSI_PASS_THROUGH_DIRECT),
				       .CdbLength = 10,
				       .SenseInfoLength = 24,
				       .DataIn = direction,
				       .DataTransferLength = bytes,
				       .TimeOutValue = 13,
				       .DataBuffer = data,
				       .SenseInfoOffset = offsetof(struct direct, sense),
				       .Cdb = {op}}};
}

/* This memory, a driver's or the program's, is where the data are. */
static void passes_to(UCHAR *data)
{
	struct direct d = direct_new(SCSIOP_READ, SCSI_IOCTL_DATA_IN, data, BYTES);
	PDEVICE_OBJECT disk = unit->device->disk;
	ULONG_PTR bytes;

	memset(data, 0, BYTES);
	expect_is(ioctl(disk, IOCTL_SCSI_PASS_THROUGH_DIRECT, &d, sizeof(d), sizeof(d), &bytes),
		STATUS_SUCCESS);
	expect_is(bytes, sizeof(d.pass)); /* of the IRP's own buffer */
	expect(data[0] == 0x5a && data[BYTES - 1] == 0x5a);
	expect_is(d.pass.DataTransferLength, BYTES);
	expect_is(d.pass.Lun, 5);
	d = direct_new(SCSIOP_WRITE, SCSI_IOCTL_DATA_OUT, data + 512, 512);
	data[1023] = 0xc3;
	expect_is(ioctl(disk, IOCTL_SCSI_PASS_THROUGH_DIRECT, &d, sizeof(d), sizeof(d), &bytes),
		STATUS_SUCCESS);
	expect_is(log_.written[511], 0xc3);
	d = direct_new(SCSIOP_READ_CAPACITY, SCSI_IOCTL_DATA_IN, data, 8);
	expect_is(ioctl(disk, IOCTL_SCSI_PASS_THROUGH_DIRECT, &d, sizeof(d), sizeof(d), &bytes),
		STATUS_SUCCESS);
	expect_is(d.sense[2], SCSI_SENSE_ILLEGAL_REQUEST);
	expect_is(bytes, sizeof(d.pass) + 18);
}

static void passes_directly(void)
{
	UCHAR *pool = ExAllocatePoolWithTag(NonPagedPool, BYTES, 0x74736554);
	UCHAR *own = aligned_alloc(4096, 8192);

	unit_there();
	passes_to(pool);
	passes_to(own + 4096 - 512); /* two pages */
	expect_is(mem_user_pages(), 0);
	ExFreePool(pool);
	free(own);
}

static NTSTATUS try_direct(const struct direct *good, ULONG in, ULONG out)
{
	struct direct d = *good;
	ULONG_PTR bytes;
	NTSTATUS status =
		ioctl(unit->device->disk, IOCTL_SCSI_PASS_THROUGH_DIRECT, &d, in, out, &bytes);

	expect_is(bytes, 0);
	return status;
}

static void does_not_pass_directly(void)
{
	const ULONG all = sizeof(struct direct);
	UCHAR *data = ExAllocatePoolWithTag(NonPagedPool, BYTES, 0x74736554);
	const struct direct good = direct_new(SCSIOP_READ, SCSI_IOCTL_DATA_IN, data, BYTES);
	struct direct d;

	unit_there();
#define expect_direct(field, value, status)                                                        \
	do {                                                                                       \
		d = good;                                                                          \
		d.pass.field = (value);                                                            \
		expect_is(try_direct(&d, all, all), (status));                                     \
	} while (0)
	expect_is(try_direct(&good, sizeof(d.pass) - 1, all), STATUS_BUFFER_TOO_SMALL);
	expect_is(try_direct(&good, all, sizeof(d.pass) - 1), STATUS_BUFFER_TOO_SMALL);
	expect_is(try_direct(&good, all, all - 1), STATUS_INVALID_PARAMETER); /* of sense data */
	expect_direct(Length, 60, STATUS_INVALID_PARAMETER);
	expect_direct(DataTransferLength, 65537, STATUS_INVALID_PARAMETER); /* the adapter's most */
	expect_direct(DataIn, SCSI_IOCTL_DATA_BIDIRECTIONAL, STATUS_INVALID_PARAMETER);
	expect_direct(SenseInfoOffset, 55, STATUS_INVALID_PARAMETER);
	expect_direct(DataBuffer, data + 1, STATUS_INVALID_PARAMETER); /* 4 bytes: the page */
	expect_direct(DataBuffer, (PVOID)8, STATUS_ACCESS_VIOLATION);
	expect_direct(DataBuffer, (PVOID)0x123456789abc0000, STATUS_ACCESS_VIOLATION);
	expect_is(log_.sent, 0);
	expect_is(mem_user_pages(), 0);
	ExFreePool(data);
}

static void align(PPORT_CONFIGURATION_INFORMATION config)
{
	config->AlignmentMask = FILE_LONG_ALIGNMENT;
}

static void data_may_lie_where_the_structure_says(void **state)
{
	for (unsigned n = 0; n < 2; n++) {
		set_up(n);
		world_good(passes_directly);
	}
	set_up(false);
	miniport.find = align;
	world_good(does_not_pass_directly);
}

/* ---- extended ---- */

static UCHAR cdb_bytes;

/* The CDB is longer than the structure's end. */
struct extended {
	union {
		SCSI_PASS_THROUGH_EX pass;
		SCSI_PASS_THROUGH_DIRECT_EX direct;
		UCHAR room[FIELD_OFFSET(SCSI_PASS_THROUGH_EX, Cdb) + 255];
	};
	STOR_ADDR_BTL8 address;
	UCHAR sense[24];
	UCHAR out[512] __attribute__((aligned(16)));
	UCHAR in[512];
};

static struct extended extended_new(UCHAR op, UCHAR direction, ULONG out, ULONG in)
{
	return (struct extended){.pass = {.Length = sizeof(SCSI_PASS_THROUGH_EX),
					 .CdbLength = cdb_bytes,
					 .StorAddressLength = sizeof(STOR_ADDR_BTL8),
					 .SenseInfoLength = 24,
					 .DataDirection = direction,
					 .TimeOutValue = 13,
					 .StorAddressOffset = offsetof(struct extended, address),
					 .SenseInfoOffset = offsetof(struct extended, sense),
					 .DataOutTransferLength = out,
					 .DataInTransferLength = in,
					 .DataOutBufferOffset = offsetof(struct extended, out),
					 .DataInBufferOffset = offsetof(struct extended, in),
					 .Cdb = {op}}};
}

static void pass_extended(struct extended *x, ULONG_PTR *bytes)
{
	x->room[offsetof(SCSI_PASS_THROUGH_EX, Cdb) + cdb_bytes - 1] = 0x9d;
	expect_is(ioctl(unit->device->disk, IOCTL_SCSI_PASS_THROUGH_EX, x, sizeof(*x), sizeof(*x),
			  bytes),
		STATUS_SUCCESS);
	expect_is(log_.cdb_length, cdb_bytes);
	expect_is(log_.cdb[cdb_bytes - 1], 0x9d);
	expect_is(log_.timeout, 13);
}

static void passes_more(void)
{
	struct extended x = extended_new(SCSIOP_READ, SCSI_IOCTL_DATA_IN, 0, 512);
	ULONG_PTR bytes;

	unit_there();
	pass_extended(&x, &bytes);
	expect_is(bytes, sizeof(x));
	expect(x.in[0] == 0x5a && x.in[511] == 0x5a);
	expect_is(x.address.Type, STOR_ADDRESS_TYPE_BTL8);
	expect_is(x.address.Path << 16 | x.address.Target << 8 | x.address.Lun, 0x000105);
	expect_is(x.pass.DataInTransferLength, 512);
	expect_is(x.pass.DataOutTransferLength, 0);
	x = extended_new(SCSIOP_WRITE, SCSI_IOCTL_DATA_OUT, 512, 0);
	x.out[511] = 0xc3;
	pass_extended(&x, &bytes);
	expect_is(log_.written[511], 0xc3);
	expect_is(bytes, sizeof(x.pass));
	expect_is(x.pass.DataOutTransferLength, 512);
	x = extended_new(SCSIOP_TEST_UNIT_READY, SCSI_IOCTL_DATA_UNSPECIFIED, 0, 0);
	pass_extended(&x, &bytes);
	expect_is(x.pass.ScsiStatus, SCSISTAT_CHECK_CONDITION);
	expect_is(x.sense[2], SCSI_SENSE_ILLEGAL_REQUEST);
	expect_is(x.pass.SenseInfoLength, 18);
	/* both ways; the miniport is 8 bytes short */
	x = extended_new(0x53, SCSI_IOCTL_DATA_BIDIRECTIONAL, 512, 256);
	for (unsigned n = 0; n < 512; n++)
		x.out[n] = (UCHAR)(3 * n);
	pass_extended(&x, &bytes);
	expect_is(log_.flags & SRB_FLAGS_UNSPECIFIED_DIRECTION,
		SRB_FLAGS_DATA_IN | SRB_FLAGS_DATA_OUT);
	expect_is(x.pass.DataOutTransferLength, 512);
	expect_is(x.pass.DataInTransferLength, 248);
	expect_is(bytes, offsetof(struct extended, in) + 248);
	expect_is(x.in[0], (UCHAR)(3 * 247));
	expect_is(x.in[247], 0);
	expect_is(x.in[248], 0);
	expect_is(x.out[1], 3);
}

static void passes_more_directly(void)
{
	struct extended x = extended_new(0x53, SCSI_IOCTL_DATA_BIDIRECTIONAL, 512, 512);
	UCHAR *out = ExAllocatePoolWithTag(NonPagedPool, 512, 0x74736554), *in = malloc(512);
	const ULONG head = offsetof(struct extended, out);
	ULONG_PTR bytes;

	unit_there();
	for (unsigned n = 0; n < 512; n++)
		out[n] = (UCHAR)(5 * n);
	x.direct.DataOutBuffer = out;
	x.direct.DataInBuffer = in;
	expect_is(ioctl(unit->device->disk, IOCTL_SCSI_PASS_THROUGH_DIRECT_EX, &x, head, head,
			  &bytes),
		STATUS_SUCCESS);
	expect_is(bytes, sizeof(x.pass));
	expect_is(x.direct.DataInTransferLength, 504);
	expect_is(in[0], (UCHAR)(5 * 503));
	expect_is(in[503], 0);
	/* one that is good and one that is not */
	x.direct.DataInTransferLength = 512;
	x.direct.DataInBuffer = (PVOID)8;
	expect_is(ioctl(unit->device->disk, IOCTL_SCSI_PASS_THROUGH_DIRECT_EX, &x, head, head,
			  &bytes),
		STATUS_ACCESS_VIOLATION);
	expect_is(bytes, 0);
	expect_is(log_.sent, 1);
	expect_is(mem_user_pages(), 0);
	ExFreePool(out);
	free(in);
}

static NTSTATUS try_extended(const struct extended *good, ULONG in, ULONG out)
{
	struct extended x = *good;
	ULONG_PTR bytes;
	NTSTATUS status =
		ioctl(unit->device->disk, IOCTL_SCSI_PASS_THROUGH_EX, &x, in, out, &bytes);

	expect_is(bytes, 0);
	return status;
}

static void does_not_pass_more(void)
{
	const ULONG all = sizeof(struct extended), sense = offsetof(struct extended, sense);
	const struct extended good = extended_new(0x53, SCSI_IOCTL_DATA_BIDIRECTIONAL, 512, 512);
	struct extended x;

	unit_there();
#define expect_extended(field, value)                                                              \
	do {                                                                                       \
		x = good;                                                                          \
		x.pass.field = (value);                                                            \
		expect_is(try_extended(&x, all, all), STATUS_INVALID_PARAMETER);                   \
	} while (0)
	expect_is(try_extended(&good, 63, all), STATUS_BUFFER_TOO_SMALL);
	expect_is(try_extended(&good, all, 63), STATUS_BUFFER_TOO_SMALL);
	expect_is(try_extended(&good, all, all - 1), STATUS_INVALID_PARAMETER);	  /* data in */
	expect_is(try_extended(&good, all - 513, all), STATUS_INVALID_PARAMETER); /* data out */
	expect_is(try_extended(&good, 64, all), STATUS_INVALID_PARAMETER);	  /* the CDB */
	expect_extended(Version, 1);
	expect_extended(Length, 56);
	expect_extended(CdbLength, 0);
	expect_extended(CdbLength, 256);
	expect_extended(CdbLength, ~0u);
	expect_extended(TimeOutValue, 0);
	expect_extended(StorAddressLength, sizeof(STOR_ADDR_BTL8) - 1);
	expect_extended(StorAddressLength, ~0u);
	/* each in another: the structure, its CDB, the address, the sense data, both data */
	expect_extended(StorAddressOffset, 0);
	expect_extended(StorAddressOffset, sizeof(x.room) - 1);
	expect_extended(StorAddressOffset, sense);
	expect_extended(SenseInfoOffset, sizeof(x.room) - 1);
	expect_extended(SenseInfoOffset, offsetof(struct extended, address) + 11);
	expect_extended(SenseInfoOffset, offsetof(struct extended, out) - 23);
	expect_extended(SenseInfoOffset, ~0u);
	expect_extended(DataOutBufferOffset, sense);
	expect_extended(DataOutBufferOffset, offsetof(struct extended, in) - 1);
	expect_extended(DataInBufferOffset, offsetof(struct extended, out) + 511);
	expect_extended(DataInBufferOffset, (ULONG_PTR)-64);
	expect_extended(DataInTransferLength, 513);
	expect_extended(DataInTransferLength, ~0u);
	/* data one way that go the other */
	expect_extended(DataDirection, SCSI_IOCTL_DATA_IN);
	expect_extended(DataDirection, SCSI_IOCTL_DATA_OUT);
	expect_extended(DataDirection, SCSI_IOCTL_DATA_UNSPECIFIED);
	expect_extended(DataDirection, 4);
	expect_extended(DataOutTransferLength, 0);
	expect_is(log_.sent, 0);
}

static void needs_extended_srbs(void)
{
	struct extended x = extended_new(SCSIOP_READ, SCSI_IOCTL_DATA_IN, 0, 512);

	unit_there();
	expect_is(try_extended(&x, sizeof(x), sizeof(x)), STATUS_INVALID_DEVICE_REQUEST);
	expect_is(log_.sent, 0);
}

static void longer_commands_and_data_both_ways_are_passed_through(void **state)
{
	static void (*const bodies[])(void) = {passes_more, passes_more_directly};
	/* of the kinds of extended data for CDBs each but the shortest, and the longest CDB */
	static const UCHAR lengths[] = {32, 33, 255};

	for (size_t n = 0; n < array_size(bodies) * array_size(lengths); n++) {
		cdb_bytes = lengths[n % array_size(lengths)];
		set_up(false);
		world_good(bodies[n / array_size(lengths)]);
	}
	set_up(false);
	world_good(does_not_pass_more);
	set_up(true);
	world_good(needs_extended_srbs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(commands_are_passed_through),
		world_test(data_may_lie_where_the_structure_says),
		world_test(longer_commands_and_data_both_ways_are_passed_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
