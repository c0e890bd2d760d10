/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Projects of MSBuild (.vcxproj), as far as drivers use them: what one evaluates to, without the
 * targets that MSBuild would then run.
 *
 *	xml.c       a file to a tree; nothing outside the file is ever read for it
 *	path.c      Windows' paths and wildcards on this file system
 *	table.c     names and values, compared without case
 *	expand.c    $(Property), %(Metadata), @(Items), %41
 *	function.c  $(Property.Method()), $([Type]::Method()); method.c: which there are
 *	condition.c Condition="…"
 *	defaults.c  what Microsoft's own property sheets, which are not here, would have set
 *	evaluate.c  first properties and imports, in the order of the files
 *	item.c      then definitions of items, then items
 *
 * and, as the one that knows of dryport-build, compile.c in the folder above makes sources of it.
 *
 * A function that can fail returns 0 or -errno and has called error_set: "file:line: what". A
 * value that cannot be computed is no failure by itself: it is kept with the reason, and who needs
 * it fails with that. ENOTSUP: MSBuild could, we cannot.
 *
 * Values are kept as they are written, with %41 for "A": value_unescape makes the last step.
 */
#ifndef BUILD_PROJECT_H
#define BUILD_PROJECT_H

#include "build.h"
#include "util/common.h"

#include <libxml/tree.h>
#include <stdio.h>

enum { VALUE_MAX = 1 << 20, DEPTH_MAX = 48 };

struct table_row {
	char *name;
	char *text;    /* NULL: it has none, because of */
	char *trouble; /* this */
};

struct table {
	struct table_row *rows;
	size_t count;
};

struct item {
	char *type;	 /* ClCompile */
	char *include;	 /* as written, or as a wildcard found it; escaped */
	char *recursive; /* what ** stood for, with a slash behind it, or "" */
	struct table metadata;
	const xmlNode *node;
};

struct items {
	struct item *items;
	size_t count;
};

struct project {
	char *path, *folder;  /* absolute; the folder without a slash behind it */
	struct table globals; /* given from outside: stronger than what the files say */
	struct table locals;  /* those of them that TreatAsLocalProperty leaves to the files */
	struct table properties;
	struct items definitions; /* one for each type */
	struct items items;
	struct items troubles;	/* types of which some item is unknown: metadata has the reason */
	struct strings notes;	/* what was passed over, "file:line: what" */
	struct strings files;	/* the project's and those that it imports, absolute */
	struct strings open;	/* those of them that are being read */
	xmlDoc **docs;		/* theirs */
	const xmlNode **groups; /* of items and definitions, in order */
	size_t group_count;
	unsigned defaults; /* how far defaults.c has come */
};

/* Evaluates a project; whatever the result, project_free follows. */
int project_read(struct project *project, const char *path, const struct table *globals);
void project_free(struct project *project);
const xmlNode *project_root(const struct project *project);

/* What text is expanded for. */
struct scope {
	const struct project *project;
	const xmlNode *node;	 /* where it stands */
	const char *folder;	 /* relative paths in conditions start here */
	const struct item *item; /* whose metadata %() means, or NULL: %() is left alone */
	bool items;		 /* @() is known already */
	unsigned depth;
};

/* ---- xml.c ---- */

/* -EINVAL: no XML, or with a document type; -ENOENT and others for the file. The path, absolute,
 * has to live as long as the tree. */
