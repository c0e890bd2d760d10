/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* The options of a machine: see options.h. Used by run.c; server.c passes them on. */
#include "options.h"
#include "term.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 1024

static struct run_option *option_find(const struct run_options *options, const char *name)
{
	unsigned n;

	for (n = 0; n < options->count; n++)
		if (!strcmp(options->option[n].name, name))
			return (struct run_option *)&options->option[n];
	return NULL;
}

int run_option_set(struct run_options *options, const char *name, const char *value)
{
	struct run_option *option = option_find(options, name);
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	if (option) {
		free(option->value);
		option->value = copy;
		return 0;
	}
	if (options->count == RUN_OPTIONS_MAX) {
		free(copy);
		return -ENOSPC;
	}
	option = &options->option[options->count];
	option->value = copy;
	option->name = strdup(name);
	if (!option->name) {
		free(copy);
		return -ENOMEM;
	}
	options->count++;
	return 0;
}

const char *run_option_get(const struct run_options *options, const char *name)
{
	const struct run_option *option = option_find(options, name);

	return option ? option->value : NULL;
}

void run_options_free(struct run_options *options)
{
	unsigned n;

	for (n = 0; n < options->count; n++) {
		free(options->option[n].name);
		free(options->option[n].value);
	}
	options->count = 0;
}

/* Cuts blanks at both ends, in place. */
static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = 0;
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static int line_read(struct run_options *options, char *line, const char *path, unsigned number)
{
	char *equals;

	line[strcspn(line, "#\n")] = 0;
	line = trim(line);
	if (!*line)
		return CLI_OK;
	equals = strchr(line, '=');
	if (!equals || equals == line)
		return cli_fail("%s:%u: not a line `key = value`: '%s'", path, number, line);
	*equals = 0;
	if (run_option_set(options, trim(line), trim(equals + 1)) < 0)
		return cli_fail("%s:%u: too many options", path, number);
	return CLI_OK;
}

int run_options_read(struct run_options *options, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[LINE_MAX_BYTES];
	unsigned number = 0;
	int status = CLI_OK;

	if (!file)
		return errno == ENOENT ? CLI_OK : cli_fail("%s: %s", path, strerror(errno));
	while (!status && fgets(line, sizeof(line), file))
		status = line_read(options, line, path, ++number);
	fclose(file);
	return status;
}

static int devices_list(void)
{
	const struct dry_model *model;
	unsigned n;

	for (n = 0; (model = dry_model_get(n)); n++)
		fprintf(stderr, "  %-10s %s\n", model->name, model->help);
	return CLI_USAGE;
}

/* Only the name: what follows the colon is the device's own business. */
static int device_check(const char *spec)
{
	const struct dry_model *model;
	size_t length;
	unsigned n;

	if (!spec) {
		cli_usage("which device? Give --hw NAME, or write `hw = NAME` in a file `machine` "
			  "beside the sources. There are:");
		return devices_list();
	}
	length = strcspn(spec, ":");
	for (n = 0; (model = dry_model_get(n)); n++)
		if (strlen(model->name) == length && !memcmp(model->name, spec, length))
			return CLI_OK;
	cli_usage("--hw %s: no such device. There are:", spec);
	return devices_list();
}

/* A repeatable option: one value, with commas. What a file `machine` says is replaced. */
static int values_join(struct run_options *options, const struct cli_args *args, const char *name)
{
	char *all = NULL, *longer;
	unsigned n;
	int err = 0;

	for (n = 0; n < args->value_count && !err; n++) {
		if (strcmp(args->values[n].name, name))
			continue;
		err = asprintf(&longer, "%s%s%s", all ? all : "", all ? "," : "",
			      args->values[n].value) < 0
			      ? -ENOMEM
			      : 0;
		if (err)
			break;
		free(all);
		all = longer;
	}
	if (all && !err)
		err = run_option_set(options, name, all);
	free(all);
	return err;
}

int run_options_take(struct run_options *options, const struct cli_args *args)
{
	unsigned n;
	int status;

	for (n = 0; n < args->value_count; n++)
		if (args->values[n].machine &&
			run_option_set(options, args->values[n].name, args->values[n].value) < 0)
			return cli_usage("too many options");
	if (values_join(options, args, "at") < 0 || values_join(options, args, "fail") < 0)
		return cli_usage("too many options");
	status = device_check(run_option_get(options, "hw"));
	if (status)
		return status;
	if (!run_option_get(options, "disk") && !run_option_get(options, "size"))
		run_option_set(options, "size", "64M");
	return CLI_OK;
}

int run_options_apply(const struct run_options *options, struct dry_machine **machine)
{
	const struct run_option *option;
	int status;

	*machine = dry_machine_new();
	if (!*machine)
		return cli_fail("out of memory");
	for (option = options->option; option < options->option + options->count; option++) {
		if (dry_machine_set(*machine, option->name, option->value) == 0)
			continue;
		status = cli_usage("%s", dry_error());
		dry_machine_free(*machine);
		*machine = NULL;
		return status;
	}
	return CLI_OK;
}
