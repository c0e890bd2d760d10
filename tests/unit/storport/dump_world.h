/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* world.h with a dump port beside the first driver: the test's miniport is brought up a second
 * time, on the same device, while the first instance is at work, as after a crash. */
#ifndef TESTS_STORPORT_DUMP_WORLD_H
#define TESTS_STORPORT_DUMP_WORLD_H

#include "world.h"
#include "storport/dump.h"

#include <errno.h>

#define BLOCK 512

static struct {
	struct stor_dump dump;
	struct stor_dump_config config;
	bool runs; /* the miniport's callbacks are the dump driver's */
	void (*body)(void);
	int result; /* of stor_dump_start */
	char error[256];
} second;

/* As a test's body: the dump is started, second.body runs if that succeeded, the dump is freed. */
static void world_dump(void)
{
	void *ext = world.ext;

	second.runs = true;
	second.config.entry = (void *)world_entry;
	second.config.name = "dump_test";
	second.config.function = world.function;
	second.config.block_size = BLOCK;
	if (!second.config.width)
		second.config.width = 64;
	second.result = stor_dump_start(&second.dump, &second.config);
	if (second.result)
		error_take(second.error, sizeof(second.error));
	else if (second.body)
		second.body();
	expect_is(cpu_irql(), IRQL_PASSIVE);
	stor_dump_free(&second.dump);
	expect(!stor_dump_live);
	second.runs = false;
	world.ext = ext;
}

static int dump_miniport(void **state)
{
	memset(&second, 0, sizeof(second));
	return world_miniport(state);
}

#define dump_test(name) cmocka_unit_test_setup(name, dump_miniport)

static inline void dump_good(void (*body)(void))
{
	second.body = body;
	world_good(world_dump);
	if (second.result)
		fail_msg("%s", second.error);
}

static inline void dump_fails(int error, const char *words)
{
	world_run(DMA_CALLBACK_QUEUED, world_dump);
	assert_int_equal(world.start_result, 0);
	assert_int_equal(second.result, -error);
	if (!strstr(second.error, words))
		fail_msg("\"%s\" does not say \"%s\"", second.error, words);
}

#endif
