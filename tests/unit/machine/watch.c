/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The watch over requests: ends that come twice, late or never, from events made here. */
#include "../one_processor.h"
#include "machine/machine.h"

enum { OP_READ = 0x28 };

static void submit(uint64_t id, unsigned opcode)
{
	trace(TRACE_SRB_SUBMIT, id, 30 << 16 | opcode << 8, 0, 0);
	trace(TRACE_HW_STARTIO, id);
}

static void done(uint64_t id)
{
	trace(TRACE_SRB_DONE, id, 1, 0, 0);
}

static void what_ends_once_and_in_time_is_no_news(void **state)
{
	watch_start();
	for (uint64_t id = 1; id < 5000; id++) {
		submit(id, OP_READ);
		trace(TRACE_HW_STARTIO, id); /* again, after the unit was busy */
		done(id);
	}
	done(7000); /* of before the watch */
	watch_stop();
	assert_int_equal(violation.count, 0);
}

static void who_ends_twice_is_named(void **state)
{
	watch_start();
	submit(11, OP_READ);
	done(11);
	done(11);
	assert_violation("request 11 ended twice");
	watch_stop();
}

static void who_never_ends_is_named(void **state)
{
	watch_start();
	submit(12, OP_READ);
	submit(13, OP_READ);
	done(12);
	assert_int_equal(violation.count, 0);
	watch_stop();
	assert_violation("request 13 never ended");
}

/* However many come and go meanwhile. */
static void among_many(uint64_t id)
{
	submit(id, OP_READ);
	for (uint64_t other = id + 1; other <= id + 20000; other++) {
		submit(other, OP_READ);
		done(other);
	}
}

static void who_takes_long_is_not_forgotten(void **state)
{
	watch_start();
	among_many(1);
	done(1);
	assert_int_equal(violation.count, 0);
	done(1);
	assert_violation("request 1 ended twice");
	watch_stop();
	assert_int_equal(violation.count, 0);
	watch_start();
	among_many(1);
	watch_stop();
	assert_violation("request 1 never ended");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(what_ends_once_and_in_time_is_no_news),
		machine_test(who_ends_twice_is_named),
		machine_test(who_never_ends_is_named),
		machine_test(who_takes_long_is_not_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
