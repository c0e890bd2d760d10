/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The registry as miniports see it, its buffer, and the event log. */
#include "world.h"
#include "../events.h"
#include "nt/registry.h"

static void buffer(void)
{
	ULONG length = 100, none = 0;
	PUCHAR first = StorPortAllocateRegistryBuffer(world.ext, &length);
	KIRQL old;

	expect(first != NULL && length >= 100);
	memset(first, 1, 100);
	/* one at a time */
	expect_is(StorPortAllocateRegistryBuffer(world.ext, &length), NULL);
	StorPortFreeRegistryBuffer(world.ext, first + 1);
	expect_violation(0, "StorPortFreeRegistryBuffer");
	StorPortFreeRegistryBuffer(world.ext, first);
	StorPortFreeRegistryBuffer(world.ext, first);
	expect_violation(0, "StorPortFreeRegistryBuffer");
	first = StorPortAllocateRegistryBuffer(world.ext, &length);
	expect(first != NULL);
	StorPortFreeRegistryBuffer(world.ext, first);
	expect_is(StorPortAllocateRegistryBuffer(world.ext, NULL), NULL);
	expect_is(StorPortAllocateRegistryBuffer(world.ext, &none), NULL);
	expect_is(world.violations, 0);
	expect_is(StorPortAllocateRegistryBuffer(&length, &length), NULL);
	expect_violation(0, "StorPortAllocateRegistryBuffer");
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect_is(StorPortAllocateRegistryBuffer(world.ext, &length), NULL);
	KeLowerIrql(old);
	expect_violation(0, "StorPortIrql: StorPortAllocateRegistryBuffer");
}

/* covers: StorPortAllocateRegistryBuffer, StorPortFreeRegistryBuffer */
static void the_registry_buffer_is_one_at_a_time_and_for_passive_level(void **state)
{
	world_good(buffer);
}

#define N(text) ((PUCHAR)text)

/* The registry's bytes of a value below the service's key. */
static bool stands(const char *path, const WCHAR *name, ULONG type, const void *data, size_t bytes)
{
	struct reg_key *key = reg_service_key(path, false);
	UNICODE_STRING wanted;
	const struct reg_value *value;

	RtlInitUnicodeString(&wanted, name);
	value = key ? reg_value_find(key, &wanted) : NULL;
	return value && value->type == type && value->bytes == bytes &&
	       !memcmp(value->data, data, bytes);
}

static void values(void)
{
	ULONG length = 16, number = 0x01020304;
	PUCHAR buffer = StorPortAllocateRegistryBuffer(world.ext, &length);

	/* FALSE with a length of 0 is "another error", not "too small" */
	expect(!StorPortRegistryRead(world.ext, N("n"), 1, MINIPORT_REG_DWORD, buffer, &length));
	expect_is(length, 0);
	memcpy(buffer, &number, 4);
	expect(StorPortRegistryWrite(world.ext, N("n"), 1, MINIPORT_REG_DWORD, buffer, 4));
	expect(stands("Parameters\\Device", u"n", REG_DWORD, &number, 4));
	memset(buffer, 0, 16);
	length = 16;
	expect(StorPortRegistryRead(world.ext, N("N"), 1, MINIPORT_REG_DWORD, buffer, &length));
	expect_is(length, 4);
	expect(!memcmp(buffer, &number, 4));
	length = 16;
	expect(StorPortRegistryRead(world.ext, N("n"), 1, REG_NONE, buffer, &length));
	/* of another type, or of this adapter alone, there is none */
	length = 16;
	expect(!StorPortRegistryRead(world.ext, N("n"), 1, MINIPORT_REG_BINARY, buffer, &length));
	expect_is(length, 0);
	length = 16;
	expect(!StorPortRegistryRead(world.ext, N("n"), 0, MINIPORT_REG_DWORD, buffer, &length));
	expect(StorPortRegistryWrite(world.ext, N("n"), 0, MINIPORT_REG_BINARY, buffer, 2));
	expect(stands("Parameters\\Device0", u"n", REG_BINARY, &number, 2));
	length = 3;
	expect(!StorPortRegistryRead(world.ext, N("n"), 1, MINIPORT_REG_DWORD, buffer, &length));
	expect_is(length, 4); /* what it takes */
	StorPortFreeRegistryBuffer(world.ext, buffer);
}

/* covers: StorPortRegistryRead, StorPortRegistryWrite */
static void a_value_is_all_adapters_or_one_adapters(void **state)
{
	world_good(values);
}

