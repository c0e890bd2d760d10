/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/* `dryport hw`: what a machine can have. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static void model_print(const struct dry_model *model, const char *options)
{
	const char *line = options;
	size_t length;

	printf("%-10s %s\n", model->name, model->help);
	for (; line && *line; line += length + (line[length] == '\n')) {
		length = strcspn(line, "\n");
		printf("%-10s   %.*s\n", "", (int)length, line);
	}
}

int cli_hw(const struct cli_args *args)
{
	const struct dry_fault_kind *kind;
	const struct dry_model *model;
	unsigned n;

	for (n = 0; (model = dry_model_get(n)); n++)
		model_print(model, dry_model_options(n));
	printf("\nA device can be made to fail, --fault KIND@STEP (docs/faults.md):\n");
	for (n = 0; (kind = dry_fault_kind_get(n)); n++)
		printf("%-14s %s\n", kind->name, kind->help);
	printf("\nA device is named as NAME[:key=value,...]: --hw %s\n",
		dry_model_get(0) ? dry_model_get(0)->name : "NAME");
	return CLI_OK;
}
