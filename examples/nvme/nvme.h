/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the files of the driver share.
 *
 * Locks: a queue's own, which is the DPC lock of its DPC, guards all of the queue; no two are held
 * together, and none while a request is completed. A closed queue takes no commands and shows no
 * completions: who closed it has it to itself. So while the controller starts there is one thread
 * that looks for what it waits for, whether interrupts come or not.
 */
#ifndef NVME_H
#define NVME_H

#include <ntddk.h>
#include <storport.h>
#include <srbhelper.h>
#include "nvme_spec.h"

#define NVME_QUEUES	   64  /* for I/O, at most */
#define NVME_ENTRIES	   256 /* of one, at most */
#define NVME_ADMIN_ENTRIES 32
#define NVME_DUMP_ENTRIES  64 /* in dump mode, where memory is scarce: a page of commands */
#define NVME_NAMESPACES	   255
#define NVME_MAX_BYTES	   (1u << 20)			/* of one request */
#define NVME_MAX_PRPS	   (NVME_MAX_BYTES / NVME_PAGE) /* in its list: all pages but the first */
#define NVME_MAX_RANGES	   64				/* of one UNMAP */

typedef struct _NVME_ADAPTER NVME_ADAPTER, *PNVME_ADAPTER;
typedef struct _NVME_REQUEST NVME_REQUEST, *PNVME_REQUEST;

/* At DISPATCH_LEVEL, no lock held. */
typedef VOID NVME_DONE(PNVME_ADAPTER Adapter, PNVME_REQUEST Request, PNVME_COMPLETION Done);

struct _NVME_REQUEST { /* a command, and what follows it */
	NVME_DONE *Done;
	PSCSI_REQUEST_BLOCK Srb; /* NULL: it is the driver's own */
	NVME_COMMAND Command;
};

typedef enum _NVME_ROUTE { NVME_TO_IO, NVME_TO_ADMIN, NVME_TO_RESET } NVME_ROUTE;

typedef struct _NVME_SRB { /* SRB extension: memory that the controller can read and write */
	NVME_REQUEST Request;
	NVME_ROUTE Route;
	union {
		/* Twice as long as a list can be, so that one that does not cross a page finds
		 * room. */
		ULONG64 Prps[2 * NVME_MAX_PRPS];
		NVME_RANGE Ranges[NVME_MAX_RANGES];
		NVME_HEALTH Health;
	};
} NVME_SRB, *PNVME_SRB;

typedef struct _NVME_DOORBELL { /* memory that says what the register is told: 7.13 */
	volatile ULONG *Register;
	volatile ULONG *Shadow, *EventIndex; /* NULL: the register alone */
} NVME_DOORBELL, *PNVME_DOORBELL;

typedef struct _NVME_QUEUE { /* a submission and a completion queue */
	STOR_DPC Dpc;
	BOOLEAN Open;
	USHORT Id, Entries;
	USHORT Tail, Head, FreeCount;
	USHORT Phase;
	USHORT Turn; /* of identifiers: the upper byte */
	PNVME_COMMAND Commands;
	volatile NVME_COMPLETION *Completions;
	NVME_DOORBELL TailDoorbell, HeadDoorbell;
	USHORT Free[NVME_ENTRIES]; /* places in Active, a stack */
	PNVME_REQUEST Active[NVME_ENTRIES];
	UCHAR Apart[64]; /* from the next one, which is another processor's: no cache line in common
			  */
} NVME_QUEUE, *PNVME_QUEUE;

typedef struct _NVME_NAMESPACE {
	ULONG Nsid;
	ULONG64 Blocks;
	UCHAR BlockShift;
	BOOLEAN ReadOnly;
	BOOLEAN ReadsZeros;	  /* where deallocated */
	BOOLEAN ZeroesDeallocate; /* write zeroes may */
	UCHAR Nguid[16], Eui64[8];
} NVME_NAMESPACE, *PNVME_NAMESPACE;

typedef struct _NVME_RESET { /* of a unit or target, by aborting its commands */
	PVOID volatile Srb;  /* NULL: none is under way */
	NVME_REQUEST Abort;
	ULONG Nsid;	   /* whose commands */
	ULONG Queue;	   /* that it is at */
	USHORT Place;	   /* likewise, in its Active */
	USHORT Cid;	   /* of the command there */
	BOOLEAN HasFailed; /* the controller could not abort one */
} NVME_RESET;

struct _NVME_ADAPTER { /* device extension */
	PNVME_REGISTERS Registers;
	ULONG Bus, Slot;
	ULONG64 Cap;
	ULONG MaxBytes;
	ULONG Messages;	      /* granted; 0: the line */
	BOOLEAN IsDump;	      /* the machine has crashed: one request at a time, polled */
	BOOLEAN IsLine;	      /* the line interrupts */
	BOOLEAN OneInterrupt; /* for all queues: message 0 or the line */
	ULONG QueueCount;     /* for I/O */
	USHORT Entries;	      /* of each */
	volatile BOOLEAN Running;
	volatile BOOLEAN Gone; /* removed, or it failed for good */
	STOR_DPC Restart;
	PUCHAR Page; /* for what identify and the error log say */
	ULONG64 PageAddress;
	PUCHAR Shadow; /* doorbells in memory, and a page of event indexes; NULL in dump mode */
	ULONG64 ShadowAddress;
	UCHAR Serial[20], Model[40], Firmware[8];
	USHORT Commands; /* NVME_HAS_ */
	BOOLEAN HasDoorbellBuffer;
	BOOLEAN HasCache;
	volatile BOOLEAN CacheOn;
	ULONG Units; /* namespaces that there may be */
	ULONG NamespaceCount;
	NVME_NAMESPACE Namespaces[NVME_NAMESPACES]; /* by LUN */
	NVME_REQUEST Event, ErrorLog;
	NVME_RESET Reset;
	NVME_QUEUE Admin, Queues[NVME_QUEUES];
};