static void strings(void)
{
	static const WCHAR euro[] = u"a\u20ac", open[] = u"xy";
	ULONG length = 16;
	PUCHAR buffer = StorPortAllocateRegistryBuffer(world.ext, &length);
	UNICODE_STRING name = reg_string(u"open", 4);

	memcpy(buffer, "a\x80", 3); /* the euro sign of code page 1252 */
	expect(StorPortRegistryWrite(world.ext, N("s"), 1, MINIPORT_REG_SZ, buffer, 3));
	expect(stands("Parameters\\Device", u"s", REG_SZ, euro, sizeof(euro)));
	/* an ending zero is put where there is none */
	expect(StorPortRegistryWrite(world.ext, N("t"), 1, MINIPORT_REG_SZ, buffer, 2));
	expect(stands("Parameters\\Device", u"t", REG_SZ, euro, sizeof(euro)));
	memset(buffer, 0xee, 16);
	length = 16;
	expect(StorPortRegistryRead(world.ext, N("s"), 1, MINIPORT_REG_SZ, buffer, &length));
	expect_is(length, 3);
	expect(!memcmp(buffer, "a\x80\0\xee", 4));
	expect(!reg_value_set(reg_service_key("Parameters\\Device", true), &name, REG_SZ, open, 4));
	length = 2;
	expect(!StorPortRegistryRead(world.ext, N("open"), 1, MINIPORT_REG_SZ, buffer, &length));
	expect_is(length, 3);
	expect(StorPortRegistryRead(world.ext, N("open"), 1, MINIPORT_REG_SZ, buffer, &length));
	expect(!memcmp(buffer, "xy", 3));
	StorPortFreeRegistryBuffer(world.ext, buffer);
}

/* A value may be longer than any name. */
static void long_strings(void)
{
	ULONG length = 100001;
	PUCHAR buffer = StorPortAllocateRegistryBuffer(world.ext, &length);

	memset(buffer, 'x', 100000);
	buffer[100000] = 0;
	expect(StorPortRegistryWrite(world.ext, N("long"), 1, MINIPORT_REG_SZ, buffer, length));
	memset(buffer, 0, length);
	expect(StorPortRegistryRead(world.ext, N("long"), 1, MINIPORT_REG_SZ, buffer, &length));
	expect_is(length, 100001);
	expect(buffer[0] == 'x' && buffer[99999] == 'x' && !buffer[100000]);
	StorPortFreeRegistryBuffer(world.ext, buffer);
}

static void a_string_may_be_longer_than_a_name(void **state)
{
	world_good(long_strings);
}

/* covers: StorPortRegistryRead, StorPortRegistryWrite */
static void strings_are_bytes_to_a_miniport(void **state)
{
	world_good(strings);
}

static void broken(void)
{
	ULONG length = 4;
	PUCHAR buffer = StorPortAllocateRegistryBuffer(world.ext, &length);
	UCHAR foreign[8];
	KIRQL old;

	expect(StorPortRegistryWrite(world.ext, N("n"), 1, MINIPORT_REG_BINARY, N("12345678"), 8));
	expect(!StorPortRegistryRead(world.ext, N("n"), 1, MINIPORT_REG_BINARY, foreign, &length));
	expect_is(length, 0);
	expect_violation(0, "is not the buffer that StorPortAllocateRegistryBuffer");
	length = 8; /* more than the buffer has: it is not written behind it */
	expect(!StorPortRegistryRead(world.ext, N("n"), 1, MINIPORT_REG_BINARY, buffer, &length));
	expect_is(length, 8);
	expect(!StorPortRegistryRead(world.ext, NULL, 1, MINIPORT_REG_BINARY, buffer, &length));
	expect(!StorPortRegistryRead(world.ext, N("n"), 1, MINIPORT_REG_BINARY, buffer, NULL));
	expect(!StorPortRegistryWrite(world.ext, NULL, 1, MINIPORT_REG_BINARY, buffer, 4));
	expect(!StorPortRegistryWrite(world.ext, N("n"), 1, MINIPORT_REG_BINARY, NULL, 4));
	nt_allocation_fail(1);
	expect(!StorPortRegistryWrite(world.ext, N("n"), 1, MINIPORT_REG_BINARY, buffer, 4));
	nt_allocation_fail(0);
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect(!StorPortRegistryRead(world.ext, N("n"), 0, MINIPORT_REG_DWORD, buffer, &length));
	expect_violation(0, "StorPortIrql: StorPortRegistryRead");
	expect(!StorPortRegistryWrite(world.ext, N("n"), 0, MINIPORT_REG_DWORD, buffer, 4));
	expect_violation(0, "StorPortIrql: StorPortRegistryWrite");
	KeLowerIrql(old);
	StorPortFreeRegistryBuffer(world.ext, buffer);
}

/* covers: StorPortRegistryRead, StorPortRegistryWrite */
static void the_registry_is_read_into_its_buffer_at_passive_level(void **state)
{
	world_good(broken);
}

static ULONG read_key(PUCHAR subkey, const char *name, ULONG type, void *data, ULONG *length)
{
	return ddi_result(StorPortRegistryReadAdapterKey,
		StorPortRegistryReadAdapterKey(world.ext, subkey, N(name), type, &data, length));
}

