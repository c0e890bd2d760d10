/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * From a project (project/project.h) to sources with their settings: what Microsoft's compiler
 * would be told of each is told to clang, static libraries that the project links are taken as
 * their sources, and what has no meaning here is named.
 */
#include "project/project.h"
#include "util/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct walk {
	struct build *build;
	struct strings done, open; /* projects, absolute */
};

static void project_add(
	struct walk *walk, const char *path, const struct table *globals, const xmlNode *by);

__attribute__((noreturn)) static void give_up(void)
{
	fail(STATUS_FAILED, "%s", error_text());
}

/* ---- values ---- */

/* An item's value with all that it stands for; a string of its own. */
static char *value_of(const struct project *project, const struct item *item, const char *name)
{
	const struct scope scope = {
		.project = project, .node = item->node, .folder = project->folder, .item = item};
	char *text, *value;

	/* a definition could not know the item's own name */
	if (metadata_get(project, item, name, &text) || value_expand(&scope, text, &value))
		give_up();
	free(text);
	return value;
}

static bool is_true(const struct project *project, const struct item *item, const char *name)
{
	char *value = value_of(project, item, name);
	bool is = !strcasecmp(value_trim(value), "true");

	free(value);
	return is;
}

/* A list's parts, as they are in the end. */
static struct strings list_of(
	const struct project *project, const struct item *item, const char *name)
{
	char *value = value_of(project, item, name);
	struct strings list = {0};

	value_split(&list, value);
	for (size_t i = 0; i < list.count; i++)
		value_unescape(list.item[i]);
	free(value);
	return list;
}

static const char *property_of(const struct project *project, const char *name)
{
	const struct table_row *row = table_find(&project->properties, name);

	if (row && row->trouble)
		fail(STATUS_FAILED, "$(%s) is unknown: %s", name, row->trouble);
	return row ? row->text : "";
}

static bool property_is(const struct project *project, const char *name, const char *value)
{
	const struct table_row *row = table_find(&project->properties, name);

	return row && row->text && !strcasecmp(row->text, value);
}

/* A file or folder that a project names; NULL if it is not there. */
static char *find(const struct project *project, const char *path)
{
	char *plain = format("%s", path), *found;
	size_t length = strlen(plain);

	if (length > 1 && *plain == '"' && plain[length - 1] == '"') {
		plain[length - 1] = 0;
		memmove(plain, plain + 1, length - 1);
	}
	found = path_find(project->folder, plain);
	free(plain);
	if (!found)
		return NULL;
	/* as people would have named it, in messages too */
	plain = path_show(found);
	free(found);
	return plain;
}

/* ---- the settings of a source ---- */

/* One source on its way. */
struct making {
	struct build *build;
	struct project *project;
	const struct item *item;
	struct settings *settings;
};

static void define(const struct making *making, char *macro)
{
	char *to = macro;

	/* as on a command line: a quote needs no backslash here */
	for (const char *from = macro; *from; from++)
		if (from[0] != '\\' || from[1] != '"')
			*to++ = *from;
	*to = 0;
	if (!macro_is_defined(&making->build->front, macro))
		strings_addf(&making->settings->front, "-D%s", macro);
}

static void undefine(const struct making *making, char *macro)
{
	strings_addf(&making->settings->front, "-U%s", macro);
}

