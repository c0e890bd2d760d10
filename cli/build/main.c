/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * dryport-build (build.h): the steps in order, the temporary folder, the list of what is missing.
 */
#include "build.h"
#include "util/common.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct build build;

/* A folder of ours: files, and folders of files. */
static void folder_remove(const char *path)
{
	DIR *dir = opendir(path);

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		char *name = format("%s/%s", path, entry->d_name);

		if (entry->d_name[0] != '.' && unlink(name) < 0 && errno == EISDIR)
			folder_remove(name);
		free(name);
	}
	closedir(dir);
	rmdir(path);
}

static void folder_leave(void)
{
	if (build.folder && build.keep)
		fprintf(stderr, "dryport-build: the intermediate files are in %s\n", build.folder);
	else if (build.folder)
		folder_remove(build.folder);
}

static void folder_make(void)
{
	const char *base = getenv("TMPDIR");

	build.folder = format("%s/dryport-build.XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(build.folder)) {
		char *path = build.folder;

		build.folder = NULL;
		fail(STATUS_FAILED, "%s: %m", path);
	}
	atexit(folder_leave);
	signal(SIGINT, build_interrupt);
	signal(SIGTERM, build_interrupt);
}

static void missing_print(void)
{
	size_t count = build.missing.count;
	char *base = path_base(build.output);

	if (!count)
		return;
	strings_sort(&build.missing);
	fprintf(stderr, "%s: %zu import%s that dryport lacks:", base, count, count == 1 ? "" : "s");
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "%s %s", i ? "," : "", build.missing.item[i]);
	fprintf(stderr, "; calling one ends the run\n");
	free(base);
}

#ifdef DRY_ASAN
/* A compiler's driver gives its memory back by ending. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

int main(int argc, char **argv)
{
	char *bitcode;

	options_parse(&build, argc, argv);
	build.clang = clang_find();
	build.ddk = ddk_find();
	folder_make();
	free(overlay_write(&build));
	front_run(&build);
	bitcode = module_build(&build);
	back_run(&build, bitcode);
	if (build.depends_output)
		depends_write(&build);
	missing_print();
	free(bitcode);
	return 0;
}
