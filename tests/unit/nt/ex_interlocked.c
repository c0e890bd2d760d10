/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Ex: interlocked lists and atomic stacks. */
#include "nt_kit.h"

struct entry {
	SLIST_ENTRY stack; /* 16-byte aligned */
	LIST_ENTRY list;
	unsigned number;
};

/* covers: ExInterlockedInsertHeadList, ExInterlockedRemoveHeadList, KeGetCurrentIrql */
NT_TEST(insert_and_remove_return_what_was_there)
{
	LIST_ENTRY head, a, b, c;
	KSPIN_LOCK lock = 0;

	InitializeListHead(&head);
	CHECK(ExInterlockedRemoveHeadList(&head, &lock) == NULL);
	CHECK(ExInterlockedInsertTailList(&head, &a, &lock) == NULL);
	CHECK(ExInterlockedInsertTailList(&head, &b, &lock) == &a);
	CHECK(ExInterlockedInsertHeadList(&head, &c, &lock) == &a);
	CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &c);
	CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &a);
	CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &b);
	CHECK(IsListEmpty(&head));
	CHECK_EQUAL(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

/* covers: KeLowerIrql */
NT_TEST(lists_may_be_used_at_any_level)
{
	LIST_ENTRY head, a;
	KSPIN_LOCK lock = 0;
	KIRQL old;

	InitializeListHead(&head);
	KeRaiseIrql(HIGH_LEVEL, &old);
	ExInterlockedInsertHeadList(&head, &a, &lock);
	CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &a);
	CHECK_EQUAL(KeGetCurrentIrql(), HIGH_LEVEL);
	KeLowerIrql(old);
}

/*
 * covers: ExQueryDepthSList, InitializeSListHead, InterlockedFlushSList,
 * InterlockedPopEntrySList, InterlockedPushEntrySList
 */
NT_TEST(a_stack_gives_back_the_last_entry_first)
{
	SLIST_HEADER head;
	struct entry entries[3];

	memset(&head, 0xcc, sizeof(head));
	ExInitializeSListHead(&head);
	CHECK(InterlockedPopEntrySList(&head) == NULL);
	CHECK_EQUAL(ExQueryDepthSList(&head), 0);
	CHECK(InterlockedPushEntrySList(&head, &entries[0].stack) == NULL);
	CHECK(InterlockedPushEntrySList(&head, &entries[1].stack) == &entries[0].stack);
	InterlockedPushEntrySList(&head, &entries[2].stack);
	CHECK_EQUAL(ExQueryDepthSList(&head), 3);
	CHECK(InterlockedPopEntrySList(&head) == &entries[2].stack);
	CHECK(InterlockedFlushSList(&head) == &entries[1].stack);
	CHECK(entries[1].stack.Next == &entries[0].stack && entries[0].stack.Next == NULL);
	CHECK_EQUAL(ExQueryDepthSList(&head), 0);
	CHECK(InterlockedPopEntrySList(&head) == NULL);
	CHECK(InterlockedFlushSList(&head) == NULL);
}

/* covers: ExpInterlockedFlushSList, ExpInterlockedPopEntrySList, ExpInterlockedPushEntrySList */
NT_TEST(the_names_that_compiled_drivers_import_are_the_same_routines)
{
	SLIST_HEADER head;
	struct entry entry;

	InitializeSListHead(&head);
	CHECK(ExpInterlockedPushEntrySList(&head, &entry.stack) == NULL);
	CHECK(ExpInterlockedPopEntrySList(&head) == &entry.stack);
	CHECK(ExpInterlockedPopEntrySList(&head) == NULL);
	CHECK(ExpInterlockedFlushSList(&head) == NULL);
}

/*
 * covers: ExpInterlockedPushEntrySList, InterlockedPushEntrySList
 */
