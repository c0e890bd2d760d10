/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Items (project.h): ItemDefinitionGroup gives each type of items its metadata, ItemGroup adds
 * items (Include, less Exclude), takes some away (Remove) and changes their metadata (Update). An
 * element that cannot be evaluated spoils its type of items only: who looks at the type fails.
 */
#include "project.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ITEMS_MAX = 50000 };

static struct scope scope_of(const struct project *project, const xmlNode *node)
{
	return (struct scope){.project = project, .node = node, .folder = project->folder};
}

/* ---- metadata ---- */

static void metadata_set(
	const struct scope *scope, struct item *item, const char *name, const char *text)
{
	char *value;

	if (value_expand(scope, text, &value))
		table_spoil(&item->metadata, name);
	else
		table_set(&item->metadata, name, value);
	free(value);
}

/* The elements in an item or a definition. */
static int metadata_read(
	const struct project *project, struct item *item, const xmlNode *parent, bool items)
{
	for (const xmlNode *node = xml_first(parent); node; node = xml_next(node)) {
		struct scope scope = scope_of(project, node);
		char *text;
		bool live;
		int err;

		scope.item = item;
		scope.items = items;
		err = condition_of(&scope, node, &live);
		if (err)
			return err;
		if (!live)
			continue;
		text = xml_content(node);
		metadata_set(&scope, item, (const char *)node->name, text);
		free(text);
	}
	return 0;
}

