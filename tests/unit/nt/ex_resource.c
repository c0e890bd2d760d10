/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ex: executive resources. */
#include "nt_kit.h"

static ERESOURCE resource;
static struct {
	_Atomic unsigned asked, got, readers, most;
	KEVENT go;
	unsigned value; /* written by the exclusive holder only */
} seen;

/* covers: ExIsResourceAcquiredExclusiveLite, ExIsResourceAcquiredSharedLite */
NT_TEST(exclusive_and_shared_nest_for_one_thread)
{
	ExInitializeResourceLite(&resource);
	KeEnterCriticalRegion();
	CHECK(ExAcquireResourceExclusiveLite(&resource, TRUE));
	CHECK(ExIsResourceAcquiredExclusiveLite(&resource));
	CHECK(ExAcquireResourceExclusiveLite(&resource, FALSE));
	CHECK(ExAcquireResourceSharedLite(&resource, FALSE)); /* exclusive access holds that too */
	CHECK_EQUAL(ExIsResourceAcquiredSharedLite(&resource), 3);
	for (unsigned i = 0; i < 3; i++)
		ExReleaseResourceLite(&resource);
	CHECK(!ExIsResourceAcquiredExclusiveLite(&resource));
	CHECK(ExAcquireResourceSharedLite(&resource, FALSE));
	CHECK(ExAcquireResourceSharedLite(&resource, FALSE));
	CHECK(!ExIsResourceAcquiredExclusiveLite(&resource));
	CHECK_EQUAL(ExIsResourceAcquiredSharedLite(&resource), 2);
	CHECK(!ExAcquireResourceExclusiveLite(&resource, FALSE)); /* shared is not made exclusive */
	ExReleaseResourceLite(&resource);
	ExReleaseResourceLite(&resource);
	KeLeaveCriticalRegion();
	CHECK_EQUAL(ExDeleteResourceLite(&resource), STATUS_SUCCESS);
}

static void try_both(void *ctx)
{
	KeEnterCriticalRegion();
	CHECK_EQUAL(ExAcquireResourceSharedLite(&resource, FALSE), (uintptr_t)ctx);
	if (ctx)
		ExReleaseResourceLite(&resource);
	CHECK(!ExAcquireResourceExclusiveLite(&resource, FALSE));
	KeLeaveCriticalRegion();
}

static void in_other_thread(void (*fn)(void *ctx), void *ctx)
{
	struct cpu_thread *thread = cpu_thread_new(fn, ctx, 0, "other");

	cpu_thread_join(thread);
	cpu_thread_free(thread);
}

NT_TEST(others_get_shared_beside_shared_and_nothing_beside_exclusive)
{
	ExInitializeResourceLite(&resource);
	KeEnterCriticalRegion();
	ExAcquireResourceSharedLite(&resource, TRUE);
	in_other_thread(try_both, (void *)1);
	ExReleaseResourceLite(&resource);
	ExAcquireResourceExclusiveLite(&resource, TRUE);
	in_other_thread(try_both, (void *)0);
	ExReleaseResourceLite(&resource);
	KeLeaveCriticalRegion();
	ExDeleteResourceLite(&resource);
}

static void want_exclusive(void *ctx)
{
	KeEnterCriticalRegion();
	seen.asked = 1;
	CHECK(ExAcquireResourceExclusiveLite(&resource, TRUE));
	seen.got = 1;
	ExReleaseResourceLite(&resource);
	KeLeaveCriticalRegion();
}

/*
 * covers: ExAcquireResourceExclusiveLite, ExAcquireResourceSharedLite, ExInitializeResourceLite,
 * ExReleaseResourceLite, KeEnterCriticalRegion, KeLeaveCriticalRegion
 */
