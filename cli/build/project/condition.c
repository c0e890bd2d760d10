/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Conditions (project.h), by descent:
 *
 *	or     = and { "Or" and }
 *	and    = factor { "And" factor }
 *	factor = "!" factor | "(" or ")" | "Exists" "(" text ")" | "HasTrailingSlash" "(" text ")"
 *	       | text [ ("==" | "!=" | "<" | "<=" | ">" | ">=") text ]
 *	text   = 'quoted' | plain | $(…) | %(…) | @(…)
 *
 * As MSBuild has it: texts are equal without regard to case, or as numbers or truth values if both
 * sides are such; what And and Or need not look at is read but not evaluated.
 */
#include "project.h"
#include "util/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader {
	const struct scope *scope;
	const char *text, *at;
	unsigned depth;
	int err; /* the first; nothing more is read */
};

static bool or_read(struct reader *reader, bool live);

static void wrong(struct reader *reader, int err, const char *what)
{
	if (!reader->err)
		reader->err = project_error(
			err, reader->scope->node, "Condition \"%.120s\": %s", reader->text, what);
}

static void blanks_skip(struct reader *reader)
{
	while (isspace((unsigned char)*reader->at))
		reader->at++;
}

static bool symbol_take(struct reader *reader, const char *symbol)
{
	size_t length = strlen(symbol);

	blanks_skip(reader);
	if (reader->err || strncmp(reader->at, symbol, length))
		return false;
	reader->at += length;
	return true;
}

static size_t word_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) ||
		(text[length] && strchr("_.-+", text[length])))
		length++;
	return length;
}

static bool word_take(struct reader *reader, const char *word)
{
	size_t length = strlen(word);

	blanks_skip(reader);
	if (reader->err || word_length(reader->at) != length ||
		strncasecmp(reader->at, word, length))
		return false;
	reader->at += length;
	return true;
}

/* ---- texts ---- */

/* The length of a quoted text; a quote inside of $(…) does not end it. */
static size_t quoted_length(const char *text)
{
	size_t length = 0;
	bool closes = true; /* once one is not closed, those after it are not either */

	while (text[length] && text[length] != '\'') {
		bool opens = strchr("$%@", text[length]) && text[length + 1] == '(';
		const char *close = opens && closes ? value_close(text + length + 2) : NULL;

		closes = closes && (close || !opens);
		length = close ? (size_t)(close + 1 - text) : length + 1;
	}
	return length;
}

/* The next text as it stands, without its quotes; a string of its own, or NULL. */
static char *raw_take(struct reader *reader)
{
	const char *start, *close;
	size_t length;

	blanks_skip(reader);
	start = reader->at;
	if (*start == '\'') {
		length = quoted_length(++start);
		if (start[length] != '\'') {
			wrong(reader, EINVAL, "a quote is not closed");
			return NULL;
		}
		reader->at = start + length + 1;
	} else if (*start && strchr("$%@", *start) && start[1] == '(') {
		close = value_close(start + 2);
		length = close ? (size_t)(close + 1 - start) : strlen(start);
		reader->at = start + length;
	} else {
		length = word_length(start);
		reader->at = start + length;
	}
	if (!length && reader->at == start) {
		wrong(reader, EINVAL, *start ? "a value is expected here" : "it ends too early");
		return NULL;
	}
	return format("%.*s", (int)length, start);
}

/* The same, expanded; NULL if not live, or on failure. */
static char *text_take(struct reader *reader, bool live)
{
	char *raw = reader->err ? NULL : raw_take(reader), *value = NULL;

	if (raw && live)
		reader->err = value_expand(reader->scope, raw, &value);
	if (value)
		value_unescape(value);
	free(raw);
	return value;
}

/* ---- values ---- */

/* Decimal, with a sign and a point, or 0x…. */
static bool number_read(const char *text, double *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end;

	if (digits[0] == '0' && (digits[1] | 0x20) == 'x')
		*value = (double)strtoull(text, &end, 16);
	else if (isdigit((unsigned char)*digits) || *digits == '.')
		*value = strtod(text, &end);
	else
		return false;
	return !*end && end != text;
}

static bool truth_read(const char *text, bool *value)
{
	static const char *const words[][2] = {{"false", "true"}, {"off", "on"}, {"no", "yes"},
		{"!true", "!false"}, {"!on", "!off"}, {"!yes", "!no"}};

	for (size_t i = 0; i < array_size(words); i++) {
		for (int n = 0; n < 2; n++) {
			if (!strcasecmp(text, words[i][n])) {
				*value = n;
				return true;
			}
		}
	}
	return false;
}

/* "17", "10.0.22621" */
static bool version_read(const char *text, unsigned long parts[4])
{
	for (int i = 0; i < 4; i++) {
		char *end;

		parts[i] = 0;
		if (!*text && i)
			continue;
		if (!isdigit((unsigned char)*text))
			return false;
		parts[i] = strtoul(text, &end, 10);
		if (*end && (*end != '.' || !end[1] || i == 3))
			return false;
		text = *end ? end + 1 : end;
	}
	return true;
}

