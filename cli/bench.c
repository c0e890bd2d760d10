/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * `dryport bench`: builds the miniports that are measured and becomes dryport-bench (bench/), which
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
	{"json", "", "print {bench, cpu, rows: [...]} (docs/cli.md)"},
	{NULL, NULL, NULL},
};

/* What is measured: a miniport of ours, on a device. */
struct row {
	const char *bench, *example, *hw;
};

static const struct row rows[] = {
	{"path", "examples/simple", "simple:null"},
	{"path", "examples/nvme", "nvme:null"},
	{"path", "examples/nvme", "nvme"},
	{"path", "examples/nvme", "nvme:null,namespaces=32"},
	{"path", "examples/nvme", "nvme:null,namespaces=255"},
	{"path", "examples/simple", "simple:null@2"},
	{"path", "examples/simple", "simple:null*2@2"},
	{"path", "examples/nvme", "nvme:null*2@2"},
	{"path", "examples/nvme", "nvme:null*1@2"},
	{"replay", "examples/nvme", "nvme"},
	{"models", "examples/simple", "simple:null"},
	{"models", "examples/pull", "simple:null"},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* What is measured without a miniport. */
static bool needs_none(const char *bench)
{
	return !strcmp(bench, "sglist") || !strcmp(bench, "lists");
}

static int row_build(const struct row *row, struct miniport *miniport)
{
	char example[PATH_MAX];
	char *sources[] = {(char *)tree_path(example, row->example)};
	int status = miniport_find(miniport, sources, 1);

	if (!status && !strcmp(row->bench, "replay"))
		miniport_for_replay(miniport, sources);
	return status ? status : miniport_build(miniport, sources, 1, NULL);
}

int cli_bench(const struct cli_args *args)
{
	static struct miniport miniports[ROWS];
	char program[PATH_MAX], *words[3 + 2 * ROWS + 1];
	const char *bench = args->operand_count == 1 ? args->operands[0] : "";
	unsigned count = 2;
	int status = CLI_OK;

	words[0] = program;
	words[1] = (char *)bench;
	for (size_t n = 0; n < ROWS && !status; n++) {
		if (strcmp(rows[n].bench, bench))
			continue;
		status = row_build(&rows[n], &miniports[n]);
		words[count++] = miniports[n].object;
		words[count++] = (char *)rows[n].hw;
	}
	if (status)
		return status;
	if (count == 2 && !needs_none(bench))
		return cli_usage(
			"bench: which one? There are: path, replay, models, sglist, lists");
	if (cli_args_get(args, "json"))
		words[count++] = (char *)"--json";
	words[count] = NULL;
	build_path(program, "bench/dryport-bench");
	execv(program, words);
	return cli_fail("%s: %s", program, strerror(errno));
}
