/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
#include "machine/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

static struct dry_machine *machine;

static int setup(void **state)
{
	machine = dry_machine_new();
	return machine ? 0 : -1;
}

static int teardown(void **state)
{
	dry_machine_free(machine);
	return 0;
}

static void sizes_take_suffixes(void **state)
{
	assert_int_equal(dry_machine_set(machine, "size", "1G"), 0);
	assert_int_equal(machine->options.size, 1073741824);
	assert_int_equal(dry_machine_set(machine, "size", "3m"), 0);
	assert_int_equal(machine->options.size, 3145728);
	assert_int_equal(dry_machine_set(machine, "size", "0x1000"), 0);
	assert_int_equal(machine->options.size, 4096);
}

static void bad(const char *option, const char *value, int err, const char *words)
{
	assert_int_equal(dry_machine_set(machine, option, value), -err);
	if (!strstr(dry_error(), words))
		fail_msg("--%s %s: \"%s\" does not say \"%s\"", option, value, dry_error(), words);
}

static void bad_values_are_refused_with_the_good_ones_named(void **state)
{
	bad("size", "0", EINVAL, "512");
	bad("size", "12Q", EINVAL, "K, M, G or T");
	bad("size", "", EINVAL, "not a size");
	bad("size", "99999999999999999999", EINVAL, "not a size");
	bad("size", "17179869184G", EINVAL, "not a size"); /* 2^64 */
	bad("size", "-1", EINVAL, "not a size");
	bad("cpus", "0", EINVAL, "1 to 64");
	bad("cpus", "65", EINVAL, "1 to 64");
	bad("cpus", "two", EINVAL, "number");
	bad("memory", "low", EINVAL, "contiguous, scattered, high");
	bad("block-size", "1024", EINVAL, "512, 4096");
	bad("debug-print", "10", EINVAL, "-1 to 9");
	bad("os", "xp", EINVAL, "vista, 7, 8, 8.1, 10-1507, ");
	bad("os", "xp", EINVAL, ", 11-23H2, 11-24H2.");
	bad("colour", "red", ENOENT, "no such option");
}

static void choices_are_stored(void **state)
{
	assert_int_equal(dry_machine_set(machine, "memory", "high"), 0);
	assert_int_equal(machine->options.memory, MEM_HIGH);
	assert_int_equal(dry_machine_set(machine, "block-size", "4096"), 0);
	assert_int_equal(machine->options.block_size, 4096);
	assert_int_equal(dry_machine_set(machine, "build-callback", "other"), 0);
	assert_int_equal(machine->options.build_callback, DMA_CALLBACK_OTHER_PROCESSOR);
	assert_int_equal(machine->options.os, NT_OS_NEWEST);
	assert_int_equal(dry_machine_set(machine, "os", "10-1803"), 0);
	assert_int_equal(machine->options.os, NT_OS_10_1803);
}

static void claimed_processors_are_a_set(void **state)
{
	const char *const bad[] = {"", "64", "1,", ",1", "1 2", "-1", "any", "all,1"};

	assert_int_equal(machine->options.claimed, 0);
	assert_int_equal(dry_machine_set(machine, "claim", "0"), 0);
	assert_int_equal(machine->options.claimed, 1);
	assert_int_equal(dry_machine_set(machine, "claim", "63,1,0"), 0);
	assert_true(machine->options.claimed == (1ull << 63 | 3));
	for (unsigned n = 0; n < array_size(bad); n++)
		assert_int_equal(dry_machine_set(machine, "claim", bad[n]), -EINVAL);
	assert_true(machine->options.claimed == (1ull << 63 | 3));
	assert_int_equal(dry_machine_set(machine, "claim", "all"), 0);
	assert_true(machine->options.claimed == ~0ull);
}

static void a_machine_without_a_device_or_a_driver_does_not_start(void **state)
{
	assert_int_equal(dry_machine_start(machine, "/nonexistent/driver.so"), -ENOENT);
	assert_non_null(strstr(dry_error(), "/nonexistent/driver.so"));
}

static void events_have_times_names_and_adapters(void **state)
{
	const struct machine_events *at = &machine->options.at;

	assert_int_equal(
		dry_machine_set(machine, "at", "20us:restart,every-3ms:reset-bus:15,1s:nap:0"), 0);
	assert_int_equal(at->count, 3);
	assert_int_equal(at->event[0].due, 20000);
	assert_int_equal(at->event[0].period, 0);
	assert_int_equal(at->event[1].due, 3000000);
	assert_int_equal(at->event[1].period, 3000000);
	assert_int_equal(at->event[1].adapter, 15);
	assert_int_equal(at->event[2].due, 1000000000);
	bad("at", "restart", EINVAL, "no time");
	bad("at", "5:restart", EINVAL, "no time");
	bad("at", "18446744073709551616ns:restart", EINVAL, "no time");
	bad("at", "18446744073709551615s:restart", EINVAL, "no time");
	bad("at", "every-0us:restart", EINVAL, "a period of 0");
	bad("at", "1s:explode", EINVAL, "there is no event \"explode\"; there are restart, ");
	bad("at", "1s:", EINVAL, "there is no event \"\"");
	bad("at", "1s:restart:", EINVAL, "no adapter's number");
	bad("at", "1s:restart:16", EINVAL, "no adapter's number");
	bad("at", "1s:restart:4294967296", EINVAL, "no adapter's number");
	bad("at", "1s:restart:-1", EINVAL, "no adapter's number");
	bad("at", "1s:restart:1x", EINVAL, "no adapter's number");
	bad("at", "1s:restart,", EINVAL, "a comma at the end");
	/* What would never end is refused, and what is refused changes nothing. */
	bad("at", "1s:stop,500ms:start", EINVAL, "needs a start that comes later");
	assert_int_equal(at->count, 3);
	assert_int_equal(at->event[0].due, 20000);
	assert_int_equal(dry_machine_set(machine, "at", "1s:stop:1,2s:start:1"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sizes_take_suffixes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			events_have_times_names_and_adapters, setup, teardown),
		cmocka_unit_test_setup_teardown(
			bad_values_are_refused_with_the_good_ones_named, setup, teardown),
		cmocka_unit_test_setup_teardown(choices_are_stored, setup, teardown),
		cmocka_unit_test_setup_teardown(claimed_processors_are_a_set, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_machine_without_a_device_or_a_driver_does_not_start, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
