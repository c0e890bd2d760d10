/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files of the driver share. Locks: a queue's own, which is the DPC lock of its DPC,
 * guards all of the queue; no two are held together.
 */
#ifndef NVME_H
#define NVME_H

#include <ntddk.h>
#include <storport.h>
#include <srbhelper.h>
#include "nvme_spec.h"

#define NVME_QUEUES	32  /* for I/O, at most */
#define NVME_ENTRIES	256 /* of a queue */
#define NVME_NAMESPACES 32
#define NVME_MAX_BYTES	(1u << 20) /* of one request */
#define NVME_MAX_PAGES	(NVME_MAX_BYTES / NVME_PAGE + 1)
#define NVME_MAX_RANGES 64 /* of one UNMAP */

typedef struct _NVME_REQUEST { /* SRB extension: physically contiguous, so PRPs can lie in it */
	PSCSI_REQUEST_BLOCK Srb;
	NVME_COMMAND Command;
	union {
		ULONG64 Prps[NVME_MAX_PAGES + 1]; /* one may lead to the next page of the list */
		NVME_RANGE Ranges[NVME_MAX_RANGES];
	};
} NVME_REQUEST, *PNVME_REQUEST;

typedef struct _NVME_QUEUE { /* a submission and a completion queue */
	STOR_DPC Dpc;
	USHORT Id, Entries;
	USHORT Tail, Head, FreeCount;
	USHORT Phase;
	PNVME_COMMAND Commands;
	volatile NVME_COMPLETION *Completions;
	volatile ULONG *TailDoorbell, *HeadDoorbell;
	USHORT Free[NVME_ENTRIES]; /* identifiers of commands, a stack */
	PNVME_REQUEST Active[NVME_ENTRIES];
} NVME_QUEUE, *PNVME_QUEUE;

typedef struct _NVME_NAMESPACE {
	ULONG64 Blocks;
	ULONG BlockSize;
	UCHAR BlockShift;
	BOOLEAN ReadOnly;
	UCHAR Eui64[8];
} NVME_NAMESPACE, *PNVME_NAMESPACE;

/* Who is behind a command of the admin queue, by its identifier. */
enum { NVME_CID_SYNC, NVME_CID_EVENT, NVME_CID_LOG };

typedef struct _NVME_ADAPTER { /* device extension */
	PNVME_REGISTERS Registers;
	ULONG64 Cap;
	ULONG MaxBytes;
	ULONG Messages;	    /* 0: the line */
	ULONG QueueCount;   /* for I/O */
	BOOLEAN PerMessage; /* each queue has a message of its own */
	BOOLEAN HasDpcs, Running, Gone;
	PUCHAR Page; /* for what identify and logs say */
	ULONG64 PageAddress;
	ULONG Events; /* asynchronous, so far */
	volatile LONG SyncDone;
	NVME_COMPLETION Sync; /* of the last NVME_CID_SYNC */
	UCHAR Serial[20], Model[40], Firmware[8];
	BOOLEAN HasWriteCache;
	ULONG NamespaceCount;
	NVME_NAMESPACE Namespaces[NVME_NAMESPACES];
	NVME_QUEUE Admin, Queues[NVME_QUEUES];
} NVME_ADAPTER, *PNVME_ADAPTER;

/* nvme_queue.c: one queue */
ULONG NvmeQueueBytes(VOID);
VOID NvmeQueuePlace(PNVME_QUEUE Queue, USHORT Id, PUCHAR Memory);
VOID NvmeQueueReset(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, USHORT Entries);
BOOLEAN NvmeQueueSubmit(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_REQUEST Request);
VOID NvmeQueueAdmin(PNVME_ADAPTER Adapter, PNVME_COMMAND Command, USHORT Cid);
BOOLEAN NvmeQueueHasNews(PNVME_QUEUE Queue);
VOID NvmeQueueDrain(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue);
VOID NvmeQueueAbandon(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, UCHAR SrbStatus);
PNVME_QUEUE NvmeQueueHere(PNVME_ADAPTER Adapter);

/* nvme_interrupt.c */
HW_INTERRUPT NvmeInterrupt;
HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE NvmeMessage;
HW_DPC_ROUTINE NvmeDpc;

/* nvme_start.c: the controller */
BOOLEAN NvmeProbe(PNVME_ADAPTER Adapter);
BOOLEAN NvmeStart(PNVME_ADAPTER Adapter);
BOOLEAN NvmeStop(PNVME_ADAPTER Adapter);
VOID NvmeShutdown(PNVME_ADAPTER Adapter);
VOID NvmeListen(PNVME_ADAPTER Adapter);
VOID NvmeEvent(PNVME_ADAPTER Adapter, volatile NVME_COMPLETION *Done);

/* nvme_io.c: a request's way */
HW_BUILDIO NvmeBuildIo;
HW_STARTIO NvmeStartIo;
VOID NvmeComplete(PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus);
VOID NvmeFinish(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, volatile NVME_COMPLETION *Done);
BOOLEAN NvmeSetPrps(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PSTOR_SCATTER_GATHER_LIST List);

/* nvme_scsi.c, nvme_inquiry.c: SCSI into NVMe. An SRB status, or SRB_STATUS_PENDING: the command in
 * the request is to be submitted. */
UCHAR NvmeScsi(PNVME_ADAPTER Adapter, PNVME_REQUEST Request);
UCHAR NvmeInquiry(PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PSCSI_REQUEST_BLOCK Srb);
UCHAR NvmeReply(PSCSI_REQUEST_BLOCK Srb, const VOID *Data, ULONG Bytes, ULONG Allocated);
UCHAR NvmeSense(PSCSI_REQUEST_BLOCK Srb, UCHAR Key, UCHAR Code, UCHAR Qualifier);
UCHAR NvmeSenseOf(PSCSI_REQUEST_BLOCK Srb, USHORT Status);

/* nvme_control.c */
HW_RESET_BUS NvmeResetBus;
HW_ADAPTER_CONTROL NvmeAdapterControl;
HW_UNIT_CONTROL NvmeUnitControl;

#endif
