/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* dry_control, with the RAM disks' driver (the first argument) and one with a device (the second),
 * which answers an I/O control of the signature DRYSIMPL with its log. Numbers are from the pages
 * of the codes. */
#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IOCTL_SCSI_PASS_THROUGH		0x4d004u
#define IOCTL_SCSI_PASS_THROUGH_DIRECT	0x4d014u
#define IOCTL_SCSI_MINIPORT		0x4d008u
#define IOCTL_SCSI_GET_ADDRESS		0x41018u
#define IOCTL_STORAGE_GET_DEVICE_NUMBER 0x2d1080u
#define IOCTL_STORAGE_QUERY_PROPERTY	0x2d1400u

static struct dry_control control;
static union {
	uint8_t bytes[512];
	uint32_t words[128];
} buffer;

static int ask(struct dry_unit *unit, uint32_t code, uint32_t in, uint32_t out)
{
	control = (struct dry_control){.code = code,
		.in = &buffer,
		.out = &buffer,
		.in_bytes = in,
		.out_bytes = out,
		.status = 0x77777777};
	return dry_control(live, 0, unit, &control);
}

/* SRB_IO_CONTROL: 28 bytes, and what follows it. */
static void io_control(const char *signature, uint32_t bytes)
{
	memset(&buffer, 0, sizeof(buffer));
	buffer.words[0] = 28;
	memcpy(&buffer.bytes[4], signature, 8);
	buffer.words[3] = 30;
	buffer.words[6] = bytes;
}

static void whole(const char *seed)
{
	struct dry_unit *unit;

	start(simple, "simple", seed);
	unit = dry_unit_get(live, 0);
	io_control("DRYSIMPL", 64);
	assert_int_equal(ask(unit, IOCTL_SCSI_MINIPORT, 92, 92), 0);
	assert_int_equal(control.status, 0);
	assert_int_equal(control.returned, 92);
	io_control("DRYSIMPL", 64);
	assert_int_equal(ask(NULL, IOCTL_SCSI_MINIPORT, 92, 92), 0);
	assert_int_equal(control.status, 0);
	io_control("SOMEBODY", 64);
	assert_int_equal(ask(unit, IOCTL_SCSI_MINIPORT, 92, 92), 0);
	assert_int_equal(control.status, 0xc0000010u);
	assert_int_equal(control.returned, 0);
	assert_int_equal(ask(unit, IOCTL_SCSI_GET_ADDRESS, 0, 8), 0);
	assert_int_equal(control.status, 0);
	assert_int_equal(control.returned, 8);
	assert_int_equal(buffer.words[0], 8);
	assert_int_equal(ask(unit, IOCTL_STORAGE_GET_DEVICE_NUMBER, 0, 12), 0);
	assert_int_equal(buffer.words[0], 7); /* FILE_DEVICE_DISK */
	/* zeros: StorageDeviceProperty, a standard query */
	memset(&buffer, 0, sizeof(buffer));
	assert_int_equal(ask(unit, IOCTL_STORAGE_QUERY_PROPERTY, 12, 512), 0);
	assert_int_equal(control.status, 0);
	assert_int_equal(control.returned, buffer.words[1]);
	assert_memory_equal(&buffer.bytes[buffer.words[3]], "DRYPORT ", 9);
	/* INQUIRY, its 36 bytes at 64, where the structure of 56 has ended */
	memset(&buffer, 0, sizeof(buffer));
	buffer.bytes[0] = 56;
	buffer.bytes[6] = 6;
	buffer.bytes[8] = 1;
	buffer.words[3] = 36;
	buffer.words[4] = 10;
	buffer.words[6] = 64;
	buffer.bytes[36] = 0x12;
	buffer.bytes[40] = 36;
	assert_int_equal(ask(unit, IOCTL_SCSI_PASS_THROUGH, 56, 100), 0);
	assert_int_equal(control.status, 0);
	assert_int_equal(control.returned, 100);
	assert_int_equal(buffer.bytes[2], 0);
	assert_memory_equal(&buffer.bytes[64 + 8], "DRYPORT ", 8);
	stop();
}

