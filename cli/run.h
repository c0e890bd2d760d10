/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* One `dryport run`, as its parts see it: run.c prepares it, the modes carry it out. */
#ifndef DRY_CLI_RUN_H
#define DRY_CLI_RUN_H

#include "options.h"
#include "miniport.h"
#include "summary.h"
#include "term.h"

struct run {
	const struct cli_args *args;
	struct term term;
	char *const *operands; /* the miniport's, never none */
	unsigned operand_count;
	struct miniport miniport;
	struct run_options options;
	char folder[PATH_MAX]; /* private, removed at the end */
};

/* Prints the summary, saves it if wanted; the exit status of the machine's part of the run. */
int run_finish(
	const struct run *run, const struct dry_summary *summary, const struct outcome *outcome);

/* From args and operands: the miniport is found and built, its options are checked, the folder is
 * made. CLI_OK, CLI_FAILURE, CLI_USAGE. run_free in any case. */
int run_prepare(struct run *run);
void run_free(struct run *run);

/* job.c: the main job. */
int job_run(struct run *run);

#endif