int xml_read(xmlDoc **doc, const char *path);
/* An element's first child that is an element, and the next one after it. */
const xmlNode *xml_first(const xmlNode *node);
const xmlNode *xml_next(const xmlNode *node);
bool xml_is(const xmlNode *node, const char *name);
/* A string of its own; NULL if there is no such attribute. */
char *xml_attribute(const xmlNode *node, const char *name);
char *xml_content(const xmlNode *node);
/* The file that it stands in, absolute. */
const char *xml_file(const xmlNode *node);
/* error_set with "file:line: " in front; -err. */
int project_error(int err, const xmlNode *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Keeps such a line in the project. */
void project_note(struct project *project, const xmlNode *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- path.c; results are strings of their own ---- */

/* As people see it: from here, if it is below. */
char *path_show(const char *path);
/* "C:\…": not of this machine */
bool path_is_foreign(const char *path);
/* A Windows path as one of this system, absolute, whether it exists or not. */
char *path_join(const char *folder, const char *path);
/* The same for a file or folder that exists, whatever the case of its name; NULL: there is none. */
char *path_find(const char *folder, const char *path);
/* To read; NULL and errno if it is no ordinary file. */
FILE *path_open(const char *path);
bool path_has_wildcard(const char *path);
/* One file or folder that a pattern stands for, and what ** stood for in it. */
typedef void path_found_fn(void *arg, const char *path, const char *recursive);
/* In order of names; -E2BIG if there are too many. */
int path_glob(const char *folder, const char *pattern, path_found_fn *found, void *arg);

/* ---- table.c ---- */

struct table_row *table_find(const struct table *table, const char *name);
void table_set(struct table *table, const char *name, const char *text);
/* Its value is unknown, and why: error_text(). */
void table_spoil(struct table *table, const char *name);
void table_copy(struct table *table, const struct table *more);
void table_free(struct table *table);
struct item *item_add(struct items *items, const char *type, const xmlNode *node);
void items_free(struct items *items);

/* A growing text. */
struct buffer {
	char *text;
	size_t length;
};

/* -E2BIG past VALUE_MAX, without error_set. */
int buffer_add(struct buffer *buffer, const char *text, size_t length);

/* ---- expand.c ---- */

/* *result is a string of its own, NULL on failure. */
int value_expand(const struct scope *scope, const char *text, char **result);
/* In place. */
void value_unescape(char *text);
/* A real name as a value: what would mean something in one is escaped; a string of its own. */
char *value_escape(const char *name);
/* In place, white space at both ends; returns text. */
char *value_trim(char *text);
/* "a; b;;c" as a, b, c, each trimmed and still escaped. */
void value_split(struct strings *list, const char *text);
/* The end of a "(…)" whose inside begins here: its ')', or NULL. */
const char *value_close(const char *inside);
/* A property's value, a string of its own, "" if it has none. */
int property_get(const struct scope *scope, const char *name, size_t length, char **value);
/* Whether name names one of the metadata that every item has. */
bool metadata_is_well_known(const char *name);
/* A value of an item, its type's if it has none of its own; "" if there is none. Escaped. */
int metadata_get(
	const struct project *project, const struct item *item, const char *name, char **value);

/* ---- function.c ---- */

/* ".Trim().Length" or "[0]" applied to *value, which is replaced. */
int function_chain(const struct scope *scope, const char *chain, char **value);
/* "[System.IO.Path]::Combine(a, b)" and what may follow. */
int function_static(const struct scope *scope, const char *text, char **value);

/* ---- condition.c ---- */

/* An empty one, or NULL, is true. */
int condition_check(const struct scope *scope, const char *text, bool *result);
/* A node's attribute Condition. */
int condition_of(const struct scope *scope, const xmlNode *node, bool *result);

/* ---- defaults.c ---- */

/* Before the first line. */
void defaults_first(struct project *project);
/* Whether an import's path is one of Microsoft's own files. */
bool defaults_are(const char *path);
/* In their place; *extra is the name of a file that they would import from the project's folder or
 * above it, or NULL. */
void defaults_import(struct project *project, const char *path, const char **extra);
/* After the last line: what has still no value. */
void defaults_last(struct project *project);
/* "Windows10" as 0x0A00; 0 if it is not known. */
unsigned defaults_windows(const struct project *project);

/* ---- item.c ---- */

/* Definitions, then items, of the project's groups. */
int items_evaluate(struct project *project);

#endif
