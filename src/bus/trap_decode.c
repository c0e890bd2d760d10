/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From the bytes of an instruction to what is to be done for it (trap.h), by Zydis. Runs in a
 * signal's handler: it neither allocates nor locks. "SDM" is Intel's Software Developer's Manual,
 * volume 2. Neighbour: trap.c.
 */
#include "bus/trap.h"

#include <Zydis/Zydis.h>
#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(ZYDIS_VERSION >= 0x0004000000000000, "Zydis 4 is needed");

struct decoded {
	struct trap_frame *frame;
	struct trap_plan *plan;
	const uint8_t *bytes; /* of the instruction */
	ZydisDecodedInstruction i;
	ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
	const ZydisDecodedOperand *memory; /* the explicit one */
};

/* It reads no byte beyond the instruction's last, which was fetched: the next page may not be
 * there. */
static bool decode(struct decoded *d, uint64_t rip)
{
	ZydisDecoder decoder;

	d->bytes = (const uint8_t *)rip;
	ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	return ZYAN_SUCCESS(
		ZydisDecoderDecodeFull(&decoder, d->bytes, TRAP_CODE_MAX, &d->i, d->operand));
}

static uint64_t register_get(const struct decoded *d, ZydisRegister r)
{
	switch (ZydisRegisterGetClass(r)) {
	case ZYDIS_REGCLASS_GPR64:
		return d->frame->gpr[ZydisRegisterGetId(r)];
	case ZYDIS_REGCLASS_IP:
		return d->frame->rip + d->i.length;
	default:
		return 0; /* none */
	}
}

static uint64_t segment_base(ZydisRegister segment)
{
	uint64_t base = 0;

	if (segment == ZYDIS_REGISTER_FS)
		syscall(SYS_arch_prctl, ARCH_GET_FS, &base);
	else if (segment == ZYDIS_REGISTER_GS)
		syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	return base;
}

static uint64_t effective_address(const struct decoded *d)
{
	const ZydisDecodedOperandMem *m = &d->memory->mem;

	return segment_base(m->segment) + register_get(d, m->base) +
	       register_get(d, m->index) * m->scale + (uint64_t)m->disp.value;
}

/*
 * The copy: the same prefixes, opcode, register and immediate, but a memory operand that is named
 * by 32 bits from its end (mod 0, rm 5, without SIB; SDM 2.2.1.6, where REX.X and REX.B mean
 * nothing). trap.c knows those when it has found a place for the copy.
 */
static bool copy(struct decoded *d)
{
	const ZydisDecodedInstructionRaw *raw = &d->i.raw;
	struct trap_plan *plan = d->plan;
	bool has_modrm = d->i.attributes & ZYDIS_ATTRIB_HAS_MODRM;
	/* MOV between the accumulator and an address of 64 bits has no ModRM: opcodes A0 to A3 */
	unsigned head = has_modrm ? raw->modrm.offset : raw->disp.offset;
	unsigned tail = has_modrm ? head + 1u + (raw->modrm.rm == 4) + raw->disp.size / 8
				  : head + raw->disp.size / 8;
	unsigned rest = d->i.length - tail;

	if (head + 5 + rest > TRAP_CODE_MAX)
		return false;
	memcpy(plan->code, d->bytes, head);
	plan->code[head] = 5;
	if (has_modrm)
		plan->code[head] |= raw->modrm.reg << 3;
	else
		plan->code[head - 1] = (const uint8_t[]){0x8a, 0x8b, 0x88, 0x89}[d->i.opcode & 3];
	plan->displacement = head + 1;
	memcpy(plan->code + head + 5, d->bytes + tail, rest);
	plan->code_length = head + 5 + rest;
	/* neither FS, GS nor addresses of 32 bits: DS, which means nothing */
	for (unsigned n = 0; n < raw->prefix_count; n++)
		if (plan->code[n] == 0x64 || plan->code[n] == 0x65 || plan->code[n] == 0x67)
			plan->code[n] = 0x3e;
	return true;
}

