/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Device interfaces and properties of devices. Expectations are those of the routines' pages; what
 * a symbolic link looks like is no caller's business but that it has the reference string at its
 * end. */
#include "reg_kit.h"

#include <initguid.h>

#include <devpkey.h>

DEFINE_GUID(one_class, 0x01020304, 0x506, 0x708, 9, 10, 11, 12, 13, 14, 15, 16);
DEFINE_GUID(other_class, 0x01020304, 0x506, 0x708, 9, 10, 11, 12, 13, 14, 15, 17);

static DEVICE_OBJECT physical, other;

static void device_there(void)
{
	int device = reg_device_add("PCI\\VEN_1\\0");

	CHECK(device >= 0);
	reg_device_object_set((unsigned)device, &physical);
}

static NTSTATUS register_it(
	PDEVICE_OBJECT device, const GUID *class, PCWSTR reference, PUNICODE_STRING link)
{
	UNICODE_STRING text;

	RtlInitUnicodeString(&text, reference);
	return ddi_result(IoRegisterDeviceInterface,
		IoRegisterDeviceInterface(device, class, reference ? &text : NULL, link));
}

/* covers: IoRegisterDeviceInterface */
NT_TEST(an_interface_has_a_link_of_its_own_which_is_the_same_each_time)
{
	UNICODE_STRING link[4], again;
	static const PCWSTR references[] = {NULL, u"a", u"b", NULL};
	const GUID *const classes[] = {&one_class, &one_class, &one_class, &other_class};

	device_there();
	for (unsigned n = 0; n < 4; n++) {
		CHECK_EQUAL(register_it(&physical, classes[n], references[n], &link[n]),
			STATUS_SUCCESS);
		CHECK_EQUAL(link[n].Buffer[link[n].Length / 2], 0);
		for (unsigned m = 0; m < n; m++)
			CHECK(!RtlEqualUnicodeString(&link[n], &link[m], TRUE));
	}
	CHECK_EQUAL(link[2].Buffer[link[2].Length / 2 - 1], 'b');
	CHECK_EQUAL(link[2].Buffer[link[2].Length / 2 - 2], '\\');
	for (unsigned n = 0; n < 4; n++) {
		CHECK_EQUAL(register_it(&physical, classes[n], references[n], &again),
			STATUS_OBJECT_NAME_EXISTS);
		CHECK(RtlEqualUnicodeString(&link[n], &again, FALSE));
		RtlFreeUnicodeString(&again);
		RtlFreeUnicodeString(&link[n]);
	}
}

/* covers: IoRegisterDeviceInterface */
NT_TEST(what_is_no_physical_device_or_no_reference_is_refused)
{
	static WCHAR long_text[0x7fff];
	UNICODE_STRING link, text = {.Length = 0xfffe, .Buffer = long_text};
	KIRQL old;

	device_there();
	CHECK_EQUAL(register_it(&other, &one_class, NULL, &link), STATUS_INVALID_DEVICE_REQUEST);
	CHECK_EQUAL(register_it(NULL, &one_class, NULL, &link), STATUS_INVALID_DEVICE_REQUEST);
	CHECK_EQUAL(register_it(&physical, NULL, NULL, &link), STATUS_INVALID_DEVICE_REQUEST);
	CHECK_EQUAL(
		register_it(&physical, &one_class, u"a/b", &link), STATUS_INVALID_DEVICE_REQUEST);
	CHECK_EQUAL(
		register_it(&physical, &one_class, u"a\\b", &link), STATUS_INVALID_DEVICE_REQUEST);
	CHECK_EQUAL(IoRegisterDeviceInterface(&physical, &one_class, &text, &link),
		STATUS_INVALID_DEVICE_REQUEST);
	nt_allocation_fail(1);
	CHECK_EQUAL(register_it(&physical, &one_class, NULL, &link), STATUS_INSUFFICIENT_RESOURCES);
	nt_allocation_fail(2);
	CHECK_EQUAL(register_it(&physical, &one_class, NULL, &link), STATUS_INSUFFICIENT_RESOURCES);
	nt_allocation_fail(0);
	KeRaiseIrql(APC_LEVEL, &old);
	CHECK_EQUAL(register_it(&physical, &one_class, NULL, &link), STATUS_SUCCESS);
	KeLowerIrql(old);
	CHECK_VIOLATION(0xC40000E5, "IoRegisterDeviceInterface called at IRQL 1");
	RtlFreeUnicodeString(&link);
}

static NTSTATUS set_state(PUNICODE_STRING link, BOOLEAN enable)
{
	return ddi_result(IoSetDeviceInterfaceState, IoSetDeviceInterfaceState(link, enable));
}

/* covers: IoSetDeviceInterfaceState */
NT_TEST(an_interface_is_enabled_once_and_disabled_once)
{
	UNICODE_STRING link, unknown;

	device_there();
	RtlInitUnicodeString(&unknown, u"\\??\\nothing");
	CHECK_EQUAL(register_it(&physical, &one_class, NULL, &link), STATUS_SUCCESS);
	CHECK_EQUAL(set_state(&unknown, TRUE), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(set_state(&link, FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(set_state(&link, TRUE), STATUS_SUCCESS);
	CHECK_EQUAL(set_state(&link, TRUE), STATUS_OBJECT_NAME_EXISTS);
	CHECK_EQUAL(set_state(&link, FALSE), STATUS_SUCCESS);
	CHECK_EQUAL(set_state(&link, FALSE), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(set_state(&link, TRUE), STATUS_SUCCESS);
	RtlFreeUnicodeString(&link);
}

static NTSTATUS property(PDEVICE_OBJECT device, const DEVPROPKEY *key, ULONG size, PVOID data,
	PULONG needed, PDEVPROPTYPE type)
{
	return ddi_result(IoGetDevicePropertyData,
		IoGetDevicePropertyData(device, key, LOCALE_NEUTRAL, 0, size, data, needed, type));
}

/* covers: IoGetDevicePropertyData */
NT_TEST(a_device_has_the_property_of_its_instance)
{
	const DEVPROPKEY next = {DEVPKEY_Device_InstanceId.fmtid, 257};
	DEVPROPTYPE type = 0;
	ULONG needed = 0;
	WCHAR name[12];

	device_there();
	CHECK_EQUAL(property(&physical, &DEVPKEY_Device_InstanceId, 23, name, &needed, &type),
		STATUS_BUFFER_TOO_SMALL);
	CHECK_EQUAL(needed, 24);
	CHECK_EQUAL(property(&physical, &DEVPKEY_Device_InstanceId, 24, name, &needed, &type),
		STATUS_SUCCESS);
	CHECK(!memcmp(name, u"PCI\\VEN_1\\0", 24));
	CHECK_EQUAL(type, DEVPROP_TYPE_STRING);
	CHECK_EQUAL(
		property(&physical, &next, 24, name, &needed, &type), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(property(&other, &DEVPKEY_Device_InstanceId, 24, name, &needed, &type),
		STATUS_INVALID_DEVICE_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interface_has_a_link_of_its_own_which_is_the_same_each_time),
		cmocka_unit_test(what_is_no_physical_device_or_no_reference_is_refused),
		cmocka_unit_test(an_interface_is_enabled_once_and_disabled_once),
		cmocka_unit_test(a_device_has_the_property_of_its_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
