/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* A miniport that is told of changes of the registry. */
#include "world.h"
#include "nt/registry.h"

static struct {
	_Atomic unsigned calls, others;
	_Atomic ULONG number, irql;
	PUCHAR buffer;
} seen;

/* As its page has it: reads what it wants to know with Global set. */
static VOID NTAPI changed(PVOID ext)
{
	ULONG length = 16;

	expect_is(ext, world.ext);
	seen.irql = KeGetCurrentIrql();
	if (StorPortRegistryRead(ext, (PUCHAR) "n", 1, MINIPORT_REG_DWORD, seen.buffer, &length))
		seen.number = *(PULONG)seen.buffer;
	seen.calls++;
}

static VOID NTAPI other(PVOID ext)
{
	seen.others++;
}

/* Another program's doing. */
static void set(const char *path, ULONG number)
{
	const UNICODE_STRING name = reg_string(u"n", 1);
	struct reg_key *key;

	reg_lock();
	key = reg_service_key(path, true);
	expect(key && !reg_value_set(key, &name, REG_DWORD, &number, sizeof(number)));
	reg_unlock();
}

static void told(void)
{
	const UNICODE_STRING name = reg_string(u"n", 1);
	ULONG length = 16;
	struct reg_key *key;
	unsigned calls;

	seen.buffer = StorPortAllocateRegistryBuffer(world.ext, &length);
	expect_is(StorPortEnableRegistryKeyNotification(world.ext, changed), STOR_STATUS_SUCCESS);
	cpu_thread_park(3000000);
	expect_is(seen.calls, 0);
	set("Parameters\\Device", 17);
	world_wait(seen.number == 17);
	expect_is(seen.irql, PASSIVE_LEVEL);
	/* Below it, too. */
	calls = seen.calls;
	set("Parameters\\Device\\Deep\\Deeper", 1);
	world_wait(seen.calls > calls);
	cpu_thread_park(3000000);
	calls = seen.calls;
	reg_lock();
	key = reg_service_key("Parameters\\Device", false);
	expect(reg_value_delete(key, &name));
	reg_unlock();
	world_wait(seen.calls > calls);
	/* Not beside it, nor above. */
	cpu_thread_park(3000000);
	calls = seen.calls;
	set("Parameters\\Device0", 5);
	set("Parameters", 5);
	cpu_thread_park(3000000);
	expect_is(seen.calls, calls);
	/* A routine instead of the other. */
	expect_is(StorPortEnableRegistryKeyNotification(world.ext, other), STOR_STATUS_SUCCESS);
	set("Parameters\\Device", 18);
	world_wait(seen.others == 1);
	expect_is(seen.calls, calls);
	StorPortFreeRegistryBuffer(world.ext, seen.buffer);
}

/* covers: StorPortEnableRegistryKeyNotification */
static void a_miniport_is_told_of_changes_of_its_drivers_parameters(void **state)
{
	memset(&seen, 0, sizeof(seen));
	world_good(told);
}

static void statuses(void)
{
	KIRQL old;

	expect_is(StorPortEnableRegistryKeyNotification(world.ext, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(world.violations, 0);
	KeRaiseIrql(DISPATCH_LEVEL, &old);
	expect_is(
		StorPortEnableRegistryKeyNotification(world.ext, other), STOR_STATUS_INVALID_IRQL);
	expect_violation(0, "StorPortEnableRegistryKeyNotification at IRQL 2");
	KeLowerIrql(old);
	set("Parameters", 1); /* so that nothing but the watch and the key of it is to be made */
	for (unsigned n = 1; n <= 2; n++) {
		nt_allocation_fail(n);
		expect_is(StorPortEnableRegistryKeyNotification(world.ext, other),
			STOR_STATUS_INSUFFICIENT_RESOURCES);
		nt_allocation_fail(0);
	}
	expect_is(seen.others, 0);
}

/* covers: StorPortEnableRegistryKeyNotification */
static void it_answers_as_its_page_says(void **state)
{
	memset(&seen, 0, sizeof(seen));
	world_good(statuses);
}

static void left_behind(void)
{
	expect_is(StorPortEnableRegistryKeyNotification(world.ext, other), STOR_STATUS_SUCCESS);
	set("Parameters\\Device", 2);
}

static void it_ends_with_its_adapter(void **state)
{
	memset(&seen, 0, sizeof(seen));
	world_good(left_behind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_miniport_is_told_of_changes_of_its_drivers_parameters),
		world_test(it_answers_as_its_page_says),
		world_test(it_ends_with_its_adapter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
