/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A project's values as they are in the end, and the settings of its sources (settings.c). Used by
 * projects.c, which decides what is compiled. A value that is unknown ends the program with the
 * reason.
 */
#ifndef BUILD_SETTINGS_H
#define BUILD_SETTINGS_H

#include "project/project.h"

/* Ends it with error_text(). */
void project_give_up(void) __attribute__((noreturn));
/* An item's value with all that it stands for; a string of its own. */
char *project_value(const struct project *project, const struct item *item, const char *name);
bool project_is_true(const struct project *project, const struct item *item, const char *name);
/* A list's parts, without escapes. */
struct strings project_list(
	const struct project *project, const struct item *item, const char *name);
/* "" if it has no value. */
const char *project_property(const struct project *project, const char *name);
/* In any letter case; an unknown one is nothing. */
bool project_property_is(const struct project *project, const char *name, const char *value);
/* A file or folder that a project names, as people would; NULL if it is not there. */
char *project_file(const struct project *project, const char *path);

struct settings *project_settings(
	struct build *build, struct project *project, const struct item *item, const char *path);

#endif
