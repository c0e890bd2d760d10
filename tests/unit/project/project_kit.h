/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A folder for the files of one test, and a project in it: kit_write adds a file, kit_read
 * evaluates p.vcxproj for Release|x64, kit_value asks for a property, kit_items for the items of a
 * type with one of their metadata.
 */
#ifndef TESTS_PROJECT_KIT_H
#define TESTS_PROJECT_KIT_H

/* before cmocka.h, which makes a macro of build.h's fail */
#include "project/project.h"
#include "util/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static char kit_folder[64];
static struct project kit_project;

static inline int kit_begin(void **state)
{
	strcpy(kit_folder, "/tmp/dryport-project-XXXXXX");
	return mkdtemp(kit_folder) && chdir(kit_folder) == 0 ? 0 : -1;
}

static inline int kit_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline int kit_end(void **state)
{
	project_free(&kit_project);
	return chdir("/") || nftw(kit_folder, kit_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#define kit_test(name) cmocka_unit_test_setup_teardown(name, kit_begin, kit_end)

static inline void kit_write_bytes(const char *name, const void *bytes, size_t size)
{
	FILE *out;

	for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
		char folder[256];

		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
		mkdir(folder, 0777);
	}
	out = fopen(name, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static inline void kit_write(const char *name, const char *text)
{
	kit_write_bytes(name, text, strlen(text));
}

static inline int kit_open(void)
{
	struct table globals = {0};
	int err;

	table_set(&globals, "Configuration", "Release");
	table_set(&globals, "Platform", "x64");
	project_free(&kit_project);
	err = project_read(&kit_project, "p.vcxproj", &globals);
	table_free(&globals);
	return err;
}

/* What stands between <Project> and </Project>. */
static inline int kit_read(const char *inside)
{
	char *all = format(
		"<Project "
		"xmlns=\"http://schemas.microsoft.com/developer/msbuild/2003\">\n%s</Project>",
		inside);

	kit_write("p.vcxproj", all);
	free(all);
	return kit_open();
}

static inline void kit_good(const char *inside)
{
	if (kit_read(inside))
		fail_msg("%s", error_text());
}

/* It fails, and this is in what it says. */
static inline void kit_bad(const char *inside, const char *text)
{
	assert_int_not_equal(kit_read(inside), 0);
	if (!strstr(error_text(), text))
		fail_msg("\"%s\" is not in \"%s\"", text, error_text());
}

static inline const char *kit_value(const char *property)
{
	const struct table_row *row = table_find(&kit_project.properties, property);

	return !row ? "(none)" : row->trouble ? row->trouble : row->text;
}

/* "include=value,include=value" of all items of a type; real names without the folder. */
static inline const char *kit_items(const char *type, const char *metadata)
{
	static char all[1024];
	size_t length = 0;

	all[0] = 0;
	for (size_t i = 0; i < kit_project.items.count; i++) {
		const struct item *item = &kit_project.items.items[i];
		const char *include = item->include;
		char *value;

		if (strcasecmp(item->type, type))
			continue;
		if (!strncmp(include, kit_folder, strlen(kit_folder)))
			include += strlen(kit_folder) + 1;
		if (metadata_get(&kit_project, item, metadata, &value))
			value = format("?%s", error_text());
		length += (size_t)snprintf(all + length, sizeof(all) - length, "%s%s%s%s",
			length ? "," : "", include, *value ? "=" : "", value);
		free(value);
	}
	return all;
}

#endif
