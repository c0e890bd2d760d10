/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Runs a fuzz target on files instead of on a fuzzer's inputs: each argument is a file or a folder
 * of them. So the corpus is part of the ordinary tests, and a finding is repeated under a debugger.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned runs;

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
		LLVMFuzzerTestOneInput(exact, size);
		runs++;
	}
	free(exact);
	free(data);
	return 0;
}

static int run_folder(const char *path, DIR *folder)
{
	const struct dirent *entry;
	int failed = 0;

	while ((entry = readdir(folder))) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		failed |= run_file(name);
	}
	closedir(folder);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int n = 1; n < argc; n++) {
		DIR *folder = opendir(argv[n]);

		failed |= folder ? run_folder(argv[n], folder) : run_file(argv[n]);
	}
	printf("%u inputs\n", runs);
	return failed || !runs;
}
