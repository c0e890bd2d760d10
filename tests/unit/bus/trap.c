/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/bus/trap*: an instruction on a BAR leaves the same registers, flags and memory as the
 * same instruction on memory at the same address, which the processor executes without us. The
 * device is memory behind a bus; what it saw is looked at too.
 */
#include "bench_device.h"
#include "../events.h"
#include "util/layout.h"
#include "util/sanitizer.h"

#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BAR_BYTES   0x4000
#define STATE_BYTES 4096 /* of XSAVE */
#define STACK	    (256u << 10)
#define COMPONENTS  0xe7

/* ---- a device that is memory ---- */

static struct {
	struct bus_function *function;
	uint8_t byte[BAR_BYTES];
	unsigned reads, writes;
	char log[4096]; /* "r4@18 w8@20 " ... */
} ram;

static void ram_log(char verb, uint32_t offset, unsigned size)
{
	size_t used = strlen(ram.log);

	snprintf(ram.log + used, sizeof(ram.log) - used, "%c%u@%x ", verb, size, offset);
}

static uint64_t ram_read(void *device, unsigned bar, uint32_t offset, unsigned size)
{
	uint64_t value = 0;

	ram.reads++;
	ram_log('r', offset, size);
	memcpy(&value, ram.byte + offset, size);
	return value;
}

static border_call void ram_write(
	void *device, unsigned bar, uint32_t offset, unsigned size, uint64_t value)
{
	ram.writes++;
	ram_log('w', offset, size);
	memcpy(ram.byte + offset, &value, size);
}

static const struct bus_function_ops ram_ops = {.read = ram_read, .write = ram_write};
static const struct bus_function_config ram_config = {
	.vendor = 0x1af4,
	.device = 0x1002,
	.bar[0] = {.size = BAR_BYTES},
	.bar[1] = {.size = 32, .is_io = true},
	.bar[2] = {.size = 32},
	.name = "ram",
};

/* cmocka puts handlers of its own around each test. */
static struct sigaction faults[2];

static uint8_t *ram_begin(void)
{
	sigaction(SIGSEGV, &faults[0], NULL);
	sigaction(SIGFPE, &faults[1], NULL);
	memset(&ram, 0, sizeof(ram));
	ram.function = bus_function_new(&ram_config, &ram_ops, NULL);
	assert_non_null(ram.function);
	return bus_map(0xe0000000, BAR_BYTES, false, NULL);
}

static uint8_t *bar_2(void)
{
	struct bus_resource r;

	assert_true(bus_resource_get(ram.function, 2, &r));
	return bus_map(r.address, r.size, false, NULL);
}

/* ---- an instruction and its registers ---- */

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

struct state {
	uint64_t gpr[16]; /* the assembly below knows these two */
	uint64_t flags;
	uint8_t vectors[STATE_BYTES] __attribute__((aligned(64)));
};

/* Where the code runs; the assembly below knows the order. */
struct runner {
	uint64_t gpr[16], flags, host_sp, code, back;
	uint8_t padding[32];
	uint8_t vectors[STATE_BYTES];
};

struct runner runner __attribute__((aligned(64), visibility("hidden"), used));
void runner_go(void);
void runner_back(void);

