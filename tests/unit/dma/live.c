/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The table of live lists: finds what is in it and nothing else, also when full and under two
 * threads. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "dma/live.h"

static struct dma_live_table *table;

static int setup(void **state)
{
	table = dma_live_new();
	return table ? 0 : -1;
}

static int teardown(void **state)
{
	dma_live_free(table);
	return 0;
}

static PSCATTER_GATHER_LIST address(uintptr_t n)
{
	return (PSCATTER_GATHER_LIST)(n * 8 + 0x100000);
}

static struct dma_live *add(PSCATTER_GATHER_LIST list)
{
	bool exists;
	struct dma_live *live = dma_live_claim(table, list, &exists);

	if (!live)
		return NULL;
	assert_false(exists);
	live->bytes = (uint32_t)(uintptr_t)list;
	atomic_store(&live->phase, DMA_LIVE_CALLED);
	dma_live_publish(table, live);
	return live;
}

static void a_list_is_live_from_publish_to_take(void **state)
{
	bool exists, pending;
	struct dma_live *live = dma_live_claim(table, address(1), &exists);

	assert_non_null(live);
	assert_false(dma_live_has(table, address(1)));
	atomic_store(&live->phase, DMA_LIVE_PENDING);
	dma_live_publish(table, live);
	assert_true(dma_live_has(table, address(1)));
	assert_false(dma_live_has(table, address(2)));
	/* Pending: only looked at. */
	assert_null(dma_live_take(table, address(1), &pending));
	assert_true(pending);
	assert_true(dma_live_has(table, address(1)));
	atomic_store(&live->phase, DMA_LIVE_CALLED);
	assert_ptr_equal(dma_live_take(table, address(1), &pending), live);
	assert_false(pending);
	/* Taken: nobody else finds it, until it is published again. */
	assert_null(dma_live_take(table, address(1), &pending));
	assert_false(dma_live_has(table, address(1)));
	dma_live_publish(table, live);
	assert_ptr_equal(dma_live_take(table, address(1), &pending), live);
	dma_live_release(table, live);
	assert_null(dma_live_take(table, address(1), &pending));
	assert_true(dma_live_had(table, address(1)));
	assert_false(dma_live_had(table, address(2)));
}

static void a_live_list_is_not_claimed_again(void **state)
{
	struct dma_live *live = add(address(1));
	bool exists;

	assert_null(dma_live_claim(table, address(1), &exists));
	assert_true(exists);
	dma_live_abandon(table, live);
	assert_false(dma_live_had(table, address(1)));
	assert_non_null(add(address(1)));
}

/* NULL and the mark of a busy place are no lists, whatever the places hold. */
static void values_that_the_table_uses_itself_are_no_lists(void **state)
{
	bool exists, pending;

	assert_non_null(dma_live_claim(table, address(1), &exists));
	for (uintptr_t n = 0; n < 8; n++) {
		assert_false(dma_live_has(table, (void *)n));
		assert_null(dma_live_take(table, (void *)n, &pending));
		assert_false(pending);
	}
	assert_false(dma_live_had(table, NULL));
}

/* Whatever the addresses are, all records serve, so many of them away from their own bucket. */
static void every_record_serves(void **state)
{
	static const unsigned strides[] = {1, 2, 8, 512, 513, 4096, 1u << 20};
	bool exists, pending;

	for (unsigned s = 0; s < array_size(strides); s++) {
		uintptr_t stride = strides[s];

		for (uintptr_t n = 0; n < DMA_LIVE_LISTS; n++)
			assert_non_null(add(address(n * stride)));
		assert_null(add(address(DMA_LIVE_LISTS * stride)));
		for (uintptr_t n = 0; n < DMA_LIVE_LISTS; n++) {
			assert_true(dma_live_has(table, address(n * stride)));
			assert_null(dma_live_claim(table, address(n * stride), &exists));
			assert_true(exists);
		}
		assert_false(dma_live_has(table, address(DMA_LIVE_LISTS * stride)));
		for (uintptr_t n = 0; n < DMA_LIVE_LISTS; n++) {
			uintptr_t at = (n * 1001 % DMA_LIVE_LISTS) * stride;
			struct dma_live *live = dma_live_take(table, address(at), &pending);

			assert_non_null(live);
			assert_int_equal(live->bytes, (uint32_t)(uintptr_t)address(at));
			dma_live_release(table, live);
			assert_null(dma_live_take(table, address(at), &pending));
		}
	}
}

static void clean_up_takes_every_live_list_once(void **state)
{
	unsigned at = 0, found = 0;
	struct dma_live *live;
	uint64_t sum = 0;

	for (uintptr_t n = 1; n <= 1000; n++)
		add(address(n))->elements = (uint32_t)n;
	for (; (live = dma_live_take_next(table, &at)); found++) {
		sum += live->elements;
		assert_false(dma_live_has(table, atomic_load(&live->list)));
		dma_live_release(table, live);
	}
	assert_int_equal(found, 1000);
	assert_int_equal(sum, 500500);
	at = 0;
	assert_null(dma_live_take_next(table, &at));
}

/* ---- two threads ---- */

#define ROUNDS 200000
#define SHARED 8

static _Atomic uint64_t added, taken;

static void *worker(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg;

	for (unsigned round = 0; round < ROUNDS; round++) {
		PSCATTER_GATHER_LIST list;
		struct dma_live *live;
		bool pending;

		seed = seed * 1664525 + 1013904223;
		list = address(seed >> 29);
		/* Both threads add and take the same few lists; a record belongs to one at a time.
		 */
		live = dma_live_take(table, list, &pending);
		if (live) {
			if (live->elements++)
				return "a record was taken twice";
			if (atomic_load(&live->list) != list)
				return "a record of another list was taken";
			live->elements = 0;
			dma_live_release(table, live);
			atomic_fetch_add(&taken, 1);
		}
		if (add(list))
			atomic_fetch_add(&added, 1);
	}
	return NULL;
}

/* With `filled` lists in the table already. */
static void fight(uintptr_t filled)
{
	pthread_t thread[2];
	unsigned at = 0;
	uint64_t left = 0;
	struct dma_live *live;
	void *error;

	atomic_store(&added, 0);
	atomic_store(&taken, 0);
	for (uintptr_t n = 0; n < filled; n++)
		add(address(1000 + n))->elements = 0;
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(
			pthread_create(&thread[n], NULL, worker, (void *)(uintptr_t)(n + 1)), 0);
	for (unsigned n = 0; n < 2; n++) {
		assert_int_equal(pthread_join(thread[n], &error), 0);
		assert_null(error);
	}
	for (; (live = dma_live_take_next(table, &at)); dma_live_release(table, live))
		left++;
	assert_true(taken > ROUNDS / 8);
	assert_int_equal(left - filled, added - taken);
}

static void two_threads_never_share_a_record(void **state)
{
	fight(0);
}

/* The few free places are fought for. */
static void nor_in_a_table_that_is_nearly_full(void **state)
{
	fight(DMA_LIVE_LISTS - 2 * SHARED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_list_is_live_from_publish_to_take),
		TEST(a_live_list_is_not_claimed_again),
		TEST(values_that_the_table_uses_itself_are_no_lists),
		TEST(every_record_serves),
		TEST(clean_up_takes_every_live_list_once),
		TEST(two_threads_never_share_a_record),
		TEST(nor_in_a_table_that_is_nearly_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
