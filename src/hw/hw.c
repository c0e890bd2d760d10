/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * The register of device models, which the linker collects, and their options:
 * "key=value,flag,key=value". Neighbours: each model's own folder; storage.c.
 */
#include "hw/hw.h"
#include "util/error.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct hw_model *const __start_dry_hw[] __attribute__((visibility("hidden"), weak));
extern const struct hw_model *const __stop_dry_hw[] __attribute__((visibility("hidden"), weak));

const struct hw_model *hw_get(unsigned n)
{
	return n < (size_t)(__stop_dry_hw - __start_dry_hw) ? __start_dry_hw[n] : NULL;
}

const struct hw_model *hw_find(const char *name)
{
	const struct hw_model *model = NULL;

	for (unsigned i = 0; (model = hw_get(i)) && strcmp(model->name, name); i++)
		;
	return model;
}

/* One "key=value" or "key" out of the options: text is not ended by a null. */
struct item {
	const char *key, *value; /* value NULL: no '=' */
	size_t key_length, value_length;
};

/* Takes the item at *at and moves *at behind it; false at the end. */
static bool item_next(const char **at, struct item *item)
{
	size_t length = strcspn(*at, ",");
	const char *equals = memchr(*at, '=', length);

	if (!**at)
		return false;
	item->key = *at;
	item->key_length = equals ? (size_t)(equals - *at) : length;
	item->value = equals ? equals + 1 : NULL;
	item->value_length = equals ? length - item->key_length - 1 : 0;
	*at += length + ((*at)[length] == ',');
	return true;
}

static bool item_is(const struct item *item, const char *key, size_t length)
{
	return item->key_length == length && !memcmp(item->key, key, length);
}

const char *hw_option(const char *options, const char *key, char *buffer, size_t size)
{
	struct item item;

	while (item_next(&options, &item)) {
		if (!item_is(&item, key, strlen(key)))
			continue;
		snprintf(
			buffer, size, "%.*s", (int)item.value_length, item.value ? item.value : "");
		return buffer;
	}
	return NULL;
}

int hw_option_number(
	const char *options, const char *key, uint64_t min, uint64_t max, uint64_t *value)
{
	char text[32], *end;
	unsigned long long number;

	if (!hw_option(options, key, text, sizeof(text)))
		return 0;
	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || *end || text[0] < '0' || text[0] > '9' || number < min || number > max)
		return error_set(EINVAL, "%s=%s: a number from %llu to %llu is needed.", key, text,
			(unsigned long long)min, (unsigned long long)max);
	*value = number;
	return 0;
}

/* The line of the model's table for this item, NULL if there is none. */
static const char *table_line(const struct hw_model *model, const struct item *item)
{
	const char *line = model->options;

	while (*line) {
		if (item_is(item, line, strcspn(line, "= \n")))
			return line;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return NULL;
}

/* Appends ", key", as far as there is room. */
static size_t key_append(char *text, size_t used, size_t size, const char *key, size_t length)
{
	if (used + length + 3 > size)
		return used;
	if (used) {
		memcpy(text + used, ", ", 2);
		used += 2;
	}
	memcpy(text + used, key, length);
	text[used + length] = 0;
	return used + length;
}

static int unknown_key(const struct hw_model *model, const struct item *item)
{
	const char *line = model->options;
	char known[256] = "";
	size_t used = 0;

	while (*line) {
		used = key_append(known, used, sizeof(known), line, strcspn(line, "= \n"));
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return error_set(EINVAL, "Device %s has no option \"%.*s\"; it knows %s.", model->name,
		(int)item->key_length, item->key, used ? known : "none");
}

int hw_options_check(const struct hw_model *model, const char *options)
{
	struct item item;

	while (item_next(&options, &item)) {
		const char *line = table_line(model, &item);

		if (!line)
			return unknown_key(model, &item);
		if ((line[item.key_length] == '=') != !!item.value)
			return error_set(EINVAL, "Device %s: option %.*s %s.", model->name,
				(int)item.key_length, item.key,
				item.value ? "takes no value" : "needs a value");
	}
	return 0;
}
