/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Message-signalled interrupts for miniports: their locks (LK-4, LK-9) and what is known of each.
 */
#define DRY_MODULE "storport.sys"
#include "storport/extended.h"
#include "nt/nt.h"

#include <string.h>

static bool has_lock(struct stor_adapter *adapter, ULONG message, const char *routine)
{
	if (adapter->per_message && message < adapter->messages)
		return true;
	nt_violation(0,
		"%s: message %u; it is for InterruptSynchronizePerMessage and its %u messages "
		"(StorPortMSILock).",
		routine, (unsigned)message, adapter->messages);
	return false;
}

ULONG stor_acquire_message_lock(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG message = stor_arg(args, ULONG);
	PULONG old = stor_arg(args, PULONG);

	if (!has_lock(adapter, message, "StorPortAcquireMSISpinLock") || !old)
		return STOR_STATUS_INVALID_PARAMETER;
	*old = stor_message_lock(adapter, message);
	return STOR_STATUS_SUCCESS;
}

ULONG stor_release_message_lock(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG message = stor_arg(args, ULONG);
	ULONG old = stor_arg(args, ULONG);

	if (!has_lock(adapter, message, "StorPortReleaseMSISpinLock") || old > cpu_irql() ||
		!stor_message_unlock(adapter, message, (uint8_t)old))
		return STOR_STATUS_INVALID_PARAMETER;
	return STOR_STATUS_SUCCESS;
}

ULONG stor_get_message_info(struct stor_adapter *adapter, struct stor_call *args)
{
	ULONG message = stor_arg(args, ULONG);
	PMESSAGE_INTERRUPT_INFORMATION information = stor_arg(args, PMESSAGE_INTERRUPT_INFORMATION);
	uint64_t address;
	uint32_t data;

	if (!information || message >= adapter->messages)
		return STOR_STATUS_INVALID_PARAMETER;
	memset(information, 0, sizeof(*information));
	bus_message_get(adapter->hba.function, message, &address, &data);
	information->MessageId = message;
	information->MessageAddress.QuadPart = (LONGLONG)address;
	information->MessageData = data;
	information->InterruptVector = message;
	information->InterruptLevel = STOR_DIRQL;
	information->InterruptMode = Latched;
	return STOR_STATUS_SUCCESS;
}