/* SCSI_PASS_THROUGH_DIRECT: this memory of the program is the data's own. READ or WRITE (10). */
static int direct(bool is_write, void *data, uint32_t blocks)
{
	memset(&buffer, 0, sizeof(buffer));
	buffer.bytes[0] = 56;
	buffer.bytes[6] = 10;
	buffer.bytes[8] = !is_write;
	buffer.words[3] = blocks * 512;
	buffer.words[4] = 10;
	memcpy(&buffer.words[6], &data, 8);
	buffer.bytes[36] = is_write ? 0x2a : 0x28;
	buffer.bytes[36 + 5] = 3; /* the block */
	buffer.bytes[36 + 8] = (uint8_t)blocks;
	return ask(dry_unit_get(live, 0), IOCTL_SCSI_PASS_THROUGH_DIRECT, 56, 56);
}

#define BLOCKS 40

/* Under each DMA engine the device reaches it, or a copy; it may begin and end anywhere. */
static void a_program_s_own_memory_is_read_and_written(void **state)
{
	static const char *const engines[] = {"direct", "bounce", "iommu"};
	uint8_t *there = malloc(BLOCKS * 512 + 4096), *back = malloc(BLOCKS * 512 + 4096);

	for (size_t n = 0; n < 3; n++) {
		uint8_t *from = there + 4 * n, *to = back + 100;

		start_with(simple, "simple", n == 2 ? "3" : NULL, "engine", engines[n]);
		for (unsigned i = 0; i < BLOCKS * 512; i++)
			from[i] = (uint8_t)(i * 7 + i / 256 + n);
		memset(back, 0, BLOCKS * 512 + 4096);
		assert_int_equal(direct(true, from, BLOCKS), 0);
		assert_int_equal(control.status, 0);
		assert_int_equal(direct(false, to, BLOCKS), 0);
		assert_int_equal(control.status, 0);
		assert_int_equal(control.returned, 56);
		assert_memory_equal(from, to, BLOCKS * 512);
		assert_int_equal(to[-1] | to[BLOCKS * 512], 0);
		/* what is no memory is none */
		assert_int_equal(direct(false, (void *)64, 1), 0);
		assert_int_equal(control.status, 0xc0000005u);
		stop();
	}
	free(there);
	free(back);
}

static void a_disk_and_its_adapter_are_controlled(void **state)
{
	whole(NULL);
}

static void they_are_replayed(void **state)
{
	whole("3");
}

static void what_cannot_be_says_why(void **state)
{
	start(simple, "simple", NULL);
	assert_int_equal(ask(NULL, 0x4d00b, 0, 0), -EINVAL);
	assert_non_null(strstr(dry_error(), "not METHOD_BUFFERED"));
	assert_int_equal(ask(NULL, 0x999994, 0, 0), 0);
	assert_int_equal(control.status, 0xc0000010u);
	assert_int_equal(dry_control(live, 7, NULL, &control), -ENODEV);
	assert_int_equal(dry_machine_event(live, "unplug", 0), 0);
	assert_int_equal(ask(dry_unit_get(live, 0), IOCTL_SCSI_GET_ADDRESS, 0, 8), -ENODEV);
	assert_int_equal(dry_machine_stop(live), 0);
	assert_int_equal(ask(NULL, IOCTL_SCSI_GET_ADDRESS, 0, 8), -ESHUTDOWN);
	dry_machine_free(live);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_and_its_adapter_are_controlled),
		cmocka_unit_test(they_are_replayed),
		cmocka_unit_test(a_program_s_own_memory_is_read_and_written),
		cmocka_unit_test(what_cannot_be_says_why),
	};

	if (argc < 3)
		return 2;
	ramdisk = argv[1];
	simple = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
