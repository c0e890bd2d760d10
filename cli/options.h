/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The options of a machine, gathered from the miniport's `machine` file and the command line and
 * checked before anything starts: a wrong one is a usage error. They go to nbdkit as key=value or
 * to a machine in this process.
 */
#ifndef DRY_CLI_OPTIONS_H
#define DRY_CLI_OPTIONS_H

#include "cli.h"

#define RUN_OPTIONS_MAX CLI_VALUES_MAX

struct run_option {
	char *name, *value;
};

struct run_options {
	struct run_option option[RUN_OPTIONS_MAX];
	unsigned count;
};

/* Sets or replaces one. -ENOMEM, -ENOSPC. */
int run_option_set(struct run_options *options, const char *name, const char *value);
const char *run_option_get(const struct run_options *options, const char *name);
void run_options_free(struct run_options *options);

/* Adds the lines `key = value` of a `machine` file; one that is not there says nothing. CLI_OK,
 * CLI_FAILURE. */
int run_options_read(struct run_options *options, const char *path);
/* Adds the command line's, and the defaults of `dryport run`. CLI_OK, CLI_USAGE. */
int run_options_take(struct run_options *options, const struct cli_args *args);

/* A machine with these options set, not started; CLI_USAGE after one line if it refuses one. */
int run_options_apply(const struct run_options *options, struct dry_machine **machine);

#endif