__asm__(".text\n"
	"runner_go:\n"
	"	push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, runner+136(%rip)\n"
	"	mov $0xe7, %eax; xor %edx, %edx; xrstor64 runner+192(%rip)\n"
	"	pushq runner+128(%rip); popfq\n"
	"	mov runner(%rip), %rax; mov runner+8(%rip), %rcx; mov runner+16(%rip), %rdx\n"
	"	mov runner+24(%rip), %rbx; mov runner+32(%rip), %rsp; mov runner+40(%rip), %rbp\n"
	"	mov runner+48(%rip), %rsi; mov runner+56(%rip), %rdi; mov runner+64(%rip), %r8\n"
	"	mov runner+72(%rip), %r9; mov runner+80(%rip), %r10; mov runner+88(%rip), %r11\n"
	"	mov runner+96(%rip), %r12; mov runner+104(%rip), %r13; mov runner+112(%rip), %r14\n"
	"	mov runner+120(%rip), %r15\n"
	"	jmp *runner+144(%rip)\n"
	"runner_back:\n"
	"	mov %rax, runner(%rip); mov %rcx, runner+8(%rip); mov %rdx, runner+16(%rip)\n"
	"	mov %rbx, runner+24(%rip); mov %rsp, runner+32(%rip); mov %rbp, runner+40(%rip)\n"
	"	mov %rsi, runner+48(%rip); mov %rdi, runner+56(%rip); mov %r8, runner+64(%rip)\n"
	"	mov %r9, runner+72(%rip); mov %r10, runner+80(%rip); mov %r11, runner+88(%rip)\n"
	"	mov %r12, runner+96(%rip); mov %r13, runner+104(%rip); mov %r14, runner+112(%rip)\n"
	"	mov %r15, runner+120(%rip)\n"
	"	mov runner+136(%rip), %rsp\n"
	"	pushfq; popq runner+128(%rip)\n"
	"	cld\n"
	"	mov $0xe7, %eax; xor %edx, %edx; xsave64 runner+192(%rip)\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"	ret\n");

static uint8_t *code_page; /* two; code ends or begins anywhere in them */
static uint8_t *stack;

static void pages_make(void)
{
	/* behind the registers, so that 32 bits reach them */
	code_page = mmap((void *)(LAYOUT_REGISTERS + MEM_4GIB), 8192,
		PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code_page == MAP_FAILED || stack == MAP_FAILED)
		abort();
}

/* Executes bytes at code, with s before and after. */
static void run_at(uint8_t *code, struct state *s, const uint8_t *bytes, size_t length)
{
	memcpy(code, bytes, length);
	/* jmp *0(%rip) and where to */
	memcpy(code + length, "\xff\x25\0\0\0", 6);
	runner.back = (uintptr_t)runner_back;
	memcpy(code + length + 6, &runner.back, 8);
	memcpy(runner.gpr, s->gpr, sizeof(s->gpr));
	runner.flags = s->flags;
	runner.code = (uintptr_t)code;
	memcpy(runner.vectors, s->vectors, STATE_BYTES);
	memset(runner.vectors + 512 + 8, 0, 56);
	runner_go();
	memcpy(s->gpr, runner.gpr, sizeof(s->gpr));
	s->flags = runner.flags;
	memcpy(s->vectors, runner.vectors, STATE_BYTES);
}

/* ---- chance, the same at each run ---- */

static uint64_t random_state;

static uint64_t chance(uint64_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % n;
}

static void chance_fill(void *to, size_t bytes)
{
	for (size_t n = 0; n < bytes; n++)
		((uint8_t *)to)[n] = (uint8_t)chance(256);
}

static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}

static uint32_t component(unsigned n)
{
	uint32_t eax, ebx, ecx, edx;

	__cpuid_count(0xd, n, eax, ebx, ecx, edx);
	return ebx;
}

/* Random general and vector registers, status flags, and a mask in k1 that is not all of it. */
static void state_make(struct state *s)
{
	uint64_t components = 3, mask;

	memset(s, 0, sizeof(*s));
	chance_fill(s->gpr, sizeof(s->gpr));
	s->gpr[RSP] = (uintptr_t)stack + STACK - 256;
	s->flags = 0x202 | (chance(0x1000) & 0x8d5);
	s->vectors[0] = 0x7f; /* x87's control word, and no register used */
	s->vectors[1] = 0x03;
	memcpy(s->vectors + 24, "\x80\x1f\0\0\xff\xff", 6);
	chance_fill(s->vectors + 160, 256);
	if (__builtin_cpu_supports("avx")) {
		components |= 4;
		chance_fill(s->vectors + 576, 256);
	}
	if (has_avx512()) {
		components |= 0xe0;
		mask = chance(1u << 30);
		memcpy(s->vectors + component(5) + 8, &mask, 8);
		chance_fill(s->vectors + component(6), 512);
		chance_fill(s->vectors + component(7), 1024);
	}
	memcpy(s->vectors + 512, &components, 8);
}

