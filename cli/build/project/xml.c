/* SPDX-License-Identifier: BSD-2-Clause */
/* SPDX-FileCopyrightText: The dryport authors */
/*
 * A project's file to a tree (project.h). Everything comes from the file itself: no network, no
 * other file, and no document type, in which entities could be declared. libxml2 takes UTF-8 and
 * UTF-16 with or without a byte order mark.
 */
#include "project.h"
#include "util/error.h"

#include <errno.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 16 << 20 };

static int file_read(const char *path, struct buffer *file)
{
	FILE *in = path_open(path);
	struct stat st;
	int err = 0;

	if (!in)
		return -errno;
	if (fstat(fileno(in), &st) < 0)
		err = -errno;
	else if (st.st_size > FILE_MAX)
		err = -EFBIG;
	if (!err) {
		file->text = malloc((size_t)st.st_size + 1);
		if (!file->text)
			fail(STATUS_FAILED, "out of memory");
		file->length = fread(file->text, 1, (size_t)st.st_size, in);
		err = ferror(in) ? -EIO : 0;
	}
	fclose(in);
	return err;
}

/* Called at "<!DOCTYPE", before anything in it is looked at. */
static void doctype_refuse(void *ctx, const xmlChar *name, const xmlChar *id, const xmlChar *system)
{
	xmlParserCtxt *parser = ctx;

	parser->_private = parser; /* refused */
	xmlStopParser(parser);
}

static int tree_parse(xmlDoc **doc, const char *path, const struct buffer *file)
{
	xmlParserCtxt *parser = xmlNewParserCtxt();
	const xmlError *error;
	char *shown = path_show(path);
	int err = 0;

	if (!parser)
		fail(STATUS_FAILED, "out of memory");
	parser->sax->internalSubset = doctype_refuse;
	parser->sax->externalSubset = doctype_refuse;
	*doc = xmlCtxtReadMemory(parser, file->text, (int)file->length, path, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES);
	error = xmlCtxtGetLastError(parser);
	if (parser->_private) {
		err = error_set(EINVAL, "%s:%d: a document type (<!DOCTYPE) is refused", shown,
			parser->input ? parser->input->line : 1);
	} else if (!*doc) {
		err = error_set(EINVAL, "%s:%d: not XML: %.*s", shown,
			error && error->line ? error->line : 1,
			error && error->message ? (int)strcspn(error->message, "\n") : 10,
			error && error->message ? error->message : "unreadable");
	}
	if (err) {
		xmlFreeDoc(*doc);
		*doc = NULL;
	} else {
		(*doc)->_private = (void *)path;
	}
	xmlFreeParserCtxt(parser);
	free(shown);
	return err;
}

int xml_read(xmlDoc **doc, const char *path)
{
	struct buffer file = {0};
	char *shown;
	int err;

	*doc = NULL;
	err = file_read(path, &file);
	if (err) {
		shown = path_show(path);
		error_set(-err, "%s: %s", shown, strerror(-err));
		free(shown);
	} else {
		err = tree_parse(doc, path, &file);
	}
	free(file.text);
	return err;
}

const xmlNode *xml_next(const xmlNode *node)
{
	for (node = node->next; node && node->type != XML_ELEMENT_NODE; node = node->next)
		;
	return node;
}

const xmlNode *xml_first(const xmlNode *node)
{
	node = node->children;
	return !node || node->type == XML_ELEMENT_NODE ? node : xml_next(node);
}

bool xml_is(const xmlNode *node, const char *name)
{
	return !strcmp((const char *)node->name, name);
}

static char *xml_take(xmlChar *text)
{
	char *copy = text ? format("%s", (char *)text) : NULL;

	xmlFree(text);
	return copy;
}

char *xml_attribute(const xmlNode *node, const char *name)
{
	return xml_take(xmlGetNoNsProp(node, (const xmlChar *)name));
}

char *xml_content(const xmlNode *node)
{
	char *text = xml_take(xmlNodeGetContent(node));

	return text ? text : format("%s", "");
}

const char *xml_file(const xmlNode *node)
{
	return node->doc->_private;
}

static char *place_format(const xmlNode *node, const char *fmt, va_list args)
{
	char *shown, *what, *text;

	if (vasprintf(&what, fmt, args) < 0)
		fail(STATUS_FAILED, "out of memory");
	if (!node) /* a value of defaults.c */
		return what;
	shown = path_show(xml_file(node));
	text = format("%s:%ld: %s", shown, xmlGetLineNo(node), what);
	free(shown);
	free(what);
	return text;
}

int project_error(int err, const xmlNode *node, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = place_format(node, fmt, args);
	va_end(args);
	error_set(err, "%s", text);
	free(text);
	return -err;
}

void project_note(struct project *project, const xmlNode *node, const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = place_format(node, fmt, args);
	va_end(args);
	if (!strings_have(&project->notes, text))
		strings_add(&project->notes, text);
	free(text);
}
