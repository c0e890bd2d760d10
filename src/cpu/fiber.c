/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Fibers (fiber.h) on the assembly of switch.S.
 */
#include "cpu/fiber.h"
#include "mem/mem.h"
#include "util/error.h"
#include "util/layout.h"
#include "util/sanitizer.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#define STACKS_BASE ((char *)LAYOUT_STACKS)
#define STACKS_MAX  65536u
#define STACK_STEP  (FIBER_STACK + FIBER_GUARD)

extern void fiber_swap(void **save_sp, void *load_sp);
extern void fiber_begin(void);

/* What fiber_swap leaves on a stack that is not running; it and switch.S belong together. */
struct frame {
	uint32_t mxcsr;
	uint32_t x87_control;
	void *r15, *r14;
	void *r13, *r12; /* fiber_begin's argument and routine */
	void *rbx, *rbp;
	void (*rip)(void);
};

/* Kept stacks are chained through their first word. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *kept;
static unsigned stacks, next_slot;

static char *stack_map(void)
{
	char *base = MAP_FAILED;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

	if (!stacks)
		next_slot = 0;
	if (next_slot < STACKS_MAX)
		base = mmap(STACKS_BASE + next_slot++ * STACK_STEP, STACK_STEP, PROT_NONE,
			flags | MAP_FIXED_NOREPLACE, -1, 0);
	if (base == MAP_FAILED)
		base = mmap(NULL, STACK_STEP, PROT_NONE, flags, -1, 0);
	if (base == MAP_FAILED)
		return NULL;
	if (mprotect(base + FIBER_GUARD, FIBER_STACK, PROT_READ | PROT_WRITE)) {
		munmap(base, STACK_STEP);
		return NULL;
	}
	return base + FIBER_GUARD;
}

static void stack_unmap(char *stack)
{
	mem_range_remove(stack);
	munmap(stack - FIBER_GUARD, STACK_STEP);
	stacks--;
}

static char *stack_new(int *err)
{
	char *stack = stack_map();

	if (!stack) {
		*err = error_set(ENOMEM, "no memory for a kernel stack");
		return NULL;
	}
	stacks++;
	*err = mem_range_add(stack, FIBER_STACK, MEM_STACK, NULL);
	if (*err == -ENODEV)
		*err = 0; /* processors without memory: unit tests */
	if (*err) {
		stack_unmap(stack);
		return NULL;
	}
	return stack;
}

static char *stack_take(int *err)
{
	char *stack;

	*err = 0;
	pthread_mutex_lock(&lock);
	stack = kept;
	if (stack)
		memcpy(&kept, stack, sizeof(kept));
	else
		stack = stack_new(err);
	pthread_mutex_unlock(&lock);
	return stack;
}

static void stack_give(char *stack)
{
	/* whoever ended on it left its frames' red zones behind */
	sanitizer_unpoison(stack, FIBER_STACK);
	pthread_mutex_lock(&lock);
	memcpy(stack, &kept, sizeof(kept));
	kept = stack;
	pthread_mutex_unlock(&lock);
}

void fiber_stacks_fini(void)
{
	pthread_mutex_lock(&lock);
	while (kept) {
		char *stack = kept;

		memcpy(&kept, stack, sizeof(kept));
		stack_unmap(stack);
	}
	pthread_mutex_unlock(&lock);
}

/* The sanitizer's side of having arrived on a fiber; tells the bounds of a host stack. */
static void fiber_arrive(struct fiber *fiber)
{
	struct fiber *previous = fiber->previous;
	const void *stack;
	size_t bytes;

	if (!sanitizer.switch_finish)
		return;
	sanitizer.switch_finish(fiber->asan_stack, &stack, &bytes);
	if (previous->is_host) {
		previous->stack = (char *)stack;
		previous->bytes = bytes;
	}
}

static void fiber_main(void *arg)
{
	struct fiber *fiber = arg;

	fiber_arrive(fiber);
	fiber->fn(fiber->arg);
	__builtin_trap();
}

int fiber_init(struct fiber *fiber, void (*fn)(void *arg), void *arg)
{
	struct frame frame = {.r12 = (void *)fiber_main, .r13 = fiber, .rip = fiber_begin};
	int err;

	memset(fiber, 0, sizeof(*fiber));
	fiber->stack = stack_take(&err);
	if (err)
		return err;
	fiber->bytes = FIBER_STACK;
	fiber->fn = fn;
	fiber->arg = arg;
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(frame.mxcsr), "=m"(frame.x87_control));
	/* fiber_begin starts with an aligned stack, as after its return address was popped */
	fiber->sp = fiber->stack + FIBER_STACK - 16 - sizeof(frame);
	memcpy(fiber->sp, &frame, sizeof(frame));
	if (sanitizer.fiber_create)
		fiber->tsan_fiber = sanitizer.fiber_create(0);
	return 0;
}

void fiber_init_host(struct fiber *fiber)
{
	memset(fiber, 0, sizeof(*fiber));
	fiber->is_host = true;
	if (sanitizer.fiber_current)
		fiber->tsan_fiber = sanitizer.fiber_current();
}

void fiber_fini(struct fiber *fiber)
{
	if (fiber->tsan_fiber)
		sanitizer.fiber_destroy(fiber->tsan_fiber);
	if (fiber->stack)
		stack_give(fiber->stack);
	fiber->tsan_fiber = NULL;
	fiber->stack = NULL;
}

void fiber_switch(struct fiber *from, struct fiber *to, bool is_last)
{
	to->previous = from;
	if (unlikely(sanitizer.switch_start != NULL))
		sanitizer.switch_start(is_last ? NULL : &from->asan_stack, to->stack, to->bytes);
	if (unlikely(sanitizer.fiber_switch != NULL))
		sanitizer.fiber_switch(to->tsan_fiber, 0);
	fiber_swap(&from->sp, to->sp);
	fiber_arrive(from);
}
