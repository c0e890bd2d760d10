/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The property functions that project files of drivers use (method.h): methods of .NET's strings,
 * paths and files, and MSBuild's own.
 */
#include "method.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *truth(bool value)
{
	return format("%s", value ? "True" : "False");
}

/* A number from 0 to limit; false if it is none. */
static bool number_take(const char *text, size_t limit, size_t *value)
{
	char *end;

	*value = strtoul(text, &end, 10);
	return isdigit((unsigned char)*text) && !*end && *value <= limit;
}

/* ---- methods of strings ---- */

static char *contains(const struct call *call)
{
	return truth(strstr(call->self, call->args[0]));
}

static char *starts_with(const struct call *call)
{
	return truth(!strncmp(call->self, call->args[0], strlen(call->args[0])));
}

static char *ends_with(const struct call *call)
{
	size_t length = strlen(call->self), tail = strlen(call->args[0]);

	return truth(length >= tail && !strcmp(call->self + length - tail, call->args[0]));
}

static char *equals(const struct call *call)
{
	return truth(!strcmp(call->self, call->args[0]));
}

static char *index_of(const struct call *call)
{
	const char *found = strstr(call->self, call->args[0]);

	return format("%td", found ? found - call->self : (ptrdiff_t)-1);
}

static char *last_index_of(const struct call *call)
{
	const char *last = NULL;

	for (const char *at = call->self; (at = strstr(at, call->args[0])); at++) {
		last = at;
		if (!*at)
			break;
	}
	return format("%td", last ? last - call->self : (ptrdiff_t)-1);
}

static char *replace(const struct call *call)
{
	size_t length = strlen(call->args[0]);
	struct buffer all = {0};
	int err = 0;

	if (!length)
		return NULL;
	for (const char *at = call->self; *at && !err;) {
		bool here = !strncmp(at, call->args[0], length);

		err = here ? buffer_add(&all, call->args[1], strlen(call->args[1]))
			   : buffer_add(&all, at, 1);
		at += here ? length : 1;
	}
	if (err) {
		free(all.text);
		return NULL;
	}
	return all.text ? all.text : format("%s", "");
}

static char *substring(const struct call *call)
{
	size_t length = strlen(call->self), from, count;

	if (!number_take(call->args[0], length, &from))
		return NULL;
	count = length - from;
	if (call->count > 1 && !number_take(call->args[1], length - from, &count))
		return NULL;
	return format("%.*s", (int)count, call->self + from);
}

static char *letters(const char *text, int (*change)(int))
{
	char *copy = format("%s", text);

	for (char *c = copy; *c; c++)
		*c = (char)change((unsigned char)*c);
	return copy;
}

static char *to_lower(const struct call *call)
{
	return letters(call->self, tolower);
}

static char *to_upper(const struct call *call)
{
	return letters(call->self, toupper);
}

static char *trim_ends(const struct call *call, bool start, bool end)
{
	const char *what = call->count ? call->args[0] : " \t\r\n";
	size_t first = start ? strspn(call->self, what) : 0, last = strlen(call->self);

	while (end && last > first && strchr(what, call->self[last - 1]))
		last--;
	return format("%.*s", (int)(last - first), call->self + first);
}

static char *trim(const struct call *call)
{
	return trim_ends(call, true, true);
}

static char *trim_start(const struct call *call)
{
	return trim_ends(call, true, false);
}

static char *trim_end(const struct call *call)
{
	return trim_ends(call, false, true);
}

static char *length_of(const struct call *call)
{
	return format("%zu", strlen(call->self));
}

/* ---- static ones ---- */

static char *path_combine(const struct call *call)
{
	char *whole = format("%s", call->args[0]);

	for (unsigned i = 1; i < call->count; i++) {
		const char *part = call->args[i];
		bool rooted = *part == '/' || *part == '\\' || path_is_foreign(part);
		bool slash = *whole && !strchr("/\\", whole[strlen(whole) - 1]);
		char *longer =
			format("%s%s%s", rooted ? "" : whole, !rooted && slash ? "/" : "", part);

		free(whole);
		whole = longer;
	}
	return whole;
}

/* Where the last component of a path begins. */
static const char *base_of(const char *path)
{
	const char *base = path;

	for (; *path; path++)
		if (*path == '/' || *path == '\\')
			base = path + 1;
	return base;
}

static const char *extension_of(const char *path)
{
	const char *dot = strrchr(base_of(path), '.');

	return dot ? dot : path + strlen(path);
}

static char *file_name(const struct call *call)
{
	return format("%s", base_of(call->args[0]));
}

static char *file_stem(const struct call *call)
{
	const char *base = base_of(call->args[0]);

	return format("%.*s", (int)(extension_of(base) - base), base);
}

static char *extension(const struct call *call)
{
	return format("%s", extension_of(call->args[0]));
}

static char *directory_name(const struct call *call)
{
	ptrdiff_t length = base_of(call->args[0]) - call->args[0];

	return format("%.*s", (int)(length ? length - 1 : 0), call->args[0]);
}

static char *full_path(const struct call *call)
{
	char *joined = path_combine(call);
	char *whole = path_join(call->scope->project->folder, joined);

	free(joined);
	return whole;
}

