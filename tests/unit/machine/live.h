/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A whole machine with the example's controller and miniport (the test's argument), used from host
 * threads; and faults in its path, worked by a subscriber to the path's events.
 */
#ifndef TESTS_MACHINE_LIVE_H
#define TESTS_MACHINE_LIVE_H

#include "../expect.h"
#include "machine/machine.h"
#include "storport/storport_adapter.h"
#include "trace/trace.h"

#include <errno.h>

#ifdef DRY_TSAN
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "atexit_sleep_ms=0";
}
#endif

static const char *live_miniport;
static struct dry_machine *live;

/* Names and values, ended by NULL. */
static inline int live_try(const char *const *options)
{
	live = dry_machine_new();
	assert_non_null(live);
	assert_int_equal(dry_machine_set(live, "hw", "simple"), 0);
	assert_int_equal(dry_machine_set(live, "size", "1M"), 0);
	for (; options && *options; options += 2)
		assert_int_equal(dry_machine_set(live, options[0], options[1]), 0);
	return dry_machine_start(live, live_miniport);
}

static inline void live_start(const char *const *options)
{
	if (live_try(options))
		fail_msg("%s", dry_error());
}

/* Stops in good order: no leak, no violation. */
static inline void live_end(void)
{
	struct dry_summary summary;

	if (dry_machine_stop(live))
		fail_msg("%s", dry_error());
	dry_machine_summary(live, &summary);
	if (summary.violations)
		fail_msg("violation: %s", summary.first_violation);
	assert_int_equal(summary.leaks, 0);
	dry_machine_free(live);
	live = NULL;
	expect_tell();
}

/* The read or write whose event this is; NULL: something else. In a subscriber. */
static inline struct port_request *live_request(const struct trace_event *event)
{
	struct port_adapter *port = live->driver.adapters[0];

	for (unsigned n = 0; n < PORT_SLOTS; n++) {
		struct port_request *request = &port->requests[n];

		if (request->id == event->arg[0] && request->state != PORT_REQUEST_FREE)
			return request->function == SRB_FUNCTION_EXECUTE_SCSI &&
					       (request->cdb[0] == SCSIOP_READ ||
						       request->cdb[0] == SCSIOP_WRITE)
				       ? request
				       : NULL;
	}
	return NULL;
}

static inline uint32_t live_block(const struct port_request *request)
{
	return (uint32_t)request->cdb[2] << 24 | (uint32_t)request->cdb[3] << 16 |
	       (uint32_t)request->cdb[4] << 8 | request->cdb[5];
}

static inline void live_block_set(struct port_request *request, uint32_t block)
{
	for (unsigned n = 0; n < 4; n++)
		request->cdb[2 + n] = (uint8_t)(block >> (24 - 8 * n));
}

static inline int live_main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	live_miniport = argv[1];
	return 0;
}

#endif
