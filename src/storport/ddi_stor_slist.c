/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* S-lists and lists under a spin lock, for miniports: thin over the kernel's own
 * (nt/ex_interlocked.c), with the statuses of Storport's pages. */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

/* ---- singly linked ---- */

ULONG stor_initialize_slist(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_SLIST_HEADER head = stor_arg(args, PSTOR_SLIST_HEADER);

	if (!head)
		return STOR_STATUS_INVALID_PARAMETER;
	InitializeSListHead(head);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_flush_slist(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_SLIST_HEADER head = stor_arg(args, PSTOR_SLIST_HEADER);
	PSTOR_SLIST_ENTRY *result = stor_arg(args, PSTOR_SLIST_ENTRY *);

	if (!head || !result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = InterlockedFlushSList(head);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_pop_slist(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_SLIST_HEADER head = stor_arg(args, PSTOR_SLIST_HEADER);
	PSTOR_SLIST_ENTRY *result = stor_arg(args, PSTOR_SLIST_ENTRY *);

	if (!head || !result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = InterlockedPopEntrySList(head);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_push_slist(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_SLIST_HEADER head = stor_arg(args, PSTOR_SLIST_HEADER);
	PSTOR_SLIST_ENTRY entry = stor_arg(args, PSTOR_SLIST_ENTRY);
	PSTOR_SLIST_ENTRY *result = stor_arg(args, PSTOR_SLIST_ENTRY *);

	if (!head || !entry || !result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = InterlockedPushEntrySList(head, entry);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_query_slist(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_SLIST_HEADER head = stor_arg(args, PSTOR_SLIST_HEADER);
	PUSHORT result = stor_arg(args, PUSHORT);

	if (!head || !result)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = QueryDepthSList(head);
	return STOR_STATUS_SUCCESS;
}

/* ---- doubly linked ---- */

/* The pages name only ListHead and Result; what else is NULL cannot work either. */
static ULONG insert(struct stor_call *args,
	PLIST_ENTRY(NTAPI *insert)(PLIST_ENTRY head, PLIST_ENTRY entry, PKSPIN_LOCK lock))
{
	PSTOR_LIST_ENTRY head = stor_arg(args, PSTOR_LIST_ENTRY);
	PSTOR_LIST_ENTRY entry = stor_arg(args, PSTOR_LIST_ENTRY);
	PSTOR_LIST_ENTRY *result = stor_arg(args, PSTOR_LIST_ENTRY *);
	PSTOR_KSPIN_LOCK lock = stor_arg(args, PSTOR_KSPIN_LOCK);

	if (!head || !entry || !result || !lock)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = insert(head, entry, lock);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_insert_head(struct stor_adapter *adapter, struct stor_call *args)
{
	return insert(args, ExInterlockedInsertHeadList);
}

ULONG stor_insert_tail(struct stor_adapter *adapter, struct stor_call *args)
{
	return insert(args, ExInterlockedInsertTailList);
}

ULONG stor_remove_head(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_LIST_ENTRY head = stor_arg(args, PSTOR_LIST_ENTRY);
	PSTOR_LIST_ENTRY *result = stor_arg(args, PSTOR_LIST_ENTRY *);
	PSTOR_KSPIN_LOCK lock = stor_arg(args, PSTOR_KSPIN_LOCK);

	if (!head || !result || !lock)
		return STOR_STATUS_INVALID_PARAMETER;
	*result = ExInterlockedRemoveHeadList(head, lock);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_initialize_lock(struct stor_adapter *adapter, struct stor_call *args)
{
	PSTOR_KSPIN_LOCK lock = stor_arg(args, PSTOR_KSPIN_LOCK);

	if (!lock)
		return STOR_STATUS_INVALID_PARAMETER;
	KeInitializeSpinLock(lock);
	return STOR_STATUS_SUCCESS;
}
