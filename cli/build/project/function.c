/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * Calls of property functions (project.h): their arguments, and one after another. What there is to
 * call stands in method.c; others are named, and what needs their value fails.
 */
#include "method.h"
#include "util/error.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- calls ---- */

/* One argument: its quotes are taken off, what stands in it is expanded. */
static int argument_add(struct call *call, const char *text, size_t length)
{
	char *plain = format("%.*s", (int)length, text), *value;
	size_t end;
	int err;

	value_trim(plain);
	end = strlen(plain);
	if (end > 1 && strchr("'\"`", *plain) && plain[end - 1] == *plain) {
		plain[end - 1] = 0;
		memmove(plain, plain + 1, end - 1);
	}
	err = call->count == ARGUMENTS_MAX
		      ? project_error(ENOTSUP, call->scope->node, "too many arguments: %s", text)
		      : value_expand(call->scope, plain, &value);
	if (!err) {
		value_unescape(value);
		call->args[call->count++] = value;
	}
	free(plain);
	return err;
}

/* "a, 'b,c', $(D))": up to the ')' at end. */
static int arguments_read(struct call *call, const char *text, const char *end)
{
	const char *start = text;
	int err = 0;

	for (const char *c = text; c < end && !err; c++) {
		const char *quote = strchr("'\"`", *c) ? strchr(c + 1, *c) : NULL;

		if (quote && quote < end) {
			c = quote;
		} else if (*c == '(') {
			const char *close = value_close(c + 1);

			if (close && close < end)
				c = close;
		} else if (*c == ',') {
			err = argument_add(call, start, (size_t)(c - start));
			start = c + 1;
		}
	}
	if (!err && (start != text || strspn(text, " \t\r\n") < (size_t)(end - text)))
		err = argument_add(call, start, (size_t)(end - start));
	return err;
}

/* Part n of a string that is split at any of these characters. */
static int split_at(struct call *call, const char *rest, const char **end, char **result)
{
	const char *at = call->self, *cut = call->count ? call->args[0] : " \t\r\n";
	char *stop;
	unsigned long n;

	if (*rest != '[' || !isdigit((unsigned char)rest[1]))
		return project_error(ENOTSUP, call->scope->node,
			"Split() without a number of the part, [0], is not supported");
	n = strtoul(rest + 1, &stop, 10);
	if (*stop != ']')
		return project_error(EINVAL, call->scope->node, "\"%.20s\" has no ']'", rest);
	for (; n && at; n--) {
		at += strcspn(at, cut);
		at = *at ? at + 1 : NULL;
	}
	if (!at)
		return project_error(EINVAL, call->scope->node,
			"Split(): \"%.60s\" has not so many parts", call->self);
	*result = format("%.*s", (int)strcspn(at, cut), at);
	*end = stop + 1;
	return 0;
}

/* Runs Name(arguments) on what stands in *value; *end is behind it. */
static int call_run(const struct scope *scope, const char *type, const char *text, const char **end,
	char **value)
{
	size_t length =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	char *name = format("%.*s", (int)length, text), *result = NULL;
	struct call call = {.scope = scope, .self = *value ? *value : ""};
	const struct method *method = method_find(type, name);
	const char *close = text[length] == '(' ? value_close(text + length + 1) : NULL;
	int err = 0;

	*end = close ? close + 1 : text + length;
	if (close)
		err = arguments_read(&call, text + length + 1, close);
	if (err)
		;
	else if (!type && !strcasecmp(name, "Split") && call.count <= 1)
		err = split_at(&call, *end, end, &result);
	else if (!method)
		err = project_error(ENOTSUP, scope->node,
			"the property function %s%s%s is not supported", type ? type : "",
			type ? "::" : "", *name ? name : text);
	else if (call.count >= method->min && call.count <= method->max)
		result = method->run(&call);
	if (!err && !result)
		err = project_error(EINVAL, scope->node,
			"%s: wrong arguments, or no such file: %.80s", name, text);
	if (!err) {
		free(*value);
		*value = result;
	}
	for (unsigned i = 0; i < call.count; i++)
		free(call.args[i]);
	free(name);
	return err;
}

int function_chain(const struct scope *scope, const char *chain, char **value)
{
	int err = 0;

	while (*chain && !err) {
		if (*chain != '.')
			err = project_error(ENOTSUP, scope->node,
				"\"%.60s\" behind a property is not supported", chain);
		else
			err = call_run(scope, NULL, chain + 1, &chain, value);
	}
	if (err) {
		free(*value);
		*value = NULL;
	}
	return err;
}

int function_static(const struct scope *scope, const char *text, char **value)
{
	const char *close = strchr(text, ']'), *rest;
	char *type;
	int err;

	*value = NULL;
	if (!close || strncmp(close, "]::", 3))
		return project_error(EINVAL, scope->node, "$(%s): no [Type]::Function()", text);
	type = format("%.*s", (int)(close - text - 1), text + 1);
	err = call_run(scope, value_trim(type), close + 3, &rest, value);
	free(type);
	return err ? err : function_chain(scope, rest, value);
}
