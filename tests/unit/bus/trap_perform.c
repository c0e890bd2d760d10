/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/bus/trap_perform.c: string and port instructions, what the device sees of an access,
 * and when interrupts come.
 */
#include "trap_kit.h"
#include "../events.h"

/* Each of movs, stos, lods, cmps, scas: bytes, words, doublewords, quadwords; up and down. */
static void string_instructions_go_element_by_element(void **state)
{
	static const uint8_t opcodes[] = {0xa4, 0xaa, 0xac, 0xa6, 0xae};
	static const uint8_t prefix[] = {0, 0xf3, 0xf2};
	static struct state s;
	uint8_t *bar = ram_begin();

	random_state = 2;
	for (unsigned n = 0; n < 5 * 3 * 4 * 2 * 2 * 2; n++) {
		unsigned at = n / 8, width = at / 15 % 4, size = 1u << width;
		bool down = n & 1, from_bar = n & 2, equal = n & 4;
		struct bytes b = {.length = 0};

		state_make(&s);
		s.gpr[RCX] = 9;
		s.gpr[RSI] = (uintptr_t)(from_bar ? bar + 0x100 : stack + STACK - 100) + at % 5;
		s.gpr[RDI] = (uintptr_t)(bar + 0x80);
		/* lods alone has no other operand */
		if (opcodes[at % 5] == 0xac)
			s.gpr[RSI] = s.gpr[RDI];
		if (equal) /* for cmps: the same place, so that the end is the count's */
			s.gpr[RSI] = s.gpr[RDI];
		s.flags |= down ? 0x400 : 0;
		if (prefix[at / 5 % 3])
			put(&b, prefix[at / 5 % 3]);
		if (width == 1)
			put(&b, 0x66);
		if (width == 3)
			put(&b, 0x48);
		put(&b, opcodes[at % 5] | (size > 1));
		both(bar, code_page, &s, b.at, b.length);
	}
}

/* Zero elements are none: neither memory nor a device is looked at (it would be a fault). */
static void nothing_is_repeated_no_times(void **state)
{
	static struct state s;

	ram_begin();
	state_make(&s);
	s.gpr[RCX] = 0;
	s.gpr[RSI] = s.gpr[RDI] = 8;
	run_at(code_page, &s, CODE("\xf3\xa4"));
	assert_int_equal(s.gpr[RDI], 8);
}

static uint8_t *bar_2(void)
{
	struct bus_resource r;

	assert_true(bus_resource_get(ram.function, 2, &r));
	return bus_map(r.address, r.size, false, NULL);
}

/* ---- what the device sees ---- */

static uint64_t run_simple(uint8_t *reg, uint64_t value, const char *code)
{
	static struct state s;

	state_make(&s);
	s.gpr[RDI] = (uintptr_t)reg;
	s.gpr[RAX] = value;
	ram.log[0] = 0;
	run_at(code_page, &s, (const uint8_t *)code, strlen(code));
	return s.gpr[RAX];
}

#define LOAD_32	   "\x8b\x07"
#define STORE_32   "\x89\x07"
#define OR_32	   "\x09\x07"
#define LOCK_OR_32 "\xf0\x09\x07"
#define LOAD_64	   "\x48\x8b\x07"
#define LOAD_128   "\x0f\x10\x07"

static void an_access_is_split_into_aligned_parts(void **state)
{
	uint8_t *bar = ram_begin();
	uint64_t all, split;

	run_simple(bar + 8, 0, LOAD_64);
	assert_string_equal(ram.log, "r8@8 ");
	run_simple(bar + 8, 0, LOAD_32);
	assert_string_equal(ram.log, "r4@8 ");
	run_simple(bar + 8, 0, OR_32);
	assert_string_equal(ram.log, "r4@8 w4@8 ");
	/* compare and exchange writes the old value where it finds another */
	memcpy(ram.byte + 8, "\1\2\3\4", 4);
	assert_int_equal(run_simple(bar + 8, 0, "\x0f\xb1\x0f"), 0x04030201);
	assert_string_equal(ram.log, "r4@8 w4@8 ");
	assert_memory_equal(ram.byte + 8, "\1\2\3\4", 4);
	bus_trap_counts(&all, &split);
	assert_int_equal(all, 6);
	assert_int_equal(split, 0);
	run_simple(bar + 16, 0, LOAD_128);
	assert_string_equal(ram.log, "r8@10 r8@18 ");
	run_simple(bar + 4, 0, LOAD_128);
	assert_string_equal(ram.log, "r4@4 r8@8 r4@10 ");
	run_simple(bar + 0xfff, 0, LOAD_32);
	assert_string_equal(ram.log, "r1@fff r2@1000 r1@1002 ");
	bus_trap_counts(&all, &split);
	assert_int_equal(all, 9);
	assert_int_equal(split, 3);
}

