/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the NVM Express base specification, revision 1.4, says of registers and commands. */
#ifndef NVME_SPEC_H
#define NVME_SPEC_H

#include <storport.h>

#define NVME_PAGE 4096

typedef struct _NVME_REGISTERS { /* 3.1 */
	ULONG64 Cap;
	ULONG Version, InterruptMaskSet, InterruptMaskClear, Control, Reserved, Status,
		SubsystemReset;
	ULONG AdminQueueSizes;
	ULONG64 AdminSubmission, AdminCompletion;
} NVME_REGISTERS, *PNVME_REGISTERS;

#define NVME_CAP_ENTRIES(Cap)	 ((ULONG)((Cap)&0xFFFF) + 1)
#define NVME_CAP_TIMEOUT_MS(Cap) ((ULONG)((Cap) >> 24 & 0xFF) * 500)
#define NVME_CAP_STRIDE(Cap)	 (4u << ((Cap) >> 32 & 0xF))
#define NVME_CAP_PAGE_MIN(Cap)	 ((ULONG)((Cap) >> 48 & 0xF))
#define NVME_DOORBELLS		 0x1000

/* Entries of 64 and 16 bytes, pages of 4096, the NVM command set. */
#define NVME_CONTROL_ENABLE   (6u << 16 | 4u << 20 | 1u)
#define NVME_CONTROL_SHUTDOWN (1u << 14)
#define NVME_STATUS_READY     1u
#define NVME_STATUS_FATAL     2u
#define NVME_STATUS_SHUTDOWN  (3u << 2)
#define NVME_STATUS_SHUT_DOWN (2u << 2)

typedef struct _NVME_COMMAND { /* 4.2 */
	UCHAR Opcode, Flags;
	USHORT Cid;
	ULONG Nsid;
	ULONG64 Reserved, Metadata, Prp1, Prp2;
	ULONG Dword10, Dword11, Dword12, Dword13, Dword14, Dword15;
} NVME_COMMAND, *PNVME_COMMAND;
C_ASSERT(sizeof(NVME_COMMAND) == 64);

typedef struct _NVME_COMPLETION { /* 4.6 */
	ULONG Result, Reserved;
	USHORT SubmissionHead, SubmissionId, Cid;
	USHORT Status; /* bit 0: phase */
} NVME_COMPLETION, *PNVME_COMPLETION;
C_ASSERT(sizeof(NVME_COMPLETION) == 16);

enum { /* admin commands: 5 */
	NVME_ADMIN_CREATE_SUBMISSION = 1,
	NVME_ADMIN_GET_LOG = 2,
	NVME_ADMIN_CREATE_COMPLETION = 5,
	NVME_ADMIN_IDENTIFY = 6,
	NVME_ADMIN_SET_FEATURES = 9,
	NVME_ADMIN_ASYNC_EVENT = 12
};
enum { NVME_IDENTIFY_NAMESPACE, NVME_IDENTIFY_CONTROLLER };
enum { NVME_FEATURE_QUEUES = 7 };
enum { NVME_LOG_ERROR = 1 };

enum { /* I/O commands: 6 */
	NVME_FLUSH = 0,
	NVME_WRITE = 1,
	NVME_READ = 2,
	NVME_WRITE_ZEROES = 8,
	NVME_DATASET_MANAGEMENT = 9
};
#define NVME_NSID_ALL	0xFFFFFFFFu
#define NVME_FUA	(1u << 30)
#define NVME_DEALLOCATE 4u

typedef struct _NVME_RANGE { /* 6.7 */
	ULONG Attributes, Blocks;
	ULONG64 Block;
} NVME_RANGE, *PNVME_RANGE;

/* Status without phase, code in bits 7:0, its type in 10:8: 4.6.1. */
#define NVME_STATUS(Completion) ((USHORT)((Completion)->Status >> 1 & 0x7FF))
enum {
	NVME_SUCCESS = 0,
	NVME_DATA_TRANSFER_ERROR = 0x004,
	NVME_ABORT_REQUESTED = 0x007,
	NVME_INVALID_NAMESPACE = 0x00B,
	NVME_WRITE_PROTECTED = 0x020,
	NVME_LBA_OUT_OF_RANGE = 0x080,
	NVME_CAPACITY_EXCEEDED = 0x081,
	NVME_WRITE_FAULT = 0x280,
	NVME_UNRECOVERED_READ = 0x281
};

#endif
