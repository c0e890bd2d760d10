/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * `dryport bench`: builds the miniport that is measured and becomes dryport-bench (bench/), which
 * prints raw figures beside a reference of the same run.
 */
#include "cli.h"
#include "miniport.h"
#include "term.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

const struct cli_option cli_bench_options[] = {
	{"json", "", "print {bench, cpu, rows: [{name, depth, ns, floor_ns, instructions}]}"},
	{NULL, NULL, NULL},
};

int cli_bench(const struct cli_args *args)
{
	char program[PATH_MAX], example[PATH_MAX];
	char *sources[] = {(char *)tree_path(example, "examples/simple")};
	struct miniport miniport;
	char *json = cli_args_get(args, "json") ? "--json" : NULL;
	int status;

	if (args->operand_count != 1 || strcmp(args->operands[0], "path"))
		return cli_usage("bench: which one? There is: path");
	status = miniport_find(&miniport, sources, 1);
	if (!status)
		status = miniport_build(&miniport, sources, 1, NULL);
	if (status)
		return status;
	build_path(program, "bench/dryport-bench");
	execv(program, (char *[]){program, "path", miniport.object, json, NULL});
	return cli_fail("%s: %s", program, strerror(errno));
}
