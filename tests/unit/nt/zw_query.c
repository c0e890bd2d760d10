/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What is told of keys and values, in each class and with buffers of each size. */
#include "reg_kit.h"

#define KEY "\\Registry\\Machine\\Software\\Acme"

static const struct {
	const char *lines;
} acme = {"Windows Registry Editor Version 5.00\n[HKLM\\Software\\Acme]\n"
	  "\"odd\"=hex:01,02,03\n\"Number\"=dword:12345678\n"
	  "[HKLM\\Software\\Acme\\First]\n[HKLM\\Software\\Acme\\Second]\n"};

static HANDLE acme_open(ACCESS_MASK access)
{
	if (reg_file_parse("acme", acme.lines, strlen(acme.lines)))
		abort();
	return kit_open(KEY, access);
}

/* covers: ZwQueryValueKey */
NT_TEST(a_value_is_told_in_each_class)
{
	HANDLE key = acme_open(KEY_READ);
	_Alignas(8) UCHAR buffer[64];
	KEY_VALUE_BASIC_INFORMATION *basic = (PVOID)buffer;
	KEY_VALUE_FULL_INFORMATION *full = (PVOID)buffer;
	KEY_VALUE_PARTIAL_INFORMATION *partial = (PVOID)buffer;
	KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 *align64 = (PVOID)buffer;
	ULONG length;

#define ASK(name, class) ZwQueryValueKey(key, NAME(name), class, buffer, sizeof(buffer), &length)
	CHECK_EQUAL(ASK("ODD", KeyValueBasicInformation), STATUS_SUCCESS);
	CHECK_EQUAL(length, 12 + 6);
	CHECK_EQUAL(basic->Type, REG_BINARY);
	CHECK_EQUAL(basic->NameLength, 6);
	CHECK(!memcmp(basic->Name, u"odd", 6));
	CHECK_EQUAL(ASK("odd", KeyValueFullInformation), STATUS_SUCCESS);
	/* 20 bytes, a name of 6, and then at a multiple of four */
	CHECK_EQUAL(full->DataOffset, 28);
	CHECK_EQUAL(full->DataLength, 3);
	CHECK_EQUAL(length, 31);
	CHECK(!memcmp(buffer + 28, "\1\2\3", 3) && !memcmp(full->Name, u"odd", 6));
	CHECK_EQUAL(ASK("odd", KeyValueFullInformationAlign64), STATUS_SUCCESS);
	CHECK_EQUAL(full->DataOffset, 32);
	CHECK_EQUAL(ASK("number", KeyValuePartialInformation), STATUS_SUCCESS);
	CHECK_EQUAL(length, 16);
	CHECK_EQUAL(partial->Type, REG_DWORD);
	CHECK_EQUAL(partial->DataLength, 4);
	CHECK_EQUAL(*(ULONG *)partial->Data, 0x12345678);
	CHECK_EQUAL(ASK("number", KeyValuePartialInformationAlign64), STATUS_SUCCESS);
	CHECK_EQUAL(align64->DataLength, 4);
	CHECK_EQUAL(*(ULONG *)align64->Data, 0x12345678);
	CHECK_EQUAL(ZwQueryValueKey(key, NAME("odd"), KeyValueFullInformationAlign64, buffer + 4,
			    60, &length),
		STATUS_DATATYPE_MISALIGNMENT);
	CHECK_EQUAL(ASK("none", KeyValueBasicInformation), STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(ZwQueryValueKey(key, NULL, KeyValueBasicInformation, buffer, 64, &length),
		STATUS_OBJECT_NAME_NOT_FOUND);
	CHECK_EQUAL(ASK("odd", MaxKeyValueInfoClass), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
}

/* covers: ZwQueryValueKey */
NT_TEST(a_small_buffer_gets_what_fits_or_nothing)
{
	HANDLE key = acme_open(KEY_READ);
	UCHAR buffer[64];
	ULONG length;

	for (ULONG room = 0; room <= 31; room++) {
		NTSTATUS status;

		memset(buffer, 0xee, sizeof(buffer));
		length = 0;
		status = ddi_result(
			ZwQueryValueKey, ZwQueryValueKey(key, NAME("odd"), KeyValueFullInformation,
						 room ? buffer : NULL, room, &length));
		CHECK_EQUAL(length, 31);
		CHECK_EQUAL(status, room < 20	? STATUS_BUFFER_TOO_SMALL
				    : room < 31 ? STATUS_BUFFER_OVERFLOW
						: STATUS_SUCCESS);
		/* nothing behind the room, and with too small a buffer nothing at all */
		for (ULONG n = room < 20 ? 0 : room; n < sizeof(buffer); n++)
			CHECK_EQUAL(buffer[n], 0xee);
		if (room > 20)
			CHECK_EQUAL(buffer[20], 'o');
		if (room > 28)
			CHECK_EQUAL(buffer[28], 1);
	}
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwQueryValueKey(key, NAME("odd"), KeyValueFullInformation, buffer,
			    sizeof(buffer), &length),
		STATUS_INVALID_HANDLE);
	CHECK_VIOLATION(0, "which is no open handle");
}

/* covers: ZwEnumerateValueKey */
NT_TEST(values_are_told_one_after_the_other)
{
	HANDLE key = acme_open(KEY_READ), writer = kit_open(KEY, KEY_WRITE);
	static const WCHAR *const names[] = {u"odd", u"Number"};
	UCHAR buffer[64];
	KEY_VALUE_BASIC_INFORMATION *basic = (PVOID)buffer;
	ULONG length, n;

#define NEXT(n, class, room)                                                                       \
	ddi_result(ZwEnumerateValueKey, ZwEnumerateValueKey(key, n, class, buffer, room, &length))
	for (n = 0; n < 2; n++) {
		CHECK_EQUAL(NEXT(n, KeyValueBasicInformation, 64), STATUS_SUCCESS);
		CHECK(!memcmp(basic->Name, names[n], basic->NameLength));
	}
	CHECK_EQUAL(NEXT(2, KeyValueBasicInformation, 64), STATUS_NO_MORE_ENTRIES);
	CHECK_EQUAL(NEXT(0, KeyValueBasicInformation, 11), STATUS_BUFFER_TOO_SMALL);
	CHECK_EQUAL(NEXT(0, KeyValueBasicInformation, 12), STATUS_BUFFER_OVERFLOW);
	CHECK_EQUAL(NEXT(0, MaxKeyValueInfoClass, 64), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(ZwEnumerateValueKey(writer, 0, KeyValueBasicInformation, buffer, 64, &length),
		STATUS_ACCESS_DENIED);
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(writer), STATUS_SUCCESS);
}

/* covers: ZwQueryKey */
NT_TEST(a_key_is_told_in_each_class)
{
	HANDLE key = acme_open(KEY_READ), writer = kit_open(KEY, KEY_SET_VALUE);
	_Alignas(8) UCHAR buffer[256];
	KEY_BASIC_INFORMATION *basic = (PVOID)buffer;
	KEY_NODE_INFORMATION *node = (PVOID)buffer;
	KEY_FULL_INFORMATION *full = (PVOID)buffer;
	KEY_CACHED_INFORMATION *cached = (PVOID)buffer;
	KEY_NAME_INFORMATION *name = (PVOID)buffer;
	ULONG length;

#undef ASK
#define ASK(class, room) ddi_result(ZwQueryKey, ZwQueryKey(key, class, buffer, room, &length))
	CHECK_EQUAL(ASK(KeyBasicInformation, 256), STATUS_SUCCESS);
	CHECK_EQUAL(length, 16 + 8);
	CHECK_EQUAL(basic->NameLength, 8);
	CHECK(!memcmp(basic->Name, u"Acme", 8) && basic->LastWriteTime.QuadPart > 0);
	CHECK_EQUAL(ASK(KeyNodeInformation, 256), STATUS_SUCCESS);
	CHECK_EQUAL(node->ClassLength, 0);
	CHECK(!memcmp(node->Name, u"Acme", 8));
	CHECK_EQUAL(ASK(KeyFullInformation, 256), STATUS_SUCCESS);
	CHECK_EQUAL(full->SubKeys, 2);
	CHECK_EQUAL(full->MaxNameLen, 12);
	CHECK_EQUAL(full->Values, 2);
	CHECK_EQUAL(full->MaxValueNameLen, 12);
	CHECK_EQUAL(full->MaxValueDataLen, 4);
	CHECK_EQUAL(full->ClassLength, 0);
	CHECK_EQUAL(ASK(KeyCachedInformation, 256), STATUS_SUCCESS);
	CHECK_EQUAL(cached->SubKeys, 2);
	CHECK_EQUAL(cached->MaxValueDataLen, 4);
	CHECK_EQUAL(cached->NameLength, 8);
	CHECK_EQUAL(ASK(KeyNameInformation, 256), STATUS_SUCCESS);
	CHECK_EQUAL(name->NameLength, 2 * strlen("\\Registry\\Machine\\SOFTWARE\\Acme"));
	CHECK(!memcmp(name->Name, u"\\Registry\\Machine\\SOFTWARE\\Acme", name->NameLength));
	CHECK_EQUAL(ASK(KeyBasicInformation, 15), STATUS_BUFFER_TOO_SMALL);
	CHECK_EQUAL(ASK(KeyBasicInformation, 16), STATUS_BUFFER_OVERFLOW);
	CHECK_EQUAL(ASK(KeyNameInformation, 10), STATUS_BUFFER_OVERFLOW);
	CHECK_EQUAL(ASK(MaxKeyInfoClass, 256), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(ZwQueryKey(writer, KeyBasicInformation, buffer, 256, &length),
		STATUS_ACCESS_DENIED);
	CHECK_EQUAL(ZwQueryKey(writer, KeyNameInformation, buffer, 256, &length), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(writer), STATUS_SUCCESS);
}

/* covers: ZwQueryKey */
NT_TEST(a_class_stands_behind_the_name)
{
	OBJECT_ATTRIBUTES attributes;
	_Alignas(8) UCHAR buffer[128];
	KEY_NODE_INFORMATION *node = (PVOID)buffer;
	KEY_FULL_INFORMATION *full = (PVOID)buffer;
	ULONG length;
	HANDLE key;

	InitializeObjectAttributes(&attributes, NAME(KEY), 0, NULL, NULL);
	CHECK_EQUAL(
		ZwCreateKey(&key, KEY_READ, &attributes, 0, NAME("cls"), 0, NULL), STATUS_SUCCESS);
	CHECK_EQUAL(ZwQueryKey(key, KeyNodeInformation, buffer, 128, &length), STATUS_SUCCESS);
	CHECK_EQUAL(node->ClassLength, 6);
	CHECK_EQUAL(node->ClassOffset, 24 + 8);
	CHECK(!memcmp(buffer + 32, u"cls", 6));
	CHECK_EQUAL(ZwQueryKey(key, KeyFullInformation, buffer, 128, &length), STATUS_SUCCESS);
	CHECK_EQUAL(full->ClassOffset, offsetof(KEY_FULL_INFORMATION, Class));
	CHECK(!memcmp(full->Class, u"cls", 6));
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
}

/* covers: ZwEnumerateKey */
NT_TEST(subkeys_are_told_in_the_order_of_their_names)
{
	HANDLE key = acme_open(KEY_READ), reader = kit_open(KEY, KEY_QUERY_VALUE);
	static const WCHAR *const names[] = {u"First", u"Second"};
	_Alignas(8) UCHAR buffer[128];
	KEY_BASIC_INFORMATION *basic = (PVOID)buffer;
	ULONG length;

#undef NEXT
#define NEXT(n, class, room)                                                                       \
	ddi_result(ZwEnumerateKey, ZwEnumerateKey(key, n, class, buffer, room, &length))
	for (ULONG n = 0; n < 2; n++) {
		CHECK_EQUAL(NEXT(n, KeyBasicInformation, 128), STATUS_SUCCESS);
		CHECK(basic->NameLength == (n ? 12 : 10));
		CHECK(!memcmp(basic->Name, names[n], basic->NameLength));
	}
	CHECK_EQUAL(NEXT(2, KeyBasicInformation, 128), STATUS_NO_MORE_ENTRIES);
	CHECK_EQUAL(NEXT(0, KeyBasicInformation, 10), STATUS_BUFFER_TOO_SMALL);
	CHECK_EQUAL(NEXT(0, KeyBasicInformation, 20), STATUS_BUFFER_OVERFLOW);
	CHECK_EQUAL(NEXT(0, KeyNameInformation, 128), STATUS_INVALID_PARAMETER);
	CHECK_EQUAL(ZwEnumerateKey(reader, 0, KeyBasicInformation, buffer, 128, &length),
		STATUS_ACCESS_DENIED);
	CHECK_EQUAL(ZwClose(key), STATUS_SUCCESS);
	CHECK_EQUAL(ZwClose(reader), STATUS_SUCCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_told_in_each_class),
		cmocka_unit_test(a_small_buffer_gets_what_fits_or_nothing),
		cmocka_unit_test(values_are_told_one_after_the_other),
		cmocka_unit_test(a_key_is_told_in_each_class),
		cmocka_unit_test(a_class_stands_behind_the_name),
		cmocka_unit_test(subkeys_are_told_in_the_order_of_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
