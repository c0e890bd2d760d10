/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Starting, stopping and shutting down the controller (NVMe 1.4, 7.3 and 7.6). Commands of the
 * admin queue are waited for one at a time; that works at any IRQL up to DISPATCH_LEVEL, with
 * interrupts or without. Asynchronous events lead to the error log, which lets the next one come.
 */
#include "nvme.h"

/* Waits for bits of CSTS; FALSE when the controller takes too long, or has failed or gone. */
static BOOLEAN NvmeWait(PNVME_ADAPTER Adapter, ULONG Mask, ULONG Value)
{
	ULONG Turns = (NVME_CAP_TIMEOUT_MS(Adapter->Cap) + 500) * 20;

	for (ULONG i = 0; i < Turns; i++) {
		ULONG Status = StorPortReadRegisterUlong(Adapter, &Adapter->Registers->Status);

		if (Status == MAXULONG || (Value && Status & NVME_STATUS_FATAL))
			return FALSE;
		if ((Status & Mask) == Value)
			return TRUE;
		StorPortStallExecution(50);
	}
	return FALSE;
}

/* After this the controller touches no memory. */
BOOLEAN NvmeStop(PNVME_ADAPTER Adapter)
{
	Adapter->Running = FALSE;
	StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->Control, 0);
	return NvmeWait(Adapter, NVME_STATUS_READY, 0);
}

VOID NvmeShutdown(PNVME_ADAPTER Adapter)
{
	Adapter->Running = FALSE;
	StorPortWriteRegisterUlong(
		Adapter, &Adapter->Registers->Control, NVME_CONTROL_ENABLE | NVME_CONTROL_SHUTDOWN);
	NvmeWait(Adapter, NVME_STATUS_SHUTDOWN, NVME_STATUS_SHUT_DOWN);
	NvmeStop(Adapter);
}

/* One admin command; FALSE if it failed or was not answered within five seconds. */
static BOOLEAN NvmeAdmin(PNVME_ADAPTER Adapter, PNVME_COMMAND Command)
{
	InterlockedExchange(&Adapter->SyncDone, FALSE);
	NvmeQueueAdmin(Adapter, Command, NVME_CID_SYNC);
	for (ULONG i = 0; i < 500000; i++) {
		/* the DPC does it too, where interrupts come by now */
		NvmeQueueDrain(Adapter, &Adapter->Admin);
		if (Adapter->SyncDone)
			return NVME_STATUS(&Adapter->Sync) == NVME_SUCCESS;
		StorPortStallExecution(10);
	}
	return FALSE;
}

static ULONG64 NvmePhysical(PNVME_ADAPTER Adapter, volatile VOID *Address)
{
	ULONG Length;

	return StorPortGetPhysicalAddress(Adapter, NULL, (PVOID)Address, &Length).QuadPart;
}

static BOOLEAN NvmeIdentify(PNVME_ADAPTER Adapter, ULONG What, ULONG Nsid)
{
	NVME_COMMAND Command = {.Opcode = NVME_ADMIN_IDENTIFY,
		.Nsid = Nsid,
		.Prp1 = Adapter->PageAddress,
		.Dword10 = What};

	return NvmeAdmin(Adapter, &Command);
}

static BOOLEAN NvmeFindController(PNVME_ADAPTER Adapter)
{
	PUCHAR Page = Adapter->Page;
	ULONG Transfer;

	if (!NvmeIdentify(Adapter, NVME_IDENTIFY_CONTROLLER, 0))
		return FALSE;
	RtlCopyMemory(Adapter->Serial, Page + 4, sizeof(Adapter->Serial));
	RtlCopyMemory(Adapter->Model, Page + 24, sizeof(Adapter->Model));
	RtlCopyMemory(Adapter->Firmware, Page + 64, sizeof(Adapter->Firmware));
	Transfer = Page[77]; /* a power of two of pages; 0: no limit */
	if (Transfer && Transfer < 20)
		Adapter->MaxBytes = min(NVME_MAX_BYTES, (ULONG)NVME_PAGE << Transfer);
	Adapter->HasWriteCache = Page[525] & 1;
	Adapter->NamespaceCount = min(*(PULONG)(Page + 516), NVME_NAMESPACES);
	return TRUE;
}

static BOOLEAN NvmeFindNamespace(PNVME_ADAPTER Adapter, ULONG Nsid)
{
	PNVME_NAMESPACE Namespace = &Adapter->Namespaces[Nsid - 1];
	PUCHAR Page = Adapter->Page;
	ULONG Format;

	if (!NvmeIdentify(Adapter, NVME_IDENTIFY_NAMESPACE, Nsid))
		return FALSE;
	Format = *(PULONG)(Page + 128 + 4 * (Page[26] & 0xF));
	Namespace->Blocks = *(PULONG64)Page;
	Namespace->BlockShift = (UCHAR)(Format >> 16);
	Namespace->BlockSize = 1u << Namespace->BlockShift;
	Namespace->ReadOnly = Page[99] & 1;
	RtlCopyMemory(Namespace->Eui64, Page + 120, sizeof(Namespace->Eui64));
	return Namespace->BlockShift >= 9 && Namespace->BlockShift <= 12;
}

