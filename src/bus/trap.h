/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Registers that a driver dereferences, and ports that it reaches with `in` and `out`.
 *
 * BARs stand on inaccessible pages, so such an instruction faults. The signal's handler (trap.c)
 * has it decoded (trap_decode.c) and, if it can be carried out, leaves a frame with all of the
 * driver's registers on the driver's stack, below the red zone, and lets the processor go on at
 * trap_entry (trap_stub.S). So the access is made in no signal's context but as if the driver had
 * called an accessor there: interrupts are served and fibers are switched, since it is a safepoint.
 *
 * The instruction itself is executed from a copy whose memory operand is another: a scratch place
 * beside the copy, which holds what the device gave, and from which the device gets what it is
 * given. So every instruction means what the processor takes it to mean. Only those that touch the
 * stack, repeat themselves or reach ports are done by hand.
 */
#ifndef DRY_BUS_TRAP_H
#define DRY_BUS_TRAP_H

#include "util/common.h"

#define TRAP_OPERAND_MAX 64 /* bytes: a register of AVX-512 */
#define TRAP_CODE_MAX	 15 /* bytes of an instruction */

/* Registers by the numbers that instructions have for them. */
enum trap_register { TRAP_RAX, TRAP_RCX, TRAP_RDX, TRAP_RSP = 4, TRAP_RSI = 6, TRAP_RDI };

enum trap_kind {
	TRAP_COPY, /* a copy of it is executed */
	TRAP_PUSH,
	TRAP_POP,
	TRAP_STRING,
	TRAP_IN,
	TRAP_OUT
};

enum trap_string { TRAP_MOVS, TRAP_STOS, TRAP_LODS, TRAP_CMPS, TRAP_SCAS, TRAP_INS, TRAP_OUTS };

enum trap_repeat { TRAP_ONCE, TRAP_REP, TRAP_REPNE };

/* What is to be done for one instruction. */
struct trap_plan {
	uint8_t kind;	 /* enum trap_kind */
	uint8_t string;	 /* enum trap_string */
	uint8_t repeat;	 /* enum trap_repeat */
	uint8_t length;	 /* of the instruction, bytes */
	uint8_t size;	 /* of its operand, or of one element, bytes */
	uint8_t element; /* of a masked operand: bytes of one element; 0: it has no mask */
	uint8_t mask;	 /* number of the mask register */
	bool reads, writes, locked;
	uint8_t bits; /* a bit's number is in register `number`: of the operand it names so many; 0:
			 no such instruction */
	uint8_t number;
	uint8_t code[TRAP_CODE_MAX]; /* the copy, complete but for its displacement */
	uint8_t code_length;
	uint8_t displacement; /* where in the copy its 32 bits are */
	uint64_t address;     /* of the operand, or the port's number */
	const char *name;     /* mnemonic */
};

/* The frame; trap_stub.S knows the members above `plan`. */
struct trap_frame {
	uint64_t gpr[16];
	uint64_t rip, flags;
	uint64_t resume; /* stack pointer with which trap_entry leaves */
	void *xsave;	 /* aligned to 64 bytes: the vector registers */
	uint64_t code;	 /* the copy's address, for trap_execute */
	struct trap_plan plan;
};

/* trap_decode.c: from the bytes at frame->rip and the frame's registers into frame->plan. False: it
 * is no instruction that is carried out (plan.name says which, NULL: none at all). */
bool trap_decode(struct trap_frame *frame);

/* What trap_entry fills: of these components of XSAVE, which trap_stub.S has too: x87, SSE, AVX and
 * AVX-512. */
#define TRAP_XSAVE_MASK 0xe7
struct trap_xsave {
	uint32_t bytes; /* 0: the processor lacks XSAVE, and nothing is carried out */
	uint32_t masks; /* where the mask registers are */
};
extern struct trap_xsave trap_xsave;

/* Words at frame->resume, below the driver's red zone: rdi, flags, rip. */
#define TRAP_RESUME 3

/* trap_stub.S */
void trap_entry(void);
void trap_execute(struct trap_frame *frame);
void trap_executed(void);

/* trap_perform.c: called by trap_entry */
void trap_perform(struct trap_frame *frame);
void trap_counts_clear(void);

/* trap_copy.c: executes the copy with the frame's registers on the operand that bytes hold. */
void trap_copy_execute(struct trap_frame *frame, uint8_t bytes[TRAP_OPERAND_MAX]);
bool trap_copy_is_possible(void);
int trap_copy_init(void);
void trap_copy_fini(void);

/* trap.c: a signal's context becomes what it was at the instruction. */
void trap_context_restore(const struct trap_frame *frame, void *context);

#endif
