/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From the arguments to the list of sources; where our headers are.
 */
#include "build.h"
#include "util/common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static bool suffix_is(const char *path, const char *suffix)
{
	size_t length = strlen(path), tail = strlen(suffix);

	return length > tail && !strcasecmp(path + length - tail, suffix);
}

bool source_is_cxx(const char *path)
{
	return suffix_is(path, ".cpp") || suffix_is(path, ".cxx") || suffix_is(path, ".cc");
}

bool source_is_project(const char *path)
{
	return suffix_is(path, ".vcxproj");
}

bool source_is(const char *path)
{
	return suffix_is(path, ".c") || source_is_cxx(path);
}

/* Where a source stands, quoted includes start from. */
static void folder_remember(struct build *build, const char *source)
{
	char *folder = format("%s", source), *slash = strrchr(folder, '/');

	if (slash)
		slash[slash == folder] = 0;
	if (!strings_have(&build->folders, slash ? folder : "."))
		strings_add(&build->folders, slash ? folder : ".");
	free(folder);
}

void source_take(struct build *build, const char *path, struct settings *settings)
{
	folder_remember(build, path);
	strings_add(&build->sources, path);
	build->settings =
		reallocarray(build->settings, build->sources.count, sizeof(*build->settings));
	if (!build->settings)
		fail(STATUS_FAILED, "out of memory");
	build->settings[build->sources.count - 1] = settings;
}

bool build_is_cxx(const struct build *build, size_t n)
{
	const struct settings *settings = build->settings[n];

	return settings && settings->language != SOURCE_BY_NAME
		       ? settings->language == SOURCE_CXX
		       : source_is_cxx(build->sources.item[n]);
}

static void folder_add(struct build *build, const char *path)
{
	DIR *dir = opendir(path);
	struct strings found = {0};
	size_t length = strlen(path);

	if (!dir)
		fail(STATUS_USAGE, "%s: %s", path, strerror(errno));
	while (length > 1 && path[length - 1] == '/')
		length--;
	for (struct dirent *entry; (entry = readdir(dir));)
		if (source_is(entry->d_name))
			strings_addf(&found, "%.*s/%s", (int)length, path, entry->d_name);
	closedir(dir);
	if (!found.count)
		fail(STATUS_USAGE, "%s: no C or C++ source in this folder", path);
	strings_sort(&found);
	for (size_t i = 0; i < found.count; i++)
		source_take(build, found.item[i], NULL);
	strings_free(&found);
}

void sources_add(struct build *build, const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) < 0)
		fail(STATUS_USAGE, "%s: %s", path,
			errno == ENOENT ? "no such source or folder" : strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		folder_add(build, path);
		return;
	}
	if (!S_ISREG(st.st_mode) || (!source_is(path) && !source_is_project(path)))
		fail(STATUS_USAGE,
			"%s: neither a C or C++ source (.c, .cpp, .cxx, .cc), a folder nor a "
			"project (.vcxproj)",
			path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(STATUS_USAGE, "%s: %s", path, strerror(errno));
	close(fd);
	if (source_is_project(path)) {
		projects_add(build, path);
		return;
	}
	source_take(build, path, NULL);
}

void depends_write(const struct build *build)
{
	const struct strings *lists[] = {
		&build->depends, &build->sources, &build->folders, &build->includes};
	FILE *out = fopen(build->depends_output, "we");

	if (!out)
		fail(STATUS_FAILED, "%s: %m", build->depends_output);
	for (size_t n = 0; n < array_size(lists); n++) {
		for (size_t i = 0; i < lists[n]->count; i++) {
			char *absolute = path_absolute(lists[n]->item[i]);

			fprintf(out, "%s\n", absolute);
			free(absolute);
		}
	}
	if (fclose(out))
		fail(STATUS_FAILED, "%s: %m", build->depends_output);
}

char *ddk_find(void)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *installed, *absolute;

	self[length > 0 ? length : 0] = 0;
	installed = format("%s/../../share/dryport/include/ddk", self);
	absolute = path_absolute(installed);
	free(installed);
	if (access(absolute, R_OK) == 0)
		return absolute;
	if (access(DRY_DDK_DIR "/ntdef.h", R_OK) < 0)
		fail(STATUS_FAILED, "dryport's headers are neither in %s nor in %s", absolute,
			DRY_DDK_DIR);
	free(absolute);
	return path_absolute(DRY_DDK_DIR);
}
