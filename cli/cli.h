/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The dryport program: a front that knows dryport.h and nothing below it.
 *
 *	main.c      the table of commands, help
 *	args.c      one parser for every command, driven by the commands' option tables
 *	term.c      messages, step lines, progress bar, numbers as people write them
 *	process.c   child processes and the signals that this program waits for
 *	miniport.c  operand → loadable object (through dryport-build) and its `machine` file
 *	server.c    the machine's own process: nbdkit with our plugin, and the page shared with it
 *	session.c   a running machine for COMMAND, and what the exit status says of it
 *	bench.c     `dryport bench`
 *	run.c       `dryport run`; job.c: its main job; seeds.c: replayed runs
 *	test_scsi.c `dryport test-scsi`; scsi_result.c: what it reads
 *	coverage.c  --coverage-report
 *	list.c      `hw`, `exports`
 *	sgl.c       `dryport sgl`: a scatter/gather list as a table; sgl_svg.c: as a picture
 *	trace.c     `dryport trace`: a trace, filtered or counted
 *	summary.c   what happened, for a person and as JSON
 *
 * A new command is a row of main.c's table and a table of its options; docs/cli.md describes both.
 */
#ifndef DRY_CLI_CLI_H
#define DRY_CLI_CLI_H

#include <dryport.h>

enum cli_status { CLI_OK = 0, CLI_FAILURE = 1, CLI_USAGE = 2 };

struct cli_option {
	const char *name;     /* "nbd" */
	const char *argument; /* "SOCKET"; "" for a switch */
	const char *help;     /* one line */
};

struct cli_args;

struct cli_command {
	const char *name;
	const char *operands;		  /* for the usage line */
	const char *help;		  /* one line */
	const struct cli_option *options; /* ended by name NULL, or NULL */
	bool machine_options;		  /* takes the machine's options (dry_option_get) too */
	bool command_follows;		  /* takes `-- COMMAND` */
	unsigned operands_max;
	int (*run)(const struct cli_args *args);
	/* In place of run: gets everything after the command's name, unparsed. */
	int (*run_raw)(char **argv);
};

#define CLI_VALUES_MAX 64

struct cli_value {
	const char *name;  /* as in the option's table */
	const char *value; /* "" for a switch */
	bool machine;	   /* one of dry_option_get's */
};

struct cli_args {
	const struct cli_command *command;
	struct cli_value values[CLI_VALUES_MAX];
	unsigned value_count;
	char **operands;
	unsigned operand_count;
	char **rest; /* after "--", ended by NULL; NULL without "--" */
	bool help;
};

/*
 * Parses argv (ended by NULL; the words after the command's name), which it reorders: operands come
 * first.
 * `--name VALUE` and `--name=VALUE`, in any order with operands, up to "--". CLI_USAGE after one
 * line that names the word that is wrong.
 */
int cli_args_parse(struct cli_args *args, const struct cli_command *command, char **argv);
/* The last value given for an option, NULL if none. */
const char *cli_args_get(const struct cli_args *args, const char *name);

/* The n-th option of a command, the machine's after its own; false past the end. */
bool cli_option_get(const struct cli_command *command, unsigned n, struct cli_option *option);

/* The words of this program's own command line, ended by NULL, as they were given. */
extern char **cli_argv;

/* list.c */
int cli_hw(const struct cli_args *args);
int cli_exports(const struct cli_args *args);
int cli_bench(const struct cli_args *args);
extern const struct cli_option cli_exports_options[];
extern const struct cli_option cli_bench_options[];
/* trace.c */
int cli_trace(const struct cli_args *args);
extern const struct cli_option cli_trace_options[];
/* sgl.c */
int cli_sgl(const struct cli_args *args);
extern const struct cli_option cli_sgl_options[];
/* run.c */
int cli_run(const struct cli_args *args);
extern const struct cli_option cli_run_options[];
/* test_scsi.c */
int cli_test_scsi(const struct cli_args *args);
extern const struct cli_option cli_test_scsi_options[];

#endif
