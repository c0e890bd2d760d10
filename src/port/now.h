/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The request that was handed to a miniport last, on a machine of one processor that is not
 * replayed (no inner locks: cpu.h). A miniport that has just got an SRB asks about it at once: who
 * answers finds here whether it is this one, without looking for it.
 *
 * It is a guess that is checked each time: the extension must be that adapter's, and the request's
 * own state says what the miniport may be told of it. It ends with the adapter's requests. Who asks
 * by it does not pass a safepoint; there is one as soon as the miniport has built its command.
 */
#ifndef DRY_PORT_NOW_H
#define DRY_PORT_NOW_H

#include "port/port.h"

struct port_now {
	const void *extension;			/* HwDeviceExtension; NULL: of nobody, */
	_Atomic(struct port_request *) request; /* and one that nothing is true of */
};
extern struct port_now port_now __attribute__((visibility("hidden")));

/* Not with inner locks. */
static inline void port_now_set(const void *extension, struct port_request *request)
{
	port_now.extension = extension;
	atomic_store_explicit(&port_now.request, request, memory_order_relaxed);
}

/* The last request of this adapter; NULL: it is not known. Of no extension it is one that is no
 * miniport's, of an adapter without slots. */
static inline struct port_request *port_now_of(const void *extension)
{
	struct port_request *request =
		atomic_load_explicit(&port_now.request, memory_order_relaxed);

	if (unlikely(port_now.extension != extension))
		return NULL;
	if (!request)
		__builtin_unreachable();
	return request;
}

/* Its requests are about to go. */
void port_now_forget(const struct port_adapter *adapter);

#endif
