/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* `dryport hw` and `dryport exports`: what a machine can have, what a miniport can import. */
#include "cli.h"
#include "miniport.h"
#include "process.h"
#include "term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_option cli_exports_options[] = {
	{"json", "", "print an array of {name, module}"},
	{NULL, NULL, NULL},
};

static void model_print(const struct dry_model *model)
{
	const char *line = model->options;
	size_t length;

	printf("%-10s %s\n", model->name, model->help);
	for (; line && *line; line += length + (line[length] == '\n')) {
		length = strcspn(line, "\n");
		printf("%-10s   %.*s\n", "", (int)length, line);
	}
}

int cli_hw(const struct cli_args *args)
{
	const struct dry_model *model;
	unsigned n;

	for (n = 0; (model = dry_model_get(n)); n++)
		model_print(model);
	printf("\nA device is named as NAME[:key=value,...]: --hw %s\n",
		dry_model_get(0) ? dry_model_get(0)->name : "NAME");
	return CLI_OK;
}

struct export
{
	const char *name, *module;
};

static int export_compare(const void *a, const void *b)
{
	const struct export *x = a, *y = b;
	int modules = strcmp(x->module, y->module);

	return modules ? modules : strcmp(x->name, y->name);
}

static void exports_print(const struct export *exports, unsigned count)
{
	unsigned n;

	for (n = 0; n < count; n++)
		printf("%-16s %s\n", exports[n].module, exports[n].name);
}

/* Names are C identifiers and modules file names: nothing to escape. */
static void exports_print_json(const struct export *exports, unsigned count)
{
	unsigned n;

	puts("[");
	for (n = 0; n < count; n++)
		printf("  {\"name\": \"%s\", \"module\": \"%s\"}%s\n", exports[n].name,
			exports[n].module, n + 1 < count ? "," : "");
	puts("]");
}

static void missing_print(const char *name, void *unused)
{
	printf("%s\n", name);
}

/* What a miniport imports and we lack. */
static int missing_list(const struct cli_args *args)
{
	struct miniport miniport;
	int status, count;

	if (cli_args_get(args, "json"))
		return cli_usage("exports: --json goes without a miniport");
	process_init(); /* the compiler is waited for */
	status = miniport_find(&miniport, args->operands, args->operand_count);
	if (!status)
		status = miniport_build(&miniport, args->operands, args->operand_count, NULL);
	if (status)
		return status;
	count = dry_missing_tell(miniport.object, missing_print, NULL);
	if (count < 0)
		return cli_fail("%s", dry_error());
	fprintf(stderr, "dryport: %s: %d of its imports %s missing\n", miniport.name, count,
		count == 1 ? "is" : "are");
	return CLI_OK;
}

int cli_exports(const struct cli_args *args)
{
	struct export *exports;
	const char *module;
	unsigned n, count = 0;

	if (args->operand_count)
		return missing_list(args);
	while (dry_export_get(count, &module))
		count++;
	exports = calloc(count + 1, sizeof(*exports));
	if (!exports)
		return CLI_FAILURE;
	for (n = 0; n < count; n++)
		exports[n].name = dry_export_get(n, &exports[n].module);
	/* link order says nothing to a person */
	qsort(exports, count, sizeof(*exports), export_compare);
	if (cli_args_get(args, "json"))
		exports_print_json(exports, count);
	else
		exports_print(exports, count);
	free(exports);
	return CLI_OK;
}
