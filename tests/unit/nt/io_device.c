/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Io: stacks of device objects. Expectations are those of IoGetAttachedDeviceReference's page. */
#include "nt_kit.h"
#include "nt/io_device.h"
#include "nt/ob_object.h"

static DRIVER_OBJECT drivers[3];

/* covers: IoGetAttachedDeviceReference */
NT_TEST(the_top_of_a_stack_is_found_from_each_of_its_devices)
{
	DEVICE_OBJECT *device[3];

	for (unsigned n = 0; n < 3; n++) {
		device[n] = io_device_new(&drivers[n], FILE_DEVICE_DISK);
		CHECK_EQUAL(device[n]->Type, IO_TYPE_DEVICE);
		CHECK_EQUAL(device[n]->DeviceType, FILE_DEVICE_DISK);
		CHECK(IoGetAttachedDeviceReference(device[n]) == device[n]);
		ObDereferenceObject(device[n]);
		if (n)
			io_device_attach(device[n], device[n - 1]);
	}
	CHECK_EQUAL(device[2]->StackSize, 3);
	CHECK(drivers[2].DeviceObject == device[2] && !drivers[0].DeviceObject);
	for (unsigned n = 0; n < 3; n++) {
		CHECK(IoGetAttachedDeviceReference(device[n]) == device[2]);
		ObDereferenceObject(device[2]);
	}
	for (unsigned n = 3; n-- > 0;)
		io_device_free(device[n]);
	CHECK(!drivers[2].DeviceObject && !drivers[1].DeviceObject);
}

/* covers: IoGetAttachedDeviceReference */
NT_TEST(what_is_no_device_object_has_no_top)
{
	static DEVICE_OBJECT own[2];

	CHECK(!IoGetAttachedDeviceReference(&own[1]));
	CHECK_VIOLATION(0, "what is no device object");
	CHECK(!IoGetAttachedDeviceReference(NULL));
	CHECK_VIOLATION(0, "what is no device object");
}

/* The page: an outstanding reference keeps the object. */
NT_TEST(a_device_that_is_referred_to_stays_and_takes_no_irp)
{
	DEVICE_OBJECT *device = io_device_new(&drivers[0], FILE_DEVICE_DISK);
	IO_STATUS_BLOCK result;
	PIRP irp = IoBuildDeviceIoControlRequest(
		0x4d000, device, NULL, 0, NULL, 0, FALSE, NULL, &result);

	CHECK(IoGetAttachedDeviceReference(device) == device);
	io_device_free(device);
	CHECK_EQUAL(device->Type, IO_TYPE_DEVICE);
	CHECK_EQUAL(IoCallDriver(device, irp), STATUS_NO_SUCH_DEVICE);
	CHECK_VIOLATION(0xC9000004, "no device object of a driver");
	CHECK_EQUAL(result.Status, STATUS_NO_SUCH_DEVICE);
	ObDereferenceObject(device);
}

NT_TEST(out_of_memory_there_is_no_device)
{
	nt_allocation_fail(1);
	CHECK(!io_device_new(&drivers[0], FILE_DEVICE_DISK));
	nt_allocation_fail(0);
	io_device_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_top_of_a_stack_is_found_from_each_of_its_devices),
		cmocka_unit_test(what_is_no_device_object_has_no_top),
		cmocka_unit_test(a_device_that_is_referred_to_stays_and_takes_no_irp),
		cmocka_unit_test(out_of_memory_there_is_no_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