static BOOLEAN NvmeAskForQueues(PNVME_ADAPTER Adapter)
{
	ULONG Wanted = Adapter->QueueCount - 1;
	NVME_COMMAND Command = {.Opcode = NVME_ADMIN_SET_FEATURES,
		.Dword10 = NVME_FEATURE_QUEUES,
		.Dword11 = Wanted << 16 | Wanted};

	if (!NvmeAdmin(Adapter, &Command))
		return FALSE;
	Adapter->QueueCount = min(Adapter->QueueCount,
		1 + min(Adapter->Sync.Result & 0xFFFF, Adapter->Sync.Result >> 16));
	return TRUE;
}

static BOOLEAN NvmeCreateQueue(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue)
{
	USHORT Entries = (USHORT)min(NVME_CAP_ENTRIES(Adapter->Cap), NVME_ENTRIES);
	ULONG Vector = Adapter->PerMessage ? Queue->Id : 0, Size = (Entries - 1u) << 16;
	NVME_COMMAND Completions = {.Opcode = NVME_ADMIN_CREATE_COMPLETION,
		.Prp1 = NvmePhysical(Adapter, Queue->Completions),
		.Dword10 = Size | Queue->Id,
		.Dword11 = Vector << 16 | 3}; /* contiguous, interrupts */
	NVME_COMMAND Commands = {.Opcode = NVME_ADMIN_CREATE_SUBMISSION,
		.Prp1 = NvmePhysical(Adapter, Queue->Commands),
		.Dword10 = Size | Queue->Id,
		.Dword11 = (ULONG)Queue->Id << 16 | 1};

	NvmeQueueReset(Adapter, Queue, Entries);
	return NvmeAdmin(Adapter, &Completions) && NvmeAdmin(Adapter, &Commands);
}

/* 7.6.1: up to where admin commands work. */
static BOOLEAN NvmeEnable(PNVME_ADAPTER Adapter)
{
	PNVME_REGISTERS Registers = Adapter->Registers;
	USHORT Entries = (USHORT)min(NVME_CAP_ENTRIES(Adapter->Cap), NVME_ENTRIES);

	if (!NvmeStop(Adapter))
		return FALSE;
	NvmeQueueReset(Adapter, &Adapter->Admin, Entries);
	StorPortWriteRegisterUlong(
		Adapter, &Registers->AdminQueueSizes, (Entries - 1u) << 16 | (Entries - 1u));
	StorPortWriteRegisterUlong64(Adapter, &Registers->AdminSubmission,
		NvmePhysical(Adapter, Adapter->Admin.Commands));
	StorPortWriteRegisterUlong64(Adapter, &Registers->AdminCompletion,
		NvmePhysical(Adapter, Adapter->Admin.Completions));
	StorPortWriteRegisterUlong(Adapter, &Registers->Control, NVME_CONTROL_ENABLE);
	return NvmeWait(Adapter, NVME_STATUS_READY, NVME_STATUS_READY);
}

/* Only to learn what the controller is: Storport wants to know the longest transfer early. */
BOOLEAN NvmeProbe(PNVME_ADAPTER Adapter)
{
	BOOLEAN Found = NvmeEnable(Adapter) && NvmeFindController(Adapter);

	return NvmeStop(Adapter) && Found;
}

BOOLEAN NvmeStart(PNVME_ADAPTER Adapter)
{
	if (!NvmeEnable(Adapter))
		return FALSE;
	if (!NvmeFindController(Adapter) || !NvmeAskForQueues(Adapter))
		return FALSE;
	for (ULONG Nsid = 1; Nsid <= Adapter->NamespaceCount; Nsid++)
		if (!NvmeFindNamespace(Adapter, Nsid))
			return FALSE;
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		if (!NvmeCreateQueue(Adapter, &Adapter->Queues[i]))
			return FALSE;
	Adapter->Running = TRUE;
	NvmeListen(Adapter);
	return TRUE;
}

/* ---- asynchronous events: 5.2 ---- */

VOID NvmeListen(PNVME_ADAPTER Adapter)
{
	NVME_COMMAND Command = {.Opcode = NVME_ADMIN_ASYNC_EVENT};

	NvmeQueueAdmin(Adapter, &Command, NVME_CID_EVENT);
}

VOID NvmeEvent(PNVME_ADAPTER Adapter, volatile NVME_COMPLETION *Done)
{
	/* the newest entry is enough: reading it lets the next event come */
	NVME_COMMAND Command = {.Opcode = NVME_ADMIN_GET_LOG,
		.Nsid = NVME_NSID_ALL,
		.Prp1 = Adapter->PageAddress,
		.Dword10 = (64 / 4 - 1) << 16 | (Done->Result >> 16 & 0xFF)};

	if (Done->Cid == NVME_CID_LOG) {
		if (Adapter->Running)
			NvmeListen(Adapter);
	} else if (NVME_STATUS(Done) == NVME_SUCCESS) {
		Adapter->Events++;
		StorPortDebugPrint(0, "nvme: asynchronous event %08x\n", Done->Result);
		NvmeQueueAdmin(Adapter, &Command, NVME_CID_LOG);
	}
}
