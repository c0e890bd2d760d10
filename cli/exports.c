/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * `dryport exports`: what a miniport can import, what is done of each routine (ddi_status.h), and
 * what a given miniport imports in vain.
 */
#include "cli.h"
#include "ddi_status.h"
#include "miniport.h"
#include "process.h"
#include "term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_option cli_exports_options[] = {
	{"json", "", "print an array of {name, module, status, tests}"},
	{NULL, NULL, NULL},
};

struct export
{
	const char *name, *module;
};

struct exports {
	struct export *rows; /* by module, then by name */
	unsigned count;
};

static int export_compare(const void *a, const void *b)
{
	const struct export *x = a, *y = b;
	int modules = strcmp(x->module, y->module);

	return modules ? modules : strcmp(x->name, y->name);
}

static int exports_get(struct exports *exports)
{
	const char *module;
	unsigned n, count = 0;

	while (dry_export_get(count, &module))
		count++;
	exports->rows = calloc(count + 1, sizeof(*exports->rows));
	if (!exports->rows)
		return cli_fail("out of memory");
	for (n = 0; n < count; n++)
		exports->rows[n].name = dry_export_get(n, &exports->rows[n].module);
	exports->count = count;
	/* link order says nothing to a person */
	qsort(exports->rows, count, sizeof(*exports->rows), export_compare);
	return CLI_OK;
}

static void exports_print(const struct exports *exports)
{
	unsigned n;

	for (n = 0; n < exports->count; n++)
		printf("%-16s %s\n", exports->rows[n].module, exports->rows[n].name);
}

/* ---- what is done of each ---- */

/* Inline routines and members of tables are in a module of their own, which exports nothing. */
static int is_import(const struct exports *exports, const char *module)
{
	unsigned n;

	for (n = 0; n < exports->count; n++)
		if (!strcmp(exports->rows[n].module, module))
			return 1;
	return 0;
}

static int is_exported(const struct exports *exports, const struct ddi_status *row)
{
	const struct export key = {row->name, row->module};

	return bsearch(&key, exports->rows, exports->count, sizeof(key), export_compare) != NULL;
}

/* Names are C identifiers and modules file names: nothing to escape. */
static void status_print_json(const struct exports *exports)
{
	unsigned n;

	puts("[");
	for (n = 0; n < ddi_status_count; n++) {
		const struct ddi_status *row = &ddi_status_rows[n];
		/* the table is older than the program where a routine has gone since */
		int gone = is_import(exports, row->module) && !is_exported(exports, row);

		printf("  {\"name\": \"%s\", \"module\": \"%s\", \"status\": \"%s\", "
		       "\"tests\": %s}%s\n",
			row->name, row->module, gone ? "missing" : row->status, row->tests,
			n + 1 < ddi_status_count ? "," : "");
	}
	puts("]");
}

/* ---- what a miniport lacks ---- */

static void missing_print(const char *name, void *unused)
{
	printf("%s\n", name);
}

static int missing_list(const struct cli_args *args)
{
	struct miniport miniport = {0};
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
	struct exports exports = {0};
	int status;

	if (args->operand_count)
		return missing_list(args);
	status = exports_get(&exports);
	if (status)
		return status;
	if (cli_args_get(args, "json"))
		status_print_json(&exports);
	else
		exports_print(&exports);
	free(exports.rows);
	return CLI_OK;
}
