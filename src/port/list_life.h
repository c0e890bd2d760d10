/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The life of a list that the port made for a request: born when it is mapped, dead when the
 * miniport completes the request, not to be changed in between (SG-31, SB-13). Who breaks that is
 * told. How, depends on the machine:
 *
 *	filled    a dead list's header and first element hold a pattern, which is looked for when
 *	          the slot is used again; those of a live one are compared when it dies
 *	poisoned  AddressSanitizer is here: a dead list must not be touched at all, and a live one
 *	          is compared as a whole
 *	paged     under the policy `strict`: each list has pages of its own, read-only while it
 *	          lives, inaccessible afterwards; a fault there is told with the request's number
 *
 * Neighbours: queue.c and data_in.c open lists, complete.c closes them, slot.c has the memory.
 */
#ifndef DRY_PORT_LIST_LIFE_H
#define DRY_PORT_LIST_LIFE_H

#include "port/port.h"

/* A driver that still walks a dead list meets a huge count and addresses that no memory has. */
#define PORT_LIST_DEAD	       0xDEAD5631u
#define PORT_LIST_DEAD_ADDRESS ((LONGLONG)(int32_t)PORT_LIST_DEAD)

/* One list for each slot. PASSIVE. -ENOMEM with error_set. */
int port_lists_new(struct port_adapter *adapter, struct port_lists *lists, bool is_data_in);
void port_lists_free(struct port_lists *lists);

static inline PSCATTER_GATHER_LIST port_list_at(const struct port_lists *lists, unsigned slot)
{
	return (PSCATTER_GATHER_LIST)(lists->base + (size_t)slot * lists->stride);
}

/* Private: what is rare, or not wanted by every machine. */
border_call void port_list_touched(
	const struct port_list_seal *seal, const SCATTER_GATHER_LIST *list);
border_call void port_list_changed(
	const struct port_list_seal *seal, const SCATTER_GATHER_LIST *list);
void port_list_open_guarded(const struct port_lists *lists, PSCATTER_GATHER_LIST list);
void port_list_seal_guarded(
	const struct port_lists *lists, PSCATTER_GATHER_LIST list, struct port_list_seal *seal);
border_call void port_list_close_guarded(const struct port_lists *lists, PSCATTER_GATHER_LIST list,
	const struct port_list_seal *seal);

/* Where lists are filled: it is as it was when it died. */
static inline bool port_list_is_dead(const SCATTER_GATHER_LIST *list)
{
	return likely(list->NumberOfElements == PORT_LIST_DEAD) &&
	       likely(list->Elements[0].Address.QuadPart == PORT_LIST_DEAD_ADDRESS);
}

/* Before it is written: it must be as it was when it died. _filled: where lists are so. */
static inline void port_list_open_filled(
	PSCATTER_GATHER_LIST list, const struct port_list_seal *seal)
{
	if (unlikely(!port_list_is_dead(list)))
		port_list_touched(seal, list);
}

static inline void port_list_open(const struct port_lists *lists, PSCATTER_GATHER_LIST list,
	const struct port_list_seal *seal)
{
	if (unlikely(lists->care != PORT_LISTS_FILLED))
		port_list_open_guarded(lists, list);
	else
		port_list_open_filled(list, seal);
}

/* It is as the request `id` is to get it. */
static inline void port_list_seal_filled(
	PSCATTER_GATHER_LIST list, struct port_list_seal *seal, uint64_t id)
{
	seal->id = id;
	seal->count = list->NumberOfElements;
	seal->address = list->Elements[0].Address.QuadPart;
}

static inline void port_list_seal(const struct port_lists *lists, PSCATTER_GATHER_LIST list,
	struct port_list_seal *seal, uint64_t id)
{
	port_list_seal_filled(list, seal, id);
	if (unlikely(lists->care != PORT_LISTS_FILLED))
		port_list_seal_guarded(lists, list, seal);
}

static inline bool port_list_is_sealed(
	const SCATTER_GATHER_LIST *list, const struct port_list_seal *seal)
{
	return list->NumberOfElements == seal->count &&
	       list->Elements[0].Address.QuadPart == seal->address;
}

/* Of a request that went by page.h, which has no seal while it is out. */
static inline bool port_list_is_of_page(const SCATTER_GATHER_LIST *list, uint64_t at)
{
	return likely(list->NumberOfElements == 1) &&
	       likely(list->Elements[0].Address.QuadPart == (LONGLONG)at);
}

static inline void port_list_end(PSCATTER_GATHER_LIST list)
{
	list->NumberOfElements = PORT_LIST_DEAD;
	list->Elements[0].Address.QuadPart = PORT_LIST_DEAD_ADDRESS;
}

static inline void port_list_close_filled(
	PSCATTER_GATHER_LIST list, const struct port_list_seal *seal)
{
	if (unlikely(!port_list_is_sealed(list, seal)))
		port_list_changed(seal, list);
	port_list_end(list);
}

/* Its request has gone back, or it never came to be (seal NULL). Any IRQL. */
static inline void port_list_close(const struct port_lists *lists, PSCATTER_GATHER_LIST list,
	const struct port_list_seal *seal)
{
	if (unlikely(lists->care != PORT_LISTS_FILLED)) {
		port_list_close_guarded(lists, list, seal);
		return;
	}
	if (likely(seal != NULL) && unlikely(!port_list_is_sealed(list, seal)))
		port_list_changed(seal, list);
	port_list_end(list);
}

#endif
