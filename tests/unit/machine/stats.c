/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What the summary tells is what the events said. */
#include "machine/machine.h"
#include "trace/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct dry_summary summary;

static int start(void **state)
{
	stats_start(true, 1);
	memset(&summary, 0, sizeof(summary));
	return 0;
}

static int stop(void **state)
{
	stats_stop();
	return 0;
}

static void read_summary(void)
{
	stats_summary(&summary);
}

static void done(uint8_t status, uint64_t nanoseconds)
{
	trace(TRACE_SRB_DONE, 1, status, 4096, nanoseconds);
}

static void requests_and_errors_are_counted(void **state)
{
	done(SRB_STATUS_SUCCESS, 0);
	done(SRB_STATUS_ERROR, 0);
	done(SRB_STATUS_DATA_OVERRUN, 0); /* "less than asked for" is no error (SB-10) */
	done(SRB_STATUS_BUS_RESET, 0);
	read_summary();
	assert_int_equal(summary.srbs, 4);
	assert_int_equal(summary.srb_errors, 2);
	read_summary(); /* looked at twice, not counted twice */
	assert_int_equal(summary.srbs, 4);
}

/* dryport.h: 1, 2, 3-4, 5-8 ... */
static void elements_fall_into_their_buckets(void **state)
{
	static const struct {
		uint64_t elements;
		unsigned bucket;
	} rows[] = {{0, 0}, {1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {8, 3}, {9, 4}, {512, 9},
		{513, 10}, {1024, 10}, {1025, 11}, {4096, 11}, {~0ull, 11}};
	uint64_t wanted[DRY_HISTOGRAM] = {0};

	for (size_t n = 0; n < array_size(rows); n++) {
		trace(TRACE_SG_GET, 1, rows[n].elements);
		wanted[rows[n].bucket]++;
	}
	read_summary();
	assert_int_equal(summary.lists_got, array_size(rows));
	assert_memory_equal(summary.elements, wanted, sizeof(wanted));
}

static void lists_that_were_refused_are_none(void **state)
{
	trace(TRACE_SG_BUILD, 0, 3, 4096, STATUS_SUCCESS);
	trace(TRACE_SG_BUILD, 0, 3, 4096, STATUS_INSUFFICIENT_RESOURCES);
	trace(TRACE_SG_PUT, 0, 3, 4096, STATUS_SUCCESS);
	trace(TRACE_SG_PUT, 0, 3, 4096, STATUS_INVALID_PARAMETER);
	read_summary();
	assert_int_equal(summary.lists_built, 1);
	assert_int_equal(summary.lists_put, 1);
	assert_int_equal(summary.elements[2], 1);
}

static void percentiles_are_of_the_samples(void **state)
{
	read_summary();
	assert_int_equal(summary.latency_samples, 0);
	done(SRB_STATUS_SUCCESS, 0); /* not sampled */
	for (unsigned n = 100; n > 0; n--)
		done(SRB_STATUS_SUCCESS, n);
	read_summary();
	assert_int_equal(summary.latency_samples, 100);
	assert_int_equal(summary.latency_ns[0], 50);
	assert_int_equal(summary.latency_ns[1], 90);
	assert_int_equal(summary.latency_ns[2], 99);
	assert_int_equal(summary.latency_ns[3], 100);
}

static void more_samples_than_are_kept_push_out_the_oldest(void **state)
{
	for (unsigned n = 0; n < 5000; n++)
		done(SRB_STATUS_SUCCESS, 1000000);
	for (unsigned n = 0; n < 4096; n++)
		done(SRB_STATUS_SUCCESS, 7);
	read_summary();
	assert_int_equal(summary.latency_samples, 4096);
	assert_int_equal(summary.latency_ns[3], 7);
}

/* What stats.c prints meanwhile. */
static size_t printed(unsigned violations, char *text, size_t size)
{
	int fds[2], saved = dup(STDERR_FILENO);
	size_t length = 0;
	ssize_t got;

	assert_int_equal(pipe(fds), 0);
	fflush(stderr);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	for (unsigned n = 0; n < violations; n++) {
		char words[32];

		snprintf(words, sizeof(words), "wrong no. %u", n);
		trace(TRACE_VIOLATION, words);
	}
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	while (length < size - 1 && (got = read(fds[0], text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = 0;
	close(fds[0]);
	return length;
}

static void the_first_violation_is_kept_and_twenty_are_printed(void **state)
{
	char text[4096];
	unsigned lines = 0;

	printed(1000, text, sizeof(text));
	read_summary();
	assert_int_equal(summary.violations, 1000);
	assert_string_equal(summary.first_violation, "wrong no. 0");
	for (const char *at = text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 21);
	assert_non_null(strstr(text, "violation: wrong no. 19\n"));
	assert_null(strstr(text, "wrong no. 20"));
	assert_non_null(strstr(text, "further violations are counted"));
}

static void a_new_start_counts_from_nothing(void **state)
{
	char text[256];

	done(SRB_STATUS_ERROR, 55);
	printed(1, text, sizeof(text));
	stats_stop();
	done(SRB_STATUS_ERROR, 55); /* nobody listens */
	read_summary();
	assert_int_equal(summary.srbs, 1); /* still to be read after the stop */
	stats_start(true, 1);
	read_summary();
	assert_int_equal(summary.srbs, 0);
	assert_int_equal(summary.violations, 0);
	assert_int_equal(summary.latency_samples, 0);
	assert_string_equal(summary.first_violation, "");
}

/* --no-stats */
static void with_violations_alone_nothing_else_is_heard(void **state)
{
	char text[256];

	stats_stop();
	stats_start(false, 1);
	done(SRB_STATUS_ERROR, 55);
	trace(TRACE_SG_GET, 1, 1);
	assert_false(trace_is_wanted(TRACE_SRB_DONE) || trace_is_wanted(TRACE_SG_GET));
	printed(1, text, sizeof(text));
	read_summary();
	assert_int_equal(summary.srbs, 0);
	assert_int_equal(summary.srb_errors, 0);
	assert_int_equal(summary.lists_got, 0);
	assert_int_equal(summary.latency_samples, 0);
	assert_int_equal(summary.violations, 1);
}

static void *trace_many(void *arg)
{
	for (unsigned n = 0; n < 20000; n++) {
		done(SRB_STATUS_SUCCESS, n + 1);
		trace(TRACE_SG_GET, 1, 1);
	}
	return NULL;
}

/* Threads that are no processors share one place. */
static void no_count_is_lost_between_threads(void **state)
{
	pthread_t threads[3];

	for (unsigned n = 0; n < 3; n++)
		assert_int_equal(pthread_create(&threads[n], NULL, trace_many, NULL), 0);
	for (unsigned n = 0; n < 3; n++)
		pthread_join(threads[n], NULL);
	read_summary();
	assert_int_equal(summary.srbs, 60000);
	assert_int_equal(summary.elements[0], 60000);
	assert_int_equal(summary.latency_samples, 4096);
}

#define stats_test(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		stats_test(requests_and_errors_are_counted),
		stats_test(elements_fall_into_their_buckets),
		stats_test(lists_that_were_refused_are_none),
		stats_test(percentiles_are_of_the_samples),
		stats_test(more_samples_than_are_kept_push_out_the_oldest),
		stats_test(the_first_violation_is_kept_and_twenty_are_printed),
		stats_test(a_new_start_counts_from_nothing),
		stats_test(with_violations_alone_nothing_else_is_heard),
		stats_test(no_count_is_lost_between_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
