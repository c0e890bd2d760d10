/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The small routines of storport.sys: memory, time, messages. */
#include "world.h"

#include <stdio.h>
#include <unistd.h>

static void moves(void)
{
	char text[] = "abcdefgh";

	StorPortMoveMemory(text + 2, text, 5);
	expect(!strcmp(text, "ababcdeh"));
	StorPortMoveMemory(text, text + 2, 5);
	expect(!strcmp(text, "abcdedeh"));
}

/* covers: StorPortMoveMemory */
static void memory_is_moved_though_the_buffers_overlap(void **state)
{
	world_good(moves);
}

static void times(void)
{
	LARGE_INTEGER first = {.QuadPart = 0}, second = {.QuadPart = 0};
	uint64_t start = cpu_clock();

	StorPortQuerySystemTime(&first);
	StorPortStallExecution(1000);
	expect(cpu_clock() - start >= 1000000);
	StorPortQuerySystemTime(&second);
	/* in units of 100 nanoseconds since 1601; 2020-01-01 is 132223104000000000 */
	expect(first.QuadPart > 132223104000000000);
	expect(second.QuadPart - first.QuadPart >= 10000);
	expect_is(world.violations, 0);
	/* the page's millisecond is not the verifier's tenth of a second (0xF1/0x2001) */
	StorPortStallExecution(100001);
	expect_violation(0xf1002001, "StorPortStallExecution(100001)");
}

/* covers: StorPortQuerySystemTime, StorPortStallExecution */
static void a_stall_lasts_and_one_too_long_is_reported(void **state)
{
	world_run(DMA_CALLBACK_QUEUED, times);
	assert_int_equal(world.start_result, 0);
}

static void prints(void)
{
	FILE *file = tmpfile();
	int saved = dup(2);
	char text[512] = "";

	fflush(stderr);
	dup2(fileno(file), 2);
	StorPortDebugPrint(0, "request %u of %s\n", 7u, "unit 3");
	fflush(stderr);
	dup2(saved, 2);
	close(saved);
	rewind(file);
	expect(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	expect_has(text, "request 7 of unit 3\n");
}

/* covers: StorPortDebugPrint */
static void a_message_is_formatted(void **state)
{
	world_good(prints);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(memory_is_moved_though_the_buffers_overlap),
		world_test(a_stall_lasts_and_one_too_long_is_reported),
		world_test(a_message_is_formatted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
