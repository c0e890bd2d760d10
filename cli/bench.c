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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct cli_option cli_bench_options[] = {
	{"hw", "DEVICE", "path: this device of QEMU's, beside qemu-storage-daemon (docs/cli.md)"},
	{"driver", "FILE", "with --hw: the miniport (a .so, a C file or a folder)"},
	{"rounds", "N", "with --hw: how often the two take turns; the best counts (5)"},
	{"seconds", "N", "with --hw: of each turn (2)"},
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
	{"path", "examples/nvme", "nvme:null,engines=2*1@2"},
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

/* ---- a device of QEMU's ---- */

/* 1 to 99, or -1. */
static int count_get(const struct cli_args *args, const char *name, int otherwise)
{
	const char *text = cli_args_get(args, name);
	char *end;
	long count = text ? strtol(text, &end, 10) : otherwise;

	return text && (*end || count < 1 || count > 99) ? -1 : (int)count;
}

static bool is_missing(const char *program)
{
	char path[PATH_MAX];
	const char *folders = getenv("PATH");
	size_t length;

	for (; folders && *folders; folders += length + (folders[length] == ':')) {
		length = strcspn(folders, ":");
		snprintf(path, sizeof(path), "%.*s/%s", (int)length, folders, program);
		if (!access(path, X_OK))
			return false;
	}
	return true;
}

/* What it is measured with. */
static int tools_check(void)
{
	static const char *const tools[][2] = {{"qemu-system-x86_64", "qemu-system-x86"},
		{"qemu-storage-daemon", "qemu-system-common"}, {"fio", "fio"},
		{"nbdkit", "nbdkit"}};

	for (size_t n = 0; n < sizeof(tools) / sizeof(tools[0]); n++)
		if (is_missing(tools[n][0]))
			return cli_fail("bench path --hw: there is no %s; install Debian's package "
					"%s",
				tools[n][0], tools[n][1]);
	return CLI_OK;
}

static int qemu_bench(const struct cli_args *args, const char *hw)
{
	static struct miniport miniport;
	char program[PATH_MAX], own[PATH_MAX], rounds[16], seconds[16], example[PATH_MAX];
	const char *driver = cli_args_get(args, "driver");
	int round_count = count_get(args, "rounds", 5),
	    second_count = count_get(args, "seconds", 2);
	char *words[] = {program, (char *)"qemu", own, miniport.object, (char *)hw, rounds, seconds,
		cli_args_get(args, "json") ? (char *)"--json" : NULL, NULL};
	char *sources[1];
	ssize_t length;
	int status;

	if (strncmp(hw, "qemu:", 5))
		return cli_usage("bench path --hw %s: this is for QEMU's devices (qemu:nvme); what "
				 "else there is, `bench path` measures by itself",
			hw);
	if (round_count < 0 || second_count < 0)
		return cli_usage("bench path: --rounds and --seconds are numbers from 1 to 99");
	if (!driver && strcspn(hw + 5, ",") == 4 && !memcmp(hw + 5, "nvme", 4))
		driver = tree_path(example, "examples/nvme");
	if (!driver)
		return cli_usage("bench path --hw %s: there is no example driver for it; name a "
				 "miniport with --driver FILE",
			hw);
	sources[0] = (char *)driver;
	status = tools_check();
	if (!status)
		status = miniport_find(&miniport, sources, 1);
	if (!status)
		status = miniport_build(&miniport, sources, 1, NULL);
	if (status)
		return status;
	length = readlink("/proc/self/exe", own, sizeof(own) - 1);
	own[length < 0 ? 0 : length] = 0;
	snprintf(rounds, sizeof(rounds), "%d", round_count);
	snprintf(seconds, sizeof(seconds), "%d", second_count);
	build_path(program, "bench/dryport-bench");
	execv(program, words);
	return cli_fail("%s: %s", program, strerror(errno));
}

/* Options that were given without the one that they go with. */
static int lonely_check(const struct cli_args *args)
{
	static const char *const names[] = {"driver", "rounds", "seconds"};

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		if (cli_args_get(args, names[n]))
			return cli_usage("bench: --%s goes with --hw", names[n]);
	return CLI_OK;
}

int cli_bench(const struct cli_args *args)
{
	static struct miniport miniports[ROWS];
	char program[PATH_MAX], *words[3 + 2 * ROWS + 1];
	const char *bench = args->operand_count == 1 ? args->operands[0] : "";
	unsigned count = 2;
	const char *hw = cli_args_get(args, "hw");
	int status = CLI_OK;

	if (hw && strcmp(bench, "path"))
		return cli_usage("bench: --hw goes with path: dryport bench path --hw %s", hw);
	if (hw)
		return qemu_bench(args, hw);
	status = lonely_check(args);
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
