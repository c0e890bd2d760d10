/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What Microsoft's property sheets would have set (project.h). They are not here, and are not asked
 * for: an import of one of them sets, at that place, the few properties that drivers' projects
 * build upon, where these have no value yet. The tables say which, and after which import.
 */
#include "project.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* A path that Windows has and this system cannot have. */
#define MICROSOFT "C:\\MSBuild"

enum { FIRST, CPP_DEFAULT, CPP, CPP_TARGETS };

static const struct {
	unsigned when;
	const char *name, *value;
} defaults[] = {
	{FIRST, "OS", "Windows_NT"},
	{FIRST, "PROCESSOR_ARCHITECTURE", "AMD64"},
	{FIRST, "VisualStudioVersion", "17.0"},
	{FIRST, "MSBuildToolsVersion", "Current"},
	{FIRST, "MSBuildRuntimeType", "Full"},
	{FIRST, "MSBuildToolsPath", MICROSOFT "\\Bin"},
	{FIRST, "MSBuildBinPath", MICROSOFT "\\Bin"},
	{FIRST, "MSBuildExtensionsPath", MICROSOFT},
	{FIRST, "MSBuildExtensionsPath32", MICROSOFT},
	{FIRST, "MSBuildExtensionsPath64", MICROSOFT},
	{FIRST, "VCTargetsPath", MICROSOFT "\\VC"},
	{FIRST, "WDKContentRoot", MICROSOFT "\\WDK\\"},
	{FIRST, "UserRootDir", MICROSOFT "\\User"},
	{FIRST, "VSINSTALLDIR", MICROSOFT "\\VS\\"},
	{CPP_DEFAULT, "ProjectName", "$(MSBuildProjectName)"},
	{CPP_DEFAULT, "ConfigurationName", "$(Configuration)"},
	{CPP_DEFAULT, "PlatformName", "$(Platform)"},
	{CPP_DEFAULT, "PlatformTarget", "x64"},
	{CPP_DEFAULT, "PlatformShortName", "x64"},
	{CPP_DEFAULT, "PlatformArchitecture", "64"},
	{CPP_DEFAULT, "TargetVersion", "Windows10"},
	{CPP, "OutDir", "$(SolutionDir)$(Platform)\\$(Configuration)\\"},
	{CPP, "IntDir", "$(Platform)\\$(Configuration)\\"},
	{CPP, "TargetName", "$(ProjectName)"},
	{CPP_TARGETS, "OutputPath", "$(OutDir)"},
	{CPP_TARGETS, "IntermediateOutputPath", "$(IntDir)"},
	{CPP_TARGETS, "TargetFileName", "$(TargetName)$(TargetExt)"},
	{CPP_TARGETS, "TargetDir", "$(OutDir)"},
	{CPP_TARGETS, "TargetPath", "$(OutDir)$(TargetFileName)"},
};

/* Those that are called like this, and which of the tables they stand for. */
static const struct {
	const char *name;
	unsigned when;
	const char *extra;
} sheets[] = {
	{"Microsoft.Cpp.Default.props", CPP_DEFAULT, "Directory.Build.props"},
	{"Microsoft.Cpp.props", CPP, NULL},
	{"Microsoft.Cpp.targets", CPP_TARGETS, "Directory.Build.targets"},
};

static void value_set(struct project *project, const char *name, const char *value)
{
	const struct scope scope = {.project = project};
	const struct table_row *row = table_find(&project->properties, name);
	char *text;

	if (row && (row->trouble || *row->text))
		return;
	if (value_expand(&scope, value, &text))
		table_spoil(&project->properties, name);
	else
		table_set(&project->properties, name, text);
	free(text);
}

static void extension_set(struct project *project)
{
	static const char *const kinds[][2] = {{"StaticLibrary", ".lib"},
		{"DynamicLibrary", ".dll"}, {"Application", ".exe"}, {"", ".exe"},
		{"Driver", ".sys"}};
	const struct table_row *row = table_find(&project->properties, "ConfigurationType");
	const char *type = row && row->text ? row->text : "";
	size_t i = 0;

	while (i < array_size(kinds) && strcasecmp(type, kinds[i][0]))
		i++;
	if (i < array_size(kinds))
		value_set(project, "TargetExt", kinds[i][1]);
}

static void defaults_set(struct project *project, unsigned when)
{
	for (; project->defaults <= when; project->defaults++) {
		for (size_t i = 0; i < array_size(defaults); i++)
			if (defaults[i].when == project->defaults)
				value_set(project, defaults[i].name, defaults[i].value);
		if (project->defaults == CPP)
			extension_set(project);
	}
}

