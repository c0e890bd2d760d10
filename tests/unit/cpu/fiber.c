/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/cpu/fiber.c and switch.S.
 */
#include "kit.h"

#include "cpu/fiber.h"
#include "mem/mem.h"
#include "util/sanitizer.h"

static struct fiber host, first, second;
static char order[16];
static unsigned order_length;

static void note(char name)
{
	order[order_length++] = name;
}

static void run_first(void *arg)
{
	note(*(char *)arg);
	fiber_switch(&first, &second, false);
	note(*(char *)arg);
	fiber_switch(&first, &host, true);
}

static void run_second(void *arg)
{
	note(*(char *)arg);
	fiber_switch(&second, &first, true);
}

static void fibers_switch_to_one_another_and_back(void **state)
{
	fiber_init_host(&host);
	assert_int_equal(fiber_init(&first, run_first, "A"), 0);
	assert_int_equal(fiber_init(&second, run_second, "B"), 0);
	fiber_switch(&host, &first, false);
	assert_string_equal(order, "ABA");
	fiber_fini(&first);
	fiber_fini(&second);
	fiber_stacks_fini();
}

static uint64_t kept_sum, stack_alignment;

/* Keeps eight values alive across switches: more than the call-clobbered registers can hold. */
static void run_with_registers(void *arg)
{
	volatile uint64_t *in = arg;
	uint64_t a = in[0], b = in[1], c = in[2], d = in[3], e = in[4], f = in[5], g = in[6],
		 h = in[7];
	char buffer[16] __attribute__((aligned(16)));

	stack_alignment = (uintptr_t)__builtin_frame_address(0) % 16;
	__asm__ volatile("movaps %%xmm0, %0" : "=m"(buffer));
	for (int i = 0; i < 3; i++)
		fiber_switch(&first, &host, false);
	kept_sum = a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
	fiber_switch(&first, &host, true);
}

static void registers_survive_and_the_stack_is_aligned(void **state)
{
	volatile uint64_t in[8] = {3, 1, 4, 1, 5, 9, 2, 6};
	uint64_t mine = 77, other = 88;

	fiber_init_host(&host);
	assert_int_equal(fiber_init(&first, run_with_registers, (void *)in), 0);
	for (int i = 0; i < 4; i++) {
		fiber_switch(&host, &first, false);
		mine += i;
		other -= i;
	}
	assert_true(mine == 83 && other == 82);
	/* 3 + 2*1 + 3*4 + 4*1 + 5*5 + 6*9 + 7*2 + 8*6 */
	assert_true(kept_sum == 162);
	assert_int_equal(stack_alignment, 0);
	fiber_fini(&first);
	fiber_stacks_fini();
}

static void leave_at_once(void *arg)
{
	*(char **)arg = __builtin_frame_address(0);
	fiber_switch(&first, &host, true);
}

static void stack_lies_between_its_bounds_and_is_used_again(void **state)
{
	char *stack = NULL;

	for (int i = 0; i < 1000; i++) {
		char *frame = NULL;

		fiber_init_host(&host);
		assert_int_equal(fiber_init(&first, leave_at_once, &frame), 0);
		if (stack)
			assert_ptr_equal(first.stack, stack);
		stack = first.stack;
		fiber_switch(&host, &first, false);
		assert_true(frame > stack && frame < stack + FIBER_STACK);
		fiber_fini(&first);
	}
	fiber_stacks_fini();
}

static void guard_lies_right_below_the_stack(void **state)
{
	assert_int_equal(fiber_init(&first, leave_at_once, NULL), 0);
	fiber_init_host(&host);
	assert_true(fiber_is_guard(&first, (uintptr_t)first.stack - 1));
	assert_true(fiber_is_guard(&first, (uintptr_t)first.stack - FIBER_GUARD));
	assert_false(fiber_is_guard(&first, (uintptr_t)first.stack - FIBER_GUARD - 1));
	assert_false(fiber_is_guard(&first, (uintptr_t)first.stack));
	assert_false(fiber_is_guard(&host, 4096));
	fiber_fini(&first);
	fiber_stacks_fini();
}

static void stack_bears_frames_of_kind_stack(void **state)
{
	struct mem_config config = {.policy = MEM_SCATTERED, .size = 64ull << 20};
	char *stack;

	assert_int_equal(mem_init(&config), 0);
	assert_int_equal(fiber_init(&first, leave_at_once, NULL), 0);
	stack = first.stack;
	assert_true(mem_is_valid(stack, FIBER_STACK));
	assert_int_equal(mem_owner(stack + 1000)->kind, MEM_STACK);
	assert_false(mem_is_valid(stack - 1, 1));
	assert_ptr_equal(mem_host(mem_physical(stack + 1000)), stack + 1000);
	fiber_fini(&first);
	fiber_stacks_fini();
	assert_false(mem_is_valid(stack, 1));
	assert_int_equal(mem_fini(), 0);
}

static void more_stacks_than_ranges_are_refused(void **state)
{
	static struct fiber fibers[600];
	struct mem_config config = {.policy = MEM_SCATTERED, .size = 64ull << 20};
	int made = 0, err = 0;

	assert_int_equal(mem_init(&config), 0);
	while (made < 600 && !(err = fiber_init(&fibers[made], leave_at_once, NULL)))
		made++;
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(made, 512);
	while (made)
		fiber_fini(&fibers[--made]);
	fiber_stacks_fini();
	mem_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fibers_switch_to_one_another_and_back),
		cmocka_unit_test(registers_survive_and_the_stack_is_aligned),
		cmocka_unit_test(stack_lies_between_its_bounds_and_is_used_again),
		cmocka_unit_test(guard_lies_right_below_the_stack),
		cmocka_unit_test(stack_bears_frames_of_kind_stack),
		cmocka_unit_test(more_stacks_than_ranges_are_refused),
	};

	sanitizer_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