/* Attributes that are no metadata. */
static bool is_reserved(const char *name)
{
	static const char *const names[] = {"Include", "Exclude", "Remove", "Update", "Condition",
		"Label", "KeepMetadata", "RemoveMetadata", "KeepDuplicates", "MatchOnMetadata",
		"MatchOnMetadataOptions"};

	for (size_t i = 0; i < array_size(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static int item_metadata_read(const struct project *project, struct item *item, const xmlNode *node)
{
	struct scope scope = scope_of(project, node);

	scope.item = item;
	scope.items = true;
	for (const xmlAttr *a = node->properties; a; a = a->next) {
		const char *name = (const char *)a->name;
		char *text;

		if (is_reserved(name))
			continue;
		text = xml_attribute(node, name);
		metadata_set(&scope, item, name, text ? text : "");
		free(text);
	}
	return metadata_read(project, item, node, true);
}

/* ---- definitions ---- */

static struct item *definition_of(struct project *project, const char *type, const xmlNode *node)
{
	for (size_t i = 0; i < project->definitions.count; i++)
		if (!strcasecmp(project->definitions.items[i].type, type))
			return &project->definitions.items[i];
	return item_add(&project->definitions, type, node);
}

static int definitions_read(struct project *project, const xmlNode *group)
{
	struct scope scope = scope_of(project, group);
	bool live;
	int err = condition_of(&scope, group, &live);

	if (err || !live)
		return err;
	for (const xmlNode *node = xml_first(group); node && !err; node = xml_next(node)) {
		struct item *item = definition_of(project, (const char *)node->name, node);

		scope.node = node;
		scope.item = item;
		err = condition_of(&scope, node, &live);
		if (!err && live)
			err = metadata_read(project, item, node, false);
	}
	return err;
}

/* ---- which files ---- */

struct chosen {
	const struct project *project;
	struct strings *excluded; /* absolute, or NULL */
	struct strings paths;	  /* escaped */
	struct strings recursive;
	const char *pattern;
};

static bool is_excluded(const struct chosen *chosen, const char *path)
{
	for (size_t i = 0; chosen->excluded && i < chosen->excluded->count; i++)
		if (!strcasecmp(chosen->excluded->item[i], path))
			return true;
	return false;
}

static void chosen_found(void *arg, const char *path, const char *recursive)
{
	struct chosen *chosen = arg;
	char *escaped;

	if (is_excluded(chosen, path))
		return;
	escaped = value_escape(path);
	strings_add(&chosen->paths, escaped);
	strings_add(&chosen->recursive, recursive);
	free(escaped);
}

/* What one part of an Include means. A name that is not there is kept: it is missed later. */
static int part_choose(struct chosen *chosen, const char *part)
{
	char *plain = format("%s", part), *path;
	int err = 0;

	value_unescape(plain);
	if (path_has_wildcard(part)) {
		err = path_glob(chosen->project->folder, plain, chosen_found, chosen);
	} else {
		path = path_find(chosen->project->folder, plain);
		if (!path)
			path = path_join(chosen->project->folder, plain);
		if (!is_excluded(chosen, path)) {
			strings_add(&chosen->paths, part);
			strings_add(&chosen->recursive, "");
		}
		free(path);
	}
	free(plain);
	return err;
}

static void chosen_free(struct chosen *chosen)
{
	strings_free(&chosen->paths);
	strings_free(&chosen->recursive);
}

/* An attribute's list of names and patterns. */
static int list_choose(const struct project *project, const xmlNode *node, const char *attribute,
	struct strings *excluded, struct chosen *chosen)
{
	struct scope scope = scope_of(project, node);
	char *text = xml_attribute(node, attribute), *value;
	struct strings parts = {0};
	int err;

	*chosen = (struct chosen){.project = project, .excluded = excluded};
	scope.items = true;
	err = value_expand(&scope, text ? text : "", &value);
	if (!err)
		value_split(&parts, value);
	for (size_t i = 0; !err && i < parts.count; i++)
		if (part_choose(chosen, parts.item[i]))
			err = project_error(EINVAL, node, "%s: too many files", parts.item[i]);
	strings_free(&parts);
	free(value);
	free(text);
	return err;
}

/* Such a list as absolute paths. */
static int paths_choose(const struct project *project, const xmlNode *node, const char *attribute,
	struct strings *paths)
{
	struct chosen chosen;
	int err = list_choose(project, node, attribute, NULL, &chosen);

	for (size_t i = 0; !err && i < chosen.paths.count; i++) {
		char *path, *plain = format("%s", chosen.paths.item[i]);

		value_unescape(plain);
		path = path_find(project->folder, plain);
		if (!path)
			path = path_join(project->folder, plain);
		strings_add(paths, path);
		free(path);
		free(plain);
	}
	chosen_free(&chosen);
	return err;
}

/* ---- items ---- */

static int items_include(struct project *project, const xmlNode *node)
{
	struct strings excluded = {0};
	struct chosen chosen;
	int err = paths_choose(project, node, "Exclude", &excluded);

	if (err)
		goto out;
	err = list_choose(project, node, "Include", &excluded, &chosen);
	for (size_t i = 0; !err && i < chosen.paths.count; i++) {
		struct item *item;

		if (project->items.count == ITEMS_MAX) {
			err = project_error(EINVAL, node, "more than %d items", ITEMS_MAX);
			break;
		}
		item = item_add(&project->items, (const char *)node->name, node);
		free(item->include);
		free(item->recursive);
		item->include = format("%s", chosen.paths.item[i]);
		item->recursive = format("%s", chosen.recursive.item[i]);
		err = item_metadata_read(project, item, node);
	}
	chosen_free(&chosen);
out:
	strings_free(&excluded);
	return err;
}

static bool item_is_among(
	const struct project *project, const struct item *item, const struct strings *paths)
{
	char *plain = format("%s", item->include), *path;
	bool is = false;

	value_unescape(plain);
	path = path_find(project->folder, plain);
	if (!path)
		path = path_join(project->folder, plain);
	for (size_t i = 0; !is && i < paths->count; i++)
		is = !strcasecmp(path, paths->item[i]);
	free(path);
	free(plain);
	return is;
}

static void item_drop(struct items *items, size_t which)
{
	struct items one = {.items = malloc(sizeof(struct item)), .count = 1};

	if (!one.items)
		fail(STATUS_FAILED, "out of memory");
	one.items[0] = items->items[which];
	items_free(&one);
	memmove(&items->items[which], &items->items[which + 1],
		(--items->count - which) * sizeof(*items->items));
}

/* Remove and Update. */
static int items_change(struct project *project, const xmlNode *node, const char *attribute)
{
	bool drops = !strcmp(attribute, "Remove");
	struct strings paths = {0};
	int err = paths_choose(project, node, attribute, &paths);

	for (size_t i = 0; !err && i < project->items.count; i++) {
		struct item *item = &project->items.items[i];

		if (strcasecmp(item->type, (const char *)node->name) ||
			!item_is_among(project, item, &paths))
			continue;
		if (drops)
			item_drop(&project->items, i--);
		else
			err = item_metadata_read(project, item, node);
	}
	strings_free(&paths);
	return err;
}

static int item_read(struct project *project, const xmlNode *node)
{
	static const char *const changes[] = {"Remove", "Update"};
	struct scope scope = scope_of(project, node);
	bool live;
	int err;

	scope.items = true;
	err = condition_of(&scope, node, &live);
	if (err || !live)
		return err;
	if (xmlHasProp(node, (const xmlChar *)"Include"))
		return items_include(project, node);
	for (size_t i = 0; i < array_size(changes); i++)
		if (xmlHasProp(node, (const xmlChar *)changes[i]))
			return items_change(project, node, changes[i]);
	return project_error(
		EINVAL, node, "<%s> in an ItemGroup without Include, Remove or Update", node->name);
}

static int items_read(struct project *project, const xmlNode *group)
{
	struct scope scope = scope_of(project, group);
	bool live;
	int err;

	scope.items = true;
	err = condition_of(&scope, group, &live);
	if (err || !live)
		return err;
	for (const xmlNode *node = xml_first(group); node; node = xml_next(node)) {
		const char *type = (const char *)node->name;

		if (item_read(project, node))
			table_spoil(&item_add(&project->troubles, type, node)->metadata, type);
	}
	return 0;
}

int items_evaluate(struct project *project)
{
	int err = 0;

	for (size_t i = 0; !err && i < project->group_count; i++)
		if (xml_is(project->groups[i], "ItemDefinitionGroup"))
			err = definitions_read(project, project->groups[i]);
	for (size_t i = 0; !err && i < project->group_count; i++)
		if (xml_is(project->groups[i], "ItemGroup"))
			err = items_read(project, project->groups[i]);
	return err;
}
