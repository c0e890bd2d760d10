/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Values by the path of their key, and tables of values. */
#include "reg_kit.h"

/* Rows of tables end where the rest is zero, as drivers write them. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define ACME u"\\Registry\\Machine\\Software\\Acme"
#define TABLE(...)                                                                                 \
	RtlQueryRegistryValues(RTL_REGISTRY_ABSOLUTE, ACME,                                        \
		(RTL_QUERY_REGISTRY_TABLE[]){__VA_ARGS__, {0}}, (PVOID)1, NULL)
#define NOEXPAND RTL_QUERY_REGISTRY_NOEXPAND
#define DIRECT	 (RTL_QUERY_REGISTRY_DIRECT | NOEXPAND)
#define REQUIRED RTL_QUERY_REGISTRY_REQUIRED

/* covers: RtlCheckRegistryKey, RtlCreateRegistryKey */
NT_TEST(a_key_is_made_in_each_known_place)
{
	static const char *const paths[] = {NULL, SERVICE_KEY "New",
		"Machine\\System\\CurrentControlSet\\Control\\New",
		"Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\New",
		"Machine\\Hardware\\DeviceMap\\New", "User\\.Default\\New"};
	HANDLE key;

	for (ULONG place = 1; place < RTL_REGISTRY_MAXIMUM; place++) {
		CHECK_EQUAL(
			RtlCheckRegistryKey(place, (PWSTR)u"New"), STATUS_OBJECT_NAME_NOT_FOUND);
		CHECK_EQUAL(RtlCreateRegistryKey(place, (PWSTR)u"New"), STATUS_SUCCESS);
		CHECK_EQUAL(RtlCheckRegistryKey(place, (PWSTR)u"New"), STATUS_SUCCESS);
		CHECK(kit_key(paths[place]));
	}
	CHECK_EQUAL(RtlCreateRegistryKey(0, (PWSTR)ACME u"\\Deep"), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(RtlCreateRegistryKey(0, (PWSTR)u"Acme"), STATUS_OBJECT_PATH_SYNTAX_BAD);
	CHECK_EQUAL(RtlCheckRegistryKey(6, (PWSTR)u"New"), STATUS_INVALID_PARAMETER);
	/* "has the side effect of closing the passed handle" */
	key = kit_open("\\Registry\\Machine", KEY_READ);
	CHECK_EQUAL(RtlCheckRegistryKey(RTL_REGISTRY_HANDLE, key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(key), STATUS_INVALID_HANDLE);
	CHECK_VIOLATION(0x93000000, "ZwClose");
}

/* covers: RtlWriteRegistryValue, RtlDeleteRegistryValue */
NT_TEST(a_value_is_written_and_deleted_by_its_path)
{
	HANDLE key;
	ULONG number = 5;

	CHECK_EQUAL(RtlWriteRegistryValue(0, ACME, u"n", REG_DWORD, &number, 4), STATUS_SUCCESS);
	CHECK(kit_is_dword("Machine\\Software\\Acme", "n", 5));
	CHECK_EQUAL(
		RtlWriteRegistryValue(0, ACME, u"n", REG_DWORD, NULL, 4), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(RtlWriteRegistryValue(0, ACME u"\\a\\b", u"n", REG_DWORD, &number, 4),
		STATUS_OBJECT_NAME_NOT_FOUND);
	key = kit_open("\\Registry\\Machine\\Software\\Acme", KEY_READ);
	CHECK_EQUAL(RtlWriteRegistryValue(RTL_REGISTRY_HANDLE, key, u"n", REG_DWORD, &number, 4),
		STATUS_ACCESS_DENIED);
	CHECK_EQUAL(RtlDeleteRegistryValue(RTL_REGISTRY_HANDLE, key, u"n"), STATUS_ACCESS_DENIED);
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(RtlDeleteRegistryValue(0, ACME, u"N"), STATUS_SUCCESS);
	CHECK_EQUAL(RtlDeleteRegistryValue(0, ACME, u"n"), STATUS_OBJECT_NAME_NOT_FOUND);
}

static const char lines[] =
	"Windows Registry Editor Version 5.00\n[HKLM\\Software\\Acme]\n"
	"\"s\"=\"text\"\n\"n\"=dword:7\n\"b\"=hex:01,02,03,04,05\n"
	"\"m\"=hex(7):61,00,00,00,62,00,63,00,00,00,00,00\n\"e\"=hex(2):25,00,00,00\n"
	"[HKLM\\Software\\Acme\\Sub]\n\"x\"=dword:9\n";

static void acme(void)
{
	if (reg_file_parse("acme", lines, sizeof(lines) - 1))
		abort();
}

static struct {
	unsigned count;
	ULONG type[8], bytes[8];
	WCHAR name[8];
	UCHAR data[8][16];
	PVOID context, entry;
	NTSTATUS answer;
} seen;

static NTSTATUS NTAPI see(
	PWSTR name, ULONG type, PVOID data, ULONG bytes, PVOID context, PVOID entry)
{
	unsigned n = seen.count++ % 8;

	seen.name[n] = name ? *name : 0;
	seen.type[n] = type;
	seen.bytes[n] = bytes;
	if (data)
		memcpy(seen.data[n], data, min_of(bytes, 16u));
	seen.context = context;
	seen.entry = entry;
	return seen.answer;
}

/* covers: RtlQueryRegistryValues */
NT_TEST(the_routine_gets_each_value)
{
	acme();
	memset(&seen, 0, sizeof(seen));
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS, TABLE({see, 0, (PWSTR)u"n", (PVOID)2}));
	CHECK(seen.count == 1 && seen.type[0] == REG_DWORD && seen.bytes[0] == 4 &&
		seen.data[0][0] == 7 && seen.context == (PVOID)1 && seen.entry == (PVOID)2);
	/* each string of several as one that ends with a zero */
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS, TABLE({see, 0, (PWSTR)u"m"}));
	CHECK(seen.count == 3 && seen.type[1] == REG_SZ && seen.bytes[1] == 4 &&
		seen.bytes[2] == 6 && !memcmp(seen.data[2], u"bc", 6));
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS, TABLE({see, NOEXPAND, (PWSTR)u"m"}));
	CHECK(seen.count == 4 && seen.type[3] == REG_MULTI_SZ && seen.bytes[3] == 12);
	/* all values of a key, those of a subkey, and back again */
	memset(&seen, 0, sizeof(seen));
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		TABLE({NULL, RTL_QUERY_REGISTRY_SUBKEY, (PWSTR)u"Sub"}, {see, 0, NULL},
			{see, RTL_QUERY_REGISTRY_TOPKEY | NOEXPAND, NULL}));
	CHECK(seen.count == 6 && !memcmp(seen.name, u"xsnbme", 12));
	memset(&seen, 0, sizeof(seen));
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		TABLE({see, RTL_QUERY_REGISTRY_SUBKEY, (PWSTR)u"Sub"}));
	CHECK(seen.count == 1 && seen.name[0] == 'x');
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		TABLE({see, RTL_QUERY_REGISTRY_NOVALUE, (PWSTR)u"q"}));
	CHECK(seen.count == 2 && seen.type[1] == REG_NONE && !seen.bytes[1]);
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS, TABLE({see, 0, (PWSTR)u"e"}));
	CHECK_VIOLATION(0, "RTL_QUERY_REGISTRY_NOEXPAND");
	/* what it answers ends the query, but for one status */
	seen.answer = STATUS_BUFFER_TOO_SMALL;
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS, TABLE({see, 0, (PWSTR)u"n"}));
	seen.answer = STATUS_NO_MATCH;
	ddi_expect(RtlQueryRegistryValues, STATUS_NO_MATCH, TABLE({see, 0, (PWSTR)u"n"}));
	ddi_expect(RtlQueryRegistryValues, STATUS_NO_MATCH, TABLE({see, NOEXPAND, NULL}));
}

