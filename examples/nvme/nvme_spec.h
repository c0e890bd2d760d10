/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the NVM Express base specification, revision 1.4, says of registers, commands and what they
 * bring. Sections are named beside them. All of it is little-endian, as we are.
 */
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
#define NVME_CAP_HAS_NVM(Cap)	 ((Cap) >> 37 & 1) /* the NVM command set */
#define NVME_CAP_PAGE_MIN(Cap)	 ((ULONG)((Cap) >> 48 & 0xF))
#define NVME_DOORBELLS		 0x1000
#define NVME_VERSION_1_1	 0x00010100

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
	union {
		struct {
			ULONG Dword10, Dword11;
		};
		ULONG64 Dwords10; /* both */
	};
	ULONG Dword12, Dword13, Dword14, Dword15;
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
	NVME_ADMIN_ABORT = 8,
	NVME_ADMIN_SET_FEATURES = 9,
	NVME_ADMIN_GET_FEATURES = 10,
	NVME_ADMIN_ASYNC_EVENT = 12,
	NVME_ADMIN_DOORBELL_BUFFER = 0x7C
};
enum { NVME_IDENTIFY_NAMESPACE, NVME_IDENTIFY_CONTROLLER, NVME_IDENTIFY_ACTIVE };
enum { NVME_FEATURE_CACHE = 6, NVME_FEATURE_QUEUES = 7 };
enum { NVME_LOG_ERROR = 1, NVME_LOG_HEALTH = 2 };
#define NVME_LOG(Page, Bytes) (((Bytes) / 4 - 1) << 16 | (Page)) /* dword 10 */
#define NVME_NOT_ABORTED      1u				 /* of Abort's result */

enum { /* I/O commands: 6 */
	NVME_FLUSH = 0,
	NVME_WRITE = 1,
	NVME_READ = 2,
	NVME_COMPARE = 5,
	NVME_WRITE_ZEROES = 8,
	NVME_DATASET_MANAGEMENT = 9
};
#define NVME_NSID_ALL	       0xFFFFFFFFu
#define NVME_FUA	       (1u << 30) /* dword 12 */
#define NVME_ZEROES_DEALLOCATE (1u << 25) /* dword 12 of write zeroes */
#define NVME_DEALLOCATE	       4u	  /* dword 11 of dataset management */
#define NVME_MAX_BLOCKS	       0x10000u	  /* of one command */

typedef struct _NVME_RANGE { /* 6.7 */
	ULONG Attributes, Blocks;
	ULONG64 Block;
} NVME_RANGE, *PNVME_RANGE;

typedef struct _NVME_CONTROLLER_DATA { /* 5.15.2.2; up to what we look at */
	USHORT VendorId, SubsystemVendorId;
	UCHAR Serial[20], Model[40], Firmware[8];
	UCHAR Reserved72[5];
	UCHAR MaxTransfer; /* a power of two of pages; 0: no limit */
	UCHAR Reserved78[178];
	USHORT AdminCommands; /* optional ones: NVME_HAS_DOORBELL_BUFFER */
	UCHAR Reserved258[258];
	ULONG Namespaces;
	USHORT Commands; /* optional ones: NVME_HAS_ */
	USHORT Fused;
	UCHAR Format;
	UCHAR Cache; /* bit 0: there is one that is volatile */
} NVME_CONTROLLER_DATA, *PNVME_CONTROLLER_DATA;
C_ASSERT(FIELD_OFFSET(NVME_CONTROLLER_DATA, MaxTransfer) == 77);
C_ASSERT(FIELD_OFFSET(NVME_CONTROLLER_DATA, AdminCommands) == 256);
C_ASSERT(FIELD_OFFSET(NVME_CONTROLLER_DATA, Namespaces) == 516);
C_ASSERT(FIELD_OFFSET(NVME_CONTROLLER_DATA, Cache) == 525);

#define NVME_HAS_DOORBELL_BUFFER (1u << 8)
enum { NVME_HAS_COMPARE = 1, NVME_HAS_DATASET = 4, NVME_HAS_WRITE_ZEROES = 8 };

typedef struct _NVME_NAMESPACE_DATA { /* 5.15.2.1; up to what we look at */
	ULONG64 Blocks, Capacity, Used;
	UCHAR Features, FormatCount, Format; /* bits 3:0: which of Formats */
	UCHAR Reserved27[6];
	UCHAR Deallocate; /* bits 2:0 1: reads as zeros then; bit 3: write zeroes may do it */
	UCHAR Reserved34[65];
	UCHAR Attributes; /* bit 0: write protected */
	UCHAR Reserved100[4];
	UCHAR Nguid[16], Eui64[8];
	ULONG Formats[16]; /* bits 15:0 bytes of metadata, 23:16 block size, a power of two */
} NVME_NAMESPACE_DATA, *PNVME_NAMESPACE_DATA;
C_ASSERT(FIELD_OFFSET(NVME_NAMESPACE_DATA, Deallocate) == 33);
C_ASSERT(FIELD_OFFSET(NVME_NAMESPACE_DATA, Attributes) == 99);
C_ASSERT(FIELD_OFFSET(NVME_NAMESPACE_DATA, Formats) == 128);

#pragma pack(push, 1)
typedef struct _NVME_HEALTH { /* 5.14.1.2; up to what we look at */
	UCHAR Critical;
	USHORT Kelvin;
	UCHAR Reserved3[509];
} NVME_HEALTH, *PNVME_HEALTH;
#pragma pack(pop)
C_ASSERT(sizeof(NVME_HEALTH) == 512);

enum { NVME_CRITICAL_SPARE = 1, NVME_CRITICAL_TEMPERATURE = 2, NVME_CRITICAL_RELIABILITY = 4 };

/* Status without phase, code in bits 7:0, its type in 10:8: 4.6.1. */
#define NVME_STATUS(Completion) ((USHORT)((Completion)->Status >> 1 & 0x7FF))
enum {
	NVME_SUCCESS = 0,
	NVME_INVALID_OPCODE = 0x001,
	NVME_INVALID_FIELD = 0x002,
	NVME_DATA_TRANSFER_ERROR = 0x004,
	NVME_POWER_LOSS = 0x005,
	NVME_INTERNAL_ERROR = 0x006,
	NVME_ABORT_REQUESTED = 0x007,
	NVME_ABORT_QUEUE_DELETED = 0x008,
	NVME_INVALID_NAMESPACE = 0x00B,
	NVME_WRITE_PROTECTED = 0x020,
	NVME_LBA_OUT_OF_RANGE = 0x080,
	NVME_CAPACITY_EXCEEDED = 0x081,
	NVME_NAMESPACE_NOT_READY = 0x082,
	NVME_READ_ONLY_RANGE = 0x182,
	NVME_WRITE_FAULT = 0x280,
	NVME_UNRECOVERED_READ = 0x281,
	NVME_COMPARE_FAILURE = 0x285,
	NVME_ACCESS_DENIED = 0x286
};

#endif
