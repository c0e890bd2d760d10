/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Keys and values by handles, with the failures of their pages. */
#include "reg_kit.h"

static NTSTATUS create(HANDLE root, const char *path, ULONG options, HANDLE *handle, ULONG *how)
{
	struct kit_name name;
	OBJECT_ATTRIBUTES attributes;

	InitializeObjectAttributes(&attributes, kit_name(&name, path),
		OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, root, NULL);
	return ddi_result(ZwCreateKey,
		ZwCreateKey(handle, KEY_ALL_ACCESS, &attributes, 0, NULL, options, how));
}

static NTSTATUS open(HANDLE root, const char *path, ACCESS_MASK access, HANDLE *handle)
{
	struct kit_name name;
	OBJECT_ATTRIBUTES attributes;

	InitializeObjectAttributes(
		&attributes, kit_name(&name, path), OBJ_KERNEL_HANDLE, root, NULL);
	return ddi_result(ZwOpenKey, ZwOpenKey(handle, access, &attributes));
}

#define SOFTWARE "\\Registry\\Machine\\Software"

/* covers: ZwCreateKey, ZwOpenKey */
NT_TEST(a_key_is_made_once_and_opened_from_then_on)
{
	HANDLE top, key, again;
	ULONG how = 0;

	CHECK_EQUAL(create(NULL, SOFTWARE "\\A\\B", 0, &key, &how), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(create(NULL, SOFTWARE "\\A", 0, &top, &how), STATUS_SUCCESS);
	CHECK_EQUAL(how, REG_CREATED_NEW_KEY);
	CHECK_EQUAL(create(top, "b", REG_OPTION_VOLATILE, &key, NULL), STATUS_SUCCESS);
	CHECK(kit_key("Machine\\Software\\A\\B")->is_volatile);
	CHECK_EQUAL(create(NULL, "\\REGISTRY\\machine\\SOFTWARE\\a\\B", 0, &again, &how),
		STATUS_SUCCESS);
	CHECK_EQUAL(how, REG_OPENED_EXISTING_KEY);
	CHECK_EQUAL(ZwClose(again), STATUS_SUCCESS);
	CHECK_EQUAL(open(top, "B", KEY_READ, &again), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(again), STATUS_SUCCESS);
	CHECK_EQUAL(open(key, "", KEY_READ, &again), STATUS_SUCCESS); /* the same key */
	CHECK_EQUAL(ZwClose(again), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(top), STATUS_SUCCESS);
}

/* covers: ZwCreateKey, ZwOpenKey */
NT_TEST(names_that_lead_nowhere_are_refused)
{
	OBJECT_ATTRIBUTES attributes = {.Length = 1};
	UNICODE_STRING odd = {3, 3, (PWSTR)u"ab"};
	HANDLE handle, top;

	CHECK_EQUAL(open(NULL, SOFTWARE "\\No", KEY_READ, &handle), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(open(NULL, "\\Device\\X", KEY_READ, &handle), STATUS_OBJECT_PATH_SYNTAX_BAD);
	CHECK_EQUAL(open(NULL, "\\Registryx", KEY_READ, &handle), STATUS_OBJECT_PATH_SYNTAX_BAD);
	CHECK_EQUAL(open(NULL, "", KEY_READ, &handle), STATUS_OBJECT_PATH_SYNTAX_BAD);
	CHECK_EQUAL(ZwOpenKey(&handle, KEY_READ, &attributes), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(
		ZwCreateKey(&handle, KEY_READ, NULL, 0, NULL, 0, NULL), STATUS_INVALID_PARAMETER);
	InitializeObjectAttributes(&attributes, &odd, 0, NULL, NULL);
	CHECK_EQUAL(ZwOpenKey(&handle, KEY_READ, &attributes), STATUS_OBJECT_NAME_INVALID);
	CHECK_EQUAL(create(NULL, SOFTWARE "\\L", REG_OPTION_CREATE_LINK, &handle, NULL),
		STATUS_INVALID_PARAMETER);
	top = kit_open(SOFTWARE, KEY_READ);
	CHECK_EQUAL(open(top, "\\Microsoft", KEY_READ, &handle), STATUS_OBJECT_PATH_SYNTAX_BAD);
	/* a root directory that was not opened for it has no subkey made */
	CHECK_EQUAL(create(top, "New", 0, &handle, NULL), STATUS_ACCESS_DENIED);
	CHECK_EQUAL(create(top, "Microsoft", 0, &handle, NULL), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(handle), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(top), STATUS_SUCCESS);
	CHECK_EQUAL(open(top, "Microsoft", KEY_READ, &handle), STATUS_INVALID_HANDLE);
	CHECK_VIOLATION(0, "ZwOpenKey of");
}

/* covers: ZwCreateKey */
NT_TEST(memory_for_a_key_may_be_missing)
{
	HANDLE handle;

	for (uint64_t n = 1; n <= 2; n++) { /* the key, its handle */
		nt_allocation_fail(n);
		CHECK_EQUAL(create(NULL, SOFTWARE "\\M", 0, &handle, NULL),
			STATUS_INSUFFICIENT_RESOURCES);
		nt_allocation_fail(0);
	}
}

/* covers: ZwCreateKey */
NT_TEST(a_class_is_kept)
{
	OBJECT_ATTRIBUTES attributes;
	HANDLE handle;

	InitializeObjectAttributes(&attributes, NAME(SOFTWARE "\\C"), 0, NULL, NULL);
	CHECK_EQUAL(ZwCreateKey(&handle, KEY_READ, &attributes, 0, NAME("Shell"), 0, NULL),
		STATUS_SUCCESS);
	CHECK(!reg_name_compare(&kit_key("Machine\\Software\\C")->class, NAME("Shell")));
	CHECK_EQUAL(ZwClose(handle), STATUS_SUCCESS);
}

/* covers: ZwSetValueKey, ZwDeleteValueKey */
NT_TEST(a_value_is_set_and_deleted_with_the_access_for_it)
{
	HANDLE key = kit_open(SOFTWARE, KEY_SET_VALUE), reader = kit_open(SOFTWARE, GENERIC_READ);
	ULONG number = 7;

	CHECK_EQUAL(ZwSetValueKey(key, NAME("n"), 0, REG_DWORD, &number, 4), STATUS_SUCCESS);
	CHECK(kit_is_dword("Machine\\Software", "N", 7));
	CHECK_EQUAL(ZwSetValueKey(key, NULL, 0, REG_SZ, u"d", 4), STATUS_SUCCESS);
	CHECK(kit_is_text("Machine\\Software", "", REG_SZ, u"d"));
	CHECK_EQUAL(ZwDeleteValueKey(key, NULL), STATUS_SUCCESS);
	CHECK(!kit_value("Machine\\Software", ""));
	CHECK_EQUAL(ZwSetValueKey(key, NAME("n"), 0, 3, NULL, 1), STATUS_INVALID_PARAMETER);
	ddi_expect(ZwSetValueKey, STATUS_ACCESS_DENIED,
		ZwSetValueKey(reader, NAME("n"), 0, REG_DWORD, &number, 4));
	ddi_expect(ZwDeleteValueKey, STATUS_ACCESS_DENIED, ZwDeleteValueKey(reader, NAME("n")));
	nt_allocation_fail(1);
	CHECK_EQUAL(ZwSetValueKey(key, NAME("m"), 0, 3, &number, 4), STATUS_INSUFFICIENT_RESOURCES);
	nt_allocation_fail(0);
	CHECK(!kit_value("Machine\\Software", "m"));
	CHECK_EQUAL(ZwDeleteValueKey(key, NAME("n")), STATUS_SUCCESS);
	ddi_expect(
		ZwDeleteValueKey, STATUS_OBJECT_NAME_NOT_FOUND, ZwDeleteValueKey(key, NAME("n")));
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(reader), STATUS_SUCCESS);
	ddi_expect(ZwSetValueKey, STATUS_INVALID_HANDLE,
		ZwSetValueKey(key, NAME("n"), 0, REG_DWORD, &number, 4));
	CHECK_VIOLATION(0, "ZwSetValueKey of");
	ddi_expect(ZwDeleteValueKey, STATUS_INVALID_HANDLE, ZwDeleteValueKey(NULL, NAME("n")));
	CHECK_VIOLATION(0, "ZwDeleteValueKey of");
}

/* covers: ZwDeleteKey, ZwFlushKey */
NT_TEST(a_deleted_key_is_gone_for_all_of_its_handles)
{
	HANDLE top, key, other;
	ULONG number = 1;

	CHECK_EQUAL(create(NULL, SOFTWARE "\\D", 0, &top, NULL), STATUS_SUCCESS);
	CHECK_EQUAL(create(top, "E", 0, &key, NULL), STATUS_SUCCESS);
	CHECK_EQUAL(open(top, "E", MAXIMUM_ALLOWED, &other), STATUS_SUCCESS);
	CHECK_EQUAL(ZwFlushKey(top), STATUS_SUCCESS);
	CHECK_EQUAL(ZwDeleteKey(top), STATUS_CANNOT_DELETE); /* it has a subkey */
	CHECK_EQUAL(ZwDeleteKey(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwSetValueKey(other, NAME("n"), 0, REG_DWORD, &number, 4), STATUS_KEY_DELETED);
	CHECK_EQUAL(ZwFlushKey(other), STATUS_KEY_DELETED);
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(other), STATUS_SUCCESS);
	key = kit_open(SOFTWARE "\\D", GENERIC_WRITE | GENERIC_EXECUTE);
	ddi_expect(ZwDeleteKey, STATUS_ACCESS_DENIED, ZwDeleteKey(key));
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwDeleteKey(top), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(top), STATUS_SUCCESS);
	ddi_expect(ZwDeleteKey, STATUS_INVALID_HANDLE, ZwDeleteKey(top));
	CHECK_VIOLATION(0, "ZwDeleteKey of");
	ddi_expect(ZwFlushKey, STATUS_INVALID_HANDLE, ZwFlushKey(top));
	CHECK_VIOLATION(0, "ZwFlushKey of");
}

/* covers: ZwOpenKey */
NT_TEST(the_registry_is_for_passive_level)
{
	HANDLE key = NULL;
	KIRQL old;

	KeRaiseIrql(APC_LEVEL, &old);
	CHECK_EQUAL(open(NULL, SOFTWARE, KEY_READ, &key), STATUS_SUCCESS);
	KeLowerIrql(old);
	CHECK_VIOLATION(0xC402001F, "ZwOpenKey called at IRQL 1");
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
}

static void leave_open(void *ctx)
{
	kit_open(SOFTWARE, KEY_READ);
}

static const char *place_of(uintptr_t site)
{
	return site ? "driver.c:12 Function" : NULL;
}

/* covers: ZwOpenKey */
static void a_handle_that_stays_open_is_reported_with_its_key_and_birthplace(void **state)
{
	machine_start(1, MEM_SCATTERED);
	nt_code_place = place_of;
	run_on(0, leave_open, NULL);
	nt_fini();
	nt_code_place = NULL;
	CHECK_VIOLATION(0, "a handle of a key \\Registry\\Machine\\SOFTWARE was never closed; it "
			   "was opened at driver.c:12 Function");
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_made_once_and_opened_from_then_on),
		cmocka_unit_test(names_that_lead_nowhere_are_refused),
		cmocka_unit_test(memory_for_a_key_may_be_missing),
		cmocka_unit_test(a_class_is_kept),
		cmocka_unit_test(a_value_is_set_and_deleted_with_the_access_for_it),
		cmocka_unit_test(a_deleted_key_is_gone_for_all_of_its_handles),
		cmocka_unit_test(the_registry_is_for_passive_level),
		cmocka_unit_test(a_handle_that_stays_open_is_reported_with_its_key_and_birthplace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
