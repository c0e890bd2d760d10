/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Numbers and structures of the NVM Express base specification, revision 1.4, as far as the
 * controller has them. Sections are named beside them; everything is little endian, as we are.
 */
#ifndef DRY_HW_NVME_SPEC_H
#define DRY_HW_NVME_SPEC_H

#include <stdint.h>

#define NVME_PAGE 4096u /* the one memory page size: CC.MPS 0 */

/* ---- registers: section 3.1 ---- */

enum {
	NVME_CAP = 0x00,
	NVME_VS = 0x08,
	NVME_INTMS = 0x0c,
	NVME_INTMC = 0x10,
	NVME_CC = 0x14,
	NVME_CSTS = 0x1c,
	NVME_AQA = 0x24,
	NVME_ASQ = 0x28,
	NVME_ACQ = 0x30,
	NVME_DOORBELLS = 0x1000
};

#define NVME_VERSION_1_4 0x00010400u

enum { /* CAP */
	NVME_CAP_CQR = 1 << 16,
	NVME_CAP_TO_SHIFT = 24
};
#define NVME_CAP_CSS_NVM (1ull << 37)

enum { /* CC */
	NVME_CC_EN = 1 << 0,
	NVME_CC_CSS = 7 << 4,
	NVME_CC_MPS = 15 << 7,
	NVME_CC_AMS = 7 << 11,
	NVME_CC_SHN = 3 << 14,
	NVME_CC_IOSQES_SHIFT = 16,
	NVME_CC_IOCQES_SHIFT = 20
};

enum { /* CSTS */
	NVME_CSTS_RDY = 1 << 0,
	NVME_CSTS_CFS = 1 << 1,
	NVME_CSTS_SHST_BUSY = 1 << 2,
	NVME_CSTS_SHST_DONE = 2 << 2,
	NVME_CSTS_SHST = 3 << 2
};

/* ---- commands: section 4.2 ---- */