/* ---- the project's own names ---- */

/* Whether a solution's file speaks of the project's. */
static bool solution_has(const char *path, const char *project)
{
	FILE *in = path_open(path);
	char *line = NULL;
	size_t size = 0;
	bool has = false;

	for (unsigned n = 0; in && !has && n < 100000 && getline(&line, &size, in) > 0; n++)
		has = strcasestr(line, project);
	free(line);
	if (in)
		fclose(in);
	return has;
}

struct search {
	const char *project; /* the name of its file */
	char *found;
};

static void solution_try(void *arg, const char *path, const char *recursive)
{
	struct search *search = arg;

	if (!search->found && solution_has(path, search->project))
		search->found = format("%s", path);
}

/* Of the folders from the project's up, the nearest that has a solution with the project in it. */
static char *solution_find(const struct project *project)
{
	struct search search = {.project = strrchr(project->path, '/') + 1};
	char *folder = format("%s", project->folder);

	for (char *slash; !search.found && (slash = strrchr(folder, '/')); *slash = 0)
		path_glob(folder, "*.sln", solution_try, &search);
	free(folder);
	return search.found;
}

struct names {
	const char *folder, *file, *name, *extension, *path;
};

static void name_set(struct table *table, const char *property, const char *name)
{
	char *value = value_escape(name);

	table_set(table, property, value);
	free(value);
}

/* The parts of an absolute path, as properties. */
static void names_set(struct table *table, const char *path, const struct names *names)
{
	const char *base = strrchr(path, '/') + 1;
	const char *dot = strrchr(base, '.') ? strrchr(base, '.') : base + strlen(base);
	char *folder = format("%.*s", (int)(base - path), path);
	char *name = format("%.*s", (int)(dot - base), base);

	name_set(table, names->path, path);
	name_set(table, names->folder, folder);
	name_set(table, names->file, base);
	name_set(table, names->name, name);
	name_set(table, names->extension, dot);
	free(folder);
	free(name);
}

static void solution_set(struct project *project)
{
	static const struct names names = {
		"SolutionDir", "SolutionFileName", "SolutionName", "SolutionExt", "SolutionPath"};
	char *solution = solution_find(project), *folder;

	if (solution) {
		names_set(&project->properties, solution, &names);
	} else {
		folder = format("%s/", project->folder);
		name_set(&project->properties, "SolutionDir", folder);
		free(folder);
	}
	free(solution);
}

void defaults_first(struct project *project)
{
	static const struct names names[] = {{"ProjectDir", "ProjectFileName", "MSBuildProjectName",
						     "ProjectExt", "ProjectPath"},
		{"ProjectDir", "MSBuildProjectFile", "MSBuildProjectName",
			"MSBuildProjectExtension", "MSBuildProjectFullPath"}};
	char *cwd = getcwd(NULL, 0);

	for (size_t i = 0; i < array_size(names); i++)
		names_set(&project->properties, project->path, &names[i]);
	name_set(&project->properties, "MSBuildProjectDirectory", project->folder);
	name_set(&project->properties, "MSBuildStartupDirectory", cwd ? cwd : "");
	solution_set(project);
	table_copy(&project->properties, &project->globals);
	defaults_set(project, FIRST);
	free(cwd);
}

bool defaults_are(const char *path)
{
	return !strncasecmp(path, MICROSOFT, strlen(MICROSOFT));
}

void defaults_import(struct project *project, const char *path, const char **extra)
{
	const char *base = path;

	*extra = NULL;
	for (; *path; path++)
		if (*path == '\\' || *path == '/')
			base = path + 1;
	for (size_t i = 0; i < array_size(sheets); i++) {
		if (!strcasecmp(base, sheets[i].name)) {
			defaults_set(project, sheets[i].when);
			*extra = sheets[i].extra;
		}
	}
}

void defaults_last(struct project *project)
{
	defaults_set(project, CPP_TARGETS);
}

unsigned defaults_windows(const struct project *project)
{
	static const struct {
		const char *name;
		unsigned version;
	} known[] = {{"Windows7", 0x0601}, {"Windows8", 0x0602}, {"WindowsV6.3", 0x0603},
		{"Windows10", 0x0A00}};
	const struct table_row *version = table_find(&project->properties, "_NT_TARGET_VERSION");
	const struct table_row *target = table_find(&project->properties, "TargetVersion");
	unsigned number = 0;

	if (version && version->text)
		number = (unsigned)strtoul(version->text, NULL, 0);
	for (size_t i = 0; !number && target && target->text && i < array_size(known); i++)
		if (!strcasecmp(target->text, known[i].name))
			number = known[i].version;
	return number;
}