NT_TEST_ON(a_newcomer_does_not_pass_an_exclusive_waiter_but_a_holder_nests, 2)
{
	struct cpu_thread *thread;

	seen.asked = seen.got = 0;
	ExInitializeResourceLite(&resource);
	KeEnterCriticalRegion();
	ExAcquireResourceSharedLite(&resource, TRUE);
	thread = cpu_thread_new(want_exclusive, NULL, 1, "writer");
	CHECK(comes_true(seen.asked == 1));
	pass_ms(5);
	CHECK_EQUAL(seen.got, 0);
	CHECK(ExAcquireResourceSharedLite(&resource, FALSE));
	in_other_thread(try_both, (void *)0);
	ExReleaseResourceLite(&resource);
	CHECK_EQUAL(seen.got, 0);
	ExReleaseResourceLite(&resource);
	cpu_thread_join(thread);
	cpu_thread_free(thread);
	CHECK_EQUAL(seen.got, 1);
	KeLeaveCriticalRegion();
	ExDeleteResourceLite(&resource);
}

static void read_or_write(void *ctx)
{
	for (unsigned i = 0; i < 1500; i++) {
		KeEnterCriticalRegion();
		if ((i + (uintptr_t)ctx) % 4 == 0) {
			unsigned before;

			ExAcquireResourceExclusiveLite(&resource, TRUE);
			CHECK_EQUAL(seen.readers, 0);
			before = seen.value++;
			if (i % 64 == 0)
				pass_ms(0);
			CHECK_EQUAL(seen.value, before + 1);
			ExReleaseResourceLite(&resource);
		} else {
			unsigned value;

			ExAcquireResourceSharedLite(&resource, TRUE);
			atomic_fetch_add(&seen.readers, 1);
			value = seen.value;
			if (i % 64 == 1)
				pass_ms(0);
			CHECK_EQUAL(seen.value, value);
			atomic_fetch_sub(&seen.readers, 1);
			ExReleaseResourceLite(&resource);
		}
		KeLeaveCriticalRegion();
	}
}

NT_TEST_ON(readers_and_writers_of_two_processors_keep_the_rules, 2)
{
	struct cpu_thread *threads[4];

	seen.value = 0;
	ExInitializeResourceLite(&resource);
	for (unsigned i = 0; i < 4; i++)
		threads[i] = cpu_thread_new(read_or_write, (void *)(uintptr_t)i, i % 2, "user");
	for (unsigned i = 0; i < 4; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	CHECK_EQUAL(seen.value, 1500); /* a quarter of 4 x 1500 */
	ExDeleteResourceLite(&resource);
}

/* 0xC4/37, 38, 1007, 1002, D1, 100B */
/* covers: ExDeleteResourceLite, ExReleaseResourceLite */
NT_TEST(misuse_is_reported)
{
	ERESOURCE never = {0};

	ExInitializeResourceLite(&resource);
	CHECK(ExAcquireResourceSharedLite(&resource, TRUE));
	CHECK_VIOLATION(0xC4000037, "KeEnterCriticalRegion comes before");
	ExReleaseResourceLite(&resource);
	CHECK_VIOLATION(0xC4000038, "ExReleaseResourceLite");
	KeEnterCriticalRegion();
	ExReleaseResourceLite(&resource);
	CHECK_VIOLATION(0xC4001007, "does not hold");
	CHECK(!ExAcquireResourceExclusiveLite(&never, TRUE));
	CHECK_VIOLATION(0xC4001002, "not initialised");
	ExReleaseResourceLite(&never);
	CHECK_VIOLATION(0xC4001002, "not initialised");
	ExDeleteResourceLite(&never);
	CHECK_VIOLATION(0xC40000D1, "not initialised");
	ExAcquireResourceExclusiveLite(&resource, TRUE);
	ExDeleteResourceLite(&resource);
	CHECK_VIOLATION(0xC400100B, "still held");
	ExReleaseResourceLite(&resource);
	ExDeleteResourceLite(&resource);
	KeLeaveCriticalRegion();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exclusive_and_shared_nest_for_one_thread),
		cmocka_unit_test(others_get_shared_beside_shared_and_nothing_beside_exclusive),
		cmocka_unit_test(a_newcomer_does_not_pass_an_exclusive_waiter_but_a_holder_nests),
		cmocka_unit_test(readers_and_writers_of_two_processors_keep_the_rules),
		cmocka_unit_test(misuse_is_reported),
	};

	return cmocka_run_group_tests_name("nt/ex_resource", tests, NULL, NULL);
}