/*
 * BT, BTS, BTR, BTC with the bit's number in a register: it may lie outside the operand, which is a
 * string of bits that goes on in both directions (SDM 3.1.1.9, "Bit(BitBase, BitOffset)").
 */
static void bit_string(struct decoded *d)
{
	static const ZydisMnemonic mnemonics[] = {
		ZYDIS_MNEMONIC_BT, ZYDIS_MNEMONIC_BTS, ZYDIS_MNEMONIC_BTR, ZYDIS_MNEMONIC_BTC};
	const ZydisDecodedOperand *number = &d->operand[1];
	struct trap_plan *plan = d->plan;
	unsigned unused;
	int64_t bit;

	for (unsigned n = 0; n < array_size(mnemonics); n++) {
		if (d->i.mnemonic != mnemonics[n] || number->type != ZYDIS_OPERAND_TYPE_REGISTER)
			continue;
		plan->bits = plan->size * 8;
		plan->number = (uint8_t)ZydisRegisterGetId(number->reg.value);
		unused = 64 - plan->bits;
		bit = (int64_t)(d->frame->gpr[plan->number] << unused) >> unused;
		plan->address += (uint64_t)(bit >> __builtin_ctz(plan->bits)) * plan->size;
	}
}

/* Vector registers whose elements take part or not. Only moves: their elements stay where they are.
 */
static bool mask_take(struct decoded *d)
{
	static const ZydisMnemonic moves[] = {ZYDIS_MNEMONIC_VMOVDQU8, ZYDIS_MNEMONIC_VMOVDQU16,
		ZYDIS_MNEMONIC_VMOVDQU32, ZYDIS_MNEMONIC_VMOVDQU64, ZYDIS_MNEMONIC_VMOVDQA32,
		ZYDIS_MNEMONIC_VMOVDQA64, ZYDIS_MNEMONIC_VMOVUPS, ZYDIS_MNEMONIC_VMOVUPD,
		ZYDIS_MNEMONIC_VMOVAPS, ZYDIS_MNEMONIC_VMOVAPD};

	if (d->i.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX ||
		d->i.avx.mask.reg == ZYDIS_REGISTER_NONE || d->i.avx.mask.reg == ZYDIS_REGISTER_K0)
		return true;
	for (unsigned n = 0; n < array_size(moves); n++)
		if (d->i.mnemonic == moves[n]) {
			d->plan->element = (uint8_t)(d->memory->element_size / 8);
			d->plan->mask = (uint8_t)ZydisRegisterGetId(d->i.avx.mask.reg);
			return d->plan->element != 0;
		}
	return false;
}

/* What cannot be executed elsewhere: it goes somewhere, chooses its addresses or parts of them by
 * itself, or touches no memory but what is beside it. */
static bool is_refused(const struct decoded *d)
{
	static const ZydisMnemonic refused[] = {ZYDIS_MNEMONIC_VMASKMOVPS,
		ZYDIS_MNEMONIC_VMASKMOVPD, ZYDIS_MNEMONIC_VPMASKMOVD, ZYDIS_MNEMONIC_VPMASKMOVQ,
		ZYDIS_MNEMONIC_CLFLUSH, ZYDIS_MNEMONIC_CLFLUSHOPT, ZYDIS_MNEMONIC_CLWB,
		ZYDIS_MNEMONIC_CLDEMOTE, ZYDIS_MNEMONIC_MOVDIR64B, ZYDIS_MNEMONIC_ENQCMD};

	for (unsigned n = 0; n < array_size(refused); n++)
		if (d->i.mnemonic == refused[n])
			return true;
	/* trap_execute keeps a stack pointer of its own */
	for (unsigned n = 0; n < d->i.operand_count; n++)
		if (d->operand[n].type == ZYDIS_OPERAND_TYPE_REGISTER &&
			ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64,
				d->operand[n].reg.value) == ZYDIS_REGISTER_RSP)
			return true;
	return d->i.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE;
}

