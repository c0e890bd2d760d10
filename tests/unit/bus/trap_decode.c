/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/bus/trap_decode.c and trap_copy.c: an instruction on a BAR leaves the same registers,
 * flags and memory as the same instruction on memory at the same address.
 */
#include "trap_kit.h"

/* ---- instructions by chance ---- */

enum { BYTE = 1, WIDE = 2, VECTOR = 4, LOCKS = 8, ALIGNED = 16, AVX = 32, AVX512 = 64 };

struct form {
	const char
		*opcode; /* with mandatory prefixes, "66|" before it: a prefix that REX follows */
	uint8_t length;
	int8_t extension;  /* in ModRM, -1: any register */
	uint8_t immediate; /* bytes; 4: 2 where operands have 16 bits */
	uint8_t flags;
};

#define FORM(opcode, extension, immediate, flags)                                                  \
	{                                                                                          \
		opcode, sizeof(opcode) - 1, extension, immediate, flags                            \
	}

static const struct form forms[] = {
	/* arithmetic: memory, register; register, memory; immediate */
	FORM("\x00", -1, 0, BYTE),
	FORM("\x01", -1, 0, WIDE),
	FORM("\x02", -1, 0, BYTE),
	FORM("\x03", -1, 0, WIDE),
	FORM("\x08", -1, 0, BYTE),
	FORM("\x09", -1, 0, WIDE | LOCKS),
	FORM("\x11", -1, 0, WIDE),
	FORM("\x13", -1, 0, WIDE),
	FORM("\x19", -1, 0, WIDE),
	FORM("\x1b", -1, 0, WIDE),
	FORM("\x21", -1, 0, WIDE | LOCKS),
	FORM("\x23", -1, 0, WIDE),
	FORM("\x29", -1, 0, WIDE | LOCKS),
	FORM("\x2a", -1, 0, BYTE),
	FORM("\x31", -1, 0, WIDE),
	FORM("\x33", -1, 0, WIDE),
	FORM("\x38", -1, 0, BYTE),
	FORM("\x39", -1, 0, WIDE),
	FORM("\x3a", -1, 0, BYTE),
	FORM("\x3b", -1, 0, WIDE),
	FORM("\x80", 0, 1, BYTE),
	FORM("\x80", 7, 1, BYTE),
	FORM("\x81", 1, 4, WIDE),
	FORM("\x81", 4, 4, WIDE | LOCKS),
	FORM("\x81", 7, 4, WIDE),
	FORM("\x83", 5, 1, WIDE),
	FORM("\x83", 6, 1, WIDE | LOCKS),
	FORM("\xf6", 0, 1, BYTE),
	FORM("\xf7", 0, 4, WIDE),
	FORM("\xf7", 2, 0, WIDE),
	FORM("\xf6", 3, 0, BYTE),
	FORM("\xf7", 4, 0, WIDE),
	FORM("\xf7", 5, 0, WIDE),
	FORM("\xfe", 0, 0, BYTE),
	FORM("\xff", 1, 0, WIDE),
	FORM("\x69", -1, 4, WIDE),
	FORM("\x6b", -1, 1, WIDE),
	FORM("\x0f\xaf", -1, 0, WIDE),
	FORM("\x84", -1, 0, BYTE),
	FORM("\x85", -1, 0, WIDE),
	/* shifts */
	FORM("\xc0", 0, 1, BYTE),
	FORM("\xc1", 5, 1, WIDE),
	FORM("\xd1", 2, 0, WIDE),
	FORM("\xd2", 4, 0, BYTE),
	FORM("\xd3", 7, 0, WIDE),
	FORM("\x0f\xa4", -1, 1, WIDE),
	FORM("\x0f\xad", -1, 0, WIDE),
	/* moves */
	FORM("\x88", -1, 0, BYTE),
	FORM("\x89", -1, 0, WIDE),
	FORM("\x8a", -1, 0, BYTE),
	FORM("\x8b", -1, 0, WIDE),
	FORM("\xc6", 0, 1, BYTE),
	FORM("\xc7", 0, 4, WIDE),
	FORM("\x63", -1, 0, WIDE),
	FORM("\x0f\xb6", -1, 0, WIDE),
	FORM("\x0f\xb7", -1, 0, WIDE),
	FORM("\x0f\xbe", -1, 0, WIDE),
	FORM("\x0f\xbf", -1, 0, WIDE),
	FORM("\x0f\xc3", -1, 0, 0),
	FORM("\x0f\x44", -1, 0, WIDE),
	FORM("\x0f\x4c", -1, 0, WIDE),
	FORM("\x0f\x94", 0, 0, BYTE),
	FORM("\x0f\x92", 0, 0, BYTE),
	FORM("\x0f\x38\xf0", -1, 0, WIDE),
	FORM("\x0f\x38\xf1", -1, 0, WIDE),
	/* exchanges */
	FORM("\x86", -1, 0, BYTE),
	FORM("\x87", -1, 0, WIDE | LOCKS),
	FORM("\x0f\xb0", -1, 0, BYTE),
	FORM("\x0f\xb1", -1, 0, WIDE | LOCKS),
	FORM("\x0f\xc0", -1, 0, BYTE),
	FORM("\x0f\xc1", -1, 0, WIDE | LOCKS),
	FORM("\x0f\xc7", 1, 0, LOCKS),
	/* bits */
	FORM("\x0f\xba", 4, 1, WIDE),
	FORM("\x0f\xba", 5, 1, WIDE | LOCKS),
	FORM("\x0f\xba", 6, 1, WIDE),
	FORM("\x0f\xba", 7, 1, WIDE),
	FORM("\x0f\xbc", -1, 0, WIDE),
	FORM("\x0f\xbd", -1, 0, WIDE),
	/* the stack */
	FORM("\xff", 6, 0, 0),
	FORM("\x8f", 0, 0, 0),
	FORM("\x66|\xff", 6, 0, 0),
	/* SSE */
	FORM("\x0f\x10", -1, 0, VECTOR),
	FORM("\x0f\x11", -1, 0, VECTOR),
	FORM("\x0f\x28", -1, 0, VECTOR | ALIGNED),
	FORM("\x0f\x29", -1, 0, VECTOR | ALIGNED),
	FORM("\x66|\x0f\x6f", -1, 0, VECTOR | ALIGNED),
	FORM("\x66|\x0f\x7f", -1, 0, VECTOR | ALIGNED),
	FORM("\xf3|\x0f\x6f", -1, 0, VECTOR),
	FORM("\xf3|\x0f\x7f", -1, 0, VECTOR),
	FORM("\xf3|\x0f\x10", -1, 0, VECTOR),
	FORM("\xf3|\x0f\x11", -1, 0, VECTOR),
	FORM("\xf2|\x0f\x10", -1, 0, VECTOR),
	FORM("\xf2|\x0f\x11", -1, 0, VECTOR),
	FORM("\x0f\x12", -1, 0, VECTOR),
	FORM("\x0f\x17", -1, 0, VECTOR),
	FORM("\x66|\x0f\xd6", -1, 0, VECTOR),
	FORM("\xf3|\x0f\x7e", -1, 0, VECTOR),
	FORM("\x66|\x0f\x6e", -1, 0, VECTOR),
	FORM("\x66|\x0f\x7e", -1, 0, VECTOR),
	FORM("\x66|\x0f\xfe", -1, 0, VECTOR | ALIGNED),
	FORM("\x66|\x0f\xe7", -1, 0, VECTOR | ALIGNED),
	FORM("\x66|\x0f\x3a\x14", -1, 1, VECTOR),
	FORM("\x66|\x0f\x3a\x16", -1, 1, VECTOR),
	FORM("\x66|\x0f\x3a\x20", -1, 1, VECTOR),
	FORM("\x66|\x0f\x3a\x22", -1, 1, VECTOR),
	/* x87 */
	FORM("\xd9", 0, 0, 0),
	FORM("\xdd", 0, 0, 0),
	FORM("\xdb", 5, 0, 0),
	FORM("\xdf", 5, 0, 0),
	FORM("\xd9", 7, 0, 0),
	FORM("\x0f\xae", 3, 0, 0),
	/* AVX: vmovdqu, vpaddd, vmovaps; vmovdqu8, vmovdqu16 with the mask k1 and with none */
	FORM("\x01\x02\x6f", -1, 0, VECTOR | AVX),
	FORM("\x01\x02\x7f", -1, 0, VECTOR | AVX),
	FORM("\x01\x01\xfe", -1, 0, VECTOR | AVX),
	FORM("\x02\x01\x18", -1, 0, VECTOR | AVX),
	FORM("\x01\x03\x6f", -1, 0, VECTOR | AVX512),
	FORM("\x01\x03\x7f", -1, 0, VECTOR | AVX512),
};

