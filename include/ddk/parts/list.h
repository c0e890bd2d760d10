/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Doubly and singly linked lists (LIST_ENTRY, SINGLE_LIST_ENTRY), all inline, as on Windows. */
#ifndef DDK_PARTS_LIST_H
#define DDK_PARTS_LIST_H

#include "../ntdef.h"

#ifdef __cplusplus
extern "C" {
#endif

DDK_INLINE VOID InitializeListHead(PLIST_ENTRY head)
{
	head->Flink = head->Blink = head;
}

DDK_INLINE BOOLEAN IsListEmpty(const LIST_ENTRY *head)
{
	return head->Flink == head;
}

/* TRUE when the list is empty after it, as documented. */
DDK_INLINE BOOLEAN RemoveEntryList(PLIST_ENTRY entry)
{
	PLIST_ENTRY next = entry->Flink;
	PLIST_ENTRY previous = entry->Blink;

	previous->Flink = next;
	next->Blink = previous;
	return next == previous;
}

DDK_INLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY head)
{
	PLIST_ENTRY entry = head->Flink;

	RemoveEntryList(entry);
	return entry;
}

DDK_INLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY head)
{
	PLIST_ENTRY entry = head->Blink;

	RemoveEntryList(entry);
	return entry;
}

DDK_INLINE VOID InsertHeadList(PLIST_ENTRY head, PLIST_ENTRY entry)
{
	PLIST_ENTRY next = head->Flink;

	entry->Flink = next;
	entry->Blink = head;
	next->Blink = entry;
	head->Flink = entry;
}

DDK_INLINE VOID InsertTailList(PLIST_ENTRY head, PLIST_ENTRY entry)
{
	InsertHeadList(head->Blink, entry);
}

/* Joins the ring of `list`, which has no head of its own, to the end of the list at head. */
DDK_INLINE VOID AppendTailList(PLIST_ENTRY head, PLIST_ENTRY list)
{
	PLIST_ENTRY end = head->Blink;
	PLIST_ENTRY list_end = list->Blink;

	end->Flink = list;
	list->Blink = end;
	list_end->Flink = head;
	head->Blink = list_end;
}

DDK_INLINE VOID PushEntryList(PSINGLE_LIST_ENTRY head, PSINGLE_LIST_ENTRY entry)
{
	entry->Next = head->Next;
	head->Next = entry;
}

DDK_INLINE PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY head)
{
	PSINGLE_LIST_ENTRY first = head->Next;

	if (first)
		head->Next = first->Next;
	return first;
}

/* Atomic stacks; the work is done by exported routines. */
typedef struct DECLSPEC_ALIGN(16) _SLIST_ENTRY {
	struct _SLIST_ENTRY *Next;
} SLIST_ENTRY, *PSLIST_ENTRY;

typedef union DECLSPEC_ALIGN(16) _SLIST_HEADER {
	struct {
		ULONGLONG Alignment;
		ULONGLONG Region;
	};
} SLIST_HEADER, *PSLIST_HEADER;
DDK_SIZE(SLIST_HEADER, 16);

VOID NTAPI InitializeSListHead(PSLIST_HEADER SListHead);
PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead);
PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry);
PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead);
USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER SListHead);
#define ExInitializeSListHead			       InitializeSListHead
#define InterlockedPopEntrySList		       ExpInterlockedPopEntrySList
#define InterlockedPushEntrySList		       ExpInterlockedPushEntrySList
#define InterlockedFlushSList			       ExpInterlockedFlushSList
#define ExInterlockedPopEntrySList(head, lock)	       ExpInterlockedPopEntrySList(head)
#define ExInterlockedPushEntrySList(head, entry, lock) ExpInterlockedPushEntrySList(head, entry)
#define QueryDepthSList				       ExQueryDepthSList

#ifdef __cplusplus
}
#endif

#endif