static char *with_slash(char *path)
{
	size_t length = strlen(path);
	char *longer;

	if (!length || strchr("/\\", path[length - 1]))
		return path;
	longer = format("%s/", path);
	free(path);
	return longer;
}

static char *full_folder(const struct call *call)
{
	return with_slash(full_path(call));
}

static char *ensure_slash(const struct call *call)
{
	return with_slash(format("%s", call->args[0]));
}

static char *exists(const struct call *call)
{
	char *found = path_find(call->scope->project->folder, call->args[0]);
	bool is = found;

	free(found);
	return truth(is);
}

static char *read_all(const struct call *call)
{
	char *path = path_find(call->scope->project->folder, call->args[0]);
	FILE *in = path ? path_open(path) : NULL;
	char part[4096];
	struct buffer all = {0};
	int err = in ? 0 : -ENOENT;

	for (size_t n; !err && (n = fread(part, 1, sizeof(part), in)) > 0;)
		err = buffer_add(&all, part, n);
	if (in)
		fclose(in);
	free(path);
	if (!err)
		return all.text ? all.text : format("%s", "");
	free(all.text);
	return NULL;
}

/* The nearest folder, from this one up, that has the file; "" if none has. */
static char *folder_above(const char *from, const char *file)
{
	char *folder = format("%s", from);

	for (;;) {
		char *found = path_find(folder, file), *slash = strrchr(folder, '/');

		if (found || !slash) {
			if (!found)
				*folder = 0;
			free(found);
			return folder;
		}
		*slash = 0;
	}
}

static char *folder_of_file_above(const struct call *call)
{
	char *start = path_join(call->scope->project->folder, call->args[0]);
	char *folder = folder_above(start, call->args[1]);

	free(start);
	return folder;
}

static char *path_of_file_above(const struct call *call)
{
	const char *file = xml_file(call->scope->node);
	char *start = call->count > 1 ? path_join(call->scope->project->folder, call->args[1])
				      : format("%.*s", (int)(strrchr(file, '/') - file), file);
	char *folder = folder_above(start, call->args[0]);
	char *path = *folder ? path_find(folder, call->args[0]) : format("%s", "");

	free(start);
	free(folder);
	return path;
}

static char *value_or_default(const struct call *call)
{
	return format("%s", *call->args[0] ? call->args[0] : call->args[1]);
}

static char *is_empty(const struct call *call)
{
	return truth(!*call->args[0]);
}

static char *is_platform(const struct call *call)
{
	return truth(!strcasecmp(call->args[0], "Windows"));
}

/* ---- which there are ---- */

static const struct method methods[] = {
	{NULL, "Contains", 1, 1, contains},
	{NULL, "StartsWith", 1, 1, starts_with},
	{NULL, "EndsWith", 1, 1, ends_with},
	{NULL, "Equals", 1, 1, equals},
	{NULL, "IndexOf", 1, 1, index_of},
	{NULL, "LastIndexOf", 1, 1, last_index_of},
	{NULL, "Replace", 2, 2, replace},
	{NULL, "Substring", 1, 2, substring},
	{NULL, "ToLower", 0, 0, to_lower},
	{NULL, "ToLowerInvariant", 0, 0, to_lower},
	{NULL, "ToUpper", 0, 0, to_upper},
	{NULL, "ToUpperInvariant", 0, 0, to_upper},
	{NULL, "Trim", 0, 1, trim},
	{NULL, "TrimStart", 0, 1, trim_start},
	{NULL, "TrimEnd", 0, 1, trim_end},
	{NULL, "Length", 0, 0, length_of},
	{"System.IO.Path", "Combine", 1, ARGUMENTS_MAX, path_combine},
	{"System.IO.Path", "GetFileName", 1, 1, file_name},
	{"System.IO.Path", "GetFileNameWithoutExtension", 1, 1, file_stem},
	{"System.IO.Path", "GetExtension", 1, 1, extension},
	{"System.IO.Path", "GetDirectoryName", 1, 1, directory_name},
	{"System.IO.Path", "GetFullPath", 1, 1, full_path},
	{"System.IO.File", "Exists", 1, 1, exists},
	{"System.IO.File", "ReadAllText", 1, 1, read_all},
	{"System.IO.Directory", "Exists", 1, 1, exists},
	{"System.String", "IsNullOrEmpty", 1, 1, is_empty},
	{"MSBuild", "EnsureTrailingSlash", 1, 1, ensure_slash},
	{"MSBuild", "NormalizePath", 1, ARGUMENTS_MAX, full_path},
	{"MSBuild", "NormalizeDirectory", 1, ARGUMENTS_MAX, full_folder},
	{"MSBuild", "GetDirectoryNameOfFileAbove", 2, 2, folder_of_file_above},
	{"MSBuild", "GetPathOfFileAbove", 1, 2, path_of_file_above},
	{"MSBuild", "ValueOrDefault", 2, 2, value_or_default},
	{"MSBuild", "IsOSPlatform", 1, 1, is_platform},
};

const struct method *method_find(const char *type, const char *name)
{
	for (size_t i = 0; i < array_size(methods); i++)
		if (!strcasecmp(methods[i].name, name) && !methods[i].type == !type &&
			(!type || !strcasecmp(methods[i].type, type)))
			return &methods[i];
	return NULL;
}