static void folder_use(const struct making *making, char *name)
{
	char *folder = find(making->project, name);
	struct stat st;

	if (folder && stat(folder, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (!strings_have(&making->settings->includes, folder))
			strings_add(&making->settings->includes, folder);
		if (!strings_have(&making->build->folders, folder))
			strings_add(&making->build->folders, folder);
	} else if (!path_is_foreign(name)) {
		project_note(
			making->project, making->item->node, "no folder %s to include from", name);
	}
	free(folder);
}

static void file_include(const struct making *making, char *name)
{
	char *path = find(making->project, name);

	strings_add(&making->settings->front, "-include");
	strings_add(&making->settings->front, path ? path : name);
	free(path);
}

static void standard_set(const struct making *making, char *name)
{
	static const char *const known[][2] = {{"stdcpp14", "c++14"}, {"stdcpp17", "c++17"},
		{"stdcpp20", "c++20"}, {"stdcpplatest", "c++2b"}, {"c++14", "c++14"},
		{"c++17", "c++17"}, {"c++20", "c++20"}, {"c++latest", "c++2b"}};

	for (size_t i = 0; i < array_size(known); i++)
		if (making->settings->language == SOURCE_CXX && !strcasecmp(name, known[i][0]))
			strings_addf(&making->settings->front, "-std=%s", known[i][1]);
}

typedef void setting_fn(const struct making *making, char *value);

/* ---- AdditionalOptions ---- */

/* The next word of a command line of Windows, its quotes taken off; NULL: there is none. */
static char *word_next(const char **text)
{
	struct buffer word = {0};
	bool quoted = false;

	*text += strspn(*text, " \t\r\n");
	if (!**text)
		return NULL;
	for (; **text && (quoted || !strchr(" \t\r\n", **text)); (*text)++) {
		bool escape = (*text)[0] == '\\' && (*text)[1] == '"';

		*text += escape;
		if (!escape && **text == '"')
			quoted = !quoted;
		else
			buffer_add(&word, *text, 1);
	}
	return word.text ? word.text : format("%s", "");
}

/* Those options of Microsoft's compiler that change what a source means. */
static const struct {
	const char *name;
	setting_fn *apply;
} options[] = {{"FI", file_include}, {"std:", standard_set}, {"D", define}, {"U", undefine},
	{"I", folder_use}};

static bool option_apply(const struct making *making, const char *word, const char **rest)
{
	if (*word != '/' && *word != '-')
		return false;
	if (!strcmp(word + 1, "J")) {
		strings_add(&making->settings->front, "-funsigned-char");
		return true;
	}
	for (size_t i = 0; i < array_size(options); i++) {
		size_t length = strlen(options[i].name);
		char *value;

		if (strncmp(word + 1, options[i].name, length))
			continue;
		value = word[1 + length] ? format("%s", word + 1 + length) : word_next(rest);
		if (value)
			options[i].apply(making, value);
		free(value);
		return true;
	}
	return false;
}

static void options_apply(const struct making *making)
{
	char *options = value_of(making->project, making->item, "AdditionalOptions"), *word;
	const char *rest = options;

	value_unescape(options);
	while ((word = word_next(&rest))) {
		if (!option_apply(making, word, &rest))
			project_note(making->project, making->item->node,
				"the compiler's option %s is not followed", word);
		free(word);
	}
	free(options);
}

/* ---- properties and metadata ---- */

/* What Microsoft's property sheets for drivers define. */
static void driver_macros(const struct making *making)
{
	const struct project *project = making->project;
	unsigned windows = defaults_windows(project);
	struct strings macros = {0};

	/* include/ddk describes some Windows 10 by itself */
	if (windows && windows != 0x0A00) {
		strings_addf(&macros, "_WIN32_WINNT=0x%04X", windows);
		strings_addf(&macros, "WINVER=0x%04X", windows);
		strings_addf(&macros, "NTDDI_VERSION=0x%04X0000", windows);
	}
	if (!strcasecmp(property_of(project, "UseDebugLibraries"), "true"))
		strings_add(&macros, "DBG=1");
	if (!strcasecmp(property_of(project, "CharacterSet"), "Unicode")) {
		strings_add(&macros, "UNICODE");
		strings_add(&macros, "_UNICODE");
	}
	for (size_t i = 0; i < macros.count; i++)
		if (!macro_is_defined(&making->settings->front, macros.item[i]))
			define(making, macros.item[i]);
	strings_free(&macros);
}

static enum source_language language_of(
	const struct project *project, const struct item *item, const char *path)
{
	char *as = value_of(project, item, "CompileAs");
	enum source_language language = SOURCE_BY_NAME;

	if (!strcasecmp(as, "CompileAsCpp") || source_is_cxx(path))
		language = SOURCE_CXX;
	if (!strcasecmp(as, "CompileAsC") || (language != SOURCE_CXX && source_is(path)))
		language = SOURCE_C;
	free(as);
	if (language == SOURCE_BY_NAME) {
		project_error(EINVAL, item->node, "%s: neither C nor C++", path);
		give_up();
	}
	return language;
}

static void packing_check(const struct project *project, const struct item *item)
{
	char *packing = value_of(project, item, "StructMemberAlignment");
	int bytes = atoi(packing);

	/* 8 is what drivers are compiled with, and no type of theirs needs more */
	if (bytes == 1 || bytes == 2 || bytes == 4) {
		project_error(ENOTSUP, item->node,
			"%s: StructMemberAlignment %s is not supported; #pragma pack is",
			item->include, packing);
		give_up();
	}
	free(packing);
}

static void list_apply(const struct making *making, const char *name, setting_fn *apply)
{
	struct strings list = list_of(making->project, making->item, name);

	for (size_t i = 0; i < list.count; i++)
		apply(making, list.item[i]);
	strings_free(&list);
}

/* The folders of a property, behind the source's own. */
static void paths_apply(const struct making *making)
{
	struct strings folders = {0};

	value_split(&folders, property_of(making->project, "IncludePath"));
	for (size_t i = 0; i < folders.count; i++) {
		value_unescape(folders.item[i]);
		folder_use(making, folders.item[i]);
	}
	strings_free(&folders);
}

static struct settings *settings_make(
	struct build *build, struct project *project, const struct item *item, const char *path)
{
	struct settings *settings = calloc(1, sizeof(*settings));
	const struct making making = {build, project, item, settings};

	if (!settings)
		fail(STATUS_FAILED, "out of memory");
	settings->language = language_of(project, item, path);
	packing_check(project, item);
	list_apply(&making, "LanguageStandard", standard_set);
	list_apply(&making, "PreprocessorDefinitions", define);
	list_apply(&making, "UndefinePreprocessorDefinitions", undefine);
	list_apply(&making, "AdditionalIncludeDirectories", folder_use);
	list_apply(&making, "ForcedIncludeFiles", file_include);
	options_apply(&making);
	paths_apply(&making);
	driver_macros(&making);
	return settings;
}

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
	char *base = path_base(source), *header;

	char *functions = value_of(project, item, "WppTraceFunction");
	char *file = value_of(project, item, "WppScanConfigurationData"), *path;

	value_unescape(value_trim(functions));
	value_unescape(value_trim(file));
	traced_add(build, functions);
	/* a source may name its trace header by a macro */
	header = format("%.*s.tmh", (int)(strrchr(base, '.') - base), base);
	wpp_header(build, header);
	path = find(project, file);
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
	path = find(project, name);
	if (!path) {
		project_error(ENOENT, item->node, "no such source: %s", name);
		give_up();
	}
	if (is_true(project, item, "WppEnabled"))
		tracing_apply(build, project, item, path);
	if (!strings_have(&build->sources, path))
		source_take(build, path, settings_make(build, project, item, path));
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
		if (is_true(project, item, "ExcludedFromBuild"))
			continue;
		taken++;
		source_add(walk->build, project, item);
	}
	if (taken)
		return;
	project_error(EINVAL, project_root(project),
		seen ? "no sources: all are excluded for %s|%s"
		     : "no sources (ClCompile) for %s|%s",
		property_of(project, "Configuration"), property_of(project, "Platform"));
	give_up();
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
				is_true(project, item, "ExcludedFromBuild"))
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
		char *equals = strchr(list->item[i], '=');

		if (!equals)
			continue;
		*equals = 0;
		table_set(globals, value_trim(list->item[i]), value_trim(equals + 1));
	}
}

