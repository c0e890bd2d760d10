/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Strings, paths and the one way out of a failure, for all files of dryport-build.
 */
#include "build.h"
#include "util/cxx_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fail(int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("dryport-build: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	exit(status);
}

static void *must(void *p)
{
	if (!p)
		fail(STATUS_FAILED, "out of memory");
	return p;
}

static char *format_list(const char *fmt, va_list args)
{
	char *text;

	return vasprintf(&text, fmt, args) < 0 ? must(NULL) : text;
}

char *format(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = format_list(fmt, args);
	va_end(args);
	return text;
}

static void strings_take(struct strings *list, char *text)
{
	list->item = must(reallocarray(list->item, list->count + 2, sizeof(*list->item)));
	list->item[list->count++] = text;
	list->item[list->count] = NULL;
}

void strings_add(struct strings *list, const char *text)
{
	strings_take(list, must(strdup(text)));
}

void strings_addf(struct strings *list, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	strings_take(list, format_list(fmt, args));
	va_end(args);
}

void strings_copy(struct strings *list, const struct strings *more)
{
	for (size_t i = 0; i < more->count; i++)
		strings_add(list, more->item[i]);
}

static int strings_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *list)
{
	if (list->count)
		qsort(list->item, list->count, sizeof(*list->item), strings_order);
}

bool strings_have(const struct strings *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->item[i], text))
			return true;
	return false;
}

void strings_free(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->item[i]);
	free(list->item);
	*list = (struct strings){0};
}

char *path_absolute(const char *path)
{
	char *cwd = *path == '/' ? NULL : must(getcwd(NULL, 0));
	char *whole = cwd ? format("%s/%s", cwd, path) : must(strdup(path));
	char *result = must(calloc(1, strlen(whole) + 2)), *save = NULL;
	size_t length = 0;

	for (char *part = strtok_r(whole, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (!strcmp(part, "."))
			continue;
		if (!strcmp(part, "..")) {
			while (length && result[--length] != '/')
				;
			result[length] = 0;
			continue;
		}
		result[length++] = '/';
		strcpy(result + length, part);
		length += strlen(part);
	}
	if (!length)
		strcpy(result, "/");
	free(whole);
	free(cwd);
	return result;
}

char *path_base(const char *path)
{
	char *absolute = path_absolute(path);
	char *base = must(strdup(strrchr(absolute, '/') + 1));

	free(absolute);
	return base;
}

char *plain_name(const char *name)
{
	size_t size = 2 * strlen(name) + 64;
	char *result = must(calloc(1, size));

	if (cxx_name_is(name))
		cxx_name_read(name, result, size);
	else
		strcpy(result, name);
	return result;
}
