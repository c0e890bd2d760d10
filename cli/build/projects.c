/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From a project (project/project.h) to sources with their settings (settings.h): which of its
 * items are compiled, which static libraries it links, that are taken as their sources, and what
 * has no meaning here and is named.
 */
#include "settings.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct walk {
	struct build *build;
	struct strings done, open; /* projects, absolute */
};

static void project_add(
	struct walk *walk, const char *path, const struct table *globals, const xmlNode *by);

/* ---- tracing ---- */

/* "Name(LEVEL,MSG,...)" or "Name{LEVEL=X}(MSG)", several with ; between. */
static void traced_add(struct build *build, const char *list)
{
	while (*list) {
		size_t length = strcspn(list, " ({;");
		char *name = format("%.*s", (int)length, list);

		if (length && !strings_have(&build->traced, name))
			strings_add(&build->traced, name);
		free(name);
		list += strcspn(list, ";");
		list += strspn(list, "; \t\r\n");
	}
}

static void tracing_apply(struct build *build, const struct project *project,
	const struct item *item, const char *source)
{
	char *base = path_base(source), *dot = strrchr(base, '.'), *header;
	char *functions = project_value(project, item, "WppTraceFunction");
	char *file = project_value(project, item, "WppScanConfigurationData"), *path;

	value_unescape(value_trim(functions));
	value_unescape(value_trim(file));
	traced_add(build, functions);
	/* a source may name its trace header by a macro */
	if (dot)
		*dot = 0;
	header = format("%s.tmh", base);
	wpp_header(build, header);
	path = project_file(project, file);
	if (path)
		wpp_scan(build, path);
	free(path);
	free(header);
	free(base);
	free(functions);
	free(file);
}

/* ---- the items of a project ---- */

static void type_check(const struct project *project, const char *type)
{
	for (size_t i = 0; i < project->troubles.count; i++)
		if (!strcasecmp(project->troubles.items[i].type, type))
			fail(STATUS_FAILED, "%s",
				project->troubles.items[i].metadata.rows[0].trouble);
}

static void source_add(struct build *build, struct project *project, const struct item *item)
{
	char *name = format("%s", item->include), *path;

	value_unescape(name);
	path = project_file(project, name);
	if (!path) {
		project_error(ENOENT, item->node, "no such source: %s", name);
		project_give_up();
	}
	if (project_is_true(project, item, "WppEnabled"))
		tracing_apply(build, project, item, path);
	if (!strings_have(&build->sources, path))
		source_take(build, path, project_settings(build, project, item, path));
	free(path);
	free(name);
}

static void sources_of(struct walk *walk, struct project *project)
{
	unsigned seen = 0, taken = 0;

	type_check(project, "ClCompile");
	for (size_t i = 0; i < project->items.count; i++) {
		const struct item *item = &project->items.items[i];

		if (strcasecmp(item->type, "ClCompile"))
			continue;
		seen++;
		if (project_is_true(project, item, "ExcludedFromBuild"))
			continue;
		taken++;
		source_add(walk->build, project, item);
	}
	if (taken)
		return;
	project_error(EINVAL, project_root(project),
		seen ? "no sources: all are excluded for %s|%s"
		     : "no sources (ClCompile) for %s|%s",
		project_property(project, "Configuration"), project_property(project, "Platform"));
	project_give_up();
}

/* ---- what is left out ---- */

static const struct {
	const char *type, *why;
} left_out[] = {
	{"ResourceCompile", "an object has no resources"},
	{"Inf", "`dryport run --inf` reads one"},
	{"Mofcomp", "a header that Microsoft's wmimofck makes of it has to be there already"},
	{"MessageCompile", "a header that Microsoft's mc makes of it has to be there already"},
	{"Midl", "a header that Microsoft's midl makes of it has to be there already"},
	{"Ctrpp", "a header that Microsoft's ctrpp makes of it has to be there already"},
	{"CustomBuild", "a command for Windows; a header that it makes has to be there already"},
	{"MASM", "assembly for Microsoft's assembler; its routines become missing imports"},
	{"MARMASM", "assembly for another processor"},
	{"Object", "an object for Windows; its routines become missing imports"},
	{"Library", "a library for Windows; its routines become missing imports"},
};

static void left_out_say(const struct project *project)
{
	for (size_t t = 0; t < array_size(left_out); t++) {
		const struct item *first = NULL;
		unsigned more = 0;

		for (size_t i = 0; i < project->items.count; i++) {
			const struct item *item = &project->items.items[i];

			if (strcasecmp(item->type, left_out[t].type) ||
				project_is_true(project, item, "ExcludedFromBuild"))
				continue;
			more += first != NULL;
			first = first ? first : item;
		}
		if (!first)
			continue;
		project_error(0, first->node, "%s %s%s is left out: %s", left_out[t].type,
			first->include, more ? " (and others)" : "", left_out[t].why);
		fprintf(stderr, "%s\n", error_text());
	}
}

