/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Fuzz target: the reader of MSBuild's projects (cli/build/project). The input's first byte says
 * what the rest is. A project: it is evaluated twice, to the same properties, or refused with the
 * same words (items may come from a wildcard over folders where others are at work). A condition:
 * with !( ) around it, it is the opposite, and with ( ) the same.
 */
#include "input.h"
#include "project/project.h"
#include "util/error.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/dryport-fuzz-XXXXXX", path[64];

static void folder_remove(void)
{
	unlink(path);
	rmdir(folder);
}

static void folder_make(void)
{
	if (*path)
		return;
	check(mkdtemp(folder) != NULL, "no folder to work in");
	snprintf(path, sizeof(path), "%s/p.vcxproj", folder);
	atexit(folder_remove);
}

/* What it evaluates to, as one text. */
static char *told(void)
{
	struct project project;
	struct table globals = {0};
	struct buffer all = {0};
	int err = project_read(&project, path, &globals);

	check(!err || *error_text(), "refused without a word");
	if (err)
		buffer_add(&all, error_text(), strlen(error_text()));
	for (size_t i = 0; !err && i < project.properties.count; i++) {
		const struct table_row *row = &project.properties.rows[i];

		check(!row->text != !row->trouble, "neither a value nor a reason");
		buffer_add(&all, row->name, strlen(row->name));
		buffer_add(&all, row->text ? row->text : row->trouble,
			strlen(row->text ? row->text : row->trouble));
	}
	project_free(&project);
	return all.text ? all.text : format("%s", "");
}

static void project_try(const uint8_t *data, size_t size)
{
	FILE *out = fopen(path, "w");
	char *first, *second;

	check(out && fwrite(data, 1, size, out) == size && fclose(out) == 0, "not written");
	first = told();
	second = told();
	check(!strcmp(first, second), "a second evaluation differs");
	free(first);
	free(second);
}

/* -1 if it fails. */
static int truth(const struct scope *scope, const char *text)
{
	bool result;

	return condition_check(scope, text, &result) ? -1 : result;
}

static void condition_try(const uint8_t *data, size_t size)
{
	struct project project = {.folder = folder};
	const struct scope scope = {.project = &project, .folder = folder};
	char *plain = format("%.*s", (int)size, (const char *)data);
	char *same = format("(%s)", plain), *opposite = format("!(%s)", plain);
	int result;

	table_set(&project.properties, "A", "a.b");
	table_set(&project.properties, "N", "17");
	result = plain[strspn(plain, " \t\r\n")] ? truth(&scope, plain) : -1;
	check(result >= 0 || *error_text() || !*plain, "refused without a word");
	if (result >= 0 && truth(&scope, same) >= 0) {
		check(truth(&scope, same) == result, "( ) changes it");
		check(truth(&scope, opposite) == !result, "! does not turn it");
	}
	table_free(&project.properties);
	free(plain);
	free(same);
	free(opposite);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	folder_make();
	if (*data == 'c')
		condition_try(data + 1, size - 1);
	else
		project_try(data + 1, size - 1);
	return 0;
}