/* ---- the same on memory and on the device ---- */

static void bytes_show(char *text, const uint8_t *bytes, size_t length)
{
	for (size_t n = 0; n < length; n++)
		sprintf(text + 3 * n, "%02x ", bytes[n]);
}

static void states_compare(const struct state *memory, const struct state *device, const char *what)
{
	static const unsigned skipped = 24; /* x87's last opcode and addresses */

	for (unsigned n = 0; n < 16; n++)
		if (memory->gpr[n] != device->gpr[n])
			fail_msg("%s: register %u is %#lx, on memory %#lx", what, n, device->gpr[n],
				memory->gpr[n]);
	if (memory->flags != device->flags)
		fail_msg("%s: flags are %#lx, on memory %#lx", what, device->flags, memory->flags);
	/* the two words before the header's end differ by what the processor finds unused */
	if (memcmp(memory->vectors, device->vectors, 6) ||
		memcmp(memory->vectors + skipped, device->vectors + skipped, 512 - 96 - skipped))
		fail_msg("%s: x87 or SSE registers differ", what);
	if (memcmp(memory->vectors + 576, device->vectors + 576, STATE_BYTES - 576))
		fail_msg("%s: AVX registers differ", what);
}

/*
 * Runs the code with s, once on memory in the place of the BAR's first pages and once on the
 * device, both with the same random content; s is the outcome.
 */
static void both(uint8_t *bar, uint8_t *at, struct state *s, const uint8_t *bytes, size_t length)
{
	static uint8_t content[2 * 4096], after[2 * 4096], stack_before[512], stack_after[512];
	static struct state memory;
	char what[64 + 3 * 15];
	uint8_t *top = stack + STACK - sizeof(stack_before);
	size_t from;

	bytes_show(what, bytes, min_of(length, (size_t)15));
	chance_fill(content, sizeof(content));
	chance_fill(stack_before, sizeof(stack_before));
	memcpy(top, stack_before, sizeof(stack_before));
	memory = *s;
	assert_int_equal(mprotect(bar, sizeof(content), PROT_READ | PROT_WRITE), 0);
	memcpy(bar, content, sizeof(content));
	run_at(at, &memory, bytes, length);
	memcpy(after, bar, sizeof(content));
	assert_int_equal(mprotect(bar, sizeof(content), PROT_NONE), 0);
	memcpy(stack_after, top, sizeof(stack_after));

	memcpy(top, stack_before, sizeof(stack_before));
	memcpy(ram.byte, content, sizeof(content));
	ram.reads = ram.writes = 0;
	ram.log[0] = 0;
	run_at(at, s, bytes, length);
	states_compare(&memory, s, what);
	if (memcmp(after, ram.byte, sizeof(after)))
		fail_msg("%s: the device's memory differs (%s)", what, ram.log);
	/* what lies below the red zone is nobody's */
	from = memory.gpr[RSP] - 128 - (uintptr_t)top;
	if (memcmp(top + from, stack_after + from, sizeof(stack_before) - from))
		fail_msg("%s: the stack differs", what);
	if (!ram.reads && !ram.writes)
		fail_msg("%s: the device was not asked", what);
	if (violation.count)
		fail_msg("%s: %s", what, violation.text);
}

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

struct bytes {
	uint8_t at[32];
	unsigned length;
};

static void put(struct bytes *b, unsigned byte)
{
	b->at[b->length++] = (uint8_t)byte;
}

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

#define CODE(bytes) (const uint8_t *)(bytes), sizeof(bytes) - 1

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

/* ---- what is not carried out, each in a process of its own ---- */

static void violation_print(void *ctx, const struct trace_event *event)
{
	fprintf(stderr, "%s\n", (const char *)event->arg[0]);
}

static void crash_print(int signal, uintptr_t address, uintptr_t pc, void *context)
{
	fprintf(stderr, "signal %d at code + %ld, address %s\n", signal,
		(long)(pc - (uintptr_t)code_page), address ? "known" : "0");
}