static void a_masked_access_reaches_only_what_the_mask_names(void **state)
{
	static struct state s;
	uint8_t *bar = ram_begin();
	uint64_t mask = 0x0c0d; /* 1011 0000 0011, from the lowest */

	if (!has_avx512()) {
		print_message("not applicable: no AVX-512\n");
		return;
	}
	state_make(&s);
	memcpy(s.vectors + component(5) + 8, &mask, 8);
	s.gpr[RDI] = (uintptr_t)bar;
	/* vmovdqu32 %zmm0, (%rdi){%k1} */
	run_at(code_page, &s, CODE("\x62\xf1\x7e\x49\x7f\x07"));
	assert_string_equal(ram.log, "w4@0 w8@8 w8@28 ");
	/* vpaddd (%rdi){1to16}, %zmm0, %zmm0: one element for all */
	ram.log[0] = 0;
	s.gpr[RDI] = (uintptr_t)bar + 4;
	both(bar, code_page, &s, CODE("\x62\xf1\x7d\x58\xfe\x07"));
	assert_string_equal(ram.log, "r4@4 ");
}

static void an_access_is_an_event_that_says_so(void **state)
{
	uint8_t *bar = ram_begin();
	char wanted[256];

	memcpy(ram.byte + 0x14, "\x78\x56\x34\x12", 4);
	events_begin(EVENT(REG_READ) | EVENT(REG_WRITE));
	run_simple(bar + 0x14, 1, OR_32);
	bus_register_read(bar + 0x14, 4);
	events_end();
	snprintf(wanted, sizeof(wanted),
		"reg.read slot %1$u bar 0 offset 0x14 size 4 value 0x12345678 by dereference\n"
		"reg.write slot %1$u bar 0 offset 0x14 size 4 value 0x12345679 by dereference\n"
		"reg.read slot %1$u bar 0 offset 0x14 size 4 value 0x12345679\n",
		bus_function_slot(ram.function));
	assert_string_equal(events, wanted);
}

/* As with the accessors: all ones, and told. */
static void past_the_end_of_a_bar_are_ones(void **state)
{
	uint8_t *bar;

	ram_begin();
	bar = bar_2();
	memcpy(ram.byte + 0x1c, "\1\2\3\4", 4);
	assert_int_equal(run_simple(bar + 0x1c, 0, LOAD_64), 0xffffffff04030201);
	assert_string_equal(ram.log, "r4@1c ");
	assert_violation("BAR 2 + 0x20 of ram runs past its end");
	assert_int_equal(violation.number, 0xF1002005);
}

static void a_device_that_is_gone_reads_ones(void **state)
{
	uint8_t *bar = ram_begin();

	bus_function_unplug(ram.function);
	assert_int_equal(run_simple(bar, 5, LOAD_64), ~0ull);
	run_simple(bar, 5, STORE_32);
	assert_string_equal(ram.log, "");
}

/* ---- safepoints ---- */

static struct {
	struct bus_interrupt interrupt;
	uint8_t *bar;
	char plain[64], locked[64];
	bool keeps_registers;
} poll;

/* It interrupts when it is read, and changes what a function may change. */
static uint64_t raise_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	cpu_interrupt_raise(&poll.interrupt.vector);
	return ram_read(device, bar, offset, size);
}

static bool note_interrupt(struct cpu_interrupt *interrupt)
{
	strcat(ram.log, "irq ");
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0; pcmpeqd %%xmm9, %%xmm9; xor %%r8d, %%r8d" ::
				 : "xmm0", "xmm9", "r8");
	return true;
}