static void events_say(const struct project *project)
{
	static const char *const events[] = {"PreBuildEvent", "CustomBuildStep"};

	for (size_t i = 0; i < project->definitions.count; i++) {
		const struct item *item = &project->definitions.items[i];
		const struct table_row *command = table_find(&item->metadata, "Command");

		for (size_t n = 0; command && n < array_size(events); n++) {
			if (strcasecmp(item->type, events[n]) ||
				(command->text && !*value_trim(command->text)))
				continue;
			project_error(0, item->node,
				"%s is not run: what it makes has to be there already", events[n]);
			fprintf(stderr, "%s\n", error_text());
		}
	}
}

/* ---- other projects ---- */

/* "NAME=VALUE;NAME=VALUE", on top of what this project was given. */
static void globals_add(struct table *globals, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char *name = format("%s", list->item[i]), *equals = strchr(name, '=');

		if (equals) {
			*equals = 0;
			table_set(globals, value_trim(name), value_trim(equals + 1));
		}
		free(name);
	}
}

static bool is_library(const struct project *project)
{
	return project_property_is(project, "ConfigurationType", "StaticLibrary");
}

/* Whether what it makes is linked; says why not. */
static bool reference_counts(struct project *project, const struct item *item, const char *path,
	const struct table *globals)
{
	char *linked = project_value(project, item, "LinkLibraryDependencies");
	bool counts = strcasecmp(linked, "false") && source_is_project(path);
	struct project other;

	free(linked);
	if (counts) {
		if (project_read(&other, path, globals))
			project_give_up();
		counts = is_library(&other);
		project_free(&other);
	}
	if (!counts)
		project_note(
			project, item->node, "%s is no static library and left out", item->include);
	return counts;
}

static void reference_add(struct walk *walk, struct project *project, const struct item *item)
{
	static const char *const names[] = {
		"AdditionalProperties", "Properties", "SetConfiguration", "SetPlatform"};
	char *name = format("%s", item->include), *path;
	struct table globals = {0};

	value_unescape(name);
	path = path_find(project->folder, name);
	if (!path) {
		project_error(ENOENT, item->node, "no such project: %s", name);
		project_give_up();
	}
	table_copy(&globals, &project->globals);
	for (size_t i = 0; i < array_size(names); i++) {
		struct strings list = project_list(project, item, names[i]);

		globals_add(&globals, &list);
		strings_free(&list);
	}
	if (reference_counts(project, item, path, &globals))
		project_add(walk, path, &globals, item->node);
	table_free(&globals);
	free(path);
	free(name);
}

static void references_add(struct walk *walk, struct project *project)
{
	type_check(project, "ProjectReference");
	for (size_t i = 0; i < project->items.count; i++)
		if (!strcasecmp(project->items.items[i].type, "ProjectReference"))
			reference_add(walk, project, &project->items.items[i]);
}

/* ---- libraries that another project makes, without a reference to it ---- */

struct maker {
	const struct project *project;
	const char *library; /* "virtiolib.lib" */
	const char *folder;  /* where it would be, absolute */
	unsigned seen;	     /* projects looked at */
	char *found;
};

/* Whether what a project makes is the library. */
static bool is_made_by(const struct maker *maker, const struct project *other)
{
	const struct table_row *out = table_find(&other->properties, "OutDir");
	char *folder, *text;
	bool is;

	if (!is_library(other) || !out || !out->text ||
		!project_property_is(other, "TargetFileName", maker->library))
		return false;
	text = format("%s", out->text);
	value_unescape(text);
	folder = path_join(other->folder, text);
	free(text);
	is = !strcasecmp(folder, maker->folder);
	free(folder);
	return is;
}

static void maker_try(void *arg, const char *path, const char *recursive)
{
	struct maker *maker = arg;
	struct project other;

	maker->seen++;
	if (maker->found || !strcmp(path, maker->project->path))
		return;
	if (!project_read(&other, path, &maker->project->globals) && is_made_by(maker, &other))
		maker->found = format("%s", path);
	project_free(&other);
}

/* A project in the library's folder, or in the nearest one above it that has projects. */
static char *maker_find(const struct project *project, const char *library, const char *folder)
{
	struct maker maker = {.project = project, .library = library, .folder = folder};
	char *at = format("%s", folder);

	for (char *slash; !maker.seen && (slash = strrchr(at, '/')); *slash = 0)
		path_glob(at, "*.vcxproj", maker_try, &maker);
	free(at);
	return maker.found;
}

