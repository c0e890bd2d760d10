/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The driver's coverage, by the tools of the LLVM that dryport-build stands on (coverage.h). The
 * counts are written when the machine's process ends or unloads the driver.
 */
#include "coverage.h"
#include "cli.h"
#include "process.h"
#include "term.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_counts(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && !strcmp(dot, ".profraw");
}

/* The paths of the files of counts, ended by NULL, behind `before` places; *paths is the caller's
 * to free, with them. How many, or -1. */
static int counts_find(const char *folder, int before, char ***paths)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_counts, alphasort);

	*paths = count < 0 ? NULL : calloc((size_t)(before + count) + 1, sizeof(**paths));
	for (int n = 0; n < count; n++) {
		if (*paths &&
			asprintf(&(*paths)[before + n], "%s/%s", folder, entries[n]->d_name) < 0)
			(*paths)[before + n] = NULL;
		free(entries[n]);
	}
	if (count >= 0)
		free(entries);
	return *paths ? count : -1;
}

static void counts_free(char **paths, int before)
{
	for (char **path = paths + before; paths && *path; path++)
		free(*path);
	free(paths);
}

static void counts_remove(const char *folder)
{
	char **paths;

	counts_find(folder, 0, &paths);
	for (char **path = paths; path && *path; path++)
		unlink(*path);
	counts_free(paths, 0);
}

int coverage_begin(const char *folder)
{
	char path[PATH_MAX], absolute[PATH_MAX];

	if (mkdir(folder, 0777) < 0 && errno != EEXIST)
		return cli_fail("--coverage-report %s: %s", folder, strerror(errno));
	if (!realpath(folder, absolute))
		return cli_fail("--coverage-report %s: %s", folder, strerror(errno));
	if (strchr(absolute, '%'))
		return cli_fail("--coverage-report %s: the compiler's run-time library takes %% in "
				"a path for one of its own",
			absolute);
	counts_remove(absolute);
	if (snprintf(path, sizeof(path), "%s/%%p.profraw", absolute) >= PATH_MAX)
		return cli_fail("--coverage-report %s: the path is too long", folder);
	setenv("LLVM_PROFILE_FILE", path, 1);
	return CLI_OK;
}

/* Runs a tool to its end; its output goes to a file. */
static int tool_run(const char *output, char *const words[])
{
	struct process process;
	int err = process_start(&process, words, &(struct process_setup){.output = output});

	if (err < 0)
		return cli_fail("%s: %s", words[0], strerror(-err));
	while (process_poll(&process))
		process_wait(100);
	if (process_exit_status(&process) == 0)
		return CLI_OK;
	return cli_fail("--coverage-report: %s failed: see %s", words[0], output);
}

static int merge(const char *folder, const char *profile, const char *log)
{
	char *const tool[] = {
		DRY_LLVM_BIN "/llvm-profdata", "merge", "-sparse", "-o", (char *)profile};
	const int tool_words = sizeof(tool) / sizeof(*tool);
	char **words;
	int count = counts_find(folder, tool_words, &words), status;

	if (count < 0)
		return cli_fail("--coverage-report %s: %s", folder, strerror(errno));
	memcpy(words, tool, sizeof(tool));
	if (count)
		status = tool_run(log, words);
	else
		status = cli_fail(
			"--coverage-report: the driver has left no counts in %s: was it built "
			"with --coverage?",
			folder);
	counts_free(words, tool_words);
	return status;
}

/* The line TOTAL of the summary has regions, functions and lines, three columns each. */
static void total_print(const char *summary, const char *folder)
{
	char line[1024], lines[32], missed[32], percent[32];
	FILE *file = fopen(summary, "re");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "TOTAL %*s %*s %*s %*s %*s %*s %31s %31s %31s", lines, missed,
			    percent) == 3)
			fprintf(stderr,
				"coverage: %s of the driver's %s lines ran; see %s/index.html\n",
				percent, lines, folder);
	if (file)
		fclose(file);
}

int coverage_report(const char *folder, const char *object)
{
	char profile[PATH_MAX], summary[PATH_MAX], log[PATH_MAX];
	char option[PATH_MAX + 32], output[PATH_MAX + 32];
	int status;

	snprintf(profile, sizeof(profile), "%s/driver.profdata", folder);
	snprintf(summary, sizeof(summary), "%s/summary.txt", folder);
	snprintf(log, sizeof(log), "%s/tools.log", folder);
	snprintf(option, sizeof(option), "-instr-profile=%s", profile);
	snprintf(output, sizeof(output), "-output-dir=%s", folder);
	status = merge(folder, profile, log);
	if (!status)
		status = tool_run(
			log, (char *[]){DRY_LLVM_BIN "/llvm-cov", "show", (char *)object, option,
				     output, "-format=html", "-show-line-counts-or-regions", NULL});
	if (!status)
		status = tool_run(summary, (char *[]){DRY_LLVM_BIN "/llvm-cov", "report",
						   (char *)object, option, NULL});
	if (!status)
		total_print(summary, folder);
	counts_remove(folder);
	return status;
}