static void adapter_key(void)
{
	PVOID functional, physical, lower, none = NULL;
	ULONG number = 9, length = 4, got = 0;
	UCHAR text[8];
	HANDLE key;
	KIRQL old;

	expect_is(read_key(NULL, "n", REG_DWORD, &got, &length), STOR_STATUS_UNSUCCESSFUL);
	expect_is(read_key(N("No"), "n", REG_DWORD, &got, &length), STOR_STATUS_UNSUCCESSFUL);
	length = 4;
	expect_is(StorPortRegistryWriteAdapterKey(
			  world.ext, N("Sub\\Key"), N("n"), REG_DWORD, &number, length),
		STOR_STATUS_SUCCESS);
	expect_is(read_key(N("sub\\key"), "n", REG_DWORD, &got, &length), STOR_STATUS_SUCCESS);
	expect_is(got, 9);
	length = 2;
	expect_is(StorPortRegistryWriteAdapterKey(world.ext, NULL, N("s"), REG_SZ, N("ab"), length),
		STOR_STATUS_SUCCESS);
	expect_is(read_key(NULL, "s", REG_SZ, text, &length), STOR_STATUS_BUFFER_TOO_SMALL);
	expect_is(length, 3);
	expect_is(read_key(NULL, "s", REG_SZ, text, &length), STOR_STATUS_SUCCESS);
	expect(!memcmp(text, "ab", 3));
	/* it is the key that the kernel opens by the physical device object */
	StorPortGetDeviceObjects(world.ext, &functional, &physical, &lower);
	expect_is(IoOpenDeviceRegistryKey(physical, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key), 0);
	expect_is(ZwDeleteKey(key), STATUS_ACCESS_DENIED);
	expect_is(ZwClose(key), 0);
	expect_is(IoOpenDeviceRegistryKey(functional, PLUGPLAY_REGKEY_DEVICE, KEY_READ, &key),
		STATUS_INVALID_PARAMETER);
	expect_is(read_key(NULL, "s", REG_SZ, text, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortRegistryReadAdapterKey(world.ext, NULL, N("s"), REG_SZ, &none, &length),
		STOR_STATUS_INVALID_PARAMETER);
	ddi_expect(StorPortRegistryWriteAdapterKey, STOR_STATUS_INVALID_PARAMETER,
		StorPortRegistryWriteAdapterKey(world.ext, NULL, N("s"), REG_SZ, NULL, length));
	expect_is(
		StorPortRegistryWriteAdapterKey(world.ext, N("\\x"), N("s"), REG_SZ, text, length),
		STOR_STATUS_UNSUCCESSFUL);
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect_is(read_key(NULL, "s", REG_SZ, text, &length), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortRegistryReadAdapterKey at IRQL 2");
	expect_is(StorPortRegistryWriteAdapterKey(world.ext, NULL, N("s"), REG_SZ, text, length),
		STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortRegistryWriteAdapterKey at IRQL 2");
	KeLowerIrql(old);
}

/* covers: IoOpenDeviceRegistryKey, StorPortRegistryReadAdapterKey, StorPortRegistryWriteAdapterKey
 */
static void the_device_has_a_key_of_its_own(void **state)
{
	world_good(adapter_key);
}

static void errors(void)
{
	FILE *file = tmpfile();
	int saved = dup(2);
	char text[512] = "";

	fflush(stderr);
	dup2(fileno(file), 2);
	events_begin(1ull << TRACE_LOG);
	StorPortLogError(world.ext, NULL, 1, 2, 3, SP_BAD_FW_WARNING, 0x1234);
	StorPortLogError(world.ext, NULL, 0, 0, 0, 0x99, 0);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	events_end();
	rewind(file);
	expect(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	expect_has(text, "test adapter 0 logs an error: code 00000009 (old or bad firmware), "
			 "unique id 00001234, unit 1:2:3.");
	expect_has(text, "code 00000099 (a code of its own)");
	expect_has(events,
		"log number 0x1234 level 2 text \"test adapter 0 logs an error: code 00000009 "
		"(old or bad firmware), ");
	StorPortLogError(text, NULL, 0, 0, 0, 0, 0);
	expect_violation(0, "StorPortLogError");
}

/* covers: StorPortLogError */
static void an_error_is_logged_with_its_name(void **state)
{
	world_good(errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(the_registry_buffer_is_one_at_a_time_and_for_passive_level),
		world_test(a_value_is_all_adapters_or_one_adapters),
		world_test(strings_are_bytes_to_a_miniport),
		world_test(a_string_may_be_longer_than_a_name),
		world_test(the_registry_is_read_into_its_buffer_at_passive_level),
		world_test(the_device_has_a_key_of_its_own),
		world_test(an_error_is_logged_with_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