/* nvme_queue.c: one queue */
ULONG NvmeQueueBytes(ULONG Entries);
VOID NvmeQueuePlace(PNVME_QUEUE Queue, USHORT Id, PUCHAR Memory, ULONG Entries);
VOID NvmeQueueReset(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, USHORT Entries);
VOID NvmeQueueShadow(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue);
VOID NvmeQueueOpen(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, BOOLEAN Open);
BOOLEAN NvmeQueueSubmit(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_REQUEST Request);
BOOLEAN NvmeQueueSubmitHere(PNVME_ADAPTER Adapter, PNVME_REQUEST Request);
BOOLEAN NvmeQueueAsk(
	PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, PNVME_COMMAND Command, PULONG Result);
BOOLEAN NvmeQueueHasNews(PNVME_QUEUE Queue);
BOOLEAN NvmeQueueDrain(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue);
USHORT NvmeQueueFind(
	PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, USHORT Place, ULONG Nsid, PUSHORT Cid);
VOID NvmeQueueAbandon(PNVME_ADAPTER Adapter, PNVME_QUEUE Queue, UCHAR SrbStatus);

/* nvme_interrupt.c */
HW_INTERRUPT NvmeInterrupt;
HW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE NvmeMessage;
HW_DPC_ROUTINE NvmeDpc;

/* nvme_start.c: the controller; no queue is open */
BOOLEAN NvmeProbe(PNVME_ADAPTER Adapter);
BOOLEAN NvmeStart(PNVME_ADAPTER Adapter);
BOOLEAN NvmeDisable(PNVME_ADAPTER Adapter);
VOID NvmeShutdown(PNVME_ADAPTER Adapter);

/* nvme_event.c */
VOID NvmeListen(PNVME_ADAPTER Adapter);

/* nvme_io.c: a request's way */
HW_BUILDIO NvmeBuildIo;
HW_STARTIO NvmeStartIo;
NVME_DONE NvmeFinish;
VOID NvmeComplete(PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb, UCHAR SrbStatus);

/* nvme_prp.c: where a command's data lies */
UCHAR NvmeSetData(PNVME_ADAPTER Adapter, PNVME_SRB Own); /* as NVME_SCSI, below */
VOID NvmeSetOwnData(PNVME_ADAPTER Adapter, PNVME_SRB Own, ULONG Bytes);
ULONG64 NvmePhysical(PNVME_ADAPTER Adapter, volatile VOID *Address);

/* nvme_scsi.c, nvme_inquiry.c, nvme_page.c: SCSI into NVMe. An SRB status, or SRB_STATUS_PENDING:
 * the command in the request is to be submitted. */
typedef UCHAR NVME_SCSI(
	PNVME_ADAPTER Adapter, PNVME_NAMESPACE Namespace, PNVME_SRB Own, PUCHAR Cdb);
NVME_SCSI NvmeScsi; /* of any command */
NVME_SCSI NvmeInquiry, NvmeReadCapacity10, NvmeReadCapacity16, NvmeReportLuns, NvmeRequestSense;
NVME_SCSI NvmeModeSense, NvmeModeSelect, NvmeLogSense;
/* What was not asked for is not written; less than asked for is said. */
UCHAR NvmeReply(PSCSI_REQUEST_BLOCK Srb, const VOID *Data, ULONG Bytes, ULONG Allocated);

/* nvme_sense.c */
UCHAR NvmeSense(PSCSI_REQUEST_BLOCK Srb, UCHAR Key, UCHAR Code, UCHAR Qualifier);
UCHAR NvmeInvalidCdb(PSCSI_REQUEST_BLOCK Srb);
UCHAR NvmeSenseOf(PSCSI_REQUEST_BLOCK Srb, USHORT Status);

/* nvme_reset.c */
VOID NvmeReset(PNVME_ADAPTER Adapter, PSCSI_REQUEST_BLOCK Srb);
VOID NvmeResetEnd(PNVME_ADAPTER Adapter, UCHAR SrbStatus);

/* nvme_control.c */
HW_RESET_BUS NvmeResetBus;
HW_TIMER NvmeWatch;
HW_DPC_ROUTINE NvmeRestart;
HW_ADAPTER_CONTROL NvmeAdapterControl;
HW_UNIT_CONTROL NvmeUnitControl;

/* SCSI is big-endian. */

FORCEINLINE USHORT NvmeGet16(const VOID *At)
{
	return RtlUshortByteSwap(*(const USHORT UNALIGNED *)At);
}

FORCEINLINE ULONG NvmeGet32(const VOID *At)
{
	return RtlUlongByteSwap(*(const ULONG UNALIGNED *)At);
}

FORCEINLINE ULONG64 NvmeGet64(const VOID *At)
{
	return RtlUlonglongByteSwap(*(const ULONG64 UNALIGNED *)At);
}

FORCEINLINE VOID NvmePut16(PVOID At, USHORT Value)
{
	*(USHORT UNALIGNED *)At = RtlUshortByteSwap(Value);
}

FORCEINLINE VOID NvmePut32(PVOID At, ULONG Value)
{
	*(ULONG UNALIGNED *)At = RtlUlongByteSwap(Value);
}

FORCEINLINE VOID NvmePut64(PVOID At, ULONG64 Value)
{
	*(ULONG64 UNALIGNED *)At = RtlUlonglongByteSwap(Value);
}

#endif