static void interrupt_in_instructions(void)
{
	static struct state s, before;

	run_simple(poll.bar, 1, OR_32);
	strcpy(poll.plain, ram.log);
	run_simple(poll.bar, 1, LOCK_OR_32);
	strcpy(poll.locked, ram.log);
	state_make(&s);
	s.gpr[RDI] = (uintptr_t)poll.bar;
	before = s;
	run_at(code_page, &s, CODE("\x3a\x07")); /* cmp (%rdi), %al */
	poll.keeps_registers = !memcmp(before.gpr, s.gpr, sizeof(s.gpr)) &&
			       !memcmp(before.vectors + 160, s.vectors + 160, 256);
}

/* An interrupt comes where an accessor would have let it in: after the read, after the write. Not
 * so within a locked instruction. */
static void an_access_is_a_safepoint(void **state)
{
	struct bus_function_ops ops = {.read = raise_read, .write = ram_write};
	struct bus_function *function;
	struct bus_resource r;

	ram_begin();
	function = bus_function_new(&ram_config, &ops, NULL);
	assert_true(bus_resource_get(function, 0, &r));
	memset(&poll, 0, sizeof(poll));
	poll.bar = bus_map(r.address, r.size, false, NULL);
	poll.interrupt.vector = (struct cpu_interrupt){.irql = 5, .service = note_interrupt};
	on_processor(interrupt_in_instructions);
	assert_string_equal(poll.plain, "r4@0 irq w4@0 ");
	assert_string_equal(poll.locked, "r4@0 w4@0 irq ");
	assert_true(poll.keeps_registers);
}

/* ---- ports ---- */

static uint64_t port_run(uint64_t rdx, const uint8_t *code, size_t length)
{
	static struct state s;

	state_make(&s);
	s.gpr[RAX] = 0x1122334455667788;
	s.gpr[RDX] = rdx;
	s.gpr[RCX] = 3;
	s.gpr[RSI] = s.gpr[RDI] = (uintptr_t)stack + 64;
	ram.log[0] = 0;
	run_at(code_page, &s, code, length);
	return s.gpr[RAX];
}

/* The status flags stay; 8 and 16 bits leave the rest of rax, 32 make its upper half zero. */
static void ports_are_reached_by_in_and_out(void **state)
{
	struct bus_resource r;

	ram_begin();
	assert_true(bus_resource_get(ram.function, 1, &r));
	memcpy(ram.byte + 8, "\xa1\xa2\xa3\xa4", 4);
	assert_int_equal(port_run(r.address + 8, CODE("\xec")), 0x11223344556677a1);
	assert_int_equal(port_run(r.address + 8, CODE("\x66\xed")), 0x112233445566a2a1);
	assert_int_equal(port_run(r.address + 8, CODE("\xed")), 0xa4a3a2a1);
	assert_string_equal(ram.log, "r4@8 ");
	/* 16 bits of dx */
	port_run(r.address + 4 + 0x10000, CODE("\xef"));
	assert_string_equal(ram.log, "w4@4 ");
	assert_memory_equal(ram.byte + 4, "\x88\x77\x66\x55", 4);
	port_run(r.address + 5, CODE("\xee"));
	assert_string_equal(ram.log, "w1@5 ");
	port_run(r.address + 6, CODE("\x66\xef"));
	assert_string_equal(ram.log, "w2@6 ");
	port_run(r.address + 8, CODE("\xf3\x66\x6d")); /* rep insw */
	assert_string_equal(ram.log, "r2@8 r2@8 r2@8 ");
	assert_memory_equal(stack + 64, "\xa1\xa2\xa1\xa2\xa1\xa2", 6);
	memcpy(stack + 64, "\1\2\3", 3);
	port_run(r.address + 9, CODE("\xf3\x6e")); /* rep outsb */
	assert_string_equal(ram.log, "w1@9 w1@9 w1@9 ");
	assert_int_equal(ram.byte[9], 3);
	assert_int_equal(violation.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(string_instructions_go_element_by_element),
		machine_test(nothing_is_repeated_no_times),
		machine_test(an_access_is_split_into_aligned_parts),
		machine_test(a_masked_access_reaches_only_what_the_mask_names),
		machine_test(an_access_is_an_event_that_says_so),
		machine_test(past_the_end_of_a_bar_are_ones),
		machine_test(a_device_that_is_gone_reads_ones),
		machine_test(an_access_is_a_safepoint),
		machine_test(ports_are_reached_by_in_and_out),
	};

	trap_kit_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
