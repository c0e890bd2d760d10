/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Tests src/mem/user.c: pages of the host's own that bear frames while they are locked.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "mem/mem.h"

#define PAGES  16
#define SPARES 49152ull

static char buffer[PAGES * 4096] __attribute__((aligned(4096)));
static char stack[4096] __attribute__((aligned(4096)));

static int start(void **state)
{
	struct mem_config config = {.policy = MEM_SCATTERED, .size = 64ull << 20, .seed = 9};

	return mem_init(&config);
}

static int stop(void **state)
{
	mem_fini();
	return 0;
}

static void a_locked_page_bears_a_frame_that_leads_back_to_it(void **state)
{
	uint64_t frame = mem_user_lock(buffer), other = mem_user_lock(buffer + 4096);

	assert_true(frame != MEM_NO_ADDRESS);
	assert_true(frame != other);
	assert_int_equal(mem_physical(buffer + 5), (frame << 12) + 5);
	assert_ptr_equal(mem_host((frame << 12) + 4095), buffer + 4095);
	assert_int_equal(mem_owner(buffer + 9)->kind, MEM_USER);
	assert_true(mem_is_valid(buffer, 8192));
	assert_false(mem_is_valid(buffer, 8193));
	assert_string_equal(mem_kind_name(MEM_USER), "user memory");
	assert_int_equal(mem_user_pages(), 2);
}

static void locks_are_counted(void **state)
{
	uint64_t frame = mem_user_lock(buffer);

	assert_int_equal(mem_user_lock(buffer), frame);
	assert_int_equal(mem_user_pages(), 1);
	assert_true(mem_user_unlock(frame));
	assert_int_equal(mem_frame_number(buffer), frame);
	assert_true(mem_user_unlock(frame));
	assert_true(mem_frame_number(buffer) == MEM_NO_ADDRESS);
	assert_null(mem_host(frame << 12));
	assert_int_equal(mem_frame_get(frame)->kind, MEM_NONE);
	assert_int_equal(mem_user_pages(), 0);
	assert_false(mem_user_unlock(frame));
}

static void memory_of_the_machine_is_no_user_memory(void **state)
{
	assert_int_equal(mem_range_add(stack, 4096, MEM_STACK, NULL), 0);
	assert_true(mem_user_lock(stack) == MEM_NO_ADDRESS);
	assert_false(mem_user_unlock(mem_frame_number(stack)));
	assert_true(mem_user_lock(mem_base()) == MEM_NO_ADDRESS);
	assert_false(mem_user_unlock(mem_frame_number(mem_base())));
	assert_false(mem_user_unlock(MEM_NO_ADDRESS));
	assert_int_equal(mem_owner(stack)->kind, MEM_STACK);
}

/* Every spare frame: pages in long chains of the table, let go in another order. */
static void all_spare_frames_can_be_used_and_come_back(void **state)
{
	char *all = mmap(NULL, (SPARES + 1) << 12, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < SPARES; i++)
			assert_true(mem_user_lock(all + (i << 12)) != MEM_NO_ADDRESS);
		assert_true(mem_user_lock(all + (SPARES << 12)) == MEM_NO_ADDRESS);
		for (uint64_t i = 0; i < SPARES; i++)
			assert_ptr_equal(
				mem_host(mem_physical(all + (i << 12) + 7)), all + (i << 12) + 7);
		for (uint64_t i = 0; i < SPARES; i++) {
			uint64_t n = i * 7 % SPARES;

			assert_true(mem_user_unlock(mem_frame_number(all + (n << 12))));
			assert_true(mem_frame_number(all + (n << 12)) == MEM_NO_ADDRESS);
		}
	}
	munmap(all, (SPARES + 1) << 12);
}

static void a_new_machine_knows_of_no_locks(void **state)
{
	mem_user_lock(buffer);
	mem_user_lock(buffer);
	mem_fini();
	assert_int_equal(start(NULL), 0);
	assert_true(mem_frame_number(buffer) == MEM_NO_ADDRESS);
	assert_true(mem_user_unlock(mem_user_lock(buffer)));
	assert_int_equal(mem_user_pages(), 0);
}

static _Atomic bool is_over;

static void *look_up(void *arg)
{
	bool *is_wrong = arg;

	while (!atomic_load(&is_over))
		if (mem_host(mem_physical(buffer + 5)) != buffer + 5)
			*is_wrong = true;
	return NULL;
}

static void look_ups_are_right_while_pages_come_and_go(void **state)
{
	bool is_wrong = false;
	pthread_t thread;

	atomic_store(&is_over, false);
	mem_user_lock(buffer);
	assert_int_equal(pthread_create(&thread, NULL, look_up, &is_wrong), 0);
	for (int round = 0; round < 3000; round++) {
		/* 4096 buckets: this one lies in that of buffer, in front of it */
		uintptr_t page = (uintptr_t)buffer + (4096ull << 12) * (1 + (unsigned)round % 8);

		mem_user_unlock(mem_user_lock((void *)page));
		mem_user_unlock(mem_user_lock(buffer));
	}
	atomic_store(&is_over, true);
	pthread_join(thread, NULL);
	assert_false(is_wrong);
}

#define with_ram(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_ram(a_locked_page_bears_a_frame_that_leads_back_to_it),
		with_ram(locks_are_counted),
		with_ram(memory_of_the_machine_is_no_user_memory),
		with_ram(all_spare_frames_can_be_used_and_come_back),
		with_ram(a_new_machine_knows_of_no_locks),
		with_ram(look_ups_are_right_while_pages_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
