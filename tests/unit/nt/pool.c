/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The pool: placement of blocks, what is known of them, and what happens to who abuses them. */
#include "nt_kit.h"
#include "nt/pool.h"
#include "util/sanitizer.h"

/* Writes where AddressSanitizer would stop a driver: what is tested is what is found without it. */
static void poke(char *p, char value)
{
	sanitizer_unpoison(p, 1);
	*(volatile char *)p = value;
}

NT_TEST(small_blocks_are_16_byte_aligned_and_never_cross_a_page)
{
	static void *blocks[4096];

	for (unsigned size = 1; size < 4096; size++) {
		uintptr_t start;

		blocks[size] = nt_pool_alloc(size, TAG, NULL, false);
		start = (uintptr_t)blocks[size];
		CHECK(start && start % 16 == 0);
		CHECK_EQUAL(start / 4096, (start + size - 1) / 4096);
	}
	for (unsigned size = 1; size < 4096; size++)
		nt_pool_free(blocks[size]);
}

NT_TEST(blocks_of_a_page_or_more_are_page_aligned)
{
	static const size_t sizes[] = {4096, 4097, 8192, 65536, 65537, 1 << 20};

	for (unsigned i = 0; i < array_size(sizes); i++) {
		char *p = nt_pool_alloc(sizes[i], TAG, NULL, false);

		CHECK((uintptr_t)p % 4096 == 0);
		memset(p, 0, sizes[i]);
		nt_pool_free(p);
	}
}

NT_TEST(every_size_can_be_written_to_its_last_byte_without_a_finding)
{
	for (unsigned size = 1; size < 9000; size += 7) {
		char *p = nt_pool_alloc(size, TAG, NULL, false);

		memset(p, 0x5a, size);
		CHECK(nt_pool_free(p));
	}
}

NT_TEST(a_cleared_block_is_zero_even_where_a_freed_one_was)
{
	for (unsigned round = 0; round < 200; round++) {
		unsigned char *p = nt_pool_alloc(100, TAG, NULL, true);

		for (unsigned i = 0; i < 100; i++)
			CHECK(p[i] == 0);
		memset(p, 0xff, 100);
		nt_pool_free(p);
	}
}

NT_TEST(a_block_is_found_from_each_of_its_bytes_and_from_no_other)
{
	static const size_t sizes[] = {1, 16, 17, 100, 4064, 4065, 4096, 5000, 8192};
	static int owner;

	for (unsigned i = 0; i < array_size(sizes); i++) {
		char *p = nt_pool_alloc(sizes[i], TAG, &owner, false);
		const void *who;
		size_t bytes;
		void *start;

		for (size_t at = 0; at < sizes[i]; at++) {
			CHECK(nt_pool_block(p + at, &start, &bytes, &who));
			CHECK(start == p && bytes == sizes[i] && who == &owner);
		}
		CHECK(!nt_pool_block(p - 1, &start, &bytes, &who));
		CHECK(!nt_pool_block(p + sizes[i], &start, &bytes, &who));
		nt_pool_free(p);
		CHECK(!nt_pool_block(p, &start, &bytes, &who));
	}
	CHECK(!nt_pool_block(&owner, &(void *){0}, &(size_t){0}, &(const void *){0}));
}

NT_TEST(blocks_are_counted_by_owner)
{
	static int a, b;
	void *p[5];

	CHECK_EQUAL(nt_pool_count(&a), 0);
	for (unsigned i = 0; i < 5; i++)
		p[i] = nt_pool_alloc(i * 3000, TAG, i < 3 ? &a : &b, false);
	CHECK_EQUAL(nt_pool_count(&a), 3);
	CHECK_EQUAL(nt_pool_count(&b), 2);
	for (unsigned i = 0; i < 5; i++)
		nt_pool_free(p[i]);
	CHECK_EQUAL(nt_pool_count(&a), 0);
}