static void put_32(struct bytes *b, uint64_t value)
{
	memcpy(b->at + b->length, &value, 4);
	b->length += 4;
}

/* A memory operand that leads to `address`, by chance one of the ways there are. */
struct addressing {
	unsigned base, index, scale;
	bool has_base, has_index, is_short;
	int64_t displacement;
};

static void addressing_make(struct addressing *a, struct state *s, uint64_t address)
{
	*a = (struct addressing){.base = chance(16), .index = chance(16), .scale = chance(4)};
	a->has_base = chance(5) != 0; /* else relative to the instruction */
	a->has_index = a->has_base && chance(3) == 0 && a->index != RSP && a->index != a->base;
	a->is_short = chance(2);
	a->displacement = a->is_short ? (int8_t)chance(256) : (int32_t)chance(1ull << 31);
	if (!a->has_base)
		return;
	while (a->base == RSP) /* the stack is where it is */
		a->base = chance(16);
	if (a->base == a->index)
		a->has_index = false;
	s->gpr[a->base] = address - (uint64_t)a->displacement -
			  (a->has_index ? s->gpr[a->index] << a->scale : 0);
}

/* ModRM to displacement; `rest` bytes follow. Relative to the instruction: code is where it is. */
static void addressing_put(struct bytes *b, const struct addressing *a, unsigned reg,
	uint64_t address, const uint8_t *code, unsigned rest, bool is_evex)
{
	bool is_short = a->is_short && !is_evex; /* there they are scaled */
	bool has_sib = a->has_index || (a->base & 7) == RSP;

	if (!a->has_base) {
		put(b, (reg & 7) << 3 | 5);
		put_32(b, address - (uint64_t)(code + b->length + 4 + rest));
		return;
	}
	put(b, (is_short ? 0x40 : 0x80) | (reg & 7) << 3 | (has_sib ? 4 : a->base & 7));
	if (has_sib)
		put(b, a->scale << 6 | (a->has_index ? a->index & 7 : 4) << 3 | (a->base & 7));
	if (is_short)
		put(b, (uint8_t)a->displacement);
	else
		put_32(b, (uint64_t)a->displacement);
}