/* covers: RtlQueryRegistryValues */
NT_TEST(values_are_stored_directly)
{
	WCHAR room[4];
	UNICODE_STRING made = {0}, small = {0, sizeof(room), room};
	ULONG number = 0;
	struct {
		LONG size;
		ULONG type;
		UCHAR data[8];
	} bytes = {.size = 16};

	acme();
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		TABLE({NULL, DIRECT, (PWSTR)u"s", &made}, {NULL, DIRECT, (PWSTR)u"n", &number},
			{NULL, DIRECT, (PWSTR)u"b", &bytes}));
	CHECK(made.Length == 8 && !memcmp(made.Buffer, u"text", 10));
	RtlFreeUnicodeString(&made);
	CHECK_EQUAL(number, 7);
	CHECK(bytes.size == 5 && bytes.type == REG_BINARY && bytes.data[4] == 5);
	bytes.size = 12;
	ddi_expect(RtlQueryRegistryValues, STATUS_BUFFER_TOO_SMALL,
		TABLE({NULL, DIRECT, (PWSTR)u"b", &bytes}));
	bytes.size = -5;
	ddi_expect(
		RtlQueryRegistryValues, STATUS_SUCCESS, TABLE({NULL, DIRECT, (PWSTR)u"b", &bytes}));
	CHECK(!memcmp(&bytes, "\1\2\3\4\5", 5));
	bytes.size = -4;
	ddi_expect(RtlQueryRegistryValues, STATUS_BUFFER_TOO_SMALL,
		TABLE({NULL, DIRECT, (PWSTR)u"b", &bytes}));
	ddi_expect(RtlQueryRegistryValues, STATUS_BUFFER_TOO_SMALL,
		TABLE({NULL, DIRECT, (PWSTR)u"s", &small}));
	ddi_expect(
		RtlQueryRegistryValues, STATUS_SUCCESS, TABLE({NULL, DIRECT, (PWSTR)u"m", &made}));
	CHECK(made.Length == 10 && !memcmp(made.Buffer, u"a\0bc\0", 12));
	RtlFreeUnicodeString(&made);
	ddi_expect(RtlQueryRegistryValues, STATUS_INVALID_PARAMETER,
		TABLE({NULL, RTL_QUERY_REGISTRY_DIRECT, (PWSTR)u"m", &made}));
	nt_allocation_fail(1);
	ddi_expect(RtlQueryRegistryValues, STATUS_INSUFFICIENT_RESOURCES,
		TABLE({NULL, DIRECT, (PWSTR)u"s", &made}));
	nt_allocation_fail(0);
	/* the type that is expected is in the uppermost byte */
	ddi_expect(RtlQueryRegistryValues, STATUS_OBJECT_TYPE_MISMATCH,
		TABLE({NULL, DIRECT | RTL_QUERY_REGISTRY_TYPECHECK, (PWSTR)u"n", &number,
			(ULONG)REG_SZ << 24}));
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		TABLE({NULL, DIRECT | RTL_QUERY_REGISTRY_TYPECHECK, (PWSTR)u"n", &number,
			(ULONG)REG_DWORD << 24}));
}

