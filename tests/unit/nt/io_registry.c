/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The keys of a device and of a driver. */
#include "reg_kit.h"
#include "nt/os.h"

/* Sets a value through the handle, closes it and looks whether it stands there. */
static void leads_to(HANDLE key, const char *path)
{
	ULONG number = 3;

	CHECK_EQUAL(ZwSetValueKey(key, NAME("here"), 0, REG_DWORD, &number, 4), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK(kit_is_dword(path, "here", 3));
}

/* covers: IoOpenDeviceRegistryKey */
NT_TEST(a_device_has_a_hardware_key_and_a_software_key)
{
	DEVICE_OBJECT physical, other;
	HANDLE key;

	CHECK_EQUAL((uint32_t)reg_device_add("PCI\\VEN_1\\0"), 0);
	reg_device_object_set(0, &physical);
	CHECK_EQUAL(IoOpenDeviceRegistryKey(&physical, PLUGPLAY_REGKEY_DEVICE, KEY_WRITE, &key),
		STATUS_SUCCESS);
	leads_to(key, "Machine\\System\\CurrentControlSet\\Enum\\PCI\\VEN_1\\0\\Device Parameters");
	CHECK_EQUAL(IoOpenDeviceRegistryKey(&physical,
			    PLUGPLAY_REGKEY_DRIVER | PLUGPLAY_REGKEY_CURRENT_HWPROFILE, KEY_WRITE,
			    &key),
		STATUS_SUCCESS);
	leads_to(key, "Machine\\System\\CurrentControlSet\\Control\\Class\\{4d36e97b-e325-11ce-"
		      "bfc1-08002be10318}\\0000");
	CHECK_EQUAL(
		IoOpenDeviceRegistryKey(&physical, 3, KEY_READ, &key), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(
		IoOpenDeviceRegistryKey(&physical, 0, KEY_READ, &key), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(IoOpenDeviceRegistryKey(&other, 1, KEY_READ, &key), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(IoOpenDeviceRegistryKey(NULL, 1, KEY_READ, &key), STATUS_INVALID_PARAMETER);
	reg_key_delete_tree(kit_key("Machine\\System\\CurrentControlSet\\Enum\\PCI"));
	CHECK_EQUAL(IoOpenDeviceRegistryKey(&physical, 1, KEY_READ, &key),
		STATUS_OBJECT_NAME_NOT_FOUND);
	reg_device_object_set(0, NULL);
	CHECK_EQUAL(
		IoOpenDeviceRegistryKey(&physical, 2, KEY_READ, &key), STATUS_INVALID_PARAMETER);
}

/* covers: IoOpenDriverRegistryKey */
NT_TEST(a_driver_has_parameters_and_state)
{
	DRIVER_OBJECT driver;
	struct reg_key *made;
	HANDLE key;

	CHECK_EQUAL((uint32_t)reg_service_set("acme"), 0);
	CHECK_EQUAL(IoOpenDriverRegistryKey(&driver, DriverRegKeyParameters, KEY_WRITE, 0, &key),
		STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(reg_key_make(reg_root(), NAME(SERVICE_KEY "acme\\Parameters"), true, false,
			    &made, NULL),
		0);
	CHECK_EQUAL(IoOpenDriverRegistryKey(&driver, DriverRegKeyParameters, KEY_WRITE, 0, &key),
		STATUS_SUCCESS);
	leads_to(key, SERVICE_KEY "acme\\Parameters");
	CHECK_EQUAL(
		IoOpenDriverRegistryKey(&driver, DriverRegKeyPersistentState, KEY_WRITE, 0, &key),
		STATUS_SUCCESS);
	leads_to(key, SERVICE_KEY "acme\\State");
	CHECK_EQUAL(IoOpenDriverRegistryKey(NULL, DriverRegKeyParameters, KEY_READ, 0, &key),
		STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(IoOpenDriverRegistryKey(&driver, DriverRegKeyParameters, KEY_READ, 1, &key),
		STATUS_INVALID_PARAMETER);
	nt_os_set(NT_OS_10_22H2);
	CHECK_EQUAL(IoOpenDriverRegistryKey(
			    &driver, DriverRegKeySharedPersistentState, KEY_READ, 0, &key),
		STATUS_INVALID_PARAMETER);
	nt_os_set(NT_OS_NEWEST);
}

NT_TEST(the_service_is_named_after_the_driver_if_no_inf_names_it)
{
	static const WCHAR path[] =
		u"\\Registry\\Machine\\SYSTEM\\CurrentControlSet\\Services\\simple";
	UNICODE_STRING *string = reg_service_path("simple");

	CHECK_EQUAL(string->Length, sizeof(path) - 2);
	CHECK(!memcmp(string->Buffer, path, sizeof(path)));
	CHECK_EQUAL(
		ZwClose(kit_open("\\Registry\\Machine\\SYSTEM\\CurrentControlSet\\Services\\simple",
			KEY_READ)),
		STATUS_SUCCESS);
	CHECK(reg_service_path("other") == string && !strcmp(reg_service_name(), "simple"));
	CHECK_EQUAL((uint32_t)reg_service_set("a\\b"), (uint32_t)-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_has_a_hardware_key_and_a_software_key),
		cmocka_unit_test(a_driver_has_parameters_and_state),
		cmocka_unit_test(the_service_is_named_after_the_driver_if_no_inf_names_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
