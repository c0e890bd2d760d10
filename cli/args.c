/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Command lines, by table. Called by main.c; the tables stand with the commands.
 */
#include "cli.h"
#include "term.h"

#include <string.h>

static unsigned option_count(const struct cli_option *options)
{
	unsigned n = 0;

	while (options && options[n].name)
		n++;
	return n;
}

bool cli_option_get(const struct cli_command *command, unsigned n, struct cli_option *option)
{
	unsigned own = option_count(command->options);
	const struct dry_option *machine;

	if (n < own) {
		*option = command->options[n];
		return true;
	}
	machine = command->machine_options ? dry_option_get(n - own) : NULL;
	if (!machine)
		return false;
	*option = (struct cli_option){machine->name, machine->argument, machine->help};
	return true;
}

/* name is not ended by NUL: "size" of "size=1G". */
static bool option_find(const struct cli_command *command, const char *name, size_t length,
	struct cli_option *option, bool *machine)
{
	unsigned n;

	for (n = 0; cli_option_get(command, n, option); n++)
		if (strlen(option->name) == length && !memcmp(option->name, name, length)) {
			*machine = n >= option_count(command->options);
			return true;
		}
	return false;
}

static int value_add(struct cli_args *args, struct cli_value value)
{
	if (args->value_count == CLI_VALUES_MAX)
		return cli_usage("more than %d options", CLI_VALUES_MAX);
	args->values[args->value_count++] = value;
	return CLI_OK;
}

/* *argv stands at an option; leaves it at the last word that the option took. */
static int option_parse(struct cli_args *args, char ***argv)
{
	const char *word = **argv + 2;
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const char *command = args->command->name;
	struct cli_option option;
	bool machine;

	if (!option_find(args->command, word, length, &option, &machine))
		return cli_usage("%s: no option --%.*s (see dryport %s --help)", command,
			(int)length, word, command);
	if (!*option.argument) {
		if (equals)
			return cli_usage("%s: --%s takes no value", command, option.name);
		return value_add(args, (struct cli_value){option.name, "", machine});
	}
	if (equals)
		return value_add(args, (struct cli_value){option.name, equals + 1, machine});
	if (!(*argv)[1] || !strcmp((*argv)[1], "--"))
		return cli_usage("%s: --%s needs a value: --%s %s", command, option.name,
			option.name, option.argument);
	++*argv;
	return value_add(args, (struct cli_value){option.name, **argv, machine});
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

int cli_args_parse(struct cli_args *args, const struct cli_command *command, char **argv)
{
	int status;

	*args = (struct cli_args){.command = command, .operands = argv};
	for (; *argv; argv++) {
		if (!strcmp(*argv, "--")) {
			if (!command->command_follows)
				return cli_usage("%s: takes no -- COMMAND", command->name);
			if (!argv[1])
				return cli_usage("%s: nothing follows --", command->name);
			args->rest = argv + 1;
			return CLI_OK;
		}
		if (is_help(*argv)) {
			args->help = true;
			continue;
		}
		if ((*argv)[0] != '-' || !(*argv)[1]) {
			if (args->operand_count == command->operands_max)
				return cli_usage("%s: does not know what to do with '%s'",
					command->name, *argv);
			args->operands[args->operand_count++] = *argv;
			continue;
		}
		if ((*argv)[1] != '-')
			return cli_usage("%s: no option %s (see dryport %s --help)", command->name,
				*argv, command->name);
		status = option_parse(args, &argv);
		if (status)
			return status;
	}
	return CLI_OK;
}

const char *cli_args_get(const struct cli_args *args, const char *name)
{
	unsigned n;

	for (n = args->value_count; n > 0; n--)
		if (!strcmp(args->values[n - 1].name, name))
			return args->values[n - 1].value;
	return NULL;
}