/* 5.3: 0xC4/53, past the end; the header's code of 0xC2, before the start. */
NT_TEST(a_write_past_the_end_is_found_at_free_with_tag_size_and_offset)
{
	static const size_t sizes[] = {1, 15, 16, 33, 100, 4064, 4090, 4096, 5000, 8192 - 3};

	for (unsigned i = 0; i < array_size(sizes); i++) {
		char *p = nt_pool_alloc(sizes[i], TAG, NULL, false), expected[64];

		poke(p + sizes[i], 0x11);
		CHECK(nt_pool_free(p));
		snprintf(expected, sizeof(expected), "%zu bytes with tag 'Tag1'", sizes[i]);
		CHECK_VIOLATION(0xC4000053, expected);
		CHECK_NO_VIOLATION();

		p = nt_pool_alloc(sizes[i], TAG, NULL, false);
		poke(p + sizes[i] + 9, 0x11);
		nt_pool_free(p);
		CHECK_VIOLATION(0xC4000053, "at byte 9 behind it");

		/* at least 16 bytes are guarded */
		p = nt_pool_alloc(sizes[i], TAG, NULL, false);
		poke(p + sizes[i] + 15, 0x11);
		nt_pool_free(p);
		CHECK_VIOLATION(0xC4000053, "at byte 15 behind it");
	}
}

NT_TEST(a_write_before_the_start_is_found_at_free)
{
	static const size_t sizes[] = {1, 100, 4064, 4096, 9000};

	for (unsigned i = 0; i < array_size(sizes); i++) {
		char *p = nt_pool_alloc(sizes[i], TAG, NULL, false);

		poke(p - 4, 0x11);
		CHECK(nt_pool_free(p));
		CHECK_VIOLATION(0xC2000001, "at byte 4 before it");
		CHECK_NO_VIOLATION();
	}
}

NT_TEST(a_damaged_neighbour_does_not_harm_the_others)
{
	char *p[64];

	for (unsigned i = 0; i < 64; i++) {
		p[i] = nt_pool_alloc(40, TAG, NULL, false);
		memset(p[i], (int)i, 40);
	}
	for (unsigned at = 40; at < 48; at++)
		poke(p[20] + at, 0x77);
	for (unsigned i = 0; i < 64; i++)
		for (unsigned at = 0; at < 40; at++)
			CHECK(p[i][at] == (char)i);
	for (unsigned i = 0; i < 64; i++)
		CHECK(nt_pool_free(p[i]));
	CHECK_VIOLATION(0xC4000053, "40 bytes");
	CHECK_NO_VIOLATION();
}

/* 0xC4/13 */
NT_TEST(a_second_free_is_refused_and_says_what_the_block_was)
{
	static const size_t sizes[] = {24, 4096, 20000};

	for (unsigned i = 0; i < array_size(sizes); i++) {
		void *p = nt_pool_alloc(sizes[i], TAG, NULL, false), *q;

		CHECK(nt_pool_free(p));
		CHECK(!nt_pool_free(p));
		CHECK_VIOLATION(0xC4000013, "with tag 'Tag1'");
		/* and the pool is whole: nobody gets the same memory twice */
		p = nt_pool_alloc(sizes[i], TAG, NULL, false);
		q = nt_pool_alloc(sizes[i], TAG, NULL, false);
		CHECK(p != q);
		nt_pool_free(p);
		nt_pool_free(q);
	}
}

NT_TEST(a_second_free_after_the_memory_went_back_is_refused)
{
	void *p = nt_pool_alloc(1 << 20, TAG, NULL, false), *more[8];

	nt_pool_free(p);
	/* enough that what was freed first leaves the quarantine */
	for (unsigned i = 0; i < 8; i++)
		more[i] = nt_pool_alloc(1 << 20, TAG, NULL, false);
	for (unsigned i = 0; i < 8; i++)
		nt_pool_free(more[i]);
	CHECK(mem_owner(p)->kind == MEM_FREE);
	CHECK(!nt_pool_free(p));
	CHECK_VIOLATION(0xC4000013, "freed already");
}

