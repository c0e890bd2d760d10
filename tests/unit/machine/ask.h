/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What programs ask of drivers: a machine by dryport.h alone, with one of two example drivers (the
 * tests' arguments). */
#ifndef TESTS_MACHINE_ASK_H
#define TESTS_MACHINE_ASK_H

#include "../expect.h"
#include "../../../examples/ramdisk/ramdisk.h"

#include <dryport.h>

static const char *ramdisk, *simple;
static struct dry_machine *live;

static inline void start_with(
	const char *driver, const char *hw, const char *seed, const char *option, const char *value)
{
	live = dry_machine_new();
	assert_non_null(live);
	assert_int_equal(dry_machine_set(live, "hw", hw), 0);
	if (seed)
		assert_int_equal(dry_machine_set(live, "seed", seed), 0);
	if (option)
		assert_int_equal(dry_machine_set(live, option, value), 0);
	if (dry_machine_start(live, driver))
		fail_msg("%s", dry_error());
}

static inline void start(const char *driver, const char *hw, const char *seed)
{
	start_with(driver, hw, seed, NULL, NULL);
}

static inline void stop(void)
{
	struct dry_summary summary;

	assert_int_equal(dry_machine_stop(live), 0);
	dry_machine_summary(live, &summary);
	if (summary.violations)
		fail_msg("violation: %s", summary.first_violation);
	assert_int_equal(summary.leaks, 0);
	dry_machine_free(live);
}

#endif