static void library_add(struct walk *walk, struct project *project, const struct item *link,
	const char *library, const struct strings *folders)
{
	for (size_t i = 0; i < folders->count; i++) {
		char *folder = path_join(project->folder, folders->item[i]);
		char *path = path_is_foreign(folders->item[i])
				     ? NULL
				     : maker_find(project, library, folder);

		if (path)
			project_add(walk, path, &project->globals, link->node);
		free(folder);
		free(path);
	}
}

static void libraries_add(struct walk *walk, struct project *project)
{
	static const char *const lists[] = {
		"AdditionalDependencies", "AdditionalLibraryDirectories"};
	const struct item link = {.type = (char *)"Link",
		.include = (char *)"",
		.recursive = (char *)"",
		.node = project_root(project)};
	struct strings list[2];

	for (size_t i = 0; i < array_size(lists); i++) {
		char *text;

		/* most libraries are Windows' own: no reason to fail */
		if (metadata_get(project, &link, lists[i], &text)) {
			project_note(project, link.node, "%s is not looked at: %s", lists[i],
				error_text());
			return;
		}
		free(text);
	}
	for (size_t i = 0; i < array_size(lists); i++)
		list[i] = project_list(project, &link, lists[i]);
	for (size_t i = 0; i < list[0].count; i++)
		if (!strpbrk(list[0].item[i], "/\\"))
			library_add(walk, project, &link, list[0].item[i], &list[1]);
	strings_free(&list[0]);
	strings_free(&list[1]);
}

/* ---- one project ---- */

/* Whether it has the configuration that is asked for; else says which it has. */
static void configuration_check(const struct project *project)
{
	const char *configuration = project_property(project, "Configuration");
	const char *platform = project_property(project, "Platform");
	const struct item *first = NULL;
	struct buffer list = {0};

	for (size_t i = 0; i < project->items.count; i++) {
		const struct item *item = &project->items.items[i];
		size_t length = strcspn(item->include, "|");
		char *name;

		if (strcasecmp(item->type, "ProjectConfiguration") || !item->include[length])
			continue;
		first = first ? first : item;
		if (strcasecmp(item->include + length + 1, platform))
			continue;
		if (strlen(configuration) == length &&
			!strncasecmp(item->include, configuration, length))
			goto out;
		name = format("%s\"%.*s\"", list.text ? ", " : "", (int)length, item->include);
		buffer_add(&list, name, strlen(name));
		free(name);
	}
	if (first) {
		project_error(EINVAL, first->node,
			"no configuration \"%s\" for %s; there %s%s: choose with --config",
			configuration, platform, list.text ? "is " : "is none",
			list.text ? list.text : "");
		fail(STATUS_USAGE, "%s", error_text());
	}
out:
	free(list.text);
}

static void kind_check(const struct project *project)
{
	static const char *const others[] = {"Application", "Utility", "Makefile"};
	const char *type = project_property(project, "ConfigurationType");

	for (size_t i = 0; i < array_size(others); i++) {
		if (!strcasecmp(type, others[i])) {
			project_error(EINVAL, project_root(project),
				"not a driver: its ConfigurationType is %s", type);
			project_give_up();
		}
	}
}

static void project_use(struct walk *walk, struct project *project)
{
	configuration_check(project);
	kind_check(project);
	sources_of(walk, project);
	left_out_say(project);
	events_say(project);
	references_add(walk, project);
	libraries_add(walk, project);
	for (size_t i = 0; i < project->files.count; i++)
		strings_add(&walk->build->depends, project->files.item[i]);
	for (size_t i = 0; walk->build->verbose && i < project->notes.count; i++)
		fprintf(stderr, "%s\n", project->notes.item[i]);
}

static void project_add(
	struct walk *walk, const char *path, const struct table *globals, const xmlNode *by)
{
	struct project project;

	if (by && strings_have(&walk->open, path)) {
		char *shown = path_show(path);

		project_error(EINVAL, by, "%s refers to itself by this", shown);
		project_give_up();
	}
	if (strings_have(&walk->done, path))
		return;
	strings_add(&walk->done, path);
	strings_add(&walk->open, path);
	if (project_read(&project, path, globals))
		project_give_up();
	project_use(walk, &project);
	project_free(&project);
	free(walk->open.item[--walk->open.count]);
	walk->open.item[walk->open.count] = NULL;
}

void projects_add(struct build *build, const char *path)
{
	struct walk walk = {.build = build};
	struct table globals = {0};
	char *absolute = path_absolute(path);

	table_set(&globals, "Configuration", "Release");
	table_set(&globals, "Platform", "x64");
	globals_add(&globals, &build->properties);
	project_add(&walk, absolute, &globals, NULL);
	table_free(&globals);
	strings_free(&walk.done);
	strings_free(&walk.open);
	free(absolute);
}
