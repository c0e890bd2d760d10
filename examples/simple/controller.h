/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The simple controller's registers, commands and completions, as docs/simple-controller.md has
 * them. */
enum { SIMPLE_VERSION = 0x44525902, SIMPLE_ENABLE = 1, SIMPLE_WIDTH = 0x7F };
enum { SIMPLE_READ = 1, SIMPLE_WRITE, SIMPLE_FLUSH, SIMPLE_LOG = 6, SIMPLE_SCSI };
enum { SIMPLE_FUA = 1, SIMPLE_DIRECT = 2 };
enum { SIMPLE_LOG_SIZE = 64, SIMPLE_MAX_ENTRIES = 1024 };

typedef struct _SIMPLE_REGISTERS {
	ULONG Version, Control, Status, Interrupt, Mask, Features;
	ULONG Entries, Elements, BlockSize, Doorbell;
	ULONG64 Blocks, Ring;
} SIMPLE_REGISTERS, *PSIMPLE_REGISTERS;

typedef struct _SIMPLE_COMMAND {
	union {
		struct {
			UCHAR Opcode, Flags;
			USHORT Tag, Elements, Message;
		};
		ULONG64 Head; /* all of them: opcode | flags << 8 ... */
	};
	ULONG64 List; /* with SIMPLE_DIRECT the data itself, of Length bytes */
	union {
		struct {
			ULONG64 Block, Length;
		};
		UCHAR Cdb[16];
	};
} SIMPLE_COMMAND, *PSIMPLE_COMMAND;

typedef struct _SIMPLE_COMPLETION {
	SENSE_DATA Sense;
	USHORT Reserved;
	ULONG Length;
	USHORT Tag, Status;
	ULONG Sequence;
} SIMPLE_COMPLETION;

typedef struct _SIMPLE_ELEMENT {
	ULONG64 Address;
	ULONG Length, Reserved;
} SIMPLE_ELEMENT;
