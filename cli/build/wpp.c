/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Software tracing (WPP). On Windows a preprocessor of Microsoft's reads the sources and makes
 *NAME.tmh for NAME.c, which the source includes: macros that turn the driver's trace functions into
 *events. Here tracing is not compiled in. Each .tmh that some file includes is made, with macros
 *that do nothing for the trace functions that the driver names in its configuration blocks,
 *
 *	// begin_wpp config
 *	// FUNC DriverTrace{LEVEL=ERROR}(FLAGS, MSG, ...);
 *	// end_wpp
 *
 * and parts/wpp.h of include/ddk for what every driver may use. overlay.c hands over the lines of
 *the files that it reads. A .tmh of the driver's own is found before ours.
 */
#include "build.h"
#include "project/project.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

char *wpp_folder(const struct build *build)
{
	return format("%s/wpp", build->folder);
}

static bool have_without_case(const struct strings *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcasecmp(list->item[i], name))
			return true;
	return false;
}

void wpp_header(struct build *build, const char *name)
{
	if (!have_without_case(&build->tmh, name))
		strings_add(&build->tmh, name);
}

/* #include "name.tmh", as the source spells it. One with a folder in its name is the driver's own.
 */
static void include_note(struct build *build, const char *line)
{
	char name[256];
	size_t length;

	if (sscanf(line, " # include %*[<\"]%255[^>\"\n]", name) != 1)
		return;
	length = strlen(name);
	if (length > 4 && !strcasecmp(name + length - 4, ".tmh") && !strpbrk(name, "/\\"))
		wpp_header(build, name);
}

static void function_note(struct build *build, const char *line)
{
	size_t length = 0;
	char *name;

	while (isspace((unsigned char)*line) || *line == '/' || *line == '*')
		line++;
	if (strncmp(line, "FUNC", 4) || !isspace((unsigned char)line[4]))
		return;
	for (line += 4; isspace((unsigned char)*line); line++)
		;
	while (isalnum((unsigned char)line[length]) || line[length] == '_')
		length++;
	if (!length || isdigit((unsigned char)*line))
		return;
	name = format("%.*s", (int)length, line);
	if (!strings_have(&build->traced, name))
		strings_add(&build->traced, name);
	free(name);
}

void wpp_line(struct build *build, bool *in_block, const char *line)
{
	if (strstr(line, "begin_wpp"))
		*in_block = strstr(line, "config") != NULL;
	else if (strstr(line, "end_wpp"))
		*in_block = false;
	else if (*in_block)
		function_note(build, line);
	else if (strstr(line, "include"))
		include_note(build, line);
}

void wpp_scan(struct build *build, const char *path)
{
	FILE *in = path_open(path);
	char *line = NULL;
	size_t size = 0;
	bool in_block = false;

	while (in && getline(&line, &size, in) > 0)
		wpp_line(build, &in_block, line);
	free(line);
	if (in)
		fclose(in);
}

static void file_write(const struct build *build, const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		fail(STATUS_FAILED, "%s: %m", path);
	fputs("/* made by dryport-build: software tracing is not compiled in */\n"
	      "#include <parts/wpp.h>\n",
		out);
	for (size_t i = 0; i < build->traced.count; i++)
		fprintf(out, "#undef %s\n#define %s(...) ((void)0)\n", build->traced.item[i],
			build->traced.item[i]);
	if (fclose(out))
		fail(STATUS_FAILED, "%s: %m", path);
}

void wpp_write(const struct build *build)
{
	char *folder = wpp_folder(build);

	if (build->tmh.count && mkdir(folder, 0777) < 0 && errno != EEXIST)
		fail(STATUS_FAILED, "%s: %m", folder);
	for (size_t i = 0; i < build->tmh.count; i++) {
		char *path = format("%s/%s", folder, build->tmh.item[i]);

		file_write(build, path);
		free(path);
	}
	free(folder);
}
