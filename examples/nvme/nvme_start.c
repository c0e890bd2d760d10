/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Starting, disabling and shutting down the controller (NVMe 1.4, 7.3 and 7.6). No queue is open
 * meanwhile: admin commands are waited for one at a time, which works at any IRQL up to
 * DISPATCH_LEVEL, with interrupts or without, on one processor or many.
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
BOOLEAN NvmeDisable(PNVME_ADAPTER Adapter)
{
	Adapter->Running = FALSE;
	StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->Control, 0);
	return NvmeWait(Adapter, NVME_STATUS_READY, 0);
}

/* In good order: what it caches is on the medium then. Also at DIRQL. */
VOID NvmeShutdown(PNVME_ADAPTER Adapter)
{
	Adapter->Running = FALSE;
	StorPortWriteRegisterUlong(
		Adapter, &Adapter->Registers->Control, NVME_CONTROL_ENABLE | NVME_CONTROL_SHUTDOWN);
	NvmeWait(Adapter, NVME_STATUS_SHUTDOWN, NVME_STATUS_SHUT_DOWN);
	NvmeDisable(Adapter);
}

/* 7.6.1: up to where admin commands work. */
static BOOLEAN NvmeEnable(PNVME_ADAPTER Adapter)
{
	PNVME_REGISTERS Registers = Adapter->Registers;

	if (!NvmeDisable(Adapter))
		return FALSE;
	NvmeQueueReset(Adapter, &Adapter->Admin, NVME_ADMIN_ENTRIES);
	/* nobody would lower the line; with messages the mask must not be touched (3.1.3) */
	if (Adapter->IsLine)
		StorPortWriteRegisterUlong(Adapter, &Registers->InterruptMaskSet, 1);
	StorPortWriteRegisterUlong(Adapter, &Registers->AdminQueueSizes,
		(NVME_ADMIN_ENTRIES - 1u) << 16 | (NVME_ADMIN_ENTRIES - 1u));
	StorPortWriteRegisterUlong64(Adapter, &Registers->AdminSubmission,
		NvmePhysical(Adapter, Adapter->Admin.Commands));
	StorPortWriteRegisterUlong64(Adapter, &Registers->AdminCompletion,
		NvmePhysical(Adapter, Adapter->Admin.Completions));
	StorPortWriteRegisterUlong(Adapter, &Registers->Control, NVME_CONTROL_ENABLE);
	return NvmeWait(Adapter, NVME_STATUS_READY, NVME_STATUS_READY);
}

/* ---- what there is ---- */

static BOOLEAN NvmeIdentify(PNVME_ADAPTER Adapter, ULONG What, ULONG Nsid)
{
	NVME_COMMAND Command = {.Opcode = NVME_ADMIN_IDENTIFY,
		.Nsid = Nsid,
		.Prp1 = Adapter->PageAddress,
		.Dword10 = What};

	return NvmeQueueAsk(Adapter, &Adapter->Admin, &Command, NULL);
}

static BOOLEAN NvmeFindController(PNVME_ADAPTER Adapter)
{
	PNVME_CONTROLLER_DATA Data = (PVOID)Adapter->Page;

	if (!NvmeIdentify(Adapter, NVME_IDENTIFY_CONTROLLER, 0))
		return FALSE;
	RtlCopyMemory(Adapter->Serial, Data->Serial, sizeof(Adapter->Serial));
	RtlCopyMemory(Adapter->Model, Data->Model, sizeof(Adapter->Model));
	RtlCopyMemory(Adapter->Firmware, Data->Firmware, sizeof(Adapter->Firmware));
	Adapter->MaxBytes = NVME_MAX_BYTES;
	if (Data->MaxTransfer && Data->MaxTransfer < 20)
		Adapter->MaxBytes = min(NVME_MAX_BYTES, (ULONG)NVME_PAGE << Data->MaxTransfer);
	Adapter->Units = max(1, min(Data->Namespaces, NVME_NAMESPACES));
	Adapter->Commands = Data->Commands;
	Adapter->HasDoorbellBuffer = (Data->AdminCommands & NVME_HAS_DOORBELL_BUFFER) != 0;
	Adapter->HasCache = Data->Cache & 1;
	return TRUE;
}

/* Gives it the next LUN, unless its blocks are none that we could show. */
static BOOLEAN NvmeFindNamespace(PNVME_ADAPTER Adapter, ULONG Nsid)
{
	PNVME_NAMESPACE Namespace = &Adapter->Namespaces[Adapter->NamespaceCount];
	PNVME_NAMESPACE_DATA Data = (PVOID)Adapter->Page;
	ULONG Format, Shift;

	if (!NvmeIdentify(Adapter, NVME_IDENTIFY_NAMESPACE, Nsid))
		return FALSE;
	Format = Data->Formats[Data->Format & 0xF];
	Shift = Format >> 16 & 0xFF;
	if ((Format & 0xFFFF) || Shift < 9 || Shift > 12 || Data->Blocks == 0) {
		StorPortDebugPrint(
			0, "nvme: namespace %u is left out: format %08x\n", Nsid, Format);
		return TRUE;
	}
	Namespace->Nsid = Nsid;
	Namespace->Blocks = Data->Blocks;
	Namespace->BlockShift = (UCHAR)Shift;
	Namespace->ReadOnly = Data->Attributes & 1;
	Namespace->ReadsZeros = (Data->Deallocate & 7) == 1;
	Namespace->ZeroesDeallocate = Data->Deallocate >> 3 & 1;
	RtlCopyMemory(Namespace->Nguid, Data->Nguid, sizeof(Namespace->Nguid));
	RtlCopyMemory(Namespace->Eui64, Data->Eui64, sizeof(Namespace->Eui64));
	Adapter->NamespaceCount++;
	return TRUE;
}

