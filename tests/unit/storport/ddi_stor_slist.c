/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* S-lists and lists under a spin lock, with the statuses of their pages. */
#include "world.h"

#define ENTRIES 3

static void slists(void)
{
	static STOR_SLIST_HEADER head;
	static STOR_SLIST_ENTRY entries[ENTRIES];
	PSTOR_SLIST_ENTRY result = (PVOID)1;
	USHORT depth = 9;

	memset(&head, 0xff, sizeof(head));
	expect_is(StorPortInitializeSListHead(world.ext, &head), STOR_STATUS_SUCCESS);
	expect_is(StorPortInterlockedPopEntrySList(world.ext, &head, &result), STOR_STATUS_SUCCESS);
	expect_is(result, NULL);
	for (unsigned n = 0; n < ENTRIES; n++) {
		expect_is(StorPortInterlockedPushEntrySList(world.ext, &head, &entries[n], &result),
			STOR_STATUS_SUCCESS);
		expect_is(result, n ? &entries[n - 1] : NULL);
	}
	expect_is(StorPortQueryDepthSList(world.ext, &head, &depth), STOR_STATUS_SUCCESS);
	expect_is(depth, ENTRIES);
	expect_is(StorPortInterlockedPopEntrySList(world.ext, &head, &result), STOR_STATUS_SUCCESS);
	expect_is(result, &entries[2]);
	expect_is(StorPortInterlockedFlushSList(world.ext, &head, &result), STOR_STATUS_SUCCESS);
	expect_is(result, &entries[1]);
	expect_is(result->Next, &entries[0]);
	expect_is(StorPortInterlockedFlushSList(world.ext, &head, &result), STOR_STATUS_SUCCESS);
	expect_is(result, NULL);
	expect_is(StorPortQueryDepthSList(world.ext, &head, &depth), STOR_STATUS_SUCCESS);
	expect_is(depth, 0);
	expect_is(StorPortInitializeSListHead(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedPopEntrySList(world.ext, NULL, &result),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedPopEntrySList(world.ext, &head, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedPushEntrySList(world.ext, NULL, &entries[0], &result),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedPushEntrySList(world.ext, &head, NULL, &result),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedPushEntrySList(world.ext, &head, &entries[0], NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedFlushSList(world.ext, NULL, &result),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedFlushSList(world.ext, &head, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortQueryDepthSList(world.ext, NULL, &depth), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortQueryDepthSList(world.ext, &head, NULL), STOR_STATUS_INVALID_PARAMETER);
}

/*
 * covers: StorPortInitializeSListHead, StorPortInterlockedFlushSList,
 * StorPortInterlockedPopEntrySList, StorPortInterlockedPushEntrySList, StorPortQueryDepthSList
 */
static void an_s_list_gives_back_last_in_first_out(void **state)
{
	world_good(slists);
}

static void lists(void)
{
	STOR_LIST_ENTRY head, a, b, c;
	PSTOR_LIST_ENTRY result = NULL;
	STOR_KSPIN_LOCK lock = 7;

	InitializeListHead(&head);
	expect_is(StorPortInitializeSpinLock(world.ext, &lock), STOR_STATUS_SUCCESS);
	expect_is(StorPortInterlockedRemoveHeadList(world.ext, &head, &result, &lock),
		STOR_STATUS_SUCCESS);
	expect_is(result, NULL);
	expect_is(StorPortInterlockedInsertTailList(world.ext, &head, &b, &result, &lock),
		STOR_STATUS_SUCCESS);
	expect_is(result, NULL);
	expect_is(StorPortInterlockedInsertHeadList(world.ext, &head, &a, &result, &lock),
		STOR_STATUS_SUCCESS);
	expect_is(result, &b);
	expect_is(StorPortInterlockedInsertTailList(world.ext, &head, &c, &result, &lock),
		STOR_STATUS_SUCCESS);
	/* As ExInterlockedInsertTailList: the last entry before. */
	expect_is(result, &b);
	for (unsigned n = 0; n < 3; n++) {
		expect_is(StorPortInterlockedRemoveHeadList(world.ext, &head, &result, &lock),
			STOR_STATUS_SUCCESS);
		expect_is(result, n == 0 ? &a : n == 1 ? &b : &c);
	}
	expect(IsListEmpty(&head));
	expect_is(StorPortInitializeSpinLock(world.ext, NULL), STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedInsertHeadList(world.ext, NULL, &a, &result, &lock),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedInsertHeadList(world.ext, &head, &a, NULL, &lock),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedInsertTailList(world.ext, NULL, &a, &result, &lock),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedInsertTailList(world.ext, &head, &a, &result, NULL),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedRemoveHeadList(world.ext, NULL, &result, &lock),
		STOR_STATUS_INVALID_PARAMETER);
	expect_is(StorPortInterlockedRemoveHeadList(world.ext, &head, NULL, &lock),
		STOR_STATUS_INVALID_PARAMETER);
	expect(IsListEmpty(&head));
}

/*
 * covers: StorPortInterlockedInsertHeadList, StorPortInterlockedInsertTailList,
 * StorPortInterlockedRemoveHeadList, StorPortInitializeSpinLock
 */
static void a_list_under_a_lock_keeps_its_order(void **state)
{
	world_good(lists);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(an_s_list_gives_back_last_in_first_out),
		world_test(a_list_under_a_lock_keeps_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
