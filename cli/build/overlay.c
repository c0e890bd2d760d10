/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Includes in Windows' manner. In its Microsoft mode clang takes a backslash for a slash itself.
 * For letter case it is given an overlay of the file system (-ivfsoverlay) in which names are
 * compared without case: every file below the folders that includes may start from is listed there
 * under its own name, so that diagnostics and debug information still show the real one. Includes
 * that lead out of those folders ("..\..\include\Xen.h") are looked for in the files that were
 * found, and their folders are listed as well. Two files in one folder whose names differ by case
 * only stay out of the overlay: they are told apart as Linux does.
 */
#include "build.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 8, FILES_MAX = 5000, SCAN_MAX = 1 << 20 };

struct overlay {
	struct build *build;
	FILE *out;
	struct strings folders; /* seen or to be seen: absolute, as reached */
	size_t files;
	bool first;
};

static void json_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		if ((unsigned char)*text < 0x20)
			fprintf(out, "\\x%02x", *text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

/* One component of a path as it is on disk, whatever its case; NULL if there is none. */
static char *component_find(const char *folder, const char *name)
{
	char *exact = format("%s/%s", folder, name), *found = NULL;
	struct stat st;
	DIR *dir;

	if (stat(exact, &st) == 0)
		return exact;
	free(exact);
	dir = opendir(folder);
	for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
		if (!strcasecmp(entry->d_name, name))
			found = format("%s/%s", folder, entry->d_name);
	if (dir)
		closedir(dir);
	return found;
}

/* The folder that an include with ".." in it leads to, from the folder of the file that has it. */
static void include_follow(struct overlay *overlay, const char *folder, const char *name)
{
	char *copy = format("%s", name), *save = NULL, *at = format("%s", folder), *slash;

	for (char *c = copy; *c; c++)
		if (*c == '\\')
			*c = '/';
	slash = strrchr(copy, '/');
	if (slash)
		*slash = 0;
	for (char *part = strtok_r(copy, "/", &save); slash && at && part;
		part = strtok_r(NULL, "/", &save)) {
		char *next = component_find(at, part);

		free(at);
		at = next;
	}
	if (slash && at) {
		char *absolute = path_absolute(at);

		if (!strings_have(&overlay->folders, absolute))
			strings_add(&overlay->folders, absolute);
		free(absolute);
	}
	free(at);
	free(copy);
}

static void file_scan(struct overlay *overlay, const char *folder, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0, seen = 0;
	bool in_block = false;

	if (!in)
		return;
	for (ssize_t n; seen < SCAN_MAX && (n = getline(&line, &size, in)) > 0; seen += n) {
		char name[256];

		wpp_line(overlay->build, &in_block, line);
		if (strstr(line, "..") &&
			sscanf(line, " # include %*[<\"]%255[^>\"\n]", name) == 1 &&
			strstr(name, ".."))
			include_follow(overlay, folder, name);
	}
	free(line);
	fclose(in);
}

static bool is_source(const char *name)
{
	static const char *const suffixes[] = {".h", ".c", ".inc", ".hpp", ".hxx", ".hh"};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(suffixes) / sizeof(*suffixes); i++)
		if (!strcasecmp(dot, suffixes[i]))
			return true;
	return source_is_cxx(name);
}

/* Whether another name in the sorted list differs from this one by case only. */
static bool is_ambiguous(const struct strings *names, size_t which)
{
	for (size_t i = 0; i < names->count; i++)
		if (i != which && !strcasecmp(names->item[i], names->item[which]))
			return true;
	return false;
}

static void folder_list(struct overlay *overlay, const char *folder, int depth);

static void entry_list(struct overlay *overlay, const char *folder, const char *name, int depth)
{
	char *path = format("%s/%s", folder, name);
	struct stat st;

	if (stat(path, &st) < 0)
		st.st_mode = 0;
	if (S_ISDIR(st.st_mode)) {
		folder_list(overlay, path, depth + 1);
	} else if (S_ISREG(st.st_mode) && overlay->files < FILES_MAX) {
		overlay->files++;
		fputs(overlay->first ? "\n" : ",\n", overlay->out);
		overlay->first = false;
		fputs("{\"type\": \"file\", \"name\": ", overlay->out);
		json_string(overlay->out, path);
		fputs(", \"external-contents\": ", overlay->out);
		json_string(overlay->out, path);
		fputs("}", overlay->out);
		if (is_source(name))
			file_scan(overlay, folder, path);
	}
	free(path);
}

static void folder_list(struct overlay *overlay, const char *folder, int depth)
{
	DIR *dir = depth < DEPTH_MAX ? opendir(folder) : NULL;
	struct strings names = {0};

	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			strings_add(&names, entry->d_name);
	closedir(dir);
	strings_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		if (!is_ambiguous(&names, i))
			entry_list(overlay, folder, names.item[i], depth);
	strings_free(&names);
}

static bool is_below_another(const struct overlay *overlay, size_t which)
{
	const char *path = overlay->folders.item[which];

	for (size_t i = 0; i < which; i++) {
		size_t length = strlen(overlay->folders.item[i]);

		if (!strncmp(path, overlay->folders.item[i], length) && path[length] == '/')
			return true;
	}
	return false;
}

/* What the other files' lines asked for is listed too, so that its letter case does not matter. */
static void wpp_list(struct overlay *overlay)
{
	char *folder = wpp_folder(overlay->build);

	wpp_write(overlay->build);
	if (overlay->build->tmh.count)
		folder_list(overlay, folder, 0);
	free(folder);
}

char *overlay_write(struct build *build)
{
	struct overlay overlay = {.build = build, .first = true};
	char *path = format("%s/overlay.yaml", build->folder);
	const struct strings *lists[] = {&build->folders, &build->includes};

	overlay.out = fopen(path, "we");
	if (!overlay.out)
		fail(STATUS_FAILED, "%s: %m", path);
	strings_add(&overlay.folders, build->ddk);
	for (size_t n = 0; n < 2; n++) {
		for (size_t i = 0; i < lists[n]->count; i++) {
			char *absolute = path_absolute(lists[n]->item[i]);

			if (!strings_have(&overlay.folders, absolute))
				strings_add(&overlay.folders, absolute);
			free(absolute);
		}
	}
	fputs("{\"version\": 0, \"case-sensitive\": \"false\", \"roots\": [", overlay.out);
	/* the list grows while it is walked */
	for (size_t i = 0; i < overlay.folders.count; i++)
		if (!is_below_another(&overlay, i))
			folder_list(&overlay, overlay.folders.item[i], 0);
	wpp_list(&overlay);
	fputs("\n]}\n", overlay.out);
	if (fclose(overlay.out))
		fail(STATUS_FAILED, "%s: %m", path);
	strings_free(&overlay.folders);
	return path;
}