static BOOLEAN NvmeFindNamespaces(PNVME_ADAPTER Adapter)
{
	ULONG Nsids[NVME_NAMESPACES];

	if (!NvmeIdentify(Adapter, NVME_IDENTIFY_ACTIVE, 0))
		return FALSE;
	RtlCopyMemory(Nsids, Adapter->Page, sizeof(Nsids)); /* the page is used again */
	for (ULONG i = 0; i < NVME_NAMESPACES && Nsids[i]; i++)
		if (!NvmeFindNamespace(Adapter, Nsids[i]))
			return FALSE;
	return TRUE;
}

static BOOLEAN NvmeFindCache(PNVME_ADAPTER Adapter)
{
	NVME_COMMAND Command = {.Opcode = NVME_ADMIN_GET_FEATURES, .Dword10 = NVME_FEATURE_CACHE};
	ULONG Value = 0;

	if (Adapter->HasCache && !NvmeQueueAsk(Adapter, &Adapter->Admin, &Command, &Value))
		return FALSE;
	Adapter->CacheOn = Value & 1;
	return TRUE;
}

/* ---- queues ---- */

static BOOLEAN NvmeAskForQueues(PNVME_ADAPTER Adapter)
{
	ULONG Wanted = Adapter->QueueCount - 1, Granted;
	NVME_COMMAND Command = {.Opcode = NVME_ADMIN_SET_FEATURES,
		.Dword10 = NVME_FEATURE_QUEUES,
		.Dword11 = Wanted << 16 | Wanted};

	if (!NvmeQueueAsk(Adapter, &Adapter->Admin, &Command, &Granted))
		return FALSE;
	/* what else was granted needs not be used */
	Adapter->QueueCount = min(Adapter->QueueCount, 1 + min(Granted & 0xFFFF, Granted >> 16));
	return TRUE;
}

static BOOLEAN NvmeCreateQueue(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue)
{
	ULONG Vector = Adapter->OneInterrupt ? 0 : Queue->Id;
	ULONG SizeAndId = (Adapter->Entries - 1u) << 16 | Queue->Id;
	NVME_COMMAND Completions = {.Opcode = NVME_ADMIN_CREATE_COMPLETION,
		.Prp1 = NvmePhysical(Adapter, Queue->Completions),
		.Dword10 = SizeAndId,
		.Dword11 = Vector << 16 | 3}; /* contiguous, interrupts */
	NVME_COMMAND Commands = {.Opcode = NVME_ADMIN_CREATE_SUBMISSION,
		.Prp1 = NvmePhysical(Adapter, Queue->Commands),
		.Dword10 = SizeAndId,
		.Dword11 = (ULONG)Queue->Id << 16 | 1};

	NvmeQueueReset(Adapter, Queue, Adapter->Entries);
	return NvmeQueueAsk(Adapter, &Adapter->Admin, &Completions, NULL) &&
	       NvmeQueueAsk(Adapter, &Adapter->Admin, &Commands, NULL);
}

/* 5.7, 7.13: who emulates a controller is spared most register writes when it learns from memory
 * what they would tell. Not with the line, which goes down by a register write. */
static BOOLEAN NvmeUseShadow(PNVME_ADAPTER Adapter)
{
	ULONG Doorbells = 2 * (Adapter->QueueCount + 1) * NVME_CAP_STRIDE(Adapter->Cap);
	NVME_COMMAND Command = {.Opcode = NVME_ADMIN_DOORBELL_BUFFER,
		.Prp1 = Adapter->ShadowAddress,
		.Prp2 = Adapter->ShadowAddress + NVME_PAGE};

	if (!Adapter->HasDoorbellBuffer || Adapter->IsDump || Adapter->IsLine ||
		Doorbells > NVME_PAGE)
		return TRUE;
	RtlZeroMemory(Adapter->Shadow, 2 * NVME_PAGE);
	if (!NvmeQueueAsk(Adapter, &Adapter->Admin, &Command, NULL))
		return FALSE; /* who knows where it looks */
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		NvmeQueueShadow(Adapter, &Adapter->Queues[i]);
	return TRUE;
}

static VOID NvmeRun(PNVME_ADAPTER Adapter)
{
	Adapter->Running = TRUE;
	NvmeQueueOpen(Adapter, &Adapter->Admin, TRUE);
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		NvmeQueueOpen(Adapter, &Adapter->Queues[i], TRUE);
	if (Adapter->IsDump)
		return;
	if (Adapter->IsLine)
		StorPortWriteRegisterUlong(Adapter, &Adapter->Registers->InterruptMaskClear, 1);
	NvmeListen(Adapter);
	NvmeWatch(Adapter);
}

/* ---- all ---- */

/* Only to learn what the controller is: Storport wants to know the longest transfer early. */
BOOLEAN NvmeProbe(PNVME_ADAPTER Adapter)
{
	BOOLEAN Found = NvmeEnable(Adapter) && NvmeFindController(Adapter);

	return NvmeDisable(Adapter) && Found;
}

BOOLEAN NvmeStart(PNVME_ADAPTER Adapter)
{
	if (!NvmeEnable(Adapter) || !NvmeFindCache(Adapter) || !NvmeAskForQueues(Adapter))
		return FALSE;
	/* once: a later start must not change what requests look at */
	if (Adapter->NamespaceCount == 0 && !NvmeFindNamespaces(Adapter))
		return FALSE;
	for (ULONG i = 0; i < Adapter->QueueCount; i++)
		if (!NvmeCreateQueue(Adapter, &Adapter->Queues[i]))
			return FALSE;
	if (!NvmeUseShadow(Adapter))
		return FALSE;
	NvmeRun(Adapter);
	return TRUE;
}