static const struct refused {
	const uint8_t *code;
	size_t length;
	uint64_t rdx;
	const char *says[2];
} refused[] = {
	{CODE("\xff\x17"), 0,
		{"BAR 0 + 0x40 of ram by an instruction (call)", "signal 11 at code + 0"}},
	{CODE("\xff\x27"), 0, {"by an instruction (jmp)", "signal 11 at code + 0"}},
	{CODE("\xff\xe7"), 0, {"a jump to register address 0xe0000040", "signal 11"}},
	{CODE("\x66\x0f\xf7\xc1"), 0, {"by an instruction (maskmovdqu)", "signal 11 at code + 0"}},
	/* rsp as an operand */
	{CODE("\x48\x03\x27"), 0, {"by an instruction (add)", "signal 11 at code + 0"}},
	/* six bytes are the BAR's, two nobody's */
	{CODE("\x48\x8b\x97\xba\x3f\0\0"), 0, {"direct access to ", "signal 11 at code + 0"}},
	{CODE("\x8b\x87\0\0\x10\0"), 0,
		{"bus address 0xe0100040, where no device is mapped", "signal 11 at code + 0"}},
	/* a division by zero */
	{CODE("\x90\xf7\x37"), 0, {"arithmetic fault on processor 0", "signal 8 at code + 1"}},
	/* a port of nobody's; hlt; no instruction */
	{CODE("\xec"), 0x60, {"invalid memory access", "signal 11 at code + 0, address 0"}},
	{CODE("\xf4"), 0, {"invalid memory access", "signal 11 at code + 0, address 0"}},
	{CODE("\x0f\x0b"), 0, {"illegal instruction", "signal 4 at code + 0"}},
};

static const struct refused *refusal;

static void crash_now(void)
{
	static struct state s;

	state_make(&s);
	s.gpr[RDI] = (uintptr_t)poll.bar + 0x40;
	s.gpr[RDX] = refusal->rdx;
	run_at(code_page, &s, refusal->code, refusal->length);
}

/* The child: dies of the n-th. */
static int refuse(unsigned n)
{
	machine_setup(NULL);
	trace_subscribe(1ull << TRACE_VIOLATION, violation_print, NULL);
	cpu_crash_report = crash_print;
	poll.bar = ram_begin();
	refusal = &refused[n];
	on_processor(crash_now);
	return 0;
}

static void what_cannot_be_carried_out_is_a_crash_at_its_place(void **state)
{
	char command[256], path[200], text[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(length > 0);
	path[length] = 0;
	for (unsigned n = 0; n < array_size(refused); n++) {
		FILE *child;
		int status;

		snprintf(command, sizeof(command), "%s %u 2>&1", path, n);
		child = popen(command, "r");
		assert_non_null(child);
		text[fread(text, 1, sizeof(text) - 1, child)] = 0;
		status = pclose(child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 1 ||
			!strstr(text, refused[n].says[0]) || !strstr(text, refused[n].says[1]))
			fail_msg("%u: status %#x: %s", n, status, text);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		machine_test(an_instruction_does_to_a_register_what_it_does_to_memory),
		machine_test(an_absolute_address_and_a_segment_are_understood),
		machine_test(string_instructions_go_element_by_element),
		machine_test(nothing_is_repeated_no_times),
		machine_test(a_bit_string_goes_on_in_both_directions),
		machine_test(an_access_is_split_into_aligned_parts),
		machine_test(a_masked_access_reaches_only_what_the_mask_names),
		machine_test(an_access_is_an_event_that_says_so),
		machine_test(past_the_end_of_a_bar_are_ones),
		machine_test(a_device_that_is_gone_reads_ones),
		machine_test(an_access_is_a_safepoint),
		machine_test(ports_are_reached_by_in_and_out),
		machine_test(what_cannot_be_carried_out_is_a_crash_at_its_place),
	};

	sanitizer_init(); /* decides about LAYOUT_REGISTERS */
	pages_make();
	cpu_fault_init();
	sigaction(SIGSEGV, NULL, &faults[0]);
	sigaction(SIGFPE, NULL, &faults[1]);
	if (argc > 1)
		return refuse((unsigned)atoi(argv[1]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