/* What is above 7 of a base and an index. */
static unsigned high_bits(const struct addressing *a)
{
	return (a->has_index && a->index > 7 ? 2 : 0) | (a->has_base && a->base > 7 ? 1 : 0);
}

static void opcode_put(struct bytes *b, const struct form *f, const struct addressing *a,
	unsigned reg, bool is_16, bool is_64)
{
	const char *opcode = f->opcode, *end = opcode + f->length;
	unsigned high = high_bits(a) | (reg > 7 ? 4 : 0) | (is_64 ? 8 : 0);
	unsigned other = chance(16), wide = chance(2);

	if (f->flags & AVX) {
		bool is_load = opcode[0] == 2; /* vbroadcastss has one source */

		put(b, 0xc4);
		put(b, (~(high & 7) & 7) << 5 | opcode[0]);
		put(b, (opcode[2] == '\xfe' ? ~other & 15 : 15) << 3 | (wide | is_load) << 2 |
				opcode[1]);
		put(b, (uint8_t)opcode[2]);
		return;
	}
	if (f->flags & AVX512) {
		put(b, 0x62);
		put(b, (~(high & 7) & 7) << 5 | 0x10 | opcode[0]);
		put(b, chance(2) << 7 | 0x7c | opcode[1]);
		put(b, chance(3) << 5 | 8 | (unsigned)chance(2));
		put(b, (uint8_t)opcode[2]);
		return;
	}
	if ((f->flags & LOCKS) && chance(2))
		put(b, 0xf0);
	if (is_16)
		put(b, 0x66);
	if (f->length > 2 && opcode[1] == '|') {
		put(b, (uint8_t)opcode[0]);
		opcode += 2;
	}
	if (high)
		put(b, 0x40 | high);
	while (opcode < end)
		put(b, (uint8_t)*opcode++);
}

