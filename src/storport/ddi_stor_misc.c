/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Small services for miniports: memory moves, stalls, the interrupt lock around a call, debug
 * print. */
#define DRY_MODULE "storport.sys"
#include "storport/dump.h"
#include "nt/nt.h"
#include "util/export.h"

#include <string.h>

/* pages ask for less than a millisecond; the verifier complains at a tenth of a second. */
#define STALL_MOST_US 100000

VOID NTAPI StorPortMoveMemory(PVOID WriteBuffer, PVOID ReadBuffer, ULONG Length)
{
	cpu_poll();
	memmove(WriteBuffer, ReadBuffer, Length);
}
DRY_EXPORT(StorPortMoveMemory)

VOID NTAPI StorPortStallExecution(ULONG Delay)
{
	if (Delay > STALL_MOST_US)
		nt_violation(0xf1002001, "StorPortStallExecution(%u): at most %u microseconds.",
			(unsigned)Delay, STALL_MOST_US);
	cpu_stall(Delay * 1000ull);
}
DRY_EXPORT(StorPortStallExecution)

/* LK-5 */
BOOLEAN NTAPI StorPortSynchronizeAccess(
	PVOID HwDeviceExtension, PSTOR_SYNCHRONIZED_ACCESS SynchronizedAccessRoutine, PVOID Context)
{
	struct stor_adapter *adapter =
		stor_adapter_of(HwDeviceExtension, "StorPortSynchronizeAccess");
	BOOLEAN result;
	uint8_t irql;

	if (!adapter || !SynchronizedAccessRoutine)
		return FALSE;
	irql = stor_interrupt_lock(adapter);
	result = SynchronizedAccessRoutine(HwDeviceExtension, Context);
	port_hba_irql_check(&adapter->hba, "the routine of StorPortSynchronizeAccess",
		max_of(irql, (uint8_t)STOR_DIRQL));
	stor_interrupt_unlock(adapter, irql);
	return result;
}
DRY_EXPORT(StorPortSynchronizeAccess)

VOID NTAPI StorPortQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
	cpu_poll();
	if (unlikely(stor_dump_live != NULL))
		stor_dump_refuses(stor_dump_live->adapter, "StorPortQuerySystemTime",
			"a driver must not rely on the time there");
	CurrentTime->QuadPart = (LONGLONG)cpu_system_time();
}
DRY_EXPORT(StorPortQuerySystemTime)

VOID NTAPI StorPortDebugPrint(ULONG DebugPrintLevel, PCSTR DebugMessage, ...)
{
	__builtin_ms_va_list args;

	__builtin_ms_va_start(args, DebugMessage);
	vDbgPrintEx(DPFLTR_STORMINIPORT_ID, DebugPrintLevel, DebugMessage, args);
	__builtin_ms_va_end(args);
}
DRY_EXPORT(StorPortDebugPrint)
