/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What a project tells Microsoft's compiler of a source, for clang (settings.h).
 */
#include "settings.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

void project_give_up(void)
{
	fail(STATUS_FAILED, "%s", error_text());
}

/* ---- values ---- */

char *project_value(const struct project *project, const struct item *item, const char *name)
{
	const struct scope scope = {
		.project = project, .node = item->node, .folder = project->folder, .item = item};
	char *text, *value;

	/* a definition could not know the item's own name */
	if (metadata_get(project, item, name, &text) || value_expand(&scope, text, &value))
		project_give_up();
	free(text);
	return value;
}

bool project_is_true(const struct project *project, const struct item *item, const char *name)
{
	char *value = project_value(project, item, name);
	bool is = !strcasecmp(value_trim(value), "true");

	free(value);
	return is;
}

struct strings project_list(
	const struct project *project, const struct item *item, const char *name)
{
	char *value = project_value(project, item, name);
	struct strings list = {0};

	value_split(&list, value);
	for (size_t i = 0; i < list.count; i++)
		value_unescape(list.item[i]);
	free(value);
	return list;
}

const char *project_property(const struct project *project, const char *name)
{
	const struct table_row *row = table_find(&project->properties, name);

	if (row && row->trouble)
		fail(STATUS_FAILED, "$(%s) is unknown: %s", name, row->trouble);
	return row ? row->text : "";
}

bool project_property_is(const struct project *project, const char *name, const char *value)
{
	const struct table_row *row = table_find(&project->properties, name);

	return row && row->text && !strcasecmp(row->text, value);
}

char *project_file(const struct project *project, const char *path)
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
	char *folder = project_file(making->project, name);
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
	char *path = project_file(making->project, name);

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
	char *options = project_value(making->project, making->item, "AdditionalOptions"), *word;
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
	if (!strcasecmp(project_property(project, "UseDebugLibraries"), "true"))
		strings_add(&macros, "DBG=1");
	if (!strcasecmp(project_property(project, "CharacterSet"), "Unicode")) {
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
	char *as = project_value(project, item, "CompileAs");
	enum source_language language = SOURCE_BY_NAME;

	if (!strcasecmp(as, "CompileAsCpp") || source_is_cxx(path))
		language = SOURCE_CXX;
	if (!strcasecmp(as, "CompileAsC") || (language != SOURCE_CXX && source_is(path)))
		language = SOURCE_C;
	free(as);
	if (language == SOURCE_BY_NAME) {
		project_error(EINVAL, item->node, "%s: neither C nor C++", path);
		project_give_up();
	}
	return language;
}

static void packing_check(const struct project *project, const struct item *item)
{
	char *packing = project_value(project, item, "StructMemberAlignment");
	int bytes = atoi(packing);

	/* 8 is what drivers are compiled with, and no type of theirs needs more */
	if (bytes == 1 || bytes == 2 || bytes == 4) {
		project_error(ENOTSUP, item->node,
			"%s: StructMemberAlignment %s is not supported; #pragma pack is",
			item->include, packing);
		project_give_up();
	}
	free(packing);
}

static void list_apply(const struct making *making, const char *name, setting_fn *apply)
{
	struct strings list = project_list(making->project, making->item, name);

	for (size_t i = 0; i < list.count; i++)
		apply(making, list.item[i]);
	strings_free(&list);
}

/* The folders of a property, behind the source's own. */
static void paths_apply(const struct making *making)
{
	struct strings folders = {0};

	value_split(&folders, project_property(making->project, "IncludePath"));
	for (size_t i = 0; i < folders.count; i++) {
		value_unescape(folders.item[i]);
		folder_use(making, folders.item[i]);
	}
	strings_free(&folders);
}

struct settings *project_settings(
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