static void form_try(uint8_t *bar, const struct form *f, struct state *s)
{
	uint8_t *code = code_page + chance(8192 - 64);
	unsigned immediate, offset;
	bool is_16 = (f->flags & WIDE) && chance(3) == 0, is_64;
	unsigned reg = f->extension < 0 ? chance(16) : (unsigned)f->extension;
	uint64_t address;
	struct bytes b = {.length = 0};
	struct addressing a;

	offset = f->flags & ALIGNED ? 16 * chance(500)
		 : chance(2)	    ? chance(8000)
				    : 4096 - 32 + chance(64); /* around the end of a page */
	address = (uintptr_t)bar + offset;
	is_64 = (f->flags & WIDE) && !is_16 && chance(2);
	/* rsp is no operand of an instruction that is carried out; 4 is AH in a byte's */
	if (f->extension < 0 && reg == RSP && !(f->flags & (VECTOR | BYTE)))
		reg = RBX;
	state_make(s);
	addressing_make(&a, s, address);
	if ((f->flags & BYTE) && f->extension < 0 && reg == RSP && high_bits(&a))
		reg = RDX; /* with REX it is SPL */
	opcode_put(&b, f, &a, reg, is_16, is_64);
	immediate = f->immediate == 4 && is_16 ? 2 : f->immediate;
	addressing_put(&b, &a, reg, address, code, immediate, f->flags & AVX512);
	for (unsigned n = 0; n < immediate; n++)
		put(&b, chance(256));
	both(bar, code, s, b.at, b.length);
}

static bool form_is_known(const struct form *f)
{
	if (f->flags & AVX512)
		return has_avx512();
	return !(f->flags & AVX) || __builtin_cpu_supports("avx2");
}

static void an_instruction_does_to_a_register_what_it_does_to_memory(void **state)
{
	static struct state s;
	uint8_t *bar = ram_begin();

	random_state = 1;
	for (unsigned round = 0; round < 60; round++)
		for (unsigned n = 0; n < array_size(forms); n++)
			if (form_is_known(&forms[n]))
				form_try(bar, &forms[n], &s);
}

/* ---- what chance does not come to ---- */

static void an_absolute_address_and_a_segment_are_understood(void **state)
{
	static struct state s;
	static uint8_t code[4][10] = {{0xa0}, {0x48, 0xa1}, {0xa2}, {0x66, 0xa3}};
	static const uint8_t from[] = {1, 2, 1, 2};
	uint8_t *bar = ram_begin();
	uint64_t address = (uintptr_t)bar + 0x48, fs;

	/* mov between al, rax, al, ax and an address of 64 bits */
	for (unsigned n = 0; n < 4; n++) {
		state_make(&s);
		memcpy(code[n] + from[n], &address, 8);
		both(bar, code_page, &s, code[n], from[n] + 8u);
	}
	/* lock cmpxchg16b (%rdi), which wants 16 bytes aligned */
	state_make(&s);
	s.gpr[RDI] = (uintptr_t)bar + 0x40;
	both(bar, code_page, &s, CODE("\xf0\x48\x0f\xc7\x0f"));
	__asm__("mov %%fs:0, %0" : "=r"(fs));
	state_make(&s);
	s.gpr[RDI] = address - fs;
	both(bar, code_page, &s, CODE("\x64\x48\x03\x07")); /* add %fs:(%rdi), %rax */
}

/* SDM, BT: a register's value may name a bit in another word than the operand's, before it too. */
static void a_bit_string_goes_on_in_both_directions(void **state)
{
	static struct state s;
	static const int64_t bits[] = {0, 31, 32, 12345, -1, -32, -33, -12345};
	static const char *const codes[] = {"\x48\x0f\xa3\x0f", "\x48\x0f\xab\x0f",
		"\xf0\x48\x0f\xb3\x0f",
		"\x48\x0f\xbb\x0f"}; /* bt, bts, lock btr, btc %rcx, (%rdi) */
	uint8_t *bar = ram_begin();

	for (unsigned n = 0; n < array_size(bits) * 4; n++) {
		state_make(&s);
		s.gpr[RDI] = (uintptr_t)bar + 0x800;
		s.gpr[RCX] = (uint64_t)bits[n / 4];
		both(bar, code_page, &s, (const uint8_t *)codes[n % 4], n % 4 == 2 ? 5 : 4);
		/* the same in 32 bits: the upper half of rcx means nothing */
		s.gpr[RDI] = (uintptr_t)bar + 0x800;
		s.gpr[RCX] = (uint32_t)bits[n / 4] | 0x5ull << 32;
		both(bar, code_page, &s, CODE("\x0f\xab\x0f"));
		s.gpr[RDI] = (uintptr_t)bar + 0x800;
		both(bar, code_page, &s, CODE("\x66\x0f\xa3\x0f"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(an_instruction_does_to_a_register_what_it_does_to_memory),
		machine_test(an_absolute_address_and_a_segment_are_understood),
		machine_test(a_bit_string_goes_on_in_both_directions),
	};

	trap_kit_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
