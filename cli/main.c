/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The table of commands and what is printed about them. Each command's work is in a file of its
 * own. */
#include "cli.h"
#include "miniport.h"
#include "term.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int cli_help(const struct cli_args *args);

static int cli_version(const struct cli_args *args)
{
	printf("dryport %s\n", dry_version());
	return CLI_OK;
}

static const struct cli_command commands[] = {
	{.name = "run",
		.operands = "[MINIPORT.so | SOURCES...]",
		.help = "load a miniport, give it a machine, serve its disk to COMMAND",
		.options = cli_run_options,
		.machine_options = true,
		.command_follows = true,
		.operands_max = 32,
		.run = cli_run},
	{.name = "test-scsi",
		.operands = "MINIPORT.so | SOURCES...",
		.help = "run iscsi-test-cu's SCSI tests on a miniport's disk",
		.options = cli_test_scsi_options,
		.machine_options = true,
		.operands_max = 32,
		.run = cli_test_scsi},
	{.name = "build",
		.operands = "SOURCES... [-o MINIPORT.so]",
		.help = "compile a miniport's C sources",
		.run_raw = miniport_build_exec},
	{.name = "hw", .operands = "", .help = "list the device models", .run = cli_hw},
	{.name = "exports",
		.operands = "[MINIPORT.so | SOURCES...]",
		.help = "list the routines that a miniport can import, or those it lacks",
		.options = cli_exports_options,
		.operands_max = 32,
		.run = cli_exports},
	{.name = "sgl",
		.operands = "",
		.help = "map a described buffer and show its scatter/gather list",
		.options = cli_sgl_options,
		.run = cli_sgl},
	{.name = "trace",
		.operands = "FILE",
		.help = "show the events of a run, all or some, or count them",
		.options = cli_trace_options,
		.operands_max = 1,
		.run = cli_trace},
	{.name = "bench",
		.operands = "path",
		.help = "measure the way of a request, beside a floor",
		.options = cli_bench_options,
		.operands_max = 1,
		.run = cli_bench},
	{.name = "version", .operands = "", .help = "print the version", .run = cli_version},
	{.name = "help",
		.operands = "[COMMAND]",
		.help = "print this, or a command's options",
		.operands_max = 1,
		.run = cli_help},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct cli_command *command_find(const char *name)
{
	unsigned n;

	for (n = 0; n < COMMANDS; n++)
		if (!strcmp(commands[n].name, name))
			return &commands[n];
	return NULL;
}

static int help_all(void)
{
	unsigned n;

	printf("dryport %s: Windows storage miniport drivers as Linux processes\n\n",
		dry_version());
	for (n = 0; n < COMMANDS; n++)
		printf("  dryport %-9s %s\n", commands[n].name, commands[n].help);
	printf("\n`dryport run` alone does the main job: it compiles the example driver, moves a "
	       "disk\n"
	       "image through it and back, and shows what the scatter/gather lists did.\n"
	       "`dryport COMMAND --help` lists a command's options; docs/cli.md explains them.\n");
	return CLI_OK;
}

static int help_command(const struct cli_command *command)
{
	struct cli_option option;
	char word[64];
	unsigned n;

	printf("usage: dryport %s %s%s%s\n\n%s\n", command->name, command->operands,
		command->options ? " [OPTIONS]" : "",
		command->command_follows ? " [-- COMMAND]" : "", command->help);
	for (n = 0; cli_option_get(command, n, &option); n++) {
		snprintf(word, sizeof(word), "--%s %s", option.name, option.argument);
		printf("%s  %-24s %s\n", n ? "" : "\n", word, option.help);
	}
	return CLI_OK;
}

static int cli_help(const struct cli_args *args)
{
	const struct cli_command *command;

	if (!args->operand_count)
		return help_all();
	command = command_find(args->operands[0]);
	if (!command)
		return cli_usage("no command '%s' (see dryport help)", args->operands[0]);
	return command->run_raw ? command->run_raw((char *[]){"--help", NULL})
				: help_command(command);
}

char **cli_argv;

int main(int argc, char **argv)
{
	const struct cli_command *command;
	struct cli_args args;
	int status;

	/* the parser reorders argv */
	cli_argv = calloc((size_t)argc + 1, sizeof(*cli_argv));
	if (!cli_argv)
		return cli_fail("out of memory");
	memcpy(cli_argv, argv, (size_t)argc * sizeof(*argv));
	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		help_all();
		return CLI_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help_all();
	if (!strcmp(argv[1], "--version"))
		return cli_version(NULL);
	command = command_find(argv[1]);
	if (!command)
		return cli_usage("no command '%s' (see dryport help)", argv[1]);
	if (command->run_raw)
		return command->run_raw(argv + 2);
	status = cli_args_parse(&args, command, argv + 2);
	if (status)
		return status;
	return args.help ? help_command(command) : command->run(&args);
}
