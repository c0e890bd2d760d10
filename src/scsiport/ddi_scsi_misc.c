/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* Small services for miniports: memory moves, stalls, the time, the error log, debug print. */
#define DRY_MODULE "scsiport.sys"
#include "scsiport/scsi_adapter.h"
#include "nt/nt.h"
#include "util/export.h"

#include <stdio.h>
#include <string.h>

#define STALL_MOST_US 100000 /* 0xF1/0x1001 (5.5) */

VOID NTAPI ScsiPortMoveMemory(PVOID WriteBuffer, PVOID ReadBuffer, ULONG Length)
{
	cpu_poll();
	memmove(WriteBuffer, ReadBuffer, Length);
}
DRY_EXPORT(ScsiPortMoveMemory)

VOID NTAPI ScsiPortStallExecution(ULONG Delay)
{
	if (Delay > STALL_MOST_US)
		nt_violation(0xf1001001, "ScsiPortStallExecution(%u): at most %u microseconds.",
			(unsigned)Delay, STALL_MOST_US);
	cpu_stall(Delay * 1000ull);
}
DRY_EXPORT(ScsiPortStallExecution)

VOID NTAPI ScsiPortQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
	cpu_poll();
	CurrentTime->QuadPart = (LONGLONG)cpu_system_time();
}
DRY_EXPORT(ScsiPortQuerySystemTime)

VOID NTAPI ScsiPortLogError(PVOID HwDeviceExtension, PSCSI_REQUEST_BLOCK Srb, UCHAR PathId,
	UCHAR TargetId, UCHAR Lun, ULONG ErrorCode, ULONG UniqueId)
{
	struct scsi_adapter *adapter = scsi_adapter_of(HwDeviceExtension, "ScsiPortLogError");

	cpu_poll();
	if (adapter)
		port_hba_log_error(&adapter->hba, PathId, TargetId, Lun, ErrorCode, UniqueId);
}
DRY_EXPORT(ScsiPortLogError)

VOID NTAPI ScsiDebugPrint(ULONG DebugPrintLevel, PCCHAR DebugMessage, ...)
{
	__builtin_ms_va_list args;

	__builtin_ms_va_start(args, DebugMessage);
	vDbgPrintEx(DPFLTR_SCSIMINIPORT_ID, DebugPrintLevel, DebugMessage, args);
	__builtin_ms_va_end(args);
}
DRY_EXPORT(ScsiDebugPrint)