static bool is_library(const struct project *project)
{
	return property_is(project, "ConfigurationType", "StaticLibrary");
}

/* Whether what it makes is linked; says why not. */
static bool reference_counts(struct project *project, const struct item *item, const char *path,
	const struct table *globals)
{
	char *linked = value_of(project, item, "LinkLibraryDependencies");
	bool counts = strcasecmp(linked, "false") && source_is_project(path);
	struct project other;

	free(linked);
	if (counts) {
		if (project_read(&other, path, globals))
			give_up();
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
		give_up();
	}
	table_copy(&globals, &project->globals);
	for (size_t i = 0; i < array_size(names); i++) {
		struct strings list = list_of(project, item, names[i]);

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
		!property_is(other, "TargetFileName", maker->library))
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
		list[i] = list_of(project, &link, lists[i]);
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
	const char *configuration = property_of(project, "Configuration");
	const char *platform = property_of(project, "Platform");
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
	const char *type = property_of(project, "ConfigurationType");

	for (size_t i = 0; i < array_size(others); i++) {
		if (!strcasecmp(type, others[i])) {
			project_error(EINVAL, project_root(project),
				"not a driver: its ConfigurationType is %s", type);
			give_up();
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
		give_up();
	}
	if (strings_have(&walk->done, path))
		return;
	strings_add(&walk->done, path);
	strings_add(&walk->open, path);
	if (project_read(&project, path, globals))
		give_up();
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
