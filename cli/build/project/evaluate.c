/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A project's evaluation (project.h), as MSBuild's documentation tells it: properties and imports
 * first, in the order of the files; definitions of items and items are only noted on the way, for
 * they see the properties' last values (item.c). What stands in targets is not run.
 */
#include "project.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int children_walk(struct project *project, const xmlNode *parent, unsigned depth);

static struct scope scope_of(const struct project *project, const xmlNode *node)
{
	return (struct scope){.project = project, .node = node, .folder = project->folder};
}

const xmlNode *project_root(const struct project *project)
{
	return xmlDocGetRootElement(project->docs[0]);
}

/* ---- properties ---- */

static int property_read(struct project *project, const xmlNode *node)
{
	struct scope scope = scope_of(project, node);
	const char *name = (const char *)node->name;
	char *text, *value;
	bool live;
	int err = condition_of(&scope, node, &live);

	if (err || !live)
		return err;
	if (table_find(&project->globals, name) && !table_find(&project->locals, name))
		return 0;
	text = xml_content(node);
	if (value_expand(&scope, text, &value))
		table_spoil(&project->properties, name);
	else
		table_set(&project->properties, name, value);
	free(value);
	free(text);
	return 0;
}

static int properties_read(struct project *project, const xmlNode *group)
{
	int err = 0;

	for (const xmlNode *node = xml_first(group); node && !err; node = xml_next(node))
		err = property_read(project, node);
	return err;
}

/* ---- imports ---- */

static void locals_add(struct project *project, const xmlNode *root)
{
	char *names = xml_attribute(root, "TreatAsLocalProperty");
	struct strings list = {0};

	value_split(&list, names ? names : "");
	for (size_t i = 0; i < list.count; i++)
		table_set(&project->locals, list.item[i], "");
	strings_free(&list);
	free(names);
}

static int root_check(const xmlDoc *doc, const char *path)
{
	static const char msbuild[] = "http://schemas.microsoft.com/developer/msbuild/2003";
	const xmlNode *root = xmlDocGetRootElement((xmlDoc *)doc);
	char *shown;

	if (!root) {
		shown = path_show(path);
		error_set(EINVAL, "%s:1: no element", shown);
		free(shown);
		return -EINVAL;
	}
	if (xml_is(root, "VisualStudioProject"))
		return project_error(EINVAL, root,
			"a project of Visual C++ 2008 or older; Visual Studio converts it to "
			".vcxproj");
	if (!xml_is(root, "Project") || (root->ns && strcmp((const char *)root->ns->href, msbuild)))
		return project_error(EINVAL, root,
			"not an MSBuild project: its first element is <%s>%s%s",
			(const char *)root->name, root->ns ? " of " : "",
			root->ns ? (const char *)root->ns->href : "");
	return 0;
}

/* Reads a file and walks through it. It stays open, for its nodes are needed later. */
static int file_walk(struct project *project, const char *path, unsigned depth)
{
	size_t n = project->files.count;
	int err;

	project->docs = reallocarray(project->docs, n + 1, sizeof(*project->docs));
	if (!project->docs)
		fail(STATUS_FAILED, "out of memory");
	strings_add(&project->files, path);
	err = xml_read(&project->docs[n], project->files.item[n]);
	if (!err)
		err = root_check(project->docs[n], path);
	if (err)
		return err;
	locals_add(project, xmlDocGetRootElement(project->docs[n]));
	return children_walk(project, xmlDocGetRootElement(project->docs[n]), depth);
}

/* Whether the file is one of those in which this import stands. */
static bool is_open(const struct project *project, const char *path)
{
	for (size_t i = 0; i < project->open.count; i++)
		if (!strcmp(project->open.item[i], path))
			return true;
	return false;
}

static int file_import(
	struct project *project, const xmlNode *node, const char *path, unsigned depth)
{
	char *shown = path_show(path);
	int err = 0;

	if (is_open(project, path)) {
		err = project_error(EINVAL, node, "%s imports itself by this", shown);
	} else if (strings_have(&project->files, path)) {
		project_note(project, node, "%s was imported before", shown);
	} else if (depth == DEPTH_MAX) {
		err = project_error(EINVAL, node, "imports more than %d deep", DEPTH_MAX);
	} else {
		strings_add(&project->open, path);
		err = file_walk(project, path, depth + 1);
		free(project->open.item[--project->open.count]);
		project->open.item[project->open.count] = NULL;
	}
	free(shown);
	return err;
}

/* A file of Microsoft's: what is known of it; and what it would import of the user's. */
static int sheet_import(
	struct project *project, const xmlNode *node, const char *path, unsigned depth)
{
	const char *extra;
	char *folder, *found = NULL;
	int err = 0;

	defaults_import(project, path, &extra);
	project_note(project, node, "%s is Microsoft's and not read", path);
	folder = format("%s", project->folder);
	for (char *slash; extra && !found && (slash = strrchr(folder, '/')); *slash = 0)
		found = path_find(folder, extra);
	if (found && !strings_have(&project->files, found))
		err = file_import(project, node, found, depth);
	free(found);
	free(folder);
	return err;
}

static void import_found(void *arg, const char *path, const char *recursive)
{
	strings_add(arg, path);
}

