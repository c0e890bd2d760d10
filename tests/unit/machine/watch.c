/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The watch over requests: ends that come twice, late or never, from events made here. */
#include "../one_processor.h"
#include "machine/machine.h"

enum { OP_READ = 0x28 };

static void submit(uint64_t id, unsigned opcode)
{
	trace(TRACE_SRB_SUBMIT, id, opcode << 8, 0, 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(what_ends_once_and_in_time_is_no_news),
		machine_test(who_ends_twice_is_named),
		machine_test(who_never_ends_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
