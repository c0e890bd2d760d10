/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From the arguments to the list of sources; where our headers are.
 */
#include "build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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

static bool is_source(const char *path)
{
	return suffix_is(path, ".c") || source_is_cxx(path);
}

static void folder_remember(struct build *build, const char *folder)
{
	if (!strings_have(&build->folders, folder))
		strings_add(&build->folders, folder);
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
		if (is_source(entry->d_name))
			strings_addf(&found, "%.*s/%s", (int)length, path, entry->d_name);
	closedir(dir);
	if (!found.count)
		fail(STATUS_USAGE, "%s: no C or C++ source in this folder", path);
	strings_sort(&found);
	strings_copy(&build->sources, &found);
	strings_free(&found);
	folder_remember(build, path);
}

void sources_add(struct build *build, const char *path)
{
	struct stat st;
	char *folder, *slash;
	int fd;

	if (stat(path, &st) < 0)
		fail(STATUS_USAGE, "%s: %s", path,
			errno == ENOENT ? "no such source or folder" : strerror(errno));
	if (S_ISDIR(st.st_mode)) {
		folder_add(build, path);
		return;
	}
	if (!S_ISREG(st.st_mode) || !is_source(path))
		fail(STATUS_USAGE,
			"%s: neither a C or C++ source (.c, .cpp, .cxx, .cc) nor a folder", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(STATUS_USAGE, "%s: %s", path, strerror(errno));
	close(fd);
	strings_add(&build->sources, path);
	folder = format("%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = 0;
	folder_remember(build, slash ? folder : ".");
	free(folder);
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
