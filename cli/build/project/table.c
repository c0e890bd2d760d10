/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Names and their values, lists of items, a growing text (project.h).
 */
#include "project.h"
#include "util/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct table_row *table_find(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (!strcasecmp(table->rows[i].name, name))
			return &table->rows[i];
	return NULL;
}

static struct table_row *row_make(struct table *table, const char *name)
{
	struct table_row *row = table_find(table, name);

	if (!row) {
		table->rows = reallocarray(table->rows, table->count + 1, sizeof(*table->rows));
		if (!table->rows)
			fail(STATUS_FAILED, "out of memory");
		row = &table->rows[table->count++];
		*row = (struct table_row){.name = format("%s", name)};
	}
	return row;
}

void table_set(struct table *table, const char *name, const char *text)
{
	struct table_row *row = row_make(table, name);
	/* the new text may be the old one's */
	char *copy = format("%s", text);

	free(row->text);
	free(row->trouble);
	row->text = copy;
	row->trouble = NULL;
}

void table_spoil(struct table *table, const char *name)
{
	struct table_row *row = row_make(table, name);

	free(row->text);
	free(row->trouble);
	row->text = NULL;
	row->trouble = format("%s", error_text());
}

void table_copy(struct table *table, const struct table *more)
{
	for (size_t i = 0; i < more->count; i++)
		table_set(table, more->rows[i].name, more->rows[i].text);
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		free(table->rows[i].name);
		free(table->rows[i].text);
		free(table->rows[i].trouble);
	}
	free(table->rows);
	*table = (struct table){0};
}

struct item *item_add(struct items *items, const char *type, const xmlNode *node)
{
	struct item *item;

	items->items = reallocarray(items->items, items->count + 1, sizeof(*items->items));
	if (!items->items)
		fail(STATUS_FAILED, "out of memory");
	item = &items->items[items->count++];
	*item = (struct item){.type = format("%s", type), .node = node};
	item->include = format("%s", "");
	item->recursive = format("%s", "");
	return item;
}

void items_free(struct items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		free(items->items[i].type);
		free(items->items[i].include);
		free(items->items[i].recursive);
		table_free(&items->items[i].metadata);
	}
	free(items->items);
	*items = (struct items){0};
}

int buffer_add(struct buffer *buffer, const char *text, size_t length)
{
	size_t whole = buffer->length + length, size = 64;

	if (whole > VALUE_MAX)
		return -E2BIG;
	while (size <= whole)
		size *= 2;
	/* only where the size that the length stands for changes */
	if (!buffer->text || size > 64) {
		buffer->text = realloc(buffer->text, size);
		if (!buffer->text)
			fail(STATUS_FAILED, "out of memory");
	}
	memcpy(buffer->text + buffer->length, text, length);
	buffer->length = whole;
	buffer->text[whole] = 0;
	return 0;
}
