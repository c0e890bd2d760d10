/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The execution of an instruction's copy (trap.h): a place for it that is executable, and a scratch
 * place for its operand. No safepoint is passed with one taken, so that there are enough.
 * Neighbours: trap_decode.c (which makes the copy), trap_stub.S, trap_perform.c.
 */
#include "bus/function.h"
#include "bus/trap.h"
#include "util/error.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define SLOTS	   CPU_MAX
#define SLOT_CODE  64
#define CODE_BYTES MEM_PAGE_SIZE

_Static_assert(SLOTS *SLOT_CODE <= CODE_BYTES, "room for the copies");

/* Beside each copy: the place that its operand is, at the same distance from a multiple of 64. */
struct slot {
	uint8_t scratch[2 * TRAP_OPERAND_MAX] __attribute__((aligned(64)));
	uint64_t executed; /* where the copy goes on */
	_Atomic bool is_taken;
};

/* Both in one mapping, so that a copy reaches its slot with 32 bits. */
static struct {
	uint8_t *code; /* NULL: nothing can be executed */
	struct slot *slot;
	size_t bytes;
} stubs;

static struct slot *slot_take(void)
{
	unsigned n = cpu_self ? cpu_self->number : 0;

	while (atomic_exchange_explicit(&stubs.slot[n].is_taken, true, memory_order_acquire)) {
		n = (n + 1) % SLOTS;
		if (!n)
			sched_yield();
	}
	return &stubs.slot[n];
}

/* JMP *[rip + displacement] */
static void jump_put(uint8_t *at, const uint64_t *target)
{
	int32_t displacement = (int32_t)((const uint8_t *)target - (at + 6));

	at[0] = 0xff;
	at[1] = 0x25;
	memcpy(at + 2, &displacement, 4);
}

void trap_copy_execute(struct trap_frame *f, uint8_t bytes[TRAP_OPERAND_MAX])
{
	const struct trap_plan *plan = &f->plan;
	struct slot *slot = slot_take();
	uint8_t *code = stubs.code + (slot - stubs.slot) * SLOT_CODE;
	uint8_t *scratch = slot->scratch + plan->address % TRAP_OPERAND_MAX;
	int32_t displacement = (int32_t)(scratch - (code + plan->code_length));
	uint64_t number = f->gpr[plan->number];

	memcpy(scratch, bytes, plan->size);
	memcpy(code, plan->code, plan->code_length);
	memcpy(code + plan->displacement, &displacement, 4);
	jump_put(code + plan->code_length, &slot->executed);
	f->code = (uintptr_t)code;
	/* a bit of the operand, which has been found already; the register is only read */
	if (plan->bits)
		f->gpr[plan->number] = number % plan->bits;
	trap_execute(f);
	if (plan->bits)
		f->gpr[plan->number] = number;
	memcpy(bytes, scratch, plan->size);
	atomic_store_explicit(&slot->is_taken, false, memory_order_release);
}

/* A copy faulted by itself, as a division by zero does: it is where the driver was. */
static bool copy_faulted(void *owner, uintptr_t unused, void *context)
{
	greg_t *gregs = ((ucontext_t *)context)->uc_mcontext.gregs;
	/* on top of trap_execute's stack then */
	const struct trap_frame *f = *(struct trap_frame **)gregs[REG_RSP];

	trap_context_restore(f, context);
	return false;
}

bool trap_copy_is_possible(void)
{
	return stubs.code != NULL;
}

int trap_copy_init(void)
{
	size_t bytes = CODE_BYTES + round_up(SLOTS * sizeof(struct slot), MEM_PAGE_SIZE);
	uint8_t *base;

	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return error_set(ENOMEM, "no memory for instructions that dereference registers");
	stubs.slot = (struct slot *)(base + CODE_BYTES);
	stubs.bytes = bytes;
	for (unsigned n = 0; n < SLOTS; n++)
		stubs.slot[n].executed = (uintptr_t)trap_executed;
	/* a system may forbid it: then dereferences end the run */
	stubs.code = mprotect(base, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC) ? NULL : base;
	return cpu_fault_range((uintptr_t)base, CODE_BYTES, copy_faulted, NULL);
}

void trap_copy_fini(void)
{
	uint8_t *base = (uint8_t *)stubs.slot - CODE_BYTES;

	cpu_fault_range_remove((uintptr_t)base);
	munmap(base, stubs.bytes);
	stubs.code = NULL;
}
