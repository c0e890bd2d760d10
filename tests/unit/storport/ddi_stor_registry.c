/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The registry's buffer, a registry without values, and the event log. */
#include "world.h"

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

static void values(void)
{
	UCHAR name[] = "Value", data[8] = {0};
	ULONG length = sizeof(data);
	KIRQL old;

	/* FALSE with a length of 0 is "another error", not "too small" */
	expect(!StorPortRegistryRead(world.ext, name, 1, MINIPORT_REG_DWORD, data, &length));
	expect_is(length, 0);
	expect(!StorPortRegistryWrite(world.ext, name, 1, MINIPORT_REG_DWORD, data, 4));
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	length = sizeof(data);
	expect(!StorPortRegistryRead(world.ext, name, 0, MINIPORT_REG_DWORD, data, &length));
	expect_violation(0, "StorPortIrql: StorPortRegistryRead");
	expect(!StorPortRegistryWrite(world.ext, name, 0, MINIPORT_REG_DWORD, data, 4));
	expect_violation(0, "StorPortIrql: StorPortRegistryWrite");
	KeLowerIrql(old);
}

/* covers: StorPortRegistryRead, StorPortRegistryWrite */
static void no_value_is_there_and_none_is_written(void **state)
{
	world_good(values);
}

static void errors(void)
{
	FILE *file = tmpfile();
	int saved = dup(2);
	char text[512] = "";

	fflush(stderr);
	dup2(fileno(file), 2);
	StorPortLogError(world.ext, NULL, 1, 2, 3, SP_BAD_FW_WARNING, 0x1234);
	StorPortLogError(world.ext, NULL, 0, 0, 0, 0x99, 0);
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	rewind(file);
	expect(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	expect_has(text, "test adapter 0 logs an error: code 00000009 (old or bad firmware), "
			 "unique id 00001234, unit 1:2:3.");
	expect_has(text, "code 00000099 (a code of its own)");
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
		world_test(no_value_is_there_and_none_is_written),
		world_test(an_error_is_logged_with_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
