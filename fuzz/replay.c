/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Runs a fuzz target on files instead of on a fuzzer's inputs: each argument is a file or a folder
 * of them. So the corpus is part of the ordinary tests, and a finding is repeated under a debugger.
 *
 *	replay [--finds] FILE|FOLDER...
 *
 * --finds: succeeds if and only if the target gives up on one of them (input.h, check), as it has
 * to where a fault is planted. Each one gets a process of its own.
 */
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned runs, findings;
static bool is_finding; /* wanted */

/* Whether it ended as check() ends it; a crash is another matter. */
static void run_apart(const uint8_t *data, size_t size)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		LLVMFuzzerTestOneInput(data, size);
		_exit(0);
	}
	if (child > 0 && waitpid(child, &status, 0) == child)
		findings += WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX), *exact;
	size_t size;

	if (!file || !data) {
		fprintf(stderr, "%s cannot be read\n", path);
		return 1;
	}
	size = fread(data, 1, INPUT_MAX, file);
	fclose(file);
	/* Exactly as long as the input, so that a sanitizer sees a read past it. */
	exact = malloc(size + !size);
	if (exact) {
		memcpy(exact, data, size);
		if (!is_finding)
			LLVMFuzzerTestOneInput(exact, size);
		else if (!findings)
			run_apart(exact, size);
		runs++;
	}
	free(exact);
	free(data);
	return 0;
}

static int run_folder(const char *path, struct dirent **entries, int count)
{
	int failed = 0;

	for (int n = 0; n < count; free(entries[n++])) {
		char name[4096];

		if (entries[n]->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entries[n]->d_name);
		failed |= run_file(name);
	}
	free(entries);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int n = 1; n < argc; n++) {
		struct dirent **entries;
		int count;

		if (!strcmp(argv[n], "--finds")) {
			is_finding = true;
			continue;
		}
		count = scandir(argv[n], &entries, NULL, alphasort);
		failed |= count < 0 ? run_file(argv[n]) : run_folder(argv[n], entries, count);
	}
	printf("%u inputs\n", runs);
	return failed || !runs || (is_finding && !findings);
}