/* 0xC4/10 and /16 */
NT_TEST(what_is_no_block_is_refused_and_named)
{
	char *data = mem_alloc(4096, 0, MEM_DATA, NULL), *p = nt_pool_alloc(64, TAG, NULL, false);
	char *large = nt_pool_alloc(10000, TAG, NULL, false);
	int local;

	CHECK(!nt_pool_free(NULL));
	CHECK_VIOLATION(0xC4000010, "NULL");
	CHECK(!nt_pool_free(&local));
	CHECK_VIOLATION(0xC4000010, mem_kind_name(mem_owner(&local)->kind));
	CHECK(!nt_pool_free(data));
	CHECK_VIOLATION(0xC4000010, mem_kind_name(MEM_DATA));
	CHECK(!nt_pool_free(p + 8));
	CHECK_VIOLATION(0xC4000016, "8 bytes from the start of a block of 64 bytes");
	CHECK(!nt_pool_free(large + 4096));
	CHECK_VIOLATION(0xC4000016, "4096 bytes from the start of a block of 10000 bytes");
	CHECK(nt_pool_free(p));
	CHECK(nt_pool_free(large));
	mem_free(data, 4096);
}

NT_TEST(a_write_after_free_is_found_when_the_memory_is_used_again)
{
	char *p = nt_pool_alloc(200, TAG, NULL, false), *next;
	unsigned tries = 0;

	nt_pool_free(p);
	poke(p + 50, 0x42);
	do {
		next = nt_pool_alloc(200, TAG, NULL, false);
		CHECK(++tries < 1000);
	} while (next != p && tries < 1000 && violations.heard == violations.taken &&
		 (nt_pool_free(next), true));
	CHECK_VIOLATION(0, "written at offset 50 after it was freed");
	nt_pool_free(next);

	p = nt_pool_alloc(3 << 20, TAG, NULL, false);
	nt_pool_free(p);
	poke(p + 70000, 0x42);
	nt_pool_free(nt_pool_alloc(3 << 20, TAG, NULL, false));
	CHECK_VIOLATION(0, "written at offset 70000 after it was freed");
}

NT_TEST(freed_memory_no_longer_holds_what_was_in_it)
{
	char *p = nt_pool_alloc(64, TAG, NULL, false);

	memset(p, 0x5a, 64);
	nt_pool_free(p);
	sanitizer_unpoison(p, 64);
	for (unsigned i = 0; i < 64; i++)
		CHECK(((volatile char *)p)[i] != 0x5a);
	sanitizer_poison(p, 64);
}

NT_TEST(a_full_machine_gives_null_and_recovers)
{
	static void *blocks[200];
	unsigned got = 0;

	while (got < array_size(blocks) && (blocks[got] = nt_pool_alloc(1 << 20, TAG, NULL, false)))
		got++;
	CHECK(got > 20 && got < array_size(blocks));
	/* The quarantine gives way to a request. */
	for (unsigned i = 0; i < 4; i++)
		nt_pool_free(blocks[--got]);
	blocks[got] = nt_pool_alloc((4 << 20) - 4096, TAG, NULL, false);
	CHECK(blocks[got]);
	nt_pool_free(blocks[got]);
	while (got)
		nt_pool_free(blocks[--got]);
	CHECK(nt_pool_alloc(SIZE_MAX, TAG, NULL, false) == NULL);
	CHECK(nt_pool_alloc(SIZE_MAX - 5000, TAG, NULL, false) == NULL);
}

static void what_is_left_at_the_end_is_reported_by_kind(void **state)
{
	static int adapter;

	machine_start(1, MEM_SCATTERED);
	nt_pool_alloc(100, TAG, NULL, false);
	nt_pool_alloc(50, TAG, NULL, false);
	nt_pool_alloc(9000, 0x32676154, &adapter, false);
	nt_pool_free(nt_pool_alloc(10, TAG, NULL, false));
	assert_int_equal(nt_fini(), 3);
	assert_true(CHECK_VIOLATION(0xC4000062, "2 pool blocks with tag 'Tag1', 150 bytes"));
	assert_true(CHECK_VIOLATION(
		0xC4000062, "1 pool block with tag 'Tag2', 9000 bytes (owned by an adapter)"));
	machine_stop();
}