/* covers: RtlQueryRegistryValues */
NT_TEST(what_is_missing_has_a_default_or_ends_the_query)
{
	ULONG number = 0, default_number = 11;
	UNICODE_STRING text = {0};

	acme();
	memset(&seen, 0, sizeof(seen));
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		TABLE({NULL, DIRECT, (PWSTR)u"q", &number, REG_DWORD, &default_number, 4},
			{see, NOEXPAND, (PWSTR)u"q", NULL, REG_MULTI_SZ, (PVOID)u"a\0b\0", 0},
			{NULL, DIRECT, (PWSTR)u"q", &text, REG_SZ, (PVOID)u"dflt", 0},
			{see, 0, (PWSTR)u"q"}));
	CHECK_EQUAL(number, 11);
	CHECK(seen.count == 1 && seen.type[0] == REG_MULTI_SZ && seen.bytes[0] == 10);
	CHECK(text.Length == 8);
	RtlFreeUnicodeString(&text);
	ddi_expect(RtlQueryRegistryValues, STATUS_OBJECT_NAME_NOT_FOUND,
		TABLE({see, REQUIRED, (PWSTR)u"q"}));
	ddi_expect(RtlQueryRegistryValues, STATUS_OBJECT_NAME_NOT_FOUND,
		TABLE({see, RTL_QUERY_REGISTRY_SUBKEY | REQUIRED, (PWSTR)u"No"}));
	ddi_expect(RtlQueryRegistryValues, STATUS_OBJECT_NAME_NOT_FOUND,
		TABLE({NULL, RTL_QUERY_REGISTRY_SUBKEY, (PWSTR)u"No"}, {see, REQUIRED, NULL}));
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		TABLE({NULL, DIRECT, NULL, &number}, {0})); /* the end */
	ddi_expect(RtlQueryRegistryValues, STATUS_INVALID_PARAMETER,
		TABLE({see, DIRECT, (PWSTR)u"n", &number}));
	ddi_expect(RtlQueryRegistryValues, STATUS_INVALID_PARAMETER,
		TABLE({see, RTL_QUERY_REGISTRY_SUBKEY, NULL}));
	ddi_expect(RtlQueryRegistryValues, STATUS_INVALID_PARAMETER, TABLE({NULL, 0, (PWSTR)u"n"}));
	ddi_expect(RtlQueryRegistryValues, STATUS_OBJECT_NAME_NOT_FOUND,
		RtlQueryRegistryValues(RTL_REGISTRY_SERVICES, u"No",
			(RTL_QUERY_REGISTRY_TABLE[]){{0}}, NULL, NULL));
	number = 0;
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		RtlQueryRegistryValues(RTL_REGISTRY_SERVICES | RTL_REGISTRY_OPTIONAL, u"No",
			(RTL_QUERY_REGISTRY_TABLE[]){
				{NULL, DIRECT, (PWSTR)u"n", &number, REG_DWORD, &default_number, 4},
				{0}},
			NULL, NULL));
	CHECK_EQUAL(number, 11);
	/* once read it is gone */
	ddi_expect(RtlQueryRegistryValues, STATUS_SUCCESS,
		TABLE({NULL, DIRECT | RTL_QUERY_REGISTRY_DELETE, (PWSTR)u"n", &number}));
	CHECK(!kit_value("Machine\\Software\\Acme", "n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_is_made_in_each_known_place),
		cmocka_unit_test(a_value_is_written_and_deleted_by_its_path),
		cmocka_unit_test(the_routine_gets_each_value),
		cmocka_unit_test(values_are_stored_directly),
		cmocka_unit_test(what_is_missing_has_a_default_or_ends_the_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
