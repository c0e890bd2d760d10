/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * What stands for something else in a value (project.h): $(Property), %(Metadata), @(Items) and
 * %41 for a character. What a value grows to is limited, for a property may name another twice.
 */
#include "project.h"
#include "util/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern char **environ;

/* ---- characters and lists ---- */

static int hex(char c)
{
	return isdigit((unsigned char)c)    ? c - '0'
	       : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
					    : -1;
}

void value_unescape(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '%' && hex(text[1]) >= 0 && hex(text[2]) >= 0 &&
			(text[1] != '0' || text[2] != '0')) {
			*to++ = (char)(hex(text[1]) << 4 | hex(text[2]));
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = 0;
}

char *value_escape(const char *name)
{
	char *text = calloc(3, strlen(name) + 1), *to = text;

	if (!text)
		fail(STATUS_FAILED, "out of memory");
	for (; *name; name++)
		to += strchr("%;$@'()*?", *name) ? sprintf(to, "%%%02X", *name)
						 : sprintf(to, "%c", *name);
	return text;
}

char *value_trim(char *text)
{
	size_t start = strspn(text, " \t\r\n"), length = strlen(text);

	while (length > start && strchr(" \t\r\n", text[length - 1]))
		length--;
	memmove(text, text + start, length - start);
	text[length - start] = 0;
	return text;
}

void value_split(struct strings *list, const char *text)
{
	char *copy = format("%s", text), *save = NULL;

	for (char *part = strtok_r(copy, ";", &save); part; part = strtok_r(NULL, ";", &save))
		if (*value_trim(part))
			strings_add(list, part);
	free(copy);
}

const char *value_close(const char *inside)
{
	unsigned open = 1;

	for (const char *c = inside; *c; c++) {
		const char *quote = strchr("'\"`", *c) ? strchr(c + 1, *c) : NULL;

		if (quote)
			c = quote;
		else if (*c == '(')
			open++;
		else if (*c == ')' && !--open)
			return c;
	}
	return NULL;
}

/* ---- properties ---- */

/* As on Windows, a variable of the environment is a property that the project may set anew. */
static const char *environment_get(const char *name)
{
	size_t length = strlen(name);
	const char *exact = getenv(name);

	if (exact)
		return exact;
	for (char **variable = environ; *variable; variable++)
		if (!strncasecmp(*variable, name, length) && (*variable)[length] == '=')
			return *variable + length + 1;
	return NULL;
}

/* What the file itself is called, which differs from one imported file to the next. */
static char *this_file_part(const char *path, const char *name)
{
	const char *base, *dot;

	base = strrchr(path, '/') + 1;
	dot = strrchr(base, '.') ? strrchr(base, '.') : base + strlen(base);
	if (!*name)
		return format("%s", base);
	if (!strcasecmp(name, "Directory"))
		return format("%.*s", (int)(base - path), path);
	if (!strcasecmp(name, "FullPath"))
		return format("%s", path);
	if (!strcasecmp(name, "Name"))
		return format("%.*s", (int)(dot - base), base);
	if (!strcasecmp(name, "Extension"))
		return format("%s", dot);
	return NULL;
}

static char *this_file_get(const struct scope *scope, const char *name)
{
	char *part = NULL, *value;

	if (scope->node && !strncasecmp(name, "MSBuildThisFile", 15))
		part = this_file_part(xml_file(scope->node), name + 15);
	value = part ? value_escape(part) : NULL;
	free(part);
	return value;
}

