/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Inside StorPortNotification: ddi_stor_notify.c, where it begins, and has short ways, and
 * notify.c, which has a handler for each type.
 */
#ifndef DRY_STORPORT_NOTIFY_H
#define DRY_STORPORT_NOTIFY_H

#include "storport/storport_adapter.h"

/* Any type, with what follows the extension, a word each. A safepoint. */
border_call void stor_notify(SCSI_NOTIFICATION_TYPE type, void *extension, const uint64_t *args);

/* Some of the types, of an adapter that is known, without one. */
border_call void stor_notify_complete(struct stor_adapter *adapter, void *srb);
/* more: the second argument, and where the result goes. */
border_call void stor_notify_issue(
	struct stor_adapter *adapter, PSTOR_DPC dpc, PVOID argument1, const uint64_t *more);
border_call void stor_notify_lock(
	struct stor_adapter *adapter, STOR_SPINLOCK kind, PVOID context, PSTOR_LOCK_HANDLE handle);
border_call void stor_notify_unlock(struct stor_adapter *adapter, PSTOR_LOCK_HANDLE handle);

#endif
