/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The register reference of docs/simple-controller.md as the device sees it. Everything is little
 * endian. A miniport has its own declarations, made from that page.
 */
#ifndef DRY_HW_SIMPLE_REGS_H
#define DRY_HW_SIMPLE_REGS_H

#include <stdint.h>

#define SIMPLE_VENDOR 0x4452
#define SIMPLE_DEVICE 0x0001

enum simple_register {
	SIMPLE_VERSION = 0x00,
	SIMPLE_CONTROL = 0x04,
	SIMPLE_STATUS = 0x08,
	SIMPLE_INTERRUPT = 0x0c,
	SIMPLE_MASK = 0x10,
	SIMPLE_FEATURES = 0x14,
	SIMPLE_ENTRIES = 0x18,
	SIMPLE_ELEMENTS = 0x1c,
	SIMPLE_BLOCK_SIZE = 0x20,
	SIMPLE_DOORBELL = 0x24,
	SIMPLE_BLOCKS = 0x28, /* 64 bits */
	SIMPLE_RING = 0x30,   /* 64 bits */
	SIMPLE_REGISTERS_END = 0x38
};

#define SIMPLE_VERSION_2 0x44525902u

enum { SIMPLE_CONTROL_ENABLE = 1 };

enum { SIMPLE_STATUS_READY = 1, SIMPLE_STATUS_ERROR_SHIFT = 8 };

enum simple_error { /* STATUS bits 15:8 */
	SIMPLE_ERROR_NONE,
	SIMPLE_ERROR_RING, /* RING is not aligned, or a command or completion could not be moved */
	SIMPLE_ERROR_DOORBELL, /* more commands than entries */
	SIMPLE_ERROR_MASTER    /* bus mastering is off */
};

enum { SIMPLE_CAUSE_COMPLETION = 1, SIMPLE_CAUSE_ERROR = 2, SIMPLE_CAUSES = 3 };

enum { SIMPLE_FEATURE_WIDTH = 0x7f, SIMPLE_FEATURE_READ_ONLY = 1 << 8 };

enum simple_opcode {
	SIMPLE_READ = 1,
	SIMPLE_WRITE = 2,
	SIMPLE_FLUSH = 3,
	SIMPLE_TRIM = 4,
	SIMPLE_ZERO = 5,
	SIMPLE_LOG = 6,
	SIMPLE_SCSI = 7
};

enum { SIMPLE_FUA = 1, SIMPLE_DIRECT = 2 };

enum simple_status {
	SIMPLE_OK,
	SIMPLE_BAD_OPCODE,
	SIMPLE_BAD_RANGE,
	SIMPLE_BAD_LIST,
	SIMPLE_DMA_ERROR,
	SIMPLE_MEDIA_ERROR,
	SIMPLE_NO_SPACE,
	SIMPLE_WRITE_PROTECTED,
	SIMPLE_BAD_FIELD,
	SIMPLE_BAD_PARAMETER,
	SIMPLE_STATUSES
};

struct simple_command {
	union {
		struct {
			uint8_t opcode;
			uint8_t flags;
		};
		uint16_t operation; /* both */
	};
	uint16_t tag;
	uint16_t elements;
	uint16_t message;
	uint64_t list; /* DIRECT: the data itself */
	union {
		struct {
			uint64_t block;
			uint64_t length; /* DIRECT: of the data */
		};
		uint8_t cdb[16];
	};
};

struct simple_element {
	uint64_t address; /* TRIM, ZERO: first block */
	uint32_t length;  /* bytes; TRIM, ZERO: blocks */
	uint32_t reserved;
};

/* Of an operation. */
#define SIMPLE_OPERATION(opcode, flags) ((opcode) | (flags) << 8)

union simple_completion {
	struct {
		uint8_t sense[18];
		uint16_t reserved;
		uint32_t length;
		uint16_t tag;
		uint16_t status;
		uint32_t sequence;
	};
	uint64_t words[4];
};

struct simple_log {
	uint64_t commands;
	uint64_t bytes_read, bytes_written;
	uint64_t flushes, ranges;
	uint64_t errors, resets, interrupts;
};

_Static_assert(sizeof(struct simple_command) == 32, "a command has 32 bytes");
_Static_assert(sizeof(struct simple_element) == 16, "an element has 16 bytes");
_Static_assert(sizeof(union simple_completion) == 32, "a completion has 32 bytes");
_Static_assert(sizeof(struct simple_log) == 64, "the log page has 64 bytes");

#define SIMPLE_RING_ALIGN   64
#define SIMPLE_ENTRIES_MAX  1024
#define SIMPLE_ELEMENTS_MAX 4096

#endif