static int import_path(
	struct project *project, const xmlNode *node, const char *path, unsigned depth)
{
	const char *file = xml_file(node);
	char *folder = format("%.*s", (int)(strrchr(file, '/') - file), file);
	char *found = NULL;
	struct strings all = {0};
	int err = 0;

	if (path_has_wildcard(path)) {
		if (path_glob(folder, path, import_found, &all))
			err = project_error(EINVAL, node, "%s: too many files", path);
	} else {
		found = path_find(folder, path);
		if (found)
			strings_add(&all, found);
		else
			err = project_error(
				ENOENT, node, "the imported file %s is not there", path);
	}
	for (size_t i = 0; !err && i < all.count; i++)
		err = file_import(project, node, all.item[i], depth);
	strings_free(&all);
	free(found);
	free(folder);
	return err;
}

static int import_read(struct project *project, const xmlNode *node, unsigned depth)
{
	struct scope scope = scope_of(project, node);
	const char *file = xml_file(node);
	char *folder = format("%.*s", (int)(strrchr(file, '/') - file), file);
	char *text = xml_attribute(node, "Project"), *sdk = xml_attribute(node, "Sdk"),
	     *path = NULL;
	bool live;
	int err;

	/* conditions of imports, unlike others, look from the file that they stand in */
	scope.folder = folder;
	err = condition_of(&scope, node, &live);
	if (!err && live && !text)
		err = project_error(EINVAL, node, "an Import without Project");
	if (!err && live)
		err = value_expand(&scope, text, &path);
	if (path)
		value_unescape(value_trim(path));
	if (path && sdk)
		project_note(project, node, "%s of the SDK %s is not read", path, sdk);
	else if (path && defaults_are(path))
		err = sheet_import(project, node, path, depth);
	else if (path)
		err = import_path(project, node, path, depth);
	free(folder);
	free(text);
	free(sdk);
	free(path);
	return err;
}

/* ---- the elements of a project ---- */

static int choose_read(struct project *project, const xmlNode *choose, unsigned depth)
{
	for (const xmlNode *node = xml_first(choose); node; node = xml_next(node)) {
		struct scope scope = scope_of(project, node);
		bool live = true;
		int err = 0;

		if (xml_is(node, "When"))
			err = condition_of(&scope, node, &live);
		else if (!xml_is(node, "Otherwise"))
			err = project_error(EINVAL, node, "<%s> in a Choose", node->name);
		if (err)
			return err;
		if (live)
			return children_walk(project, node, depth);
	}
	return 0;
}

static void group_add(struct project *project, const xmlNode *node)
{
	project->groups =
		reallocarray(project->groups, project->group_count + 1, sizeof(*project->groups));
	if (!project->groups)
		fail(STATUS_FAILED, "out of memory");
	project->groups[project->group_count++] = node;
}

static int group_read(struct project *project, const xmlNode *node, unsigned depth)
{
	struct scope scope = scope_of(project, node);
	bool live;
	int err = condition_of(&scope, node, &live);

	if (err || !live)
		return err;
	return xml_is(node, "PropertyGroup") ? properties_read(project, node)
					     : children_walk(project, node, depth);
}

static int element_walk(struct project *project, const xmlNode *node, unsigned depth)
{
	static const char *const passed[] = {"UsingTask", "ProjectExtensions", "Sdk"};

	if (xml_is(node, "Import"))
		return import_read(project, node, depth);
	if (xml_is(node, "PropertyGroup") || xml_is(node, "ImportGroup"))
		return group_read(project, node, depth);
	if (xml_is(node, "ItemGroup") || xml_is(node, "ItemDefinitionGroup")) {
		group_add(project, node);
		return 0;
	}
	if (xml_is(node, "Choose"))
		return choose_read(project, node, depth);
	if (xml_is(node, "Target")) {
		char *name = xml_attribute(node, "Name");

		project_note(project, node, "the target %s is not run", name ? name : "");
		free(name);
		return 0;
	}
	for (size_t i = 0; i < array_size(passed); i++)
		if (xml_is(node, passed[i]))
			return 0;
	return project_error(EINVAL, node, "no element of a project: <%s>", node->name);
}

static int children_walk(struct project *project, const xmlNode *parent, unsigned depth)
{
	int err = 0;

	for (const xmlNode *node = xml_first(parent); node && !err; node = xml_next(node))
		err = element_walk(project, node, depth);
	return err;
}

/* ---- one project ---- */

int project_read(struct project *project, const char *path, const struct table *globals)
{
	int err;

	*project = (struct project){.path = path_absolute(path)};
	project->folder =
		format("%.*s", (int)(strrchr(project->path, '/') - project->path), project->path);
	table_copy(&project->globals, globals);
	defaults_first(project);
	strings_add(&project->open, project->path);
	err = file_walk(project, project->path, 0);
	if (err)
		return err;
	defaults_last(project);
	return items_evaluate(project);
}

void project_free(struct project *project)
{
	for (size_t i = 0; i < project->files.count; i++)
		xmlFreeDoc(project->docs[i]);
	free(project->docs);
	free(project->groups);
	table_free(&project->globals);
	table_free(&project->locals);
	table_free(&project->properties);
	items_free(&project->definitions);
	items_free(&project->items);
	items_free(&project->troubles);
	strings_free(&project->notes);
	strings_free(&project->files);
	strings_free(&project->open);
	free(project->path);
	free(project->folder);
	*project = (struct project){0};
}