int property_get(const struct scope *scope, const char *text, size_t length, char **value)
{
	char *name = format("%.*s", (int)length, text);
	const struct table_row *row = table_find(&scope->project->properties, name);
	int err = 0;

	*value = this_file_get(scope, name);
	if (!*value && row && row->trouble)
		err = project_error(
			ENOTSUP, scope->node, "$(%s) is unknown: %s", name, row->trouble);
	else if (!*value)
		*value = format("%s", row		      ? row->text
				      : environment_get(name) ? environment_get(name)
							      : "");
	free(name);
	return err;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* What stands inside of "$(…)". */
static int property_expand(const struct scope *scope, const char *inside, char **value)
{
	size_t length = 0;
	int err;

	*value = NULL;
	if (*inside == '[')
		return function_static(scope, inside, value);
	if (!strncasecmp(inside, "Registry:", 9))
		return project_error(ENOTSUP, scope->node,
			"$(%s): there is no registry of Windows here", inside);
	while (is_name_char(inside[length]))
		length++;
	if (!length || (inside[length] && inside[length] != '.' && inside[length] != '['))
		return project_error(
			EINVAL, scope->node, "$(%s) is neither a property nor a function", inside);
	err = property_get(scope, inside, length, value);
	if (!err && inside[length])
		err = function_chain(scope, inside + length, value);
	return err;
}

/* ---- metadata ---- */

static const char *const well_known[] = {"FullPath", "RootDir", "Filename", "Extension",
	"RelativeDir", "Directory", "RecursiveDir", "Identity"};

bool metadata_is_well_known(const char *name)
{
	for (size_t i = 0; i < array_size(well_known); i++)
		if (!strcasecmp(name, well_known[i]))
			return true;
	return false;
}

/* Up to the last slash, and with it. */
static size_t folder_length(const char *path)
{
	size_t length = strlen(path);

	while (length && !strchr("/\\", path[length - 1]))
		length--;
	return length;
}

static char *well_known_part(
	const struct project *project, const char *include, const char *recursive, const char *name)
{
	char *full = path_join(project->folder, include), *result;
	const char *base = strrchr(full, '/') + 1;
	const char *dot = strrchr(base, '.') ? strrchr(base, '.') : base + strlen(base);

	if (!strcasecmp(name, "Identity"))
		result = format("%s", include);
	else if (!strcasecmp(name, "RecursiveDir"))
		result = format("%s", recursive);
	else if (!strcasecmp(name, "FullPath"))
		result = format("%s", full);
	else if (!strcasecmp(name, "RootDir"))
		result = format("%s", "/");
	else if (!strcasecmp(name, "Filename"))
		result = format("%.*s", (int)(dot - base), base);
	else if (!strcasecmp(name, "Extension"))
		result = format("%s", dot);
	else if (!strcasecmp(name, "Directory"))
		result = format("%.*s", (int)(base - full - 1), full + 1);
	else /* RelativeDir */
		result = format("%.*s", (int)folder_length(include), include);
	free(full);
	return result;
}

static char *well_known_get(
	const struct project *project, const struct item *item, const char *name)
{
	char *include = format("%s", item->include), *part, *value;

	value_unescape(include);
	part = well_known_part(project, include, item->recursive, name);
	value = value_escape(part);
	free(part);
	free(include);
	return value;
}

int metadata_get(
	const struct project *project, const struct item *item, const char *name, char **value)
{
	const struct table_row *row = table_find(&item->metadata, name);

	for (size_t i = 0; !row && i < project->definitions.count; i++)
		if (!strcasecmp(project->definitions.items[i].type, item->type))
			row = table_find(&project->definitions.items[i].metadata, name);
	*value = NULL;
	if (row && row->trouble)
		return error_set(ENOTSUP, "%s", row->trouble);
	if (metadata_is_well_known(name) && *item->include)
		*value = well_known_get(project, item, name);
	else
		*value = format("%s", row ? row->text : "");
	return 0;
}

/* "Name" or "Type.Name" inside of "%(…)"; *value stays NULL if it is left as it is. */
static int metadata_expand(const struct scope *scope, const char *inside, char **value)
{
	const char *dot = strchr(inside, '.');
	const char *name = dot ? dot + 1 : inside;

	*value = NULL;
	if (!scope->item)
		return 0;
	if (dot && (strlen(scope->item->type) != (size_t)(dot - inside) ||
			   strncasecmp(scope->item->type, inside, (size_t)(dot - inside))))
		return project_error(ENOTSUP, scope->node,
			"%%(%s): batches over other items are not supported", inside);
	/* a definition has no item yet: the item itself does this */
	if (metadata_is_well_known(name) && !*scope->item->include)
		return 0;
	return metadata_get(scope->project, scope->item, name, value);
}

/* ---- items ---- */

static int items_expand(const struct scope *scope, const char *inside, char **value)
{
	const struct project *project = scope->project;
	struct buffer all = {0};
	int err = 0;

	*value = NULL;
	if (!scope->items)
		return 0;
	for (const char *c = inside; *c; c++)
		if (!is_name_char(*c))
			return project_error(ENOTSUP, scope->node,
				"@(%s): transforms of items are not supported", inside);
	for (size_t i = 0; i < project->troubles.count; i++)
		if (!strcasecmp(project->troubles.items[i].type, inside))
			return project_error(ENOTSUP, scope->node, "@(%s) is unknown: %s", inside,
				project->troubles.items[i].metadata.rows[0].trouble);
	for (size_t i = 0; !err && i < project->items.count; i++) {
		const struct item *item = &project->items.items[i];

		if (!strcasecmp(item->type, inside)) {
			err = all.length ? buffer_add(&all, ";", 1) : 0;
			if (!err)
				err = buffer_add(&all, item->include, strlen(item->include));
		}
	}
	*value = all.text ? all.text : format("%s", "");
	return err;
}

/* ---- all of it ---- */

typedef int expand_fn(const struct scope *scope, const char *inside, char **value);

/* One "$(…)" or its like, of which the '(' is at text[1]; *end is behind it. */
static int one_expand(
	const struct scope *scope, const char *text, struct buffer *result, const char **end)
{
	expand_fn *expand = *text == '$'   ? property_expand
			    : *text == '%' ? metadata_expand
					   : items_expand;
	const char *close = value_close(text + 2);
	struct scope inner = *scope;
	char *inside, *value;
	int err;

	if (!close)
		return project_error(EINVAL, scope->node, "\"%.60s\" has no end", text);
	if (++inner.depth > DEPTH_MAX)
		return project_error(EINVAL, scope->node, "nested too deeply");
	*end = close + 1;
	inside = format("%.*s", (int)(close - text - 2), text + 2);
	err = expand(&inner, value_trim(inside), &value);
	if (!err)
		err = value ? buffer_add(result, value, strlen(value))
			    : buffer_add(result, text, (size_t)(*end - text));
	if (err == -E2BIG)
		err = project_error(EINVAL, scope->node, "a value of more than 1 MiB");
	free(value);
	free(inside);
	return err;
}

int value_expand(const struct scope *scope, const char *text, char **result)
{
	struct buffer buffer = {0};
	int err = 0;

	while (*text && !err) {
		size_t plain = strcspn(text, "$%@");

		if (!plain && text[1] == '(') {
			err = one_expand(scope, text, &buffer, &text);
			continue;
		}
		plain += !plain;
		if (buffer_add(&buffer, text, plain))
			err = project_error(EINVAL, scope->node, "a value of more than 1 MiB");
		text += plain;
	}
	if (err)
		free(buffer.text);
	*result = err ? NULL : buffer.text ? buffer.text : format("%s", "");
	return err;
}