/* ---- many at once ---- */

struct stress {
	unsigned seed;
	_Atomic unsigned *running;
};

static void stress_pool(unsigned seed)
{
	unsigned char *blocks[32] = {0};
	size_t sizes[32];

	for (unsigned round = 0; round < 4000; round++) {
		unsigned i;

		seed = seed * 1103515245 + 12345;
		i = seed >> 16 & 31;
		if (blocks[i]) {
			for (size_t at = 0; at < sizes[i]; at++)
				CHECK(blocks[i][at] == (i ^ sizes[i]) % 256);
			nt_pool_free(blocks[i]);
			blocks[i] = NULL;
		} else {
			sizes[i] = seed >> 8 & (seed & 0x80 ? 8191 : 255);
			blocks[i] = nt_pool_alloc(sizes[i], TAG, NULL, false);
			memset(blocks[i], (int)((i ^ sizes[i]) % 256), sizes[i]);
		}
		cpu_poll();
	}
	for (unsigned i = 0; i < 32; i++)
		if (blocks[i])
			nt_pool_free(blocks[i]);
}

static void stress_thread(void *ctx)
{
	stress_pool((unsigned)(uintptr_t)ctx);
}

static void stress_dpc(struct cpu_dpc *dpc)
{
	void *p = nt_pool_alloc(77, TAG, NULL, true);

	CHECK(p != NULL);
	nt_pool_free(p);
}

static void *stress_host(void *ctx)
{
	stress_pool(99);
	return NULL;
}

static void processors_dpcs_and_host_threads_share_the_pool(void **state)
{
	struct cpu_thread *threads[4];
	struct cpu_dpc dpcs[2] = {{.fn = stress_dpc, .cpu = 0}, {.fn = stress_dpc, .cpu = 1}};
	pthread_t host;

	machine_start(2, MEM_SCATTERED);
	for (unsigned i = 0; i < 4; i++)
		threads[i] =
			cpu_thread_new(stress_thread, (void *)(uintptr_t)(i + 1), i % 2, "stress");
	pthread_create(&host, NULL, stress_host, NULL);
	for (unsigned i = 0; i < 500; i++) {
		cpu_dpc_queue(&dpcs[i % 2], NULL, NULL);
		usleep(20);
	}
	for (unsigned i = 0; i < 4; i++) {
		cpu_thread_join(threads[i]);
		cpu_thread_free(threads[i]);
	}
	pthread_join(host, NULL);
	cpu_dpc_flush(); /* they must not come when the pool is gone */
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_blocks_are_16_byte_aligned_and_never_cross_a_page),
		cmocka_unit_test(blocks_of_a_page_or_more_are_page_aligned),
		cmocka_unit_test(every_size_can_be_written_to_its_last_byte_without_a_finding),
		cmocka_unit_test(a_cleared_block_is_zero_even_where_a_freed_one_was),
		cmocka_unit_test(a_block_is_found_from_each_of_its_bytes_and_from_no_other),
		cmocka_unit_test(blocks_are_counted_by_owner),
		cmocka_unit_test(a_write_past_the_end_is_found_at_free_with_tag_size_and_offset),
		cmocka_unit_test(a_write_before_the_start_is_found_at_free),
		cmocka_unit_test(a_damaged_neighbour_does_not_harm_the_others),
		cmocka_unit_test(a_second_free_is_refused_and_says_what_the_block_was),
		cmocka_unit_test(a_second_free_after_the_memory_went_back_is_refused),
		cmocka_unit_test(what_is_no_block_is_refused_and_named),
		cmocka_unit_test(a_write_after_free_is_found_when_the_memory_is_used_again),
		cmocka_unit_test(freed_memory_no_longer_holds_what_was_in_it),
		cmocka_unit_test(a_full_machine_gives_null_and_recovers),
		cmocka_unit_test(what_is_left_at_the_end_is_reported_by_kind),
		cmocka_unit_test(processors_dpcs_and_host_threads_share_the_pool),
	};

	return cmocka_run_group_tests_name("nt/pool", tests, NULL, NULL);
}