struct nvme_command {
	uint8_t opcode;
	uint8_t flags; /* fused operation, PRP or SGL */
	uint16_t cid;
	uint32_t nsid;
	uint32_t cdw2, cdw3;
	uint64_t metadata;
	uint64_t prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
_Static_assert(sizeof(struct nvme_command) == 64, "section 4.2");

enum { NVME_SQE_LOG2 = 6, NVME_CQE_LOG2 = 4 };

/* Section 4.6. Written as two words, the one with the phase last. */
struct nvme_completion {
	uint32_t result;
	uint32_t reserved;
	uint16_t sq_head, sqid;
	uint16_t cid;
	uint16_t status; /* phase in bit 0, above it enum nvme_status */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "section 4.6");

enum { NVME_FLAGS_FUSE = 0x03, NVME_FLAGS_PSDT = 0xc0 };

enum nvme_admin_opcode { /* section 5 */
	NVME_DELETE_SQ = 0x00,
	NVME_CREATE_SQ = 0x01,
	NVME_GET_LOG_PAGE = 0x02,
	NVME_DELETE_CQ = 0x04,
	NVME_CREATE_CQ = 0x05,
	NVME_IDENTIFY = 0x06,
	NVME_ABORT = 0x08,
	NVME_SET_FEATURES = 0x09,
	NVME_GET_FEATURES = 0x0a,
	NVME_ASYNC_EVENT = 0x0c,
	NVME_DOORBELL_BUFFER = 0x7c
};

enum nvme_io_opcode { /* section 6 */
	NVME_FLUSH = 0x00,
	NVME_WRITE = 0x01,
	NVME_READ = 0x02,
	NVME_COMPARE = 0x05,
	NVME_WRITE_ZEROES = 0x08,
	NVME_DATASET_MANAGEMENT = 0x09
};

enum { NVME_QUEUE_CONTIGUOUS = 1, NVME_QUEUE_INTERRUPT = 2 }; /* command dword 11: 5.3, 5.4 */

#define NVME_FUA	    (1u << 30) /* command dword 12: 6.9, 6.15, 6.17 */
#define NVME_DSM_DEALLOCATE 4u	       /* command dword 11: 6.7 */

#define NVME_NSID_ALL 0xffffffffu

/* Status code in bits 7:0, its type in 10:8, More in 13, Do Not Retry in 14: section 4.6.1. */
enum nvme_status {
	NVME_OK = 0x000,
	NVME_INVALID_OPCODE = 0x001,
	NVME_INVALID_FIELD = 0x002,
	NVME_CID_CONFLICT = 0x003,
	NVME_DATA_TRANSFER_ERROR = 0x004,
	NVME_ABORT_REQUESTED = 0x007,
	NVME_ABORT_SQ_DELETION = 0x008,
	NVME_INVALID_NAMESPACE = 0x00b,
	NVME_SEQUENCE_ERROR = 0x00c,
	NVME_INVALID_PRP_OFFSET = 0x013,
	NVME_WRITE_PROTECTED = 0x020,
	NVME_LBA_OUT_OF_RANGE = 0x080,
	NVME_CAPACITY_EXCEEDED = 0x081,
	NVME_CQ_INVALID = 0x100,
	NVME_INVALID_QUEUE_ID = 0x101,
	NVME_INVALID_QUEUE_SIZE = 0x102,
	NVME_ASYNC_LIMIT = 0x105,
	NVME_INVALID_VECTOR = 0x108,
	NVME_INVALID_LOG_PAGE = 0x109,
	NVME_INVALID_QUEUE_DELETION = 0x10c,
	NVME_FEATURE_NOT_SAVEABLE = 0x10d,
	NVME_FEATURE_NOT_OF_NAMESPACE = 0x10f,
	NVME_WRITE_FAULT = 0x280,
	NVME_UNRECOVERED_READ = 0x281,
	NVME_COMPARE_FAILURE = 0x285,
	NVME_STATUS_MORE = 1 << 13,
	NVME_STATUS_DNR = 1 << 14,
	/* ours: the command has no completion yet */
	NVME_HELD = 1 << 15
};

/* ---- asynchronous events: section 5.2 ---- */

enum { NVME_EVENT_ERROR = 0, NVME_EVENT_HEALTH = 1, NVME_EVENT_TYPES };
enum { /* information of an error */
	NVME_ERROR_DOORBELL_REGISTER = 0,
	NVME_ERROR_DOORBELL_VALUE = 1
};
enum { NVME_HEALTH_TEMPERATURE = 1 }; /* information of health */

/* ---- identify: section 5.15 ---- */

enum nvme_cns {
	NVME_CNS_NAMESPACE = 0x00,
	NVME_CNS_CONTROLLER = 0x01,
	NVME_CNS_ACTIVE_LIST = 0x02,
	NVME_CNS_DESCRIPTORS = 0x03,
	NVME_CNS_ALLOCATED_LIST = 0x10,
	NVME_CNS_ALLOCATED = 0x11
};

/* ---- features: section 5.21 ---- */

enum nvme_feature {
	NVME_FEATURE_ARBITRATION = 0x01,
	NVME_FEATURE_POWER = 0x02,
	NVME_FEATURE_TEMPERATURE = 0x04,
	NVME_FEATURE_ERROR_RECOVERY = 0x05,
	NVME_FEATURE_WRITE_CACHE = 0x06,
	NVME_FEATURE_QUEUES = 0x07,
	NVME_FEATURE_COALESCING = 0x08,
	NVME_FEATURE_VECTOR = 0x09,
	NVME_FEATURE_ATOMICITY = 0x0a,
	NVME_FEATURE_EVENTS = 0x0b,
	NVME_FEATURE_TIMESTAMP = 0x0e,
	NVME_FEATURES
};

#define NVME_FEATURE_SAVE (1u << 31) /* command dword 10 of Set Features */

enum { NVME_TEMPERATURE_OVER, NVME_TEMPERATURE_UNDER, NVME_TEMPERATURES }; /* 5.21.1.4, THSEL */

/* ---- log pages: section 5.14 ---- */

enum nvme_log {
	NVME_LOG_ERROR = 1,
	NVME_LOG_HEALTH = 2,
	NVME_LOG_FIRMWARE = 3,
	NVME_LOG_CHANGED = 4,
	NVME_LOG_EFFECTS = 5
};

#define NVME_LOG_RETAIN (1u << 15) /* command dword 10: the event stays masked */

struct nvme_error_entry {
	uint64_t count;
	uint16_t sqid, cid, status, location;
	uint64_t lba;
	uint32_t nsid;
	uint8_t vendor, transport, reserved1[2];
	uint64_t specific;
	uint8_t reserved2[24];
};
_Static_assert(sizeof(struct nvme_error_entry) == 64, "section 5.14.1.1");

struct nvme_range { /* dataset management: section 6.7 */
	uint32_t attributes, blocks;
	uint64_t block;
};
_Static_assert(sizeof(struct nvme_range) == 16, "section 6.7");

#endif
