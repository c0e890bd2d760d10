/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What the tests of src/bus/trap*.c share: a device that is memory behind a bus, and the execution
 * of an instruction with all registers given, on the device or on memory in its place: what the
 * processor does there without us is what has to come out.
 */
#ifndef TEST_TRAP_KIT_H
#define TEST_TRAP_KIT_H

#include "bench_device.h"
#include "util/layout.h"
#include "util/sanitizer.h"

#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#define CODE(bytes) (const uint8_t *)(bytes), sizeof(bytes) - 1
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

static inline void ram_log(char verb, uint32_t offset, unsigned size)
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

static inline uint8_t *ram_begin(void)
{
	sigaction(SIGSEGV, &faults[0], NULL);
	sigaction(SIGFPE, &faults[1], NULL);
	memset(&ram, 0, sizeof(ram));
	ram.function = bus_function_new(&ram_config, &ram_ops, NULL);
	assert_non_null(ram.function);
	return bus_map(0xe0000000, BAR_BYTES, false, NULL);
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

static inline void pages_make(void)
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
static inline void run_at(uint8_t *code, struct state *s, const uint8_t *bytes, size_t length)
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

static inline uint64_t chance(uint64_t n)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % n;
}

static inline void chance_fill(void *to, size_t bytes)
{
	for (size_t n = 0; n < bytes; n++)
		((uint8_t *)to)[n] = (uint8_t)chance(256);
}

static inline bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}

static inline uint32_t component(unsigned n)
{
	uint32_t eax, ebx, ecx, edx;

	__cpuid_count(0xd, n, eax, ebx, ecx, edx);
	return ebx;
}

/* Random general and vector registers, status flags, and a mask in k1 that is not all of it. */
static inline void state_make(struct state *s)
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

static inline void bytes_show(char *text, const uint8_t *bytes, size_t length)
{
	for (size_t n = 0; n < length; n++)
		sprintf(text + 3 * n, "%02x ", bytes[n]);
}

static inline void states_compare(
	const struct state *memory, const struct state *device, const char *what)
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
static inline void both(
	uint8_t *bar, uint8_t *at, struct state *s, const uint8_t *bytes, size_t length)
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

struct bytes {
	uint8_t at[32];
	unsigned length;
};

static inline void put(struct bytes *b, unsigned byte)
{
	b->at[b->length++] = (uint8_t)byte;
}

/* In main, before anything else. */
static inline void trap_kit_begin(void)
{
	sanitizer_init(); /* decides about LAYOUT_REGISTERS */
	pages_make();
	cpu_fault_init();
	sigaction(SIGSEGV, NULL, &faults[0]);
	sigaction(SIGFPE, NULL, &faults[1]);
}

#endif
