/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Windows' paths on this file system (project.h): backslashes, names in any letter case, and
 * wildcards: * and ? within a name, ** for folders at any depth. A name that is there exactly as
 * written is taken before one that differs by case.
 */
#include "project.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GLOB_DEPTH = 16, GLOB_MAX = 20000 };

static char *slashes(const char *path)
{
	char *copy = format("%s", path);

	for (char *c = copy; *c; c++)
		if (*c == '\\')
			*c = '/';
	return copy;
}

char *path_show(const char *path)
{
	char *cwd = getcwd(NULL, 0);
	size_t length = cwd ? strlen(cwd) : 0;
	bool below = length > 1 && !strncmp(path, cwd, length) && path[length] == '/';

	free(cwd);
	return format("%s", below ? path + length + 1 : path);
}

bool path_is_foreign(const char *path)
{
	return isalpha((unsigned char)path[0]) && path[1] == ':';
}

char *path_join(const char *folder, const char *path)
{
	char *plain = slashes(path), *whole, *absolute;

	whole = *plain == '/' ? format("%s", plain) : format("%s/%s", folder, plain);
	absolute = path_absolute(whole);
	free(plain);
	free(whole);
	return absolute;
}

/* A name in a folder as it is on disk; NULL if it is not there. */
static char *name_find(const char *folder, const char *name)
{
	char *exact = format("%s/%s", folder, name), *found = NULL;
	struct stat st;
	DIR *dir;

	if (stat(exact, &st) == 0)
		return exact;
	free(exact);
	dir = opendir(*folder ? folder : "/");
	for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
		if (!strcasecmp(entry->d_name, name))
			found = format("%s/%s", folder, entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

char *path_find(const char *folder, const char *path)
{
	char *whole, *save = NULL, *at;
	struct stat st;

	if (!*path || path_is_foreign(path))
		return NULL;
	whole = path_join(folder, path);
	if (stat(whole, &st) == 0)
		return whole;
	at = format("%s", "");
	for (char *name = strtok_r(whole, "/", &save); at && name;
		name = strtok_r(NULL, "/", &save)) {
		char *next = name_find(at, name);

		free(at);
		at = next;
	}
	free(whole);
	return at;
}

bool path_has_wildcard(const char *path)
{
	return strpbrk(path, "*?") != NULL;
}

FILE *path_open(const char *path)
{
	/* a pipe or a terminal would be waited for */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fdopen(fd, "r");
	if (fd >= 0) {
		close(fd);
		errno = EINVAL;
	}
	return NULL;
}

/* ---- wildcards ---- */

struct glob {
	path_found_fn *found;
	void *arg;
	unsigned seen; /* names looked at */
};

static int glob_here(struct glob *glob, const char *folder, const char *pattern,
	const char *recursive, unsigned depth);

/* What follows the first component; NULL if it is the last. */
static const char *rest_of(const char *pattern)
{
	const char *slash = strchr(pattern, '/');

	return slash ? slash + 1 : NULL;
}

static bool is_recursive(const char *pattern)
{
	return !strncmp(pattern, "**", 2) && (pattern[2] == '/' || !pattern[2]);
}

static bool is_folder(const char *path, bool follow)
{
	struct stat st;

	return (follow ? stat(path, &st) : lstat(path, &st)) == 0 && S_ISDIR(st.st_mode);
}

/* One name of a folder that the pattern's first component allows. */
static int glob_name(struct glob *glob, const char *folder, const char *name, const char *pattern,
	const char *recursive, unsigned depth)
{
	const char *rest = rest_of(pattern);
	char *path = format("%s/%s", folder, name);
	int err = 0;

	if (is_recursive(pattern)) {
		/* links to folders are not followed: they may lead back */
		char *deeper = format("%s%s/", recursive, name);

		if (is_folder(path, false))
			err = glob_here(glob, path, pattern, deeper, depth + 1);
		free(deeper);
	} else if (!rest && !is_folder(path, true)) {
		glob->found(glob->arg, path, recursive);
	} else if (rest && is_folder(path, true)) {
		err = glob_here(glob, path, rest, recursive, depth + 1);
	}
	free(path);
	return err;
}

static struct strings names_of(const char *folder, const char *pattern)
{
	char *first = format("%.*s", (int)strcspn(pattern, "/"), pattern);
	struct strings names = {0};
	DIR *dir = opendir(*folder ? folder : "/");

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") &&
			!fnmatch(is_recursive(pattern) ? "*" : first, entry->d_name,
				FNM_CASEFOLD | FNM_NOESCAPE))
			strings_add(&names, entry->d_name);
	if (dir)
		closedir(dir);
	strings_sort(&names);
	free(first);
	return names;
}

static int glob_here(struct glob *glob, const char *folder, const char *pattern,
	const char *recursive, unsigned depth)
{
	const char *rest = rest_of(pattern);
	struct strings names;
	int err = 0;

	if (depth == GLOB_DEPTH)
		return 0;
	/* ** is no folder, too; at the end it stands for all files */
	if (is_recursive(pattern))
		err = glob_here(glob, folder, rest && *rest ? rest : "*", recursive, depth + 1);
	names = names_of(folder, pattern);
	for (size_t i = 0; !err && i < names.count; i++)
		err = ++glob->seen > GLOB_MAX
			      ? -E2BIG
			      : glob_name(glob, folder, names.item[i], pattern, recursive, depth);
	strings_free(&names);
	return err;
}

int path_glob(const char *folder, const char *pattern, path_found_fn *found, void *arg)
{
	struct glob glob = {.found = found, .arg = arg};
	char *plain = slashes(pattern), *slash, *base;
	size_t fixed = strcspn(plain, "*?");
	int err = 0;

	/* the part before the first wildcard is an ordinary path */
	while (fixed && plain[fixed - 1] != '/')
		fixed--;
	slash = format("%.*s", (int)fixed, plain);
	base = fixed ? path_find(folder, slash) : format("%s", folder);
	if (base)
		err = glob_here(&glob, strcmp(base, "/") ? base : "", plain + fixed, "", 0);
	free(base);
	free(slash);
	free(plain);
	return err;
}
