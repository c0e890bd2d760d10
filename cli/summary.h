/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* What happened in a machine, for a person and for a program. */
#ifndef DRY_CLI_SUMMARY_H
#define DRY_CLI_SUMMARY_H

#include "term.h"

#include <dryport.h>

/* What the counters do not know. */
struct outcome {
	bool stopped;	     /* the machine stopped in good order: the summary is whole */
	const char *failure; /* what else went wrong (a copy differs), or NULL */
	const uint64_t *log; /* the simple controller's log page, or NULL */
};

void summary_print(
	const struct term *term, const struct dry_summary *summary, const struct outcome *outcome);

/* One JSON object, every number of struct dry_summary by its name, and "verdict". 0 or -errno. */
int summary_save(
	const char *path, const struct dry_summary *summary, const struct outcome *outcome);

/* No failure, no violation, no leak, and every byte of data that crossed the bus was asked for. */
bool summary_is_good(const struct dry_summary *summary, const struct outcome *outcome);

#endif