/* -1, 0, 1; fails where one side is neither a number nor a version. */
static int order_of(struct reader *reader, const char *a, const char *b)
{
	unsigned long left[4], right[4];
	double x, y;

	if (number_read(a, &x) && number_read(b, &y))
		return (x > y) - (x < y);
	if (!version_read(a, left) || !version_read(b, right)) {
		wrong(reader, EINVAL, "what < and > compare is not a number");
		return 0;
	}
	for (int i = 0; i < 4; i++)
		if (left[i] != right[i])
			return left[i] > right[i] ? 1 : -1;
	return 0;
}

static bool is_equal(const char *a, const char *b)
{
	double x, y;
	bool s, t;

	if (number_read(a, &x) && number_read(b, &y))
		return x == y;
	if (truth_read(a, &s) && truth_read(b, &t))
		return s == t;
	return !strcasecmp(a, b);
}

/* ---- the grammar ---- */

enum operator{ NONE, EQUAL, UNEQUAL, NOT_MORE, NOT_LESS, LESS, MORE };

static enum operator operator_take(struct reader *reader)
{
	static const char *const symbols[] = {[EQUAL] = "==",
		[UNEQUAL] = "!=",
		[NOT_MORE] = "<=",
		[NOT_LESS] = ">=",
		[LESS] = "<",
		[MORE] = ">"};

	for (enum operator o = EQUAL; o <= MORE; o++)
		if (symbol_take(reader, symbols[o]))
			return o;
	return NONE;
}

static bool compare(struct reader *reader, enum operator o, const char *a, const char *b)
{
	switch (o) {
	case EQUAL:
		return is_equal(a, b);
	case UNEQUAL:
		return !is_equal(a, b);
	case NOT_MORE:
		return order_of(reader, a, b) <= 0;
	case NOT_LESS:
		return order_of(reader, a, b) >= 0;
	case LESS:
		return order_of(reader, a, b) < 0;
	default:
		return order_of(reader, a, b) > 0;
	}
}

static bool comparison_read(struct reader *reader, bool live)
{
	char *left = text_take(reader, live), *right = NULL;
	enum operator o = reader->err ? NONE : operator_take(reader);
	bool result = false;

	if (o != NONE)
		right = text_take(reader, live);
	if (live && !reader->err) {
		if (o != NONE)
			result = compare(reader, o, left, right);
		else if (!truth_read(left, &result))
			wrong(reader, EINVAL, "a value that is neither true nor false");
	}
	free(left);
	free(right);
	return result;
}

static bool exists(const struct scope *scope, const char *path)
{
	char *found = path_find(scope->folder, path);
	bool is = found;

	free(found);
	return is;
}

static bool function_read(struct reader *reader, bool live, bool is_exists)
{
	char *path;
	bool result = false;
	size_t length;

	if (!symbol_take(reader, "("))
		wrong(reader, EINVAL, "a '(' is expected here");
	path = text_take(reader, live);
	if (!symbol_take(reader, ")"))
		wrong(reader, EINVAL, "a ')' is missing");
	length = path ? strlen(path) : 0;
	if (path && !reader->err)
		result = is_exists ? exists(reader->scope, path)
				   : length && strchr("/\\", path[length - 1]);
	free(path);
	return result;
}

static bool factor_read(struct reader *reader, bool live)
{
	bool result = false;

	if (++reader->depth > DEPTH_MAX)
		wrong(reader, EINVAL, "nested too deeply");
	if (reader->err) {
		;
	} else if (symbol_take(reader, "!")) {
		result = !factor_read(reader, live);
	} else if (symbol_take(reader, "(")) {
		result = or_read(reader, live);
		if (!symbol_take(reader, ")"))
			wrong(reader, EINVAL, "a ')' is missing");
	} else if (word_take(reader, "Exists")) {
		result = function_read(reader, live, true);
	} else if (word_take(reader, "HasTrailingSlash")) {
		result = function_read(reader, live, false);
	} else {
		result = comparison_read(reader, live);
	}
	reader->depth--;
	return result;
}

static bool and_read(struct reader *reader, bool live)
{
	bool result = factor_read(reader, live);

	while (word_take(reader, "And"))
		result &= factor_read(reader, live && result);
	return result;
}

static bool or_read(struct reader *reader, bool live)
{
	bool result = and_read(reader, live);

	while (word_take(reader, "Or"))
		result |= and_read(reader, live && !result);
	return result;
}

int condition_check(const struct scope *scope, const char *text, bool *result)
{
	struct reader reader = {.scope = scope, .text = text, .at = text};

	*result = true;
	if (!text || !text[strspn(text, " \t\r\n")])
		return 0;
	*result = or_read(&reader, true);
	blanks_skip(&reader);
	if (*reader.at)
		wrong(&reader, EINVAL, "something follows its end");
	return reader.err;
}

int condition_of(const struct scope *scope, const xmlNode *node, bool *result)
{
	char *text = xml_attribute(node, "Condition");
	struct scope here = *scope;
	int err;

	here.node = node;
	err = condition_check(&here, text, result);
	free(text);
	return err;
}