NT_TEST(an_entry_that_is_not_aligned_is_reported_and_pushed)
{
	_Alignas(MEMORY_ALLOCATION_ALIGNMENT) char room[3 * sizeof(SLIST_ENTRY)];
	PSLIST_ENTRY entry = (PSLIST_ENTRY)(room + 8);
	SLIST_HEADER head;

	InitializeSListHead(&head);
	CHECK(InterlockedPushEntrySList(&head, entry) == NULL);
	CHECK_VIOLATION(0, "not aligned on 16 bytes");
	CHECK(InterlockedPopEntrySList(&head) == entry);
	CHECK(ExpInterlockedPushEntrySList(&head, entry) == NULL);
	CHECK_VIOLATION(0, "not aligned on 16 bytes");
}

/* ---- no entry is lost or doubled between processors, DPCs included ---- */

static struct {
	LIST_ENTRY head;
	KSPIN_LOCK lock;
	SLIST_HEADER stack;
	_Atomic unsigned moves;
} shared;

static VOID NTAPI move(
	PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2)
{
	PLIST_ENTRY entry = ExInterlockedRemoveHeadList(&shared.head, &shared.lock);
	PSLIST_ENTRY top = InterlockedPopEntrySList(&shared.stack);

	if (entry)
		ExInterlockedInsertTailList(&shared.head, entry, &shared.lock);
	if (top)
		InterlockedPushEntrySList(&shared.stack, top);
	atomic_fetch_add(&shared.moves, 1);
}

static void mover(void *ctx)
{
	KDPC dpc;

	KeInitializeDpc(&dpc, move, NULL);
	for (unsigned i = 0; i < 5000; i++) {
		move(NULL, NULL, NULL, NULL);
		KeInsertQueueDpc(&dpc, NULL, NULL);
	}
	KeFlushQueuedDpcs();
}

/*
 * covers: ExInterlockedInsertTailList, ExInterlockedRemoveHeadList, KeFlushQueuedDpcs,
 * KeInitializeDpc, KeInsertQueueDpc
 */
static void entries_survive_two_processors_and_their_dpcs(void **state)
{
	static struct entry entries[16];
	struct cpu_thread *threads[2];
	bool seen[16] = {0};
	unsigned count = 0;

	machine_start(2, MEM_SCATTERED);
	InitializeListHead(&shared.head);
	shared.lock = 0;
	ExInitializeSListHead(&shared.stack);
	for (unsigned i = 0; i < 16; i++) {
		entries[i].number = i;
		InsertTailList(&shared.head, &entries[i].list);
		InterlockedPushEntrySList(&shared.stack, &entries[i].stack);
	}
	for (unsigned i = 0; i < 2; i++)
		threads[i] = cpu_thread_new(mover, NULL, i, "mover");
	for (unsigned i = 0; i < 2; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	for (PLIST_ENTRY e = shared.head.Flink; e != &shared.head; e = e->Flink) {
		seen[CONTAINING_RECORD(e, struct entry, list)->number] = true;
		count++;
	}
	assert_int_equal(count, 16);
	for (unsigned i = 0; i < 16; i++)
		assert_true(seen[i]);
	assert_int_equal(ExQueryDepthSList(&shared.stack), 16);
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 16; i++)
		seen[CONTAINING_RECORD(InterlockedPopEntrySList(&shared.stack), struct entry, stack)
				->number] = true;
	for (unsigned i = 0; i < 16; i++)
		assert_true(seen[i]);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(insert_and_remove_return_what_was_there),
		cmocka_unit_test(lists_may_be_used_at_any_level),
		cmocka_unit_test(a_stack_gives_back_the_last_entry_first),
		cmocka_unit_test(an_entry_that_is_not_aligned_is_reported_and_pushed),
		cmocka_unit_test(the_names_that_compiled_drivers_import_are_the_same_routines),
		cmocka_unit_test(entries_survive_two_processors_and_their_dpcs),
	};

	return cmocka_run_group_tests_name("nt/ex_interlocked", tests, NULL, NULL);
}