static bool operand_take(struct decoded *d)
{
	bool has_modrm = d->i.attributes & ZYDIS_ATTRIB_HAS_MODRM;
	struct trap_plan *plan = d->plan;
	const ZydisDecodedOperand *m;

	for (unsigned n = 0; n < d->i.operand_count && !d->memory; n++)
		if (d->operand[n].type == ZYDIS_OPERAND_TYPE_MEMORY &&
			d->operand[n].visibility == ZYDIS_OPERAND_VISIBILITY_EXPLICIT &&
			d->operand[n].mem.type == ZYDIS_MEMOP_TYPE_MEM)
			d->memory = &d->operand[n];
	m = d->memory;
	if (!m || !m->size || m->size > 8 * TRAP_OPERAND_MAX || (!has_modrm && !d->i.raw.disp.size))
		return false;
	plan->size = (uint8_t)(m->size / 8);
	plan->address = effective_address(d);
	/* CMPXCHG writes even where it finds another value: the old one (SDM, CMPXCHG) */
	plan->reads = m->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
	plan->writes = m->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
	/* XCHG with memory locks by itself (SDM, XCHG) */
	plan->locked =
		(d->i.attributes & ZYDIS_ATTRIB_HAS_LOCK) || d->i.mnemonic == ZYDIS_MNEMONIC_XCHG;
	if (d->i.mnemonic == ZYDIS_MNEMONIC_PUSH || d->i.mnemonic == ZYDIS_MNEMONIC_POP) {
		plan->kind = plan->reads ? TRAP_PUSH : TRAP_POP;
		return true;
	}
	bit_string(d);
	return !is_refused(d) && mask_take(d) && copy(d);
}

/* Opcodes without their lowest bit, which tells bytes from more. */
static bool string_take(struct decoded *d)
{
	static const uint8_t kinds[0x100] = {[0x6c] = TRAP_INS + 1,
		[0x6e] = TRAP_OUTS + 1,
		[0xa4] = TRAP_MOVS + 1,
		[0xa6] = TRAP_CMPS + 1,
		[0xaa] = TRAP_STOS + 1,
		[0xac] = TRAP_LODS + 1,
		[0xae] = TRAP_SCAS + 1};
	struct trap_plan *plan = d->plan;
	uint8_t kind = kinds[d->i.opcode & 0xfe];

	if (!kind || d->i.address_width != 64)
		return false;
	plan->kind = TRAP_STRING;
	plan->string = kind - 1;
	plan->repeat = d->i.attributes & ZYDIS_ATTRIB_HAS_REPNE ? TRAP_REPNE
		       : d->i.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE)
			       ? TRAP_REP
			       : TRAP_ONCE;
	plan->address = d->frame->gpr[TRAP_RDX] & 0xffff;
	for (unsigned n = 0; n < d->i.operand_count; n++) {
		const ZydisDecodedOperand *m = &d->operand[n];

		if (m->type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		plan->size = (uint8_t)(m->size / 8);
		if (m->mem.segment == ZYDIS_REGISTER_FS || m->mem.segment == ZYDIS_REGISTER_GS)
			return false;
	}
	return true;
}

/* IN and OUT: E4 to E7 with the port's number, EC to EF with that in DX; bit 1 tells them apart. */
static bool port_take(struct decoded *d)
{
	struct trap_plan *plan = d->plan;

	if ((d->i.opcode & 0xf4) != 0xe4)
		return false;
	plan->kind = d->i.opcode & 2 ? TRAP_OUT : TRAP_IN;
	plan->size = !(d->i.opcode & 1) ? 1 : d->i.operand_width == 16 ? 2 : 4;
	plan->address =
		d->i.opcode & 8 ? d->frame->gpr[TRAP_RDX] & 0xffff : d->i.raw.imm[0].value.u;
	return true;
}

bool trap_decode(struct trap_frame *frame)
{
	struct decoded d = {.frame = frame, .plan = &frame->plan};

	memset(d.plan, 0, sizeof(*d.plan));
	if (!decode(&d, frame->rip))
		return false;
	d.plan->length = d.i.length;
	d.plan->name = ZydisMnemonicGetString(d.i.mnemonic);
	if (d.i.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
		d.i.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (string_take(&d) || port_take(&d)))
		return true;
	return operand_take(&d);
}
